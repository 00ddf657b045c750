"""Chapter 2's exercises: what the catalogue's test does not see."""

import math

import numpy as np
from scipy import stats

from xent_helpers import exercises
from xent_helpers.exercises.chapter_02 import scores


def test_a_mistake_and_careless_zeros_are_named_together():
    """What a learner writes: the formula in bits, and no thought of zeros."""

    def both(p):
        with np.errstate(all="ignore"):
            return -(p * np.log2(p)).sum()

    said = str(exercises.examine("2.1", both))
    assert "These are bits" in said and "0 · log 0 must be 0" in said


def test_the_numbers_that_the_messages_quote():
    assert f"{stats.entropy([1, 1]):.4f}" == "0.6931"
    assert f"{stats.entropy([1, 1, 1, 1]):.4f}" == "1.3863"
    assert f"{1 / math.log(2):.4f}" == "1.4427"


def test_the_marks_are_those_that_a_search_over_all_reports_gives():
    """Exercise 2.4: for many truths, the lowest expected score over a fine grid of reports."""
    grid = np.array([(a, b, 60 - a - b) for a in range(1, 60) for b in range(1, 60 - a)]) / 60
    own = np.eye(3)
    tables = {
        "a": -np.log2(grid),
        "b": 1 - grid,
        "c": (1 - grid) ** 2,
        "d": ((grid[:, None, :] - own) ** 2).sum(axis=2),
        "e": 1 - own[grid.argmax(axis=1)],
        "f": -np.log(grid) - 0.1 * stats.entropy(grid, axis=1)[:, None],
    }
    found = {}
    for name, table in tables.items():
        mark = 2
        for position in np.random.default_rng(0).choice(len(grid), 60, replace=False):
            truth = grid[position]
            if np.sort(truth)[-1] == np.sort(truth)[-2]:
                continue  # accuracy: argmax breaks a tie by order, which is no matter of the score
            expected = table @ truth
            gap = expected - expected[position]
            if gap.min() < -1e-12:
                mark = 0
            elif (gap < 1e-12).sum() > 1:
                mark = min(mark, 1)
        found[name] = mark
    assert list(found.values()) == scores.marks_of_the_scores()


def test_the_comparison_in_the_hint_on_the_squared_score():
    truth, other = np.array([0.6, 0.3, 0.1]), np.array([0.65, 0.35, 0.0])
    assert truth @ (1 - other) ** 2 < truth @ (1 - truth) ** 2
