"""Slips that can join any formula: a sum for a mean, a sign, a base, a label off by one, an axis.

A slip changes what goes into a function (``before``), what comes out (``after``), or both. Each takes the arguments of
the call too; it returns None where it makes no sense, as for class labels where there are none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Slip:
    """One slip: its name, the clause that tells of it, and what it does to arguments or output."""

    name: str
    clause: str
    after: Callable[[np.ndarray, tuple], Any] | None = None
    before: Callable[[tuple], tuple | None] | None = None


def samples(arguments: tuple) -> int | None:
    """N: the length of the first array."""
    return next((len(one) for one in arguments if np.ndim(one) > 0), None)


def classes(arguments: tuple) -> int | None:
    """C: the last axis of the first array with two or more, else the first whole number."""
    wide = next((np.shape(one)[-1] for one in arguments if np.ndim(one) > 1), None)
    return wide or next((int(one) for one in arguments if isinstance(one, int | np.integer)), None)


def _times(factor: Callable[[tuple], float | None]) -> Callable[[np.ndarray, tuple], Any]:
    def scaled(output, arguments):
        by = factor(arguments)
        return None if by is None else output * by

    return scaled


def _over(count: Callable[[tuple], int | None]) -> Callable[[np.ndarray, tuple], Any]:
    return _times(lambda arguments: 1 / count(arguments) if count(arguments) else None)


def _one_fewer(arguments: tuple) -> float | None:
    n = samples(arguments)
    return None if not n else n / (n - 1) if n > 1 else np.inf


def _moved_labels(arguments: tuple, by: int, wraps: bool) -> tuple | None:
    def is_labels(one):
        return np.ndim(one) == 1 and np.asarray(one).dtype.kind in "iu"

    c = classes(arguments)
    if c is None or not any(map(is_labels, arguments)):
        return None
    return tuple(((one + by) % c if wraps else one + by) if is_labels(one) else one for one in arguments)


def _turned(arguments: tuple) -> tuple | None:
    if any(np.ndim(one) == 1 for one in arguments) or not any(np.ndim(one) == 2 for one in arguments):
        return None
    return tuple(one.T if np.ndim(one) == 2 else one for one in arguments)


def _over_all_samples(reduce: Callable) -> Callable[[np.ndarray, tuple], Any]:
    return lambda output, arguments: reduce(output) if np.ndim(output) else None


NEGATIVE = Slip("negative", "the sign is turned round: which sign should your numbers have?", lambda output, _: -output)
IN_BITS = Slip(
    "in bits", "the logarithm is the one to base 2: which one gives nats?", lambda output, _: output / np.log(2)
)
BASE_TEN = Slip(
    "base 10", "the logarithm is the one to base 10: which one gives nats?", lambda output, _: output / np.log(10)
)
SUMMED = Slip(
    "times N",
    "the result is N times too large, a sum over the samples where their mean belongs: what should change when every "
    "sample comes twice?",
    _times(samples),
)
OVER_SAMPLES = Slip("over N", "the result is divided by N once too often: how many means are there?", _over(samples))
ONE_FEWER = Slip(
    "mean over N − 1", "the mean divides by N − 1: how many samples are there to share the sum?", _times(_one_fewer)
)
OVER_CLASSES = Slip(
    "over C",
    "the result is divided by C as well: what should happen along the classes, a sum or a mean?",
    _over(classes),
)
TIMES_CLASSES = Slip(
    "times C", "the result is C times too large: what is counted once for each class?", _times(classes)
)
HALVED = Slip(
    "halved", "the result is half of what it should be: where does a factor 2 get lost?", lambda output, _: output / 2
)
DOUBLED = Slip("doubled", "the result is twice what it should be: what is counted twice?", lambda output, _: 2 * output)
AVERAGED = Slip(
    "averaged",
    "one number for each sample is asked for, and you return their mean: what is to be left?",
    _over_all_samples(np.mean),
)
ADDED_UP = Slip(
    "added up",
    "one number for each sample is asked for, and you return their sum: what is to be left?",
    _over_all_samples(np.sum),
)
TRANSPOSED = Slip(
    "transposed",
    "rows and columns are exchanged: which axis holds the samples?",
    lambda output, _: output.T if np.ndim(output) == 2 else None,
)
LABELS_TOO_LOW = Slip(
    "labels too low",
    "the labels are read one too low, as if they counted from 1: which column belongs to label 0?",
    before=lambda arguments: _moved_labels(arguments, -1, wraps=True),
)
LABELS_TOO_HIGH = Slip(
    "labels too high",
    "the labels are read one too high: which column belongs to label 0?",
    before=lambda arguments: _moved_labels(arguments, 1, wraps=True),
)
LABELS_BEYOND = Slip(
    "labels beyond",
    "the labels are read one too high, and the last class has no column then: which column belongs to label 0?",
    before=lambda arguments: _moved_labels(arguments, 1, wraps=False),
)
WRONG_AXIS = Slip(
    "wrong axis",
    "the axes are exchanged, so the samples are treated as classes: along which axis do the classes lie?",
    lambda output, _: output.T if np.ndim(output) == 2 else output,
    _turned,
)
EPSILONS = tuple(
    Slip(
        "epsilon added",
        "a small number is added to the result: what is it there for, and is it needed?",
        lambda output, _, epsilon=epsilon: output + epsilon,
    )
    for epsilon in (1e-6, 1e-7, 1e-8)
)

LABELS = (LABELS_TOO_LOW, LABELS_TOO_HIGH, LABELS_BEYOND)
BASES = (IN_BITS, BASE_TEN)
OF_A_NUMBER = (
    NEGATIVE,
    *BASES,
    SUMMED,
    OVER_SAMPLES,
    ONE_FEWER,
    OVER_CLASSES,
    TIMES_CLASSES,
    *LABELS,
    WRONG_AXIS,
    HALVED,
    DOUBLED,
    *EPSILONS,
)
OF_A_VECTOR = (
    NEGATIVE,
    *BASES,
    AVERAGED,
    ADDED_UP,
    OVER_SAMPLES,
    OVER_CLASSES,
    TIMES_CLASSES,
    *LABELS,
    HALVED,
    DOUBLED,
    *EPSILONS,
)
OF_A_MATRIX = (
    NEGATIVE,
    SUMMED,
    OVER_SAMPLES,
    OVER_CLASSES,
    TIMES_CLASSES,
    TRANSPOSED,
    *LABELS,
    WRONG_AXIS,
    HALVED,
    DOUBLED,
    *EPSILONS,
)
OF_A_VALUE = (NEGATIVE, *BASES)


def usual(dimensions: int, by_value: bool) -> tuple[Slip, ...]:
    """The slips that suit what an exercise returns: a value, a number, one number a sample, or a matrix."""
    return OF_A_VALUE if by_value else (OF_A_NUMBER, OF_A_VECTOR, OF_A_MATRIX)[min(dimensions, 2)]
