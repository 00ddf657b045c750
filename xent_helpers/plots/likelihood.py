"""Figures of chapter 1: from the likelihood of a coin to the loss and its three floors."""

from textwrap import fill

import numpy as np
from matplotlib.axes import Axes

from xent_helpers.likelihood import bernoulli_log_likelihood, bernoulli_mle
from xent_helpers.losses import binary_cross_entropy
from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, ORANGE, SKY, VERMILION, canvas, course_style

COLOURS, HATCHES = (BLUE, VERMILION, GREEN), ("", "//", "..")  # of up to three classes


@course_style()
def likelihood_at(theta: float, outcomes: np.ndarray) -> np.ndarray:
    """Draw the probability that ``theta`` gives to each outcome, and their product on the likelihood's curve.

    Args:
        theta: probability of a 1, between 0 and 1.
        outcomes: a few outcomes (N,), integers 0 and 1.
    """
    factors = np.where(outcomes == 1, theta, 1 - theta)
    share, product = float(bernoulli_mle(outcomes)), float(np.prod(factors))
    grid = np.linspace(0, 1, 201)
    curve = np.prod(np.where(outcomes[:, None] == 1, grid, 1 - grid), axis=0)
    axes = canvas(
        f"Left, the probability that theta = {theta:.2f} gives to each of {len(outcomes)} outcomes: {theta:.2f} to a "
        f"1, {1 - theta:.2f} to a 0. Right, their product, {product:.2e}, as a point on the curve of the likelihood, "
        f"which is highest at {share:.2f}.",
        1,
        2,
        figsize=(9.2, 3.4),
    )
    for outcome, colour, hatch in ((1, BLUE, ""), (0, VERMILION, "//")):
        where = np.flatnonzero(outcomes == outcome)
        axes[0].bar(where + 1, factors[where], color=colour, hatch=hatch, edgecolor="white")
    axes[0].set_xticks(np.arange(len(outcomes)) + 1, [str(outcome) for outcome in outcomes])
    axes[0].set(title=f"θ = {theta:.2f} for each 1, {1 - theta:.2f} for each 0", ylim=(0, 1))
    axes[0].set(xlabel="outcome of each flip", ylabel="probability of this outcome")
    axes[1].plot(grid, curve, color=BLACK)
    axes[1].plot([theta, theta], [0, product], color=GREEN, linestyle=":")
    axes[1].plot(theta, product, "o", color=GREEN, markersize=9)
    axes[1].set(title=f"Their product: L(θ) = {product:.2e}", xlabel="θ, probability of a 1", ylabel="likelihood L(θ)")
    axes[1].set(xlim=(0, 1), ylim=(0, 1.15 * curve.max()))
    axes[1].ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    return axes


@course_style()
def likelihood_as_n_grows(flips: np.ndarray, sizes: tuple[int, ...] = (10, 100, 1000)) -> np.ndarray:
    """Draw likelihood (left axis) and mean NLL (right axis) against θ, for the first ``sizes`` of ``flips``.

    Args:
        flips: outcomes (N,), integers 0 and 1.
        sizes: how many of the flips each panel uses; one panel each.
    """
    shares = [float(bernoulli_mle(flips[:n])) for n in sizes]
    axes = canvas(
        "Likelihood and mean negative log-likelihood of a coin against theta, after "
        + ", ".join(f"{n} flips with share of ones {share:.3f}" for n, share in zip(sizes, shares, strict=True))
        + ". The likelihood's peak narrows as flips are added; the bowl of the mean keeps its shape. "
        "Both have their extreme at the share of ones.",
        1,
        len(sizes),
        figsize=(2.9 * len(sizes) + 0.6, 3.2),
        squeeze=False,
    )[0]
    theta = _up_to_the_ends(np.linspace(0.001, 0.999, 999))
    axes[0].figure.suptitle("More flips: the likelihood narrows, the bowl of the mean NLL keeps its shape")
    for ax, n, share in zip(axes, sizes, shares, strict=True):
        log_likelihood = bernoulli_log_likelihood(theta, flips[:n])
        nll = ax.twinx()
        ax.plot(theta, np.exp(log_likelihood - log_likelihood.max()), color=BLUE, label="likelihood")
        nll.plot(theta, -log_likelihood / n, color=VERMILION, linestyle="--", label="mean NLL")
        ax.axvline(share, color=BLACK, linestyle=":", linewidth=1.2)
        ax.set(title=f"N = {n}, share of ones {share:.3f}", xlabel="θ, probability of a 1", ylim=(0, 1.05))
        ax.set_xticks([0, 0.5, 1])
        nll.set(ylim=(0, 3))
        nll.grid(False)
        nll.spines["right"].set_visible(True)
        _colour_axis(ax, "left", BLUE, ax is axes[0], "likelihood ÷ its maximum, solid")
        _colour_axis(nll, "right", VERMILION, ax is axes[-1], "mean NLL in nats, dashed")
    return axes


