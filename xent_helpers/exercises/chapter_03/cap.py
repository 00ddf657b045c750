"""Exercise 3.2: the largest loss that an epsilon allows."""

import numpy as np

from xent_helpers.exercises.draft import Draft
from xent_helpers.exercises.slips import BASE_TEN, IN_BITS, NEGATIVE

cap = Draft(
    "3.2",
    "Give the largest loss that −log(p + 1e-12) can report, as an expression that Python computes.",
    hints=(
        "The loss falls as p grows. So which p gives the largest loss?",
        "Put p = 0.",
    ),
    afterwards="Keras, on PyTorch or JAX, clips p to [1e-7, 1 − 1e-7]: its losses of probabilities stop at about 16.",
)


@cap.reference
def epsilon_cap():
    return -np.log(1e-12)


@cap.mistake
def unbounded():
    """So it would be without the 1e-12. What is inside the logarithm when p is exactly 0?"""
    return np.inf


@cap.mistake
def cap_of_the_text():
    """That is section 3.6's cap, of log(p + 1e-7). Which small number is added here?"""
    return -np.log(1e-7)


@cap.mistake(like=cap_of_the_text, digits=(1, 2, 3, 4, 5, 6))
def cap_of_the_text_rounded(digits):
    return round(-np.log(1e-7), digits)


cap.says(NEGATIVE, "The logarithm of a small number is negative. Can a loss be?")
cap.says(BASE_TEN, "12 is the logarithm to base 10. Which logarithm does this course use, and what is np.log's?")
cap.says(IN_BITS, "These are bits, the logarithm to base 2. What do you get in nats?")


@cap.mistake
def where_exp_underflows():
    """104 is the gap at which a float32 probability becomes 0. What does −log(p + 1e-12) give for that 0?"""
    return 104


@cap.mistake
def where_p_is_epsilon():
    """You put p = 1e-12. The loss grows as p falls: what is the smallest p there is?"""
    return -np.log(2e-12)


@cap.mistake
def least_loss():
    """That is the smallest loss, at p = 1 (and slightly negative). At which p is the loss largest?"""
    return -np.log(1 + 1e-12)


@cap.mistake
def logarithm_of_the_inverse_missing():
    """That is 1/1e-12. What is −log of a small number, in terms of one over it?"""
    return 1e12


@cap.mistake
def nothing():
    """That is 0, or as good as 0, the loss of a perfect answer. What does the worst one get?"""
    return 0


@cap.mistake(like=nothing)
def as_good_as_nothing():
    return -np.log(1 - 1e-12)


@cap.mistake
def cap_of_bceloss():
    """100 is where BCELoss stops. What does this program put into its logarithm at p = 0?"""
    return 100


@cap.mistake
def where_float64_ends():
    """That is −log of the smallest number that float64 has. What is added to p before the logarithm?"""
    return -np.log(5e-324)


@cap.mistake
def where_float64_begins_to_end():
    """That is −log of the smallest normal number of float64. What is added to p before the logarithm?"""
    return -np.log(np.finfo(np.float64).tiny)


@cap.mistake
def cap_of_float64_rounding():
    """That is −log of float64's rounding, 2.2e-16. Which small number is added here?"""
    return -np.log(np.finfo(np.float64).eps)


@cap.mistake
def example_of_the_task():
    """That is the example of an expression. Which one gives the largest loss?"""
    return np.exp(3)
