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
