"""Figures of chapter 7: claims against what happened, temperature, overconfidence, decisions."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from xent_helpers.calibration import Reliability
from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, VERMILION, canvas, course_style


@course_style()
def reliability_diagram(tables: Mapping[str, Reliability], what: str = "share that came true") -> np.ndarray:
    """Draw what happened against what was claimed: a panel for each table, a dot for each bin that is used.

    The area of a dot grows with the number of its claims. The grey bar on the diagonal says where the dot of a bin with
    many claims would lie in about 95% of repetitions, if calibrated: within two standard errors √(s (1 − s) / n).

    Args:
        tables: results of ``calibration.reliability``, by name; at most four.
        what: the label of the vertical axis.

    Returns:
        The panels, an array (tables,).
    """
    means = {name: _means(table) for name, table in tables.items()}
    said = "; ".join(f"{name}: claims {s:.2f}, {h:.2f} came true" for name, (s, h) in means.items())
    axes = canvas(
        "Share that came true against the mean claim of each bin, with the diagonal of perfect calibration and bars "
        f"where a calibrated model's bins would lie; larger dots rest on more claims. On average, {said}.",
        1,
        len(tables),
        figsize=(min(2.6 * len(tables) + 1.2, 9.0), 3.0),
        sharey=True,
        squeeze=False,
    )[0]
    for (name, table), ax in zip(tables.items(), axes, strict=True):
        _bins(ax, table)
        ax.set(title=name, xlabel="claimed probability")
    axes[0].set_ylabel(what)
    return axes


def _bins(ax: Axes, table: Reliability) -> None:
    """Draw the bins that are used, their gaps, and the diagonal with its bars."""
    used = table.count > 0
    claimed, happened, count = table.claimed[used], table.happened[used], table.count[used]
    error = 2 * np.sqrt(claimed * (1 - claimed) / count)
    ax.plot([0, 1], [0, 1], color=BLACK, linestyle="--", linewidth=1.2)
    low, high = np.clip(claimed - error, 0, 1), np.clip(claimed + error, 0, 1)
    ax.vlines(claimed, low, high, color=GREY, linewidth=5, alpha=0.45)
    ax.vlines(claimed, claimed, happened, color=VERMILION, linewidth=1.6)
    area = 15 + 400 * count / count.sum()
    ax.scatter(claimed, happened, area, color=BLUE, edgecolor="white", linewidth=0.8, zorder=3, clip_on=False)
    ax.set(xlim=(0, 1), ylim=(0, 1))


@course_style()
def calibration_and_refinement(calibration: Mapping[str, float], refinement: Mapping[str, float]) -> Axes:
    """Draw each forecaster's mean loss as a bar of two parts, in nats.

    Args:
        calibration: the part that relabelling can remove, by forecaster.
        refinement: the part that it cannot, for the same forecasters.
    """
    names = list(calibration)
    parts = "; ".join(f"{name} {refinement[name]:.3f} and {calibration[name]:.3f}" for name in names)
    alt = f"Mean loss in nats of each forecaster, split into refinement and calibration: {parts}."
    ax = canvas(alt, figsize=(6.6, 2.8))
    left = [refinement[name] for name in names]
    right = [calibration[name] for name in names]
    ax.barh(names, left, color="#BFBFBF", edgecolor=BLACK, linewidth=0.8, hatch="//")
    ax.barh(names, right, left=left, color=VERMILION, edgecolor=BLACK, linewidth=0.8)
    for row, (a, b) in enumerate(zip(left, right, strict=True)):
        ax.text(a / 2, row, f"{a:.3f}", ha="center", va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # fmt: skip
        ax.annotate(f"+ {b:.3f}", (a + b, row), (6, 0), textcoords="offset points", va="center", color=VERMILION)
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    ax.set(title="Refinement (hatched) and calibration (solid)", xlabel="mean loss in nats")
    ax.set(ylabel="forecaster", xlim=(0, 1.18 * max(a + b for a, b in zip(left, right, strict=True))))
    return ax


@course_style()
def temperature_curves(inverse: np.ndarray, curves: Mapping[str, np.ndarray], best: Mapping[str, float]) -> Axes:
    """Draw the mean NLL against 1 / T for several parts of the data, and mark where each is least.

    Args:
        inverse: values of 1 / T (K,).
        curves: mean NLL in nats (K,), by part; at most three.
        best: the best T of those parts that have one.
    """
    marks = ", ".join(f"{name} at T = {T:.2f}" for name, T in best.items())
    ax = canvas(
        f"Mean NLL in nats against 1/T for {', '.join(curves)}: each curve is convex. Least: {marks}. A curve "
        f"without a mark goes on falling.",
        figsize=(6.2, 3.2),
    )
    styles = ((BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, "-.", "^"))
    for (name, nll), (colour, dash, marker) in zip(curves.items(), styles, strict=False):
        ax.plot(inverse, nll, color=colour, linestyle=dash)
        ax.annotate(name, (inverse[-1], nll[-1]), (6, 0), textcoords="offset points", va="center", color=colour,
                    annotation_clip=False)  # fmt: skip
        if name in best:
            height = np.interp(1 / best[name], inverse, nll)
            ax.plot(1 / best[name], height, marker, color=colour, markersize=8)
    ax.axvline(1, color=GREY, linestyle=":", linewidth=1.4)
    ax.text(0.985, 0.94, "as trained, T = 1", transform=ax.get_xaxis_transform(), ha="right", color=GREY)
    ax.set(title="Unseen pictures call for a 1/T below 1", ylim=(0, None))
    ax.set(xlabel="1 / T", ylabel="mean NLL in nats", xlim=(inverse[0], inverse[-1]))
    return ax


@course_style()
def overconfidence(steps: np.ndarray, runs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Draw accuracy and confidence (left), loss as trained and at the fitted temperature (right), against steps.

    Args:
        steps: at which it was measured (K,).
        runs: "accuracy", "confidence", "loss" and "repaired" (nats), each (runs, K); the lines are means, the bands
            reach from the least to the largest.
    """
    mean = {name: values.mean(axis=0) for name, values in runs.items()}
    axes = canvas(
        f"Against the steps of training, {steps[0]} to {steps[-1]}. Left: accuracy ends at {mean['accuracy'][-1]:.3f}, "
        f"confidence at {mean['confidence'][-1]:.3f}. Right: the test loss falls to {mean['loss'].min():.3f} nats and "
        f"rises again to {mean['loss'][-1]:.3f}; with the fitted temperature it goes on falling, to "
        f"{mean['repaired'][-1]:.3f}.",
        1,
        2,
        figsize=(7.8, 3.1),
    )
    panels = (
        (axes[0], "Later: surer, hardly more often right", "share of the test part", "confidence", "accuracy"),
        (axes[1], "As trained, the loss rises again", "mean test loss in nats", "loss", "repaired"),
    )
    labels = {"confidence": "claimed", "accuracy": "right", "loss": "as trained", "repaired": "at the fitted T"}
    for ax, title, ylabel, *names in panels:
        for name, colour, dash, side in zip(names, (VERMILION, BLUE), ("--", "-"), ("bottom", "top"), strict=True):
            values = runs[name]
            ax.fill_between(steps, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.18, linewidth=0)
            ax.plot(steps, mean[name], color=colour, linestyle=dash, marker="o", markersize=4)
            ax.annotate(labels[name], (steps[-1], mean[name][-1]), (6, 0), textcoords="offset points", va=side,
                        color=colour, annotation_clip=False)  # fmt: skip
        ax.set(title=title, xlabel="steps of training", ylabel=ylabel, xscale="log")
        ax.set_xticks(steps[::2], steps[::2])
        ax.minorticks_off()
    return axes


