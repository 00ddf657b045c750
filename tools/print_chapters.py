"""Print each chapter of the book to build/book/pdf/ in a browser (``make pdf``), and link the file on its page."""

from tools.chromium import chromium
from tools.execute_notebooks import ROOT

BOOK = ROOT / "build" / "book"
MARGINS = dict.fromkeys(("top", "bottom", "left", "right"), "15mm")
LAST_LINK = "open in Colab</a>"


def main() -> None:
    """Write all files."""
    (BOOK / "pdf").mkdir(exist_ok=True)
    with chromium() as browser:
        page = browser.new_page()
        for path in sorted((BOOK / "notebooks").glob("*.html")):
            page.goto(path.as_uri())
            page.wait_for_function("MathJax.startup?.promise")
            page.evaluate("MathJax.startup.promise")
            page.evaluate("document.querySelectorAll('img[loading]').forEach(image => image.loading = 'eager')")
            page.wait_for_function("[...document.images].every(image => image.complete)")
            page.pdf(path=BOOK / "pdf" / f"{path.stem}.pdf", format="A4", scale=0.75, margin=MARGINS)
            link = f'{LAST_LINK} · <a href="../pdf/{path.stem}.pdf">PDF</a>'
            html = path.read_text(encoding="utf-8")
            path.write_text(html if link in html else html.replace(LAST_LINK, link, 1), encoding="utf-8")


if __name__ == "__main__":
    main()
