"""The exercises of chapter 8, Beyond one-hot."""

from collections.abc import Callable
from functools import partial

import numpy as np

from xent_helpers.exercises.chapter_01 import NEVER_NEGATIVE, SMALL_NUMBERS
from xent_helpers.exercises.record import Exercise, Mistake, Must
from xent_helpers.exercises.slips import DOUBLED, EPSILONS, HALVED, LABELS, NEGATIVE, TRANSPOSED
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


def _picked(log_seen, recorded):
    return -log_seen[np.arange(len(recorded)), recorded].mean()


def _log(p):
    with np.errstate(divide="ignore"):
        return np.log(p)


def _labels_in(y, C) -> bool:
    return len(y) > 0 and C > 1 and bool(np.all((y >= 0) & (y < C)))


def _smoothing_inputs(rng: np.random.Generator) -> list[tuple]:
    sizes = rng.integers([(2, 3), (3, 2), (5, 6), (1, 4)], [(8, 6), (6, 3), (12, 12), (2, 9)])
    shapes = [*sizes, (3, 3), (4, 4)]
    shares = (0.1, 0.5, *rng.uniform(0.05, 0.6, 3), 0.0)
    drawn = [(rng.integers(0, c, n), int(c), float(e)) for (n, c), e in zip(shapes, shares, strict=True)]
    some = (np.zeros(3, dtype=np.int64), int(rng.integers(3, 7)), 0.3)  # most classes do not occur
    return [(np.array([0, 2]), 4, 0.2), *drawn, some, (rng.integers(0, 3, 4), 3, 1.0)]


def _smoothing_domain(y, C, epsilon) -> bool:
    return _labels_in(y, C) and 0 <= epsilon <= 1


def _student_inputs(rng: np.random.Generator) -> list[tuple]:
    plain = (np.array([[1.0, 0.0, -1.0]]), np.array([0]), np.array([[2.0, 0.0, 0.0]]), 2.0, 0.25)
    sizes = rng.integers([(3, 3), (3, 4), (2, 2)], [(8, 6), (8, 7), (6, 3)])
    shapes = [*sizes, (4, 4), (1, 5)]
    settings = ((4.0, 0.9), (0.5, 0.5), (10.0, 0.3), (1.0, 0.6), (rng.uniform(1, 6), rng.uniform(0.1, 0.9)))
    drawn = [
        (2 * rng.normal(size=(n, c)), rng.integers(0, c, n), 2 * rng.normal(size=(n, c)), float(T), float(a))
        for (n, c), (T, a) in zip(shapes, settings, strict=True)
    ]
    z, y, v, T, _ = drawn[0]
    far = np.array([[600.0, 0.0, -300.0], [0.0, 500.0, -400.0]]), np.array([2, 0])
    teacher = np.array([[-400.0, 300.0, 500.0], [700.0, 0.0, -200.0]])
    return [plain, *drawn, (z, y, v, T, 0.0), (z, y, v, T, 1.0), (*far, teacher, 0.5, 0.4), (*far, teacher, 3.0, 0.7)]


def _student_domain(z, y, v, T, alpha) -> bool:
    finite = z.shape == v.shape and np.all(np.abs(z) < 1000) and np.all(np.abs(v) < 1000)
    return len(z) == len(y) and _labels_in(y, z.shape[1]) and bool(finite) and 0.1 <= T <= 100 and 0 <= alpha <= 1


def _forward_inputs(rng: np.random.Generator) -> list[tuple]:
    plain = (np.zeros((2, 2)), np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]))
    sizes = rng.integers([(3, 3), (3, 4), (2, 2)], [(8, 6), (8, 7), (6, 3)])
    drawn = [
        (2 * rng.normal(size=(n, c)), rng.integers(0, c, n), rng.dirichlet(np.ones(c), c))
        for n, c in [*sizes, (4, 4), (1, 5)]
    ]
    thirds = np.array([[2 / 3, 0.0, 1 / 3], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])  # the clerk of section 8.10
    sure = np.array([[1000.0, 0.0, 0.0], [0.0, 0.0, 1000.0]])
    far = np.array([[40.0, 0.0, 0.0], [0.0, 0.0, 35.0]])  # far enough for a small number to show
    return [
        plain,
        *drawn,
        (rng.normal(size=(3, 3)), np.arange(3), thirds),
        (sure, np.array([1, 0]), thirds),
        (-sure, np.array([0, 1]), thirds),
        (far, np.array([1, 0]), thirds),
        (2 * rng.normal(size=(4, 3)), rng.integers(0, 3, 4), np.eye(3)),
    ]


