"""The comparisons of chapter 4: squared error on p, Newton's method, squared error on the logits."""

from dataclasses import replace
from functools import cache

import numpy as np
from scipy.optimize import minimize

from tools.robustness.claim import Claim, Setting
from xent_helpers import data, losses

RATES = 4.0 ** np.arange(-1, 5)
DESCENT_RATES = (1.0, 4.0, 16.0, 64.0)
PENALTIES = 10.0 ** np.arange(-4, 0)
KAPPAS = (1.0, 4.0, 15.0)
SLOPES = {"cross-entropy": lambda p, y: p - y, "squared error on p": lambda p, y: (p - y) * p * (1 - p)}


# Section 4.8: two losses of a sigmoid, from an ordinary and from a saturated start


def three_parts(features: np.ndarray, labels: data.DataSet, seed: int) -> tuple:
    """Half of the rows to train on, a quarter to choose with, a quarter to judge."""
    split = labels.split(test_fraction=0.5, seed=seed)
    choose, judge = np.array_split(split.test_index, 2)
    mean, spread = features[split.train_index].mean(axis=0), features[split.train_index].std(axis=0)
    x = np.c_[np.ones(len(features)), (features - mean) / np.where(spread > 0, spread, 1.0)]
    return tuple((x[rows], labels.y[rows]) for rows in (split.train_index, choose, judge))


@cache
def accuracy(loss: str, seed: int, bias: float, rate: float, steps: float) -> tuple[float, float]:
    """Accuracy on the judging part with the rate that the choosing part prefers, and the share of benign there."""
    tumours = data.breast_cancer()
    (x, y), (x_choose, y_choose), (x_judge, y_judge) = three_parts(tumours.x[:, :5], tumours, seed)
    w = np.repeat(start(seed, bias)[:, None], len(RATES), axis=1)
    for _ in range(int(500 * steps)):
        p = losses.sigmoid(x @ w)
        w -= rate * RATES * (x.T @ SLOPES[loss](p, y[:, None])) / len(y)
    best = np.mean((x_choose @ w > 0) == y_choose[:, None], axis=0).argmax()
    return float(np.mean((x_judge @ w[:, best] > 0) == y_judge)), float(y_judge.mean())


def start(seed: int, bias: float) -> np.ndarray:
    w = np.random.default_rng(seed).normal(scale=0.1, size=6)
    w[0] += bias
    return w


def accuracies(loss: str, bias: float, setting: Setting) -> np.ndarray:
    """Shape (seeds, 2): the accuracy and the share of benign for each split."""
    return np.array([accuracy(loss, seed, bias, setting.rate, setting.steps) for seed in setting.seeds])


def level_from_ordinary_weights(setting: Setting) -> bool:
    means = [accuracies(loss, 0.0, setting)[:, 0].mean() for loss in SLOPES]
    return abs(means[0] - means[1]) < 0.02


def accuracies_have_settled(setting: Setting) -> bool:
    """Whether twice the steps change no mean by more than a point."""
    longer = replace(setting, steps=2 * setting.steps)
    runs = [(loss, bias) for loss in SLOPES for bias in (0.0, 20.0)]
    changes = [accuracies(*run, longer)[:, 0].mean() - accuracies(*run, setting)[:, 0].mean() for run in runs]
    return max(map(abs, changes)) < 0.01


def squared_error_stays_saturated(setting: Setting) -> bool:
    found = accuracies("squared error on p", 20.0, setting)
    return bool(np.all(found[:, 0] == found[:, 1]))


def cross_entropy_recovers(setting: Setting) -> bool:
    means = [accuracies("cross-entropy", bias, setting)[:, 0].mean() for bias in (0.0, 20.0)]
    return abs(means[0] - means[1]) < 0.02


# Section 4.10: nine Newton steps and 3,000 steps of descent


@cache
def tumours_and_newton() -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Features, labels, and the loss after each of 15 Newton steps."""
    cancer = data.breast_cancer()
    five = cancer.x[:, :5]
    x, y = np.c_[np.ones(569), (five - five.mean(axis=0)) / five.std(axis=0)], cancer.y.astype(float)
    w, values = np.zeros(6), []
    for _ in range(15):
        p = losses.sigmoid(x @ w)
        w -= np.linalg.solve((x.T * (p * (1 - p))) @ x, x.T @ (p - y))
        values.append(float(losses.binary_cross_entropy_with_logits(x @ w, y)))
    return x, y, values


def newton_is_nearer(setting: Setting) -> bool:
    x, y, values = tumours_and_newton()
    gaps = []
    for rate in DESCENT_RATES:
        w = np.zeros(6)
        for _ in range(int(3000 * setting.steps)):
            w -= setting.rate * rate * x.T @ (losses.sigmoid(x @ w) - y) / len(y)
        gaps.append(float(losses.binary_cross_entropy_with_logits(x @ w, y)) - values[-1])
    return values[8] - values[-1] < 1e-12 and min(gaps) > 1e-5


# Section 4.15: cross-entropy and squared error on the logits, each at its own penalised minimum


def ridge(x: np.ndarray, y: np.ndarray, penalty: float, weight: float = 1.0) -> np.ndarray:
    """The minimum of squared error on the logits, the true class's term counted ``weight`` times."""
    shrink = penalty * len(x) * np.diag(np.r_[0.0, np.ones(x.shape[1] - 1)])
    columns = []
    for hit in (y[:, None] == np.arange(10)).T:
        counts = np.where(hit, weight, 1.0)
        columns.append(np.linalg.solve((x.T * counts) @ x + shrink, x.T @ (counts * hit)))
    return np.stack(columns, axis=1)


