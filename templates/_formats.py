"""Formats that QEMU writes by hand: what stands behind a field that no table describes.

``read_X(buf, pos, site, ...)`` returns the value and the end of its bytes,
``write_X(value, out, owner, path, ...)`` appends its bytes.  Integers are big-endian
unless said otherwise.  Nothing is guessed: what the bytes do not say is asked of the
context, and of the size that the stream's own description gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from ._runtime import (
    PACK_ERRORS,
    Array,
    BadValue,
    Buffer,
    Context,
    MissingContext,
    Owner,
    Scope,
    State,
    Truncated,
    VMStateError,
    array_u64,
    bytes_u64,
    loaded,
    lookup,
    natural,
    saved,
)
from ._runtime import (
    factory as _default,
)

T = TypeVar("T")


class FormatSite(NamedTuple):
    """Where a field is read: ``name`` is what the description JSON calls it, ``owner``
    the state that has it and those that own that one, ``where`` its place in the C."""

    scope: Scope
    name: str
    owner: Owner
    path: str
    where: str

    def announced(self) -> int | None:
        """The field's size in bytes as the description JSON has it."""
        if self.scope.node is None:
            return None
        entries = self.scope.entries(self.name)
        return sum(natural(entry, "size", 0) * count for entry, count in entries)

    def told(self, owner: str, member: str) -> Any:
        """What the user's context says of a member, or None."""
        return lookup(self.scope.context, owner, member)

    def missing(self, what: str, owner: str, member: str, pos: int) -> MissingContext:
        """The error for what nobody says."""
        return MissingContext(
            f"{self.where}: the bytes do not say {what}",
            pos,
            self.path,
            key=f"{owner}.{member}",
            described=True,
        )

    def settled(self, start: int, end: int) -> None:
        """BadValue if the description JSON says another size than was read."""
        total = self.announced()
        if total is not None and end - start != total:
            raise BadValue(
                f"{end - start} bytes where the description says {total}",
                start,
                self.path,
            )


class FormatPart(NamedTuple):
    """A description inside of a format: the class of its states, and the versions."""

    cls: type[State]
    version: int
    saved: int


def _named(path: str, member: str) -> str:
    if not member or member.startswith("["):
        return path + member
    return f"{path}.{member}"


class Reader:
    """Takes words and bytes from a buffer; errors name the member."""

    __slots__ = ("buf", "path", "pos")

    def __init__(self, buf: Buffer, pos: int, path: str) -> None:
        self.buf = buf
        self.pos = pos
        self.path = path

    def word(self, size: int, member: str) -> int:
        """An unsigned big-endian word."""
        return int.from_bytes(self.raw(size, member), "big")

    def raw(self, size: int, member: str) -> bytearray:
        """So many bytes."""
        end = self.pos + size
        if end > len(self.buf):
            raise Truncated("the buffer ends", self.pos, self.named(member))
        made = bytearray(self.buf[self.pos : end])
        self.pos = end
        return made

    def part(self, part: FormatPart, scope: Scope, owner: Owner, member: str) -> Any:
        """An object of a description."""
        try:
            made, self.pos = loaded(
                part.cls, self.buf, self.pos, part.version, scope, owner
            )
        except VMStateError as error:
            error.under(self.named(member))
            raise
        return made

    def named(self, member: str) -> str:
        """The path of a member."""
        return _named(self.path, member)


class Writer:
    """Appends words and bytes; errors name the member."""

    __slots__ = ("out", "path")

    def __init__(self, out: list[bytes], path: str) -> None:
        self.out = out
        self.path = path

    def word(self, value: int, size: int, member: str) -> None:
        """An unsigned big-endian word."""
        try:
            self.out.append(int(value).to_bytes(size, "big"))
        except PACK_ERRORS as error:
            raise BadValue(
                f"{value!r} does not fit {size} bytes: {error}",
                None,
                self.named(member),
            ) from None

    def raw(self, value: bytes | bytearray, size: int | None, member: str) -> None:
        """Bytes; BadValue unless there are ``size`` of them."""
        if not isinstance(value, (bytes, bytearray)):
            raise BadValue(f"{value!r} is not bytes", None, self.named(member))
        if size is not None and len(value) != size:
            raise BadValue(f"{len(value)} bytes, not {size}", None, self.named(member))
        self.out.append(bytes(value))

    def part(self, part: FormatPart, state: Any, owner: Owner, member: str) -> None:
        """An object of a description."""
        if not isinstance(state, State):
            raise BadValue(f"{state!r} is not a state", None, self.named(member))
        try:
            saved(part.cls, state, self.out, part.saved, owner)
        except VMStateError as error:
            error.under(self.named(member))
            raise

    def named(self, member: str) -> str:
        """The path of a member."""
        return _named(self.path, member)


