"""Chapter 5's exercises: what the catalogue's test does not see."""

import numpy as np
import pytest
import torch

from xent_helpers import exercises
from xent_helpers.exercises.chapter_05.choose import DISEASES, choose_loss
from xent_helpers.exercises.chapter_05.masked import masked_mean


@pytest.mark.parametrize("choice", ["KLDivLoss", " NLLLoss", 4, None])
def test_a_wrong_choice_is_quoted_as_it_was_written(choice):
    said = exercises.examine(
        "5.1", lambda situation: choice if situation == DISEASES else choose_loss(situation)
    ).message
    assert repr(choice) in said and DISEASES in said


def test_a_mask_that_comes_as_a_tensor_is_not_taken_for_changed():
    assert (
        exercises.examine("5.4", lambda a, valid: torch.where(valid, a, 0).sum() / valid.sum().clamp(min=1)).status
        == "solved"
    )


def test_zeroing_the_padding_in_place_is_told():
    def answer(token_losses, valid):
        token_losses[~valid] = 0
        return token_losses.sum() / max(valid.sum(), 1)

    said = str(exercises.examine("5.4", answer))
    assert "The values are right. Your function changes its argument" in said


def test_padding_of_infinities_warns_of_nothing(recwarn):
    exercises.examine("5.4", lambda losses, valid: masked_mean(losses, np.ones_like(valid)) + 0.1)
    assert not recwarn


@pytest.mark.parametrize(
    "value", [1.38, 1.37, 1.376, 1.375 + 1e-6, -1.375, 0, np.inf, np.nan, "11/8", [11, 8], (1.375,)]
)
def test_a_wrong_mean_is_refused_and_the_right_one_not_told(value):
    said = str(exercises.examine("5.2", value))
    assert "not yet" in said and ("1.375" not in said or "1.375" in str(value))


@pytest.mark.parametrize(("value", "words"), [(1.3751, "1.3751 is not it. It is too large"), (1.38, "as if rounded")])
def test_a_number_close_to_the_mean_is_shown_with_the_digits_that_differ(value, words):
    assert words in exercises.examine("5.2", value).message
