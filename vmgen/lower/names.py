"""Python names for C names: valid, unique, and as close to the C as Python allows."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable
from functools import lru_cache

from vmgen.infos import formats

RUNTIME = (
    "Array", "BadValue", "Buffer", "Codec", "Codecs", "Context", "Out", "Owner", "Run", "Scope", "State",
    "absent", "alike", "array_bool", "array_i16", "array_i32", "array_i64",
    "array_i8", "array_u16", "array_u32", "array_u64", "array_u8", "ask",
    "bytes_bool", "bytes_i16", "bytes_i32", "bytes_i64", "bytes_i8", "bytes_of",
    "bytes_u16", "bytes_u32", "bytes_u64", "bytes_u8", "c_div", "c_mod", "codec", "counted", "embed", "embed_many", "embedded", "embedded_many", "extent",
    "either_of", "fits", "functions", "item", "join_i16", "join_i32", "join_i64", "join_u16",
    "join_u32", "join_u64", "known", "listed", "loader", "maker", "marked_pointers", "member",
    "opaque", "Outside", "opaque_one", "packed", "packed_many", "pointers", "positive", "present", "presence", "put_listed", "put_opaque",
    "put_pointers", "put_scalar", "put_tree", "put_until", "repeated", "row_bytes", "rows_of",
    "saver", "scalar", "shift", "signed", "sized",
    "split_i16", "split_i32", "split_i64", "split_u16", "split_u32", "split_u64", "tree", "until", "unused", "window", "words", "zeros",
)  # fmt: skip
"""What a generated module may import from ``_runtime``."""

PUBLIC = (
    "BadValue", "Codec", "Codecs", "Context", "MissingContext", "State", "TooNew", "TooOld",
    "Truncated", "UnknownSubsection", "VMStateError",
)  # fmt: skip
"""What a target's package offers of ``_runtime`` to its users."""

SPECIFIERS = {"field": "_field", "numbers": "_numbers"}
"""The names under which a class body calls what declares its members in the runtime."""

INNER = "__vmstate_inner__"
"""The attribute of a state that holds its subsections, None for none."""

METHODS = frozenset(
    {"fields", "from_dict", "load", "replace", "save", "to_dict", "to_json"}
)
"""The attributes of a state that are no members."""

RESERVED = frozenset(
    {
        *RUNTIME,
        *formats.NAMES,
        *dir(builtins),
        *keyword.kwlist,
        *SPECIFIERS.values(),
        "Any",
        "Sequence",
        "Struct",
        "array",
        "struct",
        "CODECS",
        "SOURCE",
        "annotations",
    }
)
"""Names that module-level definitions and locals must not take."""

_NOT_MEMBERS = METHODS | {
    "Array",
    "Buffer",
    "Out",
    "Owner",
    "Scope",
    *SPECIFIERS.values(),
}

LOCALS = frozenset(
    {
        "buf",
        "pos",
        "version",
        "scope",
        "owner",
        "self",
        "state",
        "out",
        "put",
        "chunk",
        "count",
    }
    | {
        "made",
        "outside",
        "one",
        "values",
        "states",
        "pack",
        "error",
        "end",
        "version_id",
        "context",
    }
)
"""Parameters and fixed locals of generated functions."""


@lru_cache(maxsize=4096)
def identifier(text: str) -> str:
    """The text as an identifier: ``irq-line-state`` -> ``irq_line_state``."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII).strip() or "_"
    if name[0].isdigit():
        name = f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def attribute(text: str) -> str:
    """The attribute for a C member.

    As C has it, but for keywords (``class_``), for the names that a state class has
    (``load_``, and those of its own annotations), and for two leading underscores, which
    Python would mangle (``__x`` is ``_x``).
    """
    name = identifier(text)
    if name.startswith("__"):
        name = f"_{name.lstrip('_')}" if name.strip("_") else "_"
    return f"{name}_" if name in _NOT_MEMBERS else name


def record_name(c_type: str) -> str:
    """The class for a C type: ``struct foo`` -> ``foo``."""
    words = [
        word for word in c_type.split() if word not in ("struct", "union", "const")
    ]
    return attribute("_".join(words).rstrip("*_ ")) if words else ""


def short(symbol: str) -> str:
    """A description's name in generated code: the C symbol without ``vmstate_``."""
    return identifier(symbol.removeprefix("vmstate_") or symbol)


def module_path(file: str) -> str:
    """The module for a C file: ``target/riscv/machine.c`` -> ``target/riscv/machine``."""
    parts = [part for part in file.split("/") if part not in ("", ".", "..")]
    stem = parts[-1].rsplit(".", 1)[0]
    return "/".join(identifier(part.strip(".") or "_") for part in (*parts[:-1], stem))


class Names:
    """Hands out names that no one else has."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def take(self, wanted: str) -> str:
        """The name itself, or with ``_2``, ``_3`` ... where it is in use."""
        name, number = wanted, 2
        while name in self._taken:
            name = f"{wanted}{'' if wanted.endswith('_') else '_'}{number}"
            number += 1
        self._taken.add(name)
        return name

    def free(self, name: str) -> bool:
        """Whether no one has the name yet."""
        return name not in self._taken
