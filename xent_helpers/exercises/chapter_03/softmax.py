"""Exercise 3.1: softmax of each row of scores."""

import numpy as np

from xent_helpers.exercises.chapter_03 import BOUNDS, TINY_NUMBERS, are_fine, drawn_scores
from xent_helpers.exercises.constants import NEVER_NEGATIVE
from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import WRONG_AXIS


def softmax_tolerance(z):
    """Small probabilities have their digits too; the logarithm of 10,000 loses four on the way."""
    return {"float64": (1e-14 * max(10, np.abs(z).max()), 1e-300), "float32": (1e-4, 1e-36)}


softmax = Draft(
    "3.1",
    "Return the softmax of each row of scores z (N, C), right for scores from −10,000 to 10,000, those beyond ±100 "
    "whole. Small probabilities count, down to 1e-300 (in float32, 1e-36).",
    must=(
        NEVER_NEGATIVE,
        Must("adds up to 1 along each row", lambda p, z: np.allclose(p.sum(axis=1), 1, rtol=0, atol=1e-6)),
    ),
    tolerance=softmax_tolerance,
    rounds=3,  # each draws a dozen inputs
    hints=(
        "Write equation 3.3 in one line first and run it on small scores.",
        "Subtracting one number from all scores of a row changes nothing. Which number makes the largest exponent 0?",
        "z.max(axis=1, keepdims=True) has shape (N, 1): one number for each row, lined up with the rows.",
    ),
    afterwards="Compare what it gives for (10000, 9999) and for (1, 0). Why should they agree to the last digit?",
)


@softmax.reference
def stable_softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@softmax.inputs
def softmax_inputs(rng):
    # as many rows as classes, so that a forgotten keepdims runs, and runs wrong
    plain = [[[1.0, 2.0, 0.1], [0.0, 0.0, 0.0], [-1.0, 3.0, 0.5]], [[0.0, 1.0]], [[40.0, 0.0, -40.0]]]
    plain += [[[0.0, -28.5]], [[-80.5, 0.0]], np.full(rng.integers(1, 5, 2) + (0, 1), rng.normal())]
    plain += [[[5.0], [-1e4]]]  # one class
    large = [
        [[150.0, 0.0, -500.0], [0.0, -30.0, -60.0]],
        [[1e4, 9999.0, -1e4], [-1e4, -1e4, -9998.0], [40.0, 0.0, -1e4]],
        [[-1e4, 1e4], [3.0, 3.0]],
        [[0.0, 1.0], [-800.0, -801.0]],
        [[710.0, 709.0, 0.0]],
        [[688.0, 0.0, 20.0], [0.0, 600.0, 500.0]],  # a probability of 2e-299
    ]
    return [(np.array(z),) for z in (*plain, *drawn_scores(rng), *large)]


@softmax.domain
def are_scores(z):
    return z.ndim == 2 and z.size > 0 and are_fine(z)


@softmax.mistake
def softmax_unshifted(z):
    """Right for small scores, NaN for large ones: exp(10000) is inf, and inf/inf is NaN. What may you subtract from all
    scores of a row without changing the softmax?"""
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


softmax.says(
    WRONG_AXIS,
    "Your columns add up to 1, not your rows. Each row is one sample: along which axis do its classes lie?",
)


@softmax.mistake
def softmax_of_everything(z):
    """All your numbers together add up to 1, so the samples compete with one another. Over which axis should the sum
    run?"""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum()


@softmax.mistake
def softmax_without_keepdims(z):
    """The sum over each row has shape (N,), and NumPy lines it up with the classes, not with the rows: with as many
    rows as classes it runs and is wrong. What does keepdims=True change about that shape?"""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1)


@softmax.mistake
def softmax_shifted_without_keepdims(z):
    """The maximum of each row has shape (N,), and NumPy subtracts it from the columns: class 0 is shifted by row 0's
    maximum. What does keepdims=True change about that shape?"""
    e = np.exp(z - z.max(axis=1))
    return e / e.sum(axis=1, keepdims=True)


@softmax.mistake
def softmax_shifted_by_one_maximum(z):
    """You shift by the largest score of the whole batch. A row far below it becomes 0/0, which is NaN. Which maximum
    does that row need?"""
    e = np.exp(z - z.max())
    return e / e.sum(axis=1, keepdims=True)


@softmax.mistake
def softmax_without_any_keepdims(z):
    """Maximum and sum have shape (N,), and NumPy lines them up with the classes, not with the rows: with as many rows
    as classes it runs and is wrong. What does keepdims=True change about that shape?"""
    e = np.exp(z - z.max(axis=1))
    return e / e.sum(axis=1)


