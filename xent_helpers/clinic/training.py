"""Look at a model, a loss and some batches before a long training. All of it happens on copies."""

import copy
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn

from xent_helpers.clinic.call import call
from xent_helpers.clinic.observe import Case, observe
from xent_helpers.clinic.report import Finding, Report

MOST_BATCHES, SECONDS = 16, 4.0  # how much is looked at, and how long the small trainings may take together
DROPPED = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)  # what differs between train and eval


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Within the block, random numbers of torch, NumPy and Python may be drawn; afterwards all are as before."""
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002  the user's own global state
    cuda = {p.device for p in model.parameters() if p.device.type == "cuda"}
    try:
        with torch.random.fork_rng(list(cuda)), torch.enable_grad():
            yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002


@dataclass
class Run:
    """What the checks look at: fresh copies of the model, the loss, and a few batches on the model's device."""

    original: nn.Module
    loss_fn: Callable
    batches: list[tuple]
    optimizer: torch.optim.Optimizer | None = None
    step: Callable | None = None
    evaluate: Callable | None = None
    deadline: float = field(default_factory=lambda: perf_counter() + SECONDS)

    def model(self, training: bool = True) -> nn.Module:
        """A copy in training or evaluation mode, without gradients."""
        twin = copy.deepcopy(self.original)
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
    def inner(self) -> Case | None:
        """PyTorch's loss that the first batch reaches, if it is one alone."""
        x, y = self.batches[0]
        with torch.no_grad():
            _, inner = observe(self.loss_fn, self.model()(x), y)
        return inner[0] if len(inner) == 1 and inner[0].error is None else None

    def loss(self, model: nn.Module, batch: tuple) -> Tensor:
        return self.loss_fn(model(batch[0]), batch[1])

    @cached_property
    def start(self) -> float:
        """The mean loss of the first batches, before any step."""
        with torch.no_grad():
            return float(np.mean([float(self.loss(self.model(), batch)) for batch in self.batches[:4]]))

    @cached_property
    def overfitted(self) -> float:
        """The least loss of at most 16 samples over small trainings at three rates, inf where none was finite."""
        x, y = (part[:16] for part in self.batches[0])
        lows = [math.inf]
        for lr in (1e-2, 1e-3, 1e-1):
            lows.append(_descend(self.model(), self.loss_fn, x, y, lr, self.deadline))
            if lows[-1] < 0.05:
                break
        return min(lows)

    @cached_property
    def floor(self) -> float:
        """The least loss that any output at all can have on those samples: the outputs themselves are trained."""
        x, y = (part[:16] for part in self.batches[0])
        with torch.no_grad():
            shape = self.model()(x)
        return _descend(_Free(shape), self.loss_fn, x, y, 0.3, self.deadline)

    @cached_property
    def constant(self) -> float:
        """The loss that the best constant has on those samples: one output for all, whatever the input."""
        x, y = (part[:16] for part in self.batches[0])
        with torch.no_grad():
            shape = self.model()(x)[:1]
        return _descend(_Free(shape, len(x)), self.loss_fn, x, y, 0.3, self.deadline)


class _Free(nn.Module):
    """A model whose output is its parameter."""

    def __init__(self, like: Tensor, copies: int = 1) -> None:
        super().__init__()
        self.output, self.copies = nn.Parameter(torch.zeros_like(like)), copies

    def forward(self, x: Tensor) -> Tensor:
        return self.output.repeat(self.copies, *[1] * (self.output.ndim - 1)) if self.copies > 1 else self.output


