"""Build one lecture a chapter (`make slides`) from the decks in book/slides/, one Markdown file a chapter.

A line of three dashes ends a slide. Its first line is a title; lines after `Notes:` are for the speaker's window. What
a chapter computes is not typed again: a line in braces takes it from the chapter's notebook.

    {figure c01-05}          the picture among a cell's outputs
    {code c01-10 1-2}        lines of a cell's source (without numbers: all of it)
    {output c01-10 1-3}      lines of the text that a cell prints
    {table c02-12}           the table that a cell shows
    {equation 1.4}           a numbered equation
    {predict 1.2}            a prediction: question and options
    {explore coin}           an explorable figure
    {columns}                what follows stands to the right of what came before

`+ ` before a paragraph or a line in braces shows it only at the next key press.
"""

import argparse
import ast
import re
import shutil
import sys
from html import escape
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import matplotlib
from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

import chapters  # noqa: E402
import offline  # noqa: E402

from xent_helpers.explorables import explore  # noqa: E402

WIDTH, HEIGHT = 1280, 720
DECKS = HERE / "slides"
TEMPLATES = Environment(loader=FileSystemLoader(HERE / "_templates"), autoescape=False, trim_blocks=True)
ASK = "Let everybody settle on an answer, by a show of hands, before you go on."


class Slide(NamedTuple):
    """One screen: its kind ("title", "predict" or ""), its HTML, and the speaker's notes."""

    kind: str
    html: str
    notes: str


def _math(content, options):
    return rf"\[{escape(content)}\]" if options["display_mode"] else rf"\({escape(content)}\)"


def _code(source, language="python", _=None):
    return highlight(source, PythonLexer(), HtmlFormatter(nowrap=True)).rstrip()


MARKDOWN = MarkdownIt("commonmark", {"highlight": _code}).enable("table").use(dollarmath_plugin, renderer=_math)


# ---- what a deck takes from its notebook ----


def _cell(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.id == name)


def _lines(text: str, wanted: str = "") -> str:
    first, _, last = wanted.partition("-")
    lines = text.strip("\n").split("\n")
    return "\n".join(lines[int(first) - 1 : int(last or first)] if wanted else lines)


def figure(notebook: NotebookNode, name: str) -> str:
    """The picture of a cell, with its alternative text."""
    output = next(out for out in _cell(notebook, name).outputs if "image/png" in out.get("data", {}))
    alternative = escape(output.metadata["image/png"]["alt"])
    return f'<img alt="{alternative}" src="data:image/png;base64,{output.data["image/png"].strip()}">'


def _pre(html: str, text: str) -> str:
    """Preformatted text in letters small enough for its longest line; a letter is 0.603 of its size wide."""
    longest = max(map(len, text.split("\n")))
    return f'<pre style="font-size: clamp(20px, {1130 / 0.603 / longest:.1f}px, var(--largest))">{html}</pre>'


def code(notebook: NotebookNode, name: str, lines: str = "") -> str:
    """Lines of a cell's source in colours."""
    text = dedent(_lines(_cell(notebook, name).source, lines))
    return _pre(_code(text), text)


def output(notebook: NotebookNode, name: str, lines: str = "") -> str:
    """Lines of what a cell prints."""
    text = _lines("".join(out.text for out in _cell(notebook, name).outputs if "text" in out), lines)
    return _pre(escape(text), text)


def table(notebook: NotebookNode, name: str) -> str:
    """The table that a cell shows."""
    html = next(out.data["text/html"] for out in _cell(notebook, name).outputs if "text/html" in out.get("data", {}))
    return re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)


def equation(notebook: NotebookNode, number: str) -> str:
    """A numbered equation of the chapter."""
    found = re.findall(r"\$\$(.*?)\$\$", "\n".join(cell.source for cell in notebook.cells), flags=re.DOTALL)
    tag = rf"\tag{{{number}}}"
    return MARKDOWN.render(f"$${next(text for text in found if tag in text)}$$")


