"""Exercise 7.2: the expected calibration error."""

import numpy as np

from xent_helpers import calibration
from xent_helpers.exercises.chapter_07 import A_SHARE
from xent_helpers.exercises.draft import Draft
from xent_helpers.exercises.slips import DOUBLED, EPSILONS, HALVED, NEGATIVE, ONE_FEWER, OVER_SAMPLES, SUMMED, Slip

OVER_BINS = Slip(
    "over bins",
    "the result is divided by the number of bins as well: do the weights n_b / N not make it a mean?",
    lambda output, arguments: output / arguments[2],
)


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
        claims(rng, 300, int(rng.integers(40, 100)), 0.1),
        (rng.integers(0, 65, 20) / 64, rng.integers(0, 2, 20), 64),
        (np.array([1e-9, 1 - 1e-9]), np.array([1, 0]), 1000),
        (np.array([0.249, 0.3, 0.4999, 0.6, 0.74999, 0.8]), np.array([1, 0] * 3), 4),  # just below an edge
        claims(rng, int(rng.integers(2, 9)), 1),
        claims(rng, 1, int(rng.integers(2, 9))),
    ]


@calibration_error.domain
def ece_domain(claimed, came_true, bins):
    """Claims on an edge only where the edge is an exact binary fraction, so that every way of binning agrees."""
    off_edges = np.abs(claimed * bins - np.round(claimed * bins)) > 1e-7
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
    """That is the largest gap, the *maximum* calibration error. What does the first E in ECE stand for?"""
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
    """You squared the gaps, averaged, and took the root. That is a calibration error too, but large gaps dominate it.
    Which power of the gap stands in equation 7.3?"""
    return np.sqrt(ece_squared(claimed, came_true, bins))


@calibration_error.mistake
def ece_brier(claimed, came_true, bins):
    """That squares each claim's own error, as the Brier score does. It measures skill as well as honesty. What
    has to be averaged in a bin before the difference is taken?"""
    return np.mean((claimed - came_true) ** 2)


@calibration_error.mistake
def ece_of_accuracy(claimed, came_true, bins):
    """That compares the accuracy of the verdicts with the mean claim, in one bin for all. What share is a claim of an
    event to be compared with, and where do the bins come in?"""
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
