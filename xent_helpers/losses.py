"""Cross-entropy and its relatives, written once for every array library.

Names, arguments and defaults are those of ``torch.nn.functional``. Every function takes NumPy arrays, torch
tensors on any device, or any other array that follows the Python array API standard, and returns the same
kind. Autograd differentiates them on torch. Half precisions are computed in float32 and rounded once.

The short kernels ``label_surprisal``, ``surprisal`` and ``softplus`` hold the mathematics and check nothing; the
public losses check their input first. What does not fit is refused with a TypeError, ValueError or IndexError that
names the argument (``validation``).
"""

from math import nan

import numpy as np
from array_api_compat import array_namespace, device

from xent_helpers import validation as check
from xent_helpers.sums import side_by_side, total, total_without_drift, widened
from xent_helpers.validation import Array

# −inf, 0/0 and the like have defined results here (see the docstrings), so NumPy need not warn of them.
_quiet = np.errstate(all="ignore")


def label_surprisal(z: Array, label: Array) -> Array:
    r"""−log softmax(z)_y, the nats that the label of each row costs; the kernel of the losses with class indices.

    With the largest logit m as the shift, which is a constant to autograd, −log p_y = (m − z_y) + log Σ_c exp(z_c − m).
    Where the label has the largest logit its own term is exactly 1, and ``log1p`` of the others keeps a tiny loss; the
    factor exp(m − z_y), which is 1 there, gives autograd the slope in z_y.

    Args:
        z: logits, shape (N, C), float32 or float64.
        label: the class y of each row, shape (N,), int64.

    Returns:
        Array of shape (N,) in nats.
    """
    xp = array_namespace(z)
    own = xp.take_along_axis(z, label[:, None], axis=-1)[:, 0]
    m = xp.max(_constant(z), axis=-1)
    gap, wins = m - own, own >= m
    e = xp.exp(z - m[:, None])
    others = xp.sum(xp.where(_is_class(label, z.shape[-1]), 0.0, e), axis=-1)
    sure = xp.log1p(others * xp.exp(xp.where(wins, gap, 0.0)))
    return xp.where(wins, sure, gap + xp.log(others + xp.exp(-gap)))


def surprisal(z: Array, favoured: Array) -> Array:
    r"""−log softmax(z), the nats that each class of each row would cost; the kernel of the other losses.

    The identity −log p_c = s − z_c + log Σ_k exp(z_k − s) holds for any shift s. Where the favoured class has
    the largest logit, s is that logit, so its own term is exactly 1 and ``log1p`` keeps a tiny loss; elsewhere
    s is the largest logit, rounded, because a rounded number has derivative 0 and autograd sees a constant.

    Args:
        z: logits, shape (..., C), float32 or float64.
        favoured: boolean, shape (..., C), one True a row: the class whose small loss must stay exact.

    Returns:
        Array of shape (..., C) in nats.
    """
    xp = array_namespace(z)
    z_own = xp.sum(xp.where(favoured, z, 0.0), axis=-1, keepdims=True)
    largest = xp.max(z, axis=-1, keepdims=True)
    wins = z_own >= largest
    s = xp.where(wins, z_own, xp.round(largest))
    others = xp.sum(xp.exp(z - s) * xp.astype(~favoured, z.dtype), axis=-1, keepdims=True)
    log_sum = xp.where(wins, xp.log1p(others), xp.log(others + xp.exp(z_own - s)))
    return log_sum + xp.where(favoured & wins, 0.0, s - z)


def softplus(x: Array) -> Array:
    """log(1 + exp(x)) without overflow: the two-class ``surprisal``, in nats, any shape."""
    xp = array_namespace(x)
    above = x >= 0  # with maximum and abs, autograd's second derivative would be 0 at 0, where it is 1/4
    return xp.where(above, x, 0.0) + xp.log1p(xp.exp(xp.where(above, -x, x)))


@_quiet
def logsumexp(x: Array, axis: int = -1) -> Array:
    r"""log Σ exp(x) along one axis, without overflow.

    The shift is the largest entry, rounded: as in ``surprisal``, its derivative is 0, so the gradient is
    softmax(x), at ties too. A row of −inf gives −inf, a +inf gives +inf.

    Args:
        x: floating array, any shape.
        axis: the axis that is summed and removed.

    Example:
        >>> print(f"{logsumexp(np.array([1000.0, 1000.0])):.4f}")
        1000.6931

    Source: Blanchard, Higham and Higham (2021), IMA Journal of Numerical Analysis 41(4).
    """
    xp = check.check_arrays(x=x)
    check.check_floating(x=x)
    axis = check.check_axis("x", x, axis)
    z = widened(x)
    largest = xp.max(z, axis=axis, keepdims=True)
    s = xp.where(xp.isfinite(largest), xp.round(largest), 0.0)
    return xp.astype(xp.squeeze(s, axis=axis) + xp.log(total(xp.exp(z - s), axis)), x.dtype)


