"""Figures of chapter 3: scores and probabilities, and what floating-point numbers do to the loss.

A *loss* here is any function from logits (N, C) and labels (N,) to one loss for each row (N,), in nats.
"""

from collections.abc import Callable
from decimal import Decimal, localcontext
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from xent_helpers.losses import cross_entropy, logsumexp, sigmoid, softmax, softplus
from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, canvas, course_style

Loss = Callable[[np.ndarray, np.ndarray], np.ndarray]
LINES = ((VERMILION, "none", "o"), (BLUE, "--", ""), (GREEN, "-", ""), (PURPLE, ":", ""), (BLACK, "-.", ""))
CLASSES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"))
NEARBY = np.arange(-7, 8) / 16  # around each lead of ``digits_left``; float32 holds these numbers exactly


@course_style()
def logistic_regression(weight: float = 0.8, bias: float = -1.0, x: tuple[float, float] = (2.0, 3.0)) -> np.ndarray:
    """Draw a straight line of log-odds and the probabilities that it stands for, with two inputs marked."""
    grid, marked = np.linspace(-6, 8, 281), np.array(x)
    z, p = weight * marked + bias, sigmoid(weight * marked + bias)
    axes = canvas(
        f"Left: the log-odds {weight} x {bias:+} are a straight line, {z[0]:.1f} at x = {x[0]:g} and {z[1]:.1f} at "
        f"x = {x[1]:g}. Right: the probability is an S-shaped curve between 0 and 1, {p[0]:.3f} and {p[1]:.3f} at the "
        "same two inputs, and one half where the line crosses 0.",
        1,
        2,
        figsize=(8, 3.1),
    )
    for ax, heights, dots in ((axes[0], weight * grid + bias, z), (axes[1], sigmoid(weight * grid + bias), p)):
        ax.plot(grid, heights, color=BLUE)
        ax.plot(marked, dots, "o", color=VERMILION)
        ax.set(xlabel="input x", xlim=(grid[0], grid[-1]))
    axes[0].axhline(0, color=BLACK, linewidth=0.8)
    notes = ([f"odds {odds:.2f} : 1" for odds in np.exp(z)], [f"p = {value:.2f}" for value in p])
    for ax, texts, dots in zip(axes, notes, (z, p), strict=True):
        for text, place, height in zip(texts, marked, dots, strict=True):
            ax.annotate(text, (place, height), (-8, 7), textcoords="offset points", ha="right", color=VERMILION)
    sign = "+" if bias >= 0 else "−"
    axes[0].set(title=f"A straight line of log-odds: z = {weight:g} x {sign} {abs(bias):g}", ylabel="log-odds z")
    axes[1].set(title="The same as probabilities: p = σ(z)", ylabel="probability of class 1", ylim=(-0.03, 1.03))
    return axes


