"""Exercises of chapter 5: choose a loss, predict a weighted mean, repair a snippet, average over valid tokens."""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from xent_helpers.exercises.constants import NEVER_NEGATIVE
from xent_helpers.exercises.draft import Draft, Must
from xent_helpers.exercises.slips import (
    BASES,
    DOUBLED,
    EPSILONS,
    HALVED,
    LABELS_TOO_LOW,
    NEGATIVE,
    ONE_FEWER,
    OVER_SAMPLES,
    SUMMED,
)

choose = Draft(
    "5.1",
    "Return the name of the loss for each of the five situations.",
    hints=(
        "Ask first: one class of many, or one or more separate yes-or-no questions?",
        "Then ask what the model ends in: logits, log-probabilities or probabilities. Section 5.2 has a diagram.",
    ),
    afterwards="Look next at chapter 8, where the label itself is a distribution.",
)


@choose.reference
def choose_loss(situation):
    """The loss that takes what the model gives and what the label is."""
    return {
        "one of ten digits, ten logits": "CrossEntropyLoss",
        "spam or not, one logit": "BCEWithLogitsLoss",
        "any of five diseases at once, five logits": "BCEWithLogitsLoss",
        "one of ten digits, ten log-probabilities": "NLLLoss",
        "spam or not, a probability from a program that you cannot change": "BCELoss",
    }[situation]


DIGIT_LOGITS = "one of ten digits, ten logits"
SPAM_LOGIT = "spam or not, one logit"
DISEASES = "any of five diseases at once, five logits"
DIGIT_LOGS = "one of ten digits, ten log-probabilities"
SPAM_PROBABILITY = "spam or not, a probability from a program that you cannot change"
SITUATIONS = (DIGIT_LOGITS, SPAM_LOGIT, DISEASES, DIGIT_LOGS, SPAM_PROBABILITY)


@choose.inputs
def choose_inputs(rng):
    return [(SITUATIONS[i],) for i in rng.permutation(len(SITUATIONS))]


def chosen(situation, instead):
    """The right choice but for the situations in ``instead``."""
    return instead.get(situation) or choose_loss(situation)


