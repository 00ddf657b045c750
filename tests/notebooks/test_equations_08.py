"""Each numbered equation of chapter 8, by a route that the chapter does not take."""

from fractions import Fraction
from itertools import product

import mpmath
import numpy as np
import pytest
import torch
from scipy import special
from scipy.optimize import minimize, minimize_scalar
from sklearn.metrics import log_loss
from torch.nn import functional as F

from xent_helpers import data, losses, targets


def central_differences(f, x, h=1e-5):
    out = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        out[i] = (f(x + step) - f(x - step)) / (2 * h)
    return out


def test_8_1_the_mean_over_six_people_is_the_cross_entropy():
    """scikit-learn averages the log loss over six labels, one for each psychiatrist."""
    p = np.array([0.5, 0.3, 0.2])
    people = [0] * 3 + [1] * 2 + [2]
    loss = losses.cross_entropy(np.log(p)[None], np.array([[1 / 2, 1 / 3, 1 / 6]]))
    assert loss == pytest.approx(log_loss(people, np.tile(p, (6, 1))), rel=1e-13)


def test_8_1_the_floor_is_the_entropy():
    shares = [mpmath.mpf(1) / 2, mpmath.mpf(1) / 3, mpmath.mpf(1) / 6]
    floor = -sum(q * mpmath.log(q) for q in shares)
    q = np.array([[1 / 2, 1 / 3, 1 / 6]])
    assert losses.cross_entropy(np.log(q), q) == pytest.approx(float(floor), rel=1e-14)
    assert float(floor) == pytest.approx(1.0114, abs=5e-5)


@pytest.mark.parametrize("total", [1.0, 0.4, 0.0])
def test_8_2_the_gradient_by_finite_differences(total):
    rng = np.random.default_rng(0)
    q, z = total * rng.dirichlet(np.ones(5)), rng.normal(size=5)
    numeric = central_differences(lambda z: -q @ special.log_softmax(z), z)
    np.testing.assert_allclose(q.sum() * special.softmax(z) - q, numeric, rtol=0, atol=1e-9)
    z = torch.tensor(z[None], requires_grad=True)
    (gradient,) = torch.autograd.grad(losses.cross_entropy(z, torch.tensor(q[None])), z)
    np.testing.assert_allclose(gradient[0], numeric, rtol=0, atol=1e-9)


def test_8_3_the_expected_loss_and_gradient_by_listing_all_draws():
    """All 27 ways in which three people can be drawn, each with its exact probability."""
    shares, p = [Fraction(7, 10), Fraction(2, 10), Fraction(1, 10)], np.array([0.5, 0.3, 0.2])
    loss, gradient = 0.0, np.zeros(3)
    for drawn in product(range(3), repeat=3):
        weight = float(np.prod([shares[c] for c in drawn]))
        loss += weight * -np.log(p[list(drawn)]).mean()
        gradient += weight * (p - np.eye(3)[list(drawn)]).mean(axis=0)
    q = np.array([0.7, 0.2, 0.1])
    assert loss == pytest.approx(-q @ np.log(p), rel=1e-13)
    np.testing.assert_allclose(gradient, p - q, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("classes", "epsilon"), [(2, 0.1), (10, 0.1), (7, 0.35)])
def test_8_4_smoothing_is_drawing_the_label_again(classes, epsilon):
    rows = targets.smoothed(np.eye(classes), epsilon)
    drawn_again = (1 - epsilon) * np.eye(classes) + epsilon * np.ones((classes, classes)) / classes
    np.testing.assert_allclose(rows, drawn_again, rtol=1e-14, atol=0)
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-14, atol=0)
    z = np.random.default_rng(0).normal(size=(classes, classes))
    theirs = F.cross_entropy(torch.tensor(z), torch.arange(classes), label_smoothing=epsilon)
    assert losses.cross_entropy(z, rows) == pytest.approx(theirs.item(), rel=1e-14)


