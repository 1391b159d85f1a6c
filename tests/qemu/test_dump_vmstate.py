"""Every description that a real QEMU dumps is in the program of its target, and says the
same.

The dump lists all device classes, whatever the machine.  The 10.0 binaries are those in
``PATH``; ``VMGEN_QEMU_7_2`` may name a folder into which packages of 7.2 were unpacked.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.dump_vmstate import Dump
from tests.lacking import lacking
from tests.trees import EIGHT, require_tree, trees
from vmgen import ir
from vmgen.pipeline import Request, all_targets, compile_whole

EXCEPTIONS: dict[tuple[str, str], str] = {}
"""Device classes that differ, by release and class, each with its reason."""

FEWEST = {
    "avr": 9,
    "rx": 9,
    "tricore": 5,
    "sparc": 25,
    "m68k": 60,
    "s390x": 70,
    "cris": 9,
    "nios2": 5,
}
"""At least so many classes are compared where a target has few; 130 elsewhere."""

FEWER = {"7.2": {"avr": 7, "rx": 7, "tricore": 3, "s390x": 47}}
"""Where a release has fewer yet."""

TARGETS = {
    release: tuple(all_targets(tree)) for release, tree in sorted(trees().items())
}
CASES = [
    (release, target)
    for release in ("7.2", "10.0")
    for target in TARGETS.get(release, EIGHT)
]


def command(release: str, target: str) -> tuple[list[str], dict[str, str]] | None:
    """The binary of a release and the environment it needs; None if it is not here."""
    name = f"qemu-system-{target}"
    environment = dict(os.environ)
    if release == "7.2":
        root = os.environ.get("VMGEN_QEMU_7_2", "")
        # In bin there may be a wrapper that looks for the binary at its installed place.
        places = f"{root}/usr/libexec{os.pathsep}{root}/usr/bin"
        path = shutil.which(name, path=places) if root else None
        libraries = (f"{root}/usr/lib/x86_64-linux-gnu", f"{root}/lib/x86_64-linux-gnu")
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(libraries)
    else:
        path = shutil.which(name)
    if path is None:
        return None
    done = subprocess.run(
        [path, "--version"], capture_output=True, text=True, env=environment, check=True
    )
    return ([path], environment) if f"version {release}." in done.stdout else None


@cache
def programs(release: str) -> dict[str, ir.Program]:
    """The programs of all targets of the release whose binary is here."""
    tree = require_tree(release)
    here = [target for target in TARGETS[release] if command(release, target)]
    requests = [Request(target=target, qemu=tree, whole=True) for target in here]
    return {program.target: program for program in compile_whole(requests)}


@pytest.mark.parametrize(("release", "target"), CASES)
def test_every_dumped_description_is_in_the_program(
    release: str, target: str, tmp_path: Path
) -> None:
    found = command(release, target)
    if found is None:
        lacking(f"qemu-system-{target} of {release} is not installed")
    require_tree(release)
    argv, environment = found
    path = tmp_path / "dump.json"
    subprocess.run(
        [*argv, "-M", "none", "-display", "none", "-dump-vmstate", str(path)],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    agreed, different = Dump(programs(release)[target]).differences(
        json.loads(path.read_text())
    )
    assert [
        each for each in different if (release, each.device) not in EXCEPTIONS
    ] == []
    fewest = FEWEST | FEWER.get(release, {})
    assert agreed >= fewest.get(target, 130)
