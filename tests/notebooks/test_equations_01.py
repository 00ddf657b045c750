"""Chapter 1's numbered equations, each by a route of its own."""

import itertools
from fractions import Fraction
from math import comb, prod

import mpmath
import numpy as np
import pytest
import torch
from scipy import optimize, special, stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mutual_info_score

from xent_helpers import data, likelihood, losses

FLIPS = np.array([1, 1, 0, 1, 0, 1, 1, 0, 1, 1])
ROLLS = np.array([0, 3, 1, 1, 4, 2, 0, 3, 3, 2])


def cross_entropy_of(q, p):
    """Equation 1.10 by SciPy: entropy plus relative entropy."""
    return special.entr(q).sum() + special.rel_entr(q, p).sum()


def mean_nll(theta):
    return -likelihood.bernoulli_log_likelihood(np.asarray(theta), FLIPS) / len(FLIPS)


@pytest.mark.parametrize("theta", [0.0, 0.3, 1.0])
def test_1_1_is_scipys_bernoulli(theta):
    """1.1: θ^y (1 − θ)^(1 − y), 0^0 = 1 included."""
    for y in (0, 1):
        assert theta**y * (1 - theta) ** (1 - y) == pytest.approx(stats.bernoulli.pmf(y, theta), rel=1e-12)


def test_1_2_adds_up_to_one_over_all_data_and_to_no_such_thing_over_theta():
    """1.2: exact fractions over all sequences; the area over θ is the beta function."""
    theta = Fraction(7, 10)
    weights = [prod(theta if y else 1 - theta for y in ys) for ys in itertools.product((0, 1), repeat=10)]
    assert sum(weights) == 1
    assert weights.count(theta**7 * (1 - theta) ** 3) == comb(10, 7)
    assert special.beta(8, 4) == pytest.approx(1 / 1320, rel=1e-12)
    assert mpmath.quad(lambda t: t**7 * (1 - t) ** 3, [0, 1]) == pytest.approx(1 / 1320, rel=1e-12)


@pytest.mark.parametrize("theta", [0.01, 0.5, 0.99])
def test_1_3_is_the_logarithm_of_the_product(theta):
    """1.3: against 50 digits, on 5,000 flips whose product float64 cannot hold."""
    flips = (np.random.default_rng(0).random(5000) < 0.7).astype(int)
    with mpmath.workdps(50):
        product = mpmath.mpf(theta) ** int(flips.sum()) * (1 - mpmath.mpf(theta)) ** int((1 - flips).sum())
        expected = float(mpmath.log(product))
    assert float(product) == 0.0
    assert float(likelihood.bernoulli_log_likelihood(np.array(theta), flips)) == pytest.approx(expected, rel=1e-13)


def test_1_4_depends_on_the_share_only():
    """1.4: every flip seen three times changes nothing; scikit-learn agrees."""
    theta = np.linspace(0.05, 0.95, 19)
    thrice = -likelihood.bernoulli_log_likelihood(theta, np.tile(FLIPS, 3)) / 30
    np.testing.assert_allclose(mean_nll(theta), thrice, rtol=1e-12, atol=0)
    assert [log_loss(FLIPS, np.full(10, t)) for t in theta] == pytest.approx(mean_nll(theta), rel=1e-12)


@pytest.mark.parametrize("theta", [0.1, 0.5, 0.7, 0.9])
def test_1_5_is_the_slope(theta):
    """1.5: by central differences and by autograd."""
    h = 1e-6
    slope = (theta - 0.7) / (theta * (1 - theta))
    assert (mean_nll(theta + h) - mean_nll(theta - h)) / (2 * h) == pytest.approx(slope, abs=1e-8)
    t = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    (-likelihood.bernoulli_log_likelihood(t, torch.tensor(FLIPS)) / 10).backward()
    assert t.grad.item() == pytest.approx(slope, abs=1e-12)


def test_1_6_is_where_a_minimiser_ends():
    """1.6: SciPy's bounded search finds k/N; with all flips alike the end of the interval."""
    found = optimize.minimize_scalar(
        lambda t: float(mean_nll(t)), bounds=(0, 1), method="bounded", options={"xatol": 1e-9}
    )
    assert found.x == pytest.approx(float(likelihood.bernoulli_mle(FLIPS)), abs=1e-6)
    assert (
        likelihood.bernoulli_mle(np.ones(4, dtype=int)) == 1 and likelihood.bernoulli_mle(np.zeros(4, dtype=int)) == 0
    )


