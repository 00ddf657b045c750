"""The checker: it accepts what is right in any form, says in one sentence what is wrong, and survives any answer."""

import contextlib
import math
import os
import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from IPython.display import display

from xent_helpers import exercises
from xent_helpers.exercises import Draft, Must, Status, slips
from xent_helpers.exercises.calling import OutOfTime, TimeLimit
from xent_helpers.exercises.checker import examine

mean = Draft(
    "0.1",
    "Return the mean of −log p.",
    hints=("Take logarithms.", "Then the mean."),
    afterwards="Well done.",
)


@mean.reference
def mean_surprisal(p):
    return -np.mean(np.log(p))


@mean.inputs
def mean_inputs(rng):
    return [(np.array([0.5, 0.25]),), *((rng.uniform(0.1, 1.0, n),) for n in rng.integers(3, 9, 3))]


@mean.domain
def mean_domain(p):
    return len(p) > 0 and np.all((p > 0) & (p <= 1))


mean.says(slips.NEGATIVE, "Is it negative?")


@mean.mistake
def needs_a_second_axis(p):
    """How many axes?"""
    return p[:, 0]  # raises IndexError


@mean.mistake
def wrong_shape(p):
    """Where is the mean?"""
    return -np.log(p)


@mean.mistake(small=(1e-3, 1e-4))
def padded(p, small):
    """Padded?"""
    return -np.mean(np.log(p + small))


rows = Draft(
    "0.2",
    "Return the softmax of rows.",
    hints=(),
    afterwards="Good.",
    must=(Must("sums to 1 along each row", lambda p, z: np.allclose(p.sum(axis=1), 1)),),
)


@rows.reference
def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


@rows.inputs
def rows_inputs(rng):
    return [(np.array([[0.0, 1.0]]),), (rng.normal(size=rng.integers(2, 6, 2)),)]


@rows.domain
def rows_domain(z):
    return z.ndim == 2 and z.shape[1] > 1


@rows.mistake
def without_keepdims(z):
    """keepdims?"""
    return np.exp(z) / np.exp(z).sum(axis=1)


def value(key, right, must=()):
    draft = Draft(key, "Predict it.", hints=(), afterwards="Good.", must=must)
    draft.reference(lambda: right)
    return draft


number = value("0.3", np.log(2.0))
number.add(lambda: 1.0, "In nats?", "one")

MEAN, ROWS, NUMBER = mean.exercise(), rows.exercise(), number.exercise()
CHOICE, LIST = value("0.4", 2).exercise(), value("0.5", [1, 2, 3]).exercise()
POSITIVE = value("0.6", 0.5, (Must("is positive", lambda found: found > 0),)).exercise()


def loop(p):
    total = 0.0
    for one in p:
        total -= float(np.log(one))
    return total / len(p)


# ---- right answers ----


class Callable:
    def __call__(self, p):
        return mean_surprisal(p)


@pytest.mark.parametrize(
    "right",
    [
        mean_surprisal,
        loop,
        Callable(),
        Callable().__call__,
        lambda p: torch.log(torch.from_numpy(p)).neg().mean(),
        lambda p: -torch.log(torch.from_numpy(p).float()).mean(),
        lambda p: p.log().neg().mean(),  # takes tensors only
        lambda p: torch.nn.Parameter(p).log().mean().neg(),
        lambda p: np.array(loop(p)),
        lambda p: np.float32(loop(p)),
        lambda p: Fraction(loop(p)),
        lambda p: np.ma.masked_array(-np.log(p)).mean(),
        partial(lambda sign, p: sign * np.mean(np.log(p)), -1),
        np.vectorize(mean_surprisal, signature="(n)->()"),
        lambda p, axis=0: -np.log(p).mean(axis),
        lambda *arguments: mean_surprisal(*arguments),
    ],
)
def test_right_answers_in_any_form_are_accepted(right):
    result = examine(MEAN, right)
    assert (result.status, result.message) == (Status.SOLVED, "Well done.")


def test_a_list_of_the_right_numbers_is_right():
    assert examine(ROWS, lambda z: softmax(z).tolist()).status == Status.SOLVED
    assert examine(ROWS, lambda z: tuple(list(row) for row in softmax(z))).status == Status.SOLVED


