"""The checker of the exercises: it accepts what is right in any form, and says what is wrong in one clear sentence."""

import contextlib
import subprocess
import sys
import threading
import time
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch

from xent_helpers import exercises
from xent_helpers.exercises import Exercise, Mistake, Must, logbook, shrink, slips
from xent_helpers.exercises.calling import OutOfTime, time_limit
from xent_helpers.exercises.checker import diagnose, examine
from xent_helpers.exercises.display import Box
from xent_helpers.exercises.seeding import seed_of


def mean_surprisal(p):
    return -np.mean(np.log(p))


def forgot_the_sign(p):
    return np.mean(np.log(p))


def needs_a_second_axis(p):
    return p[:, 0]  # raises IndexError


def wrong_shape(p):
    return -np.log(p)


def drawn_inputs(rng):
    return [(np.array([0.5, 0.25]),), *((rng.uniform(0.1, 1.0, n),) for n in rng.integers(3, 9, 3))]


EXERCISE = Exercise(
    key="0.1",
    task="Return the mean of −log p.",
    reference=mean_surprisal,
    inputs=drawn_inputs,
    mistakes=(
        Mistake(forgot_the_sign, "Is it negative?"),
        Mistake(needs_a_second_axis, "How many axes?"),
        Mistake(wrong_shape, "Where is the mean?"),
    ),
    hints=("Take logarithms.", "Then the mean."),
    afterwards="Well done.",
    domain=lambda p: len(p) > 0 and np.all((p > 0) & (p <= 1)),
)
NUMBER = Exercise(
    "0.2", "Predict it.", lambda: np.log(2.0), lambda rng: [()], (Mistake(lambda: 1.0, "In nats?"),), (), "Good."
)
CHOICE = Exercise("0.3", "Choose.", lambda: 2, lambda rng: [()], (), (), "Good.")
LIST = Exercise("0.4", "Give three.", lambda: [1, 2, 3], lambda rng: [()], (), (), "Good.")
MATRIX = Exercise(
    "0.5", "Softmax of rows.", lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
    lambda rng: [(np.array([[0.0, 1.0]]),), (rng.normal(size=rng.integers(2, 6, 2)),)], (), (), "Good.",
    domain=lambda z: z.ndim == 2 and z.shape[1] > 1,
    must=(Must("sums to 1 along each row", lambda p, z: np.allclose(p.sum(axis=1), 1)),),
)  # fmt: skip


def loop(p):
    total = 0.0
    for value in p:
        total -= float(np.log(value))
    return total / len(p)


def rounded(p):
    return round(float(mean_surprisal(p)), 6)


# ---- right answers ----


@pytest.mark.parametrize(
    "right",
    [
        mean_surprisal,
        loop,
        lambda p: torch.log(torch.from_numpy(p)).neg().mean(),
        lambda p: -torch.log(torch.from_numpy(p).float()).mean(),
        lambda p: p.log().neg().mean(),  # takes tensors only
        lambda p: torch.nn.Parameter(p).log().mean().neg(),
        lambda p: np.array(loop(p)),
        lambda p: np.float32(loop(p)),
        lambda p: Fraction(loop(p)),
        partial(lambda sign, p: sign * np.mean(np.log(p)), -1),
        np.vectorize(mean_surprisal, signature="(n)->()"),
        lambda p, axis=0: -np.log(p).mean(axis),
        lambda *arguments: mean_surprisal(*arguments),
    ],
)
def test_right_answers_in_any_form_are_accepted(right):
    assert diagnose(EXERCISE, right) == "solved. Well done."


def test_half_precision_is_said():
    said = diagnose(EXERCISE, lambda p: (-np.log(p.astype(np.float16))).mean())
    assert said == "solved. Well done. (To half precision, which is all that its type shows.)"
    assert diagnose(EXERCISE, lambda p: torch.tensor(loop(p), dtype=torch.bfloat16)).startswith("solved.")