def read_each(
    read: Callable[[Buffer, int, FormatSite], tuple[T, int]],
    count: int,
    buf: Buffer,
    pos: int,
    site: FormatSite,
) -> tuple[list[T], int]:
    """``count`` values of a format, one after the other."""
    made: list[T] = []
    single = site._replace(scope=Scope(site.scope.context, None))
    for index in range(count):
        value, pos = read(buf, pos, single._replace(path=f"{site.path}[{index}]"))
        made.append(value)
    return made, pos


# --- small ones ---------------------------------------------------------------------------


def read_capability(buf: Buffer, pos: int, site: FormatSite) -> tuple[str, int]:
    """The name of a migration capability: its length in a byte, and the text."""
    reader = Reader(buf, pos, site.path)
    text = reader.raw(reader.word(1, ""), "")
    return text.decode("utf-8", "surrogateescape"), reader.pos


def write_capability(value: str, out: list[bytes], owner: Owner, path: str) -> None:
    """The name of a migration capability."""
    text = value.encode("utf-8", "surrogateescape")
    writer = Writer(out, path)
    writer.word(len(text), 1, "")
    writer.raw(text, None, "")


def read_chunks(buf: Buffer, pos: int, site: FormatSite) -> tuple[list[bytearray], int]:
    """The state of a vhost back end: a be32 size and so many bytes, ..., then 0."""
    reader = Reader(buf, pos, site.path)
    made: list[bytearray] = []
    while size := reader.word(4, f"[{len(made)}]"):
        made.append(reader.raw(size, f"[{len(made)}]"))
    site.settled(pos, reader.pos)
    return made, reader.pos


def write_chunks(
    value: Sequence[bytearray], out: list[bytes], owner: Owner, path: str
) -> None:
    """The state of a vhost back end."""
    writer = Writer(out, path)
    for index, chunk in enumerate(value):
        if not chunk:
            raise BadValue(
                "an empty chunk would end the list", None, f"{path}[{index}]"
            )
        writer.word(len(chunk), 4, f"[{index}]")
        writer.raw(chunk, None, f"[{index}]")
    writer.word(0, 4, "")


def read_sized(buf: Buffer, pos: int, site: FormatSite) -> tuple[bytearray, int]:
    """A be32 size and so many bytes (the parser of a USB redirection)."""
    reader = Reader(buf, pos, site.path)
    made = reader.raw(reader.word(4, ""), "")
    site.settled(pos, reader.pos)
    return made, reader.pos


def write_sized(value: bytearray, out: list[bytes], owner: Owner, path: str) -> None:
    """A be32 size and so many bytes."""
    writer = Writer(out, path)
    writer.word(len(value), 4, "")
    writer.raw(value, None, "")


class USBRedirPacket(State):
    """A buffered packet of a USB redirection."""

    status: int = 0
    data: bytearray = _default(bytearray)


def read_usbredir_packets(
    buf: Buffer, pos: int, site: FormatSite
) -> tuple[list[USBRedirPacket], int]:
    """Buffered packets: be32 count, then length, status and data of each."""
    reader = Reader(buf, pos, site.path)
    made: list[USBRedirPacket] = []
    for index in range(reader.word(4, "")):
        size = reader.word(4, f"[{index}]")
        status = reader.word(4, f"[{index}].status")
        data = reader.raw(size, f"[{index}].data")
        made.append(USBRedirPacket(status=status, data=data))
    site.settled(pos, reader.pos)
    return made, reader.pos


def write_usbredir_packets(
    value: Sequence[USBRedirPacket], out: list[bytes], owner: Owner, path: str
) -> None:
    """Buffered packets."""
    writer = Writer(out, path)
    writer.word(len(value), 4, "")
    for index, packet in enumerate(value):
        writer.word(len(packet.data), 4, f"[{index}].data")
        writer.word(packet.status, 4, f"[{index}].status")
        writer.raw(packet.data, None, f"[{index}].data")