@course_style()
def cost_against_threshold(
    thresholds: np.ndarray, costs: Mapping[str, np.ndarray], rule: float, ylabel: str = "mean cost of a decision"
) -> Axes:
    """Draw the mean cost of acting when p passes a threshold, for several models.

    Args:
        thresholds: (K,).
        costs: for each model, at most three, (runs, K): a line for the mean, a band from the least to the largest.
        rule: the threshold that the costs prescribe.
        ylabel: what the vertical axis measures.
    """
    mean = {name: values.mean(axis=0) for name, values in costs.items()}
    least = {name: thresholds[values.argmin()] for name, values in mean.items()}
    at_rule = {name: np.interp(rule, thresholds, values) for name, values in mean.items()}
    ax = canvas(
        f"Mean cost of a decision against the threshold; the costs prescribe {rule:g}. "
        + "; ".join(f"{name}: {at_rule[name]:.2f} there, least at {least[name]:.2f}" for name in costs),
        figsize=(6.2, 3.2),
    )
    for (name, values), colour, dash in zip(costs.items(), (BLUE, VERMILION, GREEN), ("-", "--", "-."), strict=False):
        ax.fill_between(thresholds, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, linewidth=0)
        ax.plot(thresholds, mean[name], color=colour, linestyle=dash, label=name)
        ax.plot(rule, at_rule[name], "o", color=colour)
    ax.axvline(rule, color=BLACK, linestyle=":", linewidth=1.4)
    ax.text(rule + 0.012, 0.96, f"the costs say {rule:g}", transform=ax.get_xaxis_transform(), va="top")
    ax.set(title="The threshold that the costs prescribe needs honest probabilities", xlim=(0, 1), ylim=(0, None))
    ax.set(xlabel="act when p is above", ylabel=ylabel)
    ax.legend(loc="lower right")
    return ax


@course_style()
def price_of_asking(prices: np.ndarray, costs: Mapping[str, np.ndarray]) -> Axes:
    """Draw the mean cost of deciding or asking, as a multiple of what asking always would cost.

    Args:
        prices: of asking once (K,), in units of the cost of a mistake.
        costs: for each model, at most three, (runs, K): a line for the mean, a band from the least to the largest.
    """
    relative = {name: values / prices for name, values in costs.items()}
    mean = {name: values.mean(axis=0) for name, values in relative.items()}
    ends = "; ".join(f"{name} from {v[0]:.2f} to {v[-1]:.2f}" for name, v in mean.items())
    ax = canvas(
        f"Mean cost in multiples of what asking always would cost, against the price of asking, {prices[0]:g} to "
        f"{prices[-1]:g}: {ends}. A dotted line at 1 marks asking always.",
        figsize=(6.4, 3.3),
    )
    styles = ((VERMILION, "--", "o"), (BLUE, "-", "s"), (GREEN, "-.", "^"))
    for (name, values), (colour, dash, marker) in zip(relative.items(), styles, strict=False):
        ax.fill_between(prices, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.18, linewidth=0)
        ax.plot(prices, mean[name], color=colour, linestyle=dash, marker=marker, markersize=5, label=name)
    ax.axhline(1, color=BLACK, linestyle=":", linewidth=1.4, label="asking always")
    ax.set(title="Above the dotted line, asking always would cost less", ylim=(0, None))
    ax.set(xlabel="price of asking (a mistake costs 1)", ylabel="cost / cost of asking always")
    ax.legend(loc="upper right")
    return ax


def _means(table: Reliability) -> tuple[float, float]:
    """Mean claim and share that came true over all bins, weighted by their counts."""
    used = table.count > 0
    share = table.count[used] / table.count.sum()
    return float(share @ table.claimed[used]), float(share @ table.happened[used])
