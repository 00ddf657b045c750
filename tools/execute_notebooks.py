"""Run the notebooks and store them with their outputs, the same bytes each time (``make notebooks``).

Without arguments every notebook in ``notebooks/`` is run, two at a time, each in a fresh kernel; with arguments the
named ones. What differs from run to run or from machine to machine is not stored: times, the interpreter's version,
the pieces in which a printed text arrived, temporary file names, and a picture that the tests
call equal to the stored one. A cell tagged ``nbval-ignore-output`` measures, so it keeps the output that it has; clear
that output to have it measured again. A notebook in which a cell fails is left as it was.
"""

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbval.plugin import coalesce_streams, get_sanitize_patterns
from traitlets.config import Config

from tools.pictures import keep_equal_figures

ROOT = Path(__file__).resolve().parent.parent
SANITIZE = ROOT / "tests" / "notebooks" / "sanitize.cfg"
MEASURES = "nbval-ignore-output"
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE_INFO = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}


def all_notebooks(folder: Path = ROOT / "notebooks") -> list[Path]:
    """Every notebook of the course, in order; the copies that JupyterLab keeps for itself are none."""
    return sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def run(notebook: NotebookNode, folder: Path, reached: list[NotebookNode]) -> NotebookNode:
    """Run every cell in a fresh kernel whose working directory is ``folder``, noting each cell that is reached."""
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        shutdown_kernel="immediate",  # nothing is left to wait for
        resources={"metadata": {"path": str(folder)}},
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),  # else newer kernels warn of plain TCP
    )
    client.on_cell_execute = lambda cell, cell_index: reached.append(cell)
    return client.execute()


def stored(notebook: NotebookNode) -> NotebookNode:
    """The notebook with all that varies between runs and machines taken out."""
    patterns = [(re.compile(old), new) for old, new in get_sanitize_patterns(SANITIZE.read_text(encoding="utf-8"))]
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": LANGUAGE_INFO})
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("execution", None)
        for output in cell.outputs:
            if output.output_type == "error":  # the frames name folders and temporary files
                output.traceback = [f"{output.ename}: {output.evalue}"]
        cell.outputs = [_cleaned(output, patterns) for output in coalesce_streams(cell.outputs)]
    return notebook


def _cleaned(value, patterns):
    """``value`` with the patterns replaced in every text except encoded pictures."""
    if isinstance(value, str):
        for pattern, replacement in patterns:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, list):
        return [_cleaned(item, patterns) for item in value]
    if isinstance(value, dict):
        return nbformat.from_dict(
            {key: item if key.startswith("image/") else _cleaned(item, patterns) for key, item in value.items()}
        )
    return value


def write(notebook: NotebookNode, path: Path) -> None:
    """Write under another name, then rename: an interruption leaves the old file or the new one, never a part."""
    nbformat.validate(notebook)
    unfinished = path.with_suffix(".unfinished")
    try:
        unfinished.write_text(nbformat.writes(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def execute(path: Path) -> str | None:
    """Run and store one notebook; None when it went well, else what went wrong, naming notebook and cell."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, nbformat.reader.NotJSONError) as error:
        return f"{path.name}: it cannot be read ({error})."
    before = {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    reached: list[NotebookNode] = []
    try:
        notebook = run(notebook, path.parent, reached)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return f"{path.name}, code cell {len(reached)} (id {reached[-1].id}): left as it was.\n{error}"
    for cell in notebook.cells:
        if MEASURES in cell.metadata.get("tags", []) and before[cell.id]:
            cell.outputs = before[cell.id]
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = cell.execution_count
        elif cell.cell_type == "code":
            keep_equal_figures(cell.outputs, before[cell.id])
    try:
        write(stored(notebook), path)
    except OSError as error:
        return f"{path.name}: not stored, it cannot be written ({error.strerror})."
    return None


def main(arguments: list[str] | None = None) -> int:
    """Run the named notebooks, or all; the exit status is 0 when every one was stored."""
    parser = argparse.ArgumentParser(description="Run notebooks and store them with their outputs.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all in notebooks/")
    paths = parser.parse_args(arguments).notebooks or all_notebooks()
    failures = 0
    with TemporaryDirectory() as settings, ThreadPoolExecutor(2) as pool:
        # Not the user's own, which may draw figures in another size, hold forecasts, or be out of reach.
        for name in ("IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_RUNTIME_DIR", "XENT_HELPERS_FOLDER"):
            os.environ[name] = settings
        # Matplotlib lists the fonts in its folder; in a kernel it would say so if that takes long.
        subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], check=True, capture_output=True)
        for path, failure in zip(paths, pool.map(execute, paths), strict=True):
            failures += failure is not None
            print(failure or f"{path.name}: stored", file=sys.stderr if failure else sys.stdout, flush=True)
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
