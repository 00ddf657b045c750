"""What is refused, and with which sentence.

Every check names the argument, what it is, what was expected and the usual remedy. A check reads at most one boolean
back from the device; it moves nothing and changes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf, prod
from numbers import Integral, Real
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj, is_torch_array

from xent_helpers.sums import Array, total, widened

REDUCTIONS = ("none", "mean", "sum")

_reads_values: ContextVar[bool] = ContextVar("reads_values", default=True)


@contextmanager
def trusted_values() -> Iterator[None]:
    """Within the block, check types and shapes but no value: labels and probabilities are taken to lie in their range.

    To check a value is to read a boolean back from the device, and a GPU must finish all that is queued first. Use the
    block around a training loop whose labels have been checked once; a wrong label in it gives whatever the device
    makes of it, as in PyTorch.

    Example:
        >>> import torch
        >>> from xent_helpers.losses import cross_entropy
        >>> with trusted_values():
        ...     print(cross_entropy(torch.tensor([[0.0, 0.0]]), torch.tensor([1])))
        tensor(0.6931)
    """
    token = _reads_values.set(False)
    try:
        yield
    finally:
        _reads_values.reset(token)


def reads_values() -> bool:
    """Whether checks may read values back from the device: everywhere but in ``trusted_values``."""
    return _reads_values.get()


def any_true(bad: Array) -> bool:
    """Whether an entry is True, as far as checks may read values; of all samples, where torch.func.vmap splits them."""
    return _reads_values.get() and bool(array_namespace(bad).any(_inside(bad)))


def check_arrays(*, weight: Array | None = None, pos_weight: Array | None = None, **arrays: Array) -> Any:
    """Return the one array library behind ``arrays``, the gate of every public function. Only the weights may be None.

    Raises:
        TypeError: something is no array, or one without plain numbers (masked, sparse, nested, quantised, on meta …);
            or the arrays come from different libraries.
        ValueError: the arrays lie on different devices.
    """
    weights = {"weight": weight, "pos_weight": pos_weight}
    given = arrays | {name: array for name, array in weights.items() if array is not None}
    for name, array in given.items():
        if not is_array_api_obj(array):
            raise TypeError(
                f"{name} is of type {type(array).__name__}, expected an array: "
                f"make one of it with np.asarray({name}) or torch.tensor({name})."
            )
        for kind, remedy in _odd(array):
            raise TypeError(f"{name} is {kind}, expected an array of plain numbers: {remedy.format(name=name)}.")
    (first, leader), *others = given.items()
    for name, array in others:
        ours, theirs = array_namespace(leader), array_namespace(array)
        if ours is not theirs:
            raise TypeError(
                f"{first} is from {_library(leader)} and {name} from {_library(array)}, expected one array library "
                f"for both: convert one of them, e.g. with torch.from_numpy or with .numpy()."
            )
        if device(leader) != device(array):
            raise ValueError(
                f"{first} is on device {device(leader)} and {name} on device {device(array)}, expected one device "
                f"for both: move one of them, e.g. {name}.to({first}.device)."
            )
    return array_namespace(leader)


def check_tensors(**arrays: Array) -> None:
    """Refuse what ``check_arrays`` and ``check_readable`` refuse, and other arrays than tensors, with a TypeError."""
    check_arrays(**arrays)
    check_readable(**arrays)
    name, first = next(iter(arrays.items()))
    if not is_torch_array(first):
        raise TypeError(
            f"{name} is from {_library(first)}, expected a torch tensor: convert it, e.g. torch.from_numpy({name})."
        )


def check_readable(**arrays: Array) -> None:
    """Refuse what torch.func (vmap, grad, jacrev, …) stands in place of a tensor, with a TypeError."""
    for name, array in arrays.items():
        if _inside(array) is not array:
            raise TypeError(
                f"{name} is within a transform of torch.func (vmap, grad, …), expected a tensor of its own: call this "
                f"function outside of it; the functions of xent_helpers.losses can be called within."
            )


def check_floating(**arrays: Array | None) -> None:
    """Refuse arrays that are not real floating point of 16 bits or more, with a TypeError."""
    for name, array in arrays.items():
        if array is None:
            continue
        real = array_namespace(array).isdtype(array.dtype, "real floating")
        if not real or getattr(array.dtype, "itemsize", 2) < 2:  # float8 is for storage: nothing computes with it
            raise TypeError(
                f"{name} has dtype {_dtype(array)}, expected a floating type{' of 16 bits or more' * real}: "
                f"convert it, e.g. {_converted(array, name, 'floating')}."
            )


def check_reduction(reduction: str) -> None:
    """Refuse a reduction other than 'none', 'mean' and 'sum', with a ValueError."""
    if not (isinstance(reduction, str) and reduction in REDUCTIONS):
        raise ValueError(f"reduction is {reduction!r}, expected one of 'none', 'mean', 'sum': check the spelling.")


def check_integer(name: str, value: Any) -> int:
    """Return a whole number as an int; refuse anything else with a TypeError."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}, expected a whole number: pass an int.")
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{name} is {value}, expected a whole number of 64 bits: no array holds a larger one.")
    return int(value)


