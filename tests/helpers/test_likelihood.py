"""Log-likelihoods and their maxima: against SciPy, by brute force, on every library, and what is refused."""

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from tests.refusals import refused
from xent_helpers.likelihood import (
    bernoulli_log_likelihood,
    bernoulli_mle,
    categorical_log_likelihood,
    categorical_mle,
    class_counts,
)

FLIPS = np.array([1, 1, 0, 1, 0, 1, 1, 0, 1, 1])
ROLLS = np.array([0, 3, 1, 1, 4, 2, 0, 3, 3, 2])
LIBRARIES = {"numpy": np.asarray, "torch": torch.tensor, "strict": array_api_strict.asarray}

labels = arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 3))


@given(labels)
def test_counts_are_numpys(y):
    assert np.array_equal(class_counts(y, 4), np.bincount(y, minlength=4))
    assert class_counts(y, 4).dtype == np.int64


@given(arrays(np.int64, st.integers(1, 50), elements=st.integers(0, 1)), st.floats(0.001, 0.999))
def test_a_coins_log_likelihood_is_scipys(y, theta):
    expected = stats.bernoulli.logpmf(y, theta).sum()
    assert np.isclose(bernoulli_log_likelihood(np.array(theta), y), expected, rtol=1e-12)


@given(labels, arrays(float, 4, elements=st.floats(0.01, 1.0)))
def test_a_dies_log_likelihood_is_scipys(y, scores):
    p = scores / scores.sum()
    expected = stats.multinomial.logpmf(np.eye(4, dtype=int)[y], 1, p).sum()
    assert np.isclose(categorical_log_likelihood(p, y), expected, rtol=1e-9)


@given(labels)
def test_no_die_of_a_grid_beats_the_counts(y):
    steps = np.array([(a, b, c, 12 - a - b - c) for a in range(13) for b in range(13 - a) for c in range(13 - a - b)])
    grid = categorical_log_likelihood(steps / 12, y)
    assert grid.max() <= categorical_log_likelihood(categorical_mle(y, 4), y) + 1e-9


def test_a_coin_is_a_die_with_two_faces():
    theta = np.linspace(0, 1, 11)
    two_faces = np.stack([1 - theta, theta], axis=-1)
    assert np.allclose(bernoulli_log_likelihood(theta, FLIPS), categorical_log_likelihood(two_faces, FLIPS))
    assert bernoulli_mle(FLIPS) == categorical_mle(FLIPS, 2)[1] == 0.7


def test_the_sum_of_logarithms_survives_where_the_product_does_not():
    y = np.ones(1797, dtype=int)
    assert 0.6**1797 == 0
    assert np.isclose(bernoulli_log_likelihood(np.array(0.6), y), 1797 * np.log(0.6))


@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")  # of what another test left behind
def test_what_did_not_occur_costs_nothing_and_the_impossible_costs_everything():
    ones, zeros = np.array([1, 1]), np.array([0, 0])
    assert bernoulli_log_likelihood(np.array([0.0, 1.0]), ones).tolist() == [-np.inf, 0.0]
    assert bernoulli_log_likelihood(np.array([0.0, 1.0]), zeros).tolist() == [0.0, -np.inf]
    assert categorical_log_likelihood(np.array([[1.0, 0.0], [0.0, 1.0]]), ones).tolist() == [-np.inf, 0.0]


def test_a_small_theta_keeps_its_digits():
    assert bernoulli_log_likelihood(np.array(1e-20), np.array([0])) == -1e-20


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_library_gets_its_own_kind_back(library):
    array = LIBRARIES[library]
    theta, y, p, rolls = array([0.5, 0.7]), array(FLIPS.tolist()), array([[0.2] * 5]), array(ROLLS.tolist())
    results = {
        "theta": bernoulli_log_likelihood(theta, y),
        "mle": bernoulli_mle(y),
        "p": categorical_log_likelihood(p, rolls),
        "p_hat": categorical_mle(rolls, 5),
        "counts": class_counts(rolls, 5),
    }
    assert all(isinstance(result, type(theta)) or library == "numpy" for result in results.values())
    assert tuple(results["theta"].shape) == (2,) and tuple(results["p"].shape) == (1,)
    assert np.isclose(float(results["mle"]), 0.7)
    assert np.allclose([float(share) for share in results["p_hat"]], [0.2, 0.2, 0.2, 0.3, 0.1])


