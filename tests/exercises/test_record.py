"""Small parts: what an exercise says of itself, the box that shows a result, the file that keeps what is solved."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from xent_helpers import exercises
from xent_helpers.exercises import Exercise, Mistake, display, logbook
from xent_helpers.exercises.display import Box


def halved(p, by=2):
    return p / by


class Caller:
    def __call__(self, p):
        return p


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        (halved, "halved"),
        (partial(halved, by=3), "halved 3"),
        (partial(halved, 1, by=halved), "halved 1 halved"),
        (partial(partial(halved, 1), by=3), "halved 1 3"),
        (partial(lambda p, by: p, by=3), "unnamed 3"),
        (lambda p: p, "unnamed"),
        (np.log, "log"),
        (Caller(), "Caller"),
    ],
)
def test_a_mistake_has_its_function_s_name(wrong, name):
    assert Mistake(wrong, "Why?").name == name and Mistake(wrong, "Why?", "own").name == "own"


def test_an_exercise_without_parameters_asks_for_a_value():
    value, function = (
        Exercise("0.1", "", reference, lambda rng: [], (), (), "") for reference in (lambda: 1, lambda p, *, q: 1)
    )
    assert value.asks_for_value and value.parameters == ()
    assert not function.asks_for_value and function.parameters == ("p", "q")
    assert (value.rounds, value.must, value.slips, value.domain, value.tolerance) == (6, (), None, None, None)


# ---- the box ----

STYLE = (
    "border: 1px solid {0}; border-left-width: 6px; border-radius: 4px; padding: 0.5em 0.8em; margin: 0.3em 0; "
    "max-width: 50em; line-height: 1.45"
)


@pytest.mark.parametrize(
    ("status", "sign", "colour"),
    [("solved", "✓", "#009e73"), ("not yet", "✗", "#d55e00"), ("not attempted yet", "○", "#7f7f7f")],
)
def test_a_status_has_a_sign_and_a_colour(status, sign, colour):
    assert Box("Exercise <1>", "a & b\nc", status)._repr_html_() == (
        f'<div role="status" style="{STYLE.format(colour)}"><div><span aria-hidden="true" style="color: {colour}; '
        f'font-weight: bold">{sign}</span> <strong>Exercise &lt;1&gt;: {status}</strong></div>'
        '<div style="margin-top: 0.25em">a &amp; b</div><div style="margin-top: 0.25em">c</div></div>'
    )


def test_without_a_status_there_is_no_sign():
    assert Box("Hint", "Think.")._repr_html_() == (
        f'<div role="status" style="{STYLE.format("#0072b2")}"><div><strong>Hint</strong></div>'
        '<div style="margin-top: 0.25em">Think.</div></div>'
    )


@pytest.mark.parametrize(
    ("box", "text"),
    [
        (Box("Hint", "Think."), "Hint: Think."),
        (Box("Progress", "a\nb"), "Progress:\na\nb"),
        (Box("Exercise 1", "a\nb", "solved"), "Exercise 1: solved. a\nb"),
        (Box("A", "word " * 20), "A: " + ("word " * 18).strip() + "\nword word"),
        (Box("A", "-" * 120), "A:\n" + "-" * 120),
        (Box("A", "well-" * 20 + "known"), "A:\n" + "well-" * 20 + "known"),
    ],
)
def test_as_text_it_has_lines_of_96_letters(box, text):
    assert repr(box) == text


def test_show_displays_one_box(capsys):
    display.show("Hint", "Think.")
    display.show("Exercise 1", "Well done.", "solved")
    assert capsys.readouterr().out == "Hint: Think.\nExercise 1: solved. Well done.\n"


# ---- the file ----


def test_each_solved_exercise_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert logbook.solved(["1.1", "1.2"]) == (set(), "") and not list(tmp_path.iterdir())
    assert [logbook.remember(key) for key in ("1.1", "1.1", "1.2")] == ["", "", ""]
    assert (tmp_path / ".solved_exercises").read_bytes() == b"\n1.1\n\n1.2\n"
    assert logbook.solved(iter(["1.1", "1.2", "1.3"])) == ({"1.1", "1.2"}, "")


def test_a_line_is_written_in_one_step(tmp_path, monkeypatch):
    """Without a buffer, so that lines of two kernels do not mix."""
    monkeypatch.chdir(tmp_path)
    opened, open_it = [], open
    monkeypatch.setattr("builtins.open", lambda *told, **named: opened.append((told, named)) or open_it(*told, **named))
    logbook.remember("1.1")
    assert opened == [((logbook.FILE, "ab"), {"buffering": 0})]


def test_a_line_that_was_cut_off_is_closed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / logbook.FILE).write_bytes("1.1\n \n1.\u00fc".encode()[:-1])
    assert logbook.remember("1.2") == ""
    told = f"{logbook.FILE} holds 1 line(s) that name no exercise; they are left out."
    assert logbook.solved(["1.1", "1.2"]) == ({"1.1", "1.2"}, told)


@pytest.mark.parametrize(("reason", "said"), [("full", "full"), (None, "no reason given")])
def test_trouble_is_told_with_its_reason(tmp_path, monkeypatch, reason, said):
    monkeypatch.chdir(tmp_path)

    def fails():
        raise OSError(28, reason) if reason else OSError("odd")

    monkeypatch.setattr(logbook, "_lines", fails)
    assert logbook.remember("1.1") == (
        f"(Your progress could not be saved in .solved_exercises, in this folder: {said}.)"
    )
    assert logbook.solved(["1.1"]) == (set(), f".solved_exercises cannot be read ({said}), so none is shown as solved.")


def test_a_link_to_nowhere_is_trouble_and_no_empty_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / logbook.FILE).symlink_to("nowhere")
    assert "cannot be read" in logbook.solved(["1.1"])[1]


# ---- what a notebook calls ----


def record(key: str, hints: tuple[str, ...] = ("a", "b", "c")) -> Exercise:
    return Exercise(key, "Do it.", lambda p: p, lambda rng: [(np.array([0.5]),)], (), hints, "Good.")


@pytest.fixture
def two(monkeypatch, tmp_path):
    found = {key: record(key) for key in ("1.1", "1.2", "2.1")}
    monkeypatch.setattr(exercises, "all_exercises", lambda: found)
    monkeypatch.setattr(exercises, "_hints_taken", {})
    monkeypatch.chdir(tmp_path)


def test_hints_come_one_after_the_other_for_each_exercise(two, capsys):
    for key, step in (
        ("1.1", None),
        ("1.2", None),
        ("1.1", None),
        ("1.1", 1),
        ("1.1", None),
        ("1.1", 3),
        ("1.1", None),
    ):
        exercises.hint(key, step)
    last = '(That is the last one; exercises.solution("1.1") shows a solution.)'
    assert capsys.readouterr().out.splitlines() == [
        "Exercise 1.1, hint 1 of 3: a",
        "Exercise 1.2, hint 1 of 3: a",
        "Exercise 1.1, hint 2 of 3: b",
        "Exercise 1.1, hint 1 of 3: a",
        "Exercise 1.1, hint 2 of 3: b",
        f"Exercise 1.1, hint 3 of 3: c {last}",
        f"Exercise 1.1, hint 3 of 3: c {last}",
    ]


@pytest.mark.parametrize("step", [0, -1, 4])
def test_a_hint_that_is_not_there_is_refused(two, step):
    with pytest.raises(ValueError) as refused:
        exercises.hint("1.1", step)
    assert str(refused.value) == f"step is {step}, expected 1 to 3: exercise 1.1 has that many hints."


def test_a_key_that_is_not_there_is_refused(two):
    for function in (exercises.hint, exercises.solution, lambda key: exercises.check(key, 1)):
        with pytest.raises(KeyError) as refused:
            function("9.9")
        assert refused.value.args == ("there is no exercise '9.9', expected one of 1.1, 1.2, 2.1: check the number.",)


def test_the_progress_has_a_line_for_each_chapter(two, capsys):
    exercises.check("1.2", lambda p: p)
    exercises.check("2.1", lambda p: p + 1)
    with open(logbook.FILE, "a") as file:
        file.write("strange\n")
    capsys.readouterr()
    exercises.progress()
    assert capsys.readouterr().out.splitlines() == [
        "Progress: 1 of 3 exercises solved:",
        "Chapter 1: 1.1 ○   1.2 ✓",
        "Chapter 2: 2.1 ○",
        ".solved_exercises holds 1 line(s) that name no exercise; they are left out.",
        "Kept in .solved_exercises in this folder; delete it to start afresh.",
    ]


def test_trouble_with_the_file_is_printed_in_lines_that_fit(two, capsys, monkeypatch):
    monkeypatch.setattr(logbook, "remember", lambda key: f"{key} " + "word " * 30)
    exercises.check("1.1", lambda p: p)
    assert capsys.readouterr().out.splitlines() == [
        "Exercise 1.1: solved. Good.",
        "1.1 " + ("word " * 18).strip(),
        ("word " * 12).strip(),
    ]


def test_every_chapter_s_exercises_are_found_in_order():
    keys = list(exercises.all_exercises())
    assert keys == sorted(keys) and {key[0] for key in keys} == set("123456789")
    assert exercises.all_exercises() is exercises.all_exercises()


def test_a_solution_is_the_reference_s_source(monkeypatch):
    monkeypatch.setattr(exercises, "all_exercises", lambda: {"1.1": SimpleNamespace(reference=halved)})
    assert exercises.solution("1.1").data == "```python\ndef halved(p, by=2):\n    return p / by\n```"
