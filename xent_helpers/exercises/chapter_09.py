"""Exercises of chapter 9: perplexity, bits per byte, accumulated gradients, pieces of a row, the next token's loss."""

import numpy as np

from xent_helpers.exercises.constants import NEVER_NEGATIVE
from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import BASES, DOUBLED, EPSILONS, HALVED, NEGATIVE
from xent_helpers.losses import log_softmax

perplexity = Draft(
    "9.1",
    "Give the perplexity on two texts together that are equally long and have the perplexities 2 and 8.",
    slips=(NEGATIVE,),
    hints=(
        "A perplexity of 2 is a mean loss of log 2.",
        "Average the two losses, then take the exponential.",
    ),
    afterwards="It is the geometric mean, √(2 · 8). With texts of unequal length the losses are weighted by tokens.",
)


@perplexity.reference
def perplexity_of_both():
    mean_nats = (np.log(2) + np.log(8)) / 2
    return np.exp(mean_nats)


@perplexity.mistake
def mean_of_perplexities():
    """That is the mean of the perplexities, so of two exponentials. Which quantity adds up over texts, and when do you
    take the exponential?"""
    return 5.0


@perplexity.mistake
def exp_of_summed_nats():
    """You added up the mean losses of both texts. A perplexity is the exponential of a single mean: over how many
    texts?"""
    return 16.0


@perplexity.mistake
def mean_nats():
    """That is the mean loss in nats. What turns nats into a perplexity?"""
    return np.log(4)


@perplexity.mistake
def mean_bits():
    """That is the mean loss in bits, (1 + 3)/2. What turns bits into a perplexity?"""
    return 2.0


@perplexity.mistake
def e_to_the_bits():
    """You raised e to the mean loss in bits, 2. Which base goes with bits?"""
    return np.exp(2.0)


@perplexity.mistake
def two_to_the_nats():
    """You raised 2 to the mean loss in nats. Which base goes with nats?"""
    return 2.0 ** np.log(4)


@perplexity.mistake
def harmonic_mean():
    """That is the harmonic mean, 2/(1/2 + 1/8). Which mean does a mean of logarithms lead to?"""
    return 3.2


@perplexity.mistake
def sum_of_perplexities():
    """You added the perplexities. Losses can be added over texts: how large is each loss?"""
    return 10.0


bits = Draft(
    "9.2",
    "Return the bits per byte, from finite nats (B, T), a mask valid (B, T), not all False, and the number of bytes.",
    must=(NEVER_NEGATIVE,),
    slips=(NEGATIVE, HALVED, DOUBLED, *EPSILONS),
    hints=(
        "Add up the nats of the places that have a label.",
        "1 bit is log 2 nats.",
    ),
    afterwards="It contains no count of tokens, so it can compare models that cut the text into different tokens.",
)


@bits.reference
def bits_per_byte(nats, valid, n_bytes):
    return nats[valid].sum() / np.log(2) / n_bytes


@bits.inputs
def bits_inputs(rng):
    cases = [(np.array([[np.log(2), np.log(2), 1.0]]), np.array([[True, True, False]]), 4)]
    for rows in (*rng.integers(1, 6, 4), 100):
        places = rng.integers(2, 9)
        valid = np.arange(places) < rng.integers(1, places + 1, (rows, 1))
        valid[0] = np.arange(places) < places - 1  # some padding, which counts if the mask is forgotten
        nats = rng.exponential(3, (rows, places)) + 0.1
        cases.append((nats, valid, int(valid.sum() * rng.integers(2, 6) + 1)))
    nats, valid, n_bytes = cases[1]
    left, holes = valid[:, ::-1], rng.permuted(valid, axis=1)
    sure = np.array([[0.0, 100.0, 2.0]]), np.array([[True, True, False]]), 9
    return [*cases, (nats, left, n_bytes), (nats, holes, n_bytes), (1e-6 * nats, valid, 1), sure]


@bits.domain
def bits_domain(nats, valid, n_bytes):
    return nats.shape == valid.shape and valid.any() and np.all((nats >= 0) & (nats < np.inf)) and n_bytes >= 1


@bits.mistake
def bits_per_token(nats, valid, n_bytes):
    """These are bits per *token*: you divided by the number of labels. What should you divide by?"""
    return nats[valid].mean() / np.log(2)


