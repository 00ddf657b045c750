"""The 60-digit reference: its formulas written out once more, and laws that it must obey."""

import numpy as np
import pytest
from mpmath import exp, log, log1p, mp, mpf

from xent_helpers import exact

ROWS = [[1.0, 2.0, 0.1], [0.0, 0.0, 0.0], [75.0, 0.0, -3.0], [-3.0, 400.0, 2.0], [1e4, -1e4, 0.5]]


def close(found, wanted) -> bool:
    return abs(found - wanted) <= abs(wanted) * mpf(10) ** -40


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("label", [0, 1, 2])
@mp.workdps(60)
def test_cross_entropy_of_labels(row, label):
    z = [mpf(v) for v in row]
    others = mp.fsum(exp(v - z[label]) for c, v in enumerate(z) if c != label)
    found = exact.cross_entropy([row], [label])
    assert close(found.loss[0], log1p(others))
    for c, slope in enumerate(found.gradient):
        total = mp.fsum(exp(v) for v in z)
        assert close(slope, exp(z[c]) / total if c != label else -others / (1 + others))


@mp.workdps(60)
def test_cross_entropy_with_every_option():
    rows, q = [[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], [[0.25, 0.5, 0.25], [1.0, 0.0, 0.0]]
    w = [0.5, 2.0, 3.0]
    found = exact.cross_entropy(rows, q, weight=w, label_smoothing=0.25)
    assert found.divisor == 2 and all(size > 0 for size in found.gradient_size)
    slopes = iter(found.gradient)
    for loss, row, target in zip(found.loss, rows, q, strict=True):
        logs = [v - log(mp.fsum(exp(mpf(u)) for u in row)) for v in map(mpf, row)]
        share = [mpf(w[c]) * (mpf(0.75) * target[c] + mpf(0.25) / 3) for c in range(3)]
        assert close(loss, -mp.fsum(a * b for a, b in zip(share, logs, strict=True)))
        assert all(close(next(slopes), exp(logs[c]) * mp.fsum(share) - share[c]) for c in range(3))


@mp.workdps(60)
def test_ignored_samples_and_weights_enter_the_divisor():
    found = exact.cross_entropy([[0.0, 0.0]] * 3, [0, 1, 1], weight=[1.0, 4.0], ignore_index=0)
    assert found.divisor == 8 and [loss == 0 for loss in found.loss] == [True, False, False]
    assert close(found.values("mean")[0][0], log(2)) and close(found.values("sum")[0][0], 8 * log(2))
    assert len(found.values("none")[0]) == 3
    mean, total = (found.gradients(reduction)[0] for reduction in ("mean", "sum"))
    assert len(mean) == 6 and mean[2] * 8 == total[2]


def test_a_confident_right_answer_is_measured_by_its_margin():
    sure, wrong = (exact.cross_entropy([[20.0, 0.0, -1.0]], [label]) for label in (0, 1))
    assert float(sure.loss_size[0] / sure.loss[0]) == 20 and wrong.loss_size == wrong.loss
    sizes = zip(sure.gradient_size, sure.gradient, strict=True)
    assert [round(float(size / abs(slope)), 9) for size, slope in sizes] == [20, 20, 21]


def test_nll_loss():
    found = exact.nll_loss([[-1.5, -0.25], [-3.0, -0.5]], [1, 0], weight=[2.0, 4.0], ignore_index=0)
    assert found.loss == [1, 0] and found.divisor == 4 and found.gradient == [0, -4, 0, 0]
    assert exact.nll_loss([[float("-inf"), -0.25]], [0], weight=[0.0, 1.0]).loss == [0]


@pytest.mark.parametrize("y", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("z", [-300.0, -40.0, -0.5, 0.0, 2.0, 17.0])
@mp.workdps(60)
def test_a_yes_or_no_is_a_choice_of_two(z, y):
    one = exact.binary_cross_entropy_with_logits([z], [y])
    two = exact.cross_entropy([[0.0, z]], [[1 - y, y]])
    assert close(one.loss[0], two.loss[0]) and close(one.gradient[0], two.gradient[1])
    weighted = exact.binary_cross_entropy_with_logits([z], [y], weight=[2.0], pos_weight=[3.0]).loss[0]
    assert close(weighted, 2 * (3 * mpf(y) * log1p(exp(-mpf(z))) + (1 - mpf(y)) * log1p(exp(mpf(z)))))


@pytest.mark.parametrize(("p", "y"), [(0.9, 1.0), (0.9, 0.0), (0.3, 0.25), (1e-13, 1.0), (1e-50, 0.0)])
@mp.workdps(60)
def test_binary_cross_entropy(p, y):
    found, q, t = exact.binary_cross_entropy([p], [y], weight=[2.0]), mpf(p), mpf(y)
    assert close(found.loss[0], -2 * (t * log(q) + (1 - t) * log1p(-q)))
    assert close(found.gradient[0], 2 * ((1 - t) / (1 - q) - t / q))


def test_binary_cross_entropy_is_clamped():
    found = exact.binary_cross_entropy([1e-200], [1.0])
    assert found.loss == [100] and found.gradient == [0]


def test_lengths_that_differ_are_an_error():
    rows = np.zeros((2, 2))
    for loss, scores in {"binary_cross_entropy": rows[0], "cross_entropy": rows, "nll_loss": rows}.items():
        with pytest.raises(ValueError, match="shorter"):
            getattr(exact, loss)(scores, [1])
