"""Our losses beside PyTorch's: where each holds a stated bound, how long it takes, and how much memory.

Every table is a pandas DataFrame with one row for each case or implementation and each device. ``show`` prints
one so that the rows of another device change no character of the rows above them.
"""

import warnings
from collections.abc import Callable, Iterable
from itertools import product
from math import inf, isfinite, log2
from textwrap import shorten

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from xent_helpers import devices, losses
from xent_helpers.calls import DTYPES, LOSSES, Call, calls, value_and_gradient

__all__ = ["agreement", "complaint", "show", "speed_and_memory", "three_ways", "value_and_gradient", "verdicts"]
REDUCTIONS = ("none", "sum", "mean")


def agreement(chosen: Iterable[Call] | None = None, places: Iterable[torch.device] | None = None) -> pd.DataFrame:
    """Run every call × reduction × device with both implementations and judge each against 60 digits.

    Args:
        chosen: the calls; without it, all of ``calls`` for all losses and types.
        places: the devices; without it, all that are here.

    Returns:
        One row for each call, reduction and device. "ours value", "ours slope", "torch value" and "torch slope" hold
        the largest error as a share of what the bound allows: up to 1 is held.
    """
    places = list(places or devices.available())
    if chosen is None:
        chosen = [call for loss in LOSSES for dtype in DTYPES for call in calls(loss, dtype)]
    rows = []
    for call in chosen:
        result, dtype = call.exact(), call.scores.dtype
        told = {"loss": LOSSES[call.loss], "dtype": str(dtype).removeprefix("torch."), "situation": call.situation}
        for reduction, device in product(REDUCTIONS, places):
            row = {"device": str(device), **told, "option": call.option, "reduction": reduction}
            wanted = result.values(reduction), result.gradients(reduction)
            for who in ("ours", "torch"):
                with warnings.catch_warnings():  # CUDA has no repeatable order for the sum over positions
                    warnings.filterwarnings("ignore", message=".*deterministic")
                    got = call.run(who, reduction, device)
                for what, *judged in zip(("value", "slope"), got, wanted, call.units, strict=True):
                    row[f"{who} {what}"] = share_of_bound(*judged, dtype)
            rows.append(row)
    return pd.DataFrame(rows)


def share_of_bound(got: Tensor, wanted: tuple[list, list], units: int, dtype: torch.dtype) -> float:
    """Return the largest error as a share of ``units`` units of rounding; an infinity is never right here.

    Args:
        got: flat float64 numbers.
        wanted: the exact numbers, and for each the size that its unit is relative to; see ``exact``.
        units: how many units of rounding, each the machine epsilon, are allowed.
        dtype: the type whose rounding counts; its smallest step is the least that a unit can be.
    """
    info = torch.finfo(dtype)
    worst = 0.0
    for value, number, size in zip(got.tolist(), *wanted, strict=True):
        if not isfinite(value):
            return inf
        allowed = units * max(size, info.smallest_normal) * info.eps
        worst = max(worst, float(abs(value - number) / allowed))
    return worst


def verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """Summarise ``agreement``: one row for each device, loss and type, "held" or "not held", and torch's misses."""
    columns = ["ours value", "ours slope", "torch value", "torch slope"]
    rows = []
    table = pd.concat([table[table["device"] == device] for device in table["device"].unique()])
    for key, group in table.groupby(["device", "loss", "dtype"], sort=False):
        missed = group[(group["torch value"] > 1) | (group["torch slope"] > 1)]
        row = dict(zip(("device", "loss", "dtype"), key, strict=True)) | {"calls": len(group)}
        row |= {column: "held" if (group[column] <= 1).all() else "not held" for column in columns}
        rows.append(row | {"torch misses where": ", ".join(missed["situation"].unique())})
    return pd.DataFrame(rows)


