"""Exercises of chapter 3: softmax, the binary loss and cross-entropy, right for scores of any size."""

import numpy as np

from xent_helpers.exercises.constants import NEVER_NEGATIVE
from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import AVERAGED, BASE_TEN, IN_BITS, LABELS_TOO_LOW, NEGATIVE, WRONG_AXIS

TINY_NUMBERS = (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16)  # added, or clipped to
BOUNDS = (20.0, 30.0, 50.0, 100.0, 500.0, 700.0, 709.0)  # to which scores are clipped
FARTHEST = 1e4


def drawn_scores(rng):
    """Tables of every shape and size: one sample, two classes, as many samples as classes; near, far, equal."""
    shapes = [*rng.integers([(2, 3), (1, 4), (3, 2), (5, 6)], [(6, 6), (2, 9), (9, 3), (12, 15)])]
    shapes += [(n, n) for n in rng.integers(3, 6, 2)]
    tables = [rng.normal(size=shape) * 3 for shape in shapes]
    tables[-1][0] = tables[-1][0, 0]  # a tie of all classes
    spread = [rng.normal(size=(3, 4)) * 10 ** rng.uniform(1, 3, (3, 1)), rng.uniform(-FARTHEST, FARTHEST, (3, 3))]
    return tables + [np.clip(table, -FARTHEST, FARTHEST) for table in spread]


softmax = Draft(
    "3.1",
    "Return the softmax of each row of scores z (N, C), right for scores from −10,000 to 10,000.",
    must=(
        NEVER_NEGATIVE,
        Must("adds up to 1 along each row", lambda p, z: np.allclose(p.sum(axis=1), 1, rtol=0, atol=1e-6)),
    ),
    tolerance=lambda z: 1e-14 * max(10, np.abs(z).max()),  # a logarithm of 10,000 loses four digits on the way
    rounds=3,  # each draws a dozen inputs
    hints=(
        "Write equation 3.3 in one line first and run it on small scores.",
        "Subtracting one number from all scores of a row changes nothing. Which number makes the largest exponent 0?",
        "z.max(axis=1, keepdims=True) has shape (N, 1): one number for each row, lined up with the rows.",
    ),
    afterwards="Look at what it gives for (10000, 9999): the same as for (1, 0), to the last digit. Why must it?",
)


@softmax.reference
def stable_softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@softmax.inputs
def softmax_inputs(rng):
    # as many rows as classes, so that a forgotten keepdims runs, and runs wrong
    plain = [[[1.0, 2.0, 0.1], [0.0, 0.0, 0.0], [-1.0, 3.0, 0.5]], [[0.0, 1.0]], [[40.0, 0.0, -40.0]]]
    plain += [
        [[0.0, -28.5]],
        np.full(rng.integers(1, 5, 2) + (0, 1), rng.normal()),
    ]  # a share of 4e-13; nothing but a tie
    large = [
        [[1e4, 9999.0, -1e4], [-1e4, -1e4, -9998.0], [40.0, 0.0, -1e4]],
        [[-1e4, 1e4], [3.0, 3.0]],
        [[0.0, 1.0], [-800.0, -801.0]],
        [[710.0, 709.0, 0.0]],
    ]
    return [(np.array(z),) for z in (*plain, *drawn_scores(rng), *large)]


@softmax.domain
def are_scores(z):
    return z.ndim == 2 and len(z) > 0 and z.shape[1] > 1 and np.all(np.abs(z) <= FARTHEST)


@softmax.mistake
def softmax_unshifted(z):
    """Right for small scores, NaN for large ones: exp(10000) is inf, and inf/inf is NaN. What may you subtract from all
    scores of a row without changing the softmax?"""
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


softmax.says(
    WRONG_AXIS,
    "Your columns add up to 1, not your rows. Each row is one sample: along which axis do its classes lie?",
)


@softmax.mistake
def softmax_of_everything(z):
    """All your numbers together add up to 1, so the samples compete with one another. Over which axis should the sum
    run?"""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum()


@softmax.mistake
def softmax_without_keepdims(z):
    """The sum over each row has shape (N,), and NumPy lines it up with the classes, not with the rows: with as many
    rows as classes it runs and is wrong. What does keepdims=True change about that shape?"""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1)


@softmax.mistake
def softmax_shifted_without_keepdims(z):
    """The maximum of each row has shape (N,), and NumPy subtracts it from the columns: class 0 is shifted by row 0's
    maximum. What does keepdims=True change about that shape?"""
    e = np.exp(z - z.max(axis=1))
    return e / e.sum(axis=1, keepdims=True)


@softmax.mistake
def softmax_shifted_by_one_maximum(z):
    """You shift by the largest score of the whole batch. A row far below it becomes 0/0, which is NaN. Which maximum
    does that row need?"""
    e = np.exp(z - z.max())
    return e / e.sum(axis=1, keepdims=True)


