"""Cross-entropy as language models need it: the gradient formed in the forward pass, a chunk at a time.

The gradient of −log softmax(z)_y is p − y, and all that it needs is in cache when the loss has just been computed. So
both functions go through the rows in chunks and turn each chunk's logits into its share of the gradient on the spot.
Arguments, defaults and meaning are those of ``torch.nn.functional``; every torch device serves. On a GPU where Triton
is installed the chunks are computed by ``kernels``; ``path`` tells which way a tensor takes. Input
that does not fit is refused with a TypeError, ValueError or IndexError that names the argument (``validation``).

How much faster they can be is bounded by torch.softmax, which on the CPU takes more than half the time of
``F.cross_entropy`` and its backward pass when memory is reused, at (4096, 1000); and for small batches by Python: at
(128, 10) the checks and the autograd function cost more than the arithmetic. `make bench` shows both beside
"fewest operations", the least that gives a loss and a gradient with PyTorch's own operations.
"""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import torch
from torch import Tensor

from xent_helpers import devices
from xent_helpers import validation as check

# Logits in a chunk, found by measurement (`make bench` repeats it): 8 MB in float32 stay near the processor from the
# first pass over them to the last; more of them gain little. The matrix products want 128 rows at least.
CHUNK, LINEAR_ROWS = 2**21, 128
# From here on torch.softmax, which goes over a row once, beats a pass for each operation; for fewer classes it loses.
SOFTMAX_CLASSES = 32


def path(tensor: Tensor) -> str:
    """Which way the fused losses take for a tensor: "triton", by ``kernels``, or "pytorch", by its own operations."""
    fits = devices.compiles_triton(tensor.device) and tensor.dtype != torch.float64  # the kernels compute in float32
    return "triton" if fits and _kernels() else "pytorch"


@cache
def _kernels() -> ModuleType | None:
    """The module of kernels where Triton is installed; importing it takes a second, so it waits until it is needed."""
    return import_module("xent_helpers.kernels") if find_spec("triton") else None


def fused_cross_entropy(logits: Tensor, target: Tensor, *, ignore_index: int = -100, reduction: str = "mean") -> Tensor:
    r"""Cross-entropy −log softmax(z)_y of logits and class indices, its gradient formed in the forward pass.

    Equal to ``losses.cross_entropy`` with index targets, tiny losses of confident right answers included, and faster
    than torch's, in a third of its memory: beside the logits only the gradient is held, which the first backward pass
    gives away. Another one (``retain_graph=True``) forms it again. Half precisions are computed in float32 and rounded
    once. A second derivative is refused.

    Limits: those of ``losses.cross_entropy``.

    Args:
        logits: floating tensor (N, C), (C,) or (N, C, d1, …).
        target: integer class indices (N,), () or (N, d1, …).
        ignore_index: samples with this target are left out.
        reduction: "none", "mean" or "sum"; the mean is over the samples that are kept, NaN without any.

    Returns:
        The loss in nats: a 0-d tensor, or one of the target's shape for "none".

    Example:
        >>> z = torch.tensor([[1.0, 2.0, 0.1]], requires_grad=True)
        >>> loss = fused_cross_entropy(z, torch.tensor([1]))
        >>> loss.backward()
        >>> print(f"{loss:.4f}", z.grad)
        0.4170 tensor([[ 0.2424, -0.3410,  0.0986]])

    Source: chapter 9; Wijmans et al. (2025), "Cut Your Losses in Large-Vocabulary Language Models".
    """
    check.check_tensors(logits=logits, target=target)
    classes = check.check_class_scores("logits", logits)
    label, kept = _checked_target("logits", logits, target, ignore_index, reduction)
    rows = logits if logits.ndim == 2 else logits.movedim(min(1, logits.ndim - 1), -1).reshape(-1, classes)
    loss = _Fused.apply(rows, label, kept, reduction, torch.is_grad_enabled() and logits.requires_grad)
    return (loss.reshape(target.shape) if reduction == "none" else loss).to(logits.dtype)


