"""Small programs written as IR, for the tests of lowering, rendering and the runtime."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any

from tests.generated_code import imported
from vmgen import ir
from vmgen.lower import lower
from vmgen.render import render
from vmgen.source import Position

U8, U16, U32, U64 = (
    ir.IntegerElement("uint8"), ir.IntegerElement("uint16"),
    ir.IntegerElement("uint32"), ir.IntegerElement("uint64"),
)  # fmt: skip
SIZES = {"uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "bool": 1, "int8": 1}


def steps(text: str, dims: tuple[int, ...] = (), *, pointer: bool = False) -> ir.Path:
    """``env.x[3].y`` as a path; ``dims`` are those of the last member."""
    made = []
    parts = text.split(".")
    for number, part in enumerate(parts):
        name, *indices = part.replace("]", "").split("[")
        index = tuple(int(one) for one in indices)
        last = number == len(parts) - 1
        lengths = dims if last and dims else tuple(one + 1 for one in index)
        type_ = "uint64_t" if last else f"{name.capitalize()}State"
        made.append(ir.Step(name, type_, lengths, index, pointer and last))
    return tuple(made)


def field(
    text: str, element: ir.Element = U64, dims: tuple[int, ...] = (), **more: Any
) -> ir.Field:
    """A field of the member; an array of it where ``dims`` are given."""
    pointer = more.get("pointer", False) or more.get("pointers", False)
    path = steps(text, dims, pointer=pointer) if text else ()
    size = SIZES.get(getattr(element, "type", ""), 8)
    if dims and "count" not in more:
        total = 1
        for one in dims:
            total *= one
        more |= {"count": ir.Fixed(total - more.get("start", 0)), "array": True}
    made = ir.Field(name=text, path=path, element=element, size=ir.Fixed(size))
    return replace(made, position=Position("hw/dev.c", 7), **more)


def description(name: str, *fields: ir.Field, **more: Any) -> ir.Description:
    """``vmstate_NAME`` with the wire name NAME (its last part, for ``a/b``)."""
    short = name.replace("/", "_").replace("-", "_")
    version = more.pop("version_id", 1)
    return ir.Description(
        symbol=more.pop("symbol", f"vmstate_{short}"),
        name=name,
        type=more.pop("type", "DevState"),
        version_id=version,
        minimum_version_id=more.pop("minimum_version_id", version),
        fields=fields,
        position=Position("hw/dev.c", 5),
        **more,
    )


def program(
    *descriptions: ir.Description, functions: tuple[ir.Function, ...] = ()
) -> ir.Program:
    return ir.Program(
        "10.0.2", "box", (ir.Module("hw/dev.c", descriptions, functions),)
    )


@contextmanager
def compiled(
    *descriptions: ir.Description, functions: tuple[ir.Function, ...] = ()
) -> Iterator[tuple[ModuleType, ModuleType]]:
    """The generated module and its runtime."""
    with imported(
        render(lower(program(*descriptions, functions=functions)))
    ) as modules:
        yield modules["box.hw.dev"], modules["_runtime"]
