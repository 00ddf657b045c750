"""The losses to 60 digits: what ours and PyTorch's are measured against.

Each function takes arrays, or lists, of numbers that float64 holds exactly (any float16, bfloat16 or float32) and works
sample by sample in mpmath. Small results come from log1p and from sums that leave the class itself out, so nothing
cancels, at any margin. Nothing here is shared with ``losses.py``, and nothing here is fast.
"""

from dataclasses import dataclass, field
from math import prod

import numpy as np
from mpmath import inf, log1p, mp, mpf, nan

DIGITS = 60
ZERO, ONE = mpf(0), mpf(1)


@dataclass
class Exact:
    """Loss of each sample and gradient of their sum, each beside the size that a unit of rounding is relative to.

    A loss is measured against itself, a confident right answer against itself times its margin (that much the
    rounding of the margin costs). A gradient is measured against itself, times the logit's distance from the
    largest, where ``elementwise``; else against Σ|w q| of its sample, times the gap between the logits.
    """

    elementwise: bool
    divisor: object = ZERO  # of the mean
    loss: list = field(default_factory=list)
    loss_size: list = field(default_factory=list)
    gradient: list = field(default_factory=list)
    gradient_size: list = field(default_factory=list)

    @mp.workdps(DIGITS)
    def values(self, reduction: str) -> tuple[list, list]:
        """Return the values after one reduction, and their sizes."""
        if reduction == "none":
            return self.loss, self.loss_size
        divisor = self.divisor if reduction == "mean" else ONE
        both = mp.fsum(self.loss), mp.fsum(self.loss_size)
        return tuple([x / divisor if divisor else nan] for x in both)

    @mp.workdps(DIGITS)
    def gradients(self, reduction: str) -> tuple[list, list]:
        """Return the gradients of the sum of what one reduction returns, and their sizes."""
        if reduction != "mean" or not self.divisor:  # nothing kept: the mean is NaN, and its gradient 0
            return self.gradient, self.gradient_size
        return [g / self.divisor for g in self.gradient], [s / self.divisor for s in self.gradient_size]


@mp.workdps(DIGITS)
def cross_entropy(logits, target, *, weight=None, ignore_index=-100, label_smoothing=0.0) -> Exact:
    """Σ_c w_c q_c (log Σ_k exp z_k − z_c) for each sample, with q smoothed; the arguments are those of ``losses``."""
    rows = _rows(logits)
    classes = len(rows[0]) if rows else 1
    w = [ONE] * classes if weight is None else _numbers(weight)
    is_index = np.issubdtype(np.asarray(target).dtype, np.integer)
    labels = np.ravel(target).tolist() if is_index else _rows(target)
    keep, spread = 1 - mpf(label_smoothing), mpf(label_smoothing) / classes
    exact = Exact(elementwise=is_index and label_smoothing == 0)
    for z, label in zip(rows, labels, strict=True):
        if is_index and label == ignore_index:
            exact.loss.append(ZERO)
            exact.loss_size.append(ZERO)
            exact.gradient += [ZERO] * classes
            exact.gradient_size += [ZERO] * classes
            continue
        q = [ONE if c == label else ZERO for c in range(classes)] if is_index else label
        exact.divisor += w[label] if is_index else 1
        share = [a * (keep * b + spread) for a, b in zip(w, q, strict=True)]
        total = mp.fsum(share)
        nats, p, not_p = softmax(z)
        finite = sorted(v for v in z if v != -inf)
        largest, lead = finite[-1], finite[-1] - finite[-2] if len(finite) > 1 else ZERO
        costs = [s * n if s else ZERO for s, n in zip(share, nats, strict=True)]
        exact.loss.append(mp.fsum(costs))
        exact.loss_size.append(
            mp.fsum(c * max(ONE, lead) if v == largest else c for c, v in zip(costs, z, strict=True))
        )
        slopes = [b * (total - s) - s * n for s, b, n in zip(share, p, not_p, strict=True)]
        exact.gradient += slopes
        if exact.elementwise:
            floor = max(ONE, lead) if z[label] == largest else ONE
            distances = [max(floor, largest - v) if v != -inf else ONE for v in z]
            exact.gradient_size += [abs(g) * d for g, d in zip(slopes, distances, strict=True)]
        else:
            exact.gradient_size += [total * max(ONE, largest - finite[0])] * classes
    return exact


