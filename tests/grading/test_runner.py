"""The program that runs one submitted notebook, piece by piece in this process; ``test_grading.py`` starts it whole."""

import io
import json
import os
import re
import signal
import sys
import time
from types import SimpleNamespace as Fake

import pytest

from xent_helpers import exercises
from xent_helpers.exercises import Result, runner

pytestmark = pytest.mark.skipif(os.name == "nt", reason="grade runs on Linux and macOS")

ASKED = {"1.1": "my_loss", "1.3": None}
FINISHED = {"finished": True}


@pytest.fixture
def make(monkeypatch):
    """Make a Run, with what it has said so far as ``said``; what it changes in this process is put back."""
    monkeypatch.setattr(exercises, "check", exercises.check)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    before = signal.getsignal(signal.SIGALRM)

    def made(*cells, may_raise=(), asked=(), seconds=60):
        written = io.BytesIO()  # what is not flushed does not arrive here
        request = {"cells": cells, "may_raise": may_raise, "exercises": dict(asked)}
        run = runner.Run(request, io.TextIOWrapper(written, encoding="utf-8"))
        request["deadline"] = time.monotonic() + seconds
        run.said = lambda: [json.loads(line) for line in written.getvalue().splitlines()]
        return run

    yield made
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    runner.Shell.clear_instance()


@pytest.fixture
def run(make):
    """Run cells to their end and return the findings."""

    def findings(*cells, **options):
        made = make(*cells, **options)
        made.to_its_end()
        return made.said()

    return findings


@pytest.fixture
def examined(monkeypatch):
    """Have every answer found solved, and return what came to be examined."""
    came = []

    def examine(key, answer):
        came.append((key, answer))
        return Result(key, "solved", f"seen: {answer!r}")

    monkeypatch.setattr(runner, "examine", examine)
    return came


def finding(key, message, note="", status="solved"):
    return {"exercise": key, "status": status, "message": message, "note": note}


# ---- the cells ----


@pytest.mark.filterwarnings("ignore:To exit:UserWarning")
def test_every_cell_runs_in_order_whatever_became_of_those_before_it(run):
    said = run("kept = [1]", "1 / 0", "kept.append(2)", "kept +", "import sys\nsys.exit(f'{kept}')")
    no_python = said.pop(1)
    assert said == [
        {"cell": 2, "error": "ZeroDivisionError: division by zero"},
        {"cell": 5, "error": "SystemExit: [1, 2]"},
        FINISHED,
    ]
    assert no_python["cell"] == 4 and no_python["error"].startswith("SyntaxError: invalid syntax")


def test_a_cell_that_may_raise_is_no_error(run):
    assert run("1 / 0", "1 / 0", "1 +", may_raise=[1, 3]) == [
        {"cell": 2, "error": "ZeroDivisionError: division by zero"},
        FINISHED,
    ]


def test_cells_have_what_jupyter_gives_them(run):
    cells = [
        "2 * 3",
        "assert In[1] == '2 * 3' and Out[1] == _1 == 6",
        "%xmode Plain\nawait __import__('asyncio').sleep(0)",
    ]
    assert run(*cells) == [FINISHED]


def test_no_history_is_written(make):
    assert make().shell.history_manager.enabled is False


def test_nothing_is_printed_of_an_error(run, capfd):
    assert len(run("1 / 0")) == 2
    assert capfd.readouterr() == ("", "")


LATE = re.compile(r"(the answer could not be examined: )?it ran longer than \d.* s")


def test_an_endless_cell_leaves_time_for_the_others(run):
    first, second, last = run("while True: pass", "x = 1", "while True: pass", seconds=1)
    assert (first["cell"], second["cell"], last) == (1, 3, FINISHED)
    assert LATE.fullmatch(first["error"]) and LATE.fullmatch(second["error"])


def test_a_cell_that_catches_everything_once_is_stopped_again(run, monkeypatch):
    timer = signal.setitimer
    monkeypatch.setattr(runner.signal, "setitimer", lambda kind, first, more=0.0: timer(kind, first, more / 20))
    caught = "try:\n    while True: pass\nexcept BaseException: pass\nwhile True: pass"
    late, last = run(caught, seconds=0.4)
    assert (late["cell"], last) == (1, FINISHED) and LATE.fullmatch(late["error"])


