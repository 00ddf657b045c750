"""The commands for a class: ``python -P -m xent_helpers.exercises grade …``, ``… assignment`` and ``… autograder``."""

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from xent_helpers.exercises import assignment, autograder, control_group, grading, sandbox, scores, writers
from xent_helpers.exercises.exercise import Status
from xent_helpers.exercises.table import Table

DAY = 86_400
TEBIBYTE = 2**20  # in MiB
COURSE = sandbox.PACKAGE.parent / "notebooks"
NO_SANDBOX = """There is no sandbox: {obstacle}.
Submitted notebooks are programs of other people, and without bubblewrap nothing keeps them from your files and network.
Install it (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap), or, for notebooks that you would
run yourself, pass --trust. book/grading.md says what that gives up."""


def grade(arguments: argparse.Namespace) -> int:
    """Grade the named notebooks one after the other; the table and what is made of it are stored after each."""
    if os.name == "nt":
        tell("grade runs on Linux and, with --trust, on macOS; on Windows use WSL.")
        return 2
    paths = list(dict.fromkeys(arguments.notebooks))
    exports = {kind: path for kind in writers.WRITERS if (path := getattr(arguments, kind))}
    if not paths and not ((exports or arguments.require) and arguments.output.exists()):
        tell(f"Name the notebooks to grade, or what to make of the table {arguments.output}, which must be there.")
        return 2
    if paths:
        control_group.scope()
    obstacle = None if arguments.trust or not paths else sandbox.obstacle()
    if obstacle:
        tell(NO_SANDBOX.format(obstacle=obstacle))
        return 2
    limits = sandbox.Limits(arguments.time_limit, arguments.memory_limit)
    graded = 0
    try:
        course = grading.chapters(arguments.course)
        known, wanted = scores.students(arguments.students), scores.settings(arguments.gradebook, course)
        threads = sandbox.threads_allowed(limits)
        tabulate = partial(scores.tabulate, course=course, wanted=wanted, known=known)
        with Table(arguments.output) as table:
            trouble, doubts = store(table, exports, tabulate)
            for path in paths:
                rows = grading.grade(path, course, limits, threads=threads, trust=arguments.trust)
                table.rows[rows[0][0]] = rows
                trouble, doubts = store(table, exports, tabulate, again=True)
                graded += 1
                show(rows)
        lacking = unsolved(arguments.require, table.rows, [grading.name_of(path) for path in paths])
    except KeyboardInterrupt:
        tell(f"Interrupted: {graded} of {len(paths)} files are graded and kept in {arguments.output}.")
        return 130
    except (OSError, ValueError) as error:
        tell(error)
        return 2
    for line in doubts + lacking:
        tell(line)
    say(f"{graded} files, the table is in {arguments.output}" if paths and not trouble else "")
    return 1 if trouble else 3 if lacking else 0


def store(
    table: Table, exports: dict[str, Path], tabulate: Callable[..., scores.Scores], *, again: bool = False
) -> tuple[bool, list[str]]:
    """Store the table and what is made of it; return whether something could not be stored, and what is in doubt."""
    found, together = tabulate(table.rows), tabulate(table.rows, together=True)
    trouble = [stored(table.store, table.named)]
    for kind, path in exports.items():
        of_kind = together if kind == "gradescope" else found
        trouble.append(stored(partial(writers.write, kind, of_kind, path, again=again), path))
    return any(trouble), found.doubts if exports else []


def unsolved(keys: list[str], rows: dict[str, list[grading.Row]], files: list[str]) -> list[str]:
    """Return a line for each of ``keys`` that is not solved in one of ``files``, or in one of the table without any."""
    return [
        f"{file}: {key} is not solved"
        for key in keys
        for file in files or rows or ["no file"]
        if not any(row[1:3] == (key, Status.SOLVED) for row in rows.get(file, []))
    ]


def stored(store: Callable[[], object], path: Path) -> bool:
    """Store one file; say why that has failed, and return whether it has: the next file may find more room."""
    try:
        store()
    except OSError as error:
        tell(f"{path} could not be stored ({error}); what the table lacks is printed here.")
        return True
    return False


def say(line: str) -> None:
    """Print a line; where nobody reads any more, as with ``| head``, the rest goes nowhere and grading goes on."""
    try:
        print(line, flush=True)
    except OSError:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def tell(trouble: object) -> None:
    """Print to standard error, if somebody reads it."""
    with suppress(OSError):
        print(trouble, file=sys.stderr)


def show(rows: list[grading.Row]) -> None:
    """Print the rows of one file, as wide as the terminal."""
    width = shutil.get_terminal_size((120, 24)).columns
    say(rows[0][0])
    for _, key, status, diagnosis in rows:
        line = f"    {key:<4} {status:<19} {diagnosis}"
        say(line if len(line) <= width else line[: width - 1] + "…")


