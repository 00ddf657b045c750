"""``make`` works in a folder of any name, and two first commands at once set up one environment."""

import os
import shutil
import subprocess
import sys

import pytest

from tools.execute_notebooks import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the Makefile is for Linux and macOS")
NAMES = ["plain", "two words", "it's", 'a "quoted" one', "$HOME", "`x`", "ärger", "a;b&c", "(x)", "-n"]
STAND_IN = """#!/bin/sh
echo "$PWD" "$PYTHONPATH" "$*" >> called
case "$*" in *"-m venv"*) sleep 0.3; mkdir .venv/bin; cp "$0" .venv/bin/python;; *execvp*) exec REAL "$@";; esac
"""


@pytest.fixture
def checkout(tmp_path):
    """``checkout(name)`` is a folder with the Makefile and a stand-in for Python that notes how it is called."""

    def make(name):
        folder = tmp_path / name
        folder.mkdir()
        for needed in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / needed, folder)
        stand_in = tmp_path / "python"
        stand_in.write_text(STAND_IN.replace("REAL", sys.executable))
        stand_in.chmod(0o755)
        return folder

    return make


def start(folder, target):
    command = ["make", target, f"PYTHON={folder.parent / 'python'}"]
    unset = ("MAKE", "MFLAGS", "PYTHONPATH")  # which `make test` and `make test-sim` set
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("name", NAMES)
def test_commands_find_their_folders_whatever_the_checkout_is_called(checkout, name):
    folder = checkout(name)
    for target in ("lab", "test-sim"):
        process = start(folder, target)
        assert process.communicate()[1] == "" and process.returncode == 0
    called = folder.joinpath("called").read_text().splitlines()
    assert [line for line in called if "-m jupyterlab" in line] == [
        f"{folder}  -m jupyterlab --config .jupyter/jupyter_lab_config.py"
    ]
    assert [line for line in called if f"{folder} {folder}/tests/devices/simulated -m pytest" in line]


def test_two_first_commands_set_up_once(checkout):
    folder = checkout("course")
    running = [start(folder, target) for target in ("lab", "notebooks", "lab")]
    assert [(process.communicate()[1], process.returncode) for process in running] == [("", 0)] * 3
    called = folder.joinpath("called").read_text().splitlines()
    assert sum("-m venv .venv" in line for line in called) == 1
    assert sum("-m jupyterlab" in line for line in called) == 2
    assert {path.name for path in folder.joinpath(".venv").iterdir()} == {"bin", "ready", "lab-ready", "test-ready"}
