"""Forecasts: what is noted, what it costs, and what is refused."""

import math
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from xent_helpers import forecasts as module
from xent_helpers.forecasts import notebook_file, submitted
from xent_helpers.forecasts.question import Question

COIN = Question("1.1", "0.7", {"0.5": "a fair coin", "0.7": "the share of heads", "0.9": "as large as possible"})
DIE = Question("1.2", "yes", {"yes": "it is", "no": "it is not"})


@pytest.fixture(autouse=True)
def course(monkeypatch, tmp_path):
    """Two questions, a folder for the file, and a kernel whose cells are counted; returns that kernel."""
    kernel = SimpleNamespace(execution_count=1)
    monkeypatch.setenv(notebook_file.FOLDER, str(tmp_path))
    for place in (module, submitted):
        monkeypatch.setattr(place, "all_questions", lambda: {"1.1": COIN, "1.2": DIE})
    monkeypatch.setattr(module, "get_ipython", lambda: kernel)
    restart(monkeypatch)
    return kernel


def restart(monkeypatch):
    monkeypatch.setattr(module, "_asked", {})
    monkeypatch.setattr(module, "_noted", set())


def coin(a, b, c):
    return {"0.5": a, "0.7": b, "0.9": c}


def test_an_untouched_course_costs_log_c_to_the_last_digit(capsys, tmp_path):
    module.predict("1.1", coin(1 / 3, 1 / 3, 1 / 3))
    module.predict("1.2", {"yes": 0.5, "no": 0.5})
    assert COIN.cost(coin(1 / 3, 1 / 3, 1 / 3)) == math.log(3) and DIE.cost({"yes": 0.5, "no": 0.5}) == math.log(2)
    module.forecasts(1)
    assert "0 of 2" in capsys.readouterr().out and not list(tmp_path.iterdir())


def test_a_forecast_costs_minus_log_of_what_it_gave_to_the_answer():
    assert COIN.cost(coin(0.25, 0.5, 0.25)) == pytest.approx(math.log(2), rel=1e-15)
    assert COIN.cost(coin(1.0, 0.0, 0.0)) == math.inf


def test_the_end_of_a_chapter_names_cost_and_surest_wrong_belief(capsys):
    module.predict("1.1", coin(0.7, 0.2, 0.1))
    module.forecasts(1)
    out = capsys.readouterr().out
    assert f"{(-math.log(0.2) + math.log(2)) / 2:.4f}" in out and "0.5" in out and "70%" in out


def test_the_last_forecast_before_the_answer_counts(course, capsys):
    module.predict("1.1", coin(0.8, 0.1, 0.1))
    for probability in (0.5, 0.6):  # edited and run again, with nothing run in between
        course.execution_count += 1
        module.predict("1.1", coin(0.3, probability, 0.7 - probability))
    course.execution_count += 2  # the answer's cell ran
    module.predict("1.1", coin(0.0, 1.0, 0.0))
    assert "does not count" in capsys.readouterr().out
    probabilities, _ = module.claims()
    assert sorted(probabilities) == pytest.approx([0.1, 0.3, 0.6])


def test_untouched_first_and_edited_after_the_answer_is_late(course):
    module.predict("1.1", coin(1 / 3, 1 / 3, 1 / 3))
    course.execution_count += 2
    module.predict("1.1", coin(0.0, 1.0, 0.0))
    assert module.claims() == ([], [])


def test_after_a_restart_the_same_forecast_stands_and_another_one_is_late(course, monkeypatch):
    module.predict("1.1", coin(0.2, 0.5, 0.3))
    restart(monkeypatch)
    module.predict("1.1", coin(0.2, 0.5, 0.3))
    restart(monkeypatch)
    module.predict("1.1", coin(0.0, 1.0, 0.0))
    assert [noted.late for noted in notebook_file.read()] == [False, True]
    assert module.claims() == ([0.2, 0.5, 0.3], [False, True, False])


def test_damaged_lines_are_left_out_and_nothing_is_lost(tmp_path):
    module.predict("1.1", coin(0.2, 0.5, 0.3))
    path = tmp_path / notebook_file.FILE
    path.write_bytes(path.read_bytes() + b'\xff\xfe{"key": "1.2", "probab\nnull\n[]\n{"key": 1}\n')
    module.predict("1.2", {"yes": 0.9, "no": 0.1})
    assert [noted.key for noted in notebook_file.read()] == ["1.1", "1.2"]


def test_where_nothing_can_be_written_the_reader_is_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv(notebook_file.FOLDER, str(tmp_path / "missing"))
    module.predict("1.1", coin(0.2, 0.5, 0.3))
    assert "could not be saved" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "probabilities", "error", "words"),
    [
        ("1.7", {"yes": 1.0}, KeyError, "1.7"),
        ("1.1", coin(0.5, 0.5, 0.5), ValueError, "1.5"),
        ("1.1", coin(-0.5, 0.5, 1.0), ValueError, "0.5"),
        ("1.1", coin(0.5, 0.5, "0"), TypeError, "0.9"),
        ("1.1", {"0.5": 0.5, "0.7": 0.5}, ValueError, "0.9"),
        ("1.1", coin(0.5, 0.5, 0.0) | {"1.0": 0.0}, ValueError, "1.0"),
        ("1.1", coin(math.nan, 0.5, 0.5), ValueError, "0.5"),
    ],
)
def test_what_is_no_forecast_is_refused(key, probabilities, error, words):
    with pytest.raises(error, match=words):
        module.predict(key, probabilities)


def test_an_answer_that_is_no_option_is_refused():
    with pytest.raises(ValueError, match=r"3\.1"):
        Question("3.1", "maybe", {"yes": "", "no": ""})


def test_every_chapter_numbers_its_questions():
    script = "from xent_helpers.forecasts import all_questions; print(*all_questions())"
    keys = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ)
    by_chapter = {}
    for key in keys.stdout.split():
        by_chapter.setdefault(key.split(".")[0], []).append(key)
    for chapter, found in by_chapter.items():
        assert found == [f"{chapter}.{number}" for number in range(1, len(found) + 1)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('predict("1.2", {"yes": 0.5, "no": 0.5})', []),
        ('predict("1.2", {"yes": 3 / 4, "no": 1 - 0.75})', [("1.2", "0.2877")]),
        ('predict("1.2", {"yes": 0, "no": 1})', [("1.2", "inf")]),
        ('predict("1.2", {"yes": 0.9, "no": 0.9})', [("1.2", "no distribution")]),
        ('predict("1.2", {"yes": 0.9})', [("1.2", "no distribution")]),
        ('predict("1.2", {"yes": 1e308 * 10, "no": 1})', [("1.2", "no distribution")]),
        ('predict("9.9", {"yes": 1.0})', []),
        ('predict("1.2", {"yes": ' + "-" * 9000 + '1, "no": ' + "1 + " * 2000 + "1})", []),
        ('predict("1.2", {"yes": open("/etc/passwd"), "no": 9**9**9})', []),
        ('predict("1.2", {"yes": 1 / 0, "no": 1})', []),
        ('predict("1.2", chosen)\npredict(key, {"yes": 1.0, "no": 0.0})', []),
        ("def broken(:", []),
    ],
)
def test_a_submission_s_forecasts_are_read_and_not_run(source, found):
    rows = list(submitted.costs([source]))
    assert [key for key, _ in rows] == [key for key, _ in found]
    assert all(words in text for (_, text), (_, words) in zip(rows, found, strict=True))
