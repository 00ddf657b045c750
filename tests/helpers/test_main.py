"""``python -m xent_helpers`` passes here, and names each planted fault with a remedy."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tools.execute_notebooks import ROOT
from xent_helpers import __main__ as check
from xent_helpers import cases, devices, fused, losses


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


@pytest.mark.parametrize(
    "lines, ranges",
    [(["numpy<3,>=2.4", 'pytest<10; extra == "test"', "tqdm"], {"numpy": "<3,>=2.4", "tqdm": ""}), (None, {})],
)
def test_without_pyproject_the_installed_list_is_read(monkeypatch, lines, ranges):
    monkeypatch.setattr(check, "PYPROJECT", Path("nowhere"))
    monkeypatch.setattr(check.metadata, "requires", {"xent-helpers": lines}.__getitem__)
    monkeypatch.setattr(check.metadata, "metadata", {"xent-helpers": {"Requires-Python": ">=3.11"}}.__getitem__)
    assert check.requirements() == {"Python": ">=3.11"} | ranges


def test_without_any_list_the_folder_is_named(monkeypatch, capsys):
    monkeypatch.setattr(check, "PYPROJECT", Path("nowhere"))
    monkeypatch.setattr(check, "loss_faults", list)

    def missing(name):
        raise check.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(check.metadata, "requires", missing)
    assert check.main() == 1 and "from the course's folder" in capsys.readouterr().out


def installed(monkeypatch, versions):
    """Let these packages be the installed ones; return the list of what is imported from now on."""

    def version(name):
        if name not in versions:
            raise check.metadata.PackageNotFoundError(name)
        return versions[name]

    def import_module(name):
        imported.append(name)
        if name == "torch":
            raise OSError("file too short")

    imported = []
    monkeypatch.setattr(check.metadata, "version", version)
    monkeypatch.setattr(check, "import_module", import_module)
    return imported


def test_each_package_gets_a_line_and_each_fault_a_remedy(monkeypatch, capsys):
    versions = {
        "jupyterlab": "4.6.1",
        "scikit-learn": "1.9.0",
        "array-api-compat": "1.17rc1",
        "tqdm": "3",
        "torch": "2.13",
    }
    imported = installed(monkeypatch, versions)
    python = SimpleNamespace(version_info=(3, 12, 4, "final", 0), executable="/venv/python")
    monkeypatch.setattr(check, "sys", python)
    ranges = {
        "Python": ">=3.11",
        "jupyterlab": ">=4.6,<5",
        "scikit-learn": ">=1.9,<2",
        "array-api-compat": ">=1.16,<2",
        "tqdm": ">=4.70,<5",
        "torch": ">=2.13,<3",
        "scipy": ">=1.17",
    }
    faults = check.package_faults(ranges)
    assert [fault.split(" Install it")[0] for fault in faults] == [
        "tqdm is 3, the course needs >=4.70,<5.",
        "torch 2.13 is installed and cannot be imported (OSError: file too short).",
        "scipy is missing.",
    ]
    installs = ['"tqdm>=4.70,<5"', '--force-reinstall "torch>=2.13,<3"', '"scipy>=1.17"']
    for fault, install in zip(faults, installs, strict=True):
        assert f": python -m pip install {install}. Or start afresh: delete the folder .venv" in fault
    assert imported == ["sklearn", "array_api_compat", "tqdm", "torch"]
    assert capsys.readouterr().out.splitlines() == [
        "Python is /venv/python",
        "",
        "Python             3.12.4       >=3.11         ok",
        "jupyterlab         4.6.1        >=4.6,<5       ok",
        "scikit-learn       1.9.0        >=1.9,<2       ok",
        "array-api-compat   1.17rc1      >=1.16,<2      ok",
        "tqdm               3            >=4.70,<5      outside",
        "torch              2.13         >=2.13,<3      broken",
        "scipy              -            >=1.17         missing",
    ]


@pytest.mark.parametrize("code, verdict", [("raise OSError", "ok"), ("def", "broken")])
def test_jupyterlab_is_read_and_not_run(tmp_path, monkeypatch, capsys, code, verdict):
    tmp_path.joinpath("jupyterlab.py").write_text(code)
    monkeypatch.delitem(sys.modules, "jupyterlab", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    installed(monkeypatch, {"jupyterlab": "4.6.1"})
    faults = check.package_faults({"jupyterlab": ">=4.6,<5"})
    assert capsys.readouterr().out.splitlines()[-1].split()[-1] == verdict
    assert ["SyntaxError" in fault for fault in faults] == [True] * (verdict == "broken")


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


AGREED = """\
cpu      cross_entropy                      agrees with CrossEntropyLoss
cpu      nll_loss                           agrees with NLLLoss
cpu      binary_cross_entropy_with_logits   agrees with BCEWithLogitsLoss
cpu      binary_cross_entropy               agrees with BCELoss
cpu      fused_cross_entropy                agrees with CrossEntropyLoss
cpu      linear_cross_entropy               agrees with Linear and CrossEntropyLoss
"""


def test_a_loss_or_device_that_raises_is_named(monkeypatch, capsys):
    monkeypatch.setattr(devices, "available", lambda: [torch.device("cpu"), torch.device("meta")])
    (fault,) = check.loss_faults()
    assert fault.startswith("meta cannot compute the losses (") and "CUDA_VISIBLE_DEVICES" in fault
    assert capsys.readouterr().out == "\ndevices: cpu, meta \n" + AGREED  # and no line of meta


def test_a_line_says_which_loss_agrees_and_one_thread_does_it(monkeypatch, capsys):
    threads = torch.get_num_threads()
    monkeypatch.setattr(devices, "available", lambda: [torch.device("cpu")])
    monkeypatch.setattr(fused, "fused_cross_entropy", lambda scores, target, **options: 0 * scores.sum())
    torch.set_num_threads(3)
    try:
        assert len(check.loss_faults()) == 1 and torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)
    heading = "\ndevices: cpu (no accelerator; the course needs none)\n"
    differs = AGREED.replace(
        "fused_cross_entropy                agrees with", "fused_cross_entropy                differs from"
    )
    assert capsys.readouterr().out == heading + differs


@pytest.mark.parametrize("loss, name", [("nll_loss", "_calls"), ("linear_cross_entropy", "_fused_calls")])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_differs_and_by_how_much_it_may(monkeypatch, loss, name, dtype):
    """Value or gradient, option and reduction are named; the bound is for 1 + the size of PyTorch's number."""
    monkeypatch.setattr(check, "TOLERANCE", {"float64": -1.0, "float32": -1.0} | {dtype: 0.25})
    monkeypatch.setattr(devices, "widest_float", lambda device: getattr(torch, dtype))
    asked = []

    def found(ours, theirs):
        def calls(*arguments):
            asked.append(arguments)
            yield "weight", "sum", ours, theirs

        monkeypatch.setattr(check, name, calls)
        return check._differences(loss, torch.device("cpu"))

    theirs = torch.tensor([0.0, -3.0], dtype=torch.float64)
    most = theirs + torch.tensor([0.25, 1.0])
    assert found((most, most), (theirs, theirs)) == []
    for number in range(2):
        over = most + torch.eye(2)[number] / 2**20
        in_value, in_gradient = found((over, theirs), (theirs, theirs)), found((theirs, over), (theirs, theirs))
        for (sentence,), what in ((in_value, "value"), (in_gradient, "gradient")):
            module = "losses" if name == "_calls" else "fused"
            start = f"{module}.{loss} on cpu differs from PyTorch's in its {what} (option: weight, reduction: sum). "
            assert sentence.startswith(start)
    assert len(found((theirs[:1], over), (theirs[1:], theirs))) == 2
    assert len(found((theirs[:0], theirs), (theirs, theirs))) == 1  # by its shape
    assert set(asked) == {(loss, getattr(torch, dtype), torch.device("cpu"))}