def _descend(model, loss_fn, x, y, lr, deadline, steps=300) -> float:
    """Train on one batch with Adam; return the least loss, NaN left out."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer, lowest = torch.optim.Adam(weights, lr=lr), math.inf
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        lowest = min(lowest, float(loss.detach())) if bool(loss.isfinite()) else lowest
        if perf_counter() > deadline or not loss.requires_grad or lowest < 1e-3:
            break
        loss.backward()
        optimizer.step()
    return lowest


def nothing_to_train(run: Run) -> Finding | None:
    """No parameter with requires_grad. Silent where one is left: the rest may be frozen on purpose."""
    weights = list(run.original.parameters())
    if any(weight.requires_grad for weight in weights):
        return None
    evidence, cure = f"0 of {len(weights)} parameters have requires_grad", "model.requires_grad_(True)"
    return Finding("nothing to train", evidence, cure, "The loss does not fall")


def optimizer_without_model(run: Run) -> Finding | None:
    """An optimiser that holds other tensors. Silent without an optimiser, and where it holds all that can be trained."""
    if run.optimizer is None:
        return None
    held = {id(weight) for group in run.optimizer.param_groups for weight in group["params"]}
    named = dict(run.original.named_parameters())
    missing = [name for name, weight in named.items() if weight.requires_grad and id(weight) not in held]
    if not missing:
        return None
    evidence = f"{len(missing)} of {len(named)} parameters are not in the optimizer, the first {missing[0]}"
    cure = "torch.optim.SGD(model.parameters(), lr=0.1)  # after the model has its last form"
    return Finding("the optimizer lacks parameters", evidence, cure, "The loss does not fall")


def evaluation_mode(run: Run) -> Finding | None:
    """A model left in evaluation mode. Silent without dropout or batch normalisation."""
    parts = [part for part in run.original.modules() if isinstance(part, DROPPED)]
    if run.original.training or not parts or any(part.training for part in parts):
        return None
    evidence = f"model.training is False, and {len(parts)} of its modules are dropout or batch normalisation"
    return Finding("the model is in evaluation mode", evidence, "model.train()", "The loss does not fall")


def random_in_evaluation(run: Run) -> Finding | None:
    """Two passes in evaluation mode that differ. Silent where they are the same."""
    model, x = run.model(training=False), run.batches[0][0]
    with torch.no_grad():
        one, two = model(x), model(x)
    gap = float((one - two).abs().max().nan_to_num(nan=0.0))
    if gap <= 1e-5 * (1 + float(one.abs().max().nan_to_num(nan=0.0))):
        return None
    evidence = f"the same batch twice in evaluation mode: outputs differ by up to {gap:.3g}"
    return Finding("random in evaluation mode", evidence, "F.dropout(x, p, training=self.training)", "Silently wrong numbers")


def same_inputs(run: Run) -> Finding | None:
    """Inputs that are all alike though labels differ. Silent for a single sample, and where one input differs."""
    x = torch.cat([batch[0].flatten(1).double() for batch in run.batches if batch[0][0].shape == run.batches[0][0][0].shape])
    y = torch.cat([batch[1].reshape(-1) for batch in run.batches])
    if len(x) < 2 or bool((x != x[:1]).any()) or bool((y == y[0]).all()):
        return None
    evidence = f"all {len(x)} inputs are equal, the first number is {float(x[0].flatten()[0]):.4g}"
    return Finding("all inputs are the same", evidence, "print(next(iter(loader))[0])", "The loss does not fall")


def same_outputs(run: Run) -> Finding | None:
    """One output for all inputs. Silent for equal inputs; weights are shifted a little, so zeros at the start are fine."""
    x = run.batches[0][0]
    if len(x) < 2 or bool((x == x[:1]).all()) or same_inputs(run):
        return None
    with torch.no_grad():
        outputs = copy.deepcopy(run.generic).eval()(x)
    spread = float((outputs - outputs[:1]).abs().max())
    if not spread <= 1e-6 * (1e-3 + float(outputs.abs().max())):
        return None
    evidence = f"{len(x)} different inputs, outputs differ by {spread:.3g} (largest {float(outputs.abs().max()):.4g})"
    cure = "print([f(x).std(0).max() for f in stages])  # where do the inputs get lost? dead ReLU, x * 0, wrong variable"
    return Finding("the same output for all inputs", evidence, cure, "The loss does not fall")


def unreached_parameters(run: Run) -> Finding | None:
    """Parameters that no output depends on. Silent for frozen ones, for biases of reached layers, and zeros at the start."""
    model = copy.deepcopy(run.generic)
    for x, _ in run.batches[:8]:
        output = model(x)
        if not output.requires_grad:
            break
        (output * torch.randn_like(output)).sum().backward()
    named = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    dead = [name for name, weight in named.items() if weight.grad is None or not bool(weight.grad.any())]
    alive = {name.rpartition(".")[0] for name in named if name not in dead}
    dead = [name for name in dead if named[name].ndim > 1 or name.rpartition(".")[0] not in alive]
    if not dead or same_outputs(run):
        return None
    evidence = f"{len(dead)} of {len(named)} parameters get no gradient: {', '.join(dead[:4])}"
    cure = "# use them in forward; no .detach(), .data, .item() or torch.no_grad() on the way to the loss"
    return Finding("parameters without gradient", evidence, cure, "The loss does not fall")


def labels_without_effect(run: Run) -> Finding | None:
    """A loss that ignores its labels. Silent where all labels are equal."""
    x, y = run.batches[0]
    shifted = y.roll(1, 0)
    if bool((shifted == y).all()) or run.inner is not None and run.inner.classes == 1:
        return None
    with torch.no_grad():
        output = run.model()(x)
        output = output + torch.randn_like(output)
        one, two = (float(run.loss_fn(output, labels)) for labels in (y, shifted))
    if one != two:
        return None
    evidence = f"the loss is {one:.4g} with the labels, and the same with the labels moved on by one sample"
    return Finding("the loss ignores its labels", evidence, "loss_fn(model(x), y)", "Silently wrong numbers")


def start(run: Run) -> Finding | None:
    """A first loss far above equal logits. Silent up to twice log C plus 1, and for losses that are not PyTorch's."""
    if run.inner is None or run.inner.kind not in ("cross_entropy", "nll_loss", "bce_with_logits", "bce"):
        return None
    if run.inner.options.get("reduction", "mean") != "mean" or run.inner.options.get("pos_weight") is not None:
        return None
    even = math.log(run.inner.classes if run.inner.kind in ("cross_entropy", "nll_loss") else 2)
    if run.start <= 2 * even + 1:
        return None
    x = run.batches[0][0]
    evidence = f"the loss starts at {run.start:.4g}; equal outputs cost {even:.4g}, the best constant {run.constant:.4g}"
    if x.is_floating_point():
        evidence += f"; inputs from {float(x.min()):.4g} to {float(x.max()):.4g}"
    cure = "x = (x - x.mean(0)) / x.std(0)  # or smaller initial weights in the last layer"
    return Finding("the loss starts too high", evidence, cure, "BCELoss stuck: the clamp at −100")


