"""Exercises of chapter 3: softmax, the binary loss and cross-entropy, right for scores of any size."""

import numpy as np

TINY_NUMBERS = (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16)  # added, or clipped to
BOUNDS = (20.0, 30.0, 50.0, 100.0, 500.0, 700.0, 709.0)  # to which scores are clipped
FARTHEST = 1e4
FINE = 100.0  # scores beyond it are whole numbers, so that float32 has them


def are_fine(z):
    """Whether all scores are as the task states: up to ±10,000, and those beyond ±100 whole."""
    return np.all((np.abs(z) <= FINE) | ((np.abs(z) <= FARTHEST) & (z == np.round(z))))


def made_fine(z):
    """The scores, brought within ±10,000, and those beyond ±100 made whole."""
    z = np.clip(z, -FARTHEST, FARTHEST)
    return np.where(np.abs(z) > FINE, np.round(z), z)


def drawn_scores(rng):
    """Tables of every shape and size: one sample, two classes, as many samples as classes; near, far, equal."""
    shapes = [*rng.integers([(2, 3), (1, 4), (3, 2), (5, 6)], [(6, 6), (2, 9), (9, 3), (12, 15)])]
    shapes += [(n, n) for n in rng.integers(3, 6, 2)]
    tables = [rng.normal(size=shape) * 3 for shape in shapes]
    tables[-1][0] = tables[-1][0, 0]  # a tie of all classes
    spread = [rng.normal(size=(3, 4)) * 10 ** rng.uniform(1, 3, (3, 1)), rng.uniform(-FARTHEST, FARTHEST, (3, 3))]
    return tables + [made_fine(table) for table in spread]
