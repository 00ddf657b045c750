"""Exercises of chapter 2: entropy, divergence, effective classes, and which scores are proper."""

from collections.abc import Callable
from functools import partial

import numpy as np

from xent_helpers.exercises.record import Exercise, Mistake, Must
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

NEVER_NEGATIVE = Must("is never negative", lambda value, *_: value >= 0)
SMALL_NUMBERS = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12)  # what people add inside a logarithm

# Most wrong formulas are written without care for zeros, some with it. Each is in the catalogue both ways: `term(a, b)`
# stands for a · log b, once with 0 · log 0 = 0 and once as it comes.
ZERO = (
    " Then look at the zeros: 0 · log 0 must be 0, and NumPy makes it nan. How do you keep them out of the logarithm?"
)


def careful(a, b):
    with np.errstate(divide="ignore"):
        return a * np.log(np.where((a == 0) & (b == 0), 1.0, b))


def careless(a, b):
    with np.errstate(divide="ignore", invalid="ignore"):
        return a * np.log(b)


def both_ways(wrong: Callable, message: str) -> tuple[Mistake, Mistake]:
    """The mistake with zeros treated rightly, and the mistake joined by the careless logarithm."""
    return Mistake(partial(wrong, term=careful), message), Mistake(partial(wrong, term=careless), message + ZERO)


# 2.1 ---------------------------------------------------------------------------------------------------------


def entropy_of(p):
    occurs = p > 0
    return -np.sum(p[occurs] * np.log(p[occurs]))


def entropy_careless(p):
    return -np.sum(careless(p, p))


def entropy_padded(p, small):
    return -np.sum(p * np.log(p + small))


def entropy_clipped(p, small):
    p = np.clip(p, small, 1)
    return -np.sum(p * np.log(p))


def entropy_without_minus(p, term):
    return np.sum(term(p, p))


def entropy_in_bits(p, term):
    return -np.sum(term(p, p)) / np.log(2)


def entropy_base_ten(p, term):
    return -np.sum(term(p, p)) / np.log(10)


def entropy_mean_over_classes(p, term):
    return -np.mean(term(p, p))


def entropy_as_perplexity(p, term):
    return np.exp(-np.sum(term(p, p)))


def entropy_unweighted(p):
    with np.errstate(divide="ignore"):
        return -np.mean(np.log(p))


def entropy_of_favourite(p):
    return -np.log(np.max(p))


def entropy_as_gini(p):
    return 1 - np.sum(p**2)


def entropy_each_class(p):
    return -careful(p, p)


def entropy_each_class_careless(p):
    return -careless(p, p)


def entropy_as_coins(p, term):
    return -np.sum(term(p, p) + term(1 - p, 1 - p))


def entropy_relative(p, term):
    return -np.sum(term(p, p)) / np.log(len(p))


def entropy_inputs(rng):
    plain = [[0.5, 0.5], [0.2, 0.7, 0.1], [0.25] * 4]
    many = [np.full(2000, 1 / 2000)]  # small probabilities, where a small number added to them shows
    drawn = [rng.dirichlet(np.ones(c)) for c in rng.integers([2, 4, 10], [4, 9, 40])]
    tricky = [[0.5, 0.5, 0.0, 0.0], [0.0, 0.9, 0.1], [0.0, 0.0, 1.0], np.append(rng.dirichlet(np.ones(3)), [0.0, 0.0])]
    return [(np.array(p),) for p in (*plain, *many, *drawn, *tricky)]


def entropy_domain(p):
    return len(p) > 1 and np.all(p >= 0) and np.isclose(p.sum(), 1, rtol=0, atol=1e-9)


