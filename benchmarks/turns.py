"""Implementations timed in turns in one process, so that whatever else the machine does hits all of them alike."""

import ctypes
import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np
import torch

from xent_helpers import devices

Times = dict[str, np.ndarray]  # for each implementation its seconds in each round, NaN where it sat out


def in_turns(
    runs: dict[str, Callable[[], object]], device: torch.device, seconds: float, least: int = 5, most: int = 500
) -> Times:
    """Time every run once a round, after one round to warm up.

    A run sits out once it has had ``least`` rounds and ``seconds`` of its own, or ``most`` rounds, or twice the
    ``seconds``, so a slow one does not decide how often the quick ones are measured.
    """
    for run in runs.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    spent, rounds, active = dict.fromkeys(runs, 0.0), 0, list(runs)
    while active:
        rounds += 1
        for name, run in runs.items():
            times[name].append(_seconds(run, device) if name in active else np.nan)
            spent[name] += 0.0 if np.isnan(times[name][-1]) else times[name][-1]
        active = [
            name
            for name in active
            if (rounds < least and spent[name] <= 2 * seconds) or (spent[name] < seconds and rounds < most)
        ]
    return {name: np.array(taken) for name, taken in times.items()}


def always_fresh_memory() -> None:
    """Let glibc take each tensor of over 4 MB from the operating system, and give it back.

    Left to itself it keeps some freed memory once large tensors have come and gone, up to 32 MB a piece, and a run's
    time then depends on what ran before it. Elsewhere nothing is changed.
    """
    M_MMAP_THRESHOLD = -3
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, 4 * 2**20)


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
