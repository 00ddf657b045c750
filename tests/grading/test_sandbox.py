"""The sandbox: its command line, its limits and how it ends a command; ``test_grading.py`` tries to break out of it."""

import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from types import SimpleNamespace as Fake

import psutil
import pytest

from xent_helpers.exercises import sandbox
from xent_helpers.exercises.sandbox import MEBIBYTE, Limits, Outcome

pytestmark = pytest.mark.skipif(os.name == "nt", reason="grade runs on Linux and macOS")

ROOT = str(sandbox.PACKAGE.parent)
LIMITS = Limits(seconds=30)


# ---- whether there is a sandbox ----


@pytest.fixture
def bwrap(tmp_path, monkeypatch):
    """Put the lines of a shell on the path in the place of bubblewrap."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(*lines):
        path = folder / "bwrap"
        path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
        path.chmod(0o755)

    return put


@pytest.fixture
def typed():
    """Have a line wait on this process's standard input."""
    kept = os.dup(0)
    reader, writer = os.pipe()
    os.write(writer, b"a line\n")
    os.dup2(reader, 0)
    yield
    os.dup2(kept, 0)
    for descriptor in (kept, reader, writer):
        os.close(descriptor)


def test_without_bubblewrap_there_is_none(bwrap):
    assert sandbox.obstacle() == "bubblewrap (the command bwrap) is not installed"


@pytest.mark.usefixtures("typed")
def test_where_python_runs_in_it_nothing_is_in_the_way_and_nothing_is_shown(bwrap, tmp_path, capfd):
    bwrap(f"printf '%s\\n' \"$@\" >{tmp_path}/came", "read line && exit 9", "echo out; echo err >&2")
    assert sandbox.obstacle() is None
    trial = [sys.executable, "-c", "import IPython, numpy, xent_helpers"]
    assert tmp_path.joinpath("came").read_text().splitlines() == sandbox.confined(trial)[1:]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["echo first >&2", "printf 'uid \\377 map\\n' >&2", "exit 1"], "uid � map"),
        (["echo on another channel", "exit 3"], "it ends with status 3"),
    ],
)
def test_where_it_fails_its_last_line_or_its_status_says_why(bwrap, lines, said):
    bwrap(*lines)
    why = "bubblewrap is installed (0.8 or newer is needed), but Python does not run in it here: "
    assert sandbox.obstacle() == why + said


# ---- the command line ----


COMMAND_LINE = """
bwrap --unshare-all --unshare-user --disable-userns --uid 1000 --gid 1000
--cap-drop ALL --hostname sandbox --new-session --die-with-parent --clearenv
--dev /dev --proc /proc
--size 67108864 --tmpfs /dev/shm --size 67108864 --tmpfs /tmp --size 268435456 --tmpfs /submission
--ro-bind-try /usr /usr --ro-bind-try /etc/ld.so.cache /etc/ld.so.cache
--ro-bind-try /etc/alternatives /etc/alternatives --ro-bind-try /etc/fonts /etc/fonts
--symlink usr/bin /bin --ro-bind-try /lib /lib --symlink usr/lib64 /lib64
--ro-bind /opt/python /opt/python --ro-bind /opt/course /opt/course
--remount-ro /proc --remount-ro /dev --remount-ro /
--chdir /submission
--setenv PYTHONPATH {ROOT} --setenv PYTHONDONTWRITEBYTECODE 1 --setenv MPLBACKEND Agg
--setenv OMP_NUM_THREADS 1 --setenv HOME /submission --setenv USER student
--setenv PATH /usr/bin:/bin --setenv LANG C.UTF-8 --setenv PYTHONUSERBASE /home/me/.local
-- python -c {CODE}
"""


