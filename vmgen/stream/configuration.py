"""The configuration at a stream's beginning (``vmstate_configuration``)."""

from __future__ import annotations

from vmgen.stream import description
from vmgen.stream.description import Node, listed, name_of
from vmgen.stream.errors import Malformed, UnknownSection
from vmgen.stream.parts import Configuration, ConfigurationSubsection
from vmgen.stream.wire import SUBSECTION, Cursor, counted, printable, raw, text

PREFIX = "configuration/"


def read(cursor: Cursor, node: Node | None, compare: bool = True) -> Configuration:
    """Read it, from behind its mark (0x07).

    ``node`` is its description, which releases before 9 do not write; it is needed for
    subsections that are not known here, and must agree if ``compare``.
    """
    start = cursor.pos - 1
    machine = text(cursor.take(cursor.u32()))
    found: list[ConfigurationSubsection] = []
    while _is_subsection(cursor):
        found.append(_subsection(cursor, node))
    made = Configuration(start, cursor.pos - start, machine, tuple(found))
    if node is not None and compare:
        _compare(made, node)
    return made


def _is_subsection(cursor: Cursor) -> bool:
    """As ``vmstate_subsection_load`` looks ahead: 5, and a name with our prefix."""
    if cursor.left() < 1 or cursor.view[cursor.pos] != SUBSECTION:
        return False
    begin = cursor.pos + 2
    name = cursor.view[begin : begin + len(PREFIX)].tobytes()
    return name == PREFIX.encode()


def _subsection(cursor: Cursor, node: Node | None) -> ConfigurationSubsection:
    start = cursor.pos
    cursor.skip(1)
    name = cursor.text()
    cursor.path = printable(name)
    version = cursor.u32()
    value: int | list[str] | bytes
    if version > 1 or version == 0:
        raise Malformed(f"version {version} is not 1", start, cursor.path)
    if name == f"{PREFIX}target-page-bits":
        value = cursor.u32()
    elif name == f"{PREFIX}capabilities":
        count = cursor.u32()
        if count > cursor.left():
            cursor.cut(count)
        value = [cursor.text() for _ in range(count)]
    elif name == f"{PREFIX}uuid":
        value = bytes(cursor.take(16))
    else:
        value = bytes(cursor.take(_described_size(name, node, start)))
    cursor.path = ""
    return ConfigurationSubsection(name, version, start, cursor.pos - start, value)


def _described_size(name: str, node: Node | None, offset: int) -> int:
    for part in listed(node or {}, "subsections"):
        if name_of(part, "vmsd_name") == name:
            return description.object_size(part, name)
    message = "an unknown subsection, which nothing describes"
    unknown = UnknownSection(message, offset, printable(name))
    unknown.rule = "unknown-subsection"
    raise unknown


def _compare(found: Configuration, node: Node) -> None:
    names = [name_of(part, "vmsd_name") for part in listed(node, "subsections")]
    size = description.object_size(node, "configuration")
    if names != [part.name for part in found.subsections] or size != found.size - 1:
        raise description.disagree(
            f"{found.size - 1} bytes with {len(found.subsections)} subsections, "
            f"described as {size} bytes with {len(names)}",
            "configuration",
            found.offset,
        )


def encode(part: Configuration) -> bytes:
    """The bytes of a configuration, its mark included."""
    machine = raw(part.machine)
    made = [b"\7", len(machine).to_bytes(4, "big"), machine]
    for one in part.subsections:
        made += (b"\5", counted(one.name), one.version_id.to_bytes(4, "big"))
        if isinstance(one.value, int):
            made.append(one.value.to_bytes(4, "big"))
        elif isinstance(one.value, bytes):
            made.append(one.value)
        else:
            made.append(len(one.value).to_bytes(4, "big"))
            made += [counted(name) for name in one.value]
    return b"".join(made)
