"""Exercises 2.1 to 2.3: entropy, divergence and effective classes."""

from dataclasses import replace

import numpy as np

from xent_helpers.exercises.chapter_02 import ZEROS, careful, careless
from xent_helpers.exercises.constants import NEVER_NEGATIVE, SMALL_NUMBERS, shares
from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import (
    BASES,
    DOUBLED,
    EPSILONS,
    HALVED,
    NEGATIVE,
    ONE_FEWER,
    OVER_CLASSES,
    OVER_SAMPLES,
    SUMMED,
    TIMES_CLASSES,
    WRONG_AXIS,
)

LEAST = 1e-6  # probability that is not 0, in 2.1 and 2.2
MOST_CLASSES = 900
MOST_SAMPLES = 2000
DIVIDED_BY_C = replace(OVER_SAMPLES, name="over C", clause=OVER_CLASSES.clause)  # p's length

entropy = Draft(
    "2.1",
    "Return the entropy of the probabilities p (C,) in nats; a p_c is 0 or at least 0.000001, and C at most 900.",
    must=(NEVER_NEGATIVE, Must("is at most log C", lambda h, p: h <= np.log(len(p)) + 1e-9)),
    slips=(NEGATIVE, *BASES, DIVIDED_BY_C, HALVED, DOUBLED, *EPSILONS),
    tolerance=(1e-12, 1e-14),
    hints=(
        "Each class has its surprise −log p_c and occurs with probability p_c. Take the mean.",
        "Try your function on (1, 0, 0) before you check it: what should the entropy of a certainty be?",
        "p[p > 0] keeps the classes that can occur.",
    ),
    afterwards="Compare it with information.entropy and scipy.special.entr(p).sum().",
)


@entropy.reference
def entropy_of(p):
    occurs = p > 0
    return -np.sum(p[occurs] * np.log(p[occurs]))


@entropy.inputs
def entropy_inputs(rng):
    plain = [[0.5, 0.5], [0.2, 0.7, 0.1], [0.25] * 4, [1.0], [LEAST, 1 - LEAST], [1 - LEAST, LEAST]]
    many = [np.full(MOST_CLASSES, 1 / MOST_CLASSES)]  # small probabilities, where a small number added to them shows
    many += [np.append(np.full(500, 2e-6), 0.999), np.append([0.5, 0.5], np.zeros(500))]
    drawn = [shares(rng, c, least=LEAST) for c in rng.integers([2, 4, 10], [4, 9, 40])]
    tricky = [[0.5, 0.5, 0.0, 0.0], [0.0, 0.9, 0.1], [0.0, 0.0, 1.0], np.append(shares(rng, 3), [0.0, 0.0])]
    return [(np.array(p),) for p in (*plain, *many, *drawn, *tricky)]


@entropy.domain
def entropy_domain(p):
    allowed = 0 < len(p) <= MOST_CLASSES and np.all((p == 0) | (p >= LEAST))
    return allowed and np.isclose(p.sum(), 1, rtol=0, atol=1e-9)


@entropy.mistake
def entropy_careless(p):
    """Right as long as no probability is 0; then it is nan. 0 · log 0 must be 0, because x log x goes to 0 with x. How
    do you keep the zeros out of the logarithm?"""
    return -np.sum(careless(p, p))


@entropy.mistake(small=(*SMALL_NUMBERS[1:], np.finfo(float).eps))
def entropy_padded(p, small):
    """The small number inside the logarithm hides the nan, but now every entropy is off, and a certainty has a negative
    one. Which entries need help, and can the others be left alone?"""
    return -np.sum(p * np.log(p + small))


@entropy.mistake(small=SMALL_NUMBERS[1:])
def entropy_clipped(p, small):
    """You raise each 0 to a small number, so a class that never occurs costs a little, and the probabilities add up to
    more than 1. What should 0 · log 0 be, exactly?"""
    p = np.clip(p, small, 1)
    return -np.sum(p * np.log(p))


