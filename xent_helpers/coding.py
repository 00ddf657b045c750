"""Codes: what a distribution, or a model of a whole text, costs when its outcomes are written down in bits.

Input that does not fit is refused with a TypeError, ValueError or IndexError that names the argument (``validation``).
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from math import ceil, log2
from typing import Protocol

from xent_helpers import validation as check
from xent_helpers.validation import Array


def shannon_lengths(p: Array) -> list[int]:
    r"""⌈−log₂ p_c⌉, each symbol's surprise in bits, rounded up; a prefix code with these lengths exists.

    (It exists as long as the numbers do not sum to more than 1, not even by rounding: 1.0 and 1e-300 have no code.)

    Args:
        p: probabilities (C,), floating array without zeros that sums to 1.

    Returns:
        C lengths in bits.

    Raises:
        ValueError: a symbol has probability 0, so its codeword would never end.

    Example:
        >>> import numpy as np
        >>> shannon_lengths(np.array([0.5, 0.3, 0.2]))
        [1, 2, 3]

    Source: Shannon (1948), Bell System Technical Journal 27; chapter 2, equation 2.9.
    """
    shares = _shares(p)
    if min(shares) == 0:
        raise ValueError("p holds 0.0, expected probabilities above 0: leave out the symbols that never occur.")
    return [ceil(-log2(share)) for share in shares]


def huffman_code(p: Array) -> list[str]:
    r"""The codewords of a prefix code with the least expected length: join the two rarest groups until one is left.

    Args:
        p: probabilities (C,), floating array that sums to 1.

    Returns:
        C strings of the characters 0 and 1, none the beginning of another. A single symbol needs no bit.

    Example:
        >>> import numpy as np
        >>> huffman_code(np.array([0.5, 0.25, 0.125, 0.125]))
        ['0', '10', '110', '111']

    Source: Huffman (1952), Proceedings of the IRE 40(9).
    """
    groups = [(share, [symbol]) for symbol, share in enumerate(_shares(p))]
    codewords = [""] * len(groups)
    heapify(groups)
    while len(groups) > 1:
        (rarest, zeros), (next_rarest, ones) = heappop(groups), heappop(groups)
        for bit, group in (("0", zeros), ("1", ones)):
            for symbol in group:
                codewords[symbol] = bit + codewords[symbol]
        heappush(groups, (rarest + next_rarest, zeros + ones))
    return codewords


class SymbolModel(Protocol):
    """What an arithmetic coder asks of a model: whole-number weights of the next symbol, and to be told which came."""

    def weights(self) -> Sequence[int]:
        """Weights of all symbols in the present place; symbol c has the probability weights[c] / sum(weights)."""

    def see(self, symbol: int) -> None:
        """Take note of the symbol that came."""


def arithmetic_encode(symbols: Sequence[int], model: SymbolModel) -> str:
    r"""Write ``symbols`` in ⌈−log₂ P⌉ bits, where P is the product of the probabilities that ``model`` gives them.

    Each symbol cuts the interval [0, 1) down to its share; the shortest binary fraction in what is left is the
    code. The interval is held exactly, in whole numbers that grow with the text, so the time grows with the square
    of its length; coders in practice keep some 32 leading bits and lose a little.

    Args:
        symbols: whole numbers, each an index into the model's weights.
        model: a fresh one; it is told each symbol after it was coded.

    Returns:
        A string of the characters 0 and 1, less than one bit longer than −log₂ P.

    Raises:
        ValueError: the model gives a symbol the weight 0, so that no code can hold it.
        IndexError: the model has no weight for a symbol.

    Example:
        >>> class Coin:
        ...     def weights(self): return [3, 1]
        ...     def see(self, symbol): pass
        >>> arithmetic_encode([0, 0, 1, 0], Coin())
        '0111'
        >>> arithmetic_decode("0111", 4, Coin())
        [0, 0, 1, 0]

    Source: Rissanen (1976), IBM Journal of Research and Development 20(3); Witten, Neal and Cleary (1987),
    Communications of the ACM 30(6); chapter 2, equation 2.10.
    """
    low, width, scale = 0, 1, 1  # the interval [low, low + width) / scale
    for place, symbol in enumerate(symbols):
        weights = _weights(model)
        if not 0 <= check.check_integer("symbol", symbol) < len(weights):
            raise IndexError(
                f"symbol {symbol} at place {place} is none of the model's, expected 0 to {len(weights) - 1}: "
                "a symbol is an index into the model's weights."
            )
        if weights[symbol] < 1:
            raise ValueError(
                f"symbol {symbol} at place {place} has the weight {weights[symbol]}, expected 1 or more: "
                "an outcome of probability 0 has no code."
            )
        low = low * sum(weights) + width * sum(weights[:symbol])
        width *= weights[symbol]
        scale *= sum(weights)
        model.see(symbol)
    bits = max(0, scale.bit_length() - width.bit_length())
    bits += (width << bits) < scale  # now 2^−bits ≤ width / scale, so a multiple of it lies in the interval
    return format(-((-low << bits) // scale), f"0{bits}b") if bits else ""


def arithmetic_decode(code: str, length: int, model: SymbolModel) -> list[int]:
    """Read ``length`` symbols back: the inverse of ``arithmetic_encode``, with a model in the same first state.

    Raises:
        ValueError: the code holds other characters than 0 and 1, or the length is negative.

    Example:
        See ``arithmetic_encode``.
    """
    if not isinstance(code, str) or set(code) - {"0", "1"}:
        raise ValueError(f"code is {code!r}, expected a string of 0 and 1 alone: pass what arithmetic_encode returned.")
    if check.check_integer("length", length) < 0:
        raise ValueError(f"length is {length}, expected 0 or more: pass the number of symbols that were encoded.")
    place, width = int(code or "0", 2), 1 << len(code)  # the code is place / width, a number in [0, 1)
    symbols = []
    for _ in range(length):
        weights = _weights(model)
        share, symbol, below = place * sum(weights) // width, 0, 0
        while below + weights[symbol] <= share:
            below += weights[symbol]
            symbol += 1
        place = place * sum(weights) - below * width  # where in the symbol's own interval the code lies
        width *= weights[symbol]
        symbols.append(symbol)
        model.see(symbol)
    return symbols


def _weights(model: SymbolModel) -> list[int]:
    weights = [check.check_integer("a weight of the model", weight) for weight in model.weights()]
    if min(weights, default=0) < 0 or not any(weights):
        raise ValueError(f"the model's weights are {weights}, expected some above 0 and none below: count from 1.")
    return weights


def _shares(p: Array) -> list[float]:
    check.check_arrays(p=p)
    check.check_readable(p=p)
    check.check_distributions(-1, p=p)
    if p.ndim != 1:
        raise ValueError(f"p has shape {tuple(p.shape)}, expected (C,): a code is made for one distribution.")
    return [float(share) for share in p]
