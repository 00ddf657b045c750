"""Figures of chapter 8: targets that are shared, softened, mixed, taught by a model, or recorded wrongly."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from xent_helpers.plots.style import BLACK, BLUE, GREEN, PURPLE, VERMILION, canvas, course_style

_LOOKS = ((BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"))


@course_style()
def smoothing_valley(gaps: np.ndarray, costs: Mapping[float, np.ndarray], best: Mapping[float, float]) -> Axes:
    """Draw the loss of one sample against the gap between the true logit and all others, by ε.

    Args:
        gaps: logit gaps (G,).
        costs: the loss in nats at each gap (G,), by ε.
        best: the gap with the least loss, by ε, for each ε above 0.
    """
    lowest = ", ".join(f"at a gap of {gap:.2f} for ε = {epsilon:g}" for epsilon, gap in best.items())
    ax = canvas(
        f"Loss in nats against the logit gap, one curve for each ε. Without smoothing it falls for ever, with it "
        f"there is a lowest point, {lowest}, and rises again beyond it.",
        figsize=(6.4, 3.2),
    )
    for (epsilon, values), (colour, dash, marker) in zip(costs.items(), _LOOKS, strict=False):
        ax.plot(gaps, values, color=colour, linestyle=dash)
        ax.annotate(
            f"ε = {epsilon:g}",
            (gaps[-1], values[-1]),
            xytext=(6, 5),
            textcoords="offset points",
            va="center",
            color=colour,
            annotation_clip=False,
        )
        if epsilon in best:
            floor = np.interp(best[epsilon], gaps, values)
            ax.plot(best[epsilon], floor, marker, color=colour, markersize=8)
            ax.annotate(
                f"{best[epsilon]:.2f}",
                (best[epsilon], floor),
                xytext=(0, -16),
                textcoords="offset points",
                ha="center",
                color=colour,
            )
    ax.set(title="With smoothing the loss has a lowest point", ylim=(0, None))
    ax.set(xlabel="logit of the true class minus the others'", ylabel="loss in nats")
    return ax


@course_style()
def annotators(counts: np.ndarray, classes: Sequence[str]) -> Axes:
    """Draw how many people chose each class for each item, items sorted by their most frequent class.

    Args:
        counts: (items, C).
        classes: the names of the classes (C,).
    """
    order = np.lexsort((-counts.max(axis=1), counts.argmax(axis=1)))
    people, unanimous = int(counts[0].sum()), int((counts.max(axis=1) == counts.sum(axis=1)).sum())
    ax = canvas(
        f"A table of {len(classes)} diagnoses by {len(counts)} patients, each cell with the number of the {people} "
        f"psychiatrists who chose it; they agree on {unanimous} patients only.",
        figsize=(8.4, 2.5),
    )
    ax.imshow(counts[order].T, cmap="Blues", vmin=0, vmax=1.3 * people, aspect="auto")
    for place, row in enumerate(counts[order]):
        for c, number in enumerate(row):
            if number:
                ax.text(place, c, str(number), ha="center", va="center", fontsize=9)
    ax.set(title=f"{people} psychiatrists agree on {unanimous} of {len(counts)} patients", xlabel="patient")
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xticks=[], ylabel="diagnosis")
    ax.grid(False)
    return ax


@course_style()
def mixed_pictures(pictures: Mapping[str, np.ndarray], rows: Mapping[str, np.ndarray]) -> np.ndarray:
    """Show pictures, and under each its target row as bars.

    Args:
        pictures: 64 grey levels of 8 × 8 pixels, by name.
        rows: target probabilities (C,), by the same names.
    """
    said = "; ".join(
        f"{name}, target " + " and ".join(f"{q:.2f} for {c}" for c, q in enumerate(rows[name]) if q > 0)
        for name in pictures
    )
    axes = canvas(
        f"Pictures of digits over bars of their target probabilities: {said}.",
        2,
        len(pictures),
        figsize=(8.4, 3.4),
        height_ratios=(1.5, 1),
        sharey="row",
    )
    axes[0, 0].figure.suptitle("The target is mixed in the same shares as the picture")
    for (top, bottom), (name, picture) in zip(axes.T, pictures.items(), strict=True):
        top.imshow(picture.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        top.set_title(name, fontsize=10.5)
        top.axis("off")
        bars = bottom.bar(range(len(rows[name])), rows[name], color=BLUE)
        bottom.bar_label(bars, [_short(q) for q in rows[name]], fontsize=8)
        bottom.set(xlabel="class", xticks=range(len(rows[name])), ylim=(0, 1.25))
        bottom.grid(False, axis="x")
    axes[1, 0].set_ylabel("target")
    return axes


@course_style()
def honesty(errors: Mapping[tuple[str, str], np.ndarray]) -> Axes:
    """Draw each network's calibration error, by situation and recipe, a bar at each mean.

    Args:
        errors: the errors (K,) by (situation, recipe), the same recipes (at most four) for each situation.
    """
    words = "; ".join(f"{situation}, {recipe} {e.mean():.3f}" for (situation, recipe), e in errors.items())
    ax = canvas(f"Calibration error of several networks, means: {words}.", figsize=(7.4, 3.6))
    situations = list(dict.fromkeys(situation for situation, _ in errors))
    recipes = list(dict.fromkeys(recipe for _, recipe in errors))
    width = len(recipes) + 1
    for side, (recipe, (colour, _, marker)) in enumerate(zip(recipes, _LOOKS, strict=False)):
        for number, situation in enumerate(situations):
            values, place = errors[situation, recipe], width * number + side
            ax.plot(
                np.full(len(values), place),
                values,
                marker,
                color=colour,
                linestyle="none",
                alpha=0.6,
                label=recipe if number == 0 else None,
            )
            ax.hlines(values.mean(), place - 0.35, place + 0.35, color=colour, linewidth=2.5)
    ax.set_xticks([width * number + (len(recipes) - 1) / 2 for number in range(len(situations))], situations)
    ax.set(ylim=(0, 1.35 * max(map(max, errors.values()))), ylabel="expected calibration error")
    ax.set_xlabel("labels in training and test")
    ax.set_title("With true labels smoothing spoils calibration; a fit has to match the noise")
    ax.grid(False, axis="x")
    ax.legend(loc="upper left")
    return ax


@course_style()
def opinions(picture: np.ndarray, shares: Mapping[str, np.ndarray], label: int) -> np.ndarray:
    """Show a picture, and beside it how each teacher shares among the wrong classes what the true one leaves.

    Args:
        picture: 64 grey levels of 8 × 8 pixels.
        shares: a row (C,) for each teacher, by name, 0 at the true class and 1 in sum.
        label: the true class.
    """
    said = []
    for name, share in shares.items():
        first, second = np.argsort(-share)[:2]
        said.append(f"{name} gives {first} a share of {share[first]:.2f} and {second} one of {share[second]:.2f}")
    axes = canvas(
        f"A picture of a {label}, and bars of what each teacher leaves to the wrong classes: {'; '.join(said)}.",
        1,
        1 + len(shares),
        figsize=(8.4, 2.9),
        width_ratios=[0.55] + [1] * len(shares),
    )
    axes[0].figure.suptitle("At equal softness, the hard teacher tells more about the wrong classes")
    axes[0].imshow(picture.reshape(8, 8), cmap="gray_r")
    axes[0].set_title(f"true class {label}", fontsize=10.5)
    axes[0].axis("off")
    for ax, (name, share), (colour, _, _), hatch in zip(axes[1:], shares.items(), _LOOKS, ("", "//"), strict=False):
        wrong = [c for c in range(len(share)) if c != label]
        bars = ax.bar([str(c) for c in wrong], share[wrong], color=colour, hatch=hatch, edgecolor="white")
        behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # the dotted line stops at a number
        ax.bar_label(bars, [_short(value) for value in share[wrong]], fontsize=8, bbox=behind)
        ax.axhline(1 / len(wrong), color=BLACK, linestyle=":", linewidth=1.4)
        ax.set_title(name, fontsize=10.5)
        ax.set(
            xlabel="wrong class (dotted: equal shares)",
            ylabel="share of the rest",
            ylim=(0, 1.15 * max(map(max, shares.values()))),
        )
        ax.grid(False, axis="x")
    return axes


@course_style()
def two_divergences(teacher: np.ndarray, students: Mapping[str, np.ndarray]) -> Axes:
    """Draw a teacher's distribution over tokens as bars, and students' as lines.

    Args:
        teacher: probabilities (C,).
        students: probabilities (C,), by name.
    """
    words = "; ".join(f"{name} is largest at {p.argmax()} with {p.max():.2f}" for name, p in students.items())
    ax = canvas(
        f"Bars of a teacher's probabilities with two humps, and the students as lines: {words}.", figsize=(6.6, 3.3)
    )
    tokens = np.arange(len(teacher))
    ax.bar(tokens, teacher, color="#BBBBBB", label="teacher")
    for (name, p), (colour, dash, marker) in zip(students.items(), _LOOKS, strict=False):
        ax.plot(tokens, p, color=colour, linestyle=dash, marker=marker, markersize=4, label=name)
    ax.set(title="Forward covers both humps, reverse picks one", xlabel="token", ylabel="probability")
    ax.legend(loc="upper right")
    return ax


@course_style()
def against_noise(steps: np.ndarray, curves: Mapping[str, Mapping[str, np.ndarray]]) -> np.ndarray:
    """Draw the accuracy on true labels while training on wrong ones, one panel for each kind of noise.

    Args:
        steps: (S,).
        curves: accuracies (S, K) by the noise's and the loss's name, at most four losses.
    """
    words = "; ".join(
        f"{noise}, {name} from {c.mean(axis=1).max():.2f} at best to {c[-1].mean():.2f}"
        for noise, by_name in curves.items()
        for name, c in by_name.items()
    )
    axes = canvas(
        f"Accuracy on true test labels against steps of training on partly wrong labels. {words}.",
        1,
        len(curves),
        figsize=(8.4, 3.5),
        sharey=True,
    )
    axes[0].figure.suptitle("Which loss does best depends on the noise")
    for ax, (noise, by_name) in zip(axes, curves.items(), strict=True):
        for (name, values), (colour, dash, marker) in zip(by_name.items(), _LOOKS, strict=False):
            ax.fill_between(steps, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.15, linewidth=0)
            ax.plot(steps, values.mean(axis=1), color=colour, linestyle=dash, marker=marker, markersize=4, label=name)
        ax.set(title=noise, xlabel="steps")
    axes[0].set(ylabel="accuracy on true labels", ylim=(None, 1))
    axes[0].legend(loc="lower left")
    return axes


def _short(p: float) -> str:
    """A probability in three signs at most, nothing where it rounds to 0."""
    return "1" if p >= 0.995 else f"{p:.2f}"[1:] if p >= 0.005 else ""
