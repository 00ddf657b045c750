"""Copies of a model on which the checks of ``clinic.training`` train, and the losses that they compare."""

import copy
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from time import thread_time

import numpy as np
import torch
from torch import Tensor, nn

from xent_helpers.clinic.observe import LABELS, Case, mapped, observe, tensors
from xent_helpers.clinic.report import NotChecked

SECONDS = 4.0  # how long the small trainings may take together
SAMPLES, STEPS = 16, 200  # what is learned by heart
MODAL = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)  # what differs between train and eval


@contextmanager
def same_random_numbers(*devices: torch.device) -> Iterator[None]:
    """Leave the random numbers of torch, NumPy and Python as they were before the block."""
    state, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  the global state is the caller's
    try:
        others = [device for device in devices if hasattr(getattr(torch, device.type, None), "get_rng_state")]
        kind = {"device_type": others[0].type} if others else {}
        with torch.random.fork_rng(others, **kind):
            yield
    finally:
        random.setstate(state)
        np.random.set_state(of_numpy)  # noqa: NPY002


def copied(loss_fn: Callable) -> Callable:
    """A deep copy of a loss that is a module or holds one, or the loss itself where it cannot be copied."""
    try:
        return copy.deepcopy(loss_fn)
    except Exception:
        return loss_fn


@contextmanager
def same_model(*originals: object) -> Iterator[None]:
    """Put back what a caller's function may have changed by reaching for a module itself instead of its copy."""
    modules = [one for one in originals if isinstance(one, nn.Module)]
    tensors = [tensor for one in modules for tensor in (*one.parameters(), *one.buffers())]
    saved = [(t.detach().clone(), None if t.grad is None else t.grad.clone()) for t in tensors]
    modes = [(part, part.training) for one in modules for part in one.modules()]
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
        with torch.no_grad():
            for tensor, (value, grad) in zip(tensors, saved, strict=True):
                if not torch.equal(tensor, value):
                    tensor.copy_(value)
                if grad is None or tensor.grad is None or not torch.equal(tensor.grad, grad):
                    tensor.grad = grad


@contextmanager
def same_optimizer(optimizer: torch.optim.Optimizer | None) -> Iterator[None]:
    """Put back an optimiser's state, which a step may have changed by reaching for it instead of its stand-in."""
    if optimizer is None:
        yield
        return
    state = {weight: copy.deepcopy(held) for weight, held in optimizer.state.items()}
    groups = [
        {key: copy.deepcopy(one) for key, one in group.items() if key != "params"} for group in optimizer.param_groups
    ]
    try:
        yield
    finally:
        optimizer.state.clear()
        optimizer.state.update(state)
        for group, old in zip(optimizer.param_groups, groups, strict=False):
            group.update(old)


def passing(model: nn.Module) -> dict[int, Tensor]:
    """What a forward pass left in a model, such as attention weights, by id and detached: deepcopy refuses a graph."""
    held = [tensor for part in model.modules() for tensor in tensors(vars(part)) if not tensor.is_leaf]
    return {id(tensor): tensor.detach().clone() for tensor in held}


def single(output: object) -> Tensor:
    """The output itself, where it is one tensor; dictionaries and tuples are not checked."""
    if not isinstance(output, Tensor):
        raise NotChecked("it takes one tensor")
    return output.detach()


def leaves(tensor: Tensor) -> list[Tensor]:
    """The tensors that ``tensor`` was computed from and that a training could change, from autograd's record."""
    nodes, seen = [tensor.grad_fn], {}
    while nodes:
        node = nodes.pop()
        if node is not None and node not in seen:
            seen[node] = getattr(node, "variable", None)
            nodes += [following for following, _ in node.next_functions]
    return [variable for variable in seen.values() if variable is not None]


