"""Figures of chapter 3: scores and probabilities, and what floating-point numbers do to the loss.

A *loss* here is any function from logits (N, C) and labels (N,) to one loss for each row (N,), in nats.
"""

from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from xent_helpers.losses import logsumexp, sigmoid, softmax, softplus
from xent_helpers.plots.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, canvas

Loss = Callable[[np.ndarray, np.ndarray], np.ndarray]
# What can come out instead of the loss: its colour and its hatch.
OUTCOMES = {
    "right": (SKY, ""),
    "off by more": (ORANGE, "//"),
    "0": (PURPLE, ".."),
    "inf": (VERMILION, "xx"),
    "NaN": (BLACK, ""),
}
LINES = ((VERMILION, "none", "o"), (BLUE, "--", ""), (GREEN, "-", ""), (PURPLE, ":", ""))


def exact_loss(z: np.ndarray, y: np.ndarray) -> list[Decimal]:
    """Cross-entropy of each row by Python's ``decimal``: log Σ_c exp(z_c − z_y), right to 39 digits.

    Where the other classes' part of that sum is below 1e-40 it is the loss, to as many digits.
    """
    with localcontext(prec=80):
        rows = [[Decimal(float(score)) for score in row] for row in z]
        others = [sum((c - row[k]).exp() for i, c in enumerate(row) if i != k) for row, k in zip(rows, y, strict=True)]
        return [(1 + total).ln() if total > Decimal("1e-40") else total for total in others]


def sigmoid_and_softplus(p: float = 0.75) -> np.ndarray:
    """Draw the sigmoid, with the logit of ``p`` read backwards off it, and softplus against max(z, 0)."""
    z = np.linspace(-6, 6, 241)
    score = float(np.log(p / (1 - p)))
    axes = canvas(
        f"Left: the sigmoid rises from 0 to 1 and passes one half at score 0; read backwards, probability {p} has "
        f"the logit {score:.3f}. Right: softplus follows max(z, 0) like a rounded corner, and is log 2 above it at 0.",
        1,
        2,
        figsize=(9.2, 3.6),
    )
    axes[0].plot(z, sigmoid(z), color=BLUE)
    axes[0].plot([score, score, z[0]], [0, p, p], color=VERMILION, linestyle=":")
    axes[0].plot(score, p, "o", color=VERMILION)
    axes[0].annotate(f"logit({p}) = {score:.3f}", (score, 0.06), (8, 0), textcoords="offset points", color=VERMILION)
    axes[0].set(title="Sigmoid: from score to probability", xlabel="score z (log-odds)", ylabel="probability σ(z)")
    axes[1].plot(z, softplus(z), color=BLUE)
    axes[1].plot(z, np.maximum(z, 0), color=BLACK, linestyle="--", linewidth=1.3)
    axes[1].plot([0, 0], [0, np.log(2)], color=VERMILION, linestyle=":")
    axes[1].plot(0, np.log(2), "o", color=VERMILION)
    axes[1].annotate("log 2", (0, np.log(2)), (-9, 5), textcoords="offset points", ha="right", color=VERMILION)
    axes[1].text(3.0, 3.5, "softplus(z)", color=BLUE, ha="right")
    axes[1].text(3.2, 2.2, "max(z, 0)")
    axes[1].set(
        title="Softplus: a corner, rounded",
        xlabel="score z (log-odds)",
        ylabel="loss of label 0 (nats)",
        ylim=(-0.2, 6),
    )
    return axes


