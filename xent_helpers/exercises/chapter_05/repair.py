"""Exercise 5.3: a snippet to repair."""

import numpy as np
import torch
import torch.nn.functional as F

from xent_helpers.exercises.constants import NEVER_NEGATIVE
from xent_helpers.exercises.draft import Draft
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
    small = [([7.0], [1]), ([12.0, -12.0], [1, 0]), ([19.0], [1]), ([-19.0], [0])]  # softplus is not z, or 0, yet
    sure = [([45.0, -40.0, 60.0, -3.0], [1, 0, 0, 1]), ([1000.0, -1000.0], [0, 1]), ([1000.0, -1000.0], [1, 0])]
    sure += [([-120.0, 2.0], [1, 1]), ([60.0], [0]), ([-1000.0], [0]), ([1e30, -1e30], [0, 1])]
    few, many = rng.integers(2, 6), rng.integers(6, 20)
    drawn = [(rng.normal(0, 3, n).clip(-19, 19), rng.integers(0, 2, n)) for n in (1, few, many, 300)]
    drawn += [(rng.normal(0, 2, few), np.full(few, label)) for label in (0, 1)]
    return [
        (torch.tensor(np.array(z), dtype=torch.float64)[:, None], torch.tensor(np.array(y)))
        for z, y in plain + small + sure + drawn
    ]


@repair.domain
def repair_domain(outputs, labels):
    fits = outputs.shape == (len(labels), 1) and len(labels) > 0
    size = outputs.abs()
    plain = (size < 20) | (size >= 40)  # from its threshold, 20, torch's softplus rounds exp(−z) to 0
    return fits and bool(torch.all(plain)) and bool(torch.all((labels == 0) | (labels == 1)))


@repair.mistake
def unrepaired(outputs, labels):
    """Both mistakes are still in your values. What is the smallest value that the snippet can return, and how many
    terms does its mean average for three samples?"""
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
    """Right for small logits. But exp(1000) is inf, the sigmoid of 1000 is exactly 1, and the logarithm of 0 is −inf.
    Which loss takes the logits themselves?"""
    return of_probabilities(torch.sigmoid(outputs[:, 0]), labels)


@repair.mistake(like=logarithms)
def logarithms_of_the_probability_that_counts(outputs, labels):
    return -torch.log(torch.sigmoid((2 * labels - 1) * outputs[:, 0])).mean()


@repair.mistake
def logarithms_broadcast(outputs, labels):
    """Logarithms of probabilities are one way, but (N, 1) with (N,) still gives (N, N). How do you give both the same
    shape, and what is the logarithm where the sigmoid rounds to 1?"""
    return of_probabilities(torch.sigmoid(outputs), labels)


@repair.mistake(small=(0.001, 1e-05, 1e-06, 1e-07, 1e-08, 1e-10, 1e-12, 1e-15))
def logarithms_clipped(outputs, labels, small):
    """Right for small logits. But what you add or clip keeps the loss of a confidently wrong sample from growing, and
    may shift the others a little. Which loss takes the logits, and needs no such number?"""
    return of_probabilities(torch.sigmoid(outputs[:, 0]).clamp(small, 1 - small), labels)


@repair.mistake(like=logarithms_clipped, small=(0.001, 1e-05, 1e-06, 1e-07, 1e-08, 1e-10, 1e-12, 1e-15))
def logarithms_padded(outputs, labels, small):
    p = torch.sigmoid(outputs[:, 0])
    return -(labels * torch.log(p + small) + (1 - labels) * torch.log(1 - p + small)).mean()


@repair.mistake
def softplus_by_hand(outputs, labels):
    """Right for small logits. But exp(1000) is inf, in float64 too. Which function of the snippet computes
    log(1 + exp(z)) without it?"""
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
    "softplus(z) alone is the loss of label 0, whatever the label is. Which term of the snippet depends on the label?",
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
    """That is the squared error of the probabilities. Which loss is −log p of the label?"""
    return ((torch.sigmoid(outputs[:, 0]) - labels) ** 2).mean()


@repair.mistake
def error_rate(outputs, labels):
    """You counted errors, so logits of 0.1 and 10 count alike. How much probability did each label get, and what does
    that cost?"""
    return ((outputs[:, 0] > 0) != (labels == 1)).double().mean()
