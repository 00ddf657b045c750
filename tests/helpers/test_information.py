"""Entropy and its relatives against SciPy and mpmath, on three array libraries, at the edges, and at the door."""

import array_api_strict
import mpmath
import numpy as np
import pytest
import torch
from scipy import special, stats

from tests.refusals import refused
from xent_helpers import information
from xent_helpers.information import (
    brier_score,
    cross_entropy,
    entropy,
    kl_divergence,
    nats_to_bits,
    perplexity,
)

LIBRARIES = {"numpy": np.asarray, "torch": torch.as_tensor, "strict": array_api_strict.asarray}
PAIRS = [cross_entropy, kl_divergence, brier_score]


@pytest.fixture(params=LIBRARIES)
def array(request):
    return LIBRARIES[request.param]


def plain(x):
    return np.asarray(x.detach() if isinstance(x, torch.Tensor) else x)


def rows(seed=0, shape=(50, 7)):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(shape[-1], 0.5), shape[:-1])


def exact(formula, q, p):
    """Σ over classes of a formula, in 50 digits, rounded once."""
    with mpmath.workdps(50):
        return float(
            mpmath.fsum(formula(mpmath.mpf(float(a)), mpmath.mpf(float(b))) for a, b in zip(q, p, strict=True))
        )


def test_entropy_is_scipys(array):
    p = rows()
    np.testing.assert_allclose(plain(entropy(array(p))), special.entr(p).sum(axis=1), rtol=1e-14)
    np.testing.assert_allclose(plain(entropy(array(p))), stats.entropy(p, axis=1), rtol=1e-13)


def test_divergence_is_scipys(array):
    q, p = rows(1), rows(2)
    np.testing.assert_allclose(plain(kl_divergence(array(q), array(p))), special.rel_entr(q, p).sum(axis=1), rtol=1e-12)


def test_cross_entropy_is_the_sum_of_scipys_two(array):
    q, p = rows(1), rows(2)
    expected = special.entr(q).sum(axis=1) + special.rel_entr(q, p).sum(axis=1)
    np.testing.assert_allclose(plain(cross_entropy(array(q), array(p))), expected, rtol=1e-13)


