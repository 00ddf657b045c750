"""Losses for targets that are not one class for certain: softened, taught by a model, or recorded wrongly.

Logits have shape (N, C); every loss is in nats and takes NumPy arrays, torch tensors on any device, or any other
array that follows the Python array API standard. The losses that read only the true class's probability are
written as functions of its surprise s = −log p_y, that is of the cross-entropy itself.
Input that does not fit is refused with a TypeError, ValueError or IndexError that names the argument (``validation``).
"""

from collections.abc import Callable
from math import inf, nan
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from xent_helpers import validation as check
from xent_helpers.losses import _constant, cross_entropy, log_softmax, softmax
from xent_helpers.sums import total, widened
from xent_helpers.validation import Array

# log 0 = −inf is meant where the transition matrix says that a confusion never happens, and 0/0 where nothing is left.
_quiet = np.errstate(divide="ignore", invalid="ignore", over="ignore")


def smoothed(q: Array, epsilon: float) -> Array:
    """Mix target rows with the uniform distribution: (1 − ε) q + ε / C.

    Args:
        q: probabilities (..., C) that sum to 1, such as one-hot rows of a floating type.
        epsilon: the share ε of the uniform distribution, from 0 to 1.

    Example:
        >>> print(smoothed(np.array([0.0, 1.0, 0.0, 0.0]), 0.2))
        [0.05 0.85 0.05 0.05]

    Source: Szegedy et al. (2016); chapter 8, equation 8.4.
    """
    xp = check.check_arrays(q=q)
    check.check_distributions(-1, q=q)
    epsilon = check.check_fraction("epsilon", epsilon)
    return xp.astype((1.0 - epsilon) * widened(q) + epsilon / q.shape[-1], q.dtype)


@_quiet
def distillation_loss(student: Array, teacher: Array, temperature: float = 1.0, *, reduction: str = "mean") -> Array:
    """T² times the cross-entropy of the teacher's and the student's probabilities, both softened by T.

    ℓ = T² Σ_c softmax(v/T)_c (−log softmax(z/T)_c). The factor T² keeps the gradient's size where T is large.
    The least value is not 0 but T² times the entropy of the teacher's softened probabilities.

    Args:
        student: logits z, shape (N, C) or (C,).
        teacher: logits v of the same shape, as a rule detached: the teacher does not learn.
        temperature: T > 0; 1 leaves the probabilities as they are.
        reduction: "none", "mean" or "sum" over the samples.

    Raises:
        ValueError: the temperature is not positive, or its square is too large or small for the logits' type; or there
            are more axes: whether the classes of (B, T, V) lie on axis 1 or on the last is not to be guessed.

    Example:
        >>> z = np.array([[2.0, 0.0, -1.0]])
        >>> print(f"{distillation_loss(z, z, 1.0):.4f}")
        0.5243

    Source: Hinton, Vinyals and Dean (2015); chapter 8, equation 8.10.
    """
    xp = check.check_arrays(student=student, teacher=teacher)
    check.check_floating(student=student, teacher=teacher)
    check.check_same_shape("student", student, "teacher", teacher)
    check.check_class_scores("student", student)
    if student.ndim > 2:
        raise ValueError(
            f"student has shape {tuple(student.shape)}, expected (N, C), a row for each sample or token: with classes "
            f"on the last axis reshape both to (-1, {student.shape[-1]}); with classes on axis 1 move it there first."
        )
    dtype = xp.result_type(student.dtype, teacher.dtype)
    z, v = widened(student, dtype), widened(teacher, dtype)
    t = check.check_number("temperature", temperature, "1 changes nothing, usual ones are 2 to 10")
    limits = xp.finfo(z.dtype)
    if not limits.smallest_normal <= t * t <= limits.max:
        raise ValueError(
            f"temperature is {temperature!r}, expected one whose square {z.dtype} can hold: usual ones are 1 to 10."
        )
    return xp.astype(t * t * cross_entropy(z / t, softmax(v / t), reduction=reduction), dtype)


