"""What the C tables mean: the wire format of every description, frozen, with positions.

The IR knows nothing of parsers, templates or Python code generation.  ``extract`` and
``translate`` build it, ``ir_json`` writes and reads it, ``lower`` turns it into a codec
plan, ``diff`` compares two of them.

Vocabulary (QEMU's own, ``include/migration/vmstate.h``): a *description* is a
``VMStateDescription``, a *field* a ``VMStateField``, an *info* a ``VMStateInfo`` with
its ``get`` and ``put``.  All integers on the wire are big-endian.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vmgen.source import NOWHERE, Position

IntType = Literal[
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"
]

# --- where a field lives ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One member on the way from the description's object to the field.

    ``type`` is the C type the member was declared with, array and pointer declarators
    stripped, as written (``CPURISCVState``, ``target_ulong``, ``struct foo``), and empty
    for an anonymous record type.  ``dims`` are the declared array lengths (``()`` for no
    array, 0 for a flexible one).  ``index`` are the constant subscripts the table wrote
    after the member.  ``pointer`` says that what is left after the subscripts is a
    pointer.
    """

    name: str
    type: str
    dims: tuple[int, ...] = ()
    index: tuple[int, ...] = ()
    pointer: bool = False


Path: TypeAlias = tuple[Step, ...]


def path_text(path: Path) -> str:
    """The path as C writes it: ``env.vfp.zregs[3].d``."""
    return ".".join(
        step.name + "".join(f"[{index}]" for index in step.index) for step in path
    )


# --- expressions of translated predicates and functions -----------------------------
#
# Values are C integers of unbounded precision; ``translate`` inserts ``Truncate`` where
# C's width or sign would show.  Truth is 0 or 1 for comparison and logical operators.


@dataclass(frozen=True, slots=True)
class Const:
    """An integer; ``name`` is the C enumerator it came from, if it was one."""

    value: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """The ``version_id`` argument of a field test."""


@dataclass(frozen=True, slots=True)
class Var:
    """A loop variable of an enclosing :class:`Exists`."""

    name: str


@dataclass(frozen=True, slots=True)
class Load:
    """The value of an integer member of the description's object.

    ``path`` is a C path from the object (``env.priv_ver``); subscripts that are not
    constant stand as ``[$0]``, ``[$1]`` ... and take ``subscripts`` in order.  ``type``
    is the integer type of the member in memory; a pointer reads as ``uint64`` and only
    its truth is defined.
    """

    path: str
    type: IntType
    subscripts: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Unary:
    """``op`` is ``-``, ``~`` or ``!``."""

    op: Literal["-", "~", "!"]
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """``op`` as C spells it; ``/`` and ``%`` truncate towards zero."""

    op: Literal[
        "+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^",
        "==", "!=", "<", "<=", ">", ">=", "&&", "||",
    ]  # fmt: skip
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Select:
    """``condition ? then : otherwise``."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Truncate:
    """The operand converted to the integer type."""

    type: IntType
    operand: Expr


@dataclass(frozen=True, slots=True)
class Exists:
    """True if ``body`` holds for some ``var`` in ``range(start, stop, step)``: a
    constant loop that returns true early."""

    var: str
    start: Expr
    stop: Expr
    step: int
    body: Expr


@dataclass(frozen=True, slots=True)
class Ask:
    """The value of a C function or global that is not a function of the object alone
    (``kvm_enabled()``, a class property): the user's context knows it, by ``name``."""

    name: str


Expr: TypeAlias = (
    Const | Version | Var | Load | Unary | Binary | Select | Truncate | Exists | Ask
)


@dataclass(frozen=True, slots=True)
class Function:
    """A C function behind a description: a ``needed`` predicate or a field test.

    ``body`` is its translation, or None for one that became a named hook, with the
    reason in ``untranslated``.  ``type`` is the C type its opaque pointer is used as
    (empty if it is not used).
    """

    symbol: str
    position: Position = NOWHERE
    type: str = ""
    body: Expr | None = None
    untranslated: str = ""


# --- what one element is on the wire ------------------------------------------------


@dataclass(frozen=True, slots=True)
class IntegerElement:
    """A big-endian integer (``vmstate_info_int8`` ... ``vmstate_info_uint64``, bool).

    ``check`` names the rule of a checking info: ``equal`` (``*_equal``: the loaded value
    must equal what the destination has) or ``le`` (``int32_le``: not negative, not
    larger than the destination's).  ``info`` is the C symbol of the info; a
    ``CPU_Double`` (upper, then lower half) is a uint64 of ``vmstate_info_cpudouble``.
    """

    type: IntType
    check: Literal["", "equal", "le"] = ""
    info: str = ""