def scores_to_loss(z: tuple[float, ...], y: int) -> np.ndarray:
    """Draw scores with their log-sum-exp, the softmax of the scores, and the loss of class ``y``.

    Args:
        z: the scores of one sample, between −4 and 4, at most six.
        y: its true class.
    """
    p, lse = softmax(np.array(z)), float(logsumexp(np.array(z)))
    loss = lse - z[y]
    axes = canvas(
        f"Scores {', '.join(f'{score:.1f}' for score in z)} with their log-sum-exp {lse:.2f}; the probabilities "
        f"{', '.join(f'{share:.3f}' for share in p)}; the loss of class {y}, {loss:.3f} nats, which is both the gap "
        f"between log-sum-exp and the score and minus the logarithm of its probability.",
        1,
        3,
        figsize=(10.2, 3.4),
    )
    for ax, values in zip(axes[:2], (z, p), strict=True):
        bars = ax.bar(range(len(z)), values, color=SKY, edgecolor=BLACK, linewidth=0.8)
        bars[y].set(facecolor=BLUE, hatch="//")
        ax.set_xticks(range(len(z)), [f"{c}, true" if c == y else str(c) for c in range(len(z))])
        ax.set_xlabel("class")
        ax.grid(False, axis="x")
    axes[0].axhline(lse, color=VERMILION, linestyle="--")
    axes[0].axhline(0, color=BLACK, linewidth=0.8)
    axes[0].plot([y, y], [z[y], lse], color=VERMILION, linewidth=5, solid_capstyle="butt")
    axes[0].set(title=f"LSE − true score = {loss:.3f}", ylabel="score (dashed: log-sum-exp)", ylim=(-4.5, 6))
    axes[1].set(title=f"softmax: p of the true class {p[y]:.3f}", ylabel="probability", ylim=(0, 1))
    grid = np.geomspace(1e-4, 1, 200)
    axes[2].plot(grid, -np.log(grid), color=BLACK)
    axes[2].plot([p[y], p[y]], [0, loss], color=VERMILION, linestyle=":")
    axes[2].plot(p[y], loss, "o", color=VERMILION, markersize=9, clip_on=False)
    axes[2].set(title=f"−log p = {loss:.3f} nats", xlabel="p of the true class", ylabel="loss in nats")
    axes[2].set(xlim=(0, 1), ylim=(0, 9))
    return axes


def loss_of_a_wrong_answer(
    implementations: dict[str, Loss], gaps: np.ndarray | None = None, dtype: type = np.float32
) -> Axes:
    """Draw what each implementation says of a true class whose logit lies ``gap`` below the other one's.

    Args:
        implementations: losses by the name to write at their line.
        gaps: the gaps to try; 0, 1, …, 130 unless given.
        dtype: the floating type of the logits.
    """
    gaps = np.arange(131) if gaps is None else gaps
    z, y = _two_classes(gaps, dtype), np.zeros(len(gaps), dtype=int)
    drawn = {name: _quietly(loss, z, y) for name, loss in implementations.items()}
    last = {name: gaps[np.isfinite(value)].max() for name, value in drawn.items()}
    ax = canvas(
        f"Loss of a two-class row in {dtype.__name__} against the gap by which the true class loses. "
        + "; ".join(f"{name}: finite up to a gap of {last[name]:g}, largest {_peak(drawn[name]):.1f}" for name in drawn)
        + ".",
        figsize=(7.8, 4.3),
    )
    for (name, value), (colour, dash, marker) in zip(drawn.items(), LINES, strict=False):
        fine = np.isfinite(value)
        ax.plot(gaps[fine], value[fine], color=colour, linestyle=dash, marker=marker, markersize=4, markevery=5)
        end = (last[name], value[fine][-1])
        broken = last[name] < gaps[-1]
        if broken:
            ax.plot(*end, "X", color=colour, markersize=10)
        note = f"{name}\n{'inf or NaN from here on' if broken else ''}".strip()
        ax.annotate(note, end, (0, 7) if not broken else (-10, 2), textcoords="offset points", ha="right", color=colour)
    ax.set(
        title="A wrong answer should cost about its gap",
        xlabel="gap: how far the true class's logit lies below the other",
        ylabel=f"loss in {dtype.__name__} (nats)",
        xlim=(0, gaps[-1] * 1.02),
        ylim=(0, gaps[-1] * 1.15),
    )
    return ax