@course_style()
def scores_to_loss(z: tuple[float, ...], y: int) -> np.ndarray:
    """Draw scores with their log-sum-exp, the softmax of the scores, and the loss of class ``y``.

    Args:
        z: the scores of one sample, at most six.
        y: its true class.
    """
    p, lse = softmax(np.array(z)), float(logsumexp(np.array(z)))
    loss = lse - z[y]
    axes = canvas(
        f"Scores {', '.join(f'{score:.1f}' for score in z)} with their log-sum-exp {lse:.2f}, in a band from the "
        f"largest score to log {len(z)} above it; the probabilities "
        f"{', '.join(f'{share:.3f}' for share in p)}; the loss of class {y}, {loss:.3f} nats, which is both the gap "
        f"between log-sum-exp and the score and minus the logarithm of its probability.",
        1,
        3,
        figsize=(8.8, 2.9),
    )
    for ax, values in zip(axes[:2], (z, p), strict=True):
        bars = ax.bar(range(len(z)), values, color=SKY, edgecolor=BLACK, linewidth=0.8)
        bars[y].set(facecolor=BLUE, hatch="//")
        ax.set_xticks(range(len(z)), [f"{c}, true" if c == y else str(c) for c in range(len(z))])
        ax.set_xlabel("class")
        ax.grid(False, axis="x")
    axes[0].axhline(lse, color=VERMILION, linestyle="--")
    axes[0].axhline(0, color=BLACK, linewidth=0.8)
    low, top, edge = min(*z, 0), max(z) + np.log(len(z)), axes[0].get_xlim()
    axes[0].fill_between(edge, max(z), top, color=ORANGE, alpha=0.2, linewidth=0, zorder=0)
    axes[0].plot([y, y], [z[y], lse], color=VERMILION, linewidth=5, solid_capstyle="butt")
    axes[0].set(title=f"LSE − true score = {loss:.3f}", ylabel="score (dashed: log-sum-exp)")
    axes[0].set(xlim=edge, ylim=(low - 0.2, max(top, 0) + 0.2))
    axes[1].set(title=f"softmax: p = {p[y]:.3f}", ylabel="probability", ylim=(0, 1))
    grid = np.geomspace(min(1e-4, p[y]), 1, 200)
    axes[2].plot(grid, -np.log(grid), color=BLACK)
    axes[2].plot([p[y], p[y]], [0, loss], color=VERMILION, linestyle=":")
    axes[2].plot(p[y], loss, "o", color=VERMILION, markersize=9, clip_on=False)
    axes[2].set(title=f"−log p = {loss:.3f} nats", xlabel="p of the true class", ylabel="loss in nats")
    axes[2].set(xlim=(0, 1), ylim=(0, max(3, 1.1 * loss)))
    return axes


@course_style()
def binary_losses() -> Axes:
    """Draw the loss of a score under either label: softplus of z and of −z, with their corners unrounded."""
    z = np.linspace(-6, 6, 241)
    ax = canvas(
        "Two curves against the score z. The loss of label 0, softplus(z), is near 0 on the left and follows the "
        "line z on the right; the loss of label 1 is its mirror image. They cross at score 0, where both are log 2.",
        figsize=(5.8, 3.1),
    )
    for sign, colour, dash, label in ((1, BLUE, "-", 0), (-1, VERMILION, "--", 1)):
        ax.plot(z, softplus(sign * z), color=colour, linestyle=dash)
        ax.plot(z, np.maximum(sign * z, 0), color=GREY, linestyle=":", linewidth=1.3, zorder=1)
        ax.text(sign * 3.8, 4.2, f"label {label}", color=colour, ha="right" if sign > 0 else "left")
    ax.plot(0, np.log(2), "o", color=BLACK)
    ax.annotate("log 2", (0, np.log(2)), (0, 9), textcoords="offset points", ha="center")
    ax.set(
        title="Sure and wrong costs the score; sure and right costs little",
        xlabel="score z (log-odds of label 1)",
        ylabel="loss (nats; dotted: max(±z, 0))",
        ylim=(-0.2, 6),
    )
    return ax


