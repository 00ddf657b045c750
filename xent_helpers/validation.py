"""What is refused, and with which sentence.

Every check names the argument, what came, what was expected and the usual remedy. A check reads at most
one boolean back from the device; it moves nothing and changes nothing.
"""

from numbers import Integral, Real
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj

Array = Any  # any array of a library that follows the Python array API standard
REDUCTIONS = ("none", "mean", "sum")


def check_arrays(**arrays: Array | None) -> Any:
    """Return the one array library behind ``arrays`` (those that are None are passed over).

    Raises:
        TypeError: something is no array, or the arrays come from different libraries.
        ValueError: the arrays lie on different devices.
    """
    given = {name: array for name, array in arrays.items() if array is not None}
    for name, array in given.items():
        if not is_array_api_obj(array):
            raise TypeError(
                f"{name} is a {type(array).__name__}, expected an array: "
                f"wrap it as np.asarray({name}) or torch.tensor({name})."
            )
    (first, leader), *others = given.items()
    for name, array in others:
        ours, theirs = array_namespace(leader), array_namespace(array)
        if ours is not theirs:
            raise TypeError(
                f"{first} is a {_library(leader)} array and {name} a {_library(array)} array, expected one "
                f"array library for both: convert one, e.g. with torch.from_numpy(…) or .numpy()."
            )
        if device(leader) != device(array):
            raise ValueError(
                f"{first} is on device {device(leader)} and {name} on {device(array)}, expected one device: "
                f"move one first, e.g. {name}.to({first}.device)."
            )
    return array_namespace(leader)


def check_floating(**arrays: Array | None) -> None:
    """Refuse arrays that are not real floating point, with a TypeError."""
    for name, array in arrays.items():
        if array is not None and not array_namespace(array).isdtype(array.dtype, "real floating"):
            raise TypeError(
                f"{name} has dtype {_dtype(array)}, expected a floating type: "
                f"convert it, e.g. {name}.astype(np.float64) or {name}.float()."
            )


def check_reduction(reduction: str) -> None:
    """Refuse a reduction other than 'none', 'mean' and 'sum', with a ValueError."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction is {reduction!r}, expected one of 'none', 'mean', 'sum': check the spelling.")


def check_integer(name: str, value: Any) -> None:
    """Refuse anything but a whole number, with a TypeError."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}, expected a whole number: pass an int.")


