"""Each step of the shrinking, written out for small inputs, and the search as a whole."""

from itertools import permutations

import numpy as np
import pytest
import torch

from xent_helpers.exercises import shrink

P = np.array([[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]])
Y = np.array([0, 1, 1])


def plain(candidates) -> list:
    """Candidates as lists and numbers, without those that repeat the one before."""
    found = [tuple(one.tolist() if hasattr(one, "tolist") else one for one in candidate) for candidate in candidates]
    return [one for number, one in enumerate(found) if number == 0 or one != found[number - 1]]


@pytest.mark.parametrize(
    ("arguments", "cost"),
    [
        ((), (0, 0)),
        ((0.0, 1, 2.0, 0.5), (4, 6)),
        ((0.25,), (1, 7)),
        ((-1.0,), (1, 5)),
        ((3,), (1, 4)),
        ((1 / 3,), (1, 11)),  # 0.333333
        ((np.array([[0.0, 1.0], [2.0, 0.5]]), np.array([1, 0])), (6, 7)),
        ((torch.tensor([[1.0, 0.0]], requires_grad=True),), (2, 1)),
        (("text", None), (2, 0)),
        ((True,), (1, 1)),
    ],
)
def test_the_cost_is_the_number_of_entries_and_how_hard_they_are_to_read(arguments, cost):
    assert shrink.cost(arguments) == cost


def test_samples_are_left_out_one_alone_halves_and_all_but_one():
    rows = lambda keep: (P[keep].tolist(), Y[keep].tolist(), 2)  # noqa: E731
    kept = [[0], [1], [2], [0], [1, 2], [1, 2], [0, 2], [0, 1]]
    found = [
        tuple(one.tolist() if hasattr(one, "tolist") else one for one in c) for c in shrink._fewer_samples((P, Y, 2))
    ]
    assert found == [rows(keep) for keep in kept for _ in range(2)]  # as it is, and with shares made whole


def test_long_inputs_lose_only_their_first_dozen_one_by_one():
    found = plain(shrink._fewer_samples((np.arange(30.0),)))
    kept = [list(map(float, keep)) for keep in [*([i] for i in range(12)), range(15), range(15, 30)]]
    kept += [[float(i) for i in range(30) if i != out] for out in range(12)]
    assert found == [(keep,) for keep in kept]


def test_a_square_matrix_may_keep_its_rows():
    """Its rows may be classes."""
    square, one = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 6.0])
    found = plain(shrink._fewer_samples((square, one)))
    assert found[:4] == [([[1, 2]], [5]), ([[1, 2], [3, 4]], [5]), ([[3, 4]], [6]), ([[1, 2], [3, 4]], [6])]
    assert plain(shrink._fewer_samples((one, 7)))[0] == ([5], 7)


@pytest.mark.parametrize("arguments", [(np.zeros(1),), (np.zeros((0, 2)),), (0.5,), ()])
def test_one_sample_or_none_cannot_be_fewer(arguments):
    assert list(shrink._fewer_samples(arguments)) == []


def test_a_class_is_taken_from_shares_labels_and_number():
    shares = np.array([[0.2, 0.3, 0.5]])
    found = list(shrink._fewer_classes((shares, np.array([2]), 3)))
    wanted = [[0.2, 0.3], [0.4, 0.6], [0.2, 0.5], [2 / 7, 5 / 7], [0.3, 0.5], [0.375, 0.625]]
    assert len(found) == 6 and all(label.tolist() == [1] and c == 2 for _, label, c in found)
    np.testing.assert_allclose([p[0] for p, _, _ in found], wanted, rtol=1e-15)


def test_labels_above_the_class_that_goes_move_down():
    labels = np.array([0, 1, 2, 2])
    found = plain(shrink._fewer_classes((np.zeros((4, 3)), labels)))
    assert [label for _, label in found] == [[0, 1, 1, 1], [0, 0, 1, 1]]
    assert plain(shrink._fewer_classes((np.array([1, 0]), 3))) == [([1, 0], 2), ([0, 0], 2)]
    assert plain(shrink._fewer_classes((np.array([0, 1]), 2, 7))) == [([0, 0], 1, 7)]
    assert shrink._without_class(np.array([0]), 0, 1).tolist() == [0]
    assert shrink._without_class(np.array([0.5, 1.5]), 0, 2).tolist() == [0.5, 1.5]
    assert shrink._without_class(np.zeros((2, 4)), 0, 3).shape == (2, 4)
    assert shrink._without_class(np.zeros((3, 2)), 0, 3).shape == (3, 2)
    assert [shrink._without_class(c, 0, 3) for c in (2, 3, 4)] == [2, 2, 4]
    assert shrink._without_class(3.0, 0, 3) == 3


def test_only_matrices_as_wide_lose_a_class_and_one_class_stays():
    wide, narrow = np.zeros((2, 3)), np.zeros((2, 2))
    shapes = [(a.shape, b.shape) for a, b in shrink._fewer_classes((wide, narrow))]
    assert shapes == [((2, 2), (2, 2))] * 6 + [((2, 3), (2, 1))] * 4
    assert list(shrink._fewer_classes((np.zeros((2, 1)),))) == []
    assert list(shrink._fewer_classes((np.zeros(4),))) == []
    assert [one.shape for (one,) in shrink._fewer_classes((np.zeros((2, 3, 2)),))] == [(2, 3, 1)] * 4


