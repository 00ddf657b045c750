"""What ``grade`` makes of its table is what Canvas, Moodle and Gradescope document, whatever the files are called."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.grading import submissions
from tests.grading.submissions import CHECK, IMPORTS, NAME, OTHER_CHECK, OTHER_RIGHT, RIGHT, WRONG, notebook, run
from tests.grading.test_assignment import commit, git
from xent_helpers.exercises import __main__ as command
from xent_helpers.exercises import grading, writers
from xent_helpers.exercises.table import Table

pytestmark = pytest.mark.skipif(os.name == "nt", reason="grade runs on Linux and macOS")

COURSE_KEYS = [key for chapter in grading.chapters(command.COURSE) for key in chapter.exercises]
POINTS = '[points]\n"1.1" = 2\n"1.3" = 1.5\n"3.2" = 10\n'
STEM = Path(NAME).stem


def cloned(tmp_path):
    """The course's own notebooks in a git of their own."""
    folder = tmp_path / "course"
    shutil.copytree(command.COURSE, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    git(folder, "init", "--quiet")
    commit(folder)
    return folder


def answered(file, **statuses):
    """The rows of a graded file: its own, and one for each exercise, as ``_1_1="solved"``."""
    rows = [(file, key[1:].replace("_", "."), status, f"{status}!") for key, status in statuses.items()]
    return [(file, "", "graded", "every cell ran"), *rows]


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """A table of four files, in the folder where the test runs; and what ``grade`` makes of it, without grading."""
    monkeypatch.chdir(tmp_path)
    rows = [
        answered(f"in/anna_{STEM}.ipynb", _1_1="solved", _1_3="not yet"),
        answered(f"in/anna_{STEM} (1).ipynb", _1_1="not yet", _1_3="solved"),
        answered(f"'=cmd_{STEM}.ipynb", _1_1="not graded", _1_3="not attempted yet"),
        [("in/bo@x.org.ipynb", "", "not a notebook", "it is empty")],
    ]
    with Table(Path("grades.csv")) as table:
        table.rows = {one[0][0]: one for one in rows}
        table.store()
    Path("gradebook.toml").write_text(POINTS)
    return lambda *options: run("grade", *options)


def read(path):
    """The rows of a CSV file, which begins with the mark that spreadsheets know UTF-8 by."""
    data = Path(path).read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


# ---- Canvas and Moodle ----


def test_canvas_gets_the_columns_of_its_guide_and_a_row_a_student(graded):
    assert graded("--gradebook", "gradebook.toml", "--canvas", "c.csv") == 0
    names, possible, *students = read("c.csv")
    assert names[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert names[5:] == ["Exercise 1.1", "Exercise 1.3", "Exercise 3.2"]
    assert possible == ["    Points Possible", "", "", "", "", "2", "1.5", "10"]
    assert students == [
        ["anna", "", "", "anna", "", "2", "1.5", ""],  # the better answer of each of her files
        ["'=cmd", "", "", "'=cmd", "", "0", "0", ""],
        ["bo@x.org", "", "", "bo@x.org", "", "", "", ""],
    ]


def test_moodle_gets_names_that_it_maps_and_a_row_a_student(graded):
    assert graded("--moodle", "m.csv") == 0  # without a file of settings each exercise that was graded is worth 1
    assert read("m.csv") == [
        ["ID number", "Email address", "Exercise 1.1", "Exercise 1.3"],
        ["anna", "", "1", "1"],
        ["'=cmd", "", "0", "0"],
        ["", "bo@x.org", "-", "-"],
    ]


# A gradebook that Canvas exports, and a Moodle one; names of files as these systems make them.
CANVAS = (
    '\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Old (5)\n"    Points Possible",,,,,1\n'
    '"Able, Ännä",77,s1,anna,A,1\n"=Bo, Bo",78,s2,bo,A,\n"Cy, C",79,s3,"+cy",B,\n'
)
MOODLE = "First name,Last name,ID number,Email address\nÄnnä,Able,m1,A@x.org\n=Bo,Bo,m2,b@x.org\nCy,C,m3,c@x.org\n"
LMS = {
    "canvas": (CANVAS, r"_(\d+)_\d+_", "able_LATE_77_12_{}.ipynb", [["'=Bo, Bo", "78"], ["Cy, C", "79"]]),
    "moodle": (
        MOODLE,
        r"([^/]+)_\d+_assignsubmission",
        "Ännä Able_9_assignsubmission_file_/{}.ipynb",
        [["m2"], ["m3"]],
    ),
}


@pytest.mark.parametrize("system", LMS)
def test_a_students_own_name_for_the_file_does_not_count_beside_the_systems(graded, capsys, system):
    """The class as the system exports it, and a pattern for its downloads: everyone has a row, once."""
    listed, pattern, name, without = LMS[system]
    Path("class.csv").write_text(listed, encoding="utf-8")
    Path("p.toml").write_text(f"student = '{pattern}'\n{POINTS}", encoding="utf-8")
    decomposed = name.format(f"bo_{STEM}").replace("Ä", "A\u0308")  # as macOS writes it
    with Table(Path("grades.csv")) as table:
        table.rows[decomposed] = answered(decomposed, _1_1="solved")
        table.store()
    assert graded("--gradebook", "p.toml", "--students", "class.csv", f"--{system}", "o.csv") == 0
    rows = read("o.csv")[1 if system == "moodle" else 2 :]
    if system == "canvas":
        assert rows[0] == ["Able, Ännä", "77", "s1", "anna", "A", "2", "", ""] and rows[2][3] == "'+cy"
    else:
        assert rows[0] == ["m1", "A@x.org", "2", "-", "-"]
    assert [row[: len(start)] for row, start in zip(rows[1:3], without, strict=True)] == without
    assert len(rows) == 3 + 4  # and each file that the pattern does not fit is a row of its own
    assert f"in/anna_{STEM}.ipynb" in capsys.readouterr().err


def test_two_students_of_one_name_are_not_mixed_up(graded, capsys):
    Path("class.csv").write_text("file,Student,Email address\nbo,Bo,b@x.org\n,anna,a1@x.org\n,anna,a2@x.org\n")
    assert graded("--students", "class.csv", "--moodle", "m.csv") == 0
    assert [row[1:] for row in read("m.csv")[1:4]] == [[f"{one}@x.org", "-", "-"] for one in ("b", "a1", "a2")]
    assert "2 students of the list are 'anna'" in capsys.readouterr().err


WRONG_SETTINGS = {
    "no TOML": ("[points", "TOML"),
    "nothing": ("", "[points]"),
    "another table": (POINTS + "[weights]\n", "weights"),
    "no quotation marks": ("[points]\n3.1 = 2", '"3.1"'),
    "no such exercise": ('[points]\n"3.99" = 1', "3.99"),
    "a text": ('[points]\n"1.1" = "2"', "1.1"),
    "true": ('[points]\n"1.1" = true', "1.1"),
    "negative": ('[points]\n"1.1" = -1', "1.1"),
    "not a number": ('[points]\n"1.1" = nan', "1.1"),
    "no pattern": ("student = '('\n" + POINTS, "student"),
    "no group": ("student = 'x'\n" + POINTS, "groups"),
}


@pytest.mark.parametrize("kind", WRONG_SETTINGS)
def test_wrong_settings_are_named_and_nothing_is_written(graded, capsys, kind):
    text, names = WRONG_SETTINGS[kind]
    Path("g.toml").write_text(text)
    assert graded("--gradebook", "g.toml", "--canvas", "c.csv") == 2
    shown = capsys.readouterr().err
    assert "g.toml" in shown and names in shown and not Path("c.csv").exists()


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "", "ID\n1,2\n", "ID\n\xff\n"])
def test_a_wrong_list_of_students_is_named(graded, capsys, text):
    Path("class.csv").write_bytes(text.encode("latin-1"))
    assert graded("--students", "class.csv", "--canvas", "c.csv") == 2
    assert "class.csv" in capsys.readouterr().err and not Path("c.csv").exists()


