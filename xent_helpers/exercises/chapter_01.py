"""Exercises of chapter 1: the loss of a coin and of a die, written, read backwards, and its floor."""

import numpy as np

from xent_helpers.exercises.constants import NEVER_NEGATIVE, SMALL_NUMBERS, shares
from xent_helpers.exercises.draft import Draft
from xent_helpers.exercises.slips import (
    BASE_TEN,
    BASES,
    EPSILONS,
    IN_BITS,
    LABELS_TOO_HIGH,
    LABELS_TOO_LOW,
    NEGATIVE,
    ONE_FEWER,
    OVER_CLASSES,
    OVER_SAMPLES,
    SUMMED,
    TIMES_CLASSES,
)

LEAST = 0.001  # probability in 1.1 and 1.2

coin = Draft(
    "1.1",
    "Return the mean binary loss of probabilities p (N,), from 0.001 to 0.999, and labels y (N,), in nats.",
    must=(NEVER_NEGATIVE,),
    tolerance=(1e-12, 1e-13),
    hints=(
        "Write down p(y; p) for one sample with the exponents of equation 1.1, and take its logarithm.",
        "For y = 1 one of the two terms is 0, for y = 0 the other: y * np.log(p) + (1 - y) * np.log(1 - p).",
        "Mean over the samples, then a minus sign.",
    ),
    afterwards=(
        "Try p = 1 with y = 1: what should it cost, and what does your code give? Equation 1.10 counts 0 · log 0 as 0."
    ),
)


@coin.reference
def mean_coin_loss(p, y):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


@coin.inputs
def coin_inputs(rng):
    plain = [([0.9], [1]), ([0.9], [0]), ([0.9, 0.2, 0.6], [1, 0, 0]), ([0.7, 0.7, 0.5, 0.9], [1, 1, 0, 0])]
    ends = [([LEAST, 1 - LEAST, LEAST, 1 - LEAST], y) for y in ([1, 0, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0])]
    cases = [(np.array(p), np.array(y, dtype=float)) for p, y in plain + ends]
    sizes = rng.integers([1, 2, 5, 20], [3, 6, 20, 60])
    cases += [(rng.uniform(LEAST, 1 - LEAST, n), rng.integers(0, 2, n).astype(float)) for n in sizes]
    n = rng.integers(2, 8)
    cases += [(rng.uniform(LEAST, 1 - LEAST, n), np.full(n, label)) for label in (0.0, 1.0)]
    y = rng.integers(0, 2, 400).astype(float)
    wrong = rng.uniform(LEAST, 0.1, 400)  # so many poor predictions that float64 has no number for their product
    return [*cases, (np.where(y == 1, wrong, 1 - wrong), y)]


@coin.domain
def coin_domain(p, y):
    return len(p) == len(y) > 0 and np.all((p >= LEAST) & (p <= 1 - LEAST)) and np.all((y == 0) | (y == 1))


coin.says(
    NEGATIVE,
    "Your losses are negative. A log-likelihood is made large, a loss small: what turns one into the other?",
)
coin.says(
    IN_BITS,
    "You took the logarithm to base 2, so these are bits. Which logarithm does np.log take, and by what factor do the "
    "two differ?",
)
coin.says(
    BASE_TEN,
    "You took the logarithm to base 10. Calculators write log for it; in this field log is the natural one. What does "
    "NumPy call that?",
)
coin.says(
    SUMMED,
    "You added the losses up, so twice as many samples cost twice as much. Which factor makes data sets of different "
    "size comparable?",
)


@coin.mistake
def coin_ones_only(p, y):
    """Samples with label 0 cost you nothing, as if only the ones were predicted. What is the probability that p gives
    to a 0, and where is its logarithm?"""
    return -np.mean(y * np.log(p))


@coin.mistake
def coin_zeros_only(p, y):
    """Samples with label 1 cost you nothing. What is the probability that p gives to a 1, and where is its
    logarithm?"""
    return -np.mean((1 - y) * np.log(1 - p))


@coin.mistake
def coin_branches_swapped(p, y):
    """You charge a sample with label 1 for log(1 − p): the branches are swapped, so the best prediction is the worst.
    Try p = 0.9, y = 1 by hand: which of the two terms should stay?"""
    return -np.mean((1 - y) * np.log(p) + y * np.log(1 - p))


