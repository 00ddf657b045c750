"""Exercise 3.4: the cross-entropy of scores."""

import numpy as np

from xent_helpers.exercises.chapter_03 import BOUNDS, TINY_NUMBERS, drawn_scores
from xent_helpers.exercises.chapter_03.softmax import (
    are_scores,
    softmax_as_logarithm,
    softmax_unshifted,
    stable_softmax,
)
from xent_helpers.exercises.constants import NEVER_NEGATIVE
from xent_helpers.exercises.draft import Draft
from xent_helpers.exercises.slips import AVERAGED, LABELS_TOO_LOW, NEGATIVE


def cross_entropy_tolerance(z, y):
    """Float32 scores may have been worked with in float32, whatever the type of the answer."""
    return (1e-6, 2.5e-5) if z.dtype == np.float32 else (1e-12, 1e-10)


cross_entropy = Draft(
    "3.4",
    "Return the cross-entropy of each row of scores z (N, C) with label y (N,), right to 1e-10 where z is float64, for "
    "scores up to ±10,000, those beyond ±100 whole.",
    must=(NEVER_NEGATIVE,),
    tolerance=cross_entropy_tolerance,
    rounds=3,  # each draws a dozen inputs
    hints=(
        "Start from equation 3.5: the loss is LSE(z) minus the true class's score.",
        "Replace LSE by the right side of equation 3.10, with s the largest score of each row.",
        "Join s and z_y first, (s − z_y), and add the logarithm last.",
    ),
    afterwards="Now scores (40, 0, 0) and class 0: the loss is 8.5e-18. What do you get? Exercise 3.5 asks for it.",
)


@cross_entropy.reference
def shifted_cross_entropy(z, y):
    z = z.astype(np.float64)
    largest = z.max(axis=1)
    log_sum = np.log(np.exp(z - largest[:, None]).sum(axis=1))
    return (largest - z[np.arange(len(y)), y]) + log_sum


@cross_entropy.inputs
def cross_entropy_inputs(rng):
    plain = np.array([[1.0, 2.0, 0.1], [0.0, 0.0, 0.0], [-1.0, 3.0, 0.5]])
    gaps = np.array([[0.0, 200.0, -1.0], [200.0, 0.0, -1.0], [40.0, 0.0, 0.0], [0.0, 40.0, 0.0], [1.0, 2.0, 3.0]])
    far = np.array([[1e4, 1e4], [-1e4, -1e4], [1e4, -1e4], [-1e4, 1e4]])
    leads = np.array([[14.0, 0.0, 0.0], [-22.5, 0.0, -30.0], [8.0, 31.0, 0.0]])  # losses of 2e-6 to 1e-10
    low = np.array([[0.0, 1.0], [-1e4, -9999.0]])  # a row far below the other
    drawn = [(z, rng.integers(0, z.shape[1], len(z))) for z in drawn_scores(rng)]
    return [
        (plain, np.array([1, 0, 2])),
        *drawn,
        (gaps, np.array([0, 0, 0, 0, 1])),
        (far, np.array([0, 1, 0, 0])),
        (low, np.array([1, 0])),
        (leads, np.array([0, 1, 1])),
        (np.array([[3.0], [-1e4]]), np.array([0, 0])),
        *((z.astype(np.float32), y) for z, y in drawn[:2]),
        (gaps.astype(np.float32), np.array([0, 0, 0, 0, 1])),
        (far.astype(np.float32), np.array([0, 1, 0, 0])),
        (np.array([[0.0, 100.0, 1.0]], dtype=np.float32), np.array([0])),  # exp of −100 is not 0, but has few digits
        (np.array([[0.0, 740.0, 1.0]]), np.array([0])),
    ]


@cross_entropy.domain
def cross_entropy_domain(z, y):
    return are_scores(z) and len(y) == len(z) and np.all((y >= 0) & (y < z.shape[1]))


@cross_entropy.mistake
def cross_entropy_unshifted(z, y):
    """The obvious code: right for small scores, inf or NaN for large ones. Which number, subtracted from each row,
    keeps exp from overflowing?"""
    return -np.log(softmax_unshifted(z)[np.arange(len(y)), y])


@cross_entropy.mistake
def cross_entropy_of_a_shifted_softmax(z, y):
    """You shift inside the softmax and take the logarithm afterwards. At a gap of 200 the float32 probability has
    become 0 by then. In which order do logarithm and exponential cancel?"""
    return -np.log(stable_softmax(z)[np.arange(len(y)), y])


