"""Cross-entropy as language models need it: the gradient formed in the forward pass, the logits never all held.

The gradient of −log softmax(z)_y is p − y, and all that it needs is in cache when the loss has just been computed. So
both functions go through the rows in chunks and turn each chunk's logits into its share of the gradient on the spot.
Arguments, defaults and meaning are those of ``torch.nn.functional``; every torch device serves.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from xent_helpers import validation as check

# Logits in a chunk, found by measurement (`make bench` repeats it). 4 MB in float32 stay in cache from the first pass
# over them to the last; the three matrix products want chunks of more rows, and 32 MB are still little.
DENSE_CHUNK = 2**20
LINEAR_CHUNK = 2**23


def fused_cross_entropy(logits: Tensor, target: Tensor, *, ignore_index: int = -100, reduction: str = "mean") -> Tensor:
    r"""Cross-entropy −log softmax(z)_y of logits and class indices, its gradient formed in the forward pass.

    Equal to ``losses.cross_entropy`` with index targets, tiny losses of confident right answers included, and faster
    than torch's, in a third of its memory: beside the logits only the gradient is held, which the first backward pass
    gives away. Another one (``retain_graph=True``) forms it again. Half precisions are computed in float32 and rounded
    once. A second derivative is refused.

    Limits: those of ``losses.cross_entropy``, but an ignored row must be finite, or its gradient is NaN, as in torch.

    Args:
        logits: floating tensor (N, C), (C,) or (N, C, d1, …).
        target: integer class indices (N,), () or (N, d1, …).
        ignore_index: samples with this target are left out.
        reduction: "none", "mean" or "sum"; the mean is over the samples that are kept, NaN without any.

    Returns:
        The loss in nats: a 0-d tensor, or one of the target's shape for "none".

    Raises:
        TypeError, ValueError, IndexError: see ``validation``.

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
    label, share, count = _checked_target(logits, target, ignore_index, reduction)
    rows = (logits if logits.ndim == 1 else logits.movedim(1, -1)).reshape(-1, classes)
    formed = torch.is_grad_enabled() and logits.requires_grad
    nats = _Fused.apply(rows, label, share, reduction != "none", formed)
    return _finished(nats, count, target.shape, logits.dtype)


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
    r"""Cross-entropy of the logits z = x Wᵀ + b, which are never all held: the last layer and its loss in one.

    With G = p − y for the rows of a chunk, the gradients are G W for x, Gᵀ x for W and the column sums of G for b.
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
        chunk_rows: rows of logits held at a time; without it, as many as make 2²³ logits, at least one.

    Returns:
        The loss in nats: a 0-d tensor, or one of the target's shape for "none".

    Raises:
        TypeError, ValueError, IndexError: see ``validation``.

    Example:
        >>> x, weight = torch.tensor([[1.0, -1.0]]), torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, 0.0]])
        >>> print(f"{linear_cross_entropy(x, weight, torch.tensor([0])):.4f}")
        0.3266

    Source: torch.nn.functional.linear_cross_entropy; chapter 9.
    """
    check.check_tensors(x=x, weight=weight, target=target, **({} if bias is None else {"bias": bias}))
    classes = check.check_linear_layer(x, weight, bias)
    logits = x.new_empty(()).expand(*x.shape[:-1], classes)  # their shape, without memory
    label, share, count = _checked_target(logits, target, ignore_index, reduction, "the logits")
    rows = max(1, LINEAR_CHUNK // classes) if chunk_rows is None else check.check_positive("chunk_rows", chunk_rows)
    wide = torch.promote_types(x.dtype, torch.float32)
    layer = [None if t is None else t.to(wide) for t in (x.reshape(-1, x.shape[-1]), weight, bias)]
    formed = torch.is_grad_enabled() and reduction != "none"
    nats = _Linear.apply(*layer, label, share, reduction != "none", formed, rows)
    return _finished(nats, count, target.shape, x.dtype)


def surprise(z: Tensor, label: Tensor, share: Tensor | None, out: Tensor) -> Tensor:
    """Nats −log softmax(z)_y of each row; ``out`` becomes share · (p − y) and may be z itself. No checks.

    Args:
        z: logits (n, C).
        label: the class y of each row, (n, 1).
        share: what each row's loss counts in the total, (n, 1); None where no gradient is wanted.
        out: (n, C), float32 or float64, the type that is computed in.
    """
    shift = z.amax(1, keepdim=True).to(out.dtype)  # softmax(z − shift) = softmax(z), and no exp overflows
    own = z.gather(1, label) - shift
    e = torch.sub(z, shift, out=out).exp_().scatter_(1, label, 0.0)  # without the label's own exp(own), beside
    others = e.sum(1, keepdim=True)  # which small others would be lost
    if share is not None:
        share = share / (others + own.exp())
        e.mul_(share).scatter_(1, label, -share * others)  # p_c − 0, and p_y − 1 = −Σ of the other p_c
    return torch.log1p(others + own.expm1()) - own  # log(others + exp(own)) − own


class _Fused(torch.autograd.Function):
    """Rows of logits to weighted nats, (N, 1) or their sum."""

    @staticmethod
    def forward(ctx, logits, label, share, summed, formed):
        nats, ctx.gradient = _dense(logits, label, share, formed)
        ctx.save_for_backward(logits, label, share)
        return _weighted(nats, share, summed)

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        gradient, ctx.gradient = ctx.gradient, None  # given away, so it may be scaled in place
        if gradient is None:
            _, gradient = _dense(*ctx.saved_tensors, formed=True)
        return _scaled_(gradient, upstream).to(ctx.saved_tensors[0].dtype), None, None, None, None


def _dense(logits: Tensor, label: Tensor, share: Tensor, formed: bool) -> tuple[Tensor, Tensor | None]:
    """Nats (N, 1) of all rows and, if ``formed``, their gradient share · (p − y); a chunk at a time."""
    n, classes = logits.shape
    rows = max(1, DENSE_CHUNK // classes)
    out = torch.empty(n if formed else min(n, rows), classes, dtype=share.dtype, device=logits.device)
    nats = torch.empty_like(share)
    for part in _chunks(n, rows):
        z, here = logits[part], out[part] if formed else out[: n - part.start]
        nats[part] = surprise(z, label[part], share[part] if formed else None, here)
    return nats, out if formed else None


class _Linear(torch.autograd.Function):
    """Rows of features, weight and bias to weighted nats, (N, 1) or their sum."""

    @staticmethod
    def forward(ctx, x, weight, bias, label, share, summed, formed, rows):
        ctx.rows, ctx.summed, wanted = rows, summed, [formed and needed for needed in ctx.needs_input_grad[:3]]
        nats, ctx.gradients = _linear(x, weight, bias, label, share, wanted, rows)
        ctx.save_for_backward(x, weight, bias, label, share)
        return _weighted(nats, share, summed)

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        *layer, label, share = ctx.saved_tensors
        gradients, ctx.gradients = ctx.gradients, None  # given away, so they may be scaled in place
        if not ctx.summed:
            share, upstream = share * upstream, None
        if gradients is None:
            _, gradients = _linear(*layer, label, share, ctx.needs_input_grad[:3], ctx.rows)
        return *(g if g is None or upstream is None else _scaled_(g, upstream) for g in gradients), *(None,) * 5


def _linear(x, weight, bias, label, share, wanted, rows) -> tuple[Tensor, list[Tensor | None] | None]:
    """Nats (N, 1) of all rows, and the wanted gradients of x, weight and bias; one chunk's logits at a time."""
    gradients = [torch.zeros_like(t) if want else None for t, want in zip((x, weight, bias), wanted, strict=True)]
    dx, dweight, dbias = gradients
    nats, buffer = torch.empty_like(share), x.new_empty(min(len(x), rows), len(weight))
    for part in _chunks(len(x), rows):
        z = torch.mm(x[part], weight.T, out=buffer[: len(x) - part.start])
        if bias is not None:
            z += bias
        for p in _chunks(len(z), max(1, DENSE_CHUNK // len(weight))):
            nats[part][p] = surprise(z[p], label[part][p], share[part][p] if any(wanted) else None, out=z[p])
        if dx is not None:
            torch.mm(z, weight, out=dx[part])
        if dweight is not None:
            dweight.addmm_(z.T, x[part])
        if dbias is not None:
            dbias += z.sum(0)
    return nats, gradients if any(wanted) else None


def _checked_target(logits, target, ignore_index, reduction, name="logits") -> tuple[Tensor, Tensor, Tensor | None]:
    """Each row's class (N, 1), what its loss counts in the result (N, 1), and for the mean how many are kept."""
    check.check_class_target(name, logits, target, allow_probabilities=False)
    ignore_index = check.check_integer("ignore_index", ignore_index)
    check.check_reduction(reduction)
    label = target.to(torch.int64)
    kept = label != ignore_index
    check.check_labels("target", label, logits.shape[min(1, logits.ndim - 1)], kept)
    count = kept.sum() if reduction == "mean" else None
    share = kept.to(torch.promote_types(logits.dtype, torch.float32))
    share = share if count is None else share / count.clamp(min=1)
    return (label * kept).reshape(-1, 1), share.reshape(-1, 1), count


def _weighted(nats: Tensor, share: Tensor, summed: bool) -> Tensor:
    """share · nats, added up if asked for; what an ignored row holds, NaN too, does not count."""
    nats = torch.where(share == 0, 0.0, share * nats)
    return nats.sum() if summed else nats


def _scaled_(gradient: Tensor, upstream: Tensor) -> Tensor:
    """upstream · gradient, in place. On the CPU a look at the usual upstream gradient, 1, saves a pass over memory."""
    if upstream.device.type == "cpu" and bool((upstream == 1).all()):
        return gradient
    return gradient.mul_(upstream)


def _finished(nats: Tensor, count: Tensor | None, shape: torch.Size, dtype: torch.dtype) -> Tensor:
    """The result in its type and shape; a mean over nothing is NaN."""
    if count is not None:
        nats = torch.where(count > 0, nats, torch.nan)
    return (nats.reshape(shape) if nats.ndim else nats).to(dtype)


def _chunks(n: int, rows: int) -> Iterator[slice]:
    return (slice(start, start + rows) for start in range(0, n, rows))
