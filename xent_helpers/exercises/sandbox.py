"""Run a command isolated from the machine by bubblewrap, within limits of time, memory, processes and output.

The operating system isolates it: Linux namespaces hide the network, other processes and every folder but Python's, what
is left is read-only, and the command gets an empty home folder in memory. A watcher ends the
whole family of processes when a limit is hit; killing the first process of a PID namespace kills all of them.
"""

import os
import re
import select
import shutil
import signal
import site
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import psutil

import xent_helpers
from xent_helpers.exercises import system_calls
from xent_helpers.exercises.control_group import ControlGroup

HOME = "/submission"
PACKAGE = Path(xent_helpers.__file__).resolve().parent
MEBIBYTE = 2**20
TMPFS = {"/dev/shm": 64 * MEBIBYTE, "/tmp": 64 * MEBIBYTE, HOME: 256 * MEBIBYTE}
MOST_OUTPUT = MEBIBYTE
LEAST_AVAILABLE = 256 * MEBIBYTE  # of the machine's memory, whichever programs use the rest
POLL = 0.05
THREADS = 4  # for each process that may run at once
INODE = 1024  # bytes of the kernel's for a file, an empty one too

SETTINGS = {
    "PYTHONPATH": str(PACKAGE.parent),
    "PYTHONDONTWRITEBYTECODE": "1",
    "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Limits:
    """What one command may use: wall time in seconds, memory in MiB, processes at once."""

    seconds: float = 300.0
    megabytes: int = 4096
    processes: int = 64


@dataclass(frozen=True)
class Finished:
    """How a command ended: the limit that it hit ("" for none), its exit status and its standard output."""

    limit_hit: str
    status: int
    output: bytes


def obstacle() -> str | None:
    """Return why there is no working sandbox on this machine, or None if there is one (a trial runs)."""
    if shutil.which("bwrap") is None:
        return "bubblewrap (the command bwrap) is not installed"
    try:
        system_calls.program()
    except (OSError, AttributeError) as error:
        return f"bubblewrap is installed, but the system's libseccomp is not to be used ({error})"
    trial = _start([sys.executable, "-c", "import IPython, numpy, xent_helpers"], stderr=subprocess.PIPE)
    _, said = trial.communicate()
    if trial.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or [f"it ends with status {trial.returncode}"]
        return f"bubblewrap is installed (0.8 or newer is needed), but Python does not run in it here: {lines[-1]}"
    return None


def _start(command, **options):
    """Start ``command`` under bubblewrap, which sees none of this program's variables either."""
    filter_file = os.memfd_create("filter")
    try:
        os.write(filter_file, system_calls.program())
        os.lseek(filter_file, 0, os.SEEK_SET)
        return subprocess.Popen(
            [shutil.which("bwrap"), "--seccomp", str(filter_file), *confined(command)],
            stdin=subprocess.PIPE,
            cwd="/",
            env={},
            pass_fds=[filter_file],
            **options,
        )
    finally:
        os.close(filter_file)


def confined(command: list[str]) -> list[str]:
    """Return bubblewrap's options to run ``command`` with what Python needs and nothing else."""
    options = ["--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"]
    options += ["--cap-drop", "ALL", "--hostname", "sandbox", "--new-session", "--die-with-parent", "--clearenv"]
    options += ["--dev", "/dev", "--proc", "/proc"]
    for folder, size in TMPFS.items():
        options += ["--size", str(size), "--tmpfs", folder]
    for file in ("/proc/keys", "/proc/key-users"):  # they name keys of the machine
        options += ["--ro-bind", "/dev/null", file]
    for folder in ("/usr", "/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts"):
        options += ["--ro-bind-try", folder, folder]
    for folder in ("/bin", "/lib", "/lib64"):
        if Path(folder).is_symlink():
            options += ["--symlink", os.readlink(folder), folder]
        else:
            options += ["--ro-bind-try", folder, folder]
    for folder in _python_folders():
        options += ["--ro-bind", folder, folder]
    # /proc and /dev read-only too: under root a process without any capability may still write kernel settings there.
    for folder in ("/proc", "/dev", "/"):
        options += ["--remount-ro", folder]
    options += ["--chdir", HOME]
    own = {"HOME": HOME, "USER": "student", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    own["PYTHONUSERBASE"] = site.getuserbase()  # which Python would look for in the home folder
    for name, value in (SETTINGS | own).items():
        options += ["--setenv", name, value]
    return [*options, "--", *command]


def _python_folders() -> list[str]:
    """The folders that the interpreter, its packages and the course's package are read from."""
    packages = [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    folders = [sys.base_prefix, sys.prefix, *packages, str(PACKAGE)]
    return [folder for folder in dict.fromkeys(folders) if folder != "/usr" and Path(folder).is_dir()]


def threads_allowed(limits: Limits) -> int:
    """Return a limit for RLIMIT_NPROC. Linux counts threads and, before 5.14, all that the user has anywhere."""
    mine = [found.info for found in psutil.process_iter(["uids", "num_threads"]) if found.info["uids"]]
    return THREADS * limits.processes + sum(info["num_threads"] for info in mine if info["uids"].real == os.getuid())


def run(command: list[str], request: Callable[[float], bytes], limits: Limits, *, trust: bool = False) -> Finished:
    """Run ``command`` and give it ``request(deadline)`` on standard input; the deadline is on the monotonic clock.

    With ``trust`` there is no sandbox: a process of its own in an empty temporary folder, with the same limits.
    """
    deadline = time.monotonic() + limits.seconds
    group = ControlGroup(limits.megabytes, THREADS * limits.processes)
    options = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.DEVNULL,
        "start_new_session": True,  # Ctrl-C reaches this program, which then ends the command
        "preexec_fn": group.enter,
    }
    with TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True) if trust else nullcontext() as folder:
        if trust:
            variables = {**os.environ, **SETTINGS}
            process = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=folder, env=variables, **options)
        else:
            process = _start(command, **options)
        family: set[psutil.Process] = set()
        try:
            Thread(target=_feed, args=(process, request(deadline)), daemon=True).start()
            limit_hit, output = _watch(process, family, deadline, limits, group)
        finally:
            _stop(process, family, group)
            killed = group.out_of_memory
            group.remove()
    return Finished("memory" if killed else limit_hit, process.returncode, output)