@entropy.mistake(term=ZEROS)
def entropy_without_minus(p, term):
    """Your entropies are negative. A surprise is −log p: where did its minus sign go?"""
    return np.sum(term(p, p))


@entropy.mistake(term=ZEROS)
def entropy_in_bits(p, term):
    """These are bits: a fair coin gives 1. In nats it gives 0.6931. Which logarithm belongs to nats?"""
    return -np.sum(term(p, p)) / np.log(2)


@entropy.mistake(term=ZEROS)
def entropy_base_ten(p, term):
    """You took the logarithm to base 10. Which base does np.log have?"""
    return -np.sum(term(p, p)) / np.log(10)


@entropy.mistake(term=ZEROS)
def entropy_mean_over_classes(p, term):
    """You divided by the number of classes. The mean is already in the formula: which factor says how often each
    surprise occurs?"""
    return -np.mean(term(p, p))


@entropy.mistake(term=ZEROS)
def entropy_as_perplexity(p, term):
    """That is the perplexity, a number of classes: a fair coin gives 2. What is its logarithm called?"""
    return np.exp(-np.sum(term(p, p)))


@entropy.mistake
def entropy_unweighted(p):
    """You gave every class the same weight, so a class that never occurs surprises without limit. How often does each
    surprise occur?"""
    with np.errstate(divide="ignore"):
        return -np.mean(np.log(p))


@entropy.mistake
def entropy_of_favourite(p):
    """That is the surprise of the most probable class, the least one there is. What about the days on which another
    class occurs?"""
    return -np.log(np.max(p))


@entropy.mistake
def entropy_as_gini(p):
    """1 − Σ p² is the best expected Brier score, without any logarithm. Which cost does entropy average?"""
    return 1 - np.sum(p**2)


@entropy.mistake(term=ZEROS)
def entropy_each_class(p, term):
    """These are the terms −p log p of the classes. One number is asked for: what joins them?"""
    return -term(p, p)


@entropy.mistake(term=ZEROS)
def entropy_as_coins(p, term):
    """You add −(1 − p) log(1 − p) for every class, as if each were a coin of its own. One class occurs: which
    probability belongs to its surprise?"""
    return -np.sum(term(p, p) + term(1 - p, 1 - p))


@entropy.mistake(term=ZEROS)
def entropy_relative(p, term):
    """You divided by log C, which makes every uniform distribution 1. In which unit is the entropy asked for?"""
    return -np.sum(term(p, p)) / np.log(len(p))


divergence = Draft(
    "2.2",
    "Return the mean over the rows of KL(q‖p) in nats, q (N, C) the truths and p (N, C) the beliefs, each entry 0 or "
    "at least 0.000001.",
    must=(NEVER_NEGATIVE,),
    slips=(NEGATIVE, *BASES, SUMMED, OVER_SAMPLES, ONE_FEWER, OVER_CLASSES, TIMES_CLASSES, WRONG_AXIS, HALVED, DOUBLED)
    + EPSILONS,
    hints=(
        "Equation 2.6: for each class, q times (log q − log p). Sum along a row, mean over the rows.",
        "Where q is 0 the term is 0. Where q is positive and p is 0 it is inf, and NumPy gets that right by itself.",
        "np.where(q > 0, q, 1.0) inside the logarithm keeps the zeros of q out.",
    ),
    afterwards="Compare it with information.kl_divergence(q, p).mean() and scipy.special.rel_entr(q, p).sum(1).mean().",
)


@divergence.reference
def mean_divergence(q, p):
    occurs = q > 0
    with np.errstate(divide="ignore"):
        log_ratio = np.log(np.where(occurs, q, 1.0)) - np.log(np.where(occurs, p, 1.0))
    return np.mean(np.sum(q * log_ratio, axis=1))