@course_style()
def loss_against_probability(p: float = 0.9) -> Axes:
    """Draw the binary loss against the predicted probability for both labels, and mark one prediction ``p``."""
    grid = np.linspace(0.005, 0.995, 199)
    marked = np.array([p, p])
    costs = binary_cross_entropy(marked, np.array([1.0, 0.0]), reduction="none")
    ax = canvas(
        f"Binary loss against the predicted probability p of class 1. For label 1 it falls to 0 as p nears 1, for "
        f"label 0 it is the mirror image. A prediction of {p} costs {costs[0]:.3f} nats if the label is 1 and "
        f"{costs[1]:.3f} if it is 0.",
        figsize=(6.8, 3.6),
    )
    for label, colour, dash in ((1, BLUE, "-"), (0, VERMILION, "--")):
        loss = binary_cross_entropy(grid, np.full_like(grid, label), reduction="none")
        ax.plot(grid, loss, color=colour, linestyle=dash)
        ax.plot(p, costs[1 - label], "o" if label else "s", color=colour)
        text = f"{costs[1 - label]:.3f}"
        ax.annotate(text, (p, costs[1 - label]), (-8, 7), textcoords="offset points", ha="right", color=colour)
    ax.text(0.09, 3.1, "label 1: −log p", color=BLUE)
    ax.text(0.60, 3.1, "label 0: −log(1 − p)", color=VERMILION, ha="left")
    ax.axvline(p, color=GREY, linestyle=":", linewidth=1.2)
    ax.set(
        title=f"Cheap when right, expensive when wrong: p = {p} costs {costs[0]:.3f} or {costs[1]:.3f}",
        xlabel="p, predicted probability of class 1",
        ylabel="loss in nats",
        ylim=(0, 4.5),
        xlim=(0, 1),
    )
    return ax


@course_style()
def dice_side_by_side(dice: np.ndarray, inputs: tuple[str, ...], classes: tuple[str, ...]) -> np.ndarray:
    """Draw one distribution over the classes for each input, a panel each.

    Args:
        dice: probabilities (K, C), a row for each input.
        inputs: K titles, such as "pixel with ink".
        classes: names of the C classes.
    """
    rows = (f"{name}: " + ", ".join(f"{p:.2f}" for p in die) for name, die in zip(inputs, dice, strict=True))
    axes = canvas(
        f"Shares of {', '.join(classes)}, one panel for each input. " + "; ".join(rows) + ".",
        1,
        len(dice),
        figsize=(max(2.3, 0.42 * len(classes)) * len(dice) + 0.4, 3.1),
        sharey=True,
        squeeze=False,
    )[0]
    axes[0].figure.suptitle("One die for each input: as the input changes, so do the probabilities")
    for ax, name, die in zip(axes, inputs, dice, strict=True):
        ax.bar_label(ax.bar(classes, die, color=BLUE), fmt="%.2f", fontsize=9)
        ax.set(title=name, xlabel="class", ylim=(0, 1.1))
        ax.tick_params(axis="x", labelsize=9)
    axes[0].set_ylabel("share of the class")
    return axes


