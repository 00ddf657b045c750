"""Exercises of chapter 9: perplexity, bits per byte, accumulated gradients, pieces of a row, the next token's loss."""

import numpy as np

from xent_helpers.exercises.record import Exercise, Mistake, Must
from xent_helpers.exercises.slips import BASES, DOUBLED, EPSILONS, HALVED, NEGATIVE
from xent_helpers.losses import log_softmax

NEVER_NEGATIVE = Must("is never negative", lambda came, *_: came >= 0)

# 9.1 ---------------------------------------------------------------------------------------------------------


def perplexity_of_both():
    mean_nats = (np.log(2) + np.log(8)) / 2
    return np.exp(mean_nats)


def mean_of_perplexities():
    return 5.0


def exp_of_summed_nats():
    return 16.0


def mean_nats():
    return np.log(4)


def mean_bits():
    return 2.0


def e_to_the_bits():
    return np.exp(2.0)


def two_to_the_nats():
    return 2.0 ** np.log(4)


def harmonic_mean():
    return 3.2


def sum_of_perplexities():
    return 10.0


PERPLEXITY = Exercise(
    key="9.1",
    task="Give the perplexity on both texts together, which are equally long and have the perplexities 2 and 8.",
    reference=perplexity_of_both,
    inputs=lambda rng: [()],
    mistakes=(
        Mistake(
            mean_of_perplexities,
            "That is the mean of the perplexities, the mean of two exponentials. Which quantity adds up over texts, "
            "and when does the exponential come?",
        ),
        Mistake(
            exp_of_summed_nats,
            "You added up the mean losses of both texts. A perplexity is made of one mean: over how many parts?",
        ),
        Mistake(mean_nats, "That is the mean loss in nats. What turns nats into a perplexity?"),
        Mistake(mean_bits, "That is the mean loss in bits, (1 + 3)/2. What turns bits into a perplexity?"),
        Mistake(e_to_the_bits, "You raised e to the mean loss in bits, 2. Which base belongs to bits?"),
        Mistake(two_to_the_nats, "You raised 2 to the mean loss in nats. Which base belongs to nats?"),
        Mistake(
            harmonic_mean,
            "That is the harmonic mean, 2/(1/2 + 1/8). Which mean does a mean of logarithms lead to?",
        ),
        Mistake(
            sum_of_perplexities,
            "You added the perplexities. What can be added over texts is their loss: how large is each?",
        ),
    ),
    hints=("A perplexity of 2 is a mean loss of log 2.", "Average the two losses, then take the exponential."),
    afterwards="It is the geometric mean, √(2 · 8). With texts of unequal length the losses are weighted by tokens.",
    slips=(NEGATIVE,),
)

# 9.2 ---------------------------------------------------------------------------------------------------------


def bits_per_byte(nats, valid, n_bytes):
    return nats[valid].sum() / np.log(2) / n_bytes


def bits_per_token(nats, valid, n_bytes):
    return nats[valid].mean() / np.log(2)


def nats_per_byte(nats, valid, n_bytes):
    return nats[valid].sum() / n_bytes


def times_log_two(nats, valid, n_bytes):
    return nats[valid].sum() * np.log(2) / n_bytes


def padding_paid(nats, valid, n_bytes):
    return nats.sum() / np.log(2) / n_bytes


def mean_over_places(nats, valid, n_bytes):
    return nats.mean() / np.log(2)


def divided_twice(nats, valid, n_bytes):
    return nats[valid].mean() / np.log(2) / n_bytes


def nats_per_token(nats, valid, n_bytes):
    return nats[valid].mean()


def bits_in_all(nats, valid, n_bytes):
    return nats[valid].sum() / np.log(2)


def perplexity_instead(nats, valid, n_bytes):
    return np.exp(nats[valid].mean())


def bytes_per_bit(nats, valid, n_bytes):
    return n_bytes * np.log(2) / nats[valid].sum()


