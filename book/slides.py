"""Build one lecture a chapter from the notebooks (`make slides`).

A cell's metadata say what becomes of it, as in every Jupyter slide show: `slideshow.slide_type` is `slide`,
`subslide`, `fragment`, `skip`, `notes` or `-` (goes on where it is). A cell is a list of blocks: headings, equations,
list items, code, outputs. `slideshow.breaks` lists the blocks before which another slide begins, and `slideshow.scales`
makes blocks smaller that are too tall or too wide. A heading within a cell begins a slide by itself.

Running prose is what the lecturer says, so it goes to the speaker notes. On the slide stay the sentences that lead to
an equation, that hold bold words or that ask. `propose_slides.py` writes the metadata.
"""

import argparse
import re
import shutil
import sys
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import matplotlib
from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext")]

import chapters  # noqa: E402
import offline  # noqa: E402

WIDTH, HEIGHT = 1280, 720
TEMPLATES = Environment(loader=FileSystemLoader(HERE / "_templates"), autoescape=False, trim_blocks=True)
ASK = "Let everybody settle on an answer, by a show of hands, before you go on."
SENTENCE_END = re.compile(r"([.?!][)\"*]*)\s+(?=[A-Z*$\"(`])")
LONGEST_LEAD, LONGEST_OPENING = 240, 360  # characters of prose before an equation, below a heading


@dataclass
class Block:
    """A piece of a slide, or, with the kind "note", of the speaker notes."""

    kind: str
    html: str
    level: int = 0  # of a heading


