"""Notebook tests that cannot be fooled: every cell is run and everything that it shows is compared.

pytest collects the notebooks through nbval, which compares texts but takes three things on trust. Here they are
checked too: a cell that was stored without having been run fails, figures are compared pixel by pixel and with their
alternative texts, and ``--every-notebook`` (what ``make test`` passes) fails when a notebook or a cell of one is
missing from the run. One thing is left out of the comparison on purpose: rows that begin with an accelerator's name,
because only some machines have one.
"""

import os
import re
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, coalesce_streams

from tools.pictures import figure_difference, figures

# Notebooks and tests run two at a time; more threads than processors make small tensors many times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
if shutil.which("nvidia-smi") is None:
    os.environ.setdefault("TRITON_INTERPRET", "1")  # without a GPU its kernels run on the CPU
collect_ignore = [] if find_spec("triton") else ["xent_helpers/kernels.py"]

ROOT = Path(__file__).resolve().parent

_ACCELERATOR = r"(?:cuda|mps|xpu|hpu|mtia|sim)(?::\d+)?"
_TEXT_ROW = re.compile(rf"^[ \t|]*(?:\d+[ \t|]+)?{_ACCELERATOR}(?=[ \t|,;]|$).*\n?", re.MULTILINE)
_HTML_ROW = re.compile(
    rf"\s*<tr[^>]*>\s*(?:<th[^>]*>\s*\d+\s*</th>\s*)?<t[hd][^>]*>\s*{_ACCELERATOR}\s*</t[hd]>.*?</tr>", re.DOTALL
)


def without_accelerators(text: str) -> str:
    """``text`` without the rows, of plain text, Markdown or HTML, that begin with an accelerator's name."""
    return _TEXT_ROW.sub("", _HTML_ROW.sub("", text))


def comparable(outputs: list) -> list:
    """Copies of outputs, printed pieces joined, without accelerators' rows."""
    joined = coalesce_streams([output.copy() for output in outputs])
    for output in joined:
        if output.output_type == "stream":
            output.text = without_accelerators(output.text)
        elif "data" in output:
            output.data = type(output.data)(
                {
                    kind: without_accelerators(content) if kind.startswith("text/") else content
                    for kind, content in output.data.items()
                }
            )
    return [output for output in joined if output.get("text") != ""]


def squeezed(outputs: list) -> list:
    """The same outputs with runs of blanks as one: dropping a wide row narrows a table's columns."""
    for output in outputs:
        if output.output_type == "stream":
            output.text = _squeezed(output.text)
        elif "text/plain" in output.get("data", {}):
            output.data["text/plain"] = _squeezed(output.data["text/plain"])
    return outputs


def _squeezed(text):
    return re.sub(r"[ \t]+", " ", text).strip()


class StrictCell(IPyNbCell):
    """A code cell that must have been stored run, and whose figures must look as stored."""

    def runtest(self):
        super().runtest()
        compared = not self.config.option.nbval_lax
        if compared and self.cell.source.strip() and self.cell.execution_count is None:
            self.raise_cell_error("Stored without having been run, so nothing was compared; run `make notebooks`")

    def compare_outputs(self, test, ref, skip_compare=None):
        new, stored = comparable(test), comparable(ref)
        if _has_accelerators(test) or _has_accelerators(ref):
            new, stored = squeezed(new), squeezed(stored)
        if not super().compare_outputs(new, stored, skip_compare):
            return False
        differences = self.figure_differences(figures(new), figures(stored), not self.config.option.no_pixels)
        self.comparison_traceback.extend(differences)
        return not differences

    @staticmethod
    def figure_differences(new, stored, pixels=True):
        """What is wrong with the figures of a cell, one line each; without ``pixels`` only the texts count."""
        if len(new) != len(stored):
            return [f"{len(stored)} figures are stored, {len(new)} were drawn"]
        lines = []
        for number, ((png, alt), (stored_png, stored_alt)) in enumerate(zip(new, stored, strict=True), 1):
            if pixels and (difference := figure_difference(stored_png, png)):
                lines.append(f"figure {number}: {difference}")
            if alt != stored_alt:
                lines.append(f"figure {number}: the alternative text is\n  {alt!r}, stored is\n  {stored_alt!r}")
        return lines


def _has_accelerators(outputs):
    texts = [output.get("text", "") for output in outputs]
    texts += [text for output in outputs for kind, text in output.get("data", {}).items() if kind.startswith("text/")]
    return any(without_accelerators(text) != text for text in texts)


class StrictNotebook(IPyNbFile):
    """A notebook of strict cells."""

    def setup(self):
        super().setup()
        # nbval keeps cells out of IPython's history; without it the semicolon that hides a last value has no effect.
        execute = self.kernel.kc.execute
        self.kernel.kc.execute = lambda code, **options: execute(code, **(options | {"store_history": True}))

    def collect(self):
        for item in super().collect():
            yield StrictCell.from_parent(
                self, name=item.name, cell_num=item.cell_num, cell=item.cell, options=item.options
            )


class EveryNotebook(pytest.Item):
    """Fails when a notebook on the disk, or a code cell of one, is not part of this run."""

    def runtest(self):
        collected = {}
        for item in self.session.items:
            if isinstance(item, StrictCell):
                collected.setdefault(item.path, set()).add(item.cell_num)
        missing = []
        for path in sorted((ROOT / "notebooks").rglob("*.ipynb")):
            if ".ipynb_checkpoints" in path.parts:
                continue
            cells = StrictNotebook.from_parent(self.session, path=path).collect()
            left_out = {cell.cell_num for cell in cells} - collected.get(path, set())
            if left_out:
                missing.append(f"{path.name}: {len(left_out)} code cells")
        if missing:
            pytest.fail("Not part of this run, so not tested:\n" + "\n".join(missing), pytrace=False)

    def reportinfo(self):
        return self.path, None, "every notebook is part of this run"


def pytest_addoption(parser):
    parser.addoption("--every-notebook", action="store_true", help="fail when a notebook is missing from the run")
    parser.addoption("--no-pixels", action="store_true", help="compare figures by number and alternative text only")


def pytest_configure(config):
    config.option.nbval_sanitize_with = str(ROOT / "tests" / "notebooks" / "sanitize.cfg")
    # Notebooks neither read nor write the forecasts of whoever works in the folder.
    own = tempfile.TemporaryDirectory(prefix="forecasts-", ignore_cleanup_errors=True)
    config.add_cleanup(own.cleanup)
    os.environ["XENT_HELPERS_FOLDER"] = own.name
    if "IPYTHONDIR" not in os.environ:  # kernels neither read nor write the user's own IPython settings and history
        folder = tempfile.TemporaryDirectory(prefix="ipython-", ignore_cleanup_errors=True)
        config.add_cleanup(folder.cleanup)
        os.environ["IPYTHONDIR"] = folder.name
        profile = Path(folder.name, "profile_default")
        profile.mkdir()
        profile.joinpath("ipython_kernel_config.py").write_text("c.HistoryManager.hist_file = ':memory:'\n")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    collectors = yield
    return [
        StrictNotebook.from_parent(parent, path=file_path) if isinstance(collector, IPyNbFile) else collector
        for collector in collectors
    ]


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(session, config, items):
    result = yield
    if config.option.every_notebook:
        items.append(EveryNotebook.from_parent(session, name="every notebook is part of this run"))
    return result
