"""The package as a wheel, unpacked outside the checkout and used in an empty folder."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from tools.execute_notebooks import ROOT

BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
USE = """
import sys, xent_helpers
assert "checkout" not in xent_helpers.__file__, xent_helpers.__file__
import numpy as np
from IPython.display import HTML
from xent_helpers import data, exercises, explorables
from xent_helpers.forecasts import predict
from xent_helpers.plots import style
style.canvas("a figure in the course's own style, which is a file")
assert len(data.text()) == 14_279 and data.iris().x.shape == (150, 4)
assert "<script>" in explorables.explore("coin").data
for key in exercises.all_exercises():
    exercises.hint(key)
exercises.check("1.1", lambda p, y: -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
exercises.progress()
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with what the wheel holds, and an empty one to work in."""
    folder = tmp_path_factory.mktemp("package")
    source = folder / "checkout"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "xent_helpers", source / "xent_helpers", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-c", BUILD, folder], cwd=source, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    empty = folder / "empty"
    empty.mkdir()
    return folder / "site", empty


def run(installed, *arguments, encoding="utf-8"):
    site, empty = installed
    own = {"PYTHONPATH": str(site), "PYTHONIOENCODING": encoding, "IPYTHONDIR": str(empty)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=empty,
        env=os.environ | own,
        capture_output=True,
        encoding=encoding,
        check=False,
    )


def test_it_says_that_everything_works(installed):
    done = run(installed, "-m", "xent_helpers")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_a_learner_uses_works(installed):
    done = run(installed, "-c", USE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1.1 ✓" in done.stdout


def test_a_console_that_knows_few_signs_gets_an_answer(installed):
    """A Windows console that is piped writes cp1252, which has no tick and no Greek."""
    done = run(installed, "-c", USE, encoding="cp1252")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1.1 x" in done.stdout and "1.2 -" in done.stdout


def test_every_file_of_the_package_is_in_the_wheel(installed):
    site, _ = installed
    tracked = subprocess.run(["git", "ls-files", "xent_helpers"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = tracked.stdout.split()
    if not names:
        pytest.skip("no git here")
    assert [name for name in names if not (site / name).exists()] == []
