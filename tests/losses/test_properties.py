"""What must hold for all inputs of the losses: laws, and on every kind of array the value of 60-digit arithmetic.

Drawn are types, layouts, NaN, infinities, subnormal numbers, shapes without entries, labels of every integer type, and
what is no input at all, which must be refused with the documented error.
"""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mpmath import inf, mp, mpf, nan

from tests.losses.accuracy import Ruler
from tests.odd_arrays import FLOATS, INTEGERS, Refused, call, layouts, numbers, plain, shares
from xent_helpers import exact as reference
from xent_helpers import losses

widths = st.sampled_from(sorted(FLOATS))
reductions = st.sampled_from(["none", "mean", "sum"])
EPS = np.finfo(np.float64).eps
factors = st.one_of(st.just(0.0), st.floats(0.125, 4, width=16))


def torch_dtype(dtype) -> torch.dtype:
    return getattr(torch, np.dtype(dtype).newbyteorder("=").name)


def assert_exact(got, values, scales, dtype, units=4.0):
    """A result has the type and, to some units of rounding, the values of the oracle."""
    found = np.dtype(str(got.dtype).removeprefix("torch.")).newbyteorder("=").name
    assert found == np.dtype(dtype).name
    off = Ruler(list(values), list(scales), torch_dtype(dtype)).units(plain(got))
    assert off <= units, f"{off:.3g} units off: {plain(got)}, expected {[float(v) for v in values]}"


def spoilt(row) -> bool:
    """Whether a row of logits has no distribution: an entry NaN or +inf, or all of them −inf."""
    return bool(np.isnan(row).any() or (row == np.inf).any() or (row == -np.inf).all())


@st.composite
def class_calls(draw, elements=numbers, soft=True):
    """Arguments and options of ``cross_entropy`` or ``nll_loss`` as NumPy arrays, and the layout to give them."""
    width = draw(widths)
    dtype, c = FLOATS[width], draw(st.integers(1, 4))
    shape = draw(st.sampled_from([(c,), (0, c), (1, c), (3, c), (2, c, 2), (2, c, 0)]))
    batch = shape[:1] + shape[2:] if len(shape) > 1 else ()
    z = draw(arrays(dtype, shape, elements=elements(width)))
    options = {"reduction": draw(reductions)}
    if draw(st.booleans()):
        options["weight"] = draw(arrays(dtype, c, elements=factors))
    if soft and draw(st.booleans()):
        target = draw(arrays(dtype, shape, elements=shares(width)))
    else:
        kind = draw(st.sampled_from(INTEGERS))
        ignored = draw(st.sampled_from([-100, 0, 1, 255]))
        options["ignore_index"] = ignored
        labels = [*range(c), *([ignored] if ignored in range(np.iinfo(kind).min, np.iinfo(kind).max + 1) else [])]
        target = draw(arrays(kind, batch, elements=st.sampled_from(labels)))
    if soft and draw(st.booleans()):
        options["label_smoothing"] = draw(st.sampled_from([0.125, 1.0]))
    return z, target, options, draw(layouts())


def laid_out(layout, z, target, options):
    options = {name: layout(value) if isinstance(value, np.ndarray) else value for name, value in options.items()}
    return layout(z), layout(target), options


def check_class_loss(loss, oracle, z, target, options, layout):
    """One call against its oracle; a sample with a spoilt row is NaN, and so is what it is part of."""
    rows = np.moveaxis(z, min(1, z.ndim - 1), -1).reshape(-1, z.shape[min(1, z.ndim - 1)])
    is_index = target.dtype.kind in "iu"
    kept = np.ravel(target) != options["ignore_index"] if is_index else np.ones(len(rows), bool)
    bad = [bool(k) and spoilt(row) for k, row in zip(kept, rows, strict=True)] if loss is losses.cross_entropy else []
    safe = z if not bad else np.where(_beside(np.array(bad), z), 0, z)
    safe = np.where(_beside(kept, z), safe, 0)
    arguments = {name: value for name, value in options.items() if name not in ("reduction", "ignore_index")}
    if is_index:
        arguments["ignore_index"] = options["ignore_index"]
    exact = oracle(safe, target, **arguments)
    exact.loss = [nan if n < len(bad) and bad[n] else value for n, value in enumerate(exact.loss)]
    z, target, options = laid_out(layout, z, target, options)
    assert_exact(call(loss, z, target, **options), *values(exact, options["reduction"]), safe.dtype)


