"""Exercises of chapter 1: the loss of a coin and of a die, written, read backwards, and its floor."""

from functools import partial

import numpy as np

from xent_helpers.exercises.record import Exercise, Mistake, Must
from xent_helpers.exercises.slips import (
    BASES,
    EPSILONS,
    NEGATIVE,
    ONE_FEWER,
    OVER_CLASSES,
    OVER_SAMPLES,
    SUMMED,
    TIMES_CLASSES,
)

NEVER_NEGATIVE = Must("is never negative", lambda loss, *_: loss >= 0)
SMALL_NUMBERS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12)  # what people add inside a logarithm

# 1.1 ---------------------------------------------------------------------------------------------------------


def mean_coin_loss(p, y):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def coin_without_minus(p, y):
    return np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def coin_in_bits(p, y):
    return -np.mean(y * np.log2(p) + (1 - y) * np.log2(1 - p))


def coin_base_ten(p, y):
    return -np.mean(y * np.log10(p) + (1 - y) * np.log10(1 - p))


def coin_summed(p, y):
    return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))


def coin_ones_only(p, y):
    return -np.mean(y * np.log(p))


def coin_zeros_only(p, y):
    return -np.mean((1 - y) * np.log(1 - p))


def coin_branches_swapped(p, y):
    return -np.mean((1 - y) * np.log(p) + y * np.log(1 - p))


def coin_log_of_mean(p, y):
    return -np.log(np.mean(y * p + (1 - y) * (1 - p)))


def coin_one_minus_p(p, y):
    return np.mean(y * (1 - p) + (1 - y) * p)


def coin_second_sign(p, y):
    return np.mean(-y * np.log(p) + (1 - y) * np.log(1 - p))


def coin_labels_ignored(p, y):
    return -np.mean(np.log(p))


def coin_padded(p, y, small):
    return -np.mean(y * np.log(p + small) + (1 - y) * np.log(1 - p + small))


def coin_squared(p, y):
    return np.mean((p - y) ** 2)


def coin_error_rate(p, y):
    return np.mean((p > 0.5) != (y == 1))


def coin_each_sample(p, y):
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def coin_likelihood(p, y):
    return np.prod(p**y * (1 - p) ** (1 - y))


def coin_of_the_sigmoid(p, y):
    return mean_coin_loss(1 / (1 + np.exp(-p)), y)


def coin_by_label(p, y):
    return -np.mean(np.log(p[y == 1])) - np.mean(np.log(1 - p[y == 0]))


def coin_inputs(rng):
    plain = [([0.9], [1]), ([0.9], [0]), ([0.9, 0.2, 0.6], [1, 0, 0])]
    sure = [([1e-6, 0.9375], [1, 0])]  # confidently wrong, and no trouble in half precision
    cases = [(np.array(p), np.array(y, dtype=float)) for p, y in plain + sure]
    sizes = rng.integers([1, 2, 5, 20], [3, 6, 20, 60])
    cases += [(rng.uniform(0.05, 0.95, n), rng.integers(0, 2, n).astype(float)) for n in sizes]
    n = rng.integers(2, 8)
    return [*cases, (rng.uniform(0.05, 0.95, n), np.zeros(n)), (rng.uniform(0.05, 0.95, n), np.ones(n))]


def coin_domain(p, y):
    return len(p) == len(y) > 0 and np.all((p > 0) & (p < 1)) and np.all((y == 0) | (y == 1))


