"""The losses for soft, taught and wrongly recorded targets, against PyTorch, SciPy and brute force."""

import math

import array_api_strict
import numpy as np
import pytest
import torch
from scipy import special
from torch.nn import functional as F

from tests.refusals import refused
from xent_helpers import losses, replicas, targets
from xent_helpers.data import iris

STRICT = array_api_strict.asarray
BACKENDS = pytest.mark.parametrize("array", [np.asarray, torch.tensor, STRICT], ids=["numpy", "torch", "strict"])


def sample(n=7, c=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, c)), rng.integers(0, c, n), rng.normal(size=(n, c)), rng.dirichlet(np.ones(c), c)


def plain(array):
    return np.asarray(getattr(array, "_array", array))  # strict arrays keep NumPy ones inside


class TestSmoothed:
    @BACKENDS
    @pytest.mark.parametrize("epsilon", [0, 0.1, 1])
    def test_rows_give_the_loss_of_label_smoothing(self, array, epsilon):
        z, y, *_ = sample()
        rows = targets.smoothed(array(np.eye(4)[y]), epsilon)
        expected = F.cross_entropy(torch.tensor(z), torch.tensor(y), label_smoothing=epsilon)
        assert float(losses.cross_entropy(array(z), rows)) == pytest.approx(expected.item(), rel=1e-14)

    def test_one_row_alone(self):
        np.testing.assert_allclose(targets.smoothed(np.array([0.0, 1.0]), 0.2), [0.1, 0.9], rtol=1e-15)

    def test_refuses(self):
        with refused(TypeError, "q int64"):
            targets.smoothed(np.eye(2, dtype=int), 0.1)
        with refused(ValueError, "epsilon"):
            targets.smoothed(np.eye(2), 1.1)
        with pytest.raises(TypeError):
            targets.smoothed([1.0, 0.0], 0.1)


class TestDistillationLoss:
    @BACKENDS
    @pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
    def test_is_the_divergence_plus_the_entropy_times_the_square(self, array, reduction):
        z, _, v, _ = sample()
        q, log_p = special.softmax(v / 3, axis=1), special.log_softmax(z / 3, axis=1)
        each = 9 * -(q * log_p).sum(axis=1)
        expected = {"none": each, "mean": each.mean(), "sum": each.sum()}[reduction]
        came = targets.distillation_loss(array(z), array(v), 3.0, reduction=reduction)
        np.testing.assert_allclose(plain(came), expected, rtol=1e-13)

    def test_is_what_section_8_14_trains_with(self):
        z, _, v, _ = (torch.tensor(part) for part in sample())
        short = 9 * F.cross_entropy(z / 3, losses.softmax(v / 3))
        assert torch.isclose(targets.distillation_loss(z, v, 3), short, rtol=1e-14)

    def test_a_perfect_copy_has_no_gradient(self):
        v = torch.tensor(sample()[2])
        z = v.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(targets.distillation_loss(z, v, 2.0), z)
        assert gradient.abs().max() < 1e-15

    def test_temperature_1_is_the_usual_one(self):
        z, _, v, _ = sample()
        assert targets.distillation_loss(z, v) == targets.distillation_loss(z, v, 1.0)

    def test_one_sample_alone(self):
        z, _, v, _ = sample(n=1)
        assert targets.distillation_loss(z[0], v[0], 2.0) == pytest.approx(targets.distillation_loss(z, v, 2.0), abs=0)

    def test_refuses(self):
        z = np.zeros((2, 3))
        with refused(TypeError, "student int64"):
            targets.distillation_loss(z.astype(int), z)
        with refused(TypeError, "teacher int64"):
            targets.distillation_loss(z, z.astype(int))
        with refused(ValueError, "student"):
            targets.distillation_loss(z, np.zeros((3, 2)))
        for temperature in (0, -1.0, float("nan")):
            with refused(ValueError, "temperature"):
                targets.distillation_loss(z, z, temperature)
        with refused(TypeError, "temperature 'hot'"):
            targets.distillation_loss(z, z, "hot")
        with refused(TypeError, "temperature True"):
            targets.distillation_loss(z, z, True)


