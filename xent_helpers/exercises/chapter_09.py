"""The exercises of chapter 9, Language-model scale."""

import numpy as np

from xent_helpers.exercises.checker import Exercise, Mistake
from xent_helpers.losses import log_softmax


def perplexity_of_both():
    mean_nats = (np.log(2) + np.log(8)) / 2
    return np.exp(mean_nats)


def bits_per_byte(nats, valid, n_bytes):
    return nats[valid].sum() / np.log(2) / n_bytes


def accumulated_gradient(means, counts):
    filled = counts > 0  # the mean of nothing is NaN, and 0 · NaN is NaN
    return counts[filled] @ means[filled] / counts.sum()


def logsumexp_of_pieces(pieces):
    m, s = -np.inf, 0.0
    for z in pieces:
        m_new = max(m, z.max())
        if m_new > -np.inf:  # −∞ − (−∞) would be NaN
            s = s * np.exp(m - m_new) + np.exp(z - m_new).sum()
        m = m_new
    return m + np.log(s) if s > 0 else m


def next_token_loss(z, tokens, pad):
    labels = tokens[:, 1:]
    valid = labels != pad
    nats = -np.take_along_axis(log_softmax(z[:, :-1]), labels[..., None], axis=-1)[..., 0]
    return nats[valid].sum() / valid.sum()


def _per_label(nats, valid):
    return nats[valid].mean()


def _merged(pieces, rescale):
    """The running maximum and sum, with ``rescale(m, m_new)`` where exp(m − m_new) belongs."""
    m, s = -np.inf, 0.0
    with np.errstate(all="ignore"):
        for z in pieces:
            m_new = max(m, z.max())
            if m_new > -np.inf:
                s = s * (rescale(m, m_new) if s > 0 else 0.0) + np.exp(z - m_new).sum()
            m = m_new
        return m + np.log(s) if s > 0 else m


def _lse(z):
    with np.errstate(all="ignore"):
        return z.max() + np.log(np.exp(z - z.max()).sum()) if z.max() > -np.inf else -np.inf


def _naive_lse(pieces):
    with np.errstate(all="ignore"):
        return np.log(sum(np.exp(z).sum() for z in pieces))


def _unguarded_lse(pieces):
    m, s = -np.inf, 0.0
    with np.errstate(all="ignore"):
        for z in pieces:
            m_new = max(m, z.max())
            s = s * np.exp(m - m_new) + np.exp(z - m_new).sum()
            m = m_new
        return m + np.log(s)


def _fixed_shift_lse(pieces):
    """Everything relative to the first piece's maximum."""
    m = pieces[0].max()
    with np.errstate(all="ignore"):
        return m + np.log(sum(np.exp(z - m).sum() for z in pieces))


def _token_nats(z, tokens, shift):
    """Nats (B, T − shift): the logits at t asked for the token at t + shift."""
    rows, labels = z[:, : z.shape[1] - shift], tokens[:, shift:]
    return -np.take_along_axis(log_softmax(rows), labels[..., None], axis=-1)[..., 0]


def _masked(nats, valid):
    return nats[valid].sum() / valid.sum()


def _mean_of_means(nats, valid):
    """The mean of each row's own mean, rows without a label left out."""
    counts = valid.sum(axis=1)
    return np.mean((nats * valid).sum(axis=1)[counts > 0] / counts[counts > 0])


def _bits_inputs(rng: np.random.Generator) -> list[tuple]:
    plain = (np.array([[np.log(2), np.log(2), 0.0]]), np.array([[True, True, False]]), 4)
    drawn = []
    for rows, places, n_bytes in ((3, 5, 40), (1, 8, 8), (4, 4, 90)):
        valid = np.arange(places) < rng.integers(1, places, (rows, 1))
        drawn.append((rng.exponential(3, (rows, places)), valid, n_bytes))
    return [plain, *drawn]


def _gradient_inputs(rng: np.random.Generator) -> list[tuple]:
    plain = (np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([4, 1]))
    drawn = [(rng.normal(size=(k, d)), rng.integers(1, 9, k)) for k, d in ((3, 2), (4, 5))]
    poisoned, counts = rng.normal(size=(3, 2)), np.array([5, 0, 2])
    poisoned[1] = np.nan
    return [plain, *drawn, (poisoned, counts)]


