"""Exercise 5.4: the mean over valid tokens."""

import numpy as np

from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import DOUBLED, EPSILONS, HALVED, NEGATIVE

masked = Draft(
    "5.4",
    "Return the mean loss of the valid tokens, whose losses are finite, and 0 where none is valid.",
    must=(
        Must(
            "lies between the smallest and the largest valid loss, and is 0 where none is valid",
            lambda mean, losses, valid: (
                mean == 0
                if not valid.any()
                else losses[valid].min() * (1 - 1e-3) - 1e-6 <= mean <= losses[valid].max() * (1 + 1e-3) + 1e-6
            ),
        ),
    ),
    slips=(NEGATIVE, HALVED, DOUBLED, *EPSILONS),
    tolerance=1e-13,
    rounds=3,
    hints=(
        "token_losses[valid] holds the valid ones, and nothing else.",
        "Sum them, and divide by their number; max(number, 1) serves the empty batch.",
    ),
    afterwards="Look next at chapter 9: with gradient accumulation the number is that of all batches together.",
)


@masked.reference
def masked_mean(token_losses, valid):
    """Sum of the valid tokens' losses over their number; 0 where there is none."""
    kept = token_losses[valid]
    return kept.sum() / max(len(kept), 1)


@masked.inputs
def masked_inputs(rng):
    def batch(rows, length, share):
        losses, valid = rng.exponential(2.0, (rows, length)), rng.random((rows, length)) < share
        valid[-1, -1] = True
        return losses, valid

    padded = np.array([[1.0, 2.0, 3.0, 4.0], [8.0, 0.0, 0.0, 0.0]])
    poisoned = np.array([[2.0, np.nan, -np.inf], [np.inf, 4.0, -1e300]])
    keep = np.array([[True, False, False], [False, True, False]])
    rows, length = rng.integers([2, 2], [6, 8])
    left, filled, sure, gap, end, spread = (batch(rows, length, 0.6) for _ in range(6))
    filled[0][~filled[1]] = rng.choice([np.nan, np.inf, -np.inf, -7.0, 0.0], np.sum(~filled[1]))
    sure[0][rng.random(sure[0].shape) < 0.4] = 0.0  # tokens that are predicted with certainty
    sure[0][-1, -1] = 1.0
    gap[1][0] = end[1][-1] = False  # a sentence without a token
    end[1][0, 0] = True
    spread[0][:] = 10.0 ** rng.uniform(-9, 4, (rows, length))
    spread[0][-1, -1] = 10_000.0
    return [
        (padded, np.array([[True] * 4, [True, False, False, False]])),
        (np.array([[0.5, 1.5]]), np.array([[True, True]])),
        (np.array([[0.7, 0.2]]), np.array([[True, False]])),
        (np.array([[0.0, 1.0], [3.0, 5.0]]), np.array([[True, True], [False, True]])),
        (poisoned, keep),
        left,
        filled,
        sure,
        gap,
        end,
        spread,
        (np.array([[1e-4, 3e-6, 1e-9]]), np.array([[True, True, True]])),
        batch(1, length, 0.5),
        batch(20, 30, 0.9),
        batch(rows, 1, 0.5),
        batch(length, length, 0.3),
        (left[0], np.zeros_like(left[1])),
        (np.array([[np.nan]]), np.array([[False]])),
    ]


@masked.domain
def masked_domain(token_losses, valid):
    kept = token_losses[valid]
    return token_losses.ndim == 2 and token_losses.size > 0 and np.all(np.isfinite(kept) & (kept >= 0))


def row_sums(token_losses, valid):
    return np.array([row[mask].sum() for row, mask in zip(token_losses, valid, strict=True)])


@masked.mistake
def mean_of_row_means(token_losses, valid):
    """You averaged each row, then the rows. A token in a short row then counts for more than one in a long row. Which
    divisor counts every valid token once?"""
    some = valid.any(axis=1)
    return np.mean(row_sums(token_losses, valid)[some] / valid.sum(axis=1)[some]) if some.any() else 0.0


@masked.mistake
def mean_of_row_means_nan(token_losses, valid):
    """You averaged each row, then the rows. A token in a short row then counts for more than one in a long row. Which
    divisor counts every valid token once? (A row without valid tokens makes 0/0 of it as well.)"""
    return np.mean(row_sums(token_losses, valid) / valid.sum(axis=1))


@masked.mistake
def mean_of_row_means_zero(token_losses, valid):
    """You averaged each row, then the rows. A token in a short row then counts for more than one in a long row. Which
    divisor counts every valid token once? (A row without valid tokens should count for nothing.)"""
    return np.mean(row_sums(token_losses, valid) / np.maximum(valid.sum(axis=1), 1))