@course_style()
def coins_along_radius(radius: np.ndarray, labels: np.ndarray, curve: np.ndarray) -> Axes:
    """Draw the share of ones in each unit of radius, with its number of tumours, and a model's curve through them.

    Args:
        radius: input of each sample (N,).
        labels: labels (N,), integers 0 and 1.
        curve: the model's probability of a 1 for each sample (N,).
    """
    unit, order = np.floor(radius).astype(int), np.argsort(radius)
    size = np.bincount(unit)
    (left,) = np.nonzero(size)
    share = np.bincount(unit, weights=labels)[left] / size[left]
    shares = ", ".join(f"{start}: {s:.2f}" for start, s in zip(left, share, strict=True))
    ax = canvas(
        f"Share of benign tumours in each unit of mean radius: {shares}. A smooth curve with two parameters falls from "
        f"{curve.max():.2f} to {curve.min():.2f} near the tops of these bars.",
        figsize=(8.6, 3.8),
    )
    ax.bar(left, share, width=0.92, align="edge", color=SKY)
    ax.bar(
        left,
        1 - share,
        width=0.92,
        align="edge",
        bottom=share,
        color="#F3E3D3",
        hatch="//",
        edgecolor="white",
        zorder=1,
    )
    for start, count in zip(left, size[left], strict=True):
        ax.text(start + 0.46, 1.02, str(count), ha="center", fontsize=9, color=BLACK)
    ax.plot(radius[order], curve[order], color=BLACK)
    low = np.abs(curve - 0.25).argmin()
    ax.annotate(
        "the curve:\n2 parameters",
        (radius[low], curve[low]),
        (60, 15),
        textcoords="offset points",
        va="center",
        arrowprops={"arrowstyle": "->"},
    )
    ax.set(
        title=f"A coin for each radius: {len(left)} counted shares, and one curve with two parameters",
        xlabel="mean radius, in the data set's unit (small numbers above: tumours counted)",
        ylabel="p(benign), given the radius",
        ylim=(0, 1.1),
    )
    ax.text(0.66, 0.65, "hatched:\nmalignant", color=BLACK, ha="center", transform=ax.transAxes)
    ax.text(0.14, 0.4, "plain:\nbenign", color=BLACK, ha="center", transform=ax.transAxes)
    ax.grid(False)
    return ax


