"""Figures of training: samples, one batch, rates, learning curves, mistakes, minibatches, and weights that grow."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, VERMILION, canvas, course_style
from xent_helpers.training import History


@course_style()
def digit_samples(pictures: np.ndarray, labels: np.ndarray, rows: int = 4) -> np.ndarray:
    """Show the first few pictures of each digit, one column for each class.

    Args:
        pictures: (N, 64) grey levels of 8 × 8 pictures.
        labels: integer labels (N,).
        rows: how many of each class.
    """
    classes = np.unique(labels)
    axes = canvas(
        f"{rows} rows of handwritten digits as pictures of 8 by 8 grey pixels, one column for each of the classes "
        f"{classes[0]} to {classes[-1]}; the strokes differ widely within a column.",
        rows,
        len(classes),
        figsize=(7.2, 0.8 * rows),
        squeeze=False,
    )
    axes[0, 0].figure.suptitle("Ten classes of 8 × 8 grey pixels, written by many hands")
    for column, label in zip(axes.T, classes, strict=True):
        for ax, picture in zip(column, pictures[labels == label], strict=False):
            ax.imshow(picture.reshape(8, 8), cmap="gray_r")
            ax.axis("off")
        column[0].set_title(str(label), loc="center", fontsize=11)
    return axes


@course_style()
def one_batch(curves: Mapping[str, Sequence[float]], floor: float) -> Axes:
    """Draw the loss on one small batch after each step for several loops, and the floor that some cannot pass.

    Args:
        curves: losses in nats by the loop's name, at most three loops.
        floor: the least loss that a softmax of a softmax can reach.
    """
    ends = ", ".join(f"{name} at {values[-1]:.4f}" for name, values in curves.items())
    ax = canvas(
        f"Loss in nats on one batch against steps, on a logarithmic scale; a dotted line marks the floor {floor:.4f}. "
        f"The loops end: {ends}.",
        figsize=(7.4, 4.0),
    )
    for (name, values), colour, dash in zip(curves.items(), (BLUE, VERMILION, GREEN), ("-", "--", "-."), strict=False):
        ax.plot(values, color=colour, linestyle=dash, label=name)
    ax.axhline(floor, color=BLACK, linestyle=":", linewidth=1.4)
    last = max(map(len, curves.values())) - 1
    ax.text(last, floor * 0.85, f"floor {floor:.4f}", va="top", ha="right")
    ax.set(title="Two loops learn one batch by heart, one stops at a floor", yscale="log", ylim=(2e-4, 4))
    ax.set(xlabel="step", ylabel="loss of the batch in nats")
    ax.legend(loc="center right")
    return ax


@course_style()
def rate_sweep(rates: Sequence[float], losses: Mapping[str, np.ndarray]) -> Axes:
    """Draw the lowest validation loss of each run against its learning rate: a dot a run, a line through the means.

    Args:
        rates: the learning rates (R,).
        losses: for each model an array (R, S), one column for each seed, in nats; at most three models.
    """
    means = {name: values.mean(axis=1) for name, values in losses.items()}
    best = ", ".join(f"{name} {mean.min():.3f} at rate {rates[mean.argmin()]:g}" for name, mean in means.items())
    ax = canvas(
        f"Lowest validation loss in nats against the learning rate, both on logarithmic scales. Best means: {best}.",
        figsize=(7.4, 4.2),
    )
    looks = zip(losses.items(), (BLUE, VERMILION, GREEN), ("-", "--", "-."), ("o", "s", "^"), strict=False)
    for (name, values), colour, dash, marker in looks:
        ax.plot(rates, means[name], color=colour, linestyle=dash, label=f"{name}, mean")
        points = np.repeat(rates, values.shape[1]), values.ravel()
        ax.plot(*points, marker, color=colour, alpha=0.55, markersize=5, linestyle="none", label=f"{name}, one split")
    ax.set(title="Too low and too high a rate both raise the loss", xscale="log", yscale="log", xticks=rates)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set(xlabel="learning rate", ylabel="lowest validation loss in nats")
    ax.legend(loc="upper center")
    return ax


@course_style()
def learning_curves(histories: Mapping[str, History]) -> Axes:
    """Draw training loss (solid) and validation loss (dashed) of each run, with a ring at its best epoch.

    Args:
        histories: the runs by name, at most three; all of them get one colour each.
    """
    ends = ", ".join(
        f"{name} from {h.train[0].loss:.2f} to {h.train[-1].loss:.3f} in training, with its lowest validation loss "
        f"{h.validation[h.best_epoch()].loss:.3f} at epoch {h.best_epoch()}"
        for name, h in histories.items()
    )
    ax = canvas(f"Mean loss in nats after each epoch, on a logarithmic scale: {ends}.", figsize=(7.4, 4.2))
    labels = []
    for (name, history), colour in zip(histories.items(), (BLUE, VERMILION, GREEN), strict=False):
        for part, scores, dash in (("train", history.train, "-"), ("validation", history.validation, "--")):
            values = [score.loss for score in scores]
            ax.plot(values, color=colour, linestyle=dash, linewidth=1.7)
            labels.append((len(values) - 1, values[-1], f"{name}, {part}", colour))
        best = history.best_epoch()
        ax.plot(
            best,
            history.validation[best].loss,
            "o",
            markersize=10,
            markerfacecolor="none",
            markeredgecolor=colour,
            markeredgewidth=1.6,
        )
    ax.set(title="Training loss (solid) keeps falling, validation loss (dashed) flattens out", yscale="log")
    ax.set(xlabel="epoch (0: before training; ring: lowest validation loss)", ylabel="mean loss in nats")
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
    _label_ends(ax, labels)
    return ax


@course_style()
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
        f"diagonal; the largest entry there is {wrong[row, column]}, as for {classes[row]} taken for "
        f"{classes[column]}.",
        figsize=(5.6, 5.2),
    )
    ax.imshow(np.where(wrong > 0, wrong, np.nan), cmap="Oranges", vmin=0, vmax=max(1, 1.6 * wrong.max()))
    for (i, j), count in np.ndenumerate(counts):
        if count:
            ax.text(
                j,
                i,
                count,
                ha="center",
                va="center",
                color=GREY if i == j else BLACK,
                weight="normal" if i == j else "bold",
            )
    ax.set(title=f"{wrong.sum()} of {len(true)} decisions lie off the diagonal")
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.set(xticks=range(size), yticks=range(size), xticklabels=classes, yticklabels=classes)
    ax.set_xticks(np.arange(size - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(size - 1) + 0.5, minor=True)
    ax.grid(False, which="major")
    ax.grid(True, which="minor")
    ax.tick_params(which="minor", length=0)
    return ax


@course_style()
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
    axes = canvas(
        f"Pictures of digits with their cost: {said}.", 2, columns, figsize=(1.5 * columns, 4.2), squeeze=False
    )
    axes[0, 0].figure.suptitle("The most expensive pictures: true class, prediction, loss in nats")
    for ax in axes.flat:
        ax.axis("off")
    for ax, i in zip(axes.flat, order, strict=False):
        ax.imshow(pictures[i].reshape(8, 8), cmap="gray_r")
        ax.set_title(f"true {true[i]}, said {predicted[i]}\n{nats[i]:.2f} nats", fontsize=10, loc="center")
    return axes


@course_style()
def gradient_clouds(clouds: Mapping[int, np.ndarray], full: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Draw two entries of many minibatch gradients, a panel for each batch size, and the full gradient in each.

    Args:
        clouds: for each batch size an array (K, 2), one row for each minibatch, nats per unit of weight.
        full: (2,), the gradient over all samples.
        names: what the two entries belong to.
    """
    spreads = ", ".join(f"{cloud.std(axis=0)[0]:.4f} for {size}" for size, cloud in clouds.items())
    axes = canvas(
        f"A cloud of minibatch gradients for each of {len(clouds)} batch sizes, all around the full gradient at "
        f"({full[0]:.3f}, {full[1]:.3f}). Their horizontal spread shrinks with the batch size: {spreads}.",
        1,
        len(clouds),
        figsize=(8.6, 3.4),
        sharex=True,
        sharey=True,
        squeeze=False,
    )[0]
    for ax, (size, cloud) in zip(axes, clouds.items(), strict=True):
        ax.plot(*cloud.T, "o", color=GREY, alpha=0.45, markersize=3.5, linestyle="none", label="one minibatch")
        ax.plot(*full, "*", color=VERMILION, markersize=14, linestyle="none", label="all samples")
        ax.set(title=f"batches of {size}", xlabel=f"gradient for\n{names[0]}")
    axes[0].set(ylabel=f"gradient for\n{names[1]}\nin nats per unit")
    axes[-1].legend(loc="best", fontsize=9)
    axes[0].figure.suptitle("Larger batches scatter less around the full gradient")
    return axes


@course_style()
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
        figsize=(6.4, 3.4),
    )
    ax.plot(flow, flow_norms, color=BLUE, label="gradient flow")
    ax.plot(steps, norms, "o", color=BLACK, linestyle="none", markersize=6, label="gradient descent")
    ax.plot(
        flow,
        flow_norms[-1] + limit * np.log(flow / flow[-1]),
        color=VERMILION,
        linestyle="--",
        linewidth=1.4,
        label=f"slope 1/γ = {limit:.2f} per unit of log t",
    )
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
        ax.annotate(
            text,
            (x, y),
            xytext=(6, lift),
            textcoords="offset points",
            va="center",
            color=colour,
            fontsize=9.5,
            annotation_clip=False,
        )