def test_the_command_line_shows_what_python_needs_and_nothing_else(monkeypatch):
    links = {"/bin": "usr/bin", "/lib64": "usr/lib64"}
    monkeypatch.setattr(sandbox, "_python_folders", lambda: ["/opt/python", "/opt/course"])
    monkeypatch.setattr(sandbox, "site", Fake(getuserbase=lambda: "/home/me/.local"))
    with monkeypatch.context() as here:
        here.setattr(sandbox.Path, "is_symlink", lambda path: str(path) in links)
        here.setattr(sandbox, "os", Fake(readlink=lambda path: links[path]))
        came = sandbox.confined(["python", "-c", "a b"])
    assert came == [{"{ROOT}": ROOT, "{CODE}": "a b"}.get(word, word) for word in COMMAND_LINE.split()]


def test_python_is_read_from_its_own_folders_and_the_course_from_its_package_alone(tmp_path, monkeypatch):
    venv, course, gone = (tmp_path / name for name in ("venv", "course", "gone"))
    kept = [venv / "site-packages", tmp_path / "dist-packages"]
    for folder in (*kept, course / "site-packages.d"):
        folder.mkdir(parents=True)
    monkeypatch.setattr(sandbox, "PACKAGE", course)
    entries = ["", course, *kept, kept[0], gone / "site-packages", course / "site-packages.d"]
    with monkeypatch.context() as here:
        here.setattr(sys, "path", [str(entry) for entry in entries])
        here.setattr(sys, "prefix", str(venv))
        for base in ("/usr", str(venv), str(gone)):
            here.setattr(sys, "base_prefix", base)
            assert sandbox._python_folders() == [str(folder) for folder in (venv, *kept, course)], base
        here.setattr(sys, "base_prefix", str(tmp_path))
        assert sandbox._python_folders() == [str(folder) for folder in (tmp_path, venv, *kept, course)]


def test_the_kernel_allows_the_threads_of_a_command_beside_all_that_the_user_has(monkeypatch):
    me, other = os.getuid(), os.getuid() + 1
    found = [((me, me), 3), ((other, me), 50), (None, 7), ((me, other), 4)]

    def process_iter(names):
        for uids, threads in found:
            known = {"uids": uids and Fake(real=uids[0], effective=uids[1]), "num_threads": threads}
            yield Fake(info={name: known[name] for name in names})

    monkeypatch.setattr(sandbox.psutil, "process_iter", process_iter)
    assert sandbox.threads_allowed(Limits(processes=10)) == 4 * 10 + 3 + 4


# ---- running a command ----


def run(script, request=lambda deadline: b"", *, limits=LIMITS, **options):
    return sandbox.run(["sh", "-c", script], request, limits, **{"trust": True} | options)


def running():
    return {process.pid for process in psutil.Process().children(recursive=True)}


def test_a_command_gets_the_request_and_only_its_output_comes_back(capfd):
    text = b"0123456789abcdef" * 2**13
    assert run("cat; echo err >&2; exit 7", lambda deadline: text) == Outcome("", 7, text)
    assert capfd.readouterr() == ("", "")


def test_the_deadline_is_the_limit_from_now_on_the_monotonic_clock():
    began, deadlines = time.monotonic(), []
    run("exit 0", lambda deadline: deadlines.append(deadline) or b"")
    assert began + 30 <= deadlines[0] <= time.monotonic() + 30


def test_a_command_runs_in_an_empty_folder_of_its_own_that_is_removed_however_it_is_left(monkeypatch):
    made = []

    def folder(**options):
        made.append((options, tempfile.TemporaryDirectory(**options)))
        return made[-1][1]

    monkeypatch.setattr(sandbox, "TemporaryDirectory", folder)
    outcome = run("ls -A; pwd -P; echo x >left; mkdir more")
    ((options, mine),) = made
    assert outcome.output.decode() == os.path.realpath(mine.name) + "\n"
    assert os.path.basename(mine.name).startswith("grade-") and not os.path.exists(mine.name)
    assert options["ignore_cleanup_errors"] is True  # what still runs may write while the folder is removed


