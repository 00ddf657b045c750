"""What chapter 8 claims of its experiments: soft targets, smoothing, teachers, wrong labels."""

from functools import cache, partial

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor
from torch.nn import functional as F

from tools.robustness.claim import Claim, Setting
from xent_helpers import calibration, data, losses, replicas, targets

CLERKS = {
    "true labels": np.eye(10),
    "uniform noise": targets.flip_matrix(10, 0.4),
    "pair noise": targets.pair_matrix(10, 0.4),
}
RECIPES = {
    "cross-entropy": F.cross_entropy,
    "smoothed": partial(F.cross_entropy, label_smoothing=0.1),
    "GCE": targets.generalised_cross_entropy,
    "focal": targets.focal_loss,
}


@cache
def parts(setting: Setting) -> tuple[tuple[Tensor, Tensor], ...]:
    return replicas.three_parts(data.digits(), setting.seeds)


def recorded(setting: Setting, noise: str, part: int, draw: int = 0) -> Tensor:
    """Labels of a part (0 training, 1 validation, 2 test) as the clerk writes them."""
    labels = parts(setting)[part][1]
    rng = np.random.default_rng([setting.seeds[0], part, draw])
    return torch.from_numpy(targets.noisy_labels(labels.flatten().numpy(), CLERKS[noise], rng)).reshape(labels.shape)


def sweep(setting: Setting, loss_fn, target: Tensor, judged_by: Tensor, *, sizes=(64, 32, 10), steps=300, x=None):
    (x_train, _), (x_val, _), test = parts(setting)
    return replicas.sweep(
        loss_fn,
        (x_train if x is None else x, target),
        (x_val, judged_by),
        test,
        seeds=setting.seeds,
        sizes=sizes,
        rates=[setting.rate * rate for rate in (0.005, 0.015, 0.05)],
        steps=int(setting.steps * steps),
    )


@cache
def trained(setting: Setting, noise: str, recipe: str):
    """The networks that learn a clerk's labels by a recipe, and what was measured of them."""
    loss_fn = RECIPES.get(recipe)
    if recipe == "forward":
        loss_fn = partial(targets.forward_loss, transition=torch.from_numpy(CLERKS[noise]))
    return sweep(setting, loss_fn, recorded(setting, noise, 0), recorded(setting, noise, 1))


@cache
def answers(setting: Setting, count: int) -> replicas.Sweep:
    """Networks that learn from ``count`` answers of the uniform clerk a picture, or from exact rows (0)."""
    if count == 1:
        return trained(setting, "uniform noise", "cross-entropy")[1]
    if count:
        drawn = [F.one_hot(recorded(setting, "uniform noise", 0, draw), 10).double() for draw in range(count)]
        rows = torch.stack(drawn).mean(dim=0)
    else:
        rows = torch.from_numpy(CLERKS["uniform noise"])[parts(setting)[0][1]]
    return sweep(setting, F.cross_entropy, rows, recorded(setting, "uniform noise", 1))[1]


def stopped(setting: Setting, noise: str, recipe: str) -> Tensor:
    return trained(setting, noise, recipe)[1].stopped()[1]


def ended(setting: Setting, count: int) -> Tensor:
    return answers(setting, count).at_the_end()[1]


def with_floor(z, T, epsilon):
    return (1 - epsilon) * losses.softmax(z / T) + epsilon / z.shape[1]


def fitted(z: np.ndarray, labels: np.ndarray, most: float) -> np.ndarray:
    """Temperature and floor, the floor at most ``most``, with the least mean loss."""

    def cost(parameters):
        return -np.log(with_floor(z, *parameters)[np.arange(len(labels)), labels]).mean()

    return minimize(cost, [1.0, most / 9], bounds=[(0.2, 20), (0, most)]).x


