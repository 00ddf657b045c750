"""Exercise 4.2: a Newton step to repair."""

import numpy as np

from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import EPSILONS, NEGATIVE


def goes_downhill(after, x, w, y):
    return (after - w) @ (x.T @ (1 / (1 + np.exp(-x @ w)) - y)) <= 0


STEEPEST = 8  # score
WORST = 1000  # condition number

newton = Draft(
    "4.2",
    "Repair the snippet: return the weights after one Newton step on the mean binary cross-entropy, for scores x @ w "
    "up to ±8, labels 0 and 1, and a Hessian whose condition number is below 1,000.",
    must=(Must("lies downhill of w", goes_downhill),),
    slips=(NEGATIVE, *EPSILONS),  # the output is not one number per sample
    tolerance={"float64": 1e-10, "float32": 1e-3},
    hints=(
        "Take equation 4.11 and the snippet side by side. Start with the sign in the last line.",
        "Then compare with equation 4.9: what is between the two X, and which factor is in front?",
        "Check the repaired Hessian with gradients.finite_differences of the gradient.",
    ),
    afterwards="Call it ten times on the data of section 4.7 and print the norm of the gradient.",
)


@newton.reference
def newton_step(x, w, y):
    p = 1 / (1 + np.exp(-x @ w))
    gradient = x.T @ (p - y) / len(y)
    hessian = (x.T * (p * (1 - p))) @ x / len(y)
    return w - np.linalg.solve(hessian, gradient)


@newton.inputs
def newton_inputs(rng):
    cases = [(np.array([[1.0], [2.0]]), np.array([0.5]), np.array([1.0, 0.0]))]
    counts = zip(rng.integers([12, 20, 30, 60], [20, 30, 60, 90]), (1, 2, 3, 5), (0.3, 0.0, 0.5, 1.0), strict=True)
    for n, d, scale in counts:
        x = np.column_stack([np.ones(n), rng.normal(size=(n, d))])
        cases.append((x, scale * rng.normal(size=d + 1), rng.integers(0, 2, n).astype(float)))
    n = rng.integers(6, 12)
    cases.append((rng.normal(size=(n, 1)), rng.normal(size=1), np.ones(n)))  # no constant column, one class only
    ends = [(np.ones((1, 1)), np.array([score]), np.array([label])) for score, label in ((8.0, 0.0), (-8.0, 1.0))]
    x = np.column_stack([np.ones(n), rng.permutation(n) % 2 * 0.08])  # two columns that are nearly the same direction
    ends.append((x, rng.normal(size=2) / 2, rng.integers(0, 2, n).astype(float)))
    return [case for case in [*cases, *ends] if newton_domain(*case)]


@newton.domain
def newton_domain(x, w, y):
    """The sigmoid is far from its ends, and the Hessian far from singular."""
    if x.ndim != 2 or not (len(x) == len(y) >= x.shape[1] == len(w)) or np.any((y != 0) & (y != 1)):
        return False
    if np.any(np.abs(x @ w) > STEEPEST):
        return False
    p = 1 / (1 + np.exp(-x @ w))
    return np.linalg.cond((x.T * (p * (1 - p))) @ x) < WORST


@newton.mistake
def newton_as_printed(x, w, y):
    """That is the snippet as you found it. It has three mistakes: one in a sign, one in the curvature of a sample, one
    in a factor. Which of the three makes the loss go up?"""
    p = 1 / (1 + np.exp(-x @ w))
    return w + np.linalg.solve((x.T * p) @ x, x.T @ (p - y) / len(y))


@newton.mistake
def newton_uphill(x, w, y):
    """Curvature and factor are right now; the step still goes uphill. What is the bottom of L + L'd + ½L''d²?"""
    return 2 * w - newton_step(x, w, y)


@newton.mistake
def newton_too_short(x, w, y):
    """Direction and curvature are right, but the step is N times too short: the gradient is a mean and the Hessian a
    sum. What becomes of the step when both are divided by N, or neither?"""
    return w + (newton_step(x, w, y) - w) / len(y)


@newton.mistake
def newton_with_p(x, w, y):
    """Sign and factor are right. The curvature of a sample is still p; what does equation 4.9 have in its place, and
    why can it not depend on which class is called 1?"""
    p = 1 / (1 + np.exp(-x @ w))
    return w - np.linalg.solve((x.T * p) @ x, x.T @ (p - y))


@newton.mistake
def newton_uphill_with_p(x, w, y):
    """The factor is right now. Two mistakes are left: the sign of the step, and the curvature of a sample, which is not
    p. What does the sigmoid's derivative say?"""
    return 2 * w - newton_with_p(x, w, y)


@newton.mistake
def newton_uphill_too_short(x, w, y):
    """The curvature is right now. Two mistakes are left: the sign, and a mean (the gradient) that is combined with a
    sum (the Hessian). What is the ratio of the two?"""
    return 2 * w - newton_too_short(x, w, y)


@newton.mistake
def newton_with_p_too_short(x, w, y):
    """The sign is right now. Two mistakes are left: the curvature of a sample is not p, and the Hessian is a sum where
    the gradient is a mean. Which equation has both right?"""
    return w + (newton_with_p(x, w, y) - w) / len(y)