@divergence.inputs
def divergence_inputs(rng):
    plain = [
        ([[0.9, 0.1]], [[0.5, 0.5]]),
        ([[0.2, 0.8], [0.5, 0.5]], [[0.2, 0.8], [0.5, 0.5]]),
        ([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], [[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]]),
    ]
    shapes = [*rng.integers([(2, 3), (5, 6), (1, 4)], [(6, 5), (90, 15), (3, 8)]), (4, 4)]
    drawn = [(shares(rng, c, n, LEAST), shares(rng, c, n, LEAST)) for n, c in shapes]
    least = [LEAST, 1 - LEAST]
    small = [([[0.5, 0.5]], [least]), ([least], [[0.5, 0.5]]), ([least], [least[::-1]]), ([[3e-6, 1 - 3e-6]], [least])]
    tricky = [
        ([[0.0, 1.0, 0.0], [0.5, 0.5, 0.0]], [[0.2, 0.7, 0.1], [0.4, 0.4, 0.2]]),  # the truth has zeros
        ([[0.25, 0.75, 0.0]], [[0.5, 0.5, 0.0]]),  # and the belief has one in the same place
        ([[0.3, 0.3, 0.4], [0.5, 0.5, 0.0]], [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]]),  # ruled out, but it can occur
        ([least, [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]),  # and seldom does
    ]
    return [(np.array(q), np.array(p)) for q, p in (*plain, *drawn, *small, *tricky)]


@divergence.domain
def divergence_domain(q, p):
    rows = [np.all((r == 0) | (r >= LEAST)) and np.allclose(r.sum(axis=1), 1, rtol=0, atol=1e-9) for r in (q, p)]
    return q.shape == p.shape and len(q) > 0 and q.shape[1] > 1 and all(rows)


def divergence_terms(q, p, term):
    return term(q, q) - term(q, p)


@divergence.mistake
def divergence_careless(q, p):
    """Right as long as no q_c is 0; then it is nan. A class that never occurs costs nothing, whatever was
    believed: how do you keep 0 · log 0 out?"""
    with np.errstate(invalid="ignore"):
        return np.mean(np.sum(divergence_terms(q, p, careless), axis=1))


@divergence.mistake(small=SMALL_NUMBERS[1:])
def divergence_padded(q, p, small):
    """The small numbers hide the nan, but they also hide the infinite cost of a belief that rules out a class that can
    occur. Which case has a right answer without help, and which one needs it?"""
    return np.mean(np.sum(q * np.log((q + small) / (p + small)), axis=1))


@divergence.mistake(like=divergence_padded, small=SMALL_NUMBERS[1:])
def divergence_padded_below(q, p, small):
    return np.mean(np.sum(careful(q, q) - q * np.log(p + small), axis=1))


@divergence.mistake(like=divergence_padded, small=SMALL_NUMBERS[1:])
def divergence_clipped(q, p, small):
    q, p = np.clip(q, small, 1), np.clip(p, small, 1)
    return np.mean(np.sum(q * np.log(q / p), axis=1))


@divergence.mistake(term=ZEROS)
def divergence_reversed(q, p, term):
    """You computed KL(p‖q): the belief sets the weights. The two directions differ. What decides how often a class
    occurs, the truth or the belief?"""
    with np.errstate(invalid="ignore"):
        return np.mean(np.sum(divergence_terms(p, q, term), axis=1))


@divergence.mistake(term=ZEROS)
def divergence_over_entries(q, p, term):
    """You averaged over all N · C entries, so each divergence is divided by C as well. (PyTorch's KLDivLoss does
    that with reduction='mean'; 'batchmean' is the mean over rows.) What belongs along a row?"""
    with np.errstate(invalid="ignore"):
        return np.mean(divergence_terms(q, p, term))


@divergence.mistake
def divergence_over_positive_entries(q, p):
    """You averaged over all entries with q > 0, so each divergence is divided by a number of classes as well. Where
    does a sum belong, and where a mean?"""
    occurs = q > 0
    with np.errstate(divide="ignore"):
        return np.mean(q[occurs] * (np.log(q[occurs]) - np.log(p[occurs])))


@divergence.mistake
def divergence_without_what_is_ruled_out(q, p):
    """You leave out the classes that the belief rules out. If the truth allows one of them, it will occur: what does it
    cost then?"""
    both = (q > 0) & (p > 0)
    return np.mean(np.sum(q * np.log(np.where(both, q, 1.0) / np.where(both, p, 1.0)), axis=1))


