"""Run one submitted notebook and report on each exercise: the program that ``grade`` starts in the sandbox.

It reads a request (JSON) from standard input and writes one line of JSON per finding to the original standard output;
what the notebook prints is discarded. Nothing here protects this process from the notebook that it runs: the sandbox
protects the machine, and ``grading.py`` says what can be forged.
"""

import ctypes
import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from xent_helpers import exercises
from xent_helpers.exercises import examine  # a reference that the notebook cannot replace

MEBIBYTE = 2**20


class CellTimeout(BaseException):
    """A cell has used its share of the time; no Exception, so that the notebook's own handlers do not catch it."""


class Shell(InteractiveShell):
    """IPython without a screen: magics and display work, tracebacks are not shown."""

    def enable_gui(self, gui=None):
        """Accept ``%matplotlib``; figures are drawn in memory."""

    def showtraceback(self, *arguments, **options):
        """Show nothing: ``run_cell`` returns the error."""


class Run:
    """One notebook being run: its cells in order, and each exercise examined where the notebook checks it."""

    def __init__(self, request: dict, channel):
        self.request, self.channel = request, channel
        self.checked: set[str] = set()
        self.shell = Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
        signal.signal(signal.SIGALRM, self.stop)
        exercises.all_exercises()  # imports much, and no alarm may interrupt an import

    def to_its_end(self) -> None:
        """Run every cell, whatever became of those before it, then examine what no cell has checked."""
        with exercises.redirected_checks(self.check):
            self.run_cells()
        for key, name in self.request["exercises"].items():
            if key not in self.checked:
                self.report(key, self.shell.user_ns.get(name), "no cell checks this exercise")
        self.say(finished=True)

    def run_cells(self) -> None:
        for number, source in enumerate(self.request["cells"], 1):
            self.set_alarm()
            try:
                result = self.shell.run_cell(source, store_history=True)
                error = result.error_before_exec or result.error_in_exec
            except CellTimeout as late:  # between the notebook's code and ours
                error = late
            signal.setitimer(signal.ITIMER_REAL, 0)
            if error is not None and number not in self.request["may_raise"]:
                self.say(cell=number, error=_described(error))
            _close_figures()

    def check(self, key: str, answer: object) -> None:
        """Examine ``answer`` where a cell calls ``exercises.check``."""
        if key not in self.request["exercises"]:
            return
        self.checked.add(key)
        name = self.request["exercises"][key]
        changed = name is not None and answer is not self.shell.user_ns.get(name)
        self.report(key, answer, f"the check is given something other than {name}" if changed else "")

    def report(self, key: str, answer: object, note: str) -> None:
        """Say what the examination of one answer found; an endless one is ended in time for the others."""
        self.set_alarm()
        try:
            result = examine(key, answer)
            status, message = result.status, result.message
        except BaseException as error:  # the answer may raise anything, and the other exercises are to be graded
            status, message = exercises.Status.NOT_YET, f"the answer could not be examined: {_described(error)}"
        self.set_alarm()
        self.say(exercise=key, status=status, message=message, note=note)

    def set_alarm(self) -> None:
        """Give what comes next half of the time that is left, so that one endless loop leaves time for the rest."""
        self.share = max((self.request["deadline"] - time.monotonic()) / 2, 0.01)
        signal.setitimer(signal.ITIMER_REAL, self.share, 1.0)  # and again, for code that catches everything once

    def stop(self, *signal_and_frame) -> None:
        raise CellTimeout(f"it ran longer than {self.share:.3g} s")

    def say(self, **finding) -> None:
        self.channel.write(json.dumps(finding) + "\n")
        self.channel.flush()


def _described(error: BaseException) -> str:
    """Return the error in words; its text is made by the notebook's code, which may fail at that too."""
    try:
        text = str(error)
    except BaseException:
        text = "(its text cannot be shown)"
    return text if isinstance(error, CellTimeout) else f"{type(error).__name__}: {text}"[:1000]


def _close_figures():
    if "matplotlib.pyplot" in sys.modules:
        with suppress(Exception):
            sys.modules["matplotlib.pyplot"].close("all")


def _die_with(parent):
    """End when the process that started this one ends: ask Linux for it, and see whether it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _set_limits(request):
    """Let the kernel hold what it can hold for each process; the watcher outside holds the sums."""
    import resource  # here, since Windows has none, and a page that lists the modules imports this one there too

    limits = {
        "RLIMIT_DATA": request["megabytes"] * MEBIBYTE * 3 // 4,  # a MemoryError before the watcher ends it all
        "RLIMIT_FSIZE": 256 * MEBIBYTE,
        "RLIMIT_NPROC": request["threads"],
        "RLIMIT_CORE": 0,
    }
    for name, value in limits.items():
        with suppress(AttributeError, ValueError, OSError):  # a lower one is in force, or the system has none such
            resource.setrlimit(getattr(resource, name), (value, value))


def main() -> None:
    """Serve one request, and leave without waiting for threads or exit handlers of the notebook."""
    request = json.load(sys.stdin.buffer)
    if request["parent"]:
        _die_with(request["parent"])
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    Path(request["name"]).write_text(request["notebook"], encoding="utf-8")
    _set_limits(request)
    Run(request, channel).to_its_end()
    os._exit(0)


if __name__ == "__main__":
    main()
