"""Watch a loss at work: which of PyTorch's losses it calls inside, with what, and what it returns.

``F.cross_entropy`` sees the same arguments whether a module, a function, a ``partial`` or a loss of your own calls it.
So the checks look at these inner calls.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from xent_helpers import losses

LOSSES = {  # PyTorch's function: the kind by which checks are chosen, the name people know
    F.cross_entropy: ("cross_entropy", "CrossEntropyLoss"),
    F.nll_loss: ("nll_loss", "NLLLoss"),
    F.binary_cross_entropy_with_logits: ("bce_with_logits", "BCEWithLogitsLoss"),
    F.binary_cross_entropy: ("bce", "BCELoss"),
    F.kl_div: ("kl_div", "KLDivLoss"),
    F.mse_loss: ("regression", "MSELoss"),
    F.l1_loss: ("regression", "L1Loss"),
    F.smooth_l1_loss: ("regression", "SmoothL1Loss"),
    F.huber_loss: ("regression", "HuberLoss"),
    F.poisson_nll_loss: ("poisson", "PoissonNLLLoss"),
    F.gaussian_nll_loss: ("gaussian", "GaussianNLLLoss"),
    F.soft_margin_loss: ("signs", "SoftMarginLoss"),
    F.hinge_embedding_loss: ("signs", "HingeEmbeddingLoss"),
    F.margin_ranking_loss: ("signs", "MarginRankingLoss"),
    F.cosine_embedding_loss: ("signs", "CosineEmbeddingLoss"),
    F.multilabel_soft_margin_loss: ("several", "MultiLabelSoftMarginLoss"),
    F.multilabel_margin_loss: ("multilabel_margin", "MultiLabelMarginLoss"),
    F.multi_margin_loss: ("multi_margin", "MultiMarginLoss"),
    F.triplet_margin_loss: ("triplet", "TripletMarginLoss"),
    F.ctc_loss: ("ctc", "CTCLoss"),
}
FUNCTIONS = {name: function for function, (_, name) in LOSSES.items()}
OURS = {  # the course's own functions do the same, on any array
    losses.cross_entropy: F.cross_entropy,
    losses.nll_loss: F.nll_loss,
    losses.binary_cross_entropy_with_logits: F.binary_cross_entropy_with_logits,
    losses.binary_cross_entropy: F.binary_cross_entropy,
}
OUTPUTS, TARGETS = ("input", "input1", "anchor", "log_probs"), ("target", "targets", "positive")
LABELS, BINARY = ("cross_entropy", "nll_loss"), ("bce", "bce_with_logits")
HALVES = (torch.float16, torch.bfloat16)
# What moves or views numbers without changing them; a softmax behind it is still the last operation that matters.
MOVES = ("Transpose", "Permute", "Movedim", "TBackward")
CARRIERS = (*MOVES, "View", "Alias", "Unsafe", "Reshape", "Squeeze", "Unsqueeze", "ToCopy", "Clone", "Select", "Slice")
CARRIERS += ("Contiguous", "Index")


@dataclass
class Case:
    """One call of a loss as the checks see it: its kind, arguments, and value or error."""

    kind: str
    z: Tensor  # what the loss is given as its prediction
    y: Tensor
    options: dict = field(default_factory=dict)
    name: str = "the loss"
    value: object = None
    error: Exception | None = None
    stretched: tuple | None = None  # the shapes (N, 1) and (N,) of two arrays that an operation stretched to (N, N)

    @cached_property
    def classes(self) -> int:
        return self.z.shape[1] if self.z.ndim > 1 else max(self.z.numel(), 1)

    @cached_property
    def soft(self) -> bool:
        """Whether the target holds class probabilities."""
        return self.y.is_floating_point() and self.y.shape == self.z.shape

    @cached_property
    def rows(self) -> Tensor:
        """The prediction as rows (M, C), a row for each label, detached."""
        z = self.z.detach()
        return z[None] if z.ndim == 1 else z.movedim(1, -1).reshape(-1, z.shape[1])

    @cached_property
    def sample(self) -> Tensor:
        """At most some 512 of the rows, in float32 or wider. They show what kind of numbers there are."""
        rows = self.rows[:: max(1, len(self.rows) // 512)]
        return rows.float() if rows.dtype in HALVES or not rows.is_floating_point() else rows

    @cached_property
    def labels(self) -> Tensor:
        """The labels in a row, those of CTCLoss without what fills up (N, S)."""
        y = self.y.detach()
        if self.kind != "ctc" or y.ndim != 2:
            return y.reshape(-1)
        lengths = torch.as_tensor(self.options["target_lengths"], device=y.device).reshape(-1, 1)
        return y[torch.arange(y.shape[1], device=y.device) < lengths] if len(lengths) == len(y) else y[:0].flatten()

    @cached_property
    def kept(self) -> Tensor:
        """Which labels count."""
        return self.labels != self.options.get("ignore_index", -100)

    @cached_property
    def operations(self) -> list[str]:
        """The last operations that made the prediction, such as ["Softmax", "Relu"]; empty where they are unknown."""
        return operations(self.z)

    @cached_property
    def origin(self) -> str:
        return self.operations[0] if self.operations else ""

    def each(self, step: int = 1) -> Tensor:
        """The loss of every ``step``-th kept label, unweighted, in float32 or wider."""
        z = self.rows[::step]
        z = z.float() if z.dtype in HALVES else z
        if self.soft:
            target = Case(self.kind, self.y, self.y).rows[::step].to(z.dtype)
            return FUNCTIONS[self.name](z, target, reduction="none")
        kept = self.kept[::step]
        return FUNCTIONS[self.name](z[kept], self.labels[::step][kept], reduction="none")

    @cached_property
    def gradient(self) -> Tensor | None:
        """The slope of the value in the prediction, None where nothing leads back to it."""
        if not (isinstance(self.value, Tensor) and self.value.requires_grad and self.z.requires_grad):
            return None
        return torch.autograd.grad(self.value.sum(), self.z, retain_graph=True, allow_unused=True)[0]


class _Watch(TorchFunctionMode):
    """Note each call of a known loss. What would bring a GPU down is refused with the CPU's words before it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.cases: list[Case] = []
        self.stretched: tuple | None = None

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        case = _case(func, args, kwargs) if func in LOSSES else None
        if case is None:
            shapes = {tuple(one.shape) for one in args if isinstance(one, Tensor)}
            if len(shapes) == 2 and max(shapes, key=len) == (*min(shapes, key=len), 1) and min(map(len, shapes)) == 1:
                self.stretched = tuple(sorted(shapes, key=len, reverse=True))
            return func(*args, **kwargs)
        self.cases.append(case)
        try:
            refuse_on_the_cpu(case)
            case.value = func(*args, **kwargs)
        except Exception as error:
            case.error = error
            raise
        return case.value


