"""Figures of chapter 1: from the likelihood of a coin to the loss and its floor."""

import numpy as np
from matplotlib.axes import Axes

from xent_helpers.likelihood import bernoulli_log_likelihood, bernoulli_mle
from xent_helpers.losses import binary_cross_entropy
from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, VERMILION, canvas


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
    axes[0].set(xlabel="what came", ylabel="its probability")
    axes[1].plot(grid, curve, color=BLACK)
    axes[1].plot([theta, theta], [0, product], color=GREEN, linestyle=":")
    axes[1].plot(theta, product, "o", color=GREEN, markersize=9)
    axes[1].set(title=f"Their product: L(θ) = {product:.2e}", xlabel="θ, probability of a 1", ylabel="likelihood L(θ)")
    axes[1].set(xlim=(0, 1), ylim=(0, 1.15 * curve.max()))
    axes[1].ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    return axes


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
        figsize=(3.3 * len(sizes) + 0.6, 3.5),
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
        nll.set(ylim=(0, 3))
        nll.grid(False)
        nll.spines["right"].set_visible(True)
        _colour_axis(ax, "left", BLUE, ax is axes[0], "likelihood ÷ its maximum, solid")
        _colour_axis(nll, "right", VERMILION, ax is axes[-1], "mean NLL in nats, dashed")
    return axes


def loss_against_probability(p: float = 0.9) -> Axes:
    """Draw the binary loss against the predicted probability for both labels, and mark one prediction ``p``."""
    grid = np.linspace(0.005, 0.995, 199)
    marked = np.array([p, p])
    costs = binary_cross_entropy(marked, np.array([1.0, 0.0]), reduction="none")
    ax = canvas(
        f"Binary loss against the predicted probability p of class 1. For label 1 it falls to 0 as p nears 1, for "
        f"label 0 it is the mirror image. A prediction of {p} costs {costs[0]:.3f} nats if the label is 1 and "
        f"{costs[1]:.3f} if it is 0.",
        figsize=(7.2, 3.9),
    )
    for label, colour, dash in ((1, BLUE, "-"), (0, VERMILION, "--")):
        loss = binary_cross_entropy(grid, np.full_like(grid, label), reduction="none")
        ax.plot(grid, loss, color=colour, linestyle=dash)
        ax.plot(p, costs[1 - label], "o" if label else "s", color=colour)
        text = f"{costs[1 - label]:.3f}"
        ax.annotate(text, (p, costs[1 - label]), (-8, 7), textcoords="offset points", ha="right", color=colour)
    ax.text(0.09, 2.75, "label 1: −log p", color=BLUE)
    ax.text(0.60, 2.75, "label 0: −log(1 − p)", color=VERMILION, ha="left")
    ax.axvline(p, color=GREY, linestyle=":", linewidth=1.2)
    ax.set(
        title=f"Cheap when right, dear when wrong: p = {p} costs {costs[0]:.3f} or {costs[1]:.3f}",
        xlabel="p, predicted probability of class 1",
        ylabel="loss in nats",
        ylim=(0, 4.5),
        xlim=(0, 1),
    )
    return ax


def loss_floor(shares: tuple[float, ...] = (0.5, 0.7, 0.95)) -> np.ndarray:
    """Draw the mean loss against one constant prediction θ, a panel for each share of ones, with its floor."""
    theta = _up_to_the_ends(np.linspace(0.005, 0.995, 199))
    floors = [float(_mean_loss(np.array(share), np.array(share))) for share in shares]
    axes = canvas(
        "Mean loss against one constant prediction theta. "
        + "; ".join(f"share of ones {s}: least {f:.3f} nats, at theta {s}" for s, f in zip(shares, floors, strict=True))
        + ". Nothing is below that floor, the entropy of the labels; the surer the labels, the lower it is.",
        1,
        len(shares),
        figsize=(3.2 * len(shares) + 0.5, 3.4),
        sharey=True,
        squeeze=False,
    )[0]
    for ax, share, floor in zip(axes, shares, floors, strict=True):
        ax.plot(theta, _mean_loss(np.full_like(theta, share), theta), color=BLUE)
        ax.axhspan(0, floor, facecolor="#E8E8E8", edgecolor=GREY, hatch="//", linewidth=0)
        ax.axhline(floor, color=BLACK, linestyle="--", linewidth=1.2)
        ax.plot(share, floor, "o", color=VERMILION, markersize=8)
        ax.set(
            title=f"share {share}: floor {floor:.3f}", xlabel="θ, the same for every sample", xlim=(0, 1), ylim=(0, 2.5)
        )
    axes[0].set_ylabel("mean loss in nats")
    axes[0].figure.suptitle("The best constant prediction is the share of ones, and it still costs the entropy")
    return axes


def _up_to_the_ends(theta: np.ndarray) -> np.ndarray:
    """Go on towards 0 and 1, so that a curve that rises to infinity there does not seem to stop half-way."""
    near_zero = np.geomspace(1e-15, theta[0], 40, endpoint=False)
    return np.concatenate((near_zero, theta, 1 - near_zero[::-1]))


def _mean_loss(share: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """The mean binary loss of predicting θ where a ``share`` of the labels is 1; arrays of one shape."""
    return binary_cross_entropy(theta, share, reduction="none")


def _colour_axis(ax: Axes, side: str, colour: str, outer: bool, label: str) -> None:
    """Give a y-axis its line's colour; only the outer panels name the quantity and show its numbers."""
    ax.tick_params(axis="y", colors=colour, **{side: outer, f"label{side}": outer})
    if outer:
        ax.set_ylabel(label, color=colour)
