"""The fused losses against torch's, against 60 digits, and against what autograd asks of them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from tests.losses.accuracy import FAMILIES, Ruler
from tests.refusals import refused
from xent_helpers import devices, fused, losses
from xent_helpers.exact import cross_entropy as reference
from xent_helpers.fused import fused_cross_entropy, linear_cross_entropy

REDUCTIONS = ("none", "sum", "mean")
SHAPES = ((7, 5), (5,), (1, 5), (4, 1), (0, 5), (3, 5, 2), (3, 5, 2, 2), (0, 5, 2))


@pytest.fixture(autouse=True, params=[1000, 1], ids=["few classes", "many classes"])
def small_chunks(monkeypatch, request):
    """Chunks of two or three rows, so that even a small test has several and a last one that is shorter; both ways."""
    monkeypatch.setattr(fused, "SOFTMAX_CLASSES", request.param)
    monkeypatch.setattr(fused, "CHUNK", 12)
    monkeypatch.setattr(fused, "LINEAR_ROWS", 1)


def dense(shape, dtype=torch.float64, ignored=True):
    """Logits that want a gradient, and labels, one in five of them to be ignored."""
    rng = torch.Generator().manual_seed(sum(shape))
    z = torch.randn(shape, dtype=torch.float64, generator=rng).mul(3).to(dtype).requires_grad_()
    batch = shape[:1] + shape[2:] if len(shape) > 1 else ()
    y = torch.randint(shape[min(1, len(shape) - 1)], batch, generator=rng)
    y[torch.arange(y.numel()).reshape(batch) % 5 == 1 if ignored else torch.zeros(batch, dtype=bool)] = -100
    return z, y


def linear(n=7, dtype=torch.float64, bias=True):
    """Features (n, 3) (or (3,) for None), weight (5, 3), bias or None, all wanting a gradient, and labels."""
    rng = torch.Generator().manual_seed(5)
    shapes = [(3,) if n is None else (n, 3), (5, 3), (5,)]
    layer = [torch.randn(s, dtype=torch.float64, generator=rng).to(dtype).requires_grad_() for s in shapes]
    y = torch.randint(5, shapes[0][:-1], generator=rng)
    if n and n > 2:
        y[2] = -100
    return *layer[: 3 if bias else 2], *([] if bias else [None]), y


def unfused(x, weight, y, bias=None, **options):
    return F.cross_entropy(F.linear(x, weight, bias), y, **options)


def upstream(loss):
    """An upstream gradient that is nothing special."""
    return torch.linspace(0.3, 2.0, loss.numel(), dtype=loss.dtype).reshape(loss.shape)


def assert_close(one, other, **options):
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14, equal_nan=True, **options)


# ---- the same values and gradients as torch's ----


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ignored", [False, True])
def test_dense_equals_torch(shape, reduction, ignored):
    z, y = dense(shape, ignored=ignored)
    ours, theirs = (f(z, y, reduction=reduction) for f in (fused_cross_entropy, F.cross_entropy))
    assert_close(ours, theirs)
    u = upstream(ours)
    assert_close(*(torch.autograd.grad(loss, z, u)[0] for loss in (ours, theirs)))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n", [7, 1, 0, None])
def test_linear_equals_torch(n, bias, reduction):
    x, weight, b, y = linear(n, bias=bias)
    ours = linear_cross_entropy(x, weight, y, bias=b, reduction=reduction)
    theirs = unfused(x, weight, y, b, reduction=reduction)
    assert_close(ours, theirs)
    inputs = [t for t in (x, weight, b) if t is not None]
    for one, other in zip(*(torch.autograd.grad(loss, inputs, upstream(ours)) for loss in (ours, theirs)), strict=True):
        assert_close(one, other)


@pytest.mark.parametrize("chunk_rows", [1, 3, 7, 1000])
def test_rows_of_a_chunk_do_not_matter(chunk_rows):
    x, weight, b, y = linear()
    loss = linear_cross_entropy(x, weight, y, bias=b, chunk_rows=chunk_rows)
    assert_close(loss, unfused(x, weight, y, b))
    assert_close(torch.autograd.grad(loss, weight)[0], torch.autograd.grad(unfused(x, weight, y, b), weight)[0])


@pytest.mark.parametrize("ignore_index", [-100, -1, 0, 3, 255])
def test_any_index_can_be_ignored(ignore_index):
    z, y = dense((9, 5), ignored=False)
    y[4] = ignore_index
    ours, theirs = (f(z, y, ignore_index=ignore_index) for f in (fused_cross_entropy, F.cross_entropy))
    assert_close(ours, theirs)
    assert_close(*(torch.autograd.grad(loss, z)[0] for loss in (ours, theirs)))
    x, weight, b, y = linear()
    y[y == -100] = ignore_index
    assert_close(
        linear_cross_entropy(x, weight, y, bias=b, ignore_index=ignore_index),
        unfused(x, weight, y, b, ignore_index=ignore_index),
    )


@pytest.mark.parametrize("kept", [1, 2])
def test_few_kept_among_ignored(kept):
    z, _ = dense((6, 5))
    y = torch.tensor([3, 1, 0, 4, 2, 2])
    y[kept:] = -100
    ours, theirs = (torch.autograd.grad(f(z, y), z)[0] for f in (fused_cross_entropy, F.cross_entropy))
    assert_close(ours, theirs)


@pytest.mark.parametrize("factor", [0.0, 1.0, 2.0, -0.5])
def test_whatever_comes_upstream(factor):
    z, y = dense((7, 5))
    ours, theirs = (torch.autograd.grad(factor * f(z, y), z)[0] for f in (fused_cross_entropy, F.cross_entropy))
    assert_close(ours, theirs)


@pytest.mark.parametrize(("reduction", "value"), [("none", 0.0), ("sum", 0.0), ("mean", torch.nan)])
def test_nothing_kept(reduction, value):
    """The mean over nothing is NaN, as in torch, and still moves nothing."""
    for fill in (-100, 2):
        z, y = dense((6, 5))
        y.fill_(fill)
        loss = fused_cross_entropy(z, y, reduction=reduction, ignore_index=fill)
        loss.sum().backward()
        assert_close(loss.detach(), torch.full_like(loss, value))
        assert_close(z.grad, torch.zeros_like(z))


def test_what_an_ignored_row_holds_does_not_count():
    z, y = dense((6, 5))
    with torch.no_grad():
        z[1] = torch.nan
    assert y[1] == -100
    for reduction in REDUCTIONS:
        loss = fused_cross_entropy(z, y, reduction=reduction)
        assert_close(loss, F.cross_entropy(z, y, reduction=reduction))


def test_masks_and_limits():
    """Where torch is right: masked rivals, a masked label, a row masked whole, logits of ±1e4."""
    z = torch.tensor([[0.0, -torch.inf, 1], [-torch.inf, 0, 1], [-torch.inf] * 3, [1e4, -1e4, 0]], requires_grad=True)
    y = torch.tensor([0, 0, 1, 1])
    found = []
    for f in (fused_cross_entropy, F.cross_entropy):
        loss = f(z, y, reduction="none")
        found.append((loss, torch.autograd.grad(loss.sum(), z)[0]))
    torch.testing.assert_close(found[0][0], found[1][0], equal_nan=True)
    torch.testing.assert_close(found[0][1], found[1][1], equal_nan=True)


@pytest.mark.parametrize("layout", ["transposed", "every other row", "expanded", "channels last"])
def test_any_layout(layout):
    rng = torch.Generator().manual_seed(1)
    z = {
        "transposed": torch.randn(5, 7, generator=rng).double().T,
        "every other row": torch.randn(14, 5, generator=rng).double()[::2],
        "expanded": torch.randn(1, 5, generator=rng).double().expand(7, 5),
        "channels last": torch.randn(7, 5, 2, 3, generator=rng).double().contiguous(memory_format=torch.channels_last),
    }[layout]
    y = torch.arange(z.numel() // 5).reshape(z.shape[:1] + z.shape[2:]) % 5
    before = z.clone()
    z = z.detach().requires_grad_()
    ours, theirs = (f(z, y) for f in (fused_cross_entropy, F.cross_entropy))
    assert_close(*(torch.autograd.grad(loss, z)[0] for loss in (ours, theirs)))
    assert torch.equal(z, before)


def test_layers_of_any_layout():
    x, weight, b, y = linear()
    x, weight = x.detach().T.contiguous().T.requires_grad_(), weight.detach().repeat(2, 1)[::2].requires_grad_()
    for one, other in zip(
        *(torch.autograd.grad(f(x, weight, y, bias=b), (x, weight, b)) for f in (linear_cross_entropy, unfused)),
        strict=True,
    ):
        assert_close(one, other)


@pytest.mark.parametrize("kind", [torch.int8, torch.int16, torch.int32, torch.uint8])
def test_any_integer_type(kind):
    z, y = dense((7, 5), ignored=False)
    assert torch.equal(fused_cross_entropy(z, y.to(kind)), fused_cross_entropy(z, y))


# ---- what autograd asks ----


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("fast_mode", [False, True])
def test_gradcheck(reduction, fast_mode):
    z, y = dense((7, 5))
    assert gradcheck(lambda z: fused_cross_entropy(z, y, reduction=reduction), z, fast_mode=fast_mode)
    x, weight, b, y = linear()
    assert gradcheck(
        lambda x, weight, b: linear_cross_entropy(x, weight, y, bias=b, reduction=reduction),
        (x, weight, b),
        fast_mode=fast_mode,
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("factor", [1.0, 0.7])
def test_backward_twice(reduction, factor):
    """With retain_graph every backward gives the same bits, whatever happened to the gradients that came before."""
    for loss, inputs in _losses(reduction):
        u = torch.full_like(loss, factor)
        first = torch.autograd.grad(loss, inputs, u, retain_graph=True)
        kept = [g.clone() for g in first]
        for g in first:
            g.fill_(torch.nan)
        for _ in range(2):
            again = torch.autograd.grad(loss, inputs, u, retain_graph=True)
            assert all(torch.equal(g, k) for g, k in zip(again, kept, strict=True))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_gradients_add_up(reduction):
    """Three backward passes into .grad, through a view as well, are three times one."""
    for loss, inputs in _losses(reduction):
        single = torch.autograd.grad(loss.sum(), inputs, retain_graph=True)
        for _ in range(3):
            loss.sum().backward(retain_graph=True)
        for tensor, one in zip(inputs, single, strict=True):
            assert_close(tensor.grad, 3 * one)


def _losses(reduction):
    z, y = dense((7, 5))
    flat = z.detach().reshape(-1).requires_grad_()
    x, weight, b, labels = linear()
    return [
        (fused_cross_entropy(z, y, reduction=reduction), (z,)),
        (fused_cross_entropy(flat.view(7, 5), y, reduction=reduction), (flat,)),
        (linear_cross_entropy(x, weight, labels, bias=b, reduction=reduction), (x, weight, b)),
    ]


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_second_derivatives_are_refused(reduction):
    """Already when a graph of the gradient is asked for, or a gradient penalty would silently have no effect."""
    for loss, inputs in _losses(reduction):
        with pytest.raises(RuntimeError, match="create_graph is True.*second derivatives use losses.cross_entropy"):
            torch.autograd.grad(loss.sum(), inputs, create_graph=True)


@pytest.mark.parametrize("wanted", [(0,), (1,), (2,), (0, 1), (1, 2)])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_only_some_inputs_want_a_gradient(wanted, reduction):
    *layer, y = linear()
    layer = [t.detach().requires_grad_(i in wanted) for i, t in enumerate(layer)]
    loss = linear_cross_entropy(layer[0], layer[1], y, bias=layer[2], reduction=reduction).sum()
    loss.backward()
    wanted_layer = [layer[i] for i in wanted]
    theirs = torch.autograd.grad(unfused(layer[0], layer[1], y, layer[2], reduction=reduction).sum(), wanted_layer)
    for t, other in zip(wanted_layer, theirs, strict=True):
        assert_close(t.grad, other)
    assert all(t.grad is None for i, t in enumerate(layer) if i not in wanted)


def test_the_layer_may_share_its_weight():
    """Tied embeddings: the gradient of the layer adds to that of the rows that were looked up."""
    _, weight, b, y = linear()
    tokens = torch.tensor([0, 1, 4, 4, 2, 3, 0])
    for one, other in zip(
        *(torch.autograd.grad(f(weight[tokens], weight, y, bias=b), weight) for f in (linear_cross_entropy, unfused)),
        strict=True,
    ):
        assert_close(one, other)


# ---- accuracy ----


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_accuracy(family, dtype):
    """Within 4 units of rounding of 60 digits for values, 8 for gradients, as the course's other losses are."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, 5, 6)
    z = torch.tensor(FAMILIES[family](rng, 6, 5, y)).to(dtype).requires_grad_()
    exact = reference(z.detach().double().numpy(), y)
    for reduction in REDUCTIONS:
        loss = fused_cross_entropy(z, torch.tensor(y), reduction=reduction)
        (gradient,) = torch.autograd.grad(loss.sum(), z)
        assert Ruler(*exact.values(reduction), dtype).units(loss) <= 4
        if reduction != "none":
            assert Ruler(*exact.gradients(reduction), dtype).units(gradient) <= 8


