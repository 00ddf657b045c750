"""The same small network with several seeds, trained side by side: one run shows the spread, not one lucky number.

K networks have no part in common, but their shapes are the same. With one more axis in front, a single matrix
product serves all of them, which costs far less time than K runs. Inputs have shape (K, N, D), logits (K, N, C).
"""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from itertools import chain, islice, pairwise, repeat
from numbers import Integral
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from xent_helpers import validation as check
from xent_helpers.data import DataSet
from xent_helpers.training import batches, step


class Replicas(nn.Module):
    """K independent networks D → hidden → C with ReLU, in float64, each started from its own seed.

    Args:
        seeds: one seed for each network; a number K stands for 0 … K − 1.
        sizes: D, the width of the hidden layer, and C.

    Example:
        >>> Replicas(3, (64, 16, 10))(torch.zeros(3, 5, 64, dtype=torch.float64)).shape
        torch.Size([3, 5, 10])
    """

    def __init__(self, seeds: int | Sequence[int], sizes: tuple[int, int, int]) -> None:
        super().__init__()
        generators = [torch.Generator().manual_seed(seed) for seed in _listed(seeds)]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for ins, outs in pairwise(sizes):
            for parameters, rows in ((self.weights, ins), (self.biases, 1)):
                starts = [torch.rand(rows, outs, generator=g, dtype=torch.float64, device="cpu") for g in generators]
                parameters.append((2 * torch.stack(starts) - 1) / ins**0.5)  # as nn.Linear starts

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (K, N, C) of inputs (K, N, D)."""
        hidden = torch.relu(x @ self.weights[0] + self.biases[0])
        return hidden @ self.weights[1] + self.biases[1]

    def pick(self, numbers: Sequence[int]) -> "Replicas":
        """Return a copy of some of the networks, by their numbers from 0.

        Example:
            >>> len(Replicas(6, (4, 8, 3)).pick([2, 3]).weights[0])
            2
        """
        picked = deepcopy(self)
        for parameter in picked.parameters():
            parameter.data = parameter.data[list(numbers)].clone()
        return picked


def fit(
    model: nn.Module,
    loss_fn: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    targets: Tensor,
    *,
    steps: int,
    lr: float | Sequence[float] = 0.01,
    batch_size: int = 64,
    watch: Callable[[nn.Module], Any] | None = None,
    every: int = 50,
) -> list:
    """Train the K networks of ``model`` in place with Adam; each follows the gradient of its own mean loss.

    Args:
        model: from (K, B, D) to logits (K, B, C).
        loss_fn: the mean loss of logits (M, C) and targets (M, …).
        x: inputs (K, N, D).
        targets: labels (K, N), or rows of probabilities or logits (K, N, C).
        steps: how many minibatches; all networks see the same row numbers.
        lr: Adam's learning rate, one for all networks or one for each.
        batch_size: samples of each network in a step.
        watch: called with the model after every ``every`` steps.

    Returns:
        What ``watch`` returned, in order.

    Example:
        >>> x, y = torch.rand(2, 9, 4, dtype=torch.float64), torch.zeros(2, 9, dtype=torch.int64)
        >>> model = Replicas(2, (4, 8, 3))
        >>> fit(model, nn.functional.cross_entropy, x, y, steps=60, watch=lambda m: accuracy(m, x, y))
        [tensor([1., 1.], dtype=torch.float64)]
    """
    check.check_tensors(x=x)
    check.check_tensors(targets=targets)
    steps, every, batch_size = (
        check.check_positive(name, value)
        for name, value in {"steps": steps, "every": every, "batch_size": batch_size}.items()
    )
    rates = torch.tensor(lr, dtype=torch.float64, device="cpu")
    fastest = float(rates.max())
    optimizer = torch.optim.Adam(model.parameters(), lr=fastest)
    shares = (
        (rates / fastest).reshape(-1, 1, 1).to(x.device, x.dtype)
    )  # of Adam's step, whose direction and memory do not depend on the rate
    seen = []

    def total(logits: Tensor, targets: Tensor) -> Tensor:  # a sum over the networks, so that their gradients do not mix
        return len(logits) * loss_fn(logits.flatten(0, 1), targets.flatten(0, 1))

    for number, rows in enumerate(islice(_endless(x.shape[1], batch_size), steps), 1):
        before = [parameter.detach().clone() for parameter in model.parameters()] if rates.ndim else []
        step(model, optimizer, total, x[:, rows], targets[:, rows])
        if rates.ndim:
            _shorten(model, before, shares)
        if watch and number % every == 0:
            seen.append(watch(model))
    return seen


@torch.no_grad()
def accuracy(model: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    """Share of right decisions of each network: inputs (K, N, D) and labels (K, N) in, (K,) out.

    Example:
        >>> accuracy(nn.Identity(), torch.tensor([[[2.0, 1.0], [0.0, 3.0]]]), torch.tensor([[0, 0]]))
        tensor([0.5000], dtype=torch.float64)
    """
    return (model(x).argmax(dim=-1) == labels).double().mean(dim=-1)


def splits(
    dataset: DataSet, seeds: int | Sequence[int], test_fraction: float = 0.25
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Split ``dataset`` once for each seed: x (K, N, D), labels (K, N), and the same of the test parts.

    Example:
        >>> from xent_helpers import data
        >>> [tuple(part.shape) for part in splits(data.iris(), 2)]
        [(2, 112, 4), (2, 112), (2, 38, 4), (2, 38)]
    """
    parts = [dataset.split(test_fraction, seed=seed).tensors() for seed in _listed(seeds)]
    (x, y), (x_test, y_test) = (map(torch.stack, zip(*pairs, strict=True)) for pairs in zip(*parts, strict=True))
    return x, y, x_test, y_test


