"""The checks of a model, its inputs and its labels, before a training."""

import copy
import math

import torch
from torch import Tensor

from xent_helpers.clinic import sections
from xent_helpers.clinic.report import Finding, NotChecked
from xent_helpers.clinic.run import MODAL, Run, leaves


def nothing_to_train(run: Run) -> Finding | None:
    """No parameter with requires_grad. Silent where one is left: the rest may be frozen on purpose."""
    weights = list(run.original.parameters())
    if any(weight.requires_grad for weight in weights):
        return None
    evidence, cure = f"0 of {len(weights)} parameters have requires_grad", "model.requires_grad_(True)"
    return Finding("nothing to train", evidence, cure, sections.STUCK)


def optimizer_without_model(run: Run) -> Finding | None:
    """An optimiser that holds other tensors. Silent where it holds all that can be trained."""
    if run.optimizer is None:
        return None
    held = {id(weight) for group in run.optimizer.param_groups for weight in group["params"]}
    named = dict(run.original.named_parameters())
    missing = [name for name, weight in named.items() if weight.requires_grad and id(weight) not in held]
    if not missing:
        return None
    evidence = f"{len(missing)} of {len(named)} parameters are not in the optimizer, the first {missing[0]}"
    cure = "torch.optim.SGD(model.parameters(), lr=0.1)  # after the model has its last form"
    return Finding("the optimizer lacks parameters", evidence, cure, sections.STUCK)


def evaluation_mode(run: Run) -> Finding | None:
    """A model left in evaluation mode. Silent without dropout or batch normalisation."""
    parts = [part for part in run.original.modules() if isinstance(part, MODAL)]
    if run.original.training or not parts or any(part.training for part in parts):
        return None
    evidence = f"model.training is False, and {len(parts)} of its modules are dropout or batch normalisation"
    return Finding("the model is in evaluation mode", evidence, "model.train()", sections.STUCK)


def random_in_evaluation(run: Run) -> Finding | None:
    """Two passes in evaluation mode that differ. Silent where they are the same."""
    model, x = run.model(training=False), run.batches[0][0]
    with torch.no_grad():
        one, two = model(x).detach(), model(x).detach()
    gap = float((one - two).abs().max().nan_to_num(nan=0.0))
    if gap <= 1e-5 * (1 + float(one.abs().max().nan_to_num(nan=0.0))):
        return None
    evidence = f"the same batch twice in evaluation mode: outputs differ by up to {gap:.3g}"
    return Finding("random in evaluation mode", evidence, "F.dropout(x, p, training=self.training)", sections.SILENT)


def same_inputs(run: Run) -> Finding | None:
    """Inputs that are all alike though labels differ. Silent for a single sample, and where one input differs."""
    shape = run.batches[0][0].shape[1:]
    x = torch.cat([x.reshape(len(x), -1).double() for x, _ in run.batches if x.shape[1:] == shape])
    y = torch.cat([batch[1].reshape(-1) for batch in run.batches])
    if len(x) < 2 or bool((x != x[:1]).any()) or bool((y == y[0]).all()):
        return None
    evidence = f"all {len(x)} inputs are equal, the first number is {float(x[0].flatten()[0]):.4g}"
    return Finding("all inputs are the same", evidence, "print(next(iter(loader))[0])", sections.STUCK)


def constant_labels(run: Run) -> Finding | None:
    """One class for all, or batches of one class each. Silent below three classes or 32 labels, and for pictures."""
    inner, rows = run.inner, [y for _, y in run.batches]
    if inner is None or inner.kind not in ("cross_entropy", "nll_loss") or inner.soft or inner.classes < 3:
        return None
    if len(rows) < 2 or sum(map(len, rows)) < 32 or any(y.ndim != 1 for y in rows):
        return None
    alike = [y for y in rows if bool((y == y[0]).all())]
    found = sorted({int(y[0]) for y in alike})
    by_class = len({int(y[0]) for y in alike if len(y) > 15}) > 1  # in random order not once in millions
    if not by_class and (len(alike) < len(rows) or len(found) > 1):
        return None
    evidence = f"{len(alike)} of {len(rows)} batches hold one class each: {', '.join(map(str, found))}"
    cure = "DataLoader(data, batch_size=32, shuffle=True)  # and check the labels themselves"
    return Finding("the labels are constant", evidence, cure, sections.STUCK)


