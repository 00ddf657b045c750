"""The exercises of chapter 8, Beyond one-hot."""

import numpy as np

from xent_helpers.exercises.checker import Exercise, Mistake
from xent_helpers.losses import log_softmax, logsumexp, softmax


def smoothed_rows(y, C, epsilon):
    return (1 - epsilon) * np.eye(C)[y] + epsilon / C


def optimal_gap():
    epsilon, C = 0.2, 5
    return np.log((1 - epsilon + epsilon / C) / (epsilon / C))


def mean_distillation_loss(z, v, T):
    nats = -np.sum(softmax(v / T) * log_softmax(z / T), axis=1)
    return T**2 * nats.mean()


def mean_forward_loss(z, recorded, M):
    with np.errstate(divide="ignore"):  # log 0 = −inf: a confusion that never happens
        log_seen = logsumexp(log_softmax(z)[:, :, None] + np.log(M), axis=1)
    return -log_seen[np.arange(len(recorded)), recorded].mean()


def true_accuracy(m, rho, C):
    by_chance = rho / (C - 1)
    return (m - by_chance) / (1 - rho - by_chance)


def _others_share(y, C, epsilon, kept, each):
    """Rows with ``kept`` at the label and ``each`` at every other class."""
    hit = np.eye(C)[y]
    return kept * hit + each * (1 - hit)


def _softened(z, v, T, student=True, teacher=True, factor=lambda T: T**2):
    q = softmax(v / T if teacher else v)
    return factor(T) * -np.sum(q * log_softmax(z / T if student else z), axis=1).mean()


def _picked(log_seen, recorded):
    return -log_seen[np.arange(len(recorded)), recorded].mean()


def _log(p):
    with np.errstate(divide="ignore"):
        return np.log(p)


def _rows_of_logs(z, M):
    """log p mixed by M: 0 · log 0 is 0, as in NumPy only where no −inf comes up."""
    with np.errstate(all="ignore"):
        return np.log(softmax(z)) @ M


def _smoothing_inputs(rng: np.random.Generator) -> list[tuple]:
    plain = (np.array([0, 2]), 4, 0.2)
    return [
        plain,
        *((rng.integers(0, c, n), c, e) for n, c, e in ((5, 3, 0.1), (4, 10, 0.3), (3, 2, 0.5), (6, 5, 0.0))),
    ]


def _distillation_inputs(rng: np.random.Generator) -> list[tuple]:
    plain = (np.array([[1.0, 0.0, -1.0]]), np.array([[2.0, 0.0, 0.0]]), 2.0)
    drawn = [
        (rng.normal(size=(n, c)), rng.normal(size=(n, c)), T) for n, c, T in ((4, 3, 4.0), (3, 5, 0.5), (5, 2, 10.0))
    ]
    z, v, T = drawn[0]
    return [plain, *drawn, (500.0 * z, 500.0 * v, T)]


def _forward_inputs(rng: np.random.Generator) -> list[tuple]:
    plain = (np.zeros((2, 2)), np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]))
    drawn = [
        (rng.normal(size=(n, c)), rng.integers(0, c, n), rng.dirichlet(np.ones(c), c))
        for n, c in ((5, 3), (4, 4), (6, 2))
    ]
    z, recorded, M = drawn[0]
    return [plain, *drawn, (1000.0 * z, recorded, M)]


