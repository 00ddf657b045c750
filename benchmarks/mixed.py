"""The dense losses in a process that has done other work before, with memory as the C library gives it.

glibc learns from what a process frees: early on large tensors go back to the system, later they are kept. So the same
call may take twice as long in one process as in another; here it has the past of an ordinary one.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks import speed

SIZES = [(4096, 1000), (65536, 10), (1024, 32768)]


def mixed(quick: bool) -> Iterator[speed.Row]:
    """The rows, measured by this module as a program."""
    words = [sys.executable, "-m", "benchmarks.mixed", *(["--quick"] if quick else [])]
    done = subprocess.run(words, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed:\n{done.stderr}")
    yield from map(json.loads, done.stdout.splitlines())


def main(quick: bool) -> None:
    torch.set_num_threads(2)
    cpu = torch.device("cpu")
    sizes, seconds = ([(16, 10)], 0.01) if quick else (SIZES, 1.0)
    for _ in speed.linear([(64, 16, 512)] if quick else [(512, 256, 8192)], cpu, seconds / 4):
        pass  # the other work
    for _ in range(2):  # the second time counts: by then every size has been seen
        rows = list(speed.dense(sizes, cpu, seconds / 2, speed.quickest(), numpy=False))
    for row in rows:
        print(json.dumps(row))


if __name__ == "__main__":
    main("--quick" in sys.argv)
