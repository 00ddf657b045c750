"""What PyTorch says about the wrong calls in book/bad_calls.toml, and the table of messages on the page of errors."""

import math
import re
import tomllib
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, full, nn, ones, tensor, zeros

LIST = Path(__file__).resolve().parent.parent / "book" / "bad_calls.toml"
BETWEEN = re.compile(r"(?<=<!-- messages: begin -->\n).*?(?=<!-- messages: end -->)", re.DOTALL)
LONGEST = 400  # of a longer message (PyTorch's list of backends) the table shows the first sentence


class Message(NamedTuple):
    """One message: the heading that explains it, its wordings, the calls that cause it, and quoted wordings."""

    heading: str
    says: Sequence[str] = ()
    calls: Sequence[str] = ()
    quoted: Sequence[str] = ()


def messages() -> list[Message]:
    """Every message of the list, in its order."""
    listed = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return [Message(heading, **entry) for heading, entries in listed.items() for entry in entries]


def said(call: str) -> str:
    """The error that ``call`` raises, else its last warning, else nothing."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            eval(call, names())
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return f"{warned[-1].category.__name__}: {warned[-1].message}" if warned else ""


def names() -> dict[str, object]:
    """The names that the calls use."""

    def z(*shape: int) -> Tensor:
        return torch.linspace(-1, 1, math.prod(shape)).reshape(shape).requires_grad_()

    def y(*shape: int) -> Tensor:
        return zeros(shape, dtype=torch.long)

    def p(*shape: int) -> Tensor:
        return full(shape, 0.5)

    def twice(loss: Tensor) -> None:
        loss.backward()
        loss.backward()

    def changed_in_place(output: Tensor) -> None:
        loss = F.nll_loss(output.log(), y(len(output)))
        output += 1
        loss.backward()

    def watched(run: Callable[[], None]) -> None:
        with torch.autograd.detect_anomaly(check_nan=True):
            run()

    def unscaled(model: nn.Module) -> None:
        scaler, optimiser = torch.amp.GradScaler("cpu"), torch.optim.SGD(model.parameters(), lr=0.1)
        scaler.scale(model(ones(1, 2).half()).sum()).backward()
        scaler.unscale_(optimiser)

    libraries = {"F": F, "math": math, "nn": nn, "np": np, "torch": torch}
    makers = {"full": full, "ones": ones, "tensor": tensor, "zeros": zeros, "z": z, "y": y, "p": p}
    helpers = {"twice": twice, "changed_in_place": changed_in_place, "watched": watched, "unscaled": unscaled}
    return libraries | makers | helpers


def table() -> str:
    """The table of messages in Markdown: what the first call of each causes today, and the quoted wordings."""
    rows = ["| PyTorch says | Go to |", "|---|---|"]
    for message in messages():
        today = [_shown(said(call)) for call in message.calls[:1]]
        for text, remark in [(text, "") for text in today] + [(text, " *(quoted)*") for text in message.quoted]:
            rows.append(f"| {_code(text)}{remark} | [{message.heading}](#{slug(message.heading)}) |")
    return "\n".join(rows) + "\n"


def slug(heading: str) -> str:
    """The anchor that GitHub and the book give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _shown(text):
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line.split(". ")[0] + "."


def _code(text):
    """A span of code; a message that holds backquotes needs longer ones around it."""
    fence = "`" * (1 + max((len(ticks) for ticks in re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"