@pytest.mark.parametrize("kind", ["canvas", "moodle", "gradescope", "json"])
def test_a_gradebook_is_replaced_by_a_newer_one_and_no_other_file_is(graded, kind, capsys):
    for options in ([], ["--gradebook", "gradebook.toml"]):
        assert graded(*options, f"--{kind}", "out") == 0
    newest = Path("out").read_bytes()
    Path("notes").write_text(CANVAS)
    twice = ["--json", "twice", "--gradescope", "twice"]
    for options in (
        twice,
        [f"--{kind}", "notes"],
        [f"--{kind}", "grades.csv"],
        ["--students", "notes", f"--{kind}", "notes"],
    ):
        assert graded(*options) == 2 and options[-1] in capsys.readouterr().err
    assert Path("notes").read_text() == CANVAS
    assert graded(f"--{kind}", "no/such/folder") == 1
    assert Path("out").read_bytes() == newest and not list(Path().glob("*.unfinished"))


def test_one_file_can_be_asked_for_an_exit_status_and_json(graded, tmp_path, capsys):
    course, file = submissions.course(tmp_path / "course"), f"x_{STEM}.ipynb"
    Path(file).write_text(notebook(IMPORTS, RIGHT, CHECK, OTHER_RIGHT.replace("6", "7")))
    options = ["--course", course, "--output", "one.csv", "--trust", "--json", "one.json"]
    assert graded(file, *options, "--require", "1.1") == 0
    assert graded(*options, "--require", "1.1", "--require", "1.3") == 3 and "1.3" in capsys.readouterr().err
    assert graded(*options, "--require", "9.9") == 3
    found = json.loads(Path("one.json").read_text())
    (student,) = found["students"]
    assert (found["max_score"], student["student"], student["score"]) == (2, "x", 1)
    assert [one["status"] for one in student["exercises"].values()] == ["solved", "not yet"]
    assert student["files"] == [{"file": file, "status": "graded", "diagnosis": "every cell ran"}]


