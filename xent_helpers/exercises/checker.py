"""Examine an answer: run it on fresh inputs and find out what it is."""

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from xent_helpers.exercises import check_value, messages, shrink
from xent_helpers.exercises.calling import (
    FinishedCall,
    OutOfTime,
    TimeLimit,
    as_other_library,
    call,
    call_quietly,
    in_double_precision,
)
from xent_helpers.exercises.exercise import Exercise, Status
from xent_helpers.exercises.explain import REFERENCE, Catalogue
from xent_helpers.exercises.inputs import draw_inputs
from xent_helpers.exercises.seeding import names_single_precision, seed_of
from xent_helpers.exercises.values import (
    HALF,
    Numbers,
    Other,
    Outcome,
    Raised,
    agree,
    as_single_precision,
    coarsest,
    in_single_precision,
)

SECONDS = 0.8  # processor time for the learner's code on all inputs together
ENOUGH = 0.4  # after this time only the first round of inputs is run
SHRINKING = 0.3


@dataclass(frozen=True)
class Result:
    """What was found about an answer; ``mistakes`` names the known mistakes in it."""

    key: str
    status: Status
    message: str
    mistakes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"Exercise {self.key}: {self.status}. {self.message}"


def examine(exercise: Exercise, answer: Any) -> Result:
    """Compare ``answer`` with the reference, the known mistakes and their slips on inputs drawn for it.

    Whatever the learner's code raises ends up in the message; only an interrupt is passed on.
    """
    if answer is None or answer is Ellipsis:
        return Result(exercise.key, Status.NOT_ATTEMPTED, exercise.task)
    if exercise.asks_for_value:
        status, message, mistakes = check_value.examine_value(exercise, answer)
        return Result(exercise.key, status, message, mistakes)
    cases, first_round = draw_inputs(exercise, seed_of(answer))
    if refused := refusal(answer, cases[0]):
        return Result(exercise.key, Status.NOT_YET, refused)
    return _Examination(exercise, answer, cases, first_round).result()


