"""Chapter 2's figures draw what they are given, and say so to a reader who cannot see them."""

import numpy as np

from xent_helpers import plots

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


def test_score_triangles_ring_the_truth_and_point_downhill():
    """Each arrow points to where a small step lowers the expected score most: no other direction does better."""
    truth, belief = (0.2, 0.5, 0.3), (0.55, 0.41, 0.04)
    q, p = np.array(truth), np.array(belief)
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
    axes = plots.score_triangles(truth, belief)
    scores = (lambda r: -np.sum(q * np.log(r)), lambda r: np.sum((r - q) ** 2))
    for ax, score in zip(axes, scores, strict=True):
        (ring,) = [line for line in ax.lines if line.get_marker() == "o"]
        np.testing.assert_allclose(ring.get_xydata()[0], q @ corners)
        (arrow,) = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
        np.testing.assert_allclose(arrow.xyann, p @ corners)
        drawn = np.arctan2(*(np.array(arrow.xy) - arrow.xyann)[::-1])
        angles = drawn + np.linspace(-np.pi, np.pi, 361)
        steps = 1e-5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        moved = np.linalg.solve(np.vstack([corners.T, np.ones(3)]), np.vstack([(p @ corners + steps).T, np.ones(361)]))
        lowest = np.argmin([score(r) for r in moved.T])
        assert abs(lowest - 180) <= 1  # degrees from the drawn direction
        assert ax.get_title() and {text.get_text() for text in ax.texts} >= {"class 0", "class 1", "class 2"}
        assert len(ax.collections[0].levels) == 3
    assert "truth (0.2, 0.5, 0.3)" in described(axes)


def test_code_areas_are_the_mean_lengths():
    truth, codes = np.array([0.5, 0.25, 0.25]), {"short": ("0", "10", "11"), "long": ("11", "10", "0")}
    axes = plots.code_areas(truth, codes, ("a", "b", "c"))
    for ax, words in zip(axes, codes.values(), strict=True):
        boxes = ax.patches
        assert [box.get_width() for box in boxes] == truth.tolist()
        assert [box.get_height() for box in boxes] == [len(word) for word in words]
        np.testing.assert_allclose([box.get_x() for box in boxes], [0, 0.5, 0.75])
        assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]
        assert ax.get_xlabel()
    assert [ax.get_title(loc="left") for ax in axes] == ["short: 1.5 bits", "long: 1.75 bits"]
    assert "bits" in axes[0].get_ylabel() and "long: 11 10 0, 1.75 bits" in described(axes)


def test_belief_costs_show_the_terms_of_the_divergence_and_the_split():
    truth, belief = np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.25, 0.5])
    terms, parts = plots.belief_costs(truth, belief, ("a", "b", "c"))
    np.testing.assert_allclose([box.get_width() for box in terms.patches], truth)
    np.testing.assert_allclose([box.get_height() for box in terms.patches], [1, 0, -1])
    entropy, divergence = parts.containers
    np.testing.assert_allclose([bar.get_width() for bar in entropy], [1.5, 1.5])
    np.testing.assert_allclose([bar.get_width() for bar in divergence], [0.25, 0.25])
    np.testing.assert_allclose([bar.get_x() for bar in divergence], [1.5, 1.5])
    assert [text.get_text() for text in parts.texts] == ["1.500", "0.250", "1.750"]
    assert parts.get_xlabel() == "bits" and "bits" in terms.get_ylabel()
    assert "cross-entropy 1.750 bits" in described(parts)
