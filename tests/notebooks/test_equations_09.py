"""Each numbered equation of chapter 9, by a route that the chapter does not take."""

import json
import re
from collections import Counter
from fractions import Fraction
from importlib.util import find_spec
from itertools import pairwise, product
from math import log, prod
from pathlib import Path
from textwrap import indent

import mpmath
import numpy as np
import pytest
import torch
from scipy import special
from scipy.optimize import approx_fprime
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from xent_helpers import data, devices, fused, information


@pytest.fixture(scope="module")
def text():
    return data.text()


def test_9_1_the_chain_rule_by_listing_all_texts():
    """Three letters, texts of four: conditional probabilities from an arbitrary joint distribution, as fractions."""
    rng = np.random.default_rng(0)
    weights = {letters: int(rng.integers(1, 50)) for letters in product("abc", repeat=4)}
    total = sum(weights.values())

    def beginning(letters):
        return Fraction(sum(w for full, w in weights.items() if full[: len(letters)] == letters), total)

    for letters, weight in weights.items():
        factors = [beginning(letters[:t]) / beginning(letters[: t - 1]) for t in range(1, 5)]
        assert prod(factors) == Fraction(weight, total)


@mpmath.workdps(30)
def test_9_2_the_loss_of_the_counts_in_thirty_digits(text):
    pairs, firsts = Counter(pairwise(text)), Counter(text[:-1])
    nats = -sum(k * mpmath.log(mpmath.mpf(k) / firsts[a]) for (a, _), k in pairs.items()) / (len(text) - 1)
    assert float(nats / mpmath.log(2)) == pytest.approx(3.4725195, abs=5e-8)
    assert float(nats) == pytest.approx(2.406967111586, abs=1e-12)


def test_9_2_a_single_row_trained_by_scikit_learn_reaches_its_counts(text):
    """A logistic regression without inputs, only intercepts, on the bytes that follow an a and come often."""
    after = np.array([b for a, b in pairwise(text) if a == ord("a")])
    often = [symbol for symbol, count in Counter(after.tolist()).items() if count > 20]
    after = after[np.isin(after, often)]
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(np.zeros((len(after), 1)), after)
    shares = np.array([(after == c).mean() for c in model.classes_])
    np.testing.assert_allclose(model.predict_proba(np.zeros((1, 1)))[0], shares, atol=1e-6)


def test_9_3_perplexity_is_the_geometric_mean_of_one_over_p():
    p = [Fraction(1, 2), Fraction(1, 8), Fraction(1, 3), Fraction(1, 12)]
    nats = np.mean([-log(share) for share in p])
    assert information.perplexity(nats) == pytest.approx(float(1 / prod(p)) ** 0.25, rel=1e-14, abs=0)


def test_9_3_bits_per_byte_does_not_depend_on_the_cut():
    """One joint distribution, read letter by letter or two at a time, has the same bits per letter."""
    rng = np.random.default_rng(0)
    joint = rng.dirichlet(np.ones(9)).reshape(3, 3)
    first = joint.sum(axis=1)
    for a, b in product(range(3), repeat=2):
        one_by_one = -np.log2(first[a]) - np.log2(joint[a, b] / first[a])
        assert one_by_one / 2 == pytest.approx(-np.log2(joint[a, b]) / 2, rel=1e-13, abs=0)


def test_9_3_the_two_batches_of_the_chapter():
    assert float(mpmath.exp(2)) == pytest.approx(7.39, abs=5e-3)
    assert float((mpmath.e + mpmath.exp(3)) / 2) == pytest.approx(11.4, abs=5e-2)


def test_9_4_the_masked_mean_is_the_mean_of_the_valid_rows():
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(12, 5, dtype=torch.float64, generator=generator)
    y = torch.randint(0, 5, (12,), generator=generator)
    valid = torch.rand(12, generator=generator) < 0.6
    masked = fused.fused_cross_entropy(z, torch.where(valid, y, -100))
    assert masked.item() == pytest.approx(F.nll_loss(F.log_softmax(z[valid], 1), y[valid]).item(), rel=1e-14, abs=0)