def test_half_precision_that_hides_a_known_mistake_is_not_called_solved():
    padded = Exercise(**vars(EXERCISE) | {"mistakes": (Mistake(lambda p: -np.mean(np.log(p + 1e-6)), "Padded?"),)})
    said = diagnose(padded, lambda p: np.float16(loop(p)))
    assert said.startswith("not yet. It agrees to half precision; but float16 has so few digits")
    assert diagnose(padded, lambda p: -np.mean(np.log(p + 1e-6))) == "not yet. Padded?"


def test_a_list_of_the_right_numbers_is_right():
    assert diagnose(MATRIX, lambda z: MATRIX.reference(z).tolist()) == "solved. Good."
    assert diagnose(MATRIX, lambda z: [list(row) for row in MATRIX.reference(z)]) == "solved. Good."


# ---- known mistakes, slips, and both ----


@pytest.mark.parametrize("mistake", EXERCISE.mistakes)
def test_a_known_mistake_is_named_also_where_it_raises_or_has_another_shape(mistake):
    result = examine(EXERCISE, mistake.wrong)
    assert (result.status, result.message, result.mistakes) == ("not yet", mistake.message, (mistake.name,))


def test_a_mistake_that_raises_is_taken_for_another_only_by_the_same_words():
    def other(p):
        raise IndexError("no such thing")

    assert "raises IndexError: no such thing for p = [1]" in diagnose(EXERCISE, other)


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        (lambda p: -np.sum(np.log(p)), ("times N",)),
        (lambda p: -np.mean(np.log2(p)), ("in bits",)),
        (lambda p: -np.sum(np.log(p)) / (len(p) - 1), ("mean over N − 1",)),
        (lambda p: np.mean(np.log10(p)), ("forgot_the_sign", "base 10")),
        (lambda p: np.sum(np.log(p)), ("forgot_the_sign", "times N")),
        (lambda p: np.log2(1 / p), ("wrong_shape", "in bits")),
        (lambda p: mean_surprisal(p) + 1e-7, ("epsilon added",)),
    ],
)
def test_a_slip_is_named_alone_and_beside_a_mistake(wrong, names):
    result = examine(EXERCISE, wrong)
    assert result.status == "not yet" and result.mistakes == names
    slip = next(one for one in slips.OF_A_NUMBER if one.name == names[-1])
    assert result.message.endswith(slip.clause)
    assert result.message.startswith("Right but for one thing: " if len(names) == 1 else tuple("IHW"))


def test_slips_of_the_labels_and_the_axes():
    exercise = exercises.all_exercises()["1.2"]
    off = examine(exercise, lambda p, y: np.mean(np.log(p[np.arange(len(y)), y - 1])))
    assert off.mistakes == ("negative", "labels too low")
    assert "along which axis" in diagnose(MATRIX, lambda z: np.exp(z) / np.exp(z).sum(axis=0))
    assert examine(MATRIX, lambda z: MATRIX.reference(z).T).mistakes == ("transposed",)
    beyond = examine(exercise, lambda p, y: -np.mean(np.log(p[np.arange(len(y)), y + 1])))
    assert beyond.mistakes == ("labels beyond",)


# ---- one clear sentence for all else ----


def test_an_unknown_mistake_gets_a_small_and_plain_input():
    said = diagnose(EXERCISE, lambda p: 3.0)
    assert said == "not yet. Your function gives 3 for p = [1]; a right answer there is -0."[:-3] + "0."


def test_the_input_has_only_as_many_samples_and_classes_as_the_fault_needs():
    said = diagnose(EXERCISE, lambda p: mean_surprisal(p) if len(p) < 3 else 7.0)
    assert "gives 7 for p = [1, 1, 1];" in said
    said = diagnose(MATRIX, lambda z: MATRIX.reference(z) * (1.1 if z.shape[1] > 2 else 1))
    assert "for z = [[0, 0, 0]]. A right answer there sums to 1 along each row." in said


