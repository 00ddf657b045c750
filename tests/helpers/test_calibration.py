"""Reliability, ECE, temperature and priors: by hand, by other libraries, on each array library, and what is refused."""

import array_api_strict
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve

from tests.refusals import refused
from xent_helpers import losses
from xent_helpers.calibration import (
    expected_calibration_error,
    fit_temperature,
    reliability,
    shift_prior,
    shift_prior_probs,
    slope_and_curvature,
)

LIBRARIES = {"numpy": np.asarray, "torch": torch.as_tensor, "strict": array_api_strict.asarray}


@pytest.fixture(params=LIBRARIES)
def array(request):
    return LIBRARIES[request.param]


def plain(x):
    return np.asarray(x.detach() if isinstance(x, torch.Tensor) else x)


def claims(seed=0, n=400):
    rng = np.random.default_rng(seed)
    claimed = rng.random(n)
    return claimed, (rng.random(n) < claimed**2).astype(int)


def model(seed=0, n=200, classes=5, scale=3.0):
    """Logits that are somewhat better than chance, and labels."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    return scale * rng.normal(size=(n, classes)) + scale * np.eye(classes)[y], y


# ---- reliability and ECE ----


@pytest.mark.parametrize("bins", [1, 2, 7, 10, 15])
def test_reliability_is_scikit_learns_calibration_curve(array, bins):
    claimed, came_true = claims()
    table = reliability(array(claimed), array(came_true), bins)
    happened, mean = calibration_curve(came_true, claimed, n_bins=bins)
    used = plain(table.count) > 0
    np.testing.assert_allclose(plain(table.claimed)[used], mean, rtol=1e-12)
    np.testing.assert_allclose(plain(table.happened)[used], happened, rtol=1e-12)
    assert plain(table.count).sum() == len(claimed) and plain(table.count).dtype == np.int64


@pytest.mark.parametrize("bins", [1, 10, 15, 100])
def test_ece_is_that_of_pandas_groups(array, bins):
    claimed, came_true = claims(1)
    frame = pd.DataFrame({"s": claimed, "y": came_true})
    groups = frame.groupby(pd.cut(frame.s, np.arange(bins + 1) / bins, right=False), observed=True)
    expected = sum(len(group) * abs(group.y.mean() - group.s.mean()) for _, group in groups) / len(frame)
    ours = expected_calibration_error(array(claimed), array(came_true), bins)
    assert type(ours) is type(array(np.zeros(1))[0]) and float(ours) == pytest.approx(expected, rel=1e-12)


def test_edges_belong_to_the_upper_bin_and_1_to_the_last(array):
    claimed = np.array([0.0, 0.29, 0.7, 0.1, 0.3, 1.0])  # as binary fractions 0.7 · 10 > 7, 0.29 · 100 < 29
    assert plain(reliability(array(claimed), array(np.zeros(6, int)), 10).count).tolist() == [
        1,
        1,
        1,
        1,
        0,
        0,
        0,
        1,
        0,
        1,
    ]
    assert (
        plain(reliability(array(claimed), array(np.zeros(6, int)), 100).count)[[0, 10, 29, 30, 70, 99]].tolist()
        == [1] * 6
    )


def test_an_empty_bin_is_nan_and_costs_nothing(array):
    table = reliability(array(np.array([0.1, 0.9])), array(np.array([0, 1])), 3)
    assert np.isnan(plain(table.claimed)).tolist() == [False, True, False]
    assert np.isnan(plain(table.happened)).tolist() == [False, True, False]
    assert plain(table.lower).tolist() == [0, 1 / 3, 2 / 3]
    ece = expected_calibration_error(array(np.array([0.1, 0.9])), array(np.array([0, 1])), 3)
    assert float(ece) == pytest.approx(0.1)


def test_booleans_and_float32_are_welcome(array):
    claimed, came_true = claims(2)
    ece = expected_calibration_error(array(claimed.astype(np.float32)), array(came_true == 1))
    assert "float32" in str(ece.dtype)
    assert float(ece) == pytest.approx(float(expected_calibration_error(claimed, came_true)), abs=1e-3)


@given(st.integers(0, 1000), st.integers(1, 12), st.integers(1, 6))
def test_finer_nested_bins_never_lower_the_ece_and_one_bin_is_the_gap_of_the_means(seed, bins, factor):
    claimed, came_true = claims(seed, 50)
    coarse, fine = (expected_calibration_error(claimed, came_true, count) for count in (bins, bins * factor))
    assert coarse <= fine + 1e-12 <= 1 + 2e-12
    one = expected_calibration_error(claimed, came_true, 1)
    assert one == pytest.approx(abs(claimed.mean() - came_true.mean()), abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "error", "facts"),
    [
        (([0.5], [1], 2), TypeError, "claimed list"),
        ((np.array([0.5]), np.array([1]), 0), ValueError, "bins 0 1"),
        ((np.array([0.5]), np.array([1]), 1.5), TypeError, "bins 1.5"),
        ((np.array([1, 0]), np.array([1, 0]), 2), TypeError, "claimed int64"),
        ((np.array([1.5]), np.array([1]), 2), ValueError, "claimed 1.5 softmax"),
        ((np.array([np.nan]), np.array([1]), 2), ValueError, "claimed nan"),
        ((np.array([[0.5, 0.5]]), np.array([[1, 0]]), 2), ValueError, "claimed (1,_2) (N,)"),
        ((np.array([]), np.array([], dtype=int), 2), ValueError, "claimed (0,) (N,)"),
        ((np.array([0.5, 0.5]), np.array([[1], [0]]), 2), ValueError, "came_true"),
        ((np.array([0.5]), np.array([1.0]), 2), TypeError, "came_true float64"),
        ((np.array([0.5]), np.array([2]), 2), IndexError, "came_true 2"),
        ((np.array([0.5]), torch.tensor([1]), 2), TypeError, "claimed numpy came_true torch"),
    ],
)
def test_bad_claims_are_refused(arguments, error, facts):
    for function in (reliability, expected_calibration_error):
        with refused(error, facts):
            function(*arguments)


# ---- temperature ----


@pytest.mark.parametrize("scale", [0.01, 1.0, 5.0, 300.0])
def test_temperature_is_where_scipy_finds_the_least_loss(array, scale):
    z, y = model(1)
    z *= scale
    T = fit_temperature(array(z), array(y))
    found = minimize_scalar(
        lambda u: float(losses.cross_entropy(z / np.exp(u), y)),
        bracket=(np.log(T) - 1, np.log(T) + 0.7),
        options={"xtol": 1e-10},
    )
    assert isinstance(T, float) and pytest.approx(np.exp(found.x), rel=1e-6) == T


def test_the_temperature_of_scaled_logits_is_scaled():
    z, y = model(2)
    T = fit_temperature(z, y)
    for factor in (1e-6, 0.1, 7.0, 1e6):
        assert fit_temperature(factor * z, y) == pytest.approx(factor * T, rel=1e-10)


def test_a_shift_of_each_row_changes_nothing_and_the_order_of_the_logits_stays():
    z, y = model(3)
    shift = np.random.default_rng(0).normal(size=(len(y), 1))
    T = fit_temperature(z, y)
    assert fit_temperature(z + 50 * shift, y) == pytest.approx(T, rel=1e-9)
    assert np.array_equal((z / T).argmax(axis=1), z.argmax(axis=1))


@pytest.mark.parametrize("seed", range(20))
def test_the_slope_vanishes_at_the_temperature_however_few_the_samples(seed):
    """A few samples with enormous margins make Newton's first steps useless; the bracket finds the bottom."""
    rng = np.random.default_rng(seed)
    z, y = model(seed, n=6, classes=3, scale=float(10 ** rng.uniform(-3, 4)))
    wrong = z.argmax(axis=1) != y
    if not wrong.any() or np.mean(z - z[np.arange(6), y][:, None]) >= 0:
        with pytest.raises(ValueError, match=r"every label first|no higher for the label"):
            fit_temperature(z, y)
        return
    T = fit_temperature(z, y)
    margins = z - z[np.arange(6), y][:, None]
    slope, curvature = slope_and_curvature(margins, 1 / T)
    assert abs(slope) <= 1e-9 * np.abs(margins).max() and curvature >= 0


