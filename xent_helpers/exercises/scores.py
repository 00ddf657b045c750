"""What each student has scored: one table, made from the table of grades, that ``writers.py`` writes in each format.

A file of settings (TOML) says how many points an exercise is worth, and what part of a file's name is the student's.
A list of students (CSV, such as Canvas or Moodle exports) says who they are.
"""

import csv
import math
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import NamedTuple
from unicodedata import normalize

from xent_helpers.exercises.exercise import Status
from xent_helpers.exercises.grading import CourseNotebook
from xent_helpers.exercises.table import Row

# The columns of a list of students that may hold what a file's name says, as Canvas and Moodle call them.
IDENTITIES = ("file", "ID", "SIS User ID", "SIS Login ID", "ID number", "Email address", "Username", "Student")


@dataclass(frozen=True)
class Settings:
    """Points by exercise (empty: one for each that the table has), and the pattern of a student in a file's name."""

    points: dict[str, float] = field(default_factory=dict)
    student: re.Pattern | None = None


class Answer(NamedTuple):
    """What became of one exercise."""

    points: float
    status: str
    diagnosis: str


@dataclass
class Scores:
    """The points that each exercise is worth, and for each student who they are, their answers and their files."""

    possible: dict[str, float]
    people: dict[object, dict[str, str]] = field(default_factory=dict)
    answers: dict[object, dict[str, Answer]] = field(default_factory=dict)
    files: dict[object, list[tuple[str, str, str]]] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)

    def add(self, student: object, person: dict[str, str]) -> None:
        """Let there be a row for a student."""
        if student not in self.people:
            self.people[student], self.answers[student], self.files[student] = person, {}, []

    def note(self, student: object, row: Row) -> None:
        """Note a row of the table of grades; of two answers to an exercise the better one counts."""
        file, exercise, status, diagnosis = row
        if not exercise:
            self.files[student].append((file, status, diagnosis))
        if exercise not in self.possible:
            return
        points, answers = self.possible[exercise] if status == Status.SOLVED else 0, self.answers[student]
        if exercise in answers:
            self.doubts.append(f"{file}: a second answer of the same student to {exercise}; the better one counts.")
        if exercise not in answers or points > answers[exercise].points:
            answers[exercise] = Answer(points, status, diagnosis)


def plain(number: float) -> float:
    """A number without the rounding of sums, and without a point where it needs none."""
    return int(number) if number == int(number) else round(number, 6)


def settings(path: Path | None, course: list[CourseNotebook]) -> Settings:
    """Read the file of settings.

    Raises:
        OSError: it cannot be read.
        ValueError: it is wrong; the message says where and how it is written right.
    """
    if path is None:
        return Settings()
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path} is no TOML ({error}).") from error
    if strange := set(found) - {"points", "student"}:
        raise ValueError(f"{path}: {', '.join(sorted(strange))} is not known; there are [points] and student.")
    points, known = found.get("points"), exercises(course)
    if not isinstance(points, dict) or not points:
        raise ValueError(f'{path} needs a table [points] with a line such as "{known[0]}" = 2 for each exercise.')
    for key, worth in points.items():
        if isinstance(worth, dict):
            raise ValueError(f'{path}: write the exercise with quotation marks, as in "{key}.{next(iter(worth))}" = 2.')
        if key not in known:
            raise ValueError(f"{path}: there is no exercise {key}; the course has {', '.join(known)}.")
        if type(worth) not in (int, float) or not 0 < worth < math.inf:
            raise ValueError(f"{path}: exercise {key} is worth {worth!r}; points are a number above 0.")
    try:
        pattern = re.compile(found["student"]) if "student" in found else None
    except (re.error, TypeError) as error:
        raise ValueError(f"{path}: student is no regular expression ({error}).") from error
    if pattern and pattern.groups != 1:
        raise ValueError(
            f"{path}: student has {pattern.groups} groups; put ( ) around the part that names the student."
        )
    return Settings({key: plain(worth) for key, worth in points.items()}, pattern)


