"""Exercise 6.3: the gradient for the weights."""

from dataclasses import replace

import numpy as np

from xent_helpers.exercises.chapter_06 import LABELS
from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import (
    DOUBLED,
    EPSILONS,
    HALVED,
    NEGATIVE,
    ONE_FEWER,
    OVER_CLASSES,
    OVER_SAMPLES,
    SUMMED,
    TRANSPOSED,
)
from xent_helpers.losses import cross_entropy, one_hot, softmax

OVER_COLUMNS = replace(OVER_CLASSES, after=lambda output, arguments: output / arguments[2].shape[1])


gradient = Draft(
    "6.3",
    "Return the gradient of the mean cross-entropy for the weights, shape (D, C), also for logits of several thousand.",
    must=(
        Must(
            "has rows that sum to 0, for the probabilities of a sample sum to 1 as its one-hot row does",
            lambda gradient, x, y, w: np.allclose(gradient.sum(axis=1), 0, atol=1e-3 * (1 + np.abs(x).max())),
        ),
    ),
    slips=(NEGATIVE, SUMMED, OVER_SAMPLES, ONE_FEWER, OVER_COLUMNS, HALVED, DOUBLED, *LABELS, *EPSILONS),
    rounds=2,
    hints=(
        "Start from the gradient for the logits of one sample, p − y.",
        "Logit c of sample n is Σ_d x[n, d] w[d, c]: by how much does it move when w[d, c] does?",
        "Sum x[n, d] (p[n, c] − y[n, c]) over the samples: which product of two matrices is that?",
    ),
    afterwards="Compare with autograd: set requires_grad on w, take losses.cross_entropy(x @ w, y) and backward.",
)


@gradient.reference
def weight_gradient(x, y, w):
    p = softmax(x @ w)
    return x.T @ (p - one_hot(y, w.shape[1])) / len(y)


@gradient.inputs
def gradient_inputs(rng):
    plain = (np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0, 2]), np.zeros((2, 3)))
    least = (np.array([[1.0]]), np.array([1]), np.array([[0.0, 0.0]]))
    pair = (np.array([[1.0], [2.0]]), np.array([0, 1]), np.array([[0.0, 1.0]]))
    n, d, c = rng.integers([5, 2, 3], [12, 6, 8])
    same = rng.integers(2, 6)
    shapes = [(1, d, c), (n, d, 2), (n, 1, c), (n, d, c), (same, same, same), (n, c, c), (n, n, c)]
    cases = [(rng.normal(size=(n, d)), rng.integers(0, c, n), rng.normal(size=(d, c))) for n, d, c in shapes]
    x, y, w = cases[3]
    twice = np.concatenate([x, x])
    return [
        plain,
        least,
        pair,
        *cases,
        (x, y, 3000.0 * w),
        (1 + x, np.full(n, c - 1), w),
        (x, np.zeros(n, dtype=int), 9 * w),
        (twice, rng.integers(0, c, 2 * n), w),
        (rng.normal(size=(300, 1)), rng.integers(0, 2, 300), np.array([[1.0, -1.0]])),
    ]


@gradient.domain
def gradient_domain(x, y, w):
    fits = x.ndim == w.ndim == 2 and x.shape == (len(y), len(w)) and min(*x.shape, w.shape[1] - 1) > 0
    return fits and np.all((y >= 0) & (y < w.shape[1]))


gradient.says(
    SUMMED,
    "This is the gradient of the sum, so a larger batch takes a longer step. What does the mean divide by?",
)


@gradient.mistake
def gradient_without_labels(x, y, w):
    """The labels play no part here: you have p in the place of p − y. What should pull the true class up?"""
    return x.T @ softmax(x @ w) / len(y)


gradient.says(
    NEGATIVE,
    "The sign is turned, y − p for p − y: a step against this gradient goes uphill. Which way does the loss move when "
    "the true class's logit grows?",
)


@gradient.mistake
def gradient_over_classes(x, y, w):
    """This is divided by the number of classes as well. How many losses does the mean run over?"""
    return weight_gradient(x, y, w) / w.shape[1]


gradient.says(
    OVER_CLASSES, "This is divided by the number of features, D, as well. How many losses does the mean run over?"
)


def hot(y, w):
    return np.eye(w.shape[1])[y]


@gradient.mistake
def gradient_down_the_samples(x, y, w):
    """The softmax runs down the samples instead of across the classes. Which axis must sum to 1?"""
    return x.T @ (softmax(x @ w, axis=0) - hot(y, w)) / len(y)


@gradient.mistake
def gradient_of_one_softmax(x, y, w):
    """One softmax runs over the whole batch, so that all samples share a probability of 1. What must each row sum to?
    (axis)"""
    z = x @ w
    e = np.exp(z - z.max())
    return x.T @ (e / e.sum() - hot(y, w)) / len(y)


@gradient.mistake
def gradient_of_logits(x, y, w):
    """You have logits in the place of probabilities: this is the gradient of a squared error. What turns z into p?"""
    return x.T @ (x @ w - hot(y, w)) / len(y)


