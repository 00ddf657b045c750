"""The checks of KLDivLoss: log-probabilities of the model first, probabilities of the truth second."""

from torch import Tensor

from xent_helpers.clinic import sections
from xent_helpers.clinic.numbers import span
from xent_helpers.clinic.observe import Case
from xent_helpers.clinic.report import Finding

CURE = "F.kl_div(F.log_softmax(z, -1), q, reduction='batchmean')"


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
    """A prediction that is no log-probability, or arguments swapped. Silent where exp of each row sums to 1."""
    kind, truth = _kind(case.z), _kind(case.y)
    if kind == "log-probabilities":
        return None
    swapped = kind == "probabilities" and truth == "log-probabilities" and not case.options.get("log_target")
    evidence = f"the first argument holds {kind}, {span(case.z.detach())}, and the second {truth}"
    names = {"other numbers": "logits given to KLDivLoss", "probabilities": "probabilities given to KLDivLoss"}
    name = "arguments swapped" if swapped else names.get(kind, "softmax over the batch axis")
    return Finding(name, evidence, CURE, sections.KL)


def wrong_target(case: Case) -> Finding | None:
    """A target that is not what log_target says. Silent where its rows, or their exp with log_target, sum to 1."""
    wanted = "log-probabilities" if case.options.get("log_target") else "probabilities"
    kind = _kind(case.y)
    if kind == wanted or any(found.name == "arguments swapped" for found in [wrong_input(case)] if found):
        return None
    evidence = (
        f"log_target={bool(case.options.get('log_target'))}, and the target holds {kind}, {span(case.y.detach())}"
    )
    cure = "log_target=True" if kind == "log-probabilities" else "q = F.softmax(teacher_logits, -1)"
    name = (
        "log_target does not fit" if "over" not in kind and kind != "other numbers" else "soft targets do not sum to 1"
    )
    return Finding(name, evidence, cure, sections.KL)


def stretched(case: Case) -> Finding | None:
    """Target and prediction of two shapes. Silent where they are the same."""
    if case.z.shape == case.y.shape:
        return None
    evidence = f"target {tuple(case.y.shape)} is stretched to the input's {tuple(case.z.shape)}"
    return Finding("shapes are broadcast", evidence, "target.expand_as(log_p)  # if you mean it", sections.KL)


def divisor(case: Case) -> Finding | None:
    """ "mean" divides by C too, "batchmean" of (N, T, C) by N only. Silent for "batchmean" of (N, C), "sum", "none"."""
    shape, reduction = tuple(case.z.shape), case.options.get("reduction", "mean")
    if reduction == "mean" and case.z.ndim > 0:
        evidence = f"'mean' divides by all {case.z.numel()} entries of {shape}, the definition by its rows"
        return Finding("KLDivLoss divides by the classes too", evidence, CURE, sections.KL)
    if reduction == "batchmean" and case.z.ndim > 2:
        evidence = f"'batchmean' divides {shape} by {shape[0]}, so it sums over {case.z[0, ..., 0].numel()} positions"
        cure = "F.kl_div(log_p.flatten(0, -2), q.flatten(0, -2), reduction='batchmean')"
        return Finding("batchmean of sequences", evidence, cure, sections.KL)
    return None


CHECKS = [stretched, wrong_input, wrong_target, divisor]
