"""The checks of data, model and optimiser before a training."""

import copy
import math
from functools import partial
from itertools import cycle, islice
from time import thread_time

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from xent_helpers.clinic.faults import found
from xent_helpers.clinic.numbers import span
from xent_helpers.clinic.observe import BINARY, LABELS, observe, tensors
from xent_helpers.clinic.refused import by_message
from xent_helpers.clinic.report import Finding, NotChecked
from xent_helpers.clinic.run import MODAL, Run, leaves, passing, single

SUPERVISED = (*LABELS, *BINARY, "regression", "poisson", "gaussian", "kl_div")

# --- data


def non_finite_inputs(run: Run) -> Finding | None:
    """inf or NaN among the inputs. Silent where all are finite."""
    parts = [x for batch, _ in run.batches for x in tensors(batch) if x.is_floating_point()]
    count = sum(int((~x.isfinite()).sum()) for x in parts)
    if not count:
        return None
    evidence = f"{count} of {sum(x.numel() for x in parts)} input numbers are nan or inf"
    return found("nan or inf among the {0}", evidence, "inputs")


def same_inputs(run: Run) -> Finding | None:
    """Inputs that are all alike though labels differ. Silent for a single sample, and where one input differs."""
    shape = single(run.batches[0][0]).shape[1:]
    x = torch.cat([x.reshape(len(x), -1).double() for x, _ in run.batches if x.shape[1:] == shape])
    y = torch.cat([single(batch[1]).reshape(-1) for batch in run.batches])
    if len(x) < 2 or bool((x != x[:1]).any()) or bool((y == y[0]).all()):
        return None
    return found("all inputs are the same", f"all {len(x)} inputs are equal, the first number is {float(x[0, 0]):.4g}")


def constant_labels(run: Run) -> Finding | None:
    """One class for all, or batches of one class each. Silent below three classes or 32 labels, and for pictures."""
    inner, rows = run.inner, [single(y) for _, y in run.batches]
    if len(rows) < 2 or sum(map(len, rows)) < 32 or inner is None or (inner.soft and inner.kind in LABELS):
        return None
    fixed = inner.kind == "regression" and not bool(((rows[0] == 0) | (rows[0] == 1)).all())  # those may be meant
    if fixed and bool((torch.cat(rows) == rows[0][:1]).all()):
        return found("the labels are constant", f"all targets are {rows[0][0].tolist()}")
    if inner.kind not in LABELS or inner.classes < 3 or any(y.ndim != 1 for y in rows):
        return None
    alike = [y for y in rows if bool((y == y[0]).all())]
    classes = sorted({int(y[0]) for y in alike})
    by_class = len({int(y[0]) for y in alike if len(y) > 15}) > 1  # in random order not once in millions
    if not by_class and (len(alike) < len(rows) or len(classes) > 1):
        return None
    evidence = f"{len(alike)} of {len(rows)} batches hold one class each: {', '.join(map(str, classes))}"
    return found("batches of one class" if by_class else "the labels are constant", evidence)


def leaking_labels(run: Run) -> Finding | None:
    """The labels among the inputs, as a column or one-hot. Silent unless equal in 16 or more samples."""
    pairs = [(single(x), single(y).reshape(-1)) for x, y in run.batches]
    pairs = [(x, y) for x, y in pairs if x.ndim == 2 and y.numel() == len(x)]
    pairs = [(x, y) for x, y in pairs if x.is_floating_point()]
    if not pairs:
        return None
    x, y = torch.cat([x for x, _ in pairs]), torch.cat([y for _, y in pairs])
    if len(y) < 16 or bool((y == y[0]).all()):
        return None
    columns = (x == y[:, None]).all(0).nonzero().flatten().tolist()[:1]
    if not columns and not y.is_floating_point():
        tells = [(x == (y == one)[:, None]).all(0).nonzero().flatten().tolist() for one in y.unique().tolist()]
        columns = [places[0] for places in tells] if all(tells) else []
    if not columns:
        return None
    evidence = f"column {columns} of the {x.shape[1]} inputs equals the label, or tells it, in all {len(y)} samples"
    return found("the labels are among the inputs", evidence, columns)


def shifted_labels(run: Run) -> Finding | None:
    """Labels equal to the tokens, or two ahead. Silent unless inputs are whole numbers, and for an autoencoder."""
    matches = _matches(run)
    best = max(matches, key=matches.get, default=1)
    if best == 1 or matches[best] < 0.95 or matches[1] > 0.8:
        return None
    if best == 0 and bool(_changed_by_the_last(run).any()):  # it reads both sides, so it may be meant to copy
        return None
    how = {0: "not shifted", 2: "shifted twice", -1: "shifted backwards"}[best]
    place = {0: "in their own place", 2: "two places on", -1: "one place back"}[best]
    evidence = f"{matches[best]:.0%} of labels are the token {place}, {matches[1]:.0%} the next one"
    return found("labels are {0}", evidence, how, heading="Language models: shifted twice, perplexity averaged")


