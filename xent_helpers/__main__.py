"""Is everything here that the course needs, and does it work? ``python -m xent_helpers`` says so in a few seconds.

It prints the versions of Python and of each package beside the range that the course needs, the devices, and for
each device and loss whether value and gradient agree with PyTorch's. The exit status is 0 when nothing has to be
mended; else it is 1, and each thing that is broken is named at the end with a remedy.

Nothing but Python's standard library is imported before it is known to work.
"""

import re
import sys
import tomllib
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
# The name under which a package is imported, where it is not the package's own.
MODULES = {"scikit-learn": "sklearn", "array-api-compat": "array_api_compat"}
FRESH = "Or start afresh: delete the folder .venv, then run `make lab`."
TOLERANCE = {"float64": 1e-11, "float32": 1e-4}


def requirements() -> dict[str, str]:
    """Return the range of each thing that the course needs, Python first: {"Python": ">=3.11", "numpy": …}."""
    if PYPROJECT.exists():
        project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
        lines, python = project["dependencies"], project["requires-python"]
    else:  # installed without its folder
        lines = [line for line in metadata.requires("xent-helpers") or [] if "extra ==" not in line]
        python = metadata.metadata("xent-helpers")["Requires-Python"]
    ranges = [re.fullmatch(r"([\w.-]+)\s*(.*)", line).groups() for line in lines]
    return {"Python": python} | dict(ranges)


def package_faults(ranges: dict[str, str]) -> list[str]:
    """Print each package's version beside its range and import it; return what is wrong, with a remedy."""
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        return [f"packaging is missing, so versions were not judged. Install it: pip install packaging. {FRESH}"]
    print(f"Python is {sys.executable}\n")
    faults = []
    for name, wanted in ranges.items():
        try:
            version = ".".join(map(str, sys.version_info[:3])) if name == "Python" else metadata.version(name)
            if name == "jupyterlab":  # it is started and not imported, which would take as long as all the others
                find_spec(name).loader.get_code(name)
            elif name != "Python":
                import_module(MODULES.get(name, name))
        except metadata.PackageNotFoundError:
            verdict, version = "missing", "-"
            faults.append(f'{name} is missing. Install it: python -m pip install "{name}{wanted}". {FRESH}')
        except Exception as error:  # a damaged package can raise anything
            verdict = "broken"
            faults.append(
                f"{name} {version} is installed and cannot be imported ({type(error).__name__}: {error}). Install it "
                f'anew: python -m pip install --force-reinstall "{name}{wanted}". {FRESH}'
            )
        else:
            verdict = "ok" if SpecifierSet(wanted).contains(version, prereleases=True) else "outside"
            if verdict == "outside":
                faults.append(_outside(name, version, wanted))
        print(f"{name:18} {version:12} {wanted:14} {verdict}")
    return faults


def _outside(name, version, wanted):
    if name == "Python":
        return f"This is Python {version}, the course needs {wanted}. Name another one: make lab PYTHON=python3.12."
    return (
        f'{name} is {version}, the course needs {wanted}. Install it: python -m pip install "{name}{wanted}". {FRESH}'
    )


def loss_faults() -> list[str]:
    """Compare each loss with PyTorch's on each device, value and gradient, and print a line for each."""
    try:
        import torch

        from xent_helpers import devices
        from xent_helpers.cases import LOSSES

        torch.set_num_threads(1)  # more are slower on small tensors, and much slower on a busy machine
        places = devices.available()
    except Exception as error:
        return [f"The losses were not checked ({type(error).__name__}: {error}). Mend the packages first."]
    print("\ndevices:", ", ".join(map(str, places)), "" if places[1:] else "(no accelerator; the course needs none)")
    faults = []
    for device in places:
        try:
            for loss, theirs in LOSSES.items():
                found = _differences(loss, device)
                print(f"{device!s:8} {loss:34} {'agrees with' if not found else 'differs from'} {theirs}")
                faults += found[:1]
        except Exception as error:
            faults.append(
                f"{device} cannot compute the losses ({type(error).__name__}: {error}). If it is an accelerator, its "
                "driver may not fit this PyTorch; the course runs on the CPU too: set CUDA_VISIBLE_DEVICES= (empty)."
            )
    return faults


def _differences(loss, device):
    """Every option and reduction of one loss, on ordinary numbers: what differs, a sentence for each."""
    from xent_helpers import devices
    from xent_helpers.cases import cases

    dtype = devices.widest_float(device)
    bound = TOLERANCE[str(dtype).removeprefix("torch.")]
    found = []
    for case in cases(loss, dtype):
        for reduction in ("none", "sum", "mean") if case.situation == "everyday" else ():
            pairs = zip(case.run("ours", reduction, device), case.run("torch", reduction, device), strict=True)
            for what, (ours, theirs) in zip(("value", "gradient"), pairs, strict=True):
                if ours.shape != theirs.shape or not bool(((ours - theirs).abs() <= bound * (1 + theirs.abs())).all()):
                    found.append(
                        f"losses.{loss} on {device} differs from PyTorch's in its {what} (option: {case.option}, "
                        f"reduction: {reduction}). If xent_helpers was changed, `git diff xent_helpers` shows where, "
                        "and `git checkout xent_helpers` takes it back."
                    )
    return found


def main() -> int:
    """Check packages, devices and losses; return the exit status."""
    start = perf_counter()
    try:
        faults = package_faults(requirements())
    except metadata.PackageNotFoundError:
        faults = [f"The list of packages was not found. Run this from the course's folder. {FRESH}"]
    faults += loss_faults()
    print(f"\n{perf_counter() - start:.1f} seconds.", "Everything works." if not faults else "To be mended:")
    for number, fault in enumerate(faults, 1):
        print(f"{number}. {fault}")
    return min(len(faults), 1)


if __name__ == "__main__":
    sys.exit(main())
