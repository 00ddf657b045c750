"""Exercises of chapter 3: softmax, the binary loss and cross-entropy, right for scores of any size."""

from functools import partial

import numpy as np

from xent_helpers.exercises.record import Exercise, Mistake, Must

NEVER_NEGATIVE = Must("is never negative", lambda value, *_: np.all(value >= 0))
SMALL_NUMBERS = (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16)  # added, or clipped to
BOUNDS = (20.0, 30.0, 50.0, 100.0, 500.0, 700.0, 709.0)  # to which scores are clipped
FARTHEST = 1e4


def are_scores(z):
    return z.ndim == 2 and len(z) > 0 and z.shape[1] > 1 and np.all(np.abs(z) <= FARTHEST)


def drawn_scores(rng):
    """Tables of every shape and size: one sample, two classes, as many samples as classes; near, far, equal."""
    shapes = [*rng.integers([(2, 3), (1, 4), (3, 2), (5, 6)], [(6, 6), (2, 9), (9, 3), (12, 15)])]
    shapes += [(n, n) for n in rng.integers(3, 6, 2)]
    tables = [rng.normal(size=shape) * 3 for shape in shapes]
    tables[-1][0] = tables[-1][0, 0]  # a tie of all classes
    spread = [rng.normal(size=(3, 4)) * 10 ** rng.uniform(1, 3, (3, 1)), rng.uniform(-FARTHEST, FARTHEST, (3, 3))]
    return tables + [np.clip(table, -FARTHEST, FARTHEST) for table in spread]


# 3.1 ---------------------------------------------------------------------------------------------------------


def stable_softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_unshifted(z):
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def softmax_of_columns(z):
    return stable_softmax(z.T).T


