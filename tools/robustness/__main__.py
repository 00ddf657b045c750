"""Run every comparison of the chapters again under other conditions and print which hold (``make robustness``).

With arguments only the named chapters, such as ``4 7``. The exit status is 1 when a claim does not hold.
"""

import sys
import time
from importlib import import_module
from pathlib import Path

from tools.robustness.claim import SETTINGS, Claim


def chapters() -> list[int]:
    return sorted(int(path.stem[-2:]) for path in Path(__file__).parent.glob("chapter_*.py"))


def verdict(claim: Claim, setting) -> str:
    """Held, not held, or the exception that kept the experiment from an answer."""
    try:
        return "held" if claim.holds(setting) else "NOT HELD"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def main(arguments: list[str]) -> int:
    wanted = [int(number) for number in arguments] or chapters()
    failures = 0
    print("| section | claim | " + " | ".join(setting.name for setting in SETTINGS) + " | seconds |")
    print("|---" * (len(SETTINGS) + 3) + "|")
    for chapter in wanted:
        for claim in import_module(f"tools.robustness.chapter_{chapter:02}").CLAIMS:
            began = time.monotonic()
            verdicts = [verdict(claim, setting) for setting in SETTINGS]
            failures += sum(found != "held" for found in verdicts)
            row = [claim.section, claim.sentence, *verdicts, f"{time.monotonic() - began:.0f}"]
            print("| " + " | ".join(row) + " |", flush=True)
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
