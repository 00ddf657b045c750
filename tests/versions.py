"""A mark for tests of what is stored in another version's words or strokes."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
PINS = dict(re.findall(r"^([\w-]+)==(.+)$", CONSTRAINTS.read_text(encoding="utf-8"), re.MULTILINE))


def exact(name: str) -> pytest.MarkDecorator:
    """Skip unless ``name`` has the version that constraints.txt states."""
    here = version(name).partition("+")[0]
    return pytest.mark.skipif(here != PINS[name], reason=f"stored with {name} {PINS[name]}, {here} is installed here")
