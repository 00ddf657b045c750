"""The figures of chapter 9: each draws what it is given, labelled and described."""

import numpy as np
import pytest

from tests.plots.described import described
from xent_helpers import plots


def test_next_byte_bars_draws_the_shares_that_follow_a_byte():
    counts = np.array([[0, 8, 0, 2], [6, 2, 2, 0], [1, 1, 0, 0], [4, 0, 0, 4]])
    first, second = plots.next_byte_bars(counts, [10, 32, 65, 97], after="\na", most=3)
    assert [bar.get_width() for bar in first.patches] == [0.8, 0.2]  # two bytes follow a line's end, so no third bar
    assert [label.get_text() for label in first.get_yticklabels()] == ["␣", "a"]
    assert [label.get_text() for label in second.get_yticklabels()] == ["↵", "a"]
    assert first.get_xlabel()
    assert "after ↵ most often ␣ (0.80)" in first.figure.alt


def test_label_grid_shows_each_token_its_label_and_how_many_count():
    ax = plots.label_grid({"one": (["a", "b", "c"], [None, "c", "END"]), "two": (["d"], [None])})
    shown = [text.get_text() for text in ax.texts]
    assert shown == ["one (2 labels)", "a", "–", "b", "c", "c", "END", "two (0 labels)", "d", "–"]
    colours = [box.get_facecolor() for box in ax.patches[1::2]]  # of the labels
    assert colours[0] == colours[3] != colours[1] == colours[2]
    assert "one: 2 labels, two: 0 labels" in ax.figure.alt


def test_accumulation_error_draws_medians_and_ranges():
    ax = plots.accumulation_error([2, 8], {"a": np.array([[1, 0.5], [3, 0.7], [2, 0.6]]), "b": np.ones((3, 2))})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [2, 0.6])
    assert ax.collections[0].get_paths()[0].vertices[:, 1].max() == 3
    assert [label.get_text() for label in ax.get_legend().get_texts()] == ["a", "b"]
    described(ax, "a: median 2.00 at 2, 0.60 at 8")


@pytest.mark.parametrize("draw", [plots.memory_against_rows, plots.time_against_rows])
def test_curves_and_levels_against_the_rows_in_a_chunk(draw):
    ax = draw([2, 8, 32], {"ours": [0.25, 0.5, 2.0]}, {"plain": 3.0, "theirs": 0.4})
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [2, 8, 32])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.25, 0.5, 2.0])
    assert [line.get_ydata()[0] for line in ax.lines[1:]] == [3.0, 0.4]
    assert len({line.get_linestyle() for line in ax.lines}) == 3
    assert [label.get_text() for label in ax.get_legend().get_texts()] == ["ours", "plain", "theirs"]
    assert ax.get_xscale() == "log"
    described(ax, "rows in a chunk", "plain 3")


def test_training_in_bits_draws_each_run_and_the_level():
    runs = {"old": np.array([[6.4, 4.0, 3.0], [6.6, 4.0, 3.2]]), "new": np.array([[6.4, 4.2, 3.5]])}
    ax = plots.training_in_bits(range(0, 30, 10), runs, {"counts": 3.7})
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [6.6, 4.0, 3.2])
    assert ax.lines[3].get_ydata()[0] == 3.7
    assert [label.get_text() for label in ax.get_legend().get_texts()] == ["old, 2 seeds", "new, 1 seeds", "counts"]
    described(ax, "old from 6.50 to 3.10", "counts at 3.70")
    assert "bits" in ax.get_ylabel()