@coin.mistake
def coin_log_of_mean(p, y):
    """You took the logarithm of the mean probability. The likelihood is a product: over what does the sum of
    its logarithms run, and what is the mean taken of?"""
    return -np.log(np.mean(y * p + (1 - y) * (1 - p)))


@coin.mistake
def coin_one_minus_p(p, y):
    """You charge 1 − p, the probability that was missed, so the worst prediction costs 1. Where did the product of
    probabilities go, and what does its logarithm charge for p near 0?"""
    return np.mean(y * (1 - p) + (1 - y) * p)


@coin.mistake
def coin_second_sign(p, y):
    """The minus sign reaches the first term only, so samples with label 0 lower your loss. How much of the sum
    must it cover? (Brackets.)"""
    return np.mean(-y * np.log(p) + (1 - y) * np.log(1 - p))


@coin.mistake
def coin_labels_ignored(p, y):
    """You charge −log p whatever the label is. What probability does p give to a label 0?"""
    return -np.mean(np.log(p))


@coin.mistake(small=SMALL_NUMBERS)
def coin_padded(p, y, small):
    """You add a small number inside the logarithm, so every loss is a little off, the large ones most. With p from
    0.001 to 0.999, is there a logarithm of 0 to avoid?"""
    return -np.mean(y * np.log(p + small) + (1 - y) * np.log(1 - p + small))


@coin.mistake
def coin_squared(p, y):
    """That is the squared error (half the Brier score of chapter 2). Which cost comes from the product of
    probabilities?"""
    return np.mean((p - y) ** 2)


@coin.mistake
def coin_error_rate(p, y):
    """You counted errors, so 0.51 and 0.99 cost the same. How much probability did each label get?"""
    return np.mean((p > 0.5) != (y == 1))


@coin.mistake
def coin_each_sample(p, y):
    """That is the loss of each sample. One number is asked for: how do you get it from all of these?"""
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


@coin.mistake
def coin_likelihood(p, y):
    """That is the likelihood, a product to be made large. Which function turns it into a sum, and which sign turns it
    into a cost?"""
    return np.prod(p**y * (1 - p) ** (1 - y))


@coin.mistake
def coin_of_the_sigmoid(p, y):
    """You put p through a sigmoid. It is a probability already: what goes into a sigmoid?"""
    return mean_coin_loss(1 / (1 + np.exp(-p)), y)


@coin.mistake
def coin_by_label(p, y):
    """You averaged the ones and the zeros apart and added the two, so each kind counts alike however often it occurs.
    How many samples does one mean run over?"""
    return -np.mean(np.log(p[y == 1])) - np.mean(np.log(1 - p[y == 0]))


@coin.mistake
def coin_mean_of_two_means(p, y):
    """You averaged the ones and the zeros apart and then took the mean of the two, so a rare label counts as much as a
    frequent one. How many samples does one mean run over?"""
    return coin_by_label(p, y) / 2


classes = Draft(
    "1.2",
    "Return the mean NLL of probabilities p (N, C), none below 0.001, and labels y (N,) from 0 to C − 1, in nats.",
    must=(NEVER_NEGATIVE,),
    tolerance=(1e-12, 1e-13),
    hints=(
        "From each row of p you need one entry, the one whose column is the label.",
        "p[np.arange(len(y)), y] picks them. (A one-hot matrix, multiplied and summed along axis 1, does too.)",
        "Then logarithm, mean, minus.",
    ),
    afterwards="Compare it with losses.nll_loss(np.log(p), y). In chapter 3 the model hands you logits instead of p.",
)


@classes.reference
def mean_class_loss(p, y):
    return -np.mean(np.log(p[np.arange(len(y)), y]))


@classes.inputs
def class_inputs(rng):
    text = (np.array([[0.2, 0.7, 0.1]]), np.array([1]))
    two = (np.array([[0.2, 0.7, 0.1], [0.5, 0.3, 0.2]]), np.array([1, 2]))
    sizes = rng.integers([(2, 3), (3, 2), (10, 5), (1, 4)], [(8, 6), (9, 3), (40, 12), (2, 9)])
    shapes = [*sizes, (4, 4)]  # as many samples as classes: where axes can be confused and nothing raises
    drawn = [(shares(rng, c, n), rng.integers(0, c, n)) for n, c in shapes]
    first_only = (shares(rng, 4, 3), np.zeros(3, dtype=np.int64))
    ends = np.array([[LEAST, 0.5, 0.499], [0.998, LEAST, LEAST], [0.998, LEAST, LEAST], [0.998, LEAST, LEAST]])
    poor = rng.uniform(LEAST, 0.1, (400, 1))  # so many poor predictions that float64 has no number for their product
    many = np.concatenate([poor, (1 - poor) / 2, (1 - poor) / 2], axis=1)
    wide = (shares(rng, 100, 5), np.append(rng.integers(0, 99, 4), 99))
    return [text, two, *drawn, first_only, (ends, np.array([0, 0, 0, 0])), (many, np.zeros(400, dtype=np.int64)), wide]


