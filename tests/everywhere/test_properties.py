"""Every public helper on every kind of array and number: the right value, or the documented error.

The losses have files of their own. What is right comes from arithmetic with many digits, from autograd, or from a law
that the helper must keep. ``functions.py`` lists the helpers, so a new one is tried here too.
"""

import copy
import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mpmath import inf, mp, mpf

from tests.everywhere.functions import STANDARD, Inputs, arrays_in, public
from tests.odd_arrays import (
    INTEGERS,
    LAYOUTS,
    TENSORS,
    Refused,
    call,
    distributions,
    layouts,
    numbers,
    plain,
    result_or_refusal,
    shares,
)
from xent_helpers import calibration, coding, data, fused, gradients, information, likelihood, losses, targets, training

PUBLIC = public()
HELPERS = [name for name in STANDARD if not name.startswith(("validation", "sums"))]
EPS = np.finfo(np.float64).eps


def near(got, due, units=16.0, scale=0.0):
    """Within some units of rounding of the value itself, or of a magnitude that it came from; same NaN and inf."""
    got, due = plain(got), np.asarray(due, dtype=np.float64)
    assert got.shape == due.shape
    np.testing.assert_allclose(got, due, rtol=units * EPS, atol=units * EPS * scale + 2.0**-1070)


@pytest.mark.parametrize("layout", [*LAYOUTS, *TENSORS])
def test_layout_and_byte_order_change_no_value(layout):
    place = (LAYOUTS | TENSORS)[layout]
    for name in HELPERS:
        usual = Inputs(np.array, np.float64, np.int64)
        odd = Inputs(lambda values, dtype: place(np.array(values, dtype)), np.float64, np.int64)
        before = copy.deepcopy(odd)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            results = [arrays_in(STANDARD[name](PUBLIC[name], one)) for one in (odd, usual)]
        for got, due in zip(*results, strict=True):
            np.testing.assert_allclose(plain(got), due, rtol=8 * EPS, atol=8 * EPS, err_msg=name)
        for kept, was in zip(vars(odd).values(), vars(before).values(), strict=True):
            assert not isinstance(kept, np.ndarray | torch.Tensor) or np.array_equal(plain(kept), plain(was)), name


@st.composite
def odd_inputs(draw):
    """Inputs of the usual shapes, with NaN, infinities, subnormal and other odd numbers in any of them."""
    dtype, layout = draw(st.sampled_from([np.float64, np.float32, np.float16])), draw(layouts())
    width = np.finfo(dtype).bits

    def array(values, kind):
        shape = np.shape(values)
        if kind is not dtype or draw(st.integers(0, 2)) == 0:
            return layout(np.array(values, kind))
        elements = draw(st.sampled_from([shares(width, odd=True), numbers(width), numbers(width, most=6e4)]))
        return layout(draw(arrays(kind, shape, elements=elements)))

    return Inputs(array, dtype, draw(st.sampled_from(INTEGERS)))


@given(odd_inputs())
def test_odd_numbers_give_a_result_or_a_sentence(inputs):
    for name in HELPERS:
        _tried(STANDARD[name], name, inputs)


# Kernels, which the chapters show, and whose docstrings say that they check nothing; and two whose arguments already
# warn: the differences of a function that may be infinite, the product that makes the logits of a teacher.
UNCHECKED = {"mean_surprise", "surprisal", "label_surprisal", "expected_surprisal", "softplus", "slope_and_curvature"}
UNCHECKED |= {"finite_differences", "distillation_loss"}


def _tried(use, name, inputs):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore" if name.rpartition(".")[2] in UNCHECKED else "error")
            use(PUBLIC[name], inputs)
    except (ValueError, TypeError, IndexError) as error:
        assert ", expected " in str(error), f"{name}: {type(error).__name__}: {error}"