ENTROPY = Exercise(
    key="2.1",
    task="Return the entropy of the probabilities p (C,) in nats; a p_c may be 0.",
    reference=entropy_of,
    inputs=entropy_inputs,
    mistakes=(
        Mistake(
            entropy_careless,
            "Right as long as no probability is 0; then it is nan. 0 · log 0 must be 0, because x log x goes to 0 with "
            "x. How do you keep the zeros out of the logarithm?",
        ),
        *(
            Mistake(
                partial(entropy_padded, small=small),
                "The small number inside the logarithm hides the nan, but now every entropy is off, and a certainty "
                "has a negative one. Which entries need help, and can the others be left alone?",
            )
            for small in SMALL_NUMBERS
        ),
        *(
            Mistake(
                partial(entropy_clipped, small=small),
                "You raise each 0 to a small number, so what never comes costs a little, and the probabilities add up "
                "to more than 1. What is 0 · log 0 to be, exactly?",
            )
            for small in SMALL_NUMBERS
        ),
        *both_ways(
            entropy_without_minus, "Your entropies are negative. A surprise is −log p: where did its minus sign go?"
        ),
        *both_ways(
            entropy_in_bits,
            "These are bits: a fair coin gives 1. In nats it gives 0.6931. Which logarithm belongs to nats?",
        ),
        *both_ways(entropy_base_ten, "You took the logarithm to base 10. Which base does np.log have?"),
        *both_ways(
            entropy_mean_over_classes,
            "You divided by the number of classes. The mean is already in the formula: which factor says how often "
            "each surprise comes?",
        ),
        *both_ways(
            entropy_as_perplexity,
            "That is the perplexity, a number of classes: a fair coin gives 2. What is its logarithm called?",
        ),
        Mistake(
            entropy_unweighted,
            "You gave every class the same weight, so a class that never comes surprises without end. How often does "
            "each surprise come?",
        ),
        Mistake(
            entropy_of_favourite,
            "That is the surprise of the most probable class, the least one there is. What about the days on which "
            "another class comes?",
        ),
        Mistake(
            entropy_as_gini,
            "1 − Σ p² is the best expected Brier score, without any logarithm. Which cost does entropy average?",
        ),
        Mistake(
            entropy_each_class,
            "These are the terms −p log p of the classes. One number is asked for: what joins them?",
        ),
        Mistake(
            entropy_each_class_careless,
            "These are the terms −p log p of the classes. One number is asked for: what joins them?" + ZERO,
        ),
        *both_ways(
            entropy_as_coins,
            "You add −(1 − p) log(1 − p) for every class, as if each were a coin of its own. One class comes: which "
            "probability belongs to its surprise?",
        ),
        *both_ways(
            entropy_relative,
            "You divided by log C, which makes every uniform distribution 1. In which unit is the entropy asked for?",
        ),
    ),
    domain=entropy_domain,
    tolerance=1e-12,
    must=(NEVER_NEGATIVE, Must("is at most log C", lambda h, p: h <= np.log(len(p)) + 1e-9)),
    slips=(NEGATIVE, *BASES, OVER_SAMPLES, HALVED, DOUBLED, *EPSILONS),  # N stands for the length of p here, C
    hints=(
        "Each class has its surprise −log p_c and comes with probability p_c. Take the mean.",
        "Try your function on (1, 0, 0) before you check it: what should the entropy of a certainty be?",
        "p[p > 0] keeps the classes that can come.",
    ),
    afterwards="Compare it with information.entropy and scipy.special.entr(p).sum().",
)

# 2.2 ---------------------------------------------------------------------------------------------------------


def mean_divergence(q, p):
    occurs = q > 0
    with np.errstate(divide="ignore"):
        log_ratio = np.log(np.where(occurs, q, 1.0)) - np.log(np.where(occurs, p, 1.0))
    return np.mean(np.sum(q * log_ratio, axis=1))


def divergence_terms(q, p, term):
    return term(q, q) - term(q, p)


def divergence_careless(q, p):
    with np.errstate(invalid="ignore"):
        return np.mean(np.sum(divergence_terms(q, p, careless), axis=1))


def divergence_padded(q, p, small):
    return np.mean(np.sum(q * np.log((q + small) / (p + small)), axis=1))


def divergence_padded_below(q, p, small):
    return np.mean(np.sum(careful(q, q) - q * np.log(p + small), axis=1))


def divergence_clipped(q, p, small):
    q, p = np.clip(q, small, 1), np.clip(p, small, 1)
    return np.mean(np.sum(q * np.log(q / p), axis=1))


def divergence_each_row(q, p, term):
    return np.sum(divergence_terms(q, p, term), axis=1)


def divergence_of_absolute_terms(q, p, term):
    return np.mean(np.sum(np.abs(divergence_terms(q, p, term)), axis=1))


def divergence_unweighted(q, p):
    return np.mean(np.sum(np.log(q) - np.log(p), axis=1))


def divergence_as_squares(q, p):
    return np.mean(np.sum((q - p) ** 2, axis=1))


def divergence_reversed(q, p, term):
    with np.errstate(invalid="ignore"):
        return np.mean(np.sum(divergence_terms(p, q, term), axis=1))


def divergence_over_entries(q, p, term):
    with np.errstate(invalid="ignore"):
        return np.mean(divergence_terms(q, p, term))


