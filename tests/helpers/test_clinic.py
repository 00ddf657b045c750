"""``clinic.call`` names what people get wrong, and is silent about healthy calls: one line a snippet, as posted."""

import functools
import math
from html import unescape

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn, tensor

from tools.execute_notebooks import ROOT
from xent_helpers import clinic, losses
from xent_helpers.clinic.faults import HEADINGS

N, C, V = 32, 5, 60
CE, BCE, BCEL, NLL = nn.CrossEntropyLoss(), nn.BCELoss(), nn.BCEWithLogitsLoss(), nn.NLLLoss()
KL = nn.KLDivLoss(reduction="batchmean")


class Numbers:
    """What the snippets are made of, the same each time."""

    def __init__(self) -> None:
        g = torch.Generator().manual_seed(0)
        self.z = torch.randn(N, C, generator=g)
        self.y = torch.randint(0, C, (N,), generator=g)
        self.y[0] = 0
        self.x = torch.randn(N, 8, generator=g)
        self.b = torch.randn(N, generator=g)  # one logit a sample
        self.t = (torch.rand(N, generator=g) > 0.6).float()
        self.q = torch.randn(N, C, generator=g).softmax(1)
        self.multi = (torch.rand(N, C, generator=g) > 0.5).float()
        self.seg = torch.randn(2, C, 6, 7, generator=g)
        self.mask = torch.randint(0, C, (2, 6, 7), generator=g)
        self.lm = torch.randn(4, 10, V, generator=g)
        self.tokens = torch.randint(1, V, (4, 10), generator=g)
        self.padded = self.tokens.clone()
        for row, length in enumerate((10, 6, 7, 4)):
            self.padded[row, length:] = 0
        self.minus = self.padded.masked_fill(self.padded == 0, -100)
        self.rare = (torch.arange(100) < 10).float()
        self.long = torch.randn(100, generator=g)
        self.counts = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)
        self.three = torch.randn(100, 3, generator=g)
        self.right = 30 * F.one_hot(self.y, C).float()


def by_hand_column(z, y):
    return (F.softplus(z) - z * y).mean()


def by_hand_safe(z, y):
    z = z.squeeze(1)
    return (F.softplus(z) - z * y).mean()


def masked_then_mean(z, y):
    each = F.cross_entropy(z.view(-1, V), y.view(-1), reduction="none")
    return (each * (y.view(-1) != 0)).mean()


def masked_right(z, y):
    each, mask = F.cross_entropy(z.view(-1, V), y.view(-1), reduction="none"), (y.view(-1) != 0).float()
    return (each * mask).sum() / mask.sum()


def focal(z, y):
    each = F.cross_entropy(z, y, reduction="none")
    return ((1 - torch.exp(-each)) ** 2 * each).mean()


def dice(z, y):
    p = z.sigmoid()
    return 1 - 2 * (p * y).sum() / (p.sum() + y.sum())


def next_token(z, y):
    return F.cross_entropy(z[:, :-1].reshape(-1, V), y[:, 1:].reshape(-1))


def distillation(z, t, labels, temperature=2.0):
    soft = F.kl_div(F.log_softmax(z / temperature, 1), t.div(temperature).softmax(1), reduction="batchmean")
    return F.cross_entropy(z, labels) + temperature**2 * soft


layer = nn.Linear(8, C)
torch.manual_seed(0)

