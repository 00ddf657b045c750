"""The benchmark in one picture."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from benchmarks.speed import FLOOR, PRODUCTS, TORCH, UNFUSED
from xent_helpers.plots.style import BLACK, DescribedFigure, canvas, course_style

ALT = (
    "Four panels. Times over F.cross_entropy's for losses of logits by size, in fresh and in reused memory; times over "
    "the unfused form's for the last layer and its loss; and times over the best choice against the logits in a chunk, "
    "the rule's choice marked."
)


@course_style()
def draw(tables: dict[str, pd.DataFrame]) -> DescribedFigure:
    """Draw the first device's ratios from the parts' tables; below 1 is faster than torch."""
    axes = canvas(ALT, 2, 2, figsize=(12, 9)).ravel()
    drawn = {part: tables[part] for part in ("dense", "reused", "linear", "chunks")}
    first = {part: table[table["device"] == table["device"].iloc[0]] for part, table in drawn.items()}
    for ax, part, memory in ((axes[0], "dense", "fresh"), (axes[1], "reused", "reused")):
        _ratios(ax, first[part][first[part]["pass"] == "both"], TORCH, FLOOR, "(N, C)")
        ax.set(title=f"Logits to loss and gradient, {memory} memory", ylabel="time over F.cross_entropy's")
    _ratios(axes[2], first["linear"], UNFUSED, PRODUCTS, "(N, D, C)")
    axes[2].set(title="Last layer, loss and gradients", ylabel="time over the unfused form's")
    _chunks(axes[3], first["chunks"])
    return axes[0].figure


def _ratios(ax: Axes, table: pd.DataFrame, base: str, floor: str, xlabel: str) -> None:
    for marker, (name, group) in zip("osD^vP*", table.groupby("implementation", sort=False), strict=False):
        colour = {"color": "grey"} if name == floor else {}
        if name != base:
            ax.plot(group["size"], group["over torch"], marker=marker, label=name, **colour)
    ax.axhline(1, color=BLACK, linewidth=1)
    _plain_log_scale(ax)
    ax.set_xlabel(xlabel)
    ax.margins(x=0.1, y=0.25)  # above the lines, room for the legend
    ax.tick_params(axis="x", labelrotation=20)
    ax.legend(fontsize=8, loc="upper center", ncols=2)


def _chunks(ax: Axes, table: pd.DataFrame) -> None:
    for marker, (size, group) in zip("osD^", table.groupby("size", sort=False), strict=False):
        (line,) = ax.plot(group["logits in a chunk"], group["over the best"], marker=marker, markersize=4, label=size)
        rule = group[group["is the rule"]]
        ax.plot(
            rule["logits in a chunk"], rule["over the best"], "o", color=line.get_color(), markersize=13, mfc="none"
        )
    ax.set_xscale("log", base=2)
    _plain_log_scale(ax)
    ax.set(title="The rule's chunk (ring) is near the best", xlabel="logits in a chunk", ylabel="time over the best's")
    ax.legend(fontsize=8)


def _plain_log_scale(ax: Axes) -> None:
    """0.5, 1, 2, 5 … up the axis, equal ratios at equal distances."""
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
