"""Exercise 4.3: the curvature along a direction."""

import numpy as np

from xent_helpers import losses
from xent_helpers.exercises.chapter_04 import are_logits, drawn_logits
from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import ADDED_UP, NEGATIVE, OVER_SAMPLES

MOST = 10.0  # entry of a direction


def curvature_tolerance(z, v):
    """The mean of the squares minus the square of the mean is right too, and loses digits where v is large."""
    return 1e-11, 1e-14 * max(1.0, np.max(v**2))


curvature = Draft(
    "4.3",
    "Return vᵀHv (N,) for each row of logits z (N, C), up to ±1,000, those beyond ±100 whole, and its direction "
    "v (N, C), up to ±10.",
    must=(Must("is never negative", lambda curvature, z, v: np.all(curvature >= -1e-9)),),
    tolerance=curvature_tolerance,
    rounds=3,  # each draws a dozen inputs
    hints=(
        "Equation 4.8 says which statistical quantity vᵀHv is.",
        "The numbers are the v_c of a row, their probabilities the softmax of the row.",
        "First the weighted mean, with keepdims=True, then the weighted mean of the squared distances from it.",
    ),
    afterwards=(
        "H has C² entries, yet this took a few numbers for each class. Products Hv are just as cheap: p · (v − mean). "
        "In large models, too, curvature is often used through such products."
    ),
)


@curvature.reference
def curvature_along(z, v):
    p = losses.softmax(z, axis=1)
    mean = np.sum(p * v, axis=1, keepdims=True)
    return np.sum(p * (v - mean) ** 2, axis=1)


@curvature.inputs
def curvature_inputs(rng):
    plain = [
        (np.array([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]]), np.array([[1.0, 0.0, 0.0], [1.0, -1.0, 0.0]])),
        (np.array([[0.0, 1.0]]), np.array([[2.0, 1.0]])),
    ]
    drawn = [(z, rng.normal(size=z.shape)) for z in drawn_logits(rng)]
    wide = (rng.normal(size=(2, 4)), np.array([[MOST, -MOST, 0.0, 3.0], [MOST, 0.0, -9.0, 9.5]]))
    flat = (rng.normal(size=(3, 5)), np.full((3, 5), 2.0))
    large = (np.array([[800.0, 799.0, 0.0], [0.0, 1000.0, -1000.0]]), rng.normal(size=(2, 3)))
    return [*plain, *drawn, flat, large, wide, (np.array([[1.0], [-1000.0]]), np.array([[3.0], [-MOST]]))]


@curvature.domain
def curvature_domain(z, v):
    return are_logits(z) and v.shape == z.shape and np.all(np.abs(v) <= MOST)


@curvature.mistake
def curvature_of_squares(z, v):
    """That is the mean of the squares. For v = (1, …, 1) it gives 1, but along that direction the loss is flat. What
    must be subtracted?"""
    return np.sum(losses.softmax(z, axis=1) * v**2, axis=1)


@curvature.mistake
def curvature_unweighted(z, v):
    """You took the plain variance, in which every class counts alike. What probability does each class have?"""
    return np.var(v, axis=1)


@curvature.mistake
def curvature_as_spread(z, v):
    """That is the standard deviation. Equation 4.8 has no square root: what is vᵀHv for 2v, compared with v?"""
    return np.sqrt(curvature_along(z, v))


@curvature.mistake
def curvature_diagonal_only(z, v):
    """That is what the diagonal of H gives, p (1 − p) (or every p_c v_c squared before the sum). The entries −p_i p_j
    beside it couple the classes. What do all the products add up to?"""
    p = losses.softmax(z, axis=1)
    return np.sum(p * (1 - p) * v**2, axis=1)


@curvature.mistake
def curvature_mean_not_squared(z, v):
    """You subtract the mean itself. Check the units: what can be subtracted from the mean of v²?"""
    p = losses.softmax(z, axis=1)
    return np.sum(p * v**2, axis=1) - np.sum(p * v, axis=1)


@curvature.mistake
def curvature_down_the_columns(z, v):
    """Your softmax runs down the columns. Along which axis do the classes of one sample lie?"""
    p = losses.softmax(z, axis=0)
    return np.sum(p * v**2, axis=1) - np.sum(p * v, axis=1) ** 2


