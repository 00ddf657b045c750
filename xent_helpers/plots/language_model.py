"""Figures of chapter 9: a text's pairs of bytes, the price of holding logits, a small language model."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.ticker import FixedLocator, NullLocator

from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, PURPLE, VERMILION, canvas

_LOOKS = ((BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"))
_SIGNS = {" ": "␣", "\n": "↵"}


def next_byte_table(counts: np.ndarray, symbols: Sequence[int], most: int = 26) -> Axes:
    """Draw how often each byte follows each other one, for the most frequent bytes of a text.

    Args:
        counts: (C, C), row a and column b: how often b follows a.
        symbols: the C bytes.
        most: how many of them to show.
    """
    shown = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[:most])
    shares = counts[np.ix_(shown, shown)] / counts[shown].sum(axis=1, keepdims=True)
    signs = [_SIGNS.get(chr(symbols[c]), chr(symbols[c])) for c in shown]
    top = [np.unravel_index(cell, shares.shape) for cell in np.argsort(-shares, axis=None, kind="stable")[:3]]
    words = ", ".join(f"{signs[b]} after {signs[a]} {shares[a, b]:.2f}" for a, b in top)
    ax = canvas(
        f"Table of the {most} most frequent bytes: the row is the present byte, the column the next one, the colour "
        f"the share of the next one. Most cells are near 0; the largest shares are {words}.",
        figsize=(7.4, 6.0),
    )
    picture = ax.imshow(shares, norm=PowerNorm(0.5, vmin=0, vmax=1))  # spreads the many small shares
    ax.set_xticks(range(most), signs, family="DejaVu Sans Mono")
    ax.set_yticks(range(most), signs, family="DejaVu Sans Mono")
    ax.set(title="Each row is one classifier: which byte comes next?", xlabel="next byte b", ylabel="present byte a")
    ax.figure.colorbar(picture, ax=ax, label="share of b after a")
    ax.grid(False)
    return ax


def memory_against_chunk(
    rows: Sequence[int], curves: Mapping[str, Sequence[float]], levels: Mapping[str, float]
) -> Axes:
    """Draw the peak memory of a loss and its gradients against the rows of logits that are held at a time.

    Args:
        rows: rows in a chunk (S,).
        curves: the peak in units of all logits (S,), by implementation.
        levels: the peak of implementations that take no number of rows.
    """
    ends = [f"{name} from {values[0]:.2f} to {values[-1]:.2f}" for name, values in curves.items()]
    ends += [f"{name} {value:.2f} throughout" for name, value in levels.items()]
    ax = _against_chunk(rows, curves, levels, f"Peak memory against rows in a chunk: {', '.join(ends)}.")
    ax.set(title="The smaller the chunk, the less is held", yscale="log", ylabel="peak memory, in units of all logits")
    ax.yaxis.set_major_locator(FixedLocator([0.03, 0.1, 0.3, 1, 3]))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())
    return ax


def time_against_chunk(rows: Sequence[int], curves: Mapping[str, Sequence[float]], levels: Mapping[str, float]) -> Axes:
    """Draw the time of a loss and its gradients against the rows of logits that are held at a time.

    Args:
        rows: rows in a chunk (S,).
        curves: milliseconds (S,), by implementation.
        levels: milliseconds of implementations that take no number of rows.
    """
    ends = [f"{name} {values[0]:.0f} with the fewest and {values[-1]:.0f} with all" for name, values in curves.items()]
    ends += [f"{name} {value:.0f}" for name, value in levels.items()]
    ax = _against_chunk(rows, curves, levels, f"Milliseconds against rows in a chunk: {', '.join(ends)}.")
    ax.set(title="Very small chunks cost time, middling ones do not", ylim=(0, None), ylabel="time in ms")
    return ax


def training_in_bits(steps: Sequence[int], curves: Mapping[str, Sequence[float]], levels: Mapping[str, float]) -> Axes:
    """Draw bits per byte against the steps of a training run.

    Args:
        steps: (S,).
        curves: bits per byte (S,), by name.
        levels: bits per byte of what does not train, by name.
    """
    ends = [f"{name} from {values[0]:.2f} to {values[-1]:.2f}" for name, values in curves.items()]
    ends += [f"{name} at {value:.2f}" for name, value in levels.items()]
    ax = canvas(f"Bits per byte against training steps: {', '.join(ends)}.", figsize=(7.6, 4.2))
    for (name, values), (colour, dash, marker) in zip(curves.items(), _LOOKS, strict=False):
        ax.plot(steps, values, color=colour, linestyle=dash, marker=marker, markersize=5, label=name)
    for (name, value), dash in zip(levels.items(), (":", "-."), strict=False):
        ax.axhline(value, color=GREY, linestyle=dash, linewidth=1.6, label=name)
    ax.set(title="Four bytes of context beat one", xlabel="training steps", ylabel="bits per byte", xlim=(0, None))
    ax.legend()
    return ax


def _against_chunk(rows, curves, levels, alt: str) -> Axes:
    ax = canvas(alt, figsize=(7.4, 4.1))
    for (name, values), (colour, dash, marker) in zip(curves.items(), _LOOKS, strict=False):
        ax.plot(rows, values, color=colour, linestyle=dash, marker=marker, markersize=5, label=name)
    for (name, value), (colour, dash) in zip(levels.items(), ((BLACK, "--"), (GREY, ":")), strict=False):
        ax.axhline(value, color=colour, linestyle=dash, linewidth=1.6, label=name)
    ax.set(xscale="log", xlabel="rows of logits in a chunk")
    ax.xaxis.set_major_locator(FixedLocator(list(rows)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.legend()
    return ax
