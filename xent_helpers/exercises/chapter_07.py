"""Exercises of chapter 7: a threshold from costs, the ECE, a temperature, an honest report, weights taken out."""

from dataclasses import replace

import numpy as np

from xent_helpers import calibration, losses
from xent_helpers.exercises.constants import NEVER_NEGATIVE, SMALL_NUMBERS
from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import (
    BASES,
    DOUBLED,
    EPSILONS,
    HALVED,
    IN_BITS,
    NEGATIVE,
    ONE_FEWER,
    OVER_CLASSES,
    OVER_SAMPLES,
    SUMMED,
    TRANSPOSED,
    Slip,
)

A_SHARE = Must("lies between 0 and 1", lambda share, *_: 0 <= share <= 1)


def has_best_temperature(z, y):
    margins = z - z[np.arange(len(y)), y][:, None]
    return bool(np.any(margins > 0) and np.mean(margins) < -0.1)


def part(rng, n, classes, knows):
    """Logits that know their labels more or less well; some favour a wrong class, so that there is a best T."""
    while True:
        labels = rng.integers(0, classes, n)
        logits = 3 * rng.normal(size=(n, classes)) + 3 * knows * np.eye(classes)[labels]
        logits[0, (labels[0] + 1) % classes] = logits[0].max() + 1
        if has_best_temperature(logits, labels):
            return logits, labels


threshold = Draft(
    "7.1",
    "Give the probability of fire from which on the detector should ring.",
    must=(A_SHARE,),
    slips=(),
    hints=(
        "Let p be the probability of fire. What does ringing cost on average, and what does silence?",
        "Ringing costs 50 (1 − p), silence 20000 p. For which p are they equal?",
    ),
    afterwards="With so low a threshold the model must tell 0.002 from 0.003: its small probabilities must be right.",
)


@threshold.reference
def when_to_ring():
    return 50 / (50 + 20_000)


@threshold.mistake
def one_half():
    """One half is right if both mistakes cost the same. Which of the two is dearer here?"""
    return 0.5


@threshold.mistake
def the_odds():
    """That is the ratio of the costs, where the *odds* p / (1 − p) break even; as a probability it would be right if
    ringing cost 50 at a fire, too. Which p has these odds?"""
    return 50 / 20_000


@threshold.mistake
def the_odds_upside_down():
    """No probability is that large: it is the ratio of the costs, upside down. Where do p times the one cost and 1 − p
    times the other break even?"""
    return 20_000 / 50


@threshold.mistake
def the_reciprocal():
    """No probability is above 1. You divided the sum of both costs by one of them: which way round must it be?"""
    return (50 + 20_000) / 50


@threshold.mistake
def a_difference_of_costs():
    """That is what p · 20,000 = (1 + p) · 50 gives. How often does a ringing detector ring in vain, if fire has the
    probability p?"""
    return 50 / (20_000 - 50)


@threshold.mistake
def the_logit():
    """That is the logarithm of the odds, a logit. Which function turns a logit into a probability?"""
    return np.log(50 / 20_000)


@threshold.mistake
def per_cent():
    """That is a number of per cent. A probability lies between 0 and 1: what is 1 %?"""
    return 100 * 50 / (50 + 20_000)


@threshold.mistake
def a_cost():
    """That is a cost. From which probability of fire on does silence cost as much, on average, as ringing?"""
    return 50


@threshold.mistake
def costs_exchanged():
    """With this threshold the detector rings only when it is nearly certain. A missed fire is the dear mistake: should
    one ring sooner or later than at ½?"""
    return 20_000 / (50 + 20_000)


OVER_BINS = Slip(
    "over bins", "the result is divided by the number of bins as well: do the weights n_b / N not make it a mean?",
    lambda output, arguments: output / arguments[2],
)  # fmt: skip


calibration_error = Draft(
    "7.2",
    "Return the ECE of claims (N,) with outcomes 0 or 1 (N,), in bins of equal width.",
    must=(A_SHARE,),
    slips=(NEGATIVE, SUMMED, OVER_SAMPLES, ONE_FEWER, OVER_BINS, HALVED, DOUBLED, *EPSILONS),
    rounds=4,
    hints=(
        "Bin number of a claim: bins times the claim, rounded down; the claim 1 would get one too much.",
        "For each bin that is not empty: the share of claims in it, times |mean outcome − mean claim|.",
        "Sum over the bins. inside.mean() of a boolean mask is n_b / N.",
    ),
    afterwards="Now call it with 1 bin and with 1000 bins on the same claims, and look at section 7.4 again.",
)


