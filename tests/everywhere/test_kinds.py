"""Every public function on every kind of array that people have: the right value, or one sentence that names it.

``table`` makes the whole table; the tests hold each row of it.
"""

import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from packaging.version import Version
from torch import nn
from torch.utils.data import DataLoader, Dataset

from tests.everywhere.functions import CPU, STANDARD, Inputs, arrays_in, public, tensor
from tests.odd_arrays import LAYOUTS, TENSORS, plain
from xent_helpers import losses

PUBLIC = public()
# Kernels, whose docstrings say that they check nothing.
UNCHECKED = {"mean_surprise", "surprisal", "label_surprisal", "expected_surprisal", "softplus", "slope_and_curvature"}
ON_TENSORS = {
    "fused.fused_cross_entropy": lambda f, a: f(a.logits, a.labels),
    "fused.linear_cross_entropy": lambda f, a: f(a.logits, a.matrix, a.labels),
    "training.evaluate": lambda f, a: f(nn.Identity(), a.logits, a.labels, losses.cross_entropy),
    "training.decide": lambda f, a: f(a.logits),
}
CALLS = {name: use for name, use in STANDARD.items() if name.split(".")[0] not in ("validation", "sums")}
CALLS = {name: use for name, use in CALLS.items() if name.split(".")[1] not in UNCHECKED} | ON_TENSORS
CALLS |= {  # with no arithmetic on the arguments before the call
    "calibration.reliability": lambda f, a: f(a.share, a.bits, bins=4),
    "calibration.expected_calibration_error": lambda f, a: f(a.share, a.bits, bins=4),
    "calibration.shift_prior": lambda f, a: f(a.logits, a.prior, a.weight),
    "calibration.shift_prior_probs": lambda f, a: f(a.p, a.prior, a.weight),
    "targets.distillation_loss": lambda f, a: f(a.logits, a.q, 2.0),
}

# What has plain numbers gives the usual value, whatever its memory; what has none is refused.
RIGHT = {
    **{name: lambda a, put=put: put(a) for name, put in LAYOUTS.items()},
    **{name: lambda a, put=put: put(a) for name, put in TENSORS.items()},
    "of a longer type": lambda a: a.astype(np.longdouble) if a.dtype.kind == "f" else a,
    "inference tensor": lambda a: torch.inference_mode()(torch.tensor)(a),
    "parameter": lambda a: torch.nn.Parameter(torch.tensor(a), requires_grad=False),
}
REFUSED = {
    "list": lambda a: a.tolist(),
    "pandas": lambda a: pd.DataFrame(a) if a.ndim == 2 else pd.Series(a),
    "masked": lambda a: np.ma.array(a, mask=np.arange(a.size).reshape(a.shape) % 3 == 1),
    "matrix": np.matrix,
    "object": lambda a: a.astype(object),
    "text": lambda a: a.astype(str),
    "complex": lambda a: a.astype(complex),
    "complex tensor": lambda a: torch.tensor(a.astype(complex)),
    "float8": lambda a: torch.tensor(a).to(torch.float8_e4m3fn),
    "sparse": lambda a: torch.tensor(a).to_sparse(),
    "sparse rows": lambda a: torch.tensor(a).to_sparse_csr() if a.ndim == 2 else torch.tensor(a).to_sparse(),
    "nested": lambda a: torch.nested.nested_tensor(list(torch.tensor(np.atleast_2d(a)))),
    "jagged": lambda a: torch.nested.nested_tensor(list(torch.tensor(np.atleast_2d(a))), layout=torch.jagged),
    "quantised": lambda a: torch.quantize_per_tensor(torch.tensor(a).float(), 0.1, 0, torch.quint8),
    "masked tensor": lambda a: torch.masked.masked_tensor(torch.tensor(a), torch.tensor(a) == torch.tensor(a)),
    "meta": lambda a: torch.tensor(a, device="meta"),
}
EITHER = {  # what is right depends on the function: a single number, nothing, truth values
    "0-d": lambda a: a.reshape(-1)[0:1].reshape(()),
    "0-d tensor": lambda a: torch.tensor(a).flatten()[0],
    "empty": lambda a: a[:0],
    "empty tensor": lambda a: torch.tensor(a)[:0],
    "one axis more": lambda a: a[..., None],
    "bool": lambda a: a.astype(bool),
    "half": lambda a: a.astype(np.float16) if a.dtype.kind == "f" else a,
    "bfloat16": lambda a: torch.tensor(a).bfloat16() if a.dtype.kind == "f" else torch.tensor(a),
}


