"""Captured streams, whole or without RAM, and the codecs that read them."""

from __future__ import annotations

import importlib.util
import lzma
from functools import cache
from pathlib import Path

from vmgen.stream import Codecs, from_folder

FOLDER = Path(__file__).parent / "fixtures"

WHOLE = sorted(
    file.name.removesuffix(".stream.xz")
    for file in (FOLDER / "streams").glob("*.stream.xz")
)
"""Streams with their RAM."""

STRIPPED = sorted(
    file.name.removesuffix(".stream.xz") for file in FOLDER.glob("*.stream.xz")
)
"""Streams without their RAM sections, every other byte as QEMU wrote it."""


@cache
def whole(name: str) -> bytes:
    return lzma.decompress((FOLDER / "streams" / f"{name}.stream.xz").read_bytes())


@cache
def stripped(name: str) -> bytes:
    return lzma.decompress((FOLDER / f"{name}.stream.xz").read_bytes())


def captured(name: str) -> bytes:
    return whole(name) if name in WHOLE else stripped(name)


ALL = sorted({*WHOLE, *STRIPPED})


def target_of(name: str) -> str:
    return name.split("-")[0]


@cache
def packages() -> dict[str, Codecs]:
    """The committed package of the eight targets."""
    spec = importlib.util.find_spec("generated")
    assert spec is not None
    assert spec.submodule_search_locations, "vmgen generate has not been run"
    return from_folder(Path(spec.submodule_search_locations[0]))


def codecs_of(name: str) -> Codecs | None:
    """The codecs of the stream's target; None for another target or another release."""
    if not name.endswith("--10.0.2"):
        return None
    return packages().get(target_of(name))
