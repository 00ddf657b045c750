"""Change the helpers in small ways and see whether the tests notice: ``make mutants MODULE=likelihood``.

Mutmut turns one ``<`` into ``<=``, one 1 into 2 and so on, each change a mutant, and runs the tests that belong to the
module. A mutant that they do not notice survives: either a test is missing, or the change makes no difference. Changes
of sentences (any text with a blank in it, and the names that a check puts into its sentence) are counted apart, since
what an error says in other words is as good.

It works on a copy in ``build/mutants/MODULE``, where ``mutmut show NAME`` (in that folder) shows a mutant again.
"""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHECKER = ("__init__", "calling", "check_value", "checker", "constants", "display", "draft", "exercise", "explain")
CHECKER += ("inputs", "messages", "seeding", "shrink", "slips", "solved_file", "values")
TESTS = {
    "losses": [
        "tests/losses/test_losses.py",
        "tests/losses/test_validation.py",
        "tests/losses/test_properties.py",
    ],
    "validation": [
        "tests/losses/test_validation.py",
        "tests/losses/test_losses.py",
        "tests/helpers/test_information.py",
        "tests/losses/test_fused.py",
        "tests/everywhere/test_every_function.py",
        "tests/helpers/test_calibration.py",
        "tests/helpers/test_gradients.py",
        "tests/helpers/test_likelihood.py",
    ],
    "likelihood": ["tests/helpers/test_likelihood.py", "tests/everywhere/test_properties.py"],
    "information": ["tests/helpers/test_information.py", "tests/everywhere/test_properties.py"],
    "fused": ["tests/losses/test_fused.py"],
    "coding": ["tests/helpers/test_coding.py"],
    "gradients": [
        "tests/helpers/test_gradients.py",
        "tests/losses/test_validation.py",
        "tests/everywhere/test_properties.py",
        "tests/everywhere/test_every_function.py",
    ],
    "targets": ["tests/helpers/test_targets.py", "tests/everywhere/test_properties.py"],
    "calibration": ["tests/helpers/test_calibration.py", "tests/everywhere/test_properties.py"],
    "training": ["tests/helpers/test_training.py"],
    "data": ["tests/helpers/test_data.py"],
    "replicas": [
        "tests/helpers/test_replicas.py",
        "tests/helpers/test_targets.py",
        "tests/everywhere/test_every_function.py",
    ],
    "exact": ["tests/helpers/test_exact.py"],
    "calls": ["tests/helpers/test_compare.py"],
    "compare": ["tests/helpers/test_compare.py"],
    "source": ["tests/helpers/test_source.py"],
    "devices": ["tests/helpers/test_devices.py"],
    "distributed": ["tests/helpers/test_distributed.py"],
    "kernels": ["tests/losses/test_kernels.py"],
    **{f"exercises/{name}": ["tests/exercises/test_check.py", "tests/exercises/test_catalogue.py"] for name in CHECKER},
    **{
        str(path.relative_to(ROOT / "xent_helpers").with_suffix("")): [
            f"tests/exercises/test_{path.relative_to(ROOT / 'xent_helpers/exercises').parts[0].removesuffix('.py')}.py",
            "tests/exercises/test_catalogue.py",
        ]
        for pattern in ("chapter_*.py", "chapter_*/*.py")
        for path in sorted((ROOT / "xent_helpers" / "exercises").glob(pattern))
    },
    # exercises/runner is missing: it runs in processes of its own, where mutmut sees nothing.
    "exercises/grading": ["tests/grading/test_grading.py"],
    "exercises/sandbox": ["tests/grading/test_grading.py"],
    "exercises/assignment": ["tests/grading/test_assignment.py"],
    "exercises/__main__": ["tests/grading/test_assignment.py", "tests/grading/test_grading.py"],
    **{
        f"forecasts/{path.stem}": ["tests/helpers/test_forecasts.py"]
        for path in sorted((ROOT / "xent_helpers" / "forecasts").glob("*.py"))
    },
    "__main__": ["tests/helpers/test_main.py"],
}
# Three tests are left out: one would ask for the mutants' names in its list; two start a module as a program of its
# own, in which no mutant is chosen, and one of these reads a page of the book, which is not copied.
SETTINGS = """[mutmut]
source_paths=xent_helpers
only_mutate=xent_helpers/{module}.py
also_copy=
    conftest.py
    notebooks
pytest_add_cli_args=
    -p
    no:nbval
    --override-ini
    addopts=
    --deselect
    tests/everywhere/test_every_function.py::test_every_function_is_in_one_list
    --deselect
    tests/exercises/test_check.py::test_two_kernels_can_write_at_the_same_time
    --deselect
    tests/helpers/test_distributed.py::test_the_table_holds_with_several_processes
pytest_add_cli_args_test_selection=
    {tests}
"""

