"""Hand-derived gradients and Hessians of the cross-entropy, and finite differences to check them with.

One definition serves NumPy arrays, torch tensors and whatever else follows the Python array API standard.
Half precisions are computed in float32 and rounded once; within ``torch.autocast`` the matrix products of the
regressions have its type. Chapter 4 derives every formula; a difference such as p − 1 is nowhere taken where p may be
close to 1 and the target is a class label, so tiny gradients and curvatures keep their digits.
Input that does not fit is refused with a TypeError, ValueError or IndexError that names the argument (``validation``).
"""

from collections.abc import Callable
from math import prod

import numpy as np
from array_api_compat import array_namespace, device

from xent_helpers import validation as check
from xent_helpers.losses import one_hot, sigmoid, softmax
from xent_helpers.sums import total, widened
from xent_helpers.validation import Array

# An infinite or huge input gives what arithmetic makes of it, mostly NaN; NumPy need not warn of that too.
_quiet = np.errstate(all="ignore")


def softmax_jacobian(logits: Array) -> Array:
    r"""∂p_i/∂z_j = p_i (δ_ij − p_j) of p = softmax(z): the matrix diag(p) − p pᵀ for each row.

    Rows and columns sum to 0. The diagonal is minus the sum of the rest of its row: p_i − p_i² would lose
    its digits where p_i is close to 1.

    Args:
        logits: floating array (..., C).

    Returns:
        Array (..., C, C).

    Example:
        >>> import numpy as np
        >>> print(softmax_jacobian(np.array([0.0, 0.0])))
        [[ 0.25 -0.25]
         [-0.25  0.25]]

    Source: the quotient rule; chapter 4, equation 4.1.
    """
    p = softmax(_widened_logits(logits))
    xp = array_namespace(p)
    eye = xp.eye(p.shape[-1], dtype=p.dtype, device=device(p))
    between = xp.expand_dims(p, axis=-1) * xp.expand_dims(p, axis=-2) * (1.0 - eye)
    return xp.astype(eye * total(between, keepdims=True) - between, logits.dtype)


def cross_entropy_gradient(logits: Array, target: Array, *, reduction: str = "mean") -> Array:
    r"""∂ℓ/∂z = p − y, the gradient of ``losses.cross_entropy`` with respect to the logits.

    For a class index every wrong class gets its own probability and the true class minus their sum, which is
    p_y − 1 without cancellation. A probability target whose row sums to s gives s p − y. The mean divides by N.

    Args:
        logits: floating array (N, C), or (C,) for one sample.
        target: integer class indices (N,) or (), or floating probabilities of the logits' shape.
        reduction: "mean" or "sum", as of the loss.

    Returns:
        Array of the logits' shape.

    Example:
        >>> import numpy as np
        >>> print(cross_entropy_gradient(np.array([0.0, 0.0]), np.array(1)))
        [ 0.5 -0.5]

    Source: chapter 4, equation 4.3.
    """
    y, is_index = _checked_target(logits, target)
    divisor = _divisor(logits, reduction)
    p = softmax(_widened_logits(logits), axis=-1)
    xp = array_namespace(p)
    if is_index:
        wrong = p * (1.0 - y)
        gradient = wrong - y * total(wrong, keepdims=True)
    else:
        gradient = p * total(y, keepdims=True) - y
    return xp.astype(gradient / divisor, logits.dtype)


def cross_entropy_hessian(logits: Array) -> Array:
    r"""∂²ℓ/∂z_i∂z_j = p_i (δ_ij − p_j), the curvature of one sample's loss with respect to its logits.

    It is the softmax's Jacobian, because the gradient is p − y and y is constant. The target does not occur in
    it, as long as its probabilities sum to 1.

    Args:
        logits: floating array (..., C).

    Returns:
        Array (..., C, C): symmetric, positive semidefinite, with null vector (1, …, 1) and no eigenvalue above ½.

    Example:
        >>> import numpy as np
        >>> print(cross_entropy_hessian(np.array([1.0, 2.0, 0.1])) @ np.ones(3) < 1e-16)
        [ True  True  True]

    Source: chapter 4, equation 4.7; the bound is Böhning's (1992).
    """
    return softmax_jacobian(logits)


