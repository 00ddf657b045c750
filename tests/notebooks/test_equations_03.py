"""Chapter 3's numbered equations, each by a route of its own."""

import mpmath
import numpy as np
import pytest
import torch
from scipy import optimize, special
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from xent_helpers import data, losses

ROWS = np.random.default_rng(3).normal(size=(20, 4)) * 3
LABELS = np.random.default_rng(4).integers(0, 4, 20)
SCORES = np.array([-800.0, -40.0, -1.5, 0.0, 0.3, 17.0, 40.0, 800.0])


def exact_lse(row):
    with mpmath.workdps(50):
        return mpmath.log(mpmath.fsum(mpmath.exp(mpmath.mpf(float(score))) for score in row))


def exact_loss(row, label):
    with mpmath.workdps(450):
        total = mpmath.fsum(mpmath.exp(mpmath.mpf(float(score)) - mpmath.mpf(float(row[label]))) for score in row)
        return float(mpmath.log(total))


@pytest.mark.parametrize("p", [1e-9, 0.25, 0.5, 0.75, 0.99])
def test_3_1_the_logit_is_scipys_and_changes_sign_with_p(p):
    logit = np.log(p / (1 - p))
    assert logit == pytest.approx(special.logit(p), abs=1e-12)
    assert np.log((1 - p) / p) == pytest.approx(-logit, abs=1e-12)


def test_3_2_the_sigmoid_is_where_the_logit_takes_the_score():
    """3.2: find p by bisection from 3.1; one more unit of input multiplies a fitted model's odds by exp(w)."""
    for score in (-3.0, 0.0, 1.2):
        root = optimize.brentq(lambda p, score=score: np.log(p / (1 - p)) - score, 1e-9, 1 - 1e-9)
        assert float(losses.sigmoid(np.array(score))) == pytest.approx(root, abs=1e-9)
    sample = data.breast_cancer()
    x = (sample.x[:, :1] - sample.x[:, :1].mean()) / sample.x[:, :1].std()
    model = LogisticRegression().fit(x, sample.y)
    p = model.predict_proba(np.array([[0.2], [1.2]]))[:, 1]
    odds = p / (1 - p)
    assert odds[1] / odds[0] == pytest.approx(np.exp(model.coef_[0, 0]))


def test_3_3_the_softmax_is_the_row_whose_log_odds_are_the_differences():
    """3.3: solve the linear system p_c − exp(z_c − z_0) p_0 = 0, Σ p = 1; and SciPy."""
    for row in ROWS:
        system = np.eye(4)
        system[:, 0] -= np.exp(row - row[0])
        system[0] = 1
        expected = np.linalg.solve(system, np.array([1.0, 0, 0, 0]))
        assert losses.softmax(row) == pytest.approx(expected, rel=1e-10)
    assert losses.softmax(ROWS) == pytest.approx(special.softmax(ROWS, axis=1), rel=1e-13)


@pytest.mark.parametrize("shift", [-1024.0, 5.0, 4096.0])
def test_3_4_a_common_shift_changes_nothing(shift):
    """3.4: for scores on a grid of 1/8 the sums are exact, and so is the invariance of the loss."""
    rows = np.round(ROWS * 8) / 8
    assert losses.softmax(rows + shift) == pytest.approx(losses.softmax(rows), rel=1e-14)
    moved, still = (losses.cross_entropy(z, LABELS, reduction="none") for z in (rows + shift, rows))
    assert moved == pytest.approx(still, rel=1e-12)
    assert losses.softmax(np.array([0.0, 2.0]))[1] == pytest.approx(special.expit(2.0))


def test_3_5_is_log_sum_exp_minus_the_true_score():
    """3.5: against 50 digits, SciPy's log_softmax, and the number that the read-first text never shows."""
    for row, label in zip(ROWS, LABELS, strict=True):
        expected = float(exact_lse(row) - mpmath.mpf(float(row[label])))
        assert float(losses.cross_entropy(row, np.array(label))) == pytest.approx(expected, rel=1e-12)
        assert float(losses.cross_entropy(row, np.array(label))) == pytest.approx(-special.log_softmax(row)[label])
    assert f"{losses.cross_entropy(np.array([1.0, 2.0, 0.1]), np.array(1)):.4f}" == "0.4170"


def test_3_6_log_sum_exp_lies_within_log_c_above_the_maximum():
    """3.6: with equality at the right for ties and, in the limit, at the left for one large score."""
    lse = special.logsumexp(ROWS, axis=1)
    assert (ROWS.max(axis=1) < lse).all() and (lse < ROWS.max(axis=1) + np.log(4)).all()
    assert float(losses.logsumexp(np.full(7, 3.0))) == pytest.approx(3 + np.log(7))
    assert float(losses.logsumexp(np.array([900.0, 0.0]))) == 900


