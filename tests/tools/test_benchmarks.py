"""The benchmark's machinery on tiny sizes; what it measures is for `make bench` to say."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import speed
from benchmarks.__main__ import main, text
from benchmarks.accuracy import accuracy
from benchmarks.figure import draw
from benchmarks.memory import CLEAR, in_own_process
from benchmarks.notebooks import notebooks
from benchmarks.turns import in_turns, milliseconds, ratio
from xent_helpers import fused

CPU = torch.device("cpu")


def test_implementations_take_turns():
    calls = []
    runs = {name: lambda name=name: calls.append(name) for name in "ab"}
    times = in_turns(runs, CPU, seconds=1, least=9, most=9)
    rounds = ["".join(calls[i : i + 2]) for i in range(0, len(calls), 2)]
    assert len(rounds) == 10  # one of them to warm up
    assert set(rounds) == {"ab", "ba"}  # in changing order, and everyone once a round
    assert [len(taken) for taken in times.values()] == [9, 9]


def test_a_slow_one_sits_out_and_is_paired_with_its_own_rounds(monkeypatch):
    cost = {"slow": 8, "quick": 1}
    monkeypatch.setattr("benchmarks.turns._seconds", lambda run, device: cost[run()])
    times = in_turns({name: lambda name=name: name for name in cost}, CPU, seconds=20, least=2)
    assert np.isfinite(times["slow"]).sum() == 3
    assert [len(taken) for taken in in_turns({"a": lambda: "slow"}, CPU, seconds=1, least=3).values()] == [1]
    assert np.isfinite(times["quick"]).sum() == 20
    assert ratio(times, "slow", "quick") == 8
    assert milliseconds(times, "quick") == 1000
    assert math.isnan(ratio(times, "slow", "absent"))


def test_contestants_agree():
    """What is timed side by side computes the same."""
    z, y = speed.logits_and_labels(6, 5, CPU)
    expected = torch.nn.functional.cross_entropy(z, y)
    for loss in [*speed.dense_contestants().values(), speed.plain]:
        torch.testing.assert_close(loss(z, y), expected)
    layer = speed.layer_and_labels(6, 4, 5, CPU)
    for loss in speed.LINEAR_CONTESTANTS.values():
        torch.testing.assert_close(loss(*layer), speed.unfused(*layer))


def test_speed_tables_and_figure():
    dense = pd.DataFrame(speed.dense([(6, 5), (3, 20)], CPU, 0.0, speed.dense_contestants()))
    assert set(dense["implementation"]) == {
        *speed.dense_contestants(),
        speed.FLOOR,
        "scratch, NumPy",
        "SciPy's log_softmax",
    }
    assert (dense[dense["implementation"] == speed.TORCH]["over torch"] == 1).all()
    linear = pd.DataFrame(speed.linear([(6, 4, 5)], CPU, 0.0))
    assert set(linear["implementation"]) == {*speed.LINEAR_CONTESTANTS, speed.PRODUCTS}
    rule = fused.CHUNK
    chunks = pd.DataFrame([row for size in ((6, 5), (6, 4, 5)) for row in speed.chunks(size, [5, 10], CPU, 0.0)])
    assert list(chunks[chunks["is the rule"]]["logits in a chunk"]) == [rule, rule]
    assert rule == fused.CHUNK
    tables = {"dense": dense, "reused": dense, "linear": linear, "chunks": chunks, "notebooks": pd.DataFrame()}
    assert draw(tables).png().startswith(b"\x89PNG")


@pytest.mark.skipif(not CLEAR.exists(), reason="the peak of a process is read from Linux's /proc")
def test_memory_counts_one_gradient():
    """In a process of its own, as there is no fresh memory to see where others have left some."""
    size = 4 * 1024 * 4096
    assert 0.9 * size <= in_own_process(speed.OURS, (1024, 4096), CPU) <= 2 * size


def test_accuracy_table():
    table = pd.DataFrame(accuracy(4)).set_index(["situation", "implementation"])
    assert (table.xs("fused_cross_entropy", level=1)[["value, units", "gradient, units"]] <= 4).all(axis=None)
    assert table.loc[("right", "F.cross_entropy"), "value, units"] > 1000


def test_no_notebooks_no_rows():
    assert list(notebooks([])) == []


def test_parts_by_command(tmp_path, capsys, monkeypatch):
    kinds = []
    monkeypatch.setattr("benchmarks.__main__.set_memory", kinds.append)  # it would hold for the tests that follow
    parts = ["reused", "accuracy", "dense", "linear", "chunks"]
    main([*parts, "--quick", "--threads", str(torch.get_num_threads()), "--to", str(tmp_path)])
    assert kinds == ["fresh"] * 4 + ["reused"]
    assert "Largest error against 60 digits" in capsys.readouterr().out
    assert (tmp_path / "bench.md").read_text().startswith("# Benchmark")
    assert (tmp_path / "bench.png").exists()
    assert {path.stem for path in tmp_path.glob("*.csv")} == set(parts)
    assert len(pd.read_csv(tmp_path / "accuracy.csv")) > 10
    with pytest.raises(SystemExit):
        main(["velocity", "--to", str(tmp_path)])


def test_markdown():
    lines = text(pd.DataFrame([{"a": 1.23456, "b": "x"}, {"a": math.nan, "b": "yy"}]), "dense").splitlines()
    assert lines[2:] == ["| a    | b  |", "| ---- | -- |", "| 1.23 | x  |", "| –    | yy |"]
