"""The checks of BCEWithLogitsLoss and BCELoss: yes or no, once or K times."""

import torch

from xent_helpers.clinic.classes import normalised_twice
from xent_helpers.clinic.every_loss import rounded
from xent_helpers.clinic.faults import found
from xent_helpers.clinic.numbers import log_sums_to_one, looks_squashed, span, sums_to_one, tolerance
from xent_helpers.clinic.observe import Case
from xent_helpers.clinic.report import Finding


def squashed_already(case: Case) -> Finding | None:
    """A sigmoid, softmax, ReLU or log too many. Silent without autograd's record unless chance would not do it."""
    name = _activation(case)
    if not name:
        return None
    evidence = f"{case.z.numel()} predictions in {span(case.z.detach())}, as a {name} leaves them; logits are unbounded"
    if case.kind == "bce_with_logits":
        return found("{0} before BCEWithLogitsLoss", evidence, name)
    return found("{0} before {1}", evidence, name, case.name)


def _activation(case: Case) -> str:
    z, known = case.z.detach(), {"Softmax": "softmax", "LogSoftmax": "log_softmax", "LogSigmoid": "logsigmoid"}
    known |= {"Sigmoid": "sigmoid", "Relu": "relu", "Tanh": "tanh"}
    if case.origin in known:
        return known[case.origin]
    within = tolerance(z)
    if z.ndim > 1 and len(case.sample) > 1 and z.shape[1] > 1:
        if sums_to_one(case.sample, within):
            return "softmax"
        if log_sums_to_one(case.sample, within):
            return "log_softmax"
    if case.origin:  # autograd knows another operation
        return ""
    if z.numel() >= 32 and not bool((z < 0).any()) and float((z == 0).float().mean()) > 0.1:
        return "relu" if float(z.max()) > 1 else ""
    return "sigmoid" if looks_squashed(z.float()) and bool((z != z.round()).any()) else ""


def targets_outside(case: Case) -> Finding | None:
    """Targets below 0 or above 1. Silent for everything between."""
    y = case.y.detach()
    wrong = (y < 0) | (y > 1)
    if not bool(wrong.any()):
        return None
    evidence = f"{int(wrong.sum())} of {y.numel()} targets are outside 0 … 1: they lie in {span(y)}"
    values = set(y.unique().tolist()) if y.numel() < 1e7 else {0.0, 0.5, 2.0}
    if values <= {-1.0, 1.0}:
        return found("labels are {0}", evidence, "-1 and 1", "(target + 1) / 2", heading="Target is out of bounds")
    if values <= {1.0, 2.0}:
        return found("labels counted from 1", evidence)
    if values <= {0.0, 255.0}:
        return found("mask of 0 and 255", evidence)
    (padding, *more) = values - {0.0, 1.0}
    if not more and padding in (255.0, -1.0, -100.0):
        cure = f"keep = target != {padding:g}; loss(output[keep], target[keep])  #"
        return found("padding label is not ignored", evidence, cure, f"{padding:g}")
    if bool(((case.z == 0) | (case.z == 1)).all()):
        return found("arguments swapped", evidence)
    if case.z.ndim == 2 and case.z.shape[1] > 1 and values <= set(range(case.z.shape[1])):
        return found("class numbers with {0}", evidence, case.name)
    low, high = float(y.min()), float(y.max())
    cure = "(target + 1) / 2" if -1 <= low < -0.1 and high <= 1 else "target / 255" if low >= 0 and high > 200 else ""
    cure = "target.clamp(0, 1)  # after you know why" if low >= -0.1 and high <= 1.1 else cure
    return found("targets outside 0 to 1", evidence, cure or "nn.MSELoss()(output, target)  # or scale the targets")


