"""Cross-entropy as a GPU computes it, in Triton: the chunked loop of ``fused``, written for many programs at once.

A Triton kernel is a Python function of which many copies, called programs, run side by side; ``tl.program_id(0)`` tells
each one its number. ``tl.load`` brings a block of memory into the chip, where computing is nearly free, and
``tl.store`` takes a block back. Every number inside is float32, whatever the logits are.

On a GPU ``fused`` uses these kernels where Triton is installed. Without one, ``TRITON_INTERPRET=1`` in the environment,
set before this module is imported, runs the same lines on the CPU, one program after the other; so the tests do.

Source: Milakov and Gimelshein (2018) for the online softmax; Hsu et al. (2024), Liger Kernel, for the gradient in the
forward pass; Wijmans et al. (2025), "Cut Your Losses in Large-Vocabulary Language Models", for the linear loss.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

HELD = 4096  # logits that a program of the dense loss holds at a time
ROWS, CLASSES, FEATURES = 32, 64, 64  # a block of the linear loss


@triton.jit
def _dense_kernel(
    z, label, share, nats, gradient, N, C, row_step, class_step, out_step,
    FORMED: tl.constexpr, ROWS: tl.constexpr, CLASSES: tl.constexpr,
):  # fmt: skip
    """Some rows of logits: each one's loss −log softmax(z)_y and, if FORMED, its gradient share · (p − y)."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)  # 64 bits, for N · C may pass 2³¹
    here = row < N
    y = tl.load(label + row, mask=here, other=0)
    own = tl.load(z + row * row_step + y * class_step, mask=here, other=0.0).to(tl.float32)
    m, others = own, tl.zeros([ROWS], tl.float32)
    for start in range(0, C, CLASSES):
        c = start + tl.arange(0, CLASSES)
        inside = here[:, None] & (c < C)[None, :]
        place = row[:, None] * row_step + c[None, :] * class_step
        block = tl.load(z + place, mask=inside, other=float("-inf")).to(tl.float32)
        m, others = _added(block, c[None, :] != y[:, None], m, others)
    loss, total = _loss_of(own, m, others)
    tl.store(nats + row, loss, mask=here)
    if FORMED:
        own_share = tl.load(share + row, mask=here, other=0.0)
        scale = tl.where(own_share == 0.0, 0.0, own_share / total)
        for start in range(0, C, CLASSES):  # the second and last time that the logits are read
            c = start + tl.arange(0, CLASSES)
            inside = here[:, None] & (c < C)[None, :]
            place = row[:, None] * row_step + c[None, :] * class_step
            block = tl.load(z + place, mask=inside, other=float("-inf")).to(tl.float32)
            slope = _slopes(block, c[None, :] == y[:, None], m, others) * scale[:, None]
            slope = tl.where(scale[:, None] == 0.0, 0.0, slope)  # of an ignored row, whatever it holds
            tl.store(gradient + row[:, None] * out_step + c[None, :], slope, mask=inside)


@triton.jit
def _added(block, counts, m, others):
    """Online softmax: m, the largest logit of a row so far, and others = Σ exp(z − m), after one more block of logits.

    What has been summed is scaled to the new m, so one pass over the logits is enough. The label's own term does not
    count: it is added at the end, where it cannot swallow the small ones.
    """
    larger = tl.maximum(m, tl.max(block, axis=1))
    larger = tl.where(larger == float("-inf"), 0.0, larger)  # all masked so far: −inf − (−inf) would be NaN
    terms = tl.where(counts, tl.exp(block - larger[:, None]), 0.0)
    return larger, others * tl.exp(m - larger) + tl.sum(terms, axis=1)


@triton.jit
def _loss_of(own, m, others):
    """The loss and Σ_c exp(z_c − m), from the label's logit, the largest logit and the sum over the other classes."""
    gap = m - own
    total = others + tl.exp(-gap)
    # log(1 + u) for small u: the sum 1 + u has lost digits of u, and u / ((1 + u) − 1) makes up for them (Kahan).
    log1p = tl.where(total == 1.0, others, tl.log(total) * (others / (total - 1.0)))
    return tl.where((gap == 0) & (total < 2.0), log1p, gap + tl.log(total)), total


@triton.jit
def _slopes(block, is_label, m, others):
    """(p − y) Σ_c exp(z_c − m) of a block; p_y − 1 is minus the sum of the other p_c, small ones included."""
    return tl.where(is_label, -others[:, None], tl.exp(block - m[:, None]))


@triton.jit
def _logits(x, weight, row, c, here, C, D, FEATURES: tl.constexpr):
    """A block of logits x Wᵀ, added up over blocks of features; −inf for classes past the last."""
    z = tl.zeros([row.shape[0], c.shape[0]], tl.float32)
    for start in range(0, D, FEATURES):
        d = start + tl.arange(0, FEATURES)
        left = tl.load(x + row[:, None] * D + d[None, :], mask=here[:, None] & (d < D)[None, :], other=0.0)
        right = tl.load(weight + c[None, :] * D + d[:, None], mask=(c < C)[None, :] & (d < D)[:, None], other=0.0)
        z += tl.dot(left.to(tl.float32), right.to(tl.float32), input_precision="ieee")
    return tl.where((c < C)[None, :], z, float("-inf"))