@bits.mistake
def nats_per_byte(nats, valid, n_bytes):
    """These are nats per byte. How many nats is one bit?"""
    return nats[valid].sum() / n_bytes


@bits.mistake
def times_log_two(nats, valid, n_bytes):
    """You multiplied by log 2. A nat is more than a bit, so is the number in bits larger or smaller?"""
    return nats[valid].sum() * np.log(2) / n_bytes


@bits.mistake
def padding_paid(nats, valid, n_bytes):
    """The padding counts, too. Which places have a label?"""
    return nats.sum() / np.log(2) / n_bytes


@bits.mistake
def mean_over_places(nats, valid, n_bytes):
    """That is a mean over all places, the padding included. Which nats count, and what are they divided by?"""
    return nats.mean() / np.log(2)


@bits.mistake
def divided_twice(nats, valid, n_bytes):
    """You divided twice, by the labels and by the bytes. Which of the two should stay?"""
    return nats[valid].mean() / np.log(2) / n_bytes


@bits.mistake
def nats_per_token(nats, valid, n_bytes):
    """That is the mean loss, in nats per token. Which two things change on the way to bits per byte?"""
    return nats[valid].mean()


@bits.mistake
def bits_in_all(nats, valid, n_bytes):
    """That is the size of the whole text in bits. How many bits is that for each byte?"""
    return nats[valid].sum() / np.log(2)


@bits.mistake
def perplexity_instead(nats, valid, n_bytes):
    """That is the perplexity. Bits per byte has no exponential. Where does the logarithm's base come in?"""
    return np.exp(nats[valid].mean())


@bits.mistake
def bytes_per_bit(nats, valid, n_bytes):
    """This is upside down: bytes per bit. What is divided by what?"""
    return n_bytes * np.log(2) / nats[valid].sum()


gradient = Draft(
    "9.3",
    "Return the gradient (D,) of the mean over all valid labels, from means (K, D), NaN where there is none, and "
    "counts (K,), not all 0.",
    slips=(NEGATIVE, HALVED, DOUBLED),
    hints=(
        "counts[k] * means[k] is the sum of micro-batch k's gradients.",
        "Add up the sums of the micro-batches that have labels, and divide once by all labels.",
    ),
    afterwards="np.average(means, axis=0, weights=counts) does the same, as long as no count is 0.",
)


@gradient.reference
def accumulated_gradient(means, counts):
    filled = counts > 0  # the mean of nothing is NaN, and 0 · NaN is NaN
    return counts[filled] @ means[filled] / counts.sum()


@gradient.inputs
def gradient_inputs(rng):
    cases = [(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([4, 1]))]
    for batches in rng.integers(2, 7, 3):
        counts = rng.integers(1, 9, batches)
        counts[0] = counts[-1] + 1  # never all equal
        cases.append((rng.normal(size=(batches, rng.integers(1, 6))), counts))
    means, many = rng.normal(size=(4, 2)), rng.integers(1, 1000, 4)
    flat = np.vstack([np.zeros((1, 2)), means[1:]])
    cases += [(means[:1], np.array([1])), (0 * means, many), (flat, many), (1e3 * means, 100 * many)]
    for empty in ([1], [0, 3], [0, 1, 2]):
        counts = np.array([5, 4, 2, rng.integers(1, 9)])
        counts[empty] = 0
        cases.append((np.where(counts[:, None] > 0, means, np.nan), counts))
    return cases


@gradient.domain
def gradient_domain(means, counts):
    if len(means) != len(counts) or not np.all(counts >= 0) or not counts.sum():
        return False
    return np.isnan(means[counts == 0]).all() and np.isfinite(means[counts > 0]).all()


@gradient.mistake
def mean_of_means(means, counts):
    """This is the mean of means: a label in a small micro-batch counts more than one in a large micro-batch. Which
    weights make all labels equal?"""
    return means.mean(axis=0)


@gradient.mistake
def mean_of_filled_means(means, counts):
    """You were right to leave out the empty micro-batch. But you averaged the others as equals. Does each label then
    count the same?"""
    return means[counts > 0].mean(axis=0)