def softmax_of_everything(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum()


def softmax_without_keepdims(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1)


def softmax_shifted_without_keepdims(z):
    e = np.exp(z - z.max(axis=1))
    return e / e.sum(axis=1, keepdims=True)


def softmax_shifted_by_one_maximum(z):
    e = np.exp(z - z.max())
    return e / e.sum(axis=1, keepdims=True)


def softmax_without_any_keepdims(z):
    e = np.exp(z - z.max(axis=1))
    return e / e.sum(axis=1)


def softmax_unshifted_without_keepdims(z):
    return np.exp(z) / np.exp(z).sum(axis=1)


def softmax_unshifted_guarded(z):
    return np.nan_to_num(softmax_unshifted(z))


def softmax_shifted_by_the_mean(z):
    return softmax_unshifted(z - z.mean(axis=1, keepdims=True))


def softmax_shifted_by_the_minimum(z):
    return softmax_unshifted(z - z.min(axis=1, keepdims=True))


def softmax_shifted_upwards(z):
    return softmax_unshifted(z + z.max(axis=1, keepdims=True))


def softmax_shifted_above_only(z):
    return np.exp(z - z.max(axis=1, keepdims=True)) / np.exp(z).sum(axis=1, keepdims=True)


def softmax_with_an_epsilon(z, small):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / (e.sum(axis=1, keepdims=True) + small)


def softmax_with_a_floor(z, small):
    return np.clip(stable_softmax(z), small, 1 - small)


def softmax_of_clipped_scores(z, bound):
    return stable_softmax(np.clip(z, -bound, bound))


def sigmoid_of_each_score(z):
    return 1 / (1 + np.exp(-z))


def sigmoids_shared_out(z):
    p = 1 / (1 + np.exp(-z))
    return p / p.sum(axis=1, keepdims=True)


def weights_not_shared_out(z):
    return np.exp(z - z.max(axis=1, keepdims=True))


def scores_shared_out(z):
    return z / z.sum(axis=1, keepdims=True)


def softmax_of_scores_divided_by_the_largest(z):
    return softmax_unshifted(z / z.max(axis=1, keepdims=True))


def softmax_of_negative_scores(z):
    return stable_softmax(-z)


def softmax_twice(z):
    return stable_softmax(stable_softmax(z))


def softmax_with_base_two(z):
    return stable_softmax(z * np.log(2))


def softmax_as_logarithm(z):
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def winner_takes_all(z):
    return np.eye(z.shape[1])[z.argmax(axis=1)]


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


SOFTMAX = Exercise(
    key="3.1",
    task="Return the softmax of each row of scores z (N, C), right for scores from −10,000 to 10,000.",
    reference=stable_softmax,
    inputs=softmax_inputs,
    domain=are_scores,
    tolerance=lambda z: 1e-14 * max(10, np.abs(z).max()),  # a logarithm of 10,000 loses four digits on the way
    must=(
        NEVER_NEGATIVE,
        Must("adds up to 1 along each row", lambda p, z: np.allclose(p.sum(axis=1), 1, rtol=0, atol=1e-6)),
    ),
    rounds=3,  # each draws a dozen inputs
    mistakes=(
        Mistake(
            softmax_unshifted,
            "Right for small scores, NaN for large ones: exp(10000) is inf, and inf/inf is NaN. What may you subtract "
            "from all scores of a row without changing the softmax?",
        ),
        Mistake(
            softmax_of_columns,
            "Your columns add up to 1, not your rows. Each row is one sample: along which axis do its classes lie?",
        ),
        Mistake(
            softmax_of_everything,
            "All your numbers together add up to 1, so the samples compete with one another. Over which axis should "
            "the sum run?",
        ),
        Mistake(
            softmax_without_keepdims,
            "The sum over each row has shape (N,), and NumPy lines it up with the classes, not with the rows: with as "
            "many rows as classes it runs and is wrong. What does keepdims=True change about that shape?",
        ),
        Mistake(
            softmax_shifted_without_keepdims,
            "The maximum of each row has shape (N,), and NumPy subtracts it from the columns: class 0 is shifted by "
            "row 0's maximum. What does keepdims=True change about that shape?",
        ),
        Mistake(
            softmax_shifted_by_one_maximum,
            "You shift by the largest score of the whole batch. A row far below it becomes 0/0, which is NaN. Which "
            "maximum does that row need?",
        ),
        Mistake(
            softmax_without_any_keepdims,
            "Maximum and sum have shape (N,), and NumPy lines them up with the classes, not with the rows: with as "
            "many rows as classes it runs and is wrong. What does keepdims=True change about that shape?",
        ),
        Mistake(
            softmax_unshifted_without_keepdims,
            "The sum over each row has shape (N,), and NumPy lines it up with the classes: what does keepdims=True "
            "change? And a second thing: exp(10000) is inf. What may you subtract from all scores of a row?",
        ),
        Mistake(
            softmax_unshifted_guarded,
            "nan_to_num puts a 0 where inf/inf gave NaN, so the most probable class gets probability 0. Which shift of "
            "the scores keeps exp from becoming inf?",
        ),
        Mistake(
            softmax_shifted_by_the_mean,
            "Any shift leaves the softmax as it is, but after yours the largest exponent is still positive and may "
            "overflow. Which number makes it 0?",
        ),
        Mistake(
            softmax_shifted_by_the_minimum,
            "You subtract the smallest score, so all exponents are positive and the largest overflows. At which end do "
            "the exponentials need help?",
        ),
        Mistake(
            softmax_shifted_upwards,
            "You add the largest score, which doubles it. Is the trouble that exponents are too small or too large?",
        ),
        Mistake(
            softmax_shifted_above_only,
            "The shift stands above the line only, so a factor exp(−s) does not cancel. What must be done below?",
        ),
        *(
            Mistake(
                partial(softmax_with_an_epsilon, small=small),
                "You add a small number to the denominator against division by zero. After the shift the largest term "
                "of the sum is exp(0): how small can the sum get? Then what is the small number for, except to make "
                "the row add up to less than 1?",
            )
            for small in SMALL_NUMBERS
            if small > 1e-13
        ),
        *(
            Mistake(
                partial(softmax_with_a_floor, small=small),
                "You clip the probabilities, so the rows no longer add up to 1 exactly and small ones are all the "
                "same. Which step of yours needs protection from large scores, and is it this one?",
            )
            for small in SMALL_NUMBERS
            if small > 1e-14
        ),
        *(
            Mistake(
                partial(softmax_of_clipped_scores, bound=bound),
                "Clipping avoids the overflow and changes the answer: 10,000 and 9,999 come out as equals. What "
                "operation makes scores smaller and leaves their differences as they are?",
            )
            for bound in BOUNDS
        ),
        Mistake(
            sigmoid_of_each_score,
            "A sigmoid treats each class as a yes-or-no question of its own, and the row need not add up to 1. Where "
            "do the classes compete in the softmax?",
        ),
        Mistake(
            sigmoids_shared_out,
            "You share out sigmoids. Of two large scores both come out near 1, however far apart they are. By which "
            "factor must p change when a score grows by 1?",
        ),
        Mistake(
            weights_not_shared_out,
            "These are the weights exp(z − s): the best class always gets 1. What makes a row add up to 1?",
        ),
        Mistake(
            scores_shared_out,
            "You share out the scores themselves, and a negative one gives a negative probability. Which function "
            "makes every score positive first?",
        ),
        Mistake(
            softmax_of_scores_divided_by_the_largest,
            "You divide by the largest score. That changes the differences between scores, and only those count. What "
            "leaves differences as they are?",
        ),
        Mistake(
            softmax_of_negative_scores,
            "The lowest score gets the largest probability. Which sign stands in the exponent?",
        ),
        Mistake(
            softmax_twice,
            "That is the softmax of a softmax: no class can be more than e times as probable as another. How often "
            "does the exponential belong?",
        ),
        Mistake(
            softmax_with_base_two,
            "Your base is 2: one point of score doubles a probability. Which base has exp?",
        ),
        Mistake(
            softmax_as_logarithm,
            "These are the logarithms of the probabilities, and they are right. Which function undoes a logarithm?",
        ),
        Mistake(
            winner_takes_all,
            "You give the best class everything. Which probabilities do (2, 1) leave to the second class?",
        ),
    ),
    hints=(
        "Write equation 3.3 in one line first and run it on small scores.",
        "Subtracting one number from all scores of a row changes nothing. Which number makes the largest exponent 0?",
        "z.max(axis=1, keepdims=True) has shape (N, 1): one number for each row, lined up with the rows.",
    ),
    afterwards="Look at what it gives for (10000, 9999): the same as for (1, 0), to the last digit. Why must it?",
)

# 3.2 ---------------------------------------------------------------------------------------------------------


def epsilon_cap():
    return -np.log(1e-12)


def unbounded():
    return np.inf


def cap_of_the_text():
    return -np.log(1e-7)


def cap_with_the_wrong_sign():
    return np.log(1e-12)


def cap_in_powers_of_ten():
    return -np.log10(1e-12)


def cap_in_bits():
    return -np.log2(1e-12)


def where_exp_underflows():
    return 104


def where_p_is_epsilon():
    return -np.log(2e-12)


def cap_of_the_text_rounded(digits):
    return round(-np.log(1e-7), digits)


def least_loss():
    return -np.log(1 + 1e-12)


def logarithm_of_the_inverse_missing():
    return 1e12


def nothing():
    return 0


def cap_of_bceloss():
    return 100


def where_float64_ends():
    return -np.log(5e-324)


def where_float64_begins_to_end():
    return -np.log(np.finfo(np.float64).tiny)


def cap_of_float64_rounding():
    return -np.log(np.finfo(np.float64).eps)


def example_of_the_task():
    return np.exp(3)


CAP = Exercise(
    key="3.2",
    task="Give the largest loss that −log(p + 1e-12) can report, as an expression that Python computes.",
    reference=epsilon_cap,
    inputs=lambda rng: [()],
    mistakes=(
        Mistake(
            unbounded,
            "So it would be without the 1e-12. What is inside the logarithm when p is exactly 0?",
        ),
        *(
            Mistake(wrong, "That is section 3.6's cap, of log(p + 1e-7). Which small number is added here?")
            for wrong in (cap_of_the_text, *(partial(cap_of_the_text_rounded, digits) for digits in (1, 2, 3, 4, 5, 6)))
        ),
        Mistake(cap_with_the_wrong_sign, "The logarithm of a small number is negative. Can a loss be?"),
        Mistake(
            cap_in_powers_of_ten,
            "12 is the logarithm to base 10. Which logarithm does this course use, and what is np.log's?",
        ),
        Mistake(cap_in_bits, "These are bits, the logarithm to base 2. What do you get in nats?"),
        Mistake(
            where_exp_underflows,
            "104 is the gap at which a float32 probability becomes 0. What does −log(p + 1e-12) give for that 0?",
        ),
        Mistake(
            where_p_is_epsilon,
            "You put p = 1e-12. The loss grows as p falls: what is the smallest p there is?",
        ),
        Mistake(
            least_loss,
            "That is the smallest loss, at p = 1 (and slightly negative). At which p is the loss largest?",
        ),
        Mistake(
            logarithm_of_the_inverse_missing,
            "That is 1/1e-12. What is −log of a small number, in terms of one over it?",
        ),
        Mistake(nothing, "That is 0, or as good as 0, the loss of a perfect answer. What does the worst one get?"),
        Mistake(cap_of_bceloss, "100 is where BCELoss stops. What does this program put into its logarithm at p = 0?"),
        Mistake(
            where_float64_ends,
            "That is −log of the smallest number that float64 has. What is added to p before the logarithm?",
        ),
        Mistake(
            where_float64_begins_to_end,
            "That is −log of the smallest normal number of float64. What is added to p before the logarithm?",
        ),
        Mistake(
            cap_of_float64_rounding,
            "That is −log of float64's rounding, 2.2e-16. Which small number is added here?",
        ),
        Mistake(example_of_the_task, "That is the example of an expression. Which one gives the largest loss?"),
    ),
    hints=("The loss falls as p grows. So which p gives the largest loss?", "Put p = 0."),
    afterwards="Keras stops its losses of probabilities at 16.12, by clipping p to [1e-7, 1 − 1e-7].",
)

# 3.3 ---------------------------------------------------------------------------------------------------------


def stable_binary_loss(z, y):
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))


