"""Whole migration streams: read, compared, changed, written.

Names are imported from their modules when they are first used.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.stream.codec import (
        Codec as Codec,
    )
    from vmgen.stream.codecs import (
        Codecs as Codecs,
    )
    from vmgen.stream.draft import (
        Draft as Draft,
    )
    from vmgen.stream.errors import (
        Ambiguous as Ambiguous,
    )
    from vmgen.stream.errors import (
        BadEdit as BadEdit,
    )
    from vmgen.stream.errors import (
        Disagreement as Disagreement,
    )
    from vmgen.stream.errors import (
        Malformed as Malformed,
    )
    from vmgen.stream.errors import (
        NoCodecs as NoCodecs,
    )
    from vmgen.stream.errors import (
        NotAStream as NotAStream,
    )
    from vmgen.stream.errors import (
        NotFound as NotFound,
    )
    from vmgen.stream.errors import (
        Refused as Refused,
    )
    from vmgen.stream.errors import (
        StreamError as StreamError,
    )
    from vmgen.stream.errors import (
        Truncated as Truncated,
    )
    from vmgen.stream.errors import (
        UnknownSection as UnknownSection,
    )
    from vmgen.stream.errors import (
        Unreadable as Unreadable,
    )
    from vmgen.stream.memory import (
        Memory as Memory,
    )
    from vmgen.stream.memory import (
        Page as Page,
    )
    from vmgen.stream.packages import (
        from_folder as from_folder,
    )
    from vmgen.stream.parts import (
        Command as Command,
    )
    from vmgen.stream.parts import (
        Configuration as Configuration,
    )
    from vmgen.stream.parts import (
        DescriptionJson as DescriptionJson,
    )
    from vmgen.stream.parts import (
        End as End,
    )
    from vmgen.stream.parts import (
        Header as Header,
    )
    from vmgen.stream.parts import (
        Part as Part,
    )
    from vmgen.stream.parts import (
        Section as Section,
    )
    from vmgen.stream.parts import (
        Trailing as Trailing,
    )
    from vmgen.stream.stream import (
        Stream as Stream,
    )

_NAMES = {
    "codec": "Codec",
    "codecs": "Codecs",
    "draft": "Draft",
    "errors": "Ambiguous BadEdit Disagreement Malformed NoCodecs NotAStream NotFound Refused StreamError Truncated UnknownSection Unreadable",
    "memory": "Memory Page",
    "packages": "from_folder",
    "parts": "Command Configuration DescriptionJson End Header Part Section Trailing",
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
    "Refused",
    "Section",
    "Stream",
    "StreamError",
    "Trailing",
    "Truncated",
    "UnknownSection",
    "Unreadable",
    "from_folder",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
