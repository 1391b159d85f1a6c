"""Two programs: sections matched, each judged in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from vmgen import ir
from vmgen.known import wire_size
from vmgen.lookup import Lookup, Placed
from vmgen.verdict import beside, conditions
from vmgen.verdict.compare import DirectedComparison
from vmgen.verdict.conditions import TRUE, either, every
from vmgen.verdict.layout import WireLayouts
from vmgen.verdict.model import (
    COMPATIBLE,
    Finding,
    Judgement,
    Outcome,
    SectionVerdict,
    Side,
)
from vmgen.verdict.places import subsection as place
from vmgen.verdict.sections import SavedSection, matched, sections
from vmgen.verdict.state import Around, Difference, summed

WAYS = 3
"""Ways to fail that a section's verdict has."""


@dataclass(frozen=True, slots=True)
class Sections:
    """What two programs have of one section; one of them may have none.

    ``registered`` says that one of them registers it; ``both`` that both know what they
    register.
    """

    old: SavedSection | None
    new: SavedSection | None
    registered: bool
    both: bool


def pairs(old: ir.Program, new: ir.Program) -> tuple[Sections, ...]:
    """The sections of two programs, matched."""
    lookups = Lookup(old), Lookup(new)
    return tuple(
        Sections(
            one,
            two,
            _registered(one, old) or _registered(two, new),
            bool(old.roots and new.roots),
        )
        for one, two in matched(sections(old), sections(new))
        # What C code saves inside of a section of its own has no name on the wire.
        if (one and two)
        or (_registered(one, old) and not _is_inside(one, lookups[1]))
        or (_registered(two, new) and not _is_inside(two, lookups[0]))
    )


@dataclass(frozen=True, slots=True)
class BothWays:
    """Two programs, compared in either direction."""

    forward: DirectedComparison
    backward: DirectedComparison


def directed(source: ir.Program, target: ir.Program) -> DirectedComparison:
    """Two programs in one direction, nothing of them compared yet."""
    return DirectedComparison(WireLayouts(source, "save"), WireLayouts(target, "load"))


def judgement(
    old: ir.Program, new: ir.Program, verdicts: Iterable[SectionVerdict]
) -> Judgement:
    """The verdicts on the sections of two programs, the CPU's first."""
    ordered = sorted(verdicts, key=lambda verdict: not verdict.cpu)
    target = new.target or old.target
    return Judgement(target, old.release, new.release, tuple(ordered))


def _registered(section: SavedSection | None, program: ir.Program) -> bool:
    return section is not None and bool(section.roots or not program.roots)


def _is_inside(section: SavedSection | None, other: Lookup) -> bool:
    """Whether what one program lacks is a part of a section in the other one; then the
    first lacks that section too, and reports it."""
    return (
        section is not None
        and section.unread is not None
        and not section.roots
        and any(placed.description.symbol == section.symbol for placed in other.all())
    )


def verdict(pair: Sections, both: BothWays) -> SectionVerdict:
    """The verdict on one section in both directions."""
    old, new = pair.old, pair.new
    one = old or new
    assert one is not None
    if old is not None and new is not None and not _alone(old, new, pair.both):
        first = outcome(old, new, both.forward)
        second = outcome(new, old, both.backward)
    elif old is not None and (new is None or old.roots):
        first, second = _only(old, new, both.forward.target), COMPATIBLE
    else:
        assert new is not None
        first, second = COMPATIBLE, _only(new, old, both.backward.target)
    return SectionVerdict(
        one.name,
        old.symbol if old else "",
        new.symbol if new else "",
        old.file if old else "",
        new.file if new else "",
        first,
        second,
        one.cpu,
        pair.registered,
    )


def _alone(old: SavedSection, new: SavedSection, registered: bool) -> bool:
    """Whether only one of the programs, which both say what they register, does so."""
    return registered and bool(old.roots) != bool(new.roots)


def _side(section: SavedSection) -> Side:
    """What one side has of a section, for findings about its header."""
    placed = section.placed
    types = sorted({type_ for root in section.roots for type_ in root.device_types})
    if section.unread is not None:
        return _unread(section.unread, section.name)
    if placed is None:
        root = section.roots[0]
        return Side(
            "handlers",
            section.name,
            versions=(root.version_id,),
            device_types=tuple(types),
            position=root.position,
        )
    return Side(
        "section",
        section.name,
        versions=(placed.description.version_id,),
        device_types=tuple(types),
        position=placed.description.position,
    )


def _unread(one: ir.Unread, name: str) -> Side:
    found = one.found[0]
    return Side("section", name, text=found.message, position=found.position)


