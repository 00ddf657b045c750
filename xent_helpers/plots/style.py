"""The canvas that every figure of the course is drawn on: one style, and alternative text that travels with it."""

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

plt.style.use(Path(__file__).with_name("course.mplstyle"))  # a learner's own figures get the same look
# Okabe and Ito (2008), by name; the style file holds the order in which lines take them.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, GREY = "#E69F00", "#56B4E9", "#000000", "#767676"


class DescribedFigure(Figure):
    """A figure that shows itself in a notebook with alternative text, as the same bytes each time."""

    def __init__(self, *args: Any, alt: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.alt = alt

    def png(self) -> bytes:
        """Return the picture as PNG bytes, without the version that drew it.

        Each colour channel is rounded to one of 33 levels, and a picture keeps at most 256 colours, which nobody sees
        and which makes files half as large.
        """
        drawn, rounded = BytesIO(), BytesIO()
        self.savefig(drawn, format="png")
        drawn.seek(0)
        levels = np.round(np.round(plt.imread(drawn)[:, :, :3] * 32) * 255 / 32).astype(np.uint8)
        few = Image.fromarray(levels).quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(rounded, "PNG", optimize=True)
        return rounded.getvalue()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        width, height = (round(100 * inches) for inches in self.get_size_inches())
        shown = {"image/png": b64encode(self.png()).decode(), "text/plain": f"Figure: {self.alt}"}
        display(shown, raw=True, metadata={"image/png": {"alt": self.alt, "width": width, "height": height}})


def canvas(alt: str, rows: int = 1, columns: int = 1, **kwargs: Any) -> Any:
    """Return new Axes (an array of them for several) on a figure that carries ``alt``.

    Args:
        alt: what the figure shows, for a reader who cannot see it; at least 40 characters.
        rows, columns: the grid of Axes.
        **kwargs: passed to ``matplotlib.pyplot.subplots`` (figsize in inches, sharey, …).

    Raises:
        ValueError: ``alt`` is too short to describe anything.
    """
    if len(alt) < 40:
        raise ValueError(f"alt has {len(alt)} characters, expected at least 40: say what the figure shows.")
    return plt.subplots(rows, columns, FigureClass=DescribedFigure, alt=alt, **kwargs)[1]