def test_a_feature_leaves_both_factors_of_a_product():
    x, w = np.arange(6.0).reshape(2, 3), np.arange(3.0).reshape(3, 1)
    assert plain(shrink._fewer_features((x, w, 5.0, np.zeros(3)))) == [
        ([[0, 1], [3, 4]], [[0], [1]], 5, [0, 0, 0]),
        ([[0, 2], [3, 5]], [[0], [2]], 5, [0, 0, 0]),
        ([[1, 2], [4, 5]], [[1], [2]], 5, [0, 0, 0]),
    ]
    assert [(a.shape, b.shape) for a, b in shrink._fewer_features((w, x))] == [((2, 1), (2, 2))] * 3
    assert list(shrink._fewer_features((np.zeros((2, 1)), np.zeros((1, 3))))) == []
    assert len(list(shrink._fewer_features((np.zeros((1, 2)), np.zeros((2, 1)))))) == 2
    assert list(shrink._fewer_features((x, np.zeros((2, 3))))) == []
    assert list(shrink._fewer_features((np.zeros((1, 2, 2)), np.zeros((2, 1))))) == []


@pytest.mark.parametrize(
    ("one", "plainer"),
    [
        (0.3, [0, 1, 2, 0.5, -1, 0.25]),
        (3, [0, 1, 2, -1]),
        (True, []),
        ("text", []),
        (None, []),
        (np.array([1, 0]), [[0, 0], [1, 1], [0, 0], [1, 0], [2, 0], [1, 0], [1, 1], [1, 2]]),
        (
            np.array([0.123, 4.0]),
            [
                *([x, x] for x in (0, 1, 2, 0.5, -1, 0.25)),
                *([x, 4] for x in (0, 1, 2, 0.5, -1, 0.25, 0.1, 0.12)),
                *([0.123, x] for x in (0, 1, 2, 0.5, -1, 0.25, 4, 4)),
            ],
        ),
    ],
)
def test_plainer_numbers(one, plainer):
    found = [other.tolist() if isinstance(other, np.ndarray) else other for other in shrink._plainer(one)]
    assert found == plainer and all(type(other) is type(one) for other in shrink._plainer(one))


def test_arguments_become_plainer_one_after_the_other():
    assert plain(shrink._plainer_numbers((1, "a", 0.0))) == [
        *((x, "a", 0) for x in (0, 1, 2, -1)),
        *((1, "a", x) for x in (0, 1, 2, 0.5, -1, 0.25)),
    ]


def test_large_arrays_become_plainer_only_as_a_whole():
    assert len(list(shrink._plainer(np.full(25, 0.3)))) == 6
    assert len(list(shrink._plainer(np.full(24, 0.3)))) == 6 + 24 * 8
    assert len(list(shrink._plainer(np.full(25, 3)))) == 2


def test_shares_become_plain_shares():
    two = [[0.5, 0.5], [1, 0], [0, 1], *(pair for a, b in ((0.9, 0.1), (0.99, 0.01), (0.8, 0.2), (0.75, 0.25))
           for pair in ([a, b], [b, a]))]  # fmt: skip
    assert [one.tolist() for one in shrink._plainer_shares(np.array([0.3, 0.7]))] == two
    rows = [one.tolist() for one in shrink._plainer_shares(np.array([[0.3, 0.7], [0.2, 0.8]]))]
    assert rows[:11] == [[row, row] for row in two]
    assert rows[11:22] == [[row, [0.2, 0.8]] for row in two] and rows[22:] == [[[0.3, 0.7], row] for row in two]
    three = [one.tolist() for one in shrink._plainer_shares(np.array([0.1, 0.2, 0.7]))]
    assert three[:7] == [
        [0.5, 0.5, 0],
        [0.5, 0, 0.5],
        [0, 0.5, 0.5],
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0.5, 0.25, 0.25],
    ]
    assert sorted(three[9:]) == sorted(map(list, permutations([0.7, 0.2, 0.1]))) and len(three) == 15
    four = [one.tolist() for one in shrink._plainer_shares(np.array([0.1, 0.2, 0.3, 0.4]))]
    assert four == [[1, 0, 0, 0], [0.25] * 4]
    assert len(list(shrink._plainer_shares(np.full((8, 2), 0.5)))) == 11 * 9
    assert len(list(shrink._plainer_shares(np.full((9, 2), 0.5)))) == 11
    single = list(shrink._plainer_shares(np.array([0.5, 0.5], np.float32)))
    assert {one.dtype for one in single} == {np.dtype("float32")}


