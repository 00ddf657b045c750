"""Every section, equation, exercise and chapter that a text of the package names exists in the notebooks.

The texts are all strings and comments of ``xent_helpers``: messages, hints and afterwards of the exercises, docstrings.
"""

import ast
import re
import tokenize
from pathlib import Path

import nbformat
import pytest

import xent_helpers
from xent_helpers.exercises import all_exercises

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(Path(xent_helpers.__file__).parent.rglob("*.py"))
NUMBER = r"\d+(?:\.\d+)?\b(?![%\d])"
NAMED = re.compile(rf"\b(section|equation|exercise|chapter)s? ({NUMBER}(?:(?:, | and | or | to ){NUMBER})*)", re.I)


def existing() -> dict[str, set[str]]:
    """The numbers that the notebooks' headings, tags and checks give."""
    texts = [
        cell.source
        for path in sorted((ROOT / "notebooks").glob("0*.ipynb"))
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
    ]
    sections = {number for text in texts for number in re.findall(r"^#+ (\d+\.\d+)\b", text, flags=re.M)}
    equations = {number for text in texts for number in re.findall(r"\\tag\{(\d+\.\d+)\}", text)}
    chapters = {number.split(".")[0] for number in sections}
    return {"section": sections, "equation": equations, "exercise": set(all_exercises()), "chapter": chapters}


def texts_of(path: Path) -> list[str]:
    """The strings and comments of a source file, each on one line."""
    strings = [node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)]
    with tokenize.open(path) as file:
        comments = [token.string for token in tokenize.generate_tokens(file.readline) if token.type == tokenize.COMMENT]
    return [" ".join(text.split()) for text in [*strings, *comments] if isinstance(text, str)]


def named_in(text: str) -> set[tuple[str, str]]:
    found = [(kind.lower(), numbers) for kind, numbers in NAMED.findall(text)]
    return {(kind, number) for kind, numbers in found for number in re.findall(NUMBER, numbers)}


def test_the_pattern_finds_single_numbers_and_lists():
    assert named_in("See sections 5.2 and 5.4, equation 8.12; exercise 3.5's loss of chapter 9 costs 0.5.") == {
        ("section", "5.2"),
        ("section", "5.4"),
        ("equation", "8.12"),
        ("exercise", "3.5"),
        ("chapter", "9"),
    }


@pytest.fixture(scope="module")
def numbers():
    return existing()


def test_every_number_named_in_the_package_exists(numbers):
    named = {(path.name, *one) for path in SOURCES for text in texts_of(path) for one in named_in(text)}
    assert len(named) > 50
    assert sorted(one for one in named if one[2] not in numbers[one[1]]) == []