def three_parts(dataset: DataSet, seeds: int | Sequence[int]) -> tuple[tuple[Tensor, Tensor], ...]:
    """Split ``dataset`` once for each seed into 60% training, 20% validation and 20% test: three pairs (x, labels).

    Example:
        >>> from xent_helpers import data
        >>> [tuple(labels.shape) for _, labels in three_parts(data.iris(), 2)]
        [(2, 90), (2, 30), (2, 30)]
    """
    x, y, x_rest, y_rest = splits(dataset, seeds, test_fraction=0.4)
    return (x, y), (x_rest[:, ::2], y_rest[:, ::2]), (x_rest[:, 1::2], y_rest[:, 1::2])


class Sweep(NamedTuple):
    """Runs of one recipe at several learning rates: accuracies (moments, rates, seeds) on validation and test data.

    The validation data choose, and the test data are read only at what was chosen.
    """

    rates: Tensor
    validation: Tensor
    test: Tensor

    def best_at_the_end(self) -> int:
        """The number of the rate with the best mean validation accuracy after the last step."""
        return int(self.validation[-1].mean(dim=1).argmax())

    def at_the_end(self) -> tuple[float, Tensor]:
        """The rate with the best validation accuracy after the last step, and the test accuracies (K,) there."""
        best = self.best_at_the_end()
        return float(self.rates[best]), self.test[-1, best]

    def best_when_stopped(self) -> int:
        """The number of the rate with the best validation accuracy, each run stopped at its own best moment."""
        return int(self.validation.amax(dim=0).mean(dim=1).argmax())

    def stopped(self) -> tuple[float, Tensor]:
        """The rate that is best when each run stops, and the test accuracies (K,) at the validated moments."""
        best = self.best_when_stopped()
        moments = self.validation[:, best].argmax(dim=0)
        return float(self.rates[best]), self.test[moments, best, torch.arange(len(moments))]


def sweep(
    loss_fn: Callable[[Tensor, Tensor], Tensor],
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    *,
    seeds: int | Sequence[int],
    sizes: tuple[int, int, int],
    rates: Sequence[float],
    steps: int,
    every: int = 50,
    batch_size: int = 64,
) -> tuple[Replicas, Sweep]:
    """Train one network for each rate and seed, all side by side, and measure them after every ``every`` steps.

    Args:
        loss_fn: as for ``fit``.
        train: inputs (K, N, D), and labels (K, N) or rows (K, N, C).
        validation: inputs and labels by which a rate and a moment may be chosen.
        test: inputs and labels for the report.
        seeds, sizes: as for ``Replicas``.
        rates: R learning rates of Adam.
        steps, every, batch_size: as for ``fit``.

    Returns:
        The K networks with the rate that is best at the end, and what was measured of all.

    Example:
        >>> from xent_helpers import data
        >>> parts = three_parts(data.iris(), 2)
        >>> model, found = sweep(
        ...     nn.functional.cross_entropy, *parts, seeds=2, sizes=(4, 8, 3), rates=(0.01, 0.03), steps=100
        ... )
        >>> found.test.shape
        torch.Size([2, 2, 2])
    """
    seeds, grid = _listed(seeds), torch.tensor(rates, dtype=torch.float64, device="cpu")
    train, validation, test = ([torch.cat([part] * len(grid)) for part in pair] for pair in (train, validation, test))
    model = Replicas(seeds * len(grid), sizes).to(train[0].device, train[0].dtype)

    def watch(model: nn.Module) -> Tensor:
        both = torch.stack([accuracy(model, *pair) for pair in (validation, test)])
        return both.unflatten(1, (len(grid), len(seeds))).cpu()

    lr = grid.repeat_interleave(len(seeds)).tolist()
    curves = torch.stack(
        fit(model, loss_fn, *train, steps=steps, lr=lr, batch_size=batch_size, watch=watch, every=every)
    )
    found = Sweep(grid, curves[:, 0], curves[:, 1])
    first = found.best_at_the_end() * len(seeds)
    return model.pick(range(first, first + len(seeds))), found


def _listed(seeds: int | Sequence[int]) -> list[int]:
    """The seeds one by one."""
    return list(range(check.check_positive("seeds", seeds))) if isinstance(seeds, Integral) else list(seeds)


@torch.no_grad()
def _shorten(model: nn.Module, before: list[Tensor], shares: Tensor) -> None:
    """Keep, of each network's last step, its own share."""
    for parameter, start in zip(model.parameters(), before, strict=True):
        parameter.copy_(start + shares * (parameter - start))


def _endless(count: int, size: int) -> Iterator[Tensor]:
    """Row numbers of one minibatch after the other, epoch after epoch, from one seed."""
    generator = torch.Generator().manual_seed(0)
    return chain.from_iterable(batches(count, size, generator) for _ in repeat(None))
