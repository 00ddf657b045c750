"""The checks that fit every loss, one written by hand too."""

import inspect
import math

import torch
from torch import Tensor

from xent_helpers.clinic.faults import found
from xent_helpers.clinic.numbers import runs, span
from xent_helpers.clinic.observe import FUNCTIONS, HALVES, LABELS, OUTPUTS, TARGETS, Case, mapped, tensors
from xent_helpers.clinic.report import Finding


def non_finite_output(case: Case) -> Finding | None:
    """inf or NaN in the prediction. Silent for −inf, which may be a mask."""
    z = case.z.detach()
    if not z.is_floating_point() or bool(z.sum().isfinite()):
        return None
    wrong = z.isnan() | z.isposinf()
    if not bool(wrong.any()):
        return None
    evidence = f"{int(wrong.sum())} of {z.numel()} predictions are nan or inf, first at {wrong.nonzero()[0].tolist()}"
    return found("the output is nan or inf", evidence + f"; {z.dtype} ends at {torch.finfo(z.dtype).max:.4g}")


def non_finite_target(case: Case) -> Finding | None:
    """inf or NaN among the labels. Silent where log_target may have made −inf."""
    wrong = [y.isnan() | y.isposinf() for y in tensors(case.y) if y.is_floating_point()]
    count = sum(int(one.sum()) for one in wrong)
    return found("nan or inf among the {0}", f"{count} of the labels are nan or inf", "targets") if count else None


def rounded(case: Case) -> Finding | None:
    """Predictions after round, argmax or a threshold. Silent without autograd's record for fewer than 8 numbers."""
    z = case.z.detach()
    if case.operations and case.origin not in ("Round", "Sign", "Floor", "Ceil", "Trunc", "Heaviside"):
        return None
    whole = z.numel() >= 8 and len(z.unique()) > 1 and bool((z == z.round()).all())
    labels_first = case.kind == "bce" and not bool(((case.y == 0) | (case.y == 1)).all())
    if not case.operations and (labels_first or not whole or not bool(torch.as_tensor(case.value).abs().sum() > 0.1)):
        return None
    return found("no gradient", f"all {z.numel()} predictions are whole numbers, {span(z)}; they have no slope")


def broadcast(case: Case) -> Finding | None:
    """(N, 1) against (N,) inside a loss by hand. Silent where no operation met the two, and for one sample."""
    pair = tuple(case.z.shape), tuple(case.y.shape)
    if case.stretched is None or set(pair) != set(case.stretched) or case.z.numel() == 1:
        return None
    evidence = f"output {pair[0]} and target {pair[1]} are stretched to {tuple(torch.broadcast_shapes(*pair))}"
    return found("shapes are broadcast", evidence, "output.squeeze(1)  # or target[:, None]")


def no_number(case: Case) -> Finding | None:
    """A loss of NaN or infinity from a finite prediction. Silent where it is finite."""
    value = case.value.detach() if isinstance(case.value, Tensor) else torch.as_tensor(float("nan"))
    if bool(value.isfinite().all()) or any(not bool(z.isfinite().all()) for z in tensors(case.z)):
        return None
    return found("the loss is nan or inf", f"the loss is {float(value.sum())}, and the predictions are finite")


def no_gradient(case: Case) -> Finding | None:
    """Nothing leads back to the output (argmax, .item()), or the slope is NaN. Silent where loss and slope are 0."""
    value = torch.as_tensor(case.value)
    by_the_target = value.requires_grad and not case.z.requires_grad
    if not case.z.is_floating_point() or by_the_target or not bool(value.isfinite().all()):
        return None
    try:
        slope = case.gradient
    except RuntimeError as error:
        name = "an operation in place" if "inplace" in str(error) else "no gradient"
        return found(name, f"backward says {str(error).splitlines()[0][:160]}")
    size, wide = float(value.detach().double().sum()), torch.promote_types(case.z.dtype, torch.float32)
    pull = float("nan") if slope is None else float(torch.linalg.vector_norm(slope, dtype=wide))
    if pull > 0 or (pull == 0 and abs(size) < 0.1) or (case.kind in ("triplet", "signs", "multi_margin") and pull == 0):
        return None
    evidence = f"the loss is {size:.4g}, and the gradient of {case.z.numel()} predictions "
    evidence += "does not exist" if slope is None else f"has the norm {pull}"
    return found("no gradient" if slope is None or pull == 0 else "the gradient is nan", evidence)


def negative(case: Case) -> Finding | None:
    """A negative loss of PyTorch's, or minus a probability by hand. Silent for others: they may mean it."""
    if case.kind in ("poisson", "gaussian") or (case.kind == "other" and not _without_logarithm(case)):
        return None
    size = float(case.value.detach().double().sum())
    if size >= -1e-6 * case.z.numel():
        return None
    return found("the loss is negative", f"the loss is {size:.4g}, and a cross-entropy is never below 0")


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
    if inner.kind not in (*LABELS, "bce", "bce_with_logits") or alike or not of_torch > 0 or given != -of_torch:
        return None
    return found("the loss is negative", f"the loss is {given:.4g}, minus PyTorch's: training drives it down endlessly")


def mean_over_padding(outer: Case, inner: Case) -> Finding | None:
    """A mean that divides by ignored or masked labels too. Silent for every other number."""
    labelled = inner.kind in LABELS and not inner.soft and "weight" not in inner.options
    one_number = isinstance(outer.value, Tensor) and outer.value.numel() == 1
    if not labelled or not one_number or inner.options.get("reduction", "mean") == "mean":
        return None
    value, total, each = float(outer.value.detach()), inner.labels.numel(), inner.each()
    for pad in {inner.options.get("ignore_index", -100), 0, 1, int(inner.labels[-1])}:
        kept = inner.labels != pad
        count, by_kept = int(kept.sum()), float(each[kept[inner.kept]].double().sum())
        in_runs = not bool(inner.kept.all()) or len(runs(~kept)[0]) < 0.6 * (total - count)
        if 0 < count < total and in_runs and abs(value * total - by_kept) < 1e-4 * abs(by_kept):
            evidence = f"{value:.4g} divides by all {total} labels; the mean of the {count} kept is "
            return found("mean over padding", evidence + f"{by_kept / count:.4g}")
    return None


def half_precision(case: Case) -> Finding | None:
    """A sum formed in 16 bits. Silent under autocast, which returns float32, and within 1% of float32's number."""
    if case.name not in FUNCTIONS or not {case.z.dtype, case.value.dtype} <= set(HALVES):
        return None
    z, y, options = mapped(lambda x: x.detach().float() if x.dtype in HALVES else x, [case.z, case.y, case.options])
    named = inspect.signature(FUNCTIONS[case.name]).parameters
    first, second = (next(name for name in named if name in names) for names in (OUTPUTS, TARGETS))
    right = FUNCTIONS[case.name](**{first: z, second: y}, **options)
    given, right = (float(one.detach().float().mean()) for one in (case.value, right))
    if abs(given - right) < 0.01 * (abs(right) + 0.01) or not math.isfinite(right):
        return None
    return found("loss formed in half precision", f"{given:.4g} where float32 gives {right:.4g}")


BEFORE = [non_finite_output, non_finite_target]
AFTER = [half_precision, no_number, no_gradient, negative]
