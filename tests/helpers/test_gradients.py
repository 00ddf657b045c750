"""Hand-derived gradients and Hessians against autograd, finite differences and 50-digit arithmetic."""

import array_api_strict
import mpmath
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.refusals import refused
from xent_helpers import gradients, losses

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(scale=2.0, size=(6, 4))
LABELS = RNG.integers(0, 4, 6)
SOFT = RNG.dirichlet(np.ones(4), 6)
X = np.column_stack([np.ones(7), RNG.normal(size=(7, 3))])
W = RNG.normal(size=(4, 5))
Y = RNG.integers(0, 5, 7)
BINARY = RNG.integers(0, 2, 7).astype(float)

MAKERS = {
    "numpy": np.asarray,
    "numpy float32": lambda a: np.asarray(a, dtype=np.float32 if a.dtype.kind == "f" else None),
    "torch": torch.as_tensor,
    "torch float32": lambda a: torch.as_tensor(a).float() if a.dtype.kind == "f" else torch.as_tensor(a),
    "strict": array_api_strict.asarray,
}
CALLS = {
    "softmax_jacobian": (gradients.softmax_jacobian, (LOGITS,), {}),
    "cross_entropy_gradient": (gradients.cross_entropy_gradient, (LOGITS, LABELS), {}),
    "its sum": (gradients.cross_entropy_gradient, (LOGITS, LABELS), {"reduction": "sum"}),
    "of probabilities": (gradients.cross_entropy_gradient, (LOGITS, SOFT), {}),
    "cross_entropy_hessian": (gradients.cross_entropy_hessian, (LOGITS,), {}),
    "softmax_regression_gradient": (gradients.softmax_regression_gradient, (X, W, Y), {}),
    "softmax_regression_hessian": (gradients.softmax_regression_hessian, (X, W), {}),
    "logistic_regression_gradient": (gradients.logistic_regression_gradient, (X, W[:, 0], BINARY), {}),
    "logistic_regression_hessian": (gradients.logistic_regression_hessian, (X, W[:, 0]), {}),
}


# against autograd


