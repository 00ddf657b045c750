"""Chapter 1's exercises: every right answer is accepted, every known mistake is named as itself."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from xent_helpers.exercises import chapter_01 as chapter
from xent_helpers.exercises.checker import diagnose

EXERCISES = {exercise.key: exercise for exercise in chapter.EXERCISES}
MISTAKES = [(key, mistake) for key, exercise in EXERCISES.items() for mistake in exercise.mistakes]


def coin_loop(p, y):
    return sum(-math.log(q if label == 1 else 1 - q) for q, label in zip(p, y, strict=True)) / len(y)


def coin_torch(p, y):
    return F.binary_cross_entropy(torch.from_numpy(p), torch.from_numpy(y))


def coin_where(p, y):
    return np.where(y == 1, -np.log(p), -np.log1p(-p)).mean()


def class_loop(p, y):
    return sum(-math.log(row[label]) for row, label in zip(p, y, strict=True)) / len(y)


def class_torch(p, y):
    return F.nll_loss(torch.from_numpy(p).log(), torch.from_numpy(y))


def class_one_hot(p, y):
    return -(np.eye(p.shape[1])[y] * np.log(p)).sum(axis=1).mean()


def floor_loop(labels, num_classes):
    labels = list(labels)
    return sum(-math.log(labels.count(label) / len(labels)) for label in labels) / len(labels)


def floor_torch(labels, num_classes):
    share = torch.bincount(torch.from_numpy(labels), minlength=num_classes).double() / len(labels)
    return torch.special.entr(share).sum()


RIGHT = [
    ("1.1", coin_loop),
    ("1.1", coin_torch),
    ("1.1", coin_where),
    ("1.2", class_loop),
    ("1.2", class_torch),
    ("1.2", class_one_hot),
    ("1.3", [4, 1, 2, 3, 5, 6]),
    ("1.3", np.array([4, 1, 2, 3, 5, 6])),
    ("1.4", floor_loop),
    ("1.4", floor_torch),
]


@pytest.mark.parametrize("key", EXERCISES)
def test_the_reference_is_right(key):
    assert diagnose(EXERCISES[key], EXERCISES[key].reference) == f"right. {EXERCISES[key].afterwards}"


@pytest.mark.parametrize(("key", "answer"), RIGHT)
def test_right_answers_written_differently_are_accepted(key, answer):
    assert diagnose(EXERCISES[key], answer) == f"right. {EXERCISES[key].afterwards}"


@pytest.mark.parametrize(("key", "mistake"), MISTAKES, ids=lambda part: getattr(part, "wrong", part))
def test_each_mistake_is_named_as_itself_and_as_no_other(key, mistake):
    assert diagnose(EXERCISES[key], mistake.wrong) == f"not yet. {mistake.message}"


@pytest.mark.parametrize("key", EXERCISES)
def test_messages_ask_and_hints_lead(key):
    exercise = EXERCISES[key]
    messages = [mistake.message for mistake in exercise.mistakes]
    assert len(set(messages)) == len(messages) and all("?" in message for message in messages)
    assert 2 <= len(exercise.hints) <= 3


def test_the_number_that_a_one_based_index_gives_is_the_one_that_the_message_quotes():
    (loss,) = [chapter.class_one_too_high(p, y) for p, y in [chapter.class_inputs(np.random.default_rng(0))[0]]]
    assert f"{loss:.4f}" == "2.3026"


@pytest.mark.parametrize("case", range(6))
def test_nothing_constant_beats_the_floor(case):
    """1.4's reference is a minimum: no other constant prediction costs less on the same labels."""
    labels, classes = chapter.floor_inputs(np.random.default_rng(0))[case]
    others = np.random.default_rng(1).dirichlet(np.ones(classes), 2000)
    losses = -np.log(others[:, labels]).mean(axis=1)
    assert losses.min() >= chapter.best_constant_loss(labels, classes)