@pytest.mark.parametrize(("classes", "epsilon"), [(10, 0.1), (5, 0.2), (1000, 0.1)])
@mpmath.workdps(40)
def test_8_5_the_optimal_gap_in_forty_digits(classes, epsilon):
    exact = mpmath.mpf(str(epsilon))
    kept = 1 - exact + exact / classes

    def slope(gap):  # of the loss along the true logit, all others equal
        return mpmath.exp(gap) / (mpmath.exp(gap) + classes - 1) - kept

    gap = mpmath.findroot(slope, np.log(classes) + 2, maxsteps=200)
    assert abs(gap - mpmath.log(1 + classes * (1 - exact) / exact)) < mpmath.mpf(10) ** -30
    z = float(gap) * np.eye(classes)[:1]
    assert losses.softmax(z)[0, 0] == pytest.approx(float(kept), rel=1e-13)
    assert np.abs(losses.softmax(z) - targets.smoothed(np.eye(classes)[:1], epsilon)).max() < 1e-14


def test_8_5_the_numbers_of_the_chapter():
    floor = -(mpmath.mpf("0.91") * mpmath.log("0.91") + mpmath.mpf("0.09") * mpmath.log("0.01"))
    assert float(floor) == pytest.approx(0.500288, abs=5e-7)
    z = np.log(91) * np.eye(10)[:1]
    assert losses.cross_entropy(z, np.array([0]), label_smoothing=0.1) == pytest.approx(float(floor), rel=1e-13)
    assert np.log(91) == pytest.approx(4.5109, abs=5e-5)


@pytest.mark.parametrize(("classes", "epsilon"), [(3, 0.1), (10, 0.4)])
def test_8_6_smoothing_from_the_mean_logit_in_forty_digits(classes, epsilon):
    y, z = 1, np.random.default_rng(0).normal(size=classes)
    with mpmath.workdps(40):
        exact = [mpmath.mpf(float(a)) for a in z]
        total = mpmath.fsum(mpmath.exp(a) for a in exact)
        row = [epsilon / mpmath.mpf(classes) + (1 - mpmath.mpf(epsilon)) * (c == y) for c in range(classes)]
        by_definition = -mpmath.fsum(q * mpmath.log(mpmath.exp(a) / total) for q, a in zip(row, exact, strict=True))
    formula = special.logsumexp(z) - (1 - epsilon) * z[y] - epsilon * z.mean()
    assert formula == pytest.approx(float(by_definition), rel=1e-14)
    theirs = F.cross_entropy(torch.tensor(z), torch.tensor(y), label_smoothing=epsilon)
    assert theirs.item() == pytest.approx(float(by_definition), rel=1e-13)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_8_7_a_mixed_target_costs_the_mixed_losses(share):
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(6))
    drawn = rng.random(200_000) < share  # a label a with probability λ, else b: the mean loss is the mixed one
    mean_loss = np.where(drawn, -np.log(p[2]), -np.log(p[4])).mean()
    row = torch.tensor(share * np.eye(6)[2] + (1 - share) * np.eye(6)[4])[None]
    of_the_row = F.cross_entropy(torch.tensor(np.log(p))[None], row).item()
    assert of_the_row == pytest.approx(mean_loss, abs=0.01)
    assert of_the_row == pytest.approx(-share * np.log(p[2]) - (1 - share) * np.log(p[4]), rel=1e-13)


@pytest.mark.parametrize("seed", range(3))
def test_8_8_the_weighted_optimum_by_gradient_descent_in_torch(seed):
    rng = np.random.default_rng(seed)
    weight, epsilon = torch.tensor(rng.uniform(0.05, 3, 4)), 0.2
    z = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([z], max_iter=500, tolerance_grad=1e-12, tolerance_change=0.0)

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(z, torch.tensor([2]), weight=weight, label_smoothing=epsilon, reduction="sum")
        loss.backward()
        return loss

    optimizer.step(closure)
    shares = targets.smoothed(np.eye(4)[2], epsilon) * weight.numpy()
    wanted = shares / shares.sum()
    np.testing.assert_allclose(special.softmax(z.detach()[0]), wanted, rtol=0, atol=1e-9)


