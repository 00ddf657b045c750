"""The same small network with several seeds, trained side by side: one run shows the spread, not one lucky number.

K networks have no part in common, but their shapes are the same. With one more axis in front, a single matrix
product serves all of them, which costs far less time than K runs. Inputs have shape (K, N, D), logits (K, N, C).
"""

from collections.abc import Callable, Iterator
from itertools import chain, islice, pairwise, repeat
from typing import Any

import torch
from torch import Tensor, nn

from xent_helpers.data import DataSet
from xent_helpers.training import batches, step


class Replicas(nn.Module):
    """K independent networks D → hidden → C with ReLU, in float64; network k starts from seed k.

    Args:
        count: K, the number of networks.
        sizes: D, the width of the hidden layer, and C.

    Example:
        >>> Replicas(3, (64, 16, 10))(torch.zeros(3, 5, 64, dtype=torch.float64)).shape
        torch.Size([3, 5, 10])
    """

    def __init__(self, count: int, sizes: tuple[int, int, int]) -> None:
        super().__init__()
        generators = [torch.Generator().manual_seed(seed) for seed in range(count)]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for ins, outs in pairwise(sizes):
            for parameters, rows in ((self.weights, ins), (self.biases, 1)):
                starts = [torch.rand(rows, outs, generator=g, dtype=torch.float64) for g in generators]
                parameters.append((2 * torch.stack(starts) - 1) / ins**0.5)  # as nn.Linear starts

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (K, N, C) of inputs (K, N, D)."""
        hidden = torch.relu(x @ self.weights[0] + self.biases[0])
        return hidden @ self.weights[1] + self.biases[1]


def fit(
    model: nn.Module,
    loss_fn: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    targets: Tensor,
    *,
    steps: int,
    lr: float = 0.01,
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
        lr: Adam's learning rate.
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
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    seen = []

    def total(logits: Tensor, targets: Tensor) -> Tensor:  # a sum over the networks, so that their gradients do not mix
        return len(logits) * loss_fn(logits.flatten(0, 1), targets.flatten(0, 1))

    for number, rows in enumerate(islice(_endless(x.shape[1], batch_size), steps), 1):
        step(model, optimizer, total, x[:, rows], targets[:, rows])
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


def splits(dataset: DataSet, count: int, test_fraction: float = 0.25) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Split ``dataset`` with the seeds 0 … K − 1: x (K, N, D), labels (K, N), and the same of the test parts.

    Example:
        >>> from xent_helpers import data
        >>> [tuple(part.shape) for part in splits(data.iris(), 2)]
        [(2, 112, 4), (2, 112), (2, 38, 4), (2, 38)]
    """
    parts = [dataset.split(test_fraction, seed=seed).tensors() for seed in range(count)]
    (x, y), (x_test, y_test) = (map(torch.stack, zip(*pairs, strict=True)) for pairs in zip(*parts, strict=True))
    return x, y, x_test, y_test


def _endless(count: int, size: int) -> Iterator[Tensor]:
    """Row numbers of one minibatch after the other, epoch after epoch, from one seed."""
    generator = torch.Generator().manual_seed(0)
    return chain.from_iterable(batches(count, size, generator) for _ in repeat(None))
