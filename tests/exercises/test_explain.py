"""The search for an explanation: its order, what counts as a match, and what is said of a wrong value."""

import numpy as np
import pytest
import torch

from xent_helpers.exercises.explain import Catalogue, Explanation
from xent_helpers.exercises.predicted import examine_value
from xent_helpers.exercises.record import Exercise, Mistake, Must
from xent_helpers.exercises.slips import OF_A_MATRIX, OF_A_NUMBER, OF_A_VALUE, OF_A_VECTOR, Slip
from xent_helpers.exercises.values import Other, Raised, outcome

CALLS: list[str] = []


def total(p, y):
    CALLS.append("total")
    return float(np.sum(p * y))


def mean(p, y):
    CALLS.append("mean")
    return float(np.mean(p * y))


def broken(p, y):
    raise KeyError(f"no {len(p)}")


def broken_by_shape(p, y):
    return p[:2] + np.zeros(5)


DOUBLED = Slip("doubled", "twice?", lambda output, arguments: 2 * output)
MOVED = Slip("moved", "one on?", before=lambda arguments: (arguments[0], arguments[1] + 1))
LONG_ONLY = Slip("long only", "long?", lambda output, arguments: output - 1 if len(arguments[0]) > 2 else None)
NEVER = Slip("never", "when?", before=lambda arguments: None)
MEAN, BROKEN = Mistake(mean, "A mean?"), Mistake(broken, "Why break?")
CASES = [(np.array([1.0, 2.0]), np.array([1, 0])), (np.array([3.0, 1.0, 2.0]), np.array([0, 1, 1]))]


def exercise(**changes) -> Exercise:
    usual = {
        "key": "0.1",
        "task": "Do it.",
        "reference": total,
        "inputs": lambda rng: CASES,
        "mistakes": (MEAN, BROKEN),
    }
    usual |= {"hints": (), "afterwards": "Good.", "slips": (DOUBLED, MOVED, LONG_ONLY, NEVER)}
    return Exercise(**usual | changes)


def gives(function, slip=lambda output: output) -> list:
    return [outcome(slip(function(*case))) for case in CASES]


def test_an_explanation_speaks_for_its_parts():
    assert Explanation().names == () and Explanation(MEAN).names == ("mean",)
    assert Explanation(MEAN).message == "A mean?"
    assert Explanation(None, DOUBLED).names == ("doubled",)
    assert Explanation(None, DOUBLED).message == "Right but for one thing: twice?"
    both = Explanation(MEAN, DOUBLED)
    assert both.names == ("mean", "doubled") and both.message == "A mean? And a second thing: twice?"


def test_the_simplest_explanations_come_first():
    names = [one.names for one in Catalogue(exercise(), CASES).explanations()]
    slips = ("doubled", "moved", "long only", "never")
    assert names == [
        *(("mean",), ("broken",)),
        *((slip,) for slip in slips),
        *((mistake, slip) for mistake in ("mean", "broken") for slip in slips),
    ]


@pytest.mark.parametrize(
    ("reference", "slips"),
    [
        (total, OF_A_NUMBER),
        (lambda p, y: p * y, OF_A_VECTOR),
        (lambda p, y: p[:, None] * y, OF_A_MATRIX),
        (lambda p, y: "a text", ()),
    ],
)
def test_without_slips_of_its_own_an_exercise_has_the_usual_ones(reference, slips):
    assert Catalogue(exercise(reference=reference, slips=None), CASES).slips == slips
    assert Catalogue(exercise(reference=reference, slips=(DOUBLED,)), CASES).slips == (DOUBLED,)
    assert Catalogue(exercise(reference=reference, slips=()), CASES).slips == ()


def test_a_value_has_the_usual_slips_of_values():
    value = exercise(reference=lambda: 2.0, slips=None, mistakes=())
    assert Catalogue(value, [()]).slips == OF_A_VALUE


def test_what_an_explanation_gives():
    catalogue = Catalogue(exercise(), CASES)
    at = lambda number, *parts: catalogue.at(number, Explanation(*parts))  # noqa: E731
    assert [float(at(n).array) for n in (0, 1)] == [1, 3]
    assert [float(at(n, MEAN).array) for n in (0, 1)] == [0.5, 1]
    assert [float(at(n, None, DOUBLED).array) for n in (0, 1)] == [2, 6]
    assert [float(at(n, MEAN, DOUBLED).array) for n in (0, 1)] == [1, 2]
    assert [float(at(n, None, MOVED).array) for n in (0, 1)] == [4, 9]
    assert [float(at(n, MEAN, MOVED).array) for n in (0, 1)] == [2, 3]
    assert at(0, None, LONG_ONLY) is None and float(at(1, None, LONG_ONLY).array) == 2
    assert at(0, None, NEVER) is None
    assert at(0, BROKEN) == at(0, BROKEN, DOUBLED) == Raised("KeyError", "'no 2'")
    assert CASES[0][1].tolist() == [1, 0]