def test_8_8_the_number_of_the_chapter_as_a_fraction():
    mine, other = Fraction(1, 100) * Fraction(95, 100), Fraction(99, 100) * Fraction(5, 100)
    assert float(mine / (mine + other)) == pytest.approx(0.161, abs=5e-4)


def test_8_16_wide_logits_are_expensive():
    rng = np.random.default_rng(0)
    for classes, epsilon in ((2, 0.1), (10, 0.1), (5, 0.9)):
        z = rng.normal(size=(2000, classes)) * rng.uniform(0.1, 100, size=(2000, 1))
        y = rng.integers(0, classes, 2000)
        nats = losses.cross_entropy(z, y, label_smoothing=epsilon, reduction="none")
        assert (nats >= epsilon / classes * np.ptp(z, axis=1) * (1 - 1e-14)).all()


def test_8_16_the_smoothed_optimum_is_finite_where_the_plain_one_is_not():
    iris = data.iris()
    x = np.column_stack([(iris.x - iris.x.mean(axis=0)) / iris.x.std(axis=0), np.ones(150)])
    side = np.where(iris.y == 0, 1.0, -1.0)

    def cost(w):
        m = side * (x @ w)
        return np.mean(np.logaddexp(0, -m) + 0.05 * m)

    found = minimize(cost, np.zeros(5), tol=1e-12)
    assert np.linalg.norm(found.x) == pytest.approx(3.039, abs=2e-3)
    assert np.abs(x @ found.x).mean() < 2 * np.log(2) / 0.1


def test_8_9_the_floor_is_a_clerk_who_draws_again():
    """A softened row, seen through a clerk who draws a share ε of the labels again from all classes."""
    z, T, epsilon = np.random.default_rng(0).normal(size=(5, 10)), 2.5, 0.3
    formula = (1 - epsilon) * special.softmax(z / T, axis=1) + epsilon / 10
    seen = [
        targets.forward_loss(z / T, np.full(5, c), targets.smoothed(np.eye(10), epsilon), reduction="none")
        for c in range(10)
    ]
    np.testing.assert_allclose(np.exp(-np.array(seen)).T, formula, rtol=1e-13)


@pytest.mark.parametrize("T", [0.5, 1.0, 4.0, 20.0])
def test_8_10_and_8_11_the_distillation_loss_and_its_gradient(T):
    rng = np.random.default_rng(0)
    z, v = rng.normal(size=(2, 6))
    q, p = special.softmax(v / T), special.softmax(z / T)
    loss = T**2 * (special.rel_entr(q, p).sum() + special.entr(q).sum())
    assert targets.distillation_loss(z[None], v[None], T) == pytest.approx(loss, rel=1e-13)
    numeric = central_differences(lambda z: T**2 * -q @ special.log_softmax(z / T), z)
    np.testing.assert_allclose(T * (p - q), numeric, rtol=0, atol=1e-9 * max(1, T**2))  # the loss has the factor T²


@pytest.mark.parametrize("classes", [3, 10])
@mpmath.workdps(40)
def test_8_17_the_limit_at_a_temperature_of_a_million(classes):
    rng = np.random.default_rng(0)
    z, v = (a - a.mean() for a in rng.normal(size=(2, classes)))
    T = mpmath.mpf(10) ** 6

    def softmax(logits):
        e = [mpmath.exp(mpmath.mpf(a) / T) for a in logits]
        return [value / sum(e) for value in e]

    for c, (p, q) in enumerate(zip(softmax(z), softmax(v), strict=True)):
        assert float((p - q) / T) == pytest.approx((z[c] - v[c]) / (classes * 1e12), rel=1e-4)