def test_half_precision_is_accepted_unless_it_hides_a_known_mistake():
    assert examine(ROWS, lambda z: softmax(z).astype(np.float16)).status == Status.SOLVED
    assert examine(ROWS, lambda z: torch.tensor(softmax(z), dtype=torch.bfloat16)).status == Status.SOLVED
    assert examine(MEAN, lambda p: np.float16(loop(p))).status == Status.NOT_YET
    assert examine(MEAN, lambda p: padded(p, 1e-4)).message == "Padded?"
    assert examine(NUMBER, np.float16(np.log(2))).status == Status.SOLVED
    near_one = value("0.7", 1.0001)
    near_one.add(lambda: 1.0, "Rounded?", "rounded")
    assert examine(near_one.exercise(), np.float16(1.0)).status == Status.NOT_YET


# ---- known mistakes, slips, and both ----


@pytest.mark.parametrize("mistake", MEAN.mistakes, ids=[one.name for one in MEAN.mistakes])
def test_a_known_mistake_is_named_also_where_it_raises_or_has_another_shape(mistake):
    result = examine(MEAN, mistake.wrong)
    assert (result.status, result.message, result.mistakes) == (Status.NOT_YET, mistake.message, (mistake.name,))


def test_a_mistake_that_raises_is_not_taken_for_another_one_that_raises():
    def other(p):
        raise IndexError("no such thing")

    result = examine(MEAN, other)
    assert "raises IndexError: no such thing for p = [1]" in result.message and not result.mistakes


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        (lambda p: -np.sum(np.log(p)), ("times N",)),
        (lambda p: -np.mean(np.log2(p)), ("in bits",)),
        (lambda p: -np.sum(np.log(p)) / (len(p) - 1), ("mean over N − 1",)),
        (lambda p: np.mean(np.log10(p)), ("negative", "base 10")),
        (lambda p: np.sum(np.log(p)), ("negative", "times N")),
        (lambda p: np.log2(1 / p), ("wrong shape", "in bits")),
        (lambda p: mean_surprisal(p) + 1e-7, ("epsilon added",)),
    ],
)
def test_a_slip_is_named_alone_and_beside_a_mistake(wrong, names):
    result = examine(MEAN, wrong)
    assert result.status == Status.NOT_YET and result.mistakes == names
    assert next(one for one in slips.OF_A_NUMBER if one.name == names[-1]).clause in result.message


def test_slips_of_the_labels_and_the_axes():
    off_by_one = exercises.examine("1.2", lambda p, y: np.mean(np.log(p[np.arange(len(y)), y - 1])))
    assert off_by_one.mistakes == ("negative", "labels too low")
    beyond = exercises.examine("1.2", lambda p, y: -np.mean(np.log(p[np.arange(len(y)), y + 1])))
    assert beyond.mistakes == ("labels beyond",)
    assert examine(ROWS, lambda z: np.exp(z) / np.exp(z).sum(axis=0)).mistakes == ("wrong axis",)
    assert examine(ROWS, lambda z: softmax(z).T).mistakes == ("transposed",)


def test_shapes_that_do_not_fit_are_the_same_mistake_in_torch_as_in_numpy():
    def in_torch(z):
        e = torch.exp(torch.tensor(z))
        return e / e.sum(1)

    assert examine(ROWS, without_keepdims).message == examine(ROWS, in_torch).message == "keepdims?"


def test_a_family_and_replaceable_parts_make_one_mistake_for_each_combination():
    draft = Draft("0.8", "Scale x.", hints=(), afterwards="")
    draft.reference(lambda x: 2 * x)
    draft.inputs(lambda rng: [(rng.normal(),)])
    factors = [exercises.draft.Variant("tripled", 3, "Thrice?"), exercises.draft.Variant("once", 1, "Once?")]
    shifts = [exercises.draft.Variant("shifted", 1, "Shifted?")]

    def from_parts(x, factor=2, shift=0):
        return factor * x + shift

    draft.parts(from_parts, factor=factors)
    draft.parts(from_parts, factor=factors, shift=shifts)
    exercise = draft.exercise()
    assert [one.name for one in exercise.mistakes] == ["tripled", "once", "tripled and shifted", "once and shifted"]
    both = examine(exercise, lambda x: 3 * x + 1)
    assert both.mistakes == ("tripled and shifted",) and "Thrice?" in both.message and "Shifted?" in both.message


