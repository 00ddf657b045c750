"""Which devices are here, and runs that give the same numbers each time."""

import os
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from xent_helpers import validation as check


def available() -> list[torch.device]:
    """Return the devices to run on: the CPU, then this machine's accelerator (CUDA, …) where it has one.

    Example:
        >>> available()[0]
        device(type='cpu')
    """
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return [torch.device("cpu")] + ([torch.device(accelerator.type, 0)] if accelerator else [])


def accelerators(shows: str) -> list[torch.device]:
    """Say what a cell's lines for an accelerator show, in the same words with one and without; return those here.

    Example:
        >>> found = accelerators("the same sum")
        Lines that begin with an accelerator's name show the same sum. Without one there are none.
    """
    print(f"Lines that begin with an accelerator's name show {shows}. Without one there are none.")
    return available()[1:]


def synchronize(device: torch.device) -> None:
    """Wait until ``device`` has finished what it was given; the CPU always has."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def compiles_triton(device: torch.device) -> bool:
    """Whether Triton compiles kernels for this kind of device.

    Example:
        >>> compiles_triton(torch.device("cpu"))
        False
    """
    return device.type in ("cuda", "xpu")


def widest_float(device: torch.device) -> torch.dtype:
    """Return float64, or float32 on a device that has nothing wider (Apple's mps).

    Example:
        >>> widest_float(torch.device("cpu"))
        torch.float64
    """
    return torch.float32 if device.type == "mps" else torch.float64


def reproducible(seed: int = 0) -> np.random.Generator:
    """Make what follows repeatable: seed torch, and use one thread (in NumPy too) and deterministic algorithms.

    One thread, because a sum that is split over threads rounds differently on another machine. Small matrices are
    also multiplied faster by one thread than by several that wait for each other.

    Args:
        seed: any whole number from 0.

    Returns:
        A NumPy generator with the same seed.

    Example:
        >>> reproducible(0).integers(10) == reproducible(0).integers(10)
        np.True_
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what CUDA's matrix products need for it
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    threadpool_limits(1)  # the libraries that NumPy, SciPy and scikit-learn compute with
    torch.use_deterministic_algorithms(True, warn_only=True)
    return np.random.default_rng(seed)


def milliseconds(run: Callable[[], object], device: torch.device, repeats: int = 5) -> float:
    """Return the median time of ``run`` in milliseconds, after one run to warm up.

    An accelerator takes orders and works them off later. So it notes the time itself, in events that it is told to
    record before and after, and they are read when it has finished.
    """
    return median([_time_once(run, device) for _ in range(check.check_positive("repeats", repeats) + 1)][1:])


def _time_once(run: Callable[[], object], device: torch.device) -> float:
    if device.type == "cpu":
        start = perf_counter()
        run()
        return 1e3 * (perf_counter() - start)
    before, after = (torch.Event(device, enable_timing=True) for _ in range(2))
    synchronize(device)
    before.record()
    run()
    after.record()
    synchronize(device)
    return before.elapsed_time(after)


def peak_bytes(run: Callable[[], object], device: torch.device) -> int:
    """Return the most memory that ``run`` held at a time, in bytes above what was held before.

    An accelerator's allocator keeps count. The CPU's does not: there, the results of all operations that are
    alive are added up after each one, which leaves out what an operation needs only inside itself.
    """
    if device.type == "cpu":
        with _Held() as held:
            run()
        return held.peak
    synchronize(device)
    # PyTorch counts memory for all accelerators alike from 2.9 on, before that in each one's own module.
    counter = torch.accelerator if hasattr(torch.accelerator, "memory_allocated") else torch.get_device_module(device)
    before = counter.memory_allocated(device)
    counter.reset_peak_memory_stats(device)
    run()
    synchronize(device)
    return counter.max_memory_allocated(device) - before


class _Held(TorchDispatchMode):
    """Add up the memory of the results that are alive, after each operation."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._storages: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        known = {leaf.untyped_storage().data_ptr() for leaf in tree_leaves((args, kwargs)) if _is_tensor(leaf)}
        for leaf in filter(_is_tensor, tree_leaves(result)):
            storage = leaf.untyped_storage()
            if storage.data_ptr() not in known:  # a view or an in-place result is nothing new
                self._storages[storage.data_ptr()] = StorageWeakRef(storage), storage.nbytes()
        self._storages = {key: held for key, held in self._storages.items() if not held[0].expired()}
        self.peak = max(self.peak, sum(size for _, size in self._storages.values()))
        return result


def _is_tensor(leaf: object) -> bool:
    return isinstance(leaf, torch.Tensor)


def last_words(code: str, device: torch.device) -> str:
    """Run ``code`` in a process of its own and return the line that names its error ("" if there is none).

    An error inside a kernel of an accelerator leaves the whole process unusable, so it gets one to lose. The code
    finds the device's name in ``device``; kernels are waited for one by one, so the line at fault is the one named.
    PyTorch appends hints to a CUDA error, so the line wanted is the first one below the traceback, not the last.
    """
    found = subprocess.run(
        [sys.executable, "-c", f"device = {str(device)!r}\n{code}"],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env=os.environ | {"CUDA_LAUNCH_BLOCKING": "1", "PYTHONUTF8": "1"},
    )
    _, traceback, below = found.stderr.rpartition("Traceback (most recent call last):")
    lines = [line for line in below.splitlines() if line.strip()]
    if traceback:
        return next((line for line in lines if not line.startswith(" ")), "")
    return lines[-1] if lines else ""
