"""libvirt's save images (``virQEMUSaveHeader`` in ``src/qemu/qemu_saveimage.h``).

Sixteen bytes of magic, then 32-bit numbers in the byte order of the host that wrote them:
version, length of the XML (with a cookie and padding), whether it was running, format,
place of the cookie, fourteen that are unused.  The stream follows the XML.
"""

from __future__ import annotations

from vmgen.stream.carriers import Held, Unwrapped
from vmgen.stream.carriers.pipes import exactly
from vmgen.stream.errors import NotAStream, Truncated
from vmgen.stream.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from vmgen.stream.carriers import Carrier, CarrierRequest, Source

SIZE = 16 + 19 * 4
VERSION = 2
_FORMAT = 28
_LONGEST = 64 << 20

FORMATS = {0: "", 1: "gzip", 2: "bzip2", 3: "xz", 4: "lzop", 5: "zstd", 6: ""}
"""Compression by number; 6 (sparse) is a mapped-ram file that begins behind the XML."""


class SaveImage(Frozen):
    """A save image's header.

    ``start`` is the offset of the (compressed) stream, ``compression`` its name, empty for
    none.  ``plain`` is the header with the XML, of an image that is not compressed.
    """

    version: int
    was_running: bool
    compression: str
    start: int
    byte_order: Literal["little", "big"]
    plain: bytes = b""


def read_save_image(head: bytes) -> SaveImage:
    """The header in the first :data:`SIZE` bytes, behind which the XML may follow.

    Raises NotAStream for one that was never finished or is of an unknown kind, Truncated
    for fewer bytes.
    """
    if len(head) < SIZE:
        raise Truncated(
            f"{SIZE} bytes are needed and {len(head)} are there", 0, "libvirt"
        )
    if head.startswith(b"LibvirtQemudPart"):
        raise NotAStream("the save image was never finished", 0, "libvirt")
    order: Literal["little", "big"] = "little"
    if int.from_bytes(head[16:20], order) > 0xFFFF:
        order = "big"

    def number(index: int) -> int:
        return int.from_bytes(head[16 + 4 * index : 20 + 4 * index], order)

    version, length, running, kind = (number(index) for index in range(4))
    if not 1 <= version <= VERSION:
        raise NotAStream(f"a save image of version {version}", 16, "libvirt")
    if length > _LONGEST:
        raise NotAStream(f"a save image with {length} bytes of XML", 20, "libvirt")
    if kind not in FORMATS:
        known = ", ".join(name for name in FORMATS.values() if name)
        hint = f"known are none, {known}"
        message = f"a save image in the unknown format {kind}"
        raise NotAStream(message, 28, "libvirt", hint)
    start = SIZE + length
    plain = head[:start]
    if FORMATS[kind]:
        plain = plain[:_FORMAT] + bytes(4) + plain[_FORMAT + 4 :]
    return SaveImage(version, bool(running), FORMATS[kind], start, order, plain)


class _SaveImages:
    needs_all = False
    several = False

    def open(self, source: Source, wanted: CarrierRequest) -> Unwrapped:
        """The stream behind the XML; what compresses it the header says."""
        if isinstance(source, memoryview):
            start = read_save_image(bytes(source[:SIZE])).start
            if len(source) < start:
                message = f"{start - len(source)} bytes are missing"
                raise Truncated(message, None, "libvirt")
            image = read_save_image(bytes(source[:start]))
            source = source[start:]
        else:
            head = exactly(source, SIZE, "libvirt")
            left = read_save_image(head).start - SIZE
            image = read_save_image(head + exactly(source, left, "libvirt"))
        return Unwrapped(source, image.start, True, image.plain, image.compression)

    def held(self, view: memoryview, wanted: CarrierRequest) -> tuple[Held, ...]:
        """The only one."""
        return (Held(start=self.open(view, wanted).start),)


def carrier(kind: str) -> Carrier:
    """Save images."""
    return _SaveImages()
