"""Exercise 7.1: a threshold from costs."""

import numpy as np

from xent_helpers.exercises.chapter_07 import A_SHARE
from xent_helpers.exercises.draft import Draft

threshold = Draft(
    "7.1",
    "Give the probability of fire from which on the detector should ring.",
    must=(A_SHARE,),
    slips=(),
    hints=(
        "Let p be the probability of fire. What does ringing cost on average, and what does silence?",
        "Ringing costs 50 (1 − p), silence 20000 p. For which p are they equal?",
    ),
    afterwards="With so low a threshold the model must tell 0.002 from 0.003: its small probabilities must be right.",
)


@threshold.reference
def when_to_ring():
    return 50 / (50 + 20_000)


@threshold.mistake
def one_half():
    """One half is right if both mistakes cost the same. Which of the two costs more here?"""
    return 0.5


@threshold.mistake
def the_odds():
    """That is the ratio of the costs, where the *odds* p / (1 − p) break even; as a probability it would be right if
    ringing cost 50 at a fire, too. Which p has these odds?"""
    return 50 / 20_000


@threshold.mistake
def the_odds_upside_down():
    """No probability is that large: it is the ratio of the costs, upside down. Where do p times the one cost and 1 − p
    times the other break even?"""
    return 20_000 / 50


@threshold.mistake
def the_reciprocal():
    """No probability is above 1. You divided the sum of both costs by one of them: which way round must it be?"""
    return (50 + 20_000) / 50


@threshold.mistake
def a_difference_of_costs():
    """That is what p · 20,000 = (1 + p) · 50 gives. How often does a ringing detector ring in vain, if fire has the
    probability p?"""
    return 50 / (20_000 - 50)


@threshold.mistake
def the_logit():
    """That is the logarithm of the odds, a logit. Which function turns a logit into a probability?"""
    return np.log(50 / 20_000)


@threshold.mistake
def per_cent():
    """That is in per cent. A probability lies between 0 and 1: what is 1 %?"""
    return 100 * 50 / (50 + 20_000)


@threshold.mistake
def a_cost():
    """That is a cost. From which probability of fire on does silence cost as much, on average, as ringing?"""
    return 50


@threshold.mistake
def costs_exchanged():
    """With this threshold the detector rings only when it is nearly certain. A missed fire costs far
    more: should one ring sooner or later than at ½?"""
    return 20_000 / (50 + 20_000)
