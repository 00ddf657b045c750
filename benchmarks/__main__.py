"""``python -m benchmarks`` measures everything, prints the tables, and writes tables and a figure to build/bench/."""

import argparse
import platform
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks import speed
from benchmarks.accuracy import accuracy
from benchmarks.figure import draw
from benchmarks.memory import memory
from benchmarks.mixed import mixed
from benchmarks.notebooks import notebooks
from benchmarks.turns import set_memory
from xent_helpers import devices

DENSE = [(128, 10), (65536, 10), (4096, 1000), (1024, 32768), (512, 131072)]
LINEAR = [(2048, 256, 32768), (1024, 512, 50257), (1024, 768, 8192)]
TINY = ([(16, 10), (8, 50)], [(16, 4, 50)])  # what --quick runs, to see that everything works
PARTS = {
    "dense": "Losses of logits (N, C), float32; the ratios are medians of pairs",
    "linear": "The last layer and its loss (N, D, C), float32, forward and backward",
    "bfloat16": "Losses of logits (N, C) in bfloat16, and the last layer and its loss (N, D, C)",
    "chunks": "Forward and backward against the logits in a chunk",
    "memory": "Peak memory above the inputs (linear: and above the returned gradients), each in its own process",
    "accuracy": "Largest error against 60 digits, float32, in units of rounding",
    "notebooks": "Each notebook from top to bottom",
    "reused": "The quickest of the first table again, in memory that is used again and again",
    "mixed": "And again in a process of its own that has done other work, with memory as the system gives it",
}


def measured(part: str, quick: bool) -> Iterable[dict]:
    """Yield the rows of one part."""
    if part == "mixed":
        yield from mixed(quick)
        return
    set_memory("reused" if part == "reused" else "fresh")
    (sizes, layers), seconds = (TINY, 0.01) if quick else ((DENSE, LINEAR), 0.6)
    if part == "accuracy":
        yield from accuracy(10 if quick else 1000)
    elif part == "notebooks":
        yield from notebooks([] if quick else None)
    for device in devices.available():
        if part == "dense":
            yield from speed.dense(sizes, device, seconds, speed.dense_contestants(compiled=not quick))
        elif part == "reused":
            yield from speed.dense(sizes, device, seconds, speed.quickest(), numpy=False)
        elif part == "bfloat16":
            yield from speed.dense(sizes[2:], device, seconds, speed.quickest(), numpy=False, dtype=torch.bfloat16)
            yield from speed.linear(layers[-1:], device, seconds, dtype=torch.bfloat16)
        elif part == "linear":
            yield from speed.linear(layers, device, 4 * seconds)
        elif part == "chunks":
            for size in (sizes[0], layers[0]) if quick else (DENSE[2], DENSE[3], LINEAR[0]):
                least = 18 if len(size) == 2 else 20
                yield from speed.chunks(size, [2**k for k in range(least, 27, 2)], device, seconds)
        elif part == "memory":
            yield from memory([sizes[-1], layers[0]] if quick else [DENSE[3], DENSE[4], *LINEAR], device)


def where() -> str:
    """The processor, and each accelerator, by name, and NumPy's version."""
    names = [line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name")][:1]
    names += [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return ", ".join([*(names or [platform.processor() or platform.machine()]), f"NumPy {np.__version__}"])


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def text(table: pd.DataFrame, part: str) -> str:
    """Return a table as Markdown under its heading; numbers with three digits."""
    rows = [list(table.columns)] + [[_cell(entry) for entry in row] for row in table.itertuples(index=False)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [" | ".join(entry.ljust(width) for entry, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, " | ".join("-" * width for width in widths))
    return f"## {PARTS[part]}\n\n" + "\n".join(f"| {line} |" for line in lines) + "\n"


def _cell(entry: object) -> str:
    if isinstance(entry, float):
        return "–" if entry != entry else f"{entry:.0f}" if abs(entry) >= 1000 else f"{entry:.3g}"
    return str(entry)


def main(arguments: list[str] | None = None) -> None:
    """Measure the chosen parts, or all; write as each is done."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--to", type=Path, default=Path("build/bench"))
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything works")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    chosen.to.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(chosen.threads)
    tables = {}
    report = f"# Benchmark: {where()}, torch {torch.__version__}, {chosen.threads} threads\n"
    print(report)
    for part in PARTS if not chosen.parts else [part for part in PARTS if part in chosen.parts]:
        tables[part] = pd.DataFrame(measured(part, chosen.quick))
        if len(tables[part]):
            tables[part].to_csv(chosen.to / f"{part}.csv", index=False)
            print("\n" + text(tables[part], part), flush=True)
            report += "\n" + text(tables[part], part)
    (chosen.to / "bench.md").write_text(report, encoding="utf-8")
    if {"dense", "reused", "linear", "chunks"} <= set(tables):
        (chosen.to / "bench.png").write_bytes(draw(tables).png())
    print(f"Written to {chosen.to}.")


if __name__ == "__main__":
    main()