@calibration_error.reference
def ece(claimed, came_true, bins):
    index = np.minimum(np.searchsorted(np.arange(bins) / bins, claimed, side="right") - 1, bins - 1)
    total = 0.0
    for b in np.unique(index):
        inside = index == b
        total += inside.mean() * abs(came_true[inside].mean() - claimed[inside].mean())
    return total


def claims(rng, n, bins, shift=0.0):
    """Claims that no rounding moves across an edge, and outcomes that come more or less often than claimed."""
    claimed = (rng.integers(0, bins, n) + rng.uniform(0.05, 0.95, n)) / bins
    return claimed, (rng.random(n) < np.clip(claimed + shift, 0, 1)).astype(int), bins


@calibration_error.inputs
def ece_inputs(rng):
    full = np.concatenate([np.arange(40) % 4 / 4 + 0.1, [0.05, 0.3, 0.55, 0.8]])
    return [
        (np.array([0.1, 0.3, 0.6, 0.8, 0.9]), np.array([1, 0, 1, 0, 1]), 2),
        (full, rng.integers(0, 2, len(full)), 4),
        claims(rng, int(rng.integers(100, 200)), 10, -0.2),
        (np.array([0.0, 0.25, 0.5, 0.75, 1.0, 0.6, 0.3]), np.array([1, 0, 0, 1, 0, 1, 1]), 4),
        (rng.integers(0, 9, 12) / 8, rng.integers(0, 2, 12), 8),
        (np.array([0.91, 0.97, 0.99, 0.52]), np.array([1, 0, 1, 1]), 10),
        (np.array([1.0, 1.0, 1.0]), np.array([1, 0, 0]), 5),
        claims(rng, int(rng.integers(20, 60)), int(rng.integers(3, 20)), 0.3),
        claims(rng, int(rng.integers(2, 9)), 1),
        claims(rng, 1, int(rng.integers(2, 9))),
    ]


@calibration_error.domain
def ece_domain(claimed, came_true, bins):
    """Claims on an edge only where the edge is an exact binary fraction, so that every way of binning agrees."""
    off_edges = np.abs(claimed * bins - np.round(claimed * bins)) > 1e-3
    exact = (claimed == 0) | (claimed == 1) | (bins & (bins - 1) == 0)
    in_range = np.all((claimed >= 0) & (claimed <= 1) & (off_edges | exact))
    return bins > 0 and len(claimed) == len(came_true) > 0 and in_range and set(came_true.tolist()) <= {0, 1}


def gaps_and_counts(claimed, came_true, bins):
    table = calibration.reliability(claimed, came_true, bins)
    used = np.asarray(table.count) > 0
    return (table.happened - table.claimed)[used], table.count[used]


@calibration_error.mistake
def ece_unweighted(claimed, came_true, bins):
    """You averaged the gaps over the bins, so a bin with one claim speaks as loudly as one with a thousand. Which
    weight has bin b in equation 7.3?"""
    return np.mean(np.abs(gaps_and_counts(claimed, came_true, bins)[0]))


@calibration_error.mistake
def ece_unweighted_with_empty(claimed, came_true, bins):
    """You divided the sum of the gaps by the number of bins, empty ones included. Which weight has bin b in equation
    7.3, and which an empty one?"""
    return np.sum(np.abs(gaps_and_counts(claimed, came_true, bins)[0])) / bins


@calibration_error.mistake
def ece_signed(claimed, came_true, bins):
    """Without the absolute value, too bold and too timid bins cancel, and your number no longer depends on the bins at
    all. Where do the bars in equation 7.3 stand?"""
    return np.mean(came_true) - np.mean(claimed)


@calibration_error.mistake
def ece_signed_other_way(claimed, came_true, bins):
    """Without the absolute value, too bold and too timid bins cancel, and your number no longer depends on the bins at
    all. Is the gap taken before or after the sum?"""
    return np.mean(claimed) - np.mean(came_true)


@calibration_error.mistake
def ece_one_bin(claimed, came_true, bins):
    """You took the absolute value of the whole sum, which is the ECE with a single bin. Should it be taken of the sum,
    or of each bin's gap?"""
    return abs(np.mean(claimed) - np.mean(came_true))


@calibration_error.mistake
def ece_largest(claimed, came_true, bins):
    """That is the largest gap, the *maximum* calibration error. Which E is in ECE?"""
    return np.max(np.abs(gaps_and_counts(claimed, came_true, bins)[0]))


@calibration_error.mistake
def ece_squared(claimed, came_true, bins):
    """You squared the gaps. What does equation 7.3 do with them?"""
    gap, count = gaps_and_counts(claimed, came_true, bins)
    return np.sum(count * gap**2) / len(claimed)