def by_size(
    sizes: Iterable[tuple[int, int]], dtypes: Iterable[torch.dtype], places: Iterable[torch.device] | None = None
) -> pd.DataFrame:
    """Judge the mean cross-entropy of batches of several sizes against the same logits in float64 on the CPU.

    Each loss is right to 4 units of rounding. A sum of N of them adds one for each halving of N: any device adds up in
    pairs, or in another order that is as good. Slopes are judged by the largest of their row.

    Returns:
        One row for each device, type and size (N, C): whether the value holds 4 + log2 N units, and the slopes 8.
    """
    rows = []
    for device, dtype, (n, c) in product(places or devices.available(), dtypes, sizes):
        spread = torch.arange(n * c, dtype=torch.float64) * 0.6180339887  # its fractions fill [0, 1) evenly
        logits, target = (8 * (spread % 1) - 4).reshape(n, c).to(dtype), torch.arange(n) % c
        value, slope = value_and_gradient(F.cross_entropy, logits.double(), target)
        row = {"device": str(device), "dtype": str(dtype).removeprefix("torch."), "N": n, "C": c}
        for who, loss in (("ours", losses.cross_entropy), ("torch", F.cross_entropy)):
            got = [x.cpu().double() for x in value_and_gradient(loss, logits.to(device), target.to(device))]
            unit = torch.finfo(dtype).eps
            off = (got[0] - value).abs() / value.abs() / unit / (4 + log2(n))
            off_slope = ((got[1] - slope).abs().amax(1) / slope.abs().amax(1)).max() / unit / 8
            row |= {
                f"{who} {what}": "held" if x <= 1 else "not held" for what, x in (("value", off), ("slope", off_slope))
            }
        rows.append(row)
    return pd.DataFrame(rows)


def three_ways(loss: str, calls: dict[str, tuple]) -> pd.DataFrame:
    """Put numbers worked out by hand beside ours and torch's, four decimals, one row for each call.

    Args:
        loss: the name that both libraries have for it, such as "cross_entropy".
        calls: for each row's name the number by hand, the scores, the target, and a dictionary of options.

    Example:
        >>> logits, label = torch.tensor([1.0, 2.0, 0.1]), torch.tensor(1)
        >>> three_ways("cross_entropy", {"label 1": (0.4170, logits, label, {})})
                 by hand   ours  torch
        label 1    0.417  0.417  0.417
    """
    rows = []
    for by_hand, scores, target, options in calls.values():
        found = [getattr(library, loss)(scores, target, **options) for library in (losses, F)]
        rows.append([float(by_hand), *map(float, found)])
    return pd.DataFrame(rows, list(calls), ["by hand", "ours", "torch"]).round(4)


def complaint(call: Callable[..., object], *args: object, width: int = 100, **options: object) -> str:
    """Make a call that may be refused; return the error's type and the beginning of its message, or the result.

    Example:
        >>> complaint(int, "five")
        "ValueError: invalid literal for int() with base 10: 'five'"
        >>> complaint(float, "2")
        'no complaint: 2.0000'
    """
    try:
        return f"no complaint: {float(call(*args, **options)):.4f}"
    except Exception as error:  # whatever comes is what the reader is to see
        return shorten(f"{type(error).__name__}: {str(error).strip().splitlines()[0]}", width, placeholder=" …")


def textbook(logits: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy as the textbook has it, log of softmax: what speed and memory are also compared with."""
    return -logits.softmax(1).log()[torch.arange(len(target), device=target.device), target].mean()


CONTESTANTS = {"textbook": textbook, "ours": losses.cross_entropy, "torch": F.cross_entropy}


def speed_and_memory(
    sizes: Iterable[tuple[int, int]], places: Iterable[torch.device] | None = None, repeats: int = 5
) -> pd.DataFrame:
    """Time forward and backward of the cross-entropy in float32, and take its peak memory.

    Returns:
        One row for each device, size (N, C) and implementation: the median of ``repeats`` runs in milliseconds, and
        the peak above the inputs, in arrays of the logits' size.
    """
    rows = []
    for device, (n, c) in product(places or devices.available(), sizes):
        logits = torch.linspace(-3, 3, n * c, device=device).reshape(n, c).requires_grad_()
        target = torch.arange(n, device=device) % c
        for who, loss in CONTESTANTS.items():

            def run(loss=loss, logits=logits, target=target) -> None:
                logits.grad = None
                loss(logits, target).backward()

            milliseconds = devices.milliseconds(run, device, repeats)
            peak = devices.peak_bytes(run, device) / (n * c * logits.element_size())
            row = {"device": str(device), "N": n, "C": c, "implementation": who}
            rows.append(row | {"ms": f"{milliseconds:.2f}", "peak": f"{peak:.1f}"})
    return pd.DataFrame(rows)


def show(table: pd.DataFrame) -> None:
    """Print ``table``, device first; only the header and the CPU's rows decide how wide a column is."""
    lines = [list(table.columns), *([str(entry) for entry in row] for row in table.itertuples(index=False))]
    setting = [line for line in lines if line[0] in ("device", "cpu")]
    widths = [8] + [max(map(len, column)) for column in list(zip(*setting, strict=True))[1:]]
    for line in lines:
        print("  ".join(entry.ljust(width) for entry, width in zip(line, widths, strict=True)).rstrip())
