"""Figures of chapter 9: what follows a byte, which labels count, and the price of holding logits."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullLocator

from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, PURPLE, SKY, VERMILION, canvas, course_style

_LOOKS = ((BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"))
_SIGNS = {" ": "␣", "\n": "↵"}


@course_style()
def next_byte_bars(counts: np.ndarray, symbols: Sequence[int], after: str = "qt1 ", most: int = 7) -> np.ndarray:
    """Draw which bytes follow a few chosen ones, and how often: one panel for each.

    Args:
        counts: (C, C), row a and column b: how often b follows a.
        symbols: the C bytes.
        after: the present bytes to show.
        most: how many next bytes to show for each.

    Returns:
        One Axes for each present byte.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    signs = np.array([_SIGNS.get(chr(symbol), chr(symbol)) for symbol in symbols])
    rows = [list(symbols).index(ord(letter)) for letter in after]
    order = [np.argsort(-shares[row], kind="stable")[: min(most, np.count_nonzero(shares[row]))] for row in rows]
    words = ", ".join(
        f"after {signs[row]} most often {signs[best[0]]} ({shares[row, best[0]]:.2f})"
        for row, best in zip(rows, order, strict=True)
    )
    axes = canvas(f"Bars of the {most} likeliest next bytes: {words}.", 1, len(rows), figsize=(9.0, 3.2), sharex=True)
    for ax, row, best in zip(axes, rows, order, strict=True):
        ax.barh(range(len(best)), shares[row, best], color=BLUE)
        ax.set_yticks(range(len(best)), signs[best], family="DejaVu Sans Mono")
        ax.set_ylim(most - 0.4, -0.6)
        ax.set(title=f"after {signs[row]}", xlabel="share", xlim=(0, 1))
        ax.grid(False, axis="y")
    axes[0].set_ylabel("next byte")
    axes[0].figure.suptitle("Each present byte has its own die for the next one", x=0.01, ha="left", weight="bold")
    return axes


@course_style()
def label_grid(rows: Mapping[str, tuple[Sequence[str], Sequence[str | None]]]) -> Axes:
    """Draw tokens with the label of each place below it; places without a label are grey.

    Args:
        rows: by name, the tokens of a row and the label at each place, None where there is none.
    """
    counted = {name: sum(label is not None for label in labels) for name, (_, labels) in rows.items()}
    width = max(len(tokens) for tokens, _ in rows.values())
    said = ", ".join(f"{name}: {count} labels" for name, count in counted.items())
    ax = canvas(
        f"Rows of tokens, below each token its label, grey where there is none. {said}.",
        figsize=(0.82 * width + 0.4, 1.25 * len(rows) + 0.5),
    )
    for height, (name, (tokens, labels)) in enumerate(rows.items()):
        top = -1.6 * height
        ax.text(0, top + 1.12, f"{name} ({counted[name]} labels)", fontsize=10, weight="bold")
        for place, (token, label) in enumerate(zip(tokens, labels, strict=True)):
            _box(ax, place, top + 0.5, token, "white", BLACK)
            _box(ax, place, top, "–" if label is None else label, "#E6E6E6" if label is None else SKY, BLACK)
    ax.set(xlim=(-0.05, width + 0.05), ylim=(-1.6 * len(rows) + 1.5, 1.5))
    ax.set_title("The tokens, and under each one its label: the next token, where it counts")
    ax.axis("off")
    return ax


