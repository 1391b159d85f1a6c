"""Real QEMU: required in CI, skipped with a reason on a machine without it."""

from __future__ import annotations

import pytest

from tests.lacking import lacking
from tests.qemu.guests import GUESTS
from tests.qemu.machine import Guest


@pytest.fixture
def guest(request: pytest.FixtureRequest) -> Guest:
    """The guest of the target that a test names with ``indirect``."""
    found = GUESTS[request.param]
    if reason := found.absent():
        lacking(reason)
    return found
