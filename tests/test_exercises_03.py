"""Chapter 3's exercises: every right answer is accepted, every known mistake is named as itself."""

import math

import numpy as np
import pytest
import torch
from scipy import special
from torch.nn import functional as F

from xent_helpers import losses
from xent_helpers.exercises import chapter_03 as chapter
from xent_helpers.exercises.checker import diagnose

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the wrong answers overflow, as they should
EXERCISES = {exercise.key: exercise for exercise in chapter.EXERCISES}
MISTAKES = [(key, mistake) for key, exercise in EXERCISES.items() for mistake in exercise.mistakes]


def softmax_loop(z):
    rows = []
    for row in z:
        weights = [math.exp(score - max(row)) for score in row]
        rows.append([weight / sum(weights) for weight in weights])
    return rows


def binary_loop(z, y):
    return [(1 - b) * max(a, 0) + b * max(-a, 0) + math.log1p(math.exp(-abs(a))) for a, b in zip(z, y, strict=True)]


def binary_by_logaddexp(z, y):
    return y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)


def cross_entropy_loop(z, y):
    result = []
    for row, label in zip(z.tolist(), y, strict=True):
        s = max(row)
        result.append(s - row[label] + math.log(sum(math.exp(score - s) for score in row)))
    return result


def cross_entropy_in_place(z, y):
    """The plain shifted form in the type that comes in."""
    s = z.max(axis=1, keepdims=True)
    log_p = (z - s) - np.log(np.exp(z - s).sum(axis=1, keepdims=True))
    return -np.take_along_axis(log_p, y[:, None], axis=1)[:, 0]


def log10_loop(z, y):
    result = []
    for row, label in zip(z.tolist(), y, strict=True):
        margins = [score - row[label] for c, score in enumerate(row) if c != label]
        s = max(margins)
        if s < 0:
            loss = math.log1p(sum(map(math.exp, margins)))
        else:
            loss = s + math.log(math.exp(-s) + sum(math.exp(margin - s) for margin in margins))
        result.append(math.log10(loss))
    return result


RIGHT = [
    ("3.1", softmax_loop),
    ("3.1", lambda z: torch.softmax(torch.from_numpy(z), dim=1)),
    ("3.1", lambda z: torch.softmax(torch.from_numpy(z).float(), dim=1)),
    ("3.1", lambda z: special.softmax(z, axis=1)),
    ("3.2", 12 * math.log(10)),
    ("3.2", torch.log(torch.tensor(1e12, dtype=torch.float64))),
    ("3.3", binary_loop),
    ("3.3", binary_by_logaddexp),
    (
        "3.3",
        lambda z, y: F.binary_cross_entropy_with_logits(torch.from_numpy(z), torch.from_numpy(y), reduction="none"),
    ),
    ("3.4", cross_entropy_loop),
    ("3.4", cross_entropy_in_place),
    ("3.4", lambda z, y: F.cross_entropy(torch.from_numpy(z), torch.from_numpy(y), reduction="none")),
    ("3.5", log10_loop),
    ("3.5", lambda z, y: np.log10(losses.cross_entropy(z, y, reduction="none"))),
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


def test_the_numbers_that_the_messages_quote():
    two = np.full((1, 2), 1e4, dtype=np.float32)
    assert f"{chapter.cross_entropy_through_the_sum(two, np.array([0]))[0]:.4f}" == "0.6934"
    assert f"{chapter.epsilon_cap():.2f}" == "27.63"
    assert f"{chapter.stable_binary_loss(40.0, 1.0):.1e}" == "4.2e-18"
    assert f"{10 ** chapter.log10_loss(np.array([[40.0, 0.0, 0.0]]), np.array([0]))[0]:.1e}" == "8.5e-18"


@pytest.mark.parametrize("case", range(5))
def test_the_references_agree_with_the_package(case):
    z, y = chapter.cross_entropy_inputs(np.random.default_rng(0))[case]
    z = z.astype(np.float64)
    assert chapter.shifted_cross_entropy(z, y) == pytest.approx(losses.cross_entropy(z, y, reduction="none"), abs=1e-15)