@_quiet
def softmax_regression_gradient(x: Array, weights: Array, target: Array) -> Array:
    r"""∂L/∂W = Xᵀ(P − Y) / N for the mean cross-entropy L of the logits X W.

    Args:
        x: floating features (N, D); a column of ones serves as the bias.
        weights: floating array (D, C).
        target: integer class indices (N,), or floating probabilities (N, C).

    Returns:
        Array (D, C).

    Example:
        >>> import numpy as np
        >>> print(softmax_regression_gradient(np.array([[1.0, 2.0]]), np.zeros((2, 2)), np.array([1])))
        [[ 0.5 -0.5]
         [ 1.  -1. ]]

    Source: chapter 4, equation 4.4.
    """
    xp = check.check_arrays(x=x, weights=weights, target=target)
    check.check_linear_model(x, weights, outputs=True)
    dtype, x, weights = _widened(x, weights)
    return xp.astype(xp.matrix_transpose(x) @ cross_entropy_gradient(x @ weights, target), dtype)


@_quiet
def softmax_regression_hessian(x: Array, weights: Array) -> Array:
    r"""∂²L/∂W_dc∂W_ek = Σ_i x_id x_ie p_ic (δ_ck − p_ik) / N for the mean cross-entropy L of the logits X W.

    Args:
        x: floating features (N, D).
        weights: floating array (D, C).

    Returns:
        Array (D, C, D, C); reshaped to (D·C, D·C) it is symmetric and positive semidefinite.

    Example:
        >>> import numpy as np
        >>> softmax_regression_hessian(np.ones((4, 3)), np.zeros((3, 2))).shape
        (3, 2, 3, 2)

    Source: chapter 4, equation 4.10.
    """
    xp = check.check_arrays(x=x, weights=weights)
    check.check_linear_model(x, weights, outputs=True)
    (n, d), c = x.shape, weights.shape[1]
    dtype, x, weights = _widened(x, weights)
    pairs = xp.expand_dims(x, axis=2) * xp.expand_dims(x, axis=1)
    curvature = cross_entropy_hessian(x @ weights)
    hessian = xp.matrix_transpose(xp.reshape(pairs, (n, d * d))) @ xp.reshape(curvature, (n, c * c)) / n
    return xp.astype(xp.permute_dims(xp.reshape(hessian, (d, d, c, c)), (0, 2, 1, 3)), dtype)


@_quiet
def logistic_regression_gradient(x: Array, weights: Array, target: Array) -> Array:
    r"""∂L/∂w = Xᵀ(p − y) / N for the mean binary cross-entropy L of the logits X w, with p = sigmoid(X w).

    p − y is taken as (1 − y) p − y (1 − p), with 1 − p = sigmoid(−X w), which keeps tiny differences.

    Args:
        x: floating features (N, D); a column of ones serves as the bias.
        weights: floating array (D,).
        target: floating labels (N,) in [0, 1].

    Returns:
        Array (D,).

    Example:
        >>> import numpy as np
        >>> print(logistic_regression_gradient(np.array([[1.0, 2.0]]), np.zeros(2), np.array([1.0])))
        [-0.5 -1. ]

    Source: chapter 4, equation 4.4 for two classes.
    """
    xp = check.check_arrays(x=x, weights=weights, target=target)
    check.check_linear_model(x, weights, outputs=False)
    check.check_floating(target=target)
    check.check_probabilities("target", target, "number the two classes 0 and 1")
    dtype, x, weights = _widened(x, weights)
    z, target = x @ weights, widened(target)
    check.check_same_shape("logits", z, "target", target)
    return xp.astype(xp.matrix_transpose(x) @ ((1.0 - target) * sigmoid(z) - target * sigmoid(-z)) / x.shape[0], dtype)


