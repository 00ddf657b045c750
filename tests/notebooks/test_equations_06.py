"""Each numbered equation of chapter 6, by a route that the chapter does not take."""

from itertools import combinations

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression

from xent_helpers import data, losses


def samples(seed=0, n=9, d=4, c=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.integers(0, c, n), rng.normal(size=(d, c)), rng.normal(size=c)


@pytest.mark.parametrize("classes", [2, 3, 10, 50257])
def test_6_1_equal_logits_cost_the_logarithm_of_the_number_of_classes(classes):
    exact = float(mpmath.log(classes))
    for level in (0.0, 3.5, -200.0):
        z = np.full((2, classes), level)
        assert losses.cross_entropy(z, np.array([0, classes - 1])) == pytest.approx(exact, rel=1e-14)


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(0, 100), min_size=1, max_size=6), min_size=1, max_size=6))
def test_6_2_the_weighted_mean_of_batch_means_is_the_mean_of_all_samples(batches):
    everything = [nats for batch in batches for nats in batch]
    weighted = sum(len(batch) / len(everything) * float(np.mean(batch)) for batch in batches)
    assert weighted == pytest.approx(float(np.mean(everything)), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("share", "count"), [(0.5, 1), (0.97, 12), (0.1, 30)])
def test_6_3_the_standard_error_by_adding_up_every_count_of_right_decisions(share, count):
    rights = np.arange(count + 1)
    chances = binom.pmf(rights, count, share)
    variance = chances @ (rights / count - share) ** 2
    assert np.sqrt(share * (1 - share) / count) == pytest.approx(np.sqrt(variance), rel=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_6_4_over_all_minibatches_the_mean_gradient_is_the_full_one(size):
    x, y, w, _ = samples(n=6)
    errors = softmax(x @ w, axis=1) - np.eye(3)[y]
    gradients = x[:, :, None] * errors[:, None, :]
    every = [gradients[list(rows)].mean(axis=0) for rows in combinations(range(6), size)]
    np.testing.assert_allclose(np.mean(every, axis=0), x.T @ errors / 6, rtol=0, atol=1e-14)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
def test_6_5_the_spread_over_all_minibatches_drawn_without_replacement(size):
    entries = np.random.default_rng(0).normal(size=6)
    every = [entries[list(rows)].mean() for rows in combinations(range(6), size)]
    predicted = entries.std() / np.sqrt(size) * np.sqrt((6 - size) / (6 - 1))
    assert np.std(every) == pytest.approx(predicted, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("strength", [0.1, 1.0, 10.0])
def test_6_6_scikit_learns_optimum_is_where_the_penalised_loss_is_flat(strength):
    split = data.iris().split()
    x, y = split.x_train, split.y_train
    model = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(x, y)
    w, b = (torch.tensor(v, requires_grad=True) for v in (model.coef_.T.copy(), model.intercept_.copy()))
    logits = torch.from_numpy(x) @ w + b
    penalised = losses.cross_entropy(logits, torch.from_numpy(y), reduction="sum") + (w**2).sum() / (2 * strength)
    for gradient in torch.autograd.grad(penalised, (w, b)):
        assert gradient.abs().max() < 1e-10


def test_6_7_two_columns_share_the_weights_at_half_the_penalty():
    v = np.random.default_rng(0).normal(size=7)
    difference = np.hstack([-np.eye(7), np.eye(7)])  # (w0, w1) to w1 - w0
    shortest = np.linalg.pinv(difference) @ v  # the least norm among all with that difference
    np.testing.assert_allclose(shortest, np.concatenate([-v / 2, v / 2]), rtol=0, atol=1e-14)
    assert shortest @ shortest == pytest.approx(v @ v / 2, rel=1e-14)
    shift = np.tile(np.random.default_rng(1).normal(size=7), 2)
    assert (shortest + shift) @ (shortest + shift) == pytest.approx(v @ v / 2 + shift @ shift, rel=1e-13)


def test_6_7_two_logits_move_like_one_at_twice_the_rate():
    split = data.breast_cancer().split()
    x, y = split.x_train, split.y_train
    one, two = np.zeros(30), np.zeros((30, 2))
    for _ in range(50):
        one -= 0.2 * x.T @ (expit(x @ one) - y) / len(y)
        two -= 0.1 * x.T @ (softmax(x @ two, axis=1) - np.eye(2)[y]) / len(y)
    np.testing.assert_allclose(two[:, 1] - two[:, 0], one, rtol=0, atol=1e-13)