def test_brier_score_is_the_mean_over_outcomes(array):
    q, p = rows(1), rows(2)
    over_outcomes = ((p[:, None, :] - np.eye(7)) ** 2).sum(axis=2)  # the score if class 0, 1, … comes
    np.testing.assert_allclose(plain(brier_score(array(q), array(p))), (q * over_outcomes).sum(axis=1), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_few_units_of_rounding_from_50_digits(dtype):
    eps = np.finfo(dtype).eps
    for q, p in zip(rows(3).astype(dtype), rows(4).astype(dtype), strict=True):
        cost = exact(lambda a, b: -a * mpmath.log(b), q, p)
        assert abs(cross_entropy(q, p) - cost) <= 4 * eps * cost
        # the divergence is a difference: its error is that of the cross-entropy
        assert abs(kl_divergence(q, p) - exact(lambda a, b: a * mpmath.log(a / b), q, p)) <= 6 * eps * cost


@pytest.mark.parametrize("name", ["entropy", "cross_entropy", "kl_divergence", "brier_score"])
def test_the_class_axis_may_be_any(array, name):
    function = getattr(information, name)
    arguments = [rows(5, (3, 4, 6))] if name == "entropy" else [rows(5, (3, 4, 6)), rows(6, (3, 4, 6))]
    expected = function(*arguments)
    moved = [array(np.ascontiguousarray(np.moveaxis(p, -1, 1))) for p in arguments]
    assert expected.shape == (3, 4)
    np.testing.assert_allclose(plain(function(*moved, axis=1)), expected, rtol=1e-13)
    np.testing.assert_allclose(plain(function(*moved, axis=np.int64(-2))), expected, rtol=1e-13)


def test_what_never_comes_costs_nothing(array):
    certain, half, other = array([1.0, 0.0, 0.0]), array([0.5, 0.5, 0.0]), array([0.0, 0.5, 0.5])
    assert entropy(certain) == 0 and not np.signbit(plain(entropy(certain)))
    assert np.isclose(plain(entropy(half)), np.log(2))
    assert np.isclose(plain(cross_entropy(certain, half)), np.log(2))
    assert np.isclose(plain(kl_divergence(half, half)), 0) and kl_divergence(certain, certain) == 0
    assert cross_entropy(half, certain) == np.inf and kl_divergence(half, other) == np.inf


def test_no_warning_comes_with_a_zero(recwarn):
    entropy(np.array([1.0, 0.0]))
    kl_divergence(np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    perplexity(1e4)
    assert not recwarn.list


def test_the_divergence_of_equals_is_exactly_zero(array):
    p = array(rows(7))
    assert np.all(plain(kl_divergence(p, p)) == 0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_result_keeps_the_type_and_is_rounded_once(dtype):
    q, p = (torch.tensor(rows(seed), dtype=dtype) for seed in (8, 9))
    for function in PAIRS:
        result = function(q, p)
        assert result.dtype == dtype
        wide = torch.float32 if dtype.itemsize < 4 else dtype
        if wide != dtype:  # the rows' sums pass at their own type's tolerance, so compute by the kernel's formula
            kernel = {cross_entropy: 0, kl_divergence: 1}.get(function)
            if kernel is not None:
                value = information.mean_surprise(q.to(wide), p.to(wide))
                value = value - information.mean_surprise(q.to(wide), q.to(wide)) if kernel else value
                assert torch.equal(result, value.to(dtype))
    assert entropy(q).dtype == dtype


def test_mixed_types_are_promoted():
    q, p = rows(1).astype(np.float32), rows(2)
    assert all(function(q, p).dtype == np.float64 for function in PAIRS)


@pytest.mark.parametrize("function", PAIRS)
def test_autograd_agrees_with_finite_differences(function):
    def of_logits(z, v):
        return function(torch.softmax(z, -1), torch.softmax(v, -1))

    z, v = (torch.tensor(np.random.default_rng(seed).normal(size=(3, 4)), requires_grad=True) for seed in (0, 1))
    assert torch.autograd.gradcheck(of_logits, (z, v))


def test_gradients_at_zeros_are_finite_where_nothing_can_come():
    q = torch.tensor([1.0, 0.0, 0.0])
    p = torch.tensor([0.5, 0.5, 0.0], requires_grad=True)
    cross_entropy(q, p).backward()
    assert p.grad.tolist() == [-2.0, 0.0, 0.0]
    h = torch.tensor([0.5, 0.5, 0.0], requires_grad=True)
    entropy(h).backward()
    torch.testing.assert_close(h.grad[:2], torch.log(torch.tensor([2.0, 2.0])) - 1)
    assert h.grad[2] == 0  # +inf in mathematics


def test_perplexity_is_the_exponential(array):
    nats = np.array([0.0, 0.5, 3.0])
    np.testing.assert_allclose(plain(perplexity(array(nats))), np.exp(nats))
    assert isinstance(perplexity(1.0), float) and perplexity(np.float64(0.0)) == 1 and perplexity(1e4) == np.inf
    for k in (1, 2, 10):
        assert np.isclose(plain(perplexity(entropy(array(np.full(k, 1 / k))))), k)


def test_perplexity_is_torchs():
    p = torch.tensor(rows(10))
    torch.testing.assert_close(perplexity(entropy(p)), torch.distributions.Categorical(p).perplexity())


def test_nats_become_bits(array):
    assert nats_to_bits(np.log(2.0)) == 1
    np.testing.assert_allclose(plain(nats_to_bits(entropy(array(rows(1))))), stats.entropy(rows(1), base=2, axis=1))


@pytest.mark.parametrize("function", [entropy, *PAIRS])
@pytest.mark.parametrize(
    ("bad", "error", "facts"),
    [
        ([2.0, 1.0, 1.0], ValueError, "4 -1 1"),
        ([0.3, 0.3, 0.3], ValueError, "0.9 -1 1 -1"),
        ([[0.5, 0.5, 0.0], [0.5, 0.1, 0.1]], ValueError, "0.7 [1] -1 1"),
        ([1.5, -0.5, 0.0], ValueError, "-0.5 [1] softmax"),
        ([np.nan, 0.5, 0.5], ValueError, "nan"),
        (np.array([1, 0, 0]), TypeError, "int64"),
        (np.array(1.0), IndexError, "axis"),
        (np.zeros((3, 0)), ValueError, "(3,_0) -1"),
    ],
)
def test_what_is_no_distribution_is_refused(function, bad, error, facts):
    bad = np.asarray(bad)
    good = np.broadcast_to(np.array([0.2, 0.7, 0.1]), (*bad.shape[:-1], 3)) if bad.size else bad
    with refused(error, facts):
        function(bad) if function is entropy else function(bad, good)
    if function is not entropy:
        with refused(error, facts):
            function(good, bad)


@pytest.mark.parametrize("function", PAIRS)
def test_two_arguments_must_fit(function):
    q = np.array([0.2, 0.7, 0.1])
    with refused(ValueError, "belief (1,_3) truth (3,)"):
        function(q, q[None])
    with refused(TypeError, "truth numpy belief torch"):
        function(q, torch.tensor(q))
    with refused(TypeError, "belief list"):
        function(q, [0.2, 0.7, 0.1])


def test_a_sum_may_be_off_by_half_the_digits():
    almost = np.array([0.5, 0.5 + 1e-9])
    assert entropy(almost) > 0
    with refused(ValueError, "p 1 -1 1"):
        entropy(almost + np.array([0.0, 1e-7]))
    assert entropy(almost.astype(np.float32) + np.float32(1e-4)) > 0
    with refused(ValueError, "p 1.001"):
        entropy(almost.astype(np.float32) + np.float32(5e-4))


def test_softmax_rows_of_any_type_pass():
    logits = torch.randn(200, 1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 5
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        entropy(torch.softmax(logits.to(dtype), dim=1), axis=1)


@pytest.mark.parametrize("bad", [-0.1, np.array([0.5, -0.1])])
def test_perplexity_refuses_log_likelihoods(bad):
    with refused(ValueError, "nats -0.1 −log"):
        perplexity(bad)


def test_perplexity_refuses_what_is_no_number():
    with refused(TypeError, "nats str"):
        perplexity("2")
    with refused(TypeError, "nats int64"):
        perplexity(np.array([1, 2]))
