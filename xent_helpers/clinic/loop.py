"""The checks of a caller's own step and evaluation."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from xent_helpers.clinic import sections
from xent_helpers.clinic.observe import observe
from xent_helpers.clinic.report import Finding, NotChecked, WrongArgument
from xent_helpers.clinic.run import MODAL, Run


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


def _watched_steps(run: Run, count: int) -> tuple[_Spy, list[bool]]:
    """Make the caller's step ``count`` times on the first batch, same random numbers; note gradients and modes."""
    model, modes = run.model(), []
    model.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    spy, before = _Spy(model), _marks(run.original)
    for _ in range(count):
        torch.manual_seed(0)
        run.step(model, spy, run.batches[0])
    if _marks(run.original) != before:
        raise NotChecked("step uses another model or optimizer than those it gets")
    return spy, modes


def _marks(model: nn.Module) -> list:
    """What differs after somebody wrote to a weight or its gradient."""
    return [(w._version, None if w.grad is None else (id(w.grad), w.grad._version)) for w in model.parameters()]


def forgotten_reset(run: Run) -> Finding | None:
    """Gradients that add up from step to step. Silent where the second step on the same batch has the first one's."""
    if run.step is None:
        return None
    spy, _ = _watched_steps(run, 3)
    if len(spy.seen) < 3 or not bool(spy.seen[0].any()):
        return None
    sizes = [float(grad.norm()) for grad in spy.seen[:3]]
    if not (1.5 * sizes[0] < sizes[1] and 1.2 * sizes[1] < sizes[2]):
        return None
    evidence = "three steps on one batch, weights unchanged: gradients of size " + ", ".join(
        f"{size:.3g}" for size in sizes
    )
    return Finding("zero_grad is forgotten", evidence, "optimizer.zero_grad()", sections.MEANS)


def idle_step(run: Run) -> Finding | None:
    """A step that never calls the optimiser, or with no gradient. Silent where one of 16 calls is a real step."""
    if run.step is None:
        return None
    spy, _ = _watched_steps(run, 16)
    if any(bool(grad.any()) for grad in spy.seen):
        return None
    state = "backward gave no gradient" if spy.seen else "optimizer.step was not called"
    evidence, cure = f"in 16 calls of step, {state}", "loss.backward(); optimizer.step()"
    return Finding("the step changes nothing", evidence, cure, sections.STUCK)


def step_in_evaluation(run: Run) -> Finding | None:
    """A step that runs the model in evaluation mode. Silent without dropout or batch normalisation."""
    if run.step is None or not any(isinstance(part, MODAL) for part in run.original.modules()):
        return None
    _, modes = _watched_steps(run, 2)
    if all(modes) or not modes:
        return None
    evidence = f"{modes.count(False)} of {len(modes)} training passes ran with model.training False"
    return Finding("the step runs in evaluation mode", evidence, "model.train()", sections.STUCK)


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
        return Finding("evaluation runs in training mode", evidence, "model.eval()", sections.SILENT)
    means, counts = zip(*batch_means(run), strict=True)
    exact, of_means = float(np.average(means, weights=counts)), float(np.mean(means))
    if abs(of_means - exact) < 1e-6 * abs(exact) or abs(returned - of_means) > 1e-3 * abs(of_means - exact):
        return None
    evidence = f"returned {returned:.6g}, the mean of batch means; the mean over all labels is {exact:.6g}"
    evidence += f", as batches hold {min(counts)} to {max(counts)}"
    cure = "total += loss.item() * count; n += count  # then total / n"
    return Finding("mean of means over uneven batches", evidence, cure, sections.MEANS)


def batch_means(run: Run) -> list[tuple[float, int]]:
    """The loss of each batch in evaluation mode, and how many labels it counts."""
    model, pairs = run.model(training=False), []
    for x, y in run.batches:
        with torch.no_grad():
            output = model(x)
        outer, inner = observe(run.loss_fn, output, y)
        labels = bool(inner) and not inner[0].soft and inner[0].kind in ("cross_entropy", "nll_loss")
        pairs.append((float(outer.value.detach()), int(inner[0].kept.sum()) if labels else y.numel()))
    return pairs


CHECKS = [forgotten_reset, idle_step, step_in_evaluation, wrong_evaluation]
