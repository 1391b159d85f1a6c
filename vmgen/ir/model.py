"""Descriptions, their fields, the modules and the program that they are in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from vmgen.ir.elements import Amount, CustomElement, Element, Fixed, WordsElement
from vmgen.ir.expressions import Expr, Path
from vmgen.ir.machines import Machines, MemberPlace
from vmgen.ir.words import Count, CType, File, Label, Name, Symbol, Term
from vmgen.source import NOWHERE, Diagnostic, Position


@dataclass(frozen=True, slots=True)
class Function:
    """A C function behind a description: a ``needed`` predicate or a field test.

    ``body`` is its translation, or None for one that became a named hook, with the
    reason in ``untranslated``.  ``type`` is the C type its opaque pointer is used as
    (empty if it is not used).

    One that reads the object around its own (``container_of``) has no body; ``outside``
    is what it returns, over an object of the C type ``container``, where it reads nothing
    else.  Where that became known it has a body, and the ``container`` still.
    """

    symbol: Symbol
    position: Position = NOWHERE
    type: CType = ""
    body: Expr | None = None
    untranslated: str = ""
    # Not part of what the generated code is stamped with.
    container: CType = field(default="", repr=False)
    outside: Expr | None = field(default=None, repr=False)


Pointers: TypeAlias = Literal["", "null", "every"]
"""What an array of pointers puts before its elements (``vmstate_save_vmsd_v``,
``migration/vmstate.c``): nothing, being none; a marker byte in the place of each that is
NULL (``VMS_ARRAY_OF_POINTER``); a marker byte before every element
(``VMS_ARRAY_OF_POINTER_AUTO_ALLOC``)."""

_ONE = Fixed(1)


@dataclass(frozen=True, slots=True)
class Field:
    """One ``VMStateField``.

    ``name`` is the wire name (what the description JSON in a stream says), ``path`` the C
    path; the path is empty where the info gets the whole object (``.offset = 0`` on a
    custom info, ``VMSTATE_WITH_TMP``) and for unused bytes.  ``size`` is bytes of one
    element in memory (bits for a bitmap), ``count`` the number of elements, ``array``
    says that the element is repeated at all (``VMS_ARRAY``, ``VMS_VARRAY_*``: an array
    of one is still an array).  ``start`` is the index in the C array of the first
    element (sub-arrays), or the byte offset for a partial buffer.  ``pointer`` is
    ``VMS_POINTER``, ``pointers`` says how an array of pointers marks its elements,
    ``allocated`` is ``VMS_ALLOC``.

    ``test`` is the symbol of ``field_exists``: where present it *replaces* the check
    ``version_id <= version of the description being loaded``.  ``must_exist`` is
    ``VMS_MUST_EXIST``.
    """

    name: str
    path: Path
    element: Element
    size: Amount
    count: Amount = _ONE
    array: bool = False
    start: Count = 0
    version_id: int = 0
    struct_version_id: int = 0
    test: Symbol = ""
    must_exist: bool = False
    pointer: bool = False
    pointers: Pointers = ""
    allocated: bool = False
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way in which a ``pre_load`` or ``post_load`` function returns an error, so that
    QEMU takes no stream (``vmstate_load_state``, ``migration/vmstate.c``).

    ``condition`` is true of the streams that are refused: an expression over the
    description's object as it is when the function is called, that is after its fields
    and subsections were loaded (for ``pre_load``: before).  Members that the stream has
    are what it says, all others are the destination's own; :class:`Ask` is a C function
    or global.  None where the C has no translation, and ``untranslated`` says why: then
    ``reads`` are the C names in the condition, sorted, and ``mark`` tells it from others
    (16 hexadecimal digits of the SHA-256 of its normalised text); both are empty where
    it is the function as a whole.  A stream that meets no condition of any refusal is
    taken.

    ``position`` is where the error is returned.
    """

    condition: Expr | None = None
    reads: tuple[Name, ...] = ()
    mark: Term = ""
    untranslated: str = ""
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class LeftMember:
    """What a ``pre_save`` function leaves in a member, whatever was there and whichever
    object of the C type the member is in: a number, or what another member of the same
    object has."""

    place: MemberPlace
    value: Expr