@curvature.mistake
def curvature_around_plain_mean(z, v):
    """The squares are weighted with p, but the mean that you subtract is not. Which mean makes the result smallest?"""
    p = losses.softmax(z, axis=1)
    return np.sum(p * (v - np.mean(v, axis=1, keepdims=True)) ** 2, axis=1)


curvature.says(OVER_SAMPLES, "You divided by N, for the curvature of the mean loss. Whose curvature is asked for?")
curvature.says(ADDED_UP, "You added the rows up. One number for each row is asked for: which axis is left?")
curvature.says(
    NEGATIVE,
    "Yours is negative, so the loss would be a hill. A variance is the mean of the squares minus the square of the "
    "mean: which is the larger?",
)


@curvature.mistake
def curvature_without_diagonal(z, v):
    """That is −(p · v)², from −ppᵀ alone: negative, so the loss would be a hill. What else is in H beside −ppᵀ?"""
    return -(np.sum(losses.softmax(z, axis=1) * v, axis=1) ** 2)


@curvature.mistake
def curvature_as_square_of_the_mean(z, v):
    """That is (p · v)², the square of the mean. What must it be subtracted from?"""
    return np.sum(losses.softmax(z, axis=1) * v, axis=1) ** 2


@curvature.mistake
def slope_along(z, v):
    """That is p · v, the mean of v, and the slope of the log-sum-exp along v. What measures how v scatters around
    it?"""
    return np.sum(losses.softmax(z, axis=1) * v, axis=1)


@curvature.mistake
def curvature_plus(z, v):
    """You add the square of the mean. Along v = (1, …, 1) the loss is flat: what sign makes it so?"""
    p = losses.softmax(z, axis=1)
    return np.sum(p * v**2, axis=1) + np.sum(p * v, axis=1) ** 2


@curvature.mistake
def curvature_times_v_once(z, v):
    """That is H v, a vector for each row, and right. Which product turns v and H v into a number?"""
    p = losses.softmax(z, axis=1)
    return p * (v - np.sum(p * v, axis=1, keepdims=True))


@curvature.mistake
def curvature_of_each_class(z, v):
    """These are the terms of the classes. One number for each row is asked for: what joins them?"""
    p = losses.softmax(z, axis=1)
    return p * (v - np.sum(p * v, axis=1, keepdims=True)) ** 2


@curvature.mistake
def curvature_that_overflows(z, v):
    """Right for small logits; for a logit of 800, exp gives inf, and inf/inf is nan. What may you subtract from all
    logits of a row without changing p? (Or use losses.softmax.)"""
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return np.sum(p * v**2, axis=1) - np.sum(p * v, axis=1) ** 2


@curvature.mistake
def curvature_of_absolute_distances(z, v):
    """You average the distances from the mean, not their squares. What is vᵀHv for 2v, compared with v?"""
    p = losses.softmax(z, axis=1)
    return np.sum(p * np.abs(v - np.sum(p * v, axis=1, keepdims=True)), axis=1)


@curvature.mistake
def curvature_of_a_unit_direction(z, v):
    """You divided by ‖v‖², for the direction of length 1. What is vᵀHv for 2v, compared with v?"""
    return curvature_along(z, v) / np.sum(v**2, axis=1)


@curvature.mistake
def curvature_of_sigmoids(z, v):
    """That is the curvature of C sigmoids, each a question of its own. What couples the classes of a softmax?"""
    p = losses.sigmoid(z)
    return np.sum(p * (1 - p) * v**2, axis=1)


@curvature.mistake
def curvature_with_logits_for_weights(z, v):
    """You weight with the logits, which may be negative. What turns them into probabilities?"""
    return np.sum(z * v**2, axis=1) - np.sum(z * v, axis=1) ** 2


@curvature.mistake
def curvature_of_both_swapped(z, v):
    """You took the softmax of v and the scatter of z. Which of the two are the logits?"""
    return curvature_along(v, z)


@curvature.mistake
def curvature_as_matrix(z, v):
    """You made one matrix for all samples, and N × N products. Each row has its own p: which axis do you sum over, and
    which one stays?"""
    p = losses.softmax(z, axis=1)
    return v @ (np.diag(p.mean(axis=0)) - p.T @ p / len(p)) @ v.T


@curvature.mistake
def curvature_without_keepdims(z, v):
    """The means have shape (N,), and NumPy subtracts them from the columns of v. What does keepdims=True change about
    that shape?"""
    p = losses.softmax(z, axis=1)
    return np.sum(p * (v - np.sum(p * v, axis=1)) ** 2, axis=1)
