"""Figures of chapter 5: which loss for what, and where a loss stops or jumps."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, VERMILION, canvas

_KINDS = {1.6: "one class of C", 4.8: "yes or no, once\nor for K labels", 8.0: "shares q\nof C classes"}
_ANSWERS = [  # where the answer leads, where its question stands, the answer, the loss, its colour
    (0.8, 1.6, "logits", "CrossEntropyLoss", BLUE),
    (2.4, 1.6, "log-\nsoftmax", "NLLLoss", GREY),
    (4.0, 4.8, "logits", "BCEWithLogitsLoss", BLUE),
    (5.6, 4.8, "sigmoid", "BCELoss", GREY),
    (7.2, 8.0, "cross-\nentropy", "CrossEntropyLoss", BLUE),
    (8.8, 8.0, "divergence", "KLDivLoss", BLUE),
]


def which_loss() -> Axes:
    """Draw the decision from the kind of label, and from what the model ends in, to the loss."""
    ax = canvas(
        "Decision diagram. One class of C: CrossEntropyLoss for logits, NLLLoss after a log-softmax. Yes or no, once "
        "or for K labels: BCEWithLogitsLoss for logits, BCELoss after a sigmoid. Shares q of C classes: "
        "CrossEntropyLoss for their cross-entropy, KLDivLoss for the divergence from q.",
        figsize=(9.6, 4.2),
    )
    ax.set(xlim=(0, 9.6), ylim=(0.9, 5.6), title="Start at the label; a solid blue box is the first choice")
    ax.axis("off")
    _box(ax, 4.8, 5.2, "What is the label of one sample?", BLACK)
    for x, kind in _KINDS.items():
        _arrow(ax, (4.8, 4.95), (x, 3.65), kind)
        _box(ax, x, 3.35, "What is wanted?" if x == 8.0 else "What does the model end in?", BLACK)
    for x, start, answer, loss, colour in _ANSWERS:
        _arrow(ax, (start, 3.1), (x, 1.5), answer)
        _box(ax, x, 1.25, loss, colour)
    return ax


def _box(ax: Axes, x: float, y: float, text: str, colour: str) -> None:
    dash = "--" if colour == GREY else "-"
    frame = {
        "boxstyle": "round,pad=0.4",
        "facecolor": "white",
        "edgecolor": colour,
        "linestyle": dash,
        "linewidth": 1.6,
    }
    ax.text(x, y, text, ha="center", va="center", fontsize=10, color=colour, bbox=frame)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], text: str) -> None:
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": GREY, "shrinkB": 3})
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    ax.text(
        *middle, text, ha="center", va="center", fontsize=10, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1}
    )


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


def saturation(logits: Sequence[float], curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> np.ndarray:
    """Draw loss and gradient of a wrong answer (label 0) against the logit, one curve for each implementation.

    Args:
        logits: one logit a sample.
        curves: by name, the losses and their gradients with respect to the logits.
    """
    axes = canvas(
        "Two panels against the logit of a sample with label 0. Left, the loss: with logits it rises in a line; "
        "from probabilities it jumps to 100 near logit 17. Right, the gradient: with logits it stays 1, from "
        "probabilities it falls to 0 at the same place.",
        1,
        2,
        figsize=(9, 3.8),
    )
    for (name, both), style, colour in zip(curves.items(), ("-", "--"), (BLUE, VERMILION), strict=True):
        for ax, values in zip(axes, both, strict=True):
            ax.plot(logits, values, style, color=colour, label=name)
    axes[0].set(title="The loss jumps to its clamp …", xlabel="logit z, label 0", ylabel="loss (nats)")
    axes[1].set(title="… and the gradient is gone", xlabel="logit z, label 0", ylabel="gradient (nats per logit)")
    axes[0].legend(loc="upper left")
    return axes
