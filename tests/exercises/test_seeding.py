"""The seed follows everything that can change what an answer gives, and nothing else."""

import functools
import hashlib
import types

import numpy as np
import pytest
import torch

from xent_helpers.exercises.seeding import seed_of


def compiled(source: str, **known: object) -> types.FunctionType:
    """A function without a source text, which is hashed by its bytecode."""
    exec(source, known)
    return known["f"]


def holding(value):
    return lambda p: value


def by_default(value):
    def f(p, other=value):
        return other

    return f


def plus_one(p):
    return p + 1


def plus_two(p):
    return p + 2


class Counter:
    def __init__(self, value):
        self.value = value

    def __call__(self, p):
        return self.value

    def method(self, p):
        return self.value


class Plain:
    def __init__(self, value):
        self.value = value


class Slotted:
    __slots__ = ("value",)

    def __call__(self, p):
        return p


DIFFERENT = {
    "floats": (0.5, 0.25),
    "kinds of numbers": (1, 1.0),
    "truth and number": (True, 1),
    "nothing and a text": (None, "None"),
    "text and bytes": ("a", b"a"),
    "complex": (1j, 2j),
    "signs of zero": (0.0, -0.0),
    "arrays": (np.array([1, 2]), np.array([1, 3])),
    "types": (np.zeros(1), np.zeros(1, np.int64)),  # the same bytes
    "shapes": (np.zeros((2, 3)), np.zeros((3, 2))),
    "numbers of NumPy": (np.float64(1), np.float64(2)),
    "tensors": (torch.tensor([1.0]), torch.tensor([2.0])),
    "shapes of tensors": (torch.zeros(2, 0), torch.zeros(2, 0, 3)),
    "lists": ([1, 2], [2, 1]),
    "list and tuple": ([1, 2], (1, 2)),
    "nesting": ([[1], 2], [[1, 2]]),
    "where one text ends": (["ab", "c"], ["a", "bc"]),
    "dictionaries": ({"a": 1}, {"a": 2}),
    "keys": ({"a": 1}, {"b": 1}),
    "sets": ({1, 2}, {1, 3}),
    "frozen sets": (frozenset({"a"}), frozenset({"b"})),
    "partials": (functools.partial(max, 1), functools.partial(max, 2)),
    "functions of partials": (functools.partial(max, 1), functools.partial(min, 1)),
    "keywords of partials": (functools.partial(max, key=1), functools.partial(max, key=2)),
    "what a function holds": (holding(1), holding(2)),
    "what a function holds later": (holding([1, [2]]), holding([1, [3]])),
    "defaults": (by_default(1), by_default(2)),
    "source": (plus_one, plus_two),
    "bytecode": (compiled("def f(p): return p + p"), compiled("def f(p): return p - p")),
    "constants": (compiled("def f(p): return p + 1"), compiled("def f(p): return p + 2")),
    "names": (compiled("def f(p): return p.real"), compiled("def f(p): return p.imag")),
    "own functions": (
        compiled("def g(p): return 1\ndef f(p): return g(p)", __name__="own"),
        compiled("def g(p): return 2\ndef f(p): return g(p)", __name__="own"),
    ),
    "methods": (Counter(1).method, Counter(2).method),
    "kinds of methods": (Counter(1).method, Counter(1).__call__),
    "objects that are called": (Counter(1), Counter(2)),
    "builtins": (np.log, np.exp),
    "classes": (Plain, Counter),
    "modules": (type("A", (), {"__module__": "a"}), type("A", (), {"__module__": "b"})),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_differs_has_another_seed(one, other):
    assert seed_of(one) != seed_of(other)
    assert seed_of([one]) != seed_of([other])


EQUAL = {
    "numbers": (0.1 + 0.2, 0.30000000000000004),
    "arrays": (np.arange(3), np.arange(3)),
    "views": (np.arange(6)[::2], np.array([0, 2, 4])),
    "tensors of any kind": (torch.tensor([1.0]), torch.tensor([1.0], requires_grad=True)),
    "orders of a set": ({"a", "b", "c", 1}, {1, "c", "b", "a"}),
    "objects of no order": ({(1, 2), (3,)}, {(3,), (1, 2)}),
    "sets of what has no order": ({(1, 2)}, {(3,)}),
    "objects by their class": (object(), object()),
    "objects with values": (Plain(1), Plain(2)),  # not called like a function, so it changes no answer
    "arrays of objects": (np.array([None, 1]), np.array([None, 2])),
    "what a function holds": (holding(1), holding(1)),
    "objects that are called": (Counter(1), Counter(1)),
    "objects without a dictionary": (Slotted(), Slotted()),
    "functions of other modules": (
        compiled("def f(p): return g(p)", __name__="own", g=holding(1)),
        compiled("def f(p): return g(p)", __name__="own", g=holding(2)),
    ),
    "values that are looked up": (
        compiled("def f(p): return g", __name__="own", g=1),
        compiled("def f(p): return g", __name__="own", g=2),
    ),
}


@pytest.mark.parametrize(("one", "other"), EQUAL.values(), ids=EQUAL)
def test_what_is_the_same_has_the_same_seed(one, other):
    assert seed_of(one) == seed_of(other)


def test_what_refers_to_itself_ends():
    loop: list = [1]
    loop.append(loop)
    same: list = [1]
    same.append(same)
    assert seed_of(loop) == seed_of(same) != seed_of([2])

    def recursive(p):
        return recursive(p)

    assert seed_of(recursive) == seed_of(recursive)


def test_a_name_without_a_value_is_no_obstacle():
    def outer():
        def f(p):
            return later

        seed = seed_of(f)
        later = 1
        assert seed != seed_of(f)
        return seed, later

    assert outer()[0] == outer()[0]


def test_an_edited_file_is_read_again(tmp_path):
    def loaded(text):
        path = tmp_path / "answer.py"
        path.write_text(text)
        known = {}
        exec(compile(text, str(path), "exec"), known)
        return known["f"]

    first = seed_of(loaded("def f(p):\n    return 1\n"))
    assert first == seed_of(loaded("def f(p):\n    return 1\n"))
    assert first != seed_of(loaded("def f(p):\n    return 1  # longer\n"))


def test_the_seed_is_64_bits_of_what_was_fed():
    """A fixed number for a fixed answer, so that another machine and another run draw the same inputs."""
    known = {0.5: b"float(0.5)", (1, "a"): b"tuple(int(1)str('a'))", object(): b"object(str('')str(''))"}
    for value, fed in known.items():
        assert seed_of(value) == int(hashlib.sha256(fed).hexdigest()[:16], 16)
