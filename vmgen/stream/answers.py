"""What codecs ask of the machine that loads a stream, and who answers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from vmgen.stream.description import Node, check_depth, listed, name_of


class _Noting(dict[str, object]):
    """Answers by name, which note what no one answers."""

    def __init__(self, answers: Mapping[str, object], missing: dict[str, None]) -> None:
        super().__init__(answers)
        self._missing = missing

    def get(self, key: str, default: object = None) -> object:
        if key in self:
            return self[key]
        self._missing[key] = None
        return default


class Answers:
    """What a codec may ask of the machine while it loads a section, and what it asked in
    vain: members as ``Type.path``, functions and globals by their name."""

    def __init__(
        self, members: Mapping[str, object], functions: Mapping[str, object]
    ) -> None:
        self._missing: dict[str, None] = {}
        self.members: Mapping[str, object] = _Noting(members, self._missing)
        self.functions: Mapping[str, object] = _Noting(functions, self._missing)

    @property
    def missing(self) -> tuple[str, ...]:
        """What had no answer, each once, in the order of the questions.

        A member is requested with and without its type; it is named with it.
        """
        paths = {name.partition(".")[2] for name in self._missing}
        return tuple(name for name in self._missing if name not in paths)


def of_machine(own: Node, theirs: Node, depth: int = 0) -> Node:
    """The description of a section that the machine itself saved, with the sizes of a
    stream's.

    It says of the machine which fields it has and how many elements; how long a device's
    own format is, whose length is that of its content, and what is in a subsection that
    the machine did not need, each stream says for itself.  Malformed for objects inside of each other without end.
    """
    check_depth(depth)
    made = dict(own)
    waiting: dict[str, list[Node]] = {}
    for field in listed(theirs, "fields"):
        waiting.setdefault(name_of(field), []).append(field)
    if "fields" in own:
        made["fields"] = [
            _of_field(field, left.pop(0) if left else None, depth)
            for field in listed(own, "fields")
            for left in [waiting.get(name_of(field), [])]
        ]
    parts = {name_of(one, "vmsd_name"): one for one in listed(theirs, "subsections")}
    mine = [
        one if other is None else of_machine(one, other, depth + 1)
        for one in listed(own, "subsections")
        for other in [parts.pop(name_of(one, "vmsd_name"), None)]
    ]
    if mine or parts:
        made["subsections"] = [*mine, *parts.values()]
    return made


def _of_field(own: Node, theirs: Node | None, depth: int) -> Node:
    if theirs is None or own.get("type") != theirs.get("type"):
        return own
    made = dict(own)
    mine, other = own.get("struct"), theirs.get("struct")
    if type(mine) is dict and type(other) is dict:
        made["struct"] = of_machine(mine, other, depth + 1)
    elif "size" in theirs:
        made["size"] = theirs["size"]
    return made


_FIXED = re.compile(
    r"(u?int(8|16|32|64)( \w+)?|bool|buffer|unused_buffer|bitmap|timer|struct|vstruct)\Z"
)
"""Types whose bytes are as many as the machine says, whatever is in them."""


def without_lengths(node: Node, depth: int = 0) -> Node:
    """A description without the lengths of devices' own formats, which are those of the
    content of one stream.  Malformed for objects inside of each other without end."""
    check_depth(depth)
    made = dict(node)
    if "fields" in node:
        made["fields"] = [_kept(one, depth) for one in listed(node, "fields")]
    if "subsections" in node:
        parts = listed(node, "subsections")
        made["subsections"] = [without_lengths(one, depth + 1) for one in parts]
    return made


def _kept(entry: Node, depth: int) -> Node:
    inner, kind = entry.get("struct"), entry.get("type")
    if type(inner) is dict:
        return {**entry, "struct": without_lengths(inner, depth + 1)}
    if type(kind) is str and _FIXED.match(kind):
        return entry
    return {name: value for name, value in entry.items() if name != "size"}
