"""Chapter 2's numbered equations, each by a route that does not use the chapter's own derivation."""

import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy import optimize, special, stats
from sklearn.metrics import brier_score_loss, log_loss, mutual_info_score

from xent_helpers import coding, information

rng = np.random.default_rng(2)
Q, P = rng.dirichlet(np.ones(5), 200), rng.dirichlet(np.ones(5), 200)


def test_equation_2_1_surprise_is_the_integral_of_its_slope():
    """k/u integrated from p to 1 by quadrature, 30 digits: k times −log p; and it adds over independent events."""
    with mpmath.workdps(30):
        for p, t, k in ((0.5, 0.25, 1), (0.9, 0.01, 1 / mpmath.log(2)), (0.3, 0.7, 2)):
            s = {x: mpmath.quad(lambda u, k=k: k / u, mpmath.linspace(x, 1, 9)) for x in (p, t, mpmath.mpf(p) * t)}
            assert abs(s[p] + k * mpmath.log(p)) < 1e-12
            assert abs(s[mpmath.mpf(p) * t] - s[p] - s[t]) < 1e-12


def test_equation_2_2_surprise_in_nats_and_bits():
    """A fair coin's head surprises by one bit, ten heads by ten; 50 digits."""
    with mpmath.workdps(50):
        assert mpmath.almosteq(-mpmath.log(mpmath.mpf(1) / 1024) / mpmath.log(2), 10)
    assert np.isclose(information.nats_to_bits(-np.log(0.5**10)), 10, rtol=1e-15, atol=0)


def test_equation_2_3_entropy():
    """SciPy's, and the mean surprise of a large sample."""
    np.testing.assert_allclose(information.entropy(Q), stats.entropy(Q, axis=1), rtol=1e-12)
    weather = np.array([0.5, 0.25, 0.125, 0.125])
    drawn = np.random.default_rng(0).choice(4, size=400_000, p=weather)
    assert abs(-np.log(weather[drawn]).mean() - information.entropy(weather)) < 0.005


@pytest.mark.parametrize("k", [1, 2, 4, 50_257])
def test_equation_2_4_perplexity_of_k_equal_classes_is_k(k):
    assert np.isclose(information.perplexity(information.entropy(np.full(k, 1 / k))), k, rtol=1e-11, atol=0)
    assert np.isclose(
        2 ** stats.entropy(Q[0], base=2), information.perplexity(information.entropy(Q[0])), rtol=1e-13, atol=0
    )


def test_equation_2_5_cross_entropy():
    """scikit-learn's log loss of labels that come in the shares q, with one prediction p for all."""
    counts = np.array([3, 5, 2])
    labels, p = np.repeat(np.arange(3), counts), np.array([0.2, 0.7, 0.1])
    expected = log_loss(labels, np.tile(p, (10, 1)), labels=[0, 1, 2])
    assert np.isclose(information.cross_entropy(counts / 10, p), expected, rtol=1e-13, atol=0)


def test_equation_2_6_divergence():
    """SciPy's rel_entr, and its Bregman form: the entropy's tangent at p, seen from q."""
    np.testing.assert_allclose(information.kl_divergence(Q, P), special.rel_entr(Q, P).sum(axis=1), rtol=1e-11)
    tangent = special.entr(P).sum(axis=1) + ((Q - P) * (-np.log(P) - 1)).sum(axis=1)
    np.testing.assert_allclose(information.kl_divergence(Q, P), tangent - special.entr(Q).sum(axis=1), rtol=1e-10)
    both = information.entropy(Q) + information.kl_divergence(Q, P)
    np.testing.assert_allclose(information.cross_entropy(Q, P), both, rtol=1e-13)


def test_equation_2_7_gibbs_by_pinsker():
    """Pinsker's inequality is sharper: the divergence is at least half the squared sum of differences."""
    assert np.all(information.kl_divergence(Q, P) >= abs(Q - P).sum(axis=1) ** 2 / 2)
    x = np.concatenate([np.geomspace(1e-300, 1e300, 2001), [1.0]])
    assert np.all(np.log(x) <= x - 1) and np.log(1.0) == 0
    near = Q + 1e-4 * (P - Q)
    small = information.kl_divergence(Q, near)
    assert np.all(small > 0) and np.all(small < 1e-4)


