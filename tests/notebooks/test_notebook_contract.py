"""Each rule of the notebooks' contract, held against each notebook; the rules are in ``contract.py``."""

import pytest

from tests.notebooks import contract
from tools.execute_notebooks import ROOT, all_notebooks
from xent_helpers.forecasts import all_questions

PATHS = all_notebooks()
NOTEBOOKS = {path.name: contract.read(path) for path in PATHS}

# The cells whose outputs are not compared, and why: at most two a notebook. (file name, cell id): reason
IGNORED = {
    ("05_pytorch_losses.ipynb", "c05-41"): "milliseconds and megabytes, which each machine measures for itself",
    ("05_pytorch_losses.ipynb", "c05-83"): "the curves of an accelerator, where there is one",
    ("09_language_model_scale.ipynb", "c09-35"): "milliseconds, which each machine measures for itself",
}


@pytest.mark.parametrize("name", NOTEBOOKS)
@pytest.mark.parametrize("rule", contract.RULES, ids=lambda rule: rule.__name__)
def test_rule(rule, name):
    faults = rule(int(name[:2]), NOTEBOOKS[name])
    assert not faults, f"{name}: {rule.__doc__}\n- " + "\n- ".join(faults)


def test_ignored_cells_are_few_and_have_reasons():
    faults = contract.ignored_faults(NOTEBOOKS, IGNORED)
    assert not faults, "\n".join(faults)


def test_statements_are_shown_where_the_page_says():
    page = (ROOT / "book" / "statements.md").read_text(encoding="utf-8")
    faults = contract.statement_faults(page, {int(name[:2]): notebook for name, notebook in NOTEBOOKS.items()})
    assert not faults, "\n".join(faults)


def test_each_numbered_equation_has_a_test():
    notebooks = {int(name[:2]): notebook for name, notebook in NOTEBOOKS.items()}
    tests = {number: ROOT / "tests" / "notebooks" / f"test_equations_{number:02}.py" for number in notebooks}
    texts = {number: path.read_text(encoding="utf-8") for number, path in tests.items() if path.exists()}
    faults = contract.equation_faults(notebooks, texts)
    assert not faults, "\n".join(faults)


def test_the_map_in_the_readme_is_complete():
    faults = contract.map_faults((ROOT / "README.md").read_text(encoding="utf-8"), list(NOTEBOOKS))
    assert not faults, "\n".join(faults)


def test_the_map_and_the_chapters_give_the_same_minutes():
    faults = contract.minutes_faults((ROOT / "README.md").read_text(encoding="utf-8"), NOTEBOOKS)
    assert not faults, "\n".join(faults)


def test_nothing_of_the_core_needs_what_is_for_the_curious():
    notebooks = {int(name[:2]): notebook for name, notebook in NOTEBOOKS.items()}
    faults = contract.curious_reference_faults(notebooks)
    assert not faults, "\n".join(faults)


def test_each_forecast_offers_the_options_of_its_question():
    notebooks = {int(name[:2]): notebook for name, notebook in NOTEBOOKS.items()}
    questions = {key: question.options for key, question in all_questions().items()}
    faults = contract.question_faults(notebooks, questions)
    assert not faults, "\n".join(faults)


def test_what_is_named_is_linked():
    faults = contract.link_faults({int(name[:2]): notebook for name, notebook in NOTEBOOKS.items()})
    assert not faults, "\n".join(faults)