@_quiet
def log_softmax(logits: Array, axis: int = -1) -> Array:
    r"""log p_c = z_c − log Σ_k exp(z_k) along one axis; the largest entry keeps its tiny value.

    A masked class (logit −inf) gets −inf; a row of −inf, or one with +inf, gives NaN.

    Args:
        logits: floating array, any shape.
        axis: the class axis.

    Example:
        >>> print(log_softmax(np.array([20.0, 0.0, -1.0])))
        [-2.81940966e-09 -2.00000000e+01 -2.10000000e+01]

    Source: the identity in ``surprisal``.
    """
    xp = check.check_arrays(logits=logits)
    check.check_floating(logits=logits)
    axis = check.check_axis("logits", logits, axis)
    z = side_by_side(widened(logits), axis)
    result = -surprisal(z, _is_class(xp.argmax(z, axis=-1), z.shape[-1]))
    order = list(range(z.ndim - 1))
    order.insert(axis % z.ndim, z.ndim - 1)
    return xp.astype(xp.permute_dims(result, order), logits.dtype)


@_quiet
def softmax(logits: Array, axis: int = -1) -> Array:
    r"""p_c = exp(z_c) / Σ_k exp(z_k) along one axis, without overflow.

    A masked class (logit −inf) gets 0; a row of −inf, or one with +inf, gives NaN.

    Args:
        logits: floating array, any shape.
        axis: the class axis.

    Example:
        >>> print(softmax(np.array([1000.0, 1000.0])))
        [0.5 0.5]

    Source: Bridle (1990), who named it.
    """
    xp = check.check_arrays(logits=logits)
    check.check_floating(logits=logits)
    axis = check.check_axis("logits", logits, axis)
    z = widened(logits)
    e = xp.exp(z - xp.round(xp.max(z, axis=axis, keepdims=True)))
    return xp.astype(e / total(e, axis, keepdims=True), logits.dtype)


@_quiet
def sigmoid(logits: Array) -> Array:
    r"""p = 1 / (1 + exp(−z)), elementwise, without overflow.

    Args:
        logits: floating array, any shape.

    Example:
        >>> print(sigmoid(np.array([-1000.0, 0.0, 1000.0])))
        [0.  0.5 1. ]

    Source: the two-class softmax of (0, z).
    """
    xp = check.check_arrays(logits=logits)
    check.check_floating(logits=logits)
    z = widened(logits)
    e = xp.exp(xp.where(z < 0, z, -z))  # not -abs(z): at 0 its derivative, 0, would be wrong here
    return xp.astype(xp.where(z < 0, e, 1.0) / (1.0 + e), logits.dtype)


@_quiet
def log_sigmoid(logits: Array) -> Array:
    r"""log p = −log(1 + exp(−z)), elementwise, without overflow and without losing tiny values.

    Args:
        logits: floating array, any shape.

    Example:
        >>> print(log_sigmoid(np.array([-1000.0, 50.0])))
        [-1.00000000e+03 -1.92874985e-22]

    Source: the first class's log_softmax of (z, 0).
    """
    xp = check.check_arrays(logits=logits)
    check.check_floating(logits=logits)
    return xp.astype(-softplus(-widened(logits)), logits.dtype)


def one_hot(index: Array, num_classes: int) -> Array:
    """Turn class indices of shape (...) into int64 rows of shape (..., num_classes) with a single 1.

    Raises:
        TypeError: ``index`` is no integer array or ``num_classes`` no int.
        ValueError: ``num_classes`` is less than 1.
        IndexError: an index lies outside 0 … num_classes − 1.

    Example:
        >>> print(one_hot(np.array([2, 0]), 3))
        [[0 0 1]
         [1 0 0]]
    """
    xp = check.check_arrays(index=index)
    num_classes = check.check_num_classes(num_classes)
    check.check_index_type("index", index)
    labels = check.as_int64(index)
    check.check_labels("index", index, num_classes)
    return xp.astype(_is_class(labels, num_classes), xp.int64)


