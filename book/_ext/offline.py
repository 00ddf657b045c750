"""The parts of other projects that pages need, copied beside them so that nothing is fetched from the network."""

import shutil
from importlib.util import find_spec
from pathlib import Path


def package_folder(name: str) -> Path:
    """The folder of an installed package."""
    return Path(find_spec(name).origin).parent


def copy_mathjax(folder: Path) -> None:
    """MathJax's TeX reader with its fonts, 1.7 of the package's 24 MB."""
    source = package_folder("sphinx-mathjax-offline") / "static" / "mathjax"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(source / "tex-chtml.js", folder)
    shutil.copytree(source / "output/chtml/fonts", folder / "output/chtml/fonts", dirs_exist_ok=True)


def copy_reveal(folder: Path) -> None:
    """reveal.js with its speaker view."""
    source = package_folder("sphinx_revealjs") / "_static" / "revealjs"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ["dist/reset.css", "dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js"]:
        shutil.copy(source / name, folder)