CHOICES = (
    (
        {DISEASES: "CrossEntropyLoss"},
        "CrossEntropyLoss lets the five diseases compete: their probabilities add up to 1. Can a patient have two?",
    ),
    (
        {DISEASES: "CrossEntropyLoss", SPAM_LOGIT: "CrossEntropyLoss"},
        "You give all logits to CrossEntropyLoss. Its softmax makes the probabilities of one sample add up to 1: what "
        "is "
        "the softmax of a single logit, and can a patient have two of five diseases?",
    ),
    (
        {DISEASES: "MultiLabelSoftMarginLoss"},
        "That loss gives the same mean as one of section 5.2's, under another name, and takes no pos_weight. Which of "
        "the five treats each of K logits as a yes-or-no question?",
    ),
    (
        {SPAM_LOGIT: "CrossEntropyLoss"},
        "CrossEntropyLoss of a single logit is 0 whatever the logit. What is the softmax of one number?",
    ),
    (
        {SPAM_LOGIT: "NLLLoss"},
        "NLLLoss picks the entry of the true class, and a single logit is a single entry. What would it pick for "
        "label 1, and does it normalise anything?",
    ),
    (
        {SPAM_LOGIT: "BCELoss"},
        "A logit of 3 is no probability: BCELoss refuses it. Which loss takes the sigmoid itself, and why is that the "
        "safer order?",
    ),
    (
        {DISEASES: "BCELoss"},
        "Five yes-or-no questions it is; but you have logits, and BCELoss refuses a 3. Which loss takes the sigmoid "
        "itself?",
    ),
    (
        {SPAM_LOGIT: "BCELoss", DISEASES: "BCELoss"},
        "BCELoss wants probabilities, and a logit of 3 is none. Which loss takes the sigmoid itself, and why is "
        "that the safer order?",
    ),
    (
        {SPAM_LOGIT: "BCELoss", DISEASES: "BCELoss", SPAM_PROBABILITY: "BCEWithLogitsLoss"},
        "You have the two binary losses the wrong way round. What does WithLogits say about the input: that it is one, "
        "or that you want one?",
    ),
    (
        {SPAM_PROBABILITY: "BCEWithLogitsLoss"},
        "BCEWithLogitsLoss would squash the probability once more, and never come below 0.3133. What does the "
        "program give: a logit or a probability?",
    ),
    (
        {SPAM_PROBABILITY: "CrossEntropyLoss"},
        "CrossEntropyLoss takes logits, one for each class, and of a single number it makes 0. What does the program "
        "give?",
    ),
    (
        {SPAM_PROBABILITY: "NLLLoss"},
        "NLLLoss picks an entry and turns its sign: it would return −p, and has no entry for the other label. Which "
        "loss takes the logarithms of p and 1 − p itself?",
    ),
    (
        {SPAM_PROBABILITY: "MSELoss"},
        "MSELoss takes a probability, and is the Brier score of chapter 2. Which loss is the −log p of what came true?",
    ),
    (
        {DIGIT_LOGS: "CrossEntropyLoss"},
        "CrossEntropyLoss would take the log-softmax once more: harmless, but which loss does only the rest?",
    ),
    (
        {DIGIT_LOGS: "KLDivLoss"},
        "KLDivLoss takes log-probabilities too, but its target is a row of probabilities. Which loss takes the number "
        "of "
        "the class?",
    ),
    (
        {DIGIT_LOGS: "BCELoss"},
        "BCELoss takes probabilities, from 0 to 1, and a log-probability is at most 0. Which loss only picks the true "
        "class's entry?",
    ),
    (
        {DIGIT_LOGITS: "NLLLoss"},
        "NLLLoss normalises nothing: given logits it returns minus the true logit. Which loss takes the log-softmax "
        "first?",
    ),
    (
        {DIGIT_LOGITS: "NLLLoss", DIGIT_LOGS: "CrossEntropyLoss"},
        "You have the two losses for one class of ten the wrong way round. One takes the log-softmax, the other has "
        "nothing left to do but pick: which of the two belongs to logits?",
    ),
    (
        {DIGIT_LOGITS: "BCEWithLogitsLoss"},
        "BCEWithLogitsLoss asks ten separate questions, so that all ten may be answered yes. A picture shows one "
        "digit: "
        "what should its ten probabilities add up to?",
    ),
    (
        dict.fromkeys(SITUATIONS, "CrossEntropyLoss"),
        "Cross-entropy is the idea behind all of them; but CrossEntropyLoss takes one thing only. What does each model "
        "end in, and is one class true or may several be?",
    ),
)


def places(instead):
    """A name for a wrong choice: what was chosen where."""
    return ", ".join(f"{name} for {situation.split(',')[0]}" for situation, name in instead.items())


for instead, message in CHOICES:
    choose.add(partial(chosen, instead=instead), message, places(instead))


def spelt(situation, spell):
    return spell(choose_loss(situation))


FUNCTIONS = {
    "CrossEntropyLoss": "cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "NLLLoss": "nll_loss",
    "BCELoss": "binary_cross_entropy",
}


SPELLINGS = {
    "nn. before the name": lambda name: f"nn.{name}",
    "torch.nn. before the name": lambda name: f"torch.nn.{name}",
    "brackets after the name": lambda name: f"{name}()",
    "the class": lambda name: getattr(nn, name),
    "an object of the class": lambda name: getattr(nn, name)(),
    "the function's name": FUNCTIONS.__getitem__,
    "F. and the function's name": lambda name: f"F.{FUNCTIONS[name]}",
    "small letters": str.lower,
}


for name, spell in SPELLINGS.items():
    choose.add(
        partial(spelt, spell=spell),
        'You chose rightly each time. But a name is asked for, as text, such as "NLLLoss": what is each of your losses '
        "called in the diagram of section 5.2?",
        name,
    )


predict = Draft(
    "5.2",
    "Work the weighted mean out by hand and assign the number.",
    must=(Must("is a mean of the three kept losses, so it lies between 0.5 and 2", lambda value: 0.5 <= value <= 2),),
    slips=(),
    hints=(
        "Leave the sample with the ignored label out of everything, above and below the line.",
        "Above the line: weight times loss for each kept sample. Below: those same weights.",
    ),
    afterwards="Look next at what that divisor does to a batch of one, in section 5.5.",
)