def test_1_7_is_the_sum_over_samples():
    """1.7: one logarithm a sample, added in a loop."""
    p = np.array([0.1, 0.2, 0.3, 0.25, 0.15])
    one_by_one = sum(np.log(p[y]) for y in ROLLS)
    assert likelihood.categorical_log_likelihood(p, ROLLS) == pytest.approx(one_by_one, rel=1e-12)


def test_1_8_is_where_a_constrained_minimiser_ends():
    """1.8: SLSQP under the condition that the sum is 1 finds n_c / N, and its slopes there are all −1."""
    share = np.bincount(ROLLS) / len(ROLLS)
    found = optimize.minimize(
        lambda p: -(share * np.log(p)).sum(),
        np.full(5, 0.2),
        jac=lambda p: -share / p,
        bounds=[(1e-9, 1)] * 5,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
        options={"ftol": 1e-14},
    )
    assert found.x == pytest.approx(likelihood.categorical_mle(ROLLS, 5), abs=1e-5)
    assert -share / likelihood.categorical_mle(ROLLS, 5) == pytest.approx(-np.ones(5), rel=1e-12)  # λ = 1


def test_1_8_holds_for_a_face_that_never_came():
    """1.8, step 5: any probability on a missing face makes the rest of the rolls less likely."""
    best = likelihood.categorical_log_likelihood(likelihood.categorical_mle(ROLLS, 6), ROLLS)
    for wasted in (1e-6, 0.01, 0.5):
        p = np.append((1 - wasted) * np.bincount(ROLLS) / 10, wasted)
        expected = best + 10 * np.log(1 - wasted)
        assert likelihood.categorical_log_likelihood(p, ROLLS) == pytest.approx(expected, rel=1e-12)


def test_1_9_falls_into_one_sum_for_each_input():
    """1.9: the two coins' mean NLL is scikit-learn's, and a search over both coins at once does no better."""
    tumours = data.breast_cancer()
    x = (tumours.x[:, 0] > 15).astype(int)
    two = np.array([likelihood.bernoulli_mle(tumours.y[x == v]) for v in (0, 1)])
    assert np.bincount(2 * x + tumours.y).tolist() == [51, 345, 161, 12]
    found = optimize.minimize(lambda t: log_loss(tumours.y, t[x]), [0.5, 0.5], bounds=[(0.01, 0.99)] * 2)
    assert found.x == pytest.approx(two, abs=1e-4)
    assert log_loss(tumours.y, two[x]) == pytest.approx(0.3439, abs=5e-5)
    digits = data.digits()  # two dice: scikit-learn's mutual information
    left = stats.entropy(np.bincount(digits.y)) - mutual_info_score(digits.y, digits.x[:, 8 * 4 + 4] > 0)
    assert left == pytest.approx(2.0382, abs=5e-5)


def test_1_9_of_a_curve_is_least_where_scikit_learns_optimum_is():
    """Section 1.5: logistic regression without a penalty, by Newton's method, costs what 200 small steps reach."""
    tumours = data.breast_cancer()
    x = tumours.x[:, :1] - 14
    model = LogisticRegression(C=1e12, solver="newton-cholesky", tol=1e-10).fit(x, tumours.y)
    assert log_loss(tumours.y, model.predict_proba(x)) == pytest.approx(0.28999, abs=5e-6)
    w, b = 0.0, 0.0
    for _ in range(200):
        error = special.expit(w * x[:, 0] + b) - tumours.y
        w, b = w - 0.5 * np.mean(error * x[:, 0]), b - 0.5 * np.mean(error)
    assert [w, b] == pytest.approx([model.coef_.item(), model.intercept_.item()], abs=1e-3)


def test_1_9_a_curves_gradient_is_prediction_minus_label():
    """Section 1.5: autograd through the sigmoid and the logarithm, for every tumour."""
    tumours = data.breast_cancer()
    x, y = torch.from_numpy(tumours.x[:, 0] - 14), torch.from_numpy(tumours.y)
    w, b = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (-0.3, 0.2))
    p = 1 / (1 + torch.exp(-(w * x + b)))
    (-torch.log(torch.where(y == 1, p, 1 - p)).mean()).backward()
    error = p.detach() - y
    assert w.grad.item() == pytest.approx((error * x).mean().item(), rel=1e-10)
    assert b.grad.item() == pytest.approx(error.mean().item(), rel=1e-10)


