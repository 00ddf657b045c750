"""Exercise 4.1: the gradient for the logits."""

import numpy as np

from xent_helpers import losses
from xent_helpers.exercises.chapter_04 import are_logits, drawn_logits
from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import NEGATIVE, OVER_CLASSES, SUMMED

logits = Draft(
    "4.1",
    "Return the gradient (N, C) of the mean cross-entropy with respect to logits z (N, C), up to ±1,000, those beyond "
    "±100 whole; y (N,) are labels.",
    must=(
        Must("adds up to 0 along each row", lambda g, z, y: np.allclose(g.sum(axis=1), 0, rtol=0, atol=1e-6)),
        Must(
            "is at most 0 at the label and at least 0 beside it",
            lambda g, z, y: np.all(np.where(np.arange(z.shape[1]) == y[:, None], g <= 1e-9, g >= -1e-9)),
        ),
    ),
    tolerance=1e-12,
    rounds=3,  # each draws a dozen inputs
    hints=(
        "Equation 4.3 has one row. You need all of them, and the mean.",
        "np.eye(C)[y] turns labels into one-hot rows; losses.softmax(z, axis=1) gives the probabilities.",
        "Subtract, then divide by the number of samples.",
    ),
    afterwards="Compare it with gradients.finite_differences on losses.cross_entropy: no algebra, same numbers.",
)


@logits.reference
def logit_gradient(z, y):
    p = losses.softmax(z, axis=1)
    return (p - np.eye(z.shape[1])[y]) / len(z)


@logits.inputs
def gradient_inputs(rng):
    plain = [
        (np.array([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]]), np.array([2, 0])),
        (np.array([[1.0, -1.0]]), np.array([1])),
        (np.array([[3.0], [-1000.0]]), np.array([0, 0])),
    ]
    drawn = [(z, rng.integers(0, z.shape[1], len(z))) for z in drawn_logits(rng)]
    large = (np.array([[0.0, 800.0, -800.0], [1000.0, 999.0, 0.0]]), np.array([0, 0]))
    return [*plain, *drawn, large]


@logits.domain
def gradient_domain(z, y):
    return are_logits(z) and len(y) == len(z) and np.all((y >= 0) & (y < z.shape[1]))


logits.says(
    SUMMED,
    "These are the slopes of the summed loss: every entry is N times too large. What does the mean's 1/N become when "
    "you differentiate?",
)


@logits.mistake
def gradient_without_label(z, y):
    """You return p, so every logit is pushed down, the true class's too. The loss is LSE(z) − z_y: which part of its
    derivative is missing?"""
    return losses.softmax(z, axis=1) / len(z)


logits.says(
    NEGATIVE,
    "Every sign is turned round. You may have thought of the direction in which training moves; the gradient points "
    "uphill. Does the loss rise or fall when the true class's logit grows?",
)


@logits.mistake
def gradient_upside_down_without_mean(z, y):
    """Two things: the signs are turned round, and the 1/N of the mean is missing. Does the loss rise or fall when the
    true class's logit grows, and by how much when there are N samples?"""
    return np.eye(z.shape[1])[y] - losses.softmax(z, axis=1)


@logits.mistake
def gradient_over_samples(z, y):
    """Your softmax runs down the columns, so the probabilities of one class over all samples add up to 1. Which numbers
    compete with each other, and along which axis do they lie?"""
    return (losses.softmax(z, axis=0) - np.eye(z.shape[1])[y]) / len(z)


logits.says(
    OVER_CLASSES,
    "You divided by N · C. The loss is a mean over the samples; is it also a mean over the classes?",
)


@logits.mistake
def gradient_minus_index(z, y):
    """You subtracted the label's number from every entry of its row. y in p − y is a row with a 1 at the true class.
    How do you make that row from the number?"""
    return (losses.softmax(z, axis=1) - y[:, None]) / len(z)


@logits.mistake
def gradient_of_probabilities(z, y):
    """That is −y/p, the slope with respect to the probabilities (link two of section 4.2). What does link one multiply
    it by?"""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.eye(z.shape[1])[y] == 1, -1 / losses.softmax(z, axis=1), 0) / len(z)


@logits.mistake
def gradient_that_overflows(z, y):
    """Right for small logits; for a logit of 800, exp gives inf, and inf/inf is nan. What may you subtract from all
    logits of a row without changing p? (Or use losses.softmax.)"""
    with np.errstate(over="ignore", invalid="ignore"):
        p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return (p - np.eye(z.shape[1])[y]) / len(z)


@logits.mistake(factor=(1, 2))
def gradient_of_squared_error(z, y, factor):
    """That is the slope of the squared error ‖p − y‖², or of its half, which keeps the softmax's Jacobian. For the
    cross-entropy, what cancels it?"""
    p = losses.softmax(z, axis=1)
    error = p - np.eye(z.shape[1])[y]
    return factor * p * (error - np.sum(p * error, axis=1, keepdims=True)) / len(z)