def bits_inputs(rng):
    cases = [(np.array([[np.log(2), np.log(2), 1.0]]), np.array([[True, True, False]]), 4)]
    for rows in rng.integers(1, 6, 3):
        places = rng.integers(2, 9)
        valid = np.arange(places) < rng.integers(1, places + 1, (rows, 1))
        valid[0] = np.arange(places) < places - 1  # some padding, paid for by who forgets the mask
        nats = rng.exponential(3, (rows, places)) + 0.1
        cases.append((nats, valid, int(valid.sum() * rng.integers(2, 6) + 1)))
    return cases


def bits_domain(nats, valid, n_bytes):
    return nats.shape == valid.shape and valid.any() and np.all(nats > 0) and n_bytes >= 1


BITS = Exercise(
    key="9.2",
    task="Return the bits per byte, from nats (B, T), a mask valid (B, T) and the number of bytes.",
    reference=bits_per_byte,
    inputs=bits_inputs,
    mistakes=(
        Mistake(
            bits_per_token,
            "These are bits per *token*: you divided by the number of labels. What is to be divided by here?",
        ),
        Mistake(nats_per_byte, "These are nats per byte. How many nats is one bit?"),
        Mistake(
            times_log_two,
            "You multiplied by log 2. A nat is more than a bit, so is the number in bits larger or smaller?",
        ),
        Mistake(padding_paid, "The padding is paid for, too. Which places have a label?"),
        Mistake(
            mean_over_places,
            "That is a mean over all places, the padding among them, per token. Which nats count, and what are they "
            "divided by?",
        ),
        Mistake(divided_twice, "You divided twice, by the labels and by the bytes. Which of the two is meant?"),
        Mistake(
            nats_per_token,
            "That is the mean loss, in nats per token. Which two things change on the way to bits per byte?",
        ),
        Mistake(bits_in_all, "That is the size of the whole text in bits. And per byte?"),
        Mistake(
            perplexity_instead,
            "That is the perplexity. Bits per byte has no exponential. Where does the logarithm's base come in?",
        ),
        Mistake(bytes_per_bit, "This is upside down, bytes per bit. Which one is divided by which?"),
    ),
    hints=("Add up the nats of the places that have a label.", "1 bit is log 2 nats."),
    afterwards="No count of tokens is in it. That is why models with different tokens can be compared by it.",
    domain=bits_domain,
    must=(NEVER_NEGATIVE,),
    slips=(NEGATIVE, HALVED, DOUBLED, *EPSILONS),
)

# 9.3 ---------------------------------------------------------------------------------------------------------


def accumulated_gradient(means, counts):
    filled = counts > 0  # the mean of nothing is NaN, and 0 · NaN is NaN
    return counts[filled] @ means[filled] / counts.sum()


def mean_of_means(means, counts):
    return means.mean(axis=0)


def mean_of_filled_means(means, counts):
    return means[counts > 0].mean(axis=0)


def empty_counts_as_zero(means, counts):
    return np.where(counts[:, None] > 0, means, 0.0).mean(axis=0)


def poisoned(means, counts):
    return counts @ means / counts.sum()


def summed_gradient(means, counts):
    return counts[counts > 0] @ means[counts > 0]


def over_batches(means, counts):
    return counts[counts > 0] @ means[counts > 0] / len(counts)


def means_added(means, counts):
    return means[counts > 0].sum(axis=0)


def means_over_labels(means, counts):
    return means[counts > 0].sum(axis=0) / counts.sum()


def weighted_the_other_way(means, counts):
    weights = 1 / counts[counts > 0]
    return weights @ means[counts > 0] / weights.sum()


def gradient_inputs(rng):
    cases = [(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([4, 1]))]
    for batches in rng.integers(2, 7, 3):
        counts = rng.integers(1, 9, batches)
        counts[0] = counts[-1] + 1  # never all equal
        cases.append((rng.normal(size=(batches, rng.integers(1, 6))), counts))
    means, counts = rng.normal(size=(4, 2)), np.array([5, 0, 2, rng.integers(1, 9)])
    means[1] = np.nan
    return [*cases, (means, counts)]


def gradient_domain(means, counts):
    if len(means) != len(counts) or not np.all(counts >= 0) or not counts.sum():
        return False
    return np.isnan(means[counts == 0]).all() and np.isfinite(means[counts > 0]).all()