def check_number(name: str, value: Any, remedy: str, zero: bool = False) -> float:
    """Return a plain number as a float; refuse one that is not positive (or, if so told, 0) and finite."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}, expected a positive number: pass a float.")
    if not (0 < value < inf or (zero and value == 0)):
        raise ValueError(f"{name} is {value!r}, expected a positive number that is not infinite: {remedy}.")
    return float(value)


def check_fraction(name: str, value: Any) -> float:
    """Return a plain number as a float; refuse one outside [0, 1] (ValueError) and anything else (TypeError)."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}, expected a number from 0 to 1: pass a float.")
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value!r}, expected a number from 0 to 1: usual values are 0 and 0.1.")
    return float(value)


def check_axis(name: str, x: Array, axis: Any) -> int:
    """Return ``axis`` as an int; refuse one that ``x`` has not (IndexError), and one without entries (ValueError)."""
    axis = check_integer("axis", axis)
    if x.ndim == 0:
        raise IndexError(f"{name} is a single number, expected an array with at least one axis: give it one.")
    if not -x.ndim <= axis < x.ndim:
        raise IndexError(
            f"axis is {axis}, expected {-x.ndim} to {x.ndim - 1} for {name} of shape {_shape(x)}: "
            f"count axes from 0, or from −1 backwards."
        )
    if x.shape[axis] == 0:
        raise ValueError(
            f"{name} has shape {_shape(x)}, expected at least one entry on axis {axis}: there must be one class or "
            f"more."
        )
    return axis


def check_same_shape(name: str, array: Array, other_name: str, other: Array) -> None:
    """Refuse two arrays of different shapes, with a ValueError; nothing is broadcast silently."""
    ours, theirs = _shape(array), _shape(other)
    if ours != theirs:
        remedy = "one prediction needs exactly one target"
        if ours in (theirs + (1,), (1,) + theirs) or theirs in (ours + (1,), (1,) + ours):
            remedy = f"drop or add the axis of length 1, e.g. {other_name}.reshape({name}.shape)"
        raise ValueError(
            f"{other_name} has shape {theirs} and {name} has shape {ours}, expected the same for both: {remedy}."
        )


def check_probabilities(name: str, p: Array, remedy: str) -> None:
    """Refuse entries outside [0, 1], NaN among them, with a ValueError."""
    refuse_entries(name, p, ~((p >= 0) & (p <= 1)), f"probabilities from 0 to 1: {remedy}")


def refuse_entries(name: str, array: Array, bad: Array, expected: str, error: type[Exception] = ValueError) -> None:
    """Refuse an array that holds a ``bad`` entry, in the sentence "… holds …, expected …"."""
    if any_true(bad):
        raise error(f"{name} holds {_first(array, bad)}, expected {expected}.")


def check_labels(name: str, labels: Array, num_classes: int, kept: Array | None = None) -> None:
    """Refuse labels outside 0 … num_classes − 1, among those that are ``kept`` or all, with an IndexError."""
    values = as_int64(labels)
    bad = (values < 0) | (values >= num_classes)
    remedy = "count classes from 0"
    if kept is not None:
        bad = bad & kept
        remedy += ", or mark the entries to leave out with ignore_index"
    expected = f"labels from 0 to {num_classes - 1}, as there are {num_classes} classes: {remedy}"
    refuse_entries(name, labels, bad, expected, IndexError)


def labels_fit(labels: Array, num_classes: int) -> bool:
    """Whether all int64 ``labels`` are known to lie within 0 … num_classes − 1."""
    return _reads_values.get() and not any_true((labels < 0) | (labels >= num_classes))


