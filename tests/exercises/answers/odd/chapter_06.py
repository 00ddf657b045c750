"""Odd answers to the exercises of chapter 6."""

import math
from decimal import Decimal
from functools import partial

import numpy as np
import torch
from scipy import special, stats
from torch import nn
from torch.nn import functional as F

from xent_helpers import losses
from xent_helpers.exercises.chapter_06.gradient import weight_gradient
from xent_helpers.exercises.chapter_06.loop import epoch_loss


def gradient_by_linear(x, y, w):
    layer = nn.Linear(w.shape[0], w.shape[1], bias=False, dtype=torch.float64)
    layer.weight.data = torch.tensor(w.T)
    nn.CrossEntropyLoss()(layer(torch.tensor(x)), torch.tensor(y)).backward()
    return layer.weight.grad.T


def gradient_in_float32(x, y, w):
    x, w = np.float32(x), np.float32(w)
    return x.T @ (special.softmax(x @ w, axis=1) - np.eye(w.shape[1], dtype=np.float32)[y]) / np.float32(len(y))


def gradient_entry_by_entry(x, y, w):
    rows, columns = w.shape
    p = losses.softmax(x @ w)
    return [
        [sum(x[n, d] * (p[n, c] - (y[n] == c)) for n in range(len(y))) / len(y) for c in range(columns)]
        for d in range(rows)
    ]


def epoch_with_a_loader(x, y, w, lr, batch_size):
    model = nn.Linear(*w.shape, bias=False, dtype=torch.float64)
    model.weight.data = torch.tensor(w.T.copy())
    data = torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y))
    optimizer, nats = torch.optim.SGD(model.parameters(), lr=lr), []
    for xb, yb in torch.utils.data.DataLoader(data, batch_size=batch_size):
        each = F.cross_entropy(model(xb), yb, reduction="none")
        optimizer.zero_grad()
        each.mean().backward()
        optimizer.step()
        nats.extend(each.tolist())
    return np.mean(nats)


def epoch_in_float32(x, y, w, lr, batch_size):
    return np.float32(epoch_loss(np.float32(x), y, np.float32(w), np.float32(lr), batch_size))


def epoch_without_a_last_step(x, y, w, lr, batch_size):
    """The last batch's step changes nothing that is measured."""
    nats, starts = 0.0, range(0, len(y), batch_size)
    for start in starts:
        rows = slice(start, start + batch_size)
        nats += losses.cross_entropy(x[rows] @ w, y[rows], reduction="sum")
        if start != starts[-1]:
            w = w - lr * weight_gradient(x[rows], y[rows], w)
    return nats / len(y)


RIGHT = [
    ("6.1", math.log(50257)),
    ("6.1", np.float32(math.log(50257))),
    ("6.1", torch.tensor(50257.0).log()),
    ("6.1", Decimal(50257).ln()),
    ("6.1", stats.entropy(np.ones(50257))),
    ("6.1", special.logsumexp(np.zeros(50257))),
    ("6.1", F.cross_entropy(torch.zeros(2, 50257), torch.tensor([0, 50256]))),
    ("6.1", np.log2(50257) * np.log(2)),
    ("6.1", -50257 * (1 / 50257) * np.log(1 / 50257)),
    ("6.1", np.array(np.log(np.longdouble(50257)))),
    ("6.2", np.uint8(2)),
    ("6.2", 1 + 1),
    ("6.2", np.array(2)),
    ("6.3", gradient_by_linear),
    ("6.3", gradient_in_float32),
    ("6.3", gradient_entry_by_entry),
    ("6.3", lambda x, y, w: torch.func.grad(lambda v: F.cross_entropy(x @ v, y))(w)),
    ("6.3", lambda x, y, w: torch.autograd.functional.jacobian(lambda v: F.cross_entropy(x @ v, y), w)),
    ("6.3", lambda x, y, w: ((special.softmax(x @ w, 1) - (y[:, None] == np.arange(w.shape[1]))).T @ x).T / len(y)),
    ("6.3", lambda x, y, w: -(1 / len(y)) * np.tensordot(x, np.eye(w.shape[1])[y] - losses.softmax(x @ w), (0, 0))),
    ("6.4", epoch_with_a_loader),
    ("6.4", epoch_in_float32),
    ("6.4", epoch_without_a_last_step),
]


