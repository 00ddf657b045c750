"""The exercises of chapter 8, Beyond one-hot."""

from functools import partial

import numpy as np

from xent_helpers.exercises.constants import NEVER_NEGATIVE, SMALL_NUMBERS
from xent_helpers.exercises.draft import Draft, Must, Part
from xent_helpers.exercises.slips import (
    BASE_TEN,
    DOUBLED,
    EPSILONS,
    HALVED,
    IN_BITS,
    LABELS,
    NEGATIVE,
    SUMMED,
    TRANSPOSED,
)
from xent_helpers.losses import log_softmax, logsumexp, softmax


def picked(log_seen, recorded):
    return -log_seen[np.arange(len(recorded)), recorded].mean()


def quiet_log(p):
    with np.errstate(divide="ignore"):
        return np.log(p)


def labels_in(y, C) -> bool:
    return len(y) > 0 and C > 1 and bool(np.all((y >= 0) & (y < C)))


def log_of_shares(z):
    shares = np.exp(z)
    return quiet_log(shares / shares.sum(axis=1, keepdims=True))


def log_of_softmax(z, small=0.0):
    return quiet_log(softmax(z) + small)


smoothing = Draft(
    "8.1",
    "Return the rows (N, C) of smoothed targets from integer labels y (N,), as PyTorch means them.",
    must=(
        Must("has rows that add up to 1", lambda q, *_: np.allclose(q.sum(axis=1), 1, atol=1e-6)),
        Must("has no entry below 0", lambda q, *_: np.all(q >= 0)),
    ),
    slips=(NEGATIVE, TRANSPOSED, *LABELS, HALVED, DOUBLED, *EPSILONS),
    hints=(
        "Start from one-hot rows, np.eye(C)[y].",
        "Mix two rows that each add up to 1: the label's, with share 1 − ε, and the uniform one, with share ε.",
    ),
    afterwards="Pass your rows to losses.cross_entropy as a soft target: its label_smoothing gives the same number.",
)


@smoothing.reference
def smoothed_rows(y, C, epsilon):
    return (1 - epsilon) * np.eye(C)[y] + epsilon / C


@smoothing.inputs
def smoothing_inputs(rng: np.random.Generator) -> list[tuple]:
    sizes = rng.integers([(2, 3), (3, 2), (5, 6), (1, 4)], [(8, 6), (6, 3), (12, 12), (2, 9)])
    shapes = [*sizes, (3, 3), (4, 4)]
    shares = (0.1, 0.5, *rng.uniform(0.05, 0.6, 3), 0.0)
    drawn = [(rng.integers(0, c, n), int(c), float(e)) for (n, c), e in zip(shapes, shares, strict=True)]
    some = (np.zeros(3, dtype=np.int64), int(rng.integers(3, 7)), 0.3)  # most classes do not occur
    return [(np.array([0, 2]), 4, 0.2), *drawn, some, (rng.integers(0, 3, 4), 3, 1.0)]


@smoothing.domain
def smoothing_domain(y, C, epsilon) -> bool:
    return labels_in(y, C) and 0 <= epsilon <= 1


def rows_of(y, C, kept, each):
    """``kept`` at the label and ``each`` at every other class."""
    hit = np.eye(C)[y]
    return kept * hit + each * (1 - hit)


@smoothing.mistake
def over_the_other_classes(y, C, epsilon):
    """You share ε among the C − 1 other classes. That is a sound idea, but PyTorch and the paper spread it over all C
    classes. What does the true class keep then?"""
    return rows_of(y, C, 1 - epsilon, epsilon / (C - 1))


@smoothing.mistake(name="label's part missing")
def label_s_part_missing(y, C, epsilon):
    """These rows add up to less than 1: ε was taken away, but only C − 1 parts of ε/C were handed out. Who gets the
    last part?"""
    return rows_of(y, C, 1 - epsilon, epsilon / C)


@smoothing.mistake
def nothing_taken(y, C, epsilon):
    """These rows add up to more than 1: ε was handed out, but not taken from the label. What is left to it?"""
    return np.eye(C)[y] + epsilon / C


@smoothing.mistake
def not_divided(y, C, epsilon):
    """Each class gets all of ε here. Into how many parts is it to be divided?"""
    return (1 - epsilon) * np.eye(C)[y] + epsilon