@dataclass(frozen=True, slots=True)
class TimerElement:
    """``vmstate_info_timer``: the expiry in ns as be64, -1 (all ones) when off."""


@dataclass(frozen=True, slots=True)
class BufferElement:
    """``vmstate_info_buffer``: as many raw bytes as the field's size says."""


@dataclass(frozen=True, slots=True)
class UnusedElement:
    """``vmstate_info_unused_buffer``: bytes ignored on load, zeros on save."""


@dataclass(frozen=True, slots=True)
class BitmapElement:
    """``vmstate_info_bitmap``: the field's size in bits, as be64 words."""


@dataclass(frozen=True, slots=True)
class StructElement:
    """``VMS_STRUCT``/``VMS_VSTRUCT``: a nested description, no header on the wire.

    ``description`` is the C symbol, ``type`` the C type of an element.  Nested fields
    are loaded and saved with the nested description's own ``version_id``, or with the
    field's ``struct_version_id`` for VSTRUCT (``vstruct`` true).
    """

    description: str
    type: str = ""
    vstruct: bool = False


@dataclass(frozen=True, slots=True)
class TmpElement:
    """``VMSTATE_WITH_TMP``: a nested description over a temporary of C type ``type``.

    Loaded with the *field's* version, saved with the description's (``get_tmp`` and
    ``put_tmp``, ``migration/vmstate-types.c``).
    """

    description: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class ListElement:
    """``vmstate_info_qtailq``/``vmstate_info_qlist``: 1 and an element, ..., then 0."""

    kind: Literal["qtailq", "qlist"]
    description: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class GTreeElement:
    """``vmstate_info_gtree``: be32 count, then 1, key, value ..., then 0.

    ``key`` is a description's symbol, or empty for a direct key (be64).
    """

    key: str
    value: str
    key_type: str = ""
    value_type: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """One ``qemu_get_*``/``qemu_put_*`` of a custom info.

    ``type`` is its integer type on the wire; ``member`` the C member of the element it
    goes to (``esid``, ``u64[0]``), empty when the value passes through a C function.
    """

    type: IntType
    member: str = ""


@dataclass(frozen=True, slots=True)
class WordsElement:
    """A custom info whose ``get`` and ``put`` move a fixed sequence of words.

    ``info`` is the C symbol, ``name`` the info's own name.
    """

    info: str
    name: str
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class NothingElement:
    """No bytes at all: ``VMSTATE_VALIDATE`` (the test must hold after load)."""


ELSEWHERE = "defined in another file"
"""The reason of a :class:`CustomElement` before its file is linked with the others."""


@dataclass(frozen=True, slots=True)
class CustomElement:
    """An info whose ``get``/``put`` no translation covers; ``lower`` asks the registry
    of explicit codecs, by ``info``.  ``reason`` says why it was not translated.

    ``get`` and ``put`` are what the two functions move, as ``translate.moves`` writes it:
    what the explicit codec was written from, or something else.
    """

    info: str
    name: str
    reason: str = ""
    # Not part of what the generated code is stamped with.
    get: str = field(default="", repr=False)
    put: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Part:
    """A description that a hand-written format contains, by the role it has there.

    ``file`` is the file that defines it, empty for the module's own or an external one.
    """

    role: str
    symbol: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class FormatElement:
    """A custom info whose bytes a hand-written codec knows: ``format`` names it in the
    registry of explicit codecs, ``kind`` says which variant it is, ``parts`` are the
    descriptions inside."""

    info: str
    name: str
    format: str
    kind: str = ""
    parts: tuple[Part, ...] = ()


Element: TypeAlias = (
    IntegerElement
    | TimerElement
    | BufferElement
    | UnusedElement
    | BitmapElement
    | StructElement
    | TmpElement
    | ListElement
    | GTreeElement
    | WordsElement
    | NothingElement
    | FormatElement
    | CustomElement
)

# --- how many, how large ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fixed:
    """A number known from the C."""

    value: int


@dataclass(frozen=True, slots=True)
class FromMember:
    """``multiply`` times the value of an integer member of the description's object.

    ``path`` may name a member that no field migrates: then the context is asked.
    """

    path: Path
    type: IntType
    multiply: int = 1


Amount: TypeAlias = Fixed | FromMember

