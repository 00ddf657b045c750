"""Tests for graders that give points to what raises nothing: a cell an exercise for nbgrader, a file for Otter.

``check`` never raises, so to them every answer would be right; their tests call ``require``, which raises.
"""

import ast
import json
from pathlib import Path

NBGRADER_TEST = """### BEGIN HIDDEN TESTS
from xent_helpers.exercises import require
require("{key}", globals().get("{name}"))
### END HIDDEN TESTS"""
OTTER_TEST = """from otter.test_files import test_case
from xent_helpers.exercises import require

OK_FORMAT = False
name = "{question}"
points = {points}


@test_case()
def test_exercise(env):
    require("{key}", env.get("{name}"))
"""


def files(kind: str | None, name: str, notebook: dict, points: dict[str, float] | None) -> dict[str, str]:
    """Return the files of one chapter's assignment by their paths; without ``points`` each exercise is worth 1."""
    stem = Path(name).stem
    if kind is None:
        return {name: _text(notebook)}
    answers = named_answers(notebook)
    points = points or dict.fromkeys(answers, 1)
    tests = {key: answer for key, answer in answers.items() if key in points}
    if not tests:
        return {}
    if kind == "nbgrader":
        for key, (cell, answer) in tests.items():
            notebook["cells"].insert(notebook["cells"].index(cell) + 1, _test_cell(key, answer, points[key]))
        return {f"source/{stem}/{name}": _text(notebook)}
    made = {f"{stem}/{name}": _text(notebook)}
    for key, (_, answer) in tests.items():
        question = "q" + key.replace(".", "_")
        text = OTTER_TEST.format(question=question, points=points[key], key=key, name=answer)
        made[f"{stem}/tests/{question}.py"] = text
    return made


def named_answers(notebook: dict) -> dict[str, tuple[dict, str]]:
    """Return the cell that checks each exercise, and the name of its answer; one written into the call gets a name."""
    found = {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code" or "check(" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "check":
                key, answer = node.args[0].value, node.args[1]
                name = getattr(answer, "id", "my_answer_" + key.replace(".", "_"))
                if not isinstance(answer, ast.Name):
                    call, value = (ast.get_source_segment(source, part) for part in (node, answer))
                    asked = source.replace(call, f"{name} = {value}")
                    cell["source"] = f"{asked}\n\n{call.replace(value, name)}"
                found[key] = cell, name
    return found


def _test_cell(key, name, points):
    question = key.replace(".", "-")  # ids of cells have no point
    told = {"grade": True, "grade_id": f"exercise-{question}", "locked": True, "points": points, "schema_version": 3}
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"test-{question}",
        "metadata": {"nbgrader": told | {"cell_type": "code", "solution": False, "task": False}},
        "outputs": [],
        "source": NBGRADER_TEST.format(key=key, name=name),
    }


def _text(notebook):
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
