"""What the book adds to Sphinx: the README's map, links between chapters, alternative texts, boxes, API pages."""

import json
import re
import zipfile
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import chapters
import offline
import sections
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

import xent_helpers
from tools import colab
from xent_helpers import explorables, forecasts

CURIOUS = " (for the curious)"
# What is linked in running text; `(3.2)` counts when chapter 3 has such an equation.
KEY = r"\d+(?:\.\d+)?(?!\.?\d)"
CITED = re.compile(
    rf"(?P<kind>(?i:equation|section|chapter))s? (?P<keys>{KEY}(?:(?:, | and | or | to ){KEY})*)"
    r"|\((?P<bare>\d+\.\d+)\)"
)
NOT_LINKED = (nodes.reference, nodes.title, nodes.literal, nodes.literal_block, nodes.math, nodes.math_block)


# ---- before a page is read ----


def prepare_notebook(app: Sphinx, document: str, content: list[str]) -> None:
    """Set predictions and exercises in boxes; in the notebook they are plain Markdown.

    A link to a cell, which JupyterLab follows, becomes plain text again, so that it is linked as on every other page.
    """
    if not document.startswith("notebooks/"):
        return
    notebook = json.loads(content[0])
    notebook["cells"].insert(1, {"cell_type": "markdown", "id": "links", "metadata": {}, "source": _links(document)})
    for cell in notebook["cells"]:
        source = re.sub(r"\[([^\][]*)\]\([^()]*#cell-id=[^()]*\)", r"\1", "".join(cell["source"]))
        if "predict" in cell["metadata"].get("tags", []):
            cell["source"] = _box("predict", "Predict before you read on", source.removeprefix("**Predict.**").strip())
        elif cell["cell_type"] == "markdown":
            cell["source"] = re.sub(
                r"^\*\*(\d+\.\d+) \(([^)]*)\)\.\*\*(.*?)(?=^\*\*\d+\.\d+ \(|\Z)",
                lambda found: _box("exercise", f"Exercise {found[1]}, {found[2]}", found[3].strip()) + "\n",
                source,
                flags=re.DOTALL | re.MULTILINE,
            )
    content[0] = json.dumps(notebook)


def prepare_glossary(app: Sphinx, document: str, content: list[str]) -> None:
    """Make a glossary of the plain list, which reads well in JupyterLab too."""
    if document == "book/glossary":
        opening, *entries = re.split(r"^- \*\*(.*?)\*\*: ", content[0], flags=re.MULTILINE)
        rows = [f"{term}\n  {text}" for term, text in zip(entries[::2], entries[1::2], strict=True)]
        content[0] = "\n".join([opening, "```{glossary}", *rows, "```", ""])


def _links(document: str) -> str:
    """Where a chapter is to be had: the notebook, its slides beside the book, the copy for Colab."""
    name = Path(document).name
    copy = colab.links(f"{name}.ipynb", colab.address())["colab"]
    slides = f'<a href="../../slides/{name}.html">slides</a>'
    return f"{{download}}`notebook (.ipynb) <{name}.ipynb>` · {slides} · [open in Colab]({copy})"


