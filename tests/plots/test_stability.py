"""Chapter 3's figures draw what the losses given to them compute, and say so in words."""

from decimal import Decimal

import matplotlib.pyplot as plt
import mpmath
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from xent_helpers import losses
from xent_helpers.plots import stability as plots


def naive(z, y):
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    return -np.log(p[np.arange(len(y)), y])


def package(z, y):
    return losses.cross_entropy(z, y, reduction="none")


BOTH = {"naive": naive, "package": package}
DRAWN = {
    "sigmoid_and_softplus": lambda: plots.sigmoid_and_softplus()[0],
    "scores_to_loss": lambda: plots.scores_to_loss((1.0, 2.0, 0.1), 1)[0],
    "loss_of_a_wrong_answer": lambda: plots.loss_of_a_wrong_answer(BOTH),
    "overflow_map": lambda: plots.overflow_map(BOTH, (np.float32,))[0],
    "relative_error": lambda: plots.relative_error(BOTH, (np.float32,), rows=4)[0],
}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_has_axes_labels_title_and_alternative_text(name):
    ax = DRAWN[name]()
    assert isinstance(ax, Axes)
    assert ax.get_title(loc="left") and ax.get_xlabel() and ax.get_ylabel()
    assert len(ax.figure.alt) >= 40 and "described" not in ax.figure.alt


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_figure_is_the_same_bytes(name):
    assert DRAWN[name]().figure.png() == DRAWN[name]().figure.png()


@pytest.mark.parametrize("z", [[1.0, 2.0, 0.1], [0.0, 0.0, 0.0], [60.0, 0.0, 1.0], [-1e4, 1e4, 0.0], [200.0, 3.0, 0.0]])
@pytest.mark.parametrize("label", range(3))
def test_the_reference_has_39_digits(z, label):
    """Another many-digit library, on the definition: −log of the probability."""
    (came,) = plots.exact_loss(np.array([z]), np.array([label]))
    with mpmath.workdps(9000):
        total = mpmath.fsum(mpmath.exp(mpmath.mpf(score)) for score in z)
        due = -mpmath.log(mpmath.exp(mpmath.mpf(z[label])) / total)
    with mpmath.workdps(60):
        due = Decimal(mpmath.nstr(+due, 50))
    assert abs(came - due) <= Decimal("1e-39") * abs(due)


def test_sigmoid_marks_the_logit_of_its_probability_and_softplus_the_corner():
    left, right = plots.sigmoid_and_softplus(0.9)
    curve, guide, dot = left.lines
    assert dot.get_xydata()[0] == pytest.approx([np.log(9), 0.9])
    assert guide.get_xdata()[0] == pytest.approx(np.log(9))
    z, p = curve.get_data()
    assert p == pytest.approx(1 / (1 + np.exp(-z)))
    z, height = right.lines[0].get_data()
    assert height == pytest.approx(np.log(1 + np.exp(z)))
    assert right.lines[3].get_xydata()[0] == pytest.approx([0, np.log(2)])
    assert "0.9 has the logit 2.197" in left.figure.alt


def test_a_line_stops_with_a_cross_where_the_loss_does():
    ax = plots.loss_of_a_wrong_answer(BOTH, gaps=np.arange(0, 121, 2))
    line, cross, whole = ax.lines
    assert line.get_xdata()[-1] == cross.get_xdata()[0] == 88
    assert line.get_ydata()[10] == pytest.approx(20, abs=1e-4)
    assert whole.get_xdata()[-1] == 120 and whole.get_ydata()[-1] == pytest.approx(120)
    notes = [text.get_text() for text in ax.texts]
    assert notes == ["naive\ninf or NaN from here on", "package"]
    assert "naive: finite up to a gap of 88" in ax.figure.alt


def test_outcomes_are_named():
    z = np.array([[0, 1], [0, 200], [200, 0], [30, 0], [95, 0], [110, 0]], dtype=np.float32)
    y = np.zeros(6, dtype=int)
    assert plots.outcomes(naive, z, y) == ["right", "inf", "NaN", "0", "NaN", "NaN"]
    assert plots.outcomes(package, z, y) == ["right"] * 6


def test_right_is_off_by_half_or_by_one_subnormal_at_most():
    """Losses of 200 and, below float32's normal numbers, of exp(-103.5), which is a single smallest step or 0."""
    z, y = np.array([[0, 200], [103.5, 0], [102, 0]], dtype=np.float32), np.zeros(3, dtype=int)
    for share, outcome in ((0.49, "off by more"), (0.51, "right"), (1.49, "right"), (1.51, "off by more")):
        assert plots.outcomes(lambda z, y, share=share: share * np.array([200, 0, 200]), z, y)[0] == outcome
    assert plots.outcomes(lambda z, y: np.zeros(3), z, y) == ["0", "right", "0"]


def test_the_map_has_a_bar_for_each_run_of_equal_outcomes():
    wrong, right = plots.overflow_map(BOTH, (np.float32, np.float64))
    assert [label.get_text() for label in wrong.get_yticklabels()] == [
        f"{dtype} {name}" for dtype in ("float32", "float64") for name in BOTH
    ]
    bars = [(to_hex(bar.get_facecolor()).upper(), bar.get_x(), bar.get_width()) for bar in wrong.patches]
    colours = {name: colour for name, (colour, _) in plots.OUTCOMES.items()}
    assert [colour for colour, *_ in bars] == [
        *(colours[name] for name in ("right", "inf", "right")),
        *(colours[name] for name in ("right", "inf", "right")),
    ]
    assert 85 < bars[0][2] < 92 and 690 < bars[3][2] < 730  # where exp overflows
    assert bars[2][1] == 1 and bars[2][2] == pytest.approx(9999)
    assert to_hex(right.patches[0].get_facecolor()).upper() == colours["right"]
    assert "float64 package is right throughout" in wrong.figure.alt
    assert "NaN at last" in wrong.figure.alt


def test_relative_errors_lie_between_the_floor_and_one():
    axes = plots.relative_error(BOTH, (np.float32, np.float64), rows=8)
    for ax, dtype, limit in zip(axes, (np.float32, np.float64), (17, 37), strict=True):
        broken, kept = ax.lines
        floor = 4 * np.finfo(dtype).eps
        margin, error = broken.get_data()
        assert (error[margin > limit + 1] == 1).all() and (error[margin < limit - 4] < 0.5).all()
        assert error[margin == 12][0] > 100 * floor
        assert (kept.get_ydata() == floor).all()
        assert ax.get_title(loc="left") == dtype.__name__
    assert "naive in float64 has no digit left from margin 40 on" in axes[0].figure.alt
    assert "package in float32 keeps its digits throughout" in axes[0].figure.alt


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
