"""Everything of a target's binary as an importable package, made from a source tree."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.stream_sections import Section
from tests.trees import require_tree
from vmgen import ir
from vmgen.lower import lower
from vmgen.pipeline import Request, compile_whole
from vmgen.render import render


@dataclass(frozen=True)
class Target:
    """A target's codecs and the runtime beside them."""

    codecs: Any
    runtime: ModuleType
    program: ir.Program

    def codec(self, section: Section, described: bool = True) -> Any:
        """The codec of a section, with or without a device path before its name; of
        several devices that have such a section the one that the stream describes."""
        description = section.description if described else None
        return self.codecs.choose(section.name, description)

    def load(self, data: bytes, section: Section, described: bool) -> Any:
        """The state of a section, which must end where the stream says."""
        context = self.runtime.Context(
            description=section.description if described else None
        )
        codec = self.codec(section, described)
        state, end = codec.load(data, section.start, section.version, context=context)
        assert end == section.end, section.name
        return state

    def save(self, section: Section, state: Any) -> bytes:
        saved = self.codec(section).save(state, section.version)
        assert isinstance(saved, bytes)
        return saved


@cache
def whole_program(target: str, release: str) -> ir.Program:
    """All descriptions of a target; skips, or fails in CI, without the release's tree."""
    tree = require_tree(release)
    (program,) = compile_whole((Request(target=target, qemu=tree),))
    return program


@cache
def whole_target(target: str, release: str) -> Target:
    """The codecs of all descriptions of a target, from :func:`whole_program`."""
    program = whole_program(target, release)
    name = f"whole_{target}_{release.replace('.', '_')}"
    folder = Path(tempfile.mkdtemp(prefix="vmgen-whole-")) / name
    for file in render(lower(program), formatted=False):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")
    sys.path.insert(0, str(folder.parent))
    try:
        package = importlib.import_module(f"{name}.{target}")
        runtime = importlib.import_module(f"{name}._runtime")
    finally:
        sys.path.remove(str(folder.parent))
    return Target(package.CODECS, runtime, program)


def is_described(section: Section) -> bool:
    """Whether a description stands behind the section: old-style handlers have one
    nameless field of their size."""
    fields = section.description.get("fields")
    return fields is not None and [field["name"] for field in fields] != ["data"]
