"""The three lists of packages agree, and ``make test`` runs what it says."""

import re
import subprocess
import tomllib
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools.execute_notebooks import ROOT


def by_name(lines):
    """Requirements by their package's canonical name."""
    requirements = [Requirement(line) for line in lines]
    assert len({canonicalize_name(requirement.name) for requirement in requirements}) == len(requirements)
    return {canonicalize_name(requirement.name): requirement.specifier for requirement in requirements}


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


PROJECT = tomllib.loads(text("pyproject.toml"))["project"]
DIRECT = by_name(PROJECT["dependencies"])
LAB = by_name(PROJECT["optional-dependencies"]["lab"])
OWN = re.compile(rf"{PROJECT['name']}\[")  # an extra that includes another one
EXTRAS = by_name(line for lines in PROJECT["optional-dependencies"].values() for line in lines if not OWN.match(line))
PINS = by_name(line for line in text("constraints.txt").splitlines() if line and not line.startswith("#"))
CONDA = yaml.safe_load(text("environment.yml"))["dependencies"]


@pytest.mark.parametrize(
    "name", sorted((DIRECT | EXTRAS).keys() - {"triton"})
)  # PyTorch's build for a GPU chooses its own
def test_each_direct_dependency_is_pinned_within_its_range(name):
    ((operator, version),) = [(pin.operator, pin.version) for pin in PINS[name]]
    assert operator == "==" and Version(version) in (DIRECT | EXTRAS)[name]


@pytest.mark.parametrize("name", PINS)
def test_each_pin_is_one_public_version(name):
    ((operator, version),) = [(pin.operator, pin.version) for pin in PINS[name]]
    assert operator == "==" and "*" not in version and Version(version).local is None


@pytest.mark.parametrize("name", DIRECT | EXTRAS)
def test_each_range_has_two_ends_or_none_above(name):
    assert any(bound.operator == ">=" for bound in (DIRECT | EXTRAS)[name])


def test_conda_installs_the_same_list_within_the_same_pins():
    (pip,) = [item["pip"] for item in CONDA if isinstance(item, dict)]
    assert [line for line in pip if line.startswith("--")] == ["--constraint constraints.txt", "--editable ."]
    assert by_name(line for line in pip if not line.startswith("--")) == DIRECT | LAB


def test_conda_has_the_same_python():
    (python,) = [item for item in CONDA if isinstance(item, str) and item.startswith("python")]
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(PROJECT["requires-python"])


def test_uv_installs_the_same_versions():
    uv = tomllib.loads(text("pyproject.toml"))["tool"]["uv"]["constraint-dependencies"]
    assert by_name(uv) == {name: PINS[name] for name in DIRECT | EXTRAS if name in PINS}


@pytest.mark.parametrize("name", PINS)
def test_each_pin_runs_on_the_lowest_python(name):
    """As the package itself says, where it is installed here in that version."""
    (lowest,) = [bound.version for bound in SpecifierSet(PROJECT["requires-python"])]
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        pytest.skip("not installed here")
    if found["Version"].partition("+")[0] not in PINS[name]:
        pytest.skip("another version is installed here")
    assert Version(f"{lowest}.0") in SpecifierSet(found["Requires-Python"] or "")


def test_the_version_is_the_changelog_s_and_the_citation_s():
    (latest, *_) = re.findall(r"^## (\d+\.\d+\.\d+)", text("CHANGELOG.md"), re.MULTILINE)
    assert PROJECT["version"] == latest == str(yaml.safe_load(text("CITATION.cff"))["version"])


def test_no_package_is_in_two_lists():
    assert not DIRECT.keys() & EXTRAS.keys()


def test_make_test_runs_everything():
    """pytest with the check that no notebook is missing, in the folders of notebooks, tests and docstrings."""
    recipe = re.search(r"^test:.*\n\t(.*)$", text("Makefile"), re.MULTILINE)[1]
    assert "-m pytest" in recipe and "--every-notebook" in recipe and "$(TEST_ARGS)" in recipe
    paths = tomllib.loads(text("pyproject.toml"))["tool"]["pytest"]["ini_options"]["testpaths"]
    assert set(paths) == {"notebooks", "tests", "xent_helpers"}


def test_continuous_integration_runs_the_readme_s_commands():
    commands = re.findall(r"^make .*$", text(".ci/run"), re.MULTILINE)
    assert "make test" in commands and "make lint" in commands
    assert all(command in text("README.md") + text("CONTRIBUTING.md") for command in commands)


def test_make_help_names_every_command():
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", text("Makefile"), re.MULTILINE)[1].split()
    assert re.findall(r"^make ([\w-]+)", shown, re.MULTILINE) == phony


def readme_s_uv_commands():
    return re.findall(r"`(uv run [^`]*)`", text("README.md"))


def test_uv_does_what_make_does():
    lab, test = (command.split() for command in readme_s_uv_commands())
    recipes = dict(re.findall(r"^(lab|test):.*\n\t(.*)$", text("Makefile"), re.MULTILINE))
    assert {lab[3], test[3]} <= PROJECT["optional-dependencies"].keys()
    assert " ".join(lab[6:]) in recipes["lab"] and (ROOT / lab[-1]).exists()
    assert " ".join(test[4:]) in recipes["test"]


def test_the_readme_s_badge_states_the_python_that_is_needed():
    badge = re.search(r"badge/Python-([\d.]+)%20or%20newer", text("README.md"))[1]
    assert SpecifierSet(f">={badge}") == SpecifierSet(PROJECT["requires-python"])


def test_the_public_host_s_jobs_use_commands_that_exist():
    jobs = yaml.safe_load(text(".github/workflows/tests.yml"))["jobs"]
    phony = set(re.search(r"^\.PHONY: (.*)$", text("Makefile"), re.MULTILINE)[1].split())
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert {name for run in runs for name in re.findall(r"^make ([\w-]+)", run)} - phony == set()
    assert any(readme_s_uv_commands()[1] in run for run in runs)
