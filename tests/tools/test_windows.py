"""A learner is answered without timers, fork and process groups, and where texts are cp1252 unless told otherwise."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tools.execute_notebooks import ROOT

LEARN = """
import locale, os, signal
assert not hasattr(signal, "setitimer") and not hasattr(os, "fork") and locale.getencoding() != "UTF-8"
import numpy as np
from xent_helpers import data, devices, exercises, explorables
from xent_helpers.forecasts import predict

assert devices.last_words("raise ValueError(chr(916))", devices.available()[0]) == "ValueError: Δ"
assert "<script>" in explorables.explore("coin").data and len(data.text()) == 14_279

def endless(p, y):
    while True:
        pass

def nearly(p, y):
    return -np.mean(np.log(p))

exercises.check("1.1", endless)
exercises.check("1.1", nearly)
exercises.check("1.1", lambda p, y: -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
exercises.hint("1.1")
exercises.solution("1.1")
exercises.progress()
"""


@pytest.fixture
def windows(tmp_path):
    """The variables of a process that finds as much of Windows as Linux can give it: no UTF-8 unless asked for."""
    own = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    if shutil.which("localedef"):
        made = tmp_path / "en_US.CP1252"
        subprocess.run(["localedef", "-i", "en_US", "-f", "CP1252", str(made)], check=False, capture_output=True)
        if made.exists():
            own = {"LC_ALL": made.name, "LOCPATH": str(tmp_path)}
    path = os.pathsep.join((str(ROOT / "tests" / "windows"), str(ROOT)))
    return os.environ | own | {"PYTHONUTF8": "0", "PYTHONPATH": path, "IPYTHONDIR": str(tmp_path)}


@pytest.mark.skipif(sys.platform != "linux", reason="it takes away what Linux has")
def test_a_learner_on_windows_is_answered(windows, tmp_path):
    script = tmp_path / "learn.py"
    script.write_text(LEARN, encoding="utf-8")
    done = subprocess.run([sys.executable, script], cwd=tmp_path, env=windows, capture_output=True, check=False)
    shown = done.stdout.decode(errors="replace")
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert "too long" in shown and shown.count("1.1: not yet") == 2 and shown.count("1.1: solved") == 1
    assert re.search(r"1\.1 x +1\.2 -", shown)


@pytest.mark.skipif(sys.platform != "linux", reason="it takes away what Linux has")
def test_the_set_up_is_checked_on_windows(windows):
    done = subprocess.run(
        [sys.executable, "-m", "xent_helpers"], cwd=ROOT, env=windows, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
