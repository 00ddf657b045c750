"""Run the notebooks under other conditions and print one table (``make matrix``).

Stored numbers hold on every machine only if they hold here: each row runs all notebooks, strictly compared with their
stored outputs, with another processor's instructions, other thread counts, locales or folders. The last rows run tests
and notebooks with the oldest versions that pyproject.toml admits, with Colab's and with the newest; there a notebook
must run and need not show the stored digits. With arguments only the rows whose names contain one of them are run.
Everything it writes goes to build/matrix.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "matrix"
TWO_PROCESSES = ("-n", "2", "--dist", "loadfile")
COLAB = ROOT / "tools" / "colab-versions.txt"


class NotHere(Exception):
    """This machine lacks what a row needs; the message says what."""


@dataclass(frozen=True)
class Condition:
    """One condition: ``prepare`` gets the command, environment and folder of a run and returns them changed."""

    name: str
    environment: dict[str, str | None] = field(default_factory=dict)  # None takes the variable away
    options: tuple[str, ...] = TWO_PROCESSES
    prepare: Callable[["Command"], "Command"] = lambda run: run


@dataclass(frozen=True)
class Command:
    """A command, its environment and its folder."""

    command: list[str]
    environment: dict[str, str]
    folder: Path = ROOT


# What a row may need ------------------------------------------------------------------------------------------


def without_numpy_s_fast_paths(run: Command) -> Command:
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    present = [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]
    return Command(run.command, run.environment | {"NPY_DISABLE_CPU_FEATURES": " ".join(present)}, run.folder)


def turkish(run: Command) -> Command:
    """Where i is not the small I: the locale that breaks careless lower()."""
    folder = BUILD / "locales"
    folder.mkdir(parents=True, exist_ok=True)
    if not shutil.which("localedef"):
        raise NotHere("localedef is not installed")
    made = subprocess.run(
        ["localedef", "-i", "tr_TR", "-f", "UTF-8", str(folder / "tr_TR.UTF-8")], capture_output=True, check=False
    )
    if not (folder / "tr_TR.UTF-8").exists():
        raise NotHere(f"localedef has no Turkish locale: {made.stderr.decode().strip()[:60]}")
    return Command(run.command, run.environment | {"LOCPATH": str(folder), "LC_ALL": "tr_TR.UTF-8"}, run.folder)


def another_folder(run: Command) -> Command:
    """A copy of the tracked files in a folder whose name has a space and an umlaut."""
    folder = BUILD / "Köln am Rhein"
    shutil.rmtree(folder, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return Command(run.command, run.environment | {"PYTHONPATH": str(folder)}, folder)


def sandboxed(*options: str) -> Callable[[Command], Command]:
    """In a sandbox of bubblewrap with these options; its temporary folder can be written."""

    def prepare(run: Command) -> Command:
        if not shutil.which("bwrap"):
            raise NotHere("bubblewrap (bwrap) is not installed")
        box = ["bwrap", "--dev-bind", "/", "/", *options, "--die-with-parent"]
        return Command([*box, *run.command], run.environment, run.folder)

    return prepare


def installed(name: str, *constraints: str, python: str = sys.executable) -> Callable[[Command], Command]:
    """With the course as a wheel in an environment of its own, within ``constraints`` (requirements or a file)."""

    def prepare(run: Command) -> Command:
        if not runs(python):
            raise NotHere(f"no {python} on the path that runs")
        folder = BUILD / name
        interpreter = str(folder / "bin" / "python")
        pip = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if not (folder / "ready").exists():
            subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True)
            listed = folder / "constraints.txt"
            listed.write_text("\n".join(constraints), encoding="utf-8")
            subprocess.run([*pip, "--constraint", str(listed), ".[test]"], check=True, cwd=ROOT)
            (folder / "ready").touch()
        # The wheel of an earlier run holds the course as it was then.
        subprocess.run([*pip, "--force-reinstall", "--no-deps", "."], check=True, cwd=ROOT)
        environment = {key: value for key, value in run.environment.items() if key != "PYTHONPATH"}
        return Command([interpreter, *run.command[1:]], environment)

    return prepare


def lowest() -> list[str]:
    """The lower end of each range in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["grade"]]
    bounds = [(r.name, s.version) for r in map(Requirement, lines) for s in r.specifier if s.operator == ">="]
    return [f"{name}=={version}.*" for name, version in bounds]


def runs(python: str) -> bool:
    """Whether this Python starts; a version manager may put a name on the path and refuse to run it."""
    return (
        bool(shutil.which(python))
        and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
    )


