"""Exercise 7.5: class weights taken out again."""

import numpy as np

from xent_helpers import losses
from xent_helpers.exercises.constants import SMALL_NUMBERS
from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import DOUBLED, EPSILONS, HALVED, NEGATIVE, OVER_CLASSES, OVER_SAMPLES, TRANSPOSED

weights = Draft(
    "7.5",
    "Turn probabilities (N, C) of a model trained with class weights w (C,), each from a millionth to a million, into "
    "those of unweighted training.",
    must=(
        Must("has rows that add up to 1", lambda q, p, w: np.allclose(q.sum(axis=1), 1, atol=1e-6)),
        Must("has no entry below 0", lambda q, p, w: np.all(q >= 0)),
    ),
    tolerance={"float64": (1e-9, 1e-12), "float32": (1e-4, 1e-5)},  # a weight of a million is no reason for more
    slips=(NEGATIVE, TRANSPOSED, OVER_SAMPLES, OVER_CLASSES, HALVED, DOUBLED, *EPSILONS),
    hints=(
        "By equation 7.13 the weighted model reports p*_c in proportion to w_c q_c. What is q_c in proportion to?",
        "Divide each column by its weight, then each row by its sum.",
    ),
    afterwards=(
        "Check that weights that are all equal change nothing. calibration.shift_prior_probs does the same, with any "
        "pair of frequencies."
    ),
)


@weights.reference
def unweighted(p, w):
    q = p / w
    return q / q.sum(axis=1, keepdims=True)


@weights.inputs
def weights_inputs(rng):
    sizes = rng.integers([(2, 3), (2, 2), (4, 6), (1, 4)], [(6, 5), (8, 3), (9, 12), (2, 7)])
    shapes = [*sizes, (3, 3), (4, 4)]
    drawn = [(rng.dirichlet(np.ones(c), n), rng.uniform(0.2, 5.0, c)) for n, c in shapes]
    equal = (rng.dirichlet(np.ones(4), 6), np.full(4, 2.0))
    sure = np.array([[0.0, 1.0], [1.0, 0.0], [0.25, 0.75], [1e-9, 1 - 1e-9]])
    rare = (np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]), np.array([40.0, 1.0, 0.01]))
    far = [(sure, np.array([weight, 1.0])) for weight in (1e-3, 1e-6, 1e6)]
    far += [(sure, np.array(pair)) for pair in ([1e-6, 1e6], [1e6, 1e-6])]
    return [(np.array([[0.5, 0.5]]), np.array([1.0, 9.0])), *drawn, equal, rare, *far]


@weights.domain
def weights_domain(p, w):
    rows = p.ndim == 2 and len(p) > 0 and p.shape[1] == len(w) > 1 and np.allclose(p.sum(axis=1), 1, atol=1e-9)
    return rows and np.all(p >= 0) and np.all((w >= 1e-6) & (w <= 1e6))


@weights.mistake
def weighted_again(p, w):
    """You multiplied by the weights, which puts them in a second time. The model already acts as if class c were w_c
    times as frequent: which way leads back?"""
    q = p * w
    return q / q.sum(axis=1, keepdims=True)


@weights.mistake
def not_normalised(p, w):
    """The right proportions, but your rows no longer add up to 1. What restores that?"""
    return p / w


@weights.mistake(scale=(np.sum, np.mean, np.max))
def divided_by_scaled(p, w, scale):
    """You scaled the weights, which leaves their proportions as they are; but your rows do not add up to 1. What
    restores that?"""
    return p / (w / scale(w))


@weights.mistake
def normalised_in_total(p, w):
    """You divided by the sum of the whole table. Each sample has probabilities of its own: along which axis should they
    add up to 1?"""
    q = p / w
    return q / q.sum()


@weights.mistake
def normalised_without_keepdims(p, w):
    """(p / w).sum(axis=1) has shape (N,), and NumPy lines it up with the columns: it fails, or divides column c by the
    sum of row c. Which argument of sum keeps one row for each sample, (N, 1)?"""
    q = p / w
    return q / q.sum(axis=1)


