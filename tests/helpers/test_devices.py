"""The helpers that find devices, time them and count their memory, with and without an accelerator."""

import ast
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.notebooks import contract
from xent_helpers import devices

CPU = torch.device("cpu")


@pytest.fixture(params=[None, torch.device("meta")], ids=["without one", "with one"])
def accelerator(request, monkeypatch) -> list[torch.device]:
    """The accelerators that torch is made to find: none, or the one whose tensors hold nothing."""
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: request.param is not None)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: request.param)
    return [torch.device("meta", 0)] if request.param else []


def test_available_lists_the_cpu_first(accelerator):
    assert devices.available() == [CPU, *accelerator]


def test_accelerators_say_the_same_with_and_without(accelerator, capsys):
    assert devices.accelerators("a sum") == accelerator
    said = capsys.readouterr().out
    assert said == "Lines that begin with an accelerator's name show a sum. Without one there are none.\n"


def test_milliseconds_on_each_device(device):
    x = torch.ones(100, 100, device=device)
    calls = []
    assert 0 < devices.milliseconds(lambda: calls.append(x @ x), device, repeats=2) < 60_000
    assert len(calls) == 3  # the first warms up


def test_peak_bytes_of_the_cpu_count_what_is_alive_at_a_time():
    x = torch.ones(1000)

    def kept():
        a = x + 1
        b = a + 1
        return a + b

    def let_go():
        a = x + 1
        a = a + 1
        return a + 1

    assert devices.peak_bytes(kept, CPU) == 12_000
    assert devices.peak_bytes(let_go, CPU) == 8000
    assert devices.peak_bytes(lambda: x.reshape(10, 100).t(), CPU) == 0  # views are nothing new
    assert devices.peak_bytes(lambda: (x + 1).add_(1), CPU) == 4000  # nor is a result written in place
    assert devices.peak_bytes(lambda: torch.zeros_like(x, dtype=torch.float64), CPU) == 8000


def test_peak_bytes_on_each_device(device):
    x = torch.ones(1024, device=device)
    assert devices.peak_bytes(lambda: (x + 1).mul_(2) + x, device) == 8192


def test_last_words_are_those_of_a_process_of_its_own():
    assert devices.last_words("raise ValueError(device)", CPU) == "ValueError: cpu"
    assert devices.last_words("pass", CPU) == ""
    assert devices.last_words("import os; raise ValueError(os.environ['CUDA_LAUNCH_BLOCKING'])", CPU) == "ValueError: 1"


def test_last_words_name_the_error_and_not_the_hints_below_it():
    """What PyTorch prints when an assertion in a CUDA kernel fails, after the lines of the kernel itself."""
    message = "CUDA error: device-side assert triggered\\nFor debugging consider …\\nCompile with `TORCH_USE_CUDA_DSA`"
    code = f"import sys\nprint('Loss.cu:1: Assertion failed.', file=sys.stderr)\nraise RuntimeError('{message}')"
    assert devices.last_words(code, CPU) == "RuntimeError: CUDA error: device-side assert triggered"
    chained = "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise OSError('at last') from error"
    assert devices.last_words(chained, CPU) == "OSError: at last"
    assert devices.last_words("import sys; print('no Δ traceback', file=sys.stderr)", CPU) == "no Δ traceback"


def test_reproducible_repeats_both_generators():
    first = devices.reproducible(3), torch.rand(4)
    second = devices.reproducible(3), torch.rand(4)
    np.testing.assert_array_equal(first[0].random(4), second[0].random(4))
    assert torch.equal(first[1], second[1])
    assert torch.get_num_threads() == 1 and torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()


def test_reproducible_starts_from_0_and_leaves_a_setting_of_the_users(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    assert devices.reproducible().random() == np.random.default_rng(0).random()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    devices.reproducible()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


def test_the_widest_type_is_double_but_on_apple_s_processors():
    assert devices.widest_float(CPU) == devices.widest_float(torch.device("cuda")) == torch.float64
    assert devices.widest_float(torch.device("mps")) == torch.float32


MODULES = sorted(set((contract.ROOT / "xent_helpers").rglob("*.py")) - {Path(devices.__file__)})


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(contract.ROOT).as_posix())
def test_only_devices_knows_an_accelerator_by_name(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert contract.devices_in(tree) == []