NO_INPUT = [
    *(None, "abc", 3, 0.5, True, 1j, [0.5, 0.5], {}, -3, math.nan, np.float64(0.5)),
    *(np.zeros(shape) for shape in [(), (0,), (0, 3), (3, 0), (2, 3), (2, 3, 1), (3,)]),
    *(np.zeros(3, dtype) for dtype in (bool, int, complex, object, "U2")),
    *(np.array([0.5, 0.25, 0.25]), np.array([[0.5, 0.25, 0.25]]), np.array([0, 1, 2], np.uint8), np.full(3, np.inf)),
    *(torch.zeros(3), torch.zeros(2, 3).half(), torch.tensor([0, 1, 2]), torch.zeros(3, dtype=torch.uint64)),
]
TAKE_ANYTHING = {  # how many of a module's first arguments are drawn: by number, its functions
    "information": {1: "entropy perplexity nats_to_bits", 2: "cross_entropy kl_divergence brier_score"},
    "likelihood": {
        1: "bernoulli_mle",
        2: "class_counts bernoulli_log_likelihood categorical_log_likelihood categorical_mle",
    },
    "coding": {1: "shannon_lengths huffman_code"},
    "gradients": {
        1: "softmax_jacobian cross_entropy_hessian",
        2: "cross_entropy_gradient softmax_regression_hessian logistic_regression_hessian",
        3: "softmax_regression_gradient logistic_regression_gradient",
    },
    "calibration": {2: "fit_temperature", 3: "reliability expected_calibration_error shift_prior shift_prior_probs"},
    "targets": {
        2: "smoothed flip_matrix pair_matrix",
        3: "distillation_loss forward_loss generalised_cross_entropy focal_loss",
    },
}
ARGUMENTS = {
    f"{module}.{name}": count
    for module, by_count in TAKE_ANYTHING.items()
    for count, names in by_count.items()
    for name in names.split()
}


@pytest.mark.parametrize("name", ARGUMENTS)
@given(st.data())
def test_what_is_no_input_is_refused_in_a_sentence(name, data):
    given_now = [data.draw(st.sampled_from(NO_INPUT)) for _ in range(ARGUMENTS[name])]
    result_or_refusal(PUBLIC[name], *given_now)


# Information

rows = st.tuples(st.integers(0, 3), st.integers(1, 5))


@mp.workdps(400)
def cost(truth, belief):
    """Σ q (−log p) of one row, with all digits of 1 − p for the smallest p."""
    pairs = [(mpf(q), mpf(p)) for q, p in zip(truth, belief, strict=True)]
    return inf if any(q and not p for q, p in pairs) else mp.fsum(q * -mp.log(p) for q, p in pairs if q)


@given(st.data(), rows, layouts())
def test_information_is_exact(data, shape, layout):
    q, p = data.draw(distributions(shape)), data.draw(distributions(shape))
    near(call(information.entropy, layout(q)), [float(cost(a, a)) for a in q])
    near(
        call(information.cross_entropy, layout(q), layout(p)),
        [float(cost(a, b)) for a, b in zip(q, p, strict=True)],
    )
    with mp.workdps(400):
        kl = [cost(a, b) - cost(a, a) for a, b in zip(q, p, strict=True)]
    near(
        call(information.kl_divergence, layout(q), layout(p)),
        [float(v) for v in kl],
        scale=max([1, *map(float, _entropies(q))]),
    )
    brier = [
        math.fsum((b - a) ** 2 + a * (1 - a) for a, b in zip(x, y, strict=True)) for x, y in zip(q, p, strict=True)
    ]
    near(call(information.brier_score, layout(q), layout(p)), brier, scale=1)


def _entropies(q):
    return [cost(a, a) for a in q]


@given(st.data(), rows, st.randoms(use_true_random=False))
def test_information_does_not_depend_on_the_order_of_classes_or_rows(data, shape, random):
    q, p = data.draw(distributions(shape)), data.draw(distributions(shape))
    order = random.sample(range(shape[1]), shape[1])
    for name in ("cross_entropy", "kl_divergence", "brier_score"):
        function = getattr(information, name)
        whole = function(q, p)
        near(function(q[:, order], p[:, order]), whole, scale=3)
        near(function(q.T, p.T, axis=0), whole, scale=3)
        near([function(a, b) for a, b in zip(q, p, strict=True)], whole, scale=3)


@given(st.lists(numbers(most=1e300), max_size=4), layouts())
def test_perplexity_and_units(nats, layout):
    x = np.array(nats, dtype=np.float64)
    near(call(information.nats_to_bits, layout(x)), x / np.log(2), units=2)
    due = [math.exp(v) if v < 709 else math.inf if v > 709.79 else math.nan for v in nats]
    assume(all(not 709 <= v <= 709.79 for v in nats))
    got = result_or_refusal(information.perplexity, layout(x))
    assert (got is None) == any(v < 0 for v in nats)
    if got is not None:
        near(got, due)


# Likelihood

