"""Show a result: a small box in a notebook, plain text elsewhere; sign and word as well as colour."""

import sys
from dataclasses import dataclass
from html import escape
from textwrap import fill

from IPython.display import display

from xent_helpers.exercises.exercise import Status

WIDTH = 96

# The colours are Okabe and Ito's; the text keeps the page's own colour, so that it reads in a light and a dark theme.
LOOKS = {
    Status.SOLVED: ("✓", "#009e73"),
    Status.NOT_YET: ("✗", "#d55e00"),
    Status.NOT_ATTEMPTED: ("○", "#7f7f7f"),
}
PLAIN = ("", "#0072b2")
STYLE = (
    "border: 1px solid {0}; border-left-width: 6px; border-radius: 4px; padding: 0.5em 0.8em; margin: 0.3em 0; "
    "max-width: 50em; line-height: 1.45"
)


@dataclass(frozen=True)
class Box:
    """A headline and paragraphs, with the sign and colour of a status where there is one."""

    title: str
    text: str
    status: str = ""

    @property
    def head(self) -> str:
        return f"{self.title}: {self.status}" if self.status else self.title

    def __repr__(self) -> str:
        ending = ". " if self.status else ":\n" if "\n" in self.text else ": "
        return printable(wrapped(self.head + ending + self.text))

    def _repr_html_(self) -> str:
        sign, colour = LOOKS.get(self.status, PLAIN)
        sign = f'<span aria-hidden="true" style="color: {colour}; font-weight: bold">{sign}</span> ' if sign else ""
        body = "".join(f'<div style="margin-top: 0.25em">{escape(line)}</div>' for line in self.text.splitlines())
        return (
            f'<div role="status" style="{STYLE.format(colour)}">'
            f"<div>{sign}<strong>{escape(self.head)}</strong></div>{body}</div>"
        )


def show(title: str, text: str, status: str = "") -> None:
    """Display a box, and nothing else."""
    display(Box(title, text, status))


def printable(text: str) -> str:
    """``text`` with x, - or ? for signs that this console cannot write; a notebook writes all."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(str.maketrans("✓✗○", "xx-")).encode(encoding, "replace").decode(encoding)
    return text


def wrapped(text: str) -> str:
    """``text`` in lines that a notebook need not break."""
    return "\n".join(fill(line, WIDTH, break_long_words=False, break_on_hyphens=False) for line in text.splitlines())
