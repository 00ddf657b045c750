"""Is everything here that the course needs, and does it work? ``python -m xent_helpers`` says so in a few seconds.

It prints the versions of Python and of each package beside the range that the course needs, the devices, and for
each device and loss whether value and gradient agree with PyTorch's. The exit status is 0 when everything works; else
it is 1, and each thing that is broken is named at the end with a remedy.

Nothing but Python's standard library is imported before it is known to work.
"""

import os
import re
import subprocess
import sys
import tomllib
import traceback
from importlib import import_module, metadata
from pathlib import Path
from time import perf_counter

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
# The name under which a package is imported, where it is not the package's own.
MODULES = {"scikit-learn": "sklearn", "pillow": "PIL", "array-api-compat": "array_api_compat"}
OWN = Path(__file__).resolve().parent
CHANGED = (
    "If xent_helpers was changed, `git diff xent_helpers` shows where, and `git checkout xent_helpers` takes it back."
)
FRESH = "Or start afresh: delete the folder .venv, then run `make lab`."
WITHIN = "XENT_HELPERS_CHECKING"
DONE = 100  # the status of the process that checks, when it has come to its end, plus 1 for faults
TOLERANCE = {"float64": 1e-11, "float32": 1e-4}
FUSED = {"fused_cross_entropy": "CrossEntropyLoss", "linear_cross_entropy": "Linear and CrossEntropyLoss"}


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
        print(f"{name:18} ", end="", flush=True)  # what ends Python is named by it
        fault, version = "", "-"
        try:
            version = _version(name)
            print(f"{version:12} {wanted:14} ", end="", flush=True)
            if name != "Python":
                import_module(MODULES.get(name, name))
            verdict = "ok" if SpecifierSet(wanted).contains(version, prereleases=True) else "outside"
            if verdict == "outside":
                fault = _outside(name, version, wanted)
        except metadata.PackageNotFoundError:
            verdict = f"{'-':12} {wanted:14} missing"
            fault = f'{name} is missing. Install it: python -m pip install "{name}{wanted}". {FRESH}'
        except (Exception, SystemExit) as error:  # a damaged package can raise anything
            verdict = "broken"
            fault = f"{name} {version} is installed and does not work ({_described(error)}). {_reinstall(name, wanted)}"
        print(verdict)
        faults += [fault] if fault else []
    return faults


def _version(name):
    if name == "Python":
        return ".".join(map(str, sys.version_info[:3]))
    version = metadata.version(name)
    if not isinstance(version, str):
        raise ValueError(f"the record of its installation names no version: {metadata.distribution(name)._path.name}")
    return version


def _described(error):
    return f"{type(error).__name__}: {error}"


def _reinstall(name, wanted):
    return f'Reinstall it: python -m pip install --force-reinstall "{name}{wanted}". {FRESH}'


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
        from xent_helpers.calls import LOSSES

        torch.set_num_threads(1)  # more are slower on small tensors, and much slower on a busy machine
        places = devices.available()
    except (Exception, SystemExit) as error:
        remedy = CHANGED if _is_ours(error) else "Repair the packages first."
        return [f"The losses were not checked ({_described(error)}). {remedy}"]
    print("\ndevices:", ", ".join(map(str, places)), "" if places[1:] else "(no accelerator; the course needs none)")
    faults = []
    for device in places:
        for loss, theirs in (LOSSES | FUSED).items():
            try:
                found = _differences(loss, device)
            except (Exception, SystemExit) as error:
                if not _works(device):
                    faults.append(
                        f"{device} cannot compute the losses ({_described(error)}). If it is an accelerator, its "
                        "driver may not fit this PyTorch; the course runs on the CPU too: set CUDA_VISIBLE_DEVICES= "
                        "(empty)."
                    )
                    break
                found = [f"{loss} fails on {device} ({_described(error)}). {CHANGED}"]
            print(f"{device!s:8} {loss:34} {'agrees with' if not found else 'differs from'} {theirs}")
            faults += found[:1]
    return faults


def _is_ours(error):
    """Whether an import failed in a file of the package: at a line of it, or since Python cannot read it."""
    file = getattr(error, "filename", None) if isinstance(error, SyntaxError) else None
    return OWN in Path(file or traceback.extract_tb(error.__traceback__)[-1].filename).resolve().parents


