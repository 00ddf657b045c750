"""Chapter 4's exercises, answered rightly in other ways."""

import math

import numpy as np
import torch
from torch.nn import functional as F


def gradient_by_autograd(z, y):
    z = torch.tensor(z, requires_grad=True)
    F.cross_entropy(z, torch.tensor(y)).backward()
    return z.grad


def gradient_by_loops(z, y):
    result = np.empty_like(z)
    for i, row in enumerate(z):
        shares = [math.exp(value - max(row)) for value in row]
        for c, share in enumerate(shares):
            result[i, c] = (share / sum(shares) - (c == y[i])) / len(z)
    return result


def gradient_in_place(z, y):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return p / len(y)


def gradient_by_torch(z, y):
    z, y = torch.as_tensor(z), torch.as_tensor(y)
    return (torch.softmax(z, dim=1) - F.one_hot(y, z.shape[1])) / len(y)


def gradient_by_complex_step(z, y):
    """The imaginary part of the loss at z + ih, divided by h: no difference is taken, so h can be tiny."""
    rows = np.arange(len(y))
    shifted = z - z.max(axis=1, keepdims=True)
    result = np.empty_like(z)
    for c in range(z.shape[1]):
        step = shifted + 1e-30j * np.eye(z.shape[1])[c]
        result[:, c] = (np.log(np.exp(step).sum(axis=1)) - step[rows, y]).imag / 1e-30
    return result / len(y)


def newton_as_least_squares(x, w, y):
    """Weighted least squares of a working response, as statistics books write it."""
    p = 1 / (1 + np.exp(-x @ w))
    root = np.sqrt(p * (1 - p))
    response = x @ w + (y - p) / (p * (1 - p))
    return np.linalg.lstsq(root[:, None] * x, root * response, rcond=None)[0]


def newton_by_loops(x, w, y):
    d = len(w)
    gradient, hessian = np.zeros(d), np.zeros((d, d))
    for row, label in zip(x, y, strict=True):
        p = 1 / (1 + math.exp(-sum(a * b for a, b in zip(row, w, strict=True))))
        gradient += (p - label) * row
        hessian += p * (1 - p) * np.outer(row, row)
    return w - np.linalg.pinv(hessian) @ gradient


def curvature_with_the_matrix(z, v):
    result = np.empty(len(z))
    for i, (row, direction) in enumerate(zip(z, v, strict=True)):
        p = np.exp(row - row.max())
        p /= p.sum()
        result[i] = direction @ (np.diag(p) - np.outer(p, p)) @ direction
    return result


def curvature_by_autograd(z, v):
    z, v = torch.tensor(z), torch.tensor(v)
    products = torch.func.jvp(torch.func.grad(lambda z: torch.logsumexp(z, dim=1).sum()), (z,), (v,))[1]
    return (products * v).sum(dim=1)


def newton_by_inverse(x, w, y):
    p = 1 / (1 + np.exp(-(x @ w)))
    return w - np.linalg.inv(x.T @ np.diag(p * (1 - p)) @ x) @ x.T @ (p - y)


def newton_by_autograd(x, w, y):
    x, w, y = torch.tensor(x), torch.tensor(w), torch.tensor(y)

    def loss(w):
        return F.binary_cross_entropy_with_logits(x @ w, y)

    return w - torch.linalg.solve(torch.func.hessian(loss)(w), torch.func.grad(loss)(w))


def curvature_as_difference(z, v):
    p = torch.softmax(torch.tensor(z), 1).numpy()
    return (p * v**2).sum(axis=1) - (p * v).sum(axis=1) ** 2


def curvature_by_loops(z, v):
    result = []
    for row, direction in zip(z, v, strict=True):
        p = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        result.append(float(np.average((direction - np.average(direction, weights=p)) ** 2, weights=p)))
    return result


RIGHT = {
    "4.1": [
        gradient_by_autograd,
        gradient_by_loops,
        gradient_in_place,
        gradient_by_torch,
        gradient_by_complex_step,
    ],
    "4.2": [
        newton_by_inverse,
        newton_by_autograd,
        newton_as_least_squares,
        newton_by_loops,
    ],
    "4.3": [
        curvature_as_difference,
        curvature_by_loops,
        curvature_with_the_matrix,
        curvature_by_autograd,
    ],
}
