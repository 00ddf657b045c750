"""Every bad input is refused at the door, by a sentence that names the argument, what came, what was expected, "
"the remedy."""

import re

import array_api_strict
import numpy as np
import pytest
import torch

from xent_helpers import losses as L
from xent_helpers import validation

LIBRARIES = {"numpy": np, "torch": torch, "array_api_strict": array_api_strict}


class Maker:
    """Makes arrays of one library."""

    def __init__(self, library):
        self.library = library

    def __call__(self, values, dtype="float64"):
        return self.library.asarray(values, dtype=getattr(self.library, dtype))

    def zeros(self, *shape, dtype="float64"):
        return self.library.zeros(shape, dtype=getattr(self.library, dtype))


@pytest.fixture(params=LIBRARIES)
def a(request):
    return Maker(LIBRARIES[request.param])


def z(a):
    return a.zeros(4, 3)


def y(a):
    return a([0, 1, 2, 0], "int64")


def half(a):
    return a.zeros(4, 3) + 0.5


# name: the call, the exception, and the whole sentence, or its parts in order with … between
BAD = {
    "a list": (
        lambda a: L.cross_entropy([[1.0, 2.0]], y(a)),
        TypeError,
        "logits is of type list, expected an array: make one of it with np.asarray(logits) or torch.tensor(logits).",
    ),
    "a list as target": (
        lambda a: L.cross_entropy(z(a), [0, 1, 2, 0]),
        TypeError,
        "target is of type list … torch.tensor(target).",
    ),
    "a plain number": (lambda a: L.sigmoid(1.5), TypeError, "logits is of type float, expected an array …"),
    "a plain number as target": (
        lambda a: L.nll_loss(a.zeros(3), 1),
        TypeError,
        "target is of type int, expected an array …",
    ),
    "nothing": (lambda a: L.cross_entropy(None, y(a)), TypeError, "logits is of type NoneType, expected an array …"),
    "no target": (lambda a: L.binary_cross_entropy(half(a), None), TypeError, "target is of type NoneType …"),
    "a list as weight": (
        lambda a: L.cross_entropy(z(a), y(a), weight=[1.0, 2.0, 3.0]),
        TypeError,
        "weight is of type list …",
    ),
    "a number as pos_weight": (
        lambda a: L.binary_cross_entropy_with_logits(z(a), half(a), pos_weight=3.0),
        TypeError,
        "pos_weight is of type float …",
    ),
    "a list of indices": (lambda a: L.one_hot([1, 2], 3), TypeError, "index is of type list …"),
    "integer logits": (
        lambda a: L.cross_entropy(a.zeros(4, 3, dtype="int64"), y(a)),
        TypeError,
        "logits has dtype int64, expected a floating type: convert it, e.g. logits.…",
    ),
    "integer log-probabilities": (
        lambda a: L.nll_loss(a.zeros(4, 3, dtype="int64"), y(a)),
        TypeError,
        "log_probs has dtype int64 …",
    ),
    "integers to exponentiate": (
        lambda a: L.logsumexp(y(a)),
        TypeError,
        "x has dtype int64, expected a floating type …",
    ),
    "integers to softmax": (lambda a: L.softmax(y(a)), TypeError, "logits has dtype int64, expected a floating type …"),
    "integers to log_softmax": (
        lambda a: L.log_softmax(y(a)),
        TypeError,
        "logits has dtype int64, expected a floating type …",
    ),
    "integers to sigmoid": (lambda a: L.sigmoid(y(a)), TypeError, "logits has dtype int64, expected a floating type …"),
    "integers to log_sigmoid": (
        lambda a: L.log_sigmoid(y(a)),
        TypeError,
        "logits has dtype int64, expected a floating type …",
    ),
    "a list to logsumexp": (lambda a: L.logsumexp([1.0]), TypeError, "x is of type list …"),
    "a list to softmax": (lambda a: L.softmax([1.0]), TypeError, "logits is of type list …"),
    "a list to log_softmax": (lambda a: L.log_softmax([1.0]), TypeError, "logits is of type list …"),
    "a list to log_sigmoid": (lambda a: L.log_sigmoid([1.0]), TypeError, "logits is of type list …"),
    "complex logits": (
        lambda a: L.binary_cross_entropy_with_logits(a.zeros(3, dtype="complex128"), a.zeros(3)),
        TypeError,
        "logits has dtype complex128, expected a floating type …",
    ),
    "one logit without a class axis": (
        lambda a: L.cross_entropy(a(1.0), a(0, "int64")),
        ValueError,
        "logits is a single number, expected shape (C,), (N, C) or (N, C, d1, …): add a class axis.",
    ),
    "no class": (
        lambda a: L.cross_entropy(a.zeros(4, 0), y(a)),
        ValueError,
        "logits has shape (4, 0), expected at least one entry on axis 1: there must be one class or more.",
    ),
    "no class in a single sample": (
        lambda a: L.nll_loss(a.zeros(0), a(0, "int64")),
        ValueError,
        "log_probs has shape (0,), expected at least one entry on axis 0 …",
    ),
    "too few labels of nll_loss": (
        lambda a: L.nll_loss(z(a), y(a)[:3]),
        ValueError,
        "target has integer labels of shape (3,), expected shape (4,) to go with log_probs of shape … of log_probs.",
    ),
    "too few labels": (
        lambda a: L.cross_entropy(z(a), y(a)[:3]),
        ValueError,
        "target has integer labels of shape (3,), expected shape (4,) to go with logits of shape (4, 3): one label "
        "for each "
        "sample, classes on axis 1 of logits.",
    ),
    "labels of shape (N, 1)": (
        lambda a: L.cross_entropy(z(a), y(a)[:, None]),
        ValueError,
        "target has integer labels of shape (4, 1), expected shape (4,) … drop the axis of length 1, e.g. "
        "target.reshape(4).",
    ),
    "a label of shape (1,) for one sample": (
        lambda a: L.cross_entropy(a.zeros(3), y(a)[:1]),
        ValueError,
        "target has integer labels of shape (1,), expected shape () … drop the axis of length 1, e.g. "
        "target.reshape(()).",
    ),
    "labels of shape (N, 1, d)": (
        lambda a: L.nll_loss(a.zeros(4, 3, 5), a.zeros(4, 1, 5, dtype="int64")),
        ValueError,
        "target has integer labels of shape (4, 1, 5), expected shape (4, 5) … e.g. target.reshape(4, 5).",
    ),
    "one-hot integers": (
        lambda a: L.cross_entropy(z(a), a.zeros(4, 3, dtype="int64")),
        ValueError,
        "target has integer labels of shape (4, 3), expected shape (4,) … if it is one-hot, convert it to a "
        "floating type or "
        "take target.argmax(1).",
    ),
    "classes on the last axis": (
        lambda a: L.cross_entropy(a.zeros(4, 5, 3), a.zeros(4, 5, dtype="int64")),
        ValueError,
        "… expected shape (4, 3) to go with logits of shape (4, 5, 3): the classes of logits belong on axis 1, so "
        "move them "
        "there, e.g. np.moveaxis(logits, -1, 1).",
    ),
    "boolean labels": (
        lambda a: L.cross_entropy(z(a), y(a) > 0),
        TypeError,
        "target has dtype bool, expected an integer type for class indices, or a floating type for class "
        "probabilities: "
        "convert it, e.g. target.…",
    ),
    "floating labels": (
        lambda a: L.cross_entropy(z(a), a.zeros(4)),
        ValueError,
        "target is a float64 array of shape (4,), expected the shape (4, 3) of logits, as floating targets are class "
        "probabilities: if these are labels, use target.…",
    ),
    "floating targets of nll_loss": (
        lambda a: L.nll_loss(z(a), z(a)),
        TypeError,
        "target has dtype float64, expected an integer type for class indices: convert it, e.g. target.…",
    ),
    "labels counted from 1": (
        lambda a: L.cross_entropy(z(a), y(a) + 1),
        IndexError,
        "target holds 3 at index [2], expected labels from 0 to 2, as there are 3 classes: count classes from 0, "
        "or mark the "
        "entries to leave out with ignore_index.",
    ),
    "a negative label": (lambda a: L.nll_loss(z(a), y(a) - 1), IndexError, "target holds -1 at index [0] …"),
    "a label out of range, single": (
        lambda a: L.cross_entropy(a.zeros(3), a(3, "int64")),
        IndexError,
        "target holds 3, expected …",
    ),
    "a label out of range, deep": (
        lambda a: L.nll_loss(a.zeros(1, 3, 2), a([[0, 9]], "int32")),
        IndexError,
        "target holds 9 at index [0, 1], expected labels from 0 to 2 …",
    ),
    "an index out of range": (
        lambda a: L.one_hot(y(a), 2),
        IndexError,
        "index holds 2 at index [2], expected labels from 0 to 1, as there are 2 classes: count classes from 0.",
    ),
    "class probabilities above 1": (
        lambda a: L.cross_entropy(z(a), half(a) * 3),
        ValueError,
        "target holds 1.5 at index [0, 0], expected probabilities from 0 to 1: a row of class probabilities sums to 1.",
    ),
    "class probabilities below 0": (
        lambda a: L.cross_entropy(a.zeros(3), a([0.5, 1.0, -0.5])),
        ValueError,
        "target holds -0.5 at index [2] …",
    ),
    "class probabilities that are no numbers": (
        lambda a: L.cross_entropy(z(a), z(a) / 0 if a.library is torch else a([[float("nan")] * 3] * 4)),
        ValueError,
        "target holds nan at index [0, 0] …",
    ),
    "an ignored class among probabilities": (
        lambda a: L.cross_entropy(z(a), half(a), ignore_index=0),
        ValueError,
        "ignore_index is 0, expected none with class probabilities as target: leave those samples out before the "
        "loss, e.g. "
        "logits[keep], target[keep].",
    ),
    "logits for probabilities": (
        lambda a: L.binary_cross_entropy(half(a) * 5, half(a)),
        ValueError,
        "probs holds 2.5 at index [0, 0], expected probabilities from 0 to 1: for logits, use "
        "binary_cross_entropy_with_logits.",
    ),
    "a negative probability": (
        lambda a: L.binary_cross_entropy(a(-0.5), a(1.0)),
        ValueError,
        "probs holds -0.5, expected …",
    ),
    "binary labels 1 and 2": (
        lambda a: L.binary_cross_entropy_with_logits(a.zeros(2), a([1.0, 2.0])),
        ValueError,
        "target holds 2.0 at index [1], expected probabilities from 0 to 1: number the two classes 0 and 1.",
    ),
    "binary labels -1 and 1": (
        lambda a: L.binary_cross_entropy(a([0.5]), a([-1.0])),
        ValueError,
        "target holds -1.0 at index [0] …",
    ),
    "binary targets of an integer type": (
        lambda a: L.binary_cross_entropy(a([0.5]), a([1], "int64")),
        TypeError,
        "target has dtype int64, expected a floating type: convert it, e.g. target.…",
    ),
    "integer probabilities": (
        lambda a: L.binary_cross_entropy(a([1], "int64"), a([1.0])),
        TypeError,
        "probs has dtype int64 …",
    ),
    "(N, 1) against (N,)": (
        lambda a: L.binary_cross_entropy_with_logits(a.zeros(4, 1), a.zeros(4)),
        ValueError,
        "target has shape (4,) and logits has shape (4, 1), expected the same for both: drop or add the axis of "
        "length 1, "
        "e.g. target.reshape(logits.shape).",
    ),
    "(N,) against (N, 1)": (
        lambda a: L.binary_cross_entropy(a.zeros(4), a.zeros(4, 1)),
        ValueError,
        "target has shape (4, 1) and probs has shape (4,) … e.g. target.reshape(probs.shape).",
    ),
    "(N,) against (1, N)": (
        lambda a: L.binary_cross_entropy(a.zeros(4), a.zeros(1, 4)),
        ValueError,
        "target has shape (1, 4) … drop or add the axis of length 1 …",
    ),
    "(1, N) against (N,)": (
        lambda a: L.binary_cross_entropy(a.zeros(1, 4), a.zeros(4)),
        ValueError,
        "target has shape (4,) … drop or add the axis of length 1 …",
    ),
    "binary shapes that have nothing in common": (
        lambda a: L.binary_cross_entropy(a.zeros(4, 3), a.zeros(2, 3)),
        ValueError,
        "target has shape (2, 3) and probs has shape (4, 3), expected the same for both: one prediction needs "
        "exactly one target.",
    ),
    "label_smoothing above 1": (
        lambda a: L.cross_entropy(z(a), y(a), label_smoothing=1.5),
        ValueError,
        "label_smoothing is 1.5, expected a number from 0 to 1: usual values are 0 and 0.1.",
    ),
    "label_smoothing below 0": (
        lambda a: L.cross_entropy(z(a), y(a), label_smoothing=-0.1),
        ValueError,
        "label_smoothing is -0.1 …",
    ),
    "label_smoothing NaN": (
        lambda a: L.cross_entropy(z(a), y(a), label_smoothing=float("nan")),
        ValueError,
        "… is nan, expected …",
    ),
    "label_smoothing as text": (
        lambda a: L.cross_entropy(z(a), y(a), label_smoothing="0.1"),
        TypeError,
        "label_smoothing is '0.1', expected a number from 0 to 1: pass a float.",
    ),
    "label_smoothing True": (
        lambda a: L.cross_entropy(z(a), y(a), label_smoothing=True),
        TypeError,
        "label_smoothing is True …",
    ),
    "a class weight too long": (
        lambda a: L.cross_entropy(z(a), y(a), weight=a.zeros(4)),
        ValueError,
        "weight has shape (4,), expected (3,), one weight for each class: to weigh samples instead, use "
        "reduction='none' and "
        "average yourself.",
    ),
    "one class weight": (
        lambda a: L.nll_loss(z(a), y(a), weight=a(1.0)),
        ValueError,
        "weight has shape (), expected (3,) …",
    ),
    "integer class weights": (
        lambda a: L.nll_loss(z(a), y(a), weight=a([1, 2, 3], "int64")),
        TypeError,
        "weight has dtype int64, expected a floating type …",
    ),
    "a binary weight that does not broadcast": (
        lambda a: L.binary_cross_entropy(half(a), half(a), weight=a.zeros(4)),
        ValueError,
        "weight has shape (4,), expected one that broadcasts to the losses' shape (4, 3): give one number for each "
        "entry, or "
        "for each entry of the last axis.",
    ),
    "a binary weight that is larger than the losses": (
        lambda a: L.binary_cross_entropy_with_logits(a.zeros(3), a.zeros(3), weight=a.zeros(2, 3)),
        ValueError,
        "weight has shape (2, 3), expected one that broadcasts to the losses' shape (3,) …",
    ),
    "a pos_weight that does not broadcast": (
        lambda a: L.binary_cross_entropy_with_logits(z(a), half(a), pos_weight=a.zeros(2)),
        ValueError,
        "pos_weight has shape (2,), expected one that broadcasts to the losses' shape (4, 3) …",
    ),
    "an integer pos_weight": (
        lambda a: L.binary_cross_entropy_with_logits(z(a), half(a), pos_weight=a([3], "int64")),
        TypeError,
        "pos_weight has dtype int64, expected a floating type …",
    ),
    "ignore_index 1.0": (
        lambda a: L.cross_entropy(z(a), y(a), ignore_index=1.0),
        TypeError,
        "ignore_index is 1.0, expected a whole number: pass an int.",
    ),
    "ignore_index None": (lambda a: L.nll_loss(z(a), y(a), ignore_index=None), TypeError, "ignore_index is None …"),
    "ignore_index False": (lambda a: L.nll_loss(z(a), y(a), ignore_index=False), TypeError, "ignore_index is False …"),
    "an axis too high": (
        lambda a: L.softmax(z(a), 2),
        IndexError,
        "axis is 2, expected -2 to 1 for logits of shape (4, 3): count axes from 0, or from −1 backwards.",
    ),
    "an axis too low": (lambda a: L.log_softmax(z(a), -3), IndexError, "axis is -3, expected -2 to 1 for logits …"),
    "an axis of logsumexp": (
        lambda a: L.logsumexp(a.zeros(3), 1),
        IndexError,
        "axis is 1, expected -1 to 0 for x of shape (3,) …",
    ),
    "no axis": (lambda a: L.softmax(z(a), None), TypeError, "axis is None, expected a whole number: pass an int."),
    "a single number to sum over": (
        lambda a: L.logsumexp(a(1.0)),
        IndexError,
        "x is a single number, expected an array with at least one axis: give it one.",
    ),
    "nothing to sum over": (
        lambda a: L.softmax(a.zeros(0, 3), 0),
        ValueError,
        "logits has shape (0, 3), expected at least one entry on axis 0 …",
    ),
    "floating indices": (
        lambda a: L.one_hot(a.zeros(3), 3),
        TypeError,
        "index has dtype float64, expected an integer type: convert it, e.g. index.…",
    ),
    "num_classes 3.0": (
        lambda a: L.one_hot(y(a), 3.0),
        TypeError,
        "num_classes is 3.0, expected a whole number: pass an int.",
    ),
    "num_classes 0": (
        lambda a: L.one_hot(y(a), 0),
        ValueError,
        "num_classes is 0, expected at least 1: pass the number of different labels.",
    ),
}


