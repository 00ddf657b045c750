"""Look for crashes with inputs that grow out of bytes: ``make fuzz``, or ``make fuzz TARGET=grade SECONDS=60``.

Atheris watches which lines of ``xent_helpers`` an input reaches, and changes the inputs that reached new ones. The
losses are judged by their property tests (against 60-digit arithmetic), the checker and the grader by what they promise
whatever they are given. What was found so far is kept in ``build/fuzz/TARGET``, and a crash beside it.
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit(
        "make fuzz needs atheris, which is made for Linux only: .venv/bin/python -m pip install atheris. "
        "Elsewhere `make properties` tests the same properties with random inputs."
    )

import numpy as np
import torch

with atheris.instrument_imports(include=["xent_helpers"], enable_loader_override=False):
    from xent_helpers import exercises
    from xent_helpers.exercises import grading

    exercises.all_exercises()

from tests.losses import test_properties as properties

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = {"cells": [{"cell_type": "code", "id": "a", "metadata": {}, "source": ["check('1.1', f)"]}]}


def values(data) -> object:
    """Something that a learner's function may return: numbers of any type and shape, or anything else."""
    kind = data.ConsumeIntInRange(0, 11)
    shape = tuple(data.ConsumeIntListInRange(data.ConsumeIntInRange(0, 3), 0, 4))
    numbers = np.resize(np.array(data.ConsumeFloatList(6) or [0.0]), shape)
    with np.errstate(all="ignore"):
        made = [
            lambda: data.ConsumeFloat(),
            lambda: numbers,
            lambda: numbers.astype(np.float32),
            lambda: torch.tensor(numbers),
            lambda: numbers.astype(np.int8),
            lambda: numbers.tolist(),
            lambda: data.ConsumeUnicodeNoSurrogates(8),
            lambda: None,
            lambda: data.ConsumeInt(16),
            lambda: {"a": numbers},
            lambda: numbers.astype(complex),
            lambda: (numbers, [data.ConsumeFloat()], "x"),
        ]
        return made[kind]()


def answer(data) -> object:
    """A function made of bytes: it returns, changes, raises, or reuses its arguments."""
    kind, fixed, place = data.ConsumeIntInRange(0, 7), values(data), data.ConsumeIntInRange(0, 2)
    errors = (ValueError("no"), KeyError(3), RecursionError(), MemoryError(), StopIteration(), SystemExit(1))
    error = errors[data.ConsumeIntInRange(0, len(errors) - 1)]

    def function(*arguments):
        mine = arguments[place % len(arguments)]
        if kind == 0:
            return fixed
        if kind == 1:
            raise error
        if kind == 2:
            return mine
        if kind == 3:
            return -np.mean(np.log(np.asarray(mine, dtype=float)))
        if kind == 4 and isinstance(mine, np.ndarray):
            mine *= 0
        if kind == 5:
            return mine + fixed
        return mine * fixed if kind == 6 else [mine, fixed]

    return fixed if kind == 7 else function


def fuzz_examine(raw: bytes) -> None:
    """The checker returns a verdict of its three, in words, whatever the answer does."""
    data = atheris.FuzzedDataProvider(raw)
    keys = list(exercises.all_exercises())
    key = keys[data.ConsumeIntInRange(0, len(keys) - 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = exercises.examine(key, answer(data))
    assert result.status in grading.STATUSES and result.message.strip() == result.message != ""


FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-"))
COURSE = grading.chapters(ROOT / "notebooks")


def fuzz_grade(raw: bytes) -> None:
    """Any file is a submission with cells of text, or unreadable with a reason; then a chapter is found, or none."""
    path = FOLDER / "submission.ipynb"
    path.write_bytes(raw)
    try:
        submission = grading.read(path)
        assert all(isinstance(cell, str) for cell in submission.cells)
        assert grading.chapter_of(submission, path, COURSE) in COURSE
    except grading.Unreadable as error:
        status, reason = error.args
        assert status in ("not a notebook", "unreadable", "not of the course") and grading.shown(reason)
    assert all(isinstance(finding, dict) for finding in grading._findings(raw))
    assert "\n" not in grading.shown(raw.decode("utf-8", "replace"))


def fuzzed(property_test):
    """The property test as a function of bytes."""
    return property_test.hypothesis.fuzz_one_input


TARGETS = {
    "cross_entropy": fuzzed(properties.test_cross_entropy_of_any_array),
    "binary_cross_entropy_with_logits": fuzzed(properties.test_binary_cross_entropy_with_logits_of_any_array),
    "examine": fuzz_examine,
    "grade": fuzz_grade,
}


def main() -> None:
    """Fuzz one target; further arguments go to libFuzzer (-max_total_time=600, or a crash's file to run it again)."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"Name a target: python -m tools.fuzz TARGET, one of {', '.join(TARGETS)}")
    target, options = sys.argv[1], sys.argv[2:]
    corpus = ROOT / "build" / "fuzz" / target
    corpus.mkdir(parents=True, exist_ok=True)
    if target == "grade" and not any(corpus.iterdir()):
        corpus.joinpath("notebook").write_text(json.dumps(NOTEBOOK))
    files = [] if any(not option.startswith("-") for option in options) else [str(corpus)]
    limits = ["-timeout=120", "-rss_limit_mb=4096", f"-artifact_prefix={corpus.parent}/{target}-"]
    atheris.Setup([sys.argv[0], *limits, *options, *files], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
