"""What a stream can be inside of: compression, a save image, a disk image, an archive.

Every kind is a module with a :class:`Carrier`, known by the first bytes and imported where
a stream comes in it.  A carrier takes bytes, all of them at once or as they come, and gives
those that are inside of it; carriers nest, and :class:`vmgen.stream.input.Input` goes from
one to the next.
"""

from __future__ import annotations

from importlib import import_module

from vmgen.stream.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, TypeAlias

    from vmgen.stream.readable import Readable
else:
    Protocol = object

Source: TypeAlias = "memoryview | Readable"
"""All bytes of a carrier, or a pipe that is at its first byte."""


class CarrierRequest(Frozen):
    """What the user asks of carriers.

    ``snapshot`` is the name or the id of one stream out of many, empty for the only one.
    ``folder`` is where the file lies, for what it keeps in files beside it; None for bytes
    and pipes.
    """

    snapshot: str = ""
    folder: str | None = None


class Unwrapped(Frozen):
    """What is inside of a carrier.

    ``as_is`` says that the carrier has these bytes as they are, from offset ``start`` on;
    else they are unpacked, and a little of the one may be much of the other.  ``prefix`` goes
    before a copy that is to be such a carrier again (the header of a save image), empty where
    it only passes on what it is inside of; None where no copy can be one.  ``compression``
    names what the bytes are compressed with, where the carrier says it.
    """

    source: Source
    start: int = 0
    as_is: bool = False
    prefix: bytes | None = b""
    compression: str = ""


class Held(Frozen):
    """A stream that a carrier holds.

    ``id`` and ``name`` are what it is chosen by, empty where there is nothing to choose.
    ``date`` is in seconds since the epoch, ``clock`` the virtual machine's in nanoseconds,
    ``size`` in bytes, ``start`` the offset of its first byte in the carrier; None where the
    carrier does not say it.
    """

    id: str = ""
    name: str = ""
    date: int | None = None
    clock: int | None = None
    size: int | None = None
    start: int | None = None


class Carrier(Protocol):
    """A kind of carrier.

    ``needs_all`` says that its tables point anywhere: it is given a view, else a view or a
    pipe.  ``several`` says that it can hold more than one stream, or none.
    """

    needs_all: bool
    several: bool

    def open(self, source: Source, wanted: CarrierRequest) -> Unwrapped:
        """Go inside.  Raises a StreamError, what reading a pipe can raise, or one of
        :data:`vmgen.stream.carriers.compression.BROKEN`."""

    def held(self, view: memoryview, wanted: CarrierRequest) -> tuple[Held, ...]:
        """The streams that one of ``several`` holds, in its own order.  Raises what
        :meth:`open` does."""


_KINDS = {
    b"\xfd7zXZ\0": "xz",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x89LZO\0\r\n\x1a\n": "lzop",
    b"\x04\x22\x4d\x18": "lz4",
    b"LibvirtQemudSave": "libvirt",
    b"LibvirtQemudPart": "libvirt",
    b"QFI\xfb": "qcow2",
    b"VMA\0": "vma",
}

_MODULES = {"libvirt": "libvirt", "qcow2": "qcow2", "vma": "vma"}
"""The module of a kind; compressions share one."""

HEAD = 16
"""So many first bytes tell what it is."""


def kind_of(head: bytes) -> str:
    """``libvirt``, ``qcow2``, ``vma``, a compression by its usual name, or empty for a stream
    and for anything else.

    ``head`` are the first :data:`HEAD` bytes, or as many as there are.
    """
    for magic, kind in _KINDS.items():
        if head.startswith(magic):
            return kind
    return ""


def carrier(kind: str) -> Carrier:
    """The carrier of a kind that :func:`kind_of` names."""
    module = import_module(f"{__name__}.{_MODULES.get(kind, 'compression')}")
    made: Carrier = module.carrier(kind)
    return made