def test_bisection_takes_over_where_newton_leaves_the_bracket():
    """One mistake of 0.001 among 99 margins of 100: near the bottom all but nothing is curved."""
    margins = np.array([[0.0, -100.0]] * 99 + [[1e-3, 0.0]])
    T = fit_temperature(margins, np.array([0] * 99 + [1]))
    slope, _ = slope_and_curvature(margins - margins[np.arange(100), [0] * 99 + [1]][:, None], 1 / T)
    assert 5 < T < 20 and abs(slope) < 1e-14


def test_a_thousand_classes_send_newton_s_first_step_far_beyond(array):
    """Equal probabilities on 1,000 classes say little: the first step is 100 times too long, where all is flat."""
    logits = np.zeros((10, 1000))
    logits[:, 0] = 1.0
    target = np.array([0] * 9 + [1])
    best = minimize_scalar(
        lambda a: np.log(np.exp(a * logits).sum(1)).mean() - 0.9 * a,
        bounds=(0, 50),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert fit_temperature(array(logits), array(target)) == pytest.approx(1 / best.x, rel=1e-6)
    assert fit_temperature(array(100 * logits), array(target)) == pytest.approx(100 / best.x, rel=1e-6)


@pytest.mark.parametrize("size", [1e-38, 1e-30, 1e25, 1e37])
def test_logits_whose_squares_leave_the_type_s_range(array, size):
    z, y = model(4)
    small = z.astype(np.float32) * np.float32(size)
    assert fit_temperature(array(small), array(y)) == pytest.approx(size * fit_temperature(z, y), rel=1e-4, abs=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_narrow_types_give_the_wide_ones_temperature(dtype):
    z, y = model(4)
    T = fit_temperature(torch.tensor(z).to(dtype), torch.tensor(y))
    assert pytest.approx(fit_temperature(z, y), rel=2e-2) == T


@pytest.mark.parametrize(
    ("logits", "target", "error", "facts"),
    [
        (np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0, 1]), ValueError, "label"),
        (np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([1, 0]), ValueError, "label"),
        (np.array([[2.0, -np.inf], [0.0, 3.0]]), np.array([1, 0]), ValueError, "-inf 3"),
        (np.array([[2.0, np.nan], [0.0, 3.0]]), np.array([1, 0]), ValueError, "nan nan"),
        (np.array([[1e308, -1e308], [0.0, 3.0]]), np.array([1, 0]), ValueError, "-1e+308 1e+308"),
        (np.array([2.0, 1.0]), np.array(0), ValueError, "logits (2,) (N,_C)"),
        (np.zeros((0, 2)), np.zeros(0, dtype=int), ValueError, "logits (0,_2)"),
        (np.zeros((2, 3)), np.array([0, 3]), IndexError, "target 3"),
        (np.zeros((2, 3)), np.zeros((2, 3)), TypeError, "target float64"),
        (np.zeros((2, 3), dtype=int), np.array([0, 1]), TypeError, "logits int64"),
        ([[1.0, 2.0]], np.array([0]), TypeError, "logits list"),
    ],
)
def test_what_has_no_temperature_is_refused(logits, target, error, facts):
    with refused(error, facts):
        fit_temperature(logits, target)


