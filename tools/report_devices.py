"""Test and measure the course on this machine's accelerator and write the results to a file (``make gpu``).

The file, ``results/NAME-OF-THE-DEVICE.md``, can be sent in with a pull request. It says how the unit tests and the
notebooks ended there, where each loss holds its bound, how long it takes and how much memory, and, where the
benchmark is there, its report. Beside it, ``NAME-OF-THE-DEVICE.csv`` holds the table CPU | device of chapter 5. The
exit status is 0 when all tests passed and the course's losses held their bounds everywhere.
"""

import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from xent_helpers import compare, devices  # noqa: E402

SIZES = [(1, 10), (1000, 10), (100_000, 10), (1000, 1000), (4096, 50_257)]
TESTS = "-m", "pytest", "-q", "--every-notebook", "-p", "no:cacheprovider"
BENCHMARK = "-m", "benchmarks"


def name_of(device: torch.device) -> str:
    """The device's name as its maker has it, where its module in torch can tell."""
    module = torch.get_device_module(device)
    return module.get_device_name(device) if hasattr(module, "get_device_name") else str(device)


def markdown(table: pd.DataFrame) -> str:
    """A table in Markdown."""
    rows = [list(table.columns), ["---"] * table.shape[1], *table.astype(str).values.tolist()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def run(*arguments: str) -> tuple[bool, str]:
    """Run Python with these arguments; return whether it ended well, and what it printed."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def measured(
    places: list[torch.device], sizes: Iterable[tuple[int, int]] = SIZES, repeats: int = 20
) -> tuple[bool, dict[str, str]]:
    """Judge and measure on each device: whether ours holds everywhere, and the text of each section."""
    judged = compare.verdicts(compare.agreement(places=places))
    held = bool((judged[["ours value", "ours slope"]] == "held").all(axis=None))
    return held, {
        "Agreement with 60 digits, in units of rounding": markdown(judged),
        "Milliseconds, and peak memory in arrays of the logits": markdown(
            compare.speed_and_memory(sizes, places, repeats)
        ),
    }


def report(device: torch.device, sections: dict[str, str]) -> str:
    """The whole file: what it was measured on, and the sections."""
    runtime = torch.version.cuda or torch.version.hip or "none"
    head = f"# {name_of(device)}\n\nPyTorch {torch.__version__}, its CUDA or ROCm runtime {runtime}, "
    head += f"Python {platform.python_version()}, {platform.system()}. Written by `make gpu`."
    return "\n\n".join([head, *(f"## {title}\n\n{text}" for title, text in sections.items())]) + "\n"


def record(device: torch.device, table: pd.DataFrame, path: Path) -> None:
    """Write the table of both devices, below one line that says what it was measured on and when; see chapter 5."""
    head = f"# {name_of(device)}, {datetime.now(UTC).date()}, PyTorch {torch.__version__}\n"
    path.write_text(head + table.to_csv(index=False), encoding="utf-8")


def main(folder: Path = ROOT / "results") -> int:
    """Run everything and write the file."""
    accelerators = devices.available()[1:]
    if not accelerators:
        print("There is no accelerator here (torch.accelerator finds none), so nothing was run.", file=sys.stderr)
        return 1
    device = accelerators[0]
    print(f"Testing and measuring on {name_of(device)} …", flush=True)
    passed, shown = run(*TESTS)
    ended = (shown.strip().splitlines() or ["nothing was printed"])[-1]
    failures = re.findall(r"^(?:FAILED|ERROR) .*$", shown, re.MULTILINE)
    held, tables = measured([torch.device("cpu"), device])
    sections = {"Unit tests and notebooks": "\n".join([ended, *(f"- {line}" for line in failures)])} | tables
    if (ROOT / "benchmarks" / "__main__.py").exists():
        fast, shown = run(*BENCHMARK)
        passed = passed and fast
        sections["Benchmark"] = f"```\n{shown.strip()}\n```"
    folder.mkdir(exist_ok=True)
    path = folder / (re.sub(r"\W+", "-", name_of(device)).strip("-").lower() + ".md")
    path.write_text(report(device, sections), encoding="utf-8")
    record(device, compare.beside([torch.device("cpu"), device]), path.with_suffix(".csv"))
    print(f"{ended}\nOurs {'held' if held else 'did NOT hold'} every bound. Written to {path.name} in {folder.name}/.")
    return 0 if passed and held else 1


if __name__ == "__main__":
    sys.exit(main())