@course_style()
def class_regions(
    x: np.ndarray,
    y: np.ndarray,
    models: dict[str, np.ndarray],
    names: tuple[str, str],
    classes: tuple[str, ...] = ("class 0", "class 1", "class 2"),
) -> np.ndarray:
    """Draw which probabilities each softmax regression gives to three classes over the plane of two features.

    Args:
        x: the features of the samples, shape (N, 2), measured from their means.
        y: their classes, shape (N,).
        models: weights (3, 3) by the panel's title; the rows are the two features and the bias, the columns classes.
        names: what the two features are called, with units.
        classes: what the three classes are called in the legend.
    """
    low, high = x.min(axis=0) - 0.3, x.max(axis=0) + 0.3
    across, up = np.meshgrid(np.linspace(low[0], high[0], 72), np.linspace(low[1], high[1], 72))
    plane = np.stack([across, up, np.ones_like(across)], axis=-1)
    samples = np.column_stack([x, np.ones(len(x))])
    loss = {title: float(cross_entropy(samples @ weights, y)) for title, weights in models.items()}
    axes = canvas(
        "The plane of two features, coloured by the probabilities of three classes, with the samples on it. "
        + " ".join(f"{title}: mean loss {nats:.3f} nats." for title, nats in loss.items()),
        1,
        len(models),
        figsize=(9.2, 3.6),
        sharey=True,
        squeeze=False,
    )[0]
    colours = np.array([to_rgb(colour) for colour, _ in CLASSES])
    for ax, (title, weights) in zip(axes, models.items(), strict=True):
        p = softmax(plane @ weights)
        ax.imshow(
            1 - 0.55 * (1 - p @ colours),
            extent=(low[0], high[0], low[1], high[1]),
            origin="lower",
            aspect="auto",
            interpolation="nearest",
        )
        for c, (colour, marker) in enumerate(CLASSES):
            if np.ptp(p) > 0:  # where class c and its best rival are equally likely
                ahead = p[..., c] - np.delete(p, c, axis=-1).max(axis=-1)
                ax.contour(across, up, ahead, levels=[0], colors=BLACK, linewidths=1)
            look = {"color": colour, "marker": marker, "edgecolor": BLACK, "linewidth": 0.5}
            ax.scatter(*x[y == c].T, s=16, label=classes[c], **look)
        ax.set(title=f"{title}: loss {loss[title]:.3f}", xlabel=names[0])
        ax.grid(False)
    axes[0].set_ylabel(names[1])
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(classes))
    return axes


@course_style()
def digits_left(implementations: dict[str, Loss], classes: tuple[int, ...] = (3, 1000), leads=None) -> np.ndarray:
    """Draw how many digits of the loss each implementation gets right, against the lead of the true class.

    All rivals have the same score; the lower one of the two scores is 0. For each lead the median over 15 rows with
    nearly that lead is drawn, as ``correct_digits`` counts. A cross ends a line where the result is inf or NaN.

    Args:
        implementations: losses by the name in the legend; at most five.
        classes: the numbers of classes, a panel each.
        leads: whole numbers, negative where the true class lags; −120, …, 120 unless given.
    """
    leads = np.arange(-120, 121) if leads is None else np.asarray(leads)
    axes = canvas(
        "Correct digits of the float32 loss against the lead of the true class, described once they are known.",
        1,
        len(classes),
        figsize=(4.4 * len(classes) + 0.3, 3.7),
        sharey=True,
        squeeze=False,
    )[0]
    said = []
    for ax, count in zip(axes, classes, strict=True):
        for (name, loss), (colour, dash, marker) in zip(implementations.items(), LINES, strict=False):
            digits = np.array([np.median(correct_digits(loss, lead + NEARBY, count)) for lead in leads])
            fine = np.isfinite(digits)
            style = {"color": colour, "linestyle": dash, "marker": marker, "markersize": 4, "markevery": 6}
            if colour == BLACK:  # wide, below the others
                style |= {"linestyle": "-", "linewidth": 5, "alpha": 0.4, "zorder": 1.9}
            ax.plot(leads, digits, label=name, **style)
            for i in [i - fine[i - 1] for i in range(1, len(leads)) if fine[i] != fine[i - 1]]:
                ax.plot(leads[i], digits[i], "X", color=colour, markersize=9)
            said.append(f"{count} classes, {name}: {_in_words(leads, digits)}")
        for place, limit in _limits(count).items():
            ax.axvline(place, color=GREY, linewidth=1, linestyle=(0, (1, 2)))
            if ax is not axes[0]:  # one panel says what the lines are
                continue
            beside = (-11, 0) if place > 50 or "103" in limit else (3, 0)  # not on the lines that fall there
            height = 7.2 if place < 0 else 6.4  # clear of the lines
            ax.annotate(limit, (place, height), beside, textcoords="offset points", rotation=90, va="top", color=GREY)
        ax.set(
            title=f"{count:,} classes",
            xlabel="← behind   lead of the true class (logits)   ahead →",
            xlim=(leads[0] - 3, leads[-1] + 3),
            ylim=(-0.3, 9.2),
        )
    axes[0].set_ylabel("correct digits of the loss (float32)")
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(implementations))
    axes[0].figure.suptitle("Ahead, the package keeps its digits longest; behind, two formulas end in inf (cross)")
    axes[0].figure.alt = "Correct digits of the float32 loss against the lead. " + "; ".join(said) + "."
    return axes


