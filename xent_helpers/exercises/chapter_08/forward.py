"""Exercise 8.4: the forward-corrected loss."""

import numpy as np

from xent_helpers.exercises.chapter_08 import labels_in, log_of_shares, log_of_softmax, picked, quiet_log
from xent_helpers.exercises.constants import NEVER_NEGATIVE, SMALL_NUMBERS
from xent_helpers.exercises.draft import Draft
from xent_helpers.exercises.slips import SUMMED
from xent_helpers.losses import log_softmax, logsumexp, softmax

forward = Draft(
    "8.4",
    "Repair the snippet: return the mean forward-corrected loss of equation 8.14, also for logits of 1000.",
    must=(NEVER_NEGATIVE,),
    rounds=4,
    hints=(
        "With what probability is label j recorded, if the true class has the probabilities p?",
        "Σ_i p_i M[i, j] is entry j of p @ M.",
        "To survive large logits: log(p_i M[i, j]) = log_softmax(z)_i + log M[i, j], then losses.logsumexp over i.",
    ),
    afterwards="Try a symmetric M: M and its transpose agree, so a test with symmetric noise does not tell them apart.",
)


@forward.reference
def mean_forward_loss(z, recorded, M):
    with np.errstate(divide="ignore"):  # log 0 = −inf: a confusion that never happens
        log_seen = logsumexp(log_softmax(z)[:, :, None] + np.log(M), axis=1)
    return -log_seen[np.arange(len(recorded)), recorded].mean()


@forward.inputs
def forward_inputs(rng: np.random.Generator) -> list[tuple]:
    plain = (np.zeros((2, 2)), np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]))
    sizes = rng.integers([(3, 3), (3, 4), (2, 2)], [(8, 6), (8, 7), (6, 3)])
    drawn = [
        (2 * rng.normal(size=(n, c)), rng.integers(0, c, n), rng.dirichlet(np.ones(c), c))
        for n, c in [*sizes, (4, 4), (1, 5)]
    ]
    thirds = np.array([[2 / 3, 0.0, 1 / 3], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])  # the clerk of section 8.10
    sure = np.array([[1000.0, 0.0, 0.0], [0.0, 0.0, 1000.0]])
    far = np.array([[40.0, 0.0, 0.0], [0.0, 0.0, 35.0]])  # far enough for a small number to show
    seldom = np.array([[1 - 1e-9, 1e-9], [1e-12, 1 - 1e-12]])
    return [
        plain,
        *drawn,
        (rng.normal(size=(3, 3)), np.arange(3), thirds),
        (sure, np.array([1, 0]), thirds),
        (-sure, np.array([0, 1]), thirds),
        (far, np.array([1, 0]), thirds),
        (sure[:, :2], np.array([1, 0]), seldom),
        (-sure[:, :2], np.array([1, 0]), seldom),
        (2 * rng.normal(size=(4, 3)), rng.integers(0, 3, 4), np.eye(3)),
        (sure, np.array([0, 2]), np.roll(np.eye(3), 1, axis=1)),  # a clerk who is never right
    ]


@forward.domain
def forward_domain(z, recorded, M) -> bool:
    c = z.shape[1]
    rows = M.shape == (c, c) and np.all(M >= 0) and np.allclose(M.sum(axis=1), 1, atol=1e-9)
    possible = np.all(M[:, recorded].sum(axis=0) > 0)  # else the loss is infinite
    return len(z) == len(recorded) and labels_in(recorded, c) and bool(rows and possible) and np.all(np.abs(z) <= 1000)


@forward.mistake
def the_snippet(z, recorded, M):
    """Your function returns what the snippet returned, with its two mistakes. First, it mixes logarithms: what is mixed
    in equation 8.14? Then, the matrix: what does column j of M hold, and what does row j?"""
    return picked(log_softmax(z) @ M.T, recorded)


