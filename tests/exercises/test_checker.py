"""The questions that the checker puts to an answer, in order, and what it says to each."""

import functools
import time

import numpy as np
import pytest

from xent_helpers.exercises import checker
from xent_helpers.exercises.calling import OutOfTime
from xent_helpers.exercises.checker import Result, diagnose, examine, kind_of_fault, refusal
from xent_helpers.exercises.record import Exercise, Mistake
from xent_helpers.exercises.values import Numbers, Other, Raised, outcome


def total(p):
    return float(np.sum(p))


def inputs(rng):
    return [(np.array([0.5, 0.25]),), *((rng.uniform(0.5, 1.0, n),) for n in (3, 4, 5))]


FIRST = Mistake(lambda p: p[0], "Only the first?", "first")
RAISES = Mistake(lambda p: p["x"], "A name?", "raises")
EXERCISE = Exercise("0.1", "Do it.", total, inputs, (FIRST, RAISES), (), "Good.", domain=lambda p: len(p) > 0)


def without_domain(**changes) -> Exercise:
    return Exercise(**vars(EXERCISE) | {"domain": None} | changes)


def test_a_result_reads_as_one_sentence_and_more():
    assert str(Result("1.1", "solved", "Good.")) == "Exercise 1.1: solved. Good."
    assert Result("1.1", "solved", "Good.").mistakes == ()
    assert diagnose(EXERCISE, total) == "solved. Good." and examine(EXERCISE, total).key == "0.1"


@pytest.mark.parametrize("answer", [None, ..., lambda p: None, lambda p: ...])
def test_nothing_is_not_attempted(answer):
    said = "Do it." if not callable(answer) else "(Nothing was returned.) Do it."
    assert examine(EXERCISE, answer) == Result("0.1", "not attempted yet", said)


def test_a_stub_that_prints_and_raises_is_not_attempted():
    def stub(p):
        print("here")
        raise NotImplementedError

    found = examine(EXERCISE, stub)
    assert found.status == "not attempted yet"
    assert found.message.startswith("(Nothing was returned.) Do it. (Your code printed ")


class Called:
    def __call__(self, p):
        return total(p)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (total, ""),
        (Called(), ""),
        (functools.partial(total), ""),
        (lambda *p: 1, ""),
        (lambda p, q=1: 1, ""),
        (dict, "A function is asked for, and the class dict came. Hand over a function."),
        (
            0.5,
            "A function is asked for, and 0.5 came. Hand over the function itself, without calling it.",
        ),
        (
            lambda: 1,
            "Your function takes (nothing); it is called with 1 argument(s). Which does it need?",
        ),
        (
            lambda p, q: 1,
            "Your function takes (p, q); it is called with 1 argument(s). Which does it need?",
        ),
        (
            lambda *, p: 1,
            "Your function takes (p); it is called with 1 argument(s). Which does it need?",
        ),
    ],
)
def test_what_cannot_be_called_is_refused(answer, said):
    assert refusal(answer, (np.zeros(2),)) == said
    if said:
        assert examine(EXERCISE, answer) == Result("0.1", "not yet", said)


def test_a_function_without_a_signature_is_tried(monkeypatch):
    def no_signature(answer):
        raise ValueError

    monkeypatch.setattr(checker.inspect, "signature", no_signature)
    assert refusal(total, (1,)) == ""


@pytest.mark.parametrize(
    ("came", "due", "kind"),
    [
        (Raised("KeyError", "a"), outcome(1.0), (0, "KeyError")),
        (Other(None), outcome(1.0), (1, "NoneType")),
        (Other("a"), outcome(1.0), (1, "str")),
        (outcome([1.0]), outcome(1.0), (2, "")),
        (outcome(1.0), Other("a"), (2, "")),
        (outcome([1.0, np.nan]), outcome([1.0, 2.0]), (3, "")),
        (outcome([1.0, np.nan]), outcome([1.0, np.nan]), (4, "")),
        (outcome([1.0, 3.0]), outcome([1.0, np.nan]), (4, "")),
        (outcome(1.0), outcome(2.0), (4, "")),
    ],
)
def test_kinds_of_faults_have_an_order(came, due, kind):
    assert kind_of_fault(came, due) == kind


