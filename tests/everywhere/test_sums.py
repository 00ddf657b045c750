"""Sums of many terms keep their digits, whatever the type and the order in memory: no term is added one by one.

What is right comes from pencil and paper or from ``math.fsum``, which is exact, over float64 numbers.
"""

import math

import numpy as np
import pytest
import torch

from tests.everywhere.functions import public
from tests.odd_arrays import plain
from xent_helpers import calibration, information, losses, targets

MILLION = 2**20
PUBLIC = public()
ORDERS = {  # (rows, classes) in memory, with the classes on the last axis or on the first
    "side by side": lambda a: (np.ascontiguousarray(a), -1),
    "strided": lambda a: (np.asfortranarray(a), -1),
    "axis 0": lambda a: (np.ascontiguousarray(a.T), 0),
    "axis 0, strided": lambda a: (np.asfortranarray(a.T), 0),
    "tensor": lambda a: (torch.tensor(a), -1),
    "tensor, axis 0": lambda a: (torch.tensor(a).T.contiguous(), 0),
}


def distributions(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Two float32 arrays (3, classes) of rows that sum to 1."""
    made = np.random.default_rng(0).uniform(0.5, 1.5, (2, 3, classes))
    return tuple((made / made.sum(-1, keepdims=True)).astype(np.float32))


def of_rows(term, *arrays: np.ndarray) -> list[float]:
    """Σ term(a, b, …) over each row, exactly."""
    return [math.fsum(term(*map(np.float64, row)).tolist()) for row in zip(*arrays, strict=True)]


ROWWISE = {
    "information.entropy": lambda q, p: (lambda q: -q * np.log(q), (q,)),
    "information.cross_entropy": lambda q, p: (lambda q, p: -q * np.log(p), (q, p)),
    "information.brier_score": lambda q, p: (lambda q, p: (p - q) ** 2 + q * (1 - q), (q, p)),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", ROWWISE)
def test_costs_of_a_hundred_thousand_classes(name, order):
    term, arguments = ROWWISE[name](*distributions(100_003))
    given, axes = zip(*map(ORDERS[order], arguments), strict=True)
    np.testing.assert_allclose(plain(PUBLIC[name](*given, axis=axes[0])), of_rows(term, *arguments), rtol=4e-7)


@pytest.mark.parametrize("order", ORDERS)
def test_softmax_and_its_relatives_over_a_million_logits(order):
    z = np.random.default_rng(1).normal(size=(2, MILLION + 1)).astype(np.float32)
    total = np.log(of_rows(np.exp, z))
    given, axis = ORDERS[order](z)
    np.testing.assert_allclose(plain(losses.logsumexp(given, axis)), total, rtol=2.4e-7)
    turned = (lambda a: plain(a).T) if axis == 0 else plain
    np.testing.assert_allclose(turned(losses.log_softmax(given, axis)), z - total[:, None], rtol=5e-7)
    np.testing.assert_allclose(turned(losses.softmax(given, axis)), np.exp(z - total[:, None]), rtol=1e-6)


@pytest.mark.parametrize("order", ["side by side", "strided", "tensor"])
@pytest.mark.parametrize("soft", [False, True])
def test_a_loss_of_a_hundred_thousand_classes_keeps_its_four_units(order, soft):
    z = np.random.default_rng(2).normal(size=(3, 100_003)).astype(np.float32)
    label, q = np.array([0, 7, 100_002]), distributions(100_003)[0]
    own = of_rows(lambda q, z: q * z, q, z) if soft else z[[0, 1, 2], label]
    due = np.log(of_rows(np.exp, z)) * (of_rows(lambda q: q, q) if soft else 1) - own
    given, _ = ORDERS[order](z)
    target = ORDERS[order](q)[0] if soft else ORDERS[order](label)[0]
    np.testing.assert_allclose(plain(losses.cross_entropy(given, target, reduction="none")), due, rtol=4 * 1.2e-7)


def test_rows_of_equal_logits_are_distributions_in_any_order():
    p = losses.softmax(np.asfortranarray(np.zeros((2, 50_257), np.float32)))
    np.testing.assert_allclose(information.entropy(p), math.log(50_257), rtol=2.4e-7)


SMALL = [np.float16, torch.float16, torch.bfloat16]


def made(values: np.ndarray, dtype: object) -> object:
    return torch.tensor(values, dtype=dtype) if isinstance(dtype, torch.dtype) else values.astype(dtype)


@pytest.mark.parametrize("dtype", [*SMALL, np.float32, torch.float32])
@pytest.mark.parametrize("n", [1000, 70_000, MILLION])
def test_a_calibration_error_that_can_be_worked_out_by_hand(dtype, n):
    """Claims of ¾ that all come true are wrong by ¼; of which three in four come true, by nothing."""
    claimed = made(np.full(n, 0.75), dtype)
    for came, due in ((np.ones(n, bool), 0.25), (np.arange(n) % 4 > 0, 0.0)):
        came = torch.tensor(came) if isinstance(claimed, torch.Tensor) else came
        assert float(calibration.expected_calibration_error(claimed, came)) == due
        table = calibration.reliability(claimed, came)
        assert int(table.count[11]) == n and float(table.claimed[11]) == 0.75 and table.claimed.dtype == claimed.dtype


def test_the_calibration_error_of_four_million_claims():
    rng = np.random.default_rng(3)
    claimed = rng.random(4_000_000).astype(np.float32)
    came = rng.random(len(claimed)) < claimed
    place = np.floor(claimed.astype(np.float64) * 15).clip(max=14).astype(int)
    gaps = np.bincount(place, came - claimed.astype(np.float64), 15)
    due = math.fsum(np.abs(gaps)) / len(claimed)
    assert float(calibration.expected_calibration_error(claimed, came)) == pytest.approx(due, rel=1e-3)


@pytest.mark.parametrize("dtype", SMALL)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("loss", ["focal_loss", "generalised_cross_entropy", "distillation_loss", "forward_loss"])
def test_losses_in_half_precision_are_rounded_once(dtype, reduction, loss):
    rng = np.random.default_rng(5)
    z, v, y = rng.normal(size=(50, 4)), rng.normal(size=(50, 4)), rng.integers(0, 4, 50)
    rest = {"distillation_loss": (v,), "forward_loss": (y, targets.flip_matrix(4, 0.1875))}.get(loss, (y,))
    function, whole = getattr(targets, loss), np.int64 if dtype is np.float16 else torch.int64
    given = [made(a, dtype if a.dtype.kind == "f" else whole) for a in (z, *rest)]
    exact = [plain(a) if a.dtype == dtype else np.asarray(a) for a in given]  # the same numbers, in float64
    unit = 2.0**-8 if dtype is torch.bfloat16 else 2.0**-11
    due = function(*exact, reduction=reduction)
    np.testing.assert_allclose(plain(function(*given, reduction=reduction)), due, rtol=1.01 * unit)


def test_a_transposed_prior_is_moved():
    p = distributions(100_003)[0]
    trained = np.random.default_rng(4).uniform(0.5, 2, 100_003).astype(np.float32)
    moved = calibration.shift_prior_probs(np.asfortranarray(p), trained, np.ones_like(trained))
    share = p.astype(np.float64) / trained.astype(np.float64)
    np.testing.assert_allclose(moved, share / share.sum(1, keepdims=True), rtol=1e-6)
