"""The command line for a class: what it takes, what it refuses, and what it prints; no submission is run here."""

import argparse
import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from xent_helpers.exercises import __main__ as command
from xent_helpers.exercises import assignment, grading, sandbox

LIMITS = sandbox.Limits(300, 4096)
DEFAULTS = {
    "notebooks": [Path("a.ipynb")],
    "time_limit": 300,
    "memory_limit": 4096,
    "output": Path("grades.csv"),
    "course": Path(command.__file__).resolve().parents[2] / "notebooks",
    "trust": False,
}
OPTIONS = {
    ("--time-limit", "1"): {"time_limit": 1},
    ("--time-limit", "2.5"): {"time_limit": 2.5},
    ("--memory-limit", "512"): {"memory_limit": 512},
    ("--output", "x.csv"): {"output": Path("x.csv")},
    ("--course", "here"): {"course": Path("here")},
    ("--trust",): {"trust": True},
}


def parsed(*arguments):
    return command.parser().parse_args([str(argument) for argument in arguments])


def run(*arguments):
    found = parsed(*arguments)
    return found.run(found)


def refused(capsys, *arguments):
    """The line that says why."""
    with pytest.raises(SystemExit) as stopped:
        parsed(*arguments)
    assert stopped.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def helped(capsys, monkeypatch, *arguments):
    """The help on one line."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit) as stopped:
        parsed(*arguments, "--help")
    assert stopped.value.code == 0
    return " ".join(capsys.readouterr().out.split())


# ---- arguments ----


@pytest.mark.parametrize("option", [(), *OPTIONS])
def test_what_grade_takes(option):
    found = vars(parsed("grade", "a.ipynb", *option))
    assert found.pop("run") == command.grade
    due = DEFAULTS | OPTIONS.get(option, {})
    assert found == due
    assert {name: type(value) for name, value in found.items()} == {
        "notebooks": list,
        "time_limit": float,
        "memory_limit": int,
        "output": type(Path()),
        "course": type(Path()),
        "trust": bool,
    }


def test_grade_takes_several_notebooks():
    assert parsed("grade", "--trust", "a.ipynb", "b.ipynb").notebooks == [Path("a.ipynb"), Path("b.ipynb")]


@pytest.mark.parametrize(
    "option, output, commit",
    [
        ((), Path("build/assignment"), "HEAD"),
        (("--output", "x"), Path("x"), "HEAD"),
        (("--stubs", "v1"), Path("build/assignment"), "v1"),
    ],
)
def test_what_assignment_does(monkeypatch, option, output, commit):
    monkeypatch.setattr(assignment, "write", lambda *arguments: arguments)
    assert run("assignment", *option) == (DEFAULTS["course"], output, commit)


@pytest.mark.parametrize(
    "arguments, why",
    [
        ((), "the following arguments are required: COMMAND"),
        (("grade",), "the following arguments are required: NOTEBOOK"),
        (("grade", "a", "--time-limit", "0.99"), "argument --time-limit: 0.99 is less than 1"),
        (("grade", "a", "--time-limit", "nan"), "argument --time-limit: nan is less than 1"),
        (("grade", "a", "--time-limit", "soon"), "argument --time-limit: invalid float value: 'soon'"),
        (("grade", "a", "--memory-limit", "511"), "argument --memory-limit: 511 is less than 512"),
        (("grade", "a", "--memory-limit", "1e3"), "argument --memory-limit: invalid int value: '1e3'"),
    ],
)
def test_what_is_refused(capsys, arguments, why):
    assert refused(capsys, *arguments) == f"python -m xent_helpers.exercises{' grade' * bool(arguments)}: error: {why}"


def test_an_unknown_command_is_refused_with_those_that_there_are(capsys):
    said = refused(capsys, "mark")
    assert "argument COMMAND: invalid choice: 'mark'" in said and "grade" in said and "assignment" in said


def test_a_number_has_its_type_and_its_name():
    whole = command.number(int, 3)
    assert whole("3") == 3 and whole.__name__ == "int" and command.number(float, 3).__name__ == "float"
    with pytest.raises(argparse.ArgumentTypeError, match="^2 is less than 3$"):
        whole("2")
    with pytest.raises(ValueError, match="invalid literal"):
        whole("3.5")


def test_the_help_names_every_command_and_option(capsys, monkeypatch):
    top = helped(capsys, monkeypatch)
    assert top.startswith("usage: python -m xent_helpers.exercises [-h] COMMAND ... The commands for a class: ")
    assert "grade run submitted notebooks and store a table of what they solved" in top
    assert "assignment copy the notebooks without outputs and solutions" in top
    grade = helped(capsys, monkeypatch, "grade")
    for line in (
        "--time-limit S seconds for a file (300)",
        "--memory-limit MB MiB for a file (4096)",
        "--output CSV the table (grades.csv)",
        "--course DIR the course's own notebooks",
        "--trust run without a sandbox, with your rights on this machine",
    ):
        assert line in grade
    assert "NOTEBOOK [NOTEBOOK ...]" in grade
    two = helped(capsys, monkeypatch, "assignment")
    assert "--output DIR" in two and "--stubs COMMIT the commit to take the exercises' cells from" in two


# ---- grade ----


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """Let the grader answer at once; return what it is asked. At ``stop`` Ctrl-C is hit, ``text`` is no notebook."""
    asked = []

    def grade(path, course, limits, *, threads, trust):
        if path.name == "stop":
            raise KeyboardInterrupt
        asked.append((path.name, course, limits, threads, trust))
        if path.name == "text":
            return [(str(path), "", "not a notebook", "it is empty")]
        return [(str(path), "", "graded", "every cell ran"), (str(path), "1.1", "solved", f"call {len(asked)}")]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sandbox, "obstacle", lambda: None)
    monkeypatch.setattr(sandbox, "threads_allowed", lambda limits: ("threads for", limits))
    monkeypatch.setattr(grading, "chapters", lambda folder: ("chapters of", folder))
    monkeypatch.setattr(grading, "grade", grade)
    return asked


def lines(name, call):
    """What is printed of a file."""
    return f"{name}\n         graded              every cell ran\n    1.1  solved              call {call}\n"


def rows(name, call):
    """What the table holds of a file."""
    return f"{name},,graded,every cell ran\n{name},1.1,solved,call {call}\n"


HEADER = "\ufefffile,exercise,status,diagnosis\n"


@pytest.mark.parametrize(
    "options, limits, trust",
    [
        ((), LIMITS, False),
        (("--time-limit", "7", "--memory-limit", "600", "--trust"), sandbox.Limits(7, 600), True),
    ],
)
def test_every_file_is_graded_once_and_stored(graded, tmp_path, capsys, options, limits, trust):
    output = tmp_path / "table.csv"
    output.write_text(HEADER + rows("b", 9) + rows("old", 9), encoding="utf-8")
    assert run("grade", "a", "b", "a", "--course", "there", "--output", output, *options) == 0
    common = ("chapters of", Path("there")), limits, ("threads for", limits), trust
    assert graded == [("a", *common), ("b", *common)]
    shown = capsys.readouterr()
    assert shown.out == f"{lines('a', 1)}{lines('b', 2)}2 files, the table is in {output}\n"
    assert shown.err == ""
    assert output.read_text(encoding="utf-8") == HEADER + rows("b", 2) + rows("old", 9) + rows("a", 1)


def test_with_trust_no_sandbox_is_looked_for(graded, monkeypatch):
    monkeypatch.setattr(sandbox, "obstacle", lambda: pytest.fail("looked for"))
    assert run("grade", "a", "--trust") == 0
    assert [trust for *_, trust in graded] == [True]


def test_a_file_that_is_no_notebook_has_one_row(graded, tmp_path, capsys):
    assert run("grade", "text", "a") == 0
    shown = "text\n         not a notebook      it is empty\n" + lines("a", 2)
    assert capsys.readouterr().out == shown + "2 files, the table is in grades.csv\n"
    assert tmp_path.joinpath("grades.csv").read_text(
        encoding="utf-8"
    ) == HEADER + "text,,not a notebook,it is empty\n" + rows("a", 2)


def test_an_interruption_keeps_what_is_graded(graded, tmp_path, capsys, monkeypatch):
    """The one that is interrupted is not in the table; the table is whole after each file."""
    stored, store = [], grading.store
    monkeypatch.setattr(grading, "store", lambda table, path: stored.append(len(table)) or store(table, path))
    assert run("grade", "a", "b", "a", "stop", "c") == 130
    shown = capsys.readouterr()
    assert shown.out == lines("a", 1) + lines("b", 2)
    assert shown.err == "Interrupted: 2 of 4 files are graded and kept in grades.csv.\n"
    assert tmp_path.joinpath("grades.csv").read_text(encoding="utf-8") == HEADER + rows("a", 1) + rows("b", 2)
    assert stored[:3] == [0, 1, 2] and [name for name, *_ in graded] == ["a", "b"]


@pytest.mark.parametrize("error", [OSError("no folder"), ValueError("no table")])
@pytest.mark.parametrize("step", ["chapters", "load", "store"])
def test_what_stands_in_the_way_is_said_before_anything_runs(graded, tmp_path, capsys, monkeypatch, step, error):
    def fails(*arguments):
        raise error

    monkeypatch.setattr(grading, step, fails)
    assert run("grade", "a") == 2
    assert capsys.readouterr() == ("", f"{error}\n")
    assert graded == [] and not list(tmp_path.iterdir())


def test_without_a_sandbox_it_says_what_is_missing_and_what_to_do(graded, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sandbox, "obstacle", lambda: "the moon is full")
    assert run("grade", "a") == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("There is no sandbox: the moon is full.\nSubmitted notebooks are ")
    assert "apt install bubblewrap" in shown.err and "pass --trust" in shown.err
    assert graded == [] and not list(tmp_path.iterdir())


def test_windows_is_refused(graded, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "os", SimpleNamespace(name="nt"))
    assert run("grade", "a", "--trust") == 2
    refused = "grade runs on Linux and, with --trust, on macOS; on Windows use WSL.\n"
    assert capsys.readouterr() == ("", refused)
    assert graded == [] and not list(tmp_path.iterdir())


# ---- what is shown ----

ROW = f"    {'1.1':5}{'not attempted yet':20}"  # 29 characters


@pytest.mark.parametrize("width", [30, 40])
def test_a_line_is_as_wide_as_the_terminal(capsys, monkeypatch, width):
    """One that fits is whole; one that is longer by a character ends in dots, in as many columns."""
    monkeypatch.setenv("COLUMNS", str(width))
    fits = "x" * (width - len(ROW))
    command.show([("a" * 50, "1.1", "not attempted yet", fits), ("b", "1.1", "not attempted yet", fits + "y")])
    whole, cut = ROW + fits, ROW + fits[:-1] + "…"
    assert len(whole) == len(cut) == width
    assert capsys.readouterr().out.splitlines() == ["a" * 50, whole, cut]


def test_without_a_terminal_a_line_has_120_columns(capsys, monkeypatch):
    def none(descriptor):
        raise OSError

    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(os, "get_terminal_size", none)
    command.show([("a", "1.1", "not attempted yet", "x" * 200)])
    assert capsys.readouterr().out.splitlines()[1] == ROW + "x" * 90 + "…"


def test_a_line_is_shown_at_once(monkeypatch):
    """Also where the output goes to a file or a pipe, which would wait for more."""
    file = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(file, encoding="utf-8"))
    command.show([("a", "", "graded", "every cell ran")])
    assert file.getvalue().splitlines()[-1].endswith(b"every cell ran")