@dataclass
class Slide:
    """One screen; ``opens`` marks the first of a section, ``within`` names the section."""

    opens: bool
    within: str = ""
    kind: str = ""
    blocks: list[Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


# ---- Markdown and code as HTML ----


def _math(content, options):
    return rf"\[{escape(content)}\]" if options["display_mode"] else rf"\({escape(content)}\)"


def _code(source, language, _):
    return f'<pre class="code">{coloured(source)}</pre>' if language == "python" else ""


def coloured(source: str) -> str:
    """Python with its syntax in colours."""
    return highlight(source, PythonLexer(), HtmlFormatter(nowrap=True)).rstrip()


MARKDOWN = MarkdownIt("commonmark", {"highlight": _code}).enable("table").use(dollarmath_plugin, renderer=_math)


def markdown_blocks(source: str) -> list[Block]:
    """The blocks of a Markdown text, its running prose condensed; a list gives one block an item."""
    groups = _groups(MARKDOWN.parse(source))
    blocks = []
    for tokens, after, (opening, alone) in zip(groups, [*groups[1:], None], _opens(groups), strict=True):
        first = tokens[0]
        html = MARKDOWN.renderer.render(tokens, MARKDOWN.options, {})
        if first.type == "heading_open":
            blocks.append(Block("heading", html, int(first.tag[1])))
        elif first.type == "paragraph_open":
            text = tokens[1].content
            shown = _condensed(text, after is not None and after[0].type == "math_block", opening, alone)
            if shown:
                blocks.append(Block("text", MARKDOWN.render(shown)))
            if len(shown) != len(text):
                blocks.append(Block("note", html))
        else:
            blocks.append(Block("equation" if first.type == "math_block" else "text", html))
    return blocks


def _groups(tokens):
    """Top-level blocks as lists of tokens; each item of a list is a list of its own."""
    groups, depth, opening = [], 0, None
    for token in tokens:
        if token.type in ("bullet_list_open", "ordered_list_open") and depth == 0:
            opening, number = token, int(token.attrGet("start") or 1)
        elif token.type in ("bullet_list_close", "ordered_list_close") and token.level == opening_level(opening):
            opening = None
        else:
            base = 1 if opening is not None else 0
            if depth == 0:
                groups.append([])
                if opening is not None and opening.type == "ordered_list_open":
                    start = opening.copy(attrs={"start": number})
                    number += 1
                else:
                    start = opening
            groups[-1].append(token)
            depth += token.nesting
            if depth == 0 and base:
                closing = opening.type.replace("open", "close")
                groups[-1] = [start, *groups[-1], start.copy(type=closing, nesting=-1)]
    return groups


def opening_level(token):
    """The level of a list's opening token, -1 where none is open."""
    return -1 if token is None else token.level


def _opens(groups):
    """For each group: is it the paragraph right below a heading, and is there nothing else below that heading?"""
    types = [tokens[0].type for tokens in groups]
    for place, kind in enumerate(types):
        rest = types[place:]
        end = rest.index("heading_open") if "heading_open" in rest else len(rest)
        opening = kind == "paragraph_open" and place > 0 and types[place - 1] == "heading_open"
        yield opening, opening and all(other == "paragraph_open" for other in rest[:end])


def _condensed(text, before_equation, opening, alone):
    """The sentences of a paragraph that stay on the slide."""
    if text.startswith("**"):
        return text
    pieces = sentences(text)
    chosen = ["**" in piece or piece.endswith("?") for piece in pieces]
    if before_equation and len(pieces[-1]) <= LONGEST_LEAD:
        chosen[-1] = True
    if opening and True in chosen and len(" ".join(pieces[: chosen.index(True) + 1])) <= LONGEST_OPENING:
        chosen[: chosen.index(True)] = [True] * chosen.index(True)
    if alone and True not in chosen:
        chosen[:2] = [True] * len(chosen[:2])
    return " ".join(piece for piece, stays in zip(pieces, chosen, strict=True) if stays)


def sentences(text: str) -> list[str]:
    """The sentences of a Markdown paragraph; one that ends within bold words or a formula goes on."""
    found = [""]
    for piece in SENTENCE_END.sub("\\1\0", text.replace("\n", " ")).split("\0"):
        whole = all(found[-1].count(mark) % 2 == 0 for mark in ("**", "$", "`"))
        found = [*found, piece] if whole else [*found[:-1], f"{found[-1]} {piece}"]
    return found[1:]


def code_blocks(cell: NotebookNode) -> list[Block]:
    """The source of a code cell and its outputs."""
    blocks = [Block("code", f'<pre class="code"{_fitting(cell.source)}>{coloured(cell.source)}</pre>')]
    if re.fullmatch(r"show_source\(.*\)", cell.source.strip()):  # what it shows is enough
        blocks = []
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            alt = escape(output.metadata["image/png"]["alt"])
            blocks.append(Block("figure", f'<img alt="{alt}" src="data:image/png;base64,{data["image/png"].strip()}">'))
        elif "text/html" in data:
            blocks.append(Block("table", re.sub(r"<style.*?</style>", "", data["text/html"], flags=re.DOTALL)))
        elif "text/markdown" in data:
            source = data["text/markdown"].strip().removeprefix("```python\n").removesuffix("\n```")
            blocks.append(Block("code", f'<pre class="code"{_fitting(source)}>{coloured(source)}</pre>'))
        else:
            text = output.get("text") or data.get("text/plain") or f"{output.ename}: {output.evalue}"
            text = text.rstrip("\n")
            blocks.append(Block("output", f'<pre class="output"{_fitting(text)}>{escape(text)}</pre>'))
    return blocks


def _fitting(text):
    """A font size at which no line is wider than the slide (a letter takes 0.603 of it) and all are not taller."""
    columns = max(map(len, text.splitlines()), default=1)
    lines = text.count("\n") + 1
    return f' style="font-size: {max(14, min(22, 1145 / 0.603 / max(columns, 1), 590 / 1.35 / lines)):.1f}px"'


# ---- from cells to slides ----


def deck(notebook: NotebookNode) -> list[Slide]:
    """The slides of a chapter, as the metadata of its cells say."""
    slides: list[Slide] = []
    for cell, blocks in zip(notebook.cells, map(cell_blocks, notebook.cells), strict=True):
        wish = cell.metadata.get("slideshow", {})
        kind = wish.get("slide_type", "-")
        predict = "predict" in cell.metadata.get("tags", [])
        if kind == "skip" or not blocks:
            continue
        shown = 0
        for block in blocks:
            if kind == "notes" or block.kind == "note":
                slides[-1].notes.append(block.html)
                continue
            title = block.level in (1, 2)
            fresh = (shown == 0 and kind in ("slide", "subslide")) or shown in wish.get("breaks", []) or title
            if fresh:
                within = "" if title else (slides[-1].within or _heading(slides[-1])) if slides else ""
                slides.append(Slide(title or (shown == 0 and kind == "slide"), within, "predict" if predict else ""))
            block.html = _wrapped(block, wish.get("scales", {}).get(str(shown), 1), fragment=kind == "fragment")
            slides[-1].blocks.append(block)
            shown += 1
        if predict:
            slides[-1].notes.append(f"<p>{ASK}</p>")
            slides[-1].notes += _answer(notebook, cell)
    return [slide for slide in slides if slide.blocks]


def cell_blocks(cell: NotebookNode) -> list[Block]:
    """The blocks of any cell."""
    return code_blocks(cell) if cell.cell_type == "code" else markdown_blocks(cell.source)


def _heading(slide):
    titles = [block.html for block in slide.blocks if block.kind == "heading"]
    return re.sub(r"</?h\d>|</?div[^>]*>", "", titles[0]).strip() if titles else ""


def _wrapped(block, scale, fragment):
    smaller = f' style="zoom: {scale}"' if scale != 1 else ""
    return f'<div class="{block.kind}{" fragment" if fragment else ""}"{smaller}>{block.html}</div>'


def _answer(notebook, asking):
    """What the prose after the code says about the prediction, up to the next heading."""
    after = notebook.cells[notebook.cells.index(asking) + 1 :]
    prose = next((cell.source for cell in after if cell.cell_type == "markdown"), "")
    prose = re.split(r"^#|^\*\*Predict|\$\$", prose, flags=re.MULTILINE)[0].strip()
    return [f"<p><strong>What comes out.</strong></p>{MARKDOWN.render(prose)}"] if prose else []


# ---- writing ----


def stacks(slides: list[Slide]) -> list[list[Slide]]:
    """Slides by section: a section's first one lies on the horizontal line, the others below it."""
    grouped: list[list[Slide]] = []
    for slide in slides:
        if slide.opens or not grouped:
            grouped.append([])
        grouped[-1].append(slide)
    return grouped


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
    folder.joinpath("pygments.css").write_text(HtmlFormatter(style="a11y-high-contrast-light").get_style_defs(".code"))


def write_lecture(path: Path, title: str, slides: list[Slide]) -> None:
    """Write one lecture; its assets lie beside it."""
    page = TEMPLATES.get_template("slides.html").render(title=title, stacks=stacks(slides), width=WIDTH, height=HEIGHT)
    path.write_text(page, encoding="utf-8")


def build(folder: Path) -> None:
    """Write every lecture and their list."""
    copy_assets(folder / "assets")
    for chapter in chapters.chapters().values():
        path = folder / f"{Path(chapter.document).name}.html"
        write_lecture(path, f"{chapter.number} · {chapter.title}", deck(chapter.notebook))
    listed = TEMPLATES.get_template("slides_index.html").render(chapters=chapters.chapters().values())
    folder.joinpath("index.html").write_text(listed, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build one lecture a chapter from the notebooks.")
    parser.add_argument("folder", type=Path, help="where to write them")
    build(parser.parse_args().folder)