GRADIENT = Exercise(
    key="9.3",
    task="Return the gradient (D,) of the mean over all valid labels, from means (K, D) and counts (K,).",
    reference=accumulated_gradient,
    inputs=gradient_inputs,
    mistakes=(
        Mistake(
            mean_of_means,
            "This is the mean of means: a label in a small micro-batch counts more than one in a large one. Which "
            "weight makes all labels equal?",
        ),
        Mistake(
            mean_of_filled_means,
            "You left out the empty micro-batch, which is right. The others are averaged as equals. Is each label then "
            "worth the same?",
        ),
        Mistake(
            empty_counts_as_zero,
            "This is a mean of means in which the empty micro-batch counts as a zero. Which weight makes all labels "
            "equal?",
        ),
        Mistake(
            poisoned,
            "The weights are right. But a micro-batch may have no label, and 0 times NaN is NaN. How do you keep it "
            "out?",
        ),
        Mistake(summed_gradient, "This is the gradient of the sum over all labels. What does a mean divide by?"),
        Mistake(
            over_batches,
            "You added up the sums and divided by the number of micro-batches. By how many *labels* must it be?",
        ),
        Mistake(
            means_added,
            "The means are added up, so with more micro-batches the step grows. Which weight does each one get?",
        ),
        Mistake(
            means_over_labels,
            "You divided by all labels, but added up means, not sums. What turns a mean back into a sum?",
        ),
        Mistake(
            weighted_the_other_way,
            "You weighted by 1/count, which lets small micro-batches shout louder still. Which way round?",
        ),
    ),
    hints=(
        "counts[k] * means[k] is the sum of micro-batch k's gradients.",
        "Add up the sums of the micro-batches that have labels, and divide once by all labels.",
    ),
    afterwards="np.average(means, axis=0, weights=counts) does the same, as long as no count is 0.",
    domain=gradient_domain,
    slips=(NEGATIVE, HALVED, DOUBLED),
)

# 9.4 ---------------------------------------------------------------------------------------------------------


def logsumexp_of_pieces(pieces):
    m, s = -np.inf, 0.0
    for z in pieces:
        m_new = max(m, z.max())
        if m_new > -np.inf:  # −∞ − (−∞) would be NaN
            s = s * np.exp(m - m_new) + np.exp(z - m_new).sum()
        m = m_new
    return m + np.log(s) if s > 0 else m


def merged(pieces, rescale):
    """The running maximum and sum, with ``rescale(m, m_new)`` where exp(m − m_new) belongs."""
    m, s = -np.inf, 0.0
    for z in pieces:
        m_new = max(m, z.max())
        if m_new > -np.inf:
            s = (s * rescale(m, m_new) if s else 0.0) + np.exp(z - m_new).sum()
        m = m_new
    return m + np.log(s) if s > 0 else m


def not_rescaled(pieces):
    return merged(pieces, lambda m, m_new: 1.0)


def rescaled_the_other_way(pieces):
    return merged(pieces, lambda m, m_new: np.exp(m_new - m))


def without_a_shift(pieces):
    return np.log(sum(np.exp(z).sum() for z in pieces))


def shifted_by_the_first(pieces):
    m = pieces[0].max()
    return m + np.log(sum(np.exp(z - m).sum() for z in pieces))


def empty_piece_unguarded(pieces):
    m, s = -np.inf, 0.0
    for z in pieces:
        m_new = max(m, z.max())
        s = s * np.exp(m - m_new) + np.exp(z - m_new).sum()
        m = m_new
    return m + np.log(s)


def largest_piece(pieces):
    return max(logsumexp_of_pieces([z]) for z in pieces)


def pieces_added(pieces):
    return sum(logsumexp_of_pieces([z]) for z in pieces)


def last_piece(pieces):
    return logsumexp_of_pieces(pieces[-1:])


def maximum_alone(pieces):
    return pieces.max()


def maximum_not_added(pieces):
    return logsumexp_of_pieces(pieces) - pieces.max()


