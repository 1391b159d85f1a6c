"""IR -> codec plan: fixed runs fused, Python names chosen.  Pure functions."""

from vmgen.lower.modules import OtherPrograms, exports, lower, offers, several
from vmgen.lower.sections import rivals, sections, shapes

__all__ = [
    "OtherPrograms",
    "exports",
    "lower",
    "offers",
    "rivals",
    "sections",
    "several",
    "shapes",
]
