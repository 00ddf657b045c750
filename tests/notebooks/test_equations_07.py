"""Chapter 7's numbered equations, each by a route of its own."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from scipy import special, stats
from scipy.integrate import solve_ivp
from scipy.optimize import brentq, minimize_scalar
from sklearn.metrics import log_loss

from xent_helpers import losses
from xent_helpers.calibration import expected_calibration_error, reliability, shift_prior, slope_and_curvature

SKY = (Fraction(1, 2), Fraction(3, 10), Fraction(1, 5))
RAIN = (Fraction(1, 10), Fraction(1, 2), Fraction(9, 10))


def model(seed=0, n=60, classes=4):
    rng = np.random.default_rng(seed)
    return 2 * rng.normal(size=(n, classes)), rng.integers(0, classes, n)


def test_7_1_two_of_the_four_forecasters_are_calibrated():
    """7.1: P(Y = 1 | S = s) by enumerating the three skies in exact fractions."""
    says = {
        "informed": RAIN,
        "ignores the sky": (Fraction(38, 100),) * 3,
        "overconfident": (Fraction(1, 100), Fraction(1, 2), Fraction(99, 100)),
        "timid": (Fraction(3, 10), Fraction(1, 2), Fraction(7, 10)),
    }
    calibrated = {}
    for name, claims in says.items():
        happened = {}
        for s in set(claims):
            days = [(weight, rain) for weight, rain, claim in zip(SKY, RAIN, claims, strict=True) if claim == s]
            happened[s] = sum(weight * rain for weight, rain in days) / sum(weight for weight, _ in days)
        calibrated[name] = all(s == share for s, share in happened.items())
    assert calibrated == {"informed": True, "ignores the sky": True, "overconfident": False, "timid": False}


def test_7_2_confidence_is_calibrated_when_the_labels_are_drawn_from_the_claims():
    """7.2: labels drawn from p itself; the share right of each bin is within 4 standard errors of its mean claim."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(5, 0.5), 100_000)
    y = (p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1)
    table = reliability(p.max(axis=1), p.argmax(axis=1) == y, 10)
    used = table.count > 100
    error = np.sqrt(table.claimed * (1 - table.claimed) / table.count)
    assert used.sum() >= 7
    assert np.all(np.abs(table.happened - table.claimed)[used] < 4 * error[used])


def test_7_3_on_paper():
    """7.3: two bins of 3 and 1 claims, in exact fractions: 3/4 · |1/3 − 2/10| + 1/4 · |1 − 8/10| = 3/20."""
    ece = Fraction(3, 4) * abs(Fraction(1, 3) - Fraction(2, 10)) + Fraction(1, 4) * abs(1 - Fraction(8, 10))
    ours = expected_calibration_error(np.array([0.1, 0.2, 0.3, 0.8]), np.array([0, 1, 0, 1]), 2)
    assert ours == pytest.approx(float(ece), rel=1e-14) and ece == Fraction(3, 20)


def test_7_4_the_integral():
    """7.4: the mean absolute value of a normal variable, integrated in 30 digits."""
    with mpmath.workdps(30):
        for sigma in (mpmath.mpf("0.03"), mpmath.mpf(2)):
            ends = [k * sigma for k in (-40, -5, 0, 5, 40)]
            area = mpmath.quad(lambda u, sigma=sigma: abs(u) * mpmath.npdf(u, 0, sigma), ends)
            assert abs(area - sigma * mpmath.sqrt(2 / mpmath.pi)) < mpmath.mpf(10) ** -25