def test_a_slip_cannot_change_the_inputs():
    def careless(arguments):
        arguments[1][:] = 9
        return arguments

    catalogue = Catalogue(exercise(slips=(Slip("careless", "?", before=careless),)), CASES)
    assert float(catalogue.at(0, Explanation(None, catalogue.slips[0])).array) == 27
    assert CASES[0][1].tolist() == [1, 0]


@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")  # of what another test left behind
def test_a_slip_that_divides_by_zero_is_silent():
    by_zero = Slip("by zero", "?", lambda output, arguments: output / np.zeros(1))
    assert Catalogue(exercise(slips=(by_zero,)), CASES).at(0, Explanation(None, by_zero)).array.tolist() == [np.inf]


def test_each_function_is_called_once_for_an_input():
    CALLS.clear()
    catalogue = Catalogue(exercise(), CASES)
    for _ in range(3):
        for one in catalogue.explanations():
            for number in range(2):
                catalogue.at(number, one)
    assert sorted(CALLS) == ["mean"] * 4 + ["total"] * 4  # as it is, and with the arguments moved


def test_explanations_match_on_all_inputs():
    catalogue = Catalogue(exercise(), CASES)
    assert catalogue.solved(gives(total)) and not catalogue.solved(gives(mean))
    assert catalogue.solved(gives(total)[:1]) and not catalogue.solved([gives(total)[0], gives(mean)[1]])
    assert catalogue.explain(gives(mean)).names == ("mean",)
    assert catalogue.explain(gives(total, lambda x: 2 * x)).names == ("doubled",)
    assert catalogue.explain(gives(mean, lambda x: 2 * x)).names == ("mean", "doubled")
    assert catalogue.explain([outcome(4.0), outcome(9.0)]).names == ("moved",)
    assert catalogue.explain([outcome(7.0), outcome(7.0)]) is None
    assert catalogue.explain([outcome(1.0), outcome(2.0)]).names == ("mean", "doubled")  # long only: no sense on one


def test_numbers_agree_to_the_digits_of_their_type():
    catalogue = Catalogue(exercise(), CASES)
    assert catalogue.agrees(0, outcome(1 + 1e-10), Explanation())
    assert not catalogue.agrees(0, outcome(1 + 1e-6), Explanation())
    assert catalogue.agrees(0, outcome(np.float32(1 + 1e-6)), Explanation())
    assert not catalogue.agrees(0, outcome(1 + 1e-6), Explanation())
    assert not catalogue.agrees(0, Raised("KeyError", ""), Explanation())
    assert Catalogue(exercise(tolerance=1e-5), CASES).agrees(0, outcome(1 + 1e-6), Explanation())
    by_case = Catalogue(exercise(tolerance=lambda p, y: 1e-3 if len(p) > 2 else 1e-9), CASES)
    assert [by_case.agrees(n, outcome(1 + n + n + 1e-4), Explanation()) for n in (0, 1)] == [False, True]


def test_exceptions_on_all_inputs_match_by_their_words_only():
    catalogue = Catalogue(exercise(), CASES)
    assert catalogue.explain([Raised("KeyError", "'no 2'"), Raised("KeyError", "'no 3'")]).names == ("broken",)
    others = [Raised("KeyError", "'other'"), Raised("KeyError", "'other'")]
    assert catalogue.explain(others) is None and catalogue.raises_likewise(others) is BROKEN
    some = Mistake(lambda p, y: 5.0 if len(p) == 2 else p[7], "Some?")
    sometimes = Catalogue(exercise(mistakes=(BROKEN, some)), CASES)
    assert sometimes.explain([outcome(5.0), Raised("IndexError", "in other words")]).message == "Some?"
    assert sometimes.raises_likewise([outcome(8.0), Raised("IndexError", "")]) is some
    assert sometimes.raises_likewise([Raised("IndexError", ""), Raised("IndexError", "")]) is None
    assert sometimes.raises_likewise([outcome(8.0), Raised("TypeError", "")]) is None
    shapes = Mistake(broken_by_shape, "Shapes?")
    assert Catalogue(exercise(mistakes=(shapes,)), CASES).raises_likewise([Raised("RuntimeError", "")] * 2) is shapes


def test_half_precision_can_hide_a_mistake():
    near = Mistake(lambda p, y: total(p, y) * 1.001, "Near?")
    catalogue = Catalogue(exercise(mistakes=(MEAN, near)), CASES)
    assert catalogue.hidden([outcome(np.float16(1)), outcome(np.float16(3))])
    assert not catalogue.hidden([outcome(np.float32(1)), outcome(np.float32(3))])
    assert not Catalogue(exercise(), CASES).hidden([outcome(np.float16(1)), outcome(np.float16(3))])
    assert not catalogue.hidden([Other(None)])


# ---- values ----


def value(due, **changes) -> Exercise:
    return exercise(**{"reference": lambda: due, "inputs": lambda rng: [()], "mistakes": (), "slips": ()} | changes)