@dataclass(frozen=True, slots=True)
class Hook:
    """A C function that changes host state around load or save; named, not run.

    ``refusals`` are the ways in which one before or after loading says no, ``leaves`` is
    what one before saving leaves in members.
    """

    role: Term  # pre_load, post_load, pre_save, post_save, dev_unplug_pending, *_errp
    symbol: Symbol
    position: Position = NOWHERE
    # Not part of what the generated code is stamped with.
    refusals: tuple[Refusal, ...] = field(default=(), repr=False)
    leaves: tuple[LeftMember, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Description:
    """One ``VMStateDescription``.

    ``symbol`` is the C symbol (``vmstate_riscv_cpu``), unique within its file; ``name``
    the wire name, empty if the C sets it at run time (``runtime_name``).  ``type`` is
    the C type of the object its fields are offsets into.  ``subsections`` are symbols,
    in order.  ``needed`` is the symbol of the predicate, empty for none.

    ``answers`` names the code of the emitted modules that finds out from the bytes around
    what the tests and amounts of the description ask for and no field holds.

    ``endless`` names its lists that have no end in C: QEMU reads on in the memory that
    follows, which ends them where it is zero.
    """

    symbol: Symbol
    name: str
    type: CType
    version_id: int
    minimum_version_id: int
    fields: tuple[Field, ...]
    subsections: tuple[Symbol, ...] = ()
    needed: Symbol = ""
    hooks: tuple[Hook, ...] = ()
    priority: Term = ""
    unmigratable: bool = False
    early_setup: bool = False
    runtime_name: bool = False
    static: bool = True
    answers: Term = ""
    # Not part of what the generated code is stamped with.
    endless: tuple[Literal["fields", "subsections"], ...] = field(
        default=(), repr=False
    )
    position: Position = NOWHERE

    def outline(self) -> Description:
        """The description without what its lists hold."""
        return replace(self, fields=(), subsections=(), answers="", endless=())


@dataclass(frozen=True, slots=True)
class Method:
    """A function (or a description) that C puts into a member of a class or of a
    callback table: ``k->save_config = virtio_pci_save_config``.

    ``owner`` is the C type with the member, ``symbol`` what is put there, ``moves`` what
    it moves if it is a function that gets the stream (as ``translate.moves`` writes it).
    """

    owner: CType
    member: str
    symbol: Symbol
    moves: str = ""


@dataclass(frozen=True, slots=True)
class PreSaved:
    """What a ``pre_save`` function (``symbol``) always leaves in members; one that is
    ``static`` does so for its own file only."""

    symbol: Symbol
    leaves: tuple[LeftMember, ...]
    static: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """What a file defines and the IR lacks, and why.

    ``symbol`` is that of a description or an info, empty where the file as a whole, or
    something in it that has no name, was not read.  ``found`` is never empty.  ``known``
    are the outlines of its descriptions, as far as they were read.  A linked program has none: what others name is among its descriptions,
    with one opaque field.
    """

    symbol: Symbol
    file: File
    found: tuple[Diagnostic, ...]
    known: tuple[Description, ...] = ()


@dataclass(frozen=True, slots=True)
class Module:
    """What one C file contributes: its descriptions in file order and the functions
    they mention.

    Symbols named by a description are looked up in its own module first, then among
    the non-static descriptions of the other modules of the program.  ``infos`` are the
    infos that other modules may name, ``methods`` the callbacks that move bytes, ``unread``
    what the file defines beside them; a linked program has none left, since each stands
    where it is used, and the program says what was not read.  ``pre_saved`` is what its
    ``pre_save`` functions leave: in a linked program at the hooks that call them.
    """

    file: File
    descriptions: tuple[Description, ...]
    functions: tuple[Function, ...] = ()
    # Not part of what the generated code is stamped with: a linked program has none.
    infos: tuple[WordsElement | CustomElement, ...] = field(default=(), repr=False)
    methods: tuple[Method, ...] = field(default=(), repr=False)
    unread: tuple[Unread, ...] = field(default=(), repr=False)
    pre_saved: tuple[PreSaved, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Root:
    """A description (or old-style handlers) that gets a section of its own in a stream.

    ``symbol`` is the description's C symbol, or that of the ``SaveVMHandlers``; ``home``
    the file that defines the description (empty for handlers).  ``how`` says who
    registers it: the class of a device (``dc->vmsd``) or of a CPU (``legacy_vmsd``), a
    call of ``vmstate_register`` and its siblings, or ``register_savevm_live``.
    ``registrant`` is the type that sets the class's description, or the C function that
    calls; ``file`` and ``position`` are where that is.

    ``section`` is the section's name after any prefix; ``*`` stands for what is known at
    run time only.  ``prefix`` says what comes before it, with a ``/`` in between:
    nothing, ``path`` (the device's, which its bus tells: ``qdev_get_dev_path``) or
    ``maybe`` (the object's ``VMStateIf`` id, if it has one: a device's is its path).
    ``instance`` is a number, ``any`` (the first that is free) or the C expression;
    ``alias`` likewise, empty for none.  ``device_types`` are the concrete types whose
    instances have the section, sorted; empty where a function registers it.  ``guards``
    are the C variables that decide whether it does, and that differ from machine to
    machine or from build to build; empty where the function always registers it.
    """

    symbol: Symbol
    file: File
    home: File
    how: Literal["device", "legacy_cpu", "vmstate_register", "handlers"]
    registrant: str
    section: str
    prefix: Literal["", "path", "maybe"] = ""
    instance: str = "any"
    alias: str = ""
    device_types: tuple[str, ...] = ()
    version_id: int = 0
    position: Position = NOWHERE
    guards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Premise:
    """C tables that say what the rest of a tree makes of a stream, where a refusal of the
    same C decides differently in two trees.

    ``name`` is what they list, ``readers`` are the C identifiers by which a refusal reads
    it.  ``rows`` are the entries, sorted: of each its members that matter, as C has them
    without white space and comments.  ``keyed`` says that the first member is a key: rows
    matter to those who use it.
    """

    name: str
    readers: tuple[str, ...]
    keyed: bool = False
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """Everything known about one target of one release (or of the user's own files).

    ``release`` is the tree's version (``10.0.2``), ``target`` its name for the target
    (``riscv64``); either is empty where there is none.  Modules are sorted by file.
    ``roots`` are sorted by position; empty where no one asked for them.  ``elsewhere``
    are files whose modules are not here but with those that several targets share.
    ``premises`` are what refusals depend on besides the stream, sorted by name.
    ``unread`` are the descriptions that were not read, those that contain one of them,
    and the files that were not read, sorted by file and symbol.  ``machines`` are the
    target's machine types and the properties of its devices; empty where only some files
    were read.
    """

    release: Label
    target: Label
    modules: tuple[Module, ...]
    # Not part of what the generated code is stamped with.
    roots: tuple[Root, ...] = field(default=(), repr=False)
    elsewhere: tuple[File, ...] = field(default=(), repr=False)
    premises: tuple[Premise, ...] = field(default=(), repr=False)
    unread: tuple[Unread, ...] = field(default=(), repr=False)
    machines: Machines = field(default=Machines(), repr=False)
