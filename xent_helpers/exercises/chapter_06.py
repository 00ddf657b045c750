"""The exercises of chapter 6, Train a classifier."""

from collections.abc import Callable
from itertools import product

import numpy as np

from xent_helpers.exercises.checker import Exercise, Mistake
from xent_helpers.losses import cross_entropy, one_hot, softmax


def initial_loss():
    return np.log(50257)  # every class gets p = 1/C, and −log(1/C) = log C


def second_softmax():
    return 2


def weight_gradient(x, y, w):
    p = softmax(x @ w)
    return x.T @ (p - one_hot(y, w.shape[1])) / len(y)


def epoch_loss(x, y, w, lr, batch_size):
    nats = 0.0
    for start in range(0, len(y), batch_size):
        xb, yb = x[start : start + batch_size], y[start : start + batch_size]
        nats += cross_entropy(xb @ w, yb, reduction="sum")
        gradient = xb.T @ (softmax(xb @ w) - one_hot(yb, w.shape[1])) / len(yb)
        w = w - lr * gradient
    return nats / len(y)


def _broken_epoch(means: bool, twice: bool, keeps: bool) -> Callable:
    """The loop with any of its three mistakes: means of means, softmax twice, a gradient that is never reset."""

    def epoch(x, y, w, lr, batch_size):
        averages, sizes, gradient = [], [], np.zeros_like(w)
        for start in range(0, len(y), batch_size):
            xb, yb = x[start : start + batch_size], y[start : start + batch_size]
            p = softmax(softmax(xb @ w)) if twice else softmax(xb @ w)
            averages.append(-np.log(p[np.arange(len(yb)), yb]).mean())
            sizes.append(len(yb))
            gradient = (gradient if keeps else 0) + xb.T @ (p - one_hot(yb, w.shape[1])) / len(yb)
            w = w - lr * gradient
        return np.mean(averages) if means else np.average(averages, weights=sizes)

    return epoch


_QUESTIONS = (
    "the average over batches gives a short last batch the say of a full one: what do you add up, what do you count?",
    "the logits go through softmax twice, so no probability can come near 1: which line has one softmax too many?",
    "the gradient is added to and never reset, so each step repeats all earlier ones: where must it start from zero?",
)


def _left(flags: tuple[bool, bool, bool]) -> str:
    """Say what is still wrong with the loop."""
    questions = [question for flag, question in zip(flags, _QUESTIONS, strict=True) if flag]
    opening = {
        1: "Two of the three mistakes are gone; one is left: ",
        2: "One of the three mistakes is gone; two are left. First, ",
        3: "This is the loop as you found it, with its three mistakes. First, ",
    }[len(questions)]
    return opening + " Then, ".join(questions)


def _softmax_over(x, y, w, axis):
    return x.T @ (softmax(x @ w, axis=axis) - one_hot(y, w.shape[1])) / len(y)


def _naive(x, y, w):
    with np.errstate(all="ignore"):
        e = np.exp(x @ w)
        return x.T @ (e / e.sum(axis=1, keepdims=True) - one_hot(y, w.shape[1])) / len(y)


def _gradient_inputs(rng: np.random.Generator) -> list[tuple]:
    plain = (np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0, 2]), np.zeros((2, 3)))
    cases = [(rng.normal(size=(n, d)), rng.integers(0, c, n), rng.normal(size=(d, c))) for n, d, c in
             ((1, 2, 3), (5, 3, 2), (7, 4, 4), (4, 4, 4))]  # fmt: skip
    x, y, w = cases[2]
    return [plain, *cases, (x, y, 1000.0 * w)]


def _epoch_inputs(rng: np.random.Generator) -> list[tuple]:
    return [
        (rng.normal(size=(n, 3)), rng.integers(0, 4, n), rng.normal(size=(3, 4)), lr, size)
        for n, lr, size in ((4, 0.5, 4), (7, 0.5, 3), (10, 0.2, 4), (9, 1.0, 2), (5, 0.3, 8))
    ]


