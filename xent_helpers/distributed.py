"""Cross-entropy over several processes, with PyTorch's own engine.

Run it with as many processes as you like (on a machine with several GPUs each process takes one of them):

    torchrun --standalone --nproc-per-node 2 -m xent_helpers.distributed

Two ways to split the work. *Data-parallel*: every process holds the whole model and a part of the samples.
*Vocabulary-parallel*: every process holds all samples and the logits of a part of the classes. Each process also does
the whole job alone, and the table says by how much the two differ. Without torchrun there is one process.

Source: the split by classes is that of Shoeybi et al. (2019), Megatron-LM; PyTorch's is ``loss_parallel``.
"""

import argparse
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
from torch.distributed.tensor.parallel import loss_parallel
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from xent_helpers import devices
from xent_helpers import validation as check

IGNORE = -100
BOUND = 1e-13  # losses of about 10 in float64, added up in another order
MOST = 10  # processes; with 11 the last would have none of the 50 classes


def mean_over_all(logits: Tensor, target: Tensor) -> Tensor:
    """Return this process's part of the mean loss over the valid targets of all processes; the parts add up to it.

    The mean is Σ v_n ℓ_n / Σ v_n over the samples n of all processes, v_n = 0 where the target is ``IGNORE``, else 1;
    a part has its own samples' ℓ_n, and the denominator of all: a mean of means weighs a target of a process that has
    few of them more than another's. In nats; NaN where no process has a valid target.

    Args:
        logits: (rows, C), this process's samples.
        target: (rows,), class indices or ``IGNORE``.

    Source: section 9.6, equation (9.4).
    """
    count = (target != IGNORE).sum()
    dist.all_reduce(count)
    return cross_entropy(logits, target, ignore_index=IGNORE, reduction="sum") / count


class VocabularyParallel(torch.autograd.Function):
    """Losses (N,) from a slice of the classes: ``apply(logits, target, first)``, two all-reduces, no logits sent.

    ``logits`` (N, columns) are this process's, the classes from ``first`` on; ``target`` (N,) counts all classes.
    ℓ = m + log s − z_y in nats, with m = max_c z_c and s = Σ_c exp(z_c − m): m, s and z_y are put together from the
    slices, and the gradient p − y of the slice is exp(z − m) / s, less 1 at the label (equation 9.13). The rules are
    those of ``losses.cross_entropy``: half precisions are computed in float32, a sure answer keeps its tiny loss and
    gradient, an ignored row gets gradient 0 whatever it holds, and a label of no slice is refused with an IndexError.
    """

    @staticmethod
    def forward(ctx, logits: Tensor, target: Tensor, first: int) -> Tensor:
        kept = target != IGNORE
        z = torch.where(kept[:, None], logits, 0).to(torch.promote_types(logits.dtype, torch.float32))
        m = z.amax(dim=1)
        dist.all_reduce(m, op=dist.ReduceOp.MAX)
        is_label = torch.arange(first, first + z.shape[1], device=z.device) == target[:, None]
        e = (z - m[:, None]).exp()
        others = torch.where(is_label, 0, e).sum(dim=1)  # beside the label's own term small ones would be lost
        sums = torch.stack([others, torch.where(is_label, z, 0).sum(dim=1), is_label.sum(dim=1)])
        dist.all_reduce(sums)  # z_y is 0 in every slice but one
        others, own, found = sums
        missing = kept & (found == 0)
        check.refuse_entries("target", target, missing, "a class of some slice: count classes from 0", IndexError)
        gap = m - own
        total = others + (-gap).exp()
        ctx.save_for_backward(torch.where(is_label, -others[:, None], e) / total[:, None], kept)
        nats = torch.where(gap > 0, gap + total.log(), others.log1p())
        return torch.where(kept, nats, 0).to(logits.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream: Tensor) -> tuple[Tensor, None, None]:
        p_minus_y, kept = ctx.saved_tensors
        slopes = torch.where(kept[:, None], upstream[:, None] * p_minus_y, 0)
        return slopes.to(upstream.dtype), None, None


