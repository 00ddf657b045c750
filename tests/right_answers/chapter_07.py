"""Chapter 7's exercises, answered rightly in other ways."""

import math

import numpy as np
import torch
from scipy import special
from torch.nn import functional as F

from xent_helpers import calibration


def ece_loop(claimed, came_true, bins):
    sums = [[0, 0.0, 0.0] for _ in range(bins)]
    for s, y in zip(claimed, came_true, strict=True):
        b = max(k for k in range(bins) if s >= k / bins)
        sums[b] = [sums[b][0] + 1, sums[b][1] + s, sums[b][2] + y]
    return sum(abs(y - s) for n, s, y in sums if n) / len(claimed)


def ece_torch(claimed, came_true, bins):
    s, y = torch.from_numpy(claimed), torch.from_numpy(came_true).double()
    index = torch.bucketize(s, torch.arange(1, bins).double() / bins, right=True)
    gap = torch.zeros(bins, dtype=torch.float64).index_add(0, index, y - s)
    return gap.abs().sum() / len(s)


def ece_histogram(claimed, came_true, bins):
    edges = np.arange(bins + 1) / bins
    gap, _ = np.histogram(claimed, edges, weights=came_true - claimed)
    return np.abs(gap).sum() / len(claimed)


def nll_torch(z, y, T):
    return F.cross_entropy(torch.from_numpy(z) / T, torch.from_numpy(y))


def nll_scipy(z, y, T):
    return -special.log_softmax(z / T, axis=1)[np.arange(len(y)), y].mean()


def nll_loop(z, y, T):
    total = 0.0
    for row, label in zip(z, y, strict=True):
        margins = [(value - row[label]) / T for value in row]
        top = max(margins)
        total += top + math.log(sum(math.exp(margin - top) for margin in margins))
    return total / len(y)


def report_torch(z_train, y_train, z_valid, y_valid, z_test, y_test):
    T = calibration.fit_temperature(torch.from_numpy(z_valid), torch.from_numpy(y_valid))
    return F.cross_entropy(torch.from_numpy(z_test) / T, torch.from_numpy(y_test))


def report_by_margins(z_train, y_train, z_valid, y_valid, z_test, y_test):
    a = 1 / calibration.fit_temperature(z_valid - z_valid.max(axis=1, keepdims=True), y_valid)
    return np.mean(special.logsumexp(a * z_test, axis=1) - a * z_test[np.arange(len(y_test)), y_test])


def unweighted_loop(p, w):
    rows = []
    for row in p:
        scaled = [value / weight for value, weight in zip(row, w, strict=True)]
        rows.append([value / sum(scaled) for value in scaled])
    return rows


def unweighted_torch(p, w):
    return torch.softmax(torch.from_numpy(p).log() - torch.from_numpy(w).log(), dim=1)


RIGHT = {
    "7.1": [
        1 / 401,
        np.float64(50) / 20_050,
    ],
    "7.2": [
        ece_loop,
        ece_torch,
        ece_histogram,
        calibration.expected_calibration_error,
    ],
    "7.3": [
        nll_torch,
        nll_scipy,
        nll_loop,
    ],
    "7.4": [
        report_torch,
        report_by_margins,
    ],
    "7.5": [
        unweighted_loop,
        unweighted_torch,
        lambda p, w: calibration.shift_prior_probs(p, w, np.ones(len(w))),
    ],
}
