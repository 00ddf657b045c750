"""The agreement, timing and memory tables: what they cover, that they judge rightly, how they are printed."""

from decimal import Decimal
from math import inf

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from xent_helpers import cases, compare, devices, losses

COLUMNS = ["ours value", "ours slope", "torch value", "torch slope"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Two threads for tiny tensors wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return compare.agreement()


def test_table_covers_losses_types_reductions_options_and_devices(table):
    assert set(table["loss"]) == {"CrossEntropyLoss", "NLLLoss", "BCEWithLogitsLoss", "BCELoss"}
    assert set(table["dtype"]) == {"float64", "float32", "bfloat16", "float16"}
    assert set(table["reduction"]) == {"none", "sum", "mean"}
    assert set(table["device"]) == {str(device) for device in devices.available()}
    assert set(table["option"]) == {
        *("none", "weight", "ignore_index", "label_smoothing", "smoothing, weight", "probabilities"),
        *("probabilities, weight", "pos_weight", "(N, C, d1)"),
    }
    assert set(table["situation"]) == {"everyday", "tied", "sure", "wrong", "huge", "p near 0"}


def test_ours_holds_the_bound_everywhere(table):
    worst = table[["ours value", "ours slope"]].max(axis=None)
    assert worst <= 1


def test_no_verdict_of_the_cpu_hangs_on_the_last_digit(table):
    """Another processor may round otherwise; each row of the printed table must stand all the same."""
    cpu = table[table["device"] == "cpu"]
    largest = cpu.groupby(["loss", "dtype", "situation"])[COLUMNS].max().stack()
    close = largest[(largest > 0.5) & (largest < 1.5)]
    assert close.empty, close


def test_verdicts_say_where_torch_misses(table):
    judged = compare.verdicts(table)
    assert len(judged) == 16 * len(devices.available())
    cpu = judged[judged["device"] == "cpu"].set_index(["loss", "dtype"])
    assert (cpu[["ours value", "ours slope"]] == "held").all(axis=None)
    assert cpu.loc[("CrossEntropyLoss", "float32"), "torch value"] == "not held"
    assert cpu.loc[("CrossEntropyLoss", "float16"), "torch misses where"] == "sure, huge"
    assert cpu.loc[("NLLLoss", "float32"), "torch misses where"] == ""
    assert tuple(cpu.loc[("BCELoss", "float64"), ["torch value", "torch slope"]]) == ("held", "not held")


def test_verdicts_put_the_rows_of_a_device_together():
    two = [torch.device("cpu"), torch.device("cpu", 0)]  # the CPU under two names
    some = [case for loss in ("nll_loss", "binary_cross_entropy") for case in cases.cases(loss, torch.float32)]
    assert list(compare.verdicts(compare.agreement(some, two))["device"]) == ["cpu", "cpu", "cpu:0", "cpu:0"]


def test_a_verdict_is_held_up_to_the_bound_and_in_the_table_s_order():
    rows = [
        ("Zeta", "a", 1.0, 1.5, 1.0, 1.0),
        ("Zeta", "b", 0.1, 0.1, 1.5, 0.1),
        ("Zeta", "c", 0.1, 0.1, 0.1, 1.5),
        ("Alpha", "a", 0.1, 1.0, 0.1, 0.1),
    ]
    table = pd.DataFrame(rows, columns=["loss", "situation", *COLUMNS]).assign(device="cpu", dtype="float32")
    zeta, alpha = compare.verdicts(table).to_dict("records")
    assert zeta == {
        **{"device": "cpu", "loss": "Zeta", "dtype": "float32", "calls": 3, "torch misses where": "b, c"},
        **dict(zip(COLUMNS, ["held", "not held", "not held", "not held"], strict=True)),
    }
    assert alpha["loss"] == "Alpha" and alpha["torch misses where"] == "" and alpha["ours slope"] == "held"


def test_share_of_bound_counts_units_of_rounding():
    third = Decimal(1) / 3
    near = torch.tensor([1 / 3], dtype=torch.float64)
    assert compare.share_of_bound(near, [(third, third)], 4, torch.float64) < 0.125
    off = near + 3 * 2.0**-54  # three steps of a number in [1/4, 1/2)
    assert 0.5 < compare.share_of_bound(off, [(third, third)], 2, torch.float64) < 1.25
    zero = torch.zeros(1, dtype=torch.float64)
    assert compare.share_of_bound(zero, [(third, third)], 4, torch.float32) == pytest.approx(2**21)
    assert compare.share_of_bound(torch.tensor([inf]), [(third, third)], 4, torch.float32) == inf
    assert compare.share_of_bound(torch.tensor([float("nan")]), [(third, third)], 4, torch.float32) == inf
    tiny = Decimal(2) ** -24  # float16's smallest number: one step is one unit
    assert compare.share_of_bound(zero, [(tiny, tiny)], 1, torch.float16) == 1
    with pytest.raises(ValueError, match="longer"):
        compare.share_of_bound(zero, [(tiny, tiny)] * 2, 1, torch.float16)


def test_agreement_by_size_holds_on_each_device(device, monkeypatch):
    sizes, dtypes = [(1, 10), (5000, 7), (300, 400)], [torch.float64, torch.float32, torch.bfloat16]
    found = compare.by_size(sizes, dtypes, [device])
    assert list(found["N"]) == [1, 5000, 300] * 3 and set(found["device"]) == {str(device)}
    assert (found[COLUMNS] == "held").all(axis=None)
    monkeypatch.setattr(losses, "cross_entropy", lambda z, y: F.cross_entropy(z, y) * (1 + 2.0**-18))
    found = compare.by_size([(300, 400)], [torch.float32], [device])
    assert found[COLUMNS].values.tolist() == [["not held", "not held", "held", "held"]]


@pytest.mark.parametrize(
    ("units", "value", "slope"), [(3.9, "held", "held"), (4.4, "not held", "held"), (8.5, "not held", "not held")]
)
def test_by_size_allows_one_sample_4_units_and_its_slopes_8(monkeypatch, units, value, slope):
    """One loss of many units more is made in double and handed over unrounded."""
    off = 1 + units * torch.finfo(torch.float32).eps

    def wrong(loss, z, y):
        found = right(F.cross_entropy, z.double(), y)
        return found if loss is F.cross_entropy else tuple(part * off for part in found)

    right = compare.value_and_gradient
    monkeypatch.setattr(compare, "value_and_gradient", wrong)
    found = compare.by_size([(1, 10)], [torch.float32], [torch.device("cpu")])
    assert list(found.columns) == ["device", "dtype", "N", "C", *COLUMNS]
    assert found.loc[0].tolist() == ["cpu", "float32", 1, 10, value, slope, "held", "held"]


def test_by_size_spreads_its_logits_evenly(monkeypatch):
    seen = []
    monkeypatch.setattr(losses, "cross_entropy", lambda z, y: seen.append((z.detach(), y)) or F.cross_entropy(z, y))
    compare.by_size([(40, 100)], [torch.float32, torch.float64])
    for (z, y), dtype in zip(seen, (torch.float32, torch.float64), strict=False):
        assert z.shape == (40, 100) and z.dtype == dtype
        counts = torch.histc(z.double().cpu(), bins=8, min=-4, max=4)
        assert counts.sum() == 4000 and (counts - 500).abs().max() <= 3
        assert y.tolist() == list(range(40))
    expected = 8 * (np.arange(4000) * 0.6180339887 % 1) - 4
    np.testing.assert_array_equal(seen[-1][0].cpu().double().ravel(), expected)


def test_by_size_judges_where_it_is_told(monkeypatch):
    places = []

    def noted(loss, z, y):
        places.append((z.device.type, y.device.type))
        return torch.ones(()), torch.ones(3, 4)

    monkeypatch.setattr(compare, "value_and_gradient", noted)
    found = compare.by_size([(3, 4)], [torch.float32], [torch.device("meta")])
    assert places == [("cpu", "cpu"), ("meta", "meta"), ("meta", "meta")]
    assert found["device"].tolist() == ["meta"]


def test_a_wrong_loss_is_not_held(monkeypatch):
    monkeypatch.setattr(losses, "nll_loss", lambda *args, **options: 1.001 * F.nll_loss(*args, **options))
    judged = compare.verdicts(compare.agreement(cases.cases("nll_loss", torch.float32), [torch.device("cpu")]))
    assert judged[COLUMNS].values.tolist() == [["not held", "not held", "held", "held"]]


def test_case_runs_where_it_is_told_and_returns_to_the_cpu():
    case = next(cases.cases("cross_entropy", torch.float32))
    for device in devices.available():
        value, slope = case.run("ours", "none", device)
        assert value.shape == (4,) and slope.shape == (12,)
        assert {value.device.type, slope.device.type} == {"cpu"} and {value.dtype, slope.dtype} == {torch.float64}


def test_spatial_case_has_the_slopes_of_the_rows():
    plain, spatial = (
        next(c for c in cases.cases("cross_entropy", torch.float64) if c.option == option)
        for option in ("none", "(N, C, d1)")
    )
    found = [case.run("torch", "sum", torch.device("cpu")) for case in (plain, spatial)]
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_value_and_gradient_leaves_its_input_alone():
    logit = torch.tensor([2.0], requires_grad=True)
    value, gradient = compare.value_and_gradient(F.binary_cross_entropy_with_logits, logit, torch.tensor([1.0]))
    assert logit.grad is None and not value.requires_grad
    assert (round(value.item(), 4), round(gradient.item(), 4)) == (0.1269, -0.1192)


def test_three_ways_shows_what_each_says():
    logits = torch.tensor([[0.5, 0.25, 0.25]] * 2, dtype=torch.float64).log()
    table = compare.three_ways(
        "cross_entropy",
        {
            "right": (0.69314718, logits, torch.tensor([0, 0]), {}),
            "twice": (1.0, logits, torch.tensor([0, 0]), {"reduction": "sum"}),
        },
    )
    assert list(table.columns) == ["by hand", "ours", "torch"] and list(table.index) == ["right", "twice"]
    assert table.values.tolist() == [[0.6931, 0.6931, 0.6931], [1.0, 1.3863, 1.3863]]


def test_complaint_is_one_short_line():
    def fails():
        raise ValueError("the first line, which is rather long for a table\nand a second")

    assert compare.complaint(fails, width=40) == "ValueError: the first line, which is …"
    assert compare.complaint(float, "2") == "no complaint: 2.0000"
    assert compare.complaint(int, "11", base=2) == "no complaint: 3.0000"
    assert len(compare.complaint(int, "a " * 100)) in range(95, 101)

    def fails_at_length():
        raise ValueError("a " * 100)

    assert len(compare.complaint(fails_at_length)) == 99  # one more word would make it 101
    assert "out of bounds" in compare.complaint(F.cross_entropy, torch.zeros(1, 3), torch.tensor([3]))


def test_textbook_is_the_mean_cross_entropy():
    logits, target = torch.tensor([[1.0, 2.0, 0.1], [0.5, -1.5, 2.0]]), torch.tensor([1, 0])
    torch.testing.assert_close(compare.textbook(logits, target), F.cross_entropy(logits, target))


def test_speed_and_memory_has_a_row_for_each_implementation_and_device():
    found = compare.speed_and_memory([(64, 10), (8, 100)], repeats=1)
    assert len(found) == 6 * len(devices.available())
    assert list(found.columns) == ["device", "N", "C", "implementation", "ms", "peak"]
    assert (found["ms"].astype(float) > 0).all()
    cpu = found[(found["device"] == "cpu") & (found["C"] == 100)].set_index("implementation")["peak"].astype(float)
    assert 2 <= cpu["torch"] < cpu["ours"] < 20  # log-probabilities and gradient at least


@pytest.mark.parametrize("place", ["cpu", "meta"])
def test_speed_and_memory_give_each_the_same_input_where_it_is_measured(monkeypatch, place):
    seen, told = [], []
    monkeypatch.setattr(compare, "CONTESTANTS", {"one": lambda z, y: seen.append((z, y)) or z.sum()})
    monkeypatch.setattr(devices, "milliseconds", lambda run, device, repeats: told.append((str(device), repeats)) or 1)
    monkeypatch.setattr(devices, "peak_bytes", lambda run, device: run() or 240)
    found = compare.speed_and_memory([(3, 10)], [torch.device(place)])
    ((z, y),) = seen
    assert (z.shape, z.device.type, y.device.type, z.dtype) == ((3, 10), place, place, torch.float32)
    assert told == [(place, 5)] and found.loc[0, "peak"] == "2.0"
    if place == "cpu":
        assert torch.equal(z.detach(), torch.linspace(-3, 3, 30).reshape(3, 10)) and y.tolist() == [0, 1, 2]


def test_show_makes_room_for_a_header_that_is_wider_than_what_stands_below(capsys):
    compare.show(pd.DataFrame([{"device": "cpu", "how many": 1, "n": 2}]))
    assert capsys.readouterr().out.splitlines() == ["device    how many  n", "cpu       1         2"]


def test_show_keeps_the_rows_of_the_cpu_whatever_stands_below(capsys):
    rows = [{"device": "cpu", "loss": "NLLLoss", "note": ""}, {"device": "cpu", "loss": "BCELoss", "note": "sure"}]
    compare.show(pd.DataFrame(rows))
    alone = capsys.readouterr().out
    compare.show(pd.DataFrame([*rows, {"device": "cuda:0", "loss": "a much longer name", "note": "everywhere"}]))
    beside = capsys.readouterr().out
    assert beside.startswith(alone) and beside.removeprefix(alone).startswith("cuda:0")
    assert alone.splitlines() == ["device    loss     note", "cpu       NLLLoss", "cpu       BCELoss  sure"]
