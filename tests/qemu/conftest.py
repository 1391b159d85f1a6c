"""Real QEMU: required in CI, skipped with a reason on a machine without it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.lacking import lacking
from tests.qemu.guests import GUESTS
from tests.qemu.machine import Guest


def absent(guest: Guest) -> str:
    """Why the guest cannot run here; empty if it can."""
    if shutil.which(guest.binary) is None:
        return f"{guest.binary} is not installed"
    version = subprocess.run(
        [guest.binary, "--version"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[0]
    if "version 10.0." not in version:
        return f"{guest.binary} is {version}; the embedded headers are those of 10.0"
    return ""


@pytest.fixture
def guest(request: pytest.FixtureRequest) -> Guest:
    """The guest of the target that a test names with ``indirect``."""
    found = GUESTS[request.param]
    if reason := absent(found):
        lacking(reason)
    return found