@triton.jit
def _linear_kernel(
    x, weight, label, nats, state, N, C, D,
    ROWS: tl.constexpr, CLASSES: tl.constexpr, FEATURES: tl.constexpr,
):  # fmt: skip
    """Some rows of features: each one's loss, and what its gradient needs. No logit reaches the GPU's memory."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    here = row < N
    y = tl.load(label + row, mask=here, other=0)
    own = tl.full([ROWS], float("-inf"), tl.float32)
    m, others = own, tl.zeros([ROWS], tl.float32)
    for start in range(0, C, CLASSES):
        c = start + tl.arange(0, CLASSES)
        block = _logits(x, weight, row, c, here, C, D, FEATURES)
        is_label = c[None, :] == y[:, None]
        own = tl.where(y // CLASSES == start // CLASSES, tl.sum(tl.where(is_label, block, 0.0), axis=1), own)
        m, others = _added(block, ~is_label, m, others)
    loss, total = _loss_of(own, m, others)
    tl.store(nats + row, loss, mask=here)
    tl.store(state + row, m, mask=here)
    tl.store(state + N + row, others, mask=here)
    tl.store(state + 2 * N + row, total, mask=here)


@triton.jit
def _linear_gradient_kernel(
    x, weight, label, share, state, dx, dweight, N, C, D,
    ROWS: tl.constexpr, CLASSES: tl.constexpr, FEATURES: tl.constexpr,
):  # fmt: skip
    """Some rows and classes: their logits once more, G = share · (p − y), and G W and Gᵀ x added to the gradients."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    c = tl.program_id(1).to(tl.int64) * CLASSES + tl.arange(0, CLASSES)
    here, known = row < N, c < C
    y = tl.load(label + row, mask=here, other=0)
    m = tl.load(state + row, mask=here, other=0.0)
    others = tl.load(state + N + row, mask=here, other=0.0)
    scale = tl.load(share + row, mask=here, other=0.0) / tl.load(state + 2 * N + row, mask=here, other=1.0)
    block = _logits(x, weight, row, c, here, C, D, FEATURES)
    g = tl.where(here[:, None], _slopes(block, c[None, :] == y[:, None], m, others) * scale[:, None], 0.0)
    for start in range(0, D, FEATURES):
        d = start + tl.arange(0, FEATURES)
        x_place, w_place = row[:, None] * D + d[None, :], c[:, None] * D + d[None, :]
        x_inside, w_inside = here[:, None] & (d < D)[None, :], known[:, None] & (d < D)[None, :]
        w = tl.load(weight + w_place, mask=w_inside, other=0.0).to(tl.float32)
        tl.atomic_add(dx + x_place, tl.dot(g, w, input_precision="ieee"), mask=x_inside)
        features = tl.load(x + x_place, mask=x_inside, other=0.0).to(tl.float32)
        tl.atomic_add(dweight + w_place, tl.dot(tl.trans(g), features, input_precision="ieee"), mask=w_inside)


def dense_cross_entropy(z: Tensor, label: Tensor, share: Tensor, out: Tensor | None) -> Tensor:
    """Losses −log softmax(z)_y in nats, (N, 1) in float32; ``out`` becomes share · (p − y). Nothing is checked.

    Args:
        z: logits (N, C), float32, bfloat16 or float16, any strides.
        label: the class y of each row, (N, 1), int64.
        share: what each row's loss counts in the total, (N, 1), float32.
        out: (N, C), its rows contiguous, or None where no gradient is wanted; a contiguous z itself is allowed.
    """
    n, classes = z.shape
    width = min(triton.next_power_of_2(classes), HELD)
    rows = max(1, min(HELD // width, triton.next_power_of_2(max(n, 1))))
    nats = torch.empty(n, 1, dtype=torch.float32, device=z.device)
    gradient = z if out is None else out
    if n:
        _dense_kernel[(triton.cdiv(n, rows),)](
            z, label.contiguous(), share.contiguous(), nats, gradient, n, classes, *z.stride(), gradient.stride(0),
            FORMED=out is not None, ROWS=rows, CLASSES=width,
        )  # fmt: skip
    return nats


def linear_cross_entropy(
    x: Tensor, weight: Tensor, label: Tensor, share: Tensor, formed: bool
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Losses of the logits x Wᵀ in nats, (N, 1), and the gradients of x and W if ``formed``. Nothing is checked.

    Blocks of logits are computed twice, for the loss and for the gradient, and never stored. The gradients are added up
    in float32 by many programs in no fixed order, so on a GPU their last digits differ from run to run.

    Args:
        x: features (N, D).
        weight: one row for each class, (C, D).
        label: the class y of each row, (N, 1), int64.
        share: what each row's loss counts in the total, (N, 1), float32.
        formed: whether the gradients are wanted.
    """
    x, weight, (n, features), classes = x.contiguous(), weight.contiguous(), x.shape, len(weight)
    nats, state = (torch.empty(k, n, 1, dtype=torch.float32, device=x.device) for k in (1, 3))
    sizes = {"ROWS": ROWS, "CLASSES": CLASSES, "FEATURES": FEATURES}
    blocks = triton.cdiv(n, ROWS), triton.cdiv(classes, CLASSES)
    if n:
        _linear_kernel[blocks[:1]](x, weight, label.contiguous(), nats, state, n, classes, features, **sizes)
    if not formed:
        return nats[0], None, None
    dx, dweight = (torch.zeros_like(t, dtype=torch.float32) for t in (x, weight))
    if n:
        _linear_gradient_kernel[blocks](
            x, weight, label.contiguous(), share.contiguous(), state, dx, dweight, n, classes, features, **sizes
        )
    return nats[0], dx, dweight
