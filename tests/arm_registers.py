"""The system registers of Arm that a QEMU tree's C names: name and key in a stream.

    python -m tests.arm_registers TREE...

prints the rows of ``vmgen/stream/registers/tables``, the newest tree first.  The C is read
by patterns, apart from vmgen's own front end: entries of ``ARMCPRegInfo`` whose numbers are
constants, without those that QEMU does not migrate (``ARM_CP_ALIAS``, ``ARM_CP_NO_RAW``).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

_ENTRY = re.compile(r"""\{\s*\.name\s*=\s*"(\w+)"([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}""")
_MEMBER = re.compile(r"\.(\w+)\s*=\s*([^,]+)")
_PLACE = ("cp", "opc0", "opc1", "crn", "crm", "opc2")


def named(tree: Path) -> Iterator[tuple[str, str, int]]:
    """Target, name and key (``cpreg_to_kvm_id``, target/arm/kvm-consts.h)."""
    files = sorted((tree / "target/arm").rglob("*.c"))
    for file in [*files, *sorted((tree / "hw/intc").glob("arm_gicv3*.c"))]:
        text = re.sub(r"/\*.*?\*/", "", file.read_text("utf-8"), flags=re.S)
        for entry in _ENTRY.finditer(text):
            members = {name: value.strip() for name, value in _MEMBER.findall(entry[2])}
            for target, key in _keys(members):
                yield target, entry[1], key


def _keys(members: dict[str, str]) -> Iterator[tuple[str, int]]:
    kind, state = members.get("type", ""), members.get("state", "")
    texts = [members.get(name, "0") for name in _PLACE]
    if not {"opc0", "crn", "crm"} & members.keys():
        return
    if "ARM_CP_ALIAS" in kind or "ARM_CP_NO_RAW" in kind:
        return
    if not all(re.fullmatch(r"\d+|0x[0-9a-f]+", text) for text in texts):
        return
    cp, opc0, opc1, crn, crm, opc2 = (int(text, 0) for text in texts)
    if "AA64" in state or "BOTH" in state:
        low = opc0 << 14 | opc1 << 11 | crn << 7 | crm << 3 | opc2
        yield "aarch64", 0x6030_0000_0013_0000 | low
    if "AA64" not in state:
        cp = cp if "cp" in members else 15
        if "ARM_CP_64BIT" in kind:
            yield "arm", 0x4030_0000_0000_0000 | cp << 16 | crm << 7 | opc1 << 3
        else:
            low = crn << 11 | crm << 7 | opc1 << 3 | opc2
            yield "arm", 0x4020_0000_0000_0000 | cp << 16 | low


def main(trees: list[str]) -> None:
    found: dict[str, dict[int, list[str]]] = {"aarch64": {}, "arm": {}}
    for tree in trees:
        for target, name, key in named(Path(tree)):
            names = found[target].setdefault(key, [])
            if name not in names:
                names.append(name)
    for target, rows in found.items():
        print(f"# {target}")
        used: set[str] = set()
        places: dict[str, list[int]] = {}
        for key, names in sorted(rows.items()):
            for name in names:
                places.setdefault(name.lower(), []).append(key)
        aliases = []
        for key, names in sorted(rows.items()):
            free = [name for name in names if name.lower() not in used]
            if not free:
                continue
            used |= {name.lower() for name in free}
            bits = 32 if key >> 52 == 0x402 else 64
            # CPU models have a register of one name in different places; a place that another
            # name has too is that one's.
            others = [one for one in places[free[0].lower()] if rows[one] == [free[0]]]
            keys = [
                key,
                *(one for one in others if one > key and one >> 52 == key >> 52),
            ]
            print(f"{free[0]} {bits} {' | '.join(f'#{one:x}' for one in keys)}")
            aliases += [f"{name} = {free[0]}" for name in free[1:]]
        print(*aliases, sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
