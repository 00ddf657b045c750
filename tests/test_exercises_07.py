"""Chapter 7's exercises: every right answer is accepted, every known mistake is named as itself."""

import math

import numpy as np
import pytest
import torch
from scipy import special
from torch.nn import functional as F

from xent_helpers import calibration
from xent_helpers.exercises import chapter_07 as chapter
from xent_helpers.exercises.checker import diagnose

EXERCISES = {exercise.key: exercise for exercise in chapter.EXERCISES}
MISTAKES = [(key, mistake) for key, exercise in EXERCISES.items() for mistake in exercise.mistakes]


def ece_loop(claimed, came_true, bins):
    sums = [[0, 0.0, 0.0] for _ in range(bins)]
    for s, y in zip(claimed, came_true, strict=True):
        b = max(k for k in range(bins) if s >= k / bins)
        sums[b] = [sums[b][0] + 1, sums[b][1] + s, sums[b][2] + y]
    return sum(abs(y - s) for n, s, y in sums if n) / len(claimed)


def ece_torch(claimed, came_true, bins):
    s, y = torch.from_numpy(claimed), torch.from_numpy(came_true).double()
    index = torch.bucketize(s, torch.arange(1, bins).double() / bins, right=True)
    gap = torch.zeros(bins, dtype=torch.float64).index_add(0, index, y - s)
    return gap.abs().sum() / len(s)


def ece_histogram(claimed, came_true, bins):
    edges = np.arange(bins + 1) / bins
    gap, _ = np.histogram(claimed, edges, weights=came_true - claimed)
    return np.abs(gap).sum() / len(claimed)


def nll_torch(z, y, T):
    return F.cross_entropy(torch.from_numpy(z) / T, torch.from_numpy(y))


def nll_scipy(z, y, T):
    return -special.log_softmax(z / T, axis=1)[np.arange(len(y)), y].mean()


def nll_loop(z, y, T):
    total = 0.0
    for row, label in zip(z, y, strict=True):
        margins = [(value - row[label]) / T for value in row]
        top = max(margins)
        total += top + math.log(sum(math.exp(margin - top) for margin in margins))
    return total / len(y)


def report_torch(z_train, y_train, z_valid, y_valid, z_test, y_test):
    T = calibration.fit_temperature(torch.from_numpy(z_valid), torch.from_numpy(y_valid))
    return F.cross_entropy(torch.from_numpy(z_test) / T, torch.from_numpy(y_test))


def report_by_margins(z_train, y_train, z_valid, y_valid, z_test, y_test):
    a = 1 / calibration.fit_temperature(z_valid - z_valid.max(axis=1, keepdims=True), y_valid)
    return np.mean(special.logsumexp(a * z_test, axis=1) - a * z_test[np.arange(len(y_test)), y_test])


def unweighted_loop(p, w):
    rows = []
    for row in p:
        scaled = [value / weight for value, weight in zip(row, w, strict=True)]
        rows.append([value / sum(scaled) for value in scaled])
    return rows


def unweighted_torch(p, w):
    return torch.softmax(torch.from_numpy(p).log() - torch.from_numpy(w).log(), dim=1)


RIGHT = [
    ("7.1", 1 / 401),
    ("7.1", np.float64(50) / 20_050),
    ("7.2", ece_loop),
    ("7.2", ece_torch),
    ("7.2", ece_histogram),
    ("7.2", calibration.expected_calibration_error),
    ("7.3", nll_torch),
    ("7.3", nll_scipy),
    ("7.3", nll_loop),
    ("7.4", report_torch),
    ("7.4", report_by_margins),
    ("7.5", unweighted_loop),
    ("7.5", unweighted_torch),
    ("7.5", lambda p, w: calibration.shift_prior_probs(p, w, np.ones(len(w)))),
]


@pytest.mark.parametrize("key", EXERCISES)
def test_the_reference_is_right(key):
    assert diagnose(EXERCISES[key], EXERCISES[key].reference) == f"right. {EXERCISES[key].afterwards}"


@pytest.mark.parametrize(("key", "answer"), RIGHT)
def test_right_answers_written_differently_are_accepted(key, answer):
    assert diagnose(EXERCISES[key], answer) == f"right. {EXERCISES[key].afterwards}"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("key", "mistake"), MISTAKES, ids=lambda part: getattr(part, "wrong", part))
def test_each_mistake_is_named_as_itself_and_as_no_other(key, mistake):
    assert diagnose(EXERCISES[key], mistake.wrong) == f"not yet. {mistake.message}"


@pytest.mark.parametrize("key", EXERCISES)
def test_messages_ask_and_hints_lead(key):
    exercise = EXERCISES[key]
    messages = [mistake.message for mistake in exercise.mistakes]
    assert len(set(messages)) == len(messages) and all("?" in message for message in messages)
    assert 2 <= len(exercise.hints) <= 3


def test_the_snippet_to_repair_is_the_mistake_that_it_shows():
    """7.4's cell in the notebook is report_fitted_on_test; and peeking never makes the number higher."""
    for arguments in EXERCISES["7.4"].inputs(np.random.default_rng(0)):
        assert chapter.report_fitted_on_test(*arguments) <= chapter.honest_report(*arguments)