def linear_cross_entropy(
    x: Tensor,
    weight: Tensor,
    target: Tensor,
    *,
    bias: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    chunk_rows: int | None = None,
) -> Tensor:
    r"""Cross-entropy of the logits z = x Wᵀ + b, which need not all be held: the last layer and its loss in one.

    With G = p − y (rows, C) for a chunk, a row's divided by N for a mean, the gradients are G W for x; Gᵀ x for W and
    the column sums of G for b, added up over the chunks.
    They are formed in the forward pass, while the chunk's logits are there, and given away by the first backward pass;
    another one (``retain_graph=True``) forms them again, and so does every one with reduction "none", which knows the
    weights of the rows only then. Half precisions are computed in float32 and rounded once. A second derivative is
    refused.

    Args:
        x: floating tensor (N, D) or (D,), what the last layer sees.
        weight: floating tensor (C, D), one row for each class.
        target: integer class indices (N,) or ().
        bias: floating tensor (C,).
        ignore_index: samples with this target are left out.
        reduction: "none", "mean" or "sum"; the mean is over the samples that are kept, NaN without any.
        chunk_rows: rows of logits held at a time; without it, as many as make 2²¹ logits, at least 128.

    Returns:
        The loss in nats: a 0-d tensor, or one of the target's shape for "none".

    Example:
        >>> x, weight = torch.tensor([[1.0, -1.0]]), torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, 0.0]])
        >>> print(f"{linear_cross_entropy(x, weight, torch.tensor([0])):.4f}")
        0.3266

    Source: torch.nn.functional.linear_cross_entropy; chapter 9.
    """
    check.check_tensors(x=x, weight=weight, target=target, **({} if bias is None else {"bias": bias}))
    classes = check.check_linear_layer(x, weight, bias)
    logits = x.new_empty(()).expand(*x.shape[:-1], classes)  # their shape, without memory
    label, kept = _checked_target("the logits", logits, target, ignore_index, reduction)
    chosen = max(LINEAR_ROWS, CHUNK // classes)
    rows = chosen if chunk_rows is None else check.check_positive("chunk_rows", chunk_rows)
    wide = torch.promote_types(x.dtype, torch.float32)
    layer = [None if t is None else t.to(wide) for t in (x.reshape(-1, x.shape[-1]), weight, bias)]
    loss = _Linear.apply(*layer, label, kept, reduction, torch.is_grad_enabled() and reduction != "none", rows)
    return (loss.reshape(target.shape) if reduction == "none" else loss).to(x.dtype)


def surprise(z: Tensor, label: Tensor, share: Tensor, out: Tensor, formed: bool) -> Tensor:
    """Losses −log softmax(z)_y in nats, (rows, 1); if ``formed``, ``out`` becomes share · (p − y). Nothing is checked.

    Args:
        z: logits (rows, C).
        label: the class y of each row, (rows, 1).
        share: what each row's loss counts in the total, (rows, 1).
        out: (rows, C), of the type that is computed in, to work in; z itself is allowed.
        formed: whether the gradient is wanted.
    """
    gap = _gap(z, label, out.dtype) if out is z else None
    if z.shape[1] < SOFTMAX_CLASSES:
        e = torch.sub(z, z.amax(1, keepdim=True).to(out.dtype), out=out).exp_()
    else:
        e = torch.softmax(z, 1, out.dtype, out=out)  # the same but for a factor of the row, which cancels below
    own = e.gather(1, label)
    others = e.scatter_(1, label, 0.0).sum(1, keepdim=True)  # without the label's own: beside it small ones are lost
    nats = (others / own).log1p()
    far = own < torch.finfo(out.dtype).tiny ** 0.5  # so far below the largest that exp rounds it or makes it 0
    if z.device.type != "cpu" or far.any():
        gap = _gap(z, label, out.dtype) if gap is None else gap
        nats = torch.where(far, gap + (others / e.amax(1, keepdim=True)).log(), nats)
    if formed:
        e.scatter_(1, label, -others).mul_(share / (others + own))  # p_c − 0, and p_y − 1 = −Σ of the other p_c
    return nats


def _gap(z: Tensor, label: Tensor, dtype: torch.dtype) -> Tensor:
    """How far the label's logit lies below the largest of its row, (rows, 1)."""
    return z.amax(1, keepdim=True).to(dtype) - z.gather(1, label)


class _Fused(torch.autograd.Function):
    """Rows of logits to their nats, (N, 1), or the sum or mean of them."""

    @staticmethod
    def forward(ctx, logits, label, kept, reduction, formed):
        share, count = _shares(label, kept, reduction, logits.dtype)
        nats, ctx.gradient = _dense(logits, label, share, kept, formed)
        ctx.save_for_backward(logits, label, share, kept)
        ctx.dtype = logits.dtype
        return _reduced_nats(nats, kept, reduction, count)

    @staticmethod
    def backward(ctx, upstream):
        _refuse_second_derivative()
        gradient, ctx.gradient = ctx.gradient, None  # given away, so it may be scaled in place
        if gradient is None:
            _, gradient = _dense(*ctx.saved_tensors, formed=True)
        return _scaled_(gradient, upstream).to(ctx.dtype), None, None, None, None


def _dense(
    logits: Tensor, label: Tensor, share: Tensor, kept: Tensor | None, formed: bool
) -> tuple[Tensor, Tensor | None]:
    """Nats (N, 1) of all rows and, if ``formed``, their gradient share · (p − y); a chunk at a time."""
    if path(logits) == "triton":
        out = torch.empty(logits.shape, dtype=share.dtype, device=logits.device) if formed else None
        return _kernels().dense_cross_entropy(logits, label, share, out), out
    n, rows = len(logits), max(1, CHUNK // logits.shape[1])
    out = torch.empty_like(logits if formed else logits[:rows], dtype=share.dtype)
    if rows >= n:
        nats = surprise(logits, label, share, out, formed)
        return nats, _without_ignored_(out, kept, nats) if formed else None
    nats = []
    for part in _slices(n, rows):
        place = out[part] if formed else out[: n - part.start]  # without a gradient the same memory for every chunk
        nats.append(surprise(logits[part], label[part], share[part], place, formed))
    nats = torch.cat(nats)
    return nats, _without_ignored_(out, kept, nats) if formed else None


def _without_ignored_(gradient: Tensor, kept: Tensor | None, nats: Tensor) -> Tensor:
    """Make the ignored rows whose loss is NaN 0, in place: 0 times what such a row gives is NaN."""
    if kept is None or (gradient.device.type == "cpu" and not (nats.isnan() & ~kept).any()):
        return gradient
    return gradient.masked_fill_(~kept, 0.0)


class _Linear(torch.autograd.Function):
    """Rows of features, weight and bias to the rows' nats, (N, 1), or the sum or mean of them."""

    @staticmethod
    def forward(ctx, x, weight, bias, label, kept, reduction, formed, rows):
        share, count = _shares(label, kept, reduction, x.dtype)
        ctx.rows, ctx.wanted, ctx.by_row = rows, ctx.needs_input_grad[:3], reduction == "none"
        wanted = ctx.wanted if formed else (False,) * 3
        nats, ctx.gradients = _linear(x, weight, bias, label, kept, share, wanted, rows)
        ctx.save_for_backward(x, weight, bias, label, kept, share)
        return _reduced_nats(nats, kept, reduction, count)

    @staticmethod
    def backward(ctx, upstream):
        _refuse_second_derivative()
        *layer, label, share = ctx.saved_tensors
        gradients, ctx.gradients = ctx.gradients, None  # given away, so they may be scaled in place
        if ctx.by_row:
            share, upstream = share * upstream, upstream.new_ones(())
        if gradients is None:
            _, gradients = _linear(*layer, label, share, ctx.wanted, ctx.rows)
        return *(None if g is None else _scaled_(g, upstream) for g in gradients), *(None,) * 5


def _linear(x, weight, bias, label, kept, share, wanted, rows) -> tuple[Tensor, list[Tensor | None] | None]:
    """Nats (N, 1) of all rows, and the wanted gradients of x, weight and bias; one chunk's logits at a time."""
    gradients = [torch.zeros_like(t) if want else None for t, want in zip((x, weight, bias), wanted, strict=True)]
    dx, dweight, dbias = gradients
    nats, buffer = [], x.new_empty(min(len(x), rows), len(weight))
    for part in _slices(len(x), rows):
        inputs = x[part] if kept is None else torch.where(kept[part], x[part], 0)  # inf and NaN that do not count
        z = torch.mm(inputs, weight.T, out=buffer[: len(x) - part.start])
        if bias is not None:
            z += bias
        if path(z) == "triton":
            nats.append(_kernels().dense_cross_entropy(z, label[part], share[part], z if any(wanted) else None))
        else:
            nats.append(surprise(z, label[part], share[part], z, any(wanted)))
        if dx is not None:
            torch.mm(z, weight, out=dx[part])
        if dweight is not None:
            dweight.addmm_(z.T, inputs)
        if dbias is not None:
            dbias += z.sum(0)
    return torch.cat(nats) if nats else torch.empty_like(share), gradients if any(wanted) else None


def _checked_target(name, logits, target, ignore_index, reduction) -> tuple[Tensor, Tensor | None]:
    """Check the rest of the arguments; return each row's class and whether it is kept, (N, 1), None if all are."""
    check.check_class_target(name, logits, target, allow_probabilities=False)
    ignore_index = check.check_integer("ignore_index", ignore_index)
    check.check_reduction(reduction)
    classes, label = logits.shape[min(1, logits.ndim - 1)], target.long()
    all_kept = not 0 <= ignore_index < classes and check.reads_values()
    if all_kept and torch.equal(label, label.clamp(0, classes - 1)):
        return label.reshape(-1, 1), None
    kept = label != ignore_index
    check.check_labels("target", label, classes, kept)
    return (label * kept).reshape(-1, 1), kept.reshape(-1, 1)


def _shares(label: Tensor, kept: Tensor | None, reduction: str, dtype: torch.dtype) -> tuple[Tensor, Tensor | int]:
    """What each row's loss counts in the result, (N, 1), and what the sum is to be divided by."""
    dtype = torch.promote_types(dtype, torch.float32)
    if kept is None:
        count = len(label) if reduction == "mean" else 1
        return torch.full_like(label, 1 / max(count, 1), dtype=dtype), count
    count = kept.sum() if reduction == "mean" else 1
    return kept.to(dtype) / (count if reduction != "mean" else count.clamp(min=1)), count


def _reduced_nats(nats: Tensor, kept: Tensor | None, reduction: str, count: Tensor | int) -> Tensor:
    if kept is not None:
        nats = torch.where(kept, nats, 0.0)  # whatever an ignored row holds, NaN too, does not count
    return nats if reduction == "none" else nats.sum() / count  # 0 / 0 is NaN


def _scaled_(gradient: Tensor, upstream: Tensor) -> Tensor:
    """upstream · gradient, in place. On the CPU a look at the usual upstream gradient, 1, saves a pass over memory."""
    if upstream.ndim == 0 and upstream.device.type == "cpu" and upstream.item() == 1:
        return gradient
    return gradient.mul_(upstream)


def _refuse_second_derivative() -> None:
    """The gradient was formed out of autograd's sight, so to differentiate it would silently give too little."""
    if torch.is_grad_enabled():
        raise RuntimeError(
            "create_graph is True, expected False: the gradient of a fused loss cannot be differentiated again. "
            "For second derivatives use losses.cross_entropy, on x @ weight.T + bias for the linear one."
        )


def _slices(n: int, rows: int) -> Iterator[slice]:
    return (slice(start, start + rows) for start in range(0, n, rows))