def _forward_domain(z, recorded, M) -> bool:
    c = z.shape[1]
    rows = M.shape == (c, c) and np.all(M >= 0) and np.allclose(M.sum(axis=1), 1, atol=1e-9)
    possible = np.all(M[:, recorded].sum(axis=0) > 0)  # else the loss is infinite
    return len(z) == len(recorded) and _labels_in(recorded, c) and bool(rows and possible) and np.all(np.abs(z) <= 1000)


def _accuracy_inputs(rng: np.random.Generator) -> list[tuple]:
    fixed = [(0.5, 0.4, 10), (0.7, 0.2, 3), (0.6, 0.3, 2), (0.62, 0.4, 10), (0.9, 0.0, 5), (0.3, 0.5, 100)]
    beyond = [(0.95, 0.2, 4), (0.02, 0.5, 3), (1.0, 0.1, 2), (0.0, 0.25, 5)]
    classes = [int(c) for c in rng.integers(2, 30, 6)]
    shares = rng.uniform((0, 0), (1, 0.8), (6, 2))
    drawn = [(float(m), float(part * (c - 1) / c), c) for c, (m, part) in zip(classes, shares, strict=True)]
    return [*fixed, *beyond, *drawn]


def _accuracy_domain(m, rho, C) -> bool:
    return C >= 2 and 0 <= m <= 1 and 0 <= rho <= 0.9 * (C - 1) / C


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
            name="over the other classes",
        ),
        Mistake(
            lambda y, C, epsilon: _rows(y, C, 1 - epsilon, epsilon / C),
            "These rows add up to less than 1: ε was taken away, but only C − 1 parts of ε/C were handed out. Who gets "
            "the last part?",
            name="label's part missing",
        ),
        Mistake(
            lambda y, C, epsilon: np.eye(C)[y] + epsilon / C,
            "These rows add up to more than 1: ε was handed out, but not taken from the label. What is left to it?",
            name="nothing taken",
        ),
        Mistake(
            lambda y, C, epsilon: (1 - epsilon) * np.eye(C)[y] + epsilon,
            "Each class gets all of ε here. Into how many parts is it to be divided?",
            name="not divided",
        ),
        Mistake(
            lambda y, C, epsilon: _rows(y, C, 1.0, epsilon / C),
            "The true class keeps everything, so the rows add up to more than 1. Where is the others' share from?",
            name="label in full",
        ),
        Mistake(
            lambda y, C, epsilon: epsilon * np.eye(C)[y] + (1 - epsilon) / C,
            "The two shares are swapped: ε is the uniform distribution's, as a rule the small one. Which factor is the "
            "label's?",
            name="shares swapped",
        ),
        Mistake(
            lambda y, C, epsilon: np.eye(C)[y],
            "These are the one-hot rows, without smoothing. What does each class get of ε?",
            name="not smoothed",
        ),
        Mistake(
            lambda y, C, epsilon: (1 - epsilon) * np.eye(C)[y],
            "These rows add up to 1 − ε: it was taken from the label, and nobody has got it. Who is to have it?",
            name="nothing handed out",
        ),
        Mistake(
            lambda y, C, epsilon: _rows(y, C, 1 - epsilon / C, epsilon / C),
            "These rows add up to 1 for two classes only: the label gave one part of ε/C, and C − 1 classes got one. "
            "How much does it give in all?",
            name="one part taken",
        ),
        Mistake(
            lambda y, C, epsilon: _rows(y, C, 1 - epsilon, epsilon),
            "Each of the other classes gets all of ε. To what do your rows add up, and into how many parts is ε to be "
            "divided?",
            name="epsilon to each other class",
        ),
        Mistake(
            lambda y, C, epsilon: _rows(y, C, 1 - epsilon + epsilon / C, epsilon / (C - 1)),
            "Two conventions are mixed: the label keeps a part of ε/C, while the others share ε as if it kept none. "
            "To what do your rows add up?",
            name="conventions mixed",
        ),
        Mistake(
            lambda y, C, epsilon: (1 - epsilon) * np.eye(C)[y] + epsilon / 2,
            "Each class gets ε/2, which is right for two classes (and how it is written for them). What is it for C?",
            name="as for two classes",
        ),
        Mistake(
            lambda y, C, epsilon: (1 - epsilon) * y + epsilon / C,
            "You smoothed the numbers of the classes, as if label 2 were twice label 1. Which row stands for a label?",
            name="labels smoothed",
        ),
        Mistake(
            lambda y, C, epsilon: _log(smoothed_rows(y, C, epsilon)),
            "These are the logarithms of the right rows. Does a target stand inside the logarithm of a loss, or before "
            "it?",
            name="logarithms",
        ),
        Mistake(
            lambda y, C, epsilon: softmax(smoothed_rows(y, C, epsilon)),
            "You put the right rows through a softmax. They are probabilities already: what goes into a softmax?",
            name="softmax of the rows",
        ),
        Mistake(
            lambda y, C, epsilon: (1 - epsilon) * np.eye(y.max() + 1)[y] + epsilon / (y.max() + 1),
            "Your rows are as long as the largest label demands, so they change with the batch. How many classes are "
            "there, also when the last one does not occur?",
            name="classes counted from the labels",
        ),
    ),
    domain=_smoothing_domain,
    must=(
        Must("has rows that add up to 1", lambda q, *_: np.allclose(q.sum(axis=1), 1, atol=1e-6)),
        Must("has no entry below 0", lambda q, *_: np.all(q >= 0)),
    ),
    slips=(NEGATIVE, TRANSPOSED, *LABELS, HALVED, DOUBLED, *EPSILONS),
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
            name="label's part missing",
        ),
        Mistake(
            lambda: np.log(0.8 / 0.05),
            "That is the gap if ε goes to the four other classes only. Over how many is it spread here?",
            name="over the other classes",
        ),
        Mistake(
            lambda: 0.84 / 0.04,
            "That is the ratio of the two probabilities. What is the difference of the logits?",
            name="ratio",
        ),
        Mistake(
            lambda: np.log2(21),
            "That is the gap in powers of two. Which exponential does the softmax use?",
            name="in bits",
        ),
        Mistake(
            lambda: np.log10(21),
            "That is the gap in powers of ten. Which exponential does the softmax use?",
            name="base ten",
        ),
        Mistake(lambda: -np.log(21), "The sign is turned: which of the two logits is larger?", name="sign"),
        Mistake(
            lambda: 0.84 - 0.04,
            "That is the difference of the probabilities. How do you get from a probability to its logit?",
            name="difference of probabilities",
        ),
        Mistake(
            lambda: np.log(0.84 / 0.16),
            "You compared the true class with all others together. What does one of the four have?",
            name="all others together",
        ),
        Mistake(
            lambda: -np.log(0.84),
            "That is the surprise at the true class. With what does the gap compare it?",
            name="surprise",
        ),
        Mistake(
            lambda: -0.84 * np.log(0.84) - 0.16 * np.log(0.04),
            "That is the least loss, the entropy of the smoothed row. At which logits is it reached?",
            name="entropy",
        ),
        Mistake(
            lambda: np.log(91),
            "That is the chapter's gap, for ten classes and ε = 0.1. What are the two entries of a row here?",
            name="the chapter's case",
        ),
        Mistake(
            lambda: np.log(0.8 / 0.2),
            "That compares 1 − ε with ε, as if ε went to one other class. Into how many parts is it divided?",
            name="two classes",
        ),
        Mistake(
            lambda: np.log(0.96 / 0.04),
            "You took one part of ε/C from the label. It gives all of ε and gets one part back: what is left to it?",
            name="one part taken",
        ),
        Mistake(
            lambda: np.log(1 / 0.04),
            "You let the true class keep everything. Where would the others' shares come from?",
            name="nothing taken",
        ),
        Mistake(
            lambda: np.log(1.04 / 0.04),
            "Your true class has more than 1: it gets its part of ε, but gave none. What is left to it?",
            name="more than one",
        ),
        Mistake(
            lambda: np.log(0.84 / 0.2),
            "You compared the true class with ε, what is spread over all. How much of it has one other class?",
            name="compared with epsilon",
        ),
        Mistake(
            lambda: 0.8 * np.log(21),
            "That is the true class's logit when the five add up to 0. How far below it are the others then?",
            name="from the mean logit",
        ),
        Mistake(
            lambda: np.log(0.04),
            "That is the logarithm of one other class's probability. From which other logarithm is it to be taken?",
            name="the other class alone",
        ),
        Mistake(
            lambda: np.inf,
            "Without smoothing the gap would grow without end. Which finite row is the optimum to meet here?",
            name="without smoothing",
        ),
        Mistake(
            lambda: 0.84,
            "That is the probability of the true class at the optimum. What is the difference of the logits?",
            name="a probability",
        ),
    ),
    slips=(),
    hints=(
        "At the optimum p equals the smoothed row. What are its two different entries?",
        "p_y / p_c = exp(z_y − z_c).",
    ),
    afterwards="With ten classes and ε = 0.1 it was log 91. The gap grows with C: more classes, smaller shares.",
)