def overflow_map(
    implementations: dict[str, Loss], dtypes: tuple[type, ...] = (np.float16, np.float32, np.float64)
) -> np.ndarray:
    """Draw, for each implementation and dtype, for which gaps between two logits the loss comes out right.

    Left the true class is the lower one (a confident wrong answer), right the upper one (a confident right one).
    Gaps at which 1 + exp(−gap) is about to round to 1 are left out: there the last digit of a processor's exp decides.
    """
    gaps = {dtype: _gaps_to_try(dtype) for dtype in dtypes}
    rows = [(dtype, name) for dtype in dtypes for name in implementations]
    found = [
        [outcomes(implementations[name], _two_classes(gaps[d], d), np.full(len(gaps[d]), label)) for d, name in rows]
        for label in (0, 1)
    ]
    first_wrong = [[_first_wrong(gaps[d], row) for (d, _), row in zip(rows, side, strict=True)] for side in found]
    axes = canvas(
        "Bars show up to which gap between two logits the loss is right. "
        + " ".join(
            f"{side}: "
            + ", ".join(f"{dtype.__name__} {name} {limit}" for (dtype, name), limit in zip(rows, limits, strict=True))
            + "."
            for side, limits in zip(("Wrong answers", "Right answers"), first_wrong, strict=True)
        ),
        1,
        2,
        figsize=(10.4, 0.42 * len(rows) + 1.6),
        sharey=True,
    )
    heights = [place + 0.5 * (place // len(implementations)) for place in range(len(rows))]
    for ax, side, answer in zip(axes, found, ("wrong: loss ≈ gap", "right: loss ≈ exp(−gap)"), strict=True):
        for height, (dtype, _), row in zip(heights, rows, side, strict=True):
            _draw_runs(ax, gaps[dtype], row, height)
        ax.set(title=f"Confident and {answer}", xlabel="gap between the two logits", xscale="log", xlim=(1, 1e4))
        ax.grid(False)
    axes[0].set_yticks(heights, [f"{dtype.__name__} {name}" for dtype, name in rows])
    axes[0].set(ylabel="number type and version")
    axes[0].invert_yaxis()
    seen = [name for name in OUTCOMES if any(name in row for side in found for row in side)]
    key = [Patch(facecolor=OUTCOMES[n][0], hatch=OUTCOMES[n][1], edgecolor="white", label=n) for n in seen]
    axes[0].figure.legend(handles=key, loc="outside lower center", ncols=len(key), handleheight=1.2)
    return axes


def relative_error(
    implementations: dict[str, Loss], dtypes: tuple[type, ...] = (np.float32, np.float64), rows: int = 400
) -> np.ndarray:
    """Draw the largest relative error of each implementation against the margin of a right answer.

    The reference is ``exact_loss``. What is within 4 units of rounding is drawn at 4 units, and
    what is worse than 100 % at 100 %: the figure says where digits are lost, not how the last one falls.
    """
    margins = np.arange(0, 61, 4)
    axes = canvas(
        "Relative error of the loss, to be described once it is known.",
        1,
        len(dtypes),
        figsize=(10, 4.3),
        squeeze=False,
    )[0]
    said = []
    for ax, dtype in zip(axes, dtypes, strict=True):
        floor = 4 * float(np.finfo(dtype).eps)
        errors = np.clip([_worst(implementations, margin, dtype, rows) for margin in margins], floor, 1.0)
        for name, error, (colour, dash, marker) in zip(implementations, errors.T, LINES, strict=False):
            above = 3 if dash == "--" else 2  # dashes stay visible on a solid line at the same height
            ax.plot(margins, error, color=colour, linestyle=dash, marker=marker, label=name, zorder=above)
            lost = margins[error >= 1]
            end = f"has no digit left from margin {lost[0]} on" if len(lost) else "keeps its digits throughout"
            said.append(f"{name} in {dtype.__name__} {end}")
        ax.axhspan(floor / 20, floor, color="#E8E8E8")
        ax.text(59, floor / 20**0.5, "full precision", ha="right", va="center", color=GREY)
        ax.set(
            title=dtype.__name__,
            xlabel="margin of the right answer (logits)",
            ylabel="largest relative error of the loss",
            yscale="log",
            ylim=(floor / 20, 4),
        )
    axes[0].legend(loc="center right")
    axes[0].figure.suptitle("The clearer the right answer, the fewer of its digits survive beside the 1")
    axes[0].figure.alt = "Largest relative error against the margin of a right answer: " + "; ".join(said) + "."
    return axes


def outcomes(loss: Loss, z: np.ndarray, y: np.ndarray) -> list[str]:
    """Name what ``loss`` makes of each row: one of the keys of ``OUTCOMES``. Right is what errs by half at most."""
    named = []
    step = float(np.finfo(z.dtype).smallest_subnormal)  # below the normal numbers these are all there is
    for came, exact in zip(_quietly(loss, z, y).astype(float), exact_loss(z, y), strict=True):
        due = float(exact)
        if np.isnan(came):
            named.append("NaN")
        elif np.isinf(came):
            named.append("inf")
        elif abs(came - due) <= max(0.5 * due, step):
            named.append("right")
        else:
            named.append("0" if came == 0 else "off by more")
    return named


def _two_classes(gaps: np.ndarray, dtype: type) -> np.ndarray:
    """Logits (0, gap), one row for each gap."""
    return np.stack([np.zeros(len(gaps)), gaps], axis=1).astype(dtype)


def _quietly(loss: Loss, z: np.ndarray, y: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(loss(z, y))


def _peak(value: np.ndarray) -> float:
    return float(value[np.isfinite(value)].max())


def _first_wrong(gaps: np.ndarray, row: list[str]) -> str:
    """Where a row stops being right, in words."""
    wrong = [(gap, outcome) for gap, outcome in zip(gaps, row, strict=True) if outcome != "right"]
    return f"fails from about {wrong[0][0]:.0f} on ({wrong[-1][1]} at last)" if wrong else "is right throughout"


def _gaps_to_try(dtype: type) -> np.ndarray:
    """Whole numbers from 1 to 10,000, evenly spaced on a logarithmic axis, but none near log(2/ε)."""
    gaps = np.unique(np.geomspace(1, 1e4, 300).round())
    return gaps[abs(gaps / np.log(2 / float(np.finfo(dtype).eps)) - 1) > 0.12]


def _draw_runs(ax: Axes, gaps: np.ndarray, row: list[str], height: float) -> None:
    """Draw one row of the map: equal neighbours as one bar, ends half-way between two gaps."""
    edges = np.concatenate([gaps[:1], np.sqrt(gaps[:-1] * gaps[1:]), gaps[-1:]])
    start = 0
    for stop in range(1, len(row) + 1):
        if stop == len(row) or row[stop] != row[start]:
            colour, hatch = OUTCOMES[row[start]]
            left, right = edges[start], edges[stop]
            ax.barh(height, right - left, 0.86, left, color=colour, hatch=hatch, edgecolor="white", linewidth=0.5)
            start = stop


def _worst(implementations: dict[str, Loss], margin: float, dtype: type, rows: int) -> list[float]:
    """The largest relative errors over random rows of four classes whose true class wins by ``margin``.

    The logits are multiples of 1/64: their differences are exact, so that each error is the loss's own.
    """
    rng = np.random.default_rng(int(margin))
    z = (rng.integers(-192, 1, (rows, 4)) + rng.integers(-192, 193, (rows, 1))) / 64
    z[:, 0] = z[:, 1:].max(axis=1) + margin
    z, y = z.astype(dtype), np.zeros(rows, dtype=int)
    exact = exact_loss(z, y)
    came = [_quietly(loss, z, y) for loss in implementations.values()]
    return [max(float(abs(Decimal(float(a)) - b) / b) for a, b in zip(values, exact, strict=True)) for values in came]
