"""The agreement, timing and memory tables: what they cover, that they judge rightly, how they are printed."""

from math import inf, nan

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from mpmath import mpf

from xent_helpers import calls, compare, devices, losses

CPU = torch.device("cpu")
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
    assert table[["ours value", "ours slope"]].max(axis=None) <= 1


def test_no_verdict_of_the_cpu_depends_on_the_last_digit(table):
    """Another processor may round otherwise; each row of the printed table must stay the same."""
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
    two = [CPU, torch.device("cpu", 0)]  # the CPU under two names
    some = [call for loss in ("nll_loss", "binary_cross_entropy") for call in calls.calls(loss, torch.float32)]
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
    tiny = mpf(2) ** -24  # float16's smallest number: one step is one unit
    zero = torch.zeros(1, dtype=torch.float64)
    assert compare.share_of_bound(zero, ([tiny], [tiny]), 1, torch.float16) == 1
    assert compare.share_of_bound(zero, ([mpf(3)], [mpf(3)]), 4, torch.float32) == 2**21
    assert compare.share_of_bound(zero + 3, ([mpf(3)], [mpf(3)]), 4, torch.float32) == 0
    for value in (inf, nan):
        assert compare.share_of_bound(zero + value, ([mpf(3)], [mpf(3)]), 4, torch.float32) == inf
    with pytest.raises(ValueError, match="longer"):
        compare.share_of_bound(zero, ([tiny] * 2, [tiny] * 2), 1, torch.float16)


FLOAT32_MEAN = {"dtypes": [torch.float32], "reductions": ["mean"], "repeats": 1}


def test_beside_has_a_row_for_each_loss_layout_type_and_reduction():
    table = compare.beside(repeats=1)
    assert len(table) == 4 * 2 * 4 * 3
    assert not table.duplicated(["loss", "layout", "type", "reduction"]).any()
    assert set(table["loss"]) == set(calls.LOSSES.values())
    for device in devices.available():
        assert (table[f"ms {device}"] > 0).all() and (table[f"MB {device}"] > 0).all()


def test_beside_says_what_each_loss_returns(device):
    row = compare.beside([CPU, device], **FLOAT32_MEAN).iloc[0]
    scores = 8 * (torch.arange(4096 * 16, dtype=torch.float64) * 0.6180339887 % 1) - 4
    logits = scores.reshape(4096, 16).float()
    value, slope = compare.value_and_gradient(F.cross_entropy, logits, torch.arange(4096) % 16)
    for place in {CPU, device}:
        assert row[f"value {place}"] == pytest.approx(value.item(), rel=1e-5)
        assert row[f"slope {place}"] == pytest.approx(slope[0, 0].item(), rel=1e-5)


def test_two_names_of_the_cpu_are_not_apart():
    found = compare.beside([CPU, torch.device("cpu", 0)], **FLOAT32_MEAN)
    assert (found["units apart cpu:0"] == 0).all()


def test_a_fault_in_an_accelerator_s_path_shows_where(device, monkeypatch):
    if device == CPU:
        pytest.skip("there is no second path here; `make test-sim` brings one")
    right, far = F.nll_loss, f"units apart {device}"

    def faulty(scores, target, **options):
        broken = scores.device != CPU and scores.dim() == 3
        return right(scores, target, **options) * (1.001 if broken else 1)

    monkeypatch.setattr(F, "nll_loss", faulty)
    table = compare.beside([CPU, device], **FLOAT32_MEAN)
    apart = table[table[far] > 20]  # 8 units, and 12 for a sum of 4,096 in another order
    assert apart[["loss", "layout"]].values.tolist() == [["NLLLoss", "(N, C, d1)"]]
    assert apart[far].item() == pytest.approx(0.001 * 2**23, rel=0.01)


def test_units_apart_counts_units_of_the_type():
    one = torch.tensor([1.0, -4.0, 0.0], dtype=torch.float64)
    other = torch.tensor([1.0, -4.0 - 3 * 2.0**-21, 0.0], dtype=torch.float64)
    assert compare.units_apart(one, one, torch.float32) == 0
    assert compare.units_apart(one, other, torch.float32) == 3
    assert compare.units_apart(one, other, torch.float32, size=one.abs().max() * 3) == 1
    odd = torch.tensor([nan, inf, 1.0], dtype=torch.float64)
    assert compare.units_apart(odd, odd, torch.float32) == 0
    for value in (nan, inf):
        assert compare.units_apart(one, torch.full_like(one, value), torch.float32) == inf


