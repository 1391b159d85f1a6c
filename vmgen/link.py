"""Modules in, one program out: every symbol a description names must be defined.

C symbols are not unique in a tree: a ``static`` description belongs to its file, the
others to whoever links with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vmgen import ir
from vmgen.source import Diagnostic, Position, VmgenError


def link(release: str, target: str, modules: Iterable[ir.Module]) -> ir.Program:
    """Sorts modules by file and checks every reference between descriptions.

    Raises :class:`VmgenError` naming each description that is mentioned but not defined
    (``VG501``) and each that two files define (``VG502``).
    """
    program = ir.Program(
        release, target, tuple(sorted(modules, key=lambda module: module.file))
    )
    found: list[Diagnostic] = []
    external: dict[str, ir.Description] = {}
    for module in program.modules:
        for description in module.descriptions:
            if description.static:
                continue
            other = external.setdefault(description.symbol, description)
            if other is not description:
                found.append(
                    Diagnostic(
                        "VG502",
                        f"{description.symbol} is also defined at {other.position}",
                        description.position,
                        hint="generate for one of the two files only",
                    )
                )
    for module in program.modules:
        own = {description.symbol for description in module.descriptions}
        for description in module.descriptions:
            for symbol, position in _mentions(description):
                if symbol not in own and symbol not in external:
                    found.append(
                        Diagnostic(
                            "VG501",
                            f"{symbol} is not defined in any of the files read",
                            position,
                            hint="name the C file that defines it as an input too",
                            context=(description.symbol,),
                        )
                    )
    if found:
        raise VmgenError(*found)
    return program


def _mentions(description: ir.Description) -> Iterator[tuple[str, Position]]:
    for field in description.fields:
        match field.element:
            case (
                ir.StructElement(description=symbol)
                | ir.TmpElement(description=symbol)
                | ir.ListElement(description=symbol)
            ):
                yield symbol, field.position
            case ir.GTreeElement(key=key, value=value):
                if key:
                    yield key, field.position
                yield value, field.position
    for symbol in description.subsections:
        yield symbol, description.position