# ---- priors ----


def world(seed=0, cells=6, classes=4):
    """A joint distribution P(x, y) on a few cells: the true p(y | x) under any class frequencies follows by Bayes."""
    return np.random.default_rng(seed).dirichlet(np.ones(cells), classes)  # P(x | y), one row a class


def posterior(likelihood, prior):
    joint = likelihood.T * prior
    return joint / joint.sum(axis=1, keepdims=True)


def test_both_forms_are_bayes_rule_with_the_other_prior(array):
    likelihood, (old, new) = world(), np.random.default_rng(1).dirichlet(np.ones(4), 2)
    trained, wanted = posterior(likelihood, old), posterior(likelihood, new)
    by_logits = losses.softmax(shift_prior(array(np.log(trained) + 3), array(old), array(new)))
    np.testing.assert_allclose(plain(by_logits), wanted, rtol=1e-12)
    by_probs = shift_prior_probs(array(trained), array(old), array(new))
    np.testing.assert_allclose(plain(by_probs), wanted, rtol=1e-12)


def test_there_and_back_again_and_common_factors_do_not_count():
    z, _ = model(5)
    a, b = np.random.default_rng(2).uniform(0.1, 5, (2, 5))
    np.testing.assert_allclose(shift_prior(shift_prior(z, a, b), b, a), z, rtol=1e-12)
    p = losses.softmax(z)
    np.testing.assert_allclose(shift_prior_probs(p, 10 * a, 3 * b), shift_prior_probs(p, a, b), rtol=1e-12)


def test_a_class_can_be_ruled_out(array):
    z, ones, wanted = np.array([[1.0, 2.0, 3.0]]), np.ones(3), np.array([1.0, 0.0, 1.0])
    shifted = plain(losses.softmax(shift_prior(array(z), array(ones), array(wanted))))
    np.testing.assert_allclose(shifted[0, [0, 2]], losses.softmax(np.array([1.0, 3.0])))
    assert shifted[0, 1] == 0
    np.testing.assert_allclose(plain(shift_prior_probs(array(losses.softmax(z)), array(ones), array(wanted))), shifted)


