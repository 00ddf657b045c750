"""Chapter 5's exercises: right answers are accepted, each mistake is named as itself and as no other."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from xent_helpers.exercises import chapter_05, solution
from xent_helpers.exercises.checker import diagnose

EXERCISES = {exercise.key: exercise for exercise in chapter_05.EXERCISES}
MISTAKES = [(e.key, number) for e in chapter_05.EXERCISES for number in range(len(e.mistakes))]


def choose_with_words(situation):
    if "log-prob" in situation:
        return "NLLLoss"
    if "a probability" in situation:
        return "BCELoss"
    return "CrossEntropyLoss" if "ten digits" in situation else "BCEWithLogitsLoss"


def repair_by_formula(outputs, labels):
    z = outputs[:, 0]
    return (F.softplus(z) - z * labels).mean()


def repair_with_a_loop(outputs, labels):
    total = 0.0
    for z, y in zip(outputs.flatten().tolist(), labels.tolist(), strict=True):
        total += np.logaddexp(0, -z if y else z)
    return total / len(labels)


def masked_mean_with_torch(token_losses, valid):
    kept = torch.tensor(token_losses)[torch.tensor(valid)]
    return kept.mean() if len(kept) else torch.tensor(0.0, dtype=torch.float64)


def masked_mean_with_a_loop(token_losses, valid):
    total = count = 0
    for loss, counts in zip(token_losses.flatten(), valid.flatten(), strict=True):
        if counts:
            total, count = total + loss, count + 1
    return total / count if count else 0.0


RIGHT = {
    "5.1": [choose_with_words, lambda situation: chapter_05.SITUATIONS[situation]],
    "5.2": [1.375, np.float64(11 / 8), lambda: torch.tensor([0.5, 7.0, 3.5]).sum() / 8],
    "5.3": [repair_by_formula, repair_with_a_loop],
    "5.4": [masked_mean_with_torch, masked_mean_with_a_loop],
}


def test_keys_levels_and_hints():
    assert list(EXERCISES) == ["5.1", "5.2", "5.3", "5.4"]
    assert all(2 <= len(exercise.hints) <= 3 for exercise in chapter_05.EXERCISES)


@pytest.mark.parametrize("key", EXERCISES)
def test_reference_and_other_right_answers_are_accepted(key):
    for answer in (EXERCISES[key].reference, *RIGHT[key]):
        assert diagnose(EXERCISES[key], answer).startswith("right."), answer


@pytest.mark.parametrize(("key", "number"), MISTAKES)
def test_each_mistake_is_named_as_itself(key, number):
    mistake = EXERCISES[key].mistakes[number]
    assert diagnose(EXERCISES[key], mistake.wrong) == f"not yet. {mistake.message}"


@pytest.mark.parametrize("key", EXERCISES)
def test_messages_ask_a_question_and_differ(key):
    messages = [mistake.message for mistake in EXERCISES[key].mistakes]
    assert len(set(messages)) == len(messages) and all(
        message.endswith("?") or "?" in message for message in messages[:-1]
    )


@pytest.mark.parametrize("key", EXERCISES)
def test_nothing_returned_is_not_an_attempt(key):
    answer = ... if key == "5.2" else lambda *arguments: None
    assert "not attempted" in diagnose(EXERCISES[key], answer)


@pytest.mark.parametrize("key", EXERCISES)
def test_solution_shows_the_reference(key):
    assert f"def {EXERCISES[key].reference.__name__}(" in solution(key).data
