"""Exercises of chapter 5: choose a loss, predict a weighted mean, repair a snippet, average over valid tokens."""

import numpy as np
import torch
import torch.nn.functional as F

from xent_helpers.exercises.checker import Exercise, Mistake

SITUATIONS = {
    "one of ten digits, ten logits": "CrossEntropyLoss",
    "spam or not, one logit": "BCEWithLogitsLoss",
    "any of five diseases at once, five logits": "BCEWithLogitsLoss",
    "one of ten digits, ten log-probabilities": "NLLLoss",
    "spam or not, a probability from a program that you cannot change": "BCELoss",
}


def choose_loss(situation):
    """The loss that takes what the model gives and what the label is."""
    return {
        "one of ten digits, ten logits": "CrossEntropyLoss",
        "spam or not, one logit": "BCEWithLogitsLoss",
        "any of five diseases at once, five logits": "BCEWithLogitsLoss",
        "one of ten digits, ten log-probabilities": "NLLLoss",
        "spam or not, a probability from a program that you cannot change": "BCELoss",
    }[situation]


def _choose_one_class_of_five(situation):
    return "CrossEntropyLoss" if situation.startswith("any of five") else choose_loss(situation)


def _choose_softmax_for_spam(situation):
    return "CrossEntropyLoss" if situation == "spam or not, one logit" else choose_loss(situation)


def _choose_cross_entropy_of_logs(situation):
    return "CrossEntropyLoss" if "log-probabilities" in situation else choose_loss(situation)


def _choose_bce_for_logits(situation):
    chosen = choose_loss(situation)
    return "BCELoss" if chosen == "BCEWithLogitsLoss" else chosen


def _choose_nll_for_logits(situation):
    return "NLLLoss" if situation.startswith("one of ten") else choose_loss(situation)


def _choose_logits_for_probability(situation):
    chosen = choose_loss(situation)
    return "BCEWithLogitsLoss" if chosen == "BCELoss" else chosen


CHOOSE = Exercise(
    key="5.1",
    task="Return the name of the loss for each of the five situations.",
    reference=choose_loss,
    inputs=lambda rng: [(situation,) for situation in SITUATIONS],
    mistakes=(
        Mistake(
            _choose_one_class_of_five,
            "CrossEntropyLoss lets the five diseases compete: their probabilities add up to 1. Can a patient have two?",
        ),
        Mistake(
            _choose_softmax_for_spam,
            "CrossEntropyLoss of a single logit is 0 whatever the logit. What is the softmax of one number?",
        ),
        Mistake(
            _choose_cross_entropy_of_logs,
            "CrossEntropyLoss would take the log-softmax once more: harmless, but which loss does only the rest?",
        ),
        Mistake(
            _choose_bce_for_logits,
            "BCELoss wants probabilities, and a logit of 3 is none. Which loss takes the sigmoid itself, and why is "
            "that the safer order?",
        ),
        Mistake(
            _choose_nll_for_logits,
            "NLLLoss normalises nothing: given logits it returns minus the true logit. Which loss takes the "
            "log-softmax first?",
        ),
        Mistake(
            _choose_logits_for_probability,
            "BCEWithLogitsLoss would squash the probability once more, and never come below 0.3133. What does the "
            "program give: a logit or a probability?",
        ),
    ),
    hints=(
        "Ask first: one class of many, or one or more separate yes-or-no questions?",
        "Then ask what the model ends in: logits, log-probabilities or probabilities. Section 5.2 has a diagram.",
    ),
    afterwards="Look next at chapter 8, where the label itself is a distribution.",
)


def weighted_mean():
    """The kept losses times their weights, over the sum of those weights."""
    loss, label, weight = [0.5, 2.0, 1.0, 4.0], [0, 1, 1, 2], [1.0, 3.5, 10.0]
    kept = [i for i in range(4) if label[i] != 2]
    return sum(weight[label[i]] * loss[i] for i in kept) / sum(weight[label[i]] for i in kept)


PREDICT = Exercise(
    key="5.2",
    task="Work the weighted mean out by hand and assign the number.",
    reference=weighted_mean,
    inputs=lambda rng: [()],
    mistakes=(
        Mistake(
            lambda: 11 / 3,
            "You divided by the three kept samples. What does the mean divide by once there are weights?",
        ),
        Mistake(lambda: 11 / 4, "You divided by all four samples. Does an ignored one count, and do weights?"),
        Mistake(lambda: 11.0, "That is the weighted sum. What does the mean divide it by?"),
        Mistake(lambda: 3.5 / 3, "That is the mean without weights. Where do 1 and 3.5 come in?"),
        Mistake(lambda: 51 / 18, "The sample with label 2 is in your sum. What does ignore_index=2 do with it?"),
        Mistake(lambda: 11 / 18, "The ignored sample's weight, 10, is in your divisor. Whose weights are summed?"),
        Mistake(
            lambda: 11 / 14.5,
            "You divided by the weights of the classes, 1 + 3.5 + 10. Summed are the weights of the kept samples' "
            "labels: how often does 3.5 occur?",
        ),
    ),
    hints=(
        "Leave the sample with the ignored label out of everything, above and below the line.",
        "Above the line: weight times loss for each kept sample. Below: those same weights.",
    ),
    afterwards="Look next at what that divisor does to a batch of one, in section 5.5.",
)


