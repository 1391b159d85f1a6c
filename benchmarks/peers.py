"""Peers: other ways to decode and encode the same bytes in Python.

Each builder takes the members of a description (``shape.Node``) and returns a
:class:`Peer`; a peer that is not installed or has no encoder says so.  Names are made
into identifiers, structs stay structs, arrays stay arrays: what a user of that library
would write by hand.
"""

from __future__ import annotations

import ctypes
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.shape import Node, Numbers, Raw, Records, leaves, reader, struct_format


@dataclass(frozen=True, slots=True)
class Peer:
    """``load`` decodes bytes, ``read`` touches every value of what ``load`` returned,
    ``save`` encodes what ``load`` returned (None where the library cannot)."""

    name: str
    load: Callable[[bytes], Any]
    read: Callable[[Any], object]
    save: Callable[[Any], bytes] | None = None


def by_name(owner: str, node: Node) -> str:
    """Members as attributes under their unique names."""
    return f"{owner}.{identifier(node.name)}"


def identifier(name: str) -> str:
    """A member name that C, Python and Kaitai all take."""
    return re.sub(r"\W+", "_", name.lower()).strip("_")


def construct_peer(nodes: tuple[Node, ...]) -> Peer:
    """construct, with its compiler."""
    import construct

    numbers = {
        "?": construct.Flag,
        "b": construct.Int8sb,
        "B": construct.Int8ub,
        "h": construct.Int16sb,
        "H": construct.Int16ub,
        "i": construct.Int32sb,
        "I": construct.Int32ub,
        "q": construct.Int64sb,
        "Q": construct.Int64ub,
    }

    def members(nodes: tuple[Node, ...]) -> Any:
        parts = []
        for node in nodes:
            if isinstance(node, Raw):
                if node.name:
                    parts.append(identifier(node.name) / construct.Bytes(node.size))
                else:
                    parts.append(construct.Padding(node.size))
                continue
            one = (
                numbers[node.code]
                if isinstance(node, Numbers)
                else members(node.members)
            )
            parts.append(
                identifier(node.name)
                / (one if node.single else construct.Array(node.count, one))
            )
        return construct.Struct(*parts)

    compiled = members(nodes).compile()
    return Peer(
        "construct (compiled)",
        compiled.parse,
        reader(nodes, by_name),
        compiled.build,
    )


def cstruct_peer(nodes: tuple[Node, ...]) -> Peer:
    """dissect.cstruct, with its compiler."""
    from dissect.cstruct import cstruct

    names = {
        "?": "uint8",
        "b": "int8",
        "B": "uint8",
        "h": "int16",
        "H": "uint16",
        "i": "int32",
        "I": "uint32",
        "q": "int64",
        "Q": "uint64",
    }
    text: list[str] = []

    def members(tag: str, nodes: tuple[Node, ...]) -> None:
        rows = []
        for number, node in enumerate(nodes):
            name = identifier(node.name) or f"pad{number}"
            if isinstance(node, Raw):
                rows.append(f"    char {name}[{node.size}];")
                continue
            if isinstance(node, Numbers):
                kind = names[node.code]
            else:
                kind = f"{tag}_{name}"
                members(kind, node.members)
            rows.append(
                f"    {kind} {name};"
                if node.single
                else f"    {kind} {name}[{node.count}];"
            )
        text.append("\n".join([f"struct {tag} {{", *rows, "};"]))

    members("cpu", nodes)
    schema = cstruct(endian=">")
    schema.load("\n".join(text), compiled=True)
    kind = schema.cpu
    return Peer(
        "dissect.cstruct (compiled)",
        kind,
        reader(nodes, by_name),
        lambda value: value.dumps(),
    )