def binary_through_the_sigmoid(z, y):
    p = 1 / (1 + np.exp(-z))
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def binary_through_a_stable_sigmoid(z, y):
    p = np.exp(-np.logaddexp(0, -z))
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def binary_with_an_epsilon(z, y, small):
    p = 1 / (1 + np.exp(-z))
    return -(y * np.log(p + small) + (1 - y) * np.log(1 - p + small))


def binary_with_clipped_p(z, y, small):
    p = np.clip(1 / (1 + np.exp(-z)), small, 1 - small)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def binary_with_logs_capped(z, y):
    p = 1 / (1 + np.exp(-z))
    return -(y * np.maximum(np.log(p), -100) + (1 - y) * np.maximum(np.log(1 - p), -100))


def binary_guarded_against_nan(z, y):
    return np.nan_to_num(binary_through_the_sigmoid(z, y))


def binary_with_clipped_scores(z, y, bound):
    return stable_binary_loss(np.clip(z, -bound, bound), y)


def binary_through_clipped_scores(z, y, bound):
    return binary_through_the_sigmoid(np.clip(z, -bound, bound), y)


def binary_stable_on_the_other_side(z, y):
    return np.log(1 + np.exp(z)) - y * z


def binary_with_both_softplus_plain(z, y):
    return y * np.log(1 + np.exp(-z)) + (1 - y) * np.log(1 + np.exp(z))


def binary_by_sign(z, y):
    return np.logaddexp(0, -(2 * y - 1) * z)


def binary_by_whole_label(z, y):
    return np.where(y == 1, np.logaddexp(0, -z), np.logaddexp(0, z))


