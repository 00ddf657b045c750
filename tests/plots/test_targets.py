"""The figures of chapter 8: each draws what it is given, labelled and described."""

import numpy as np
import pytest

from tests.plots.described import described
from xent_helpers import plots


def test_smoothing_valley_draws_the_curves_and_marks_the_lowest_points():
    gaps = np.linspace(0, 8, 81)
    ax = plots.smoothing_valley(gaps, {0.0: np.exp(-gaps), 0.1: (gaps - 4) ** 2 / 16 + 0.5}, {0.1: 4.0})
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), np.exp(-gaps))
    assert (ax.lines[2].get_xdata()[0], ax.lines[2].get_ydata()[0]) == (4.0, pytest.approx(0.5))
    assert {text.get_text() for text in ax.texts} == {"ε = 0", "ε = 0.1", "4.00"}
    described(ax, "4.00 for ε = 0.1")
    assert "nats" in ax.get_ylabel()


def test_annotators_count_the_unanimous_and_sort_by_class():
    counts = np.array([[0, 3], [3, 0], [1, 2]])
    ax = plots.annotators(counts, ["yes", "no"])
    np.testing.assert_array_equal(ax.images[0].get_array(), [[3, 0, 1], [0, 3, 2]])
    assert [text.get_text() for text in ax.texts] == ["3", "3", "1", "2"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["yes", "no"]
    described(ax, "agree on 2 patients")


def test_mixed_pictures_show_each_picture_over_its_target():
    rows = {"one": np.array([1.0, 0, 0]), "both": np.array([0.7, 0.3, 0])}
    pictures = {"one": np.zeros(64), "both": np.arange(64.0)}
    axes = plots.mixed_pictures(pictures, rows)
    np.testing.assert_array_equal(axes[0, 1].images[0].get_array(), np.arange(64.0).reshape(8, 8))
    np.testing.assert_allclose([bar.get_height() for bar in axes[1, 1].patches], rows["both"])
    assert "both, target 0.70 for 0 and 0.30 for 1" in axes[0, 0].figure.alt


def test_honesty_draws_each_network_and_the_means():
    errors = {
        ("a", "hard"): np.array([0.1, 0.2]),
        ("a", "smoothed"): np.array([0.3, 0.5]),
        ("b", "hard"): np.array([0.4, 0.6]),
        ("b", "smoothed"): np.array([0.1, 0.1]),
    }
    ax = plots.honesty(errors)
    drawn = [line.get_ydata() for line in ax.lines]
    np.testing.assert_array_equal(drawn, [[0.1, 0.2], [0.4, 0.6], [0.3, 0.5], [0.1, 0.1]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["hard", "smoothed"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b"]
    described(ax, "a, hard 0.150", "b, smoothed 0.100")


def test_opinions_leave_out_the_true_class():
    shares = {"one": np.array([0, 0.2, 0.7, 0.1]), "two": np.array([0, 0.3, 0.3, 0.4])}
    axes = plots.opinions(np.arange(64.0), shares, label=0)
    np.testing.assert_array_equal(axes[0].images[0].get_array(), np.arange(64.0).reshape(8, 8))
    np.testing.assert_allclose([bar.get_height() for bar in axes[1].patches], [0.2, 0.7, 0.1])
    assert [label.get_text() for label in axes[1].get_xticklabels()] == ["1", "2", "3"]
    assert "one gives 2 a share of 0.70 and 1 one of 0.20" in axes[0].figure.alt
    assert [ax.get_title(loc="left") for ax in axes] == ["true class 0", "one", "two"]


def test_two_divergences_draw_the_teacher_and_both_students():
    teacher, student = np.array([0.5, 0.0, 0.5]), np.array([0.2, 0.6, 0.2])
    ax = plots.two_divergences(teacher, {"forward": student})
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches], teacher)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), student)
    described(ax, "forward is largest at 1 with 0.60")


def test_against_noise_draws_the_mean_and_the_range_of_each_noise():
    steps, runs = np.array([50, 100, 150]), np.array([[0.8, 0.9], [0.7, 0.9], [0.5, 0.7]])
    axes = plots.against_noise(steps, {"even": {"plain": runs, "deaf": runs + 0.05}, "odd": {"plain": runs}})
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), [0.85, 0.8, 0.6])
    corners = axes[0].collections[0].get_paths()[0].vertices
    assert (corners[:, 1].min(), corners[:, 1].max()) == (0.5, 0.9)
    assert [ax.get_title(loc="left") for ax in axes] == ["even", "odd"]
    assert "even, plain from 0.85 at best to 0.60" in axes[0].figure.alt