COIN = Exercise(
    key="1.1",
    task="Return the mean binary loss of probabilities p (N,), above 0 and below 1, and labels y (N,), in nats.",
    reference=mean_coin_loss,
    inputs=coin_inputs,
    mistakes=(
        Mistake(
            coin_without_minus,
            "Your losses are negative. A log-likelihood is to be made large, a loss small: what turns one into the "
            "other?",
        ),
        Mistake(
            coin_in_bits,
            "You took the logarithm to base 2, so these are bits. Which logarithm does np.log take, and by what "
            "factor do the two differ?",
        ),
        Mistake(
            coin_base_ten,
            "You took the logarithm to base 10. Calculators write log for it; in this field log is the natural one. "
            "What does NumPy call that?",
        ),
        Mistake(
            coin_summed,
            "You added the losses up, so twice as many samples cost twice as much. Which factor makes data sets of "
            "different size comparable?",
        ),
        Mistake(
            coin_ones_only,
            "Samples with label 0 cost you nothing, as if only the ones were predicted. What is the probability "
            "that p gives to a 0, and where is its logarithm?",
        ),
        Mistake(
            coin_zeros_only,
            "Samples with label 1 cost you nothing. What is the probability that p gives to a 1, and where is its "
            "logarithm?",
        ),
        Mistake(
            coin_branches_swapped,
            "You charge a sample with label 1 for log(1 − p): the branches are swapped, so the best prediction is "
            "the worst. Try p = 0.9, y = 1 by hand: which of the two terms should stay?",
        ),
        Mistake(
            coin_log_of_mean,
            "You took the logarithm of the mean probability. The likelihood is a product: over what does its "
            "logarithm run, and when does the mean come?",
        ),
        Mistake(
            coin_one_minus_p,
            "You charge 1 − p, the probability that was missed, so the worst prediction costs 1. Where did the "
            "product of probabilities go, and what does its logarithm charge for p near 0?",
        ),
        Mistake(
            coin_second_sign,
            "The minus sign reaches the first term only, so samples with label 0 lower your loss. Over how much of "
            "the sum must it stand? (Brackets.)",
        ),
        Mistake(
            coin_labels_ignored,
            "You charge −log p whatever the label is. What probability does p give to a label 0?",
        ),
        *(
            Mistake(
                partial(coin_padded, small=small),
                "You add a small number inside the logarithm, so every loss is a little off, the large ones most. With "
                "p above 0 and below 1, what is there to be afraid of?",
            )
            for small in SMALL_NUMBERS
        ),
        Mistake(
            coin_squared,
            "That is the squared error (the Brier score, chapter 2). Which cost comes from the product of "
            "probabilities?",
        ),
        Mistake(
            coin_error_rate,
            "You counted errors, so 0.51 and 0.99 cost the same. How much probability did each label get?",
        ),
        Mistake(coin_each_sample, "That is the loss of each sample. One number is asked for: which one of them all?"),
        Mistake(
            coin_likelihood,
            "That is the likelihood, a product which is to be made large. Which function turns it into a sum, and "
            "which sign makes a cost of it?",
        ),
        Mistake(
            coin_of_the_sigmoid,
            "You put p through a sigmoid. It is a probability already: what goes into a sigmoid?",
        ),
        Mistake(
            coin_by_label,
            "You averaged the ones and the zeros apart and added the two, so each kind counts alike however often it "
            "comes. How many samples does one mean run over?",
        ),
    ),
    domain=coin_domain,
    must=(NEVER_NEGATIVE,),
    hints=(
        "Write down p(y; p) for one sample with the exponents of equation 1.1, and take its logarithm.",
        "For y = 1 one of the two terms is 0, for y = 0 the other: y * np.log(p) + (1 - y) * np.log(1 - p).",
        "Mean over the samples, then a minus sign.",
    ),
    afterwards="Try p = 1 with y = 1: what should it cost, and what comes? Section 1.2 met the same 0 · log 0.",
)

# 1.2 ---------------------------------------------------------------------------------------------------------


def mean_class_loss(p, y):
    return -np.mean(np.log(p[np.arange(len(y)), y]))


def class_without_minus(p, y):
    return np.mean(np.log(p[np.arange(len(y)), y]))


def class_in_bits(p, y):
    return -np.mean(np.log2(p[np.arange(len(y)), y]))


def class_summed(p, y):
    return -np.sum(np.log(p[np.arange(len(y)), y]))


def class_one_too_low(p, y):
    return -np.mean(np.log(p[np.arange(len(y)), y - 1]))


