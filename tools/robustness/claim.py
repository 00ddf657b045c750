"""What a chapter claims of an experiment, and the settings under which it has to hold."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """How an experiment is run: which seeds, and by what its rates and its steps are multiplied."""

    name: str
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    rate: float = 1.0
    steps: float = 1.0


SETTINGS = (
    Setting("as in the chapter"),
    Setting("other seeds", seeds=(10, 11, 12, 13, 14)),
    Setting("half the rates", rate=0.5),
    Setting("double the rates", rate=2.0),
    Setting("twice the steps", steps=2.0),
)


@dataclass(frozen=True)
class Claim:
    """A sentence of a chapter, and the experiment that decides whether it holds in a setting."""

    section: str
    sentence: str
    holds: Callable[[Setting], bool]


# A chapter's file holds a tuple CLAIMS; an experiment that several claims share is cached with functools.cache.