# ---- one sentence for everything else ----


def test_an_unknown_mistake_is_shown_on_an_input_as_small_and_plain_as_the_fault_allows():
    assert "gives 3 for p = [1]; a right answer there is 0." in examine(MEAN, lambda p: 3.0).message
    longer = examine(MEAN, lambda p: mean_surprisal(p) if len(p) < 3 else 7.0)
    assert "for p = [1, 1, 1];" in longer.message
    wider = examine(ROWS, lambda z: softmax(z) * (1.1 if z.shape[1] > 2 else 1))
    assert "for z = [[0, 0, 0]]. A right answer there sums to 1 along each row." in wider.message
    equal = examine(ROWS, lambda z: np.full(z.shape, 1 / z.shape[1]))
    assert "[[0.5, 0.5]]" in equal.message and "0.7311" in equal.message


def test_numbers_that_look_alike_get_more_digits():
    rounded = examine(MEAN, lambda p: round(float(mean_surprisal(p)), 6))
    assert "gives 0.693147 for p = [0.5]; a right answer there is 0.69314718" in rounded.message


@pytest.mark.parametrize("answer", [None, ..., lambda p: None, lambda p: ...])
def test_an_unattempted_stub_gets_the_task(answer):
    result = examine(MEAN, answer)
    assert result.status == Status.NOT_ATTEMPTED and MEAN.task in result.message


def test_a_stub_that_raises_not_implemented_is_not_attempted():
    def stub(p):
        raise NotImplementedError

    assert examine(MEAN, stub).status == Status.NOT_ATTEMPTED


async def coroutine(p):
    return mean_surprisal(p)


def generator(p):
    yield mean_surprisal(p)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda p: mean_surprisal(p) if len(p) == 2 else None, "None for p = [1]"),
        (lambda p: " a  string", "' a  string'"),
        (lambda p: ["a", "b"], "a list"),
        (lambda p: {"loss": 1.0}, "a dict"),
        (lambda p: True, "True"),
        (lambda p: 1j * mean_surprisal(p), "complex"),
        (lambda p: object(), "an object"),
        (lambda p: [mean_surprisal(p)], "shape (1,) for p = [1]"),
        (lambda p: np.zeros((5, 6)), "shape (5, 6)"),
        (lambda p: np.nan, "NaN for p = [1]"),
        (lambda p: np.inf, "inf for p = [1]"),
        (lambda p: p["x"], "IndexError: "),
        (lambda p: 1 / 0, "ZeroDivisionError: division by zero for p = [1]"),
        (lambda p: sys.exit(), "SystemExit for p = [1]"),
        (lambda p: undefined_name, "NameError: name 'undefined_name' is not defined"),  # noqa: F821
        (lambda p: lambda: mean_surprisal(p), "a function"),
        (generator, "a generator"),
        (coroutine, "a coroutine"),
        (lambda: 1.0, "takes (nothing)"),
        (lambda p, y: 1.0, "takes (p, y)"),
        (dict, "dict"),
        (0.51, "0.51"),
        ("mean", "'mean'"),
        (True, "True"),
        ([1.0], "[1]"),
        (np.array([True, False]), "[True, False]"),
        (np.zeros(100), "an array of shape (100,)"),
        (np.zeros(100) == 0, "an array of shape (100,)"),
    ],
)
@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")  # of what another test left behind
def test_whatever_is_no_answer_gets_a_sentence_that_names_it(answer, words):
    result = examine(MEAN, answer)
    assert result.status == Status.NOT_YET and words in result.message
    assert "0x" not in result.message  # no address


def test_a_changed_argument_is_reported_with_right_and_wrong_answers():
    def greedy(p):
        p[0] = 0.5
        return 99.0

    def right(p):
        p[:] = np.log(p)
        return -p.mean()

    def known(p):
        p[:] = np.log(p)
        return p.mean()

    for answer, words in ((greedy, ""), (right, "The values are right."), (known, "Is it negative?")):
        result = examine(MEAN, answer)
        assert result.status == Status.NOT_YET
        assert words in result.message and "changes its argument" in result.message


def test_printed_lines_are_reported_and_not_shown(capsys):
    def chatty(p):
        print("shape", p.shape)
        return mean_surprisal(p)

    result = examine(MEAN, chatty)
    assert result.status == Status.SOLVED and "'shape (2,)'" in result.message
    assert capsys.readouterr().out == ""


