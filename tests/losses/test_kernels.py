"""The GPU's kernels, run by Triton's interpreter on the CPU, or on a GPU where there is one."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.losses.accuracy import FAMILIES, Ruler
from xent_helpers import fused
from xent_helpers.exact import cross_entropy as reference

kernels = pytest.importorskip("xent_helpers.kernels", reason="Triton is not installed")
InterpreterBuilder = pytest.importorskip("triton.runtime.interpreter").InterpreterBuilder
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
UNITS = 4


@pytest.fixture(autouse=True)
def no_warnings_of_the_interpreter():
    """It computes both branches of a choice with NumPy, which warns of the one that is not taken."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


@pytest.fixture
def through_fused(monkeypatch):
    """The fused losses take the kernels' way."""
    monkeypatch.setattr(fused, "path", lambda tensor: "triton")


def rows(rng, n, classes, family="plain", dtype=torch.float32):
    label = rng.integers(0, classes, n)
    z = torch.tensor(FAMILIES[family](rng, n, classes, label)).to(dtype)
    return z, torch.tensor(label)[:, None]


def run(z, label, share=None):
    """Losses and gradients of the dense kernel."""
    share = torch.ones(len(z), 1) if share is None else share
    out = torch.empty(z.shape, dtype=torch.float32, device=DEVICE)
    nats = kernels.dense_cross_entropy(z.to(DEVICE), label.to(DEVICE), share.to(DEVICE), out)
    return nats.cpu(), out.cpu()


def exact(z, label):
    """What float64 says of the same numbers."""
    z = z.double().requires_grad_()
    nats = F.cross_entropy(z, label[:, 0], reduction="none")
    nats.sum().backward()
    return nats.detach()[:, None], z.grad


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_values_lie_within_four_units_of_fifty_digits(family, dtype):
    rng = np.random.default_rng(0)
    for classes in (2, 5, 33):
        z, label = rows(rng, 4, classes, family, dtype)
        result = reference(z.double().numpy(), label[:, 0].numpy())
        nats, gradient = run(z, label)
        assert Ruler(*result.values("none"), torch.float32).units(nats) <= UNITS
        assert Ruler(*result.gradients("sum"), torch.float32).units(gradient) <= 2 * UNITS


@pytest.mark.parametrize("seed", range(100))
def test_odd_sizes_agree_with_float64(seed):
    rng = np.random.default_rng(seed)
    n, classes = int(rng.integers(1, 40)), int(rng.choice([1, 2, 3, 10, 63, 65, 200, 4095, 4097]))
    z, label = rows(rng, n, classes)
    nats, gradient = run(z, label)
    for got, wanted in zip((nats, gradient), exact(z, label), strict=True):
        torch.testing.assert_close(got.double(), wanted, rtol=3e-6, atol=3e-7)


def test_many_classes_and_a_row_longer_than_a_block():
    z, label = rows(np.random.default_rng(1), 2, 131_072)
    for got, wanted in zip(run(z, label), exact(z, label), strict=True):
        torch.testing.assert_close(got.double(), wanted, rtol=3e-6, atol=1e-9)


def test_any_strides_serve():
    z, label = rows(np.random.default_rng(2), 12, 30)
    wanted = run(z, label)
    for odd in (z.T.contiguous().T, torch.stack([z, z], 2)[:, :, 0], torch.cat([z, z])[::1][:12]):
        for got, one in zip(run(odd, label), wanted, strict=True):
            assert torch.equal(got, one)


def test_the_gradient_may_take_the_place_of_the_logits():
    z, label = rows(np.random.default_rng(3), 5, 40)
    _, wanted = run(z, label)
    place = z.clone().to(DEVICE)
    kernels.dense_cross_entropy(place, label.to(DEVICE), torch.ones(5, 1, device=DEVICE), place)
    assert torch.equal(place.cpu(), wanted)


