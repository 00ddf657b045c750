"""Calls that PyTorch refuses: what is wrong with the arguments, whatever the message says.

The first check that recognises the call names it; else the message itself is looked up.
"""

import re
from dataclasses import replace

import torch
from torch import Tensor

from xent_helpers.clinic.binary import targets_outside
from xent_helpers.clinic.classes import one_output
from xent_helpers.clinic.faults import found
from xent_helpers.clinic.numbers import span
from xent_helpers.clinic.observe import BINARY, LABELS, Case
from xent_helpers.clinic.other_losses import ctc_labels, no_variance
from xent_helpers.clinic.report import Finding


def not_tensors(case: Case) -> Finding | None:
    """A list, a number or a NumPy array in place of a tensor. Silent for what a loss of one's own took apart."""
    if case.kind == "other" and not isinstance(case.error, (AttributeError, TypeError)):
        return None
    weights = {key: value for key, value in case.options.items() if "weight" in key}
    for name, array in ({"output": case.z, "target": case.y} | weights).items():
        evidence = f"{name} is of type {type(array).__name__}"
        if name == "output" and (isinstance(array, (tuple, dict)) or hasattr(array, "logits")):
            logits = hasattr(array, "logits") or "logits" in array
            return found("output is not a tensor", evidence, f"output = model(x){'.logits' if logits else '[0]'}")
        if not isinstance(array, Tensor):
            return found("{0} is not a tensor", evidence, name)
    return None


def two_devices(case: Case) -> Finding | None:
    """Output, target and weights on different devices; the lengths of CTCLoss may be on another."""
    arrays = {"target": case.y} | {key: value for key, value in case.options.items() if isinstance(value, Tensor)}
    for name, array in arrays.items():
        if array.device != case.z.device and array.ndim and not name.endswith("_lengths"):
            return found("tensors on two devices", f"output is on {case.z.device}, {name} on {array.device}", name)
    return None


def integer_output(case: Case) -> Finding | None:
    """Integers as prediction: labels first, or integer logits."""
    if case.z.is_floating_point():
        return None
    swapped = case.y.is_floating_point() and (case.y.ndim > case.z.ndim or case.kind in BINARY)
    evidence = f"output {tuple(case.z.shape)} has type {case.z.dtype}, target {tuple(case.y.shape)} {case.y.dtype}"
    if not swapped and case.y.dtype == case.z.dtype and case.z.shape == case.y.shape:
        return found("no gradient", f"{evidence}: whole numbers, as argmax returns them, have no slope")
    return found("arguments swapped" if swapped else "integer logits", evidence)


def class_axis(case: Case) -> Finding | None:
    """Classes on the last axis, where the loss takes axis 1."""
    z, y = tuple(case.z.shape), tuple(case.y.shape)
    if case.kind not in LABELS or len(z) < 3 or (z[:-1] != y and z[:-1] + (1,) != y):
        return None
    evidence = f"output {z} has the labels' shape {y} and then the classes; the loss takes axis 1, of length {z[1]}"
    return found("class axis last", evidence)


def ctc_axes(case: Case) -> Finding | None:
    """CTCLoss of (N, T, C) in place of (T, N, C)."""
    count = torch.as_tensor(case.options.get("input_lengths", 0)).numel()
    if case.kind != "ctc" or case.z.ndim != 3 or count != case.z.shape[0]:
        return None
    return found("class axis of CTCLoss", f"output {tuple(case.z.shape)} and {count} input lengths: batch first")


def column(case: Case) -> Finding | None:
    """An axis of length 1 too many, (N, 1) or (N, 1, H, W)."""
    z, y = tuple(case.z.shape), tuple(case.y.shape)
    wanted = z[:1] + z[2:] if case.kind in LABELS else z
    if case.kind in ("ctc", "signs") or y == wanted or [n for n in y if n != 1] != [n for n in wanted if n != 1]:
        return None
    if case.kind in LABELS and z == y:
        return None
    fix = "target.squeeze(1)" if len(y) > len(wanted) else "output.squeeze(1)  # or target.view_as(output)"
    evidence = f"output {z} and target {y}; wanted is a target {wanted}"
    return found("an axis of length 1 too many", evidence, fix)


def one_hot(case: Case) -> Finding | None:
    """Integers in the shape of the output: one-hot rows, or several labels at once."""
    y = case.y
    if case.kind not in LABELS or y.is_floating_point() or y.shape != case.z.shape or y.ndim < 2:
        return None
    if not bool(((y == 0) | (y == 1)).all()):
        return None
    single = bool((y.sum(1) == 1).all())
    evidence = f"target {tuple(y.shape)} {y.dtype} holds 0 and 1, {span(y.sum(1))} ones in a row"
    if single:
        return found("integer one-hot target", evidence)
    return found("several labels at once with {0}", evidence, case.name)


def soft_for_nll(case: Case) -> Finding | None:
    """Probability targets for a loss that takes labels, or with an ignore_index."""
    if case.kind not in LABELS or not case.soft or case.z.ndim < 2:
        return None
    index = case.options.get("ignore_index", -100)
    if case.kind == "nll_loss":
        evidence = f"target {tuple(case.y.shape)} {case.y.dtype}: NLLLoss takes one class number a row"
        return found("soft targets with NLLLoss", evidence)
    if index < 0:
        return None
    evidence = f"ignore_index={index} with a target of probabilities {tuple(case.y.shape)}"
    return found("ignore_index with soft targets", evidence)


