"""Is everything here that the course needs, and does it work? ``python -m xent_helpers`` says so in a few seconds.

It prints the versions of Python and of each package beside the range that the course needs, the devices, and for
each device and loss whether value and gradient agree with PyTorch's. The exit status is 0 when everything works; else
it is 1, and each thing that is broken is named at the end with a remedy.

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
                f"{name} {version} is installed and cannot be imported ({type(error).__name__}: {error}). Reinstall "
                f'it: python -m pip install --force-reinstall "{name}{wanted}". {FRESH}'
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
        from xent_helpers.calls import LOSSES

        torch.set_num_threads(1)  # more are slower on small tensors, and much slower on a busy machine
        places = devices.available()
    except Exception as error:
        return [f"The losses were not checked ({type(error).__name__}: {error}). Repair the packages first."]
    print("\ndevices:", ", ".join(map(str, places)), "" if places[1:] else "(no accelerator; the course needs none)")
    faults = []
    for device in places:
        try:
            for loss, theirs in (LOSSES | FUSED).items():
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

    dtype = devices.widest_float(device)
    bound = TOLERANCE[str(dtype).removeprefix("torch.")]
    module, calls = ("fused", _fused_calls) if loss in FUSED else ("losses", _calls)
    found = []
    for option, reduction, ours, theirs in calls(loss, dtype, device):
        for what, a, b in zip(("value", "gradient"), ours, theirs, strict=True):
            if a.shape != b.shape or not bool(((a - b).abs() <= bound * (1 + b.abs())).all()):
                found.append(
                    f"{module}.{loss} on {device} differs from PyTorch's in its {what} (option: {option}, "
                    f"reduction: {reduction}). If xent_helpers was changed, `git diff xent_helpers` shows where, "
                    "and `git checkout xent_helpers` takes it back."
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


def main() -> int:
    """Check packages, devices and losses; return the exit status."""
    start = perf_counter()
    try:
        faults = package_faults(requirements())
    except metadata.PackageNotFoundError:
        faults = [f"The list of packages was not found. Run this from the course's folder. {FRESH}"]
    faults += loss_faults()
    print(f"\n{perf_counter() - start:.1f} seconds.", "Everything works." if not faults else "To repair:")
    for number, fault in enumerate(faults, 1):
        print(f"{number}. {fault}")
    print("Is a loss of your own wrong? xent_helpers.clinic.call(loss_fn, output, target) looks at it.")
    return min(len(faults), 1)


if __name__ == "__main__":
    sys.exit(main())