def refusal(answer: Any, arguments: tuple) -> str:
    """Say why ``answer`` cannot be called with ``arguments``; nothing where it can."""
    if isinstance(answer, type):
        return f"A function is asked for, and {answer.__name__} is a class. Hand over a function."
    if not callable(answer):
        shown = messages.value_text(answer)
        return f"A function is asked for, and {shown} is none. Hand over the function itself, without calling it."
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
    """One answer, run on its inputs and compared."""

    def __init__(self, exercise: Exercise, answer: Callable, cases: list[tuple], first_round: int):
        self.exercise, self.answer, self.cases, self.first_round = exercise, answer, cases, first_round
        self.convert: Callable[[Any], Any] = lambda argument: argument
        self.around: Callable[[], AbstractContextManager] = nullcontext
        self.single = False  # whether the answer's numbers come from float32 arithmetic, whatever their type

    def result(self) -> Result:
        try:
            calls = self.run()
        except OutOfTime:
            return self.finished(Status.NOT_YET, self.slow())
        self.cases = self.cases[: len(calls)]
        actual = [one.outcome for one in calls]
        if all(_is_nothing(one) for one in actual):
            return self.finished(Status.NOT_ATTEMPTED, f"(Nothing was returned.) {self.exercise.task}", calls)
        catalogue = Catalogue(self.exercise, self.cases)
        actual, changed = self.without_rounding(catalogue, actual), self.changed(calls)
        if catalogue.solved(actual):
            return self.right(catalogue, actual, calls, changed)
        found = catalogue.explain(actual)
        if found:
            return self.finished(Status.NOT_YET, f"{found.message} {changed}".strip(), calls, found.names)
        return self.finished(Status.NOT_YET, f"{self.fault(catalogue, actual)} {changed}".strip(), calls)

    def finished(
        self, status: str, message: str, calls: list[FinishedCall] = (), mistakes: tuple[str, ...] = ()
    ) -> Result:
        printed = messages.printed_message([one.printed for one in calls])
        return Result(self.exercise.key, status, f"{message} {printed}".strip(), mistakes)

    def run(self) -> list[FinishedCall]:
        """Call the function on the inputs; if it raises, try whether it raises less often with tensors."""
        calls = self.run_all()
        raised = _raised(calls)
        if raised:
            self.convert = as_other_library
            others = self.run_all()
            if _raised(others) / len(others) < raised / len(calls):
                return others
            self.convert = lambda argument: argument
        return calls

    def run_all(self) -> list[FinishedCall]:
        calls: list[FinishedCall] = []
        self.limit = TimeLimit(SECONDS)
        for number, arguments in enumerate(self.cases):
            self.number, self.left = number, self.limit.left
            if number >= self.first_round and SECONDS - self.left > ENOUGH:
                break
            calls.append(call(self.answer, arguments, self.limit, self.convert, self.around))
        return calls

    def without_rounding(self, catalogue: Catalogue, actual: list[Outcome]) -> list[Outcome]:
        """What the same code gives in float64, where its float32 may hide a mistake or be taken for one."""
        self.single = in_single_precision(actual)
        single = [as_single_precision(one) for one in actual]
        actual = single if self.single else actual
        in_double = coarsest(actual) == "float64" and catalogue.solved(actual)
        if in_double or coarsest(actual) in HALF or not catalogue.solved(single):
            return actual
        if names_single_precision(self.answer):
            return actual
        self.around = in_double_precision
        with suppress(OutOfTime):
            double = [one.outcome for one in self.run_all()]
            whole = len(double) == len(actual) and not any(map(_is_raised, double))
            if whole and coarsest(double) == "float64" and not in_single_precision(double):
                self.single = False
                return double
        self.around = nullcontext
        return actual

    def slow(self) -> str:
        message = f"Your code takes too long: it was stopped after {SECONDS} s of work, or {3 * SECONDS:.3g} s waiting."
        one_input_is_slow = self.left > SECONDS / 2
        if one_input_is_slow or self.number < self.first_round / 2:
            message += f" It was busy {messages.place(self.exercise, self.cases[self.number])}."
        return message + " Does a loop end, and does it do work that an array operation could?"

    def changed(self, calls: list[FinishedCall]) -> str:
        changing = [arguments for arguments, one in zip(self.cases, calls, strict=True) if one.changed]
        if not changing:
            return ""
        where = messages.place(self.exercise, min(changing, key=shrink.input_size))
        return f"Your function changes its argument {where}, and with it the caller's data. Can it work on a copy?"

    def right(self, catalogue: Catalogue, actual: list[Outcome], calls: list[FinishedCall], changed: str) -> Result:
        if changed:
            return self.finished(Status.NOT_YET, f"The values are right. {changed}", calls)
        if catalogue.hidden(actual):
            kind = coarsest(actual)
            return self.finished(
                Status.NOT_YET,
                f"It agrees to half precision; but {kind} has so few digits that a known mistake does too. Return "
                "float32 or float64 to tell them apart.",
                calls,
            )
        digits = " (To half precision, which is all that its type shows.)" if coarsest(actual) in HALF else ""
        return self.finished(Status.SOLVED, self.exercise.afterwards + digits, calls)

    def fault(self, catalogue: Catalogue, actual: list[Outcome]) -> str:
        """Describe the worst kind of fault on the smallest input that shows it."""
        expected = [catalogue.expected(number) for number in range(len(actual))]
        wrong = [number for number, one in enumerate(actual) if not catalogue.agrees(number, one, REFERENCE)]
        kinds = {number: kind_of_fault(actual[number], expected[number]) for number in wrong}
        worst = min(kinds.values())
        failing = [number for number in wrong if kinds[number] == worst]
        plainest = min(failing, key=lambda number: shrink.input_size(self.cases[number]))
        self.limit = TimeLimit(SHRINKING)
        try:
            again = self.outcome_of(self.cases[plainest])
            if not agree(again, actual[plainest]) and not isinstance(again, Other):  # an object may show its address
                return messages.changing_message(self.exercise, self.cases[plainest], actual[plainest], again)
            arguments = self.shrunk([self.cases[number] for number in failing], worst)
            self.limit = TimeLimit(SHRINKING)
            output = self.outcome_of(arguments)
        except OutOfTime:
            arguments, output = self.cases[plainest], actual[plainest]
        right = call_quietly(self.exercise.reference, arguments)
        if Catalogue(self.exercise, [arguments]).agrees(0, output, REFERENCE):
            return messages.fickle_message(self.exercise, arguments, output)
        message = messages.fault_message(self.exercise, arguments, output, right)
        likewise = catalogue.raises_likewise(actual) if isinstance(output, Raised) else None
        return f"{message} {likewise.message}" if likewise else message

    def shrunk(self, failing: list[tuple], worst: tuple) -> tuple:
        best: list[tuple] = []
        try:
            return shrink.smallest(failing, lambda one: self.fails(one, worst), self.exercise.domain, SHRINKING, best)
        except OutOfTime:
            return best[0]

    def fails(self, arguments: tuple, worst: tuple) -> bool:
        one = Catalogue(self.exercise, [arguments])
        expected, actual = one.expected(0), self.outcome_of(arguments)
        if not isinstance(expected, Numbers) or one.agrees(0, actual, REFERENCE):
            return False
        return kind_of_fault(actual, expected) == worst

    def outcome_of(self, arguments: tuple) -> Outcome:
        found = call(self.answer, arguments, self.limit, self.convert, self.around).outcome
        return as_single_precision(found) if self.single else found


def kind_of_fault(actual: Outcome, expected: Outcome) -> tuple:
    """Rank a fault, the one to report first lowest: an exception, no number, a shape, NaN, a value."""
    if isinstance(actual, Raised):
        return 0, actual.kind
    if isinstance(actual, Other):
        return 1, type(actual.value).__name__
    if not isinstance(expected, Numbers) or actual.array.shape != expected.array.shape:
        return 2, ""
    return (3, "") if np.any(np.isnan(actual.array) & ~np.isnan(expected.array)) else (4, "")


def _raised(calls: list[FinishedCall]) -> int:
    return sum(_is_raised(one.outcome) for one in calls)


def _is_raised(found: Outcome) -> bool:
    return isinstance(found, Raised)


def _is_nothing(actual: Outcome) -> bool:
    if isinstance(actual, Raised):
        return actual.kind == "NotImplementedError"
    return isinstance(actual, Other) and (actual.value is None or actual.value is Ellipsis)