@logits.mistake
def gradient_over_everything(z, y):
    """All your probabilities together add up to 1, so the samples compete with one another. Along which axis do the
    classes of one sample lie?"""
    p = losses.softmax(z.ravel(), axis=0).reshape(z.shape)
    return (p - np.eye(z.shape[1])[y]) / len(z)


@logits.mistake
def gradient_over_classes(z, y):
    """You divided by C, the number of classes. Over what does the mean of the loss run?"""
    return (losses.softmax(z, axis=1) - np.eye(z.shape[1])[y]) / z.shape[1]


@logits.mistake
def gradient_at_the_label_only(z, y):
    """Only the true class's logit has a slope in yours. The others occur in LSE(z) too: what happens to the loss when
    one of them grows?"""
    hit = np.eye(z.shape[1])[y]
    return hit * (losses.softmax(z, axis=1) - 1) / len(z)


@logits.mistake
def gradient_less_one_everywhere(z, y):
    """You subtract 1 from every entry, so each row's slopes add up to 1 − C (before the mean). From which entry of a
    row does z_y take 1 away?"""
    return (losses.softmax(z, axis=1) - 1) / len(z)


@logits.mistake
def gradient_less_one_in_rows(z, y):
    """p[y] picks whole rows, and takes the label for the number of a sample. Which two indices name one entry of each
    row?"""
    p = losses.softmax(z, axis=1)
    p[y] -= 1
    return p / len(z)


@logits.mistake
def gradient_less_one_in_columns(z, y):
    """p[:, y] picks whole columns, for every sample. How do you pair row i with label i only? (np.arange(N) as the row
    index.)"""
    p = losses.softmax(z, axis=1)
    p[:, y] -= 1
    return p / len(z)


@logits.mistake
def gradient_of_logits_themselves(z, y):
    """You subtract the one-hot row from the logits, as if the loss were a squared error of z. What does the derivative
    of LSE(z) turn logits into?"""
    return (z - np.eye(z.shape[1])[y]) / len(z)


@logits.mistake
def gradient_of_log_probabilities(z, y):
    """You subtract the one-hot row from log p. Is it the probability or its logarithm that comes out of the derivative
    of LSE(z)?"""
    return (losses.log_softmax(z, axis=1) - np.eye(z.shape[1])[y]) / len(z)


@logits.mistake
def gradient_of_sigmoids(z, y):
    """Your probabilities are sigmoids, as if every class were a yes-or-no question of its own. Where do the classes
    compete?"""
    return (losses.sigmoid(z) - np.eye(z.shape[1])[y]) / len(z)


@logits.mistake
def gradient_times_slope_of_sigmoid(z, y):
    """You multiply p − y by p (1 − p), as for a squared error. Which factor in the slope of −log p cancels that
    of p?"""
    p = losses.softmax(z, axis=1)
    return (p - np.eye(z.shape[1])[y]) * p * (1 - p) / len(z)


@logits.mistake
def gradient_of_a_bias(z, y):
    """You took the mean over the samples, which is the slope with respect to a bias that they share. Each sample has
    logits of its own: what shape does their gradient have?"""
    return np.mean(losses.softmax(z, axis=1) - np.eye(z.shape[1])[y], axis=0)


@logits.mistake
def gradient_shared_by_all_samples(z, y):
    """You gave every row the mean of all rows. On which samples' losses does z_i act?"""
    mean = np.mean(losses.softmax(z, axis=1) - np.eye(z.shape[1])[y], axis=0)
    return np.broadcast_to(mean, z.shape)


@logits.mistake
def gradient_of_the_favourite(z, y):
    """You subtract 1 at the class that the model likes best, so the labels play no role. Which class is y?"""
    return (losses.softmax(z, axis=1) - np.eye(z.shape[1])[z.argmax(axis=1)]) / len(z)


@logits.mistake
def gradient_of_decisions(z, y):
    """You subtract the label from the decision, all or nothing, so a right answer teaches nothing more. How sure was
    the model of each class?"""
    return (np.eye(z.shape[1])[z.argmax(axis=1)] - np.eye(z.shape[1])[y]) / len(z)


@logits.mistake(h=(0.0001, 1e-05, 1e-06))
def gradient_by_forward_differences(z, y, h):
    """You took a forward difference, which is off by half its step times the curvature. Fine as a check; what does
    equation 4.3 say without any step?"""
    rows, hit = np.arange(len(y)), np.eye(z.shape[1])
    change = [losses.cross_entropy(z + h * one, y, reduction="none") for one in hit]
    return (np.stack(change, axis=1) - losses.cross_entropy(z, y, reduction="none")[rows, None]) / h / len(z)
