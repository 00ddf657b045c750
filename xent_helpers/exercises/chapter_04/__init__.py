"""Exercises of chapter 4: the gradient of the logits, a Newton step, a curvature."""

import numpy as np

LARGEST = 1000
FINE = 100.0  # logits beyond it are whole numbers, so that float32 has them


def are_logits(z):
    fine = (np.abs(z) <= FINE) | ((np.abs(z) <= LARGEST) & (z == np.round(z)))
    return z.ndim == 2 and z.size > 0 and np.all(fine)


def drawn_logits(rng):
    """Tables of every shape: one sample, two classes, as many samples as classes; near, and far apart."""
    shapes = [*rng.integers([(2, 3), (1, 4), (3, 2), (5, 6)], [(6, 6), (2, 9), (9, 3), (30, 12)])]
    shapes += [(n, n) for n in rng.integers(3, 6, 2)]
    return [rng.normal(scale=2.0, size=shape) for shape in shapes] + [np.round(rng.uniform(-LARGEST, LARGEST, (3, 3)))]