def same_outputs(run: Run) -> Finding | None:
    """One output for all inputs. Silent for equal inputs, and for weights that are 0 at the start."""
    x = run.batches[0][0]
    if len(x) < 2 or bool((x == x[:1]).all()) or same_inputs(run):
        return None
    with torch.no_grad():
        outputs = copy.deepcopy(run.generic).eval()(x).detach()
    spread = float((outputs - outputs[:1]).abs().max())
    if not spread <= 1e-6 * (1e-3 + float(outputs.abs().max())):
        return None
    evidence = f"{len(x)} different inputs, outputs differ by {spread:.3g} (largest {float(outputs.abs().max()):.4g})"
    cure = (
        "print([f(x).std(0).max() for f in stages])  # where do the inputs get lost? dead ReLU, x * 0, wrong variable"
    )
    return Finding("the same output for all inputs", evidence, cure, sections.STUCK)


def unreached_parameters(run: Run) -> Finding | None:
    """Parameters that no output depends on. Silent for frozen ones, biases of reached layers, zeros at the start."""
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
    return Finding("parameters without gradient", evidence, cure, sections.STUCK)


def unregistered_parameters(run: Run) -> Finding | None:
    """Layers in a plain list. Silent where all that the output learns from is in parameters()."""
    model = run.model()
    known = {id(weight) for weight in model.parameters()}
    foreign = [tuple(weight.shape) for weight in leaves(model(run.small[0])) if id(weight) not in known]
    if not foreign:
        return None
    evidence = (
        f"the output depends on {len(foreign)} tensors that are not in model.parameters(), of shapes {foreign[:3]}"
    )
    cure = "self.layers = nn.ModuleList(layers)  # or nn.Parameter(tensor)"
    return Finding("parameters the model does not know", evidence, cure, sections.STUCK)


def labels_without_effect(run: Run) -> Finding | None:
    """A loss that ignores its labels. Silent where all labels are equal."""
    x, y = run.batches[0]
    shifted = y.roll(1, 0)
    if bool((shifted == y).all()) or (run.inner is not None and run.inner.classes == 1) or same_outputs(run):
        return None
    with torch.no_grad():
        output = copy.deepcopy(run.generic)(x)
        one, two = (float(run.loss_fn(output, labels)) for labels in (y, shifted))
    if one != two:
        return None
    evidence = f"the loss is {one:.4g} with the labels, and the same with the labels moved on by one sample"
    return Finding("the loss ignores its labels", evidence, "loss_fn(model(x), y)", sections.SILENT)


def start(run: Run) -> Finding | None:
    """A first loss far above equal logits. Silent up to 2.5 log C + 2, and for losses that are not PyTorch's."""
    if run.inner is None or run.inner.kind not in ("cross_entropy", "nll_loss", "bce_with_logits", "bce"):
        return None
    if run.inner.options.get("reduction", "mean") != "mean" or run.inner.options.get("pos_weight") is not None:
        return None
    if run.loss_learns:
        raise NotChecked("the loss has weights of its own")
    even = math.log(run.inner.classes if run.inner.kind in ("cross_entropy", "nll_loss") else 2)
    if run.start <= 2.5 * even + 2:
        return None
    x = run.batches[0][0]
    evidence = (
        f"the loss starts at {run.start:.4g}; equal outputs cost {even:.4g}, the best constant {run.constant:.4g}"
    )
    if x.is_floating_point():
        evidence += f"; inputs from {float(x.min()):.4g} to {float(x.max()):.4g}"
    cure = "x = (x - x.mean(0)) / x.std(0)  # or smaller initial weights in the last layer"
    return Finding("the loss starts too high", evidence, cure, sections.CLAMP)