def test_an_exception_names_the_line_of_the_learners_own_code():
    def helper(p):
        return np.concatenate([p, 1])

    result = examine(MEAN, lambda p: helper(p))
    assert "raises ValueError" in result.message and "'return np.concatenate([p, 1])'" in result.message


def test_an_exception_whose_text_fails_is_reported():
    class Mute(Exception):
        def __str__(self):
            raise ValueError

    def answer(p):
        raise Mute

    assert "raises Mute for p = [" in examine(MEAN, answer).message


@pytest.mark.parametrize("spread", [1.0, 1e-4, 1e-13])
def test_an_answer_that_differs_from_call_to_call_is_told_so(spread):
    rng = np.random.default_rng(0)
    result = examine(MEAN, lambda p: 8 + spread * rng.random())
    assert result.status == Status.NOT_YET and "when it is called with the same again" in result.message


def test_an_answer_that_is_sometimes_right_is_told_so():
    rng = np.random.default_rng(0)
    result = examine(MEAN, lambda p: mean_surprisal(p) + (rng.random() < 0.2))
    assert result.status == Status.NOT_YET and "Does chance play a part" in result.message


def test_figures_and_displays_of_an_answer_are_kept_out_of_sight(capsys):
    plt.figure()
    before = plt.get_fignums()

    def answer(p):
        plt.figure()
        plt.plot(p)
        plt.show()
        display(p)
        sys.stderr.write("warning")
        return mean_surprisal(p)

    assert examine(MEAN, answer).status == Status.SOLVED
    assert plt.get_fignums() == before and "".join(capsys.readouterr()) == ""
    plt.close("all")


# ---- float32 ----


def in_float32(p):
    return -np.log(p.astype(np.float32)).mean()


@pytest.mark.parametrize(
    "as_python", [float, lambda one: one.item(), lambda one: np.float64(one), lambda one: Fraction(float(one))]
)
def test_float32_arithmetic_is_known_behind_a_number_of_python(as_python):
    assert examine(MEAN, lambda p: as_python(in_float32(p))).status == Status.SOLVED
    assert examine(MEAN, lambda p: as_python(-np.log(p.astype("f4")).mean())).status == Status.SOLVED
    assert examine(ROWS, lambda z: softmax(z.astype(np.float32)).tolist()).status == Status.SOLVED
    assert examine(MEAN, lambda p: sum(-math.log(one) for one in p.astype(np.float32)) / len(p)).status == Status.SOLVED
    assert examine(MEAN, lambda p: round(float(in_float32(p)), 5)).status == Status.NOT_YET


def test_float32_may_be_asked_for_by_name_and_by_type_in_one_answer():
    assert examine(MEAN, lambda p: -np.log(p.astype("f4")).mean(dtype=np.float32)).status == Status.SOLVED
    assert examine(MEAN, lambda p: -np.log(np.array(p, "float32")).mean().astype(np.float32)).status == Status.SOLVED


@pytest.mark.parametrize("small", [1e-4, 1e-5, 1e-6])
@pytest.mark.parametrize("kind", [lambda one: np.float32(one), lambda one: float(np.float32(one)), torch.tensor])
def test_a_known_mistake_is_told_from_a_right_answer_in_float32(small, kind):
    own = Draft("0.9", "…", hints=(), afterwards="")
    own.reference(mean_surprisal)
    own.inputs(mean_inputs)
    own.mistake(padded, small=(small,))
    exercise = own.exercise()
    wrong = examine(exercise, lambda p: kind(padded(p.astype(np.float32), np.float32(small))))
    assert (wrong.status, wrong.message) == (Status.NOT_YET, "Padded?")
    assert examine(exercise, lambda p: kind(in_float32(p))).status == Status.SOLVED


# ---- time ----


def endless(p):
    while True:
        with contextlib.suppress(Exception):
            sum(range(1000))


def endless_catching_everything(p):
    while True:
        try:
            for _ in range(100):
                np.log(p)
        except:  # noqa: E722
            continue


def endless_twice_over(p):
    while True:
        try:  # noqa: SIM105
            endless_catching_everything(p)
        except BaseException:
            pass