@course_style()
def accumulation_error(batches: Sequence[int], errors: Mapping[str, np.ndarray]) -> Axes:
    """Draw how far an average of micro-batches' means is from the gradient of all labels, against their number.

    Args:
        batches: numbers of micro-batches (S,).
        errors: relative errors (runs, S), by how the text was cut.
    """
    ends = [
        f"{name}: median {np.median(e[:, 0]):.2f} at {batches[0]}, {np.median(e[:, -1]):.2f} at {batches[-1]}"
        for name, e in errors.items()
    ]
    ax = canvas(
        f"Relative error of the gradient against the number of micro-batches. {'; '.join(ends)}.", figsize=(7.4, 4.1)
    )
    for (name, e), (colour, dash, marker) in zip(errors.items(), _LOOKS, strict=False):
        ax.plot(batches, np.median(e, axis=0), color=colour, linestyle=dash, marker=marker, markersize=5, label=name)
        ax.fill_between(batches, e.min(axis=0), e.max(axis=0), color=colour, alpha=0.2, linewidth=0)
    ax.set(
        title="Noise averages out; a bias stays",
        xscale="log",
        yscale="log",
        xlabel="micro-batches K in one step",
        ylabel="‖wrong − right‖ / ‖right‖",
    )
    ax.xaxis.set_major_locator(FixedLocator(list(batches)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter("{x:g}")
    ax.legend(title=f"median and range of {len(next(iter(errors.values())))} draws")
    return ax


@course_style()
def training_in_bits(steps: Sequence[int], runs: Mapping[str, np.ndarray], levels: Mapping[str, float]) -> Axes:
    """Draw bits per byte against the steps of several training runs.

    Args:
        steps: (S,).
        runs: bits per byte (runs, S), by name.
        levels: bits per byte of what does not train, by name.
    """
    ends = [f"{name} from {values[:, 0].mean():.2f} to {values[:, -1].mean():.2f}" for name, values in runs.items()]
    ends += [f"{name} at {value:.2f}" for name, value in levels.items()]
    ax = canvas(f"Bits per byte against training steps: {', '.join(ends)}.", figsize=(7.6, 4.2))
    for (name, values), (colour, dash, marker) in zip(runs.items(), _LOOKS, strict=False):
        ax.plot(steps, values.T, color=colour, linestyle=dash, marker=marker, markersize=4, linewidth=1.2)
        ax.lines[-1].set_label(f"{name}, {len(values)} seeds")
    for (name, value), dash in zip(levels.items(), (":", "-."), strict=False):
        ax.axhline(value, color=GREY, linestyle=dash, linewidth=1.6, label=name)
    ax.set(
        title="What the network learns, and when it stops helping",
        xlabel="training steps",
        ylabel="bits per byte",
        xlim=(0, None),
    )
    ax.legend()
    return ax


@course_style()
def memory_against_rows(
    rows: Sequence[int], curves: Mapping[str, Sequence[float]], levels: Mapping[str, float]
) -> Axes:
    """Draw the peak memory of a loss and its gradients against the rows of logits that are held at a time.

    Args:
        rows: rows in a chunk (S,).
        curves: the peak in units of all logits (S,), by implementation.
        levels: what takes no number of rows, by name.
    """
    ends = [f"{name} from {values[0]:.2f} to {values[-1]:.2f}" for name, values in curves.items()]
    ends += [f"{name} {value:.2f}" for name, value in levels.items()]
    ax = _against_rows(rows, curves, levels, f"Peak memory against rows in a chunk: {', '.join(ends)}.")
    ax.set(
        title="Memory: in chunks, every loss holds less than the unfused one",
        ylim=(0, 1.5 * max(levels.values())),
        ylabel="peak memory, in units of all logits",
    )
    return ax


@course_style()
def time_against_rows(rows: Sequence[int], curves: Mapping[str, Sequence[float]], levels: Mapping[str, float]) -> Axes:
    """Draw the time of a loss and its gradients against the rows of logits that are held at a time.

    Args:
        rows: rows in a chunk (S,).
        curves: milliseconds (S,), by implementation.
        levels: milliseconds of what takes no number of rows, by name.
    """
    ends = [f"{name} {values[0]:.0f} with the fewest and {values[-1]:.0f} with most" for name, values in curves.items()]
    ends += [f"{name} {value:.0f}" for name, value in levels.items()]
    ax = _against_rows(rows, curves, levels, f"Milliseconds against rows in a chunk: {', '.join(ends)}.")
    ax.set(title="Time: a few rows at a time are slow", ylim=(0, None), ylabel="time of loss and gradients, ms")
    return ax


def _against_rows(rows, curves, levels, alt: str) -> Axes:
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


def _box(ax: Axes, left: float, bottom: float, text: str, face: str, edge: str) -> None:
    ax.add_patch(Rectangle((left, bottom), 1, 0.5, facecolor=face, edgecolor=edge, linewidth=0.8))
    ax.text(left + 0.5, bottom + 0.25, text, ha="center", va="center", fontsize=9)