def test_masks_and_infinities_give_the_limits_of_the_losses():
    inf = torch.inf
    z = torch.tensor([[0.0, -inf, 1.0], [-inf, 0.0, 1.0], [-inf, -inf, -inf], [inf, 0.0, 1.0], [-inf, -inf, 3.0]])
    label = torch.tensor([[0], [0], [0], [1], [2]])
    nats, gradient = run(z, label)
    wanted, slopes = exact(z, label)
    assert torch.isnan(nats[2:4]).all() and nats[1] == inf and nats[4] == 0
    torch.testing.assert_close(nats[:2].double(), wanted[:2])
    torch.testing.assert_close(gradient[[0, 1, 4]].double(), slopes[[0, 1, 4]])


def test_a_confident_right_answer_keeps_its_tiny_loss_and_gradient():
    nats, gradient = run(torch.tensor([[20.0, 0.0, -1.0]]), torch.tensor([[0]]))
    assert nats.item() == pytest.approx(2.81941e-9, rel=1e-5)
    assert gradient[0, 0].item() == pytest.approx(-2.81941e-9, rel=1e-5)


@pytest.mark.skipif(
    DEVICE == "cpu" and not hasattr(InterpreterBuilder, "get_int1_ty"),
    reason="this Triton's interpreter cannot fill a block with booleans",
)
@pytest.mark.parametrize("n, classes, features", [(1, 1, 1), (5, 130, 33), (40, 70, 70), (33, 64, 64)])
def test_the_linear_loss_and_its_gradients(n, classes, features):
    rng = torch.Generator().manual_seed(n)
    x, weight = torch.randn(n, features, generator=rng), torch.randn(classes, features, generator=rng)
    label, share = torch.randint(classes, (n, 1), generator=rng), torch.rand(n, 1, generator=rng)
    nats, dx, dweight = kernels.linear_cross_entropy(*(t.to(DEVICE) for t in (x, weight, label, share)), formed=True)
    x64, weight64 = x.double().requires_grad_(), weight.double().requires_grad_()
    wanted = F.cross_entropy(x64 @ weight64.T, label[:, 0], reduction="none")
    (wanted * share[:, 0]).sum().backward()
    for got, one in ((nats[:, 0], wanted), (dx, x64.grad), (dweight, weight64.grad)):
        torch.testing.assert_close(got.cpu().double(), one.detach(), rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("shape", [(7, 5), (5,), (0, 5), (3, 5, 2)])
def test_the_fused_losses_are_the_same_either_way(through_fused, reduction, shape):
    rng = torch.Generator().manual_seed(4)
    batch = shape[:1] + shape[2:] if len(shape) > 1 else ()
    z, y = torch.randn(shape, generator=rng), torch.randint(5, batch, generator=rng)
    if y.numel() > 2:
        y.view(-1)[1] = -100
    results = []
    for function in (fused.fused_cross_entropy, F.cross_entropy):
        leaf = z.clone().to(DEVICE).requires_grad_()
        loss = function(leaf, y.to(DEVICE), reduction=reduction)
        loss.sum().backward()
        results.append((loss.detach(), leaf.grad))
    torch.testing.assert_close(*results, rtol=2e-6, atol=1e-7, equal_nan=True)


def test_the_fused_linear_loss_is_the_same_either_way(through_fused):
    rng = torch.Generator().manual_seed(5)
    x, weight = torch.randn(9, 4, generator=rng), torch.randn(6, 4, generator=rng)
    y = torch.tensor([0, 5, -100, 2, 2, 1, 3, 4, 0])
    results = []
    for function in (
        lambda a, b: fused.linear_cross_entropy(a, b, y.to(DEVICE), chunk_rows=4),
        lambda a, b: F.cross_entropy(a @ b.T, y.to(DEVICE)),
    ):
        layer = [t.clone().to(DEVICE).requires_grad_() for t in (x, weight)]
        loss = function(*layer)
        loss.backward()
        results.append((loss.detach(), *(t.grad for t in layer)))
    torch.testing.assert_close(*results, rtol=2e-6, atol=1e-7)


def test_each_path_says_its_name():
    assert fused.path(torch.ones(1)) == "pytorch"
    assert fused.path(torch.ones(1, dtype=torch.float64, device=DEVICE)) == "pytorch"
    assert fused.path(torch.ones(1, device=DEVICE)) == ("triton" if DEVICE == "cuda" else "pytorch")
