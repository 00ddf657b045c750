"""Figures of chapter 8: targets that are softened, taught by a model, or recorded wrongly."""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, PURPLE, VERMILION, canvas

_LOOKS = ((BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"))


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
        f"there is a lowest point, {lowest}, and rises again behind it.",
        figsize=(7.4, 4.1),
    )
    for (epsilon, values), (colour, dash, marker) in zip(costs.items(), _LOOKS, strict=False):
        ax.plot(gaps, values, color=colour, linestyle=dash)
        ax.annotate(f"ε = {epsilon:g}", (gaps[-1], values[-1]), xytext=(6, 5), textcoords="offset points",
                    va="center", color=colour, annotation_clip=False)  # fmt: skip
        if epsilon in best:
            floor = np.interp(best[epsilon], gaps, values)
            ax.plot(best[epsilon], floor, marker, color=colour, markersize=8)
            ax.annotate(f"{best[epsilon]:.2f}", (best[epsilon], floor), xytext=(0, -16), textcoords="offset points",
                        ha="center", color=colour)  # fmt: skip
    ax.set(title="A smoothed label wants a certain gap, not the largest one", ylim=(0, None))
    ax.set(xlabel="logit of the true class minus the others'", ylabel="loss in nats")
    return ax


def bounded_norms(steps: np.ndarray, norms: Mapping[str, np.ndarray]) -> Axes:
    """Draw the norm of the weights against the number of steps on a logarithmic axis, a line for each run.

    Args:
        steps: numbers of steps (S,).
        norms: the norm of the weights at each of them (S,), by the run's name.
    """
    ends = ", ".join(f"{name} ends at {values[-1]:.2f}" for name, values in norms.items())
    ax = canvas(f"Norm of the weights after 1 to {steps[-1]:,} steps of gradient descent: {ends}.", figsize=(7.4, 3.9))
    for (name, values), (colour, dash, marker) in zip(norms.items(), _LOOKS, strict=False):
        ax.plot(steps, values, color=colour, linestyle=dash, marker=marker, markersize=5)
        ax.annotate(name, (steps[-1], values[-1]), xytext=(7, 0), textcoords="offset points", va="center", color=colour,
                    annotation_clip=False)  # fmt: skip
    ax.set(title="Hard labels let the weights grow, smoothed ones stop them", xscale="log", ylim=(0, None))
    ax.set(xlabel="steps", ylabel="norm of the weights ‖w‖")
    return ax


def honesty(errors: Mapping[tuple[str, str], np.ndarray]) -> Axes:
    """Draw each network's calibration error, by situation and recipe; a line joins equal seeds of two recipes.

    Args:
        errors: the errors (K,) by (situation, recipe), two recipes for each situation.
    """
    words = "; ".join(f"{situation}, {recipe} {e.mean():.3f}" for (situation, recipe), e in errors.items())
    ax = canvas(f"Calibration error of several networks, means: {words}. A line joins equal seeds.", figsize=(7.2, 4.0))
    situations = list(dict.fromkeys(situation for situation, _ in errors))
    recipes = list(dict.fromkeys(recipe for _, recipe in errors))
    for place, situation in enumerate(situations):
        left, right = 3 * place, 3 * place + 1
        pair = [errors[situation, recipe] for recipe in recipes]
        ax.plot([left, right], pair, color=GREY, linestyle="-", linewidth=1)
        for side, values, (colour, _, marker) in zip((left, right), pair, _LOOKS, strict=False):
            ax.plot(np.full(len(values), side), values, marker, color=colour, linestyle="none")
        ax.text(left + 0.5, 1.0, situation, ha="center", va="bottom", transform=ax.get_xaxis_transform())
    places = [3 * place + side for place in range(len(situations)) for side in (0, 1)]
    ax.set_xticks(places, recipes * len(situations))
    ax.set(ylim=(0, None), xlim=(-0.8, places[-1] + 0.8))
    ax.set_title("Smoothing can spoil calibration, and it can mend it", pad=22)
    ax.set(xlabel="labels in training", ylabel="expected calibration error")
    ax.grid(False, axis="x")
    return ax


def opinions(picture: np.ndarray, probabilities: Mapping[str, np.ndarray], label: int) -> np.ndarray:
    """Show a picture, and beside it what each teacher says of it, as bars over the classes.

    Args:
        picture: 64 grey levels of 8 × 8 pixels.
        probabilities: a row (C,) for each teacher, by name.
        label: the true class.
    """
    said = []
    for name, p in probabilities.items():
        rivals = [int(c) for c in np.argsort(-p) if c != label][:2]
        said.append(f"{name} gives {label} the probability {p[label]:.2f}, then {rivals[0]} and {rivals[1]}")
    axes = canvas(f"A picture of a {label}, and bars of probabilities: {'; '.join(said)}.", 1, 1 + len(probabilities),
                  figsize=(9.6, 3.2), width_ratios=[0.55] + [1] * len(probabilities))  # fmt: skip
    axes[0].figure.suptitle("The same picture, two teachers: what is left to learn from the wrong classes")
    axes[0].imshow(picture.reshape(8, 8), cmap="gray_r")
    axes[0].set_title(f"true class {label}", fontsize=10.5)
    axes[0].axis("off")
    for ax, (name, p) in zip(axes[1:], probabilities.items(), strict=True):
        colours = [BLUE if c == label else VERMILION for c in range(len(p))]
        bars = ax.bar(range(len(p)), p, color=colours, hatch=["" if c == label else "//" for c in range(len(p))],
                      edgecolor="white")  # fmt: skip
        ax.bar_label(bars, [_short(value) for value in p], fontsize=8)
        ax.set_title(name, fontsize=10.5)
        ax.set(
            xlabel="class",
            ylabel="probability",
            xticks=range(len(p)),
            ylim=(0, 1.1 * max(map(max, probabilities.values()))),
        )
        ax.grid(False, axis="x")
    return axes


def students(
    temperatures: np.ndarray, accuracies: Mapping[str, Mapping[str, np.ndarray]], alone: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Draw the students' accuracy against the temperature, by teacher, one panel for each kind of student.

    Args:
        temperatures: (S,).
        accuracies: by student and teacher, one row (K,) for each temperature, shape (S, K).
        alone: by student, the accuracies (K,) without a teacher.
    """
    words = []
    for student, taught in accuracies.items():
        for teacher, values in taught.items():
            means = values.mean(axis=1)
            words.append(f"{student}, {teacher}: {means[0]:.2f} at T = {temperatures[0]}, {means[-1]:.2f} at "
                         f"T = {temperatures[-1]}")  # fmt: skip
    axes = canvas(f"Accuracy of students against the temperature, small marks for single seeds. {'; '.join(words)}.",
                  1, len(accuracies), figsize=(9.4, 4.3), sharey=True)  # fmt: skip
    axes[0].figure.suptitle("Which teacher is better depends on the temperature and on the student")
    for ax, (student, taught) in zip(axes, accuracies.items(), strict=True):
        ax.axhline(alone[student].mean(), color=BLACK, linestyle=":", linewidth=1.6, label="no teacher")
        for (teacher, values), (colour, dash, marker), shift in zip(taught.items(), _LOOKS, (0.97, 1.03), strict=False):
            ax.plot(temperatures * shift, values, marker, color=colour, alpha=0.35, markersize=4, linestyle="none")
            ax.plot(
                temperatures * shift, values.mean(axis=1), color=colour, linestyle=dash, marker=marker, label=teacher
            )
        ax.set(title=student, xscale="log", xlabel="temperature T", ylabel="test accuracy")
        ax.xaxis.set_major_locator(FixedLocator(temperatures))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.legend(loc="lower left")
    return axes


def against_noise(steps: np.ndarray, curves: Mapping[str, np.ndarray]) -> Axes:
    """Draw the accuracy on true labels while training on wrong ones: mean of K networks, and from least to largest.

    Args:
        steps: (S,).
        curves: accuracies (S, K) by the loss's name, at most four.
    """
    words = ", ".join(
        f"{name} from {c.mean(axis=1).max():.2f} at best to {c[-1].mean():.2f}" for name, c in curves.items()
    )
    ax = canvas(f"Accuracy on true test labels against steps of training on partly wrong labels: {words}.",
                figsize=(7.6, 4.3))  # fmt: skip
    for (name, values), (colour, dash, marker) in zip(curves.items(), _LOOKS, strict=False):
        ax.fill_between(steps, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.15, linewidth=0)
        ax.plot(steps, values.mean(axis=1), color=colour, linestyle=dash, marker=marker, markersize=4)
        ax.annotate(name, (steps[-1], values[-1].mean()), xytext=(7, 0), textcoords="offset points", va="center",
                    color=colour, annotation_clip=False)  # fmt: skip
    ax.set(title="All learn the truth first, then the errors: some losses forget less of it", ylim=(None, 1))
    ax.set(xlabel="steps", ylabel="accuracy on true labels")
    return ax


def gradient_factors(factors: Mapping[str, Callable[[np.ndarray], np.ndarray]]) -> Axes:
    """Draw, for losses that read p_y only, the factor in front of p − y against p_y.

    Args:
        factors: from p_y in (0, 1) to the factor, by the loss's name.
    """
    p = np.linspace(0.002, 0.998, 499)
    words = ", ".join(
        f"{name} {f(np.array(0.05)):.2f} at 0.05 and {f(np.array(0.95)):.2f} at 0.95" for name, f in factors.items()
    )
    ax = canvas(f"Factor of the gradient against the probability of the recorded class: {words}.", figsize=(7.4, 4.0))
    for (name, factor), (colour, dash, _) in zip(factors.items(), _LOOKS, strict=False):
        ax.plot(p, factor(p), color=colour, linestyle=dash, label=name)
    ax.set(title="Whom a loss listens to: GCE to what it believes, focal to what it does not")
    ax.set(
        xlabel="probability $p_y$ of the recorded class", ylabel="factor in front of p − y", ylim=(0, 1.6), xlim=(0, 1)
    )
    ax.legend(loc="upper right", ncols=len(factors))
    return ax


def _short(p: float) -> str:
    """A probability in three signs at most, nothing where it rounds to 0."""
    return "1" if p >= 0.995 else f"{p:.2f}"[1:] if p >= 0.005 else ""
