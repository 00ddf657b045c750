"""Every notebook in JupyterLab, as `make lab` starts it: Run All without an error, and explorables that move."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import nbformat
import pytest

from tests.browser.conftest import ROOT, SHOTS

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
TOKEN = "browser"
IDLE = "text=/Python 3 \\(ipykernel\\) \\| Idle/"
MINUTES = 10
# All cells stay in the page, so that every figure can be reached.
SETTINGS = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab on a copy of the course, which keeps its own settings to itself."""
    folder = tmp_path_factory.mktemp("lab")
    for name in ("notebooks", "xent_helpers", "book"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    shutil.copy(ROOT / "README.md", folder)
    settings = folder / "config" / "labconfig"
    settings.mkdir(parents=True)
    shared = json.loads((ROOT / ".jupyter" / "labconfig" / "default_setting_overrides.json").read_text())
    settings.joinpath("default_setting_overrides.json").write_text(json.dumps(shared | SETTINGS))
    port = free_port()
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_CONFIG_PATH": str(ROOT / ".jupyter"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": str(folder),
    }
    arguments = ["--no-browser", "--allow-root", f"--port={port}", f"--IdentityProvider.token={TOKEN}"]
    log = (folder / "lab.log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *arguments],
        cwd=folder,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        for _ in range(240):
            time.sleep(0.5)
            if "is running at" in (folder / "lab.log").read_text():
                break
            assert server.poll() is None, (folder / "lab.log").read_text()
        yield f"http://127.0.0.1:{port}", folder
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def run_all(page):
    """Run every cell, and wait until the kernel rests and no cell is waiting for its turn."""
    page.wait_for_selector(IDLE, timeout=120_000)
    page.click("text=Run >> nth=0")
    page.click("text=Run All Cells >> nth=0")
    end = time.monotonic() + 60 * MINUTES
    calm = 0
    while calm < 3:
        assert time.monotonic() < end, f"still running after {MINUTES} minutes"
        page.wait_for_timeout(1000)
        waiting = page.locator(".jp-InputPrompt", has_text="[*]").count()
        calm = calm + 1 if not waiting and page.locator(IDLE).count() else 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_run_all(path, lab, browser):
    address, folder = lab
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(f"{address}/lab/tree/notebooks/{path.name}?token={TOKEN}&reset", timeout=120_000)
    run_all(page)
    move_explorables(page, path)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{path.stem}.png")
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2000)
    page.click("text=Kernel >> nth=0")
    page.click("text=Shut Down All Kernels")
    page.locator("button:has-text('Shut Down All')").last.click()
    page.wait_for_timeout(1000)
    page.close()
    saved = [c for c in nbformat.read(folder / "notebooks" / path.name, as_version=4).cells if c.cell_type == "code"]
    assert [cell.id for cell in saved if cell.execution_count is None] == []
    failed = [
        cell.id
        for cell in saved
        if "raises-exception" not in cell.metadata.get("tags", [])
        and any(output.output_type == "error" for output in cell.outputs)
    ]
    assert failed == []


def move_explorables(page, path):
    """Each explorable figure is alive, and says other numbers when its first slider is clicked, and by the keyboard."""
    sources = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code")
    figures = page.locator("figure[data-explorable]")
    assert figures.count() == len(re.findall(r"^explore\(", sources, re.MULTILINE))
    for number in range(figures.count()):
        figure = figures.nth(number)
        figure.scroll_into_view_if_needed()
        assert figure.locator("img").is_hidden()
        slider, says = figure.locator("input[type=range]").first, figure.locator("output")
        said = [says.inner_text()]
        slider.click(position={"x": 0.8 * slider.bounding_box()["width"], "y": 5})
        said.append(says.inner_text())
        page.keyboard.press("ArrowLeft")  # which JupyterLab would take for itself
        said.append(says.inner_text())
        assert said[0] != said[1] != said[2]


