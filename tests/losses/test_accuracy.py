"""Every loss × type × option × shape × reduction, value and gradient, against 60-digit arithmetic."""

import array_api_strict
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.losses.accuracy import DTYPES, LOSSES, REDUCTIONS, Measurement, all_cases, flat
from xent_helpers import losses


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Many small calls: a second thread would only get in the way."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=DTYPES)
def measurements(request) -> list[Measurement]:
    return [Measurement(case) for case in all_cases(getattr(torch, request.param))]


def test_values_and_gradients_on_torch(measurements):
    """Ours within the bounds; PyTorch's type and shape always, its numbers wherever its own are within the bounds."""
    failures = []
    for m in measurements:
        for reduction in REDUCTIONS:
            ours = m.case.run(getattr(losses, m.case.loss), reduction)
            theirs = m.case.run(getattr(F, m.case.loss), reduction)
            for got, expected, ruler, bound in zip(ours, theirs, m.rulers(reduction), m.bounds, strict=True):
                off, their_off = ruler.units(m.as_rows(got)), ruler.units(m.as_rows(expected))
                if not off <= bound or (got.dtype, got.shape) != (expected.dtype, expected.shape):
                    failures.append((str(m.case), reduction, off, got.dtype, got.shape))
                if their_off <= bound and not ruler.close(m.as_rows(got), m.as_rows(expected), 2 * bound):
                    failures.append((str(m.case), reduction, "differs from torch"))
    assert not failures


def test_values_on_numpy_and_array_api_strict(measurements):
    dtype = measurements[0].case.scores.dtype
    libraries = {torch.float16: [np], torch.bfloat16: []}.get(dtype, [np, array_api_strict])
    failures = []
    for number, m in enumerate(measurements):
        for library in libraries[
            : 1 if number % 4 else 2
        ]:  # array_api_strict wraps NumPy: a share of the cases will do
            for reduction in REDUCTIONS:
                off = m.values[reduction].units(m.case.run_on(library, reduction))
                if not off <= m.bounds[0]:
                    failures.append((library.__name__, str(m.case), reduction, off))
    assert not failures


def test_the_oracle_means_what_torch_means(measurements):
    """On the same numbers in float64 torch differs from the oracle by rounding only: both compute the same thing."""
    for m in measurements:
        if m.case.soft and m.case.scores.isinf().any():
            continue  # torch gives NaN, for 0 · ∞
        value, gradient = m.case.widened().run(getattr(F, m.case.loss), "mean")
        exact_value, exact_gradient = (ruler.high for ruler in m.rulers("mean"))
        np.testing.assert_allclose(flat(value), exact_value, rtol=1e-12, atol=1e-12, err_msg=str(m.case))
        if m.case.loss != "binary_cross_entropy":  # torch clamps its gradient's denominator there
            slopes = flat(m.as_rows(gradient))
            np.testing.assert_allclose(slopes, exact_gradient, rtol=1e-9, atol=1e-11, err_msg=str(m.case))


def test_every_loss_and_option_is_measured():
    cases = list(all_cases(torch.float32))
    assert {case.loss for case in cases} == set(LOSSES)
    seen = {(case.loss, option) for case in cases for option in (*case.arrays, *case.plain)}
    assert seen >= {("cross_entropy", o) for o in ("weight", "ignore_index", "label_smoothing")}
    assert seen >= {("nll_loss", o) for o in ("weight", "ignore_index")}
    assert seen >= {("binary_cross_entropy_with_logits", o) for o in ("weight", "pos_weight")}
    assert ("binary_cross_entropy", "weight") in seen
    assert {case.scores.ndim for case in cases if case.loss == "cross_entropy"} == {1, 2, 3, 4}
    assert any(case.soft for case in cases)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_course_headline(dtype):
    """Logits (20, 0, −1) of class 0: loss 2.81941e-9, where torch prints 0 in float32."""
    z = torch.tensor([20.0, 0.0, -1.0], dtype=dtype, requires_grad=True)
    loss = losses.cross_entropy(z, torch.tensor(0))
    loss.backward()
    assert f"{loss.item():.5e}" == "2.81941e-09"
    assert f"{z.grad[0].item():.5e}" == "-2.81941e-09"
    if dtype == torch.float32:
        assert F.cross_entropy(z, torch.tensor(0)).item() == 0


@pytest.mark.parametrize("shape", [(1000,), (64, 100)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_costs_do_not_drift(shape, dtype):
    """Uniform logits: each cost is log C, and so are their weighted sum over classes and their mean over samples."""
    classes = shape[-1]
    eps = torch.finfo(dtype).eps
    for logit in (0.0, 0.3, 7.7):
        z = torch.full(shape, logit, dtype=dtype)
        q = torch.full(shape, 1 / classes, dtype=dtype)
        y = torch.zeros(shape[:-1], dtype=torch.int64)
        for loss in (
            losses.cross_entropy(z, q),
            losses.cross_entropy(z, y, label_smoothing=0.3),
            losses.cross_entropy(z, y, weight=torch.full((classes,), 0.3, dtype=dtype)),
        ):
            assert abs(loss.double().item() / np.log(classes) - 1) <= 4 * eps
