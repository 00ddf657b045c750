"""Every slide is reached by the right arrow, fits, and is legible; the lecturer's notes are there."""

import pytest

from tests.browser.conftest import BUILD, page_files

LECTURES = [path for path in page_files("slides") if path.name != "index.html"]
SMALLEST = 18  # pixels of a letter; of an explorable's small print inside its picture, 12 · 1.4
LOOK = """() => {
    const page = Reveal.getCurrentSlide().querySelector(".page");
    const drawn = [...page.querySelectorAll("*")].filter(one => !one.closest("mjx-assistive-mml"));
    const boxes = drawn.map(one => one.getBoundingClientRect()).filter(box => box.width > 0 && box.height > 0);
    const written = drawn.filter(one => !one.closest("mjx-container, svg, .explorable") &&
        [...one.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim()));
    return {
        right: Math.max(...boxes.map(box => box.right)), bottom: Math.max(...boxes.map(box => box.bottom)),
        top: Math.min(...boxes.map(box => box.top)), left: Math.min(...boxes.map(box => box.left)),
        smallest: Math.min(...written.map(one => parseFloat(getComputedStyle(one).fontSize))),
        figures: [...page.querySelectorAll(".figure img")].map(image => image.getBoundingClientRect().height),
        title: page.innerText.slice(0, 80),
    };
}"""
every_lecture = pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)


@every_lecture
def test_the_right_arrow_shows_every_slide_and_each_fits(path, open_page):
    page = open_page(path)
    seen, count = {}, page.evaluate("Reveal.getTotalSlides()")
    while True:
        seen[page.evaluate("Reveal.getSlidePastCount()")] = page.evaluate(LOOK)
        if page.evaluate("Reveal.isLastSlide() && !Reveal.availableFragments().next"):
            break
        page.keyboard.press("ArrowRight")
    page.close()
    too_large = [
        (number + 1, look)
        for number, look in seen.items()
        if look["right"] > 1280 or look["bottom"] > 700 or look["top"] < 0 or look["left"] < 0
    ]
    assert set(seen) == set(range(count))
    assert too_large == []
    assert min(look["smallest"] for look in seen.values()) >= SMALLEST
    assert all(height >= 280 for look in seen.values() for height in look["figures"])


@every_lecture
def test_each_prediction_has_notes(path, open_page):
    page = open_page(path)
    notes = page.evaluate(
        "[...document.querySelectorAll('section.predict')].map(s => s.querySelector('.notes')?.textContent ?? '')"
    )
    page.close()
    assert notes and all("before you go on" in text for text in notes)


def test_a_lecture_prints(open_page):
    """With ?print-pdf each slide is a page of its own."""
    page = open_page(LECTURES[0], query="?print-pdf")
    page.wait_for_selector(".pdf-page", timeout=60_000)
    assert page.locator(".pdf-page").count() >= 15
    page.close()


def test_the_list_names_every_lecture():
    listed = (BUILD / "slides" / "index.html").read_text(encoding="utf-8")
    assert LECTURES and all(f'href="{path.name}"' in listed for path in LECTURES)