def _beside(flags, z):
    """One flag a sample, to be combined with its logits."""
    batch = z.shape[:1] + z.shape[2:] if z.ndim > 1 else ()
    return np.expand_dims(np.reshape(flags, batch), min(1, z.ndim - 1))


def values(exact, reduction):
    """``exact.values``, with sums of infinities and NaN, which mpmath adds in another way."""
    found, scales = exact.values("none")
    if reduction == "none":
        return found, scales
    divisor = exact.divisor if reduction == "mean" else 1
    if any(mp.isnan(v) for v in found):
        return [nan], [mpf(0)]
    if any(v == inf for v in found):
        return [inf / divisor if divisor else inf], [mpf(0)]
    return exact.values(reduction)


@given(class_calls())
def test_cross_entropy_of_any_array(drawn):
    check_class_loss(losses.cross_entropy, reference.cross_entropy, *drawn)


@given(class_calls(lambda width: numbers(width, odd=False).map(lambda v: -abs(v)), soft=False))
def test_nll_loss_of_any_array(drawn):
    check_class_loss(losses.nll_loss, reference.nll_loss, *drawn)


@st.composite
def binary_calls(draw, elements):
    """Scores, targets and options of a binary loss as NumPy arrays, and the layout to give them."""
    width = draw(widths)
    dtype = FLOATS[width]
    shape = draw(st.sampled_from([(), (0,), (3,), (2, 2), (1, 3)]))
    options = {"reduction": draw(reductions)}
    scores = draw(arrays(dtype, shape, elements=elements(width)))
    target = draw(arrays(dtype, shape, elements=shares(width)))
    if draw(st.booleans()):
        options["weight"] = draw(arrays(dtype, shape[-1:], elements=st.floats(0.125, 4, width=16)))
    return scores, target, options, draw(layouts())


def check_binary_loss(loss, oracle, scores, target, options, layout):
    arguments = {name: value for name, value in options.items() if name != "reduction"}
    exact = oracle(scores, target, **arguments)
    dtype = scores.dtype
    scores, target, options = laid_out(layout, scores, target, options)
    assert_exact(call(loss, scores, target, **options), *values(exact, options["reduction"]), dtype)


@given(binary_calls(shares))
def test_binary_cross_entropy_of_any_array(drawn):
    check_binary_loss(losses.binary_cross_entropy, reference.binary_cross_entropy, *drawn)


@given(binary_calls(numbers), st.sampled_from([None, 0.125, 3.0]))
def test_binary_cross_entropy_with_logits_of_any_array(drawn, positive):
    z, y, options, layout = drawn
    if positive is not None:
        options["pos_weight"] = np.full(z.shape[-1:], positive, z.dtype)

    def oracle(z, y, *, weight=None, pos_weight=None):
        """An infinite logit costs 0 where the target agrees with it, else +inf; NaN costs NaN."""
        exact = reference.binary_cross_entropy_with_logits(
            np.where(np.isfinite(z), z, 0), y, weight=weight, pos_weight=pos_weight
        )
        for n, (logit, share) in enumerate(zip(np.ravel(z), np.ravel(y), strict=True)):
            if np.isnan(logit):
                exact.loss[n] = nan
            elif np.isinf(logit):
                exact.loss[n] = mpf(0) if share == (logit > 0) else inf
        return exact

    check_binary_loss(losses.binary_cross_entropy_with_logits, oracle, z, y, options, layout)