def read_usbredir_ids(buf: Buffer, pos: int, site: FormatSite) -> tuple[Array, int]:
    """A queue of packet ids: be32 count, then be64 each."""
    reader = Reader(buf, pos, site.path)
    made = array_u64(reader.raw(8 * reader.word(4, ""), ""))
    site.settled(pos, reader.pos)
    return made, reader.pos


def write_usbredir_ids(
    value: Sequence[int], out: list[bytes], owner: Owner, path: str
) -> None:
    """A queue of packet ids."""
    writer = Writer(out, path)
    writer.word(len(value), 4, "")
    writer.raw(words_of(value, len(value), path), None, "")


def words_of(value: Sequence[int], count: int, path: str) -> bytes:
    """Words of 64 bits, in big-endian order; BadValue unless there are ``count``."""
    try:
        return bytes_u64(value, count)
    except PACK_ERRORS as error:
        raise BadValue(f"not {count} words of 64 bits: {error}", None, path) from None


def read_flic(buf: Buffer, pos: int, site: FormatSite) -> tuple[list[bytearray], int]:
    """Pending interrupts of an s390 that KVM runs: be64 count, then 72 bytes each (the
    kernel's ``struct kvm_s390_irq``)."""
    reader = Reader(buf, pos, site.path)
    count = reader.word(8, "")
    if count == 0xFFFF_FFFF_FFFF_FFFF:
        raise BadValue("the source could not save its interrupts", pos, site.path)
    made = [reader.raw(72, f"[{index}]") for index in range(count)]
    site.settled(pos, reader.pos)
    return made, reader.pos


def write_flic(
    value: Sequence[bytearray], out: list[bytes], owner: Owner, path: str
) -> None:
    """Pending interrupts."""
    writer = Writer(out, path)
    writer.word(len(value), 8, "")
    for index, one in enumerate(value):
        writer.raw(one, 72, f"[{index}]")


CLIPBOARD_BY_DEMAND = 1 << 5


def read_clipboard(
    buf: Buffer, pos: int, site: FormatSite, *, infos: FormatPart
) -> tuple[State | None, int]:
    """The clipboards that a spice agent owns; nothing at all where its clipboard is off
    or the guest's agent (``caps``) does not offer one."""
    caps = getattr(site.owner[0], "caps", None) if site.owner else None
    total = site.announced()
    if caps is not None and not caps & CLIPBOARD_BY_DEMAND:
        there = False
    elif total is not None:
        there = total > 0
    elif (told := site.told("VDAgentChardev", "clipboard")) is not None:
        there = bool(told)
    else:
        raise site.missing(
            "whether the agent has a clipboard", "VDAgentChardev", "clipboard", pos
        )
    if not there:
        return None, pos
    reader = Reader(buf, pos, site.path)
    scope = Scope(site.scope.context, None)
    made: State = reader.part(infos, scope, site.owner, "")
    site.settled(pos, reader.pos)
    return made, reader.pos


def write_clipboard(
    value: State | None,
    out: list[bytes],
    owner: Owner,
    path: str,
    *,
    infos: FormatPart,
) -> None:
    """The clipboards that a spice agent owns."""
    if value is not None:
        Writer(out, path).part(infos, value, owner, "")


def with_answers(
    context: Context,
    members: Mapping[str, Any] | None = None,
    functions: Mapping[str, Any] | None = None,
) -> Context:
    """The context with further answers, where the user gave none."""
    return Context(
        {**(members or {}), **context.members},
        {**(functions or {}), **context.functions},
        None,
    )


def only_way(
    site: FormatSite,
    pos: int,
    ways: Sequence[Callable[[], tuple[T, int]]],
    what: str,
    owner: str,
    member: str,
) -> tuple[T, int]:
    """The value that the one way to read a field gives which ends where it must.

    With several ways the end must be known, from the stream's own description; more than
    one that ends there, or no known end, is for the context to decide: ``what`` is not in
    the bytes.
    """
    if len(ways) > 1 and site.announced() is None:
        raise site.missing(what, owner, member, pos)
    found: list[tuple[T, int]] = []
    failure: VMStateError | None = None
    for way in ways:
        try:
            made, end = way()
            site.settled(pos, end)
        except VMStateError as error:
            failure = failure or error
            continue
        if (made, end) not in found:
            found.append((made, end))
    if len(found) == 1:
        return found[0]
    if found:
        raise site.missing(what, owner, member, pos)
    raise failure or BadValue("cannot be read in any way", pos, site.path)