def _matches(run: Run) -> dict[int, float]:
    """Which share of the labels is the token so many places ahead; nothing where inputs are no tokens (N, T)."""
    x, inner = run.small[0], run.inner
    if inner is None or x.is_floating_point() or x.ndim != 2 or inner.soft or inner.labels.numel() % len(x):
        return {}
    return {ahead: _share_equal(x, inner.labels.view(len(x), -1), ahead) for ahead in (-1, 0, 1, 2)}


def _share_equal(x: Tensor, labels: Tensor, ahead: int) -> float:
    """How many labels at t are the token at t + ahead; padding (negative labels) left out."""
    length = min(labels.shape[1], x.shape[1])
    places = [t for t in range(length) if 0 <= t + ahead < x.shape[1]]
    if len(places) < 3:
        return 0.0
    pairs = labels[:, places], x[:, [t + ahead for t in places]]
    kept = pairs[0] >= 0
    return float((pairs[0] == pairs[1])[kept].double().mean()) if int(kept.sum()) > 4 else 0.0


def unrelated(run: Run) -> str:
    """A remark where neither the nearest neighbour nor a straight line tells labels from inputs; else nothing."""
    pairs = [(x.flatten(1), y.reshape(-1)) for x, y in run.batches if x.is_floating_point() and y.numel() == len(x)]
    if sum(len(y) for _, y in pairs) < 48 or run.inner is None or run.inner.kind not in SUPERVISED:
        return ""
    x, y = torch.cat([x for x, _ in pairs]).double().cpu(), torch.cat([y for _, y in pairs]).cpu()
    targets = y.double()[:, None] if y.is_floating_point() else nn.functional.one_hot(y.long() - y.min()).double()
    x, targets = ((one - one.mean(0)) / (one.std(0) + 1e-9) for one in (x, targets))
    nearest = (torch.cdist(x, x) + torch.eye(len(x)) * 1e9).argmin(1)
    by_neighbour = float((targets * targets[nearest]).mean())  # a correlation, 0 by chance
    kernel = x @ x.T
    hat = kernel @ torch.linalg.inv(kernel + torch.eye(len(x)) * 0.1 * kernel.trace() / len(x))
    share = hat.diagonal()[:, None]
    by_line = float((targets * (hat @ targets - share * targets) / (1 - share)).mean())  # each left out in turn
    if max(by_neighbour, by_line) > 1 / math.sqrt(len(x)):
        return ""
    return f"in {len(x)} samples the labels show no relation to the inputs. Are both in the same order?"


# --- model


def nothing_to_train(run: Run) -> Finding | None:
    """No parameter with requires_grad. Silent where one is left: the rest may be frozen on purpose."""
    weights = list(run.original.parameters())
    if any(weight.requires_grad for weight in weights):
        return None
    return found("nothing to train", f"0 of {len(weights)} parameters have requires_grad")


def evaluation_mode(run: Run) -> Finding | None:
    """A model left in evaluation mode. Silent without dropout or batch normalisation."""
    parts = [part for part in run.original.modules() if isinstance(part, MODAL)]
    if run.original.training or not parts or any(part.training for part in parts):
        return None
    evidence = f"model.training is False, and {len(parts)} of its modules are dropout or batch normalisation"
    return found("the model is in evaluation mode", evidence)


def dropout_of_all(run: Run) -> Finding | None:
    """Dropout of 95% or more. Silent below."""
    rates = [part.p for part in run.original.modules() if isinstance(part, nn.modules.dropout._DropoutNd)]
    return found("dropout drops everything", f"dropout with p={max(rates)}") if max(rates, default=0) >= 0.95 else None


def failing_backward(run: Run) -> Finding | None:
    """Two passes of which a backward raises what the page of errors explains. Silent for every other error."""
    model, (x, y) = run.model(), run.batches[0]
    try:
        for _ in range(2):  # the second fails where the model holds on to the first one's graph
            run.loss_fn(model(x), y).backward()
    except RuntimeError as error:
        named = by_message(error)
        return named and found(named.name, f"backward says {str(error).splitlines()[0][:160]}")
    return None


