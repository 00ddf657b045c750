"""Exercise 3.3: the binary loss of scores."""

import numpy as np

from xent_helpers.exercises.chapter_03 import BOUNDS, TINY_NUMBERS, are_fine, made_fine
from xent_helpers.exercises.constants import NEVER_NEGATIVE
from xent_helpers.exercises.draft import Draft

binary = Draft(
    "3.3",
    "Return the binary loss of each score z (N,) with label y (N,) from 0 to 1, right to 1e-8, for scores up to "
    "±10,000, those beyond ±100 whole.",
    must=(NEVER_NEGATIVE,),
    tolerance=(1e-13, 5e-9),  # softplus may be taken for z beyond 20, as torch's does, which is wrong by 2e-9
    rounds=3,  # each draws a dozen inputs
    hints=(
        "By equation 3.7 the loss is y softplus(−z) + (1 − y) softplus(z).",
        "Equation 3.11 computes softplus without overflow.",
        "softplus(−z) = softplus(z) − z. So the loss is softplus(z) − z y.",
    ),
    afterwards="Does yours also keep what a right answer costs? Try score 40 with label 1: the loss is 4.2e-18, not 0.",
)


@binary.reference
def stable_binary_loss(z, y):
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))


@binary.inputs
def binary_inputs(rng):
    plain = [([2.0, -1.0, 0.0, 0.5, 0.0], [1.0, 0.0, 1.0, 0.0, 0.0]), ([3.0], [1.0]), ([1.0, -2.0], [0.25, 0.5])]
    far = [
        ([40.0, -40.0, 40.0, -40.0, 17.0, 104.0], [0.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
        ([17.0, -17.0, 23.0, -23.0, 29.5, -29.5, 33.0, -33.0, 36.0, -36.0], [0.0, 1.0] * 5),
        ([17.0, -17.0, 23.0, -23.0, 29.5, -29.5, 33.0, -33.0, 36.0, -36.0], [1.0, 0.0] * 5),
        ([15.5, -15.5, 12.2, -12.2, 15.5, -15.5, 12.2, -12.2], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]),
        ([10.5, -10.5, 5.5, -5.5, 10.5, -10.5, 5.5, -5.5], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]),
        ([710.0, -710.0, 740.0, -740.0, 800.0], [0.0, 1.0, 1.0, 0.0, 0.5]),
        ([-720.0, -800.0, -1e4], [1.0, 1.0, 1.0]),
        ([1e4, 1e4, -1e4, -1e4, 9999.0], [0.0, 1.0, 0.0, 1.0, 0.25]),
        ([1e4, -1e4, 700.0, -300.0], [0.3, 0.3, 0.7, 0.1]),  # labels that float32 rounds
    ]
    sizes = rng.integers([1, 2, 6, 20], [3, 6, 12, 40])
    hard = [(rng.normal(size=n) * 3, rng.integers(0, 2, n)) for n in sizes]
    soft = [(rng.normal(size=n) * 3, rng.uniform(0, 1, n)) for n in sizes[1:3]]
    spread = [(rng.normal(size=n) * 10 ** rng.uniform(1, 3, n), rng.integers(0, 2, n)) for n in sizes[1:3]]
    cases = [*plain, *hard, *soft, *far, *((made_fine(z), y) for z, y in spread)]
    return [(np.array(z), np.array(y, dtype=float)) for z, y in cases]


@binary.domain
def binary_domain(z, y):
    return z.shape == y.shape and len(z) > 0 and are_fine(z) and np.all((y >= 0) & (y <= 1))


@binary.mistake
def binary_through_the_sigmoid(z, y):
    """That is the snippet's way. At score 40 the sigmoid is exactly 1, and the loss becomes log 0; where the label
    switches that term off, 0 times inf is NaN. Can you reach the loss without forming p?"""
    p = 1 / (1 + np.exp(-z))
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


@binary.mistake
def binary_through_a_stable_sigmoid(z, y):
    """Your sigmoid does not overflow, but it still rounds to 1: at score 40 the loss becomes log 0, and where the label
    switches that term off, 0 times inf is NaN. Can you reach the loss without forming p?"""
    p = np.exp(-np.logaddexp(0, -z))
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


@binary.mistake(small=TINY_NUMBERS)
def binary_with_an_epsilon(z, y, small):
    """The small number hides the log 0 and stops every loss at −log of it (1e-7: 16.12). A score of 10,000 with label 0
    costs 10,000. Which formula of the loss has no logarithm of p in it?"""
    p = 1 / (1 + np.exp(-z))
    return -(y * np.log(p + small) + (1 - y) * np.log(1 - p + small))


@binary.mistake(small=TINY_NUMBERS)
def binary_with_clipped_p(z, y, small):
    """Clipping p stops every loss at −log of the bound (1e-7: 16.12), and the gradient there is 0: the worst answers
    teach nothing. What does a score of 10,000 with label 0 cost?"""
    p = np.clip(1 / (1 + np.exp(-z)), small, 1 - small)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


@binary.mistake
def binary_with_logs_capped(z, y):
    """Capping the logarithm at −100, as BCELoss does, turns a loss of −log 0 into 100. What does a score of 40 with
    label 0 cost, and what do you get?"""
    p = 1 / (1 + np.exp(-z))
    return -(y * np.maximum(np.log(p), -100) + (1 - y) * np.maximum(np.log(1 - p), -100))


