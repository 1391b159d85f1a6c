"""What ``-dump-vmstate`` of a real QEMU says, held to a program.

The dump (``dump_vmstate_vmsd`` in ``migration/savevm.c``) has one entry per device
class with a ``vmsd``: names, versions, and of each field the raw members of its
``VMStateField``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vmgen import ir
from vmgen.lookup import Lookup, Placed


@dataclass(frozen=True)
class Difference:
    """A device class of the dump that no description of the program agrees with."""

    device: str
    name: str
    reason: str


class Dump:
    """The descriptions of a program as the dump would show them.

    Without ``layout`` the size of a struct that has a description of its own is not
    compared: a struct may grow in C, and nothing changes on the wire.
    """

    def __init__(self, program: ir.Program, layout: bool = True) -> None:
        self.lookup = Lookup(program)
        self._layout = layout
        self.by_name: dict[str, list[Placed]] = defaultdict(list)
        for placed in self.lookup.all():
            # printf shows a name that is set at run time as (null).
            self.by_name[placed.description.name or "(null)"].append(placed)
        self._shown: dict[tuple[str, str], dict[str, Any]] = {}
        self._counts = True

    def differences(self, dump: dict[str, Any]) -> tuple[int, list[Difference]]:
        """How many classes of a dump agree with a description of their wire name, and
        those that agree with none."""
        agreed = 0
        found = []
        # Before 8.0 the dump does not say how long an array is.
        self._shown.clear()
        self._counts = '"num": ' in json.dumps(dump)
        for device, entry in dump.items():
            if device == "vmschkmachine":
                continue
            theirs = normal(entry["Description"], self._layout)
            reasons = []
            for placed in self.by_name.get(theirs["name"], ()):
                reason = next(differing(self.shown(placed), theirs, ""), "")
                if not reason:
                    agreed += 1
                    break
                reasons.append(f"{placed.module.file}: {reason}")
            else:
                reason = "; ".join(reasons) or "no description has this name"
                found.append(Difference(device, theirs["name"], reason))
        return agreed, found

    def shown(self, placed: Placed) -> dict[str, Any]:
        """The description as the dump shows it."""
        key = placed.module.file, placed.description.symbol
        known = self._shown.get(key)
        if known is None:
            description = placed.description
            known = self._shown[key] = {
                "name": description.name or "(null)",
                "version_id": description.version_id,
                "minimum_version_id": description.minimum_version_id,
                "Fields": [
                    self.field(field, placed.module)
                    for field in description.fields
                    if not field.must_exist
                ],
                "Subsections": [
                    self.named(symbol, placed.module)
                    for symbol in description.subsections
                ],
            }
        return known

    def named(self, symbol: str, module: ir.Module) -> dict[str, Any]:
        placed = self.lookup.find(symbol, module)
        assert placed is not None, symbol
        return self.shown(placed)

    def field(self, field: ir.Field, module: ir.Module) -> dict[str, Any]:
        out: dict[str, Any] = {
            "field": field.name,
            "version_id": field.version_id,
            "field_exists": bool(field.test),
            "size": raw_size(field),
        }
        if self._counts and field.array and isinstance(field.count, ir.Fixed):
            out["num"] = field.count.value
        match field.element:
            case (
                ir.StructElement(description=symbol, info="")
                | ir.TmpElement(description=symbol)
                | ir.ListElement(description=symbol)
                | ir.GTreeElement(value=symbol)
            ):
                out["Description"] = self.named(symbol, module)
                if not self._layout:
                    del out["size"]
        return out


def raw_size(field: ir.Field) -> int:
    """``.size`` as the table has it: a factor where the size itself is in a member."""
    if isinstance(field.size, ir.Fixed):
        return field.size.value
    if isinstance(field.size, ir.Computed):
        return 0
    return field.size.multiply if field.size.multiply != 1 else 0


def normal(entry: dict[str, Any], layout: bool) -> dict[str, Any]:
    """An entry of the dump with the lists that it leaves out."""
    out = dict(entry)
    out["Fields"] = [normal_field(field, layout) for field in entry.get("Fields", ())]
    out["Subsections"] = [normal(each, layout) for each in entry.get("Subsections", ())]
    return out


def normal_field(field: dict[str, Any], layout: bool) -> dict[str, Any]:
    out = dict(field)
    if "Description" in out:
        out["Description"] = normal(out["Description"], layout)
        if not layout:
            del out["size"]
    return out


def differing(ours: Any, theirs: Any, where: str) -> Iterator[str]:
    """Where two shown descriptions differ, outermost first."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        name = ours.get("field", ours.get("name", ""))
        here = f"{where}/{name}" if name else where
        for key in sorted({*ours, *theirs}):
            if key not in ours or key not in theirs:
                which = "the dump" if key in theirs else "the program"
                yield f"{here}: only {which} has {key}"
            else:
                yield from differing(ours[key], theirs[key], f"{here}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield f"{where}: {len(ours)} in the program, {len(theirs)} in the dump"
        for one, other in zip(ours, theirs, strict=False):
            yield from differing(one, other, where)
    elif ours != theirs:
        yield f"{where}: {ours!r} in the program, {theirs!r} in the dump"