def leaking_labels(run: Run) -> Finding | None:
    """The labels among the inputs. Silent unless one column of (N, D) equals the labels of 16 or more samples."""
    pairs = [
        (x, y.reshape(-1)) for x, y in run.batches if x.ndim == 2 and x.is_floating_point() and y.numel() == len(x)
    ]
    if not pairs:
        return None
    x, y = torch.cat([x for x, _ in pairs]), torch.cat([y for _, y in pairs])
    columns = (x == y[:, None]).all(0).nonzero().flatten().tolist()
    if not columns or len(y) < 16 or bool((y == y[0]).all()):
        return None
    evidence = f"column {columns[0]} of the {x.shape[1]} inputs equals the label in all {len(y)} samples"
    return Finding(
        "the labels are among the inputs", evidence, f"x = np.delete(x, {columns[0]}, axis=1)", sections.SILENT
    )


def one_batch(run: Run) -> Finding | None:
    """A batch that is not learned by heart. Silent for models with few weights, and where part of the way is made."""
    weights = sum(weight.numel() for weight in run.original.parameters() if weight.requires_grad)
    x, y = run.small
    if run.inner is None or weights < 10 * y.numel() or same_inputs(run) or same_outputs(run):
        return None
    if run.loss_learns:
        raise NotChecked("the loss has weights of its own")
    enough = run.floor + 0.7 * (run.constant - run.floor)
    if run.constant < run.floor + 0.05 or (reached := run.overfitted(enough)) <= enough:
        return None
    evidence = f"{len(x)} samples, three rates: {reached:.4g}; the best constant costs {run.constant:.4g}"
    return Finding("one batch cannot be learned", evidence, "clinic.call(loss_fn, model(x), y)", sections.STUCK)


def shifted_labels(run: Run) -> Finding | None:
    """Labels equal to the tokens, or two ahead. Silent unless inputs are whole numbers, and for one ahead."""
    x, inner = run.small[0], run.inner
    if inner is None or x.is_floating_point() or x.ndim != 2 or inner.soft or inner.labels.numel() % len(x):
        return None
    labels = inner.labels.view(len(x), -1)
    matches = {ahead: _share_equal(x, labels, ahead) for ahead in (-1, 0, 1, 2)}
    best = max(matches, key=matches.get)
    if best == 1 or matches[best] < 0.95 or matches[1] > 0.8:
        return None
    evidence = (
        f"{matches[best]:.0%} of labels are the token {best:+d} places from their own, {matches[1]:.0%} the next one"
    )
    name = {0: "labels are not shifted", 2: "labels are shifted twice", -1: "labels are shifted backwards"}[best]
    cure = "loss_fn(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())  # in one place only"
    return Finding(name, evidence, cure, sections.SHIFT)


def _share_equal(x: Tensor, labels: Tensor, ahead: int) -> float:
    """How many labels at t are the token at t + ahead; padding (negative labels) left out."""
    length = min(labels.shape[1], x.shape[1])
    places = [t for t in range(length) if 0 <= t + ahead < x.shape[1]]
    if len(places) < 3:
        return 0.0
    pairs = labels[:, places], x[:, [t + ahead for t in places]]
    kept = pairs[0] >= 0
    return float((pairs[0] == pairs[1])[kept].double().mean()) if int(kept.sum()) > 4 else 0.0


CAUSES = [nothing_to_train, optimizer_without_model, evaluation_mode, random_in_evaluation, same_inputs]
CAUSES += [constant_labels, same_outputs, unregistered_parameters, unreached_parameters, labels_without_effect]
CAUSES += [shifted_labels, leaking_labels]
CONSEQUENCES = [start, one_batch]  # looked at where no cause was found