def correct_digits(loss: Loss, leads: np.ndarray, classes: int) -> np.ndarray:
    """Count the correct digits of float32 losses, minus the decimal logarithm of their relative error.

    Nothing is cut off above; an error as large as the loss, or larger, leaves 0 digits. An inf or a NaN gives NaN.
    exp, log and log1p are rounded correctly here, which processors' own are not always, so the count is the same on
    all of them.

    Args:
        loss: the implementation.
        leads: by how much the true class, 0, leads its rivals, shape (N,); multiples of 1/16 below 1000.
        classes: the number of classes.

    Returns:
        Digits, shape (N,).
    """
    z = np.zeros((len(leads), classes), dtype=np.float32)
    z[:, 0] = np.maximum(leads, 0)
    z[:, 1:] = np.maximum(-leads, 0)[:, None]
    values = _quietly(loss, z.view(_CorrectlyRounded), np.zeros(len(leads), dtype=int))
    exact = [exact_loss(lead, classes) for lead in leads]
    return np.array([_digits(float(value), due) for value, due in zip(values, exact, strict=True)])


@cache
def exact_loss(lead: float, classes: int) -> Decimal:
    """Loss of a class that leads its equal rivals: log(1 + (C − 1) exp(−lead)), to 27 digits by ``decimal``."""
    with localcontext(prec=80):
        others = (classes - 1) * (-Decimal(float(lead))).exp()
        return (1 + others).ln()


class _CorrectlyRounded(np.ndarray):
    """A float32 array that takes exp, log and log1p in float64 and rounds them once."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        inputs = [np.asarray(each) if isinstance(each, _CorrectlyRounded) else each for each in inputs]
        if ufunc in (np.exp, np.log, np.log1p):
            return ufunc(np.float64(inputs[0])).astype(np.float32).view(_CorrectlyRounded)
        result = getattr(ufunc, method)(*inputs, **kwargs)
        return result.view(_CorrectlyRounded) if isinstance(result, np.ndarray) else result

    def __array_function__(self, function, types, args, kwargs):
        result = super().__array_function__(function, types, args, kwargs)
        return result.view(_CorrectlyRounded) if isinstance(result, np.ndarray) else result


def _digits(value: float, due: Decimal) -> float:
    if not np.isfinite(value):
        return np.nan
    error = float(abs(Decimal(value) - due) / due)
    return max(0.0, -np.log10(error)) if error else np.inf


def _limits(classes: int, dtype: type = np.float32) -> dict[float, str]:
    """Leads over equal rivals at which overflow, underflow and absorption strike, each with its limit in words."""
    info, rivals = np.finfo(dtype), np.log(classes - 1)
    overflow, underflow = np.log(float(info.max)), np.log(2) - np.log(float(info.smallest_subnormal))
    absorption = np.log(2 / float(info.eps))
    return {
        rivals - overflow: f"LSE = {overflow:.2f}",
        rivals - underflow: f"loss = {underflow:.2f}",
        rivals + absorption: "loss = ε/2",
        overflow: f"LSE = {overflow:.2f}",
    }


def _in_words(leads: np.ndarray, digits: np.ndarray) -> str:
    """Where the digits run out, for the alternative text."""
    fine = np.isfinite(digits)
    parts = [f"finite from {leads[fine].min()} to {leads[fine].max()}"]
    for side, there in (("behind", leads < 0), ("ahead", leads > 0)):
        none = leads[fine & there & (digits < 0.5)]
        parts.append(f"no digit left from {min(abs(none))} {side} on" if len(none) else f"digits kept {side}")
    return ", ".join(parts)


def _quietly(loss: Loss, z: np.ndarray, y: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(loss(z, y))