EXERCISES = (
    Exercise(
        key="6.1",
        task="Write the loss, in nats, of a model with 50,257 classes whose logits are all equal.",
        reference=initial_loss,
        inputs=lambda rng: [()],
        mistakes=(
            Mistake(lambda: np.log2(50257), "That is in bits. Which logarithm do the course's losses use?"),
            Mistake(lambda: np.log10(50257), "That is the logarithm to base 10. Which one do the losses use?"),
            Mistake(lambda: -np.log(50257), "A loss below 0 would mean p above 1. What is −log(1/C)?"),
            Mistake(lambda: 1 / 50257, "That is the probability of each class. What does a probability p cost?"),
            Mistake(lambda: np.log(10), "That is the start with ten digits. How many classes are there here?"),
            Mistake(lambda: np.log(2), "That is the start with two classes. How many are there here?"),
        ),
        hints=("Equal logits give equal probabilities. How large is each?", "What does p = 1/C cost in nats?"),
        afterwards="Print this number beside the first loss of every run: a start far above it means logits that are "
        "too large, or labels that do not fit.",
    ),
    Exercise(
        key="6.2",
        task="Choose the cause: 1, 2, 3 or 4.",
        reference=second_softmax,
        inputs=lambda rng: [()],
        mistakes=(
            Mistake(
                lambda: 1, "A low rate delays, but a higher one would pass below. What keeps it above 1.46 at any rate?"
            ),
            Mistake(
                lambda: 3,
                "A short batch shifts the reported mean a little, up or down. Why should it stop at the same number "
                "in each run?",
            ),
            Mistake(
                lambda: 4,
                "Gradients that pile up make the steps too long: the loss jumps about. What makes a smooth, flat line?",
            ),
        ),
        hints=(
            "Which number is log(1 + 9/e)?",
            "What is the largest probability that a softmax of numbers in [0, 1] has?",
        ),
        afterwards="The accuracy looks fine in such a run, which is why the floor is the symptom to know.",
    ),
    Exercise(
        key="6.3",
        task="Return the gradient of the mean cross-entropy for the weights, shape (D, C).",
        reference=weight_gradient,
        inputs=_gradient_inputs,
        mistakes=(
            Mistake(
                lambda x, y, w: len(y) * weight_gradient(x, y, w),
                "This is the gradient of the sum, so a larger batch takes a longer step. What does the mean divide by?",
            ),
            Mistake(
                lambda x, y, w: x.T @ softmax(x @ w) / len(y),
                "The labels play no part here: p stands where p − y belongs. What should pull the true class up?",
            ),
            Mistake(
                lambda x, y, w: -weight_gradient(x, y, w),
                "The sign is turned, y − p for p − y: a step against this gradient goes uphill. Which way does the "
                "loss move when the true class's logit grows?",
            ),
            Mistake(
                lambda x, y, w: weight_gradient(x, y, w) / w.shape[1],
                "This is divided by the number of classes as well. How many losses does the mean run over?",
            ),
            Mistake(
                lambda x, y, w: _softmax_over(x, y, w, 0),
                "The softmax runs down the samples instead of across the classes. Which axis must sum to 1?",
            ),
            Mistake(
                lambda x, y, w: x.T @ (x @ w - one_hot(y, w.shape[1])) / len(y),
                "The logits stand where the probabilities belong: this is the gradient of a squared error. What turns "
                "z into p?",
            ),
            Mistake(
                _naive,
                "Right for small logits, but exp overflows in the last case. Which softmax survives logits of a "
                "thousand?",
            ),
        ),
        hints=(
            "Start from the gradient for the logits of one sample, p − y.",
            "Logit c of sample n is Σ_d x[n, d] w[d, c]: by how much does it move when w[d, c] does?",
            "Sum x[n, d] (p[n, c] − y[n, c]) over the samples: which product of two matrices is that?",
        ),
        afterwards="Compare with autograd: set requires_grad on w, take losses.cross_entropy(x @ w, y) and backward.",
    ),
    Exercise(
        key="6.4",
        task="Repair the loop: it must return the mean loss of the samples, each measured before its batch's step.",
        reference=epoch_loss,
        inputs=_epoch_inputs,
        mistakes=tuple(
            Mistake(_broken_epoch(*flags), _left(flags))
            for flags in sorted(product((False, True), repeat=3), key=sum)
            if any(flags)
        ),
        hints=(
            "There are three mistakes: one in the model, one in the step, one in the report.",
            "Take a batch size that does not divide N and print what each batch adds to the result.",
            "losses.cross_entropy takes logits, and its reduction can be a sum.",
        ),
        afterwards="These are the lines zero_grad, loss_fn(model(x), y) and nats / count of the course's own loop.",
    ),
)
