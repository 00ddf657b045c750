"""``make assignment`` hands out no output and no solution, whatever the working copy holds."""

import json
import shutil
import subprocess

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from tests.grading import submissions
from tests.grading.submissions import CHECK, IMPORTS, NAME, OTHER_CHECK, OTHER_RIGHT, RIGHT, STUB, WRONG
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


@pytest.mark.usefixtures("other_locale")
def test_text_is_written_in_utf_8_and_cells_without_an_id_are_left_out_below_the_heading(course, tmp_path, capsys):
    def code(source, **identity):
        cell = {"cell_type": "code", "execution_count": 3, "metadata": {"execution": {}}, "outputs": [{}]}
        return cell | {"source": source} | identity

    heading = {"cell_type": "markdown", "metadata": {"execution": {}}, "source": ["Übung\n", "## Exercises\n", "π"]}
    cells = [code(IMPORTS, id="t0"), heading, code("1 + 1", id="own"), code("1 + 1"), code(OTHER_RIGHT, id="t3")]
    written = {"cells": cells, "metadata": {"widgets": {"state": {}}}, "nbformat": 4, "nbformat_minor": 5}
    course.joinpath(NAME).write_text(json.dumps(written, ensure_ascii=False), encoding="utf-8")
    output = tmp_path / "not" / "there" / "out"
    assert assignment.write(course, output) == 0
    assert "2 code cells" in capsys.readouterr().out
    found = read(output)
    assert found["metadata"] == {} and not any(cell["metadata"] for cell in found["cells"])
    assert sources(output) == [IMPORTS, "Übung\n## Exercises\nπ", OTHER_CHECK]
    assert (output / "README.md").exists() and output.stat().st_mode & 0o777 == 0o755


def test_the_exercises_that_are_solved_are_named(course, tmp_path, capsys):
    edit(course, lambda cells: (cells[2].update(source=RIGHT), cells[4].update(source=OTHER_RIGHT)))
    commit(course)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.txt").touch()
    assert assignment.write(course, tmp_path / "out") == 1
    shown = capsys.readouterr()
    assert not shown.out and "1.1, 1.3" in shown.err and "--stubs" in shown.err
    assert [path.name for path in tmp_path.joinpath("out").iterdir()] == ["old.txt"]
    assert {path.name for path in tmp_path.iterdir()} == {"course", "out"}


def test_what_stands_below_the_heading():
    """The heading is a whole line of a text; in code it is none, and neither is a part of a line."""
    cells = [
        new_code_cell("## Exercises"),
        new_markdown_cell("### Exercises\n## Exercises, later"),
        new_markdown_cell(["intro\n", "## Exercises\n"]),
        new_code_cell("1"),
        new_markdown_cell("## Next"),
    ]
    found = assignment.marked({"cells": cells})
    assert [cell for cell, _ in found] == cells
    assert [among_exercises for _, among_exercises in found] == [False, False, False, True, True]


def test_an_exercise_is_solved_by_what_its_cells_do_and_the_lecture_is_not_run():
    heading = new_markdown_cell("## Exercises")
    lecture, check = new_code_cell("1 / 0"), new_code_cell(CHECK)

    def solved(answer, other=OTHER_CHECK):
        cells = [new_code_cell(IMPORTS), lecture, heading, new_code_cell(answer), check, new_code_cell(other)]
        return assignment.solved_in({"cells": cells})

    assert solved(STUB) == [] and solved(WRONG) == []
    assert (
        solved(RIGHT) == ["1.1"]
        and solved(STUB, OTHER_RIGHT) == ["1.3"]
        and solved(RIGHT, OTHER_RIGHT) == ["1.1", "1.3"]
    )


@pytest.mark.usefixtures("other_locale")
def test_what_a_commit_holds(course):
    path = course / NAME
    path.write_text("π\n", encoding="utf-8")
    commit(course)
    path.write_text("later", encoding="utf-8")
    assert assignment.committed(path, "HEAD") == "π\n"
    assert STUB in "".join(cell["source"] for cell in json.loads(assignment.committed(path, "HEAD~1"))["cells"])
    refused = r"^new\.ipynb cannot be read from git at HEAD: .*new\.ipynb.*\S\. The exercises' cells"
    with pytest.raises(assignment.NotAnAssignment, match=refused):
        assignment.committed(course / "new.ipynb", "HEAD")


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
