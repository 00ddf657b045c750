"""Each rule of the contract can fail: a small chapter that keeps them all, and a planted fault for each."""

import copy

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.notebooks import contract

OPENING = """# 3 · From scratch

**The question.** What is it?

**You will be able to**

- derive,
- write,
- repair.

**You need** chapter 1.

**Time.** About 30 minutes; 29 for the core path."""
EQUATION = "## 3.1 First\n\nText.\n\n$$\na = b \\tag{3.1}\n$$\n\nMore."
FIGURE = new_output(
    "display_data", {"image/png": "iVBORw0K", "text/plain": "<Figure>"}, metadata={"image/png": {"alt": "x" * 40}}
)


def chapter():
    """A chapter 3 that keeps every rule; its cells are c0, c1, …"""
    cells = [new_markdown_cell(OPENING), new_markdown_cell(EQUATION), new_code_cell("import numpy as np\nnp.ones(1)")]
    for number in (1, 2, 3):
        cells += [
            new_markdown_cell("**Predict.** And now?", metadata={"tags": ["predict"]}),
            new_code_cell(f'predict("3.{number}", {{"a": 0.5, "b": 0.5}})', metadata={"tags": ["forecast"]}),
            new_code_cell("assert 1", metadata={"tags": ["hide-output"], "jupyter": {"outputs_hidden": True}}),
        ]
    cells += [new_code_cell("assert 1\nassert 2\nforecasts(3)"), new_code_cell("plot();", outputs=[FIGURE])]
    title = "## 3.2 More (for the curious)\n\n$$\nc \\tag{3.2}\n$$"
    cells += [new_markdown_cell(title), *(new_code_cell("%time 1") for _ in range(5))]
    for cell in cells[-6:]:
        cell.metadata["tags"] = ["optional"]
    cells += [
        new_code_cell("assert 1", metadata={"tags": ["optional", "remove-cell"], "jupyter": {"source_hidden": True}})
    ]
    cells += [new_markdown_cell("## What to remember"), new_markdown_cell("## Exercises")]
    cells += [new_code_cell(f'exercises.check("3.{number}", f)') for number in (1, 2, 3)]
    cells += [new_markdown_cell("## References")]
    for number, cell in enumerate(cells):
        cell.id = f"c{number}"
    for number, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), 1):
        cell.execution_count = number
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
    return copy.deepcopy(new_notebook(cells=cells, metadata=metadata))


def edit(cell, old, new):
    """A fault: one text of a cell replaced by another."""

    def plant(notebook):
        assert old in notebook.cells[cell].source
        notebook.cells[cell].source = notebook.cells[cell].source.replace(old, new)

    return plant


def tag(cell, *names):
    """A fault: the tags of a cell are these."""
    return lambda notebook: notebook.cells[cell].metadata.update(tags=list(names))


def output(cell, *outputs):
    """A fault: the outputs of a cell are these."""
    return lambda notebook: notebook.cells[cell].update(outputs=list(outputs))


def printed(text):
    return output(2, new_output("stream", name="stdout", text=text))


def figure(kind="image/png", alt="x" * 40):
    return output(13, new_output("display_data", {kind: "AAAA"}, metadata={kind: {"alt": alt}}))


