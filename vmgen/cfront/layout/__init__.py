"""Types resolved, records laid out for x86-64 SysV as GCC does, expressions folded."""

from vmgen.cfront.layout.engine import NO_LOCALS, Layout
from vmgen.cfront.layout.model import (
    Declarations,
    MemberLayout,
    Place,
    PlaceStep,
    RecordLayout,
)
from vmgen.cfront.words import type_words, written_words

__all__ = [
    "NO_LOCALS",
    "Declarations",
    "Layout",
    "MemberLayout",
    "Place",
    "PlaceStep",
    "RecordLayout",
    "type_words",
    "written_words",
]
