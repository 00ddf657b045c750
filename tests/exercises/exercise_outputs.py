"""What every function of the exercises gives: ``python -m tests.exercises.exercise_outputs`` writes it here.

A mistake is wrong on purpose, so nothing else can say that it is still the mistake that its message describes. Here
each has a line with what it gives on the inputs of its exercise, and a change shows as a changed line. Below the
mistakes stand the verdicts of the domain on odd inputs, and those of each ``must`` on what reference and mistakes give,
in order.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xent_helpers.exercises import all_exercises
from xent_helpers.exercises.calling import in_silence, plainly
from xent_helpers.exercises.record import Exercise
from xent_helpers.exercises.values import Numbers, Other, Outcome, Raised, outcome

FOLDER = Path(__file__).with_suffix("")
SEEDS = 6  # of which each draws inputs, so that the ends of every range are met; functions are tried on the first
SIZES = (1.0, 5.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0, 60.0, 100.0, 300.0, 500.0, 700.0, 1000.0, 1e4, 1e6)


def lines(exercise: Exercise) -> list[str]:
    """The lines of one exercise, each beginning with its key and a name."""
    key, drawn = exercise.key, [exercise.inputs(np.random.default_rng(seed)) for seed in range(SEEDS)]
    found = [f"{key} inputs {seed}: {' | '.join(map(summaries, cases))}" for seed, cases in enumerate(drawn)]
    cases = drawn[0]
    functions = {"reference": exercise.reference} | {one.name: one.wrong for one in exercise.mistakes}
    gives = {name: [plainly(function, case) for case in cases] for name, function in functions.items()}
    found += [f"{key} {name}: " + " | ".join(map(summary, came)) for name, came in gives.items()]
    if exercise.domain:
        found += [f"{key} domain {verdicts(exercise, number, case)}" for number, case in enumerate(cases)]
    if callable(exercise.tolerance):
        found += [f"{key} tolerance {number}: {tolerances(exercise, case)}" for number, case in enumerate(cases)]
    for must in exercise.must:
        held = (
            "".join(verdict(must.holds, one.array, *case) if isinstance(one, Numbers) else "-" for one, case in pairs)
            for pairs in (zip(came, cases, strict=True) for came in gives.values())
        )
        found.append(f"{key} {must.text}: {' '.join(held)}")
    return found


def summaries(case: tuple) -> str:
    return " ".join(summary(outcome(one)) for one in case)


def summary(came: Outcome) -> str:
    """Shape and one number that every entry moves, with ~ if in fewer digits than float64; infinities are counted."""
    if isinstance(came, Raised):
        return came.kind
    if isinstance(came, Other):
        return repr(came.value) if isinstance(came.value, str | bool | None) else type(came.value).__name__
    entries = came.array.ravel()
    finite = np.isfinite(entries)
    weights = 1 + np.cos(np.arange(1, entries.size + 1))
    with np.errstate(over="ignore"):
        number = np.sum(entries[finite] * weights[finite]) / max(entries.size, 1)
    odd = [
        f"{int(count)}{name}" for name, count in zip(("nan", "inf", "-inf"), odd_ones(entries), strict=True) if count
    ]
    shape = "×".join(map(str, came.array.shape))
    number = f"{number:.6g}" if came.precision == "float64" else f"~{number:.3g}"
    return " ".join([*([shape] if shape else []), number, *odd])


def odd_ones(entries: np.ndarray) -> tuple[int, int, int]:
    return np.sum(np.isnan(entries)), np.sum(entries == np.inf), np.sum(entries == -np.inf)


def verdicts(exercise: Exercise, number: int, case: tuple) -> str:
    """The domain's verdicts on an input, on it with one argument changed, and with all cut alike."""
    rows = [f"{number}: {verdict(exercise.domain, *case)}"]
    for place, one in enumerate(case):
        changed = ((*case[:place], other, *case[place + 1 :]) for other in variations(one))
        told = "".join(verdict(exercise.domain, *arguments) for arguments in changed)
        rows.append(f"{exercise.parameters[place]} {told}")
    together = zip(*(cuts(one) for one in case), strict=True)
    return " ".join([*rows, "all", "".join(verdict(exercise.domain, *arguments) for arguments in together)])


def tolerances(exercise: Exercise, case: tuple) -> str:
    """What the exercise allows on an input, and on it with its first argument scaled to each size."""
    first = np.asarray(case[0])
    largest = np.max(np.abs(first), initial=0, where=np.isfinite(first)) or 1
    others = [((first / largest * size).astype(first.dtype), *case[1:]) for size in SIZES]
    with in_silence():
        return " ".join(str(exercise.tolerance(*arguments)) for arguments in (case, *others))


def verdict(holds: Any, *arguments: Any) -> str:
    """y or n, or e where it raises."""
    try:
        with in_silence():
            return "y" if holds(*arguments) else "n"
    except Exception:
        return "e"


def variations(one: Any) -> Iterator[Any]:
    """What a domain may have to refuse: other sizes, shapes, types and numbers."""
    if isinstance(one, torch.Tensor):
        yield from (torch.from_numpy(np.ascontiguousarray(other)) for other in variations(one.numpy()))
        return
    array = np.asarray(one)
    if array.dtype.kind not in "iufb":
        return
    if array.dtype == bool:
        yield from (~array, array[:1], array[None], array & False, array.astype(int))
        return
    largest = np.max(np.abs(array), initial=0, where=np.isfinite(array)) or 1
    real = array.dtype.kind == "f"
    scaled = [array / largest * size for size in SIZES] if real else []
    shifted = [array + by for by in (-2, -1, 1, 2)]
    special = [np.full_like(array, value) for value in (-1, 0, 1, 11, *((0.5, np.nan, np.inf, 1e-7) if real else ()))]
    one_only = [_with_first(array, value) for value in (-1, 0, 1, 2, *((1.5, np.nan, np.inf) if real else ()))]
    shapes = [array[..., None], array[None], *((array.T, array[:1], array[:0], array[1:]) if array.ndim else ())]
    shapes += [array[..., :1], array[..., :2], array[..., :0], array[:, 1:]] if array.ndim > 1 else []
    for changed in (*shifted, *special, *one_only, -array, *scaled, *shapes):
        yield changed if np.ndim(one) or changed.ndim else changed.item()


def cuts(one: Any) -> list[Any]:
    """What is left of an argument when all lose samples, or classes: one, none, and all but one."""
    rows = [one[cut] if np.ndim(one) else one for cut in (slice(1), slice(0), slice(1, None))]
    columns = [one[..., cut] if np.ndim(one) > 1 else one for cut in (slice(1), slice(0), slice(2), slice(1, None))]
    return [*rows, *columns, *(one[:1] if np.ndim(one) else one for one in columns)]


def _with_first(array: np.ndarray, value: float) -> np.ndarray:
    changed = array.copy()
    changed.flat[:1] = value
    return changed


def file_of(chapter: str) -> Path:
    return FOLDER / f"chapter_0{chapter}.txt"


def main() -> None:
    """Write the files of all chapters anew."""
    FOLDER.mkdir(exist_ok=True)
    exercises = all_exercises().values()
    for chapter in sorted({one.key[0] for one in exercises}):
        told = [line for one in exercises if one.key[0] == chapter for line in lines(one)]
        file_of(chapter).write_text("\n".join(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