def _case(func, args, kwargs) -> Case | None:
    try:
        given = dict(inspect.signature(func).bind(*args, **kwargs).arguments)
    except TypeError:
        return None
    z, y = (next((given.pop(name) for name in names if name in given), None) for names in (OUTPUTS, TARGETS))
    left_out = {"weight", "pos_weight"} - {key for key, value in given.items() if value is not None}
    options = {key: value for key, value in given.items() if key not in left_out | {"size_average", "reduce"}}
    return Case(LOSSES[func][0], z, y, options, LOSSES[func][1])


def refuse_on_the_cpu(case: Case) -> None:
    """Raise what the CPU raises: on a GPU a label out of range ends the whole process, in CTCLoss on a CPU too."""
    if not isinstance(case.z, Tensor) or not isinstance(case.y, Tensor):
        return
    if case.kind == "ctc" and bool((wrong := (case.labels < 0) | (case.labels >= case.z.shape[-1])).any()):
        raise IndexError(f"Target {int(case.labels[wrong][0])} is out of bounds.")
    if case.z.device.type == "cpu":
        return
    if case.kind in LABELS and not case.y.is_floating_point():
        wrong = (case.y < 0) | (case.y >= case.classes)
        wrong &= case.y != case.options.get("ignore_index", -100)
        if wrong.any():
            raise IndexError(f"Target {int(case.y[wrong][0])} is out of bounds.")
    if case.kind == "bce" and not ((case.z >= 0) & (case.z <= 1)).all():
        raise RuntimeError("all elements of input should be between 0 and 1")


