"""IR files as programs: with the modules that several targets share, which stand above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vmgen import ir
from vmgen.ir import json as ir_json
from vmgen.source import Diagnostic, Position, VmgenError


def text_of(file: Path) -> str:
    """The text of a file that vmgen wrote."""
    return file.read_text("utf-8", "surrogateescape")


def is_ir(file: Path) -> bool:
    """Whether the file holds an IR."""
    return f'"{ir_json.FORMAT}"' in text_of(file)[:400]


def program(file: Path) -> ir.Program:
    """The program of one IR file.

    Modules that its target shares with others are read from the IR of the folder above,
    where ``generate --all`` puts them.  Raises :class:`VmgenError` VG636 if they are not
    there.
    """
    found = ir_json.loads(text_of(file), file.as_posix())
    if not found.elsewhere:
        return found
    above = file.absolute().parent.parent / file.name
    shared = None
    if above.is_file() and is_ir(above):
        shared = ir_json.loads(text_of(above), above.as_posix())
    return joined(found, shared, file)


def programs(folder: Path) -> Mapping[str, ir.Program]:
    """The programs of a folder's IR files and of those below it, by target; empty where
    there are none."""
    files = {
        file: ir_json.loads(text_of(file), file.as_posix())
        for file in sorted(folder.rglob("*.json"))
        if is_ir(file)
    }
    found = {one.target: (file, one) for file, one in files.items()}
    shared = found.get("")
    if shared is not None and len(found) == 1:
        return {"": shared[1]}
    return {
        target: (
            joined(one, shared[1], file)
            if shared is not None and one.elsewhere
            else program(file)
        )
        for target, (file, one) in found.items()
        if target
    }


def joined(
    own: ir.Program, shared: ir.Program | None, file: Path = Path()
) -> ir.Program:
    """The program with those of its modules that stand above the targets' folders.

    ``file`` is where ``own`` was read from, for messages.
    """
    missing = set(own.elsewhere) - {module.file for module in own.modules}
    there = {} if shared is None else {one.file: one for one in shared.modules}
    if lacking := sorted(missing - there.keys()):
        raise VmgenError(
            Diagnostic(
                "VG636",
                f"{len(lacking)} of its modules are those that targets share, and the IR "
                f"of the folder above does not have them: {lacking[0]} first",
                Position(file.as_posix()),
                hint="name the file where 'vmgen generate' wrote it, beside the others",
            )
        )
    modules = sorted(
        (*own.modules, *(there[one] for one in missing)), key=lambda module: module.file
    )
    return replace(own, modules=tuple(modules), elsewhere=())