@classes.domain
def class_domain(p, y):
    rows = len(p) == len(y) > 0 and p.shape[1] > 1 and np.all(p >= LEAST) and np.allclose(p.sum(axis=1), 1, atol=1e-9)
    return rows and np.all((y >= 0) & (y < p.shape[1]))


classes.says(
    NEGATIVE,
    "Your losses are negative. The logarithm of a probability is at most 0: what turns it into a cost?",
)
classes.says(IN_BITS, "You took the logarithm to base 2, so these are bits. Which logarithm gives nats?")
classes.says(
    SUMMED,
    "You added the losses up. What would happen to your number if every sample came twice, and what should happen?",
)
classes.says(
    LABELS_TOO_LOW,
    "You read the probability of the class before the true one: labels were taken to count from 1, and for label 0 "
    "Python's index −1 silently takes the last class. Which column belongs to label 0?",
)
classes.says(
    LABELS_TOO_HIGH,
    "You read the probability of the class after the true one, as if label 1 meant the third column. For (0.2, 0.7, "
    "0.1) and label 1 that gives 2.3026. Which column belongs to label 1?",
)
classes.says(
    OVER_CLASSES,
    "You averaged over all N · C entries, so each loss came out divided by C as well. The one-hot row picks one entry "
    "of each row: what should happen along the row, and what along the samples?",
)


@classes.mistake
def class_all_classes(p, y):
    """You charge every class of a row, whatever the label is. Which factor in −Σ y_c log p_c keeps the others out?"""
    return -np.mean(np.sum(np.log(p), axis=1))


@classes.mistake
def class_favourite(p, y):
    """You charge for the class that the model likes best, so the labels play no role. Whose probability counts, the
    favourite's or the true one's?"""
    return -np.mean(np.log(np.max(p, axis=1)))


@classes.mistake
def class_whole_columns(p, y):
    """p[:, y] pairs every row with every label and gives an N × N table. How do you pair row i with label i only?
    (np.arange(N) as the row index, or np.take_along_axis.)"""
    return -np.mean(np.log(p[:, y]))


@classes.mistake
def class_log_of_mean(p, y):
    """You took the logarithm of the mean probability. The likelihood is a product over samples: what becomes of a
    product under the logarithm?"""
    return -np.log(np.mean(p[np.arange(len(y)), y]))


@classes.mistake
def class_no_logarithm(p, y):
    """You charge 1 − p of the true class. It has the same best value; but what does it charge for p = 0, and what does
    a product of probabilities become then?"""
    return 1 - np.mean(p[np.arange(len(y)), y])


@classes.mistake
def class_each_sample(p, y):
    """That is the loss of each sample. One number is asked for: how do you get it from all of these?"""
    return -np.log(p[np.arange(len(y)), y])


@classes.mistake
def class_softmax_again(p, y):
    """You put p through a softmax. Its rows are probabilities already: what goes into a softmax?"""
    return mean_class_loss(np.exp(p) / np.sum(np.exp(p), axis=1, keepdims=True), y)


@classes.mistake(small=SMALL_NUMBERS)
def class_padded(p, y, small):
    """You add a small number inside the logarithm, so every loss is a little off, the large ones most. None of these
    probabilities is near 0: what is it there for?"""
    return mean_class_loss(p + small, y)


@classes.mistake
def class_rows_by_label(p, y):
    """p[y] picks whole rows, as if a label were the number of a sample. Which of the two indices of p is the
    class?"""
    return -np.mean(np.log(p[y]))


@classes.mistake
def class_as_coins(p, y):
    """You charge for each of the other classes as well, −log(1 − p), as if every class were a coin of its own. One of C
    classes is true: which probability does the likelihood multiply?"""
    hit = np.eye(p.shape[1])[y]
    return -np.mean(np.sum(hit * np.log(p) + (1 - hit) * np.log(1 - p), axis=1))


