"""The checks of PyTorch's other losses: KLDivLoss, regression, counts, margins, triplets and CTCLoss."""

import torch
from torch import Tensor

from xent_helpers.clinic.every_loss import rounded
from xent_helpers.clinic.faults import found
from xent_helpers.clinic.numbers import log_sums_to_one, looks_squashed, span, sums_to_one
from xent_helpers.clinic.observe import Case
from xent_helpers.clinic.report import Finding


def _kind(x: Tensor) -> str:
    """Log-probabilities, probabilities, one of them over the batch, or other numbers; later axes may sum to 1."""
    x, last = x.detach().float(), "other numbers"
    for numbers, name in ((x, "probabilities"), (x.exp(), "log-probabilities")):
        if not bool((numbers >= 0).all()) or (name == "log-probabilities" and not bool((x <= 1e-3).all())):
            continue
        fits = [bool(((numbers.sum(axis) - 1).abs() < 0.02).all()) for axis in range(x.ndim)]
        if any(fits[1:] if x.ndim > 1 else fits):
            return name
        last = f"{name} over the batch" if fits[0] else last
    return last


def wrong_input(case: Case) -> Finding | None:
    """KLDivLoss: no log-probabilities, or arguments swapped. Silent where exp of each row sums to 1."""
    kind, truth = _kind(case.z), _kind(case.y)
    if kind == "log-probabilities":
        return None
    evidence = f"the first argument holds {kind}, {span(case.z.detach())}, and the second {truth}"
    if kind == "probabilities" and truth == "log-probabilities" and not case.options.get("log_target"):
        return found("arguments swapped", evidence)
    names = {"other numbers": "logits", "probabilities": "probabilities"}
    if kind in names:
        return found("{0} given to KLDivLoss", evidence, names[kind])
    return found("softmax over the batch axis", evidence)


def wrong_target(case: Case) -> Finding | None:
    """KLDivLoss: a target that is not what log_target says. Silent where its rows, or their exp, sum to 1."""
    log_target = bool(case.options.get("log_target"))
    kind, wanted = _kind(case.y), "log-probabilities" if log_target else "probabilities"
    if kind == wanted or (kind == "log-probabilities" and _kind(case.z) == "probabilities"):
        return None
    evidence = f"log_target={log_target}, and the target holds {kind}, {span(case.y.detach())}"
    if kind in ("probabilities", "log-probabilities"):
        return found("log_target does not fit", evidence, not log_target)
    return found("soft targets do not sum to 1", evidence)


def divisor(case: Case) -> Finding | None:
    """KLDivLoss: "mean" divides by C too, "batchmean" of (N, T, C) by N only. Silent for "sum" and "none"."""
    shape, reduction = tuple(case.z.shape), case.options.get("reduction", "mean")
    if reduction == "mean" and case.z.ndim > 0:
        evidence = f"'mean' divides by all {case.z.numel()} entries of {shape}, the definition by its rows"
        return found("KLDivLoss divides by the classes too", evidence)
    if reduction == "batchmean" and case.z.ndim > 2:
        evidence = f"'batchmean' divides {shape} by {shape[0]}, so it sums over {case.z[0, ..., 0].numel()} positions"
        return found("batchmean of sequences", evidence)
    return None


def stretched(case: Case) -> Finding | None:
    """Target and prediction of two shapes. Silent where they are the same, and for one number."""
    z, y = tuple(case.z.shape), tuple(case.y.shape)
    if z == y or 1 in (case.z.numel(), case.y.numel()):
        return None
    alike = [n for n in z if n != 1] == [n for n in y if n != 1]
    cure = "output.squeeze(1)  # or target.view_as(output)" if alike else "target.expand_as(output)  # if you mean it"
    evidence = f"output {z} and target {y} are stretched to {tuple(torch.broadcast_shapes(z, y))}"
    return found("shapes are broadcast", evidence, cure)


def out_of_reach(case: Case) -> Finding | None:
    """A sigmoid, tanh, softmax or ReLU below targets outside its range. Silent for 1 target in 20, or near the edge."""
    ranges = {"Sigmoid": (0, 1), "Softmax": (0, 1), "Tanh": (-1, 1), "Relu": (0, float("inf"))}
    if case.origin not in ranges:
        return None
    (low, high), y = ranges[case.origin], case.y.detach().float()
    out = (y < low - 0.1) | (y > high + 0.1)
    if float(out.float().mean()) < 0.05:
        return None
    evidence = f"the output ends in a {case.origin.lower()}; {int(out.sum())} of {y.numel()} targets are outside "
    return found("the output cannot reach the targets", f"{evidence}{low} to {high}: {span(y)}", case.origin.lower())


def rate_or_logarithm(case: Case) -> Finding | None:
    """PoissonNLLLoss given the other form of the rate. Silent unless autograd, the sign or the targets tell."""
    z, y = case.z.detach().float(), case.y.detach().float()
    if not case.options.get("log_input", True):
        below = int((z < 0).sum())
        evidence = f"{below} of {z.numel()} rates are below 0, {span(z)}, and log_input=False takes their logarithm"
        return found("logarithm given as the rate", evidence) if below else None
    made = case.origin if case.origin in ("Softplus", "Exp", "Relu", "Sigmoid") else ""
    near = z.numel() >= 16 and bool((z > 0).all()) and 0.5 < float(z.mean() / y.mean()) < 2
    if not made and not (near and float(z.exp().mean()) > 5 * float(y.mean())):
        return None
    evidence = f"the outputs are {span(z)}{f', as {made.lower()} leaves them' if made else ''}, the targets {span(y)}; "
    evidence += f"log_input=True takes exp of them, {span(z.exp())}"
    return found("rate given as its logarithm", evidence, made.lower() or "softplus or exp")


