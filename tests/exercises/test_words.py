"""The checker's sentences, word for word: numbers, kinds of things, and what is wrong with an answer."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from xent_helpers.exercises import words
from xent_helpers.exercises.record import Exercise, Must
from xent_helpers.exercises.values import Numbers, Other, Raised, outcome


def reference(p, y):
    return p


EXERCISE = Exercise(
    "0.1", "", reference, lambda rng: [], (), (), "",
    must=(
        Must("is positive", lambda came, p, y: np.all(came > 0)),
        Must("is below 9", lambda came, p, y: np.all(came < 9)),
        Must("fits", lambda came, p, y: came / p["no such thing"]),
    ),
)  # fmt: skip
ARGUMENTS = (np.array([0.5, 0.25]), np.array([1, 0]))
WHERE = "for p = [0.5, 0.25], y = [1, 0]"


@pytest.mark.parametrize(
    ("number", "digits", "shown"),
    [
        (0.69314718, 4, "0.6931"),
        (0.69314718, 6, "0.693147"),
        (3.0, 4, "3"),
        (-0.0, 4, "0"),
        (12345.6, 4, "12345.6"),  # 1.235e+04 would look whole
        (2.00000001, 4, "2"),  # eight digits at most
        (2.0000001, 4, "2.0000001"),
        (2.0000001, 12, "2.0000001"),
        (0.99999, 4, "0.99999"),
        (float("inf"), 4, "inf"),
        (float("-inf"), 4, "-inf"),
        (float("nan"), 4, "nan"),
        (1e20, 4, "1e+20"),
        (1e-20, 4, "1e-20"),
    ],
)
def test_numbers_have_few_digits_and_look_whole_only_if_they_are(number, digits, shown):
    assert words.number_shown(number, digits) == shown
    if digits == 4:
        assert words.number_shown(number) == shown == words.outcome_shown(outcome(number))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.123456, "0.1235"),
        (np.array([[0.123456, 1], [2, 3]]), "[[0.1235, 1], [2, 3]]"),
        (np.arange(24), "[" + ", ".join(map(str, range(24))) + "]"),
        (np.zeros((5, 5)), "an array of shape (5, 5)"),
        (torch.tensor([True, False]), "[True, False]"),
        (np.ones(24, bool), str([True] * 24)),
        (np.ones((5, 5), bool), "an array of shape (5, 5)"),
        (np.array(["a"]), "array(['a'], dtype='<U1')"),
        (True, "True"),
        ("mean", "'mean'"),
        ("word " * 30, "'word" + " word" * 14 + " …"),
        ("a" * 39 + " " + "b" * 39, "'" + "a" * 39 + " …"),  # 81 letters with its quotation marks
    ],
)
def test_values_are_shown_with_few_digits_and_large_arrays_by_shape(value, shown):
    assert words.value_shown(value) == shown


@pytest.mark.parametrize(
    ("came", "shown"),
    [
        (Raised("KeyError", "'x'"), "KeyError: 'x'"),
        (Raised("SystemExit", ""), "SystemExit"),
        (Other(None), "None"),
        (Other({}), "a dict"),
        (Numbers(np.arange(24.0)), "[" + ", ".join(map(str, range(24))) + "]"),
        (Numbers(np.arange(25.0)), "an array of shape (25,)"),
        (Numbers(np.array([[1 / 3], [2 / 3]])), "[[0.3333], [0.6667]]"),
        (Numbers(np.empty((0, 3))), "[]"),
    ],
)
def test_outcomes_are_shown(came, shown):
    assert words.outcome_shown(came) == shown


def test_more_digits_reach_the_entries():
    assert words.outcome_shown(Numbers(np.array([[1 / 3]])), 6) == "[[0.333333]]"


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        (0.5, 0.25, ("0.5", "0.25")),
        (0.12341, 0.12371, ("0.1234", "0.1237")),
        (0.1234561, 0.1234567, ("0.123456", "0.123457")),
        (0.123456781, 0.123456749, ("0.12345678", "0.12345675")),
        (0.1234567890123, 0.1234567890213, ("0.123456789012", "0.123456789021")),
        (0.12341, 0.12342, ("0.12341", "0.12342")),
        (0.1234567891, 0.1234567892, ("0.1234567891", "0.1234567892")),
        (1 / 3, np.nextafter(1 / 3, 1), ("0.33333333333333331", "0.33333333333333337")),
        (0.25, 0.25, ("0.25", "0.25")),
    ],
)
def test_two_numbers_get_as_many_digits_as_tell_them_apart(one, other, shown):
    assert words.told_apart(outcome(one), outcome(other)) == shown


class Owl:
    pass


class Cat:
    pass


class Xerus:
    pass


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "None"),
        (False, "False"),
        (np.bool_(True), "True"),
        ("a string", "the text 'a string'"),
        ("word " * 9, "the text 'word word word word word word word word…'"),
        (["a"], "a list that is no array of numbers"),
        (("a",), "a tuple that is no array of numbers"),
        (1j, "a number that is complex"),
        (np.complex128(1j), "a number that is complex"),
        ({}, "a dict"),
        (Owl(), "an Owl"),
        (Cat(), "a Cat"),
        (Xerus(), "a Xerus"),
        (np.ndarray, "a type"),
    ],
)
def test_what_is_no_number_is_named_by_its_kind(value, shown):
    assert words.type_shown(value) == shown


def test_shapes_capitals_places():
    assert words.shape_shown(np.zeros((2, 3))) == "shape (2, 3)" and words.shape_shown(np.array(1)) == "a single number"
    assert words.capital("the text 'A b'") == "The text 'A b'"
    assert words.place(EXERCISE, ARGUMENTS) == WHERE
    with pytest.raises(ValueError, match="shorter"):
        words.arguments_shown(EXERCISE, ARGUMENTS[:1])


def generator():
    yield 1


class async_generator:
    pass


class coroutine:
    pass


DUE = outcome(np.array([1.0, 2.0]))


@pytest.mark.parametrize(
    ("came", "due", "said"),
    [
        (Raised("KeyError", "'x'"), DUE, f"Your code raises KeyError: 'x' {WHERE}."),
        (Other(None), DUE, f"Your function returns None {WHERE}. Which branch lacks its return?"),
        (
            Other(generator()),
            DUE,
            "Your function makes a generator, which computes nothing by itself: use return, without yield.",
        ),
        (
            Other(async_generator()),
            DUE,
            "Your function makes an async_generator, which computes nothing by itself: use return, without yield.",
        ),
        (
            Other(coroutine()),
            DUE,
            "Your function makes a coroutine, which computes nothing by itself: use return, without async.",
        ),
        (Other("cat"), Other("dog"), f"The text 'cat' is not the right choice {WHERE}. Ask for a hint."),
        (outcome(2.0), Other("dog"), f"2 is not the right choice {WHERE}. Ask for a hint."),
        (
            Other({}),
            DUE,
            f"Your function returns a dict {WHERE}; what is asked for is shape (2,), an array of numbers.",
        ),
        (Other({}), outcome(1.0), f"Your function returns a dict {WHERE}; what is asked for is a single number."),
        (outcome([[1.0]]), DUE, f"Your function returns shape (1, 1) {WHERE}; what is asked for there is shape (2,)."),
        (
            outcome([1.0, np.nan]),
            DUE,
            f"Your function gives NaN {WHERE}: [1, nan]. A right answer there is [1, 2]. Which step makes 0/0, "
            "0 · inf or inf − inf?",
        ),
        (outcome([1.0, -2.0]), DUE, f"Your function gives [1, -2] {WHERE}. A right answer there is positive and fits."),
        (
            outcome([-1.0, 9.0]),
            DUE,
            f"Your function gives [-1, 9] {WHERE}. A right answer there is positive and is below 9 and fits.",
        ),
    ],
)
def test_each_fault_has_its_sentence(came, due, said):
    assert words.fault_said(EXERCISE, ARGUMENTS, came, due) == said


def test_a_wrong_value_is_told_beside_the_right_one():
    plain = Exercise("0.2", "", reference, lambda rng: [], (), (), "")
    said = words.fault_said(plain, ARGUMENTS, outcome([1.0, 2.00001]), DUE)
    assert said == f"Your function gives [1, 2.00001] {WHERE}; a right answer there is [1, 2]."
    both_nan = words.fault_said(plain, ARGUMENTS, outcome([np.nan, 1.0]), outcome([np.nan, 2.0]))
    assert both_nan == f"Your function gives [nan, 1] {WHERE}; a right answer there is [nan, 2]."


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ([], ""),
        (["", " \n"], ""),
        (["a\n"], "(Your code printed a line during the check, not shown here; the first: 'a'.)"),
        (["a\n\n", "b\nc"], "(Your code printed 3 lines during the check, not shown here; the first: 'a'.)"),
        (
            ["word " * 20],
            "(Your code printed a line during the check, not shown here; the first: 'word word word word word word "
            "word word word word word [...]'.)",
        ),
    ],
)
def test_what_was_printed_is_counted_and_its_first_line_shown(printed, said):
    assert words.printed_said(printed) == said


@pytest.mark.parametrize("value", [Fraction(1, 3), Decimal(1) / 3])
def test_numbers_of_other_kinds_are_shown_as_numbers(value):
    assert words.value_shown(value) == "0.3333"
