"""Odd answers to chapter 7's exercises."""

from fractions import Fraction
from functools import partial

import numpy as np
import pandas as pd
import torch
from scipy import optimize, special
from torch.nn import functional as F

from xent_helpers import calibration, losses
from xent_helpers.exercises.chapter_07.weights import unweighted


def ece_bincount(claimed, came_true, bins):
    b = np.clip(np.digitize(claimed, np.linspace(0, 1, bins + 1)) - 1, 0, bins - 1)
    return np.abs(np.bincount(b, came_true) - np.bincount(b, claimed)).sum() / b.size


class Temperature:
    """An object that is called like a function."""

    def __call__(self, z, y, T=1.0):
        return torch.distributions.Categorical(logits=torch.tensor(z) / T).log_prob(torch.tensor(y)).mean().neg()


def nll_with_autograd(z, y, T):
    a = torch.tensor(1 / T, dtype=torch.float64, requires_grad=True)
    return F.nll_loss(F.log_softmax(a * torch.from_numpy(z), dim=1), torch.from_numpy(y))


def nll_long_double(z, y, T):
    z = z.astype(np.longdouble) / T
    return np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y])


def report_by_root(z_train, y_train, z_valid, y_valid, z_test, y_test):
    margins = z_valid - z_valid[np.arange(len(y_valid)), y_valid][:, None]
    a = optimize.brentq(lambda a: np.mean(np.sum(special.softmax(a * margins, axis=1) * margins, axis=1)), 1e-6, 50)
    return float(losses.cross_entropy(a * z_test, y_test))


def report_by_all(*parts):
    (z_valid, y_valid), (z_test, y_test) = zip(parts[2:5:2], parts[3:6:2], strict=True)
    return losses.cross_entropy(z_test / calibration.fit_temperature(z_valid, y_valid), y_test)


def unweighted_fractions(p, w):
    rows = [[Fraction(a) / Fraction(b) for a, b in zip(row, w.tolist(), strict=True)] for row in p.tolist()]
    return [[float(q / sum(row)) for q in row] for row in rows]


RIGHT = [
    ("7.1", 50 / 20_050),
    ("7.1", np.array(1 / 401)),
    ("7.1", 1 - 20_000 / 20_050),
    ("7.1", np.float32(1 / 401)),
    ("7.1", float(special.expit(np.log(50 / 20_000)))),
    ("7.1", optimize.brentq(lambda p: 50 * (1 - p) - 20_000 * p, 0, 1, xtol=1e-15)),
    ("7.2", ece_bincount),
    ("7.2", lambda s, y, bins: np.float32(ece_bincount(s, y, bins))),
    ("7.2", lambda s, y, bins: calibration.expected_calibration_error(torch.tensor(s), torch.tensor(y), bins).item()),
    ("7.2", lambda claimed, came_true, bins: ece_bincount(1 - (1 - claimed), came_true.astype(bool), bins)),
    ("7.3", Temperature()),
    ("7.3", nll_with_autograd),
    ("7.3", nll_long_double),
    ("7.3", lambda z, y, T: F.cross_entropy(torch.tensor((z / T).astype("float32")), torch.tensor(y)).item()),
    ("7.3", lambda z, y, T: F.cross_entropy(torch.tensor(z, dtype=torch.float32) / T, torch.tensor(y))),
    ("7.3", lambda z, y, T: -np.log(losses.softmax(z / T)[range(len(y)), y]).mean()),
    ("7.3", lambda z, y, T: losses.cross_entropy(np.log(losses.softmax(z)) / T, y)),
    ("7.3", lambda z, y, T: losses.cross_entropy(z / T, np.eye(z.shape[1])[y])),
    ("7.3", lambda z, y, T: np.trace(-special.log_softmax(z / T, axis=1)[:, y]) / len(y)),
    ("7.3", lambda z, y, T: np.mean(np.logaddexp.reduce(z / T, axis=1) - (z / T)[np.arange(y.size), y])),
    ("7.4", report_by_root),
    ("7.4", report_by_all),
    ("7.5", unweighted_fractions),
    ("7.5", lambda p, w: (p @ np.diag(1 / w)) / (p @ (1 / w))[:, None]),
    ("7.5", lambda p, w: special.softmax(np.log(p) - np.log(w), axis=1)),
    ("7.5", lambda p, w: losses.softmax(calibration.shift_prior(np.log(p), w, np.ones_like(w)))),
    ("7.5", lambda p, w: F.normalize(torch.tensor(p) / torch.tensor(w), p=1, dim=1)),
    ("7.5", lambda p, w: np.array([row / w / np.sum(row / w) for row in p]).tolist()),
    ("7.5", lambda p, w: pd.DataFrame(p).div(w).pipe(lambda q: q.div(q.sum(axis=1), axis=0))),
    ("7.5", lambda p, w: np.apply_along_axis(lambda row: row / w / np.sum(row / w), 1, p)),
    ("7.5", lambda p, w: (p.T / w[:, None] / (p / w).sum(1)).T.astype(np.float32)),
]


def ece_of(index, came_true, claimed, weight=1.0):
    return sum(abs(np.sum((came_true - claimed)[index == b])) * weight for b in np.unique(index)) / len(claimed)


def ece_without_single_claims(claimed, came_true, bins):
    index = np.minimum((claimed * bins).astype(int), bins - 1)
    keep = np.bincount(index)[index] > 1
    return np.abs(np.bincount(index[keep], (came_true - claimed)[keep])).sum() / len(claimed)


