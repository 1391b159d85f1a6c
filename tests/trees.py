"""The QEMU source trees at hand: ``VMGEN_QEMU_TREES``, folders joined as in ``PATH``.

On a user's machine a test that needs a tree skips and says why; in CI it fails.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from tests.lacking import lacking

RELEASES = ("7.2", "10.0", "10.2")
EIGHT = ("riscv32", "riscv64", "i386", "x86_64", "arm", "aarch64", "ppc", "ppc64")


@cache
def trees() -> dict[str, Path]:
    """Folder by release (``10.0``)."""
    found: dict[str, Path] = {}
    for entry in os.environ.get("VMGEN_QEMU_TREES", "").split(os.pathsep):
        if entry:
            major, minor, *_ = (Path(entry) / "VERSION").read_text().split(".")
            found[f"{major}.{minor}"] = Path(entry)
    return found


def require_tree(release: str) -> Path:
    """The tree of a release, or no test: skipped here, failed in CI."""
    tree = trees().get(release)
    if tree is None:
        reason = f"VMGEN_QEMU_TREES names no tree of QEMU {release}"
        lacking(reason)
    return tree
