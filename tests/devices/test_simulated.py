"""The simulated accelerator: what it can do, what it refuses, and that mistakes with devices are caught with it.

Collected only where it is loaded (``make test-sim``); where it is not, there is nothing to test.
"""

import copy
import os
import pickle
import re
import shutil
import subprocess
import sys
from functools import partial
from importlib import util

import nbformat
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from nbformat.v4 import new_code_cell, new_notebook
from torch import nn

from tests.everywhere import functions
from tools.execute_notebooks import ROOT
from xent_helpers import devices, training

CPU, SIM = torch.device("cpu"), torch.device("sim", 0)


def numbers(*shape: int) -> torch.Tensor:
    """Numbers of the CPU that no operation could have guessed."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def x() -> torch.Tensor:
    return numbers(3, 4).to(SIM)


def same(on_sim: torch.Tensor, on_cpu: torch.Tensor) -> bool:
    """Whether a tensor lies on the accelerator and holds the CPU's numbers to the last bit."""
    assert on_sim.device == SIM and on_cpu.device == CPU
    return on_sim.dtype == on_cpu.dtype and torch.equal(on_sim.cpu(), on_cpu)


# ---- what it can do ----


def test_torch_finds_it():
    assert torch.accelerator.current_accelerator(check_available=True) == torch.device("sim")
    assert torch.accelerator.device_count() == 1 and torch.accelerator.is_available()
    assert devices.available() == [CPU, SIM]
    torch.accelerator.synchronize()
    torch.accelerator.synchronize(SIM)


@pytest.mark.parametrize(
    "make",
    [
        lambda **on: torch.zeros(2, 3, **on),
        lambda **on: torch.ones(2, dtype=torch.int64, **on),
        lambda **on: torch.full((2,), 7.0, **on),
        lambda **on: torch.arange(5, **on),
        lambda **on: torch.linspace(0, 1, 5, **on),
        lambda **on: torch.eye(3, **on),
        lambda **on: torch.tensor([[1, 2], [3, 4]], **on),
        lambda **on: torch.tensor(2.5, **on),
        lambda **on: torch.tensor([numbers(1).to(on["device"])[0], 2.0], **on),
        lambda **on: torch.as_tensor([1.0, 2.0], **on),
        lambda **on: torch.as_tensor(np.arange(3), **on),
        lambda **on: torch.asarray([True, False], **on),
        lambda **on: torch.zeros_like(numbers(2), **on),
        lambda **on: numbers(2).to(**on),
        lambda **on: numbers(2).to(**on, dtype=torch.bfloat16),
        lambda **on: torch.zeros(2, **on).new_tensor([1, 2]),
        lambda **on: torch.zeros(2, **on).new_full((3,), 4.0),
        lambda **on: torch.empty(3, **on).fill_(2),
        lambda **on: torch.tril(torch.ones(3, 3, **on)).nonzero(),
    ],
)
def test_it_makes_tensors(make):
    assert same(make(device=SIM), make(device=CPU))
    assert same(make(device="sim"), make(device="cpu"))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.add_(1).mul_(2),
        lambda t: torch.exp(t, out=torch.empty_like(t)),
        lambda t: torch.mm(t, t.T, out=t.new_empty(0)),  # out= of another shape is resized
        lambda t: t.new_zeros(3, 3).addmm_(t, t.T),
        lambda t: t.new_zeros(3, 4).copy_(t),
        lambda t: t.t_().contiguous(),
        lambda t: t.unsqueeze_(0).squeeze_(0),
        lambda t: t.scatter_add_(1, torch.ones(3, 1, dtype=torch.int64, device=t.device), t[:, :1]),
        lambda t: t.index_add_(0, torch.tensor([0, 0], device=t.device), t[1:].clone()),
        lambda t: t.masked_fill_(t > 0.5, 0.0),
        lambda t: (t[0].zero_(), t)[1],  # through a view
        lambda t: (t[:, [0, 2]], t.__setitem__((slice(None), 1), 5.0), t)[2],
        lambda t: (t.__setitem__(t > 0.5, t.new_zeros(())), t)[1],
        lambda t: torch.cat(list(t.split(2)) + list(t.chunk(3))),
        lambda t: t.topk(2).values + t.sort(descending=True)[0][:, :2],
        lambda t: torch.logsumexp(t.float(), 1, out=t.new_empty(3, dtype=torch.float32)).half(),
        lambda t: torch.func.vmap(torch.func.grad(lambda r: (r**3).sum()))(t),
        lambda t: torch.utils.checkpoint.checkpoint(lambda r: r * 2, t, use_reentrant=False),
        copy.deepcopy,
        lambda t: pickle.loads(pickle.dumps(t)),
    ],
)
def test_it_computes_what_the_cpu_does(change, x):
    assert same(change(x), change(numbers(3, 4)))