def test_only_what_adds_up_to_1_becomes_shares():
    assert [0.99, 0.01] in [one.tolist() for one in shrink._plainer(np.array([0.3, 0.7]))]
    assert [0.99, 0.01] not in [one.tolist() for one in shrink._plainer(np.array([0.3, 0.6]))]
    assert [[0.99, 0.01]] * 2 in [one.tolist() for one in shrink._plainer(np.array([[0.3, 0.7], [0.2, 0.8]]))]
    assert len(list(shrink._plainer(np.array([[0, 1]])))) == 2 + 2 * 3  # labels are no shares


def test_what_added_up_to_1_does_so_again():
    before = (np.array([[0.5, 0.25, 0.25]]), np.array([[1.0, 2.0]]), 3, np.array([1]))
    after = (np.array([[0.5, 0.25]]), np.array([[1.0]]), 2, np.array([1]))
    as_it_is, whole = shrink._with_whole_shares(before, after)
    assert as_it_is is after
    assert [np.asarray(one).tolist() for one in whole] == [[[2 / 3, 1 / 3]], [[1]], 2, [1]]
    rows = np.array([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]])
    assert list(shrink._with_whole_shares((rows,), (rows[:, :2],)))[1][0].tolist() == [[2 / 3, 1 / 3], [0.5, 0.5]]
    one_gone = (np.array([[0.0, 0.0], [0.5, 0.5]]),)
    assert list(shrink._with_whole_shares((rows,), one_gone))[1][0] is one_gone[0]
    gone = (np.array([[0.0, 0.0]]),)
    assert list(shrink._with_whole_shares((np.array([[0.0, 0.0, 1.0]]),), gone))[1][0] is gone[0]
    with pytest.raises(ValueError, match="shorter"):
        list(shrink._with_whole_shares(before, after[:1]))


def test_candidates_come_from_the_boldest_steps_to_the_smallest():
    x = np.array([[3.0, 4.0], [5.0, 6.0]])
    found = plain(shrink.candidates((x,)))
    assert found[0] == ([[3, 4]],) and ([[3], [5]],) in found and found[-1] == ([[3, 4], [5, 6]],)
    assert found.index(([[3], [5]],)) > found.index(([[5, 6]],)) and found.index(([[0, 0], [0, 0]],)) > found.index(
        ([[3], [5]],)
    )


def test_tensors_stay_tensors():
    found = list(shrink.candidates((torch.tensor([[0.5, 0.5], [0.25, 0.75]]), 2)))
    assert found and all(isinstance(p, torch.Tensor) and p.dtype == torch.float32 for p, _ in found)
    assert all(type(c) is int for _, c in found)
    assert all(isinstance(p, np.ndarray) for (p,) in shrink.candidates((np.zeros(2),)))


# ---- the search ----


def test_without_a_domain_the_smallest_of_those_given_comes_back():
    failing = [(np.zeros(3),), (np.ones(2),), (np.zeros(2),)]
    assert shrink.smallest(failing, lambda one: True, None) is failing[2]


def test_the_search_ends_at_an_input_that_no_step_makes_simpler():
    calls = []

    def fails(one):
        calls.append(one)
        return one[0].sum() >= 2

    found = shrink.smallest([(np.array([3.7, 1.2, 0.3]),)], fails, lambda p: p.ndim == 1)
    assert found[0].tolist() == [2]
    marks = [one[0].tolist() for one in calls]
    assert len(marks) == len({str(mark) for mark in marks})  # nothing is tried twice


def test_what_is_outside_the_domain_is_never_tried():
    def domain(p):
        return p[1] > 0  # raises where only one entry is left

    tried = []
    found = shrink.smallest([(np.array([3.0, 3.0, 3.0]),)], lambda one: tried.append(one[0]) or True, domain)
    assert found[0].tolist() == [0, 1] and all(len(p) > 1 and p[1] > 0 for p in tried)


def test_the_best_so_far_can_be_read_when_the_search_is_stopped():
    best, calls = ["old"], []

    def fails(one):
        calls.append(one)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return True

    with pytest.raises(KeyboardInterrupt):
        shrink.smallest([(np.full(9, 3.0),)], fails, lambda p: True, best)
    assert len(best) == 1 and best[0] is calls[0]


def test_the_number_of_tries_is_bounded():
    tried = []

    def fails(one):
        tried.append(one)
        return False

    start = np.arange(3.0, 27).reshape(12, 2) + 1 / 3
    found = shrink.smallest([(start, start + 100, start + 200, start + 300)], fails, lambda *p: True)
    assert len(tried) == shrink.TRIES == 600 and found[0] is start


def test_only_what_is_simpler_is_tried():
    tried = []
    shrink.smallest([(np.array([0.0, 0.5]),)], lambda one: bool(tried.append(one[0].tolist())), lambda p: True)
    assert all(shrink.cost((np.array(p),)) < (2, 3) for p in tried) and [0.0, 0.0] in tried


def test_inputs_with_infinities_and_nan_shrink_without_a_warning(recwarn):
    found = shrink.smallest(
        [(np.array([np.inf, np.nan, -np.inf]),)], lambda one: np.isnan(one[0].sum()), lambda p: True
    )
    assert len(found[0]) == 1 and np.isnan(found[0]).all() and not recwarn.list
