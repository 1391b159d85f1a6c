"""Callbacks that move bytes: what a file puts into virtio's classes and SCSI's tables.

``virtio_save`` (``hw/virtio/virtio.c``) calls the bus and the device through their
classes, ``put_scsi_req`` (``hw/scsi/scsi-bus.c``) the adapter and the device through
tables of functions.
"""

from __future__ import annotations

from collections.abc import Iterator

from vmgen import infos, ir
from vmgen.cfront import syntax as c
from vmgen.cfront.census import census
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import uncast, walk
from vmgen.extract import initializer
from vmgen.source import VmgenError
from vmgen.translate import definition, moves

MEMBERS = frozenset(infos.members())
"""The classes, and the tables of functions, with the members that hand-written formats know."""

CLASSES = tuple(sorted({owner for owner, _ in MEMBERS if owner.endswith("Class")}))
TABLES = tuple(sorted({owner for owner, _ in MEMBERS} - {*CLASSES}))


def read(unit: Unit, layout: Layout) -> Iterator[ir.Method]:
    """The callbacks that the unit's own file sets, in order of appearance.

    Raises :class:`VmgenError` for a table that cannot be read.
    """
    for owner in CLASSES:
        for name in unit.functions_with(owner):
            function, _, _ = definition(unit, name)
            if function is not None and function.body is not None:
                yield from _assigned(layout, owner, function.body)
    for owner in TABLES:
        taken = census(unit, layout, owner)
        if taken.missed:
            raise VmgenError(*taken.missed)
        for found in taken.found:
            filled = layout.filled(found.declared)
            for _, row in initializer.rows(found.symbol, filled):
                for member in row.members:
                    if (owner, member) in MEMBERS and (
                        symbol := initializer.symbol(layout, row[member])
                    ):
                        yield ir.Method(owner, member, symbol, moves(layout, symbol))


def _assigned(layout: Layout, owner: str, body: c.Block) -> Iterator[ir.Method]:
    """``variable->member = symbol`` for every variable of the type in a function."""
    variables: set[str] = set()
    for node in walk(body):
        match node:
            case c.LocalDecl(name, c.PointerType(c.NamedType(type))):
                if type == owner:
                    variables.add(name)
            case c.Assign("=", c.Member(c.Name(variable), member), value):
                symbol = _symbol(value)
                if variable in variables and (owner, member) in MEMBERS and symbol:
                    yield ir.Method(owner, member, symbol, moves(layout, symbol))


def _symbol(value: c.Expr) -> str:
    match uncast(value):
        case c.UnaryOperation("&", c.Name(name)) | c.Name(name):
            return name
        case c.IntegerLiteral(number):
            return str(number) if number else ""
        case _:
            return ""
