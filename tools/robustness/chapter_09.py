"""What chapter 9 claims of its comparisons: the network and the counts, windows, accumulated gradients, contrasts."""

import copy
from functools import cache

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tools.robustness.claim import Claim, Setting
from xent_helpers import data, devices

TEXT = data.text()
SYMBOLS, IDS = np.unique(np.frombuffer(TEXT, np.uint8), return_inverse=True)
CLASSES = len(SYMBOLS)
IRIS, WINE = TEXT.index(b".. _iris_dataset:"), TEXT.index(b".. _wine_dataset:")
KNOWN, VALID, NEW = IDS[:IRIS], IDS[IRIS:WINE], IDS[WINE:]
RATES = (0.0025, 0.005, 0.01, 0.02)


def bigram_bits(part: np.ndarray, alpha: float) -> float:
    """Bits a byte of a part of the text, from the counts of the known text and ``alpha`` in advance."""
    counts = np.full((CLASSES, CLASSES), alpha)
    np.add.at(counts, (KNOWN[:-1], KNOWN[1:]), 1)
    p = counts / counts.sum(axis=1, keepdims=True)
    return -np.log2(p[part[:-1], part[1:]]).mean()


class Reader(nn.Module):
    """The chapter's network."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.memory = nn.Embedding(CLASSES, 24), nn.GRU(24, 64, batch_first=True)
        self.out = nn.Linear(64, CLASSES)


def nats_each(model: Reader, part: np.ndarray) -> torch.Tensor:
    """The surprise of each byte but the first, in nats, of a text (T,) or of rows."""
    tokens = torch.as_tensor(part)
    with torch.no_grad():
        logits = model.out(model.memory(model.embedding(tokens[..., :-1]))[0])
    return F.cross_entropy(logits.movedim(-1, 1), tokens[..., 1:], reduction="none")


@cache
def trained(seed: int, rate: float, steps: int) -> tuple[Reader, float]:
    """The network with the lowest validation loss on the way, and that loss in bits."""
    starts, best, kept = devices.reproducible(seed), np.inf, None
    model = Reader().double()
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    known, places = torch.from_numpy(KNOWN), torch.arange(33)
    for step in range(steps + 1):
        if step % 20 == 0:
            bits = nats_each(model, VALID[:2560].reshape(8, 320)).mean().item() / np.log(2)
            if bits < best:
                best, kept = bits, copy.deepcopy(model)
        first = torch.from_numpy(starts.integers(0, len(known) - 32, 16))
        batch = known[first[:, None] + places]
        logits = model.out(model.memory(model.embedding(batch[:, :-1]))[0])
        loss = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return kept, best


def networks(setting: Setting) -> list[Reader]:
    """One network for each seed, at the chapter's rate."""
    return [trained(seed, 0.01 * setting.rate, int(160 * setting.steps))[0] for seed in setting.seeds]


def counts_are_beaten(setting: Setting) -> bool:
    """By 0.2 bits a byte on new text, for every seed."""
    bits = [nats_each(model, NEW).mean().item() / np.log(2) for model in networks(setting)]
    return max(bits) < bigram_bits(NEW, 0.1) - 0.2


def bits_in_windows(model: Reader, stride: int, count_twice: bool = False, length: int = 32) -> float:
    """Bits a byte of the new text in windows."""
    total, places = 0.0, 0
    for first in range(0, len(NEW) - 1, stride):
        nats = nats_each(model, NEW[max(0, first + stride - length) : first + stride + 1])
        if not count_twice:
            nats = nats[-len(NEW[first + 1 : first + stride + 1]) :]
        total, places = total + nats.sum().item(), places + len(nats)
    return total / places / np.log(2)


def overlap_helps(setting: Setting) -> bool:
    """Half a window of overlap lowers the number, and counting the overlaps again raises it."""
    for model in networks(setting)[:3]:
        apart, overlapping, twice = (bits_in_windows(model, 32), bits_in_windows(model, 16), None)
        twice = bits_in_windows(model, 8, count_twice=True)
        if not (overlapping < apart and overlapping < twice):
            return False
    return True