# The parts of the student's loss: what is taken for T², for the shares, for the teacher's part.
_NO_FACTOR = (
    "no factor",
    lambda T: 1.0,
    "The factor T² is missing, so the teacher's gradient shrinks like 1/T². What is left of its share?",
)
_FACTORS = (
    _NO_FACTOR,
    (
        "factor T",
        lambda T: T,
        "Your factor is T, which makes up for the chain rule only. By what do the softened rows shrink besides?",
    ),
    (
        "divided by T²",
        lambda T: T**-2,
        "You divide by T², so the teacher's gradient shrinks twice over. Which way must the factor work?",
    ),
)
_SWAPPED = (
    "shares swapped",
    lambda labels, teacher, alpha: alpha * labels + (1 - alpha) * teacher,
    "The shares are swapped: alpha = 1 should be the teacher alone. Whose share is alpha?",
)
_SHARES = (
    _SWAPPED,
    (
        "just added",
        lambda labels, teacher, alpha: labels + teacher,
        "The two parts are just added. Where do the shares 1 − alpha and alpha go?",
    ),
    (
        "labels in full",
        lambda labels, teacher, alpha: labels + alpha * teacher,
        "The labels keep the share 1. What do they have if the teacher has alpha?",
    ),
    (
        "teacher in full",
        lambda labels, teacher, alpha: (1 - alpha) * labels + teacher,
        "The teacher's part has the share 1. What does it have if the labels have 1 − alpha?",
    ),
    (
        "teacher alone",
        lambda labels, teacher, alpha: alpha * teacher,
        "That is the teacher's part alone. Where are the labels?",
    ),
    (
        "labels alone",
        lambda labels, teacher, alpha: (1 - alpha) * labels,
        "That is the labels' part alone. Where is the teacher?",
    ),
)
_TEACHERS = (
    (
        "teacher softened only",
        lambda z, v, T: _on_rows(z, v, 1.0, T),
        "For the teacher's rows only the teacher is softened, so a perfect copy, z = v, would be punished. Which T "
        "belongs to the student?",
    ),
    (
        "student softened only",
        lambda z, v, T: _on_rows(z, v, T, 1.0),
        "For the teacher's rows only the student is softened, so a perfect copy, z = v, would be punished. Which T "
        "belongs to the teacher?",
    ),
    (
        "multiplied by T",
        lambda z, v, T: _on_rows(z, v, 1 / T, 1 / T),
        "The logits are multiplied by T, which sharpens the rows. What does a high temperature do?",
    ),
    (
        "not softened",
        lambda z, v, T: _on_rows(z, v, 1.0, 1.0),
        "Neither of the teacher's and the student's rows is softened: T does not reach the logits. What does T divide "
        "in equation 8.8?",
    ),
    (
        "exchanged",
        lambda z, v, T: _on_rows(v, z, T, T),
        "Student and teacher are swapped: the student's row weighs and the teacher's is the price. Who holds the "
        "truth?",
    ),
    (
        "over classes",
        lambda z, v, T: _on_rows(z, v, T, T) / z.shape[1],
        "The teacher's part is also divided by the number of classes, as a mean over all entries is. What does the "
        "mean run over?",
    ),
    (
        "summed",
        lambda z, v, T: _on_rows(z, v, T, T) * len(z),
        "The teacher's part is a sum over the samples, the labels' part a mean. What do both divide by?",
    ),
    (
        "divergence",
        lambda z, v, T: _on_rows(z, v, T, T) - _on_rows(v, v, T, T),
        "You took the divergence of the two rows, that is the cross-entropy less the teacher's entropy. Many "
        "libraries do, and its gradient is the same. Which of the two stands in equation 8.8?",
    ),
    (
        "divergence over classes",
        lambda z, v, T: (_on_rows(z, v, T, T) - _on_rows(v, v, T, T)) / z.shape[1],
        "You took the divergence of the two rows, and its mean over all entries: torch's kl_div does that unless told "
        "otherwise. What should the mean run over, and which of divergence and cross-entropy stands in equation 8.8?",
    ),
    (
        "divergence the other way",
        lambda z, v, T: _on_rows(v, z, T, T) - _on_rows(z, z, T, T),
        "You took the divergence of the teacher's row from the student's, the wrong way round. Whose row weighs, and "
        "does equation 8.8 hold a divergence or a cross-entropy?",
    ),
    (
        "teacher's favourite",
        lambda z, v, T: _on_labels(z / T, np.argmax(v, axis=1)),
        "You trained on the teacher's favourite class, as if it were a label. What else does the teacher's row say?",
    ),
    (
        "squared difference",
        lambda z, v, T: np.mean((z - v) ** 2),
        "You charge the squared difference of the logits. At a very high temperature distillation comes near to it; "
        "which loss stands in equation 8.8?",
    ),
)
_LABELS_SOFTENED = "The student is softened for the labels, too. Are the labels softened?"
_NAIVE = (
    "Right for small logits. With logits of some hundreds an exponential overflows, or a probability underflows to 0 "
    "and its logarithm is infinite. Which function goes from logits to log p without the way through p?"
)


