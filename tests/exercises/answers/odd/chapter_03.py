"""Odd answers to the exercises of chapter 3."""

import math
from decimal import Decimal, localcontext
from functools import partial, reduce

import numpy as np
import pandas as pd
import torch
from scipy import special
from torch import nn
from torch.nn import functional as F

from xent_helpers import losses
from xent_helpers.exercises.chapter_03.binary import stable_binary_loss as binary
from xent_helpers.exercises.chapter_03.cross_entropy import shifted_cross_entropy as cross_entropy
from xent_helpers.exercises.chapter_03.log_loss import log10_loss as log10
from xent_helpers.exercises.chapter_03.softmax import stable_softmax as softmax


class Softmax(nn.Module):
    def forward(self, z):
        return nn.Softmax(dim=-1)(z)


def softmax_in_decimals(z):
    with localcontext(prec=30):
        weights = [[Decimal(float(score)).exp() for score in row] for row in z]
        return [[float(weight / sum(row)) for weight in row] for row in weights]


def softmax_as_a_gradient(z):
    z = z.clone().requires_grad_()
    torch.logsumexp(z, 1).sum().backward()
    return z.grad


def softmax_of_a_matrix(z):
    z = np.matrix(z)
    return np.exp(z - z.max(axis=1)) / np.exp(z - z.max(axis=1)).sum(axis=1)


def cross_entropy_folded(z, y):
    return reduce(np.logaddexp, (z - np.take_along_axis(z, y[:, None], 1)).T)


def cross_entropy_times_one_hot(z, y):
    """The one-hot rows are float64, and what float32 has rounded stays rounded."""
    return -np.einsum("nc,nc->n", np.eye(z.shape[1])[y], special.log_softmax(z, axis=1))


RIGHT = [
    ("3.1", Softmax()),
    ("3.1", softmax_in_decimals),
    ("3.1", softmax_as_a_gradient),
    ("3.1", softmax_of_a_matrix),
    ("3.1", partial(special.softmax, axis=-1)),
    ("3.1", lambda z: np.apply_along_axis(special.softmax, 1, z)),
    ("3.1", lambda z: pd.DataFrame(z).apply(special.softmax, axis=1, result_type="broadcast")),
    ("3.1", lambda z: np.exp(z.astype(np.longdouble)) / np.exp(z.astype(np.longdouble)).sum(1, keepdims=True)),
    ("3.1", lambda z: softmax(z.astype(np.float32))),
    ("3.1", lambda z: softmax(np.clip(z - z.max(1, keepdims=True), -745, 0))),
    ("3.2", Decimal("27.631021115928547")),
    ("3.2", np.float32(12 * math.log(10))),
    ("3.3", lambda z, y: F.softplus(z) - z * y),  # linear beyond 20, which costs 2e-9
    ("3.3", lambda z, y: -(y * F.logsigmoid(z) + (1 - y) * F.logsigmoid(-z))),
    ("3.3", lambda z, y: -(y * special.log_expit(z) + (1 - y) * special.log_expit(-z))),
    ("3.3", nn.BCEWithLogitsLoss(reduction="none")),
    ("3.3", np.vectorize(lambda a, b: max(a, 0) - a * b + math.log1p(math.exp(-abs(a))))),
    ("3.3", lambda z, y: special.logsumexp(np.stack([np.zeros_like(z), z]), axis=0) - z * y),
    ("3.3", lambda z, y: np.maximum(z, 0) - z * y + np.log(1 + np.exp(-np.abs(z)))),
    ("3.3", lambda z, y: pd.Series(np.logaddexp(0, z) - y * z)),
    ("3.3", lambda z, y: np.log(1 + np.exp(z.astype(np.longdouble))) - y * z),
    ("3.4", cross_entropy_folded),
    ("3.4", cross_entropy_times_one_hot),
    ("3.4", lambda z, y: losses.cross_entropy(z, y, reduction="none")),
    ("3.4", lambda z, y: [special.logsumexp(row - row[label]) for row, label in zip(z, y, strict=True)]),
    ("3.4", lambda z, y: -torch.distributions.Categorical(logits=z.double()).log_prob(y)),
    ("3.4", lambda z, y: np.choose(y, -special.log_softmax(z, axis=1).T)),
    ("3.4", lambda z, y: np.log(np.exp(z.astype(np.longdouble)).sum(1)) - z[np.arange(len(y)), y]),
    ("3.5", lambda z, y: np.log10(losses.cross_entropy(z, y, reduction="none"))),
    ("3.5", lambda z, y: [math.log10(special.logsumexp(row - row[k])) for row, k in zip(z, y, strict=True)]),
]