@binary.mistake
def binary_guarded_against_nan(z, y):
    """nan_to_num makes the NaN a 0 and the inf an enormous number, both as wrong as before and harder to see. Where do
    they come from?"""
    return np.nan_to_num(binary_through_the_sigmoid(z, y))


@binary.mistake(bound=BOUNDS)
def binary_with_clipped_scores(z, y, bound):
    """Clipping the scores makes all answers beyond the bound equal: with label 0 a score of 40 costs 40, and one of
    10,000 costs 10,000. Which part of the loss needs large numbers to become small, and which does not?"""
    return stable_binary_loss(np.clip(z, -bound, bound), y)


@binary.mistake(like=binary_with_clipped_scores, bound=BOUNDS)
def binary_through_clipped_scores(z, y, bound):
    return binary_through_the_sigmoid(np.clip(z, -bound, bound), y)


@binary.mistake
def binary_stable_on_the_other_side(z, y):
    """The formula is right, softplus(z) − z y; but above 709 exp(z) is inf. Whose exponential stays below 1 on both
    sides?"""
    return np.log(1 + np.exp(z)) - y * z


@binary.mistake
def binary_with_both_softplus_plain(z, y):
    """No p any more, good; but exp of a large score is inf, and where the label switches that term off, 0 times inf is
    NaN. How does equation 3.11 keep the exponent below 0?"""
    return y * np.log(1 + np.exp(-z)) + (1 - y) * np.log(1 + np.exp(z))


@binary.mistake
def binary_by_sign(z, y):
    """Right for labels 0 and 1. A label between them weighs both losses; 2y − 1 scales the score instead. What should y
    = 0.5 cost at score 2?"""
    return np.logaddexp(0, -(2 * y - 1) * z)


@binary.mistake
def binary_by_whole_label(z, y):
    """Right for labels 0 and 1. A label between them is made one of the two. How much of each loss does y = 0.25 ask
    for?"""
    return np.where(y == 1, np.logaddexp(0, -z), np.logaddexp(0, z))


@binary.mistake(like=binary_by_whole_label)
def binary_by_rounded_label(z, y):
    return np.where(y > 0.5, np.logaddexp(0, -z), np.logaddexp(0, z))


@binary.mistake(like=binary_by_whole_label)
def binary_by_nonzero_label(z, y):
    return np.where(y == 0, np.logaddexp(0, z), np.logaddexp(0, -z))


@binary.mistake
def binary_for_labels_of_either_sign(z, y):
    """log(1 + exp(−y z)) is for labels −1 and +1. What does it charge for label 0, whatever the score?"""
    return np.logaddexp(0, -y * z)


@binary.mistake
def binary_of_the_sigmoid(z, y):
    """You put the sigmoid of the score where the score belongs, so no loss can come near 0. Which of z and p does the
    stable formula take?"""
    return stable_binary_loss(1 / (1 + np.exp(-z)), y)


@binary.mistake
def binary_with_minus_corner(z, y):
    """The correction at the corner has the wrong sign. Does softplus lie above max(z, 0) or below?"""
    return np.maximum(z, 0) - z * y - np.log1p(np.exp(-np.abs(z)))


@binary.mistake
def binary_with_plus_label(z, y):
    """You add z y. softplus(z) is the loss of label 0: should a high score with label 1 cost more or less?"""
    return np.maximum(z, 0) + z * y + np.log1p(np.exp(-np.abs(z)))


@binary.mistake
def binary_with_abs_for_max(z, y):
    """You put |z| where max(z, 0) belongs. What does a score of −5 with label 0 cost?"""
    return np.abs(z) - z * y + np.log1p(np.exp(-np.abs(z)))


@binary.mistake
def binary_slope(z, y):
    """That is p − y, the slope of the loss. What is the loss itself?"""
    return 1 / (1 + np.exp(-z)) - y


@binary.mistake
def binary_squared(z, y):
    """That is the squared error of the probability. What does −log charge for a label with p near 0?"""
    return (1 / (1 + np.exp(-z)) - y) ** 2


@binary.mistake
def binary_stable_on_one_side(z, y):
    """Right for positive scores. For −10,000 you compute exp(10000). Whose exponential stays below 1 on both sides?"""
    return (1 - y) * z + np.log1p(np.exp(-z))


@binary.mistake
def binary_without_abs(z, y):
    """Negative scores come out wrong: max(z, 0) belongs with the exponential of −|z|. What does your last term give at
    z = −1, and what should it?"""
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(-z))


@binary.mistake
def binary_with_plus_abs(z, y):
    """exp(|z|) grows without end; the correction at the corner should die away from it. Which sign does the exponent
    need?"""
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(np.abs(z)))


@binary.mistake
def binary_with_swapped_labels(z, y):
    """Your loss is small where it should be large: it treats label 1 as label 0. Which score does label 1 ask for, a
    high one or a low one?"""
    return np.maximum(z, 0) - z * (1 - y) + np.log1p(np.exp(-np.abs(z)))


@binary.mistake
def binary_labels_ignored(z, y):
    """That is softplus(z), the loss of label 0, whatever the label. What has to be subtracted when y is 1?"""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


@binary.mistake
def binary_without_the_corner(z, y):
    """That is the loss with its corner left sharp. What does a score of 0, which knows nothing, cost?"""
    return np.maximum(z, 0) - z * y
