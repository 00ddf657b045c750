"""Odd answers to the exercises of chapter 9; most wrong ones are wrong at an end of what the task states."""

import numpy as np
import torch
from scipy import special
from torch.nn import functional as F

from xent_helpers.exercises.chapter_09 import accumulated_gradient, bits_per_byte, token_nats


def gradient_in_float32(means, counts):
    means, counts = torch.tensor(means).float().nan_to_num(), torch.tensor(counts).float()
    return (counts @ means / counts.sum()).tolist()


def tokens_in_float32(z, tokens, pad):
    rows, labels = torch.tensor(z).float()[:, :-1].transpose(1, 2), torch.tensor(tokens)[:, 1:]
    return F.cross_entropy(rows, labels, ignore_index=pad).item()


RIGHT = [
    ("9.1", torch.tensor([2.0, 8.0]).log().mean().exp()),
    ("9.2", lambda nats, valid, n_bytes: (torch.tensor(nats).float()[valid].sum() / np.log(2) / n_bytes).item()),
    ("9.2", lambda nats, valid, n_bytes: np.sum(nats, where=valid) / (np.log(2) * n_bytes)),
    ("9.3", gradient_in_float32),
    ("9.3", lambda means, counts: np.ma.average(np.ma.masked_invalid(means), axis=0, weights=counts)),
    ("9.4", lambda pieces: pieces.max() + np.log(np.exp(pieces - pieces.max()).sum())),
    ("9.4", lambda pieces: torch.tensor(pieces).float().logsumexp((0, 1)).item()),
    ("9.5", tokens_in_float32),
]


def streamed(pieces, m, s=0.0):
    """The running maximum and sum from a start that is not empty."""
    for z in pieces:
        m, before = max(m, z.max()), m
        s = s * np.exp(before - m) + np.exp(z - m).sum()
    return m + np.log(s)


def tokens_where(z, tokens, valid):
    return token_nats(z, tokens, 1)[valid].mean()


def tokens_in_place(z, tokens, pad):
    valid = tokens[:, 1:] != pad
    tokens[tokens == pad] = 0
    return tokens_where(z, tokens, valid)


WRONG = [
    ("9.2", lambda nats, valid, n_bytes: bits_per_byte(nats, np.sort(valid, axis=1)[:, ::-1], n_bytes)),
    ("9.2", lambda nats, valid, n_bytes: bits_per_byte(nats, valid, max(n_bytes, valid.sum()))),
    ("9.2", lambda nats, valid, n_bytes: bits_per_byte(nats.clip(1e-5, 50), valid, n_bytes)),
    ("9.2", lambda nats, valid, n_bytes: nats[valid & (nats > 0)].mean() * valid.sum() / np.log(2) / n_bytes),
    ("9.3", lambda means, counts: accumulated_gradient(means, counts) if len(counts) > 1 else means[0] * counts[0] + 1),
    ("9.3", lambda means, counts: accumulated_gradient(means, counts * np.any(means != 0, axis=1))),
    ("9.3", lambda means, counts: accumulated_gradient(means, np.minimum(counts, 255))),
    ("9.3", lambda means, counts: (accumulated_gradient(means, counts) * (1 - 1e-6 / counts.sum())).astype(np.float32)),
    ("9.4", lambda pieces: streamed(pieces, 0.0)),
    ("9.4", lambda pieces: streamed(pieces, -1000.0)),
    ("9.4", lambda pieces: streamed(pieces, -1e4, 1.0)),
    ("9.4", lambda pieces: special.logsumexp(np.unique(pieces))),
    ("9.4", lambda pieces: special.logsumexp(pieces.clip(-1e4))),
    ("9.4", lambda pieces: special.logsumexp(np.vstack([pieces, pieces[: len(pieces) == 1]]))),
    ("9.4", lambda pieces: np.float32(special.logsumexp(pieces) + 1e-6)),
    ("9.5", tokens_in_place),
    ("9.5", lambda z, tokens, pad: tokens_where(z, tokens, tokens[:, 1:] != 0)),
    ("9.5", lambda z, tokens, pad: tokens_where(z, tokens, tokens[:, 1:] > pad)),
    ("9.5", lambda z, tokens, pad: tokens_where(z[:, :-1], tokens[:, :-1], tokens[:, 1:-1] != pad)),
    ("9.5", lambda z, tokens, pad: tokens_where(z, tokens, tokens[:, 1:] != tokens[0, -1])),
]
