"""The training loop: equal to one written by hand, the same on every device, honest about short batches and stops."""

import numpy as np
import pytest
import torch
from torch import nn

from xent_helpers import data, devices, losses, training


@pytest.fixture(autouse=True)
def _repeatable():
    devices.reproducible(seed=0)


def toy(samples=23, features=3, classes=4):
    rng = np.random.default_rng(1)
    x = torch.from_numpy(rng.normal(size=(samples, features)))
    return x, torch.from_numpy(rng.integers(0, classes, samples))


def layer(features=3, outputs=4):
    torch.manual_seed(0)
    return nn.Linear(features, outputs, dtype=torch.float64)


def by_hand(model, x, y, lr, epochs, batch_size, seed):
    """The same minibatches, with the gradient of softmax regression written out in NumPy."""
    w, b = model.weight.detach().numpy().T.copy(), model.bias.detach().numpy().copy()
    generator = torch.Generator().manual_seed(seed)
    x, y = x.numpy(), y.numpy()
    for _ in range(epochs):
        order = torch.randperm(len(y), generator=generator).numpy()
        for start in range(0, len(y), batch_size):
            rows = order[start : start + batch_size]
            error = (losses.softmax(x[rows] @ w + b) - losses.one_hot(y[rows], w.shape[1])) / len(rows)
            w, b = w - lr * x[rows].T @ error, b - lr * error.sum(axis=0)
    return w, b


def test_training_takes_the_steps_that_one_takes_by_hand():
    x, y = toy()
    expected = by_hand(layer(), x, y, 0.3, 4, 5, seed=7)
    model = layer()
    history = training.train(model, (x, y), (x, y), losses.cross_entropy, lr=0.3, epochs=4, batch_size=5, seed=7)
    np.testing.assert_allclose(model.weight.detach().numpy().T, expected[0], rtol=1e-12)
    np.testing.assert_allclose(model.bias.detach().numpy(), expected[1], rtol=1e-12)
    final = losses.cross_entropy(x.numpy() @ expected[0] + expected[1], y.numpy())
    assert history.train[-1].loss == pytest.approx(final, rel=1e-12)
    assert len(history.train) == len(history.validation) == 5
    assert not history.interrupted


def test_the_defaults_and_the_two_parts_are_the_ones_that_are_promised():
    (x, y), other = toy(70), toy(9)
    w, b = by_hand(layer(), x, y, 0.1, 20, 64, seed=0)
    model = layer()
    history = training.train(model, (x, y), other, losses.cross_entropy)
    np.testing.assert_allclose(model.weight.detach().numpy().T, w, rtol=1e-12)
    for scores, (inputs, labels) in ((history.train, (x, y)), (history.validation, other)):
        expected = losses.cross_entropy(inputs.numpy() @ w + b, labels.numpy())
        assert scores[-1].loss == pytest.approx(expected, rel=1e-12)
        assert len(scores) == 21


def test_one_sample_a_step():
    x, y = toy(5)
    w, _ = by_hand(layer(), x, y, 0.1, 2, 1, seed=0)
    model = layer()
    training.train(model, (x, y), (x, y), losses.cross_entropy, epochs=2, batch_size=1)
    np.testing.assert_allclose(model.weight.detach().numpy().T, w, rtol=1e-12)


def test_a_history_that_lacks_a_score_makes_no_table():
    with pytest.raises(ValueError, match="shorter"):
        training.History(train=[training.Score(1.0, 0.5, 2)]).table()


def test_our_loss_and_torchs_train_alike_binary_and_multi_class():
    part, test_part = data.iris().split().tensors()
    binary = [(x, (y == 0).double()[:, None]) for x, y in (part, test_part)]
    for parts, outputs, ours, theirs in (
        ((part, test_part), 3, losses.cross_entropy, nn.functional.cross_entropy),
        (
            binary,
            1,
            losses.binary_cross_entropy_with_logits,
            nn.functional.binary_cross_entropy_with_logits,
        ),
    ):
        a, b = (training.train(layer(4, outputs), *parts, loss_fn, epochs=30) for loss_fn in (ours, theirs))
        np.testing.assert_allclose(a.train, b.train, rtol=1e-11)
        np.testing.assert_allclose(a.validation, b.validation, rtol=1e-11)
        assert a.train[-1].loss < a.train[0].loss
        assert a.validation[-1].accuracy > 0.75


def test_the_order_depends_on_the_seed_and_on_nothing_else():
    x, y = toy()
    runs = [
        training.train(layer(), (x, y), (x, y), losses.cross_entropy, epochs=2, batch_size=4, seed=seed)
        for seed in (0, 0, 1)
    ]
    assert runs[0] == runs[1]
    assert runs[0].train[0] == runs[2].train[0]
    assert runs[0].train[1] != runs[2].train[1]


def test_every_device_gives_the_cpus_losses(device):
    dtype = devices.widest_float(device)
    parts = data.iris().split().tensors(device, dtype)
    reference = data.iris().split().tensors()
    model = layer(4, 3).to(dtype)
    run = training.train(model, *parts, losses.cross_entropy, epochs=3, device=device)
    expected = training.train(layer(4, 3), *reference, losses.cross_entropy, epochs=3)
    assert model.weight.device.type == device.type
    np.testing.assert_allclose(run.train, expected.train, rtol=1e-9 if dtype == torch.float64 else 1e-3)


