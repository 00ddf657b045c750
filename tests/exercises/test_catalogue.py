"""All exercises of all chapters: each mistake is diagnosed as itself, each right answer accepted, each stub survived.

``python -m tools.exercise_table`` prints the whole table, all pairs of a mistake and a slip included; here a part of
the pairs is tried.
"""

import functools
import json
import os
import subprocess
import sys
import time
from importlib import import_module

import numpy as np
import pytest
import torch

from tools.exercise_table import LEAST_DIAGNOSED, as_answer, pairs, right_answers
from xent_helpers import exercises
from xent_helpers.exercises.checker import examine
from xent_helpers.exercises.exercise import Status
from xent_helpers.exercises.explain import Catalogue
from xent_helpers.exercises.inputs import draw_inputs
from xent_helpers.exercises.seeding import seed_of

EXERCISES = exercises.all_exercises()
LEAST_RIGHT = 4
SECONDS = 1.0


every_exercise = pytest.mark.parametrize("key", EXERCISES)


@every_exercise
def test_the_record_is_complete(key):
    exercise = EXERCISES[key]
    assert key == exercise.key and exercise.task and exercise.afterwards
    assert 2 <= len(exercise.hints) <= 3 and all(exercise.hints)
    silent = [mistake.name for mistake in exercise.mistakes if "?" not in mistake.message]
    assert not silent
    assert exercises.solution(key).data.startswith("```python\ndef ")


@every_exercise
def test_each_mistake_is_diagnosed_as_itself_within_the_time(key):
    exercise, took = EXERCISES[key], []
    for mistake in exercise.mistakes:
        answer, began = as_answer(exercise, mistake.wrong), time.process_time()
        result = examine(exercise, answer)
        took.append(time.process_time() - began)
        assert (result.status, result.message) == ("not yet", mistake.message)
        assert result.mistakes == (mistake.name,) or any(
            other.name == result.mistakes[0] and other.message == mistake.message for other in exercise.mistakes
        )
    assert max(took) < SECONDS


@every_exercise
def test_a_pair_of_a_mistake_and_a_slip_is_diagnosed(key):
    tried, distinct, diagnosed, faults = pairs(EXERCISES[key], every=97, more=1)
    assert diagnosed >= LEAST_DIAGNOSED * distinct, (tried, faults)


@every_exercise
def test_right_answers_are_accepted(key):
    exercise, answers = EXERCISES[key], right_answers(key)
    assert len(answers) >= LEAST_RIGHT
    for answer in (as_answer(exercise, exercise.reference), *answers):
        assert str(examine(exercise, answer)) == f"Exercise {key}: solved. {exercise.afterwards}"


@every_exercise
def test_right_answers_in_single_precision_are_accepted(key):
    """What the reference gives, rounded to float32; where all is well the rounding is not mistaken for a mistake."""
    exercise = EXERCISES[key]
    value = as_answer(exercise, exercise.reference)
    if exercise.asks_for_value:
        if isinstance(value, float | np.floating):
            assert examine(exercise, torch.tensor(value, dtype=torch.float32)).status == Status.SOLVED
        return

    def rounded(*arguments):
        output = exercise.reference(*arguments)
        if isinstance(output, torch.Tensor):
            return output.float()
        return output if isinstance(output, str) else np.asarray(output, dtype=np.float32)

    assert examine(exercise, rounded).status == Status.SOLVED


@every_exercise
@pytest.mark.parametrize("stub", [None, ..., lambda *arguments: None])
def test_an_untouched_stub_gets_the_task(key, stub):
    exercise = EXERCISES[key]
    if exercise.asks_for_value and callable(stub):
        return  # a value's stub is None
    result = examine(exercise, stub)
    assert result.status == "not attempted yet" and exercise.task in result.message


@every_exercise
def test_inputs_lie_in_the_domain(key):
    exercise = EXERCISES[key]
    if exercise.domain:
        for seed in range(20):
            assert all(exercise.domain(*arguments) for arguments in draw_inputs(exercise, seed)[0])


@every_exercise
def test_the_reference_keeps_what_a_right_answer_must(key):
    exercise = EXERCISES[key]
    catalogue = Catalogue(exercise, draw_inputs(exercise, 0)[0])
    for number, arguments in enumerate(catalogue.cases):
        for must in exercise.must:
            assert must.holds(catalogue.expected(number).array, *arguments), (must.text, arguments)


def every_word() -> dict[str, list[str]]:
    """What the checker says to a known mistake and to an unknown one in some exercises."""
    said = {}
    for key in ("1.1", "2.2", "4.1", "5.3", "8.4"):
        exercise = EXERCISES[key]
        answers = exercise.mistakes[0].wrong, functools.partial(_unknown, exercise.reference)
        said[key] = [str(examine(exercise, answer)) for answer in answers]
    odd: dict = {}
    # no source text (newer Pythons know that of <string> under -c), no order, an address
    exec(compile("def f(p): return {1, 2, 3}, {'a', 'b'}, object(), [lambda q: q]", "<nowhere>", "exec"), odd)
    said["seeds"] = [str(seed_of(one)) for one in (odd["f"], object(), {"a", "b", "c"}, np.log, functools.partial(len))]
    return said


def _unknown(reference, *arguments):
    return reference(*arguments) * 1.37 + 0.1


def test_two_processes_say_the_same_words():
    code = "import json; from tests.exercises.test_catalogue import every_word; print(json.dumps(every_word()))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout.splitlines()[-1]) == every_word()


def test_right_answers_belong_to_exercises():
    for chapter in sorted({key[0] for key in EXERCISES}):
        module = import_module(f"tests.exercises.answers.right.chapter_0{chapter}")
        assert set(module.RIGHT) == {key for key in EXERCISES if key[0] == chapter}
