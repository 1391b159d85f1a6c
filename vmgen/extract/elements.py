"""What one element of a field is: an integer, an object, or what the info of its row moves."""

from __future__ import annotations

from vmgen import ir
from vmgen.cfront import syntax as c
from vmgen.cfront.layout import (
    Filled,
    FilledRecord,
    Layout,
)
from vmgen.cfront.unit import Unit
from vmgen.extract import initializer
from vmgen.extract.infos import INTEGERS, OTHERS
from vmgen.source import Diagnostic, Position, VmgenError
from vmgen.translate import moves, words


class ElementReader:
    """Reads the infos and the descriptions that rows of one unit name."""

    def __init__(self, unit: Unit, layout: Layout) -> None:
        self._unit = unit
        self._layout = layout
        self._infos: dict[str, ir.Element] = {}

    def element(self, init: FilledRecord, flags: tuple[str, ...]) -> ir.Element:
        """The element of a row with these flags.

        Raises :class:`VmgenError` for one that lacks what its flags ask for.
        """
        info_value, vmsd_value = init["info"], init["vmsd"]
        if "VMS_STRUCT" in flags or "VMS_VSTRUCT" in flags:
            return ir.StructElement(
                self._named(vmsd_value, "a struct field", ".vmsd"),
                self._sized_type(init),
                "VMS_VSTRUCT" in flags,
            )
        if "VMS_MUST_EXIST" in flags and initializer.is_null(info_value):
            return ir.NothingElement()
        if (literal := self._literal(info_value)) is not None:
            return self._info_body("", literal)
        info = self._named(info_value, "a field", ".info")
        if info in INTEGERS:
            return INTEGERS[info]
        if info in OTHERS:
            return OTHERS[info]
        if info == "vmstate_info_tmp":
            return ir.TmpElement(
                self._named(vmsd_value, "a temporary", ".vmsd"), self._sized_type(init)
            )
        if info in ("vmstate_info_qtailq", "vmstate_info_qlist"):
            return ir.ListElement(
                "qtailq" if info.endswith("qtailq") else "qlist",
                self._named(vmsd_value, "a list", ".vmsd"),
                self._sized_type(init),
            )
        if info == "vmstate_info_gtree":
            return self._gtree(init, vmsd_value)
        if info not in self._infos:
            self._infos[info] = self._own_info(info)
        return self._infos[info]

    def _literal(self, info: Filled | None) -> FilledRecord | None:
        """The info that a compound literal makes; None for a named one."""
        value = initializer.pointer(info)
        if value is None or isinstance(self._layout.base(value), str | None):
            return None
        found = self._layout.pointed(value)
        body = found.value if found is not None else None
        return body if isinstance(body, FilledRecord) else None

    def _gtree(self, init: FilledRecord, vmsd: Filled | None) -> ir.Element:
        # get_gtree (migration/vmstate-types.c): a zero key size means a direct key, and
        # then .vmsd is the value's description; otherwise it is a pair, value first.
        name = self._named(vmsd, "a tree", ".vmsd")
        value_type = self._sized_type(init)
        if not initializer.integer(self._layout, init["start"]):
            return ir.GTreeElement("", name, "", value_type)
        key_type = self._first_sizeof(initializer.pointer(init["start"]))
        table, _, index = name.removesuffix("]").rpartition("[")
        if not table:
            raise VmgenError(
                Diagnostic("VG415", "a tree needs an array of two descriptions")
            )
        return ir.GTreeElement(
            f"{table}[{int(index) + 1}]", f"{table}[{index}]", key_type, value_type
        )

    def shared_info(self, info: str) -> ir.WordsElement | ir.CustomElement | None:
        """What an info of this file is to the files that may name it; None if it is
        ``static`` or one of those that are built in."""
        declared = self._unit.object(info)
        if declared is None or declared.static or info in INTEGERS or info in OTHERS:
            return None
        return self._own_info(info)

    def _own_info(self, info: str) -> ir.WordsElement | ir.CustomElement:
        name, _, _ = info.partition("[")
        declared = self._unit.object(name)
        value = None if declared is None else self._layout.filled(declared)
        for symbol, body in initializer.rows(name, value) if value is not None else ():
            if symbol == info:
                return self._info_body(info, body)
        return ir.CustomElement(info, "", ir.ELSEWHERE)

    def _info_body(
        self, info: str, body: FilledRecord
    ) -> ir.WordsElement | ir.CustomElement:
        name = initializer.text(self._layout, body["name"]) or ""
        # Newer upstream calls them load and save.
        get = initializer.symbol(self._layout, body["get"] or body["load"])
        put = initializer.symbol(self._layout, body["put"] or body["save"])
        if not get or not put:
            return ir.CustomElement(info, name, "get or put is not a named function")
        if not info:
            info = get  # a compound literal: its function is what tells it from others
        try:
            moved = words(self._unit, self._layout, get, put)
        except VmgenError as error:
            # The tree's other readings do not depend on what these functions do.
            moved = str(error.diagnostics[0].message)
        if isinstance(moved, str):
            return ir.CustomElement(
                info, name, moved, moves(self._layout, get), moves(self._layout, put)
            )
        return ir.WordsElement(info, name, moved)

    def _named(self, value: Filled | None, what: str, member: str) -> str:
        name = initializer.symbol(self._layout, value)
        if name:
            self._declared(name, value)
        else:
            raise VmgenError(
                Diagnostic(
                    "VG415",
                    f"{what} needs {member} and has none",
                    hint=f"set {member}, or use a VMSTATE_* macro that does",
                )
            )
        return name

    def _declared(self, symbol: str, value: Filled | None) -> None:
        """Raise VG308 for the name of an object or a function that the file does not
        declare: no compiler takes it, and no one else can define it."""
        name = symbol.partition("[")[0]
        if (
            not self._unit.declares(name)
            and self._unit.object(name) is None
            and name not in INTEGERS
            and name not in OTHERS
        ):
            close = self._unit.alike(name)
            raise VmgenError(
                Diagnostic(
                    "VG308",
                    f"'{name}' is not declared",
                    getattr(value, "position", Position("")),
                    hint=f"did you mean '{close}'?" if close else "",
                )
            )

    def _sized_type(self, init: FilledRecord) -> str:
        return self._first_sizeof(initializer.pointer(init["size"]))

    def _first_sizeof(self, value: c.Expr | None) -> str:
        if value is None:
            return ""
        for term in initializer.walk(value):
            if isinstance(term, c.SizeOf) and isinstance(
                term.operand,
                c.NamedType | c.BasicType | c.RecordType | c.PointerType | c.ArrayType,
            ):
                return self._layout.spelling(term.operand)
        return ""
