"""The forecasts in a submitted notebook, read from its text: nothing of it is run.

A notebook cannot prove that a forecast was noted before its answer was known, so these are no grades.
"""

import ast
import operator
from collections.abc import Iterator

from xent_helpers.forecasts import all_questions

LONGEST = 10_000  # characters of a cell; a longer one is no forecast, and could take much memory to parse
OPERATIONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def costs(cells: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the key of each forecast in the cells' code that is not uniform, and what it costs, as a sentence.

    Example:
        >>> list(costs(['predict("1.2", {"0.0": 1 / 2, "about 1e-399": 1 / 4, "an error": 1 / 4})']))
        [('1.2', 'costs 0.6931 nats, equal probabilities 1.0986; surest of "0.0"')]
    """
    for key, probabilities in _forecasts(cells).items():
        question = all_questions()[key]
        whole = set(probabilities) == set(question.options) and min(probabilities.values()) >= 0
        if not whole or not abs(sum(probabilities.values()) - 1) <= 1e-6:
            yield key, "is no distribution over the question's options"
        elif len(set(probabilities.values())) > 1:
            surest = max(probabilities, key=probabilities.get)
            cost = f"costs {question.cost(probabilities):.4f} nats, equal probabilities {question.uniform_cost:.4f}"
            yield key, f'{cost}; surest of "{surest}"'


def _forecasts(cells):
    """Key and probabilities of the last call ``predict(key, {…})`` for each key."""
    found = {}
    for source in cells:
        if "predict(" not in source or len(source) > LONGEST:
            continue
        try:
            calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for call in calls:
            if getattr(call.func, "id", "") != "predict" or len(call.args) != 2:
                continue
            try:
                names = [ast.literal_eval(name) for name in (call.args[0], *call.args[1].keys)]
                numbers = [_number(value) for value in call.args[1].values]
            except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
                continue
            if all(isinstance(name, str) for name in names) and names[0] in all_questions():
                found[names[0]] = dict(zip(names[1:], numbers, strict=True))
    return found


def _number(node):
    """The value of a number, or of a sum or quotient of numbers such as 1 / 3."""
    if isinstance(node, ast.BinOp):
        return OPERATIONS[type(node.op)](_number(node.left), _number(node.right))
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    raise ValueError("no number")
