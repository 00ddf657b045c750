"""Chapter 4's figures draw the data they are given, and say so in words."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

from xent_helpers import losses
from xent_helpers.plots import gradients as plots

STEPS = 10.0 ** np.arange(-8, 1)
ERRORS = {"float64": 1e-3 * STEPS**2 + 1e-14 / STEPS, "float32": 1e-3 * STEPS**2 + 1e-7 / STEPS}
BEST = {"float64": 2e-4, "float32": 3e-2}
SCORES = np.random.default_rng(0).normal(size=40) * 4
LABELS = (SCORES + np.random.default_rng(1).normal(size=40) > 0).astype(float)
GAPS = {"gradient descent": 0.5 / np.arange(1, 101), "Newton": [0.5, 0.1, 1e-3, 1e-7, 0.0]}
DRAWN = {
    "difference_errors": lambda: plots.difference_errors(STEPS, ERRORS, ERRORS, BEST)[0],
    "losses_and_slopes": lambda: plots.losses_and_slopes()[0],
    "newton_parabola": lambda: plots.newton_parabola(SCORES, LABELS),
    "descent_and_newton": lambda: plots.descent_and_newton(GAPS),
}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def texts(ax):
    return " ".join(text.get_text() for text in ax.texts)


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_has_axes_labels_title_and_alternative_text(name):
    ax = DRAWN[name]()
    assert isinstance(ax, Axes)
    assert ax.get_title(loc="left") and ax.get_xlabel() and ax.get_ylabel()
    assert len(ax.figure.alt) >= 40 and "nan" not in ax.figure.alt


@pytest.mark.parametrize("name", [*DRAWN, "steepest_curvature"])
def test_the_same_figure_is_the_same_bytes(name):
    draw = DRAWN.get(name, lambda: plots.steepest_curvature(12))
    assert draw().figure.png() == draw().figure.png()


def test_difference_errors_draws_measured_and_theory_for_each_type():
    theory = {name: 2 * error for name, error in ERRORS.items()}
    for ax, name in zip(plots.difference_errors(STEPS, ERRORS, theory, BEST), ERRORS, strict=True):
        measured, predicted, best = ax.lines
        np.testing.assert_array_equal(measured.get_data(), (STEPS, ERRORS[name]))
        np.testing.assert_array_equal(predicted.get_ydata(), theory[name])
        assert best.get_xdata()[0] == BEST[name] and name in ax.get_title(loc="left")
        assert f"{name}: a V with its lowest point near h = {BEST[name]:.0e}" in ax.figure.alt


def test_losses_and_slopes_are_a_function_and_its_derivative():
    left, right = plots.losses_and_slopes(6.0)
    for curve, slope in zip(left.lines, right.lines, strict=True):
        z, loss = curve.get_data()
        middle = np.abs(np.gradient(loss, z))[1:-1]
        np.testing.assert_allclose(slope.get_ydata()[1:-1], np.maximum(middle, 1e-6), rtol=0.02, atol=1e-3)
    p = losses.sigmoid(np.array(-6.0))
    assert left.lines[1].get_ydata()[0] == pytest.approx(0.5 * (1 - p) ** 2)
    assert f"to {p * (1 - p) ** 2:.1e} at z = -6" in left.figure.alt


@pytest.mark.parametrize("start", [0.0, 0.3])
def test_newton_parabola_touches_the_loss_and_the_step_goes_to_its_bottom(start):
    ax = plots.newton_parabola(SCORES, LABELS, start)
    (t, loss), (_, parabola) = ax.lines[0].get_data(), ax.lines[1].get_data()
    near = np.abs(t - start) < 0.02
    np.testing.assert_allclose(loss[near], parabola[near], atol=1e-3)
    jump = ax.lines[3].get_xdata()[0]
    assert jump == pytest.approx(t[parabola.argmin()], abs=t[1] - t[0])
    assert ax.lines[2].get_xdata()[0] == start and f"t = {jump:.2f}" in ax.figure.alt


def test_descent_and_newton_draws_each_gap_down_to_the_floor():
    ax = plots.descent_and_newton(GAPS)
    descent, newton = ax.lines
    np.testing.assert_allclose(descent.get_ydata(), GAPS["gradient descent"])
    np.testing.assert_allclose(newton.get_ydata(), [0.5, 0.1, 1e-3, 1e-7, 1e-12])
    np.testing.assert_array_equal(newton.get_xdata(), [1, 2, 3, 4, 5])
    assert "gradient descent is 5e-03 nats above after 99 steps." in ax.figure.alt
    assert "Newton is less than 1e-12 nats above after 4 steps." in ax.figure.alt
    assert texts(ax) == "gradient descent Newton"


def test_steepest_curvature_is_0_at_the_corners_and_a_half_between_them():
    ax = plots.steepest_curvature(20)
    assert ax.get_title(loc="left") and len(ax.figure.alt) >= 40
    assert ax.figure.axes[1].get_ylabel() == "largest eigenvalue"
    assert texts(ax).count("certain") == 3 and len(ax.lines[0].get_xdata()) == 3
