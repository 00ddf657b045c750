"""Look at one call of a loss."""

from collections.abc import Callable
from functools import partial

from torch import Tensor

from xent_helpers.clinic import binary, classes, divergence, generic, refused, sections
from xent_helpers.clinic.observe import OURS, Case, observe, subject
from xent_helpers.clinic.report import Finding, Report
from xent_helpers.clinic.run import copied, same_model, same_random_numbers

CHECKS = {  # what is looked for in each kind of loss
    "cross_entropy": [*classes.CROSS_ENTROPY, *generic.AFTER],
    "nll_loss": [*classes.NLL, *generic.AFTER],
    "bce_with_logits": [*binary.WITH_LOGITS, *generic.AFTER],
    "bce": [*binary.PROBABILITIES, *generic.AFTER],
    "kl_div": [*divergence.CHECKS, *generic.AFTER[:2]],
    "other": [*generic.OTHER, *generic.AFTER],
}
ONLY_ALONE = ("the loss is negative", "the loss is nan or inf", "no gradient", "the gradient is nan")  # consequences
ONLY_ALONE += ("loss formed in half precision", "logits are far too large")


def call(loss_fn: Callable, output: object, target: object, **options: object) -> Report:
    """Look at one call ``loss_fn(output, target, **options)`` and return what is wrong or suspicious.

    A healthy call gives no finding: each check is silent where chance or a good reason could be behind the numbers.
    Nothing is changed: not the tensors, not their ``.grad``, not the random numbers, not a loss module.

    Args:
        loss_fn: a module such as ``nn.CrossEntropyLoss()``, a function such as ``F.cross_entropy``, one of the course's
            losses, a ``functools.partial``, or a loss of your own. What your own loss passes on to PyTorch's is looked
            at; for one that does all by itself only the general checks are left.
        output: what the model returns.
        target: the labels.
        options: passed on, for functions.

    Returns:
        A report: text in a terminal, a table in a notebook.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[2.0, 0.5, -1.0], [0.1, 1.5, 0.3], [-0.2, 0.4, 3.0]])
        >>> for finding in call(torch.nn.CrossEntropyLoss(), logits.softmax(1), torch.tensor([0, 1, 2])):
        ...     print(finding.name)
        softmax before CrossEntropyLoss
    """
    report = Report(subject(loss_fn, output, target))
    wrong = _wrong_from_the_start(loss_fn, output)
    if wrong:
        report.findings = [wrong]
        return report
    with same_random_numbers(*([output.device] if isinstance(output, Tensor) else [])), same_model(loss_fn):
        outer, inner = observe(copied(loss_fn), output, target, **options)
        report.findings = diagnose(report, outer, inner)
    report.remarks = [remark for case in inner if case.error is None for remark in remarks(case)]
    return report


def _wrong_from_the_start(loss_fn: Callable, output: object) -> Finding | None:
    if isinstance(loss_fn, type):
        evidence, cure = f"{loss_fn.__name__} is a class, and its parentheses take options", f"{loss_fn.__name__}()"
        return Finding("a class where a loss belongs", evidence, cure, sections.AMBIGUOUS)
    inner = loss_fn.func if isinstance(loss_fn, partial) else loss_fn
    if isinstance(output, Tensor) or (hasattr(output, "shape") and inner in OURS):  # ours take any array
        return None
    parts = list(output) if isinstance(output, (tuple, dict)) else []
    cure = "output = model(x).logits" if hasattr(output, "logits") or "logits" in parts else "output = model(x)[0]"
    cure = "torch.as_tensor(output)" if hasattr(output, "shape") else cure
    evidence = f"the output is of type {type(output).__name__} with {len(parts)} parts"
    return Finding("output is not a tensor", evidence, cure, sections.AMBIGUOUS)


def diagnose(report: Report, outer: Case, inner: list[Case]) -> list[Finding]:
    """Run the checks on PyTorch's losses that were called, or on the loss itself where it called none."""
    if outer.error is not None:
        refusal = next((case for case in inner if case.error is not None), outer)
        refusal.error = outer.error
        return [refused.explain(refusal)]
    checks = [(case, check) for case in inner or [outer] for check in (*generic.BEFORE, *CHECKS[case.kind])]
    if inner and inner[-1].value is not outer.value:  # a loss of the caller's own around PyTorch's
        checks += [(outer, check) for check in CHECKS["other"]]
        after = (generic.mean_over_padding, generic.negated)
        checks += [(case, partial(check, outer)) for case in inner for check in after]
    found = {one.name: one for case, check in checks for one in [report.ask(check, case)] if one}
    causes = [one for one in found.values() if one.name not in ONLY_ALONE]
    return causes or list(found.values())[:1]


def remarks(case: Case) -> list[str]:
    """What is legal and harmless, and still worth a line."""
    said, shape = [], tuple(case.z.shape)
    if case.kind == "cross_entropy" and case.origin == "LogSoftmax":
        said.append("a log_softmax before CrossEntropyLoss is harmless and changes nothing.")
    if case.kind in ("cross_entropy", "nll_loss") and len(shape) == 3 and shape[1] == shape[2] and not case.soft:
        said.append(f"in {shape} either of two axes could hold the classes; the loss takes axis 1.")
    if (
        case.kind in ("cross_entropy", "nll_loss")
        and case.options.get("weight") is not None
        and case.labels.numel() == 1
    ):
        said.append("with one label the mean divides by its weight, so the weight has no effect.")
    return said
