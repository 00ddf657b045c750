"""Exercise 8.1: smoothed targets."""

import numpy as np

from xent_helpers.exercises.chapter_08 import labels_in, quiet_log
from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import DOUBLED, EPSILONS, HALVED, LABELS, NEGATIVE, TRANSPOSED
from xent_helpers.losses import softmax

smoothing = Draft(
    "8.1",
    "Return the rows (N, C) of smoothed targets from integer labels y (N,) and epsilon from 0 to 1, as PyTorch means "
    "them.",
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
    sizes = rng.integers([(2, 3), (3, 2), (5, 6), (1, 4)], [(8, 6), (6, 3), (60, 12), (2, 9)])
    shapes = [*sizes, (3, 3), (4, 4)]
    shares = (0.1, 0.5, *rng.uniform(0.05, 0.6, 3), 0.0)
    drawn = [(rng.integers(0, c, n), int(c), float(e)) for (n, c), e in zip(shapes, shares, strict=True)]
    some = (np.zeros(3, dtype=np.int64), int(rng.integers(3, 7)), 0.3)  # most classes do not occur
    many = (rng.integers(0, 1000, 2), 1000, 1e-3)
    return [(np.array([0, 2]), 4, 0.2), *drawn, some, many, (rng.integers(0, 3, 4), 3, 1.0)]


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
