"""Limits and conventions of the losses: masks, infinities, empty batches, unusual arrays, second derivatives."""

import warnings

import array_api_strict
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from xent_helpers import losses
from xent_helpers.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    expected_surprisal,
    log_sigmoid,
    log_softmax,
    logsumexp,
    nll_loss,
    one_hot,
    sigmoid,
    softmax,
    softplus,
    surprisal,
)
from xent_helpers.sums import total_without_drift

INF, NAN = float("inf"), float("nan")
LIBRARIES = [np, torch, array_api_strict]


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def value_and_gradient(loss, x, *args, **kwargs):
    x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    result = loss(x, *(torch.tensor(a) for a in args), **kwargs)
    result.sum().backward()
    return result.detach().tolist(), x.grad.tolist()


def on(library, *arrays):
    return [library.asarray(a) if library is not torch else torch.as_tensor(a) for a in arrays]


def assert_gives(result, expected, rtol=1e-12):
    np.testing.assert_allclose(np.asarray(result), expected, rtol=rtol, atol=0)


# masks and infinities of cross_entropy


def test_a_masked_rival_has_probability_zero():
    loss, gradient = value_and_gradient(cross_entropy, [0.0, -INF, 1.0], 0)
    p = 1 / (1 + np.exp(-1))
    assert_gives(loss, np.log1p(np.e))
    assert_gives(gradient, [-p, 0, p])


def test_a_masked_true_class_costs_infinity_with_gradient_p_minus_y():
    loss, gradient = value_and_gradient(cross_entropy, [0.0, -INF, 0.0], 1)
    assert loss == INF and gradient == [0.5, -1, 0.5]


def test_a_masked_class_costs_nothing_where_the_target_gives_it_nothing():
    """0 · ∞ = 0, where torch gives NaN."""
    loss, gradient = value_and_gradient(cross_entropy, [0.0, -INF, 0.0], [0.5, 0.0, 0.5])
    assert_gives(loss, np.log(2))
    assert gradient == [0, 0, 0]


def test_smoothing_spends_on_masked_classes_too():
    loss, gradient = value_and_gradient(cross_entropy, [0.0, -INF, 0.0], 0, label_smoothing=0.3)
    assert loss == INF
    assert_gives(gradient, [0.5 - 0.8, -0.1, 0.5 - 0.1])


def test_a_class_of_weight_zero_costs_nothing_even_masked():
    weight = torch.tensor([0.0, 1.0, 1.0])
    loss, gradient = value_and_gradient(cross_entropy, [-INF, 0.0, 1.0], 0, weight=weight, reduction="sum")
    assert loss == 0 and gradient == [0, 0, 0]
    loss, gradient = value_and_gradient(nll_loss, [-INF, 0.0, 1.0], 0, weight=weight, reduction="sum")
    assert loss == 0 and gradient == [0, 0, 0]


@pytest.mark.parametrize("row", [[-INF, -INF], [INF, 0.0], [INF, INF], [INF, -INF], [NAN, 0.0]])
def test_a_row_masked_whole_or_with_plus_infinity_or_nan_gives_nan(row):
    for target in (0, 1):
        loss, gradient = value_and_gradient(cross_entropy, row, target)
        assert np.isnan(loss) and np.isnan(gradient).all()
        assert np.isnan(F.cross_entropy(torch.tensor(row), torch.tensor(target)).item())


@pytest.mark.parametrize("smoothing", [0.0, 0.125])
def test_a_mean_over_weights_that_sum_to_0_is_nan(smoothing):
    """As torch's: with smoothing there is something to divide, and dividing it by 0 would give +inf."""
    options = {"weight": np.array([1.0, 0.0]), "label_smoothing": smoothing}
    assert np.isnan(losses.cross_entropy(np.array([[1.0, 3.0]]), np.array([1]), **options))
    options["weight"] = torch.tensor(options["weight"])
    for loss in (losses.cross_entropy, F.cross_entropy):
        assert loss(torch.tensor([[1.0, 3.0]]).double(), torch.tensor([1]), **options).isnan()
        assert loss(torch.tensor([[1.0, 3.0]]).double(), torch.tensor([1]), **options, reduction="sum").isfinite()


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_what_an_ignored_row_holds_does_not_count(bad):
    rows = [[bad, bad, 0.0], [1.0, 1.0, 1.0]]
    loss, gradient = value_and_gradient(cross_entropy, rows, [-100, 2])
    assert_gives(loss, np.log(3))
    assert gradient[0] == [0, 0, 0]
    assert_gives(gradient[1], [1 / 3, 1 / 3, -2 / 3])
    loss, gradient = value_and_gradient(cross_entropy, rows, [1, 2], ignore_index=1, label_smoothing=0.1)
    assert_gives(loss, np.log(3))
    assert gradient[0] == [0, 0, 0]
    loss, gradient = value_and_gradient(nll_loss, rows, [7, 2], ignore_index=7)
    assert loss == -1 and gradient == [[0, 0, 0], [0, 0, -1]]