def assert_says(message: str, expected: str):
    parts = expected.replace("d1, …)", "d1, ELLIPSIS)").split("…")
    pattern = ".*".join(re.escape(part.strip()) for part in parts).replace("ELLIPSIS", "…")
    assert re.fullmatch(pattern, message), f"{message!r} does not say {expected!r}"


@pytest.mark.filterwarnings("ignore:.*complex")
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_its_sentence(name, a):
    call, exception, sentence = BAD[name]
    with pytest.raises(exception) as refusal:
        call(a)
    assert refusal.type is exception
    assert_says(str(refusal.value), sentence)
    assert re.fullmatch(r".*, expected .*: .*\.", str(refusal.value))  # what came, what was expected, the remedy


@pytest.mark.parametrize(
    "loss", [L.cross_entropy, L.nll_loss, L.binary_cross_entropy, L.binary_cross_entropy_with_logits]
)
@pytest.mark.parametrize("reduction", ["avg", "", "Mean", None, ["mean"], ("mean", "sum"), np.zeros(3)])
def test_unknown_reductions(loss, reduction, a):
    target = half(a) if loss.__name__.startswith("binary") else y(a)
    with pytest.raises(ValueError) as refusal:
        loss(half(a), target, reduction=reduction)
    expected = f"reduction is {reduction!r}, expected one of 'none', 'mean', 'sum': check the spelling."
    assert str(refusal.value) == expected


