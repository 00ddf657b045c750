"""The costs of believing a distribution: entropy, cross-entropy, divergence, Brier score.

Here the arguments are probabilities. ``truth`` says how often each class occurs, ``belief`` what was predicted;
the order matters. (The loss of logits and labels, which models are trained with, is ``losses.cross_entropy``.)
Every function takes NumPy arrays, torch tensors on any device, or any other array that follows the Python array
API standard, and returns the same kind. Half precisions are computed in float32 and rounded once.
Input that does not fit is refused with a TypeError, ValueError or IndexError that names the argument (``validation``).
"""

from math import log
from numbers import Real

import numpy as np
from array_api_compat import array_namespace

from xent_helpers import validation as check
from xent_helpers.sums import total, widened
from xent_helpers.validation import Array

LN2 = log(2.0)
# log 0 has a defined meaning here (see mean_surprise), so NumPy need not warn of it.
_quiet = np.errstate(divide="ignore", over="ignore")


def mean_surprise(truth: Array, belief: Array, axis: int = -1) -> Array:
    """Σ_c truth_c (−log belief_c), unchecked; the kernel of every function in nats below.

    A class that never occurs costs nothing, so 0 · log 0 = 0; one that the belief wrongly rules out costs +inf.
    """
    xp = array_namespace(truth, belief)
    never = (truth == 0) & (belief == 0)
    surprise = 0.0 - xp.log(xp.where(never, 1.0, belief))  # "0.0 −", because −log 1 would be −0.0
    return total(truth * surprise, axis)


@_quiet
def entropy(p: Array, axis: int = -1) -> Array:
    r"""H(p) = Σ_c p_c (−log p_c), the surprise to expect from ``p``: from 0 for a certain class to log C.

    On torch, the gradient is −log p_c − 1, and 0 in place of +inf where p_c = 0.

    Args:
        p: probabilities, floating array of any shape that sums to 1 along ``axis``.
        axis: the class axis, summed and removed.

    Returns:
        Nats, of the type of ``p``: one number for each row.

    Example:
        >>> print(f"{entropy(np.array([0.2, 0.7, 0.1])):.4f}")
        0.8018

    Source: Shannon (1948), Bell System Technical Journal 27; chapter 2, equation 2.3.
    """
    axis, dtype = _check(axis, p=p)
    return _rounded(mean_surprise(widened(p), widened(p), axis), dtype)


@_quiet
def cross_entropy(truth: Array, belief: Array, axis: int = -1) -> Array:
    r"""H(q, p) = Σ_c q_c (−log p_c), the surprise to expect when q is true and p is believed.

    It is +inf where the truth allows a class that the belief rules out. What neither allows costs nothing.

    Args:
        truth: probabilities q, floating array of any shape that sums to 1 along ``axis``.
        belief: probabilities p of the same shape.
        axis: the class axis, summed and removed.

    Returns:
        Nats, of the promoted type: one number for each row.

    Example:
        >>> sure, even = np.array([0.9, 0.1]), np.array([0.5, 0.5])
        >>> print(f"{cross_entropy(sure, even):.4f} {cross_entropy(even, sure):.4f}")
        0.6931 1.2040

    Source: chapter 2, equation 2.5.
    """
    axis, dtype = _check(axis, truth=truth, belief=belief)
    return _rounded(mean_surprise(widened(truth, dtype), widened(belief, dtype), axis), dtype)


