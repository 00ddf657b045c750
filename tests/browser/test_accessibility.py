"""axe-core finds nothing serious or critical on any page."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.browser.conftest import BUILD, name, page_files

REDIRECT = BUILD / "book" / "index.html"  # it leaves before anything can be looked at
PAGES = [path for path in page_files("book", "slides") if path != REDIRECT]
RUN = "() => axe.run(document, {resultTypes: ['violations']})"


def violations(page) -> list[str]:
    """What axe-core calls serious or critical, a line each."""
    page.evaluate(Path(find_spec("axe_playwright_python").origin).with_name("axe.min.js").read_text(encoding="utf-8"))
    return [
        f"{found['id']}: {node['html'][:150]} {node['failureSummary'].splitlines()[-1].strip()}"
        for found in page.evaluate(RUN)["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"][:3]
    ]


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_axe_finds_nothing(path, open_page):
    page = open_page(path)
    found = violations(page)
    page.close()
    assert found == []


def test_axe_finds_what_is_wrong(open_page):
    """A page with a picture without words is found out."""
    page = open_page(next(path for path in PAGES if path.name == "search.html"))
    page.evaluate("document.querySelector('h1').innerHTML = '<img src=\"data:,\"><a href=\"#\"></a>'")
    found = violations(page)
    page.close()
    assert any(line.startswith("image-alt") for line in found)
