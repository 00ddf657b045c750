"""Derive a seed from the learner's own code: the same answer gets the same inputs, and nobody can know them before."""

import hashlib
import inspect
import linecache
import types
from functools import partial
from typing import Any

import numpy as np
import torch

SINGLE = ("f4", "<f4", "float32", "single")  # names of float32, as texts


def seed_of(answer: Any) -> int:
    """Hash an answer's source, or its bytecode, and the values that it holds; never an address.

    Example:
        >>> seed_of(0.5) == seed_of(0.5), seed_of(0.5) == seed_of(0.25)
        (True, False)
    """
    digest = hashlib.sha256()
    _feed(digest, answer, set())
    return int.from_bytes(digest.digest()[:8])


def names_single_precision(answer: Any) -> bool:
    """Whether the code says float32 in a text, as in ``astype("f4")``, where no other type can be put in its place."""
    waiting, seen = [answer], set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if part in SINGLE or any(f"{mark}{name}{mark}" in part for name in SINGLE for mark in "\"'"):
                return True
        elif id(part) not in seen:
            seen.add(id(part))
            waiting += _parts(part)
    return False


def _feed(digest: Any, value: Any, seen: set[int]) -> None:
    """Add ``value`` to ``digest``; ``seen`` stops at what refers to itself."""
    if id(value) in seen:
        return
    digest.update(type(value).__qualname__.encode() + b"(")
    if isinstance(value, bool | int | float | complex | str | bytes | None):
        digest.update(repr(value).encode())
    elif isinstance(value, np.ndarray | np.generic) and np.asarray(value).dtype != object:
        digest.update(repr((np.shape(value), np.asarray(value).dtype.str)).encode() + np.asarray(value).tobytes())
    elif isinstance(value, torch.Tensor):
        digest.update(repr((tuple(value.shape), value.detach().cpu().double().tolist())).encode())
    else:
        seen.add(id(value))
        for part in _parts(value):
            _feed(digest, part, seen)
    digest.update(b")")


def _parts(value: Any) -> list[Any]:
    """What makes up a function, a piece of bytecode, a container or an object."""
    if isinstance(value, types.FunctionType):
        used = [value.__globals__.get(name) for name in sorted(value.__code__.co_names)]
        own = [one for one in used if isinstance(one, types.FunctionType) and one.__module__ == value.__module__]
        return [_code(value), *(value.__defaults__ or ()), *_cells(value), *own]
    if isinstance(value, types.MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, partial):
        return [value.func, *value.args, value.keywords]
    if isinstance(value, types.CodeType):
        return [value.co_code, *value.co_names, *value.co_consts]
    if isinstance(value, dict):
        return [part for item in value.items() for part in item]
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr) if all(isinstance(one, str | int | float) for one in value) else []
    name = [getattr(value, "__module__", ""), getattr(value, "__qualname__", "")]
    method = vars(type(value)).get("__call__")  # an object that is called like a function
    return [*name, method, getattr(value, "__dict__", {})] if isinstance(method, types.FunctionType) else name


def _code(function: types.FunctionType) -> str | types.CodeType:
    """The source text where there is one, else the bytecode."""
    linecache.checkcache(function.__code__.co_filename)
    if function.__code__.co_filename == "<string>":  # text of exec(); Python 3.13 would show that of ``python -c``
        return function.__code__
    try:
        return inspect.getsource(function)
    except (OSError, TypeError, SyntaxError):
        return function.__code__


def _cells(function: types.FunctionType) -> list[Any]:
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(cell.cell_contents)
        except ValueError:  # a name that has no value yet
            cells.append(None)
    return cells
