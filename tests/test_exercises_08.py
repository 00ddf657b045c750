"""The exercises of chapter 8: right answers in any form pass, each known mistake is named as itself."""

import warnings

import numpy as np
import pytest
import torch
from scipy import special
from torch.nn import functional as F

from xent_helpers import exercises, losses, targets
from xent_helpers.exercises.chapter_08 import EXERCISES
from xent_helpers.exercises.checker import diagnose

BY_KEY = {exercise.key: exercise for exercise in EXERCISES}
MISTAKES = [
    pytest.param(exercise, mistake, id=f"{exercise.key}-{number}")
    for exercise in EXERCISES
    for number, mistake in enumerate(exercise.mistakes, 1)
]


def smoothed_by_loop(y, C, epsilon):
    rows = np.full((len(y), C), epsilon / C)
    for row, label in zip(rows, y, strict=True):
        row[label] += 1 - epsilon
    return rows


def smoothed_by_torch(y, C, epsilon):
    return targets.smoothed(F.one_hot(torch.from_numpy(y), C).double(), epsilon)


def student_by_torch(z, y, v, T, alpha):
    z, y, v = torch.from_numpy(z), torch.from_numpy(y), torch.from_numpy(v)
    divergence = F.kl_div(F.log_softmax(z / T, 1), F.log_softmax(v / T, 1), reduction="batchmean", log_target=True)
    entropy = torch.special.entr(F.softmax(v / T, 1)).sum(1).mean()
    return (1 - alpha) * F.cross_entropy(z, y) + alpha * T**2 * (divergence + entropy)


def student_by_helpers(z, y, v, T, alpha):
    return (1 - alpha) * losses.cross_entropy(z, y) + alpha * targets.distillation_loss(z, v, T)


def forward_by_loop(z, recorded, M):
    nats = []
    for row, j in zip(z, recorded, strict=True):
        ways = [special.log_softmax(row)[i] + np.log(M[i, j]) for i in range(len(M)) if M[i, j] > 0]
        nats.append(-special.logsumexp(ways))
    return sum(nats) / len(nats)


def forward_by_helper(z, recorded, M):
    return targets.forward_loss(torch.from_numpy(z), torch.from_numpy(recorded), torch.from_numpy(M))


def accuracy_by_matrix(m, rho, C):
    keeps, errs = targets.flip_matrix(C, rho)[0, :2]
    return np.linalg.solve([[1.0, 1.0], [keeps, errs]], [1.0, m])[0]


RIGHT = [
    ("8.1", smoothed_by_loop),
    ("8.1", smoothed_by_torch),
    ("8.2", lambda: np.log(21)),
    ("8.2", float(np.log(1 + 5 * 0.8 / 0.2))),
    ("8.3", student_by_torch),
    ("8.3", student_by_helpers),
    ("8.4", forward_by_loop),
    ("8.4", forward_by_helper),
    ("8.5", accuracy_by_matrix),
    ("8.5", lambda m, rho, C: ((C - 1) * m - rho) / (C - 1 - C * rho)),
]


@pytest.mark.parametrize("exercise", EXERCISES, ids=BY_KEY)
def test_the_reference_is_right(exercise):
    assert diagnose(exercise, exercise.reference) == f"right. {exercise.afterwards}"
    assert 2 <= len(exercise.hints) <= 3
    assert exercises.solution(exercise.key).data.startswith("```python\ndef ")


@pytest.mark.parametrize(("key", "answer"), RIGHT)
def test_right_answers_written_differently_are_accepted(key, answer):
    assert diagnose(BY_KEY[key], answer).startswith("right.")


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES)
def test_each_mistake_is_named_as_itself_and_as_no_other(exercise, mistake):
    assert diagnose(exercise, mistake.wrong) == f"not yet. {mistake.message}"
    assert sum(other.message == mistake.message for other in exercise.mistakes) == 1
    assert "?" in mistake.message


def test_the_snippet_of_the_chapter_is_recognised_without_a_warning():
    def as_found(z, recorded, M):
        log_seen = losses.log_softmax(z) @ M.T
        return -log_seen[np.arange(len(recorded)), recorded].mean()

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a warning in the stored notebook would name a file of this machine
        assert "two mistakes" in diagnose(BY_KEY["8.4"], as_found)


def test_a_mistake_of_another_kind_gets_the_input_on_which_it_shows():
    assert "What came on" in diagnose(
        BY_KEY["8.3"], lambda z, y, v, T, alpha: 2 * student_by_helpers(z, y, v, T, alpha)
    )


@pytest.mark.parametrize("exercise", EXERCISES, ids=BY_KEY)
def test_an_untouched_stub_gets_the_task(exercise):
    assert diagnose(exercise, ...) == f"not attempted yet. {exercise.task}"