def test_a_counterexample_that_keeps_all_properties_shows_the_value():
    said = diagnose(MATRIX, lambda z: np.full(z.shape, 1 / z.shape[1]))
    assert (
        said
        == ("not yet. Your function gives [[0.5, 0.5]] for z = [[1, 0]]; a right answer there is [[0.7311, 0.2689]].")
        or "z = [[0, 1]]" in said
    )


def test_two_numbers_that_look_alike_get_more_digits():
    assert "gives 0.693147 for p = [0.5]; a right answer there is 0.69314718" in diagnose(EXERCISE, rounded)


@pytest.mark.parametrize("answer", [None, ..., lambda p: None, lambda p: ...])
def test_an_unattempted_stub_gets_one_friendly_line(answer):
    assert diagnose(EXERCISE, answer).startswith("not attempted yet. ")
    assert EXERCISE.task in diagnose(EXERCISE, answer)


def test_a_stub_that_raises_not_implemented_is_not_attempted():
    def stub(p):
        raise NotImplementedError

    assert examine(EXERCISE, stub).status == "not attempted yet"


async def coroutine(p):
    return mean_surprisal(p)


def generator(p):
    yield mean_surprisal(p)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda p: mean_surprisal(p) if len(p) == 2 else None, "returns None for p = [1]. Which branch"),
        (lambda p: "a string", "returns the text 'a string' for p = [1]; what is asked for is a single number."),
        (lambda p: ["a", "b"], "returns a list that is no array of numbers"),
        (lambda p: {"loss": 1.0}, "returns a dict"),
        (lambda p: True, "returns True for p = [1]"),
        (lambda p: 1j * mean_surprisal(p), "returns a number that is complex"),
        (lambda p: [mean_surprisal(p)], "returns shape (1,) for p = [1]; what is asked for there is a single number"),
        (lambda p: np.nan, "gives NaN for p = [1]: nan. A right answer there is 0. Which step"),
        (lambda p: np.inf, "gives inf for p = [1]"),
        (lambda p: p["x"], "raises IndexError: "),
        (lambda p: 1 / 0, "raises ZeroDivisionError: division by zero for p = [1]."),
        (lambda p: sys.exit(), "raises SystemExit for p = [1]."),
        (lambda p: undefined_name, "raises NameError: name 'undefined_name' is not defined"),  # noqa: F821
        (lambda p: mean_surprisal, "returns a function"),
        (generator, "makes a generator, which computes nothing by itself: use return, without yield."),
        (coroutine, "makes a coroutine, which computes nothing by itself: use return, without async."),
        (lambda: 1.0, "Your function takes (nothing); it is called with 1 argument(s)."),
        (lambda p, y: 1.0, "Your function takes (p, y); it is called with 1 argument(s)."),
        (dict, "A function is asked for, and the class dict came."),
        (0.51, "A function is asked for, and 0.51 came. Hand over the function itself, without calling it."),
        ("mean", "A function is asked for, and 'mean' came."),
        (True, "A function is asked for, and True came."),
        ([1.0], "A function is asked for, and [1] came."),
    ],
)
@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")  # of what another test left behind
def test_each_thing_that_is_no_answer_gets_one_clear_sentence(answer, words):
    said = diagnose(EXERCISE, answer)
    assert said.startswith("not yet. ") and words in said
    assert "0x" not in said


def test_a_changed_argument_is_told_of_right_and_wrong_answers_alike():
    def greedy(p):
        p[0] = 0.5
        return 99.0

    def right(p):
        p *= 1
        p[:] = np.log(p)
        return -p.mean()

    def known(p):
        p[:] = np.log(p)
        return p.mean()

    changes = "Your function changes its argument for p = [0.5, 0.25], and with it the caller's data."
    assert changes in diagnose(EXERCISE, right) and "The values are right." in diagnose(EXERCISE, right)
    assert diagnose(EXERCISE, known).startswith("not yet. Is it negative? Your function changes its argument")
    assert "Your function changes its argument" in diagnose(EXERCISE, greedy)