def as_int64(labels: Array) -> Array:
    """Cast whole numbers to int64; unsigned ones that it cannot hold become its largest, so that none wraps around."""
    xp = array_namespace(labels)
    values = xp.astype(labels, xp.int64)
    if not xp.isdtype(labels.dtype, "unsigned integer"):
        return values
    return xp.where(values < 0, xp.iinfo(xp.int64).max, values)


def check_num_classes(num_classes: Any) -> int:
    """Return the number of classes as an int; refuse fewer than one (ValueError) and anything else (TypeError)."""
    if not 1 <= check_integer("num_classes", num_classes) < 2**31:
        least = "at least 1" if num_classes < 1 else "less than 2^31"
        raise ValueError(f"num_classes is {num_classes}, expected {least}: pass the number of different labels.")
    return int(num_classes)


def check_positive(name: str, value: Any) -> int:
    """Return a whole number of at least 1 as an int; refuse less (ValueError) and anything else (TypeError)."""
    if check_integer(name, value) < 1:
        raise ValueError(f"{name} is {value}, expected at least 1: leave it out to get the usual one.")
    return int(value)


def check_samples(name: str, labels: Array) -> None:
    """Refuse labels that are not one a sample for at least one sample, with a ValueError."""
    if labels.ndim != 1 or labels.shape[0] == 0:
        raise ValueError(
            f"{name} has shape {_shape(labels)}, expected (N,) with at least one sample: "
            f"flatten it with {name}.reshape(-1), and see that it is not empty."
        )


def check_weight(weight: Array | None, num_classes: int) -> None:
    """Refuse class weights that are not one floating number for each class, with a ValueError."""
    check_floating(weight=weight)
    if weight is not None and _shape(weight) != (num_classes,):
        raise ValueError(
            f"weight has shape {_shape(weight)}, expected ({num_classes},), one weight for each class: "
            f"to weigh samples instead, use reduction='none' and average yourself."
        )


def check_broadcast(name: str, array: Array | None, shape: tuple[int, ...]) -> None:
    """Refuse weights that do not broadcast to ``shape``, with a ValueError."""
    check_floating(**{name: array})
    if array is None:
        return
    try:
        fits = np.broadcast_shapes(_shape(array), shape) == tuple(shape)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{name} has shape {_shape(array)}, expected one that broadcasts to the losses' shape {tuple(shape)}: "
            f"give one number for each entry, or for each entry of the last axis."
        )


def check_class_scores(name: str, scores: Array) -> int:
    """Return the number of classes of (N, C, …) or (C,) floating ``scores``; refuse anything else."""
    check_floating(**{name: scores})
    if scores.ndim == 0:
        raise ValueError(f"{name} is a single number, expected shape (C,), (N, C) or (N, C, d1, …): add a class axis.")
    return scores.shape[check_axis(name, scores, min(1, scores.ndim - 1))]


def check_class_target(name: str, scores: Array, target: Array, allow_probabilities: bool) -> bool:
    """Return whether ``target`` holds class indices (True) or class probabilities (False).

    Raises:
        TypeError: the target's type is neither integer nor (where allowed) floating.
        ValueError: its shape is not the one that its type asks for.
    """
    xp = array_namespace(scores)
    if xp.isdtype(target.dtype, "integral"):
        _check_index_shape(name, scores, target)
        return True
    if not allow_probabilities or not xp.isdtype(target.dtype, "real floating"):
        kinds = "an integer type for class indices"
        kinds += ", or a floating type for class probabilities" if allow_probabilities else ""
        raise TypeError(
            f"target has dtype {_dtype(target)}, expected {kinds}: convert it, e.g. {_converted(target, 'target')}."
        )
    if _shape(target) != _shape(scores):
        raise ValueError(
            f"target is a {_dtype(target)} array of shape {_shape(target)}, expected the shape {_shape(scores)} of "
            f"{name}, "
            f"as floating targets are class probabilities: if these are labels, use {_converted(target, 'target')}."
        )
    return False


def check_soft_target(target: Array, ignore_index: int) -> None:
    """Refuse class probabilities outside [0, 1], and a class index to ignore among them, with a ValueError."""
    check_probabilities("target", target, "a row of class probabilities sums to 1")
    if ignore_index >= 0:
        raise ValueError(
            f"ignore_index is {ignore_index}, expected none with class probabilities as target: "
            f"leave those samples out before the loss, e.g. logits[keep], target[keep]."
        )