def newest_python() -> str:
    names = [f"python3.{minor}" for minor in range(20, sys.version_info.minor, -1)]
    return next(filter(runs, names), sys.executable)


# Every test and notebook without comparing the notebooks' outputs, which only constraints.txt promises.
RUNS = (*TWO_PROCESSES, "--nbval-lax", "tests", "xent_helpers")

ROWS = (
    Condition("as it is"),
    *(
        Condition(f"torch for {name} processors", {"ATEN_CPU_CAPABILITY": name})
        for name in ("default", "avx2", "avx512")
    ),
    *(
        Condition(f"{count} threads", {"OMP_NUM_THREADS": str(count), "MKL_NUM_THREADS": str(count)})
        for count in (1, 2, 4)
    ),
    Condition("MKL compatible", {"MKL_CBWR": "COMPATIBLE"}),
    *(Condition(f"OpenBLAS for {name}", {"OPENBLAS_CORETYPE": name}) for name in ("Haswell", "Prescott")),
    Condition("NumPy without fast paths", prepare=without_numpy_s_fast_paths),
    *(Condition(f"hash seed {seed}", {"PYTHONHASHSEED": str(seed)}) for seed in (1, 4711)),
    Condition("in Auckland", {"TZ": "Pacific/Auckland"}),
    Condition("C locale", {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    Condition("Turkish locale", prepare=turkish),
    Condition("folder with a space and an umlaut", prepare=another_folder),
    Condition("read-only checkout", prepare=sandboxed("--ro-bind", str(ROOT), str(ROOT))),
    Condition("no HOME", {"HOME": None}),
    Condition("no network", prepare=sandboxed("--unshare-net")),
    Condition("last chapter first, one process", options=("--reverse",)),
    Condition("one chapter alone", options=("--alone",)),
    Condition("oldest versions", options=RUNS, prepare=installed("oldest", *lowest())),
    Condition(
        "Colab's versions",
        options=(*RUNS, "colab"),
        prepare=installed("colab", COLAB.read_text(encoding="utf-8"), python="python3.13"),
    ),
    Condition("newest versions", options=RUNS, prepare=installed("newest", python=newest_python())),
)


# Running the rows ---------------------------------------------------------------------------------------------


def command(options: tuple[str, ...]) -> list[str]:
    """The pytest command over all notebooks; ``--reverse``, ``--alone`` and ``colab`` are ours: which of them."""
    folder = "colab" if "colab" in options else "notebooks"
    paths = sorted(f"{folder}/{path.name}" for path in (ROOT / folder).glob("*.ipynb"))
    if "--reverse" in options:
        paths.reverse()
    if "--alone" in options:
        paths = paths[len(paths) // 2 :][:1]
    passed_on = [option for option in options if option not in ("--reverse", "--alone", "colab")]
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *passed_on, *paths]


def outcome(row: Condition) -> tuple[str, str]:
    """Run one row; whether it passed, and pytest's own last line."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)} | row.environment
    run = Command(command(row.options), {name: value for name, value in environment.items() if value is not None})
    try:
        run = row.prepare(run)
    except (NotHere, subprocess.CalledProcessError) as error:
        return "not run", str(error)
    log = BUILD / f"{re.sub('[^a-z0-9]+', '-', row.name.lower())}.log"
    with log.open("w", encoding="utf-8") as file, stopped_with_us(run, file) as process:
        status = process.wait()
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    return ("passed" if status == 0 else "FAILED"), "".join(last).strip("= ")


@contextmanager
def stopped_with_us(run: Command, file) -> Iterator[subprocess.Popen]:
    """The run in a process group of its own, so that an interruption ends its kernels too."""
    process = subprocess.Popen(
        run.command, cwd=run.folder, env=run.environment, stdout=file, stderr=file, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def main(wanted: list[str]) -> int:
    """Run the rows and print the table; the exit status is 0 when none failed."""
    rows = [row for row in ROWS if not wanted or any(part.lower() in row.name.lower() for part in wanted)]
    if not rows:
        names = ", ".join(row.name for row in ROWS)
        print(f"no row's name contains {' or '.join(wanted)}, expected a part of one of: {names}")
        return 2
    BUILD.mkdir(parents=True, exist_ok=True)
    results = Counter()
    for row in rows:
        start = time.monotonic()
        result, words = outcome(row)
        results[result] += 1
        print(f"{row.name:<36}{result:<9}{time.monotonic() - start:5.0f} s   {words}", flush=True)
    counts = ", ".join(f"{count} {result}" for result, count in results.items())
    print(f"{len(rows)} rows: {counts}; what pytest said is in build/matrix")
    return int("FAILED" in results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
