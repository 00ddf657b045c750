"""Calls that PyTorch refuses: what is wrong with the arguments, whatever the message says.

The first check that recognises the call names it; else the message itself is looked up.
"""

import re

import torch
from torch import Tensor

from xent_helpers.clinic import sections
from xent_helpers.clinic.numbers import first, span
from xent_helpers.clinic.observe import NAMES, Case
from xent_helpers.clinic.report import Finding

LABELS = ("cross_entropy", "nll_loss")
BINARY = ("bce", "bce_with_logits")


def not_tensors(case: Case) -> Finding | None:
    """A list, a number or a NumPy array in place of a tensor."""
    weights = {key: value for key, value in case.options.items() if "weight" in key}
    for name, array in ({"output": case.z, "target": case.y} | weights).items():
        if not isinstance(array, Tensor):
            evidence, cure = f"{name} is of type {type(array).__name__}", f"torch.as_tensor({name})"
            return Finding(f"{name} is not a tensor", evidence, cure, sections.AMBIGUOUS)
    return None


def two_devices(case: Case) -> Finding | None:
    """Output, target and weights on different devices."""
    arrays = {"target": case.y} | {key: value for key, value in case.options.items() if isinstance(value, Tensor)}
    for name, array in arrays.items():
        if array.device != case.z.device and array.ndim:
            evidence, cure = (
                f"output is on {case.z.device}, {name} on {array.device}",
                f"{name} = {name}.to(output.device)",
            )
            return Finding("tensors on two devices", evidence, cure, sections.RANGE)
    return None


def integer_output(case: Case) -> Finding | None:
    """Integers as prediction: labels first, or integer logits."""
    if case.z.is_floating_point():
        return None
    swapped = case.y.is_floating_point() and (case.y.ndim > case.z.ndim or case.kind in BINARY)
    evidence = f"output {tuple(case.z.shape)} has type {case.z.dtype}, target {tuple(case.y.shape)} {case.y.dtype}"
    name = "arguments swapped" if swapped else "integer logits"
    cure = "loss(logits, target)  # prediction first" if swapped else "logits.float()"
    return Finding(name, evidence, cure, sections.INTEGERS)


def one_output(case: Case) -> Finding | None:
    """One logit with a loss for classes."""
    if case.kind not in LABELS or case.z.ndim < 2 or case.classes != 1:
        return None
    evidence = f"output {tuple(case.z.shape)} has one class, and the labels go from {span(case.y)}"
    cure = "nn.BCEWithLogitsLoss()(output, target.float().view_as(output))"
    return Finding(f"one output with {NAMES[case.kind]}", evidence, cure, sections.ZERO)


def class_axis(case: Case) -> Finding | None:
    """Classes on the last axis, where the loss takes axis 1."""
    z, y = tuple(case.z.shape), tuple(case.y.shape)
    if case.kind not in LABELS or len(z) < 3 or (z[:-1] != y and z[:-1] + (1,) != y):
        return None
    evidence = (
        f"output {z} has the labels' shape {y} and then the classes; the loss takes axis 1, of length {z[1]}, for them"
    )
    return Finding("class axis last", evidence, "logits.movedim(-1, 1)", sections.AXIS)


def column(case: Case) -> Finding | None:
    """An axis of length 1 too many, (N, 1) or (N, 1, H, W)."""
    z, y = tuple(case.z.shape), tuple(case.y.shape)
    wanted = z[:1] + z[2:] if case.kind in LABELS else z
    if y == wanted or [n for n in y if n != 1] != [n for n in wanted if n != 1]:
        return None
    if case.kind in LABELS and z == y:
        return None
    fix = "target.squeeze(1)" if len(y) > len(wanted) else "output.squeeze(1)  # or target.view_as(output)"
    evidence = f"output {z} and target {y}; wanted is a target {wanted}"
    binary = case.kind in BINARY
    section = sections.SHAPES if binary else sections.MULTI
    return Finding("an axis of length 1 too many", evidence, fix, section)


