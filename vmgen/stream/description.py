"""The description JSON at a stream's end (vmdesc): found, read, changed where needed.

It names every field that was saved with its size, so that a section can be bounded and
shown without its table.  Text that is not asked for is not parsed, and text that is not
changed is written as it was.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from functools import cached_property

from vmgen.stream.errors import Disagreement, Malformed
from vmgen.stream.wire import DESCRIPTION, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn, TypeAlias

Node: TypeAlias = "Mapping[str, Any]"

_DEEPEST = 64
"""So many objects may be inside of each other: QEMU has less than ten.  Whatever goes
through a description, or through values by it, is bounded by that."""

_CANDIDATES = 64
_SEARCHED = 1 << 28
_CHUNK = 1 << 20

_BEFORE_NAME, _BEHIND_NAME = b'{"name": ', b', "instance_id": '
_DIGITS = b"0123456789"
_EMPTY = re.compile(rb"\{\s*\}")
"""An object without members: up to 5.2 there is a blank in it (``QJSON``)."""


class Device:
    """A section's entry.

    ``span`` is its place in the JSON text.  Sizes are in bytes on the wire.
    """

    def __init__(
        self, name: str, instance_id: int, span: tuple[int, int], text: bytes
    ) -> None:
        self.name = name
        self.instance_id = instance_id
        self.span = span
        self.text = text

    @cached_property
    def node(self) -> dict[str, Any]:
        """The entry as an object; Malformed if it is not one."""
        found = parse(self.text, self.path)
        if not isinstance(found, dict):
            raise Malformed("the description is not an object", None, self.path)
        return found

    @property
    def path(self) -> str:
        """The section, for messages."""
        return f"{printable(self.name)}/{self.instance_id}"

    @property
    def version(self) -> int | None:
        """The version that was written; None for sections without a table."""
        return number(self.node, "version") if "version" in self.node else None

    @cached_property
    def size(self) -> int:
        """The bytes of the section's body."""
        if "fields" not in self.node and "size" in self.node:
            return number(self.node, "size")
        return object_size(self.node, self.path)

    @cached_property
    def certain(self) -> bool:
        """Whether the sizes are those of all bytes.

        Before 10.0 QEMU describes an array of pointers by its first element; where that
        is NULL (one byte, ``"struct": {}``) nothing says how many of the others are, and
        the size is the least that it can be (``vmstate_save_state_v``).
        """
        return not _EMPTY.search(self.text) or not has_null_array(self.node, self.path)


def has_null_array(node: Node, path: str = "", depth: int = 0) -> bool:
    """Whether arrays of pointers are in it of which only a NULL is described."""
    check_depth(depth, path)
    for field in listed(node, "fields"):
        inner = field.get("struct")
        if type(inner) is dict:
            if not inner and number(field, "array_len", 1) > 1:
                return True
            if has_null_array(inner, path, depth + 1):
                return True
    parts = listed(node, "subsections")
    return any(has_null_array(part, path, depth + 1) for part in parts)


def check_depth(depth: int, path: str = "") -> None:
    """Malformed where more objects are inside of each other than ever are."""
    if depth > _DEEPEST:
        raise Malformed("the description is nested too deeply", None, path)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word[:20]} is not an integer")


_INTEGERS = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse)
"""Integers are made in C; Python refuses those of thousands of digits."""


def parse(text: bytes | memoryview, path: str = "") -> Any:
    """JSON with integers only; Malformed for anything else, whatever the bytes."""

    try:
        return _INTEGERS.decode(str(text, "utf-8", "surrogateescape"))
    except RecursionError:
        raise Malformed("the description is nested too deeply", None, path) from None
    except ValueError as error:
        raise Malformed(f"the description is not JSON: {error}", None, path) from None


def number(node: Node, key: str, default: int | None = None) -> int:
    """A member that is a natural number of 64 bits; Malformed otherwise."""
    value = node.get(key, default)
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise Malformed(f"the description's '{key}' is not a number")
    return value


_OBJECTS = {dict}


def listed(node: Node, key: str) -> list[dict[str, Any]]:
    """A member that is a list of objects, empty if absent; Malformed otherwise."""
    value = node.get(key, [])
    if type(value) is not list or not {*map(type, value)} <= _OBJECTS:
        raise Malformed(f"the description's '{key}' is not a list of objects")
    return value


def name_of(node: Node, key: str = "name") -> str:
    """A member that is text; Malformed otherwise."""
    value = node.get(key)
    if type(value) is not str:
        raise Malformed(f"the description's '{key}' is not text")
    return value


def object_size(node: Node, path: str = "", depth: int = 0) -> int:
    """The bytes of fields and subsections, from the sizes that the JSON gives.

    ``array_len`` multiplies a size that is the first element's: it is wrong for elements
    of different sizes, which only a codec can tell.
    """
    check_depth(depth, path)
    try:
        total = 0
        for field in listed(node, "fields"):
            size = number(field, "size")
            if "array_len" in field:
                size *= number(field, "array_len")
            total += size
        for subsection in listed(node, "subsections"):
            name = name_of(subsection, "vmsd_name")
            total += 6 + len(name.encode("utf-8", "surrogateescape"))
            total += object_size(subsection, path, depth + 1)
    except Malformed as error:
        error.path = error.path or path
        raise
    return total


