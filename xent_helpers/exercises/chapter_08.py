"""The exercises of chapter 8, Beyond one-hot."""

import numpy as np

from xent_helpers.exercises.checker import Exercise, Mistake
from xent_helpers.losses import log_softmax, logsumexp, softmax


def smoothed_rows(y, C, epsilon):
    return (1 - epsilon) * np.eye(C)[y] + epsilon / C


def optimal_gap():
    epsilon, C = 0.2, 5
    return np.log((1 - epsilon + epsilon / C) / (epsilon / C))


def student_loss(z, y, v, T, alpha):
    on_labels = -log_softmax(z)[np.arange(len(y)), y].mean()
    on_teacher = -np.sum(softmax(v / T) * log_softmax(z / T), axis=1).mean()
    return (1 - alpha) * on_labels + alpha * T**2 * on_teacher


def mean_forward_loss(z, recorded, M):
    with np.errstate(divide="ignore"):  # log 0 = −inf: a confusion that never happens
        log_seen = logsumexp(log_softmax(z)[:, :, None] + np.log(M), axis=1)
    return -log_seen[np.arange(len(recorded)), recorded].mean()


def true_accuracy(m, rho, C):
    by_chance = rho / (C - 1)
    return (m - by_chance) / (1 - rho - by_chance)


def _rows(y, C, kept, each):
    """``kept`` at the label and ``each`` at every other class."""
    hit = np.eye(C)[y]
    return kept * hit + each * (1 - hit)


def _on_labels(z, y):
    return -log_softmax(z)[np.arange(len(y)), y].mean()


def _on_rows(z, v, by_z, by_v):
    """Cross-entropy of rows that are softened by factors of their own."""
    return -np.sum(softmax(v / by_v) * log_softmax(z / by_z), axis=1).mean()


def _mixed(z, y, v, T, alpha, factor=None, by_z=None, by_v=None, label_T=1.0):
    """The student's loss, with a part of it replaced."""
    on_teacher = _on_rows(z, v, T if by_z is None else by_z, T if by_v is None else by_v)
    return (1 - alpha) * _on_labels(z / label_T, y) + alpha * (T**2 if factor is None else factor) * on_teacher


def _picked(log_seen, recorded):
    return -log_seen[np.arange(len(recorded)), recorded].mean()


def _log(p):
    with np.errstate(divide="ignore"):
        return np.log(p)


def _smoothing_inputs(rng: np.random.Generator) -> list[tuple]:
    drawn = [(rng.integers(0, c, n), c, e) for n, c, e in ((5, 3, 0.1), (4, 10, 0.3), (3, 2, 0.5), (6, 5, 0.0))]
    return [(np.array([0, 2]), 4, 0.2), *drawn]


def _student_inputs(rng: np.random.Generator) -> list[tuple]:
    plain = (np.array([[1.0, 0.0, -1.0]]), np.array([0]), np.array([[2.0, 0.0, 0.0]]), 2.0, 0.25)
    drawn = [
        (rng.normal(size=(n, c)), rng.integers(0, c, n), rng.normal(size=(n, c)), T, a)
        for n, c, T, a in ((4, 3, 4.0, 0.9), (3, 5, 0.5, 0.5), (5, 2, 10.0, 0.3))
    ]
    z, y, v, T, a = drawn[0]
    return [plain, *drawn, (500.0 * z, y, 500.0 * v, T, a)]


def _forward_inputs(rng: np.random.Generator) -> list[tuple]:
    plain = (np.zeros((2, 2)), np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]))
    drawn = [
        (rng.normal(size=(n, c)), rng.integers(0, c, n), rng.dirichlet(np.ones(c), c))
        for n, c in ((5, 3), (4, 4), (6, 2))
    ]
    thirds = np.array([[2 / 3, 0.0, 1 / 3], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])  # the clerk of section 8.10
    sure = np.array([[1000.0, 0.0, 0.0], [0.0, 0.0, 1000.0]])
    return [plain, *drawn, (rng.normal(size=(3, 3)), np.arange(3), thirds), (sure, np.array([1, 0]), thirds)]


