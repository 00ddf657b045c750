"""One training loop for every model of the course: seeded minibatches, and a history to read.

The logits of a model have shape (N, C) with integer labels (N,), or (N, 1) with floating labels (N, 1) for a
single yes-or-no output. Everything else, the loss among it, is the same for both.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from xent_helpers import validation as check

Part = tuple[Tensor, Tensor]  # inputs (N, …) and labels, one for each row


class Score(NamedTuple):
    """Mean loss in nats and share of right decisions over ``count`` samples."""

    loss: float
    accuracy: float
    count: int


@dataclass
class History:
    """What a run has measured: a score of each part before training (epoch 0) and after each epoch."""

    train: list[Score] = field(default_factory=list)
    validation: list[Score] = field(default_factory=list)
    interrupted: bool = False

    def table(self) -> pd.DataFrame:
        """Return one row for each epoch: the losses in nats and the accuracies of both parts."""
        pairs = list(zip(self.train, self.validation, strict=True))
        rows = [(fitted.loss, new.loss, fitted.accuracy, new.accuracy) for fitted, new in pairs]
        columns = ["train loss", "validation loss", "train accuracy", "validation accuracy"]
        return pd.DataFrame(rows, columns=columns).rename_axis("epoch")

    def best_epoch(self) -> int:
        """Return the epoch with the lowest validation loss; one whose loss is NaN is never the best.

        Example:
            >>> History(validation=[Score(2.3, 0.1, 9), Score(0.4, 0.9, 9), Score(0.6, 0.9, 9)]).best_epoch()
            1
        """
        return min(range(len(self.validation)), key=lambda epoch: _or_inf(self.validation[epoch].loss))


def train(
    model: nn.Module,
    train_part: Part,
    validation_part: Part,
    loss_fn: Callable[..., Tensor],
    *,
    lr: float = 0.1,
    epochs: int = 20,
    batch_size: int = 64,
    seed: int = 0,
    device: torch.device | str | None = None,
    progress: bool = False,
) -> History:
    """Train ``model`` in place by plain stochastic gradient descent: θ ← θ − lr · ∇(mean loss of a minibatch).

    An interrupted run (Ctrl-C, the notebook's stop button) returns what it has measured so far, and the model
    keeps what it has learned.

    Args:
        model: any module from inputs to logits; it is moved to ``device``.
        train_part, validation_part: inputs (N, …) and labels (N,) or (N, 1).
        loss_fn: called as ``loss_fn(logits, labels)`` and with ``reduction="sum"``, as the course's losses are.
        lr: the learning rate.
        epochs: passes over the training part.
        batch_size: samples in a step; the last batch of an epoch may be shorter.
        seed: of the order of the samples, which is the same on every device.
        device: where to train; None is where the model is.
        progress: show a bar on the standard error stream.

    Returns:
        The history, losses in nats.

    Raises:
        ValueError: ``epochs`` or ``batch_size`` is out of range, or inputs and labels do not match in number.

    Example:
        >>> x = torch.tensor([[-1.0], [1.0]])
        >>> history = train(nn.Linear(1, 2), (x, torch.tensor([0, 1])), (x, torch.tensor([0, 1])),
        ...                 nn.functional.cross_entropy, epochs=3)
        >>> len(history.train), history.train[-1].count
        (4, 2)
    """
    _check_run(model, epochs, batch_size, train_part, validation_part)
    device = device or next(model.parameters()).device
    model.to(device)
    x, y = (tensor.to(device) for tensor in train_part)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    generator = torch.Generator().manual_seed(seed)
    history = History()
    try:
        _record(history, model, (x, y), validation_part, loss_fn)
        for _ in tqdm(range(epochs), unit="epoch", leave=False, disable=not progress):
            for rows in batches(len(y), batch_size, generator):
                step(model, optimizer, loss_fn, x[rows], y[rows])
            _record(history, model, (x, y), validation_part, loss_fn)
    except KeyboardInterrupt:
        history.interrupted = True
    return history


def step(
    model: nn.Module, optimizer: torch.optim.Optimizer, loss_fn: Callable[..., Tensor], x: Tensor, y: Tensor
) -> Tensor:
    """Take one step of ``optimizer`` on one minibatch and return the batch's mean loss before it, in nats.

    Example:
        >>> model = nn.Linear(1, 3)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> step(model, optimizer, nn.functional.cross_entropy, torch.ones(2, 1), torch.tensor([0, 2])).shape
        torch.Size([])
    """
    optimizer.zero_grad()  # without this line the gradients of all earlier batches are added
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.detach()


def batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield the row numbers 0 … count − 1 in random order, ``size`` at a time; the last batch may be shorter.

    Example:
        >>> [len(rows) for rows in batches(10, 4, torch.Generator().manual_seed(0))]
        [4, 4, 2]
    """
    yield from torch.randperm(count, generator=generator, device=generator.device).split(size)


@torch.no_grad()
def evaluate(model: nn.Module, x: Tensor, y: Tensor, loss_fn: Callable[..., Tensor], *, batch_size: int = 256) -> Score:
    """Score ``model`` on a whole part by sums and counts, so that the batch size has no say in the result.

    Args:
        model: any module from inputs to logits; each part of it is switched to evaluation and back.
        x, y: inputs (N, …) and labels (N,) or (N, 1), moved to the model's device batch by batch.
        loss_fn: called with ``reduction="sum"``.
        batch_size: how many samples at a time.

    Raises:
        ValueError: there is no sample, or labels and decisions differ in shape.

    Example:
        >>> x, y = torch.tensor([[-1.0], [1.0]]), torch.tensor([0, 1])
        >>> evaluate(nn.Linear(1, 2), x, y, nn.functional.cross_entropy).count
        2
    """
    _check_part(x, y)
    batch_size = check.check_positive("batch_size", batch_size)
    nats, hits, modes = 0.0, 0, [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        for xb, yb in zip(x.split(batch_size), y.split(batch_size), strict=True):
            logits, labels = model(_beside(xb, model)), _beside(yb, model)
            decisions = decide(logits)
            check.check_same_shape("decide(logits)", decisions, "y", labels)
            nats += float(loss_fn(logits, labels, reduction="sum"))
            hits += int((decisions == labels).sum())
    finally:
        for module, mode in modes:
            module.training = mode  # not train(mode), which would take frozen parts along
    return Score(nats / len(y), hits / len(y), len(y))


def decide(logits: Tensor) -> Tensor:
    """Turn logits into the likeliest label: (N, C) to class indices (N,), a single output (N, 1) to 0.0 or 1.0.

    Example:
        >>> decide(torch.tensor([[0.1, 2.0, 1.0]])), decide(torch.tensor([[-3.0]]))
        (tensor([1]), tensor([[0.]]))
    """
    check.check_tensors(logits=logits)
    check.check_floating(logits=logits)
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise ValueError(f"logits has shape {tuple(logits.shape)}, expected (N, C) or (N, 1): one row for each sample.")
    return (logits > 0).to(logits.dtype) if logits.shape[1] == 1 else logits.argmax(dim=1)


def _or_inf(loss: float) -> float:
    return math.inf if math.isnan(loss) else loss


def _beside(tensor: Tensor, model: nn.Module) -> Tensor:
    return tensor.to(next(model.parameters(), tensor).device)


def _record(history: History, model: nn.Module, train_part: Part, validation_part: Part, loss_fn: Callable) -> None:
    """Measure first, then write: an interruption leaves the two lists equally long."""
    scores = evaluate(model, *train_part, loss_fn), evaluate(model, *validation_part, loss_fn)
    history.train.append(scores[0])
    history.validation.append(scores[1])


def _check_run(model: nn.Module, epochs: int, batch_size: int, *parts: Part) -> None:
    if not any(True for _ in model.parameters()):
        raise ValueError("model has no parameters, expected at least one to train: to measure it, use evaluate.")
    if check.check_integer("epochs", epochs) < 0:
        raise ValueError(f"epochs is {epochs}, expected 0 or more: 0 only measures.")
    check.check_positive("batch_size", batch_size)
    for part in parts:
        _check_part(*part)


def _check_part(x: Tensor, y: Tensor) -> None:
    check.check_tensors(x=x)
    check.check_tensors(y=y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise ValueError(f"y has shape {tuple(y.shape)} and x {tuple(x.shape)}, expected one label for each input.")
    if len(y) == 0:
        raise ValueError("y has no entries, expected at least one: a mean over no samples is not defined.")