def _devices(text: bytes) -> list[tuple[int, bytes, int]]:
    """The places of objects that begin with a name and an instance, the quoted name and
    the instance; empty if one is written in another way than QEMU's, or has a quote in it.

    No text in JSON has a quote without a backslash before it, so what is behind the
    name cannot be part of one.
    """
    found: list[tuple[int, bytes, int]] = []
    end = 0
    while (behind := text.find(_BEHIND_NAME, end)) >= 0:
        start = text.rfind(_BEFORE_NAME, end, behind)
        name = text[start + len(_BEFORE_NAME) : behind]
        end = behind + len(_BEHIND_NAME)
        rest = text[end : end + 20]
        digits = rest[: len(rest) - len(rest.lstrip(_DIGITS))]
        plain = name[:1] == name[-1:] == b'"' and b'"' not in name[1:-1]
        if start < 0 or not digits or not plain or len(name) < 2:
            return []
        end += len(digits)
        if text[end : end + 1] not in (b",", b"}"):
            return []
        found.append((start, name, int(digits)))
    return found


class Document:
    """The whole description.

    ``offset`` is that of its first byte (0x06), ``size`` counts this byte and the length
    too.  ``text`` is the JSON as it is in the stream.
    """

    def __init__(self, text: bytes, offset: int) -> None:
        self.text = text
        self.offset = offset
        self.size = len(text) + 5
        self.devices: tuple[Device, ...] = ()
        self._head: dict[str, Any] = {}
        if not self._split_usual():
            self._split_any()

    def _split_usual(self) -> bool:
        """Find the devices in text as QEMU writes it, without parsing them."""
        text = self.text
        starts = _devices(text)
        if not starts or not text.endswith(b"]}"):
            return False
        ends = [start - 2 for start, _, _ in starts[1:]] + [len(text) - 2]
        for end in ends:
            if text[end - 1] != ord("}") or text[end : end + 2] not in (b", ", b"]}"):
                return False
        head = text[: starts[0][0]]
        if not head.endswith(b'"devices": ['):
            return False
        self._head = self._object(parse(head + b"]}"))
        self.devices = tuple(
            Device(str(parse(name)), number_, (start, end), text[start:end])
            for (start, name, number_), end in zip(starts, ends, strict=True)
        )
        return True

    def _split_any(self) -> None:
        """Find the devices in any JSON."""
        self._head = dict(self._object(parse(self.text)))
        nodes = listed(self._head, "devices")
        if "devices" not in self._head:
            raise Malformed("the description lists no devices", self.offset)
        text = str(self.text, "utf-8", "surrogateescape")
        decoder = json.JSONDecoder()
        position = text.index("[", text.index('"devices"')) + 1 if nodes else 0
        devices = []
        for node in nodes:
            start = text.find("{", position)
            try:
                again, position = decoder.raw_decode(text, start)
            except ValueError:
                again = None
            if again != node:
                message = "the description has 'devices' where they cannot be"
                raise Malformed(message, self.offset)
            span = tuple(
                len(text[:at].encode("utf-8", "surrogateescape"))
                for at in (start, position)
            )
            devices.append(
                Device(
                    name_of(node),
                    number(node, "instance_id"),
                    (span[0], span[1]),
                    self.text[span[0] : span[1]],
                )
            )
        self._head["devices"] = []
        self.devices = tuple(devices)

    def _object(self, value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise Malformed("the description is not an object", self.offset)
        return value

    @property
    def page_size(self) -> int | None:
        """The target's page size in bytes, if given."""
        return number(self._head, "page_size") if "page_size" in self._head else None

    @property
    def configuration(self) -> dict[str, Any] | None:
        """The configuration's description; absent up to release 8."""
        found = self._head.get("configuration")
        return None if found is None else self._object(found)


def find(view: memoryview) -> Document | None:
    """The description at the end of a whole stream, if there is one.

    It is the last thing there is, zeros excepted (padding of a snapshot): 0x06, be32
    length, text.  No byte of the text is 0x06, so the last such bytes are all there is
    to look at.  QEMU does not look behind a stream, though: in a volume that had other
    bytes before, it is the first one behind an end mark.
    """
    return _at_the_end(view) or _behind_an_end(view)


_BEHIND_AN_END = re.compile(rb"(?s)\x00\x06(....)\{\"")
_LONGEST = 1 << 26


def _behind_an_end(view: memoryview) -> Document | None:
    for match in itertools.islice(_BEHIND_AN_END.finditer(view), _CANDIDATES):
        at = match.start() + 1
        end = at + 5 + int.from_bytes(match[1], "big")
        if end > min(len(view), at + _LONGEST) or view[end - 1] != ord("}"):
            continue
        try:
            return Document(view[at + 5 : end].tobytes(), at)
        except Malformed:
            continue  # bytes of guest memory, which can be anything
    return None


def _at_the_end(view: memoryview) -> Document | None:
    total = end = len(view)
    seen = 0
    while end > 0 and seen < _CANDIDATES and total - end < _SEARCHED:
        start = max(0, end - _CHUNK)
        chunk = view[start:end].tobytes()
        at = chunk.rfind(DESCRIPTION)
        while at >= 0 and seen < _CANDIDATES:
            seen += 1
            if (found := _document_at(view, start + at)) is not None:
                return found
            at = chunk.rfind(DESCRIPTION, 0, at)
        end = start
    return None


def _document_at(view: memoryview, at: int) -> Document | None:
    if bytes(view[at + 5 : at + 6]) != b"{":
        return None
    length = int.from_bytes(view[at + 1 : at + 5], "big")
    end = at + 5 + length
    if end > len(view) or view[end - 1] != ord("}"):
        return None
    if len(view) - end > 1 << 20 or any(view[end:].tobytes().strip(b"\0")):
        return None
    return Document(view[at + 5 : end].tobytes(), at)


def disagree(message: str, path: str, offset: int | None = None) -> Disagreement:
    """The description says something else than the stream or the codec."""
    hint = "the stream was changed without its description, or the other way round"
    return Disagreement(message, offset, path, hint)