class TestForwardLoss:
    @BACKENDS
    @pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
    def test_is_the_surprise_at_the_record(self, array, reduction):
        z, recorded, _, M = sample()
        each = -np.log((special.softmax(z, axis=1) @ M)[np.arange(len(z)), recorded])
        expected = {"none": each, "mean": each.mean(), "sum": each.sum()}[reduction]
        came = targets.forward_loss(array(z), array(recorded), array(M), reduction=reduction)
        np.testing.assert_allclose(plain(came), expected, rtol=1e-13)

    def test_with_a_clerk_who_never_errs_it_is_the_cross_entropy(self):
        z, y, *_ = (torch.tensor(part) for part in sample())
        z.requires_grad_()
        ours, theirs = targets.forward_loss(z, y, torch.eye(4, dtype=torch.float64)), F.cross_entropy(z, y)
        assert torch.isclose(ours, theirs, rtol=1e-14)
        assert torch.allclose(*(torch.autograd.grad(loss, z)[0] for loss in (ours, theirs)), atol=1e-15)

    def test_survives_large_logits_and_impossible_confusions(self):
        M = np.array([[2 / 3, 0, 1 / 3], [0, 1, 0], [0, 0, 1]])
        z = np.array([[1000.0, 0.0, 0.0]])
        assert targets.forward_loss(z, np.array([1]), M) == pytest.approx(1000.0)
        assert targets.forward_loss(z, np.array([2]), M) == pytest.approx(np.log(3))
        blind = np.array([[1.0, 0.0], [1.0, 0.0]])
        assert targets.forward_loss(np.zeros((1, 2)), np.array([1]), blind) == np.inf

    def test_gradient(self):
        z, recorded, _, M = (torch.tensor(part) for part in sample())
        assert torch.autograd.gradcheck(lambda z: targets.forward_loss(z, recorded, M), z.requires_grad_())

    @pytest.mark.parametrize(
        ("changed", "error", "facts"),
        [
            ({"logits": np.zeros(3)}, ValueError, "logits (3,)"),
            ({"recorded": np.zeros(2)}, TypeError, "recorded float64"),
            ({"recorded": np.zeros((2, 1), int)}, ValueError, "recorded (2,_1)"),
            ({"recorded": np.array([0, 3])}, IndexError, "recorded"),
            ({"transition": np.eye(2)}, ValueError, "transition (2,_2)"),
            ({"transition": np.eye(3, dtype=int)}, TypeError, "transition int64"),
            ({"transition": 2 * np.eye(3) - 1 / 3}, ValueError, "transition 1.66 [0,_0]"),
            ({"transition": np.array([[0.5, 0, 0.5], [0, 1, 0], [0, 0.5, 0]])}, ValueError, "transition 0.5"),
            ({"transition": np.array([[1.0, 0, 0], [0, 1, 0], [0.5, 0, 1]])}, ValueError, "transition 1.5"),
            ({"reduction": "average"}, ValueError, "reduction"),
        ],
    )
    def test_refuses(self, changed, error, facts):
        given = {"logits": np.zeros((2, 3)), "recorded": np.array([0, 1]), "transition": np.eye(3)} | changed
        with refused(error, facts):
            targets.forward_loss(**given)