@mp.workdps(DIGITS)
def nll_loss(log_probs, target, *, weight=None, ignore_index=-100) -> Exact:
    """−w_y log p_y for each sample; nothing is normalised."""
    rows = _rows(log_probs)
    classes = len(rows[0]) if rows else 1
    w = [ONE] * classes if weight is None else _numbers(weight)
    exact = Exact(elementwise=True)
    for row, label in zip(rows, np.ravel(target).tolist(), strict=True):
        kept = label != ignore_index
        exact.loss.append(-w[label] * row[label] if kept and w[label] else ZERO)
        exact.gradient += [-w[c] if kept and c == label else ZERO for c in range(classes)]
        exact.divisor += w[label] if kept else 0
    exact.loss_size = [abs(x) for x in exact.loss]
    exact.gradient_size = [abs(x) for x in exact.gradient]
    return exact


@mp.workdps(DIGITS)
def binary_cross_entropy(probs, target, *, weight=None) -> Exact:
    """−w (y log p + (1 − y) log(1 − p)) for each entry, each logarithm clamped at −100."""
    exact = Exact(elementwise=_hard(target), divisor=mpf(np.size(probs)))
    for p, y, w in zip(_numbers(probs), _numbers(target), _beside(weight, probs), strict=True):
        of_1 = -mp.log(p) if p else inf
        of_0 = -log1p(-p) if p != 1 else inf
        up = w * y / p if of_1 < 100 else ZERO
        down = w * (1 - y) / (1 - p) if of_0 < 100 else ZERO
        exact.loss.append(w * (y * min(of_1, mpf(100)) + (1 - y) * min(of_0, mpf(100))))
        exact.gradient.append(down - up)
        exact.gradient_size.append(down + up)
    exact.loss_size = exact.loss
    return exact


@mp.workdps(DIGITS)
def binary_cross_entropy_with_logits(logits, target, *, weight=None, pos_weight=None) -> Exact:
    """w (c y log(1 + exp(−z)) + (1 − y) log(1 + exp z)) for each entry."""
    exact = Exact(elementwise=_hard(target), divisor=mpf(np.size(logits)))
    factors = _beside(weight, logits), _beside(pos_weight, logits)
    for z, y, w, c in zip(_numbers(logits), _numbers(target), *factors, strict=True):
        nats, p, _ = softmax([ZERO, z])
        positive, negative = w * c * y, w * (1 - y)
        slope = negative * p[1] - positive * p[0]
        exact.loss.append((positive * nats[1] if positive else ZERO) + (negative * nats[0] if negative else ZERO))
        exact.gradient.append(slope)
        exact.gradient_size.append(abs(slope) if exact.elementwise else (positive + negative) * max(ONE, abs(z)))
    exact.loss_size = exact.loss
    return exact


@mp.workdps(DIGITS)
def softmax(z: list) -> tuple[list, list, list]:
    """Return −log p_c, p_c and 1 − p_c of one row of logits, each to full relative accuracy."""
    largest = max(z)
    winner = z.index(largest)
    e = [mp.exp(v - largest) for v in z]
    beside_winner = mp.fsum(v for c, v in enumerate(e) if c != winner)
    total, log_total = 1 + beside_winner, log1p(beside_winner)
    p = [v / total for v in e]
    not_p = [1 - v for v in p]
    not_p[winner] = beside_winner / total
    return [(largest - v) + log_total for v in z], p, not_p


def _hard(target) -> bool:
    return bool(np.isin(target, (0, 1)).all())


def _numbers(array) -> list:
    return [mpf(v) for v in np.ravel(np.asarray(array, dtype=np.float64)).tolist()]


def _beside(factors, array) -> list:
    """One factor for each entry of ``array``."""
    return _numbers(np.broadcast_to(1.0 if factors is None else factors, np.shape(array)))


def _rows(array) -> list:
    """(C,), (N, C) or (N, C, d1, …) as one list of classes for each sample."""
    array = np.asarray(array, dtype=np.float64)
    last = array if array.ndim == 1 else np.moveaxis(array, 1, -1)
    return [_numbers(row) for row in last.reshape(prod(last.shape[:-1]), last.shape[-1])]