def counts_differ(case: Case) -> Finding | None:
    """Different numbers of predictions and labels."""
    z, y = tuple(case.z.shape), tuple(case.y.shape)
    labels = case.kind in (*LABELS, "multi_margin")
    if case.kind in ("ctc", "signs", "triplet"):
        return None
    wanted = z[:1] + z[2:] if labels else z
    if y == wanted or (labels and (case.soft or not len(y) or len(z) == 1)):
        return None
    evidence = f"output {z}, target {y}; wanted is a target {wanted}"
    if labels and len(z) == 2 and len(y) == 2 and z[0] == y[0]:
        return found("several labels at once with {0}", evidence, case.name)
    if not labels and len(z) == 2 and y == z[:1] and bool((case.y == case.y.round()).all()):
        return found("class numbers with {0}", evidence, case.name)
    return found("batch sizes differ" if not y or z[:1] != y[:1] else "shapes differ", evidence)


def target_type(case: Case) -> Finding | None:
    """Floats or short integers where class numbers are wanted, integers where the binary losses want floats."""
    y = case.y
    if case.kind in LABELS and y.dtype not in (torch.long, torch.uint8):
        evidence = f"target has type {y.dtype}, wanted is torch.int64"
        return found("target type", evidence)
    if case.kind in BINARY and (not y.is_floating_point() or (case.kind == "bce" and y.dtype != case.z.dtype)):
        evidence = f"target has type {y.dtype}, the output {case.z.dtype}"
        return found("target type of {0}", evidence, case.name)
    return None


def label_range(case: Case) -> Finding | None:
    """A label that is no class, with its place."""
    if case.kind not in (*LABELS, "multi_margin") or case.y.is_floating_point():
        return None
    y, top = case.y, case.classes - 1
    index = case.options.get("ignore_index", -100)
    wrong = ((y < 0) | (y > top)) & (y != index)
    if not bool(wrong.any()):
        return None
    evidence = f"{int(wrong.sum())} of {y.numel()} labels are outside 0 … {top}: {span(y[wrong])}"
    evidence += f", first at {wrong.nonzero()[0].tolist()}"
    outside, inside = set(y[wrong].tolist()), set(y[~wrong & (y != index)].tolist())
    one = next(iter(outside))
    if outside == {-1} and case.classes == 2 and inside == {1}:
        return found("labels are {0}", evidence, "-1 and 1", "(target + 1) // 2", heading="Target is out of bounds")
    if len(outside) == 1 and (one < 0 or one == 255 != top + 1):
        return found("padding label is not ignored", evidence, f"nn.{case.name}", one)
    if outside == {top + 1} and inside and min(inside) == 1:
        return found("labels counted from 1", evidence)
    return found("label out of range", evidence)


def weight_shape(case: Case) -> Finding | None:
    """weight or pos_weight of the wrong length or type."""
    for name in ("weight", "pos_weight"):
        w = case.options.get(name)
        if w is None:
            continue
        evidence = f"{name} {tuple(w.shape)} {w.dtype}, output {tuple(case.z.shape)} {case.z.dtype}"
        if case.kind in LABELS and tuple(w.shape) != (case.classes,):
            return found("weight of the wrong length", evidence, case.classes)
        if case.kind in BINARY:
            return found("{0} does not fit the output", evidence, name, f"{name}.view(-1, 1, 1)  # for (N, K, H, W)")
        if w.dtype != case.z.dtype:
            return found("weight of another type", evidence)
    return None


def probabilities_wanted(case: Case) -> Finding | None:
    """Logits for BCELoss, or targets outside 0 … 1."""
    if case.kind != "bce":
        return None
    wrong = ~((case.z >= 0) & (case.z <= 1))
    if not bool(wrong.any()):
        return targets_outside(case)
    evidence = f"{int(wrong.sum())} of {wrong.numel()} predictions are outside 0 … 1: "
    evidence += "nan" if bool(case.z.isnan().any()) else span(case.z.detach())
    return found("logits given to BCELoss", evidence)


CHECKS = [not_tensors, two_devices, integer_output, one_output, class_axis, ctc_axes, ctc_labels]
CHECKS += [no_variance, column, one_hot, soft_for_nll, counts_differ, target_type, label_range, weight_shape]
CHECKS += [probabilities_wanted]

MESSAGES = {  # what a message says, and the fault, for calls that no check recognises
    r"is ambiguous": ("options where tensors belong",),
    r"unsafe to autocast": ("BCELoss under autocast",),
    r"not a valid value for reduction": ("unknown reduction",),
    r"label_smoothing must be": ("label_smoothing out of range",),
    r"must match the size of tensor|non-singleton|inconsistent t|Dimension size": ("shapes differ",),
    r"[Ee]xpected all tensors to be on the same device": ("tensors on two devices", "target"),
    r"out of bounds|out of range": ("label out of range",),
    r"0D or 1D target tensor expected": ("an axis of length 1 too many", "target.squeeze(1)"),
    r"inplace operation": ("an operation in place",),
    r"does not require grad": ("no gradient",),
    r"backward through the graph a second time": ("the graph is kept from step to step",),
}


def explain(case: Case) -> Finding:
    """Name what is wrong with a refused call; PyTorch's message closes the evidence."""
    for check in CHECKS if case.kind != "other" else CHECKS[:1]:
        try:
            named = check(case)
        except Exception:  # arguments so odd that a check trips over them too
            named = None
        if named:
            break
    named = named or by_message(case.error) or found("the call is refused", "")
    said = f"PyTorch says {type(case.error).__name__}: {(str(case.error).strip().splitlines() or [''])[0][:160]}"
    return replace(named, evidence=f"{named.evidence}; {said}" if named.evidence else said)


def by_message(error: Exception) -> Finding | None:
    """The fault that a message of PyTorch's tells of."""
    words = next((words for pattern, words in MESSAGES.items() if re.search(pattern, str(error))), None)
    return found(words[0], "", *words[1:]) if words else None
