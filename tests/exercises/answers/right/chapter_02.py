"""Chapter 2's exercises, answered rightly in other ways."""

import math

import numpy as np
import torch
from scipy import special, stats


def entropy_loop(p):
    return sum(-share * math.log(share) for share in p if share > 0)


def entropy_torch(p):
    return torch.special.entr(torch.from_numpy(p)).sum()


def entropy_where(p):
    return np.sum(np.where(p > 0, -p * np.log(np.where(p > 0, p, 1)), 0))


def divergence_scipy(q, p):
    return special.rel_entr(q, p).sum(axis=1).mean()


def divergence_torch(q, p):
    q, p = torch.from_numpy(q), torch.from_numpy(p)
    return (torch.xlogy(q, q) - torch.xlogy(q, p)).sum(dim=1).mean()


def divergence_loop(q, p):
    total = 0.0
    for truth, belief in zip(q, p, strict=True):
        for a, b in zip(truth, belief, strict=True):
            total += a * (math.log(a / b) if b > 0 else math.inf) if a > 0 else 0.0
    return total / len(q)


def effective_scipy(counts):
    return np.exp(stats.entropy(counts))


def divergence_as_difference(q, p):
    """Cross-entropy minus entropy; what never occurs is left out of both."""
    cross = -special.xlogy(q, p).sum(axis=1)
    return np.mean(cross - special.entr(q).sum(axis=1))


def divergence_masked(q, p):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(q > 0, q * np.log(q / p), 0).sum() / len(q)


def effective_loop(counts):
    product = 1.0
    for count in counts:
        share = count / sum(counts)
        product *= share**-share if share > 0 else 1.0
    return product


def effective_by_logs_of_counts(counts):
    n = counts.sum()
    return n / np.exp(special.xlogy(counts, counts).sum() / n)


def floor_loop(counts):
    total = 0.0
    for row in counts:
        for count in row:
            if count > 0:
                total -= count * math.log(count / sum(row))
    return total / counts.sum()


def floor_scipy(counts):
    kept = counts[counts.sum(axis=1) > 0]
    return np.average(stats.entropy(kept, axis=1), weights=kept.sum(axis=1))


def floor_by_the_chain_rule(counts):
    """Joint entropy minus the entropy of the input."""
    return stats.entropy(counts.ravel()) - stats.entropy(counts.sum(axis=1))


def floor_torch(counts):
    counts = torch.from_numpy(counts)
    rows = counts.sum(dim=1)
    return (torch.xlogy(rows, rows).sum() - torch.xlogy(counts, counts).sum()) / rows.sum()


def floor_of_listed_samples(counts):
    """The cross-entropy of a model fitted by counting, sample by sample."""
    inputs, labels = np.nonzero(counts)
    times = counts[inputs, labels].astype(int)
    inputs, labels = np.repeat(inputs, times), np.repeat(labels, times)
    return np.mean([-np.log(np.mean(labels[inputs == x] == y)) for x, y in zip(inputs, labels, strict=True)])


RIGHT = {
    "2.1": [
        entropy_loop,
        entropy_torch,
        entropy_where,
        stats.entropy,
    ],
    "2.2": [
        divergence_scipy,
        divergence_torch,
        divergence_loop,
        divergence_as_difference,
        divergence_masked,
    ],
    "2.3": [
        effective_scipy,
        effective_loop,
        effective_by_logs_of_counts,
        lambda counts: 2 ** stats.entropy(counts, base=2),
    ],
    "2.4": [
        [2, 0, 0, 2, 1, 0],
        np.array([2, 0, 0, 2, 1, 0]),
        (2, 0, 0, 2, 1, 0),
        torch.tensor([2.0, 0, 0, 2, 1, 0]),
    ],
    "2.5": [
        floor_loop,
        floor_scipy,
        floor_by_the_chain_rule,
        floor_torch,
        floor_of_listed_samples,
    ],
}