def test_8_17_the_error_falls_like_one_over_T():
    rng = np.random.default_rng(1)
    z, v = (a - a.mean(axis=1, keepdims=True) for a in rng.normal(size=(2, 500, 10)))
    errors = {}
    for T in (20.0, 100.0, 500.0):
        exact, limit = T * (special.softmax(z / T, axis=1) - special.softmax(v / T, axis=1)), (z - v) / 10
        errors[T] = np.linalg.norm(exact - limit) / np.linalg.norm(exact)
    assert 0.01 < errors[20.0] < 0.05
    assert errors[100.0] < 0.01
    assert errors[20.0] / errors[100.0] == pytest.approx(5, rel=0.02)
    assert errors[100.0] / errors[500.0] == pytest.approx(5, rel=0.02)


def test_8_12_the_gradient_of_the_reverse_divergence():
    rng = np.random.default_rng(0)
    z, q = rng.normal(size=6), rng.dirichlet(np.ones(6))
    p = special.softmax(z)
    reverse = special.rel_entr(p, q).sum()
    numeric = central_differences(lambda z: special.rel_entr(special.softmax(z), q).sum(), z)
    np.testing.assert_allclose(p * (np.log(p / q) - reverse), numeric, rtol=0, atol=1e-9)
    theirs = F.kl_div(torch.tensor(np.log(q)), torch.tensor(p), reduction="sum")  # the student is the second argument
    assert theirs.item() == pytest.approx(reverse, rel=1e-13)


def test_8_13_and_8_14_by_letting_the_clerk_write():
    rng = np.random.default_rng(0)
    M, p = rng.dirichlet(np.ones(4), 4), rng.dirichlet(np.ones(4))
    true = rng.choice(4, size=200_000, p=p)
    recorded = targets.noisy_labels(true, M, rng)
    np.testing.assert_allclose(np.bincount(recorded, minlength=4) / 200_000, M.T @ p, rtol=0, atol=5e-3)
    nats = targets.forward_loss(np.log(np.tile(p, (4, 1))), np.arange(4), M, reduction="none")
    np.testing.assert_allclose(np.exp(-nats), M.T @ p, rtol=1e-13)


@pytest.mark.parametrize("seed", range(5))
def test_8_14_the_expected_loss_is_least_at_the_truth(seed):
    rng = np.random.default_rng(seed)
    M, q = 0.6 * np.eye(3) + 0.4 * rng.dirichlet(np.ones(3), 3), rng.dirichlet(3 * np.ones(3))
    records = M.T @ q

    def expected(z):
        return records @ targets.forward_loss(np.tile(z, (3, 1)), np.arange(3), M, reduction="none")

    found = special.softmax(minimize(expected, np.zeros(3), tol=1e-12).x)
    np.testing.assert_allclose(found, q, rtol=0, atol=1e-5)


@pytest.mark.parametrize("k", [0.2, 0.7, 1.0])
def test_8_15_the_factor_of_the_gce(k):
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(1, 5)), np.array([2])
    p = special.softmax(z[0])
    numeric = central_differences(lambda z: (1 - special.softmax(z[0])[2] ** k) / k, z)
    np.testing.assert_allclose(p[2] ** k * (p - np.eye(5)[2]), numeric[0], rtol=0, atol=1e-9)
    tensor = torch.tensor(z, requires_grad=True)
    loss = targets.generalised_cross_entropy(tensor, torch.tensor(y), k)
    np.testing.assert_allclose(torch.autograd.grad(loss, tensor)[0], numeric, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("classes", "rho"), [(2, 0.3), (10, 0.4), (10, 0.9), (5, 0.0)])
def test_8_18_agreement_with_the_records_by_counting(classes, rho):
    """All pairs of a true class and an answer, with exact fractions: a right ones, the wrong ones spread evenly."""
    rho, a = Fraction(str(rho)), Fraction(7, 10)
    agree = Fraction(0)
    for true, answer, recorded in product(range(classes), repeat=3):
        answers = a if answer == true else (1 - a) / (classes - 1)
        records = 1 - rho if recorded == true else rho / (classes - 1)
        agree += Fraction(1, classes) * answers * records * (answer == recorded)
    line = rho / (classes - 1) + (1 - rho * Fraction(classes, classes - 1)) * a
    assert agree == line == (1 - rho) * a + rho / (classes - 1) * (1 - a)
    if rho == Fraction(9, 10) and classes == 10:
        assert agree == Fraction(1, 10)  # records that say nothing


