"""``grade`` reports every submission and lets none harm the machine; ``make test-grade`` tries many more."""

import csv
import errno
import json
import os
import sys
from pathlib import Path

import psutil
import pytest

from tests.grading import submissions
from tests.grading.submissions import CHECK, ENDLESS, IMPORTS, NAME, OTHER_RIGHT, RIGHT, WRONG, notebook
from xent_helpers.exercises import __main__ as command
from xent_helpers.exercises import grading, sandbox
from xent_helpers.exercises.grading import Unreadable

pytestmark = pytest.mark.skipif(os.name == "nt", reason="grade runs on Linux and macOS")

LIMITS = sandbox.Limits(seconds=60, megabytes=1024)
FINISHED = {"finished": True}


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


def text_of(*cells):
    """The text of a notebook of these cells: fields that replace a code cell's own, id, source, metadata."""
    return json.dumps({"cells": [{"cell_type": "code", "metadata": {}} | cell for cell in cells]}, ensure_ascii=False)


@pytest.mark.usefixtures("other_locale")
def test_a_chapter_is_the_checks_of_its_code_and_the_ids_of_its_cells(tmp_path):
    first = text_of(
        {"id": "a", "source": "# Übung: exercises.check('8.8', f)", "cell_type": "markdown"},
        {"id": "b", "source": ["f = 1\n", "exercises.check('1.1', f)\n", "print(f, 2)\n", "(lambda: f)()"]},
        {"id": "c", "source": "check(\"1.2\", [1, 2])\ncheck('1.10', g)  # ä"},
        {"id": "d", "source": "%matplotlib inline"},
    )
    tmp_path.joinpath("01_ä.ipynb").write_text(first, encoding="utf-8")
    tmp_path.joinpath("00_start.ipynb").write_text(text_of({"id": "e", "source": "!ls"}))
    tmp_path.joinpath("02_notes.txt").write_text("no notebook")
    assert grading.chapters(tmp_path) == [
        grading.Chapter("00_start.ipynb", {}, frozenset("e")),
        grading.Chapter("01_ä.ipynb", {"1.1": "f", "1.2": None, "1.10": "g"}, frozenset("abcd")),
    ]


def test_a_folder_without_the_course_is_refused(tmp_path):
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match=f"^{tmp_path} holds no notebook of the course: .* --course.$"):
            grading.chapters(tmp_path)
        tmp_path.joinpath("01_own.ipynb").write_text(text_of({"id": "a", "source": "1"}))


WHOLE = notebook(IMPORTS, RIGHT, CHECK)
EMPTY = "it is empty"
NO_JSON = "it is not whole, or no JSON ("
OTHER_JSON = "it is JSON, but no notebook of format 4"
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


WHY = {"cut in half": NO_JSON, "empty": EMPTY, "blank": EMPTY, "text": NO_JSON, "deep": NO_JSON, "digits": NO_JSON}


@pytest.mark.parametrize("kind", NOT_NOTEBOOKS)
def test_what_is_no_notebook_is_reported(kind, tmp_path, course):
    path = tmp_path / "a.ipynb"
    path.write_text(NOT_NOTEBOOKS[kind])
    ((file, key, status, why),) = grading.grade(path, course, LIMITS, threads=1)
    assert (file, key, status) == (str(path), "", "not a notebook")
    due = WHY.get(kind, OTHER_JSON)
    assert why == due or (due == NO_JSON and why.startswith(due) and len(why) > len(due) + 1)


def test_what_is_no_file_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "LARGEST", 2 * sandbox.MEBIBYTE)
    link, pipe, huge, other = (tmp_path / name for name in ("link", "pipe", "huge", "other"))
    huge.write_bytes(b" " * (3 * sandbox.MEBIBYTE + 1))
    link.symlink_to(huge)
    os.mkfifo(pipe)
    other.write_bytes(b"\xff\xfe")
    reasons = {
        link: ("not a notebook", "it is a link; hand in the file itself"),
        pipe: ("not a notebook", "it is a folder or a device; name the notebooks themselves"),
        tmp_path: ("not a notebook", "it is a folder or a device; name the notebooks themselves"),
        huge: ("not a notebook", "it has 3 MiB, the most is 2 MiB; clear its outputs"),
        other: ("not a notebook", "it is no text in UTF-8"),
        tmp_path / "no": ("unreadable", os.strerror(errno.ENOENT)),
    }
    opened = set(os.listdir("/dev/fd"))
    for path, reason in reasons.items():
        with pytest.raises(Unreadable) as caught:
            grading.read(path)
        assert caught.value.args == reason, path
    assert set(os.listdir("/dev/fd")) == opened


