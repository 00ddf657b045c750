"""Chapter 6's exercises: what the catalogue's test does not see."""

import numpy as np
import pytest

from tests.exercises.answers.odd.chapter_06 import WRONG_VALUES
from xent_helpers import exercises, losses


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

    said = str(exercises.examine("6.4", as_found))
    assert "three mistakes" in said
    assert said.count("?") == 3


@pytest.mark.parametrize(("key", "value"), WRONG_VALUES)
def test_a_wrong_value_is_refused_and_the_right_one_not_told(key, value):
    result = exercises.examine(key, value)
    of_their_own = result.message.partition(" is not it")[2] or result.message  # a wrong number is quoted
    assert result.status == "not yet" and "10.8249" not in of_their_own


def test_a_failing_loop_is_shown_on_few_numbers():
    said = str(exercises.examine("6.4", lambda x, y, w, lr, batch_size: 1.0))
    assert "w = [[0, 0]]" in said and len(said) < 200