@gradient.mistake
def empty_counts_as_zero(means, counts):
    """This is a mean of means in which the empty micro-batch counts as a zero. Which weights make all labels equal?"""
    return np.where(counts[:, None] > 0, means, 0.0).mean(axis=0)


@gradient.mistake
def poisoned(means, counts):
    """The weights are right. But a micro-batch may have no label, and 0 times NaN is NaN. How do you keep it out?"""
    return counts @ means / counts.sum()


@gradient.mistake
def summed_gradient(means, counts):
    """This is the gradient of the sum over all labels. What does a mean divide by?"""
    return counts[counts > 0] @ means[counts > 0]


@gradient.mistake(batches=(len, np.count_nonzero))
def over_batches(means, counts, batches):
    """You added up the sums and divided by the number of micro-batches. What should you count instead?"""
    return counts[counts > 0] @ means[counts > 0] / batches(counts)


@gradient.mistake
def means_added(means, counts):
    """You added up the means, so the step grows with the number of micro-batches. Which weight should each mean get?"""
    return means[counts > 0].sum(axis=0)


@gradient.mistake
def means_over_labels(means, counts):
    """You divided by all labels, but added up means, not sums. What turns a mean back into a sum?"""
    return means[counts > 0].sum(axis=0) / counts.sum()


@gradient.mistake
def weighted_the_other_way(means, counts):
    """You weighted by 1/count, so that small micro-batches count even more. Should a mean over many labels weigh
    more, or less?"""
    weights = 1 / counts[counts > 0]
    return weights @ means[counts > 0] / weights.sum()


pieces = Draft(
    "9.4",
    "Return log Σ exp over all entries of pieces (K, W): from −10,000 to 10,000, or −∞, but not all of them.",
    must=(Must("is at least the largest entry", lambda value, pieces: value >= pieces.max() - 1e-3),),
    slips=(NEGATIVE, *BASES, HALVED, DOUBLED, *EPSILONS),
    hints=(
        "Keep the largest logit so far, m, and s = Σ exp(z − m) of all logits so far.",
        "With a new piece: m_new = max(m, z.max()), and s = s · exp(m − m_new) + Σ exp(z − m_new).",
        "If m_new is still −∞, every entry so far was masked: leave s at 0.",
    ),
    afterwards="If each piece lies on its own machine, merging in any order gives a vocabulary-parallel log-sum-exp.",
)


@pieces.reference
def logsumexp_of_pieces(pieces):
    m, s = -np.inf, 0.0
    for z in pieces:
        m_new = max(m, z.max())
        if m_new > -np.inf:  # −∞ − (−∞) would be NaN
            s = s * np.exp(m - m_new) + np.exp(z - m_new).sum()
        m = m_new
    return m + np.log(s) if s > 0 else m


@pieces.inputs
def piece_inputs(rng):
    far = np.array([[-1e4, 3.0], [1e4, 9999.0], [9998.0, -1e4]])
    masked = np.array([[-np.inf, -np.inf], [1.0, -np.inf], [-np.inf, -np.inf], [2.0, 0.0]])
    cases = [np.array([[0.0, 1.0], [3.0, -1.0]]), far, far[::-1].copy(), masked, masked[::-1].copy(), masked[1:2]]
    cases += [np.full(shape, value) for shape, value in (((1, 1), 0.0), ((3, 2), 1.0), ((2, 3), -1e4), ((1, 2), 1e4))]
    cases[-2][0, 1:] = -np.inf
    for count in rng.integers(2, 6, 3):
        drawn = rng.normal(scale=3, size=(count, rng.integers(1, 6)))
        cases += [drawn, drawn[::-1].copy(), drawn.round()]
    cases += [drawn[:1], drawn - 1000, drawn + 100]
    return [(pieces,) for pieces in cases]


@pieces.domain
def piece_domain(pieces):
    finite = pieces[pieces > -np.inf]
    return pieces.ndim == 2 and finite.size > 0 and bool(np.all(np.abs(finite) <= 1e4))


def merged(pieces, rescale):
    """The running maximum and sum, with ``rescale(m, m_new)`` where exp(m − m_new) belongs."""
    m, s = -np.inf, 0.0
    for z in pieces:
        m_new = max(m, z.max())
        if m_new > -np.inf:
            s = (s * rescale(m, m_new) if s else 0.0) + np.exp(z - m_new).sum()
        m = m_new
    return m + np.log(s) if s > 0 else m


