"""Chapter 2's figures draw what they are given, and say so to a reader who cannot see them."""

import numpy as np

from xent_helpers import plots
from xent_helpers.plots import information as figures

COSTS = {"log": lambda r: -np.log(r), "absolute error": lambda r: 1 - r, "Brier": lambda r: 2 * (1 - r) ** 2}
BEST = {"log": 0.6, "absolute error": 1.0, "Brier": 0.6}


def described(ax):
    figure = np.atleast_1d(ax)[0].figure
    assert len(figure.alt) >= 40
    return figure.alt


def test_the_surprise_curve_is_minus_log():
    ax = plots.surprise_curve((0.5, 0.1))
    curve, marks = ax.lines[:2]
    np.testing.assert_allclose(curve.get_ydata(), -np.log(curve.get_xdata()))
    np.testing.assert_allclose(marks.get_xydata(), [[0.5, np.log(2)], [0.1, np.log(10)]])
    assert [text.get_text() for text in ax.texts] == ["p = 0.5: 1 bit", "p = 0.1: 3.32 bits"]
    assert "0.1 costs 3.32 bits" in described(ax)
    assert "nats" in ax.get_ylabel() and ax.get_xlabel() and ax.get_title(loc="left")


def test_the_right_hand_axis_of_the_surprise_curve_is_in_bits():
    ax = plots.surprise_curve()
    ax.figure.canvas.draw()
    (bits,) = ax.child_axes
    assert bits.get_ylabel() == "in bits"
    np.testing.assert_allclose(np.array(ax.get_ylim()) / np.log(2), bits.get_ylim())


def test_two_fits_draws_the_truth_as_bars_and_both_bells():
    values, truth = np.arange(4), np.array([0.4, 0.1, 0.1, 0.4])
    forward, reverse = np.array([0.2, 0.3, 0.3, 0.2]), np.array([0.9, 0.1, 0.0, 0.0])
    ax = plots.two_fits(values, truth, forward, reverse)
    assert [bar.get_height() for bar in ax.patches] == truth.tolist()
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), forward)
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), reverse)
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()
    assert ax.get_xlabel() == "value" and ax.get_ylabel() == "probability" and ax.get_title(loc="left")
    assert "top near 1" in described(ax) and "hump at 0" in described(ax)
    assert len(ax.get_legend().get_texts()) == 3


def test_loss_parts_draws_the_floor_and_what_is_above_it():
    ax = plots.loss_parts(0.4, {"good": 0.4, "bad": 0.9})
    floor, above = ax.containers
    np.testing.assert_allclose([bar.get_width() for bar in floor], [0.4, 0.4])
    np.testing.assert_allclose([bar.get_width() for bar in above], [0.0, 0.5])
    np.testing.assert_allclose([bar.get_x() for bar in above], [0.4, 0.4])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["good", "bad"]
    assert [text.get_text() for text in ax.texts] == ["0.400", "0.900"]
    assert "0.400 nats" in described(ax) and "good 0.000, bad 0.500" in described(ax) and "nats" in ax.get_xlabel()


def test_expected_scores_sorts_honest_from_others_and_marks_the_lowest_point():
    axes = plots.expected_scores(COSTS, BEST | {"not drawn": 0.9}, truth=0.6)
    labels = [[line.get_label() for line in ax.lines if ":" in line.get_label()] for ax in axes]
    assert labels == [["log: 0.600", "Brier: 0.600"], ["absolute error: 1.000"]]
    for ax in axes:
        for line in ax.lines[:-1]:  # the last one is the truth
            p, cost = line.get_data()
            name = line.get_label().split(":")[0]
            np.testing.assert_allclose(cost, 0.6 * COSTS[name](p) + 0.4 * COSTS[name](1 - p))
            (mark,) = line.get_markevery()
            assert mark == cost.argmin() and abs(p[mark] - BEST[name]) < 2e-3
        assert ax.lines[-1].get_xdata()[0] == 0.6
        assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title(loc="left")
    assert "log at 0.600, absolute error at 1.000, Brier at 0.600" in described(axes)
    assert "not drawn" not in described(axes)


def test_score_triangles_put_the_star_at_the_cheapest_belief():
    truth = (0.2, 0.5, 0.3)
    axes = plots.score_triangles(truth)
    at_truth, corner = figures._flat(np.array(truth)), figures._flat(np.array([0.0, 1.0, 0.0]))
    for ax, best in zip(axes, (at_truth, at_truth, corner), strict=True):
        star, ring = ax.lines[0], ax.lines[1]
        assert ring.get_marker() == "*" or star.get_marker() == "*"
        marks = {line.get_marker(): line.get_xydata()[0] for line in ax.lines if line.get_marker() in "*o"}
        np.testing.assert_allclose(marks["*"], best)
        np.testing.assert_allclose(marks["o"], at_truth)
        assert ax.get_title() and {text.get_text() for text in ax.texts} >= {"class 0", "class 1", "class 2"}
    assert "truth (0.2, 0.5, 0.3)" in described(axes) and "corner of class 1" in described(axes)


def test_the_beliefs_of_the_triangle_are_distributions_inside_it():
    beliefs = figures._beliefs(20)
    np.testing.assert_allclose(beliefs.sum(axis=1), 1)
    assert beliefs.min() > 0 and len(beliefs) == 21 * 22 // 2
