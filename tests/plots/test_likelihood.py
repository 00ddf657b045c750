"""Chapter 1's figures draw the data they are given, and say so in words."""

import numpy as np
import pytest
from matplotlib.axes import Axes

from xent_helpers.plots import likelihood as plots

FLIPS = np.array([1, 1, 0, 1] * 50)
DICE = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])
RADIUS, LABELS = np.array([6.5, 7.1, 7.9, 9.2]), np.array([1, 1, 0, 0])
CURVE = np.array([0.9, 0.7, 0.4, 0.1])
MODELS = {"oracle": (1.5, 1.6), "memoriser": (0.01, 4.2)}
DRAWN = {
    "likelihood_as_n_grows": lambda: plots.likelihood_as_n_grows(FLIPS, (4, 40))[0],
    "loss_against_probability": plots.loss_against_probability,
    "likelihood_at": lambda: plots.likelihood_at(0.6, FLIPS[:8])[0],
    "dice_side_by_side": lambda: plots.dice_side_by_side(DICE, ("small", "large"), ("a", "b", "c"))[0],
    "coins_along_radius": lambda: plots.coins_along_radius(RADIUS, LABELS, CURVE),
    "sorted_by_class": lambda: plots.sorted_by_class(np.array([0, 2, 1, 0]), np.array([0.2, 0.5, 0.3]))[0],
    "three_floors": lambda: plots.three_floors({"nothing": 0.66, "all": 0.0}, 2.3, 1.55, MODELS)[0],
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_has_axes_labels_title_and_alternative_text(name):
    ax = DRAWN[name]()
    assert isinstance(ax, Axes)
    assert ax.get_title(loc="left") and ax.get_xlabel() and ax.get_ylabel()
    assert len(ax.figure.alt) >= 40 and "nan" not in ax.figure.alt


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_figure_is_the_same_bytes(name):
    assert DRAWN[name]().figure.png() == DRAWN[name]().figure.png()


def test_likelihood_peaks_and_nll_bottoms_at_the_share_of_ones():
    axes = plots.likelihood_as_n_grows(FLIPS, (4, 40, 200))
    assert len(axes) == 3 and len(axes[0].figure.axes) == 6
    widths = []
    for ax, nll in zip(axes, axes[0].figure.axes[3:], strict=True):
        theta, height = ax.lines[0].get_data()
        assert theta[height.argmax()] == pytest.approx(0.75) and height.max() == 1
        assert theta[nll.lines[0].get_ydata().argmin()] == pytest.approx(0.75)
        widths.append(np.sum(height > 0.5))
    assert widths[0] > widths[1] > widths[2]
    bowls = [nll.lines[0].get_ydata() for nll in axes[0].figure.axes[3:]]
    assert np.allclose(bowls[0], bowls[1]) and np.allclose(bowls[0], bowls[2])
    assert "4 flips with share of ones 0.750" in axes[0].figure.alt


def test_one_size_gives_one_panel():
    (ax,) = plots.likelihood_as_n_grows(FLIPS, (7,))
    assert "N = 7" in ax.get_title(loc="left")


def test_loss_against_probability_marks_the_prediction_on_both_curves():
    ax = plots.loss_against_probability(0.8)
    marks = {line.get_marker(): line.get_ydata()[0] for line in ax.lines if len(line.get_xdata()) == 1}
    assert marks == {"o": pytest.approx(-np.log(0.8)), "s": pytest.approx(-np.log(0.2))}
    p, rising = ax.lines[2].get_data()
    assert np.allclose(rising, -np.log(1 - p))
    assert "costs 0.223 or 1.609" in ax.get_title(loc="left")


def test_each_die_has_a_panel_and_each_class_a_bar():
    axes = plots.dice_side_by_side(DICE, ("small", "large"), ("a", "b", "c"))
    for ax, name, die in zip(axes, ("small", "large"), DICE, strict=True):
        assert ax.get_title(loc="left") == name
        assert [bar.get_height() for bar in ax.patches] == pytest.approx(die)
    assert "large: 0.20, 0.30, 0.50" in axes[0].figure.alt


def test_the_bars_along_the_radius_are_the_shares_of_ones_and_fill_up_to_one():
    ax = plots.coins_along_radius(RADIUS, LABELS, CURVE)
    starts, heights = zip(*((bar.get_x(), bar.get_height()) for bar in ax.patches), strict=True)
    assert starts == pytest.approx([6, 7, 9] * 2)
    assert heights == pytest.approx([1, 0.5, 0, 0, 0.5, 1])
    assert ax.lines[0].get_xydata().tolist() == np.stack([RADIUS, CURVE], axis=1).tolist()


def test_sorting_by_class_keeps_the_area_which_is_the_mean():
    labels, p = np.array([0, 2, 1, 0, 0]), np.array([0.2, 0.5, 0.3])
    for ax in plots.sorted_by_class(labels, p):
        area = sum(bar.get_width() * bar.get_height() for bar in ax.patches)
        assert area == pytest.approx(-np.log(p[labels]).mean())
    heights = [bar.get_height() for bar in ax.patches]
    assert heights == pytest.approx(-np.log(p[np.sort(labels)]))


def test_the_three_floors_and_both_models_stand_where_they_belong():
    own, population = plots.three_floors({"nothing": 0.66, "all": 0.0}, 2.3, 1.55, MODELS)
    assert [bar.get_height() for bar in own.patches] == [0.66, 0.0]
    levels = {line.get_ydata()[0] for line in population.lines if line.get_marker() == "None"}
    assert levels == {0, 1.55, 2.3}
    drawn = {tuple(line.get_ydata()) for line in population.lines if line.get_marker() != "None"}
    assert drawn == set(MODELS.values())


@pytest.mark.parametrize("theta", [0.01, 0.6, 0.99])
def test_one_theta_shows_every_factor_and_their_product(theta):
    flips = np.array([1, 0, 1, 1])
    factors, curve = plots.likelihood_at(theta, flips)
    heights = {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in factors.patches}
    assert [heights[i] for i in (1, 2, 3, 4)] == pytest.approx([theta, 1 - theta, theta, theta])
    assert {bar.get_hatch() for bar in factors.patches} == {"", "//"}
    grid, likelihood = curve.lines[0].get_data()
    assert np.allclose(likelihood, grid**3 * (1 - grid)) and grid[likelihood.argmax()] == pytest.approx(0.75)
    assert curve.lines[-1].get_xydata().tolist() == [[theta, pytest.approx(theta**3 * (1 - theta))]]
    assert f"theta = {theta:.2f} gives" in curve.figure.alt and "highest at 0.75" in curve.figure.alt
