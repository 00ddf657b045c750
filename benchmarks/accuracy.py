"""Errors of the float32 losses against 60 digits, in units of rounding (the type's machine epsilon, 1.2e-7)."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from benchmarks.speed import Row, torch_chunked, unfused
from xent_helpers import exact, losses
from xent_helpers.compare import share_of_bound
from xent_helpers.fused import fused_cross_entropy, linear_cross_entropy

DENSE = {
    "fused_cross_entropy": fused_cross_entropy,
    "F.cross_entropy": F.cross_entropy,
    "scratch": losses.cross_entropy,
}
LINEAR = {"linear_cross_entropy": linear_cross_entropy, "unfused, torch": unfused}
if hasattr(torch.nn, "LinearCrossEntropyOptions"):
    LINEAR["chunked, torch"] = torch_chunked


def situations(classes: int) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Logits (6, C) and labels: untrained, ordinary, confident and right, confident and wrong, far from 0."""
    rng = torch.Generator().manual_seed(0)
    z, y = torch.randn(6, classes, generator=rng), torch.randint(classes, (6,), generator=rng)
    here = F.one_hot(y, classes)
    elsewhere = F.one_hot((y + 1) % classes, classes)
    shifted = {"equal": 0 * z, "random": 3 * z, "right": z + 35 * here, "wrong": z + 35 * elsewhere, "far": z + 9000}
    return {name: (logits, y) for name, logits in shifted.items()}


def accuracy(classes: int) -> Iterator[Row]:
    """The largest errors of the mean loss and of its gradient."""
    for situation, (z, y) in situations(classes).items():
        truth = exact.cross_entropy(z.numpy(), y.numpy())
        for name, loss in DENSE.items():
            yield _row(situation, classes, name, loss, [z], y, truth)
        if situation != "far":  # x = z and W = identity: the product is exact, so its errors are those of the loss
            for name, loss in LINEAR.items():
                yield _row(situation, classes, name, loss, [z, torch.eye(classes)], y, truth)


def _row(situation: str, classes: int, name: str, loss, inputs: list[torch.Tensor], y: torch.Tensor, truth) -> Row:
    first = inputs[0].clone().requires_grad_()
    value = loss(first, *inputs[1:], y)
    value.backward()
    units = [
        share_of_bound(got.detach().double().reshape(-1), wanted, 1, torch.float32)
        for got, wanted in ((value, truth.values("mean")), (first.grad, truth.gradients("mean")))
    ]
    row = {"situation": situation, "C": classes, "implementation": name}
    return row | dict(zip(("value, units", "gradient, units"), units, strict=True))
