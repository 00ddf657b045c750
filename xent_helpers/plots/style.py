"""The canvas that every figure of the course is drawn on: one style, and alternative text that travels with it."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import rc_params_from_file, rcParams
from matplotlib.figure import Figure
from PIL import Image

STYLE = rc_params_from_file(Path(__file__).with_name("course.mplstyle"), use_default_template=False)
# Okabe and Ito (2008), by name; the style file holds the order in which lines take them.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, GREY = "#E69F00", "#56B4E9", "#000000", "#767676"


@contextmanager
def course_style() -> Iterator[None]:
    """The look of the course, for a block or as a decorator; afterwards the reader's own figures look as before.

    (``matplotlib.style.context`` would also take back that a notebook has switched on its way to show figures.)
    """
    before = {key: rcParams[key] for key in STYLE}
    rcParams.update(STYLE)
    try:
        yield
    finally:
        rcParams.update(before)


class DescribedFigure(Figure):
    """A figure that shows itself in a notebook with alternative text, as the same bytes each time."""

    def __init__(self, *args: Any, alt: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.alt = alt

    @course_style()
    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Write the figure to a file, as ``Figure.savefig`` does; ticks, which are drawn now, in the course's style."""
        super().savefig(*args, **kwargs)

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


@course_style()
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
