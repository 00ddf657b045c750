"""Exercise 7.3: the loss at a temperature."""

import numpy as np

from xent_helpers import losses
from xent_helpers.exercises.constants import NEVER_NEGATIVE, SMALL_NUMBERS
from xent_helpers.exercises.draft import Draft
from xent_helpers.exercises.slips import IN_BITS, NEGATIVE, SUMMED

temperature = Draft(
    "7.3",
    "Return the mean NLL, in nats, of labels y (N,) under softmax of the logits z (N, C), from −50 to 50, at "
    "temperature T, ½ or more.",
    must=(NEVER_NEGATIVE,),
    rounds=4,
    hints=(
        "p = softmax(z / T), and then the mean of −log p at the labels.",
        "losses.cross_entropy takes logits and does the rest: which logits belong to temperature T?",
    ),
    afterwards=(
        "Draw it against 1/T for some logits: it is convex, and calibration.fit_temperature finds its bottom, if any."
    ),
)


@temperature.reference
def nll_at(z, y, T):
    return losses.cross_entropy(z / T, y)


@temperature.inputs
def temperature_inputs(rng):
    sizes = rng.integers([(2, 3), (3, 2), (5, 8), (1, 4)], [(8, 6), (9, 3), (20, 12), (2, 9)])
    shapes = [*sizes, (4, 4)]  # as many samples as classes: where axes can be confused and nothing raises
    drawn = [
        (3 * rng.normal(size=(n, c)), rng.integers(0, c, n), T)
        for (n, c), T in zip(shapes, (2.5, 0.5, 1.0, 1.7, rng.uniform(1, 10)), strict=True)
    ]
    sure = (np.array([[40.0, 0.0, -20.0], [25.0, 0.0, 0.0]]), np.array([2, 1]), 1.0)
    ends = np.array([[50.0, -50.0, 0.0], [-50.0, 50.0, 50.0], [50.0, 50.0, 50.0]])
    return [
        (np.array([[2.0, 0.0]]), np.array([1]), 2.0),
        *drawn,
        sure,
        *((ends, rng.permutation(3), T) for T in (0.5, 3.0, 40.0, 1000.0)),
        (rng.normal(size=(3, 3)), np.zeros(3, int), 4.0),
    ]


@temperature.domain
def temperature_domain(z, y, T):
    labels = len(z) == len(y) > 0 and z.shape[1] > 1 and np.all((y >= 0) & (y < z.shape[1]))
    return labels and np.all(np.abs(z) <= 50) and T >= 0.5


@temperature.mistake
def nll_multiplied(z, y, T):
    """You multiplied the logits by T, so your T = 4 makes the model *more* certain. A higher temperature should soften:
    which operation shrinks the differences between logits?"""
    return losses.cross_entropy(z * T, y)


@temperature.mistake
def nll_softmax_twice(z, y, T):
    """You handed probabilities to a loss that takes logits, so the softmax is taken twice. What does
    losses.cross_entropy do with its input?"""
    return losses.cross_entropy(losses.softmax(z / T), y)


@temperature.mistake
def nll_of_divided_probabilities(z, y, T):
    """You divided the probabilities by T and passed them on as logits. At which point does T act: before or after the
    softmax?"""
    return losses.cross_entropy(losses.softmax(z) / T, y)


@temperature.mistake
def nll_of_unnormalised(z, y, T):
    """You divided the probabilities by T, and they no longer add up to 1: the loss only moved by log T. At which point
    does T act, before or after the softmax?"""
    return -np.mean(np.log(losses.softmax(z)[np.arange(len(y)), y] / T))


@temperature.mistake
def nll_divided(z, y, T):
    """That is the loss at T = 1, divided by T (which p to the power 1/T gives too, unless its rows are made to add up
    to 1 again). It changes the unit of the loss, not the probabilities. What is it that T divides?"""
    return losses.cross_entropy(z, y) / T