def test_two_libraries_are_not_mixed():
    n, t = Maker(np), Maker(torch)
    with pytest.raises(TypeError) as refusal:
        L.cross_entropy(z(n), y(t))
    assert str(refusal.value) == (
        "logits is from numpy and target from torch, expected one array library for both: "
        "convert one of them, e.g. with torch.from_numpy or with .numpy()."
    )
    for call, words in (
        (lambda: L.cross_entropy(z(t), y(n)), "logits is from torch and target from numpy"),
        (lambda: L.cross_entropy(z(n), y(n), weight=t.zeros(3)), "logits is from numpy and weight from torch"),
        (lambda: L.nll_loss(z(t), y(n)), "log_probs is from torch and target from numpy"),
        (lambda: L.nll_loss(z(t), y(t), weight=n.zeros(3)), "log_probs is from torch and weight from numpy"),
        (lambda: L.binary_cross_entropy(half(n), half(t)), "probs is from numpy and target from torch"),
        (
            lambda: L.binary_cross_entropy(half(n), half(n), weight=t.zeros(3)),
            "probs is from numpy and weight from torch",
        ),
        (
            lambda: L.binary_cross_entropy_with_logits(z(t), half(t), pos_weight=n.zeros(3)),
            "logits is from torch and pos_weight from numpy",
        ),
        (
            lambda: L.cross_entropy(z(Maker(array_api_strict)), y(n)),
            "logits is from array_api_strict and target from numpy",
        ),
    ):
        with pytest.raises(TypeError, match=words):
            call()