def test_nothing_to_grade_and_nothing_to_make_is_refused(graded):
    assert [graded(), graded("--output", "none.csv", "--json", "x"), graded("--require", "1.1")] == [2, 2, 3]
    assert not Path("none.csv").exists()


# ---- Gradescope ----


@pytest.fixture
def container(tmp_path):
    """The folders of Gradescope's container, as it makes them of the archive; its Python is the tests'."""
    settings, archive, root = tmp_path / "g.toml", tmp_path / "autograder.zip", tmp_path / "autograder"
    settings.write_text('[points]\n"1.1" = 2\n"1.3" = 1.5\n')
    for _ in range(2):
        assert run("autograder", "--gradebook", settings, "--output", archive) == 0
    for name in ("submission", "results"):
        (root / name).mkdir(parents=True)
    with zipfile.ZipFile(archive) as files:
        files.extractall(root / "source")
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in files.infolist()}
    assert modes["setup.sh"] == modes["run_autograder"] == 0o755
    shutil.copy(root / "source" / "run_autograder", root)
    (root / "run_autograder").chmod(0o755)
    (root / "source" / ".venv").symlink_to(sys.prefix)
    return root


# What the page of specifications says of each field.
VISIBLE = ("hidden", "after_due_date", "after_published", "visible")
FORMATS = ("text", "html", "simple_format", "md", "ansi")
SPECIFIED = {
    "score": lambda value: type(value) in (int, float),
    "max_score": lambda value: type(value) in (int, float),
    "status": ("passed", "failed").__contains__,
    "name": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, str),
    "output": lambda value: isinstance(value, str),
    "output_format": FORMATS.__contains__,
    "visibility": VISIBLE.__contains__,
    "stdout_visibility": VISIBLE.__contains__,
    "tests": lambda value: isinstance(value, list),
}
OF_A_TEST = {"score", "max_score", "status", "name", "number", "output", "output_format", "visibility"}
FORGED = "import pathlib\n[path.write_text('{}') for path in pathlib.Path('ROOT').glob('results/*')]"
SUBMITTED = {
    "right, in two files": (
        {f"a/{NAME}": notebook(IMPORTS, RIGHT, CHECK, OTHER_CHECK), "=b.ipynb": notebook(OTHER_RIGHT)},
        [2, 1.5],
    ),
    "wrong, with a forged file": ({"-x.ipynb": notebook(IMPORTS, FORGED, WRONG, CHECK, OTHER_RIGHT)}, [0, 1.5]),
    "broken": ({"a b.ipynb": "{"}, [0, 0]),
    "nothing": ({"a.txt": "x"}, [0, 0]),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", SUBMITTED)
def test_the_script_of_the_archive_writes_what_gradescope_reads(container, kind):
    files, points = SUBMITTED[kind]
    for name, text in files.items():
        (container / "submission" / name).parent.mkdir(exist_ok=True)
        (container / "submission" / name).write_text(text.replace("ROOT", str(container)))
    (container / "bwrap").write_text("#!/bin/sh\nexit 1\n")  # as where a container forbids what bubblewrap does
    (container / "bwrap").chmod(0o755)
    path = f"{container}:{os.environ['PATH']}"
    variables = os.environ | {"AUTOGRADER": str(container), "PATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([container / "run_autograder"], env=variables, cwd=container, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no sandbox" in done.stdout
    results = json.loads((container / "results" / "results.json").read_text(encoding="utf-8"))
    assert set(results) == {"score", "output", "output_format", "visibility", "stdout_visibility", "tests"}
    for part in [results, *results["tests"]]:
        assert all(SPECIFIED[name](value) for name, value in part.items())
    assert all(set(test) == OF_A_TEST for test in results["tests"])
    assert [(test["number"], test["score"]) for test in results["tests"]] == list(
        zip(["1.1", "1.3"], points, strict=True)
    )
    assert [test["max_score"] for test in results["tests"]] == [2, 1.5] and results["score"] == sum(points)
    assert [test["status"] for test in results["tests"]] == ["passed" if one else "failed" for one in points]
    assert all(Path(name).name in results["output"] for name in files if name.endswith(".ipynb"))


def test_an_archive_takes_no_other_files_place_and_needs_points(tmp_path, capsys):
    settings, output = tmp_path / "g.toml", tmp_path / "notes"
    settings.write_text(POINTS)
    output.write_text("my notes")
    assert run("autograder", "--gradebook", settings, "--output", output) == 2
    assert output.read_text() == "my notes" and "notes" in capsys.readouterr().err


def test_a_cell_of_a_gradebook_is_no_formula_after_a_semicolon_either():
    assert writers._cell('anna; "=1+1') == """anna; "'=1+1"""