def gradient_by_forward_differences(x, y, w, h):
    found = np.zeros_like(w)
    for place in np.ndindex(w.shape):
        moved = w.copy()
        moved[place] += h
        found[place] = (losses.cross_entropy(x @ moved, y) - losses.cross_entropy(x @ w, y)) / h
    return found


def gradient_last_class_fixed(x, y, w):
    """The last class's weights are held at 0, as in a sigmoid."""
    found = weight_gradient(x, y, w)
    found[:, -1] = 0
    return found


def gradient_clipped_scores(x, y, w):
    z = np.clip(x @ w, -20, 20)
    return x.T @ (losses.softmax(z) - np.eye(w.shape[1])[y]) / len(y)


def gradient_clipped_norm(x, y, w):
    found = weight_gradient(x, y, w)
    return found / max(1, np.linalg.norm(found))


def gradient_by_reshape(x, y, w):
    """A transpose that is a reshape."""
    return x.reshape(x.shape[::-1]) @ (losses.softmax(x @ w) - np.eye(w.shape[1])[y]) / len(y)


def gradient_mean_by_class(x, y, w):
    residual = losses.softmax(x @ w) - np.eye(w.shape[1])[y]
    kinds = np.unique(y)
    return sum(x[y == c].T @ residual[y == c] / np.sum(y == c) for c in kinds) / len(kinds)


def batches(x, y, batch_size):
    for start in range(0, len(y), batch_size):
        yield x[start : start + batch_size], y[start : start + batch_size]


def epoch_one_step_late(x, y, w, lr, batch_size):
    nats, before = 0.0, w
    for xb, yb in batches(x, y, batch_size):
        nats += losses.cross_entropy(xb @ before, yb, reduction="sum")
        before, w = w, w - lr * weight_gradient(xb, yb, w)
    return nats / len(y)


def epoch_two_steps(x, y, w, lr, batch_size):
    nats = 0.0
    for xb, yb in batches(x, y, batch_size):
        nats += losses.cross_entropy(xb @ w, yb, reduction="sum")
        w = w - 2 * lr * weight_gradient(xb, yb, w)
    return nats / len(y)


def epoch_gradients_at_the_start(x, y, w, lr, batch_size):
    nats, now = 0.0, w
    for xb, yb in batches(x, y, batch_size):
        nats += losses.cross_entropy(xb @ now, yb, reduction="sum")
        now = now - lr * weight_gradient(xb, yb, w)
    return nats / len(y)


def epoch_with_decay(x, y, w, lr, batch_size):
    nats = 0.0
    for xb, yb in batches(x, y, batch_size):
        nats += losses.cross_entropy(xb @ w, yb, reduction="sum")
        w = w - lr * (weight_gradient(xb, yb, w) + 1e-4 * w)
    return nats / len(y)


def epoch_with_a_small_number(x, y, w, lr, batch_size):
    nats = 0.0
    for xb, yb in batches(x, y, batch_size):
        nats -= np.log(losses.softmax(xb @ w)[np.arange(len(yb)), yb] + 1e-7).sum()
        w = w - lr * weight_gradient(xb, yb, w)
    return nats / len(y)


def epoch_first_two_batches(x, y, w, lr, batch_size):
    n = min(len(y), 2 * batch_size)
    return epoch_loss(x[:n], y[:n], w, lr, batch_size)


def epoch_changes_the_weights(x, y, w, lr, batch_size):
    nats = 0.0
    for xb, yb in batches(x, y, batch_size):
        nats += losses.cross_entropy(xb @ w, yb, reduction="sum")
        w -= lr * weight_gradient(xb, yb, w)
    return nats / len(y)


