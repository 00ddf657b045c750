"""Submitted notebooks of every kind, for the tests of ``grade``: a small course of one chapter, and what comes in."""

import csv
import json
import os

import psutil
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from xent_helpers.exercises import __main__ as command

NAME = "01_likelihood_to_cross_entropy.ipynb"
IMPORTS = "import os, sys, signal, socket, subprocess, time\nimport numpy as np\nfrom xent_helpers import exercises"
STUB = "def my_coin_loss(p, y):\n    ..."
CHECK = 'exercises.check("1.1", my_coin_loss)'
OTHER_CHECK = 'my_diagnosis = None\n\nexercises.check("1.3", my_diagnosis)'
RIGHT = "def my_coin_loss(p, y):\n    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))"
WRONG = "def my_coin_loss(p, y):\n    return np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))"
OTHER_RIGHT = OTHER_CHECK.replace("None", "[4, 1, 2, 3, 5, 6]")
FLOOD = """for channel in range(600, 2, -1):
    try:
        while True: os.write(channel, b'x' * 10**5)
    except OSError: pass"""
ENDLESS = "def my_coin_loss(p, y):\n    while True:\n        pass"


def notebook(*cells, ids=True):
    """The text of a notebook with these code cells."""
    made = [new_code_cell(source, id=f"t{number}") for number, source in enumerate(cells)]
    if not ids:
        made = [new_code_cell(source) for source in cells]
    return json.dumps(new_notebook(cells=[new_markdown_cell("## Exercises", id="title"), *made]))


def course(folder):
    """A course of one chapter with two exercises, 1.1 by name and 1.3 by value."""
    folder.mkdir()
    folder.joinpath(NAME).write_text(notebook(IMPORTS, STUB, CHECK, OTHER_CHECK), encoding="utf-8")
    return folder


def after(code):
    """A submission that solves both exercises, then runs ``code``."""
    return notebook(IMPORTS, RIGHT, CHECK, OTHER_RIGHT, code)


def before(code):
    """A submission that runs ``code``, then solves both exercises."""
    return notebook(IMPORTS, code, RIGHT, CHECK, OTHER_RIGHT)


def seconds():
    """Seconds to sleep for ever, other ones in each process of tests, so that two may run at once."""
    return 86_400 + os.getpid()


def sleeping():
    """The processes that sleep so, wherever they came to be."""
    return [found for found in psutil.process_iter(["cmdline"]) if str(seconds()) in (found.info["cmdline"] or [])]


KEYS = """import ctypes
add, request, control = (248, 249, 250) if os.uname().machine == "x86_64" else (217, 218, 219)
call = ctypes.CDLL(None).syscall
calls = [(add, b"user", b"planted", b"1", 1, -3), (request, b"user", b"planted", None, 0), (control, 0, -3, 1)]
"""


def hostile(outside):
    """Code that must change nothing under the folder ``outside`` nor learn anything of it, by name of the attack.

    Where an attack can see for itself that it got through, it says so by taking the answer away.
    """
    lost = "globals().pop('my_coin_loss', None); os._exit(7)"
    other = "'/dev/null', os.stat('/dev/null').st_mode & 0o777 ^ 0o1000"  # a mode that does no harm if it is set
    guard = "try:\n    {}\nexcept OSError:\n    pass\nelse:\n    " + lost
    places = [
        outside / "home" / "x",
        outside / "others" / "x",
        "/etc/x",
        "/usr/x",
        "/x",
        "/proc/sys/kernel/core_pattern",
    ]
    writes = [guard.format(f"open({str(place)!r}, 'a').write('!')") for place in [*places, os.path.abspath(__file__)]]
    package = "import xent_helpers, torch\n" + "\n".join(
        guard.format(f"open({module}.__file__, 'a').write('!')") for module in ("xent_helpers", "np", "torch")
    )
    reads = [guard.format(f"open({str(place)!r}).read()") for place in (outside / "home" / "secret", "/etc/shadow")]
    reads += [guard.format(f"os.listdir({str(outside / 'others')!r})")]
    return {
        "writes outside": "\n".join(writes) + "\n" + package,
        "deletes": f"subprocess.run('rm -rf {outside} ~ . /tmp/* /usr/bin 2>/dev/null', shell=True)",
        "reads secrets": "\n".join(reads) + f"\nif 'GRADE_SECRET' in os.environ: {lost}",
        "network": guard.format("socket.create_connection(('1.1.1.1', 53), 2)")
        + "\n"
        + guard.format("socket.getaddrinfo('example.org', 80)")
        + f"\nif socket.if_nameindex() != [(1, 'lo')]: {lost}",
        "kills": "for pid in range(1, 40000):\n    if pid != os.getpid():\n        try: os.kill(pid, 9)\n"
        "        except OSError: pass",
        "link out": f"os.symlink({str(outside)!r}, 'out')\n" + guard.format("open('out/home/x', 'w')"),
        "daemon": "for _ in range(3):\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n"
        f"            subprocess.Popen(['sleep', '{seconds()}'])\n            time.sleep(10**5)\n        os._exit(0)",
        "huge output": "for _ in range(100):\n    print('x' * 10**6)\n    os.write(2, b'y' * 10**6)",
        "modes of devices": f"import ctypes\nbefore = os.stat('/dev/null').st_mode\ntry:\n    os.chmod({other})\n"
        "except OSError:\n    pass\nctypes.CDLL(None).syscall(452, -100, b'/dev/null', before & 0o777 ^ 0o1000, 0)\n"
        f"if os.stat('/dev/null').st_mode != before: {lost}\nopen('/dev/null', 'w').write('!')",
        "new namespace": "import ctypes\nif ctypes.CDLL(None).unshare(0x10000000) == 0: " + lost,
        "the first process": "import ctypes\nif b'GRADE_SECRET' in open('/proc/1/environ', 'rb').read(): "
        + f"{lost}\nif ctypes.CDLL(None).ptrace(0x4206, 1, 0, 0) == 0: {lost}\n"  # PTRACE_SEIZE
        + guard.format("open('/proc/1/mem', 'r+b')"),
        "keys of the machine": KEYS
        + f"if any(call(*arguments) >= 0 for arguments in calls): {lost}\n"
        + guard.format("open('/proc/keys').read()"),
        "sockets past the network": "for kind in range(60):\n    for type in range(1, 6):\n        try:\n"
        f"            socket.socket(kind, type)\n        except OSError:\n            continue\n"
        f"        if kind not in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK): {lost}",
        "another architecture": "import ctypes, mmap\nif os.uname().machine == 'x86_64' and os.fork() == 0:\n"
        # i386's getpid
        "    memory = mmap.mmap(-1, 4096, prot=7)\n    memory.write(bytes.fromhex('b814000000cd80c3'))\n"
        "    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))()\n    os._exit(7)\n"
        f"elif os.uname().machine == 'x86_64' and os.waitpid(-1, 0)[1] == 7 << 8: {lost}",
    }


