"""Exercises of chapter 7: a threshold from costs, the ECE, a temperature, an honest report, weights taken out."""

import numpy as np

from xent_helpers import calibration, losses
from xent_helpers.exercises.checker import Exercise, Mistake

# 7.1 ---------------------------------------------------------------------------------------------------------


def when_to_ring():
    return 50 / (50 + 20_000)


THRESHOLD = Exercise(
    key="7.1",
    task="Give the probability of fire from which on the detector should ring.",
    reference=when_to_ring,
    inputs=lambda rng: [()],
    mistakes=(
        Mistake(lambda: 0.5, "One half is right if both mistakes cost the same. Which of the two is dearer here?"),
        Mistake(
            lambda: 50 / 20_000,
            "That is the ratio of the costs, where the *odds* p / (1 − p) break even. Which p has these odds?",
        ),
        Mistake(
            lambda: 20_000 / 50,
            "No probability is that large: it is the ratio of the costs, upside down. Where do p times the one cost "
            "and 1 − p times the other break even?",
        ),
        Mistake(
            lambda: 20_000 / (50 + 20_000),
            "With this threshold the detector rings only when it is nearly certain. A missed fire is the dear mistake: "
            "should one ring sooner or later than at ½?",
        ),
    ),
    hints=(
        "Let p be the probability of fire. What does ringing cost on average, and what does silence?",
        "Ringing costs 50 (1 − p), silence 20000 p. For which p are they equal?",
    ),
    afterwards="With so low a threshold the model must tell 0.002 from 0.003: its small probabilities must be right.",
)

# 7.2 ---------------------------------------------------------------------------------------------------------


def ece(claimed, came_true, bins):
    index = np.minimum(np.searchsorted(np.arange(bins) / bins, claimed, side="right") - 1, bins - 1)
    total = 0.0
    for b in np.unique(index):
        inside = index == b
        total += inside.mean() * abs(came_true[inside].mean() - claimed[inside].mean())
    return total


def gaps_and_counts(claimed, came_true, bins):
    table = calibration.reliability(claimed, came_true, bins)
    used = np.asarray(table.count) > 0
    return (table.happened - table.claimed)[used], table.count[used]


def ece_unweighted(claimed, came_true, bins):
    return np.mean(np.abs(gaps_and_counts(claimed, came_true, bins)[0]))


def ece_unweighted_with_empty(claimed, came_true, bins):
    return np.sum(np.abs(gaps_and_counts(claimed, came_true, bins)[0])) / bins


def ece_signed(claimed, came_true, bins):
    return np.mean(came_true) - np.mean(claimed)


def ece_signed_other_way(claimed, came_true, bins):
    return np.mean(claimed) - np.mean(came_true)


def ece_one_bin(claimed, came_true, bins):
    return abs(np.mean(claimed) - np.mean(came_true))


def ece_largest(claimed, came_true, bins):
    return np.max(np.abs(gaps_and_counts(claimed, came_true, bins)[0]))


def ece_squared(claimed, came_true, bins):
    gap, count = gaps_and_counts(claimed, came_true, bins)
    return np.sum(count * gap**2) / len(claimed)


def ece_not_divided(claimed, came_true, bins):
    gap, count = gaps_and_counts(claimed, came_true, bins)
    return np.sum(count * np.abs(gap))


def ece_with_middles(claimed, came_true, bins):
    table = calibration.reliability(claimed, came_true, bins)
    used = np.asarray(table.count) > 0
    gap = np.abs(table.happened - (table.lower + 0.5 / bins))[used]
    return np.sum(table.count[used] * gap) / len(claimed)


def ece_of_each_claim(claimed, came_true, bins):
    return np.mean(np.abs(came_true - claimed))


def ece_with_empty_bins(claimed, came_true, bins):
    table = calibration.reliability(claimed, came_true, bins)
    return np.sum(table.count * np.abs(table.happened - table.claimed)) / len(claimed)