@mp.workdps(50)
def logsumexp_exactly(row):
    if np.isnan(row).any():
        return nan
    if np.isinf(row).any() and (row == row.max()).any() and np.isinf(row.max()):
        return mpf(float(row.max()))
    return mp.log(mp.fsum(mp.exp(mpf(float(v))) for v in row))


@st.composite
def score_calls(draw):
    """An array of scores and one of its axes."""
    width = draw(widths)
    shape = draw(st.sampled_from([(1,), (4,), (0, 2), (2, 3), (2, 1, 2)]))
    x = draw(arrays(FLOATS[width], shape, elements=numbers(width)))
    return x, draw(st.integers(-len(shape), len(shape) - 1).filter(lambda axis: shape[axis] > 0)), draw(layouts())


def rows_of(x, axis):
    return np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis]).astype(np.float64)


@given(score_calls())
def test_logsumexp_of_any_array(drawn):
    """To some units of rounding of the largest entry, or of 1 where that is larger."""
    x, axis, layout = drawn
    due = [logsumexp_exactly(row) for row in rows_of(x, axis)]
    scale = [max(mpf(1), abs(v)) if mp.isfinite(v) else mpf(0) for v in due]
    assert_exact(call(losses.logsumexp, layout(x), axis), due, scale, x.dtype)


@given(score_calls())
def test_softmax_and_its_logarithm_of_any_array(drawn):
    x, axis, layout = drawn
    p, p_scale, log_p, log_scale = [], [], [], []
    for row in rows_of(x, axis):
        if spoilt(row):
            nats, shares, stretch = [nan] * len(row), [nan] * len(row), 0
        else:
            z = [mpf(float(v)) if np.isfinite(v) else -inf for v in row]
            nats, shares, _ = reference.softmax(z)
            ordered = sorted(v for v in z if v != -inf)
            stretch = max(mpf(1), ordered[-1] - ordered[-2]) if len(ordered) > 1 else mpf(1)
        p += shares
        p_scale += [
            v * max(1, n) if mp.isfinite(v) and mp.isfinite(n) else mpf(0) for v, n in zip(shares, nats, strict=True)
        ]
        log_p += [-v for v in nats]
        log_scale += [abs(v) * stretch if mp.isfinite(v) else mpf(0) for v in nats]
    for function, due, scale in ((losses.softmax, p, p_scale), (losses.log_softmax, log_p, log_scale)):
        got = call(function, layout(x), axis)
        moved = got.movedim(axis, -1) if isinstance(got, torch.Tensor) else np.moveaxis(got, axis, -1)
        assert_exact(moved, due, scale, x.dtype)


@given(score_calls())
def test_sigmoid_and_its_logarithm_of_any_array(drawn):
    x, _, layout = drawn
    due, logs = [], []
    for v in np.ravel(x).astype(np.float64).tolist():
        if np.isfinite(v):
            nats, p, _ = reference.softmax([mpf(0), mpf(v)])
            due.append(p[1])
            logs.append(-nats[1])
        else:
            due.append(nan if np.isnan(v) else mpf(v > 0))
            logs.append(nan if np.isnan(v) else mpf(0) if v > 0 else -inf)
    sizes = [abs(v) if mp.isfinite(v) else mpf(0) for v in logs]
    assert_exact(call(losses.sigmoid, layout(x)), due, [mpf(0) if mp.isnan(v) else v for v in due], x.dtype)
    assert_exact(call(losses.log_sigmoid, layout(x)), logs, sizes, x.dtype)


@given(st.data(), st.sampled_from(INTEGERS), st.sampled_from([(), (0,), (3,), (2, 2)]), layouts(), st.integers(1, 300))
def test_one_hot_of_any_labels(data, kind, shape, layout, classes):
    info = np.iinfo(kind)
    anything = st.one_of(st.integers(info.min, info.max), st.integers(0, min(classes - 1, info.max)))
    index = data.draw(arrays(kind, shape, elements=anything))
    try:
        got = plain(call(losses.one_hot, layout(index), classes))
    except Refused:
        assert any(not 0 <= int(v) < classes for v in np.ravel(index))
    else:
        assert got.shape == (*shape, classes)
        assert (got.sum(-1) == 1).all() and (got.argmax(-1) == index).all()


