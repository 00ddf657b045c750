"""Networks that are trained side by side: where they start, which steps they take, what is split for them."""

import torch
import torch.nn.functional as F

from xent_helpers import replicas
from xent_helpers.data import iris

X = torch.linspace(-1, 1, 280, dtype=torch.float64).reshape(2, 70, 2)
Y = (X.sum(-1) > 0).long()


def test_weights_start_as_those_of_nn_linear():
    model = replicas.Replicas(50, (9, 16, 2))
    for tensor, ins in ((model.weights[0], 9), (model.biases[0], 9), (model.weights[1], 16), (model.biases[1], 16)):
        assert 0.95 * ins**-0.5 < tensor.abs().max() <= ins**-0.5
        assert abs(tensor.mean()) < 0.1 * ins**-0.5


def test_the_defaults_are_adam_s_steps_by_hand():
    model, hand, seen = replicas.Replicas(2, (2, 4, 2)), replicas.Replicas(2, (2, 4, 2)), []
    replicas.fit(model, F.cross_entropy, X, Y, steps=100, watch=lambda m: seen.append(m.weights[0].detach().clone()))
    adam, generator = torch.optim.Adam(hand.parameters(), lr=0.01), torch.Generator().manual_seed(0)
    kept = []
    for _ in range(50):
        for rows in torch.randperm(70, generator=generator).split(64):
            adam.zero_grad()
            sum(F.cross_entropy(hand(X)[k][rows], Y[k][rows]) for k in (0, 1)).backward()
            adam.step()
            kept.append(hand.weights[0].detach().clone())
    assert len(seen) == 2
    for came, expected in zip(seen, (kept[49], kept[99]), strict=True):
        torch.testing.assert_close(came, expected, rtol=1e-9, atol=1e-12)


def test_the_test_part_is_as_large_as_it_is_asked_to_be():
    x, y, x_test, y_test = replicas.splits(iris(), 2, test_fraction=0.5)
    assert [tuple(part.shape) for part in (x, y, x_test, y_test)] == [(2, 75, 4), (2, 75), (2, 75, 4), (2, 75)]


def test_each_network_keeps_its_own_rate():
    """Side by side with two rates, each network ends where it ends alone with its rate."""
    pair = replicas.Replicas(2, (2, 4, 2))
    replicas.fit(pair, F.cross_entropy, X, Y, steps=60, lr=[0.01, 0.03])
    for k, rate in enumerate((0.01, 0.03)):
        alone = replicas.Replicas([k], (2, 4, 2))
        replicas.fit(alone, F.cross_entropy, X[k : k + 1], Y[k : k + 1], steps=60, lr=rate)
        for both, single in zip(pair.parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(both[k], single[0], rtol=1e-8, atol=1e-10)


def test_seeds_can_be_named_and_networks_picked():
    named = replicas.Replicas([3, 1], (2, 4, 2))
    counted = replicas.Replicas(4, (2, 4, 2)).pick([3, 1])
    for a, b in zip(named.parameters(), counted.parameters(), strict=True):
        assert torch.equal(a, b)


def test_three_parts_share_no_sample():
    (x, y), (x_val, y_val), (x_test, y_test) = replicas.three_parts(iris(), [0, 7])
    assert [part.shape[1] for part in (y, y_val, y_test)] == [90, 30, 30]
    rest = iris().split(0.4, seed=7)
    together = torch.empty_like(torch.from_numpy(rest.x_test))
    together[::2], together[1::2] = x_val[1], x_test[1]
    assert torch.equal(together, torch.from_numpy(rest.x_test))
    assert torch.equal(x[1], torch.from_numpy(rest.x_train))
    assert y_val.shape == y_test.shape == (2, 30)


def test_validation_data_choose_and_test_data_report():
    validation = torch.tensor([[[0.6, 0.6], [0.5, 0.9]], [[0.7, 0.7], [0.6, 0.6]]])  # (moments, rates, seeds)
    found = replicas.Sweep(torch.tensor([0.1, 0.2]), validation, torch.arange(8.0).reshape(2, 2, 2))
    rate, accuracies = found.at_the_end()
    assert (round(rate, 6), accuracies.tolist()) == (0.1, [4.0, 5.0])
    rate, accuracies = found.stopped()  # the second rate: 0.6 after the second moment, 0.9 after the first
    assert (round(rate, 6), accuracies.tolist()) == (0.2, [6.0, 3.0])


def test_a_sweep_measures_what_single_runs_measure():
    x, y, x_test, y_test = replicas.splits(iris(), 2)
    sizes, rates = (4, 8, 3), (0.003, 0.03)
    model, found = replicas.sweep(
        F.cross_entropy, (x, y), (x_test, y_test), (x_test, y_test), seeds=2, sizes=sizes, rates=rates, steps=100
    )
    for number, rate in enumerate(rates):
        alone = replicas.Replicas(2, sizes)
        curve = replicas.fit(
            alone, F.cross_entropy, x, y, steps=100, lr=rate, watch=lambda m: replicas.accuracy(m, x_test, y_test)
        )
        torch.testing.assert_close(found.test[:, number], torch.stack(curve))
    torch.testing.assert_close(replicas.accuracy(model, x_test, y_test), found.at_the_end()[1])