def test_time_that_runs_out_between_the_notebooks_code_and_ours_is_the_cells(make):
    made = make("1", "2")

    def run_cell(source, store_history):
        if source == "1":
            made.stop(signal.SIGALRM, None)
        return Fake(error_before_exec=None, error_in_exec=None)

    made.shell = Fake(run_cell=run_cell, user_ns={})
    made.to_its_end()
    late, last = made.said()
    assert (late["cell"], last) == (1, FINISHED) and LATE.fullmatch(late["error"])


def test_no_alarm_is_left_when_the_cells_are_done(run):
    run("1")
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_figures_are_closed_after_each_cell(run, monkeypatch):
    closed = []
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", Fake(close=closed.append))
    run("1", "1 / 0")
    assert closed == ["all", "all"]


def test_figures_that_cannot_be_closed_stay(monkeypatch):
    def close(which):
        raise ValueError(which)

    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", Fake(close=close))
    runner._close_figures()
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot")
    runner._close_figures()


# ---- the exercises ----


def test_an_exercise_is_examined_where_it_is_checked_and_as_the_notebook_stands(run, examined):
    cells = [
        "from xent_helpers import exercises\nfrom xent_helpers.exercises import check\nmy_loss = 3",
        "check('1.1', my_loss)\nmy_loss = 4",
        "exercises.check('1.1', my_loss)",
        "check('1.3', [1, 2])\ncheck('9.9', 1)",
    ]
    assert run(*cells, asked=ASKED) == [
        finding("1.1", "seen: 3"),
        finding("1.1", "seen: 4"),
        finding("1.3", "seen: [1, 2]"),
        FINISHED,
    ]
    assert examined == [("1.1", 3), ("1.1", 4), ("1.3", [1, 2])]


def test_a_check_of_something_else_than_the_name_is_noted(run, examined):
    cells = ["from xent_helpers.exercises import check\nmy_loss = 3", "check('1.1', 4)\ncheck('1.1')\ncheck('1.3')"]
    note = "the check is given something other than my_loss"
    assert run(*cells, asked=ASKED) == [
        finding("1.1", "seen: 4", note),
        finding("1.1", "seen: None", note),
        finding("1.3", "seen: None"),
        FINISHED,
    ]


def test_an_exercise_that_no_cell_checks_is_examined_by_its_name(run, examined):
    assert run("my_loss = 3", asked=ASKED | {"1.2": "missing"}) == [
        finding("1.1", "seen: 3", "no cell checks this exercise"),
        finding("1.3", "seen: None", "no cell checks this exercise"),
        finding("1.2", "seen: None", "no cell checks this exercise"),
        FINISHED,
    ]


def test_an_examination_that_fails_costs_its_exercise_only(make, monkeypatch):
    def examine(key, answer):
        raise SystemExit(answer)

    monkeypatch.setattr(runner, "examine", examine)
    made = make(asked=ASKED)
    made.report("1.1", "away", "a note")
    why = "the answer could not be examined: SystemExit: away"
    assert made.said() == [finding("1.1", why, "a note", "not yet")]


def test_a_real_answer_is_really_examined(run):
    cells = ["import numpy as np", "def my_loss(p, y): return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))"]
    said = run(*cells, asked={"1.1": "my_loss"})
    assert [one.get("status") for one in said] == ["solved", None]


def test_an_endless_examination_is_ended(make, monkeypatch):
    def examine(key, answer):
        while True:
            pass

    monkeypatch.setattr(runner, "examine", examine)
    made = make(seconds=0.4)
    made.report("1.1", 3, "")
    (late,) = made.said()
    assert late == finding("1.1", late["message"], status="not yet") and LATE.fullmatch(late["message"])


# ---- the time ----


@pytest.mark.parametrize(("now", "share"), [(100.0, 30.0), (159.0, 0.5), (159.99, 0.01), (161.0, 0.01)])
def test_the_share_is_half_of_the_time_that_is_left(make, monkeypatch, now, share):
    made, timers = make(), []
    made.request["deadline"] = 160.0
    monkeypatch.setattr(runner, "time", Fake(monotonic=lambda: now))
    with monkeypatch.context() as here:
        here.setattr(runner.signal, "setitimer", lambda *timer: timers.append(timer))
        made.set_alarm()
    assert made.share == share and timers == [(signal.ITIMER_REAL, share, 1.0)]


def test_the_alarm_names_the_share(make):
    made = make()
    made.share = 12.3456
    handler = signal.getsignal(signal.SIGALRM)
    with pytest.raises(runner.OutOfTime) as caught:
        handler(signal.SIGALRM, None)
    assert str(caught.value) == "it ran longer than 12.3 s" and not isinstance(caught.value, Exception)


# ---- words ----