calibration_error.says(SUMMED, "Your number grows with N. If every claim came twice, what should the ECE do?")


@calibration_error.mistake
def ece_with_middles(claimed, came_true, bins):
    """You compared with the middle of each bin. A bin from 0.9 to 1 may hold claims of 0.99 only: which number did the
    model really claim there, on average?"""
    table = calibration.reliability(claimed, came_true, bins)
    used = np.asarray(table.count) > 0
    gap = np.abs(table.happened - (table.lower + 0.5 / bins))[used]
    return np.sum(table.count[used] * gap) / len(claimed)


@calibration_error.mistake
def ece_of_each_claim(claimed, came_true, bins):
    """You compared each claim with its own outcome, which is 0 or 1. Even a perfect 0.7 misses by 0.3 or 0.7 then. What
    has to be averaged before the difference is taken?"""
    return np.mean(np.abs(came_true - claimed))


@calibration_error.mistake
def ece_with_empty_bins(claimed, came_true, bins):
    """Right as long as no bin is empty; with an empty one you get nan, from 0 divided by 0. What should a bin without
    claims contribute?"""
    table = calibration.reliability(claimed, came_true, bins)
    return np.sum(table.count * np.abs(table.happened - table.claimed)) / len(claimed)


@calibration_error.mistake
def ece_without_claim_1(claimed, came_true, bins):
    """Claims of exactly 1 fall out of your bins: the last one ends below 1. Into which bin do they belong?"""
    total = 0.0
    for b in range(bins):
        inside = (claimed >= b / bins) & (claimed < (b + 1) / bins)
        if inside.any():
            total += inside.mean() * abs(came_true[inside].mean() - claimed[inside].mean())
    return total


def ece_of_groups(claimed, came_true, index):
    gaps = [np.sum((came_true - claimed)[index == b]) for b in np.unique(index)]
    return np.sum(np.abs(gaps)) / len(claimed)


@calibration_error.mistake
def ece_own_bin_for_claim_1(claimed, came_true, bins):
    """Claims of exactly 1 get a bin of their own, beyond the last one. Into which bin do they belong?"""
    return ece_of_groups(claimed, came_true, np.floor(claimed * bins))


@calibration_error.mistake
def ece_of_open_bins(claimed, came_true, bins):
    """Claims of exactly 0 fall out of your bins, and those on an edge are in the lower one: that is what lower < claim
    ≤ upper gives, a widespread piece of code. Which side of a bin is to be closed here?"""
    total = 0.0
    for b in range(bins):
        inside = (claimed > b / bins) & (claimed <= (b + 1) / bins)
        if inside.any():
            total += inside.mean() * abs(came_true[inside].mean() - claimed[inside].mean())
    return total


@calibration_error.mistake
def ece_upper_edge(claimed, came_true, bins):
    """You put claims on an edge into the lower bin. Others do, too, but the task says the upper one. Which side of your
    comparison needs the equals sign?"""
    index = np.maximum(np.searchsorted(np.arange(bins) / bins, claimed, side="left") - 1, 0)
    total = 0.0
    for b in np.unique(index):
        inside = index == b
        total += inside.mean() * abs(came_true[inside].mean() - claimed[inside].mean())
    return total


