"""Figures of chapter 2: surprise, codes and beliefs, two directions of divergence, parts of a loss, scores."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from xent_helpers.information import brier_score, entropy, kl_divergence, nats_to_bits
from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION, canvas, course_style

LIGHT = "#D5D5D5"
SHADES = ("#F2F2F2", "#D9E9F4", "#B5D5EA", "#8FC0E0")  # light enough for black letters
LINES = ((BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"), (ORANGE, (0, (5, 1)), "v"))


@course_style()
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


@course_style()
def code_areas(truth: np.ndarray, codes: Mapping[str, Sequence[str]], names: Sequence[str]) -> np.ndarray:
    """Draw each class as a box, as wide as it is probable and as high as its codeword is long, a panel for each code.

    Args:
        truth: probabilities (C,) of the classes.
        codes: name of a code, and its C codewords.
        names: of the C classes.
    """
    means = {code: float(truth @ [len(word) for word in words]) for code, words in codes.items()}
    axes = canvas(
        "Boxes, one for each class, as wide as its probability and as high as its codeword is long; their total area "
        "is the mean number of bits. Codes: "
        + "; ".join(f"{code}: {' '.join(words)}, {means[code]:g} bits" for code, words in codes.items())
        + ".",
        1,
        len(codes),
        figsize=(1.2 + 3.9 * len(codes), 3.5),
        sharey=True,
        squeeze=False,
    )[0]
    left = np.cumsum(truth) - truth
    for ax, (code, words) in zip(axes, codes.items(), strict=True):
        lengths = [len(word) for word in words]
        ax.bar(left, lengths, truth, align="edge", color=SHADES[: len(truth)], edgecolor=BLACK, linewidth=1)
        for start, share, word in zip(left, truth, words, strict=True):
            middle = start + share / 2, len(word) / 2
            box = f"{word}\n{share:g} × {len(word)}"
            ax.text(*middle, box, ha="center", va="center", rotation=0 if share > 0.2 else 90)
        ax.set_xticks(left + truth / 2, names)
        ax.set_yticks(range(4))
        ax.grid(False)
        ax.set(
            title=f"{code}: {means[code]:g} bits", xlabel="width: probability of the report", xlim=(0, 1), ylim=(0, 3.2)
        )
    axes[0].set_ylabel("length of the codeword in bits")
    return axes


@course_style()
def belief_costs(truth: np.ndarray, belief: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Draw the terms of KL(q‖p) as boxes above and below 0, and beside them H(q), KL(q‖p) and their sum in bits.

    Args:
        truth: probabilities q (C,), all positive; the widths of the boxes.
        belief: probabilities p (C,), all positive; a box is as high as p makes its class more surprising than q does.
        names: of the C classes.
    """
    extra = nats_to_bits(np.log(truth / belief))
    own, excess = nats_to_bits(float(entropy(truth))), nats_to_bits(float(kl_divergence(truth, belief)))
    both = own + excess
    terms = [f"{term:+.3g}".replace("-", "−") for term in truth * extra]
    axes = canvas(
        "Left, a box for each class, as wide as its probability in truth, and as high as the belief p makes it "
        f"more surprising, in bits; areas: {', '.join(map(' '.join, zip(names, terms, strict=True)))}. "
        f"Right, three bars: entropy {own:.3f} bits, divergence {excess:.3f} bits, which starts where the entropy "
        f"ends, and the cross-entropy {both:.3f} bits, as long as the two together.",
        1,
        2,
        figsize=(9.4, 3.6),
    )
    left = np.cumsum(truth) - truth
    for middle, share, bits, term in zip(left + truth / 2, truth, extra, terms, strict=True):
        filled = {"color": BLUE} if bits > 0 else {"facecolor": "white", "edgecolor": BLUE, "hatch": ".."}
        axes[0].bar(middle, bits, share, linewidth=1, **filled)
        beyond = {"va": "bottom"} if bits > 0 else {"va": "top"}
        axes[0].text(middle, bits + np.copysign(0.08, bits), term, ha="center", fontsize="small", **beyond)
    axes[0].axhline(0, color=BLACK, linewidth=1)
    axes[0].set_xticks(left + truth / 2, names)
    axes[0].grid(False, axis="x")
    axes[0].set(
        title=f"The areas add up to {excess:.3g} bits",
        xlabel="width: probability of the report",
        ylabel="extra bits, −log₂ p + log₂ q",
        xlim=(0, 1),
        ylim=(min(extra.min(), 0) - 0.5, extra.max() + 0.5),
    )
    axes[1].barh([0, 2], [own, own], color=LIGHT, edgecolor=GREY, hatch="//")
    axes[1].barh([1, 2], [excess] * 2, left=own, color=BLUE)
    for row, (end, value) in enumerate(((own, own), (both, excess), (both, both))):
        axes[1].text(end + 0.03 * both, row, f"{value:.3f}", va="center")
    axes[1].set_yticks([0, 1, 2], ["H(q)", "KL(q‖p)", "H(q, p)"])
    axes[1].invert_yaxis()
    axes[1].grid(False, axis="y")
    axes[1].set(title="Entropy + divergence = cross-entropy", xlabel="bits", xlim=(0, 1.25 * both))
    return axes


@course_style()
def two_fits(values: np.ndarray, truth: np.ndarray, forward: np.ndarray, reverse: np.ndarray) -> Axes:
    """Draw a two-humped truth (bars) and the two bells that fit it best, one for each direction of the divergence."""
    middle, peak = values[forward.argmax()], values[reverse.argmax()]
    ax = canvas(
        f"Bars with two humps show the truth. The bell that minimises KL of truth and belief is wide, with its top "
        f"near {middle:g}. The one that minimises the reverse is narrow and covers the hump at {peak:g}.",
        figsize=(7.2, 3.9),
    )
    ax.bar(values, truth, width=0.9, color=LIGHT, edgecolor=GREY, label="truth")
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