@cross_entropy.mistake
def cross_entropy_shifted_by_the_labels_score(z, y):
    """You shift by the label's own score. If that is far below another one, exp of the difference is inf. Which score
    of a row leaves no exponent above 0?"""
    own = z[np.arange(len(y)), y]
    return np.log(np.exp(z - own[:, None]).sum(axis=1))


@cross_entropy.mistake(small=TINY_NUMBERS)
def cross_entropy_with_an_epsilon(z, y, small):
    """The small number turns log 0 into something finite (1e-7: 16.12), and a loss of 200 into the same. What should a
    row cost whose true class lies 200 below the best?"""
    return -np.log(stable_softmax(z)[np.arange(len(y)), y] + small)


@cross_entropy.mistake(like=cross_entropy_with_an_epsilon, small=TINY_NUMBERS)
def cross_entropy_with_clipped_p(z, y, small):
    return -np.log(np.maximum(stable_softmax(z)[np.arange(len(y)), y], small))


@cross_entropy.mistake
def cross_entropy_by_one_hot(z, y):
    """Multiplying by the one-hot row computes 0 times log 0 where another class has p = 0, which is NaN, even for a
    perfect answer. How do you pick one entry of each row instead?"""
    return -(np.eye(z.shape[1])[y] * np.log(stable_softmax(z))).sum(axis=1)


@cross_entropy.mistake
def cross_entropy_of_columns(z, y):
    """You normalise over the samples of the batch: each sample's loss changes with its neighbours. Along which axis do
    the classes lie?"""
    largest = z.max(axis=0, keepdims=True)
    log_p = z - largest - np.log(np.exp(z - largest).sum(axis=0, keepdims=True))
    return -log_p[np.arange(len(y)), y]


@cross_entropy.mistake
def cross_entropy_without_the_shift_put_back(z, y):
    """log Σ exp(z − s) is smaller than log Σ exp(z) by s. Where does your s come back?"""
    largest = z.max(axis=1, keepdims=True)
    return np.log(np.exp(z - largest).sum(axis=1)) - z[np.arange(len(y)), y]


@cross_entropy.mistake
def cross_entropy_through_the_sum(z, y):
    """You add the largest score to a logarithm and take z_y away afterwards: two float32 scores of 10,000 should cost
    log 2 = 0.6931, and that order gives 0.6934. What does 10,000.6931 become in float32?"""
    largest = z.max(axis=1)
    log_sum = largest + np.log(np.exp(z - largest[:, None]).sum(axis=1))
    return log_sum - z[np.arange(len(y)), y]


@cross_entropy.mistake
def cross_entropy_as_all_pairs(z, y):
    """You return an N by N table where N numbers belong. Which of your arrays has shape (N, 1), and which (N,)?"""
    return shifted_cross_entropy(z, y)[:, None] * np.ones((1, len(y)))


cross_entropy.says(NEGATIVE, "Your losses are negative. The logarithm of what is negative?")
cross_entropy.says(AVERAGED, "That is the mean over the rows. Can you return one loss for each row?")
cross_entropy.says(LABELS_TOO_LOW, "You read label 1 as the first class. From which number do labels count here?")


@cross_entropy.mistake
def cross_entropy_unshifted_sum(z, y):
    """The formula is right, LSE(z) − z_y; but exp(10000) is inf, and the log of a sum of exp(−10000) is −inf. Which
    number, subtracted from each row, keeps exp in its range, and where does it come back?"""
    return np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]


@cross_entropy.mistake
def cross_entropy_guarded(z, y):
    """nan_to_num makes the NaN a 0 and the inf an enormous number, both as wrong as before and harder to see. Where do
    they come from?"""
    return np.nan_to_num(cross_entropy_unshifted(z, y))


@cross_entropy.mistake
def cross_entropy_shifted_by_one_maximum(z, y):
    """You shift by the largest score of the whole batch. A row far below it has exponentials of 0, and log 0 is −inf.
    Which maximum does that row need?"""
    s = z.max()
    return (s - z[np.arange(len(y)), y]) + np.log(np.exp(z - s).sum(axis=1))


@cross_entropy.mistake(like=cross_entropy_shifted_by_one_maximum)
def cross_entropy_shifted_by_one_maximum_through_the_sum(z, y):
    s = z.max()
    return s + np.log(np.exp(z - s).sum(axis=1)) - z[np.arange(len(y)), y]