def write_archive(app: Sphinx, error: Exception | None) -> None:
    """All notebooks in one file, which the page of downloads names."""
    if error is None and app.builder.name == "html":
        with zipfile.ZipFile(Path(app.outdir, "notebooks.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(Path(app.srcdir, "notebooks").glob("*.ipynb")):
                archive.write(path, f"notebooks/{path.name}")


def _box(kind, title, text):
    return f":::::{{admonition}} {title}\n:class: {kind}\n{text}\n:::::\n"


def write_api_pages(app: Sphinx) -> None:
    """One page a module, so that a new module has its page without anybody's doing."""
    folder = Path(app.srcdir, "book", "api")
    folder.mkdir(exist_ok=True)
    names = [
        module.name
        for module in walk_packages(xent_helpers.__path__, "xent_helpers.")
        if not re.search(r"\.(_\w+$|chapter_\d+)", module.name)  # the chapters' exercises are for `solution` to show
    ]
    rows = []
    for name in names:  # a package shows what it defines; what it passes on is shown on the page of its module
        summary = import_module(name).__doc__.splitlines()[0]
        title = name.removeprefix("xent_helpers.")
        page = f"# {title}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n   :ignore-module-all:\n```\n"
        _write_changed(folder / f"{name}.md", page)
        rows.append(f"| [{title}]({name}.md) | {summary} |")
    for page in folder.glob("xent_helpers.*.md"):
        if page.stem not in names:
            page.unlink()
    table = "\n".join(["| Module | What it holds |", "|---|---|", *rows])
    tree = "\n".join(
        ["```{toctree}", ":hidden:", "", *[f"{name.removeprefix('xent_helpers.')} <{name}>" for name in names], "```"]
    )
    intro = "The helpers that the chapters share, from their docstrings. All their examples are run by the tests."
    _write_changed(folder / "index.md", f"# xent_helpers\n\n{intro}\n\n{table}\n\n{tree}\n")


def _write_changed(path, text):
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


class FromReadme(SphinxDirective):
    """The README's ``picture`` or ``map``, which tests hold to the notebooks, so that neither is written twice."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        readme = Path(self.env.srcdir, "README.md")
        self.env.note_dependency(str(readme))
        opening, heading = {"picture": ("![", "# "), "map": ("|", "## The course")}[self.arguments[0]]
        text = readme.read_text(encoding="utf-8").split(heading, 1)[1].split("\n## ")[0].splitlines()
        lines = [line for line in text if line.startswith(opening)]
        shown = self.parse_text_to_nodes("\n".join(lines).replace("](", "](../"))
        return [nodes.container("", *shown, classes=[f"course-{self.arguments[0]}"])]


class Explore(SphinxDirective):
    """An explorable figure, as a chapter's ``explore`` shows it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        return [nodes.raw("", explorables.explore(self.arguments[0]).data, format="html")]


class Beliefs(SphinxDirective):
    """For each forecast of a chapter its options, who holds each and what answers it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        lines = []
        for question in forecasts.all_questions().values():
            if question.key.split(".")[0] == self.arguments[0]:
                lines += [f"- **{question.key}** (answer: {question.answer})"]
                lines += [f"  - *{option}*: {belief}." for option, belief in question.beliefs.items()]
        return self.parse_text_to_nodes("\n".join(lines))


def escape_bars(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Docstrings write |x| for a magnitude, which is a substitution to reStructuredText, outside code at least."""
    doctest = False
    for number, line in enumerate(lines):
        doctest = bool(line.strip()) and (doctest or line.lstrip().startswith(">>>"))
        if not doctest:
            lines[number] = re.sub(r"(``.*?``)|\|", lambda found: found[1] or r"\|", line)


# ---- when a page has been read ----


def finish_page(app: Sphinx, doctree: nodes.document) -> None:
    """Give anchors to sections and equations, and alternative texts to figures."""
    document = app.env.docname
    chapter = next((chapter for chapter in chapters.chapters().values() if chapter.document == document), None)
    if chapter is None:
        return
    for section in doctree.findall(nodes.section):
        title = section[0].astext()
        if numbered := re.match(r"(\d+\.\d+) ", title):
            section["ids"].insert(0, chapters.anchor("section", numbered[1]))
        if title.endswith(CURIOUS):
            section["classes"].append("curious")
    for equation in doctree.findall(nodes.math_block):
        for key in re.findall(r"\\tag\{([\d.]+)\}", equation.astext()):
            equation["ids"].append(chapters.anchor("equation", key))
    for container in doctree.findall(nodes.container):
        for name in container["classes"]:
            if name.startswith("tag_statement-"):
                container["ids"].append(name.removeprefix("tag_"))
    _describe_figures(doctree, chapter)


def _describe_figures(doctree, chapter):
    """MyST-NB drops the alternative text that a figure carries in its metadata."""
    texts = [
        output["metadata"]["image/png"]["alt"]
        for cell in chapter.notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    for image, text in zip(doctree.findall(nodes.image), texts, strict=True):
        image["alt"] = text


# ---- when all pages are known ----


def link_page(app: Sphinx, doctree: nodes.document, document: str) -> None:
    """Link what running text names: equations, sections, chapters, statements, and each term's first occurrence."""
    if not document.startswith(("notebooks/", "book/")) or document.startswith("book/api/"):
        return
    terms = glossary(app) if document.startswith("notebooks/") else {}
    for text in list(doctree.findall(nodes.Text)):
        if not _inside(text, NOT_LINKED):
            pieces = _linked(app, document, text, terms)
            if pieces:
                text.parent.replace(text, pieces)


def glossary(app: Sphinx) -> dict[str, tuple[str, str]]:
    """Page and anchor of each term of the glossary, by the term in small letters."""
    found = app.env.domains.standard_domain.get_objects()
    return {name.lower(): (page, anchor) for name, _, kind, page, anchor, _ in found if kind == "term"}


@cache
def definitions(app: Sphinx) -> dict[str, str]:
    """What the glossary says of each term, by the term's anchor, for a reader who points at a link."""
    items = app.env.get_doctree("book/glossary").findall(nodes.definition_list_item)
    return {anchor: item[-1].astext() for item in items for anchor in item[0]["ids"]}


def _inside(node, kinds):
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kinds):
            return True
    return False


def _linked(app, document, node, terms):
    """The text as nodes, none if it links nothing; ``terms`` loses those that it links."""
    text, pieces, end = node.astext(), [], 0
    places = [*_cited(document, text, _in_references(node)), *_statements(document, text), *_defined(text, terms)]
    for start, stop, page, anchor in sorted(places):
        if start < end:
            continue
        title = definitions(app).get(anchor) if page == "book/glossary" else None
        link = make_refnode(app.builder, document, page, anchor, nodes.Text(text[start:stop]), title)
        pieces += [nodes.Text(text[end:start]), link]
        end = stop
    return [*pieces, nodes.Text(text[end:])] if pieces else []


def _in_references(node):
    while node.parent is not None:
        node = node.parent
        if isinstance(node, nodes.section) and node[0].astext() == "References":
            return True
    return False


def _cited(document, text, in_references):
    """Start, end, page and anchor of the equations, sections and chapters that ``text`` names."""
    known = chapters.chapters()
    for found in CITED.finditer(text):
        kind = (found["kind"] or "equation").lower()
        first = found.start("keys" if found["keys"] else "bare")
        for key in re.finditer(KEY, found["keys"] or found["bare"]):
            chapter = known.get(key[0].split(".")[0])
            anchor = "" if kind == "chapter" else chapters.anchor(kind, key[0])
            if chapter is None or (chapter.document == document and not anchor):
                continue
            # "Sections 2.1" and "chapter 5" among the references are the cited book's, unless of this chapter.
            theirs = kind == "chapter" or (found["kind"] or "").istitle()
            if in_references and theirs and chapter.document != document:
                continue
            if not anchor or anchor in chapter.anchors():
                start = found.start() if found["keys"] and not key.start() else first + key.start()
                yield start, first + key.end(), chapter.document, anchor


def _statements(document, text):
    """The number of a statement leads to the cell that shows it."""
    if document == "book/statements" and re.fullmatch(r"S\d+", text):
        for chapter in chapters.chapters().values():
            if f"statement-{text}" in chapter.anchors():
                yield 0, len(text), chapter.document, f"statement-{text}"


def _defined(text, terms):
    """The first occurrence of each term of the glossary, longer terms first."""
    taken = []
    for term in sorted(terms, key=len, reverse=True):
        found = re.search(rf"(?<![\w-]){re.escape(term)}(?:e?s)?(?![\w-])", text, re.IGNORECASE)
        if found and not any(found.start() < end and start < found.end() for start, end in taken):
            taken.append(found.span())
            yield *found.span(), *terms.pop(term)


# ---- when the book is written ----


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    """MathJax, beside the pages."""
    if exception is None and app.builder.format == "html":
        offline.copy_mathjax(Path(app.outdir, "_static", "mathjax"))


def mend_references(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Make a reference an item of its list: ARIA has given up the role that docutils writes."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict[str, bool]:
    """Register all of it."""
    app.add_directive("from-readme", FromReadme)
    app.add_directive("explore", Explore)
    app.add_directive("beliefs", Beliefs)
    app.connect("autodoc-process-docstring", escape_bars)
    app.connect("builder-inited", write_api_pages)
    app.connect("source-read", prepare_notebook)
    app.connect("source-read", prepare_glossary)
    app.connect("doctree-read", finish_page)
    app.connect("doctree-resolved", link_page)
    app.connect("html-page-context", mend_references)
    app.connect("html-page-context", sections.add_to_search_page)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", write_archive)
    app.connect("build-finished", sections.write_sections)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
