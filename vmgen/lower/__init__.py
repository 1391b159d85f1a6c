"""IR -> codec plan: fixed runs fused, Python names chosen.  Pure functions."""

from vmgen.lower.modules import Around, exports, lower, offers, several
from vmgen.lower.sections import rivals, sections, shapes

__all__ = [
    "Around",
    "exports",
    "lower",
    "offers",
    "rivals",
    "sections",
    "several",
    "shapes",
]
