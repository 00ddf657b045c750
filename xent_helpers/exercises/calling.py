"""Call a learner's function: on copies, in silence, within a time limit, whatever it does."""

import contextlib
import ctypes
import io
import linecache
import random
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextvars import copy_context
from copy import deepcopy
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
import torch
from IPython.utils.capture import CapturedIO, capture_output

from xent_helpers.exercises.values import Outcome, Raised, agree, outcome

TICK = 0.05  # seconds between two looks at the clock
RAIN = 20e-6  # the same for code that has caught ``OutOfTime``: soon one strikes where it is not caught
WAITING = 0.02  # code that gets a smaller share of the processor waits for something; a busy machine gives more
LONGEST = 60.0  # seconds after which anything is stopped
STRIKING = 3.0  # seconds for which a thread is struck before anything else goes on
# What code finds in the place of float32 when it is run again in double precision.
WIDER = (
    (np, {"float32": np.float64, "single": np.float64}),
    (torch, {"float32": torch.float64, "float": torch.float64}),
    (torch.Tensor, {"float": torch.Tensor.double}),
)


class OutOfTime(BaseException):
    """The time limit has passed. No Exception, so that a learner's ``except Exception`` lets it through."""


@dataclass(frozen=True)
class FinishedCall:
    """One call: its outcome, whether it changed an argument, and what it printed."""

    outcome: Outcome
    changed: bool
    printed: str


class TimeLimit:
    """Limits a learner's calls, all together, to ``seconds`` of processor time, and waiting to three times as long.

    Imports are free, and so is the time that other programs take. A timer strikes the code where it runs. On Windows,
    which has none, and outside the main thread the code gets a thread of its own, which is struck from here.
    """

    def __init__(self, seconds: float):
        self.seconds = self.left = seconds
        self.inside = False  # whether the learner's code is running, which alone may be struck
        self.timed = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        # In its own thread the code's time is told from that of others; beside, only all of them together are known.
        self.clock = time.thread_time if self.timed else time.process_time

    def run(self, function: Callable, arguments: tuple) -> Any:
        """Return ``function(*arguments)``, or raise ``OutOfTime``."""
        if not self.timed:
            return self.run_beside(function, arguments)
        self.start()
        try:
            self.inside = True
            return function(*arguments)
        finally:
            self.inside = False
            self.stop()

    def start(self) -> None:
        if self.left <= 0:
            raise OutOfTime
        self.restart()
        self.called, self.struck = time.monotonic(), False
        self.handler = signal.signal(signal.SIGALRM, self.tick)
        self.alarm = signal.setitimer(signal.ITIMER_REAL, TICK, TICK)

    def run_beside(self, function: Callable, arguments: tuple) -> Any:
        """The same in another thread."""
        if self.left <= 0:
            raise OutOfTime
        ended = []

        def work() -> None:
            try:
                ended.append((function(*arguments), None))
            except BaseException as error:
                ended.append((None, error))

        thread = threading.Thread(target=copy_context().run, args=(work,), daemon=True)
        self.restart()
        thread.start()
        try:
            while thread.is_alive() and not self.late():
                thread.join(TICK)
                self.spare_imports()
        finally:  # an interrupt ends the thread too
            self.left -= self.clock() - self.worked
            _end(thread)
        if not ended:
            raise OutOfTime
        value, error = ended[0]
        if error is not None:
            raise error
        return value

    def restart(self) -> None:
        self.loaded, self.worked, self.began = len(sys.modules), self.clock(), time.monotonic()

    def tick(self, number: int, frame: FrameType | None) -> None:
        if not self.inside or frame is None or frame.f_code is TimeLimit.run.__code__:
            return
        self.spare_imports()
        if self.late():
            if self.struck:
                signal.setitimer(signal.ITIMER_REAL, RAIN, RAIN)
            self.struck = True
            raise OutOfTime

    def spare_imports(self) -> None:
        if len(sys.modules) > self.loaded:  # an import is under way: stopped half-way it would leave a broken module
            self.restart()

    def late(self) -> bool:
        worked, passed = self.clock() - self.worked, time.monotonic() - self.began
        waits = passed > 3 * self.seconds and worked < WAITING * passed
        return worked > self.left or waits or passed > LONGEST

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.handler)
        self.left -= self.clock() - self.worked
        remaining, interval = self.alarm
        if remaining:  # somebody else's alarm, which goes on
            passed = time.monotonic() - self.called
            signal.setitimer(signal.ITIMER_REAL, max(remaining - passed, TICK), interval)