@gradient.mistake
def gradient_of_sigmoids(x, y, w):
    """A sigmoid for each class makes C separate coins, whose probabilities need not add up to 1. Which function makes
    the classes compete?"""
    return x.T @ (1 / (1 + np.exp(-(x @ w))) - hot(y, w)) / len(y)


@gradient.mistake
def gradient_naive(x, y, w):
    """Right for small logits. But for the largest here exp overflows, or is 0 for a whole row. Which softmax survives
    logits of a thousand?"""
    e = np.exp(x @ w)
    return x.T @ (e / e.sum(axis=1, keepdims=True) - hot(y, w)) / len(y)


@gradient.mistake(like=gradient_naive)
def gradient_with_one_shift_for_all(x, y, w):
    e = np.exp(x @ w - np.max(x @ w))
    return x.T @ (e / e.sum(axis=1, keepdims=True) - hot(y, w)) / len(y)


@gradient.mistake
def gradient_true_class_only(x, y, w):
    """Only the true class's column moves. The loss names only its p, true; but which logits stand in the denominator of
    that p?"""
    return x.T @ (hot(y, w) * (softmax(x @ w) - 1)) / len(y)


@gradient.mistake
def gradient_others_left_out(x, y, w):
    """The true class's column gets nothing from its own samples, and the others are pushed down. By how much does p − y
    move the true class's logit?"""
    p = softmax(x @ w)
    return x.T @ (p * (1 - hot(y, w))) / len(y)


@gradient.mistake
def gradient_for_the_logits(x, y, w):
    """That is the gradient for the logits, a row for each sample. What does a weight w[d, c] multiply on its way to
    logit c?"""
    return (softmax(x @ w) - hot(y, w)) / len(y)


@gradient.mistake
def gradient_for_each_sample(x, y, w):
    """That is p − y, the gradient of each sample's loss for its logits. What does a weight w[d, c] multiply on its way
    to logit c, and where does the mean come?"""
    return softmax(x @ w) - hot(y, w)


gradient.says(
    TRANSPOSED,
    "Rows and columns are exchanged: this is the layout of nn.Linear, (C, D). What is the shape of w here?",
)


@gradient.mistake
def gradient_through_a_sigmoid(x, y, w):
    """A factor p (1 − p) is in there as well, the slope of a sigmoid. It is what the squared error leaves; what became
    of it when the logarithm was differentiated?"""
    p = softmax(x @ w)
    return x.T @ ((p - hot(y, w)) * p * (1 - p)) / len(y)


@gradient.mistake
def gradient_of_squares(x, y, w):
    """That is the gradient of the squared error of p, carried through the softmax. Whose gradient is asked for, and
    what does its logarithm cancel?"""
    p = softmax(x @ w)
    slope = 2 * (p - hot(y, w))
    return x.T @ (p * (slope - np.sum(slope * p, axis=1, keepdims=True))) / len(y)


@gradient.mistake
def gradient_of_half_squares(x, y, w):
    """That is the gradient of half the squared error of p, carried through the softmax. Whose gradient is asked for,
    and what does its logarithm cancel?"""
    return gradient_of_squares(x, y, w) / 2


@gradient.mistake
def gradient_softmax_twice(x, y, w):
    """The logits go through softmax twice, so no probability comes near 1. Which line has one softmax too many?"""
    return x.T @ (softmax(softmax(x @ w)) - hot(y, w)) / len(y)


@gradient.mistake
def gradient_through_two_softmaxes(x, y, w):
    """That is the gradient of the cross-entropy of softmax(softmax(z)), which you get when probabilities are handed to
    a loss that takes logits. What does cross_entropy expect?"""
    p = softmax(x @ w)
    slope = softmax(p) - hot(y, w)
    return x.T @ (p * (slope - np.sum(slope * p, axis=1, keepdims=True))) / len(y)


@gradient.mistake
def gradient_of_the_means(x, y, w):
    """You multiply the mean of x by the mean of p − y. Is the mean of products the product of means?"""
    return np.outer(x.mean(axis=0), (softmax(x @ w) - hot(y, w)).mean(axis=0))


@gradient.mistake
def gradient_of_one_minus_p(x, y, w):
    """That is the gradient of 1 − p of the true class, without the logarithm. What does −log p make of the factor p in
    front?"""
    p = softmax(x @ w)
    true = np.sum(p * hot(y, w), axis=1, keepdims=True)
    return x.T @ (true * (p - hot(y, w))) / len(y)


@gradient.mistake
def gradient_of_hard_guesses(x, y, w):
    """You treat the likeliest class as certain, which is the perceptron's rule. What probability does the model give to
    the other classes?"""
    return x.T @ (hot(np.argmax(x @ w, axis=1), w) - hot(y, w)) / len(y)


@gradient.mistake
def only_the_loss(x, y, w):
    """That is the loss, one number. How does it move with each entry of w?"""
    return cross_entropy(x @ w, y)


@gradient.mistake
def the_stepped_weights(x, y, w):
    """Those are the weights after a step of rate 1. The gradient itself is asked for: what did you subtract?"""
    return w - weight_gradient(x, y, w)
