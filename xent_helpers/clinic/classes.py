"""The checks of CrossEntropyLoss and NLLLoss: one class of C for each label, or C probabilities."""

import math
import re

import torch
from torch import Tensor

from xent_helpers.clinic.faults import found
from xent_helpers.clinic.numbers import (
    log_sums_to_one,
    looks_squashed,
    row_length_of_padding,
    runs,
    span,
    sums_to_one,
    tolerance,
)
from xent_helpers.clinic.observe import FUNCTIONS, LABELS, MOVES, Case
from xent_helpers.clinic.report import Finding


def one_output(case: Case) -> Finding | None:
    """Softmax of a single number is 1. Silent from two outputs on."""
    if case.kind in LABELS and case.classes == 1 and case.z.ndim > 1:
        evidence = f"output {tuple(case.z.shape)} has one class, so the loss is 0 whatever the number"
        return found("one output with {0}", evidence, case.name)
    return None


def probabilities_for_logits(case: Case) -> Finding | None:
    """A softmax too many. Silent unless every row is non-negative and sums to 1."""
    if not sums_to_one(case.sample, tolerance(case.z)):
        return None
    evidence = f"every row is non-negative ({span(case.sample)}) and sums to 1, as after a softmax"
    return found("softmax before {0}", evidence, case.name)


def squashed_logits(case: Case) -> Finding | None:
    """A sigmoid, ReLU or tanh as last layer. Silent without autograd's record of it, or very many numbers in 0 … 1."""
    inside = looks_squashed(case.sample) and bool(((case.sample - 0.5).abs() < 0.46).all())
    guess = inside and not case.origin and case.sample.numel() >= 64
    name = case.origin if case.origin in ("Sigmoid", "Relu", "Tanh") else "Sigmoid" if guess else None
    if name is None or sums_to_one(case.sample, tolerance(case.z)):
        return None
    evidence = f"the logits end in a {name.lower()} and lie in {span(case.sample)}; a sure answer needs a wider range"
    return found("{0} before {1}", evidence, name.lower(), case.name)


def softmax_over_the_wrong_axis(case: Case) -> Finding | None:
    """Columns that sum to 1. Silent where rows do as well, with fewer than 3 rows, or with ordinary numbers."""
    p = case.sample.exp() if bool((case.sample <= 0).all()) else case.sample
    whole = len(case.sample) == len(case.rows) > 2
    if case.z.ndim != 2 or not whole or not sums_to_one(p.T, 1e-3) or sums_to_one(p, 1e-3):
        return None
    evidence = f"each column (one class, {len(p)} samples) sums to 1; the row sums are {span(p.sum(1))}"
    return found("softmax over the batch axis", evidence)


def normalised_twice(case: Case) -> Finding | None:
    """A softmax of a softmax, a sigmoid of a ReLU. Silent unless autograd has both on record."""
    last, before = (*case.operations, "", "")[:2]
    if last not in ("Softmax", "LogSoftmax", "Sigmoid", "LogSigmoid") or before not in ("Softmax", "Sigmoid", "Relu"):
        return None
    if (last, before) == ("LogSoftmax", "Relu") or (last, before) == ("Softmax", "Relu"):  # clumsy, and it learns
        return None
    names = [re.sub(r"(?<=.)(?=[A-Z])", "_", name).lower() for name in (last, before)]
    return found("{0} after {1}", f"the prediction is a {names[0]} of a {names[1]}, in {span(case.z.detach())}", *names)


def not_log_probabilities(case: Case) -> Finding | None:
    """NLLLoss wants log-probabilities. Silent where each row's log-sum-exp is 0 within 0.02."""
    if log_sums_to_one(case.sample, max(0.02, 4 * torch.finfo(case.z.dtype).eps)) or case.classes == 1:
        return None
    if softmax_over_the_wrong_axis(case):
        return None
    kind = "probabilities" if sums_to_one(case.sample, tolerance(case.z)) else "logits"
    evidence = f"the sum of exp is {span(case.sample.exp().sum(-1))} in the rows, where log-probabilities have 1"
    return found("{0} given to NLLLoss", evidence, kind)


def class_axis(case: Case) -> Finding | None:
    """Classes on the last axis. Silent unless autograd has a linear layer or a view on record, or it costs half."""
    z, y = case.z.detach(), case.y
    if _viewed(case):
        evidence = f"view relabelled {_viewed(case)} as {tuple(z.shape)} without moving a number"
        cure = "logits.movedim(1, -1).flatten(0, -2)" if z.ndim == 2 else "logits.movedim(-1, 1)"
        return found("class axis moved by view", evidence, cure)
    if z.ndim < 3 or len(set(z.shape[1:])) > 1 or case.soft:
        return _soft_axis(case) if z.ndim > 2 and case.soft else None
    options = {key: value for key, value in case.options.items() if key != "reduction"}
    given, other = (float(FUNCTIONS[case.name](x, y, **options)) for x in (z, z.movedim(-1, 1)))
    linear = _made_by_linear(case.z)
    if not linear and other >= 0.5 * given:
        return None
    evidence = f"loss {given:.4g} as it is, {other:.4g} with the last axis as classes; both have length {z.shape[1]}"
    return found("class axis last", evidence + ("; a linear layer made the last axis" if linear else ""))


