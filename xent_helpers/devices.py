"""Which devices are here, and runs that give the same numbers each time."""

import os

import numpy as np
import torch


def available() -> list[torch.device]:
    """Return the devices to run on: the CPU, then this machine's accelerator (CUDA, …) where it has one.

    Example:
        >>> available()[0]
        device(type='cpu')
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return [torch.device("cpu")] + ([torch.device(accelerator.type, 0)] if accelerator else [])


def synchronize(device: torch.device) -> None:
    """Wait until ``device`` has finished what it was given; the CPU always has."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def widest_float(device: torch.device) -> torch.dtype:
    """Return float64, or float32 on a device that has nothing wider (Apple's mps).

    Example:
        >>> widest_float(torch.device("cpu"))
        torch.float64
    """
    return torch.float32 if device.type == "mps" else torch.float64


def reproducible(seed: int = 0) -> np.random.Generator:
    """Make what follows repeatable: seed torch, use one thread and deterministic algorithms.

    One thread, because a sum that is split over threads rounds differently on another machine.

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
    torch.use_deterministic_algorithms(True, warn_only=True)
    return np.random.default_rng(seed)
