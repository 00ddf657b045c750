"""The examples on the book's pages: each is run, and what it prints is compared with what the page shows.

On such a page the first ``python`` block holds the imports that all examples share. Every other ``python`` block is
an example; a ``text`` block right after it shows what it prints, an error as the last line of Python's traceback.
After a change, ``python -m tools.pages book/errors.md`` stores the new outputs in the page, and its table of messages.
"""

import contextlib
import io
import re
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from tools import bad_calls

FENCE = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<shown>.*?)^```\n)?", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """One block of code, the line of the page where it begins, and what the page says that it prints."""

    line: int
    code: str
    shown: str


def examples(page: str) -> list[Example]:
    """The examples of a page in order, the block of imports first."""
    return [
        Example(page.count("\n", 0, found.start()) + 1, found["code"], found["shown"] or "")
        for found in FENCE.finditer(page)
    ]


def printed(code: str, names: dict[str, object]) -> str:
    """What ``code`` prints, an error included; ``names`` are the names that it finds, and gains new ones."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(compile(code, "<example>", "exec"), names)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    return out.getvalue()


def run(page: str) -> list[tuple[Example, str]]:
    """Each example of a page with what it prints now; none sees another's names."""
    imports, *rest = examples(page)
    shared: dict[str, object] = {}
    results = [(imports, printed(imports.code, shared))]
    return results + [(example, printed(example.code, dict(shared))) for example in rest]


def stored(page: str) -> str:
    """The page with the present output under each example."""
    outputs = iter([output for _, output in run(page)])

    def block(found: re.Match) -> str:
        output = next(outputs)
        return f"```python\n{found['code']}```\n" + (f"\n```text\n{output}```\n" if output else "")

    page = FENCE.sub(block, page)
    return bad_calls.BETWEEN.sub(lambda _: bad_calls.table(), page)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(stored(path.read_text(encoding="utf-8")), encoding="utf-8")
