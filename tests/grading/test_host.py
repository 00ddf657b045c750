"""Nothing on the machine's side loses a row or ends in a traceback: names, tables, devices, consoles, interruptions."""

import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from tests.grading import submissions
from tests.grading.submissions import CHECK, IMPORTS, OTHER_RIGHT, RIGHT, notebook, run, table
from xent_helpers.exercises import __main__ as command
from xent_helpers.exercises import control_group, grading, sandbox
from xent_helpers.exercises.table import COLUMNS, Table

PAGE = sandbox.PACKAGE.parent / "book" / "grading.md"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="grade runs on Linux and macOS")

NAMES = ["--output=zz", "-h", "--trust", "--", "-", "@x", "=x", "'=x", "''=x", " =x", "two  blanks", "two blanks"]
NAMES += [
    "two\nlines",
    "two lines",
    "two\tlines",
    r"two\nlines",
    "ü",
    "u\u0308",
    "a\u200bb",
    "ab",
    "a\xa0b",
    "$(touch x)",
    "x;=1",
    "x;'=1",
    'x; "=1',
]
BYTES = [b"\xff", b"\xfe", rb"\xff", rb"\udcff"]


def test_every_file_has_a_row_of_its_own_whatever_it_is_called(tmp_path, course, monkeypatch):
    """No name turns anything on or off, and no two look alike in the table."""
    folder = tmp_path / "submissions"
    folder.mkdir()
    monkeypatch.chdir(folder)
    try:
        for name in [*map(os.fsencode, NAMES), *BYTES]:
            os.close(os.open(name + b".ipynb", os.O_CREAT))
    except OSError:  # some file systems take UTF-8 only
        pass
    found = sorted(os.listdir())
    assert len(found) >= len(NAMES) - 1
    output = tmp_path / "grades.csv"
    options = ["grade", "--course", tmp_path / "course", "--output", output, "--trust"]
    assert run(*options, *found) == run(*options, *found[:3], "--", *found[3:]) == 0
    files = [file for file, _ in table(output)]
    assert len(files) == len(found) and not any(file.startswith(grading.FORMULA) for file in files)
    assert all(file.isprintable() and ";=" not in file for file in files)
    assert sorted(os.listdir()) == found


def test_a_name_that_cannot_be_opened_stops_no_other(tmp_path, course):
    names = [tmp_path / ("x" * 300 + ".ipynb"), tmp_path / "a.ipynb" / "b.ipynb", tmp_path / "a.ipynb"]
    names[-1].touch()
    assert run("grade", *names, "--course", tmp_path / "course", "--output", tmp_path / "grades.csv", "--trust") == 0
    found = table(tmp_path / "grades.csv")
    statuses = ["unreadable", "unreadable", "not a notebook"]
    assert [found[str(name), ""]["status"] for name in names] == statuses


