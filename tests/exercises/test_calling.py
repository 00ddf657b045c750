"""How a learner's function is called: on copies, in silence, within a time limit; which inputs it meets."""

import signal
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch

from xent_helpers.exercises import calling
from xent_helpers.exercises.calling import OutOfTime, as_other_library, call, in_silence, plainly, time_limit
from xent_helpers.exercises.cases import drawn
from xent_helpers.exercises.record import Exercise
from xent_helpers.exercises.values import Other, Raised


def test_a_call_tells_what_came_what_changed_and_what_was_printed(capsys):
    p = np.array([1.0, 2.0])

    def answer(p, n):
        print("seen", n)
        p[0] = 9
        return p.sum() * n

    found = call(answer, (p, 3))
    assert found.outcome.array == 33 and found.changed is True and found.printed == "seen 3\n"
    assert p.tolist() == [1, 2] and capsys.readouterr().out == ""
    found = call(lambda p, n: None, (p, 3))
    assert found.outcome == Other(None) and found.changed is False and found.printed == ""


def test_a_call_converts_what_it_hands_over():
    handed = []

    def answer(*arguments):
        handed.extend(arguments)
        arguments[0][0] = 5
        return arguments[0]

    found = call(answer, (np.array([1.0]), 2), as_other_library)
    assert isinstance(handed[0], torch.Tensor) and handed[1] == 2 and found.changed
    assert not call(lambda p: p * 2, (np.array([1.0]),), as_other_library).changed


@pytest.mark.parametrize("error", [KeyError("x"), SystemExit("x"), RecursionError("x")])
def test_an_exception_is_an_outcome(error):
    def answer():
        print("before")
        raise error

    found = call(answer, ())
    assert found.outcome == Raised(type(error).__name__, str(error)) and found.printed == "before\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OutOfTime, GeneratorExit])
def test_an_interrupt_is_passed_on(error):
    def answer():
        raise error

    with pytest.raises(error):
        call(answer, ())


@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")  # of what another test left behind
def test_a_coroutine_is_closed():
    async def answer():
        return 1.0

    came = call(answer, ()).outcome
    assert isinstance(came, Other) and came.value.cr_frame is None


def test_a_function_of_ours_is_called_on_copies_and_in_silence(capsys, recwarn):
    p = np.array([0.0, 1.0])

    def ours(p):
        print("loud")
        warnings.warn("loud", stacklevel=1)
        p /= 0
        return p

    assert plainly(ours, (p,)).array[1] == np.inf and p.tolist() == [0, 1]
    assert plainly(lambda p: p["x"], (p,)).kind == "IndexError" and plainly(lambda: int("x"), ()).text.endswith("'x'")
    with pytest.raises(SystemExit):
        plainly(lambda: sys.exit(), ())
    assert capsys.readouterr().out == "" and not recwarn.list


def test_silence_ends_with_its_block(capsys):
    with np.errstate(all="raise"):
        with in_silence() as printed:
            print("a")
            assert np.array(1.0) / 0 == np.inf
        with pytest.raises(FloatingPointError):
            np.array(1.0) / 0
    print("b")
    assert printed.getvalue() == "a\n" and capsys.readouterr().out == "b\n"
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)


def test_arrays_become_tensors_and_tensors_arrays():
    p = np.array([1.0, 2.0])
    tensor = as_other_library(p)
    assert isinstance(tensor, torch.Tensor) and tensor.tolist() == [1, 2]
    tensor[0] = 5
    assert p[0] == 1
    assert isinstance(as_other_library(tensor), np.ndarray) and as_other_library(tensor).tolist() == [5, 2]
    assert as_other_library(3) == 3 and as_other_library("a") == "a"


# ---- the time limit ----


class Clock:
    """Two clocks that stand still until they are set."""

    def __init__(self, monkeypatch):
        self.worked = self.waited = 100.0
        monkeypatch.setattr(calling, "time", self)

    def process_time(self):
        return self.worked

    def monotonic(self):
        return self.waited

    @staticmethod
    def tick():
        signal.getsignal(signal.SIGALRM)(signal.SIGALRM, None)


