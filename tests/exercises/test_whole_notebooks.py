"""The notebooks with every exercise answered, run from top to bottom (``make test-answers``, some minutes)."""

import pytest

from tests.exercises.answered import EXERCISES, NOTEBOOKS, answered, checks, mistakes, solutions
from tools.execute_notebooks import run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("answers", [solutions, mistakes(seed=0)], ids=["right", "wrong"])
@pytest.mark.parametrize("number", NOTEBOOKS)
def test_the_notebook_runs_and_every_check_says_what_it_should(number, answers, tmp_path):
    notebook = run(answered(NOTEBOOKS[number], answers), tmp_path, [])
    said = {}
    for cell in notebook.cells:
        for key, _ in checks(cell.source) if cell.cell_type == "code" else ():
            said[key] = " ".join(" ".join(one.data["text/plain"] for one in cell.outputs if "data" in one).split())
    assert said.keys() == {key for key in EXERCISES if key[0] == number[1]}
    for key, words in said.items():
        _, status, message = answers(key)
        assert words == " ".join(f"Exercise {key}: {status}. {message}".split())