def class_one_too_high(p, y):
    return -np.mean(np.log(p[np.arange(len(y)), (y + 1) % p.shape[1]]))


def class_mean_over_entries(p, y):
    return -np.mean(np.eye(p.shape[1])[y] * np.log(p))


def class_all_classes(p, y):
    return -np.mean(np.sum(np.log(p), axis=1))


def class_favourite(p, y):
    return -np.mean(np.log(np.max(p, axis=1)))


def class_whole_columns(p, y):
    return -np.mean(np.log(p[:, y]))


def class_log_of_mean(p, y):
    return -np.log(np.mean(p[np.arange(len(y)), y]))


def class_no_logarithm(p, y):
    return 1 - np.mean(p[np.arange(len(y)), y])


def class_each_sample(p, y):
    return -np.log(p[np.arange(len(y)), y])


def class_softmax_again(p, y):
    return mean_class_loss(np.exp(p) / np.sum(np.exp(p), axis=1, keepdims=True), y)


def class_padded(p, y, small):
    return mean_class_loss(p + small, y)


def class_rows_by_label(p, y):
    return -np.mean(np.log(p[y]))


def class_as_coins(p, y):
    hit = np.eye(p.shape[1])[y]
    return -np.mean(np.sum(hit * np.log(p) + (1 - hit) * np.log(1 - p), axis=1))


def class_error_rate(p, y):
    return np.mean(np.argmax(p, axis=1) != y)


def class_likelihood(p, y):
    return np.prod(p[np.arange(len(y)), y])


def class_inputs(rng):
    text = (np.array([[0.2, 0.7, 0.1]]), np.array([1]))
    two = (np.array([[0.2, 0.7, 0.1], [0.5, 0.3, 0.2]]), np.array([1, 2]))
    sizes = rng.integers([(2, 3), (3, 2), (10, 5), (1, 4)], [(8, 6), (9, 3), (40, 12), (2, 9)])
    shapes = [*sizes, (4, 4)]  # as many samples as classes: where axes can be confused and nothing raises
    drawn = [(rng.dirichlet(np.full(c, 2.0), n), rng.integers(0, c, n)) for n, c in shapes]
    first_only = (rng.dirichlet(np.full(4, 2.0), 3), np.zeros(3, dtype=np.int64))
    sure = (np.array([[1e-6, 0.5, 0.499999], [0.98, 0.01, 0.01]]), np.array([0, 0]))
    return [text, two, *drawn, first_only, sure]


def class_domain(p, y):
    rows = len(p) == len(y) > 0 and p.shape[1] > 1 and np.all(p > 0) and np.allclose(p.sum(axis=1), 1, atol=1e-9)
    return rows and np.all((y >= 0) & (y < p.shape[1]))


