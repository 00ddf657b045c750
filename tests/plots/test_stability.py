"""Chapter 3's figures draw what the losses given to them compute, and say so in words."""

from decimal import Decimal

import mpmath
import numpy as np
import pytest
from matplotlib.axes import Axes

from xent_helpers import losses
from xent_helpers.plots import stability as plots


def naive(z, y):
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    return -np.log(p[np.arange(len(y)), y])


def package(z, y):
    return losses.cross_entropy(z, y, reduction="none")


BOTH = {"naive": naive, "package": package}
PLANE = np.random.default_rng(0).normal(size=(12, 2))
LABELS, WEIGHTS = np.arange(12) % 3, np.random.default_rng(1).normal(size=(3, 3))
DRAWN = {
    "logistic_regression": lambda: plots.logistic_regression()[0],
    "scores_to_loss": lambda: plots.scores_to_loss((1.0, 2.0, 0.1), 1)[0],
    "binary_losses": lambda: plots.binary_losses(),
    "class_regions": lambda: plots.class_regions(PLANE, LABELS, {"at random": WEIGHTS}, ("first", "second"))[0],
    "digits_left": lambda: plots.digits_left(BOTH, (3, 10), leads=range(-100, 101, 20))[0],
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_has_axes_labels_title_and_alternative_text(name):
    ax = DRAWN[name]()
    assert isinstance(ax, Axes)
    assert ax.get_title(loc="left") and ax.get_xlabel() and ax.get_ylabel()
    assert len(ax.figure.alt) >= 40 and "described" not in ax.figure.alt


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_figure_is_the_same_bytes(name):
    assert DRAWN[name]().figure.png() == DRAWN[name]().figure.png()


@pytest.mark.parametrize("z, y", [((1.0, 2.0, 0.1), 1), ((-4.0, 4.0, 4.0), 0), ((0.0, 0.0, 0.0), 2)])
def test_scores_probabilities_and_loss_are_one_sample_s(z, y):
    scores, shares, curve = plots.scores_to_loss(z, y)
    p = np.exp(z) / np.exp(z).sum()
    assert [bar.get_height() for bar in scores.patches] == list(z)
    assert [bar.get_height() for bar in shares.patches] == pytest.approx(list(p))
    assert [bar.get_hatch() for bar in shares.patches] == ["//" if c == y else None for c in range(3)]
    lse, gap = scores.lines[0].get_ydata()[0], scores.lines[-1].get_ydata()
    assert lse == pytest.approx(np.log(np.exp(z).sum())) and gap.tolist() == [z[y], pytest.approx(lse)]
    assert curve.lines[-1].get_xydata().tolist() == [[pytest.approx(p[y]), pytest.approx(-np.log(p[y]))]]
    assert lse < scores.get_ylim()[1] and -np.log(p[y]) < curve.get_ylim()[1]
    assert f"{-np.log(p[y]):.3f}" in scores.get_title(loc="left") and f"{-np.log(p[y]):.3f}" in curve.figure.alt


@pytest.mark.parametrize("classes", [2, 1000])
@pytest.mark.parametrize("lead", [-120.0, -0.5, 0.0, 17.25, 120.0])
def test_the_reference_has_27_digits(lead, classes):
    """Another many-digit library, on the definition: −log of the probability."""
    with mpmath.workdps(200):
        due = -mpmath.log(mpmath.exp(lead) / (mpmath.exp(lead) + classes - 1))
        due = Decimal(mpmath.nstr(due, 60))
    assert abs(plots.exact_loss(lead, classes) - due) <= Decimal("1e-27") * due


def test_correct_digits_are_those_of_the_relative_error():
    """A loss that is off by a known share; 0 and worse count as no digit; what is not finite counts as NaN."""
    exact = float(plots.exact_loss(-2.0, 3))
    for value, digits in ((exact * 1.001, 3), (exact * 0.9, 1), (0.0, 0), (-exact, 0)):
        came = plots.correct_digits(lambda z, y, value=value: np.array([value]), np.array([-2.0]), 3)
        assert came == pytest.approx([digits], abs=1e-4)
    for value in (np.inf, np.nan):
        assert np.isnan(plots.correct_digits(lambda z, y, value=value: np.array([value]), np.array([-2.0]), 3))


@pytest.mark.parametrize("classes", [3, 1000])
def test_naive_digits_end_at_the_limits_and_the_package_s_do_not(classes):
    """Overflow at LSE = 88.72 on both sides; no digit from a lead of log(2 (C − 1) / ε) on; the package keeps six."""
    rivals, absorbed = np.log(classes - 1), np.log(2 / float(np.finfo(np.float32).eps))
    leads = np.array([rivals - 88.9, rivals - 88.5, -1, rivals + absorbed + 0.5, 88.5, 88.9])
    leads = np.round(leads * 16) / 16
    broken = plots.correct_digits(naive, leads, classes)
    assert np.isnan(broken[[0, 5]]).all() and (broken[1:3] > 6).all() and (broken[3:5] == 0).all()
    assert (plots.correct_digits(package, leads[:4], classes) > 6).all()


def test_digits_are_drawn_with_a_cross_where_they_end_and_described():
    left, right = plots.digits_left(BOTH, (3, 1000), leads=range(-100, 101, 2))
    for ax, first in ((left, -86), (right, -80)):
        crosses = [line.get_xydata()[0] for line in ax.lines if line.get_marker() == "X"]
        assert [x for x, _ in crosses] == [first, 88]
    assert "1000 classes, naive: finite from -80 to 88" in left.figure.alt
    assert "3 classes, package: finite from -100 to 100, digits kept behind, digits kept ahead" in left.figure.alt


def test_logistic_regression_marks_the_same_inputs_on_line_and_curve():
    line, curve = plots.logistic_regression(0.5, 0.25, (1.0, 3.0))
    assert line.lines[1].get_ydata() == pytest.approx([0.75, 1.75])
    assert curve.lines[1].get_ydata() == pytest.approx(1 / (1 + np.exp([-0.75, -1.75])))
    assert "0.679 and 0.852" in line.figure.alt


def test_binary_losses_mirror_each_other():
    ax = plots.binary_losses()
    (z, of_0), (_, of_1) = ax.lines[0].get_data(), ax.lines[2].get_data()
    assert of_0 == pytest.approx(np.log(1 + np.exp(z))) and of_1 == pytest.approx(of_0[::-1])


def test_regions_are_coloured_by_the_probabilities_and_titled_with_the_loss():
    models = {"zero": np.zeros((3, 3)), "at random": WEIGHTS}
    flat, mixed = plots.class_regions(PLANE, LABELS, models, ("first", "second"))
    picture = flat.images[0].get_array()
    assert np.ptp(picture, axis=(0, 1)).max() < 1e-9 and np.ptp(mixed.images[0].get_array()) > 0.1
    scores = np.column_stack([PLANE, np.ones(12)]) @ WEIGHTS
    loss = np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(12), LABELS])
    assert mixed.get_title(loc="left") == f"at random: loss {loss:.3f}"
    assert flat.get_title(loc="left") == "zero: loss 1.099"
