"""The decks of the lectures: short enough, whole, and without a number that their chapter does not hold."""

import re
from itertools import pairwise

import nbformat
import pytest

from tools.execute_notebooks import all_notebooks

pytest.importorskip("sphinx_revealjs", reason="the book's packages are not installed")

from book import slides

MOST_SLIDES, MOST_CODE = 24, 6
every_chapter = pytest.mark.parametrize("path", all_notebooks(), ids=lambda path: path.stem[:2])


def deck_of(path):
    return (slides.DECKS / f"{path.stem[:2]}.md").read_text("utf-8")


@every_chapter
def test_a_deck_takes_what_is_there_and_is_short(path):
    notebook = nbformat.read(path, as_version=4)
    built = slides.deck(path.stem[:2], notebook)  # a cell, an equation or a prediction that is not there raises
    assert 15 <= len(built) <= MOST_SLIDES
    assert built[0].kind == "title" and all("<h2>" in slide.html and slide.notes for slide in built[1:])
    for name, lines in re.findall(r"\{code (\S+) ?(\S*)\}", deck_of(path)):
        assert slides.code(notebook, name, lines).count("\n") < MOST_CODE
    asked = {cell.source.split('"')[1] for cell in notebook.cells if "forecast" in cell.metadata.get("tags", [])}
    assert set(re.findall(r"\{predict (\S+)\}", deck_of(path))) == asked


@every_chapter
def test_each_number_of_a_deck_occurs_in_the_chapter(path):
    notebook = nbformat.read(path, as_version=4)
    printed = [out.get("text", "") or str(out.get("data", "")) for c in notebook.cells for out in c.get("outputs", [])]
    chapter = "\n".join([*(cell.source for cell in notebook.cells), *printed])
    said = re.sub(r"\{[a-z]+ [^}]*\}|section \S+|exercises? [\d., and]+", "", deck_of(path))
    numbers = re.findall(r"(?<![\d.])\d+\.\d+|\d{1,3},\d{3}", said)
    assert [number for number in numbers if number not in chapter] == []


@every_chapter
def test_no_slide_follows_with_the_same_title(path):
    titles = re.findall(r"^## (.*)$", deck_of(path), flags=re.MULTILINE)
    assert all(one != other for one, other in pairwise(titles))
