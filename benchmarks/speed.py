"""How long each implementation takes: on logits, with the last layer, and against the size of a chunk."""

import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import log_softmax
from torch.utils.checkpoint import checkpoint

from benchmarks.turns import in_turns, milliseconds, ratio
from xent_helpers import fused, gradients, losses
from xent_helpers.fused import fused_cross_entropy, linear_cross_entropy

Row = dict[str, object]
OURS, TORCH, FLOOR = "fused_cross_entropy", "F.cross_entropy", "floor: copy and exp"
UNFUSED, PRODUCTS = "unfused, torch", "floor: three products"


def logits_and_labels(
    n: int, classes: int, device: torch.device, dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Tensor]:
    """Random logits that want a gradient, and labels."""
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(n, classes, generator=rng).to(device, dtype).requires_grad_()
    return z, torch.randint(classes, (n,), generator=rng).to(device)


def layer_and_labels(
    n: int, features: int, classes: int, device: torch.device, dtype: torch.dtype = torch.float32
) -> list[torch.Tensor]:
    """Random features and weight that want a gradient, and labels."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(n, features, generator=rng)
    weight = torch.randn(classes, features, generator=rng) / features**0.5
    y = torch.randint(classes, (n,), generator=rng).to(device)
    return [t.to(device, dtype).requires_grad_() for t in (x, weight)] + [y]


def unfused(x: torch.Tensor, weight: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """All logits at once, as most code has it."""
    return F.cross_entropy(F.linear(x, weight), y)


def torch_chunked(x: torch.Tensor, weight: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """PyTorch's own chunked operation, as it chooses its chunks."""
    return F.linear_cross_entropy(x, weight, y, options=torch.nn.LinearCrossEntropyOptions())