@temperature.mistake
def nll_ignoring_temperature(z, y, T):
    """Your result does not depend on T. Where should it come in?"""
    return losses.cross_entropy(z, y)


temperature.says(SUMMED, "You added the losses up. What should happen to your number if every sample came twice?")
temperature.says(NEGATIVE, "Your loss is negative. Which sign makes a cost of the logarithm of a probability?")
temperature.says(IN_BITS, "These are bits. Which logarithm gives nats?")


@temperature.mistake
def nll_along_samples(z, y, T):
    """Your softmax runs along axis 0, over the samples, so each class's column adds up to 1. Along which axis do the
    classes compete?"""
    return -np.mean(np.log(losses.softmax(z / T, axis=0)[np.arange(len(y)), y]))


def chosen(p, y):
    return p[np.arange(len(y)), y]


@temperature.mistake
def nll_of_label_divided(z, y, T):
    """You divided the label's logit by T, but not those in the logarithm of the sum. Which logits does T reach?"""
    return np.mean(losses.logsumexp(z) - chosen(z, y) / T)


@temperature.mistake
def nll_of_sum_divided(z, y, T):
    """You divided the logits in the logarithm of the sum by T, but not the label's own. Which logits does T reach?"""
    return np.mean(losses.logsumexp(z / T) - chosen(z, y))


@temperature.mistake
def nll_of_logits(z, y, T):
    """You charge −z_y / T as if logits were logarithms of probabilities. What has to be taken off, so that the
    probabilities of a row add up to 1?"""
    return -np.mean(chosen(z / T, y))


@temperature.mistake
def nll_log_of_mean(z, y, T):
    """That is the logarithm of the mean probability. The likelihood is a product: in which order do logarithm and mean
    come?"""
    return -np.log(np.mean(chosen(losses.softmax(z / T), y)))


@temperature.mistake
def nll_no_logarithm(z, y, T):
    """You charge 1 − p of the label. What does a product of probabilities become under the logarithm?"""
    return 1 - np.mean(chosen(losses.softmax(z / T), y))


@temperature.mistake
def nll_of_probabilities(z, y, T):
    """You charge −p of the label, as losses.nll_loss does when it gets probabilities. What does it expect instead?"""
    return -np.mean(chosen(losses.softmax(z / T), y))


@temperature.mistake
def nll_of_favourite(z, y, T):
    """You charge for the class that the model likes best, whatever the label is. Whose probability counts?"""
    return -np.mean(np.max(losses.log_softmax(z / T), axis=1))


@temperature.mistake
def nll_whole_columns(z, y, T):
    """[:, y] pairs every row with every label, an N × N table. How do you pair row i with label i only?"""
    return -np.mean(losses.log_softmax(z / T)[:, y])


@temperature.mistake
def nll_all_classes(z, y, T):
    """You charge for every class of a row. Which one of them came true?"""
    return -np.mean(np.sum(losses.log_softmax(z / T), axis=1))


@temperature.mistake
def nll_each_sample(z, y, T):
    """That is the loss of each sample. One number is asked for: which one of them all?"""
    return losses.cross_entropy(z / T, y, reduction="none")


@temperature.mistake
def nll_perplexity(z, y, T):
    """That is the perplexity, exp of the loss. In which unit is the loss itself?"""
    return np.exp(nll_at(z, y, T))


@temperature.mistake(small=SMALL_NUMBERS)
def nll_padded(z, y, T, small):
    """You keep the logarithm from 0 by a small number, added or as a bound, so a label with a tiny probability costs
    less than it should. What does losses.log_softmax do about it?"""
    return -np.mean(np.log(chosen(losses.softmax(z / T), y) + small))


@temperature.mistake(like=nll_padded, small=SMALL_NUMBERS)
def nll_clipped(z, y, T, small):
    return -np.mean(np.log(np.clip(chosen(losses.softmax(z / T), y), small, 1 - small)))
