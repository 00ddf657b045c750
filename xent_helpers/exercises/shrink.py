"""Shrink a failing input as long as it still fails: fewer samples, fewer classes, plainer numbers."""

import time
from collections.abc import Callable, Iterator
from itertools import permutations

import numpy as np
import torch

from xent_helpers.exercises.slips import samples

TRIES = 600
PLAIN = (0.0, 1.0, 2.0, 0.5, -1.0, 0.25)
PLAIN_SHARES = {
    2: ((0.5, 0.5), (1.0, 0.0), (0.9, 0.1), (0.99, 0.01), (0.8, 0.2), (0.75, 0.25)),
    3: ((0.5, 0.5, 0.0), (1.0, 0.0, 0.0), (0.5, 0.25, 0.25), (0.7, 0.2, 0.1)),
}


def smallest(
    failing: list[tuple],
    fails: Callable[[tuple], bool],
    domain: Callable[..., bool] | None,
    seconds: float,
    keep: list | None = None,
) -> tuple:
    """Return the smallest input found on which ``fails`` holds; without a domain the smallest of those given.

    ``keep`` is a list that holds the best so far, for a caller that has to stop early; after ``seconds`` of the
    processor's time the best so far is returned.
    """
    keep = [] if keep is None else keep
    keep[:] = [min(failing, key=input_size)]
    with np.errstate(all="ignore"):  # inputs may hold inf and NaN
        _shrink(keep, fails, domain, time.process_time() + seconds)
    return keep[0]


def _shrink(
    keep: list[tuple], fails: Callable[[tuple], bool], domain: Callable[..., bool] | None, until: float
) -> None:
    tried, left = set(), TRIES if domain else 0
    while left:
        for candidate in candidates(keep[0]):
            if time.process_time() > until:
                return
            mark = repr(_plain(candidate))
            if mark in tried or not _smaller(candidate, keep[0]) or not _within(domain, candidate):
                continue
            tried.add(mark)
            left -= 1
            if fails(candidate):
                keep[0] = candidate
                break
            if not left:
                break
        else:
            break


def input_size(arguments: tuple) -> tuple[int, int]:
    """Number of entries, then how hard they are to read."""
    entries = [entry for one in arguments for entry in np.ravel(_array(one)).tolist()]
    return len(entries), sum(map(_digits, entries))


def _smaller(arguments: tuple, others: tuple) -> bool:
    here, there = (sum(_array(one).size for one in some) for some in (arguments, others))
    return here < there if here != there else input_size(arguments) < input_size(others)


def _digits(entry: object) -> int:
    if not isinstance(entry, int | float):
        return 0
    plain = {0: 0, 1: 1, 2: 2, 0.5: 3}
    return plain[entry] if entry in plain else 3 + len(f"{entry:.6g}")


def _array(one: object) -> np.ndarray:
    return one.detach().cpu().numpy() if isinstance(one, torch.Tensor) else np.asarray(one)


def _plain(arguments: tuple) -> list:
    return [(np.shape(one), _array(one).tolist()) for one in arguments]


def _within(domain: Callable[..., bool], arguments: tuple) -> bool:
    try:
        return bool(domain(*arguments))
    except Exception:  # a domain may index what a shrunken input no longer has
        return False


def candidates(arguments: tuple) -> Iterator[tuple]:
    """Inputs that are a little smaller or plainer, the boldest steps first."""
    arrays = tuple(_array(one) if isinstance(one, torch.Tensor) else one for one in arguments)
    for steps in (_fewer_samples, _fewer_classes, _fewer_features, _plainer_numbers):
        for candidate in steps(arrays):
            yield tuple(
                torch.from_numpy(np.ascontiguousarray(new)) if isinstance(old, torch.Tensor) else new
                for new, old in zip(candidate, arguments, strict=True)
            )