def torch_our_rows(x: torch.Tensor, weight: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """PyTorch's own chunked operation, with as many rows a chunk as ours."""
    options = torch.nn.LinearCrossEntropyOptions(batch_chunk_size=_rows_of(weight))
    return F.linear_cross_entropy(x, weight, y, options=options)


def checkpointed(x: torch.Tensor, weight: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Chunks of rows whose logits are forgotten and computed again in the backward pass."""

    def piece(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(F.linear(x, weight), y, reduction="sum")

    rows = _rows_of(weight)
    pieces = zip(x.split(rows), y.split(rows), strict=True)
    return sum(checkpoint(piece, *one, use_reentrant=False) for one in pieces) / len(y)


def _rows_of(weight: torch.Tensor) -> int:
    return max(fused.LINEAR_ROWS, fused.CHUNK // len(weight))


def plain(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The course's kernel without its checks, which is what a compiler can take in one piece."""
    return losses.label_surprisal(z, y).mean()


class _Least(torch.autograd.Function):
    """The fewest operations of PyTorch that give loss and gradient in the forward pass, without checks or exactness."""

    @staticmethod
    def forward(ctx, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        ctx.gradient = torch.softmax(z, 1)
        nats = ctx.gradient.gather(1, y[:, None]).log_().mean().neg_()
        ctx.gradient.mul_(1 / len(y))  # a complete one would also subtract 1 / N at the labels
        return nats

    @staticmethod
    def backward(ctx, upstream: torch.Tensor) -> tuple[torch.Tensor, None]:
        gradient, ctx.gradient = ctx.gradient, None  # or autograd would copy it
        return gradient, None


def dense_contestants(compiled: bool = False) -> dict[str, Callable]:
    """The losses of logits on torch; if asked for, compiled ones too where torch finds a C++ compiler."""
    found = {OURS: fused_cross_entropy, TORCH: F.cross_entropy, "scratch, torch": losses.cross_entropy}
    found["fewest operations"] = _Least.apply
    if torch.cuda.is_available() and find_spec("liger_kernel"):
        from liger_kernel.transformers.functional import liger_cross_entropy

        found["Liger"] = liger_cross_entropy
    if compiled and any(map(shutil.which, ("c++", "g++", "clang++"))):
        # it says at length that it looks into a cache; what it computes is compared in the tests
        warnings.filterwarnings("ignore", "Dynamo detected a call to a `functools.lru_cache`", UserWarning)
        found["scratch, torch.compile"] = torch.compile(plain, dynamic=True)
        found["F.cross_entropy, torch.compile"] = torch.compile(F.cross_entropy, dynamic=True)
    return found


def quickest() -> dict[str, Callable]:
    """The losses of logits that are made for speed."""
    return {name: loss for name, loss in dense_contestants().items() if "scratch" not in name}


LINEAR_CONTESTANTS = {"linear_cross_entropy": linear_cross_entropy, UNFUSED: unfused, "checkpointed": checkpointed}
if hasattr(torch.nn, "LinearCrossEntropyOptions"):
    LINEAR_CONTESTANTS |= {"chunked, torch, our rows": torch_our_rows, "chunked, torch": torch_chunked}


def backward(loss: Callable, inputs: list[torch.Tensor], y: torch.Tensor) -> None:
    """Forward and backward pass, with gradients that start from nothing."""
    for tensor in inputs:
        tensor.grad = None
    loss(*inputs, y).backward()


def dense(
    sizes: list[tuple[int, int]],
    device: torch.device,
    seconds: float,
    contestants: dict,
    numpy: bool = True,
    dtype: torch.dtype = torch.float32,
) -> Iterator[Row]:
    """Time losses of logits (N, C), forward alone and with backward, ours in NumPy among them unless told otherwise."""
    for n, classes in sizes:
        torch.compiler.reset()  # or the compiler gives up after a few sizes and times plain Python
        z, y = logits_and_labels(n, classes, device, dtype)
        fixed = z.detach()
        floor = {FLOOR: lambda fixed=fixed: (fixed.clone(), fixed.exp())}
        there = {name: partial(loss, fixed, y) for name, loss in contestants.items()} | floor
        back = {name: partial(backward, loss, [z], y) for name, loss in contestants.items()} | floor
        if numpy and device.type == "cpu":
            there["scratch, NumPy"] = partial(losses.cross_entropy, fixed.numpy(), y.numpy())
            there["SciPy's log_softmax"] = partial(_scipy, fixed.numpy(), y.numpy())
            back["scratch, NumPy"] = partial(_numpy_both, fixed.numpy(), y.numpy())
        yield from _rows({"forward": there, "both": back}, f"({n}, {classes})", device, seconds, TORCH, FLOOR)


def linear(
    sizes: list[tuple[int, int, int]], device: torch.device, seconds: float, dtype: torch.dtype = torch.float32
) -> Iterator[Row]:
    """Time the last layer and its loss, (N, D, C), forward and backward."""
    for n, features, classes in sizes:
        x, weight, y = layer_and_labels(n, features, classes, device, dtype)
        runs = {name: partial(backward, loss, [x, weight], y) for name, loss in LINEAR_CONTESTANTS.items()}
        z = torch.randn(n, classes, device=device).to(dtype)
        runs[PRODUCTS] = partial(_products, x.detach(), weight.detach(), z)
        yield from _rows({"both": runs}, f"({n}, {features}, {classes})", device, seconds, UNFUSED, PRODUCTS)


def chunks(size: tuple[int, ...], choices: list[int], device: torch.device, seconds: float) -> Iterator[Row]:
    """Time forward and backward against the logits in a chunk: (N, C) for the dense loss, (N, D, C) for the linear."""
    if len(size) == 2:
        rule, loss, make = fused.CHUNK, fused_cross_entropy, logits_and_labels
    else:
        rule, loss, make = max(fused.CHUNK, fused.LINEAR_ROWS * size[-1]), linear_cross_entropy, layer_and_labels
    *inputs, y = make(*size, device)

    def run(choice: int) -> None:
        with _set("CHUNK", choice), _set("LINEAR_ROWS", 1):
            backward(loss, inputs, y)

    times = in_turns({str(c): partial(run, c) for c in sorted({*choices, rule})}, device, seconds)
    best = min(times, key=partial(milliseconds, times))
    for choice in times:
        row = {
            "device": str(device),
            "size": str(size),
            "logits in a chunk": int(choice),
            "ms": milliseconds(times, choice),
        }
        yield row | {"over the best": ratio(times, choice, best), "is the rule": int(choice) == rule}


@contextmanager
def _set(name: str, value: int) -> Iterator[None]:
    before = getattr(fused, name)
    setattr(fused, name, value)
    try:
        yield
    finally:
        setattr(fused, name, before)


def _rows(passes: dict, size: str, device: torch.device, seconds: float, base: str, floor: str) -> Iterator[Row]:
    for which, runs in passes.items():
        times = in_turns(runs, device, seconds)
        for name in runs:
            row = {"device": str(device), "size": size, "pass": which, "implementation": name}
            row |= {"ms": milliseconds(times, name), "over torch": ratio(times, name, base)}
            yield row | {"over the floor": ratio(times, name, floor)}


def _numpy_both(z: np.ndarray, y: np.ndarray) -> None:
    losses.cross_entropy(z, y)
    gradients.cross_entropy_gradient(z, y)


def _scipy(z: np.ndarray, y: np.ndarray) -> float:
    return -log_softmax(z, axis=1)[np.arange(len(y)), y].mean()


def _products(x: torch.Tensor, weight: torch.Tensor, z: torch.Tensor) -> None:
    torch.mm(x, weight.T)
    torch.mm(z, weight)
    torch.mm(z.T, x)
