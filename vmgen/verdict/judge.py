"""Two programs: sections matched, each judged in both directions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from vmgen import ir
from vmgen.lookup import Lookup, Placed
from vmgen.source import NOWHERE
from vmgen.verdict.compare import Comparison
from vmgen.verdict.layout import Layouts
from vmgen.verdict.model import COMPATIBLE, Finding, Judgement, Outcome, SectionVerdict
from vmgen.verdict.state import summed

WAYS = 3
"""Ways to fail that are told of one section."""


@dataclass(frozen=True, slots=True)
class Section:
    """A description that gets a section of its own; ``roots`` say who registers it, and
    are empty where the program does not know.

    ``placed`` is None for handlers written in C.
    """

    name: str
    symbol: str
    placed: Placed | None
    roots: tuple[ir.Root, ...] = ()

    @property
    def file(self) -> str:
        """Where the description is defined."""
        return self.placed.module.file if self.placed else self.roots[0].file

    @property
    def cpu(self) -> bool:
        """Whether it is the CPU's."""
        if any(root.how == "legacy_cpu" for root in self.roots):
            return True
        return self.file.startswith("target/") or self.name in ("cpu", "cpu_common")


def sections(program: ir.Program) -> tuple[Section, ...]:
    """The sections of a program: its roots, or else the descriptions that no other one
    names."""
    lookup = Lookup(program)
    if not program.roots:
        return tuple(
            Section(placed.description.name, placed.description.symbol, placed)
            for placed in lookup.roots()
        )
    known = {
        (placed.module.file, placed.description.symbol): placed
        for placed in lookup.all()
    }
    found: dict[tuple[str, str, str], list[ir.Root]] = defaultdict(list)
    for root in program.roots:
        name = root.section
        placed = known.get((root.home, root.symbol))
        if placed is not None and placed.description.name:
            name = placed.description.name
        found[name, root.home, root.symbol].append(root)
    registered = tuple(
        Section(name, symbol, known.get((home, symbol)), tuple(roots))
        for (name, home, symbol), roots in found.items()
        if (home, symbol) in known or roots[0].how == "handlers"
    )
    inside = {(home, symbol) for _, home, symbol in found}
    # What nothing names and nobody registers is saved and loaded by C code itself.
    rest = tuple(
        Section(placed.description.name, placed.description.symbol, placed)
        for placed in lookup.roots()
        if (placed.module.file, placed.description.symbol) not in inside
    )
    return registered + rest


def judge(old: ir.Program, new: ir.Program) -> Judgement:
    """The verdict on every section of the two programs, in both directions."""
    forward = Comparison(Layouts(old, "save"), Layouts(new, "load"))
    backward = Comparison(Layouts(new, "save"), Layouts(old, "load"), backward=True)
    verdicts = [
        _section(one, two, forward, backward, bool(old.roots and new.roots))
        for one, two in matched(sections(old), sections(new))
        # What C code saves inside of a section of its own has no name on the wire.
        if (one and two) or _registered(one, old) or _registered(two, new)
    ]
    verdicts.sort(key=lambda verdict: not verdict.cpu)
    target = new.target or old.target
    return Judgement(target, old.release, new.release, tuple(verdicts))


def _registered(section: Section | None, program: ir.Program) -> bool:
    return section is not None and bool(section.roots or not program.roots)


def matched(
    old: Iterable[Section], new: Iterable[Section]
) -> Iterator[tuple[Section | None, Section | None]]:
    """Which section of the old program is which of the new one.

    By wire name; among several of one name by registering type, then by symbol and file,
    then by symbol, then in order.  What is left belongs together if its symbol is equal:
    then it has another name on the wire.
    """
    left, right = list(old), list(new)
    keys = (
        lambda one: (one.name, one.symbol, one.file),
        lambda one: (one.name, one.symbol),
        lambda one: (
            one.name,
            tuple(sorted({t for r in one.roots for t in r.device_types})) or id(one),
        ),
        lambda one: one.name,
        lambda one: (one.symbol, one.file),
        lambda one: one.symbol,
    )
    partner: dict[int, Section] = {}
    taken: set[int] = set()
    for key in keys:
        waiting: dict[object, list[Section]] = defaultdict(list)
        for section in right:
            if id(section) not in taken:
                waiting[key(section)].append(section)
        for section in left:
            if id(section) in partner or not waiting[key(section)]:
                continue
            found = waiting[key(section)].pop(0)
            partner[id(section)] = found
            taken.add(id(found))
    for section in left:
        yield section, partner.get(id(section))
    for section in right:
        if id(section) not in taken:
            yield None, section


