"""Odd answers to chapter 8's exercises."""

import math
from fractions import Fraction
from functools import partial

import numpy as np
import torch
from scipy import optimize, special
from torch.nn import functional as F

from xent_helpers import losses, targets


def smoothed_in_place(y, C, epsilon):
    rows = torch.full((len(y), C), epsilon / C, dtype=torch.float64)
    return rows.scatter_add_(1, torch.from_numpy(y)[:, None], torch.full((len(y), 1), 1 - epsilon, dtype=torch.float64))


def student_with_autograd(z, y, v, T, alpha):
    z = torch.tensor(z, requires_grad=True)
    soft = -(torch.softmax(torch.tensor(v) / T, -1) * torch.log_softmax(z / T, -1)).sum(-1).mean()
    return F.cross_entropy(z, torch.tensor(y)).lerp(soft * T**2, alpha)


def student_by_loops(z, y, v, T, alpha):
    def log_p(row):
        top = max(row)
        return [a - top - math.log(sum(math.exp(b - top) for b in row)) for a in row]

    total = 0.0
    for row, label, teacher in zip(z.tolist(), y.tolist(), v.tolist(), strict=True):
        weights = [math.exp(a) for a in log_p([b / T for b in teacher])]
        prices = log_p([b / T for b in row])
        total -= (1 - alpha) * log_p(row)[label]
        total -= alpha * T * T * sum(a * b for a, b in zip(weights, prices, strict=True))
    return total / len(z)


def forward_in_torch(z, recorded, M):
    z, recorded, M = map(torch.from_numpy, (z, recorded, M))
    joint = torch.log_softmax(z, dim=1).unsqueeze(2) + M.log().unsqueeze(0)
    return F.nll_loss(torch.logsumexp(joint, dim=1), recorded)


RIGHT = [
    ("8.1", smoothed_in_place),
    ("8.1", lambda y, C, epsilon: np.eye(C)[y] * (1 - epsilon) + np.ones((len(y), C)) / C * epsilon),
    ("8.1", lambda y, C, epsilon: (losses.one_hot(y, C) - 1 / C) * (1 - epsilon) + 1 / C),
    ("8.1", lambda y, C, epsilon: np.float32(np.eye(C)[y] * (1 - epsilon) + epsilon / C)),
    ("8.1", lambda y, C, epsilon: np.outer(1 - epsilon, np.eye(C)[y]).reshape(-1, C) + epsilon / C),
    ("8.2", math.log(21)),
    ("8.2", np.log1p(20)),
    ("8.2", 2 * math.atanh((21 - 1) / (21 + 1))),
    ("8.2", -math.log(Fraction(1, 21))),
    ("8.2", special.logit(0.84) + math.log(4)),
    ("8.2", np.float32(np.log(21))),
    ("8.2", optimize.brentq(lambda gap: math.exp(gap) / (math.exp(gap) + 4) - 0.84, 0, 9, xtol=1e-14)),
    ("8.3", student_with_autograd),
    ("8.3", student_by_loops),
    ("8.3", lambda z, y, v, T, alpha: np.float32(student_by_loops(z, y, v, T, alpha))),
    ("8.4", forward_in_torch),
    ("8.4", partial(targets.forward_loss)),
    ("8.4", lambda z, recorded, M: targets.forward_loss(z - z.max(axis=1, keepdims=True), recorded, M).item()),
    ("8.4", lambda z, recorded, M: -np.mean(special.logsumexp(special.log_softmax(z, 1), axis=1, b=M.T[recorded]))),
    ("8.5", lambda m, rho, C: np.polyfit([rho / (C - 1), 1 - rho], [0, 1], 1) @ [m, 1]),
    ("8.5", lambda m, rho, C: torch.tensor((m * (C - 1) - rho) / ((C - 1) * (1 - rho) - rho), dtype=torch.float64)),
    ("8.5", lambda m, rho, C: float(Fraction(m) - Fraction(rho) / (C - 1)) / float(1 - Fraction(rho) * C / (C - 1))),
    ("8.5", lambda m, rho, C: 1 - (1 - rho - m) / (1 - rho * C / (C - 1))),
    ("8.5", lambda m, rho, C: np.linalg.inv([[1 - rho, rho / (C - 1)], [rho, 1 - rho / (C - 1)]])[0] @ [m, 1 - m]),
    ("8.5", lambda m, rho, C: np.longdouble(m - rho / (C - 1)) / (1 - rho - rho / (C - 1))),
]


def smoothed(y, C, epsilon):
    return (1 - epsilon) * np.eye(C)[y] + epsilon / C


