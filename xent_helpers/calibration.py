"""Can probabilities be believed, and how to correct them: reliability, temperature, priors.

One definition serves NumPy arrays, torch tensors and whatever else follows the Python array API standard. The
functions measure and correct finished predictions; they are not meant to be trained through.
Input that does not fit is refused with a TypeError, ValueError or IndexError that names the argument (``validation``).
"""

from math import inf
from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from xent_helpers import losses
from xent_helpers import validation as check
from xent_helpers.sums import total, widened
from xent_helpers.validation import Array

_quiet = np.errstate(all="ignore")  # a row with nothing left becomes NaN, and says so


class Reliability(NamedTuple):
    """Claims and how often they came true, bin by bin; each entry has shape (bins,).

    ``claimed`` and ``happened`` are NaN where ``count`` is 0: nothing is known about an empty bin.
    """

    lower: Array
    count: Array
    claimed: Array
    happened: Array


def reliability(claimed: Array, came_true: Array, bins: int = 15) -> Reliability:
    """Sort claims into bins of equal width, and compare the mean claim with the share that came true.

    Bin b holds b / bins ≤ claim < (b + 1) / bins; the last one holds the claim 1 too.

    Args:
        claimed: probabilities (N,), each of some event; of a classifier, say, that its favourite class is right.
        came_true: whether the event came, (N,), booleans or integers 0 and 1.
        bins: how many, at least 1.

    Example:
        >>> import numpy as np
        >>> table = reliability(np.array([0.6, 0.7, 0.9]), np.array([0, 1, 1]), bins=2)
        >>> print(table.count, table.claimed.round(2), table.happened.round(2))
        [0 3] [ nan 0.73] [ nan 0.67]

    Source: Guo, Pleiss, Sun and Weinberger (2017).
    """
    lower, count, *means = _reliability(claimed, came_true, bins)
    lower, *means = (array_namespace(claimed).astype(x, claimed.dtype) for x in (lower, *means))
    return Reliability(lower, count, *means)


def expected_calibration_error(claimed: Array, came_true: Array, bins: int = 15) -> Array:
    """Expected calibration error (ECE) Σ_b n_b / N · |happened_b − claimed_b| over bins of equal width.

    It depends on the number of bins and on N: a perfectly calibrated model usually has an ECE above 0, and
    one that always claims the base rate has an ECE near 0. Compare only values with equal bins and equal N.

    Args:
        claimed, came_true, bins: as in ``reliability``.

    Returns:
        0-d array between 0 and 1, of the type of ``claimed``.

    Example:
        >>> import numpy as np
        >>> print(expected_calibration_error(np.array([0.9, 0.9, 0.9, 0.9]), np.array([1, 1, 0, 0])))
        0.4

    Source: Naeini, Cooper and Hauskrecht (2015).
    """
    table = _reliability(claimed, came_true, bins)
    xp = array_namespace(claimed)
    gap = xp.where(table.count > 0, xp.abs(table.happened - table.claimed), 0.0)
    return xp.astype(total(xp.astype(table.count, gap.dtype) * gap) / claimed.shape[0], claimed.dtype)


def fit_temperature(logits: Array, target: Array) -> float:
    """Fit T, the maximum-likelihood estimate of the one parameter in p = softmax(z / T).

    With a = 1 / T and the margins d_c = z_c − z_y, the mean NLL is log Σ_c exp(a d_c), averaged over samples. It
    is convex in a: its slope Σ_c p_c d_c rises with a, and its curvature is the variance of d under p. Newton's
    method finds where the slope is 0, and bisection takes over whenever a step leaves the bracket.

    Args:
        logits: floating array (N, C), of samples that the model was not trained on.
        target: integer labels (N,).

    Returns:
        T as a Python float: above 1 softens, below 1 sharpens the probabilities.

    Raises:
        ValueError: there is no best T, as every sample is classified correctly (the smaller T, the better), or as
            the logits are no better than none at all (the larger T, the better).

    Example:
        >>> import numpy as np
        >>> logits = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [4.0, 0.0]])
        >>> print(f"{fit_temperature(logits, np.array([0, 0, 0, 1])):.4f}")  # sigmoid(4 / T) = 3/4, T = 4 / log 3
        3.6410

    Source: Guo, Pleiss, Sun and Weinberger (2017).
    """
    margins, unit = _margins(logits, target)  # in units of the largest, so that no square overflows
    low, high, a = 0.0, inf, 0.0  # at 0 all classes are equally probable, and the curvature is not 0
    close = 4 * float(array_namespace(margins).finfo(margins.dtype).eps)
    for _ in range(100):
        slope, curvature = slope_and_curvature(margins, a)
        low, high = (a, high) if slope < 0 else (low, a)
        newton = a - slope / curvature if curvature > 0 else inf
        a, before = (newton if low < newton < high else min(2 * a, (low + high) / 2)), a
        if abs(a - before) <= close * a:
            break
    return unit / a