def test_weighted_training_is_undone_by_its_weights():
    """With a free logit for each of two cells, the weighted optimum can be reached, and the shift gives the shares."""
    counts = np.array([[30.0, 10.0], [5.0, 55.0]])  # cell × class
    weight = np.array([1.0, 6.0])
    z = torch.zeros(2, 2, dtype=torch.float64, requires_grad=True)
    cell = torch.tensor([0] * 40 + [1] * 60)
    label = torch.tensor([0] * 30 + [1] * 10 + [0] * 5 + [1] * 55)
    optimizer = torch.optim.LBFGS(
        [z], max_iter=500, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def objective():
        optimizer.zero_grad()
        loss = losses.cross_entropy(z[cell], label, weight=torch.tensor(weight))
        loss.backward()
        return loss

    optimizer.step(objective)
    weighted = z.detach().numpy()
    unweighted = losses.softmax(shift_prior(weighted, weight, np.ones(2)))
    np.testing.assert_allclose(unweighted, counts / counts.sum(axis=1, keepdims=True), atol=1e-6)
    assert losses.softmax(weighted)[0, 1] == pytest.approx(60 / 90, abs=1e-6)


def test_the_type_of_the_scores_stays():
    frequencies = np.array([0.5, 0.5])
    assert shift_prior(np.zeros((3, 2), dtype=np.float32), frequencies, frequencies).dtype == np.float32
    assert shift_prior_probs(np.full((3, 2), 0.5, dtype=np.float32), frequencies, frequencies).dtype == np.float32


@pytest.mark.parametrize("function", [shift_prior, shift_prior_probs])
@pytest.mark.parametrize(
    ("trained", "wanted", "error", "facts"),
    [
        (np.array([1.0, 0.0]), np.ones(2), ValueError, "trained 0"),
        (np.ones(2), np.array([1.0, -1.0]), ValueError, "wanted 0"),
        (np.ones(2), np.array([1.0, np.inf]), ValueError, "wanted inf [1]"),
        (np.array([1.0, np.nan]), np.ones(2), ValueError, "trained nan [1]"),
        (np.ones(3), np.ones(2), ValueError, "trained (3,) (2,)"),
        (np.ones(2), np.ones((2, 1)), ValueError, "wanted (2,_1)"),
        (np.array([1, 2]), np.ones(2), TypeError, "trained int64"),
        ([1.0, 1.0], np.ones(2), TypeError, "trained list"),
    ],
)
def test_bad_frequencies_are_refused(function, trained, wanted, error, facts):
    with refused(error, facts):
        function(np.full((3, 2), 0.5), trained, wanted)


@pytest.mark.parametrize("function", [reliability, expected_calibration_error])
def test_fifteen_bins_are_the_usual_number(function):
    claimed = np.linspace(0, 1, 200)
    came_true = np.random.default_rng(0).random(200) < claimed**2
    np.testing.assert_array_equal(function(claimed, came_true), function(claimed, came_true, 15))


def test_whole_numbers_are_no_scores():
    with refused(TypeError, "logits int64"):
        shift_prior(np.zeros((3, 2), int), np.ones(2), np.ones(2))
    with refused(TypeError, "wanted int64"):
        shift_prior(np.zeros((3, 2)), np.ones(2), np.ones(2, int))


def test_logits_are_no_probabilities():
    with refused(ValueError, "probs -1 shift_prior"):
        shift_prior_probs(np.array([[-1.0, 2.0]]), np.ones(2), np.ones(2))
    with refused(IndexError, "logits"):
        shift_prior(np.array(0.0), np.ones(1), np.ones(1))


@pytest.mark.filterwarnings("error")
def test_numbers_that_cannot_be_added_up_are_looked_at_without_a_warning():
    """Whether rows are probabilities is asked of every logits, of infinite and huge ones too."""
    with pytest.raises(ValueError, match="expected finite"):
        fit_temperature(np.array([[np.inf, -np.inf], [0.0, 1.0]]), np.array([1, 0]))
    huge = np.array([[1e308, 0.0], [1e308, 1e308], [0.0, 1e308], [0.0, 1e308]])
    assert fit_temperature(huge, np.array([1, 0, 1, 1])) > 0
