"""The copies for Colab are those that ``make colab`` writes, and one command moves the project's address."""

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


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_has_a_badge_an_installation_and_the_notebook_s_own_cells(name):
    badges, install, *rest = cells(ROOT / "colab", name)
    assert rest == cells(ROOT / "notebooks", name), "run `make colab`"
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
