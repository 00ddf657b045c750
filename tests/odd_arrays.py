"""Arrays of every kind: of every type, layout in memory and byte order, with every number in them; and odd calls.

What the property tests draw, and how they call a helper: nothing that a helper does may warn or change its input, and
what it refuses, it refuses in a sentence.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "plain": np.copy,
    "Fortran": lambda a: np.array(a, order="F"),
    "reversed": lambda a: np.flip(np.flip(a).copy()),
    "every second": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a.copy(),
    "read-only": lambda a: _read_only(a.copy()),
    "the other byte order": lambda a: a.astype(a.dtype.newbyteorder("S")),
    "of a wider one": lambda a: np.broadcast_to(np.expand_dims(a, -1), (*a.shape, 2))[..., 1],
}
TENSORS: dict[str, Callable[[np.ndarray], torch.Tensor]] = {
    "tensor": lambda a: torch.from_numpy(a.copy()),
    "tensor turned": lambda a: torch.from_numpy(np.array(a.T, order="C")).T if a.ndim == 2 else torch.tensor(a),
    "tensor, every second": lambda a: torch.from_numpy(np.repeat(a, 2, -1))[..., ::2] if a.ndim else torch.tensor(a),
}
FLOATS = {16: np.float16, 32: np.float32, 64: np.float64}
INTEGERS = (np.int64, np.int32, np.int16, np.int8, np.uint8, np.uint16, np.uint32, np.uint64)


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


def layouts() -> st.SearchStrategy[Callable[[np.ndarray], Any]]:
    """A function that returns the same numbers as another array: one for all arrays of a call."""
    return st.sampled_from(sorted(LAYOUTS | TENSORS)).map((LAYOUTS | TENSORS).__getitem__)


def numbers(width: int = 64, most: float = 1e4, odd: bool = True) -> st.SearchStrategy[float]:
    """Floats up to ``most``, subnormal ones among them, and where ``odd`` the infinities and NaN."""
    most = float(FLOATS[width](most))
    usual = st.one_of(st.floats(-30, 30, width=width), st.floats(-most, most, width=width))
    tiny = st.floats(-float(np.finfo(FLOATS[width]).tiny), float(np.finfo(FLOATS[width]).tiny), width=width)
    special = st.sampled_from([0.0, -0.0, 1.0, *([np.inf, -np.inf, np.nan] if odd else [])])
    return st.one_of(usual, usual, tiny, special)


def shares(width: int = 64, odd: bool = False) -> st.SearchStrategy[float]:
    """Probabilities, 0, 1 and subnormal ones among them; where ``odd`` also what is none."""
    least = float(np.finfo(FLOATS[width]).tiny)
    inside = st.one_of(st.floats(0, 1, width=width), st.floats(0, least, width=width), st.sampled_from([0.0, 1.0]))
    outside = st.sampled_from([-0.0, 1.5, -0.25, np.nan, np.inf])
    return st.one_of(inside, inside, inside, outside) if odd else inside


def distributions(shape: tuple[int, ...], dtype: Any = np.float64) -> st.SearchStrategy[np.ndarray]:
    """Rows of probabilities that sum to 1 along the last axis, certain ones among them."""

    def normed(a):
        a[..., 0] += a.sum(-1) == 0
        return (a / a.sum(-1, keepdims=True)).astype(dtype)

    element = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.0, 1.0, 1e-300, 1e-12]))
    return arrays(np.float64, shape, elements=element).map(normed)


class Refused(Exception):
    """The documented error, raised in place of a result."""


def call(function: Callable, *arguments: Any, **options: Any) -> Any:
    """Return the result, or ``Refused``; fail for a warning, a changed input or an error that is no sentence."""
    given = [*arguments, *options.values()]
    before = [_bytes(one) for one in given]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return function(*arguments, **options)
    except (ValueError, TypeError, IndexError) as error:
        text = str(error)
        assert ", expected " in text and text.endswith((".", "?")), f"{type(error).__name__}: {text}"
        raise Refused(text) from error
    finally:
        assert before == [_bytes(one) for one in given], "an argument was changed"


def result_or_refusal(function: Callable, *arguments: Any, **options: Any) -> Any:
    """The result of ``call``, None where it was refused."""
    try:
        return call(function, *arguments, **options)
    except Refused:
        return None


def _bytes(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        exact = value.detach().double() if value.is_floating_point() else value
        return value.dtype, value.shape, exact.numpy().tobytes()
    return (value.dtype, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else repr(value)


def plain(result: Any) -> np.ndarray:
    """A result of either library as a float64 array."""
    if isinstance(result, torch.Tensor):
        return result.detach().double().numpy()
    return np.asarray(result, dtype=np.float64)