def test_the_hessian_is_autograds():
    for z in LOGITS:
        hessian = torch.func.hessian(lambda z: F.cross_entropy(z, torch.tensor(1)))(torch.tensor(z)).numpy()
        np.testing.assert_allclose(gradients.cross_entropy_hessian(z), hessian, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(("one", "other"), [(np.float32, np.float64), (np.float64, np.float32)])
def test_the_wider_type_of_inputs_and_weights_decides(one, other):
    assert gradients.softmax_regression_gradient(X.astype(one), W.astype(other), Y).dtype == np.float64
    assert gradients.softmax_regression_hessian(X.astype(one), W.astype(other)).dtype == np.float64


# any array library, any floating type


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("library", MAKERS)
def test_every_library_gives_the_same(name, library):
    function, arguments, options = CALLS[name]
    given = [MAKERS[library](a) for a in arguments]
    result = function(*given, **options)
    assert type(result) is type(given[0]) and result.dtype == given[0].dtype
    tolerance = 2e-5 if "32" in library else 1e-12
    np.testing.assert_allclose(np.asarray(result), function(*arguments, **options), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", CALLS)
def test_half_precision_is_computed_in_float32(name, dtype):
    function, arguments, options = CALLS[name]
    halves = [torch.as_tensor(a).to(dtype) if a.dtype.kind == "f" else torch.as_tensor(a) for a in arguments]
    result = function(*halves, **options)
    assert result.dtype == dtype
    wide = [a.float() if a.is_floating_point() else a for a in halves]
    assert torch.equal(result, function(*wide, **options).to(dtype))
    np.testing.assert_allclose(result.float(), function(*arguments, **options), atol=0.03)


def test_several_axes_of_logits():
    stack = RNG.normal(size=(2, 3, 4))
    each = np.array([[gradients.softmax_jacobian(z) for z in row] for row in stack])
    np.testing.assert_array_equal(gradients.cross_entropy_hessian(stack), each)


# tiny numbers keep their digits


def test_a_confident_right_answer_keeps_its_gradient_and_curvature():
    z = np.array([40.0, 0.0, -1.0])
    with mpmath.workdps(50):
        e = [mpmath.exp(v) for v in z]
        p = [v / sum(e) for v in e]
        gradient = [float(p[0] - 1), float(p[1]), float(p[2])]
        hessian = [[float(p[i] * ((i == j) - p[j])) for j in range(3)] for i in range(3)]
    np.testing.assert_allclose(gradients.cross_entropy_gradient(z, np.array(0)), gradient, rtol=1e-14)
    np.testing.assert_allclose(gradients.cross_entropy_hessian(z), hessian, rtol=1e-14)


def test_a_confident_right_sigmoid_keeps_its_gradient_and_curvature():
    x, w, y = np.array([[40.0], [-40.0]]), np.array([1.0]), np.array([1.0, 0.0])
    tiny = float(1 / (1 + mpmath.exp(40)))
    np.testing.assert_allclose(gradients.logistic_regression_gradient(x, w, y), [-40 * tiny], rtol=1e-14)
    np.testing.assert_allclose(gradients.logistic_regression_hessian(x, w), [[1600 * tiny]], rtol=1e-14)


@pytest.mark.parametrize("z", [[1e4, -1e4, 0.0], [-np.inf, 0.0, 1.0]])
def test_huge_and_masked_logits_give_finite_gradients(z):
    gradient = gradients.cross_entropy_gradient(np.array(z), np.array(1))
    assert np.isfinite(gradient).all() and abs(gradient.sum()) < 1e-15
    assert np.isfinite(gradients.cross_entropy_hessian(np.array(z))).all()


# finite differences


def test_finite_differences_of_a_matrix_function():
    slopes = gradients.finite_differences(lambda x: x**2, np.array([[1.0, 2.0], [3.0, 4.0]]))
    expected = np.zeros((2, 2, 2, 2))
    for i in np.ndindex(2, 2):
        expected[i + i] = 2 * np.array([[1.0, 2.0], [3.0, 4.0]])[i]
    assert slopes.shape == (2, 2, 2, 2)
    np.testing.assert_allclose(slopes, expected, atol=1e-9)


def test_finite_differences_come_close_with_the_step_they_have():
    x = np.array([0.0, 1.0, -2.0])
    np.testing.assert_allclose(gradients.finite_differences(lambda x: np.exp(x).sum(), x), np.exp(x), rtol=1e-9)


@pytest.mark.parametrize("library", MAKERS)
def test_finite_differences_stay_in_the_library_and_type(library):
    z = MAKERS[library](LOGITS)
    y = MAKERS[library](LABELS)
    step = np.float64(1e-2 if "32" in library else 1e-5)
    slopes = gradients.finite_differences(lambda z: losses.cross_entropy(z, y), z, step)
    assert type(slopes) is type(z) and slopes.dtype == z.dtype and slopes.shape == z.shape
    expected = gradients.cross_entropy_gradient(LOGITS, LABELS)
    np.testing.assert_allclose(np.asarray(slopes), expected, atol=1e-4 if "32" in library else 1e-9)


def test_finite_differences_leave_their_argument_alone():
    x = np.array([1.0, 2.0])
    gradients.finite_differences(np.sum, x)
    np.testing.assert_array_equal(x, [1.0, 2.0])


# what is refused


@pytest.mark.parametrize(
    ("call", "error", "facts"),
    [
        (lambda: gradients.finite_differences(np.sum, np.ones(2), 0.0), ValueError, "step 0.0"),
        (lambda: gradients.finite_differences(np.sum, np.ones(2), float("nan")), ValueError, "step nan"),
        (lambda: gradients.finite_differences(sum, [1.0]), TypeError, "x list"),
        (lambda: gradients.finite_differences(np.sum, np.ones(2, int)), TypeError, "x int64"),
        (lambda: gradients.softmax_jacobian(np.ones(2, int)), TypeError, "logits int64"),
        (
            lambda: gradients.cross_entropy_gradient(LOGITS, LABELS, reduction="none"),
            ValueError,
            "reduction 'none' 'mean' 'sum'",
        ),
        (lambda: gradients.cross_entropy_gradient(LOGITS[None], LABELS[None]), ValueError, "logits 3 (N,_C) (C,)"),
        (lambda: gradients.cross_entropy_gradient(LOGITS, LABELS + 3), IndexError, "target 0 3"),
        (lambda: gradients.cross_entropy_gradient(LOGITS, 3 * SOFT), ValueError, "target 0 1"),
        (lambda: gradients.cross_entropy_gradient(LOGITS, LABELS[:3]), ValueError, "target (3,) (6,)"),
        (lambda: gradients.softmax_regression_gradient(X[0], W, Y), ValueError, "x (4,) (N,_D)"),
        (lambda: gradients.softmax_regression_hessian(X[:0], W), ValueError, "x (0,_4) (N,_D)"),
        (lambda: gradients.softmax_regression_gradient(X, W[1:], Y), ValueError, "weights (3,_5) (4,_C)"),
        (lambda: gradients.logistic_regression_gradient(X, W, BINARY), ValueError, "weights (4,_5) (4,) x (7,_4)"),
        (
            lambda: gradients.logistic_regression_gradient(X, W[:, 0], BINARY[:, None]),
            ValueError,
            "target (7,_1) logits (7,) target.reshape(logits.shape)",
        ),
        (lambda: gradients.logistic_regression_gradient(X, W[:, 0], 2 * BINARY), ValueError, "target 2.0"),
        (lambda: gradients.logistic_regression_gradient(X, W[:, 0], Y), TypeError, "target int64"),
        (lambda: gradients.logistic_regression_hessian(X, torch.tensor(W[:, 0])), TypeError, "x numpy weights torch"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(call, error, facts):
    with refused(error, facts):
        call()
