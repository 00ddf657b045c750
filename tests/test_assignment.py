"""``make assignment`` hands out no output and no solution, whatever the working copy holds."""

import json
import shutil
import subprocess

import pytest

from tests import submissions
from tests.submissions import CHECK, IMPORTS, NAME, OTHER_CHECK, OTHER_RIGHT, RIGHT, STUB
from xent_helpers.exercises import __main__ as command
from xent_helpers.exercises import assignment, grading


@pytest.fixture
def course(tmp_path):
    """A course in git, with everything committed."""
    folder = submissions.course(tmp_path / "course")
    git(folder, "init", "--quiet")
    commit(folder)
    return folder


def git(folder, *arguments):
    settings = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", folder, *settings, *arguments], check=True, capture_output=True)


def commit(folder):
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "Stubs")


def read(folder):
    return json.loads(folder.joinpath(NAME).read_text(encoding="utf-8"))


def edit(folder, change):
    notebook = read(folder)
    change(notebook["cells"])
    folder.joinpath(NAME).write_text(json.dumps(notebook), encoding="utf-8")


def solve(cells):
    """What an instructor's working copy may hold: a lecture of their own, solutions, a scratch cell, outputs."""
    lecture = {"cell_type": "code", "id": "own", "metadata": {}, "source": "import os", "outputs": []}
    scratch = lecture | {"id": "scratch", "source": "my_diagnosis = [4, 1, 2, 3, 5, 6]"}
    by_id = {cell["id"]: cell for cell in cells}
    by_id["t1"]["source"] = [line + "\n" for line in RIGHT.splitlines()]
    by_id["t3"]["source"] = OTHER_RIGHT
    for cell in cells[1:]:
        cell["execution_count"], cell["metadata"] = 7, {"execution": {"x": 1}, "tags": ["optional"]}
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "right"}]
    cells[:] = [*cells[1:2], lecture, cells[0], *cells[2:], scratch]


def sources(folder):
    return ["".join(cell["source"]) for cell in read(folder)["cells"]]


def test_the_courses_own_notebooks_make_an_assignment(tmp_path):
    course, output = tmp_path / "notebooks", tmp_path / "build" / "assignment"
    shutil.copytree(command.COURSE, course, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    git(course, "init", "--quiet")
    commit(course)
    assert assignment.write(course, output) == 0
    assert {path.name for path in output.iterdir()} == {path.name for path in course.glob("*.ipynb")} | {"README.md"}
    for path in output.glob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs") and cell.get("execution_count") is None
    assert grading.chapters(output) == grading.chapters(course)


def test_the_folder_is_replaced_whole_and_the_same_each_time(course, tmp_path):
    output = tmp_path / "build" / "assignment"
    assert assignment.write(course, output) == 0
    first = {path.name: path.read_bytes() for path in output.iterdir()}
    output.joinpath("stale.ipynb").write_text("{}")
    assert assignment.write(course, output) == 0
    assert {path.name: path.read_bytes() for path in output.iterdir()} == first
    assert [path.name for path in output.parent.iterdir()] == ["assignment"]


def test_a_solved_working_copy_is_turned_back_and_its_lecture_kept(course, tmp_path, capsys):
    edit(course, solve)
    solved = course.joinpath(NAME).read_bytes()
    assert assignment.write(course, tmp_path / "out") == 0
    assert sources(tmp_path / "out") == [IMPORTS, "import os", "## Exercises", STUB, CHECK, OTHER_CHECK]
    cells = read(tmp_path / "out")["cells"]
    assert [cell["metadata"] for cell in cells[3:]] == [{"tags": ["optional"]}] * 3
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
    assert "git does not have them: 1 code cells" in capsys.readouterr().out
    assert course.joinpath(NAME).read_bytes() == solved


def test_a_committed_solution_is_refused_until_a_commit_without_is_named(course, tmp_path, capsys):
    edit(course, lambda cells: cells[2].update(source=RIGHT))
    commit(course)
    assert assignment.write(course, tmp_path / "out") == 1
    assert "a solution of 1.1" in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert assignment.write(course, tmp_path / "out", "HEAD~1") == 0
    assert STUB in sources(tmp_path / "out")
    assert assignment.write(course, tmp_path / "out", "no-such-commit") == 1
    assert "no-such-commit" in capsys.readouterr().err and STUB in sources(tmp_path / "out")


def test_without_git_it_says_what_to_do(tmp_path, capsys, monkeypatch):
    course = submissions.course(tmp_path / "course")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert assignment.write(course, tmp_path / "out") == 1
    assert "git clone" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path))
    assert assignment.write(course, tmp_path / "out") == 1
    assert "not installed" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["course"]
