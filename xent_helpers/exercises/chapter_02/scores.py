"""Exercise 2.4: which scores are proper."""

from xent_helpers.exercises.draft import Draft, Variant

proper = Draft(
    "2.4",
    "Set my_marks to a list of six marks, for the scores a to f: 2 strictly proper, 1 proper only, 0 not proper.",
    hints=(
        "Proper: no report has a smaller expected score than the truth. Strictly: every other report has a larger one.",
        "Fix a truth such as (0.6, 0.3, 0.1) and try reports near it, in code, score by score.",
    ),
    afterwards="Accuracy (score e) is proper and yet useless for probabilities: that is what strictness is for.",
)


@proper.reference
def marks_of_the_scores():
    a, b, c, d, e, f = 2, 0, 0, 2, 1, 0
    return [a, b, c, d, e, f]


def marks(a=2, b=0, c=0, d=2, e=1, f=0):
    return [a, b, c, d, e, f]


def marked(score, wrong_marks, message):
    return [Variant(f"{score} = {mark}", mark, message) for mark in wrong_marks]


BITS = marked(
    "a",
    (0, 1),
    "You marked score a down. It is the log score in bits: does a constant factor move the place of a minimum?",
)
LINEAR = marked(
    "b", (1, 2), "Score b is the absolute error. For the truth 0.7, which report does section 2.11 find cheapest?"
)
SQUARE = marked(
    "c",
    (1, 2),
    "Score c squares one term only. With two classes that is half the Brier score. With three: for the truth "
    "(0.6, 0.3, 0.1), compare the expected c of the truth with that of (0.65, 0.35, 0). Which is lower?",
)
BRIER = marked("d", (0, 1), "Score d is the Brier score. What does equation 2.13 say about its expected value?")
ACCURACY = marked(
    "e",
    (0, 2),
    "Score e counts errors, and takes the first of equal ones. The truth is never beaten, but is it the only best "
    "report? Look at (0.7, 0.3, 0) and (1, 0, 0) when the first class is the most probable.",
)
PENALTY = marked(
    "f",
    (1, 2),
    "Score f adds a reward for spread-out reports to a strictly proper score. At the truth the first part is flat: "
    "which way does the reward pull?",
)

proper.parts(marks, a=BITS)
proper.parts(marks, b=LINEAR)
proper.parts(marks, c=SQUARE)
proper.parts(marks, d=BRIER)
proper.parts(marks, e=ACCURACY)
proper.parts(marks, f=PENALTY)
proper.parts(marks, c=SQUARE[1:], e=ACCURACY)
proper.parts(marks, c=SQUARE[1:], f=PENALTY)
proper.parts(marks, e=ACCURACY, f=PENALTY[1:])
proper.parts(marks, c=SQUARE[1:], e=ACCURACY, f=PENALTY[1:])
