"""How much of the exercises' engine the tests of its front door reach: ``python -m tools.engine_coverage``.

The front door is what learners and instructors use: check, hint, solution, progress, grade, assignment. Its tests are
those in ``tests/exercises`` and ``tests/grading``. Ends with status 1 if a module is covered by less than 92%.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

LEAST = 92.0
TESTS = ("tests/exercises", "tests/grading")


def main() -> int:
    with TemporaryDirectory() as folder:
        report = Path(folder, "coverage.json")
        options = ["--cov=xent_helpers.exercises", "--cov-fail-under=0", f"--cov-report=json:{report}"]
        tests = subprocess.run([sys.executable, "-m", "pytest", "-q", *TESTS, *options])
        files = json.loads(report.read_text())["files"]
    covered = {name: found["summary"]["percent_covered"] for name, found in files.items() if "/exercises/" in name}
    for name, percent in sorted(covered.items(), key=lambda item: item[1]):
        print(f"{percent:6.1f}%  {name}")
    return tests.returncode or int(min(covered.values()) < LEAST)


if __name__ == "__main__":
    sys.exit(main())
