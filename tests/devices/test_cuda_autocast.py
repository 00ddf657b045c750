"""Which types CUDA's autocast chooses for the losses: PyTorch's dispatcher is asked, with tensors that hold no data."""

import pytest
import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode


class Recorder(TorchDispatchMode):
    """Notes the type that each operation returns."""

    def __init__(self):
        super().__init__()
        self.types = {}

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        first = result[0] if isinstance(result, (tuple, list)) else result
        if isinstance(first, torch.Tensor):
            self.types[operation.overloadpacket.__name__] = first.dtype
        return result


@pytest.fixture(params=[torch.float16, torch.bfloat16], ids=str)
def half(request):
    """The half type, with CUDA's autocast on and tensors that need no card."""
    before = torch.get_autocast_dtype("cuda")
    torch.set_autocast_dtype("cuda", request.param)
    torch.set_autocast_enabled("cuda", True)  # `torch.autocast` itself refuses where there is no card
    try:
        with FakeTensorMode():
            yield request.param
    finally:
        torch.set_autocast_enabled("cuda", False)
        torch.set_autocast_dtype("cuda", before)


def inputs(dtype):
    """Logits (5, 3), class labels (5,) and targets (5, 3)."""
    logits = torch.empty(5, 3, dtype=dtype, device="cuda")
    return logits, torch.empty(5, dtype=torch.long, device="cuda"), torch.empty(5, 3, device="cuda")


def test_a_linear_layer_returns_the_half_type(half):
    x, weight = torch.empty(5, 4, device="cuda"), torch.empty(3, 4, device="cuda")
    assert F.linear(x, weight).dtype == half


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax])
def test_a_softmax_returns_float32(half, function):
    assert function(inputs(half)[0], dim=1).dtype == torch.float32


@pytest.mark.parametrize("kind", ["labels", "smoothed labels", "probabilities"])
def test_cross_entropy_keeps_the_type_of_the_logits_up_to_its_mean(half, kind):
    logits, labels, rows = inputs(half)
    target = rows if kind == "probabilities" else labels
    smoothing = 0.1 if kind == "smoothed labels" else 0.0
    for given in (logits, logits.float()):
        with Recorder() as recorder:
            loss = F.cross_entropy(given, target, label_smoothing=smoothing)
        assert recorder.types["_log_softmax"] == given.dtype
        assert loss.dtype == torch.float32


def test_other_losses_of_logits_are_computed_in_float32(half):
    logits, labels, rows = inputs(half)
    with Recorder() as recorder:
        losses = F.nll_loss(logits, labels), F.binary_cross_entropy_with_logits(logits, rows)
    assert [loss.dtype for loss in losses] == [torch.float32, torch.float32]
    assert recorder.types["_to_copy"] == torch.float32  # their inputs are converted


def test_bce_of_probabilities_is_refused(half):
    logits, _, rows = inputs(half)
    with pytest.raises(RuntimeError, match="unsafe to autocast"):
        F.binary_cross_entropy(logits, rows)
