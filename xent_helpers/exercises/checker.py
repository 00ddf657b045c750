"""Examine an answer: run it on fresh inputs and find out what it is."""

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xent_helpers.exercises import predicted, shrink, words
from xent_helpers.exercises.calling import Call, OutOfTime, as_other_library, call, plainly, time_limit
from xent_helpers.exercises.cases import drawn
from xent_helpers.exercises.explain import Catalogue, Explanation
from xent_helpers.exercises.record import Exercise, Mistake, Must
from xent_helpers.exercises.seeding import seed_of
from xent_helpers.exercises.values import HALF, Numbers, Other, Outcome, Raised, coarsest

__all__ = ["Exercise", "Mistake", "Must", "Result", "diagnose", "examine"]

SOLVED, NOT_YET, NOT_ATTEMPTED = "solved", "not yet", "not attempted yet"
SECONDS = 0.8  # of the processor, for the learner's code on all inputs together
ENOUGH = 0.4  # past this no more inputs are run than the first round of them
SHRINKING = 0.3


@dataclass(frozen=True)
class Result:
    """What was found: ``status`` is "solved", "not yet" or "not attempted yet"; ``mistakes`` names the known ones."""

    key: str
    status: str
    message: str
    mistakes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"Exercise {self.key}: {self.status}. {self.message}"


def diagnose(exercise: Exercise, answer: Any) -> str:
    """Return status and message of ``examine`` as one text."""
    result = examine(exercise, answer)
    return f"{result.status}. {result.message}"


def examine(exercise: Exercise, answer: Any) -> Result:
    """Compare ``answer`` with the reference, the known mistakes and their slips on inputs drawn for it.

    Whatever the learner's code raises ends up in the message; only an interrupt is passed on.
    """
    if answer is None or answer is Ellipsis:
        return Result(exercise.key, NOT_ATTEMPTED, exercise.task)
    if exercise.asks_for_value:
        status, message, mistakes = predicted.examine_value(exercise, answer)
        return Result(exercise.key, status, message, mistakes)
    cases, least = drawn(exercise, seed_of(answer))
    if refused := refusal(answer, cases[0]):
        return Result(exercise.key, NOT_YET, refused)
    return _Examination(exercise, answer, cases, least).result()


def refusal(answer: Any, arguments: tuple) -> str:
    """Say why ``answer`` cannot be called with ``arguments``; nothing where it can."""
    if isinstance(answer, type):
        return f"A function is asked for, and the class {answer.__name__} came. Hand over a function."
    if not callable(answer):
        came = words.value_shown(answer)
        return f"A function is asked for, and {came} came. Hand over the function itself, without calling it."
    try:
        signature = inspect.signature(answer)
        signature.bind(*arguments)
    except ValueError:  # compiled functions may have none
        return ""
    except TypeError:
        takes = ", ".join(signature.parameters) or "nothing"
        return f"Your function takes ({takes}); it is called with {len(arguments)} argument(s). Which does it need?"
    return ""