@_quiet
def kl_divergence(truth: Array, belief: Array, axis: int = -1) -> Array:
    r"""KL(q‖p) = H(q, p) − H(q) = Σ_c q_c log(q_c / p_c), what believing p costs on top of the entropy of q.

    It is 0 where both agree, else positive, +inf where the belief rules out a class that can occur. Its rounding error
    is that of the entropy, so that a divergence of 1e-16 drowns in it and may come out as far below 0.

    Args:
        truth: probabilities q, floating array of any shape that sums to 1 along ``axis``.
        belief: probabilities p of the same shape.
        axis: the class axis, summed and removed.

    Returns:
        Nats, of the promoted type: one number for each row, not a mean.

    Example:
        >>> print(f"{kl_divergence(np.array([0.9, 0.1]), np.array([0.5, 0.5])):.4f}")
        0.3681

    Source: Kullback and Leibler (1951), Annals of Mathematical Statistics 22(1); chapter 2, equation 2.6.
    """
    axis, dtype = _check(axis, truth=truth, belief=belief)
    q, p = widened(truth, dtype), widened(belief, dtype)
    return _rounded(mean_surprise(q, p, axis) - mean_surprise(q, q, axis), dtype)


@_quiet
def brier_score(truth: Array, belief: Array, axis: int = -1) -> Array:
    r"""Σ_c (p_c − q_c)² + Σ_c q_c (1 − q_c), the squared error to expect when q is true and p is believed.

    For a label, ``truth`` is its one-hot row, the second sum is 0, and the score runs from 0 to 2. (For two classes
    many write (p₁ − y)² alone, which is half of this.)

    Args:
        truth: probabilities q, floating array of any shape that sums to 1 along ``axis``.
        belief: probabilities p of the same shape.
        axis: the class axis, summed and removed.

    Returns:
        A plain number without unit, of the promoted type, for each row.

    Example:
        >>> print(f"{brier_score(np.array([0.0, 1.0, 0.0]), np.array([0.2, 0.7, 0.1])):.4f}")
        0.1400

    Source: Brier (1950), Monthly Weather Review 78(1); chapter 2, equation 2.13.
    """
    axis, dtype = _check(axis, truth=truth, belief=belief)
    q, p = widened(truth, dtype), widened(belief, dtype)
    return _rounded(total((p - q) ** 2 + q * (1.0 - q), axis), dtype)


@_quiet
def perplexity(nats: Array | float) -> Array | float:
    r"""exp(nats), the number of equally probable classes that would be as surprising.

    Take the mean of the surprises first: the mean of perplexities is larger than the perplexity of the mean.

    Args:
        nats: an entropy, a cross-entropy or a mean loss in nats, at least 0: a floating array or a plain number.

    Returns:
        A number of classes from 1, of the same kind and shape.

    Raises:
        TypeError: ``nats`` is neither.
        ValueError: an entry is negative.

    Example:
        >>> print(f"{perplexity(entropy(np.array([0.25, 0.25, 0.25, 0.25]))):.4f}")
        4.0000

    Source: chapter 2, equation 2.4.
    """
    if isinstance(nats, Real) and not isinstance(nats, np.generic):
        return float(perplexity(np.asarray(float(nats))))
    xp = check.check_arrays(nats=nats)
    check.check_floating(nats=nats)
    check.check_not_negative(nats=nats)
    return xp.exp(nats)


@_quiet
def nats_to_bits(nats: Array | float) -> Array | float:
    """nats / log 2: a nat is 1.4427 bits. Takes a floating array or a plain number, else raises TypeError.

    Example:
        >>> print(f"{nats_to_bits(log(8.0)):.4f}")
        3.0000
    """
    _check_amount(nats=nats)
    return nats / LN2


def _check_amount(**amount: Array | float) -> None:
    """Refuse what is neither a floating array nor a plain number."""
    if not all(isinstance(value, Real) for value in amount.values()):
        check.check_arrays(**amount)
        check.check_floating(**amount)


def _check(axis: int, **arrays: Array):
    """Check one distribution, or two of one shape; return the axis and the type of the result."""
    xp = check.check_arrays(**arrays)
    axis = check.check_distributions(axis, **arrays)
    (name, first), *others = arrays.items()
    for other_name, other in others:
        check.check_same_shape(name, first, other_name, other)
    return axis, xp.result_type(*(array.dtype for array in arrays.values()))


def _rounded(x: Array, dtype) -> Array:
    return array_namespace(x).astype(x, dtype)
