"""Whole migration streams: read, compared, changed, written."""

from vmgen.stream.codecs import Codec, Codecs, from_folder
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
from vmgen.stream.memory import Memory, Page
from vmgen.stream.parts import (
    Command,
    Configuration,
    Description,
    End,
    Header,
    Part,
    Section,
    Trailing,
)
from vmgen.stream.stream import Stream

__all__ = [
    "Ambiguous",
    "BadEdit",
    "Codec",
    "Codecs",
    "Command",
    "Configuration",
    "Description",
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
