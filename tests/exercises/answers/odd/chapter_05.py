"""Odd answers to the exercises of chapter 5."""

import math
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from functools import partial, reduce

import numpy as np
import pandas as pd
import torch
from scipy import special
from torch import nn
from torch.nn import functional as F

from xent_helpers import losses
from xent_helpers.exercises.chapter_05.choose import SITUATIONS, choose_loss
from xent_helpers.exercises.chapter_05.masked import masked_mean
from xent_helpers.exercises.chapter_05.repair import repaired

NAMES = np.array(["CrossEntropyLoss", "BCEWithLogitsLoss", "BCEWithLogitsLoss", "NLLLoss", "BCELoss"])


def choose_by_matching(situation):
    match situation.split(", "):
        case [who, given] if who.startswith("one of"):
            return "CrossEntropyLoss" if given == "ten logits" else "NLLLoss"
        case [_, given]:
            return "BCEWithLogitsLoss" if given.endswith(("logit", "logits")) else "BCELoss"


def repair_in_place(outputs, labels):
    z = outputs.clone().flatten()
    z[labels == 1] *= -1
    return torch.logaddexp(z, torch.zeros_like(z)).sum() / z.numel()


def repair_with_gradient(outputs, labels):
    z = outputs.clone().requires_grad_()
    loss = repaired(z, labels)
    loss.backward()
    return loss


def masked_with_decimals(token_losses, valid):
    kept = [Decimal(float(one)) for one in token_losses[valid]]
    return sum(kept) / len(kept) if kept else Decimal(0)


def masked_with_pandas(token_losses, valid):
    return pd.DataFrame(token_losses).where(valid).stack().agg("mean") if valid.sum() else 0


def masked_with_masked_array(token_losses, valid):
    mean = np.ma.array(token_losses, mask=~valid).mean()
    return 0.0 if mean is np.ma.masked else mean