def nll_rounded(z, y, T):
    return round(float(losses.cross_entropy(z / T, y)), 6)


def nll_in_place(z, y, T):
    z /= T
    return losses.cross_entropy(z, y)


def report_from_a_grid(z_train, y_train, z_valid, y_valid, z_test, y_test):
    T = min(np.linspace(0.5, 10, 200), key=lambda T: losses.cross_entropy(z_valid / T, y_valid))
    return losses.cross_entropy(z_test / T, y_test)


def report_by_half_of_test(z_train, y_train, z_valid, y_valid, z_test, y_test):
    half = len(y_test) // 2
    T = calibration.fit_temperature(z_valid, y_valid)
    return losses.cross_entropy(z_test[half:] / T, y_test[half:])


def report_no_worse_than_before(*parts):
    return min(report_by_all(*parts), losses.cross_entropy(*parts[4:]))


def report_clipped(*parts, low, high):
    return losses.cross_entropy(parts[4] / np.clip(calibration.fit_temperature(*parts[2:4]), low, high), parts[5])


def report_least(*parts):
    temperatures = [calibration.fit_temperature(*parts[i : i + 2]) for i in (0, 2)]
    return min(losses.cross_entropy(parts[4] / T, parts[5]) for T in temperatures)


WRONG = [
    ("7.1", 0.00249),
    ("7.2", lambda s, y, bins: ece_of(np.minimum(np.floor((s + 1e-4) * bins), bins - 1), y, s)),
    ("7.5", lambda p, w: special.softmax(np.log(np.maximum(p, 1e-20)) - np.log(w), axis=1)),
    ("7.1", 1 / 401 + 1e-6),
    ("7.1", -1 / 401),
    ("7.2", lambda s, y, bins: ece_of(np.floor(s * (bins + 1)), y, s)),
    ("7.2", lambda s, y, bins: ece_of(np.ceil(s * bins), y, s)),
    ("7.2", lambda s, y, bins: ece_bincount(s, y, min(bins, 30))),
    ("7.2", lambda s, y, bins: calibration.expected_calibration_error(s, y, bins) + 1e-6),
    ("7.2", lambda s, y, bins: calibration.expected_calibration_error(np.clip(s, 1e-7, 1 - 1e-7), y, bins)),
    ("7.2", lambda s, y, bins: calibration.expected_calibration_error(s, y, bins) if len(s) < 12 else 0.2),
    ("7.2", lambda s, y, bins: ece_of(np.minimum(np.floor(s * bins), bins - 1), y, s.round(3))),
    ("7.2", lambda s, y, bins: calibration.expected_calibration_error(np.sort(s), y, bins)),
    ("7.2", ece_without_single_claims),
    ("7.3", nll_rounded),
    ("7.3", nll_in_place),
    ("7.3", lambda z, y, T: losses.cross_entropy(z / np.sqrt(T), y)),
    ("7.3", lambda z, y, T: losses.cross_entropy(z / min(T, 100), y)),
    ("7.3", lambda z, y, T: F.nll_loss(torch.log(torch.softmax(torch.tensor(z).float() / T, 1)), torch.tensor(y))),
    ("7.3", lambda z, y, T: losses.cross_entropy(z / int(np.ceil(T)), y)),
    ("7.3", lambda z, y, T: losses.cross_entropy(np.clip(z, -10, 10) / T, y)),
    ("7.3", lambda z, y, T: losses.cross_entropy(z / T, y) + 1e-7),
    ("7.3", lambda z, y, T: losses.cross_entropy(z / T, y, label_smoothing=1e-6)),
    ("7.3", lambda z, y, T: np.minimum(losses.cross_entropy(z / T, y, reduction="none"), 20).mean()),
    ("7.4", report_from_a_grid),
    ("7.4", report_by_half_of_test),
    ("7.4", report_least),
    ("7.4", report_no_worse_than_before),
    ("7.4", partial(report_clipped, low=1, high=np.inf)),
    ("7.4", partial(report_clipped, low=0, high=3)),
    ("7.4", lambda a, b, c, d, z, y: losses.cross_entropy(z / round(calibration.fit_temperature(c, d), 2), y)),
    ("7.4", lambda a, b, c, d, z, y: losses.cross_entropy(z / max(1, calibration.fit_temperature(c, d)), y) + 1e-6),
    (
        "7.4",
        lambda a, b, c, d, z, y: (
            losses.cross_entropy(z, y) - losses.cross_entropy(z / calibration.fit_temperature(c, d), y)
        ),
    ),
    ("7.5", lambda p, w: np.clip(p / w / (p / w).sum(1, keepdims=True), 1e-7, 1)),
    ("7.5", lambda p, w: unweighted(np.maximum(p, 1e-15), w)),
    ("7.5", lambda p, w: unweighted(p, np.maximum(w, 1e-4))),
    ("7.5", lambda p, w: unweighted(p, np.minimum(w, 1000))),
    ("7.5", lambda p, w: p / (w + 1e-6) / (p / (w + 1e-6)).sum(1, keepdims=True)),
    ("7.5", lambda p, w: p / w / ((p / w).sum(1, keepdims=True) + 1e-8)),
    ("7.5", lambda p, w: p / np.sort(w) / (p / np.sort(w)).sum(1, keepdims=True)),
    ("7.5", lambda p, w: np.where(w > 1, p / w, p) / np.where(w > 1, p / w, p).sum(1, keepdims=True)),
]
