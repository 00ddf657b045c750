"""The losses by their textbook formulas with 60 digits: what the comparison of chapter 5 is held against.

A Python float becomes a ``decimal.Decimal`` without any rounding, and the formulas are worked out sample by
sample. Nothing here is shared with ``losses.py``, and nothing here is fast. Class scores come as rows (N, C),
everything else as flat lists of floats.
"""

from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

DIGITS = 60
_ZERO, _ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True)
class Sample:
    """One sample: its loss in nats, the slope for each score, and what one unit of rounding may cost each.

    A unit for the loss is its own size times ``stretch``, because the rounding of a margin m between two inputs
    costs m units of the tiny loss e^−m. ``slope_units`` are likewise absolute numbers, one for each score.
    """

    loss: Decimal
    slopes: list[Decimal]
    slope_units: list[Decimal]
    stretch: Decimal = _ONE


@dataclass(frozen=True)
class Exact:
    """All samples of one call, and what its mean divides by."""

    samples: list[Sample]
    divisor: Decimal

    def values(self, reduction: str) -> list[tuple[Decimal, Decimal]]:
        """Each value of the reduced loss, with the size of its unit (to be multiplied by 2^−24 and the like)."""
        with localcontext(Context(prec=DIGITS)):
            pairs = [(s.loss, abs(s.loss) * s.stretch) for s in self.samples]
            if reduction == "none":
                return pairs
            d = self.divisor if reduction == "mean" else _ONE
            return [(sum(a for a, _ in pairs) / d, sum(b for _, b in pairs) / d)]

    def slopes(self, reduction: str) -> list[tuple[Decimal, Decimal]]:
        """Each slope of the (summed) result, with the size of its unit."""
        with localcontext(Context(prec=DIGITS)):
            d = self.divisor if reduction == "mean" else _ONE
            return [(a / d, b / d) for s in self.samples for a, b in zip(s.slopes, s.slope_units, strict=True)]


def cross_entropy(rows, target, *, weight=None, ignore_index=-100, label_smoothing=0.0) -> Exact:
    """Σ_c a_c log(Σ_k e^z_k / e^z_c) with a_c = w_c ((1 − ε) q_c + ε / C); ``target`` holds labels or rows q."""
    with localcontext(Context(prec=DIGITS)):
        classes = len(rows[0])
        w = _decimals(weight) if weight else [_ONE] * classes
        smoothing = Decimal(label_smoothing)
        samples, divisor = [], _ZERO
        for row, y in zip(rows, target, strict=True):
            is_label = isinstance(y, int)
            kept = not is_label or y != ignore_index
            divisor += (w[y] if is_label else _ONE) if kept else _ZERO
            q = [Decimal(int(c == y)) for c in range(classes)] if is_label else _decimals(y)
            share = [kept * a * ((1 - smoothing) * b + smoothing / classes) for a, b in zip(w, q, strict=True)]
            samples.append(_class_sample(_decimals(row), share, y if is_label and kept and not smoothing else None))
        return Exact(samples, divisor)


def nll_loss(rows, target, *, weight=None, ignore_index=-100) -> Exact:
    """−w_y times entry y of each row; nothing is normalised."""
    samples, divisor = [], _ZERO
    with localcontext(Context(prec=DIGITS)):
        for row, y in zip(rows, target, strict=True):
            w = (Decimal(weight[y]) if weight else _ONE) if y != ignore_index else _ZERO
            divisor += w
            slopes = [-w if c == y else _ZERO for c in range(len(row))]
            samples.append(Sample(w * -Decimal(row[y]) if w else _ZERO, slopes, [abs(s) for s in slopes]))
        return Exact(samples, divisor)


def binary_cross_entropy_with_logits(logits, target, *, weight=None, pos_weight=None) -> Exact:
    """w [c y log(1 + e^−z) + (1 − y) log(1 + e^z)]: two-class samples with logits (0, z)."""
    samples = []
    with localcontext(Context(prec=DIGITS)):
        ones = [1.0] * len(logits)
        for z, y, w, c in zip(logits, target, weight or ones, pos_weight or ones, strict=True):
            share = [Decimal(w) * (1 - Decimal(y)), Decimal(w) * Decimal(c) * Decimal(y)]
            two = _class_sample([_ZERO, Decimal(z)], share, int(y) if y in (0.0, 1.0) else None)
            samples.append(Sample(two.loss, two.slopes[1:], two.slope_units[1:], two.stretch))
        return Exact(samples, Decimal(len(samples)))


def binary_cross_entropy(probs, target, *, weight=None) -> Exact:
    """−w [y log p + (1 − y) log(1 − p)], each logarithm clamped at −100, for 0 < p < 1."""
    samples = []
    with localcontext(Context(prec=DIGITS)):
        for p, y, w in zip(_decimals(probs), _decimals(target), _decimals(weight or [1.0] * len(probs)), strict=True):
            of_1, of_0 = min(-p.ln(), Decimal(100)), min(-_log1p(-p), Decimal(100))
            up, down = y / p * (of_1 < 100), (1 - y) / (1 - p) * (of_0 < 100)
            samples.append(Sample(w * (y * of_1 + (1 - y) * of_0), [w * (down - up)], [w * (down + up)]))
        return Exact(samples, Decimal(len(samples)))


def _class_sample(z: list[Decimal], share: list[Decimal], label: int | None) -> Sample:
    """−Σ_c a_c log p_c, and its slopes p_c Σ a − a_c, asked for relative to themselves where there is one label."""
    top = max(z)
    first = z.index(top)
    e = [(v - top).exp() for v in z]
    others = sum((v for c, v in enumerate(e) if c != first), _ZERO)
    all_of_it = 1 + others
    log_sum = _log1p(others)
    total = sum(share, _ZERO)
    loss = sum((a * (top - v + log_sum) for a, v in zip(share, z, strict=True) if a), _ZERO)
    rest = [others / all_of_it if c == first else 1 - v / all_of_it for c, v in enumerate(e)]  # 1 − p_c
    slopes = [(total - a) * v / all_of_it - a * r for a, v, r in zip(share, e, rest, strict=True)]
    if label is None:
        return Sample(loss, slopes, [total * max(_ONE, top - min(z))] * len(z))
    margin = _margin(z, label)
    return Sample(loss, slopes, [abs(s) * max(margin, top - v) for s, v in zip(slopes, z, strict=True)], margin)


def _margin(z: list[Decimal], label: int) -> Decimal:
    """How far the label's logit stands above its closest rival, at least 1."""
    rivals = z[:label] + z[label + 1 :]
    return max(_ONE, z[label] - max(rivals)) if rivals else _ONE


def _log1p(x: Decimal) -> Decimal:
    """log(1 + x), by its series where 1 + x would round to 1."""
    return (1 + x).ln() if abs(x) > Decimal("1e-30") else x - x * x / 2


def _decimals(numbers) -> list[Decimal]:
    return [Decimal(v) for v in numbers]
