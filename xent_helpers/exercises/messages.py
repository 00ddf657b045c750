"""Sentences about an answer: what it gives, on which input, and what a right answer gives."""

import math
from typing import Any

import numpy as np
import torch

from xent_helpers.exercises.exercise import Exercise
from xent_helpers.exercises.values import Numbers, Other, Outcome, Raised, outcome

MANY = 24  # entries of an array that are still shown
NAN = "Which step makes 0/0, 0 · inf or inf − inf, or takes the logarithm of a negative number?"


def arguments_text(exercise: Exercise, arguments: tuple) -> str:
    """Return arguments by name, such as "p = [0.5], y = [1]"."""
    pairs = zip(exercise.parameters, arguments, strict=True)
    return ", ".join(f"{name} = {value_text(value)}" for name, value in pairs)


def value_text(value: Any) -> str:
    """Return a value with few digits; a large array by its shape."""
    found = outcome(value)
    if isinstance(found, Numbers):
        return outcome_text(found)
    truths = np.asarray(value) if isinstance(value, np.ndarray | torch.Tensor) else None
    if truths is not None and truths.dtype == bool:
        return str(truths.tolist()) if truths.size <= MANY else f"an array of shape {truths.shape}"
    return cut(repr(value), 80)


def outcome_text(found: Outcome, digits: int = 4) -> str:
    if isinstance(found, Raised):
        return f"{found.kind}: {found.text}" if found.text else found.kind
    if isinstance(found, Other):
        return type_text(found.value)
    if found.array.size > MANY:
        least, most = (number_text(float(edge(found.array)), digits) for edge in (np.min, np.max))
        return f"an array of shape {found.array.shape} from {least} to {most}"
    if found.array.ndim == 0:
        return number_text(float(found.array), digits)
    inner = [outcome_text(Numbers(row), digits) for row in found.array]
    return "[" + ", ".join(inner) + "]"


def distinguishable_texts(one: Outcome, other: Outcome) -> tuple[str, str]:
    """Return both with four digits, or with as many as it takes to see a difference."""
    for digits in (4, 6, 8, 12, 17):
        shown = outcome_text(one, digits), outcome_text(other, digits)
        if shown[0] != shown[1]:
            break
    return shown


def number_text(number: float, digits: int = 4) -> str:
    """Return four digits, or enough that a number does not look whole when it is not."""
    number += 0.0  # no −0
    short = f"{number:.{digits}g}"
    looks_whole = math.isfinite(number) and float(short).is_integer()
    return f"{number:.8g}" if looks_whole and not number.is_integer() else short


def capital(text: str) -> str:
    """Return ``text`` with a capital first letter and all others unchanged."""
    return text[0].upper() + text[1:]


def type_text(value: Any) -> str:
    """Say what kind of thing a value is that is not a number, without addresses."""
    if value is None or isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, str):
        return f"the text {quoted(value, 40)}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of something else than numbers, or of rows of unequal length"
    if isinstance(value, complex | np.complexfloating):
        return "a number that is complex"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def quoted(text: str, width: int) -> str:
    """``text`` in quotation marks, its end left out where it is long."""
    return repr(cut(text, width))


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def shape_text(array: np.ndarray) -> str:
    return f"shape {array.shape}" if array.ndim else "a single number"


def place(exercise: Exercise, arguments: tuple) -> str:
    return f"for {arguments_text(exercise, arguments)}"


def fault_message(exercise: Exercise, arguments: tuple, actual: Outcome, expected: Outcome) -> str:
    """Describe, in one or two sentences, an input where ``actual`` is not what is expected."""
    where = place(exercise, arguments)
    if isinstance(actual, Raised):
        line = f", in the line {quoted(actual.line, 70)}" if actual.line else ""
        return f"Your code raises {outcome_text(actual)} {where}{line}."
    if isinstance(actual, Other):
        return _no_number(where, actual.value, expected)
    if isinstance(expected, Other):
        return f"{capital(outcome_text(actual))} is not the right choice {where}. Ask for a hint."
    if actual.array.shape != expected.array.shape:
        return (
            f"Your function returns {shape_text(actual.array)} {where}; what is asked for there is "
            f"{shape_text(expected.array)}."
        )
    if np.any(np.isnan(actual.array) & ~np.isnan(expected.array)):
        given = f": {outcome_text(actual)}" if actual.array.ndim else ""
        return f"Your function gives NaN {where}{given}. A right answer there is {outcome_text(expected)}. {NAN}"
    broken = [must.text for must in exercise.must if not _holds(must, actual, arguments)]
    if broken:
        return f"Your function gives {outcome_text(actual)} {where}. A right answer there {' and '.join(broken)}."
    theirs, ours = distinguishable_texts(actual, expected)
    return f"Your function gives {theirs} {where}; a right answer there is {ours}."


def changing_message(exercise: Exercise, arguments: tuple, first: Outcome, second: Outcome) -> str:
    """Say that an answer is not the same each time."""
    one, other = distinguishable_texts(first, second)
    return (
        f"Your function gives {one} {place(exercise, arguments)}, and {other} when it is called with the same again. "
        "Does chance play a part in it, or something that an earlier call has left?"
    )


def fickle_message(exercise: Exercise, arguments: tuple, right: Outcome) -> str:
    """Say that an answer is right in one call and wrong in another."""
    return (
        f"Your function sometimes gives {outcome_text(right)}, which is right, and sometimes something else "
        f"{place(exercise, arguments)}. Does chance play a part in it, or something that an earlier call has left?"
    )


def _no_number(where: str, value: Any, expected: Outcome) -> str:
    if value is None and not isinstance(expected, Other):
        return f"Your function returns None {where}. Which branch lacks its return?"
    kind = type(value).__name__
    if kind in ("generator", "coroutine", "async_generator"):
        word = "yield" if "generator" in kind else "async"
        return f"Your function makes {type_text(value)}, which computes nothing by itself: use return, without {word}."
    if isinstance(expected, Other):
        what = f"a {kind}" if isinstance(value, list | tuple) else type_text(value)
        return f"{capital(what)} is not the right choice {where}. Ask for a hint."
    return f"Your function returns {type_text(value)} {where}; what is asked for is {shape_text(expected.array)}" + (
        "." if expected.array.ndim == 0 else ", an array of numbers."
    )


def _holds(must: Any, actual: Numbers, arguments: tuple) -> bool:
    try:
        return bool(must.holds(actual.array, *arguments))
    except Exception:  # a property may fail on an answer of the wrong kind
        return False


def printed_message(printed: list[str]) -> str:
    """Return a sentence on what the code printed during the check; an empty text if it printed nothing."""
    lines = [line for text in printed for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    many = "a line" if len(lines) == 1 else f"{len(lines)} lines"
    return f"(Your code printed {many} during the check, not shown here; the first: {quoted(lines[0], 60)}.)"