_SMOOTHING = Exercise(
    key="8.1",
    task="Return the rows (N, C) of smoothed targets from integer labels y (N,), as PyTorch means them.",
    reference=smoothed_rows,
    inputs=_smoothing_inputs,
    mistakes=(
        Mistake(
            lambda y, C, epsilon: _rows(y, C, 1 - epsilon, epsilon / (C - 1)),
            "You share ε among the C − 1 other classes. That is a sound idea, but PyTorch and the paper spread it over "
            "all C classes. What does the true class keep then?",
        ),
        Mistake(
            lambda y, C, epsilon: _rows(y, C, 1 - epsilon, epsilon / C),
            "These rows add up to less than 1: ε was taken away, but only C − 1 parts of ε/C were handed out. Who gets "
            "the last part?",
        ),
        Mistake(
            lambda y, C, epsilon: np.eye(C)[y] + epsilon / C,
            "These rows add up to more than 1: ε was handed out, but not taken from the label. What is left to it?",
        ),
        Mistake(
            lambda y, C, epsilon: (1 - epsilon) * np.eye(C)[y] + epsilon,
            "Each class gets all of ε here. Into how many parts is it to be divided?",
        ),
        Mistake(
            lambda y, C, epsilon: _rows(y, C, 1.0, epsilon / C),
            "The true class keeps everything, so the rows add up to more than 1. Where is the others' share from?",
        ),
        Mistake(
            lambda y, C, epsilon: epsilon * np.eye(C)[y] + (1 - epsilon) / C,
            "The two shares are swapped: ε is the uniform distribution's, as a rule the small one. Which factor is the "
            "label's?",
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
    afterwards="Pass your rows to losses.cross_entropy as a soft target: its label_smoothing gives the same number.",
)

_GAP = Exercise(
    key="8.2",
    task="Give the logit gap at the optimum of label smoothing, for five classes and ε = 0.2.",
    reference=optimal_gap,
    inputs=lambda rng: [()],
    mistakes=(
        Mistake(
            lambda: np.log(0.8 / 0.04),
            "You gave the true class 1 − ε. It also gets its part of what is spread over all. How much is that?",
        ),
        Mistake(
            lambda: np.log(0.8 / 0.05),
            "That is the gap if ε goes to the four other classes only. Over how many is it spread here?",
        ),
        Mistake(
            lambda: 0.84 / 0.04, "That is the ratio of the two probabilities. What is the difference of the logits?"
        ),
        Mistake(lambda: np.log2(21), "That is the gap in powers of two. Which exponential does the softmax use?"),
        Mistake(lambda: np.log10(21), "That is the gap in powers of ten. Which exponential does the softmax use?"),
        Mistake(lambda: -np.log(21), "The sign is turned: which of the two logits is larger?"),
        Mistake(
            lambda: 0.84 - 0.04,
            "That is the difference of the probabilities. How do you get from a probability to its logit?",
        ),
        Mistake(
            lambda: np.log(0.84 / 0.16),
            "You compared the true class with all others together. What does one of the four have?",
        ),
        Mistake(lambda: -np.log(0.84), "That is the surprise at the true class. With what does the gap compare it?"),
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
)

_STUDENT = Exercise(
    key="8.3",
    task="Return (1 − alpha) times the mean loss on the labels y, plus alpha times the mean distillation loss (8.8).",
    reference=student_loss,
    inputs=_student_inputs,
    mistakes=(
        Mistake(
            lambda z, y, v, T, alpha: _mixed(z, y, v, T, alpha, factor=1.0),
            "The factor T² is missing, so the teacher's gradient shrinks like 1/T². What is left of its share?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: _mixed(z, y, v, T, alpha, factor=T),
            "Your factor is T, which makes up for the chain rule only. By what do the softened rows shrink besides?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: _mixed(z, y, v, T, alpha, factor=T**-2.0),
            "You divide by T², so the teacher's gradient shrinks twice over. Which way must the factor work?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: T**2 * _mixed(z, y, v, T, alpha, factor=1.0),
            "Both parts have the factor T² here. Which of the two has a gradient that shrinks with T?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: _mixed(z, y, v, T, alpha, label_T=T),
            "The student is softened for the labels, too. Are the labels softened?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: _mixed(z, y, v, T, alpha, by_z=1.0),
            "For the teacher's rows only the teacher is softened, so a perfect copy, z = v, would be punished. Which T "
            "belongs to the student?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: _mixed(z, y, v, T, alpha, by_v=1.0),
            "For the teacher's rows only the student is softened, so a perfect copy, z = v, would be punished. Which T "
            "belongs to the teacher?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: _mixed(z, y, v, T, alpha, by_z=1 / T, by_v=1 / T),
            "The logits are multiplied by T, which sharpens the rows. What does a high temperature do?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: _mixed(z, y, v, T, 1 - alpha),
            "The shares are swapped: alpha = 1 should be the teacher alone. Whose share is alpha?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: (1 - alpha) * _on_labels(z, y) + alpha * T**2 * _on_rows(v, z, T, T),
            "Student and teacher are swapped: the student's row weighs and the teacher's is the price. Who holds "
            "the truth?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: _on_labels(z, y) + T**2 * _on_rows(z, v, T, T),
            "The two parts are just added. Where do the shares 1 − alpha and alpha go?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: _on_labels(z, y) + alpha * T**2 * _on_rows(z, v, T, T),
            "The labels keep the share 1. What do they have if the teacher has alpha?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: alpha * T**2 * _on_rows(z, v, T, T),
            "That is the teacher's part alone. Where are the labels?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: len(z) * student_loss(z, y, v, T, alpha),
            "This is the sum over the samples. What does a mean divide by?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: _mixed(z, y, v, T, alpha, factor=T**2 / z.shape[1]),
            "The teacher's part is also divided by the number of classes, as a mean over all entries is. What does the "
            "mean run over?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: student_loss(z, y, v, T, alpha) - alpha * T**2 * _on_rows(v, v, T, T),
            "You took the divergence of the two rows, that is the cross-entropy less the teacher's entropy. Many "
            "libraries do, and its gradient is the same. Which of the two stands in (8.8)?",
        ),
        Mistake(
            lambda z, y, v, T, alpha: -student_loss(z, y, v, T, alpha),
            "The sign is turned: a cross-entropy is never negative. What is missing in front of the logarithms?",
        ),
    ),
    hints=(
        "The labels' part is chapter 3's loss of z, without T.",
        "The teacher's part needs two rows for each sample: softmax(v / T) and log_softmax(z / T).",
        "Only the teacher's part carries T².",
    ),
    afterwards="Compare with losses.cross_entropy and targets.distillation_loss. Then set alpha = 1 and z = v: the "
    "gradient is 0, and the loss is T² times the entropy of the teacher's row.",
)

_FORWARD = Exercise(
    key="8.4",
    task="Repair the snippet: return the mean forward-corrected loss (8.12), also for logits of 1000.",
    reference=mean_forward_loss,
    inputs=_forward_inputs,
    mistakes=(
        Mistake(
            lambda z, recorded, M: _picked(log_softmax(z) @ M.T, recorded),
            "This is the snippet as you found it, with its two mistakes. First, it mixes logarithms: what is mixed in "
            "(8.12)? Then, the matrix: what does column j of M hold, and what does row j?",
        ),
        Mistake(
            lambda z, recorded, M: _picked(log_softmax(z) @ M, recorded),
            "The matrix is right now, but you still mix logarithms. In (8.12) probabilities are mixed; the logarithm "
            "comes last. Where do you take it?",
        ),
        Mistake(
            lambda z, recorded, M: _picked(_log(softmax(z) @ M.T), recorded),
            "The logarithm is in its place. The matrix is transposed: this is M p. You need Σ_i p_i M[i, j]. Over "
            "which axis of M does the sum run?",
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
            "The formula is right. But in the last case a probability underflows to 0, and the loss becomes infinite. "
            "Can you stay with logarithms, with log_softmax and logsumexp?",
        ),
        Mistake(
            lambda z, recorded, M: len(z) * mean_forward_loss(z, recorded, M),
            "This is the sum over the samples. What does a mean divide by?",
        ),
    ),
    hints=(
        "With what probability is label j recorded, if the true class has the probabilities p?",
        "Σ_i p_i M[i, j] is entry j of p @ M.",
        "To survive large logits: log(p_i M[i, j]) = log_softmax(z)_i + log M[i, j], then losses.logsumexp over i.",
    ),
    afterwards="Try a symmetric M with both versions: they agree, so a test with symmetric noise proves nothing.",
)

_ACCURACY = Exercise(
    key="8.5",
    task="Return the accuracy on true labels, from the share m of records that the model agrees with, rho and C.",
    reference=true_accuracy,
    inputs=lambda rng: [(0.5, 0.4, 10), (0.7, 0.2, 3), (0.6, 0.3, 2), (0.62, 0.4, 10), (0.9, 0.0, 5), (0.3, 0.5, 100)],
    mistakes=(
        Mistake(
            lambda m, rho, C: m / (1 - rho),
            "You count right answers on right records only. A wrong answer can agree with a wrong record. How often?",
        ),
        Mistake(
            lambda m, rho, C: (m - rho / C) / (1 - rho),
            "That fits a clerk who draws again from all C classes, the true one included. Among how many does this one "
            "choose?",
        ),
        Mistake(
            lambda m, rho, C: (m - rho) / (1 - 2 * rho) if rho != 0.5 else -np.inf,
            "That is right for two classes. With more, a wrong answer and a wrong record need not be the same class. "
            "How probable is it that they are?",
        ),
        Mistake(
            lambda m, rho, C: m + rho,
            "Adding the clerk's errors is right if each of them costs one agreement. Does it where the model is wrong?",
        ),
        Mistake(
            lambda m, rho, C: (1 - rho) * m + rho / (C - 1) * (1 - m),
            "This goes the other way, from true labels to records. What is a, if (8.14) gives m?",
        ),
        Mistake(
            lambda m, rho, C: m,
            "That is the share itself. Which part of the disagreement is the clerk's, not the model's?",
        ),
    ),
    hints=(
        "Right answers agree with probability 1 − rho, wrong ones with rho / (C − 1).",
        "m = rho/(C − 1) + (1 − rho − rho/(C − 1)) a: a straight line. Solve it for a.",
    ),
    afterwards="At rho = (C − 1)/C the line is flat and the records say nothing; near it the estimate is worth little.",
)

EXERCISES = (_SMOOTHING, _GAP, _STUDENT, _FORWARD, _ACCURACY)
