"""Why a question about a guest has no answer."""

from __future__ import annotations

from vmgen.stream.errors import StreamError


class NoMap(StreamError):
    """The stream does not say where its RAM blocks are, and nothing else does."""

    code = "VG730"


class BadMap(StreamError):
    """A map that was given cannot be read, or contradicts the stream."""

    code = "VG731"


class Unmapped(StreamError):
    """No memory is behind an address."""

    code = "VG732"


class Unsupported(StreamError):
    """What vmgen cannot do for this guest: its CPU, its paging mode, a format."""

    code = "VG733"


class Lossy(StreamError):
    """An export would lose something, and ``--strict`` does not let it."""

    code = "VG734"
