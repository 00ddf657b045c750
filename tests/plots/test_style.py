"""Every figure carries alternative text into the notebook, and is the same bytes each time."""

import matplotlib.pyplot as plt
import pytest

from xent_helpers.plots.style import DescribedFigure, canvas

ALT = "A line that rises from one to two, drawn to see what a figure carries."


def test_the_output_of_a_figure_carries_its_alternative_text(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **kwargs: shown.append((data, kwargs)))
    canvas(ALT, figsize=(6, 3)).plot([1, 2])
    plt.gcf()._ipython_display_()
    (data, kwargs), *_ = shown
    assert kwargs == {"raw": True, "metadata": {"image/png": {"alt": ALT, "width": 600, "height": 300}}}
    assert data["text/plain"] == f"Figure: {ALT}" and data["image/png"].startswith("iVBORw0KGgo")


def test_the_same_figure_is_the_same_bytes_and_names_no_software():
    pictures = []
    for _ in range(2):
        canvas(ALT).plot([1, 2])
        pictures.append(plt.gcf().png())
    assert pictures[0] == pictures[1] and b"matplotlib" not in pictures[0].lower()


def test_a_grid_of_axes_shares_one_described_figure():
    axes = canvas(ALT, 1, 2, sharey=True)
    assert axes.shape == (2,) and isinstance(axes[0].figure, DescribedFigure)


def test_a_description_that_says_nothing_is_refused():
    with pytest.raises(ValueError, match="alt has 8 characters, expected at least 40: say what the figure shows"):
        canvas("a figure")
