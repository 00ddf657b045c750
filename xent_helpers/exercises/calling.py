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
from typing import Any

import numpy as np
import torch

from xent_helpers.exercises.values import Outcome, Raised, agree, outcome


class OutOfTime(BaseException):
    """The time limit has passed. No Exception, so that a learner's ``except Exception`` lets it through."""


@dataclass(frozen=True)
class Call:
    """One call: its outcome, whether it changed an argument, and what it printed."""

    outcome: Outcome
    changed: bool
    printed: str


def call(function: Callable, arguments: tuple, convert: Callable[[Any], Any] = lambda one: one) -> Call:
    """Call ``function`` on copies of ``arguments``; an exception is an outcome, an interrupt is passed on."""
    handed = tuple(convert(deepcopy(one)) for one in arguments)
    with in_silence() as printed:
        try:
            actual = _finished(function(*handed))
        except (Exception, SystemExit) as error:
            actual = Raised(type(error).__name__, str(error))
    changed = not all(agree(outcome(a), outcome(b)) for a, b in zip(handed, map(convert, arguments), strict=True))
    return Call(actual, changed, printed.getvalue())


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


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise ``OutOfTime`` in the block after ``seconds`` of work, or thrice as many of waiting; importing is free.

    Work is the processor's time, so that a busy machine makes no answer slow. It needs the main thread and a system
    with interval timers; elsewhere there is no limit, and interrupting the kernel stops the code as always.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    loaded, worked, began = len(sys.modules), time.process_time(), time.monotonic()

    def tick(number, frame):
        nonlocal loaded, worked, began
        if len(sys.modules) > loaded:  # an import is under way: stopped half-way it would leave a broken module
            loaded, worked, began = len(sys.modules), time.process_time(), time.monotonic()
        elif time.process_time() - worked > seconds or time.monotonic() - began > 3 * seconds:
            raise OutOfTime

    before = signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, seconds / 10, seconds / 10)  # on and on, for code that catches everything
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
