"""The fixed part of a description as a tree of leaves, for building peers' schemas.

Made from the IR, so that every peer decodes exactly the bytes that generated code does.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from vmgen import ir

CODES = {
    "bool": "?",
    "int8": "b",
    "uint8": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
}


@dataclass(frozen=True, slots=True)
class Numbers:
    """``count`` numbers of one struct code; ``single`` for a number that is no array.

    ``name`` is unique among the members, ``path`` the C path.
    """

    name: str
    path: str
    code: str
    count: int
    single: bool


@dataclass(frozen=True, slots=True)
class Raw:
    """``size`` raw bytes; an empty name for padding."""

    name: str
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Records:
    """``count`` structs with the same members."""

    name: str
    path: str
    count: int
    single: bool
    members: tuple[Node, ...]


Node: TypeAlias = Numbers | Raw | Records


def shape(program: ir.Program, symbol: str) -> tuple[Node, ...]:
    """The members of a description without subsections, at its current version.

    Raises ``ValueError`` where the description is not of one fixed size.
    """
    module, description = next(
        (module, description)
        for module in program.modules
        for description in module.descriptions
        if description.symbol == symbol
    )
    nodes: list[Node] = []
    seen: dict[str, int] = {}
    for field in description.fields:
        if field.version_id > description.version_id or isinstance(
            field.element, ir.NothingElement
        ):
            continue
        if not isinstance(field.count, ir.Fixed) or field.test:
            raise ValueError(f"{symbol} {field.name} is not fixed")
        name = path = ir.path_text(field.path)
        if field.start:
            name += f"[{field.start}:]"
        # Two fields may read parts of one member; peers need a name for each.
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1 and name:
            name += f"_{seen[name]}"
            if not isinstance(field.element, ir.StructElement):
                path += f"_{seen[path]}"  # parts of an array of structs are one list
        count, single = field.count.value, not field.array
        match field.element:
            case ir.IntegerElement(type=kind):
                nodes.append(Numbers(name, path, CODES[kind], count, single))
            case ir.TimerElement():
                nodes.append(Numbers(name, path, "q", count, single))
            case ir.WordsElement(words=words):
                nodes.append(
                    Numbers(
                        name or field.name,
                        path or field.name,
                        CODES[words[0].type],
                        count * len(words),
                        single and len(words) == 1,
                    )
                )
            case ir.BufferElement() if isinstance(field.size, ir.Fixed):
                nodes.append(Raw(name, path, field.size.value))
            case ir.UnusedElement() if isinstance(field.size, ir.Fixed):
                nodes.append(Raw("", "", field.size.value * count))
            case ir.StructElement(description=nested) | ir.TmpElement(
                description=nested
            ):
                one = ir.Program(program.release, program.target, (module,))
                nodes.append(
                    Records(name or "tmp", path, count, single, shape(one, nested))
                )
            case element:
                raise ValueError(f"{symbol} {field.name}: {type(element).__name__}")
    return tuple(nodes)


def leaves(nodes: tuple[Node, ...]) -> Iterator[Numbers | Raw]:
    """Every leaf in the order of the wire, records unrolled."""
    for node in nodes:
        if isinstance(node, Records):
            for _ in range(node.count):
                yield from leaves(node.members)
        else:
            yield node


def struct_format(nodes: tuple[Node, ...]) -> str:
    """The format of one ``struct.Struct`` that yields every element."""
    parts = []
    for leaf in leaves(nodes):
        if isinstance(leaf, Raw):
            parts.append(f"{leaf.size}{'s' if leaf.name else 'x'}")
        else:
            parts.append(f"{leaf.count}{leaf.code}")
    return ">" + "".join(parts)


def random_bytes(nodes: tuple[Node, ...], seed: int) -> bytes:
    """Random values for every leaf; booleans are 0 or 1, padding is zero."""
    source = random.Random(seed)
    out = bytearray()
    for leaf in leaves(nodes):
        if isinstance(leaf, Raw):
            out += source.randbytes(leaf.size) if leaf.name else bytes(leaf.size)
        elif leaf.code == "?":
            out += bytes(source.randrange(2) for _ in range(leaf.count))
        else:
            size = {"b": 1, "h": 2, "i": 4, "q": 8}[leaf.code.lower()]
            out += source.randbytes(size * leaf.count)
    return bytes(out)


def reader(
    nodes: tuple[Node, ...],
    access: Callable[[str, Node], str],
    sample: object = None,
) -> Callable[[object], None]:
    """A straight-line function that touches every value of a decoded object.

    ``access(object, node)`` is the Python expression for a member.  Where ``sample``, a
    decoded object, has an ``array``, all of its values are read with ``tolist``.
    """
    lines: list[str] = []

    def members(owner: str, nodes: tuple[Node, ...], depth: int, example: Any) -> None:
        pad = "    " * depth
        for number, node in enumerate(nodes):
            if not node.name:
                continue
            value = access(owner, node)
            found = example and eval(access("example", node), {"example": example})
            if isinstance(node, Records):
                inner = f"{owner}_{number}"
                if node.single:
                    lines.append(f"{pad}{inner} = {value}")
                    members(inner, node.members, depth, found)
                else:
                    lines.append(f"{pad}for {inner} in {value}:")
                    members(inner, node.members, depth + 1, found and found[0])
            elif isinstance(node, Raw) or node.single:
                lines.append(f"{pad}{value}")
            elif isinstance(found, array):
                lines.append(f"{pad}{value}.tolist()")
            else:
                lines.append(f"{pad}list({value})")

    members("value", nodes, 1, sample)
    namespace: dict[str, Any] = {}
    exec("\n".join(["def read(value):", *lines]), namespace)
    read: Callable[[object], None] = namespace["read"]
    return read
