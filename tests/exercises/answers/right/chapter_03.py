"""Chapter 3's exercises, answered rightly in other ways."""

import math

import numpy as np
import torch
from scipy import special
from torch.nn import functional as F

from xent_helpers import losses


def softmax_loop(z):
    rows = []
    for row in z:
        weights = [math.exp(score - max(row)) for score in row]
        rows.append([weight / sum(weights) for weight in weights])
    return rows


def binary_loop(z, y):
    return [(1 - b) * max(a, 0) + b * max(-a, 0) + math.log1p(math.exp(-abs(a))) for a, b in zip(z, y, strict=True)]


def binary_by_logaddexp(z, y):
    return y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)


def cross_entropy_loop(z, y):
    result = []
    for row, label in zip(z.tolist(), y, strict=True):
        s = max(row)
        result.append(s - row[label] + math.log(sum(math.exp(score - s) for score in row)))
    return result


def cross_entropy_in_place(z, y):
    """The plain shifted form in the type that comes in."""
    s = z.max(axis=1, keepdims=True)
    log_p = (z - s) - np.log(np.exp(z - s).sum(axis=1, keepdims=True))
    return -np.take_along_axis(log_p, y[:, None], axis=1)[:, 0]


def softmax_by_logaddexp(z):
    return np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))


def softmax_by_differences(z):
    """1 over the sum of exp(z_k − z_c): an exponential that overflows gives a probability of 0, as it should."""
    return 1 / np.exp(z[:, None, :] - z[:, :, None]).sum(axis=2)


def binary_by_branches(z, y):
    e = np.exp(np.where(z < 0, z, -z))
    return np.where(z < 0, -y * z, (1 - y) * z) + np.log1p(e)


def binary_as_two_classes(z, y):
    log_p = torch.log_softmax(torch.stack([torch.zeros(len(z)).double(), torch.from_numpy(z)], dim=1), dim=1)
    return -(1 - torch.from_numpy(y)) * log_p[:, 0] - torch.from_numpy(y) * log_p[:, 1]


def cross_entropy_by_differences(z, y):
    z = z.astype(np.float64)
    return special.logsumexp(z - z[np.arange(len(y)), y][:, None], axis=1)


def cross_entropy_in_double(z, y):
    z = torch.from_numpy(z).double()
    return torch.logsumexp(z, dim=1) - z.gather(1, torch.from_numpy(y)[:, None])[:, 0]


def log10_by_sorted_margins(z, y):
    margins = np.stack([np.delete(row - row[label], label) for row, label in zip(z, y, strict=True)])
    return np.log10(np.logaddexp(0, np.logaddexp.reduce(margins, axis=1)))


def log10_by_scipy(z, y):
    return np.log10(special.logsumexp(z - z[np.arange(len(y)), y][:, None], axis=1))


def log10_by_torch(z, y):
    z, y = torch.from_numpy(z), torch.from_numpy(y)[:, None]
    others = z.scatter(1, y, -torch.inf).logsumexp(dim=1) - z.gather(1, y)[:, 0]
    return torch.where(others > 0, others + torch.log1p(torch.exp(-others)), torch.log1p(torch.exp(others))).log10()


def log10_loop(z, y):
    result = []
    for row, label in zip(z.tolist(), y, strict=True):
        margins = [score - row[label] for c, score in enumerate(row) if c != label]
        s = max(margins)
        if s < 0:
            loss = math.log1p(sum(map(math.exp, margins)))
        else:
            loss = s + math.log(math.exp(-s) + sum(math.exp(margin - s) for margin in margins))
        result.append(math.log10(loss))
    return result


RIGHT = {
    "3.1": [
        softmax_loop,
        lambda z: torch.softmax(torch.from_numpy(z), dim=1),
        lambda z: torch.softmax(torch.from_numpy(z).float(), dim=1),
        lambda z: special.softmax(z, axis=1),
        softmax_by_logaddexp,
        softmax_by_differences,
    ],
    "3.2": [
        12 * math.log(10),
        torch.log(torch.tensor(1e12, dtype=torch.float64)),
        -math.log(0 + 1e-12),
        np.log(1e12),
        27.631021115928547,
    ],
    "3.3": [
        binary_loop,
        binary_by_logaddexp,
        binary_by_branches,
        binary_as_two_classes,
        lambda z, y: F.binary_cross_entropy_with_logits(torch.from_numpy(z), torch.from_numpy(y), reduction="none"),
    ],
    "3.4": [
        cross_entropy_loop,
        cross_entropy_in_place,
        cross_entropy_by_differences,
        cross_entropy_in_double,
        lambda z, y: F.cross_entropy(torch.from_numpy(z), torch.from_numpy(y), reduction="none"),
    ],
    "3.5": [
        log10_loop,
        log10_by_sorted_margins,
        log10_by_scipy,
        log10_by_torch,
        lambda z, y: np.log10(losses.cross_entropy(z, y, reduction="none")),
    ],
}
