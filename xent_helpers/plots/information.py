"""Figures of chapter 2: surprise, two directions of divergence, parts of a loss, scores and their minimisers."""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from xent_helpers.information import brier_score, kl_divergence, nats_to_bits
from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION, canvas

LINES = ((BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"), (ORANGE, (0, (5, 1)), "v"))


def surprise_curve(probabilities: tuple[float, ...] = (0.5, 0.25, 0.125)) -> Axes:
    """Draw −log p against p, in nats on the left and bits on the right, with a few ``probabilities`` marked."""
    p = np.array(probabilities)
    bits = ", ".join(f"{share:g} costs {nats_to_bits(-np.log(share)):.2f} bits" for share in p)
    ax = canvas(
        f"Surprise, minus log p, against the probability p: without limit as p nears 0, falling to 0 at p = 1. {bits}.",
        figsize=(7.2, 3.8),
    )
    grid = np.linspace(0.01, 1, 400)
    ax.plot(grid, -np.log(grid), color=BLUE)
    ax.plot(p, -np.log(p), "o", color=VERMILION)
    for share in p:
        label = f"p = {share:g}: {nats_to_bits(-np.log(share)):.3g} {'bit' if share == 0.5 else 'bits'}"
        ax.annotate(label, (share, -np.log(share)), (9, 5), textcoords="offset points", color=VERMILION)
    ax.set(
        title="Half as probable, one bit more surprising",
        xlabel="p, probability of what happened",
        ylabel="surprise −log p in nats",
        xlim=(0, 1.02),
        ylim=(0, 4.6),
    )
    ax.secondary_yaxis("right", functions=(nats_to_bits, lambda bits: bits * np.log(2))).set_ylabel("in bits")
    return ax


def two_fits(values: np.ndarray, truth: np.ndarray, forward: np.ndarray, reverse: np.ndarray) -> Axes:
    """Draw a two-humped truth (bars) and the two bells that fit it best, one for each direction of the divergence."""
    middle, peak = values[forward.argmax()], values[reverse.argmax()]
    ax = canvas(
        f"Bars with two humps show the truth. The bell that minimises KL of truth and belief is wide, with its top "
        f"near {middle:g}. The one that minimises the reverse is narrow and covers the hump at {peak:g}.",
        figsize=(7.2, 3.9),
    )
    ax.bar(values, truth, width=0.9, color="#D5D5D5", edgecolor=GREY, label="truth")
    ax.plot(values, forward, "o-", color=BLUE, label="smallest KL(truth‖bell)")
    ax.plot(values, reverse, "s--", color=VERMILION, label="smallest KL(bell‖truth)")
    ax.set(
        title="Truth first covers both humps, bell first picks one",
        xlabel="value",
        ylabel="probability",
        xlim=(values[0], values[-1]),
        ylim=(0, 1.25 * max(truth.max(), reverse.max())),
    )
    ax.legend(loc="upper right")
    return ax


def loss_parts(floor: float, models: Mapping[str, float]) -> Axes:
    """Draw each model's expected loss as a bar: the ``floor`` that all share, and what it could still lose.

    Args:
        floor: entropy of the label given the input, in nats.
        models: name and expected loss in nats, at least the floor.
    """
    losses = np.array(list(models.values()))
    ax = canvas(
        f"Expected losses as bars in two parts. The first, {floor:.3f} nats, is the same for all. The second is: "
        + ", ".join(f"{name} {loss - floor:.3f}" for name, loss in models.items())
        + ".",
        figsize=(7.2, 0.6 * len(models) + 1.5),
    )
    rows = np.arange(len(models))
    ax.barh(rows, np.full(len(models), floor), color="#D5D5D5", edgecolor=GREY, hatch="//")
    ax.barh(rows, losses - floor, left=floor, color=BLUE)
    for row, loss in zip(rows, losses, strict=True):
        ax.text(loss + 0.01, row, f"{loss:.3f}", va="center")
    ax.set_yticks(rows, list(models))
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    ax.set(
        title="Training can remove the solid part only",
        xlabel="expected loss in nats",
        xlim=(0, 1.35 * losses.max()),
    )
    parts = [
        Patch(facecolor="#D5D5D5", edgecolor=GREY, hatch="//", label="floor: H(Y|X)"),
        Patch(facecolor=BLUE, label="reducible: mean KL"),
    ]
    ax.legend(handles=parts, loc="lower right")
    return ax


def expected_scores(costs: Mapping[str, Callable], minimisers: Mapping[str, float], truth: float = 0.7) -> np.ndarray:
    """Draw the expected cost of reporting p while ``truth`` is the probability of a 1, and mark where it is least.

    Args:
        costs: name and cost of what came, as a function of the probability that it was given.
        minimisers: name and best p; where it is the truth, the curve goes into the left panel.
        truth: probability of a 1.
    """
    honest = {name: abs(p - truth) < 1e-3 for name, p in minimisers.items()}
    axes = canvas(
        f"Expected cost against the reported probability p, truth {truth:g}. Lowest points: "
        + ", ".join(f"{name} at {minimisers[name]:.3f}" for name in costs)
        + ". Left the scores whose lowest point is the truth, right the others.",
        1,
        2,
        figsize=(10, 4.2),
    )
    grid = np.linspace(0.001, 0.999, 999)
    for (name, cost), (colour, dash, marker) in zip(costs.items(), LINES, strict=False):
        ax = axes[0] if honest[name] else axes[1]
        best = minimisers[name]
        curve = truth * cost(grid) + (1 - truth) * cost(1 - grid)
        line = {"color": colour, "linestyle": dash, "marker": marker, "markersize": 9}
        ax.plot(grid, curve, markevery=[int(abs(grid - best).argmin())], label=f"{name}: {best:.3f}", **line)
    for ax, title in zip(axes, ("Proper: lowest at the truth", "Not proper: lowest elsewhere"), strict=True):
        ax.axvline(truth, color=BLACK, linestyle=":", linewidth=1.2)
        ax.annotate(
            f"truth {truth:g}", (truth, 0.04), (4, 0), xycoords=("data", "axes fraction"), textcoords="offset points"
        )
        ax.legend(loc="lower left", title="lowest at p =", alignment="left")
        ax.set(title=title, xlabel="p, reported probability of a 1", ylabel="expected cost", xlim=(0, 1.02))
    axes[0].set_ylim(0, 1.6)
    axes[1].set_ylim(0, 0.8)
    return axes


def score_triangles(truth: tuple[float, float, float] = (0.2, 0.5, 0.3)) -> np.ndarray:
    """Draw, over all beliefs about three classes, what each costs beyond the best: log, Brier, absolute error."""
    q = np.array(truth)
    beliefs = _beliefs(60)
    truths = np.broadcast_to(q, beliefs.shape)
    absolute = 2 * (1 - beliefs @ q)
    panels = {
        "Log score: KL(q‖p)": (kl_divergence(truths, beliefs), q, (0.02, 0.1, 0.25, 0.5, 0.8, 1.2, 1.8)),
        "Brier: squared distance": (
            brier_score(truths, beliefs) - brier_score(q, q),
            q,
            np.array((0.02, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)),
        ),
        "Absolute error": (absolute - absolute.min(), np.eye(3)[q.argmax()], np.arange(0.08, 0.6, 0.08)),
    }
    axes = canvas(
        f"Three triangles whose points are beliefs about three classes, truth {truth}. The excess of the log score and "
        f"of the Brier score has its only lowest point at the truth, with rings around it; the log score's rings are "
        f"pressed flat along the edges. The absolute error is a slope, lowest in the corner of class {q.argmax()}.",
        1,
        3,
        figsize=(11, 4.1),
    )
    for ax, (title, (excess, best, levels)) in zip(axes, panels.items(), strict=True):
        _triangle(ax, beliefs, excess, levels)
        ax.plot(*_flat(best), "*", color=BLACK, markersize=12)
        ax.plot(*_flat(q), "o", color=BLACK, markersize=17, markerfacecolor="none", markeredgewidth=2)
        ax.set_title(title, loc="center")
    axes[0].figure.suptitle("What a belief p costs beyond the best (darker: more; ring: truth q; star: cheapest p)")
    return axes


def _beliefs(steps: int) -> np.ndarray:
    """All rows (a, b, c) of multiples of 1 / steps with sum 1, moved a hair off the edges."""
    first, second = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1), indexing="ij")
    inside = first + second <= steps
    rows = np.stack([first[inside], second[inside], steps - first[inside] - second[inside]], axis=1) / steps
    return 0.997 * rows + 0.001