def test_equation_2_8_entropy_lies_between_0_and_log_c():
    """A constrained maximiser finds the uniform distribution and log C."""
    found = optimize.minimize(
        lambda p: -special.entr(p).sum(),
        np.array([0.7, 0.1, 0.1, 0.1]),
        bounds=[(1e-9, 1)] * 4,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
    )
    assert np.isclose(-found.fun, np.log(4), rtol=1e-8, atol=0) and np.allclose(found.x, 0.25, atol=1e-4)
    uniform = np.full_like(Q, 1 / 5)
    np.testing.assert_allclose(information.kl_divergence(Q, uniform), np.log(5) - information.entropy(Q), rtol=1e-11)
    assert information.entropy(Q).min() >= 0


def test_equation_2_9_no_prefix_code_beats_the_entropy():
    """All lengths whose Kraft sum is at most 1, tried one by one: the shortest lies where the equation says."""
    lengths = np.array(list(itertools.product(range(1, 6), repeat=5)))
    lengths = lengths[(0.5**lengths).sum(axis=1) <= 1]
    for q in Q:
        bits = stats.entropy(q, base=2)
        shortest = (lengths @ q).min()
        huffman = q @ [len(word) for word in coding.huffman_code(q)]
        shannon = q @ coding.shannon_lengths(q)
        assert bits <= shortest <= shannon < bits + 1
        assert np.isclose(huffman, shortest, rtol=1e-13, atol=0)


def test_the_wrong_code_of_section_2_4_wastes_the_divergence():
    """Counting the bits of every message, for all orders of a dyadic distribution."""
    powers = np.array([0.5, 0.25, 0.125, 0.125])
    for _ in range(20):
        q, p = rng.permutation(powers), rng.permutation(powers)
        messages = np.repeat(np.arange(4), (8 * q).astype(int))  # eight messages in exactly the shares q
        bits = sum(len(coding.huffman_code(p)[symbol]) for symbol in messages) / 8
        entropy_in_bits = information.nats_to_bits(information.entropy(q))
        divergence_in_bits = information.nats_to_bits(information.kl_divergence(q, p))
        assert np.isclose(bits, entropy_in_bits + divergence_in_bits, rtol=1e-14, atol=0)


class Fixed:
    """The same weights in every place."""

    def __init__(self, weights):
        self.fixed = weights

    def weights(self):
        return self.fixed

    def see(self, symbol):
        pass


@pytest.mark.parametrize("weights", [[1], [3, 1], [1, 1, 2], [7, 2, 1]])
def test_equation_2_10_a_code_of_that_length_for_every_text(weights):
    """All texts of five symbols, in exact fractions: the length is the rounded surprise, and none share a code."""
    codes = set()
    for text in itertools.product(range(len(weights)), repeat=5):
        share = Fraction(1)
        for symbol in text:
            share *= Fraction(weights[symbol], sum(weights))
        code = coding.arithmetic_encode(text, Fixed(weights))
        assert Fraction(1, 2 ** len(code)) <= share  # rounded up …
        assert not code or Fraction(2, 2 ** len(code)) > share  # … and by less than one bit
        assert coding.arithmetic_decode(code, 5, Fixed(weights)) == list(text)
        codes.add((len(code), code))
    assert len(codes) == len(weights) ** 5


def test_equation_2_11_the_loss_splits_into_floor_and_mean_divergence():
    """H(Y|X) by the chain rule H(X, Y) − H(X); what the input is worth by scikit-learn's mutual information."""
    sky, rain = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.5, 0.9])
    truth = np.stack([1 - rain, rain], axis=1)
    joint = sky[:, None] * truth
    floor = special.entr(joint).sum() - special.entr(sky).sum()
    assert np.isclose(sky @ information.entropy(truth), floor, rtol=1e-14, atol=0)

    for p in (np.array([0.01, 0.5, 0.99]), np.array([0.3, 0.5, 0.7])):
        belief = np.stack([1 - p, p], axis=1)
        expected = -(joint * np.log(belief)).sum()
        assert np.isclose(expected, floor + sky @ information.kl_divergence(truth, belief), rtol=1e-13, atol=0)

    counts = np.round(joint * 1000).astype(int)
    x, y = np.repeat(np.arange(3), counts.sum(axis=1)), np.concatenate([np.repeat([0, 1], row) for row in counts])
    marginal = joint.sum(axis=0)
    ignoring = sky @ information.cross_entropy(truth, np.tile(marginal, (3, 1)))
    assert np.isclose(ignoring - floor, mutual_info_score(x, y), rtol=1e-12, atol=0)
    assert np.isclose(ignoring, special.entr(marginal).sum(), rtol=1e-13, atol=0)


