"""What the browser's tests share: a browser without a network, and each page looked at once."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tools.chromium import chromium, executable

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
SHOTS = BUILD / "browser"

NO_BROWSER = "no Chromium here (on Debian and Ubuntu: apt install chromium), so no page was opened"

# Text that a reader sees, outside code and typeset formulas.
VISIBLE_TEXT = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement;
        if (!parent.closest("pre, code, script, style, noscript, mjx-container, template, aside.notes"))
            texts.push(walker.currentNode.data);
    }
    return texts.join("\\n");
}"""
IMAGES = """() => [...document.images].map(image =>
    ({src: image.src.slice(0, 200), alt: image.alt, loaded: image.complete && image.naturalWidth > 0}))"""
LINKS = "() => [...document.querySelectorAll('a[href]')].map(link => link.href)"
IDS = "() => [...document.querySelectorAll('[id], a[name]')].map(element => element.id || element.name)"
FAILED_FORMULAS = "() => [...document.querySelectorAll('mjx-merror, [data-mjx-error]')].map(one => one.textContent)"


@dataclass
class Look:
    """What was found on a page."""

    requests: list[str]
    console: list[str]
    text: str
    images: list[dict]
    links: list[str]
    ids: set[str]
    failed_formulas: list[str]


def page_files(*folders: str) -> list[Path]:
    """The built pages."""
    return [
        path for folder in folders for path in sorted((BUILD / folder).rglob("*.html")) if "_static" not in path.parts
    ]


def name(path: Path) -> str:
    """A page's path in the build folder."""
    return str(path.relative_to(BUILD))


@pytest.fixture(scope="session")
def browser():
    """The browser, or a skip that says why there is none."""
    if executable() is None:
        pytest.skip(NO_BROWSER)
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def open_page(browser):
    """A function that opens a file with the network cut, its formulas typeset."""

    def open_page(path, width=1280, height=720, watch=None, query=""):
        page = browser.new_page(viewport={"width": width, "height": height})
        page.context.set_offline(True)
        if watch is not None:
            watch(page)
        page.goto(path.as_uri() + query)
        page.wait_for_load_state("load")
        if page.evaluate("typeof MathJax !== 'undefined'"):
            page.wait_for_function("MathJax.startup?.promise", timeout=60_000)
            page.evaluate("MathJax.startup.promise")
        if path.parent.name == "slides" and path.name != "index.html":
            page.wait_for_function("window.Reveal && Reveal.isReady()", timeout=60_000)
        return page

    return open_page


@pytest.fixture(scope="session")
def look(open_page):
    """A function that looks at a page, once."""

    @cache
    def look(path):
        requests, console = [], []

        def watch(page):
            page.on("request", lambda request: requests.append(request.url))
            page.on("requestfailed", lambda request: console.append(f"failed: {request.url}"))
            page.on("pageerror", lambda error: console.append(str(error)))
            page.on("console", lambda said: console.append(said.text) if said.type in ("error", "warning") else None)

        page = open_page(path, watch=watch)
        page.evaluate("document.querySelectorAll('img[loading]').forEach(image => image.loading = 'eager')")
        page.wait_for_function("[...document.images].every(image => image.complete)")
        found = [page.evaluate(script) for script in (VISIBLE_TEXT, IMAGES, LINKS, IDS, FAILED_FORMULAS)]
        page.close()
        return Look(requests, console, *found[:3], set(found[3]), found[4])

    return look
