"""``clinic.call`` names what people get wrong, and is silent about healthy calls: one line a snippet, as posted."""

import functools
import math
from html import unescape
from types import SimpleNamespace

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


def numbers():
    """What the snippets are made of."""
    n, g = SimpleNamespace(), torch.Generator().manual_seed(0)
    n.z = torch.randn(N, C, generator=g)
    n.y = torch.randint(0, C, (N,), generator=g)
    n.y[0] = 0
    n.x = torch.randn(N, 8, generator=g)
    n.b = torch.randn(N, generator=g)  # one logit a sample
    n.t = (torch.rand(N, generator=g) > 0.6).float()
    n.q = torch.randn(N, C, generator=g).softmax(1)
    n.multi = (torch.rand(N, C, generator=g) > 0.5).float()
    n.seg = torch.randn(2, C, 6, 7, generator=g)
    n.mask = torch.randint(0, C, (2, 6, 7), generator=g)
    n.lm = torch.randn(4, 10, V, generator=g)
    n.tokens = torch.randint(1, V, (4, 10), generator=g)
    n.padded = n.tokens.clone()
    for row, length in enumerate((10, 6, 7, 4)):
        n.padded[row, length:] = 0
    n.minus = n.padded.masked_fill(n.padded == 0, -100)
    n.rare = (torch.arange(100) < 10).float()
    n.long = torch.randn(100, generator=g)
    n.counts = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)
    n.three = torch.randn(100, 3, generator=g)
    n.speech, n.spoken = torch.randn(12, 4, 9, generator=g), torch.arange(1, 7).repeat(4, 1)
    n.right = 30 * F.one_hot(n.y, C).float()
    return n


n = numbers()


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
    return F.cross_entropy(z, labels.to(z.device)) + temperature**2 * soft


def cosine(z, y):
    return F.cosine_embedding_loss(z, z.flip(0), y)


def ctc(z, y):
    return F.ctc_loss(z, y, *torch.tensor([[len(z)] * 4, [6] * 4], device=z.device))


def ctc_of_3(z, y):
    return F.ctc_loss(z, y, [len(z)] * 4, [3] * 4)


def in_place(p):
    loss = (p**2).mean()
    p += 1
    return loss


layer = nn.Linear(8, C)
torch.manual_seed(0)

