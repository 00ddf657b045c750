"""Loss and gradient from several processes are one process's, and an interrupted run leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
import torch.distributed as dist
from torch.nn.functional import cross_entropy

from xent_helpers import distributed

if not dist.is_available():
    pytest.skip("this build of PyTorch has no torch.distributed", allow_module_level=True)

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
SCRIPT = ["-m", "xent_helpers.distributed"]


@pytest.fixture
def environment(tmp_path):
    """Where temporary files go to a folder that the test can look into."""
    return os.environ | {"TMPDIR": str(tmp_path), "OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize("count", [2, 3])
def test_the_table_holds_with_several_processes(count, environment):
    command = [*TORCHRUN, "--nproc-per-node", str(count), *SCRIPT, "--steps", "5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    first, *rows = done.stdout.strip().splitlines()
    assert first.startswith(f"{count} process(es)")
    assert [row.split()[-3] for row in rows[:-1]] == ["held"] * 6
    page = (Path(__file__).parents[1] / "book" / "distributed.md").read_text(encoding="utf-8")
    assert all(row[:50].replace("5 losses", "20 losses").strip() in page for row in rows)  # the page shows this table
    assert float(re.search(r"mean of means is off by +(\S+)", rows[-1])[1]) > 1e-3  # so the parts do differ


def test_one_process_needs_no_torchrun(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["distributed", "--steps", "3"])
    assert distributed.main() == 0
    shown = capsys.readouterr().out
    assert shown.startswith("1 process(es)") and shown.count("  held") == 6 and "NOT" not in shown
    assert not dist.is_initialized()


def test_a_difference_past_the_bound_is_said(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["distributed", "--steps", "1"])
    monkeypatch.setattr(distributed, "BOUND", -1.0)
    assert distributed.main() == 1
    assert capsys.readouterr().out.count("NOT held (bound -1)") == 6


def test_no_steps_are_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["distributed", "--steps", "0"])
    with pytest.raises(SystemExit) as refused:
        distributed.main()
    assert refused.value.code == 2
    assert "--steps is 0, expected 1 or more." in capsys.readouterr().err


def test_vocabulary_parallel_loss_and_gradient_of_each_sample():
    logits = torch.tensor(np.random.default_rng(0).normal(size=(5, 7)) * 30, requires_grad=True)
    target = torch.tensor([0, 6, -100, 3, 3])
    with distributed.together():
        loss = distributed.VocabularyParallel.apply(logits, target, 0)
        due = cross_entropy(logits, target, reduction="none")
        upstream = torch.arange(5.0, dtype=torch.float64)
        assert torch.allclose(loss, due, rtol=1e-14, atol=1e-14)
        ours, theirs = (torch.autograd.grad(value, logits, upstream)[0] for value in (loss, due))
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-14)
        assert torch.autograd.gradcheck(lambda z: distributed.VocabularyParallel.apply(z, target, 0), logits)


def test_an_interrupted_run_leaves_no_process_and_no_file(environment, tmp_path):
    command = [*TORCHRUN, "--nproc-per-node", "2", *SCRIPT, "--steps", str(10**8)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    workers = _when_training(psutil.Process(running.pid))
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode != 0
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive
    assert [path for path in Path(tmp_path).rglob("*") if path.is_file()] == []
    assert not [connection for connection in psutil.net_connections("tcp") if connection.pid == running.pid]


def _when_training(launcher):
    """Wait until both workers are past their imports and talk to each other; return them."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        workers = [child for child in launcher.children() if "xent_helpers.distributed" in " ".join(child.cmdline())]
        if len(workers) == 2 and all(len(worker.net_connections("tcp")) > 1 for worker in workers):
            return workers
        time.sleep(0.2)
    raise TimeoutError("the workers did not come up within two minutes")
