"""Chapter 1's figures draw the data they are given, and say so in words."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

from xent_helpers.plots import likelihood as plots

FLIPS = np.array([1, 1, 0, 1] * 50)
DRAWN = {
    "likelihood_as_n_grows": lambda: plots.likelihood_as_n_grows(FLIPS, (4, 40))[0],
    "loss_against_probability": plots.loss_against_probability,
    "likelihood_at": lambda: plots.likelihood_at(0.6, FLIPS[:8])[0],
    "loss_floor": lambda: plots.loss_floor()[0],
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


def test_the_floor_is_the_entropy_and_no_point_of_the_bowl_is_below():
    axes = plots.loss_floor((0.5, 0.25))
    for ax, share in zip(axes, (0.5, 0.25), strict=True):
        entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
        bowl, level, dot = ax.lines
        assert level.get_ydata()[0] == pytest.approx(entropy)
        assert bowl.get_ydata().min() >= entropy - 1e-12
        assert dot.get_xydata().tolist() == [[share, pytest.approx(entropy)]]
    assert "share of ones 0.25: least 0.562 nats" in axes[0].figure.alt


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
