"""Exercises that say what went wrong: ``check`` an answer, take a ``hint``, read the ``solution``, see ``progress``.

An exercise is a ``Draft`` in a module of its chapter, ``chapter_0N.py`` or one in the folder ``chapter_0N``; adding one
needs no other change.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from IPython.display import Markdown

from xent_helpers.exercises import checker, display
from xent_helpers.exercises.checker import Result
from xent_helpers.exercises.draft import Draft
from xent_helpers.exercises.exercise import Exercise, Mistake, Must, Status
from xent_helpers.exercises.solved_file import FILE, remember, solved
from xent_helpers.source import show_source

__all__ = [
    "Draft",
    "Exercise",
    "Mistake",
    "Must",
    "Result",
    "Status",
    "check",
    "examine",
    "hint",
    "progress",
    "redirected_checks",
    "require",
    "solution",
]

_hints_taken: dict[str, int] = {}
_redirections: list[Callable[[str, object], None]] = []


@cache
def all_exercises() -> dict[str, Exercise]:
    """Return every exercise of the course by its key, such as "3.2"."""
    prefix = f"{__name__}.chapter_"
    names = [name for _, name, _ in walk_packages(__path__, f"{__name__}.") if name.startswith(prefix)]
    values = [value for name in names for value in vars(import_module(name)).values()]
    drafts = {id(value): value for value in values if isinstance(value, Draft)}
    exercises = sorted((draft.exercise() for draft in drafts.values()), key=lambda exercise: exercise.key)
    found = {exercise.key: exercise for exercise in exercises}
    if len(found) < len(exercises):
        raise ValueError("two exercises have the same key; see the Drafts in xent_helpers/exercises/chapter_0N.")
    return found


def examine(key: str, answer: object) -> Result:
    """Compare ``answer`` with the reference and known mistakes; return the result and show nothing."""
    return checker.examine(_find(key), answer)


def check(key: str, answer: object) -> None:
    """Compare ``answer`` (a function, or a value if the exercise asks for one) and show the result."""
    if _redirections:
        return _redirections[-1](key, answer)
    result = examine(key, answer)
    display.show(f"Exercise {key}", result.message, result.status)
    if result.status == Status.SOLVED and (trouble := remember(key)):
        print(display.wrapped(trouble))


def require(key: str, answer: object) -> None:
    """Raise unless ``answer`` solves the exercise; nbgrader and Otter give points to a test that raises nothing.

    Raises:
        AssertionError: it does not; the message is what ``check`` says.
    """
    result = examine(key, answer)
    if result.status != Status.SOLVED:
        raise AssertionError(f"Exercise {key}: {result.status}. {result.message}")


@contextmanager
def redirected_checks(receive: Callable[[str, object], None]) -> Iterator[None]:
    """Within the block, ``check`` only calls ``receive(key, answer)``; programs that grade a notebook use it."""
    _redirections.append(receive)
    try:
        yield
    finally:
        _redirections.remove(receive)


def hint(key: str, step: int | None = None) -> None:
    """Show a hint for an exercise: the next one at each call, or number ``step``, from 1."""
    hints = _find(key).hints
    step = min(_hints_taken.get(key, 0) + 1, len(hints)) if step is None else step
    if not 1 <= step <= len(hints):
        raise ValueError(f"step is {step}, expected 1 to {len(hints)}: exercise {key} has that many hints.")
    _hints_taken[key] = step
    last = f' (That is the last one; exercises.solution("{key}") shows a solution.)' if step == len(hints) else ""
    display.show(f"Exercise {key}, hint {step} of {len(hints)}", hints[step - 1] + last)


def solution(key: str) -> Markdown:
    """Show the reference that ``check`` compares with."""
    return show_source(_find(key).reference, decorators=False)


def progress() -> None:
    """Show which exercises of the course are solved in this folder."""
    exercises = all_exercises()
    done, trouble = solved(exercises)
    chapters: dict[str, list[str]] = {}
    for key in exercises:
        chapters.setdefault(key.split(".")[0], []).append(f"{key} {'✓' if key in done else '○'}")
    rows = [f"Chapter {chapter}: " + "   ".join(marks) for chapter, marks in chapters.items()]
    ending = (
        f"Kept in {Path(FILE).resolve()}; delete it to start afresh. A session of Colab, Kaggle or Binder takes it "
        "along when it ends."
    )
    title = f"Progress: {len(done)} of {len(exercises)} exercises solved"
    display.show(title, "\n".join([*rows, *([trouble] if trouble else []), ending]))


def _find(key: str) -> Exercise:
    exercises = all_exercises()
    if not isinstance(key, str) and str(key) in exercises:
        raise TypeError(f'{key} is a number, expected a text: write "{key}", with quotation marks.')
    if key not in exercises:
        raise KeyError(f"there is no exercise {key!r}, expected one of {', '.join(exercises)}: check the number.")
    return exercises[key]