def softmax_in_place(z):
    np.exp(z - z.max(1, keepdims=True), out=z)
    return z / z.sum(1, keepdims=True)


def softmax_of_the_first_row(z):
    return np.broadcast_to(softmax(z)[:1], z.shape)


def binary_through_both_sigmoids(z, y):
    return -(special.xlogy(y, special.expit(z)) + special.xlogy(1 - y, special.expit(-z)))


def cross_entropy_float32_of_the_sum(z, y):
    return special.logsumexp(z, axis=1) - z[np.arange(len(y)), y]


WRONG = [
    ("3.1", lambda z: softmax(z) * (softmax(z) > 1e-290)),
    ("3.1", softmax_in_place),
    ("3.1", softmax_of_the_first_row),
    ("3.1", lambda z: np.round(softmax(z), 9)),
    ("3.1", lambda z: softmax(z) * (1 - 1e-11)),
    ("3.1", lambda z: softmax(z) * (softmax(z) > 1e-12)),
    ("3.1", lambda z: softmax(z) if z.shape[1] > 2 else special.expit(z)),
    ("3.1", lambda z: softmax(z) if np.abs(z).max() < 1e3 else np.eye(z.shape[1])[z.argmax(axis=1)]),
    ("3.1", lambda z: softmax(z - z.max()) if np.ptp(z) > 0 else np.eye(z.shape[1])[np.zeros(len(z), int)]),
    ("3.1", lambda z: np.exp(np.minimum(z, 700)) / np.exp(np.minimum(z, 700)).sum(1, keepdims=True)),
    ("3.1", lambda z: softmax(z / np.maximum(1, np.abs(z).max() / 700))),
    ("3.1", lambda z: torch.exp(torch.tensor(z)) / torch.exp(torch.tensor(z)).sum(1)),
    ("3.1", lambda z: (1 + z + z**2 / 2) / (1 + z + z**2 / 2).sum(1, keepdims=True)),
    ("3.3", lambda z, y: binary(z, y) + 1e-8),
    ("3.3", lambda z, y: binary(z, np.round(y))),
    ("3.3", lambda z, y: np.where(np.abs(z) > 10, np.maximum(z, 0) - z * y, binary(z, y))),
    ("3.3", lambda z, y: np.where(z == 0, 0.0, binary(z, y))),
    ("3.3", lambda z, y: np.minimum(binary(z, y), 9000)),
    ("3.3", lambda z, y: np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)) + 1e-7)),
    ("3.3", binary_through_both_sigmoids),
    ("3.3", lambda z, y: binary(z.astype(np.float16), y)),
    ("3.3", lambda z, y: binary(z, y) if len(z) > 1 else binary(z, 1 - y)),
    ("3.3", lambda z, y: F.binary_cross_entropy(torch.sigmoid(z), y, reduction="none")),
    ("3.4", cross_entropy_float32_of_the_sum),
    ("3.4", lambda z, y: cross_entropy(z, y) + 1e-9),
    ("3.4", lambda z, y: np.minimum(cross_entropy(z, y), 19000)),
    ("3.4", lambda z, y: np.where(y == z.shape[1] - 1, 0, cross_entropy(z, y))),
    ("3.4", lambda z, y: np.where(np.ptp(z, axis=1) == 0, 0, cross_entropy(z, y))),
    ("3.4", lambda z, y: F.cross_entropy(z, y, reduction="none", label_smoothing=1e-4)),
    ("3.4", lambda z, y: F.cross_entropy(z, y, reduction="none", ignore_index=0)),
    ("3.4", lambda z, y: F.cross_entropy(z.T if len(set(z.shape)) == 1 else z, y, reduction="none")),
    ("3.4", lambda z, y: -np.log(softmax(z.astype(np.longdouble))[np.arange(len(y)), y])),
    ("3.5", lambda z, y: np.maximum(log10(z, y), -300)),
    ("3.5", lambda z, y: log10(z, y) + 1e-9),
    ("3.5", lambda z, y: log10(np.clip(z, -300, 300), y)),
    ("3.5", lambda z, y: np.log10(np.float32(10 ** log10(z, y)))),
    ("3.5", lambda z, y: np.log10(-special.log_softmax(z, axis=1)[np.arange(len(y)), y])),
    ("3.5", lambda z, y: np.log10(10 ** log10(z, y) + 1e-310)),
]