@pytest.mark.parametrize(
    "answer", [lambda p: time.sleep(20), partial(time.sleep), endless, endless_catching_everything, endless_twice_over]
)
@pytest.mark.parametrize("timers", ["with timers", "without timers, as on Windows"])
def test_a_slow_or_endless_answer_is_stopped_and_the_check_goes_on(answer, timers, monkeypatch):
    if timers == "without timers, as on Windows":
        monkeypatch.delattr(signal, "setitimer")
        monkeypatch.delattr(signal, "SIGALRM")
    result = examine(MEAN, partial(lambda answer, p: answer(30 if isinstance(answer, partial) else p), answer))
    assert result.status == Status.NOT_YET and "too long" in result.message and "for p = [" in result.message
    assert examine(MEAN, mean_surprisal).status == Status.SOLVED


def slow_at_last(count):
    """Loops for ever from its call number ``count`` on."""
    calls = []

    def answer(p):
        calls.append(p)
        while len(calls) >= count:
            pass
        return 3.0

    return answer


@pytest.mark.parametrize("count", range(5, 60, 9))
def test_an_answer_that_is_slow_in_the_search_for_a_small_input_is_still_described(count):
    assert examine(MEAN, slow_at_last(count)).status == Status.NOT_YET


def test_what_other_programs_do_makes_no_answer_slow():
    """One call that gets a tenth of the processor for longer than a call may wait."""
    began = time.monotonic()

    def answer(p):
        while time.monotonic() - began < 3:
            time.sleep(0.02)
            sum(range(80_000))
        return mean_surprisal(p)

    assert examine(MEAN, answer).status == Status.SOLVED


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timers")
def test_a_limit_leaves_no_timer_and_lets_another_one_go_on():
    if sys.gettrace():
        pytest.skip("coverage holds a lock that an alarm inside it leaves locked")

    def work():
        while True:
            pass

    rang = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    for _ in range(20):
        with pytest.raises(OutOfTime):
            TimeLimit(0.002).run(work, ())
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    with pytest.raises(OutOfTime):
        TimeLimit(0.002).run(work, ())
    time.sleep(0.4)
    assert rang == [1]
    signal.signal(signal.SIGALRM, before)


def test_an_interrupt_is_passed_on():
    def interrupted(p):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        examine(MEAN, interrupted)
    assert examine(MEAN, mean_surprisal).status == Status.SOLVED


def test_the_check_works_in_another_thread():
    results = []
    thread = threading.Thread(target=lambda: results.append(examine(MEAN, loop)))
    thread.start()
    thread.join()
    assert [result.status for result in results] == [Status.SOLVED]


# ---- values ----


@pytest.mark.parametrize("right", [np.log(2), torch.tensor(np.log(2)), np.float32(np.log(2))])
def test_a_right_value_is_accepted(right):
    assert examine(NUMBER, right).status == Status.SOLVED


def test_right_choices_and_lists_are_accepted():
    assert examine(CHOICE, 2).status == examine(CHOICE, np.int64(2)).status == Status.SOLVED
    assert examine(LIST, (1, 2, 3)).status == Status.SOLVED


@pytest.mark.parametrize(
    ("exercise", "answer", "words"),
    [
        (NUMBER, 1.0, "In nats?"),
        (NUMBER, -np.log(2), slips.NEGATIVE.clause),
        (NUMBER, 2.2, "too large"),
        (NUMBER, 0.5, "too small"),
        (NUMBER, 0.69, "nearly right"),
        (NUMBER, 0.692, "0.692 is not it. It is too small"),  # no rounding of it
        (NUMBER, 2 * np.log(2), "too large"),
        (NUMBER, np.log(2) / 3, "too small"),
        (NUMBER, np.nan, "NaN"),
        (NUMBER, "ln 2", "'ln 2'"),
        (NUMBER, True, "True"),
        (NUMBER, lambda: 0.69, "a function"),
        (NUMBER, [0.6931471805599453], "One number"),
        (CHOICE, 4, "4 is not it"),
        (LIST, [1, 3, 2], "1 of the 3 entries is right"),
        (LIST, [1, 2], "A list of 3 numbers"),
        (LIST, ["a", "b", "c"], "a list of 3 numbers"),
        (LIST, [1, None, 3], "Entry 2 of your list is still None"),
        (POSITIVE, -3, "is positive"),
    ],
)
def test_a_wrong_value_is_refused_and_the_right_one_never_given_away(exercise, answer, words):
    result = examine(exercise, answer)
    assert result.status == Status.NOT_YET and words in result.message
    assert exercise is not NUMBER or "0.693147" not in result.message