@course_style()
def sorted_by_class(labels: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Draw the mean NLL as an area twice: sample by sample, and the same bars sorted by class.

    Args:
        labels: a few labels (N,) from 0 to C − 1.
        p: the prediction (C,), the same for all samples.
    """
    cost, shares = -np.log(p), np.bincount(labels, minlength=len(p)) / len(labels)
    mean = float(shares @ cost)
    axes = canvas(
        f"Left, {len(labels)} bars of width 1/{len(labels)} in the order of the samples, each as high as minus log of "
        f"the probability of its class; their area is the mean, {mean:.4f} nats. Right, the same bars sorted by class: "
        "rectangles as wide as the share of a class and as high as its cost, with the same area.",
        1,
        2,
        figsize=(9.0, 3.4),
        sharey=True,
    )
    axes[0].figure.suptitle("The same bars in two orders: the area, which is the mean NLL, stays the same")
    width = 1 / len(labels)
    for ax, order in ((axes[0], labels), (axes[1], np.sort(labels))):
        for place, label in enumerate(order):
            ax.bar(
                place * width,
                cost[label],
                width=width,
                align="edge",
                color=COLOURS[label],
                hatch=HATCHES[label],
                edgecolor="white",
            )
            ax.text((place + 0.5) * width, 0.06, str(label), ha="center", fontweight="bold", backgroundcolor="white")
        ax.set(xlim=(0, 1), ylim=(0, 1.3 * cost.max()))
        ax.grid(False)
    start = 0.0
    for label, share in enumerate(shares):
        text = f"{share:.1f} × {cost[label]:.2f}"
        axes[1].text(start + share / 2, cost[label] + 0.05, text, ha="center", color=COLOURS[label])
        start += share
    axes[0].set_ylabel("cost −log p of the class, in nats")
    axes[0].set(title=f"By sample: area {mean:.4f}", xlabel=f"samples in order, each 1/{len(labels)} wide")
    axes[1].set(title=f"By class: Σ share × cost = {mean:.4f}", xlabel="sorted by class: widths are shares")
    return axes


@course_style()
def three_floors(
    own: dict[str, float], constant: float, population: float, models: dict[str, tuple[float, float]]
) -> np.ndarray:
    """Draw the floor of a training set against what the model may look at, and two models beside a known population.

    Args:
        own: for each input that a model may look at, the training set's own floor in nats; the first is the constant's.
        constant: loss of the best constant prediction on the digits' training labels, in nats.
        population: entropy of the label given the input for fresh samples, in nats.
        models: for each model its mean loss on training labels and on fresh labels, in nats.
    """
    scores = "; ".join(f"{name} {t:.2f} on training labels, {f:.2f} on fresh ones" for name, (t, f) in models.items())
    axes = canvas(
        "Left, tumours: the lowest possible training loss for what the model may look at: "
        + ", ".join(f"{name} {floor:.3f}" for name, floor in own.items())
        + f". Right, digits with flipped labels: {scores}; the best constant costs {constant:.3f}, "
        f"the population's floor is {population:.3f}, the training set's own is 0.",
        1,
        2,
        figsize=(10.4, 4.0),
        width_ratios=(1.25, 1),
    )
    axes[0].figure.suptitle("Memorising gets below the population's floor on the training labels only")
    _own_floors(axes[0], own)
    _beside_the_population(axes[1], constant, population, models)
    return axes


def _own_floors(ax: Axes, own: dict[str, float]) -> None:
    """A bar for each floor; the constant's in another colour, carried on as a line."""
    names = [fill(name, 14) for name in own]
    bars = ax.bar(names, list(own.values()), color=[ORANGE] + [BLUE] * (len(own) - 1), width=0.62)
    bars[0].set_hatch("//")
    ax.bar_label(bars, fmt="%.3f", padding=2)
    constant = next(iter(own.values()))
    ax.axhline(constant, color=ORANGE, linestyle=":", linewidth=1.4)
    ax.text(len(own) - 0.55, constant - 0.045, "best constant", color="#8A5F00", ha="right")
    ax.set(
        title="Tumours: the training set's own floor",
        xlabel="what the model may look at",
        ylabel="lowest training loss in nats",
        ylim=(0, 0.78),
    )


def _beside_the_population(
    ax: Axes, constant: float, population: float, models: dict[str, tuple[float, float]]
) -> None:
    """Each model's loss on training and on fresh labels, joined by a line, beside the population's floor."""
    ax.axhspan(0, population, facecolor="#EFEFEF", linewidth=0)
    ax.axhline(population, color=BLACK, linestyle="--", linewidth=1.4)
    ax.text(1.58, population - 0.14, f"population's floor {population:.3f}", ha="right", va="top")
    ax.axhline(constant, color=ORANGE, linestyle=":", linewidth=1.4)
    ax.text(-0.33, constant + 0.05, f"best constant {constant:.3f}", color="#8A5F00", va="bottom")
    ax.axhline(0, color=BLUE, linewidth=3, clip_on=False)
    ax.text(0.97, 0.05, "training set's own floor 0", color=BLUE, ha="center", va="bottom")
    for (name, losses), colour, marker in zip(models.items(), (GREEN, VERMILION), ("o", "s"), strict=True):
        ax.plot([0, 1], losses, color=colour, marker=marker, markersize=9, clip_on=False)
        ax.annotate(f"{name} {losses[1]:.2f}", (1, losses[1]), (10, 7), textcoords="offset points", color=colour)
        ax.annotate(f"{losses[0]:.2f}", (0, losses[0]), (-10, 4), textcoords="offset points", color=colour, ha="right")
    ax.set_xticks([0, 1], ["training labels", "fresh labels"])
    ax.set(
        title="Digits, 40% of labels flipped",
        xlabel="on which labels the model is judged",
        ylabel="mean loss in nats",
        xlim=(-0.35, 1.6),
        ylim=(0, 4.7),
    )


def _up_to_the_ends(theta: np.ndarray) -> np.ndarray:
    """Go on towards 0 and 1, so that a curve that rises to infinity there does not seem to stop half-way."""
    near_zero = np.geomspace(1e-15, theta[0], 40, endpoint=False)
    return np.concatenate((near_zero, theta, 1 - near_zero[::-1]))


def _colour_axis(ax: Axes, side: str, colour: str, outer: bool, label: str) -> None:
    """Give a y-axis its line's colour; only the outer panels name the quantity and show its numbers."""
    ax.tick_params(axis="y", colors=colour, **{side: outer, f"label{side}": outer})
    if outer:
        ax.set_ylabel(label, color=colour)
