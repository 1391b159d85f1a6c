"""Which TLB the model of a PowerPC CPU has, and so which subsection it sends.

``tlb6xx_needed``, ``tlbemb_needed`` and ``tlbmas_needed`` (``target/ppc/machine.c``) ask
members that no property sets: the model's family does (``tlbs.toml``).
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from vmgen import ir
from vmgen.known.members import WHOLE, KnownBits, KnownMembers

_KIND = ir.MemberPlace("PowerPCCPU", "env.tlb_type")
_ENTRIES = ir.MemberPlace("PowerPCCPU", "env.nb_tlb")


def of_model(model: str) -> KnownMembers:
    """The members that a model of CPU decides; none for a model that is not known."""
    return _models().get(model, {})


@cache
def _models() -> dict[str, KnownMembers]:
    text = (files("vmgen.known") / "tlbs.toml").read_text(encoding="utf-8")
    found: dict[str, KnownMembers] = {}
    for one in tomllib.loads(text)["tlb"]:
        members = {_KIND: KnownBits(WHOLE, one["kind"])}
        if "entries" in one:
            members[_ENTRIES] = KnownBits(WHOLE, one["entries"])
        found.update(dict.fromkeys(one["models"], members))
    return found
