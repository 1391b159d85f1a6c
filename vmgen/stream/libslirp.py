"""The section of a user network, which libslirp writes and reads without a table that QEMU
describes.

``slirp_state_load`` (``src/state.c`` of libslirp) reads connections of ``guestfwd`` as long
as a byte before each is not 0, then the number of the next IP packet and the 16 addresses
that DHCP gave.
"""

from __future__ import annotations

from typing import NamedTuple

from vmgen.stream.parts import Section
from vmgen.stream.stream import Stream

NAME = "slirp"

_NEWEST = 4
"""The version that libslirp has written since it is a library of its own
(``SLIRP_STATE_VERSION``)."""

_LENGTHS = {0: 1, 1: 1, 2: 3, 3: 131, 4: 131}
"""The bytes of each version without connections: the end of these, 2 bytes of an IP packet's
number since 2, 16 times 8 bytes of an address since 3."""


class SlirpFinding(NamedTuple):
    """Why libslirp does not, or may not, read a section."""

    offset: int
    message: str
    certain: bool


def refused(stream: Stream, section: Section) -> SlirpFinding | None:
    """Why libslirp does not read a section as it stands; None if it does."""
    if section.version_id > _NEWEST:
        message = (
            f"version {section.version_id}; libslirp is known to load up to {_NEWEST}"
        )
        return SlirpFinding(section.start - 4, message, False)
    data = stream.view[section.start : section.end]
    if bytes(data[:1]) not in (b"", b"\0"):
        message = "connections of guestfwd, which only libslirp reads"
        return SlirpFinding(section.start, message, False)
    wanted = _LENGTHS.get(section.version_id)
    if wanted is None or len(data) == wanted:
        return None
    message = f"libslirp reads {wanted} bytes, and the section has {len(data)}"
    return SlirpFinding(section.start, message, True)