ERROR = new_output("error", ename="E", evalue="e", traceback=["E: e"])
FAULTS = [
    (contract.opens_with_its_question, edit(0, "# 3 ·", "# 4 ·")),
    (contract.opens_with_its_question, edit(0, "**The question.**", "Question:")),
    (contract.opens_with_its_question, edit(0, "- repair.", "")),
    (contract.opens_with_its_question, edit(0, "**You need**", "You need")),
    (contract.opens_with_its_question, edit(0, "30 minutes; 29 for the core path", "an hour")),
    (contract.opens_with_its_question, edit(1, "## 3.1", "# 3.1")),
    (contract.opens_with_its_question, lambda notebook: notebook.cells.pop(0)),
    (contract.opens_with_its_question, lambda notebook: notebook.cells.insert(0, new_code_cell())),
    (contract.closes_in_order, edit(21, "What to remember", "Summary")),
    (contract.closes_in_order, lambda notebook: notebook.cells.append(notebook.cells.pop(21))),
    (contract.numbers_its_sections, edit(14, "3.2", "3.3")),
    (contract.has_exercises, edit(24, "exercises.check", "print")),
    (contract.has_exercises, edit(24, "3.2", "3.1")),
    (contract.has_exercises, edit(22, "## Exercises", "## Practice")),
    (contract.keeps_cells_short, edit(2, "np.ones(1)", "np.ones(1)\n" * 25)),
    (contract.keeps_cells_short, lambda notebook: [cell.update(source="1\n" * 9) for cell in notebook.cells]),
    (contract.keeps_its_size, lambda notebook: notebook.cells.extend(new_code_cell() for _ in range(60))),
    (contract.is_valid, lambda notebook: notebook.cells[3].update(id="c2")),
    (contract.is_valid, lambda notebook: notebook.cells[3].update(id="not valid!")),
    (contract.is_valid, lambda notebook: notebook.cells[2].pop("outputs")),
    (contract.stores_nothing_of_the_machine, lambda notebook: notebook.metadata.kernelspec.update(name="mine")),
    (contract.stores_nothing_of_the_machine, lambda notebook: notebook.metadata.language_info.update(version="3.12.1")),
    (contract.stores_nothing_of_the_machine, lambda notebook: notebook.metadata.update(widgets={})),
    (contract.stores_nothing_of_the_machine, lambda notebook: notebook.cells[2].metadata.update(execution={})),
    (contract.was_run_in_order, lambda notebook: notebook.cells[2].update(execution_count=None)),
    (contract.was_run_in_order, lambda notebook: notebook.cells[2].update(execution_count=2)),
    (contract.fails_only_on_purpose, output(2, ERROR)),
    (contract.fails_only_on_purpose, tag(2, "raises-exception")),
    (contract.describes_its_figures, figure(alt="")),
    (contract.describes_its_figures, figure(alt="x" * 39)),
    (contract.describes_its_figures, figure(kind="image/svg+xml")),
    (contract.ends_figures_with_a_semicolon, edit(13, ";", "")),
    (contract.shows_nothing_private, printed("/home/me/x.py")),
    (contract.shows_nothing_private, printed("C:\\Users\\me")),
    (contract.shows_nothing_private, printed("~/course/x.py")),
    (contract.shows_nothing_private, printed("<object at 0x7f00deadbeef>")),
    (contract.shows_nothing_private, printed("http://localhost:8888")),
    (contract.shows_nothing_private, printed("lib/site-packages/torch")),
    (contract.shows_nothing_private, output(2, new_output("error", ename="E", evalue="/tmp/x", traceback=[]))),
    (contract.shows_nothing_private, output(2, new_output("display_data", {"text/html": "<p>/root/x</p>"}))),
    (contract.shows_nothing_private, figure(alt="drawn from /var/data" + "x" * 40)),
    (contract.names_devices_first, printed("a mean of 3 on cuda:0")),
    (contract.names_devices_first, printed("device: cpu")),
    (contract.names_devices_first, printed("cpu  3\ncuda:0  4, cpu 3")),
    (contract.names_devices_first, printed("tensor([1.], device='sim:0')")),
    (contract.names_devices_first, output(2, new_output("display_data", {"text/html": "<td>1</td><td>cuda</td>"}))),
    (contract.asks_which_devices_are_here, edit(2, "np.ones(1)", "x = torch.ones(1, device='cuda')")),
    (contract.asks_which_devices_are_here, edit(2, "np.ones(1)", "torch.cuda.is_available()")),
    (contract.asks_which_devices_are_here, edit(2, "np.ones(1)", "x.cuda()")),
    (contract.asks_which_devices_are_here, edit(2, "np.ones(1)", "from torch import mps")),
    (contract.marks_what_may_be_skipped, tag(15)),
    (contract.marks_what_may_be_skipped, tag(2, "optional")),
    (contract.marks_what_may_be_skipped, edit(14, " (for the curious)", "")),
    (contract.marks_what_may_be_skipped, edit(14, "## 3.2", "The end of 3.1.\n\n## 3.2")),
    (contract.has_a_core_path, lambda notebook: [cell.metadata.update(tags=[]) for cell in notebook.cells]),
    (contract.has_a_core_path, lambda notebook: [cell.metadata.update(tags=["optional"]) for cell in notebook.cells]),
    (contract.asks_for_predictions, tag(3)),
    (contract.asks_for_predictions, tag(1, "predict")),
    (contract.asks_for_predictions, lambda notebook: notebook.cells.pop(4)),
    (contract.asks_for_predictions, lambda notebook: [notebook.cells.pop(3) for _ in range(3)]),
    (contract.asserts_its_claims, edit(12, "assert 2", "")),
    (contract.asserts_its_claims, edit(12, "assert 2", "assert 2\n" * 12)),
    (contract.keeps_lines_narrow, edit(2, "np.ones(1)", "np.ones(1)" + "  # one" * 20)),
    (contract.hides_its_checks, tag(20, "optional")),
    (contract.hides_its_checks, edit(20, "assert 1", "1")),
    (contract.hides_its_checks, output(20, new_output("stream", name="stdout", text="1"))),
    (contract.states_its_minutes, edit(0, "About 30 minutes", "About 90 minutes")),
    (contract.states_its_minutes, edit(0, "29 for the core", "9 for the core")),
    (contract.states_its_minutes, edit(0, "**Time.**", "**Time**")),
    (contract.states_its_minutes, edit(1, "Text.", "word " * 6000)),
    (contract.shows_a_figure_early, output(13)),
    (contract.asks_for_predictions, edit(7, '"3.2"', '"3.3"')),
    (contract.asks_for_predictions, tag(7)),
    (contract.asks_for_predictions, lambda notebook: notebook.cells[8].metadata.pop("jupyter")),
    (contract.asks_for_predictions, tag(12, "forecast")),
    (contract.ends_with_its_forecasts, edit(12, "forecasts(3)", "forecasts(4)")),
    (contract.numbers_its_equations, edit(14, "3.2}", "3.1}")),
    (contract.numbers_its_equations, edit(14, "3.2}", "3.3}")),
    (contract.sets_equations_apart, edit(1, "$$\na = b \\tag{3.1}\n$$", "$$ a = b $$")),
    (contract.sets_equations_apart, edit(1, "Text.\n\n$$", "Text.\n$$")),
    (contract.sets_equations_apart, edit(1, "$$\n\nMore", "$$\nMore")),
    (contract.sets_equations_apart, edit(1, "\n$$\n\nMore", "\n\nMore")),
    (contract.has_no_trailing_blanks, edit(1, "Text.", "Text.  ")),
    (contract.imports_what_is_declared, edit(2, "import numpy as np", "import requests")),
    (contract.imports_what_is_declared, edit(2, "import numpy as np", "from tests.notebooks import contract")),
    (contract.imports_what_is_declared, edit(2, "import numpy as np", "from . import losses")),
    (contract.uses_known_tags, tag(1, "optionl")),
    (contract.uses_known_tags, edit(2, "np.ones(1)", "# NBVAL_IGNORE_OUTPUT\nnp.ones(1)")),
]


