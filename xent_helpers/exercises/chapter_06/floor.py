"""Exercise 6.2: why a run stops above its floor."""

from xent_helpers.exercises.draft import Draft

floor = Draft(
    "6.2",
    "Choose the cause: 1, 2, 3 or 4.",
    slips=(),
    hints=(
        "Which number is log(1 + 9/e)?",
        "What is the largest probability that a softmax of numbers in [0, 1] has?",
    ),
    afterwards="The accuracy looks fine in such a run, which is why the floor is the symptom to know.",
)


@floor.reference
def second_softmax():
    return 2


@floor.mistake
def rate_too_low():
    """A low rate only delays: a higher one would get below. What keeps it above 1.46 in each run?"""
    return 1


@floor.mistake
def short_batch():
    """A short batch shifts the reported mean, up or down. Why should it stop at the same number in each
    run?"""
    return 3


@floor.mistake
def gradient_kept():
    """Gradients that pile up can make the loss jump about. What makes a flat line, at the same
    height in each run?"""
    return 4


@floor.mistake
def the_floor():
    """That is the number at which the run stops. Which of the four causes, by its number, puts it there?"""
    return 1.46


@floor.mistake
def counted_from_0():
    """The causes are counted from 1 to 4 here, and none of them is number 0. Which of the four is it?"""
    return 0