def _piece_inputs(rng: np.random.Generator) -> list[tuple]:
    drawn = rng.normal(scale=3, size=(3, 4))
    far = np.array([[-1e4, 3.0], [1e4, 9999.0], [9998.0, -1e4]])
    masked = np.array([[-np.inf, -np.inf], [1.0, -np.inf], [-np.inf, -np.inf], [2.0, 0.0]])
    pieces = [np.array([[0.0, 1.0], [3.0, -1.0]]), drawn, drawn[::-1], far, far[::-1], masked]
    return [(np.ascontiguousarray(piece),) for piece in pieces]


def _token_inputs(rng: np.random.Generator) -> list[tuple]:
    cases = []
    for batch, places, classes in ((1, 4, 3), (3, 6, 5), (2, 5, 4)):
        lengths = rng.permutation(np.arange(batch)) + places - batch  # at least two tokens in a row
        tokens = np.where(np.arange(places) < lengths[:, None] + 1, rng.integers(1, classes, (batch, places)), 0)
        cases.append((rng.normal(scale=2, size=(batch, places, classes)), tokens, 0))
    z, tokens, _ = cases[1]
    return [*cases, (500 * z, tokens, 0)]


_PERPLEXITY = Exercise(
    key="9.1",
    task="Give the perplexity on both texts together, which are equally long and have the perplexities 2 and 8.",
    reference=perplexity_of_both,
    inputs=lambda rng: [()],
    mistakes=(
        Mistake(
            lambda: 5.0,
            "That is the mean of the perplexities, the mean of two exponentials. Which quantity adds up over texts, "
            "and when does the exponential come?",
        ),
        Mistake(
            lambda: 16.0, "You added up the nats of both texts. Perplexity is made of a mean: over how many parts?"
        ),
        Mistake(lambda: np.log(4), "That is the mean loss in nats. What turns nats into a perplexity?"),
        Mistake(lambda: 2.0, "That is the mean loss in bits, (1 + 3)/2. What turns bits into a perplexity?"),
        Mistake(
            lambda: np.exp(2.0),
            "You have the mean loss in bits, 2, and raised e to it. Which base belongs to bits?",
        ),
        Mistake(
            lambda: 2.0 ** np.log(4),
            "You have the mean loss in nats and raised 2 to it. Which base belongs to nats?",
        ),
        Mistake(lambda: 3.2, "That is the harmonic mean, 2/(1/2 + 1/8). Which mean does a mean of logarithms lead to?"),
        Mistake(
            lambda: 10.0, "You added the perplexities. What can be added over texts is their loss: how large is each?"
        ),
    ),
    hints=("A perplexity of 2 is a mean loss of log 2.", "Average the two losses, then take the exponential."),
    afterwards="It is the geometric mean, √(2 · 8). With texts of unequal length the losses are weighted by tokens.",
)

_BITS = Exercise(
    key="9.2",
    task="Return the bits per byte, from nats (B, T), a mask valid (B, T) and the number of bytes.",
    reference=bits_per_byte,
    inputs=_bits_inputs,
    mistakes=(
        Mistake(
            lambda nats, valid, n_bytes: _per_label(nats, valid) / np.log(2),
            "These are bits per *token*: you divided by the number of labels. What is to be divided by here?",
        ),
        Mistake(
            lambda nats, valid, n_bytes: nats[valid].sum() / n_bytes,
            "These are nats per byte. How many nats is one bit?",
        ),
        Mistake(
            lambda nats, valid, n_bytes: nats[valid].sum() * np.log(2) / n_bytes,
            "You multiplied by log 2. A nat is more than a bit, so is the number in bits larger or smaller?",
        ),
        Mistake(
            lambda nats, valid, n_bytes: nats.sum() / np.log(2) / n_bytes,
            "The padding is paid for, too. Which places have a label?",
        ),
        Mistake(
            lambda nats, valid, n_bytes: nats.mean() / np.log(2),
            "That is a mean over all places, the padding among them, per token. Which nats count, and what are they "
            "divided by?",
        ),
        Mistake(
            lambda nats, valid, n_bytes: _per_label(nats, valid) / np.log(2) / n_bytes,
            "You divided twice, by the labels and by the bytes. Which of the two is meant?",
        ),
        Mistake(
            lambda nats, valid, n_bytes: _per_label(nats, valid),
            "That is the mean loss, in nats per token. Which two things change on the way to bits per byte?",
        ),
        Mistake(
            lambda nats, valid, n_bytes: nats[valid].sum() / np.log(2),
            "That is the size of the whole text in bits. And per byte?",
        ),
        Mistake(
            lambda nats, valid, n_bytes: np.exp(_per_label(nats, valid)),
            "That is the perplexity. Bits per byte has no exponential. Where does the logarithm's base come in?",
        ),
        Mistake(
            lambda nats, valid, n_bytes: n_bytes * np.log(2) / nats[valid].sum(),
            "This is upside down, bytes per bit. Which one is divided by which?",
        ),
    ),
    hints=("Add up the nats of the places that have a label.", "1 bit is log 2 nats."),
    afterwards="No count of tokens is in it. That is why models with different tokens can be compared by it.",
)

