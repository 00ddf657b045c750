"""Exercises of chapter 4: the gradient of the logits, a Newton step, a curvature."""

import numpy as np

from xent_helpers import losses
from xent_helpers.exercises.checker import Exercise, Mistake

# 4.1 ---------------------------------------------------------------------------------------------------------


def logit_gradient(z, y):
    p = losses.softmax(z, axis=1)
    return (p - np.eye(z.shape[1])[y]) / len(z)


def gradient_without_mean(z, y):
    return losses.softmax(z, axis=1) - np.eye(z.shape[1])[y]


def gradient_without_label(z, y):
    return losses.softmax(z, axis=1) / len(z)


def gradient_upside_down(z, y):
    return (np.eye(z.shape[1])[y] - losses.softmax(z, axis=1)) / len(z)


def gradient_upside_down_without_mean(z, y):
    return np.eye(z.shape[1])[y] - losses.softmax(z, axis=1)


def gradient_over_samples(z, y):
    return (losses.softmax(z, axis=0) - np.eye(z.shape[1])[y]) / len(z)


def gradient_over_entries(z, y):
    return (losses.softmax(z, axis=1) - np.eye(z.shape[1])[y]) / z.size


def gradient_minus_index(z, y):
    return (losses.softmax(z, axis=1) - y[:, None]) / len(z)


def gradient_of_probabilities(z, y):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.eye(z.shape[1])[y] == 1, -1 / losses.softmax(z, axis=1), 0) / len(z)


def gradient_that_overflows(z, y):
    with np.errstate(over="ignore", invalid="ignore"):
        p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return (p - np.eye(z.shape[1])[y]) / len(z)


def gradient_of_squared_error(z, y):
    p = losses.softmax(z, axis=1)
    error = p - np.eye(z.shape[1])[y]
    return p * (error - np.sum(p * error, axis=1, keepdims=True)) / len(z)


def gradient_inputs(rng):
    plain = (np.array([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]]), np.array([2, 0]))
    drawn = [(rng.normal(scale=2.0, size=(n, c)), rng.integers(0, c, n)) for n, c in ((5, 3), (4, 4), (30, 10), (6, 2))]
    large = (np.array([[0.0, 800.0, -800.0], [1000.0, 999.0, 0.0]]), np.array([0, 0]))
    return [plain, *drawn, (np.array([[1.0, -1.0]]), np.array([1])), large]


LOGITS = Exercise(
    key="4.1",
    task="Return the gradient (N, C) of the mean cross-entropy with respect to logits z (N, C); y (N,) are labels.",
    reference=logit_gradient,
    inputs=gradient_inputs,
    mistakes=(
        Mistake(
            gradient_without_mean,
            "These are the slopes of the summed loss: every entry is N times too large. What does the mean's 1/N "
            "become when you differentiate?",
        ),
        Mistake(
            gradient_without_label,
            "You return p, so every logit is pushed down, the true class's too. The loss is LSE(z) − z_y: which part "
            "of its derivative is missing?",
        ),
        Mistake(
            gradient_upside_down,
            "Every sign is turned round. You may have thought of the direction in which training moves; the gradient "
            "points uphill. Does the loss rise or fall when the true class's logit grows?",
        ),
        Mistake(
            gradient_upside_down_without_mean,
            "Two things: the signs are turned round, and the 1/N of the mean is missing. Does the loss rise or fall "
            "when the true class's logit grows, and by how much when there are N samples?",
        ),
        Mistake(
            gradient_over_samples,
            "Your softmax runs down the columns, so the probabilities of one class over all samples add up to 1. Which "
            "numbers compete with each other, and along which axis do they lie?",
        ),
        Mistake(
            gradient_over_entries,
            "You divided by N · C. The loss is a mean over the samples; is it also a mean over the classes?",
        ),
        Mistake(
            gradient_minus_index,
            "You subtracted the label's number from every entry of its row. y in p − y is a row with a 1 at the true "
            "class. How do you make that row from the number?",
        ),
        Mistake(
            gradient_of_probabilities,
            "That is −y/p, the slope with respect to the probabilities (link two of section 4.2). What does link one "
            "multiply it with?",
        ),
        Mistake(
            gradient_that_overflows,
            "Right for small logits; for a logit of 800, exp gives inf, and inf/inf is nan. What may you subtract "
            "from all logits of a row without changing p? (Or use losses.softmax.)",
        ),
        Mistake(
            gradient_of_squared_error,
            "That is the slope of ½‖p − y‖², which keeps the softmax's Jacobian. For the cross-entropy, what cancels "
            "it?",
        ),
    ),
    hints=(
        "Equation 4.3 has one row. You need all of them, and the mean.",
        "np.eye(C)[y] turns labels into one-hot rows; losses.softmax(z, axis=1) gives the probabilities.",
        "Subtract, then divide by the number of samples.",
    ),
    afterwards="Compare it with gradients.finite_differences on losses.cross_entropy: no algebra, same numbers.",
)

