"""Every slip on small inputs whose slipped results are worked out by hand."""

import numpy as np
import pytest

from xent_helpers.exercises import slips
from xent_helpers.exercises.slips import Slip

P = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])  # 2 samples, 3 classes
Y = np.array([2, 0])
MATRIX = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@pytest.mark.parametrize(
    ("arguments", "samples", "classes"),
    [
        ((P, Y), 2, 3),
        ((0.5, Y), 2, None),
        ((Y, P), 2, 3),
        ((np.zeros((4, 5, 6)),), 4, 6),
        ((Y, 7), 2, 7),
        ((Y, np.int64(7), 8), 2, 7),
        ((P, 7), 2, 3),
        ((np.zeros((2, 0)), 7), 2, 7),
        ((0.5,), None, None),
        ((), None, None),
    ],
)
def test_the_numbers_of_samples_and_classes(arguments, samples, classes):
    assert (slips.samples(arguments), slips.classes(arguments)) == (samples, classes)


@pytest.mark.parametrize(
    ("slip", "output", "wanted"),
    [
        (slips.NEGATIVE, 6.0, -6),
        (slips.IN_BITS, np.log(8), 3),
        (slips.BASE_TEN, np.log(1000), 3),
        (slips.SUMMED, 6.0, 12),
        (slips.OVER_SAMPLES, 6.0, 3),
        (slips.ONE_FEWER, 6.0, 12),
        (slips.OVER_CLASSES, 6.0, 2),
        (slips.TIMES_CLASSES, 6.0, 18),
        (slips.HALVED, 6.0, 3),
        (slips.DOUBLED, 6.0, 12),
        (slips.AVERAGED, np.array([1.0, 3.0]), 2),
        (slips.ADDED_UP, np.array([1.0, 3.0]), 4),
        (slips.TRANSPOSED, MATRIX, MATRIX.T),
        (slips.WRONG_AXIS, MATRIX, MATRIX.T),
        (slips.WRONG_AXIS, np.array([1.0, 3.0]), [1, 3]),
        (slips.WRONG_AXIS, 6.0, 6),
    ],
)
def test_slips_of_the_output(slip, output, wanted):
    np.testing.assert_allclose(slip.after(np.asarray(output), (P, Y)), wanted, rtol=1e-15)


def test_a_small_number_is_added():
    assert [float(slip.after(np.array(1.0), ())) for slip in slips.EPSILONS] == [1 + 1e-6, 1 + 1e-7, 1 + 1e-8]
    assert {slip.name for slip in slips.EPSILONS} == {"epsilon added"}


@pytest.mark.parametrize(
    ("slip", "output", "arguments"),
    [
        (slips.SUMMED, 6.0, (0.5,)),
        (slips.OVER_SAMPLES, 6.0, (0.5,)),
        (slips.OVER_SAMPLES, 6.0, (np.zeros(0),)),
        (slips.ONE_FEWER, 6.0, (np.zeros(0),)),
        (slips.ONE_FEWER, 6.0, (0.5,)),
        (slips.OVER_CLASSES, 6.0, (Y,)),
        (slips.TIMES_CLASSES, 6.0, (Y,)),
        (slips.AVERAGED, 6.0, (P,)),
        (slips.ADDED_UP, 6.0, (P,)),
        (slips.TRANSPOSED, np.array([1.0, 2.0]), (P,)),
    ],
)
def test_a_slip_that_makes_no_sense_gives_nothing(slip, output, arguments):
    assert slip.after(np.asarray(output), arguments) is None


def test_how_slips_are_made():
    """Also where none is made of it at import."""
    assert slips._times(slips.samples)(6.0, (P,)) == 12 and slips._times(slips.samples)(6.0, (0.5,)) is None
    assert slips._over(slips.classes)(6.0, (P,)) == 2 and slips._over(slips.samples)(6.0, (np.zeros(0),)) is None
    assert slips._reduced(np.sum)(np.array([1.0, 3.0]), ()) == 4 and slips._reduced(np.sum)(6.0, ()) is None


def test_the_mean_over_one_fewer_of_one_sample_is_infinite():
    assert slips.ONE_FEWER.after(np.array(6.0), (np.zeros(1),)) == np.inf
    assert slips.ONE_FEWER.after(np.array(6.0), (np.zeros(4),)) == 8


@pytest.mark.parametrize(
    ("slip", "labels"),
    [(slips.LABELS_TOO_LOW, [1, 2]), (slips.LABELS_TOO_HIGH, [0, 1]), (slips.LABELS_BEYOND, [3, 1])],
)
def test_slips_of_the_labels(slip, labels):
    p, y = slip.before((P, Y))
    assert p is P and y.tolist() == labels and Y.tolist() == [2, 0]
    assert slip.before((Y, 3))[0].tolist() == labels and slip.before((Y, 3))[1] == 3
    for without_labels in ((P, np.array([0.5, 1.0])), (P, np.array([[1, 2]])), (P, 2), (Y,)):
        assert slip.before(without_labels) is None


def test_labels_without_a_sign_are_labels():
    assert slips.LABELS_TOO_HIGH.before((P, Y.astype(np.uint8)))[1].tolist() == [0, 1]


def test_the_wrong_axis_turns_the_matrices():
    turned, scale = slips.WRONG_AXIS.before((P, 0.5))
    assert np.array_equal(turned, P.T) and scale == 0.5
    for unturned in ((P, Y), (0.5,), (np.zeros((2, 2, 2)),)):
        assert slips.WRONG_AXIS.before(unturned) is None
    both = slips.WRONG_AXIS.before((P, np.zeros((1, 2, 3))))
    assert both[0].shape == (3, 2) and both[1].shape == (1, 2, 3)


def test_the_usual_slips_suit_what_is_returned():
    assert slips.usual(0, by_value=True) == slips.usual(2, by_value=True) == slips.OF_A_VALUE
    assert [slips.usual(n, by_value=False) for n in range(4)] == [
        slips.OF_A_NUMBER,
        slips.OF_A_VECTOR,
        slips.OF_A_MATRIX,
        slips.OF_A_MATRIX,
    ]


def test_each_slip_has_a_name_and_asks_a_question():
    every = {slip for kind in (slips.OF_A_NUMBER, slips.OF_A_VECTOR, slips.OF_A_MATRIX) for slip in kind}
    assert len({slip.name for slip in every}) == len(every) - 2  # three epsilons have one name
    assert all(slip.clause.endswith("?") and (slip.after or slip.before) for slip in every)
    assert Slip("name", "clause").after is None and Slip("name", "clause").before is None
