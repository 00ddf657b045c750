"""The calls of the agreement table: each situation's scores, each option's target and arguments, written out anew."""

from decimal import Decimal

import numpy as np
import pytest
import torch

from xent_helpers import cases, exact

ROWS = np.array([[0.5, 1, 0.125], [0.25, -0.5, 1], [0.75, 0.375, -0.25], [1, -0.25, 0.5]])
OWN = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0], [1, 0, 0]])  # labels 1, 2, 0, 0
LABELS = [1, 2, 0, 0]
WEIGHT = [0.5, 1, 2]
HUGE = 8192.0 * np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0], [1, 0, 0]])  # a half is rounded to the even neighbour
SURE = {torch.float64: 40, torch.float32: 20, torch.bfloat16: 20, torch.float16: 12}
NEAR_0 = {torch.float64: 30, torch.float32: 30, torch.bfloat16: 30, torch.float16: 10}
DTYPES = pytest.mark.parametrize("dtype", SURE, ids=str)


def in_type(values: np.ndarray, dtype: torch.dtype) -> list:
    """The numbers as the type holds them, so that they can be compared with ==."""
    return torch.tensor(np.asarray(values, float)).to(dtype).tolist()


def found(loss: str, dtype: torch.dtype) -> dict[str, dict[str, cases.Case]]:
    """The cases by situation and option; every tensor of scores has the type that was asked for."""
    by_name: dict[str, dict[str, cases.Case]] = {}
    for case in cases.cases(loss, dtype):
        assert case.loss == loss and case.scores.dtype == dtype
        assert case.option not in by_name.setdefault(case.situation, {})
        by_name[case.situation][case.option] = case
    return by_name


def scores_are(got: dict[str, dict[str, cases.Case]], wanted: dict[str, np.ndarray], dtype: torch.dtype) -> None:
    """A situation's scores are the same under each option; the sigmoid or log-softmax may round otherwise."""
    assert list(got) == list(wanted)
    unit = torch.finfo(dtype).eps
    for situation, options in got.items():
        for case in options.values():
            assert case.scores.numel() == 12
            scores = case.scores.movedim(1, -1).reshape(4, 3).double().numpy()
            np.testing.assert_allclose(scores, in_type(wanted[situation], dtype), rtol=unit, atol=0)


def inputs(case: cases.Case) -> tuple:
    """What a case passes beside the scores, as lists; whatever is an array has the scores' type."""
    assert all(array.dtype == case.scores.dtype for array in case.arrays.values())
    assert case.target.dtype in (torch.int64, case.scores.dtype)
    return case.target.tolist(), {name: array.tolist() for name, array in case.arrays.items()}, case.plain


@DTYPES
def test_class_scores(dtype):
    wanted = {
        "everyday": ROWS,
        "tied": np.zeros((4, 3)),
        "sure": ROWS / 4 + SURE[dtype] * OWN,
        "wrong": ROWS / 4 - 30 * OWN,
        "huge": HUGE,
    }
    scores_are(found("cross_entropy", dtype), wanted, dtype)
    logs = {name: torch.tensor(z).log_softmax(1).numpy() for name, z in wanted.items()}
    scores_are(found("nll_loss", dtype), logs, dtype)


@DTYPES
def test_binary_scores(dtype):
    sign = 2 * OWN - 1
    wanted = {
        "everyday": ROWS,
        "tied": np.zeros((4, 3)),
        "sure": ROWS / 4 + SURE[dtype] * sign,
        "wrong": ROWS / 4 - 30 * sign,
        "huge": 8192 * ROWS.round(),
    }
    scores_are(found("binary_cross_entropy_with_logits", dtype), wanted, dtype)
    logits = {"everyday": ROWS, "tied": np.zeros((4, 3)), "p near 0": ROWS / 4 - NEAR_0[dtype]}
    shares = {name: 1 / (1 + np.exp(-z)) for name, z in logits.items()}
    scores_are(found("binary_cross_entropy", dtype), shares, dtype)


