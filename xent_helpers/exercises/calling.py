"""Call a learner's function: on copies, in silence, within a time limit, whatever it does."""

import contextlib
import io
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
import torch

from xent_helpers.exercises.values import Outcome, Raised, agree, outcome


class OutOfTime(BaseException):
    """The time limit has passed. No Exception, so that a learner's ``except Exception`` lets it through."""


@dataclass(frozen=True)
class FinishedCall:
    """One call: its outcome, whether it changed an argument, and what it printed."""

    outcome: Outcome
    changed: bool
    printed: str


def call(function: Callable, arguments: tuple, convert: Callable[[Any], Any] = lambda one: one) -> FinishedCall:
    """Call ``function`` on copies of ``arguments``; an exception is an outcome, an interrupt is passed on."""
    handed = tuple(convert(deepcopy(one)) for one in arguments)
    with in_silence() as printed:
        try:
            actual = _finished(function(*handed))
        except (Exception, SystemExit) as error:
            actual = Raised(type(error).__name__, str(error))
    changed = not all(agree(outcome(a), outcome(b)) for a, b in zip(handed, map(convert, arguments), strict=True))
    return FinishedCall(actual, changed, printed.getvalue())


def _finished(value: Any) -> Outcome:
    if hasattr(value, "cr_await"):  # a coroutine that is never awaited would warn when it is thrown away
        value.close()
    return outcome(value)


def call_quietly(function: Callable, arguments: tuple) -> Outcome:
    """Return the outcome of a function of the course, called on copies and without warnings."""
    with in_silence():
        try:
            return outcome(function(*deepcopy(arguments)))
        except Exception as error:
            return Raised(type(error).__name__, str(error))


@contextlib.contextmanager
def in_silence() -> Iterator[io.StringIO]:
    """Collect what is printed and hide warnings, which would name a file of the machine."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield printed


def as_other_library(value: Any) -> Any:
    """A NumPy array as a tensor, a tensor as a NumPy array, anything else as it is."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    return value.numpy() if isinstance(value, torch.Tensor) else value


class TimeLimit:
    """Raise ``OutOfTime`` in a ``with`` block after ``seconds`` of work, or three times as many of waiting.

    Imports are free. Work is the processor's time, so other programs count only where they make the code wait past the
    second bound. The limit needs the main thread and interval timers; elsewhere there is none, and interrupting the
    kernel stops the code.
    """

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.possible = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> None:
        if self.possible:
            self.restart()
            self.before = signal.signal(signal.SIGALRM, self.tick)
            # Again and again, for code that catches everything.
            signal.setitimer(signal.ITIMER_REAL, self.seconds / 10, self.seconds / 10)

    def restart(self) -> None:
        self.loaded, self.worked, self.began = len(sys.modules), time.process_time(), time.monotonic()

    def tick(self, number: int, frame: FrameType | None) -> None:
        if len(sys.modules) > self.loaded:  # an import is under way: stopped half-way it would leave a broken module
            self.restart()
        late = time.process_time() - self.worked > self.seconds or time.monotonic() - self.began > 3 * self.seconds
        if late and not _at_the_edge(frame):
            raise OutOfTime

    def __exit__(self, *error: object) -> None:
        if self.possible:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self.before)


def _at_the_edge(frame: FrameType | None) -> bool:
    """Whether the block is being entered or left: an exception there would leave the timer running for ever."""
    edges = TimeLimit.__enter__.__code__, TimeLimit.__exit__.__code__
    while frame is not None and frame.f_code not in edges:
        frame = frame.f_back
    return frame is not None