def softmax_minimum(x: np.ndarray, y: np.ndarray, penalty: float, steps: float, start: np.ndarray) -> np.ndarray:
    """The minimum of cross-entropy plus the same penalty."""
    one_hot, shrink = np.eye(10)[y], penalty * np.r_[0.0, np.ones(x.shape[1] - 1)][:, None]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = flat.reshape(-1, 10)
        z = x @ w
        slope = x.T @ (losses.softmax(z) - one_hot) / len(x) + shrink * w
        return float(losses.cross_entropy(z, y)) + 0.5 * np.sum(shrink * w**2), slope.ravel()

    options = {"maxiter": int(1000 * steps), "gtol": 1e-5}
    return minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(-1, 10)


@cache
def judged(seed: int, hidden: int, rate: float, steps: float) -> tuple[float, float, float]:
    """Accuracies of cross-entropy, squared error and rescaled squared error, each with its own chosen settings."""
    digits = data.digits()
    split = digits.split(test_fraction=0.5, seed=seed)
    pixels = (digits.x - digits.x[split.train_index].mean(axis=0)) / np.maximum(
        digits.x[split.train_index].std(axis=0), 1e-9
    )
    random = np.random.default_rng(seed).normal(scale=1 / 8, size=(64, hidden))
    features = np.maximum(pixels @ random, 0) if hidden else pixels
    x = np.c_[np.ones(len(features)), features - features[split.train_index].mean(axis=0)]
    train, (choose, judge) = split.train_index, np.array_split(split.test_index, 2)
    penalties = rate * PENALTIES

    def right(w: np.ndarray, rows: np.ndarray) -> float:
        return float(np.mean(np.argmax(x[rows] @ w, axis=1) == digits.y[rows]))

    softmaxes, w = [], np.zeros((x.shape[1], 10))
    for penalty in penalties[::-1]:  # each starts from the one before
        w = softmax_minimum(x[train], digits.y[train], penalty, steps, w)
        softmaxes.append(w)
    plain = [ridge(x[train], digits.y[train], penalty) for penalty in penalties]
    rescaled = [ridge(x[train], digits.y[train], penalty, weight) for penalty in penalties for weight in KAPPAS]
    return tuple(right(max(found, key=lambda w: right(w, choose)), judge) for found in (softmaxes, plain, rescaled))


def judged_on_all(hidden: int, setting: Setting) -> np.ndarray:
    return np.array([judged(seed, hidden, setting.rate, setting.steps) for seed in setting.seeds])


def linear_model_prefers_cross_entropy(setting: Setting) -> bool:
    found = judged_on_all(0, setting)
    return bool(np.all(found[:, 0] > found[:, 1]))


def rescaling_closes_a_part(setting: Setting) -> bool:
    cross_entropy, squared, rescaled = judged_on_all(0, setting).mean(axis=0)
    return bool(squared < rescaled < cross_entropy)


def random_features_narrow_the_gap(setting: Setting) -> bool:
    linear, flexible = judged_on_all(0, setting).mean(axis=0), judged_on_all(200, setting).mean(axis=0)
    return bool(flexible[0] - flexible[1] < 0.5 * (linear[0] - linear[1]))


CLAIMS = (
    Claim("4.8", "from small weights the two losses end within two points of each other", level_from_ordinary_weights),
    Claim("4.8", "twice as many steps change no mean accuracy by more than a point", accuracies_have_settled),
    Claim("4.8", "from the saturated start squared error on p still calls all benign", squared_error_stays_saturated),
    Claim("4.8", "from the saturated start cross-entropy ends within two points of its usual", cross_entropy_recovers),
    Claim("4.10", "nine Newton steps are within 1e-12, 3,000 of descent more than 1e-5 away", newton_is_nearer),
    Claim("4.15", "in the linear model cross-entropy is ahead on each split", linear_model_prefers_cross_entropy),
    Claim("4.15", "in the linear model rescaling closes only a part of the gap", rescaling_closes_a_part),
    Claim("4.15", "with random features less than half of the gap is left", random_features_narrow_the_gap),
)