def test_a_command_has_a_session_of_its_own():
    code = "import os; print(os.getsid(0) == os.getpid())"
    assert sandbox.run([sys.executable, "-I", "-c", code], lambda _: b"", LIMITS, trust=True).output == b"True\n"


def test_trust_keeps_the_environment_and_adds_to_it(monkeypatch):
    monkeypatch.setenv("MINE", "42")
    monkeypatch.setenv("MPLBACKEND", "other")
    monkeypatch.setattr(sandbox, "confined", None)
    came = run("env").output.decode().splitlines()
    assert {"MINE=42", "MPLBACKEND=Agg", "PYTHONDONTWRITEBYTECODE=1", "OMP_NUM_THREADS=1"} <= set(came)
    assert f"PYTHONPATH={ROOT}" in came


@pytest.mark.parametrize("options", [{}, {"trust": False}])
def test_without_trust_the_command_is_confined_and_the_environment_left_to_bubblewrap(monkeypatch, options):
    monkeypatch.setenv("MINE", "42")
    monkeypatch.setenv("MPLBACKEND", "other")
    monkeypatch.setattr(sandbox, "confined", lambda command: ["sh", "-c", 'echo "confined:" "$@"; env', "", *command])
    came = sandbox.run(["python", "-c", "1"], lambda _: b"", LIMITS, **options).output.decode().splitlines()
    assert came[0] == "confined: python -c 1" and {"MINE=42", "MPLBACKEND=other"} <= set(came)


def test_a_request_that_fails_leaves_no_process():
    before = running()

    def fail(deadline):
        raise ValueError("no request")

    with pytest.raises(ValueError, match="no request"):
        run("exec sleep 86403", fail)
    assert running() == before


@pytest.mark.parametrize(
    ("script", "passed", "limits"),
    [
        ("exec sleep 86403", "time", Limits(seconds=0.3)),
        ("exec sleep 86403", "memory", Limits(seconds=30, megabytes=0)),
        ("sleep 86403 & sleep 86403 & wait", "processes", Limits(seconds=30, processes=2)),
        ("exec cat /dev/zero", "output", LIMITS),
    ],
)
def test_a_passed_limit_ends_the_command_and_its_family(script, passed, limits):
    before = running()
    outcome = run(script, limits=limits)
    assert (outcome.passed, outcome.status) == (passed, -9)
    assert running() == before


def test_a_request_that_nobody_reads_does_not_keep_this_program_from_ending(monkeypatch):
    """A thread writes it, and one that a process outside the family keeps waiting ends with this program."""
    made = []
    monkeypatch.setattr(sandbox, "Thread", lambda **options: made.append(threading.Thread(**options)) or made[-1])
    run("exit 0", lambda deadline: bytes(10**6))
    made[0].join(10)
    assert made[0].daemon and not made[0].is_alive()


def test_a_request_is_written_and_its_end_shown():
    pipe = io.BytesIO()
    pipe.close = lambda: written.append(pipe.getvalue())
    written = []
    sandbox._feed(Fake(stdin=pipe), b"request")
    assert written == [b"request"]