def binary_by_rounded_label(z, y):
    return np.where(y > 0.5, np.logaddexp(0, -z), np.logaddexp(0, z))


def binary_by_nonzero_label(z, y):
    return np.where(y == 0, np.logaddexp(0, z), np.logaddexp(0, -z))


def binary_for_labels_of_either_sign(z, y):
    return np.logaddexp(0, -y * z)


def binary_of_the_sigmoid(z, y):
    return stable_binary_loss(1 / (1 + np.exp(-z)), y)


def binary_with_minus_corner(z, y):
    return np.maximum(z, 0) - z * y - np.log1p(np.exp(-np.abs(z)))


def binary_with_plus_label(z, y):
    return np.maximum(z, 0) + z * y + np.log1p(np.exp(-np.abs(z)))


def binary_with_abs_for_max(z, y):
    return np.abs(z) - z * y + np.log1p(np.exp(-np.abs(z)))


def binary_slope(z, y):
    return 1 / (1 + np.exp(-z)) - y


def binary_squared(z, y):
    return (1 / (1 + np.exp(-z)) - y) ** 2


def binary_stable_on_one_side(z, y):
    return (1 - y) * z + np.log1p(np.exp(-z))


def binary_without_abs(z, y):
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(-z))


def binary_with_plus_abs(z, y):
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(np.abs(z)))


def binary_with_swapped_labels(z, y):
    return np.maximum(z, 0) - z * (1 - y) + np.log1p(np.exp(-np.abs(z)))


def binary_labels_ignored(z, y):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def binary_without_the_corner(z, y):
    return np.maximum(z, 0) - z * y


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


def binary_domain(z, y):
    return z.shape == y.shape and len(z) > 0 and np.all(np.abs(z) <= FARTHEST) and np.all((y >= 0) & (y <= 1))


def binary_tolerance(z, y):
    """Narrow; but softplus may be taken for z beyond 20, as torch's does, which is wrong by 2e-9."""
    return 1e-12 if np.abs(z).max() < 15 else 2e-7


BINARY = Exercise(
    key="3.3",
    task="Return the binary loss of each score z (N,) with label y (N,) from 0 to 1, for scores up to ±10,000.",
    reference=stable_binary_loss,
    inputs=binary_inputs,
    domain=binary_domain,
    tolerance=binary_tolerance,
    must=(NEVER_NEGATIVE,),
    rounds=3,  # each draws a dozen inputs
    mistakes=(
        Mistake(
            binary_through_the_sigmoid,
            "That is the snippet's way. At score 40 the sigmoid is exactly 1, and the loss becomes log 0; where the "
            "label switches that term off, 0 times inf is NaN. Can you reach the loss without forming p?",
        ),
        Mistake(
            binary_through_a_stable_sigmoid,
            "Your sigmoid does not overflow, but it still rounds to 1: at score 40 the loss becomes log 0, and where "
            "the label switches that term off, 0 times inf is NaN. Can you reach the loss without forming p?",
        ),
        *(
            Mistake(
                partial(binary_with_an_epsilon, small=small),
                "The small number hides the log 0 and stops every loss at −log of it (1e-7: 16.12). A score of 10,000 "
                "with label 0 costs 10,000. Which formula of the loss has no logarithm of p in it?",
            )
            for small in SMALL_NUMBERS
        ),
        *(
            Mistake(
                partial(binary_with_clipped_p, small=small),
                "Clipping p stops every loss at −log of the bound (1e-7: 16.12), and the gradient there is 0: the "
                "worst answers teach nothing. What does a score of 10,000 with label 0 cost?",
            )
            for small in SMALL_NUMBERS
        ),
        Mistake(
            binary_with_logs_capped,
            "Capping the logarithm at −100, as BCELoss does, turns log 0 into 100. What does a score of 40 with label "
            "0 cost, and what do you get?",
        ),
        Mistake(
            binary_guarded_against_nan,
            "nan_to_num makes the NaN a 0 and the inf an enormous number, both as wrong as before and harder to see. "
            "Where do they come from?",
        ),
        *(
            Mistake(
                partial(wrong, bound=bound),
                "Clipping the scores makes all answers beyond the bound equal: with label 0 a score of 40 costs 40, "
                "and one of 10,000 costs 10,000. Which part of the loss needs large numbers to become small, and which "
                "does not?",
            )
            for wrong in (binary_with_clipped_scores, binary_through_clipped_scores)
            for bound in BOUNDS
        ),
        Mistake(
            binary_stable_on_the_other_side,
            "The formula is right, softplus(z) − z y; but above 709 exp(z) is inf. Whose exponential stays below 1 on "
            "both sides?",
        ),
        Mistake(
            binary_with_both_softplus_plain,
            "No p any more, good; but exp of a large score is inf, and where the label switches that term off, 0 times "
            "inf is NaN. How does equation 3.11 keep the exponent below 0?",
        ),
        Mistake(
            binary_by_sign,
            "Right for labels 0 and 1. A label between them weighs both losses; 2y − 1 scales the score instead. What "
            "should y = 0.5 cost at score 2?",
        ),
        *(
            Mistake(
                wrong,
                "Right for labels 0 and 1. A label between them is made one of the two. How much of each loss does "
                "y = 0.25 ask for?",
            )
            for wrong in (binary_by_whole_label, binary_by_rounded_label, binary_by_nonzero_label)
        ),
        Mistake(
            binary_for_labels_of_either_sign,
            "log(1 + exp(−y z)) is for labels −1 and +1. What does it charge for label 0, whatever the score?",
        ),
        Mistake(
            binary_of_the_sigmoid,
            "You put the sigmoid of the score where the score belongs, so no loss can come near 0. Which of z and p "
            "does the stable formula take?",
        ),
        Mistake(
            binary_with_minus_corner,
            "The correction at the corner has the wrong sign. Does softplus lie above max(z, 0) or below?",
        ),
        Mistake(
            binary_with_plus_label,
            "You add z y. softplus(z) is the loss of label 0: should a high score with label 1 cost more or less?",
        ),
        Mistake(
            binary_with_abs_for_max,
            "You put |z| where max(z, 0) belongs. What does a score of −5 with label 0 cost?",
        ),
        Mistake(binary_slope, "That is p − y, the slope of the loss. What is the loss itself?"),
        Mistake(
            binary_squared,
            "That is the squared error of the probability. What does −log charge for a label with p near 0?",
        ),
        Mistake(
            binary_stable_on_one_side,
            "Right for positive scores. For −10,000 you compute exp(10000). Whose exponential stays below 1 on both "
            "sides?",
        ),
        Mistake(
            binary_without_abs,
            "Negative scores come out wrong: max(z, 0) belongs with the exponential of −|z|. What does your last term "
            "give at z = −1, and what should it?",
        ),
        Mistake(
            binary_with_plus_abs,
            "exp(|z|) grows without end; the correction at the corner should die away from it. Which sign does the "
            "exponent need?",
        ),
        Mistake(
            binary_with_swapped_labels,
            "Your loss is small where it should be large: it treats label 1 as label 0. Which score does label 1 ask "
            "for, a high one or a low one?",
        ),
        Mistake(
            binary_labels_ignored,
            "That is softplus(z), the loss of label 0, whatever the label. What has to be subtracted when y is 1?",
        ),
        Mistake(
            binary_without_the_corner,
            "That is the loss with its corner left sharp. What does a score of 0, which knows nothing, cost?",
        ),
    ),
    hints=(
        "By equation 3.7 the loss is y softplus(−z) + (1 − y) softplus(z).",
        "Equation 3.11 computes softplus without overflow.",
        "softplus(−z) = softplus(z) − z. So the loss is softplus(z) − z y.",
    ),
    afterwards="Does yours also keep what a right answer costs? Try score 40 with label 1: the loss is 4.2e-18, not 0.",
)

