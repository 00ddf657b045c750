"""Forecasts that are scored by the loss that the course teaches.

``predict`` notes the reader's probabilities for a question before its answer is run, ``forecasts`` says at the end of a
chapter what they cost. The questions are in one module for each chapter.
"""

import math
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from IPython import get_ipython

from xent_helpers.exercises import display
from xent_helpers.forecasts import notebook_file
from xent_helpers.forecasts.notebook_file import Noted
from xent_helpers.forecasts.question import Question

__all__ = ["Question", "all_questions", "claims", "forecasts", "predict"]

_asked: dict[str, int] = {}  # for each question the number of the cell that asked it last before another cell ran
_noted: set[str] = set()  # the questions of which this kernel has noted a forecast


@cache
def all_questions() -> dict[str, Question]:
    """Return every question of the course by its key, such as "1.2"."""
    chapters = sorted(name for _, name, _ in iter_modules(__path__) if name.startswith("chapter_"))
    modules = [import_module(f"{__name__}.{name}") for name in chapters]
    return {question.key: question for module in modules for question in module.QUESTIONS}


def predict(key: str, probabilities: dict[str, float]) -> None:
    """Note a forecast: a probability for each option of a question, adding up to 1. Says nothing of the answer.

    Raises:
        KeyError: there is no such question.
        ValueError: an option is unknown or missing, a probability lies outside [0, 1], or they do not add up to 1.
        TypeError: a probability is not a number.
    """
    question = _find(key)
    _check(question, probabilities)
    late = _answer_has_run(key)
    if len(set(probabilities.values())) == 1:
        text = "each option has the same probability. Change the numbers to what you believe, then run the next cell."
        display.show(f"Forecast {key}", text)
        return
    before = [noted for noted in notebook_file.read() if noted.key == key]
    trouble = ""
    if before and before[-1].probabilities == probabilities:
        late = before[-1].late
    else:
        late = late or (bool(before) and key not in _noted)  # noted in an earlier kernel, which went on to the answer
        trouble = notebook_file.append(Noted(key, probabilities, late))
        _noted.add(key)
    text = "noted, after its answer had run; it does not count." if late else "noted. Run the next cell."
    display.show(f"Forecast {key}", f"{text} {trouble}".strip())


def forecasts(chapter: int | None = None) -> None:
    """Show what the reader's forecasts cost in nats, in one chapter or in all of them, beside equal probabilities.

    A question without a forecast costs log C, as equal probabilities do. Of several forecasts the last one counts that
    was noted before its answer had run.

    Raises:
        ValueError: the chapter asks nothing.
    """
    questions = [q for q in all_questions().values() if chapter is None or q.key.split(".")[0] == str(chapter)]
    if not questions:
        known = sorted({key.split(".")[0] for key in all_questions()})
        raise ValueError(f"chapter is {chapter}, expected one of {', '.join(known)}: the other chapters ask nothing.")
    counted = _counted()
    rows = [(q, counted.get(q.key)) for q in questions]
    own = [q.cost(probabilities) if probabilities else q.uniform_cost for q, probabilities in rows]
    uniform = [q.uniform_cost for q in questions]
    noted = sum(probabilities is not None for _, probabilities in rows)
    lines = [
        f"{noted} of {len(questions)} forecasts noted. Mean cost {_mean(own):.4f} nats; equal probabilities cost "
        f"{_mean(uniform):.4f}."
    ]
    lines += _surest_wrong(rows)
    keys = {q.key for q in questions}
    late = sum(one.late and one.key in keys for one in notebook_file.read())
    if late:
        lines.append(f"Noted after the answer had run, and not counted: {late}.")
    where = f"chapter {chapter}" if chapter is not None else "the course"
    display.show(f"Your forecasts in {where}", "\n".join(lines))


def claims() -> tuple[list[float], list[bool]]:
    """Return each probability that the reader's forecasts gave to an option, and whether that option came true."""
    pairs = [
        (float(p), option == question.answer)
        for key, probabilities in _counted().items()
        for question in [all_questions()[key]]
        for option, p in probabilities.items()
    ]
    return [p for p, _ in pairs], [true for _, true in pairs]


def _answer_has_run(key: str) -> bool:
    """Whether this kernel has run another cell since it first met the question: the next cell shows the answer."""
    cell = getattr(get_ipython(), "execution_count", 0)
    if key in _asked and cell > _asked[key] + 1:
        return True
    _asked[key] = cell
    return False


def _counted() -> dict[str, dict[str, float]]:
    """For each question that the file knows, the last forecast that was noted in time."""
    found = {}
    for noted in notebook_file.read():
        question = all_questions().get(noted.key)
        if question and not noted.late and set(noted.probabilities) == set(question.options):
            found[noted.key] = noted.probabilities
    return found


def _surest_wrong(rows: list[tuple[Question, dict[str, float] | None]]) -> list[str]:
    wrong = [
        (p, question.key, option)
        for question, probabilities in rows
        for option, p in (probabilities or {}).items()
        if option != question.answer
    ]
    if not wrong:
        return []
    p, key, option = max(wrong)
    return [f"Your surest wrong belief: {p:.0%} for “{option}” in forecast {key}."]


def _mean(costs: list[float]) -> float:
    return math.fsum(costs) / len(costs)


def _find(key: str) -> Question:
    questions = all_questions()
    if key not in questions:
        raise KeyError(f"there is no forecast {key!r}, expected one of {', '.join(questions)}: check the number.")
    return questions[key]


def _check(question: Question, probabilities: dict[str, float]) -> None:
    """Refuse what is no distribution over the question's options."""
    options = ", ".join(repr(option) for option in question.options)
    for option in probabilities:
        if option not in question.options:
            raise ValueError(f"{option!r} is no option of forecast {question.key}, expected {options}.")
    if missing := [option for option in question.options if option not in probabilities]:
        raise ValueError(f"forecast {question.key} lacks the option {missing[0]!r}; give each one a probability.")
    for option, p in probabilities.items():
        if isinstance(p, bool) or not isinstance(p, float | int):
            raise TypeError(f"the probability of {option!r} is {p!r}, expected a number from 0 to 1.")
        if not 0 <= p <= 1:
            raise ValueError(f"the probability of {option!r} is {p}, expected a number from 0 to 1.")
    total = math.fsum(probabilities.values())
    if abs(total - 1) > 1e-6:
        raise ValueError(f"the probabilities add up to {total:.6g}, expected 1: change one of them.")