@predict.reference
def weighted_mean():
    """The kept losses times their weights, over the sum of those weights."""
    loss, label, weight = [0.5, 2.0, 1.0, 4.0], [0, 1, 1, 2], [1.0, 3.5, 10.0]
    kept = [i for i in range(4) if label[i] != 2]
    return sum(weight[label[i]] * loss[i] for i in kept) / sum(weight[label[i]] for i in kept)


@predict.mistake
def over_the_kept_samples():
    """You divided by the three kept samples. What does the mean divide by once there are weights?"""
    return 11 / 3


@predict.mistake
def over_all_samples():
    """You divided by all four samples. Does an ignored one count, and do weights?"""
    return 11 / 4


@predict.mistake
def the_sum():
    """That is the weighted sum. What does the mean divide it by?"""
    return 11.0


@predict.mistake
def no_weights():
    """That is the mean without weights. Where do 1 and 3.5 come in?"""
    return 3.5 / 3


@predict.mistake(name="no weights, over all samples")
def no_weights_over_all_samples():
    """That has no weights, and the ignored sample still counts as one of four. What does each of the two options do to
    the divisor?"""
    return 3.5 / 4


@predict.mistake
def weights_below_only():
    """Your divisor is the one that belongs to weights. Where are the same weights above the line?"""
    return 3.5 / 8


@predict.mistake
def nothing_ignored():
    """The sample with label 2 is in your sum. What does ignore_index=2 do with it?"""
    return 51 / 18


@predict.mistake(name="nothing ignored, over all samples")
def nothing_ignored_over_all_samples():
    """All four samples are in your sum, and four is your divisor. Which sample does ignore_index=2 leave out, and what
    does the mean divide by once there are weights?"""
    return 51 / 4


@predict.mistake
def plain_mean():
    """That is the plain mean of the four losses. What do weight and ignore_index change above and below the line?"""
    return 7.5 / 4


@predict.mistake
def ignored_weight_below():
    """The ignored sample's weight, 10, is in your divisor. Whose weights are summed?"""
    return 11 / 18


@predict.mistake(name="over the classes' weights")
def over_the_classes_weights():
    """You divided by the weights of the classes, 1 + 3.5 + 10. Summed are the weights of the kept samples' labels: how
    often does 3.5 occur?"""
    return 11 / 14.5


@predict.mistake
def each_weight_once():
    """You counted the weight 3.5 once below the line. How many kept samples have label 1?"""
    return 11 / 4.5


@predict.mistake
def sample_2_ignored():
    """You left out sample number 2, counted from 0. ignore_index is compared with the labels: which sample has label
    2?"""
    return 47.5 / 14.5


@predict.mistake
def weights_by_sample():
    """You gave the weights to the first three samples in their order. A weight belongs to a class: which weight has a
    sample with label 1?"""
    return 17.5 / 14.5


@predict.mistake
def only_the_ignored():
    """That is the loss of the sample with label 2, the only one that is left out. Which ones are kept?"""
    return 4.0


repair = Draft(
    "5.3",
    "Repair the snippet: two mistakes, neither of which raises an error.",
    must=(NEVER_NEGATIVE,),
    slips=(NEGATIVE, *BASES, SUMMED, OVER_SAMPLES, ONE_FEWER, HALVED, DOUBLED, *EPSILONS),
    rounds=2,
    hints=(
        "Print the shape of p * labels for three samples.",
        "softplus(z) − z y is the loss of a logit z. What stands in for z in the snippet?",
        "F.binary_cross_entropy_with_logits takes the logits as they are, and a floating target of their shape.",
    ),
    afterwards="Look next at chapter 6, where this loss trains a classifier.",
)


@repair.reference
def repaired(outputs, labels):
    """Mean binary cross-entropy of logits (N, 1) and labels (N,) of whole numbers."""
    return F.binary_cross_entropy_with_logits(outputs, labels.reshape(outputs.shape).to(outputs.dtype))


