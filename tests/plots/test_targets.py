"""The figures of chapter 8: each draws what it is given, labelled and described."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from xent_helpers import plots


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def described(ax, *words):
    assert ax.get_title(loc="left")
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert len(ax.figure.alt) >= 40
    assert all(word in ax.figure.alt for word in words), ax.figure.alt


def test_smoothing_valley_draws_the_curves_and_marks_the_lowest_points():
    gaps = np.linspace(0, 8, 81)
    ax = plots.smoothing_valley(gaps, {0.0: np.exp(-gaps), 0.1: (gaps - 4) ** 2 / 16 + 0.5}, {0.1: 4.0})
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), np.exp(-gaps))
    assert (ax.lines[2].get_xdata()[0], ax.lines[2].get_ydata()[0]) == (4.0, pytest.approx(0.5))
    assert {text.get_text() for text in ax.texts} == {"ε = 0", "ε = 0.1", "4.00"}
    described(ax, "4.00 for ε = 0.1")
    assert "nats" in ax.get_ylabel()


def test_bounded_norms_draw_both_runs():
    ax = plots.bounded_norms(np.array([1, 10, 100]), {"hard": np.array([1.0, 2, 3]), "soft": np.array([1.0, 1.5, 1.6])})
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [1, 1.5, 1.6])
    assert {text.get_text() for text in ax.texts} == {"hard", "soft"}
    assert ax.get_xscale() == "log"
    described(ax, "hard ends at 3.00", "soft ends at 1.60")


def test_honesty_joins_equal_seeds():
    errors = {
        ("a", "hard"): np.array([0.1, 0.2]),
        ("a", "smoothed"): np.array([0.3, 0.5]),
        ("b", "hard"): np.array([0.4, 0.6]),
        ("b", "smoothed"): np.array([0.1, 0.1]),
    }
    ax = plots.honesty(errors)
    joins = [line.get_ydata() for line in ax.lines if line.get_linestyle() == "-"]
    np.testing.assert_array_equal(joins, [[0.1, 0.3], [0.2, 0.5], [0.4, 0.1], [0.6, 0.1]])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["hard", "smoothed"] * 2
    assert [text.get_text() for text in ax.texts] == ["a", "b"]
    described(ax, "a, hard 0.150", "b, smoothed 0.100")


def test_opinions_show_the_picture_and_a_bar_for_each_class():
    p = np.array([0.9, 0.004, 0.076, 0.02])
    axes = plots.opinions(np.arange(64.0), {"one": p, "two": np.array([1.0, 0, 0, 0])}, label=0)
    np.testing.assert_array_equal(axes[0].images[0].get_array(), np.arange(64.0).reshape(8, 8))
    np.testing.assert_allclose([bar.get_height() for bar in axes[1].patches], p)
    assert [text.get_text() for text in axes[1].texts] == [".90", "", ".08", ".02"]
    assert [text.get_text() for text in axes[2].texts] == ["1", "", "", ""]
    assert axes[1].patches[0].get_facecolor() != axes[1].patches[1].get_facecolor()
    assert axes[0].figure.get_suptitle()
    assert "one gives 0 the probability 0.90, then 2 and 3" in axes[0].figure.alt
    assert [ax.get_title(loc="left") for ax in axes] == ["true class 0", "one", "two"]


def test_students_draw_each_seed_and_the_means():
    temperatures = np.array([1, 10])
    hard, soft = np.array([[0.7, 0.9], [0.8, 1.0]]), np.array([[0.7, 0.7], [0.6, 0.6]])
    taught = {"narrow": {"hard": hard, "soft": soft}, "wide": {"hard": soft, "soft": hard}}
    axes = plots.students(temperatures, taught, {"narrow": np.array([0.6, 0.8]), "wide": np.array([0.5, 0.5])})
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), [0.7, 0.7])  # no teacher
    means = [line.get_ydata() for line in axes[0].lines if line.get_label() in ("hard", "soft")]
    np.testing.assert_allclose(means, [[0.8, 0.9], [0.7, 0.6]])
    assert {text.get_text() for text in axes[1].get_legend().get_texts()} == {"no teacher", "hard", "soft"}
    assert [ax.get_title(loc="left") for ax in axes] == ["narrow", "wide"]
    assert "narrow, hard: 0.80 at T = 1, 0.90 at T = 10" in axes[0].figure.alt
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in axes)


def test_against_noise_draws_the_mean_and_the_range():
    steps, runs = np.array([50, 100, 150]), np.array([[0.8, 0.9], [0.7, 0.9], [0.5, 0.7]])
    ax = plots.against_noise(steps, {"plain": runs, "deaf": runs + 0.05})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.85, 0.8, 0.6])
    corners = ax.collections[0].get_paths()[0].vertices
    assert (corners[:, 1].min(), corners[:, 1].max()) == (0.5, 0.9)
    assert {text.get_text() for text in ax.texts} == {"plain", "deaf"}
    described(ax, "plain from 0.85 at best to 0.60")


def test_gradient_factors_draw_the_functions():
    ax = plots.gradient_factors({"flat": lambda p: p**0, "deaf": lambda p: p})
    p = ax.lines[1].get_xdata()
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), p)
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["flat", "deaf"]
    described(ax, "deaf 0.05 at 0.05 and 0.95 at 0.95")