@smoothing.mistake
def label_in_full(y, C, epsilon):
    """The true class keeps everything, so the rows add up to more than 1. Where is the others' share from?"""
    return rows_of(y, C, 1.0, epsilon / C)


@smoothing.mistake
def shares_swapped(y, C, epsilon):
    """The two shares are swapped: ε is the uniform distribution's, as a rule the small one. Which factor is the
    label's?"""
    return epsilon * np.eye(C)[y] + (1 - epsilon) / C


@smoothing.mistake
def not_smoothed(y, C, epsilon):
    """These are the one-hot rows, without smoothing. What does each class get of ε?"""
    return np.eye(C)[y]


@smoothing.mistake
def nothing_handed_out(y, C, epsilon):
    """These rows add up to 1 − ε: it was taken from the label, and nobody has got it. Who is to have it?"""
    return (1 - epsilon) * np.eye(C)[y]


@smoothing.mistake
def one_part_taken(y, C, epsilon):
    """These rows add up to 1 for two classes only: the label gave one part of ε/C, and C − 1 classes got one. How much
    does it give in all?"""
    return rows_of(y, C, 1 - epsilon / C, epsilon / C)


@smoothing.mistake
def epsilon_to_each_other_class(y, C, epsilon):
    """Each of the other classes gets all of ε. To what do your rows add up, and into how many parts is ε to be
    divided?"""
    return rows_of(y, C, 1 - epsilon, epsilon)


@smoothing.mistake
def conventions_mixed(y, C, epsilon):
    """Two conventions are mixed: the label keeps a part of ε/C, while the others share ε as if it kept none. To what do
    your rows add up?"""
    return rows_of(y, C, 1 - epsilon + epsilon / C, epsilon / (C - 1))


@smoothing.mistake
def as_for_two_classes(y, C, epsilon):
    """Each class gets ε/2, which is right for two classes (and how it is written for them). What is it for C?"""
    return (1 - epsilon) * np.eye(C)[y] + epsilon / 2


@smoothing.mistake
def labels_smoothed(y, C, epsilon):
    """You smoothed the numbers of the classes, as if label 2 were twice label 1. Which row stands for a label?"""
    return (1 - epsilon) * y + epsilon / C


@smoothing.mistake
def logarithms(y, C, epsilon):
    """These are the logarithms of the right rows. Does a target stand inside the logarithm of a loss, or before it?"""
    return quiet_log(smoothed_rows(y, C, epsilon))


@smoothing.mistake
def softmax_of_the_rows(y, C, epsilon):
    """You put the right rows through a softmax. They are probabilities already: what goes into a softmax?"""
    return softmax(smoothed_rows(y, C, epsilon))


@smoothing.mistake
def classes_counted_from_the_labels(y, C, epsilon):
    """Your rows are as long as the largest label demands, so they change with the batch. How many classes are there,
    also when the last one does not occur?"""
    return (1 - epsilon) * np.eye(y.max() + 1)[y] + epsilon / (y.max() + 1)


gap = Draft(
    "8.2",
    "Give the logit gap at the optimum of label smoothing, for five classes and ε = 0.2.",
    slips=(),
    hints=(
        "At the optimum p equals the smoothed row. What are its two different entries?",
        "p_y / p_c = exp(z_y − z_c).",
    ),
    afterwards="With ten classes and ε = 0.1 it was log 91. The gap grows with C: more classes, smaller shares.",
)


@gap.reference
def optimal_gap():
    epsilon, C = 0.2, 5
    return np.log((1 - epsilon + epsilon / C) / (epsilon / C))


@gap.mistake(name="label's part missing")
def gap_label_s_part_missing():
    """You gave the true class 1 − ε. It also gets its part of what is spread over all. How much is that?"""
    return np.log(0.8 / 0.04)


@gap.mistake(name="over the other classes")
def gap_over_the_other_classes():
    """That is the gap if ε goes to the four other classes only. Over how many is it spread here?"""
    return np.log(0.8 / 0.05)


@gap.mistake
def ratio():
    """That is the ratio of the two probabilities. What is the difference of the logits?"""
    return 0.84 / 0.04


