"""The checks that fit every loss, one written by hand too."""

import torch
from torch import Tensor

from xent_helpers.clinic import sections
from xent_helpers.clinic.numbers import first, runs
from xent_helpers.clinic.observe import Case
from xent_helpers.clinic.report import Finding


def non_finite_output(case: Case) -> Finding | None:
    """inf or NaN in the prediction. Silent for −inf, which may be a mask."""
    z = case.z.detach()
    if not z.is_floating_point() or bool(z.sum().isfinite()):
        return None
    wrong = z.isnan() | z.isposinf()
    if not bool(wrong.any()):
        return None
    evidence = f"{int(wrong.sum())} of {z.numel()} predictions are nan or inf, the first at {first(wrong)}"
    evidence += f"; {z.dtype} ends at {torch.finfo(z.dtype).max:.4g}"
    cure = "torch.autograd.set_detect_anomaly(True)  # then look upstream of the loss"
    return Finding("the output is nan or inf", evidence, cure, sections.HALF)


def broadcast(case: Case) -> Finding | None:
    """(N, 1) against (N,) inside a loss by hand. Silent where no operation met the two, and for one sample."""
    pair = tuple(case.z.shape), tuple(case.y.shape)
    if case.stretched is None or set(pair) != set(case.stretched) or case.z.numel() == 1:
        return None
    evidence = f"output {pair[0]} and target {pair[1]} are stretched to {tuple(torch.broadcast_shapes(*pair))}"
    section = sections.SHAPES
    return Finding("shapes are broadcast", evidence, "output.squeeze(1)  # or target[:, None]", section)


def no_number(case: Case) -> Finding | None:
    """A loss of NaN or infinity from a finite prediction. Silent where it is finite."""
    value = case.value.detach() if isinstance(case.value, Tensor) else torch.as_tensor(float("nan"))
    if bool(value.isfinite().all()) or non_finite_output(case):
        return None
    evidence = f"the loss is {float(value.sum())}, and the predictions are finite"
    return Finding("the loss is nan or inf", evidence, "F.cross_entropy(logits, target)", sections.LOG)


def no_gradient(case: Case) -> Finding | None:
    """Nothing leads back to the output (argmax, .item()), or the slope is NaN. Silent where loss and slope are 0."""
    slope, value = case.gradient, torch.as_tensor(case.value)
    by_the_target = value.requires_grad and not case.z.requires_grad
    if not case.z.is_floating_point() or by_the_target or not bool(value.isfinite().all()):
        return None
    size, wide = float(value.detach().double().sum()), torch.promote_types(case.z.dtype, torch.float32)
    pull = float("nan") if slope is None else float(torch.linalg.vector_norm(slope, dtype=wide))
    if pull > 0 or (pull == 0 and abs(size) < 0.1):
        return None
    evidence = f"the loss is {size:.4g}, and the gradient of {case.z.numel()} predictions "
    evidence += "does not exist" if slope is None else f"has the norm {pull}"
    if slope is not None and pull != 0:
        return Finding(
            "the gradient is nan", evidence, "loss_of[mask].mean()  # no 0 * inf, no 0 / 0", sections.IGNORED
        )
    cure = "loss(logits, target)  # no argmax, round, detach, .item() or .numpy() between"
    return Finding("no gradient", evidence, cure, sections.ZERO)


def negative(case: Case) -> Finding | None:
    """A negative loss of PyTorch's, or minus a probability by hand. Silent for others: they may mean it."""
    if case.kind == "other" and not _without_logarithm(case):
        return None
    size = float(case.value.detach().double().sum())
    if size >= -1e-6 * case.z.numel():
        return None
    evidence = f"the loss is {size:.4g}, and a cross-entropy of probabilities is never below 0"
    return Finding("the loss is negative", evidence, "F.cross_entropy(logits, target)", sections.NLL)


def _without_logarithm(case: Case) -> bool:
    """Whether the loss is minus the mean probability of the label, as if the logarithm was forgotten."""
    z, y = case.z.detach(), case.y
    if z.ndim != 2 or y.is_floating_point() or y.shape != z.shape[:1] or case.value.numel() != 1:
        return False
    if bool(((y < 0) | (y >= z.shape[1])).any()):
        return False
    means = [-p.gather(1, y[:, None].long()).mean() for p in (z, z.softmax(1))]
    return any(bool((case.value.detach() - mean).abs() < 1e-5) for mean in means)


def negated(outer: Case, inner: Case) -> Finding | None:
    """Minus PyTorch's loss. Silent for soft targets and labels all alike: an entropy or a generator's loss may be."""
    values = [case.value for case in (outer, inner)]
    if inner.soft or not all(isinstance(value, Tensor) and value.numel() == 1 for value in values):
        return None
    given, of_torch = (float(value.detach()) for value in values)
    alike = bool((inner.labels == inner.labels[0]).all())
    if inner.kind == "kl_div" or alike or not of_torch > 0 or given != -of_torch:
        return None
    evidence = f"the loss is {given:.4g}, minus PyTorch's: a training would drive it down without end"
    return Finding("the loss is negative", evidence, "F.cross_entropy(logits, target)", sections.NLL)


def mean_over_padding(outer: Case, inner: Case) -> Finding | None:
    """A mean that divides by ignored or masked labels too. Silent for every other number."""
    labelled = inner.kind in ("cross_entropy", "nll_loss") and not inner.soft and "weight" not in inner.options
    one_number = isinstance(outer.value, Tensor) and outer.value.numel() == 1
    if not labelled or not one_number or inner.options.get("reduction", "mean") == "mean":
        return None
    value, total, each = float(outer.value.detach()), inner.labels.numel(), inner.each()
    for pad in {inner.options.get("ignore_index", -100), 0, 1, int(inner.labels[-1])}:
        kept = inner.labels != pad
        count, by_kept = int(kept.sum()), float(each[kept[inner.kept]].double().sum())
        in_runs = not bool(inner.kept.all()) or len(runs(~kept)[0]) < 0.6 * (total - count)
        if 0 < count < total and in_runs and abs(value * total - by_kept) < 1e-4 * abs(by_kept):
            evidence = (
                f"{value:.4g} divides by all {total} labels; the mean of the {count} kept is {by_kept / count:.4g}"
            )
            return Finding("mean over padding", evidence, "(each * mask).sum() / mask.sum()", sections.MEANS)
    return None


BEFORE = [non_finite_output]
AFTER = [no_number, no_gradient, negative]
OTHER = [broadcast]