def test_numbers_come_out_on_request(x):
    c = numbers(3, 4)
    assert x.tolist() == c.tolist() and x[0, 0].item() == c[0, 0] and float(x[0, 0]) == c[0, 0]
    assert f"{x[0, 0]:.3f}" == f"{c[0, 0]:.3f}"
    assert repr(torch.tensor([1.0, 2.0], device=SIM)) == "tensor([1., 2.], device='sim:0')"
    assert repr(x * 2) == str(x * 2) and "device='sim:0', dtype=torch.float64)" in repr(x)
    assert repr(nn.Parameter(x[0, :1])).startswith("Parameter containing:\ntensor([")
    assert np.array_equal(x.numpy(force=True), c.numpy())
    assert type(c.copy_(x)) is torch.Tensor and c.device == CPU


def test_random_numbers_are_its_own_generator_s():
    for seed, draw in enumerate(
        [
            torch.rand,
            torch.randn,
            lambda n, **on: F.dropout(torch.ones(n, **on)),
            lambda n, **on: torch.randperm(n, **on),
        ]
    ):
        torch.manual_seed(seed)
        first = draw(9, device=SIM)
        untouched = torch.rand(3)
        torch.manual_seed(seed)
        assert torch.equal(torch.rand(3), untouched)  # the CPU's generator did not move
        torch.manual_seed(seed)
        assert same(first, draw(9))
    there, here = torch.Generator("sim").manual_seed(3), torch.Generator().manual_seed(3)
    assert there.device == SIM and isinstance(there, torch.Generator) and isinstance(here, torch.Generator)
    assert same(torch.rand(4, device=SIM, generator=there), torch.rand(4, generator=here))
    assert same(torch.zeros(4, device=SIM).normal_(generator=there), torch.zeros(4).normal_(generator=here))


def test_memory_is_counted_in_blocks():
    before = torch.accelerator.memory_allocated(SIM)
    a = torch.zeros(1000, device=SIM)
    assert torch.accelerator.memory_allocated() == before + 4096  # 4000 bytes, in blocks of 512
    b = a.reshape(10, 100).T  # a view is nothing new
    torch.accelerator.reset_peak_memory_stats()
    _ = (a + 1).add_(1) + a  # two at a time
    del _
    assert torch.accelerator.memory_allocated() == before + 4096
    assert torch.accelerator.max_memory_allocated() == before + 3 * 4096
    del a, b
    assert torch.accelerator.memory_allocated() == before
    y = torch.ones(1000, device=SIM)
    assert devices.peak_bytes(lambda: y + 1, SIM) == 4096


def test_events_measure_time():
    start, end = (torch.Event(SIM, enable_timing=True) for _ in range(2))
    with pytest.raises(RuntimeError, match="must be recorded"):
        start.elapsed_time(end)
    start.record()
    end.record()
    end.synchronize()
    assert end.query() and 0 <= start.elapsed_time(end) < 60_000
    with pytest.raises(RuntimeError, match="enable_timing=True"):
        torch.Event(SIM).elapsed_time(end)


class Halved(torch.autograd.Function):
    """A function of one's own that keeps its gradient from the forward pass, as a fused loss does."""

    @staticmethod
    def forward(ctx, z):
        slope = torch.empty_like(z)
        for rows, out in zip(z.split(2), slope.split(2), strict=True):
            torch.mul(rows, 0.5, out=out).sub_(rows.amax(dim=1, keepdim=True)).addcmul_(rows, rows)
        ctx.save_for_backward(slope)
        return slope.sum()

    @staticmethod
    def backward(ctx, upstream):
        (slope,) = ctx.saved_tensors
        return slope.mul_(upstream)


