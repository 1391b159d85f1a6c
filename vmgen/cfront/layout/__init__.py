"""Types resolved, records laid out for x86-64 SysV as GCC does, expressions folded."""

from vmgen.cfront.layout.engine import Layout
from vmgen.cfront.layout.initialize import Filled, FilledArray, FilledRecord
from vmgen.cfront.layout.model import (
    FILE_SCOPE,
    STATIC_INITIALIZER,
    Constant,
    Declarations,
    MemberLayout,
    Place,
    PlaceStep,
    RecordLayout,
    Scope,
)
from vmgen.cfront.printer import type_words, written_words

__all__ = [
    "FILE_SCOPE",
    "STATIC_INITIALIZER",
    "Constant",
    "Declarations",
    "Filled",
    "FilledArray",
    "FilledRecord",
    "Layout",
    "MemberLayout",
    "Place",
    "PlaceStep",
    "RecordLayout",
    "Scope",
    "type_words",
    "written_words",
]
