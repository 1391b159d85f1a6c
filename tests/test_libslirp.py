"""A user network's section, as libslirp reads it."""

from __future__ import annotations

import pytest

from tests.test_stream_read import HEAD, description, device, section
from vmgen.stream import Stream
from vmgen.stream.libslirp import refused


def found(body: bytes, version: int = 4) -> bool | None:
    """Whether what is refused is certain; None where nothing is."""
    data = section(1, "slirp", body).replace(
        b"slirp\0\0\0\0\0\0\0\1", b"slirp\0\0\0\0\0\0\0" + bytes([version])
    )
    entry = device("slirp", len(body), version=version)
    stream = Stream(HEAD + data + b"\0" + description([entry]), strict=False)
    (slirp,) = stream.sections
    assert slirp.version_id == version
    one = refused(stream, slirp)
    return None if one is None else one.certain


@pytest.mark.parametrize(("version", "size"), [(1, 1), (2, 3), (3, 131), (4, 131)])
def test_without_connections_a_version_has_its_length(version: int, size: int) -> None:
    assert found(bytes(size), version) is None
    assert found(b"\0" + b"\xff" * (size - 1), version) is None
    assert found(bytes(size + 1), version) is True
    assert found(bytes(size - 1), version) is True


def test_connections_are_not_known() -> None:
    assert found(b"\x2a" + bytes(130)) is False
    assert found(b"\x01" + bytes(200)) is False


def test_a_version_of_no_known_libslirp_is_not_known() -> None:
    assert found(bytes(131), 5) is False