def _section(
    old: Section | None,
    new: Section | None,
    forward: Comparison,
    backward: Comparison,
    registered: bool,
) -> SectionVerdict:
    one = old or new
    assert one is not None
    if old is not None and new is not None and not _alone(old, new, registered):
        first = outcome(old, new, forward)
        second = outcome(new, old, backward)
    elif old is not None and (new is None or old.roots):
        first, second = _only(old, new, backward=False), COMPATIBLE
    else:
        assert new is not None
        first, second = COMPATIBLE, _only(new, old, backward=True)
    return SectionVerdict(
        one.name,
        old.symbol if old else "",
        new.symbol if new else "",
        old.file if old else "",
        new.file if new else "",
        first,
        second,
        one.cpu,
    )


def _alone(old: Section, new: Section, registered: bool) -> bool:
    """Whether only one of the programs, which both say what they register, does so."""
    return registered and bool(old.roots) != bool(new.roots)


def _only(section: Section, other: Section | None, *, backward: bool) -> Outcome:
    """A section that the destination has never heard of, or has and does not register."""
    placed = section.placed
    position = placed.description.position if placed else section.roots[0].position
    if placed is not None and placed.description.unmigratable:
        return COMPATIBLE
    types = sorted({type_ for root in section.roots for type_ in root.device_types})
    what = f"no {' or '.join(types[:3])}" + (", ..." if len(types) > 3 else "")
    finding = Finding(
        "section",
        f"section '{section.name}' is not known"
        + (f": nothing registers {other.symbol}" if other else ""),
        section.name,
        section.symbol,
        source=f"version {placed.description.version_id}" if placed else "C handlers",
        target="no such section",
        condition=f"the stream has no section '{section.name}'"
        + (f" ({what})" if types else ""),
        old=NOWHERE if backward else position,
        new=position if backward else NOWHERE,
    )
    return Outcome("conditional", finding.condition, (finding,))


def outcome(source: Section, target: Section, comparison: Comparison) -> Outcome:
    """What comes of loading the one section's bytes as the other."""
    if source.placed is None or target.placed is None:
        return _handlers(source, target, comparison.backward)
    one, two = source.placed.description, target.placed.description
    positions = (one.position, two.position)
    if comparison.backward:
        positions = (two.position, one.position)
    about = Finding(
        "version", "", one.name, one.symbol, old=positions[0], new=positions[1]
    )
    if one.unmigratable:
        if two.unmigratable:
            return COMPATIBLE
        text = "no stream has it: a guest with it cannot be saved"
        return Outcome(
            "compatible", notes=(replace(about, reason="presence", text=text),)
        )
    if source.name != target.name:
        text = f"the section is called '{source.name}' and awaited as '{target.name}'"
        about = replace(
            about,
            reason="name",
            text=text,
            offset="the section's header",
            source=f"'{source.name}'",
            target=f"'{target.name}'",
        )
        return Outcome("incompatible", "", (about,))
    if lost := _addressed(source, target):
        places = [section.roots[0].position for section in (source, target)]
        if comparison.backward:
            places.reverse()
        return Outcome(
            "incompatible",
            "",
            (
                replace(
                    about,
                    reason="section",
                    text=lost,
                    offset="the section's header",
                    source=_instances(source),
                    target=_instances(target),
                    old=places[0],
                    new=places[1],
                ),
            ),
        )
    version = one.version_id
    if not two.minimum_version_id <= version <= two.version_id:
        text = (
            f"version {version} is below the minimum {two.minimum_version_id}"
            if version < two.minimum_version_id
            else f"version {version} is above {two.version_id}"
        )
        finding = replace(
            about,
            text=text,
            offset="the section's header",
            source=f"version {version}",
            target=f"versions {two.minimum_version_id} to {two.version_id}",
        )
        more = _subsections(source.placed, target.placed, comparison)
        return Outcome("incompatible", "", (finding, *more))
    leaves = comparison.layouts(
        comparison.source.layout(source.placed, version),
        comparison.target.layout(target.placed, version),
    )
    notes = tuple(dict.fromkeys(note for leaf in leaves for note in leaf.notes))
    notes += tuple(_never_sent(source.placed, target.placed, comparison))
    found = summed(leaves)
    if found.failed is not None and not found.condition and not found.failed.condition:
        ways = tuple(
            replace(finding, text=f"{finding.text} (if {case})") if case else finding
            for case, finding in found.failures[:WAYS]
        )
        return Outcome("incompatible", "", ways, notes)
    if found.unclear is not None:
        return Outcome("unknown", "", (found.unclear,), notes)
    findings = found.required
    conditions = [finding.condition for finding in found.required]
    if found.failed is not None:
        condition = found.condition or found.failed.condition
        findings = (replace(found.failed, condition=condition), *findings)
        conditions.insert(0, condition)
    if not findings:
        return Outcome("compatible", notes=notes)
    return Outcome("conditional", _and(conditions), findings, notes)