NEAR = Mistake(lambda: 0.7, "In nats?", "near")
POSITIVE = Must("is positive", lambda came: np.all(came > 0)), Must("is below 9", lambda came: np.all(came < 9))
LN2, HALF = np.log(2), torch.tensor(0.5, dtype=torch.float16)


@pytest.mark.parametrize(
    ("asked", "answer", "said"),
    [
        (value(LN2), LN2, ("solved", "Good.")),
        (value(0.5), HALF, ("solved", "Good. (To half precision.)")),
        (
            value(0.5, mistakes=(Mistake(lambda: 0.501, "?"),)),
            HALF,
            ("not yet", "float16 has too few digits to tell it from a known mistake. Use float64."),
        ),
        (value("cat"), "cat", ("solved", "Good.")),
        (value("cat"), "dog", ("not yet", "The text 'dog' is not it. Ask for a hint.")),
        (value("cat"), 3.0, ("not yet", "3 is not it. Ask for a hint.")),
        (value(LN2), "x", ("not yet", "The text 'x' came, and a number is asked for without quotation marks.")),
        (value(LN2), True, ("not yet", "True came, and a number is asked for.")),
        (value([1.0, 2.0]), {}, ("not yet", "A dict came, and a list of 2 numbers is asked for.")),
        (value(LN2), abs, ("not yet", "A value is asked for, and a function came. Do it.")),
        (value(LN2), [LN2], ("not yet", "One number is asked for; [0.6931] came.")),
        (value([1.0, 2.0]), 1.0, ("not yet", "A list of 2 numbers is asked for; 1 came.")),
        (value([1.0, 2.0]), [1.0, 3.0], ("not yet", "1 of the 2 entries is right. Ask for a hint.")),
        (value([1.0, 2.0, 3.0]), [1.0, 2.0, 4.0], ("not yet", "2 of the 3 entries are right. Ask for a hint.")),
        (value([1.0, 2.0]), [0.0, 3.0], ("not yet", "0 of the 2 entries are right. Ask for a hint.")),
        (value(LN2, must=POSITIVE), -1.0, ("not yet", "-1 came. The right value is positive.")),
        (value([1.0], must=POSITIVE), [9.0], ("not yet", "[9] came. The right value is below 9.")),
        (
            value([1.0, 2.0], must=POSITIVE),
            [-1.0, 9.0],
            ("not yet", "[-1, 9] came. The right value is positive and is below 9."),
        ),
        (
            value(LN2),
            np.nan,
            ("not yet", "nan is not it. NaN is no number: which step makes 0/0, 0 · inf or inf − inf?"),
        ),
        (value(LN2), 0.8, ("not yet", "0.8 is not it. It is too large.")),
        (value(LN2), 0.5, ("not yet", "0.5 is not it. It is too small.")),
        (value(LN2), 0.0, ("not yet", "0 is not it. It is too small.")),
        (value(LN2), np.inf, ("not yet", "inf is not it. It is too large.")),
        (value(0.0), 0.3, ("not yet", "0.3 is not it. Ask for a hint.")),
        (value(99.0), 98.0, ("not yet", "98 is not it. Ask for a hint.")),
        (value(100.0), 120.0, ("not yet", "120 is not it. It is too large.")),
        (value(-99.0), 98.0, ("not yet", "98 is not it. Ask for a hint.")),
        (
            value(LN2),
            LN2 * 1.0049,
            (
                "not yet",
                "0.6965 is not it. It is nearly right, as if rounded: can you hand in the expression that Python "
                "computes?",
            ),
        ),
        (value(LN2), LN2 * 1.0051, ("not yet", "0.6967 is not it. It is too large.")),
        (value(0.75), 1.5, ("not yet", "1.5 is not it. It is 2 times what it should be.")),
        (value(0.75), 75.0, ("not yet", "75 is not it. It is 100 times what it should be.")),
        (value(0.75), 75.75, ("not yet", "75.75 is not it. It is too large.")),
        (value(0.75), -1.5, ("not yet", "-1.5 is not it. It is -2 times what it should be.")),
        (value(0.75), -0.75, ("not yet", "-0.75 is not it. It is too small.")),
        (value(1.5), 0.75, ("not yet", "0.75 is not it. It is 1/2 of what it should be.")),
        (value(0.5), 0.005, ("not yet", "0.005 is not it. It is 1/100 of what it should be.")),
        (value(50.5), 0.5, ("not yet", "0.5 is not it. It is too small.")),
        (value(0.75), 1.6, ("not yet", "1.6 is not it. It is too large.")),
    ],
)
def test_a_value_gets_a_verdict_and_a_way(asked, answer, said):
    assert examine_value(asked, answer) == (*said, ())


def test_a_known_wrong_value_is_named():
    assert examine_value(value(LN2, mistakes=(NEAR,)), 0.7) == ("not yet", "In nats?", ("near",))
    slipped = examine_value(value(LN2, mistakes=(NEAR,), slips=(DOUBLED,)), 1.4)
    assert slipped == ("not yet", "In nats? And a second thing: twice?", ("near", "doubled"))
