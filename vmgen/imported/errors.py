"""Why a file cannot become part of a stream."""

from __future__ import annotations

from vmgen.stream.errors import StreamError


class BadCore(StreamError):
    """A core or an image cannot be read, or is not one of the template's machine."""

    code = "VG735"
