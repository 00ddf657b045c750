"""Find the simplest explanation of what came: the reference, a known mistake, or one of them joined by a slip."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from xent_helpers.exercises.calling import in_silence, plainly
from xent_helpers.exercises.record import Exercise, Mistake
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
        return f"{self.mistake.message} And a second thing: {self.slip.clause}"


class Catalogue:
    """An exercise on a given list of inputs; outputs of its functions are computed when they are first needed."""

    def __init__(self, exercise: Exercise, cases: list[tuple]):
        self.exercise, self.cases = exercise, cases
        self._known: dict[tuple, Outcome | None] = {}
        self._allowed: dict[tuple, tuple[float, float]] = {}
        first = self.at(0, Explanation())
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

    def at(self, number: int, explanation: Explanation) -> Outcome | None:
        """What a learner with ``explanation`` gets on input ``number``; None where the slip makes no sense."""
        mistake, slip = explanation.mistake, explanation.slip
        key = (number, id(mistake), slip if slip and slip.before else None)
        if key not in self._known:
            function = mistake.wrong if mistake else self.exercise.reference
            arguments = self._before(slip, self.cases[number])
            self._known[key] = None if arguments is None else plainly(function, arguments)
        came = self._known[key]
        if not slip or not slip.after or not isinstance(came, Numbers):
            return came
        return _after(slip, came, self.cases[number])

    @staticmethod
    def _before(slip: Slip | None, arguments: tuple) -> tuple | None:
        return slip.before(deepcopy(arguments)) if slip and slip.before else arguments

    def agrees(self, number: int, came: Outcome, explanation: Explanation) -> bool:
        """Whether ``came`` on input ``number`` is what ``explanation`` gives, to the digits that ``came`` has."""
        precision = came.precision if isinstance(came, Numbers) else "float64"
        if (number, precision) not in self._allowed:
            own = self.exercise.tolerance
            self._allowed[number, precision] = tolerance(precision, self.cases[number], own)
        due = self.at(number, explanation)
        return due is not None and agree(came, due, self._allowed[number, precision])

    def matches(self, came: list[Outcome], explanation: Explanation) -> bool:
        """Whether ``explanation`` gives ``came`` on all inputs; from exceptions alone their words must agree too."""
        if not all(self.agrees(number, one, explanation) for number, one in enumerate(came)):
            return False
        return not all(isinstance(one, Raised) for one in came) or came[0] == self.at(0, explanation)

    def solved(self, came: list[Outcome]) -> bool:
        return self.matches(came, Explanation())

    def explain(self, came: list[Outcome]) -> Explanation | None:
        """The simplest explanation of a wrong answer's outcomes, if there is one."""
        return next((one for one in self.explanations() if self.matches(came, one)), None)

    def hidden(self, came: list[Outcome]) -> bool:
        """Whether the answer is in half precision and too coarse to tell the reference from a known mistake."""
        if coarsest(came) not in HALF:
            return False
        return any(self.matches(came, Explanation(mistake)) for mistake in self.exercise.mistakes)

    def raises_likewise(self, came: list[Outcome]) -> Mistake | None:
        """A known mistake that raises the same exceptions on the same inputs, and no others."""
        for mistake in self.exercise.mistakes:
            theirs = [self.at(number, Explanation(mistake)) for number in range(len(came))]
            kinds = [one.family if isinstance(one, Raised) else None for one in theirs]
            if kinds == [one.family if isinstance(one, Raised) else None for one in came]:
                return mistake
        return None


def _after(slip: Slip, came: Numbers, arguments: tuple) -> Outcome | None:
    with in_silence():
        changed = slip.after(came.array, arguments)
    return None if changed is None else outcome(np.asarray(changed))