def kaitai_peer(nodes: tuple[Node, ...], compiler: Path | None) -> Peer | None:
    """Kaitai Struct's runtime under the real compiler's output (read-only).

    ``compiler`` is a folder with the npm package ``kaitai-struct-compiler``; None if it
    or node is not at hand.
    """
    node_binary = shutil.which("node")
    if compiler is None or node_binary is None:
        return None
    numbers = {
        "?": "u1",
        "b": "s1",
        "B": "u1",
        "h": "s2",
        "H": "u2",
        "i": "s4",
        "I": "u4",
        "q": "s8",
        "Q": "u8",
    }
    types: dict[str, Any] = {}

    def sequence(prefix: str, nodes: tuple[Node, ...]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for number, node in enumerate(nodes):
            name = identifier(node.name) or f"pad{number}"
            if not name[0].isalpha():
                name = f"m{name}"
            if isinstance(node, Raw):
                rows.append({"id": name, "size": node.size})
                continue
            if isinstance(node, Numbers):
                kind = numbers[node.code]
            else:
                kind = f"{prefix}_{name}"
                types[kind] = {"seq": sequence(kind, node.members)}
            row: dict[str, Any] = {"id": name, "type": kind}
            if not node.single:
                row |= {"repeat": "expr", "repeat-expr": node.count}
            rows.append(row)
        return rows

    schema = {
        "meta": {"id": "cpu", "endian": "be"},
        "seq": sequence("t", nodes),
        "types": types,
    }
    script = """
const compiler = require(process.argv[1]);
const schema = JSON.parse(require("fs").readFileSync(0, "utf8"));
const api = typeof compiler === "function" ? new compiler() : compiler;
api.compile("python", schema, null, false)
  .then(files => process.stdout.write(JSON.stringify(files)));
"""
    run = subprocess.run(
        [node_binary, "-e", script, str(compiler)],
        input=json.dumps(schema),
        capture_output=True,
        text=True,
        check=True,
    )
    namespace: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, source in json.loads(run.stdout).items():
            (Path(folder) / name).write_text(source, encoding="utf-8")
            exec(compile(source, name, "exec"), namespace)
    kind = namespace["Cpu"]

    def access(owner: str, node: Node) -> str:
        name = identifier(node.name)
        return f"{owner}.{name if name[0].isalpha() else 'm' + name}"

    return Peer(
        "Kaitai Struct (compiler output)", kind.from_bytes, reader(nodes, access)
    )


def ctypes_peer(nodes: tuple[Node, ...]) -> Peer:
    """ctypes.BigEndianStructure: loading copies, every access converts."""
    numbers: dict[str, Any] = {
        "?": ctypes.c_uint8,
        "b": ctypes.c_int8,
        "B": ctypes.c_uint8,
        "h": ctypes.c_int16,
        "H": ctypes.c_uint16,
        "i": ctypes.c_int32,
        "I": ctypes.c_uint32,
        "q": ctypes.c_int64,
        "Q": ctypes.c_uint64,
    }

    def members(tag: str, nodes: tuple[Node, ...]) -> Any:
        fields: list[tuple[str, Any]] = []
        for number, node in enumerate(nodes):
            name = identifier(node.name) or f"pad{number}"
            if isinstance(node, Raw):
                fields.append((name, ctypes.c_uint8 * node.size))
                continue
            one = (
                numbers[node.code]
                if isinstance(node, Numbers)
                else members(f"{tag}_{name}", node.members)
            )
            fields.append((name, one if node.single else one * node.count))
        return type(
            tag,
            (ctypes.BigEndianStructure,),
            {"_pack_": 1, "_layout_": "ms", "_fields_": fields},
        )

    kind = members("cpu", nodes)

    return Peer("ctypes (lazy)", kind.from_buffer_copy, reader(nodes, by_name), bytes)


def numpy_peer(nodes: tuple[Node, ...]) -> Peer:
    """A numpy structured dtype: loading is a view."""
    import numpy

    def members(nodes: tuple[Node, ...]) -> Any:
        fields: list[Any] = []
        for number, node in enumerate(nodes):
            name = identifier(node.name) or f"pad{number}"
            if isinstance(node, Raw):
                fields.append((name, f"V{node.size}"))
                continue
            one: Any = (
                f">{node.code}" if isinstance(node, Numbers) else members(node.members)
            )
            fields.append((name, one) if node.single else (name, one, (node.count,)))
        return numpy.dtype(fields)

    kind = members(nodes)
    return Peer(
        "numpy structured (lazy)",
        lambda data: numpy.frombuffer(data, kind)[0],
        lambda value: value.tolist(),
        lambda value: bytes(value.tobytes()),
    )


def bitstruct_peer(nodes: tuple[Node, ...]) -> Peer:
    """bitstruct's C implementation: one flat tuple, no structure, no names."""
    from bitstruct import c as bitstruct

    parts = []
    for leaf in leaves(nodes):
        if isinstance(leaf, Raw):
            parts.append(f"r{leaf.size * 8}" if leaf.name else f"p{leaf.size * 8}")
        else:
            size = {"b": 8, "h": 16, "i": 32, "q": 64}.get(leaf.code.lower(), 8)
            letter = "s" if leaf.code in "bhiq" else "u"
            parts.append(f"{letter}{size}" * leaf.count)
    compiled = bitstruct.compile("".join(parts))
    return Peer(
        "bitstruct.c (flat tuple)",
        compiled.unpack,
        list,
        lambda value: compiled.pack(*value),
    )


def floor_peer(nodes: tuple[Node, ...]) -> Peer:
    """The floor: one bare ``struct.Struct`` that yields every element."""
    import struct

    compiled = struct.Struct(struct_format(nodes))
    return Peer(
        "floor: one struct.Struct",
        compiled.unpack,
        list,
        lambda value: compiled.pack(*value),
    )


def record_count(nodes: tuple[Node, ...]) -> int:
    """How many elements the leaves hold."""
    return sum(
        leaf.count if isinstance(leaf, Numbers) else int(bool(leaf.name))
        for leaf in leaves(nodes)
    )


__all__ = [
    "Peer",
    "Records",
    "bitstruct_peer",
    "construct_peer",
    "cstruct_peer",
    "ctypes_peer",
    "floor_peer",
    "kaitai_peer",
    "numpy_peer",
    "record_count",
]