@pytest.mark.parametrize("batch_size", [1, 5, 22, 23, 100])
def test_the_score_does_not_depend_on_the_batch_size(batch_size):
    x, y = toy()
    model = layer()
    score = training.evaluate(model, x, y, losses.cross_entropy, batch_size=batch_size)
    logits = model(x).detach()
    assert score.loss == pytest.approx(nn.functional.cross_entropy(logits, y).item(), rel=1e-13)
    assert score.accuracy == pytest.approx((logits.argmax(1) == y).double().mean().item())
    assert score.count == 23


def test_evaluating_leaves_the_model_in_the_mode_it_was_in():
    x, y = toy()
    model = nn.Sequential(nn.Dropout(0.5), layer())
    for training_mode in (True, False):
        model.train(training_mode)
        scores = {training.evaluate(model, x, y, losses.cross_entropy) for _ in range(3)}
        assert len(scores) == 1  # dropout would make them differ
        assert model.training is training_mode
    assert all(p.grad is None for p in model.parameters())


def test_a_step_forgets_the_gradient_of_the_one_before():
    x, y = toy()
    model = layer()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    gradients = []
    for _ in range(2):
        loss = training.step(model, optimizer, losses.cross_entropy, x, y)
        gradients.append(model.weight.grad.clone())
    assert torch.equal(*gradients)
    assert not loss.requires_grad


def test_batches_hold_each_row_once():
    rows = list(training.batches(10, 4, torch.Generator().manual_seed(3)))
    assert [len(part) for part in rows] == [4, 4, 2]
    assert sorted(torch.cat(rows).tolist()) == list(range(10))
    assert torch.cat(rows).tolist() != list(range(10))


def test_decisions_for_many_outputs_and_for_one():
    assert training.decide(torch.tensor([[0.0, 2.0, 1.0], [3.0, -1.0, 0.0]])).tolist() == [1, 0]
    single = training.decide(torch.tensor([[0.3], [-0.3], [0.0]], dtype=torch.float64))
    assert single.tolist() == [[1.0], [0.0], [0.0]]
    assert single.dtype == torch.float64


def test_an_interrupted_run_returns_what_it_has():
    x, y = toy()
    model, calls = layer(), []

    def stops(logits, target, reduction="mean"):
        calls.append(reduction)
        if len(calls) > 20:
            raise KeyboardInterrupt
        return losses.cross_entropy(logits, target, reduction=reduction)

    before = model.weight.detach().clone()
    history = training.train(model, (x, y), (x, y), stops, epochs=50, batch_size=8)
    assert history.interrupted
    assert 1 < len(history.train) == len(history.validation) < 51
    assert len(history.table()) == len(history.train)
    assert not torch.equal(before, model.weight)


def test_the_table_has_a_row_for_each_epoch():
    x, y = toy()
    history = training.train(layer(), (x, y), (x[:5], y[:5]), losses.cross_entropy, epochs=2)
    table = history.table()
    assert list(table.columns) == ["train loss", "validation loss", "train accuracy", "validation accuracy"]
    assert table.index.name == "epoch"
    assert table["validation loss"].tolist() == [score.loss for score in history.validation]
    assert table["train accuracy"].tolist() == [score.accuracy for score in history.train]
    assert history.validation[0].count == 5


def test_the_bar_shows_only_when_asked_for(capfd):
    x, y = toy()
    training.train(layer(), (x, y), (x, y), losses.cross_entropy, epochs=1)
    assert capfd.readouterr() == ("", "")
    training.train(layer(), (x, y), (x, y), losses.cross_entropy, epochs=1, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "?epoch/s" in err
    assert not err.endswith("\n")  # the bar is wiped away


@pytest.mark.parametrize(
    ("labels", "change", "said"),
    [
        (23, {"epochs": -1}, "epochs is -1, expected 0 or more"),
        (23, {"batch_size": 0}, "batch_size is 0, expected"),
        (22, {}, "y has shape \\(22,\\) and x \\(23,"),
    ],
)
def test_bad_arguments_are_refused_at_the_door(labels, change, said):
    x, y = toy()
    for parts in (((x, y), (x, y[:labels])), ((x, y[:labels]), (x, y))):
        with pytest.raises(ValueError, match=said):
            training.train(layer(), *parts, losses.cross_entropy, **change)


def test_no_epochs_only_measure():
    x, y = toy()
    model = layer()
    before = model.weight.detach().clone()
    history = training.train(model, (x, y), (x, y), losses.cross_entropy, epochs=0)
    assert len(history.train) == 1
    assert torch.equal(before, model.weight)


def test_a_score_over_nothing_is_refused():
    x, y = toy()
    with pytest.raises(ValueError, match="y has no entries"):
        training.evaluate(layer(), x[:0], y[:0], losses.cross_entropy)


def test_a_device_without_float64_gets_float32():
    assert devices.widest_float(torch.device("cpu")) == torch.float64
    assert devices.widest_float(torch.device("mps")) == torch.float32


def test_the_best_epoch_has_the_lowest_validation_loss_and_a_run_that_blew_up_keeps_its_start():
    def ended(*values):
        return training.History(validation=[training.Score(value, 0.5, 9) for value in values]).best_epoch()

    assert ended(2.0, 0.5, 0.7) == 1
    assert ended(2.0, float("nan"), float("inf")) == 0
    assert ended(2.0, float("nan"), 1.0) == 2