def stretched(case: Case) -> Finding | None:
    """A weight that makes more terms than predictions, or stands for samples. Silent for (K,) on (N, K)."""
    for name in ("pos_weight", "weight"):
        w = case.options.get(name)
        if w is None or w.numel() == 1:
            continue
        shape = torch.broadcast_shapes(w.shape, case.z.shape)
        by_sample = name == "pos_weight" and case.z.ndim == 1
        inner = w.ndim == 1 and case.z.ndim > 2
        if shape != case.z.shape or by_sample or inner:
            evidence = f"{name} {tuple(w.shape)} against output {tuple(case.z.shape)} is laid along its last axis"
            cure = f"{name}={name}.view(-1, 1, 1)" if inner else f"{name}=torch.tensor(…)  # one number for one output"
            return found("{0} does not fit the output", evidence, name, cure)
    return None


def inverted(case: Case) -> Finding | None:
    """pos_weight = positives / negatives. Silent near balance, below 20 labels and for any other number."""
    w = case.options.get("pos_weight")
    if w is None or case.y.numel() < 20 or w.numel() not in (1, case.y.shape[-1]):
        return None
    y = case.y.detach().double()
    y = y.flatten() if w.numel() == 1 else y.flatten(0, -2)
    positive, negative = y.sum(0), (1 - y).sum(0)
    off = ((w.detach().double().flatten() * negative / positive).log().abs()).nan_to_num(nan=9.0)
    lopsided = (negative / positive).log().abs() > 0.69
    if int(lopsided.sum()) < min(2, lopsided.numel()) or not bool((off[lopsided.expand_as(off)] < 0.41).all()):
        return None
    evidence = f"{int(positive.sum())} positives, {int(negative.sum())} negatives, pos_weight {span(w.detach())}"
    return found("pos_weight is inverted", evidence)


def swapped(case: Case) -> Finding | None:
    """Labels as predictions. Silent unless all predictions are exactly 0 or 1 and a target is neither."""
    z, y = case.z.detach(), case.y.detach()
    if not bool(((z == 0) | (z == 1)).all()) or not bool(((y > 0) & (y < 1)).any()):
        return None
    evidence = f"all {z.numel()} predictions are 0 or 1, and the targets lie in {span(y)}"
    return found("arguments swapped", evidence)


def softmax_of_one(case: Case) -> Finding | None:
    """A softmax over one output, or over the batch. Silent unless all predictions are 1, or all of them sum to 1."""
    z = case.z.detach().float()
    column = z.ndim == 1 or z.shape[1] == 1
    if not column or z.numel() < 3 or swapped(case):
        return None
    ones = bool((z == 1).all()) and z.ndim > 1 and case.origin != "Sigmoid"
    over_batch = abs(float(z.sum()) - 1) < 1e-3 and z.numel() > 3
    if not (case.origin == "Softmax" or ((ones or over_batch) and not bool((case.y == z).all()))):
        return None
    evidence = f"{z.numel()} predictions in {span(z)} with the sum {float(z.sum()):.4g}"
    return found("softmax of one output", evidence)


def clamped(case: Case) -> Finding | None:
    """Probabilities of exactly 0 or 1 that are wrong. Silent where they are right."""
    z, y = case.z.detach(), case.y.detach()
    dead = ((z == 0) & (y > 0.5)) | ((z == 1) & (y < 0.5))
    if not bool(dead.any()) or swapped(case) or softmax_of_one(case) or rounded(case):
        return None
    evidence = f"{int(dead.sum())} of {z.numel()} are exactly 0 or 1 and wrong: each costs 100 and gets no gradient"
    return found("BCELoss is saturated", evidence)


def far_off(case: Case) -> Finding | None:
    """Logits far too large: more than 50 nats a label. Silent below."""
    z, y = case.z.detach(), case.y.detach()
    mean = float(torch.nn.functional.binary_cross_entropy_with_logits(z.float(), y.float()))
    if not 50 < mean < float("inf") or targets_outside(case):
        return None
    evidence = f"{mean:.4g} nats a label, where a logit of 0 costs log 2 = 0.69; logits {span(z)}"
    return found("logits are far too large", evidence)


WITH_LOGITS = [squashed_already, targets_outside, stretched, inverted, far_off]
PROBABILITIES = [normalised_twice, swapped, softmax_of_one, targets_outside, stretched, clamped]
SEVERAL = [squashed_already, targets_outside]  # MultiLabelSoftMarginLoss