@pieces.mistake
def not_rescaled(pieces):
    """The running sum is not rescaled: it is still relative to the old maximum when the maximum changes. Which factor
    corrects it?"""
    return merged(pieces, lambda m, m_new: 1.0)


@pieces.mistake
def rescaled_the_other_way(pieces):
    """You multiplied the old sum by exp(m_new − m). The new maximum is larger: should the old part grow, or shrink?"""
    return merged(pieces, lambda m, m_new: np.exp(m_new - m))


@pieces.mistake
def without_a_shift(pieces):
    """Without a shift the exponential of 10,000 overflows. What can you subtract first and add at the end?"""
    return np.log(sum(np.exp(z).sum() for z in pieces))


@pieces.mistake
def shifted_by_the_first(pieces):
    """You shift by the first piece's maximum throughout. A later piece may be far larger, or the first one all −∞.
    When must the shift change?"""
    m = pieces[0].max()
    return m + np.log(sum(np.exp(z - m).sum() for z in pieces))


@pieces.mistake
def empty_piece_unguarded(pieces):
    """Everything is right unless the first piece is all −∞: then m − m_new is −∞ − (−∞), which is NaN. What should such
    a piece change?"""
    m, s = -np.inf, 0.0
    for z in pieces:
        m_new = max(m, z.max())
        s = s * np.exp(m - m_new) + np.exp(z - m_new).sum()
        m = m_new
    return m + np.log(s)


@pieces.mistake
def largest_piece(pieces):
    """This is the largest of the pieces' log-sum-exps. The other pieces add something. How much?"""
    return max(logsumexp_of_pieces([z]) for z in pieces)


@pieces.mistake
def pieces_added(pieces):
    """You added the log-sum-exps. That is the logarithm of the *product* of the sums. What should be added instead?"""
    return sum(logsumexp_of_pieces([z]) for z in pieces)


@pieces.mistake
def last_piece(pieces):
    """This is the log-sum-exp of the last piece. What must you keep of the pieces before it?"""
    return logsumexp_of_pieces(pieces[-1:])


@pieces.mistake
def maximum_alone(pieces):
    """This is the maximum of all logits, the first part of the answer. Where is log s?"""
    return pieces.max()


@pieces.mistake
def maximum_not_added(pieces):
    """This is log s, which is relative to the maximum. What must be added back?"""
    return logsumexp_of_pieces(pieces) - pieces.max()


next_token = Draft(
    "9.5",
    "Repair the snippet: return the mean loss of the next token over all places that have one, of texts that are "
    "filled up with pad at their end, also for logits of several thousand.",
    must=(NEVER_NEGATIVE,),
    slips=(NEGATIVE, *BASES, HALVED, DOUBLED, *EPSILONS),
    hints=(
        "z[:, t] belongs to tokens[:, t + 1]: one shift, z[:, :-1] against tokens[:, 1:].",
        "valid = labels != pad. Add up the nats there and divide by how many there are.",
    ),
    afterwards="With labels set to −100 where they are pad, losses.cross_entropy on flattened arrays gives the same.",
)


@next_token.reference
def next_token_loss(z, tokens, pad):
    labels = tokens[:, 1:]
    valid = labels != pad
    nats = -np.take_along_axis(log_softmax(z[:, :-1]), labels[..., None], axis=-1)[..., 0]
    return nats[valid].sum() / valid.sum()


@next_token.inputs
def token_inputs(rng):
    cases = [(rng.normal(size=(2, 3, 3)).round(1), np.array([[0, 2, 1], [2, 1, 1]]), 1)]
    for texts, place in ((1, 0), (3, -1), (4, 0), (5, 1)):
        places, classes = rng.integers(4, 8), int(rng.integers(4, 8))
        pad = place % classes
        lengths = rng.integers(2, places, texts)
        lengths[:4] = [places - 1, places, 1, 2][:texts]  # full, of a single token, and nearly so
        tokens = (pad + rng.integers(1, classes, (texts, places))) % classes  # never pad
        tokens[np.arange(places) >= lengths[:, None]] = pad
        cases.append((rng.normal(scale=2, size=(texts, places, classes)), tokens, pad))
    z, tokens, pad = cases[2]
    return [*cases, (500 * z, tokens, pad), (z[1:2], tokens[1:2], pad), (z[:2, :2], tokens[:2, :2], pad)]


