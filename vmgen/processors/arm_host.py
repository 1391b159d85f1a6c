"""QEMU outside of the code that makes an Arm CPU, and the facts that decide what that is."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from vmgen.cfront.ctype import Integer, Record
from vmgen.cfront.layout import Layout
from vmgen.cfront.syntax import TypeExpr
from vmgen.execution import Address, NotKnown, UnknownValue, Value
from vmgen.execution.context import Caller
from vmgen.execution.library import CLibrary, string
from vmgen.execution.memory import load, store
from vmgen.source import Position


@dataclass(frozen=True, slots=True)
class Facts:
    """``arm.toml``."""

    under: tuple[str, ...]
    models: str
    make: tuple[str, ...]
    realize: str
    lists: frozenset[str]
    key: str
    look_up: str
    read: str
    toggles: tuple[str, ...]
    set: tuple[str, ...]
    set_later: tuple[str, ...]
    objects: tuple[str, ...]
    same: frozenset[str]
    given: Mapping[str, int]
    silent: Mapping[str, int | str]


def _facts() -> Facts:
    text = (files("vmgen.processors") / "arm.toml").read_text(encoding="utf-8")
    read: dict[str, Any] = tomllib.loads(text)
    return Facts(
        tuple(read["under"]),
        read["models"],
        tuple(read["make"]),
        read["realize"],
        frozenset(read["lists"]),
        read["key"],
        read["look_up"],
        read["read"],
        tuple(read["toggles"]),
        tuple(read["set"]),
        tuple(read["set_later"]),
        tuple(read["objects"]),
        frozenset(read["same"]),
        read["given"],
        read["silent"],
    )


FACTS = _facts()
"""``arm.toml``, read once."""

_SIZES = {
    "qdev_prop_bool": 1,
    "qdev_prop_uint8": 1,
    "qdev_prop_uint16": 2,
    "qdev_prop_uint32": 4,
    "qdev_prop_int32": 4,
    "qdev_prop_uint64": 8,
}
"""The bytes of the member that a property of a kind sets (``hw/core/qdev-properties.c``)."""


class RegistersListed(Exception):
    """The CPU's registers are about to be listed, by this function."""

    def __init__(self, function: str) -> None:
        super().__init__(function)
        self.function = function


@dataclass(slots=True)
class ArmHost:
    """QEMU outside of ``target/arm``, and the libraries."""

    library: CLibrary = field(default_factory=CLibrary)
    class_: Address | None = None
    cpu_type: Record | None = None
    layout: Layout | None = None
    added: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The properties that the CPU got: where its member is, and its bytes."""
    listing: bool = True
    """Whether the function that lists the registers may run."""

    def number(self, name: str) -> int | None:
        """The value of a number that other code decides."""
        return FACTS.given.get(name)

    def has(self, name: str) -> bool:
        """Whether :meth:`call` takes the place of this function."""
        return (
            name in FACTS.silent
            or name in FACTS.same
            or name in ("object_get_class", "qdev_property_add_static")
            or (name in FACTS.lists and not self.listing)
        )

    def call(
        self, program: Caller, name: str, arguments: list[Value], position: Position
    ) -> Value | None:
        """What a function does; None for one that neither QEMU nor a library has."""
        if name in FACTS.same and arguments:
            return arguments[0]
        if name == "object_get_class" and self.class_ is not None:
            return self.class_
        if name == "qdev_property_add_static":
            self.add(arguments[0], arguments[1], position)
            return 0
        if name in FACTS.lists and not self.listing:
            raise RegistersListed(name)
        if name in FACTS.silent:
            match FACTS.silent[name]:
                case int(number):
                    return number
                case _:
                    return UnknownValue(f"what {name}() gives")
        return self.library.call(program, name, arguments, position)

    def add(self, cpu: Value, property_: Value, position: Position) -> None:
        """``qdev_property_add_static``: the property with its default."""
        assert self.layout is not None  # set with the program
        record = self.layout.resolve(named(self.layout, "Property"))
        if not isinstance(property_, Address) or not isinstance(record, Record):
            raise NotKnown("a property that is not known", position)

        def member(name: str) -> Value:
            found = self.layout.member(record, name)  # type: ignore[union-attr]
            if found is None:
                raise NotKnown(f"a property without {name}", position)
            at = Address(property_.block, property_.offset + found.offset)
            if found.bits is not None:
                value = load(at, 1, False)
                if not isinstance(value, int):
                    return value
                return value >> (found.bit_offset or 0) & ((1 << found.bits) - 1)
            size = self.layout.sizeof(found.type)  # type: ignore[union-attr]
            return load(at, size, isinstance(found.type, Integer) and found.type.signed)

        name = string(member("name"), position)
        info, offset = member("info"), member("offset")
        size = _SIZES.get(info.block.name) if isinstance(info, Address) else None
        if size is None or not isinstance(offset, int) or not isinstance(cpu, Address):
            return  # a link, a text: nothing that a list of registers depends on is one
        self.added[name] = offset, size
        if member("set_default"):
            store(Address(cpu.block, cpu.offset + offset), size, member("defval"))


def named(layout: Layout, name: str) -> TypeExpr:
    """What a typedef stands for."""
    declared = layout.unit.typedef(name)
    if declared is None:
        raise NotKnown(f"what '{name}' is")
    return declared.type