_GRADIENT = Exercise(
    key="9.3",
    task="Return the gradient (D,) of the mean over all valid labels, from means (K, D) and counts (K,).",
    reference=accumulated_gradient,
    inputs=_gradient_inputs,
    mistakes=(
        Mistake(
            lambda means, counts: means.mean(axis=0),
            "This is the mean of means: a label in a small micro-batch counts more than one in a large one. Which "
            "weight makes all labels equal?",
        ),
        Mistake(
            lambda means, counts: means[counts > 0].mean(axis=0),
            "You left out the empty micro-batch, which is right. The others are averaged as equals. Is each label then "
            "worth the same?",
        ),
        Mistake(
            lambda means, counts: (
                np.nanmean(means, axis=0) if counts.min() > 0 else np.nansum(means, axis=0) / len(counts)
            ),
            "This is a mean of means that counts the empty micro-batch as a zero. Which weight makes all labels equal?",
        ),
        Mistake(
            lambda means, counts: counts @ means / counts.sum(),
            "The weights are right. But in the last case a micro-batch has no label: 0 times NaN is NaN. How do you "
            "keep it out?",
        ),
        Mistake(
            lambda means, counts: counts[counts > 0] @ means[counts > 0],
            "This is the gradient of the sum over all labels. What does a mean divide by?",
        ),
        Mistake(
            lambda means, counts: counts[counts > 0] @ means[counts > 0] / len(counts),
            "You added up the sums and divided by the number of micro-batches. By how many *labels* must it be?",
        ),
        Mistake(
            lambda means, counts: means[counts > 0].sum(axis=0),
            "The means are added up, so with more micro-batches the step grows. Which weight does each one get?",
        ),
        Mistake(
            lambda means, counts: means[counts > 0].sum(axis=0) / counts.sum(),
            "You divided by all labels, but added up means, not sums. What turns a mean back into a sum?",
        ),
        Mistake(
            lambda means, counts: (1 / counts[counts > 0]) @ means[counts > 0] / (1 / counts[counts > 0]).sum(),
            "You weighted by 1/count, which lets small micro-batches shout louder still. Which way round?",
        ),
        Mistake(
            lambda means, counts: -accumulated_gradient(means, counts),
            "The sign is turned. The step subtracts the gradient later: what is asked for here?",
        ),
    ),
    hints=(
        "counts[k] * means[k] is the sum of micro-batch k's gradients.",
        "Add up the sums of the micro-batches that have labels, and divide once by all labels.",
    ),
    afterwards="np.average(means, axis=0, weights=counts) does the same, as long as no count is 0.",
)

