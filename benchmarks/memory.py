"""Peak memory of one forward and backward pass, each in a process of its own.

``python -m benchmarks.memory fused_cross_entropy 1024 32768 cpu`` prints bytes above the inputs; for a loss with the
last layer, above the inputs and the gradients that it returns. Linux keeps count of what a process held at most. The
loss is multiplied by 3, as loss scaling does, so that no short cut for an upstream gradient of 1 makes it look smaller.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.speed import (
    LINEAR_CONTESTANTS,
    OURS,
    TORCH,
    UNFUSED,
    Row,
    dense_contestants,
    layer_and_labels,
    logits_and_labels,
)
from xent_helpers import devices

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak(name: str, size: tuple[int, ...], device: torch.device) -> int:
    """Bytes above the inputs (and, with a layer, above their gradients)."""
    loss = LINEAR_CONTESTANTS.get(name) or dense_contestants()[name]
    make = logits_and_labels if len(size) == 2 else layer_and_labels

    def run(inputs: list[torch.Tensor], y: torch.Tensor) -> None:
        (3 * loss(*inputs, y)).backward()

    *small, y = make(*(min(entry, 16) for entry in size), device)
    run(small, y)  # what is loaded on first use is not counted
    *inputs, y = make(*size, device)
    returned = sum(t.numel() * t.element_size() for t in inputs) if len(size) == 3 else 0
    if device.type != "cpu":
        return devices.peak_bytes(lambda: run(inputs, y), device) - returned
    CLEAR.write_text("5")  # the peak starts again from what is held now
    before = _kilobytes("VmRSS")
    run(inputs, y)
    return 1024 * (_kilobytes("VmHWM") - before) - returned


def _kilobytes(entry: str) -> int:
    return next(int(line.split()[1]) for line in STATUS.read_text().splitlines() if line.startswith(entry))


def memory(sizes: list[tuple[int, ...]], device: torch.device) -> Iterator[Row]:
    """Peaks in MB, and over torch's usual implementation."""
    if device.type == "cpu" and not CLEAR.exists():
        print("Peak memory is not measured: this system has no /proc/self/clear_refs.")
        return
    for size in sizes:
        names, base = ((OURS, TORCH), TORCH) if len(size) == 2 else (tuple(LINEAR_CONTESTANTS), UNFUSED)
        found = {name: in_own_process(name, size, device) for name in names}
        for name, held in found.items():
            row = {"device": str(device), "size": str(size), "implementation": name, "MB": held / 1e6}
            yield row | {"over torch": held / found[base] if found[base] else float("nan")}


def in_own_process(name: str, size: tuple[int, ...], device: torch.device) -> int:
    """``peak``, in a process that has held nothing before."""
    words = [sys.executable, "-m", "benchmarks.memory", name, *map(str, size), str(device)]
    done = subprocess.run(words, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed:\n{done.stderr}")
    return int(done.stdout)


if __name__ == "__main__":
    torch.set_num_threads(2)
    _, name, *size, device = sys.argv
    print(peak(name, tuple(map(int, size)), torch.device(device)))
