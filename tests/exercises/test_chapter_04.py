"""Chapter 4's exercises: what the catalogue's test does not see."""

import numpy as np

from xent_helpers import exercises, losses
from xent_helpers.exercises import all_exercises
from xent_helpers.exercises.chapter_04 import newton

EXERCISES = all_exercises()


def test_the_printed_newton_snippet_goes_uphill_from_zero_weights():
    for x, w, y in EXERCISES["4.2"].inputs(np.random.default_rng(0)):
        if w.any():
            continue
        after = newton.newton_as_printed(x, w, y)
        assert np.mean(np.logaddexp(0, x @ after) - y * (x @ after)) > np.log(2)


def test_the_snippet_in_the_notebook_is_the_one_that_the_catalogue_knows():
    x, w, y = EXERCISES["4.2"].inputs(np.random.default_rng(0))[1]
    p = 1 / (1 + np.exp(-x @ w))
    gradient = x.T @ (p - y) / len(y)
    hessian = (x.T * p) @ x
    np.testing.assert_allclose(newton.newton_as_printed(x, w, y), w + np.linalg.solve(hessian, gradient))


def test_two_slips_at_once_are_both_named():
    wrong = exercises.examine("4.1", lambda z, y: losses.softmax(z, axis=0) - np.eye(z.shape[1])[y])
    assert wrong.mistakes == ("gradient over samples", "times N")


def test_a_wrong_newton_step_is_shown_on_a_small_table():
    wrong = exercises.examine("4.2", lambda x, w, y: newton.newton_step(x, w, y) * 1.01)
    assert "for x = [[" in wrong.message and len(wrong.message) < 200
