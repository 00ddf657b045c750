"""``grade`` reports every submission and lets none harm the machine; ``make test-grade`` tries many more."""

import errno
import json
import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.grading import submissions
from tests.grading.submissions import (
    CHECK,
    ENDLESS,
    FLOOD,
    IMPORTS,
    NAME,
    NOT_NOTEBOOKS,
    OTHER_RIGHT,
    RIGHT,
    WHOLE,
    WRONG,
    notebook,
    run,
    state,
    table,
)
from xent_helpers.exercises import __main__ as command
from xent_helpers.exercises import grading, sandbox
from xent_helpers.exercises.grading import Unreadable
from xent_helpers.exercises.table import Table

pytestmark = pytest.mark.skipif(os.name == "nt", reason="grade runs on Linux and macOS")

LIMITS = sandbox.Limits(seconds=60, megabytes=1024)


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
        grading.CourseNotebook("00_start.ipynb", {}, frozenset("e")),
        grading.CourseNotebook("01_ä.ipynb", {"1.1": "f", "1.2": None, "1.10": "g"}, frozenset("abcd")),
    ]


def test_a_folder_without_the_course_is_refused(tmp_path):
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match=f"^{tmp_path} holds no notebook of the course: .* --course.$"):
            grading.chapters(tmp_path)
        tmp_path.joinpath("01_own.ipynb").write_text(text_of({"id": "a", "source": "1"}))


OTHER_COURSES = [
    '{"cells": []',
    "[]",
    '{"cells": [{}]}',
    text_of({"source": "1"}),
    text_of({"source": "check('1.1', 1, 2)"}),
]


@pytest.mark.parametrize("text", [*OTHER_COURSES, text_of({"id": "a", "source": "%time\ncheck('1.1', f)"})])
def test_a_course_of_other_notebooks_is_refused_in_a_sentence(tmp_path, capsys, text):
    tmp_path.joinpath("a.ipynb").write_text(text)
    assert run("grade", "x.ipynb", "--course", tmp_path, "--output", tmp_path / "grades.csv", "--trust") == 2
    said = capsys.readouterr().err
    assert f"{tmp_path / 'a.ipynb'} is no notebook of the course" in said and len(said.splitlines()) == 1


@pytest.mark.parametrize("kind", NOT_NOTEBOOKS)
def test_what_is_no_notebook_is_reported(kind, tmp_path, course):
    path = tmp_path / "a.ipynb"
    path.write_text(NOT_NOTEBOOKS[kind])
    ((file, key, status, why),) = grading.grade(path, course, LIMITS, threads=1)
    assert (file, key, status) == (str(path), "", "not a notebook") and why.startswith("it is ")


def test_what_is_no_file_is_reported_and_nothing_waits_for_it(tmp_path, course):
    link, pipe, huge, other = (tmp_path / name for name in ("link", "pipe", "huge", "other"))
    with huge.open("wb") as file:
        file.truncate(grading.LARGEST + 1)
    link.symlink_to(huge)
    os.mkfifo(pipe)
    other.write_bytes(b"\xff\xfe")
    words = {link: "link", pipe: "device", tmp_path: "folder", huge: "MiB", other: "UTF-8"}
    opened = set(os.listdir("/dev/fd"))
    for path, word in words.items():
        ((_, _, status, why),) = grading.grade(path, course, LIMITS, threads=1)
        assert status == "not a notebook" and word in why, path
    ((_, _, status, why),) = grading.grade(tmp_path / "no", course, LIMITS, threads=1)
    assert (status, why) == ("unreadable", os.strerror(errno.ENOENT))
    assert set(os.listdir("/dev/fd")) == opened


