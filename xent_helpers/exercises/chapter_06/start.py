"""Exercise 6.1: the loss at the start of a run."""

import numpy as np

from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import BASE_TEN, IN_BITS, NEGATIVE

start = Draft(
    "6.1",
    "Write the loss, in nats, of a model with 50,257 classes whose logits are all equal.",
    must=(Must("is neither negative nor infinite", lambda loss: 0 <= loss < np.inf),),
    slips=(),
    hints=(
        "Equal logits give equal probabilities. How large is each?",
        "What does p = 1/C cost in nats?",
    ),
    afterwards=(
        "Print this number beside the first loss of every run: a start far above it may point to logits that are "
        "far too large."
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
    does p = 1/C cost?"""
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
