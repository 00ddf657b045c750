"""Figures of chapter 4: slopes, their check by finite differences, curvature, and two ways down."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from xent_helpers import losses
from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, PURPLE, VERMILION, canvas

_LOOKS = ((BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"))


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
        figsize=(4.6 * len(errors), 3.9),
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
        (errors, "measured", BLUE, (-62, -22)),
    ):
        at = (steps[left], curve[first][left])
        axes[0].annotate(text, at, place, textcoords="offset points", color=colour)
    axes[0].set_ylabel("largest error in the gradient (nats per logit)")
    return axes


def losses_and_slopes(span: float = 10.0) -> np.ndarray:
    """Draw three losses of one logit with label 1, and the size of their slopes, for logits from −span to span."""
    z = np.linspace(-span, span, 401)
    p = losses.sigmoid(z)
    curves = {
        "cross-entropy": (losses.softplus(-z), losses.sigmoid(-z)),
        "½(p − y)²": (0.5 * (1 - p) ** 2, (1 - p) * p * (1 - p)),
        "½(z − y)²": (0.5 * (z - 1) ** 2, np.abs(z - 1)),
    }
    axes = canvas(
        "Two panels against the logit z for label 1. Losses: cross-entropy falls like a straight line for negative z, "
        "squared error on the probability is flat there, squared error on the logit is a parabola around 1. Size of "
        "the slope: cross-entropy's stays near 1 for negative z, that of squared error on the probability falls "
        f"exponentially, to {(p * (1 - p) ** 2)[0]:.1e} at z = {-span:g}.",
        1,
        2,
        figsize=(9.6, 3.9),
    )
    for (name, (loss, slope)), (colour, dash, _) in zip(curves.items(), _LOOKS, strict=False):
        axes[0].plot(z, loss, color=colour, linestyle=dash)
        axes[1].semilogy(z, np.maximum(slope, 1e-6), color=colour, linestyle=dash, label=name)
    axes[0].text(-9.8, 4.0, "cross-entropy", color=BLUE)
    axes[0].text(-9.6, 0.9, "½(p − y)²", color=VERMILION)
    axes[0].text(-3.0, 11.6, "½(z − y)²", color=GREEN)
    axes[0].set(
        title="Squared error on p is flat on the left …", xlabel="logit z, label 1", ylabel="loss", ylim=(-0.5, 13)
    )
    axes[1].set(
        title="… so there is no slope to follow", xlabel="logit z, label 1", ylabel="size of the slope", ylim=(1e-5, 30)
    )
    axes[1].text(-9.6, 0.25, "cross-entropy", color=BLUE)
    axes[1].text(-6.2, 4e-4, "½(p − y)²", color=VERMILION)
    axes[1].text(-9.6, 14, "½(z − y)²", color=GREEN)
    return axes


def newton_parabola(scores: np.ndarray, y: np.ndarray, start: float = 0.0) -> Axes:
    """Draw the mean loss of logits t · scores against t, with the parabola that Newton's method puts at ``start``.

    Args:
        scores: logits (N,) at t = 1.
        y: labels (N,), floating 0 and 1.
        start: where the parabola touches.
    """
    t = np.linspace(-0.2, 1.2, 200)
    loss = np.array([_mean_loss(k * scores, y) for k in t])
    p = losses.sigmoid(start * scores)
    value, slope = _mean_loss(start * scores, y), np.mean((p - y) * scores)
    curvature = np.mean(p * (1 - p) * scores**2)
    jump = start - slope / curvature
    parabola = value + slope * (t - start) + 0.5 * curvature * (t - start) ** 2
    ax = canvas(
        f"The mean loss along a line through weight space, a bowl with its bottom at t = 1, and the parabola with the "
        f"same value, slope and curvature at t = {start:g}. The parabola's bottom is at t = {jump:.2f}; Newton's step "
        "goes there.",
        figsize=(7.2, 3.9),
    )
    ax.plot(t, loss, color=BLUE)
    ax.plot(t, parabola, "--", color=VERMILION)
    ax.plot(start, value, "o", color=BLACK)
    ax.plot(jump, _mean_loss(jump * scores, y), "s", color=BLACK)
    ax.annotate("start", (start, value), (8, 4), textcoords="offset points")
    ax.annotate("after one step", (jump, _mean_loss(jump * scores, y)), (-92, -12), textcoords="offset points")
    ax.annotate("loss", (t[-1], loss[-1]), (-6, 8), textcoords="offset points", color=BLUE, ha="right")
    right = t[np.argmax((parabola > loss.max()) & (t > jump))]
    ax.annotate("parabola", (right, loss.max()), (6, -12), textcoords="offset points", color=VERMILION)
    ax.set(
        title="Newton's step: to the bottom of the parabola that touches here",
        xlabel="t, place on the line from zero weights (0) to the best (1)",
        ylabel="mean loss (nats)",
        ylim=(0, 1.05 * loss.max()),
    )
    return ax


def descent_and_newton(gaps: Mapping[str, Sequence[float]]) -> Axes:
    """Draw how far the loss is above its minimum after each step, by method; what is below 1e-12 is drawn there.

    Args:
        gaps: for each method the gaps in nats, the first before any step.
    """
    ax = canvas(
        "Gap between the loss and its minimum against the number of steps, both on scales of powers of ten. "
        + " ".join(f"{name} is {_size(gap[-1])} above after {len(gap) - 1} steps." for name, gap in gaps.items()),
        figsize=(7.2, 4.0),
    )
    for (name, gap), (colour, dash, marker) in zip(gaps.items(), _LOOKS, strict=False):
        step = np.arange(1, len(gap) + 1)
        every = None if len(gap) < 30 else len(gap) + 1  # markers only where the steps can be told apart
        ax.loglog(step, np.maximum(gap, 1e-12), color=colour, linestyle=dash, marker=marker, markevery=every)
        middle = int(len(step) ** 0.75) - 1  # three quarters of the way on a scale of powers
        at = (step[middle], max(gap[middle], 1e-12))
        ax.annotate(name, at, (9, 6), textcoords="offset points", color=colour)
    ax.set(
        title="Nine Newton steps go where thousands of small ones do not",
        xlabel="1 + number of steps",
        ylabel="loss above its minimum (nats)",
        ylim=(4e-13, 3),
    )
    powers = range(-12, 1, 2)
    ax.set_yticks([10.0**k for k in powers], [f"{'≤ ' if k == -12 else ''}$10^{{{k}}}$" for k in powers])
    return ax


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
        figsize=(6.4, 4.6),
    )
    x, y = (p @ corners).T
    shades = ax.tricontourf(x, y, np.clip(largest, 0, 0.5), levels=np.linspace(0, 0.5, 11))
    ax.figure.colorbar(shades, ax=ax, label="largest eigenvalue")
    for c, (corner, drop) in enumerate(zip(corners, (-16, -16, 6), strict=True)):
        ax.annotate(f"class {c} certain", corner, (0, drop), textcoords="offset points", ha="center")
    ax.plot([0.25, 0.75, 0.5], [corners[2, 1] / 2, corners[2, 1] / 2, 0], "o", color=BLACK)
    ax.set(title="Curvature: ½ between two classes (dots), 0 in the corners", aspect="equal", ylim=(-0.12, 0.97))
    ax.axis("off")
    return ax


def _mean_loss(logits: np.ndarray, y: np.ndarray) -> float:
    return float(losses.binary_cross_entropy_with_logits(logits, y))


def _size(gap: float) -> str:
    return f"{gap:.0e} nats" if gap > 1e-12 else "less than 1e-12 nats"