@pytest.mark.parametrize(("clock", "most"), [("worked", 5.0), ("waited", 15.0)])
def test_work_is_stopped_after_the_seconds_and_waiting_after_thrice_as_many(monkeypatch, clock, most):
    clocks = Clock(monkeypatch)
    with time_limit(5.0):
        clocks.tick()
        setattr(clocks, clock, 100 + most)
        clocks.tick()
        setattr(clocks, clock, 100 + most + 1e-6)
        with pytest.raises(OutOfTime):
            clocks.tick()
        with pytest.raises(OutOfTime):
            clocks.tick()


@pytest.mark.parametrize(("clock", "most"), [("worked", 5.0), ("waited", 15.0)])
def test_importing_costs_no_time(monkeypatch, clock, most):
    clocks = Clock(monkeypatch)
    with time_limit(5.0):
        setattr(clocks, clock, 150.0)
        monkeypatch.setitem(sys.modules, "never_before", sys)
        clocks.tick()
        setattr(clocks, clock, 150 + most)
        clocks.tick()
        setattr(clocks, clock, 151 + most)
        with pytest.raises(OutOfTime):
            clocks.tick()


def test_sleep_and_an_endless_loop_are_stopped():
    with pytest.raises(OutOfTime), time_limit(0.1):
        time.sleep(60)
    with pytest.raises(OutOfTime), time_limit(0.1):
        while True:
            pass


def test_code_that_catches_everything_is_stopped_in_the_end():
    caught = 0
    with pytest.raises(OutOfTime), time_limit(0.05):
        for _ in range(3):
            try:
                time.sleep(20)
            except BaseException:
                caught += 1
        time.sleep(20)
    assert caught == 3


def test_a_limit_leaves_the_timer_and_its_handler_as_they_were():
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        with pytest.raises(ZeroDivisionError), time_limit(0.05):
            1 / 0  # noqa: B018
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_the_timer_ticks_ten_times_in_the_seconds():
    with time_limit(50):
        left, every = signal.getitimer(signal.ITIMER_REAL)
    assert 0 < left <= 5 and every == 5


@pytest.mark.parametrize("why", ["another thread", "no timers"])
def test_where_there_is_no_timer_there_is_no_limit(why, monkeypatch):
    done = []

    def work():
        with time_limit(0.01):
            time.sleep(0.1)
            done.append(signal.getitimer(signal.ITIMER_REAL))

    if why == "another thread":
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    else:

        class NoTimer:  # what the module sees of ``signal`` on Windows
            SIGALRM, ITIMER_REAL = signal.SIGALRM, signal.ITIMER_REAL

        monkeypatch.setattr(calling, "signal", NoTimer)
        work()
    assert done == [(0, 0)]


# ---- which inputs ----


def exercise(inputs, rounds: int) -> Exercise:
    return Exercise("0.1", "", lambda p: p, inputs, (), (), "", rounds=rounds)


def test_each_input_is_met_once_and_the_first_round_is_counted():
    def inputs(rng):
        return [(np.array([0.5]),), (rng.integers(0, 2, 3),)]  # the first each time, the second one of eight

    cases, least = drawn(exercise(inputs, 20), 0)
    assert cases[0][0].tolist() == [0.5] and least == 2
    texts = [case[0].tolist() for case in cases]
    assert 7 <= len(texts) <= 9 and all(text not in texts[:n] for n, text in enumerate(texts))
    again = drawn(exercise(inputs, 20), 0)[0]
    assert [case[0].tolist() for case in again] == texts
    assert [case[0].tolist() for case in drawn(exercise(inputs, 20), 1)[0]] != texts


def test_rounds_end_when_there_are_enough_inputs():
    rounds = []

    def inputs(rng):
        rounds.append(rng)
        return [(rng.normal(size=2),) for _ in range(20)]

    cases, least = drawn(exercise(inputs, 9), 0)
    assert len(cases) == 60 and least == 20 and len(rounds) == 3 and len(set(map(id, rounds))) == 1
    assert len(drawn(exercise(inputs, 2), 0)[0]) == 40
    assert drawn(exercise(lambda rng: [(1,), (1,)], 3), 0) == ([(1,)], 1)
