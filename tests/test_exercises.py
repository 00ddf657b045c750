"""The checker of the exercises: it accepts what is right in any form, and names what is wrong."""

import numpy as np
import pytest
import torch

from xent_helpers import exercises
from xent_helpers.exercises import Exercise, Mistake
from xent_helpers.exercises.checker import diagnose


def mean_surprisal(p):
    return -np.mean(np.log(p))


def forgot_the_sign(p):
    return np.mean(np.log(p))


def forgot_the_mean(p):
    return -np.sum(np.log(p))


EXERCISE = Exercise(
    key="0.1",
    task="Return the mean of −log p.",
    reference=mean_surprisal,
    inputs=lambda rng: [(np.array([0.5, 0.25]),), (rng.uniform(0.1, 1.0, 5),)],
    mistakes=(Mistake(forgot_the_sign, "It is negative."), Mistake(forgot_the_mean, "It grows with N.")),
    hints=("Take logarithms.", "Then the mean."),
    afterwards="Well done.",
)
NUMBER = Exercise(
    "0.2", "Predict it.", lambda: np.log(2.0), lambda rng: [()], (Mistake(lambda: 1.0, "In nats?"),), (), "Good."
)


def loop(p):
    total = 0.0
    for value in p:
        total -= float(np.log(value))
    return total / len(p)


@pytest.mark.parametrize(
    "right",
    [
        mean_surprisal,
        loop,
        lambda p: -torch.log(torch.from_numpy(p)).mean(),
        lambda p: -torch.log(torch.from_numpy(p).float()).mean(),
        lambda p: (-np.log(p.astype(np.float16))).mean(),
    ],
)
def test_right_answers_in_any_form_are_accepted(right):
    assert diagnose(EXERCISE, right) == "right. Well done."


@pytest.mark.parametrize("mistake", EXERCISE.mistakes)
def test_a_known_mistake_is_named(mistake):
    assert diagnose(EXERCISE, mistake.wrong) == f"not yet. {mistake.message}"


def test_an_unknown_mistake_gets_the_first_failing_input():
    said = diagnose(EXERCISE, lambda p: 3.0)
    assert said == "not yet. What came on ([0.5 , 0.25]) is 3.; what must come there is 1.0397."


def test_a_wrong_shape_is_wrong_even_when_the_numbers_agree():
    assert diagnose(EXERCISE, lambda p: [mean_surprisal(p)]).startswith("not yet. What came")


@pytest.mark.parametrize("answer", [None, ..., lambda p: None])
def test_an_unattempted_stub_gets_one_friendly_line(answer):
    assert diagnose(EXERCISE, answer).startswith("not attempted yet")
    assert EXERCISE.task in diagnose(EXERCISE, answer)


def test_none_on_some_inputs_only_is_a_wrong_answer():
    said = diagnose(EXERCISE, lambda p: mean_surprisal(p) if len(p) == 2 else None)
    assert said.startswith("not yet. What came") and " is None;" in said


def test_an_exception_is_reported_with_the_input():
    said = diagnose(EXERCISE, lambda p: p["x"])
    assert said.startswith("your code raised IndexError on ([0.5 , 0.25]): ")


def test_changing_the_argument_is_reported():
    def greedy(p):
        p[0] = 1.0
        return 0.0

    assert diagnose(EXERCISE, greedy) == "your code changes its argument on ([0.5 , 0.25]). Work on a copy."


def test_something_that_is_no_number_is_shown():
    assert " is 'a string';" in diagnose(EXERCISE, lambda p: "a string")
    assert " is ['a', 'b'];" in diagnose(EXERCISE, lambda p: ["a", "b"])


def test_numbers_are_checked_like_functions():
    assert diagnose(NUMBER, 0.6931471805599453) == "right. Good."
    assert diagnose(NUMBER, 1.0) == "not yet. In nats?"
    assert diagnose(NUMBER, 2) == "not yet. What came is 2; what must come there is 0.6931."


def test_check_hint_and_solution_find_an_exercise_by_its_key(monkeypatch, capsys):
    monkeypatch.setattr(exercises, "all_exercises", lambda: {"0.1": EXERCISE})
    exercises.check("0.1", mean_surprisal)
    exercises.hint("0.1", 2)
    assert capsys.readouterr().out == "Exercise 0.1: right. Well done.\nHint 2 of 2: Then the mean.\n"
    assert "np.mean(np.log(p))" in exercises.solution("0.1").data
    with pytest.raises(ValueError, match="step is 3, expected 1 to 2"):
        exercises.hint("0.1", 3)
    with pytest.raises(KeyError, match="no exercise '9.9', expected one of 0.1"):
        exercises.check("9.9", None)


def test_every_exercise_is_complete_and_its_key_is_its_chapter():
    for key, exercise in exercises.all_exercises().items():
        assert key == exercise.key
        assert exercise.task and exercise.afterwards and exercise.hints
