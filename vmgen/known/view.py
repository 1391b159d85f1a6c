"""One machine type as text and as data: what it sets, and what predicates then read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vmgen import ir
from vmgen.known.constants import read_members
from vmgen.known.members import MachineFacts, place
from vmgen.paint import Paint, plain


@dataclass(frozen=True, slots=True)
class ReadProperty:
    """A property whose member a predicate reads.

    ``value`` is what the machine type gives it, None where that is not known; ``known``
    says whether that is the member's value, too: no other C code changes it.
    """

    property: ir.Property
    value: int | None
    known: bool


def read_properties(
    facts: MachineFacts, machine: ir.Machine
) -> Iterator[tuple[str, ReadProperty]]:
    """The properties that predicates of the program read, by the device types that have
    them: a type whose ancestor has the same value is left out."""
    read = read_members(facts.program)
    for one in facts.program.machines.types:
        for property_ in facts.properties(one.name):
            if read.isdisjoint(place(at.type, at.path) for at in property_.places):
                continue
            found = _read(facts, machine, one.name, property_)
            above = _read(facts, machine, one.parent, property_)
            inherits = any(other == property_ for other in facts.properties(one.parent))
            if not (inherits and found == above):
                yield one.name, found


def _read(
    facts: MachineFacts, machine: ir.Machine, type_: str, property_: ir.Property
) -> ReadProperty:
    value = facts.value(machine, type_, property_)
    where = {place(at.type, at.path) for at in property_.places}
    known = facts.known(machine, (type_,))
    return ReadProperty(property_, value, any(one in known for one in where))


DEVICES = 8
"""Devices that a line names; the others are counted."""


def text(
    facts: MachineFacts, machine: ir.Machine, paint: Paint = plain, full: bool = False
) -> str:
    """The machine type for people, ``full`` with the names of all devices; ends with a
    newline."""
    about = [facts.program.target, facts.program.release]
    names = f", also {', '.join(machine.aliases)}" if machine.aliases else ""
    default = ", the default" if machine.default else ""
    lines = [
        f"{paint('heading', machine.name)}  {' '.join(filter(None, about))}"
        f"{names}{default}"
    ]
    kinds = [kind for kind in facts.kinds(machine.type) if kind != "object"]
    lines.append(paint("faint", f"  {' < '.join(kinds)}"))
    if machine.cpu:
        lines.append(f"  CPU without -cpu: {machine.cpu}")
    for file, function in machine.runs:
        lines.append(f"  always calls {function}()  ({file}), which registers sections")
    if machine.open:
        lines.append(f"  not all is known: {machine.open}")
    lines += ["", "it sets, in this order"]
    tables = {(one.file, one.symbol): one for one in facts.program.machines.tables}
    for table in machine.tables:
        found = tables.get(table)
        if found is None:
            continue
        lines.append(
            f"  {paint('name', found.symbol)}{paint('place', f'  ({found.file})')}"
        )
        for setting in found.settings:
            optional = ", where there is such" if setting.optional else ""
            lines.append(
                f"    {setting.driver}.{setting.property} = {setting.value}{optional}"
            )
    if not machine.tables:
        lines.append("  nothing: it is what this release has")
    rows = list(read_properties(facts, machine))
    if rows:
        lines += ["", "predicates read"]
    for type_, one in rows:
        lines.append(f"  {type_}.{one.property.name} = {_value(one)}")
    lines += ["", *_devices(facts, machine, full)]
    return "\n".join(lines) + "\n"


def _devices(facts: MachineFacts, machine: ir.Machine, full: bool) -> Iterator[str]:
    found = facts.devices(machine)
    if found is None:
        yield "which devices its board makes is not known"
        return
    yield f"devices with a section ({found.board})"
    groups = [
        ("the board can make", found.made),
        ("a user may add", found.added),
        ("inside of what a user adds", found.inside),
    ]
    if not (found.added or found.inside):  # nor is it known which are which
        groups = [("the board can make, or a user may add", found.made)]
    for said, names in groups:
        shown = ", ".join(names if full else names[:DEVICES]) or "none"
        more = (
            ""
            if full or len(names) <= DEVICES
            else f", and {len(names) - DEVICES} more"
        )
        yield f"  {said}, {len(names)}: {shown}{more}"


def _value(one: ReadProperty) -> str:
    if one.value is None:
        return "not known"
    shown = str(one.value)
    names = one.property.values
    if names and 0 <= one.value < len(names):
        shown = names[one.value]
    elif one.property.kind == "bool":
        shown = "on" if one.value else "off"
    if one.value == one.property.default:
        shown += " (the default)"
    return shown if one.known else f"{shown}; other C code may change the member"


def as_json(facts: MachineFacts, machine: ir.Machine) -> dict[str, object]:
    """The same as JSON values."""
    devices = facts.devices(machine)
    return {
        "release": facts.program.release,
        "target": facts.program.target,
        "machine": machine.name,
        "aliases": list(machine.aliases),
        "default": machine.default,
        "types": list(facts.kinds(machine.type)),
        "open": machine.open,
        "cpu": machine.cpu,
        "runs": [{"file": file, "function": name} for file, name in machine.runs],
        "settings": [
            {
                "driver": one.driver,
                "property": one.property,
                "value": one.value,
                "optional": one.optional,
            }
            for one in facts.settings(machine)
        ],
        "read": [
            {
                "type": type_,
                "property": one.property.name,
                "value": one.value,
                "default": one.property.default,
                "known": one.known,
            }
            for type_, one in read_properties(facts, machine)
        ],
        "devices": (
            None
            if devices is None
            else {
                "board": devices.board,
                "made": list(devices.made),
                "added": list(devices.added),
                "inside": list(devices.inside),
            }
        ),
    }


def names(facts: Sequence[MachineFacts]) -> list[str]:
    """Every machine type and alias, for suggestions."""
    return [
        name
        for one in facts
        for machine in one.machines.values()
        for name in (machine.name, *machine.aliases)
    ]
