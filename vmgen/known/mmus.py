"""Which MMU the model of a PowerPC CPU has, and so which subsections it sends.

``tlb6xx_needed``, ``tlbemb_needed``, ``tlbmas_needed`` and ``slb_needed``
(``target/ppc/machine.c``) ask members that no property sets: the model's family does
(``mmus.toml``).
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from vmgen import ir
from vmgen.known.members import WHOLE, KnownBits, KnownMembers

_KIND = ir.MemberPlace("PowerPCCPU", "env.tlb_type")
_ENTRIES = ir.MemberPlace("PowerPCCPU", "env.nb_tlb")
_MODEL = ir.MemberPlace("PowerPCCPU", "env.mmu_model")
_SEGMENTS_64 = 0x10000
"""``POWERPC_MMU_64`` (``target/ppc/cpu-qom.h``)."""


def of_model(model: str) -> KnownMembers:
    """The members that a model of CPU decides; none for a model that is not known."""
    return _models().get(model, {})


@cache
def _models() -> dict[str, KnownMembers]:
    known = tomllib.loads(
        (files("vmgen.known") / "mmus.toml").read_text(encoding="utf-8")
    )
    found: dict[str, dict[ir.MemberPlace, KnownBits]] = {}
    for one in known["tlb"]:
        for model in one["models"]:
            members = found[model] = {_KIND: KnownBits(WHOLE, one["kind"])}
            if "entries" in one:
                members[_ENTRIES] = KnownBits(WHOLE, one["entries"])
            members[_MODEL] = KnownBits(_SEGMENTS_64, 0)
    for model in known["segments_64"]:
        found.setdefault(model, {})[_MODEL] = KnownBits(_SEGMENTS_64, _SEGMENTS_64)
    return {**found}
