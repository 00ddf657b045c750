"""Exercises of chapter 6: where a run starts, why it stops, the gradient of a step, and a loop to repair."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np

from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import (
    BASE_TEN,
    BASES,
    DOUBLED,
    EPSILONS,
    HALVED,
    IN_BITS,
    LABELS_TOO_HIGH,
    LABELS_TOO_LOW,
    NEGATIVE,
    ONE_FEWER,
    OVER_CLASSES,
    OVER_SAMPLES,
    SUMMED,
    TRANSPOSED,
)
from xent_helpers.losses import cross_entropy, one_hot, softmax


def _labels_moved(by: int) -> Callable[[tuple], tuple]:
    return lambda arguments: (arguments[0], (arguments[1] + by) % arguments[2].shape[1], *arguments[2:])


LABELS = (
    replace(LABELS_TOO_LOW, before=_labels_moved(-1)),
    replace(LABELS_TOO_HIGH, before=_labels_moved(1)),
)


start = Draft(
    "6.1",
    "Write the loss, in nats, of a model with 50,257 classes whose logits are all equal.",
    must=(Must("is neither negative nor infinite", lambda loss: 0 <= loss < np.inf),),
    slips=(),
    tolerance={"float32": 5e-7},  # the logarithm of one class more or fewer is off by 2e-6
    hints=(
        "Equal logits give equal probabilities. How large is each?",
        "What does p = 1/C cost in nats?",
    ),
    afterwards=(
        "Print this number beside the first loss of every run: a start far above it means logits that are too large, "
        "or labels that do not fit."
    ),
)


@start.reference
def initial_loss():
    return np.log(50257)  # every class gets p = 1/C, and −log(1/C) = log C


start.says(IN_BITS, "That is in bits. Which logarithm do the course's losses use?")
start.says(BASE_TEN, "That is the logarithm to base 10. Which one do the losses use?")
start.says(NEGATIVE, "A loss below 0 would mean p above 1. What is −log(1/C)?")


@start.mistake
def probability():
    """That is the probability of each class. What does a probability p cost?"""
    return 1 / 50257


@start.mistake
def missed_probability():
    """That is the probability that goes to the other classes. What does cross-entropy charge for the p that the true
    one gets?"""
    return 1 - 1 / 50257


@start.mistake
def perplexity():
    """That is the perplexity, the number of classes to choose from. Which function of it is the loss in nats?"""
    return 50257


@start.mistake
def nothing():
    """A loss of 0 needs p = 1 for the true class. How much does it get where all logits are equal?"""
    return 0


@start.mistake(name="over C")
def over_c():
    """That is divided by the number of classes, or one term of the entropy's sum. How many classes are true, and what
    does −log(1/C) cost once?"""
    return np.log(50257) / 50257


@start.mistake(name="times C")
def times_c():
    """That charges every class for its −log p. How many of them are true?"""
    return 50257 * np.log(50257)


@start.mistake
def a_coin_for_each_class():
    """That is a sum of as many coins as there are classes, each with p = 1/2. Which function makes probabilities that
    add up to 1?"""
    return 50257 * np.log(2)


@start.mistake(name="C − 1")
def c_1():
    """That counts the other classes only. Among how many does the softmax share the probability?"""
    return np.log(50256)


@start.mistake(name="C + 1")
def start_c_1():
    """That counts one class too many. Among how many does the softmax share the probability?"""
    return np.log(50258)


@start.mistake
def floor_of_a_second_softmax():
    """That is the floor of a loss behind a second softmax. Where does a run start, and are these logits equal?"""
    return np.log(1 + 50256 / np.e)


@start.mistake
def ten():
    """That is the start with ten digits. How many classes are there here?"""
    return np.log(10)


@start.mistake
def two():
    """That is the start with two classes. How many are there here?"""
    return np.log(2)


floor = Draft(
    "6.2",
    "Choose the cause: 1, 2, 3 or 4.",
    slips=(),
    hints=(
        "Which number is log(1 + 9/e)?",
        "What is the largest probability that a softmax of numbers in [0, 1] has?",
    ),
    afterwards="The accuracy looks fine in such a run, which is why the floor is the symptom to know.",
)


@floor.reference
def second_softmax():
    return 2


@floor.mistake
def rate_too_low():
    """A low rate delays, but a higher one would pass below. What keeps it above 1.46 at any rate?"""
    return 1


@floor.mistake
def short_batch():
    """A short batch shifts the reported mean a little, up or down. Why should it stop at the same number in each
    run?"""
    return 3


@floor.mistake
def gradient_kept():
    """Gradients that pile up make the steps too long: the loss jumps about. What makes a smooth, flat line?"""
    return 4


@floor.mistake
def the_floor():
    """That is the number at which the run stops. Which of the four causes, by its number, puts it there?"""
    return 1.46


@floor.mistake
def counted_from_0():
    """The causes are counted from 1 to 4 here, and none of them is number 0. Which of the four is it?"""
    return 0


OVER_COLUMNS = replace(OVER_CLASSES, after=lambda output, arguments: output / arguments[2].shape[1])


gradient = Draft(
    "6.3",
    "Return the gradient of the mean cross-entropy for the weights, shape (D, C).",
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
        (x, y, 1000.0 * w),
        (1 + x, np.full(n, c - 1), w),
        (x, np.zeros(n, dtype=int), 9 * w),
        (twice, rng.integers(0, c, 2 * n), w),
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
    """The labels play no part here: p stands where p − y belongs. What should pull the true class up?"""
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


gradient.says(OVER_CLASSES, "This is divided by all entries of x, N times D. How many losses does the mean run over?")


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
    """The logits stand where the probabilities belong: this is the gradient of a squared error. What turns z into p?"""
    return x.T @ (x @ w - hot(y, w)) / len(y)


@gradient.mistake
def gradient_of_sigmoids(x, y, w):
    """A sigmoid for each class makes C separate coins, whose probabilities need not add up to 1. Which function makes
    the classes compete?"""
    return x.T @ (1 / (1 + np.exp(-(x @ w))) - hot(y, w)) / len(y)


@gradient.mistake
def gradient_naive(x, y, w):
    """Right for small logits, but exp overflows for the largest here. Which softmax survives logits of a thousand?"""
    e = np.exp(x @ w)
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
    """That is the gradient of the cross-entropy of softmax(softmax(z)), as it comes when probabilities are handed to a
    loss that takes logits. What does cross_entropy expect?"""
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
    """You take the likeliest class for certain, which is the perceptron's rule. What does the model say of the other
    classes, and is there a slope to a guess?"""
    return x.T @ (hot(np.argmax(x @ w, axis=1), w) - hot(y, w)) / len(y)


@gradient.mistake
def only_the_loss(x, y, w):
    """That is the loss, one number. How does it move with each entry of w?"""
    return cross_entropy(x @ w, y)


@gradient.mistake
def the_stepped_weights(x, y, w):
    """Those are the weights after a step of rate 1. The gradient itself is asked for: what did you subtract?"""
    return w - weight_gradient(x, y, w)


loop = Draft(
    "6.4",
    "Repair the loop: it must return the mean loss of the samples, each measured before its batch's step.",
    must=(Must("is never negative", lambda loss, *_: loss >= 0),),
    slips=(NEGATIVE, *BASES, SUMMED, OVER_SAMPLES, ONE_FEWER, HALVED, DOUBLED, *LABELS, *EPSILONS),
    rounds=3,
    hints=(
        "There are three mistakes: one in the model, one in the step, one in the report.",
        "Take a batch size that does not divide N and print what each batch adds to the result.",
        "losses.cross_entropy takes logits, and its reduction can be a sum.",
    ),
    afterwards="These are the lines zero_grad, loss_fn(model(x), y) and nats / count of the course's own loop.",
)


@loop.reference
def epoch_loss(x, y, w, lr, batch_size):
    nats = 0.0
    for start in range(0, len(y), batch_size):
        xb, yb = x[start : start + batch_size], y[start : start + batch_size]
        nats += cross_entropy(xb @ w, yb, reduction="sum")
        gradient = xb.T @ (softmax(xb @ w) - one_hot(yb, w.shape[1])) / len(yb)
        w = w - lr * gradient
    return nats / len(y)


@loop.inputs
def epoch_inputs(rng):
    ones, zeros = np.ones((3, 1)), np.zeros((1, 2))
    plain = [
        (ones[:1], np.array([0]), zeros, 1.0, 1),
        (ones[:2], np.array([0, 0]), zeros, 1.0, 1),
        (ones, np.array([0, 0, 0]), zeros, 1.0, 2),
        (ones, np.array([1, 1, 0]), zeros, 1.0, 2),
    ]
    sizes = [rng.integers(5, 12, 5), rng.integers(1, 4, 5), rng.integers(2, 6, 5), [2, 3, 4, 20, 1]]
    drawn = [
        (rng.normal(size=(n, d)), rng.integers(0, c, n), rng.normal(size=(d, c)), float(rng.uniform(0.1, 1.5)), size)
        for n, d, c, size in zip(*sizes, strict=True)
    ]
    return [*plain, *drawn]


@loop.domain
def epoch_domain(x, y, w, lr, batch_size):
    plain = lr in (0.5, 1.0) or 0.05 <= lr <= 2
    return gradient_domain(x, y, w) and plain and batch_size >= 1 and max(np.abs(x).max(), np.abs(w).max()) <= 5


def _once(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _by_samples(losses, sizes, batch_size):
    return np.average(losses, weights=sizes)


def epoch(
    x,
    y,
    w,
    lr,
    batch_size,
    charged=_once,
    stepped=_once,
    keeps=0.0,
    rate=lambda size, n: 1,
    report=_by_samples,
    after=False,
    whole=False,
):
    """The loop with a place for each of its mistakes.

    charged, stepped: probabilities of the loss and of the gradient. keeps: how much of the old gradient remains.
    rate: a factor of the step. report: puts the batches' mean losses together. after: they are measured after the
    step. whole: a short last batch is dropped.
    """
    means, sizes, gradient = [], [], 0.0
    for start in range(0, len(y), batch_size):
        xb, yb = x[start : start + batch_size], y[start : start + batch_size]
        if whole and len(yb) < batch_size:
            break
        rows = np.arange(len(yb)), yb
        before = -np.log(charged(xb @ w)[rows]).mean()
        p = stepped(xb @ w)
        p[rows] -= 1
        gradient = keeps * gradient + xb.T @ p / len(yb)
        w = w - lr * rate(len(yb), len(y)) * gradient
        means.append(-np.log(charged(xb @ w)[rows]).mean() if after else before)
        sizes.append(len(yb))
    return report(np.array(means), np.array(sizes), batch_size)


def _twice(z):
    return _once(_once(z))


def _by_batches(losses, sizes, batch_size):
    return np.mean(losses)


AVERAGE = (
    "the average over batches gives a short last batch the say of a full one: what do you add up, what do you count?"
)


SOFTMAX = "the logits go through softmax twice, so no probability can come near 1: which line has one softmax too many?"


RESET = (
    "the gradient is added to and never reset, so each step repeats all earlier ones: where must it start from zero?"
)


FOUND = {
    "means of means": (AVERAGE, {"report": _by_batches}),
    "softmax twice": (SOFTMAX, {"charged": _twice, "stepped": _twice}),
    "gradient kept": (RESET, {"keeps": 1.0}),
}


OPENINGS = (
    "Two of the three mistakes are gone; one is left: ",
    "One of the three mistakes is gone; two are left. First, ",
    "This is the loop as you found it, with its three mistakes. First, ",
)
for left, opening in enumerate(OPENINGS, start=1):
    for names in combinations(FOUND, left):
        questions, changes = zip(*(FOUND[name] for name in names), strict=True)
        changed = {option: value for change in changes for option, value in change.items()}
        loop.add(partial(epoch, **changed), opening + " Then, ".join(questions), " + ".join(names))


def _total_over_batches(losses, sizes, batch_size):
    return np.sum(losses * sizes) / len(sizes)


def _as_if_full(losses, sizes, batch_size):
    return np.sum(losses * sizes) / (len(sizes) * batch_size)


def _last(losses, sizes, batch_size):
    return losses[-1]


def _each(losses, sizes, batch_size):
    return losses


def _summed_means(losses, sizes, batch_size):
    return np.sum(losses)


def _means_over_samples(losses, sizes, batch_size):
    return np.sum(losses) / np.sum(sizes)


# What people make of the loop while they repair it.


@loop.mistake
def softmax_twice_in_the_loss(*arguments):
    """The step is right now, and the loss still takes softmax twice, so it never comes near 0. What does your loss
    expect: logits, or probabilities?"""
    return epoch(*arguments, charged=_twice)


@loop.mistake
def softmax_twice_in_the_step(*arguments):
    """The loss is right now, and the step still takes softmax twice, so p − y stays too large. Which p belongs into the
    gradient?"""
    return epoch(*arguments, stepped=_twice)


@loop.mistake
def measured_after_the_step(*arguments):
    """You measure each batch after its own step, which makes every loss look better. With which weights should it be
    measured?"""
    return epoch(*arguments, after=True)


@loop.mistake
def loss_of_the_last_batch(*arguments):
    """That is the last batch's loss alone. Where do the others come in?"""
    return epoch(*arguments, report=_last)


