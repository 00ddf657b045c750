"""Every public function returns its result on its input's device and in its input's type, for every device.

The devices are those that torch finds here (the simulated accelerator among them in ``make test-sim``) and, for the
functions of the array API standard, the two of array_api_strict.
"""

import pkgutil
from functools import partial

import array_api_strict
import pytest
import torch

import xent_helpers
from tests.everywhere.functions import CPU, MODULES, STANDARD, TORCH, WITHOUT, Inputs, judge, public, tensor
from xent_helpers import data, devices

STRICT = array_api_strict.__array_namespace_info__()
PLACES = [place for place in STRICT.devices() if "int64" in STRICT.dtypes(device=place)]  # class indices are int64


def test_every_function_is_in_one_list():
    listed = [*STANDARD, *TORCH, *WITHOUT]
    assert len(listed) == len(set(listed))
    assert not set(public()) - set(listed), "enter these in STANDARD, TORCH or WITHOUT"
    assert not set(listed) - set(public()), "these are no longer there"
    assert not set(MODULES) - {module.name for module in pkgutil.iter_modules(xent_helpers.__path__)}


@pytest.mark.parametrize("name", [*STANDARD, *TORCH])
def test_a_tensor_s_device_and_type_are_the_result_s(name, device):
    call = (STANDARD | TORCH)[name]
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        if dtype.itemsize > devices.widest_float(device).itemsize:
            continue
        there, here = (judge(name, call, Inputs(partial(tensor, place), dtype, torch.int64)) for place in (device, CPU))
        units = 0 if device.type in ("cpu", "sim") else 64 * torch.finfo(dtype).eps  # a simulated one is the CPU itself
        for one, other in zip(there, here, strict=True):
            torch.testing.assert_close(one.cpu(), other, rtol=units, atol=units, equal_nan=True)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: str(place).split("'")[1])
@pytest.mark.parametrize("name", STANDARD)
def test_an_array_s_device_and_type_are_the_result_s(name, place):
    """array_api_strict's devices have one library's rules; one of them lacks float64, as Apple's mps does."""
    known = STRICT.dtypes(device=place)
    for dtype in [known[width] for width in ("float64", "float32") if width in known]:
        judge(name, STANDARD[name], Inputs(partial(_strict, place), dtype, known["int64"]))


def _strict(device: object, values: list, dtype: object) -> object:
    return array_api_strict.asarray(values, dtype=dtype, device=device)


def test_the_tensors_of_a_split_lie_where_they_are_wanted(device):
    dtype = devices.widest_float(device)
    for x, y in data.iris().split().tensors(device, dtype):
        assert (x.device, y.device, x.dtype, y.dtype) == (device, device, dtype, torch.int64)
