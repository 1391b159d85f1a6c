"""The registers that vmgen knows by name: a page for each architecture, made from the tables
when the site is built."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from vmgen.stream.registers.table import RegisterEntry, probes, table

HEAD = """\
# Registers

`vmgen stream show vm.mig a0 sp` and `vmgen stream edit vm.mig a0=1` take registers by the names that gdb has for them, in
any case; `cpu/1.a0` is that of the second CPU. These pages are made from the tables that the commands read. A register that
gdb does not have is in a feature `org.vmgen.*`. An Arm system register without a name is `s3_0_c15_c2_0`, or in AArch32
`p15_0_c1_c0_0`.

| targets | registers | in a stream |
|---|---|---|
"""

COLUMNS = "| name | bits | access | field of the section `cpu` |\n|---|---|---|---|\n"

_NUMBERED = re.compile(r"(\D*?)(\d+)(\D*)")


def pages() -> Mapping[str, str]:
    """The pages as Markdown, by their paths; ``registers/index.md`` leads to the others."""
    made: dict[str, str] = {}
    rows = []
    for _, targets in sorted(probes(), key=lambda one: next(iter(one[1]))):
        names = tuple(targets)
        features = _features(names)
        entries = [one for of in features.values() for one in of.values()]
        sent = sum(any(one.ways for one in by.values()) for by in entries)
        title = ", ".join(f"`{name}`" for name in names)
        made[f"registers/{names[0]}.md"] = _page(names, features)
        rows.append(f"| [{title}]({names[0]}.md) | {len(entries)} | {sent} |\n")
    return {"registers/index.md": HEAD + "".join(rows), **made}


Features = Mapping[str, Mapping[str, Mapping[str, RegisterEntry]]]
"""The registers of an architecture by feature, name, and target."""


def _features(targets: Sequence[str]) -> Features:
    found: dict[str, dict[str, dict[str, RegisterEntry]]] = {}
    for target in reversed(targets):  # the wider ones are the later ones
        known = table(target)
        assert known is not None, target
        for entry in known.entries.values():
            of = found.setdefault(entry.feature, {})
            of.setdefault(entry.name, {})[target] = entry
    return found


def _page(targets: Sequence[str], features: Features) -> str:
    parts = [f"# Registers: {', '.join(targets)}\n"]
    if "arm-m" in targets:
        parts.append("`arm-m` are the CPUs of the M profile in `qemu-system-arm`.\n")
    for feature, entries in features.items():
        rows = "".join(_rows(targets, entries))
        parts.append(f"## {feature}\n\n{COLUMNS}{rows}")
    aliases = sorted(
        {one.name for target in targets for one in _aliases(target)}, key=str.lower
    )
    if aliases:
        listed = ", ".join(f"`{name}`" for name in aliases)
        parts.append(f"## Other names, and parts of registers\n\n{listed}\n")
    parts.append("[All architectures](index.md)\n")
    return "\n".join(parts)


def _aliases(target: str) -> Iterator[RegisterEntry]:
    known = table(target)
    assert known is not None, target
    yield from known.aliases.values()


def _rows(
    targets: Sequence[str], entries: Mapping[str, Mapping[str, RegisterEntry]]
) -> Iterator[str]:
    """A row for each register, and one for those that differ in a number alone."""
    names: list[str] = []
    before: tuple[str, str, str] | None = None
    for name, of in entries.items():
        cells = _cells(targets, of)
        if names and not (cells == before and _follows(names[-1], name)):
            yield _row(names, before, entries)
            names = []
        names.append(name)
        before = cells
    if names:
        yield _row(names, before, entries)


def _row(
    names: Sequence[str],
    cells: tuple[str, str, str] | None,
    entries: Mapping[str, Mapping[str, RegisterEntry]],
) -> str:
    assert cells is not None
    bits, access, _ = cells
    shown = f"`{names[0]}`" + (f" to `{names[-1]}`" if len(names) > 1 else "")
    first, last = (_place(entries[names[at]]) for at in (0, -1))
    place = first if first == last else f"{first} to {last}"
    return f"| {shown} | {bits} | {access} | {place} |\n"


def _cells(
    targets: Sequence[str], of: Mapping[str, RegisterEntry]
) -> tuple[str, str, str]:
    """Bits and access, and what must be alike for two rows to be one."""
    widths = {entry.bits for entry in of.values() if entry.bits}
    bits = " or ".join(map(str, sorted(widths)))
    access: dict[str, list[str]] = {}
    for target in targets:
        if target in of:
            access.setdefault(_access(of[target]), []).append(target)
    parts = [
        text if len(some) == len(targets) else f"{text} ({', '.join(some)})"
        for text, some in access.items()
    ]
    return bits, "; ".join(parts), "+".join(of)


def _access(entry: RegisterEntry) -> str:
    if not entry.ways:
        return f"not in a stream: {entry.why}"
    pieces = [piece for way in entry.ways for piece in way.pieces]
    kept = any(piece.path and not piece.path.startswith("%") for piece in pieces)
    return "read, write" if kept else "read"


def _place(of: Mapping[str, RegisterEntry]) -> str:
    """The fields of the first alternative, lowest bits first."""
    entry = next(iter(of.values()))
    paths = [piece.path for way in entry.ways[:1] for piece in way.pieces]
    fields = list(
        dict.fromkeys(
            "`cpreg_vmstate_values`" if path.startswith("#") else f"`{path}`"
            for path in (re.sub(r"\[@[^]]*\]", "[...]", path) for path in paths)
            if path and not path.startswith("%")
        )
    )
    if len(fields) > 3:
        fields = [fields[0], "...", fields[-1]]
    return ", ".join(fields)


def _follows(before: str, name: str) -> bool:
    """Whether two names are one but for a number, which is the next."""
    one, two = _NUMBERED.fullmatch(before), _NUMBERED.fullmatch(name)
    return (
        one is not None
        and two is not None
        and (one[1], one[3]) == (two[1], two[3])
        and int(two[2]) == int(one[2]) + 1
    )