labels = st.lists(st.integers(0, 4), min_size=1, max_size=30)


@given(labels, st.sampled_from(INTEGERS), st.lists(shares(), min_size=5, max_size=5), layouts())
def test_likelihoods_are_exact(drawn, kind, probs, layout):
    y, p = np.array(drawn, kind), np.array(probs)
    counts = [drawn.count(c) for c in range(5)]
    assert plain(call(likelihood.class_counts, layout(y), 5)).tolist() == counts
    near(
        call(likelihood.categorical_mle, layout(y), 5),
        np.array(counts) / len(drawn),
        units=1 if isinstance(layout(y), np.ndarray) else 2**30,
    )
    due = cost(counts, p)
    near(call(likelihood.categorical_log_likelihood, layout(p), layout(y)), float(-due))
    bits = np.array([v % 2 for v in drawn], kind)
    ones = int(bits.sum())
    with mp.workdps(400):
        each = [float(-cost((ones, len(drawn) - ones), (theta, 1 - mpf(theta)))) for theta in probs]
    near(call(likelihood.bernoulli_log_likelihood, layout(p), layout(bits)), each)
    assert float(call(likelihood.bernoulli_mle, layout(bits))) == pytest.approx(ones / len(drawn), rel=1e-6)


@given(labels, labels, st.lists(st.floats(0.01, 1), min_size=5, max_size=5))
def test_likelihoods_of_parts_add_up(one, other, probs):
    p = np.array(probs)
    whole = likelihood.categorical_log_likelihood(p, np.array(one + other))
    parts = [likelihood.categorical_log_likelihood(p, np.array(part)) for part in (one, other)]
    near(whole, sum(parts))


# Coding


@given(st.data(), st.integers(1, 9), layouts())
def test_codes_keep_kraft_s_law_and_the_bound_of_the_entropy(data, symbols, layout):
    p = data.draw(distributions((symbols,)))
    code = call(coding.huffman_code, layout(p))
    lengths = [len(word) for word in code]
    assert not any(a != b and code[b].startswith(code[a]) for a in range(symbols) for b in range(symbols))
    bits = float(information.nats_to_bits(information.entropy(p)))
    expected = math.fsum(share * length for share, length in zip(p, lengths, strict=True))
    assert bits - 1e-7 <= expected <= bits + 1 + 1e-7
    if (p > 0).all() and sum(map(Fraction, p)) <= 1:
        shannon = call(coding.shannon_lengths, layout(p))
        assert sum(Fraction(1, 2**length) for length in shannon) <= 1
        assert expected <= math.fsum(share * length for share, length in zip(p, shannon, strict=True)) + 1e-7
    elif not p.all():
        with pytest.raises(Refused):
            call(coding.shannon_lengths, layout(p))


# Gradients: autograd differentiates the losses, which share no line with the formulas

finite = numbers(most=100, odd=False)


@st.composite
def models(draw, outputs):
    n, d, c = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    x = draw(arrays(np.float64, (n, d), elements=st.floats(-4, 4)))
    weights = draw(arrays(np.float64, (d, c) if outputs else (d,), elements=st.floats(-8, 8)))
    if outputs and draw(st.booleans()):
        target = draw(arrays(draw(st.sampled_from(INTEGERS)), n, elements=st.integers(0, c - 1)))
    else:
        target = draw(arrays(np.float64, (n, c) if outputs else n, elements=shares()))
    return x, weights, target, draw(layouts())


@given(models(outputs=True))
def test_softmax_regression_against_autograd(drawn):
    x, weights, y, layout = drawn
    features, label = torch.tensor(x), torch.tensor(y)

    def loss(w):
        return losses.cross_entropy(features @ w, label)

    scale = 16.0 * x.shape[1] * weights.shape[1]
    leaf = torch.tensor(weights)
    due = torch.autograd.functional.jacobian(loss, leaf)
    near(call(gradients.softmax_regression_gradient, layout(x), layout(weights), layout(y)), due, scale=scale * 32)
    if y.dtype.kind != "f":  # rows that sum to something else have another Hessian
        due = torch.autograd.functional.hessian(loss, leaf)
        near(call(gradients.softmax_regression_hessian, layout(x), layout(weights)), due, scale=scale * 512)