FAULTY = {  # fault: calls with it
    "softmax before CrossEntropyLoss": [
        (CE, n.z.softmax(1), n.y),
        (F.cross_entropy, F.softmax(n.z, dim=-1), n.y),
        (CE, nn.Sequential(layer, nn.Softmax(dim=1))(n.x), n.y),
        (lambda z, y: F.cross_entropy(z.softmax(1), y), n.z, n.y),
        (CE, n.seg.softmax(1), n.mask),
        (losses.cross_entropy, n.z.softmax(1), n.y),
        (CE, n.z.bfloat16().softmax(1), n.y),
    ],
    "softmax over the batch axis": [
        (CE, n.z.softmax(0), n.y),
        (NLL, n.z.log_softmax(0), n.y),
        (ctc, n.speech.requires_grad_().log_softmax(0), n.spoken),
    ],
    "sigmoid before CrossEntropyLoss": [(CE, torch.sigmoid(layer(n.x)), n.y)],
    "relu before CrossEntropyLoss": [(CE, F.relu(layer(n.x)), n.y)],
    "sigmoid before BCEWithLogitsLoss": [(BCEL, n.b.sigmoid(), n.t), (BCEL, torch.sigmoid(n.x[:, :1]), n.t[:, None])],
    "softmax before BCEWithLogitsLoss": [(BCEL, n.z.softmax(1), n.multi)],
    "logsigmoid before BCEWithLogitsLoss": [(BCEL, F.logsigmoid(layer(n.x)), n.multi)],
    "class axis last": [
        (CE, n.lm, n.tokens),
        (CE, 9 * F.one_hot(n.y[:9].view(3, 3) % 3, 3).float(), n.y[:9].view(3, 3) % 3),
        (CE, n.seg.movedim(1, -1), n.mask),
        (CE, n.lm[:, :, :9], n.lm[:, :, :9].softmax(-1)),
        (CE, nn.Linear(8, 4)(n.x.view(8, 4, 8)), n.y.view(8, 4) % 4),
    ],
    "class axis moved by view": [
        (CE, (n.lm.clone().requires_grad_() * 1).view(4, V, 10), n.tokens),
        (lambda z, y: F.cross_entropy(z.reshape(-1, C), y.flatten()), n.seg, n.mask),
    ],
    "output is not a tensor": [
        (CE, n.z.numpy(), n.y),
        (CE, (n.z, n.x), n.y),
        (lambda z, y: F.cross_entropy(z.tolist(), y), n.z, n.y),
    ],
    "BCELoss is saturated": [(BCE, (30 + n.b).sigmoid(), n.t), (BCE, (100 * n.b).sigmoid(), n.t)],
    "shapes are broadcast": [
        (by_hand_column, n.b[:, None], n.t),
        (nn.MSELoss(), n.b[:, None], n.t),
        (nn.HuberLoss(), n.b, n.t[:, None]),
    ],
    "an axis of length 1 too many": [
        (BCEL, n.b[:, None], n.t),
        (BCE, n.b.sigmoid()[:, None], n.t),
        (CE, n.z, n.y[:, None]),
        (CE, n.seg, n.mask[:, None]),
    ],
    "one output with CrossEntropyLoss": [
        (CE, n.b[:, None], torch.zeros(N).long()),
        (CE, n.b[:, None], n.t.long()),
        (CE, n.b[:, None], n.t[:, None]),
    ],
    "labels are -1 and 1": [(CE, n.z[:, :2], 2 * n.t.long() - 1), (BCEL, n.b, 2 * n.t - 1)],
    "labels counted from 1": [(CE, n.z, n.y + 1), (BCEL, n.b, n.t + 1)],
    "label out of range": [(CE, n.z, tensor([0, C + 3] * 16)), (ctc, n.speech.log_softmax(-1), n.spoken + 9)],
    "padding label is not ignored": [
        (CE, n.lm.view(-1, V), n.minus.view(-1).clamp(min=-1)),
        (CE, n.seg, n.mask.masked_fill(n.mask == 0, 255)),
        (CE, n.lm.view(-1, V), n.padded.view(-1)),
        (CE, n.lm.mT, n.padded),
    ],
    "ignore_index is a real class": [
        (nn.CrossEntropyLoss(ignore_index=0), n.z, n.y),
        (nn.CrossEntropyLoss(ignore_index=1), n.z[:, :2], n.t.long()),
    ],
    "the logarithm of 0": [(NLL, (300 * n.z).softmax(1).log(), n.y)],
    "weight is not a tensor": [(F.cross_entropy, n.z, n.y, {"weight": [1.0] * C})],
    "arguments swapped": [
        (lambda s, t: KL(t.softmax(1), s.log_softmax(1)), n.z, n.z),
        (BCE, n.t, n.b.sigmoid()),
        (CE, n.y, n.z),
        (KL, n.q, n.z.log_softmax(1)),
    ],
    "log_softmax before BCEWithLogitsLoss": [(BCEL, n.z.log_softmax(1), n.multi)],
    "tanh before CrossEntropyLoss": [(CE, layer(n.x).tanh(), n.y)],
    "the loss is nan or inf": [
        (lambda z, y: (CE(z, y) * (y > 99)).sum() / (y > 99).sum(), n.z, n.y),
        (lambda z, y: -(z.softmax(1).log()[torch.arange(N), y]).mean(), 200 * n.z, n.y),
    ],
    "all targets ignored": [(CE, n.z, torch.full((N,), -100))],
    "weights in the wrong order": [
        (nn.CrossEntropyLoss(weight=n.counts.bincount().float()), n.three, n.counts),
        (F.cross_entropy, n.three, n.counts, {"weight": tensor([0.6, 0.3, 0.1])}),
    ],
    "weight of the wrong length": [(nn.CrossEntropyLoss(weight=torch.ones(N)), n.z, n.y)],
    "weights that are negative or all 0": [(nn.CrossEntropyLoss(weight=tensor([1.0, 1, 1, 1, -1])), n.z, n.y)],
    "pos_weight is inverted": [(nn.BCEWithLogitsLoss(pos_weight=tensor(10 / 90)), n.long, n.rare)],
    "pos_weight does not fit the output": [
        (nn.BCEWithLogitsLoss(pos_weight=tensor([1.0, 9.0])), n.long[:, None], n.rare[:, None]),
        (nn.BCEWithLogitsLoss(pos_weight=torch.ones(5)), n.seg, (n.seg > 1).float()),
    ],
    "masked logits of -inf at the label": [(CE, n.z.index_fill(1, tensor([0]), -math.inf), n.y)],
    "masked logits of -inf": [
        (nn.CrossEntropyLoss(label_smoothing=0.1), n.z.index_fill(1, tensor([4]), -math.inf), n.y % 4),
        (CE, n.z.index_fill(0, tensor([0]), -math.inf), n.y.index_fill(0, tensor([0]), -100)),
    ],
    "loss formed in half precision": [
        (CE, torch.zeros(1, 65536).half(), tensor([0])),
        (CE, torch.zeros(2000, 10).bfloat16(), torch.zeros(2000).long()),
        (nn.MSELoss(), n.z.half(), 1000 + n.z.half()),
        (lambda z, y: F.triplet_margin_loss(z, y, -z, margin=9e4), n.z.half(), n.z.half() + 1),
    ],
    "the output is nan or inf": [(CE, (1e5 * n.z).half(), n.y)],
    "mean over padding": [
        (masked_then_mean, n.lm, n.padded),
        (lambda z, y: F.cross_entropy(z, y, reduction="none").mean(), n.lm.view(-1, V), n.minus.view(-1)),
    ],
    "logits are far too large": [(CE, 900 * n.z, n.y)],
    "logits given to BCELoss": [(BCE, n.b, n.t)],
    "softmax of one output": [(BCE, n.b[:, None].softmax(1), n.t[:, None]), (BCE, n.b.softmax(0), n.t)],
    "targets outside 0 to 1": [(BCE, n.b.sigmoid(), n.b.tanh()), (BCEL, n.b, n.b), (BCEL, n.b, 250 * n.t + 3)],
    "shapes differ": [(lambda z, y: (z[0] - y).mean(), (n.z, n.x), n.b[:9])],
    "mask of 0 and 255": [(BCEL, n.b, 255 * n.t)],
    "probabilities given to NLLLoss": [(NLL, n.z.softmax(1), n.y)],
    "logits given to NLLLoss": [(NLL, n.z, n.y)],
    "probabilities given to KLDivLoss": [(KL, n.z.softmax(1), n.q)],
    "logits given to KLDivLoss": [(KL, n.z, n.q)],
    "soft targets do not sum to 1": [(KL, n.z.log_softmax(1), n.z), (CE, n.z, 3 * n.z)],
    "log_target does not fit": [(KL, n.z.log_softmax(1), n.q.log())],
    "KLDivLoss divides by the classes too": [(nn.KLDivLoss(reduction="mean"), n.z.log_softmax(1), n.q)],
    "batchmean of sequences": [(KL, n.lm.log_softmax(-1), n.lm.softmax(-1))],
    "target type": [(CE, n.z, n.y.float()), (CE, n.z, n.y.int())],
    "target type of BCELoss": [(BCE, n.b.sigmoid(), n.t.long())],
    "integer one-hot target": [(CE, n.z, F.one_hot(n.y, C))],
    "several labels at once with CrossEntropyLoss": [(CE, n.z, n.multi.long()), (CE, n.z, n.multi)],
    "float labels read as class probabilities": [(CE, n.b, n.t)],
    "batch sizes differ": [(CE, n.z, n.y[:-1])],
    "class numbers with BCEWithLogitsLoss": [(BCEL, n.z, n.y.float())],
    "ignore_index with soft targets": [(nn.CrossEntropyLoss(ignore_index=0), n.z, n.q)],
    "target is not a tensor": [(CE, n.z, n.y.tolist())],
    "a class where a loss belongs": [(nn.CrossEntropyLoss, n.z, n.y)],
    "unknown reduction": [(nn.CrossEntropyLoss(reduction="avg"), n.z, n.y)],
    "no gradient": [
        (lambda z, y: (z.argmax(1) != y).float().mean(), n.z, n.y),
        (BCE, n.b.sigmoid().round(), n.t),
        (nn.MSELoss(), layer(n.x).round(), n.z),
        (nn.MSELoss(), n.z.argmax(1).float(), n.y.float()),
        (nn.MSELoss(), n.z.argmax(1), n.y),
        (lambda z, y: torch.tensor(CE(z, y).item(), requires_grad=True), n.z, n.y),
    ],
    "the loss is negative": [
        (lambda z, y: -F.cross_entropy(z, y), n.z, n.y),
        (lambda z, y: -z.softmax(1)[torch.arange(N), y].mean(), n.z, n.y),
    ],
    "label_smoothing out of range": [(lambda z, y: F.cross_entropy(z, y, label_smoothing=0.9), n.z, n.y)],
    "rate given as its logarithm": [
        (nn.PoissonNLLLoss(), F.softplus(layer(n.x)), n.multi),
        (nn.PoissonNLLLoss(), 3 + n.b.sigmoid(), 3 + n.t),
    ],
    "logarithm given as the rate": [(nn.PoissonNLLLoss(log_input=False), n.b, n.t)],
    "targets are no counts": [(nn.PoissonNLLLoss(), n.b, n.b)],
    "variance is 0 or negative": [
        (nn.GaussianNLLLoss(), n.b, n.t, {"var": n.b}),
        (nn.GaussianNLLLoss(), n.b, n.t, {"var": 0 * n.t}),
        (lambda z, y: F.gaussian_nll_loss(z[0], y, z[1]), (n.b, n.long[:N]), n.t),
    ],
    "labels are 0 and 1": [
        (cosine, n.x, n.t),
        (lambda z, y: F.margin_ranking_loss(z, n.t.to(z), y), n.b, n.t),
        (nn.HingeEmbeddingLoss(), n.b, n.t),
        (nn.SoftMarginLoss(), n.b, n.t),
    ],
    "labels are not -1 and 1": [(nn.SoftMarginLoss(), n.b, n.y[:N].float())],
    "sigmoid before SoftMarginLoss": [(nn.SoftMarginLoss(), n.b.sigmoid(), 2 * n.t - 1)],
    "sigmoid before MultiLabelSoftMarginLoss": [(nn.MultiLabelSoftMarginLoss(), n.z.sigmoid(), n.multi)],
    "softmax before MultiMarginLoss": [(nn.MultiMarginLoss(), n.z.softmax(1), n.y)],
    "multi-hot labels with MultiLabelMarginLoss": [(nn.MultiLabelMarginLoss(), n.z, n.multi.long())],
    "both inputs are the same": [
        (lambda z, y: F.triplet_margin_loss(z, y, n.x.flip(0).to(z)), n.x, n.x),
        (lambda z, y: F.triplet_margin_loss(z, y, y), n.x, n.x.flip(0)),
    ],
    "logits given to CTCLoss": [(ctc, n.speech, n.spoken)],
    "probabilities given to CTCLoss": [(ctc, n.speech.softmax(-1), n.spoken)],
    "class axis of CTCLoss": [(ctc, n.speech.log_softmax(-1).transpose(0, 1), n.spoken)],
    "the blank among the targets": [(ctc, n.speech.log_softmax(-1), n.spoken - 1)],
    "targets longer than the input": [(ctc, n.speech[:5].log_softmax(-1), n.spoken)],
    "an operation in place": [(lambda z, y: in_place(z.sigmoid()), n.z, n.y)],
    "class numbers with MSELoss": [(nn.MSELoss(), n.z, n.y.float())],
    "the output cannot reach the targets": [
        (nn.MSELoss(), layer(n.x).sigmoid(), 9 + n.z),
        (nn.L1Loss(), layer(n.x).relu(), n.z),
    ],
    "log_softmax after softmax": [(NLL, layer(n.x).softmax(1).log_softmax(1), n.y)],
    "sigmoid after sigmoid": [(BCE, layer(n.x).sigmoid().sigmoid(), n.multi)],
    "nan or inf among the targets": [(nn.MSELoss(), n.b, n.t / 0)],
    "the gradient is nan": [(lambda z, y: 1 + (0 * z).sqrt().mean() * 0, n.z, n.y)],
}

