"""Run a command isolated from the machine by bubblewrap, within limits of time, memory, processes and output.

The operating system isolates it: Linux namespaces hide the network, other processes and every folder but Python's, what
is left is read-only, and the command gets an empty home folder in memory. A watcher ends the
whole family of processes when a limit is hit; killing the first process of a PID namespace kills all of them.
"""

import os
import select
import shutil
import signal
import site
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import psutil

import xent_helpers

HOME = "/submission"
PACKAGE = Path(xent_helpers.__file__).resolve().parent
MEBIBYTE = 2**20
TMPFS = {"/dev/shm": 64 * MEBIBYTE, "/tmp": 64 * MEBIBYTE, HOME: 256 * MEBIBYTE}
MOST_OUTPUT = MEBIBYTE
LEAST_AVAILABLE = 256 * MEBIBYTE  # of the machine's memory, whichever programs use the rest
POLL = 0.05

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
    command = confined([sys.executable, "-c", "import IPython, numpy, xent_helpers"])
    trial = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if trial.returncode:
        said = (trial.stderr.strip().splitlines() or [f"it ends with status {trial.returncode}"])[-1]
        return f"bubblewrap is installed (0.8 or newer is needed), but Python does not run in it here: {said}"
    return None


def confined(command: list[str]) -> list[str]:
    """Return the command line that runs ``command`` under bubblewrap, with what Python needs and nothing else."""
    options = ["--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"]
    options += ["--cap-drop", "ALL", "--hostname", "sandbox", "--new-session", "--die-with-parent", "--clearenv"]
    options += ["--dev", "/dev", "--proc", "/proc"]
    for folder, size in TMPFS.items():
        options += ["--size", str(size), "--tmpfs", folder]
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
    return ["bwrap", *options, "--", *command]


def _python_folders() -> list[str]:
    """The folders that the interpreter, its packages and the course's package are read from."""
    packages = [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    folders = [sys.base_prefix, sys.prefix, *packages, str(PACKAGE)]
    return [folder for folder in dict.fromkeys(folders) if folder != "/usr" and Path(folder).is_dir()]


def threads_allowed(limits: Limits) -> int:
    """Return a limit for RLIMIT_NPROC. Linux counts threads and, before 5.14, all that the user has anywhere."""
    mine = [found.info for found in psutil.process_iter(["uids", "num_threads"]) if found.info["uids"]]
    return 4 * limits.processes + sum(info["num_threads"] for info in mine if info["uids"].real == os.getuid())


def run(command: list[str], request: Callable[[float], bytes], limits: Limits, *, trust: bool = False) -> Finished:
    """Run ``command`` and give it ``request(deadline)`` on standard input; the deadline is on the monotonic clock.

    With ``trust`` there is no sandbox: a process of its own in an empty temporary folder, with the same limits.
    """
    deadline = time.monotonic() + limits.seconds
    with TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            command if trust else confined(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **SETTINGS} if trust else None,
            start_new_session=True,  # Ctrl-C reaches this program, which then ends the command
        )
        family: set[psutil.Process] = set()
        try:
            Thread(target=_feed, args=(process, request(deadline)), daemon=True).start()
            limit_hit, output = _watch(process, family, deadline, limits)
        finally:
            _stop(process, family)
    return Finished(limit_hit, process.returncode, output)


def _feed(process, text):
    with suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(text)


def _watch(process, family, deadline, limits):
    """Collect the output until its end or until a limit is hit, and name that limit; collect the processes seen."""
    pipe, output = process.stdout.fileno(), b""
    shared = _shared()
    while True:
        if select.select([pipe], [], [], POLL)[0]:
            piece = os.read(pipe, 65536)
            output += piece
            if not piece:  # closed by the last process that held it
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(deadline - time.monotonic(), 0))
                    return "", output
        running = _family(process)
        family.update(running)
        if time.monotonic() >= deadline:
            return "time", output
        if len(running) > limits.processes:
            return "processes", output
        if len(output) > MOST_OUTPUT:
            return "output", output
        used = _resident(running) + _shared() - shared
        if used > limits.megabytes * MEBIBYTE or psutil.virtual_memory().available < LEAST_AVAILABLE:
            return "memory", output
        if process.poll() is not None and not select.select([pipe], [], [], 0)[0]:
            return "", output


def _family(process):
    """The process and all its descendants; inside a PID namespace orphans stay descendants."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    return []


def _resident(family):
    """Bytes in memory; what a process shares with its fork counts for both."""
    total = 0
    for member in family:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            total += member.memory_info().rss
    return total


def _shared():
    """Bytes in memory that are files, the whole machine's: no process is charged for those that it has not mapped."""
    return getattr(psutil.virtual_memory(), "shared", 0)


def _stop(process, family):
    """Kill the process and its family, and wait until they are gone."""
    family.update(_family(process))
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for member in family:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            member.kill()
    process.wait()
    psutil.wait_procs(family, timeout=10)
    process.stdout.close()