@DTYPES
def test_options_of_class_cases(dtype):
    weight, mixed = {"weight": WEIGHT}, in_type(0.75 * OWN + [0.125, 0, 0.125], dtype)
    common = {
        "none": (LABELS, {}, {}),
        "weight": (LABELS, weight, {}),
        "ignore_index": (LABELS, weight, {"ignore_index": 2}),
    }
    more = {
        "label_smoothing": (LABELS, {}, {"label_smoothing": 0.0625}),
        "smoothing, weight": (LABELS, weight, {"label_smoothing": 0.0625}),
        "probabilities": (mixed, {}, {}),
        "probabilities, weight": (mixed, weight, {}),
    }
    positions = {"(N, C, d1)": ([LABELS[:2], LABELS[2:]], {}, {})}
    for loss, wanted in (("cross_entropy", common | more | positions), ("nll_loss", common | positions)):
        for options in found(loss, dtype).values():
            assert {name: inputs(case) for name, case in options.items()} == wanted
            assert [options["none"].scores.shape, options["(N, C, d1)"].scores.shape] == [(4, 3), (2, 3, 2)]


@DTYPES
def test_options_of_binary_cases(dtype):
    hard, soft = OWN.tolist(), in_type(0.75 * OWN + 0.125, dtype)
    wanted = {"none": (hard, {}, {}), "weight": (hard, {"weight": WEIGHT}, {}), "probabilities": (soft, {}, {})}
    for options in found("binary_cross_entropy", dtype).values():
        assert {name: inputs(case) for name, case in options.items()} == wanted
    wanted["pos_weight"] = (hard, {"pos_weight": WEIGHT}, {})
    for options in found("binary_cross_entropy_with_logits", dtype).values():
        assert {name: inputs(case) for name, case in options.items()} == wanted


def test_units_are_4_and_8_for_slopes_of_mixtures():
    everyday = found("cross_entropy", torch.float32)["everyday"]
    assert {name: case.units for name, case in everyday.items()} == {
        **dict.fromkeys(("none", "weight", "ignore_index", "(N, C, d1)"), (4, 4)),
        **dict.fromkeys(("label_smoothing", "smoothing, weight", "probabilities", "probabilities, weight"), (4, 8)),
    }
    binary = found("binary_cross_entropy_with_logits", torch.float32)["everyday"]
    assert {name: case.units for name, case in binary.items()} == {
        **dict.fromkeys(("none", "weight", "pos_weight"), (4, 4)),
        "probabilities": (4, 8),
    }
    certain = cases.Case("cross_entropy", "", "", torch.tensor(ROWS), torch.tensor(OWN, dtype=torch.float64))
    assert certain.units == (4, 8)  # of classes even a certain row counts as a mixture


@pytest.mark.parametrize("loss", cases.LOSSES)
def test_both_ways_take_every_argument(loss):
    """In float64 the three agree to 1e-12 wherever PyTorch is not known to miss: so none forgot an argument."""
    cpu = torch.device("cpu")
    for option, case in found(loss, torch.float64)["everyday"].items():
        for reduction in ("none", "sum", "mean"):
            ours, torchs = (case.run(who, reduction, cpu) for who in ("ours", "torch"))
            result = case.exact()
            for mine, theirs, wanted in zip(
                ours, torchs, (result.values(reduction), result.slopes(reduction)), strict=True
            ):
                numbers = [float(number) for number, _ in wanted]
                assert mine.dtype == theirs.dtype == torch.float64 and mine.ndim == theirs.ndim == 1, option
                np.testing.assert_allclose(mine, numbers, rtol=1e-12, atol=1e-15)
                np.testing.assert_allclose(theirs, numbers, rtol=1e-12, atol=1e-15)


def test_run_takes_the_implementation_by_name(monkeypatch):
    case = found("nll_loss", torch.float32)["everyday"]["none"]
    monkeypatch.setattr(cases.losses, "nll_loss", lambda scores, target, reduction: scores[:, 0].sum() * 3)
    value, gradient = case.run("ours", "none", torch.device("cpu"))
    assert gradient.tolist() == [3, 0, 0] * 4 and value.shape == (1,)
    assert len(case.run("torch", "none", torch.device("cpu"))[0]) == 4


def test_exact_gets_a_row_for_each_position():
    case = found("cross_entropy", torch.float64)["everyday"]["(N, C, d1)"]
    one_by_one = exact.cross_entropy(ROWS.tolist(), LABELS)
    assert case.exact().values("none") == one_by_one.values("none")
    assert all(isinstance(number, Decimal) for number, _ in case.exact().values("none"))


def test_value_and_gradient_leave_the_scores_as_they_were():
    scores = torch.tensor([3.0, 4.0], requires_grad=True)
    value, gradient = cases.value_and_gradient(lambda z, y, power: z**power * y, scores, torch.tensor(2.0), power=2)
    assert value.tolist() == [18, 32] and gradient.tolist() == [12, 16]
    assert not value.requires_grad and scores.grad is None and gradient is not scores