def number(kind: type, least: float, most: float):
    """An argument's type: a number from ``least`` to ``most``."""

    def convert(text):
        if not least <= kind(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least:,} and {most:,}")
        return kind(text)

    convert.__name__ = kind.__name__
    return convert


def without_doubt(arguments: list[str]) -> list[str]:
    """Return the arguments with each name of a notebook, and all that follow ``--``, as paths that are no options.

    A shell puts the names of files in the place of ``*``, and one may be called ``--trust``.

    Raises:
        ValueError: an option is also the name of a file.
    """
    sure, only_names = [], False
    for text in arguments:
        if text == "--" and not os.path.lexists(text):
            only_names = True
        elif text.startswith("-") and (only_names or text.endswith(".ipynb")):
            sure.append(os.path.join(os.curdir, text))
        elif text.startswith("-") and os.path.lexists(text):
            raise ValueError(
                f"{text} is an option and a file in this folder: rename it, or write ./{text} for the file"
            )
        else:
            sure.append(text)
    return sure


def assign(arguments: argparse.Namespace) -> int:
    """Write the assignment; the exercises that the file of settings names, or all, get a test for nbgrader or Otter."""
    points = None
    if arguments.gradebook:
        try:
            points = scores.settings(arguments.gradebook, grading.chapters(COURSE)).points
        except (OSError, ValueError) as error:
            tell(error)
            return 2
    return assignment.write(COURSE, arguments.output, arguments.stubs, arguments.kind, points)


def archive(arguments: argparse.Namespace) -> int:
    """Write the archive for Gradescope."""
    try:
        points = scores.settings(arguments.gradebook, grading.chapters(COURSE)).points
        autograder.write(COURSE, arguments.gradebook, points, arguments.output)
    except (OSError, ValueError) as error:
        tell(error)
        return 2
    worth = sum(points.values())
    say(f"{arguments.output}: upload it as the autograder of a programming assignment worth {worth:g} points")
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(prog="python -P -m xent_helpers.exercises", description=__doc__, allow_abbrev=False)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("grade", help="run submitted notebooks and tabulate what they solved", allow_abbrev=False)
    one.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    one.add_argument("--time-limit", type=number(float, 1, DAY), default=300.0, metavar="S", help="for a file (300)")
    one.add_argument("--memory-limit", type=number(int, 512, TEBIBYTE), default=4096, metavar="MB", help="(4096)")
    one.add_argument("--output", type=Path, default=Path("grades.csv"), metavar="CSV", help="the table (grades.csv)")
    one.add_argument("--course", type=Path, default=COURSE, metavar="DIR", help="the course's own notebooks")
    one.add_argument("--trust", action="store_true", help="run without a sandbox, with your rights on this machine")
    one.add_argument("--gradebook", type=Path, metavar="TOML", help="points, and what of a file's name is the student")
    one.add_argument("--students", type=Path, metavar="CSV", help="the class, as Canvas or Moodle exports it")
    for kind, what in (("canvas", "CSV"), ("moodle", "CSV"), ("gradescope", "JSON"), ("json", "JSON")):
        one.add_argument(f"--{kind}", type=Path, metavar=what, help="write the table's scores in this form")
    one.add_argument("--require", action="append", default=[], metavar="KEY", help="exit with 3 unless it is solved")
    one.set_defaults(run=grade)

    two = commands.add_parser("assignment", help="copy the notebooks without outputs and solutions", allow_abbrev=False)
    two.add_argument("--output", type=Path, default=Path("build/assignment"), metavar="DIR")
    two.add_argument("--stubs", default="HEAD", metavar="COMMIT", help="the commit to take the exercises' cells from")
    kinds = two.add_mutually_exclusive_group()
    for kind, help_ in assignment.FOR.items():
        kinds.add_argument(f"--{kind}", dest="kind", action="store_const", const=kind, help=help_)
    two.add_argument("--gradebook", type=Path, metavar="TOML", help="the points of the exercises (1 for each)")
    two.set_defaults(run=assign)

    three = commands.add_parser("autograder", help="write the archive for Gradescope", allow_abbrev=False)
    three.add_argument("--gradebook", type=Path, metavar="TOML", required=True, help="the points of the exercises")
    three.add_argument("--output", type=Path, default=Path("build/autograder.zip"), metavar="ZIP")
    three.set_defaults(run=archive)
    return top


def main(words: list[str] | None = None) -> int:
    """Run the command that ``words`` name; return the exit status."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:  # the package lets Ctrl-C end it as long as it is importing
        signal.signal(signal.SIGINT, signal.default_int_handler)
    while (unused := os.open(os.devnull, os.O_RDWR)) <= 2:  # a closed one: another file would take its place
        pass
    os.close(unused)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    top = parser()
    try:
        words = without_doubt(sys.argv[1:] if words is None else words)
    except ValueError as error:
        top.error(str(error))
    arguments = top.parse_args(words)
    try:
        return arguments.run(arguments)
    except KeyboardInterrupt:
        tell("Interrupted.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