# 3.4 ---------------------------------------------------------------------------------------------------------


def shifted_cross_entropy(z, y):
    z = z.astype(np.float64)
    largest = z.max(axis=1)
    log_sum = np.log(np.exp(z - largest[:, None]).sum(axis=1))
    return (largest - z[np.arange(len(y)), y]) + log_sum


def cross_entropy_unshifted(z, y):
    return -np.log(softmax_unshifted(z)[np.arange(len(y)), y])


def cross_entropy_of_a_shifted_softmax(z, y):
    return -np.log(stable_softmax(z)[np.arange(len(y)), y])


def cross_entropy_with_an_epsilon(z, y, small):
    return -np.log(stable_softmax(z)[np.arange(len(y)), y] + small)


def cross_entropy_with_clipped_p(z, y, small):
    return -np.log(np.maximum(stable_softmax(z)[np.arange(len(y)), y], small))


def cross_entropy_by_one_hot(z, y):
    return -(np.eye(z.shape[1])[y] * np.log(stable_softmax(z))).sum(axis=1)


def cross_entropy_unshifted_sum(z, y):
    return np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]


def cross_entropy_guarded(z, y):
    return np.nan_to_num(cross_entropy_unshifted(z, y))


def cross_entropy_shifted_by_one_maximum(z, y):
    s = z.max()
    return (s - z[np.arange(len(y)), y]) + np.log(np.exp(z - s).sum(axis=1))


def cross_entropy_shifted_without_keepdims(z, y):
    s = z.max(axis=1)
    return (s - z[np.arange(len(y)), y]) + np.log(np.exp(z - s).sum(axis=1))


def cross_entropy_of_clipped_scores(z, y, bound):
    return shifted_cross_entropy(np.clip(z, -bound, bound), y)


def cross_entropy_of_the_softmax(z, y):
    return shifted_cross_entropy(stable_softmax(z.astype(np.float64)), y)


def cross_entropy_of_the_favourite(z, y):
    return shifted_cross_entropy(z, z.argmax(axis=1))


def cross_entropy_with_a_sharp_corner(z, y):
    return z.max(axis=1) - z[np.arange(len(y)), y]


def cross_entropy_with_log_mean(z, y):
    return shifted_cross_entropy(z, y) - np.log(z.shape[1])


def cross_entropy_with_the_score_added(z, y):
    return shifted_cross_entropy(z, y) + 2 * z[np.arange(len(y)), y]


def log_sum_exp_alone(z, y):
    return shifted_cross_entropy(z, y) + z[np.arange(len(y)), y]


def cross_entropy_of_every_class(z, y):
    return -softmax_as_logarithm(z)


