"""Figures of chapter 6: minibatches, learning curves, mistakes, a plateau, and weights that never stop growing."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, VERMILION, canvas
from xent_helpers.training import History


def gradient_cloud(gradients: np.ndarray, full: np.ndarray, names: Sequence[str]) -> Axes:
    """Draw two entries of each minibatch's gradient, and the full gradient in their middle.

    Args:
        gradients: (K, 2), one row for each minibatch, nats per unit of weight.
        full: (2,), the gradient over all samples.
        names: what the two entries belong to.
    """
    ax = canvas(
        f"{len(gradients)} minibatch gradients as grey points scattered around the full gradient, a star at "
        f"({full[0]:.3f}, {full[1]:.3f}). Their centre of mass, a ring, lies on the star.",
        figsize=(7.2, 4.4),
    )
    ax.plot(*gradients.T, "o", color=GREY, alpha=0.45, markersize=4.5, linestyle="none", label="one minibatch")
    ax.plot(*full, "*", color=VERMILION, markersize=15, linestyle="none", label="all samples")
    ax.plot(*gradients.mean(axis=0), "o", markerfacecolor="none", markeredgecolor=BLACK, markersize=19,
            markeredgewidth=1.6, linestyle="none", label="mean of the minibatches")  # fmt: skip
    ax.set(title="Each minibatch misses the full gradient, their mean comes close")
    ax.set(xlabel=f"gradient for {names[0]} in nats per unit", ylabel=f"gradient for {names[1]} in nats per unit")
    ax.legend(loc="best", labelspacing=0.9)
    return ax


def learning_curves(histories: Mapping[str, History]) -> Axes:
    """Draw training loss (solid) and test loss (dashed, dots) of each run after each epoch.

    Args:
        histories: the runs by name, at most three; all of them get one colour each.
    """
    ends = ", ".join(
        f"{name} from {h.train[0].loss:.2f} to {h.train[-1].loss:.3f} in training and {h.test[-1].loss:.3f} in test"
        for name, h in histories.items()
    )
    ax = canvas(f"Mean loss in nats after each epoch, on a logarithmic scale: {ends}.", figsize=(7.4, 4.2))
    labels = []
    for (name, history), colour in zip(histories.items(), (BLUE, VERMILION, GREEN), strict=False):
        parts = (("train", history.train, "-", ""), ("test", history.test, "--", "o"))
        for part, scores, dash, marker in parts:
            values = [score.loss for score in scores]
            ax.plot(values, color=colour, linestyle=dash, marker=marker, markersize=3, linewidth=1.7)
            labels.append((len(values) - 1, values[-1], f"{name}, {part}", colour))
    ax.set(title="Training loss (solid) falls well below test loss (dashed)", yscale="log")
    ax.set(xlabel="epoch (0: before training)", ylabel="mean loss in nats")
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
    _label_ends(ax, labels)
    return ax


def confusion_matrix(true: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> Axes:
    """Draw how often each true class (row) was taken for each class (column); right decisions are in grey.

    Args:
        true, predicted: integer labels (N,).
        classes: their names.
    """
    size = len(classes)
    counts = np.zeros((size, size), dtype=int)
    np.add.at(counts, (true, predicted), 1)
    wrong = counts - np.diag(np.diag(counts))
    row, column = np.unravel_index(wrong.argmax(), wrong.shape)
    ax = canvas(
        f"Table of {len(true)} decisions, true class by row and predicted class by column. {wrong.sum()} lie off the "
        f"diagonal; the most frequent confusion is {classes[row]} taken for {classes[column]}, "
        f"{wrong[row, column]} times.",
        figsize=(5.6, 5.2),
    )
    ax.imshow(np.where(wrong > 0, wrong, np.nan), cmap="Oranges", vmin=0, vmax=max(1, 1.6 * wrong.max()))
    for (i, j), count in np.ndenumerate(counts):
        if count:
            ax.text(j, i, count, ha="center", va="center", color=GREY if i == j else BLACK,
                    weight="normal" if i == j else "bold")  # fmt: skip
    ax.set(title=f"{wrong.sum()} of {len(true)} decisions lie off the diagonal")
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.set(xticks=range(size), yticks=range(size), xticklabels=classes, yticklabels=classes)
    ax.set_xticks(np.arange(size - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(size - 1) + 0.5, minor=True)
    ax.grid(False, which="major")
    ax.grid(True, which="minor")
    ax.tick_params(which="minor", length=0)
    return ax


def costly_mistakes(pictures: np.ndarray, true: np.ndarray, predicted: np.ndarray, nats: np.ndarray) -> np.ndarray:
    """Show pictures, each with its label, what the model said and what it cost; the most expensive first.

    Args:
        pictures: (N, 64) grey levels of 8 × 8 pictures.
        true, predicted: integer labels (N,).
        nats: the loss of each picture (N,).
    """
    order = np.argsort(-nats, kind="stable")
    columns = (len(order) + 1) // 2
    said = ", ".join(f"a {true[i]} read as {predicted[i]} for {nats[i]:.1f} nats" for i in order)
    axes = canvas(f"Pictures of digits with their cost: {said}.", 2, columns, figsize=(1.5 * columns, 4.2),
                  squeeze=False)  # fmt: skip
    axes[0, 0].figure.suptitle("The most expensive pictures: true class, prediction, loss in nats")
    for ax in axes.flat:
        ax.axis("off")
    for ax, i in zip(axes.flat, order, strict=False):
        ax.imshow(pictures[i].reshape(8, 8), cmap="gray_r")
        ax.set_title(f"true {true[i]}, said {predicted[i]}\n{nats[i]:.2f} nats", fontsize=10, loc="center")
    return axes


def plateau(curves: Mapping[str, Sequence[float]], floor: float) -> Axes:
    """Draw the training loss after each epoch for several runs, and the floor that some cannot pass.

    Args:
        curves: mean losses in nats by the run's name, at most three runs.
        floor: the least loss that a softmax of a softmax can reach.
    """
    ends = ", ".join(f"{name} at {values[-1]:.3f}" for name, values in curves.items())
    ax = canvas(
        f"Training loss in nats after each epoch; a horizontal line marks the floor {floor:.4f}. The runs end: {ends}.",
        figsize=(7.4, 4.0),
    )
    labels = []
    for (name, values), colour, dash in zip(curves.items(), (BLUE, VERMILION, GREEN), ("-", "--", "-."), strict=False):
        ax.plot(values, color=colour, linestyle=dash)
        labels.append((len(values) - 1, values[-1], name, colour))
    last = max(x for x, *_ in labels)
    ax.plot([0, last], [floor, floor], color=BLACK, linestyle=":", linewidth=1.4)
    ax.text(last / 2, floor - 0.04, f"floor {floor:.4f}", va="top", ha="center")
    ax.set(title="With a second softmax the loss stops at a floor", ylim=(0, None))
    ax.set(xlabel="epoch (0: before training)", ylabel="mean training loss in nats")
    _label_ends(ax, labels)
    return ax


def norm_growth(steps: np.ndarray, norms: np.ndarray, flow: np.ndarray, flow_norms: np.ndarray, limit: float) -> Axes:
    """Draw ‖w‖ against the number of steps on a logarithmic axis, where growth by log t is a straight line.

    Args:
        steps, norms: the norm of the weights at some steps of gradient descent.
        flow, flow_norms: the same for the gradient flow, at its times.
        limit: the slope, per unit of log t, that theory predicts in the end.
    """
    ax = canvas(
        f"Norm of the weights against steps, from {norms[0]:.2f} at step {steps[0]} to {norms[-1]:.2f} at "
        f"step {steps[-1]}, and on to {flow_norms[-1]:.1f} at time {flow[-1]:.0e}. The curve bends up towards a "
        f"straight line of slope {limit:.2f} per unit of log t and never flattens.",
        figsize=(7.2, 4.2),
    )
    ax.plot(flow, flow_norms, color=BLUE, label="gradient flow")
    ax.plot(steps, norms, "o", color=BLACK, linestyle="none", markersize=6, label="gradient descent")
    ax.plot(flow, flow_norms[-1] + limit * np.log(flow / flow[-1]), color=VERMILION, linestyle="--", linewidth=1.4,
            label=f"slope 1/γ = {limit:.2f} per unit of log t")  # fmt: skip
    ax.set(title="On separable data the weights grow like log t, without end", xscale="log", ylim=(0, None))
    ax.set(xlabel="steps t", ylabel="norm of the weights ‖w‖")
    ax.legend(loc="upper left")
    return ax


def _label_ends(ax: Axes, labels: list[tuple[float, float, str, str]]) -> None:
    """Write each (x, y, text, colour) to the right of its point, moved up where it would cover the one below."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.margins(x=0.02)
    points_per_pixel = 72 / ax.figure.dpi
    top = -np.inf
    for x, y, text, colour in sorted(labels, key=lambda label: label[1]):
        height = ax.transData.transform((x, y))[1] * points_per_pixel
        lift = max(0.0, top + 11 - height)
        top = height + lift
        ax.annotate(text, (x, y), xytext=(6, lift), textcoords="offset points", va="center", color=colour,
                    fontsize=9.5, annotation_clip=False)  # fmt: skip