@pytest.mark.parametrize(
    "number, link, heading",
    [
        (6, r"\[([^\][]*?([\d.]+))\]\(#cell-id=", "^{} "),
        (6, r"\[([^\][]*?([\d.]+))\]\(\d\d_\w+\.ipynb#cell-id=", "^{} "),
        (4, r"\[\*([^\][]*)\*\]\(\.\./book/(errors)\.md\)", "^What does this error mean"),
    ],
)
def test_a_link_leads_to_its_section_or_page(number, link, heading, lab, browser):
    address, _ = lab
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    prose = "\n".join(cell.source for cell in nbformat.read(NOTEBOOKS[number], as_version=4).cells)
    words, key = re.search(link, prose).groups()
    page.goto(f"{address}/lab/tree/notebooks/{NOTEBOOKS[number].name}?token={TOKEN}&reset", timeout=120_000)
    page.wait_for_selector(IDLE, timeout=120_000)
    page.locator(".jp-MarkdownCell a", has_text=words).first.click()
    title = re.compile(heading.format(re.escape(key)))
    page.locator(".jp-RenderedMarkdown :is(h1, h2):visible", has_text=title).first.wait_for(timeout=60_000)
    page.close()


def test_a_notebook_that_is_opened_and_saved_keeps_its_bytes(lab, browser):
    """Nor is it taken for changed, so that closing it asks nothing."""
    address, folder = lab
    copy = folder / "notebooks" / "untouched.ipynb"
    shutil.copyfile(NOTEBOOKS[0], copy)
    before = copy.stat().st_mtime_ns
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(f"{address}/lab/tree/notebooks/{copy.name}?token={TOKEN}&reset", timeout=120_000)
    page.wait_for_selector(IDLE, timeout=120_000)
    page.wait_for_timeout(2000)
    assert page.locator(".lm-TabBar-tab.jp-mod-current").count() and not page.locator(".jp-mod-dirty").count()
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2000)
    page.close()
    assert copy.stat().st_mtime_ns > before and copy.read_bytes() == NOTEBOOKS[0].read_bytes()


WRONG = """def my_coin_loss(p, y):
    return np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))"""
RIGHT = WRONG.replace("np.mean", "-np.mean")


def type_and_run(page, cell, source=None):
    """Type ``source`` over the text of a cell, run it, and return what it shows when the kernel rests."""
    editor = page.locator(f".jp-CodeCell:has-text('{cell}') .cm-content").first
    editor.scroll_into_view_if_needed()
    editor.click()
    if source is not None:
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(source)
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(500)
    page.wait_for_selector(IDLE, timeout=120_000)
    page.wait_for_timeout(500)
    return page.locator(f".jp-CodeCell:has-text('{cell}')").first.locator(".jp-OutputArea-output").all_inner_texts()


def test_an_exercise_is_diagnosed_corrected_and_remembered(lab, browser):
    address, _ = lab
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    name = "01_likelihood_to_cross_entropy.ipynb"
    page.goto(f"{address}/lab/tree/notebooks/{name}?token={TOKEN}&reset", timeout=120_000)
    page.wait_for_selector(IDLE, timeout=120_000)
    type_and_run(page, "from xent_helpers import data")
    stub, check = "def my_coin_loss", 'exercises.check("1.1"'

    type_and_run(page, stub, WRONG)
    (shown,) = type_and_run(page, check)
    assert "not yet" in shown and "Your losses are negative" in shown, shown
    page.screenshot(path=SHOTS / "exercise-wrong.png")
    type_and_run(page, stub, RIGHT)
    (shown,) = type_and_run(page, check)
    assert "solved" in shown, shown
    page.screenshot(path=SHOTS / "exercise-right.png")

    page.click("text=Kernel >> nth=0")
    page.click("text=Restart Kernel… >> nth=0")
    page.locator("button.jp-mod-accept:has-text('Restart')").click()
    page.wait_for_timeout(2000)
    page.wait_for_selector(IDLE, timeout=120_000)
    (shown,) = type_and_run(page, check, "from xent_helpers import exercises\nexercises.progress()  # " + check)
    assert "1 of " in shown and "1.1 ✓" in shown, shown
    page.screenshot(path=SHOTS / "exercise-progress.png")
    page.close()