RIGHT = [
    ("5.1", choose_by_matching),
    ("5.1", lambda situation: NAMES[SITUATIONS.index(situation)]),
    ("5.1", lambda situation: pd.Series(NAMES, index=list(SITUATIONS)).loc[situation]),
    (
        "5.1",
        lambda situation: reduce(
            lambda a, pair: pair[1] if pair[0] == situation else a, zip(SITUATIONS, NAMES.tolist(), strict=True), None
        ),
    ),
    (
        "5.1",
        lambda situation: defaultdict(
            lambda: "BCEWithLogitsLoss",
            {SITUATIONS[0]: "CrossEntropyLoss", SITUATIONS[3]: "NLLLoss", SITUATIONS[4]: "BCELoss"},
        )[situation],
    ),
    ("5.2", Fraction(11, 8)),
    ("5.2", np.longdouble(11) / 8),
    ("5.2", torch.tensor(1.375, dtype=torch.float16)),
    ("5.2", Decimal("1.375")),
    ("5.2", np.array(1.375)),
    ("5.3", repair_in_place),
    ("5.3", repair_with_gradient),
    ("5.3", partial(lambda outputs, labels, loss: loss(outputs[..., 0], labels.double()), loss=nn.BCEWithLogitsLoss())),
    ("5.3", lambda outputs, labels: F.binary_cross_entropy_with_logits(outputs.squeeze(1), labels.float())),
    ("5.3", lambda outputs, labels: F.binary_cross_entropy_with_logits(outputs.float(), labels[:, None].float())),
    ("5.3", lambda z, y: losses.binary_cross_entropy_with_logits(z, y.unsqueeze(1).to(z))),
    ("5.3", lambda z, y: losses.binary_cross_entropy_with_logits(z.numpy()[:, 0], y.numpy().astype(float))),
    ("5.3", lambda z, y: -torch.distributions.Bernoulli(logits=z.view(-1)).log_prob(y.double()).mean()),
    ("5.3", lambda z, y: -F.logsigmoid(torch.where(y[:, None] > 0, z, -z)).mean()),
    ("5.3", lambda z, y: F.soft_margin_loss(z.flatten(), 2.0 * y - 1) if abs(z).max() < 600 else repaired(z, y)),
    ("5.3", lambda z, y: F.multilabel_soft_margin_loss(z, y[:, None])),
    ("5.3", lambda z, y: F.nll_loss(F.log_softmax(torch.hstack([-z, z]) / 2, 1), y)),
    ("5.3", lambda z, y: -special.log_expit(np.where(y, z[:, 0], -z[:, 0])).mean()),
    ("5.3", lambda z, y: math.fsum(np.logaddexp(0, (1 - 2 * b) * a) for a, b in zip(z[:, 0], y, strict=True)) / len(y)),
    ("5.4", masked_with_decimals),
    ("5.4", masked_with_pandas),
    ("5.4", masked_with_masked_array),
    ("5.4", lambda losses, valid: np.nansum(losses * np.where(valid, 1, np.nan)) / max(valid.sum(), 1)),
    ("5.4", lambda losses, valid: np.average(losses[valid]) if np.any(valid) else 0),
    ("5.4", lambda losses, valid: sum(losses[i, j] for i, j in np.argwhere(valid)) / (valid.sum() or 1)),
    ("5.4", lambda losses, valid: math.fsum(losses[valid]) / max(1, valid.sum().item())),
    ("5.4", lambda losses, valid: np.nan_to_num(losses[valid].mean())),
    ("5.4", lambda losses, valid: torch.as_tensor(losses)[valid].sum() / torch.as_tensor(valid).sum().clamp(min=1e-8)),
    ("5.4", lambda losses, valid: torch.where(valid, losses, 0).sum() / valid.sum().clamp(min=1)),
    ("5.4", lambda losses, valid: torch.masked_select(losses.float(), valid).sum() / max(int(valid.sum()), 1)),
    ("5.4", lambda losses, valid: np.float32(losses[valid].sum() / max(valid.sum(), 1))),
    ("5.4", lambda losses, valid: np.float64(np.float32(masked_mean(losses, valid)))),
    ("5.4", lambda *both: np.sum(both[0], where=both[1]) / np.maximum(np.sum(both[1]), 1)),
    ("5.4", lambda losses, valid: np.dot(losses[valid], np.ones(valid.sum())) / max(valid.sum(), 1)),
    ("5.4", lambda losses, valid: [*losses[valid], 0.0][0] if valid.sum() < 2 else losses[valid].mean()),
    ("5.4", lambda losses, valid: np.add.reduce(np.compress(valid.ravel(), losses)) / max(valid.sum(), 1)),
]


def choose_with_a_slip(situation, where, name):
    return name if situation == SITUATIONS[where] else choose_loss(situation)


def repair_in_half(outputs, labels):
    """Half precision on the way, and float64 again at the end."""
    return F.binary_cross_entropy_with_logits(outputs.half().double(), labels[:, None].double())


def masked_sorted(token_losses, valid):
    """Row lengths, the longest first, as pack_padded_sequence wants them."""
    lengths = np.sort(valid.sum(1))[::-1]
    return masked_mean(token_losses, np.arange(valid.shape[1]) < lengths[:, None])


