"""What the exercises of several chapters share."""

import numpy as np

from xent_helpers.exercises.exercise import Must


def shares(rng: np.random.Generator, classes: int, rows: int | None = None, least: float = 1e-3) -> np.ndarray:
    """Probabilities of ``classes`` classes, none below ``least``; with ``rows`` one set in each row."""
    return least + (1 - classes * least) * rng.dirichlet(np.ones(classes), rows)


NEVER_NEGATIVE = Must("is never negative", lambda values, *_: np.all(values >= 0))
SMALL_NUMBERS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12)  # what people add inside a logarithm
