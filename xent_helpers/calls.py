"""The calls that chapter 5's agreement table makes: every situation × every option of four losses.

Each is small enough to be worked out with 60 digits, and its numbers are chosen so that no verdict hangs on the last
digit: an error is well inside its bound or far outside.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from xent_helpers import exact, losses
from xent_helpers.exact import Exact

LOSSES = {
    "cross_entropy": "CrossEntropyLoss",
    "nll_loss": "NLLLoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "binary_cross_entropy": "BCELoss",
}
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def value_and_gradient(
    loss: Callable[..., Tensor], scores: Tensor, target: Tensor, **options: object
) -> tuple[Tensor, Tensor]:
    """Return ``loss(scores, target, **options)`` and the gradient of its sum with respect to the scores.

    Example:
        >>> logit, label = torch.tensor([2.0]), torch.tensor([1.0])
        >>> [round(float(x), 4) for x in value_and_gradient(F.binary_cross_entropy_with_logits, logit, label)]
        [0.1269, -0.1192]
    """
    scores = scores.detach().clone().requires_grad_()
    value = loss(scores, target, **options)
    value.sum().backward()
    return value.detach(), scores.grad


@dataclass(frozen=True)
class Call:
    """One call of a loss: scores, target, options that are arrays (one entry a class) and options that are not."""

    loss: str
    situation: str
    option: str
    scores: Tensor
    target: Tensor
    arrays: dict[str, Tensor] = field(default_factory=dict)
    plain: dict[str, float] = field(default_factory=dict)

    def run(self, who: str, reduction: str, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return value and gradient of "ours" or "torch" on ``device``, as flat float64 on the CPU."""
        function = getattr(losses if who == "ours" else F, self.loss)
        arrays = {name: array.to(device) for name, array in self.arrays.items()}
        value, gradient = value_and_gradient(
            function, self.scores.to(device), self.target.to(device), **arrays, **self.plain, reduction=reduction
        )
        gradient = gradient if self.binary else _classes_last(gradient)
        return value.cpu().double().flatten(), gradient.cpu().double().flatten()

    def exact(self) -> Exact:
        """Work the same call out with 60 digits."""
        arrays = {name: _numbers(array) for name, array in self.arrays.items()}
        return getattr(exact, self.loss)(_numbers(self.scores), _numbers(self.target), **arrays, **self.plain)

    @property
    def binary(self) -> bool:
        return self.loss.startswith("binary")

    @property
    def units(self) -> tuple[int, int]:
        """Units of rounding allowed for values and for slopes; a mixture of classes is allowed more slope."""
        if not self.target.is_floating_point():
            return 4, 8 if "label_smoothing" in self.plain else 4
        certain = bool(((self.target == 0) | (self.target == 1)).all())
        return 4, 4 if self.binary and certain else 8


def calls(loss: str, dtype: torch.dtype) -> Iterator[Call]:
    """Every situation × every option of one loss, small enough to be worked out with 60 digits."""
    yield from (_binary_calls if loss.startswith("binary") else _class_calls)(loss, dtype)


# Four rows of logits with their labels. A situation pulls the true logit up or down.
_ROWS = torch.tensor(
    [[0.5, 1.0, 0.125], [0.25, -0.5, 1.0], [0.75, 0.375, -0.25], [1.0, -0.25, 0.5]], dtype=torch.float64
)
_LABELS = torch.tensor([1, 2, 0, 0])
_SURE = {torch.float64: 40.0, torch.float32: 20.0, torch.bfloat16: 20.0, torch.float16: 12.0}
_NEAR_0 = {torch.float64: 30.0, torch.float32: 30.0, torch.bfloat16: 30.0, torch.float16: 10.0}
_WEIGHT = torch.tensor([0.5, 1.0, 2.0])


def _situations(own: Tensor, margin: float) -> dict[str, Tensor]:
    return {
        "everyday": _ROWS,
        "tied": 0 * _ROWS,
        "sure": _ROWS / 4 + own * margin,
        "wrong": _ROWS / 4 - own * 30,
        "huge": 8192 * _ROWS.round(),
    }


def _class_calls(loss: str, dtype: torch.dtype) -> Iterator[Call]:
    own = F.one_hot(_LABELS, 3)
    weight = {"weight": _WEIGHT.to(dtype)}
    mixed = (0.75 * own + torch.tensor([0.125, 0.0, 0.125])).to(dtype)
    options = [
        ("none", _LABELS, {}, {}),
        ("weight", _LABELS, weight, {}),
        ("ignore_index", _LABELS, weight, {"ignore_index": 2}),
    ]
    if loss == "cross_entropy":
        options += [
            ("label_smoothing", _LABELS, {}, {"label_smoothing": 0.0625}),
            ("smoothing, weight", _LABELS, weight, {"label_smoothing": 0.0625}),
            ("probabilities", mixed, {}, {}),
            ("probabilities, weight", mixed, weight, {}),
        ]
    for situation, rows in _situations(own, _SURE[dtype]).items():
        scores = (rows if loss == "cross_entropy" else rows.log_softmax(1)).to(dtype)
        for option, target, arrays, plain in options:
            yield Call(loss, situation, option, scores, target, arrays, plain)
        yield Call(loss, situation, "(N, C, d1)", scores.reshape(2, 2, 3).movedim(-1, 1), _LABELS.reshape(2, 2))


def _binary_calls(loss: str, dtype: torch.dtype) -> Iterator[Call]:
    own = F.one_hot(_LABELS, 3)
    hard, soft = own.to(dtype), (0.75 * own + 0.125).to(dtype)
    weight = {"weight": _WEIGHT.to(dtype)}
    options = [("none", hard, {}), ("weight", hard, weight), ("probabilities", soft, {})]
    if loss == "binary_cross_entropy_with_logits":
        options += [("pos_weight", hard, {"pos_weight": _WEIGHT.to(dtype)})]
    for situation, rows in _situations(2 * own - 1, _SURE[dtype]).items():
        scores = rows
        if loss == "binary_cross_entropy":
            if situation in ("sure", "huge"):
                continue  # there a probability rounds to 0 or 1
            scores = (rows if situation != "wrong" else _ROWS / 4 - _NEAR_0[dtype]).sigmoid()
        name = situation if loss != "binary_cross_entropy" or situation != "wrong" else "p near 0"
        for option, target, arrays in options:
            yield Call(loss, name, option, scores.to(dtype), target, arrays)


def _classes_last(x: Tensor) -> Tensor:
    """(N, C, d1, …) as rows (N·d1·…, C)."""
    return x.movedim(1, -1).flatten(0, -2)


def _numbers(x: Tensor) -> np.ndarray:
    """The same numbers in NumPy, which has no bfloat16."""
    return (x.double() if x.is_floating_point() else x).numpy()