def test_an_untouched_value_gets_the_task():
    assert examine(NUMBER, None).message == "Predict it."


@pytest.mark.parametrize("edge", [0, 0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1e308, np.float32(0), 10**30])
def test_any_number_gets_a_verdict_where_a_value_is_asked_for(edge):
    asked = [key for key, one in exercises.all_exercises().items() if one.asks_for_value]
    assert asked
    for key in asked:
        assert exercises.examine(key, edge).status in (Status.SOLVED, Status.NOT_YET)


# ---- inputs ----


def test_outputs_cannot_be_hard_coded():
    """An answer that recalls what a right one gave gets other inputs, for the seed follows the answer's own code."""
    seen = {}

    def remembering(p):
        return seen.setdefault(p.tobytes(), mean_surprisal(p))

    assert examine(MEAN, remembering).status == Status.SOLVED
    table = dict(seen)
    assert examine(MEAN, lambda p: table.get(p.tobytes(), 0.5)).status == Status.NOT_YET


def inputs_seen(make, *arguments):
    seen = []
    answer = make(lambda p: seen.append(p.tolist()) or 3.0, *arguments)
    examine(MEAN, answer)
    return seen[:4]


def test_the_inputs_follow_what_the_answer_holds():
    class Holds:
        def __init__(self, record, held):
            self.record, self.held = record, held

        def __call__(self, p):
            return self.record(p)

    def closure(record, held):
        return lambda p: record(p) if held is not None else None

    def bound(record, held):
        return partial(lambda held, p: record(p), held)

    def compiled(record, held):
        names = {"record": record}
        exec(f"def answer(p): return record(p), {held!r}", names)
        return names["answer"]

    for make, one, other in (
        (Holds, 1, 2),
        (closure, {"a": np.arange(3)}, {"a": np.arange(4)}),
        (closure, {1, 2}, {1, 3}),
        (bound, torch.tensor([1.0]), torch.tensor([2.0])),
        (compiled, 1.0, 2.0),
    ):
        assert inputs_seen(make, one) == inputs_seen(make, one) != inputs_seen(make, other)


def test_the_inputs_follow_an_answer_in_a_process_started_with_a_text():
    """There Python 3.13 takes that text for the source of whatever exec() compiled."""
    text = """
from xent_helpers.exercises.seeding import seed_of

def compiled(held):
    names = {}
    exec(f"def answer(p): return {held!r}", names)
    return names["answer"]

assert seed_of(compiled(1.0)) == seed_of(compiled(1.0)) != seed_of(compiled(2.0))
"""
    subprocess.run([sys.executable, "-c", text], check=True)


def test_a_name_without_a_value_yet_does_no_harm():
    def outer():
        def answer(p):
            return mean_surprisal(p) if p is not later else None

        result = examine(MEAN, answer)
        later = None
        return result

    assert outer().status == Status.NOT_YET


def test_a_tolerance_may_depend_on_the_arguments():
    own = Draft("0.9", "…", hints=(), afterwards="", tolerance=lambda p: 1e-12 if len(p) < 3 else 1e-3)
    own.reference(mean_surprisal)
    own.inputs(mean_inputs)
    exercise = own.exercise()
    assert examine(exercise, lambda p: mean_surprisal(p) + (1e-6 if len(p) >= 3 else 0)).status == Status.SOLVED
    assert examine(exercise, lambda p: mean_surprisal(p) + 1e-6).status == Status.NOT_YET


# ---- what a notebook calls ----


@pytest.fixture
def course(monkeypatch, tmp_path):
    """A course of three exercises, in a folder of its own."""
    again = [Draft(key, "Do it.", hints=("a", "b"), afterwards="Good.") for key in ("1.1", "2.1")]
    for draft in again:
        draft.reference(mean_surprisal)
        draft.inputs(mean_inputs)
    found = {"0.1": MEAN} | {draft.exercise().key: draft.exercise() for draft in again}
    monkeypatch.setattr(exercises, "all_exercises", lambda: found)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_check_shows_the_result(course, capsys):
    exercises.check("0.1", mean_surprisal)
    assert "Exercise 0.1: solved. Well done." in capsys.readouterr().out


