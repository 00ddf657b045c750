"""Exercise 2.5: the lowest loss that any predictions can reach on a given set of samples."""

import numpy as np

from xent_helpers.exercises.chapter_02 import ZEROS
from xent_helpers.exercises.chapter_02.information import MOST_SAMPLES
from xent_helpers.exercises.constants import NEVER_NEGATIVE, SMALL_NUMBERS
from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import BASES, DOUBLED, EPSILONS, HALVED, NEGATIVE

floor = Draft(
    "2.5",
    "Return the lowest mean loss in nats that predictions from the input can have on these samples. counts (M, C) says "
    "how often each of M inputs occurred with each of C labels, whole numbers that add up to 2,000 at most; a row may "
    "be all zeros.",
    must=(
        NEVER_NEGATIVE,
        Must("is at most log C", lambda loss, counts: loss <= np.log(counts.shape[1]) + 1e-9),
    ),
    slips=(NEGATIVE, *BASES, HALVED, DOUBLED, *EPSILONS),
    tolerance=1e-11,
    hints=(
        "For one input, the best probabilities are the shares of the labels that occurred with it (equation 2.7).",
        "So each row has an entropy. In the mean over samples, how much does each row weigh?",
        "counts.sum(axis=1) / counts.sum() are the weights. A row that never occurred weighs 0: leave it out.",
    ),
    afterwards="Give each sample a row of its own, as the memoriser of section 1.8 does: what does the floor become?",
)


@floor.reference
def floor_of(counts):
    rows = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(rows, 1)
    surprise = -np.log(np.where(counts > 0, share, 1))
    return np.sum(counts * surprise) / np.sum(counts)


@floor.inputs
def floor_inputs(rng):
    plain = [[[9, 1], [1, 9]], [[30, 10], [5, 15]], [[6, 3, 1], [2, 2, 6], [10, 20, 10]]]
    drawn = [rng.integers(1, 40, shape) for shape in [(2, 4), (4, 2), (3, 3), (7, 5), (1, 3), (5, 1)]]
    tricky = [[[5, 0], [2, 3]], [[8, 0], [0, 4]], [[3, 1], [0, 0], [2, 6]], [[0, 7], [4, 0], [3, 3]]]
    tricky += [[[4, 0, 2], [1, 0, 5]]]  # a label that never occurred
    tricky += [[[0, 4, 2], [3, 1, 1]], [[4, 2, 0], [1, 1, 3]]]  # nor the first or the last with one input
    tricky += [[[1, 1], [4, 1], [1, 0]]]  # rows of two samples and of one
    many = [np.full((2, 1000), 1), [[1500, 300], [199, 1]]]  # small shares, where a small number shows
    return [(np.array(counts, dtype=int),) for counts in (*plain, *drawn, *tricky, *many)]


@floor.domain
def floor_domain(counts):
    return counts.size > 0 and np.all(counts >= 0) and 0 < counts.sum() <= MOST_SAMPLES


def entropy_of(counts, term):
    share = counts / np.sum(counts)
    return -np.sum(term(share, share))


def row_entropies(counts, term):
    """The entropy of each row's shares; nan for a row of zeros."""
    with np.errstate(invalid="ignore"):
        share = counts / counts.sum(axis=1, keepdims=True)
        return -np.sum(term(share, share), axis=1)


def weighted(entropies, counts):
    weights = counts.sum(axis=1)
    return np.sum(np.where(weights > 0, weights * entropies, 0)) / np.sum(weights)


@floor.mistake
def floor_careless(counts):
    """Right as long as every label occurred with every input; otherwise it is nan. 0 · log 0 must be 0, and a row of
    zeros has no shares and no weight. How do you keep both out?"""
    with np.errstate(all="ignore"):
        share = counts / counts.sum(axis=1, keepdims=True)
        return -np.sum(counts * np.log(share)) / np.sum(counts)


