"""What a page of a stream shows, as data; offsets and sizes are bytes of the stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Address: TypeAlias = tuple[int, ...]
"""Where a node is: the number of its part, then its number among its siblings, down."""


@dataclass(slots=True)
class FieldNode:
    """A field, an object, an element of an array, or a subsection.

    ``offset`` is None where only a codec knows the value and not its bytes.  ``code`` is the
    ``struct`` code of the ``count`` elements of an array of numbers, which the page
    spells one by one.  ``member`` is the C path in the object that has it, ``place``
    file and line in QEMU's source; both are empty where only the description is known.
    """

    name: str
    type: str
    path: str
    offset: int | None
    size: int
    value: str = ""
    code: str = ""
    count: int = 0
    member: str = ""
    c_type: str = ""
    place: str = ""
    nodes: list[FieldNode] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Short names, and none for what is empty: there are thousands."""
        short = {
            "n": self.name, "t": self.type, "o": self.offset, "s": self.size,
            "v": self.value, "e": self.code, "m": self.count, "p": self.member,
            "y": self.c_type, "w": self.place,
            "k": [one.as_json() for one in self.nodes],
        }  # fmt: skip
        return {key: value for key, value in short.items() if value not in ("", 0, [])}


PartKind: TypeAlias = Literal[
    "header", "configuration", "section", "ram", "command", "end", "description", "trailing",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ViewedPart:
    """A part of a stream.

    ``data`` are its bytes from ``offset`` on, as many as the page has; ``facts`` what is
    said about it, ``note`` why something of it is missing.
    """

    kind: PartKind
    title: str
    offset: int
    size: int
    facts: tuple[tuple[str, str], ...]
    nodes: tuple[FieldNode, ...] = ()
    data: bytes = b""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ViewedStream:
    """A stream: ``failure`` says why it could not be read to its end, with the byte."""

    name: str
    facts: tuple[tuple[str, str], ...]
    parts: tuple[ViewedPart, ...]
    registers: tuple[tuple[str, tuple[RegisterGroup, ...]], ...]
    blocks: tuple[tuple[str, str, str], ...]
    failure: str = ""


@dataclass(frozen=True, slots=True)
class RegisterGroup:
    """The registers of one of gdb's features: name, digits, bits."""

    feature: str
    registers: tuple[tuple[str, str, int], ...]
