"""Exercises of chapter 3: softmax, the binary loss and cross-entropy, right for scores of any size."""

import numpy as np

from xent_helpers.exercises.checker import Exercise, Mistake

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


def softmax_with_an_epsilon(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / (e.sum(axis=1, keepdims=True) + 1e-7)


def softmax_of_clipped_scores(z):
    return stable_softmax(np.clip(z, -500, 500))


def sigmoid_of_each_score(z):
    return 1 / (1 + np.exp(-z))


def softmax_inputs(rng):
    # as many rows as classes, so that a forgotten keepdims runs, and runs wrong
    plain = np.array([[1.0, 2.0, 0.1], [0.0, 0.0, 0.0], [-1.0, 3.0, 0.5]])
    large = np.array([[1e4, 9999.0, -1e4], [-1e4, -1e4, -9998.0], [40.0, 0.0, -1e4]])
    return [(plain,), (rng.normal(size=(4, 4)) * 3,), (large,), (np.array([[-1e4, 1e4], [3.0, 3.0]]),)]


SOFTMAX = Exercise(
    key="3.1",
    task="Return the softmax of each row of scores z (N, C), right for scores from −10,000 to 10,000.",
    reference=stable_softmax,
    inputs=softmax_inputs,
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
            softmax_with_an_epsilon,
            "You add a small number to the denominator against division by zero. After the shift the largest term of "
            "the sum is exp(0): how small can the sum get? Then what is the small number for, except to make the row "
            "add up to less than 1?",
        ),
        Mistake(
            softmax_of_clipped_scores,
            "Clipping avoids the overflow and changes the answer: 10,000 and 9,999 both become 500. What operation "
            "makes scores smaller and leaves their differences as they are?",
        ),
        Mistake(
            sigmoid_of_each_score,
            "A sigmoid treats each class as a yes-or-no question of its own, and the row need not add up to 1. Where "
            "do the classes compete in the softmax?",
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


def cap_rounded():
    return 27.63


def cap_rounded_further():
    return 27.631


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
        Mistake(cap_of_the_text, "That is section 3.6's 16.12, the cap of 1e-7. Which small number is added here?"),
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
            cap_rounded,
            "That is the number, rounded. The check compares all digits: can you hand in the expression instead?",
        ),
        Mistake(
            cap_rounded_further,
            "That is the number to three decimals. The check compares all digits: what expression did it come from?",
        ),
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


def binary_with_an_epsilon(z, y):
    p = 1 / (1 + np.exp(-z))
    return -(y * np.log(p + 1e-7) + (1 - y) * np.log(1 - p + 1e-7))


def binary_with_clipped_p(z, y):
    p = np.clip(1 / (1 + np.exp(-z)), 1e-7, 1 - 1e-7)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def binary_with_logs_capped(z, y):
    p = 1 / (1 + np.exp(-z))
    return -(y * np.maximum(np.log(p), -100) + (1 - y) * np.maximum(np.log(1 - p), -100))


def binary_guarded_against_nan(z, y):
    return np.nan_to_num(binary_through_the_sigmoid(z, y))


def binary_with_clipped_scores(z, y):
    return stable_binary_loss(np.clip(z, -30, 30), y)


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
    z = np.array([2.0, -1.0, 0.0, 0.5, 0.0])
    far = np.array([40.0, -40.0, 40.0, -40.0, 17.0, 104.0, 710.0, -710.0])
    farther = np.array([1e4, 1e4, -1e4, -1e4, 9999.0])
    return [
        (z, np.array([1.0, 0.0, 1.0, 0.0, 0.0])),
        (rng.normal(size=6) * 3, rng.integers(0, 2, 6).astype(float)),
        (far, np.array([0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0])),
        (farther, np.array([0.0, 1.0, 0.0, 1.0, 0.25])),
    ]


BINARY = Exercise(
    key="3.3",
    task="Return the binary loss of each score z (N,) with label y (N,), right for scores from −10,000 to 10,000.",
    reference=stable_binary_loss,
    inputs=binary_inputs,
    mistakes=(
        Mistake(
            binary_through_the_sigmoid,
            "That is the snippet's way. At score 40 the sigmoid is exactly 1, and the loss becomes log 0; where the "
            "label switches that term off, 0 times inf is NaN. Can you reach the loss without forming p?",
        ),
        Mistake(
            binary_with_an_epsilon,
            "The small number hides the log 0 and stops every loss at 16.12: a score of 40 with label 0 costs 40. "
            "Which formula of the loss has no logarithm of p in it?",
        ),
        Mistake(
            binary_with_clipped_p,
            "Clipping p stops every loss at about 16.12, and the gradient there is 0: the worst answers teach nothing. "
            "What does a score of 40 with label 0 cost?",
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
        Mistake(
            binary_with_clipped_scores,
            "Clipping the scores makes all answers beyond it equal: a score of 40 with label 0 costs 40, and at 10,000 "
            "it costs 10,000. Which part of the loss needs large numbers to become small, and which does not?",
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


def cross_entropy_with_an_epsilon(z, y):
    return -np.log(stable_softmax(z)[np.arange(len(y)), y] + 1e-7)


def cross_entropy_by_one_hot(z, y):
    return -(np.eye(z.shape[1])[y] * np.log(stable_softmax(z))).sum(axis=1)


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
    return [
        (plain, np.array([1, 0, 2])),
        (rng.normal(size=(6, 5)) * 3, rng.integers(0, 5, 6)),
        (gaps.astype(np.float32), np.array([0, 0, 0, 0, 1])),
        (far.astype(np.float32), np.array([0, 1, 0, 0])),
        (far, np.array([0, 1, 0, 0])),
    ]


CROSS_ENTROPY = Exercise(
    key="3.4",
    task="Return the cross-entropy of each row of scores z (N, C) with label y (N,), right up to ±10,000.",
    reference=shifted_cross_entropy,
    inputs=cross_entropy_inputs,
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
        Mistake(
            cross_entropy_with_an_epsilon,
            "The small number turns log 0 into 16.12, and a loss of 200 into 16.12 as well. What should a row cost "
            "whose true class lies 200 below the best?",
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
    ),
    hints=(
        "Start from equation 3.5: the loss is LSE(z) minus the true class's score.",
        "Replace LSE by the right side of equation 3.10, with s the largest score of each row.",
        "Join s and z_y first, (s − z_y), and add the logarithm last.",
    ),
    afterwards="Now scores (40, 0, 0) and class 0: the loss is 8.5e-18. What do you get? Exercise 3.5 asks for it.",
)

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


def log10_with_an_epsilon(z, y):
    return np.log10(shifted_cross_entropy(z, y) + 1e-12)


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
    return [
        (np.array([[1.0, 2.0, 0.1], [0.0, 0.0, 0.0]]), np.array([1, 0])),
        (rng.normal(size=(5, 4)) * 3, rng.integers(0, 4, 5)),
        (margins, np.array([2, 0, 0, 1, 0])),
        (ties, np.array([0, 1, 3])),
        (np.array([[-1e4, 1e4, 9999.0], [1e4, -1e4, 9960.0]]), np.array([0, 0])),
    ]


LOG_LOSS = Exercise(
    key="3.5",
    task="Return log10 of the cross-entropy of each row of scores z (N, C) with label y (N,), tiny losses included.",
    reference=log10_loss,
    inputs=log10_inputs,
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
        Mistake(
            log10_with_an_epsilon,
            "The small number keeps the −inf away by moving every tiny loss to the same place. What does a margin of "
            "40 cost, compared with your small number?",
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
    ),
    hints=(
        "Sum the other classes only, as in equation 3.12.",
        "Let g be log-sum-exp of the others minus z_y. What is the loss in terms of g?",
        "The loss is softplus(g). Equation 3.11 computes it for g of any size and sign.",
    ),
    afterwards="The loss is softplus of one number: every classifier has two classes, the true one and the rest.",
)

EXERCISES = (SOFTMAX, CAP, BINARY, CROSS_ENTROPY, LOG_LOSS)