def check_index_type(name: str, index: Array) -> None:
    """Refuse class indices that are not of an integer type, with a TypeError."""
    if not array_namespace(index).isdtype(index.dtype, "integral"):
        raise TypeError(
            f"{name} has dtype {_dtype(index)}, expected an integer type: convert it, e.g. {_converted(index, name)}."
        )


def check_linear_model(x: Array, weights: Array, outputs: bool) -> None:
    """Refuse features that are not (N, D) with N > 0, and weights that are not (D, C) (``outputs``) or (D,)."""
    check_floating(x=x, weights=weights)
    if x.ndim != 2 or x.shape[0] == 0:
        raise ValueError(
            f"x has shape {_shape(x)}, expected (N, D) with at least one sample: a single sample is x.reshape(1, -1)."
        )
    features = x.shape[1]
    if weights.ndim != (2 if outputs else 1) or weights.shape[0] != features:
        expected = f"({features}, C), one column for each class" if outputs else f"({features},)"
        raise ValueError(
            f"weights has shape {_shape(weights)}, expected {expected} for x of shape {_shape(x)}: "
            f"give it one row for each feature, the column of ones included."
        )


def check_linear_layer(x: Array, weight: Array, bias: Array | None) -> int:
    """Return the number of classes of a layer: ``x`` (N, D) or (D,), ``weight`` (C, D), ``bias`` (C,), of one type.

    Raises:
        TypeError: one of them is not floating, or not of the type of ``x``.
        ValueError: a shape does not fit.
    """
    check_floating(x=x, weight=weight, bias=bias)
    if x.ndim not in (1, 2):
        raise ValueError(f"x has shape {_shape(x)}, expected (N, D) or (D,): flatten it, e.g. x.reshape(-1, D).")
    if weight.ndim != 2 or weight.shape[0] == 0 or weight.shape[1] != x.shape[-1]:
        raise ValueError(
            f"weight has shape {_shape(weight)}, expected (C, {x.shape[-1]}) for x of shape {_shape(x)}: "
            f"give it one row for each class, as torch.nn.Linear does."
        )
    if bias is not None and _shape(bias) != (weight.shape[0],):
        raise ValueError(
            f"bias has shape {_shape(bias)}, expected ({weight.shape[0]},) for weight of shape {_shape(weight)}: "
            f"give it one number for each class."
        )
    for name, array in {"weight": weight, "bias": bias}.items():
        if array is not None and array.dtype != x.dtype:
            raise TypeError(
                f"{name} has dtype {_dtype(array)} and x has dtype {_dtype(x)}, expected the same for both: "
                f"convert one of them, e.g. {name}.to(x.dtype)."
            )
    return weight.shape[0]


def check_distributions(axis: Any, **arrays: Array) -> int:
    """Return ``axis`` as an int; refuse arrays that hold no probabilities with sum 1 along it, with a ValueError.

    A sum may be off by the square root of the type's unit of rounding (1.5e-8 in float64): half of its digits.
    """
    check_floating(**arrays)
    for name, p in arrays.items():
        axis = check_axis(name, p, axis)
        xp = array_namespace(p)
        remedy = "turn logits into probabilities with softmax, and log-probabilities with exp"
        refuse_entries(name, p, p < 0, f"probabilities, which are at least 0: {remedy}")
        sums = total(widened(p), axis)
        wrong = ~(xp.abs(sums - 1) <= xp.finfo(p.dtype).eps ** 0.5)
        if any_true(wrong):
            raise ValueError(
                f"{name} sums to {_first(sums, wrong, '.9g')} along axis {axis}, expected 1: "
                f"divide by the sum, e.g. {name} / {name}.sum({axis}, keepdims=True), or take softmax of logits."
            )
    return axis


def check_not_negative(**arrays: Array) -> None:
    """Refuse negative entries of what is an average surprise, with a ValueError."""
    for name, nats in arrays.items():
        refuse_entries(name, nats, nats < 0, "a surprise, which is at least 0: mind the minus sign in −log p")


