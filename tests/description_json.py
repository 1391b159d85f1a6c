"""The description JSON at a stream's end as objects, with the members that it repeats.

``vmstate_save_state_v`` (``migration/vmstate.c``) writes it while it saves: of each object
the description's name and version, its fields in order, how many, how large, what is
inside, and the subsections.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from vmgen import ir


@dataclass(frozen=True)
class Entry:
    """One element, or one array, of a field: what stands for it in the JSON.

    ``index`` and ``length`` are None where the JSON has none.  ``inner`` is the object
    below ``struct``; ``inline`` are the objects that an info writes into the entry itself,
    one after the other, so that a JSON reader would only see the last.
    """

    name: str
    type: str
    size: int
    index: int | None = None
    length: int | None = None
    inner: Node | None = None
    inline: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Node:
    """One object: what ``vmstate_save_state_v`` wrote about it."""

    name: str
    version: int
    fields: tuple[Entry, ...] = ()
    subsections: tuple[Node, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of the object."""
        fields = sum(each.size * (each.length or 1) for each in self.fields)
        return fields + sum(header_size(sub) + sub.size for sub in self.subsections)


def header_size(subsection: Node) -> int:
    """The bytes in front of a subsection: the mark, the counted name, the version."""
    return 1 + 1 + len(subsection.name) + 4


@dataclass(frozen=True)
class Device:
    """One section; ``node`` is None for an old-style one, which has no description."""

    name: str
    instance: int
    node: Node | None


@dataclass(frozen=True)
class Document:
    devices: tuple[Device, ...]
    configuration: Node | None


# --- the JSON as objects --------------------------------------------------------------

Pairs = list[tuple[str, Any]]


def document(text: bytes) -> Document:
    """The JSON of a whole stream."""
    top = dict(json.loads(text, object_pairs_hook=list))
    devices = []
    for pairs in top["devices"]:
        known = dict(pairs)
        nodes = _nodes(pairs)
        assert len(nodes) <= 1, known["name"]
        node = nodes[0] if nodes else None
        devices.append(Device(known["name"], known["instance_id"], node))
    found = _nodes(top["configuration"]) if "configuration" in top else ()
    return Document(tuple(devices), found[0] if found else None)


def _nodes(pairs: Pairs) -> tuple[Node, ...]:
    """The objects whose members stand among these."""
    starts = [at for at, (key, _) in enumerate(pairs) if key == "vmsd_name"]
    made = []
    for start, stop in pairwise([*starts, len(pairs)]):
        one = dict(pairs[start:stop])
        made.append(
            Node(
                one["vmsd_name"],
                one["version"],
                tuple(_entry(each) for each in one["fields"]),
                tuple(_nodes(each)[0] for each in one.get("subsections", ())),
            )
        )
    return tuple(made)


def _entry(pairs: Pairs) -> Entry:
    known = dict(pairs)
    below = _nodes(known["struct"]) if "struct" in known else ()
    return Entry(
        known["name"],
        known["type"],
        known["size"],
        known.get("index"),
        known.get("array_len"),
        below[0] if below else None,
        _nodes(pairs),
    )


# --- what fields and infos are called --------------------------------------------------------

NAMES = {
    "vmstate_info_cpudouble": "CPU_Double_U",
    "vmstate_info_fd": "fd",
    "vmstate_info_int32_le": "int32 le",
    # So it is called in migration/vmstate-types.c.
    "vmstate_info_uint64_equal": "int64 equal",
    **{
        f"vmstate_info_{type_}_equal": f"{type_} equal"
        for type_ in ("int32", "uint8", "uint16", "uint32")
    },
}


def type_name(one: ir.Field) -> str:
    """What ``vmfield_get_type_name`` says."""
    match one.element:
        case ir.StructElement(info=info, name=name) if info:
            return name or "unknown"
        case ir.StructElement(vstruct=vstruct):
            return "vstruct" if vstruct else "struct"
        case ir.IntegerElement(type, _, info):
            return NAMES.get(info, type)
        case ir.TimerElement():
            return "timer"
        case ir.BufferElement(name=name):
            return name or "buffer"
        case ir.UnusedElement():
            return "unused_buffer"
        case ir.BitmapElement():
            return "bitmap"
        case ir.TmpElement():
            return "tmp"
        case ir.ListElement(kind=kind):
            return kind
        case ir.GTreeElement():
            return "gtree"
        case ir.WordsElement(name=name) | ir.CustomElement(name=name):
            return name or "unknown"
        case ir.NothingElement():
            return "unknown"


def labels(this: ir.Description) -> list[str]:
    """What the JSON calls each field: its name, numbered where it is not the only one."""
    names = [one.name for one in this.fields]
    return [
        f"{name}[{names[:at].count(name)}]" if names.count(name) > 1 else name
        for at, name in enumerate(names)
    ]