@_quiet
def nll_loss(
    log_probs: Array,
    target: Array,
    *,
    weight: Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Array:
    r"""Negative log-likelihood −w_y log p_y of class indices, given log-probabilities.

    Nothing is normalised: the input is taken to be ``log_softmax`` of something. The mean divides by the
    summed weights of the samples that are kept; with none kept (or an empty batch) it is NaN, the sum 0.

    Args:
        log_probs: floating array (N, C), (C,) or (N, C, d1, …).
        target: integer class indices (N,), () or (N, d1, …).
        weight: one factor for each class, shape (C,).
        ignore_index: samples with this target are left out.
        reduction: "none", "mean" or "sum".

    Returns:
        The loss in nats: a 0-d array, or one of the target's shape for "none".

    Example:
        >>> print(f"{nll_loss(np.log(np.array([0.2, 0.7, 0.1])), np.array(1)):.4f}")
        0.3567

    Source: torch.nn.functional.nll_loss.
    """
    xp = check.check_arrays(log_probs=log_probs, target=target, weight=weight)
    classes = check.check_class_scores("log_probs", log_probs)
    check.check_class_target("log_probs", log_probs, target, allow_probabilities=False)
    check.check_weight(weight, classes)
    ignore_index = check.check_integer("ignore_index", ignore_index)
    check.check_reduction(reduction)
    label, kept = _checked_labels(target, classes, ignore_index)
    nats = -xp.take_along_axis(_rows(log_probs), label[:, None], axis=-1)[:, 0]
    return _reduced_by_label(nats, label, kept, weight, reduction, target.shape, log_probs.dtype)


@_quiet
def cross_entropy(
    logits: Array,
    target: Array,
    *,
    weight: Array | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Array:
    r"""Cross-entropy Σ_c w_c q_c (−log softmax(z)_c) of logits and targets.

    q is the one-hot row of an index target, or the target row itself; smoothing turns it into
    (1 − ε) q + ε / C. For index targets the mean divides by Σ w_y over the samples that are kept, for
    probability targets by the number of samples.

    Limits: a class with logit −inf has probability 0. It costs nothing where w_c q_c = 0, else the loss is
    +inf with gradient p − q. A row of −inf, or one with +inf, gives NaN. With one class the loss is 0. With
    an empty batch, or all targets ignored, the mean is NaN and the sum 0; where Σ w_y is 0 the mean is NaN.

    Args:
        logits: floating array (N, C), (C,) or (N, C, d1, …).
        target: integer class indices (N,), () or (N, d1, …), or floating probabilities of the logits' shape.
        weight: one factor for each class, shape (C,), cast to the logits' type.
        ignore_index: samples with this index target are left out.
        label_smoothing: ε in [0, 1].
        reduction: "none", "mean" or "sum".

    Returns:
        The loss in nats, of torch's promoted type: a 0-d array, or one for each sample for "none".

    Example:
        >>> print(f"{cross_entropy(np.array([[1.0, 2.0, 0.1]]), np.array([1])):.4f}")
        0.4170

    Source: torch.nn.functional.cross_entropy; the smoothing is that of Szegedy et al. (2016).
    """
    xp = check.check_arrays(logits=logits, target=target, weight=weight)
    classes = check.check_class_scores("logits", logits)
    is_index = check.check_class_target("logits", logits, target, allow_probabilities=True)
    check.check_weight(weight, classes)
    ignore_index = check.check_integer("ignore_index", ignore_index)
    label_smoothing = check.check_fraction("label_smoothing", label_smoothing)
    check.check_reduction(reduction)
    dtype = logits.dtype if is_index else xp.result_type(logits.dtype, target.dtype)
    z = _rows(logits, dtype)
    if is_index:
        label, kept = _checked_labels(target, classes, ignore_index)
        z = z if kept is None else xp.where(kept[:, None], z, 0.0)  # whatever an ignored row holds does not count
        if label_smoothing == 0:
            return _reduced_by_label(label_surprisal(z, label), label, kept, weight, reduction, target.shape, dtype)
        q = xp.astype(_is_class(label, classes), z.dtype)
        divisor = total_without_drift(_label_weights(label, kept, weight, z.dtype, dtype))
        divisor = xp.where(divisor == 0, nan, divisor)  # smoothing may leave a sum to divide, torch's mean is NaN
        shares = _weighted(_smoothed(q, label_smoothing), weight, logits.dtype)
        shares = shares if kept is None else xp.where(kept[:, None], shares, 0.0)
        return _reduced(expected_surprisal(z, shares), reduction, divisor, target.shape, dtype)
    check.check_soft_target(target, ignore_index)
    q = _smoothed(_rows(target, dtype), label_smoothing)
    loss = expected_surprisal(z, _weighted(q, weight, logits.dtype))
    batch = logits.shape[:1] + logits.shape[2:] if logits.ndim > 1 else ()
    return _reduced(loss, reduction, float(z.shape[0]), batch, dtype)


@_quiet
def binary_cross_entropy(probs: Array, target: Array, *, weight: Array | None = None, reduction: str = "mean") -> Array:
    r"""Binary cross-entropy −[y log p + (1 − y) log(1 − p)] of probabilities, elementwise, then reduced.

    Each logarithm is clamped at −100, as in torch. Where the clamp acts (p below 4e-44, so at p = 0, or 1 − p
    there, so at p = 1) that term is constant and its gradient 0; every other gradient is the mathematical one,
    so at p = 0 with y = 0 it is 1, and at p = 1 with y = 1 it is −1. (torch divides by p (1 − p), clamped at
    1e-12, instead.) Prefer ``binary_cross_entropy_with_logits``, which needs no clamp.

    Args:
        probs: floating array of probabilities in [0, 1], any shape.
        target: floating array in [0, 1] of the same shape.
        weight: factors that broadcast to the shape; the mean still divides by the number of entries.
        reduction: "none", "mean" or "sum". The mean of an empty array is NaN.

    Returns:
        The loss in nats: a 0-d array, or one of the input's shape for "none".

    Example:
        >>> print(f"{binary_cross_entropy(np.array([0.9]), np.array([1.0])):.4f}")
        0.1054

    Source: torch.nn.functional.binary_cross_entropy.
    """
    xp, dtype = _check_binary("probs", probs, target, reduction, weight=weight)
    check.check_probabilities("probs", probs, "for logits, use binary_cross_entropy_with_logits")
    p, y = widened(probs, dtype), widened(target, dtype)
    cost_of_1 = xp.where(p > 0, xp.minimum(-xp.log(xp.where(p > 0, p, 1.0)), 100.0), 100.0)
    cost_of_0 = xp.where(p < 1, -xp.log1p(-xp.where(p < 1, p, 0.0)), 100.0)  # below 1 it is at most 37
    return _reduced_binary(y * cost_of_1 + (1.0 - y) * cost_of_0, weight, reduction, dtype)


@_quiet
def binary_cross_entropy_with_logits(
    logits: Array,
    target: Array,
    *,
    weight: Array | None = None,
    pos_weight: Array | None = None,
    reduction: str = "mean",
) -> Array:
    r"""Binary cross-entropy of logits, w [c y softplus(−z) + (1 − y) softplus(z)], elementwise, then reduced.

    An infinite logit gives the limit: 0 where the target agrees with it, +inf where not.

    Args:
        logits: floating array, any shape.
        target: floating array in [0, 1] of the same shape.
        weight: factors w that broadcast to the shape; the mean still divides by the number of entries.
        pos_weight: factors c of the positive term, broadcast to the shape.
        reduction: "none", "mean" or "sum". The mean of an empty array is NaN.

    Returns:
        The loss in nats: a 0-d array, or one of the input's shape for "none".

    Example:
        >>> print(f"{binary_cross_entropy_with_logits(np.array([2.0]), np.array([1.0])):.4f}")
        0.1269

    Source: torch.nn.functional.binary_cross_entropy_with_logits.
    """
    _, dtype = _check_binary("logits", logits, target, reduction, weight=weight, pos_weight=pos_weight)
    z, y = widened(logits, dtype), widened(target, dtype)
    positive = _cost(y, softplus(-z))  # weighted afterwards: a tiny y · c would lose digits first
    if pos_weight is not None:
        positive = _cost(widened(pos_weight, dtype), positive)
    return _reduced_binary(positive + _cost(1.0 - y, softplus(z)), weight, reduction, dtype)


def expected_surprisal(z: Array, q: Array) -> Array:
    """Σ_c q_c (−log softmax(z)_c) for each row: logits and target weights (N, C) in, nats (N,) out, unchecked."""
    xp = array_namespace(z)
    return total_without_drift(_cost(q, surprisal(z, _is_class(xp.argmax(q, axis=-1), z.shape[-1]))))


def _cost(share: Array, nats: Array) -> Array:
    """share × nats, with 0 × ∞ = 0: what cannot happen costs nothing."""
    xp = array_namespace(nats)
    return share * xp.where((share == 0) & xp.isinf(nats), 0.0, nats)


def _is_class(index: Array, num_classes: int) -> Array:
    """One-hot rows as booleans, shape (..., C)."""
    xp = array_namespace(index)
    classes = xp.arange(num_classes, device=device(index))
    return classes == xp.expand_dims(index, axis=-1)


def _constant(x: Array) -> Array:
    """x itself, and a constant to autograd where the library has one."""
    return x.detach() if hasattr(x, "detach") else x


def _checked_labels(target: Array, classes: int, ignore_index: int) -> tuple[Array, Array | None]:
    """Labels (N,) as int64, ignored ones as 0, and which are kept, (N,) booleans, or None where all are."""
    xp = array_namespace(target)
    label = xp.reshape(check.as_int64(target), (-1,))
    if not 0 <= ignore_index < classes and check.labels_fit(label, classes):
        return label, None
    kept = label != ignore_index
    check.check_labels("target", target, classes, xp.reshape(kept, target.shape))
    return xp.where(kept, label, 0), kept


def _label_weights(label: Array, kept: Array | None, weight: Array | None, computed, dtype) -> Array:
    """What each sample counts, (N,): the weight of its label, rounded to ``dtype`` first, and 0 where it is ignored."""
    xp = array_namespace(label)
    w = xp.ones(label.shape, dtype=computed, device=device(label))
    if weight is not None:
        w = xp.take(xp.astype(xp.astype(weight, dtype), computed), label, axis=0)
    return w if kept is None else xp.where(kept, w, 0.0)


def _reduced_by_label(nats, label, kept, weight, reduction: str, shape: tuple[int, ...], dtype) -> Array:
    """Weigh the nats (N,) of each label and reduce them; a mean divides by the summed weights."""
    xp = array_namespace(nats)
    if weight is None and kept is None:
        return _reduced(nats, reduction, float(nats.shape[0]) or nan, shape, dtype)
    w = _label_weights(label, kept, weight, nats.dtype, dtype)
    cost = _cost(w, nats if kept is None else xp.where(kept, nats, 0.0))
    return _reduced(cost, reduction, total_without_drift(w), shape, dtype)


def _smoothed(q: Array, label_smoothing: float) -> Array:
    return (1.0 - label_smoothing) * q + label_smoothing / q.shape[-1]


def _weighted(q: Array, weight: Array | None, dtype) -> Array:
    """Rows times the class weights, which are rounded to the logits' type first."""
    xp = array_namespace(q)
    return q if weight is None else q * xp.astype(xp.astype(weight, dtype), q.dtype)


def _rows(x: Array, dtype=None) -> Array:
    """(N, C), (C,) or (N, C, d1, …) as rows (N·d1·…, C), classes side by side in memory, ready to compute."""
    xp = array_namespace(x)
    rows = side_by_side(widened(x, dtype), min(1, x.ndim - 1))
    return rows if rows.ndim == 2 else xp.reshape(rows, (-1, rows.shape[-1]))


def _reduced(loss: Array, reduction: str, divisor: Array | float, shape: tuple[int, ...], dtype) -> Array:
    """Reduce a loss for each sample and round it, once, to the type of the result."""
    xp = array_namespace(loss)
    if reduction == "none":
        return xp.astype(xp.reshape(loss, tuple(shape)), dtype)
    nats = total_without_drift(xp.reshape(loss, (-1,)))
    return xp.astype(nats / divisor if reduction == "mean" else nats, dtype)


def _check_binary(name: str, scores: Array, target: Array, reduction: str, **weights: Array | None):
    """Check what both binary losses ask for; return the array library and the type of the result."""
    xp = check.check_arrays(**{name: scores, "target": target}, **weights)
    check.check_floating(**{name: scores, "target": target})
    check.check_same_shape(name, scores, "target", target)
    check.check_probabilities("target", target, "number the two classes 0 and 1")
    for weight_name, weight in weights.items():
        check.check_broadcast(weight_name, weight, scores.shape)
    check.check_reduction(reduction)
    return xp, xp.result_type(scores.dtype, target.dtype)


def _reduced_binary(loss: Array, weight: Array | None, reduction: str, dtype) -> Array:
    xp = array_namespace(loss)
    loss = loss if weight is None else _cost(xp.broadcast_to(widened(weight, dtype), loss.shape), loss)
    count = float(np.prod(loss.shape))
    return _reduced(loss, reduction, count, loss.shape, dtype)