CLASSES = Exercise(
    key="1.2",
    task="Return the mean NLL of probabilities p (N, C), none of them 0, and labels y (N,) from 0 to C − 1, in nats.",
    reference=mean_class_loss,
    inputs=class_inputs,
    mistakes=(
        Mistake(
            class_without_minus,
            "Your losses are negative. The logarithm of a probability is at most 0: what makes a cost of it?",
        ),
        Mistake(
            class_in_bits,
            "You took the logarithm to base 2, so these are bits. Which logarithm gives nats?",
        ),
        Mistake(
            class_summed,
            "You added the losses up. What would happen to your number if every sample came twice, and what "
            "should happen?",
        ),
        Mistake(
            class_one_too_low,
            "You read the probability of the class before the true one: labels were taken to count from 1, and for "
            "label 0 Python's index −1 silently takes the last class. Which column belongs to label 0?",
        ),
        Mistake(
            class_one_too_high,
            "You read the probability of the class after the true one, as if label 1 meant the third column. For "
            "(0.2, 0.7, 0.1) and label 1 that gives 2.3026. Which column belongs to label 1?",
        ),
        Mistake(
            class_mean_over_entries,
            "You averaged over all N · C entries, so each loss came out divided by C as well. The one-hot row picks "
            "one entry of each row: what should happen along the row, and what along the samples?",
        ),
        Mistake(
            class_all_classes,
            "You charge every class of a row, whatever the label is. Which factor in −Σ y_c log p_c keeps the "
            "others out?",
        ),
        Mistake(
            class_favourite,
            "You charge for the class that the model likes best, so the labels play no role. Whose probability "
            "counts, the favourite's or the one that came true?",
        ),
        Mistake(
            class_whole_columns,
            "p[:, y] pairs every row with every label and gives an N × N table. How do you pair row i with label i "
            "only? (np.arange(N) as the row index, or np.take_along_axis.)",
        ),
        Mistake(
            class_log_of_mean,
            "You took the logarithm of the mean probability. The likelihood is a product over samples: what becomes "
            "of a product under the logarithm?",
        ),
        Mistake(
            class_no_logarithm,
            "You charge 1 − p of the true class. It has the same best value; but what does it charge for p = 0, and "
            "what does a product of probabilities become then?",
        ),
        Mistake(class_each_sample, "That is the loss of each sample. One number is asked for: which one of them all?"),
        Mistake(
            class_softmax_again,
            "You put p through a softmax. Its rows are probabilities already: what goes into a softmax?",
        ),
        *(
            Mistake(
                partial(class_padded, small=small),
                "You add a small number inside the logarithm, so every loss is a little off, the large ones most. None "
                "of these probabilities is 0: what is it there for?",
            )
            for small in SMALL_NUMBERS
        ),
        Mistake(
            class_rows_by_label,
            "p[y] picks whole rows, and takes the label for the number of a sample. Which of the two indices of p is "
            "the class?",
        ),
        Mistake(
            class_as_coins,
            "You charge for each of the other classes as well, −log(1 − p), as if every class were a coin of its own. "
            "One of C classes comes true: which probability does the likelihood multiply?",
        ),
        Mistake(
            class_error_rate,
            "You counted errors. How much probability did each true class get, and what does that cost?",
        ),
        Mistake(
            class_likelihood,
            "That is the likelihood, a product which is to be made large. Which function turns it into a sum, and "
            "which sign makes a cost of it?",
        ),
    ),
    domain=class_domain,
    must=(NEVER_NEGATIVE,),
    hints=(
        "From each row of p you need one entry, the one whose column is the label.",
        "p[np.arange(len(y)), y] picks them. (A one-hot matrix, multiplied and summed along axis 1, does too.)",
        "Then logarithm, mean, minus.",
    ),
    afterwards="Compare it with losses.nll_loss(np.log(p), y). In chapter 3 the model hands you logits instead of p.",
)

# 1.3 ---------------------------------------------------------------------------------------------------------


def reading_of_the_numbers():
    p = np.array([0.2, 0.7, 0.1])
    label = 1
    printed = [2.3026, -0.3567, 0.5146, 0.1549, 1.6094, 0.1189]
    causes = [
        np.log(p[label]),  # 1: no minus sign
        -np.log2(p[label]),  # 2: base 2
        -np.log10(p[label]),  # 3: base 10
        -np.log(p[label + 1]),  # 4: index 2
        -np.log(p[label - 1]),  # 5: index 0
        -np.mean(np.eye(3)[label] * np.log(p)),  # 6: mean along the row
    ]
    return [1 + int(np.argmin(np.abs(np.array(causes) - number))) for number in printed]


def indices_mixed_up():
    return [5, 1, 2, 3, 4, 6]


def bases_mixed_up():
    return [4, 1, 3, 2, 5, 6]


def in_the_order_of_the_causes():
    return [1, 2, 3, 4, 5, 6]


def upside_down():
    right = reading_of_the_numbers()
    return [right.index(cause) + 1 for cause in range(1, 7)]


def counted_from_zero():
    return [cause - 1 for cause in reading_of_the_numbers()]