def no_counts(case: Case) -> Finding | None:
    """PoissonNLLLoss with targets below 0. Silent for fractions, which may be rates."""
    below = int((case.y < 0).sum())
    evidence = f"{below} of {case.y.numel()} targets are below 0: {span(case.y.detach())}"
    return found("targets are no counts", evidence) if below else None


def no_variance(case: Case) -> Finding | None:
    """GaussianNLLLoss with a variance at its clamp. Silent where all are above it."""
    if case.kind != "gaussian":
        return None
    var = torch.as_tensor(case.options["var"]).detach()
    wrong = int((var <= case.options.get("eps", 1e-6)).sum())
    evidence = f"{wrong} of {var.numel()} variances are 0, negative or at the clamp: {span(var)}; they get no gradient"
    return found("variance is 0 or negative", evidence) if wrong else None


def no_signs(case: Case) -> Finding | None:
    """Labels other than -1 and 1. Silent for ones alone."""
    values = case.y.detach().unique().tolist()[:9]
    if set(values) <= {-1, 1} or set(values) == {-1, 0, 1}:
        return None
    binary = set(values) <= {0, 1}
    coded, cure = ("0 and 1", "2 * target - 1") if binary else ("not -1 and 1", "torch.where(same, 1, -1)")
    evidence = f"{case.name} takes -1 and 1, and the target holds {', '.join(f'{one:g}' for one in values)}"
    if binary:
        evidence += "; every 0 counts for nothing, or for a constant"
    return found("labels are {0}", evidence, coded, cure, heading="Target is out of bounds")


def squashed_margin(case: Case) -> Finding | None:
    """A sigmoid or softmax before a margin of 1. Silent unless autograd knows, or the numbers leave hardly a doubt."""
    if case.name not in ("SoftMarginLoss", "MultiMarginLoss"):
        return None
    if case.origin == "Softmax" or (case.kind == "multi_margin" and sums_to_one(case.sample, 1e-3)):
        return found("softmax before {0}", f"the scores are probabilities, {span(case.z.detach())}", case.name)
    guess = not case.operations and case.z.numel() >= 32 and looks_squashed(case.z.detach())
    if case.origin != "Sigmoid" and not guess:
        return None
    evidence = f"the scores lie in {span(case.z.detach())}; a margin needs numbers on both sides of 0"
    return found("{0} before {1}", evidence, "sigmoid", case.name)


def same_twice(case: Case) -> Finding | None:
    """Two of the inputs are equal. Silent for one sample."""
    others = {key: case.options[key] for key in ("input2", "negative") if key in case.options}
    others |= {"positive": case.y} if case.kind == "triplet" else {}
    for key, other in others.items():
        if other.shape == case.z.shape and len(other) > 1 and torch.equal(other, case.z):
            return found("both inputs are the same", f"{key} equals the first input in all {other.numel()} numbers")
    if "negative" in others and len(case.y) > 1 and torch.equal(others["negative"], case.y):
        return found("both inputs are the same", f"negative equals positive in all {case.y.numel()} numbers")
    return None


def multi_hot(case: Case) -> Finding | None:
    """MultiLabelMarginLoss takes class numbers, closed by -1. Silent unless a row names a class twice."""
    rows = case.y.detach().reshape(-1, case.y.shape[-1])
    if rows.shape[1] < 3 or not bool(((rows == 0) | (rows == 1)).all()):
        return None
    evidence = f"the target {tuple(case.y.shape)} holds 0 and 1 only; each row is read as class numbers, up to a -1"
    return found("multi-hot labels with MultiLabelMarginLoss", evidence)


def ctc_input(case: Case) -> Finding | None:
    """CTCLoss wants log-probabilities on the last axis. Silent where each row's log-sum-exp is 0 within 0.02."""
    rows = case.z.detach().float().flatten(0, -2)[:2048]
    if log_sums_to_one(rows, 0.02):
        return None
    kind = "probabilities" if sums_to_one(rows, 1e-3) else "logits"
    evidence = f"exp of the last axis sums to {span(rows.exp().sum(-1))}, not to 1"
    if case.origin == "LogSoftmax":  # of another axis
        return found("softmax over the batch axis", evidence)
    return found("{0} given to CTCLoss", evidence, kind)


def ctc_labels(case: Case) -> Finding | None:
    """CTCLoss: the blank or no class among the labels, or too many of them. Silent with zero_infinity for the last."""
    if case.kind != "ctc":
        return None
    y, blank, classes = case.labels, case.options.get("blank", 0), case.z.shape[-1]
    if bool((y == blank).any()):
        evidence = f"{int((y == blank).sum())} of {len(y)} labels are {blank}, the blank"
        return found("the blank among the targets", evidence)
    if bool(((y < 0) | (y >= classes)).any()):
        return found("label out of range", f"labels lie in {span(y)}, and there are {classes} classes")
    short, long = (torch.as_tensor(case.options[key]).reshape(-1) for key in ("input_lengths", "target_lengths"))
    wrong = int((long > short).sum()) if short.shape == long.shape else 0
    if case.options.get("zero_infinity") or (not wrong and bool(torch.as_tensor(case.value).isfinite().all())):
        return None
    evidence = f"{wrong} of {len(long)} targets have more labels than steps: {span(long)} labels, {span(short)} steps"
    return found("targets longer than the input", evidence + "; a repeated label needs one step more")


KL = [stretched, wrong_input, wrong_target, divisor]
REGRESSION = [rounded, stretched, out_of_reach]
POISSON = [stretched, rate_or_logarithm, no_counts]
GAUSSIAN = [stretched, no_variance]
SIGNS = [no_signs, squashed_margin, same_twice]
CTC = [ctc_input, ctc_labels]