def _flat(p: np.ndarray) -> np.ndarray:
    """Coordinates in the plane of beliefs (…, 3): class 0 bottom left, 1 bottom right, 2 at the top."""
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
    return np.moveaxis(p @ corners, -1, 0)


def _triangle(ax: Axes, beliefs: np.ndarray, excess: np.ndarray, levels) -> None:
    x, y = _flat(beliefs)
    top = min(excess.max(), levels[-1])
    colours = np.linspace(0, 1.0001 * top, 31)
    # Only the light half of the colours is used, so that black lines stand out.
    ax.tricontourf(x, y, np.minimum(excess, top), levels=colours, cmap="cividis_r", vmin=0, vmax=2.2 * top)
    lines = ax.tricontour(x, y, excess, levels=levels, colors=BLACK, linewidths=0.8)
    # Left alone, some labels would lie across an edge: each goes to an inner point of its line.
    inside = [path.vertices[len(path.vertices) // 3] for path in lines.get_paths()[:3]]
    ax.clabel(lines, fontsize=9, fmt="%.2g", manual=inside)
    ax.plot(*_flat(np.eye(3)[[0, 1, 2, 0]]), color=BLACK, linewidth=1)
    for c, (name, shift) in enumerate((("class 0", (-4, -16)), ("class 1", (4, -16)), ("class 2", (0, 6)))):
        ax.annotate(name, _flat(np.eye(3)[c]), shift, textcoords="offset points", ha="center", color=BLACK)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set(xlim=(-0.12, 1.12), ylim=(-0.12, 1.0))