def mapped(function: Callable, nested: object) -> object:
    """Apply ``function`` to every tensor in dictionaries, tuples and lists; other things stay as they are."""
    if isinstance(nested, Tensor):
        return function(nested)
    if type(nested) is dict:
        return {key: mapped(function, part) for key, part in nested.items()}
    return type(nested)(mapped(function, part) for part in nested) if type(nested) in (tuple, list) else nested


def tensors(nested: object) -> list[Tensor]:
    """All tensors in dictionaries, tuples and lists."""
    held: list[Tensor] = []
    mapped(held.append, nested)
    return held


def observe(loss_fn: Callable, output: object, target: object, **options: object) -> tuple[Case, list[Case]]:
    """Call the loss once, random numbers restored; return the outer call and PyTorch's losses that it called.

    The prediction is replaced by a twin on which the slope can be read off: the caller's ``.grad`` stays as it is.
    """
    loss_fn, (output, target) = _as_torch(loss_fn, output, target)
    output = mapped(_twin, output)
    outer, watch = Case("other", output, target, options), _Watch()
    try:
        with torch.enable_grad(), watch:
            outer.value = loss_fn(output, target, **options)
    except Exception as error:  # whatever the loss says is what the reader wants explained
        outer.error = error
    outer.stretched = watch.stretched
    return outer, watch.cases


def _twin(output: Tensor) -> Tensor:
    if not output.is_floating_point():
        return output
    return output.view_as(output) if output.requires_grad else output.detach().requires_grad_()


def _as_torch(loss_fn, *arrays):
    """The course's losses by PyTorch's names, and arrays as tensors; nothing else is converted."""
    inner = loss_fn.func if isinstance(loss_fn, partial) else loss_fn
    if inner not in OURS:
        return loss_fn, arrays
    twin = partial(_like_ours, OURS[inner])
    if isinstance(loss_fn, partial):
        twin = partial(twin, *loss_fn.args, **loss_fn.keywords)
    return twin, [torch.as_tensor(array) for array in arrays]


def _like_ours(function, z, y, **options):
    """Ours takes every integer type as labels, bool apart, and every float type as weights."""
    if function in (F.cross_entropy, F.nll_loss) and not y.is_floating_point() and y.dtype != torch.bool:
        y = y.long()
    options = {key: torch.as_tensor(value).to(z.dtype) if "weight" in key else value for key, value in options.items()}
    return function(z, y, **options)


def operations(z: Tensor, count: int = 2) -> list[str]:
    """The names of the last operations that made ``z``, views and casts left out; as far as autograd knows them.

    Example:
        >>> operations(torch.zeros(2, 3, requires_grad=True).relu().softmax(1)[:, :2])
        ['Softmax', 'Relu']
    """
    names, node = [], z.grad_fn
    while node is not None and len(names) < count:
        if not node.name().startswith(CARRIERS) and node.next_functions:  # a leaf has none
            names.append(node.name().partition("Backward")[0])
        node = node.next_functions[0][0] if node.next_functions else None
    return names


def subject(loss_fn: Callable, output: object, target: object) -> str:
    """Name the loss and the shapes and types of its arguments."""
    inner = loss_fn.func if isinstance(loss_fn, partial) else loss_fn
    name = type(inner).__name__ if isinstance(inner, nn.Module) else getattr(inner, "__name__", "the loss")
    return f"{name}: output {_described(output)}, target {_described(target)}"


def _described(array: object) -> str:
    if not hasattr(array, "shape"):
        return type(array).__name__
    return f"{tuple(array.shape)} {str(array.dtype).removeprefix('torch.')}"
