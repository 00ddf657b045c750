"""Write into the notebooks which cell goes on which slide (`make slide-types`); `slides.py` says what the words mean.

The type follows from what a cell is: a heading begins a section, a prediction and a code cell a slide; what may be
skipped is left out. Where a slide would be taller than the screen, a break is put; for that every block is measured in
a browser. The same notebooks get the same metadata, whatever stood there before.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat import NotebookNode

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

import chapters  # noqa: E402
import slides  # noqa: E402

from tools.chromium import chromium  # noqa: E402
from tools.execute_notebooks import write  # noqa: E402

ROOM = slides.HEIGHT - 36 - 30 - 8  # within the margins, and a little to spare
RUNNING_HEAD, GAP = 34 + 16, 16
FIGURE = 450  # the least height of a figure on a slide
SIZES = """() => [...document.querySelectorAll(".page")].map(page => {
    const block = page.lastElementChild, box = block.getBoundingClientRect();
    const drawn = [...block.querySelectorAll("*")].filter(part => !part.closest("mjx-assistive-mml"));
    const right = Math.max(box.right, ...drawn.map(part => part.getBoundingClientRect().right));
    return [box.height, right - box.left];
})"""
WIDEST = slides.WIDTH - 2 * 50
ALL_SHOWN = ".reveal .slides section { display: block !important; }"


def kinds(notebook: NotebookNode) -> list[str]:
    """The slide type of each cell, by what it is."""
    found, title, imports = [], "", True
    for cell in notebook.cells:
        headings = [line for line in cell.source.splitlines() if line.startswith("## ")]
        if cell.cell_type == "markdown" and headings:
            title = headings[-1].removeprefix("## ")
        found.append(_kind(cell, title, imports))
        imports = imports and cell.cell_type == "markdown"
    return found


def _kind(cell, title, imports):
    tags = cell.metadata.get("tags", [])
    if title == "References" or {"optional", "remove-cell", "forecast"} & set(tags):
        return "skip"  # the checks and the reader's own forecasts are no part of a lecture
    if cell.cell_type == "code":
        moves = cell.source.startswith("explore(")  # an explorable does not fit on a slide yet
        return "skip" if imports or moves or title == "Exercises" else "subslide"
    if cell.source.startswith("#"):
        return "slide"
    if "predict" in tags:
        return "subslide"
    return "-" if any(block.kind != "note" for block in slides.markdown_blocks(cell.source)) else "notes"


def sizes(notebook: NotebookNode, page) -> dict[str, list[tuple[float, float]]]:
    """Height and width in pixels of each block that is shown, by its cell's id."""
    shown = {cell.id: [b for b in slides.cell_blocks(cell) if b.kind != "note"] for cell in notebook.cells}
    single = [
        slides.Slide(True, blocks=[slides.Block(block.kind, f'<div class="{block.kind}">{block.html}</div>')])
        for blocks in shown.values()
        for block in blocks
    ]
    with TemporaryDirectory() as folder:
        slides.copy_assets(Path(folder, "assets"))
        slides.write_lecture(Path(folder, "all.html"), "all", single)
        page.goto(Path(folder, "all.html").as_uri())
        page.wait_for_function("window.Reveal && Reveal.isReady()", timeout=120_000)
        page.add_style_tag(content=ALL_SHOWN)
        measured = iter(page.evaluate(SIZES))
    return {name: [next(measured) for _ in blocks] for name, blocks in shown.items()}


def propose(notebook: NotebookNode, page) -> None:
    """Give every cell its ``slideshow`` metadata."""
    measured = sizes(notebook, page)
    filled = 0.0
    for cell, kind in zip(notebook.cells, kinds(notebook), strict=True):
        blocks = [block for block in slides.cell_blocks(cell) if block.kind != "note"]
        wish = {"slide_type": kind}
        if kind not in ("skip", "notes"):
            most = ROOM - RUNNING_HEAD - (40 if "predict" in cell.metadata.get("tags", []) else 0)
            needs, scales = [], {}
            for place, (block, (height, width)) in enumerate(zip(blocks, measured[cell.id], strict=True)):
                height, width = (FIGURE, 0) if block.kind == "figure" else (height, width)
                scale = min(1, most / max(height, 1), WIDEST / max(width, 1))
                if scale < 1:
                    scales[str(place)] = scale = round(scale - 0.01, 2)
                needs.append(height * scale)
            if scales:
                wish["scales"] = scales
            breaks, filled = _breaks(blocks, needs, kind, filled)
            if 0 in breaks:
                wish["slide_type"] = "subslide"
            if inner := [place for place in breaks if place]:
                wish["breaks"] = inner
        cell.metadata["slideshow"] = wish


def _breaks(blocks, needs, kind, filled):
    """Before which blocks another slide must begin, and how far the last one is filled."""
    breaks, first = [], -1  # the block that began the current slide, -1 for one of an earlier cell
    for place, (block, height) in enumerate(zip(blocks, needs, strict=True)):
        if block.level in (1, 2) or (place == 0 and kind in ("slide", "subslide")):
            filled, first = (0 if block.level else RUNNING_HEAD) + height, place
        elif filled + GAP + height <= ROOM:
            filled += GAP + height
        else:
            # An equation goes with the sentence that leads to it.
            led = block.kind == "equation" and place > 0 and blocks[place - 1].kind == "text" and place - 1 != first
            first = place - 1 if led else place
            breaks.append(first)
            filled = RUNNING_HEAD + sum(needs[first : place + 1]) + GAP * (place - first)
    return breaks, filled


def main() -> None:
    """Propose for the named notebooks, or for all."""
    parser = argparse.ArgumentParser(description="Write into the notebooks which cell goes on which slide.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all in notebooks/")
    paths = parser.parse_args().notebooks or sorted((chapters.ROOT / "notebooks").glob("[0-9]*.ipynb"))
    with chromium() as browser:
        page = browser.new_page(viewport={"width": slides.WIDTH, "height": slides.HEIGHT})
        for path in paths:
            notebook = nbformat.read(path, as_version=4)
            propose(notebook, page)
            write(notebook, path)
            print(f"{path.name}: {len(slides.deck(notebook))} slides")


if __name__ == "__main__":
    main()
