"""Grade submitted notebooks: run each in a sandbox, and store what the checks of its exercises find.

Only the code of a submission counts; its stored outputs are ignored. The code runs in ``sandbox.py``'s sandbox, each
call of ``exercises.check`` goes to the grader, and the findings come back on a channel that the submission's own output
does not share. An exercise that no cell checks is examined by the name that the course's notebook gives it.

The sandbox protects the machine, its files and network, the other submissions, the table and the time. It cannot
protect honesty: the examination runs in the process of the submission, so code written to that end can report any
result, and a function copied from ``exercises.solution`` is a right function. Read the code behind a surprising result.
"""

import ast
import json
import os
import re
import stat
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from xent_helpers.exercises import sandbox
from xent_helpers.exercises.exercise import Status
from xent_helpers.exercises.sandbox import Limits
from xent_helpers.exercises.table import Row
from xent_helpers.forecasts import submitted

LARGEST = 32 * sandbox.MEBIBYTE
TO_READ = 512 * sandbox.MEBIBYTE  # of memory for one file: JSON of many small pieces grows thirtyfold
LONGEST_TEXT = 1000
LIMITS_HIT = {
    "time": "timed out",
    "memory": "out of memory",
    "machine": "out of memory",
    "processes": "too many processes",
    "output": "too much output",
}
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # what a spreadsheet takes for the start of one
# In many countries a spreadsheet splits lines at semicolons instead of commas, so a cell may start there as well.
OPENING = re.compile(rf"""(;[\s"]*)(?=[{re.escape("".join(FORMULA))}'])""")
CHECK = re.compile(r"""\bcheck\(\s*["'](\d+\.\d+)["']""")


@dataclass(frozen=True)
class CourseNotebook:
    """A notebook of the course: the name that each exercise's check gives its answer, and the ids of the cells."""

    name: str
    exercises: dict[str, str | None]
    cells: frozenset[str]


@dataclass
class Submission:
    """The code of a submitted notebook."""

    text: str
    cells: list[str] = field(default_factory=list)
    may_raise: list[int] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


class Unreadable(Exception):
    """A submission that cannot be run; the first argument is its status, the second says why."""


def chapters(folder: Path) -> list[CourseNotebook]:
    """Return the chapters of the course, read from its own notebooks.

    Raises:
        FileNotFoundError: ``folder`` holds no notebook with exercises.
        ValueError: it holds one of another kind.
    """
    found = []
    for path in sorted(folder.glob("*.ipynb")):
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            sources = [_source(cell) for cell in cells if cell["cell_type"] == "code"]
            names = dict(pair for source in sources if CHECK.search(source) for pair in _checks(source))
            found.append(CourseNotebook(path.name, names, frozenset(cell["id"] for cell in cells)))
        except (ValueError, SyntaxError, LookupError, TypeError, AttributeError) as error:
            why = f"{type(error).__name__}: {error}"
            raise ValueError(f"{path} is no notebook of the course ({why}): name another --course.") from error
    if not any(chapter.exercises for chapter in found):
        raise FileNotFoundError(
            f"{folder} holds no notebook of the course: run this in a checkout of it, or name its notebooks' folder "
            "with --course."
        )
    return found


def _checks(source):
    """Key and name of each ``check(key, name)`` in a cell; None for a name where the cell asks for a value."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "check":
            key, answer = node.args
            yield key.value, answer.id if isinstance(answer, ast.Name) else None


def read(path: Path) -> Submission:
    """Return the code of a submitted notebook.

    Raises:
        Unreadable: it is missing, a link, a folder, too large, or no notebook.
    """
    try:
        # Neither a link, which may lead to any file, nor a pipe, which may never end, is followed or waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if os.path.islink(path):  # Path.is_symlink raises what os.open did: a closed folder, a name too long
            raise Unreadable("not a notebook", "it is a link; hand in the file itself") from error
        raise Unreadable("unreadable", f"{error.strerror}") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("not a notebook", "it is a folder or a device; name the notebooks themselves")
        if found.st_size > LARGEST:
            size, most = found.st_size // sandbox.MEBIBYTE, LARGEST // sandbox.MEBIBYTE
            raise Unreadable("not a notebook", f"it has {size} MiB, the most is {most} MiB; clear its outputs")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            text = file.read(LARGEST).decode("utf-8-sig")
    except OSError as error:
        raise Unreadable("unreadable", f"{error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Unreadable("not a notebook", "it is no text in UTF-8") from error
    finally:
        os.close(descriptor)
    return _parsed(text)


def _parsed(text):
    if not text.strip():
        raise Unreadable("not a notebook", "it is empty")
    try:
        with _bounded_memory():
            notebook = json.loads(text)
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        submission = Submission(text, [_source(cell) for cell in cells])
        submission.ids = {str(cell.get("id")) for cell in notebook["cells"]}
        for number, cell in enumerate(cells, 1):
            if "raises-exception" in (cell.get("metadata", {}).get("tags") or []):
                submission.may_raise.append(number)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not a notebook", f"it is not whole, or no JSON ({error})") from error
    except MemoryError as error:
        raise Unreadable("not a notebook", "it takes too much memory to be read; clear its outputs") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise Unreadable("not a notebook", "it is JSON, but no notebook of format 4") from error
    return submission


@contextmanager
def _bounded_memory():
    """Let this process take only so much more memory within the block, where the system can hold it."""
    import resource  # here, since Windows has none

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    taken = getattr(psutil.Process().memory_info(), "data", None)
    bound = soft if taken is None else taken + TO_READ
    resource.setrlimit(resource.RLIMIT_DATA, (bound if soft == resource.RLIM_INFINITY else min(bound, soft), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _source(cell):
    """The text of a cell, which the format keeps as one string or as a list of lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def checked(submission: Submission) -> set[str]:
    """Return the keys of the exercises that its cells check."""
    return {key for source in submission.cells for key in CHECK.findall(source)}