def test_an_ignored_index_inside_the_classes_counts_as_rival_only():
    loss, gradient = value_and_gradient(cross_entropy, [[0.0, 0.0], [0.0, 0.0]], [0, 1], ignore_index=0)
    assert_gives(loss, np.log(2))
    assert gradient == [[0, 0], [0.5, -0.5]]


def test_nll_reads_only_the_target_entry():
    loss, gradient = value_and_gradient(nll_loss, [[NAN, -1.5, INF]], [1])
    assert loss == 1.5 and gradient == [[0, -1, 0]]
    loss, gradient = value_and_gradient(nll_loss, [[-INF, -1.5]], [0])
    assert loss == INF and gradient == [[-1, 0]]


# nothing to average, one class


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("shape", [(0, 3), (2, 3, 0), (0, 3, 2)])
def test_empty_batches(library, shape):
    target_shape = (shape[0], *shape[2:])
    z, y, q = on(library, np.zeros(shape), np.zeros(target_shape, np.int64), np.zeros(shape))
    for target, loss in ((y, cross_entropy), (q, cross_entropy), (y, nll_loss)):
        assert np.isnan(float(loss(z, target)))
        assert float(loss(z, target, reduction="sum")) == 0
        assert tuple(loss(z, target, reduction="none").shape) == target_shape
    for loss in (binary_cross_entropy, binary_cross_entropy_with_logits):
        assert np.isnan(float(loss(z, q)))
        assert float(loss(z, q, reduction="sum")) == 0
        assert tuple(loss(z, q, reduction="none").shape) == shape


@pytest.mark.parametrize("loss", [cross_entropy, nll_loss])
def test_all_targets_ignored(loss):
    x, y = [[1.0, 2.0], [3.0, 4.0]], [-100, -100]
    assert value_and_gradient(loss, x, y, reduction="sum") == (0, [[0, 0], [0, 0]])
    assert value_and_gradient(loss, x, y, reduction="none") == ([0, 0], [[0, 0], [0, 0]])
    mean, gradient = value_and_gradient(loss, x, y)
    assert np.isnan(mean) and gradient == [[0, 0], [0, 0]]


def test_kept_weights_of_zero_leave_nothing_to_divide_by():
    weight = torch.tensor([0.0, 1.0])
    for loss in (cross_entropy, nll_loss):
        assert np.isnan(value_and_gradient(loss, [[1.0, 2.0]], [0], weight=weight)[0])


def test_one_class_costs_nothing():
    assert value_and_gradient(cross_entropy, [[3.0], [-1e4]], [0, 0]) == (0, [[0], [0]])
    assert value_and_gradient(cross_entropy, [[3.0]], [[0.5]]) == (0, [[0]])
    assert value_and_gradient(cross_entropy, [3.0], 0, label_smoothing=0.5) == (0, [0])


# the binary losses


def test_infinite_logits_give_the_limit():
    loss, gradient = value_and_gradient(
        binary_cross_entropy_with_logits, [INF, -INF, INF, -INF], [1.0, 0.0, 0.0, 1.0], reduction="none"
    )
    assert loss == [0, 0, INF, INF] and gradient == [0, 0, 1, -1]
    loss, gradient = value_and_gradient(
        binary_cross_entropy_with_logits, [INF, -INF], [0.5, 0.5], reduction="none", pos_weight=torch.tensor(0.0)
    )
    assert loss == [INF, 0] and gradient == [0.5, 0]


def test_a_weight_of_zero_silences_an_infinite_loss():
    loss, gradient = value_and_gradient(
        binary_cross_entropy_with_logits, [INF, 0.0], [0.0, 0.0], weight=torch.tensor([0.0, 1.0])
    )
    assert_gives(loss, np.log(2) / 2)
    assert gradient == [0, 0.25]


