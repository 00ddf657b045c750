"""How probable a coin's or a die's outcomes are, and which coin or die makes them most probable.

One definition serves NumPy arrays, torch tensors and whatever else follows the Python array API standard.
Labels count from 0: the outcomes of a coin are 0 and 1, the faces of a die with C faces are 0 … C − 1.
Input that does not fit is refused with a TypeError, ValueError or IndexError that names the argument (``validation``).
"""

import numpy as np
from array_api_compat import array_namespace, device

from xent_helpers import validation as check
from xent_helpers.losses import one_hot
from xent_helpers.sums import total, widened
from xent_helpers.validation import Array

_quiet = np.errstate(divide="ignore")  # log 0 = −inf is an answer here: an impossible outcome came


def class_counts(labels: Array, num_classes: int) -> Array:
    """Count how often each class occurs: n_c, whose sum is N.

    Args:
        labels: integer labels (N,) from 0 to num_classes − 1, at least one.
        num_classes: C, which the labels alone cannot tell: a class may be missing among them.

    Returns:
        int64 array of shape (C,).

    Example:
        >>> print(class_counts(np.array([2, 0, 2]), 4))
        [1 0 2 0]
    """
    xp = check.check_arrays(labels=labels)
    check.check_samples("labels", labels)
    check.check_index_type("labels", labels)
    check.check_labels("labels", labels, check.check_num_classes(num_classes))
    return xp.sum(one_hot(labels, num_classes), axis=0)


@_quiet
def bernoulli_log_likelihood(theta: Array, y: Array) -> Array:
    r"""log Π_i θ^{y_i} (1 − θ)^{1 − y_i} = k log θ + (N − k) log(1 − θ) for k ones among N outcomes.

    An outcome that did not occur costs nothing, so at θ = 0 without ones the result is N log 1 = 0. An outcome
    that occurred although its probability is 0 makes the result −inf.

    Args:
        theta: probabilities of a 1, floating array of any shape; half precisions are computed in float32, rounded once.
        y: integer outcomes (N,), each 0 or 1, at least one.

    Returns:
        The log-likelihood in nats, one for each entry of ``theta``.

    Example:
        >>> print(f"{bernoulli_log_likelihood(np.array(0.7), np.array([1, 1, 0])):.4f}")
        -1.9173

    Source: the product rule for independent outcomes; chapter 1, equation 1.3.
    """
    xp = check.check_arrays(theta=theta, y=y)
    check.check_floating(theta=theta)
    check.check_probabilities("theta", theta, "a probability of 1 is certainty, so nothing lies above it")
    zeros, ones = class_counts(y, 2)
    x = widened(theta)
    return xp.astype(_count_times_log(ones, x, xp.log) + _count_times_log(zeros, -x, xp.log1p), theta.dtype)


def bernoulli_mle(y: Array) -> Array:
    r"""The θ that makes the outcomes most probable: k / N, the share of ones.

    Args:
        y: integer outcomes (N,), each 0 or 1, at least one.

    Returns:
        0-d array of the library's default floating type.

    Example:
        >>> print(bernoulli_mle(np.array([1, 1, 0, 1])))
        0.75

    Source: the zero of the derivative; chapter 1, equation 1.6.
    """
    return categorical_mle(y, 2)[1]


@_quiet
def categorical_log_likelihood(probs: Array, labels: Array) -> Array:
    r"""log Π_i p_{y_i} = Σ_c n_c log p_c for n_c labels of class c.

    A class that did not occur costs nothing, whatever its probability; one that occurred although its
    probability is 0 makes the result −inf. That a row of ``probs`` sums to 1 is not checked.

    Args:
        probs: class probabilities, floating array (..., C); half precisions are computed in float32, rounded once.
        labels: integer labels (N,) from 0 to C − 1, at least one.

    Returns:
        The log-likelihood in nats, shape (...): one for each row of ``probs``.

    Example:
        >>> print(f"{categorical_log_likelihood(np.array([0.2, 0.7, 0.1]), np.array([1, 1, 0])):.4f}")
        -2.3228

    Source: the product rule for independent outcomes; chapter 1, equation 1.7.
    """
    xp = check.check_arrays(probs=probs, labels=labels)
    check.check_floating(probs=probs)
    check.check_axis("probs", probs, -1)
    check.check_probabilities("probs", probs, "for logits, use the loss that takes logits")
    counts = class_counts(labels, probs.shape[-1])
    return xp.astype(total(_count_times_log(counts, widened(probs), xp.log)), probs.dtype)


def categorical_mle(labels: Array, num_classes: int) -> Array:
    r"""The probabilities that make the labels most probable: n_c / N, the share of each class.

    A class that does not occur gets 0, and the first such label to come would have log-likelihood −inf.

    Args:
        labels: integer labels (N,) from 0 to num_classes − 1, at least one.
        num_classes: C.

    Returns:
        Array of shape (C,), of the library's default floating type.

    Example:
        >>> print(categorical_mle(np.array([2, 0, 2, 2]), 3))
        [0.25 0.   0.75]

    Source: Lagrange's condition; chapter 1, equation 1.8.
    """
    counts = class_counts(labels, num_classes)
    xp = array_namespace(counts)
    default = xp.zeros((), device=device(counts)).dtype
    return xp.astype(counts, default) / labels.shape[0]


def _count_times_log(count: Array, x: Array, log) -> Array:
    """count · log(x), and 0 where the count is 0: the logarithm (and its gradient) is not even looked at."""
    xp = array_namespace(x)
    used = xp.broadcast_to(count > 0, x.shape)
    return xp.astype(count, x.dtype) * log(xp.where(used, x, 0.5))
