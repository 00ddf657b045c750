"""Codes of a few symbols: what a distribution costs when its outcomes are written down in bits."""

from heapq import heapify, heappop, heappush
from math import ceil, log2

from xent_helpers import validation as check
from xent_helpers.validation import Array


def shannon_lengths(p: Array) -> list[int]:
    r"""⌈−log₂ p_c⌉, each symbol's surprise in bits, rounded up; a prefix code with these lengths exists.

    Args:
        p: probabilities (C,), floating array without zeros that sums to 1.

    Returns:
        C lengths in bits.

    Raises:
        TypeError, ValueError: see ``validation``; also for a symbol of probability 0, whose codeword would never end.

    Example:
        >>> import numpy as np
        >>> shannon_lengths(np.array([0.5, 0.3, 0.2]))
        [1, 2, 3]

    Source: Shannon (1948), Bell System Technical Journal 27; chapter 2, equation 2.9.
    """
    shares = _shares(p)
    if min(shares) == 0:
        raise ValueError("p holds 0.0, expected probabilities above 0: leave out the symbols that never come.")
    return [ceil(-log2(share)) for share in shares]


def huffman_code(p: Array) -> list[str]:
    r"""The codewords of a prefix code with the least expected length: join the two rarest groups until one is left.

    Args:
        p: probabilities (C,), floating array that sums to 1.

    Returns:
        C strings of the characters 0 and 1, none the beginning of another. A single symbol needs no bit.

    Raises:
        TypeError, ValueError: see ``validation``.

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


def _shares(p: Array) -> list[float]:
    check.check_arrays(p=p)
    check.check_distributions(-1, p=p)
    if p.ndim != 1:
        raise ValueError(f"p has shape {tuple(p.shape)}, expected (C,): a code is made for one distribution.")
    return [float(share) for share in p]
