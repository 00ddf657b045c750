"""Chapter 9's exercises, answered rightly in other ways."""

import numpy as np
import torch
from scipy import special
from torch.nn import functional as F

from xent_helpers import information, losses


def bits_by_torch(nats, valid, n_bytes):
    nats, valid = torch.from_numpy(nats), torch.from_numpy(valid)
    return torch.where(valid, nats, 0.0).sum() / np.log(2) / n_bytes


def bits_by_mean(nats, valid, n_bytes):
    return information.nats_to_bits(nats[valid].mean()) * valid.sum() / n_bytes


def gradient_by_loop(means, counts):
    total = np.zeros(means.shape[1])
    for mean, count in zip(means, counts, strict=True):
        if count:
            total += count * mean
    return total / sum(counts)


def gradient_by_where(means, counts):
    return np.average(np.where(counts[:, None] > 0, means, 0.0), axis=0, weights=counts)


def pieces_by_logaddexp(pieces):
    so_far = -np.inf
    for z in pieces:
        so_far = np.logaddexp(so_far, np.logaddexp.reduce(z))
    return so_far


def pieces_in_torch(pieces):
    return torch.logsumexp(torch.from_numpy(pieces).flatten(), 0)


def token_loss_by_torch(z, tokens, pad):
    labels = torch.from_numpy(np.where(tokens == pad, -100, tokens)[:, 1:])
    return F.cross_entropy(torch.from_numpy(z)[:, :-1].flatten(0, 1), labels.flatten())


def token_loss_by_loop(z, tokens, pad):
    nats = [
        -special.log_softmax(rows[t])[text[t + 1]]
        for rows, text in zip(z, tokens, strict=True)
        for t in range(len(text) - 1)
        if text[t + 1] != pad
    ]
    return sum(nats) / len(nats)


def bits_of_likelihood(nats, valid, n_bytes):
    return -np.log2(np.exp(-nats[valid])).sum() / n_bytes


def bits_by_loop(nats, valid, n_bytes):
    total = 0.0
    for row, mask in zip(nats, valid, strict=True):
        for surprise, counts in zip(row, mask, strict=True):
            total += surprise / np.log(2) if counts else 0.0
    return total / n_bytes


def gradient_in_torch(means, counts):
    means, counts = torch.from_numpy(means), torch.from_numpy(counts)
    return (means.nan_to_num() * counts[:, None]).sum(0) / counts.sum()


def gradient_by_nansum(means, counts):
    return np.nansum(means * counts[:, None], axis=0) / counts.sum()


def pieces_sorted(pieces):
    return losses.logsumexp(np.sort(pieces.ravel())[::-1].copy())


def pieces_by_scipy(pieces):
    return special.logsumexp([special.logsumexp(z) for z in pieces])


def token_loss_by_helper(z, tokens, pad):
    labels = np.where(tokens == pad, -100, tokens)[:, 1:]
    return losses.cross_entropy(z[:, :-1].reshape(-1, z.shape[2]), labels.ravel())


def token_loss_of_kept_rows(z, tokens, pad):
    row, place = np.nonzero(tokens[:, 1:] != pad)
    kept = z[row, place]
    return np.mean(special.logsumexp(kept, axis=1) - kept[np.arange(len(kept)), tokens[row, place + 1]])


RIGHT = {
    "9.1": [4, 4.0, np.sqrt(2 * 8), float(np.exp(np.log([2, 8]).mean())), 2 ** ((1 + 3) / 2)],
    "9.2": [bits_by_torch, bits_by_mean, bits_of_likelihood, bits_by_loop],
    "9.3": [gradient_by_loop, gradient_by_where, gradient_in_torch, gradient_by_nansum],
    "9.4": [pieces_by_logaddexp, pieces_in_torch, pieces_sorted, pieces_by_scipy],
    "9.5": [token_loss_by_torch, token_loss_by_loop, token_loss_by_helper, token_loss_of_kept_rows],
}
