"""Exercises of chapter 4: the gradient of the logits, a Newton step, a curvature."""

import numpy as np

from xent_helpers import losses
from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import ADDED_UP, EPSILONS, NEGATIVE, OVER_CLASSES, OVER_SAMPLES, SUMMED

LARGEST = 1000


def are_logits(z):
    return z.ndim == 2 and len(z) > 0 and z.shape[1] > 1 and np.all(np.abs(z) <= LARGEST)


def drawn_logits(rng):
    """Tables of every shape: one sample, two classes, as many samples as classes; near, and far apart."""
    shapes = [*rng.integers([(2, 3), (1, 4), (3, 2), (5, 6)], [(6, 6), (2, 9), (9, 3), (30, 12)])]
    shapes += [(n, n) for n in rng.integers(3, 6, 2)]
    return [rng.normal(scale=2.0, size=shape) for shape in shapes] + [rng.uniform(-LARGEST, LARGEST, (3, 3))]


logits = Draft(
    "4.1",
    "Return the gradient (N, C) of the mean cross-entropy with respect to logits z (N, C); y (N,) are labels.",
    must=(
        Must("adds up to 0 along each row", lambda g, z, y: np.allclose(g.sum(axis=1), 0, rtol=0, atol=1e-6)),
        Must(
            "is at most 0 at the label and at least 0 beside it",
            lambda g, z, y: np.all(np.where(np.arange(z.shape[1]) == y[:, None], g <= 1e-9, g >= -1e-9)),
        ),
    ),
    tolerance=1e-12,
    rounds=3,  # each draws a dozen inputs
    hints=(
        "Equation 4.3 has one row. You need all of them, and the mean.",
        "np.eye(C)[y] turns labels into one-hot rows; losses.softmax(z, axis=1) gives the probabilities.",
        "Subtract, then divide by the number of samples.",
    ),
    afterwards="Compare it with gradients.finite_differences on losses.cross_entropy: no algebra, same numbers.",
)


@logits.reference
def logit_gradient(z, y):
    p = losses.softmax(z, axis=1)
    return (p - np.eye(z.shape[1])[y]) / len(z)


@logits.inputs
def gradient_inputs(rng):
    plain = [
        (np.array([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]]), np.array([2, 0])),
        (np.array([[1.0, -1.0]]), np.array([1])),
    ]
    drawn = [(z, rng.integers(0, z.shape[1], len(z))) for z in drawn_logits(rng)]
    large = (np.array([[0.0, 800.0, -800.0], [1000.0, 999.0, 0.0]]), np.array([0, 0]))
    return [*plain, *drawn, large]


@logits.domain
def gradient_domain(z, y):
    return are_logits(z) and len(y) == len(z) and np.all((y >= 0) & (y < z.shape[1]))


logits.says(
    SUMMED,
    "These are the slopes of the summed loss: every entry is N times too large. What does the mean's 1/N become when "
    "you differentiate?",
)


@logits.mistake
def gradient_without_label(z, y):
    """You return p, so every logit is pushed down, the true class's too. The loss is LSE(z) − z_y: which part of its
    derivative is missing?"""
    return losses.softmax(z, axis=1) / len(z)


logits.says(
    NEGATIVE,
    "Every sign is turned round. You may have thought of the direction in which training moves; the gradient points "
    "uphill. Does the loss rise or fall when the true class's logit grows?",
)


@logits.mistake
def gradient_upside_down_without_mean(z, y):
    """Two things: the signs are turned round, and the 1/N of the mean is missing. Does the loss rise or fall when the
    true class's logit grows, and by how much when there are N samples?"""
    return np.eye(z.shape[1])[y] - losses.softmax(z, axis=1)


@logits.mistake
def gradient_over_samples(z, y):
    """Your softmax runs down the columns, so the probabilities of one class over all samples add up to 1. Which numbers
    compete with each other, and along which axis do they lie?"""
    return (losses.softmax(z, axis=0) - np.eye(z.shape[1])[y]) / len(z)


logits.says(
    OVER_CLASSES,
    "You divided by N · C. The loss is a mean over the samples; is it also a mean over the classes?",
)


