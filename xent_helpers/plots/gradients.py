"""Figures of chapter 4: a gradient, its check by finite differences, landscapes, curvature, and two ways down."""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes

from xent_helpers import losses
from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, PURPLE, VERMILION, canvas, course_style

_LOOKS = ((BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"))


@course_style()
def gradient_as_transfer(p: np.ndarray, label: int) -> np.ndarray:
    """Draw the probabilities of one sample beside the push that a step against p − y gives to each logit.

    Args:
        p: probabilities (C,).
        label: the true class.
    """
    classes, push = np.arange(len(p)), np.eye(len(p))[label] - p
    colours = [BLUE if c == label else VERMILION for c in classes]
    axes = canvas(
        "Two bar charts over the classes. Probabilities: "
        + ", ".join(f"class {c} {value:.3f}" for c, value in enumerate(p))
        + f"; an outline marks the label, class {label}. Push on each logit: "
        + ", ".join(f"class {c} {value:+.3f}" for c, value in enumerate(push))
        + ", which add up to 0.",
        1,
        2,
        figsize=(7.4, 2.9),
    )
    axes[0].bar(label, 1.0, width=0.7, fill=False, edgecolor=BLACK, linestyle="--", label="y, the label")
    hatches = ["//" if c == label else "" for c in classes]
    axes[0].bar(classes, p, width=0.5, color=colours, hatch=hatches)
    axes[0].legend(loc="upper center")
    axes[1].bar(classes, push, width=0.5, color=colours, hatch=hatches)
    axes[1].axhline(0, color=BLACK, linewidth=0.8)
    for ax, values in ((axes[0], p), (axes[1], push)):
        for c, value in enumerate(values):
            shown = (f"{value:.3f}" if ax is axes[0] else f"{value:+.3f}").replace("-", "−")
            place, side = ((0, 3), "bottom") if value >= 0 else ((0, -3), "top")
            ax.annotate(shown, (c, value), place, textcoords="offset points", ha="center", va=side)
        ax.set_xticks(classes, [f"class {c}" for c in classes])
    axes[0].set(title="What the model believes, and the label", ylabel="probability", ylim=(0, 1.3))
    axes[0].set_yticks(np.linspace(0, 1, 6))
    axes[1].set(
        title="The push, −(p − y), adds up to 0",
        ylabel="push (nats per unit of logit)",
        ylim=(-1.25, 1.25),
    )
    return axes


@course_style()
def two_landscapes(x: np.ndarray, y: np.ndarray, start: np.ndarray, rate: float = 1.0, steps: int = 300) -> np.ndarray:
    """Draw cross-entropy and squared error on p as maps over two weights, with gradient descent's path on each.

    Args:
        x: features (N, 2), the first column of ones.
        y: labels (N,), floating 0 and 1.
        start: the weights (2,) from which both descend.
        rate, steps: of the descent.
    """
    slopes = {"cross-entropy": lambda p: p - y, "squared error on p": lambda p: (p - y) * p * (1 - p)}
    first, second = np.linspace(-6, 14, 81), np.linspace(-12, 8, 81)
    logits = first[:, None] * x[:, 0] + second[:, None, None] * x[:, 1]
    heights = {
        "cross-entropy": np.mean(losses.softplus(logits) - logits * y, axis=-1),
        "squared error on p": np.mean(0.5 * (losses.sigmoid(logits) - y) ** 2, axis=-1),
    }
    paths = {name: _descent(x, slope, start, rate, steps) for name, slope in slopes.items()}
    moved = {name: np.linalg.norm(path[-1] - path[0]) for name, path in paths.items()}
    axes = canvas(
        "Two maps of the mean loss over bias and weight, from the same start, a model that calls everything 1. "
        + " ".join(f"On {name} {steps} steps of descent move the weights by {moved[name]:.2g}." for name in paths)
        + " Cross-entropy is a bowl; the squared error is flat around the start.",
        1,
        2,
        figsize=(8.4, 3.3),
    )
    for ax, (name, path) in zip(axes, paths.items(), strict=True):
        shades = ax.contourf(first, second, heights[name], levels=10, cmap="cividis")
        ax.figure.colorbar(shades, ax=ax, label="mean loss" + (" (nats)" if name == "cross-entropy" else ""))
        ax.plot(*path.T, "-", color="white", linewidth=3.5)
        ax.plot(*path.T, "-", color=VERMILION, linewidth=1.8)
        ax.plot(*start, "o", color="white", markeredgecolor=BLACK, markersize=10)  # shows behind the end's square
        ax.plot(*path[-1], "s", color="white", markeredgecolor=BLACK, markersize=5)
        words = f"from the circle, {steps} steps\nmove the weights by {moved[name]:.2g}"
        ax.text(0.98, 0.02, words, transform=ax.transAxes, ha="right", color="white", fontsize="small")
        ax.set(xlabel="bias")
    axes[0].set(title="Cross-entropy: a slope to follow", ylabel="weight of the radius")
    axes[1].set(title="Squared error on p: flat at the start")
    return axes


@course_style()
def two_ways_down(x: np.ndarray, y: np.ndarray, descent: np.ndarray, newton: np.ndarray) -> np.ndarray:
    """Draw the paths of gradient descent and of Newton's method on a map of the mean loss, and how far each is above.

    Args:
        x: features (N, 2), no bias.
        y: labels (N,), floating 0 and 1.
        descent, newton: weights (steps + 1, 2), the start first; Newton's last ones count as the minimum.
    """
    paths = {"gradient descent": descent, "Newton": newton}
    gaps = {name: np.array([_mean_loss(x @ w, y) for w in path]) for name, path in paths.items()}
    minimum = gaps["Newton"][-1]
    gaps = {name: np.maximum(gap - minimum, 1e-12) for name, gap in gaps.items()}
    axes = canvas(
        "Left, a map of the mean loss over two weights: a long narrow valley. Gradient descent goes straight to the "
        f"valley's floor and then creeps along it, not at the end after {len(descent) - 1} steps; Newton's few steps "
        "reach the minimum. Right, the loss above its minimum against the number of steps on scales of powers of ten: "
        f"descent ends {gaps['gradient descent'][-1]:.0e} nats above, Newton at 1e-12 or less.",
        1,
        2,
        figsize=(8.4, 3.2),
        width_ratios=(1.25, 1),
    )
    _draw_valley(axes[0], x, y, minimum, paths)
    _draw_gaps(axes[1], gaps)
    return axes


def _draw_valley(ax: Axes, x: np.ndarray, y: np.ndarray, minimum: float, paths: Mapping[str, np.ndarray]) -> None:
    first, second = np.linspace(-4, 5, 91), np.linspace(-9, 2, 91)
    logits = first[:, None] * x[:, 0] + second[:, None, None] * x[:, 1]
    height = np.mean(losses.softplus(logits) - logits * y, axis=-1)
    levels = np.r_[0.0, np.geomspace(1e-3, 2.0, 9)]
    ax.contourf(first, second, height - minimum, levels, colors=[str(g) for g in np.linspace(0.6, 1.0, 9)])
    ax.grid(False)
    for (name, path), (colour, dash, marker) in zip(paths.items(), (_LOOKS[1], _LOOKS[0]), strict=True):
        every = max(1, len(path) // 12)
        ax.plot(*path.T, color=colour, linestyle=dash, marker=marker, markersize=4, markevery=every)
        at, text = (path[-1], f"{len(path) - 1} steps of\n{name}") if every > 1 else (path[len(path) // 4], name)
        place = (-78, -34) if every > 1 else (8, 4)
        ax.annotate(text, at, place, textcoords="offset points", color=colour)
    start, end = paths["Newton"][[0, -1]]
    ax.plot(*end, "*", color=BLACK, markersize=13)
    ax.annotate("start", start, (8, 4), textcoords="offset points")
    ax.annotate("minimum", end, (-6, -16), textcoords="offset points", ha="right")
    ax.set(
        title="A valley (dark is low), steep only at its sides",
        xlabel="weight of the radius",
        ylabel="weight of the area",
    )


def _draw_gaps(ax: Axes, gaps: Mapping[str, np.ndarray]) -> None:
    for (name, gap), (colour, dash, marker), place in zip(
        gaps.items(), (_LOOKS[1], _LOOKS[0]), ((-70, 10), (-52, -6)), strict=True
    ):
        every = 1 if len(gap) < 30 else [0, 1, 3, 9, 29]  # the steps that can be told apart
        look = {"color": colour, "linestyle": dash, "marker": marker, "markersize": 4}
        ax.loglog(1 + np.arange(len(gap)), gap, markevery=every, **look)
        at = len(gap) // 4 if len(gap) >= 30 else len(gap) // 2
        ax.annotate(name, (1 + at, gap[at]), place, textcoords="offset points", color=colour)
    ax.set(
        title="Newton is done in a few steps",
        xlabel="1 + number of steps",
        ylabel="loss above its minimum (nats)",
        ylim=(4e-13, 3),
    )
    powers = range(-12, 1, 3)
    ax.set_yticks([10.0**k for k in powers], [f"{'≤ ' if k == -12 else ''}$10^{{{k}}}$" for k in powers])


@course_style()
def difference_errors(
    steps: np.ndarray, errors: Mapping[str, np.ndarray], theory: Mapping[str, np.ndarray], best: Mapping[str, float]
) -> np.ndarray:
    """Draw the error of a finite-difference gradient against its step, a panel for each number type.

    Args:
        steps: the steps h.
        errors: measured errors by name of the type, one for each step.
        theory: the predicted errors, by the same names.
        best: the predicted best step, by the same names.
    """
    axes = canvas(
        "Error of a finite-difference gradient against the step h, both on scales of powers of ten. "
        + " ".join(f"{name}: a V with its lowest point near h = {best[name]:.0e}." for name in errors)
        + " The dashed theory, h squared against 1/h, runs along both arms.",
        1,
        len(errors),
        figsize=(3.7 * len(errors), 3.0),
        sharey=True,
        squeeze=False,
    )[0]
    for ax, (name, error) in zip(axes, errors.items(), strict=True):
        ax.loglog(steps, error, marker="o", markersize=4, color=BLUE)
        ax.loglog(steps, theory[name], "--", color=VERMILION, linewidth=1.5)
        ax.axvline(best[name], color=GREY, linestyle=":", linewidth=1.2)
        ax.set(title=f"{name}: best step near {best[name]:.0e}", xlabel="step h (logits)", ylim=(1e-13, 30))
    axes[0].figure.suptitle("Too long a step truncates, too short a step rounds")
    left = len(steps) // 5
    first = next(iter(errors))
    for curve, text, colour, place in (
        (theory, "theory", VERMILION, (4, 12)),
        (errors, "measured", BLUE, (-44, -28)),
    ):
        at = (steps[left], curve[first][left])
        axes[0].annotate(text, at, place, textcoords="offset points", color=colour)
    axes[0].set_ylabel("largest error (nats per logit)")
    return axes


@course_style()
def losses_and_slopes(span: float = 10.0) -> np.ndarray:
    """Draw two losses of one logit with label 1, and the size of their slopes, for logits from −span to span."""
    z = np.linspace(-span, span, 401)
    p = losses.sigmoid(z)
    curves = {
        "cross-entropy": (losses.softplus(-z), losses.sigmoid(-z)),
        "½(p − y)²": (0.5 * (1 - p) ** 2, (1 - p) * p * (1 - p)),
    }
    axes = canvas(
        "Two panels against the logit z for label 1. Losses: cross-entropy falls like a straight line for negative z, "
        "squared error on the probability levels off there. Size of the slope: cross-entropy's stays near 1 for "
        "negative z, that of squared error on the probability falls exponentially, "
        f"to {(p * (1 - p) ** 2)[0]:.1e} at z = {-span:g}.",
        1,
        2,
        figsize=(8.4, 3.3),
    )
    for (name, (loss, slope)), (colour, dash, _) in zip(curves.items(), _LOOKS, strict=False):
        axes[0].plot(z, loss, color=colour, linestyle=dash)
        axes[1].semilogy(z, np.maximum(slope, 1e-6), color=colour, linestyle=dash, label=name)
    axes[0].text(-0.55 * span, 0.65 * span, "cross-entropy", color=BLUE)
    axes[0].text(-0.96 * span, 0.09 * span, "½(p − y)²", color=VERMILION)
    axes[0].set(
        title="Squared error on p levels off on the left …",
        xlabel="logit z, label 1",
        ylabel="loss",
        ylim=(-0.05 * span, 1.1 * span),
    )
    axes[1].set(
        title="… so there is hardly a slope to follow",
        xlabel="logit z, label 1",
        ylabel="size of the slope",
        ylim=(1e-5, 5),
    )
    axes[1].text(-0.96 * span, 0.25, "cross-entropy", color=BLUE)
    axes[1].text(-0.62 * span, 4e-4, "½(p − y)²", color=VERMILION)
    return axes


@course_style()
def steepest_curvature(density: int = 90) -> Axes:
    """Draw the largest eigenvalue of diag(p) − p pᵀ over the triangle of all distributions over three classes."""
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
    counts = [(i, j, density - i - j) for i in range(density + 1) for j in range(density + 1 - i)]
    p = np.array(counts) / density
    hessians = p[:, :, None] * np.eye(3) - p[:, :, None] * p[:, None, :]
    largest = np.linalg.eigvalsh(hessians)[:, -1]
    ax = canvas(
        "A triangle of all distributions over three classes, shaded by the largest eigenvalue of the Hessian. It is 0 "
        "at the corners, where one class is certain, one third in the middle, and one half at the middles of the "
        "sides, where two classes share everything.",
        figsize=(5.6, 4.1),
    )
    x, y = (p @ corners).T
    shades = ax.tricontourf(x, y, np.clip(largest, 0, 0.5), levels=np.linspace(0, 0.5, 11))
    ax.figure.colorbar(shades, ax=ax, label="largest eigenvalue")
    for c, (corner, drop) in enumerate(zip(corners, (-16, -16, 6), strict=True)):
        ax.annotate(f"class {c} certain", corner, (0, drop), textcoords="offset points", ha="center")
    ax.plot([0.25, 0.75, 0.5], [corners[2, 1] / 2, corners[2, 1] / 2, 0], "o", color=BLACK)
    ax.set(title="Curvature: ½ at the dots, 0 at the corners", aspect="equal", ylim=(-0.12, 0.97))
    ax.axis("off")
    return ax


def _mean_loss(logits: np.ndarray, y: np.ndarray) -> float:
    return float(losses.binary_cross_entropy_with_logits(logits, y))


def _descent(x: np.ndarray, slope: Callable, start: np.ndarray, rate: float, steps: int) -> np.ndarray:
    """The weights (steps + 1, D) of gradient descent; ``slope`` maps p to the derivative of each loss by its logit."""
    path = [np.asarray(start, dtype=float)]
    for _ in range(steps):
        path.append(path[-1] - rate * x.T @ slope(losses.sigmoid(x @ path[-1])) / len(x))
    return np.array(path)