def both_pairs_mixed_up():
    return [5, 1, 3, 2, 4, 6]


READING = Exercise(
    key="1.3",
    task="Give a list of six numbers: for each printed loss, in the order a to f, the cause that produces it.",
    reference=reading_of_the_numbers,
    inputs=lambda rng: [()],
    mistakes=(
        Mistake(
            indices_mixed_up,
            "a and e are the wrong way round. Both read a neighbour of the true class: −log of which probability is "
            "2.3026, and at which index does it stand, counted from 0?",
        ),
        Mistake(
            bases_mixed_up,
            "c and d are the wrong way round. Is log₂ of a number larger or smaller in size than log₁₀ of it?",
        ),
        Mistake(
            upside_down,
            "Your list says which letter belongs to each cause. The other way round is asked for: which cause "
            "belongs to each letter?",
        ),
        Mistake(
            in_the_order_of_the_causes,
            "That is the order of the list of causes itself. Start with the one negative number: what turns a loss "
            "into its negative?",
        ),
        Mistake(counted_from_zero, "Your causes count from 0. With which number does the list of causes begin?"),
        Mistake(
            both_pairs_mixed_up,
            "Two pairs are the wrong way round: a with e, and c with d. −log of which probability is 2.3026, and is "
            "log₂ of a number larger or smaller in size than log₁₀ of it?",
        ),
    ),
    hints=(
        "Start with the odd one out: one number is negative.",
        "0.3567 divided by log 2, by log 10 and by 3 explains three more.",
        "For the last two ask which probability p has −log p equal to the number: compute exp(−2.3026).",
    ),
    afterwards="You can now read a cause off a printed loss. Compute −log(1/C) when you meet one that you do not know.",
)

# 1.4 ---------------------------------------------------------------------------------------------------------


def best_constant_loss(labels, num_classes):
    share = np.bincount(labels, minlength=num_classes) / len(labels)
    seen = share[share > 0]
    return -np.sum(seen * np.log(seen))


def floor_is_zero(labels, num_classes):
    return 0.0


def floor_of_uniform(labels, num_classes):
    return np.log(num_classes)


def floor_of_seen_uniform(labels, num_classes):
    return np.log(len(np.unique(labels)))


def floor_with_nan(labels, num_classes):
    share = np.bincount(labels, minlength=num_classes) / len(labels)
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.sum(share * np.log(share))


def floor_in_bits(labels, num_classes):
    return best_constant_loss(labels, num_classes) / np.log(2)


def floor_summed(labels, num_classes):
    return best_constant_loss(labels, num_classes) * len(labels)


def floor_without_minus(labels, num_classes):
    return -best_constant_loss(labels, num_classes)


def floor_of_most_frequent(labels, num_classes):
    return -np.log(np.bincount(labels).max() / len(labels))


def floor_without_weights(labels, num_classes):
    share = np.bincount(labels, minlength=num_classes) / len(labels)
    return -np.mean(np.log(share[share > 0]))


def floor_of_padded(labels, num_classes):
    share = (np.bincount(labels, minlength=num_classes) + 1) / (len(labels) + num_classes)
    return -np.mean(np.log(share[labels]))


def floor_as_perplexity(labels, num_classes):
    return np.exp(best_constant_loss(labels, num_classes))


def floor_of_errors(labels, num_classes):
    return 1 - np.bincount(labels).max() / len(labels)


def floor_of_squares(labels, num_classes):
    return 1 - np.sum((np.bincount(labels) / len(labels)) ** 2)


def floor_of_counts(labels, num_classes):
    counts = np.bincount(labels)
    return -np.sum(counts[counts > 0] * np.log(counts[counts > 0]))


def floor_of_own_label(labels, num_classes):
    share = np.bincount(labels, minlength=num_classes) / len(labels)
    return -np.sum(np.log(share[share > 0]))


