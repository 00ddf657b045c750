"""The README's picture: the course in three panels."""

import numpy as np
import torch
from matplotlib.axes import Axes

from xent_helpers import data, losses
from xent_helpers.plots.style import BLACK, BLUE, GREEN, VERMILION, canvas, course_style

ALT = (
    "Three panels. The average negative log-likelihood of a coin with 7 heads in 10 flips has its minimum, the "
    "entropy 0.611, at 0.7. In float32 PyTorch's loss of a confident right answer drops to 0 at a margin of about 17, "
    "while the course's falls on as exp(-margin). A classifier of digits starts at log 10 and learns."
)


@course_style()
def overview() -> np.ndarray:
    """Draw derivation, implementation and training side by side; return the three Axes."""
    axes = canvas(ALT, 1, 3, figsize=(11.5, 3.5))
    _derive(axes[0])
    _implement(axes[1])
    _train(axes[2])
    return axes


def _derive(ax: Axes) -> None:
    theta = np.linspace(0.02, 0.98, 200)
    nll = -(0.7 * np.log(theta) + 0.3 * np.log(1 - theta))
    ax.plot(theta, nll)
    ax.plot(0.7, nll.min(), "o", color=VERMILION)
    ax.annotate(
        "7 heads in 10:\nthe best θ is 0.7,\nthe best loss is\nthe entropy, 0.611", (0.7, nll.min()), (0.22, 1.25)
    )
    ax.set(title="Derive it", xlabel="θ, probability of heads", ylabel="mean NLL (nats)", ylim=(0.4, 2.2))


def _implement(ax: Axes) -> None:
    margin = np.arange(0, 41, dtype=np.float32)
    logits = np.stack([margin, np.zeros_like(margin)], axis=1)
    target = np.zeros(len(margin), dtype=int)
    ours = losses.cross_entropy(logits, target, reduction="none")
    theirs = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(target), reduction="none").numpy()
    ax.semilogy(margin, ours, color=BLUE)
    seen = theirs > 0  # a logarithmic axis has no 0
    ax.semilogy(margin[seen], theirs[seen], "--", marker="o", markersize=4, color=VERMILION)
    ax.annotate("ours: exact", (28, ours[28]), (26, 3e-9), color=BLUE)
    ax.annotate(
        "PyTorch: 0\nfrom here on",
        (margin[seen][-1], theirs[seen][-1]),
        (1, 1e-12),
        color=VERMILION,
        arrowprops={"arrowstyle": "->", "color": VERMILION, "shrinkB": 6},
    )
    ax.set(
        title="Implement it, to the last digit",
        xlabel="margin of a right answer (logits)",
        ylabel="float32 loss (nats)",
    )


def _train(ax: Axes, steps: int = 60) -> None:
    digits = data.digits()
    x, y = digits.x / 16, np.eye(10)[digits.y]
    w, history = np.zeros((64, 10)), []
    for _ in range(steps + 1):
        history.append(float(losses.cross_entropy(x @ w, digits.y)))
        w -= 0.5 * x.T @ (losses.softmax(x @ w) - y) / len(x)
    ax.plot(history, color=GREEN)
    ax.plot(0, np.log(10), "o", color=BLACK)
    ax.annotate("log 10", (0, np.log(10)), (3, np.log(10) - 0.05))
    ax.set(title="Train with it", xlabel="step of gradient descent", ylabel="training loss (nats)", ylim=(0, 2.5))