@course_style()
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
    ax.barh(rows, np.full(len(models), floor), color=LIGHT, edgecolor=GREY, hatch="//")
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
        Patch(facecolor=LIGHT, edgecolor=GREY, hatch="//", label="floor: H(Y|X)"),
        Patch(facecolor=BLUE, label="reducible: mean KL"),
    ]
    ax.legend(handles=parts, loc="lower right")
    return ax


@course_style()
def expected_scores(costs: Mapping[str, Callable], minimisers: Mapping[str, float], truth: float = 0.7) -> np.ndarray:
    """Draw the expected cost of reporting p while ``truth`` is the probability of a 1, and mark where it is least.

    Args:
        costs: name and cost, as a function of the probability that was given to the class that occurred.
        minimisers: name and best p; where it is the truth, the curve goes into the left panel.
        truth: probability of a 1.
    """
    honest = {name: abs(p - truth) < 1e-3 for name, p in minimisers.items()}
    axes = canvas(
        f"Expected cost against the reported probability p, truth {truth:g}. Lowest points: "
        + ", ".join(f"{name} at {minimisers[name]:.3f}" for name in costs)
        + ". Left the scores whose lowest point is at the truth, right the others.",
        1,
        2,
        figsize=(9.4, 3.9),
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
        ax.set(title=title, xlabel="p, reported probability", ylabel="expected cost", xlim=(0, 1.02))
    axes[0].set_ylim(0, 1.6)
    axes[1].set_ylim(0, 1.2)
    for ax, place in zip(axes, ("lower left", "upper center"), strict=True):
        ax.legend(loc=place, title="lowest at p =", alignment="left", frameon=True, framealpha=1, edgecolor="none")
    return axes


@course_style()
def score_triangles(
    truth: tuple[float, float, float] = (0.2, 0.5, 0.3),
    belief: tuple[float, float, float] = (0.55, 0.41, 0.04),
    levels: tuple[float, ...] = (0.05, 0.2, 0.5),
) -> np.ndarray:
    """Draw, over all beliefs about three classes, lines of equal excess under the log score and the Brier score.

    Args:
        truth: probabilities q, where both excesses are 0; a ring marks it.
        belief: where an arrow starts that points to where the expected score falls fastest.
        levels: the excesses, in nats and without unit, for which a line is drawn.
    """
    q, p = np.array(truth), np.array(belief)
    beliefs = _beliefs(120)
    truths = np.broadcast_to(q, beliefs.shape)
    panels = {
        "Log score: pressed flat at the edges": (kl_divergence(truths, beliefs), q / p, BLUE, "-"),
        "Brier score: circles": (brier_score(truths, beliefs) - brier_score(q, q), q - p, VERMILION, "--"),
    }
    axes = canvas(
        f"Two triangles whose points are beliefs about three classes, with a ring at the truth {truth} and lines where "
        f"the excess is {', '.join(map(str, levels))}. The log score's lines are pressed flat along the edges, and the "
        f"arrow from {belief} points away from the nearest edge. The Brier score's are circles, and its arrow points "
        "to the ring.",
        1,
        2,
        figsize=(9.4, 4.0),
    )
    for ax, (title, (excess, downhill, colour, dash)) in zip(axes, panels.items(), strict=True):
        _triangle(ax, beliefs, excess, levels, colour, dash)
        ax.plot(*_flat(q), "o", color=BLACK, markersize=14, markerfacecolor="none", markeredgewidth=2)
        step = _flat(downhill - downhill.mean())
        step = 0.18 * step / np.linalg.norm(step)
        ax.annotate("", _flat(p) + step, _flat(p), arrowprops={"arrowstyle": "-|>", "linewidth": 2.5, "color": BLACK})
        for name, place, beside in (("truth", q, (11, 4)), ("a belief", p, (6, -1))):
            ax.annotate(name, _flat(place), beside, textcoords="offset points")
        ax.set_title(title, loc="center")
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


def _to_the_edge(points: np.ndarray) -> np.ndarray:
    """The smallest of the three probabilities at points (…, 2) of the plane: 0 on an edge."""
    last = points[..., 1] / np.sqrt(0.75)
    middle = points[..., 0] - last / 2
    return np.minimum(np.minimum(last, middle), 1 - last - middle)


def _triangle(ax: Axes, beliefs: np.ndarray, excess: np.ndarray, levels, colour: str, dash: str) -> None:
    x, y = _flat(beliefs)
    lines = ax.tricontour(x, y, excess, levels=levels, colors=colour, linestyles=dash, linewidths=1.6)
    # Each label goes where its line is farthest from the edges, so that it crosses none.
    paths = [path.vertices for path in lines.get_paths()]
    ax.clabel(lines, fmt="%g", manual=[path[_to_the_edge(path).argmax()] for path in paths])
    ax.plot(*_flat(np.eye(3)[[0, 1, 2, 0]]), color=BLACK, linewidth=1)
    for c, (name, shift) in enumerate((("class 0", (-4, -16)), ("class 1", (4, -16)), ("class 2", (0, 6)))):
        ax.annotate(name, _flat(np.eye(3)[c]), shift, textcoords="offset points", ha="center", color=BLACK)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set(xlim=(-0.12, 1.12), ylim=(-0.12, 1.0))
