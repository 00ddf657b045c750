"""Our losses beside PyTorch's, and the CPU beside an accelerator: digits, time and memory.

Every table is a pandas DataFrame with one row for each case or implementation and each device. ``show`` prints
one so that the rows of another device change no character of the rows above them.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import product
from math import exp, inf, isfinite, log1p
from pathlib import Path
from textwrap import shorten

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from xent_helpers import devices, losses
from xent_helpers import validation as check
from xent_helpers.calls import DTYPES, LOSSES, Call, calls, value_and_gradient

__all__ = [
    "agreement",
    "beside",
    "complaint",
    "show",
    "show_recorded",
    "speed_and_memory",
    "three_ways",
    "units_apart",
    "units_by_margin",
    "value_and_gradient",
    "verdicts",
]
REDUCTIONS = ("none", "sum", "mean")
RESULTS = Path(__file__).resolve().parents[1] / "results"  # where `make gpu` leaves what it measured


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
    if table.empty:
        raise ValueError("table has no rows, expected those of agreement: give it at least one call and one device.")
    columns = ["ours value", "ours slope", "torch value", "torch slope"]
    rows = []
    table = pd.concat([table[table["device"] == device] for device in table["device"].unique()])
    for key, group in table.groupby(["device", "loss", "dtype"], sort=False):
        missed = group[(group["torch value"] > 1) | (group["torch slope"] > 1)]
        row = dict(zip(("device", "loss", "dtype"), key, strict=True)) | {"calls": len(group)}
        row |= {column: "held" if (group[column] <= 1).all() else "not held" for column in columns}
        rows.append(row | {"torch misses where": ", ".join(missed["situation"].unique())})
    return pd.DataFrame(rows)


def beside(
    places: Sequence[torch.device] | None = None,
    dtypes: Iterable[torch.dtype] = DTYPES,
    reductions: Iterable[str] = REDUCTIONS,
    repeats: int = 5,
) -> pd.DataFrame:
    """Run PyTorch's losses on each device and put what they return side by side.

    Args:
        places: the devices, the CPU first; without it, all that are here.
        dtypes: the types of the scores.
        reductions: which reductions to run.
        repeats: how many runs are timed; the median counts.

    Returns:
        One row for each loss, layout, type and reduction. For each device: the value (the first one where there is
        one for each sample), the slope (the first entry of the gradient), milliseconds for forward and backward, and
        the peak memory above the inputs in megabytes. For each device after the first: "units apart", the largest
        difference from the first device's values and slopes, in units of rounding (see ``units_apart``).
    """
    places = list(places or devices.available())
    table = []
    for (loss, layout, shape), dtype, reduction in product(_LAYOUTS, dtypes, reductions):
        kind = str(dtype).removeprefix("torch.")
        row = {"loss": LOSSES[loss], "layout": layout, "type": kind, "reduction": reduction}
        found = []
        for place in places:
            batch = (part.to(place) for part in _batch(loss, shape, dtype))
            run = partial(value_and_gradient, getattr(F, loss), *batch, reduction=reduction)
            value, slope = (part.cpu().double() for part in run())
            found.append((value, slope))
            row |= {f"value {place}": value.flatten()[0].item(), f"slope {place}": slope.flatten()[0].item()}
            row |= {f"ms {place}": devices.milliseconds(run, place, repeats)}
            row |= {f"MB {place}": devices.peak_bytes(run, place) / 1e6}
        for place, (value, slope) in zip(places[1:], found[1:], strict=True):
            slopes = units_apart(found[0][1], slope, dtype, size=found[0][1].abs().max())
            row[f"units apart {place}"] = max(units_apart(found[0][0], value, dtype), slopes)
        table.append(row)
    return pd.DataFrame(table)


# Every loss in the two layouts that are most used: 4,096 samples of 16 classes, or as many yes-or-no labels.
_LAYOUTS = [
    ("cross_entropy", "(N, C)", (4096, 16)),
    ("cross_entropy", "(N, C, d1)", (64, 16, 64)),
    ("nll_loss", "(N, C)", (4096, 16)),
    ("nll_loss", "(N, C, d1)", (64, 16, 64)),
    ("binary_cross_entropy_with_logits", "(N,)", (65_536,)),
    ("binary_cross_entropy_with_logits", "(N, K)", (4096, 16)),
    ("binary_cross_entropy", "(N,)", (65_536,)),
    ("binary_cross_entropy", "(N, K)", (4096, 16)),
]


def _batch(loss: str, shape: tuple[int, ...], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Everyday scores from -4 to 4 in the form that ``loss`` takes, and their labels."""
    spread = torch.arange(torch.Size(shape).numel(), dtype=torch.float64) * 0.6180339887  # fractions fill [0, 1) evenly
    scores = (8 * (spread % 1) - 4).reshape(shape)
    if loss.startswith("binary"):
        target = (scores > 1).to(dtype)
        return (scores.sigmoid() if loss == "binary_cross_entropy" else scores).to(dtype), target
    target = torch.arange(scores[:, 0].numel()).reshape(scores[:, 0].shape) % shape[1]
    return (scores.log_softmax(1) if loss == "nll_loss" else scores).to(dtype), target


