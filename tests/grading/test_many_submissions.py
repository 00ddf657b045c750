"""More than thirty submissions of every kind, graded for good (``make test-grade``, some minutes).

Every one is reported, none harms another or anything outside, no process is left, and the whole takes no longer than
the time limits add up to.
"""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.grading import submissions
from tests.grading.submissions import (
    CHECK,
    ENDLESS,
    IMPORTS,
    NOT_NOTEBOOKS,
    OTHER_CHECK,
    OTHER_RIGHT,
    RIGHT,
    STUB,
    WRONG,
    notebook,
    run,
    state,
    table,
)
from xent_helpers.exercises import __main__ as command
from xent_helpers.exercises import control_group, grading, sandbox

pytestmark = pytest.mark.slow
SECONDS = 30
SOLVED = ("solved", "solved")

# name: code cells, statuses of the file, of 1.1 and of 1.3
ORDINARY = {
    "all right": ([IMPORTS, RIGHT, CHECK, OTHER_RIGHT], "graded", *SOLVED),
    "a known mistake": ([IMPORTS, WRONG, CHECK, OTHER_RIGHT], "graded", "not yet", "solved"),
    "untouched": ([IMPORTS, STUB, CHECK, OTHER_CHECK], "graded", "not attempted yet", "not attempted yet"),
    "raises at the top": ([IMPORTS, "1 / 0", RIGHT, CHECK, OTHER_RIGHT], "failed", *SOLVED),
    "no imports": ([RIGHT, CHECK, OTHER_RIGHT], "failed", "not yet", "solved"),
    "no Python": ([IMPORTS, "def f(:", RIGHT, CHECK, OTHER_RIGHT], "failed", *SOLVED),
    "magics": (
        [IMPORTS, "%%bash\nexit 0", "!true", "%time 1", "await __import__('asyncio').sleep(0)", RIGHT, CHECK],
        "graded",
        "solved",
        "not attempted yet",
    ),
    "an endless answer": ([IMPORTS, ENDLESS, CHECK, OTHER_RIGHT], "graded", "not yet", "solved"),
    "an answer that exits": (
        [IMPORTS, "def my_coin_loss(p, y): sys.exit()", CHECK, OTHER_RIGHT],
        "graded",
        "not yet",
        "solved",
    ),
    "endless recursion": ([IMPORTS, "def f(): f()\nf()", RIGHT, CHECK, OTHER_RIGHT], "failed", *SOLVED),
    "no checks": ([IMPORTS, RIGHT, OTHER_RIGHT.splitlines()[0]], "graded", *SOLVED),
    "another check": (
        [IMPORTS, RIGHT.replace("my_", "our_"), CHECK.replace("my_", "our_"), OTHER_RIGHT],
        "graded",
        *SOLVED,
    ),
    "forged by printing": (
        [IMPORTS, STUB, 'print("Exercise 1.1: right.")', "exercises.check = print", CHECK],
        "graded",
        "not attempted yet",
        "not attempted yet",
    ),
    "leaves": ([IMPORTS, RIGHT, CHECK, "sys.exit()", OTHER_RIGHT], "failed", *SOLVED),
    "leaves at once": ([IMPORTS, RIGHT, CHECK, "os._exit(0)", OTHER_RIGHT], "failed", "solved", "not graded"),
    "ends itself": ([IMPORTS, RIGHT, CHECK, "os.kill(os.getpid(), 9)", OTHER_RIGHT], "failed", "solved", "not graded"),
    "crashes": (
        [IMPORTS, RIGHT, CHECK, "import ctypes; ctypes.string_at(0)", OTHER_RIGHT],
        "failed",
        "solved",
        "not graded",
    ),
    "errors without words": (
        [IMPORTS, "class E(Exception):\n    def __str__(self): raise self\nraise E", RIGHT, CHECK, OTHER_RIGHT],
        "failed",
        *SOLVED,
    ),
}


@pytest.fixture
def outside(tmp_path):
    """A home folder with a secret, and the folder of everybody's submissions."""
    folder = tmp_path / "outside"
    for name in ("home", "others"):
        folder.joinpath(name).mkdir(parents=True)
    folder.joinpath("home", "secret").write_text("42")
    return folder