def check_fraction(name: str, value: Any) -> None:
    """Refuse a plain number outside [0, 1] (ValueError) and anything that is no number (TypeError)."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}, expected a number from 0 to 1: pass a float.")
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value!r}, expected a number from 0 to 1: usual values are 0 and 0.1.")


def check_axis(x: Array, axis: int, name: str) -> None:
    """Refuse an axis that ``x`` has not (IndexError), and one without entries (ValueError)."""
    check_integer("axis", axis)
    if not -x.ndim <= axis < x.ndim:
        raise IndexError(f"axis is {axis}, expected one of the {x.ndim} axes of {name}, whose shape is {_shape(x)}.")
    if x.shape[axis] == 0:
        raise ValueError(f"{name} has shape {_shape(x)}, expected at least one entry on axis {axis}: give it a class.")


def check_same_shape(name: str, array: Array, other_name: str, other: Array) -> None:
    """Refuse two arrays of different shapes, with a ValueError; nothing is broadcast silently."""
    ours, theirs = _shape(array), _shape(other)
    if ours != theirs:
        remedy = "one prediction needs exactly one target"
        if ours in (theirs + (1,), (1,) + theirs) or theirs in (ours + (1,), (1,) + ours):
            remedy = f"drop or add the axis of length 1, e.g. {other_name}.reshape({name}.shape)"
        raise ValueError(
            f"{other_name} has shape {theirs} and {name} {ours}, expected the same shape for both: {remedy}."
        )


def check_probabilities(**arrays: Array) -> None:
    """Refuse entries outside [0, 1], NaN among them, with a ValueError."""
    for name, p in arrays.items():
        xp = array_namespace(p)
        bad = ~((p >= 0) & (p <= 1))
        if bool(xp.any(bad)):
            remedy = (
                "for labels, number the two classes 0 and 1"
                if name == "target"
                else "for logits, use the loss that takes logits"
            )
            raise ValueError(f"{name} holds {_first(p, bad)}, expected probabilities from 0 to 1: {remedy}.")


def check_labels(name: str, labels: Array, num_classes: int, ignored: Array | None = None) -> None:
    """Refuse labels outside 0 … num_classes − 1 that are not ``ignored``, with an IndexError."""
    xp = array_namespace(labels)
    bad = (labels < 0) | (labels >= num_classes)
    bad = bad if ignored is None else bad & ~ignored
    if bool(xp.any(bad)):
        raise IndexError(
            f"{name} holds the label {_first(labels, bad)}, expected 0 to {num_classes - 1} for {num_classes} "
            f"classes: count classes from 0, or mark the entries to leave out with ignore_index."
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
            f"{name} has shape {_shape(array)}, expected one that broadcasts to {tuple(shape)}, the shape of the "
            f"logits or probabilities: give one weight for each entry or for each column."
        )


def check_class_scores(name: str, scores: Array) -> int:
    """Return the number of classes of (N, C, …) or (C,) floating ``scores``; refuse anything else."""
    check_floating(**{name: scores})
    if scores.ndim == 0:
        raise ValueError(f"{name} is a single number, expected shape (C,), (N, C) or (N, C, d1, …): add a class axis.")
    check_axis(scores, min(1, scores.ndim - 1), name)
    return scores.shape[min(1, scores.ndim - 1)]


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
        kinds = "an integer type (class indices)"
        kinds += " or a floating type (class probabilities)" if allow_probabilities else ""
        raise TypeError(
            f"target has dtype {_dtype(target)}, expected {kinds}: "
            f"convert it, e.g. target.astype(np.int64) or target.long()."
        )
    if _shape(target) != _shape(scores):
        raise ValueError(
            f"target is {_dtype(target)} of shape {_shape(target)}, expected the shape {_shape(scores)} of {name}, because "
            f"floating targets are class probabilities: if they are labels, convert them to an integer type."
        )
    return False


def check_soft_target(target: Array, ignore_index: int) -> None:
    """Refuse class probabilities outside [0, 1], and a class index to ignore among them, with a ValueError."""
    check_probabilities(target=target)
    if ignore_index >= 0:
        raise ValueError(
            f"ignore_index is {ignore_index}, expected none with class probabilities as target: "
            f"leave those samples out before the loss, e.g. logits[keep], target[keep]."
        )


def check_index_type(name: str, index: Array) -> None:
    """Refuse class indices that are not of an integer type, with a TypeError."""
    if not array_namespace(index).isdtype(index.dtype, "integral"):
        raise TypeError(
            f"{name} has dtype {_dtype(index)}, expected an integer type: "
            f"convert it, e.g. {name}.astype(np.int64) or {name}.long()."
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
        remedy = f"drop the axis of length 1, e.g. target.reshape({expected})"
    raise ValueError(
        f"target has shape {came}, expected {expected} for {name} of shape {shape} and integer labels: {remedy}."
    )


def _shape(array: Array) -> tuple[int, ...]:
    return tuple(array.shape)


def _dtype(array: Array) -> str:
    return str(array.dtype).rpartition(".")[2]


def _library(array: Array) -> str:
    return type(array).__module__.partition(".")[0]


def _first(array: Array, bad: Array) -> str:
    """Describe the first bad entry; called only when an error is already certain."""
    xp = array_namespace(array)
    position = int(xp.argmax(xp.reshape(xp.astype(bad, xp.int64), (-1,))))
    index = tuple(int(i) for i in np.unravel_index(position, _shape(array)))
    return f"{array[index].item() if hasattr(array[index], 'item') else array[index]}" + (
        f" at index {list(index)}" if index else ""
    )


def check_distributions(axis: int, **arrays: Array) -> None:
    """Refuse arrays whose entries along ``axis`` are no probabilities that sum to 1, with a ValueError.

    A sum may be off by the square root of the type's unit of rounding (1.5e-8 in float64): half of its digits.
    """
    check_floating(**arrays)
    for name, p in arrays.items():
        check_axis(p, axis, name)
        xp = array_namespace(p)
        negative = p < 0
        if bool(xp.any(negative)):
            raise ValueError(
                f"{name} holds {_first(p, negative)}, expected probabilities, which are at least 0: "
                f"turn logits into probabilities with softmax, and log-probabilities with exp."
            )
        total = xp.sum(xp.astype(p, xp.result_type(p.dtype, xp.float32)), axis=axis)
        wrong = ~(xp.abs(total - 1) <= xp.finfo(p.dtype).eps ** 0.5)
        if bool(xp.any(wrong)):
            position = int(xp.argmax(xp.reshape(xp.astype(wrong, xp.int64), (-1,))))
            place = "" if total.ndim == 0 else f" at {[int(i) for i in np.unravel_index(position, _shape(total))]}"
            raise ValueError(
                f"{name} sums to {float(xp.reshape(total, (-1,))[position]):.6g} along axis {axis}{place}, expected 1: "
                f"divide by the sum, e.g. {name} / {name}.sum({axis}, keepdims=True), or take softmax of logits."
            )


def check_not_negative(**arrays: Array) -> None:
    """Refuse negative entries of what is an average surprise, with a ValueError."""
    for name, nats in arrays.items():
        xp = array_namespace(nats)
        if bool(xp.any(nats < 0)):
            raise ValueError(
                f"{name} holds {_first(nats, nats < 0)}, expected a surprise, which is at least 0: "
                f"mind the minus sign in −log p."
            )