def test_the_worst_fault_is_told_on_its_smallest_input():
    def answer(p):
        if len(p) == 4:
            return p[9]
        return np.nan if len(p) == 3 else [1.0] if len(p) == 5 else 8.0

    said = examine(without_domain(), answer).message
    assert said.startswith("Your code raises IndexError: index 9 is out of bounds for axis 0 with size 4 for p = [")
    said = examine(without_domain(), lambda p: answer(p) if len(p) != 4 else 8.0).message
    assert said.startswith("Your function returns shape (1,) for p = [")
    said = examine(without_domain(), lambda p: answer(p) if len(p) < 4 else 8.0).message
    assert said.startswith("Your function gives NaN for p = [")
    assert examine(without_domain(), lambda p: 8.0).message == (
        "Your function gives 8 for p = [0.5, 0.25]; a right answer there is 0.75."
    )


def test_only_the_same_kind_of_fault_is_shrunk_to():
    """Smaller inputs that are wrong in another way are passed over, and so are those where all is right."""
    said = examine(EXERCISE, lambda p: "text" if len(p) > 2 else 8.0).message
    assert said.startswith("Your function returns the text 'text' for p = [0, 0, 0];")
    said = examine(EXERCISE, lambda p: 8.0 if len(p) > 2 else total(p)).message
    assert said == "Your function gives 8 for p = [0, 0, 0]; a right answer there is 0."


def test_an_exception_like_a_known_mistake_s_is_joined_by_its_message():
    said = examine(EXERCISE, lambda p: p[9, 9]).message
    assert said.startswith("Your code raises IndexError: ") and said.endswith(" for p = [0]. A name?")
    assert examine(EXERCISE, RAISES.wrong) == Result("0.1", "not yet", "A name?", ("raises",))
    assert not examine(EXERCISE, lambda p: {}["x"]).message.endswith("A name?")


def test_a_changed_argument_is_told_on_the_smallest_input():
    def greedy(p):
        p[0] += 1
        return total(p) - 1

    changes = "Your function changes its argument for p = [0.5, 0.25], and with it the caller's data. "
    changes += "Can it work on a copy?"
    assert examine(EXERCISE, greedy) == Result("0.1", "not yet", f"The values are right. {changes}")

    def first(p):
        came = p[0]
        p[0] = 9
        return came

    assert examine(EXERCISE, first) == Result("0.1", "not yet", f"Only the first? {changes}", ("first",))

    def long_only(p):
        p[:] = p if len(p) < 4 else 7
        return 8.0

    assert "changes its argument for p = [0." in examine(EXERCISE, long_only).message
    assert examine(EXERCISE, lambda p: 8.0).message.endswith("is 0.")


def test_tensors_are_tried_where_arrays_raise_more_often():
    def for_tensors(p):
        return p.sum().item() if len(p) < 4 else p.neg().neg().sum().item()

    assert examine(EXERCISE, for_tensors).status == "solved"
    said = examine(EXERCISE, lambda p: p.neg()["x"]).message
    assert "'numpy.ndarray' object has no attribute 'neg'" in said  # no better with tensors, so of arrays


def test_a_fault_of_an_answer_for_tensors_is_shown_with_tensors():
    assert examine(EXERCISE, lambda p: p.neg().neg().sum() + 1).message == (
        "Your function gives 1 for p = [0]; a right answer there is 0."
    )


def test_a_value_is_examined_as_a_value():
    value = Exercise("0.2", "", lambda: 0.75, lambda rng: [()], (Mistake(lambda: 0.5, "Half?", "half"),), (), "Good.")
    assert examine(value, 0.75) == Result("0.2", "solved", "Good.")
    assert examine(value, 0.5) == Result("0.2", "not yet", "Half?", ("half",))


def test_each_answer_meets_inputs_of_its_own_and_always_the_same():
    def noting(number):
        seen = []

        def answer(p):
            seen.append(p.tolist())
            return total(p)

        answer.__defaults__ = None
        return seen, answer if number else functools.partial(answer)

    (one, first), (two, other), (three, again) = noting(0), noting(1), noting(0)
    for answer in (first, other, again):
        assert examine(EXERCISE, answer).status == "solved"
    assert one == three and one != two and one[0] == two[0] == [0.5, 0.25]


