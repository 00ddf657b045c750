"""Chapter 6's exercises: what the catalogue's test does not see."""

import numpy as np

from xent_helpers import losses
from xent_helpers.exercises.chapter_06 import EXERCISES
from xent_helpers.exercises.checker import diagnose

BY_KEY = {exercise.key: exercise for exercise in EXERCISES}


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