def cross_entropy_summed_over_classes(z, y):
    return -softmax_as_logarithm(z).sum(axis=1)


def cross_entropy_of_whole_columns(z, y):
    return -softmax_as_logarithm(z)[:, y]


def cross_entropy_of_rows_by_label(z, y):
    return -softmax_as_logarithm(z)[y]


def probability_of_the_label(z, y):
    return stable_softmax(z)[np.arange(len(y)), y]


def missed_probability(z, y):
    return 1 - stable_softmax(z)[np.arange(len(y)), y]


def cross_entropy_as_coins(z, y):
    hit = np.eye(z.shape[1])[y]
    return (np.logaddexp(0, z) - hit * z).sum(axis=1)


def cross_entropy_of_columns(z, y):
    largest = z.max(axis=0, keepdims=True)
    log_p = z - largest - np.log(np.exp(z - largest).sum(axis=0, keepdims=True))
    return -log_p[np.arange(len(y)), y]


def cross_entropy_without_the_shift_put_back(z, y):
    largest = z.max(axis=1, keepdims=True)
    return np.log(np.exp(z - largest).sum(axis=1)) - z[np.arange(len(y)), y]


def cross_entropy_through_the_sum(z, y):
    largest = z.max(axis=1)
    log_sum = largest + np.log(np.exp(z - largest[:, None]).sum(axis=1))
    return log_sum - z[np.arange(len(y)), y]


def cross_entropy_as_all_pairs(z, y):
    return shifted_cross_entropy(z, y)[:, None] * np.ones((1, len(y)))


def cross_entropy_with_the_wrong_sign(z, y):
    return -shifted_cross_entropy(z, y)


def cross_entropy_averaged(z, y):
    return shifted_cross_entropy(z, y).mean()


def cross_entropy_with_labels_from_1(z, y):
    return shifted_cross_entropy(z, y - 1)


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


def cross_entropy_domain(z, y):
    return are_scores(z) and len(y) == len(z) and np.all((y >= 0) & (y < z.shape[1]))


def cross_entropy_tolerance(z, y):
    """Float32 scores may have been worked with in float32, whatever the type of the answer."""
    if z.dtype == np.float32:
        return 1e-4 if np.abs(z).max() < 1e3 else 1e-5
    return 1e-12