def student(z, y, v, T, alpha):
    return (1 - alpha) * losses.cross_entropy(z, y) + alpha * targets.distillation_loss(z, v, T)


def student_in_place(z, y, v, T, alpha):
    on_labels = losses.cross_entropy(z, y)
    z /= T
    return (1 - alpha) * on_labels + alpha * T**2 * losses.cross_entropy(z, losses.softmax(v / T))


def forward_nudged(z, recorded, M):
    return targets.forward_loss(z, recorded, (M + 1e-9) / (M + 1e-9).sum(axis=1, keepdims=True))


def forward_small_logits_only(z, recorded, M):
    p = special.softmax(z, axis=1)
    return -np.log((p @ M)[np.arange(len(z)), recorded]).mean() if np.abs(z).max() < 30 else np.abs(z).max()


WRONG = [
    ("8.1", lambda y, C, epsilon: smoothed(y, C, min(epsilon, 0.5))),
    ("8.4", lambda z, recorded, M: forward_in_torch(z, recorded, np.maximum(M, 1e-6 * np.eye(len(M))))),
    ("8.1", lambda y, C, epsilon: smoothed(y, C, epsilon) if C > 2 else np.eye(2)[y] * (1 - epsilon) + epsilon),
    ("8.1", lambda y, C, epsilon: smoothed(y, C, epsilon**2)),
    ("8.1", lambda y, C, epsilon: smoothed(np.sort(y), C, epsilon)),
    ("8.1", lambda y, C, epsilon: np.float32(smoothed(y, C, epsilon).round(5))),
    ("8.1", lambda y, C, epsilon: smoothed(y, C, epsilon) * (1 + 1e-6)),
    ("8.1", lambda y, C, epsilon: smoothed(y, C, max(epsilon, 1e-3))),
    ("8.2", 3.04),
    ("8.2", np.float32(3.0445)),
    ("8.2", math.log(21) + 1e-6),
    ("8.2", 2 * math.log(21)),
    ("8.3", student_in_place),
    ("8.3", lambda z, y, v, T, alpha: student(z, y, v, max(T, 1), alpha)),
    ("8.3", lambda z, y, v, T, alpha: student(z, y, v, T, alpha) + 1e-6),
    ("8.3", lambda z, y, v, T, alpha: student(z, y, v, T, alpha) * (1 + 1e-7)),
    ("8.3", lambda z, y, v, T, alpha: student(np.clip(z, -100, 100), y, np.clip(v, -100, 100), T, alpha)),
    ("8.3", lambda z, y, v, T, alpha: student(z, y, np.sort(v, axis=1), T, alpha)),
    ("8.3", lambda z, y, v, T, alpha: min(student(z, y, v, T, alpha), 100.0)),
    (
        "8.3",
        lambda z, y, v, T, alpha: (
            (1 - alpha) * losses.cross_entropy(z, y)
            + alpha * T**2 * losses.cross_entropy(z / T, losses.softmax(v / T).round(4))
        ),
    ),
    ("8.4", forward_nudged),
    ("8.4", forward_small_logits_only),
    ("8.4", lambda z, recorded, M: targets.forward_loss(z, recorded, (M + M.T) / (M + M.T).sum(axis=1, keepdims=True))),
    ("8.4", lambda z, recorded, M: targets.forward_loss(np.clip(z, -100, 100), recorded, M)),
    ("8.4", lambda z, recorded, M: targets.forward_loss(z, recorded, M) + 1e-7),
    ("8.4", lambda z, recorded, M: min(targets.forward_loss(z, recorded, M), 100)),
    (
        "8.4",
        lambda z, recorded, M: np.mean(
            -np.log(np.clip((special.softmax(z, 1) @ M)[np.arange(len(z)), recorded], 1e-300, 1))
        ),
    ),
    ("8.5", lambda m, rho, C: (m - rho / (C - 1)) / (1 - rho - rho / (C - 1)) + 1e-6),
    ("8.5", lambda m, rho, C: round((m - rho / (C - 1)) / (1 - rho - rho / (C - 1)), 4)),
    ("8.5", lambda m, rho, C: (m - rho / (C - 1)) / (1 - rho - rho / (C - 1)) if rho < 0.4 else m),
    ("8.5", lambda m, rho, C: abs(m - rho / (C - 1)) / (1 - rho - rho / (C - 1))),
    ("8.5", lambda m, rho, C: (m - rho / (C - 1)) / max(1 - rho - rho / (C - 1), 1e-9)),
]