def one_hot(case: Case) -> Finding | None:
    """Integers in the shape of the output: one-hot rows, or several labels at once."""
    y = case.y
    if case.kind not in LABELS or y.is_floating_point() or y.shape != case.z.shape or y.ndim < 2:
        return None
    if not bool(((y == 0) | (y == 1)).all()):
        return None
    single = bool((y.sum(1) == 1).all())
    evidence = f"target {tuple(y.shape)} {y.dtype} holds 0 and 1, {span(y.sum(1))} ones in a row"
    if single and case.kind == "cross_entropy":
        return Finding("integer one-hot target", evidence, "target.argmax(1)  # or target.float()", sections.ONE_HOT)
    cure = "target.argmax(1)" if single else "nn.BCEWithLogitsLoss()(logits, target.float())"
    name = "integer one-hot target" if single else f"several labels at once with {NAMES[case.kind]}"
    return Finding(name, evidence, cure, sections.MULTI)


def soft_for_nll(case: Case) -> Finding | None:
    """Probability targets for a loss that takes labels, or with an ignore_index."""
    if case.kind not in LABELS or not case.soft or case.z.ndim < 2:
        return None
    index = case.options.get("ignore_index", -100)
    if case.kind == "nll_loss":
        evidence = f"target {tuple(case.y.shape)} {case.y.dtype}: NLLLoss takes one class number a row"
        return Finding(
            "soft targets with NLLLoss",
            evidence,
            "target.argmax(1)  # or nn.CrossEntropyLoss()",
            sections.ONE_HOT,
        )
    if index < 0:
        return None
    evidence = f"ignore_index={index} with a target of probabilities {tuple(case.y.shape)}"
    cure = "F.cross_entropy(z, q, reduction='none')[keep].mean()"
    return Finding("ignore_index with soft targets", evidence, cure, sections.SOFT_IGNORED)


def counts_differ(case: Case) -> Finding | None:
    """Different numbers of predictions and labels."""
    z, y = tuple(case.z.shape), tuple(case.y.shape)
    labels = case.kind in LABELS
    wanted = z[:1] + z[2:] if labels else z
    if y == wanted or (labels and (case.soft or not len(y) or len(z) == 1)):
        return None
    if labels and len(z) == 2 and len(y) == 2 and z[0] == y[0]:
        name, cure = f"several labels at once with {NAMES[case.kind]}", "nn.BCEWithLogitsLoss()(output, target.float())"
        return Finding(name, f"output {z}, target {y}; wanted is {wanted}", cure, sections.MULTI)
    if not labels and len(z) == 2 and y == z[:1]:
        name, cure = f"class numbers with {NAMES[case.kind]}", "nn.CrossEntropyLoss()(output, target.long())"
        return Finding(name, f"{z[1]} outputs a row, target {y}", cure, sections.SHAPES)
    name = "batch sizes differ" if not y or z[:1] != y[:1] else "shapes differ"
    cure = f"print(output.shape, target.shape)  # wanted is a target {wanted}"
    return Finding(name, f"output {z}, target {y}; wanted is {wanted}", cure, sections.SHAPES)


def target_type(case: Case) -> Finding | None:
    """Floats or short integers where class numbers are wanted, integers where the binary losses want floats."""
    y = case.y
    if case.kind in LABELS and y.dtype not in (torch.long, torch.uint8):
        evidence = f"target has type {y.dtype}, wanted is torch.int64"
        return Finding("target type", evidence, "target.long()", sections.LONG)
    if case.kind in BINARY and (not y.is_floating_point() or (case.kind == "bce" and y.dtype != case.z.dtype)):
        evidence = f"target has type {y.dtype}, the output {case.z.dtype}"
        return Finding("target type", evidence, "target.to(output.dtype)", sections.FLOAT)
    return None


def label_range(case: Case) -> Finding | None:
    """A label that is no class, with its place."""
    if case.kind not in LABELS or case.y.is_floating_point():
        return None
    y, top = case.y, case.classes - 1
    index = case.options.get("ignore_index", -100)
    wrong = ((y < 0) | (y > top)) & (y != index)
    if not bool(wrong.any()):
        return None
    evidence = f"{int(wrong.sum())} of {y.numel()} labels are outside 0 … {top}: {span(y[wrong])}"
    name, cure = _kind_of_labels(case, set(y[wrong].tolist()), set(y[~wrong & (y != index)].tolist()))
    return Finding(name, f"{evidence}, first at {first(wrong)}", cure, sections.RANGE)


