"""Exercise 8.3: a student's loss."""

from functools import partial

import numpy as np

from xent_helpers.exercises.chapter_08 import labels_in, log_of_shares, log_of_softmax, picked
from xent_helpers.exercises.constants import NEVER_NEGATIVE, SMALL_NUMBERS
from xent_helpers.exercises.draft import Draft, Variant
from xent_helpers.exercises.slips import NEGATIVE, SUMMED
from xent_helpers.losses import log_softmax, softmax

student = Draft(
    "8.3",
    "Return (1 − alpha) times the mean loss on the labels y, plus alpha times the mean distillation loss of equation "
    "8.10, also for logits of some hundreds and T from 0.1 to 100.",
    must=(NEVER_NEGATIVE,),
    rounds=3,
    hints=(
        "The labels' part is chapter 3's loss of z, without T.",
        "The teacher's part needs two rows for each sample: softmax(v / T) and log_softmax(z / T).",
        "Only the teacher's part carries T².",
    ),
    afterwards=(
        "Compare with losses.cross_entropy and targets.distillation_loss. Then set alpha = 1 and z = v: the gradient "
        "is 0, and the loss is T² times the entropy of the teacher's softened row."
    ),
)


@student.reference
def student_loss(z, y, v, T, alpha):
    on_labels = -log_softmax(z)[np.arange(len(y)), y].mean()
    on_teacher = -np.sum(softmax(v / T) * log_softmax(z / T), axis=1).mean()
    return (1 - alpha) * on_labels + alpha * T**2 * on_teacher


@student.inputs
def student_inputs(rng: np.random.Generator) -> list[tuple]:
    plain = (np.array([[1.0, 0.0, -1.0]]), np.array([0]), np.array([[2.0, 0.0, 0.0]]), 2.0, 0.25)
    sizes = rng.integers([(3, 3), (3, 4), (2, 2)], [(8, 6), (8, 7), (6, 3)])
    shapes = [*sizes, (4, 4), (1, 5)]
    settings = ((4.0, 0.9), (0.1, 0.5), (100.0, 0.3), (1.0, 0.6), (rng.uniform(1, 6), rng.uniform(0.1, 0.9)))
    drawn = [
        (2 * rng.normal(size=(n, c)), rng.integers(0, c, n), 2 * rng.normal(size=(n, c)), float(T), float(a))
        for (n, c), (T, a) in zip(shapes, settings, strict=True)
    ]
    z, y, v, T, _ = drawn[0]
    far = np.array([[600.0, 0.0, -300.0], [0.0, 500.0, -400.0]]), np.array([2, 0])
    teacher = np.array([[-400.0, 300.0, 500.0], [700.0, 0.0, -200.0]])
    return [plain, *drawn, (z, y, v, T, 0.0), (z, y, v, T, 1.0), (*far, teacher, 0.5, 0.4), (*far, teacher, 3.0, 0.7)]


@student.domain
def student_domain(z, y, v, T, alpha) -> bool:
    finite = z.shape == v.shape and np.all(np.abs(z) < 1000) and np.all(np.abs(v) < 1000)
    return len(z) == len(y) and labels_in(y, z.shape[1]) and bool(finite) and 0.1 <= T <= 100 and 0 <= alpha <= 1


# The parts of the student's loss: what is taken for T², for the shares, for the teacher's part.
NO_FACTOR = Variant(
    "no factor",
    lambda T: 1.0,
    "The factor T² is missing, so at high T the teacher's gradient shrinks like 1/T². What is left of its share?",
)
FACTORS = (
    NO_FACTOR,
    Variant(
        "factor T",
        lambda T: T,
        "Your factor is T, which makes up for the chain rule only. How fast do the softened rows approach each other?",
    ),
    Variant(
        "divided by T²",
        lambda T: T**-2,
        "You divide by T², so the teacher's gradient shrinks twice over. Which way must the factor work?",
    ),
)


def on_labels_of(z, y):
    return -log_softmax(z)[np.arange(len(y)), y].mean()


def on_rows(z, v, by_z, by_v):
    """Cross-entropy of rows that are softened by factors of their own."""
    return -np.sum(softmax(v / by_v) * log_softmax(z / by_z), axis=1).mean()