CROSS_ENTROPY = Exercise(
    key="3.4",
    task="Return the cross-entropy of each row of scores z (N, C) with label y (N,), right up to ±10,000.",
    reference=shifted_cross_entropy,
    inputs=cross_entropy_inputs,
    domain=cross_entropy_domain,
    tolerance=cross_entropy_tolerance,
    must=(NEVER_NEGATIVE,),
    rounds=3,  # each draws a dozen inputs
    mistakes=(
        Mistake(
            cross_entropy_unshifted,
            "The obvious code: right for small scores, inf or NaN for large ones. Which number, subtracted from each "
            "row, keeps exp from overflowing?",
        ),
        Mistake(
            cross_entropy_of_a_shifted_softmax,
            "You shift inside the softmax and take the logarithm afterwards. At a gap of 200 the float32 probability "
            "has become 0 by then. In which order do logarithm and exponential cancel?",
        ),
        *(
            Mistake(
                partial(wrong, small=small),
                "The small number turns log 0 into something finite (1e-7: 16.12), and a loss of 200 into the same. "
                "What should a row cost whose true class lies 200 below the best?",
            )
            for wrong in (cross_entropy_with_an_epsilon, cross_entropy_with_clipped_p)
            for small in SMALL_NUMBERS
        ),
        Mistake(
            cross_entropy_by_one_hot,
            "Multiplying by the one-hot row computes 0 times log 0 for the other classes, which is NaN, even for a "
            "perfect answer. How do you pick one entry of each row instead?",
        ),
        Mistake(
            cross_entropy_of_columns,
            "You normalise over the samples of the batch: each sample's loss changes with its neighbours. Along which "
            "axis do the classes lie?",
        ),
        Mistake(
            cross_entropy_without_the_shift_put_back,
            "log Σ exp(z − s) is smaller than log Σ exp(z) by s. Where does your s come back?",
        ),
        Mistake(
            cross_entropy_through_the_sum,
            "Right on paper, and nearly right here: two float32 scores of 10,000 cost log 2 = 0.6931, and you get "
            "0.6934. You add 10,000 and take it away again. What does 10,000.6931 become in float32?",
        ),
        Mistake(
            cross_entropy_as_all_pairs,
            "You return an N by N table where N numbers belong. Which of your arrays has shape (N, 1), and which (N,)?",
        ),
        Mistake(cross_entropy_with_the_wrong_sign, "Your losses are negative. The logarithm of what is negative?"),
        Mistake(
            cross_entropy_averaged,
            "That is the mean over the rows. Can you return one loss for each row?",
        ),
        Mistake(
            cross_entropy_with_labels_from_1,
            "You read label 1 as the first class. From which number do labels count here?",
        ),
        Mistake(
            cross_entropy_unshifted_sum,
            "The formula is right, LSE(z) − z_y; but exp(10000) is inf, and the log of a sum of exp(−10000) is −inf. "
            "Which number, subtracted from each row, keeps exp in its range, and where does it come back?",
        ),
        Mistake(
            cross_entropy_guarded,
            "nan_to_num makes the NaN a 0 and the inf an enormous number, both as wrong as before and harder to see. "
            "Where do they come from?",
        ),
        Mistake(
            cross_entropy_shifted_by_one_maximum,
            "You shift by the largest score of the whole batch. A row far below it has exponentials of 0, and log 0 is "
            "−inf. Which maximum does that row need?",
        ),
        Mistake(
            cross_entropy_shifted_without_keepdims,
            "The maximum of each row has shape (N,), and NumPy subtracts it from the columns. What does keepdims=True "
            "change about that shape?",
        ),
        *(
            Mistake(
                partial(cross_entropy_of_clipped_scores, bound=bound),
                "Clipping the scores makes all gaps beyond the bound equal: scores of 10,000 and −10,000 are 20,000 "
                "apart, and that is what the worse class costs. What makes scores smaller and keeps their differences?",
            )
            for bound in BOUNDS
        ),
        Mistake(
            cross_entropy_of_the_softmax,
            "You put the softmax where the scores belong, so it is applied twice: no loss can come near 0. What goes "
            "into the log-sum-exp?",
        ),
        Mistake(
            cross_entropy_of_the_favourite,
            "You charge for the class with the highest score, so the labels play no role. Whose score is z_y?",
        ),
        Mistake(
            cross_entropy_with_a_sharp_corner,
            "That is the gap to the best class, the loss with its corner left sharp. What does a row of equal scores, "
            "which knows nothing, cost?",
        ),
        Mistake(
            cross_entropy_with_log_mean,
            "You took the log of the mean of the exponentials: every loss is log C too low. What runs over the "
            "classes, a mean or a sum?",
        ),
        Mistake(
            cross_entropy_with_the_score_added,
            "You add the true class's score. Should a higher one make the loss larger or smaller?",
        ),
        Mistake(log_sum_exp_alone, "That is the log-sum-exp of each row, whatever the label. What comes off it?"),
        Mistake(
            cross_entropy_of_every_class,
            "That is what every class would cost, an array of shape (N, C). How do you pick the label's in each row?",
        ),
        Mistake(
            cross_entropy_summed_over_classes,
            "You charge every class of a row, whatever the label is. Which one came true?",
        ),
        Mistake(
            cross_entropy_of_whole_columns,
            "[:, y] pairs every row with every label and gives an N by N table. How do you pair row i with label i "
            "only? (np.arange(N) as the row index.)",
        ),
        Mistake(
            cross_entropy_of_rows_by_label,
            "[y] picks whole rows, and takes the label for the number of a sample. Which index is the class?",
        ),
        Mistake(
            probability_of_the_label,
            "That is the probability of the label. What does the loss make of it, and can you get there without it?",
        ),
        Mistake(
            missed_probability,
            "That is the probability that was missed, at most 1. What does −log charge for a label with p near 0?",
        ),
        Mistake(
            cross_entropy_as_coins,
            "You treat every class as a coin of its own. One of C classes comes true: where do the classes compete?",
        ),
    ),
    hints=(
        "Start from equation 3.5: the loss is LSE(z) minus the true class's score.",
        "Replace LSE by the right side of equation 3.10, with s the largest score of each row.",
        "Join s and z_y first, (s − z_y), and add the logarithm last.",
    ),
    afterwards="Now scores (40, 0, 0) and class 0: the loss is 8.5e-18. What do you get? Exercise 3.5 asks for it.",
)

MARGIN = 700  # beyond about 708 the loss itself is below float64's range

# 3.5 ---------------------------------------------------------------------------------------------------------


def log10_loss(z, y):
    rows, (n, classes) = np.arange(len(y)), z.shape
    own = z[rows, y]
    others = z[np.arange(classes) != y[:, None]].reshape(n, classes - 1)
    s = others.max(axis=1)
    log_others = s + np.log(np.exp(others - s[:, None]).sum(axis=1))
    gap = log_others - own
    return np.log10(np.maximum(gap, 0) + np.log1p(np.exp(-np.abs(gap))))


def log10_through_the_softmax(z, y):
    return np.log10(cross_entropy_of_a_shifted_softmax(z, y))


def log10_of_the_shifted(z, y):
    return np.log10(shifted_cross_entropy(z, y))


def log10_with_an_epsilon(z, y, small):
    return np.log10(shifted_cross_entropy(z, y) + small)


def log10_of_the_exact_with_an_epsilon(z, y, small):
    return np.log10(10 ** log10_loss(z, y) + small)


def log10_guarded(z, y):
    return np.nan_to_num(log10_of_the_shifted(z, y))


def loss_on_a_plain_axis(z, y):
    return 10 ** log10_loss(z, y)


def log2_of_the_loss(z, y):
    return log10_loss(z, y) * np.log2(10)


def log10_of_the_probability(z, y):
    return -shifted_cross_entropy(z, y) / np.log(10)


def loss_in_powers_of_ten(z, y):
    return shifted_cross_entropy(z, y) / np.log(10)


def log10_by_the_missed_share(z, y):
    others = np.where(np.arange(z.shape[1]) == y[:, None], 0.0, stable_softmax(z)).sum(axis=1)
    return np.log10(-np.log1p(-others))


