"""How far the losses are from 60-digit arithmetic: the cases and the measurement.

A unit of rounding is the type's machine epsilon (2^-52, 2^-23, 2^-7, 2^-10) times the size that ``exact.Exact`` names;
below the type's normal range it is the smallest step there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from mpmath import mpf

from xent_helpers import exact as reference
from xent_helpers import losses

DTYPES = ("float64", "float32", "bfloat16", "float16")
REDUCTIONS = ("none", "mean", "sum")
LOSSES = ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")
SHAPES = ((), (4,), (2, 3), (2, 2, 2))  # of the target; the logits have a class axis beside
FAMILIES = {  # name: makes rows of logits (n, C), given a generator and the labels
    "plain": lambda rng, n, c, y: rng.normal(0, 3, (n, c)),
    "huge": lambda rng, n, c, y: rng.uniform(-1e4, 1e4, (n, c)),
    "shifted": lambda rng, n, c, y: 9e3 + rng.normal(0, 3, (n, c)),
    "all zero": lambda rng, n, c, y: np.zeros((n, c)),
    "ties": lambda rng, n, c, y: rng.integers(0, 2, (n, c)) * 2.5,
    "close": lambda rng, n, c, y: 1 + rng.normal(0, 1e-3, (n, c)),
    "confident right": lambda rng, n, c, y: rng.normal(0, 2, (n, c)) + _at(y, c, rng.uniform(0, 60, n)),
    "surely right": lambda rng, n, c, y: rng.normal(0, 2, (n, c)) + _at(y, c, rng.uniform(60, 300, n)),
    "barely right": lambda rng, n, c, y: rng.normal(0, 0.1, (n, c)) + _at(y, c, rng.uniform(0, 2, n)),
    "wrong": lambda rng, n, c, y: rng.normal(0, 2, (n, c)) + _at((y + 1) % c, c, rng.uniform(1, 300, n)),
    "very wrong": lambda rng, n, c, y: rng.normal(0, 2, (n, c)) + _at((y + 1) % c, c, rng.uniform(300, 1e4, n)),
    "masked rivals": lambda rng, n, c, y: np.where(
        (rng.random((n, c)) < 0.4) & (_at(y, c, 1) == 0), -np.inf, rng.normal(0, 3, (n, c))
    ),
}


def _at(labels, classes: int, height) -> np.ndarray:
    """Rows of zeros with ``height`` at the label."""
    return (np.arange(classes) == np.asarray(labels)[:, None]) * np.reshape(height, (-1, 1))


@dataclass(frozen=True)
class Case:
    """One call: torch tensors for the first argument, the target and the array options, and plain options."""

    loss: str
    scores: torch.Tensor
    target: torch.Tensor
    arrays: dict[str, torch.Tensor] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)
    label: str = ""

    def __str__(self) -> str:
        options = [*self.arrays, *self.plain] + (["probabilities"] if self.soft else [])
        return f"{self.loss} {self.label} {tuple(self.scores.shape)} {'+'.join(options)}"

    @property
    def soft(self) -> bool:
        return self.loss == "cross_entropy" and self.target.is_floating_point()

    @property
    def result_dtype(self) -> torch.dtype:
        return torch.promote_types(self.scores.dtype, self.target.dtype) if self.soft else self.scores.dtype

    def widened(self) -> "Case":
        """The same numbers in float64."""
        target = self.target.double() if self.target.is_floating_point() else self.target
        arrays = {name: array.double() for name, array in self.arrays.items()}
        return Case(self.loss, self.scores.double(), target, arrays, self.plain, self.label)

    def oracle(self) -> reference.Exact:
        arrays = {name: _exact(array) for name, array in self.arrays.items()}
        return getattr(reference, self.loss)(_exact(self.scores), _exact(self.target), **arrays, **self.plain)

    def run(self, function, reduction: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Result and gradient (of its sum) of a torch or of our function, on torch."""
        scores = self.scores.detach().clone().requires_grad_()
        result = function(scores, self.target, **self.arrays, **self.plain, reduction=reduction)
        (result if reduction != "none" else result.sum(dtype=torch.float64)).backward()
        return result.detach(), scores.grad

    def run_on(self, library, reduction: str):
        """Result of our function on NumPy or array_api_strict arrays."""
        give = {name: library.asarray(array.numpy()) for name, array in self.arrays.items()}
        scores, target = library.asarray(self.scores.numpy()), library.asarray(self.target.numpy())
        return getattr(losses, self.loss)(scores, target, **give, **self.plain, reduction=reduction)