@divergence.mistake(like=divergence_without_what_is_ruled_out)
def divergence_with_one_for_zero(q, p):
    occurs = q > 0
    return np.mean(np.sum(q * np.log(np.where(occurs, q, 1.0) / np.where(p > 0, p, 1.0)), axis=1))


@divergence.mistake(term=ZEROS)
def divergence_summed(q, p, term):
    """You added the rows up. What would change if every row appeared twice, and should it?"""
    with np.errstate(invalid="ignore"):
        return np.sum(divergence_terms(q, p, term))


@divergence.mistake(term=ZEROS)
def divergence_in_bits(q, p, term):
    """These are bits. A nat is 1.4427 bits: which logarithm, or which factor, gives nats?"""
    with np.errstate(invalid="ignore"):
        return np.mean(np.sum(divergence_terms(q, p, term), axis=1)) / np.log(2)


@divergence.mistake(term=ZEROS)
def divergence_negative(q, p, term):
    """Yours is negative, and a divergence never is. Which of q and p is the numerator inside the logarithm?"""
    with np.errstate(invalid="ignore"):
        return -np.mean(np.sum(divergence_terms(q, p, term), axis=1))


@divergence.mistake(term=ZEROS)
def divergence_as_cross_entropy(q, p, term):
    """That is the cross-entropy: it is not 0 when q and p agree. Which part of it belongs to q alone?"""
    return -np.mean(np.sum(term(q, p), axis=1))


@divergence.mistake(term=ZEROS)
def divergence_symmetric(q, p, term):
    """You took the mean of both directions. That is a measure too, but a belief pays only for the classes that
    occur: which distribution are the outcomes drawn from?"""
    with np.errstate(invalid="ignore"):
        both = divergence_terms(q, p, term) + divergence_terms(p, q, term)
        return np.mean(np.sum(both, axis=1)) / 2


@divergence.mistake(term=ZEROS)
def divergence_along_samples(q, p, term):
    """You added along the samples and averaged over the classes. Along which axis does a distribution sum to 1?"""
    with np.errstate(invalid="ignore"):
        return np.mean(np.sum(divergence_terms(q, p, term), axis=0))


@divergence.mistake(term=ZEROS)
def divergence_each_row(q, p, term):
    """That is the divergence of each row. One number is asked for: how do the rows become one?"""
    return np.sum(divergence_terms(q, p, term), axis=1)


@divergence.mistake(term=ZEROS)
def divergence_of_absolute_terms(q, p, term):
    """You made every term positive. A class of which p believes too much has a negative one: what would KL(q‖p) be
    without it?"""
    return np.mean(np.sum(np.abs(divergence_terms(q, p, term)), axis=1))


@divergence.mistake
def divergence_unweighted(q, p):
    """You gave every class the same weight. How often does each surprise occur, if the truth is q?"""
    return np.mean(np.sum(np.log(q) - np.log(p), axis=1))


@divergence.mistake
def divergence_as_squares(q, p):
    """That is the squared distance, which the Brier score charges beyond its best. What does the log score charge?"""
    return np.mean(np.sum((q - p) ** 2, axis=1))


effective = Draft(
    "2.3",
    "Return the effective number of classes, the perplexity of the shares, from the counts (C,) of each class, whole "
    "numbers that add up to 2,000 at most.",
    must=(
        Must("is at least 1", lambda k, counts: k >= 1 - 1e-9),
        Must("is at most the number of classes that occur", lambda k, counts: k <= np.sum(counts > 0) + 1e-9),
    ),
    slips=(NEGATIVE, HALVED, DOUBLED, *EPSILONS),
    tolerance=1e-10,
    hints=(
        "First shares, then the entropy of 2.1, then exp.",
        "Check by hand: equal counts in k classes must give k, and (9, 0, 0) must give 1.",
    ),
    afterwards="Compute it for the labels of data.digits(): ten classes, and how many in effect?",
)


