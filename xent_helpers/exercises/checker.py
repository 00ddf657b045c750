"""Compare an answer with the reference and with known mistakes, on the same inputs."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give, and what to tell them.

    ``wrong`` has the reference's arguments; ``message`` explains the belief behind it and asks the question
    that leads out.
    """

    wrong: Callable[..., Any]
    message: str


@dataclass(frozen=True)
class Exercise:
    """One exercise: what is asked, the reference that solves it, and what people get wrong.

    ``inputs`` takes a seeded generator and returns argument tuples, from plain to tricky. Where a number is
    asked for, the reference takes no argument and ``inputs`` returns one empty tuple.
    """

    key: str
    task: str
    reference: Callable[..., Any]
    inputs: Callable[[np.random.Generator], list[tuple]]
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, ...]
    afterwards: str
    tolerance: float = 1e-9


def diagnose(exercise: Exercise, answer: object) -> str:
    """Return one paragraph on ``answer``: right, a known mistake, or the first input on which it fails."""
    if answer is None or answer is Ellipsis:
        return "not attempted yet. " + exercise.task
    given = answer if callable(answer) else lambda: answer
    cases = exercise.inputs(np.random.default_rng(0))
    outputs = []
    for arguments in cases:
        handed = deepcopy(arguments)
        try:
            outputs.append(_plain(given(*handed)))
        except Exception as error:  # whatever the learner's code raises is reported, never passed on
            return f"your code raised {type(error).__name__} on {_shown(arguments)}: {error}"
        if not all(_close(_plain(a), _plain(b), 0.0) for a, b in zip(arguments, handed, strict=True)):
            return f"your code changes its argument on {_shown(arguments)}. Work on a copy."
    if all(output is None for output in outputs):
        return "not attempted yet (nothing was returned). " + exercise.task
    expected = [_plain(exercise.reference(*deepcopy(arguments))) for arguments in cases]
    agrees = [_close(a, b, exercise.tolerance) for a, b in zip(outputs, expected, strict=True)]
    if all(agrees):
        return f"right. {exercise.afterwards}"
    for mistake in exercise.mistakes:
        if all(
            _close(output, _plain(mistake.wrong(*deepcopy(arguments))), exercise.tolerance)
            for output, arguments in zip(outputs, cases, strict=True)
        ):
            return f"not yet. {mistake.message}"
    first = agrees.index(False)
    place = f"on {_shown(cases[first])} " if cases[first] else ""
    return f"not yet. What came {place}is {_shown_value(outputs[first])}; what must come there is {_shown_value(expected[first])}."


def _plain(value: Any) -> Any:
    """Turn tensors, lists and numbers into a NumPy array; leave None and everything else as it is."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().double().numpy()
    if isinstance(value, (bool, int, float, list, tuple, np.ndarray, np.generic)):
        try:
            return np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            return value
    return value


def _close(a: Any, b: Any, tolerance: float) -> bool:
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return type(a) is type(b) and a == b
    return a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=0.1 * tolerance, equal_nan=True)


def _shown(arguments: tuple) -> str:
    return "(" + ", ".join(_shown_value(_plain(argument)) for argument in arguments) + ")"


def _shown_value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=4, separator=", ", threshold=12)
    return repr(value)