@pytest.mark.parametrize("score", SCORES)
def test_3_7_softplus_is_the_loss_of_either_label(score):
    """3.7: against 450 digits, by way of the probability, which float64 could not hold."""
    with mpmath.workdps(450):
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(score)))
        label_1, label_0 = float(-mpmath.log(p)), float(-mpmath.log(1 - p))
    assert float(losses.softplus(np.array(-score))) == pytest.approx(label_1, rel=1e-14, abs=0)
    assert float(losses.softplus(np.array(score))) == pytest.approx(label_0, rel=1e-14, abs=0)


@pytest.mark.parametrize("y", [0.0, 0.25, 1.0])
def test_3_8_the_binary_loss_is_the_sum_over_two_classes(y):
    """3.8: value and derivative, PyTorch's cross-entropy of probability targets against its binary loss."""
    p = torch.tensor([0.1, 0.5, 0.93], dtype=torch.float64, requires_grad=True)
    labels = torch.full((3,), y, dtype=torch.float64)
    rows, q = torch.stack([1 - p, p], dim=1), torch.stack([1 - labels, labels], dim=1)
    two = F.cross_entropy(torch.log(rows), q, reduction="sum")  # log p are logits whose softmax is p
    one = losses.binary_cross_entropy(p, labels, reduction="sum")
    assert two.item() == pytest.approx(one.item())
    assert torch.allclose(torch.autograd.grad(two, p)[0], torch.autograd.grad(one, p)[0])


def test_3_9_the_gradient_is_p_minus_y():
    """3.9: central differences, and the three numbers of the text."""
    for row, label in zip(ROWS, LABELS, strict=True):
        expected = special.softmax(row) - np.eye(4)[label]
        numeric = optimize.approx_fprime(row, lambda z, label=label: special.logsumexp(z) - z[label], 1e-7)
        assert numeric == pytest.approx(expected, abs=1e-5)
        z = torch.tensor(row, requires_grad=True)
        (gradient,) = torch.autograd.grad(losses.cross_entropy(z, torch.tensor(label)), z)
        assert gradient.numpy() == pytest.approx(expected, abs=1e-14)
    assert (special.softmax([1, 2, 0.1]) - [0, 1, 0]).round(3).tolist() == [0.242, -0.341, 0.099]


@pytest.mark.parametrize("s", [-3.0, 0.0, 2.5, 11.0])
def test_3_10_any_shift_gives_the_same_log_sum_exp(s):
    for row in ROWS:
        assert s + np.log(np.exp(row - s).sum()) == pytest.approx(float(exact_lse(row)), rel=1e-12)


@pytest.mark.parametrize("x", [*SCORES, -1e4, 1e4])
def test_3_11_softplus_without_overflow(x):
    """3.11: against NumPy's logaddexp, which is a different routine, and at the corner."""
    assert max(x, 0) + np.log1p(np.exp(-abs(x))) == pytest.approx(float(np.logaddexp(0, x)), rel=1e-14, abs=0)
    assert float(losses.softplus(np.array(x))) == pytest.approx(float(np.logaddexp(0, x)), rel=1e-14, abs=0)


@pytest.mark.parametrize("margin", [0.5, 20.0, 40.0, 300.0, 700.0])
def test_3_12_log1p_keeps_the_loss_of_a_right_answer(margin):
    row = np.array([margin, 0.0, -1.0])
    expected = exact_loss(row, 0)
    assert np.log1p(np.exp(row[1:] - row[0]).sum()) == pytest.approx(expected, rel=1e-14, abs=0)
    assert float(losses.cross_entropy(row, np.array(0))) == pytest.approx(expected, rel=1e-14, abs=0)


@pytest.mark.parametrize("label", range(3))
@pytest.mark.parametrize("row", [[20.0, 0.0, -1.0], [0.0, 0.0, 0.0], [-3.0, 40.0, 39.5], [1.0, 1.0, -700.0]])
def test_3_13_the_loss_keeps_its_digits_whichever_class_is_true(row, label):
    """3.13: to 450 digits for the package; the formula itself, where it needs no log1p."""
    row = np.array(row)
    m, others = row.max(), np.delete(row, label)
    expected = exact_loss(row, label)
    formula = (m - row[label]) + np.log(np.exp(row[label] - m) + np.exp(others - m).sum())
    assert formula == pytest.approx(expected, rel=1e-13, abs=1e-15)
    assert float(losses.cross_entropy(row, np.array(label))) == pytest.approx(expected, rel=1e-13, abs=0)