@_quiet
def forward_loss(logits: Array, recorded: Array, transition: Array, *, reduction: str = "mean") -> Array:
    """−log (Mᵀp)_ỹ: the cross-entropy of the labels that were recorded, seen through the noise.

    The model's p is meant for the true class. M turns it into probabilities of the recorded class, and those
    are what the recorded labels are compared with. Formed from logarithms, so tiny probabilities survive. A recorded
    label that M holds for impossible costs +inf, with gradient NaN.

    Args:
        logits: shape (N, C), of the true class.
        recorded: integer labels ỹ, shape (N,).
        transition: M, shape (C, C); M[i, j] = P(recorded j | true i), so each row sums to 1.
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: a row of the matrix is not a distribution.

    Example:
        >>> M = np.array([[0.9, 0.1], [0.0, 1.0]])
        >>> print(f"{forward_loss(np.array([[0.0, 0.0]]), np.array([1]), M):.4f}")  # −log (0.5 · 0.1 + 0.5 · 1)
        0.5978

    Source: Patrini et al. (2017), forward correction; chapter 8, equation 8.14.
    """
    xp = check.check_arrays(logits=logits, recorded=recorded, transition=transition)
    if logits.ndim != 2:
        raise ValueError(f"logits has shape {tuple(logits.shape)}, expected (N, C): one row for each sample.")
    check.check_index_type("recorded", recorded)
    if tuple(recorded.shape) != tuple(logits.shape[:1]):
        raise ValueError(
            f"recorded has shape {tuple(recorded.shape)}, expected ({logits.shape[0]},): one label a sample."
        )
    check.check_labels("recorded", recorded, logits.shape[1])
    _check_transition(transition, logits.shape[1])
    dtype = xp.result_type(logits.dtype, transition.dtype)
    log_p = log_softmax(widened(logits, dtype))
    ways = xp.take(widened(transition, dtype).T, xp.astype(recorded, xp.int64), axis=0)  # M[i, ỹ] for all i: (N, C)
    m = xp.max(xp.where(ways > 0, _constant(log_p), -inf), axis=-1)  # the most probable true class that may become ỹ
    m = xp.where(xp.isfinite(m), m, 0.0)
    p = xp.exp(xp.minimum(log_p - m[:, None], 80.0))  # in units of exp(m); only classes that cannot become ỹ have more
    return _reduced(-m - xp.log(total(p * ways)), float(logits.shape[0]) or nan, dtype, reduction)


def generalised_cross_entropy(
    logits: Array, target: Array, k: float = 0.7, *, ignore_index: int = -100, reduction: str = "mean"
) -> Array:
    """(1 − p_y^k) / k = (1 − exp(−k s)) / k, between the cross-entropy (k → 0) and 1 − p_y (k = 1).

    Args:
        logits: shape (N, C), (C,) or (N, C, d1, …).
        target: integer labels (N,), () or (N, d1, …).
        k: from above 0 to 1; larger is deafer to labels that the model does not believe.
        ignore_index: samples with this label are left out.
        reduction: "none", "mean" or "sum"; the mean is over the samples that are kept, NaN without any.

    Example:
        >>> print(f"{generalised_cross_entropy(np.array([[0.0, 0.0]]), np.array([1]), k=1.0):.4f}")
        0.5000

    Source: Zhang and Sabuncu (2018), whose q is our k; chapter 8, equation 8.15.
    """
    check.check_fraction("k", k)
    k = check.check_number("k", k, "a usual value is 0.7")
    return _of_surprise(logits, target, ignore_index, reduction, lambda xp, s: -xp.expm1(-k * s) / k)


def focal_loss(
    logits: Array, target: Array, gamma: float = 2.0, *, ignore_index: int = -100, reduction: str = "mean"
) -> Array:
    """(1 − p_y)^γ (−log p_y) = (1 − exp(−s))^γ s; γ = 0 is the cross-entropy.

    Args:
        logits: shape (N, C), (C,) or (N, C, d1, …).
        target: integer labels (N,), () or (N, d1, …).
        gamma: γ = 0 or at least 1 (between them the gradient of a sure sample can be NaN).
        ignore_index: samples with this label are left out.
        reduction: "none", "mean" or "sum"; the mean is over the samples that are kept, NaN without any.

    Raises:
        ValueError: gamma is below 0, between 0 and 1, or infinite.

    Example:
        >>> print(f"{focal_loss(np.array([[0.0, 0.0]]), np.array([1])):.4f}")  # log 2 / 4
        0.1733

    Source: Lin et al. (2017), without their class weights; chapter 8, equation 8.20.
    """
    power = check.check_number("gamma", gamma, "a usual value is 2", zero=True)
    if 0 < power < 1:
        raise ValueError(f"gamma is {gamma!r}, expected 0 or a number from 1: a usual value is 2.")
    return _of_surprise(logits, target, ignore_index, reduction, lambda xp, s: (-xp.expm1(-s)) ** power * s)


