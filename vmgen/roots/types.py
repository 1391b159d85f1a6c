"""QOM types as the C front end sees them: constants, and those made in functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vmgen.cfront import syntax as c
from vmgen.cfront.census import Census
from vmgen.cfront.layout import FilledArray, FilledRecord, Layout
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import uncast
from vmgen.extract import initializer
from vmgen.extract.initializer import is_null
from vmgen.roots import walk
from vmgen.roots.model import TypeDecl
from vmgen.roots.walk import Followed, Locals
from vmgen.source import Position, VmgenError

PCI_TYPES = "VirtioPCIDeviceTypeInfo"

#: What virtio_pci_types_register (hw/virtio/virtio-pci.c) puts into the types it makes.
_VIRTIO_PCI = "hw/virtio/virtio-pci.c"
_GENERIC_INIT = "virtio_pci_generic_class_init"
_PCIE, _PCI = "pci-express-device", "conventional-pci-device"


def constant_types(layout: Layout, unit: Unit, taken: Census) -> Iterator[TypeDecl]:
    """The ``TypeInfo`` objects of a file and the arrays of them."""
    for found in taken.found:
        filled = layout.filled(found.declared)
        for _, info in initializer.rows(found.symbol, filled):
            if info["name"] is None:
                continue
            yield TypeDecl(
                walk.text(info["name"], Locals(), unit),
                walk.text(info["parent"], Locals(), unit),
                _truth(layout, info["abstract"]),
                _function(info["class_init"]),
                _object(unit, info["class_data"]),
                unit.source,
                found.declared.position,
                found.symbol,
                interfaces(layout, unit, info["interfaces"]),
                _function(info["class_base_init"]),
                _function(info["instance_init"]),
            )


def _object(unit: Unit, value: Followed | None) -> str:
    """The object of this file that ``class_data`` points at, an array by its first
    element; empty for anything else."""
    match uncast(value):
        case c.Name(name) | c.UnaryOperation("&", c.Name(name)):
            declared = unit.object(name)
            filled = None if declared is None else declared.initializer
            return name if isinstance(filled, c.InitList) else ""
        case _:
            return ""


def interfaces(layout: Layout, unit: Unit, value: Followed | None) -> tuple[str, ...]:
    """The interfaces that the table of a ``TypeInfo`` names, up to the one without a
    name that ends it (``InterfaceInfo``, include/qom/object.h); ``&table`` for a table of
    another file, ``*`` for one that is known at run time only."""
    inner = uncast(value)
    if not isinstance(inner, c.Expr) or is_null(inner):
        return ()
    if isinstance(inner, c.Name):
        declared = unit.object(inner.name)
        if declared is not None and declared.initializer is None:
            return (f"&{inner.name}",)
    try:
        found = layout.pointed(inner)
    except VmgenError:
        return ("*",)
    if found is None or found.array is None:
        return ("*",)
    return interface_names(unit, found.array, found.index)


def interface_names(unit: Unit, table: FilledArray, first: int = 0) -> tuple[str, ...]:
    """The types in a table of interfaces, from an element on."""
    names = []
    for _, row in table.elements(first):
        if not isinstance(row, FilledRecord) or row["type"] is None:
            break
        names.append(walk.text(row["type"], Locals(), unit))
    return tuple(names)


def virtio_pci_types(layout: Layout, unit: Unit, taken: Census) -> Iterator[TypeDecl]:
    """The types behind ``VirtioPCIDeviceTypeInfo`` objects: an abstract base and up to
    three devices (``virtio_pci_types_register``, hw/virtio/virtio-pci.c)."""
    for found in taken.found:
        declared = found.declared
        info = layout.filled(declared)
        if not isinstance(info, FilledRecord):
            continue

        def name(member: str, info: FilledRecord = info) -> str:
            return walk.text(info[member], Locals(), unit)

        def made(
            name: str,
            parent: str,
            class_init: str = "",
            own: tuple[str, ...] = (),
            file: str = unit.source,
            position: Position = declared.position,
        ) -> TypeDecl:
            abstract = not own
            return TypeDecl(
                name, parent, abstract, class_init, "", file, position, "", own
            )

        parent = name("parent") or "virtio-pci"
        class_init = _function(info["class_init"])
        generic = name("generic_name")
        both = (_PCIE, _PCI)
        named = interfaces(layout, unit, info["interfaces"])
        if base := name("base_name"):
            yield replace(made(base, parent, class_init), interfaces=named)
            if generic:
                yield made(generic, base, _GENERIC_INIT, both, _VIRTIO_PCI)
        else:
            base = f"{generic}-base-type"
            between = made(base, parent, _GENERIC_INIT, file=_VIRTIO_PCI)
            yield replace(between, interfaces=named)
            yield made(generic, base, class_init, both)
        if other := name("non_transitional_name"):
            yield made(other, base, "", both)
        if other := name("transitional_name"):
            yield made(other, base, "", (_PCI,))


def local_types(
    unit: Unit, layout: Layout, function: c.FunctionDecl
) -> Iterator[TypeDecl]:
    """The types that a function makes and registers, one for each row of a table if
    their names come from one."""
    assert function.body is not None  # callers ask for definitions only
    names = walk.locals_of(function)
    for variable, type_ in names.types.items():
        if type_ != c.NamedType("TypeInfo"):
            continue
        members = _members(layout, names, variable, type_)
        for name in members.get("name", []):
            yield from _made(unit, layout, function, names, members, name)


_Members = dict[str, list[Followed]]


def _members(
    layout: Layout, names: Locals, variable: str, type_: c.TypeExpr
) -> _Members:
    """What the members of a local variable are set to, at first or later."""
    out: _Members = {}
    for init in names.values.get(variable, ()):
        if isinstance(init, c.InitList):
            filled = layout.fill(type_, init)
            assert isinstance(filled, FilledRecord)  # a TypeInfo in braces
            for member in filled.members:
                if (value := filled[member]) is not None:
                    out.setdefault(member, []).append(value)
    for (owner, member), values in names.members.items():
        if owner == variable:
            out.setdefault(member, []).extend(values)
    return out


def _made(
    unit: Unit,
    layout: Layout,
    function: c.FunctionDecl,
    names: Locals,
    members: _Members,
    name: Followed,
) -> Iterator[TypeDecl]:
    if not isinstance(name, c.InitList) and is_null(name):
        return
    position = name.position

    def only(member: str) -> Followed | None:
        values = members.get(member, [])
        return values[-1] if values else None

    parent = walk.text(only("parent"), names, unit)
    abstract = _truth(layout, only("abstract"))
    class_init = _function(only("class_init"))
    data = walk.row(only("class_data"), names, unit)
    base_init = _function(only("class_base_init"))
    own = interfaces(layout, unit, only("interfaces"))
    their = walk.row(only("interfaces"), names, unit)
    found = walk.row(name, names, unit)
    if found is None or not found.member:
        yield TypeDecl(
            walk.text(name, names, unit),
            parent,
            abstract,
            class_init,
            "",
            unit.source,
            position,
            "",
            own,
            base_init,
        )
        return
    for symbol, init in walk.rows_of(unit, layout, found.table):
        text = walk.text(init[found.member], Locals(), unit)
        if not text:
            continue
        index = symbol.removeprefix(found.table)
        row = f"{data.table}{index}" if data and not data.member else ""
        if their and their.table == found.table and their.member:
            own = interfaces(layout, unit, init[their.member])
        yield TypeDecl(
            text,
            parent,
            abstract,
            class_init,
            row,
            unit.source,
            init.position,
            "",
            own,
            base_init,
        )


def _function(value: Followed | None) -> str:
    inner = uncast(value)
    if isinstance(inner, c.UnaryOperation) and inner.op == "&":
        inner = inner.operand
    return inner.name if isinstance(inner, c.Name) else ""


def _truth(layout: Layout, value: Followed | None) -> bool:
    if isinstance(value, c.InitList):
        return False
    return bool(initializer.integer(layout, value))