def _exact(tensor: torch.Tensor) -> np.ndarray:
    return tensor.to(torch.float64).numpy() if tensor.is_floating_point() else tensor.numpy()


def class_cases(dtype: torch.dtype, classes: int = 5, families=tuple(FAMILIES), shapes=SHAPES) -> Iterator[Case]:
    """cross_entropy and nll_loss: every family × every option, the shapes dealt out in turn."""
    rng = np.random.default_rng(classes)
    plain_options = [
        ("labels", {}, False),
        ("labels", {}, True),
        ("labels", {"ignore_index": 1}, False),
        ("labels", {"ignore_index": -1}, True),
        ("labels", {"label_smoothing": 0.1}, False),
        ("labels", {"label_smoothing": 0.3, "ignore_index": 0}, True),
        ("probabilities", {}, False),
        ("probabilities", {}, True),
        ("probabilities", {"label_smoothing": 0.2}, False),
        ("probabilities", {"label_smoothing": 0.1}, True),
        ("one-hot probabilities", {}, False),
        ("near one-hot", {}, False),
    ]
    for f, family in enumerate(families):
        for o, (kind, plain, weighted) in enumerate(plain_options):
            shape = shapes[(f + o) % len(shapes)]
            n = int(np.prod(shape))
            y = rng.integers(0, classes, n)
            rows = FAMILIES[family](rng, n, classes, y)
            arrays = {"weight": torch.tensor(rng.uniform(0.1, 3, classes)).to(dtype)} if weighted else {}
            if kind == "labels":
                target = np.where(rng.random(n) < 0.3, plain["ignore_index"], y) if "ignore_index" in plain else y
                target = torch.tensor(target.reshape(shape))
            else:
                q = rng.dirichlet(np.ones(classes), n) if kind == "probabilities" else _at(y, classes, 1.0)
                q = np.where(rng.random((n, classes)) < 0.2, 0.0, q) if kind == "probabilities" else q
                q = 0.999 * q + 0.001 * np.roll(q, 1, axis=-1) if kind == "near one-hot" else q
                q = np.where(np.isinf(rows), 0.0, q)
                rows = np.where(np.isinf(rows) & bool(plain), -20.0, rows)
                target = _placed(q, shape).to(dtype)
            if "label_smoothing" in plain:
                rows = np.where(np.isinf(rows), -20.0, rows)
            scores = _placed(rows, shape).to(dtype)
            yield Case("cross_entropy", scores, target, arrays, plain, family)
            if kind == "labels" and "label_smoothing" not in plain:
                log_probs = torch.log_softmax(scores.double(), 0 if shape == () else 1).to(dtype)
                yield Case("nll_loss", log_probs, target, arrays, plain, family)


def _placed(rows: np.ndarray, shape: tuple[int, ...]) -> torch.Tensor:
    """Rows (n, C) as (C,) or (N, C, d1, …), contiguous, for a target of the given shape."""
    placed = np.moveaxis(rows.reshape(*shape, -1), -1, min(1, len(shape)))
    return torch.tensor(np.ascontiguousarray(placed))


def binary_cases(dtype: torch.dtype) -> Iterator[Case]:
    """Both binary losses: margins of all sizes × targets × weights."""
    rng = np.random.default_rng(2)
    scales = {"zero": 0.0, "small": 1e-3, "plain": 3.0, "sure": 40.0, "very sure": 300.0, "huge": 1e4}
    for s, (family, scale) in enumerate(scales.items()):
        for o, options in enumerate(((), ("weight",), ("pos_weight",), ("weight", "pos_weight"))):
            for t, kind in enumerate(("hard", "soft")):
                shape = ((), (7,), (4, 3), (2, 3, 2))[(s + o + t) % 4]
                z = torch.tensor(rng.uniform(-scale, scale, shape)).to(dtype)
                y = torch.tensor(rng.integers(0, 2, shape) * 1.0 if kind == "hard" else rng.random(shape)).to(dtype)
                arrays = {name: torch.tensor(rng.uniform(0.1, 3, shape[-1:])).to(dtype) for name in options}
                yield Case("binary_cross_entropy_with_logits", z, y, arrays, {}, f"{family} {kind}")
                if "pos_weight" not in options:
                    p = torch.sigmoid(z.double() * (1 if s % 2 else -1)).to(dtype)
                    yield Case("binary_cross_entropy", p, y, arrays, {}, f"{family} {kind}")


