"""The reader's forecasts, kept in one small file that can be deleted.

Each forecast appends one line of JSON. Appending a line is one step for the operating system, so nothing that was noted
before can be lost, and another kernel never reads half a line as a whole one.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = ".forecasts"
FOLDER = "XENT_HELPERS_FOLDER"  # an environment variable: keep the reader's files there instead


@dataclass(frozen=True)
class Noted:
    """One forecast as it was noted; ``late`` when its answer had run already."""

    key: str
    probabilities: dict[str, float]
    late: bool = False


def path() -> Path:
    return Path(os.environ.get(FOLDER, ""), FILE)


def append(noted: Noted) -> str:
    """Add a forecast to the file; return a sentence where that cannot be done, else nothing."""
    line = json.dumps(asdict(noted), ensure_ascii=False)
    try:
        with open(path(), "ab", buffering=0) as file:
            file.write(f"\n{line}\n".encode())  # the first end of line closes a line that was cut off
    except OSError as error:
        return f"(Your forecast could not be saved in {path()}: {error.strerror or 'no reason given'}.)"
    return ""


def read() -> list[Noted]:
    """Every forecast in the file, oldest first; lines that are none are left out."""
    try:
        lines = path().read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [noted for line in lines if (noted := _parsed(line))]


def _parsed(line: str) -> Noted | None:
    try:
        noted = Noted(**json.loads(line))
        whole = isinstance(noted.key, str) and isinstance(noted.late, bool)
        numbers = all(isinstance(p, float | int) and 0 <= p <= 1 for p in noted.probabilities.values())
    except (ValueError, TypeError, AttributeError):
        return None
    return noted if whole and numbers else None