@classes.mistake
def class_error_rate(p, y):
    """You counted errors. How much probability did each true class get, and what does that cost?"""
    return np.mean(np.argmax(p, axis=1) != y)


@classes.mistake
def class_likelihood(p, y):
    """That is the likelihood, a product to be made large. Which function turns it into a sum, and which sign turns it
    into a cost?"""
    return np.prod(p[np.arange(len(y)), y])


reading = Draft(
    "1.3",
    "Give a list of six numbers: for each printed loss, in the order a to f, the cause that produces it.",
    hints=(
        "Start with the odd one out: one number is negative.",
        "0.3567 divided by log 2, by log 10 and by 3 explains three more.",
        "For the last two ask which probability p has −log p equal to the number: compute exp(−2.3026).",
    ),
    afterwards="You can now read a cause off a printed loss. Compute −log(1/C) when you meet one that you do not know.",
)


@reading.reference
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


@reading.mistake
def indices_mixed_up():
    """a and e are the wrong way round. Both read a neighbour of the true class: −log of which probability is 2.3026,
    and which index has it, counted from 0?"""
    return [5, 1, 2, 3, 4, 6]


@reading.mistake
def bases_mixed_up():
    """c and d are the wrong way round. Is log₂ of a number larger or smaller in size than log₁₀ of it?"""
    return [4, 1, 3, 2, 5, 6]


@reading.mistake
def upside_down():
    """Your list says which letter belongs to each cause. The other way round is asked for: which cause belongs to each
    letter?"""
    right = reading_of_the_numbers()
    return [right.index(cause) + 1 for cause in range(1, 7)]


@reading.mistake
def in_the_order_of_the_causes():
    """That is the order of the list of causes itself. Start with the one negative number: what turns a loss into its
    negative?"""
    return [1, 2, 3, 4, 5, 6]


@reading.mistake
def counted_from_zero():
    """Your causes count from 0. With which number does the list of causes begin?"""
    return [cause - 1 for cause in reading_of_the_numbers()]


@reading.mistake
def both_pairs_mixed_up():
    """Two pairs are the wrong way round: a with e, and c with d. −log of which probability is 2.3026, and is log₂ of a
    number larger or smaller in size than log₁₀ of it?"""
    return [5, 1, 3, 2, 4, 6]


MOST_LABELS = 2000

floor = Draft(
    "1.4",
    "Return the smallest mean NLL, in nats, that one prediction, the same for every sample, can reach on labels (N,) "
    "from 0 to num_classes − 1, at most 2,000 of them.",
    must=(NEVER_NEGATIVE,),
    tolerance=(1e-12, 1e-13),
    slips=(NEGATIVE, *BASES, SUMMED, OVER_SAMPLES, ONE_FEWER, OVER_CLASSES, TIMES_CLASSES, *EPSILONS),
    hints=(
        "Equation 1.8 says which constant prediction is best.",
        "Put it into equation 1.7: the share of each class times minus its logarithm, summed.",
        "A class that never occurs costs nothing. Leave it out before you take the logarithm.",
    ),
    afterwards=(
        "You wrote the entropy of the labels' shares. A model that learns from its input beats this number: compare it "
        "with the first losses that a training run prints."
    ),
)


@floor.reference
def best_constant_loss(labels, num_classes):
    share = np.bincount(labels, minlength=num_classes) / len(labels)
    seen = share[share > 0]
    return -np.sum(seen * np.log(seen))


