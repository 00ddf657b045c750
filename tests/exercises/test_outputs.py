"""Every reference and mistake gives what it gave when its message was written (see ``exercise_outputs``)."""

from importlib.util import find_spec, module_from_spec

import numpy as np
import pytest

from tests.exercises.exercise_outputs import file_of, lines, summaries, summary
from xent_helpers import exercises
from xent_helpers.exercises.calling import plainly

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
        "If the change is meant: python -m tests.exercises.exercise_outputs, and look at its git diff"
    )


@pytest.mark.parametrize("chapter", range(1, 10))
def test_a_chapter_says_the_same_each_time_it_is_loaded(chapter):
    """Some records are put together when their module is loaded: names, messages, what functions are given."""
    spec = find_spec(f"xent_helpers.exercises.chapter_0{chapter}")
    anew = module_from_spec(spec)
    spec.loader.exec_module(anew)
    for exercise in anew.EXERCISES:
        known, (case, *_) = EXERCISES[exercise.key], exercise.inputs(np.random.default_rng(0))
        assert len(exercise.mistakes) == len(known.mistakes)
        for one, other in zip(exercise.mistakes, known.mistakes, strict=True):
            assert (one.name, one.message) == (other.name, other.message)
            assert summary(plainly(one.wrong, case)) == summary(plainly(other.wrong, case))
        for one, other in zip(exercise.slips or (), known.slips or (), strict=True):
            assert (one.name, one.clause) == (other.name, other.clause)
            moved, due = (slip.before and slip.before(case) for slip in (one, other))
            assert (moved and summaries(moved)) == (due and summaries(due))


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
