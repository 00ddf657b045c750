"""No slide is taller or wider than 1280 x 720, and the lecturer's notes are there."""

import nbformat
import pytest

from tests.browser.conftest import BUILD, ROOT, page_files

LECTURES = [path for path in page_files("slides") if path.name != "index.html"]
EDGES = """() => {
    const page = Reveal.getCurrentSlide().querySelector(".page");
    const drawn = [...page.querySelectorAll("*")].filter(element => !element.closest("mjx-assistive-mml"))
        .map(element => element.getBoundingClientRect()).filter(box => box.width > 0 && box.height > 0);
    return {right: Math.max(page.scrollWidth, ...drawn.map(box => box.right)),
            bottom: Math.max(page.scrollHeight, ...drawn.map(box => box.bottom)),
            top: Math.min(...drawn.map(box => box.top)), left: Math.min(...drawn.map(box => box.left)),
            text: page.innerText.slice(0, 80)};
}"""
every_lecture = pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)


@every_lecture
def test_each_slide_fits(path, open_page):
    page = open_page(path)
    too_large, count = [], page.evaluate("Reveal.getTotalSlides()")
    for number in range(1, count + 1):
        edges = page.evaluate(EDGES)
        if edges["right"] > 1280 or edges["bottom"] > 720 or edges["top"] < 0 or edges["left"] < 0:
            too_large.append((number, edges))
        page.evaluate("Reveal.next()")
    page.close()
    assert count >= 20
    assert too_large == [], "`make slide-types` places the breaks again"


@every_lecture
def test_each_prediction_has_notes(path, open_page):
    cells = nbformat.read(ROOT / "notebooks" / f"{path.stem}.ipynb", as_version=4).cells
    wanted = sum("predict" in c.metadata.get("tags", []) and c.metadata.slideshow.slide_type != "skip" for c in cells)
    page = open_page(path)
    notes = page.evaluate(
        "[...document.querySelectorAll('section.predict')].map(s => s.querySelector('.notes')?.textContent ?? '')"
    )
    page.close()
    assert len(notes) == wanted > 0
    assert all("before you go on" in text and "What comes out" in text for text in notes)


def test_a_lecture_prints(open_page):
    """With ?print-pdf each slide is a page of its own."""
    page = open_page(LECTURES[0], query="?print-pdf")
    page.wait_for_selector(".pdf-page", timeout=60_000)
    assert page.locator(".pdf-page").count() >= 20
    page.close()


@every_lecture
def test_every_cell_has_its_type(path):
    """Metadata decide, so each cell has some."""
    cells = nbformat.read(ROOT / "notebooks" / f"{path.stem}.ipynb", as_version=4).cells
    types = {"slide", "subslide", "fragment", "skip", "notes", "-"}
    lacking = [cell.id for cell in cells if cell.metadata.get("slideshow", {}).get("slide_type") not in types]
    assert lacking == [], "`make slide-types NOTEBOOKS=…` gives them one"


def test_the_list_names_every_lecture():
    listed = (BUILD / "slides" / "index.html").read_text(encoding="utf-8")
    assert LECTURES and all(f'href="{path.name}"' in listed for path in LECTURES)
