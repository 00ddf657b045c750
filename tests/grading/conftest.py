"""What the tests of grading share: a small course, and whether there is a sandbox."""

import pytest

from tests.grading import submissions
from xent_helpers.exercises import grading, sandbox


@pytest.fixture
def course(tmp_path):
    return grading.chapters(submissions.course(tmp_path / "course"))


@pytest.fixture(scope="session")
def sandboxed():
    if obstacle := sandbox.obstacle():
        pytest.skip(f"there is no sandbox here: {obstacle}")
