"""Every reference and mistake gives what it gave when its message was written (see ``exercise_outputs``)."""

import pytest

from tests.exercise_outputs import file_of, lines
from xent_helpers import exercises

EXERCISES = exercises.all_exercises()


def same(now: str, then: str) -> bool:
    """Whether two lines agree: words exactly, numbers to the digits that another processor rounds alike."""
    pairs = list(zip(now.split(), then.split(), strict=False))
    return len(now.split()) == len(then.split()) and all(a == b or near(a, b) for a, b in pairs)


def near(a: str, b: str) -> bool:
    try:
        return float(a.lstrip("~")) == pytest.approx(float(b.lstrip("~")), rel=1e-2 if "~" in b else 2e-5, abs=1e-13)
    except ValueError:
        return False


@pytest.mark.parametrize("key", EXERCISES)
def test_each_function_gives_what_it_gave(key):
    stored = [line for line in file_of(key[0]).read_text(encoding="utf-8").splitlines() if line.startswith(f"{key} ")]
    found = lines(EXERCISES[key])
    changed = [pair for pair in zip(found, stored, strict=False) if not same(*pair)]
    assert not changed and len(found) == len(stored), (
        "If the change is meant: python -m tests.exercise_outputs, and look at its git diff"
    )


def test_a_changed_word_or_number_is_seen():
    assert same("4.1 a: 2×3 0.123456 | KeyError", "4.1 a: 2×3 0.123457 | KeyError")
    for other in (
        "4.1 a: 2×3 0.123556 | KeyError",
        "4.1 a: 3×2 0.123456 | KeyError",
        "4.1 a: 2×3 0.123456 | TypeError",
    ):
        assert not same("4.1 a: 2×3 0.123456 | KeyError", other)
    assert not same("4.1 domain 0: y z yyyyyyyyyn", "4.1 domain 0: y z yyyyyyyyyy")
    assert not same("4.1 a: 2×3 0.123456", "4.1 a: 2×3 0.123456 | 1")
