"""When two pictures look the same: other processors and builds of matplotlib round a few sub-pixels otherwise."""

import base64
import io

import numpy as np
from nbformat import NotebookNode
from PIL import Image

# A pixel differs when a channel of it does by more than LEVELS of 255. One in ONE_IN may.
LEVELS = 8
ONE_IN = 10_000


def figures(outputs: list[NotebookNode]) -> list[tuple[str, str]]:
    """The encoded pictures among a cell's outputs, each with its alternative text."""
    return [
        (output["data"]["image/png"], output.get("metadata", {}).get("image/png", {}).get("alt", ""))
        for output in outputs
        if "image/png" in output.get("data", {})
    ]


def figure_difference(stored: str, drawn: str) -> str | None:
    """None when two encoded pictures look the same, else how far they differ."""
    one, two = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGBA"), dtype=int) for png in (stored, drawn)
    )
    if one.shape != two.shape:
        return (
            f"the stored figure has {one.shape[1]} x {one.shape[0]} pixels, the new one {two.shape[1]} x {two.shape[0]}"
        )
    distance = np.abs(one - two).max(axis=-1)
    changed = int((distance > LEVELS).sum())
    if changed * ONE_IN <= distance.size:
        return None
    share = 100 * changed / distance.size
    return f"{changed} of {distance.size} pixels ({share:.3f} %) differ, the furthest by {distance.max()} of 255 levels"


def keep_equal_figures(outputs: list[NotebookNode], stored: list[NotebookNode]) -> None:
    """Put back into a cell's new ``outputs`` each stored picture that looks the same, so that no byte changes."""
    drawn = [output for output in outputs if figures([output])]
    for output, (png, _) in zip(drawn, figures(stored), strict=False):
        if figure_difference(png, output["data"]["image/png"]) is None:
            output["data"]["image/png"] = png
