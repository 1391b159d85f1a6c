"""Will a guest that one release saved load in the other?  Answered from two programs.

:func:`judge` compares the symbolic byte layouts of every section, :mod:`check` confirms
its verdicts with the generated codecs of both.
"""

from vmgen.verdict.machines import judge
from vmgen.verdict.model import (
    Direction,
    Finding,
    Judgement,
    Outcome,
    SectionVerdict,
    Verdict,
    worst,
)

__all__ = [
    "Direction",
    "Finding",
    "Judgement",
    "Outcome",
    "SectionVerdict",
    "Verdict",
    "judge",
    "worst",
]
