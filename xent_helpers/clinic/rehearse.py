"""Look at a model, a loss and some batches before a long training. All of it happens on copies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import torch
from torch import nn

from xent_helpers.clinic import loop
from xent_helpers.clinic import model as before
from xent_helpers.clinic.examine import call
from xent_helpers.clinic.observe import mapped, tensors
from xent_helpers.clinic.report import Finding, Report
from xent_helpers.clinic.run import Run, copied, same_model, same_optimizer, same_random_numbers

MOST_BATCHES = 16


def training(
    model: nn.Module,
    loss_fn: Callable,
    batches: object,
    *,
    optimizer: torch.optim.Optimizer | None = None,
    step: Callable | None = None,
    evaluate: Callable | None = None,
) -> Report:
    """Look at a model that is about to train, and return what is wrong or suspicious.

    Everything runs on copies: parameters, buffers, gradients, mode and random numbers stay the same bits, those of a
    loss module and the state of ``optimizer`` too. A check that cannot be made is listed in ``skipped``, with the
    reason. Besides the faults that ``clinic.call`` finds on the first batch, it looks for

    - data: nan, equal inputs, constant labels, labels among the inputs, tokens shifted wrongly, inputs not scaled;
      that labels have nothing to do with inputs is a remark, as in a sketch with random numbers it is no fault;
    - the model: nothing to train, evaluation mode, randomness in it, dropout of all, layers in a plain list, no
      gradient, one output for all inputs (and where it arises), samples of a batch mixed, the next token seen,
      labels without effect, a first loss far too high, 16 samples that cannot be learned by heart;
    - ``optimizer``: other parameters, a learning rate of 0 or next to it, too strong a decay, maximize, divergence;
    - ``step``: no zero_grad, backward or step, in the wrong order, a graph kept, evaluation mode;
    - ``evaluate``: training mode, a mean of means over uneven batches.

    Args:
        model: called as ``model(x)``.
        loss_fn: called as ``loss_fn(model(x), y)``, returns one number.
        batches: a list or a DataLoader of pairs (x, y); the first 16 are used, moved to the model's device.
        optimizer: yours; a copy of it takes 30 steps.
        step: your step, called as ``step(model, optimizer, batch)``. It must use the model and the optimizer that it
            gets: this optimizer notes gradients and changes nothing.
        evaluate: your evaluation, called as ``evaluate(model, batches)``, which returns the mean loss over all labels.

    Raises:
        TypeError: the batches can be read only once, or are not pairs of tensors, or ``evaluate`` returns no number.

    Example:
        >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
        <torch._C.Generator object at ...>
        >>> model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 3), nn.Softmax(dim=1))
        >>> for finding in training(model, nn.CrossEntropyLoss(), [(torch.randn(8, 4), torch.arange(8) % 3)]):
        ...     print(finding.name)
        softmax before CrossEntropyLoss
    """
    report = Report(f"{type(model).__name__} with {getattr(loss_fn, '__name__', type(loss_fn).__name__)}")
    devices = {weight.device for weight in model.parameters()}
    with (
        same_random_numbers(*devices),
        same_model(model, loss_fn),
        same_optimizer(optimizer),
        same_generator(batches),
        torch.enable_grad(),
    ):
        run = Run(model, copied(loss_fn), _first(batches, model), optimizer, step, evaluate)
        if found := report.ask(before.non_finite_inputs, run):
            report.findings = [found]
            return report
        first = call(run.loss_fn, _output(run), run.batches[0][1])
        report.findings, report.remarks = first.findings, first.remarks
        report.checked, report.skipped = [*report.checked, *first.checked], first.skipped
        if not any("PyTorch says" in one.evidence for one in first):  # a call that fails leaves no training to look at
            _look(run, report)
    return report


def _output(run: Run) -> object:
    """What the model returns for the first batch; where it raises, the error says that no loss was called yet."""
    try:
        return run.model()(run.batches[0][0])
    except Exception as error:
        shapes = ", ".join(f"{tuple(x.shape)} {x.dtype}" for x in tensors(run.batches[0][0]))
        error.add_note(f"The model itself raises this on the first batch, x {shapes}; the loss was not called yet.")
        raise


def _look(run: Run, report: Report) -> None:
    """Add one finding about each of data, model, optimiser, step and evaluation; a consequence where there is none."""
    flow = [] if report.findings else before.FLOW
    groups = [before.DATA, before.MODEL + flow, before.OPTIMIZER if run.optimizer else [], [loop.wrong_step]]
    report.findings = report.findings + _one_of_each(report, run, [*groups, [loop.wrong_evaluation]])
    if not report.findings:
        report.findings = _one_of_each(report, run, [before.CONSEQUENCES])
    with suppress(Exception):  # a remark less, where it cannot be counted
        counts = [count for _, count in loop.batch_means(run)[:-1]]
        if counts and max(counts) > 2 * min(counts):
            report.remarks += [f"batches hold {min(counts)} to {max(counts)} labels: divide by counts, not by batches."]
        report.remarks += filter(None, [] if report.findings else [before.unrelated(run)])


def _one_of_each(report: Report, run: Run, groups: list[list[Callable]]) -> list[Finding]:
    """The first finding of each group: later ones would be its consequences."""
    firsts = [next(filter(None, (report.ask(check, run) for check in checks)), None) for checks in groups]
    known = {one.name for one in report.findings}
    return [one for one in firsts if one and one.name not in known]


@contextmanager
def same_generator(batches: object) -> Iterator[None]:
    """Leave the generator of a DataLoader or of its sampler as it was."""
    owners = (batches, getattr(batches, "sampler", None))
    saved = [(one, one.get_state()) for owner in owners if (one := getattr(owner, "generator", None)) is not None]
    try:
        yield
    finally:
        for generator, state in saved:
            generator.set_state(state)


def _first(batches: object, model: nn.Module) -> list[tuple]:
    """The first batches as pairs on the model's device, copied."""
    if iter(batches) is batches:
        raise TypeError(
            f"batches is of type {type(batches).__name__}, which can be read only once, so a look would use it up: "
            "pass a list or a DataLoader, e.g. list(batches)."
        )
    device = next((weight.device for weight in model.parameters()), torch.device("cpu"))
    found = [_pair(batch, device) for _, batch in zip(range(MOST_BATCHES), batches, strict=False)]
    if not found:
        raise TypeError("batches is empty, expected at least one pair (x, y): is the DataLoader's data set empty?")
    return found


def _pair(batch: object, device: torch.device) -> tuple:
    parts = batch if isinstance(batch, (tuple, list)) else ()
    if len(parts) != 2 or not all(tensors(part) for part in parts):
        raise TypeError(
            f"a batch is of type {type(batch).__name__}, expected a pair (x, y) of tensors: "
            "make pairs, e.g. [(b['input_ids'], b['labels']) for b in loader]."
        )
    return tuple(mapped(lambda tensor: tensor.detach().to(device).clone(), part) for part in parts)