@cross_entropy.mistake
def cross_entropy_shifted_without_keepdims(z, y):
    """The maximum of each row has shape (N,), and NumPy subtracts it from the columns. What does keepdims=True change
    about that shape?"""
    s = z.max(axis=1)
    return (s - z[np.arange(len(y)), y]) + np.log(np.exp(z - s).sum(axis=1))


@cross_entropy.mistake(like=cross_entropy_shifted_without_keepdims)
def cross_entropy_shifted_without_keepdims_through_the_sum(z, y):
    s = z.max(axis=1)
    return s + np.log(np.exp(z - s).sum(axis=1)) - z[np.arange(len(y)), y]


@cross_entropy.mistake(bound=BOUNDS)
def cross_entropy_of_clipped_scores(z, y, bound):
    """Clipping the scores makes all gaps beyond the bound equal: scores of 10,000 and −10,000 are 20,000 apart, and
    that is what the worse class costs. What makes scores smaller and keeps their differences?"""
    return shifted_cross_entropy(np.clip(z, -bound, bound), y)


@cross_entropy.mistake
def cross_entropy_of_the_softmax(z, y):
    """You put the softmax where the scores belong, so it is applied twice: no loss can come near 0. What goes into the
    log-sum-exp?"""
    return shifted_cross_entropy(stable_softmax(z.astype(np.float64)), y)


@cross_entropy.mistake
def cross_entropy_of_the_favourite(z, y):
    """You charge for the class with the highest score, so the labels play no role. Whose score is z_y?"""
    return shifted_cross_entropy(z, z.argmax(axis=1))


@cross_entropy.mistake
def cross_entropy_with_a_sharp_corner(z, y):
    """That is the gap to the best class, the loss with its corner left sharp. What does a row of equal scores, which
    knows nothing, cost?"""
    return z.max(axis=1) - z[np.arange(len(y)), y]


@cross_entropy.mistake
def cross_entropy_with_log_mean(z, y):
    """You took the log of the mean of the exponentials: every loss is log C too low. What runs over the classes, a mean
    or a sum?"""
    return shifted_cross_entropy(z, y) - np.log(z.shape[1])


@cross_entropy.mistake
def cross_entropy_with_the_score_added(z, y):
    """You add the true class's score. Should a higher one make the loss larger or smaller?"""
    return shifted_cross_entropy(z, y) + 2 * z[np.arange(len(y)), y]


@cross_entropy.mistake
def log_sum_exp_alone(z, y):
    """That is the log-sum-exp of each row, whatever the label. What comes off it?"""
    return shifted_cross_entropy(z, y) + z[np.arange(len(y)), y]


@cross_entropy.mistake
def cross_entropy_of_every_class(z, y):
    """That is what every class would cost, an array of shape (N, C). How do you pick the label's in each row?"""
    return -softmax_as_logarithm(z)


@cross_entropy.mistake
def cross_entropy_summed_over_classes(z, y):
    """You charge every class of a row, whatever the label is. Which one is the true class?"""
    return -softmax_as_logarithm(z).sum(axis=1)


@cross_entropy.mistake
def cross_entropy_of_whole_columns(z, y):
    """[:, y] pairs every row with every label and gives an N by N table. How do you pair row i with label i only?
    (np.arange(N) as the row index.)"""
    return -softmax_as_logarithm(z)[:, y]


@cross_entropy.mistake(like=cross_entropy_of_whole_columns)
def cross_entropy_minus_whole_columns(z, y):
    s = z.max(axis=1)
    return s + np.log(np.exp(z - s[:, None]).sum(axis=1)) - z[:, y]


@cross_entropy.mistake
def cross_entropy_of_rows_by_label(z, y):
    """[y] picks whole rows, and takes the label for the number of a sample. Which index is the class?"""
    return -softmax_as_logarithm(z)[y]


@cross_entropy.mistake
def probability_of_the_label(z, y):
    """That is the probability of the label. What does the loss make of it, and can you get there without it?"""
    return stable_softmax(z)[np.arange(len(y)), y]


@cross_entropy.mistake
def missed_probability(z, y):
    """That is the probability that was missed, at most 1. What does −log charge for a label with p near 0?"""
    return 1 - stable_softmax(z)[np.arange(len(y)), y]


@cross_entropy.mistake
def cross_entropy_as_coins(z, y):
    """You treat every class as a coin of its own. One of the C classes is the true one: where do they compete?"""
    hit = np.eye(z.shape[1])[y]
    return (np.logaddexp(0, z) - hit * z).sum(axis=1)
