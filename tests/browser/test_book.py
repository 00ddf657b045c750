"""What the book's own script and style do for a reader: folding, definitions, marks, schemes, code that is not cut."""

import pytest

from tests.browser.conftest import BUILD, page_files

BOOK = BUILD / "book"
FIRST = BOOK / "notebooks" / "01_likelihood_to_cross_entropy.html"
CUT = """() => [...document.querySelectorAll(".cell pre, .bd-article pre")]
    .filter(block => block.checkVisibility() && block.scrollWidth > block.clientWidth + 1)
    .map(block => block.innerText.slice(0, 80))"""


@pytest.mark.parametrize("width", [1440, 1280, 820])
@pytest.mark.parametrize("path", page_files("book/notebooks"), ids=lambda path: path.stem)
def test_neither_code_nor_output_is_cut(path, width, open_page):
    page = open_page(path, width=width)
    page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
    cut = page.evaluate(CUT)
    page.close()
    assert cut == []


def test_a_curious_section_is_folded_until_a_link_leads_there(open_page):
    page = open_page(FIRST)
    section = page.locator("section.curious").first
    assert not section.locator("p").first.is_visible()
    page.evaluate("id => { location.hash = id; }", section.get_attribute("id"))
    section.locator("p").first.wait_for(state="visible")
    page.close()


def test_a_term_is_defined_where_it_stands(open_page):
    page = open_page(FIRST)
    term, shown = page.locator("a.term").first, page.locator("#definition")
    assert shown.is_hidden()
    term.hover()
    assert len(shown.inner_text()) > 20
    page.keyboard.press("Escape")
    assert shown.is_hidden()
    term.focus()
    assert shown.is_visible()
    page.close()


def test_what_is_read_and_solved_is_remembered(open_page):
    page = open_page(FIRST)
    box = page.locator(".exercise input[type=checkbox]").first
    assert not box.is_checked()
    box.check()
    page.locator("#section-1-2 > *").last.scroll_into_view_if_needed()
    read = ".bd-sidebar-secondary a.read:has-text('1.2 ')"
    page.locator(read).wait_for(state="attached")
    page.reload()
    assert page.locator(".exercise input[type=checkbox]").first.is_checked()
    assert page.locator(read).count() == 1
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_reader_s_scheme_is_followed(scheme, browser):
    page = browser.new_page(color_scheme=scheme)
    page.context.set_offline(True)
    page.goto((BOOK / "book" / "index.html").as_uri())
    shade = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
    page.close()
    assert (shade > 128) == (scheme == "light")


def test_the_first_page_moves_and_leads_to_chapter_1(open_page):
    page = open_page(BOOK / "book" / "index.html")
    said = page.locator("figure[data-explorable] output")
    before = said.inner_text()
    page.locator("figure[data-explorable] button").first.click()
    assert said.inner_text() != before
    page.get_by_role("link", name="Start chapter 1").click()
    page.wait_for_url(f"**/{FIRST.name}")
    page.close()