@pytest.mark.parametrize("name", ["--trust", "--output", "--", "--time-limit=1"])
def test_an_option_that_is_also_a_file_is_refused(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath(name).touch()
    with pytest.raises(SystemExit) as refused:
        run("grade", name, "a.ipynb")
    assert refused.value.code == 2 and f"{name} is an option and a file" in capsys.readouterr().err


def test_a_second_grader_is_kept_off_the_table(tmp_path, course, capsys):
    path = tmp_path / "grades.csv"
    for number in range(2):
        with Table(path) as first:
            for _ in range(2):
                assert run("grade", "a.ipynb", "--course", tmp_path / "course", "--output", path, "--trust") == 2
                assert "Another grader" in capsys.readouterr().err
                first.rows[f"{number}.ipynb"] = [(f"{number}.ipynb", "", "graded", "")]
                first.store()
    assert list(table(path)) == [("0.ipynb", ""), ("1.ipynb", "")]


def test_the_table_keeps_its_mode_and_its_place_behind_a_link(tmp_path):
    real, link, victim = tmp_path / "there" / "real.csv", tmp_path / "grades.csv", tmp_path / "victim"
    real.parent.mkdir()
    real.write_text(",".join(COLUMNS) + "\n")
    real.chmod(0o600)
    link.symlink_to(real)
    victim.write_text("mine")
    real.with_name("real.csv.unfinished").symlink_to(victim)  # a trap in the folder of the table
    with Table(link) as grades:
        grades.rows["a"] = [("a", "", "graded", "")]
        grades.store()
    assert link.is_symlink() and real.stat().st_mode & 0o777 == 0o600 and list(table(real)) == [("a", "")]
    assert victim.read_text() == "mine" and [found.name for found in real.parent.iterdir()] == ["real.csv"]


@pytest.mark.parametrize("output", ["/dev/full", "/dev/zero", "pipe", ".", "missing/grades.csv"])
def test_what_can_be_no_table_is_refused_in_a_sentence(tmp_path, course, monkeypatch, capsys, output):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    assert run("grade", "a.ipynb", "--course", "course", "--output", output, "--trust") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.slow
def test_a_file_that_takes_too_much_memory_is_no_notebook(tmp_path, course):
    path = tmp_path / "a.ipynb"
    path.write_text('{"cells": [' + "[]," * (grading.LARGEST // 3 - 10) + "[]]}")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    ((_, _, status, why),) = grading.grade(path, course, sandbox.Limits(), threads=1)
    assert status == "not a notebook" and ("memory" in why or sys.platform != "linux")
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


# ---- the program as it is started ----


@pytest.fixture
def start(tmp_path, course):
    """``start(names)`` starts the grader, in a folder that holds modules which it must not import."""
    folder = tmp_path / "submissions"
    folder.mkdir()
    for module in ("psutil", "argparse", "csv", "torch", "numpy", "signal", "ctypes", "json"):
        folder.joinpath(f"{module}.py").write_text("open('imported', 'w')")

    def run(names, limit=None, isolated=False, **options):
        for name in names:
            folder.joinpath(name).touch()
        if isolated:
            folder.joinpath("xent_helpers.py").write_text("open('imported', 'w')")
        command = [sys.executable, *(["-P"] if isolated else []), "-m", "xent_helpers.exercises", "grade", "--trust"]
        command += ["--course", tmp_path / "course", *names]
        variables = {**os.environ, "PYTHONPATH": str(sandbox.PACKAGE.parent), "PYTHONIOENCODING": "ascii"}
        most = (limit, limit) if limit else resource.getrlimit(resource.RLIMIT_FSIZE)
        return subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, most),
            **{"stdout": subprocess.PIPE, **options},
        )

    yield run
    assert not folder.joinpath("imported").exists()


def test_a_full_disk_stops_no_grading(start, tmp_path):
    names = [f"{number}-ü.ipynb" for number in range(40)]
    said, told = (process := start(names, limit=1000)).communicate()
    assert process.returncode == 1 and "Traceback" not in told and "could not be stored" in told
    assert said.count("not a notebook") == len(names)
    kept = table(tmp_path / "submissions" / "grades.csv")
    assert 10 < len(kept) < len(names) and {row["status"] for row in kept.values()} == {"not a notebook"}


def test_nobody_reads_what_is_printed(start, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    process = start(["a.ipynb", "ü.ipynb"], isolated=True, stdout=writer)
    os.close(writer)
    assert (process.communicate()[1], process.returncode) == ("", 0)
    assert len(table(tmp_path / "submissions" / "grades.csv")) == 2


def test_nobody_reads_what_goes_wrong(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", buffering=1, closefd=False) as closed:
        monkeypatch.setattr(sys, "stderr", closed)
        command.tell("the disk is full")
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)


def test_a_long_key_stands_apart_from_what_follows(capsys):
    command.show([("a", "", "graded", "b"), ("a", "forecast 1.2", "noted", "c")])
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["graded", "b"],
        ["forecast", "1.2", "noted", "c"],
    ]


@pytest.mark.usefixtures("sandboxed")
def test_the_sandbox_starts_where_nothing_is_open(tmp_path, course):
    tmp_path.joinpath("a.ipynb").touch()
    arguments = [sys.executable, "-m", "xent_helpers.exercises", "grade", "a.ipynb", "--course", "course"]
    variables = {**os.environ, "PYTHONPATH": str(sandbox.PACKAGE.parent)}
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *arguments]
    assert subprocess.run(closed, cwd=tmp_path, env=variables).returncode == 0
    assert list(table(tmp_path / "grades.csv")) == [("a.ipynb", "")]


def test_the_page_s_command_imports_nothing_from_where_it_is_started(tmp_path):
    line = next(line for line in PAGE.read_text("utf-8").splitlines() if " grade submissions/" in line)
    for module in ("psutil", "re", "json", "xent_helpers"):
        tmp_path.joinpath(f"{module}.py").write_text(f"open('imported', 'w').close()\nraise SystemExit('{module}')")
    words = [sys.executable, *line.split()[1:-1], "--help"]
    subprocess.run(words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep}, capture_output=True)
    assert not tmp_path.joinpath("imported").exists()


