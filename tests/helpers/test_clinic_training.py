"""``clinic.training`` names what is wrong before a run, is silent about healthy ones and changes nothing."""

import copy
import functools
import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from xent_helpers import clinic, data, training

CE, BCEL = nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss()


class Numbers:
    """Three blobs, a text in which 7 is added at each step, and batches of both."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.y = torch.randint(0, 3, (72,))
        self.x = torch.randn(72, 6) + 2 * F.one_hot(self.y, 6)
        self.t = (self.y == 0).float()[:, None]
        self.batches = pairs(self.x, self.y)
        self.binary = pairs(self.x, self.t)
        self.text = (torch.randint(0, 50, (12, 1)) + torch.randint(1, 8, (12, 11)).cumsum(1)) % 50
        self.soft = F.one_hot(self.y, 3) * 0.9 + 1 / 30
        self.pictures = torch.randn(16, 1, 8, 8) + self.y[:16].view(-1, 1, 1, 1)


def pairs(x, y, size=16):
    return list(zip(x.split(size), y.split(size), strict=True))


def net(*more, out=3):
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), *more, nn.Linear(32, out))


def zeros(model):
    for weight in model.parameters():
        nn.init.zeros_(weight)
    return model


def trained(model, batches, loss_fn=CE, steps=60):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(steps):
        for x, y in batches:
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
    return model


class Text(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.embed, self.rnn = nn.Embedding(50, 16), nn.GRU(16, 32, batch_first=True, **options)
        self.head = nn.Linear(64 if options else 32, 50)

    def forward(self, tokens):
        return self.head(self.rnn(self.embed(tokens))[0])


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(50, 64), nn.Linear(64, 50, bias=False)
        self.head.weight = nn.init.normal_(self.embed.weight, std=0.1)

    def forward(self, tokens):
        return self.head(self.embed(tokens)).movedim(-1, 1)


class Prototypes(nn.Module):
    """A loss with a row for each class and a count of its calls, as in metric learning."""

    def __init__(self):
        super().__init__()
        self.rows, self.calls, self.seen = nn.Parameter(torch.randn(3, 8)), 0, nn.Buffer(torch.zeros(1))

    def forward(self, z, y):
        self.seen += 1
        self.calls += 1
        return F.cross_entropy(64 * F.normalize(z) @ F.normalize(self.rows).T, y)


class LastStep(nn.Module):
    """The last step of a recurrent network; with ``batch_first`` left out, of another axis."""

    def __init__(self, **options):
        super().__init__()
        self.rnn, self.head = nn.GRU(6, 16, **options), nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


class LastToken(LastStep):
    def forward(self, tokens):
        return super().forward(F.one_hot(tokens % 6, 6).float())


class Carried(nn.Module):
    """Keeps what the last batch left, as truncated backpropagation through time does."""

    def __init__(self, detach=False):
        super().__init__()
        self.cell, self.head, self.hidden, self.detach = nn.GRUCell(6, 16), nn.Linear(16, 3), None, detach

    def forward(self, x):
        self.hidden = self.cell(x, self.hidden)
        output = self.head(self.hidden)
        self.hidden = self.hidden.detach() if self.detach else self.hidden
        return output


def used(model, n):
    model(n.x[:16])
    return model


class Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(6, 16), nn.Linear(16, 3)

    def forward(self, x):
        hidden = self.body(x).sigmoid()
        output = self.head(hidden)
        hidden += 1
        return output


class Similar(nn.Linear):
    def __init__(self):
        super().__init__(6, 8)

    def forward(self, x):
        return 9 * F.normalize(super().forward(x)) @ F.normalize(x @ torch.eye(6, 8)).T


class Nodes(nn.Linear):
    def __init__(self):
        super().__init__(6, 3)
        self.edges = torch.rand(72, 72).softmax(1)

    def forward(self, x):
        return super().forward(self.edges @ x)


class Noisy(nn.Linear):
    def __init__(self):
        super().__init__(6, 6)

    def forward(self, x):
        return super().forward(x + 0.1 * torch.randn_like(x))


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.other = net(), net(out=1)

    def forward(self, x):
        return {"one": self.one(x), "other": self.other(x)}


class OnlyTraining(nn.Module):
    def forward(self, z):
        if not self.training:
            raise NotImplementedError
        return z


class Detached(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(6, 32), nn.Linear(32, 3)

    def forward(self, x):
        return self.head(self.body(x).relu().detach())


class Unused(Detached):
    def __init__(self):
        super().__init__()
        self.other = nn.Linear(32, 32)

    def forward(self, x):
        return self.head(self.body(x).relu())


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers, self.scale = [nn.Linear(6, 32), nn.Linear(32, 3)], nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.layers[1](self.layers[0](x).relu()) * self.scale


class Blind(Unused):
    def forward(self, x):
        return super().forward(0 * x)


class AlwaysDropout(Unused):
    def __init__(self):
        super().__init__()
        del self.other

    def forward(self, x):
        return self.head(F.dropout(self.body(x).relu(), 0.5))


class Keeping(AlwaysDropout):
    def forward(self, x):
        self.kept = [self.body(x).relu()]
        return self.head(self.kept[0])


class Cosines(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.rows, self.scale = (
            nn.Linear(6, 8),
            nn.Parameter(torch.randn(3, 8)),
            nn.Parameter(torch.tensor(2.3)),
        )

    def forward(self, x):
        return F.normalize(self.body(x), dim=1) @ F.normalize(self.rows, dim=1).T * self.scale.exp()


def text_loss(logits, labels):
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten())


def shifting_loss(logits, tokens):
    return F.cross_entropy(logits[:, :-1].reshape(-1, 50), tokens[:, 1:].reshape(-1))


def step(model, optimizer, batch, loss_fn=CE):
    optimizer.zero_grad()
    loss_fn(model(batch[0]), batch[1]).backward()
    optimizer.step()


def step_reset_last(model, optimizer, batch):
    CE(model(batch[0]), batch[1]).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def step_without_reset(model, optimizer, batch):
    CE(model(batch[0]), batch[1]).backward()
    optimizer.step()


def step_reset_early(model, optimizer, batch):
    CE(model(batch[0]), batch[1]).backward()
    optimizer.zero_grad()
    optimizer.step()


def summing_step():
    losses = []

    def summing(model, optimizer, batch):
        optimizer.zero_grad()
        losses.append(CE(model(batch[0]), batch[1]))
        sum(losses).backward()
        optimizer.step()

    return summing


def step_without_optimizer(model, optimizer, batch):
    optimizer.zero_grad()
    CE(model(batch[0]), batch[1]).backward()


def step_in_evaluation(model, optimizer, batch):
    model.eval()
    step(model, optimizer, batch)


def mean_of_means(model, batches):
    model.eval()
    with torch.no_grad():
        return sum(CE(model(x), y).item() for x, y in batches) / len(batches)


def mean_by_count(model, batches):
    model.eval()
    with torch.no_grad():
        return sum(F.cross_entropy(model(x), y, reduction="sum").item() for x, y in batches) / sum(
            len(y) for _, y in batches
        )


def in_training_mode(model, batches):
    with torch.no_grad():
        return sum(CE(model(x), y).item() * len(y) for x, y in batches) / sum(len(y) for _, y in batches)


def closed_over(n, model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return model, CE, n.batches, {"step": lambda m, o, batch: step(model, optimizer, batch)}


def frozen(model):
    return model.requires_grad_(False)


def foreign(model):
    return {"optimizer": torch.optim.SGD(copy.deepcopy(model).parameters(), lr=0.1)}


def sgd(**options):
    return lambda model: {"optimizer": torch.optim.SGD(model.parameters(), **options)}


def warming_up(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda count: count / 100)
    return {"optimizer": optimizer}


def own(model):
    return {"optimizer": torch.optim.Adam(model.parameters(), lr=0.1)}


FAULTY = {
    "softmax at the end": (lambda n: (net(), CE, n.batches), "softmax before CrossEntropyLoss", nn.Softmax(dim=1)),
    "sigmoid at the end": (lambda n: (net(out=1), BCEL, n.binary), "sigmoid before BCEWithLogitsLoss", nn.Sigmoid()),
    "raw inputs": (lambda n: (net(), CE, pairs(300 * n.x + 900, n.y)), "logits are far too large"),
    "inputs of some tens": (lambda n: (net(), CE, pairs(40 * n.x, n.y)), "the inputs are not scaled"),
    "a last layer too large": (lambda n: (nn.Sequential(net(), Times(60)), CE, n.batches), "the loss starts too high"),
    "raw inputs, and a rate for others": (
        lambda n: (net(), CE, pairs(40 * n.x, n.y), sgd(lr=9.0)),
        "the inputs are not",
    ),
    "zero_grad forgotten": (lambda n: (net(), CE, n.batches, {"step": step_without_reset}), "zero_grad is forgotten"),
    "no optimizer.step": (
        lambda n: (net(), CE, n.batches, {"step": step_without_optimizer}),
        "the step changes nothing",
    ),
    "a step in evaluation": (
        lambda n: (net(nn.Dropout(0.5)), CE, n.batches, {"step": step_in_evaluation}),
        "the step runs in evaluation mode",
    ),
    "mean of means": (
        lambda n: (net(), CE, n.batches, {"evaluate": mean_of_means}),
        "mean of means over uneven batches",
    ),
    "evaluated in training": (
        lambda n: (net(nn.Dropout(0.5)), CE, n.batches, {"evaluate": in_training_mode}),
        "evaluation runs in training mode",
    ),
    "left in evaluation": (
        lambda n: (net(nn.BatchNorm1d(32)).eval(), CE, n.batches),
        "the model is in evaluation mode",
    ),
    "dropout by function": (lambda n: (AlwaysDropout(), CE, n.batches), "random in evaluation mode"),
    "detached": (lambda n: (Detached(), CE, n.batches), "parameters without gradient"),
    "unused layer": (lambda n: (Unused(), CE, n.batches), "parameters without gradient"),
    "layers in a list": (lambda n: (Listed(), CE, n.batches), "parameters the model does not know"),
    "blind": (lambda n: (Blind(), CE, n.batches), "the same output for all inputs"),
    "all zeros": (lambda n: (zeros(net()), CE, n.batches), "one batch cannot be learned"),
    "dead units": (
        lambda n: (nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 3)), CE, n.batches),
        "the same output",
        -99.0,
    ),
    "equal inputs": (lambda n: (net(), CE, pairs(0 * n.x, n.y)), "all inputs are the same"),
    "frozen": (lambda n: (frozen(net()), CE, n.batches), "nothing to train"),
    "another model's optimizer": (lambda n: (net(), CE, n.batches, foreign), "the optimizer lacks parameters"),
    "labels ignored": (
        lambda n: (net(), lambda z, y: F.cross_entropy(z, 0 * y), n.batches),
        "the loss ignores its labels",
    ),
    "not shifted": (lambda n: (Text(), text_loss, pairs(n.text, n.text)), "labels are not shifted"),
    "shifted twice": (lambda n: (Text(), shifting_loss, pairs(n.text, n.text.roll(-1, 1))), "labels are shifted twice"),
    "labels leak": (
        lambda n: (net(out=1), BCEL, pairs(torch.cat([n.x[:, :5], n.t], 1), n.t)),
        "the labels are among the inputs",
    ),
    "labels from 1": (lambda n: (net(), CE, pairs(n.x, n.y + 1)), "labels counted from 1"),
    "classes last": (lambda n: (Text(), CE, pairs(n.text[:, :-1], n.text[:, 1:])), "class axis last"),
    "one class": (lambda n: (net(), CE, pairs(n.x, 0 * n.y)), "the labels are constant"),
    "sorted by class": (lambda n: (net(), CE, pairs(n.x, torch.arange(72) // 27)), "batches of one class"),
    "negated": (lambda n: (net(), lambda z, y: -F.cross_entropy(z, y), n.batches), "the loss is negative"),
    "unscaled, regression": (lambda n: (net(out=1), nn.MSELoss(), pairs(300 * n.x + 900, n.t)), "the inputs are not"),
    "nan in the data": (lambda n: (net(), CE, pairs(n.x / (n.x > -1), n.y)), "nan or inf among the inputs"),
    "one target": (lambda n: (net(out=1), nn.MSELoss(), pairs(n.x, 0 * n.t + 7)), "the labels are constant"),
    "one-hot labels leak": (
        lambda n: (net(), CE, pairs(torch.cat([n.x[:, :3], F.one_hot(n.y, 3)], 1), n.y)),
        "the labels are among",
    ),
    "time first": (
        lambda n: (LastStep(), CE, pairs(n.x[:, None] * torch.ones(72, 5, 1), n.y)),
        "samples of a batch are mixed",
    ),
    "time first, tokens": (
        lambda n: (LastToken(), CE, pairs(n.text, n.text[:, 0] % 3)),
        "samples of a batch are mixed",
    ),
    "the next token in sight": (
        lambda n: (Text(bidirectional=True), text_loss, pairs(n.text[:, :-1], n.text[:, 1:])),
        "the model sees the next token",
    ),
    "the next token in sight, shifted in the loss": (
        lambda n: (Text(bidirectional=True), shifting_loss, pairs(n.text, n.text)),
        "the model sees the next token",
    ),
    "a hidden state with its graph": (lambda n: (Carried(), CE, pairs(n.x[:64], n.y[:64])), "the graph is kept"),
    "Adam, decay 1": (
        lambda n: (net(), CE, n.batches, lambda m: {"optimizer": torch.optim.Adam(m.parameters(), weight_decay=1)}),
        "the weight decay is too strong",
    ),
    "nothing left": (lambda n: (net(nn.Dropout(1.0)), CE, n.batches), "dropout drops everything"),
    "in place": (lambda n: (InPlace(), CE, n.batches), "an operation in place"),
    "rate 0": (lambda n: (net(), CE, n.batches, sgd(lr=0.0)), "the learning rate is 0"),
    "rate 1e-9": (lambda n: (net(), CE, n.batches, sgd(lr=1e-9)), "the learning rate is next to 0"),
    "rate 1000": (lambda n: (net(), CE, n.batches, sgd(lr=1000.0)), "the training diverges"),
    "targets of thousands": (
        lambda n: (net(out=1), nn.MSELoss(), pairs(n.x, 9e3 * n.t), sgd(lr=0.5)),
        "the training diverges",
    ),
    "decay": (lambda n: (net(), CE, n.batches, sgd(lr=0.1, weight_decay=5)), "the weight decay is too strong"),
    "climbing": (lambda n: (net(), CE, n.batches, sgd(lr=0.1, maximize=True)), "the optimizer climbs"),
    "reset before the step": (lambda n: (net(), CE, n.batches, {"step": step_reset_early}), "the step changes nothing"),
    "a sum over batches": (
        lambda n: (net(), CE, n.batches, {"step": summing_step()}),
        "the graph is kept from step to step",
    ),
    "a tuple": (lambda n: (nn.GRU(50, 50), CE, [(torch.randn(4, 50), torch.arange(4))]), "output is not a tensor"),
}

HEALTHY = {
    "a hidden state, detached": lambda n: (used(Carried(detach=True), n), CE, pairs(n.x[:64], n.y[:64]), own),
    "a layer's output kept": lambda n: (used(Keeping(), n), CE, n.batches, own),
    "batch first, tokens": lambda n: (LastToken(batch_first=True), CE, pairs(n.text, n.text[:, 0] % 3)),
    "two heads": lambda n: (TwoHeads(), lambda z, y: CE(z["one"], y[0]) + BCEL(z["other"], y[1]), [(n.x, (n.y, n.t))]),
    "large targets": lambda n: (net(out=1), nn.MSELoss(), pairs(n.x, 2e5 + 9e3 * n.t), own),
    "large inputs, normalised": lambda n: (nn.Sequential(nn.BatchNorm1d(6), net()), CE, pairs(900 * n.x, n.y)),
    "a line": lambda n: (nn.Linear(1, 1), nn.MSELoss(), pairs(n.x[:, :1], 3 * n.x[:, :1] + 1)),
    "batch first": lambda n: (LastStep(batch_first=True), CE, pairs(n.x[:, None] * torch.ones(72, 5, 1), n.y)),
    "batches of time first": lambda n: (nn.GRU(6, 3), lambda z, y: CE(z[0][-1], y), [(torch.randn(5, 9, 6), n.y[:9])]),
    "similarities": lambda n: (Similar(), lambda z, y: CE(z, torch.arange(len(z))), n.batches),
    "nodes of one graph": lambda n: (Nodes(), CE, [(n.x, n.y)]),
    "noise for a variational encoder": lambda n: (Noisy(), nn.MSELoss(), pairs(n.x, n.x)),
    "warming up": lambda n: (net(), CE, n.batches, warming_up),
    "AdamW for fine-tuning": lambda n: (
        net(),
        CE,
        n.batches,
        lambda model: {"optimizer": torch.optim.AdamW(model.parameters(), lr=2e-5, weight_decay=0.1)},
    ),
    "network": lambda n: (net(), CE, n.batches),
    "linear, all zeros": lambda n: (zeros(nn.Linear(6, 3)), CE, n.batches),
    "trained": lambda n: (trained(net(), n.batches), CE, n.batches),
    "trained until sure": lambda n: (trained(net(), n.batches, steps=300), CE, n.batches),
    "binary": lambda n: (net(out=1), BCEL, n.binary),
    "binary, probabilities": lambda n: (nn.Sequential(net(out=1), nn.Sigmoid()), nn.BCELoss(), n.binary),
    "log-probabilities": lambda n: (nn.Sequential(net(), nn.LogSoftmax(1)), nn.NLLLoss(), n.batches),
    "soft targets": lambda n: (net(), CE, pairs(n.x, n.soft)),
    "smoothing and weights": lambda n: (net(), nn.CrossEntropyLoss(torch.rand(3) + 1, label_smoothing=0.2), n.batches),
    "sums": lambda n: (net(), nn.CrossEntropyLoss(reduction="sum"), n.batches),
    "dropout and batch norm": lambda n: (net(nn.BatchNorm1d(32), nn.Dropout(0.5)), CE, n.batches),
    "pictures": lambda n: (
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)),
        CE,
        [(n.pictures, n.y[:16])],
    ),
    "segmentation": lambda n: (nn.Conv2d(1, 2, 3, padding=1), CE, [(n.pictures, (n.pictures[:, 0] > 1).long())]),
    "text": lambda n: (Text(), text_loss, pairs(n.text[:, :-1], n.text[:, 1:])),
    "text, shifted in the loss": lambda n: (Text(), shifting_loss, pairs(n.text, n.text)),
    "an autoencoder of text": lambda n: (Text(bidirectional=True), text_loss, pairs(n.text, n.text)),
    "frozen body": lambda n: (nn.Sequential(frozen(nn.Linear(6, 9)), nn.ReLU(), nn.Linear(9, 3)), CE, n.batches),
    "a loader": lambda n: (net(), CE, DataLoader(TensorDataset(n.x, n.y), batch_size=10, shuffle=True)),
    "one sample": lambda n: (net(), CE, [(n.x[:1], n.y[:1])]),
    "one class in one batch": lambda n: (net(), CE, [(n.x, 0 * n.y)]),
    "two classes, one in these batches": lambda n: (net(out=2), CE, pairs(n.x, 0 * n.y)),
    "inputs (N,)": lambda n: (Tied(), CE, pairs(n.text[:, 0], n.text[:, 1])),
    "numbers (N,)": lambda n: (nn.Sequential(nn.Unflatten(0, (-1, 1)), nn.Linear(1, 3)), CE, pairs(n.x[:, 0], n.y)),
    "tied, classes moved": lambda n: (Tied(), CE, pairs(n.text[:, :-1], n.text[:, 1:])),
    "a loss with weights": lambda n: (net(out=8), Prototypes(), n.batches),
    "a loss with weights in a function": lambda n: (net(out=8), functools.partial(Prototypes()), n.batches),
    "a layer that cannot run in evaluation": lambda n: (nn.Sequential(net(), OnlyTraining()), CE, n.batches),
    "a step that uses the model itself": lambda n: closed_over(n, net()),
    "random labels": lambda n: (net(), CE, pairs(n.x, n.y[torch.randperm(72)])),
    "a linear model and XOR": lambda n: (nn.Linear(6, 2), CE, pairs(n.x, ((n.x[:, 0] > 0) ^ (n.x[:, 1] > 0)).long())),
    "scaled cosines": lambda n: (Cosines(), CE, n.batches),
    "float64": lambda n: (net().double(), CE, pairs(n.x.double(), n.y)),
    "a step": lambda n: (net(nn.Dropout(0.5)), CE, n.batches, {"step": step, "evaluate": mean_by_count}),
    "a step that resets last": lambda n: (net(), CE, n.batches, {"step": step_reset_last}),
    "the course's step": lambda n: (net(), CE, n.batches, {"step": lambda m, o, b: training.step(m, o, CE, *b)}),
    "its own optimizer": lambda n: (net(), CE, n.batches, own),
    "even batches": lambda n: (net(), CE, n.batches[:4], {"evaluate": mean_of_means}),
    "focal": lambda n: (
        net(),
        lambda z, y: (
            (1 - F.softmax(z, 1).gather(1, y[:, None])[:, 0]) * F.cross_entropy(z, y, reduction="none")
        ).mean(),
        n.batches,
    ),
}


def examine(snippet, last=None):
    model, loss_fn, batches, *options = snippet(Numbers())
    if isinstance(last, nn.Module):
        model.append(last)
    elif last is not None:
        nn.init.constant_(model[0].bias, last)
    chosen = options[0] if options else {}
    return clinic.training(model, loss_fn, batches, **(chosen(model) if callable(chosen) else chosen))


@pytest.mark.parametrize("snippet", FAULTY)
def test_a_faulty_training_is_named(snippet):
    make, name, *last = FAULTY[snippet]
    report = examine(make, *last)
    assert report.findings and report.findings[0].name.startswith(name), report


@pytest.mark.parametrize("snippet", HEALTHY)
def test_a_healthy_training_is_silent(snippet):
    report = examine(HEALTHY[snippet])
    assert not report and report.checked, report


def bits(model, optimizer):
    """Everything that a look must not change, as bytes and plain values."""
    tensors = [*model.parameters(), *model.buffers()]
    grads = [None if weight.grad is None else weight.grad.numpy().tobytes() for weight in model.parameters()]
    modes = [part.training for part in model.modules()]
    state = [value.numpy().tobytes() for one in optimizer.state.values() for value in one.values()]
    numbers = torch.get_rng_state().numpy().tobytes(), random.getstate(), np.random.get_state()[1].tobytes()  # noqa: NPY002
    return [tensor.detach().numpy().tobytes() for tensor in tensors], grads, modes, state, numbers


@pytest.mark.parametrize("mode", [True, False])
def test_nothing_is_changed(mode):
    n, model = Numbers(), net(nn.BatchNorm1d(32), nn.Dropout(0.5)).train(mode)
    optimizer = torch.optim.Adam(model.parameters())
    step(model, optimizer, n.batches[0])
    model[3].eval()
    generator = torch.Generator().manual_seed(3)
    loader = DataLoader(TensorDataset(n.x, n.y), batch_size=16, shuffle=True, generator=generator)

    def greedy_step(copied, spy, batch):  # reaches for the model itself, as posted code does
        model.train()
        np.random.rand()  # noqa: NPY002
        model.zero_grad()
        CE(model(batch[0]), batch[1]).backward()
        with torch.no_grad():
            model[0].weight.add_(1)

    before, drawn = bits(model, optimizer), generator.get_state()
    clinic.training(model, CE, loader, optimizer=optimizer, step=greedy_step, evaluate=mean_of_means)
    clinic.call(lambda z, y: F.cross_entropy(F.dropout(z), y), model(n.x), n.y)
    after = bits(model, optimizer)
    assert before[1:] == after[1:] and torch.equal(drawn, generator.get_state())
    assert before[0][: len(list(model.parameters()))] == after[0][: len(list(model.parameters()))]


@pytest.mark.parametrize("form", [lambda loss: loss, lambda loss: functools.partial(loss), lambda loss: loss.forward])
def test_a_loss_module_is_not_changed(form):
    n, model, loss = Numbers(), net(out=8), Prototypes().eval()
    clinic.call(form(loss), model(n.x), n.y)
    clinic.training(model, form(loss), n.batches)
    assert not loss.calls and not loss.seen and loss.rows.grad is None and not loss.training


def test_a_check_that_fails_is_listed_as_not_made():
    report = examine(HEALTHY["a layer that cannot run in evaluation"])
    assert any("NotImplementedError" in reason for reason in report.skipped)
    assert all(reason in " ".join(str(report).split()) for reason in report.skipped)
    assert not {reason.partition(" (")[0] for reason in report.skipped} & set(report.checked)


def test_a_step_on_the_optimizer_itself_is_undone():
    n, model = Numbers(), net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    step(model, optimizer, n.batches[0])
    saved = copy.deepcopy(optimizer.state_dict())

    def closed_step(_model, _optimizer, batch):
        optimizer.param_groups[0]["lr"] *= 0.5
        step(model, optimizer, batch)

    assert not clinic.training(model, CE, n.batches, optimizer=optimizer, step=closed_step)
    assert str(saved) == str(optimizer.state_dict())


def test_an_evaluation_that_returns_no_number_is_refused():
    with pytest.raises(TypeError, match="evaluate"):
        clinic.training(net(), CE, Numbers().batches, evaluate=lambda model, batches: [1.0, 2.0])


def test_a_call_leaves_its_tensors_alone():
    n = Numbers()
    model = net()
    output = model(n.x)
    output.retain_grad()
    before = output.detach().clone(), n.y.clone()
    clinic.call(CE, output, n.y)
    assert torch.equal(output, before[0]) and torch.equal(n.y, before[1]) and output.grad is None
    CE(output, n.y).backward()  # the graph is still there
    assert all(weight.grad is not None for weight in model.parameters())


@pytest.mark.parametrize(
    "batches",
    [((x, y) for x, y in [(torch.ones(2, 6), torch.tensor([0, 1]))]), [{"input_ids": torch.ones(2)}], []],
    ids=["read once", "dictionaries", "none"],
)
def test_batches_that_cannot_be_looked_at_are_refused(batches):
    with pytest.raises(TypeError, match="batch"):
        clinic.training(net(), CE, batches)
    assert not hasattr(batches, "send") or next(batches)


def test_a_model_that_refuses_the_batch_raises_its_own_error_with_a_note():
    with pytest.raises(RuntimeError, match="mat1 and mat2") as caught:
        clinic.training(nn.Linear(11, 4), CE, [(torch.randn(8, 10), torch.zeros(8, dtype=torch.long))])
    assert "(8, 10)" in caught.value.__notes__[0]


def test_chapter_6_s_network_is_silent():
    parts = data.digits().three_parts(seed=0)
    x, y = parts.train.tensors()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)).double()
    assert not clinic.training(model, F.cross_entropy, pairs(x, y, 64))


def test_every_device_is_trained_on_where_the_model_lies(device):
    n = Numbers()
    assert not clinic.training(net().to(device), CE, n.batches)
    (finding,) = clinic.training(net(nn.Dropout(0.5)).to(device), CE, n.batches, step=step_without_reset)
    assert finding.name == "zero_grad is forgotten"