@pytest.mark.parametrize(("classes", "rho"), [(3, 0.4), (10, 0.4)])
def test_8_19_noise_only_scales_and_shifts_the_absolute_error(classes, rho):
    p = np.random.default_rng(0).dirichlet(np.ones(classes), 200)
    noisy = sum(targets.flip_matrix(classes, rho)[1, j] * (1 - p[:, j]) for j in range(classes))
    np.testing.assert_allclose(noisy, rho + (1 - rho * classes / (classes - 1)) * (1 - p[:, 1]), rtol=0, atol=1e-14)


@pytest.mark.parametrize("gamma", [1.0, 2.0, 3.5])
@mpmath.workdps(40)
def test_8_20_the_factor_of_the_focal_loss_in_forty_digits(gamma):

    def h(s):
        return (1 - mpmath.exp(-s)) ** gamma * s

    for p in (0.01, 0.3, 0.7, 0.99):
        s = -mpmath.log(p)
        formula = (1 - p) ** gamma + gamma * p * -np.log(p) * (1 - p) ** (gamma - 1)
        assert float(mpmath.diff(h, s)) == pytest.approx(formula, rel=1e-12)
        z = torch.tensor([[np.log(p), np.log(1 - p)]], requires_grad=True)
        (gradient,) = torch.autograd.grad(targets.focal_loss(z, torch.tensor([0]), gamma), z)
        np.testing.assert_allclose(gradient[0], formula * np.array([p - 1, 1 - p]), rtol=1e-10)


@pytest.mark.parametrize("truth", [0.05, 0.3, 0.7, 0.9])
def test_8_21_the_truth_behind_a_report(truth):
    """Search for the best report with SciPy, then walk back."""
    pairs = {
        "focal": (lambda r: (1 - r) ** 2 * -np.log(r), lambda p: (1 - p) ** 2 - 2 * p * np.log(p) * (1 - p)),
        "gce": (lambda r: (1 - r**0.7) / 0.7, lambda p: p**0.7),
        "log": (lambda r: -np.log(r), lambda p: 1.0),
    }
    for cost, factor in pairs.values():
        search = {"bounds": (1e-6, 1 - 1e-6), "method": "bounded", "options": {"xatol": 1e-12}}
        report = minimize_scalar(lambda p, cost=cost: truth * cost(p) + (1 - truth) * cost(1 - p), **search).x
        a, b = factor(report) / report, factor(1 - report) / (1 - report)
        assert b / (a + b) == pytest.approx(truth, abs=1e-5)


@pytest.mark.parametrize("gamma", [1.0, 2.0, 5.0])
def test_8_22_the_focal_loss_is_above_a_cross_entropy_that_is_rewarded_for_entropy(gamma):
    rng = np.random.default_rng(0)
    p = np.concatenate([rng.dirichlet(np.full(5, a), 2000) for a in (0.1, 1.0, 20.0)])
    p = np.clip(p, 1e-300, 1)
    focal = targets.focal_loss(np.log(p), np.zeros(len(p), int), gamma, reduction="none")
    plain = -np.log(p[:, 0])
    middle = plain - gamma * p[:, 0] * plain
    assert (focal >= middle - 1e-9).all()
    assert (middle >= plain - gamma * special.entr(p).sum(axis=1) - 1e-9).all()


def test_8_23_the_probability_of_all_answers():
    """The 8 possible rows of three answers: their probabilities, from the sums of binary losses, add up to 1."""
    z = np.random.default_rng(0).normal(size=3)
    total = 0.0
    for row in product([0.0, 1.0], repeat=3):
        nats = losses.binary_cross_entropy_with_logits(z, np.array(row), reduction="sum")
        p = np.prod([special.expit(a) if answer else special.expit(-a) for a, answer in zip(z, row, strict=True)])
        assert np.exp(-nats) == pytest.approx(p, rel=1e-13)
        total += np.exp(-nats)
    assert total == pytest.approx(1, rel=1e-13)
