"""Show a function in a notebook as it is in the package, so that what is read is what is tested."""

import ast
import inspect
from collections.abc import Callable

from IPython.display import Markdown


def code_of(function: Callable, decorators: bool = True) -> str:
    """Return a function's source without its docstring, and with or without the lines of its decorators.

    Example:
        >>> print(code_of(show_source).splitlines()[0])
        def show_source(*functions: Callable, decorators: bool = True) -> Markdown:
    """
    lines = inspect.getsource(inspect.unwrap(function)).splitlines()
    tree = ast.parse("\n".join(lines)).body[0]
    first = tree.body[0]
    if ast.get_docstring(tree) is not None and len(tree.body) > 1:
        del lines[first.lineno - 1 : first.end_lineno]
    return "\n".join(lines if decorators else lines[tree.lineno - 1 :])


def show_source(*functions: Callable, decorators: bool = True) -> Markdown:
    """Render the source of ``functions``, docstrings left out (``help(function)`` shows them)."""
    return Markdown("```python\n" + "\n\n\n".join(code_of(function, decorators) for function in functions) + "\n```")
