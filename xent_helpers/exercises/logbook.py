"""Which exercises are solved in this folder, kept in one small file that can be deleted.

Each solved exercise adds a line with its key. Appending a line is one step for the operating system, so two kernels
can write at the same time, and no line that stands is ever written anew.
"""

import os
from collections.abc import Iterable
from pathlib import Path

FILE = ".solved_exercises"


def remember(key: str) -> str:
    """Add ``key`` to the file in this folder; return a sentence where that cannot be done, else nothing."""
    try:
        if key in _lines():
            return ""
        with open(FILE, "ab", buffering=0) as file:
            file.write(f"\n{key}\n".encode())  # the first end of line closes a line that was cut off
    except OSError as error:
        return f"(Your progress could not be saved in {FILE}, in this folder: {error.strerror or 'no reason given'}.)"
    return ""


def solved(keys: Iterable[str]) -> tuple[set[str], str]:
    """Return which of ``keys`` are solved in this folder, and a sentence on what the file holds besides."""
    try:
        lines = _lines()
    except OSError as error:
        return set(), f"{FILE} cannot be read ({error.strerror or 'no reason given'}), so none is shown as solved."
    known = set(keys)
    strange = len(lines - known)
    told = f"{FILE} holds {strange} line(s) that name no exercise; they are left out." if strange else ""
    return lines & known, told


def _lines() -> set[str]:
    if not os.path.lexists(FILE):
        return set()
    return {line.strip() for line in Path(FILE).read_text("utf-8", errors="replace").splitlines() if line.strip()}
