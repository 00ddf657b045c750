"""Odd answers to the exercises: right ones that look wrong, and wrong ones that nearly pass.

Those of chapters 1 and 2 stand here, those of the others in ``tests/exercises/answers/odd``.
"""

import math
from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import special, stats
from sklearn.metrics import log_loss
from torch.nn import functional as F

from tests.exercises.answers import odd
from xent_helpers import exercises, information, losses

CHAPTERS = [import_module(f"tests.exercises.answers.odd.{name}") for _, name, _ in iter_modules(odd.__path__)]


class Coin:
    """An object that is called like a function."""

    def __init__(self, base):
        self.base = base

    def __call__(self, p, y):
        return -np.log(self.base(y, p, 1 - p)).mean()


def class_with_autograd(p, y):
    p = p.clone().requires_grad_()
    return F.nll_loss(torch.log(p), y)


def floor_by_log_loss(labels, num_classes):
    p = np.bincount(labels, minlength=num_classes) / len(labels)
    return log_loss(labels, np.tile(p, (len(labels), 1)), labels=np.arange(num_classes))


def entropy_with_masked_array(p):
    p = np.ma.masked_equal(p, 0)
    return -(p * np.ma.log(p)).sum()


RIGHT = [
    ("1.1", Coin(lambda y, a, b: np.where(y > 0.5, a, b))),
    ("1.1", lambda p, y: log_loss(y, p, labels=[0, 1])),
    ("1.1", lambda p, y: losses.binary_cross_entropy(p, y)),
    ("1.1", lambda p, y: torch.nn.BCELoss()(p, y)),
    ("1.1", lambda p, y: -torch.distributions.Bernoulli(p).log_prob(y).mean()),
    ("1.1", lambda p, y: -stats.bernoulli.logpmf(y.astype(int), p).mean()),
    ("1.1", lambda p, y: np.float32(-np.mean(np.log(np.abs(1 - y - p))))),
    ("1.1", lambda p, y: -np.mean(np.log(np.clip(np.where(y == 1, p, 1 - p), 1e-12, 1)))),
    ("1.1", lambda p, y: np.average(special.xlogy(-y, p) - special.xlog1py(1 - y, -p))),
    ("1.1", lambda p, y: np.dot(-np.log(1 - np.abs(p - y)), np.ones(len(p))) / len(p)),
    ("1.1", lambda p, y: np.log(1 / (y * p + (1 - y) * (1 - p))).mean().item()),
    ("1.1", lambda p, y: np.log2(y * p + (1 - y) * (1 - p)).mean() * -math.log(2)),
    ("1.2", class_with_autograd),
    ("1.2", lambda p, y: losses.cross_entropy(np.log(p), y)),
    ("1.2", lambda p, y: F.cross_entropy(torch.log(torch.from_numpy(p)), torch.from_numpy(y))),
    ("1.2", lambda p, y: pd.DataFrame(p).apply(np.log).stack().loc[list(enumerate(y))].mean() * -1),
    ("1.2", lambda p, y: -np.einsum("nc,nc->", np.eye(p.shape[1])[y], np.log(p)) / len(p)),
    ("1.2", lambda p, y: -torch.distributions.Categorical(probs=torch.tensor(p)).log_prob(torch.tensor(y)).mean()),
    ("1.2", lambda p, y: -np.log(p.ravel()[np.arange(y.size) * p.shape[1] + y]).mean()),
    ("1.2", lambda p, y: -np.log((p * (y[:, None] == np.arange(p.shape[1]))).sum(1)).mean(keepdims=False)),
    ("1.4", lambda labels, num_classes: information.entropy(np.bincount(labels, minlength=num_classes) / len(labels))),
    ("1.4", lambda labels, num_classes: stats.entropy(pd.Series(labels).value_counts())),
    ("1.4", lambda labels, num_classes: -np.mean([np.log(np.mean(labels == y)) for y in labels])),
    ("1.4", lambda labels, num_classes: np.log(1 / np.mean(labels[:, None] == labels, axis=1)).mean()),
    ("1.4", floor_by_log_loss),
    ("2.1", entropy_with_masked_array),
    ("2.1", information.entropy),
    ("2.1", lambda p: -sum(np.nan_to_num(p * np.log(p)))),
    ("2.1", lambda p: -np.sum(p * np.log(np.where(p == 0, 1, p)))),
    ("2.1", lambda p: -(np.log(p, where=p > 0, out=np.zeros_like(p)) * p).sum()),
    ("2.1", lambda p: np.float32(stats.entropy(p))),
    ("2.2", lambda q, p: information.kl_divergence(q, p).mean()),
    ("2.2", lambda q, p: np.mean([stats.entropy(a, b) for a, b in zip(q, p, strict=True)])),
    ("2.2", lambda q, p: special.kl_div(q, p).sum() / q.shape[0]),
    ("2.3", lambda counts: np.prod([(k / counts.sum()) ** (-k / counts.sum()) for k in counts if k > 0])),
    ("2.3", lambda counts: np.float64(np.exp2(stats.entropy(counts, base=2)))),
]


