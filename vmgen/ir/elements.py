"""What one element of a field is on the wire, how many there are and how large.

All integers on the wire are big-endian.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vmgen.ir.expressions import Expr, Path
from vmgen.ir.types import IntType
from vmgen.ir.words import Count, CType, MemberPath, PythonName, Symbol, Term


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
    info: Symbol = ""


@dataclass(frozen=True, slots=True)
class TimerElement:
    """``vmstate_info_timer``: the expiry in ns as be64, -1 (all ones) when off."""


@dataclass(frozen=True, slots=True)
class BufferElement:
    """``vmstate_info_buffer``: as many raw bytes as the field's size says.

    ``info`` is the C symbol and ``name`` the own name of another info that moves them.
    """

    info: Symbol = ""
    name: str = ""


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

    A custom info of free form is one too: ``info`` is its C symbol, ``name`` its own name,
    and the description says what its ``get`` and ``put`` move; ``owned`` where that may
    depend on members of the object that has the field (``parent``).
    """

    description: Symbol
    type: CType = ""
    vstruct: bool = False
    info: Symbol = ""
    name: str = ""
    # The description says it too: not part of what the generated code is stamped with.
    owned: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True)
class TmpElement:
    """``VMSTATE_WITH_TMP``: a nested description over a temporary of C type ``type``.

    Loaded with the *field's* version, saved with the description's (``get_tmp`` and
    ``put_tmp``, ``migration/vmstate-types.c``).
    """

    description: Symbol
    type: CType = ""


@dataclass(frozen=True, slots=True)
class ListElement:
    """``vmstate_info_qtailq``/``vmstate_info_qlist``: 1 and an element, ..., then 0.

    A ``sentinel`` list has no byte in front of an element: the first field of each is a
    positive integer, and one that is not positive ends the list.
    """

    kind: Literal["qtailq", "qlist", "sentinel"]
    description: Symbol
    type: CType = ""


@dataclass(frozen=True, slots=True)
class GTreeElement:
    """``vmstate_info_gtree``: be32 count, then 1, key, value ..., then 0.

    ``key`` is a description's symbol, or empty for a direct key (be64).
    """

    key: Symbol
    value: Symbol
    key_type: CType = ""
    value_type: CType = ""


@dataclass(frozen=True, slots=True)
class Word:
    """One ``qemu_get_*``/``qemu_put_*`` of a custom info.

    ``type`` is its integer type on the wire; ``member`` the C member of the element it
    goes to (``esid``, ``u64[0]``), empty when the value passes through a C function.
    """

    type: IntType
    member: MemberPath = ""


@dataclass(frozen=True, slots=True)
class WordsElement:
    """A custom info whose ``get`` and ``put`` move a fixed sequence of words.

    ``info`` is the C symbol, ``name`` the info's own name.
    """

    info: Symbol
    name: str
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class NothingElement:
    """No bytes at all: ``VMSTATE_VALIDATE`` (the test must hold after load)."""


ELSEWHERE = "defined in another file"
"""The reason of a :class:`CustomElement` before its file is linked with the others."""


@dataclass(frozen=True, slots=True)
class CustomElement:
    """An info whose bytes no one knows; ``reason`` says why.

    ``get`` and ``put`` are what the two functions move, as ``translate.moves`` writes it.
    ``unread`` is for what is in the place of all fields and subsections of a
    description that was not read, ``info`` being its symbol: the diagnostic's code.
    ``load`` and ``save`` are the Python functions that a user named for the info: a fact
    for whoever compares.  Code calls those alone that its user's own configuration names.
    """

    info: Symbol
    name: str
    reason: str = ""
    # Not part of what the generated code is stamped with.
    get: str = field(default="", repr=False)
    put: str = field(default="", repr=False)
    unread: Term = field(default="", repr=False)
    load: PythonName = ""
    save: PythonName = ""


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
    | CustomElement
)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A number known from the C."""

    value: Count


@dataclass(frozen=True, slots=True)
class FromMember:
    """``multiply`` times the value of an integer member of the description's object.

    ``path`` may name a member that no field migrates: then the context answers.
    """

    path: Path
    type: IntType
    multiply: int = 1


@dataclass(frozen=True, slots=True)
class Computed:
    """A number that C computes from members of the description's object; members that no
    field migrates come from the context."""

    value: Expr


Amount: TypeAlias = Fixed | FromMember | Computed