@calibration_error.mistake
def ece_equal_counts(claimed, came_true, bins):
    """Your bins hold equally many claims. A good choice, but another one. How wide is each bin to be here?"""
    order = np.argsort(claimed, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return sum(len(part) * abs(came_true[part].mean() - claimed[part].mean()) for part in parts) / len(claimed)


@calibration_error.mistake
def ece_rounded_bins(claimed, came_true, bins):
    """You rounded to the nearest edge, so the edges became the middles of your bins, and there is one bin too many.
    Which way of rounding keeps all claims between two edges together?"""
    return ece_of_groups(claimed, came_true, np.round(claimed * bins))


@calibration_error.mistake
def ece_one_edge_too_few(claimed, came_true, bins):
    """You have one bin too few: that is what edges from np.linspace(0, 1, bins) give. How many edges do three bins
    have?"""
    return ece_of_groups(claimed, came_true, np.digitize(claimed, np.linspace(0, 1, bins)))


@calibration_error.mistake(like=ece_one_edge_too_few)
def ece_one_bin_too_few(claimed, came_true, bins):
    return ece(claimed, came_true, max(bins - 1, 1))


@calibration_error.mistake
def ece_range_of_claims(claimed, came_true, bins):
    """Your bins reach from the smallest claim to the largest, as np.histogram cuts them unless told otherwise. From
    where to where are they to reach?"""
    gaps, _ = np.histogram(claimed, bins, weights=came_true - claimed)
    return np.sum(np.abs(gaps)) / len(claimed)


@calibration_error.mistake(tie=(True, False))
def ece_of_favourite(claimed, came_true, bins, tie):
    """You turned each claim into the larger of p and 1 − p, and asked whether that side won. That is the confidence of
    a classifier; here the claim is about one event. What should a claim of 0.1 be compared with?"""
    says_yes = claimed >= 0.5 if tie else claimed > 0.5
    return ece(np.maximum(claimed, 1 - claimed), (says_yes == came_true).astype(int), bins)


@calibration_error.mistake(sign=(1, -1))
def ece_unweighted_signed(claimed, came_true, bins, sign):
    """Two things are missing: each bin speaks as loudly as any other, and without the absolute value too bold and too
    timid bins cancel. Which weight has a bin in equation 7.3, and which sign its gap?"""
    return sign * np.mean(gaps_and_counts(claimed, came_true, bins)[0])


@calibration_error.mistake
def ece_sum_of_gaps(claimed, came_true, bins):
    """You added the gaps up as they are, so more bins make a larger number. Which weights, that add up to 1, stand in
    equation 7.3?"""
    return np.sum(np.abs(gaps_and_counts(claimed, came_true, bins)[0]))


@calibration_error.mistake
def ece_root_of_squares(claimed, came_true, bins):
    """You squared the gaps, averaged, and took the root. That is a calibration error too, one that large gaps rule.
    Which power of the gap stands in equation 7.3?"""
    return np.sqrt(ece_squared(claimed, came_true, bins))


@calibration_error.mistake
def ece_brier(claimed, came_true, bins):
    """That is the Brier score: each claim against its own outcome, squared. It measures skill as well as honesty. What
    has to be averaged in a bin before the difference is taken?"""
    return np.mean((claimed - came_true) ** 2)


@calibration_error.mistake
def ece_of_accuracy(claimed, came_true, bins):
    """That is the accuracy of the claims' verdicts against the mean claim, and one bin for all. What share is a claim
    of an event to be compared with, and where do the bins come in?"""
    return abs(np.mean((claimed > 0.5) == came_true) - np.mean(claimed))


@calibration_error.mistake
def ece_in_percent(claimed, came_true, bins):
    """That is the ECE in per cent. Papers print it so; how large can a mean gap be here?"""
    return 100 * ece(claimed, came_true, bins)


@calibration_error.mistake
def ece_of_each_bin(claimed, came_true, bins):
    """These are the parts that the bins contribute. One number is asked for: how do you get it from them?"""
    gap, count = gaps_and_counts(claimed, came_true, bins)
    return np.abs(gap) * count / len(claimed)


temperature = Draft(
    "7.3",
    "Return the mean NLL, in nats, of labels y (N,) under softmax of the logits z (N, C) at temperature T.",
    must=(NEVER_NEGATIVE,),
    rounds=4,
    hints=(
        "p = softmax(z / T), and then the mean of −log p at the labels.",
        "losses.cross_entropy takes logits and does the rest: which logits belong to temperature T?",
    ),
    afterwards=(
        "Draw it against 1/T for logits and labels of yours: it is a bowl, and calibration.fit_temperature finds the "
        "bottom."
    ),
)


@temperature.reference
def nll_at(z, y, T):
    return losses.cross_entropy(z / T, y)


@temperature.inputs
def temperature_inputs(rng):
    sizes = rng.integers([(2, 3), (3, 2), (5, 8), (1, 4)], [(8, 6), (9, 3), (20, 12), (2, 9)])
    shapes = [*sizes, (4, 4)]  # as many samples as classes: where axes can be confused and nothing raises
    drawn = [
        (3 * rng.normal(size=(n, c)), rng.integers(0, c, n), T)
        for (n, c), T in zip(shapes, (2.5, 0.5, 1.0, 1.7, rng.uniform(1, 10)), strict=True)
    ]
    sure = (np.array([[40.0, 0.0, -20.0], [25.0, 0.0, 0.0]]), np.array([2, 1]), 1.0)
    return [
        (np.array([[2.0, 0.0]]), np.array([1]), 2.0),
        *drawn,
        sure,
        (rng.normal(size=(3, 3)), np.zeros(3, int), 4.0),
    ]


@temperature.domain
def temperature_domain(z, y, T):
    labels = len(z) == len(y) > 0 and z.shape[1] > 1 and np.all((y >= 0) & (y < z.shape[1]))
    return labels and np.all(np.abs(z) <= 50) and T >= 0.5


@temperature.mistake
def nll_multiplied(z, y, T):
    """You multiplied the logits by T, so your T = 4 makes the model *more* certain. A higher temperature should soften:
    which operation shrinks the differences between logits?"""
    return losses.cross_entropy(z * T, y)


@temperature.mistake
def nll_softmax_twice(z, y, T):
    """You handed probabilities to a loss that takes logits, so the softmax is taken twice. What does
    losses.cross_entropy do with its input?"""
    return losses.cross_entropy(losses.softmax(z / T), y)


@temperature.mistake
def nll_of_divided_probabilities(z, y, T):
    """You divided the probabilities by T and passed them on as logits. At which point does T act: before or after the
    softmax?"""
    return losses.cross_entropy(losses.softmax(z) / T, y)


@temperature.mistake
def nll_of_unnormalised(z, y, T):
    """You divided the probabilities by T, and they no longer add up to 1: the loss only moved by log T. At which point
    does T act, before or after the softmax?"""
    return -np.mean(np.log(losses.softmax(z)[np.arange(len(y)), y] / T))


@temperature.mistake
def nll_divided(z, y, T):
    """That is the loss at T = 1, divided by T (which p to the power 1/T gives too, unless its rows are made to add up
    to 1 again). It changes the unit of the loss, not the probabilities. What is it that T divides?"""
    return losses.cross_entropy(z, y) / T


@temperature.mistake
def nll_ignoring_temperature(z, y, T):
    """Your result does not depend on T. Where should it come in?"""
    return losses.cross_entropy(z, y)


temperature.says(SUMMED, "You added the losses up. What should happen to your number if every sample came twice?")
temperature.says(NEGATIVE, "Your loss is negative. Which sign makes a cost of the logarithm of a probability?")
temperature.says(IN_BITS, "These are bits. Which logarithm gives nats?")


@temperature.mistake
def nll_along_samples(z, y, T):
    """Your softmax runs along axis 0, over the samples, so each class's column adds up to 1. Along which axis do the
    classes compete?"""
    return -np.mean(np.log(losses.softmax(z / T, axis=0)[np.arange(len(y)), y]))


def chosen(p, y):
    return p[np.arange(len(y)), y]


@temperature.mistake
def nll_of_label_divided(z, y, T):
    """You divided the label's logit by T, but not those in the logarithm of the sum. Which logits does T reach?"""
    return np.mean(losses.logsumexp(z) - chosen(z, y) / T)


@temperature.mistake
def nll_of_sum_divided(z, y, T):
    """You divided the logits in the logarithm of the sum by T, but not the label's own. Which logits does T reach?"""
    return np.mean(losses.logsumexp(z / T) - chosen(z, y))


@temperature.mistake
def nll_of_logits(z, y, T):
    """You charge −z_y / T as if logits were logarithms of probabilities. What has to be taken off, so that the
    probabilities of a row add up to 1?"""
    return -np.mean(chosen(z / T, y))


@temperature.mistake
def nll_log_of_mean(z, y, T):
    """That is the logarithm of the mean probability. The likelihood is a product: in which order do logarithm and mean
    come?"""
    return -np.log(np.mean(chosen(losses.softmax(z / T), y)))


@temperature.mistake
def nll_no_logarithm(z, y, T):
    """You charge 1 − p of the label. What does a product of probabilities become under the logarithm?"""
    return 1 - np.mean(chosen(losses.softmax(z / T), y))


@temperature.mistake
def nll_of_favourite(z, y, T):
    """You charge for the class that the model likes best, whatever the label is. Whose probability counts?"""
    return -np.mean(np.max(losses.log_softmax(z / T), axis=1))


@temperature.mistake
def nll_whole_columns(z, y, T):
    """[:, y] pairs every row with every label, an N × N table. How do you pair row i with label i only?"""
    return -np.mean(losses.log_softmax(z / T)[:, y])


@temperature.mistake
def nll_all_classes(z, y, T):
    """You charge for every class of a row. Which one of them came true?"""
    return -np.mean(np.sum(losses.log_softmax(z / T), axis=1))


@temperature.mistake
def nll_each_sample(z, y, T):
    """That is the loss of each sample. One number is asked for: which one of them all?"""
    return losses.cross_entropy(z / T, y, reduction="none")


@temperature.mistake
def nll_perplexity(z, y, T):
    """That is the perplexity, exp of the loss. In which unit is the loss itself?"""
    return np.exp(nll_at(z, y, T))


@temperature.mistake(small=SMALL_NUMBERS)
def nll_padded(z, y, T, small):
    """You keep the logarithm from 0 by a small number, added or as a bound, so a label with a tiny probability costs
    less than it should. What does losses.log_softmax do about it?"""
    return -np.mean(np.log(chosen(losses.softmax(z / T), y) + small))


@temperature.mistake(like=nll_padded, small=SMALL_NUMBERS)
def nll_clipped(z, y, T, small):
    return -np.mean(np.log(np.clip(chosen(losses.softmax(z / T), y), small, 1 - small)))


def _one_fewer_test_sample(output, arguments):
    n = len(arguments[5])
    return output * n / (n - 1)


report = Draft(
    "7.4",
    "Repair the report: return the loss on all of the test part that says how the calibrated model does on pictures "
    "to come.",
    must=(NEVER_NEGATIVE,),
    slips=(NEGATIVE, *BASES, replace(ONE_FEWER, after=_one_fewer_test_sample), HALVED, DOUBLED),
    tolerance=1e-7,  # T may come from any other search for the bottom of the bowl
    rounds=2,
    hints=(
        "Which labels have a say in T? May they have one in the loss that is reported?",
        "Fit on z_valid and y_valid, divide z_test, report with y_test.",
    ),
    afterwards=(
        "Compare both reports over many splits: the flattery is small for one parameter. Then imagine choosing the "
        "best of a hundred models on the test part."
    ),
)


@report.reference
def honest_report(z_train, y_train, z_valid, y_valid, z_test, y_test):
    T = calibration.fit_temperature(z_valid, y_valid)
    return float(losses.cross_entropy(z_test / T, y_test))


def three_parts(rng, sizes, classes):
    """Three parts; the logits know the training labels too well, and less of the others."""
    parts = [part(rng, n, classes, knows) for n, knows in zip(sizes, (3.0, 1.2, 1.0), strict=True)]
    return tuple(array for pair in parts for array in pair)


@report.inputs
def report_inputs(rng):
    logits = [np.array([[gap, 0.0]] * n) for gap, n in ((4.0, 5), (2.0, 4), (1.0, 3))]
    labels = [np.array([0] * (n - 1) + [1]) for n in (5, 4, 3)]
    plain = tuple(array for pair in zip(logits, labels, strict=True) for array in pair)
    sizes = [rng.permutation([int(n) for n in rng.integers((20, 40, 60), (40, 60, 90))]) for _ in range(2)]
    drawn = [three_parts(rng, some, int(rng.integers(2, 11))) for some in sizes]
    return [plain, three_parts(rng, (8, 8, 8), 2), *drawn]


@report.domain
def report_domain(*arrays):
    parts = list(zip(arrays[::2], arrays[1::2], strict=True))
    right = all(len(z) == len(y) > 1 and np.all((y >= 0) & (y < z.shape[1])) for z, y in parts)
    same = len({z.shape[1] for z, _ in parts}) == 1
    return right and same and all(np.all(np.abs(z) < 100) and has_best_temperature(z, y) for z, y in parts)


@report.mistake
def report_fitted_on_test(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """T is still fitted on the test part. There it is the best of all T by definition, so the loss cannot come out
    higher than an honest one. Which part has neither trained the model nor is to be reported?"""
    return float(losses.cross_entropy(z_test / calibration.fit_temperature(z_test, y_test), y_test))


@report.mistake
def report_fitted_on_training(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """Now T is fitted on the training part. The model has seen these labels: is it as often right elsewhere as it is
    there?"""
    return float(losses.cross_entropy(z_test / calibration.fit_temperature(z_train, y_train), y_test))


@report.mistake
def report_fitted_on_both(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """Validation and test together: the test labels still have a say in T. Which labels may have one?"""
    z, y = np.concatenate([z_valid, z_test]), np.concatenate([y_valid, y_test])
    return float(losses.cross_entropy(z_test / calibration.fit_temperature(z, y), y_test))


@report.mistake
def report_fitted_on_training_and_validation(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """More data for T, but part of it are pictures that the model was trained on, where it is too often right. What
    would T be if they were the majority?"""
    z, y = np.concatenate([z_train, z_valid]), np.concatenate([y_train, y_valid])
    return float(losses.cross_entropy(z_test / calibration.fit_temperature(z, y), y_test))


@report.mistake
def report_on_validation(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """You fit and report on the validation part, so the report flatters again. What is the third part for?"""
    return float(losses.cross_entropy(z_valid / calibration.fit_temperature(z_valid, y_valid), y_valid))


@report.mistake
def report_multiplied(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """The right T, but multiplied. Does a T above 1 soften your probabilities?"""
    return float(losses.cross_entropy(z_test * calibration.fit_temperature(z_valid, y_valid), y_test))


@report.mistake
def report_uncalibrated(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """Honest, but this is the model without a temperature. Where should T come from?"""
    return float(losses.cross_entropy(z_test, y_test))


@report.mistake
def report_on_both(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """T is fitted where it should be, but its own samples are part of the report. Which part has had no say in
    anything?"""
    T = calibration.fit_temperature(z_valid, y_valid)
    return float(losses.cross_entropy(np.concatenate([z_valid, z_test]) / T, np.concatenate([y_valid, y_test])))


@report.mistake
def report_fitted_on_all(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """All data together fit T, those that the model was trained on and those that are to be reported. Which labels may
    have a say in T?"""
    z, y = np.concatenate([z_train, z_valid, z_test]), np.concatenate([y_train, y_valid, y_test])
    return float(losses.cross_entropy(z_test / calibration.fit_temperature(z, y), y_test))


@report.mistake
def report_of_mean_temperature(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """The mean of two temperatures, one of them fitted on the test part: its labels still have a say. Which labels may
    have one?"""
    T = (calibration.fit_temperature(z_valid, y_valid) + calibration.fit_temperature(z_test, y_test)) / 2
    return float(losses.cross_entropy(z_test / T, y_test))


@report.mistake
def report_on_training(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """You report on the training part. Are those pictures to come?"""
    return float(losses.cross_entropy(z_train / calibration.fit_temperature(z_valid, y_valid), y_train))


@report.mistake
def report_of_probabilities(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """The right T; but you handed probabilities to a loss that takes logits, so the softmax is taken twice. What does
    losses.cross_entropy do with its input?"""
    T = calibration.fit_temperature(z_valid, y_valid)
    return float(losses.cross_entropy(losses.softmax(z_test / T), y_test))


@report.mistake
def report_divided(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """The right T; but you divided the loss by it, in place of the logits. At which point does T act?"""
    return float(losses.cross_entropy(z_test, y_test)) / calibration.fit_temperature(z_valid, y_valid)


@report.mistake
def report_summed(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """The right T, and a sum. What should the report be if every sample came twice?"""
    return honest_report(z_train, y_train, z_valid, y_valid, z_test, y_test) * len(y_test)


@report.mistake
def report_of_temperature(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """That is T itself. Which loss does it lead to, and on which part?"""
    return calibration.fit_temperature(z_valid, y_valid)


@report.mistake
def report_of_errors(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """You counted how often the favourite is right. Can a temperature change that number?"""
    return float(np.mean(z_test.argmax(axis=1) != y_test))


@report.mistake(like=report_of_errors)
def report_of_accuracy(z_train, y_train, z_valid, y_valid, z_test, y_test):
    return float(np.mean(z_test.argmax(axis=1) == y_test))


weights = Draft(
    "7.5",
    "Turn probabilities (N, C) of a model trained with class weights w (C,) above 0 into those of unweighted training.",
    must=(
        Must("has rows that add up to 1", lambda q, p, w: np.allclose(q.sum(axis=1), 1, atol=1e-6)),
        Must("has no entry below 0", lambda q, p, w: np.all(q >= 0)),
    ),
    slips=(NEGATIVE, TRANSPOSED, OVER_SAMPLES, OVER_CLASSES, HALVED, DOUBLED, *EPSILONS),
    hints=(
        "By equation 7.11 the weighted model reports p*_c in proportion to w_c q_c. What is q_c in proportion to?",
        "Divide each column by its weight, then each row by its sum.",
    ),
    afterwards=(
        "Check that weights that are all equal change nothing. calibration.shift_prior_probs does the same, with any "
        "pair of frequencies."
    ),
)


@weights.reference
def unweighted(p, w):
    q = p / w
    return q / q.sum(axis=1, keepdims=True)


@weights.inputs
def weights_inputs(rng):
    sizes = rng.integers([(2, 3), (2, 2), (4, 6), (1, 4)], [(6, 5), (8, 3), (9, 12), (2, 7)])
    shapes = [*sizes, (3, 3), (4, 4)]
    drawn = [(rng.dirichlet(np.ones(c), n), rng.uniform(0.2, 5.0, c)) for n, c in shapes]
    equal = (rng.dirichlet(np.ones(4), 6), np.full(4, 2.0))
    sure = (np.array([[0.0, 1.0], [1.0, 0.0], [0.25, 0.75]]), np.array([1e-3, 1.0]))
    rare = (np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]), np.array([40.0, 1.0, 0.01]))
    return [(np.array([[0.5, 0.5]]), np.array([1.0, 9.0])), *drawn, equal, sure, rare]


@weights.domain
def weights_domain(p, w):
    rows = p.ndim == 2 and len(p) > 0 and p.shape[1] == len(w) > 1 and np.allclose(p.sum(axis=1), 1, atol=1e-9)
    return rows and np.all(p >= 0) and np.all(w >= 1e-3)


@weights.mistake
def weighted_again(p, w):
    """You multiplied by the weights, which puts them in a second time. The model already acts as if class c were w_c
    times as frequent: which way leads back?"""
    q = p * w
    return q / q.sum(axis=1, keepdims=True)


@weights.mistake
def not_normalised(p, w):
    """The right proportions, but your rows no longer add up to 1. What restores that?"""
    return p / w


@weights.mistake
def divided_by_share(p, w):
    """You scaled the weights to add up to 1, but your rows do not. Which sum has to be 1?"""
    q = p / (w / w.sum())
    return q


@weights.mistake
def normalised_in_total(p, w):
    """You divided by the sum of the whole table. Each sample has probabilities of its own: along which axis should they
    add up to 1?"""
    q = p / w
    return q / q.sum()


@weights.mistake
def normalised_over_samples(p, w):
    """Your columns add up to 1, not your rows. Along which axis do the classes lie?"""
    q = p / w
    return q / q.sum(axis=0, keepdims=True)


@weights.mistake
def log_subtracted_from_probabilities(p, w):
    """You subtracted log w from the probabilities. Equation 7.13 subtracts it from the logits: what are logits of a
    given p? (log p will do.)"""
    return losses.softmax(p - np.log(w))


@weights.mistake
def weight_subtracted(p, w):
    """You subtracted w itself from the logits. A weight multiplies probabilities: what does a factor become under the
    logarithm?"""
    return losses.softmax(np.log(p) - w)


@weights.mistake
def divided_then_softmax(p, w):
    """Dividing is right, but then you took a softmax, which is for logits. How do you make positive numbers add up to 1
    without changing their proportions?"""
    return losses.softmax(p / w)


@weights.mistake
def left_alone(p, w):
    """You left the probabilities as they were. Are they those of this world?"""
    return p


@weights.mistake
def weighted_not_normalised(p, w):
    """You multiplied by the weights, which puts them in a second time, and the rows no longer add up to 1. Which way
    leads back, and what restores the sum?"""
    return p * w


@weights.mistake
def weights_squared(p, w):
    """You took the weights out twice. By equation 7.11, how often are they in?"""
    return unweighted(p, w**2)


@weights.mistake
def root_of_weights(p, w):
    """You took the root of each weight out, so half of it stays (on the scale of logits). By equation 7.11, which power
    of w is in?"""
    return unweighted(p, np.sqrt(w))


@weights.mistake
def weights_over_samples(p, w):
    """Your weights lie along the samples, one for each row. With which axis of p does w go?"""
    return unweighted(p, w[:, None])


@weights.mistake
def logits_returned(p, w):
    """These are logits, and the right ones. Which function turns them into probabilities?"""
    return np.log(p) - np.log(w)


@weights.mistake
def log_probabilities_returned(p, w):
    """These are the logarithms of the right probabilities. What undoes them?"""
    return np.log(unweighted(p, w))


@weights.mistake
def each_class_alone(p, w):
    """You treated each class as if all others had weight 1, one against the rest, and the rows do not add up to 1. By
    what are all classes of a row divided in equation 7.11?"""
    return p / (p + w * (1 - p))


@weights.mistake
def most_probable_only(p, w):
    """You decided for one class in each row. Probabilities are asked for: what is lost in a decision?"""
    return np.eye(len(w))[np.argmax(p / w, axis=1)]


@weights.mistake
def divided_by_mean_weight(p, w):
    """One number divides all classes, so their proportions stay as they were. Which weight belongs to which column?"""
    return p / w.mean()


@weights.mistake
def normalised_by_largest(p, w):
    """Your rows have 1 as their largest entry. What has to be 1 in a row of probabilities?"""
    q = p / w
    return q / q.max(axis=1, keepdims=True)


@weights.mistake
def weights_taken_off(p, w):
    """You subtracted the weights from the probabilities. In equation 7.11 they are factors: what undoes a factor?"""
    q = p - w
    return q / q.sum(axis=1, keepdims=True)


@weights.mistake
def balanced_instead(p, w):
    """You divided by the mean of each column, as if all classes should come equally often; w has no say. What does the
    weighted model report in place of q_c?"""
    q = p / p.mean(axis=0)
    return q / q.sum(axis=1, keepdims=True)


@weights.mistake(small=SMALL_NUMBERS[:-1])
def weighted_padded(p, w, small):
    """You add a small number to keep the logarithm from 0, and a class with probability 0 gets some. What does a
    probability of 0 become when it is divided by its weight?"""
    return losses.softmax(np.log(p + small) - np.log(w))
