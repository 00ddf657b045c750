"""The devices that the tests run on: the CPU, and an accelerator where there is one, real or simulated."""

import pytest
import torch

from xent_helpers import devices

# The tests of the simulated accelerator need it: `make test-sim` brings it, `make test` runs as a machine without one.
SIMULATED = torch._C._get_privateuse1_backend_name() == "sim"
collect_ignore = [] if SIMULATED else ["test_simulated.py"]


@pytest.fixture(params=devices.available(), ids=str)
def device(request) -> torch.device:
    """Each device in turn."""
    return request.param