FAULTY = {  # name of the snippet: (the loss, output, target and options from Numbers n; what must be found)
    "softmax, then CE": (lambda n: (CE, n.z.softmax(1), n.y), "softmax before CrossEntropyLoss"),
    "softmax, then CE, by function": (lambda n: (F.cross_entropy, F.softmax(n.z, dim=-1), n.y), "softmax before Cross"),
    "softmax in the model": (lambda n: (CE, nn.Sequential(layer, nn.Softmax(dim=1))(n.x), n.y), "softmax before Cross"),
    "softmax in my own loss": (
        lambda n: (lambda z, y: F.cross_entropy(z.softmax(1), y), n.z, n.y),
        "softmax before Cross",
    ),
    "softmax, 3 classes, pictures": (lambda n: (CE, n.seg.softmax(1), n.mask), "softmax before CrossEntropyLoss"),
    "softmax, then our CE": (lambda n: (losses.cross_entropy, n.z.softmax(1), n.y), "softmax before Cross"),
    "softmax in bfloat16": (lambda n: (CE, n.z.bfloat16().softmax(1), n.y), "softmax before CrossEntropyLoss"),
    "softmax over the batch": (lambda n: (CE, n.z.softmax(0), n.y), "softmax over the batch axis"),
    "log_softmax over the batch": (lambda n: (NLL, n.z.log_softmax(0), n.y), "softmax over the batch axis"),
    "sigmoid, then CE": (lambda n: (CE, torch.sigmoid(layer(n.x)), n.y), "sigmoid before CrossEntropyLoss"),
    "relu, then CE": (lambda n: (CE, F.relu(layer(n.x)), n.y), "relu before CrossEntropyLoss"),
    "sigmoid, then BCE with logits": (lambda n: (BCEL, n.b.sigmoid(), n.t), "sigmoid before BCEWithLogitsLoss"),
    "sigmoid in the model": (lambda n: (BCEL, torch.sigmoid(n.x[:, :1]), n.t[:, None]), "sigmoid before BCEWith"),
    "softmax, then BCE with logits": (lambda n: (BCEL, n.z.softmax(1), n.multi), "softmax before BCEWithLogitsLoss"),
    "logsigmoid, then BCE with logits": (
        lambda n: (BCEL, F.logsigmoid(layer(n.x)), n.multi),
        "logsigmoid before BCEWithLogitsLoss",
    ),
    "classes last": (lambda n: (CE, n.lm, n.tokens), "class axis last"),
    "classes last, square": (
        lambda n: (CE, 9 * F.one_hot(n.y[:9].view(3, 3) % 3, 3).float(), n.y[:9].view(3, 3) % 3),
        "class axis last",
    ),
    "view for transpose": (
        lambda n: (CE, (n.lm.requires_grad_() * 1).view(4, V, 10), n.tokens),
        "class axis moved by view",
    ),
    "rows by reshape": (
        lambda n: (lambda z, y: F.cross_entropy(z.reshape(-1, C), y.flatten()), n.seg, n.mask),
        "class axis moved by view",
    ),
    "an array": (lambda n: (CE, n.z.numpy(), n.y), "output is not a tensor"),
    "BCE saturated, all yes": (lambda n: (BCE, (30 + n.b).sigmoid(), n.t), "BCELoss is saturated"),
    "NHWC": (lambda n: (CE, n.seg.movedim(1, -1), n.mask), "class axis last"),
    "soft targets, classes last": (lambda n: (CE, n.lm[:, :, :9], n.lm[:, :, :9].softmax(-1)), "class axis last"),
    "(N, 1) by hand": (lambda n: (by_hand_column, n.b[:, None], n.t), "shapes are broadcast"),
    "(N, 1) BCE with logits": (lambda n: (BCEL, n.b[:, None], n.t), "an axis of length 1 too many"),
    "(N, 1) BCE": (lambda n: (BCE, n.b.sigmoid()[:, None], n.t), "an axis of length 1 too many"),
    "label column": (lambda n: (CE, n.z, n.y[:, None]), "an axis of length 1 too many"),
    "masks (N, 1, H, W)": (lambda n: (CE, n.seg, n.mask[:, None]), "an axis of length 1 too many"),
    "one output, label 0": (lambda n: (CE, n.b[:, None], torch.zeros(N).long()), "one output with CrossEntropyLoss"),
    "one output, labels 0 and 1": (lambda n: (CE, n.b[:, None], n.t.long()), "one output with CrossEntropyLoss"),
    "labels -1 and 1, CE": (lambda n: (CE, n.z[:, :2], 2 * n.t.long() - 1), "labels are -1 and 1"),
    "labels from 1": (lambda n: (CE, n.z, n.y + 1), "labels counted from 1"),
    "a label too large": (lambda n: (CE, n.z, tensor([0, C + 3] * 16)), "label out of range"),
    "padding -1": (lambda n: (CE, n.lm.view(-1, V), n.minus.view(-1).clamp(min=-1)), "padding label is not ignored"),
    "void 255": (lambda n: (CE, n.seg, n.mask.masked_fill(n.mask == 0, 255)), "padding label is not ignored"),
    "pad 0 counts": (lambda n: (CE, n.lm.view(-1, V), n.padded.view(-1)), "padding label is not ignored"),
    "pad 0 counts, (B, C, T)": (lambda n: (CE, n.lm.mT, n.padded), "padding label is not ignored"),
    "a class ignored": (lambda n: (nn.CrossEntropyLoss(ignore_index=0), n.z, n.y), "ignore_index is a real class"),
    "half of two classes ignored": (
        lambda n: (nn.CrossEntropyLoss(ignore_index=1), n.z[:, :2], n.t.long()),
        "ignore_index is a real",
    ),
    "log of softmax": (lambda n: (NLL, (300 * n.z).softmax(1).log(), n.y), "the logarithm of 0"),
    "a list of weights": (lambda n: (F.cross_entropy, n.z, n.y, {"weight": [1.0] * C}), "weight is not a tensor"),
    "KL of a lambda, swapped": (
        lambda n: (lambda s, t: KL(t.softmax(1), s.log_softmax(1)), n.z, n.z),
        "arguments swapped",
    ),
    "log_softmax, then BCE with logits": (lambda n: (BCEL, n.z.log_softmax(1), n.multi), "log_softmax before BCEWith"),
    "tanh, then CE": (lambda n: (CE, layer(n.x).tanh(), n.y), "tanh before CrossEntropyLoss"),
    "MSE of (N, 1)": (lambda n: (nn.MSELoss(), n.b[:, None], n.t), "shapes are broadcast"),
    "masked mean of nothing": (
        lambda n: (lambda z, y: (CE(z, y) * (y > 99)).sum() / (y > 99).sum(), n.z, n.y),
        "the loss is nan or inf",
    ),
    "all ignored": (lambda n: (CE, n.z, torch.full((N,), -100)), "all targets ignored"),
    "weights as counts": (
        lambda n: (nn.CrossEntropyLoss(weight=n.counts.bincount().float()), n.three, n.counts),
        "weights in the wrong order",
    ),
    "shares as weights": (
        lambda n: (F.cross_entropy, n.three, n.counts, {"weight": tensor([0.6, 0.3, 0.1])}),
        "weights in the wrong",
    ),
    "weights for samples": (
        lambda n: (nn.CrossEntropyLoss(weight=torch.ones(N)), n.z, n.y),
        "weight of the wrong length",
    ),
    "negative weight": (
        lambda n: (nn.CrossEntropyLoss(weight=tensor([1.0, 1, 1, 1, -1])), n.z, n.y),
        "weights that are negative",
    ),
    "pos_weight = pos / neg": (
        lambda n: (nn.BCEWithLogitsLoss(pos_weight=tensor(10 / 90)), n.long, n.rare),
        "pos_weight is inverted",
    ),
    "pos_weight for two": (
        lambda n: (nn.BCEWithLogitsLoss(pos_weight=tensor([1.0, 9.0])), n.long[:, None], n.rare[:, None]),
        "pos_weight does not fit the output",
    ),
    "pos_weight (K,) for pictures": (
        lambda n: (nn.BCEWithLogitsLoss(pos_weight=torch.ones(5)), n.seg, (n.seg > 1).float()),
        "pos_weight does not fit the output",
    ),
    "true class masked": (
        lambda n: (CE, n.z.index_fill(1, tensor([0]), -math.inf), n.y),
        "masked logits of -inf at the",
    ),
    "masked and smoothed": (
        lambda n: (nn.CrossEntropyLoss(label_smoothing=0.1), n.z.index_fill(1, tensor([4]), -math.inf), n.y % 4),
        "masked logits of -inf",
    ),
    "ignored row of -inf": (
        lambda n: (CE, n.z.index_fill(0, tensor([0]), -math.inf), n.y.index_fill(0, tensor([0]), -100)),
        "masked logits of -inf",
    ),
    "float16 sum": (lambda n: (CE, torch.zeros(1, 65536).half(), tensor([0])), "loss formed in half precision"),
    "bfloat16 mean": (
        lambda n: (CE, torch.zeros(2000, 10).bfloat16(), torch.zeros(2000).long()),
        "loss formed in half",
    ),
    "logits above float16": (lambda n: (CE, (1e5 * n.z).half(), n.y), "the output is nan or inf"),
    "mean over padding": (lambda n: (masked_then_mean, n.lm, n.padded), "mean over padding"),
    "none, then mean": (
        lambda n: (lambda z, y: F.cross_entropy(z, y, reduction="none").mean(), n.lm.view(-1, V), n.minus.view(-1)),
        "mean over padding",
    ),
    "BCE saturated": (lambda n: (BCE, (100 * n.b).sigmoid(), n.t), "BCELoss is saturated"),
    "raw inputs": (lambda n: (CE, 900 * n.z, n.y), "logits are far too large"),
    "logits into BCE": (lambda n: (BCE, n.b, n.t), "logits given to BCELoss"),
    "swapped BCE": (lambda n: (BCE, n.t, n.b.sigmoid()), "arguments swapped"),
    "swapped CE": (lambda n: (CE, n.y, n.z), "arguments swapped"),
    "softmax of one": (lambda n: (BCE, n.b[:, None].softmax(1), n.t[:, None]), "softmax of one output"),
    "softmax over the batch, BCE": (lambda n: (BCE, n.b.softmax(0), n.t), "softmax of one output"),
    "labels -1 and 1": (lambda n: (BCEL, n.b, 2 * n.t - 1), "labels are -1 and 1"),
    "labels 1 and 2": (lambda n: (BCEL, n.b, n.t + 1), "labels counted from 1"),
    "mask 255": (lambda n: (BCEL, n.b, 255 * n.t), "mask of 0 and 255"),
    "probabilities into NLL": (lambda n: (NLL, n.z.softmax(1), n.y), "probabilities given to NLLLoss"),
    "logits into NLL": (lambda n: (NLL, n.z, n.y), "logits given to NLLLoss"),
    "KL of probabilities": (lambda n: (KL, n.z.softmax(1), n.q), "probabilities given to KLDivLoss"),
    "KL of logits": (lambda n: (KL, n.z, n.q), "logits given to KLDivLoss"),
    "KL with teacher's logits": (lambda n: (KL, n.z.log_softmax(1), n.z), "soft targets do not sum to 1"),
    "KL with log target": (lambda n: (KL, n.z.log_softmax(1), n.q.log()), "log_target does not fit"),
    "KL mean": (
        lambda n: (nn.KLDivLoss(reduction="mean"), n.z.log_softmax(1), n.q),
        "KLDivLoss divides by the classes too",
    ),
    "KL batchmean of sequences": (lambda n: (KL, n.lm.log_softmax(-1), n.lm.softmax(-1)), "batchmean of sequences"),
    "KL swapped": (lambda n: (KL, n.q, n.z.log_softmax(1)), "arguments swapped"),
    "float labels": (lambda n: (CE, n.z, n.y.float()), "target type"),
    "int32 labels": (lambda n: (CE, n.z, n.y.int()), "target type"),
    "integer labels for BCE": (lambda n: (BCE, n.b.sigmoid(), n.t.long()), "target type"),
    "integer one-hot": (lambda n: (CE, n.z, F.one_hot(n.y, C)), "integer one-hot target"),
    "several labels, integers": (lambda n: (CE, n.z, n.multi.long()), "several labels at once with CrossEntropyLoss"),
    "several labels, floats": (lambda n: (CE, n.z, n.multi), "several labels at once with CrossEntropyLoss"),
    "float labels as classes": (lambda n: (CE, n.b, n.t), "float labels read as class probabilities"),
    "teacher's logits": (lambda n: (CE, n.z, 3 * n.z), "soft targets do not sum to 1"),
    "batch sizes": (lambda n: (CE, n.z, n.y[:-1]), "batch sizes differ"),
    "class numbers with BCE": (lambda n: (BCEL, n.z, n.y.float()), "class numbers with BCEWithLogitsLoss"),
    "ignore_index with soft targets": (
        lambda n: (nn.CrossEntropyLoss(ignore_index=0), n.z, n.q),
        "ignore_index with soft targets",
    ),
    "a tuple": (lambda n: (CE, (n.z, n.x), n.y), "output is not a tensor"),
    "a list of logits in my own loss": (
        lambda n: (lambda z, y: F.cross_entropy(z.tolist(), y), n.z, n.y),
        "output is not a tensor",
    ),
    "a list of labels": (lambda n: (CE, n.z, n.y.tolist()), "target is not a tensor"),
    "the class itself": (lambda n: (nn.CrossEntropyLoss, n.z, n.y), "a class where a loss belongs"),
    "unknown reduction": (lambda n: (nn.CrossEntropyLoss(reduction="avg"), n.z, n.y), "unknown reduction"),
    "argmax": (lambda n: (lambda z, y: (z.argmax(1) != y).float().mean(), n.z, n.y), "no gradient"),
    "log of 0 by hand": (
        lambda n: (lambda z, y: -(z.softmax(1).log()[torch.arange(N), y]).mean(), 200 * n.z, n.y),
        "the loss is nan or inf",
    ),
    "negated": (lambda n: (lambda z, y: -F.cross_entropy(z, y), n.z, n.y), "the loss is negative"),
    "no logarithm": (
        lambda n: (lambda z, y: -z.softmax(1)[torch.arange(N), y].mean(), n.z, n.y),
        "the loss is negative",
    ),
    "smoothing in percent": (
        lambda n: (lambda z, y: F.cross_entropy(z, y, label_smoothing=0.9), n.z, n.y),
        "label_smoothing out",
    ),
}