@given(models(outputs=False))
def test_logistic_regression_against_autograd(drawn):
    x, weights, y, layout = drawn
    features, label = torch.tensor(x), torch.tensor(y)

    def loss(w):
        return losses.binary_cross_entropy_with_logits(features @ w, label)

    leaf = torch.tensor(weights)
    due = torch.autograd.functional.jacobian(loss, leaf)
    near(call(gradients.logistic_regression_gradient, layout(x), layout(weights), layout(y)), due, scale=1024)
    due = torch.autograd.functional.hessian(loss, leaf)
    near(call(gradients.logistic_regression_hessian, layout(x), layout(weights)), due, scale=4096)


@given(st.data(), st.sampled_from([(1,), (4,), (0, 2), (2, 3)]), layouts())
def test_the_softmax_s_jacobian_against_autograd(data, shape, layout):
    z = data.draw(arrays(np.float64, shape, elements=finite))
    got = plain(call(gradients.softmax_jacobian, layout(z)))
    assert got.shape == (*shape, shape[-1])
    for row, due in zip(z.reshape(-1, shape[-1]), got.reshape(-1, shape[-1], shape[-1]), strict=True):
        near(torch.autograd.functional.jacobian(losses.softmax, torch.tensor(row)), due, scale=1)
        assert np.array_equal(due, due.T)
        near(due.sum(1), np.zeros(len(row)), scale=1)


@given(st.data(), st.sampled_from([(1,), (4,), (1, 2), (2, 3)]), st.sampled_from(["mean", "sum"]), layouts())
def test_the_gradient_of_the_loss_against_autograd(data, shape, reduction, layout):
    z = data.draw(arrays(np.float64, shape, elements=finite))
    if data.draw(st.booleans()):
        y = data.draw(arrays(data.draw(st.sampled_from(INTEGERS)), shape[:-1], elements=st.integers(0, shape[-1] - 1)))
    else:
        y = data.draw(arrays(np.float64, shape, elements=shares()))
    leaf = torch.tensor(z, requires_grad=True)
    losses.cross_entropy(leaf, torch.tensor(y), reduction=reduction).backward()
    got = call(gradients.cross_entropy_gradient, layout(z), layout(y), reduction=reduction)
    if y.dtype.kind == "f":
        near(got, leaf.grad, scale=8)
    else:  # a label's gradient keeps its digits however small it is, a few for each unit of the margin
        np.testing.assert_allclose(plain(got), leaf.grad, rtol=1024 * EPS, atol=2.0**-1060)


@given(st.data(), st.sampled_from([(), (1,), (3,), (2, 2)]), layouts())
def test_finite_differences_of_a_square_are_exact(data, shape, layout):
    x = data.draw(arrays(np.float64, shape, elements=st.integers(-8, 8)))
    near(call(gradients.finite_differences, lambda v: (v * v).sum(), layout(x), 0.5), 2 * x)


# Calibration


@given(st.data(), st.integers(1, 20), st.integers(1, 12), st.sampled_from([bool, *INTEGERS]), layouts())
def test_reliability_is_counted_bin_by_bin(data, n, bins, kind, layout):
    claimed = data.draw(arrays(np.float64, n, elements=shares()))
    came = data.draw(arrays(np.int64, n, elements=st.integers(0, 1)))
    edges = np.arange(bins) / bins
    place = np.searchsorted(edges, claimed, side="right") - 1
    table = call(calibration.reliability, layout(claimed), layout(came.astype(kind)), bins)
    count = np.bincount(place, minlength=bins)
    assert plain(table.count).tolist() == count.tolist()
    with np.errstate(invalid="ignore"):
        near(table.claimed, np.bincount(place, claimed, bins) / count)
        near(table.happened, np.bincount(place, came, bins) / count)
    gaps = [abs(came[place == b].mean() - claimed[place == b].mean()) * count[b] / n for b in range(bins) if count[b]]
    near(call(calibration.expected_calibration_error, layout(claimed), layout(came), bins), sum(gaps), scale=1)


@given(st.data(), st.integers(2, 12), st.integers(2, 4), layouts())
def test_the_fitted_temperature_is_the_best(data, n, c, layout):
    z = data.draw(arrays(np.float64, (n, c), elements=st.floats(-8, 8, width=16)))
    y = data.draw(arrays(np.int64, n, elements=st.integers(0, c - 1)))
    best = result_or_refusal(calibration.fit_temperature, layout(z), layout(y))
    if best is None:
        return
    least = losses.cross_entropy(z / best, y)
    for factor in (0.9, 0.99, 1.01, 1.1):
        assert losses.cross_entropy(z / (best * factor), y) >= least * (1 - 16 * EPS)
    assert calibration.fit_temperature(z * 2, y) == pytest.approx(2 * best, rel=1e-6)