def piece_inputs(rng):
    far = np.array([[-1e4, 3.0], [1e4, 9999.0], [9998.0, -1e4]])
    masked = np.array([[-np.inf, -np.inf], [1.0, -np.inf], [-np.inf, -np.inf], [2.0, 0.0]])
    cases = [np.array([[0.0, 1.0], [3.0, -1.0]])]
    for count in rng.integers(2, 6, 3):
        cases.append(rng.normal(scale=3, size=(count, rng.integers(1, 6))))
        cases.append(cases[-1][::-1].copy())
    return [(pieces,) for pieces in (*cases, far, far[::-1].copy(), masked)]


def piece_domain(pieces):
    return pieces.ndim == 2 and pieces.size > 0 and np.all(pieces < np.inf) and np.any(pieces > -np.inf)


PIECES = Exercise(
    key="9.4",
    task="Return log Σ exp over all entries of pieces (K, W), seen row by row; entries may be ±10,000, or −∞.",
    reference=logsumexp_of_pieces,
    inputs=piece_inputs,
    mistakes=(
        Mistake(
            not_rescaled,
            "The running sum is not rescaled: it still counts relative to the old maximum when a new one comes. Which "
            "factor moves it over?",
        ),
        Mistake(
            rescaled_the_other_way,
            "The old sum is multiplied by exp(m_new − m). The new maximum is larger: should the old part grow, or "
            "shrink?",
        ),
        Mistake(
            without_a_shift,
            "Without a shift the exponential of 10,000 overflows. What may be subtracted first, and added at the end?",
        ),
        Mistake(
            shifted_by_the_first,
            "You shift by the first piece's maximum throughout. A later piece may be far larger, or the first one all "
            "−∞. When must the shift change?",
        ),
        Mistake(
            empty_piece_unguarded,
            "Everything is right until a piece is all −∞: then m − m_new is −∞ − (−∞), which is NaN. What should "
            "happen with a piece that holds nothing?",
        ),
        Mistake(
            largest_piece,
            "This is the largest of the pieces' log-sum-exps. The others add to it. By how much?",
        ),
        Mistake(
            pieces_added,
            "You added the log-sum-exps. That is the logarithm of the *product* of the sums. What is to be added?",
        ),
        Mistake(last_piece, "This is the log-sum-exp of the last piece. What is kept of those before?"),
        Mistake(maximum_alone, "This is the maximum of all logits, the first part of the answer. Where is log s?"),
        Mistake(maximum_not_added, "This is log s. It is relative to the maximum: what has to be added back?"),
    ),
    hints=(
        "Keep the largest logit so far, m, and s = Σ exp(z − m) of all logits so far.",
        "With a new piece: m_new = max(m, z.max()), and s = s · exp(m − m_new) + Σ exp(z − m_new).",
        "If m_new is still −∞, nothing has come yet: leave s at 0.",
    ),
    afterwards="Now think of each piece as one machine: the same merge, in any order, is a vocabulary-parallel loss.",
    domain=piece_domain,
    must=(Must("is at least the largest entry", lambda came, pieces: came >= pieces.max()),),
    slips=(NEGATIVE, *BASES, HALVED, DOUBLED, *EPSILONS),
)

# 9.5 ---------------------------------------------------------------------------------------------------------


def next_token_loss(z, tokens, pad):
    labels = tokens[:, 1:]
    valid = labels != pad
    nats = -np.take_along_axis(log_softmax(z[:, :-1]), labels[..., None], axis=-1)[..., 0]
    return nats[valid].sum() / valid.sum()


def token_nats(z, tokens, shift):
    """Nats (B, T − shift): the logits at place t asked for the token at t + shift."""
    rows, labels = z[:, : z.shape[1] - shift], tokens[:, shift:]
    return -np.take_along_axis(log_softmax(rows), labels[..., None], axis=-1)[..., 0]


def as_found(z, tokens, pad):
    return token_nats(z, tokens, 2).mean()


def shifted_twice(z, tokens, pad):
    return token_nats(z, tokens, 2)[tokens[:, 2:] != pad].mean()


def padding_counted(z, tokens, pad):
    return token_nats(z, tokens, 1).mean()


