"""The notebook tests cannot be fooled: in a tiny course of its own, each kind of fault makes the run fail."""

import base64
import io
import os
import re
import shutil
import subprocess
import sys

import nbformat
import pandas
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from conftest import comparable, squeezed, without_accelerators
from tools.execute_notebooks import ROOT, main
from tools.pictures import figure_difference

DRAW = """import matplotlib.pyplot as plt
def draw(slope, alt="A straight line"):
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, slope])
    axes.set_ylim(0, 2)
    display(figure, metadata={"image/png": {"alt": alt}})
    plt.close(figure)"""
CELLS = {
    "define": DRAW,
    "number": "print(f'{0.10536:.4f}')",
    "curve": "draw(1)",
    "other": "draw(1.02)",
    "alt": "draw(1, 'A line with a text')",
    "none": "draw(1)",
    "unrun": "1 + 1",
    "silent": "x = 1",
    "rows": "print('cpu   1')",
    "pieces": "print('a')\nprint('b')",
    "hidden": "3;",
    "error": "1 / 0",
}


def make_course(folder):
    """The test machinery and two stored notebooks in a folder of their own."""
    (folder / "notebooks").mkdir(parents=True)
    (folder / "tests" / "notebooks").mkdir(parents=True)
    (folder / "tools").mkdir()
    for name in ["conftest.py", "pyproject.toml", "tests/notebooks/sanitize.cfg", "tools/pictures.py"]:
        shutil.copy(ROOT / name, folder / name)
    cells = [new_code_cell(source, id=name) for name, source in CELLS.items()]
    cells[-1].metadata["tags"] = ["raises-exception"]
    paths = [folder / "notebooks" / name for name in ("01_first.ipynb", "02_second.ipynb")]
    nbformat.write(new_notebook(cells=cells), paths[0])
    nbformat.write(new_notebook(cells=[new_code_cell("1", id="one")]), paths[1])
    assert main([str(path) for path in paths]) == 0
    return folder


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("strict") / "course")


@pytest.fixture
def course(stored, tmp_path):
    return shutil.copytree(stored, tmp_path / "course")


def run(course, *arguments):
    """Run pytest there; its exit status and what it printed."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--color=no",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:hypothesispytest",
        *arguments,
    ]
    # on a public host CI is set, and pytest then repeats each failure's message in its summary
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, timeout=240, env=environment)
    return done.returncode, done.stdout + done.stderr


def failed(shown):
    """The cells that failed, by id."""
    return [list(CELLS)[int(number)] for number in re.findall(r"FAILED notebooks/01_first.ipynb::Cell (\d+)", shown)]


def test_each_planted_fault_fails_and_what_may_differ_does_not(course):
    path = course / "notebooks" / "01_first.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    # must fail: a wrong number, a changed curve, another alternative text, a figure gone, unrun cells, another error
    cells["number"].outputs[0].text = "0.1055\n"
    cells["curve"].outputs[0].data["image/png"] = cells["other"].outputs[0].data["image/png"]
    cells["alt"].outputs[0].metadata["image/png"]["alt"] = "A line with no text"
    cells["none"].outputs = []
    for name in ["unrun", "silent"]:
        cells[name].update(execution_count=None, outputs=[])
    cells["error"].outputs[0].evalue = "division by one"
    # may differ: an accelerator's row, and the pieces in which a text arrived
    cells["rows"].outputs[0].text = "cpu      1\ncuda:0   1\n"
    cells["pieces"].outputs = [new_output("stream", name="stdout", text=text) for text in ("a\n", "b\n")]
    nbformat.write(notebook, path)

    status, shown = run(course, "--every-notebook")
    assert status == 1
    faults = ["number", "curve", "alt", "none", "unrun", "silent", "error"]
    assert failed(shown) == faults
    assert f"{len(faults)} failed, {len(CELLS) + 2 - len(faults)} passed" in shown
    assert re.search(r"figure 1: \d+ of \d+ pixels \(\d\.\d+ %\) differ, the furthest by \d+ of 255 levels", shown)
    assert "figure 1: the alternative text is\n  'A line with a text', stored is\n  'A line with no text'" in shown
    assert shown.count("Stored without having been run") == 2


@pytest.mark.parametrize(
    "arguments",
    [["notebooks/02_second.ipynb"], ["notebooks", "--ignore-glob=*first*", "-n", "2", "--dist", "loadfile"]],
    ids=["one named", "one ignored, two processes"],
)
def test_a_notebook_missing_from_the_run_fails_it(course, arguments):
    status, shown = run(course, "--every-notebook", *arguments)
    assert status == 1 and f"Not part of this run, so not tested:\n01_first.ipynb: {len(CELLS)} code cells" in shown
    assert "1 failed, 1 passed" in shown


@pytest.mark.parametrize(
    "text, kept",
    [
        ("cpu 1\ncuda 2\nmps 3\n", "cpu 1\n"),
        ("0  cpu     1\n1  cuda:0  2\n", "0  cpu     1\n"),
        ("| cpu | 1 |\n| xpu:1 | 2 |\n", "| cpu | 1 |\n"),
        ("cudaless 1\nsimilar 2\nthe cuda row\n", "cudaless 1\nsimilar 2\nthe cuda row\n"),
        (
            "<tr>\n <th>cpu</th><td>1</td>\n</tr><tr><th>sim:0</th>\n<td>2</td></tr>",
            "<tr>\n <th>cpu</th><td>1</td>\n</tr>",
        ),
        ("<tr><th>0</th><td>cpu</td></tr><tr><th>1</th><td>cuda</td></tr>", "<tr><th>0</th><td>cpu</td></tr>"),
    ],
)
def test_rows_of_accelerators_are_left_out(text, kept):
    assert without_accelerators(text) == kept


@pytest.mark.parametrize("index", [None, "device"])
def test_a_table_compares_equal_beside_an_accelerator(index):
    outputs = []
    for names in (["cpu"], ["cpu", "cuda:0"]):
        table = pandas.DataFrame({"device": names, "held": [True] * len(names)})
        table = table.set_index(index) if index else table
        data = {"text/plain": repr(table), "text/html": table.to_html()}
        outputs.append(squeezed(comparable([new_output("execute_result", data)])))
    assert outputs[0] == outputs[1]


def picture(size, pixels=0):
    """A white picture with a few pixels of another colour, encoded."""
    image = Image.new("RGB", size, "white")
    for number in range(pixels):
        image.putpixel((number, 0), (200, 255, 255))
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_a_figure_s_size_and_its_pixels_count():
    assert figure_difference(picture((100, 200)), picture((100, 200), 2)) is None
    assert figure_difference(picture((100, 200)), picture((100, 200), 3)).startswith("3 of 20000 pixels (0.015 %)")
    assert figure_difference(picture((10, 20)), picture((20, 10))) == (
        "the stored figure has 10 x 20 pixels, the new one 20 x 10"
    )