def predict(notebook: NotebookNode, number: str) -> str:
    """A prediction's question and its options."""
    for asking, answering in pairwise(notebook.cells):
        if answering.source.startswith("predict(") and f'"{number}"' in answering.source:
            options = ast.literal_eval(_dictionary(answering.source))
            listed = "".join(f"<li>{MARKDOWN.renderInline(option)}</li>" for option in options)
            return f'{MARKDOWN.render(asking.source.removeprefix("**Predict.** "))}<ul class="options">{listed}</ul>'
    raise ValueError(f"the chapter has no prediction {number}.")


def _dictionary(source):
    """The options as a literal: the probabilities, such as 1 / 3, are left out."""
    keys = ast.parse(source).body[-1].value.args[1].keys
    return repr([key.value for key in keys])


TAKEN = {"figure": figure, "code": code, "output": output, "table": table, "equation": equation, "predict": predict}


# ---- decks ----


def deck(number: str, notebook: NotebookNode) -> list[Slide]:
    """The slides of a chapter."""
    pages = (DECKS / f"{int(number):02}.md").read_text("utf-8").split("\n---\n")
    return [_slide(page, notebook) for page in pages]


def _slide(page: str, notebook: NotebookNode) -> Slide:
    shown, _, notes = page.strip().partition("\nNotes:")
    parts = [_part(part.strip(), notebook) for part in re.split(r"\n\s*\n", shown)]
    kind = "title" if shown.startswith("# ") else "predict" if "{predict " in shown else ""
    html = "\n".join(parts)
    if "{columns}" in html:
        title, _, rest = html.partition("\n")
        html = f'{title}\n<div class="columns"><div>{rest.replace("{columns}", "</div><div>")}</div></div>'
    return Slide(kind, html, MARKDOWN.render(notes.strip()) + (f"<p>{ASK}</p>" if kind == "predict" else ""))


def _part(source: str, notebook: NotebookNode) -> str:
    """A paragraph, a list, or what a line in braces stands for."""
    later, source = source.startswith("+ "), source.removeprefix("+ ")
    if source == "{columns}":
        return source
    taken = re.fullmatch(r"\{(\w+) (.+)\}", source)
    if taken and taken[1] == "explore":
        kind, html = "explorable", explore(taken[2]).data
    elif taken:
        kind, html = taken[1], TAKEN[taken[1]](notebook, *taken[2].split())
    else:
        kind, html = "text", MARKDOWN.render(source)
    return html if html.startswith("<h") else f'<div class="{kind}{" fragment" if later else ""}">{html}</div>'


# ---- writing ----


def copy_assets(folder: Path) -> None:
    """All that the slides need beside their text; the fonts too, so that a slide that fits here fits everywhere."""
    offline.copy_mathjax(folder / "mathjax")
    offline.copy_reveal(folder)
    shutil.copy(HERE / "_static" / "slides.css", folder)
    sans = offline.package_folder("sphinx_revealjs") / "_static/revealjs/dist/theme/fonts/source-sans-pro"
    mono = Path(matplotlib.get_data_path(), "fonts", "ttf")
    fonts = [sans / f"source-sans-pro-{style}.woff" for style in ("regular", "italic", "semibold")]
    for font in [*fonts, mono / "DejaVuSansMono.ttf"]:
        shutil.copy(font, folder)
    folder.joinpath("pygments.css").write_text(HtmlFormatter(style="a11y-high-contrast-light").get_style_defs(".page"))


def build(folder: Path) -> None:
    """Write every lecture and their list."""
    copy_assets(folder / "assets")
    for chapter in chapters.chapters().values():
        slides = deck(chapter.number, chapter.notebook)
        page = TEMPLATES.get_template("slides.html").render(
            title=f"{chapter.number} · {chapter.title}", slides=slides, width=WIDTH, height=HEIGHT
        )
        (folder / f"{Path(chapter.document).name}.html").write_text(page, encoding="utf-8")
    listed = TEMPLATES.get_template("slides_index.html").render(chapters=chapters.chapters().values())
    folder.joinpath("index.html").write_text(listed, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build one lecture a chapter from book/slides/ and the notebooks.")
    parser.add_argument("folder", type=Path, help="where to write them")
    build(parser.parse_args().folder)
