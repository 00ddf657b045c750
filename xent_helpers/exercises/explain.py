"""Find the simplest explanation of an answer's outputs: the reference, a known mistake, a slip, or two of them."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from xent_helpers.exercises.calling import call_quietly, in_silence
from xent_helpers.exercises.exercise import SECOND, Exercise, Mistake
from xent_helpers.exercises.slips import Slip, usual
from xent_helpers.exercises.values import HALF, Numbers, Outcome, Raised, agree, coarsest, outcome, tolerance


@dataclass(frozen=True)
class Explanation:
    """A mistake, a slip, or both; with neither it is the reference."""

    mistake: Mistake | None = None
    slip: Slip | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(part.name for part in (self.mistake, self.slip) if part)

    @property
    def message(self) -> str:
        if not self.slip:
            return self.mistake.message
        if not self.mistake:
            return f"Right but for one thing: {self.slip.clause}"
        return f"{self.mistake.message}{SECOND}{self.slip.clause}"


REFERENCE = Explanation()  # a right answer


class Catalogue:
    """An exercise on a given list of inputs; outputs of its functions are computed when they are first needed."""

    def __init__(self, exercise: Exercise, cases: list[tuple]):
        self.exercise, self.cases = exercise, cases
        self._known: dict[tuple, Outcome | None] = {}
        self._allowed: dict[tuple, tuple[float, float]] = {}
        first = self.expected(0)
        dimensions = first.array.ndim if isinstance(first, Numbers) else 0
        self.slips = usual(dimensions, exercise.asks_for_value) if exercise.slips is None else exercise.slips
        if not isinstance(first, Numbers):
            self.slips = exercise.slips or ()

    def explanations(self) -> Iterator[Explanation]:
        """All that can explain a wrong answer, the simplest first."""
        yield from (Explanation(mistake) for mistake in self.exercise.mistakes)
        yield from (Explanation(None, slip) for slip in self.slips)
        for mistake in self.exercise.mistakes:
            yield from (Explanation(mistake, slip) for slip in self.slips)

    def expected(self, number: int) -> Outcome:
        """Return what a right answer gives on input ``number``."""
        return self.outcome(number, REFERENCE)

    def outcome(self, number: int, explanation: Explanation) -> Outcome | None:
        """Return what an answer with ``explanation`` gives on input ``number``; None where the slip makes no sense."""
        mistake, slip = explanation.mistake, explanation.slip
        key = (number, id(mistake), slip if slip and slip.before else None)
        if key not in self._known:
            function = mistake.wrong if mistake else self.exercise.reference
            arguments = self._before(slip, self.cases[number])
            self._known[key] = None if arguments is None else call_quietly(function, arguments)
        found = self._known[key]
        if not slip or not slip.after or not isinstance(found, Numbers):
            return found
        return _after(slip, found, self.cases[number])

    @staticmethod
    def _before(slip: Slip | None, arguments: tuple) -> tuple | None:
        return slip.before(deepcopy(arguments)) if slip and slip.before else arguments

    def agrees(self, number: int, actual: Outcome, explanation: Explanation) -> bool:
        """Whether ``actual`` on input ``number`` is what ``explanation`` gives, to the digits that ``actual`` has."""
        precision = actual.precision if isinstance(actual, Numbers) else "float64"
        if (number, precision) not in self._allowed:
            own = self.exercise.tolerance
            self._allowed[number, precision] = tolerance(precision, self.cases[number], own)
        expected = self.outcome(number, explanation)
        return expected is not None and agree(actual, expected, self._allowed[number, precision])

    def matches(self, actual: list[Outcome], explanation: Explanation) -> bool:
        """Whether ``explanation`` gives ``actual`` on all inputs; from exceptions alone their words must agree too."""
        if not all(self.agrees(number, one, explanation) for number, one in enumerate(actual)):
            return False
        return not all(isinstance(one, Raised) for one in actual) or actual[0] == self.outcome(0, explanation)

    def solved(self, actual: list[Outcome]) -> bool:
        return self.matches(actual, REFERENCE)

    def explain(self, actual: list[Outcome]) -> Explanation | None:
        """The simplest explanation of a wrong answer's outcomes, if there is one."""
        return next((one for one in self.explanations() if self.matches(actual, one)), None)

    def hidden(self, actual: list[Outcome]) -> bool:
        """Whether the answer is in half precision and too coarse to tell the reference from a known mistake."""
        if coarsest(actual) not in HALF:
            return False
        return any(self.matches(actual, Explanation(mistake)) for mistake in self.exercise.mistakes)

    def raises_likewise(self, actual: list[Outcome]) -> Mistake | None:
        """A known mistake that raises the same exceptions on the same inputs, and no others."""
        for mistake in self.exercise.mistakes:
            outcomes = [self.outcome(number, Explanation(mistake)) for number in range(len(actual))]
            if _families(outcomes) == _families(actual):
                return mistake
        return None


def _after(slip: Slip, numbers: Numbers, arguments: tuple) -> Outcome | None:
    with in_silence():
        changed = slip.after(numbers.array, arguments)
    return None if changed is None else outcome(np.asarray(changed))


def _families(outcomes: list[Outcome]) -> list[str | None]:
    return [one.family if isinstance(one, Raised) else None for one in outcomes]
