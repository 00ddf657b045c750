"""The README's picture is the one that the code draws, and its alternative text says what it shows."""

from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from tests.versions import exact
from xent_helpers.plots.overview import ALT, overview

ROOT = Path(__file__).parents[2]
REDRAW = """python -c "from xent_helpers.plots.overview import *; overview()[0].figure.savefig('book/overview.png')" """


@exact("matplotlib")
def test_the_stored_picture_is_the_one_that_is_drawn():
    stored = np.asarray(Image.open(ROOT / "book/overview.png").convert("L"), dtype=float)
    drawn = np.asarray(Image.open(BytesIO(overview()[0].figure.png())).convert("L"), dtype=float)
    plt.close("all")
    assert stored.shape == drawn.shape, f"book/overview.png is out of date: {REDRAW}"
    assert abs(stored - drawn).mean() < 0.5, f"book/overview.png is out of date: {REDRAW}"


def test_the_readme_describes_it():
    assert f"![{ALT}](book/overview.png)" in (ROOT / "README.md").read_text(encoding="utf-8")
