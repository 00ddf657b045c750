"""Examine a value that was asked for, a number, a list or a choice, and never print the right one."""

from typing import Any

import numpy as np

from xent_helpers.exercises import words
from xent_helpers.exercises.explain import Catalogue, Explanation
from xent_helpers.exercises.record import Exercise
from xent_helpers.exercises.values import HALF, Numbers, Other, outcome


def examine_value(exercise: Exercise, answer: Any) -> tuple[str, str, tuple[str, ...]]:
    """Return status, message and the names of known mistakes."""
    came, catalogue = outcome(answer), Catalogue(exercise, [()])
    due = catalogue.at(0, Explanation())
    if callable(answer):
        return "not yet", f"A value is asked for, and a function came. {exercise.task}", ()
    if isinstance(came, Other) and not isinstance(due, Other):
        return "not yet", _no_number(came.value, due), ()
    if catalogue.solved([came]):
        if catalogue.hidden([came]):
            return "not yet", f"{came.precision} has too few digits to tell it from a known mistake. Use float64.", ()
        digits = " (To half precision.)" if isinstance(came, Numbers) and came.precision in HALF else ""
        return "solved", exercise.afterwards + digits, ()
    found = catalogue.explain([came])
    if found:
        return "not yet", found.message, found.names
    return "not yet", _unknown(exercise, came, due), ()


def _no_number(value: Any, due: Numbers) -> str:
    asked = "a number" if due.array.ndim == 0 else f"a list of {len(due.array)} numbers"
    more = " without quotation marks" if isinstance(value, str) else ""
    return f"{words.capital(words.type_shown(value))} came, and {asked} is asked for{more}."


def _unknown(exercise: Exercise, came: Any, due: Any) -> str:
    """What can be said of a wrong value without giving the right one away."""
    if not isinstance(came, Numbers) or not isinstance(due, Numbers):
        return f"{words.capital(words.outcome_shown(came))} is not it. Ask for a hint."
    if came.array.shape != due.array.shape:
        asked = "one number" if due.array.ndim == 0 else f"a list of {len(due.array)} numbers"
        return f"{asked.capitalize()} is asked for; {words.outcome_shown(came)} came."
    shown = words.outcome_shown(came)
    broken = [must.text for must in exercise.must if not must.holds(came.array)]
    if broken:
        return f"{shown} came. The right value {' and '.join(broken)}."
    if due.array.ndim:
        same = int(np.sum(came.array == due.array))
        return f"{same} of the {due.array.size} entries {'is' if same == 1 else 'are'} right. Ask for a hint."
    return f"{shown} is not it. {_which_way(float(came.array), float(due.array))}"


def _which_way(came: float, due: float) -> str:
    """Too large, too small, or only rounded."""
    if np.isnan(came):
        return "NaN is no number: which step makes 0/0, 0 · inf or inf − inf?"
    if due == round(due) and abs(due) < 100:  # a choice, or a count: which way would tell too much
        return "Ask for a hint."
    if np.isclose(came, due, rtol=5e-3):
        return "It is nearly right, as if rounded: can you hand in the expression that Python computes?"
    if came and due:
        if 2 <= abs(came / due) <= 100 and came / due == round(came / due):
            return f"It is {came / due:.0f} times what it should be."
        if 2 <= abs(due / came) <= 100 and due / came == round(due / came):
            return f"It is 1/{due / came:.0f} of what it should be."
    return "It is too large." if came > due else "It is too small."
