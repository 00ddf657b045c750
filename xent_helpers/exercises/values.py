"""What a function did: the numbers it returned, something else, or an exception; and when two of them agree."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

# How far a right answer may be off: a hundred roundings or more of the type that it had.
RELATIVE = {"float64": 1e-9, "float32": 1e-4, "float16": 0.03, "bfloat16": 0.1}
ABSOLUTE = {"float64": 1e-12, "float32": 1e-5, "float16": 3e-3, "bfloat16": 1e-2}
HALF = ("float16", "bfloat16")
ONE_EXPRESSION = {"float64": 1e-12, "float32": 5e-7}  # a value that is asked for comes from few roundings

# What an exercise says of its own: a relative error in float64; by precision; with the absolute one; by the arguments.
Allowed = float | tuple[float, float]
Tolerance = Allowed | dict[str, Allowed] | Callable[..., Allowed | dict[str, Allowed]]


@dataclass(frozen=True)
class Numbers:
    """An array of numbers of any shape, kept in float64; ``precision`` is the type that it had."""

    array: np.ndarray
    precision: str = "float64"
    kind: str = "an array"


@dataclass(frozen=True)
class Raised:
    """An exception; ``line`` is the learner's line that it comes from, where that is known."""

    kind: str
    text: str
    line: str = field(default="", compare=False)

    @property
    def family(self) -> str:
        """Its kind; of shapes that do not fit NumPy and torch raise two kinds, which count as one."""
        return "ValueError" if self.kind == "RuntimeError" else self.kind


@dataclass(frozen=True)
class Other:
    """None, a text, a dictionary, …: anything but numbers."""

    value: Any


Outcome = Numbers | Raised | Other


def outcome(value: Any) -> Outcome:
    """Turn tensors, arrays of any library, numbers and nested lists of them into ``Numbers``."""
    if isinstance(value, str):
        return Other(str(value))  # also NumPy's own text type
    if value is None or isinstance(value, bytes | dict | set | type):
        return Other(value)
    if isinstance(value, torch.Tensor):
        precision = str(value.dtype).removeprefix("torch.")
        tensor = value.detach().cpu()
        array = (tensor.double() if tensor.is_floating_point() else tensor).numpy()
        return _numbers(array, value, precision, "a tensor")
    if isinstance(value, list | tuple):
        return _of_list(value)
    if isinstance(value, np.ma.MaskedArray):
        value = value.astype(float).filled(np.nan)
    try:
        array = np.asarray(value)
        if array.dtype == object and array.ndim:
            found = _of_list(array.tolist())
            return replace(found, kind="an array") if isinstance(found, Numbers) else Other(value)
        if array.dtype == object and hasattr(value, "__float__"):  # Fraction, Decimal
            array = np.asarray(float(value))
    except Exception:
        return Other(value)
    kind = "an array" if array.ndim or isinstance(value, np.ndarray) else "a number"
    return _numbers(array, value, str(array.dtype), kind)


def _numbers(array: np.ndarray, value: Any, precision: str, kind: str) -> Outcome:
    if array.dtype.kind not in "iuf":  # True is no number here, and neither is a complex one
        return Other(value)
    return Numbers(array.astype(np.float64), precision if precision in RELATIVE else "float64", kind)


def _of_list(value: list | tuple) -> Outcome:
    parts = [outcome(part) for part in value]
    if not all(isinstance(part, Numbers) for part in parts) or len({part.array.shape for part in parts}) > 1:
        return Other(value)
    array = np.stack([part.array for part in parts]) if parts else np.empty(0)
    return Numbers(array, coarsest(parts), "a tuple" if isinstance(value, tuple) else "a list")


def coarsest(outcomes: list[Outcome]) -> str:
    """The precision with the fewest digits among ``outcomes``."""
    found = [one.precision for one in outcomes if isinstance(one, Numbers)]
    return max(found, key=RELATIVE.__getitem__, default="float64")


def in_single_precision(outcomes: list[Outcome]) -> bool:
    """Whether Python's numbers, or float64 ones, come from float32 arithmetic: each of them is a float32 number."""
    arrays = [one.array.ravel() for one in outcomes if isinstance(one, Numbers) and one.precision == "float64"]
    numbers = np.concatenate([*arrays, np.empty(0)])
    numbers = numbers[np.isfinite(numbers)]
    with np.errstate(all="ignore"):
        single, half = numbers.astype(np.float32), numbers.astype(np.float16)
    needs_its_digits = (numbers != half) & (numbers != np.round(numbers))
    return bool(np.all(numbers == single) and np.any(needs_its_digits))


def as_single_precision(one: Outcome) -> Outcome:
    """The same numbers, known to come from float32 arithmetic."""
    double = isinstance(one, Numbers) and one.precision == "float64"
    return replace(one, precision="float32") if double else one


def tolerance(precision: str, arguments: tuple, own: Tolerance | None = None) -> tuple[float, float]:
    """Relative and absolute error that a right answer in ``precision`` may have on ``arguments``.

    ``own`` is an exercise's ``tolerance``. The absolute error grows with the inputs where the answer rounded them:
    float64, or a type coarser than theirs.
    """
    own = own(*arguments) if callable(own) else own
    own = own if isinstance(own, dict) else {"float64": own} if own else {}
    own = own if arguments else ONE_EXPRESSION | own
    if isinstance(own.get(precision), tuple):
        return own[precision]
    least = own.get("float64", 0.0)
    relative = own.get(precision) or max(RELATIVE[precision], least[0] if isinstance(least, tuple) else least)
    absolute = ABSOLUTE[precision] * relative / RELATIVE[precision]
    arrays = [one for one in map(outcome, arguments) if isinstance(one, Numbers)]
    rounded = precision == "float64" or precision != coarsest(arrays)
    sizes = [np.max(np.abs(one.array), initial=0.0, where=np.isfinite(one.array)) for one in arrays if rounded]
    return relative, absolute * max([1.0, *sizes])


def agree(a: Outcome, b: Outcome, allowed: tuple[float, float] = (0.0, 0.0)) -> bool:
    """Same shape, and numbers within ``allowed`` of ``b``, NaN and inf in the same places; or the same exception."""
    if isinstance(a, Numbers) and isinstance(b, Numbers):
        return a.array.shape == b.array.shape and bool(np.all(_near(a.array, b.array, allowed)))
    if isinstance(a, Raised) and isinstance(b, Raised):
        return a.family == b.family
    if isinstance(a, Other) and isinstance(b, Other):
        return type(a.value) is type(b.value) and repr(a.value) == repr(b.value)
    return False


def _near(a: np.ndarray, b: np.ndarray, allowed: tuple[float, float]) -> np.ndarray:
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= allowed[0] * np.abs(b) + allowed[1]
        return (near & np.isfinite(a) & np.isfinite(b)) | (a == b) | ((a != a) & (b != b))