def floor_inputs(rng):
    plain = [
        (np.array([1, 1, 0, 1, 1, 0, 1, 1, 0, 1]), 2),
        (np.repeat([0, 1, 2], [2, 7, 1]), 3),
        (np.array([0, 3, 3, 5]), 7),
        (np.array([2, 2, 2]), 3),
    ]
    sizes = rng.integers([(3, 2), (20, 3), (100, 5)], [(9, 5), (60, 6), (400, 12)])
    return plain + [(rng.choice(c, n, p=rng.dirichlet(np.ones(c))), int(c)) for n, c in sizes]


def floor_domain(labels, num_classes):
    return len(labels) > 0 and num_classes > 1 and np.all((labels >= 0) & (labels < num_classes))


FLOOR = Exercise(
    key="1.4",
    task="Return the smallest mean NLL, in nats, that one prediction, the same for every sample, can reach on labels.",
    reference=best_constant_loss,
    inputs=floor_inputs,
    mistakes=(
        Mistake(
            floor_is_zero,
            "0 needs probability 1 on every label that comes, and one constant prediction cannot give that to two "
            "classes. Which constant prediction is best, and what does it cost?",
        ),
        Mistake(
            floor_of_uniform,
            "That is what the uniform prediction costs. Is it the best one when the classes are not equally frequent?",
        ),
        Mistake(
            floor_of_seen_uniform,
            "That is the cost of a uniform prediction over the classes that occur. Better, but what do the counts tell "
            "you beyond which classes occur?",
        ),
        Mistake(
            floor_with_nan,
            "Right as long as every class occurs; with a missing one you get 0 · log 0 = nan. What did that class "
            "cost, and how can you leave it out?",
        ),
        Mistake(floor_in_bits, "These are bits. Which logarithm gives nats?"),
        Mistake(
            floor_summed,
            "That is the cost of all samples together. What would it be if every label came twice, and what should "
            "the mean be then?",
        ),
        Mistake(
            floor_without_minus,
            "Yours is negative, and a cost of probabilities at most 1 cannot be. Where did the minus sign go?",
        ),
        Mistake(
            floor_of_most_frequent,
            "You charge for the most frequent class only. What do the samples of the other classes cost under the "
            "best constant prediction, and how often do they come?",
        ),
        Mistake(
            floor_without_weights,
            "You averaged −log p over the classes. The mean runs over the samples: how many of them has each class?",
        ),
        Mistake(
            floor_of_padded,
            "You added 1 to each count, which is a sound precaution for labels to come. On these labels, is there a "
            "constant prediction that costs less?",
        ),
        Mistake(
            floor_as_perplexity,
            "That is the perplexity, the exponential of what is asked for. In which unit does a loss come?",
        ),
        Mistake(
            floor_of_errors,
            "That is the share of errors when you always guess the most frequent class. Which loss is asked for, and "
            "what does it charge?",
        ),
        Mistake(
            floor_of_squares,
            "1 − Σ p² is the smallest mean squared error (the Brier score, chapter 2), without any logarithm. What "
            "does the NLL charge for a label?",
        ),
        Mistake(
            floor_of_counts,
            "You took counts for probabilities. They do not add up to 1: what turns counts into shares?",
        ),
        Mistake(
            floor_of_own_label,
            "You added −log p up over the classes, as if each came once. How often does each one come?",
        ),
    ),
    domain=floor_domain,
    must=(NEVER_NEGATIVE,),
    slips=(NEGATIVE, *BASES, SUMMED, OVER_SAMPLES, ONE_FEWER, OVER_CLASSES, TIMES_CLASSES, *EPSILONS),
    hints=(
        "Equation 1.8 says which constant prediction is best.",
        "Put it into equation 1.7: the share of each class times minus its logarithm, summed.",
        "A class that never occurs costs nothing. Leave it out before you take the logarithm.",
    ),
    afterwards="You wrote the entropy of the labels. A model that makes use of its input beats this number: "
    "compare it with the first losses that a training run prints.",
)

EXERCISES = (COIN, CLASSES, READING, FLOOR)