def test_a_confident_right_answer_keeps_its_tiny_loss_and_gradient():
    z = torch.tensor([[20.0, 0, -1]], requires_grad=True)
    loss = fused_cross_entropy(z, torch.tensor([0]))
    loss.backward()
    assert loss.item() == pytest.approx(2.81941e-9, rel=1e-5)
    assert z.grad[0, 0].item() == pytest.approx(-2.81941e-9, rel=1e-5)
    loss = linear_cross_entropy(torch.ones(1, 1), z.detach().T, torch.tensor([0]))
    assert loss.item() == pytest.approx(2.81941e-9, rel=1e-5)


def test_many_classes_in_single_precision(monkeypatch):
    monkeypatch.undo()  # the chunks of everyday use
    rng = torch.Generator().manual_seed(0)
    x, weight = torch.randn(64, 32, generator=rng), torch.randn(50_000, 32, generator=rng) / 32**0.5
    y = torch.randint(50_000, (64,), generator=rng)
    layer = [x.requires_grad_(), weight.requires_grad_()]
    loss = linear_cross_entropy(*layer, y)
    exact = F.cross_entropy(F.linear(x.double(), weight.double()), y)
    torch.testing.assert_close(loss.double(), exact, rtol=1e-6, atol=0)
    wanted = torch.autograd.grad(exact, layer)
    for got, want in zip(torch.autograd.grad(loss, layer), wanted, strict=True):
        assert (got - want).abs().max() <= 2e-6 * want.abs().max()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precisions_are_rounded_once(dtype):
    """The same as with everything in float32, rounded at the end; a scaled-up loss saves tiny gradients."""
    z, y = dense((7, 5), dtype)
    x, weight, b, labels = linear(dtype=dtype)
    wide = [t.detach().float().requires_grad_() for t in (z, x, weight, b)]
    pairs = [
        (fused_cross_entropy(z, y), fused_cross_entropy(wide[0], y), [z], wide[:1]),
        (
            linear_cross_entropy(x, weight, labels, bias=b),
            linear_cross_entropy(wide[1], wide[2], labels, bias=wide[3]),
            [x, weight, b],
            wide[1:],
        ),
    ]
    for loss, wide_loss, inputs, wide_inputs in pairs:
        assert loss.dtype == dtype
        assert torch.equal(loss, wide_loss.to(dtype))
        scaled = torch.autograd.grad(loss, inputs, torch.tensor(1024.0, dtype=dtype))
        for got, want in zip(scaled, torch.autograd.grad(1024 * wide_loss, wide_inputs), strict=True):
            assert torch.equal(got, want.to(dtype))