@softmax.mistake
def softmax_unshifted_without_keepdims(z):
    """The sum over each row has shape (N,), and NumPy lines it up with the classes: what does keepdims=True change? And
    a second thing: exp(10000) is inf. What may you subtract from all scores of a row?"""
    return np.exp(z) / np.exp(z).sum(axis=1)


@softmax.mistake
def softmax_unshifted_guarded(z):
    """nan_to_num puts a 0 where inf/inf gave NaN, so the most probable class gets probability 0. Which shift of the
    scores keeps exp from becoming inf?"""
    return np.nan_to_num(softmax_unshifted(z))


@softmax.mistake
def softmax_shifted_by_the_mean(z):
    """Any shift leaves the softmax as it is, but after yours the largest exponent is still positive and may overflow.
    Which number makes it 0?"""
    return softmax_unshifted(z - z.mean(axis=1, keepdims=True))


@softmax.mistake
def softmax_shifted_by_the_minimum(z):
    """You subtract the smallest score, so no exponent is negative and the largest overflows. At which end do the
    exponentials need help?"""
    return softmax_unshifted(z - z.min(axis=1, keepdims=True))


@softmax.mistake
def softmax_shifted_upwards(z):
    """You add the largest score, which doubles it. Is the trouble that exponents are too small or too large?"""
    return softmax_unshifted(z + z.max(axis=1, keepdims=True))


@softmax.mistake
def softmax_shifted_above_only(z):
    """You shift the numerator only, so a factor exp(−s) does not cancel. What must be done in the denominator?"""
    return np.exp(z - z.max(axis=1, keepdims=True)) / np.exp(z).sum(axis=1, keepdims=True)


@softmax.mistake(small=[small for small in TINY_NUMBERS if small > 1e-13])
def softmax_with_an_epsilon(z, small):
    """You add a small number to the denominator against division by zero. After the shift the largest term of the sum
    is exp(0): how small can the sum get? Then what is the small number for, except to make the row add up to less than
    1?"""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / (e.sum(axis=1, keepdims=True) + small)


@softmax.mistake(small=[small for small in TINY_NUMBERS if small > 1e-14])
def softmax_with_a_floor(z, small):
    """You clip the probabilities, so the rows no longer add up to 1 exactly and small ones are all the same. Which step
    of yours needs protection from large scores, and is it this one?"""
    return np.clip(stable_softmax(z), small, 1 - small)


@softmax.mistake(bound=BOUNDS)
def softmax_of_clipped_scores(z, bound):
    """Clipping avoids the overflow and changes the answer: 10,000 and 9,999 come out as equals. What operation makes
    scores smaller and leaves their differences as they are?"""
    return stable_softmax(np.clip(z, -bound, bound))


@softmax.mistake
def sigmoid_of_each_score(z):
    """A sigmoid treats each class as a yes-or-no question of its own, and the row need not add up to 1. Where do the
    classes compete in the softmax?"""
    return 1 / (1 + np.exp(-z))


@softmax.mistake
def sigmoids_shared_out(z):
    """You share out sigmoids. Of two large scores both come out near 1, however far apart they are. By which factor
    must the odds of a class grow when its score grows by 1?"""
    p = 1 / (1 + np.exp(-z))
    return p / p.sum(axis=1, keepdims=True)


@softmax.mistake
def weights_not_shared_out(z):
    """These are the weights exp(z − s): the best class always gets 1. What makes a row add up to 1?"""
    return np.exp(z - z.max(axis=1, keepdims=True))


@softmax.mistake
def scores_shared_out(z):
    """You share out the scores themselves, and a negative one can give a negative probability. Which function makes
    every score positive first?"""
    return z / z.sum(axis=1, keepdims=True)


@softmax.mistake
def softmax_of_scores_divided_by_the_largest(z):
    """You divide by the largest score. That changes the differences between scores, and only those count. What leaves
    differences as they are?"""
    return softmax_unshifted(z / z.max(axis=1, keepdims=True))


@softmax.mistake
def softmax_of_negative_scores(z):
    """The lowest score gets the largest probability. Which sign belongs in the exponent?"""
    return stable_softmax(-z)


@softmax.mistake
def softmax_twice(z):
    """That is the softmax of a softmax: no class can be more than e times as probable as another. How often does the
    exponential belong?"""
    return stable_softmax(stable_softmax(z))


@softmax.mistake
def softmax_with_base_two(z):
    """Your base is 2: one point of score doubles a weight. Which base has exp?"""
    return stable_softmax(z * np.log(2))


@softmax.mistake
def softmax_as_logarithm(z):
    """These are the logarithms of the probabilities, and they are right. Which function undoes a logarithm?"""
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@softmax.mistake
def winner_takes_all(z):
    """You give the best class everything. Which probabilities do (2, 1) leave to the second class?"""
    return np.eye(z.shape[1])[z.argmax(axis=1)]
