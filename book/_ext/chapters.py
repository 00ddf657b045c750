"""What book and slides read in the notebooks: numbers, titles, equations, sections, statements."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat

ROOT = Path(__file__).resolve().parents[2]


class Chapter(NamedTuple):
    """A notebook and what other pages may point at in it."""

    number: str
    title: str
    document: str
    notebook: nbformat.NotebookNode

    def anchors(self) -> set[str]:
        """The equations, sections and statements, by the anchors that they get in the book."""
        prose = "\n".join(cell.source for cell in self.notebook.cells if cell.cell_type == "markdown")
        tags = {tag for cell in self.notebook.cells for tag in cell.metadata.get("tags", [])}
        return (
            {anchor("equation", key) for key in re.findall(r"\\tag\{([\d.]+)\}", prose)}
            | {anchor("section", key) for key in re.findall(r"^## (\d+\.\d+) ", prose, re.MULTILINE)}
            | {tag for tag in tags if tag.startswith("statement-")}
        )


def anchor(kind: str, key: str) -> str:
    """The anchor of a numbered thing: ``anchor("equation", "3.2")`` is "equation-3-2"."""
    return f"{kind}-{key.replace('.', '-')}"


@cache
def chapters() -> dict[str, Chapter]:
    """Every chapter by its number."""
    found = {}
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        number, title = re.match(r"# (\d+) · (.*)", notebook.cells[0].source).groups()
        found[number] = Chapter(number, title, f"notebooks/{path.stem}", notebook)
    return found
