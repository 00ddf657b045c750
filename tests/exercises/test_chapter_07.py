"""Chapter 7's exercises: what the catalogue's test does not see."""

import numpy as np

from xent_helpers.exercises import all_exercises
from xent_helpers.exercises.chapter_07 import report

EXERCISES = all_exercises()


def test_the_snippet_to_repair_is_the_mistake_that_it_shows():
    """7.4's cell in the notebook is report_fitted_on_test; and peeking never makes the number higher."""
    for arguments in EXERCISES["7.4"].inputs(np.random.default_rng(0)):
        assert report.report_fitted_on_test(*arguments) <= report.honest_report(*arguments)