def log10_of_the_others_sum(z, y):
    gap = np.where(np.arange(z.shape[1]) == y[:, None], -np.inf, z - z[np.arange(len(y)), y][:, None])
    s = gap.max(axis=1)
    return (s + np.log(np.exp(gap - s[:, None]).sum(axis=1))) / np.log(10)


def log10_averaged_first(z, y):
    return np.log10(np.mean(10 ** log10_loss(z, y)))


def log10_by_margins(z, y):
    own = z[np.arange(len(y)), y][:, None]
    others = np.where(np.arange(z.shape[1]) == y[:, None], 0.0, np.exp(z - own)).sum(axis=1)
    return np.log10(np.log1p(others))


def natural_log_of_the_loss(z, y):
    return log10_loss(z, y) * np.log(10)


def log10_of_best_rival_only(z, y):
    others = np.where(np.arange(z.shape[1]) == y[:, None], -np.inf, z)
    gap = others.max(axis=1) - z[np.arange(len(y)), y]
    return np.log10(np.maximum(gap, 0) + np.log1p(np.exp(-np.abs(gap))))


def log10_counting_the_true_class_twice(z, y):
    own = z[np.arange(len(y)), y][:, None]
    s = np.maximum(z.max(axis=1, keepdims=True) - own, 0)
    return np.log10(s[:, 0] + np.log1p(np.exp(z - own - s).sum(axis=1)))


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


def _near_enough(z, y):
    """The labels, and the lowest score's where the label's leads by more than the task states."""
    return np.where(_margins(z, y) > MARGIN, z.argmin(axis=1), y)


def _margins(z, y):
    others = np.where(np.arange(z.shape[1]) == y[:, None], -np.inf, z)
    return z[np.arange(len(y)), y] - others.max(axis=1)


def log10_domain(z, y):
    return cross_entropy_domain(z, y) and np.all(_margins(z, y) <= MARGIN)


LOG_LOSS = Exercise(
    key="3.5",
    task="Return log10 of the cross-entropy of each row of scores z (N, C) with label y (N,), up to a margin of 700.",
    reference=log10_loss,
    inputs=log10_inputs,
    domain=log10_domain,
    tolerance=1e-12,
    rounds=3,  # each draws a dozen inputs
    mistakes=(
        Mistake(
            log10_through_the_softmax,
            "The loss of a confident right answer comes out as 0, and that of a very wrong one as inf: the softmax "
            "rounds to 1 and to 0. Can you do without it?",
        ),
        Mistake(
            log10_of_the_shifted,
            "The plain shift is right for wrong answers. For a margin of 40 its sum is 1 + 8.5e-18, which float64 "
            "rounds to 1, so the loss is 0 and its logarithm −inf. Which function computes log(1 + x) from x?",
        ),
        *(
            Mistake(
                partial(wrong, small=small),
                "The small number keeps the −inf away by moving every tiny loss to the same place. What does a margin "
                "of 40 cost, compared with your small number, and one of 600?",
            )
            for wrong in (log10_with_an_epsilon, log10_of_the_exact_with_an_epsilon)
            for small in SMALL_NUMBERS
        ),
        Mistake(
            log10_guarded,
            "nan_to_num puts the lowest number that float64 has where −inf was. What does a margin of 40 cost?",
        ),
        Mistake(
            log10_by_margins,
            "Right for right answers. For a very wrong one exp(z_c − z_y) overflows. Which shift is safe there, and "
            "how do you choose between the two without computing inf?",
        ),
        Mistake(natural_log_of_the_loss, "Right loss, natural logarithm. The axis counts in powers of what?"),
        Mistake(
            log10_of_best_rival_only,
            "You compare with the best rival only. What do the other classes add to the sum?",
        ),
        Mistake(
            log10_counting_the_true_class_twice,
            "log1p adds a 1 that stands for the true class, and your sum holds that class already. Which terms belong "
            "inside log1p?",
        ),
        Mistake(loss_on_a_plain_axis, "That is the loss, and a good one. What is asked for is its logarithm: which?"),
        Mistake(log2_of_the_loss, "That is the logarithm to base 2. The axis counts in powers of what?"),
        Mistake(
            log10_of_the_probability,
            "That is log10 of the probability, the loss itself but for a factor. Which logarithm is taken of the loss?",
        ),
        Mistake(
            loss_in_powers_of_ten,
            "That is −log10 of the probability, the loss in another unit. Which logarithm is taken of the loss?",
        ),
        Mistake(
            log10_by_the_missed_share,
            "Right for right answers. For a very wrong one the share of the others rounds to 1, and log1p(−1) is −inf. "
            "Which formula has no probability in it?",
        ),
        Mistake(
            log10_of_the_others_sum,
            "You take log(1 + x) for x. That is good for a large margin; what does a row of equal scores cost?",
        ),
        Mistake(
            log10_averaged_first,
            "That is the logarithm of the mean loss. One number for each row is asked for: which step is too much?",
        ),
    ),
    hints=(
        "Sum the other classes only, as in equation 3.12.",
        "Let g be log-sum-exp of the others minus z_y. What is the loss in terms of g?",
        "The loss is softplus(g). Equation 3.11 computes it for g of any size and sign.",
    ),
    afterwards="The loss is softplus of one number: every classifier has two classes, the true one and the rest.",
)

EXERCISES = (SOFTMAX, CAP, BINARY, CROSS_ENTROPY, LOG_LOSS)