def test_the_calls_of_an_ordinary_loss(monkeypatch):
    monkeypatch.setattr(cases.Case, "run", lambda case, *arguments: (case.situation, case.scores.dtype, *arguments))
    device = torch.device("meta")
    assert list(check._calls("nll_loss", torch.float32, device)) == [
        (option, reduction, *(("everyday", torch.float32, who, reduction, device) for who in ("ours", "torch")))
        for option in ("none", "weight", "ignore_index", "(N, C, d1)")
        for reduction in ("none", "sum", "mean")
    ]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("loss", ["fused_cross_entropy", "linear_cross_entropy"])
def test_the_calls_of_a_fused_loss(monkeypatch, loss, dtype):
    """Six rows of four features, five classes, a label of each; PyTorch's results are worked out anew."""
    called, right = [], getattr(fused, loss)
    monkeypatch.setattr(
        fused, loss, lambda *given, **options: called.append((given, options)) or right(*given, **options)
    )
    numbers = 3 * np.sin(np.arange(49.0))
    x, weight, bias = numbers[:24].reshape(6, 4), numbers[24:44].reshape(5, 4), numbers[44:]
    label = torch.tensor([0, 4, 2, 1, 3, 2])
    layer = [torch.tensor(part).to(dtype).requires_grad_() for part in (x, weight, bias)]
    wanted = [
        (option, reduction, chosen | {"reduction": reduction})
        for option, chosen in (("none", {}), ("ignore_index", {"ignore_index": 2}))
        for reduction in ("none", "sum", "mean")
    ]
    made = list(check._fused_calls(loss, dtype, torch.device("cpu")))
    assert [call[:2] for call in made] == [one[:2] for one in wanted]
    close = {"rtol": 0, "atol": 1e-14 if dtype == torch.float64 else 1e-6}
    for (_, _, _, theirs), (given, options), (_, _, chosen) in zip(made, called, wanted, strict=True):
        scores = torch.nn.functional.linear(*layer)
        due = torch.nn.functional.cross_entropy(scores, label, **chosen)
        gradients = torch.autograd.grad(due.sum(), layer)
        assert torch.equal(theirs[0], due.detach().double().flatten())
        assert torch.equal(theirs[1], torch.cat([gradient.double().flatten() for gradient in gradients]))
        assert all(part.dtype == dtype for part in given[:-1]) and given[-1].tolist() == label.tolist()
        if loss == "linear_cross_entropy":
            torch.testing.assert_close([*given[:-1], options.pop("bias")], layer, **close)
            assert options.pop("chunk_rows") == 4  # two chunks, the second not full
        else:
            torch.testing.assert_close(given[0], scores, **close)
        assert options == chosen


