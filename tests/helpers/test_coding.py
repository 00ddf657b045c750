"""Small codes: prefix-free, never longer than any other, between the entropy and one bit more."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from scipy import stats

from tests.refusals import refused
from xent_helpers.coding import arithmetic_decode, arithmetic_encode, huffman_code, shannon_lengths


def distributions():
    rng = np.random.default_rng(0)
    return [rng.dirichlet(np.ones(c)) for c in (2, 3, 4, 5, 8) for _ in range(10)]


def expected_length(p, code):
    return p @ np.array([len(word) for word in code])


@pytest.mark.parametrize("p", distributions())
def test_no_codeword_begins_another_and_the_code_is_complete(p):
    code = huffman_code(p)
    assert all(a == b or not b.startswith(a) for a in code for b in code) and len(set(code)) == len(code)
    assert sum(0.5 ** len(word) for word in code) == 1


@pytest.mark.parametrize("p", [p for p in distributions() if len(p) <= 5])
def test_no_lengths_that_a_prefix_code_can_have_are_shorter(p):
    """By brute force over all lengths that satisfy Kraft's inequality."""
    lengths = np.array([ls for ls in product(range(1, len(p)), repeat=len(p)) if sum(0.5**n for n in ls) <= 1])
    lengths = lengths if len(p) > 2 else np.array([[1, 1]])
    assert np.isclose(expected_length(p, huffman_code(p)), (lengths @ p).min(), rtol=1e-13)


@pytest.mark.parametrize("p", distributions())
def test_both_codes_lie_between_the_entropy_and_one_bit_more(p):
    bits = stats.entropy(p, base=2)
    shannon = p @ np.array(shannon_lengths(p))
    assert bits - 1e-12 <= expected_length(p, huffman_code(p)) <= shannon + 1e-12 and shannon < bits + 1
    assert sum(0.5**n for n in shannon_lengths(p)) <= 1


def test_any_order_any_library_and_a_single_symbol():
    p = [0.125, 0.5, 0.125, 0.25]
    for shares in (np.array(p), torch.tensor(p)):
        assert [len(word) for word in huffman_code(shares)] == shannon_lengths(shares) == [3, 1, 3, 2]
    assert huffman_code(np.array([1.0])) == [""] and shannon_lengths(np.array([1.0])) == [0]


def test_a_symbol_that_never_comes_has_a_huffman_codeword_only():
    p = np.array([0.5, 0.5, 0.0])
    assert len(set(huffman_code(p))) == 3
    with refused(ValueError, "p 0.0"):
        shannon_lengths(p)


@pytest.mark.parametrize("function", [huffman_code, shannon_lengths])
def test_what_is_no_distribution_is_refused(function):
    with refused(ValueError, "p 2"):
        function(np.array([1.0, 1.0]))
    with refused(ValueError, "p (1,_2) (C,)"):
        function(np.array([[0.5, 0.5]]))
    with refused(TypeError, "p list"):
        function([0.5, 0.5])


class Learning:
    """Counts as it goes; keeps the exact probability of what it has seen."""

    def __init__(self, classes):
        self.counts, self.p = [1] * classes, Fraction(1)

    def weights(self):
        return self.counts

    def see(self, symbol):
        self.p *= Fraction(int(self.counts[symbol]), int(sum(self.counts)))
        self.counts[symbol] += 3


@pytest.mark.parametrize(("classes", "length"), [(1, 5), (2, 0), (2, 1), (2, 300), (7, 40), (256, 25)])
@pytest.mark.parametrize("seed", range(3))
def test_a_learned_text_comes_back_from_less_than_a_bit_more_than_its_surprise(classes, length, seed):
    symbols = np.random.default_rng(seed).integers(0, classes, length).tolist()
    model = Learning(classes)
    code = arithmetic_encode(symbols, model)
    assert set(code) <= {"0", "1"}
    assert Fraction(1, 2) ** len(code) <= model.p < 2 * Fraction(1, 2) ** len(code)
    assert arithmetic_decode(code, length, Learning(classes)) == symbols


def test_an_impossible_symbol_has_no_code():
    model = Learning(3)
    model.counts[2] = 0
    with pytest.raises(ValueError, match="symbol 2 at place 1 has the weight 0, expected 1 or more"):
        arithmetic_encode([0, 2], model)


def test_weights_may_be_numpys_numbers():
    model, other = Learning(2), Learning(2)
    model.counts, other.counts = (np.array([2**40, 1]) for _ in range(2))
    symbols = [0] * 200 + [1]
    assert arithmetic_decode(arithmetic_encode(symbols, model), 201, other) == symbols
