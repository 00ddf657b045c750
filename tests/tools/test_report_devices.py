"""What `make gpu` writes; on a machine without an accelerator its code runs on the CPU, or on the simulated one."""

import pandas as pd
import torch

from tools import report_devices
from xent_helpers import calls, compare, devices


def few(places):
    """The agreement of a few calls only."""
    return REAL(calls.calls("nll_loss", torch.float32), places)


REAL = compare.agreement


def test_without_an_accelerator_it_says_so_and_fails(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(devices, "available", lambda: [torch.device("cpu")])
    assert report_devices.main(tmp_path) == 1
    said = capsys.readouterr().err
    assert said == "There is no accelerator here (torch.accelerator finds none), so nothing was run.\n"
    assert not list(tmp_path.iterdir())


def test_a_table_in_markdown():
    table = pd.DataFrame({"device": ["cpu", "cuda:0"], "ms": [1.5, 2.0]})
    assert report_devices.markdown(table) == "| device | ms |\n| --- | --- |\n| cpu | 1.5 |\n| cuda:0 | 2.0 |"


def test_it_measures_each_device(monkeypatch):
    monkeypatch.setattr(compare, "agreement", few)
    held, sections = report_devices.measured(devices.available(), [(4, 3), (10, 5)], repeats=1)
    assert held
    agreement, speed = sections.values()
    for device in devices.available():
        assert agreement.count(f"| {device} |") == 1
        assert speed.count(f"| {device} |") == 6


def test_it_writes_a_file_to_send_in(monkeypatch, capsys, tmp_path):
    here = devices.available()[-1]  # the accelerator, real or simulated, else the CPU in its place
    monkeypatch.setattr(devices, "available", lambda: [torch.device("cpu"), here])
    monkeypatch.setattr(report_devices, "measured", lambda places: (True, {"Agreement": f"on {places[1]}"}))
    monkeypatch.setattr(compare, "beside", lambda places: pd.DataFrame({"loss": ["NLLLoss"], "ms": [0.5]}))
    for passed, status in ((True, 0), (False, 1)):
        shown = "FAILED tests/losses/test_losses.py::test_it\n1 failed in 2 s\n"
        monkeypatch.setattr(report_devices, "run", lambda *arguments, passed=passed, shown=shown: (passed, shown))
        assert report_devices.main(tmp_path / "results") == status
    _, path = sorted((tmp_path / "results").iterdir())  # .csv, .md
    compare.show_recorded(tmp_path / "results")
    said = capsys.readouterr().out
    assert f"{report_devices.name_of(here)}, " in said and "ms" in said
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {report_devices.name_of(here)}\n") and f"PyTorch {torch.__version__}" in text
    assert (
        "1 failed in 2 s\n- FAILED tests/losses/test_losses.py::test_it" in text
        and f"## Agreement\n\non {here}" in text
    )
    assert path.name in said


def test_it_runs_python_here():
    assert report_devices.run("-c", "print(3)") == (True, "3\n")
    assert not report_devices.run("-c", "raise SystemExit(2)")[0]
