"""Implementations timed in turns in one process, so that whatever else the machine does hits all of them alike."""

import ctypes
import random
import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np
import torch

from xent_helpers import devices

Times = dict[str, np.ndarray]  # for each implementation its seconds in each round, NaN where it sat out


def in_turns(
    runs: dict[str, Callable[[], object]], device: torch.device, seconds: float, least: int = 9, most: int = 500
) -> Times:
    """Time every run once a round, in an order drawn afresh for each, after one round to warm up.

    Whoever runs after a close relative finds its instructions in the cache, so a fixed order would favour some.
    A run sits out once it has had ``least`` rounds and ``seconds`` of its own, or ``most`` rounds, or four
    times the ``seconds``, so a slow one does not decide how often the quick ones are measured.
    """
    for run in runs.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    spent, rounds, active = dict.fromkeys(runs, 0.0), 0, list(runs)
    rng = random.Random(0)
    while active:
        rounds += 1
        for name in rng.sample(list(runs), len(runs)):
            times[name].append(_seconds(runs[name], device) if name in active else np.nan)
            spent[name] += 0.0 if np.isnan(times[name][-1]) else times[name][-1]
        active = [
            name
            for name in active
            if (rounds < least and spent[name] <= 4 * seconds) or (spent[name] < seconds and rounds < most)
        ]
    return {name: np.array(taken) for name, taken in times.items()}


def set_memory(kind: str) -> None:
    """Fix what becomes of freed memory: "fresh" gives large tensors' back to the system, "reused" keeps it.

    Left to itself, glibc starts with the first and drifts towards the second while large tensors come and go, so a
    run's time would depend on what ran before it: new pages can cost more than the arithmetic. Elsewhere nothing is
    changed.
    """
    M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, {"fresh": 2**17, "reused": 2**25}[kind])
        libc.mallopt(M_TRIM_THRESHOLD, {"fresh": 2**17, "reused": 2**30}[kind])


def _seconds(run: Callable[[], object], device: torch.device) -> float:
    devices.synchronize(device)
    start = perf_counter()
    run()
    devices.synchronize(device)
    return perf_counter() - start


def milliseconds(times: Times, name: str) -> float:
    """Median time of one implementation."""
    return float(1e3 * np.nanmedian(times[name]))


def ratio(times: Times, name: str, base: str) -> float:
    """Median over the rounds of one implementation's time over another's in the same round."""
    return float(np.nanmedian(times[name] / times[base])) if base in times else np.nan
