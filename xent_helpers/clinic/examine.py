"""Look at one call of a loss."""

from collections.abc import Callable
from functools import partial

from torch import Tensor

from xent_helpers.clinic import binary, classes, every_loss, other_losses, refused
from xent_helpers.clinic.faults import found
from xent_helpers.clinic.observe import LABELS, Case, observe, subject, tensors
from xent_helpers.clinic.report import Finding, Report
from xent_helpers.clinic.run import copied, same_model, same_random_numbers

CHECKS = {  # what is looked for in each kind of loss
    "cross_entropy": classes.CROSS_ENTROPY,
    "nll_loss": classes.NLL,
    "bce_with_logits": binary.WITH_LOGITS,
    "bce": [every_loss.rounded, *binary.PROBABILITIES],
    "several": binary.SEVERAL,
    "kl_div": other_losses.KL,
    "regression": other_losses.REGRESSION,
    "poisson": other_losses.POISSON,
    "gaussian": other_losses.GAUSSIAN,
    "signs": other_losses.SIGNS,
    "triplet": [other_losses.same_twice],
    "multi_margin": [other_losses.squashed_margin],
    "multilabel_margin": [other_losses.multi_hot],
    "ctc": other_losses.CTC,
    "other": [every_loss.broadcast],
}
ONLY_ALONE = ("the loss is negative", "the loss is nan or inf", "no gradient", "the gradient is nan")  # consequences
ONLY_ALONE += ("loss formed in half precision", "logits are far too large")


def call(loss_fn: Callable, output: object, target: object, **options: object) -> Report:
    """Look at one call ``loss_fn(output, target, **options)`` and return what is wrong or suspicious.

    A healthy call gives no finding: each check is silent where chance or a good reason could be behind the numbers.
    Nothing is changed: not the tensors, not their ``.grad``, not the random numbers, not a loss module.

    It looks for these faults, in every loss of ``torch.nn.functional`` (``faults.py`` lists each with its cure):

    - range: a softmax, sigmoid, ReLU or tanh too many or too few, log or not (KLDivLoss, PoissonNLLLoss, CTCLoss,
      GaussianNLLLoss), outputs that cannot reach their targets, -inf, nan, half precision, saturation;
    - labels: counted from 1, out of range, 0 and 1 for -1 and 1, multi-hot for class numbers, padding that counts, a
      class that is ignored, soft targets that do not sum to 1, the blank of CTCLoss, the wrong type;
    - shape: the class axis last or moved by view, (N, 1) against (N,), a column of labels, batch sizes that differ;
    - options: weights and pos_weight in the wrong order or shape, reduction, smoothing, log_target;
    - no gradient: argmax, round, thresholds, .item(), operations in place, two equal inputs; a negative loss.

    Args:
        loss_fn: a module such as ``nn.CrossEntropyLoss()``, a function such as ``F.cross_entropy``, one of the course's
            losses, a ``functools.partial``, or a loss of your own. What your own loss passes on to PyTorch's is looked
            at; for one that does all by itself only the general checks are left.
        output: what the model returns, a tensor or whatever ``loss_fn`` takes apart.
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
    if isinstance(loss_fn, type):
        evidence = f"{loss_fn.__name__} is a class, and its parentheses take options"
        report.findings = [found("a class where a loss belongs", evidence, loss_fn.__name__)]
        return report
    with same_random_numbers(*[one.device for one in tensors(output)[:1]]), same_model(loss_fn):
        outer, inner = observe(copied(loss_fn), output, target, **options)
        report.findings = diagnose(report, outer, inner)
    report.remarks = [remark for case in inner if case.error is None for remark in remarks(case)]
    return report


def diagnose(report: Report, outer: Case, inner: list[Case]) -> list[Finding]:
    """Run the checks on PyTorch's losses that were called, or on the loss itself where it called none."""
    if outer.error is not None:
        refusal = next((case for case in inner if case.error is not None), outer)
        refusal.error = outer.error
        return [refused.explain(refusal)]
    own = [outer] if isinstance(outer.z, Tensor) else []  # a dictionary or tuple that the caller's own loss takes apart
    checks = [(case, check) for case in inner or own for check in _checks(case)]
    if not own:
        checks.append((outer, every_loss.no_number))
    if inner and inner[-1].value is not outer.value:  # a loss of the caller's own around PyTorch's
        checks += [(case, check) for case in own for check in (*CHECKS["other"], *every_loss.AFTER)]
        after = (every_loss.mean_over_padding, every_loss.negated)
        checks += [(case, partial(check, outer)) for case in inner for check in after]
    named = {one.name: one for case, check in checks for one in [report.ask(check, case)] if one}
    causes = [one for one in named.values() if one.name not in ONLY_ALONE]
    return causes or list(named.values())[:1]


def _checks(case: Case) -> list[Callable]:
    after = every_loss.AFTER[:3] if case.kind == "kl_div" else every_loss.AFTER  # wrong input makes it negative, too
    return [*every_loss.BEFORE, *CHECKS[case.kind], *after]


def remarks(case: Case) -> list[str]:
    """What is legal and harmless, and still worth a line."""
    if case.kind not in LABELS:
        return []
    said, shape = [], tuple(case.z.shape)
    if case.kind == "cross_entropy" and case.origin == "LogSoftmax":
        said.append("a log_softmax before CrossEntropyLoss is harmless and changes nothing.")
    if len(shape) == 3 and shape[1] == shape[2] and not case.soft:
        said.append(f"in {shape} either of two axes could hold the classes; the loss takes axis 1.")
    if case.options.get("weight") is not None and case.labels.numel() == 1:
        said.append("with one label the mean divides by its weight, so the weight has no effect.")
    return said
