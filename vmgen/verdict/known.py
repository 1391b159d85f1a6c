"""Refusals that are the same C on both sides and still part two releases: what they ask
for is made by the rest of each release's code.

Measured on 7.2.22 and 10.0.2: each entry refuses streams of machines that both releases
have (``docs/verdicts.md``).
"""

from __future__ import annotations

from collections.abc import Mapping

DECIDED_ELSEWHERE: Mapping[tuple[str, str], str] = {
    # init_cpreg_list() of target/arm/helper.c makes the list.  10.0 has no PAR of 32 bits
    # beside that of 64, and more registers than 7.2.  One that the stream lacks is written
    # as it was before reset, and read back for comparison (write_list_to_cpustate()).
    ("vmstate_arm_cpu", "cpu->cpreg_vmstate_indexes[v] < cpu->cpreg_indexes[i]"): (
        "cpreg_vmstate_indexes lists the system registers that the destination has"
    ),
    # target/ppc/cpu-models.c says what "power9" stands for: v2.0 in 7.2, v2.2 in 10.0.
    ("vmstate_ppc_cpu", "!pvr_match(cpu, env->spr[0x11f])"): (
        "both sides have the same CPU model, version included (-cpu power9_v2.0)"
    ),
}
"""By the symbol of the description and the refusal's text, what must hold."""