@masked.mistake
def each_row(token_losses, valid):
    """That is the mean of each row. One number is asked for: in which every valid token counts once?"""
    return row_sums(token_losses, valid) / np.maximum(valid.sum(axis=1), 1)


@masked.mistake
def each_row_nan(token_losses, valid):
    """That is the mean of each row, and 0/0 for a row of padding. One number is asked for: in which every valid token
    counts once?"""
    return row_sums(token_losses, valid) / valid.sum(axis=1)


@masked.mistake
def over_all_tokens(token_losses, valid):
    """Your divisor counts the padding too, so more padding means a smaller loss. How many tokens are valid?"""
    return token_losses[valid].sum() / token_losses.size


@masked.mistake
def over_rows(token_losses, valid):
    """That is the loss of a sentence: you divide by the number of rows, so long sentences look worse. How many tokens
    are valid?"""
    return token_losses[valid].sum() / len(token_losses)


@masked.mistake
def over_row_length(token_losses, valid):
    """You divide by the padded length of one row. How many tokens are valid in all rows together?"""
    return token_losses[valid].sum() / token_losses.shape[1]


@masked.mistake
def over_one_more(token_losses, valid):
    """You divide by one more than the number of valid tokens, which avoids 0/0 and makes every mean too small. What
    leaves the other batches alone? (max)"""
    return token_losses[valid].sum() / (1 + valid.sum())


@masked.mistake(small=(0.001, 0.0001, 1e-05, 1e-06, 1e-07, 1e-08, 1e-09, 1e-10, 1e-12))
def over_padded_number(token_losses, valid, small):
    """A small number in the divisor avoids 0/0 and shifts every other mean a little. Which function leaves a count of 1
    or more as it is?"""
    return token_losses[valid].sum() / (valid.sum() + small)


@masked.mistake
def mean_of_nothing(token_losses, valid):
    """With no valid token your mean is 0/0, which is NaN. What should such a batch return?"""
    return token_losses[valid].sum() / valid.sum()


@masked.mistake
def mean_of_nothing_raises(token_losses, valid):
    """With no valid token you divide by 0, and Python stops the training there. What should such a batch return?"""
    return float(token_losses[valid].sum()) / int(valid.sum())


@masked.mistake
def times_mask(token_losses, valid):
    """You multiply by the mask. What is 0 times infinity, or 0 times NaN? How do you select the valid tokens
    instead?"""
    return (token_losses * valid).sum() / max(valid.sum(), 1)


@masked.mistake
def times_mask_unguarded(token_losses, valid):
    """You multiply by the mask. What is 0 times infinity, or 0 times NaN? How do you select the valid tokens instead?
    And with no valid token it is 0/0: what should come then?"""
    return (token_losses * valid).sum() / valid.sum()


@masked.mistake
def times_mask_over_all(token_losses, valid):
    """You multiply by the mask, and the mean divides by all tokens. What is 0 times infinity, and how many tokens are
    valid?"""
    return (token_losses * valid).mean()


@masked.mistake
def summed(token_losses, valid):
    """That is the sum. What does the mean divide by?"""
    return token_losses[valid].sum()


@masked.mistake
def without_mask(token_losses, valid):
    """The mask plays no part: the padding is averaged as well. Which entries are real?"""
    return token_losses.mean()


@masked.mistake
def finite_only(token_losses, valid):
    """You keep what is finite. But padding may hold a 7 that looks like a loss: what says which tokens are real?"""
    return token_losses[np.isfinite(token_losses)].mean()


@masked.mistake
def mask_turned(token_losses, valid):
    """That is the mean of the padding. What does True stand for in the mask?"""
    return masked_mean(token_losses, ~valid)


@masked.mistake
def first_of_each_row(token_losses, valid):
    """You take the first tokens of each row, as many as are valid. Padding may stand on the left, or inside: which
    tokens does the mask name?"""
    lengths = valid.sum(axis=1)
    return masked_mean(token_losses, np.arange(valid.shape[1]) < lengths[:, None])


@masked.mistake
def zeros_for_padding(token_losses, valid):
    """You take a 0 for padding. Padding may hold anything, and a token that was certain costs 0: what says which tokens
    are real?"""
    return masked_mean(token_losses, token_losses != 0)


@masked.mistake
def nonzero_counted(token_losses, valid):
    """Your divisor leaves out valid tokens whose loss is 0. A certain token counts as well: what says how many are
    valid?"""
    kept = token_losses[valid]
    return kept.sum() / max(np.count_nonzero(kept), 1)


@masked.mistake
def median(token_losses, valid):
    """That is the median, which a single huge loss leaves alone. What does a mean add up?"""
    return np.median(token_losses[valid]) if valid.any() else 0.0
