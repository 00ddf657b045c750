"""Run one submitted notebook and report on each exercise: the program that ``grade`` starts in the sandbox.

It reads a request (JSON) from standard input and writes one line of JSON per finding to the original standard output;
what the notebook prints is discarded. Nothing here protects this process from the notebook that it runs: the sandbox
protects the machine, and ``grading.py`` says what can be forged.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from json import dumps, load
from os import write
from pathlib import Path
from signal import setitimer
from time import monotonic

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from xent_helpers import exercises
from xent_helpers.exercises import (
    Result,
    Status,
    examine,
)  # by name, as above: a notebook may replace what a module holds
from xent_helpers.parent import end_with_parent

MEBIBYTE = 2**20
NEVER = float("inf")
RAIN = 2e-5  # seconds from drop to drop
CHANNEL = 500  # a descriptor out of the way of code that closes all that it finds


class CellTimeout(BaseException):
    """A cell has used its share of the time; no Exception, so that the notebook's own handlers do not catch it."""


class Shell(InteractiveShell):
    """IPython without a screen: magics and display work, tracebacks are not shown."""

    def enable_gui(self, gui=None):
        """Accept ``%matplotlib``; figures are drawn in memory."""

    def showtraceback(self, *arguments, **options):
        """Show nothing: ``run_cell`` returns the error."""

    def ask_exit(self):
        """What ``quit()`` calls: the cell ends, and the exercises below are graded all the same."""
        raise SystemExit("quit() ends the notebook here")


class Run:
    """One notebook being run: its cells in order, and each exercise examined where the notebook checks it."""

    def __init__(self, request: dict, channel: int):
        self.request, self.channel = request, channel
        self.checked: set[str] = set()
        # IPython would put a traceback of each error into words, which takes half a minute for an endless recursion.
        config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"xmode": "Minimal"}})
        self.shell = Shell.instance(config=config)
        self.deepest, self.until = sys.getrecursionlimit(), NEVER
        exercises.all_exercises()  # imports much, and no alarm may interrupt an import

    def to_its_end(self) -> None:
        """Run every cell, whatever became of those before it, then examine what no cell has checked."""
        for number, source in enumerate(self.request["cells"], 1):
            found = self.bounded(lambda source=source: self.run_cell(source))
            if found and number not in self.request["may_raise"]:
                self.say(cell=number, error=found)
        for key, name in self.request["exercises"].items():
            if key not in self.checked:
                note = "its check was not reached" if key in self.request["checks"] else "no cell checks this exercise"
                self.report(key, self.shell.user_ns.get(name), note)
        self.say(finished=True)

    def bounded(self, function: Callable[[], object]) -> object:
        """Call ``function`` with a share of the time; return its result, or what it raised in words."""
        self.give_time()
        try:
            return function()
        except BaseException as error:
            self.until = NEVER  # before any call, which could be interrupted
            setitimer(signal.ITIMER_REAL, 0)
            return self.bounded(lambda error=error: _described(error))
        finally:
            self.until = NEVER
            setitimer(signal.ITIMER_REAL, 0)

    def give_time(self) -> None:
        """Give what comes next half of the time that is left, so that one endless loop leaves time for the rest."""
        self.share, self.stopped = max((self.request["deadline"] - monotonic()) / 2, 0.01), False
        self.until = monotonic() + self.share
        signal.signal(signal.SIGALRM, self.stop)  # a cell may have set its own
        setitimer(signal.ITIMER_REAL, self.share, 1.0)

    def stop(self, *signal_and_frame) -> None:
        """Raise ``CellTimeout``; code that has caught it gets a rain of them: soon one falls where it is not caught."""
        if monotonic() < self.until:  # it comes too late, and the time is another's
            return
        if self.stopped:
            setitimer(signal.ITIMER_REAL, RAIN, RAIN)
        self.stopped = True
        raise CellTimeout(f"it ran longer than {self.share:.3g} s")

    def run_cell(self, source: str) -> str:
        """Run one cell; return what it raised, in words."""
        try:
            with exercises.redirected_checks(self.check):  # for each cell, since one may load the module again
                result = self.shell.run_cell(source, store_history=True)
        finally:
            sys.setrecursionlimit(self.deepest)
            _close_figures()
        error = result.error_before_exec or result.error_in_exec
        return "" if error is None else _described(error)

    def check(self, key: str, answer: object) -> None:
        """Examine ``answer`` where a cell calls ``exercises.check``."""
        if key not in self.request["exercises"]:
            return
        self.checked.add(key)
        name = self.request["exercises"][key]
        changed = name is not None and answer is not self.shell.user_ns.get(name)
        self.report(key, answer, f"the check is given something other than {name}" if changed else "")
        self.give_time()  # to the rest of the cell

    def report(self, key: str, answer: object, note: str) -> None:
        """Say what the examination of one answer found; an endless one is ended in time for the others."""
        result = self.bounded(lambda: examine(key, answer))
        if isinstance(result, str):
            result = Result(key, Status.NOT_YET, f"the answer could not be examined: {result}")
        self.say(exercise=key, status=result.status, message=result.message, note=note)

    def say(self, **finding) -> None:
        write(self.channel, (dumps(finding) + "\n").encode())


def _described(error: BaseException) -> str:
    """Return the error in words; its text and name are made by the notebook's code, which may fail at that too."""
    if isinstance(error, CellTimeout):
        return str(error)
    try:
        return f"{type(error).__name__}: {error}"[:1000]
    except BaseException:
        return "an error whose text cannot be shown"


def _close_figures():
    if "matplotlib.pyplot" in sys.modules:
        with suppress(Exception):
            sys.modules["matplotlib.pyplot"].close("all")


def _set_limits(request):
    """Let the kernel hold what it can hold for each process; the watcher outside holds the sums."""
    import resource

    limits = {
        "RLIMIT_DATA": request["megabytes"] * MEBIBYTE * 3 // 4,  # a MemoryError before the watcher ends it all
        "RLIMIT_FSIZE": 256 * MEBIBYTE,
        "RLIMIT_NPROC": request["threads"],
        "RLIMIT_NOFILE": 1024,
        "RLIMIT_CORE": 0,
    }
    for name, value in limits.items():
        with suppress(AttributeError, ValueError, OSError):  # a lower one is in force, or the system has none such
            resource.setrlimit(getattr(resource, name), (value, value))


def main() -> None:
    """Serve one request, and leave without waiting for threads or exit handlers of the notebook."""
    import fcntl  # here and below, since Windows has none, and a page that lists the modules imports this one there

    request = load(sys.stdin.buffer)
    if request["parent"]:
        end_with_parent(request["parent"])
    channel = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, CHANNEL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    Path(request["name"]).write_text(request["notebook"], encoding="utf-8")
    sys.path.insert(0, "")  # as in Jupyter: a cell may write a module and import it
    _set_limits(request)
    Run(request, channel).to_its_end()
    os._exit(0)


if __name__ == "__main__":
    main()