class _Examination:
    """One function on its inputs, and the questions put to it, in order."""

    def __init__(self, exercise: Exercise, answer: Callable, cases: list[tuple], least: int):
        self.exercise, self.answer, self.cases, self.least = exercise, answer, cases, least
        self.convert: Callable[[Any], Any] = lambda one: one

    def result(self) -> Result:
        try:
            calls = self.run()
        except OutOfTime:
            return self.said(NOT_YET, self.slow())
        self.cases = self.cases[: len(calls)]
        came = [one.outcome for one in calls]
        if all(_is_nothing(one) for one in came):
            return self.said(NOT_ATTEMPTED, f"(Nothing was returned.) {self.exercise.task}", calls)
        catalogue = Catalogue(self.exercise, self.cases)
        changed = self.changed(calls)
        if catalogue.solved(came):
            return self.right(catalogue, calls, changed)
        found = catalogue.explain(came)
        if found:
            return self.said(NOT_YET, f"{found.message} {changed}".strip(), calls, found.names)
        return self.said(NOT_YET, f"{self.fault(catalogue, came)} {changed}".strip(), calls)

    def said(self, status: str, message: str, calls: list[Call] = (), mistakes: tuple[str, ...] = ()) -> Result:
        printed = words.printed_said([one.printed for one in calls])
        return Result(self.exercise.key, status, f"{message} {printed}".strip(), mistakes)

    def run(self) -> list[Call]:
        """Call the function on the inputs; where it raises, see whether tensors in place of arrays serve it better."""
        calls = self.run_all()
        raised = _raised(calls)
        if raised:
            self.convert = as_other_library
            others = self.run_all()
            if _raised(others) / len(others) < raised / len(calls):
                return others
            self.convert = lambda one: one
        return calls

    def run_all(self) -> list[Call]:
        calls, began = [], time.process_time()
        with time_limit(SECONDS):
            for number, arguments in enumerate(self.cases):
                self.number, self.began = number, time.process_time()
                if number >= self.least and self.began - began > ENOUGH:
                    break
                calls.append(call(self.answer, arguments, self.convert))
        return calls

    def slow(self) -> str:
        said = f"Your code takes too long: it was stopped after {SECONDS} seconds of work, or of waiting."
        if self.number < self.least / 2 or time.process_time() - self.began > SECONDS / 2:  # one input is to blame
            said += f" It was busy {words.place(self.exercise, self.cases[self.number])}."
        return said + " Does a loop end, and does it do work that an array operation could?"

    def changed(self, calls: list[Call]) -> str:
        changing = [arguments for arguments, one in zip(self.cases, calls, strict=True) if one.changed]
        if not changing:
            return ""
        where = words.place(self.exercise, min(changing, key=shrink.cost))
        return f"Your function changes its argument {where}, and with it the caller's data. Can it work on a copy?"

    def right(self, catalogue: Catalogue, calls: list[Call], changed: str) -> Result:
        came = [one.outcome for one in calls]
        if changed:
            return self.said(NOT_YET, f"The values are right. {changed}", calls)
        if catalogue.hidden(came):
            kind = coarsest(came)
            return self.said(
                NOT_YET,
                f"It agrees to half precision; but {kind} has so few digits that a known mistake does too. Return "
                "float32 or float64 to tell them apart.",
                calls,
            )
        digits = " (To half precision, which is all that its type shows.)" if coarsest(came) in HALF else ""
        return self.said(SOLVED, self.exercise.afterwards + digits, calls)

    def fault(self, catalogue: Catalogue, came: list[Outcome]) -> str:
        """The smallest input of the worst kind of fault, and what is wrong there."""
        due = [catalogue.at(number, Explanation()) for number in range(len(came))]
        wrong = [number for number, one in enumerate(came) if not catalogue.agrees(number, one, Explanation())]
        worst = min(kind_of_fault(came[number], due[number]) for number in wrong)
        failing = [self.cases[n] for n in wrong if kind_of_fault(came[n], due[n]) == worst]
        arguments = self.shrunk(failing, worst)
        theirs = call(self.answer, arguments, self.convert).outcome
        said = words.fault_said(self.exercise, arguments, theirs, plainly(self.exercise.reference, arguments))
        likewise = catalogue.raises_likewise(came) if isinstance(theirs, Raised) else None
        return f"{said} {likewise.message}" if likewise else said

    def shrunk(self, failing: list[tuple], worst: tuple) -> tuple:
        best: list[tuple] = []
        try:
            with time_limit(SHRINKING):
                return shrink.smallest(failing, lambda one: self.fails(one, worst), self.exercise.domain, best)
        except OutOfTime:
            return best[0]

    def fails(self, arguments: tuple, worst: tuple) -> bool:
        one = Catalogue(self.exercise, [arguments])
        due, came = one.at(0, Explanation()), call(self.answer, arguments, self.convert).outcome
        if not isinstance(due, Numbers) or one.agrees(0, came, Explanation()):
            return False
        return kind_of_fault(came, due) == worst


def kind_of_fault(came: Outcome, due: Outcome) -> tuple:
    """What to speak of first: an exception, no number, a shape, NaN, a value."""
    if isinstance(came, Raised):
        return 0, came.kind
    if isinstance(came, Other):
        return 1, type(came.value).__name__
    if not isinstance(due, Numbers) or came.array.shape != due.array.shape:
        return 2, ""
    return (3, "") if np.any(np.isnan(came.array) & ~np.isnan(due.array)) else (4, "")


def _raised(calls: list[Call]) -> int:
    return sum(isinstance(one.outcome, Raised) for one in calls)


def _is_nothing(came: Outcome) -> bool:
    if isinstance(came, Raised):
        return came.kind == "NotImplementedError"
    return isinstance(came, Other) and (came.value is None or came.value is Ellipsis)