@pytest.mark.parametrize("counts", [(4, 1), (1, 1, 1), (7, 2, 5, 1), (100, 3)])
def test_9_5_the_relative_error_with_orthogonal_gradients(counts):
    """Random orthonormal gradients instead of the algebra."""
    total = sum(counts)
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(total, total)))[0]
    groups = np.split(basis, np.cumsum(counts)[:-1])
    right, wrong = basis.mean(axis=0), np.mean([group.mean(axis=0) for group in groups], axis=0)
    off = np.linalg.norm(wrong - right) / np.linalg.norm(right)
    exact = Fraction(total, len(counts) ** 2) * sum(Fraction(1, count) for count in counts) - 1
    assert off**2 == pytest.approx(float(exact), abs=1e-13)
    if counts == (4, 1):
        assert exact == Fraction(9, 16)  # 75 %


@pytest.mark.parametrize("weight", [0.0, 1e-4, 0.5])
def test_9_8_the_gradient_of_the_z_loss(weight):
    z = np.random.default_rng(0).normal(size=6)

    def loss(z):
        return special.logsumexp(z) - z[2] + weight * special.logsumexp(z) ** 2

    numeric = approx_fprime(z, loss, 1e-7)
    p, level = special.softmax(z), special.logsumexp(z)
    np.testing.assert_allclose(p - np.eye(6)[2] + 2 * weight * level * p, numeric, atol=1e-6)
    exact = torch.autograd.functional.jacobian(
        lambda z: z.logsumexp(0) - z[2] + weight * z.logsumexp(0) ** 2, torch.tensor(z)
    )
    assert exact.sum().item() == pytest.approx(2 * weight * level, abs=1e-14)


def test_9_8_the_z_loss_costs_nothing_where_the_logits_are_free():
    q = np.random.default_rng(0).dirichlet(np.ones(7))
    z = np.log(q)
    assert special.logsumexp(z) == pytest.approx(0, abs=1e-15)
    assert special.logsumexp(z) - q @ z == pytest.approx(special.entr(q).sum(), rel=1e-13, abs=0)


def test_9_6_the_sizes_are_those_of_the_tensors():
    N, C, D = 8 * 2048, 50_257, 768
    sizes = [torch.empty(shape, device="meta").nbytes / 1e6 for shape in ((N, D), (C, D), (N, C))]
    assert [round(size) for size in sizes] == [50, 154, 3294]
    assert C // D == 65


def test_9_7_the_gradients_by_finite_differences():
    rng = np.random.default_rng(0)
    x, w, y = rng.normal(size=(4, 3)), rng.normal(size=(5, 3)), np.array([0, 4, 2, 2])

    def loss(x, w):
        return -special.log_softmax(x @ w.T, axis=1)[np.arange(4), y].mean()

    error = special.softmax(x @ w.T, axis=1) - np.eye(5)[y]
    for_x = approx_fprime(x.ravel(), lambda flat: loss(flat.reshape(4, 3), w), 1e-7).reshape(4, 3)
    for_w = approx_fprime(w.ravel(), lambda flat: loss(x, flat.reshape(5, 3)), 1e-7).reshape(5, 3)
    np.testing.assert_allclose(error @ w / 4, for_x, atol=1e-6)
    np.testing.assert_allclose(error.T @ x / 4, for_w, atol=1e-6)
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, w)]
    found = torch.autograd.grad(fused.linear_cross_entropy(*tensors, torch.tensor(y), chunk_rows=3), tensors)
    np.testing.assert_allclose(found[0], error @ w / 4, atol=1e-15)
    np.testing.assert_allclose(found[1], error.T @ x / 4, atol=1e-15)