@cache
def errors(setting: Setting, noise: str, recipe: str, most: float | None = None) -> np.ndarray:
    """The calibration error of each network, after a fit with a floor of at most ``most``."""
    model = trained(setting, noise, recipe)[0]
    (x_val, _), (x_test, _) = parts(setting)[1:]
    with torch.no_grad():
        z_val, z_test = model(x_val).numpy(), model(x_test).numpy()
    on_val, on_test = (recorded(setting, noise, part).numpy() for part in (1, 2))
    found = []
    for k in range(len(setting.seeds)):
        p = losses.softmax(z_test[k]) if most is None else with_floor(z_test[k], *fitted(z_val[k], on_val[k], most))
        right = (p.argmax(axis=1) == on_test[k]).astype(int)
        found.append(float(calibration.expected_calibration_error(p.max(axis=1), right, bins=15)))
    return np.array(found)


@cache
def teacher(setting: Setting, epsilon: float) -> replicas.Replicas:
    x, y = parts(setting)[0]
    model = replicas.Replicas(setting.seeds, (64, 64, 10))
    loss_fn = partial(F.cross_entropy, label_smoothing=epsilon)
    replicas.fit(model, loss_fn, x, y, steps=int(300 * setting.steps), lr=0.01 * setting.rate)
    return model


def softened(model: replicas.Replicas, x: Tensor, T: float) -> Tensor:
    with torch.no_grad():
        return losses.softmax(model(x) / T, axis=-1)


@cache
def student(setting: Setting, epsilon: float | None, T: float = 1.0) -> tuple[float, float]:
    """Mean validation and test accuracy of students with a teacher (smoothed by ε), or with labels (None)."""
    (x, y), (_, y_val), _ = parts(setting)
    some = x[:, :100]
    target = y[:, :100] if epsilon is None else softened(teacher(setting, epsilon), some, T)
    _, found = sweep(
        setting,
        lambda z, q: T**2 * F.cross_entropy(z / T, q),
        target,
        y_val,
        sizes=(64, 8, 10),
        steps=200,
        x=some,
    )
    return float(found.validation[-1].mean(dim=1).max()), float(found.at_the_end()[1].mean())


def own_best(setting: Setting, epsilon: float) -> float:
    return max(student(setting, epsilon, T) for T in (1, 2, 4, 8))[1]


def rest_entropy(setting: Setting, epsilon: float) -> float:
    """Mean entropy of the shares among the nine wrong classes, where the whole rows have a mean entropy of 1 nat."""
    x_test, y_test = parts(setting)[2]
    model = teacher(setting, epsilon)

    def entropy(rows: Tensor) -> float:
        return float(torch.special.entr(rows).sum(dim=-1).mean())

    T = min(np.arange(0.5, 10, 0.1), key=lambda T: abs(entropy(softened(model, x_test, T)) - 1))
    rest = softened(model, x_test, T) * (F.one_hot(y_test, 10) == 0)
    return entropy(rest / rest.sum(dim=-1, keepdim=True))


def sixth_answer(setting: Setting) -> bool:
    """Five psychiatrists' shares predict the sixth better than their majority, also on another half of the patients."""
    counts, _ = data.diagnoses()
    order = np.random.default_rng(setting.seeds[0]).permutation(30)
    others = np.maximum(counts[:, None] - np.eye(5), 0)
    costs = []
    for rows in (others / 5, np.eye(5)[others.argmax(axis=2)]):
        said = np.diagonal(rows, axis1=1, axis2=2)[order]
        grid = np.linspace(0.05, 0.95, 19)[:, None, None]
        nats = -np.log((1 - grid) * said + grid / 5)  # (19, 30, 5)
        chosen, scored = (
            np.average(nats[:, half], weights=np.broadcast_to(counts[order][half], nats[:, half].shape), axis=(1, 2))
            for half in (slice(0, 15), slice(15, 30))
        )
        costs.append(scored[chosen.argmin()])
    return costs[0] < costs[1]


def pair_order(setting: Setting) -> bool:
    forward, gce, plain = (stopped(setting, "pair noise", name) for name in ("forward", "GCE", "cross-entropy"))
    ahead = bool((forward > gce).all() and (forward > plain).all())
    return ahead and bool(forward.mean() > gce.mean() + 0.07 and gce.mean() > plain.mean())