@pytest.mark.parametrize("s", [0.2, 0.5, 0.7])
def test_7_4_against_the_exact_binomial_mean(s):
    """7.4: E|k/n − s| summed over the binomial distribution agrees with the normal formula within 1 % at n = 100."""
    n = 100
    k = np.arange(n + 1)
    exact = stats.binom.pmf(k, n, s) @ np.abs(k / n - s)
    assert np.sqrt(2 * s * (1 - s) / (np.pi * n)) == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_7_5_the_two_parts_add_up(seed):
    """7.5: parts by SciPy's rel_entr and entropy, the sum by scikit-learn's log_loss; refinement ignores the claims."""
    rng = np.random.default_rng(seed)
    predictions = rng.dirichlet(np.ones(3), 4)
    group, y = rng.integers(0, 4, 300), rng.integers(0, 3, 300)
    weight = np.bincount(group) / 300
    shares = np.array([np.bincount(y[group == g], minlength=3) / np.sum(group == g) for g in range(4)])
    calibration = weight @ special.rel_entr(shares, predictions).sum(axis=1)
    refinement = weight @ stats.entropy(shares, axis=1)
    total = log_loss(y, predictions[group], labels=[0, 1, 2])
    assert calibration + refinement == pytest.approx(total, rel=1e-12)
    assert log_loss(y, shares[group], labels=[0, 1, 2]) == pytest.approx(refinement, rel=1e-12)


@pytest.mark.parametrize("a", [0.1, 0.5, 1.0, 3.0])
def test_7_6_7_7_7_8_loss_slope_and_curvature_in_1_over_T(a):
    """7.6 by scikit-learn's log_loss, 7.7 and 7.8 by differentiating it numerically in 40 digits."""
    z, y = model()
    p = special.softmax(a * z, axis=1)
    mean = (p * z).sum(axis=1)
    own = z[np.arange(len(y)), y]
    value = np.mean(special.logsumexp(a * z, axis=1) - a * own)
    assert value == pytest.approx(log_loss(y, p, labels=range(4)), rel=1e-12)
    slope, curvature = np.mean(mean - own), np.mean((p * z**2).sum(axis=1) - mean**2)
    with mpmath.workdps(40):
        rows = [[mpmath.mpf(v) for v in row] for row in z.tolist()]

        def loss(b):
            each = (
                mpmath.log(sum(mpmath.exp(b * v) for v in row)) - b * row[k] for row, k in zip(rows, y, strict=True)
            )
            return mpmath.fsum(each) / len(y)

        assert slope == pytest.approx(float(mpmath.diff(loss, a)), rel=1e-12)
        assert curvature == pytest.approx(float(mpmath.diff(loss, a, 2)), rel=1e-10)
    assert slope_and_curvature(z - own[:, None], a) == pytest.approx((slope, curvature), rel=1e-10)


def test_7_7_and_7_8_by_autograd():
    """7.7, 7.8: torch differentiates its own cross_entropy of a · z once and twice."""
    z, y = model(1)
    a = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(a * torch.tensor(z), torch.tensor(y))
    (slope,) = torch.autograd.grad(loss, a, create_graph=True)
    (curvature,) = torch.autograd.grad(slope, a)
    margins = z - z[np.arange(len(y)), y][:, None]
    assert slope_and_curvature(margins, 0.7) == pytest.approx((slope.item(), curvature.item()), rel=1e-10)


@pytest.mark.parametrize(("eta", "classes"), [(0.15, 10), (0.4, 3), (0.0, 5)])
def test_7_9_uniform_label_noise_is_a_floor(eta, classes):
    """7.9: the clerk's transition matrix, applied to the true probabilities, is the mixture with ε = η C / (C − 1)."""
    transition = np.full((classes, classes), eta / (classes - 1))
    np.fill_diagonal(transition, 1 - eta)
    truth = np.random.default_rng(0).dirichlet(np.ones(classes), 50)
    floor = eta * classes / (classes - 1)
    np.testing.assert_allclose(truth @ transition, (1 - floor) * truth + floor / classes, rtol=1e-12)