def test_half_precision_is_told():
    half = lambda p: np.float16(total(p))  # noqa: E731
    assert examine(EXERCISE, half).message == "Good. (To half precision, which is all that its type shows.)"
    near = without_domain(mistakes=(Mistake(lambda p: total(p) * 1.001, "?"),))
    assert examine(near, half).message == (
        "It agrees to half precision; but float16 has so few digits that a known mistake does too. Return "
        "float32 or float64 to tell them apart."
    )


def test_printing_is_told_with_every_verdict():
    def loud(value):
        def answer(p):
            print("loud")
            return value(p)

        return answer

    told = " (Your code printed 24 lines during the check, not shown here; the first: 'loud'.)"
    many = without_domain(rounds=1, inputs=lambda rng: [(rng.uniform(size=3),) for _ in range(24)])
    assert examine(many, loud(total)).message == "Good." + told
    assert examine(many, loud(FIRST.wrong)).message == "Only the first?" + told
    assert examine(many, loud(lambda p: 99.0)).message.endswith(told)
    near = Mistake(lambda p: total(p) * 1.0001, "?")
    coarse = Exercise(**vars(many) | {"mistakes": (near,)})
    assert examine(coarse, loud(lambda p: np.float16(total(p)))).message.endswith(" apart." + told)

    def changing(p):
        came = total(p)
        p += 1
        return came

    assert examine(many, loud(changing)).message.endswith(" copy?" + told)


# ---- time ----


@pytest.fixture
def clock(monkeypatch):
    """A clock of work that answers move on by hand; whoever passes the limit is stopped at the next call."""

    class Clock:
        now = 0.0

        def process_time(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(checker, "time", made)
    return made


def test_the_first_round_is_run_to_its_end_and_no_more_once_it_is_enough(clock):
    seen = []

    def slow(p):
        clock.now += 0.15
        seen.append(p)
        return total(p)

    assert examine(EXERCISE, slow).status == "solved" and len(seen) == 4
    seen.clear()

    def quick(p):
        clock.now += 0.4 / 8
        seen.append(p)
        return total(p)

    assert examine(EXERCISE, quick).status == "solved" and len(seen) in (8, 9)  # of 19
    assert (checker.ENOUGH, checker.SECONDS, checker.SHRINKING) == (0.4, 0.8, 0.3)


def stopped_at(number: int, clock, took: float):
    """An answer that is stopped in its call ``number``, from 0, after ``took`` seconds of it."""
    calls = []

    def answer(p):
        calls.append(p)
        if len(calls) > number:
            clock.now += took
            raise OutOfTime
        return total(p)

    return answer


SLOW = "Your code takes too long: it was stopped after 0.8 seconds of work, or of waiting."
LOOP = " Does a loop end, and does it do work that an array operation could?"


@pytest.mark.parametrize(
    ("number", "took", "blamed"),
    [(0, 0.1, True), (1, 0.1, True), (2, 0.1, False), (3, 0.4, False), (3, 0.41, True), (2, 0.5, True)],
)
def test_the_input_is_named_that_is_to_blame(clock, number, took, blamed):
    found = examine(EXERCISE, stopped_at(number, clock, took))
    assert found.status == "not yet" and found.message.startswith(SLOW) and found.message.endswith(LOOP)
    assert ("It was busy for p = [" in found.message) is blamed
    if blamed and number == 0:
        assert found.message == f"{SLOW} It was busy for p = [0.5, 0.25].{LOOP}"


def test_shrinking_that_takes_too_long_shows_the_best_so_far(monkeypatch):
    limits = []
    original = checker.time_limit

    def noted(seconds):
        limits.append(seconds)
        return original(seconds)

    monkeypatch.setattr(checker, "time_limit", noted)

    def answer(p):
        if len(p) == 1 and p[0] == 0:
            raise OutOfTime
        return 99.0

    # The first input tried has one entry, the next is stopped: so the one entry is shown that it came with.
    said = examine(EXERCISE, answer).message
    assert said == "Your function gives 99 for p = [0.5]; a right answer there is 0.5."
    assert limits == [checker.SECONDS, checker.SHRINKING]


def test_an_endless_answer_is_stopped():
    assert examine(EXERCISE, lambda p: time.sleep(60)).message.startswith(SLOW)


def test_outcomes_are_numbers_for_tables_too():
    assert isinstance(outcome(np.zeros((2, 2))), Numbers)
