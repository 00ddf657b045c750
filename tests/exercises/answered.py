"""Notebooks whose exercises are answered, by the solutions or by known mistakes."""

import ast
import random
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.execute_notebooks import all_notebooks
from xent_helpers.exercises import all_exercises

NOTEBOOKS = {path.stem[:2]: path for path in all_notebooks()}
EXERCISES = all_exercises()
IMPORT = "from xent_helpers.exercises import all_exercises as _all"


def solutions(key: str) -> tuple[str, str, str]:
    """An expression for the answer, and the status and message that it must get."""
    return _value_of(key, f'_all()["{key}"].reference'), "solved", EXERCISES[key].afterwards


def mistakes(seed: int) -> Callable[[str], tuple[str, str, str]]:
    """The same for a known mistake of each exercise, drawn at random."""

    def drawn(key):
        known = EXERCISES[key].mistakes
        number = random.Random(f"{seed} {key}").randrange(len(known))
        return _value_of(key, f'_all()["{key}"].mistakes[{number}].wrong'), "not yet", known[number].message

    return drawn


def _value_of(key: str, function: str) -> str:
    return f"{function}()" if EXERCISES[key].asks_for_value else function


def answered(path: Path, answers: Callable[[str], tuple[str, str, str]]) -> NotebookNode:
    """The notebook with every stub replaced, whether it is a function, a name or an argument of the check."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    names = {name: key for cell in code for key, name in checks(cell.source) if name}
    for cell in code:
        if any(name in cell.source for name in names) or checks(cell.source):
            cell.source = ast.unparse(_Answers(names, answers).visit(ast.parse(cell.source)))
    code[0].source += "\n" + IMPORT
    return notebook


def checks(source: str) -> list[tuple[str, str | None]]:
    """Key and name of the answer for each call of ``exercises.check``; no name where None stands in its place."""
    if "exercises.check(" not in source:
        return []
    calls = [one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Call) and _is_check(one)]
    return [(one.args[0].value, getattr(one.args[1], "id", None)) for one in calls]


def _is_check(call: ast.Call) -> bool:
    return ast.unparse(call.func) == "exercises.check" and len(call.args) == 2


class _Answers(ast.NodeTransformer):
    """Put the answers in the place of the stubs."""

    def __init__(self, names, answers):
        self.names, self.answers = names, answers

    def _answer(self, key):
        return ast.parse(self.answers(key)[0], mode="eval").body

    def visit_FunctionDef(self, node):
        if node.name not in self.names:
            return node
        return ast.Assign([ast.Name(node.name, ast.Store())], self._answer(self.names[node.name]), lineno=node.lineno)

    def visit_Assign(self, node):
        name = getattr(node.targets[0], "id", None)
        if name in self.names:
            node.value = self._answer(self.names[name])
        return node

    def visit_Call(self, node):
        if _is_check(node) and not isinstance(node.args[1], ast.Name):
            node.args[1] = self._answer(node.args[0].value)
        return node