def exercises(course: list[CourseNotebook]) -> list[str]:
    """Return the keys of the course's exercises in their order."""
    return [key for chapter in course for key in chapter.exercises]


def students(path: Path | None) -> list[dict[str, str]]:
    """Read the list of students.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such list.
    """
    if path is None:
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            names = {name.strip() for name in reader.fieldnames or []}
            rows = [{(name or "").strip(): value for name, value in row.items()} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no CSV file in UTF-8 ({error}).") from error
    if not names & set(IDENTITIES):
        raise ValueError(f"{path} has none of the columns {', '.join(IDENTITIES)}.")
    for number, row in enumerate(rows, 2):
        if isinstance(row.get(""), list):
            raise ValueError(f"{path}: row {number} has more cells than the first row has names.")
        if "First name" in row:  # Moodle's
            row.setdefault("Student", f"{row['First name']} {row.get('Last name', row.get('Surname', ''))}")
    # Canvas exports a row of points below its header, and a row of notes.
    named = [row for row in rows if any(row.get(name, "").strip() for name in IDENTITIES)]
    return [row for row in named if "Points Possible" not in row.get("Student", "")]


def student_of(file: str, course: list[CourseNotebook], pattern: re.Pattern | None) -> str | None:
    """Return the student that a file of the table belongs to; None if the pattern does not fit.

    Without a pattern it is what stands before the chapter's name: "anna" of ``anna_03_from_scratch_and_stable.ipynb``;
    if nothing does, the folder's name; and without the chapter's name in it, the whole name of the file.

    Example:
        >>> course = [CourseNotebook("03_stable.ipynb", {}, frozenset())]
        >>> files = ("in/anna_03_stable (1).ipynb", "in/bo/03_stable.ipynb", "in/cy.ipynb")
        >>> [student_of(file, course, None) for file in files]
        ['anna', 'bo', 'cy']
        >>> student_of("able_LATE_77_12_x.ipynb", course, re.compile(r"_(\\d+)_\\d+_"))
        '77'
    """
    path = PurePath(normalize("NFC", file.removeprefix("'")))  # the apostrophe that ``name_of`` has put there
    if pattern:
        match = pattern.search(path.as_posix())
        return match[1] or None if match else None
    for chapter in course:
        before, chapters_name, _ = path.stem.partition(Path(chapter.name).stem)
        if chapters_name:
            return before.strip("_-. ") or path.parent.name or path.stem
    return path.stem


def tabulate(
    rows: dict[str, list[Row]],
    course: list[CourseNotebook],
    wanted: Settings,
    known: list[dict[str, str]],
    *,
    together: bool = False,
) -> Scores:
    """Return the scores of the table's ``rows``; every student ``known`` and every file has its place in them.

    A solved exercise has all its points, any other of a file none. Where a student has handed in an exercise twice, the
    better one counts. With ``together`` all files are one student's.
    """
    graded = {row[1] for one in rows.values() for row in one}
    graded = [key for key in exercises(course) if key in graded] or exercises(course)
    scores = Scores(wanted.points or dict.fromkeys(graded, 1))
    for number, person in enumerate(known):
        scores.add(number, person)
    places = _places(known)
    for file, of_file in rows.items():
        student = "" if together else student_of(file, course, wanted.student)
        if student is None:
            scores.doubts.append(f"{file}: the pattern finds no student in it, so its row has the file's name.")
            student = file
        fitting = places.get(student, set())
        if known and len(fitting) != 1:
            scores.doubts.append(f"{file}: {len(fitting)} students of the list are {student!r}.")
        key = min(fitting) if len(fitting) == 1 else student
        moodles = "Email address" if "@" in student else "ID number"
        scores.add(key, dict.fromkeys(("Student", "SIS Login ID", moodles), student))
        for row in of_file:
            scores.note(key, row)
    return scores


def _places(known):
    """The students of the list by every text that may name them."""
    places = {}
    for number, person in enumerate(known):
        for name in IDENTITIES:
            if text := normalize("NFC", person.get(name, "").strip()):
                places.setdefault(text, set()).add(number)
    return places
