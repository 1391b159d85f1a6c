"""Whole migration streams: read, compared, changed, written.

Names are imported from their modules when they are first used.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.stream.codec import Codec
    from vmgen.stream.codecs import Codecs
    from vmgen.stream.draft import Draft
    from vmgen.stream.errors import (
        Ambiguous,
        BadEdit,
        Disagreement,
        Malformed,
        NoCodecs,
        NotAStream,
        NotFound,
        Refused,
        StreamError,
        Truncated,
        UnknownSection,
        Unreadable,
    )
    from vmgen.stream.listing import StreamEntry, streams
    from vmgen.stream.memory import Memory, Page
    from vmgen.stream.packages import from_folder
    from vmgen.stream.parts import (
        Command,
        Configuration,
        DescriptionJson,
        End,
        Header,
        Part,
        Section,
        Trailing,
    )
    from vmgen.stream.ram_draft import RamDraft
    from vmgen.stream.stream import Stream

_NAMES = {
    "codec": "Codec",
    "codecs": "Codecs",
    "draft": "Draft",
    "errors": "Ambiguous BadEdit Disagreement Malformed NoCodecs NotAStream NotFound Refused StreamError Truncated UnknownSection Unreadable",
    "listing": "StreamEntry streams",
    "memory": "Memory Page",
    "packages": "from_folder",
    "parts": "Command Configuration DescriptionJson End Header Part Section Trailing",
    "ram_draft": "RamDraft",
    "stream": "Stream",
}

_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = [
    "Ambiguous",
    "BadEdit",
    "Codec",
    "Codecs",
    "Command",
    "Configuration",
    "DescriptionJson",
    "Disagreement",
    "Draft",
    "End",
    "Header",
    "Malformed",
    "Memory",
    "NoCodecs",
    "NotAStream",
    "NotFound",
    "Page",
    "Part",
    "RamDraft",
    "Refused",
    "Section",
    "Stream",
    "StreamEntry",
    "StreamError",
    "Trailing",
    "Truncated",
    "UnknownSection",
    "Unreadable",
    "from_folder",
    "streams",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