def below_the_entropy(run: Run) -> Finding | None:
    """A loss that a constant brings below the labels' entropy. Silent for soft targets, weights and unknown losses."""
    inner = run.inner
    if inner is None or inner.soft or inner.kind not in ("cross_entropy", "nll_loss") or inner.options.get("weight") is not None:
        return None
    if len(run.batches[0][0]) > 16 or not int(inner.kept.sum()):
        return None
    shares = inner.labels[inner.kept].bincount().double() / int(inner.kept.sum())
    entropy = float(torch.special.entr(shares).sum())
    if run.constant > 0.9 * entropy - 1e-3 or inner.options.get("reduction", "mean") == "sum":
        return None
    evidence = f"one constant output reaches {run.constant:.4g}, and the entropy of the labels is {entropy:.4g}"
    cure = "loss.sum() / count_of_labels  # what is it divided by?"
    return Finding("the loss is below the labels' entropy", evidence, cure, "Mean of means and gradient accumulation")


def one_batch(run: Run) -> Finding | None:
    """A batch that is not learned by heart. Silent for models with few weights, and where part of the way is made."""
    weights = sum(weight.numel() for weight in run.original.parameters() if weight.requires_grad)
    x, y = (part[:16] for part in run.batches[0])
    if weights < 10 * y.numel() or same_inputs(run) or same_outputs(run):
        return None
    if run.overfitted < run.floor + 0.7 * (run.constant - run.floor) or run.constant < run.floor + 0.05:
        return None
    if perf_counter() > run.deadline:
        return None
    evidence = f"{len(x)} samples, 300 steps at three rates: {run.overfitted:.4g}; best constant {run.constant:.4g}, floor {run.floor:.4g}"
    return Finding("one batch cannot be learned", evidence, "clinic.call(loss_fn, model(x), y)", "The loss does not fall")


