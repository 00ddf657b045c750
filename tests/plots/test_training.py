"""The figures of chapter 6: each draws what it is given, labelled and described."""

import numpy as np
import pytest

from tests.plots.described import described
from xent_helpers import plots
from xent_helpers.training import History, Score


def history(scale=1.0):
    train = [Score(scale * value, 0.5, 10) for value in (2.3, 1.1, 0.4, 0.1)]
    return History(train, [Score(scale * value, 0.5, 5) for value in (2.3, 1.2, 0.6, 0.8)])


def test_digit_samples_show_one_class_in_each_column():
    pictures = np.arange(6 * 64.0).reshape(6, 64)
    axes = plots.digit_samples(pictures, np.array([3, 7, 7, 3, 3, 7]), rows=2)
    assert axes.shape == (2, 2)
    for ax, row in zip(axes.flat, (0, 1, 3, 2), strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), pictures[row].reshape(8, 8))
    assert [ax.get_title(loc="center") for ax in axes[0]] == ["3", "7"]
    assert len(axes[0, 0].figure.alt) >= 40


def test_gradient_clouds_draw_every_batch_around_the_full_gradient():
    rng = np.random.default_rng(0)
    clouds = {size: rng.normal(size=(50, 2)) for size in (8, 64)}
    axes = plots.gradient_clouds(clouds, np.array([0.5, -0.25]), ["this", "that"])
    for ax, (size, cloud) in zip(axes, clouds.items(), strict=True):
        np.testing.assert_array_equal(np.column_stack(ax.lines[0].get_data()), cloud)
        np.testing.assert_array_equal(np.column_stack(ax.lines[1].get_data()), [[0.5, -0.25]])
        assert str(size) in ax.get_title(loc="left")
    assert "this" in axes[0].get_xlabel() and "that" in axes[0].get_ylabel() and "nats" in axes[0].get_ylabel()
    assert "(0.500, -0.250)" in axes[0].figure.alt


def test_learning_curves_draw_both_parts_of_each_run_and_ring_the_best_epoch():
    ax = plots.learning_curves({"small": history(), "large": history(1.01)})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [2.3, 1.1, 0.4, 0.1])
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [2.3, 1.2, 0.6, 0.8])
    assert ax.lines[2].get_xdata()[0] == 2 and ax.lines[2].get_ydata()[0] == 0.6  # the lowest validation loss
    assert len({text.get_text() for text in ax.texts}) == 4
    ax.figure.canvas.draw()
    heights = sorted(text.get_window_extent().y0 for text in ax.texts)
    assert min(np.diff(heights)) > 8  # pixels: no name covers another, although two curves nearly meet
    described(ax, "small from 2.30 to 0.100", "epoch 2")


def test_rate_sweep_draws_every_run_and_the_means():
    swept = {"flat": np.array([[0.5, 0.7], [0.2, 0.4]]), "deep": np.array([[1.0, 2.0], [0.1, 0.3]])}
    ax = plots.rate_sweep((0.1, 1.0), swept)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.6, 0.3])
    np.testing.assert_allclose(np.column_stack(ax.lines[1].get_data()), [[0.1, 0.5], [0.1, 0.7], [1, 0.2], [1, 0.4]])
    np.testing.assert_allclose(ax.lines[2].get_ydata(), [1.5, 0.2])
    described(ax, "flat 0.300 at rate 1", "deep 0.200 at rate 1")


def test_confusion_matrix_counts():
    ax = plots.confusion_matrix(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 0, 0, 0]), ("cat", "dog", "emu"))
    cells = {text.get_position(): text.get_text() for text in ax.texts}
    assert cells == {(0, 0): "1", (1, 0): "1", (0, 1): "1", (1, 1): "1", (0, 2): "2"}
    described(ax, "6 decisions", "4 lie off", "2, as for emu taken for cat")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["cat", "dog", "emu"]
    assert "4 of 6" in ax.get_title(loc="left")


def test_confusion_matrix_without_a_mistake():
    ax = plots.confusion_matrix(np.array([0, 1]), np.array([0, 1]), ("a", "b"))
    described(ax, "0 lie off")


def test_costly_mistakes_are_sorted_by_cost():
    pictures = np.arange(3 * 64.0).reshape(3, 64)
    axes = plots.costly_mistakes(pictures, np.array([1, 2, 3]), np.array([4, 5, 6]), np.array([0.5, 2.0, 1.0]))
    titles = [ax.get_title() for ax in axes.flat]
    assert titles == ["true 2, said 5\n2.00 nats", "true 3, said 6\n1.00 nats", "true 1, said 4\n0.50 nats", ""]
    np.testing.assert_array_equal(axes[0, 0].images[0].get_array(), pictures[1].reshape(8, 8))
    assert not axes[1, 1].images
    assert "a 2 read as 5 for 2.0 nats, a 3 read as 6" in axes[0, 0].figure.alt


def test_one_batch_draws_the_curves_and_the_floor():
    ax = plots.one_batch({"once": [2.3, 0.5, 0.1], "twice": [2.3, 1.8, 1.5]}, 1.4612)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [2.3, 0.5, 0.1])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [2.3, 1.8, 1.5])
    np.testing.assert_array_equal(ax.lines[2].get_ydata(), [1.4612, 1.4612])
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {"once", "twice"}
    described(ax, "floor 1.4612", "once at 0.1000", "twice at 1.5000")


def test_norm_growth_draws_steps_flow_and_the_limit():
    t = 10.0 ** np.arange(6)
    ax = plots.norm_growth(np.array([1, 10]), np.array([0.7, 2.0]), t, 2 * np.log(1 + t), 2.0)
    flow, steps, line = ax.lines
    np.testing.assert_array_equal(steps.get_xdata(), [1, 10])
    np.testing.assert_allclose(np.diff(line.get_ydata()), 2.0 * np.log(10))
    assert line.get_ydata()[-1] == pytest.approx(flow.get_ydata()[-1])
    assert ax.get_xscale() == "log"
    described(ax, "0.70 at step 1", "slope 2.00")
