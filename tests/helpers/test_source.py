"""What a notebook shows of a function is its source, less the docstring."""

import numpy as np

from xent_helpers import losses
from xent_helpers.source import code_of, show_source


def documented(x):
    """Say something
    at length."""
    return x + 1  # why


def undocumented(x):
    return x + 1


def only_documented():
    """Nothing else."""


def test_the_docstring_is_left_out_and_comments_stay():
    assert code_of(documented) == "def documented(x):\n    return x + 1  # why"


def test_a_function_without_docstring_or_with_nothing_else_stays_whole():
    assert code_of(undocumented) == "def undocumented(x):\n    return x + 1"
    assert '"""Nothing else."""' in code_of(only_documented)


def test_several_functions_become_one_block_of_markdown():
    shown = show_source(documented, undocumented).data
    assert shown.startswith("```python\ndef documented") and shown.endswith("return x + 1\n```")
    assert "\n\n\ndef undocumented" in shown


def test_what_is_shown_runs_and_is_the_kernel():
    scope = dict(vars(losses))
    exec(code_of(losses.surprisal), scope)
    z, favoured = np.array([[20.0, 0.0, -1.0]]), np.array([[True, False, False]])
    np.testing.assert_array_equal(scope["surprisal"](z, favoured), losses.surprisal(z, favoured))
