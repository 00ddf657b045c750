"""Exercise 3.5: the logarithm of a loss."""

import numpy as np

from xent_helpers.exercises.chapter_03 import TINY_NUMBERS, drawn_scores
from xent_helpers.exercises.chapter_03.cross_entropy import (
    cross_entropy_domain,
    cross_entropy_of_a_shifted_softmax,
    shifted_cross_entropy,
)
from xent_helpers.exercises.chapter_03.softmax import stable_softmax
from xent_helpers.exercises.draft import Draft

log_loss = Draft(
    "3.5",
    "Return log10 of the cross-entropy of each row of scores z (N, C), C at least 2, with label y (N,), up to a "
    "margin of 700.",
    tolerance=1e-12,
    rounds=3,  # each draws a dozen inputs
    hints=(
        "Sum the other classes only, as in equation 3.12.",
        "Let g be log-sum-exp of the others minus z_y. What is the loss in terms of g?",
        "The loss is softplus(g). Equation 3.11 computes it for g of any size and sign.",
    ),
    afterwards="The loss is softplus of one number: to it there are only two classes, the true one and the rest.",
)


@log_loss.reference
def log10_loss(z, y):
    rows, (n, classes) = np.arange(len(y)), z.shape
    own = z[rows, y]
    others = z[np.arange(classes) != y[:, None]].reshape(n, classes - 1)
    s = others.max(axis=1)
    log_others = s + np.log(np.exp(others - s[:, None]).sum(axis=1))
    gap = log_others - own
    return np.log10(np.maximum(gap, 0) + np.log1p(np.exp(-np.abs(gap))))


MARGIN = 700  # beyond about 708 the loss itself is below float64's normal numbers


def margins_of(z, y):
    others = np.where(np.arange(z.shape[1]) == y[:, None], -np.inf, z)
    return z[np.arange(len(y)), y] - others.max(axis=1)


def near_enough(z, y):
    """The labels, and the lowest score's where the label's leads by more than the task states."""
    return np.where(margins_of(z, y) > MARGIN, z.argmin(axis=1), y)


@log_loss.inputs
def log10_inputs(rng):
    margins = np.array([[0.0, -1.0, -20.0], [20.0, 0.0, -1.0], [40.0, 0.0, 0.0], [0.0, 300.0, 299.0], [700.0, 0, 0]])
    ties = np.zeros((3, 4))
    large = [np.array([[-1e4, 1e4, 9999.0], [1e4, -1e4, 9960.0]]), np.array([[9000.0, 8302.0], [-9000.0, -9000.0]])]
    drawn = [(z, near_enough(z, rng.integers(0, z.shape[1], len(z)))) for z in drawn_scores(rng)]
    return [
        (np.array([[1.0, 2.0, 0.1], [0.0, 0.0, 0.0]]), np.array([1, 0])),
        (np.array([[40.0, 0.0, 0.0]]), np.array([0])),
        *drawn,
        (margins, np.array([2, 0, 0, 1, 0])),
        (ties, np.array([0, 1, 3])),
        *((z, np.array([0, 0])) for z in large),
    ]


@log_loss.domain
def log10_domain(z, y):
    return cross_entropy_domain(z, y) and z.shape[1] > 1 and np.all(margins_of(z, y) <= MARGIN)


@log_loss.mistake
def log10_through_the_softmax(z, y):
    """The loss of a confident right answer comes out as 0, and that of a very wrong one as inf: the softmax rounds to 1
    and to 0. Can you do without it?"""
    return np.log10(cross_entropy_of_a_shifted_softmax(z, y))


@log_loss.mistake
def log10_of_the_shifted(z, y):
    """The plain shift is right for wrong answers. For a margin of 40 its sum is 1 + 8.5e-18, which float64 rounds to 1,
    so the loss is 0 and its logarithm −inf. Which function computes log(1 + x) from x?"""
    return np.log10(shifted_cross_entropy(z, y))


