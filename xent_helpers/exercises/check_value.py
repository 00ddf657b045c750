"""Examine an answer that is a value (a number, a list or a choice) without printing the right one."""

from typing import Any

import numpy as np

from xent_helpers.exercises import messages
from xent_helpers.exercises.exercise import Exercise, Status
from xent_helpers.exercises.explain import Catalogue
from xent_helpers.exercises.values import HALF, Numbers, Other, as_single_precision, in_single_precision, outcome


def examine_value(exercise: Exercise, answer: Any) -> tuple[Status, str, tuple[str, ...]]:
    """Return status, message and the names of known mistakes."""
    actual, catalogue = outcome(answer), Catalogue(exercise, [()])
    actual = as_single_precision(actual) if in_single_precision([actual]) else actual
    expected = catalogue.expected(0)
    if callable(answer):
        message = f"A value is asked for, and you handed over a function. {exercise.task}"
        return Status.NOT_YET, message, ()
    if isinstance(actual, Other) and not isinstance(expected, Other):
        return Status.NOT_YET, _no_number(actual.value, expected), ()
    right = catalogue.solved([actual])
    if right:
        if catalogue.hidden([actual]):
            return (
                Status.NOT_YET,
                f"{actual.precision} has too few digits to rule out a known mistake. Use float64.",
                (),
            )
        digits = " (To half precision.)" if isinstance(actual, Numbers) and actual.precision in HALF else ""
        return Status.SOLVED, exercise.afterwards + digits, ()
    found = catalogue.explain([actual])
    if found:
        return Status.NOT_YET, found.message, found.names
    return Status.NOT_YET, _unknown(exercise, actual, expected), ()


def _no_number(value: Any, expected: Numbers) -> str:
    asked = "a number" if expected.array.ndim == 0 else f"a list of {len(expected.array)} numbers"
    more = " without quotation marks" if isinstance(value, str) else ""
    if isinstance(value, list | tuple) and any(one is None for one in value):
        return f"Entry {1 + [*value].index(None)} of your {type(value).__name__} is still None."
    return f"You handed over {messages.type_text(value)}; {asked} is asked for{more}."


def _unknown(exercise: Exercise, actual: Any, expected: Any) -> str:
    """What can be said of a wrong value without giving the right one away."""
    if not isinstance(actual, Numbers) or not isinstance(expected, Numbers):
        return f"{messages.capital(messages.outcome_text(actual))} is not it. Ask for a hint."
    if actual.array.shape != expected.array.shape:
        asked = "one number" if expected.array.ndim == 0 else f"a list of {len(expected.array)} numbers"
        return f"{asked.capitalize()} is asked for; you handed over {messages.outcome_text(actual)}."
    shown, _ = messages.distinguishable_texts(actual, expected)
    broken = [must.text for must in exercise.must if not must.holds(actual.array)]
    if broken:
        return f"{shown} is not it. The right value {' and '.join(broken)}."
    if expected.array.ndim:
        same = int(np.sum(actual.array == expected.array))
        return f"{same} of the {expected.array.size} entries {'is' if same == 1 else 'are'} right. Ask for a hint."
    return f"{shown} is not it. {_which_way(float(actual.array), float(expected.array))}"


def _which_way(actual: float, expected: float) -> str:
    """Too large, too small, or only rounded; by which factor would tell too much."""
    if np.isnan(actual):
        return f"NaN is no number. {messages.NAN}"
    if expected == round(expected) and abs(expected) < 100:  # a choice, or a count: which way would tell too much
        return "Ask for a hint."
    if np.isclose(actual, expected, rtol=5e-3) and _is_rounded(actual, expected):
        return "It is nearly right, as if rounded: can you hand in the expression that Python computes?"
    return "It is too large." if actual > expected else "It is too small."


def _is_rounded(actual: float, expected: float) -> bool:
    """Whether ``actual`` has fewer digits and is off by less than one unit of its last."""
    digits = next(digits for digits in range(1, 18) if float(f"{actual:.{digits}g}") == actual)
    unit = 10.0 ** (np.floor(np.log10(abs(actual))) - digits + 1)
    return digits < 14 and abs(actual - expected) < 0.99 * unit