@softmax.mistake
def softmax_without_any_keepdims(z):
    """Maximum and sum have shape (N,), and NumPy lines them up with the classes, not with the rows: with as many rows
    as classes it runs and is wrong. What does keepdims=True change about that shape?"""
    e = np.exp(z - z.max(axis=1))
    return e / e.sum(axis=1)


@softmax.mistake
def softmax_unshifted_without_keepdims(z):
    """The sum over each row has shape (N,), and NumPy lines it up with the classes: what does keepdims=True change? And
    a second thing: exp(10000) is inf. What may you subtract from all scores of a row?"""
    return np.exp(z) / np.exp(z).sum(axis=1)


@softmax.mistake
def softmax_unshifted_guarded(z):
    """nan_to_num puts a 0 where inf/inf gave NaN, so the most probable class gets probability 0. Which shift of the
    scores keeps exp from becoming inf?"""
    return np.nan_to_num(softmax_unshifted(z))


@softmax.mistake
def softmax_shifted_by_the_mean(z):
    """Any shift leaves the softmax as it is, but after yours the largest exponent is still positive and may overflow.
    Which number makes it 0?"""
    return softmax_unshifted(z - z.mean(axis=1, keepdims=True))


@softmax.mistake
def softmax_shifted_by_the_minimum(z):
    """You subtract the smallest score, so all exponents are positive and the largest overflows. At which end do the
    exponentials need help?"""
    return softmax_unshifted(z - z.min(axis=1, keepdims=True))


@softmax.mistake
def softmax_shifted_upwards(z):
    """You add the largest score, which doubles it. Is the trouble that exponents are too small or too large?"""
    return softmax_unshifted(z + z.max(axis=1, keepdims=True))


@softmax.mistake
def softmax_shifted_above_only(z):
    """The shift stands above the line only, so a factor exp(−s) does not cancel. What must be done below?"""
    return np.exp(z - z.max(axis=1, keepdims=True)) / np.exp(z).sum(axis=1, keepdims=True)


@softmax.mistake(small=[small for small in TINY_NUMBERS if small > 1e-13])
def softmax_with_an_epsilon(z, small):
    """You add a small number to the denominator against division by zero. After the shift the largest term of the sum
    is exp(0): how small can the sum get? Then what is the small number for, except to make the row add up to less than
    1?"""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / (e.sum(axis=1, keepdims=True) + small)


@softmax.mistake(small=[small for small in TINY_NUMBERS if small > 1e-14])
def softmax_with_a_floor(z, small):
    """You clip the probabilities, so the rows no longer add up to 1 exactly and small ones are all the same. Which step
    of yours needs protection from large scores, and is it this one?"""
    return np.clip(stable_softmax(z), small, 1 - small)


@softmax.mistake(bound=BOUNDS)
def softmax_of_clipped_scores(z, bound):
    """Clipping avoids the overflow and changes the answer: 10,000 and 9,999 come out as equals. What operation makes
    scores smaller and leaves their differences as they are?"""
    return stable_softmax(np.clip(z, -bound, bound))


@softmax.mistake
def sigmoid_of_each_score(z):
    """A sigmoid treats each class as a yes-or-no question of its own, and the row need not add up to 1. Where do the
    classes compete in the softmax?"""
    return 1 / (1 + np.exp(-z))


@softmax.mistake
def sigmoids_shared_out(z):
    """You share out sigmoids. Of two large scores both come out near 1, however far apart they are. By which factor
    must p change when a score grows by 1?"""
    p = 1 / (1 + np.exp(-z))
    return p / p.sum(axis=1, keepdims=True)


@softmax.mistake
def weights_not_shared_out(z):
    """These are the weights exp(z − s): the best class always gets 1. What makes a row add up to 1?"""
    return np.exp(z - z.max(axis=1, keepdims=True))


@softmax.mistake
def scores_shared_out(z):
    """You share out the scores themselves, and a negative one gives a negative probability. Which function makes every
    score positive first?"""
    return z / z.sum(axis=1, keepdims=True)


@softmax.mistake
def softmax_of_scores_divided_by_the_largest(z):
    """You divide by the largest score. That changes the differences between scores, and only those count. What leaves
    differences as they are?"""
    return softmax_unshifted(z / z.max(axis=1, keepdims=True))


@softmax.mistake
def softmax_of_negative_scores(z):
    """The lowest score gets the largest probability. Which sign stands in the exponent?"""
    return stable_softmax(-z)


@softmax.mistake
def softmax_twice(z):
    """That is the softmax of a softmax: no class can be more than e times as probable as another. How often does the
    exponential belong?"""
    return stable_softmax(stable_softmax(z))


