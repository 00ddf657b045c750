"""What must hold for all logits: invariances, autograd against p − y, and agreement with 50-digit arithmetic."""

import numpy as np
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from tests import reference
from xent_helpers.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    log_softmax,
    logsumexp,
    nll_loss,
    one_hot,
    sigmoid,
    softmax,
)

EPS = np.finfo(np.float64).eps
numbers = st.floats(-1e4, 1e4, allow_subnormal=False)


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
    near(cross_entropy(z + constant, y, **options), cross_entropy(z, y, **options))
    near(softmax(z + constant), softmax(z))
    near(logsumexp(z + constant), logsumexp(z) + constant, scale=1e4)


@given(batches(), st.randoms(use_true_random=False))
def test_classes_may_be_listed_in_any_order(batch, random):
    z, y, w, smoothing, reduction = batch
    order = list(range(z.shape[1]))
    random.shuffle(order)
    place = np.argsort(order)
    a = cross_entropy(z, y, weight=w, label_smoothing=smoothing, reduction=reduction)
    b = cross_entropy(z[:, order], place[y], weight=w[order], label_smoothing=smoothing, reduction=reduction)
    near(a, b)


@given(batches())
def test_one_hot_rows_are_labels(batch):
    z, y, w, smoothing, _ = batch
    rows = one_hot(y, z.shape[1]).astype(float)
    near(
        cross_entropy(z, rows, weight=w, label_smoothing=smoothing, reduction="none"),
        cross_entropy(z, y, weight=w, label_smoothing=smoothing, reduction="none"),
    )
    near(cross_entropy(z, rows), cross_entropy(z, y))


@given(batches())
def test_weights_of_one_change_nothing(batch):
    z, y, w, smoothing, reduction = batch
    ones = np.ones_like(w)
    options = {"label_smoothing": smoothing, "reduction": reduction}
    assert np.array_equal(cross_entropy(z, y, weight=ones, **options), cross_entropy(z, y, **options))
    assert np.array_equal(nll_loss(z, y, weight=ones, reduction=reduction), nll_loss(z, y, reduction=reduction))
    p = sigmoid(z)
    for loss, x in ((binary_cross_entropy, p), (binary_cross_entropy_with_logits, z)):
        assert np.array_equal(loss(x, p, weight=ones, reduction=reduction), loss(x, p, reduction=reduction))


@given(batches())
def test_losses_of_parts_make_the_loss_of_the_whole(batch):
    z, y, w, smoothing, _ = batch
    none, total = ({"weight": w, "label_smoothing": smoothing, "reduction": r} for r in ("none", "sum"))
    each = cross_entropy(z, y, **none)
    near(cross_entropy(np.concatenate([z, z[:1]]), np.append(y, y[0]), **none), np.append(each, each[0]))
    near(cross_entropy(z, y, **total), each.sum())
    near(cross_entropy(z, y, weight=w, label_smoothing=smoothing), each.sum() / w[y].sum())
    near(nll_loss(z, y, weight=w), (w[y] * -z[np.arange(len(y)), y]).sum() / w[y].sum(), scale=1e5)


@given(batches())
def test_an_ignored_sample_is_as_good_as_absent(batch):
    z, y, w, smoothing, _ = batch
    longer, labels = np.concatenate([z, z[:1] + 1]), np.append(y, -100)
    for reduction in ("mean", "sum"):
        options = {"weight": w, "label_smoothing": smoothing, "reduction": reduction}
        near(cross_entropy(longer, labels, **options), cross_entropy(z, y, **options))
    near(nll_loss(longer, labels, weight=w), nll_loss(z, y, weight=w), scale=1e5)


@given(batches(height=300))
def test_cross_entropy_is_nll_of_log_softmax(batch):
    z, y, w, _, reduction = batch
    near(cross_entropy(z, y, weight=w, reduction=reduction), nll_loss(log_softmax(z), y, weight=w, reduction=reduction))


@given(st.lists(numbers, min_size=1, max_size=6), st.floats(0, 1))
def test_binary_cross_entropy_is_the_two_class_case(z, y):
    z, y = np.array(z), np.full(len(z), y)
    two = np.stack([np.zeros_like(z), z], axis=1)
    near(
        binary_cross_entropy_with_logits(z, y, reduction="none"),
        cross_entropy(two, np.stack([1 - y, y], axis=1), reduction="none"),
    )
    near(sigmoid(z), softmax(two)[:, 1])


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=6), st.sampled_from([0.0, 1.0]))
def test_the_binary_losses_agree(z, y):
    z, y = np.array(z), np.full(len(z), y)
    p = sigmoid(z)
    assume(np.all((p > 0) & (p < 1)))
    of_logits = binary_cross_entropy_with_logits(z, y, reduction="none")
    np.testing.assert_allclose(
        binary_cross_entropy(p, y, reduction="none"), of_logits, rtol=1e-9, atol=2 * EPS * np.exp(30)
    )


@given(batches())
def test_the_gradient_is_p_minus_y(batch):
    z, y, w, smoothing, _ = batch
    leaf = torch.tensor(z, requires_grad=True)
    cross_entropy(leaf, torch.tensor(y), weight=torch.tensor(w), label_smoothing=smoothing, reduction="sum").backward()
    share = w * ((1 - smoothing) * np.eye(z.shape[1])[y] + smoothing / z.shape[1])
    gap = np.maximum(1, np.ptp(z, axis=1, keepdims=True))
    off = np.abs(leaf.grad.numpy() - (share.sum(1, keepdims=True) * softmax(z) - share))
    assert (off <= 16 * EPS * share.sum(1, keepdims=True) * gap).all()


@given(batches())
def test_losses_are_not_negative_and_softmax_sums_to_one(batch):
    z, y, w, smoothing, reduction = batch
    assert (np.asarray(cross_entropy(z, y, weight=w, label_smoothing=smoothing, reduction=reduction)) >= 0).all()
    near(softmax(z).sum(1), np.ones(len(z)))
    assert (log_softmax(z) <= 0).all()


@given(batches())
def test_values_against_50_digits(batch):
    z, y, w, smoothing, reduction = batch
    exact = reference.cross_entropy(z, y, weight=w, label_smoothing=smoothing)
    got = np.ravel(cross_entropy(z, y, weight=w, label_smoothing=smoothing, reduction=reduction))
    for g, e, scale in zip(got.tolist(), *exact.values(reduction), strict=True):
        assert abs(g - e) <= 4 * EPS * scale + 2.0**-1070


@given(
    st.lists(st.tuples(numbers, st.floats(0, 1, allow_subnormal=False), st.floats(0.125, 4)), min_size=1, max_size=5)
)
def test_binary_values_against_50_digits(rows):
    z, y, c = np.array(rows).T
    exact = reference.binary_cross_entropy_with_logits(z, y, pos_weight=c)
    got = binary_cross_entropy_with_logits(z, y, pos_weight=c, reduction="none")
    for g, e in zip(got.tolist(), exact.loss, strict=True):
        assert abs(g - e) <= 4 * EPS * e + 2.0**-1070
    p = sigmoid(z)
    exact = reference.binary_cross_entropy(p, y, weight=c)
    for g, e in zip(binary_cross_entropy(p, y, weight=c, reduction="none").tolist(), exact.loss, strict=True):
        assert abs(g - e) <= 4 * EPS * e + 2.0**-1070