@pytest.mark.parametrize("buffering", [0, -1])
def test_a_command_that_has_ended_takes_no_request(buffering):
    """The writing fails, or, where it is put off, the closing."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb", buffering=buffering) as pipe:
        sandbox._feed(Fake(stdin=pipe), b"request")
        assert pipe.closed


# ---- watching it ----


class Watched:
    """A process for the watcher, one look at a time: what it has written by then, and what it uses.

    A look may name ``time``, ``written`` (pieces of output, b"" the end), ``family``, ``resident``, ``shared``,
    ``available`` and ``status``; what it leaves out stays as it was.
    """

    DEADLINE = 100.0
    LIMITS = Limits(seconds=1, megabytes=8, processes=3)

    def __init__(self, monkeypatch, *looks, waits=False):
        self.looks, self.waits, self.waited = iter(looks), waits, []
        self.time, self.family, self.resident, self.shared, self.status = 0.0, [1], 0, 5 * MEBIBYTE, None
        self.available, self.pieces = sandbox.LEAST_AVAILABLE, []
        self.stdout = Fake(fileno=lambda: 7)
        monkeypatch.setattr(sandbox, "select", Fake(select=self.select))
        monkeypatch.setattr(sandbox, "os", Fake(read=self.read))
        monkeypatch.setattr(sandbox, "time", Fake(monotonic=lambda: self.time))
        monkeypatch.setattr(sandbox, "_family", self.family_of)
        monkeypatch.setattr(sandbox, "_resident", self.resident_of)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: Fake(shared=self.shared, available=self.available))

    def outcome(self):
        self.seen = set()
        return sandbox._watch(self, self.seen, self.DEADLINE, self.LIMITS)

    def select(self, readers, writers, errors, seconds):
        assert (readers, writers, errors) == ([7], [], [])
        if seconds == sandbox.POLL:  # the next look
            look = dict(next(self.looks))
            self.pieces += look.pop("written", [])
            vars(self).update(look)
        else:
            assert seconds == 0
        return readers if self.pieces else [], [], []

    def read(self, descriptor, most):
        assert descriptor == 7 and len(self.pieces[0]) <= most <= 2**16
        return self.pieces.pop(0)

    def family_of(self, process):
        assert process is self
        return self.family

    def resident_of(self, family):
        assert family is self.family
        return self.resident

    def poll(self):
        return self.status

    def wait(self, seconds):
        self.waited.append(seconds)
        if self.waits:
            raise subprocess.TimeoutExpired("sh", seconds)


END = {"written": [b""]}


def test_the_output_is_collected_to_its_end_and_everyone_who_was_seen_is_noted(monkeypatch):
    looks = [{"family": [1, 2], "written": [b"a"]}, {"family": [1, 3]}, {"written": [b"b"]}, END | {"time": 98.0}]
    watched = Watched(monkeypatch, *looks)
    assert watched.outcome() == ("", b"ab")
    assert watched.seen == {1, 2, 3}
    assert watched.waited == [2.0]


def test_a_command_that_has_closed_its_output_has_the_rest_of_the_time(monkeypatch):
    watched = Watched(monkeypatch, END, {"written": [b""], "time": 101.0}, waits=True)
    assert watched.outcome() == ("time", b"")
    assert watched.waited == [100.0, 0]


def test_output_that_another_process_keeps_open_ends_with_the_command(monkeypatch):
    looks = [{}, {"written": [b"a", b"b"], "status": 0}, {}]
    assert Watched(monkeypatch, *looks).outcome() == ("", b"ab")


@pytest.mark.parametrize(
    ("passed", "within", "beyond"),
    [
        ("time", {"time": 99.9}, {"time": 100.0}),
        ("processes", {"family": [1, 2, 3]}, {"family": [1, 2, 3, 4]}),
        ("output", {"written": [bytes(2**16)] * 16}, {"written": [bytes(2**16)] * 16 + [b"x"]}),
        ("memory", {"resident": 8 * MEBIBYTE}, {"resident": 8 * MEBIBYTE + 1}),
        ("memory", {"shared": 13 * MEBIBYTE}, {"shared": 13 * MEBIBYTE + 1}),
        ("memory", {"shared": 10 * MEBIBYTE, "resident": 3 * MEBIBYTE}, {"shared": 11 * MEBIBYTE}),
        ("memory", {"shared": 0, "resident": 13 * MEBIBYTE}, {"resident": 13 * MEBIBYTE + 1}),
        ("memory", {"available": sandbox.LEAST_AVAILABLE}, {"available": sandbox.LEAST_AVAILABLE - 1}),
    ],
)
def test_a_limit_may_be_reached_and_not_passed(monkeypatch, passed, within, beyond):
    written = within.get("written", [])
    looks = [dict(within, written=written[:1]), *({"written": [piece]} for piece in written[1:])]
    assert Watched(monkeypatch, *looks, END).outcome() == ("", b"".join(written))
    more = beyond.get("written", [])[len(written) :]
    watched = Watched(monkeypatch, *looks, dict(beyond, written=more))
    assert watched.outcome() == (passed, b"".join([*written, *more]))


# ---- ending it ----


@pytest.fixture
def tree():
    """A process with a child and a child's child, each waiting for ever."""
    code = "import subprocess, sys, time; {}; time.sleep(86403)"
    inner = code.format("subprocess.Popen(['sleep', '86403'], start_new_session=True)")
    outer = code.format(f"subprocess.Popen([sys.executable, '-I', '-c', {inner!r}])")
    process = subprocess.Popen([sys.executable, "-I", "-c", outer], stdout=subprocess.PIPE, start_new_session=True)
    members = []
    for _ in range(1000):
        members = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        if len(members) == 3:
            break
        time.sleep(0.01)
    assert len(members) == 3
    yield process, members
    for member in members:
        if member.is_running():
            member.kill()
    process.wait()
    process.stdout.close()