WRONG = [
    ("6.3", partial(gradient_by_forward_differences, h=1e-3)),
    ("6.3", partial(gradient_by_forward_differences, h=1e-6)),
    ("6.3", gradient_last_class_fixed),
    ("6.3", gradient_clipped_scores),
    ("6.3", gradient_clipped_norm),
    ("6.3", gradient_by_reshape),
    ("6.3", gradient_mean_by_class),
    ("6.3", lambda x, y, w: weight_gradient(x, y, w) + 1e-4 * w),
    ("6.3", lambda x, y, w: weight_gradient(x, y, w) * (1 + 1e-5)),
    ("6.3", lambda x, y, w: weight_gradient(x[:1], y[:1], w)),
    ("6.3", lambda x, y, w: weight_gradient(x, np.sort(y), w)),
    ("6.3", lambda x, y, w: weight_gradient(x, y, w) if len(y) > 1 else 0 * w),
    ("6.3", lambda x, y, w: weight_gradient(x, y, w) if w.shape[1] > 2 else 2 * weight_gradient(x, y, w)),
    ("6.3", lambda x, y, w: weight_gradient(np.abs(x), y, w)),
    ("6.3", lambda x, y, w: weight_gradient(x, np.minimum(y, w.shape[1] - 2), w)),
    ("6.3", lambda x, y, w: weight_gradient(x, np.maximum(y, 1), w)),
    ("6.3", lambda x, y, w: weight_gradient(x, y, w - w.mean(0))),
    ("6.3", lambda x, y, w: weight_gradient(x, y, w).round(6)),
    ("6.3", lambda x, y, w: np.sign(weight_gradient(x, y, w))),
    ("6.3", lambda x, y, w: weight_gradient(x - x.mean(0), y, w)),
    ("6.3", lambda x, y, w: np.float64(np.float16(weight_gradient(x, y, w)))),
    ("6.4", epoch_one_step_late),
    ("6.4", epoch_two_steps),
    ("6.4", epoch_gradients_at_the_start),
    ("6.4", epoch_with_decay),
    ("6.4", epoch_with_a_small_number),
    ("6.4", epoch_first_two_batches),
    ("6.4", epoch_changes_the_weights),
    ("6.4", lambda x, y, w, lr, batch_size: epoch_loss(x, y, w, lr, min(batch_size, 3))),
    ("6.4", lambda x, y, w, lr, batch_size: epoch_loss(x[::-1], y[::-1], w, lr, batch_size)),
    ("6.4", lambda x, y, w, lr, batch_size: epoch_loss(x, y, w, lr, 1)),
    ("6.4", lambda x, y, w, lr, batch_size: epoch_loss(x, y, w, 0.5, batch_size)),
    ("6.4", lambda x, y, w, lr, batch_size: epoch_loss(x, y, 0 * w, lr, batch_size)),
    ("6.4", lambda x, y, w, lr, batch_size: round(float(epoch_loss(x, y, w, lr, batch_size)), 4)),
    ("6.4", lambda x, y, w, lr, batch_size: epoch_loss(x, y, w, lr, batch_size) + 1e-5),
    ("6.4", lambda x, y, w, lr, batch_size: epoch_loss(x, y, w, lr / batch_size, batch_size)),
]

WRONG_VALUES = [
    ("6.1", np.float32(np.log(50256))),
    ("6.1", torch.tensor(50258.0).log()),
    ("6.1", np.log(50257) + 1e-6),
    ("6.1", np.log(50000)),
    ("6.1", 10.82),
    ("6.1", np.log(50257) ** 2),
    ("6.1", np.inf),
    ("6.1", "log(50257)"),
    ("6.1", [np.log(50257)]),
    ("6.2", 5),
    ("6.2", -2),
    ("6.2", "2"),
    ("6.2", [1, 2]),
]
