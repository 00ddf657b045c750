"""What counts as numbers, and when two outcomes agree: the digits of each type, the size of the inputs."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from xent_helpers.exercises.values import (
    ABSOLUTE,
    RELATIVE,
    Numbers,
    Other,
    Raised,
    agree,
    coarsest,
    outcome,
    tolerance,
)


@pytest.mark.parametrize(
    ("value", "shape", "precision", "kind"),
    [
        (1.5, (), "float64", "a number"),
        (3, (), "float64", "a number"),
        (np.float32(1.5), (), "float32", "a number"),
        (np.array(1.5), (), "float64", "an array"),
        (np.array([1.5], np.float16), (1,), "float16", "an array"),
        (np.array([1, 2], np.uint8), (2,), "float64", "an array"),
        (np.array([1.5], np.longdouble), (1,), "float64", "an array"),
        (Fraction(3, 2), (), "float64", "a number"),
        (Decimal("1.5"), (), "float64", "a number"),
        (torch.tensor([[1.5]]), (1, 1), "float32", "a tensor"),
        (torch.tensor(1.5, dtype=torch.bfloat16, requires_grad=True), (), "bfloat16", "a tensor"),
        (torch.tensor([1, 2]), (2,), "float64", "a tensor"),
        ([1.5, 2], (2,), "float64", "a list"),
        ((1.5, np.float32(2)), (2,), "float32", "a tuple"),
        ([[1.0, 2.0], [3.0, 4.0]], (2, 2), "float64", "a list"),
        ([torch.tensor(1.0), torch.tensor(2.0, dtype=torch.float16)], (2,), "float16", "a list"),
        ([], (0,), "float64", "a list"),
    ],
)
def test_numbers_of_any_kind_become_float64(value, shape, precision, kind):
    came = outcome(value)
    assert isinstance(came, Numbers) and came.array.dtype == np.float64
    assert (came.array.shape, came.precision, came.kind) == (shape, precision, kind)


def test_values_stay_what_they_are():
    assert outcome([1.5, 2]).array.tolist() == [1.5, 2] and outcome(Fraction(3, 2)).array == 1.5
    assert outcome(torch.tensor([0.1], dtype=torch.bfloat16)).array.tolist() == [0.10009765625]
    masked = outcome(np.ma.masked_array([1, 2], mask=[False, True]))
    assert masked.array[0] == 1 and np.isnan(masked.array[1]) and masked.precision == "float64"
    assert Numbers(np.zeros(1)).precision == "float64" and Numbers(np.zeros(1)).kind == "an array"


class NoArray:
    def __array__(self, *arguments, **options):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value",
    [
        *(None, "1.5", b"1", {1: 2}, {1}, float, True, 1j, ["a"], [1.0, [2.0, 3.0]], [1.0, None], object(), NoArray()),
        *(np.array([True]), np.array(["1.5"]), torch.tensor([True]), np.array([1j]), np.array([None])),
    ],
)
def test_anything_else_stays_as_it_is(value):
    came = outcome(value)
    assert isinstance(came, Other) and came.value is value


def test_numpy_s_text_becomes_text():
    assert type(outcome(np.str_("a")).value) is str and outcome(np.str_("a")) == Other("a")


def test_the_coarsest_type_counts():
    one, other = outcome(1.0), outcome(np.float16(1))
    assert coarsest([one, other, Other(None)]) == coarsest([other, one]) == "float16"
    assert coarsest([one, outcome(torch.tensor(1.0))]) == "float32" and coarsest([Other(None)]) == "float64"
    assert coarsest([other, outcome(torch.tensor(1.0, dtype=torch.bfloat16))]) == "bfloat16"


def test_shapes_that_do_not_fit_are_one_family():
    assert Raised("RuntimeError", "").family == Raised("ValueError", "").family == "ValueError"
    assert Raised("KeyError", "").family == "KeyError"


TENS, BARE = np.array([10.0, -20.0]), np.array([1.0])
HALVES = torch.tensor([8.0], dtype=torch.float16)


@pytest.mark.parametrize(
    ("precision", "arguments", "own", "relative", "absolute"),
    [
        ("float64", (), None, 1e-9, 1e-12),
        ("float32", (), None, 1e-4, 1e-5),
        ("bfloat16", (), None, 0.1, 1e-2),
        ("float64", (TENS, BARE), None, 1e-9, 20e-12),
        ("float64", (np.array([np.inf, 3.0, np.nan]),), None, 1e-9, 3e-12),
        ("float64", (np.array([0.5]),), None, 1e-9, 1e-12),
        ("float64", (np.zeros(0), "a text"), None, 1e-9, 1e-12),
        ("float32", (TENS,), None, 1e-4, 20e-5),  # the answer rounded float64 inputs
        ("float16", (HALVES, BARE), None, 0.03, 3e-3),  # the inputs were as coarse already
        ("float32", (HALVES,), None, 1e-4, 8e-5),
        ("float64", (), 1e-6, 1e-6, 1e-9),
        ("float64", (), 1e-12, 1e-12, 1e-15),
        ("float32", (), 1e-12, 1e-4, 1e-5),  # a type's own digits are the least
        ("float32", (), 1e-2, 1e-2, 1e-3),
        ("float32", (), {"float32": 1e-3}, 1e-3, 1e-4),
        ("float32", (), {"float32": 1e-3, "float64": 1e-2}, 1e-3, 1e-4),
        ("float32", (), {"float64": 1e-2}, 1e-2, 1e-3),
        ("float64", (), {"float32": 1e-3}, 1e-9, 1e-12),
        ("float64", (TENS,), lambda tens: abs(tens).max() * 1e-7, 2e-6, 20 * 2e-9),
    ],
)
def test_the_tolerance_follows_type_inputs_and_exercise(precision, arguments, own, relative, absolute):
    assert tolerance(precision, arguments, own) == pytest.approx((relative, absolute), rel=1e-12, abs=0)


def test_each_type_has_both_tolerances():
    assert list(RELATIVE) == list(ABSOLUTE) and list(RELATIVE.values()) == sorted(RELATIVE.values())


@pytest.mark.parametrize(
    ("a", "b", "allowed", "agreed"),
    [
        (1.0, 1.0, (0.0, 0.0), True),
        (1.0, 1.5, (0.5, 0.0), True),
        (1.5, 1.0, (0.25, 0.0), False),
        (1.5, 1.0, (0.5, 0.0), True),  # relative to b, the bound itself included
        (1.0, 2.0, (0.25, 0.5), True),
        (1.0, 2.0, (0.25, 0.25), False),
        (-1.0, 1.0, (0.5, 0.0), False),
        (0.0, 0.25, (0.0, 0.25), True),
        (-2.0, -1.5, (0.5, 0.0), True),
        (np.inf, np.inf, (0.0, 0.0), True),
        (np.inf, -np.inf, (1.0, 1.0), False),
        (1.0, np.inf, (1.0, 1.0), False),
        (np.inf, 1.0, (np.inf, np.inf), False),
        (np.nan, np.nan, (0.0, 0.0), True),
        (np.nan, 1.0, (1.0, 1.0), False),
        (1.0, np.nan, (1.0, 1.0), False),
        (np.array([1.0, 2.0]), np.array([1.0, 3.0]), (0.0, 0.0), False),
        (np.array([1.0]), 1.0, (1.0, 1.0), False),
    ],
)
@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")  # of what another test left behind
def test_numbers_agree_within_what_is_allowed(a, b, allowed, agreed):
    assert agree(outcome(a), outcome(b), allowed) is agreed


def test_by_default_nothing_is_allowed():
    assert agree(outcome(1.0), outcome(1.0)) and not agree(outcome(1.0), outcome(np.nextafter(1.0, 2)))
    assert not agree(outcome(0.0), outcome(5e-324))


@pytest.mark.parametrize(
    ("a", "b", "agreed"),
    [
        (Raised("KeyError", "a"), Raised("KeyError", "b"), True),
        (Raised("KeyError", "a"), Raised("TypeError", "a"), False),
        (Raised("ValueError", ""), Raised("RuntimeError", ""), True),
        (Other("a"), Other("a"), True),
        (Other("a"), Other("b"), False),
        (Other({1: 2}), Other({1: 2}), True),
        (Other(True), Other("True"), False),
        (Other("None"), Other(None), False),
        (Other(None), outcome(1.0), False),
        (outcome(1.0), Raised("KeyError", ""), False),
        (Raised("KeyError", ""), Other("KeyError"), False),
    ],
)
def test_other_outcomes_agree_by_kind(a, b, agreed):
    assert agree(a, b) is agree(b, a) is agreed