@softmax.mistake
def softmax_with_base_two(z):
    """Your base is 2: one point of score doubles a probability. Which base has exp?"""
    return stable_softmax(z * np.log(2))


@softmax.mistake
def softmax_as_logarithm(z):
    """These are the logarithms of the probabilities, and they are right. Which function undoes a logarithm?"""
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@softmax.mistake
def winner_takes_all(z):
    """You give the best class everything. Which probabilities do (2, 1) leave to the second class?"""
    return np.eye(z.shape[1])[z.argmax(axis=1)]


cap = Draft(
    "3.2",
    "Give the largest loss that −log(p + 1e-12) can report, as an expression that Python computes.",
    hints=(
        "The loss falls as p grows. So which p gives the largest loss?",
        "Put p = 0.",
    ),
    afterwards="Keras stops its losses of probabilities at 16.12, by clipping p to [1e-7, 1 − 1e-7].",
)


@cap.reference
def epsilon_cap():
    return -np.log(1e-12)


@cap.mistake
def unbounded():
    """So it would be without the 1e-12. What is inside the logarithm when p is exactly 0?"""
    return np.inf


@cap.mistake
def cap_of_the_text():
    """That is section 3.6's cap, of log(p + 1e-7). Which small number is added here?"""
    return -np.log(1e-7)


@cap.mistake(like=cap_of_the_text, digits=(1, 2, 3, 4, 5, 6))
def cap_of_the_text_rounded(digits):
    return round(-np.log(1e-7), digits)


cap.says(NEGATIVE, "The logarithm of a small number is negative. Can a loss be?")
cap.says(BASE_TEN, "12 is the logarithm to base 10. Which logarithm does this course use, and what is np.log's?")
cap.says(IN_BITS, "These are bits, the logarithm to base 2. What do you get in nats?")


@cap.mistake
def where_exp_underflows():
    """104 is the gap at which a float32 probability becomes 0. What does −log(p + 1e-12) give for that 0?"""
    return 104


@cap.mistake
def where_p_is_epsilon():
    """You put p = 1e-12. The loss grows as p falls: what is the smallest p there is?"""
    return -np.log(2e-12)


@cap.mistake
def least_loss():
    """That is the smallest loss, at p = 1 (and slightly negative). At which p is the loss largest?"""
    return -np.log(1 + 1e-12)


@cap.mistake
def logarithm_of_the_inverse_missing():
    """That is 1/1e-12. What is −log of a small number, in terms of one over it?"""
    return 1e12


@cap.mistake
def nothing():
    """That is 0, or as good as 0, the loss of a perfect answer. What does the worst one get?"""
    return 0


@cap.mistake
def cap_of_bceloss():
    """100 is where BCELoss stops. What does this program put into its logarithm at p = 0?"""
    return 100


@cap.mistake
def where_float64_ends():
    """That is −log of the smallest number that float64 has. What is added to p before the logarithm?"""
    return -np.log(5e-324)


@cap.mistake
def where_float64_begins_to_end():
    """That is −log of the smallest normal number of float64. What is added to p before the logarithm?"""
    return -np.log(np.finfo(np.float64).tiny)


@cap.mistake
def cap_of_float64_rounding():
    """That is −log of float64's rounding, 2.2e-16. Which small number is added here?"""
    return -np.log(np.finfo(np.float64).eps)


@cap.mistake
def example_of_the_task():
    """That is the example of an expression. Which one gives the largest loss?"""
    return np.exp(3)


def binary_tolerance(z, y):
    """Narrow; but softplus may be taken for z beyond 20, as torch's does, which is wrong by 2e-9."""
    return 1e-12 if np.abs(z).max() < 15 else 2e-7


binary = Draft(
    "3.3",
    "Return the binary loss of each score z (N,) with label y (N,) from 0 to 1, for scores up to ±10,000.",
    must=(NEVER_NEGATIVE,),
    tolerance=binary_tolerance,
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
        ([710.0, -710.0, 740.0, -740.0, 800.0], [0.0, 1.0, 1.0, 0.0, 0.5]),
        ([1e4, 1e4, -1e4, -1e4, 9999.0], [0.0, 1.0, 0.0, 1.0, 0.25]),
    ]
    sizes = rng.integers([1, 2, 6, 20], [3, 6, 12, 40])
    hard = [(rng.normal(size=n) * 3, rng.integers(0, 2, n)) for n in sizes]
    soft = [(rng.normal(size=n) * 3, rng.uniform(0, 1, n)) for n in sizes[1:3]]
    spread = [(rng.normal(size=n) * 10 ** rng.uniform(1, 3, n), rng.integers(0, 2, n)) for n in sizes[1:3]]
    cases = [*plain, *hard, *soft, *far, *((np.clip(z, -FARTHEST, FARTHEST), y) for z, y in spread)]
    return [(np.array(z), np.array(y, dtype=float)) for z, y in cases]


