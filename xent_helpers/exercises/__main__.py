"""The commands for a class: ``python -P -m xent_helpers.exercises grade …`` and ``… assignment``."""

import argparse
import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

from xent_helpers.exercises import assignment, control_group, grading, sandbox
from xent_helpers.exercises.table import Table

DAY = 86_400
TEBIBYTE = 2**20  # in MiB
COURSE = sandbox.PACKAGE.parent / "notebooks"
NO_SANDBOX = """There is no sandbox: {obstacle}.
Submitted notebooks are programs of other people, and without bubblewrap nothing keeps them from your files and network.
Install it (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap), or, for notebooks that you would
run yourself, pass --trust. book/grading.md says what that gives up."""


def grade(arguments: argparse.Namespace) -> int:
    """Grade the named notebooks one after the other, the table stored after each."""
    if os.name == "nt":
        tell("grade runs on Linux and, with --trust, on macOS; on Windows use WSL.")
        return 2
    control_group.scope()
    obstacle = None if arguments.trust else sandbox.obstacle()
    if obstacle:
        tell(NO_SANDBOX.format(obstacle=obstacle))
        return 2
    limits = sandbox.Limits(arguments.time_limit, arguments.memory_limit)
    paths = list(dict.fromkeys(arguments.notebooks))
    graded, trouble = 0, None
    try:
        course = grading.chapters(arguments.course)
        threads = sandbox.threads_allowed(limits)
        with Table(arguments.output) as table:
            for path in paths:
                rows = grading.grade(path, course, limits, threads=threads, trust=arguments.trust)
                table.rows[rows[0][0]] = rows
                trouble = stored(table)
                graded += 1
                show(rows)
    except KeyboardInterrupt:
        tell(f"Interrupted: {graded} of {len(paths)} files are graded and kept in {arguments.output}.")
        return 130
    except (OSError, ValueError) as error:
        tell(error)
        return 2
    say(f"{graded} files, the table is in {arguments.output}" if trouble is None else "")
    return 0 if trouble is None else 1


def stored(table: Table) -> OSError | None:
    """Store the table; return why that has failed, and say it: the next file may find more room."""
    try:
        table.store()
    except OSError as error:
        tell(f"The table could not be stored ({error}); what it lacks is printed here.")
        return error
    return None


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


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(prog="python -P -m xent_helpers.exercises", description=__doc__, allow_abbrev=False)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("grade", help="run submitted notebooks and tabulate what they solved", allow_abbrev=False)
    one.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    one.add_argument("--time-limit", type=number(float, 1, DAY), default=300.0, metavar="S", help="for a file (300)")
    one.add_argument("--memory-limit", type=number(int, 512, TEBIBYTE), default=4096, metavar="MB", help="(4096)")
    one.add_argument("--output", type=Path, default=Path("grades.csv"), metavar="CSV", help="the table (grades.csv)")
    one.add_argument("--course", type=Path, default=COURSE, metavar="DIR", help="the course's own notebooks")
    one.add_argument("--trust", action="store_true", help="run without a sandbox, with your rights on this machine")
    one.set_defaults(run=grade)

    two = commands.add_parser("assignment", help="copy the notebooks without outputs and solutions", allow_abbrev=False)
    two.add_argument("--output", type=Path, default=Path("build/assignment"), metavar="DIR")
    two.add_argument("--stubs", default="HEAD", metavar="COMMIT", help="the commit to take the exercises' cells from")
    two.set_defaults(run=lambda arguments: assignment.write(COURSE, arguments.output, arguments.stubs))
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