@floor.inputs
def floor_inputs(rng):
    plain = [
        (np.array([1, 1, 0, 1, 1, 0, 1, 1, 0, 1]), 2),
        (np.repeat([0, 1, 2], [2, 7, 1]), 3),
        (np.array([0, 3, 3, 5]), 7),
        (np.array([2, 2, 2]), 3),
        (np.array([0]), 2),
    ]
    sizes = rng.integers([(3, 2), (20, 3), (100, 5)], [(9, 5), (60, 6), (400, 12)])
    drawn = [(rng.choice(c, n, p=rng.dirichlet(np.ones(c))), int(c)) for n, c in sizes]
    rare = (rng.permutation(np.repeat([0, 1, 2], [MOST_LABELS - 10, 9, 1])), 4)
    once = (rng.permutation(MOST_LABELS // 2), MOST_LABELS // 2)  # small shares, where a small number shows
    return [*plain, *drawn, rare, once]


@floor.domain
def floor_domain(labels, num_classes):
    return 0 < len(labels) <= MOST_LABELS and num_classes > 1 and np.all((labels >= 0) & (labels < num_classes))


@floor.mistake
def floor_is_zero(labels, num_classes):
    """0 needs probability 1 on every label that occurs, and one constant prediction cannot give that to two classes.
    Which constant prediction is best, and what does it cost?"""
    return 0.0


@floor.mistake
def floor_of_uniform(labels, num_classes):
    """That is what the uniform prediction costs. Is it the best one when the classes are not equally frequent?"""
    return np.log(num_classes)


@floor.mistake
def floor_of_seen_uniform(labels, num_classes):
    """That is the cost of a uniform prediction over the classes that occur. Better, but what do the counts tell you
    beyond which classes occur?"""
    return np.log(len(np.unique(labels)))


@floor.mistake
def floor_with_nan(labels, num_classes):
    """Right as long as every class occurs; with a missing one you get 0 · log 0 = nan. What did that class cost, and
    how can you leave it out?"""
    share = np.bincount(labels, minlength=num_classes) / len(labels)
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.sum(share * np.log(share))


@floor.mistake(small=SMALL_NUMBERS)
def floor_padded_logarithm(labels, num_classes, small):
    """You add a small number inside the logarithm, so the result is a little off. For which classes is it needed, and
    what do they cost?"""
    share = np.bincount(labels, minlength=num_classes) / len(labels)
    return -np.sum(share * np.log(share + small))


floor.says(IN_BITS, "These are bits. Which logarithm gives nats?")
floor.says(
    SUMMED,
    "That is the cost of all samples together. What would it be if every label came twice, and what should the mean "
    "be then?",
)
floor.says(NEGATIVE, "Yours is negative, and a cost of probabilities at most 1 cannot be. Where did the minus sign go?")


@floor.mistake
def floor_of_most_frequent(labels, num_classes):
    """You charge for the most frequent class only. What do the samples of the other classes cost under the best
    constant prediction, and how often do they occur?"""
    return -np.log(np.bincount(labels).max() / len(labels))


@floor.mistake
def floor_relative(labels, num_classes):
    """You divided by log C, which makes every uniform set of labels cost 1. In which unit is the loss asked for?"""
    return best_constant_loss(labels, num_classes) / np.log(num_classes)


@floor.mistake
def floor_without_weights(labels, num_classes):
    """You averaged −log p over the classes. The mean runs over the samples: how many of them has each class?"""
    share = np.bincount(labels, minlength=num_classes) / len(labels)
    return -np.mean(np.log(share[share > 0]))


@floor.mistake
def floor_of_padded(labels, num_classes):
    """You added 1 to each count, which is a sound precaution for labels to come. On these labels, is there a constant
    prediction that costs less?"""
    share = (np.bincount(labels, minlength=num_classes) + 1) / (len(labels) + num_classes)
    return -np.mean(np.log(share[labels]))


@floor.mistake
def floor_as_perplexity(labels, num_classes):
    """That is the perplexity, the exponential of what is asked for. In which unit is a loss given?"""
    return np.exp(best_constant_loss(labels, num_classes))


@floor.mistake
def floor_of_errors(labels, num_classes):
    """That is the share of errors when you always guess the most frequent class. Which loss is asked for, and what does
    it charge?"""
    return 1 - np.bincount(labels).max() / len(labels)


@floor.mistake
def floor_of_squares(labels, num_classes):
    """1 − Σ p² is the smallest mean squared error (the Brier score, chapter 2), without any logarithm. What does the
    NLL charge for a label?"""
    return 1 - np.sum((np.bincount(labels) / len(labels)) ** 2)


@floor.mistake
def floor_of_counts(labels, num_classes):
    """You took counts for probabilities. They do not add up to 1: what turns counts into shares?"""
    counts = np.bincount(labels)
    return -np.sum(counts[counts > 0] * np.log(counts[counts > 0]))


@floor.mistake
def floor_of_own_label(labels, num_classes):
    """You added −log p up over the classes, as if each occurred once. How often does each one occur?"""
    share = np.bincount(labels, minlength=num_classes) / len(labels)
    return -np.sum(np.log(share[share > 0]))