def _student(z, y, v, T, alpha, factor=lambda T: T**2, share=None, teacher=None):
    """The student's loss with some of its parts replaced."""
    on_teacher = teacher(z, v, T) if teacher else _on_rows(z, v, T, T)
    if not share:
        return (1 - alpha) * _on_labels(z, y) + alpha * factor(T) * on_teacher
    return share(_on_labels(z, y), factor(T) * on_teacher, alpha)


def _with_parts(**parts: tuple[str, Callable, str]) -> Mistake:
    """One mistake in a part, or one in each of two."""
    wrong = partial(_student, **{part: function for part, (_, function, _) in parts.items()})
    message = " And a second thing: ".join(message for _, _, message in parts.values())
    return Mistake(wrong, message, name=" and ".join(name for name, _, _ in parts.values()))


def _student_by_logs(z, y, v, T, alpha, log, of_labels=True, of_teacher=True):
    """The student's loss from ``log(z)``, a way to log p that fails far out, in one part or in both."""
    on_labels = _picked((log if of_labels else log_softmax)(z), y)
    rows, prices = softmax(v / T), (log if of_teacher else log_softmax)(z / T)
    return (1 - alpha) * on_labels - alpha * T**2 * np.sum(rows * prices, axis=1).mean()


def _log_of_shares(z):
    shares = np.exp(z)
    return _log(shares / shares.sum(axis=1, keepdims=True))