def student_from_parts(z, y, v, T, alpha, factor=lambda T: T**2, share=None, teacher=None):
    """The student's loss with some of its parts replaced."""
    on_teacher = teacher(z, v, T) if teacher else on_rows(z, v, T, T)
    if not share:
        return (1 - alpha) * on_labels_of(z, y) + alpha * factor(T) * on_teacher
    return share(on_labels_of(z, y), factor(T) * on_teacher, alpha)


student.parts(student_from_parts, factor=FACTORS)

SWAPPED = Variant(
    "shares swapped",
    lambda labels, teacher, alpha: alpha * labels + (1 - alpha) * teacher,
    "The shares are swapped: alpha = 1 should be the teacher alone. Whose share is alpha?",
)
SHARES = (
    SWAPPED,
    Variant(
        "just added",
        lambda labels, teacher, alpha: labels + teacher,
        "The two parts are just added. Where do the shares 1 − alpha and alpha go?",
    ),
    Variant(
        "labels in full",
        lambda labels, teacher, alpha: labels + alpha * teacher,
        "The labels keep the share 1. What do they have if the teacher has alpha?",
    ),
    Variant(
        "teacher in full",
        lambda labels, teacher, alpha: (1 - alpha) * labels + teacher,
        "The teacher's part has the share 1. What does it have if the labels have 1 − alpha?",
    ),
    Variant(
        "teacher alone",
        lambda labels, teacher, alpha: alpha * teacher,
        "That is the teacher's part alone. Where are the labels?",
    ),
    Variant(
        "labels alone",
        lambda labels, teacher, alpha: (1 - alpha) * labels,
        "That is the labels' part alone. Where is the teacher?",
    ),
)

student.parts(student_from_parts, share=SHARES)

TEACHERS = (
    Variant(
        "teacher softened only",
        lambda z, v, T: on_rows(z, v, 1.0, T),
        "For the teacher's rows only the teacher is softened, so a perfect copy, z = v, would be punished. Which T "
        "belongs to the student?",
    ),
    Variant(
        "student softened only",
        lambda z, v, T: on_rows(z, v, T, 1.0),
        "For the teacher's rows only the student is softened, so a perfect copy, z = v, would be punished. Which T "
        "belongs to the teacher?",
    ),
    Variant(
        "multiplied by T",
        lambda z, v, T: on_rows(z, v, 1 / T, 1 / T),
        "The logits are multiplied by T, which sharpens the rows. What does a high temperature do?",
    ),
    Variant(
        "not softened",
        lambda z, v, T: on_rows(z, v, 1.0, 1.0),
        "Neither of the teacher's and the student's rows is softened: T does not reach the logits. What does T divide "
        "in equation 8.10?",
    ),
    Variant(
        "exchanged",
        lambda z, v, T: on_rows(v, z, T, T),
        "Student and teacher are swapped: the student's row weighs and the teacher's is the price. Who holds the "
        "truth?",
    ),
    Variant(
        "over classes",
        lambda z, v, T: on_rows(z, v, T, T) / z.shape[1],
        "The teacher's part is also divided by the number of classes, as a mean over all entries is. What does the "
        "mean run over?",
    ),
    Variant(
        "summed",
        lambda z, v, T: on_rows(z, v, T, T) * len(z),
        "The teacher's part is a sum over the samples, the labels' part a mean. What do both divide by?",
    ),
    Variant(
        "divergence",
        lambda z, v, T: on_rows(z, v, T, T) - on_rows(v, v, T, T),
        "You took the divergence of the two rows, that is the cross-entropy less the teacher's entropy. Many "
        "libraries do, and its gradient is the same. Which of the two is in equation 8.10?",
    ),
    Variant(
        "divergence over classes",
        lambda z, v, T: (on_rows(z, v, T, T) - on_rows(v, v, T, T)) / z.shape[1],
        "You took the divergence of the two rows, and its mean over all entries: torch's kl_div does that unless told "
        "otherwise. What should the mean run over, and which of divergence and cross-entropy is in equation 8.10?",
    ),
    Variant(
        "divergence the other way",
        lambda z, v, T: on_rows(v, z, T, T) - on_rows(z, z, T, T),
        "You took the divergence of the teacher's row from the student's, the wrong way round. Whose row weighs, and "
        "does equation 8.10 hold a divergence or a cross-entropy?",
    ),
    Variant(
        "teacher's favourite",
        lambda z, v, T: on_labels_of(z / T, np.argmax(v, axis=1)),
        "You trained on the teacher's favourite class, as if it were a label. What else does the teacher's row say?",
    ),
)
SQUARES = Variant(
    "squared difference",
    lambda z, v, T: np.mean((z - v) ** 2),
    "You charge the squared difference of the logits. Distillation at a very high temperature is related to it; which "
    "loss is in equation 8.10?",
)