def _made_by_linear(z: Tensor) -> bool:
    """Whether a linear layer made the last axis of ``z``, and nothing moved the axes since."""
    node, before = z.grad_fn, ()
    while node is not None and node.next_functions and not node.name().startswith(MOVES):
        if node.name().startswith(("Addmm", "Mm")):
            return len(before) == 2 and before[1] == z.shape[-1]
        before = tuple(getattr(node, "_saved_self_sym_sizes", ()))
        passed = node.name().startswith(("View", "Unsafe", "Alias", "Reshape", "LogSoftmax", "Add", "ToCopy"))
        node = node.next_functions[0][0] if passed else None
    return False


def _soft_axis(case: Case) -> Finding | None:
    last, second = case.y.detach().float(), case.y.detach().float().movedim(1, -1)
    if sums_to_one(last.flatten(0, -2), 1e-3) and not sums_to_one(second.flatten(0, -2), 1e-3):
        return found("class axis last", f"the target {tuple(case.y.shape)} sums to 1 on its last axis, not on axis 1")
    return None


def _viewed(case: Case) -> tuple | None:
    """The shape before a view that made (N, C, T) of (N, T, C), or rows (M, C) of (N, C, T), from autograd's record."""
    shape, node = tuple(case.z.shape), case.z.grad_fn
    while node is not None and "View" in node.name():
        before = tuple(getattr(node, "_saved_self_sym_sizes", ()))
        rotated = len(shape) > 2 and before != shape and before == (shape[0], *shape[2:], shape[1])
        flattened = len(before) > 2 == len(shape) and before[1] == shape[1] != before[-1] and before[0] != shape[0]
        if rotated or flattened:
            return before
        node = node.next_functions[0][0]
    return None


def all_ignored(case: Case) -> Finding | None:
    """The mean of nothing. Silent where one label counts."""
    if case.soft or bool(case.kept.any()) or not len(case.labels):
        return None
    evidence = f"all {len(case.labels)} labels are {int(case.labels[0])}, which is ignored: the mean is 0/0"
    return found("all targets ignored", evidence)


def ignored_class(case: Case) -> Finding | None:
    """An ignore_index that is a class. Silent for sequences, for labels in runs, and from 20 classes on: tokens."""
    index, ignored, total = case.options.get("ignore_index", -100), ~case.kept, case.labels.numel()
    if case.soft or not 0 <= index < case.classes < 20 or case.y.ndim > 1 or _sequence_length(case.y):
        return None
    count = int(ignored.sum())
    at_random = count * (1 - count / max(total, 1))  # how many runs labels in random order make, about
    if not 2 <= count <= 3 * total / case.classes or count == total or len(runs(ignored)[0]) < 0.6 * at_random:
        return None
    evidence = f"ignore_index={index} is one of the {case.classes} classes: {count} of {total} labels are left out"
    return found("ignore_index is a real class", evidence)


def _sequence_length(y: Tensor) -> int | None:
    """T for labels (B, T) and for a flattened view of them; None where it is not known."""
    base = y if y.ndim == 2 else y._base
    return base.shape[1] if base is not None and base.ndim == 2 and base.numel() == y.numel() else None


def unignored_padding(case: Case) -> Finding | None:
    """Rows of (B, T) labels that end in one class. Silent for pictures and sorted labels, and one by one."""
    alone, index = case.options.get("reduction") == "none", case.options.get("ignore_index", -100)
    if alone or case.soft or case.y.ndim > 2 or case.labels.numel() < 8 or not bool(case.kept.any()):
        return None
    labels, length = case.labels[:20_000], _sequence_length(case.y)
    for value in {0, int(labels[-1]), int(labels[case.kept[:20_000]].mode().values)} - {index}:
        count = int((labels == value).sum())
        if count and row_length_of_padding(case.labels, value, length):
            evidence = f"{count} of {labels.numel()} labels are {value}, at the ends of rows, and all of them count"
            return found("padding label is not ignored", evidence, f"nn.{case.name}", value)
    return None


def weights_follow_the_counts(case: Case) -> Finding | None:
    """Frequent classes weighted most. Silent for other weights, counts equal up to chance, and under 20 labels."""
    weight = case.options.get("weight")
    if weight is None or case.soft or case.kept.sum() < 20:
        return None
    counts = case.labels[case.kept].bincount(minlength=case.classes).double()
    weight = weight.detach().double().flatten()
    both = (counts > 0) & (weight > 0)
    if both.sum() < 2 or not _differ(counts[both]) or not _proportional(weight[both].log(), counts[both].log()):
        return None
    evidence = f"counts {_few(counts)} have weights {_few(weight)}: the frequent class weighs most"
    return found("weights in the wrong order", evidence)