def slope_and_curvature(margins: Array, a: float) -> tuple[float, float]:
    """Return first and second derivative of the mean NLL, in nats, for a = 1 / T, from the margins z_c − z_y."""
    xp = array_namespace(margins)
    p = losses.softmax(a * margins)
    mean = total(p * margins, keepdims=True)
    variance = total(p * (margins - mean) ** 2)
    return float(xp.mean(mean)), float(xp.mean(variance))


@_quiet
def shift_prior(logits: Array, trained: Array, wanted: Array) -> Array:
    """Move logits from one set of class frequencies to another: z_c + log wanted_c − log trained_c.

    Class weights w act like class frequencies in proportion to w_c · n_c; to take them out again, ``trained`` is
    ``weight`` and ``wanted`` is all ones. Only the proportions matter: a common factor moves all logits alike.

    Args:
        logits: floating array (..., C).
        trained: positive frequencies or weights (C,) that the model was trained with.
        wanted: frequencies or weights (C,) where it is to be used; 0 rules a class out.

    Returns:
        Logits of the same shape and type.

    Raises:
        ValueError: a frequency is negative, or one of ``trained`` is 0.

    Example:
        >>> import numpy as np
        >>> weight, ones = np.array([1.0, 9.0]), np.ones(2)
        >>> print(losses.softmax(shift_prior(np.array([0.0, 0.0]), weight, ones)))
        [0.9 0.1]

    Source: King and Zeng (2001); for many classes, Saerens, Latinne and Decaestecker (2002).
    """
    xp = check.check_arrays(logits=logits, trained=trained, wanted=wanted)
    _check_frequencies("logits", logits, trained, wanted)
    check.check_logits("logits", logits)
    ruled_out, z = wanted == 0, widened(logits)
    shift = xp.log(xp.where(ruled_out, trained, wanted)) - xp.log(trained)
    return xp.astype(z + xp.astype(xp.where(ruled_out, -inf, shift), z.dtype), logits.dtype)


@_quiet
def shift_prior_probs(probs: Array, trained: Array, wanted: Array) -> Array:
    """Move probabilities from one set of class frequencies to another: p_c · wanted_c / trained_c, normalised.

    The same correction as ``shift_prior``, for models that hand out probabilities only.

    Args:
        probs: probabilities (..., C).
        trained, wanted: as in ``shift_prior``.

    Returns:
        Probabilities of the same shape and type. A row that had probability on ruled-out classes only becomes NaN.

    Raises:
        TypeError, ValueError: as in ``shift_prior``; an entry lies outside [0, 1].

    Example:
        >>> import numpy as np
        >>> print(shift_prior_probs(np.array([0.5, 0.5]), np.array([1.0, 9.0]), np.ones(2)))
        [0.9 0.1]

    Source: Saerens, Latinne and Decaestecker (2002).
    """
    xp = check.check_arrays(probs=probs, trained=trained, wanted=wanted)
    check.check_floating(probs=probs)
    check.check_probabilities("probs", probs, "for logits, use shift_prior")
    _check_frequencies("probs", probs, trained, wanted)
    ratio, p = (wanted / xp.max(wanted)) / (trained / xp.max(trained)), widened(probs)
    p = p * xp.astype(ratio / xp.max(ratio), p.dtype)
    return xp.astype(p / total(p, keepdims=True), probs.dtype)