def test_autograd_works_and_gives_the_cpu_s_gradients():
    gradients = []
    for device in (SIM, CPU):
        z = numbers(4, 3).to(device).requires_grad_()
        target = torch.tensor([0, 2, 1, 1], device=device)
        (F.cross_entropy(z, target) + Halved.apply(z)).backward()
        gradients.append(z.grad)
        assert torch.autograd.gradcheck(lambda z, y=target: F.cross_entropy(z, y), z.detach().requires_grad_())
    assert same(*gradients)


@pytest.mark.parametrize(
    "optimizer", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.LBFGS], ids=lambda o: o.__name__
)
def test_training_gives_the_cpu_s_numbers(optimizer):
    ends = []
    for device in (SIM, CPU):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Dropout(0.25), nn.Linear(5, 3))
        steps = optimizer(model.parameters(), lr=0.1)  # made first: moving a model keeps its parameters
        model.to(device)
        torch.manual_seed(1)  # what follows is drawn on the device
        data = torch.utils.data.TensorDataset(numbers(8, 4).float().to(device), torch.arange(8, device=device) % 3)
        # a loader draws a seed; without a generator of its own, from the CPU's
        for batch in torch.utils.data.DataLoader(data, batch_size=4, generator=torch.Generator()):
            steps.step(partial(_loss_of, model, *batch))
        ends.append(model.state_dict())
    assert all(same(one, other) for one, other in zip(ends[0].values(), ends[1].values(), strict=True))