def shifted_labels(run: Run) -> Finding | None:
    """Labels equal to the tokens, or two ahead. Silent unless inputs are whole numbers, and for one ahead."""
    x, inner = run.batches[0][0], run.inner
    if inner is None or x.is_floating_point() or x.ndim != 2 or inner.soft or inner.labels.numel() % len(x):
        return None
    labels = inner.labels.view(len(x), -1)
    matches = {ahead: _share_equal(x, labels, ahead) for ahead in (-1, 0, 1, 2)}
    best = max(matches, key=matches.get)
    if best == 1 or matches[best] < 0.95 or matches[1] > 0.8:
        return None
    evidence = f"{matches[best]:.0%} of the labels are the token {best:+d} places from their own, {matches[1]:.0%} the next one"
    name = {0: "labels are not shifted", 2: "labels are shifted twice", -1: "labels are shifted backwards"}[best]
    cure = "loss_fn(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())  # in one place only"
    return Finding(name, evidence, cure, "Language models: shifted twice, perplexity averaged")


def _share_equal(x: Tensor, labels: Tensor, ahead: int) -> float:
    """How many labels at t are the token at t + ahead; padding (negative labels) left out."""
    length = min(labels.shape[1], x.shape[1])
    places = [t for t in range(length) if 0 <= t + ahead < x.shape[1]]
    if len(places) < 3:
        return 0.0
    pairs = labels[:, places], x[:, [t + ahead for t in places]]
    kept = pairs[0] >= 0
    return float((pairs[0] == pairs[1])[kept].double().mean()) if int(kept.sum()) > 4 else 0.0


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
    spy = _Spy(model)
    for _ in range(count):
        torch.manual_seed(0)
        run.step(model, spy, run.batches[0])
    return spy, modes


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
    evidence = "three steps on one batch, weights unchanged: gradients of size " + ", ".join(f"{size:.3g}" for size in sizes)
    return Finding("zero_grad is forgotten", evidence, "optimizer.zero_grad()", "Mean of means and gradient accumulation")


def idle_step(run: Run) -> Finding | None:
    """A step that never calls the optimiser, or with no gradient. Silent where one of 16 calls is a real step."""
    if run.step is None:
        return None
    spy, _ = _watched_steps(run, 16)
    if any(bool(grad.any()) for grad in spy.seen):
        return None
    state = "backward gave no gradient" if spy.seen else "optimizer.step was not called"
    evidence, cure = f"in 16 calls of step, {state}", "loss.backward(); optimizer.step()"
    return Finding("the step changes nothing", evidence, cure, "The loss does not fall")


def step_in_evaluation(run: Run) -> Finding | None:
    """A step that runs the model in evaluation mode. Silent without dropout or batch normalisation."""
    if run.step is None or not any(isinstance(part, DROPPED) for part in run.original.modules()):
        return None
    _, modes = _watched_steps(run, 2)
    if all(modes) or not modes:
        return None
    evidence = f"{modes.count(False)} of {len(modes)} training passes ran with model.training False"
    return Finding("the step runs in evaluation mode", evidence, "model.train()", "The loss does not fall")


def wrong_evaluation(run: Run) -> Finding | None:
    """evaluate() in training mode, or a mean of batch means. Silent where it returns the mean over all labels."""
    if run.evaluate is None:
        return None
    model, modes = run.model(), []
    model.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    returned = float(run.evaluate(model, run.batches))
    if any(modes) and any(isinstance(part, DROPPED) for part in model.modules()):
        evidence = f"{modes.count(True)} of {len(modes)} evaluation passes ran with model.training True"
        return Finding("evaluation runs in training mode", evidence, "model.eval()", "Silently wrong numbers")
    means, counts = _batch_means(run)
    exact, of_means = float(np.average(means, weights=counts)), float(np.mean(means))
    if abs(of_means - exact) < 1e-6 * abs(exact) or abs(returned - of_means) > 1e-3 * abs(of_means - exact):
        return None
    evidence = f"returned {returned:.6g}, the mean of batch means; batches of {min(counts)} to {max(counts)} labels have the mean {exact:.6g}"
    cure = "total += loss.item() * count; n += count  # then total / n"
    return Finding("mean of means over uneven batches", evidence, cure, "Mean of means and gradient accumulation")


