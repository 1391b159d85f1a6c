"""Description entries for sections whose body changed.

A codec knows the bytes, not the names in the description.  So an entry comes from what
is described already (the section's own entry, another section of the same table) and
fitted to the subsections that are there now; the codec must then read the body with it
and come out at its end.  Where nothing fits, the entry says what is certain: so many
bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from vmgen.stream import described
from vmgen.stream.description import (
    Device,
    Document,
    Node,
    has_null_array,
    listed,
    name_of,
    number,
    object_size,
    parse,
)
from vmgen.stream.errors import BadEdit, StreamError
from vmgen.stream.parts import Section
from vmgen.stream.stream import Stream
from vmgen.stream.wire import SUBSECTION, raw, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

Entry: TypeAlias = "dict[str, Any]"


class Describer:
    """Makes entries for the sections of one stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._parts: dict[str, list[Entry]] | None = None

    def text(self, section: Section, body: bytes, device: Device | None) -> bytes:
        """The JSON text of a section's entry; the old one byte for byte if it still fits.

        Raises BadEdit if the section's codec cannot read the body with any entry.
        """
        if device is not None and self._fits(section, body, device.node):
            return device.text
        for node in self._candidates(section, device):
            made = self._fitted(node, body)
            if made is not None:
                entry: Entry = {
                    "name": section.name,
                    "instance_id": section.instance_id,
                }
                entry |= {key: value for key, value in made.items() if key not in entry}
                if self._fits(section, body, entry):
                    return _text(entry)
        table = section.name if section.codec is None else section.codec.name
        head = {"name": section.name, "instance_id": section.instance_id}
        entry = bytes_only(head, table, section.version_id, len(body))
        if not self._fits(section, body, entry):
            raise BadEdit(
                "no description of it can be made from what the stream describes",
                None,
                section.path,
                "drop the description, or keep the section's layout",
            )
        return _text(entry)

    def _candidates(self, section: Section, device: Device | None) -> Iterator[Entry]:
        if device is not None:
            yield device.node
        document = self._stream.description
        table = section.name if section.codec is None else section.codec.name
        for other in () if document is None else document.devices:
            if other is not device and other.node.get("vmsd_name") == table:
                yield other.node

    def _fits(self, section: Section, body: bytes, node: Entry) -> bool:
        """Whether an entry describes exactly this body, as far as it says."""
        view = memoryview(body)
        codecs, codec = self._stream.codecs, section.codec
        try:
            size = object_size(node, section.path)
            if has_null_array(node):  # as uncertain as it was
                if size > len(body):
                    return False
            elif size != len(body):
                return False
            else:
                described.decode(described.layout(node, section.path), view, 0)
            if codecs is None or codec is None:
                return True
            state, end = codecs.load(
                codec, view, 0, section.version_id, section.path, node
            )
            again = codecs.save(codec, state, section.version_id, section.path)
        except StreamError:
            return False
        return end == len(body) and again == body

    def _fitted(self, node: Entry, body: bytes) -> Entry | None:
        """The entry with the subsections that stand at the end of the body."""
        if "vmsd_name" not in node:
            return None
        made = {key: value for key, value in node.items() if key != "subsections"}
        position = object_size(made)
        found: list[Entry] = []
        prefix = raw(name_of(node, "vmsd_name")) + b"/"
        own = {name_of(one, "vmsd_name"): one for one in listed(node, "subsections")}
        while position < len(body):
            if body[position] != SUBSECTION:
                return None
            length = body[position + 1] if position + 1 < len(body) else 0
            name = body[position + 2 : position + 2 + length]
            start = position + 6 + length
            if not name.startswith(prefix) or start > len(body):
                return None
            version = int.from_bytes(body[start - 4 : start], "big")
            one = self._subsection(text(name), version, own, len(body) - start)
            found.append(one)
            position = start + object_size(one)
        if position != len(body):
            return None
        return made | {"subsections": found} if found else made

    def _subsection(
        self, name: str, version: int, own: dict[str, Entry], left: int
    ) -> Entry:
        """The entry of a subsection: the old one, one of the same name, or what is left."""
        for one in [own[name]] if name in own else self._known(name):
            if number(one, "version") == version and object_size(one) <= left:
                return one
        return {"vmsd_name": name, "version": version, "fields": [_bytes_of(left)]}

    def _known(self, name: str) -> list[Entry]:
        if self._parts is None:
            self._parts = {}
            document = self._stream.description
            for device in () if document is None else document.devices:
                for one in listed(device.node, "subsections"):
                    self._parts.setdefault(name_of(one, "vmsd_name"), []).append(one)
        return self._parts.get(name, [])


def bytes_only(head: Node, table: str, version: int, size: int) -> Entry:
    """The entry of a section of which only the size is certain; ``head`` names it."""
    fields = [_bytes_of(size)]
    return {**head, "vmsd_name": table, "version": version, "fields": fields}


def with_devices(
    document: Document, texts: Sequence[bytes], machine: int | None = None
) -> bytes:
    """The text of a description that lists these entries; ``machine`` is how many bytes
    the name of its machine type has, if that is a different type.

    The configuration is described since release 9 (``vmstate_configuration``).
    """
    text = document.text
    if not document.devices:
        return text
    first, last = document.devices[0].span[0], document.devices[-1].span[1]
    head = text[:first]
    node = document.configuration
    if machine is not None and node is not None:
        fields = [
            {**one, "size": machine} if one.get("name") == "name" else one
            for one in listed(node, "fields")
        ]
        whole = parse(head + b"]}")
        whole["configuration"] = {**node, "fields": fields}
        head = json.dumps(whole).encode().removesuffix(b"]}")
    return head + b", ".join(texts) + text[last:]


def _bytes_of(size: int) -> Entry:
    return {"name": "data", "size": size, "type": "buffer"}


def _text(entry: Entry) -> bytes:
    return json.dumps(entry).encode()
