"""Exercise 6.4: a training loop to repair."""

from functools import partial
from itertools import combinations

import numpy as np

from xent_helpers.exercises.chapter_06 import LABELS
from xent_helpers.exercises.chapter_06.gradient import gradient_domain, weight_gradient
from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import BASES, DOUBLED, EPSILONS, HALVED, NEGATIVE, ONE_FEWER, OVER_SAMPLES, SUMMED
from xent_helpers.losses import cross_entropy, one_hot, softmax

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
    afterwards="These are the lines zero_grad, loss_fn(model(x), y) and nats / len(y) of the course's own code.",
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
        (5 * ones[:2], np.array([0, 1]), np.array([[-3.0, 3.0]]), 0.1, 1),  # a loss of 30
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


def softmax_once(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def by_samples(losses, sizes, batch_size):
    return np.average(losses, weights=sizes)


def epoch(
    x,
    y,
    w,
    lr,
    batch_size,
    charged=softmax_once,
    stepped=softmax_once,
    keeps=0.0,
    rate=lambda size, n: 1,
    report=by_samples,
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


def softmax_twice(z):
    return softmax_once(softmax_once(z))


def by_batches(losses, sizes, batch_size):
    return np.mean(losses)


AVERAGE = (
    "the average over batches gives a short last batch the weight of a full one: what do you add up, what do you count?"
)
SOFTMAX = "the logits go through softmax twice, so no probability can come near 1: which line has one softmax too many?"
RESET = (
    "the gradient is added to and never reset, so each step repeats all earlier gradients: where must it start from "
    "zero?"
)
FOUND = {
    "means of means": (AVERAGE, {"report": by_batches}),
    "softmax twice": (SOFTMAX, {"charged": softmax_twice, "stepped": softmax_twice}),
    "gradient kept": (RESET, {"keeps": 1.0}),
}
OPENINGS = (
    "Two of the three mistakes are gone; one is left: ",
    "One of the three mistakes is gone; two are left. First, ",
    "Your loop returns what it returned as you found it, with its three mistakes. First, ",
)


for left, opening in enumerate(OPENINGS, start=1):
    for names in combinations(FOUND, left):
        questions, changes = zip(*(FOUND[name] for name in names), strict=True)
        changed = {option: value for change in changes for option, value in change.items()}
        loop.add(partial(epoch, **changed), opening + " Then, ".join(questions), " + ".join(names))


def total_over_batches(losses, sizes, batch_size):
    return np.sum(losses * sizes) / len(sizes)


def as_if_full(losses, sizes, batch_size):
    return np.sum(losses * sizes) / (len(sizes) * batch_size)


def last_batch(losses, sizes, batch_size):
    return losses[-1]


def each_batch(losses, sizes, batch_size):
    return losses


def summed_means(losses, sizes, batch_size):
    return np.sum(losses)


def means_over_samples_of(losses, sizes, batch_size):
    return np.sum(losses) / np.sum(sizes)


@loop.mistake
def softmax_twice_in_the_loss(*arguments):
    """The step is right now, and the loss still takes softmax twice, so it never comes near 0. What does your loss
    expect: logits, or probabilities?"""
    return epoch(*arguments, charged=softmax_twice)


@loop.mistake
def softmax_twice_in_the_step(*arguments):
    """The loss is right now, and the step still takes softmax twice, so p − y never comes near 0. Which p belongs in
    the gradient?"""
    return epoch(*arguments, stepped=softmax_twice)


@loop.mistake
def measured_after_the_step(*arguments):
    """You measure each batch after its own step, which usually makes the loss look better. With which weights should it
    be measured?"""
    return epoch(*arguments, after=True)


@loop.mistake
def loss_of_the_last_batch(*arguments):
    """That is the last batch's loss alone. Where do the others come in?"""
    return epoch(*arguments, report=last_batch)


@loop.mistake
def loss_of_each_batch(*arguments):
    """That is the mean of each batch. One number is asked for, in which each sample counts once: how many samples
    does each batch have?"""
    return epoch(*arguments, report=each_batch)


@loop.mistake
def means_added_up(*arguments):
    """You add up the means of the batches, so more batches look worse. What do you add up, and what do you divide
    by?"""
    return epoch(*arguments, report=summed_means)


@loop.mistake
def means_over_samples(*arguments):
    """You add up means and divide by the number of samples, so the batch size divides twice. Whose sum belongs above
    the line?"""
    return epoch(*arguments, report=means_over_samples_of)


@loop.mistake
def sums_over_batches(*arguments):
    """You add up the samples' losses and divide by the number of batches. How many samples are there?"""
    return epoch(*arguments, report=total_over_batches)


@loop.mistake
def every_batch_counted_as_full(*arguments):
    """You count the last batch as a full one, in the divisor. How many samples does it have?"""
    return epoch(*arguments, report=as_if_full)


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
    """That is the loss of the first weights, on all samples: no batch has learned from those before it. Where does w
    change?"""
    return cross_entropy(x @ w, y)