def test_logarithms_of_probabilities_are_clamped_at_minus_100():
    p, y = [0.0, 0.0, 1.0, 1.0, 1e-44, 1e-43], [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    loss, gradient = value_and_gradient(binary_cross_entropy, p, y, reduction="none")
    assert_gives(loss, [100, 0, 100, 0, 100, -np.log(1e-43)])
    assert_gives(gradient, [0, 1, 0, -1, 0, -1e43])
    p, y = torch.tensor(p, dtype=torch.float64), torch.tensor(y, dtype=torch.float64)
    assert_gives(loss, F.binary_cross_entropy(p, y, reduction="none"))


def test_soft_targets_at_the_ends_keep_the_term_that_is_not_clamped():
    loss, gradient = value_and_gradient(binary_cross_entropy, [0.0, 1.0], [0.25, 0.25], reduction="none")
    assert loss == [25, 75] and gradient == [0.75, -0.25]


def test_pos_weight_multiplies_the_positive_term_only():
    z, y = np.array([1.0, 1.0]), np.array([1.0, 0.0])
    plain = binary_cross_entropy_with_logits(z, y, reduction="none")
    heavy = binary_cross_entropy_with_logits(z, y, pos_weight=np.array(3.0), reduction="none")
    assert_gives(heavy, plain * [3, 1])
    assert_gives(binary_cross_entropy_with_logits(z, y, pos_weight=np.array(3.0)), heavy.sum() / 2)


def test_binary_weights_do_not_change_the_divisor():
    p, y, w = np.array([[0.9, 0.2], [0.5, 0.5]]), np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([2.0, 0.5])
    each = binary_cross_entropy(p, y, reduction="none")
    assert_gives(binary_cross_entropy(p, y, weight=w), (each * w).sum() / 4)


# the worked examples


def test_the_worked_examples_of_the_course():
    z, y = np.array([[1.0, 2.0, 0.1]]), np.array([1])
    assert f"{binary_cross_entropy(np.array([0.9]), np.array([1.0])):.6f}" == "0.105361"
    assert f"{nll_loss(np.log(np.array([[0.2, 0.7, 0.1]])), y):.6f}" == "0.356675"
    assert f"{binary_cross_entropy_with_logits(np.array([2.0]), np.array([1.0])):.6f}" == "0.126928"
    assert f"{cross_entropy(z, y):.6f}" == "0.417030"


@pytest.mark.parametrize("library", LIBRARIES)
def test_means_and_weights_by_hand(library):
    z = np.array([[1.0, 2.0], [3.0, 1.0], [0.0, 0.0]])
    y, w = np.array([0, 1, 1]), np.array([0.5, 2.0])
    each = np.log(np.exp(z).sum(1)) - z[[0, 1, 2], y]
    za, ya, wa = on(library, z, y, w)
    assert_gives(cross_entropy(za, ya, reduction="none"), each)
    assert_gives(cross_entropy(za, ya), each.mean())
    assert_gives(cross_entropy(za, ya, weight=wa), (each * w[y]).sum() / w[y].sum())
    assert_gives(cross_entropy(za, ya, weight=wa, ignore_index=0), each[1:].mean())
    (qa,) = on(library, np.eye(2)[y])
    assert_gives(cross_entropy(za, qa, weight=wa), (each * w[y]).sum() / 3)
    log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
    q = 0.8 * np.eye(2)[y] + 0.1
    assert_gives(
        cross_entropy(za, ya, weight=wa, label_smoothing=0.2, reduction="none"), -(w * q * log_p).sum(1), rtol=1e-14
    )


# kernels and elementary functions


def test_kernels():
    z = np.array([[1.0, 2.0, 0.1], [0.0, 0.0, 0.0], [-1e4, 1e4, 0.0], [40.0, 0.0, -1.0]])
    expected = np.log(np.exp(z[:2]).sum(1, keepdims=True)) - z[:2]
    for c in range(3):
        favoured = np.broadcast_to(np.arange(3) == c, z.shape)
        assert_gives(surprisal(z, favoured)[:2], expected, rtol=1e-15)
    assert_gives(surprisal(z, np.broadcast_to(np.arange(3) == 1, z.shape))[2], [2e4, 0, 1e4])
    assert_gives(surprisal(z, np.broadcast_to(np.arange(3) == 0, z.shape))[3, 0], np.log1p(np.exp(-40) + np.exp(-41)))
    q = np.eye(3)[:2]
    assert_gives(expected_surprisal(z[:2], q), [expected[0, 0], expected[1, 1]], rtol=1e-15)
    assert_gives(expected_surprisal(z[0], q[0]), expected[0, 0], rtol=1e-15)  # any number of axes before the classes
    assert_gives(expected_surprisal(z[None, :2, :], q[None]), [[expected[0, 0], expected[1, 1]]], rtol=1e-15)
    x = np.array([-1e4, -40.0, 0.0, 40.0, 1e4, -INF, INF])
    assert_gives(softplus(x), [0, np.log1p(np.exp(-40)), np.log(2), 40, 1e4, 0, INF], rtol=1e-15)


@pytest.mark.parametrize("library", [np, torch])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_equal_terms_are_summed_without_drift(library, dtype):
    rng = np.random.default_rng(0)
    eps = np.finfo(dtype).eps
    for n in (3, 10, 100, 999, 5000):
        for size in (1.0, 1e-3, 30.0):
            terms = np.full(n, size * rng.uniform(1, 2), dtype=dtype)
            terms[rng.random(n) < 0.3] = 0  # what is ignored has no part in it
            exact = terms.max().astype(np.longdouble) * np.count_nonzero(terms)
            (given,) = on(library, terms)
            assert abs(np.asarray(total_without_drift(given)).astype(np.longdouble) - exact) <= 0.75 * eps * exact


def test_sums_without_drift_keep_infinities_and_nan():
    assert total_without_drift(np.array([1.0, INF, 2.0])) == INF
    assert total_without_drift(np.array([INF, INF])) == INF
    with np.errstate(over="ignore"):
        assert total_without_drift(np.array([1e300, 1e300])) == 2e300
    assert total_without_drift(np.array([1e-300, 0.0, 1e-300])) == 2e-300
    assert total_without_drift(np.array([1.0, -1.0, 0.0])) == 0
    assert np.isnan(total_without_drift(np.array([1.0, NAN])))
    assert total_without_drift(np.zeros((2, 3))).tolist() == [0, 0]
    assert total_without_drift(np.zeros((2, 0))).tolist() == [0, 0]


def test_torch_func_differentiates_the_kernel():
    z, q = torch.tensor([[1.0, 2.0, 0.1]], dtype=torch.float64), torch.tensor([[0.2, 0.7, 0.1]], dtype=torch.float64)
    slope = torch.func.grad(lambda z: expected_surprisal(z, q).sum())(z)
    assert_gives(slope, torch.softmax(z, -1) - q)
    curvature = torch.func.hessian(lambda z: expected_surprisal(z, q[0][None])[0])(z)[0, :, 0]
    p = torch.softmax(z[0], -1)
    assert_gives(curvature, torch.diag(p) - torch.outer(p, p), rtol=1e-10)
    per_sample = torch.func.vmap(torch.func.grad(lambda z, q: expected_surprisal(z[None], q[None])[0]))(z, q)
    assert_gives(per_sample, slope)


def test_elementary_functions_default_to_the_last_axis():
    x = np.array([[0.0, 1.0, 2.0], [3.0, 3.0, 3.0]])
    for f in (logsumexp, log_softmax, softmax):
        assert_gives(f(x), f(x, axis=1))


def test_elementary_functions_at_the_limits():
    assert logsumexp(np.array([-INF, -INF])) == -INF
    assert logsumexp(np.array([INF, 0.0])) == INF
    assert logsumexp(np.array([-INF, 2.0])) == 2
    assert_gives(softmax(np.array([-INF, 0.0, 0.0])), [0, 0.5, 0.5])
    assert np.isnan(softmax(np.array([-INF, -INF]))).all()
    assert np.isnan(softmax(np.array([INF, 0.0]))).all()
    assert_gives(log_softmax(np.array([-INF, 0.0, 0.0])), [-INF, -np.log(2), -np.log(2)])
    assert np.isnan(log_softmax(np.array([-INF, -INF]))).all()
    assert np.isnan(log_softmax(np.array([INF, 0.0]))).all()
    assert sigmoid(np.array([-INF, INF, 0.0])).tolist() == [0, 1, 0.5]
    assert log_sigmoid(np.array([-INF, INF])).tolist() == [-INF, 0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_elementary_functions_keep_the_type_and_round_once(dtype):
    x = torch.linspace(-12, 12, 50).to(dtype)
    for f, exact in (
        (lambda x: logsumexp(x), lambda x: torch.logsumexp(x, -1)),
        (log_softmax, lambda x: torch.log_softmax(x, -1)),
        (softmax, lambda x: torch.softmax(x, -1)),
        (sigmoid, torch.sigmoid),
        (log_sigmoid, F.logsigmoid),
    ):
        result = f(x)
        assert result.dtype == dtype
        eps, smallest = torch.finfo(dtype).eps, torch.finfo(dtype).smallest_normal
        gap = 24 if f in (softmax, logsumexp) and eps < 1e-6 else 1  # a distance from the largest is rounded first
        torch.testing.assert_close(result.double(), exact(x.double()), rtol=4 * eps * gap, atol=smallest)


def test_elementary_gradients_at_ties_and_at_zero():
    x = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    for f, expected in (
        (logsumexp, [0.5, 0.5]),
        (lambda x: log_softmax(x)[0], [0.5, -0.5]),
        (lambda x: softmax(x)[0], [0.25, -0.25]),
        (lambda x: sigmoid(x).sum(), [0.25, 0.25]),
        (lambda x: log_sigmoid(x).sum(), [0.5, 0.5]),
        (lambda x: softplus(x).sum(), [0.5, 0.5]),
    ):
        assert torch.autograd.grad(f(x), x)[0].tolist() == expected


# derivatives


def test_gradcheck_and_gradgradcheck():
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(4, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    q = torch.softmax(torch.randn(4, 3, dtype=torch.float64, generator=generator), 1).requires_grad_()
    w = torch.rand(3, dtype=torch.float64, generator=generator).requires_grad_()
    y = torch.tensor([0, 2, -100, 1])
    for reduction in ("none", "mean", "sum"):
        for check in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):
            of_labels = {"label_smoothing": 0.1, "reduction": reduction}
            assert check(lambda z, w, o=of_labels: cross_entropy(z, y, weight=w, **o), (z, w))
            assert check(lambda z, q, w, r=reduction: cross_entropy(z, q, weight=w, reduction=r), (z, q, w))
            assert check(lambda z, r=reduction: cross_entropy(z, y, reduction=r), (z,))
            assert check(lambda z, w, r=reduction: nll_loss(z, y, weight=w, reduction=r), (z, w))
            assert check(lambda z, q, w: binary_cross_entropy_with_logits(z, q, weight=w, pos_weight=w), (z, q, w))
            assert check(lambda z, q, w: binary_cross_entropy(torch.sigmoid(z), q, weight=w), (z, q, w))


def test_the_hessian_of_equal_logits_is_right():
    """diag(p) − pp⊤, where training starts: at a tie a maximum of max or abs would spoil the second derivative."""
    z = torch.zeros(3, dtype=torch.float64)
    curvature = torch.func.hessian(lambda z: cross_entropy(z, torch.tensor(1)))(z)
    assert_gives(curvature, np.eye(3) / 3 - 1 / 9, rtol=1e-14)
    curvature = torch.func.hessian(lambda z: log_softmax(z)[2])(z)
    assert_gives(curvature, -np.eye(3) / 3 + 1 / 9, rtol=1e-14)


def test_gradients_of_targets_and_weights():
    z = torch.tensor([[0.0, 1.0, -INF]], dtype=torch.float64)
    q = torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    w = torch.tensor([0.0, 1.0, 1.0], dtype=torch.float64, requires_grad=True)
    cross_entropy(z, q, weight=w, reduction="sum").backward()
    nats = np.log1p(np.e) - z[0].numpy()
    assert_gives(q.grad, [[0, nats[1], 0]])  # ∂/∂q_c = w_c · nats; the masked class is held to cost nothing
    assert_gives(w.grad, [0, nats[1], 0])
    w.grad = None
    nll_loss(torch.tensor([[-2.0, 0.0, NAN]]).double(), torch.tensor([0]), weight=w, reduction="sum").backward()
    assert w.grad.tolist() == [2, 0, 0]


# types, memory, unusual arrays


def test_result_types():
    z = {t: torch.zeros(2, 3, dtype=t) for t in (torch.float16, torch.bfloat16, torch.float32, torch.float64)}
    y = torch.tensor([0, 1])
    for one, a in z.items():
        assert cross_entropy(a, y).dtype == one
        for other, b in z.items():
            wide = torch.promote_types(one, other)
            assert cross_entropy(a, b).dtype == wide
            assert binary_cross_entropy_with_logits(a, b).dtype == wide
            assert binary_cross_entropy(a, b, reduction="none").dtype == wide
            assert cross_entropy(a, y, weight=torch.ones(3, dtype=other)).dtype == one
            assert binary_cross_entropy(a, a, weight=torch.ones(3, dtype=other)).dtype == one


def test_a_class_weight_is_rounded_to_the_type_of_the_logits():
    w = np.array([0.1, 0.7, 1.3])
    z, y = np.zeros((1, 3), np.float16), np.array([1])
    result = cross_entropy(z.astype(np.float16), y, weight=w, reduction="sum")
    assert result == np.float16(np.float32(np.float16(0.7)) * np.float32(np.log(3)))
    q = np.array([[0.0, 1.0, 0.0]])
    assert_gives(cross_entropy(z, q, weight=w), float(np.float16(0.7)) * np.log(3))
    assert_gives(
        cross_entropy(z, y, weight=w, reduction="none").dtype == np.float16
        and nll_loss(np.full((1, 3), -1.0, np.float16), y, weight=w, reduction="none"),
        np.float16(0.7),
    )


def smoothed(x, y, **options):
    return cross_entropy(np.stack([x, 2 * x], 1), np.stack([y, y], 1), label_smoothing=0.1, **options)


@pytest.mark.parametrize("loss", [smoothed, binary_cross_entropy, binary_cross_entropy_with_logits])
def test_mixed_types_are_computed_in_the_wider_one(loss):
    """Each array is converted first; weights to the type of the result."""
    rng = np.random.default_rng(0)
    x, y, w = rng.uniform(0.1, 0.9, (3, 50))
    x32, y32, w32 = (a.astype(np.float32) for a in (x, y, w))
    wide = loss(x32.astype(np.float64), y, reduction="none")
    assert np.array_equal(loss(x32, y, reduction="none"), wide)
    wide = loss(x, y32.astype(np.float64), reduction="none")
    assert np.array_equal(loss(x, y32, reduction="none"), wide)
    names = {"binary_cross_entropy": ["weight"], "binary_cross_entropy_with_logits": ["weight", "pos_weight"]}
    for name in names.get(loss.__name__, []):
        rounded = loss(x32, y32, reduction="none", **{name: w32})
        assert rounded.dtype == np.float32
        assert np.array_equal(loss(x32, y32, reduction="none", **{name: w}), rounded)


def test_half_types_are_summed_in_float32():
    assert float(cross_entropy(torch.zeros(1, 70_000, dtype=torch.float16), torch.tensor([0]))) == 11.15625
    assert (
        float(cross_entropy(torch.zeros(5000, 10, dtype=torch.bfloat16), torch.zeros(5000, dtype=torch.int64)))
        == 2.296875
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.int32, np.int64, np.uint16, np.uint32, np.uint64])
def test_labels_of_any_integer_type(dtype):
    z, y = np.array([[1.0, 2.0, 0.1], [0.0, 0.0, 5.0]]), np.array([1, 2])
    expected = cross_entropy(z, y)
    for library in (np, torch, array_api_strict):
        za, ya = on(library, z, y.astype(dtype))
        assert float(cross_entropy(za, ya)) == expected
        assert_gives(nll_loss(za, ya), -3.5)
        assert np.asarray(one_hot(ya, 3)).tolist() == [[0, 1, 0], [0, 0, 1]]


def test_many_classes_with_narrow_labels():
    z = np.zeros((2, 100_000), np.float32)
    z[1, 200] = 30
    assert_gives(
        cross_entropy(z, np.array([3, 200], np.uint8), reduction="none"), [np.log(1e5), 99_999 * np.exp(-30)], rtol=1e-6
    )


def calls(z, y, q, w):
    """Every loss on arrays of the same meaning: logits (4, 3), labels, probabilities and class weights."""
    for reduction in ("none", "mean", "sum"):
        yield cross_entropy(z, y, weight=w, label_smoothing=0.1, reduction=reduction)
        yield cross_entropy(z, q, weight=w, reduction=reduction)
        yield nll_loss(z, y, weight=w, ignore_index=1, reduction=reduction)
        yield binary_cross_entropy(q, q, weight=w, reduction=reduction)
        yield binary_cross_entropy_with_logits(z, q, weight=w, pos_weight=w, reduction=reduction)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return [rng.normal(0, 3, (4, 3)), np.array([0, 2, 1, 1]), rng.dirichlet(np.ones(3), 4), rng.uniform(0.5, 2, 3)]


def test_inputs_stay_as_they_are_and_may_be_read_only(arrays):
    before = [a.copy() for a in arrays]
    for a in arrays:
        a.flags.writeable = False
    expected = list(calls(*before))
    for result, e in zip(calls(*arrays), expected, strict=True):
        assert_gives(result, e)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


def test_strided_reversed_and_byte_swapped_arrays(arrays):
    expected = list(calls(*arrays))
    variants = [
        [np.asfortranarray(a) for a in arrays],
        [np.repeat(a, 2, axis=-1)[..., ::2] for a in arrays],
        [a[..., ::-1].copy()[..., ::-1] for a in arrays],
        [a.astype(a.dtype.newbyteorder()) for a in arrays],
    ]
    for variant in variants:
        for result, e in zip(calls(*variant), expected, strict=True):
            assert_gives(result, e, rtol=1e-14)
    strided = [torch.tensor(np.repeat(a, 2, axis=-1))[..., ::2] for a in arrays]
    for result, e in zip(calls(*strided), expected, strict=True):
        assert_gives(result, e, rtol=1e-14)


def test_numpy_torch_and_strict_give_the_same(arrays):
    for result, same, strict in zip(
        calls(*arrays), calls(*on(torch, *arrays)), calls(*on(array_api_strict, *arrays)), strict=True
    ):
        assert isinstance(same, torch.Tensor) and type(strict) is type(array_api_strict.asarray(0))
        assert_gives(same, np.asarray(result), rtol=1e-14)
        assert np.array_equal(np.asarray(strict), result)


def test_results_stay_on_the_device_of_the_input(arrays):
    seen = 0
    for device in array_api_strict.__array_namespace_info__().devices():
        if "x64" in str(device):
            continue  # a device without int64, in which labels are held
        narrow = [a if a.dtype == np.int64 else a.astype(np.float32) for a in arrays]  # one has no float64
        given = [array_api_strict.asarray(a, device=device) for a in narrow]
        for result in calls(*given):
            assert result.device == device
        assert one_hot(given[1], 3).device == device
        seen += 1
        for f in (logsumexp, softmax, log_softmax, sigmoid, log_sigmoid):
            assert f(given[0]).device == device
    assert seen >= 3


def test_single_numbers_and_single_samples():
    assert_gives(binary_cross_entropy_with_logits(np.array(2.0), np.array(1.0)), np.log1p(np.exp(-2)))
    assert_gives(binary_cross_entropy(np.array(0.9), np.array(1.0), weight=np.array(2.0)), -2 * np.log(0.9))
    z = np.array([1.0, 2.0, 0.1])
    for reduction in ("none", "mean", "sum"):
        assert_gives(cross_entropy(z, np.array(1), reduction=reduction), 0.4170300162778335)
        assert_gives(cross_entropy(z, np.array([0.0, 1.0, 0.0]), reduction=reduction), 0.4170300162778335)
        assert_gives(nll_loss(np.log(z), np.array(0), reduction=reduction), 0)


def test_classes_lie_on_axis_1(arrays):
    rng = np.random.default_rng(1)
    z, y = rng.normal(size=(2, 3, 4, 5)), rng.integers(0, 3, (2, 4, 5))
    flat = cross_entropy(np.moveaxis(z, 1, -1).reshape(-1, 3), y.reshape(-1), reduction="none")
    assert_gives(cross_entropy(z, y, reduction="none"), flat.reshape(2, 4, 5))
    assert_gives(cross_entropy(z, y), flat.mean())


def test_defaults_are_those_of_torch():
    z, y = torch.tensor([[1.0, 2.0], [0.0, 3.0]]), torch.tensor([0, -100])
    assert_gives(cross_entropy(z, y), F.cross_entropy(z, y), rtol=1e-6)
    assert_gives(nll_loss(z, y), F.nll_loss(z, y))
    assert_gives(
        binary_cross_entropy(torch.sigmoid(z), z / 3), F.binary_cross_entropy(torch.sigmoid(z), z / 3), rtol=1e-6
    )
    assert_gives(binary_cross_entropy_with_logits(z, z / 3), F.binary_cross_entropy_with_logits(z, z / 3), rtol=1e-6)