def test_units_by_margin_finds_where_the_digits_are_lost(device):
    table = compare.units_by_margin([0, 8, 20], places=[device])
    units = table.set_index(["who", "margin"])["units"]
    assert (units["ours"] < 4).all() and units["torch"][0] < 4
    assert units["torch"][8] > 100 and units["torch"][20] == pytest.approx(2**23)  # nothing is left of it


def test_what_a_machine_recorded_is_shown(tmp_path, capsys):
    compare.show_recorded(tmp_path)
    assert "No machine" in capsys.readouterr().out
    text = "# A card, 2026-01-02, PyTorch 9.9\nloss,units apart\nNLLLoss,0.5\n"
    (tmp_path / "a-card.csv").write_text(text, encoding="utf-8")
    compare.show_recorded(tmp_path)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "A card, 2026-01-02, PyTorch 9.9" and said[-1].split() == ["NLLLoss", "0.5"]


def test_a_wrong_loss_is_not_held(monkeypatch):
    monkeypatch.setattr(losses, "nll_loss", lambda *args, **options: 1.001 * F.nll_loss(*args, **options))
    judged = compare.verdicts(compare.agreement(calls.calls("nll_loss", torch.float32), [CPU]))
    assert judged[COLUMNS].values.tolist() == [["not held", "not held", "held", "held"]]


@pytest.mark.parametrize("loss", calls.LOSSES)
def test_ours_torch_and_the_reference_take_every_argument(loss):
    """In float64 the three agree to 1e-12 on ordinary numbers: so none forgot an argument."""
    ordinary = [call for call in calls.calls(loss, torch.float64) if call.situation == "everyday"]
    assert len({call.option for call in ordinary}) == len(ordinary) >= 3
    for call in ordinary:
        for reduction in ("none", "sum", "mean"):
            result = call.exact()
            wanted = result.values(reduction)[0], result.gradients(reduction)[0]
            for who in ("ours", "torch"):
                for got, numbers in zip(call.run(who, reduction, CPU), wanted, strict=True):
                    np.testing.assert_allclose(got, [float(number) for number in numbers], rtol=1e-12, atol=1e-15)


def test_value_and_gradient_leave_the_scores_as_they_were():
    scores = torch.tensor([3.0, 4.0], requires_grad=True)
    value, gradient = compare.value_and_gradient(lambda z, y, power: z**power * y, scores, torch.tensor(2.0), power=2)
    assert value.tolist() == [18, 32] and gradient.tolist() == [12, 16]
    assert not value.requires_grad and scores.grad is None


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
    assert compare.complaint(int, "11", base=2) == "no complaint: 3.0000"
    assert "out of bounds" in compare.complaint(F.cross_entropy, torch.zeros(1, 3), torch.tensor([3]))


def test_speed_and_memory_has_a_row_for_each_implementation_and_device():
    found = compare.speed_and_memory([(64, 10), (8, 100)], repeats=1)
    assert len(found) == 6 * len(devices.available())
    assert list(found.columns) == ["device", "N", "C", "implementation", "ms", "peak"]
    assert (found["ms"].astype(float) > 0).all()
    cpu = found[(found["device"] == "cpu") & (found["C"] == 100)].set_index("implementation")["peak"].astype(float)
    assert 2 <= cpu["torch"] <= cpu["ours"] < 20  # log-probabilities and gradient at least


def test_show_keeps_the_rows_of_the_cpu_whatever_is_below(capsys):
    rows = [{"device": "cpu", "loss": "NLLLoss", "note": ""}, {"device": "cpu", "loss": "BCELoss", "note": "sure"}]
    compare.show(pd.DataFrame(rows))
    alone = capsys.readouterr().out
    compare.show(pd.DataFrame([*rows, {"device": "cuda:0", "loss": "a much longer name", "note": "everywhere"}]))
    beside = capsys.readouterr().out
    assert beside.startswith(alone) and beside.removeprefix(alone).startswith("cuda:0")
    assert alone.splitlines() == ["device    loss     note", "cpu       NLLLoss", "cpu       BCELoss  sure"]