def resources():
    """Code that takes without end, with the statuses that may come of it."""
    taking = "import threading, ctypes\nkept = []\n"
    failed = {"failed"}
    return {
        "allocates": ("kept = []\nwhile True: kept.append(bytearray(10**7))", failed | {"out of memory"}),
        "allocates by torch": (
            "import torch\nkept = []\nwhile True: kept.append(torch.ones(10**7))",
            failed | {"out of memory"},
        ),
        "allocates in children": (
            "for _ in range(8):\n    if os.fork() == 0:\n        kept = bytearray(b'x') * 3 * 10**8\n"
            "        time.sleep(1000)\ntime.sleep(1000)",
            {"out of memory"},
        ),
        "allocates unmapped files": (
            "kept = []\nwhile True:\n    kept.append(os.memfd_create('x'))\n"
            "    for _ in range(100): os.write(kept[-1], bytes(10**6))",
            failed,
        ),
        "allocates page tables": (
            "import mmap\nkept = []\nwhile True:\n    kept.append(mmap.mmap(-1, 2**30, flags=0x4022, prot=1))\n"
            "    np.frombuffer(kept[-1], np.uint8)[:: 2**21].sum()",  # in C, since a busy machine is slow
            {"out of memory"},
        ),
        "allocates what it shows to nobody": (
            "import mmap\nkept = []\nwhile True:\n    kept.append(mmap.mmap(-1, 2**24))\n"
            "    kept[-1][:] = bytes(2**24)\n    kept[-1].madvise(mmap.MADV_DONTNEED)",
            failed | {"out of memory", "timed out"},
        ),
        "allocates in sockets": (
            "kept = []\nwhile True:\n    kept += socket.socketpair()\n    kept[-1].setblocking(False)\n"
            "    try:\n        while True: kept[-1].send(bytes(60000))\n    except OSError: pass",
            failed | {"out of memory"},
        ),
        "fills its folder": ("for n in range(10**6): open(f'f{n}', 'wb').write(bytes(10**7))", failed),
        "fills shared memory": ("for n in range(10**6): open(f'/dev/shm/{n}', 'wb').write(bytes(10**7))", failed),
        "fork bomb": ("while True: os.fork()", {"too many processes", "out of memory"}),
        "many programs": (
            f"while True: subprocess.Popen(['sleep', '{seconds()}'])",
            failed | {"too many processes"},  # the kernel refuses more, unless root grades; then the watcher ends it
        ),
        "threads of children": (
            "import threading\nfor _ in range(30):\n    if os.fork() == 0:\n        while True:\n"
            "            threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\ntime.sleep(1000)",
            failed | {"too many processes", "out of memory"},
        ),
        "threads": (
            taking + "while True: threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
            failed | {"timed out", "out of memory"},
        ),
        "loops": ("while True: pass", failed),
        "loops on": ("signal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass", {"timed out"}),
        "sleeps in C": (
            "import ctypes\nwhile True:\n    try: ctypes.CDLL(None).pause()\n    except BaseException: pass",
            failed | {"timed out"},
        ),
        "floods the channel": (FLOOD, {"too much output"}),
    }


WHOLE = notebook(IMPORTS, RIGHT, CHECK)
NOT_NOTEBOOKS = {
    "cut in half": WHOLE[: len(WHOLE) // 2],
    "empty": "",
    "blank": " \n",
    "text": "My answer is 7.",
    "a list": "[]",
    "null": "null",
    "deep": "[" * 100_000,
    "digits": "9" * 100_000,
    "no cells": '{"nbformat": 4}',
    "cells of numbers": '{"cells": [1, 2]}',
    "no source": '{"cells": [{"cell_type": "code"}]}',
    "source of numbers": '{"cells": [{"cell_type": "code", "source": [1]}]}',
    "tags of numbers": '{"cells": [{"cell_type": "code", "source": "", "metadata": {"tags": 7}}]}',
    "format 3": '{"worksheets": [{"cells": []}], "nbformat": 3}',
}


def run(*arguments):
    return command.main([str(argument) for argument in arguments])


def table(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {(row["file"], row["exercise"]): row for row in csv.DictReader(file)}


def state(folder):
    return {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in folder.rglob("*")}