def repaired(outputs, labels):
    """Mean binary cross-entropy of logits (N, 1) and labels (N,) of whole numbers."""
    return F.binary_cross_entropy_with_logits(outputs, labels.reshape(outputs.shape).to(outputs.dtype))


def _unrepaired(outputs, labels):
    p = torch.sigmoid(outputs)
    return (F.softplus(p) - p * labels).mean()


def _still_broadcast(outputs, labels):
    return (F.softplus(outputs) - outputs * labels).mean()


def _still_squashed(outputs, labels):
    return repaired(torch.sigmoid(outputs), labels)


def _clamped(outputs, labels):
    return F.binary_cross_entropy(torch.sigmoid(outputs), labels.reshape(outputs.shape).to(outputs.dtype))


def _repair_inputs(rng):
    batches = [[1.0, -2.0, 0.5], [3.0], [0.0, 0.0], [25.0, -40.0, 60.0, -3.0]]
    batches.append(rng.normal(0, 3, 6).tolist())
    labels = [[1, 0, 0], [1], [1, 0], [1, 0, 0, 1], rng.integers(0, 2, 6).tolist()]
    return [(torch.tensor(z).double()[:, None], torch.tensor(y)) for z, y in zip(batches, labels, strict=True)]


REPAIR = Exercise(
    key="5.3",
    task="Repair the snippet: two mistakes, neither of which raises an error.",
    reference=repaired,
    inputs=_repair_inputs,
    mistakes=(
        Mistake(
            _unrepaired,
            "Both mistakes are still there. What is the smallest value that the snippet can return, and how many terms "
            "does its mean average for three samples?",
        ),
        Mistake(
            _still_broadcast,
            "One mistake is gone, one is left: (N, 1) with (N,) gives (N, N), every output against every label. How do "
            "you give both the same shape?",
        ),
        Mistake(
            _still_squashed,
            "The shapes are right now. But the formula takes logits and gets probabilities: where does the sigmoid "
            "happen a second time?",
        ),
        Mistake(
            _clamped,
            "Right for small logits. But the sigmoid of 60 rounds to 1, and BCELoss stops at 100 there. Which loss "
            "takes the logits themselves?",
        ),
        Mistake(
            lambda outputs, labels: repaired(outputs, labels) * len(labels),
            "That is the sum. The snippet was meant to return the mean: what is missing?",
        ),
    ),
    hints=(
        "Print the shape of p * labels for three samples.",
        "softplus(z) − z y is the loss of a logit z. What stands in for z in the snippet?",
        "F.binary_cross_entropy_with_logits takes the logits as they are, and a floating target of their shape.",
    ),
    afterwards="Look next at chapter 6, where this loss trains a classifier.",
)


def masked_mean(token_losses, valid):
    """Sum of the valid tokens' losses over their number; 0 where there is none."""
    kept = token_losses[valid]
    return kept.sum() / max(len(kept), 1)


def _mean_of_row_means(token_losses, valid):
    kept = [row[mask].mean() for row, mask in zip(token_losses, valid, strict=True) if mask.any()]
    return np.mean(kept) if kept else 0.0


def _over_all_tokens(token_losses, valid):
    return token_losses[valid].sum() / token_losses.size


def _mean_of_nothing(token_losses, valid):
    kept = token_losses[valid]
    return kept.mean() if len(kept) else np.nan


def _times_mask(token_losses, valid):
    with np.errstate(invalid="ignore"):
        return (token_losses * valid).sum() / max(valid.sum(), 1)


def _masked_inputs(rng):
    losses = rng.exponential(2.0, (3, 5))
    some = rng.random((3, 5)) < 0.6
    some[0, :2] = True, False
    padded = np.array([[1.0, 2.0, 3.0, 4.0], [8.0, 0.0, 0.0, 0.0]])
    poisoned = np.array([[2.0, np.nan], [np.inf, 4.0]])
    return [
        (padded, np.array([[True] * 4, [True, False, False, False]])),
        (np.array([[0.5, 1.5]]), np.array([[True, True]])),
        (losses, some),
        (poisoned, np.array([[True, False], [False, True]])),
        (losses, np.zeros((3, 5), dtype=bool)),
    ]


MASKED = Exercise(
    key="5.4",
    task="Return the mean loss of the valid tokens, and 0 where none is valid.",
    reference=masked_mean,
    inputs=_masked_inputs,
    mistakes=(
        Mistake(
            _mean_of_row_means,
            "You averaged each row, then the rows. A token in a short row then counts for more than one in a long row. "
            "Which divisor counts every valid token once?",
        ),
        Mistake(
            _over_all_tokens,
            "Your divisor counts the padding too, so more padding means a smaller loss. How many tokens are valid?",
        ),
        Mistake(
            _mean_of_nothing,
            "With no valid token your mean is 0/0. One such batch turns all weights into NaN. What should it return?",
        ),
        Mistake(
            _times_mask,
            "You multiply by the mask. What is 0 times infinity, or 0 times NaN? Select the valid tokens instead.",
        ),
        Mistake(
            lambda token_losses, valid: token_losses[valid].sum(), "That is the sum. What does the mean divide by?"
        ),
    ),
    hints=(
        "token_losses[valid] holds the valid ones, and nothing else.",
        "Sum them, and divide by their number; max(number, 1) serves the empty batch.",
    ),
    afterwards="Look next at chapter 9: with gradient accumulation the number is that of all batches together.",
)

EXERCISES = (CHOOSE, PREDICT, REPAIR, MASKED)
