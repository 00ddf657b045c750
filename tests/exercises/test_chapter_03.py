"""Chapter 3's exercises: what the catalogue's test does not see."""

import numpy as np
import pytest

from xent_helpers import exercises, losses
from xent_helpers.exercises import all_exercises
from xent_helpers.exercises.chapter_03 import binary, cap, cross_entropy, log_loss

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the wrong answers overflow, as they should
EXERCISES = all_exercises()


def test_the_numbers_that_the_messages_quote():
    two = np.full((1, 2), 1e4, dtype=np.float32)
    assert f"{cross_entropy.cross_entropy_through_the_sum(two, np.array([0]))[0]:.4f}" == "0.6934"
    assert f"{cap.epsilon_cap():.2f}" == "27.63"
    assert f"{binary.stable_binary_loss(40.0, 1.0):.1e}" == "4.2e-18"
    assert f"{10 ** log_loss.log10_loss(np.array([[40.0, 0.0, 0.0]]), np.array([0]))[0]:.1e}" == "8.5e-18"


def test_the_references_agree_with_the_package():
    for z, y in cross_entropy.cross_entropy_inputs(np.random.default_rng(0)):
        expected = losses.cross_entropy(z.astype(np.float64), y, reduction="none")
        assert cross_entropy.shifted_cross_entropy(z, y) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_the_cap_is_never_given_away():
    for number in (16.12, 16.118, 100, 27.6, 27.631, 28, 0, np.inf, [27.63], "27.63", lambda: 27.6310211):
        result = exercises.examine("3.2", number)
        assert result.status == "not yet" and "27.631" not in result.message.replace(f"{number} is not", ""), result
    assert exercises.examine("3.2", 16.12).mistakes == ("cap of the text rounded 2",)


def test_a_likely_repair_of_the_binary_loss_is_known():
    assert exercises.examine("3.3", lambda z, y: np.log(1 + np.exp(z)) - y * z).mistakes == (
        "binary stable on the other side",
    )
    assert exercises.examine("3.3", lambda z, y: np.log1p(np.exp(z)) - y * z).mistakes
