"""Chapter 8's exercises, answered rightly in other ways."""

import math
from fractions import Fraction

import numpy as np
import torch
from scipy import special
from torch.nn import functional as F

from xent_helpers import losses, targets


def smoothed_by_loop(y, C, epsilon):
    rows = np.full((len(y), C), epsilon / C)
    for row, label in zip(rows, y, strict=True):
        row[label] += 1 - epsilon
    return rows


def smoothed_by_torch(y, C, epsilon):
    return targets.smoothed(F.one_hot(torch.from_numpy(y), C).double(), epsilon)


def smoothed_where(y, C, epsilon):
    return np.where(np.arange(C) == y[:, None], 1 - (C - 1) * epsilon / C, epsilon / C)


def smoothed_list(y, C, epsilon):
    return [[epsilon / C + (1 - epsilon if c == label else 0) for c in range(C)] for label in y.tolist()]


def student_by_margins(z, y, v, T, alpha):
    """Both parts are logarithms of sums less weighted means of the logits."""
    on_labels = special.logsumexp(z, axis=1) - np.take_along_axis(z, y[:, None], axis=1)[:, 0]
    on_teacher = special.logsumexp(z / T, axis=1) - np.einsum("nc,nc->n", special.softmax(v / T, axis=1), z) / T
    return np.mean((1 - alpha) * on_labels + alpha * T**2 * on_teacher)


def student_by_one_target(z, y, v, T, alpha):
    """torch's loss of soft targets, sample by sample."""
    losses_of = []
    for logits, label, teacher in zip(*map(torch.from_numpy, (z, y, v)), strict=True):
        soft = F.cross_entropy(logits / T, torch.softmax(teacher / T, dim=0))
        losses_of.append((1 - alpha) * F.cross_entropy(logits, label) + alpha * T * T * soft)
    return torch.stack(losses_of).mean()


def forward_by_rows(z, recorded, M):
    """One row of logits a time, shifted by its largest joint term."""
    total = 0.0
    for row, j in zip(z, recorded, strict=True):
        joint = np.array([a + math.log(m) for a, m in zip(row, M[:, j], strict=True) if m > 0])
        top = joint.max()
        total += special.logsumexp(row) - top - math.log(np.exp(joint - top).sum())
    return total / len(z)


def forward_by_weights(z, recorded, M):
    return np.mean(special.logsumexp(z, axis=1) - special.logsumexp(z, axis=1, b=M[:, recorded].T))


def accuracy_by_fractions(m, rho, C):
    m, rho = Fraction(m), Fraction(rho)
    return (m - rho / (C - 1)) / (1 - rho * C / (C - 1))


def accuracy_from_the_best(m, rho, C):
    at_best, at_worst = 1 - rho, rho / (C - 1)
    return 1 - (at_best - m) / (at_best - at_worst)


def student_by_torch(z, y, v, T, alpha):
    z, y, v = torch.from_numpy(z), torch.from_numpy(y), torch.from_numpy(v)
    divergence = F.kl_div(F.log_softmax(z / T, 1), F.log_softmax(v / T, 1), reduction="batchmean", log_target=True)
    entropy = torch.special.entr(F.softmax(v / T, 1)).sum(1).mean()
    return (1 - alpha) * F.cross_entropy(z, y) + alpha * T**2 * (divergence + entropy)


def student_by_helpers(z, y, v, T, alpha):
    return (1 - alpha) * losses.cross_entropy(z, y) + alpha * targets.distillation_loss(z, v, T)


def forward_by_loop(z, recorded, M):
    nats = []
    for row, j in zip(z, recorded, strict=True):
        ways = [special.log_softmax(row)[i] + np.log(M[i, j]) for i in range(len(M)) if M[i, j] > 0]
        nats.append(-special.logsumexp(ways))
    return sum(nats) / len(nats)


def forward_by_helper(z, recorded, M):
    return targets.forward_loss(torch.from_numpy(z), torch.from_numpy(recorded), torch.from_numpy(M))


def accuracy_by_matrix(m, rho, C):
    keeps, errs = targets.flip_matrix(C, rho)[0, :2]
    return np.linalg.solve([[1.0, 1.0], [keeps, errs]], [1.0, m])[0]


RIGHT = {
    "8.1": [
        smoothed_by_loop,
        smoothed_by_torch,
        smoothed_where,
        smoothed_list,
    ],
    "8.2": [
        np.log(21),
        float(np.log(1 + 5 * 0.8 / 0.2)),
        torch.tensor(21.0, dtype=torch.float64).log(),
        math.log(0.84) - math.log(0.04),
    ],
    "8.3": [
        student_by_torch,
        student_by_helpers,
        student_by_margins,
        student_by_one_target,
    ],
    "8.4": [
        forward_by_loop,
        forward_by_helper,
        forward_by_rows,
        forward_by_weights,
    ],
    "8.5": [
        accuracy_by_matrix,
        accuracy_by_fractions,
        accuracy_from_the_best,
        lambda m, rho, C: ((C - 1) * m - rho) / (C - 1 - C * rho),
    ],
}
