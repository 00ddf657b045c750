"""nbgrader and Otter give the points that an answer deserves, where they are installed (neither is in ``.venv``)."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.grading import submissions
from tests.grading.submissions import NAME, OTHER_RIGHT, RIGHT, WRONG
from tests.grading.test_assignment import commit, git
from tests.grading.test_gradebook import COURSE_KEYS, cloned
from xent_helpers import exercises
from xent_helpers.exercises import __main__ as command
from xent_helpers.exercises import assignment

STEM = NAME.removesuffix(".ipynb")
POINTS = {"1.1": 2, "1.3": 1.5}
# The points that each earns, by what it answers to 1.1 and 1.3.
EARNED = {"right": (RIGHT, OTHER_RIGHT, 3.5), "half": (WRONG, OTHER_RIGHT, 1.5), "broken": ("1 / 0", "import no", 0)}


def made(tmp_path, kind):
    """The assignment of the small course for ``kind``."""
    course = submissions.course(tmp_path / "course")
    git(course, "init", "--quiet")
    commit(course)
    assert assignment.write(course, tmp_path / "made", kind=kind, points=POINTS) == 0
    return tmp_path / "made"


def answered(notebook, first, second):
    """The text of the notebook with these sources in the cells of its answers."""
    answers = {"t1": first, "t3": second}
    for cell in notebook["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    return json.dumps(notebook)


def run(folder, *arguments):
    variables = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}  # nbgrader calls alembic
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("answer", [None, ..., "my_own", [4, 1, 2, 3, 5], print])
def test_what_is_not_solved_raises(answer):
    with pytest.raises(AssertionError, match=r"1\.3"):
        exercises.require("1.3", answer)
    exercises.require("1.3", [4, 1, 2, 3, 5, 6])


@pytest.mark.parametrize("kind", assignment.FOR)
def test_each_exercise_of_the_course_gets_a_test_that_names_its_answer(kind, tmp_path, monkeypatch):
    """Every cell that checks an exercise is understood, the answers written into the call among them."""
    monkeypatch.setattr(command, "COURSE", cloned(tmp_path))
    assert command.main(["assignment", f"--{kind}", "--output", str(tmp_path / "made")]) == 0
    notebooks = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "made").rglob("*.ipynb")]
    code = ["".join(cell["source"]) for one in notebooks for cell in one["cells"] if cell["cell_type"] == "code"]
    assert "my_answer_3_2 = None  # put your expression in the place of None\n\n" in "\n".join(code)
    tests = [path.read_text(encoding="utf-8") for path in (tmp_path / "made").rglob("tests/*.py")]
    tests += [source for source in code if "HIDDEN TESTS" in source]
    assert len(tests) == len(COURSE_KEYS)
    for name in re.findall(r'get\("(\w+)"\)', "\n".join(tests)):
        assert any(re.search(rf"^(def {name}\(|{name} = )", source, re.MULTILINE) for source in code), name


@pytest.mark.slow
def test_nbgrader_gives_the_points(tmp_path):
    api = pytest.importorskip("nbgrader.api")
    folder = made(tmp_path, "nbgrader")
    run(folder, "nbgrader", "generate_assignment", STEM)
    released = json.loads((folder / "release" / STEM / NAME).read_text(encoding="utf-8"))
    assert "require" not in json.dumps(released)
    for student, (first, second, _) in EARNED.items():
        path = folder / "submitted" / student / STEM / NAME
        path.parent.mkdir(parents=True)
        path.write_text(answered(released, first, second), encoding="utf-8")
    run(folder, "nbgrader", "autograde", STEM, "--create")
    with api.Gradebook(f"sqlite:///{folder}/gradebook.db") as grades:
        scores = {one.student.id: (one.score, one.max_score) for one in grades.assignment_submissions(STEM)}
    assert scores == {student: (earned, 3.5) for student, (*_, earned) in EARNED.items()}


@pytest.mark.slow
def test_otter_gives_the_points(tmp_path):
    pytest.importorskip("otter")
    folder = made(tmp_path, "otter") / STEM
    run(folder, "otter", "generate", "-t", "tests", "-o", "autograder.zip", "--no-environment", "--no-requirements")
    assert {"run_autograder", "setup.sh"} <= set(zipfile.ZipFile(folder / "autograder.zip").namelist())
    notebook = (folder / NAME).read_text(encoding="utf-8")
    for student, (first, second, earned) in EARNED.items():
        path = folder / f"{student}.ipynb"
        path.write_text(answered(json.loads(notebook), first, second), encoding="utf-8")
        (folder / student).mkdir()
        run(folder, "otter", "run", "-a", "autograder.zip", "-o", str(folder / student), path.name)
        tests = json.loads((folder / student / "results.json").read_text(encoding="utf-8"))["tests"]
        assert sum(test.get("score", 0) for test in tests) == earned, tests