def _loss_of(model: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    model.zero_grad()
    loss = F.cross_entropy(model(inputs), labels)
    loss.backward()
    return loss


def test_the_course_s_training_gives_the_cpu_s_numbers():
    part = numbers(20, 4), torch.arange(20) % 3
    ends = []
    for device in (SIM, CPU):
        torch.manual_seed(0)
        model = nn.Linear(4, 3, dtype=torch.float64)
        history = training.train(model, part, part, F.cross_entropy, epochs=2, batch_size=8, device=device)
        ends.append((history.train, history.validation))
        assert model.weight.device == device
    assert ends[0] == ends[1]


def test_a_model_comes_back_from_a_file(tmp_path):
    model = nn.Linear(2, 2, device=SIM)
    torch.save(model.state_dict(), tmp_path / "model.pt")
    assert torch.equal(torch.load(tmp_path / "model.pt")["weight"], model.weight)
    twin = copy.deepcopy(model)
    assert isinstance(twin.weight, nn.Parameter) and twin.weight is not model.weight
    model.weight.data = torch.ones(2, 2, device=SIM)
    assert model.weight.sum() == 4


# ---- what it refuses, with CUDA's words ----

TWO = r"Expected all tensors to be on the same device, but "
FOUND = TWO + r"found at least two devices, sim:0 and cpu!"
CLASH = TWO + r"found at least two devices, cpu and sim:0!"
NUMPY = r"can't convert sim:0 device type tensor to numpy. Use Tensor.cpu\(\) to copy the tensor to host memory first."
INDEX = r"indices should be either on cpu or on the same device as the indexed tensor \(cpu\)"


@pytest.mark.parametrize(
    "attempt, error, words",
    [
        (lambda x, c: x + c, RuntimeError, FOUND),
        (lambda x, c: c * x, RuntimeError, CLASH),
        (lambda x, c: c.add_(x), RuntimeError, CLASH),
        (lambda x, c: x.add_(c), RuntimeError, FOUND),
        (lambda x, c: c + x.sum(), RuntimeError, CLASH),  # only the CPU's numbers may mix
        (lambda x, c: c.sum().add_(x.sum()), RuntimeError, CLASH),
        (lambda x, c: torch.exp(x, out=c), RuntimeError, FOUND),
        (lambda x, c: torch.where(c > 0, x, 0.0), RuntimeError, CLASH),
        (lambda x, c: x.__setitem__(x > 0, c[c > 0]), RuntimeError, FOUND),
        (lambda x, c: x @ c.T, RuntimeError, TWO + "got mat2 is on cpu, different from other tensors on sim:0"),
        (lambda x, c: F.linear(c, x), RuntimeError, TWO),
        (lambda x, c: torch.cat([x, c]), RuntimeError, TWO + "got tensors is on cpu"),
        (lambda x, c: torch.stack([x.sum(), c.sum()]), RuntimeError, TWO),
        (lambda x, c: F.cross_entropy(x, torch.tensor([0, 1, 2])), RuntimeError, TWO + "got target is on cpu"),
        (lambda x, c: F.cross_entropy(x[0], torch.tensor(0)), RuntimeError, TWO + "got target is on cpu"),
        (lambda x, c: F.cross_entropy(x, x.argmax(1), weight=torch.ones(4).double()), RuntimeError, TWO),
        (lambda x, c: F.binary_cross_entropy_with_logits(x, c), RuntimeError, TWO),
        (lambda x, c: x.gather(1, torch.zeros(3, 1, dtype=torch.int64)), RuntimeError, TWO + "got index is on cpu"),
        (lambda x, c: x.index_select(0, torch.tensor([0])), RuntimeError, TWO + "got index is on cpu"),
        (lambda x, c: F.embedding(torch.tensor([0]), x), RuntimeError, TWO),
        (lambda x, c: c[torch.tensor([0], device=SIM)], RuntimeError, INDEX),
        (lambda x, c: c[x > 0], RuntimeError, INDEX),
        (lambda x, c: c.__setitem__(x > 0, 0.0), RuntimeError, INDEX),
        (lambda x, c: x.numpy(), TypeError, NUMPY),
        (lambda x, c: np.asarray(x), TypeError, NUMPY),
        (lambda x, c: np.sqrt(x), TypeError, NUMPY),
        (lambda x, c: np.array([x[0, 0], x[0, 1]]), TypeError, NUMPY),
        (lambda x, c: np.allclose(x, c), TypeError, NUMPY),
        (lambda x, c: np.from_dlpack(x), RuntimeError, "Unsupported device in DLTensor"),
        (
            lambda x, c: torch.rand(2, device=SIM, generator=torch.Generator()),
            RuntimeError,
            "Expected a 'sim' device type for generator but found 'cpu'",
        ),
        (lambda x, c: torch.zeros(1, device="sim:1"), RuntimeError, "invalid device ordinal"),
        (lambda x, c: nn.Linear(4, 2, dtype=x.dtype)(x), RuntimeError, TWO),
    ],
)
def test_it_refuses_what_cuda_refuses(attempt, error, words, x):
    with pytest.raises(error, match=words):
        attempt(x, numbers(3, 4))


@pytest.mark.parametrize(
    "attempt",
    [
        lambda x, c: x + torch.tensor(1.0),
        lambda x, c: torch.tensor(2.0) * x,
        lambda x, c: torch.where(x > 0, torch.tensor(0.0).double(), x),
        lambda x, c: x.masked_fill(x > 0, torch.tensor(1.0)),
        lambda x, c: x[torch.tensor([0, 2])],
        lambda x, c: x[c > 0.5],
        lambda x, c: (x.__setitem__(0, c[0]), x)[1],
        lambda x, c: (x.__setitem__(x > 0, torch.tensor(1.0).double()), x)[1],
    ],
)
def test_it_allows_what_cuda_allows(attempt, x):
    c = numbers(3, 4)
    assert same(attempt(x, c), attempt(c.clone(), c))


# ---- mistakes with devices are caught: in helpers ----

# Module, function, the right text and the mistake.
MISTAKES = [
    ("calibration", "reliability", "dtype=wide.dtype, device=device(wide))", "dtype=wide.dtype)"),
    ("losses", "one_hot", "xp.arange(num_classes, device=device(index))", "xp.arange(num_classes)"),
    ("gradients", "softmax_jacobian", "dtype=p.dtype, device=device(p))", "dtype=p.dtype)"),
    ("training", "evaluate", "(decisions == labels).sum()", "(decisions.numpy() == labels.numpy()).sum()"),
    ("training", "evaluate", "_beside(yb, model)", "yb"),  # labels, the index into the logits, stay where they were
    ("training", "train", "(tensor.to(device) for tensor in train_part)", "train_part"),
    ("replicas", "accuracy", ".double().mean(dim=-1)", ".double().cpu().mean(dim=-1)"),
]


def helper(module: str, tmp_path, right: str = "", mistake: str = "") -> object:
    """A copy of a helper's module, with a mistake in it."""
    text = (ROOT / "xent_helpers" / f"{module}.py").read_text(encoding="utf-8")
    assert right in text
    path = tmp_path / f"planted_{module}.py"
    path.write_text(text.replace(right, mistake) if right else text, encoding="utf-8")
    spec = util.spec_from_file_location(path.stem, path)
    planted = util.module_from_spec(spec)
    sys.modules[path.stem] = planted  # dataclasses look there
    spec.loader.exec_module(planted)
    return planted


def judged(module: str, function: str, planted: object, device: torch.device) -> None:
    name = f"{module}.{function}"
    inputs = functions.Inputs(partial(functions.tensor, device), torch.float64, torch.int64)
    functions.judge_result(
        name, (functions.STANDARD | functions.TORCH)[name](getattr(planted, function), inputs), inputs
    )


@pytest.mark.parametrize("module, function, right, mistake", MISTAKES)
def test_a_mistake_in_a_helper_is_caught(module, function, right, mistake, tmp_path):
    judged(module, function, helper(module, tmp_path), SIM)
    planted = helper(module, tmp_path, right, mistake)
    judged(module, function, planted, CPU)  # on the CPU alone nobody would see it
    with pytest.raises((RuntimeError, TypeError, ValueError, AssertionError)):
        judged(module, function, planted, SIM)


# ---- and in notebooks ----

CELLS = {
    "imports": "import torch\nfrom xent_helpers import devices",
    "right": "for device in devices.available():\n    print(f'{device}  {torch.arange(3, device=device).sum()}')",
    "asks": "for device in devices.accelerators('a sum'):\n    print(f'{device}  {torch.ones(3).to(device).sum()}')",
    "no device": "for device in devices.available():\n    z = torch.ones(3, device=device) + torch.zeros(3)",
    "numpy": "for device in devices.available():\n    z = torch.ones(3, device=device).numpy()",
    "index": "for device in devices.available():\n    z = torch.ones(3)[torch.arange(2, device=device)]",
    "text": "print('the sum on', len(devices.available()), 'devices')",
    "row": "for device in devices.available():\n    print(f'on {device}: 3')",
    "no name": "for device in devices.available():\n    print(3)",
}


def test_a_mistake_in_a_notebook_is_caught(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "tests" / "notebooks").mkdir(parents=True)
    for name in ("conftest.py", "pyproject.toml", "tests/notebooks/sanitize.cfg"):
        shutil.copy(ROOT / name, tmp_path / name)
    path = tmp_path / "notebooks" / "01_first.ipynb"
    nbformat.write(
        new_notebook(cells=[new_code_cell(source, id=f"c{i}") for i, source in enumerate(CELLS.values())]), path
    )
    here = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])}
    alone = here | {"TORCH_DEVICE_BACKEND_AUTOLOAD": "0"}  # a machine without an accelerator stores the outputs
    store = [sys.executable, "-m", "tools.execute_notebooks", str(path)]
    subprocess.run(store, cwd=ROOT, env=alone, check=True, capture_output=True, timeout=240)
    command = [sys.executable, "-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider", "notebooks"]
    done = {
        name: subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=240)
        for name, env in {"alone": alone, "beside": here}.items()
    }
    assert done["alone"].returncode == 0, done["alone"].stdout
    shown = done["beside"].stdout
    failed = [list(CELLS)[int(number)] for number in re.findall(r"FAILED notebooks/01_first.ipynb::Cell (\d+)", shown)]
    assert failed == ["no device", "numpy", "index", "text", "row", "no name"], shown
    for words in ("found at least two devices, sim:0 and cpu", "Use Tensor.cpu() to copy", "indices should be either"):
        assert words in shown


def test_processes_that_helpers_start_find_it_too():
    assert devices.last_words("import torch; raise ValueError(torch.zeros(1, device=device).device)", SIM) == (
        "ValueError: sim:0"
    )