@_quiet
def logistic_regression_hessian(x: Array, weights: Array) -> Array:
    r"""∂²L/∂w∂w = Xᵀ diag(p (1 − p)) X / N for the mean binary cross-entropy L of the logits X w.

    Args:
        x: floating features (N, D).
        weights: floating array (D,).

    Returns:
        Array (D, D), symmetric and positive semidefinite.

    Example:
        >>> import numpy as np
        >>> print(logistic_regression_hessian(np.array([[1.0, 2.0]]), np.zeros(2)))
        [[0.25 0.5 ]
         [0.5  1.  ]]

    Source: chapter 4, equation 4.9.
    """
    xp = check.check_arrays(x=x, weights=weights)
    check.check_linear_model(x, weights, outputs=False)
    dtype, x, weights = _widened(x, weights)
    z = x @ weights
    spread = xp.expand_dims(sigmoid(z) * sigmoid(-z), axis=-1)
    return xp.astype(xp.matrix_transpose(x) @ (spread * x) / x.shape[0], dtype)


def finite_differences(f: Callable[[Array], Array], x: Array, step: float = 1e-5) -> Array:
    r"""∂f/∂x by central differences, (f(x + h e_i) − f(x − h e_i)) / 2h, one entry of x at a time.

    In float64 a step near 1e-5 is about the best for a well-scaled f; in float32 near 1e-2, and then only a
    few digits are right.

    Args:
        f: takes an array of the shape of x; returns an array of any shape (0-d for a loss).
        x: floating array, any shape.
        step: h, a positive number.

    Returns:
        Array of shape f(x).shape + x.shape.

    Raises:
        TypeError: ``x`` is no floating array.
        ValueError: ``step`` is not positive.

    Example:
        >>> import numpy as np
        >>> print(finite_differences(lambda x: np.sum(x**2), np.array([1.0, 3.0])).round(6))
        [2. 6.]

    Source: chapter 4, equation 4.5.
    """
    xp = check.check_arrays(x=x)
    check.check_floating(x=x)
    step = check.check_number("step", step, "1e-5 suits float64")
    size = prod(x.shape)
    if size == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}, expected at least one entry: there is nothing to move.")
    entries = xp.arange(size, device=device(x))
    shifts = [xp.reshape(xp.astype(entries == i, x.dtype) * step, x.shape) for i in range(size)]
    columns = [(f(x + shift) - f(x - shift)) / (2 * step) for shift in shifts]
    slopes = xp.stack([xp.asarray(column) for column in columns], axis=-1)  # f may return a plain number
    return xp.reshape(slopes, tuple(slopes.shape[:-1]) + tuple(x.shape))


def _widened_logits(logits: Array) -> Array:
    check.check_arrays(logits=logits)
    check.check_floating(logits=logits)
    return widened(logits)


def _widened(x: Array, weights: Array) -> tuple[object, Array, Array]:
    """Return the type of a result of both, and both in the type to compute in."""
    dtype = array_namespace(x).result_type(x.dtype, weights.dtype)
    return dtype, widened(x, dtype), widened(weights, dtype)


def _divisor(logits: Array, reduction: str) -> int:
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction is {reduction!r}, expected 'mean' or 'sum': each row of the sum is one sample's.")
    return logits.shape[0] if reduction == "mean" and logits.ndim > 1 else 1


def _checked_target(logits: Array, target: Array) -> tuple[Array, bool]:
    """Check (N, C) or (C,) logits with their target; return rows of target probabilities, and whether it was labels."""
    xp = check.check_arrays(logits=logits, target=target)
    classes = check.check_class_scores("logits", logits)
    if logits.ndim > 2:
        raise ValueError(f"logits has {logits.ndim} axes, expected (N, C) or (C,): reshape it to one row a sample.")
    is_index = check.check_class_target("logits", logits, target, allow_probabilities=True)
    if is_index:
        check.check_labels("target", target, classes)
        target = one_hot(target, classes)
    else:
        check.check_probabilities("target", target, "a row of class probabilities sums to 1")
    return xp.astype(target, xp.result_type(logits.dtype, xp.float32)), is_index
