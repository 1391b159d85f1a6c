"""Tests run in a copy of the checkout, with a fault in it or without."""

from __future__ import annotations

import compileall
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .faults import Fault

Fate = Literal["seen", "timeout", "types", "survived"]
"""``types``: no test sees it, and ``mypy`` refuses it, as continuous integration does."""


def copied(root: Path, folder: Path) -> Path:
    """A copy of the checkout: its files, nothing of what git or tools keep beside them."""
    shutil.copytree(
        root,
        folder,
        symlinks=True,
        ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "site"),
    )
    # Tests write no bytecode: that of the sound files is made once.
    compileall.compile_dir(folder / "vmgen", quiet=2)
    return folder


def environment(root: Path) -> dict[str, str]:
    """What tests of a copy of the checkout see: its own vmgen, nothing of the user's vmgen,
    and the source trees that there are, as in continuous integration."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "VMGEN_QEMU_TREES" or (not name.startswith("VMGEN") and name != "CI")
    }
    return kept | {
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
        # The tests need one plugin, and loading all that are there takes a second.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "XDG_CACHE_HOME": str(root.parent / "cache"),
    }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What pytest said: its exit code, None after the limit; the first test that
    failed, if it names one."""

    code: int | None
    failed: str


def run(
    root: Path, tests: Sequence[str], limit: float, *options: str,
    variables: Mapping[str, str] | None = None,
) -> Outcome:  # fmt: skip
    """Run these tests of a copy, for at most that many seconds."""
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin",
         "--hypothesis-profile=mutants", *options, *tests],
        cwd=root, env=environment(root) | dict(variables or {}), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace",
    ) as child:  # fmt: skip
        try:
            output, _ = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            return Outcome(None, "")
        finally:
            _end(child)
        found = re.search(r"^(?:FAILED|ERROR) (.*?)(?: - |$)", output, re.M)
        return Outcome(child.returncode, found[1] if found else "")


def _end(child: subprocess.Popen[str]) -> None:
    """End what the tests started and left behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def is_typed(root: Path) -> bool:
    """Whether the type checker has nothing to say about the copy's vmgen."""
    return _ended(root, "mypy", "vmgen") != 1  # 2: it cannot run here


def makes_the_same(root: Path) -> bool:
    """Whether the copy's vmgen generates what is committed, as continuous integration
    checks."""
    return _ended(root, "vmgen", "check") == 0


def _ended(root: Path, *command: str) -> int:
    """How a module of Python ends that runs in a copy."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=root,
        env=environment(root),
        capture_output=True,
        check=False,
        timeout=_LONGEST,
    ).returncode


_LONGEST = 600.0
"""Seconds for the type checker or for everything that vmgen generates from its own C."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a fault, and the test that saw it."""

    fault: Fault
    fate: Fate
    by: str


def tried(
    root: Path, fault: Fault, batches: Sequence[tuple[Sequence[str], float]]
) -> Trial:
    """Plant a fault in the copy, run each batch of tests within its limit (seconds) up to
    the first that sees it, and take it out again."""
    path = root / fault.path
    text = path.read_text(encoding="utf-8")
    before = path.stat()
    path.write_text(fault.planted(text), encoding="utf-8")
    try:
        for tests, limit in batches:
            outcome = run(root, tests, limit, "-x")
            if outcome.code is None:
                return Trial(fault, "timeout", "")
            if outcome.code:
                return Trial(fault, "seen", outcome.failed)
        if not makes_the_same(root):
            return Trial(fault, "seen", "vmgen check")
        if not is_typed(root):
            return Trial(fault, "types", "mypy")
        return Trial(fault, "survived", "")
    except subprocess.TimeoutExpired:
        return Trial(fault, "timeout", "")
    finally:
        path.write_text(text, encoding="utf-8")
        # The bytecode of the sound file is its bytecode again.
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
