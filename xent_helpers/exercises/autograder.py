"""Write the archive that Gradescope builds an autograder from: the course's package, its notebooks and two scripts."""

import json
import os
import tomllib
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from xent_helpers.exercises import assignment, grading

SETUP = """#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the autograder's image. uv brings a newer Python if there is none.
set -euo pipefail
cd "$(dirname "${{BASH_SOURCE[0]}}")"
apt-get install --yes python3-venv bubblewrap
python3 -m venv .uv
.uv/bin/python -m pip install uv
.uv/bin/uv venv --python "{python}" .venv
# PyTorch for the processor, without the gigabytes for a GPU.
.uv/bin/uv pip install --torch-backend cpu --python .venv/bin/python --constraint constraints.txt ".[grade]"
"""
RUN = """#!/usr/bin/env bash
# Gradescope runs this for every submission; only instructors see what it prints.
shopt -s nullglob globstar
root="${AUTOGRADER:-/autograder}"
python="$root/source/.venv/bin/python"
table="$(mktemp -d)/grades.csv"
notebooks=("$root"/submission/**/*.ipynb)
if "$python" -P -c 'import sys; from xent_helpers.exercises import sandbox; sys.exit(bool(sandbox.obstacle()))'; then
    echo "The notebook runs in bubblewrap's sandbox."
    mode=()
else
    echo "There is no sandbox here: nothing but Gradescope's container isolates the notebook."
    mode=(--trust)
fi
exec "$python" -P -m xent_helpers.exercises grade "${mode[@]}" --time-limit 240 --memory-limit 2048 \\
    --course "$root/source/notebooks" --gradebook "$root/source/gradebook.toml" --output "$table" \\
    --gradescope "$root/results/results.json" -- "${notebooks[@]:-$root/submission/notebook.ipynb}"
"""


def write(course: Path, settings: Path, points: dict[str, float], output: Path) -> None:
    """Write the archive for the exercises that ``points`` names, all of which the file ``settings`` holds.

    Raises:
        FileNotFoundError: this is no checkout of the course.
        ValueError: ``output`` is there and is no archive, or ``points`` is empty.
    """
    checkout = course.parent
    if not points:
        raise ValueError("An autograder needs the exercises of its assignment: give their points.")
    if output.exists() and output.read_bytes()[:2] != b"PK":
        raise ValueError(f"{output} exists and is no archive: name another --output.")
    python = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    kept = BytesIO()
    with ZipFile(kept, "w", ZIP_DEFLATED) as archive:
        _add(archive, "setup.sh", SETUP.format(python=python).encode(), 0o755)
        _add(archive, "run_autograder", RUN.encode(), 0o755)
        _add(archive, "gradebook.toml", settings.read_bytes())
        for name in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
            _add(archive, name, (checkout / name).read_bytes())
        for path in sorted((checkout / "xent_helpers").rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                _add(archive, path.relative_to(checkout).as_posix(), path.read_bytes())
        for chapter in grading.chapters(course):
            if set(chapter.exercises) & set(points):
                notebook = json.loads((course / chapter.name).read_text(encoding="utf-8"))
                assignment.clear(notebook)
                _add(archive, f"notebooks/{chapter.name}", json.dumps(notebook).encode())
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = output.with_name(output.name + ".unfinished")
    try:
        unfinished.write_bytes(kept.getvalue())
        os.replace(unfinished, output)
    finally:
        unfinished.unlink(missing_ok=True)


def _add(archive, name, data, mode=0o644):
    entry = ZipInfo(name)  # with the format's earliest date, so that the same course makes the same archive
    entry.external_attr = (0o100000 | mode) << 16
    archive.writestr(entry, data, ZIP_DEFLATED)
