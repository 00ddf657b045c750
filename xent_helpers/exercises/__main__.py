"""The commands for a class: ``python -m xent_helpers.exercises grade …`` and ``… assignment``."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from xent_helpers.exercises import assignment, grading, sandbox

COURSE = sandbox.PACKAGE.parent / "notebooks"
NO_SANDBOX = """There is no sandbox: {obstacle}.
Submitted notebooks are programs of other people, and without bubblewrap nothing keeps them from your files and network.
Install it (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap), or, for notebooks that you would
run yourself, pass --trust. book/grading.md says what that gives up."""


def grade(arguments: argparse.Namespace) -> int:
    """Grade the named notebooks one after the other, the table stored after each."""
    if os.name == "nt":
        print("grade runs on Linux and, with --trust, on macOS; on Windows use WSL.", file=sys.stderr)
        return 2
    obstacle = None if arguments.trust else sandbox.obstacle()
    if obstacle:
        print(NO_SANDBOX.format(obstacle=obstacle), file=sys.stderr)
        return 2
    limits = sandbox.Limits(arguments.time_limit, arguments.memory_limit)
    graded = 0
    try:
        course = grading.chapters(arguments.course)
        table = grading.load(arguments.output)
        grading.store(table, arguments.output)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    threads = sandbox.threads_allowed(limits)
    paths = list(dict.fromkeys(arguments.notebooks))
    try:
        for path in paths:
            rows = grading.grade(path, course, limits, threads=threads, trust=arguments.trust)
            table[rows[0][0]] = rows
            graded += 1
            grading.store(table, arguments.output)
            show(rows)
    except KeyboardInterrupt:
        grading.store(table, arguments.output)
        print(
            f"Interrupted: {graded} of {len(paths)} files are graded and kept in {arguments.output}.", file=sys.stderr
        )
        return 130
    print(f"{graded} files, the table is in {arguments.output}")
    return 0


def show(rows: list[grading.Row]) -> None:
    """Print the rows of one file, as wide as the terminal."""
    width = shutil.get_terminal_size((120, 24)).columns
    print(rows[0][0])
    for _, key, status, diagnosis in rows:
        line = f"    {key:<5}{status:<20}{diagnosis}"
        print(line if len(line) <= width else line[: width - 1] + "…", flush=True)


def number(kind: type, least: float):
    """An argument's type: a number of at least ``least``."""

    def convert(text):
        if not kind(text) >= least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return kind(text)

    convert.__name__ = kind.__name__
    return convert


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(prog="python -m xent_helpers.exercises", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("grade", help="run submitted notebooks and store a table of what they solved")
    one.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    one.add_argument("--time-limit", type=number(float, 1), default=300.0, metavar="S", help="seconds for a file (300)")
    one.add_argument("--memory-limit", type=number(int, 512), default=4096, metavar="MB", help="MiB for a file (4096)")
    one.add_argument("--output", type=Path, default=Path("grades.csv"), metavar="CSV", help="the table (grades.csv)")
    one.add_argument("--course", type=Path, default=COURSE, metavar="DIR", help="the course's own notebooks")
    one.add_argument("--trust", action="store_true", help="run without a sandbox, with your rights on this machine")
    one.set_defaults(run=grade)

    two = commands.add_parser("assignment", help="copy the notebooks without outputs and solutions")
    two.add_argument("--output", type=Path, default=Path("build/assignment"), metavar="DIR")
    two.add_argument("--stubs", default="HEAD", metavar="COMMIT", help="the commit to take the exercises' cells from")
    two.set_defaults(run=lambda arguments: assignment.write(COURSE, arguments.output, arguments.stubs))
    return top


if __name__ == "__main__":
    arguments = parser().parse_args()
    sys.exit(arguments.run(arguments))
