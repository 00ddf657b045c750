"""The notebooks' contract, one small function a rule.

A rule takes a chapter's number and its notebook and returns a list of faults, each a sentence that names the cell;
an empty list means that the rule holds. ``RULES`` lists them all; ``test_notebook_contract.py`` applies each to each
notebook, and ``test_contract.py`` plants a fault for each to see it found.
"""

import ast
import re
import statistics
import sys
import tomllib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.validator import iter_validate

ROOT = Path(__file__).resolve().parents[2]
MOST_CELLS = 78  # with the cells of forecasts, the hidden checks and the explorables
MOST_LINES, MEDIAN_LINES = 25, 8
WIDEST = 88  # what the book and JupyterLab show without scrolling
LEAST_ALT = 40
LEAST_EXERCISES, LEAST_PREDICTIONS, LEAST_ASSERTS, MOST_ASSERTS = 3, 3, 5, 14
CORE_SHARE = 0.40, 0.85
WORDS_A_MINUTE = 150
SECONDS = {"line": 4, "equation": 30, "prediction": 60, "exercise": 480}
MOST_CORE_MINUTES = {1: 55, 2: 55, 3: 55, 4: 60, 5: 60, 6: 60, 7: 65, 8: 65, 9: 65}
STATED_WITHIN = 0.15
HIDDEN, FORECAST, OUTCOME = "remove-cell", "forecast", "hide-output"
CLOSING = ["What to remember", "Exercises", "References"]
CURIOUS = " (for the curious)"
TAGS = re.compile(
    r"optional|predict|forecast|hide-output|remove-cell|raises-exception|nbval-ignore-output|statement-S\d+"
)
# The name under which a dependency is imported, where it is not the package's own.
MODULES = {"scikit-learn": "sklearn", "array-api-compat": "array_api_compat"}
PRIVATE = {
    "a folder": re.compile(r"(?<![\w.:/])/(?:home|root|tmp|usr|var|opt|mnt|work|srv|private|Users)/|\b[A-Z]:\\|~/"),
    "a temporary file": re.compile(r"ipykernel_\d+|site-packages"),
    "an address": re.compile(r"\b0x[0-9a-fA-F]{6,}"),
    "a host": re.compile(r"\blocalhost\b|\b127\.0\.0\.1\b"),
}
LINK = re.compile(r"\[([^\][]*)\]\(([^()]*)\)")
LISTED = r"\s+((?:\d+(?:\.\d+)?(?!\.?\d)(?:\s*(?:,|and|or|to|–)\s*)?)+)"
DEVICE = r"(?:cpu|cuda|mps|xpu|hpu|mtia|sim)(?::\d+)?"
# A row may begin with a device's name: behind a table's number or bar, or as the first cell of a row in HTML.
DEVICE_FIRST = re.compile(
    rf"(?m)^[ \t|]*(?:\d+[ \t|]+)?{DEVICE}(?=[ \t|,;]|$)"
    rf"|<tr[^>]*>\s*(?:<th[^>]*>\s*\d+\s*</th>\s*)?<t[hd][^>]*>\s*{DEVICE}\s*</t[hd]>"
)
DEVICE_NAMED = re.compile(rf"(?<![\w.]){DEVICE}(?![\w.])")
ONE_DEVICE = {"cuda", "mps", "xpu", "is_cuda", "is_mps", "is_xpu"}


# ---- reading a notebook ----


