"""``grade`` reports every submission and lets none harm the machine; ``make test-grade`` tries many more."""

import csv
import json
import os

import psutil
import pytest

from tests import submissions
from tests.submissions import CHECK, ENDLESS, IMPORTS, NAME, OTHER_RIGHT, RIGHT, WRONG, notebook
from xent_helpers.exercises import __main__ as command
from xent_helpers.exercises import grading, sandbox
from xent_helpers.exercises.grading import Unreadable

pytestmark = pytest.mark.skipif(os.name == "nt", reason="grade runs on Linux and macOS")

LIMITS = sandbox.Limits(seconds=60, megabytes=1024)


@pytest.fixture
def course(tmp_path):
    return grading.chapters(submissions.course(tmp_path / "course"))


@pytest.fixture(scope="session")
def sandboxed():
    if obstacle := sandbox.obstacle():
        pytest.skip(f"there is no sandbox here: {obstacle}")


def run(*arguments):
    parsed = command.parser().parse_args([str(argument) for argument in arguments])
    return parsed.run(parsed)


def table(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {(row["file"], row["exercise"]): row for row in csv.DictReader(file)}


# ---- what needs no process ----


def test_the_chapters_of_the_course_are_known_with_the_names_that_their_checks_give():
    found = {chapter.name: chapter.exercises for chapter in grading.chapters(command.COURSE)}
    assert found[NAME]["1.1"] == "my_coin_loss" and len(found) >= 8
    assert all(len(names) >= 3 for names in found.values())


def test_a_folder_without_the_course_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="--course"):
        grading.chapters(tmp_path)


WHOLE = notebook(IMPORTS, RIGHT, CHECK)
NOT_NOTEBOOKS = {
    "cut in half": WHOLE[: len(WHOLE) // 2],
    "empty": "",
    "blank": " \n",
    "text": "My answer is 7.",
    "a list": "[]",
    "null": "null",
    "deep": "[" * 100_000,
    "digits": "9" * 100_000,
    "no cells": '{"nbformat": 4}',
    "cells of numbers": '{"cells": [1, 2]}',
    "no source": '{"cells": [{"cell_type": "code"}]}',
    "source of numbers": '{"cells": [{"cell_type": "code", "source": [1]}]}',
    "tags of numbers": '{"cells": [{"cell_type": "code", "source": "", "metadata": {"tags": 7}}]}',
    "format 3": '{"worksheets": [{"cells": []}], "nbformat": 3}',
}


@pytest.mark.parametrize("kind", NOT_NOTEBOOKS)
def test_what_is_no_notebook_is_reported(kind, tmp_path, course):
    path = tmp_path / "a.ipynb"
    path.write_text(NOT_NOTEBOOKS[kind])
    ((file, key, status, why),) = grading.grade(path, course, LIMITS, threads=1)
    assert (file, key, status) == (str(path), "", "not a notebook") and why


def test_what_is_no_file_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "LARGEST", 2 * sandbox.MEBIBYTE)
    huge, link, pipe, other = (tmp_path / name for name in ("huge", "link", "pipe", "other"))
    huge.write_bytes(b" " * (2 * sandbox.MEBIBYTE + 1))
    link.symlink_to(huge)
    os.mkfifo(pipe)
    other.write_bytes(b"\xff\xfe")
    words = {
        huge: "2 MiB",
        link: "link",
        pipe: "device",
        tmp_path: "folder",
        other: "UTF-8",
        tmp_path / "no": "No such",
    }
    for path, word in words.items():
        with pytest.raises(Unreadable) as caught:
            grading.read(path)
        assert word in caught.value.args[1], path


def test_the_chapter_is_known_by_its_checks_its_cells_or_its_name(tmp_path, course):
    other = grading.Chapter("02_other.ipynb", {"2.1": "f"}, frozenset({"u1"}))
    for text, name in (
        (notebook(CHECK, ids=False), "x.ipynb"),
        (notebook("1"), "x.ipynb"),
        (notebook("1", ids=False), f"anna_{NAME}"),
    ):
        path = tmp_path / name
        path.write_text(text)
        assert grading.chapter_of(grading.read(path), path, [other, *course]).name == NAME
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps({"cells": []}))
    with pytest.raises(Unreadable, match="not of the course"):
        grading.chapter_of(grading.read(path), path, [other, *course])


def test_a_cell_of_the_table_is_never_a_formula_and_never_moves_the_cursor():
    for opening in ("=", "+", "-", "@", "＝", "\t=", "\r\n=", "\x1b=", " ="):
        assert grading.shown(opening + "cmd").startswith("'"), opening
    assert grading.shown("\x1b[2J\u202e\x00a\u2028b") == "[2J a b"
    assert len(grading.shown("x" * 5000)) == grading.LONGEST_TEXT


def test_findings_that_the_runner_would_not_write_are_left_out():
    right = {"exercise": "1.1", "status": "solved", "message": "m", "note": ""}
    wrong = [right | {"status": "great"}, right | {"message": 1}, {"cell": "1", "error": "e"}, [], 1, None]
    lines = [json.dumps(finding).encode() for finding in [*wrong, right]]
    assert list(grading._findings(b"\n".join([*lines, b"\xff", b"{", b"[" * 10**5]))) == [right]