# --- descriptions -------------------------------------------------------------------


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
    ``VMS_POINTER``, ``pointers`` is ``VMS_ARRAY_OF_POINTER``, ``allocated`` is
    ``VMS_ALLOC``; ``flags`` are all flags by the names the tree's own header gives them.

    ``test`` is the symbol of ``field_exists``: where present it *replaces* the check
    ``version_id <= version of the description being loaded``.  ``must_exist`` is
    ``VMS_MUST_EXIST``.
    """

    name: str
    path: Path
    element: Element
    size: Amount
    count: Amount = Fixed(1)
    array: bool = False
    start: int = 0
    version_id: int = 0
    struct_version_id: int = 0
    test: str = ""
    must_exist: bool = False
    pointer: bool = False
    pointers: bool = False
    allocated: bool = False
    flags: tuple[str, ...] = ()
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way in which a ``pre_load`` or ``post_load`` function returns an error, so that
    QEMU takes no stream (``vmstate_load_state``, ``migration/vmstate.c``).

    ``condition`` is true of the streams that are refused: an expression over the
    description's object as it is when the function is called, that is after its fields
    and subsections were loaded (for ``pre_load``: before).  Members that the stream has
    are what it says, all others are the destination's own; :class:`Ask` is a C function
    or global.  None where the C has no translation: then ``text`` is the condition in
    the words of the C source (``!pvr_match(cpu, env->spr[287])``) and ``untranslated``
    why.  A stream that meets no condition of any refusal is taken.

    ``position`` is where the error is returned.
    """

    condition: Expr | None = None
    text: str = ""
    untranslated: str = ""
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Hook:
    """A C function that changes host state around load or save; named, not run.

    ``refusals`` are the ways in which one before or after loading says no.
    """

    role: str  # pre_load, post_load, pre_save, post_save, dev_unplug_pending, *_errp
    symbol: str
    position: Position = NOWHERE
    # Not part of what the generated code is stamped with.
    refusals: tuple[Refusal, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Description:
    """One ``VMStateDescription``.

    ``symbol`` is the C symbol (``vmstate_riscv_cpu``), unique within its file; ``name``
    the wire name, empty if the C sets it at run time (``runtime_name``).  ``type`` is
    the C type of the object its fields are offsets into.  ``subsections`` are symbols,
    in order.  ``needed`` is the symbol of the predicate, empty for none.
    """

    symbol: str
    name: str
    type: str
    version_id: int
    minimum_version_id: int
    fields: tuple[Field, ...]
    subsections: tuple[str, ...] = ()
    needed: str = ""
    hooks: tuple[Hook, ...] = ()
    priority: str = ""
    unmigratable: bool = False
    early_setup: bool = False
    runtime_name: bool = False
    static: bool = True
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Method:
    """A function (or a description) that C puts into a member of a class or of a
    callback table: ``k->save_config = virtio_pci_save_config``.

    ``owner`` is the C type with the member, ``symbol`` what is put there, ``moves`` what
    it moves if it is a function that gets the stream (as ``translate.moves`` writes it).
    """

    owner: str
    member: str
    symbol: str
    moves: str = ""


@dataclass(frozen=True, slots=True)
class Module:
    """What one C file contributes: its descriptions in file order and the functions
    they mention.

    Symbols named by a description are looked up in its own module first, then among
    the non-static descriptions of the other modules of the program.  ``infos`` are the
    infos that other modules may name, ``methods`` the callbacks that move bytes; a linked
    program has none left, since each stands where it is used.
    """

    file: str
    descriptions: tuple[Description, ...]
    functions: tuple[Function, ...] = ()
    # Not part of what the generated code is stamped with: a linked program has none.
    infos: tuple[WordsElement | CustomElement, ...] = field(default=(), repr=False)
    methods: tuple[Method, ...] = field(default=(), repr=False)


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
    instances have the section, sorted; empty where a function registers it.
    """

    symbol: str
    file: str
    home: str
    how: Literal["device", "legacy_cpu", "vmstate_register", "handlers"]
    registrant: str
    section: str
    prefix: Literal["", "path", "maybe"] = ""
    instance: str = "any"
    alias: str = ""
    device_types: tuple[str, ...] = ()
    version_id: int = 0
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Program:
    """Everything known about one target of one release (or of the user's own files).

    ``release`` is the tree's version (``10.0.2``), ``target`` its name for the target
    (``riscv64``); either is empty where there is none.  Modules are sorted by file.
    ``roots`` are sorted by position; empty where nobody asked for them.  ``elsewhere``
    are files whose modules are not here but with those that several targets share.
    """

    release: str
    target: str
    modules: tuple[Module, ...]
    # Not part of what the generated code is stamped with.
    roots: tuple[Root, ...] = field(default=(), repr=False)
    elsewhere: tuple[str, ...] = field(default=(), repr=False)
