"""The checks of a caller's own step and evaluation."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from xent_helpers.clinic.faults import found
from xent_helpers.clinic.observe import LABELS, observe
from xent_helpers.clinic.refused import by_message
from xent_helpers.clinic.report import Finding, NotChecked, WrongArgument
from xent_helpers.clinic.run import MODAL, Run

CALLS = 16  # how many micro-batches a step may accumulate


class _Spy:
    """An optimiser's stand-in that notes the gradients and changes no weight."""

    def __init__(self, model: nn.Module) -> None:
        self.weights, self.seen = [weight for weight in model.parameters() if weight.requires_grad], []
        self.param_groups, self.state, self.defaults = [{"params": self.weights, "lr": 0.0}], {}, {}

    def zero_grad(self, set_to_none: bool = True) -> None:
        for weight in self.weights:
            weight.grad = None

    def step(self, closure: Callable | None = None) -> object:
        value = closure() if closure else None
        grads = [torch.zeros_like(w) if w.grad is None else w.grad.detach().clone() for w in self.weights]
        self.seen.append(torch.cat([grad.flatten().double() for grad in grads]))
        return value


def _watched(run: Run) -> tuple[list, list[bool]]:
    """Make the caller's step on the first batch, same random numbers, up to three real ones; note what it does."""
    model, modes = run.model(), []
    model.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    spy, before = _Spy(model), _marks(run.original)
    for _ in range(CALLS):
        torch.manual_seed(0)
        run.step(model, spy, run.batches[0])
        if len([grad for grad in spy.seen if bool(grad.any())]) > 2:
            break
    if _marks(run.original) != before:
        raise NotChecked("step uses another model or optimizer than those it gets")
    return spy.seen, modes


def _marks(model: nn.Module) -> list:
    """What differs after somebody wrote to a weight or its gradient."""
    return [(w._version, None if w.grad is None else (id(w.grad), w.grad._version)) for w in model.parameters()]


def wrong_step(run: Run) -> Finding | None:
    """A step that fails, changes nothing, adds up gradients or evaluates. Silent where one call in 16 works."""
    if run.step is None:
        return None
    try:
        seen, modes = _watched(run)
    except RuntimeError as error:
        if by_message(error) is None:
            raise
        return by_message(error)
    if not any(bool(grad.any()) for grad in seen):
        state = "optimizer.step found no gradient: no backward, or zero_grad after it" if seen else "no optimizer.step"
        return found("the step changes nothing", f"in {CALLS} calls of step, {state}")
    sizes = [float(grad.norm()) for grad in seen[:3]]
    if len(sizes) > 2 and 0 < 1.5 * sizes[0] < sizes[1] and 1.2 * sizes[1] < sizes[2]:
        shown = ", ".join(f"{size:.3g}" for size in sizes)
        evidence = f"three steps on one batch, weights unchanged: gradients of size {shown}"
        return found("zero_grad is forgotten", evidence)
    if all(modes) or not any(isinstance(part, MODAL) for part in run.original.modules()):
        return None
    evidence = f"{modes.count(False)} of {len(modes)} training passes ran with model.training False"
    return found("the step runs in evaluation mode", evidence)


def wrong_evaluation(run: Run) -> Finding | None:
    """evaluate() in training mode, or a mean of batch means. Silent where it returns the mean over all labels."""
    if run.evaluate is None:
        return None
    model, modes = run.model(), []
    model.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    returned = run.evaluate(model, run.batches)
    try:
        returned = float(returned.detach() if isinstance(returned, torch.Tensor) else returned)
    except (TypeError, ValueError, RuntimeError):
        kind = type(returned).__name__
        raise WrongArgument(f"evaluate returned a {kind}, expected the loss over all batches as one number.") from None
    if any(modes) and any(isinstance(part, MODAL) for part in model.modules()):
        evidence = f"{modes.count(True)} of {len(modes)} evaluation passes ran with model.training True"
        return found("evaluation runs in training mode", evidence)
    means, counts = zip(*batch_means(run), strict=True)
    exact, of_means = float(np.average(means, weights=counts)), float(np.mean(means))
    if abs(of_means - exact) < 1e-6 * abs(exact) or abs(returned - of_means) > 1e-3 * abs(of_means - exact):
        return None
    evidence = f"returned {returned:.6g}, the mean of batch means; the mean over all labels is {exact:.6g}"
    evidence += f", as batches hold {min(counts)} to {max(counts)}"
    return found("mean of means over uneven batches", evidence)


def batch_means(run: Run) -> list[tuple[float, int]]:
    """The loss of each batch in evaluation mode, and how many labels it counts."""
    model, pairs = run.model(training=False), []
    for x, y in run.batches:
        with torch.no_grad():
            output = model(x)
        outer, inner = observe(run.loss_fn, output, y)
        labels = bool(inner) and inner[0].kind in LABELS and not inner[0].soft
        pairs.append((float(outer.value.detach()), int(inner[0].kept.sum()) if labels else y.numel()))
    return pairs