class TestFunctionsOfTheSurprise:
    @BACKENDS
    @pytest.mark.parametrize("k", [0.3, 0.7, 1.0])
    def test_generalised_cross_entropy(self, array, k):
        z, y, *_ = sample()
        p = special.softmax(z, axis=1)[np.arange(len(y)), y]
        came = targets.generalised_cross_entropy(array(z), array(y), k, reduction="none")
        np.testing.assert_allclose(plain(came), (1 - p**k) / k, rtol=1e-13)

    def test_generalised_cross_entropy_tends_to_the_cross_entropy(self):
        z, y, *_ = sample()
        assert targets.generalised_cross_entropy(z, y, 1e-9) == pytest.approx(losses.cross_entropy(z, y), rel=1e-8)

    @BACKENDS
    @pytest.mark.parametrize("gamma", [0, 1, 2.5])
    def test_focal_loss(self, array, gamma):
        z, y, *_ = sample()
        p = special.softmax(z, axis=1)[np.arange(len(y)), y]
        came = targets.focal_loss(array(z), array(y), gamma, reduction="sum")
        assert float(came) == pytest.approx((-((1 - p) ** gamma) * np.log(p)).sum(), rel=1e-13)

    def test_their_usual_parameters(self):
        z, y, *_ = sample()
        assert targets.focal_loss(z, y) == targets.focal_loss(z, y, 2.0)
        assert targets.generalised_cross_entropy(z, y) == targets.generalised_cross_entropy(z, y, 0.7)

    @pytest.mark.parametrize("loss", [targets.focal_loss, targets.generalised_cross_entropy])
    def test_of_no_samples_the_sum_is_0_and_the_mean_is_not_a_number(self, loss):
        z, y = np.zeros((0, 3)), np.zeros(0, int)
        assert loss(z, y, reduction="sum") == 0 and np.isnan(loss(z, y))

    def test_sure_samples_keep_a_finite_gradient(self):
        z = torch.tensor([[900.0, 0.0], [0.0, 900.0]], dtype=torch.float64, requires_grad=True)
        y = torch.tensor([0, 0])
        for loss in (targets.generalised_cross_entropy(z, y), targets.focal_loss(z, y), targets.focal_loss(z, y, 1.0)):
            (gradient,) = torch.autograd.grad(loss, z)
            assert torch.isfinite(gradient).all()

    def test_refuse(self):
        z, y, *_ = sample()
        for k, error in ((0, ValueError), (1.5, ValueError), ("0.7", TypeError)):
            with refused(error, "k"):
                targets.generalised_cross_entropy(z, y, k)
        for gamma, error in {
            -1: ValueError,
            0.5: ValueError,
            math.inf: ValueError,
            "2": TypeError,
            True: TypeError,
        }.items():
            with refused(error, "gamma"):
                targets.focal_loss(z, y, gamma)
        with refused(ValueError, "reduction"):
            targets.focal_loss(z, y, reduction="average")