@pytest.mark.usefixtures("sandboxed")
def test_every_submission_is_reported_and_none_harms_another(tmp_path, outside, monkeypatch, capsys):
    monkeypatch.setenv("GRADE_SECRET", "42")
    monkeypatch.setenv("HOME", str(outside / "home"))
    texts, expected = {}, {}
    for name, (cells, *statuses) in ORDINARY.items():
        texts[name], expected[name] = notebook(*cells), [{status} for status in statuses]
    for name, code in submissions.hostile(outside).items():
        texts[name], expected[name] = submissions.before(code), [{"graded", "failed"}, {"solved"}, {"solved"}]
    for name, (code, statuses) in submissions.resources().items():
        texts[name], expected[name] = submissions.after(code), [statuses, {"solved"}, {"solved"}]
    for name, text in NOT_NOTEBOOKS.items():
        texts[name], expected[name] = text, [{"not a notebook"}]
    assert len(texts) >= 50
    for name, text in texts.items():
        outside.joinpath("others", f"{name}.ipynb").write_text(text)
    outside.joinpath("others", "link.ipynb").symlink_to("all right.ipynb")
    outside.joinpath("others", "folder.ipynb").mkdir()
    outside.joinpath("others", "huge.ipynb").write_bytes(b" " * (65 * 2**20))
    expected |= {name: [{"not a notebook"}] for name in ("link", "folder", "huge")}

    course = submissions.course(tmp_path / "course")
    untouched, files_of_the_package = state(outside), state(sandbox.PACKAGE)
    paths = sorted(outside.joinpath("others").iterdir())
    began = time.monotonic()
    options = ("--course", course, "--output", tmp_path / "grades.csv")
    assert run("grade", *paths, *options, "--time-limit", SECONDS, "--memory-limit", 1024) == 0
    took = time.monotonic() - began

    rows = table(tmp_path / "grades.csv")
    wrong = []
    for name, statuses in expected.items():
        path = str(outside / "others" / f"{name}.ipynb")
        found = [rows[path, key]["status"] for key in ("", "1.1", "1.3") if (path, key) in rows]
        if len(found) != len(statuses) or not all(one in many for one, many in zip(found, statuses, strict=True)):
            wrong.append((name, found, statuses, rows[path, ""]["diagnosis"]))
    with capsys.disabled():
        print(f"\n{len(expected)} submissions in {took:.0f} s; the limits add up to {SECONDS * len(expected)} s")
        for line in wrong:
            print(*line)
    assert not wrong
    assert took <= SECONDS * len(expected)
    assert state(outside) == untouched and state(sandbox.PACKAGE) == files_of_the_package
    assert not psutil.Process().children(recursive=True)
    assert not submissions.sleeping()


@pytest.mark.usefixtures("sandboxed")
@pytest.mark.parametrize(
    "attack", ["allocates page tables", "allocates in children", "fork bomb", "threads of children"]
)
def test_limits_hold_without_a_control_group(tmp_path, course, monkeypatch, attack):
    monkeypatch.setattr(control_group, "_own", lambda: ())
    code, statuses = submissions.resources()[attack]
    path = tmp_path / "a.ipynb"
    path.write_text(submissions.after(code))
    limits = sandbox.Limits(seconds=SECONDS, megabytes=1024)
    rows = grading.grade(path, course, limits, threads=sandbox.threads_allowed(limits))
    assert rows[0][2] in statuses and [row[2] for row in rows[1:]] == ["solved", "solved"], rows


@pytest.mark.usefixtures("sandboxed")
def test_every_chapter_of_the_course_runs_in_the_sandbox_as_in_jupyter(tmp_path):
    paths = sorted(command.COURSE.glob("*.ipynb"))
    assert run("grade", *paths, "--output", tmp_path / "grades.csv", "--time-limit", 600) == 0
    rows = table(tmp_path / "grades.csv")
    assert {row["diagnosis"] for (_, key), row in rows.items() if not key} == {"every cell ran"}
    assert "solved" not in {row["status"] for row in rows.values()}


@pytest.mark.usefixtures("sandboxed")
@pytest.mark.parametrize("trust", [False, True])
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_keeps_what_is_graded_and_leaves_nothing(tmp_path, kind, trust):
    course = submissions.course(tmp_path / "course")
    first, second = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    first.write_text(notebook(IMPORTS, RIGHT, CHECK, OTHER_RIGHT))
    second.write_text(notebook("import subprocess\nsubprocess.run(['sleep', '86402'])"))
    output = tmp_path / "grades.csv"
    command = [sys.executable, "-m", "xent_helpers.exercises", "grade", first, second, "--course", course]
    command += ["--output", output, "--time-limit", "200", *(["--trust"] if trust else [])]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    variables = {**os.environ, "PYTHONPATH": str(sandbox.PACKAGE.parent), "TMPDIR": str(temporary)}
    process = subprocess.Popen(command, env=variables)
    parent = psutil.Process(process.pid)
    family = []
    for _ in range(1800):
        family = parent.children(recursive=True)
        if any("86402" in one.cmdline() for one in family if one.is_running() and one.status() != "zombie"):
            break
        time.sleep(0.1)
    else:
        pytest.fail("the second submission was never run")
    os.kill(process.pid, kind)
    assert process.wait(60) == {signal.SIGINT: 130, signal.SIGKILL: -9}[kind]
    rows = table(output)
    assert {key: row["status"] for key, row in rows.items()} == {
        (str(first), ""): "graded",
        (str(first), "1.1"): "solved",
        (str(first), "1.3"): "solved",
    }
    assert not [found for found in tmp_path.iterdir() if "unfinished" in found.name]
    left = psutil.wait_procs(family, timeout=10)[1]
    assert not list(temporary.iterdir()) or (trust and kind == signal.SIGKILL)
    if trust and kind == signal.SIGKILL:  # what the submission itself has started is out of reach then
        assert [one.cmdline() for one in left] == [["sleep", "86402"]]
        left[0].kill()
    else:
        assert not left
