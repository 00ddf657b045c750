"""The 60-digit reference against mpmath, which takes the same formulas and knows nothing of ``decimal``."""

from decimal import Decimal

import numpy as np
import pytest
from mpmath import exp, log, log1p, mp, mpf

from tests import reference
from xent_helpers import exact

mp.dps = 50


def close(found: Decimal, wanted) -> bool:
    return abs(mpf(str(found)) - wanted) <= abs(wanted) * mpf(10) ** -40


@pytest.mark.parametrize(
    "row", [[1.0, 2.0, 0.1], [0.0, 0.0, 0.0], [75.0, 0.0, -3.0], [-3.0, 400.0, 2.0], [1e4, -1e4, 0.5]]
)
@pytest.mark.parametrize("label", [0, 1, 2])
def test_cross_entropy_of_labels(row, label):
    z = [mpf(v) for v in row]
    others = mp.fsum(exp(v - z[label]) for c, v in enumerate(z) if c != label)
    found = exact.cross_entropy([row], [label])
    assert close(found.samples[0].loss, log1p(others))
    total = mp.fsum(exp(v) for v in z)
    for c, slope in enumerate(found.samples[0].slopes):
        wanted = exp(z[c]) / total if c != label else -others / (1 + others)
        assert close(slope, wanted)


def test_cross_entropy_with_every_option():
    rows, q = [[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], [[0.25, 0.5, 0.25], [1.0, 0.0, 0.0]]
    w, smoothing = [0.5, 2.0, 3.0], 0.25
    found = exact.cross_entropy(rows, q, weight=w, label_smoothing=smoothing)
    assert found.divisor == 2
    for sample, row, target in zip(found.samples, rows, q, strict=True):
        logs = [v - log(mp.fsum(exp(mpf(u)) for u in row)) for v in map(mpf, row)]
        share = [w[c] * (0.75 * target[c] + smoothing / 3) for c in range(3)]
        assert close(
            sample.loss, -mp.fsum(mpf(w[c]) * (mpf(0.75) * target[c] + mpf(0.25) / 3) * logs[c] for c in range(3))
        )
        for c, slope in enumerate(sample.slopes):
            wanted = exp(logs[c]) * mp.fsum(map(mpf, share)) - share[c]
            assert abs(mpf(str(slope)) - wanted) < 1e-14
        assert all(unit > 0 for unit in sample.slope_units)


def test_ignored_samples_and_weights_enter_the_divisor():
    found = exact.cross_entropy([[0.0, 0.0]] * 3, [0, 1, 1], weight=[1.0, 4.0], ignore_index=0)
    assert found.divisor == 8
    assert [sample.loss == 0 for sample in found.samples] == [True, False, False]
    ((mean, unit),) = found.values("mean")
    assert close(mean, log(2)) and unit == mean
    assert close(found.values("sum")[0][0], 8 * log(2)) and len(found.values("none")) == 3
    assert len(found.slopes("mean")) == 6 and found.slopes("mean")[2][0] * 8 == found.slopes("sum")[2][0]


def test_margin_stretches_the_unit():
    sure = exact.cross_entropy([[20.0, 0.0, -1.0]], [0]).samples[0]
    wrong = exact.cross_entropy([[20.0, 0.0, -1.0]], [1]).samples[0]
    assert (sure.stretch, wrong.stretch) == (20, 1)
    stretched = [float(unit / abs(slope)) for unit, slope in zip(sure.slope_units, sure.slopes, strict=True)]
    assert stretched == [20, 20, 21]
    assert exact.cross_entropy([[3.0]], [0]).samples[0].loss == 0


def test_nll_loss():
    found = exact.nll_loss([[-1.5, -0.25], [-3.0, -0.5]], [1, 0], weight=[2.0, 4.0], ignore_index=0)
    assert [sample.loss for sample in found.samples] == [1, 0] and found.divisor == 4
    assert found.samples[0].slopes == [0, -4] and found.samples[1].slopes == [0, 0]
    assert exact.nll_loss([[-1.5, -0.25]], [0]).samples[0].loss == Decimal("1.5")
    assert exact.nll_loss([[float("-inf"), -0.25]], [0], weight=[0.0, 1.0]).samples[0].loss == 0


@pytest.mark.parametrize(("z", "y"), [(2.0, 1.0), (-40.0, 0.0), (17.0, 0.25), (0.0, 1.0), (300.0, 1.0)])
def test_binary_cross_entropy_with_logits(z, y):
    found = exact.binary_cross_entropy_with_logits([z], [y], weight=[2.0], pos_weight=[3.0])
    wanted = 2 * (3 * mpf(y) * log1p(exp(-mpf(z))) + (1 - mpf(y)) * log1p(exp(mpf(z))))
    assert close(found.samples[0].loss, wanted) and found.divisor == 1
    slope = 2 * ((1 - mpf(y)) / (1 + exp(-mpf(z))) - 3 * mpf(y) / (1 + exp(mpf(z))))
    assert close(found.samples[0].slopes[0], slope)


@pytest.mark.parametrize(("p", "y"), [(0.9, 1.0), (0.9, 0.0), (0.3, 0.25), (1e-13, 1.0), (1e-50, 0.0)])
def test_binary_cross_entropy(p, y):
    sample = exact.binary_cross_entropy([p], [y], weight=[2.0]).samples[0]
    q, t = mpf(p), mpf(y)
    assert close(sample.loss, -2 * (t * log(q) + (1 - t) * log1p(-q)))
    assert close(sample.slopes[0], 2 * ((1 - t) / (1 - q) - t / q))


def test_binary_cross_entropy_is_clamped():
    sample = exact.binary_cross_entropy([1e-200], [1.0]).samples[0]
    assert sample.loss == 100 and sample.slopes == [0]


RNG = np.random.default_rng(0)
Z, LABELS, W = RNG.normal(size=(4, 3)) * 4, np.array([0, 2, 1, 2]), np.array([0.5, 2.0, 3.0])
P, Y = np.array([0.2, 1 - 2**-30, 1e-50, 0.75]), np.array([0.25, 1.0, 0.5, 0.0])


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize(
    ("loss", "scores", "target", "options"),
    [
        ("cross_entropy", Z, LABELS, {}),
        ("cross_entropy", Z, LABELS, {"weight": W, "ignore_index": 1}),
        ("nll_loss", -abs(Z), LABELS, {"weight": W, "ignore_index": 1}),
        ("nll_loss", -abs(Z), LABELS, {"weight": np.array([0.5, 0.0, 3.0])}),
        ("binary_cross_entropy", P, Y, {}),
        ("binary_cross_entropy", P, Y, {"weight": np.array([2.0, 1.0, 0.5, 4.0])}),
    ],
)
def test_values_slopes_and_their_units_are_the_other_reference_s(loss, scores, target, options, reduction):
    lists = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in options.items()}
    found = getattr(exact, loss)(scores.tolist(), target.tolist(), **lists)
    wanted = getattr(reference, loss)(scores, target, **options)
    for pairs, columns in ((found.values, wanted.values), (found.slopes, wanted.gradients)):
        for pair, expected in zip(pairs(reduction), zip(*columns(reduction), strict=True), strict=True):
            assert all(map(close, pair, expected))