def test_an_interruption_while_the_sandbox_is_tried_ends_in_a_sentence(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(sandbox, "obstacle", interrupted)
    assert run("grade", "a.ipynb") == 130 and capsys.readouterr().err == "Interrupted.\n"


@pytest.mark.parametrize("seconds", [0.3, 0.8])
def test_an_early_interruption_ends_without_a_traceback(start, seconds):
    process = start(["a.ipynb"], stdin=subprocess.DEVNULL)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    assert process.communicate()[1] == "" or process.returncode == 130
    assert process.returncode in (-signal.SIGINT, 130, 0)


# ---- what no cell does to the others (run with --trust, so that it needs no sandbox) ----

CELLS = {
    "a formula too deep": ("1+" * 3500 + "1", "RecursionError"),
    "brackets too deep": ("(" * 5000, "SyntaxError"),
    "signs too deep": ("-" * 60_000 + "1", "MemoryError"),
    "a chain too deep": ("x" + ".a" * 20_000, "RecursionError"),
    "no text": ("x = '\ud800'", "UnicodeEncodeError"),
    "the stack": ("import sys; sys.setrecursionlimit(60)\ndef f(): f()\nf()", "RecursionError"),
    "the module again": ("import importlib; importlib.reload(exercises)", "ValueError"),
    "the way out": ("quit()", "quit() ends the notebook"),
    "hooks": ("get_ipython().events.register('post_run_cell', lambda result: sys.exit())", "SystemExit"),
    "channels": ("os.closerange(3, 200)\n1 / 0", "ZeroDivisionError"),
    "an error that loops": (
        "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
        "longer than",
    ),
    "a loop that catches": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "it ran longer than",
    ),
}


@pytest.mark.slow
def test_no_cell_takes_the_others_down(tmp_path, course):
    path = tmp_path / "a.ipynb"
    for kind, (code, error) in CELLS.items():
        path.write_text(notebook(IMPORTS, code, RIGHT, CHECK, OTHER_RIGHT))
        limits = sandbox.Limits(seconds=12 if "loop" in kind else 60, megabytes=2048)
        rows = grading.grade(path, course, limits, threads=4000, trust=True)
        assert [row[2] for row in rows] == ["failed", "solved", "solved"], (kind, rows)
        assert rows[0][3].startswith("code cell 2: ") and error in rows[0][3], (kind, rows)


def test_a_check_that_was_not_reached_is_told_from_one_that_is_missing(tmp_path, course):
    path = tmp_path / "a.ipynb"
    path.write_text(notebook(IMPORTS, CHECK))
    rows = grading.grade(path, course, sandbox.Limits(seconds=60), threads=4000, trust=True)
    assert [row[2] for row in rows] == ["failed", "not attempted yet", "not attempted yet"]
    assert rows[1][3].startswith("[its check was not reached]") and rows[2][3].startswith("[no cell checks")


def test_the_watch_goes_on_when_a_submission_closes_its_channel(tmp_path, course):
    path = tmp_path / "a.ipynb"
    sleeping = f"[subprocess.Popen(['sleep', '{submissions.seconds()}']) for _ in range(30)]\ntime.sleep(600)"
    path.write_text(notebook(IMPORTS, f"os.closerange(3, 1000)\n{sleeping}"))
    rows = grading.grade(path, course, sandbox.Limits(seconds=60, processes=20), threads=4000, trust=True)
    assert rows[0][2] == "too many processes" and not submissions.sleeping()


# ---- control groups ----


@pytest.mark.parametrize("works", [True, False])
def test_where_systemd_gives_a_scope_the_program_starts_again_in_it_once(tmp_path, works):
    tmp_path.joinpath("cgroup.controllers").touch()
    stand_in = tmp_path / "systemd-run"
    after_options = 'while [ "$1" != -- ]; do shift; done; shift; echo started >> calls; exec "$@"'
    stand_in.write_text(f"#!/bin/sh\n{after_options if works else 'exit 1'}\n")
    stand_in.chmod(0o755)
    program = f"exec(open({control_group.__file__!r}).read()); ROOT = Path('.'); scope()"
    program += "; print(sys.argv[1:], SCOPED in os.environ)"
    variables = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [sys.executable, "-c", program, "two words", "--trust"]
    said = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True).stdout
    assert said == f"['two words', '--trust'] {works}\n"
    calls = tmp_path / "calls"
    assert (calls.read_text() if calls.exists() else "") == "started\n" * 2 * works  # a trial and the program itself


def test_a_control_group_is_removed_and_so_is_a_dead_grader_s():
    group = control_group.ControlGroup(512, 100)
    if not group.folders:
        pytest.skip("this process may make no control group")
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = [folder.with_name(f"grade-{dead.pid}-1") for folder in group.folders]
    folders = [*group.folders, *left]
    for folder in left:
        folder.mkdir()
    group.remove()
    control_group.ControlGroup(512, 100).remove()
    assert not any(folder.exists() for folder in folders)