gap.says(IN_BITS, "That is the gap in powers of two. Which exponential does the softmax use?")
gap.says(BASE_TEN, "That is the gap in powers of ten. Which exponential does the softmax use?")
gap.says(NEGATIVE, "The sign is turned: which of the two logits is larger?")


@gap.mistake
def difference_of_probabilities():
    """That is the difference of the probabilities. How do you get from a probability to its logit?"""
    return 0.84 - 0.04


@gap.mistake
def all_others_together():
    """You compared the true class with all others together. What does one of the four have?"""
    return np.log(0.84 / 0.16)


@gap.mistake
def surprise():
    """That is the surprise at the true class. With what does the gap compare it?"""
    return -np.log(0.84)


@gap.mistake
def entropy():
    """That is the least loss, the entropy of the smoothed row. At which logits is it reached?"""
    return -0.84 * np.log(0.84) - 0.16 * np.log(0.04)


@gap.mistake(name="the chapter's case")
def the_chapter_s_case():
    """That is the chapter's gap, for ten classes and ε = 0.1. What are the two entries of a row here?"""
    return np.log(91)


@gap.mistake
def two_classes():
    """That compares 1 − ε with ε, as if ε went to one other class. Into how many parts is it divided?"""
    return np.log(0.8 / 0.2)


@gap.mistake(name="one part taken")
def gap_one_part_taken():
    """You took one part of ε/C from the label. It gives all of ε and gets one part back: what is left to it?"""
    return np.log(0.96 / 0.04)


@gap.mistake(name="nothing taken")
def gap_nothing_taken():
    """You let the true class keep everything. Where would the others' shares come from?"""
    return np.log(1 / 0.04)


@gap.mistake
def more_than_one():
    """Your true class has more than 1: it gets its part of ε, but gave none. What is left to it?"""
    return np.log(1.04 / 0.04)


@gap.mistake
def compared_with_epsilon():
    """You compared the true class with ε, what is spread over all. How much of it has one other class?"""
    return np.log(0.84 / 0.2)


@gap.mistake
def from_the_mean_logit():
    """That is the true class's logit when the five add up to 0. How far below it are the others then?"""
    return 0.8 * np.log(21)


@gap.mistake
def the_other_class_alone():
    """That is the logarithm of one other class's probability. From which other logarithm is it to be taken?"""
    return np.log(0.04)


@gap.mistake
def without_smoothing():
    """Without smoothing the gap would grow without end. Which finite row is the optimum to meet here?"""
    return np.inf


@gap.mistake
def a_probability():
    """That is the probability of the true class at the optimum. What is the difference of the logits?"""
    return 0.84


