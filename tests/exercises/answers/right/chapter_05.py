"""Chapter 5's exercises, answered rightly in other ways."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from xent_helpers.exercises.chapter_05 import choose


def choose_with_words(situation):
    if "log-prob" in situation:
        return "NLLLoss"
    if "a probability" in situation:
        return "BCELoss"
    return "CrossEntropyLoss" if "ten digits" in situation else "BCEWithLogitsLoss"


def repair_by_formula(outputs, labels):
    z = outputs[:, 0]
    return (F.softplus(z) - z * labels).mean()


def repair_with_a_loop(outputs, labels):
    total = 0.0
    for z, y in zip(outputs.flatten().tolist(), labels.tolist(), strict=True):
        total += np.logaddexp(0, -z if y else z)
    return total / len(labels)


def masked_mean_with_torch(token_losses, valid):
    kept = torch.tensor(token_losses)[torch.tensor(valid)]
    return kept.mean() if len(kept) else torch.tensor(0.0, dtype=torch.float64)


def masked_mean_with_a_loop(token_losses, valid):
    total = count = 0
    for loss, counts in zip(token_losses.flatten(), valid.flatten(), strict=True):
        if counts:
            total, count = total + loss, count + 1
    return total / count if count else 0.0


class Chooser:
    """An object that is called like a function."""

    def __init__(self, *names):
        self.names = dict(zip(choose.SITUATIONS, names, strict=True))

    def __call__(self, situation):
        return self.names[situation]


CHOOSER = Chooser("CrossEntropyLoss", "BCEWithLogitsLoss", "BCEWithLogitsLoss", "NLLLoss", "BCELoss")


def choose_by_questions(situation):
    one_of_many, given = situation.startswith("one of"), situation.split(",")[1]
    if one_of_many:
        return nn.NLLLoss.__name__ if "log" in given and "logits" not in given else nn.CrossEntropyLoss.__name__
    return nn.BCEWithLogitsLoss.__name__ if "logit" in given else nn.BCELoss.__name__


def repair_with_two_columns(outputs, labels):
    return F.cross_entropy(torch.cat([torch.zeros_like(outputs), outputs], dim=1), labels)


def repair_with_numpy(outputs, labels):
    z, y = outputs.numpy().ravel(), labels.numpy()
    return np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))))


def masked_mean_by_where(token_losses, valid):
    return np.where(valid, token_losses, 0.0).sum() / np.clip(valid.sum(), 1, None)


def masked_mean_by_nanmean(token_losses, valid):
    return np.nanmean(np.where(valid, token_losses, np.nan)) if valid.any() else 0.0


RIGHT = {
    "5.1": [
        choose_with_words,
        lambda situation: CHOOSER.names.get(situation),
        CHOOSER,
        choose_by_questions,
    ],
    "5.2": [
        1.375,
        np.float64(11 / 8),
        torch.tensor([0.5, 7.0, 3.5]).sum() / 8,
        np.average([0.5, 2.0, 1.0], weights=[1.0, 3.5, 3.5]),
    ],
    "5.3": [
        repair_by_formula,
        repair_with_a_loop,
        repair_with_two_columns,
        repair_with_numpy,
    ],
    "5.4": [
        masked_mean_with_torch,
        masked_mean_with_a_loop,
        masked_mean_by_where,
        masked_mean_by_nanmean,
    ],
}
