"""Exercises of chapter 7: a threshold from costs, the ECE, a temperature, an honest report, weights taken out."""

import numpy as np

from xent_helpers.exercises.draft import Must

A_SHARE = Must("lies between 0 and 1", lambda share, *_: 0 <= share <= 1)


def has_best_temperature(z, y):
    margins = z - z[np.arange(len(y)), y][:, None]
    return bool(np.any(margins > 0) and np.mean(margins) < -0.01 * np.max(np.abs(margins)))


def part(rng, n, classes, knows):
    """Logits that know their labels more or less well; some favour a wrong class, so that there is a best T."""
    while True:
        labels = rng.integers(0, classes, n)
        logits = 3 * rng.normal(size=(n, classes)) + 3 * knows * np.eye(classes)[labels]
        logits[0, (labels[0] + 1) % classes] = logits[0].max() + 1
        if has_best_temperature(logits, labels):
            return logits, labels
