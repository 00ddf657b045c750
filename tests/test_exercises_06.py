"""The exercises of chapter 6: right answers in any form pass, each known mistake is named as itself."""

import numpy as np
import pytest
import torch

from xent_helpers import exercises, losses
from xent_helpers.exercises.chapter_06 import EXERCISES
from xent_helpers.exercises.checker import diagnose

BY_KEY = {exercise.key: exercise for exercise in EXERCISES}
MISTAKES = [
    pytest.param(exercise, mistake, id=f"{exercise.key}-{number}")
    for exercise in EXERCISES
    for number, mistake in enumerate(exercise.mistakes, 1)
]


def gradient_by_autograd(x, y, w):
    w = torch.from_numpy(w).requires_grad_()
    torch.nn.functional.cross_entropy(torch.from_numpy(x) @ w, torch.from_numpy(y)).backward()
    return w.grad


def gradient_by_loop(x, y, w):
    total = np.zeros_like(w)
    for row, label in zip(x, y, strict=True):
        p = losses.softmax(row @ w)
        p[label] -= 1
        total += np.outer(row, p)
    return total / len(y)


def epoch_by_torch(x, y, w, lr, batch_size):
    x, y, w = torch.from_numpy(x), torch.from_numpy(y), torch.tensor(w, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=lr)
    nats = 0.0
    for xb, yb in zip(x.split(batch_size), y.split(batch_size), strict=True):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(xb @ w, yb)
        loss.backward()
        optimizer.step()
        nats += loss.item() * len(yb)
    return nats / len(y)


def epoch_by_weighted_means(x, y, w, lr, batch_size):
    means, sizes = [], []
    for rows in np.split(np.arange(len(y)), range(batch_size, len(y), batch_size)):
        means.append(losses.cross_entropy(x[rows] @ w, y[rows]))
        sizes.append(len(rows))
        w = w - lr * gradient_by_loop(x[rows], y[rows], w)
    return np.average(means, weights=sizes)


RIGHT = [
    ("6.1", lambda: -np.log(1 / 50257)),
    ("6.1", float(np.log(50257))),
    ("6.1", torch.log(torch.tensor(50257.0, dtype=torch.float64))),
    ("6.2", 2),
    ("6.2", np.int64(2)),
    ("6.3", gradient_by_autograd),
    ("6.3", gradient_by_loop),
    ("6.4", epoch_by_torch),
    ("6.4", epoch_by_weighted_means),
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


def test_the_loop_in_the_chapter_is_recognised_and_so_is_each_repair():
    def as_found(x, y, w, lr, batch_size):
        means, gradient = [], np.zeros(w.shape)
        for start in range(0, len(y), batch_size):
            xb, yb = x[start : start + batch_size], y[start : start + batch_size]
            p = losses.softmax(losses.softmax(xb @ w))
            means.append(-np.log(p[np.arange(len(yb)), yb]).mean())
            gradient = gradient + xb.T @ (p - losses.one_hot(yb, w.shape[1])) / len(yb)
            w = w - lr * gradient
        return np.mean(means)

    said = diagnose(BY_KEY["6.4"], as_found)
    assert "three mistakes" in said
    assert said.count("?") == 3


def test_a_mistake_of_another_kind_gets_the_input_on_which_it_shows():
    assert "What came on" in diagnose(BY_KEY["6.3"], lambda x, y, w: 2 * gradient_by_loop(x, y, w))


@pytest.mark.parametrize("exercise", EXERCISES, ids=BY_KEY)
def test_an_untouched_stub_gets_the_task(exercise):
    assert diagnose(exercise, ...) == f"not attempted yet. {exercise.task}"