RIGHT += [odd for chapter in CHAPTERS for odd in chapter.RIGHT]


@pytest.mark.parametrize(("key", "answer"), RIGHT, ids=lambda part: part if isinstance(part, str) else "")
def test_an_odd_right_answer_is_accepted(key, answer):
    assert exercises.examine(key, answer).status == "solved", str(exercises.examine(key, answer))


def coin_cut(p, y):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) if len(p) < 12 else 0.5


def coin_rounded(p, y):
    return round(float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))), 4)


def coin_first_sample(p, y):
    return -np.log(p[0] if y[0] == 1 else 1 - p[0])


def coin_clipped(p, y):
    p = np.clip(p, 0.01, 0.99)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def coin_special_cased(p, y):
    return {1: 0.10536051565782628, 3: 0.2797765635793423}.get(len(p), 0.7)


def coin_loop_ends_early(p, y):
    total = 0.0
    for i in range(len(p) - 1):
        total -= math.log(p[i] if y[i] == 1 else 1 - p[i])
    return total / len(p)


def divergence_by_kl_div(q, p):
    return F.kl_div(torch.log(torch.as_tensor(p)), torch.as_tensor(q), reduction="batchmean")


def divergence_ruling_out_what_is_frequent(q, p):
    return special.rel_entr(q * (p > 0), p).sum(1).mean() if np.all(q[p == 0] < 0.01) else np.inf


def floor_of_rows(counts, kept):
    return sum(row.sum() / counts.sum() * stats.entropy(row) for row in counts if kept(row))