@newton.mistake
def newton_no_curvature(x, w, y):
    """That is a step of gradient descent with rate 1. Where does the Hessian come in?"""
    return w - x.T @ (1 / (1 + np.exp(-x @ w)) - y) / len(y)


@newton.mistake
def newton_diagonal_only(x, w, y):
    """You divided each entry by its own curvature, which ignores how the weights act together. Which function solves H
    d = g for a whole matrix?"""
    p = 1 / (1 + np.exp(-x @ w))
    return w - x.T @ (p - y) / ((x**2).T @ (p * (1 - p)))


@newton.mistake
def newton_step_alone(x, w, y):
    """That is the step. The weights after the step are asked for: what is missing?"""
    return newton_step(x, w, y) - w


@newton.mistake
def newton_too_long(x, w, y):
    """Direction and curvature are right, but the step is N times too long: the gradient is a sum and the Hessian a
    mean. What becomes of the step when both are divided by N, or neither?"""
    return w + (newton_step(x, w, y) - w) * len(y)


@newton.mistake
def newton_uphill_too_long(x, w, y):
    """Two mistakes: the step goes uphill, and it is N times too long, a sum (the gradient) against a mean (the
    Hessian). What is the bottom of L + L'd + ½L''d²?"""
    return w - (newton_step(x, w, y) - w) * len(y)


@newton.mistake
def newton_multiplied(x, w, y):
    """You multiplied the gradient by the Hessian, so a steep direction gets a longer step. What does the bottom of L
    + L'd + ½L''d² do with L''?"""
    p = 1 / (1 + np.exp(-x @ w))
    return w - (x.T * (p * (1 - p))) @ x @ (x.T @ (p - y)) / len(y) ** 2


@newton.mistake
def newton_of_squares(x, w, y):
    """Your Hessian is XᵀX, that of squared error on the logits: every sample curves alike. What is between the two X in
    equation 4.9?"""
    return w - np.linalg.solve(x.T @ x, x.T @ (1 / (1 + np.exp(-x @ w)) - y))


@newton.mistake
def newton_by_the_bound(x, w, y):
    """Your curvature is ¼ for every sample, the most that there can be. That step is safe, but not Newton's. What is
    the curvature where p is not ½?"""
    return w - np.linalg.solve(x.T @ x / 4, x.T @ (1 / (1 + np.exp(-x @ w)) - y))


@newton.mistake
def newton_with_p_squared(x, w, y):
    """Your curvature of a sample is p². Does it stay the same when the two classes change names, and should it?"""
    p = 1 / (1 + np.exp(-x @ w))
    return w - np.linalg.solve((x.T * p**2) @ x, x.T @ (p - y))


@newton.mistake
def newton_with_the_gradients_products(x, w, y):
    """Your curvature of a sample is (p − y)², the square of its slope. Its mean over y is the right one: what does
    equation 4.9, which has no y, use instead?"""
    p = 1 / (1 + np.exp(-x @ w))
    return w - np.linalg.solve((x.T * (p - y) ** 2) @ x, x.T @ (p - y))


@newton.mistake
def newton_without_sigmoid(x, w, y):
    """Your gradient has the logits where the probabilities belong. What does X w give, and with what should the label
    be compared?"""
    z = x @ w
    p = 1 / (1 + np.exp(-z))
    return w - np.linalg.solve((x.T * (p * (1 - p))) @ x, x.T @ (z - y))


@newton.mistake
def newton_with_labels_turned_round(x, w, y):
    """Your step moves toward the wrong labels, 1 for 0 and 0 for 1. For y = 1, should x · w grow or shrink?"""
    return newton_step(x, w, 1 - y)


@newton.mistake
def newton_twice(x, w, y):
    """That is where two steps lead. How many are asked for?"""
    return newton_step(x, newton_step(x, w, y), y)


@newton.mistake
def newton_half_way(x, w, y):
    """Your step is half as long as Newton's. Where is the bottom of L + L'd + ½L''d²: is there a ½ left in it?"""
    return (w + newton_step(x, w, y)) / 2


@newton.mistake(small=(0.001, 0.0001, 1e-05, 1e-06, 1e-08))
def newton_with_a_ridge(x, w, y, small):
    """You add a small number to the diagonal. It guards against a singular Hessian and moves every step: is there
    anything singular here?"""
    p = 1 / (1 + np.exp(-x @ w))
    hessian = (x.T * (p * (1 - p))) @ x / len(y)
    return w - np.linalg.solve(hessian + small * np.eye(len(w)), x.T @ (p - y) / len(y))


@newton.mistake(like=newton_with_a_ridge, small=(0.001, 0.0001, 1e-05, 1e-06, 1e-08))
def newton_with_a_ridge_on_the_sum(x, w, y, small):
    p = 1 / (1 + np.exp(-x @ w))
    return w - np.linalg.solve((x.T * (p * (1 - p))) @ x + small * np.eye(len(w)), x.T @ (p - y))


@newton.mistake
def newton_from_zero(x, w, y):
    """Your step starts from zero weights. Where does the caller want to start?"""
    return newton_step(x, np.zeros_like(w), y)