def _kind_of_labels(case: Case, wrong: set, right: set) -> tuple[str, str]:
    """The name and the cure for labels out of range."""
    top, one = case.classes - 1, next(iter(wrong))
    if wrong == {-1} and case.classes == 2 and right == {1}:
        return "labels are -1 and 1", "(target + 1) // 2"
    if len(wrong) == 1 and (one < 0 or one == 255 != top + 1):
        return "padding label is not ignored", f"{NAMES[case.kind]}(ignore_index={one})"
    if wrong == {top + 1} and right and min(right) == 1:
        return "labels counted from 1", "target - 1"
    return "label out of range", "nn.Linear(features, int(target.max()) + 1)  # or correct the labels"


def weight_shape(case: Case) -> Finding | None:
    """weight or pos_weight of the wrong length or type."""
    for name in ("weight", "pos_weight"):
        w = case.options.get(name)
        if w is None:
            continue
        section = sections.LENGTH
        evidence = f"{name} {tuple(w.shape)} {w.dtype}, output {tuple(case.z.shape)} {case.z.dtype}"
        if case.kind in LABELS and tuple(w.shape) != (case.classes,):
            cure = f"weight = torch.ones({case.classes})  # one number for each class"
            return Finding("weight of the wrong length", evidence, cure, section)
        if case.kind in BINARY:
            return Finding(
                f"{name} does not fit the output", evidence, f"{name}.view(-1, 1, 1)  # for (N, K, H, W)", section
            )
        if w.dtype != case.z.dtype:
            return Finding("weight of another type", evidence, "weight.to(logits.dtype)", section)
    return None


def probabilities_wanted(case: Case) -> Finding | None:
    """Logits for BCELoss, or targets outside 0 … 1."""
    if case.kind != "bce":
        return None
    for name, x in (("logits given to BCELoss", case.z), ("targets outside 0 to 1", case.y)):
        wrong = ~((x >= 0) & (x <= 1))
        if bool(wrong.any()):
            what = "nan" if bool(x.isnan().any()) else span(x.detach())
            evidence = f"{int(wrong.sum())} of {x.numel()} numbers are outside 0 … 1: {what}"
            cure = "nn.BCEWithLogitsLoss()(logits, target)" if x is case.z else "target = target.clamp(0, 1)"
            return Finding(name, evidence, cure, sections.BCE)
    return None


CHECKS = [not_tensors, two_devices, integer_output, one_output, class_axis, column, one_hot, soft_for_nll]
CHECKS += [counts_differ, target_type, label_range, weight_shape, probabilities_wanted]

MESSAGES = [  # what a message says, its name, cure and section, for calls that no check recognises
    (r"is ambiguous", "options where tensors belong", "nn.CrossEntropyLoss()(logits, target)", sections.AMBIGUOUS),
    (r"unsafe to autocast", "BCELoss under autocast", "nn.BCEWithLogitsLoss()(logits, target)", sections.AUTOCAST),
    (r"not a valid value for reduction", "unknown reduction", 'reduction="mean"', sections.WEIGHT),
    (r"label_smoothing must be", "label_smoothing out of range", "label_smoothing=0.1", sections.SMOOTHING),
    (
        r"must match the size of tensor|non-singleton",
        "shapes differ",
        "print(output.shape, target.shape)",
        sections.SHAPES,
    ),
    (
        r"[Ee]xpected all tensors to be on the same device",
        "tensors on two devices",
        "target.to(output.device)",
        sections.RANGE,
    ),
    (r"out of bounds|out of range", "label out of range", "print(target.min(), target.max())", sections.RANGE),
]


def explain(case: Case) -> Finding:
    """Name what is wrong with a refused call; PyTorch's message closes the evidence."""
    said = f"{type(case.error).__name__}: {str(case.error).strip().splitlines()[0][:160]}" if str(case.error) else ""
    for check in CHECKS:
        try:
            found = check(case)
        except Exception:  # arguments so odd that a check trips over them too
            found = None
        if found or (check is not_tensors and case.kind == "other"):
            break
    if not found:
        found = _by_message(str(case.error))
    evidence = "; ".join(part for part in (found.evidence, f"PyTorch says {said}") if part)
    return Finding(found.name, evidence, found.cure, found.section)


def _by_message(message: str) -> Finding:
    for pattern, name, cure, section in MESSAGES:
        if re.search(pattern, message):
            return Finding(name, "", cure, section)
    return Finding(
        "the call is refused", "", "print(output.shape, output.dtype, target.shape, target.dtype)", sections.MESSAGES
    )
