"""One row of a field table as an ``ir.Field``.

What the flags mean is QEMU's ``vmstate_n_elems``, ``vmstate_size`` and
``vmstate_load_state`` (``migration/vmstate.c``); which bit is which flag is read from
the tree's own ``enum VMStateFlags``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from vmgen import ir
from vmgen.cfront import syntax as c
from vmgen.cfront.ctype import (
    CType,
    Enum,
    Integer,
    Record,
)
from vmgen.cfront.layout import (
    Filled,
    FilledRecord,
    Layout,
)
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import uncast
from vmgen.extract import initializer, offsets
from vmgen.extract.elements import ElementReader
from vmgen.ir.types import WIDTHS
from vmgen.source import Diagnostic, Position, VmgenError

KNOWN: Final = {
    "name",
    "err_hint",
    "offset",
    "size",
    "start",
    "num",
    "num_offset",
    "num_indirect",
    "size_offset",
    "size_indirect",
    "info",
    "flags",
    "vmsd",
    "version_id",
    "struct_version_id",
    "field_exists",
}

# The flags whose meaning for the wire is built in, by QEMU's names.
MEANT: Final = {
    "VMS_SINGLE",
    "VMS_POINTER",
    "VMS_ARRAY",
    "VMS_STRUCT",
    "VMS_VARRAY",
    "VMS_VARRAY_INT32",
    "VMS_BUFFER",
    "VMS_ARRAY_OF_POINTER",
    "VMS_ARRAY_OF_POINTER_AUTO_ALLOC",
    "VMS_VARRAY_UINT16",
    "VMS_VBUFFER",
    "VMS_MULTIPLY",
    "VMS_VARRAY_UINT8",
    "VMS_VARRAY_UINT32",
    "VMS_MUST_EXIST",
    "VMS_ALLOC",
    "VMS_MULTIPLY_ELEMENTS",
    "VMS_VSTRUCT",
    "VMS_END",
}

# vmstate_n_elems reads the count through a pointer of this type.
COUNT_TYPES: Final[dict[str, ir.IntType]] = {
    "VMS_VARRAY_INT32": "int32",
    "VMS_VARRAY_UINT32": "uint32",
    "VMS_VARRAY_UINT16": "uint16",
    "VMS_VARRAY_UINT8": "uint8",
}


class FieldReader:
    """Reads rows of field tables of one unit."""

    def __init__(self, unit: Unit, layout: Layout) -> None:
        self._unit = unit
        self._layout = layout
        self._flag_names: dict[str, int] | None = None
        self.elements = ElementReader(unit, layout)

    # --- the row ----------------------------------------------------------------

    def field(self, init: FilledRecord) -> ir.Field | None:
        """The field, or None for the row that ends the list.

        Raises :class:`VmgenError` for whatever the row leaves open.
        """
        name = ""
        try:
            name_value = init["name"]
            name = initializer.text(self._layout, name_value) or ""
            flags = self._flags(init["flags"])
            if "VMS_END" in flags or (
                initializer.is_null(name_value) and initializer.is_null(init["info"])
            ):
                return None
            for member in init.members:
                if member not in KNOWN:
                    raise VmgenError(
                        Diagnostic(
                            "VG411",
                            f"VMStateField has a member .{member} that vmgen does not know",
                            hint="its meaning for the wire must be added to vmgen",
                        )
                    )
            return self._field(name, init, flags, init.position)
        except VmgenError as error:
            # The line of the table is where the fix goes; the expansion is elsewhere.
            raise VmgenError(
                *(
                    replace(
                        found,
                        position=(
                            init.position if init.position.file else found.position
                        ),
                        context=(name, *found.context) if name else found.context,
                    )
                    for found in error.diagnostics
                )
            ) from None

    def _field(
        self, name: str, init: FilledRecord, flags: tuple[str, ...], where: Position
    ) -> ir.Field:
        element = self.elements.element(init, flags)
        offset = offsets.offset(self._layout, init["offset"])
        size = self._size(init, flags)
        count, array = self._count(init, flags)
        pointer = "VMS_POINTER" in flags
        pointers: ir.Pointers = ""
        if "VMS_ARRAY_OF_POINTER_AUTO_ALLOC" in flags:
            pointers = "every"
        elif "VMS_ARRAY_OF_POINTER" in flags:
            pointers = "null"
        start = 0
        if isinstance(element, ir.BufferElement):
            start = offset.bytes
        else:
            offset = offsets.into(self._layout, offset, where)
        path = offset.path
        if (
            array
            and path
            and path[-1].index
            and offsets.is_element(offset, pointer, bool(pointers))
        ):
            # A sub-array: the macro took the address of its first element.
            last = path[-1]
            path = (*path[:-1], replace(last, index=last.index[:-1]))
            start = last.index[-1]
        self._check_width(element, init, size, offset)
        return ir.Field(
            name=name,
            path=path,
            element=element,
            size=size,
            count=count,
            array=array,
            start=start,
            version_id=self._integer(init["version_id"]),
            struct_version_id=self._integer(init["struct_version_id"]),
            test=initializer.symbol(self._layout, init["field_exists"]),
            must_exist="VMS_MUST_EXIST" in flags,
            pointer=pointer,
            pointers=pointers,
            allocated="VMS_ALLOC" in flags,
            position=where,
        )

    def object_type(self, rows: Iterable[FilledRecord]) -> str:
        """The C type that most offsets of a table use; empty if none is."""
        types: Counter[str] = Counter()
        for row in rows:
            offset = initializer.pointer(row["offset"])
            for term in initializer.walk(offset) if offset is not None else ():
                if isinstance(term, c.OffsetOf):
                    types[self._layout.spelling(term.type)] += 1
                    break
            if self._names_tmp(row["info"]):
                types[self._tmp_parent(row)] += 1
        types.pop("", None)
        return max(types, key=lambda name: types[name]) if types else ""

    # --- flags ------------------------------------------------------------------

    def _flags(self, value: Filled | None) -> tuple[str, ...]:
        bits = self._integer(value)
        names: list[str] = []
        for name, bit in self._all_flags().items():
            if bit and bits & bit == bit:
                names.append(name)
                bits &= ~bit
        if bits:
            raise VmgenError(
                Diagnostic(
                    "VG413",
                    f"flag bits {bits:#x} have no name in enum VMStateFlags",
                    hint="use the flags of migration/vmstate.h",
                )
            )
        for name in names:
            if name not in MEANT:
                raise VmgenError(
                    Diagnostic(
                        "VG413",
                        f"flag {name} is new: vmgen does not know what it does to the wire",
                        hint="its meaning must be added to vmgen before this table can be read",
                    )
                )
        return tuple(names)

    def _all_flags(self) -> Mapping[str, int]:
        if self._flag_names is None:
            declared = self._unit.enumerator("VMS_SINGLE")
            if declared is None:
                raise VmgenError(
                    Diagnostic(
                        "VG414",
                        "the file uses VMStateField without enum VMStateFlags",
                        Position(self._unit.source),
                        hint='include "migration/vmstate.h"',
                    )
                )
            self._flag_names = {
                item.name: self._layout.constant(c.Name(item.name))
                for item in declared.enumerators
            }
        return self._flag_names

    # --- how large, how many ----------------------------------------------------

    def _size(self, init: FilledRecord, flags: tuple[str, ...]) -> ir.Amount:
        if "VMS_VBUFFER" in flags:
            member = self._member(init, "size", "int32")
            if "VMS_MULTIPLY" in flags:
                return replace(member, multiply=self._integer(init["size"]))
            return member
        return ir.Fixed(self._integer(init["size"]))

    def _count(
        self, init: FilledRecord, flags: tuple[str, ...]
    ) -> tuple[ir.Amount, bool]:
        multiply = self._integer(init["num"]) if "VMS_MULTIPLY_ELEMENTS" in flags else 1
        if "VMS_ARRAY" in flags:
            number = self._integer(init["num"])
            return ir.Fixed(number * multiply), True
        for flag, type in COUNT_TYPES.items():
            if flag in flags:
                return replace(self._member(init, "num", type), multiply=multiply), True
        if "VMS_VARRAY" in flags:
            return replace(self._member(init, "num", None), multiply=multiply), True
        return ir.Fixed(multiply), False

    def _member(
        self, init: FilledRecord, which: str, type: ir.IntType | None
    ) -> ir.FromMember:
        """The member that ``.num_offset`` or ``.size_offset`` names.

        Newer upstream writes ``.num_indirect = {offset, size}`` instead; there the
        member's own type says how it is read.
        """
        value = init[f"{which}_offset"]
        indirect = init[f"{which}_indirect"]
        if value is None and isinstance(indirect, FilledRecord):
            value = indirect["offset"]
            type = None
        offset = offsets.offset(self._layout, value)
        if not offset.path:
            raise VmgenError(
                Diagnostic(
                    "VG416",
                    f"the member that holds the {'count' if which == 'num' else 'size'} "
                    "cannot be found",
                    hint=f"write .{which}_offset as offsetof(type, member)",
                )
            )
        if type is None:
            type = self._integer_type(offset.type)
        return ir.FromMember(offset.path, type)

    def _integer_type(self, type: CType | None) -> ir.IntType:
        if isinstance(type, Enum):
            type = type.base
        if isinstance(type, Integer):
            for name, size in WIDTHS.items():
                signed = not name.startswith(("u", "b"))
                if size == type.size and signed == type.signed and name != "bool":
                    return name
        raise VmgenError(
            Diagnostic("VG416", "the member that holds the count is not an integer")
        )

    # --- small readings ---------------------------------------------------------

    def _integer(self, value: Filled | None) -> int:
        return initializer.integer(self._layout, value)

    def _names_tmp(self, value: Filled | None) -> bool:
        inner = _strip(value)
        return isinstance(inner, c.Name) and inner.name == "vmstate_info_tmp"

    def _tmp_parent(self, row: FilledRecord) -> str:
        """The type of the ``parent`` pointer at the head of a temporary."""
        value = initializer.pointer(row["size"])
        for term in initializer.walk(value) if value is not None else ():
            if not (
                isinstance(term, c.SizeOf)
                and isinstance(term.operand, c.NamedType | c.RecordType)
            ):
                continue
            record = self._layout.resolve(term.operand)
            if isinstance(record, Record) and (
                parent := self._layout.member(record, "parent")
            ):
                return self._layout.spelling(parent.written)
        return ""

    def _check_width(
        self,
        element: ir.Element,
        init: FilledRecord,
        size: ir.Amount,
        offset: offsets.Reached,
    ) -> None:
        """An info that writes more bytes than the member has is a mistake in the table."""
        if (
            isinstance(element, ir.IntegerElement)
            and isinstance(size, ir.Fixed)
            and size.value < WIDTHS[element.type]
        ):
            raise VmgenError(
                Diagnostic(
                    "VG417",
                    f"{element.info} moves {WIDTHS[element.type]} bytes, the field has "
                    f"{size.value}",
                    hint="use the info of the member's own width",
                )
            )


def _strip(value: Filled | None) -> Filled | None:
    value = uncast(value)
    while isinstance(value, c.UnaryOperation) and value.op == "&":
        value = uncast(value.operand)
    return value
