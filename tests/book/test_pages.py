"""The examples on the book's pages run and print what is shown below them; the pages' links lead somewhere."""

import re

import nbformat
import pytest
import torch

from tests.versions import exact
from tools import pages
from tools.bad_calls import slug
from tools.execute_notebooks import ROOT

QUESTIONS = [f"questions/{path.name}" for path in sorted((ROOT / "book/questions").glob("[!i]*.md"))]
EXAMPLES = ["errors.md", "which_loss.md", *QUESTIONS]


def text(name):
    return (ROOT / "book" / name).read_text(encoding="utf-8")


def entries(page):
    """The entries of the page of errors by their headings."""
    _, *parts = re.split(r"^### (.*)\n", re.sub(r"^## .*\n", "", page, flags=re.MULTILINE), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@exact("torch")
@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_prints_what_the_page_shows(name, one_thread):
    results = pages.run(text(name))
    assert len(results) > (2 if name in QUESTIONS else 8)
    wrong = [
        f"book/{name}, line {example.line}: prints\n{printed}the page shows\n{example.shown}"
        for example, printed in results
        if printed != example.shown
    ]
    assert not wrong, "\n".join(wrong) + "\nIf you meant it: python -m tools.pages book/" + name


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_output_stands_without_its_example(name):
    page = text(name)
    fences = re.findall(r"^```(\w*)$", page, re.MULTILINE)[::2]
    shown = sum(bool(example.shown) for example in pages.examples(page))
    assert set(fences) == {"python", "text"} and fences.count("text") == shown
    assert fences.count("python") == len(pages.examples(page))


@pytest.mark.parametrize("entry", entries(text("errors.md")).items(), ids=lambda entry: entry[0])
def test_each_entry_has_example_cause_cure_and_chapter(entry):
    _, entry = entry
    assert pages.examples(entry)
    assert all(re.search(rf"^\*\*{part}\.\*\*", entry, re.MULTILINE) for part in ("Why", "Cure", "See"))
    assert re.search(r"\]\(\.\./notebooks/0\d_\w+\.ipynb\)", entry.split("**See.**")[1])


def test_the_tables_lead_to_every_entry():
    page = text("errors.md")
    tables = page[: page.index("## Error messages")] + page[page.index("## All messages") :]
    silent = page[page.index("## Silently wrong numbers") :]
    listed = set(re.findall(r"\]\(#([^)]+)\)", tables))
    assert "silently-wrong-numbers" in listed
    assert listed >= {slug(heading) for heading in entries(page)} - {slug(heading) for heading in entries(silent)}


def test_what_was_not_run_is_said_to_be_quoted():
    page = text("errors.md")
    for words in ("CUDA_KERNEL_ASSERT", "t >= 0 && t < n_classes", "unsafe to autocast. Many", "wrapper_CUDA_nll"):
        after = page[page.index(words) :]
        assert re.search(r"not run\s+here", after[:600]) and "https://github.com/pytorch/pytorch" in after[:600]


def chapters_sections():
    """The numbered sections of the chapters that are there."""
    found = {}
    for path in sorted((ROOT / "notebooks").glob("0*.ipynb")):
        found[int(path.name[:2])] = set(re.findall(r'"## (\d\.\d+) ', path.read_text(encoding="utf-8")))
    return found


def plain(mathematics):
    """Mathematics without what only sets its spacing, Greek letters by their names."""
    letters = {"θ": r"\theta", "γ": r"\gamma", "ε": r"\varepsilon", "σ": r"\sigma", "ρ": r"\rho", r"\Vert": r"\|"}
    for letter, name in letters.items():
        mathematics = mathematics.replace(letter, name)
    return re.sub(r"\\[,;!]|[\s{}$]", "", mathematics)


def test_each_symbol_occurs_in_the_chapter_that_the_page_of_notation_names():
    chapters = {}
    for path in sorted((ROOT / "notebooks").glob("0*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        chapters[path.name[1]] = plain("\n".join(cell.source for cell in cells if cell.cell_type == "markdown"))
    rows = re.findall(r"^\| \$([^$]+)\$.* \| (\d) \|$", text("notation.md"), re.MULTILINE)
    assert len(rows) > 40 and len(rows) == text("notation.md").count("\n| $")
    faults = [row for row in rows if row[1] in chapters and plain(row[0]) not in chapters[row[1]]]
    assert not faults, f"symbols that do not occur in the chapter named: {faults}"


def test_each_term_is_explained_once_and_occurs_in_the_chapter_that_introduces_it():
    page = text("glossary.md")
    terms = re.findall(r"^- \*\*([^*]+)\*\*: .*\(Chapter (\d)\.\)$", page, re.MULTILINE)
    assert len(terms) > 60 and len(terms) == page.count("\n- ")
    names = [name.lower() for name, _ in terms]
    assert names == sorted(set(names))
    faults = []
    for path in sorted((ROOT / "notebooks").glob("0*.ipynb")):
        prose = " ".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown").lower()
        for name, chapter in terms:
            stems = [word[:5] for word in re.findall(r"\w+", name.lower())]
            if chapter == path.name[1] and not all(stem in prose for stem in stems):
                faults.append(f"{name} does not occur in chapter {chapter}")
    assert not faults, "\n".join(faults)


def chapter_entries():
    """The instructors' entries by chapter number."""
    _, *parts = re.split(r"^## Chapter (\d): .*\n", text("instructor.md"), flags=re.MULTILINE)
    return dict(zip(map(int, parts[::2]), parts[1::2], strict=True))


@pytest.mark.parametrize("chapter", range(1, 10))
def test_the_instructors_entry_is_complete_and_its_lecture_fills_45_minutes(chapter):
    entry = chapter_entries()[chapter]
    parts = re.findall(r"^\*\*([^*]+)\.\*\*", entry, re.MULTILINE)
    middle = ["Objectives", "The belief to shake", "Lecture in 45 minutes", "Questions", "Forecasts"]
    assert parts == ["Minutes", *middle, "Exercises"]
    lecture = entry.split("**Lecture in 45 minutes.**")[1].split("**Questions.**")[0]
    table = re.findall(r"^\| (\d+) to (\d+) \|", lecture, re.MULTILINE)
    if table:
        assert [start for start, _ in table] == ["0", *[end for _, end in table[:-1]]] and table[-1][1] == "45"
    else:
        assert sum(map(int, re.findall(r"\((\d+)\)", lecture))) == 45


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("0*.ipynb")), ids=lambda path: path.name)
def test_minutes_and_exercises_are_the_notebook_s(path):
    chapter, cells = int(path.name[:2]), nbformat.read(path, as_version=4).cells
    entry = chapter_entries()[chapter]
    every, core = re.search(r"About (\d+) minutes; (\d+) for the core path", cells[0].source).groups()
    assert f"**Minutes.** {core} for the core path, {every} for all." in entry
    there = [e for c in cells if c.cell_type == "code" for e in re.findall(r'check\("(\d\.\d)",', c.source)]
    assert re.findall(r"\d\.\d", entry.split("**Exercises.**")[1]) == there


def test_the_week_adds_up_the_chapters_minutes():
    entries = chapter_entries()
    core = {n: int(re.search(r"\*\*Minutes\.\*\* (\d+)", entry)[1]) for n, entry in entries.items()}
    rows = re.findall(r"^\| \w+day \| ([\d and]+?)(?: or .*?)? \| (\d+) \|", text("instructor.md"), re.MULTILINE)
    assert len(rows) == 5
    assert all(sum(core[int(n)] for n in re.findall(r"\d", chapters)) == int(total) for chapters, total in rows)


@pytest.mark.parametrize("name", [path.name for path in sorted((ROOT / "book").glob("*.md"))] + QUESTIONS)
def test_links_and_sections_exist(name):
    path, page = ROOT / "book" / name, text(name)
    faults = []
    for target, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)", page):
        file = (path.parent / target).resolve() if target else path
        if not file.exists():
            faults.append(f"{target} is not there")
        elif anchor and file.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            if anchor not in map(slug, headings):
                faults.append(f"{target}#{anchor} is not there")
    sections = chapters_sections()
    for cited in re.findall(r"\bsections? ((?:\d\.\d+(?:, | and | to )?)+)", page):
        for key in re.findall(r"\d\.\d+", cited):
            if int(key[0]) in sections and key not in sections[int(key[0])]:
                faults.append(f"there is no section {key}")
    assert not faults, "\n".join(faults)


def test_a_wrong_output_and_a_lost_example_are_seen():
    page = "```python\nx = 1\n```\n\n```python\nprint(x)\nraise ValueError('no')\n```\n\n```text\n1\n```\n"
    (_, nothing), (example, printed) = pages.run(page)
    assert nothing == "" and printed == "1\nValueError: no\n" != example.shown and example.line == 5
    assert pages.stored(page).endswith("```text\n1\nValueError: no\n```\n")
    assert pages.stored(pages.stored(page)) == pages.stored(page)
