"""Each numbered equation of chapter 6, by a route that the chapter does not take."""

from itertools import combinations

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from xent_helpers import data, losses


def central_differences(f, x, h=1e-5):
    out = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        out[i] = (f(x + step) - f(x - step)) / (2 * h)
    return out


def samples(seed=0, n=9, d=4, c=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.integers(0, c, n), rng.normal(size=(d, c)), rng.normal(size=c)


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(0, 100), min_size=1, max_size=6), min_size=1, max_size=6))
def test_6_1_the_weighted_mean_of_batch_means_is_the_mean_of_all_samples(batches):
    everything = [nats for batch in batches for nats in batch]
    weighted = sum(len(batch) / len(everything) * float(np.mean(batch)) for batch in batches)
    assert weighted == pytest.approx(float(np.mean(everything)), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 10, 50257])
def test_6_2_equal_logits_cost_the_logarithm_of_the_number_of_classes(classes):
    exact = float(mpmath.log(classes))
    for level in (0.0, 3.5, -200.0):
        z = np.full((2, classes), level)
        assert losses.cross_entropy(z, np.array([0, classes - 1])) == pytest.approx(exact, rel=1e-14)


def test_6_3_the_gradient_of_softmax_regression_by_finite_differences():
    x, y, w, b = samples()

    def loss(w, b):
        return -log_softmax(x @ w + b, axis=1)[np.arange(len(y)), y].mean()

    error = softmax(x @ w + b, axis=1) - np.eye(3)[y]
    np.testing.assert_allclose(x.T @ error / len(y), central_differences(lambda v: loss(v, b), w), rtol=0, atol=1e-9)
    np.testing.assert_allclose(error.mean(axis=0), central_differences(lambda v: loss(w, v), b), rtol=0, atol=1e-9)


@pytest.mark.parametrize("classes", [2, 10, 50257])
def test_6_4_no_probabilities_go_below_the_floor_of_a_second_softmax(classes):
    floor = float(mpmath.log(1 + (classes - 1) / mpmath.e))
    best = np.eye(1, classes)
    assert losses.cross_entropy(best, np.array([0])) == pytest.approx(floor, rel=1e-13)
    inner = np.random.default_rng(0).dirichlet(np.full(classes, 0.05), size=50)
    assert (-log_softmax(inner, axis=1)[:, 0] >= floor).all()
    if classes == 10:
        found = minimize(lambda z: -log_softmax(softmax(z))[0], np.zeros(classes), tol=1e-12)
        assert floor <= found.fun < floor + 1e-3
        assert floor == pytest.approx(1.4612, abs=5e-5)


@pytest.mark.parametrize("level", [0.0, 2.5])
def test_6_5_a_second_softmax_divides_the_first_gradient_by_the_number_of_classes(level):
    for classes in (2, 5, 10):
        z = np.full(classes, level)
        numeric = central_differences(lambda v: -log_softmax(softmax(v))[1], z)
        np.testing.assert_allclose(numeric, (1 / classes - np.eye(classes)[1]) / classes, rtol=0, atol=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_6_6_over_all_minibatches_the_mean_gradient_is_the_full_one(size):
    x, y, w, _ = samples(n=6)
    errors = softmax(x @ w, axis=1) - np.eye(3)[y]
    gradients = x[:, :, None] * errors[:, None, :]
    every = [gradients[list(rows)].mean(axis=0) for rows in combinations(range(6), size)]
    np.testing.assert_allclose(np.mean(every, axis=0), x.T @ errors / 6, rtol=0, atol=1e-14)


@pytest.mark.parametrize("strength", [0.1, 1.0, 10.0])
def test_6_7_scikit_learns_optimum_is_where_the_penalised_loss_is_flat(strength):
    split = data.iris().split()
    x, y = split.x_train, split.y_train
    model = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(x, y)
    w, b = (torch.tensor(v, requires_grad=True) for v in (model.coef_.T.copy(), model.intercept_.copy()))
    logits = torch.from_numpy(x) @ w + b
    penalised = losses.cross_entropy(logits, torch.from_numpy(y), reduction="sum") + (w**2).sum() / (2 * strength)
    for gradient in torch.autograd.grad(penalised, (w, b)):
        assert gradient.abs().max() < 1e-10


def test_6_8_two_columns_share_the_weights_at_half_the_penalty():
    v = np.random.default_rng(0).normal(size=7)
    difference = np.hstack([-np.eye(7), np.eye(7)])  # (w0, w1) to w1 - w0
    shortest = np.linalg.pinv(difference) @ v  # the least norm among all with that difference
    np.testing.assert_allclose(shortest, np.concatenate([-v / 2, v / 2]), rtol=0, atol=1e-14)
    assert shortest @ shortest == pytest.approx(v @ v / 2, rel=1e-14)
    shift = np.tile(np.random.default_rng(1).normal(size=7), 2)
    assert (shortest + shift) @ (shortest + shift) == pytest.approx(v @ v / 2 + shift @ shift, rel=1e-13)


def test_6_8_two_logits_move_like_one_at_twice_the_rate():
    split = data.breast_cancer().split()
    x, y = split.x_train, split.y_train
    one, two = np.zeros(30), np.zeros((30, 2))
    for _ in range(50):
        one -= 0.2 * x.T @ (expit(x @ one) - y) / len(y)
        two -= 0.1 * x.T @ (softmax(x @ two, axis=1) - np.eye(2)[y]) / len(y)
    np.testing.assert_allclose(two[:, 1] - two[:, 0], one, rtol=0, atol=1e-13)


@pytest.mark.parametrize("margin", [0.25, 1.0, 3.0])
def test_6_9_the_norm_grows_by_one_over_the_margin_per_unit_of_ln_t(margin):
    """One feature and two samples at ±margin: the flow has the closed form γw + exp(γw) = γ²t + 1."""

    def norm(t):
        grown, u = margin**2 * t + 1, mpmath.mpf(0)
        for _ in range(100):
            u = mpmath.log(grown - u)  # u + exp(u) = grown, by a map that contracts
        return u / margin

    flow = solve_ivp(lambda t, w: margin * expit(-margin * w), (0, 1e4), [0.0], "LSODA", [1e4], rtol=1e-10, atol=1e-12)
    assert float(norm(1e4)) == pytest.approx(flow.y[0, 0], rel=1e-7)
    slope = (norm(mpmath.mpf(10) ** 40) - norm(mpmath.mpf(10) ** 39)) / mpmath.log(10)
    assert float(slope) == pytest.approx(1 / margin, rel=1e-6)