def _works(device):
    """Whether PyTorch's own loss and its gradient come out of a device."""
    import torch

    try:
        scores = torch.zeros(2, 3, requires_grad=True, device=device)
        torch.nn.functional.cross_entropy(scores, torch.tensor([0, 1], device=device)).backward()
        return scores.grad.cpu().isfinite().all().item()
    except Exception:
        return False


def _differences(loss, device):
    """Every option and reduction of one loss, on ordinary numbers: what differs, a sentence for each."""
    from xent_helpers import devices

    dtype = devices.widest_float(device)
    bound = TOLERANCE[str(dtype).removeprefix("torch.")]
    module, calls = ("fused", _fused_calls) if loss in FUSED else ("losses", _calls)
    found = []
    for option, reduction, ours, theirs in calls(loss, dtype, device):
        for what, a, b in zip(("value", "gradient"), ours, theirs, strict=True):
            if a.shape != b.shape or not bool(((a - b).abs() <= bound * (1 + b.abs())).all()):
                found.append(
                    f"{module}.{loss} on {device} differs from PyTorch's in its {what} (option: {option}, "
                    f"reduction: {reduction}). {CHANGED}"
                )
    return found


def _calls(loss, dtype, device):
    """Option, reduction, and value and gradient of ours and of PyTorch's, for each call of one loss."""
    from xent_helpers.calls import calls

    for call in calls(loss, dtype):
        for reduction in ("none", "sum", "mean") if call.situation == "everyday" else ():
            yield call.option, reduction, *(call.run(who, reduction, device) for who in ("ours", "torch"))


def _fused_calls(loss, dtype, device):
    """The same for a fused loss after a linear layer, in two chunks where it takes their size; gradients are joined."""
    import torch
    from torch.nn.functional import cross_entropy, linear

    from xent_helpers import fused

    numbers = 3 * torch.arange(49, dtype=torch.float64).sin()
    x, weight, bias = numbers[:24].view(6, 4), numbers[24:44].view(5, 4), numbers[44:]
    label = torch.tensor([0, 4, 2, 1, 3, 2]).to(device)

    def unfused(x, weight, label, *, bias, chunk_rows, **options):
        return cross_entropy(linear(x, weight, bias), label, **options)

    def value_and_gradient(function, options):
        layer = [t.to(dtype).to(device).requires_grad_() for t in (x, weight, bias)]
        if loss == "linear_cross_entropy":
            value = function(*layer[:2], label, bias=layer[2], chunk_rows=4, **options)
        else:
            value = function(linear(*layer), label, **options)
        gradients = torch.autograd.grad(value.sum(), layer)
        return [torch.cat([t.cpu().double().flatten() for t in ts]) for ts in ([value.detach()], gradients)]

    pair = getattr(fused, loss), unfused if loss == "linear_cross_entropy" else cross_entropy
    for option, chosen in {"none": {}, "ignore_index": {"ignore_index": 2}}.items():
        for reduction in ("none", "sum", "mean"):
            yield option, reduction, *(value_and_gradient(f, chosen | {"reduction": reduction}) for f in pair)


def examine() -> int:
    """Check packages, devices and losses; return the exit status."""
    start = perf_counter()
    try:
        faults = package_faults(requirements())
    except (metadata.PackageNotFoundError, tomllib.TOMLDecodeError, KeyError, OSError) as error:
        faults = [
            f"The list of packages cannot be read ({_described(error)}). Run this from the course's folder. {FRESH}"
        ]
    faults += loss_faults()
    print(f"\n{perf_counter() - start:.1f} seconds.", "Everything works." if not faults else "To repair:")
    for number, fault in enumerate(faults, 1):
        print(f"{number}. {fault}")
    if not faults:
        print("Is a loss of your own wrong? xent_helpers.clinic.call(loss_fn, output, target) looks at it.")
    return min(len(faults), 1)


def main() -> int:
    """Check in a process of its own, since a damaged package can end Python without a word; return the exit status."""
    if WITHIN in os.environ:
        sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return DONE + examine()
        except BrokenPipeError:  # nobody reads any more
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return DONE + 1
    status = subprocess.run([sys.executable, *sys.orig_argv[1:]], env={**os.environ, WITHIN: "yes"}).returncode
    if status in (DONE, DONE + 1):
        return status - DONE
    print(f"\n\nTo repair:\n1. Python ended (status {status}) at the last name above. Reinstall that package. {FRESH}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