@pytest.mark.parametrize("rule", contract.RULES, ids=lambda rule: rule.__name__)
def test_the_sample_keeps_the_rule(rule):
    assert rule(3, chapter()) == []


@pytest.mark.parametrize("rule, plant", FAULTS, ids=[rule.__name__ for rule, _ in FAULTS])
def test_a_planted_fault_is_found(rule, plant):
    notebook = chapter()
    plant(notebook)
    assert rule(3, notebook)


def test_every_rule_has_a_planted_fault():
    assert {rule for rule, _ in FAULTS} == set(contract.RULES)


def test_a_heading_in_a_code_block_is_none():
    notebook = chapter()
    notebook.cells[1].source += "\n\n```\n# not a title\n## 3.9 not a section\n```"
    assert contract.opens_with_its_question(3, notebook) == contract.numbers_its_sections(3, notebook) == []


@pytest.mark.parametrize(
    "shown",
    [
        {"text/plain": "cpu  3\ncuda:0  4\n| cpu | 3 |\n0  cpu  3\n1  sim:0  4"},
        {"text/plain": "less than the CPU's; similar; cpus; 3.cuda"},
        {"text/html": "<tr><th>0</th><td>cpu</td><td>3</td></tr><tr><td>cuda:0</td><td>4</td></tr>"},
    ],
)
def test_rows_may_begin_with_a_device(shown):
    notebook = chapter()
    notebook.cells[2].outputs = [new_output("display_data", shown)]
    assert contract.names_devices_first(3, notebook) == []
    notebook.cells[2].outputs = [new_output("stream", name="stdout", text="took 3 ms on cuda:0")]
    notebook.cells[2].metadata["tags"] = ["nbval-ignore-output"]
    assert contract.names_devices_first(3, notebook) == []


