"""What tells a target by a stream, as a small file beside the codecs."""

from __future__ import annotations

import json

from vmgen import ir
from vmgen.ir.types import WIDTHS
from vmgen.schemas import FORMATS
from vmgen.targets import page_bits


def meta(program: ir.Program) -> str:
    """JSON: the format, the release, the target, its page bits, and of each table of a section
    ``cpu`` the symbol, the version and the fields by the names that a stream's
    description has, with the sizes of an element in bytes (0 where it has none)."""
    head = {
        "format": FORMATS["meta"],
        "release": program.release,
        "target": program.target,
        "page_bits": page_bits(program.target, program.release),
    }
    tables = [
        json.dumps(
            {"symbol": one.symbol, "version": one.version_id, "fields": _sizes(one)}
        )
        for module in program.modules
        for one in module.descriptions
        if one.name == "cpu"
    ]
    lines = [
        f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items()
    ]
    cpu = ",\n    ".join(tables)
    return "{\n" + "".join(lines) + f'  "cpu": [\n    {cpu}\n  ]\n' + "}\n"


def _sizes(table: ir.Description) -> dict[str, list[int]]:
    found: dict[str, set[int]] = {}
    for field in table.fields:
        element = field.element
        size = WIDTHS[element.type] if isinstance(element, ir.IntegerElement) else 0
        found.setdefault(field.name, set()).add(size)
    return {name: sorted(sizes) for name, sizes in found.items()}