def _fewer_samples(arguments: tuple) -> Iterator[tuple]:
    n = samples(arguments)
    if not n or n < 2:
        return
    rows = range(n)
    kept = [[i] for i in rows[:12]] + [list(rows[: n // 2]), list(rows[n // 2 :])]
    kept += [[i for i in rows if i != out] for out in rows[:12]]
    long = [place for place, one in enumerate(arguments) if np.ndim(one) and len(one) == n]
    square = [place for place in long if np.shape(arguments[place]) == (n, n)]  # its rows may be classes
    for keep in kept:
        for spared in (None, *square):
            rows_of = set(long) - {spared}
            fewer = tuple(one[keep] if place in rows_of else one for place, one in enumerate(arguments))
            yield from _with_whole_shares(arguments, fewer)


def _fewer_classes(arguments: tuple) -> Iterator[tuple]:
    """One entry fewer along the last axis of the matrices that are as wide; the domain says if the rest fits."""
    lengths = [one.shape[-1] for one in arguments if np.ndim(one) > 1]
    lengths = lengths or [int(one) for one in arguments if isinstance(one, int)][:1]
    for c in dict.fromkeys(lengths):
        for out in reversed(range(c)) if c > 1 else ():
            yield from _with_whole_shares(arguments, tuple(_without_class(one, out, c) for one in arguments))


def _fewer_features(arguments: tuple) -> Iterator[tuple]:
    """One column fewer of a matrix and that row of another, as the product of both needs it."""
    matrices = [place for place, one in enumerate(arguments) if np.ndim(one) == 2]
    for left, right in permutations(matrices, 2):
        d = arguments[left].shape[1]
        for out in reversed(range(d)) if d == len(arguments[right]) > 1 else ():
            fewer = list(arguments)
            fewer[left] = np.delete(arguments[left], out, axis=1)
            fewer[right] = np.delete(arguments[right], out, axis=0)
            yield tuple(fewer)


def _without_class(one: object, out: int, c: int) -> object:
    if isinstance(one, int):
        return c - 1 if one == c else one
    if np.ndim(one) > 1 and one.shape[-1] == c:
        return np.delete(one, out, axis=-1)
    if np.ndim(one) == 1 and one.dtype.kind in "iu":
        return one - (one > out) - ((one == out) & (out == c - 1) & (c > 1))
    return one


def _with_whole_shares(before: tuple, after: tuple) -> Iterator[tuple]:
    """``after`` as it is, and with what added up to 1 made to add up to 1 again."""
    yield after
    yield tuple(
        new / new.sum(axis=-1, keepdims=True)
        if np.ndim(new) and new.dtype.kind == "f" and np.allclose(old.sum(axis=-1), 1) and np.all(new.sum(axis=-1))
        else new
        for old, new in zip(before, after, strict=True)
    )


def _plainer_numbers(arguments: tuple) -> Iterator[tuple]:
    for place, one in enumerate(arguments):
        for plainer in _plainer(one):
            yield (*arguments[:place], plainer, *arguments[place + 1 :])


def _plainer(one: object) -> Iterator[object]:
    if isinstance(one, bool | str) or one is None:
        return
    if not np.ndim(one):
        yield from (type(one)(value) for value in PLAIN if value == int(value) or isinstance(one, float))
        return
    for value in PLAIN if one.dtype.kind == "f" else (0, 1):
        yield np.full_like(one, value)
    if one.dtype.kind == "f" and np.allclose(one.sum(axis=-1), 1):
        yield from _plainer_shares(one)
    for where in np.ndindex(one.shape) if one.size <= 24 else ():
        for value in _plainer_entries(one[where], one.dtype.kind == "f"):
            changed = one.copy()
            changed[where] = value
            yield changed


def _plainer_entries(entry: float, real: bool) -> list:
    return [*PLAIN, round(float(entry), 1), round(float(entry), 2)] if real else [0, 1, 2]


def _plainer_shares(one: np.ndarray) -> Iterator[np.ndarray]:
    c = one.shape[-1]
    plain = PLAIN_SHARES.get(c, (np.eye(c)[0], np.full(c, 1 / c)))
    rows = {row: None for shares in plain for row in permutations(map(float, shares))} if c < 4 else plain
    for row in rows:
        yield np.broadcast_to(np.array(row), one.shape).astype(one.dtype)
    for where in np.ndindex(one.shape[:-1]) if one.ndim > 1 and len(one) <= 8 else ():
        for row in rows:
            changed = one.copy()
            changed[where] = row
            yield changed