def units_apart(one: Tensor, other: Tensor, dtype: torch.dtype, size: Tensor | None = None) -> float:
    """Return the largest difference between two results, in units of rounding of ``dtype``.

    Args:
        one: float64 numbers.
        other: as many.
        dtype: the type that both were computed in; its machine epsilon is the unit.
        size: what a unit is relative to; without it, each number's own size.

    Returns:
        0 where both are the same, NaN and infinity included; infinity where only one of them is a number.

    Example:
        >>> units_apart(torch.tensor([1.0]), torch.tensor([1.0 + 2.0**-22]), torch.float32)
        2.0
    """
    check.check_tensors(one=one, other=other)
    check.check_same_shape("one", one, "other", other)
    info = torch.finfo(dtype)
    same = (one == other) | (one.isnan() & other.isnan())
    sizes = (one.abs() if size is None else size).clamp(min=info.smallest_normal)
    apart = torch.where(same, 0, (one - other).abs() / sizes / info.eps)
    return max(apart.nan_to_num(nan=inf, posinf=inf).flatten().tolist(), default=0.0)


def show_recorded(folder: Path = RESULTS) -> None:
    """Print the tables that ``make gpu`` has left in ``folder``, or that there is none."""
    files = sorted(folder.glob("*.csv"))
    if not files:
        print("No machine with an accelerator has recorded its table yet.")
    for path in files:
        with path.open(encoding="utf-8") as file:
            print(file.readline().removeprefix("#").strip())  # the card, the date, the versions
            print(pd.read_csv(file).to_string(index=False, float_format="{:.4g}".format))


def units_by_margin(
    margins: Iterable[int], dtype: torch.dtype = torch.float32, places: Iterable[torch.device] | None = None
) -> pd.DataFrame:
    """Measure the error of a right answer's loss, ten classes, in units of rounding.

    Args:
        margins: by how many logits the true class leads; for each m, 32 margins from m to m + 1 are tried.
        dtype: float32 or fewer digits, so that float64's log1p can stand for the truth.
        places: the devices; without it, all that are here.

    Returns:
        One row for each device, implementation ("ours", "torch") and margin, with the largest error in units.
    """
    rows = []
    for device, margin in product(list(places or devices.available()), margins):
        lead = torch.linspace(margin, margin + 1, 32, dtype=torch.float64).to(dtype)
        logits = F.pad(lead[:, None], (0, 9)).to(device)
        target = torch.zeros(32, dtype=torch.long, device=device)
        exact = torch.tensor([log1p(9 * exp(-m)) for m in lead.tolist()], dtype=torch.float64)
        for who, loss in (("ours", losses.cross_entropy), ("torch", F.cross_entropy)):
            found = loss(logits, target, reduction="none").cpu().double()
            units = units_apart(exact, found, dtype)
            rows.append({"device": str(device), "who": who, "margin": margin, "units": units})
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
        first_line, *_ = [*str(error).strip().splitlines(), ""]
        return shorten(f"{type(error).__name__}: {first_line}", width, placeholder=" …")


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