class _Dropout(TorchFunctionMode):
    """Note whether dropout by function is called for training."""

    seen = False

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if "dropout" in getattr(func, "__name__", "") and (kwargs or {}).get("training", True):
            self.seen |= len(args) < 3 or bool(args[2])
        return func(*args, **(kwargs or {}))


def random_in_evaluation(run: Run) -> Finding | None:
    """Dropout in evaluation mode. Silent for other randomness, such as a variational encoder's."""
    with _Dropout() as dropout:
        one, two = (run.evaluated(run.batches[0][0]) for _ in range(2))
    if not dropout.seen:
        return None
    gap = float((one - two).abs().max().nan_to_num(nan=0.0))
    if gap <= 1e-5 * (1 + float(one.abs().max().nan_to_num(nan=0.0))):
        return None
    evidence = f"the same batch twice in evaluation mode: outputs differ by up to {gap:.3g}"
    return found("random in evaluation mode", evidence)


def same_outputs(run: Run) -> Finding | None:
    """One output for all inputs. Silent for equal inputs, and for weights that are 0 at the start."""
    x = run.batches[0][0]
    if len(x) < 2 or bool((x == x[:1]).all()):
        return None
    model, lost = copy.deepcopy(run.generic).eval(), []
    for name, part in model.named_modules():
        if not list(part.children()):
            note = lambda _, given, output, name=name: lost.append((name, _spread(given[0]), _spread(output)))  # noqa: E731
            part.register_forward_hook(note)
    with torch.no_grad():
        outputs = single(model(x))
    if _spread(outputs) > 1e-6:
        return None
    stage = next((name for name, before, after in lost if before > 1e-6 >= after), None)
    evidence = f"{len(x)} different inputs, one output: {outputs[0].flatten()[:3].tolist()} …; they get lost in "
    evidence += f"{stage} ({type(model.get_submodule(stage)).__name__})" if stage else "forward, between the modules"
    cure = f"nn.LeakyReLU() in {stage}, smaller weights or biases before it, scaled inputs" if stage else ""
    return found("the same output for all inputs", evidence, cure or "print(x.std(0))  # step by step through forward")


def _spread(outputs: object) -> float:
    """The largest difference between samples, as a share of the largest number."""
    parts = [one.detach() for one in tensors(outputs) if one.dtype == torch.long or one.is_floating_point()]
    if not parts or parts[0].is_nested or len(parts[0]) < 2:  # an encoder packs padded rows
        return math.inf
    return float((parts[0] - parts[0][:1]).abs().max()) / (1e-3 + float(parts[0].abs().max()))


