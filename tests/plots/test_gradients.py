"""Chapter 4's figures draw the data they are given, and say so in words."""

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
TWO = np.column_stack([np.ones(40), SCORES / 4])
PATH = np.outer(np.arange(4), [0.1, 0.2])
DRAWN = {
    "difference_errors": lambda: plots.difference_errors(STEPS, ERRORS, ERRORS, BEST)[0],
    "losses_and_slopes": lambda: plots.losses_and_slopes()[0],
    "two_landscapes": lambda: plots.two_landscapes(TWO, LABELS, np.array([8.0, -4.0]))[0],
    "two_ways_down": lambda: plots.two_ways_down(TWO, LABELS, PATH, PATH)[0],
}


def texts(ax):
    return " ".join(text.get_text() for text in ax.texts)


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_has_axes_labels_title_and_alternative_text(name):
    ax = DRAWN[name]()
    assert isinstance(ax, Axes)
    assert ax.get_title(loc="left") and ax.get_xlabel() and ax.get_ylabel()
    assert len(ax.figure.alt) >= 40 and "nan" not in ax.figure.alt


OTHERS = {
    "steepest_curvature": lambda: plots.steepest_curvature(12),
    "gradient_as_transfer": lambda: plots.gradient_as_transfer(np.array([0.7, 0.2, 0.1]), label=2)[0],
}


@pytest.mark.parametrize("name", [*DRAWN, *OTHERS])
def test_the_same_figure_is_the_same_bytes(name):
    draw = (DRAWN | OTHERS)[name]
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


def test_the_push_on_the_logits_is_y_minus_p():
    belief, push = plots.gradient_as_transfer(np.array([0.7, 0.2, 0.1]), label=2)
    np.testing.assert_allclose([bar.get_height() for bar in push.patches], [-0.7, -0.2, 0.9])
    assert {"0.700", "0.200", "0.100"} <= {text.get_text() for text in belief.texts}
    assert "class 2 +0.900" in push.figure.alt


def test_each_landscape_has_the_path_of_its_own_loss():
    x = np.column_stack([np.ones(40), SCORES / 4])
    axes = plots.two_landscapes(x, LABELS, start=np.array([8.0, -4.0]), steps=50)
    for ax, curved in zip(axes, (False, True), strict=True):
        path = np.column_stack(ax.lines[0].get_data())
        p = losses.sigmoid(x @ path[0])
        slope = (p - LABELS) * (p * (1 - p) if curved else 1.0)
        assert len(path) == 51
        np.testing.assert_allclose(path[1] - path[0], -x.T @ slope / 40)


def test_two_ways_down_draws_both_paths_and_their_gaps():
    x = np.column_stack([SCORES / 4, np.random.default_rng(2).normal(size=40)])
    descent, newton = np.outer(np.arange(4), [0.1, 0.0]), np.outer(np.arange(3), [0.5, 0.0])
    mean_loss = [float(losses.binary_cross_entropy_with_logits(x @ w, LABELS)) for w in newton]
    left, right = plots.two_ways_down(x, LABELS, descent, newton)
    np.testing.assert_array_equal(np.column_stack(left.lines[0].get_data()), descent)
    np.testing.assert_array_equal(np.column_stack(left.lines[1].get_data()), newton)
    np.testing.assert_allclose(right.lines[1].get_ydata(), np.maximum(np.array(mean_loss) - mean_loss[-1], 1e-12))
    assert "after 3 steps" in left.figure.alt


def test_steepest_curvature_is_0_at_the_corners_and_a_half_between_them():
    ax = plots.steepest_curvature(20)
    assert ax.get_title(loc="left") and len(ax.figure.alt) >= 40
    assert ax.figure.axes[1].get_ylabel() == "largest eigenvalue"
    assert texts(ax).count("certain") == 3 and len(ax.lines[0].get_xdata()) == 3