def chapter_of(submission: Submission, path: Path, course: list[CourseNotebook]) -> CourseNotebook:
    """Return the chapter that a submission shares most checks and cells with; failing both, the one in its name.

    Raises:
        Unreadable: there is none.
    """
    keys = checked(submission)

    def shared(chapter):
        return (
            len(keys & set(chapter.exercises)),
            len(submission.ids & chapter.cells),
            Path(chapter.name).stem in path.stem,
        )

    best = max(course, key=shared)
    if not any(shared(best)):
        raise Unreadable("not of the course", "it has no check, no cell and no name of a chapter")
    return best


def grade(path: Path, course: list[CourseNotebook], limits: Limits, *, threads: int, trust: bool = False) -> list[Row]:
    """Return the rows of one submission: the file's own, with no exercise, then its exercises and forecasts."""
    file = name_of(path)
    try:
        submission = read(path)
        chapter = chapter_of(submission, path, course)
    except Unreadable as error:
        return [(file, "", error.args[0], shown(error.args[1]))]

    def request(deadline):
        fields = {
            "name": chapter.name,
            "notebook": submission.text,
            "cells": submission.cells,
            "may_raise": submission.may_raise,
            "exercises": chapter.exercises,
            "checks": sorted(checked(submission)),
            "deadline": deadline,
            "parent": os.getpid() if trust else None,  # bubblewrap ends its processes itself
            "megabytes": limits.megabytes,
            "threads": threads,
        }
        return json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")

    command = [sys.executable, "-P", "-m", "xent_helpers.exercises.runner"]
    finished = sandbox.run(command, request, limits, trust=trust)
    findings = list(_findings(finished.output))
    status, diagnosis = _status_of_file(finished, findings, limits)
    rows = [(file, "", status, shown(diagnosis))]
    found = {finding["exercise"]: finding for finding in findings if "exercise" in finding}
    for key in chapter.exercises:
        if key in found:
            note = f"[{found[key]['note']}] " if found[key]["note"] else ""
            rows.append((file, key, found[key]["status"], shown(note + found[key]["message"])))
        else:
            lost = {"finished": True} in findings
            why = "what was found got lost among what the notebook wrote" if lost else f"{status} before it was reached"
            rows.append((file, key, "not graded", why))
    noted = submitted.costs(submission.cells)
    return rows + [(file, f"forecast {key}", "noted", shown(cost)) for key, cost in noted]


def _findings(output):
    """Yield the findings that the runner could have written; a submission may write to its channel as well."""
    for line in output.splitlines():
        try:
            finding = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(finding, dict):
            continue
        texts = all(isinstance(finding.get(name), str) for name in ("exercise", "status", "message", "note"))
        of_an_exercise = texts and finding["status"] in list(Status)
        of_a_cell = isinstance(finding.get("cell"), int) and isinstance(finding.get("error"), str)
        if of_an_exercise or of_a_cell or finding == {"finished": True}:
            yield finding


def _status_of_file(finished, findings, limits):
    """Status and diagnosis of the submission as a whole."""
    errors = [f"code cell {finding['cell']}: {finding['error']}" for finding in findings if "cell" in finding]
    failures = "; ".join(errors[:3]) + (f"; and {len(errors) - 3} more" if len(errors) > 3 else "")
    if finished.limit_hit:
        limit = {
            "time": f"more than {limits.seconds:g} s",
            "memory": f"more than {limits.megabytes} MiB",
            "machine": "the machine's memory was used up, by this submission or by other programs",
            "processes": f"more than {limits.processes} at once, or {sandbox.THREADS} times as many threads",
            "output": "more than 1 MiB",
        }[finished.limit_hit]
        return LIMITS_HIT[finished.limit_hit], limit + (f"; {failures}" if failures else "")
    if {"finished": True} not in findings:
        return "failed", f"its process ended early (status {finished.status})" + (f"; {failures}" if failures else "")
    return ("failed", failures) if errors else ("graded", "every cell ran")


def shown(text: str) -> str:
    """Return ``text`` on one line, shortened, and in a form that spreadsheets and terminals take for plain text.

    Example:
        >>> shown("=HYPERLINK(1)")
        "'=HYPERLINK(1)"
        >>> shown("E: one;=1+1; two")
        "E: one;'=1+1; two"
        >>> shown("two\\n lines")
        'two lines'
    """
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(text) > LONGEST_TEXT:
        text = text[: LONGEST_TEXT - 2] + " …"
    text = OPENING.sub(r"\1'", text)
    return "'" + text if text.startswith(FORMULA) else text


def name_of(path: Path) -> str:
    """Return a file's name as the table has it: plain text like ``shown``, but two names never look alike.

    Example:
        >>> name_of(Path("a  b.ipynb")), name_of(Path("=1.ipynb")), name_of(Path("two\\nlines.ipynb"))
        ('a  b.ipynb', "'=1.ipynb", 'two\\\\nlines.ipynb')
    """
    text = os.fsencode(path).decode("utf-8", "surrogateescape").replace("\\", r"\\")
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    text = OPENING.sub(r"\1'", text)
    return "'" + text if text.lstrip().startswith((*FORMULA, "'")) else text