def test_the_chapter_is_known_by_its_checks_its_cells_or_its_name(tmp_path, course):
    other = grading.CourseNotebook("02_other.ipynb", {"2.1": "f"}, frozenset({"u1"}))
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
    long = grading.CourseNotebook("01_long.ipynb", {f"1.{number}": None for number in range(1, 9)}, ids["a"])
    short = grading.CourseNotebook("02_short.ipynb", {"2.1": None, "2.2": None}, ids["b"])
    named = grading.CourseNotebook("03_named.ipynb", {"3.1": None}, frozenset())

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
            for separator in (";", "; ", ' ;"'):
                assert separator + "'" + opening in grading.shown(f"E: x{before}{separator}{opening}cmd;")
    assert grading.shown("x = y + 1 - 2 @ 3") == "x = y + 1 - 2 @ 3"
    assert grading.shown("\x1b[2J\u202e\x00a\u2028b") == "[2J a b"


def test_an_earlier_table_keeps_the_rows_of_other_files(tmp_path):
    path, mine = tmp_path / "grades.csv", tmp_path / "a.ipynb"
    with Table(path) as grades:
        grades.rows = {"old.ipynb": [("old.ipynb", "", "graded", 'ä, "b"')], str(mine): [(str(mine), "", "x", "")]}
        grades.store()
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
    with Table(path) as grades:
        assert grades.rows == {}
        grades.rows = TABLE
        grades.store()
    rows = 'a.ipynb,,graded,"ä, ""b"""\na.ipynb,1.1,solved,\nb.ipynb,,failed,"two\r\nlines"\n'
    assert path.read_bytes() == ("\ufefffile,exercise,status,diagnosis\n" + rows).encode()
    with Table(path) as grades:
        assert grades.rows == TABLE
    assert [found.name for found in tmp_path.iterdir()] == ["grades.csv"]


OTHER_FILES = ["my notes", "a,b\n1,2\n", "file,exercise,status,diagnosis\nx,y\n", " \n", "x" * 200_000]


@pytest.mark.parametrize("text", OTHER_FILES)
def test_another_file_is_not_written_over(tmp_path, capsys, text):
    path = tmp_path / "notes.txt"
    path.write_text(text)
    assert run("grade", tmp_path / "a.ipynb", "--output", path, "--trust") == 2
    assert path.read_text() == text and "--output" in capsys.readouterr().err