@repair.inputs
def repair_inputs(rng):
    plain = [([1.0, -2.0, 0.5], [1, 0, 0]), ([3.0], [1]), ([-2.0], [1]), ([1.5], [0]), ([0.0, 0.0], [1, 0])]
    sure = [([45.0, -40.0, 60.0, -3.0], [1, 0, 0, 1]), ([1000.0, -1000.0], [0, 1]), ([1000.0, -1000.0], [1, 0])]
    sure += [([-120.0, 2.0], [1, 1]), ([60.0], [0]), ([-1000.0], [0])]
    few, many = rng.integers(2, 6), rng.integers(6, 20)
    drawn = [(rng.normal(0, 3, n).clip(-15, 15), rng.integers(0, 2, n)) for n in (1, few, many)]
    drawn += [(rng.normal(0, 2, few).clip(-15, 15), np.full(few, label)) for label in (0, 1)]
    return [
        (torch.tensor(np.array(z), dtype=torch.float64)[:, None], torch.tensor(np.array(y)))
        for z, y in plain + sure + drawn
    ]


@repair.domain
def repair_domain(outputs, labels):
    fits = outputs.shape == (len(labels), 1) and len(labels) > 0
    size = outputs.abs()
    plain = (size <= 15) | (size >= 40)  # between the two softplus rounds at its threshold, 20
    return fits and bool(torch.all(plain)) and bool(torch.all((labels == 0) | (labels == 1)))


@repair.mistake
def unrepaired(outputs, labels):
    """Both mistakes are still there. What is the smallest value that the snippet can return, and how many terms does
    its mean average for three samples?"""
    p = torch.sigmoid(outputs)
    return (F.softplus(p) - p * labels).mean()


@repair.mistake
def still_broadcast(outputs, labels):
    """One mistake is gone, one is left: (N, 1) with (N,) gives (N, N), every output against every label. How do you
    give both the same shape?"""
    return (F.softplus(outputs) - outputs * labels).mean()


@repair.mistake
def still_squashed(outputs, labels):
    """The shapes are right now. But the formula takes logits and gets probabilities: where does the sigmoid happen a
    second time?"""
    return repaired(torch.sigmoid(outputs), labels)


@repair.mistake
def clamped(outputs, labels):
    """Right for small logits. But the sigmoid of 60 rounds to 1, and BCELoss stops at 100 there. Which loss takes the
    logits themselves?"""
    return F.binary_cross_entropy(torch.sigmoid(outputs), labels.reshape(outputs.shape).to(outputs.dtype))


def of_probabilities(p, y):
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()


@repair.mistake
def logarithms(outputs, labels):
    """Right for small logits. But the sigmoid of 1000 is exactly 1 and that of −1000 exactly 0, and the logarithm of 0
    is −inf. Which loss takes the logits themselves?"""
    return of_probabilities(torch.sigmoid(outputs[:, 0]), labels)


@repair.mistake(like=logarithms)
def logarithms_of_the_probability_that_counts(outputs, labels):
    return -torch.log(torch.sigmoid((2 * labels - 1) * outputs[:, 0])).mean()


@repair.mistake
def logarithms_broadcast(outputs, labels):
    """Probabilities with their logarithms are a way; but (N, 1) with (N,) still gives (N, N). How do you give both the
    same shape, and what is the logarithm where the sigmoid rounds to 1?"""
    return of_probabilities(torch.sigmoid(outputs), labels)


@repair.mistake(small=(0.001, 1e-05, 1e-06, 1e-07, 1e-08, 1e-10, 1e-12, 1e-15))
def logarithms_clipped(outputs, labels, small):
    """Right for small logits. But what you add or clip keeps the loss of a confidently wrong sample from growing, and
    shifts the others a little. Which loss takes the logits, and needs no such number?"""
    return of_probabilities(torch.sigmoid(outputs[:, 0]).clamp(small, 1 - small), labels)


@repair.mistake(like=logarithms_clipped, small=(0.001, 1e-05, 1e-06, 1e-07, 1e-08, 1e-10, 1e-12, 1e-15))
def logarithms_padded(outputs, labels, small):
    p = torch.sigmoid(outputs[:, 0])
    return -(labels * torch.log(p + small) + (1 - labels) * torch.log(1 - p + small)).mean()


@repair.mistake
def softplus_by_hand(outputs, labels):
    """Right for small logits. But exp(1000) is inf in every floating type. Which function of the snippet computes log(1
    + exp(z)) without it?"""
    return (torch.log(1 + torch.exp(outputs[:, 0])) - outputs[:, 0] * labels).mean()


