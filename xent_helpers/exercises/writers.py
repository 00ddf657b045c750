"""Write scores as Canvas, Moodle and Gradescope read them, and as JSON for programs of your own.

The formats: "How do I import grades in the Gradebook?" of the Canvas guides, "Grade import" of Moodle's documentation,
and https://gradescope-autograders.readthedocs.io/en/latest/specs/.
"""

import csv
import json
import os
import re
from io import StringIO
from pathlib import Path, PurePath

from xent_helpers.exercises.exercise import Status
from xent_helpers.exercises.grading import FORMULA, OPENING
from xent_helpers.exercises.scores import Scores, plain
from xent_helpers.exercises.table import replaced

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
MOODLE = ("ID number", "Email address")


def canvas(scores: Scores) -> str:
    """A gradebook for Canvas: the names of its columns, a row of the points possible, a row a student."""
    possible = ["    Points Possible", *[""] * (len(CANVAS) - 1), *scores.possible.values()]
    return _gradebook(scores, CANVAS, [possible], none="")


def moodle(scores: Scores) -> str:
    """A gradebook for Moodle: the names of its columns, a row a student; "-" is no grade."""
    return _gradebook(scores, MOODLE, [], none="-")


def _gradebook(scores, columns, below, none):
    rows = [[*columns, *(f"Exercise {key}" for key in scores.possible)], *below]
    for student, person in scores.people.items():
        answers = scores.answers[student]
        points = [answers[key].points if key in answers else none for key in scores.possible]
        rows.append([*(_cell(person.get(name, "")) for name in columns), *points])
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _cell(text):
    """A text that a spreadsheet does not take for a formula."""
    text = OPENING.sub(r"\1'", "".join(c if c.isprintable() else " " for c in text))
    return "'" + text if text.lstrip().startswith(FORMULA) else text


def gradescope(scores: Scores) -> str:
    """The results of one submission for Gradescope: a test an exercise."""
    answers = {key: answer for of_one in scores.answers.values() for key, answer in of_one.items()}
    tests = []
    for key, worth in scores.possible.items():
        points, status, diagnosis = answers.get(key, (0, "not handed in", "No notebook with this exercise is here."))
        tests.append(
            {
                "score": points,
                "max_score": worth,
                "status": "passed" if status == Status.SOLVED else "failed",
                "name": f"Exercise {key}: {status}",
                "number": key,
                "output": diagnosis,
                "output_format": "text",
                "visibility": "visible",
            }
        )
    files = [file for of_one in scores.files.values() for file in of_one]
    results = {
        "score": plain(sum(test["score"] for test in tests)),
        "output": "\n".join(f"{PurePath(name).name}: {status} ({why})" for name, status, why in files),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }
    return json.dumps(results, indent=1)


def as_json(scores: Scores) -> str:
    """Everything that the scores hold."""
    found = [
        {
            "student": person.get("Student", ""),
            "score": plain(sum(answer.points for answer in scores.answers[student].values())),
            "files": [dict(zip(("file", "status", "diagnosis"), file, strict=True)) for file in scores.files[student]],
            "exercises": {key: answer._asdict() for key, answer in scores.answers[student].items()},
        }
        for student, person in scores.people.items()
    ]
    return json.dumps({"max_score": plain(sum(scores.possible.values())), "students": found}, indent=1)


WRITERS = {"canvas": canvas, "moodle": moodle, "gradescope": gradescope, "json": as_json}


def write(kind: str, scores: Scores, path: Path, *, again: bool = False) -> None:
    """Write the scores to ``path``, which is replaced whole if it is an earlier file of the same kind.

    ``again`` says that this program has just written it; what it holds now may be by a submission that ran meanwhile.

    Raises:
        ValueError: it is another file.
        OSError: it cannot be written; what was there is there still.
    """
    path, text = Path(os.path.realpath(path)), WRITERS[kind](scores)
    if path.exists() and not again:
        opening = re.match(r"\D*", text)[0]  # up to the first number, which another class has other
        old = path.open(encoding="utf-8-sig", errors="replace").read(len(opening)) if path.is_file() else ""
        if old != opening:
            raise ValueError(f"{path} exists and was not written by --{kind}: name another file.")
    encoding = "utf-8-sig" if kind in ("canvas", "moodle") else "utf-8"
    replaced(path, lambda file: file.write(text), encoding).close()
