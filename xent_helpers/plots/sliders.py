"""Sliders that redraw a figure, for exploring in JupyterLab."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from ipywidgets import FloatSlider, IntSlider, interactive
from matplotlib.axes import Axes


def explore(
    draw: Callable[..., Axes | np.ndarray],
    **sliders: tuple[int, int, int, int] | tuple[float, float, float, float],
) -> None:
    """Show a slider for each argument of ``draw``, and below them its figure, drawn again when one is moved.

    A page or a stored notebook shows nothing of it: a slider lives only while its kernel does. So draw the figure
    once more in the next cell, for fixed values.

    Args:
        draw: draws a figure from its keyword arguments and returns its Axes.
        **sliders: for each of them (least, largest, step, start); whole numbers make a slider of whole numbers.
    """

    def redraw(**values: float) -> None:
        figure = np.ravel(draw(**values))[0].figure
        display(figure)
        plt.close(figure)

    display(interactive(redraw, **{name: _slider(name, *settings) for name, settings in sliders.items()}))


def _slider(name, least, largest, step, start):
    kind = IntSlider if isinstance(start, int) else FloatSlider
    return kind(value=start, min=least, max=largest, step=step, description=name, layout={"width": "32em"})
