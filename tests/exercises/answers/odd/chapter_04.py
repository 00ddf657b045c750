"""Odd answers to the exercises of chapter 4."""

import numpy as np
import torch
from scipy import linalg, special
from scipy.special import expit as sigmoid
from scipy.special import softmax
from torch.nn import functional as F

from xent_helpers import losses
from xent_helpers.exercises.chapter_04.curvature import curvature_along as curvature
from xent_helpers.exercises.chapter_04.logits import logit_gradient as gradient
from xent_helpers.exercises.chapter_04.newton import newton_step as newton


def hessian(x, w):
    p = sigmoid(x @ w)
    return np.einsum("ni,n,nj->ij", x, p * (1 - p), x)


def newton_in_float32(x, w, y):
    x, w, y = (torch.as_tensor(one, dtype=torch.float32) for one in (x, w, y))
    p = torch.sigmoid(x @ w)
    return w - torch.linalg.solve(x.T @ (x * (p * (1 - p))[:, None]), x.T @ (p - y))


def curvature_by_covariance(z, v):
    return [np.cov(direction, aweights=softmax(row), ddof=0) for row, direction in zip(z, v, strict=True)]


RIGHT = [
    ("4.1", lambda z, y: (z.softmax(1) - F.one_hot(y, z.shape[1])).div(len(y))),
    ("4.1", lambda z, y: torch.autograd.grad(F.cross_entropy(z.requires_grad_(), y), z)[0]),
    ("4.1", lambda z, y: [list((softmax(r) - np.eye(len(r))[k]) / len(y)) for r, k in zip(z, y, strict=True)]),
    ("4.1", lambda z, y: -(np.eye(z.shape[1])[y] - np.exp(special.log_softmax(z, axis=1))) * (1 / z.shape[0])),
    ("4.1", lambda z, y: np.float32(gradient(z, y))),
    ("4.2", newton_in_float32),
    ("4.2", lambda x, w, y: list(w - linalg.lstsq(hessian(x, w), x.T @ (sigmoid(x @ w) - y))[0])),
    ("4.2", lambda x, w, y: np.linalg.solve(hessian(x, w), hessian(x, w) @ w - x.T @ (sigmoid(x @ w) - y))),
    ("4.3", curvature_by_covariance),
    ("4.3", lambda z, v: (z.float().softmax(1) * v.float() ** 2).sum(1) - (z.softmax(1) * v).sum(1).float() ** 2),
]


def gradient_by_differences(z, y, h=1e-4):
    moved = [
        losses.cross_entropy(z + step, y, reduction="none")
        for step in (*h * np.eye(z.shape[1]), *-h * np.eye(z.shape[1]))
    ]
    up, down = np.split(np.stack(moved, axis=1), 2, axis=1)
    return (up - down) / (2 * h) / len(y)


def curvature_by_differences(z, v, h=1e-3):
    def loss(z):
        return losses.cross_entropy(z, np.zeros(len(z), dtype=int), reduction="none")

    return (loss(z + h * v) - 2 * loss(z) + loss(z - h * v)) / h**2


def newton_with_a_floor(x, w, y):
    p = sigmoid(x @ w)
    return w - np.linalg.solve((x.T * np.maximum(p * (1 - p), 0.2)) @ x, x.T @ (p - y))


def newton_in_place(x, w, y):
    w += newton(x, w, y) - w
    return w


def newton_with_one_fewer(x, w, y):
    return w - np.linalg.solve(hessian(x, w) / max(len(y) - 1, 1), x.T @ (sigmoid(x @ w) - y) / len(y))


WRONG = [
    ("4.1", gradient_by_differences),
    ("4.1", lambda z, y: gradient(z, y) + 1e-9),
    ("4.1", lambda z, y: gradient(z, y) if len(z) > 1 else gradient(z, y) / 2),
    ("4.1", lambda z, y: gradient(z, np.where(y == 0, 1, y))),
    ("4.1", lambda z, y: gradient(np.clip(z, -500, 500), y)),
    ("4.1", lambda z, y: np.clip(gradient(z, y), -0.5, 0.5)),
    ("4.1", lambda z, y: gradient(z, y) * (z.argmax(axis=1) != y)[:, None]),
    ("4.1", lambda z, y: (0.9 * softmax(z, axis=1) + 0.1 / z.shape[1] - np.eye(z.shape[1])[y]) / len(z)),
    ("4.1", lambda z, y: np.nan_to_num((np.exp(z) / np.exp(z).sum(1)[:, None] - np.eye(z.shape[1])[y]) / len(y))),
    ("4.2", newton_in_place),
    ("4.2", newton_with_a_floor),
    ("4.2", newton_with_one_fewer),
    ("4.2", lambda x, w, y: w),
    ("4.2", lambda x, w, y: newton(x, w, y).round(5)),
    ("4.2", lambda x, w, y: w - 0.9 * (w - newton(x, w, y))),
    ("4.2", lambda x, w, y: w - np.linalg.solve(hessian(x, w) + 1e-9 * np.eye(len(w)), x.T @ (sigmoid(x @ w) - y))),
    ("4.2", lambda x, w, y: w - np.linalg.solve(hessian(x, w), x.T @ (np.round(sigmoid(x @ w)) - y))),
    ("4.3", curvature_by_differences),
    ("4.3", lambda z, v: curvature(z, v) + 1e-9),
    ("4.3", lambda z, v: curvature(z, v) * z.shape[1] / (z.shape[1] - 1)),
    ("4.3", lambda z, v: np.var(v, axis=1, ddof=1)),
    ("4.3", lambda z, v: curvature(np.clip(z, -20, 20), v)),
    ("4.3", lambda z, v: curvature(z if len(set(z.shape)) > 1 else z.T, v)),
    ("4.3", lambda z, v: np.minimum(curvature(z, v), 0.5)),
]