HEALTHY = {
    "counts": (nn.PoissonNLLLoss(), layer(n.x), n.multi),
    "counts, rate": (nn.PoissonNLLLoss(log_input=False), F.softplus(layer(n.x)), n.multi),
    "counts, large": (nn.PoissonNLLLoss(), 3 + n.b / 9, torch.full((N,), 20.0)),
    "variances": (nn.GaussianNLLLoss(), n.b, n.t, {"var": n.b**2 + 0.01}),
    "cosines": (cosine, n.x, 2 * n.t - 1),
    "cosines, all alike": (cosine, n.x, torch.ones(N)),
    "margin of signs": (nn.SoftMarginLoss(), n.b, 2 * n.t - 1),
    "margin of classes": (nn.MultiMarginLoss(), n.z, n.y),
    "margin of class lists": (nn.MultiLabelMarginLoss(), n.z[:2], tensor([[3, 0, -1, 1, 1], [0, -1, 1, 1, 0]])),
    "triplets": (lambda z, y: F.triplet_margin_loss(z, y, n.x.flip(0).to(z)), n.x, n.x + 0.1),
    "triplets in a tuple": (lambda z, _: F.triplet_margin_loss(*z), (n.x, n.x + 0.1, n.x.flip(0)), n.y),
    "speech": (ctc, n.speech.log_softmax(-1), n.spoken),
    "speech, filled up": (ctc_of_3, n.speech.log_softmax(-1), n.spoken.index_fill(1, tensor([3, 4, 5]), -1)),
    "two heads": (lambda z, y: CE(z["a"], y["a"]) + BCEL(z["b"], y["b"]), {"a": n.z, "b": n.b}, {"a": n.y, "b": n.t}),
    "regression, large targets": (nn.HuberLoss(), layer(n.x), 1e5 * n.z),
    "an actor's tanh": (nn.MSELoss(), layer(n.x).tanh(), n.z.tanh()),
    "Brier": (lambda z, y: F.mse_loss(z.softmax(1), F.one_hot(y, C).float()), n.z, n.y),
    "square, linear layer moved": (CE, nn.Linear(8, 4)(n.x.view(8, 4, 8)).mT, n.y.view(8, 4) % 4),
    "square, convolution": (CE, nn.Conv1d(4, 8, 1)(n.x.view(8, 4, 8)), n.y[:8, None].expand(8, 8)),
    "classifier": (CE, n.z, n.y),
    "by function": (F.cross_entropy, n.z, n.y, {"reduction": "sum"}),
    "our CE, NumPy": (losses.cross_entropy, n.z.numpy(), n.y.numpy().astype(np.int32)),
    "our BCE": (losses.binary_cross_entropy_with_logits, n.b, n.t),
    "partial": (functools.partial(F.cross_entropy, label_smoothing=0.1), n.z, n.y),
    "fresh model": (CE, nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, C))(n.x), n.y),
    "zero logits": (CE, torch.zeros(N, C), n.y),
    "uniform numbers as logits": (CE, torch.rand(N, C), n.y),
    "positive logits": (CE, n.z.abs(), n.y),
    "trained and sure": (CE, n.right, n.y),
    "trained, one sure mistake": (CE, n.right, n.y.index_fill(0, tensor([0]), 1)),
    "binary, trained and sure": (BCEL, 60 * n.t - 30, n.t),
    "probabilities, trained and sure": (BCE, (300 * n.t - 150).sigmoid(), n.t),
    "two classes": (CE, n.z[:, :2], n.t.long()),
    "a batch of one": (CE, n.z[:1], n.y[:1]),
    "a batch of one, weighted": (nn.CrossEntropyLoss(weight=torch.rand(C)), n.z[:1], n.y[:1]),
    "one sample": (CE, n.z[0], n.y[0]),
    "one class in the batch": (CE, n.z, torch.full((N,), 3)),
    "one binary sample": (BCEL, n.b[:1], n.t[:1]),
    "all negatives": (BCEL, n.b, torch.zeros(N)),
    "segmentation": (CE, n.seg, n.mask),
    "segmentation, void": (nn.CrossEntropyLoss(ignore_index=255), n.seg, n.mask.masked_fill(n.mask == 0, 255)),
    "segmentation, background ignored": (nn.CrossEntropyLoss(ignore_index=0), n.seg, n.mask),
    "segmentation, one blob": (CE, n.seg, F.pad(torch.ones(2, 2, 3).long(), (1, 3, 1, 3))),
    "segmentation, binary": (BCEL, n.seg[:, :1], (n.mask[:, None] > 2).float()),
    "segmentation, square": (CE, torch.randn(2, 6, 6, 6), torch.randint(0, 6, (2, 6, 6))),
    "dice": (dice, n.seg[:, 0], (n.mask > 2).float()),
    "several labels": (BCEL, n.z, n.multi),
    "several labels, pos_weight": (nn.BCEWithLogitsLoss(pos_weight=torch.rand(C) + 1), n.z, n.multi),
    "several labels, soft": (BCEL, n.z, 0.9 * n.multi + 0.05),
    "language model, -100": (CE, n.lm.view(-1, V), n.minus.view(-1)),
    "language model, pad 0 ignored": (nn.CrossEntropyLoss(ignore_index=0), n.lm.view(-1, V), n.padded.view(-1)),
    "language model, (B, C, T)": (CE, n.lm.transpose(1, 2), n.tokens),
    "language model, shifted inside": (next_token, n.lm, n.tokens),
    "language model, masked mean": (masked_right, n.lm, n.padded),
    "tags with many O": (CE, n.seg[0].flatten(1).T, n.mask[0].flatten() * (n.mask[1].flatten() > 2)),
    "sorted labels": (CE, n.three, n.counts),
    "labels in turn": (CE, n.z, torch.arange(N) % C),
    "pairs in turn": (CE, n.z[:30], (torch.arange(30) // 2) % C),
    "soft targets": (CE, n.z, n.q),
    "one-hot floats": (CE, n.z, F.one_hot(n.y, C).float()),
    "mixup": (CE, n.z, 0.3 * F.one_hot(n.y, C) + 0.7 * F.one_hot(n.y.flip(0), C)),
    "soft targets for pictures": (CE, n.seg, n.seg.softmax(1)),
    "distillation": (functools.partial(distillation, labels=n.y), n.z, n.z.flip(0)),
    "KL": (KL, n.z.log_softmax(1), n.q),
    "KL, log target": (nn.KLDivLoss(reduction="batchmean", log_target=True), n.z.log_softmax(1), n.q.log()),
    "NLL": (NLL, n.z.log_softmax(1), n.y),
    "NLL of probabilities' log": (NLL, (n.q + 1e-8).log(), n.y),
    "log_softmax before CE": (CE, n.z.log_softmax(1), n.y),
    "binary": (BCEL, n.b, n.t),
    "binary, column": (BCEL, n.b[:, None], n.t[:, None]),
    "binary, by hand": (by_hand_safe, n.b[:, None], n.t),
    "binary, probabilities": (BCE, n.b.sigmoid(), n.t),
    "binary, soft": (BCEL, n.b, n.b.flip(0).sigmoid()),
    "binary, pos_weight": (nn.BCEWithLogitsLoss(pos_weight=tensor([9.0])), n.long, n.rare),
    "binary, imbalanced": (BCEL, n.long - 2, n.rare),
    "fresh, all logits positive": (BCEL, 0.3 + 0.02 * n.b, n.t),
    "inverse frequency": (nn.CrossEntropyLoss(weight=1 / n.counts.bincount()), n.three, n.counts),
    "weights": (nn.CrossEntropyLoss(weight=tensor([1.0, 2.0, 0.5, 1.0, 3.0])), n.z, n.y),
    "weights, counts equal up to chance": (
        nn.CrossEntropyLoss(weight=tensor([1.0, 2.0, 1.5])),
        n.three[:32],
        tensor([0] * 7 + [1] * 14 + [2] * 11),
    ),
    "entropy": (lambda z, y: -F.cross_entropy(z, z.softmax(1)), n.z, n.y),
    "a generator's loss": (lambda z, y: -F.binary_cross_entropy_with_logits(z, 0 * y), n.b, n.t),
    "smoothing": (nn.CrossEntropyLoss(label_smoothing=0.1), n.z, n.y),
    "focal": (focal, n.z, n.y),
    "bfloat16": (CE, n.z.bfloat16(), n.y),
    "float64": (CE, n.z.double(), n.y),
    "half, cast": (lambda z, y: F.cross_entropy(z.float(), y), n.z.half(), n.y),
    "masked rivals": (CE, n.z.index_fill(1, tensor([4]), -math.inf), n.y % 4),
    "pooled": (lambda z, y: F.cross_entropy(z.mean((2, 3), keepdim=True).view(-1, C), y), n.seg, n.y[:2]),
    "none": (nn.CrossEntropyLoss(reduction="none"), n.z, n.y),
    "uint8 labels": (CE, n.z, n.y.byte()),
    "mse": (nn.MSELoss(), n.b, n.t),
    "mse, half": (nn.MSELoss(reduction="none"), n.z.half(), n.z.flip(0).half()),
    "mse, bfloat16": (nn.MSELoss(reduction="sum"), n.z.bfloat16(), n.z.flip(0).bfloat16()),
    "policy gradient": (lambda z, y: (F.cross_entropy(z, y, reduction="none") * n.b).mean() - 3, n.z, n.y),
    "scaled cosines": (CE, 30 * n.z.tanh(), n.y),
    "two directions": (
        lambda z, y: (F.cross_entropy(z, y) + F.cross_entropy(z.T, y)) / 2,
        n.q @ n.z.T,
        torch.arange(N),
    ),
    "negative by design": (lambda z, y: -(z.tanh() * y).mean() - 3, n.b, n.t),
    "wide vocabulary": (CE, torch.randn(8, 5000), torch.randint(0, 5000, (8,))),
}


def examine(snippet, device="cpu"):
    loss, output, target, *options = snippet
    loss = loss.to(device) if isinstance(loss, nn.Module) else loss
    arrays = {"output": output, "target": target} | (options[0] if options else {})
    there = {key: array.to(device) if isinstance(array, torch.Tensor) else array for key, array in arrays.items()}
    return clinic.call(loss, **there)


@pytest.mark.parametrize(("fault", "snippet"), [(fault, one) for fault, calls in FAULTY.items() for one in calls])
def test_a_faulty_call_is_named(fault, snippet):
    assert [finding.name for finding in examine(snippet)] == [fault]


@pytest.mark.parametrize("snippet", HEALTHY)
def test_a_healthy_call_is_silent(snippet):
    report = examine(HEALTHY[snippet])
    assert not report, report
    assert report.checked and str(report).startswith("Nothing found")


CURED = {  # a cure in the caller's own numbers: the finding must carry it
    "logits.movedim(1, -1).flatten(0, -2)": (lambda z, y: CE(z.reshape(-1, C), y.flatten()), n.seg, n.mask),
    "logits.movedim(-1, 1)": (CE, (n.lm.clone().requires_grad_() * 1).view(4, V, 10), n.tokens),
    "(target + 1) / 2": (BCE, n.b.sigmoid(), n.b.tanh()),
    "target / 255": (BCEL, n.b, 250 * n.t + 3),
    "output = model(x).logits": (CE, {"logits": n.z}, n.y),
}


@pytest.mark.parametrize("cure", CURED)
def test_a_cure_fits_the_call(cure):
    assert [finding.cure for finding in examine(CURED[cure])] == [cure]


@pytest.mark.filterwarnings("error")
def test_no_warning_of_pytorch_s_leaks():
    z, always = torch.randn(N, C, requires_grad=True), torch.is_warn_always_enabled()
    torch.set_warn_always(True)  # PyTorch says it once only by default
    try:
        reports = [clinic.call(CE, (z * 1).to(dtype), n.y) for dtype in (torch.bfloat16, torch.half)]
    finally:
        torch.set_warn_always(always)
    assert not any(report or report.skipped for report in reports)


def test_under_autocast_the_call_is_silent():
    with torch.autocast("cpu", torch.bfloat16):
        assert not clinic.call(CE, layer(n.x), n.y)
        assert not clinic.call(BCEL, layer(n.x), n.multi)
        assert clinic.call(CE, layer(n.x).softmax(1), n.y)


def test_the_page_of_errors_has_each_section():
    page = (ROOT / "book" / "errors.md").read_text(encoding="utf-8")
    headings = {line.lstrip("# ") for line in page.splitlines() if line.startswith("##")}
    assert HEADINGS and set(HEADINGS.values()) <= headings


def test_a_report_is_a_table_in_a_notebook_and_text_in_a_terminal():
    report = clinic.call(CE, n.z.softmax(1), n.y)
    (finding,) = report
    text, table = (" ".join(unescape(shown).split()) for shown in (str(report), report._repr_html_()))
    for part in (finding.name, finding.evidence, finding.cure, finding.section):
        assert part and " ".join(part.split()) in text and " ".join(part.split()) in table
    assert "<table" in report._repr_html_()
    nothing = clinic.call(CE, n.z, n.y)
    assert "<table" not in nothing._repr_html_() and all(name in nothing._repr_html_() for name in nothing.checked)


ANYWHERE = ["softmax before CrossEntropyLoss", "class axis last", "shapes are broadcast", "labels counted from 1"]
ANYWHERE += ["padding label is not ignored", "ignore_index is a real class", "logits given to BCELoss", "no gradient"]
ANYWHERE += [
    "logits given to KLDivLoss",
    "BCELoss is saturated",
    "logits given to CTCLoss",
    "variance is 0 or negative",
]


@pytest.mark.parametrize("name", [*ANYWHERE, "classifier", "segmentation", "binary", "soft targets", "distillation"])
def test_every_device_gives_the_same_findings(name, device):
    snippet = FAULTY[name][0] if name in FAULTY else HEALTHY[name]
    here, there = ([finding.name for finding in examine(snippet, place)] for place in ("cpu", device))
    assert here == there and bool(here) == (name in FAULTY)
