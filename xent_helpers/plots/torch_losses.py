"""Figures of chapter 5: what a mean divides by, where a loss stops or jumps, and how many digits are right."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, SKY, VERMILION, canvas, course_style


@course_style()
def weighted_mean(losses: Sequence[float], weights: Sequence[float], labels: Sequence[int]) -> Axes:
    """Draw each sample as a block, as wide as its weight and as high as its loss; their mean height is the mean loss.

    Args:
        losses: one loss a sample.
        weights: for each sample, the weight of its class.
        labels: the samples' classes, which name the blocks.
    """
    losses, weights = np.asarray(losses), np.asarray(weights)
    mean, plain = (losses * weights).sum() / weights.sum(), losses.mean()
    ax = canvas(
        f"{len(losses)} blocks side by side, one for each sample: as wide as its weight, as high as its loss. The "
        f"weighted mean, a solid line at {mean:.2f}, is their area divided by the sum of the widths. The plain mean, "
        f"a dashed line, is at {plain:.2f}.",
        figsize=(7.2, 3.4),
    )
    left = np.concatenate([[0], np.cumsum(weights)])[:-1]
    ax.bar(left, losses, weights, align="edge", color=SKY, edgecolor=BLUE, linewidth=1.5)
    for start, width, loss, label in zip(left, weights, losses, labels, strict=True):
        ax.text(start + width / 2, loss / 2, f"class {label}\nw = {width:g}", ha="center", va="center")
    end = weights.sum()
    ax.plot([0, end], [mean, mean], "-", color=VERMILION)
    ax.plot([0, end], [plain, plain], "--", color=BLACK)
    for height, text, colour, at in ((mean, "weighted mean", VERMILION, "bottom"), (plain, "plain mean", BLACK, "top")):
        ax.annotate(text, (end, height), (4, 0), textcoords="offset points", va=at, color=colour)
    ax.set(
        title="Area over total width: a heavy class pulls the mean towards its losses",
        xlabel="weight (samples side by side)",
        ylabel="loss (nats)",
        xlim=(0, 1.28 * end),
        xticks=[*left, end],
        ylim=(0, 1.15 * losses.max()),
    )
    return ax


@course_style()
def floors(margin: Sequence[float], right: Mapping[str, Sequence[float]], twice: Mapping[str, Sequence[float]]) -> Axes:
    """Draw losses against the margin of a right answer: fed with logits as they should be, and squashed first.

    Args:
        margin: how far the true logit stands above the others.
        right: losses of the logits, by the name of the loss.
        twice: losses of their softmax or sigmoid, by what went wrong.
    """
    ax = canvas(
        "Loss against the margin of a right answer. Fed with logits, the losses fall towards 0. Fed with a softmax or "
        "sigmoid of them, they level off far above 0 within a margin of about five.",
        figsize=(7.2, 4.2),
    )
    for (name, values), colour, nudge in zip(right.items(), (BLUE, GREEN), ((8, 4), (-21, -22)), strict=True):
        ax.plot(margin, values, "-", color=colour)  # these two meet at 0, so they are named where they fall
        at = len(margin) // 12
        ax.annotate(name, (margin[at], values[at]), nudge, textcoords="offset points", color=colour)
    for (name, values), colour in zip(twice.items(), (VERMILION, BLACK), strict=True):
        ax.plot(margin, values, "--", color=colour)
        ax.annotate(name, (margin[-1], values[-1]), (4, 0), textcoords="offset points", va="center", color=colour)
    ax.set(
        title="Squashed twice, a loss stops far above 0",
        xlabel="margin of the right answer (logits)",
        ylabel="loss (nats)",
        xlim=(margin[0], margin[0] + 1.45 * (margin[-1] - margin[0])),
        xticks=np.linspace(margin[0], margin[-1], 7),  # none, and no grid line, behind the names
    )
    ax.set_ylim(bottom=-0.1)
    return ax


@course_style()
def saturation(wrong: Sequence[float], curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> np.ndarray:
    """Draw loss and size of the gradient of wrong answers against how wrong they are, one curve for each case.

    Args:
        wrong: how far the logit stands on the wrong side of 0.
        curves: by name, up to three, the losses and their gradients with respect to the logits.
    """
    axes = canvas(
        "Two panels against the distance of a wrong logit from 0. Left, the loss: with logits it rises in a line; "
        "from probabilities it jumps to 100, for label 0 near 17. Right, the size of the gradient: with logits it "
        "rises to 1 and stays there; from probabilities it falls to 0, for label 0 near 17 and for label 1 from 28 on.",
        1,
        2,
        figsize=(9.4, 3.8),
    )
    looks = zip(curves.items(), ("-", "--", ":"), (BLUE, VERMILION, BLACK), (1.6, 1.8, 2.6), strict=False)
    for (name, (value, slope)), style, colour, width in looks:
        axes[0].plot(wrong, value, style, color=colour, linewidth=width, label=name)
        axes[1].plot(wrong, np.abs(np.asarray(slope)), style, color=colour, linewidth=width, label=name)
    axes[0].set(title="Loss: BCELoss jumps with label 0", ylabel="loss (nats)")
    axes[1].set(title="Gradient: BCELoss loses it", ylabel="size of the gradient (nats per logit)")
    for ax in axes:
        ax.set(xlabel="logits on the wrong side of 0")
    axes[0].legend(loc="center right")
    return axes


@course_style()
def units_against_margin(table: pd.DataFrame) -> Axes:
    """Draw the error of a right answer's loss, in units of rounding, against its margin; the bound is a dashed line.

    Args:
        table: what ``compare.units_by_margin`` returns.
    """
    ax = canvas(
        "Error of the loss of a right answer in units of rounding, on a logarithmic axis, against its margin. Ours "
        "stays at one or two units. PyTorch's leaves the bound at a margin of a few logits, grows by about "
        "a factor of e for each logit, and ends with all digits wrong.",
        figsize=(7.2, 4.2),
    )
    looks = {"ours": ("o", BLUE), "torch": ("s", VERMILION)}
    styles = dict(zip(table["device"].unique(), ("-", ":", "-.", "--"), strict=False))
    for (device, who), part in table.groupby(["device", "who"], sort=False):
        marker, colour = looks[who]
        ax.plot(part["margin"], part["units"].clip(lower=0.1), styles[device] + marker, color=colour, markersize=4)
        ax.lines[-1].set_label(f"{who}, {device}")
    margin = np.sort(table["margin"].unique())
    ax.plot(margin, 4 * np.maximum(1, margin), "--", color=GREY, label="the bound of equation 5.6")
    ax.set(
        title="The surer a right answer, the fewer digits of PyTorch's loss are right",
        xlabel="margin of the right answer (logits)",
        ylabel="largest error (units of rounding)",
        yscale="log",
    )
    ax.legend(loc="upper left")
    return ax
