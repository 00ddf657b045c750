"""A control group of Linux for one command: the kernel adds up its memory and its threads, whatever they are used for.

A process may make one where it is root, or where systemd has handed it a part of the tree (``scope``). Where neither
is so there is none, and ``sandbox.py`` counts as well as it can.
"""

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path("/sys/fs/cgroup")
SWAP = ("memory.swap.max", "memory.memsw.limit_in_bytes")  # a kernel may not count it
SCOPED = "XENT_HELPERS_SCOPED"


def scope() -> None:
    """Start this program again in a part of the tree that systemd hands to it, where there is systemd and version 2."""
    if SCOPED in os.environ or not (ROOT / "cgroup.controllers").exists() or shutil.which("systemd-run") is None:
        return
    command = ["systemd-run", *([] if os.getuid() == 0 else ["--user"]), "--scope", "--quiet", "--collect"]
    command += ["--property=Delegate=yes", "--"]
    trial = subprocess.run([*command, "true"], stdin=subprocess.DEVNULL, capture_output=True)
    if trial.returncode == 0:
        os.environ[SCOPED] = "yes"
        sys.stdout.flush()
        os.execvp(command[0], [*command, sys.executable, *sys.orig_argv[1:]])


class ControlGroup:
    """Folders in the tree of control groups that hold one command; no folder where this process may make none."""

    def __init__(self, megabytes: int, threads: int):
        most = megabytes * 2**20
        self.folders: list[Path] = []
        try:
            for controllers, path in _own():
                if not controllers:
                    limits = {"memory.max": most, "memory.swap.max": 0, "pids.max": threads}
                    self._make(_emptied(ROOT / path), limits)
                elif "memory" in controllers:  # version 1
                    limits = {"memory.limit_in_bytes": most, "memory.memsw.limit_in_bytes": most}
                    self._make(ROOT / "memory" / path, limits)
                elif "pids" in controllers:
                    self._make(ROOT / "pids" / path, {"pids.max": threads})
        except OSError:
            self.remove()

    def _make(self, parent, limits):
        for old in parent.glob("grade-*"):  # of a grader that was killed
            number = old.name.split("-")[1]
            if number.isdigit() and not psutil.pid_exists(int(number)):
                with suppress(OSError):
                    old.rmdir()
        folder = parent / f"grade-{os.getpid()}-{time.monotonic_ns()}"
        folder.mkdir()
        self.folders.append(folder)
        for name, value in limits.items():
            if (folder / name).exists() or name not in SWAP:
                (folder / name).write_text(str(value))

    def enter(self) -> None:
        """Move the calling process into it."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text("0")

    @property
    def limits_memory(self) -> bool:
        """Whether the kernel holds the sum of the memory."""
        return any(_events(folder) is not None for folder in self.folders)

    @property
    def out_of_memory(self) -> bool:
        """Whether the kernel has ended a process since the memory was used up."""
        return any(_events(folder) for folder in self.folders)

    def members(self) -> list[psutil.Process]:
        """Return the processes in it, those too that have left their session and their parent."""
        found = []
        for folder in self.folders:
            for number in (folder / "cgroup.procs").read_text().split():
                with suppress(psutil.NoSuchProcess):
                    found.append(psutil.Process(int(number)))
        return found

    def remove(self) -> None:
        """Remove the folders, once the last process in them is gone."""
        for folder in self.folders:
            for _ in range(100):
                with suppress(OSError):
                    folder.rmdir()
                    break
                time.sleep(0.02)
        self.folders = []


def _own():
    """Controllers and folder of each control group of this process; no controllers for version 2's only one."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers or SCOPED in os.environ:
            yield controllers.split(",") if controllers else [], path.lstrip("/")


def _emptied(own):
    """Version 2's folder, its controllers given to the folders within; no process may stay in it, so this one moves."""
    if own.name == "grader":
        return own.parent
    (own / "grader").mkdir(exist_ok=True)
    (own / "grader" / "cgroup.procs").write_text("0")
    (own / "cgroup.subtree_control").write_text("+memory +pids")
    return own


def _events(folder):
    """How many processes the kernel has ended for want of memory; None where it counts none."""
    for name in ("memory.events", "memory.oom_control"):
        with suppress(OSError):
            return int(dict(line.split() for line in (folder / name).read_text().splitlines())["oom_kill"])
    return None
