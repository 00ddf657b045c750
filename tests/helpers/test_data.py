"""The data sets: what they hold, and that the test part stays out of the training."""

from hashlib import sha256

import numpy as np
import pytest
import torch

from xent_helpers import data, devices

SETS = {
    "iris": (data.iris, 150, 4, 3),
    "cancer": (data.breast_cancer, 569, 30, 2),
    "digits": (data.digits, 1797, 64, 10),
}


@pytest.mark.parametrize(("load", "samples", "features", "classes"), SETS.values(), ids=SETS)
def test_each_set_has_what_its_description_says(load, samples, features, classes):
    full = load()
    assert full.x.shape == (samples, features)
    assert full.x.dtype == np.float64
    assert full.y.dtype == np.int64
    assert sorted(set(full.y.tolist())) == list(range(classes)) == list(range(len(full.classes)))
    assert len(full.features) == features
    assert all(isinstance(name, str) for name in full.classes + full.features)


@pytest.mark.parametrize(("load", "samples", "features", "classes"), SETS.values(), ids=SETS)
def test_a_split_keeps_every_sample_once_and_each_class_in_proportion(load, samples, features, classes):
    full = load()
    split = full.split()
    assert sorted([*split.train_index, *split.test_index]) == list(range(samples))
    np.testing.assert_array_equal(full.y[split.train_index], split.y_train)
    np.testing.assert_array_equal(full.y[split.test_index], split.y_test)
    shares = [np.bincount(y, minlength=classes) / len(y) for y in (split.y_train, split.y_test)]
    np.testing.assert_allclose(*shares, atol=0.03)


def test_features_are_standardised_by_the_training_part_alone():
    full = data.breast_cancer()
    split = full.split(test_fraction=0.5, seed=3)
    raw = full.x[split.train_index]
    np.testing.assert_allclose(split.x_train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(split.x_train.std(axis=0), 1, rtol=1e-12)
    expected = (full.x[split.test_index] - raw.mean(axis=0)) / raw.std(axis=0)
    np.testing.assert_allclose(split.x_test, expected, rtol=1e-9, atol=1e-12)
    assert abs(len(split.y_test) - len(split.y_train)) <= 1


@pytest.mark.parametrize(("load", "samples", "features", "classes"), SETS.values(), ids=SETS)
def test_three_parts_keep_every_sample_once_standardised_by_the_training_part(load, samples, features, classes):
    full = load()
    parts = full.three_parts(seed=2)
    assert sorted(np.concatenate([part.index for part in parts])) == list(range(samples))
    assert abs(len(parts.validation.y) - 0.2 * samples) <= 1 and abs(len(parts.test.y) - 0.2 * samples) <= 1
    known = full.x[parts.train.index]
    spread = np.where(known.std(axis=0) > 0, known.std(axis=0), 1.0)
    for part in parts:
        np.testing.assert_array_equal(full.y[part.index], part.y)
        np.testing.assert_allclose(part.x, (full.x[part.index] - known.mean(axis=0)) / spread, rtol=1e-8, atol=1e-11)


def test_three_parts_depend_on_the_seed():
    first, again, other = (data.iris().three_parts(seed).test.index for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(data.iris().three_parts().test.index, first)


@pytest.mark.parametrize("device", devices.available(), ids=str)
@pytest.mark.parametrize("column", [False, True])
def test_tensors_hold_a_part(device, column):
    part = data.breast_cancer().three_parts().validation
    dtype = devices.widest_float(device)
    x, y = part.tensors(device, dtype, column=column)
    assert x.device.type == y.device.type == device.type
    assert x.dtype == dtype and y.dtype == (dtype if column else torch.int64)
    assert y.shape == ((114, 1) if column else (114,))
    np.testing.assert_allclose(x.cpu(), part.x, rtol=1e-6)
    np.testing.assert_array_equal(y.cpu().ravel(), part.y)


def test_the_seed_chooses_the_split():
    a, b, c = (data.iris().split(seed=seed).test_index for seed in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize("device", devices.available(), ids=str)
@pytest.mark.parametrize("column", [False, True])
def test_tensors_hold_the_split(device, column):
    split = data.breast_cancer().split()
    dtype = devices.widest_float(device)
    (x, y), (x_test, y_test) = split.tensors(device, dtype, column=column)
    assert {t.device.type for t in (x, y, x_test, y_test)} == {device.type}
    assert x.dtype == x_test.dtype == dtype
    assert y.dtype == (dtype if column else torch.int64)
    assert y_test.shape == ((143, 1) if column else (143,))
    np.testing.assert_allclose(x.cpu(), split.x_train, rtol=1e-6)
    np.testing.assert_array_equal(y.cpu().ravel(), split.y_train)
    np.testing.assert_allclose(x_test.cpu(), split.x_test, rtol=1e-6)
    np.testing.assert_array_equal(y_test.cpu().ravel(), split.y_test)


def test_tensors_without_options_are_for_one_output_a_class_on_the_cpu():
    for x, y in data.iris().split().tensors():
        assert (x.device.type, x.dtype, y.dtype, y.ndim) == ("cpu", torch.float64, torch.int64, 1)


def test_tensors_go_where_they_are_sent_and_in_the_type_that_is_asked_for():
    for x, y in data.iris().split().tensors("meta", torch.float32):
        assert (x.device.type, x.dtype, y.device.type) == ("meta", torch.float32, "meta")


def test_what_a_set_holds_is_named_and_double():
    full = data.iris()
    assert full.x.dtype == np.float64
    assert full.classes == ("setosa", "versicolor", "virginica")
    np.testing.assert_array_equal(full.split().test_index, full.split(seed=0).test_index)


def test_the_text_is_the_five_descriptions_of_scikit_learn_1_9():
    """Byte for byte, whichever version is installed and however git wrote the file."""
    assert sha256(data.text()).hexdigest() == "3197060a22ed9b08f47cec2d0c656f7a31e349d5d91bee901d8b1301116ff63d"


def test_the_diagnoses_agree_as_fleiss_reports():
    """Fleiss (1971) gives the totals of the five classes and a kappa of 0.430."""
    counts, names = data.diagnoses()
    assert counts.sum(axis=0).tolist() == [26, 26, 30, 55, 43] and len(names) == 5
    agreement = ((counts**2).sum(axis=1) - 6) / 30
    by_chance = ((counts.sum(axis=0) / 180) ** 2).sum()
    assert (agreement.mean() - by_chance) / (1 - by_chance) == pytest.approx(0.430, abs=5e-4)
