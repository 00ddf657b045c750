"""Exercise 8.2: the logit gap at the optimum."""

import numpy as np

from xent_helpers.exercises.draft import Draft
from xent_helpers.exercises.slips import BASE_TEN, IN_BITS, NEGATIVE

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