def test_the_family_is_the_process_and_all_that_descend_from_it(tree):
    process, members = tree
    assert set(sandbox._family(process)) == set(members)
    members[0].kill()
    process.wait()
    assert sandbox._family(process) == []


def test_a_stopped_process_takes_its_family_and_whoever_was_seen_with_it(tree):
    process, members = tree
    with subprocess.Popen(["sleep", "86403"], start_new_session=True) as other:
        sandbox._stop(process, {psutil.Process(other.pid)})
        assert not psutil.pid_exists(other.pid)
    assert process.returncode == -9 and process.stdout.closed
    assert not [member for member in members if member.is_running()]


def test_a_process_that_has_ended_can_be_stopped():
    process = subprocess.Popen(["true"], stdout=subprocess.PIPE)
    seen = {psutil.Process(process.pid)}
    process.wait()
    sandbox._stop(process, seen)
    assert process.stdout.closed


def test_what_may_not_be_killed_is_waited_for_a_while(monkeypatch):
    """Neither a group nor a process of another user keeps the rest from being stopped."""
    calls = []

    def refuse(*arguments):
        calls.append(arguments)
        raise PermissionError

    def member(name, error):
        def kill():
            calls.append(name)
            raise error

        return Fake(kill=kill)

    class Members(list):
        update = list.extend

    family = Members([member("refused", psutil.AccessDenied(1)), member("gone", psutil.NoSuchProcess(2))])
    family.append(member("refused too", psutil.AccessDenied(3)))
    monkeypatch.setattr(sandbox, "os", Fake(killpg=refuse))
    monkeypatch.setattr(sandbox, "_family", lambda process: [])
    monkeypatch.setattr(psutil, "wait_procs", lambda processes, timeout: calls.append((processes, timeout)))
    process = Fake(pid=4, wait=lambda: calls.append("wait"), stdout=Fake(close=lambda: calls.append("close")))
    sandbox._stop(process, family)
    assert calls == [(4, 9), "refused", "gone", "refused too", "wait", (family, 10), "close"]


def test_memory_is_counted_of_those_that_are_there(monkeypatch):
    def member(size, error=None):
        def memory_info():
            if error:
                raise error
            return Fake(rss=size)

        return Fake(memory_info=memory_info)

    family = [member(3), member(5, psutil.NoSuchProcess(1)), member(7, psutil.AccessDenied(1)), member(11)]
    assert sandbox._resident(family) == 14 and sandbox._resident([]) == 0


def test_files_in_memory_are_counted_where_the_system_says(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Fake(shared=5))
    assert sandbox._shared() == 5
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Fake())
    assert sandbox._shared() == 0