@pytest.mark.parametrize("said", ["not installed", "Permission denied", "status 3"])
def test_without_a_sandbox_nothing_is_run(tmp_path, monkeypatch, capsys, said):
    """Whether bubblewrap is missing, or is there and fails with a reason or without."""
    scripts = {
        "Permission denied": "echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1",
        "status 3": "exit 3",
    }
    if said in scripts:
        (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{scripts[said]}\n")
        (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run("grade", tmp_path / "a.ipynb", "--output", tmp_path / "grades.csv") == 2
    shown = capsys.readouterr().err
    assert said in shown and "--trust" in shown
    assert not (tmp_path / "grades.csv").exists()


@pytest.mark.parametrize(
    "option", [("time", "0"), ("time", "nan"), ("time", "inf"), ("time", "1e12"), ("memory", "1"), ("memory", "9" * 14)]
)
def test_limits_that_make_no_sense_are_refused(option, capsys):
    name, value = option
    with pytest.raises(SystemExit):
        run("grade", "a.ipynb", f"--{name}-limit", value)
    assert f"{value} is not between" in capsys.readouterr().err


# ---- what runs submissions ----


@pytest.fixture
def outside(tmp_path):
    """A tree that no submission may change: a home folder with a secret, and other people's submissions."""
    folder = tmp_path / "outside"
    for name, text in (("home/secret", "42"), ("others/b.ipynb", WHOLE)):
        folder.joinpath(name).parent.mkdir(parents=True)
        folder.joinpath(name).write_text(text)
    return folder


@pytest.mark.usefixtures("sandboxed")
def test_a_submission_is_graded_by_what_it_does_in_the_sandbox(tmp_path, outside, monkeypatch):
    """One that fails in some cells, one that attacks in every way, one that never ends: three rows of findings."""
    monkeypatch.setenv("GRADE_SECRET", "42")
    monkeypatch.setenv("HOME", str(outside / "home"))
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
    assert not psutil.Process().children(recursive=True)
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


NOISE = """for channel in range(600, 2, -1):
    try: os.write(channel, b'\\xff\\n[]\\n{"exercise": "1.1"}\\n' + b'[' * 10**5 + b'\\n{"cell": "1", "error": 2}\\n')
    except OSError: pass"""
CASES = {
    "writes into its findings": (
        ["os.write(500, b'[')", RIGHT, CHECK, OTHER_RIGHT],
        ("graded", "not graded", "solved"),
    ),
    "leaves early": ([RIGHT, CHECK, "os._exit(0)"], ("failed", "solved", "not graded")),
    "writes noise to the grader": ([NOISE, RIGHT, CHECK, OTHER_RIGHT], ("graded", "solved", "solved")),
    "checks something else": (
        [RIGHT, 'exercises.check("1.1", None)', OTHER_RIGHT],
        ("graded", "not attempted yet", "solved"),
    ),
    "checks twice, and another chapter": (
        [WRONG, CHECK, RIGHT, CHECK, OTHER_RIGHT, 'exercises.check("9.9", 1)'],
        ("graded", "solved", "solved"),
    ),
    "errors without words": (
        [
            "class E(Exception):\n    def __str__(self): raise self\nraise E",
            "import matplotlib.pyplot",
            RIGHT,
            OTHER_RIGHT,
        ],
        ("failed", "solved", "solved"),
    ),
    "an answer that leaves": (
        ["def my_coin_loss(p, y): raise KeyboardInterrupt", CHECK],
        ("graded", "not yet", "not attempted yet"),
    ),
    "loops": (["while True: pass", RIGHT, CHECK, OTHER_RIGHT], ("failed", "solved", "solved")),
    "floods the grader": ([FLOOD], ("too much output", "not graded", "not graded")),
    "many processes": (
        ["while True: subprocess.Popen(['sleep', '600'])"],
        ("too many processes", "not graded", "not graded"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_submission_gets_what_it_deserves_and_leaves_nothing(case, tmp_path, course):
    cells, statuses = CASES[case]
    path = tmp_path / "a.ipynb"
    path.write_text(notebook(IMPORTS, *cells))
    limits = sandbox.Limits(seconds=20 if case == "loops" else 60, megabytes=2048, processes=20)
    rows = grading.grade(path, course, limits, threads=4000, trust=True)
    assert tuple(row[2] for row in rows) == statuses, rows
    if case == "checks something else":
        assert "something other than my_coin_loss" in rows[1][3]
    if case == "writes into its findings":
        assert "got lost" in rows[1][3]
    assert not psutil.Process().children(recursive=True)


def test_a_cell_that_may_raise_is_no_failure(tmp_path, course, capsys):
    path, output = tmp_path / f"anna_{NAME}", tmp_path / "grades.csv"
    allowed = {"source": "1 / 0", "metadata": {"tags": ["raises-exception"]}}
    path.write_text("\ufeff" + text_of(allowed, {"source": IMPORTS}, {"source": WRONG}, {"source": CHECK}))
    arguments = ("--course", tmp_path / "course", "--output", output, "--trust")
    assert run("grade", path, path, *arguments) == 0
    rows = table(output)
    assert [rows[str(path), key]["status"] for key in ("", "1.1", "1.3")] == ["graded", "not yet", "not attempted yet"]
    shown = capsys.readouterr().out
    assert str(path) in shown and "1.1" in shown and "1 files" in shown


def test_an_interruption_keeps_what_is_graded_and_leaves_no_process(tmp_path, course, capsys):
    first, second, output = tmp_path / "a.ipynb", tmp_path / "b.ipynb", tmp_path / "grades.csv"
    first.write_text("")
    second.write_text(notebook("import time\ntime.sleep(600)"))

    def interrupt():
        while not (output.exists() and "a.ipynb" in output.read_text("utf-8-sig")):
            time.sleep(0.05)
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        assert run("grade", first, second, "--course", tmp_path / "course", "--output", output, "--trust") == 130
    finally:
        signal.signal(signal.SIGINT, before)
    thread.join()
    assert list(table(output)) == [(str(first), "")] and "1 of 2" in capsys.readouterr().err
    assert not psutil.Process().children(recursive=True)
