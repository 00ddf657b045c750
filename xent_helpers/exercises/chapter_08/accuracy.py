"""Exercise 8.5: accuracy on true labels from noisy ones."""

import numpy as np

from xent_helpers.exercises.draft import Draft
from xent_helpers.exercises.slips import DOUBLED, EPSILONS, HALVED, NEGATIVE

accuracy = Draft(
    "8.5",
    "Return the accuracy on true labels, from the share m of records that the model agrees with, C, and a rho other "
    "than (C − 1)/C.",
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
    fixed = [(0.5, 0.4, 10), (0.7, 0.2, 3), (0.6, 0.3, 2), (0.62, 0.4, 10), (0.9, 0.0, 5), (0.3, 0.5, 1000)]
    beyond = [(0.95, 0.2, 4), (0.02, 0.5, 3), (1.0, 0.1, 2), (0.0, 0.25, 5)]
    perverse = [(0.3, 0.7, 2), (0.2, 0.9, 3), (0.1, 1.0, 5), (0.25, 1.0, 2)]  # right answers agree less than wrong ones
    classes = [int(c) for c in rng.integers(2, 30, 6)]
    shares = rng.uniform((0, 0), (1, 0.8), (6, 2))
    drawn = [(float(m), float(part * (c - 1) / c), c) for c, (m, part) in zip(classes, shares, strict=True)]
    near = [(1 / c, (c - 1) / c + by, c) for c, by in ((3, 0.01), (4, -0.01))]
    return [*fixed, *beyond, *perverse, *near, *drawn]


@accuracy.domain
def accuracy_domain(m, rho, C) -> bool:
    return C >= 2 and 0 <= m <= 1 and 0 <= rho <= 1 and abs(rho - (C - 1) / C) > 0.009


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
    """This goes the other way, from true labels to records. What is a, if equation 8.18 gives m?"""
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