@effective.reference
def effective_classes(counts):
    share = counts[counts > 0] / np.sum(counts)
    return np.exp(-np.sum(share * np.log(share)))


@effective.inputs
def effective_inputs(rng):
    plain = [[10, 10, 10, 10], [50, 30, 20], [4, 2, 1, 1]]
    drawn = [rng.integers(1, 60, c) for c in rng.integers([2, 4, 10], [4, 9, 30])]
    tricky = [[5, 0, 5, 0], [9, 0, 0], [40, 3, 0, 1], np.append(rng.integers(1, 60, 4), 0)]
    many = [[7], [1990, 9, 1], np.ones(1000)]  # one class, counts beyond 255, small shares
    return [(np.array(counts, dtype=int),) for counts in (*plain, *drawn, *tricky, *many)]


@effective.domain
def effective_domain(counts):
    return len(counts) > 0 and np.all(counts >= 0) and 0 < counts.sum() <= MOST_SAMPLES


@effective.mistake
def effective_careless(counts):
    """Right as long as every class occurs; with a count of 0 it is nan. How do you keep that class out of the
    logarithm?"""
    share = counts / np.sum(counts)
    return np.exp(-np.sum(careless(share, share)))


@effective.mistake(term=ZEROS)
def effective_unnormalised(counts, term):
    """You took counts for probabilities. They do not sum to 1: what turns counts into shares?"""
    return np.exp(-np.sum(term(counts, counts)))


@effective.mistake
def effective_softmax(counts):
    """You put the counts through a softmax. That is for logits; counts become shares in a simpler way. What should
    twice as many samples of every class change?"""
    share = np.exp(counts - np.max(counts))
    return effective_classes(share)


@effective.mistake(term=ZEROS)
def effective_two_to_nats(counts, term):
    """You raised 2 to an entropy in nats. Which base undoes the natural logarithm?"""
    share = counts / np.sum(counts)
    return 2 ** -np.sum(term(share, share))


@effective.mistake(term=ZEROS)
def effective_exp_of_bits(counts, term):
    """You took exp of an entropy in bits. Which base undoes the logarithm to base 2, or which unit undoes exp?"""
    share = counts / np.sum(counts)
    return np.exp(-np.sum(term(share, share)) / np.log(2))


@effective.mistake(term=ZEROS)
def effective_as_entropy(counts, term):
    """That is the entropy in nats: four equally frequent classes give 1.3863. What turns it into 4?"""
    share = counts / np.sum(counts)
    return -np.sum(term(share, share))


@effective.mistake(term=ZEROS)
def effective_without_minus(counts, term):
    """Yours is below 1, and one class is the least there is. Which sign does an entropy have?"""
    share = counts / np.sum(counts)
    return np.exp(np.sum(term(share, share)))


@effective.mistake
def effective_mean_of_exp(counts):
    """That counts every class that occurs as one whole class, however rare. (Averaging exp(−log p) does that too.) In
    which order come the mean and exp?"""
    share = counts[counts > 0] / np.sum(counts)
    return np.sum(share * np.exp(-np.log(share)))


@effective.mistake
def effective_by_squares(counts):
    """1 / Σ p² is a number of classes too (it belongs to the Brier score). Which one comes from −log p?"""
    return 1 / np.sum((counts / np.sum(counts)) ** 2)


@effective.mistake
def effective_all_classes(counts):
    """That is the number of classes in the list. How often does each one occur?"""
    return len(counts)


@effective.mistake
def effective_of_shares(counts):
    """These are the shares, the first step. One number is asked for: what is their entropy?"""
    return counts / np.sum(counts)


@effective.mistake
def effective_inverse_of_largest(counts):
    """1 over the largest share reads one class only. Where do the others count?"""
    return np.sum(counts) / np.max(counts)


@effective.mistake(small=SMALL_NUMBERS[1:])
def effective_padded(counts, small):
    """The small number inside the logarithm hides the nan, but now every result is a little off, and a single
    class counts for less than 1. Which entries need help?"""
    share = counts / np.sum(counts)
    return np.exp(-np.sum(share * np.log(share + small)))
