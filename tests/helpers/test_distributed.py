"""Loss and gradient from several processes are one process's, and an interrupted run leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
import torch.distributed as dist
from torch.nn.functional import cross_entropy

from tests.refusals import refused
from xent_helpers import devices, distributed, losses
from xent_helpers.parent import end_with_parent

if not dist.is_available():
    pytest.skip("this build of PyTorch has no torch.distributed", allow_module_level=True)

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
SCRIPT = ["-m", "xent_helpers.distributed"]
CPU = torch.device("cpu")


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
    assert [row.split()[-3] for row in rows[:-1]] == ["held"] * 7
    page = (Path(__file__).parents[2] / "book" / "distributed.md").read_text(encoding="utf-8")
    assert all(row[:50].replace("5 losses", "20 losses").strip() in page for row in rows)  # the page shows this table
    assert float(re.search(r"mean of means is off by +(\S+)", rows[-1])[1]) > 1e-3  # so the parts do differ


def test_one_process_needs_no_torchrun(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["distributed", "--steps", "3"])
    assert distributed.main() == 0
    shown = capsys.readouterr().out
    assert shown.startswith("1 process(es)") and shown.count("  held") == 7 and "NOT" not in shown
    assert not dist.is_initialized()


def test_a_difference_past_the_bound_is_said(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["distributed", "--steps", "1"])
    monkeypatch.setattr(distributed, "BOUND", -1.0)
    assert distributed.main() == 1
    assert capsys.readouterr().out.count("NOT held (bound -1)") == 7


def test_no_steps_are_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["distributed", "--steps", "0"])
    with pytest.raises(SystemExit) as refused:
        distributed.main()
    assert refused.value.code == 2
    assert "--steps is 0, expected 1 or more." in capsys.readouterr().err


def test_more_processes_than_have_classes_are_refused(monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "11")
    monkeypatch.setattr(sys, "argv", ["distributed"])
    with pytest.raises(SystemExit) as refused:
        distributed.main()
    assert refused.value.code == 2
    told = "torchrun started 11 processes, expected 10 or fewer: each is to have some of 50 classes."
    assert told in " ".join(capsys.readouterr().err.split())


# ---- how the processes come together ----


def test_torchrun_s_settings_are_followed_and_the_group_ends_with_an_error(monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(devices, "available", lambda: [CPU])
    with pytest.raises(ZeroDivisionError), distributed.together() as device:
        assert device == CPU and (dist.get_rank(), dist.get_world_size(), dist.get_backend()) == (0, 1, "gloo")
        raise ZeroDivisionError
    assert not dist.is_initialized()


# ---- the job ----


def test_the_job_and_the_network_are_the_same_in_each_process():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.rand(30, 16, generator=generator, dtype=torch.float64)
    labels = torch.randint(50, (30,), generator=generator)
    for number in range(2):
        torch.manual_seed(100 + number)
        x, target = distributed.job(CPU)
        assert torch.equal(x, inputs)
        assert target.tolist() == [-100] * 7 + labels[7:].tolist()
        model = distributed.network(CPU)
        torch.manual_seed(0)
        wanted = torch.nn.Linear(16, 50, dtype=torch.float64)
        assert torch.equal(model.weight, wanted.weight) and torch.equal(model.bias, wanted.bias)


def test_the_mark_of_padding_may_be_another_number(monkeypatch):
    """No loss falls back on the -100 that PyTorch leaves out by itself."""
    with distributed.together():
        before = distributed.mean_of_means(CPU)
        monkeypatch.setattr(distributed, "IGNORE", -1)
        assert max(distributed.differences(CPU, 2).values()) <= distributed.BOUND
        assert distributed.mean_of_means(CPU) == before
        logits = torch.eye(3, dtype=torch.float64)
        part = distributed.mean_over_all(logits, torch.tensor([-1, 1, 0]))
        assert part == cross_entropy(logits[1:], torch.tensor([1, 0]))


# ---- several processes, as threads ----


class Threads:
    """What ``torch.distributed`` does between processes, done between threads."""

    ReduceOp = dist.ReduceOp

    def __init__(self, count):
        self.count, self.own, self.brought = count, threading.local(), [None] * count
        self.barrier = threading.Barrier(count, timeout=60)

    def get_rank(self):
        return self.own.rank

    def get_world_size(self):
        return self.count

    def all_reduce(self, tensor, op=dist.ReduceOp.SUM):
        self.brought[self.own.rank] = tensor.detach().clone()
        self.barrier.wait()
        brought = torch.stack(self.brought)
        self.barrier.wait()
        with torch.no_grad():
            tensor.copy_(brought.amax(0) if op == dist.ReduceOp.MAX else brought.sum(0))

    def run(self, function):
        """Call ``function(rank)`` once in each thread; return the results."""

        def one(rank):
            self.own.rank = rank
            try:
                return function(rank)
            except BaseException:
                self.barrier.abort()
                raise

        with ThreadPoolExecutor(self.count) as pool:
            return list(pool.map(one, range(self.count)))


@pytest.fixture
def threads(monkeypatch):
    """``threads(count, function)`` calls ``function(rank)`` in as many threads, each a process to the module."""

    def run(count, function):
        processes = Threads(count)
        monkeypatch.setattr(distributed, "dist", processes)
        return processes.run(function)

    return run


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_parts_add_up_to_the_mean_loss_of_all(threads, count):
    """The first five samples are padding, so that a part of the processes has nothing to bring."""
    logits = torch.tensor(np.random.default_rng(0).normal(size=(10, 4)), requires_grad=True)
    target = torch.tensor([-100] * 5 + [0, 3, -100, 2, 1])

    def part(rank):
        mine = logits.detach().tensor_split(count)[rank].requires_grad_()
        loss = distributed.mean_over_all(mine, target.tensor_split(count)[rank])
        return loss.detach(), torch.autograd.grad(loss, mine)[0]

    losses, gradients = zip(*threads(count, part), strict=True)
    due = cross_entropy(logits, target)
    torch.testing.assert_close(sum(losses), due.detach(), rtol=1e-14, atol=0)
    torch.testing.assert_close(torch.cat(gradients), torch.autograd.grad(due, logits)[0], rtol=0, atol=1e-15)


@pytest.mark.parametrize("columns, count", [(5, 1), (5, 2), (6, 3), (7, 4)])
def test_slices_of_the_classes_give_the_whole_loss_and_each_slice_s_gradient(threads, columns, count):
    """The logits are so large that only the largest of all processes keeps their exponentials finite and not all 0."""
    logits = torch.tensor(np.random.default_rng(1).uniform(400, 900, size=(9, columns)))
    target = torch.tensor([*range(columns), *[-100] * 3, 0, 0, 0, 0])[:9]
    alone = logits.clone().requires_grad_()
    due = cross_entropy(alone, target)
    due.backward()
    pieces = threads(count, lambda rank: (distributed._slice(logits), distributed.by_two_all_reduces(logits, target)))
    width = -(-columns // count)
    for rank, ((mine, first), (loss, gradient)) in enumerate(pieces):
        assert first == min(rank * width, columns) and torch.equal(mine, logits[:, first : first + width])
        torch.testing.assert_close(loss, due.detach(), rtol=1e-14, atol=0)
        torch.testing.assert_close(gradient, alone.grad[:, first : first + width], rtol=0, atol=1e-15)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_features_gradient_is_added_up_over_the_processes(threads, count):
    rng = np.random.default_rng(3)
    x, weight = torch.tensor(rng.normal(size=(6, 4)), requires_grad=True), torch.tensor(rng.normal(size=(7, 4)))
    target = torch.tensor([0, 6, -100, 3, 3, 2])
    (due,) = torch.autograd.grad(cross_entropy(x @ weight.T, target), x)
    for found in threads(count, lambda rank: distributed.features_gradient(x, weight, target)):
        torch.testing.assert_close(found, due, rtol=0, atol=1e-14)


CASES = {  # logits and labels; the slices are those of two or three processes
    "any": (torch.tensor(np.random.default_rng(2).normal(size=(8, 7))), [*range(7), -100]),
    "a sure answer": (torch.tensor([[60.0, 0, 0, 1], [0, 0, 40, 0]], dtype=torch.float64), [0, 2]),
    "the label far behind": (torch.tensor([[0.0, 900, 0, 1]], dtype=torch.float64), [3]),
    "masked classes": (torch.tensor([[-torch.inf, 0, -torch.inf, 1]], dtype=torch.float64), [3]),
    "ignored rows of −inf and NaN": (torch.tensor([[-torch.inf] * 4, [torch.nan] * 4, [0, 1, 2, 3]]), [-100, -100, 3]),
    "equal classes, too many for sums in float16": (torch.zeros(1, 65_536).half(), [7]),
}


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("case", CASES)
def test_a_slice_keeps_the_course_s_rules(threads, count, case):
    """As ``losses.cross_entropy``, whose values are held against 60 digits, has it: tiny losses, tiny slopes, zeros."""
    whole, target = CASES[case][0].clone().requires_grad_(), torch.tensor(CASES[case][1])
    upstream = torch.arange(1.0, 1 + len(target)).to(whole.dtype)
    due = losses.cross_entropy(whole, target, reduction="none")
    slopes = torch.autograd.grad(due, whole, upstream)[0].tensor_split(count, dim=1)

    def run(rank):
        mine = whole.detach().tensor_split(count, dim=1)[rank].requires_grad_()
        first = sum(part.shape[1] for part in slopes[:rank])
        loss = distributed.VocabularyParallel.apply(mine, target, first)
        return loss, torch.autograd.grad(loss, mine, upstream)[0]

    eps = torch.finfo(whole.dtype).eps
    for (loss, slope), wanted in zip(threads(count, run), slopes, strict=True):
        assert (loss.dtype, slope.dtype) == (whole.dtype, whole.dtype)
        torch.testing.assert_close(loss, due, rtol=4 * eps, atol=0)
        torch.testing.assert_close(slope, wanted, rtol=8 * eps, atol=0)


@pytest.mark.parametrize("label", [-1, 7, 99])
def test_a_label_of_no_slice_is_refused_in_each_process(threads, label):
    def run(rank):
        with refused(IndexError, f"target {label} [1]"):
            distributed.VocabularyParallel.apply(torch.zeros(2, (4, 3)[rank]), torch.tensor([0, label]), 4 * rank)
        return True

    assert threads(2, run) == [True, True]


@pytest.mark.parametrize("count", [2, 3])
def test_the_mean_of_means_differs_by_the_weight_of_padding(threads, monkeypatch, count):
    model = distributed.network(CPU)
    monkeypatch.setattr(distributed, "network", lambda device: model)  # threads share torch's seed
    found = threads(count, lambda rank: distributed.mean_of_means(CPU))
    x, target = distributed.job(CPU)
    with torch.no_grad():
        losses = cross_entropy(model(x), target, reduction="none")
    parts = [part[kept].mean() for part, kept in zip(losses.chunk(count), (target != -100).chunk(count), strict=True)]
    due = abs(sum(parts) / count - losses[7:].mean()).item()
    assert found == [pytest.approx(due, rel=1e-12)] * count and due > 0.01


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


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize("kind, training", [(signal.SIGINT, True), (signal.SIGKILL, True), (signal.SIGKILL, False)])
def test_an_interrupted_run_leaves_no_process_and_no_file(environment, tmp_path, kind, training):
    """While the workers train, and as soon as they have been started."""
    command = [*TORCHRUN, "--nproc-per-node", "2", *SCRIPT, "--steps", str(10**8)]
    own = os.getpid()
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        preexec_fn=lambda: end_with_parent(own),  # torchrun is to end with this test, whatever becomes of it
    )
    try:
        workers = _workers(psutil.Process(running.pid), training)
        running.send_signal(kind)
        running.communicate(timeout=60)
    finally:
        if running.poll() is None:
            running.kill()
    assert running.returncode != 0
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive
    if kind == signal.SIGINT:
        left = {path.name for path in Path(tmp_path).rglob("*") if path.is_file()}
        assert not {name for name in left if "_remote_module" not in name}  # which PyTorch 2.6 leaves there


def _workers(launcher, training):
    """Wait for both workers, until they are past their imports and talk to each other if they are to train."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        workers = [child for child in launcher.children() if "xent_helpers.distributed" in " ".join(child.cmdline())]
        connected = [connection.pid for connection in psutil.net_connections("tcp")]
        if len(workers) == 2 and (not training or all(connected.count(worker.pid) > 1 for worker in workers)):
            return workers
        time.sleep(0.05)
    raise TimeoutError("the workers did not come up within two minutes")
