"""What one C file says of types and registrations, before files are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
    points at.  ``symbol`` is the ``TypeInfo`` object of a constant, ``interfaces`` are
    the types that it names as such, ``base_init`` is its ``class_base_init``.
    """

    name: str
    parent: str
    abstract: bool = False
    class_init: str = ""
    row: str = ""
    file: str = ""
    position: Position = NOWHERE
    symbol: str = ""
    interfaces: tuple[str, ...] = ()
    base_init: str = ""
    instance_init: str = ""


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
class Guards:
    """The variables of file scope that decide whether a call is made, sorted; and those of
    them that prevent it as long as they are zero."""

    names: tuple[str, ...] = ()
    preventing: tuple[str, ...] = ()

    def joined(self, other: Guards) -> Guards:
        """Those of a call in a function whose own call has the ``other``."""
        names, preventing = (
            tuple(sorted({*mine, *theirs}))
            for mine, theirs in (
                (self.names, other.names),
                (self.preventing, other.preventing),
            )
        )
        return Guards(names, preventing)


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
    guards: Guards = Guards()


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