def test_what_is_printed_is_told_and_not_shown(capsys):
    def chatty(p):
        print("shape", p.shape)
        return mean_surprisal(p)

    said = diagnose(EXERCISE, chatty)
    assert said.startswith("solved. Well done. (Your code printed ") and "the first: 'shape (2,)'.)" in said
    assert capsys.readouterr().out == ""


def test_a_slow_or_endless_answer_is_stopped_and_the_check_goes_on():
    began = time.monotonic()
    assert "takes too long: it was stopped after 0.8 seconds of work, or of waiting. It was busy for p = [" in diagnose(
        EXERCISE, lambda p: time.sleep(20)
    )

    def endless(p):
        while True:
            with contextlib.suppress(Exception):
                sum(range(1000))

    assert "takes too long" in diagnose(EXERCISE, endless)
    assert time.monotonic() - began < 12
    assert diagnose(EXERCISE, mean_surprisal) == "solved. Well done."


def test_an_interrupt_passes_and_leaves_no_timer():
    def interrupted(p):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        diagnose(EXERCISE, interrupted)
    time.sleep(0)
    with pytest.raises(OutOfTime), time_limit(0.01):
        time.sleep(1)


def test_in_another_thread_there_is_no_time_limit_and_the_check_works():
    said = []
    thread = threading.Thread(target=lambda: said.append(diagnose(EXERCISE, loop)))
    thread.start()
    thread.join()
    assert said == ["solved. Well done."]


# ---- values ----


@pytest.mark.parametrize(
    ("exercise", "answer", "said"),
    [
        (NUMBER, 0.6931471805599453, "solved. Good."),
        (NUMBER, torch.tensor(0.6931471805599453), "solved. Good."),
        (NUMBER, 1.0, "not yet. In nats?"),
        (NUMBER, -np.log(2), "not yet. Right but for one thing: the sign is turned round"),
        (NUMBER, 2.2, "not yet. 2.2 is not it. It is too large."),
        (NUMBER, 0.69, "not yet. 0.69 is not it. It is nearly right, as if rounded"),
        (NUMBER, 2 * np.log(2), "not yet. 1.386 is not it. It is 2 times what it should be."),
        (NUMBER, np.log(2) / 3, "not yet. 0.231 is not it. It is 1/3 of what it should be."),
        (NUMBER, np.nan, "not yet. nan is not it. NaN is no number"),
        (NUMBER, "ln 2", "not yet. The text 'ln 2' came, and a number is asked for without quotation marks."),
        (NUMBER, True, "not yet. True came, and a number is asked for."),
        (NUMBER, lambda: 0.69, "not yet. A value is asked for, and a function came. Predict it."),
        (NUMBER, [0.6931471805599453], "not yet. One number is asked for; [0.6931] came."),
        (NUMBER, None, "not attempted yet. Predict it."),
        (CHOICE, 2, "solved. Good."),
        (CHOICE, np.int64(2), "solved. Good."),
        (CHOICE, 4, "not yet. 4 is not it. Ask for a hint."),
        (LIST, (1, 2, 3), "solved. Good."),
        (LIST, [1, 3, 2], "not yet. 1 of the 3 entries is right. Ask for a hint."),
        (LIST, [1, 2], "not yet. A list of 3 numbers is asked for; [1, 2] came."),
        (LIST, ["a", "b", "c"], "not yet. A list that is no array of numbers came, and a list of 3 numbers"),
    ],
)
def test_a_value_is_checked_and_never_given_away(exercise, answer, said):
    assert diagnose(exercise, answer).startswith(said)
    if not said.startswith("solved") and exercise is NUMBER:
        assert "0.693147" not in diagnose(exercise, answer)


# ---- inputs ----