@pytest.mark.parametrize(
    "ids, reasons, count",
    [
        ([], {}, 0),
        (["c2"], {("a", "c2"): "times"}, 0),
        (["c2"], {}, 1),
        ([], {("a", "c2"): "times"}, 1),
        (["c2"], {("a", "c2"): " "}, 1),
        (["c2", "c5", "c8"], {("a", name): "times" for name in ("c2", "c5", "c8")}, 1),
    ],
)
def test_ignored_cells(ids, reasons, count):
    notebook = chapter()
    for cell in notebook.cells:
        if cell.id in ids:
            cell.metadata["tags"] = ["nbval-ignore-output"]
    assert len(contract.ignored_faults({"a": notebook}, reasons)) == count


PAGE = "| Id | Statement | Verdict | Why | Chapter |\n|---|---|---|---|---|\n| S01 | It is. | right | | 3 |\n"


@pytest.mark.parametrize(
    "page, cell, names, count",
    [
        (PAGE, 5, ["statement-S01"], 0),
        (PAGE, 2, ["statement-S01"], 1),  # no assert
        (PAGE, 1, ["statement-S01"], 2),  # not code, so not shown either
        (PAGE, 5, [], 1),
        (PAGE, 5, ["statement-S01", "statement-S02"], 1),
        (PAGE.replace("3 |\n", "4 |\n"), 5, ["statement-S01"], 1),
        (PAGE + "| S02 | It is not. | wrong | | |\n", 5, ["statement-S01"], 1),
    ],
)
def test_statements(page, cell, names, count):
    notebook = chapter()
    notebook.cells[cell].metadata["tags"] = names
    assert len(contract.statement_faults(page, {3: notebook})) == count


@pytest.mark.parametrize(
    "tests, count",
    [
        ({3: "def test_3_1_is_it():\n    pass\ndef test_of_3_2():\n    pass"}, 0),
        ({3: "def test_3_1_and_3_2_at_once():\n    pass"}, 0),
        ({3: "def test_3_1_is_it():\n    pass"}, 1),
        ({3: "def test_3_10():\n    pass\ndef helper_3_2():\n    pass"}, 2),  # another number; no test
        ({3: "# def test_3_1_3_2"}, 2),
        ({4: "def test_3_1_3_2():\n    pass"}, 2),  # another chapter's
        ({}, 2),
    ],
)
def test_the_tests_of_equations(tests, count):
    assert len(contract.equation_faults({3: chapter()}, tests)) == count