def _differ(counts: Tensor) -> bool:
    """Whether counts differ more than chance allows, by Pearson's test against equal shares at 1 in 1000."""
    mean, freedom = counts.mean(), torch.as_tensor((len(counts) - 1) / 2, dtype=counts.dtype)
    return float(torch.special.gammaincc(freedom.to(counts.device), ((counts - mean) ** 2).sum() / mean / 2)) < 1e-3


def _proportional(w: Tensor, n: Tensor) -> bool:
    """Whether two logarithms rise together, by about as much, and over a factor of 2 and 1.5."""
    if float(n.max() - n.min()) < 0.69 or float(w.max() - w.min()) < 0.41:
        return False
    slope = float(((w - w.mean()) * (n - n.mean())).sum() / ((n - n.mean()) ** 2).sum())
    fit = float(torch.corrcoef(torch.stack([w, n]))[0, 1]) if len(n) > 2 else 1.0
    return fit > 0.9 and 0.5 < slope < 1.5


def _few(numbers: Tensor) -> str:
    return ", ".join(f"{x:.4g}" for x in numbers[:4].tolist()) + (", …" if len(numbers) > 4 else "")


def odd_weights(case: Case) -> Finding | None:
    """Negative weights, or 0 for all labels that are here. Silent for every other weight."""
    weight = case.options.get("weight")
    if weight is None or not isinstance(weight, Tensor):
        return None
    kept = weight.detach() if case.soft else weight.detach()[case.labels[case.kept].long()]
    if not bool((weight < 0).any()) and (not kept.numel() or bool((kept > 0).any())):
        return None
    evidence = f"weights {_few(weight)}; those of the labels here are {span(kept) if kept.numel() else 'none'}"
    return found("weights that are negative or all 0", evidence)


def not_distributions(case: Case) -> Finding | None:
    """Soft targets whose rows do not sum to 1. Silent for labels, one class, and within 1% (mixtures round)."""
    if not case.soft or class_axis(case) or case.classes == 1:
        return None
    q = Case(case.kind, case.y, case.y).sample
    sums = q.sum(-1)
    if bool((q >= -1e-6).all()) and bool(((sums - 1).abs() <= 0.01).all()):
        return None
    evidence = f"entries {span(q)}, row sums {span(sums)}; probabilities are from 0 to 1 and sum to 1"
    if not bool(((q == 0) | (q == 1)).all()):
        return found("soft targets do not sum to 1", evidence)
    if case.z.ndim == 1:
        return found("float labels read as class probabilities", evidence)
    return found("several labels at once with {0}", evidence, case.name)


def smoothing_out_of_range(case: Case) -> Finding | None:
    """label_smoothing below 0 or from 0.5 on. Silent for 0 to 0.5."""
    share = case.options.get("label_smoothing", 0.0)
    if 0 <= share < 0.5:
        return None
    evidence = f"label_smoothing={share} leaves the label {1 - share:.3g} and spreads the rest over all classes"
    return found("label_smoothing out of range", evidence)


def masked_classes(case: Case) -> Finding | None:
    """Logits of −inf that make the loss or its slope infinite or NaN. Silent where it hides wrong classes only."""
    bad = not bool(case.value.isfinite().all())
    bad_slope = case.gradient is not None and not bool(case.gradient.sum().isfinite())
    masked = case.rows.isneginf() if bad or bad_slope else None
    if masked is None or not bool(masked.any()) or bool((case.rows.isnan() | case.rows.isposinf()).any()):
        return None
    evidence = f"{int(masked.sum())} numbers are -inf, {int(masked.all(-1).sum())} rows wholly; loss {_value(case)}"
    evidence += ", its gradient NaN" if bad_slope else ""
    if case.kind == "nll_loss":
        return found("the logarithm of 0", evidence)
    own = 0 if case.soft else int(masked[case.kept].gather(1, case.labels[case.kept].long()[:, None]).sum())
    if own and not bool(masked.all(-1).any()):
        evidence = f"the label itself is masked in {own} of {int(case.kept.sum())} rows; loss {_value(case)}"
        return found("masked logits of -inf at the label", evidence)
    return found("masked logits of -inf", evidence)


def _value(case: Case) -> str:
    return f"{float(case.value.detach().sum()):.4g}"


def far_off(case: Case) -> Finding | None:
    """Logits far too large: more than 50 nats a label. Silent below, and where something is infinite."""
    if case.classes < 2 or not bool(case.sample.isfinite().all()):
        return None
    mean = float(case.each(max(1, len(case.rows) // 512)).mean())
    if not 50 < mean < float("inf") or not_distributions(case):
        return None
    evidence = f"{mean:.4g} nats a label, where equal logits cost log {case.classes} = {math.log(case.classes):.2f}"
    return found("logits are far too large", f"{evidence}; logits {span(case.sample)}")


COMMON = [one_output, class_axis, softmax_over_the_wrong_axis, squashed_logits, all_ignored, ignored_class]
COMMON += [unignored_padding, weights_follow_the_counts, odd_weights, masked_classes]
CROSS_ENTROPY = [probabilities_for_logits, *COMMON, not_distributions, smoothing_out_of_range, far_off]
NLL = [normalised_twice, not_log_probabilities, *COMMON]
