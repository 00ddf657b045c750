"""The numbered equations of chapter 5, each by a road that the chapter does not take."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mpmath import log1p, mp, mpf
from scipy.optimize import minimize_scalar
from scipy.special import softmax, xlogy
from sklearn.metrics import log_loss

from xent_helpers import losses


def test_5_1_weighted_mean_is_scikit_learns_log_loss_with_sample_weights():
    rng = np.random.default_rng(1)
    logits, labels, weight = rng.normal(size=(20, 3)), rng.integers(0, 3, 20), np.array([1.0, 3.0, 5.0])
    kept = labels != 2
    wanted = log_loss(labels[kept], softmax(logits, axis=1)[kept], sample_weight=weight[labels[kept]], labels=[0, 1, 2])
    for library, array in ((losses, np.asarray), (F, torch.tensor)):
        found = library.cross_entropy(array(logits), array(labels), weight=array(weight), ignore_index=2)
        assert float(found) == pytest.approx(wanted, rel=1e-12)


def test_5_2_smoothing_is_a_mixture_of_the_loss_and_the_mean_over_all_classes():
    logits = torch.tensor(np.random.default_rng(2).normal(size=(6, 4)))
    labels, eps = torch.tensor([0, 1, 2, 3, 0, 1]), 0.3
    every = torch.stack([F.cross_entropy(logits, torch.full((6,), c)) for c in range(4)])
    mixture = (1 - eps) * F.cross_entropy(logits, labels) + eps * every.mean()
    torch.testing.assert_close(losses.cross_entropy(logits, labels, label_smoothing=eps), mixture, rtol=1e-13, atol=0)
    torch.testing.assert_close(F.cross_entropy(logits, labels, label_smoothing=eps), mixture, rtol=1e-13, atol=0)
    q = (1 - eps) * np.eye(4)[0] + eps / 4
    assert q.sum() == pytest.approx(1, rel=1e-14) and q[0] == pytest.approx(1 - eps + eps / 4, rel=1e-14)


def test_5_3_pos_weight_counts_each_positive_c_times():
    """A whole pos_weight equals repeated positives, summed; the mean still divides by the number of entries."""
    z, y = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64), torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)
    repeated = [0, 0, 0, 1, 2, 2, 2]
    wanted = F.binary_cross_entropy_with_logits(z[repeated], y[repeated], reduction="sum") / 3
    for library in (losses, F):
        found = library.binary_cross_entropy_with_logits(z, y, pos_weight=torch.tensor(3.0, dtype=torch.float64))
        torch.testing.assert_close(found, wanted, rtol=1e-13, atol=0)


@pytest.mark.parametrize(("c", "share"), [(1.0, 0.25), (3.0, 0.25), (0.5, 0.9)])
def test_5_4_optimum_under_pos_weight(c, share):
    def expected(p):
        return -(xlogy(c * share, p) + xlogy(1 - share, 1 - p))

    found = minimize_scalar(expected, bounds=(1e-6, 1 - 1e-6), method="bounded", options={"xatol": 1e-10}).x
    assert found == pytest.approx(c * share / (c * share + 1 - share), abs=1e-6)


@pytest.mark.parametrize("classes", [2, 10, 50_257])
def test_5_5_floor_of_a_softmax_taken_twice(classes):
    """No probability vector, corner or not, gets below the loss of the true corner."""
    corner = torch.zeros(classes, dtype=torch.float64)
    corner[0] = 1
    floor = F.cross_entropy(corner, torch.tensor(0)).item()
    assert floor == pytest.approx(math.log(1 + (classes - 1) / math.e), rel=1e-12)
    rng = np.random.default_rng(0)
    for scale in (0.1, 3, 30):
        p = torch.tensor(softmax(scale * rng.normal(size=classes)))
        assert F.cross_entropy(p, torch.tensor(0)).item() >= floor


@pytest.mark.parametrize("classes", [2, 5, 10])
def test_5_5_gradient_at_the_start_is_c_times_smaller(classes):
    def slope(f):
        z = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
        F.cross_entropy(f(z), torch.tensor(1)).backward()
        return z.grad

    torch.testing.assert_close(classes * slope(lambda z: z.softmax(0)), slope(lambda z: z), rtol=1e-13, atol=0)


@pytest.mark.parametrize("margin", [0.5, 5.0, 20.0, 35.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@mp.workdps(50)
def test_5_6_ours_holds_four_units_against_mpmath(margin, dtype):
    logits = torch.tensor([margin, 0.0, -1.0], dtype=dtype)
    exact = log1p(mp.exp(-mpf(margin)) + mp.exp(-mpf(margin) - 1))
    unit = mpf(torch.finfo(dtype).eps) * exact * max(1, margin)
    assert abs(mpf(losses.cross_entropy(logits, torch.tensor(0)).item()) - exact) <= 4 * unit