def padding_in_the_denominator(z, tokens, pad):
    return (token_nats(z, tokens, 1) * (tokens[:, 1:] != pad)).mean()


def mean_of_texts(z, tokens, pad):
    valid = tokens[:, 1:] != pad
    return np.mean((token_nats(z, tokens, 1) * valid).sum(axis=1) / valid.sum(axis=1))


def sum_of_labels(z, tokens, pad):
    return token_nats(z, tokens, 1)[tokens[:, 1:] != pad].sum()


def masked_by_the_input(z, tokens, pad):
    return token_nats(z, tokens, 1)[tokens[:, :-1] != pad].mean()


def not_shifted(z, tokens, pad):
    return token_nats(z, tokens, 0)[tokens != pad].mean()


def not_shifted_padding_counted(z, tokens, pad):
    return token_nats(z, tokens, 0).mean()


def token_inputs(rng):
    cases = []
    for texts in (1, *rng.integers(2, 5, 3)):
        places, classes = rng.integers(4, 8), int(rng.integers(3, 7))
        lengths = rng.integers(2, places, texts)  # each shorter than the array, as in a batch with a longer text
        lengths[0] = places - 1
        tokens = rng.integers(1, classes, (texts, places)) * (np.arange(places) < lengths[:, None])
        cases.append((rng.normal(scale=2, size=(texts, places, classes)), tokens, 0))
    z, tokens, pad = cases[1]
    return [*cases, (500 * z, tokens, pad)]


def token_domain(z, tokens, pad):
    if z.ndim != 3 or tokens.shape != z.shape[:2] or tokens.shape[1] < 3 or pad != 0 or not np.isfinite(z).all():
        return False
    filled = tokens != pad
    in_order = np.all(filled[:, :-1] >= filled[:, 1:])  # the padding comes last
    return in_order and filled[:, 1].all() and np.all((tokens >= 0) & (tokens < z.shape[2]))


NEXT_TOKEN = Exercise(
    key="9.5",
    task="Repair the snippet: return the mean loss of the next token over all places that have one.",
    reference=next_token_loss,
    inputs=token_inputs,
    mistakes=(
        Mistake(
            as_found,
            "This is the snippet as you found it, with its two mistakes. First, how many places ahead is the label "
            "that it asks for? Then, what do the padded places pay, and what is the sum divided by?",
        ),
        Mistake(
            shifted_twice,
            "The padding is out now. But the logits at place t are still asked for token t + 2. How often is shifted?",
        ),
        Mistake(
            padding_counted,
            "The shift is right now. The padded places still have labels and are still counted. Which labels are none?",
        ),
        Mistake(
            padding_in_the_denominator,
            "The padding pays nothing now, but it is still in the denominator. What is the sum divided by?",
        ),
        Mistake(
            mean_of_texts,
            "You took each text's mean and then their mean: a label in a short text counts more. Which two numbers are "
            "added up over the whole batch?",
        ),
        Mistake(sum_of_labels, "This is the sum over the labels. What does a mean divide by?"),
        Mistake(
            masked_by_the_input,
            "The mask is that of the inputs: the last token of a short text has a padded label, and it still counts. "
            "Whose padding matters, the input's or the label's?",
        ),
        Mistake(
            not_shifted,
            "There is no shift at all now: the logits at place t are compared with token t, which the model has seen. "
            "Which token should it guess?",
        ),
        Mistake(
            not_shifted_padding_counted,
            "There is no shift now, and the padding counts. Which token belongs to the logits at place t, and which "
            "places have one?",
        ),
    ),
    hints=(
        "z[:, t] belongs to tokens[:, t + 1]: one shift, z[:, :-1] against tokens[:, 1:].",
        "valid = labels != pad. Add up the nats there and divide by how many there are.",
    ),
    afterwards="With labels set to −100 where they are pad, losses.cross_entropy on flattened arrays gives the same.",
    domain=token_domain,
    must=(NEVER_NEGATIVE,),
    slips=(NEGATIVE, *BASES, HALVED, DOUBLED, *EPSILONS),
)

EXERCISES = (PERPLEXITY, BITS, GRADIENT, PIECES, NEXT_TOKEN)