def rate_is_the_best(setting: Setting) -> bool:
    """The chapter's rate has the lowest mean validation loss of the grid; only its own setting decides that."""
    if (setting.rate, setting.steps) != (1.0, 1.0):
        return True
    means = {rate: np.mean([trained(seed, rate, 160)[1] for seed in setting.seeds]) for rate in RATES}
    return min(means, key=means.get) == 0.01


def gradient(places: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The weighted gradient of a bigram model at its start."""
    a, b = IDS[places], IDS[places + 1]
    labels = np.bincount(a * CLASSES + b, weight, minlength=CLASSES**2).reshape(CLASSES, CLASSES)
    return np.bincount(a, weight, minlength=CLASSES)[:, None] / CLASSES - labels


def median_error(seeds: tuple[int, ...], count: int, at_line_ends: bool) -> float:
    """The median relative error of the mean of ``count`` micro-batches' means."""
    breaks = np.flatnonzero(SYMBOLS[IDS] == ord("\n"))[:-1]
    starts, lengths = breaks[:-1] + 1, np.diff(breaks)
    found = []
    for seed in seeds:
        draws = np.random.default_rng(seed)
        chosen = draws.integers(0, len(starts), count)
        first = starts[chosen] if at_line_ends else draws.integers(0, len(IDS) - lengths.max() - 1, count)
        own = lengths[chosen]
        places = np.repeat(first, own) + np.arange(own.sum()) - np.repeat(np.cumsum(own) - own, own)
        right = gradient(places, np.full(own.sum(), 1 / own.sum()))
        wrong = gradient(places, np.repeat(1 / (count * own), own))
        found.append(np.linalg.norm(wrong - right) / np.linalg.norm(right))
    return float(np.median(found))


def noise_and_bias(setting: Setting) -> bool:
    """From 128 to 2,048 micro-batches the error halves if cut anywhere, and falls by under 30% at line ends."""
    few, many = int(128 * setting.steps), int(2048 * setting.steps)
    noise = median_error(setting.seeds, few, False) / median_error(setting.seeds, many, False)
    bias = median_error(setting.seeds, few, True) / median_error(setting.seeds, many, True)
    return noise > 2 and bias < 1.43


def fewer_rivals_are_easier(setting: Setting) -> bool:
    """InfoNCE of the same unseen pairs is lower in smaller batches, and below log B in each."""
    pictures = torch.from_numpy(data.digits().x.reshape(-1, 8, 8) / 16)
    left, right = pictures[:, :, :4].flatten(1), pictures[:, :, 4:].flatten(1)

    def loss(left, right, heads):
        u, v = F.normalize(left @ heads[0], dim=1), F.normalize(right @ heads[1], dim=1)
        return F.cross_entropy(u @ v.T / 0.1, torch.arange(len(u)))

    for seed in setting.seeds:
        starts = devices.reproducible(seed)
        heads = torch.from_numpy(starts.normal(size=(2, 32, 16)) / 6).requires_grad_()
        optimizer = torch.optim.Adam([heads], lr=0.02 * setting.rate)
        for _ in range(int(200 * setting.steps)):
            chosen = torch.from_numpy(starts.choice(1400, 64, replace=False))
            optimizer.zero_grad()
            loss(left[chosen], right[chosen], heads).backward()
            optimizer.step()
        unseen = left[1400:1656], right[1400:1656]
        by_batch = [
            np.mean([loss(*part, heads).item() for part in zip(*(half.split(size) for half in unseen), strict=True)])
            for size in (256, 64, 16)
        ]
        if not (by_batch[0] > by_batch[1] > by_batch[2]):
            return False
        if not all(nats < np.log(size) for nats, size in zip(by_batch, (256, 64, 16), strict=True)):
            return False
    return True


CLAIMS = (
    Claim("9.3", "On new text each of five networks beats the bigram counts by 0.2 bits a byte.", counts_are_beaten),
    Claim("9.3", "Of four learning rates 0.01 has the lowest validation loss in 160 steps.", rate_is_the_best),
    Claim("9.4", "Windows that overlap give a lower loss, unless the overlaps are counted again.", overlap_helps),
    Claim("9.6", "Random lengths make noise, which averages out; lines make a bias, which stays.", noise_and_bias),
    Claim("9.12", "The same pairs have a lower InfoNCE in smaller batches.", fewer_rivals_are_easier),
)