def uniform_order(setting: Setting) -> bool:
    names = ("cross-entropy", "forward", "GCE")
    means = plain, _, gce = [stopped(setting, "uniform noise", name).mean() for name in names]
    return bool(gce > plain and max(means) - min(means) < 0.05)


def floor_wins(setting: Setting) -> bool:
    others = [errors(setting, "uniform noise", *of) for of in (("cross-entropy",), ("smoothed",), ("cross-entropy", 0))]
    best = errors(setting, "uniform noise", "cross-entropy", 0.9).mean()
    hard, _, tempered = others
    return all(best < 0.7 * error.mean() for error in others) and tempered.mean() > 0.9 * hard.mean()


def pair_fits(setting: Setting) -> bool:
    hard, tempered, floored = (errors(setting, "pair noise", "cross-entropy", most) for most in (None, 0, 0.9))
    smoothed = errors(setting, "pair noise", "smoothed")
    return max(tempered.mean(), smoothed.mean()) < hard.mean() and floored.mean() > tempered.mean() - 0.02


def hard_teachers_win(setting: Setting) -> bool:
    gaps = [student(setting, 0.0, T)[1] - student(setting, 0.1, T)[1] for T in (4, 8)]
    gaps.append(student(setting, 0.0, 8)[1] - student(setting, 0.1, 2)[1])  # where both are about equally soft
    return min(gaps) > 0.03 and own_best(setting, 0.0) > own_best(setting, 0.1) + 0.03


def focal_underclaims(setting: Setting) -> bool:
    focal = errors(setting, "true labels", "focal").mean()
    return focal > max(
        errors(setting, "true labels", "cross-entropy").mean(), errors(setting, "true labels", "focal", 0).mean()
    )


CLAIMS = (
    Claim("8.1", "Shares of five psychiatrists predict the sixth better than their majority.", sixth_answer),
    Claim(
        "8.2",
        "At the end, exact rows beat four answers a picture on average, four beat two, and two beat one.",
        lambda s: ended(s, 1).mean() < ended(s, 2).mean() < ended(s, 4).mean() < ended(s, 0).mean(),
    ),
    Claim(
        "8.2",
        "Stopping early recovers accuracy from one drawn label a picture, and exact rows stay ahead in every run.",
        lambda s: (
            stopped(s, "uniform noise", "cross-entropy").mean() > ended(s, 1).mean()
            and bool((ended(s, 0) > stopped(s, "uniform noise", "cross-entropy")).all())
        ),
    ),
    Claim(
        "8.7",
        "With true labels smoothing makes the calibration error larger by more than 0.05, in every run.",
        lambda s: bool((errors(s, "true labels", "smoothed") > errors(s, "true labels", "cross-entropy") + 0.05).all()),
    ),
    Claim(
        "8.7",
        "Under uniform noise a temperature alone lowers the mean error little or not; with a floor it is least by far.",
        floor_wins,
    ),
    Claim("8.7", "Under pair noise smoothing and a temperature lower the mean error, a floor adds nothing.", pair_fits),
    Claim(
        "8.8",
        "At equal softness smoothed teachers share the rest more equally among the wrong classes.",
        lambda s: rest_entropy(s, 0.0) < rest_entropy(s, 0.1) - 0.1,
    ),
    Claim(
        "8.14",
        "From T = 4 on, at its own best T and at equal softness, the hard teacher's students are better by 0.03.",
        hard_teachers_win,
    ),
    Claim(
        "8.11", "Uniform noise, stopped: all three within 0.05 on average, GCE ahead of cross-entropy.", uniform_order
    ),
    Claim(
        "8.11",
        "Pair noise, stopped: forward ahead of both in every run, by 0.07 on average; GCE ahead of cross-entropy.",
        pair_order,
    ),
    Claim("8.16", "With true labels the focal loss is calibrated worse; a temperature repairs it.", focal_underclaims),
)
