"""What a stream is made of, in stream order; together the parts are all of its bytes."""

from __future__ import annotations

from vmgen.stream.frozen import Frozen
from vmgen.stream.wire import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from vmgen.stream.codec import Codec
    from vmgen.stream.description import Device
    from vmgen.stream.errors import Question

Kind: TypeAlias = "Literal['start', 'part', 'end', 'full']"

Means: TypeAlias = "Literal['ram', 'old-style', 'codec', 'description', 'footer']"
"""How the end of a section was found: by the reader of RAM or of another section without
a table, by a codec, by the sizes in the description, by its footer."""


class Header(Frozen):
    """Magic and version."""

    offset: int
    size: int


class ConfigurationSubsection(Frozen):
    """One of the configuration: ``value`` is a number (target-page-bits), a list of names
    (capabilities) or bytes (uuid, and any that only the description knows)."""

    name: str
    version_id: int
    offset: int
    size: int
    value: int | list[str] | bytes


class Configuration(Frozen):
    """Machine type and what must be the same on both sides."""

    offset: int
    size: int
    machine: str
    subsections: tuple[ConfigurationSubsection, ...] = ()

    def value(self, name: str) -> int | list[str] | bytes | None:
        """The value of ``configuration/NAME``, None if it is missing: of several QEMU
        loads each, so that the last one counts."""
        for subsection in reversed(self.subsections):
            if subsection.name == f"configuration/{name}":
                return subsection.value
        return None


ANY_INSTANCE = 0xFFFFFFFF
"""The number of an instance with which QEMU finds the first device of a name: the alias of
every device that has none (``find_se`` in ``migration/savevm.c``)."""

EVERYWHERE = "globalstate"
"""A section of every machine: a package that has its codec has that of every device."""

WITHOUT_A_TABLE = frozenset({"slirp"})
"""Sections that a library of QEMU's writes: no table of the release has them."""


class Section(Frozen):
    """A section of a device, or a piece of one: START, PART ..., END, or FULL.

    Its body is ``start`` to ``end``; ``offset`` and ``size`` include header and footer.
    PART and END have their name, instance and version from the START with their id.
    ``open`` is what its codec would have to know to read it, where something else bounds
    it for want of that.
    """

    offset: int
    size: int
    kind: Kind
    id: int
    name: str
    instance_id: int
    version_id: int
    start: int
    end: int
    footer: bool
    means: Means
    codec: Codec | None = None
    device: Device | None = None
    open: Question | None = None

    @property
    def path(self) -> str:
        """``name/instance``: how edits and messages call it."""
        return f"{printable(self.name)}/{self.instance_id}"


class Command(Frozen):
    """A command: ``payload`` is between ``start`` and ``start + length``.

    PACKAGED has a stream of ``package_size`` bytes behind it, whose parts are
    ``package``.
    """

    offset: int
    size: int
    command: int
    name: str
    start: int
    length: int
    package_start: int = 0
    package: tuple[Part, ...] | None = None


class End(Frozen):
    """The end mark (0x00)."""

    offset: int
    size: int


class DescriptionJson(Frozen):
    """The description JSON, with its mark and length."""

    offset: int
    size: int


class Trailing(Frozen):
    """What follows the stream: padding."""

    offset: int
    size: int


Part: TypeAlias = (
    Header | Configuration | Section | Command | End | DescriptionJson | Trailing
)
