"""Chapter 7's exercises, answered rightly in other ways."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import torch
from scipy import optimize, special
from torch.nn import functional as F

from xent_helpers import calibration, losses


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


def ece_pandas(claimed, came_true, bins):
    table = pd.DataFrame({"s": claimed, "y": came_true, "b": np.minimum((claimed * bins).astype(int), bins - 1)})
    means = table.groupby("b").agg(n=("s", "size"), s=("s", "mean"), y=("y", "mean"))
    return (means.n * (means.y - means.s).abs()).sum() / len(table)


def nll_log_sum_exp(z, y, T):
    return np.mean(np.log(np.exp((z - z[np.arange(len(y)), y][:, None]) / T).sum(axis=1)))


def nll_power_of_probabilities(z, y, T):
    p = special.softmax(z, axis=1) ** (1 / T)
    return -np.log((p / p.sum(axis=1, keepdims=True))[np.arange(len(y)), y]).mean()


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


def report_by_search(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """Another search for the bottom of the bowl."""
    fit = optimize.minimize_scalar(lambda u: losses.cross_entropy(z_valid * np.exp(u), y_valid), (-1.0, 0.0), tol=1e-10)
    return losses.cross_entropy(z_test * np.exp(fit.x), y_test)


def report_by_loop(z_train, y_train, z_valid, y_valid, z_test, y_test):
    T = calibration.fit_temperature(z_valid, y_valid)
    p = losses.softmax(z_test / T)
    return sum(-math.log(row[label]) for row, label in zip(p, y_test, strict=True)) / len(y_test)


def unweighted_einsum(p, w):
    q = np.einsum("nc,c->nc", p, 1 / w)
    return np.einsum("nc,n->nc", q, 1 / np.einsum("nc->n", q))


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
        Fraction(50, 50 + 20_000),
        torch.tensor(1 / 401, dtype=torch.float64),
        1 / (1 + math.exp(math.log(20_000) - math.log(50))),
    ],
    "7.2": [
        ece_loop,
        ece_torch,
        ece_histogram,
        ece_pandas,
        calibration.expected_calibration_error,
    ],
    "7.3": [
        nll_torch,
        nll_scipy,
        nll_loop,
        nll_log_sum_exp,
        nll_power_of_probabilities,
    ],
    "7.4": [
        report_torch,
        report_by_margins,
        report_by_search,
        report_by_loop,
    ],
    "7.5": [
        unweighted_loop,
        unweighted_torch,
        unweighted_einsum,
        lambda p, w: calibration.shift_prior_probs(p, w, np.ones(len(w))),
    ],
}