@next_token.domain
def token_domain(z, tokens, pad):
    if z.ndim != 3 or tokens.shape != z.shape[:2] or not 0 <= pad < z.shape[2] or not np.isfinite(z).all():
        return False
    filled = tokens != pad
    in_order = np.all(filled[:, :-1] >= filled[:, 1:])  # the padding comes last
    return in_order and filled[:, 0].all() and filled[:, 1:].any() and np.all((tokens >= 0) & (tokens < z.shape[2]))


def token_nats(z, tokens, shift):
    """Nats (B, T − shift) of the tokens at t + shift, by the logits at place t."""
    rows, labels = z[:, : z.shape[1] - shift], tokens[:, shift:]
    return -np.take_along_axis(log_softmax(rows), labels[..., None], axis=-1)[..., 0]


@next_token.mistake
def as_found(z, tokens, pad):
    """Your function returns what the snippet returned, with its two mistakes. First, how many places ahead is the label
    that it uses? Then, which places count in the sum, and what is the sum divided by?"""
    return token_nats(z, tokens, 2).mean()


@next_token.mistake
def shifted_twice(z, tokens, pad):
    """The padding no longer counts. But the logits at place t are still compared with token t + 2. How many shifts are
    there?"""
    return token_nats(z, tokens, 2)[tokens[:, 2:] != pad].mean()


@next_token.mistake
def padding_counted(z, tokens, pad):
    """The shift is right now. But the padded places still count. Which labels should be left out?"""
    return token_nats(z, tokens, 1).mean()


@next_token.mistake
def padding_in_the_denominator(z, tokens, pad):
    """The padding no longer adds to the sum, but it is still in the denominator. What should the sum be divided by?"""
    return (token_nats(z, tokens, 1) * (tokens[:, 1:] != pad)).mean()


@next_token.mistake(mean=(np.mean, np.nanmean))
def mean_of_texts(z, tokens, pad, mean):
    """You took each text's mean and then their mean: a label in a short text counts more, and a text of one token has
    none. Which two numbers should you add up over the whole batch?"""
    valid = tokens[:, 1:] != pad
    return mean((token_nats(z, tokens, 1) * valid).sum(axis=1) / valid.sum(axis=1))


@next_token.mistake
def sum_of_labels(z, tokens, pad):
    """This is the sum over the labels. What does a mean divide by?"""
    return token_nats(z, tokens, 1)[tokens[:, 1:] != pad].sum()


@next_token.mistake
def sum_over_texts(z, tokens, pad):
    """You divided the sum by the number of texts. A mean over labels divides by what?"""
    return token_nats(z, tokens, 1)[tokens[:, 1:] != pad].sum() / len(tokens)


@next_token.mistake
def masked_by_the_input(z, tokens, pad):
    """You masked by the inputs: the last token of a short text has padding as its label, and still counts. Which
    padding matters, the input's or the label's?"""
    return token_nats(z, tokens, 1)[tokens[:, :-1] != pad].mean()


@next_token.mistake
def all_tokens_in_the_denominator(z, tokens, pad):
    """You divided by the number of tokens that are not padding. How many of a text's tokens are a label?"""
    valid = tokens[:, 1:] != pad
    return token_nats(z, tokens, 1)[valid].sum() / (tokens != pad).sum()


@next_token.mistake
def shifted_backwards(z, tokens, pad):
    """Your shift goes backwards: the logits at place t are compared with token t − 1. Which token should they
    predict?"""
    labels = tokens[:, :-1]
    nats = -np.take_along_axis(log_softmax(z[:, 1:]), labels[..., None], axis=-1)[..., 0]
    return nats[labels != pad].mean()


@next_token.mistake
def not_shifted(z, tokens, pad):
    """There is no shift at all now: the logits at place t are compared with token t, which the model has seen. Which
    token should it predict?"""
    return token_nats(z, tokens, 0)[tokens != pad].mean()


@next_token.mistake
def not_shifted_padding_counted(z, tokens, pad):
    """There is no shift now, and the padding counts. Which token should the logits at place t predict, and which places
    have one?"""
    return token_nats(z, tokens, 0).mean()