def divergence_summed(q, p, term):
    with np.errstate(invalid="ignore"):
        return np.sum(divergence_terms(q, p, term))


def divergence_in_bits(q, p, term):
    with np.errstate(invalid="ignore"):
        return np.mean(np.sum(divergence_terms(q, p, term), axis=1)) / np.log(2)


def divergence_negative(q, p, term):
    with np.errstate(invalid="ignore"):
        return -np.mean(np.sum(divergence_terms(q, p, term), axis=1))


def divergence_as_cross_entropy(q, p, term):
    return -np.mean(np.sum(term(q, p), axis=1))


def divergence_symmetric(q, p, term):
    with np.errstate(invalid="ignore"):
        both = divergence_terms(q, p, term) + divergence_terms(p, q, term)
        return np.mean(np.sum(both, axis=1)) / 2


def divergence_along_samples(q, p, term):
    with np.errstate(invalid="ignore"):
        return np.mean(np.sum(divergence_terms(q, p, term), axis=0))


def divergence_inputs(rng):
    plain = [
        ([[0.9, 0.1]], [[0.5, 0.5]]),
        ([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], [[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]]),
    ]
    shapes = [*rng.integers([(2, 3), (5, 6), (1, 4)], [(6, 5), (12, 15), (3, 8)]), (4, 4)]
    drawn = [(rng.dirichlet(np.ones(c), n), rng.dirichlet(np.ones(c), n)) for n, c in shapes]
    small = [([[0.5, 0.5]], [[1e-6, 1 - 1e-6]])]  # a small number added to p would show
    tricky = [
        ([[0.0, 1.0, 0.0], [0.5, 0.5, 0.0]], [[0.2, 0.7, 0.1], [0.4, 0.4, 0.2]]),  # the truth has zeros
        ([[0.25, 0.75, 0.0]], [[0.5, 0.5, 0.0]]),  # and the belief has one in the same place
        ([[0.3, 0.3, 0.4], [0.5, 0.5, 0.0]], [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]]),  # ruled out, but it can come
    ]
    return [(np.array(q), np.array(p)) for q, p in (*plain, *drawn, *small, *tricky)]


def divergence_domain(q, p):
    rows = [np.all(r >= 0) and np.allclose(r.sum(axis=1), 1, rtol=0, atol=1e-9) for r in (q, p)]
    return q.shape == p.shape and len(q) > 0 and q.shape[1] > 1 and all(rows)