class SharedFeatures(torch.autograd.Function):
    """Features x (N, D) as they are, whose gradient is added up over the processes: the third all-reduce.

    Each process turns the same x into the logits of its own classes, x @ weight_slice.T; ∂ℓ/∂x is a sum over all
    classes, so over all processes.
    """

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx, upstream: Tensor) -> Tensor:
        total = upstream.clone()
        dist.all_reduce(total)
        return total


# The job, done alone and shared -------------------------------------------------------------------------------


def job(device: torch.device) -> tuple[Tensor, Tensor]:
    """Return inputs (30, 16) and targets (30,) of 50 classes; the first seven are padding."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(30, 16, generator=generator, dtype=torch.float64)
    target = torch.randint(50, (30,), generator=generator)
    target[:7] = IGNORE
    return x.to(device), target.to(device)


def network(device: torch.device) -> nn.Linear:
    """Return the same linear layer from 16 inputs to 50 classes in each process."""
    torch.manual_seed(0)
    return nn.Linear(16, 50, dtype=torch.float64).to(device)


def train_alone(model: nn.Module, x: Tensor, target: Tensor, steps: int) -> tuple[list[Tensor], list[Tensor]]:
    """Return the losses of ``steps`` steps of gradient descent, and the last gradients."""
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=1.0), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = cross_entropy(model(x), target, ignore_index=IGNORE)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses, [parameter.grad for parameter in model.parameters()]


def train_together(model: nn.Module, x: Tensor, target: Tensor, steps: int) -> tuple[list[Tensor], list[Tensor]]:
    """Do the same with a part of the samples in each process."""
    rank, size = dist.get_rank(), dist.get_world_size()
    x, target = x.tensor_split(size)[rank], target.tensor_split(size)[rank]
    parallel = DistributedDataParallel(model)
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=1.0), []
    for _ in range(steps):
        optimizer.zero_grad()
        part = mean_over_all(parallel(x), target)
        (size * part).backward()  # DistributedDataParallel averages the gradients; ours are to be added
        optimizer.step()
        loss = part.detach()
        dist.all_reduce(loss)
        losses.append(loss)
    return losses, [parameter.grad for parameter in model.parameters()]


def by_two_all_reduces(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean loss and its gradient for this process's slice of the classes of ``logits`` (N, C)."""
    mine, first = _slice(logits)
    mine = mine.detach().clone().requires_grad_()
    loss = VocabularyParallel.apply(mine, target, first).sum() / (target != IGNORE).sum()
    loss.backward()
    return loss.detach(), mine.grad


def features_gradient(x: Tensor, weight: Tensor, target: Tensor) -> Tensor:
    """Return ∂ℓ/∂x of the mean loss of x (N, D) and weight (C, D), from this process's slice of the classes."""
    rows, first = _slice(weight.T)
    x = x.detach().clone().requires_grad_()
    logits = SharedFeatures.apply(x) @ rows
    loss = VocabularyParallel.apply(logits, target, first).sum() / (target != IGNORE).sum()
    return torch.autograd.grad(loss, x)[0]