@logits.mistake
def gradient_minus_index(z, y):
    """You subtracted the label's number from every entry of its row. y in p − y is a row with a 1 at the true class.
    How do you make that row from the number?"""
    return (losses.softmax(z, axis=1) - y[:, None]) / len(z)


@logits.mistake
def gradient_of_probabilities(z, y):
    """That is −y/p, the slope with respect to the probabilities (link two of section 4.2). What does link one multiply
    it with?"""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.eye(z.shape[1])[y] == 1, -1 / losses.softmax(z, axis=1), 0) / len(z)


@logits.mistake
def gradient_that_overflows(z, y):
    """Right for small logits; for a logit of 800, exp gives inf, and inf/inf is nan. What may you subtract from all
    logits of a row without changing p? (Or use losses.softmax.)"""
    with np.errstate(over="ignore", invalid="ignore"):
        p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return (p - np.eye(z.shape[1])[y]) / len(z)


@logits.mistake
def gradient_of_squared_error(z, y):
    """That is the slope of ½‖p − y‖², which keeps the softmax's Jacobian. For the cross-entropy, what cancels it?"""
    p = losses.softmax(z, axis=1)
    error = p - np.eye(z.shape[1])[y]
    return p * (error - np.sum(p * error, axis=1, keepdims=True)) / len(z)


@logits.mistake
def gradient_over_everything(z, y):
    """All your probabilities together add up to 1, so the samples compete with one another. Along which axis do the
    classes of one sample lie?"""
    p = losses.softmax(z.ravel(), axis=0).reshape(z.shape)
    return (p - np.eye(z.shape[1])[y]) / len(z)


@logits.mistake
def gradient_over_classes(z, y):
    """You divided by C, the number of classes. Over what does the mean of the loss run?"""
    return (losses.softmax(z, axis=1) - np.eye(z.shape[1])[y]) / z.shape[1]


@logits.mistake
def gradient_at_the_label_only(z, y):
    """Only the true class's logit has a slope in yours. The others stand in LSE(z) too: what happens to the loss when
    one of them grows?"""
    hit = np.eye(z.shape[1])[y]
    return hit * (losses.softmax(z, axis=1) - 1) / len(z)


@logits.mistake
def gradient_less_one_everywhere(z, y):
    """You subtract 1 from every entry, so each row's slopes add up to 1 − C (before the mean). From which entry of a
    row does z_y take 1 away?"""
    return (losses.softmax(z, axis=1) - 1) / len(z)


@logits.mistake
def gradient_less_one_in_rows(z, y):
    """p[y] picks whole rows, and takes the label for the number of a sample. Which two indices name one entry of each
    row?"""
    p = losses.softmax(z, axis=1)
    p[y] -= 1
    return p / len(z)


@logits.mistake
def gradient_less_one_in_columns(z, y):
    """p[:, y] picks whole columns, for every sample. How do you pair row i with label i only? (np.arange(N) as the row
    index.)"""
    p = losses.softmax(z, axis=1)
    p[:, y] -= 1
    return p / len(z)


@logits.mistake
def gradient_of_logits_themselves(z, y):
    """You subtract the one-hot row from the logits, as if the loss were a squared error of z. What does the derivative
    of LSE(z) turn logits into?"""
    return (z - np.eye(z.shape[1])[y]) / len(z)


@logits.mistake
def gradient_of_log_probabilities(z, y):
    """You subtract the one-hot row from log p. Is it the probability or its logarithm that comes out of the derivative
    of LSE(z)?"""
    return (losses.log_softmax(z, axis=1) - np.eye(z.shape[1])[y]) / len(z)


@logits.mistake
def gradient_of_sigmoids(z, y):
    """Your probabilities are sigmoids, as if every class were a yes-or-no question of its own. Where do the classes
    compete?"""
    return (losses.sigmoid(z) - np.eye(z.shape[1])[y]) / len(z)


@logits.mistake
def gradient_times_slope_of_sigmoid(z, y):
    """You multiply p − y by p (1 − p), as for a squared error. Which factor of −log p cancels the slope of p?"""
    p = losses.softmax(z, axis=1)
    return (p - np.eye(z.shape[1])[y]) * p * (1 - p) / len(z)


@logits.mistake
def gradient_of_a_bias(z, y):
    """You took the mean over the samples, which is the slope with respect to a bias that they share. Each sample has
    logits of its own: which shape has their gradient?"""
    return np.mean(losses.softmax(z, axis=1) - np.eye(z.shape[1])[y], axis=0)


