"""Calls at the edge of what the helpers are for: the right value, worked out by hand or elsewhere, or one sentence."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from tests.refusals import refused
from xent_helpers import calibration, coding, compare, devices, fused, gradients, losses, replicas, targets, training

EVEN, LABELS = np.zeros((4, 2)), np.array([0, -100, -100, 1])
NET, PART = nn.Linear(2, 1), (torch.ones(3, 2), torch.zeros(3))
RNG = np.random.default_rng(0)


class Coin:
    def __init__(self, *weights):
        self.made = list(weights) or [3, 1]

    def weights(self):
        return self.made

    def see(self, symbol):
        pass


def fit(**changed):
    model, (x, y) = replicas.Replicas(2, (4, 8, 3)), (torch.rand(2, 9, 4).double(), torch.zeros(2, 9).long())
    return replicas.fit(model, cross_entropy, x, y, **{"steps": 3, "watch": id} | changed)


def distil(logits, temperature=1.0):
    return targets.distillation_loss(logits, logits, temperature)


def square(loss_fn_input, labels, reduction):
    """A loss that takes (N, 1) beside (N,) without a word, as torch's broadcasting does."""
    return (loss_fn_input - labels).square().sum()


REFUSED = {
    "sequences to distil": (lambda: distil(np.zeros((2, 3, 5))), ValueError, "student (2,_3,_5) (N,_C) 5"),
    "pictures to distil": (lambda: distil(np.zeros((2, 3, 5, 5))), ValueError, "student"),
    "T = ∞": (lambda: distil(EVEN, math.inf), ValueError, "temperature inf"),
    "T too large": (lambda: distil(EVEN, 1e200), ValueError, "temperature 1e+200 float64"),
    "T too small": (lambda: distil(EVEN, 1e-200), ValueError, "temperature 1e-200"),
    "T too large for float32": (lambda: distil(torch.zeros(2, 2), 1e20), ValueError, "temperature 1e+20 float32"),
    "soft targets of focal_loss": (lambda: targets.focal_loss(EVEN, EVEN + 0.5), TypeError, "target float64"),
    "soft targets of GCE": (lambda: targets.generalised_cross_entropy(EVEN, EVEN + 0.5), TypeError, "target"),
    "another ignored label": (lambda: targets.focal_loss(EVEN, LABELS, ignore_index=-1), IndexError, "target -100 [1]"),
    "logits to smooth": (lambda: targets.smoothed(np.array([2.0, -1.0]), 0.1), ValueError, "q -1.0"),
    "rows that do not sum to 1": (lambda: targets.smoothed(np.array([0.5, 0.9]), 0.1), ValueError, "q 1.4"),
    "no generator": (lambda: targets.noisy_labels(np.array([0]), np.eye(2), None), TypeError, "rng None"),
    "tensors": (lambda: targets.noisy_labels(torch.tensor([0]), torch.eye(2), RNG), TypeError, "labels"),
    "no label": (lambda: targets.noisy_labels(np.zeros(0, int), np.eye(2), RNG), ValueError, "labels (0,)"),
    "nothing wanted": (lambda: calibration.shift_prior(EVEN, np.ones(2), np.zeros(2)), ValueError, "wanted 0.0"),
    "no share wanted": (lambda: calibration.shift_prior_probs(EVEN, np.ones(2), np.zeros(2)), ValueError, "wanted"),
    "too many classes": (lambda: losses.one_hot(np.array([0]), 10**30), ValueError, "num_classes"),
    "one logit": (lambda: calibration.fit_temperature(EVEN[:, :1], np.zeros(4, int)), ValueError, "logits (4,_1) 0 z"),
    "logits alone": (lambda: calibration.fit_temperature(EVEN[:, 0], np.zeros(4, int)), ValueError, "logits (4,) 0 z"),
    "a label of no size": (lambda: losses.nll_loss(EVEN, LABELS, ignore_index=-(10**30)), ValueError, "ignore_index"),
    "nothing to move": (lambda: gradients.finite_differences(np.sum, np.zeros(0)), ValueError, "x (0,)"),
    "an endless step": (lambda: gradients.finite_differences(np.sum, np.zeros(1), math.inf), ValueError, "step inf"),
    "a negative symbol": (lambda: coding.arithmetic_encode([-1], Coin()), IndexError, "symbol -1 0 1"),
    "a symbol too many": (lambda: coding.arithmetic_encode([0, 2], Coin()), IndexError, "symbol 2 1 0 1"),
    "half a symbol": (lambda: coding.arithmetic_encode([0.5], Coin()), TypeError, "symbol 0.5"),
    "half a weight": (lambda: coding.arithmetic_encode([0], Coin(1.5, 1)), TypeError, "weight 1.5"),
    "no weight": (lambda: coding.arithmetic_decode("01", 1, Coin(0, 0)), ValueError, "weights [0,_0]"),
    "a prefix": (lambda: coding.arithmetic_decode("0b1", 2, Coin()), ValueError, "code '0b1'"),
    "a blank": (lambda: coding.arithmetic_decode(" 1", 2, Coin()), ValueError, "code ' 1'"),
    "no code": (lambda: coding.arithmetic_decode(5, 2, Coin()), ValueError, "code 5"),
    "a negative length": (lambda: coding.arithmetic_decode("01", -1, Coin()), ValueError, "length -1"),
    "no verdicts": (lambda: compare.verdicts(pd.DataFrame()), ValueError, "table"),
    "verdicts of no call": (lambda: compare.verdicts(compare.agreement([])), ValueError, "table"),
    "no run": (lambda: devices.milliseconds(list, torch.device("cpu"), 0), ValueError, "repeats 0"),
    "labels (N,) of one output": (lambda: training.evaluate(NET, *PART, square), ValueError, "y (3,) (3,_1)"),
    "labels that nobody decides": (lambda: training.decide(torch.zeros(2, 3, 5)), ValueError, "logits (2,_3,_5)"),
    "nothing to train": (lambda: training.train(nn.Identity(), PART, PART, square), ValueError, "model"),
    "half an epoch": (lambda: training.train(NET, PART, PART, square, epochs=0.5), TypeError, "epochs 0.5"),
    "arrays to train on": (lambda: training.train(NET, (EVEN, LABELS), PART, square), TypeError, "x numpy"),
    "never watched": (lambda: fit(every=0), ValueError, "every 0"),
    "no steps": (lambda: fit(steps=-1), ValueError, "steps -1"),
    "no seed": (lambda: replicas.Replicas(0, (4, 8, 3)), ValueError, "seeds 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_meant_is_refused_in_a_sentence(name):
    call, error, facts = REFUSED[name]
    with refused(error, facts):
        call()


@pytest.mark.parametrize("make", [np.asarray, torch.tensor])
def test_ignored_samples_do_not_count_in_losses_of_the_surprise(make):
    """Of four samples at even odds two are ignored; the others cost log 2, (½)² log 2 and ½."""
    z, y = make(EVEN), make(LABELS)
    assert float(targets.focal_loss(z, y, 0)) == pytest.approx(math.log(2), rel=1e-15)
    assert float(targets.focal_loss(z, y)) == pytest.approx(math.log(2) / 4, rel=1e-15)
    assert float(targets.generalised_cross_entropy(z, y, 1.0)) == pytest.approx(0.5, rel=1e-15)
    assert float(targets.generalised_cross_entropy(z, y, 1.0, reduction="sum")) == pytest.approx(1.0, rel=1e-15)
    assert math.isnan(float(targets.focal_loss(z, y * 0 - 100)))
    pictures, marks = make(np.zeros((1, 2, 3, 3))), make(np.full((1, 3, 3), 255) * np.eye(3, dtype=int)[None])
    assert float(targets.focal_loss(pictures, marks, 0, ignore_index=255)) == pytest.approx(math.log(2), rel=1e-15)


@pytest.mark.parametrize("temperature", [1e-100, 1e-3, 1.0, 7.0, 1e100])
def test_distillation_at_each_temperature_that_float64_can_square(temperature):
    """Students at (a, 0) and teachers at (0, a): near T = 0 the loss is T a, near T = ∞ it is T² log 2."""
    a, t = 2.0, temperature
    loss = float(targets.distillation_loss(np.array([a, 0.0]), np.array([0.0, a]), t))
    q = 1 / (1 + math.exp(-min(a / t, 700)))
    due = t * t * (math.log1p(math.exp(-min(a / t, 700))) + q * (a / t))
    assert loss == pytest.approx(due, rel=1e-12)


@pytest.mark.parametrize("kind", [np.float64, np.float32, torch.float64, torch.float32])
def test_probabilities_are_not_taken_for_logits_and_logits_never_for_probabilities(kind):
    rng = np.random.default_rng(1)

    def made(a):
        return torch.tensor(a, dtype=kind) if isinstance(kind, torch.dtype) else a.astype(kind)

    z = rng.normal(size=(40, 3))
    y = np.array([rng.choice(3, p=row) for row in losses.softmax(z / 2)])
    label = torch.tensor(y) if isinstance(kind, torch.dtype) else y
    p = losses.softmax(made(z))
    with refused(ValueError, "logits"):
        calibration.fit_temperature(p, label)
    with refused(ValueError, "logits"):
        calibration.shift_prior(p, made(np.ones(3)), made(np.ones(3)))
    xp = torch if isinstance(kind, torch.dtype) else np
    due = calibration.fit_temperature(made(z), label)
    assert calibration.fit_temperature(xp.log(p), label) == pytest.approx(due, rel=1e-4)
    shifted = calibration.fit_temperature(p - p.max(), label)  # logits that look like p, and the same with 1 added
    assert calibration.fit_temperature(p + 1, label) == pytest.approx(shifted, rel=1e-3)
    for logits in (z - z.mean(1, keepdims=True) + 1 / 3, np.abs(z), np.eye(3)[z.argmax(1)], np.round(z)):
        calibration.fit_temperature(made(logits), label)  # with sum 1, not negative, of 0 and 1 alone, whole
    calibration.shift_prior(p[0], made(np.ones(3)), made(np.ones(3)))  # one row says too little


@pytest.mark.parametrize("odd", [-math.inf, math.inf, math.nan])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("chunk", [1, 2**21])
def test_an_ignored_row_sends_nothing_back_whatever_it_holds(odd, reduction, chunk, monkeypatch):
    """The other rows' values and slopes are those of the same call without the row."""
    monkeypatch.setattr(fused, "CHUNK", chunk)
    x, weight = torch.randn(5, 3, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64, requires_grad=True)
    y, keep = torch.tensor([0, -100, 2, 1, -100]), torch.tensor([True, False, True, True, False])

    def value_and_slopes(loss, rows, labels):
        rows = rows.clone().requires_grad_()
        nats = loss(rows, labels, reduction=reduction)
        nats = nats[labels != -100].dot(torch.arange(1.0, 4.0).double()) if reduction == "none" else nats
        return nats, *torch.autograd.grad(nats, [rows, weight], allow_unused=True)

    for loss in (
        losses.cross_entropy,
        fused.fused_cross_entropy,
        lambda x, y, reduction: fused.linear_cross_entropy(x, weight, y, reduction=reduction, chunk_rows=chunk),
    ):
        filled = torch.where(keep[:, None], x, odd)
        nats, slope, dweight = value_and_slopes(loss, filled, y)
        due = value_and_slopes(loss, x[keep], y[keep])
        assert not slope[~keep].any()
        torch.testing.assert_close((nats, slope[keep]), due[:2], rtol=1e-13, atol=1e-15)
        torch.testing.assert_close(dweight, due[2], rtol=1e-13, atol=1e-15)


def test_evaluation_leaves_each_module_in_its_own_mode_even_after_an_error():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
    net[1].eval()
    for label in (0, 7):
        try:
            training.evaluate(net, torch.randn(4, 2), torch.full((4,), label), cross_entropy)
        except IndexError:
            assert label == 7
        assert [module.training for module in net.modules()] == [True, True, False, True]
    assert training.evaluate(nn.Identity(), torch.eye(3), torch.arange(3), cross_entropy).accuracy == 1


def test_a_matrix_with_zeros_has_the_slopes_of_the_formula():
    """∂/∂M_iỹ of −log Σ p_i M_iỹ is −p_i / Σ, also where M_iỹ is 0: at even odds and with Σ = ½ · 0 + ½ · ⅓, −3."""
    M = torch.tensor([[1.0, 0.0], [2 / 3, 1 / 3]], dtype=torch.float64, requires_grad=True)
    z = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    dz, dM = torch.autograd.grad(targets.forward_loss(z, torch.tensor([1]), M), [z, M])
    torch.testing.assert_close(dM, torch.tensor([[0.0, -3.0], [0.0, -3.0]], dtype=torch.float64))
    torch.testing.assert_close(dz, torch.tensor([[0.5, -0.5]], dtype=torch.float64))


def test_rows_rounded_to_half_precision_draw_each_class_as_often():
    M = np.full((100, 100), 0.01, np.float16)
    drawn = targets.noisy_labels(np.zeros(100_000, int), M, np.random.default_rng(0))
    assert abs((drawn == 99).sum() - 1000) < 5 * 1000**0.5  # five standard deviations


def test_inputs_and_weights_of_two_types_and_a_function_of_plain_numbers():
    x, w = torch.ones(3, 2), torch.ones(2, 3, dtype=torch.float64)
    assert gradients.softmax_regression_gradient(x, w, torch.tensor([0, 1, 2])).dtype == torch.float64
    assert gradients.finite_differences(lambda v: float(v @ v), np.array([1.0, 3.0])) == pytest.approx([2, 6])


def test_a_complaint_without_words_is_its_type():
    def complain():
        raise ValueError

    assert compare.complaint(complain) == "ValueError:"
    assert compare.units_apart(torch.zeros(0), torch.zeros(0), torch.float32) == 0