def test_under_autocast():
    x, weight, b, y = linear(dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = linear_cross_entropy(x, weight, y, bias=b)
    loss.backward()
    torch.testing.assert_close(loss, unfused(x, weight, y, b))


# ---- memory and devices ----


def test_memory(monkeypatch):
    """Dense: the gradient and nothing else of its size, whatever comes upstream. Linear: a chunk of logits."""
    monkeypatch.undo()
    monkeypatch.setattr(fused, "CHUNK", 2**14)
    z = torch.zeros(256, 1024, requires_grad=True)
    y = torch.zeros(256, dtype=torch.int64)
    size = 4 * z.numel()
    for factor in (1, 3):
        peak = devices.peak_bytes(lambda f=factor: (f * fused_cross_entropy(z, y)).backward(), z.device)
        assert 1.0 * size <= peak <= 1.1 * size
        z.grad = None
    with torch.no_grad():
        assert devices.peak_bytes(lambda: fused_cross_entropy(z, y), z.device) <= 0.1 * size
    x, weight = torch.zeros(256, 8, requires_grad=True), torch.zeros(1024, 8, requires_grad=True)
    run = lambda: linear_cross_entropy(x, weight, y, chunk_rows=16).backward()  # noqa: E731
    assert devices.peak_bytes(run, x.device) - 4 * (x.numel() + weight.numel()) <= size / 8


@pytest.mark.parametrize("device", devices.available(), ids=str)
def test_on_every_device(device):
    z, y = dense((7, 5))
    x, weight, b, labels = linear()
    for reduction in REDUCTIONS:
        near, far = (fused_cross_entropy(z.to(d), y.to(d), reduction=reduction) for d in ("cpu", device))
        assert far.device == device
        assert_close(far.cpu(), near)
        assert_close(*(torch.autograd.grad(loss.sum(), z)[0] for loss in (far, near)))
        near, far = (
            linear_cross_entropy(x.to(d), weight.to(d), labels.to(d), bias=b.to(d), reduction=reduction)
            for d in ("cpu", device)
        )
        assert_close(*(torch.autograd.grad(loss.sum(), weight)[0] for loss in (far, near)))


# ---- what is refused ----


Z, X, W, B, Y = torch.zeros(4, 5), torch.zeros(4, 3), torch.zeros(5, 3), torch.zeros(5), torch.zeros(4, dtype=int)


@pytest.mark.parametrize(
    ("arguments", "error", "facts"),
    [
        ((Z.tolist(), Y), TypeError, "logits list"),
        ((Z.numpy(), Y.numpy()), TypeError, "logits numpy torch torch.from_numpy"),
        ((Z, Y.numpy()), TypeError, "logits torch target numpy"),
        ((Z.int(), Y), TypeError, "logits int32"),
        ((Z, Y.float()), TypeError, "target float32"),
        ((Z, Y[:3]), ValueError, "target (3,) (4,)"),
        ((Z, Y[:, None]), ValueError, "target (4,_1) (4,)"),
        ((Z, Y + 5), IndexError, "target 5 [0] 0 4"),
        ((Z, Y - 1), IndexError, "target -1"),
        ((Z[:, :0], Y), ValueError, "logits (4,_0)"),
        ((torch.tensor(1.0), torch.tensor(0)), ValueError, "logits (C,)"),
    ],
)
def test_dense_refuses(arguments, error, facts):
    with refused(error, facts):
        fused_cross_entropy(*arguments)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "facts"),
    [
        ((X.tolist(), W, Y), {}, TypeError, "x list"),
        ((X, W, Y), {"bias": [0.0] * 5}, TypeError, "bias list"),
        ((X.int(), W, Y), {}, TypeError, "x int32"),
        ((X[None], W, Y), {}, ValueError, "x (1,_4,_3) (N,_D) (D,)"),
        ((X, W.T, Y), {}, ValueError, "weight (3,_5) (C,_3)"),
        ((X, W[0], Y), {}, ValueError, "weight (3,)"),
        ((X, W[:0], Y), {}, ValueError, "weight (0,_3)"),
        ((X, W, Y), {"bias": B[:4]}, ValueError, "bias (4,) (5,)"),
        ((X, W.double(), Y), {}, TypeError, "weight float64 x float32"),
        ((X, W, Y), {"bias": B.half()}, TypeError, "bias float16 x float32"),
        ((X, W, Y[:2]), {}, ValueError, "target (2,) (4,) (4,_5)"),
        ((X, W, Y.double()), {}, TypeError, "target float64"),
        ((X, W, Y + 7), {}, IndexError, "target 7"),
        ((X, W, Y), {"chunk_rows": 0}, ValueError, "chunk_rows 0 1"),
        ((X, W, Y), {"chunk_rows": 2.0}, TypeError, "chunk_rows 2.0"),
    ],
)
def test_linear_refuses(arguments, options, error, facts):
    with refused(error, facts):
        linear_cross_entropy(*arguments, **options)


@pytest.mark.parametrize(
    ("options", "error"), [({"reduction": "average"}, ValueError), ({"ignore_index": 1.5}, TypeError)]
)
def test_options_are_checked(options, error):
    with refused(error, next(iter(options))):
        fused_cross_entropy(Z, Y, **options)
    with refused(error, next(iter(options))):
        linear_cross_entropy(X, W, Y, **options)


def test_equals_the_course_s_own_loss():
    z, y = dense((7, 5), torch.float32)
    torch.testing.assert_close(fused_cross_entropy(z, y), losses.cross_entropy(z, y), rtol=3e-7, atol=0)