# 4.2 ---------------------------------------------------------------------------------------------------------


def newton_step(x, w, y):
    p = 1 / (1 + np.exp(-x @ w))
    gradient = x.T @ (p - y) / len(y)
    hessian = (x.T * (p * (1 - p))) @ x / len(y)
    return w - np.linalg.solve(hessian, gradient)


def newton_as_printed(x, w, y):
    p = 1 / (1 + np.exp(-x @ w))
    return w + np.linalg.solve((x.T * p) @ x, x.T @ (p - y) / len(y))


def newton_uphill(x, w, y):
    return 2 * w - newton_step(x, w, y)


def newton_too_short(x, w, y):
    return w + (newton_step(x, w, y) - w) / len(y)


def newton_with_p(x, w, y):
    p = 1 / (1 + np.exp(-x @ w))
    return w - np.linalg.solve((x.T * p) @ x, x.T @ (p - y))


def newton_uphill_with_p(x, w, y):
    return 2 * w - newton_with_p(x, w, y)


def newton_uphill_too_short(x, w, y):
    return 2 * w - newton_too_short(x, w, y)


def newton_with_p_too_short(x, w, y):
    return w + (newton_with_p(x, w, y) - w) / len(y)


def newton_no_curvature(x, w, y):
    return w - x.T @ (1 / (1 + np.exp(-x @ w)) - y) / len(y)


def newton_diagonal_only(x, w, y):
    p = 1 / (1 + np.exp(-x @ w))
    return w - x.T @ (p - y) / ((x**2).T @ (p * (1 - p)))


def newton_step_alone(x, w, y):
    return newton_step(x, w, y) - w


def newton_inputs(rng):
    cases = []
    for n, d, scale in ((20, 2, 0.0), (30, 3, 0.5), (60, 5, 1.0), (12, 1, 0.3)):
        x = np.column_stack([np.ones(n), rng.normal(size=(n, d))])
        cases.append((x, scale * rng.normal(size=d + 1), rng.integers(0, 2, n).astype(float)))
    return cases


NEWTON = Exercise(
    key="4.2",
    task="Repair the snippet: return the weights after one Newton step on the mean binary cross-entropy.",
    reference=newton_step,
    inputs=newton_inputs,
    mistakes=(
        Mistake(
            newton_as_printed,
            "That is the snippet as it stands. It has three mistakes: one in a sign, one in the curvature of a sample, "
            "one in a factor. Which of the three makes the loss go up?",
        ),
        Mistake(
            newton_uphill,
            "Curvature and factor are right now; the step still goes uphill. What is the bottom of L + L'd + ½L''d²?",
        ),
        Mistake(
            newton_too_short,
            "Direction and curvature are right, but the step is N times too short: the gradient is a mean and the "
            "Hessian a sum. Divide both by N, or neither.",
        ),
        Mistake(
            newton_with_p,
            "Sign and factor are right. The curvature of a sample is still p; equation 4.9 has what in its place, and "
            "why can it not depend on which class is called 1?",
        ),
        Mistake(
            newton_uphill_with_p,
            "The factor is mended. Two mistakes are left: the sign of the step, and the curvature of a sample, which "
            "is not p. What does the sigmoid's derivative say?",
        ),
        Mistake(
            newton_uphill_too_short,
            "The curvature is mended. Two mistakes are left: the sign, and a mean (the gradient) that is combined with "
            "a sum (the Hessian). What is the ratio of the two?",
        ),
        Mistake(
            newton_with_p_too_short,
            "The sign is mended. Two mistakes are left: the curvature of a sample is not p, and the Hessian is a sum "
            "where the gradient is a mean. Which equation has both right?",
        ),
        Mistake(
            newton_no_curvature,
            "That is a step of gradient descent with rate 1. Where does the Hessian come in?",
        ),
        Mistake(
            newton_diagonal_only,
            "You divided each entry by its own curvature, which ignores how the weights act together. Which function "
            "solves H d = g for a whole matrix?",
        ),
        Mistake(newton_step_alone, "That is the step. The weights after the step are asked for: what is missing?"),
    ),
    hints=(
        "Take equation 4.11 and the snippet side by side. Start with the sign in the last line.",
        "Then equation 4.9: what stands between the two X, and which factor in front?",
        "Check the repaired Hessian with gradients.finite_differences of the gradient.",
    ),
    afterwards="Call it ten times on the data of section 4.6 and print the norm of the gradient.",
)

