"""What the book's own extension does to a page, without a browser."""

import sys

import pytest

from tests.browser.conftest import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))

import course

THREE, FOUR = "notebooks/03_from_scratch_and_stable", "notebooks/04_gradients_and_curvature"


@pytest.mark.parametrize(
    ("text", "words", "anchors"),
    [
        ("by equation 3.2 it is", ["equation 3.2"], ["equation-3-2"]),
        ("equations 3.3 and 3.5", ["equations 3.3", "3.5"], ["equation-3-3", "equation-3-5"]),
        ("the loss (3.5) grows", ["3.5"], ["equation-3-5"]),
        ("see section 3.1, 3.2 and 3.4.", ["section 3.1", "3.2", "3.4"], ["section-3-1", "section-3-2", "section-3-4"]),
        ("Chapter 3 found it", ["Chapter 3"], [""]),
        ("chapter 4 itself, equation 3.99, section 4.3.3, a loss of 3.5, (0.35)", [], []),
    ],
)
def test_what_is_cited_is_found(text, words, anchors):
    found = list(course._cited(FOUR, text, in_references=False))
    assert [text[start:end] for start, end, *_ in found] == words
    assert [anchor for *_, anchor in found] == anchors
    assert {page for _, _, page, _ in found} <= {THREE}


def test_a_cited_book_s_sections_are_not_the_course_s():
    assert list(course._cited(THREE, "Sections 2.1 and 2.2 do the coin", in_references=True)) == []
    assert len(list(course._cited(THREE, "Section 3.1 in the field (section 2.1)", in_references=True))) == 2


def test_each_term_is_linked_once():
    terms = {
        "logit": ("g", "a"),
        "log-odds": ("g", "b"),
        "binary cross-entropy": ("g", "c"),
        "cross-entropy": ("g", "d"),
    }
    text = "Logits are log-odds; logitech is not. The binary cross-entropy of a logit."
    found = list(course._defined(text, terms))
    assert sorted(text[start:end] for start, end, *_ in found) == ["Logits", "binary cross-entropy", "log-odds"]
    assert list(terms) == ["cross-entropy"]


def test_statements_lead_to_their_cells():
    ((start, end, page, anchor),) = course._statements("book/statements", "S05")
    assert (start, end, page, anchor) == (0, 3, THREE, "statement-S05")
    assert list(course._statements("book/statements", "S05 and more")) == []