def _batch_means(run: Run) -> tuple[list[float], list[int]]:
    """The loss of each batch in evaluation mode, and how many labels it counts."""
    model, means, counts = run.model(training=False), [], []
    for x, y in run.batches:
        with torch.no_grad():
            outer, inner = observe(run.loss_fn, model(x), y)
        means.append(float(outer.value.detach()))
        labels = bool(inner) and not inner[0].soft and inner[0].kind in ("cross_entropy", "nll_loss")
        counts.append(int(inner[0].kept.sum()) if labels else y.numel())
    return means, counts


CHECKS = [nothing_to_train, optimizer_without_model, evaluation_mode, random_in_evaluation, same_inputs, same_outputs]
CHECKS += [unreached_parameters, labels_without_effect, shifted_labels, start, below_the_entropy, one_batch]
CHECKS += [forgotten_reset, idle_step, step_in_evaluation, wrong_evaluation]


def training(
    model: nn.Module,
    loss_fn: Callable,
    batches: object,
    *,
    optimizer: torch.optim.Optimizer | None = None,
    step: Callable | None = None,
    evaluate: Callable | None = None,
) -> Report:
    """Look at a model that is about to train, and return what is wrong or suspicious.

    Everything runs on copies: parameters, buffers, gradients, mode and random numbers stay the same bits. Besides the
    checks of ``clinic.call`` on the first batch, it compares the loss at the start with that of equal outputs, learns
    16 samples by heart, and follows gradients, labels and modes.

    Args:
        model: called as ``model(x)``.
        loss_fn: called as ``loss_fn(model(x), y)``, returns one number.
        batches: a list or a DataLoader of pairs (x, y); the first 16 are used, moved to the model's device.
        optimizer: yours, to see whether it holds the model's parameters.
        step: your step, called as ``step(model, optimizer, batch)``, to see whether it resets the gradients. The
            optimizer that it gets notes gradients and changes nothing.
        evaluate: your evaluation, called as ``evaluate(model, batches)``, to see whether it returns the mean over all
            labels and runs in evaluation mode.

    Raises:
        TypeError: the batches can be read only once, or are not pairs of tensors.

    Example:
        >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
        <torch._C.Generator object at ...>
        >>> model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 3), nn.Softmax(dim=1))
        >>> for finding in training(model, nn.CrossEntropyLoss(), [(torch.randn(8, 4), torch.arange(8) % 3)]):
        ...     print(finding.name)
        softmax before CrossEntropyLoss
    """
    report = Report(f"{type(model).__name__} with {getattr(loss_fn, '__name__', type(loss_fn).__name__)}")
    with untouched(model):
        run = Run(model, loss_fn, _first(batches, model), optimizer, step, evaluate)
        first = call(loss_fn, run.model()(run.batches[0][0]), run.batches[0][1])
        report.findings, report.checked, report.remarks = first.findings, first.checked, first.remarks
        report.checked = report.checked + [check.__name__.replace("_", " ") for check in CHECKS]
        if not _stops(first):
            report.findings = report.findings + [one for check in CHECKS for one in [check(run)] if one]
    return report


def _stops(first: Report) -> bool:
    """Whether the call itself failed, so that there is no training to look at."""
    return any("PyTorch says" in one.evidence or one.name == "output is not a tensor" for one in first)


def _first(batches: object, model: nn.Module) -> list[tuple]:
    """The first batches as pairs on the model's device, copied."""
    if iter(batches) is batches:
        raise TypeError(
            f"batches is of type {type(batches).__name__}, which can be read only once, so looking at it would use it up: "
            "pass a list or a DataLoader, e.g. list(batches)."
        )
    device, found = next((weight.device for weight in model.parameters()), torch.device("cpu")), []
    for _, batch in zip(range(MOST_BATCHES), batches, strict=False):
        if not isinstance(batch, (tuple, list)) or len(batch) != 2 or not all(isinstance(part, Tensor) for part in batch):
            raise TypeError(
                f"a batch is of type {type(batch).__name__}, expected a pair of tensors (x, y): "
                "make pairs, e.g. [(b['input_ids'], b['labels']) for b in loader]."
            )
        found.append(tuple(part.detach().to(device).clone() for part in batch))
    if not found:
        raise TypeError("batches is empty, expected at least one pair (x, y): is the DataLoader's data set empty?")
    return found
