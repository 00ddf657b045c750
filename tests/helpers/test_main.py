"""``python -m xent_helpers`` passes here, and names each planted fault with a remedy."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tools.execute_notebooks import ROOT
from xent_helpers import __main__ as check
from xent_helpers import devices, fused, losses


def command(folder=ROOT, **environment):
    return subprocess.run(
        [sys.executable, "-m", "xent_helpers"],
        cwd=folder,
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


DAMAGES = {
    "raises": ("torch/__init__.py", 'raise OSError("libtorch.so: file too short")', "libtorch.so: file too short"),
    "exits": ("torch/__init__.py", "import sys; sys.exit()", "torch"),
    "ends Python": ("torch/__init__.py", "import os; os._exit(0)", "status 0"),
    "crashes": ("torch/__init__.py", "import os; os.kill(os.getpid(), 11)", "status -11"),
    "has no version": ("torch-2.13.0.dist-info/METADATA", "", "torch"),
    "has an odd version": ("torch-2.13.0.dist-info/METADATA", "Version: two", "two"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_package_is_named_with_a_remedy_and_without_a_traceback(tmp_path, kind):
    name, text, said = DAMAGES[kind]
    tmp_path.joinpath(name).parent.mkdir()
    tmp_path.joinpath(name).write_text(text)
    done = command(PYTHONPATH=os.pathsep.join((str(tmp_path), str(ROOT))))
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr
    remedies = done.stdout[done.stdout.index("To repair:") :]
    assert said in remedies and "install" in remedies.lower()
    assert done.stdout.splitlines()[-1].startswith(("1. ", "2. "))
    if kind in ("ends Python", "crashes"):
        assert re.findall(r"^([\w-]+) +\d.*$", done.stdout, re.MULTILINE)[-1] == "torch"


FAULTS = {"def": "SyntaxError", "missing": "NameError", "def cross_entropy(*a, **k): return a + 1": "TypeError"}


@pytest.mark.parametrize("line", FAULTS)
def test_a_fault_in_the_package_is_not_blamed_on_others(tmp_path, line):
    shutil.copytree(ROOT / "xent_helpers", tmp_path / "xent_helpers")
    with tmp_path.joinpath("xent_helpers", "losses.py").open("a") as file:
        file.write(f"\n{line}\n")
    done = command(PYTHONPATH=str(tmp_path), folder=tmp_path)
    remedies = done.stdout[done.stdout.index("To repair:") :]
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr
    assert FAULTS[line] in remedies and "git checkout xent_helpers" in remedies and "driver" not in remedies


def test_the_ranges_are_pyproject_s():
    ranges = check.requirements()
    assert ranges["Python"] == ">=3.11" and ranges["torch"].startswith(">=2.") and "pytest" not in ranges


def test_without_pyproject_the_installed_list_is_read(monkeypatch):
    monkeypatch.setattr(check, "PYPROJECT", Path("nowhere"))
    ranges = check.requirements()
    assert ranges["Python"] == ">=3.11" and "torch" in ranges and "pytest" not in ranges


def test_without_any_list_the_folder_is_named(monkeypatch, capsys):
    def missing(name):
        raise check.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(check, "PYPROJECT", Path("nowhere"))
    monkeypatch.setattr(check.metadata, "requires", missing)
    assert check.examine() == 1 and "from the course's folder" in capsys.readouterr().out


def test_each_fault_is_numbered_and_has_a_remedy(monkeypatch, capsys, tmp_path):
    project = '[project]\nrequires-python = ">=4"\ndependencies = ["no-such-package>=1", "numpy<2,>=1", "tqdm"]\n'
    tmp_path.joinpath("pyproject.toml").write_text(project)
    monkeypatch.setattr(check, "PYPROJECT", tmp_path / "pyproject.toml")
    assert check.examine() == 1
    shown = capsys.readouterr().out
    verdicts = dict(re.findall(r"^(Python|no-such-package|numpy|tqdm) .* (\w+)$", shown, re.MULTILINE))
    assert verdicts == {"Python": "outside", "no-such-package": "missing", "numpy": "outside", "tqdm": "ok"}
    faults = re.findall(r"^\d\. (.*)$", shown, re.MULTILINE)
    remedies = ["make lab PYTHON=", 'pip install "no-such-package>=1"', 'pip install "numpy<2,>=1"']
    assert len(faults) == 3 and all(one in fault for one, fault in zip(remedies, faults, strict=True))


def test_without_packaging_nothing_is_judged(monkeypatch):
    monkeypatch.setitem(sys.modules, "packaging.specifiers", None)
    (fault,) = check.package_faults({"numpy": ">=2"})
    assert "packaging is missing" in fault and "pip install packaging" in fault


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
    right = getattr(module, loss)
    monkeypatch.setattr(devices, "available", lambda: [torch.device("cpu")])
    monkeypatch.setattr(module, loss, lambda scores, *rest, **options: wrong(right(scores, *rest, **options), scores))
    (fault,) = check.loss_faults()
    name = f"{module.__name__.rpartition('.')[2]}.{loss}"
    assert f"{name} on cpu differs from PyTorch's in its {what}" in fault and "git checkout" in fault
    shown = capsys.readouterr().out
    assert shown.count("agrees with") == 5 and re.search(rf"^cpu +{loss} +differs from", shown, re.MULTILINE)


def test_a_device_that_cannot_compute_is_named(monkeypatch, capsys):
    monkeypatch.setattr(devices, "available", lambda: [torch.device("cpu"), torch.device("meta")])
    (fault,) = check.loss_faults()
    assert fault.startswith("meta cannot compute the losses (") and "CUDA_VISIBLE_DEVICES" in fault
    assert capsys.readouterr().out.count("agrees with") == 6