@pytest.mark.parametrize("score", [information.cross_entropy, information.brier_score])
def test_equation_2_12_both_scores_are_strictly_proper(score):
    """A general-purpose optimiser over logits comes back to the truth, whatever it is."""
    for q in Q[:20]:
        found = optimize.minimize(
            lambda z, q=q: float(score(q, special.softmax(z))), np.zeros(5), method="BFGS", options={"gtol": 1e-10}
        )
        assert np.allclose(special.softmax(found.x), q, atol=1e-4)
    gap = score(Q, P) - score(Q, Q)
    assert gap.min() > 0


def test_equation_2_13_brier():
    """Every outcome in exact fractions; scikit-learn scores labels that come in the shares q."""
    q, p = [Fraction(n, 10) for n in (3, 5, 2)], [Fraction(n, 7) for n in (1, 4, 2)]
    expected = sum(q[y] * sum((p[c] - (c == y)) ** 2 for c in range(3)) for y in range(3))
    assert expected == sum(a * (1 - a) for a in q) + sum((b - a) ** 2 for a, b in zip(q, p, strict=True))
    assert np.isclose(
        information.brier_score(np.array(q, float), np.array(p, float)), float(expected), rtol=1e-14, atol=0
    )
    labels, report = np.repeat([0, 1, 2], [3, 5, 2]), np.array([0.2, 0.7, 0.1])
    theirs = sum(brier_score_loss(labels == c, np.full(10, report[c])) for c in range(3))
    assert np.isclose(information.brier_score(np.array([0.3, 0.5, 0.2]), report), theirs, rtol=1e-13, atol=0)


def root(slope):
    with mpmath.workdps(30):
        return float(mpmath.findroot(slope, (0.4, 0.97), solver="anderson", tol=1e-25))


@pytest.mark.parametrize(("k", "quoted"), [(0.7, 0.944), (0.5, 0.845)])
def test_equation_2_14_the_optimum_of_gce(k, quoted):
    """The root of the slope in 30 digits, to 1e-6."""
    found = root(lambda p: -0.7 * p ** (k - 1) + 0.3 * (1 - p) ** (k - 1))
    odds = (0.7 / 0.3) ** (1 / (1 - k))
    assert abs(found - odds / (1 + odds)) < 1e-12 and round(found, 3) == quoted


def test_the_minimisers_of_section_2_11():
    """Each from a slope differentiated by hand, in 30 digits, against the chapter's search: within 1e-6."""
    slopes = {
        0.7: lambda p: -0.7 / p + 0.3 / (1 - p),  # log
        0.578: lambda p: 0.7 * focal_slope(p) - 0.3 * focal_slope(1 - p),
    }
    for quoted, slope in slopes.items():
        assert round(root(slope), 3) == quoted

    def expected(p):
        return 0.7 * (1 - p) ** 2 * -np.log(p) + 0.3 * p**2 * -np.log(1 - p)

    searched = optimize.minimize_scalar(expected, bounds=(0, 1), method="bounded", options={"xatol": 1e-12}).x
    assert abs(searched - root(slopes[0.578])) < 1e-6


def focal_slope(r):
    return 2 * (1 - r) * mpmath.log(r) - (1 - r) ** 2 / r


def test_equation_2_15_the_logarithm_alone_is_local_and_proper():
    """u f'(u) by numerical derivatives in 30 digits; and a search over reports moves away from the truth otherwise."""
    with mpmath.workdps(30):
        for u in (0.001, 0.2, 0.5, 0.999):
            assert abs(u * mpmath.diff(lambda x: 5 - 2 * mpmath.log(x), u) + 2) < 1e-15
    truth = np.array([0.6, 0.3, 0.1])
    scores = {"log": (np.log, True), "square root": (np.sqrt, False), "square": (lambda p: 2 * p - p**2, False)}
    for reward, proper in scores.values():
        found = optimize.minimize(lambda z, r=reward: -truth @ r(special.softmax(z)), np.zeros(3), method="Nelder-Mead")
        assert (abs(special.softmax(found.x) - truth).max() < 1e-3) == proper