@pytest.mark.parametrize("loss", ["fused_cross_entropy", "linear_cross_entropy"])
def test_a_fused_loss_is_called_on_the_device(monkeypatch, loss):
    places = []

    def called(*given, bias=None, **options):
        places.extend(part.device.type for part in (*given, bias) if part is not None)
        raise InterruptedError

    monkeypatch.setattr(fused, loss, called)
    with pytest.raises(InterruptedError):
        next(check._fused_calls(loss, torch.float64, torch.device("meta")))
    assert places == ["meta"] * (4 if loss == "linear_cross_entropy" else 2)


@pytest.mark.parametrize(
    "packages, losses, said",
    [
        ([], [], "Everything works.\n"),
        (["one"], ["two", "three"], "To be mended:\n1. one\n2. two\n3. three\n"),
        ([], ["one"], "To be mended:\n1. one\n"),
    ],
)
def test_the_faults_are_numbered_and_the_verdict(monkeypatch, capsys, packages, losses, said):
    monkeypatch.setattr(check, "requirements", lambda: {"Python": ">=3"})
    monkeypatch.setattr(check, "package_faults", lambda ranges: [*packages] if ranges == {"Python": ">=3"} else None)
    monkeypatch.setattr(check, "loss_faults", lambda: losses)
    monkeypatch.setattr(check, "perf_counter", iter([10.0, 11.5]).__next__)
    assert check.main() == (1 if said.startswith("To") else 0)
    assert capsys.readouterr().out == "\n1.5 seconds. " + said
