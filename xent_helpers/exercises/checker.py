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


def diagnose(exercise: Exercise, answer: object) -> str:
    """Return one paragraph on ``answer``: right, a known mistake, or the first input on which it fails.

    The learner's code gets copies of the inputs, and whatever it raises ends up in the paragraph.
    """
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
    agrees = [_close(a, b, _tolerance(a)) for a, b in zip(outputs, expected, strict=True)]
    if all(agrees):
        return f"right. {exercise.afterwards}"
    for mistake in exercise.mistakes:
        if all(
            _close(output, _plain(mistake.wrong(*deepcopy(arguments))), _tolerance(output))
            for output, arguments in zip(outputs, cases, strict=True)
        ):
            return f"not yet. {mistake.message}"
    first = agrees.index(False)
    place = f"on {_shown(cases[first])} " if cases[first] else ""
    came, due = _shown_value(outputs[first]), _shown_value(expected[first])
    return f"not yet. What came {place}is {came}; what must come there is {due}."


def _plain(value: Any) -> Any:
    """Turn tensors, lists and numbers into a NumPy array; leave None and everything else as it is."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float().numpy() if value.element_size() < 4 and value.is_floating_point() else value.numpy()
    if isinstance(value, bool | int | float | list | tuple | np.ndarray | np.generic):
        array = np.asarray(value)
        return array if array.dtype.kind in "biuf" else value
    return value


def _close(a: Any, b: Any, tolerance: float) -> bool:
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return type(a) is type(b) and a == b
    if a.shape != b.shape:
        return False
    return np.allclose(a.astype(float), b.astype(float), rtol=tolerance, atol=0.1 * tolerance, equal_nan=True)


def _tolerance(output: Any) -> float:
    """How far a right answer may be off: a few hundred roundings of the type that it came in."""
    bits = output.dtype.itemsize * 8 if isinstance(output, np.ndarray) and output.dtype.kind == "f" else 64
    return {16: 0.03, 32: 1e-4}.get(bits, 1e-9)


def _shown(arguments: tuple) -> str:
    return "(" + ", ".join(_shown_value(_plain(argument)) for argument in arguments) + ")"


def _shown_value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=4, separator=", ", threshold=12)
    return repr(value)