@pytest.mark.parametrize("wrap", [np.array, torch.tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize("label", [2**64 - 100, 2**63, 2**64 - 1])
def test_a_huge_unsigned_label_does_not_wrap_around(wrap, label):
    index = torch.tensor([label], dtype=torch.uint64) if wrap is torch.tensor else np.array([label], np.uint64)
    z = wrap([[1.0, 2.0]])
    for loss in (losses.cross_entropy, losses.nll_loss):
        with pytest.raises(IndexError, match=f"target holds {label}"):
            loss(z, index)
    with pytest.raises(IndexError, match=f"index holds {label}"):
        losses.one_hot(index, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_hundred_thousand_classes(dtype):
    """Equal logits cost log C to the last digits, a sure sample its tiny loss; the options mean the same."""
    c, eps = 100_000, np.finfo(dtype).eps
    z = np.zeros((2, c), dtype)
    assert abs(losses.cross_entropy(z, np.array([0, c - 1])) / np.log(c) - 1) < 4 * eps
    assert abs(losses.logsumexp(z)[0] / np.log(c) - 1) < 4 * eps
    assert abs(losses.cross_entropy(z, np.full((2, c), dtype(1) / dtype(c))) / np.log(c) - 1) < 8 * eps
    z[0, 7], y = 60, np.array([7, 7])
    due = (c - 1) * mp.exp(-60)
    assert abs(losses.cross_entropy(z, y, reduction="none")[0] / float(due) - 1) < 8 * 60 * eps
    assert abs(losses.softmax(z).sum() - 2) < 8 * eps * 17  # pairwise sums
    smoothed = 60 * 0.125 * (c - 1) / c  # the label's share costs next to nothing, each of the others 60
    assert abs(losses.cross_entropy(z[:1], y[:1], label_smoothing=0.125) / smoothed - 1) < 8 * eps
    assert np.array_equal(losses.one_hot(y, c).argmax(1), y)


SHAPES = [(), (0,), (2,), (2, 3), (3, 2), (2, 1), (1, 2), (2, 3, 1), (0, 3), (2, 0)]


DTYPES = [np.float16, np.float64, np.int64, np.uint8, np.bool_, np.complex128, np.longdouble, object, "U3", "M8[s]"]
anything = st.one_of(
    st.sampled_from([None, [0.0, 1.0], {}, np.array, np.float64(1.0), 10**30]),
    st.one_of(st.text(max_size=3), st.binary(max_size=3), st.booleans()),
    st.one_of(st.integers(), st.floats(), st.complex_numbers()),
    st.tuples(st.sampled_from(SHAPES), st.sampled_from(DTYPES)).map(lambda drawn: np.zeros(*drawn)),
    st.sampled_from([torch.zeros(2, 3), torch.zeros(2), torch.tensor([0, 1]), torch.zeros(2, 3, dtype=torch.bfloat16)]),
)


@given(st.data(), anything, anything)
def test_what_is_no_input_is_refused_in_a_sentence(data, first, second):
    """Whatever is given: a result, or an error that says what was expected."""
    option = {
        name: data.draw(anything)
        for name in data.draw(
            st.lists(st.sampled_from(["weight", "ignore_index", "label_smoothing", "reduction"]), max_size=2)
        )
    }
    for loss in (losses.cross_entropy, losses.nll_loss):
        _tried(loss, first, second, **option)
        option.pop("label_smoothing", None)
    option = {{"ignore_index": "pos_weight"}.get(name, name): value for name, value in option.items()}
    _tried(losses.binary_cross_entropy_with_logits, first, second, **option)
    option.pop("pos_weight", None)
    _tried(losses.binary_cross_entropy, first, second, **option)
    for function in (losses.logsumexp, losses.softmax, losses.log_softmax):
        _tried(function, first, second)
    if not (isinstance(second, int) and second > 10**6):  # a billion classes are right, and more than memory holds
        _tried(losses.one_hot, first, second)
    for function in (losses.sigmoid, losses.log_sigmoid):
        _tried(function, first)


def _tried(function, *arguments, **options):
    try:
        result = call(function, *arguments, **options)
    except Refused:
        return
    assert isinstance(result, np.ndarray | np.generic | torch.Tensor)


# laws of plain float64 arrays


@st.composite
def batches(draw, height=1e4):
    """Logits (N, C), labels, class weights, a smoothing and a reduction."""
    n, c = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    logit = st.floats(-height, height, allow_subnormal=False)
    z = np.array(draw(st.lists(logit, min_size=n * c, max_size=n * c))).reshape(n, c)
    y = np.array(draw(st.lists(st.integers(0, c - 1), min_size=n, max_size=n)))
    w = np.array(draw(st.lists(st.floats(0.125, 4), min_size=c, max_size=c)))
    return z, y, w, draw(st.sampled_from([0.0, 0.1, 1.0])), draw(st.sampled_from(["none", "mean", "sum"]))


def near(a, b, scale=1.0, units=64):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=units * EPS, atol=units * EPS * scale)


@given(batches(), st.integers(-1000, 1000))
def test_a_constant_added_to_the_logits_changes_nothing(batch, constant):
    z, y, w, smoothing, reduction = batch
    z = np.round(z * 1024) / 1024  # so that the shifted logits are exact
    options = {"weight": w, "label_smoothing": smoothing, "reduction": reduction}
    near(losses.cross_entropy(z + constant, y, **options), losses.cross_entropy(z, y, **options))
    near(losses.softmax(z + constant), losses.softmax(z))
    near(losses.logsumexp(z + constant), losses.logsumexp(z) + constant, scale=1e4)


@given(batches(), st.randoms(use_true_random=False))
def test_classes_may_be_listed_in_any_order(batch, random):
    z, y, w, smoothing, reduction = batch
    order = list(range(z.shape[1]))
    random.shuffle(order)
    place = np.argsort(order)
    a = losses.cross_entropy(z, y, weight=w, label_smoothing=smoothing, reduction=reduction)
    b = losses.cross_entropy(z[:, order], place[y], weight=w[order], label_smoothing=smoothing, reduction=reduction)
    near(a, b)


@given(batches())
def test_one_hot_rows_are_labels(batch):
    z, y, w, smoothing, _ = batch
    rows = losses.one_hot(y, z.shape[1]).astype(float)
    near(
        losses.cross_entropy(z, rows, weight=w, label_smoothing=smoothing, reduction="none"),
        losses.cross_entropy(z, y, weight=w, label_smoothing=smoothing, reduction="none"),
    )
    near(losses.cross_entropy(z, rows), losses.cross_entropy(z, y))


@given(batches())
def test_weights_of_one_change_nothing(batch):
    z, y, w, smoothing, reduction = batch
    ones = np.ones_like(w)
    options = {"label_smoothing": smoothing, "reduction": reduction}
    assert np.array_equal(losses.cross_entropy(z, y, weight=ones, **options), losses.cross_entropy(z, y, **options))
    assert np.array_equal(
        losses.nll_loss(z, y, weight=ones, reduction=reduction), losses.nll_loss(z, y, reduction=reduction)
    )
    p = losses.sigmoid(z)
    for loss, x in ((losses.binary_cross_entropy, p), (losses.binary_cross_entropy_with_logits, z)):
        assert np.array_equal(loss(x, p, weight=ones, reduction=reduction), loss(x, p, reduction=reduction))


@given(batches())
def test_losses_of_parts_make_the_loss_of_the_whole(batch):
    z, y, w, smoothing, _ = batch
    none, total = ({"weight": w, "label_smoothing": smoothing, "reduction": r} for r in ("none", "sum"))
    each = losses.cross_entropy(z, y, **none)
    near(losses.cross_entropy(np.concatenate([z, z[:1]]), np.append(y, y[0]), **none), np.append(each, each[0]))
    near(losses.cross_entropy(z, y, **total), each.sum())
    near(losses.cross_entropy(z, y, weight=w, label_smoothing=smoothing), each.sum() / w[y].sum())
    near(losses.nll_loss(z, y, weight=w), (w[y] * -z[np.arange(len(y)), y]).sum() / w[y].sum(), scale=1e5)


@given(batches())
def test_an_ignored_sample_is_as_good_as_absent(batch):
    z, y, w, smoothing, _ = batch
    longer, labels = np.concatenate([z, z[:1] + 1]), np.append(y, -100)
    for reduction in ("mean", "sum"):
        options = {"weight": w, "label_smoothing": smoothing, "reduction": reduction}
        near(losses.cross_entropy(longer, labels, **options), losses.cross_entropy(z, y, **options))
    near(losses.nll_loss(longer, labels, weight=w), losses.nll_loss(z, y, weight=w), scale=1e5)


@given(batches(height=300))
def test_cross_entropy_is_nll_of_log_softmax(batch):
    z, y, w, _, reduction = batch
    near(
        losses.cross_entropy(z, y, weight=w, reduction=reduction),
        losses.nll_loss(losses.log_softmax(z), y, weight=w, reduction=reduction),
    )


@given(st.lists(st.floats(-1e4, 1e4, allow_subnormal=False), min_size=1, max_size=6), st.floats(0, 1))
def test_binary_cross_entropy_is_the_two_class_case(z, y):
    z, y = np.array(z), np.full(len(z), y)
    two = np.stack([np.zeros_like(z), z], axis=1)
    near(
        losses.binary_cross_entropy_with_logits(z, y, reduction="none"),
        losses.cross_entropy(two, np.stack([1 - y, y], axis=1), reduction="none"),
    )
    near(losses.sigmoid(z), losses.softmax(two)[:, 1])


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=6), st.sampled_from([0.0, 1.0]))
def test_the_binary_losses_agree(z, y):
    z, y = np.array(z), np.full(len(z), y)
    p = losses.sigmoid(z)
    assume(np.all((p > 0) & (p < 1)))
    of_logits = losses.binary_cross_entropy_with_logits(z, y, reduction="none")
    np.testing.assert_allclose(
        losses.binary_cross_entropy(p, y, reduction="none"), of_logits, rtol=1e-9, atol=2 * EPS * np.exp(30)
    )


@given(batches())
def test_the_gradient_is_p_minus_y(batch):
    z, y, w, smoothing, _ = batch
    leaf = torch.tensor(z, requires_grad=True)
    losses.cross_entropy(
        leaf, torch.tensor(y), weight=torch.tensor(w), label_smoothing=smoothing, reduction="sum"
    ).backward()
    share = w * ((1 - smoothing) * np.eye(z.shape[1])[y] + smoothing / z.shape[1])
    gap = np.maximum(1, np.ptp(z, axis=1, keepdims=True))
    off = np.abs(leaf.grad.numpy() - (share.sum(1, keepdims=True) * losses.softmax(z) - share))
    assert (off <= 16 * EPS * share.sum(1, keepdims=True) * gap).all()


@given(batches())
def test_losses_are_not_negative_and_softmax_sums_to_one(batch):
    z, y, w, smoothing, reduction = batch
    assert (np.asarray(losses.cross_entropy(z, y, weight=w, label_smoothing=smoothing, reduction=reduction)) >= 0).all()
    near(losses.softmax(z).sum(1), np.ones(len(z)))
    assert (losses.log_softmax(z) <= 0).all()