def _reliability(claimed: Array, came_true: Array, bins: int) -> Reliability:
    """What ``reliability`` returns, in float32 or wider."""
    xp = check.check_arrays(claimed=claimed, came_true=came_true)
    _check_claims(claimed, came_true, bins)
    wide = widened(claimed)
    edges = xp.arange(bins, dtype=wide.dtype, device=device(wide)) / bins
    index = xp.sum(xp.astype(wide >= edges[:, None], xp.int64), axis=0) - 1
    inside = index == xp.arange(bins, device=device(wide))[:, None]  # (bins, N), one True a column
    count = xp.sum(xp.astype(inside, xp.int64), axis=1)
    share = xp.where(count > 0, xp.astype(count, wide.dtype), xp.nan)
    return Reliability(
        edges, count, *(total(xp.where(inside, xp.astype(x, wide.dtype), 0.0)) / share for x in (wide, came_true))
    )


def _check_claims(claimed: Array, came_true: Array, bins: int) -> None:
    check.check_positive("bins", bins)
    check.check_floating(claimed=claimed)
    check.check_probabilities("claimed", claimed, "for logits, take the softmax or sigmoid first")
    if claimed.ndim != 1 or claimed.shape[0] == 0:
        raise ValueError(
            f"claimed has shape {tuple(claimed.shape)}, expected (N,) with at least one claim: of class probabilities, "
            f"take one column, or the largest of each row."
        )
    check.check_same_shape("claimed", claimed, "came_true", came_true)
    xp = array_namespace(came_true)
    if not xp.isdtype(came_true.dtype, "bool"):
        check.check_index_type("came_true", came_true)
        check.check_labels("came_true", came_true, 2)


def _margins(logits: Array, target: Array) -> tuple[Array, float]:
    """z_c − z_y for each row of checked logits, in units of the largest, and it; refuse what has no best temperature.

    In these units no square underflows or overflows.
    """
    xp = check.check_arrays(logits=logits, target=target)
    classes = check.check_class_scores("logits", logits)
    if logits.ndim != 2 or logits.shape[0] == 0 or classes == 1:
        raise ValueError(
            f"logits has shape {tuple(logits.shape)}, expected (N, C) with at least one sample and two classes: to a "
            f"single logit z for yes add 0 for no, e.g. np.stack([0 * z, z], axis=1)."
        )
    check.check_class_target("logits", logits, target, allow_probabilities=False)
    check.check_labels("target", target, classes)
    check.check_readable(logits=logits, target=target)
    check.check_logits("logits", logits)
    z = widened(logits)
    low, high = float(xp.min(z)), float(xp.max(z))
    if not high - low <= float(xp.finfo(z.dtype).max):
        raise ValueError(
            f"logits holds numbers from {low:g} to {high:g}, expected finite ones whose differences are, too: leave "
            f"masked classes out."
        )
    margins = z - xp.take_along_axis(z, xp.astype(target, xp.int64)[:, None], axis=1)
    if not bool(xp.any(margins > 0)):
        raise ValueError(
            "the logits put every label first, expected some mistakes: with none, the smaller T the better, without "
            "end. Are these the samples that the model was trained on? Fit on others."
        )
    unit = float(xp.max(xp.abs(margins)))
    margins = margins / unit
    if not bool(xp.mean(margins) < 0):
        raise ValueError(
            "logits is on average no higher for the label than for the other classes, expected a model better than "
            "chance: with none, the larger T the better, without end. Do labels and rows belong together?"
        )
    return margins, unit


def _check_frequencies(scores_name: str, scores: Array, trained: Array, wanted: Array) -> None:
    check.check_floating(**{scores_name: scores, "trained": trained, "wanted": wanted})
    check.check_axis(scores_name, scores, -1)
    xp = array_namespace(wanted)
    for name, array, least in (("trained", trained, "above 0"), ("wanted", wanted, "0 or more")):
        if tuple(array.shape) != (scores.shape[-1],):
            raise ValueError(
                f"{name} has shape {tuple(array.shape)}, expected ({scores.shape[-1]},): "
                f"give it one entry for each class."
            )
        good = (array > 0 if name == "trained" else array >= 0) & (array < inf)
        check.refuse_entries(name, array, ~good, f"numbers {least}: frequencies or class weights")
    none_left = (wanted == 0) & (xp.max(wanted) == 0)
    check.refuse_entries("wanted", wanted, none_left, "a class with an entry above 0: one must be left")
