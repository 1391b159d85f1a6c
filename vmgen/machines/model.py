"""What one C file says of machine types and properties, before files are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from vmgen.ir import CompatTable, MemberPlace
from vmgen.source import NOWHERE, Diagnostic, Position

RowCondition: TypeAlias = tuple[str, bool]
"""A member of the row that a type's ``class_data`` points at, and whether it is set."""

ClassCondition: TypeAlias = tuple[MemberPlace, bool]
"""A member of a machine's class, or a variable (of no struct), and whether it is set."""

TargetCondition: TypeAlias = tuple[tuple[str, ...], bool]
"""Values of ``SysEmuTarget``, and whether the target is one of them."""

ActionKind = Literal[
    "call", "compat", "properties", "more properties", "row", "member", "alias", "cpu", "init"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClassAction:
    """Something that a function does to a class that it is given.

    ``call``: the function ``symbol`` is called with it.  ``compat``: the table ``symbol``
    is added to its compat properties, ``length`` rows of it (a number, or the C object
    that has it; empty for what cannot be determined).  ``properties``: the table ``symbol``
    becomes its properties; ``more properties``: it is added to them; ``row``: the one that
    the member ``symbol`` of the type's ``class_data`` names.  ``member``: ``place`` becomes
    ``value``, None for what nothing tells.  ``alias``: the alias becomes ``symbol``;
    ``cpu``: the type of the CPU of machines without ``-cpu`` does; ``init``: the function
    that makes the board does.  An empty ``symbol`` is NULL for an alias and a CPU, and what
    cannot be followed for the others.

    ``maybe`` says that a condition stands before it that no constant decides, ``given``
    what must be so of that row of ``class_data``, ``targets`` what of the target.
    """

    kind: ActionKind
    symbol: str = ""
    place: MemberPlace | None = None
    value: int | None = None
    length: str = ""
    maybe: bool = False
    given: tuple[RowCondition, ...] = ()
    targets: tuple[TargetCondition, ...] = ()
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class ClassCode:
    """A function that fills a class, with what it does to it, in order."""

    name: str
    static: bool
    actions: tuple[ClassAction, ...]


@dataclass(frozen=True, slots=True)
class SureCall:
    """A call that a function makes whenever what is ``given`` is so."""

    symbol: str
    given: tuple[ClassCondition, ...] = ()


@dataclass(frozen=True, slots=True)
class BoardCode:
    """A function of a board's file: the ``calls`` that it makes whatever the guest is, the
    ``names`` of all that it may call, and the variables beside its own that it changes.
    """

    name: str
    static: bool
    calls: tuple[SureCall, ...]
    names: tuple[str, ...]
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnusedText:
    """Text of a board's file: the lines from ``first`` to ``last`` (0: to the end of the
    function), of which ``words`` (all of them if there are none) are met on these
    ``ways`` alone: a way is what must be so of the machine's class, all of it."""

    first: int
    last: int
    words: tuple[str, ...]
    ways: tuple[tuple[ClassCondition, ...], ...]


@dataclass(frozen=True, slots=True)
class UnusedCode:
    """What a machine does not run whose board one of these functions makes."""

    makers: tuple[str, ...]
    texts: tuple[UnusedText, ...]


@dataclass(frozen=True, slots=True)
class PropertyRow:
    """One ``Property``: ``info`` is the symbol of its ``PropertyInfo``, the rest is as in
    :class:`vmgen.ir.Property`."""

    name: str
    info: str
    places: tuple[MemberPlace, ...]
    bit: int | None
    default: int | None
    position: Position


@dataclass(frozen=True, slots=True)
class PropertyTable:
    """An array of them."""

    symbol: str
    static: bool
    rows: tuple[PropertyRow, ...]


@dataclass(frozen=True, slots=True)
class ValueKind:
    """A ``PropertyInfo``: ``type`` is what QEMU calls the kind of value (``uint8``),
    ``enum`` the QAPI enum of its names, empty for none; ``defaults`` says that it takes a
    default."""

    symbol: str
    static: bool
    type: str
    enum: str
    defaults: bool


@dataclass(frozen=True, slots=True)
class FileMachines:
    """Everything one file contributes.

    ``compat`` are its compat tables, each with whether it is ``static``.  ``lengths`` are
    the constants that count the rows of a table.  ``rows`` are the tables of properties
    that rows of static tables name: (``TABLE[N]``, member, symbol), ``numbers`` the numbers
    in such rows that conditions ask for.  ``unregistered`` are
    the ``TypeInfo`` objects that the file does not register after all.  ``started`` is the
    interface that machine types of the target have (``TargetInfo``), empty for any.
    ``interfaces`` are the tables of them that types of other files may name.
    ``boards`` are the functions that make its boards, fill their objects or register
    sections of no device, with those of the file that they call; ``variables`` are the
    variables that their conditions read, with their first values; ``unused`` is what some
    of its boards do not run.
    ``undecided`` is what cannot be determined from this file.
    """

    file: str
    compat: tuple[tuple[CompatTable, bool], ...] = ()
    lengths: tuple[tuple[str, int], ...] = ()
    properties: tuple[PropertyTable, ...] = ()
    kinds: tuple[ValueKind, ...] = ()
    code: tuple[ClassCode, ...] = ()
    rows: tuple[tuple[str, str, str], ...] = ()
    numbers: tuple[tuple[str, str, int], ...] = ()
    unregistered: tuple[str, ...] = ()
    started: str = ""
    interfaces: tuple[tuple[str, tuple[str, ...]], ...] = ()
    boards: tuple[BoardCode, ...] = ()
    variables: tuple[tuple[str, int], ...] = ()
    unused: tuple[UnusedCode, ...] = ()
    undecided: tuple[Diagnostic, ...] = ()