def test_hints_come_one_after_the_other_for_each_exercise(course, capsys):
    for key, step in (("0.1", None), ("1.1", None), ("0.1", None), ("0.1", None), ("0.1", 1)):
        exercises.hint(key, step)
    said = capsys.readouterr().out
    found = [said.find(words) for words in ("Take logarithms.", "1.1, hint 1 of 2: a", "Then the mean.")]
    assert found == sorted(found) and min(found) >= 0
    assert said.count("Then the mean.") == said.count("Take logarithms.") == 2
    for step in (0, 3):
        with pytest.raises(ValueError, match=f"step is {step}, expected 1 to 2"):
            exercises.hint("0.1", step)


def test_a_key_that_does_not_exist_is_refused(course):
    for function in (exercises.hint, exercises.solution, lambda key: exercises.check(key, 1)):
        with pytest.raises(KeyError, match=r"9\.9.*0\.1, 1\.1, 2\.1"):
            function("9.9")
        with pytest.raises(TypeError, match='write "1.1", with quotation marks'):
            function(1.1)


def test_the_solution_is_the_source_of_the_reference_alone(course):
    shown = exercises.solution("0.1").data
    assert shown == "```python\ndef mean_surprisal(p):\n    return -np.mean(np.log(p))\n```"


@pytest.mark.parametrize(("status", "sign"), list(zip(Status, "✓✗○", strict=True)))
def test_the_box_says_the_status_in_words_and_by_a_sign(status, sign):
    box = exercises.display.Box("Exercise 3.2", "First <b>.\nThen " + "word " * 40, status)
    html = box._repr_html_()
    assert sign in html and f"Exercise 3.2: {status}" in html and "&lt;b&gt;" in html and 'role="status"' in html
    assert repr(box).startswith(f"Exercise 3.2: {status}. First <b>.\nThen ")
    assert max(map(len, repr(box).splitlines())) <= exercises.display.WIDTH


def progress_shown(capsys):
    capsys.readouterr()
    exercises.progress()
    return capsys.readouterr().out


def test_progress_is_kept_in_one_file_that_can_be_deleted(course, capsys):
    exercises.check("0.1", wrong_shape)
    assert not list(course.iterdir()) and "0 of 3" in progress_shown(capsys)
    for _ in range(3):
        exercises.check("0.1", mean_surprisal)
    (file,) = course.iterdir()
    shown = progress_shown(capsys)
    assert "1 of 3" in shown and "0.1 ✓" in shown and "2.1 ○" in shown and file.name in shown
    file.unlink()
    assert "0 of 3" in progress_shown(capsys)


def test_a_spoilt_file_is_reported_and_breaks_nothing(course, capsys):
    (course / exercises.FILE).write_bytes(b"\xff\xfe{garbage\n1.1.1\n0.")
    exercises.check("0.1", mean_surprisal)
    shown = progress_shown(capsys)
    assert "1 of 3" in shown and "3 line(s) that name no exercise" in shown


@pytest.mark.parametrize("obstacle", ["folder", "link to nowhere"])
def test_a_file_that_cannot_be_written_is_reported_and_breaks_nothing(course, capsys, obstacle):
    place = course / exercises.FILE
    if obstacle == "folder":
        place.mkdir()
    else:
        place.symlink_to("missing/too")
    exercises.check("0.1", mean_surprisal)
    said = capsys.readouterr().out
    assert "Exercise 0.1: solved." in said and "could not be saved" in said and str(course) not in said
    assert "cannot be read" in progress_shown(capsys)


def test_two_kernels_can_write_at_the_same_time(course, capsys):
    code = (
        "import sys\nfrom xent_helpers.exercises.solved_file import remember\n"
        "for n in range(40): remember(f'{sys.argv[1]}.{n}')"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code, name], env=environment()) for name in ("1", "2")]
    assert [run.wait(120) for run in runs] == [0, 0]
    assert "2 of 3" in progress_shown(capsys)  # 1.1 and 2.1
    lines = (course / exercises.FILE).read_text().split()
    assert sorted(lines) == sorted(f"{name}.{n}" for name in "12" for n in range(40))


def environment():
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def test_a_mistake_without_a_message_is_refused():
    with pytest.raises(ValueError, match="silent has no docstring"):

        @mean.mistake
        def silent(p):
            return 0.0