def _only(
    section: SavedSection, other: SavedSection | None, layouts: WireLayouts
) -> Outcome:
    """A section that the destination, which has these layouts, does not know, or has a
    description of and does not register."""
    placed = section.placed
    if placed is not None and placed.description.unmigratable:
        return COMPATIBLE
    unread = next(
        (one for one in layouts.unread if (one.file, one.symbol) == (section.file, "")),
        other.unread if other is not None else None,
    )
    if section.unread is not None or unread is not None:
        missing = Side("nothing") if unread is None else _unread(unread, section.name)
        return Outcome(
            "unknown",
            (
                Finding(
                    "section-unread",
                    section.name,
                    section.symbol,
                    source=_side(section),
                    target=missing,
                ),
            ),
        )
    absent = conditions.negated(ir.Ask(f"section {section.name}"))
    finding = Finding(
        "section-missing",
        section.name,
        section.symbol,
        source=_side(section),
        target=Side("nothing", other.symbol if other else ""),
        condition=absent,
    )
    if other is not None and not any(root.device_types for root in section.roots):
        # No device that a machine has or has not: C code registers what the destination
        # still has the table of.  Whether it does so for a machine is not followed.
        return Outcome("unknown", (replace(finding, condition=None),))
    return Outcome("conditional", (finding,), condition=absent)


def outcome(
    source: SavedSection, target: SavedSection, comparison: DirectedComparison
) -> Outcome:
    """What comes of loading the one section's bytes as the other."""
    source = replace(source, placed=_again(source, comparison.source))
    target = replace(target, placed=_again(target, comparison.target))
    about = Finding(
        "section-version",
        source.name,
        source.symbol,
        source=_side(source),
        target=_side(target),
    )
    if source.unread is not None or target.unread is not None:
        return Outcome("unknown", (replace(about, kind="section-unread"),))
    if source.placed is None or target.placed is None:
        # Sections of C code: only their versions can be compared.
        if source.placed is target.placed and (
            about.source.versions == about.target.versions
        ):
            return COMPATIBLE
        return Outcome("unknown", (replace(about, kind="section-handlers"),))
    one, two = source.placed.description, target.placed.description
    if one.unmigratable:
        note = replace(about, kind="never-saved")
        return COMPATIBLE if two.unmigratable else Outcome("compatible", notes=(note,))
    needed = conditions.normal(
        comparison.source.needed(source.placed), one.version_id, "", str
    )
    absent = None if needed == TRUE else conditions.negated(needed)
    if source.name != target.name:
        return _lost(absent, replace(about, kind="section-name"))
    if instances := _addressed(source, target):
        mine, theirs = (
            replace(side, instances=numbers, position=section.roots[0].position)
            for side, numbers, section in zip(
                (about.source, about.target), instances, (source, target), strict=True
            )
        )
        found = replace(about, kind="section-instance", source=mine, target=theirs)
        return _lost(absent, found)
    version, accepted = one.version_id, (two.minimum_version_id, two.version_id)
    if not accepted[0] <= version <= accepted[1]:
        found = replace(about, target=replace(about.target, versions=accepted))
        more = _subsections(source.placed, target.placed, comparison)
        return _lost(absent, found, *more)
    leaves = comparison.leaves(
        comparison.source.layout(source.placed, version),
        comparison.target.layout(target.placed, version),
        Around(given=(*_copied(one), *(() if absent is None else (needed,)))),
    )
    found_all = summed(leaves)
    notes = (
        *found_all.notes,
        *_never_sent(source.placed, target.placed, comparison),
        *_endless(source.placed, comparison.source),
        *_endless(target.placed, comparison.target),
    )
    findings = (
        *found_all.required,
        *_unanswered(one, two, comparison),
        *beside.findings(source.placed, target.placed, comparison),
    )
    failed = found_all.failed
    if failed is not None:
        if found_all.condition is None and failed.condition is None:
            lost = _lost(absent, *found_all.failures[:WAYS])
            longer = _longer(source.placed, target.placed, comparison)
            return replace(lost, notes=notes, longer=longer)
        condition = found_all.condition or failed.condition
        findings = (replace(failed, condition=condition), *findings)
    if found_all.unclear is not None:
        return Outcome("unknown", (found_all.unclear,), notes)
    guards = _guards(target)
    if guards and guards != _guards(source):
        side = replace(about.target, reads=guards, position=target.roots[0].position)
        found = replace(about, kind="section-guard", target=side)
        return Outcome("unknown", (found,), notes)
    if not findings:
        return Outcome("compatible", notes=notes)
    findings = tuple(
        replace(one, condition=either(absent, one.condition)) for one in findings
    )
    whole = every(one.condition or TRUE for one in findings)
    return Outcome("conditional", findings, notes, whole)


def _longer(source: Placed, target: Placed, comparison: DirectedComparison) -> bool:
    """Whether the sides surely have different numbers of bytes: QEMU looks for the
    section's footer where the destination's table ends (``check_section_footer`` in
    ``migration/savevm.c``)."""
    version = source.description.version_id
    sent = wire_size.of_fields(comparison.source.lookup, source, version)
    read = wire_size.of_fields(comparison.target.lookup, target, version)
    return sent is not None and read is not None and sent != read


def _again(section: SavedSection, layouts: WireLayouts) -> Placed | None:
    """The section's table as the compared program has it."""
    if section.placed is None:
        return None
    return layouts.lookup.at(section.file, section.symbol)