@floor.mistake
def floor_nan_for_empty_rows(counts):
    """Right as long as every input occurred; a row of zeros makes it nan. No sample has that input: what should the
    row weigh?"""
    return np.sum(counts.sum(axis=1) * row_entropies(counts, ZEROS[0].value)) / np.sum(counts)


@floor.mistake(small=SMALL_NUMBERS[1:])
def floor_padded(counts, small):
    """The small number inside the logarithm hides the nan, but now the floor is off, and an input that settles its
    label has a negative entropy. Which entries need help?"""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return -np.sum(counts * np.log(share + small)) / np.sum(counts)


@floor.mistake(term=ZEROS)
def floor_without_input(counts, term):
    """That is H(Y), what the best constant pays: it ignores the input. Your predictions may differ from row to row.
    What does the best one for a row pay?"""
    return entropy_of(counts.sum(axis=0), term)


@floor.mistake(term=ZEROS)
def floor_equal_weights(counts, term):
    """You gave every input the same weight. The loss is a mean over samples: how many samples does each row hold?"""
    entropies = row_entropies(counts, term)
    return np.mean(entropies[counts.sum(axis=1) > 0])


@floor.mistake(term=ZEROS)
def floor_joint(counts, term):
    """That is the entropy of input and label together. The input is given before you predict. Whose shares should
    sum to 1, the table's or each row's?"""
    return entropy_of(counts, term)


@floor.mistake(term=ZEROS)
def floor_of_the_input(counts, term):
    """That is H(X | Y), the surprise of the input once you know the label. Which of the two does the model predict?"""
    return weighted(row_entropies(counts.T, term), counts.T)


@floor.mistake(term=ZEROS)
def floor_as_information(counts, term):
    """That is the mutual information, what the input is worth: H(Y) − H(Y | X). The loss is what remains. Which of the
    two terms is it?"""
    return entropy_of(counts.sum(axis=0), term) - weighted(row_entropies(counts, term), counts)


@floor.mistake(term=ZEROS)
def floor_entropy_of_inputs(counts, term):
    """That is H(X), how varied the inputs are. No label is in it. What is there to predict?"""
    return entropy_of(counts.sum(axis=1), term)


@floor.mistake(term=ZEROS)
def floor_total(counts, term):
    """You added up the losses of all samples. What turns the total into a mean?"""
    return weighted(row_entropies(counts, term), counts) * np.sum(counts)


@floor.mistake(term=ZEROS)
def floor_summed(counts, term):
    """You added up the entropies of the rows, so more inputs give a larger loss. How much does each row weigh in the
    mean over samples?"""
    return np.nansum(row_entropies(counts, term)[counts.sum(axis=1) > 0])


@floor.mistake(term=ZEROS)
def floor_each_row(counts, term):
    """These are the entropies of the rows. One number is asked for: what are the weights of their mean?"""
    return row_entropies(counts, term)


@floor.mistake
def floor_of_errors(counts):
    """That is the lowest share of errors: it counts samples off the most frequent label of their row. What does the
    log loss charge for them, and for the others?"""
    return 1 - np.sum(np.max(counts, axis=1)) / np.sum(counts)


@floor.mistake
def floor_most_frequent(counts):
    """You charged each row the surprise of its most frequent label. What about its samples with another label?"""
    rows = counts.sum(axis=1)
    return weighted(
        -np.log(np.max(counts, axis=1) / np.maximum(rows, 1), where=rows > 0, out=np.zeros_like(rows)), counts
    )


@floor.mistake
def floor_add_one(counts):
    """You added 1 to every count. That protects new samples from an infinite loss, but on these samples it costs
    something. Which shares are the best ones here?"""
    share = (counts + 1) / (counts + 1).sum(axis=1, keepdims=True)
    return -np.sum(counts * np.log(share)) / np.sum(counts)


@floor.mistake
def floor_zero(counts):
    """A loss of 0 needs an input that settles its label. Two samples with the same input and different labels share
    one prediction: what is the best one?"""
    return 0.0