def read(path: Path) -> NotebookNode:
    """The notebook as it is stored; ``nbformat.read`` would mend what the rules are to find."""
    return nbformat.v4.reads(path.read_text(encoding="utf-8"))


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def code(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def lines(cell: NotebookNode) -> list[str]:
    """The lines of a cell that are not blank."""
    return [line for line in cell.source.splitlines() if line.strip()]


def tree(cell: NotebookNode) -> ast.Module:
    """The syntax tree of a code cell; IPython's own commands count as nothing."""
    return ast.parse("\n".join("" if re.match(r"\s*[%!?]", line) else line for line in cell.source.splitlines()))


def asserts(cell: NotebookNode) -> int:
    """How many claims a code cell makes."""
    return sum(isinstance(node, ast.Assert) for node in ast.walk(tree(cell)))


def headings(notebook: NotebookNode, level: int) -> list[str]:
    """The headings of one level, in order, code blocks left out."""
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    prose = re.sub(r"^```.*?^```", "", prose, flags=re.DOTALL | re.MULTILINE)
    return [title.strip() for title in re.findall(rf"^{'#' * level} (.*)$", prose, re.MULTILINE)]


def sections(notebook: NotebookNode) -> Iterator[tuple[str, list[NotebookNode]]]:
    """Each section's title and cells; a cell that closes one section and opens the next belongs to the next."""
    title, cells = "", []
    for cell in notebook.cells:
        found = headings(NotebookNode(cells=[cell]), 2)
        for opened in found:
            yield title, cells
            title, cells = opened, []
        cells.append(cell)
    yield title, cells


def minutes(notebook: NotebookNode, core_only: bool = False) -> float:
    """How long a reader takes: prose, lines of code, equations, predictions and exercises, counted."""
    seconds = 0.0
    for title, cells in sections(notebook):
        for cell in cells if title != "References" else []:
            if HIDDEN not in tags(cell) and not (core_only and "optional" in tags(cell)):
                seconds += _seconds(title, cell)
    return seconds / 60


def _seconds(title: str, cell: NotebookNode) -> float:
    if cell.cell_type == "markdown":
        equations = len(re.findall(r"^\$\$$", cell.source, re.MULTILINE)) // 2
        shown = LINK.sub(r"\1", cell.source)
        prose = re.sub(r"^\$\$$.*?^\$\$$|<[^>]+>|[|#*`–-]+", " ", shown, flags=re.DOTALL | re.MULTILINE)
        words = len(prose.split()) * 60 / WORDS_A_MINUTE
        return words + SECONDS["equation"] * equations + SECONDS["prediction"] * ("predict" in tags(cell))
    if title == "Exercises":
        return SECONDS["exercise"] * len(re.findall(r"\bcheck\(", cell.source))
    return 0 if FORECAST in tags(cell) else SECONDS["line"] * len(lines(cell))


def texts(outputs: list[NotebookNode]) -> Iterator[str]:
    """Every text that outputs show, encoded pictures left out, their alternative texts included."""
    for output in outputs:
        yield output.get("text", "")
        yield "\n".join([output.get("evalue", ""), *output.get("traceback", [])])
        for kind, content in output.get("data", {}).items():
            if not kind.startswith("image/"):
                yield str(content)
        yield str(output.get("metadata", {}))


# ---- the rules ----


def opens_with_its_question(chapter: int, notebook: NotebookNode) -> list[str]:
    """Title, question, three things to be able to do, what is needed first, and the time."""
    cell = notebook.cells[0]
    if cell.cell_type != "markdown":
        return ["the first cell is not Markdown"]
    faults = []
    if not re.match(rf"# {chapter} · \S", cell.source):
        faults.append(f"the first line is not '# {chapter} · Title'")
    for words in ["The question", "You will be able to", "You need", "Time"]:
        if not re.search(rf"^\*\*{words}\.?\*\*", cell.source, re.MULTILINE):
            faults.append(f"the opening has no **{words}**")
    bullets = re.findall(r"^- ", cell.source, re.MULTILINE)
    if len(bullets) != 3:
        faults.append(f"the opening lists {len(bullets)} things to be able to do, not 3")
    time = re.search(r"\*\*Time\.?\*\*(.*)", cell.source, re.DOTALL)
    if time and not (re.search(r"\d+ minutes", time[1]) and "core path" in time[1]):
        faults.append("the time names no minutes or no core path")
    if len(headings(notebook, 1)) != 1:
        faults.append("there is not exactly one heading of the first level")
    return faults


def closes_in_order(chapter: int, notebook: NotebookNode) -> list[str]:
    """The last sections are What to remember, Exercises, References."""
    last = headings(notebook, 2)[-3:]
    return [] if last == CLOSING else [f"the last sections are {last}, not {CLOSING}"]


def numbers_its_sections(chapter: int, notebook: NotebookNode) -> list[str]:
    """Sections are n.1, n.2, …"""
    titles = [title for title in headings(notebook, 2) if title not in CLOSING]
    return [
        f"section '{title}' should be {chapter}.{number}"
        for number, title in enumerate(titles, 1)
        if not re.match(rf"{chapter}\.{number} \S", title)
    ]


def has_exercises(chapter: int, notebook: NotebookNode) -> list[str]:
    """At least three exercises are checked in their section, numbered n.1, n.2, …"""
    cells = dict(sections(notebook)).get("Exercises", [])
    source = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    found = re.findall(r"""^\s*(?:\w+\.)?check\(\s*["']([\d.]+)["']\s*,""", source, re.MULTILINE)
    if len(found) < LEAST_EXERCISES:
        return [f"{len(found)} exercises are checked, not {LEAST_EXERCISES} or more"]
    wanted = [f"{chapter}.{number}" for number in range(1, len(found) + 1)]
    return [] if found == wanted else [f"the exercises are {found}, not {wanted}"]


def keeps_cells_short(chapter: int, notebook: NotebookNode) -> list[str]:
    """No code cell passes 25 lines, half of them fit in 8."""
    lengths = {cell.id: len(lines(cell)) for cell in code(notebook)}
    faults = [f"cell {name} has {length} lines" for name, length in lengths.items() if length > MOST_LINES]
    median = statistics.median(lengths.values()) if lengths else 0
    return faults + ([f"half of the code cells have more than {median} lines"] if median > MEDIAN_LINES else [])


def keeps_lines_narrow(chapter: int, notebook: NotebookNode) -> list[str]:
    """No line of code is wider than 88 characters."""
    return [
        f"cell {cell.id} has a line of {len(line)} characters: {line.strip()[:40]} …"
        for cell in code(notebook)
        for line in cell.source.splitlines()
        if len(line) > WIDEST
    ]


def hides_its_checks(chapter: int, notebook: NotebookNode) -> list[str]:
    """A check that readers do not see is tagged remove-cell, folded in JupyterLab, asserts, and shows nothing."""
    faults = []
    for cell in code(notebook):
        hidden = HIDDEN in tags(cell)
        if hidden != bool(cell.metadata.get("jupyter", {}).get("source_hidden")):
            faults.append(f"cell {cell.id}: the tag {HIDDEN} and jupyter.source_hidden go together")
        if hidden and (cell.outputs or not asserts(cell)):
            faults.append(f"cell {cell.id} is hidden, and {'shows something' if cell.outputs else 'asserts nothing'}")
    return faults


def states_its_minutes(chapter: int, notebook: NotebookNode) -> list[str]:
    """The stated minutes are within 15% of the count, and the core path is one sitting."""
    stated = re.search(r"\*\*Time\.\*\* About (\d+) minutes; (\d+) for the core path", notebook.cells[0].source)
    if not stated:
        return ["the opening does not say '**Time.** About … minutes; … for the core path'"]
    faults = []
    for name, text, core in (("all", stated[1], False), ("core", stated[2], True)):
        counted = minutes(notebook, core)
        if abs(int(text) - counted) > STATED_WITHIN * counted:
            faults.append(f"{name}: {text} minutes are stated, {counted:.0f} are counted")
    core = minutes(notebook, core_only=True)
    if core > MOST_CORE_MINUTES[chapter] + 0.5:
        faults.append(f"the core path takes {core:.0f} minutes, the most is {MOST_CORE_MINUTES[chapter]}")
    return faults


def shows_a_figure_early(chapter: int, notebook: NotebookNode) -> list[str]:
    """A figure is among the first fifteen cells."""
    early = [cell for cell in notebook.cells[:15] if cell.cell_type == "code"]
    drawn = any("image/png" in output.get("data", {}) for cell in early for output in cell.outputs)
    return [] if drawn else ["the first fifteen cells draw nothing"]


def keeps_its_size(chapter: int, notebook: NotebookNode) -> list[str]:
    """A chapter is one sitting."""
    count = len(notebook.cells)
    return [f"{count} cells, the most is {MOST_CELLS}"] if count > MOST_CELLS else []


def is_valid(chapter: int, notebook: NotebookNode) -> list[str]:
    """The file follows the format, and no two cells share an id."""
    names = [cell.get("id", "") for cell in notebook.cells]
    faults = [f"the id {name!r} is used twice" for name in sorted({name for name in names if names.count(name) > 1})]
    return faults + [error.message for error in islice(iter_validate(notebook), 1)]


def stores_nothing_of_the_machine(chapter: int, notebook: NotebookNode) -> list[str]:
    """The kernel is python3; no version of the interpreter, no state of widgets, no times are stored."""
    faults = []
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        faults.append("the kernel is not python3")
    if "version" in notebook.metadata.get("language_info", {}):
        faults.append("the interpreter's version is stored")
    if extra := sorted(set(notebook.metadata) - {"kernelspec", "language_info"}):
        faults.append(f"the notebook's metadata hold {extra}")
    return faults + [f"cell {cell.id} stores when it ran" for cell in code(notebook) if "execution" in cell.metadata]


def was_run_in_order(chapter: int, notebook: NotebookNode) -> list[str]:
    """Execution counts are 1, 2, 3, …"""
    counts = [cell.execution_count for cell in code(notebook)]
    wanted = list(range(1, len(counts) + 1))
    return [] if counts == wanted else [f"the execution counts are {counts}"]


def fails_only_on_purpose(chapter: int, notebook: NotebookNode) -> list[str]:
    """A cell shows an error if and only if it carries the tag raises-exception."""
    faults = []
    for cell in code(notebook):
        error = any(output.output_type == "error" for output in cell.outputs)
        if error != ("raises-exception" in tags(cell)):
            faults.append(f"cell {cell.id} {'shows an error' if error else 'raises nothing, against its tag'}")
    return faults


def describes_its_figures(chapter: int, notebook: NotebookNode) -> list[str]:
    """Figures are PNG, which the tests compare, and carry an alternative text."""
    faults = []
    for cell in code(notebook):
        for output in cell.outputs:
            for kind in output.get("data", {}):
                alt = output.get("metadata", {}).get(kind, {}).get("alt", "")
                if kind.startswith("image/") and kind != "image/png":
                    faults.append(f"cell {cell.id} stores a figure as {kind}")
                elif kind == "image/png" and len(alt) < LEAST_ALT:
                    faults.append(f"cell {cell.id}: a figure's alternative text has {len(alt)} characters")
    return faults


def ends_figures_with_a_semicolon(chapter: int, notebook: NotebookNode) -> list[str]:
    """Where a cell draws and ends with an expression, a semicolon hides the expression's value."""
    faults = []
    for cell in code(notebook):
        body = tree(cell).body
        draws = any("image/png" in output.get("data", {}) for output in cell.outputs)
        if draws and body and isinstance(body[-1], ast.Expr) and not cell.source.rstrip().endswith(";"):
            faults.append(f"cell {cell.id} draws a figure and does not end with a semicolon")
    return faults


def shows_nothing_private(chapter: int, notebook: NotebookNode) -> list[str]:
    """No folder, temporary file, address or host in an output."""
    return [
        f"cell {cell.id} shows {what}: {found[0]!r}"
        for cell in code(notebook)
        for text in texts(cell.outputs)
        for what, pattern in PRIVATE.items()
        if (found := pattern.search(text))
    ]


def names_devices_first(chapter: int, notebook: NotebookNode) -> list[str]:
    """A device is named at the beginning of a row, which machines without it lack, or in an output not compared."""
    return [
        f"cell {cell.id} names {found[0]!r} in the middle of what it shows"
        for cell in code(notebook)
        if "nbval-ignore-output" not in tags(cell)
        for text in texts(cell.outputs)
        if (found := DEVICE_NAMED.search(DEVICE_FIRST.sub("", text)))
    ]


def asks_which_devices_are_here(chapter: int, notebook: NotebookNode) -> list[str]:
    """No cell is written for one kind of accelerator; ``devices.available()`` lists what is here."""
    return [f"cell {cell.id} is written for {what}" for cell in code(notebook) for what in devices_in(tree(cell))]


def devices_in(code: ast.AST) -> list[str]:
    """The accelerators that code is written for: a name in quotation marks, or torch.cuda and its like."""
    found = []
    for node in ast.walk(code):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != "cpu":
            found += [repr(node.value)] if re.fullmatch(DEVICE, node.value) else []
        if isinstance(node, ast.Attribute) and node.attr in ONE_DEVICE:
            found.append(f".{node.attr}")
        if isinstance(node, ast.ImportFrom) and node.module == "torch":
            found += [alias.name for alias in node.names if alias.name in ONE_DEVICE]
    return found


def marks_what_may_be_skipped(chapter: int, notebook: NotebookNode) -> list[str]:
    """A numbered section's heading ends with '(for the curious)' exactly when all its cells are tagged optional."""
    faults, before = [], False
    for title, cells in sections(notebook):
        optional = title.endswith(CURIOUS)
        if optional != before and cells and not cells[0].source.startswith(("# ", "## ")):
            faults.append(
                f"'{title}' begins within cell {cells[0].id}, together with the end of what may be skipped or not"
            )
        before = optional
        for cell in cells if title not in CLOSING else []:
            if ("optional" in tags(cell)) != optional:
                faults.append(f"cell {cell.id}, in '{title}', {'lacks' if optional else 'has'} the tag optional")
    return faults


def has_a_core_path(chapter: int, notebook: NotebookNode) -> list[str]:
    """Between 45 and 80 % of the cells are not optional."""
    core = sum("optional" not in tags(cell) for cell in notebook.cells) / len(notebook.cells)
    return [] if CORE_SHARE[0] <= core <= CORE_SHARE[1] else [f"the core path has {core:.0%} of the cells"]


def asks_for_predictions(chapter: int, notebook: NotebookNode) -> list[str]:
    """At least three predictions: a question, the cell for the reader's forecast, the code that answers, folded."""
    faults, count = [], 0
    for number, cell in enumerate(notebook.cells):
        asks = cell.cell_type == "markdown" and cell.source.startswith("**Predict.**")
        count += asks
        if asks != ("predict" in tags(cell)):
            faults.append(f"cell {cell.id}: the tag predict and the opening **Predict.** go together")
        if asks:
            forecast, outcome = [*notebook.cells[number + 1 : number + 3], None, None][:2]
            faults += _forecast_faults(chapter, cell.id, count, forecast, outcome)
    extra = sum(FORECAST in tags(cell) for cell in notebook.cells) - count
    faults += [f"{extra} forecasts have no question before them"] if extra > 0 else []
    return faults + ([f"{count} predictions are asked for"] if count < LEAST_PREDICTIONS else [])


def _forecast_faults(chapter, name, number, forecast, outcome) -> list[str]:
    faults = []
    wanted = f'predict(\n    "{chapter}.{number}"', f'predict("{chapter}.{number}"'
    if forecast is None or FORECAST not in tags(forecast) or not forecast.source.startswith(wanted):
        faults.append(
            f"cell {name}: the next cell does not call predict({chapter}.{number}, …) with the tag {FORECAST}"
        )
    folded = outcome is not None and outcome.metadata.get("jupyter", {}).get("outputs_hidden")
    if not (folded and outcome.cell_type == "code" and OUTCOME in tags(outcome)):
        faults.append(f"cell {name}: no folded code cell with the tag {OUTCOME} answers")
    return faults


def ends_with_its_forecasts(chapter: int, notebook: NotebookNode) -> list[str]:
    """The chapter says what the reader's forecasts cost."""
    found = any(re.search(rf"\bforecasts\({chapter}\)", cell.source) for cell in code(notebook))
    return [] if found else [f"no cell calls forecasts({chapter})"]


def asserts_its_claims(chapter: int, notebook: NotebookNode) -> list[str]:
    """Between 5 and 14 claims are asserted where the reader sees it."""
    count = sum(asserts(cell) for cell in code(notebook) if HIDDEN not in tags(cell))
    return [] if LEAST_ASSERTS <= count <= MOST_ASSERTS else [f"{count} claims are asserted where readers see it"]


def numbers_its_equations(chapter: int, notebook: NotebookNode) -> list[str]:
    r"""Equations carry \tag{n.1}, \tag{n.2}, … in order."""
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = re.findall(r"\\tag\{([^}]*)\}", prose)
    wanted = [f"{chapter}.{number}" for number in range(1, len(found) + 1)]
    return [] if found == wanted else [f"the equations are {found}, not {wanted}"]


def sets_equations_apart(chapter: int, notebook: NotebookNode) -> list[str]:
    """``$$`` stands alone on its line with a blank line outside, else some pages show it as text."""
    faults = []
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        rows, inside = ["", *cell.source.splitlines(), ""], False
        for before, row, after in zip(rows, rows[1:], rows[2:], strict=False):
            if "$$" not in row:
                continue
            if row.strip() != "$$":
                faults.append(f"cell {cell.id}: $$ shares a line: {row!r}")
            elif (after if inside else before).strip():
                faults.append(f"cell {cell.id}: no blank line {'after' if inside else 'before'} an equation")
            inside = not inside
        if inside:
            faults.append(f"cell {cell.id}: an equation is not closed")
    return faults


def has_no_trailing_blanks(chapter: int, notebook: NotebookNode) -> list[str]:
    """No line of a source ends with a blank."""
    return [
        f"cell {cell.id} has a line that ends with a blank"
        for cell in notebook.cells
        if re.search(r"[ \t]+$", cell.source, re.M)
    ]


def imports_what_is_declared(chapter: int, notebook: NotebookNode) -> list[str]:
    """Only the standard library, xent_helpers and the dependencies that every reader has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.match(r"[\w-]+", requirement)[0] for requirement in project["dependencies"]]
    allowed = {"xent_helpers", *(MODULES.get(name, name) for name in names), *sys.stdlib_module_names}
    allowed.add("IPython")  # the notebook's own interpreter
    faults = []
    for cell in code(notebook):
        for node in ast.walk(tree(cell)):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                imported = ["." * node.level + (node.module or "")]
            faults += [f"cell {cell.id} imports {name}" for name in imported if name.split(".")[0] not in allowed]
    return faults


def uses_known_tags(chapter: int, notebook: NotebookNode) -> list[str]:
    """A tag that nobody reads is a misspelt one; outputs are ignored by tag, so that the ignored can be counted."""
    faults = [
        f"cell {cell.id} has the unknown tag {tag}"
        for cell in notebook.cells
        for tag in tags(cell)
        if not TAGS.fullmatch(tag)
    ]
    marker = re.compile(r"^\s*#+\s*(?:NBVAL|PYTEST_VALIDATE)_", re.MULTILINE)
    return faults + [f"cell {cell.id} has a comment for nbval" for cell in code(notebook) if marker.search(cell.source)]


Rule = Callable[[int, NotebookNode], list[str]]
RULES: list[Rule] = [
    opens_with_its_question,
    closes_in_order,
    numbers_its_sections,
    has_exercises,
    keeps_cells_short,
    keeps_lines_narrow,
    hides_its_checks,
    states_its_minutes,
    shows_a_figure_early,
    keeps_its_size,
    is_valid,
    stores_nothing_of_the_machine,
    was_run_in_order,
    fails_only_on_purpose,
    describes_its_figures,
    ends_figures_with_a_semicolon,
    shows_nothing_private,
    names_devices_first,
    asks_which_devices_are_here,
    marks_what_may_be_skipped,
    has_a_core_path,
    asks_for_predictions,
    ends_with_its_forecasts,
    asserts_its_claims,
    numbers_its_equations,
    sets_equations_apart,
    has_no_trailing_blanks,
    imports_what_is_declared,
    uses_known_tags,
]


# ---- what several files must agree on ----


def ignored(notebooks: dict[str, NotebookNode]) -> set[tuple[str, str]]:
    """Notebook and id of each cell whose output is not compared."""
    return {
        (name, cell.id)
        for name, notebook in notebooks.items()
        for cell in code(notebook)
        if "nbval-ignore-output" in tags(cell)
    }


def ignored_faults(notebooks: dict[str, NotebookNode], reasons: dict[tuple[str, str], str], most: int = 2) -> list[str]:
    """At most two ignored cells a notebook, each with its reason, and no reason without a cell."""
    found = ignored(notebooks)
    faults = [f"{name}: cell {cell} is ignored without a reason" for name, cell in sorted(found - set(reasons))]
    faults += [f"{name}: cell {cell} is no longer ignored" for name, cell in sorted(set(reasons) - found)]
    faults += [f"{name}: cell {cell} has an empty reason" for (name, cell), why in reasons.items() if not why.strip()]
    for name in notebooks:
        count = sum(where == name for where, _ in found)
        if count > most:
            faults.append(f"{name}: {count} cells are ignored, the most is {most}")
    return faults


def statement_faults(page: str, notebooks: dict[int, NotebookNode]) -> list[str]:
    """Each row of the page of statements is shown, with an assert, in the chapter it names; each tag has a row."""
    rows = {
        row: int(chapter) for row, chapter in re.findall(r"^\|\s*(S\d+)\s*\|.*\|\s*(\d)\s*\|\s*$", page, re.MULTILINE)
    }
    shown: dict[tuple[str, int], int] = {}
    faults = []
    for chapter, notebook in notebooks.items():
        for cell in notebook.cells:
            for name in [tag.removeprefix("statement-") for tag in tags(cell) if tag.startswith("statement-")]:
                if cell.cell_type != "code":
                    faults.append(f"chapter {chapter}: {name} is tagged on a cell that is not code")
                elif name not in rows:
                    faults.append(f"chapter {chapter}: {name} has no row on the page")
                else:
                    shown[name, chapter] = shown.get((name, chapter), 0) + asserts(cell)
    for name, chapter in rows.items():
        if (name, chapter) not in shown:
            faults.append(f"{name} is not shown in chapter {chapter}")
        elif not shown[name, chapter]:
            faults.append(f"{name} is shown in chapter {chapter} without an assert")
    unread = set(re.findall(r"^\|\s*(S\d+)\s*\|", page, re.MULTILINE)) - set(rows)
    return faults + [f"the row of {name} names no chapter" for name in sorted(unread)]


def equation_faults(notebooks: dict[int, NotebookNode], tests: dict[int, str]) -> list[str]:
    """Each numbered equation n.k is named by a test of its chapter, ``def test_n_k…``."""
    faults = []
    for chapter, notebook in notebooks.items():
        names = re.findall(r"^def (test_\w+)", tests.get(chapter, ""), re.MULTILINE)
        for number in re.findall(r"\\tag\{([^}]*)\}", "\n".join(cell.source for cell in notebook.cells)):
            named = re.compile(rf"_{number.replace('.', '_')}(?:_|\b)")
            if not any(named.search(name) for name in names):
                faults.append(
                    f"equation {number} is named by no test of tests/notebooks/test_equations_{chapter:02}.py"
                )
    return faults


def curious_names(notebook: NotebookNode) -> set[str]:
    """The numbers of the sections for the curious."""
    return {title.split(" ")[0] for title in headings(notebook, 2) if title.endswith(CURIOUS)}


def curious_equations(notebook: NotebookNode) -> set[str]:
    """The numbers of the equations in sections for the curious."""
    prose = "\n".join(cell.source for cell in notebook.cells if "optional" in tags(cell))
    return set(re.findall(r"\\tag\{([\d.]+)\}", prose))


def curious_reference_faults(notebooks: dict[int, NotebookNode]) -> list[str]:
    """No sentence of the core names a section or equation for the curious, unless it says that it is."""
    names = set().union(*map(curious_names, notebooks.values()))
    equations = set().union(*map(curious_equations, notebooks.values()))
    faults = []
    for chapter, notebook in notebooks.items():
        for title, cells in sections(notebook):
            for cell in cells if title != "References" else []:
                if cell.cell_type == "markdown" and "optional" not in tags(cell):
                    found = curious_references(cell.source, names, equations)
                    faults += [f"chapter {chapter}, cell {cell.id}: {one!r} is for the curious" for one in found]
    return faults


def curious_references(source: str, names: set[str], equations: set[str]) -> list[str]:
    """Which of the sections and equations a text's sentences name without the word curious."""
    found = []
    shown = re.sub(r"^## .*$", "", LINK.sub(r"\1", source), flags=re.MULTILINE)
    for sentence in re.split(r"(?<=[.:;?!])\s", shown):
        if "curious" not in sentence:
            for kind, known in (("(?i:sections?)", names), ("(?i:equations?)", equations)):
                for listed in re.findall(kind + LISTED, sentence):
                    found += [number for number in re.findall(r"\d+\.\d+", listed) if number in known]
    return found


def link_faults(notebooks: dict[int, NotebookNode]) -> list[str]:
    """What a cell names of other chapters and of the book is a link, and each link leads to what its words name."""
    files = {chapter: next((ROOT / "notebooks").glob(f"{chapter:02}_*.ipynb")).name for chapter in notebooks}
    targets = {str(chapter): name for chapter, name in files.items()}
    for chapter, notebook in notebooks.items():
        for cell in notebook.cells:
            for key in headings(NotebookNode(cells=[cell]), 2):
                targets[key.split(" ")[0]] = f"{files[chapter]}#cell-id={cell.id}"
    for page in (ROOT / "book").glob("*.md"):
        targets[page.read_text(encoding="utf-8").partition("\n")[0][2:]] = f"../book/{page.name}"
    faults = []
    for chapter, notebook in notebooks.items():
        for title, cells in sections(notebook):
            for cell in cells:
                if cell.cell_type == "markdown":
                    asked = title != "References" and "predict" not in tags(cell)
                    found = _link_faults(cell.source, files[chapter], targets, asked)
                    faults += [f"chapter {chapter}, cell {cell.id}: {one}" for one in found]
    return faults


def _link_faults(source: str, file: str, targets: dict[str, str], asked: bool) -> list[str]:
    links = {re.sub(r"^(?i:section|chapter)s?\s|\*", "", words): link for words, link in LINK.findall(source)}
    links = {key: file * link.startswith("#") + link for key, link in links.items() if not link.startswith("http")}
    faults = [f"{key!r} leads to {link}" for key, link in links.items() if targets.get(key) != link]
    rest = LINK.sub(" ", source)
    named = re.findall(r"\d+(?:\.\d+)?", " ".join(re.findall(rf"\b(?i:section|chapter)s?{LISTED}", rest)))
    named += [words for words in re.findall(r"\*([^*\n]+)\*", rest) if words in targets and not words[0].isdigit()]
    missing = [key for key in named if key not in links and not targets.get(key, file).startswith(file)]
    return faults + [f"{key!r} is no link" for key in missing if asked]


def question_faults(notebooks: dict[int, NotebookNode], questions: dict[str, tuple[str, ...]]) -> list[str]:
    """Each forecast offers the options that its question lists, in their order, and each question is asked."""
    asked = {}
    for notebook in notebooks.values():
        for cell in code(notebook):
            for node in ast.walk(tree(cell)) if FORECAST in tags(cell) else []:
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "predict":
                    asked[ast.literal_eval(node.args[0])] = tuple(map(ast.literal_eval, node.args[1].keys))
    faults = [
        f"forecast {key}: offered are {asked[key]}, listed {questions.get(key)}"
        for key in asked
        if asked[key] != questions.get(key)
    ]
    return faults + [f"forecast {key} is listed and not asked" for key in questions if key not in asked]


def map_faults(readme: str, names: list[str]) -> list[str]:
    """The README's map links each notebook once, and nothing that is not there."""
    linked = re.findall(r"\]\(notebooks/([^)]+\.ipynb)\)", readme)
    faults = [f"{name} is not on the map" for name in names if name not in linked]
    faults += [f"the map links {name}, which is not there" for name in linked if name not in names]
    return faults + [f"the map links {name} twice" for name in sorted(set(linked)) if linked.count(name) > 1]


def minutes_faults(readme: str, notebooks: dict[str, NotebookNode]) -> list[str]:
    """The README's map and each chapter's opening give the same minutes, core path and all."""
    faults = []
    for name, notebook in notebooks.items():
        opening = re.search(r"\*\*Time\.\*\* About (\d+) minutes; (\d+) for the core path", notebook.cells[0].source)
        row = re.search(rf"\(notebooks/{re.escape(name)}\).*\| (\d+) min \| (\d+) min \|", readme)
        if not opening:
            faults.append(f"{name} does not open with '**Time.** About … minutes; … for the core path'")
        elif row and row.groups() != opening.groups()[::-1]:
            faults.append(f"{name} takes {opening[1]} minutes, {opening[2]} for the core path, the map says otherwise")
    return faults