EXERCISES = (
    Exercise(
        key="8.1",
        task="Return the rows (N, C) of smoothed targets from integer labels y (N,), as PyTorch means them.",
        reference=smoothed_rows,
        inputs=_smoothing_inputs,
        mistakes=(
            Mistake(
                lambda y, C, epsilon: _others_share(y, C, epsilon, 1 - epsilon, epsilon / (C - 1)),
                "You share ε among the C − 1 other classes. That is a sound idea, but PyTorch, and the paper, spread it "
                "over all C classes. What does the true class keep then?",
            ),
            Mistake(
                lambda y, C, epsilon: _others_share(y, C, epsilon, 1 - epsilon, epsilon / C),
                "These rows add up to less than 1: ε was taken away, and only C − 1 parts of ε/C were handed out. Who gets "
                "the last part?",
            ),
            Mistake(
                lambda y, C, epsilon: np.eye(C)[y] + epsilon / C,
                "These rows add up to more than 1: ε was handed out, but not taken from the label. What is the label's share?",
            ),
            Mistake(
                lambda y, C, epsilon: (1 - epsilon) * np.eye(C)[y] + epsilon,
                "Each class gets all of ε here. Into how many parts is it to be divided?",
            ),
            Mistake(
                lambda y, C, epsilon: _others_share(y, C, epsilon, 1.0, epsilon / C),
                "The true class keeps everything, so the rows add up to more than 1. Where does the others' share come from?",
            ),
            Mistake(
                lambda y, C, epsilon: epsilon * np.eye(C)[y] + (1 - epsilon) / C,
                "The two shares are swapped: ε is the uniform distribution's, and it is usually the small one. Which "
                "factor belongs to the label?",
            ),
            Mistake(
                lambda y, C, epsilon: np.eye(C)[y],
                "These are the one-hot rows, without smoothing. What does each class get of ε?",
            ),
        ),
        hints=(
            "Start from one-hot rows, np.eye(C)[y].",
            "Mix two rows that each add up to 1: the label's, with share 1 − ε, and the uniform one, with share ε.",
        ),
        afterwards="Compare with losses.cross_entropy(z, y, label_smoothing=epsilon): your rows as a soft target give the same.",
    ),
    Exercise(
        key="8.2",
        task="Give the logit gap at the optimum of label smoothing, for five classes and ε = 0.2.",
        reference=optimal_gap,
        inputs=lambda rng: [()],
        mistakes=(
            Mistake(
                lambda: np.log(0.8 / 0.04),
                "You gave the true class 1 − ε. It also gets its part of what is spread over all classes. How much is that?",
            ),
            Mistake(
                lambda: np.log(0.8 / 0.05),
                "That is the gap if ε goes to the four other classes only. Over how many classes is it spread here?",
            ),
            Mistake(
                lambda: 0.84 / 0.04, "That is the ratio of the two probabilities. What is the difference of the logits?"
            ),
            Mistake(lambda: np.log2(21), "That is the gap in powers of two. Which function does the softmax use?"),
            Mistake(lambda: np.log10(21), "That is the gap in powers of ten. Which function does the softmax use?"),
            Mistake(lambda: -np.log(21), "The sign is turned: which of the two logits is larger?"),
            Mistake(
                lambda: 0.84 - 0.04, "That is the difference of the probabilities. The logits are their logarithms."
            ),
            Mistake(
                lambda: np.log(0.84 / 0.16),
                "You compared the true class with all others together. What does one of the four have?",
            ),
            Mistake(
                lambda: -np.log(0.84), "That is the surprise at the true class. The gap compares it with another class."
            ),
            Mistake(
                lambda: -0.84 * np.log(0.84) - 0.16 * np.log(0.04),
                "That is the least loss, the entropy of the smoothed row. At which logits is it reached?",
            ),
        ),
        hints=(
            "At the optimum p equals the smoothed row. What are its two different entries?",
            "p_y / p_c = exp(z_y − z_c).",
        ),
        afterwards="With ten classes and ε = 0.1 it was log 91. The gap grows with C: more classes, smaller shares.",
    ),
    Exercise(
        key="8.3",
        task="Return the mean over the samples of T² H(softmax(v/T), softmax(z/T)), logits z (student) and v (teacher).",
        reference=mean_distillation_loss,
        inputs=_distillation_inputs,
        mistakes=(
            Mistake(
                lambda z, v, T: _softened(z, v, T, factor=lambda T: 1.0),
                "The factor T² is missing, so this gradient shrinks like 1/T². What is then left of the teacher's share when a "
                "loss on labels is added?",
            ),
            Mistake(
                lambda z, v, T: _softened(z, v, T, factor=lambda T: T),
                "The factor is T, which makes up for the chain rule only. By what do the softened rows shrink besides?",
            ),
            Mistake(
                lambda z, v, T: _softened(z, v, T, factor=lambda T: T**-2.0),
                "The loss is divided by T², so its gradient shrinks twice as fast. Which way must the factor work?",
            ),
            Mistake(
                lambda z, v, T: _softened(z, v, T, student=False),
                "Only the teacher is softened. Then even a perfect copy, z = v, has a gradient. Which T belongs to the student?",
            ),
            Mistake(
                lambda z, v, T: _softened(z, v, T, teacher=False),
                "Only the student is softened. Then even a perfect copy, z = v, has a gradient. Which T belongs to the teacher?",
            ),
            Mistake(
                lambda z, v, T: _softened(z, v, 1 / T, factor=lambda t: t**-2),
                "The logits are multiplied by T, which sharpens the rows. What does a high temperature do?",
            ),
            Mistake(
                lambda z, v, T: _softened(v, z, T),
                "Student and teacher are swapped: here the student's row weighs and the teacher's is the price. Who holds the truth?",
            ),
            Mistake(
                lambda z, v, T: len(z) * mean_distillation_loss(z, v, T),
                "This is the sum over the samples. What was asked for is the mean.",
            ),
            Mistake(
                lambda z, v, T: mean_distillation_loss(z, v, T) / z.shape[1],
                "This is also divided by the number of classes, as a mean over all entries does. What does the mean run over?",
            ),
            Mistake(
                lambda z, v, T: mean_distillation_loss(z, v, T) - mean_distillation_loss(v, v, T),
                "This is the divergence of the two rows, the loss less the teacher's entropy. Its gradient is the same, and many "
                "libraries use it. Which of the two was asked for in (8.8)?",
            ),
            Mistake(
                lambda z, v, T: -mean_distillation_loss(z, v, T),
                "The sign is turned: a loss in nats is never negative. What is missing in front of the logarithm?",
            ),
        ),
        hints=(
            "Two rows for each sample: softmax(v / T) and log_softmax(z / T).",
            "Multiply them, sum over the classes, turn the sign, take the mean over the samples.",
            "Last, the factor that keeps the gradient's size.",
        ),
        afterwards="Check that z = v has gradient 0, and that the loss there is T² times the entropy of the teacher's row.",
    ),
    Exercise(
        key="8.4",
        task="Repair the snippet: return the mean forward-corrected loss of recorded labels (N,), M[i, j] = P(recorded j | true i).",
        reference=mean_forward_loss,
        inputs=_forward_inputs,
        mistakes=(
            Mistake(
                lambda z, recorded, M: _picked(_rows_of_logs(z, M.T), recorded),
                "This is the snippet as you found it, with its two mistakes. First, it mixes logarithms where probabilities are to be "
                "mixed: which comes first in (8.12)? Then, the matrix: what does column j of M hold, and what does row j?",
            ),
            Mistake(
                lambda z, recorded, M: _picked(_rows_of_logs(z, M), recorded),
                "The matrix is right now. But the logarithms of p are mixed; in (8.12) the probabilities are mixed and the logarithm "
                "comes last. Where do you take it?",
            ),
            Mistake(
                lambda z, recorded, M: _picked(_log(softmax(z) @ M.T), recorded),
                "The logarithm is in its place. The matrix is transposed: this is M p. You need Σ_i p_i M[i, j]. Over which axis of "
                "M does the sum run?",
            ),
            Mistake(
                lambda z, recorded, M: _picked(log_softmax(z @ M), recorded),
                "The matrix acts on the logits here. What it mixes are probabilities. When does the softmax come?",
            ),
            Mistake(
                lambda z, recorded, M: _picked(log_softmax(z), recorded),
                "This is the plain loss, without a correction. Where does M enter?",
            ),
            Mistake(
                lambda z, recorded, M: _picked(_log(softmax(z) @ M), recorded),
                "The formula is right, and small logits give the right loss. In the last case a probability underflows to 0 and "
                "with it the loss is lost. Can you stay with logarithms, with log_softmax and logsumexp?",
            ),
            Mistake(
                lambda z, recorded, M: len(z) * mean_forward_loss(z, recorded, M),
                "This is the sum over the samples. What was asked for is the mean.",
            ),
        ),
        hints=(
            "What is the probability that label j is recorded, if the true class has the probabilities p?",
            "Σ_i p_i M[i, j] is entry j of p @ M.",
            "To survive large logits: log(p_i M[i, j]) = log_softmax(z)_i + log M[i, j], then losses.logsumexp over i.",
        ),
        afterwards="Try your function with a symmetric M: the transposed matrix gives the same numbers, so such a test proves nothing.",
    ),
    Exercise(
        key="8.5",
        task="Return the accuracy on true labels, from the share m of records that the model agrees with, rho and C.",
        reference=true_accuracy,
        inputs=lambda rng: [
            (0.5, 0.4, 10),
            (0.7, 0.2, 3),
            (0.6, 0.3, 2),
            (0.62, 0.4, 10),
            (0.9, 0.0, 5),
            (0.3, 0.5, 100),
        ],
        mistakes=(
            Mistake(
                lambda m, rho, C: m / (1 - rho),
                "You count only right answers on right records. A wrong answer can also agree with a wrong record. How often?",
            ),
            Mistake(
                lambda m, rho, C: (m - rho / C) / (1 - rho),
                "That fits a clerk who draws again from all C classes, the true one included. How many can this one choose from?",
            ),
            Mistake(
                lambda m, rho, C: (m - rho) / (1 - 2 * rho) if rho != 0.5 else np.inf,
                "That is right for two classes. With more, a wrong answer and a wrong record need not be the same class. How "
                "probable is that?",
            ),
            Mistake(
                lambda m, rho, C: m + rho,
                "Adding the clerk's errors would be right if each of them cost one agreement. Does it, when the model is wrong as well?",
            ),
            Mistake(
                lambda m, rho, C: (1 - rho) * m + rho / (C - 1) * (1 - m),
                "This goes the other way, from true labels to records. Solve (8.14) for a.",
            ),
            Mistake(
                lambda m, rho, C: m,
                "That is the share itself. Part of the disagreement is the clerk's, not the model's.",
            ),
        ),
        hints=(
            "Right answers agree with probability 1 − rho, wrong ones with rho / (C − 1).",
            "m = rho/(C − 1) + (1 − rho − rho/(C − 1)) a: a straight line. Solve it for a.",
        ),
        afterwards="The line is flat at rho = (C − 1)/C, where records say nothing, and near it the estimate is worth little.",
    ),
)
