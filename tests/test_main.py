"""``python -m xent_helpers`` passes here, and names each planted fault with a remedy."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.execute_notebooks import ROOT
from xent_helpers import __main__ as check
from xent_helpers import devices, fused, losses


def command(**environment):
    return subprocess.run(
        [sys.executable, "-m", "xent_helpers"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_this_machine_passes():
    done = command()
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    assert "Everything works." in done.stdout
    places = re.search(r"^devices: ([\w:, ]+)", done.stdout, re.MULTILINE)[1].strip().split(", ")
    assert places[0] == "cpu" and done.stdout.count("agrees with") == 6 * len(places)
    assert all(f"\n{name} " in done.stdout for name in check.requirements())


def test_a_damaged_torch_is_named_with_a_remedy_and_without_a_traceback(tmp_path):
    broken = tmp_path / "torch"
    broken.mkdir()
    broken.joinpath("__init__.py").write_text('raise OSError("libtorch.so: file too short")')
    done = command(PYTHONPATH=os.pathsep.join((str(tmp_path), str(ROOT))))
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr
    assert "cannot be imported (OSError: libtorch.so: file too short)" in done.stdout
    assert 'pip install --force-reinstall "torch' in done.stdout and "The losses were not checked" in done.stdout


def test_the_ranges_are_pyproject_s():
    ranges = check.requirements()
    assert ranges["Python"] == ">=3.11" and ranges["torch"].startswith(">=2.") and "pytest" not in ranges


def test_without_pyproject_the_installed_list_is_read(monkeypatch):
    monkeypatch.setattr(check, "PYPROJECT", Path("nowhere"))
    monkeypatch.setattr(check.metadata, "requires", lambda name: ["numpy<3,>=2.4", 'pytest<10; extra == "test"'])
    monkeypatch.setattr(check.metadata, "metadata", lambda name: {"Requires-Python": ">=3.11"})
    assert check.requirements() == {"Python": ">=3.11", "numpy": "<3,>=2.4"}


def test_without_any_list_the_folder_is_named(monkeypatch, capsys):
    monkeypatch.setattr(check, "PYPROJECT", Path("nowhere"))
    monkeypatch.setattr(check, "loss_faults", list)

    def missing(name):
        raise check.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(check.metadata, "requires", missing)
    assert check.main() == 1 and "from the course's folder" in capsys.readouterr().out


@pytest.mark.parametrize(
    "ranges, words",
    [
        ({"no-such-package": ">=1"}, ["no-such-package is missing", 'pip install "no-such-package>=1"']),
        ({"numpy": ">=1,<2"}, ["numpy is 2.", "needs >=1,<2", 'pip install "numpy>=1,<2"']),
        ({"Python": ">=4"}, ["This is Python 3.", "make lab PYTHON="]),
    ],
)
def test_a_package_that_does_not_fit_is_named(ranges, words, capsys):
    (fault,) = check.package_faults(ranges)
    assert all(word in fault for word in words)
    assert " ok" not in capsys.readouterr().out


def test_without_packaging_nothing_is_judged(monkeypatch):
    monkeypatch.setitem(sys.modules, "packaging.specifiers", None)
    (fault,) = check.package_faults({"numpy": ">=2"})
    assert "packaging is missing" in fault and "pip install packaging" in fault


def planted(right, wrong):
    """A loss with a fault: ``wrong`` changes its result, knowing its first argument."""
    return lambda scores, *others, **options: wrong(right(scores, *others, **options), scores)


@pytest.mark.parametrize(
    "module, loss",
    [(losses, "cross_entropy"), (fused, "fused_cross_entropy"), (fused, "linear_cross_entropy")],
    ids=lambda part: part if isinstance(part, str) else "",
)
@pytest.mark.parametrize(
    "wrong, what",
    [
        (lambda loss, scores: loss * (1 + 1e-9), "value"),
        (lambda loss, scores: loss + 1e-9 * (scores - scores.detach()).sum(), "gradient"),
    ],
    ids=("value", "gradient"),
)
def test_a_broken_loss_is_named_with_a_remedy(monkeypatch, capsys, module, loss, wrong, what):
    monkeypatch.setattr(devices, "available", lambda: [torch.device("cpu")])
    monkeypatch.setattr(module, loss, planted(getattr(module, loss), wrong))
    (fault,) = check.loss_faults()
    name = f"{module.__name__.rpartition('.')[2]}.{loss}"
    assert f"{name} on cpu differs from PyTorch's in its {what}" in fault and "git checkout" in fault
    assert capsys.readouterr().out.count("agrees with") == 5


def test_a_loss_or_device_that_raises_is_named(monkeypatch):
    monkeypatch.setattr(devices, "available", lambda: [torch.device("cpu"), torch.device("meta")])
    (fault,) = check.loss_faults()
    assert fault.startswith("meta cannot compute the losses (") and "CUDA_VISIBLE_DEVICES" in fault


def test_the_number_of_faults_is_the_verdict(monkeypatch, capsys):
    monkeypatch.setattr(check, "package_faults", lambda ranges: ["one", "two"])
    monkeypatch.setattr(check, "loss_faults", list)
    assert check.main() == 1
    assert "To be mended:\n1. one\n2. two\n" in capsys.readouterr().out