class TestClerks:
    def test_the_flipping_clerk_keeps_a_label_or_writes_any_other(self):
        np.testing.assert_allclose(targets.smoothed(np.eye(10), 0.4), targets.flip_matrix(10, 0.36), atol=1e-15)
        np.testing.assert_allclose(targets.flip_matrix(10, 0.4).sum(axis=1), 1, rtol=1e-15)
        assert targets.flip_matrix(10, 0.4)[3, 3] == pytest.approx(0.6)

    def test_the_pair_clerk_writes_the_next_class(self):
        rng = np.random.default_rng(0)
        labels = np.repeat([0, 9], 20_000)
        recorded = targets.noisy_labels(labels, targets.pair_matrix(10, 0.4), rng)
        assert set(recorded[labels == 0]) == {0, 1} and set(recorded[labels == 9]) == {9, 0}
        assert np.mean(recorded != labels) == pytest.approx(0.4, abs=0.01)
        with refused(ValueError, "rate"):
            targets.pair_matrix(3, 1.5)
        with refused(ValueError, "num_classes"):
            targets.pair_matrix(1, 0.5)

    def test_their_entropies_are_the_floors_of_chapter_1(self):
        floors = [special.entr(M[0]).sum() for M in (targets.smoothed(np.eye(10), 0.4), targets.flip_matrix(10, 0.4))]
        np.testing.assert_allclose(floors, [1.4444, 1.5519], atol=5e-5)

    def test_records_have_the_matrix_for_frequencies(self):
        M = np.array([[0.7, 0.0, 0.3], [0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])
        labels = np.repeat([0, 1, 2], 20_000)
        recorded = targets.noisy_labels(labels, M, np.random.default_rng(0))
        shares = [np.bincount(recorded[labels == c], minlength=3) / 20_000 for c in range(3)]
        np.testing.assert_allclose(shares, M, atol=0.02)
        assert recorded.dtype == np.int64
        assert not np.any((np.array(shares) > 0) & (M == 0))

    def test_a_row_that_is_rounded_below_1_stays_inside(self):
        class Highest(np.random.Generator):
            def random(self, shape):
                return np.full(shape, np.nextafter(1.0, 0.0))

        M = np.full((10, 10), 0.1)
        assert M.cumsum(axis=1)[0, -1] < 1.0
        assert targets.noisy_labels(np.array([0]), M, Highest(np.random.PCG64())).tolist() == [9]

    def test_refuse(self):
        rng = np.random.default_rng(0)
        with refused(TypeError, "labels"):
            targets.noisy_labels(np.array([0.0]), np.eye(2), rng)
        with refused(IndexError, "labels"):
            targets.noisy_labels(np.array([2]), np.eye(2), rng)
        with refused(ValueError, "transition 0.4"):
            targets.noisy_labels(np.array([1]), 0.4 * np.eye(2), rng)
        with refused(TypeError, "num_classes"):
            targets.flip_matrix(2.5, 0.1)
        with refused(ValueError, "rate"):
            targets.flip_matrix(3, 1.5)


class TestReplicas:
    def test_each_network_follows_its_own_loss_alone(self):
        """Two networks side by side end where each of them ends by itself: nothing connects them."""
        x, y = torch.tensor(np.random.default_rng(0).normal(size=(2, 20, 3))), torch.arange(40).reshape(2, 20) % 3
        pair = replicas.Replicas(2, (3, 5, 3))
        start = {name: value.clone() for name, value in pair.state_dict().items()}
        assert replicas.fit(pair, F.cross_entropy, x, y, steps=10, batch_size=8) == []
        for k in (0, 1):
            single = replicas.Replicas(1, (3, 5, 3))
            single.load_state_dict({name: value[k : k + 1] for name, value in start.items()})
            replicas.fit(single, F.cross_entropy, x[k : k + 1], y[k : k + 1], steps=10, batch_size=8)
            for name, value in single.state_dict().items():
                torch.testing.assert_close(value[0], pair.state_dict()[name][k], rtol=1e-10, atol=1e-12)

    def test_seeds_differ_and_repeat(self):
        first, again = (replicas.Replicas(3, (4, 6, 2)) for _ in range(2))
        for a, b in zip(first.parameters(), again.parameters(), strict=True):
            assert torch.equal(a, b)
            assert not torch.equal(a[0], a[1])
        assert first.weights[0].abs().max() <= 0.5
        assert first.weights[0].shape == (3, 4, 6)
        assert first.biases[1].shape == (3, 1, 2)

    def test_logits_are_those_of_one_network_at_a_time(self):
        model, x = replicas.Replicas(2, (3, 4, 2)), torch.rand(2, 5, 3, dtype=torch.float64)
        (w1, w2), (b1, b2) = model.weights, model.biases
        for k in (0, 1):
            expected = F.linear(torch.relu(F.linear(x[k], w1[k].T, b1[k, 0])), w2[k].T, b2[k, 0])
            torch.testing.assert_close(model(x)[k], expected)

    def test_it_watches_when_it_is_told_to(self):
        x, y = torch.rand(1, 6, 2, dtype=torch.float64), torch.zeros(1, 6, dtype=torch.int64)
        model, seen = replicas.Replicas(1, (2, 3, 2)), []
        came = replicas.fit(model, F.cross_entropy, x, y, steps=7, watch=lambda m: seen.append(m) or len(seen), every=3)
        assert came == [1, 2]
        assert all(m is model for m in seen)

    def test_soft_rows_are_targets_too(self):
        x, y, x_test, y_test = replicas.splits(iris(), 2)
        model = replicas.Replicas(2, (4, 8, 3))
        replicas.fit(model, F.cross_entropy, x, targets.smoothed(F.one_hot(y, 3).double(), 0.1), steps=200)
        assert replicas.accuracy(model, x_test, y_test).min() > 0.85

    def test_splits_have_seeds_of_their_own(self):
        x, y, x_test, _ = replicas.splits(iris(), 3)
        expected = iris().split(seed=2)
        np.testing.assert_array_equal(x[2], expected.x_train)
        np.testing.assert_array_equal(x_test[2], expected.x_test)
        assert not torch.equal(y[0], y[1])