class Watched(Inputs):
    """Inputs of which those of one sort, "floats" or "labels" or both, are of an odd kind; they note their use."""

    def __init__(self, kind: Callable, sort: str) -> None:
        self.odd, self.used = set(), False
        super().__init__(partial(self._made, kind, sort), np.float64, np.int64)
        self.odd = {name for name, value in vars(self).items() if id(value) in self.odd}

    def _made(self, kind, sort, values, dtype):
        array = np.array(values, dtype)
        if sort not in ("all", "floats" if dtype is np.float64 else "labels"):
            made = kind(array)  # the same library, if not the same kind
            return torch.tensor(array) if isinstance(made, torch.Tensor) else array
        made = kind(array)
        self.odd.add(id(made))
        return made

    def __getattribute__(self, name):
        if name in super().__getattribute__("__dict__").get("odd", ()):
            self.used = True
        return super().__getattribute__(name)


def outcome(name: str, kind: Callable, sort: str) -> str:
    """How a call ended: a result, a refusal or what went wrong; "not used" where no odd array took part in it."""
    use = CALLS[name]
    library = tensor if isinstance(kind(np.ones((2, 2))), torch.Tensor) or name in ON_TENSORS else None
    usual = partial(library, CPU) if library else np.array
    kinds = (torch.float64, torch.int64) if library else (np.float64, np.int64)
    try:
        inputs = Watched(kind, sort)
    except (RuntimeError, TypeError, ValueError, NotImplementedError):
        return "not made"  # no such array can be made of these numbers
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "the matrix subclass|.*MaskedTensor")
            found = arrays_in(use(PUBLIC[name], inputs))
    except (ValueError, TypeError, IndexError) as error:
        if ", expected " in str(error):
            return "refused" if inputs.used else "not used"
        return f"{type(error).__name__}: {str(error)[:120]}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:120]}"
    if not inputs.used:
        return "not used"
    if any(getattr(array, "is_meta", False) for array in found):
        return "a result on meta"
    due = arrays_in(use(PUBLIC[name], Inputs(usual, *kinds)))
    same = len(found) == len(due) and all(map(_close, found, due))
    return "right" if same else "another result"


def _close(one: object, other: object) -> bool:
    one, other = plain(one), plain(other)
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-12, atol=1e-14, equal_nan=True)


def table() -> pd.DataFrame:
    """The outcome of each function with each kind, odd in all its arrays, its floats alone, its labels alone."""
    rows = [
        {"function": name, "kind": kind, "odd": sort, "outcome": outcome(name, make, sort)}
        for name in CALLS
        for kind, make in (RIGHT | REFUSED | EITHER).items()
        for sort in ("all", "floats", "labels")
    ]
    return pd.DataFrame(rows)


SORTS = ("all", "floats", "labels")
BLANK = ("not used", "not made")


@pytest.mark.filterwarnings("ignore")  # of prototypes, by those who make the odd arrays; a function's own are errors
@pytest.mark.parametrize("name", CALLS)
def test_each_kind_of_array_gives_the_right_value_or_a_sentence(name):
    due = {kind: "right" if name not in ON_TENSORS or kind in TENSORS else "refused" for kind in RIGHT}
    due |= {"inference tensor": "right", "parameter": "right"} | dict.fromkeys(REFUSED, "refused")
    found = {(kind, sort): outcome(name, make, sort) for kind, make in (RIGHT | REFUSED).items() for sort in SORTS}
    assert {key: said for key, said in found.items() if said not in (due[key[0]], *BLANK)} == {}
    found = {(kind, sort): outcome(name, make, sort) for kind, make in EITHER.items() for sort in SORTS}
    good = {"right", "another result", "refused", *BLANK}
    assert {key: said for key, said in found.items() if said not in good} == {}


# Within torch's transforms, contexts, threads and workers

SMOOTH = sorted(
    set(CALLS) - set(ON_TENSORS) - {"likelihood.class_counts", "losses.one_hot", "gradients.finite_differences"}
)


def usual(dtype: torch.dtype = torch.float64) -> Inputs:
    return Inputs(partial(tensor, CPU), dtype, torch.int64)


def result(name: str, inputs: Inputs) -> tuple[torch.Tensor, ...]:
    """The floating arrays that a function returns."""
    return tuple(array for array in arrays_in(CALLS[name](PUBLIC[name], inputs)) if array.is_floating_point())


def replaced(attribute: str, value: torch.Tensor) -> Inputs:
    inputs = usual()
    setattr(inputs, attribute, value)
    return inputs


