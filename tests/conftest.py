"""What all tests share: the devices that they run on, a locale, and a check that none changes mpmath's precision."""

import locale
import os

import pytest
import torch
from hypothesis import settings
from mpmath import mp

from xent_helpers import devices

# The tests of the simulated accelerator need it: `make test-sim` brings it, `make test` runs as a machine without one.
SIMULATED = torch._C._get_privateuse1_backend_name() == "sim"
collect_ignore = ["windows"]  # what lies there takes functions away from the process that imports it
collect_ignore += [] if SIMULATED else ["devices/simulated", "devices/test_simulated.py"]  # an older PyTorch lacks it
if os.name == "nt":
    collect_ignore.append("grading")  # the grader needs signals and processes as Linux and macOS have them


# `make test` draws few examples, the same each time; `make properties` draws many, and other ones each time.
settings.register_profile("default", max_examples=25, derandomize=True, deadline=None, database=None)
settings.register_profile("thorough", max_examples=1000, derandomize=False, deadline=None, print_blob=True)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def usual_precision():
    """A test that needs more digits asks for them with ``mp.workdps``, so that no other test depends on it."""
    assert mp.dps == 15, "a module has changed mp.dps; use mp.workdps"
    yield
    found, mp.dps = mp.dps, 15
    assert found == 15, f"this test leaves mp.dps at {found}; use mp.workdps"


@pytest.fixture(params=devices.available(), ids=str)
def device(request) -> torch.device:
    """Each device in turn."""
    return request.param


@pytest.fixture
def other_locale():
    """A locale whose encoding is not UTF-8, where Python has not been told to disregard it."""
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C")
    yield
    locale.setlocale(locale.LC_CTYPE, before)
