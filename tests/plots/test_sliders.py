"""A slider that is moved draws the figure again, once, for the values that it then has."""

import matplotlib.pyplot as plt
import pytest
from ipywidgets import FloatSlider, IntSlider

from xent_helpers.plots import sliders
from xent_helpers.plots.style import canvas


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, in order."""
    things = []
    monkeypatch.setattr(sliders, "display", things.append)
    yield things
    plt.close("all")


def explored(shown, columns=1):
    """The panel of a figure of two arguments, and the values that it was drawn for."""
    drawn = []

    def draw(theta, classes):
        drawn.append((theta, classes))
        return canvas("a figure that is drawn for a test of the sliders", 1, columns)

    assert sliders.explore(draw, theta=(0.0, 1.0, 0.25, 0.5), classes=(1, 5, 1, 2)) is None
    first, panel = shown
    assert type(first).__name__ == "DescribedFigure" and drawn == [(0.5, 2)]
    return panel, drawn


@pytest.mark.parametrize("columns", [1, 2])
def test_a_move_draws_one_figure_and_leaves_none_open(shown, columns):
    panel, drawn = explored(shown, columns)
    theta, classes = panel.children[:2]
    theta.value, classes.value = 0.75, 4
    assert drawn == [(0.5, 2), (0.75, 2), (0.75, 4)]
    assert [type(thing).__name__ for thing in shown[2:]] == ["DescribedFigure"] * 2 and not plt.get_fignums()


def test_the_sliders_have_the_ends_steps_and_names_that_were_asked_for(shown):
    panel, _ = explored(shown)
    theta, classes = panel.children[:2]
    assert isinstance(theta, FloatSlider) and isinstance(classes, IntSlider)
    assert (theta.min, theta.max, theta.step, theta.value, theta.description) == (0.0, 1.0, 0.25, 0.5, "theta")
    assert (classes.min, classes.max, classes.step, classes.value) == (1, 5, 1, 2)