@given(st.data(), st.sampled_from([(3,), (0, 2), (2, 4)]), layouts())
def test_a_shifted_prior_is_bayes_rule(data, shape, layout):
    z = data.draw(arrays(np.float64, shape, elements=st.floats(-20, 20)))
    positive = st.floats(0.01, 100)
    trained = data.draw(arrays(np.float64, shape[-1], elements=positive))
    wanted = data.draw(arrays(np.float64, shape[-1], elements=positive))
    p = losses.softmax(z)
    due = p * wanted / trained
    due = due / due.sum(-1, keepdims=True)
    near(losses.softmax(call(calibration.shift_prior, layout(z), layout(trained), layout(wanted))), due, units=256)
    near(call(calibration.shift_prior_probs, layout(p), layout(trained), layout(wanted)), due, units=64)
    near(losses.softmax(plain(calibration.shift_prior(z, trained, trained))), p, units=64)


# Targets


@st.composite
def labelled(draw):
    n, c = draw(st.integers(1, 4)), draw(st.integers(2, 5))
    z = draw(arrays(np.float64, (n, c), elements=numbers(most=300, odd=False)))
    return z, draw(arrays(draw(st.sampled_from(INTEGERS)), n, elements=st.integers(0, c - 1))), draw(layouts())


@given(labelled(), st.sampled_from(["none", "mean", "sum"]), st.floats(0.01, 1), st.sampled_from([0, 1, 1.5, 2.0, 5]))
def test_losses_of_the_true_class_are_functions_of_its_surprisal(drawn, reduction, k, gamma):
    z, y, layout = drawn
    s = [mpf(float(v)) for v in losses.cross_entropy(z, y, reduction="none")]
    reduce = {"none": np.array, "mean": np.mean, "sum": np.sum}[reduction]
    due = reduce([float(-mp.expm1(-mpf(k) * v) / mpf(k)) for v in s])
    near(call(targets.generalised_cross_entropy, layout(z), layout(y), k, reduction=reduction), due)
    due = reduce([float((-mp.expm1(-v)) ** mpf(gamma) * v) for v in s])
    near(call(targets.focal_loss, layout(z), layout(y), gamma, reduction=reduction), due)


@given(labelled(), st.floats(0.25, 8), st.sampled_from(["none", "mean", "sum"]))
def test_distillation_is_the_cross_entropy_of_softened_targets(drawn, temperature, reduction):
    z, _, layout = drawn
    teacher = np.roll(z, 1, axis=-1)
    soft = losses.softmax(teacher / temperature)
    due = temperature**2 * np.asarray(losses.cross_entropy(z / temperature, soft, reduction=reduction))
    near(call(targets.distillation_loss, layout(z), layout(teacher), temperature, reduction=reduction), due)


@given(labelled(), st.floats(0, 1), st.sampled_from(["none", "mean", "sum"]))
def test_forward_correction_sees_the_labels_through_the_noise(drawn, rate, reduction):
    z, y, layout = drawn
    z = np.clip(z, -30, 30)
    matrix = targets.flip_matrix(z.shape[1], rate)
    p = losses.softmax(z) @ matrix
    with np.errstate(divide="ignore"):
        each = -np.log(p[np.arange(len(y)), y])
    assume(np.isfinite(each).all() and np.min(p) > 1e-12)
    due = {"none": each, "mean": each.mean(), "sum": each.sum()}[reduction]
    near(call(targets.forward_loss, layout(z), layout(y), layout(matrix), reduction=reduction), due, units=64, scale=64)
    still = call(targets.forward_loss, layout(z), layout(y), layout(np.eye(z.shape[1])), reduction=reduction)
    near(still, losses.cross_entropy(z, y, reduction=reduction), scale=64)


@given(st.data(), rows, shares(), layouts())
def test_softened_rows(data, shape, epsilon, layout):
    q = data.draw(distributions(shape))
    near(call(targets.smoothed, layout(q), epsilon), (1 - epsilon) * q + epsilon / shape[1])


