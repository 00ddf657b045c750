"""Write the notebooks as an assignment: no outputs, and every exercise as the course sets it.

What a cell of the section *Exercises* holds in git is what is set; what it holds in the working copy may be a
solution. So code cells from the heading ``## Exercises`` on are taken, by their id, from a commit (the last one, or
the one that is named), and one that the commit does not have is left out. All else, text and lecture, is taken
unchanged from the working copy. Then every exercise is examined, and nothing is written if one is solved.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

from xent_helpers import exercises
from xent_helpers.exercises import other_graders

FOR = {
    "nbgrader": "with a test cell for each exercise, in the folders of an nbgrader course",
    "otter": "with a test file for each exercise, for otter generate",
}
HEADING = "## Exercises"
README = """# Exercises

Open the notebooks in JupyterLab, in the environment that your course provides. Each chapter ends with exercises.

1. Write your answer in the exercise's cell. Keep the name that is given, and keep the cell below, which checks it.
2. Run the check as often as you like. `exercises.hint("3.2")` helps a step further.
3. Before you hand in: *Run > Restart Kernel and Run All Cells*, then save. What counts is what your code does in a
   fresh kernel from top to bottom, not what the page shows.
4. Hand in the notebook itself (`.ipynb`, no archive and no PDF), one file a chapter, with your name in front:
   `surname_03_from_scratch_and_stable.ipynb`.

Your notebook is run without network and without other files, so it must not need any. It may take five minutes unless
you are told otherwise.
"""


class NotAnAssignment(Exception):
    """Why no assignment can be made, and what to do."""


def write(
    course: Path,
    output: Path,
    commit: str = "HEAD",
    kind: str | None = None,
    points: dict[str, float] | None = None,
) -> int:
    """Write the assignment of the notebooks in ``course`` to the folder ``output``, which is replaced whole.

    For a ``kind`` of ``FOR`` the exercises that ``points`` names get a test, or all.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(mkdtemp(prefix=output.name + ".", suffix=".unfinished", dir=output.parent))
    except OSError as error:
        print(f"{output} cannot be written ({error.strerror}): name another folder with --output.", file=sys.stderr)
        return 1
    try:
        for path in sorted(course.glob("*.ipynb")):
            notebook = json.loads(path.read_text(encoding="utf-8"))
            left_out = restore(notebook, json.loads(committed(path, commit)))
            if left_out:
                print(f"{path.name}: left out, as git does not have them: {left_out} code cells among the exercises")
            clear(notebook)
            solved = solved_in(notebook)
            if solved:
                raise NotAnAssignment(
                    f"{path.name} at {commit} has a solution of {', '.join(solved)}: name a commit that has none "
                    f"with --stubs."
                )
            for name, text in other_graders.files(kind, path.name, notebook, points).items():
                (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
                (unfinished / name).write_text(text, encoding="utf-8")
        (unfinished / "README.md").write_text(README, encoding="utf-8")
        unfinished.chmod(0o755)
        replace(output, unfinished)
    except NotAnAssignment as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    print(f"{output}: {len(list(output.rglob('*.ipynb')))} notebooks without outputs and solutions")
    return 0


def committed(path: Path, commit: str) -> str:
    """Return the text that ``path`` has in a commit."""
    command = ["git", "-C", str(path.parent), "show", "--end-of-options", f"{commit}:./{path.name}"]
    try:
        return subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout
    except FileNotFoundError as error:
        raise NotAnAssignment("git is not installed; the exercises' cells are taken from it.") from error
    except subprocess.CalledProcessError as error:
        raise NotAnAssignment(
            f"{path.name} cannot be read from git at {commit}: {error.stderr.strip()}. The exercises' cells are taken "
            "from there; get the course with git clone, and commit notebooks of your own with their exercises unsolved."
        ) from error


def restore(notebook: dict, original: dict) -> int:
    """Put the exercises' code cells back as ``original`` has them; return how many it does not have."""
    sources = {cell["id"]: cell["source"] for cell in original["cells"] if "id" in cell}
    kept, left_out = [], 0
    for cell, among_exercises in marked(notebook):
        if among_exercises and cell["cell_type"] == "code":
            if cell.get("id") not in sources:
                left_out += 1
                continue
            cell["source"] = sources[cell["id"]]
        kept.append(cell)
    notebook["cells"] = kept
    return left_out


def marked(notebook: dict) -> list[tuple[dict, bool]]:
    """Return each cell with whether it is below the heading of the exercises."""
    among_exercises, cells = False, []
    for cell in notebook["cells"]:
        cells.append((cell, among_exercises))
        if cell["cell_type"] == "markdown" and HEADING in "".join(cell["source"]).splitlines():
            among_exercises = True
    return cells


def clear(notebook: dict) -> None:
    """Take out outputs, execution counts, and what a program has noted about a run."""
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        cell["metadata"].pop("execution", None)
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None


def solved_in(notebook: dict) -> list[str]:
    """Return the exercises that the notebook's cells, run unchanged after its imports, answer right."""
    code = [(cell, among_exercises) for cell, among_exercises in marked(notebook) if cell["cell_type"] == "code"]
    solved, names = [], {}

    def note(key, answer):
        if exercises.examine(key, answer).status == exercises.Status.SOLVED:
            solved.append(key)

    with exercises.redirected_checks(note):
        for cell in [code[0][0], *(cell for cell, among_exercises in code[1:] if among_exercises)]:
            exec("".join(cell["source"]), names)
    return solved


def replace(folder: Path, made: Path) -> None:
    """Put the folder ``made`` in the place of ``folder``."""
    old = made.with_suffix(".old")
    if folder.exists():
        folder.rename(old)
    made.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
