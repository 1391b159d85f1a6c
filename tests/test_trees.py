"""The embedded headers against real trees, and what real trees leave open."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.trees import EIGHT, RELEASES, require_tree
from vmgen import ir
from vmgen.diff import compare
from vmgen.pipeline import Request, compile_program

# Tables say these in every release; a smaller number means that fields were lost.
FEWEST_FIELDS = {
    "riscv32": 118,
    "riscv64": 118,
    "i386": 170,
    "x86_64": 186,
    "arm": 134,
    "aarch64": 140,
    "ppc": 44,
    "ppc64": 58,
}


def descriptions(program: ir.Program) -> list[ir.Description]:
    return [item for module in program.modules for item in module.descriptions]


@pytest.mark.parametrize("target", EIGHT)
def test_embedded_headers_say_the_wire_format_of_10_0(target: str) -> None:
    tree = compile_program(Request(target=target, qemu=require_tree("10.0")))
    embedded = compile_program(Request(target=target))
    comparison = compare(tree, embedded)
    assert comparison.differences == ()
    assert comparison.same == len(descriptions(tree))
    assert {item.symbol for item in descriptions(tree)} == {
        item.symbol for item in descriptions(embedded)
    }


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("target", EIGHT)
def test_every_field_of_a_release_is_understood(target: str, release: str) -> None:
    program = compile_program(Request(target=target, qemu=require_tree(release)))
    found = descriptions(program)
    assert program.release.startswith(release)
    assert {"cpu", "cpu_common"} <= {item.name for item in found}
    assert sum(len(item.fields) for item in found) >= FEWEST_FIELDS[target]
    customs = [
        f"{item.symbol} {field.name}: {field.element.reason}"
        for item in found
        for field in item.fields
        if isinstance(field.element, ir.CustomElement)
    ]
    assert customs == []


def fingerprint(folder: Path) -> str:
    """Every name, size and time of change below a folder."""
    digest = hashlib.sha256()
    for path, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            status = os.lstat(os.path.join(path, name))
            digest.update(
                f"{path}/{name} {status.st_size} {status.st_mtime_ns}\n".encode()
            )
    return digest.hexdigest()


def test_nothing_is_written_into_a_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = require_tree("10.0")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = fingerprint(tree)
    compile_program(Request(target="riscv64", qemu=tree))
    assert fingerprint(tree) == before


@pytest.mark.parametrize("target", ["riscv64", "ppc64"])
def test_pcpp_reads_a_tree_as_the_compiler_does(target: str) -> None:
    tree = require_tree("10.0")
    ways = [
        compile_program(Request(target=target, qemu=tree, preprocessor=way))
        for way in ("cc", "pcpp")
    ]
    assert ways[0] == ways[1]