def test_two_devices_are_not_mixed():
    first, second = array_api_strict.Device("CPU_DEVICE"), array_api_strict.Device("device1")
    here = array_api_strict.zeros((4, 3), device=first)
    there = array_api_strict.zeros((4, 3), device=second)
    with pytest.raises(ValueError) as refusal:
        L.binary_cross_entropy_with_logits(here, there)
    assert str(refusal.value) == (
        f"logits is on device {first} and target on device {second}, expected one device for both: "
        "move one of them, e.g. target.to(logits.device)."
    )
    labels = array_api_strict.zeros((4,), dtype=array_api_strict.int64, device=second)
    for loss in (L.cross_entropy, L.nll_loss):
        with pytest.raises(ValueError, match="and target on device"):
            loss(here, labels)
        with pytest.raises(ValueError, match="and weight on device"):
            loss(there, labels, weight=here[0, :])
    on_meta = torch.zeros(4, 3, device="meta")
    with pytest.raises(ValueError, match="logits is on device meta and target on device cpu"):
        L.binary_cross_entropy_with_logits(on_meta, torch.zeros(4, 3))


def test_the_remedy_speaks_the_library_of_the_array():
    for library, floating, integer in (
        (np, "x.astype(np.float64)", "target.astype(np.int64)"),
        (torch, "x.float()", "target.long()"),
    ):
        a = Maker(library)
        with pytest.raises(TypeError, match=re.escape(f"e.g. {floating}.")):
            L.logsumexp(y(a))
        with pytest.raises(TypeError, match=re.escape(f"e.g. {integer}.")):
            L.nll_loss(z(a), z(a))


def test_what_is_fine_passes(a):
    """The edges of what is allowed are allowed."""
    L.cross_entropy(z(a), y(a), label_smoothing=1, ignore_index=np.int64(1))
    L.cross_entropy(z(a), y(a), label_smoothing=np.float32(0.0))
    L.cross_entropy(z(a), half(a) * 0, ignore_index=-1)
    L.cross_entropy(z(a), half(a) * 2, label_smoothing=np.float64(0.5))
    L.cross_entropy(z(a), y(a) - 1, ignore_index=-1)
    L.binary_cross_entropy(half(a), half(a), weight=a.zeros(4, 1))
    L.binary_cross_entropy_with_logits(z(a), half(a), weight=a(1.0), pos_weight=a.zeros(1, 3))
    L.softmax(z(a), np.int64(-2))
    L.one_hot(a.zeros(0, dtype="int64"), 1)


def test_inputs_are_checked_where_they_lie():
    """Shapes and types are refused without reading the data: a tensor without data is enough."""
    meta = torch.zeros(4, 3, device="meta")
    with pytest.raises(ValueError, match="integer labels of shape"):
        L.cross_entropy(meta, torch.zeros(3, dtype=torch.int64, device="meta"))
    assert validation.check_class_scores("logits", meta) == 3