def used(name: str) -> list[str]:
    """The arrays that a function is called with."""
    inputs, seen = usual(), set()

    class Noting(Inputs):
        def __init__(self):
            vars(self).update(vars(inputs))

        def __getattribute__(self, attribute):
            seen.add(attribute)
            return super().__getattribute__(attribute)

    CALLS[name](PUBLIC[name], Noting())
    return sorted(one for one in seen if isinstance(vars(inputs).get(one), torch.Tensor))


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("name", SMOOTH)
def test_vmap_gives_what_a_loop_gives(name):
    for attribute in used(name):
        two = torch.stack([getattr(usual(), attribute), getattr(usual(), attribute).flip(0)])
        try:
            found = torch.func.vmap(lambda one, attribute=attribute: result(name, replaced(attribute, one)))(two)
        except TypeError as error:
            assert ", expected " in str(error)
            continue
        due = [result(name, replaced(attribute, one)) for one in two]
        for got, *wanted in zip(found, *due, strict=True):
            torch.testing.assert_close(got, torch.stack(wanted), rtol=1e-13, atol=1e-14, equal_nan=True)


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("name", SMOOTH)
def test_torch_func_differentiates_as_autograd_does(name):
    for attribute in used(name):
        value = getattr(usual(), attribute)
        if not value.is_floating_point() or not result(name, usual()):
            continue

        def total(one, attribute=attribute):
            return sum(part.nansum() for part in result(name, replaced(attribute, one)))

        if not total(value.clone().requires_grad_()).requires_grad:
            continue
        due = torch.autograd.functional.jacobian(total, value)
        for transform in (torch.func.grad, torch.func.jacrev, torch.func.jacfwd):
            torch.testing.assert_close(transform(total)(value), due, rtol=1e-12, atol=1e-13)
        due = torch.autograd.functional.hessian(total, value)
        torch.testing.assert_close(torch.func.hessian(total)(value), due, rtol=1e-11, atol=1e-12)


@contextmanager
def default_float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def default_meta() -> Iterator[None]:
    with torch.device("meta"):
        yield


SETTINGS = {
    "autocast": partial(torch.autocast, "cpu", torch.bfloat16),
    "a default type of float64": default_float64,
    "a default device of meta": default_meta,
    "inference": torch.inference_mode,
}
PRODUCTS = {
    name for name in CALLS if name.startswith("gradients.") and "regression" in name
}  # computed as autocast says
BY_DEFAULT = {"likelihood.bernoulli_mle", "likelihood.categorical_mle"}  # their result's type is torch's default


@pytest.mark.parametrize("setting", SETTINGS)
def test_torch_s_settings_change_no_value(setting):
    inputs = usual(torch.float32)
    for name in sorted(set(CALLS) - (PRODUCTS if setting == "autocast" else BY_DEFAULT)):
        due = result(name, inputs)
        with SETTINGS[setting]():
            found = result(name, inputs)
        for one, other in zip(found, due, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True, msg=name)


@pytest.mark.skipif(Version(torch.__version__) < Version("2.11"), reason="2.6's compiler stops in array_api_compat")
@pytest.mark.filterwarnings("ignore:Dynamo")
@pytest.mark.parametrize(
    "name", ["losses.cross_entropy", "losses.nll_loss", "targets.focal_loss", "information.entropy"]
)
def test_torch_compile_changes_no_value(name):
    compiled = torch.compile(partial(result, name), backend="eager")
    for one, other in zip(compiled(usual()), result(name, usual()), strict=True):
        torch.testing.assert_close(one, other)


class Losses(Dataset):
    """Each item is what the losses of one batch are."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, number: int) -> torch.Tensor:
        return torch.stack(
            [part.sum() for name in ("losses.cross_entropy", "targets.focal_loss") for part in result(name, usual())]
        )


def test_threads_and_workers_get_the_same_values():
    with ThreadPoolExecutor(8) as pool:
        many = list(pool.map(lambda name: (name, result(name, usual())), [*CALLS] * 4))
    for name, found in many:
        torch.testing.assert_close(found, result(name, usual()), rtol=0, atol=0, equal_nan=True)
    for batch in DataLoader(Losses(), batch_size=2, num_workers=2):
        assert torch.equal(batch, torch.stack([Losses()[0]] * 2))


STATE = """
import json, pkgutil, random
import matplotlib, numpy as np, sklearn.datasets, torch  # scikit-learn draws random numbers when it is imported
def state():
    return {
        "errors": np.geterr(), "threads": torch.get_num_threads(), "type": str(torch.get_default_dtype()),
        "device": str(torch.get_default_device()), "deterministic": torch.are_deterministic_algorithms_enabled(),
        "grad": torch.is_grad_enabled(), "style": dict(matplotlib.rcParams), "torch": torch.get_rng_state(),
        "numpy": np.random.get_state(), "random": random.getstate(), "print": np.get_printoptions(),
    }
torch.set_num_threads(2); torch.manual_seed(3); np.random.seed(3); random.seed(3)
before = {key: str(value) for key, value in state().items()}
import xent_helpers
for module in pkgutil.walk_packages(xent_helpers.__path__, "xent_helpers."):
    if not module.name.endswith("__main__"):
        __import__(module.name)
imported = {key: str(value) for key, value in state().items()}
from tests.everywhere import test_kinds
from xent_helpers import plots
for name in test_kinds.CALLS:
    test_kinds.result(name, test_kinds.usual())
plots.loss_against_probability().figure.png()
called = {key: str(value) for key, value in state().items()}
print(json.dumps([sorted(k for k in before if before[k] != after[k]) for after in (imported, called)]))
"""


def test_importing_and_calling_leave_every_setting_as_it_was():
    done = subprocess.run([sys.executable, "-c", STATE], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [[], []]