@given(st.integers(1, 6), shares(), st.integers(0, 2**32 - 1))
def test_matrices_of_noise_are_distributions_and_draws_follow_them(classes, rate, seed):
    for matrix in (targets.flip_matrix, targets.pair_matrix):
        flips = result_or_refusal(matrix, classes, rate)
        assert (flips is None) == (classes == 1)
        if flips is None:
            continue
        near(flips.sum(1), np.ones(classes), scale=1)
        near(np.diag(flips), np.full(classes, 1 - rate), scale=1)
        true = np.random.default_rng(seed).integers(0, classes, 50)
        drawn = call(targets.noisy_labels, true, flips, np.random.default_rng(seed))
        assert (flips[true, drawn] > 0).all()


# Training and data


@given(st.integers(0, 40), st.integers(1, 45), st.integers(0, 2**31))
def test_batches_hold_every_row_once(count, size, seed):
    found = list(training.batches(count, size, torch.Generator().manual_seed(seed)))
    assert sorted(torch.cat(found).tolist()) == list(range(count))
    assert all(len(rows) == size for rows in found[:-1]) and len(found[-1]) <= size


@given(st.data(), st.integers(1, 9), st.integers(1, 4), st.integers(1, 10))
def test_a_score_does_not_depend_on_the_batch_size_or_the_order(data, n, c, size):
    z = torch.tensor(data.draw(arrays(np.float64, (n, c), elements=st.floats(-8, 8))))
    y = torch.tensor(data.draw(arrays(np.int64, n, elements=st.integers(0, max(c - 1, 1)))))
    y = y if c > 1 else y[:, None].double()
    loss = losses.cross_entropy if c > 1 else losses.binary_cross_entropy_with_logits
    model = torch.nn.Linear(c, c).double()
    with torch.no_grad():
        model.weight.copy_(torch.eye(c))
        model.bias.zero_()
    whole = training.evaluate(model, z, y, loss, batch_size=n)
    parts = training.evaluate(model, z.flip(0), y.flip(0), loss, batch_size=size)
    assert parts.count == whole.count == n and parts.accuracy == whole.accuracy
    near(parts.loss, whole.loss, scale=1)
    assert whole.accuracy == float((training.decide(z) == y).double().mean())


@given(st.floats(0.1, 0.9), st.integers(0, 2**32 - 1))
def test_a_split_parts_the_rows_and_keeps_the_classes_in_proportion(fraction, seed):
    flowers = data.iris()
    parts = flowers.split(fraction, seed)
    assert sorted([*parts.train_index, *parts.test_index]) == list(range(150))
    assert np.array_equal(parts.y_test, flowers.y[parts.test_index])
    near(parts.x_train.mean(0), np.zeros(4), units=1e4, scale=1)
    near(parts.x_train.std(0), np.ones(4), units=1e4)
    share = len(parts.y_test) / 3
    assert all(abs((parts.y_test == c).sum() - share) <= 1 for c in range(3))


# Fused losses: the same value and the same gradient as the plain one, on tensors laid out in any way


@given(
    st.data(), st.integers(0, 4), st.integers(1, 5), st.sampled_from(["mean", "sum"]), st.sampled_from(sorted(TENSORS))
)
def test_fused_losses_are_the_plain_one(data, n, c, reduction, layout):
    z = data.draw(arrays(np.float64, (n, c), elements=finite))
    x = data.draw(arrays(np.float64, (n, 2), elements=st.floats(-4, 4)))
    weight = data.draw(arrays(np.float64, (c, 2), elements=st.floats(-8, 8)))
    y = torch.tensor(data.draw(arrays(np.int64, n, elements=st.sampled_from([*range(c), -100]))))
    place = TENSORS[layout]
    options = {"reduction": reduction}
    calls = (
        (lambda one: fused.fused_cross_entropy(one, y, **options), lambda one: one, z),
        (
            lambda one: fused.linear_cross_entropy(one, place(weight), y, **options),
            lambda one: one @ torch.tensor(weight).T,
            x,
        ),
        (
            lambda one: fused.linear_cross_entropy(place(x), one, y, **options),
            lambda one: torch.tensor(x) @ one.T,
            weight,
        ),
    )
    for quick, logits, values in calls:
        leaf, other = place(values).requires_grad_(), torch.tensor(values, requires_grad=True)
        got = call(quick, leaf)
        due = losses.cross_entropy(logits(other), y, **options)
        near(got, due.detach(), units=64, scale=64)
        if n and (y >= 0).any():
            got.backward()
            due.backward()
            near(leaf.grad, other.grad, units=64, scale=64)