def _log_of_softmax(z, small=0.0):
    return _log(softmax(z) + small)


_STUDENT = Exercise(
    key="8.3",
    task="Return (1 − alpha) times the mean loss on the labels y, plus alpha times the mean distillation loss of "
    "equation 8.8, also for logits of some hundreds.",
    reference=student_loss,
    inputs=_student_inputs,
    mistakes=(
        *(_with_parts(factor=one) for one in _FACTORS),
        *(_with_parts(share=one) for one in _SHARES),
        *(_with_parts(teacher=one) for one in _TEACHERS),
        Mistake(
            lambda z, y, v, T, alpha: T**2 * _student(z, y, v, T, alpha, factor=lambda T: 1.0),
            "Both parts have the factor T² here. Which of the two has a gradient that shrinks with T?",
            name="factor on both",
        ),
        Mistake(
            lambda z, y, v, T, alpha: (1 - alpha) * _on_labels(z / T, y) + alpha * T**2 * _on_rows(z, v, T, T),
            _LABELS_SOFTENED,
            name="labels softened",
        ),
        Mistake(
            lambda z, y, v, T, alpha: (1 - alpha) * _on_labels(z / T, y) + alpha * _on_rows(z, v, T, T),
            f"{_NO_FACTOR[2]} And a second thing: {_LABELS_SOFTENED}",
            name="no factor and labels softened",
        ),
        Mistake(
            lambda z, y, v, T, alpha: student_loss(z, np.argmax(v, axis=1), v, T, alpha),
            "For the labels you took the teacher's favourite classes. Where does y come in?",
            name="labels from the teacher",
        ),
        Mistake(
            lambda z, y, v, T, alpha: student_loss(softmax(z), y, v, T, alpha),
            "The student's logits go through a softmax before the losses take their own. What do they take, logits or "
            "probabilities?",
            name="softmax twice",
        ),
        Mistake(
            lambda z, y, v, T, alpha: len(z) * student_loss(z, y, v, T, alpha),
            "This is the sum over the samples. What does a mean divide by?",
            name="summed",
        ),
        Mistake(
            lambda z, y, v, T, alpha: -student_loss(z, y, v, T, alpha),
            "The sign is turned: a cross-entropy is never negative. What is missing in front of the logarithms?",
            name="sign",
        ),
        *(
            Mistake(
                partial(_student_by_logs, log=log, **where),
                _NAIVE,
                name=" ".join([log.__name__.strip("_"), *where]),
            )
            for log in (_log_of_shares, _log_of_softmax)
            for where in ({}, {"of_labels": False}, {"of_teacher": False})
        ),
        *(
            Mistake(
                partial(_student_by_logs, log=partial(_log_of_softmax, small=small)),
                "You add a small number inside the logarithm, so the largest losses stop at minus its logarithm, 27.6 "
                "for 1e-12. Which function goes from logits to log p without the way through p?",
            )
            for small in SMALL_NUMBERS
        ),
        *(_with_parts(factor=factor, share=share) for factor in _FACTORS for share in _SHARES[:-1]),
        *(_with_parts(factor=_NO_FACTOR, teacher=teacher) for teacher in _TEACHERS),
        *(_with_parts(share=_SWAPPED, teacher=teacher) for teacher in _TEACHERS if teacher[0].startswith("divergence")),
    ),
    domain=_student_domain,
    rounds=3,
    must=(NEVER_NEGATIVE,),
    hints=(
        "The labels' part is chapter 3's loss of z, without T.",
        "The teacher's part needs two rows for each sample: softmax(v / T) and log_softmax(z / T).",
        "Only the teacher's part carries T².",
    ),
    afterwards="Compare with losses.cross_entropy and targets.distillation_loss. Then set alpha = 1 and z = v: the "
    "gradient is 0, and the loss is T² times the entropy of the teacher's row.",
)


