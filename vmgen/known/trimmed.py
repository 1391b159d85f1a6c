"""The facts of machine types that the predicates of a program ask for, and no more."""

from __future__ import annotations

from dataclasses import replace

from vmgen import ir
from vmgen.known.constants import read_members
from vmgen.known.members import place


def with_needed_facts(program: ir.Program) -> ir.Program:
    """The program without properties that none of its predicates reads, settings of
    others, and types that none of its sections has."""
    facts = program.machines
    if facts == ir.Machines():
        return program
    read = read_members(program)
    properties = tuple(
        one
        for one in facts.properties
        if any(place(where.type, where.path) in read for where in one.places)
    )
    names = {one.name for one in properties}
    tables = tuple(
        replace(
            table,
            settings=tuple(one for one in table.settings if one.property in names),
        )
        for table in facts.tables
    )
    tables = tuple(table for table in tables if table.settings)
    kept = {(table.file, table.symbol) for table in tables}
    machines = tuple(
        replace(one, tables=tuple(table for table in one.tables if table in kept))
        for one in facts.machines
    )
    parents = {one.name: one for one in facts.types}
    wanted: set[str] = set()
    waiting = [type_ for root in program.roots for type_ in root.device_types]
    while waiting:
        name = waiting.pop()
        if name in parents and name not in wanted:
            wanted.add(name)
            waiting.append(parents[name].parent)
    types = tuple(one for one in facts.types if one.name in wanted)
    properties = tuple(one for one in properties if one.type in wanted)
    return replace(program, machines=ir.Machines(machines, tables, properties, types))
