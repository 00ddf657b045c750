"""Chapter 2's exercises: every right answer is accepted, every known mistake is named as itself."""

import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from xent_helpers.exercises import chapter_02 as chapter
from xent_helpers.exercises.checker import diagnose

EXERCISES = {exercise.key: exercise for exercise in chapter.EXERCISES}
MISTAKES = [(key, mistake) for key, exercise in EXERCISES.items() for mistake in exercise.mistakes]


def entropy_loop(p):
    return sum(-share * math.log(share) for share in p if share > 0)


def entropy_torch(p):
    return torch.special.entr(torch.from_numpy(p)).sum()


def entropy_where(p):
    return np.sum(np.where(p > 0, -p * np.log(np.where(p > 0, p, 1)), 0))


def divergence_scipy(q, p):
    return special.rel_entr(q, p).sum(axis=1).mean()


def divergence_torch(q, p):
    q, p = torch.from_numpy(q), torch.from_numpy(p)
    return (torch.xlogy(q, q) - torch.xlogy(q, p)).sum(dim=1).mean()


def divergence_loop(q, p):
    total = 0.0
    for truth, belief in zip(q, p, strict=True):
        for a, b in zip(truth, belief, strict=True):
            total += a * (math.log(a / b) if b > 0 else math.inf) if a > 0 else 0.0
    return total / len(q)


def effective_scipy(counts):
    return np.exp(stats.entropy(counts))


def effective_torch(counts):
    return torch.distributions.Categorical(torch.from_numpy(counts)).perplexity()


RIGHT = [
    ("2.1", entropy_loop),
    ("2.1", entropy_torch),
    ("2.1", entropy_where),
    ("2.1", stats.entropy),
    ("2.2", divergence_scipy),
    ("2.2", divergence_torch),
    ("2.2", divergence_loop),
    ("2.3", effective_scipy),
    ("2.3", lambda counts: 2 ** stats.entropy(counts, base=2)),
    ("2.4", [2, 0, 0, 2, 1, 0]),
    ("2.4", np.array([2, 0, 0, 2, 1, 0])),
]


@pytest.mark.parametrize("key", EXERCISES)
def test_the_reference_is_right(key):
    assert diagnose(EXERCISES[key], EXERCISES[key].reference) == f"right. {EXERCISES[key].afterwards}"


@pytest.mark.parametrize(("key", "answer"), RIGHT)
def test_right_answers_written_differently_are_accepted(key, answer):
    assert diagnose(EXERCISES[key], answer) == f"right. {EXERCISES[key].afterwards}"


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_each_mistake_is_named_as_itself_and_as_no_other(number):
    key, mistake = MISTAKES[number]
    assert diagnose(EXERCISES[key], mistake.wrong) == f"not yet. {mistake.message}"


@pytest.mark.parametrize("key", EXERCISES)
def test_messages_ask_and_hints_lead(key):
    exercise = EXERCISES[key]
    assert all("?" in mistake.message for mistake in exercise.mistakes)
    assert 2 <= len(exercise.hints) <= 3


@pytest.mark.parametrize("key", ["2.1", "2.2", "2.3"])
def test_no_two_mistakes_share_a_message(key):
    messages = [mistake.message for mistake in EXERCISES[key].mistakes]
    assert len(set(messages)) == len(messages)


def test_a_mistake_and_careless_zeros_are_named_together():
    """What a learner writes: the formula in bits, and no thought of zeros."""

    def both(p):
        with np.errstate(all="ignore"):
            return -(p * np.log2(p)).sum()

    said = diagnose(EXERCISES["2.1"], both)
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
    assert list(found.values()) == chapter.marks_of_the_scores()


def test_the_comparison_in_the_hint_on_the_squared_score():
    truth, other = np.array([0.6, 0.3, 0.1]), np.array([0.65, 0.35, 0.0])
    assert truth @ (1 - other) ** 2 < truth @ (1 - truth) ** 2