def test_a_file_of_the_most_bytes_is_read_and_of_one_that_grows_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "LARGEST", len(WHOLE))
    path = tmp_path / "a.ipynb"
    path.write_text(WHOLE)
    assert grading.read(path).text == WHOLE
    before = path.stat()
    path.write_text(WHOLE + "more")
    monkeypatch.setattr(grading.os, "fstat", lambda descriptor: before)
    assert grading.read(path).text == WHOLE


def test_a_disk_that_fails_is_reported(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    path = tmp_path / "a.ipynb"
    path.write_text(WHOLE)
    monkeypatch.setattr(grading.os, "fdopen", fail)
    with pytest.raises(Unreadable) as caught:
        grading.read(path)
    assert caught.value.args == ("unreadable", os.strerror(errno.EIO))


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_submission_is_its_code_its_cells_ids_and_which_of_them_may_raise(tmp_path, mark):
    text = text_of(
        {"id": "a", "source": "# Ä", "cell_type": "markdown", "metadata": {"tags": ["raises-exception"]}},
        {"id": "b", "source": ["x = 1\n", "x"]},
        {"id": 7, "source": "1 / 0", "metadata": {"tags": ["other", "raises-exception"]}},
        {"source": "ä", "metadata": {"tags": None}},
        {"id": "e", "source": "2 / 0", "metadata": {"tags": ["raises-exception"]}},
    )
    path = tmp_path / "a.ipynb"
    path.write_text(mark + text, encoding="utf-8")
    assert grading.read(path) == grading.Submission(
        text, ["x = 1\nx", "1 / 0", "ä", "2 / 0"], may_raise=[2, 4], ids={"a", "b", "7", "None", "e"}
    )
    path.write_text('{"cells": [{"cell_type": "code", "source": "1"}]}')
    assert grading.read(path).may_raise == []


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
    with pytest.raises(Unreadable) as caught:
        grading.chapter_of(grading.read(path), path, [other, *course])
    assert caught.value.args == ("not of the course", "it has no check, no cell and no name of a chapter")


def test_checks_count_before_cells_and_cells_before_the_name():
    ids = {name: frozenset(f"{name}{number}" for number in range(9)) for name in "ab"}
    long = grading.Chapter("01_long.ipynb", {f"1.{number}": None for number in range(1, 9)}, ids["a"])
    short = grading.Chapter("02_short.ipynb", {"2.1": None, "2.2": None}, ids["b"])
    named = grading.Chapter("03_named.ipynb", {"3.1": None}, frozenset())

    def found(cells=(), ids=(), name="x.ipynb"):
        submission = grading.Submission("", cells=list(cells), ids=set(ids))
        return grading.chapter_of(submission, Path(name), [long, short, named])

    checks = ["check('2.1', f)\nexercises.check( \"2.2\", g)", "check('1.1', h)"]
    assert found(checks) is short and found(checks[::-1]) is short
    assert found(checks[1:], ["b1"]) is long
    assert found(["check('9.9', f)"], ["b1"]) is short
    assert found(checks, ["a1", "a2", "a3"], "03_named.ipynb") is short
    assert found(ids=["b1", "b2", "a1"], name="03_named.ipynb") is short
    assert found(ids=["c1"], name="anna_03_named_2.ipynb") is named


def test_a_cell_of_the_table_is_never_a_formula_and_never_moves_the_cursor():
    for opening in ("=", "+", "-", "@", "＝", "＋", "－", "＠"):
        for before in ("", "\t", "\r\n", "\x1b", " "):
            assert grading.shown(before + opening + "cmd") == f"'{opening}cmd"
    assert grading.shown("x = y + 1 - 2 @ 3") == "x = y + 1 - 2 @ 3"
    assert grading.shown("\x1b[2J\u202e\x00a\u2028b") == "[2J a b"


def test_a_cell_of_the_table_is_not_too_long():
    assert grading.shown("x" * 1000) == "x" * 1000
    assert grading.shown("x" * 1001) == "x" * 998 + " …"


def test_findings_that_the_runner_would_not_write_are_left_out():
    answer = {"exercise": "1.1", "status": "solved", "message": "m", "note": ""}
    right = [answer | {"status": status} for status in ("not yet", "not attempted yet")]
    right += [{"cell": 1, "error": "e"}, {"finished": True}, answer]
    wrong = [answer | {"status": "great"}, {"finished": False}, {"finished": True, "x": 1}, {}, [], 1, None]
    wrong += [answer | {name: 1} for name in answer]
    wrong += [{key: text for key, text in answer.items() if key != name} for name in answer]
    wrong += [{"cell": "1", "error": "e"}, {"cell": 1, "error": 1}, {"cell": 1}, {"error": "e"}]
    lines = [b"\xff", b"{", b"[" * 10**5]
    for number, one in enumerate(wrong):
        lines += [json.dumps(one).encode(), json.dumps(right[number % len(right)]).encode()]
    assert list(grading._findings(b"\n".join(lines))) == [right[number % len(right)] for number in range(len(wrong))]


THREE_FAIL = "code cell 2: E2; code cell 3: E3; code cell 5: E5"


def cells_that_fail(*numbers):
    return [{"cell": number, "error": f"E{number}"} for number in numbers]


@pytest.mark.parametrize(
    ("passed", "findings", "status", "diagnosis"),
    [
        ("", [FINISHED], "graded", "every cell ran"),
        ("", [*cells_that_fail(2), FINISHED], "failed", "code cell 2: E2"),
        ("", [*cells_that_fail(2, 3, 5), FINISHED], "failed", THREE_FAIL),
        ("", [*cells_that_fail(2, 3, 5, 6), FINISHED], "failed", f"{THREE_FAIL}; and 1 more"),
        ("", [*cells_that_fail(2, 3, 5, 6, 7), FINISHED], "failed", f"{THREE_FAIL}; and 2 more"),
        ("", [], "failed", "its process ended early (status -9)"),
        ("", cells_that_fail(2), "failed", "its process ended early (status -9); code cell 2: E2"),
        ("time", [FINISHED], "timed out", "more than 2.5 s"),
        ("time", cells_that_fail(2), "timed out", "more than 2.5 s; code cell 2: E2"),
        ("memory", [], "out of memory", "more than 1024 MiB"),
        ("processes", [], "too many processes", "more than 7 at once"),
        ("output", [], "too much output", "more than 1 MiB"),
    ],
)
def test_a_file_s_row_says_which_limit_was_passed_or_what_failed(passed, findings, status, diagnosis):
    limits = sandbox.Limits(seconds=2.5, megabytes=1024, processes=7)
    outcome = sandbox.Outcome(passed, -9, b"")
    assert grading._of_the_file(outcome, findings, limits) == (status, diagnosis)


@pytest.fixture
def ran(monkeypatch):
    """Have the sandbox run nothing; a list of what it was given, the findings to return as ``ran.findings``."""

    class Ran(list):
        findings, passed = (), ""

    ran = Ran()

    def run(command, request, limits, *, trust):
        ran.append((command, json.loads(request(12.5)), limits, trust))
        output = "\n".join(json.dumps(finding) for finding in ran.findings)
        return sandbox.Outcome(ran.passed, 3, output.encode())

    monkeypatch.setattr(sandbox, "run", run)
    return ran


@pytest.mark.parametrize("options", [{}, {"trust": False}, {"trust": True}])
def test_the_runner_is_asked_for_the_exercises_of_the_chapter(tmp_path, course, ran, options):
    path = tmp_path / "a.ipynb"
    path.write_text(text_of({"source": "1 / 0", "metadata": {"tags": ["raises-exception"]}}, {"source": CHECK}))
    grading.grade(path, course, LIMITS, threads=17, **options)
    trust = options.get("trust", False)
    asked = {
        "name": NAME,
        "notebook": path.read_text(),
        "cells": ["1 / 0", CHECK],
        "may_raise": [1],
        "exercises": {"1.1": "my_coin_loss", "1.3": "my_diagnosis"},
        "deadline": 12.5,
        "parent": os.getpid() if trust else None,
        "megabytes": 1024,
        "threads": 17,
    }
    assert ran == [([sys.executable, "-m", "xent_helpers.exercises.runner"], asked, LIMITS, trust)]


def test_a_submission_has_a_row_of_its_own_and_one_for_each_exercise(tmp_path, course, ran):
    path = tmp_path / os.fsdecode(b"\xff\n.ipynb")
    path.write_text(WHOLE)
    file = f"{tmp_path}/\ufffd .ipynb"
    answer = {"exercise": "1.1", "status": "not yet", "message": "no\n-1", "note": ""}
    ran.findings = [answer, answer | {"message": "=2"}, {"cell": 2, "error": "E:\n2"}]
    ran.passed = "time"
    assert grading.grade(path, course, LIMITS, threads=1) == [
        (file, "", "timed out", "more than 60 s; code cell 2: E: 2"),
        (file, "1.1", "not yet", "'=2"),
        (file, "1.3", "not graded", "timed out before it was reached"),
    ]
    ran.findings = [{"exercise": "1.3", "status": "solved", "message": "yes\n!", "note": "by name"}, FINISHED]
    ran.passed = ""
    assert grading.grade(path, course, LIMITS, threads=1) == [
        (file, "", "graded", "every cell ran"),
        (file, "1.1", "not graded", "graded before it was reached"),
        (file, "1.3", "solved", "[by name] yes !"),
    ]


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


TABLE = {
    "a.ipynb": [("a.ipynb", "", "graded", 'ä, "b"'), ("a.ipynb", "1.1", "solved", "")],
    "b.ipynb": [("b.ipynb", "", "failed", "two\r\nlines")],
}


@pytest.mark.usefixtures("other_locale")
def test_a_table_is_stored_as_spreadsheets_read_it_and_loaded_as_it_was(tmp_path):
    path = tmp_path / "grades.csv"
    assert grading.load(path) == {}
    grading.store(TABLE, path)
    rows = 'a.ipynb,,graded,"ä, ""b"""\na.ipynb,1.1,solved,\nb.ipynb,,failed,"two\r\nlines"\n'
    assert path.read_bytes() == ("\ufefffile,exercise,status,diagnosis\n" + rows).encode()
    assert grading.load(path) == TABLE
    assert [found.name for found in tmp_path.iterdir()] == ["grades.csv"]


def test_an_interruption_leaves_the_old_table(tmp_path, monkeypatch):
    path = tmp_path / "grades.csv"
    grading.store(TABLE, path)
    before, calls = path.read_bytes(), []

    def interrupt(source, target):
        calls.append((source, target, source.read_bytes()))
        raise KeyboardInterrupt

    monkeypatch.setattr(grading.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        grading.store({}, path)
    new = "\ufefffile,exercise,status,diagnosis\n".encode()
    assert calls == [(tmp_path / "grades.csv.unfinished", path, new)]
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["x" * 200_000, "file,exercise,status,diagnosis,more\n", "file,exercise,status\n"])
def test_a_file_that_is_no_table_is_named(tmp_path, text):
    path = tmp_path / "notes.csv"
    for data in (text.encode(), b"\xff" + text.encode()):
        path.write_bytes(data)
        with pytest.raises(ValueError) as caught:
            grading.load(path)
        assert str(caught.value) == (
            f"{path} is there and is no table of grades (file, exercise, status, diagnosis): name another --output."
        )


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
    assert run("grade", *texts, "--course", course, "--output", output, "--memory-limit", "2048") == 0
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
