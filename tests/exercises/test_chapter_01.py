"""Chapter 1's exercises: what the catalogue's test does not see."""

import numpy as np
import pytest

from xent_helpers.exercises import chapter_01 as chapter


def test_the_number_that_a_one_based_index_gives_is_the_one_that_the_message_quotes():
    p, y = chapter.class_inputs(np.random.default_rng(0))[0]
    assert f"{chapter.mean_class_loss(p, y + 1):.4f}" == "2.3026"


@pytest.mark.parametrize("case", range(6))
def test_nothing_constant_beats_the_floor(case):
    """1.4's reference is a minimum: no other constant prediction costs less on the same labels."""
    labels, classes = chapter.floor_inputs(np.random.default_rng(0))[case]
    others = np.random.default_rng(1).dirichlet(np.ones(classes), 2000)
    losses = -np.log(others[:, labels]).mean(axis=1)
    assert losses.min() >= chapter.best_constant_loss(labels, classes)