@repair.mistake
def each_in_a_column(outputs, labels):
    """That is the loss of each sample, in a column. One number is asked for: which one of them all?"""
    return F.softplus(outputs) - outputs * labels[:, None]


@repair.mistake
def each_sample(outputs, labels):
    """That is the loss of each sample. One number is asked for: which one of them all?"""
    return each_in_a_column(outputs, labels)[:, 0]


@repair.mistake
def labels_turned(outputs, labels):
    """The labels are turned round: a large logit costs you most where the label is 1. What should z = 3 cost with label
    1, much or little?"""
    return repaired(-outputs, labels)


@repair.mistake
def formulas_mixed(outputs, labels):
    """That mixes two formulas: softplus(z) − z y, and softplus(−z) + z (1 − y). What should a logit of 3 with label 1
    cost, and can a loss be negative?"""
    return (F.softplus(-outputs[:, 0]) - outputs[:, 0] * labels).mean()


@repair.mistake
def positives_only(outputs, labels):
    """Samples with label 0 cost you nothing, so the best output is always a large one. What does −log(1 − p) charge
    them?"""
    return (F.softplus(-outputs[:, 0]) * labels).mean()


@repair.mistake
def negatives_only(outputs, labels):
    """Samples with label 1 cost you nothing, so the best output is always a small one. What does −log p charge them?"""
    return (F.softplus(outputs[:, 0]) * (1 - labels)).mean()


repair.says(
    LABELS_TOO_LOW,
    "softplus(z) alone is the loss of label 0, whatever the label is. Which term of the snippet lowers it for label 1?",
)


@repair.mistake
def squeezed(outputs, labels):
    """Right, but for a batch of one sample: squeeze() takes away every axis of length 1, that of the samples as well.
    Which axis should go, and how do you name it?"""
    return F.binary_cross_entropy_with_logits(outputs.squeeze(), labels.to(outputs.dtype))


@repair.mistake
def unlike_shapes(outputs, labels):
    """PyTorch's loss refuses (N, 1) against (N,), which saves you from the first mistake. How do you give both the same
    shape?"""
    return F.binary_cross_entropy_with_logits(outputs, labels.to(outputs.dtype))


@repair.mistake
def whole_numbers(outputs, labels):
    """The shapes are right, and PyTorch's loss refuses targets of whole numbers. How do you turn them into floats?"""
    return F.binary_cross_entropy_with_logits(outputs, labels.reshape(outputs.shape))


@repair.mistake
def cross_entropy_of_one(outputs, labels):
    """CrossEntropyLoss wants one column for each class. One column leaves label 1 out of range, and label 0 costs 0
    whatever the output: which loss takes one logit?"""
    return F.cross_entropy(outputs, labels)


@repair.mistake
def squared_error(outputs, labels):
    """That is the squared error of the probabilities (the Brier score). Which cost is the −log p of what came true?"""
    return ((torch.sigmoid(outputs[:, 0]) - labels) ** 2).mean()


@repair.mistake
def error_rate(outputs, labels):
    """You counted errors, so logits of 0.1 and 10 count alike. How much probability did each label get, and what does
    that cost?"""
    return ((outputs[:, 0] > 0) != (labels == 1)).double().mean()


masked = Draft(
    "5.4",
    "Return the mean loss of the valid tokens, and 0 where none is valid.",
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
    left, filled, sure, gap = (batch(rows, length, 0.6) for _ in range(4))
    filled[0][~filled[1]] = rng.choice([np.nan, np.inf, -np.inf, -7.0, 0.0], np.sum(~filled[1]))
    sure[0][rng.random(sure[0].shape) < 0.4] = 0.0  # tokens that are predicted with certainty
    sure[0][-1, -1] = 1.0
    gap[1][0] = False  # a sentence without a token
    return [
        (padded, np.array([[True] * 4, [True, False, False, False]])),
        (np.array([[0.5, 1.5]]), np.array([[True, True]])),
        (np.array([[0.0, 1.0], [3.0, 5.0]]), np.array([[True, True], [False, True]])),
        (poisoned, keep),
        left,
        filled,
        sure,
        gap,
        batch(1, length, 0.5),
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
    """With no valid token your mean is 0/0. One such batch turns all weights into NaN. What should it return?"""
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
