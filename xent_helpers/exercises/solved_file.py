"""Keep track of the exercises that are solved in this folder, in one small file that can be deleted.

Each solved exercise adds a line with its key. Appending a line is one step for the operating system, so two kernels can
write at the same time.
"""

import os
from collections.abc import Iterable
from pathlib import Path

FILE = ".solved_exercises"


def remember(key: str) -> str:
    """Add ``key`` to the file in this folder; return a sentence if that fails, else an empty text."""
    try:
        if key in _lines():
            return ""
        with open(FILE, "ab", buffering=0) as file:
            file.write(f"\n{key}\n".encode())  # the first end of line closes a line that was cut off
    except OSError as error:
        return f"(Your progress could not be saved in {FILE}, in this folder: {_reason(error)}.)"
    return ""


def solved(keys: Iterable[str]) -> tuple[set[str], str]:
    """Return which of ``keys`` are solved in this folder, and a sentence about anything else in the file."""
    try:
        lines = _lines()
    except OSError as error:
        return set(), f"{FILE} cannot be read ({_reason(error)}), so none is shown as solved."
    known = set(keys)
    strange = len(lines - known)
    message = f"{FILE} holds {strange} line(s) that name no exercise; they are left out." if strange else ""
    return lines & known, message


def _lines() -> set[str]:
    if not os.path.lexists(FILE):
        return set()
    return {line.strip() for line in Path(FILE).read_text("utf-8", errors="replace").splitlines() if line.strip()}


def _reason(error: OSError) -> str:
    return error.strerror or "no reason given"