@log_loss.mistake(small=TINY_NUMBERS)
def log10_with_an_epsilon(z, y, small):
    """The small number keeps the −inf away by moving every tiny loss to the same place. What does a margin of 40 cost,
    compared with your small number, and one of 600?"""
    return np.log10(shifted_cross_entropy(z, y) + small)


@log_loss.mistake(like=log10_with_an_epsilon, small=TINY_NUMBERS)
def log10_of_the_exact_with_an_epsilon(z, y, small):
    return np.log10(10 ** log10_loss(z, y) + small)


@log_loss.mistake
def log10_guarded(z, y):
    """nan_to_num puts the lowest number that float64 has where −inf was. What does a margin of 40 cost?"""
    return np.nan_to_num(log10_of_the_shifted(z, y))


@log_loss.mistake
def log10_by_margins(z, y):
    """Right for right answers. For a very wrong one exp(z_c − z_y) overflows. Which shift is safe there, and how do you
    choose between the two without computing inf?"""
    own = z[np.arange(len(y)), y][:, None]
    others = np.where(np.arange(z.shape[1]) == y[:, None], 0.0, np.exp(z - own)).sum(axis=1)
    return np.log10(np.log1p(others))


@log_loss.mistake
def natural_log_of_the_loss(z, y):
    """Right loss, natural logarithm. The axis counts in powers of what?"""
    return log10_loss(z, y) * np.log(10)


@log_loss.mistake
def log10_of_best_rival_only(z, y):
    """You compare with the best rival only. What do the other classes add to the sum?"""
    others = np.where(np.arange(z.shape[1]) == y[:, None], -np.inf, z)
    gap = others.max(axis=1) - z[np.arange(len(y)), y]
    return np.log10(np.maximum(gap, 0) + np.log1p(np.exp(-np.abs(gap))))


@log_loss.mistake
def log10_counting_the_true_class_twice(z, y):
    """log1p adds a 1 that stands for the true class, and your sum holds that class already. Which terms belong inside
    log1p?"""
    own = z[np.arange(len(y)), y][:, None]
    s = np.maximum(z.max(axis=1, keepdims=True) - own, 0)
    return np.log10(s[:, 0] + np.log1p(np.exp(z - own - s).sum(axis=1)))


@log_loss.mistake
def loss_on_a_plain_axis(z, y):
    """That is the loss, and a good one. What is asked for is its logarithm: which?"""
    return 10 ** log10_loss(z, y)


@log_loss.mistake
def log2_of_the_loss(z, y):
    """That is the logarithm to base 2. The axis counts in powers of what?"""
    return log10_loss(z, y) * np.log2(10)


@log_loss.mistake
def log10_of_the_probability(z, y):
    """That is log10 of the probability, the loss itself but for a factor. Which logarithm is taken of the loss?"""
    return -shifted_cross_entropy(z, y) / np.log(10)


@log_loss.mistake
def loss_in_powers_of_ten(z, y):
    """That is −log10 of the probability, the loss in another unit. Which logarithm is taken of the loss?"""
    return shifted_cross_entropy(z, y) / np.log(10)


@log_loss.mistake
def log10_by_the_missed_share(z, y):
    """Right for right answers. For a very wrong one the share of the others rounds to 1, and log1p(−1) is −inf. Which
    formula has no probability in it?"""
    others = np.where(np.arange(z.shape[1]) == y[:, None], 0.0, stable_softmax(z)).sum(axis=1)
    return np.log10(-np.log1p(-others))


@log_loss.mistake
def log10_of_the_others_sum(z, y):
    """You take log(1 + x) for x. That is good for a large margin; what does a row of equal scores cost?"""
    gap = np.where(np.arange(z.shape[1]) == y[:, None], -np.inf, z - z[np.arange(len(y)), y][:, None])
    s = gap.max(axis=1)
    return (s + np.log(np.exp(gap - s[:, None]).sum(axis=1))) / np.log(10)


@log_loss.mistake
def log10_averaged_first(z, y):
    """That is the logarithm of the mean loss. One number for each row is asked for: which step is too much?"""
    return np.log10(np.mean(10 ** log10_loss(z, y)))