def test_the_seed_follows_the_code_and_what_it_holds():
    def with_value(value):
        return lambda p: value

    assert seed_of(with_value(1.0)) == seed_of(with_value(1.0)) != seed_of(with_value(2.0))
    assert seed_of(with_value(np.arange(3))) != seed_of(with_value(np.arange(4)))
    assert seed_of(partial(loop, 1)) != seed_of(partial(loop, 2))
    assert seed_of(torch.tensor([1.0])) != seed_of(torch.tensor([2.0]))
    one, two = {}, {}
    exec("def f(p): return p + 1", one)
    exec("def f(p): return p + 2", two)
    assert seed_of(one["f"]) != seed_of(two["f"])

    class Callable:
        def __init__(self, value):
            self.value = value

        def __call__(self, p):
            return self.value

    assert seed_of(Callable(1)) == seed_of(Callable(1)) != seed_of(Callable(2))


def test_outputs_cannot_be_hard_coded():
    seen = {}

    def remembering(p):
        return seen.setdefault(p.tobytes(), mean_surprisal(p))

    assert examine(EXERCISE, remembering).status == "solved"

    def recalling(p):
        return seen.get(p.tobytes(), 0.5)

    table = dict(seen)
    assert examine(EXERCISE, lambda p: table.get(p.tobytes(), 0.5)).status == "not yet"


def test_shrinking_stays_in_the_domain_and_keeps_labels_valid():
    def domain(p, y):
        seen.append((p, y))
        return np.allclose(p.sum(axis=1), 1) and len(p) == len(y) > 0 and np.all(y < p.shape[1])

    seen = []
    start = (np.random.default_rng(0).dirichlet(np.ones(6), 9), np.arange(9) % 6)
    p, y = shrink.smallest([start], lambda one: domain(*one) and 0 in one[1] and one[0].shape[1] > 1, domain)
    assert p.shape == (1, 2) and y.tolist() == [0] and sorted(p[0]) == [0, 1]


# ---- what is shown ----


@pytest.fixture
def one_exercise(monkeypatch, tmp_path):
    monkeypatch.setattr(exercises, "all_exercises", lambda: {"0.1": EXERCISE})
    monkeypatch.setattr(exercises, "_hints_taken", {})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_check_hint_and_solution_find_an_exercise_by_its_key(one_exercise, capsys):
    exercises.check("0.1", mean_surprisal)
    exercises.hint("0.1")
    exercises.hint("0.1")
    exercises.hint("0.1")
    exercises.hint("0.1", 1)
    last = "Exercise 0.1, hint 2 of 2: Then the mean. (That is the last one;"
    last += ' exercises.solution("0.1") shows\na solution.)\n'
    first = "Exercise 0.1, hint 1 of 2: Take logarithms.\n"
    assert capsys.readouterr().out == "Exercise 0.1: solved. Well done.\n" + first + last + last + first
    assert "np.mean(np.log(p))" in exercises.solution("0.1").data
    with pytest.raises(ValueError, match="step is 3, expected 1 to 2"):
        exercises.hint("0.1", 3)
    with pytest.raises(KeyError, match="no exercise '9.9', expected one of 0.1"):
        exercises.check("9.9", None)


@pytest.mark.parametrize(("status", "sign"), [("solved", "✓"), ("not yet", "✗"), ("not attempted yet", "○")])
def test_the_box_says_the_status_in_words_sign_and_colour(status, sign):
    box = Box("Exercise 3.2", "First <b>.\nThen " + "word " * 40, status)
    html = box._repr_html_()
    assert sign in html and f"Exercise 3.2: {status}" in html and "&lt;b&gt;" in html and 'role="status"' in html
    assert html == box._repr_html_() and "color: #" in html and "background" not in html
    assert repr(box).startswith(f"Exercise 3.2: {status}. First <b>.\nThen ")
    assert max(map(len, repr(box).splitlines())) <= 96