def _copied(description: ir.Description) -> Iterator[ir.Expr]:
    """The members that are equal in what is sent, because ``pre_save`` copies one."""
    for hook in description.hooks:
        for left in hook.leaves:
            match left.value:
                case ir.Load(path, kind) if left.place.type == description.type:
                    one, two = ir.Load(left.place.path, kind), ir.Load(path, kind)
                    for pair in ((one, two), (two, one)):
                        yield conditions.normal(ir.Binary("==", *pair), 0, "", str)


def _unanswered(
    source: ir.Description, target: ir.Description, comparison: DirectedComparison
) -> Iterator[Finding]:
    """C tables that the source's ``post_load`` asks and the destination's, which is
    another function now, does not say that it asks."""
    if not target.hooks:
        return
    asked = dict(_premises(source, comparison))
    for name in dict(_premises(target, comparison)):
        asked.pop(name, None)
    hook = target.hooks[-1]
    for name, only in asked.items():
        yield Finding(
            "premise",
            target.name,
            target.symbol,
            field=name,
            target=Side("hook", hook.symbol, role=hook.role, position=hook.position),
            condition=ir.Ask(f"same {name}"),
            only=only,
        )


def _premises(
    description: ir.Description, comparison: DirectedComparison
) -> Iterator[Difference]:
    for hook in description.hooks:
        for refusal in hook.refusals:
            yield from comparison.premises(refusal)


def _guards(section: SavedSection) -> tuple[str, ...]:
    """The variables that must be set for the section to be registered."""
    if not all(root.guards for root in section.roots):
        return ()
    return tuple(sorted({name for root in section.roots for name in root.guards}))


def _lost(absent: ir.Expr | None, *findings: Finding) -> Outcome:
    """The verdict on a section that does not load, whenever it is sent."""
    if absent is None:
        return Outcome("incompatible", findings)
    findings = tuple(replace(one, condition=absent) for one in findings)
    return Outcome("conditional", findings, condition=absent)


def _never_sent(
    source: Placed, target: Placed, comparison: DirectedComparison
) -> Iterator[Finding]:
    """Fields of the source that are of a later version than their description, so that
    they are never saved, and that the target does not have so: a version was forgotten.
    """
    there = {(item.symbol, path) for item, path, _ in _late(target, comparison.target)}
    for item, path, field in _late(source, comparison.source):
        if (item.symbol, path) not in there:
            yield Finding(
                "never-sent",
                item.name,
                item.symbol,
                field=path,
                source=Side(
                    "field",
                    field.name,
                    path,
                    versions=(field.version_id, item.version_id),
                    position=field.position,
                ),
            )


def _late(
    placed: Placed, layouts: WireLayouts
) -> Iterator[tuple[ir.Description, str, ir.Field]]:
    """Every field inside of a section that is of a later version than its description."""
    for one in (placed, *layouts.lookup.below(placed)):
        item = one.description
        for field in item.fields:
            if not field.test and field.version_id > item.version_id:
                yield item, ir.path_text(field.path) or field.name, field


def _endless(placed: Placed, layouts: WireLayouts) -> Iterator[Finding]:
    """Lists inside of a section that QEMU reads beyond what C says of them."""
    for one in (placed, *layouts.lookup.below(placed)):
        item = one.description
        for which in item.endless:
            side = Side("section", item.name, text=which, position=item.position)
            if layouts.role == "save":
                yield Finding("endless-list", item.name, item.symbol, source=side)
            else:
                yield Finding("endless-list", item.name, item.symbol, target=side)


def _addressed(
    source: SavedSection, target: SavedSection
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The instances of both if the destination does not find the section by its own
    (``find_se``, ``migration/savevm.c``); None if it does, or if that is known at run
    time only."""
    wanted = {root.instance for root in source.roots}
    there = {
        number
        for root in target.roots
        for number in (root.instance, root.alias)
        if number
    }
    if not wanted or not there or not all(map(str.isdigit, wanted | there)):
        return None
    if wanted & there:
        return None
    return tuple(sorted(wanted, key=int)), tuple(sorted(there, key=int))


def _subsections(
    source: Placed, target: Placed, comparison: DirectedComparison
) -> Iterator[Finding]:
    """What would be rejected next if the section's version were accepted: subsections of
    versions that the target does not load."""
    there = {
        found.description.name: found
        for symbol in target.description.subsections
        if (found := comparison.target.lookup.find(symbol, target.module)) is not None
    }
    for symbol in source.description.subsections:
        found = comparison.source.lookup.find(symbol, source.module)
        other = there.get(found.description.name) if found is not None else None
        if found is None or other is None:
            continue
        one, two = found.description, other.description
        if not two.minimum_version_id <= one.version_id <= two.version_id:
            yield Finding(
                "subsection-version",
                one.name,
                one.symbol,
                field=one.name,
                source=place(found, comparison.source.needed(found)),
                target=place(other),
            )