@dataclass
class Run:
    """What the checks look at: fresh copies of the model, the loss, and a few batches on the model's device."""

    original: nn.Module
    loss_fn: Callable
    batches: list[tuple]
    optimizer: torch.optim.Optimizer | None = None
    step: Callable | None = None
    evaluate: Callable | None = None

    def model(self, training: bool = True) -> nn.Module:
        """A copy in training or evaluation mode, without gradients."""
        twin = copy.deepcopy(self.original, passing(self.original))
        twin.zero_grad(set_to_none=True)
        return twin.train(training)

    @cached_property
    def generic(self) -> nn.Module:
        """A copy whose weights were shifted a little, so that none is 0 or equal to another by initialisation."""
        twin = self.model()
        with torch.no_grad():
            for weight in twin.parameters():
                if weight.is_floating_point():
                    weight += 0.02 * torch.randn_like(weight) * (1 + weight.abs())
        return twin

    @cached_property
    def small(self) -> tuple[Tensor, Tensor]:
        """The first few samples of the first batch."""
        x, y = self.batches[0]
        return tuple(mapped(lambda part: part[:SAMPLES], one) for one in (x, y))

    def evaluated(self, x: Tensor) -> Tensor:
        """The output in evaluation mode, without a graph."""
        with torch.no_grad():
            return single(self.model(training=False)(x))

    @cached_property
    def inner(self) -> Case | None:
        """PyTorch's loss that the first samples reach, if it is one alone."""
        with torch.no_grad():
            output = self.model()(self.small[0])
        _, inner = observe(self.loss_fn, output, self.small[1])
        return inner[0] if len(inner) == 1 and inner[0].error is None else None

    @cached_property
    def loss_learns(self) -> bool:
        """Whether the loss has weights of its own that train with the model, such as a row for each class."""
        with torch.no_grad():
            output = self.model()(self.small[0]).detach().requires_grad_()
        loss = self.loss_fn(output, self.small[1])
        known = {id(one) for one in (output, *self.original.parameters())}  # a penalty may use the model's own weights
        return any(id(leaf) not in known for leaf in leaves(loss))

    @cached_property
    def start(self) -> float:
        """The mean loss of the first batches, before any step."""
        with torch.no_grad():
            return float(np.mean([float(self.loss_fn(self.model()(x), y)) for x, y in self.batches[:4]]))

    @cached_property
    def floor(self) -> float:
        """The least loss that any outputs can have on the first samples."""
        return self._least(copies=1)

    @cached_property
    def constant(self) -> float:
        """The loss of the best constant on the first samples, one output for all inputs and all places."""
        least, inner = self._least(copies=len(self.small[0])), self.inner
        if inner is None or inner.kind not in LABELS or inner.soft:
            return least
        shares = inner.labels[inner.kept].bincount() / inner.kept.sum()
        return max(least, float(torch.special.entr(shares).sum()))

    def _least(self, copies: int) -> float:
        """Minimise over the outputs themselves."""
        with torch.no_grad():
            outputs = single(self.model()(self.small[0]))[: len(self.small[0]) // copies]
        free = _Free(outputs, copies, self.inner.kind if self.inner else "")
        optimizer = torch.optim.LBFGS(free.parameters(), max_iter=25, line_search_fn="strong_wolfe")

        def objective() -> Tensor:
            optimizer.zero_grad()
            loss = self.loss_fn(free(), self.small[1])
            loss.backward()
            return loss

        optimizer.step(objective)
        return float(objective().detach())

    def overfitted(self, enough: float) -> float:
        """The least loss of the first samples in small trainings at three rates; −inf where time ran out."""
        lowest, deadline = math.inf, thread_time() + SECONDS
        for lr in (1e-2, 1e-3, 1e-1):
            model, steps = self.model(), 0
            optimizer = torch.optim.Adam([weight for weight in model.parameters() if weight.requires_grad], lr=lr)
            while lowest > enough and steps < STEPS and thread_time() < deadline:
                optimizer.zero_grad()
                loss = self.loss_fn(model(self.small[0]), self.small[1])
                lowest, steps = min(float(loss.detach().nan_to_num(nan=math.inf)), lowest), steps + 1
                loss.backward()
                optimizer.step()
        return lowest if thread_time() < deadline else -math.inf


class _Free(nn.Module):
    """A model whose output is its parameter, in the form that the loss takes."""

    FORMS = {"nll_loss": lambda z: z.log_softmax(1), "kl_div": lambda z: z.log_softmax(-1), "bce": torch.sigmoid}  # noqa: RUF012

    def __init__(self, like: Tensor, copies: int, kind: str) -> None:
        super().__init__()
        self.output, self.copies = nn.Parameter(like.new_zeros(like.shape)), copies
        self.form = self.FORMS.get(kind, torch.clone)

    def forward(self) -> Tensor:
        return self.form(self.output.repeat(self.copies, *[1] * (self.output.ndim - 1)))