class Wordless(Exception):
    def __str__(self):
        raise SystemExit


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("x"), "ValueError: x"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (Wordless(), "Wordless: (its text cannot be shown)"),
        (runner.OutOfTime("it was late"), "it was late"),
        (ValueError("x" * 2000), "ValueError: " + "x" * 988),
    ],
)
def test_an_error_is_described_by_its_kind_and_text(error, words):
    assert runner._described(error) == words


# ---- the process ----


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("parent", [41, 42])
def test_the_process_ends_with_the_one_that_has_started_it(monkeypatch, platform, parent):
    calls = []
    library = Fake(prctl=lambda *arguments: calls.append(("prctl", *arguments)))
    monkeypatch.setattr(runner, "ctypes", Fake(CDLL={None: library}.__getitem__))
    monkeypatch.setattr(runner, "sys", Fake(platform=platform))
    monkeypatch.setattr(runner, "os", Fake(getppid=lambda: 42, _exit=lambda status: calls.append(("exit", status))))
    runner._die_with(parent)
    asked = [("prctl", 1, signal.SIGKILL)] if platform == "linux" else []
    assert calls == asked + ([("exit", 1)] if parent != 42 else [])


class Limits:
    """The kernel's limits, as ``resource`` sets them."""

    RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_NPROC, RLIMIT_CORE = "data", "file size", "threads", "core"

    def __init__(self, refused=()):
        self.refused, self.set = refused, {}

    def setrlimit(self, which, pair):
        if which in self.refused:
            raise self.refused[which]
        assert {type(one) for one in pair} == {int}
        self.set[which] = pair


def test_the_kernel_holds_what_it_can(monkeypatch):
    limits = Limits()
    monkeypatch.setitem(sys.modules, "resource", limits)
    runner._set_limits({"megabytes": 1001, "threads": 99})
    assert limits.set == {
        "data": (787218432, 787218432),  # 750.75 MiB
        "file size": (268435456, 268435456),
        "threads": (99, 99),
        "core": (0, 0),
    }


def test_a_limit_that_cannot_be_set_leaves_the_others(monkeypatch):
    """One that the user may not raise, one that is none here, and one that the system has no name for."""
    limits = Limits({"data": ValueError(), "file size": OSError()})
    monkeypatch.setitem(sys.modules, "resource", limits)
    monkeypatch.delattr(Limits, "RLIMIT_NPROC")
    runner._set_limits({"megabytes": 1001, "threads": 99})
    assert limits.set == {"core": (0, 0)}


@pytest.mark.usefixtures("other_locale")
@pytest.mark.parametrize("parent", [41, None])
def test_a_request_is_served_with_the_notebooks_own_output_going_nowhere(tmp_path, monkeypatch, parent):
    monkeypatch.chdir(tmp_path)
    calls = []
    asked = {"name": "ä.ipynb", "notebook": "{ä}", "parent": parent}
    monkeypatch.setattr(runner, "sys", Fake(stdin=Fake(buffer=io.BytesIO(json.dumps(asked).encode()))))

    def opened(path, flags):
        calls.append((path, flags))
        return 9

    def duplicated(descriptor):
        calls.append(("dup", descriptor))
        return os.open("channel", os.O_WRONLY | os.O_CREAT)

    def cells(request, channel):
        def to_its_end():
            calls.append("run")
            channel.write("ä")
            channel.close()

        calls.append(("Run", request))
        return Fake(to_its_end=to_its_end)

    system = Fake(
        open=opened,
        dup=duplicated,
        fdopen=os.fdopen,
        devnull=os.devnull,
        O_RDWR=os.O_RDWR,
        dup2=lambda source, target: calls.append(("dup2", source, target)),
        _exit=lambda status: calls.append(("exit", status)),
    )
    monkeypatch.setattr(runner, "os", system)
    monkeypatch.setattr(runner, "_die_with", lambda parent: calls.append(("parent", parent)))
    monkeypatch.setattr(runner, "_set_limits", lambda request: calls.append(("limits", request)))
    monkeypatch.setattr(runner, "Run", cells)
    runner.main()
    assert calls == [
        *([("parent", 41)] if parent else []),
        ("dup", 1),
        (os.devnull, os.O_RDWR),
        *(("dup2", 9, descriptor) for descriptor in (0, 1, 2)),
        ("limits", asked),
        ("Run", asked),
        "run",
        ("exit", 0),
    ]
    assert {path.name: path.read_bytes().decode() for path in tmp_path.iterdir()} == {
        "channel": "ä",
        "ä.ipynb": "{ä}",
    }