@pytest.mark.parametrize("y", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("z", [-30.0, -0.5, 2.0, 9.0])
def test_a_yes_or_no_is_a_choice_of_two(z, y):
    for target in [[1 - y, y]] + [int(y)] * (y in (0.0, 1.0)):
        two = exact.cross_entropy([[0.0, z]], [target])
    one = exact.binary_cross_entropy_with_logits([z], [y])
    assert one.values("none") == two.values("none")
    assert one.slopes("none") == two.slopes("none")[1:]


def test_the_unit_of_a_slope_is_the_widest_difference_of_logits_where_the_target_is_spread():
    (sample,) = exact.cross_entropy([[20.0, 0.5, -4.0]], [[0.5, 0.25, 0.25]], weight=[2.0, 2.0, 2.0]).samples
    assert sample.slope_units == [48, 48, 48]
    (sample,) = exact.cross_entropy([[0.25, 0.5, 0.0]], [[0.5, 0.25, 0.25]]).samples
    assert sample.slope_units == [1, 1, 1]


def test_lengths_that_differ_are_an_error():
    for loss in (exact.binary_cross_entropy, exact.binary_cross_entropy_with_logits):
        with pytest.raises(ValueError, match="shorter"):
            loss([0.5, 0.5], [1.0])
    for loss in (exact.cross_entropy, exact.nll_loss):
        with pytest.raises(ValueError, match="shorter"):
            loss([[0.5, 0.5], [0.5, 0.5]], [1])
    with pytest.raises(ValueError, match="shorter"):
        exact.cross_entropy([[0.5, 0.5]], [1], weight=[1.0, 2.0, 3.0])
