"""How the tests run: hypothesis profiles, and what is missing from the machine."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest
from hypothesis import settings

from tests.trees import RELEASES, trees

# In CI the same examples every time: a finding there can be repeated anywhere.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")

# What needs QEMU's sources or a tool skips on a user's machine; CI has them or does not
# start.
if os.environ.get("CI") == "true":
    if missing := set(RELEASES) - set(trees()):
        raise pytest.UsageError(
            f"VMGEN_QEMU_TREES names no tree of QEMU {', '.join(sorted(missing))}"
        )
    if shutil.which("gcc") is None:
        raise pytest.UsageError("there is no gcc to compare layouts with")
    if importlib.util.find_spec("hatchling") is None:
        raise pytest.UsageError("hatchling is not installed: nothing builds the wheel")
