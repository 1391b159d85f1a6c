"""What a tree's sources say of its machine types, and of the properties of its devices.

The vocabulary is QOM's (``include/qom/object.h``, ``include/hw/boards.h``): a *type* has a
parent, a class has *properties* with defaults (``DEFINE_PROP_*``), a machine type sets
some of them to what they were in an older release (``GlobalProperty``,
``compat_props_add``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from vmgen.ir.words import Count, CType, File, MemberPath, Symbol
from vmgen.source import NOWHERE, Position

OF_BOARDS = "hw/"
"""Where the code of boards and devices is that a machine may lack."""

PropertyKind: TypeAlias = Literal["bool", "number", "text", "other"]


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One QOM type: ``name`` and ``parent`` as QEMU knows them; ``interfaces`` are those
    that it names itself.  Of a device that is not ``creatable`` users create no objects
    (``user_creatable``, ``include/hw/qdev-core.h``): only the code of a board does."""

    name: str
    parent: str
    abstract: bool = False
    interfaces: tuple[str, ...] = ()
    creatable: bool = True


@dataclass(frozen=True, slots=True)
class MemberPlace:
    """A member of a C struct: ``timadj`` of ``E1000EState``."""

    type: CType
    path: MemberPath


@dataclass(frozen=True, slots=True)
class MemberChange:
    """What C code puts into the member of a property after the property is set.

    ``numbers`` are constants, ``low`` and ``high`` the bounds that it is held to (None for
    none); ``others`` says that it may be given other values, so that nothing is known.
    """

    numbers: tuple[int, ...] = ()
    low: int | None = None
    high: int | None = None
    others: bool = False


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a class (``Property``, ``include/hw/qdev-properties.h``).

    ``type`` is the QOM type whose class has it, ``places`` is the member that it sets, as
    seen from the struct that the table names and from each struct inside of it on the
    way, outermost first (``conf.x`` of ``VirtIOGPU``, ``x`` of ``virtio_gpu_conf``).
    ``bit`` is the number of the bit that it is (``DEFINE_PROP_BIT``), None for a whole
    member.  ``default`` is its value for a new object, as a number (a bool is 0 or 1);
    None where the table gives none, or none that is a number.  ``values`` are the names
    that its values have (an enum of QAPI), by number.  ``change`` is what other C
    code puts into the member.
    """

    type: str
    name: str
    kind: PropertyKind
    places: tuple[MemberPlace, ...]
    bit: Count | None = None
    default: int | None = None
    values: tuple[str, ...] = ()
    change: MemberChange = MemberChange()
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Setting:
    """One ``GlobalProperty``: objects of the type ``driver`` (or a descendant, or that
    have the interface) get ``value`` for ``property``; ``optional`` ones are passed over
    where there is no such property."""

    driver: str
    property: str
    value: str
    optional: bool = False
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class CompatTable:
    """An array of them.  ``symbol`` is its C name, ``function.name`` for a static one
    inside of a function."""

    symbol: Symbol
    file: File
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class ClassMember:
    """A member of a class that is a constant for a machine type: ``pre_2_10_has_unused``
    of ``SpaprMachineClass``."""

    place: MemberPlace
    value: int


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine type that can be started.

    ``name`` is what ``-machine`` takes (``pc-q35-8.2``), ``aliases`` are other names for
    it (``q35``).  ``tables`` are the symbols of its compat tables with their files, in the
    order in which they are applied: a later setting of a property wins.  ``members`` are
    constants of its class.  ``open`` says why it may set more than that, empty if it does
    not.  ``board`` is the file of :class:`Board`, empty where it is not known.  ``cpu`` is
    the QOM type of the CPU that it has without ``-cpu``, empty where there is none or it is
    not known.  ``runs`` are the functions with their files that register a section of no
    device and that the board's code calls whatever the guest is, sorted.
    """

    name: str
    type: str
    aliases: tuple[str, ...] = ()
    default: bool = False
    tables: tuple[tuple[File, Symbol], ...] = ()
    members: tuple[ClassMember, ...] = ()
    open: str = ""
    position: Position = NOWHERE
    board: File = ""
    cpu: str = ""
    runs: tuple[tuple[File, Symbol], ...] = ()


@dataclass(frozen=True, slots=True)
class Board:
    """The code that makes the machines of one C file, ``file``.

    ``makes`` are the types of which it may make objects, of those that have a section and
    that users cannot create.  ``calls`` are the files of which it may call functions, of
    those below ``hw/`` where a function registers a section of no device.  ``added`` are
    those of ``makes``, and of the types with a section that users can create, of which a
    machine that is started without options has no object: users add a device for it.
    ``added_calls`` are those of ``calls`` whose code it does not run.  What is not known
    is in neither.  ``machines`` are the names of the machine types that it is about, empty
    for all that the file has and no other board of it is about.  All are sorted.
    """

    file: File
    makes: tuple[str, ...] = ()
    calls: tuple[File, ...] = ()
    added: tuple[str, ...] = ()
    added_calls: tuple[File, ...] = ()
    machines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Machines:
    """All of them for one target, each tuple sorted by name (tables by file and symbol,
    properties by type and name, boards by file and machine types)."""

    machines: tuple[Machine, ...] = ()
    tables: tuple[CompatTable, ...] = ()
    properties: tuple[Property, ...] = ()
    types: tuple[ObjectType, ...] = ()
    boards: tuple[Board, ...] = ()
