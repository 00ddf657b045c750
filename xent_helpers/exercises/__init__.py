"""Exercises that say what went wrong: ``check`` an answer, take a ``hint``, read the ``solution``.

An exercise is a record (``Exercise``) in the module of its chapter; adding one needs no other change.
"""

from importlib import import_module
from pkgutil import iter_modules
from textwrap import fill

from IPython.display import Markdown

from xent_helpers.exercises.checker import Exercise, Mistake, diagnose
from xent_helpers.source import show_source

__all__ = ["Exercise", "Mistake", "check", "hint", "solution"]


def all_exercises() -> dict[str, Exercise]:
    """Return every exercise of the course by its key, such as "3.2"."""
    chapters = [name for _, name, _ in iter_modules(__path__) if name.startswith("chapter_")]
    records = [import_module(f"{__name__}.{name}").EXERCISES for name in sorted(chapters)]
    return {exercise.key: exercise for chapter in records for exercise in chapter}


def check(key: str, answer: object) -> None:
    """Compare ``answer`` (a function, or a number where one is asked for) and print what was found."""
    _say(f"Exercise {key}: {diagnose(_find(key), answer)}")


def hint(key: str, step: int = 1) -> None:
    """Print hint number ``step``, from 1; each goes a little further."""
    hints = _find(key).hints
    if not 1 <= step <= len(hints):
        raise ValueError(f"step is {step}, expected 1 to {len(hints)}: exercise {key} has that many hints.")
    _say(f"Hint {step} of {len(hints)}: {hints[step - 1]}")


def solution(key: str) -> Markdown:
    """Show the reference that ``check`` compares with."""
    return show_source(_find(key).reference)


def _find(key: str) -> Exercise:
    exercises = all_exercises()
    if key not in exercises:
        raise KeyError(f"there is no exercise {key!r}, expected one of {', '.join(exercises)}: check the number.")
    return exercises[key]


def _say(text: str) -> None:
    """Print ``text`` in lines that a notebook need not break."""
    for line in text.splitlines():
        print(fill(line, 96, break_long_words=False, break_on_hyphens=False))
