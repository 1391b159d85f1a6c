"""What one C file says of types and registrations, before files are put together."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from typing import Any, Literal

from vmgen.source import NOWHERE, Diagnostic, Position

How = Literal["device", "legacy_cpu", "vmstate_register", "handlers"]
Prefix = Literal["", "path", "maybe"]

ANY = "any"
"""The instance of ``VMSTATE_INSTANCE_ID_ANY``: the first that is free."""

TYPE = "<type>"
"""The section of a description that is called after the type of the device whose
``realize`` registers it."""


@dataclass(frozen=True, slots=True)
class TypeDecl:
    """One QOM type (``TypeInfo``).

    ``name`` and ``parent`` are as QEMU knows them; ``*`` stands for what is known at run
    time only (``*-riscv-cpu``).  ``class_init`` is the C function, empty for none.
    ``row`` is the element of a static table, ``TABLE[N]``, that the type's ``class_data``
    points at.
    """

    name: str
    parent: str
    abstract: bool = False
    class_init: str = ""
    row: str = ""
    file: str = ""
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Effect:
    """Something a function does to a class that it is given.

    ``set``: ``dc->vmsd = &symbol`` (``symbol`` empty for NULL).  ``legacy``: ``cc->vmsd =
    &symbol`` of a ``CPUClass`` (up to 6.0).  ``cpu``: ``cc->sysemu_ops
    = &symbol``.  ``bus``: ``dc->bus_type = "symbol"``.  ``path``: ``bc->get_dev_path =
    symbol``.  ``row``: ``dc->vmsd`` is the member ``symbol`` of what the type's
    ``class_data`` points at.  ``realize``: ``symbol`` makes devices of the class real.
    ``call``: the function ``symbol`` is called.
    ``maybe`` says that a condition stands before it.
    """

    kind: Literal["set", "legacy", "cpu", "bus", "path", "row", "realize", "call"]
    symbol: str
    maybe: bool = False
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class ClassFunction:
    """A function that may fill a class, with its effects in order."""

    name: str
    static: bool
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Registration:
    """A call that registers a section by itself.

    ``symbol`` is the description, or the handlers of an old-style section.  ``section``
    is the name for handlers (``*`` for what is known at run time only) and empty for a
    description: its own name counts, or, where the function gives it a name, what that is
    (``TYPE`` for the name of the device's type).  The rest is as in :class:`vmgen.ir.Root`.
    """

    how: Literal["vmstate_register", "handlers"]
    symbol: str
    function: str
    section: str
    prefix: Prefix
    instance: str
    alias: str
    version_id: int
    file: str
    position: Position


@dataclass(frozen=True, slots=True)
class Registrations:
    """Everything one file contributes.

    ``rows`` are the members of static tables that a class function asks for: (``TABLE[N]``,
    member, symbol).  ``cpu_ops`` are the descriptions of ``SysemuCPUOps`` objects: (object,
    symbol of ``legacy_vmsd``).  ``undecided`` is what registers something that cannot be
    told from this file.
    """

    file: str
    types: tuple[TypeDecl, ...] = ()
    functions: tuple[ClassFunction, ...] = ()
    registrations: tuple[Registration, ...] = ()
    rows: tuple[tuple[str, str, str], ...] = ()
    cpu_ops: tuple[tuple[str, str, Position], ...] = ()
    undecided: tuple[Diagnostic, ...] = ()


# --- kept from one run to the next ------------------------------------------------------


def dumps(found: Registrations) -> str:
    """The registrations as JSON text, for :func:`loads`."""
    return json.dumps(astuple(found))


def loads(text: str) -> Registrations:
    """What :func:`dumps` wrote.  Raises ValueError, TypeError or KeyError for anything
    that it did not write."""
    file, types, functions, registered, rows, ops, undecided = json.loads(text)
    return Registrations(
        file,
        tuple(_placed(TypeDecl, one) for one in types),
        tuple(
            ClassFunction(name, static, tuple(_placed(Effect, one) for one in effects))
            for name, static, effects in functions
        ),
        tuple(_placed(Registration, one) for one in registered),
        tuple((table, member, symbol) for table, member, symbol in rows),
        tuple((name, symbol, Position(*place)) for name, symbol, place in ops),
        tuple(
            Diagnostic(
                code, message, Position(*place), severity, hint, tuple(about), line
            )
            for code, message, place, severity, hint, about, line in undecided
        ),
    )


def _placed(cls: Any, values: list[Any]) -> Any:
    """A node whose last member is its position."""
    *members, place = values
    return cls(*members, Position(*place))