@forward.mistake
def logarithms_mixed(z, recorded, M):
    """The matrix is right now, but you still mix logarithms. In equation 8.14 probabilities are mixed; the logarithm
    comes last. Where do you take it?"""
    return picked(log_softmax(z) @ M, recorded)


@forward.mistake
def transposed(z, recorded, M):
    """The logarithm is in its place. The matrix is transposed: this is M p. You need Σ_i p_i M[i, j]. Over which axis
    of M does the sum run?"""
    return picked(quiet_log(softmax(z) @ M.T), recorded)


@forward.mistake(name="transposed", like=transposed)
def forward_transposed(z, recorded, M):
    return mean_forward_loss(z, recorded, M.T)


@forward.mistake
def logits_mixed(z, recorded, M):
    """The matrix acts on the logits here. What it mixes are probabilities. When does the softmax come?"""
    return picked(log_softmax(z @ M), recorded)


@forward.mistake
def not_corrected(z, recorded, M):
    """This is the plain loss, without a correction. Where does M enter?"""
    return picked(log_softmax(z), recorded)


@forward.mistake(log_shares=(log_of_shares, log_of_softmax))
def forward_through_shares(z, recorded, M, log_shares):
    """The formula is right. But for logits of 1000 a probability underflows to 0 or an exponential overflows, and the
    loss is no longer finite. Can you stay with logarithms, with log_softmax and logsumexp?"""
    return picked(quiet_log(np.exp(log_shares(z)) @ M), recorded)


@forward.mistake(small=SMALL_NUMBERS)
def forward_padded(z, recorded, M, small):
    """The formula is right. But the small number inside the logarithm (added to M it does the same) lets no loss pass
    minus its logarithm, 27.6 for 1e-12, where logits of 1000 can cost 1000. Can you stay with logarithms, with
    log_softmax and logsumexp, where log 0 does no harm?"""
    return picked(quiet_log(softmax(z) @ M + small), recorded)


@forward.mistake
def columns_normalised(z, recorded, M):
    """You made the columns of M add up to 1, as if they were probabilities of the true class, given the record. Which
    of the two directions does equation 8.14 take?"""
    return mean_forward_loss(z, recorded, M / M.sum(axis=0))


@forward.mistake
def soft_targets(z, recorded, M):
    """You made soft targets of the columns of M, so logarithms are mixed after all. What is mixed in equation 8.14, and
    when does the logarithm come?"""
    return -np.mean(np.sum((M / M.sum(axis=0)).T[recorded] * log_softmax(z), axis=1))


@forward.mistake
def diagonal_only(z, recorded, M):
    """You count only the clerk's right records, M[j, j]. From which other true classes can record j come?"""
    return picked(log_softmax(z) + quiet_log(np.diag(M)), recorded)


@forward.mistake
def backward_correction(z, recorded, M):
    """That is the backward correction, which mixes losses by the inverse of M. It has the right mean, but it is another
    loss. What does the forward correction mix, and by which matrix?"""
    return -np.mean(np.sum(np.linalg.inv(M)[recorded] * log_softmax(z), axis=1))


@forward.mistake(name="softmax twice")
def forward_softmax_twice(z, recorded, M):
    """You mixed the probabilities rightly, and then took a softmax of them. They add up to 1 already: what is left to
    do?"""
    return picked(log_softmax(softmax(z) @ M), recorded)


@forward.mistake
def no_logarithm(z, recorded, M):
    """These are the probabilities of the records, with a minus sign. Where is the logarithm?"""
    return picked(softmax(z) @ M, recorded)


@forward.mistake
def one_minus_p(z, recorded, M):
    """You charge 1 − p of the record. Where is the logarithm?"""
    return 1 - np.mean((softmax(z) @ M)[np.arange(len(z)), recorded])


@forward.mistake
def each_sample(z, recorded, M):
    """That is the loss of each sample. One number is asked for: which one of them all?"""
    return -logsumexp(log_softmax(z) + quiet_log(M.T[recorded]), axis=1)


forward.says(SUMMED, "This is the sum over the samples. What does a mean divide by?")
