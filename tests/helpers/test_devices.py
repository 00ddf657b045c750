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


class FakeAccelerator:
    """Stands in for ``torch.accelerator`` and notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.peak = 0

    def current_accelerator(self, check_available: bool = False) -> torch.device:
        assert check_available
        return torch.device("meta")

    def synchronize(self, device: torch.device) -> None:
        self.asked.append("synchronize")

    def memory_allocated(self, device: torch.device) -> int:
        return 1000

    def reset_peak_memory_stats(self, device: torch.device) -> None:
        self.asked.append("reset")
        self.peak = 1000

    def max_memory_allocated(self, device: torch.device) -> int:
        return self.peak


@pytest.fixture
def fake(monkeypatch) -> FakeAccelerator:
    accelerator = FakeAccelerator()
    monkeypatch.setattr(torch, "accelerator", accelerator)
    return accelerator


def test_available_lists_the_cpu_first(fake, monkeypatch):
    assert devices.available() == [CPU, torch.device("meta", 0)]
    monkeypatch.setattr(fake, "current_accelerator", lambda check_available: None)
    assert devices.available() == [CPU]


def test_accelerators_say_the_same_with_and_without(fake, monkeypatch, capsys):
    assert devices.accelerators("a sum") == [torch.device("meta", 0)]
    with_one = capsys.readouterr().out
    monkeypatch.setattr(fake, "current_accelerator", lambda check_available: None)
    assert devices.accelerators("a sum") == []
    assert capsys.readouterr().out == with_one
    assert with_one == "Lines that begin with an accelerator's name show a sum. Without one there are none.\n"


def test_only_an_accelerator_is_waited_for(fake):
    devices.synchronize(CPU)
    assert fake.asked == []
    devices.synchronize(torch.device("meta", 0))
    assert fake.asked == ["synchronize"]


class FakeEvent:
    """Stands in for ``torch.Event``: the moment of an event is what had been asked before it."""

    asked: list[str]

    def __init__(self, device: torch.device, *, enable_timing: bool) -> None:
        assert device == torch.device("meta", 0) and enable_timing

    def record(self) -> None:
        self.asked.append("event")
        self.moment = len(self.asked)

    def elapsed_time(self, end: "FakeEvent") -> float:
        self.asked.append("read")
        return float(end.moment - self.moment)


def test_an_accelerator_is_timed_by_its_own_events(fake, monkeypatch):
    monkeypatch.setattr(torch, "Event", FakeEvent)
    FakeEvent.asked = fake.asked
    runs = iter([100, 1, 2, 3])  # what a run asks for; the first warms up
    taken = devices.milliseconds(lambda: fake.asked.extend(["run"] * next(runs)), torch.device("meta", 0), repeats=3)
    assert taken == 3  # the median run asked twice, and then came its second event
    assert fake.asked[-7:] == ["event", "run", "run", "run", "event", "synchronize", "read"]


def test_milliseconds_is_the_median_of_the_runs_after_the_first(monkeypatch):
    clock = iter([0, 100, 200, 201, 300, 302, 400, 409])
    monkeypatch.setattr(devices, "perf_counter", lambda: next(clock))
    assert devices.milliseconds(lambda: None, CPU, repeats=3) == 2000


def test_milliseconds_runs_six_times_unless_told_otherwise():
    calls = []
    devices.milliseconds(lambda: calls.append(0), CPU)
    assert len(calls) == 6


def test_milliseconds_on_each_device(device):
    x = torch.ones(100, 100, device=device)
    assert 0 < devices.milliseconds(lambda: x @ x, device, repeats=2) < 60_000


def test_peak_bytes_of_an_accelerator_are_its_allocators(fake):
    def run():
        fake.asked.append("run")
        fake.peak = 5000

    assert devices.peak_bytes(run, torch.device("meta", 0)) == 4000
    assert fake.asked == ["synchronize", "reset", "run", "synchronize"]


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