def _end(thread: threading.Thread) -> None:
    """Strike a thread until it ends; what does not end soon is struck beside what follows."""
    _strike(thread, STRIKING)
    if thread.is_alive():
        threading.Thread(target=_strike, args=(thread, LONGEST), daemon=True).start()


def _strike(thread: threading.Thread, seconds: float) -> None:
    """Raise ``OutOfTime`` in a thread again and again; one that waits outside Python sees it when it comes back."""
    until = time.monotonic() + seconds
    while thread.is_alive() and time.monotonic() < until:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(OutOfTime))
        thread.join(random.uniform(0, TICK / 10))  # irregular, so that one strikes where it is not caught


def call(
    function: Callable,
    arguments: tuple,
    limit: TimeLimit,
    convert: Callable[[Any], Any] = lambda one: one,
    around: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext,
) -> FinishedCall:
    """Call ``function`` on copies of ``arguments``; an exception is an outcome, an interrupt is passed on."""
    handed = tuple(convert(deepcopy(one)) for one in arguments)
    with out_of_sight() as captured, around():
        actual = limit.run(_outcome_of, (function, *handed))
    changed = not all(agree(outcome(a), outcome(b)) for a, b in zip(handed, map(convert, arguments), strict=True))
    return FinishedCall(actual, changed, captured.stdout)


def _outcome_of(function: Callable, *arguments: Any) -> Outcome:
    try:
        value = function(*arguments)
        if hasattr(value, "cr_await"):  # a coroutine that is never awaited would warn when it is thrown away
            value.close()
        return outcome(value)
    except (Exception, SystemExit) as error:
        return Raised(type(error).__name__, _words(error), _own_line(error, function))


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the learner's own class, whose text fails
        return ""


def _own_line(error: BaseException, function: Callable) -> str:
    """The last line of the learner's code that the error passed, not one of a library."""
    line, modules = "", ("__main__", getattr(function, "__module__", None))
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__") in modules:
            line = linecache.getline(frame.f_code.co_filename, number).strip()
    return line


def call_quietly(function: Callable, arguments: tuple) -> Outcome:
    """Return the outcome of a function of the course, called on copies and without warnings."""
    with in_silence():
        try:
            return outcome(function(*deepcopy(arguments)))
        except Exception as error:
            return Raised(type(error).__name__, str(error))


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
    """Hide warnings, which would name a file of the machine."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def in_silence() -> Iterator[None]:
    """Hide warnings and what is printed."""
    with contextlib.redirect_stdout(io.StringIO()), without_warnings():
        yield


@contextlib.contextmanager
def out_of_sight() -> Iterator[CapturedIO]:
    """Collect what is printed or displayed, close the figures that are opened, and let torch use one thread."""
    threads, pyplot = torch.get_num_threads(), sys.modules.get("matplotlib.pyplot")
    show, figures = getattr(pyplot, "show", None), pyplot.get_fignums() if pyplot else []
    torch.set_num_threads(1)  # several would wait for one another, and waiting counts as work
    if pyplot:
        pyplot.show = lambda *arguments, **options: None  # drawing takes long
    try:
        with capture_output() as captured, without_warnings():
            yield captured
    finally:
        torch.set_num_threads(threads)
        if pyplot:
            pyplot.show = show
        for number in _opened_since(figures):
            sys.modules["matplotlib.pyplot"].close(number)


def _opened_since(figures: list[int]) -> list[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")  # the call may have imported it
    return [number for number in pyplot.get_fignums() if number not in figures] if pyplot else []


@contextlib.contextmanager
def in_double_precision() -> Iterator[None]:
    """Give float64 to code that asks NumPy or torch for float32, as if it had asked for that."""
    default, before = torch.get_default_dtype(), [(place, dict(vars(place))) for place, _ in WIDER]
    torch.set_default_dtype(torch.float64)
    try:
        for place, wider in WIDER:
            for name, value in wider.items():
                setattr(place, name, value)
        yield
    finally:
        for (place, old), (_, wider) in zip(before, WIDER, strict=True):
            for name in wider:
                setattr(place, name, old[name]) if name in old else delattr(place, name)
        torch.set_default_dtype(default)


def as_other_library(value: Any) -> Any:
    """A NumPy array as a tensor, a tensor as a NumPy array, anything else as it is."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    return value.numpy() if isinstance(value, torch.Tensor) else value