def _forward_by_shares(z, recorded, M, log_shares, small=0.0):
    """The forward-corrected loss from probabilities, which underflow."""
    return _picked(_log(np.exp(log_shares(z)) @ M + small), recorded)


_FORWARD = Exercise(
    key="8.4",
    task="Repair the snippet: return the mean forward-corrected loss of equation 8.12, also for logits of 1000.",
    reference=mean_forward_loss,
    inputs=_forward_inputs,
    mistakes=(
        Mistake(
            lambda z, recorded, M: _picked(log_softmax(z) @ M.T, recorded),
            "This is the snippet as you found it, with its two mistakes. First, it mixes logarithms: what is mixed in "
            "equation 8.12? Then, the matrix: what does column j of M hold, and what does row j?",
            name="the snippet",
        ),
        Mistake(
            lambda z, recorded, M: _picked(log_softmax(z) @ M, recorded),
            "The matrix is right now, but you still mix logarithms. In equation 8.12 probabilities are mixed; the "
            "logarithm comes last. Where do you take it?",
            name="logarithms mixed",
        ),
        *(
            Mistake(
                wrong,
                "The logarithm is in its place. The matrix is transposed: this is M p. You need Σ_i p_i M[i, j]. Over "
                "which axis of M does the sum run?",
                name="transposed",
            )
            for wrong in (
                lambda z, recorded, M: _picked(_log(softmax(z) @ M.T), recorded),
                lambda z, recorded, M: mean_forward_loss(z, recorded, M.T),
            )
        ),
        Mistake(
            lambda z, recorded, M: _picked(log_softmax(z @ M), recorded),
            "The matrix acts on the logits here. What it mixes are probabilities. When does the softmax come?",
            name="logits mixed",
        ),
        Mistake(
            lambda z, recorded, M: _picked(log_softmax(z), recorded),
            "This is the plain loss, without a correction. Where does M enter?",
            name="not corrected",
        ),
        *(
            Mistake(
                partial(_forward_by_shares, log_shares=log),
                "The formula is right. But for logits of 1000 a probability underflows to 0 or an exponential "
                "overflows, and the loss is no longer finite. Can you stay with logarithms, with log_softmax and "
                "logsumexp?",
            )
            for log in (_log_of_shares, _log_of_softmax)
        ),
        *(
            Mistake(
                partial(_forward_by_shares, log_shares=_log_of_softmax, small=small),
                "The formula is right. But the small number inside the logarithm (added to M it does the same) lets no "
                "loss pass minus its logarithm, 27.6 for 1e-12, where logits of 1000 can cost 1000. Can you stay "
                "with logarithms, with log_softmax and logsumexp, where log 0 does no harm?",
            )
            for small in SMALL_NUMBERS
        ),
        Mistake(
            lambda z, recorded, M: mean_forward_loss(z, recorded, M / M.sum(axis=0)),
            "You made the columns of M add up to 1. Then M[i, j] is a probability of the true class, given the record. "
            "Which of the two directions does equation 8.12 take?",
            name="columns normalised",
        ),
        Mistake(
            lambda z, recorded, M: -np.mean(np.sum((M / M.sum(axis=0)).T[recorded] * log_softmax(z), axis=1)),
            "You made soft targets of the columns of M, so logarithms are mixed after all. What is mixed in equation "
            "8.12, and when does the logarithm come?",
            name="soft targets",
        ),
        Mistake(
            lambda z, recorded, M: _picked(log_softmax(z) + _log(np.diag(M)), recorded),
            "You count only the clerk's right records, M[j, j]. From which other true classes can record j come?",
            name="diagonal only",
        ),
        Mistake(
            lambda z, recorded, M: -np.mean(np.sum(np.linalg.inv(M)[recorded] * log_softmax(z), axis=1)),
            "That is the backward correction, which mixes losses by the inverse of M. It has the right mean, but it is "
            "another loss. What does the forward correction mix, and by which matrix?",
            name="backward correction",
        ),
        Mistake(
            lambda z, recorded, M: _picked(log_softmax(softmax(z) @ M), recorded),
            "You mixed the probabilities rightly, and then took a softmax of them. They add up to 1 already: what is "
            "left to do?",
            name="softmax twice",
        ),
        Mistake(
            lambda z, recorded, M: _picked(softmax(z) @ M, recorded),
            "These are the probabilities of the records, with a minus sign. Where is the logarithm?",
            name="no logarithm",
        ),
        Mistake(
            lambda z, recorded, M: 1 - np.mean((softmax(z) @ M)[np.arange(len(z)), recorded]),
            "You charge 1 − p of the record. Where is the logarithm?",
            name="one minus p",
        ),
        Mistake(
            lambda z, recorded, M: -logsumexp(log_softmax(z) + _log(M.T[recorded]), axis=1),
            "That is the loss of each sample. One number is asked for: which one of them all?",
            name="each sample",
        ),
        Mistake(
            lambda z, recorded, M: len(z) * mean_forward_loss(z, recorded, M),
            "This is the sum over the samples. What does a mean divide by?",
            name="summed",
        ),
    ),
    domain=_forward_domain,
    rounds=4,
    must=(NEVER_NEGATIVE,),
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
    inputs=_accuracy_inputs,
    mistakes=(
        Mistake(
            lambda m, rho, C: m / (1 - rho),
            "You count right answers on right records only. A wrong answer can agree with a wrong record. How often?",
            name="no chance agreement",
        ),
        Mistake(
            lambda m, rho, C: (m - rho / C) / (1 - rho),
            "That fits a clerk who draws again from all C classes, the true one included. Among how many does this one "
            "choose?",
            name="clerk draws from all",
        ),
        Mistake(
            lambda m, rho, C: (m - rho) / (1 - 2 * rho) if rho != 0.5 else -np.inf,
            "That is right for two classes. With more, a wrong answer and a wrong record need not be the same class. "
            "How probable is it that they are?",
            name="two classes",
        ),
        Mistake(
            lambda m, rho, C: m + rho,
            "Adding the clerk's errors is right if each of them costs one agreement. Does it where the model is wrong?",
            name="errors added",
        ),
        Mistake(
            lambda m, rho, C: (1 - rho) * m + rho / (C - 1) * (1 - m),
            "This goes the other way, from true labels to records. What is a, if equation 8.14 gives m?",
            name="the other way",
        ),
        Mistake(
            lambda m, rho, C: m,
            "That is the share itself. Which part of the disagreement is the clerk's, not the model's?",
            name="uncorrected",
        ),
        *(
            Mistake(
                wrong,
                "You clip the estimate. Chance can put it above 1 or below 0, and then clipping hides it. What does "
                "the task say?",
                name="clipped",
            )
            for wrong in (
                lambda m, rho, C: min(max(true_accuracy(m, rho, C), 0.0), 1.0),
                lambda m, rho, C: min(true_accuracy(m, rho, C), 1.0),
                lambda m, rho, C: max(true_accuracy(m, rho, C), 0.0),
            )
        ),
        Mistake(
            lambda m, rho, C: (m - rho / (C - 1)) / (1 - rho),
            "The chance agreement is taken from the share, but not from the slope. At m = 1 − rho, when the model is "
            "always right, your estimate is below 1: what has the line lost between a = 0 and a = 1?",
            name="chance in the numerator only",
        ),
        Mistake(
            lambda m, rho, C: m / (1 - rho - rho / (C - 1)),
            "The chance agreement is in the slope, but not taken from the share. What is m for a model that is always "
            "wrong?",
            name="chance in the denominator only",
        ),
        Mistake(
            lambda m, rho, C: (m - rho / C) / (1 - rho - rho / C),
            "A wrong record is one of C − 1 classes, the true one is not among them. How often does a wrong answer "
            "agree with it?",
            name="C for C − 1",
        ),
        Mistake(
            lambda m, rho, C: (m - rho) / (1 - rho),
            "That would be right if a wrong record agreed with the model whatever the model says. How often does it "
            "agree with a right answer, and how often with a wrong one?",
            name="all errors agree",
        ),
        Mistake(
            lambda m, rho, C: m * (1 - rho),
            "You multiply by the share of right records, so a worse clerk makes a worse model. Is m already lowered by "
            "the clerk, or is it still to be?",
            name="multiplied",
        ),
        Mistake(
            lambda m, rho, C: m - rho,
            "You take the clerk's errors off the share. Do they hide right answers, or make them?",
            name="errors taken off",
        ),
        Mistake(
            lambda m, rho, C: m - rho / (C - 1),
            "The agreement by chance is taken off. What do the clerk's errors do where the model is right?",
            name="chance taken off only",
        ),
        Mistake(
            lambda m, rho, C: (m - 1 / C) / (1 - 1 / C),
            "That corrects for guessing among C classes, and rho has no say. Who errs here, and how often?",
            name="corrected for guessing",
        ),
        Mistake(
            lambda m, rho, C: (m + rho / (C - 1)) / (1 - rho - rho / (C - 1)),
            "The sign of the chance agreement is turned. Does it raise m or lower it?",
            name="chance added",
        ),
        Mistake(
            lambda m, rho, C: (m - rho / (C - 1)) / (1 - rho + rho / (C - 1)),
            "The slope is P(agree | right) − P(agree | wrong). Which sign has the second one in your denominator?",
            name="slope too steep",
        ),
    ),
    domain=_accuracy_domain,
    slips=(NEGATIVE, HALVED, DOUBLED, *EPSILONS),
    hints=(
        "Right answers agree with probability 1 − rho, wrong ones with rho / (C − 1).",
        "m = rho/(C − 1) + (1 − rho − rho/(C − 1)) a: a straight line. Solve it for a.",
    ),
    afterwards="At rho = (C − 1)/C the line is flat and the records say nothing; near it the estimate is worth little.",
)

EXERCISES = (_SMOOTHING, _GAP, _STUDENT, _FORWARD, _ACCURACY)