@logits.mistake
def gradient_shared_by_all_samples(z, y):
    """You gave every row the mean of all rows. On which samples' losses does z_i act?"""
    mean = np.mean(losses.softmax(z, axis=1) - np.eye(z.shape[1])[y], axis=0)
    return np.broadcast_to(mean, z.shape)


@logits.mistake
def gradient_of_the_favourite(z, y):
    """You subtract 1 at the class that the model likes best, so the labels play no role. Which class is y?"""
    return (losses.softmax(z, axis=1) - np.eye(z.shape[1])[z.argmax(axis=1)]) / len(z)


@logits.mistake
def gradient_of_decisions(z, y):
    """You subtract the label from the decision, all or nothing, so a right answer teaches nothing more. How sure was
    the model of each class?"""
    return (np.eye(z.shape[1])[z.argmax(axis=1)] - np.eye(z.shape[1])[y]) / len(z)


@logits.mistake(h=(0.0001, 1e-05, 1e-06))
def gradient_by_forward_differences(z, y, h):
    """You took a forward difference, which is off by half its step times the curvature. Fine as a check; what does
    equation 4.3 say without any step?"""
    rows, hit = np.arange(len(y)), np.eye(z.shape[1])
    change = [losses.cross_entropy(z + h * one, y, reduction="none") for one in hit]
    return (np.stack(change, axis=1) - losses.cross_entropy(z, y, reduction="none")[rows, None]) / h / len(z)


def goes_downhill(after, x, w, y):
    return (after - w) @ (x.T @ (1 / (1 + np.exp(-x @ w)) - y)) <= 0


