"""Chapter 4's exercises: every right answer is accepted, every known mistake is named as itself."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from xent_helpers.exercises import chapter_04 as chapter
from xent_helpers.exercises.checker import diagnose

EXERCISES = {exercise.key: exercise for exercise in chapter.EXERCISES}
MISTAKES = [(key, mistake) for key, exercise in EXERCISES.items() for mistake in exercise.mistakes]


def gradient_by_autograd(z, y):
    z = torch.tensor(z, requires_grad=True)
    F.cross_entropy(z, torch.tensor(y)).backward()
    return z.grad


def gradient_by_loops(z, y):
    result = np.empty_like(z)
    for i, row in enumerate(z):
        shares = [math.exp(value - max(row)) for value in row]
        for c, share in enumerate(shares):
            result[i, c] = (share / sum(shares) - (c == y[i])) / len(z)
    return result


def gradient_in_place(z, y):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return p / len(y)


def newton_by_inverse(x, w, y):
    p = 1 / (1 + np.exp(-(x @ w)))
    return w - np.linalg.inv(x.T @ np.diag(p * (1 - p)) @ x) @ x.T @ (p - y)


def newton_by_autograd(x, w, y):
    x, w, y = torch.tensor(x), torch.tensor(w), torch.tensor(y)

    def loss(w):
        return F.binary_cross_entropy_with_logits(x @ w, y)

    return w - torch.linalg.solve(torch.func.hessian(loss)(w), torch.func.grad(loss)(w))


def curvature_as_difference(z, v):
    p = torch.softmax(torch.tensor(z), 1).numpy()
    return (p * v**2).sum(axis=1) - (p * v).sum(axis=1) ** 2


def curvature_by_loops(z, v):
    result = []
    for row, direction in zip(z, v, strict=True):
        p = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        result.append(float(np.average((direction - np.average(direction, weights=p)) ** 2, weights=p)))
    return result


RIGHT = [
    ("4.1", gradient_by_autograd),
    ("4.1", gradient_by_loops),
    ("4.1", gradient_in_place),
    ("4.2", newton_by_inverse),
    ("4.2", newton_by_autograd),
    ("4.3", curvature_as_difference),
    ("4.3", curvature_by_loops),
]


@pytest.mark.parametrize("key", EXERCISES)
def test_the_reference_is_right(key):
    assert diagnose(EXERCISES[key], EXERCISES[key].reference) == f"right. {EXERCISES[key].afterwards}"


@pytest.mark.parametrize(("key", "answer"), RIGHT)
def test_right_answers_written_otherwise_are_accepted(key, answer):
    assert diagnose(EXERCISES[key], answer) == f"right. {EXERCISES[key].afterwards}"


@pytest.mark.parametrize(("key", "mistake"), MISTAKES, ids=[f"{key} {m.wrong.__name__}" for key, m in MISTAKES])
def test_every_mistake_is_named_as_itself(key, mistake):
    assert diagnose(EXERCISES[key], mistake.wrong) == f"not yet. {mistake.message}"


@pytest.mark.parametrize("key", EXERCISES)
def test_no_two_mistakes_give_the_same_outputs(key):
    cases = EXERCISES[key].inputs(np.random.default_rng(0))
    wrong = [mistake.wrong for mistake in EXERCISES[key].mistakes]
    outputs = [[np.asarray(function(*arguments)) for arguments in cases] for function in wrong]
    for i, one in enumerate(outputs):
        for other in outputs[:i]:
            assert not all(
                a.shape == b.shape and np.allclose(a, b, equal_nan=True) for a, b in zip(one, other, strict=True)
            )


def test_the_printed_newton_snippet_goes_uphill_from_zero_weights():
    for x, w, y in EXERCISES["4.2"].inputs(np.random.default_rng(0)):
        if w.any():
            continue
        after = chapter.newton_as_printed(x, w, y)
        assert np.mean(np.logaddexp(0, x @ after) - y * (x @ after)) > np.log(2)


def test_the_snippet_in_the_notebook_is_the_one_that_the_catalogue_knows():
    x, w, y = EXERCISES["4.2"].inputs(np.random.default_rng(0))[1]
    p = 1 / (1 + np.exp(-x @ w))
    gradient = x.T @ (p - y) / len(y)
    hessian = (x.T * p) @ x
    np.testing.assert_allclose(chapter.newton_as_printed(x, w, y), w + np.linalg.solve(hessian, gradient))