@binary.domain
def binary_domain(z, y):
    return z.shape == y.shape and len(z) > 0 and np.all(np.abs(z) <= FARTHEST) and np.all((y >= 0) & (y <= 1))


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
    """Capping the logarithm at −100, as BCELoss does, turns log 0 into 100. What does a score of 40 with label 0 cost,
    and what do you get?"""
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


def cross_entropy_tolerance(z, y):
    """Float32 scores may have been worked with in float32, whatever the type of the answer."""
    if z.dtype == np.float32:
        return 1e-4 if np.abs(z).max() < 1e3 else 1e-5
    return 1e-12


cross_entropy = Draft(
    "3.4",
    "Return the cross-entropy of each row of scores z (N, C) with label y (N,), right up to ±10,000.",
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
    low = np.array([[0.0, 1.0], [-1e4, -9999.0]])  # a row far below the other
    drawn = [(z, rng.integers(0, z.shape[1], len(z))) for z in drawn_scores(rng)]
    return [
        (plain, np.array([1, 0, 2])),
        *drawn,
        (gaps, np.array([0, 0, 0, 0, 1])),
        (far, np.array([0, 1, 0, 0])),
        (low, np.array([1, 0])),
        *((z.astype(np.float32), y) for z, y in drawn[:2]),
        (gaps.astype(np.float32), np.array([0, 0, 0, 0, 1])),
        (far.astype(np.float32), np.array([0, 1, 0, 0])),
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
    """Multiplying by the one-hot row computes 0 times log 0 for the other classes, which is NaN, even for a perfect
    answer. How do you pick one entry of each row instead?"""
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
    """Right on paper, and nearly right here: two float32 scores of 10,000 cost log 2 = 0.6931, and you get 0.6934. You
    add 10,000 and take it away again. What does 10,000.6931 become in float32?"""
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


@cross_entropy.mistake
def cross_entropy_shifted_without_keepdims(z, y):
    """The maximum of each row has shape (N,), and NumPy subtracts it from the columns. What does keepdims=True change
    about that shape?"""
    s = z.max(axis=1)
    return (s - z[np.arange(len(y)), y]) + np.log(np.exp(z - s).sum(axis=1))


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
    """You charge every class of a row, whatever the label is. Which one came true?"""
    return -softmax_as_logarithm(z).sum(axis=1)


@cross_entropy.mistake
def cross_entropy_of_whole_columns(z, y):
    """[:, y] pairs every row with every label and gives an N by N table. How do you pair row i with label i only?
    (np.arange(N) as the row index.)"""
    return -softmax_as_logarithm(z)[:, y]


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
    """You treat every class as a coin of its own. One of C classes comes true: where do the classes compete?"""
    hit = np.eye(z.shape[1])[y]
    return (np.logaddexp(0, z) - hit * z).sum(axis=1)


log_loss = Draft(
    "3.5",
    "Return log10 of the cross-entropy of each row of scores z (N, C) with label y (N,), up to a margin of 700.",
    tolerance=1e-12,
    rounds=3,  # each draws a dozen inputs
    hints=(
        "Sum the other classes only, as in equation 3.12.",
        "Let g be log-sum-exp of the others minus z_y. What is the loss in terms of g?",
        "The loss is softplus(g). Equation 3.11 computes it for g of any size and sign.",
    ),
    afterwards="The loss is softplus of one number: every classifier has two classes, the true one and the rest.",
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


MARGIN = 700  # beyond about 708 the loss itself is below float64's range


def _margins(z, y):
    others = np.where(np.arange(z.shape[1]) == y[:, None], -np.inf, z)
    return z[np.arange(len(y)), y] - others.max(axis=1)


def _near_enough(z, y):
    """The labels, and the lowest score's where the label's leads by more than the task states."""
    return np.where(_margins(z, y) > MARGIN, z.argmin(axis=1), y)


@log_loss.inputs
def log10_inputs(rng):
    margins = np.array([[0.0, -1.0, -20.0], [20.0, 0.0, -1.0], [40.0, 0.0, 0.0], [0.0, 300.0, 299.5], [600.0, 0, 1]])
    ties = np.zeros((3, 4))
    large = [np.array([[-1e4, 1e4, 9999.0], [1e4, -1e4, 9960.0]]), np.array([[9000.0, 8302.0], [-9000.0, -9000.0]])]
    drawn = [(z, _near_enough(z, rng.integers(0, z.shape[1], len(z)))) for z in drawn_scores(rng)]
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
    return cross_entropy_domain(z, y) and np.all(_margins(z, y) <= MARGIN)


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