newton = Draft(
    "4.2",
    "Repair the snippet: return the weights after one Newton step on the mean binary cross-entropy.",
    must=(Must("lies downhill of w", goes_downhill),),
    slips=(NEGATIVE, *EPSILONS),  # the output is no number a sample
    tolerance=1e-10,
    hints=(
        "Take equation 4.11 and the snippet side by side. Start with the sign in the last line.",
        "Then equation 4.9: what stands between the two X, and which factor in front?",
        "Check the repaired Hessian with gradients.finite_differences of the gradient.",
    ),
    afterwards="Call it ten times on the data of section 4.6 and print the norm of the gradient.",
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
    return [case for case in cases if newton_domain(*case)]


@newton.domain
def newton_domain(x, w, y):
    """The sigmoid is far from its ends, and the Hessian far from singular."""
    if x.ndim != 2 or not (len(x) == len(y) >= x.shape[1] == len(w)) or np.any((y != 0) & (y != 1)):
        return False
    if np.any(np.abs(x @ w) > 8):
        return False
    p = 1 / (1 + np.exp(-x @ w))
    return np.linalg.cond((x.T * (p * (1 - p))) @ x) < 1e3


@newton.mistake
def newton_as_printed(x, w, y):
    """That is the snippet as it stands. It has three mistakes: one in a sign, one in the curvature of a sample, one in
    a factor. Which of the three makes the loss go up?"""
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
    """Sign and factor are right. The curvature of a sample is still p; equation 4.9 has what in its place, and why can
    it not depend on which class is called 1?"""
    p = 1 / (1 + np.exp(-x @ w))
    return w - np.linalg.solve((x.T * p) @ x, x.T @ (p - y))


@newton.mistake
def newton_uphill_with_p(x, w, y):
    """The factor is mended. Two mistakes are left: the sign of the step, and the curvature of a sample, which is not p.
    What does the sigmoid's derivative say?"""
    return 2 * w - newton_with_p(x, w, y)


@newton.mistake
def newton_uphill_too_short(x, w, y):
    """The curvature is mended. Two mistakes are left: the sign, and a mean (the gradient) that is combined with a sum
    (the Hessian). What is the ratio of the two?"""
    return 2 * w - newton_too_short(x, w, y)


@newton.mistake
def newton_with_p_too_short(x, w, y):
    """The sign is mended. Two mistakes are left: the curvature of a sample is not p, and the Hessian is a sum where the
    gradient is a mean. Which equation has both right?"""
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
    """You multiplied the gradient with the Hessian, so a steep direction gets a longer step. What does the bottom of L
    + L'd + ½L''d² do with L''?"""
    p = 1 / (1 + np.exp(-x @ w))
    return w - (x.T * (p * (1 - p))) @ x @ (x.T @ (p - y)) / len(y) ** 2


@newton.mistake
def newton_of_squares(x, w, y):
    """Your Hessian is XᵀX, that of the squared error: every sample curves alike. What stands between the two X in
    equation 4.9?"""
    return w - np.linalg.solve(x.T @ x, x.T @ (1 / (1 + np.exp(-x @ w)) - y))


@newton.mistake
def newton_by_the_bound(x, w, y):
    """Your curvature is ¼ for every sample, the most that there can be. That step is safe, and too short. What is the
    curvature where p is not ½?"""
    return w - np.linalg.solve(x.T @ x / 4, x.T @ (1 / (1 + np.exp(-x @ w)) - y))


@newton.mistake
def newton_with_p_squared(x, w, y):
    """Your curvature of a sample is p². Does it stay the same when the two classes change names, and should it?"""
    p = 1 / (1 + np.exp(-x @ w))
    return w - np.linalg.solve((x.T * p**2) @ x, x.T @ (p - y))


@newton.mistake
def newton_with_the_gradients_products(x, w, y):
    """Your curvature of a sample is (p − y)², the square of its slope. Its mean over y is the right one: what does
    equation 4.9 have, in which there is no y?"""
    p = 1 / (1 + np.exp(-x @ w))
    return w - np.linalg.solve((x.T * (p - y) ** 2) @ x, x.T @ (p - y))


@newton.mistake
def newton_without_sigmoid(x, w, y):
    """Your gradient has the logits where the probabilities belong. What comes out of X w, and what does the label want
    to be compared with?"""
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


@newton.mistake
def newton_from_zero(x, w, y):
    """Your step starts from zero weights. Where does the caller want to start?"""
    return newton_step(x, np.zeros_like(w), y)


curvature = Draft(
    "4.3",
    "Return vᵀHv (N,) for each row of logits z (N, C) and its direction v (N, C), without forming H.",
    must=(Must("is never negative", lambda curvature, z, v: np.all(curvature >= -1e-9)),),
    tolerance=1e-11,
    rounds=3,  # each draws a dozen inputs
    hints=(
        "Equation 4.8 says which statistical quantity vᵀHv is.",
        "The numbers are the v_c of a row, their probabilities the softmax of the row.",
        "First the weighted mean, with keepdims=True, then the weighted mean of the squared distances from it.",
    ),
    afterwards=(
        "H has C² entries, yet this took a few numbers for each class. Products Hv are just as cheap: p · (v − mean). "
        "That is how large models use curvature at all."
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
    flat = (rng.normal(size=(3, 5)), np.full((3, 5), 2.0))
    large = (np.array([[800.0, 799.0, 0.0], [0.0, 1000.0, -1000.0]]), rng.normal(size=(2, 3)))
    return [*plain, *drawn, flat, large]


@curvature.domain
def curvature_domain(z, v):
    return are_logits(z) and v.shape == z.shape and np.all(np.abs(v) <= 10)


@curvature.mistake
def curvature_of_squares(z, v):
    """That is the mean of the squares. For v = (1, …, 1) it gives 1, but along that direction the loss is flat. What
    must be subtracted?"""
    return np.sum(losses.softmax(z, axis=1) * v**2, axis=1)


@curvature.mistake
def curvature_unweighted(z, v):
    """You took the plain variance, in which every class counts alike. With which probabilities do the classes come?"""
    return np.var(v, axis=1)


@curvature.mistake
def curvature_as_spread(z, v):
    """That is the standard deviation. Equation 4.8 has no square root: what is vᵀHv for 2v, compared with v?"""
    return np.sqrt(curvature_along(z, v))


@curvature.mistake
def curvature_diagonal_only(z, v):
    """That is what the diagonal of H gives, p (1 − p) (or every p_c v_c squared before the sum). The entries −p_i p_j
    beside it couple the classes. What does the sum over all of them add up to?"""
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
    """That is (p · v)², the square of the mean. What is it to be subtracted from?"""
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
    """That is H v, a vector for each row, and right. Which product makes a number of v and H v?"""
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