# 4.3 ---------------------------------------------------------------------------------------------------------


def curvature_along(z, v):
    p = losses.softmax(z, axis=1)
    mean = np.sum(p * v, axis=1, keepdims=True)
    return np.sum(p * (v - mean) ** 2, axis=1)


def curvature_of_squares(z, v):
    return np.sum(losses.softmax(z, axis=1) * v**2, axis=1)


def curvature_unweighted(z, v):
    return np.var(v, axis=1)


def curvature_as_spread(z, v):
    return np.sqrt(curvature_along(z, v))


def curvature_diagonal_only(z, v):
    p = losses.softmax(z, axis=1)
    return np.sum(p * (1 - p) * v**2, axis=1)


def curvature_mean_not_squared(z, v):
    p = losses.softmax(z, axis=1)
    return np.sum(p * v**2, axis=1) - np.sum(p * v, axis=1)


def curvature_down_the_columns(z, v):
    p = losses.softmax(z, axis=0)
    return np.sum(p * v**2, axis=1) - np.sum(p * v, axis=1) ** 2


def curvature_around_plain_mean(z, v):
    p = losses.softmax(z, axis=1)
    return np.sum(p * (v - np.mean(v, axis=1, keepdims=True)) ** 2, axis=1)


def curvature_of_the_mean_loss(z, v):
    return curvature_along(z, v) / len(z)


def curvature_summed(z, v):
    return np.sum(curvature_along(z, v))


def curvature_negative(z, v):
    return -curvature_along(z, v)


def curvature_inputs(rng):
    plain = (np.array([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]]), np.array([[1.0, 0.0, 0.0], [1.0, -1.0, 0.0]]))
    drawn = [(rng.normal(size=(n, c)), rng.normal(size=(n, c))) for n, c in ((5, 3), (4, 4), (8, 10))]
    flat = (rng.normal(size=(3, 5)), np.full((3, 5), 2.0))
    large = (np.array([[800.0, 799.0, 0.0], [0.0, 1000.0, -1000.0]]), rng.normal(size=(2, 3)))
    return [plain, *drawn, flat, large]


CURVATURE = Exercise(
    key="4.3",
    task="Return vᵀHv (N,) for each row of logits z (N, C) and its direction v (N, C), without forming H.",
    reference=curvature_along,
    inputs=curvature_inputs,
    mistakes=(
        Mistake(
            curvature_of_squares,
            "That is the mean of the squares. For v = (1, …, 1) it gives 1, but along that direction the loss is flat. "
            "What must be subtracted?",
        ),
        Mistake(
            curvature_unweighted,
            "You took the plain variance, in which every class counts alike. With which probabilities do the classes "
            "come?",
        ),
        Mistake(
            curvature_as_spread,
            "That is the standard deviation. Equation 4.8 has no square root: what is vᵀHv for 2v, compared with v?",
        ),
        Mistake(
            curvature_diagonal_only,
            "You used only the diagonal of H, p (1 − p). The entries −p_i p_j beside it couple the classes. What does "
            "the sum over all of them add up to?",
        ),
        Mistake(
            curvature_mean_not_squared,
            "The mean has to be squared before you subtract it. (Check the units: v² minus v?)",
        ),
        Mistake(
            curvature_down_the_columns,
            "Your softmax runs down the columns. Along which axis do the classes of one sample lie?",
        ),
        Mistake(
            curvature_around_plain_mean,
            "The squares are weighted with p, but the mean that you subtract is not. Which mean makes the result "
            "smallest?",
        ),
        Mistake(
            curvature_of_the_mean_loss,
            "You divided by N. Each row's own curvature is asked for, not that of the mean loss.",
        ),
        Mistake(curvature_summed, "You added the rows up. One number for each row is asked for: which axis is left?"),
        Mistake(
            curvature_negative,
            "Yours is negative, so the loss would be a hill. A variance is the mean of the squares minus the square of "
            "the mean: which is the larger?",
        ),
    ),
    hints=(
        "Equation 4.8 says which statistical quantity vᵀHv is.",
        "The numbers are the v_c of a row, their probabilities the softmax of the row.",
        "First the weighted mean, with keepdims=True, then the weighted mean of the squared distances from it.",
    ),
    afterwards="H has C² entries, yet this took a few numbers for each class. Products Hv are just as cheap: "
    "p · (v − mean). That is how large models use curvature at all.",
)

EXERCISES = (LOGITS, NEWTON, CURVATURE)