@weights.mistake
def normalised_over_samples(p, w):
    """Your columns add up to 1, not your rows. Along which axis do the classes lie?"""
    q = p / w
    return q / q.sum(axis=0, keepdims=True)


@weights.mistake
def log_subtracted_from_probabilities(p, w):
    """You subtracted log w from the probabilities. Equation 7.15 subtracts it from the logits: what are logits of a
    given p? (log p will do.)"""
    return losses.softmax(p - np.log(w))


@weights.mistake
def weight_subtracted(p, w):
    """You subtracted w itself from the logits. A weight multiplies probabilities: what does a factor become under the
    logarithm?"""
    return losses.softmax(np.log(p) - w)


@weights.mistake
def divided_then_softmax(p, w):
    """Dividing is right, but then you took a softmax, which is for logits. How do you make positive numbers add up to 1
    without changing their proportions?"""
    return losses.softmax(p / w)


@weights.mistake
def left_alone(p, w):
    """You left the probabilities as they were. Are they those of this world?"""
    return p


@weights.mistake
def weighted_not_normalised(p, w):
    """You multiplied by the weights, which puts them in a second time, and the rows no longer add up to 1. Which way
    leads back, and what restores the sum?"""
    return p * w


@weights.mistake
def weights_squared(p, w):
    """You took the weights out twice. By equation 7.13, how often are they in?"""
    return unweighted(p, w**2)


@weights.mistake
def root_of_weights(p, w):
    """You took the root of each weight out, so half of it stays (on the scale of logits). By equation 7.13, which power
    of w is in?"""
    return unweighted(p, np.sqrt(w))


@weights.mistake
def weights_over_samples(p, w):
    """Your weights lie along the samples, one for each row. With which axis of p does w go?"""
    return unweighted(p, w[:, None])


@weights.mistake
def logits_returned(p, w):
    """These are logits, and the right ones. Which function turns them into probabilities?"""
    return np.log(p) - np.log(w)


@weights.mistake
def log_probabilities_returned(p, w):
    """These are the logarithms of the right probabilities. What undoes them?"""
    return np.log(unweighted(p, w))


@weights.mistake
def each_class_alone(p, w):
    """You treated each class as if all others had weight 1, one against the rest, and the rows do not add up to 1. By
    what are all classes of a row divided in equation 7.13?"""
    return p / (p + w * (1 - p))


@weights.mistake
def most_probable_only(p, w):
    """You decided for one class in each row. Probabilities are asked for: what is lost in a decision?"""
    return np.eye(len(w))[np.argmax(p / w, axis=1)]


@weights.mistake
def divided_by_mean_weight(p, w):
    """One number divides all classes, so their proportions stay as they were. Which weight belongs to which column?"""
    return p / w.mean()


@weights.mistake
def normalised_by_largest(p, w):
    """Your rows have 1 as their largest entry. What has to be 1 in a row of probabilities?"""
    q = p / w
    return q / q.max(axis=1, keepdims=True)


@weights.mistake
def weights_taken_off(p, w):
    """You subtracted the weights from the probabilities. In equation 7.13 they are factors: what undoes a factor?"""
    q = p - w
    return q / q.sum(axis=1, keepdims=True)


@weights.mistake
def balanced_instead(p, w):
    """You divided by the mean of each column, as if all classes should come equally often; w has no say. What does the
    weighted model report in place of q_c?"""
    q = p / p.mean(axis=0)
    return q / q.sum(axis=1, keepdims=True)


@weights.mistake(small=SMALL_NUMBERS[:-1])
def weighted_padded(p, w, small):
    """You add a small number to keep the logarithm from 0, and a class with probability 0 gets some. What does a
    probability of 0 become when it is divided by its weight?"""
    return losses.softmax(np.log(p + small) - np.log(w))
