"""Write copies of the notebooks for Colab and Kaggle to colab/ (``make colab``).

A copy begins with a badge that opens it and a cell that installs the course where it cannot be imported; then come the
notebook's own cells, without outputs. The project's address stands in pyproject.toml under [project.urls]; ``make colab
ADDRESS=https://github.com/you/course`` puts another one in its place there, in README.md and in CITATION.cff.
"""

import argparse
import re
import tomllib
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from tools.execute_notebooks import ROOT, all_notebooks, write

PLACES = ("pyproject.toml", "README.md", "CITATION.cff")
BADGES = """[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})
[![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)]({kaggle})

This copy is made from `notebooks/{name}` by `make colab`. A session keeps nothing when it ends: download what you
write, or save it to your drive."""
INSTALL = """# Install the course's helpers, unless they are here.
from importlib.util import find_spec

if find_spec("xent_helpers") is None:
    %pip install --quiet git+{address}"""


def address() -> str:
    """The project's address, as pyproject.toml states it."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]


def move(new: str) -> None:
    """Put ``new`` in the place of the project's address wherever it is written by hand."""
    old = address()
    for path in (ROOT / name for name in PLACES):
        path.write_bytes(path.read_bytes().replace(old.encode(), new.rstrip("/").encode()))


def links(name: str, address: str) -> dict[str, str]:
    """Where the copy of the notebook ``name`` opens."""
    file = f"{address}/blob/main/colab/{name}"
    return {
        "colab": file.replace("https://github.com", "https://colab.research.google.com/github"),
        "kaggle": f"https://kaggle.com/kernels/welcome?src={file}",
    }


def absolute(source: str, address: str) -> str:
    """Markdown whose links lead to the other copies and the project's pages; links within the notebook are gone."""
    source = re.sub(r"\[([^\][]*)\]\(#[^()]*\)", r"\1", source)
    source = re.sub(r"\]\((\w+\.ipynb)(#[^()]*)?\)", lambda found: f"]({links(found[1], address)['colab']})", source)
    return source.replace("](../", f"]({address}/blob/main/")


def copied(path: Path, address: str) -> NotebookNode:
    """The copy of one notebook."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = absolute(cell.source, address)
    notebook.cells[:0] = [
        new_markdown_cell(BADGES.format(name=path.name, **links(path.name, address)), id="badges"),
        new_code_cell(INSTALL.format(address=address), id="install"),
    ]
    return notebook


def main(arguments: list[str] | None = None, folder: Path = ROOT / "colab") -> None:
    """Write all copies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", help="the project's new address")
    if new := parser.parse_args(arguments).address:
        move(new)
    folder.mkdir(exist_ok=True)
    for path in all_notebooks():
        write(copied(path, address()), folder / path.name)


if __name__ == "__main__":
    main()