def _never_sent(
    source: Placed, target: Placed, comparison: Comparison
) -> Iterator[Finding]:
    """Fields of the source that are of a later version than their description, so that
    they are never saved, and that the target does not have so: a version was forgotten.
    """
    there = {(item.symbol, path) for item, path, _ in _late(target, comparison.target)}
    for item, path, field in _late(source, comparison.source):
        if (item.symbol, path) in there:
            continue
        text = (
            f"{path} is of version {field.version_id} and its description of"
            f" {item.version_id}: it is never sent"
        )
        finding = Finding("presence", text, item.name, item.symbol, field=path)
        if comparison.backward:
            yield replace(finding, new=field.position)
        else:
            yield replace(finding, old=field.position)


def _late(
    placed: Placed, layouts: Layouts
) -> Iterator[tuple[ir.Description, str, ir.Field]]:
    """Every field inside of a section that is of a later version than its description."""
    waiting, seen = [placed], set()
    while waiting:
        one = waiting.pop()
        key = one.module.file, one.description.symbol
        if key in seen:
            continue
        seen.add(key)
        item = one.description
        for field in item.fields:
            if not field.test and field.version_id > item.version_id:
                yield item, ir.path_text(field.path) or field.name, field
        waiting += layouts.lookup.inner(one)


def _addressed(source: Section, target: Section) -> str:
    """Why the destination does not find the section by its instance (``find_se``,
    ``migration/savevm.c``); empty if it does, or if that is known at run time only."""
    wanted = {root.instance for root in source.roots}
    there = {
        number
        for root in target.roots
        for number in (root.instance, root.alias)
        if number
    }
    if not wanted or not there or not all(map(str.isdigit, wanted | there)):
        return ""
    if wanted & there:
        return ""
    return "nothing is registered under the section's instance"


def _instances(section: Section) -> str:
    numbers = sorted({root.instance for root in section.roots}, key=int)
    return f"instance {', '.join(numbers)}"


def _subsections(
    source: Placed, target: Placed, comparison: Comparison
) -> Iterator[Finding]:
    """What would be refused next if the section's version were mended: subsections of
    versions that the target does not take."""
    there = {
        found.description.name: found.description
        for symbol in target.description.subsections
        if (found := comparison.target.lookup.find(symbol, target.module)) is not None
    }
    for symbol in source.description.subsections:
        found = comparison.source.lookup.find(symbol, source.module)
        other = there.get(found.description.name) if found is not None else None
        if found is None or other is None:
            continue
        one = found.description
        if other.minimum_version_id <= one.version_id <= other.version_id:
            continue
        below = one.version_id < other.minimum_version_id
        limit = other.minimum_version_id if below else other.version_id
        positions = (one.position, other.position)
        if comparison.backward:
            positions = positions[::-1]
        yield Finding(
            "version",
            f"version {one.version_id} of subsection '{one.name}' is"
            f" {'below the minimum' if below else 'above'} {limit}",
            one.name,
            one.symbol,
            field=one.name,
            source=f"version {one.version_id}",
            target=f"versions {other.minimum_version_id} to {other.version_id}",
            old=positions[0],
            new=positions[1],
        )


def _and(parts: Iterable[str]) -> str:
    unique = list(dict.fromkeys(parts))
    if len(unique) == 1:
        return unique[0]
    return " && ".join(f"({part})" if " " in part else part for part in unique)


def _handlers(source: Section, target: Section, backward: bool) -> Outcome:
    """Sections of C code: only their versions can be compared."""
    one, two = source.roots[0], target.roots[0]
    if source.placed is None and target.placed is None:
        if one.version_id == two.version_id:
            return COMPATIBLE
        text = f"C handlers of version {one.version_id} and {two.version_id}"
    else:
        text = "C handlers on one side, a description on the other"
    positions = (
        (two.position, one.position) if backward else (one.position, two.position)
    )
    finding = Finding(
        "opaque", text, source.name, source.symbol, old=positions[0], new=positions[1]
    )
    return Outcome("unknown", "", (finding,))