def ece_without_claim_1(claimed, came_true, bins):
    total = 0.0
    for b in range(bins):
        inside = (claimed >= b / bins) & (claimed < (b + 1) / bins)
        if inside.any():
            total += inside.mean() * abs(came_true[inside].mean() - claimed[inside].mean())
    return total


def ece_upper_edge(claimed, came_true, bins):
    index = np.maximum(np.searchsorted(np.arange(bins) / bins, claimed, side="left") - 1, 0)
    total = 0.0
    for b in np.unique(index):
        inside = index == b
        total += inside.mean() * abs(came_true[inside].mean() - claimed[inside].mean())
    return total


def ece_equal_counts(claimed, came_true, bins):
    order = np.argsort(claimed, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return sum(len(part) * abs(came_true[part].mean() - claimed[part].mean()) for part in parts) / len(claimed)


def claims(rng, n, shift=0.0):
    claimed = rng.uniform(size=n)
    return claimed, (rng.random(n) < np.clip(claimed + shift, 0, 1)).astype(int)


def ece_inputs(rng):
    full = np.concatenate([np.arange(40) % 4 / 4 + 0.1, [0.05, 0.3, 0.55, 0.8]])
    return [
        (np.array([0.1, 0.3, 0.6, 0.8, 0.9]), np.array([1, 0, 1, 0, 1]), 2),
        (full, rng.integers(0, 2, len(full)), 4),
        (*claims(rng, 500, -0.2), 10),
        (np.array([0.0, 0.25, 0.5, 0.75, 1.0, 0.6, 0.3]), np.array([1, 0, 0, 1, 0, 1, 1]), 4),
        (np.array([0.91, 0.97, 0.99, 0.52]), np.array([1, 0, 1, 1]), 10),
        (np.array([1.0, 1.0, 1.0]), np.array([1, 0, 0]), 5),
        (*claims(rng, 40, 0.3), 15),
    ]


ECE = Exercise(
    key="7.2",
    task="Return the ECE of claims (N,) with outcomes 0 or 1 (N,), in bins of equal width.",
    reference=ece,
    inputs=ece_inputs,
    mistakes=(
        Mistake(
            ece_unweighted,
            "You averaged the gaps over the bins, so a bin with one claim speaks as loudly as one with a thousand. "
            "Which weight has bin b in equation 7.3?",
        ),
        Mistake(
            ece_unweighted_with_empty,
            "You divided the sum of the gaps by the number of bins, empty ones included. Which weight has bin b in "
            "equation 7.3, and which an empty one?",
        ),
        Mistake(
            ece_signed,
            "Without the absolute value, too bold and too timid bins cancel, and your number no longer depends on the "
            "bins at all. Where do the bars in equation 7.3 stand?",
        ),
        Mistake(
            ece_signed_other_way,
            "Without the absolute value, too bold and too timid bins cancel, and your number no longer depends on the "
            "bins at all. Is the gap taken before or after the sum?",
        ),
        Mistake(
            ece_one_bin,
            "You took the absolute value of the whole sum, which is the ECE with a single bin. Should it be taken of "
            "the sum, or of each bin's gap?",
        ),
        Mistake(ece_largest, "That is the largest gap, the *maximum* calibration error. Which E is in ECE?"),
        Mistake(ece_squared, "You squared the gaps. What does equation 7.3 do with them?"),
        Mistake(ece_not_divided, "Your number grows with N. If every claim came twice, what should the ECE do?"),
        Mistake(
            ece_with_middles,
            "You compared with the middle of each bin. A bin from 0.9 to 1 may hold claims of 0.99 only: which number "
            "did the model really claim there, on average?",
        ),
        Mistake(
            ece_of_each_claim,
            "You compared each claim with its own outcome, which is 0 or 1. Even a perfect 0.7 misses by 0.3 or 0.7 "
            "then. What has to be averaged before the difference is taken?",
        ),
        Mistake(
            ece_with_empty_bins,
            "Right as long as no bin is empty; with an empty one you get nan, from 0 divided by 0. What should a bin "
            "without claims contribute?",
        ),
        Mistake(
            ece_without_claim_1,
            "Claims of exactly 1 fall out of your bins: the last one ends below 1. Into which bin do they belong?",
        ),
        Mistake(
            ece_upper_edge,
            "You put claims on an edge into the lower bin. Others do, too, but the task says the upper one. Which "
            "side of your comparison needs the equals sign?",
        ),
        Mistake(
            ece_equal_counts,
            "Your bins hold equally many claims. A good choice, but another one. How wide is each bin to be here?",
        ),
    ),
    hints=(
        "Bin number of a claim: bins times the claim, rounded down; the claim 1 would get one too much.",
        "For each bin that is not empty: the share of claims in it, times |mean outcome − mean claim|.",
        "Sum over the bins. inside.mean() of a boolean mask is n_b / N.",
    ),
    afterwards="Now call it with 1 bin and with 1000 bins on the same claims, and look at section 7.4 again.",
)

# 7.3 ---------------------------------------------------------------------------------------------------------


def nll_at(z, y, T):
    return losses.cross_entropy(z / T, y)


def nll_multiplied(z, y, T):
    return losses.cross_entropy(z * T, y)


def nll_softmax_twice(z, y, T):
    return losses.cross_entropy(losses.softmax(z / T), y)


def nll_of_divided_probabilities(z, y, T):
    return losses.cross_entropy(losses.softmax(z) / T, y)


def nll_of_unnormalised(z, y, T):
    return -np.mean(np.log(losses.softmax(z)[np.arange(len(y)), y] / T))


def nll_divided(z, y, T):
    return losses.cross_entropy(z, y) / T


def nll_ignoring_temperature(z, y, T):
    return losses.cross_entropy(z, y)


def nll_summed(z, y, T):
    return losses.cross_entropy(z / T, y, reduction="sum")


def nll_without_minus(z, y, T):
    return -losses.cross_entropy(z / T, y)


def nll_in_bits(z, y, T):
    return losses.cross_entropy(z / T, y) / np.log(2)


def nll_along_samples(z, y, T):
    return -np.mean(np.log(losses.softmax(z / T, axis=0)[np.arange(len(y)), y]))


TEMPERATURE = Exercise(
    key="7.3",
    task="Return the mean NLL, in nats, of labels y (N,) under softmax of the logits z (N, C) at temperature T.",
    reference=nll_at,
    inputs=lambda rng: [
        (np.array([[2.0, 0.0]]), np.array([1]), 2.0),
        (3 * rng.normal(size=(6, 3)), rng.integers(0, 3, 6), 2.5),
        (3 * rng.normal(size=(4, 4)), rng.integers(0, 4, 4), 0.5),
        (rng.normal(size=(5, 10)), rng.integers(0, 10, 5), 1.0),
        (100 * rng.normal(size=(8, 5)), rng.integers(0, 5, 8), 4.0),
    ],
    mistakes=(
        Mistake(
            nll_multiplied,
            "You multiplied the logits by T, so your T = 4 makes the model *more* certain. A higher temperature should "
            "soften: which operation shrinks the differences between logits?",
        ),
        Mistake(
            nll_softmax_twice,
            "You handed probabilities to a loss that takes logits, so the softmax is taken twice. What does "
            "losses.cross_entropy do with its input?",
        ),
        Mistake(
            nll_of_divided_probabilities,
            "You divided the probabilities by T and passed them on as logits. At which point does T act: before or "
            "after the softmax?",
        ),
        Mistake(
            nll_of_unnormalised,
            "You divided the probabilities by T, and they no longer add up to 1: the loss only moved by log T. At "
            "which point does T act, before or after the softmax?",
        ),
        Mistake(
            nll_divided,
            "You divided the loss by T. That changes the unit of the loss, not the probabilities. What is it that T "
            "divides?",
        ),
        Mistake(nll_ignoring_temperature, "Your result does not depend on T. Where should it come in?"),
        Mistake(nll_summed, "You added the losses up. What should happen to your number if every sample came twice?"),
        Mistake(nll_without_minus, "Your loss is negative. Which sign makes a cost of the logarithm of a probability?"),
        Mistake(nll_in_bits, "These are bits. Which logarithm gives nats?"),
        Mistake(
            nll_along_samples,
            "Your softmax runs along axis 0, over the samples, so each class's column adds up to 1. Along which axis "
            "do the classes compete?",
        ),
    ),
    hints=(
        "p = softmax(z / T), and then the mean of −log p at the labels.",
        "losses.cross_entropy takes logits and does the rest: which logits belong to temperature T?",
    ),
    afterwards="Draw it against 1/T for logits and labels of yours: it is a bowl, and calibration.fit_temperature "
    "finds the bottom.",
)

# 7.4 ---------------------------------------------------------------------------------------------------------


def honest_report(z_train, y_train, z_valid, y_valid, z_test, y_test):
    T = calibration.fit_temperature(z_valid, y_valid)
    return float(losses.cross_entropy(z_test / T, y_test))


def report_fitted_on_test(z_train, y_train, z_valid, y_valid, z_test, y_test):
    return float(losses.cross_entropy(z_test / calibration.fit_temperature(z_test, y_test), y_test))


def report_fitted_on_training(z_train, y_train, z_valid, y_valid, z_test, y_test):
    return float(losses.cross_entropy(z_test / calibration.fit_temperature(z_train, y_train), y_test))


def report_fitted_on_both(z_train, y_train, z_valid, y_valid, z_test, y_test):
    z, y = np.concatenate([z_valid, z_test]), np.concatenate([y_valid, y_test])
    return float(losses.cross_entropy(z_test / calibration.fit_temperature(z, y), y_test))


def report_fitted_on_training_and_validation(z_train, y_train, z_valid, y_valid, z_test, y_test):
    z, y = np.concatenate([z_train, z_valid]), np.concatenate([y_train, y_valid])
    return float(losses.cross_entropy(z_test / calibration.fit_temperature(z, y), y_test))


def report_on_validation(z_train, y_train, z_valid, y_valid, z_test, y_test):
    return float(losses.cross_entropy(z_valid / calibration.fit_temperature(z_valid, y_valid), y_valid))


def report_multiplied(z_train, y_train, z_valid, y_valid, z_test, y_test):
    return float(losses.cross_entropy(z_test * calibration.fit_temperature(z_valid, y_valid), y_test))


def report_uncalibrated(z_train, y_train, z_valid, y_valid, z_test, y_test):
    return float(losses.cross_entropy(z_test, y_test))


def three_parts(rng, n, classes):
    """Logits and labels of three parts; the logits know the training labels too well, and less of the others."""
    arrays = []
    for knows in (3.0, 1.2, 1.0):
        labels = rng.integers(0, classes, n)
        logits = 3 * rng.normal(size=(n, classes)) + 3 * knows * np.eye(classes)[labels]
        logits[0, (labels[0] + 1) % classes] = logits[0].max() + 1  # a mistake, so that the best T is finite
        arrays += [logits, labels]
    return tuple(arrays)


REPORT = Exercise(
    key="7.4",
    task="Repair the report: return a test loss that says how the calibrated model does on pictures to come.",
    reference=honest_report,
    inputs=lambda rng: [three_parts(rng, n, classes) for n, classes in ((30, 3), (60, 4), (200, 10))],
    rounds=2,
    mistakes=(
        Mistake(
            report_fitted_on_test,
            "T is still fitted on the test part. There it is the best of all T by definition, so the loss cannot come "
            "out higher than an honest one. Which part has neither trained the model nor is to be reported?",
        ),
        Mistake(
            report_fitted_on_training,
            "Now T is fitted on the training part. The model has seen these labels: is it as often right elsewhere as "
            "it is there?",
        ),
        Mistake(
            report_fitted_on_both,
            "Validation and test together: the test labels still have a say in T. Which labels may have one?",
        ),
        Mistake(
            report_fitted_on_training_and_validation,
            "More data for T, but part of it are pictures that the model was trained on, where it is too often right. "
            "What would T be if they were the majority?",
        ),
        Mistake(
            report_on_validation,
            "You fit and report on the validation part, so the report flatters again. What is the third part for?",
        ),
        Mistake(report_multiplied, "The right T, but multiplied. Does a T above 1 soften your probabilities?"),
        Mistake(
            report_uncalibrated,
            "Honest, but this is the model without a temperature. Where should T come from?",
        ),
    ),
    hints=(
        "Which labels have a say in T? May they have one in the loss that is reported?",
        "Fit on z_valid and y_valid, divide z_test, report with y_test.",
    ),
    afterwards="Compare both reports over many splits: the flattery is small for one parameter. Then imagine choosing "
    "the best of a hundred models on the test part.",
)

# 7.5 ---------------------------------------------------------------------------------------------------------


def unweighted(p, w):
    q = p / w
    return q / q.sum(axis=1, keepdims=True)


def weighted_again(p, w):
    q = p * w
    return q / q.sum(axis=1, keepdims=True)


def not_normalised(p, w):
    return p / w


def normalised_in_total(p, w):
    q = p / w
    return q / q.sum()


def normalised_over_samples(p, w):
    q = p / w
    return q / q.sum(axis=0, keepdims=True)


def log_subtracted_from_probabilities(p, w):
    return losses.softmax(p - np.log(w))


def weight_subtracted(p, w):
    return losses.softmax(np.log(p) - w)


def divided_by_share(p, w):
    q = p / (w / w.sum())
    return q


def left_alone(p, w):
    return p


def divided_then_softmax(p, w):
    return losses.softmax(p / w)


WEIGHTS = Exercise(
    key="7.5",
    task="Turn probabilities (N, C) of a model trained with class weights w (C,) into those of unweighted training.",
    reference=unweighted,
    inputs=lambda rng: [
        (np.array([[0.5, 0.5]]), np.array([1.0, 9.0])),
        (rng.dirichlet(np.ones(3), 5), np.array([0.5, 1.0, 4.0])),
        (rng.dirichlet(np.ones(10), 4), rng.uniform(0.2, 5.0, 10)),
        (rng.dirichlet(np.ones(3), 3), np.array([0.4, 0.7, 3.0])),
        (rng.dirichlet(np.ones(4), 6), np.full(4, 2.0)),
    ],
    mistakes=(
        Mistake(
            weighted_again,
            "You multiplied by the weights, which puts them in a second time. The model already acts as if class c "
            "were w_c times as frequent: which way leads back?",
        ),
        Mistake(not_normalised, "The right proportions, but your rows no longer add up to 1. What restores that?"),
        Mistake(
            divided_by_share,
            "You scaled the weights to add up to 1, but your rows do not. Which sum has to be 1?",
        ),
        Mistake(
            normalised_in_total,
            "You divided by the sum of the whole table. Each sample has probabilities of its own: along which axis "
            "should they add up to 1?",
        ),
        Mistake(
            normalised_over_samples,
            "Your columns add up to 1, not your rows. Along which axis do the classes lie?",
        ),
        Mistake(
            log_subtracted_from_probabilities,
            "You subtracted log w from the probabilities. Equation 7.13 subtracts it from the logits: what are logits "
            "of a given p? (log p will do.)",
        ),
        Mistake(
            weight_subtracted,
            "You subtracted w itself from the logits. A weight multiplies probabilities: what does a factor become "
            "under the logarithm?",
        ),
        Mistake(
            divided_then_softmax,
            "Dividing is right, but then you took a softmax, which is for logits. How do you make positive numbers add "
            "up to 1 without changing their proportions?",
        ),
        Mistake(left_alone, "You left the probabilities as they were. Are they those of this world?"),
    ),
    hints=(
        "By equation 7.11 the weighted model reports p*_c in proportion to w_c q_c. What is q_c in proportion to?",
        "Divide each column by its weight, then each row by its sum.",
    ),
    afterwards="Check that weights that are all equal change nothing. calibration.shift_prior_probs does the same, "
    "with any pair of frequencies.",
)

EXERCISES = (THRESHOLD, ECE, TEMPERATURE, REPORT, WEIGHTS)