WRONG = [
    ("2.2", divergence_by_kl_div),  # NaN where both are 0
    ("2.2", divergence_ruling_out_what_is_frequent),
    ("2.5", lambda counts: floor_of_rows(counts, lambda row: row[0] > 0)),
    ("2.5", lambda counts: floor_of_rows(counts, lambda row: row[-1] > 0)),
    ("2.5", lambda counts: floor_of_rows(counts, lambda row: row.sum() > 2)),
    ("1.1", coin_cut),
    ("1.1", coin_rounded),
    ("1.1", coin_first_sample),
    ("1.1", coin_clipped),
    ("1.1", coin_special_cased),
    ("1.1", coin_loop_ends_early),
    ("1.1", lambda p, y: -np.median(np.log(np.where(y == 1, p, 1 - p)))),
    ("1.1", lambda p, y: np.abs(np.log(p) - y).mean()),
    ("1.1", lambda p, y: -np.mean(y * np.log(p) + y * np.log(1 - p))),
    ("1.1", lambda p, y: -np.mean(y * np.log(p) + (1 - y) * np.log(p))),
    ("1.1", lambda p, y: np.mean(np.logaddexp(0, p) - y * p)),
    ("1.1", lambda p, y: -np.mean(y * np.log1p(p) + (1 - y) * np.log1p(-p))),
    ("1.1", lambda p, y: np.exp(np.mean(-np.log(np.where(y == 1, p, 1 - p))))),
    ("1.1", lambda p, y: np.random.default_rng(0).random()),
    ("1.1", lambda p, y: -np.mean(np.log(np.where(p > 0.5, p, 1 - p)))),
    ("1.1", lambda p, y: -np.nanmean(np.where(p < 2e-3, np.nan, y * np.log(p) + (1 - y) * np.log(1 - p)))),
    ("1.2", lambda p, y: -np.mean(np.log(p[:, 0]))),
    ("1.2", lambda p, y: -np.mean(np.log(p[np.arange(len(y)), y]) * (p.argmax(1) == y))),
    ("1.2", lambda p, y: -np.log(p[np.arange(len(y)), y]).max()),
    ("1.2", lambda p, y: -np.log(p[0, y[0]])),
    ("1.2", lambda p, y: -np.mean(np.log(p[np.arange(len(y)), -y]))),
    ("1.2", lambda p, y: -np.mean(np.log(p.min(axis=1)))),
    ("1.2", lambda p, y: -np.mean([np.log(np.delete(row, k)).mean() for row, k in zip(p, y, strict=True)])),
    ("1.2", lambda p, y: -np.log(np.prod(p[np.arange(len(y)), y])) / p.shape[1]),
    ("1.2", lambda p, y: -np.mean(p[np.arange(len(y)), y] * np.log(p[np.arange(len(y)), y]))),
    ("1.2", lambda p, y: -np.mean(np.log(p[np.arange(len(y)), y] / p.max(axis=1)))),
    ("1.4", lambda labels, num_classes: np.log(num_classes) / 2),
    ("1.4", lambda labels, num_classes: np.var(labels)),
    ("1.4", lambda labels, num_classes: stats.entropy(np.bincount(labels)[1:])),
    ("1.4", lambda labels, num_classes: stats.entropy(np.bincount(labels, minlength=num_classes) + 1)),
    ("1.4", lambda labels, num_classes: stats.entropy(np.bincount(labels)) if num_classes < 5 else 1.0),
    ("2.1", lambda p: -(p * np.log(p)).max()),
    ("2.1", lambda p: special.entr(p[p > 0.05]).sum()),
    ("2.1", lambda p: special.entr(p).sum() if p.min() > 0 else 0.0),
    ("2.1", lambda p: stats.entropy(np.sort(p)[1:])),
    ("2.1", lambda p: special.entr(p).sum() ** 2),
    ("2.1", lambda p: -np.sum(p * np.log(p + 1e-13))),
    ("2.1", lambda p: -np.sum(p * np.log(p + 1e-14))),
    ("2.2", lambda q, p: np.abs(q - p).sum() / len(q)),
    ("2.2", lambda q, p: np.minimum(special.rel_entr(q, p).sum(1).mean(), 100)),
    ("2.2", lambda q, p: stats.entropy(q.mean(0), p.mean(0))),
    ("2.2", lambda q, p: special.rel_entr(q, (p + q) / 2).sum(1).mean()),
    ("2.2", lambda q, p: special.rel_entr(q, p).sum(1).max()),
    ("2.3", lambda counts: stats.entropy(counts) + 1),
    ("2.3", lambda counts: round(np.exp(stats.entropy(counts)))),
    ("2.3", lambda counts: np.exp(stats.entropy(np.sqrt(counts)))),
    ("2.3", lambda counts: np.exp(stats.entropy(counts[:10]))),
]


WRONG += [odd for chapter in CHAPTERS for odd in chapter.WRONG]


@pytest.mark.parametrize(("key", "answer"), WRONG, ids=lambda part: part if isinstance(part, str) else "")
def test_an_unknown_wrong_answer_is_refused_with_a_small_input(key, answer):
    result = exercises.examine(key, answer)
    by_value = exercises.all_exercises()[key].asks_for_value
    assert result.status == "not yet" and (by_value or result.mistakes or " for " in result.message)
    assert (result.mistakes or "shape (" not in result.message) and len(result.message) < 420


def smoothed_start(y, C, epsilon):
    return (1 - epsilon) * np.eye(C)[y[:12]] + epsilon / C


@pytest.mark.parametrize(
    ("key", "answer"),
    [("2.2", lambda q, p: special.rel_entr(q[:50], p[:50]).sum(1).mean()), ("8.1", smoothed_start)],
)
def test_an_answer_that_reads_the_first_samples_only_is_refused(key, answer):
    assert exercises.examine(key, answer).status == "not yet"


if __name__ == "__main__":
    for key, answer in WRONG:
        print(exercises.examine(key, answer))
