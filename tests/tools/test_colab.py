"""The copies for Colab are those that ``make colab`` writes, and one command moves the project's address."""

import re
import shutil

import nbformat
import pytest

from tools import colab
from tools.execute_notebooks import ROOT, all_notebooks

NAMES = [path.name for path in all_notebooks()]


def cells(folder, name):
    return [
        (cell.id, cell.cell_type, cell.source, cell.metadata)
        for cell in nbformat.read(folder / name, as_version=4).cells
    ]


def unlinked(found):
    """The cells with the text of each link in its place: a copy's links lead elsewhere."""
    return [(id_, kind, re.sub(r"\[([^\][]*)\]\([^()]*\)", r"\1", text), more) for id_, kind, text, more in found]


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_s_links_work_where_nothing_lies_beside_it(name):
    prose = [text for _, kind, text, _ in cells(ROOT / "colab", name) if kind == "markdown"]
    links = re.findall(r"\]\(([^)]*)\)", "\n".join(prose))
    assert len(links) > 5 and [link for link in links if not link.startswith("https://")] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_has_a_badge_an_installation_and_the_notebook_s_own_cells(name):
    badges, install, *rest = cells(ROOT / "colab", name)
    assert unlinked(rest) == unlinked(cells(ROOT / "notebooks", name)), "run `make colab`"
    assert f"colab/{name})" in badges[2] and colab.address() in install[2]


def test_the_stored_copies_are_what_the_command_writes(tmp_path):
    colab.main([], tmp_path)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_bytes() for path in (ROOT / "colab").iterdir()}, "run `make colab`"


def test_one_command_moves_the_address(tmp_path, monkeypatch):
    for name in colab.PLACES:
        shutil.copy(ROOT / name, tmp_path)
    old = colab.address()
    monkeypatch.setattr(colab, "ROOT", tmp_path)
    colab.main(["https://github.com/me/mine/"], tmp_path / "colab")
    for path in [*(tmp_path / name for name in colab.PLACES), *(tmp_path / "colab").iterdir()]:
        text = path.read_text(encoding="utf-8")
        assert "github.com/me/mine" in text and old.removeprefix("https://") not in text, path.name
