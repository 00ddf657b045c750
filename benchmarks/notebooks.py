"""How long each notebook takes from top to bottom in a fresh kernel, and which of its cells takes longest."""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import nbformat

from benchmarks.speed import Row
from tools.execute_notebooks import all_notebooks, run


class _Clock(list):
    """A list that notes when something is appended."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []

    def append(self, item: object) -> None:
        self.at.append(perf_counter())
        super().append(item)


def notebooks(paths: list[Path] | None = None) -> Iterator[Row]:
    """Seconds for each notebook, start of the kernel included; nothing is stored."""
    for path in all_notebooks() if paths is None else paths:
        clock, start = _Clock(), perf_counter()
        run(nbformat.read(path, as_version=4), path.parent, clock)
        end = perf_counter()
        spent = [after - before for before, after in zip(clock.at, [*clock.at[1:], end], strict=True)]
        slowest = max(range(len(spent)), key=spent.__getitem__)
        row = {"notebook": path.name, "seconds": end - start, "kernel's start": clock.at[0] - start}
        yield row | {"slowest cell": clock[slowest].id, "its seconds": spent[slowest]}