def test_nothing_leaves_the_device_of_its_input():
    elsewhere = array_api_strict.Device("device1")
    y = array_api_strict.asarray(FLIPS.tolist(), device=elsewhere)
    theta = array_api_strict.asarray([0.5, 0.7], device=elsewhere)
    for result in (bernoulli_log_likelihood(theta, y), bernoulli_mle(y), categorical_log_likelihood(theta, y)):
        assert result.device == elsewhere


def test_autograd_gives_the_derivative_of_the_formula_and_no_nan_at_the_edge():
    theta = torch.tensor([0.2, 0.9], dtype=torch.float64, requires_grad=True)
    bernoulli_log_likelihood(theta, torch.tensor(FLIPS)).sum().backward()
    assert torch.allclose(theta.grad, 7 / theta.detach() - 3 / (1 - theta.detach()))
    p = torch.tensor([0.0, 0.4, 0.6], requires_grad=True)
    categorical_log_likelihood(p, torch.tensor([1, 2])).backward()
    assert torch.allclose(p.grad, torch.tensor([0.0, 1 / 0.4, 1 / 0.6]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_half_precisions_are_computed_in_float32(dtype):
    result = bernoulli_log_likelihood(torch.tensor(0.5, dtype=dtype), torch.ones(50_000, dtype=torch.int64))
    assert result.dtype == dtype
    assert np.isclose(result.item(), 5e4 * np.log(0.5), rtol=max(1e-6, torch.finfo(dtype).eps))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64])
def test_any_integer_type_is_a_label(kind):
    assert bernoulli_mle(FLIPS.astype(kind)) == 0.7


@pytest.mark.parametrize(
    ("call", "error", "facts"),
    [
        (lambda: bernoulli_log_likelihood(0.7, FLIPS), TypeError, "theta float"),
        (lambda: bernoulli_log_likelihood(np.array(1), FLIPS), TypeError, "theta int64"),
        (lambda: bernoulli_log_likelihood(np.array(1.5), FLIPS), ValueError, "theta 1.5"),
        (lambda: bernoulli_log_likelihood(np.array(0.5), FLIPS * 1.0), TypeError, "labels float64"),
        (lambda: bernoulli_log_likelihood(np.array(0.5), FLIPS + 1), IndexError, "labels 2"),
        (lambda: bernoulli_log_likelihood(np.array(0.5), torch.tensor(FLIPS)), TypeError, "theta numpy y torch"),
        (lambda: bernoulli_mle([1, 0]), TypeError, "labels list"),
        (lambda: bernoulli_mle(np.array([], dtype=int)), ValueError, "labels (0,) (N,)"),
        (lambda: bernoulli_mle(FLIPS[:, None]), ValueError, "(10,_1) (N,)"),
        (lambda: categorical_log_likelihood(np.array(0.5), ROLLS), IndexError, "probs"),
        (lambda: categorical_log_likelihood(np.array([0.5, -0.5]), ROLLS), ValueError, "probs -0.5"),
        (lambda: categorical_log_likelihood(np.array([0.5, 0.5]), ROLLS), IndexError, "labels 3"),
        (lambda: categorical_mle(ROLLS, 4), IndexError, "labels 4"),
        (lambda: categorical_mle(ROLLS, 4.0), TypeError, "num_classes 4.0"),
        (lambda: categorical_mle(FLIPS == 1, 2), TypeError, "labels bool"),
    ],
)
def test_bad_input_is_refused_with_one_sentence(call, error, facts):
    with refused(error, facts):
        call()


def test_errors_name_the_argument():
    for labels in (np.zeros((2, 2), int), np.zeros(2), np.array([0, 5])):
        with pytest.raises((ValueError, TypeError, IndexError), match=r"^labels "):
            class_counts(labels, 3)


def test_a_coin_has_no_third_side():
    with refused(IndexError, "labels 2"):
        bernoulli_mle(np.array([0, 1, 2]))


def test_half_precision_is_rounded_once():
    theta, y = np.linspace(0.05, 0.95, 19, dtype=np.float16), np.array([1, 0, 0] * 21)
    exact = 21 * np.log(np.float64(theta)) + 42 * np.log1p(-np.float64(theta))
    assert bernoulli_log_likelihood(theta, y).tolist() == exact.astype(np.float16).tolist()