def all_cases(dtype: torch.dtype) -> Iterator[Case]:
    """What is measured: everything in float64 and float32; half types, rounded from float32, on a share of it."""
    if torch.finfo(dtype).bits < 32:
        yield from class_cases(dtype, 3, tuple(FAMILIES)[::2])
    else:
        yield from class_cases(dtype)
        yield from class_cases(dtype, 2, ("plain", "close", "confident right", "very wrong"))
        yield from class_cases(dtype, 1000, ("all zero", "confident right"), shapes=((),))
    yield from class_cases(dtype, 1, ("huge",))
    yield from binary_cases(dtype)


class Ruler:
    """Exact numbers as pairs of floats (a float and what it leaves over), ready to measure many results against."""

    def __init__(self, exact: list, scale: list, dtype: torch.dtype):
        info = torch.finfo(dtype)
        top = info.max * (1 + info.eps / 4)  # from here on, rounding gives an infinity
        exact = [mpf("inf") if e >= top else mpf("-inf") if e <= -top else e for e in exact]
        self.high = np.array([float(e) for e in exact])
        self.low = np.array([float(e - h) if np.isfinite(h) else 0.0 for e, h in zip(exact, self.high, strict=True)])
        smallest = info.smallest_normal * info.eps
        self.unit = np.maximum(np.array([float(s) for s in scale]) * info.eps, smallest)

    def units(self, got) -> float:
        """The largest deviation of ``got``, in units; 0 where both are the same infinity or NaN, else inf."""
        got = flat(got)
        assert got.shape == self.high.shape, (got.shape, self.high.shape)
        with np.errstate(all="ignore"):
            off = np.abs((got - self.high) - self.low) / self.unit
        same = (got == self.high) | (np.isnan(got) & np.isnan(self.high))
        off = np.where(same, np.where(np.isfinite(self.high), np.abs(self.low) / self.unit, 0.0), off)
        return float(np.max(np.where(np.isnan(off), np.inf, off), initial=0.0))

    def close(self, one, other, bound: float) -> bool:
        """Whether two results differ by at most ``bound`` units, or are the same infinity or NaN."""
        one, other = flat(one), flat(other)
        same = (one == other) | (np.isnan(one) & np.isnan(other))
        with np.errstate(all="ignore"):
            return bool(np.all(same | (np.abs(one - other) <= bound * self.unit)))


def flat(result) -> np.ndarray:
    """A result of any library as a flat float64 array."""
    if isinstance(result, torch.Tensor):
        result = result.detach().double().numpy()
    return np.asarray(result, dtype=np.float64).reshape(-1)


@dataclass
class Measurement:
    """One case, exact: rulers for its values and gradients by reduction, and the bounds that hold."""

    case: Case

    def __post_init__(self):
        exact = self.case.oracle()
        self.elementwise = exact.elementwise
        self.values = {r: Ruler(*exact.values(r), self.case.result_dtype) for r in REDUCTIONS}
        self.gradients = {r: Ruler(*exact.gradients(r), self.case.scores.dtype) for r in ("sum", "mean")}
        self.gradients["none"] = self.gradients["sum"]

    @property
    def bounds(self) -> tuple[float, float]:
        """Units that a value and a gradient may be off."""
        return 4.0, 4.0 if self.elementwise else 8.0

    def rulers(self, reduction: str) -> tuple[Ruler, Ruler]:
        return self.values[reduction], self.gradients[reduction]

    def as_rows(self, result: torch.Tensor) -> torch.Tensor:
        """A gradient in the oracle's order, classes last; anything else as it is."""
        over_classes = not self.case.loss.startswith("binary") and result.shape == self.case.scores.shape
        return result.movedim(1, -1) if over_classes and result.ndim > 1 else result