def flip_matrix(num_classes: int, rate: float) -> np.ndarray:
    """M for labels that are replaced, with probability ``rate``, by one of the other classes, each as probable.

    Example:
        >>> print(flip_matrix(3, 0.2))
        [[0.8 0.1 0.1]
         [0.1 0.8 0.1]
         [0.1 0.1 0.8]]
    """
    if check.check_num_classes(num_classes) == 1:
        raise ValueError("num_classes is 1, expected at least 2: a single class cannot be mistaken for another.")
    check.check_fraction("rate", rate)
    others = rate / (num_classes - 1)
    return np.full((num_classes, num_classes), others) + (1.0 - rate - others) * np.eye(num_classes)


def pair_matrix(num_classes: int, rate: float) -> np.ndarray:
    """M for labels that are replaced, with probability ``rate``, by the next class; after the last comes the first.

    Example:
        >>> print(pair_matrix(3, 0.2))
        [[0.8 0.2 0. ]
         [0.  0.8 0.2]
         [0.2 0.  0.8]]
    """
    if check.check_num_classes(num_classes) == 1:
        raise ValueError("num_classes is 1, expected at least 2: a single class cannot be mistaken for another.")
    check.check_fraction("rate", rate)
    same = np.eye(num_classes)
    return (1.0 - rate) * same + rate * np.roll(same, 1, axis=1)


def noisy_labels(labels: np.ndarray, transition: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a recorded label for each true one: label i becomes j with probability M[i, j].

    Args:
        labels: true classes (N,), int64.
        transition: M, shape (C, C), rows that sum to 1.
        rng: a seeded generator.

    Raises:
        ValueError: a row of the matrix is not a distribution.

    Example:
        >>> noisy_labels(np.array([0, 1, 1]), np.array([[0.0, 1.0], [1.0, 0.0]]), np.random.default_rng(0))
        array([1, 0, 0])
    """
    if check.check_arrays(labels=labels, transition=transition) is not array_namespace(np.zeros(0)):
        raise TypeError("labels is from another library, expected a NumPy array: convert it, e.g. labels.numpy().")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}, expected a NumPy generator: make one with np.random.default_rng(0).")
    check.check_samples("labels", labels)
    check.check_index_type("labels", labels)
    _check_transition(transition, len(transition))
    check.check_labels("labels", labels, len(transition))
    borders = transition.astype(np.float64).cumsum(axis=1)[labels]
    borders /= borders[:, -1:]  # sums that are rounded must not push a draw over the edge
    return (rng.random((len(labels), 1)) >= borders).sum(axis=1)


@_quiet
def _of_surprise(
    logits: Array, target: Array, ignore_index: int, reduction: str, loss_of: Callable[[Any, Array], Array]
) -> Array:
    """Reduce ``loss_of`` the nats that each label costs, over the samples that are kept."""
    xp = check.check_arrays(logits=logits, target=target)
    check.check_class_scores("logits", logits)
    check.check_class_target("logits", logits, target, allow_probabilities=False)
    s = cross_entropy(widened(logits), target, ignore_index=ignore_index, reduction="none")
    kept = xp.sum(xp.astype(target != ignore_index, xp.int64))
    return _reduced(loss_of(xp, s), xp.astype(kept, s.dtype), logits.dtype, reduction)


def _reduced(loss: Array, count: Array | float, dtype: Any, reduction: str) -> Array:
    """Reduce a loss for each sample, a mean being over ``count`` of them, and round it, once, to the result's type."""
    check.check_reduction(reduction)
    xp = array_namespace(loss)
    if reduction != "none":
        loss = total(xp.reshape(loss, (-1,))) / (count if reduction == "mean" else 1.0)
    return xp.astype(loss, dtype)


def _check_transition(transition: Array, num_classes: int) -> None:
    """Refuse anything but a (C, C) matrix whose rows are distributions; a transposed one is caught where it shows."""
    check.check_floating(transition=transition)
    if tuple(transition.shape) != (num_classes, num_classes):
        raise ValueError(
            f"transition has shape {tuple(transition.shape)}, expected ({num_classes}, {num_classes}): "
            f"one row for each true class, one column for each recorded one."
        )
    check.check_probabilities("transition", transition, "each entry is a share of a true class's labels")
    xp = array_namespace(transition)
    sums = total(widened(transition))
    if check.any_true(xp.abs(sums - 1.0) > max(1e-6, xp.finfo(transition.dtype).eps ** 0.5)):
        raise ValueError(
            f"transition has rows with sums from {float(xp.min(sums)):g} to {float(xp.max(sums)):g}, expected 1: row i "
            f"holds the probabilities of the recorded labels of true class i; is the matrix transposed?"
        )