@loop.mistake
def loss_of_each_batch(*arguments):
    """That is the mean of each batch. One number is asked for, in which each sample counts once: how many samples has
    each batch?"""
    return epoch(*arguments, report=_each)


@loop.mistake
def means_added_up(*arguments):
    """You add up the means of the batches, so more batches look worse. What do you add up, and what do you divide
    by?"""
    return epoch(*arguments, report=_summed_means)


@loop.mistake
def means_over_samples(*arguments):
    """You add up means and divide by the number of samples, so the batch size divides twice. Whose sum belongs above
    the line?"""
    return epoch(*arguments, report=_means_over_samples)


@loop.mistake
def sums_over_batches(*arguments):
    """You add up the samples' losses and divide by the number of batches. How many samples are there?"""
    return epoch(*arguments, report=_total_over_batches)


@loop.mistake
def every_batch_counted_as_full(*arguments):
    """You count the last batch as a full one, in the divisor. How many samples has it?"""
    return epoch(*arguments, report=_as_if_full)


@loop.mistake
def last_batch_dropped(*arguments):
    """The short last batch is left out. Which samples does a mean of all of them run over?"""
    return epoch(*arguments, whole=True)


@loop.mistake
def step_of_a_sum(*arguments):
    """The step follows the gradient of a sum, so a larger batch steps further. What did the loop divide by?"""
    return epoch(*arguments, rate=lambda size, n: size)


@loop.mistake
def step_over_all_samples(*arguments):
    """The gradient of each batch is divided by the number of all samples. How many does a batch hold?"""
    return epoch(*arguments, rate=lambda size, n: size / n)


@loop.mistake
def uphill(*arguments):
    """The step goes uphill. Which sign belongs between w and lr times the gradient?"""
    return epoch(*arguments, rate=lambda size, n: -1)


@loop.mistake(name="gradient halved, not reset")
def gradient_halved_not_reset(*arguments):
    """Half of the old gradient remains in the next step, which is a kind of momentum. Where must it start from zero?"""
    return epoch(*arguments, keeps=0.5)


@loop.mistake
def final_loss(x, y, w, lr, batch_size):
    """That is the loss of the last weights, on all samples. With which weights should each batch be measured?"""
    for start in range(0, len(y), batch_size):
        xb, yb = x[start : start + batch_size], y[start : start + batch_size]
        w = w - lr * weight_gradient(xb, yb, w)
    return cross_entropy(x @ w, y)


@loop.mistake
def one_full_batch(x, y, w, lr, batch_size):
    """That is the loss of the first weights, on all samples: no batch has learnt from those before it. Where does w
    change?"""
    return cross_entropy(x @ w, y)
