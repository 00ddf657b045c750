"""The notebooks' exercises, answered: every check says "solved", or names the mistake.

The exercises' cells alone are run here, in this process. ``make test-answers`` runs the whole notebooks.
"""

import pytest

from tests.exercises.answered import EXERCISES, NOTEBOOKS, answered, mistakes, solutions
from xent_helpers import exercises
from xent_helpers.exercises.assignment import marked


def found(notebook):
    """Status and message by key, as the cells below the heading *Exercises* get them after the notebook's imports."""
    results = {}
    code = [(cell, below) for cell, below in marked(notebook) if cell.cell_type == "code"]
    names = {}
    with exercises.redirected_checks(lambda key, answer: results.update({key: exercises.examine(key, answer)})):
        for cell in [code[0][0], *(cell for cell, below in code[1:] if below)]:
            exec(cell.source, names)
    return {key: (result.status, result.message) for key, result in results.items()}


@pytest.mark.parametrize(
    "answers", [solutions, mistakes(seed=0), mistakes(seed=1)], ids=["right", "wrong", "wrong too"]
)
@pytest.mark.parametrize("number", NOTEBOOKS)
def test_every_check_says_what_it_should(number, answers):
    expected = {key: answers(key)[1:] for key in EXERCISES if key[0] == number[1]}
    assert found(answered(NOTEBOOKS[number], answers)) == expected