@pytest.mark.parametrize("names, count", [(["a.ipynb"], 0), ([], 1), (["a.ipynb", "b.ipynb"], 1), (["b.ipynb"], 2)])
def test_the_map(names, count):
    assert len(contract.map_faults("| [A](notebooks/a.ipynb) | 60 min |", names)) == count
    assert contract.map_faults("[A](notebooks/a.ipynb) [A](notebooks/a.ipynb)", ["a.ipynb"])


@pytest.mark.parametrize(
    "time, row, count",
    [
        ("**Time.** About 60 minutes; 45 for the core path.", "| [A](notebooks/a.ipynb) | why? | 45 min | 60 min |", 0),
        ("**Time.** About 60 minutes; 40 for the core path.", "| [A](notebooks/a.ipynb) | why? | 45 min | 60 min |", 1),
        ("**Time.** An hour.", "| [A](notebooks/a.ipynb) | why? | 45 min | 60 min |", 1),
        ("**Time.** About 60 minutes; 45 for the core path.", "no map", 0),
    ],
)
def test_the_minutes(time, row, count):
    notebook = new_notebook(cells=[new_markdown_cell(time)])
    assert len(contract.minutes_faults(row, {"a.ipynb": notebook})) == count


@pytest.mark.parametrize(
    "text, count",
    [
        ("Section 3.2 shows it.", 1),
        ("By equation 3.2 it holds.", 1),
        ("Sections 3.1 and 3.2 show it.", 1),
        ("Section 3.2, for the curious, shows it.", 0),
        ("Section 3.1 shows it.", 0),
        ("A loss of 3.2 nats.", 0),
    ],
)
def test_what_the_core_names(text, count):
    notebook = chapter()
    notebook.cells[1].source += f"\n\n{text}"
    assert len(contract.curious_reference_faults({3: notebook})) == count


@pytest.mark.parametrize(
    "questions, count",
    [
        ({f"3.{number}": ("a", "b") for number in (1, 2, 3)}, 0),
        ({f"3.{number}": ("b", "a") for number in (1, 2, 3)}, 3),
        ({f"3.{number}": ("a", "b") for number in (1, 2, 3, 4)}, 1),
        ({}, 3),
    ],
)
def test_the_options_of_forecasts(questions, count):
    assert len(contract.question_faults({3: chapter()}, questions)) == count


def test_minutes_are_counted():
    notebook = new_notebook(cells=[new_markdown_cell("word " * 300), new_code_cell("1\n\n1\n1")])
    notebook.cells.append(
        new_markdown_cell("word " * 150 + "\n\n$$\na = b \\tag{1.1}\n$$", metadata={"tags": ["optional"]})
    )
    assert contract.minutes(notebook, core_only=True) == pytest.approx(2 + 12 / 60)
    assert contract.minutes(notebook) == pytest.approx(3 + 12 / 60 + 30 / 60)


@pytest.mark.parametrize(
    "text, count",
    [
        ("By [section 4.1](04_gradients_and_curvature.ipynb#cell-id=here) and section 4.1, as in section 3.1.", 0),
        ("By section 4.1, and sections 3.1 and 4.1.", 2),
        ("By [section 4.1](04_gradients_and_curvature.ipynb#cell-id=gone).", 1),
        ("By [section 4.2](04_gradients_and_curvature.ipynb#cell-id=here).", 1),
        ("In [chapter 4](04_gradients_and_curvature.ipynb), chapter 4 and chapter 3.", 0),
        ("In chapters 3 and 4 and on the page *Statements you will meet*.", 2),
        ("On [*Statements you will meet*](../book/statements.md), and in [a book](https://example.org/).", 0),
        ("On [*Statements you will meet*](../book/gone.md).", 1),
    ],
)
def test_links(text, count):
    notebook, other = chapter(), chapter()
    notebook.cells[1].source += f"\n\n{text}"
    other.cells[:] = [new_markdown_cell("## 4.1 Here", id="here")]
    assert len(contract.link_faults({3: notebook, 4: other})) == count