student.parts(student_from_parts, teacher=[*TEACHERS, SQUARES])
unscaled = partial(student_from_parts, factor=NO_FACTOR.value, teacher=SQUARES.value)
student.add(unscaled, SQUARES.message, "squared difference, no factor")  # logits that no T divides need no T²


@student.mistake
def factor_on_both(z, y, v, T, alpha):
    """Both parts have the factor T² here. Which of the two has a gradient that shrinks with T?"""
    return T**2 * student_from_parts(z, y, v, T, alpha, factor=lambda T: 1.0)


@student.mistake
def labels_softened(z, y, v, T, alpha):
    """The student is softened for the labels, too. Are the labels softened?"""
    return (1 - alpha) * on_labels_of(z / T, y) + alpha * T**2 * on_rows(z, v, T, T)


@student.mistake
def no_factor_and_labels_softened(z, y, v, T, alpha):
    """The factor T² is missing, so at high T the teacher's gradient shrinks like 1/T². What is left of its share? And a
    second thing: The student is softened for the labels, too. Are the labels softened?"""
    return (1 - alpha) * on_labels_of(z / T, y) + alpha * on_rows(z, v, T, T)


@student.mistake
def labels_from_the_teacher(z, y, v, T, alpha):
    """For the labels you took the teacher's favourite classes. Where does y come in?"""
    return student_loss(z, np.argmax(v, axis=1), v, T, alpha)


@student.mistake
def softmax_twice(z, y, v, T, alpha):
    """The student's logits go through a softmax before the losses take their own. What do they take, logits or
    probabilities?"""
    return student_loss(softmax(z), y, v, T, alpha)


student.says(SUMMED, "This is the sum over the samples. What does a mean divide by?")
student.says(
    NEGATIVE,
    "The sign is turned: a cross-entropy is never negative. What is missing in front of the logarithms?",
)

NAIVE = (
    "Right for small logits. With logits of some hundreds an exponential overflows, or a probability underflows to 0 "
    "and its logarithm is infinite. Which function goes from logits to log p without the way through p?"
)


def student_by_logs(z, y, v, T, alpha, log, of_labels=True, of_teacher=True):
    """The student's loss from ``log(z)``, a way to log p that fails far out, in one part or in both."""
    on_labels = picked((log if of_labels else log_softmax)(z), y)
    rows, prices = softmax(v / T), (log if of_teacher else log_softmax)(z / T)
    return (1 - alpha) * on_labels - alpha * T**2 * np.sum(rows * prices, axis=1).mean()


for log in (log_of_shares, log_of_softmax):
    for where in ({}, {"of_labels": False}, {"of_teacher": False}):
        name = " ".join([log.__name__, *where]).replace("_", " ")
        student.add(partial(student_by_logs, log=log, **where), NAIVE, name)


@student.mistake(small=SMALL_NUMBERS)
def student_padded(z, y, v, T, alpha, small):
    """You add a small number inside the logarithm, so the largest losses stop at minus its logarithm, 27.6 for 1e-12.
    Which function goes from logits to log p without the way through p?"""
    return student_by_logs(z, y, v, T, alpha, log=partial(log_of_softmax, small=small))


student.parts(student_from_parts, factor=FACTORS, share=SHARES[:-1])
student.parts(student_from_parts, factor=[NO_FACTOR], teacher=TEACHERS)
student.parts(
    student_from_parts, share=[SWAPPED], teacher=[one for one in TEACHERS if one.name.startswith("divergence")]
)
