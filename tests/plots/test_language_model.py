"""The figures of chapter 9: each draws what it is given, labelled and described."""

import numpy as np
import pytest

from xent_helpers import plots


def described(ax, *words):
    assert ax.get_title(loc="left")
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert len(ax.figure.alt) >= 40
    assert all(word in ax.figure.alt for word in words), ax.figure.alt


def test_next_byte_table_draws_the_shares_of_the_frequent_bytes():
    counts = np.array([[0, 8, 0, 2], [6, 2, 2, 0], [1, 1, 0, 0], [4, 0, 0, 4]])
    ax = plots.next_byte_table(counts, [10, 32, 65, 97], most=3)
    shown = [0, 1, 3]  # the row of "A" has the fewest
    wanted = counts[np.ix_(shown, shown)] / counts[shown].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(ax.images[0].get_array(), wanted)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["↵", "␣", "a"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["↵", "␣", "a"]
    assert ax.images[0].get_clim() == (0, 1)
    described(ax, "␣ after ↵ 0.80", "↵ after ␣ 0.60")


@pytest.mark.parametrize("draw", [plots.memory_against_chunk, plots.time_against_chunk])
def test_curves_and_levels_against_the_rows_in_a_chunk(draw):
    ax = draw([2, 8, 32], {"ours": [0.25, 0.5, 2.0]}, {"plain": 3.0, "theirs": 0.4})
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [2, 8, 32])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.25, 0.5, 2.0])
    assert [line.get_ydata()[0] for line in ax.lines[1:]] == [3.0, 0.4]
    assert len({line.get_linestyle() for line in ax.lines}) == 3
    assert [label.get_text() for label in ax.get_legend().get_texts()] == ["ours", "plain", "theirs"]
    assert ax.get_xscale() == "log"
    described(ax, "rows in a chunk", "plain 3")


def test_training_in_bits_draws_the_curves_and_the_level():
    ax = plots.training_in_bits(range(0, 30, 10), {"old": [6.4, 4.0, 3.0], "new": [6.4, 4.2, 3.5]}, {"counts": 3.7})
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [6.4, 4.2, 3.5])
    assert ax.lines[2].get_ydata()[0] == 3.7
    assert [label.get_text() for label in ax.get_legend().get_texts()] == ["old", "new", "counts"]
    described(ax, "old from 6.40 to 3.00", "counts at 3.70")
    assert "bits" in ax.get_ylabel()