def _feed(process, text):
    with suppress(OSError), process.stdin as pipe:  # it may be gone before it has read all
        pipe.write(text)


def _watch(process, family, deadline, limits, group):
    """Collect the output until the end or until a limit is hit, and name that limit; collect the processes seen."""
    pipe, output, is_open = process.stdout.fileno(), b"", True
    while True:
        ended = process.poll() is not None
        if is_open and select.select([pipe], [], [], POLL)[0]:
            piece = os.read(pipe, 65536)
            output, is_open = output + piece, bool(piece)
        elif ended:
            return "", output
        elif not is_open:  # closed, and the command goes on
            time.sleep(POLL)
        running = _family(process, group)
        family.update(running)
        if time.monotonic() >= deadline:
            return "time", output
        if len(output) > MOST_OUTPUT:
            return "output", output
        if len(running) > limits.processes or _threads(running) > THREADS * limits.processes:
            return "processes", output
        if group.out_of_memory or (not group.limits_memory and _memory(running) > limits.megabytes * MEBIBYTE):
            return "memory", output
        if psutil.virtual_memory().available < LEAST_AVAILABLE:
            return "machine", output


def _family(process, group):
    """The process and all its descendants, and without a sandbox orphans as well where there is a control group."""
    family = set(group.members())
    if process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process.pid)
            family |= {parent, *parent.children(recursive=True)}
    return family


def _threads(family):
    total = 0
    for member in family:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            total += member.num_threads()
    return total


def _memory(family):
    """Bytes in memory, as far as they can be seen: of each process with its page tables, and of the sandbox's files.

    What a process shares with its fork counts for both.
    """
    total, files = 0, 0
    for member in family:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            total += member.memory_info().rss
        with suppress(OSError):  # gone, or no Linux
            status = Path(f"/proc/{member.pid}/status").read_text()
            total += 1024 * sum(int(size) for size in re.findall(r"^VmPTE:\s+(\d+) kB", status, re.MULTILINE))
            files = max(files, sum(_held(f"/proc/{member.pid}/root{folder}", size) for folder, size in TMPFS.items()))
    return total + files


def _held(folder, size):
    """Bytes that the files of one of the sandbox's folders in memory take; 0 if it is another folder."""
    found = os.statvfs(folder)
    if found.f_blocks * found.f_frsize != size:
        return 0
    return (found.f_blocks - found.f_bfree) * found.f_frsize + (found.f_files - found.f_ffree) * INODE


def _stop(process, family, group):
    """Kill the process and its family, and wait until they are gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while (left := [one for one in family | _family(process, group) if _alive(one)]) and time.monotonic() < until:
        for member in left:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                member.kill()
        time.sleep(POLL / 5)
    process.wait()
    process.stdout.close()


def _alive(process):
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