# ---- progress ----


def test_progress_is_kept_in_one_file_that_can_be_deleted(one_exercise, capsys):
    exercises.check("0.1", forgot_the_sign)
    assert list(one_exercise.iterdir()) == []
    exercises.progress()
    assert "Progress: 0 of 1 exercises solved" in capsys.readouterr().out
    for _ in range(3):
        exercises.check("0.1", mean_surprisal)
    assert [path.name for path in one_exercise.iterdir()] == [logbook.FILE]
    capsys.readouterr()
    exercises.progress()
    assert capsys.readouterr().out == (
        "Progress: 1 of 1 exercises solved:\nChapter 0: 0.1 ✓\n"
        f"Kept in {logbook.FILE} in this folder; delete it to start afresh.\n"
    )
    (one_exercise / logbook.FILE).unlink()
    exercises.progress()
    assert "Progress: 0 of 1" in capsys.readouterr().out


def test_a_spoilt_file_is_told_and_breaks_nothing(one_exercise, capsys):
    (one_exercise / logbook.FILE).write_bytes(b"\xff\xfe{garbage\n1.1.1\n0.")
    exercises.check("0.1", mean_surprisal)
    exercises.progress()
    said = capsys.readouterr().out
    assert "Progress: 1 of 1" in said and f"{logbook.FILE} holds 3 line(s) that name no exercise" in said


def test_a_file_that_cannot_be_written_is_told_and_breaks_nothing(one_exercise, capsys):
    (one_exercise / logbook.FILE).mkdir()
    exercises.check("0.1", mean_surprisal)
    exercises.progress()
    said = capsys.readouterr().out
    assert "Exercise 0.1: solved." in said and "Your progress could not be saved" in said
    assert f"{logbook.FILE} cannot be read" in said and str(one_exercise) not in said


def test_two_kernels_write_at_the_same_time(one_exercise):
    keys = [f"{chapter}.{number}" for chapter in range(1, 10) for number in range(1, 6)]
    code = "import runpy, sys\nfor key in sys.argv[2:]: runpy.run_path(sys.argv[1])['remember'](key)"
    runs = [subprocess.Popen([sys.executable, "-c", code, logbook.__file__, *half]) for half in (keys[::2], keys[1::2])]
    assert [run.wait(60) for run in runs] == [0, 0]
    assert logbook.solved(keys) == (set(keys), "")


@pytest.mark.parametrize("value", [0, 0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1e308, np.float32(0), 10**30])
def test_a_value_at_the_edge_of_the_numbers_is_judged_too(value):
    """Whatever number is handed in where a value is asked for, there is a verdict, and no error."""
    asked = [key for key, one in exercises.all_exercises().items() if one.asks_for_value]
    assert asked
    for key in asked:
        assert exercises.examine(key, value).status in ("solved", "not yet")


# ---- what an exercise may say of itself ----


def test_a_tolerance_may_depend_on_the_arguments():
    own = Exercise(**vars(EXERCISE) | {"tolerance": lambda p: 1e-12 if len(p) < 3 else 1e-3})
    assert diagnose(own, lambda p: mean_surprisal(p) + (1e-6 if len(p) >= 3 else 0)).startswith("solved")
    assert diagnose(own, lambda p: mean_surprisal(p) + 1e-6).startswith("not yet")


def test_shapes_that_do_not_fit_are_the_same_mistake_in_torch_as_in_numpy():
    def no_keepdims(z):
        return np.exp(z) / np.exp(z).sum(axis=1)

    known = Exercise(**vars(MATRIX) | {"mistakes": (Mistake(no_keepdims, "keepdims?"),)})
    assert diagnose(known, no_keepdims) == "not yet. keepdims?"
    assert diagnose(known, lambda z: torch.exp(torch.tensor(z)) / torch.exp(torch.tensor(z)).sum(1)) == (
        "not yet. keepdims?"
    )