def mixed_batch(run: Run) -> Finding | None:
    """An output that changes with the other samples. Silent for graphs, for similarities (N, N), and without labels."""
    x, y = map(single, run.small)
    output = run.evaluated(x)
    if len(x) < 3 or y.numel() != len(x) or len(output) != len(x) or x.ndim < 2 or output.shape[1:] == x.shape[:1]:
        return None
    try:
        run.evaluated(x[: len(x) // 2])
    except RuntimeError:
        return None
    for place in (0, len(x) - 1):
        others = x.flip(0).flip(-1) * 0.9 + 0.1 if x.is_floating_point() else x.flip(0)
        others[place] = x[place]
        gap = float((run.evaluated(others)[place] - output[place]).abs().max())
        if gap > 1e-4 * (1e-3 + float(output.abs().max())):
            evidence = f"inputs {tuple(x.shape)}: output {place} changes by {gap:.3g} when other samples do"
            return found("samples of a batch are mixed", evidence)
    return None


def next_token_seen(run: Run) -> Finding | None:
    """Outputs that change with the last token. Silent unless labels are the next tokens, and for the last output."""
    if _matches(run).get(1, 0) < 0.95:
        return None
    changed = _changed_by_the_last(run)
    if not bool(changed.any()):
        return None
    evidence = f"with another last token {int(changed.sum())} of the {changed.numel()} outputs before it change"
    return found("the model sees the next token", evidence)


def _changed_by_the_last(run: Run) -> Tensor:
    """Which outputs before the last one change with the last token, (N, T − 1)."""
    x, last, rows = run.small[0], run.small[0].clone(), []
    last[:, -1] = x[:, -1].roll(1)
    for tokens in (x, last):
        _, (case,) = observe(run.loss_fn, run.evaluated(tokens), run.small[1])
        rows.append(case.rows.view(len(x), -1, case.classes)[:, : x.shape[1] - 1])
    return ((rows[0] - rows[1]).abs() > 1e-4 * (1e-3 + rows[0].abs().max())).any(-1)


def unreached_parameters(run: Run) -> Finding | None:
    """Parameters that no output depends on. Silent for frozen ones, biases of reached layers, zeros at the start."""
    model = copy.deepcopy(run.generic)
    for x, _ in run.batches[:8]:
        outputs = [one for one in tensors(model(x)) if one.requires_grad]
        if not outputs:
            break
        sum((output * torch.randn_like(output)).sum() for output in outputs).backward()
    named = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    dead = [name for name, weight in named.items() if weight.grad is None or not bool(weight.grad.any())]
    alive = {name.rpartition(".")[0] for name in named if name not in dead}
    dead = [name for name in dead if named[name].ndim > 1 or name.rpartition(".")[0] not in alive]
    if not dead:
        return None
    evidence = f"{len(dead)} of {len(named)} parameters get no gradient: {', '.join(dead[:4])}"
    return found("parameters without gradient", evidence)


def unregistered_parameters(run: Run) -> Finding | None:
    """Layers in a plain list. Silent where all that the output learns from is in parameters()."""
    model = run.model()
    known = {id(weight) for weight in model.parameters()}
    used = [leaf for output in tensors(model(run.small[0])) for leaf in leaves(output)]
    foreign = [tuple(weight.shape) for weight in used if id(weight) not in known]
    foreign = [] if used and used[0].grad_fn is None and not known & set(map(id, used)) else foreign  # cut off
    if not foreign:
        return None
    evidence = f"the output depends on {len(foreign)} tensors outside model.parameters(), of shapes {foreign[:3]}"
    return found("parameters the model does not know", evidence)


def labels_without_effect(run: Run) -> Finding | None:
    """A loss that ignores its labels. Silent where all are equal, and for contrastive losses, which need none."""
    x, y = map(single, run.batches[0])
    used = run.inner.labels if run.inner is not None else y[:0]
    if len(used) != run.small[1].numel() or bool((used == torch.arange(len(used), device=used.device)).all()):
        return None
    shifted = y.roll(1, 0)
    if bool((shifted == y).all()) or (run.inner is not None and run.inner.classes == 1):
        return None
    with torch.no_grad():
        output = copy.deepcopy(run.generic)(x)
        one, two = (float(run.loss_fn(output, labels)) for labels in (y, shifted))
    if one != two:
        return None
    evidence = f"the loss is {one:.4g} with the labels, and the same with the labels moved on by one sample"
    return found("the loss ignores its labels", evidence)


# --- optimiser


def wrong_parameters(run: Run) -> Finding | None:
    """An optimiser that holds other tensors. Silent where it holds all that can be trained."""
    held = {id(weight) for group in run.optimizer.param_groups for weight in group["params"]}
    named = dict(run.original.named_parameters())
    missing = [name for name, weight in named.items() if weight.requires_grad and id(weight) not in held]
    if not missing:
        return None
    evidence = f"{len(missing)} of {len(named)} parameters are not in the optimizer, the first {missing[0]}"
    return found("the optimizer lacks parameters", evidence, _remade(run))


def _remade(run: Run, **changed: float) -> str:
    """The caller's optimiser as a line of code."""
    options = {"lr": run.optimizer.param_groups[0].get("lr"), **changed}
    shown = ", ".join(f"{key}={value}" for key, value in options.items())
    return f"torch.optim.{type(run.optimizer).__name__}(model.parameters(), {shown})"


def wrong_settings(run: Run) -> Finding | None:
    """A learning rate of 0 or next to it, decay that halves the weights in some steps, maximize. Silent in warm-up."""
    groups = run.optimizer.param_groups
    rate = max(float(group.get("initial_lr", group.get("lr", 1.0))) for group in groups)
    decay = max(float(group.get("weight_decay", 0)) * float(group.get("lr", 0)) for group in groups)
    if rate < 1e-7:
        kind, cure = "0" if rate == 0 else "next to 0", _remade(run, lr=1e-3)
        return found("the learning rate is {0}", f"lr={rate:g}: float32 weights do not move", kind, cure)
    coupled = isinstance(run.optimizer, torch.optim.Adam) and not groups[0].get("decoupled_weight_decay")
    if coupled and min(float(group["weight_decay"]) for group in groups) >= 1:
        evidence = "Adam adds weight_decay * weight to the gradient: it outweighs the loss"
        return found("the weight decay is too strong", evidence, _remade(run, weight_decay=1e-4))
    if decay > 0.05:
        evidence = f"lr * weight_decay = {decay:.3g}: each step takes that share off every weight"
        return found("the weight decay is too strong", evidence, _remade(run, weight_decay=1e-4))
    if all(group.get("maximize") for group in groups) and run.inner is not None and run.inner.kind in SUPERVISED:
        return found("the optimizer climbs", "maximize=True with a loss that should fall", _remade(run))
    return None


def diverges(run: Run) -> Finding | None:
    """30 steps of a copy of the optimiser that raise the loss tenfold, half the time. Silent below, and for a peak."""
    if run.optimizer is None or run.inner is None or run.inner.kind not in SUPERVISED:
        return None
    model, optimizer = copy.deepcopy((run.original, run.optimizer), passing(run.original))
    losses, deadline = [], thread_time() + 1.0

    def closure(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = run.loss_fn(model(x), y)
        loss.backward()
        losses.append(float(loss.detach()))
        return loss

    for x, y in islice(cycle(run.batches), 30):
        if thread_time() > deadline or (losses and not math.isfinite(losses[-1])):
            break
        optimizer.step(partial(closure, x, y))
    allowed = 10 * max(run.start, run.constant)
    often = sum(loss > allowed for loss in losses) >= len(losses) / 2
    if all(map(math.isfinite, losses)) and not often and max(losses) < 1000 * allowed:
        return None
    lr, (x, y) = float(run.optimizer.param_groups[0].get("lr", math.nan)), run.batches[0]
    evidence = f"the loss goes from {losses[0]:.4g} up to {max(losses):.4g} in {len(losses)} steps, lr={lr:g}"
    evidence += f"; inputs from {span(x)}, targets from {span(y)}"
    cure = f"{_remade(run, lr=lr / 100)}  # and scale inputs and targets to about -1 to 1"
    return found("the training diverges", evidence, cure)


# --- consequences, looked at where no cause was found


def start(run: Run) -> Finding | None:
    """A first loss far above equal logits, or worse than 0 for all in a regression on large inputs."""
    inner, x = run.inner, single(run.batches[0][0])
    if inner is None or inner.options.get("reduction", "mean") != "mean" or inner.options.get("pos_weight") is not None:
        return None
    if run.loss_learns:
        raise NotChecked("the loss has weights of its own")
    if inner.kind == "regression":
        return _not_scaled(run, x) if x.is_floating_point() and float(x.abs().max()) > 50 else None
    if inner.kind not in (*LABELS, *BINARY):
        return None
    even = math.log(inner.classes if inner.kind in LABELS else 2)
    if run.start <= 2.5 * even + 2:
        return None
    evidence = f"the loss starts at {run.start:.4g}; equal ones cost {even:.4g}, the best constant {run.constant:.4g}"
    if x.is_floating_point() and float(x.abs().max()) > 50:
        return found("the inputs are not scaled", f"{evidence}; inputs from {span(x)}")
    return found("the loss starts too high", evidence)


def _not_scaled(run: Run, x: Tensor) -> Finding | None:
    """A regression on large inputs that starts far off. Silent where an output of 0 is hardly better."""
    with torch.no_grad():
        zero = float(run.loss_fn(torch.zeros_like(run.inner.z), run.small[1]))
    if run.start < 30 * max(zero, run.constant):
        return None
    evidence = f"the loss starts at {run.start:.4g}, where an output of 0 costs {zero:.4g}; inputs from {span(x)}"
    return found("the inputs are not scaled", evidence)


def one_batch(run: Run) -> Finding | None:
    """A batch that is not learned by heart. Silent for models with few weights, and where part of the way is made."""
    weights = sum(weight.numel() for weight in run.original.parameters() if weight.requires_grad)
    x, y = map(single, run.small)
    if run.inner is None or run.inner.kind not in (*LABELS, *BINARY, "kl_div") or weights < 10 * y.numel():
        return None
    if run.loss_learns:
        raise NotChecked("the loss has weights of its own")
    enough = run.floor + 0.7 * (run.constant - run.floor)
    if run.constant < run.floor + 0.05 or (reached := run.overfitted(enough)) <= enough:
        return None
    evidence = f"{len(x)} samples, three rates: {reached:.4g}; the best constant costs {run.constant:.4g}"
    return found("one batch cannot be learned", evidence)


DATA = [same_inputs, constant_labels, shifted_labels, leaking_labels]
MODEL = [nothing_to_train, evaluation_mode, dropout_of_all, unregistered_parameters]
FLOW = [random_in_evaluation, same_outputs, mixed_batch, next_token_seen, failing_backward, unreached_parameters]
FLOW += [labels_without_effect]
OPTIMIZER = [wrong_parameters, wrong_settings]
CONSEQUENCES = [start, diverges, one_batch]