@np.errstate(all="ignore")  # what is infinite or too large to add up is no probability
def check_logits(name: str, logits: Array) -> None:
    """Refuse two rows or more that are probabilities by all appearances: 0 or more, with sum 1, not just 0 and 1."""
    xp = array_namespace(logits)
    off = ~(xp.abs(total(widened(logits)) - 1) <= xp.finfo(logits.dtype).eps ** 0.5)
    others = xp.any(logits < 0) | xp.any(off)
    if prod(_shape(logits)[:-1]) > 1 and any_true(xp.any((logits > 0) & (logits < 1)) & ~others):
        raise ValueError(
            f"{name} has rows of numbers from 0 to 1 with sum 1, expected logits: of probabilities take the logarithm, "
            f"and to logits that only look like them add 1, which changes no softmax."
        )


def _check_index_shape(name: str, scores: Array, target: Array) -> None:
    shape, came = _shape(scores), _shape(target)
    expected = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if came == expected:
        return
    remedy = f"one label for each sample, classes on axis 1 of {name}"
    if came == shape:
        remedy = "if it is one-hot, convert it to a floating type or take target.argmax(1)"
    elif len(shape) > 2 and came == shape[:-1]:
        remedy = f"the classes of {name} belong on axis 1, so move them there, e.g. np.moveaxis({name}, -1, 1)"
    elif came == expected + (1,) or came == expected[:1] + (1,) + expected[1:]:
        remedy = f"drop the axis of length 1, e.g. target.reshape({', '.join(map(str, expected)) or '()'})"
    raise ValueError(
        f"target has integer labels of shape {came}, expected shape {expected} to go with {name} "
        f"of shape {shape}: {remedy}."
    )


def _odd(array: Array) -> Iterator[tuple[str, str]]:
    """What an array is other than a row of plain numbers, and the remedy; nothing of most arrays."""
    if is_torch_array(array):
        if array.is_nested:
            yield "a nested tensor", "pad it, e.g. torch.nested.to_padded_tensor({name}, 0), and ignore the padding"
        elif str(array.layout) != "torch.strided":
            yield f"a sparse tensor ({array.layout})", "fill it in with {name}.to_dense()"
        if array.is_quantized:
            yield "a quantised tensor", "turn it back with {name}.dequantize()"
        if array.is_meta and _reads_values.get():
            yield "on the device meta", "move it elsewhere, or ask for shapes alone, within validation.trusted_values()"
        if type(array).__name__ == "MaskedTensor":
            yield "a masked tensor", "fill it in with {name}.to_tensor(0) and leave the masked entries out of the loss"
    elif isinstance(array, np.ma.MaskedArray):
        yield "a masked array", "leave masked entries out or fill them in, e.g. labels to ignore by {name}.filled(-100)"
    elif isinstance(array, np.matrix):
        yield "an np.matrix, which has its own arithmetic", "make one of it with np.asarray({name})"


def _inside(array: Array) -> Array:
    """The tensor that a transform of torch.func, such as vmap, wraps; any other array itself."""
    if is_torch_array(array):
        from torch._C import _functorch  # here, so that NumPy's users need not wait for torch

        while _functorch.is_functorch_wrapped_tensor(array):
            array = _functorch.get_unwrapped(array)
    return array


def _shape(array: Array) -> tuple[int, ...]:
    return tuple(array.shape)


def _dtype(array: Array) -> str:
    return str(array.dtype).rpartition(".")[2]


def _converted(array: Array, name: str, kind: str = "integer") -> str:
    """How one would convert it, in the words of its own library."""
    if _library(array) == "torch":
        return f"{name}.long()" if kind == "integer" else f"{name}.float()"
    return f"{name}.astype(np.int64)" if kind == "integer" else f"{name}.astype(np.float64)"


def _library(array: Array) -> str:
    return type(array).__module__.partition(".")[0]


def _first(array: Array, bad: Array, form: str = "") -> str:
    """Describe the first bad entry; called only when an error is already certain."""
    xp = array_namespace(array)
    if _inside(bad) is not bad:  # alike for both: vmap's own axis comes first
        array, bad = _inside(xp.where(bad, array, xp.zeros_like(array))), _inside(bad)
    position = int(xp.argmax(xp.reshape(xp.astype(bad, xp.int64), (-1,))))
    index = [int(i) for i in np.unravel_index(position, _shape(array))]
    kind = float if xp.isdtype(array.dtype, "real floating") else int
    entry = array[tuple(index)]
    entry = entry.item() if hasattr(entry, "item") else entry  # int() of a tensor ends at 2^63
    return f"{kind(entry):{form}}" + (f" at index {index}" if index else "")
