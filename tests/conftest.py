"""How the tests run: hypothesis profiles, and what is missing from the machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.trees import RELEASES, trees

# In CI the same examples every time: a finding there can be repeated anywhere.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("dev", deadline=None)
# tests.mutants only wants to know whether a test fails, not for which smallest example.
settings.register_profile(
    "mutants",
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=(HealthCheck.too_slow,),
)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")

if "PYTEST_XDIST_WORKER" not in os.environ:
    # What the user's own cache knows must not show in what the tests see.
    os.environ["VMGEN_CACHE_DIR"] = os.environ.get(
        "VMGEN_TEST_CACHE"
    ) or tempfile.mkdtemp(prefix="vmgen-tests-")


def pytest_unconfigure() -> None:
    """Removes the tests' cache, unless it is to be kept for the next run."""
    kept = "VMGEN_TEST_CACHE" in os.environ or "PYTEST_XDIST_WORKER" in os.environ
    if not kept:
        shutil.rmtree(os.environ["VMGEN_CACHE_DIR"], ignore_errors=True)


# What needs QEMU's sources or a tool skips on a user's machine; CI has them or does not
# start.
if os.environ.get("CI") == "true":
    if missing := set(RELEASES) - set(trees()):
        raise pytest.UsageError(
            f"VMGEN_QEMU_TREES names no tree of QEMU {', '.join(sorted(missing))}"
        )
    if shutil.which("gcc") is None:
        raise pytest.UsageError("there is no gcc to compare layouts with")
    if importlib.util.find_spec("clang") is None:
        raise pytest.UsageError(
            "libclang is not installed: nothing judges layouts but gcc"
        )
    if importlib.util.find_spec("hatchling") is None:
        raise pytest.UsageError("hatchling is not installed: nothing builds the wheel")


@pytest.fixture
def no_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    """vmgen as if it had been installed without the archive of releases."""
    monkeypatch.setattr("vmgen.archive.archive.SHIPPED", Path("none"))