def test_1_10_and_1_11_the_mean_nll_is_the_cross_entropy_of_the_shares():
    """1.10, 1.11: entropy plus relative entropy (SciPy) against the mean over samples (scikit-learn)."""
    y = data.digits().y
    p = np.arange(1, 11) / 55
    shares = np.bincount(y) / len(y)
    assert cross_entropy_of(shares, p) == pytest.approx(log_loss(y, np.tile(p, (len(y), 1))), rel=1e-12)
    assert cross_entropy_of(shares, p) == pytest.approx(2.4976, abs=5e-5)


def test_1_10_the_quoted_values():
    """1.10: H(a, a), H(a, u), H(u, a) of the text, and H(u, u) > H(s, a)."""
    a, u = np.array([0.9, 0.1]), np.array([0.5, 0.5])
    assert [round(cross_entropy_of(*pair), 3) for pair in ((a, a), (a, u), (u, a))] == [0.325, 0.693, 1.204]
    assert cross_entropy_of(u, u) > cross_entropy_of(np.array([0.99, 0.01]), a)


def test_1_12_one_hot_rows_leave_one_term():
    """1.12: torch with one-hot rows as targets against torch with indices."""
    p = torch.from_numpy(np.random.default_rng(0).dirichlet(np.ones(5), 40))
    y = torch.from_numpy(np.random.default_rng(1).integers(0, 5, 40))
    rows = torch.nn.functional.one_hot(y, 5).double()
    by_rows = torch.nn.functional.cross_entropy(p.log(), rows)
    assert by_rows.item() == pytest.approx(torch.nn.functional.nll_loss(p.log(), y).item(), rel=1e-12)
    assert float(losses.nll_loss(p.log(), y)) == pytest.approx(by_rows.item(), rel=1e-12)


def test_1_13_is_a_two_class_cross_entropy():
    """1.13: against 1.10 on (1 − y, y) and (1 − p, p), and the two worked examples to six digits."""
    for y, p in itertools.product((0.0, 1.0), (0.1, 0.5, 0.9)):
        expected = cross_entropy_of(np.array([1 - y, y]), np.array([1 - p, p]))
        assert float(losses.binary_cross_entropy(np.array(p), np.array(y))) == pytest.approx(expected, rel=1e-12)
    assert f"{mpmath.nstr(-mpmath.log(mpmath.mpf('0.9')), 6)}" == "0.105361"
    assert f"{mpmath.nstr(-mpmath.log(mpmath.mpf('0.7')), 6)}" == "0.356675"


def test_1_14_the_best_constant():
    """1.14: SciPy's entropy at every quoted floor, and no constant of a random fifty gets below."""
    digits, tumours = data.digits().y, data.breast_cancer().y
    assert stats.entropy(np.bincount(digits)) == pytest.approx(2.30248, abs=5e-6)
    assert stats.entropy(np.bincount(tumours)) == pytest.approx(0.66032, abs=5e-6)
    assert stats.entropy([0.2, 0.7, 0.1]) == pytest.approx(0.8018, abs=5e-5)
    assert stats.entropy([0.64] + [0.04] * 9) == pytest.approx(1.4444, abs=5e-5)
    assert stats.entropy([0.6] + [0.4 / 9] * 9) == pytest.approx(1.5519, abs=5e-5)
    assert stats.entropy([0.99, 0.01]) == pytest.approx(0.056, abs=5e-4)
    rivals = np.random.default_rng(0).dirichlet(np.ones(10), 50)
    assert all(log_loss(digits[:200], np.tile(p, (200, 1))) > stats.entropy(np.bincount(digits[:200])) for p in rivals)


def test_1_14_within_each_group_of_equal_inputs_is_the_training_sets_own_floor():
    """Section 1.8: mutual information by scikit-learn gives H(Y) − H(Y|X) for what the model may look at."""
    tumours = data.breast_cancer()
    radius = tumours.x[:, 0]
    all_of_it = [tuple(row) for row in tumours.x]
    inputs = {0.3439: radius > 15, 0.2824: np.floor(radius), 0.0637: radius, 0.0: [hash(row) for row in all_of_it]}
    for floor, seen in inputs.items():
        _, number = np.unique(seen, return_inverse=True)
        left = stats.entropy(np.bincount(tumours.y)) - mutual_info_score(tumours.y, number)
        assert left == pytest.approx(floor, abs=5e-5)
    assert len(set(all_of_it)) == len(tumours.y)


def test_1_15_bits():
    """1.15: SciPy's entropy to base 2."""
    p = np.array([0.2, 0.7, 0.1])
    assert stats.entropy(p) / np.log(2) == pytest.approx(stats.entropy(p, base=2), rel=1e-12)
    assert 1 / np.log(2) == pytest.approx(1.4427, abs=5e-5)