WRONG = [
    ("5.1", partial(choose_with_a_slip, where=1, name="HingeEmbeddingLoss")),
    ("5.1", partial(choose_with_a_slip, where=2, name="KLDivLoss")),
    ("5.1", partial(choose_with_a_slip, where=0, name="MSELoss")),
    ("5.1", partial(choose_with_a_slip, where=3, name=None)),
    ("5.1", partial(choose_with_a_slip, where=4, name="BCEloss")),
    ("5.1", lambda situation: "BCELoss" if "prob" in situation else choose_loss(situation)),
    ("5.1", lambda situation: "BCEWithLogitsLoss" if "logit" in situation else choose_loss(situation)),
    ("5.1", lambda situation: SITUATIONS.index(situation)),
    ("5.1", lambda situation: [choose_loss(situation)]),
    ("5.1", lambda situation: situation),
    ("5.2", 1.3751),
    ("5.3", repair_in_half),
    ("5.4", lambda losses, valid: masked_mean(losses, valid) if valid[-1].any() else 0.0),
    ("5.3", lambda z, y: repaired(z.clamp(-100, 100), y)),
    ("5.3", lambda z, y: repaired(z.clamp(max=50), y)),
    ("5.3", lambda z, y: (F.softplus(z[:, 0], threshold=15) - z[:, 0] * y).mean()),
    ("5.3", lambda z, y: repaired(z, y) if len(y) > 1 else 0.0 * z.sum()),
    ("5.3", lambda z, y: repaired(z.abs(), y)),
    ("5.3", lambda z, y: repaired(z[:1], y[:1])),
    ("5.3", lambda z, y: repaired(z[1:], y[1:]) if len(y) > 1 else repaired(z, y)),
    ("5.3", lambda z, y: repaired(z, y) + 1e-5),
    ("5.3", lambda z, y: repaired(z, y).round(decimals=4)),
    ("5.3", lambda z, y: repaired(z, y) if y.float().mean() < 1 else repaired(-z, y)),
    ("5.3", lambda z, y: repaired(z, torch.sort(y).values)),
    ("5.3", lambda z, y: F.binary_cross_entropy_with_logits(z, y[:, None].double(), pos_weight=torch.tensor(1 + 1e-6))),
    ("5.3", lambda z, y: F.multi_margin_loss(torch.hstack([-z, z]), y)),
    ("5.3", lambda z, y: F.relu((1 - 2 * y) * z[:, 0]).mean()),
    ("5.3", lambda z, y: F.softplus((1 - 2 * y) * z[:, 0]).median()),
    ("5.3", lambda z, y: F.softplus((1 - 2 * y) * z[:, 0]).max()),
    ("5.3", lambda z, y: F.softplus((1 - 2 * y) * z).mean()),
    ("5.3", lambda z, y: F.binary_cross_entropy_with_logits(z.expand(-1, len(y)), y.double().expand(len(y), -1))),
    ("5.3", lambda z, y: torch.expm1(repaired(z, y))),
    ("5.3", lambda z, y: F.cross_entropy(z.T, torch.argmax(y)[None])),
    ("5.4", masked_sorted),
    ("5.4", lambda losses, valid: losses[valid][:-1].sum() / max(valid.sum(), 1)),
    ("5.4", lambda losses, valid: losses[valid].mean() if valid.any() else 1.0),
    ("5.4", lambda losses, valid: losses[valid].mean() if valid.any() else None),
    ("5.4", lambda losses, valid: losses[valid].mean() if valid.all() else 0.0),
    ("5.4", lambda losses, valid: masked_mean(losses, valid & (losses < 5))),
    ("5.4", lambda losses, valid: masked_mean(np.minimum(losses, 1000), valid)),
    ("5.4", lambda losses, valid: masked_mean(losses, valid & ((losses == 0) | (losses > 1e-6)))),
    ("5.4", lambda losses, valid: torch.tensor(losses[valid]).float().sum() / (valid.sum() + 1e-6)),
    ("5.4", lambda losses, valid: masked_mean(np.clip(losses, 1e-7, None), valid)),
    ("5.4", lambda losses, valid: masked_mean(losses[:, 1:], valid[:, 1:])),
    ("5.4", lambda losses, valid: masked_mean(losses[:2], valid[:2])),
    ("5.4", lambda losses, valid: masked_mean(losses, valid) * (1 + 1e-9)),
    ("5.4", lambda losses, valid: masked_mean(losses, np.cumsum(~valid, axis=1) == 0)),
    ("5.4", lambda losses, valid: masked_mean(losses[:, ::-1], valid)),
    ("5.4", lambda losses, valid: np.nansum(losses * valid) / np.count_nonzero(~np.isnan(losses))),
    ("5.4", lambda losses, valid: np.sum(losses, where=valid) / max(valid.sum(axis=1).max() * len(valid), 1)),
    ("5.4", lambda losses, valid: max(masked_mean(losses, valid), 1e-8)),
    ("5.4", lambda losses, valid: np.sqrt(masked_mean(losses**2, valid))),
    ("5.4", lambda losses, valid: masked_mean(losses, valid) if valid.shape[0] > 1 else losses[valid].sum()),
]