@pytest.mark.parametrize("margin", [0.25, 1.0, 3.0])
def test_7_10_the_norm_grows_by_one_over_the_margin_per_unit_of_ln_t(margin):
    """7.10: one feature and two samples at ±margin: the flow has the closed form γw + exp(γw) = γ²t + 1."""

    def norm(t):
        grown, u = margin**2 * t + 1, mpmath.mpf(0)
        for _ in range(100):
            u = mpmath.log(grown - u)  # u + exp(u) = grown, by a map that contracts
        return u / margin

    def flow(t, w):
        return margin * special.expit(-margin * w)

    solved = solve_ivp(flow, (0, 1e4), [0.0], "LSODA", [1e4], rtol=1e-10, atol=1e-12)
    assert float(norm(1e4)) == pytest.approx(solved.y[0, 0], rel=1e-7)
    slope = (norm(mpmath.mpf(10) ** 40) - norm(mpmath.mpf(10) ** 39)) / mpmath.log(10)
    assert float(slope) == pytest.approx(1 / margin, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_7_11_no_mixture_of_actions_is_cheaper(seed):
    """7.11: the chosen action against 1,000 random policies, and argmax where every mistake costs 1."""
    rng = np.random.default_rng(seed)
    p, costs = rng.dirichlet(np.ones(4)), rng.uniform(0, 10, (3, 4))
    expected = [sum(p[c] * costs[a, c] for c in range(4)) for a in range(3)]
    assert min(expected) <= (rng.dirichlet(np.ones(3), 1000) @ np.array(expected)).min()
    assert np.argmin((1 - np.eye(4)) @ p) == p.argmax()


@pytest.mark.parametrize(("alarm", "miss"), [(1, 9), (50, 20_000), (1, 1), (7, 3)])
def test_7_12_the_threshold_is_where_both_actions_cost_the_same(alarm, miss):
    """7.12: the root of the difference of the two expected costs, found by bisection."""
    root = brentq(lambda p: p * miss - (1 - p) * alarm, 0, 1, xtol=1e-15)
    assert root == pytest.approx(alarm / (alarm + miss), rel=1e-9)
    assert (root + 0.01) * miss > (1 - root - 0.01) * alarm


@pytest.mark.parametrize("q", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("weights", [(0.55, 5.2), (1.0, 1.0), (3.0, 0.5)])
def test_7_13_7_14_7_16_the_weighted_optimum(q, weights):
    """7.13: SciPy minimises the weighted loss; 7.14: SciPy's logit of what it finds; 7.16: on which side of ½ it is."""
    w0, w1 = weights
    found = minimize_scalar(
        lambda u: -w1 * q * special.log_expit(u) - w0 * (1 - q) * special.log_expit(-u), bracket=(-2, 2), tol=1e-12
    ).x
    best = special.expit(found)
    assert best == pytest.approx(w1 * q / (w1 * q + w0 * (1 - q)), abs=1e-7)
    assert found == pytest.approx(special.logit(q) + np.log(w1 / w0), abs=1e-6)
    assert (best > 0.5) == (q > w0 / (w0 + w1))


def test_7_15_with_many_classes():
    """7.15: Newton's method on torch's weighted loss with soft targets q; subtracting log w gives q back."""
    rng = np.random.default_rng(0)
    q, w = rng.dirichlet(np.ones(5)), rng.uniform(0.3, 4.0, 5)
    z = torch.zeros(1, 5, dtype=torch.float64)

    def loss(z):
        return torch.nn.functional.cross_entropy(z, torch.tensor(q)[None], weight=torch.tensor(w))

    for _ in range(50):
        slope = torch.autograd.functional.jacobian(loss, z)[0]
        curved = torch.autograd.functional.hessian(loss, z)[0, :, 0, :]
        z = z - torch.linalg.lstsq(curved, slope[:, None], driver="gelsd").solution[:, 0]
    np.testing.assert_allclose(torch.softmax(z - torch.tensor(w).log(), 1)[0], q, rtol=0, atol=1e-12)
    ours = losses.softmax(shift_prior(z.numpy(), w, np.ones(5)))[0]
    np.testing.assert_allclose(ours, q, rtol=0, atol=1e-12)


def test_7_16_balanced_weights_turn_one_half_into_the_base_rate():
    """7.16: with w_c = N / (2 n_c) the threshold on q is n_1 / N, in exact fractions."""
    n0, n1 = 812, 87
    w0, w1 = Fraction(n0 + n1, 2 * n0), Fraction(n0 + n1, 2 * n1)
    assert w0 / (w0 + w1) == Fraction(n1, n0 + n1)
    assert w1 / w0 == Fraction(n0, n1)