HEALTHY = {
    "classifier": lambda n: (CE, n.z, n.y),
    "by function": lambda n: (F.cross_entropy, n.z, n.y, {"reduction": "sum"}),
    "our CE, NumPy": lambda n: (losses.cross_entropy, n.z.numpy(), n.y.numpy().astype(np.int32)),
    "our BCE": lambda n: (losses.binary_cross_entropy_with_logits, n.b, n.t),
    "partial": lambda n: (functools.partial(F.cross_entropy, label_smoothing=0.1), n.z, n.y),
    "fresh model": lambda n: (CE, nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, C))(n.x), n.y),
    "zero logits": lambda n: (CE, torch.zeros(N, C), n.y),
    "uniform numbers as logits": lambda n: (CE, torch.rand(N, C), n.y),
    "positive logits": lambda n: (CE, n.z.abs(), n.y),
    "trained and sure": lambda n: (CE, n.right, n.y),
    "trained, one sure mistake": lambda n: (CE, n.right, n.y.index_fill(0, tensor([0]), 1)),
    "binary, trained and sure": lambda n: (BCEL, 60 * n.t - 30, n.t),
    "probabilities, trained and sure": lambda n: (BCE, (300 * n.t - 150).sigmoid(), n.t),
    "two classes": lambda n: (CE, n.z[:, :2], n.t.long()),
    "a batch of one": lambda n: (CE, n.z[:1], n.y[:1]),
    "a batch of one, weighted": lambda n: (nn.CrossEntropyLoss(weight=torch.rand(C)), n.z[:1], n.y[:1]),
    "one sample": lambda n: (CE, n.z[0], n.y[0]),
    "one class in the batch": lambda n: (CE, n.z, torch.full((N,), 3)),
    "one binary sample": lambda n: (BCEL, n.b[:1], n.t[:1]),
    "all negatives": lambda n: (BCEL, n.b, torch.zeros(N)),
    "segmentation": lambda n: (CE, n.seg, n.mask),
    "segmentation, void": lambda n: (
        nn.CrossEntropyLoss(ignore_index=255),
        n.seg,
        n.mask.masked_fill(n.mask == 0, 255),
    ),
    "segmentation, background ignored": lambda n: (nn.CrossEntropyLoss(ignore_index=0), n.seg, n.mask),
    "segmentation, one blob": lambda n: (CE, n.seg, F.pad(torch.ones(2, 2, 3).long(), (1, 3, 1, 3))),
    "segmentation, binary": lambda n: (BCEL, n.seg[:, :1], (n.mask[:, None] > 2).float()),
    "segmentation, square": lambda n: (CE, torch.randn(2, 6, 6, 6), torch.randint(0, 6, (2, 6, 6))),
    "dice": lambda n: (dice, n.seg[:, 0], (n.mask > 2).float()),
    "several labels": lambda n: (BCEL, n.z, n.multi),
    "several labels, pos_weight": lambda n: (nn.BCEWithLogitsLoss(pos_weight=torch.rand(C) + 1), n.z, n.multi),
    "several labels, soft": lambda n: (BCEL, n.z, 0.9 * n.multi + 0.05),
    "language model, -100": lambda n: (CE, n.lm.view(-1, V), n.minus.view(-1)),
    "language model, pad 0 ignored": lambda n: (
        nn.CrossEntropyLoss(ignore_index=0),
        n.lm.view(-1, V),
        n.padded.view(-1),
    ),
    "language model, (B, C, T)": lambda n: (CE, n.lm.transpose(1, 2), n.tokens),
    "language model, shifted inside": lambda n: (next_token, n.lm, n.tokens),
    "language model, masked mean": lambda n: (masked_right, n.lm, n.padded),
    "tags with many O": lambda n: (CE, n.seg[0].flatten(1).T, n.mask[0].flatten() * (n.mask[1].flatten() > 2)),
    "sorted labels": lambda n: (CE, n.three, n.counts),
    "labels in turn": lambda n: (CE, n.z, torch.arange(N) % C),
    "pairs in turn": lambda n: (CE, n.z[:30], (torch.arange(30) // 2) % C),
    "soft targets": lambda n: (CE, n.z, n.q),
    "one-hot floats": lambda n: (CE, n.z, F.one_hot(n.y, C).float()),
    "mixup": lambda n: (CE, n.z, 0.3 * F.one_hot(n.y, C) + 0.7 * F.one_hot(n.y.flip(0), C)),
    "soft targets for pictures": lambda n: (CE, n.seg, n.seg.softmax(1)),
    "distillation": lambda n: (functools.partial(distillation, labels=n.y), n.z, n.z.flip(0)),
    "KL": lambda n: (KL, n.z.log_softmax(1), n.q),
    "KL, log target": lambda n: (nn.KLDivLoss(reduction="batchmean", log_target=True), n.z.log_softmax(1), n.q.log()),
    "NLL": lambda n: (NLL, n.z.log_softmax(1), n.y),
    "NLL of probabilities' log": lambda n: (NLL, (n.q + 1e-8).log(), n.y),
    "log_softmax before CE": lambda n: (CE, n.z.log_softmax(1), n.y),
    "binary": lambda n: (BCEL, n.b, n.t),
    "binary, column": lambda n: (BCEL, n.b[:, None], n.t[:, None]),
    "binary, by hand": lambda n: (by_hand_safe, n.b[:, None], n.t),
    "binary, probabilities": lambda n: (BCE, n.b.sigmoid(), n.t),
    "binary, soft": lambda n: (BCEL, n.b, n.b.flip(0).sigmoid()),
    "binary, pos_weight": lambda n: (nn.BCEWithLogitsLoss(pos_weight=tensor([9.0])), n.long, n.rare),
    "binary, imbalanced": lambda n: (BCEL, n.long - 2, n.rare),
    "fresh, all logits positive": lambda n: (BCEL, 0.3 + 0.02 * n.b, n.t),
    "inverse frequency": lambda n: (nn.CrossEntropyLoss(weight=1 / n.counts.bincount()), n.three, n.counts),
    "weights": lambda n: (nn.CrossEntropyLoss(weight=tensor([1.0, 2.0, 0.5, 1.0, 3.0])), n.z, n.y),
    "weights, counts equal up to chance": lambda n: (
        nn.CrossEntropyLoss(weight=tensor([1.0, 2.0, 1.5])),
        n.three[:32],
        tensor([0] * 7 + [1] * 14 + [2] * 11),
    ),
    "entropy": lambda n: (lambda z, y: -F.cross_entropy(z, z.softmax(1)), n.z, n.y),
    "a generator's loss": lambda n: (lambda z, y: -F.binary_cross_entropy_with_logits(z, 0 * y), n.b, n.t),
    "smoothing": lambda n: (nn.CrossEntropyLoss(label_smoothing=0.1), n.z, n.y),
    "focal": lambda n: (focal, n.z, n.y),
    "bfloat16": lambda n: (CE, n.z.bfloat16(), n.y),
    "float64": lambda n: (CE, n.z.double(), n.y),
    "half, cast": lambda n: (lambda z, y: F.cross_entropy(z.float(), y), n.z.half(), n.y),
    "masked rivals": lambda n: (CE, n.z.index_fill(1, tensor([4]), -math.inf), n.y % 4),
    "pooled": lambda n: (lambda z, y: F.cross_entropy(z.mean((2, 3), keepdim=True).view(-1, C), y), n.seg, n.y[:2]),
    "none": lambda n: (nn.CrossEntropyLoss(reduction="none"), n.z, n.y),
    "uint8 labels": lambda n: (CE, n.z, n.y.byte()),
    "mse": lambda n: (nn.MSELoss(), n.b, n.t),
    "policy gradient": lambda n: (lambda z, y: (F.cross_entropy(z, y, reduction="none") * n.b).mean() - 3, n.z, n.y),
    "scaled cosines": lambda n: (CE, 30 * n.z.tanh(), n.y),
    "two directions": lambda n: (
        lambda z, y: (F.cross_entropy(z, y) + F.cross_entropy(z.T, y)) / 2,
        n.q @ n.z.T,
        torch.arange(N),
    ),
    "negative by design": lambda n: (lambda z, y: -(z.tanh() * y).mean() - 3, n.b, n.t),
    "wide vocabulary": lambda n: (CE, torch.randn(8, 5000), torch.randint(0, 5000, (8,))),
}


def examine(snippet, device="cpu"):
    numbers = Numbers()
    vars(numbers).update({name: tensor.to(device) for name, tensor in vars(numbers).items()})
    loss, output, target, *options = snippet(numbers)
    return clinic.call(loss, output, target, **(options[0] if options else {}))


@pytest.mark.parametrize("snippet", FAULTY)
def test_a_faulty_call_is_named(snippet):
    make, name = FAULTY[snippet]
    report = examine(make)
    assert report.findings and report.findings[0].name.startswith(name), report


@pytest.mark.parametrize("snippet", HEALTHY)
def test_a_healthy_call_is_silent(snippet):
    report = examine(HEALTHY[snippet])
    assert not report, report
    assert report.checked and str(report).startswith("Nothing found")


def test_overflow_is_one_finding():
    assert [finding.name for finding in examine(FAULTY["logits above float16"][0])] == ["the output is nan or inf"]


@pytest.mark.filterwarnings("error")
def test_no_warning_of_pytorch_s_leaks():
    z, always = torch.randn(N, C, requires_grad=True), torch.is_warn_always_enabled()
    torch.set_warn_always(True)  # PyTorch says it once only by default
    try:
        reports = [clinic.call(CE, (z * 1).to(dtype), Numbers().y) for dtype in (torch.bfloat16, torch.half)]
    finally:
        torch.set_warn_always(always)
    assert not any(report or report.skipped for report in reports)


def test_under_autocast_the_call_is_silent():
    n = Numbers()
    with torch.autocast("cpu", torch.bfloat16):
        assert not clinic.call(CE, layer(n.x), n.y)
        assert not clinic.call(BCEL, layer(n.x), n.multi)
        assert clinic.call(CE, layer(n.x).softmax(1), n.y)


def test_the_page_of_errors_has_each_section():
    page = (ROOT / "book" / "errors.md").read_text(encoding="utf-8")
    headings = {line.lstrip("# ") for line in page.splitlines() if line.startswith("##")}
    wanted = set(HEADINGS.values())
    assert wanted and wanted <= headings, wanted - headings


def test_a_report_is_a_table_in_a_notebook_and_text_in_a_terminal():
    report = clinic.call(CE, Numbers().z.softmax(1), Numbers().y)
    (finding,) = report
    text, table = (" ".join(unescape(shown).split()) for shown in (str(report), report._repr_html_()))
    for part in (finding.name, finding.evidence, finding.cure, finding.section):
        assert part and " ".join(part.split()) in text and " ".join(part.split()) in table
    assert "<table" in report._repr_html_()
    nothing = clinic.call(CE, Numbers().z, Numbers().y)
    assert "<table" not in nothing._repr_html_() and all(name in nothing._repr_html_() for name in nothing.checked)


ANYWHERE = ["softmax, then CE", "classes last", "(N, 1) by hand", "labels from 1", "pad 0 counts", "a class ignored"]
ANYWHERE += ["labels 1 and 2", "logits into BCE", "KL of logits", "label column", "BCE saturated"]


@pytest.mark.parametrize(
    "snippet", [*ANYWHERE, "classifier", "segmentation", "binary", "soft targets", "distillation", "KL"]
)
def test_every_device_gives_the_same_findings(snippet, device):
    make = FAULTY[snippet][0] if snippet in FAULTY else HEALTHY[snippet]
    here, there = ([finding.name for finding in examine(make, place)] for place in ("cpu", device))
    assert here == there and bool(here) == (snippet in FAULTY)