# tqdm's usual lock is shared with forked processes, and one that is stopped while it holds it would block all others.
START = """
import threading, tqdm
tqdm.tqdm.set_lock(threading.RLock())
from mutmut.__main__ import cli
cli()
"""


def prepare(module: str) -> Path:
    """Copy what the tests of a module need, and tell mutmut of them."""
    folder = ROOT / "build" / "mutants" / module
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("xent_helpers", "tests", "tools", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / "setup.cfg").write_text(SETTINGS.format(module=module, tests="\n    ".join(TESTS[module])))
    return folder


def mutmut(folder: Path, *arguments: str) -> str:
    """Run mutmut in ``folder`` and return what it prints, which also appears when it runs mutants."""
    command = [sys.executable, "-c", START, *arguments]
    if arguments[0] == "run":
        subprocess.run(command, cwd=folder, check=True)
        return ""
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def changes_a_sentence(diff: str) -> bool:
    """Whether a mutant differs from its original in sentences only."""
    lines = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    old, new = (_skeleton("\n".join(line[1:] for line in lines if line[0] == sign)) for sign in "-+")
    return old == new


def _skeleton(code: str) -> str:
    """Code without its sentences; a piece of code that is no statement by itself is compared word by word."""
    try:
        tree = ast.parse(code.strip().removesuffix(","))
    except SyntaxError:
        return " ".join(code.split()) if '"' not in code else _between_quotes(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            node.value = "…"
        if isinstance(node, ast.JoinedStr):
            words = "".join(one.value for one in node.values if isinstance(one, ast.Constant))
            node.values = [] if " " in words.strip() else node.values  # a sentence with values in it
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("check.check_", "_at_least_float32")):
            node.args = [
                one for one in node.args if not (isinstance(one, ast.Constant) and isinstance(one.value, str | None))
            ]
    return ast.dump(tree)


def _between_quotes(code: str) -> str:
    pieces = code.split('"')
    pieces[1::2] = ["…" if " " in piece.strip() else piece for piece in pieces[1::2]]
    return " ".join('"'.join(pieces).split())


def main() -> int:
    """Mutate the modules that are named; print each one's row when it is done, its survivors' changes before it."""
    modules = sys.argv[1:]
    if not modules or set(modules) - set(TESTS):
        print(f"Name a module: make mutants MODULE=…, one of\n  {', '.join(TESTS)}", file=sys.stderr)
        return 2
    for module in modules:
        folder = prepare(module)
        mutmut(folder, "run", "--max-children", "2")
        verdicts = dict(
            line.strip().rsplit(": ", 1) for line in mutmut(folder, "results", "--all", "true").splitlines()
        )
        survivors = [name for name, verdict in verdicts.items() if verdict in ("survived", "no tests")]
        sentences = 0
        for name in survivors:
            diff = mutmut(folder, "show", name)
            if changes_a_sentence(diff):
                sentences += 1
            else:
                print(f"\n{name}: {verdicts[name]}\n{diff}")
        print(f"\n{'module':24}{'mutants':>10}{'survivors':>12}{'sentences':>12}")
        print(f"{module:24}{len(verdicts):10}{len(survivors) - sentences:12}{sentences:12}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
