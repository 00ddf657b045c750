"""Sentences about an answer: what came, on which input, and what must come."""

import math
from textwrap import shorten
from typing import Any

import numpy as np
import torch

from xent_helpers.exercises.record import Exercise
from xent_helpers.exercises.values import Numbers, Other, Outcome, Raised, outcome

MANY = 24  # entries of an array that are still shown


def arguments_shown(exercise: Exercise, arguments: tuple) -> str:
    """Arguments by name, such as "p = [0.5], y = [1]"."""
    pairs = zip(exercise.parameters, arguments, strict=True)
    return ", ".join(f"{name} = {value_shown(value)}" for name, value in pairs)


def value_shown(value: Any) -> str:
    """A value with few digits; a large array by its shape."""
    came = outcome(value)
    if isinstance(came, Numbers):
        return outcome_shown(came)
    truths = np.asarray(value) if isinstance(value, np.ndarray | torch.Tensor) else None
    if truths is not None and truths.dtype == bool:
        return str(truths.tolist()) if truths.size <= MANY else f"an array of shape {truths.shape}"
    return shorten(repr(value), 80, placeholder=" …")


def outcome_shown(came: Outcome, digits: int = 4) -> str:
    if isinstance(came, Raised):
        return f"{came.kind}: {came.text}" if came.text else came.kind
    if isinstance(came, Other):
        return type_shown(came.value)
    if came.array.size > MANY:
        return f"an array of shape {came.array.shape}"
    if came.array.ndim == 0:
        return number_shown(float(came.array), digits)
    inner = [outcome_shown(Numbers(row), digits) for row in came.array]
    return "[" + ", ".join(inner) + "]"


def told_apart(one: Outcome, other: Outcome) -> tuple[str, str]:
    """Both with four digits, or with as many as it takes to see a difference."""
    for digits in (4, 6, 8, 12, 17):
        shown = outcome_shown(one, digits), outcome_shown(other, digits)
        if shown[0] != shown[1]:
            break
    return shown


def number_shown(number: float, digits: int = 4) -> str:
    """Four digits, or as many as keep it from looking whole when it is not."""
    number += 0.0  # no −0
    short = f"{number:.{digits}g}"
    looks_whole = math.isfinite(number) and float(short).is_integer()
    return f"{number:.8g}" if looks_whole and not number.is_integer() else short


def capital(said: str) -> str:
    """``said`` with a capital first letter, and the others as they are, for they may be somebody's own."""
    return said[0].upper() + said[1:]


def type_shown(value: Any) -> str:
    """What kind of thing something is that is no number, without addresses."""
    if value is None or isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, str):
        return f"the text {shorten(value, 40, placeholder='…')!r}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} that is no array of numbers"
    if isinstance(value, complex | np.complexfloating):
        return "a number that is complex"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def shape_shown(array: np.ndarray) -> str:
    return f"shape {array.shape}" if array.ndim else "a single number"


def place(exercise: Exercise, arguments: tuple) -> str:
    return f"for {arguments_shown(exercise, arguments)}"


def fault_said(exercise: Exercise, arguments: tuple, came: Outcome, due: Outcome) -> str:
    """One or two sentences on an input where ``came`` is not what is due."""
    where = place(exercise, arguments)
    if isinstance(came, Raised):
        return f"Your code raises {outcome_shown(came)} {where}."
    if isinstance(came, Other):
        return _no_number(where, came.value, due)
    if isinstance(due, Other):
        return f"{capital(outcome_shown(came))} is not the right choice {where}. Ask for a hint."
    if came.array.shape != due.array.shape:
        return (
            f"Your function returns {shape_shown(came.array)} {where}; what is asked for there is "
            f"{shape_shown(due.array)}."
        )
    if np.any(np.isnan(came.array) & ~np.isnan(due.array)):
        return (
            f"Your function gives NaN {where}: {outcome_shown(came)}. A right answer there is {outcome_shown(due)}. "
            "Which step makes 0/0, 0 · inf or inf − inf?"
        )
    broken = [must.text for must in exercise.must if not _holds(must, came, arguments)]
    if broken:
        return f"Your function gives {outcome_shown(came)} {where}. A right answer there {' and '.join(broken)}."
    theirs, ours = told_apart(came, due)
    return f"Your function gives {theirs} {where}; a right answer there is {ours}."


def _no_number(where: str, value: Any, due: Outcome) -> str:
    if value is None:
        return f"Your function returns None {where}. Which branch lacks its return?"
    kind = type(value).__name__
    if kind in ("generator", "coroutine", "async_generator"):
        word = "yield" if "generator" in kind else "async"
        return f"Your function makes {type_shown(value)}, which computes nothing by itself: use return, without {word}."
    if isinstance(due, Other):
        return f"{capital(type_shown(value))} is not the right choice {where}. Ask for a hint."
    return f"Your function returns {type_shown(value)} {where}; what is asked for is {shape_shown(due.array)}" + (
        "." if due.array.ndim == 0 else ", an array of numbers."
    )


def _holds(must: Any, came: Numbers, arguments: tuple) -> bool:
    try:
        return bool(must.holds(came.array, *arguments))
    except Exception:  # a property may not be made for every wrong answer
        return False


def printed_said(printed: list[str]) -> str:
    """A sentence on what the code printed during the check, and none where it did not."""
    lines = [line for text in printed for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    many = "a line" if len(lines) == 1 else f"{len(lines)} lines"
    return f"(Your code printed {many} during the check, not shown here; the first: {shorten(lines[0], 60)!r}.)"