def by_loss_parallel(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the same from PyTorch's distributed tensors."""
    mesh = init_device_mesh(logits.device.type, (dist.get_world_size(),))
    sliced = distribute_tensor(logits, mesh, [Shard(1)]).requires_grad_()
    with loss_parallel():
        loss = cross_entropy(sliced, distribute_tensor(target, mesh, [Replicate()]), ignore_index=IGNORE)
        loss.backward()
    return loss.full_tensor().detach(), sliced.grad.to_local()


def _slice(logits: Tensor) -> tuple[Tensor, int]:
    """Return this process's columns, and the number of the first; the split is that of ``Shard``."""
    rank, columns = dist.get_rank(), logits.shape[1]
    width = -(-columns // dist.get_world_size())
    first = min(rank * width, columns)
    return logits[:, first : first + width], first


# The table ----------------------------------------------------------------------------------------------------


def differences(device: torch.device, steps: int) -> dict[str, float]:
    """Return what is compared, with the largest difference between the shared job and the job done alone."""
    x, target = job(device)
    losses, gradients = train_alone(network(device), x, target, steps)
    shared_losses, shared_gradients = train_together(network(device), x, target, steps)
    with torch.no_grad():
        logits = network(device)(x) * 10
    alone = logits.clone().requires_grad_()
    loss = cross_entropy(alone, target, ignore_index=IGNORE)
    loss.backward()
    mine, _ = _slice(alone.grad)
    found = {
        f"data-parallel, {steps} losses": _furthest(losses, shared_losses),
        "data-parallel, last gradient": _furthest(gradients, shared_gradients),
    }
    for name, way in {"two all-reduces": by_two_all_reduces, "loss_parallel": by_loss_parallel}.items():
        value, gradient = way(logits, target)
        found[f"vocabulary-parallel by {name}, loss"] = _furthest([loss], [value])
        found[f"vocabulary-parallel by {name}, gradient"] = _furthest([mine], [gradient])
    layer = network(device)
    features = x.clone().requires_grad_()
    cross_entropy(features @ layer.weight.T, target, ignore_index=IGNORE).backward()
    third = features_gradient(x, layer.weight.detach(), target)
    found["vocabulary-parallel, gradient of the features"] = _furthest([features.grad], [third])
    return found


def mean_of_means(device: torch.device) -> float:
    """Return how far the mean of the processes' own means is from the mean over all targets."""
    x, target = job(device)
    size, model = dist.get_world_size(), network(device)
    mine = target.tensor_split(size)[dist.get_rank()]
    with torch.no_grad():
        own = cross_entropy(model(x.tensor_split(size)[dist.get_rank()]), mine, ignore_index=IGNORE) / size
        dist.all_reduce(own)
        return abs(own - cross_entropy(model(x), target, ignore_index=IGNORE)).item()


def _furthest(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """Return the largest absolute difference, over the processes too."""
    largest = max((a.detach() - b).abs().max() if a.numel() else a.sum() for a, b in zip(ours, theirs, strict=True))
    dist.all_reduce(largest, op=dist.ReduceOp.MAX)
    return largest.item()


@contextmanager
def together() -> Iterator[torch.device]:
    """Join the processes that torchrun started (or stay alone), give this one its device, and leave in the end."""
    rank = int(os.environ.get("LOCAL_RANK", 0))
    known = dist.Backend.default_device_backend_map  # the devices whose tensors torch can send between processes
    accelerator = [device for device in devices.available()[1:] if device.type in known]
    device = torch.device(accelerator[0].type, rank) if accelerator else torch.device("cpu")
    if accelerator:
        torch.get_device_module(device).set_device(rank)
    backend = dist.get_default_backend_for_device(device)
    if "RANK" in os.environ:
        dist.init_process_group(backend)
    else:
        dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1)
    try:
        yield device
        gc.collect()  # what still holds a process group ends before it, and no process leaves before the others
        dist.barrier()
    finally:
        dist.destroy_process_group()


def main() -> int:
    """Print the table; the exit status says whether all differences hold the bound."""
    parser = argparse.ArgumentParser(prog="python -m xent_helpers.distributed", description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20, help="steps of training, 1 or more (20)")
    steps = parser.parse_args().steps
    if steps < 1:
        parser.error(f"--steps is {steps}, expected 1 or more.")
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size > MOST:
        parser.error(
            f"torchrun started {size} processes, expected {MOST} or fewer: each is to have some of 50 classes."
        )
    torch.set_num_threads(1)
    with together() as device:
        found, off = differences(device, steps), mean_of_means(device)
        if dist.get_rank() == 0:
            print(f"{dist.get_world_size()} process(es) on {device.type} with {dist.get_backend()}, against one:")
            for name, size in found.items():
                print(f"{name:<50} {size:8.1e}  {'held' if size <= BOUND else 'NOT held'} (bound {BOUND:g})")
            print(f"{'not to be done: the mean of means is off by':<50} {off:8.1e}")
    return 0 if max(found.values()) <= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
