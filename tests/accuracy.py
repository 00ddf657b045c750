"""How far the losses stand from 50-digit arithmetic: the cases, the measurement, the table.

``python -m tests.accuracy`` prints the largest deviation by loss and dtype, ours beside PyTorch's. A unit of rounding
is UNIT (below) of the result's type, relative to the exact number; numbers below the type's normal range are
measured against its smallest step there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import array_api_strict
import numpy as np
import torch
import torch.nn.functional as F
from mpmath import isinf, isnan, mpf

from tests import reference
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
    yield from class_cases(dtype)
    yield from class_cases(dtype, 2, ("plain", "confident right", "wrong"))
    yield from class_cases(dtype, 1, ("plain", "huge"))
    yield from class_cases(dtype, 1000, ("plain", "confident right"), shapes=((),))
    yield from binary_cases(dtype)


UNIT = {name: torch.finfo(getattr(torch, name)).eps / 2 for name in DTYPES}


def deviations(got, exact: list, allowed: list, dtype: torch.dtype, slack_floor=1) -> list[float]:
    """Each |got − exact| in units: of what ``allowed`` times the unit roundoff comes to. 0 where both are the same infinity."""
    name = str(dtype).removeprefix("torch.")
    info = torch.finfo(dtype)
    step = mpf(info.smallest_normal) * mpf(info.eps)
    result = []
    for g, e, a in zip(got, exact, allowed, strict=True):
        if not isinf(e) and abs(e) >= mpf(info.max) * (1 + mpf(UNIT[name]) / 2):
            e = mpf("inf") if e > 0 else mpf("-inf")  # overflows when it is rounded
        if isnan(e) or isinf(e):
            result.append(0.0 if (isnan(e) and g != g) or g == e else float("inf"))
        elif g != g:
            result.append(float("inf"))
        else:
            result.append(float(abs(mpf(g) - e) / max(a * mpf(UNIT[name]), step)))
    return result


def as_rows(gradient: torch.Tensor, case: Case) -> list[float]:
    """A gradient in the oracle's order: classes last for the losses over classes."""
    if not case.loss.startswith("binary") and gradient.ndim > 1:
        gradient = gradient.movedim(1, -1)
    return gradient.double().reshape(-1).tolist()


def flat(result) -> list[float]:
    """A result of any library as plain floats."""
    if isinstance(result, torch.Tensor):
        return result.double().reshape(-1).tolist()
    return np.asarray(result, dtype=np.float64).reshape(-1).tolist()


def bound(case: Case, exact: reference.Exact) -> float:
    """Units that a gradient may be off: 4 where it is measured elementwise, 8 where against its scale."""
    return 4.0 if exact.elementwise else 8.0


def main() -> None:
    print("Largest deviation from mpmath, in units of rounding: value / gradient, ours | torch's\n")
    worst: dict[tuple, tuple] = {}
    for name in DTYPES:
        for case in all_cases(getattr(torch, name)):
            exact = case.oracle()
            for who, function in (("ours", getattr(losses, case.loss)), ("torch", getattr(F, case.loss))):
                for reduction in REDUCTIONS:
                    result, gradient = case.run(function, reduction)
                    values = deviations(flat(result), *exact.values(reduction), case.result_dtype)
                    slopes = deviations(as_rows(gradient, case), *exact.gradients(reduction), case.scores.dtype)
                    kind = "value", ("gradient" if exact.elementwise else "gradient (scaled)")
                    for what, found in zip(kind, (values, slopes), strict=True):
                        key = case.loss, what, name, who
                        worst[key] = max(worst.get(key, (0.0, "")), (max(found, default=0.0), f"{case} {reduction}"))
    import sys
    for key, (units, case) in worst.items():
        print(*key, f"{units:.3g}", case if "-v" in sys.argv else "", sep="\t")


if __name__ == "__main__":
    main()
