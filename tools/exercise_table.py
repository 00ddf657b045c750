"""What the checker makes of every exercise: ``python -m tools.exercise_table [CHAPTER …]`` prints a table.

Each catalogued mistake, each slip and each pair of them is given to the checker as an answer. A pair counts as
distinct when no simpler explanation, and no pair before it, gives the same outputs on many inputs. The faults follow.
It ends with status 1 if fewer than 99.5% of the distinct pairs are diagnosed or a right answer is refused.
"""

import builtins
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module

from xent_helpers.exercises import all_exercises
from xent_helpers.exercises.checker import examine
from xent_helpers.exercises.exercise import Exercise, Status
from xent_helpers.exercises.explain import Catalogue, Explanation
from xent_helpers.exercises.inputs import draw_inputs
from xent_helpers.exercises.values import Numbers, Raised

LEAST_DIAGNOSED = 0.995  # of the pairs that can be told apart
HEAD = f"{'exercise':9}{'mistakes':>9}{'pairs':>7}{'distinct':>9}{'diagnosed':>10}{'right':>6}{'accepted':>9}"


@dataclass
class Tally:
    """Counts for one exercise, and what went wrong in words."""

    key: str
    mistakes: int = 0
    pairs: int = 0
    distinct: int = 0
    diagnosed: int = 0
    right: int = 0
    accepted: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = (self.mistakes, self.pairs, self.distinct, self.diagnosed, self.right, self.accepted)
        return f"{self.key:9}" + "".join(
            f"{count:>{width}}" for count, width in zip(counts, (9, 7, 9, 10, 6, 9), strict=True)
        )


def right_answers(key: str) -> list:
    """The right answers for an exercise in ``tests``; none where its chapter has no such module yet."""
    try:
        return import_module(f"tests.exercises.answers.right.chapter_0{key[0]}").RIGHT.get(key, [])
    except ModuleNotFoundError:
        return []


def as_answer(exercise: Exercise, function) -> object:
    """A function as a learner hands it in: itself, or its value where a value is asked for."""
    return function() if exercise.asks_for_value else function


def composed(exercise: Exercise, pair: Explanation) -> Callable:
    """What a learner writes who makes the mistake and the slip."""

    def answer(*arguments):
        outcome = Catalogue(exercise, [arguments]).outcome(0, pair)
        if isinstance(outcome, Raised):
            raise getattr(builtins, outcome.kind, RuntimeError)(outcome.text)
        return outcome.array if isinstance(outcome, Numbers) else outcome.value

    return answer


def simplest(catalogue: Catalogue, pair: Explanation) -> str | None:
    """The message of the simplest explanation that gives what ``pair`` gives; None where its slip makes no sense."""
    outputs = [catalogue.outcome(number, pair) for number in range(len(catalogue.cases))]
    if any(one is None for one in outputs):
        return None
    return "" if catalogue.solved(outputs) else catalogue.explain(outputs).message


def pairs(exercise: Exercise, every: int = 1, more: int = 2) -> tuple[int, int, int, list[str]]:
    """Numbers of pairs, of distinguishable ones and of those diagnosed as themselves; and what was not.

    Which pairs can be told apart is found on other inputs, ``more`` times as many. Takes each ``every``-th.
    """
    catalogue = Catalogue(exercise, draw_inputs(replace(exercise, rounds=more * exercise.rounds), seed=1)[0])
    tried = distinct = diagnosed = 0
    faults = []
    for pair in [one for one in catalogue.explanations() if one.slip][::every]:
        message = simplest(catalogue, pair)
        if message is None:
            continue  # no labels, or no axes, that could be wrong
        tried += 1
        if message != pair.message:
            continue  # a simpler explanation
        distinct += 1
        answer = composed(exercise, pair)
        result = examine(exercise, answer() if exercise.asks_for_value else answer)
        diagnosed += result.message == message
        if result.message != message:
            faults.append(f"{pair.names} is taken for {result.mistakes or result.message}")
    return tried, distinct, diagnosed, faults


def row(exercise: Exercise, every: int = 1) -> Tally:
    """Give the checker all of an exercise's answers, wrong and right."""
    found = Tally(exercise.key, mistakes=len(exercise.mistakes))
    for mistake in exercise.mistakes:
        result = examine(exercise, as_answer(exercise, mistake.wrong))
        if result.message != mistake.message or result.status == Status.SOLVED:
            found.faults.append(f"{mistake.name} gets: {result}")
    found.pairs, found.distinct, found.diagnosed, faults = pairs(exercise, every)
    found.faults += faults
    for answer in (as_answer(exercise, exercise.reference), *right_answers(exercise.key)):
        result = examine(exercise, answer)
        found.right += 1
        found.accepted += result.status == Status.SOLVED
        if result.status != Status.SOLVED:
            found.faults.append(f"a right answer gets: {result}")
    found.right, found.accepted = found.right - 1, found.accepted - 1
    return found


def accepted(total: Tally) -> bool:
    """Whether pairs are diagnosed often enough, and every right answer is accepted."""
    return total.diagnosed >= LEAST_DIAGNOSED * total.distinct and total.accepted == total.right


def main() -> int:
    chapters = sys.argv[1:] or list("123456789")
    print(HEAD)
    rows = []
    for key, exercise in all_exercises().items():
        if key[0] in chapters:
            rows.append(row(exercise))
            print(rows[-1], flush=True)  # some take minutes
    total = Tally("all", *(sum(getattr(one, name) for one in rows) for name in list(vars(rows[0]))[1:-1]))
    print(total)
    for one in rows:
        for fault in one.faults:
            print(f"{one.key}: {fault}")
    return 0 if accepted(total) else 1


if __name__ == "__main__":
    sys.exit(main())