student = Draft(
    "8.3",
    "Return (1 − alpha) times the mean loss on the labels y, plus alpha times the mean distillation loss of equation "
    "8.8, also for logits of some hundreds.",
    must=(NEVER_NEGATIVE,),
    rounds=3,
    hints=(
        "The labels' part is chapter 3's loss of z, without T.",
        "The teacher's part needs two rows for each sample: softmax(v / T) and log_softmax(z / T).",
        "Only the teacher's part carries T².",
    ),
    afterwards=(
        "Compare with losses.cross_entropy and targets.distillation_loss. Then set alpha = 1 and z = v: the gradient "
        "is 0, and the loss is T² times the entropy of the teacher's row."
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
    settings = ((4.0, 0.9), (0.5, 0.5), (10.0, 0.3), (1.0, 0.6), (rng.uniform(1, 6), rng.uniform(0.1, 0.9)))
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
NO_FACTOR = Part(
    "no factor",
    lambda T: 1.0,
    "The factor T² is missing, so the teacher's gradient shrinks like 1/T². What is left of its share?",
)


FACTORS = (
    NO_FACTOR,
    Part(
        "factor T",
        lambda T: T,
        "Your factor is T, which makes up for the chain rule only. By what do the softened rows shrink besides?",
    ),
    Part(
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


SWAPPED = Part(
    "shares swapped",
    lambda labels, teacher, alpha: alpha * labels + (1 - alpha) * teacher,
    "The shares are swapped: alpha = 1 should be the teacher alone. Whose share is alpha?",
)


SHARES = (
    SWAPPED,
    Part(
        "just added",
        lambda labels, teacher, alpha: labels + teacher,
        "The two parts are just added. Where do the shares 1 − alpha and alpha go?",
    ),
    Part(
        "labels in full",
        lambda labels, teacher, alpha: labels + alpha * teacher,
        "The labels keep the share 1. What do they have if the teacher has alpha?",
    ),
    Part(
        "teacher in full",
        lambda labels, teacher, alpha: (1 - alpha) * labels + teacher,
        "The teacher's part has the share 1. What does it have if the labels have 1 − alpha?",
    ),
    Part(
        "teacher alone",
        lambda labels, teacher, alpha: alpha * teacher,
        "That is the teacher's part alone. Where are the labels?",
    ),
    Part(
        "labels alone",
        lambda labels, teacher, alpha: (1 - alpha) * labels,
        "That is the labels' part alone. Where is the teacher?",
    ),
)


student.parts(student_from_parts, share=SHARES)


TEACHERS = (
    Part(
        "teacher softened only",
        lambda z, v, T: on_rows(z, v, 1.0, T),
        "For the teacher's rows only the teacher is softened, so a perfect copy, z = v, would be punished. Which T "
        "belongs to the student?",
    ),
    Part(
        "student softened only",
        lambda z, v, T: on_rows(z, v, T, 1.0),
        "For the teacher's rows only the student is softened, so a perfect copy, z = v, would be punished. Which T "
        "belongs to the teacher?",
    ),
    Part(
        "multiplied by T",
        lambda z, v, T: on_rows(z, v, 1 / T, 1 / T),
        "The logits are multiplied by T, which sharpens the rows. What does a high temperature do?",
    ),
    Part(
        "not softened",
        lambda z, v, T: on_rows(z, v, 1.0, 1.0),
        "Neither of the teacher's and the student's rows is softened: T does not reach the logits. What does T divide "
        "in equation 8.8?",
    ),
    Part(
        "exchanged",
        lambda z, v, T: on_rows(v, z, T, T),
        "Student and teacher are swapped: the student's row weighs and the teacher's is the price. Who holds the "
        "truth?",
    ),
    Part(
        "over classes",
        lambda z, v, T: on_rows(z, v, T, T) / z.shape[1],
        "The teacher's part is also divided by the number of classes, as a mean over all entries is. What does the "
        "mean run over?",
    ),
    Part(
        "summed",
        lambda z, v, T: on_rows(z, v, T, T) * len(z),
        "The teacher's part is a sum over the samples, the labels' part a mean. What do both divide by?",
    ),
    Part(
        "divergence",
        lambda z, v, T: on_rows(z, v, T, T) - on_rows(v, v, T, T),
        "You took the divergence of the two rows, that is the cross-entropy less the teacher's entropy. Many "
        "libraries do, and its gradient is the same. Which of the two stands in equation 8.8?",
    ),
    Part(
        "divergence over classes",
        lambda z, v, T: (on_rows(z, v, T, T) - on_rows(v, v, T, T)) / z.shape[1],
        "You took the divergence of the two rows, and its mean over all entries: torch's kl_div does that unless told "
        "otherwise. What should the mean run over, and which of divergence and cross-entropy stands in equation 8.8?",
    ),
    Part(
        "divergence the other way",
        lambda z, v, T: on_rows(v, z, T, T) - on_rows(z, z, T, T),
        "You took the divergence of the teacher's row from the student's, the wrong way round. Whose row weighs, and "
        "does equation 8.8 hold a divergence or a cross-entropy?",
    ),
    Part(
        "teacher's favourite",
        lambda z, v, T: on_labels_of(z / T, np.argmax(v, axis=1)),
        "You trained on the teacher's favourite class, as if it were a label. What else does the teacher's row say?",
    ),
    Part(
        "squared difference",
        lambda z, v, T: np.mean((z - v) ** 2),
        "You charge the squared difference of the logits. At a very high temperature distillation comes near to it; "
        "which loss stands in equation 8.8?",
    ),
)


student.parts(student_from_parts, teacher=TEACHERS)


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
    """The factor T² is missing, so the teacher's gradient shrinks like 1/T². What is left of its share? And a second
    thing: The student is softened for the labels, too. Are the labels softened?"""
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


forward = Draft(
    "8.4",
    "Repair the snippet: return the mean forward-corrected loss of equation 8.12, also for logits of 1000.",
    must=(NEVER_NEGATIVE,),
    rounds=4,
    hints=(
        "With what probability is label j recorded, if the true class has the probabilities p?",
        "Σ_i p_i M[i, j] is entry j of p @ M.",
        "To survive large logits: log(p_i M[i, j]) = log_softmax(z)_i + log M[i, j], then losses.logsumexp over i.",
    ),
    afterwards="Try a symmetric M with both versions: they agree, so a test with symmetric noise proves nothing.",
)


@forward.reference
def mean_forward_loss(z, recorded, M):
    with np.errstate(divide="ignore"):  # log 0 = −inf: a confusion that never happens
        log_seen = logsumexp(log_softmax(z)[:, :, None] + np.log(M), axis=1)
    return -log_seen[np.arange(len(recorded)), recorded].mean()


@forward.inputs
def forward_inputs(rng: np.random.Generator) -> list[tuple]:
    plain = (np.zeros((2, 2)), np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]))
    sizes = rng.integers([(3, 3), (3, 4), (2, 2)], [(8, 6), (8, 7), (6, 3)])
    drawn = [
        (2 * rng.normal(size=(n, c)), rng.integers(0, c, n), rng.dirichlet(np.ones(c), c))
        for n, c in [*sizes, (4, 4), (1, 5)]
    ]
    thirds = np.array([[2 / 3, 0.0, 1 / 3], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])  # the clerk of section 8.10
    sure = np.array([[1000.0, 0.0, 0.0], [0.0, 0.0, 1000.0]])
    far = np.array([[40.0, 0.0, 0.0], [0.0, 0.0, 35.0]])  # far enough for a small number to show
    return [
        plain,
        *drawn,
        (rng.normal(size=(3, 3)), np.arange(3), thirds),
        (sure, np.array([1, 0]), thirds),
        (-sure, np.array([0, 1]), thirds),
        (far, np.array([1, 0]), thirds),
        (2 * rng.normal(size=(4, 3)), rng.integers(0, 3, 4), np.eye(3)),
    ]


@forward.domain
def forward_domain(z, recorded, M) -> bool:
    c = z.shape[1]
    rows = M.shape == (c, c) and np.all(M >= 0) and np.allclose(M.sum(axis=1), 1, atol=1e-9)
    possible = np.all(M[:, recorded].sum(axis=0) > 0)  # else the loss is infinite
    return len(z) == len(recorded) and labels_in(recorded, c) and bool(rows and possible) and np.all(np.abs(z) <= 1000)


@forward.mistake
def the_snippet(z, recorded, M):
    """This is the snippet as you found it, with its two mistakes. First, it mixes logarithms: what is mixed in equation
    8.12? Then, the matrix: what does column j of M hold, and what does row j?"""
    return picked(log_softmax(z) @ M.T, recorded)


@forward.mistake
def logarithms_mixed(z, recorded, M):
    """The matrix is right now, but you still mix logarithms. In equation 8.12 probabilities are mixed; the logarithm
    comes last. Where do you take it?"""
    return picked(log_softmax(z) @ M, recorded)


@forward.mistake
def transposed(z, recorded, M):
    """The logarithm is in its place. The matrix is transposed: this is M p. You need Σ_i p_i M[i, j]. Over which axis
    of M does the sum run?"""
    return picked(quiet_log(softmax(z) @ M.T), recorded)


@forward.mistake(name="transposed", like=transposed)
def forward_transposed(z, recorded, M):
    return mean_forward_loss(z, recorded, M.T)


@forward.mistake
def logits_mixed(z, recorded, M):
    """The matrix acts on the logits here. What it mixes are probabilities. When does the softmax come?"""
    return picked(log_softmax(z @ M), recorded)


@forward.mistake
def not_corrected(z, recorded, M):
    """This is the plain loss, without a correction. Where does M enter?"""
    return picked(log_softmax(z), recorded)


@forward.mistake(log_shares=(log_of_shares, log_of_softmax))
def forward_through_shares(z, recorded, M, log_shares):
    """The formula is right. But for logits of 1000 a probability underflows to 0 or an exponential overflows, and the
    loss is no longer finite. Can you stay with logarithms, with log_softmax and logsumexp?"""
    return picked(quiet_log(np.exp(log_shares(z)) @ M), recorded)


@forward.mistake(small=SMALL_NUMBERS)
def forward_padded(z, recorded, M, small):
    """The formula is right. But the small number inside the logarithm (added to M it does the same) lets no loss pass
    minus its logarithm, 27.6 for 1e-12, where logits of 1000 can cost 1000. Can you stay with logarithms, with
    log_softmax and logsumexp, where log 0 does no harm?"""
    return picked(quiet_log(softmax(z) @ M + small), recorded)


@forward.mistake
def columns_normalised(z, recorded, M):
    """You made the columns of M add up to 1. Then M[i, j] is a probability of the true class, given the record. Which
    of the two directions does equation 8.12 take?"""
    return mean_forward_loss(z, recorded, M / M.sum(axis=0))


@forward.mistake
def soft_targets(z, recorded, M):
    """You made soft targets of the columns of M, so logarithms are mixed after all. What is mixed in equation 8.12, and
    when does the logarithm come?"""
    return -np.mean(np.sum((M / M.sum(axis=0)).T[recorded] * log_softmax(z), axis=1))


@forward.mistake
def diagonal_only(z, recorded, M):
    """You count only the clerk's right records, M[j, j]. From which other true classes can record j come?"""
    return picked(log_softmax(z) + quiet_log(np.diag(M)), recorded)


@forward.mistake
def backward_correction(z, recorded, M):
    """That is the backward correction, which mixes losses by the inverse of M. It has the right mean, but it is another
    loss. What does the forward correction mix, and by which matrix?"""
    return -np.mean(np.sum(np.linalg.inv(M)[recorded] * log_softmax(z), axis=1))


@forward.mistake(name="softmax twice")
def forward_softmax_twice(z, recorded, M):
    """You mixed the probabilities rightly, and then took a softmax of them. They add up to 1 already: what is left to
    do?"""
    return picked(log_softmax(softmax(z) @ M), recorded)


@forward.mistake
def no_logarithm(z, recorded, M):
    """These are the probabilities of the records, with a minus sign. Where is the logarithm?"""
    return picked(softmax(z) @ M, recorded)


@forward.mistake
def one_minus_p(z, recorded, M):
    """You charge 1 − p of the record. Where is the logarithm?"""
    return 1 - np.mean((softmax(z) @ M)[np.arange(len(z)), recorded])


@forward.mistake
def each_sample(z, recorded, M):
    """That is the loss of each sample. One number is asked for: which one of them all?"""
    return -logsumexp(log_softmax(z) + quiet_log(M.T[recorded]), axis=1)


forward.says(SUMMED, "This is the sum over the samples. What does a mean divide by?")


accuracy = Draft(
    "8.5",
    "Return the accuracy on true labels, from the share m of records that the model agrees with, rho and C.",
    slips=(NEGATIVE, HALVED, DOUBLED, *EPSILONS),
    hints=(
        "Right answers agree with probability 1 − rho, wrong ones with rho / (C − 1).",
        "m = rho/(C − 1) + (1 − rho − rho/(C − 1)) a: a straight line. Solve it for a.",
    ),
    afterwards="At rho = (C − 1)/C the line is flat and the records say nothing; near it the estimate is worth little.",
)


@accuracy.reference
def true_accuracy(m, rho, C):
    by_chance = rho / (C - 1)
    return (m - by_chance) / (1 - rho - by_chance)


@accuracy.inputs
def accuracy_inputs(rng: np.random.Generator) -> list[tuple]:
    fixed = [(0.5, 0.4, 10), (0.7, 0.2, 3), (0.6, 0.3, 2), (0.62, 0.4, 10), (0.9, 0.0, 5), (0.3, 0.5, 100)]
    beyond = [(0.95, 0.2, 4), (0.02, 0.5, 3), (1.0, 0.1, 2), (0.0, 0.25, 5)]
    classes = [int(c) for c in rng.integers(2, 30, 6)]
    shares = rng.uniform((0, 0), (1, 0.8), (6, 2))
    drawn = [(float(m), float(part * (c - 1) / c), c) for c, (m, part) in zip(classes, shares, strict=True)]
    return [*fixed, *beyond, *drawn]


@accuracy.domain
def accuracy_domain(m, rho, C) -> bool:
    return C >= 2 and 0 <= m <= 1 and 0 <= rho <= 0.9 * (C - 1) / C


@accuracy.mistake
def no_chance_agreement(m, rho, C):
    """You count right answers on right records only. A wrong answer can agree with a wrong record. How often?"""
    return m / (1 - rho)


@accuracy.mistake
def clerk_draws_from_all(m, rho, C):
    """That fits a clerk who draws again from all C classes, the true one included. Among how many does this one
    choose?"""
    return (m - rho / C) / (1 - rho)


@accuracy.mistake(name="two classes")
def accuracy_two_classes(m, rho, C):
    """That is right for two classes. With more, a wrong answer and a wrong record need not be the same class. How
    probable is it that they are?"""
    return (m - rho) / (1 - 2 * rho) if rho != 0.5 else -np.inf


@accuracy.mistake
def errors_added(m, rho, C):
    """Adding the clerk's errors is right if each of them costs one agreement. Does it where the model is wrong?"""
    return m + rho


@accuracy.mistake
def the_other_way(m, rho, C):
    """This goes the other way, from true labels to records. What is a, if equation 8.14 gives m?"""
    return (1 - rho) * m + rho / (C - 1) * (1 - m)


@accuracy.mistake
def uncorrected(m, rho, C):
    """That is the share itself. Which part of the disagreement is the clerk's, not the model's?"""
    return m


@accuracy.mistake
def clipped(m, rho, C):
    """You clip the estimate. Chance can put it above 1 or below 0, and then clipping hides it. What does the task
    say?"""
    return min(max(true_accuracy(m, rho, C), 0.0), 1.0)


@accuracy.mistake(name="clipped", like=clipped)
def accuracy_clipped(m, rho, C):
    return min(true_accuracy(m, rho, C), 1.0)


@accuracy.mistake(name="clipped", like=clipped)
def accuracy_clipped_2(m, rho, C):
    return max(true_accuracy(m, rho, C), 0.0)


@accuracy.mistake
def chance_in_the_numerator_only(m, rho, C):
    """The chance agreement is taken from the share, but not from the slope. At m = 1 − rho, when the model is always
    right, your estimate is below 1: what has the line lost between a = 0 and a = 1?"""
    return (m - rho / (C - 1)) / (1 - rho)


@accuracy.mistake
def chance_in_the_denominator_only(m, rho, C):
    """The chance agreement is in the slope, but not taken from the share. What is m for a model that is always
    wrong?"""
    return m / (1 - rho - rho / (C - 1))


@accuracy.mistake(name="C for C − 1")
def c_for_c_1(m, rho, C):
    """A wrong record is one of C − 1 classes, the true one is not among them. How often does a wrong answer agree with
    it?"""
    return (m - rho / C) / (1 - rho - rho / C)


@accuracy.mistake
def all_errors_agree(m, rho, C):
    """That would be right if a wrong record agreed with the model whatever the model says. How often does it agree with
    a right answer, and how often with a wrong one?"""
    return (m - rho) / (1 - rho)


@accuracy.mistake
def multiplied(m, rho, C):
    """You multiply by the share of right records, so a worse clerk makes a worse model. Is m already lowered by the
    clerk, or is it still to be?"""
    return m * (1 - rho)


@accuracy.mistake
def errors_taken_off(m, rho, C):
    """You take the clerk's errors off the share. Do they hide right answers, or make them?"""
    return m - rho


@accuracy.mistake
def chance_taken_off_only(m, rho, C):
    """The agreement by chance is taken off. What do the clerk's errors do where the model is right?"""
    return m - rho / (C - 1)


@accuracy.mistake
def corrected_for_guessing(m, rho, C):
    """That corrects for guessing among C classes, and rho has no say. Who errs here, and how often?"""
    return (m - 1 / C) / (1 - 1 / C)


@accuracy.mistake
def chance_added(m, rho, C):
    """The sign of the chance agreement is turned. Does it raise m or lower it?"""
    return (m + rho / (C - 1)) / (1 - rho - rho / (C - 1))


@accuracy.mistake
def slope_too_steep(m, rho, C):
    """The slope is P(agree | right) − P(agree | wrong). Which sign has the second one in your denominator?"""
    return (m - rho / (C - 1)) / (1 - rho + rho / (C - 1))
