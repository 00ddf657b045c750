"""The text of every section of the book, for the search: Sphinx's own index knows pages only."""

import json
from collections import defaultdict
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

FILE = "sections.js"
SKIPPED = ("book/api/", "book/references")
LISTS = ("References", "All messages")


def write_sections(app: Sphinx, error: Exception | None) -> None:
    """A script that holds document, anchor, title and text of each section; a page on a disk can read no other file."""
    if error is None and app.builder.name == "html":
        found = [
            row for name in sorted(app.env.found_docs) if not name.startswith(SKIPPED) for row in _sections(app, name)
        ]
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        Path(app.outdir, "_static", FILE).write_text(f"const SECTIONS = {text};\n", encoding="utf-8")


def add_to_search_page(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Only the search reads the sections."""
    if page == "search":
        app.add_js_file(FILE)


def _sections(app, document):
    doctree = app.env.get_doctree(document)
    elsewhere = _messages(doctree)
    for section in doctree.findall(nodes.section):
        title, anchors = section[0].astext(), section["ids"]
        if title not in LISTS:
            own = [
                text for child in section.children[1:] if not isinstance(child, nodes.section) for text in _texts(child)
            ]
            own += [message for anchor in anchors for message in elsewhere[anchor]]
            top = isinstance(section.parent, nodes.document)
            yield document, "" if top else anchors[0], title, " ".join(" ".join(own).split())


def _texts(node):
    """Text without the markup of figures; a text's pieces may belong to one word."""
    if isinstance(node, nodes.raw):
        return []
    if isinstance(node, nodes.TextElement):
        return [node.astext()]
    return [text for child in node.children for text in _texts(child)]


def _messages(doctree):
    """What the table of messages says, by the section that explains it."""
    found = defaultdict(list)
    for section in doctree.findall(nodes.section):
        for row in section.findall(nodes.row) if section[0].astext() == "All messages" else ():
            for link in row.findall(nodes.reference):
                found[link.get("refid", "")].append(row[0].astext())
    return found