_PIECES = Exercise(
    key="9.4",
    task="Return log Σ exp over all entries of pieces (K, W), seen row by row; entries may be ±10,000, or −∞.",
    reference=logsumexp_of_pieces,
    inputs=_piece_inputs,
    mistakes=(
        Mistake(
            lambda pieces: _merged(pieces, lambda m, m_new: 1.0),
            "The running sum is not rescaled: it still counts relative to the old maximum when a new one comes. Which "
            "factor moves it over?",
        ),
        Mistake(
            lambda pieces: _merged(pieces, lambda m, m_new: np.exp(m_new - m)),
            "The old sum is multiplied by exp(m_new − m). The new maximum is larger: should the old part grow, "
            "or shrink?",
        ),
        Mistake(
            _naive_lse,
            "Without a shift the exponential of 10,000 overflows. What may be subtracted first, and added at the end?",
        ),
        Mistake(
            _fixed_shift_lse,
            "You shift by the first piece's maximum throughout. A later piece may be far larger, or the first one all "
            "−∞. When must the shift change?",
        ),
        Mistake(
            _unguarded_lse,
            "Everything is right until a piece is all −∞: then m − m_new is −∞ − (−∞), which is NaN. What should "
            "happen with a piece that holds nothing?",
        ),
        Mistake(
            lambda pieces: max(_lse(z) for z in pieces),
            "This is the largest of the pieces' log-sum-exps. The others add to it. By how much?",
        ),
        Mistake(
            lambda pieces: sum(_lse(z) for z in pieces),
            "You added the log-sum-exps. That is the logarithm of the *product* of the sums. What is to be added?",
        ),
        Mistake(
            lambda pieces: _lse(pieces[-1]),
            "This is the log-sum-exp of the last piece. What is kept of those before?",
        ),
        Mistake(
            lambda pieces: max(z.max() for z in pieces),
            "This is the maximum of all logits, the first part of the answer. Where is log s?",
        ),
        Mistake(
            lambda pieces: logsumexp_of_pieces(pieces) - max(z.max() for z in pieces),
            "This is log s. It is relative to the maximum: what has to be added back?",
        ),
    ),
    hints=(
        "Keep the largest logit so far, m, and s = Σ exp(z − m) of all logits so far.",
        "With a new piece: m_new = max(m, z.max()), and s = s · exp(m − m_new) + Σ exp(z − m_new).",
        "If m_new is still −∞, nothing has come yet: leave s at 0.",
    ),
    afterwards="Now think of each piece as one machine: the same merge, in any order, is a vocabulary-parallel loss.",
)

_NEXT_TOKEN = Exercise(
    key="9.5",
    task="Repair the snippet: return the mean loss of the next token over all places that have one.",
    reference=next_token_loss,
    inputs=_token_inputs,
    mistakes=(
        Mistake(
            lambda z, tokens, pad: _token_nats(z, tokens, 2).mean(),
            "This is the snippet as you found it, with its two mistakes. First, how many places ahead is the label "
            "that it asks for? Then, what do the padded places pay, and what is the sum divided by?",
        ),
        Mistake(
            lambda z, tokens, pad: (
                _masked(_token_nats(z, tokens, 2), tokens[:, 2:] != pad) if (tokens[:, 2:] != pad).any() else np.nan
            ),
            "The padding is out now. But the logits at place t are still asked for token t + 2. How often is shifted?",
        ),
        Mistake(
            lambda z, tokens, pad: _token_nats(z, tokens, 1).mean(),
            "The shift is right now. The padded places still have labels and are still counted. Which labels are none?",
        ),
        Mistake(
            lambda z, tokens, pad: (_token_nats(z, tokens, 1) * (tokens[:, 1:] != pad)).mean(),
            "The padding pays nothing now, but it is still in the denominator. What is the sum divided by?",
        ),
        Mistake(
            lambda z, tokens, pad: _mean_of_means(_token_nats(z, tokens, 1), tokens[:, 1:] != pad),
            "You took each text's mean and then their mean: a label in a short text counts more. Which two numbers are "
            "added up over the whole batch?",
        ),
        Mistake(
            lambda z, tokens, pad: (_token_nats(z, tokens, 1) * (tokens[:, 1:] != pad)).sum(),
            "This is the sum over the labels. What does a mean divide by?",
        ),
        Mistake(
            lambda z, tokens, pad: _masked(_token_nats(z, tokens, 1), tokens[:, :-1] != pad),
            "The mask is that of the inputs: the last token of a short text has a padded label, and it still counts. "
            "Whose padding matters, the input's or the label's?",
        ),
        Mistake(
            lambda z, tokens, pad: _masked(_token_nats(z, tokens, 0), tokens != pad),
            "There is no shift at all now: the logits at place t are compared with token t, which the model has seen. "
            "Which token should it guess?",
        ),
        Mistake(
            lambda z, tokens, pad: _token_nats(z, tokens, 0).mean(),
            "There is no shift now, and the padding counts. Which token belongs to the logits at place t, and which "
            "places have one?",
        ),
        Mistake(
            lambda z, tokens, pad: -next_token_loss(z, tokens, pad),
            "The sign is turned: a surprise is never negative. What is missing in front of the logarithm?",
        ),
    ),
    hints=(
        "z[:, t] belongs to tokens[:, t + 1]: one shift, z[:, :-1] against tokens[:, 1:].",
        "valid = labels != pad. Add up the nats there and divide by how many there are.",
    ),
    afterwards="With labels set to −100 where they are pad, losses.cross_entropy on flattened arrays gives the same.",
)

EXERCISES = (_PERPLEXITY, _BITS, _GRADIENT, _PIECES, _NEXT_TOKEN)
