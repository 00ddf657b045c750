"""``make notebooks`` stores the same bytes each time, and stores nothing when a cell fails."""

import base64
import io
import os
import subprocess
import sys

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from tools import execute_notebooks

SOURCES = [
    "import sys\nfor word in 'abc':\n    print(word, flush=True)\n    print(word.upper(), file=sys.stderr, flush=True)",
    "import warnings\nwarnings.warn('careful')",
    "object()",
    "from IPython.display import Markdown\nMarkdown('κόστος')",
    "1 + 1;",
]


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    cells = [new_markdown_cell("# 1 · Title", id="top")]
    cells += [new_code_cell(source, id=f"c{number}") for number, source in enumerate(SOURCES)]
    cells.append(new_code_cell("1 / 0", id="error", metadata={"tags": ["raises-exception"]}))
    metadata = {"kernelspec": {"name": "mine", "display_name": "Mine"}, "widgets": {}}
    path = tmp_path / "notebooks" / "01_title.ipynb"
    path.parent.mkdir()
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    return path


def test_a_run_stores_the_same_bytes_each_time(path, capsys):
    assert execute_notebooks.main([str(path)]) == 0
    first = path.read_bytes()
    assert execute_notebooks.main([str(path)]) == 0
    assert path.read_bytes() == first and first.endswith(b"}\n")
    assert capsys.readouterr().out == "01_title.ipynb: stored\n" * 2
    assert [found.name for found in path.parent.iterdir()] == [path.name]

    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.kernelspec.name == "python3" and "version" not in notebook.metadata.language_info
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    pieces, warning, address, greek, hidden, error = [cell for cell in notebook.cells if "outputs" in cell]
    assert [(output.name, output.text) for output in pieces.outputs] == [
        ("stdout", "a\nb\nc\n"),
        ("stderr", "A\nB\nC\n"),
    ]
    assert warning.outputs[0].text.startswith("cell: UserWarning: careful")
    assert address.outputs[0].data["text/plain"] == "<object at 0x...>"
    assert greek.outputs[0].data["text/markdown"] == "κόστος" and "κόστος".encode() in first
    assert hidden.outputs == []
    assert error.outputs[0].traceback == ["ZeroDivisionError: division by zero"]
    assert [cell.metadata for cell in (pieces, error)] == [{}, {"tags": ["raises-exception"]}]
    assert error.execution_count == 6


@pytest.mark.parametrize(
    "pixels, levels, kept", [(13, 1, True), (5, 200, True), (5_000, 1, True), (13, 200, False), (5_000, 9, False)]
)
def test_a_picture_that_the_comparison_calls_equal_is_kept(path, pixels, levels, kept):
    """Some of 200 x 500 pixels differ: up to 8 levels are another processor's, and more in at most 1 of 10,000."""
    draw = "import numpy as np\nfrom PIL import Image\nImage.fromarray(np.full((200, 500, 3), 20, np.uint8))"
    nbformat.write(new_notebook(cells=[new_code_cell(draw, id="draw")]), path)
    assert execute_notebooks.execute(path) is None
    drawn = path.read_bytes()
    picture = np.full((200, 500, 3), 20, np.uint8)
    picture.reshape(-1, 3)[:pixels, 1] += levels
    encoded = io.BytesIO()
    Image.fromarray(picture).save(encoded, "PNG")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].outputs[0].data["image/png"] = base64.b64encode(encoded.getvalue()).decode()
    execute_notebooks.write(notebook, path)
    planted = path.read_bytes()
    assert planted != drawn
    assert execute_notebooks.execute(path) is None
    assert path.read_bytes() == (planted if kept else drawn)


def test_a_cell_that_measures_keeps_its_output_until_it_is_cleared(path):
    notebook = nbformat.read(path, as_version=4)
    clock = new_code_cell("import time\ntime.perf_counter()", id="clock", metadata={"tags": ["nbval-ignore-output"]})
    notebook.cells = [new_code_cell("1"), clock]
    nbformat.write(notebook, path)

    def measure():
        assert execute_notebooks.execute(path) is None
        return path.read_bytes()

    first = measure()
    assert measure() == first
    notebook = nbformat.read(path, as_version=4)
    assert notebook.cells[1].outputs[0].execution_count == 2
    notebook.cells[1].outputs = []
    nbformat.write(notebook, path)
    assert measure() != first


@pytest.mark.parametrize("source, words", [("print(1)\nmissing", "NameError"), ("import os; os._exit(1)", "died")])
def test_a_failure_names_the_cell_and_changes_nothing(path, capsys, source, words):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(2, new_code_cell(source, id="broken"))
    nbformat.write(notebook, path)
    before = path.read_bytes()
    assert execute_notebooks.main([str(path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("01_title.ipynb, code cell 2 (id broken): left as it was.") and words in shown.err
    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_an_interrupted_write_leaves_the_old_file(path, monkeypatch):
    before = path.read_bytes()
    monkeypatch.setattr(execute_notebooks.os, "replace", lambda old, new: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        execute_notebooks.write(new_notebook(), path)
    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_jupyter_s_own_copies_are_no_notebooks(path):
    copies = path.parent / ".ipynb_checkpoints"
    copies.mkdir()
    (copies / "01_title-checkpoint.ipynb").touch()
    assert execute_notebooks.all_notebooks(path.parent) == [path]


def test_a_home_that_cannot_be_written_leaves_no_trace(path):
    """Matplotlib would warn, with the name of a temporary folder, and Jupyter would find no place for its files."""
    cells = [new_code_cell("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", id="figure")]
    nbformat.write(new_notebook(cells=cells), path)
    script = [sys.executable, "-m", "tools.execute_notebooks", str(path)]
    nowhere = {
        name: value for name, value in os.environ.items() if not name.startswith(("XDG", "MPL", "JUPYTER", "IPY"))
    }
    nowhere |= {"HOME": os.devnull, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # older kernels warn of their debugger
    done = subprocess.run(script, env=nowhere, cwd=execute_notebooks.ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    (figure,) = nbformat.read(path, as_version=4).cells
    assert [output.output_type for output in figure.outputs] == ["display_data"]


def test_what_cannot_be_written_or_read_is_said(path, capsys):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = []
    nbformat.write(notebook, path)
    path.with_suffix(".unfinished").mkdir()  # so that nothing can be written there, by root neither
    before = path.read_bytes()
    other = path.with_name("other.ipynb")
    other.write_text("no notebook")
    assert execute_notebooks.main([str(path), str(other), str(path.with_name("missing.ipynb"))]) == 1
    told = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in told] == ["01_title.ipynb", "other.ipynb", "missing.ipynb"]
    assert path.read_bytes() == before