DIVERGENCE = Exercise(
    key="2.2",
    task="Return the mean over the rows of KL(q‖p) in nats, q (N, C) the truths and p (N, C) the beliefs.",
    reference=mean_divergence,
    inputs=divergence_inputs,
    mistakes=(
        Mistake(
            divergence_careless,
            "Right as long as no q_c is 0; then it is nan. What never comes costs nothing, whatever was believed: "
            "how do you keep 0 · log 0 out?",
        ),
        *(
            Mistake(
                partial(wrong, small=small),
                "The small numbers hide the nan, but they also hide that a belief which rules out what can come costs "
                "infinitely much. Which case has a right answer without help, and which one needs it?",
            )
            for wrong in (divergence_padded, divergence_padded_below, divergence_clipped)
            for small in SMALL_NUMBERS
        ),
        *both_ways(
            divergence_reversed,
            "You computed KL(p‖q): the belief sets the weights. The two directions differ. Who decides how often a "
            "class comes, the truth or the belief?",
        ),
        *both_ways(
            divergence_over_entries,
            "You averaged over all N · C entries, so each divergence came out divided by C as well. (PyTorch's "
            "KLDivLoss does that with reduction='mean'; 'batchmean' is the mean over rows.) What belongs along a row?",
        ),
        *both_ways(
            divergence_summed, "You added the rows up. What would happen if every row came twice, and should it?"
        ),
        *both_ways(
            divergence_in_bits,
            "These are bits. A nat is 1.4427 bits: which logarithm, or which factor, gives nats?",
        ),
        *both_ways(
            divergence_negative,
            "Yours is negative, and a divergence never is. Which of q and p stands on top inside the logarithm?",
        ),
        *both_ways(
            divergence_as_cross_entropy,
            "That is the cross-entropy: it is not 0 when q and p agree. Which part of it belongs to q alone?",
        ),
        *both_ways(
            divergence_symmetric,
            "You took the mean of both directions. That is a measure too, but a belief pays only for what comes: which "
            "distribution are the outcomes drawn from?",
        ),
        *both_ways(
            divergence_along_samples,
            "You added along the samples and averaged over the classes. Along which axis does a distribution sum to 1?",
        ),
        *both_ways(
            divergence_each_row, "That is the divergence of each row. One number is asked for: which one of them all?"
        ),
        *both_ways(
            divergence_of_absolute_terms,
            "You made every term positive. A class of which p believes too much has a negative one: what would KL(q‖p) "
            "be without it?",
        ),
        Mistake(
            divergence_unweighted,
            "You gave every class the same weight. How often does each surprise come, if the truth is q?",
        ),
        Mistake(
            divergence_as_squares,
            "That is the squared distance, which the Brier score charges beyond its best. What does the log score "
            "charge?",
        ),
    ),
    domain=divergence_domain,
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

# 2.3 ---------------------------------------------------------------------------------------------------------


def effective_classes(counts):
    share = counts[counts > 0] / np.sum(counts)
    return np.exp(-np.sum(share * np.log(share)))


def effective_unnormalised(counts, term):
    return np.exp(-np.sum(term(counts, counts)))


def effective_softmax(counts):
    share = np.exp(counts - np.max(counts))
    return effective_classes(share)


def effective_two_to_nats(counts, term):
    share = counts / np.sum(counts)
    return 2 ** -np.sum(term(share, share))


def effective_exp_of_bits(counts, term):
    share = counts / np.sum(counts)
    return np.exp(-np.sum(term(share, share)) / np.log(2))


def effective_as_entropy(counts, term):
    share = counts / np.sum(counts)
    return -np.sum(term(share, share))


def effective_without_minus(counts, term):
    share = counts / np.sum(counts)
    return np.exp(np.sum(term(share, share)))


def effective_mean_of_exp(counts):
    share = counts[counts > 0] / np.sum(counts)
    return np.sum(share * np.exp(-np.log(share)))


def effective_careless(counts):
    share = counts / np.sum(counts)
    return np.exp(-np.sum(careless(share, share)))


def effective_by_squares(counts):
    return 1 / np.sum((counts / np.sum(counts)) ** 2)


def effective_all_classes(counts):
    return len(counts)


def effective_of_shares(counts):
    return counts / np.sum(counts)


def effective_inverse_of_largest(counts):
    return np.sum(counts) / np.max(counts)


def effective_padded(counts, small):
    share = counts / np.sum(counts)
    return np.exp(-np.sum(share * np.log(share + small)))


def effective_inputs(rng):
    plain = [[10, 10, 10, 10], [50, 30, 20], [4, 2, 1, 1]]
    drawn = [rng.integers(1, 60, c) for c in rng.integers([2, 4, 10], [4, 9, 30])]
    tricky = [[5, 0, 5, 0], [9, 0, 0], [40, 3, 0, 1], np.append(rng.integers(1, 60, 4), 0), np.ones(500)]
    return [(np.array(counts, dtype=float),) for counts in (*plain, *drawn, *tricky)]


def effective_domain(counts):
    return len(counts) > 0 and np.all(counts >= 0) and np.all(counts == np.round(counts)) and counts.sum() > 0


EFFECTIVE = Exercise(
    key="2.3",
    task="Return the effective number of classes, the perplexity of the shares, from the counts (C,) of each class.",
    reference=effective_classes,
    inputs=effective_inputs,
    mistakes=(
        Mistake(
            effective_careless,
            "Right as long as every class occurs; with a count of 0 it is nan. How do you keep that class out of the "
            "logarithm?",
        ),
        *both_ways(
            effective_unnormalised,
            "You took counts for probabilities. They do not sum to 1: what turns counts into shares?",
        ),
        Mistake(
            effective_softmax,
            "You put the counts through a softmax. That is for logits; counts become shares in a simpler way. What "
            "should twice as many samples of every class change?",
        ),
        *both_ways(
            effective_two_to_nats,
            "You raised 2 to an entropy in nats. Which base undoes the natural logarithm?",
        ),
        *both_ways(
            effective_exp_of_bits,
            "You took exp of an entropy in bits. Which base undoes the logarithm to base 2, or which unit undoes exp?",
        ),
        *both_ways(
            effective_as_entropy,
            "That is the entropy in nats: four equally frequent classes give 1.3863. What turns it into 4?",
        ),
        *both_ways(
            effective_without_minus,
            "Yours is below 1, and one class is the least there is. Which sign has an entropy?",
        ),
        Mistake(
            effective_mean_of_exp,
            "That counts every class that occurs as one whole class, however rare. (Averaging exp(−log p) does that "
            "too.) In which order come the mean and exp?",
        ),
        Mistake(
            effective_by_squares,
            "1 / Σ p² is a number of classes too (it belongs to the Brier score). Which one comes from −log p?",
        ),
        Mistake(effective_all_classes, "That is the number of classes in the list. How often does each one come?"),
        Mistake(
            effective_of_shares,
            "These are the shares, the first step. One number is asked for: what is their entropy?",
        ),
        Mistake(
            effective_inverse_of_largest,
            "1 over the largest share hears of one class only. Where do the others come in?",
        ),
        *(
            Mistake(
                partial(effective_padded, small=small),
                "The small number inside the logarithm hides the nan, but now every result is a little off, and one "
                "class comes out below 1. Which entries need help?",
            )
            for small in SMALL_NUMBERS
        ),
    ),
    domain=effective_domain,
    tolerance=1e-10,
    must=(
        Must("is at least 1", lambda k, counts: k >= 1 - 1e-9),
        Must("is at most the number of classes that occur", lambda k, counts: k <= np.sum(counts > 0) + 1e-9),
    ),
    slips=(NEGATIVE, OVER_SAMPLES, HALVED, DOUBLED, *EPSILONS),  # N stands for the length of counts here, C
    hints=(
        "First shares, then the entropy of 2.1, then exp.",
        "Check by hand: equal counts in k classes must give k, and (9, 0, 0) must give 1.",
    ),
    afterwards="Compute it for the labels of data.digits(): ten classes, and how many in effect?",
)

# 2.4 ---------------------------------------------------------------------------------------------------------


def marks_of_the_scores():
    a, b, c, d, e, f = 2, 0, 0, 2, 1, 0
    return [a, b, c, d, e, f]


def marks(a=2, b=0, c=0, d=2, e=1, f=0):
    return [a, b, c, d, e, f]


BITS = "You marked score a down. It is the log score in bits: does a constant factor move the place of a minimum?"
LINEAR = "Score b is the absolute error. At truth 0.7, which report does section 2.11 find cheapest?"
SQUARE = (
    "Score c squares one term only. With two classes that is half the Brier score. With three: for the truth "
    "(0.6, 0.3, 0.1), compare the expected c of the truth with that of (0.65, 0.35, 0). Which is lower?"
)
BRIER = "Score d is the Brier score. What does equation 2.13 say about its expected value?"
ACCURACY = (
    "Score e counts errors, and takes the first of equal ones. The truth is never beaten, but is it the only best "
    "report? Look at (0.7, 0.3, 0) and (1, 0, 0) when the first class is the most probable."
)
PENALTY = (
    "Score f adds a reward for spread-out reports to a strictly proper score. At the truth the first part is flat: "
    "which way does the reward pull?"
)

PROPER = Exercise(
    key="2.4",
    task="Set my_marks to a list of six marks, for the scores a to f: 2 strictly proper, 1 proper only, 0 not proper.",
    reference=marks_of_the_scores,
    inputs=lambda rng: [()],
    mistakes=(
        *(Mistake(partial(marks, a=mark), BITS) for mark in (0, 1)),
        *(Mistake(partial(marks, b=mark), LINEAR) for mark in (1, 2)),
        *(Mistake(partial(marks, c=mark), SQUARE) for mark in (1, 2)),
        *(Mistake(partial(marks, d=mark), BRIER) for mark in (0, 1)),
        *(Mistake(partial(marks, e=mark), ACCURACY) for mark in (0, 2)),
        *(Mistake(partial(marks, f=mark), PENALTY) for mark in (1, 2)),
        *(Mistake(partial(marks, c=2, e=mark), SQUARE + " " + ACCURACY) for mark in (0, 2)),
        *(Mistake(partial(marks, c=2, f=mark), SQUARE + " " + PENALTY) for mark in (1, 2)),
        *(Mistake(partial(marks, e=mark, f=2), ACCURACY + " " + PENALTY) for mark in (0, 2)),
        *(Mistake(partial(marks, c=2, e=mark, f=2), " ".join((SQUARE, ACCURACY, PENALTY))) for mark in (0, 2)),
    ),
    hints=(
        "Proper: no report has a smaller expected score than the truth. Strictly: every other report has a larger one.",
        "Fix a truth such as (0.6, 0.3, 0.1) and try reports near it, in code, score by score.",
    ),
    afterwards="Accuracy (score e) is proper and yet useless for probabilities: that is what strictness is for.",
)

EXERCISES = (ENTROPY, DIVERGENCE, EFFECTIVE, PROPER)
