"""Each draw of an exercise's inputs reaches both ends of what its task states."""

import numpy as np
import pytest

from xent_helpers.calibration import fit_temperature
from xent_helpers.exercises import all_exercises
from xent_helpers.exercises.chapter_03.log_loss import margins_of
from xent_helpers.exercises.inputs import draw_inputs

EXERCISES = all_exercises()


def condition(x, w, y):
    p = 1 / (1 + np.exp(-x @ w))
    return np.linalg.cond((x.T * (p * (1 - p))) @ x)


# Exercise, a quantity of the arguments that the task limits, and how low and how high it has to get.
ENDS = [
    ("1.1", lambda p, y: p, 0.001, 0.999),
    ("1.1", lambda p, y: p[y == 1], 0.001, 0.999),
    ("1.1", lambda p, y: len(p), 1, 400),
    ("1.2", lambda p, y: p, 0.001, 0.998),
    ("1.2", lambda p, y: p[np.arange(len(y)), y], 0.001, 0.998),
    ("1.4", lambda labels, num_classes: len(labels), 1, 2000),
    ("1.4", lambda labels, num_classes: num_classes, 2, 1000),
    ("1.4", lambda labels, num_classes: np.bincount(labels), 0, 256),
    ("2.1", lambda p: p, 0, 1),
    ("2.1", lambda p: p[p > 0], 1e-6, 1),
    ("2.1", len, 1, 900),
    ("2.2", lambda q, p: q[q > 0], 1e-6, 1),
    ("2.2", lambda q, p: p[p > 0], 1e-6, 1 - 1e-6),
    ("2.3", np.sum, 7, 2000),
    ("2.3", len, 1, 1000),
    ("2.5", np.sum, 10, 2000),
    ("2.5", lambda counts: counts.shape[1], 1, 1000),
    ("3.1", lambda z: z, -1e4, 1e4),
    ("3.1", lambda z: z.shape[1], 1, 3),
    ("3.3", lambda z, y: z, -1e4, 1e4),
    ("3.3", lambda z, y: y, 0, 1),
    ("3.4", lambda z, y: z, -1e4, 1e4),
    ("3.4", lambda z, y: z[z.dtype == np.float32], -1e4, 1e4),
    ("3.5", lambda z, y: z, -1e4, 1e4),
    ("3.5", margins_of, -2e4, 700),
    ("4.1", lambda z, y: z, -1000, 1000),
    ("4.2", lambda x, w, y: x @ w, -8, 8),
    ("4.2", condition, 1, 300),
    ("4.3", lambda z, v: z, -1000, 1000),
    ("4.3", lambda z, v: v, -10, 10),
    ("5.3", lambda outputs, labels: outputs, -1000, 1000),
    ("5.4", lambda losses, valid: losses[valid], 0, 10_000),
    ("5.4", lambda losses, valid: valid.sum(), 0, 256),
    ("6.3", lambda x, y, w: x @ w, -2000, 2000),
    ("6.4", lambda x, y, w, lr, batch_size: len(y) - batch_size, -1, 2),
    ("7.2", lambda claimed, came_true, bins: claimed, 0, 1),
    ("7.2", lambda claimed, came_true, bins: bins, 1, 1000),
    ("7.3", lambda z, y, T: z, -50, 50),
    ("7.3", lambda z, y, T: T, 0.5, 1000),
    ("7.4", lambda *parts: fit_temperature(*parts[2:4]), 0.9, 3.1),
    ("7.5", lambda p, w: p, 0, 1),
    ("7.5", lambda p, w: w, 1e-6, 1e6),
    ("8.1", lambda y, C, epsilon: epsilon, 0, 1),
    ("8.1", lambda y, C, epsilon: C, 3, 1000),
    ("8.3", lambda z, y, v, T, alpha: T, 0.1, 100),
    ("8.3", lambda z, y, v, T, alpha: alpha, 0, 1),
    ("8.3", lambda z, y, v, T, alpha: v - z, -700, 700),
    ("8.4", lambda z, recorded, M: z, -1000, 1000),
    ("8.4", lambda z, recorded, M: M, 0, 1),
    ("8.5", lambda m, rho, C: rho, 0, 1),
    ("8.5", lambda m, rho, C: m, 0, 1),
    ("8.5", lambda m, rho, C: rho - (C - 1) / C, -0.8, 0.01),
    ("9.2", lambda nats, valid, n_bytes: nats[valid], 0, 50),
    ("9.2", lambda nats, valid, n_bytes: n_bytes - valid.sum(), -1, 100),
    ("9.3", lambda means, counts: counts, 0, 256),
    ("9.3", lambda means, counts: len(counts), 1, 4),
    ("9.4", lambda pieces: pieces[pieces > -np.inf], -1e4, 1e4),
    ("9.4", lambda pieces: len(pieces), 1, 4),
    ("9.5", lambda z, tokens, pad: pad - z.shape[2] * (pad > 0), -1, 0),
    ("9.5", lambda z, tokens, pad: (tokens != pad).sum(axis=1) - tokens.shape[1], -3, 0),
    ("9.5", lambda z, tokens, pad: (tokens != pad).sum(axis=1), 1, 5),
]


@pytest.mark.parametrize(("key", "quantity", "low", "high"), ENDS, ids=[row[0] for row in ENDS])
def test_every_draw_reaches_both_ends(key, quantity, low, high):
    for seed in range(12):
        cases, first_round = draw_inputs(EXERCISES[key], seed)
        found = np.concatenate([np.ravel(quantity(*arguments)) for arguments in cases[:first_round]])
        assert found.min() <= low and found.max() >= high