def test_an_earlier_table_keeps_the_rows_of_other_files(tmp_path):
    path, mine = tmp_path / "grades.csv", tmp_path / "a.ipynb"
    grading.store({"old.ipynb": [("old.ipynb", "", "graded", 'ä, "b"')], str(mine): [(str(mine), "", "x", "")]}, path)
    mine.write_text("")
    assert run("grade", mine, "--output", path, "--trust") == 0
    assert {key[0]: row["status"] for key, row in table(path).items()} == {
        "old.ipynb": "graded",
        str(mine): "not a notebook",
    }
    assert table(path)["old.ipynb", ""]["diagnosis"] == 'ä, "b"'
    assert [found.name for found in tmp_path.iterdir() if "unfinished" in found.name] == []


@pytest.mark.parametrize("text", ["my notes", "a,b\n1,2\n", "file,exercise,status,diagnosis\nx,y\n", ""])
def test_another_file_is_not_written_over(tmp_path, capsys, text):
    path = tmp_path / "notes.txt"
    path.write_text(text)
    assert run("grade", tmp_path / "a.ipynb", "--output", path, "--trust") == 2
    assert path.read_text() == text and "--output" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["", "broken"])
def test_without_a_sandbox_nothing_is_run(tmp_path, monkeypatch, capsys, path):
    """Neither where bubblewrap is missing, nor where it is there and fails."""
    folder = tmp_path / "bin"
    folder.mkdir()
    if path:
        folder.joinpath("bwrap").write_text(
            "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n"
        )
        folder.joinpath("bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sandbox.subprocess, "Popen", None if not path else sandbox.subprocess.Popen)
    assert run("grade", tmp_path / "a.ipynb", "--output", tmp_path / "grades.csv") == 2
    said = capsys.readouterr().err
    assert ("not installed" if not path else "Permission denied") in said and "--trust" in said
    assert not (tmp_path / "grades.csv").exists()


@pytest.mark.parametrize("option", [("--time-limit", "0"), ("--memory-limit", "1"), ("--time-limit", "nan")])
def test_limits_that_nothing_fits_in_are_refused(option, capsys):
    with pytest.raises(SystemExit):
        run("grade", "a.ipynb", *option)
    assert "less than" in capsys.readouterr().err


# ---- what runs submissions ----


@pytest.fixture
def outside(tmp_path):
    """A tree that no submission may change: a home folder with a secret, and other people's submissions."""
    folder = tmp_path / "outside"
    for name, text in (("home/secret", "42"), ("others/b.ipynb", WHOLE)):
        folder.joinpath(name).parent.mkdir(parents=True)
        folder.joinpath(name).write_text(text)
    return folder


def state(folder):
    return {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in folder.rglob("*")}


@pytest.mark.usefixtures("sandboxed")
def test_a_submission_is_graded_by_what_it_does_in_the_sandbox(tmp_path, outside, monkeypatch):
    """One that fails in some cells, one that attacks in every way, one that never ends: three rows of findings."""
    monkeypatch.setenv("GRADE_SECRET", "42")
    monkeypatch.setenv("HOME", str(outside / "home"))
    families, family = set(), sandbox._family
    monkeypatch.setattr(sandbox, "_family", lambda process: families.update(found := family(process)) or found)
    attacks = list(submissions.hostile(outside).values())
    texts = {
        "a.ipynb": notebook(IMPORTS, "1 / 0", "%matplotlib inline", WRONG, CHECK, "print('solved')", OTHER_RIGHT),
        "=b.ipynb": notebook(IMPORTS, RIGHT, *attacks, CHECK, OTHER_RIGHT),
    }
    course = submissions.course(tmp_path / "course")
    paths = [outside / "others" / name for name in texts]
    for path in paths:
        path.write_text(texts[path.name])
    untouched = state(outside)
    monkeypatch.chdir(outside / "others")
    output = tmp_path / "grades.csv"
    assert run("grade", *texts, "--course", course, "--output", output, "--memory-limit", "1024") == 0
    rows = table(output)
    assert rows["a.ipynb", ""]["diagnosis"] == "code cell 2: ZeroDivisionError: division by zero"
    assert rows["a.ipynb", "1.1"]["status"] == "not yet" and "negative" in rows["a.ipynb", "1.1"]["diagnosis"]
    assert rows["'=b.ipynb", "1.1"]["status"] == "solved", rows
    assert {rows[name, "1.3"]["status"] for name in ("a.ipynb", "'=b.ipynb")} == {"solved"}
    assert state(outside) == untouched
    assert families and not [process for process in families if process.is_running()]
    assert not submissions.sleeping()


@pytest.mark.usefixtures("sandboxed")
def test_an_endless_submission_ends_on_time(tmp_path, course):
    path = tmp_path / "a.ipynb"
    path.write_text(notebook("import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass"))
    rows = grading.grade(path, course, sandbox.Limits(seconds=3, megabytes=1024), threads=400)
    assert [row[2] for row in rows] == ["timed out", "not graded", "not graded"]


def test_trust_keeps_the_process_apart_and_the_limits(tmp_path, course):
    """An endless answer costs its exercise only, a deleted check leaves the name, the folder is an empty one."""
    path = tmp_path / "a.ipynb"
    cells = ["assert os.listdir() == ['" + NAME + "']; os.chdir('..')", "bytearray(10**9)", ENDLESS, OTHER_RIGHT]
    path.write_text(notebook(IMPORTS, *cells))
    rows = grading.grade(path, course, LIMITS, threads=sandbox.threads_allowed(LIMITS), trust=True)
    assert [row[2] for row in rows] == ["failed", "not yet", "solved"]
    assert rows[0][3] == "code cell 3: MemoryError:"
    assert "no cell checks this exercise" in rows[1][3] and "too long" in rows[1][3]
    assert path.exists() and not psutil.Process().children(recursive=True)
