"""QOM types as the C front end sees them: constants, and those made in functions."""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.cfront import syntax as c
from vmgen.cfront.census import Census
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.extract.initializer import Initializer, is_null, read
from vmgen.roots import walk
from vmgen.roots.model import TypeDecl
from vmgen.roots.walk import Locals
from vmgen.source import Position

PCI_TYPES = "VirtioPCIDeviceTypeInfo"


def constant_types(layout: Layout, unit: Unit, taken: Census) -> Iterator[TypeDecl]:
    """The ``TypeInfo`` objects of a file and the arrays of them."""
    for found in taken.found:
        for init in walk.rows(found.declared):
            info = read(init, f"type {found.symbol}")
            if info["name"] is None:
                continue
            yield TypeDecl(
                walk.text(info["name"], Locals(), unit),
                walk.text(info["parent"], Locals(), unit),
                _truth(layout, info["abstract"]),
                _function(info["class_init"]),
                "",
                unit.source,
                found.declared.position,
            )


def virtio_pci_types(unit: Unit, taken: Census) -> Iterator[TypeDecl]:
    """The types behind ``VirtioPCIDeviceTypeInfo`` objects: an abstract base and up to
    three devices (``virtio_pci_types_register``, hw/virtio/virtio-pci.c)."""
    for found in taken.found:
        symbol, declared = found.symbol, found.declared
        if not isinstance(declared.initializer, c.InitList):
            continue
        info = read(declared.initializer, f"the virtio device {symbol}")

        def name(member: str, info: Initializer = info) -> str:
            return walk.text(info[member], Locals(), unit)

        def made(name: str, parent: str, abstract: bool, class_init: str = "",
                 position: Position = declared.position) -> TypeDecl:  # fmt: skip
            return TypeDecl(
                name, parent, abstract, class_init, "", unit.source, position
            )

        parent = name("parent") or "virtio-pci"
        class_init = _function(info["class_init"])
        generic = name("generic_name")
        if base := name("base_name"):
            yield made(base, parent, True, class_init)
            if generic:
                yield made(generic, base, False)
        else:
            base = f"{generic}-base-type"
            yield made(base, parent, True)
            yield made(generic, base, False, class_init)
        for member in ("non_transitional_name", "transitional_name"):
            if other := name(member):
                yield made(other, base, False)


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
        members = _members(names, variable)
        for name in members.get("name", []):
            yield from _made(unit, layout, function, names, members, name)


_Members = dict[str, list[c.Expr | c.InitList]]


def _members(names: Locals, variable: str) -> _Members:
    """What the members of a local variable are set to, at first or later."""
    out: _Members = {}
    for init in names.values.get(variable, ()):
        if isinstance(init, c.InitList):
            for member, value in read(init, variable).values.items():
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
    name: c.Expr | c.InitList,
) -> Iterator[TypeDecl]:
    if is_null(name if isinstance(name, c.Expr) else None) and not isinstance(
        name, c.InitList
    ):
        return
    position = name.position

    def only(member: str) -> c.Expr | c.InitList | None:
        values = members.get(member, [])
        return values[-1] if values else None

    parent = walk.text(only("parent"), names, unit)
    abstract = _truth(layout, only("abstract"))
    class_init = _function(only("class_init"))
    data = walk.row(only("class_data"), names, unit)
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
        )
        return
    order = table_members(unit, found.table)
    for number, init in enumerate(walk.rows_of(unit, found.table)):
        text = walk.text(walk.member_of(init, found.member, order), Locals(), unit)
        if not text:
            continue
        row = f"{data.table}[{number}]" if data and not data.member else ""
        yield TypeDecl(
            text, parent, abstract, class_init, row, unit.source, init.position
        )


def table_members(unit: Unit, table: str) -> tuple[str, ...]:
    """The member names of a static table's elements, in order."""
    declared = unit.object(table)
    type_ = declared.type if declared else None
    while isinstance(type_, c.ArrayType):
        type_ = type_.element
    while isinstance(type_, c.NamedType):
        typedef = unit.typedef(type_.name)
        type_ = typedef.type if typedef else None
    if not isinstance(type_, c.RecordType):
        return ()
    record = unit.record(type_.kind, type_.tag)
    return tuple(member.name for member in record.members) if record else ()


def _function(value: c.Expr | c.InitList | None) -> str:
    inner = walk.plain(value)
    if isinstance(inner, c.Unary) and inner.op == "&":
        inner = inner.operand
    return inner.name if isinstance(inner, c.Name) else ""


def _truth(layout: Layout, value: c.Expr | c.InitList | None) -> bool:
    if value is None or isinstance(value, c.InitList):
        return False
    return bool(layout.constant(value))