@pytest.mark.parametrize("seed", range(3))
@mpmath.workdps(40)
def test_9_12_merging_in_any_order_in_forty_digits(seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(scale=50, size=12)
    exact = float(mpmath.log(sum(mpmath.exp(mpmath.mpf(a)) for a in z)))
    parts = [(part.max(), np.exp(part - part.max()).sum()) for part in np.split(rng.permutation(z), [1, 4, 9])]
    while len(parts) > 1:  # merge two that are drawn at random
        (m_a, s_a), (m_b, s_b) = (parts.pop(rng.integers(len(parts))) for _ in range(2))
        m = max(m_a, m_b)
        parts.append((m, s_a * np.exp(m_a - m) + s_b * np.exp(m_b - m)))
    assert parts[0][0] + np.log(parts[0][1]) == pytest.approx(exact, rel=1e-14, abs=0)


@pytest.mark.parametrize("device", devices.available(), ids=str)
def test_9_13_the_loss_and_gradient_from_shards(device):
    """Shards of torch tensors against autograd on the whole rows."""
    dtype = devices.widest_float(device)
    z = torch.randn(5, 30, dtype=dtype, generator=torch.Generator().manual_seed(0)).mul(20).to(device).requires_grad_()
    y = torch.tensor([0, 9, 10, 29, 17], device=device)
    nats = F.cross_entropy(z, y, reduction="none")
    (gradient,) = torch.autograd.grad(nats.sum(), z)
    parts = z.detach().split([10, 13, 7], dim=1)
    m = torch.stack([part.amax(1) for part in parts]).amax(0)
    s = torch.stack([(part - m[:, None]).exp().sum(1) for part in parts]).sum(0)
    own = torch.zeros_like(m)
    tight = {"rtol": 1e-5, "atol": 1e-5} if dtype == torch.float32 else {"rtol": 1e-12, "atol": 1e-13}
    for part, first in zip(parts, (0, 10, 23), strict=True):
        hit = torch.arange(first, first + part.shape[1], device=device) == y[:, None]
        own += (part * hit).sum(1)
        mine = (part - m[:, None]).exp() / s[:, None] - hit.to(dtype)
        torch.testing.assert_close(mine, gradient[:, first : first + part.shape[1]], **tight)
    torch.testing.assert_close(m + s.log() - own, nats.detach(), **tight)


def test_9_9_the_gradient_through_a_softcap():
    z, cap = np.array([3.0, 25.0, -5.0]), 30.0

    def loss(z):
        capped = cap * np.tanh(z / cap)
        return special.logsumexp(capped) - capped[0]

    capped = cap * np.tanh(z / cap)
    wanted = (special.softmax(capped) - np.array([1, 0, 0])) * (1 - (capped / cap) ** 2)
    np.testing.assert_allclose(wanted, approx_fprime(z, loss, 1e-7), atol=1e-6)


def test_9_10_info_nce_by_listing_the_pairs_in_thirty_digits():
    """Exponentials and their shares one by one against PyTorch's loss of the table of similarities."""
    rng = np.random.default_rng(0)
    u, v = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in rng.normal(size=(2, 5, 3)))
    with mpmath.workdps(30):
        table = [[mpmath.exp(10 * mpmath.mpf(float(u[i] @ v[j]))) for j in range(5)] for i in range(5)]
        listed = float(sum(-mpmath.log(table[i][i] / sum(table[i])) for i in range(5)) / 5)
    found = F.cross_entropy(torch.from_numpy(u @ v.T) / 0.1, torch.arange(5)).item()
    assert found == pytest.approx(listed, rel=1e-13, abs=0)


@pytest.mark.parametrize("beta", [0.1, 0.5])
def test_9_11_dpo_is_the_probability_that_the_better_answer_wins(beta):
    """Bradley and Terry's form: shares of the two answers' strengths (π/π₀)^β, without a logarithm or a sigmoid."""
    better, worse, better_0, worse_0 = 0.02, 0.05, 0.01, 0.08
    strengths = (better / better_0) ** beta, (worse / worse_0) ** beta
    h = torch.tensor(beta * (log(better / better_0) - log(worse / worse_0)), dtype=torch.float64, requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(h, torch.ones_like(h))
    loss.backward()
    share = strengths[0] / sum(strengths)
    assert loss.item() == pytest.approx(-log(share), rel=1e-13, abs=0)
    assert h.grad.item() == pytest.approx(share - 1, rel=1e-13, abs=0)


def test_9_13_the_features_gradient_is_a_sum_over_the_machines():
    x = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    w = torch.randn(10, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y = torch.tensor([0, 3, 4, 9])
    (wanted,) = torch.autograd.grad(F.cross_entropy(x @ w.T, y, reduction="sum"), x)
    error = special.softmax((x @ w.T).detach().numpy(), axis=1) - np.eye(10)[y]
    parts = [error[:, start:end] @ w[start:end].numpy() for start, end in ((0, 4), (4, 5), (5, 10))]
    np.testing.assert_allclose(sum(parts), wanted, atol=1e-13)


def test_the_lines_of_the_kernel_in_9_16_are_those_of_the_package():
    root = Path(__file__).resolve().parents[2]
    notebook = json.loads((root / "notebooks" / "09_language_model_scale.ipynb").read_text(encoding="utf-8"))
    prose = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    quoted = re.findall(r"```python\n(.*?)```", prose, re.DOTALL)
    source = Path(find_spec("xent_helpers.kernels").origin).read_text(encoding="utf-8")  # without importing Triton
    source = re.sub(r"  # .*", "", source)
    assert quoted
    for lines in quoted:
        assert indent(lines, "    ") in source
