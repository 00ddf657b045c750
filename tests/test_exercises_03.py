"""Chapter 3's exercises: what the catalogue's test does not see."""

import numpy as np
import pytest

from xent_helpers import losses
from xent_helpers.exercises import chapter_03 as chapter

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the wrong answers overflow, as they should
EXERCISES = {exercise.key: exercise for exercise in chapter.EXERCISES}


def test_the_numbers_that_the_messages_quote():
    two = np.full((1, 2), 1e4, dtype=np.float32)
    assert f"{chapter.cross_entropy_through_the_sum(two, np.array([0]))[0]:.4f}" == "0.6934"
    assert f"{chapter.epsilon_cap():.2f}" == "27.63"
    assert f"{chapter.stable_binary_loss(40.0, 1.0):.1e}" == "4.2e-18"
    assert f"{10 ** chapter.log10_loss(np.array([[40.0, 0.0, 0.0]]), np.array([0]))[0]:.1e}" == "8.5e-18"


@pytest.mark.parametrize("case", range(5))
def test_the_references_agree_with_the_package(case):
    z, y = chapter.cross_entropy_inputs(np.random.default_rng(0))[case]
    z = z.astype(np.float64)
    assert chapter.shifted_cross_entropy(z, y) == pytest.approx(losses.cross_entropy(z, y, reduction="none"), abs=1e-15)
