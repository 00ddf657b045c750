"""What kind of numbers are these? Every answer is "yes" only where chance would hardly make it."""

import math

import torch
from torch import Tensor


def tolerance(z: Tensor) -> float:
    """By how much a row of probabilities may miss the sum 1, after rounding to the type of ``z``."""
    return max(1e-3, 4 * torch.finfo(z.dtype).eps) if z.is_floating_point() else 0.0


def sums_to_one(rows: Tensor, within: float) -> bool:
    """Whether all rows (M, C) are probabilities of C > 1 classes."""
    if rows.numel() == 0 or rows.shape[-1] < 2 or not bool((rows >= 0).all()):
        return False
    return bool(((rows.sum(-1) - 1).abs() <= within).all())


def log_sums_to_one(rows: Tensor, within: float) -> bool:
    """Whether all rows (M, C) are log-probabilities; masked classes may be −inf."""
    if rows.numel() == 0 or rows.shape[-1] < 2 or not bool((rows <= within).all()):
        return False
    return bool((rows.logsumexp(-1).abs() <= within).all())


def looks_squashed(z: Tensor) -> bool:
    """Whether 8 or more numbers look like a sigmoid's: none outside 0 … 1, and spread to both sides of ½.

    Logits of a new model stay around 0, and those of a trained one leave 0 … 1.
    """
    if z.numel() < 8 or not bool(((z >= 0) & (z <= 1)).all()):
        return False
    return float(z.min()) < 0.35 and float(z.max()) > 0.65 and float(z.std()) > 0.1


def span(z: Tensor) -> str:
    """The range of some numbers, for a sentence."""
    finite = z[z.isfinite()] if z.is_floating_point() else z
    return f"{float(finite.min()):.4g} to {float(finite.max()):.4g}" if finite.numel() else "no finite number"


def runs(flags: Tensor) -> tuple[list[int], list[int]]:
    """Where the runs of True in a vector start, and where they end (the index after the last).

    Example:
        >>> runs(torch.tensor([True, True, False, True]))
        ([0, 3], [2, 4])
    """
    edges = torch.diff(torch.nn.functional.pad(flags.int(), (1, 1))).tolist()
    return [i for i, edge in enumerate(edges) if edge == 1], [i for i, edge in enumerate(edges) if edge == -1]


def row_length_of_padding(labels: Tensor, value: int, known: int | None = None) -> int | None:
    """The length of the rows that ``value`` fills up at the end; None where it is no padding.

    Padding stands at the ends of rows of one length, in two rows or more, and the other labels form no runs. The length
    is the greatest common divisor of the places where runs end, unless it is ``known``. One in ten may stand elsewhere.
    """
    if not known and (len(labels) < 24 or len(labels.unique()) < 8):
        return None
    is_value = labels == value
    long = [(start, end) for start, end in zip(*runs(is_value), strict=True) if end - start > 1]
    length = known or math.gcd(*(end for _, end in long), len(labels))
    if length < 3 or len(labels) // length < 2 or len(long) < 2 or any(end % length for _, end in long):
        return None
    others = labels[~is_value]
    repeats = float((others[1:] == others[:-1]).float().mean()) if len(others) > 1 else 1.0
    covered = sum(end - start for start, end in long) / int(is_value.sum())
    return length if covered > 0.9 and repeats < 0.34 else None
