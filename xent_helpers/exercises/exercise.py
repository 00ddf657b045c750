"""What an exercise is: the record that the checker reads. ``draft.py`` shows how to write one."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from xent_helpers.exercises.slips import Slip
from xent_helpers.exercises.values import Tolerance

SECOND = " And a second thing: "  # between the messages of two mistakes in one answer


class Status(StrEnum):
    """What became of an answer."""

    SOLVED = "solved"
    NOT_YET = "not yet"
    NOT_ATTEMPTED = "not attempted yet"


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give, and what to tell them.

    ``wrong`` has the reference's parameters and may raise where the mistake does; ``message`` explains the belief
    behind it and asks the question that leads out. ``name`` is what a table of results shows.
    """

    wrong: Callable[..., Any]
    message: str
    name: str


@dataclass(frozen=True)
class Must:
    """What a right answer satisfies on every input: ``text`` says it, ``holds(output, *arguments)`` tests it.

    The text ends the sentence "A right answer there …", for example "sums to 1 along each row".
    """

    text: str
    holds: Callable[..., bool]


@dataclass(frozen=True)
class Exercise:
    """One exercise: what is asked, the reference that solves it, and what people get wrong.

    Args:
        key: chapter and number, such as "3.2".
        task: one sentence, shown as long as nothing has been attempted.
        reference: the solution, both the one shown and the one compared with. Without parameters it asks for a value (a
            number, a list, a choice), which is never printed; else for a function with the same parameters.
        inputs: takes a seeded generator and returns argument tuples, from plain to tricky. It is called several times;
            draw sizes and numbers from the generator so that no shape can be special-cased, put the cases that separate
            the mistakes in every time, and stay within the domain that the task states.
        mistakes: the catalogue, see ``Mistake``. The first that matches is named.
        hints: two or three sentences, each going a little further.
        afterwards: what to look at next, once it is solved.
        domain: tells whether arguments lie within what the task states. With it the checker shrinks a failing input to
            few samples, few classes and plain numbers; without it, it shows the smallest failing input of those drawn.
        must: properties of a right answer (``Must``). When a wrong answer breaks one, that is said in place of the
            value.
        slips: the slips of the output or the labels that may join a mistake, from ``slips``. By default those that suit
            what the reference returns: a number, one number a sample, or a matrix. ``()`` for none.
        rounds: how often ``inputs`` is called; fewer where the reference is slow, so that a check answers within a
            second.
        tolerance: relative error that a right answer in float64 may have, where 1e-9 is too narrow or too wide; a
            float, or a pair with the absolute error, or a dict of them by precision, as in ``values.RELATIVE``, for
            the precisions that differ; or a function of the arguments that returns one of these, where large arguments
            cost digits.
    """

    key: str
    task: str
    reference: Callable[..., Any]
    inputs: Callable[[np.random.Generator], list[tuple]]
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, ...]
    afterwards: str
    domain: Callable[..., bool] | None = None
    must: tuple[Must, ...] = ()
    slips: tuple[Slip, ...] | None = None
    tolerance: Tolerance | None = None
    rounds: int = 6

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.reference).parameters)

    @property
    def asks_for_value(self) -> bool:
        return not self.parameters
