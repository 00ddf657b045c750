"""Book and slides, opened from the disk with the network cut."""

import re
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import nbformat
import pytest

from tests.browser.conftest import BUILD, ROOT, name, page_files
from xent_helpers.explorables import ALTERNATIVES

BOOK = page_files("book")
PAGES = [*BOOK, *page_files("slides")]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
REDIRECT = BUILD / "book" / "index.html"
LARGEST_BOOK = 25 * 2**20

every_page = pytest.mark.parametrize("path", [path for path in PAGES if path != REDIRECT], ids=name)
every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_pages():
    """Every chapter has a page in the book and a lecture."""
    assert NOTEBOOKS
    for folder in ("book/notebooks", "slides"):
        assert {path.stem for path in NOTEBOOKS} <= {path.stem for path in page_files(folder)}


def test_the_book_is_small():
    size = sum(path.stat().st_size for path in (BUILD / "book").rglob("*") if path.is_file())
    assert size < LARGEST_BOOK


def test_the_first_page_leads_to_the_book(browser):
    page = browser.new_page()
    page.context.set_offline(True)
    page.goto(REDIRECT.as_uri())
    page.wait_for_url("**/book/book/index.html")
    page.close()


@every_page
def test_nothing_comes_from_elsewhere(path, look):
    assert [url for url in look(path).requests if not url.startswith(("file:", "data:", "blob:"))] == []


@every_page
def test_the_console_is_silent(path, look):
    assert look(path).console == []


@every_page
def test_pictures_are_there_and_described(path, look):
    assert [image for image in look(path).images if not image["loaded"] or not image["alt"]] == []


@every_page
def test_formulas_are_typeset(path, look):
    """No TeX where a reader sees it; the words between dollar signs or after a backslash show which."""
    assert re.findall(r".{0,30}(?:\$|\\[a-zA-Z]+|\\[()\[\]]).{0,30}", look(path).text) == []
    assert look(path).failed_formulas == []


@every_page
def test_links_lead_somewhere(path, look):
    broken = []
    for link in look(path).links:
        address, anchor = urldefrag(link)
        if urlparse(address).scheme != "file":
            assert urlparse(address).scheme in ("http", "https", "mailto"), link
            continue
        target = Path(unquote(urlparse(address).path))
        reveal = target.parent.name == "slides" and anchor.startswith("/")
        if not target.is_file() or (anchor and not reveal and anchor not in look(target).ids):
            broken.append(link)
    assert broken == []


@every_notebook
@pytest.mark.parametrize("folder", ["book/notebooks", "slides"])
def test_each_figure_says_what_it_shows(notebook, folder, look):
    """The book shows all figures of a notebook, the lecture some; each with its own alternative text."""
    cells = nbformat.read(notebook, as_version=4).cells
    wanted = [
        output.metadata["image/png"]["alt"]
        for cell in cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    images = [image["alt"] for image in look(BUILD / folder / f"{notebook.stem}.html").images]
    shown = [alt for alt in images if alt not in ALTERNATIVES.values()]
    assert len(wanted) > 0
    if folder == "slides":
        assert shown and set(shown) <= set(wanted)
    else:
        assert shown == wanted


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("temperature", "07_"),
        ("BCELoss", "05_"),
        ("accuracy improve while loss constant", "training.html#why-"),
        ("batchmean is not valid", "#gaussian-and-poisson-losses"),  # stands in the table of messages
        ("sklearn log_loss", "#scikit-learn-"),
    ],
)
def test_the_search_finds(words, page, open_page):
    said = []

    def watch(page):
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)

    found = open_page(BUILD / "book" / "search.html", watch=watch, query=f"?q={words}")
    found.wait_for_selector(".search-summary:has-text('found')", timeout=30_000)
    links = found.eval_on_selector_all("#search-results li a", "links => links.map(link => link.href)")
    found.close()
    assert any(page in link for link in links), links
    assert said == []


@every_notebook
def test_chapters_link_their_equations(notebook, look):
    """Each equation with a number can be linked to."""
    prose = "\n".join(c.source for c in nbformat.read(notebook, as_version=4).cells if c.cell_type == "markdown")
    keys = re.findall(r"\\tag\{([\d.]+)\}", prose)
    ids = look(BUILD / "book" / "notebooks" / f"{notebook.stem}.html").ids
    assert [key for key in keys if f"equation-{key.replace('.', '-')}" not in ids] == []


# What may be wider than a telephone, within a box of its own that scrolls: code, tables, pictures, long equations.
SCROLLS = """() => [...document.querySelectorAll("body *")].filter(element => {
    if (element.scrollWidth <= element.clientWidth + 1 || !element.clientWidth) return false;
    if (!["auto", "scroll"].includes(getComputedStyle(element).overflowX)) return false;
    const pictures = ".image-reference, .course-picture";
    const boxes = `pre, table, .math, ${pictures}, mjx-container, .text_html, .bd-sidebar-secondary, dialog`;
    return !element.closest(boxes) && !element.firstElementChild?.matches("table, pre");
}).map(element => element.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("path", [*[p for p in BOOK if p != REDIRECT], BUILD / "slides" / "index.html"], ids=name)
def test_a_telephone_shows_it(path, open_page):
    page = open_page(path, width=390, height=844)
    width, scrolling = page.evaluate("document.scrollingElement.scrollWidth"), page.evaluate(SCROLLS)
    page.close()
    assert width <= 390
    assert scrolling == []
