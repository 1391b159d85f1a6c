"""State that the guest can change and no table has.

A member counts where a callback of the device leaves a value in it that a later callback
reads.  It is covered where a field sends it or a part of it, where a hook that runs around
saving or loading mentions it, and where a property sets it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from vmgen import ir
from vmgen.lint.accesses import FileAccesses, MemberAccess
from vmgen.lint.callbacks import callbacks, callbacks_in, run_when_started
from vmgen.lint.linted import Linted, LintedTable, PropertyMembers
from vmgen.lint.model import LintFinding, finding
from vmgen.lint.rules.fields import member_names
from vmgen.lint.sources import CFile
from vmgen.lint.visible import FileRecord, RecordIndex

_RESET = re.compile(r"reset|init|realize", re.IGNORECASE)
_CONSTANT = frozenset({"0", "false", "NULL", "-1"})
_INFO = re.compile(r"\.\s*(?:get|put)\s*=\s*(\w+)")

Place = tuple[str, tuple[str, ...]]
"""A struct's tag and the way to a member of it."""


def missing_state(linted: Linted) -> Iterator[LintFinding]:
    """VG816, at the first place that writes the member in a callback."""
    sent = ways_of_tables(linted)
    for name, tables in linted.by_file.items():
        file = linted.sources.file(name)
        if file is None:
            continue
        started = callbacks(file)
        if not started:
            continue
        records = linted.sources.records(name)
        owners = _owners(linted, tables, records)
        if any(one.description.unmigratable for one in tables):
            continue
        properties = linted.properties(name)
        for left in left_out(file, records, owners, tables, started, sent, properties):
            yield finding(
                "VG816",
                file.position(left.step.offset),
                (owners[left.step.type].symbol, ".".join(left.step.path)),
                member=".".join(left.step.path),
                function=left.function,
                callback=left.callback,
                reader=left.reader,
            )


def missing_timers(linted: Linted) -> Iterator[LintFinding]:
    """VG819, at the first place where a callback arms the timer."""
    sent = ways_of_tables(linted)
    for name, tables in linted.by_file.items():
        file = linted.sources.file(name)
        if file is None or "timer_mod" not in file.text.code:
            continue
        if any(one.description.unmigratable for one in tables):
            continue
        records = linted.sources.records(name)
        owners = _owners(linted, tables, records)
        accesses = FileAccesses(file, records, owners)
        covered = _covered(file, accesses, tables)
        names = _related(records, tables)
        seen: set[Place] = set()
        reached = accesses.reached(callbacks(file))
        for function in sorted(reached):
            if _RESET.search(function):
                continue
            for step in accesses.armed(function):
                place = step.type, step.path
                if (
                    place in seen
                    or place in covered
                    or _is_sent(step, records, sent, names)
                ):
                    continue
                seen.add(place)
                member = ".".join(step.path)
                yield finding(
                    "VG819",
                    file.position(step.offset),
                    (owners[step.type].symbol, member),
                    function=function,
                    member=member,
                )


def _owners(
    linted: Linted, tables: tuple[LintedTable, ...], records: RecordIndex
) -> dict[str, LintedTable]:
    """The tables of a file by the tags of their structs; of several not a subsection."""
    return {
        records.tag(one.description.type): one
        for one in sorted(tables, key=linted.is_subsection, reverse=True)
        if one.description.type and one.description.fields
    }


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A member that ``callback`` leaves a value in, in ``function``, which ``reader`` reads
    later."""

    step: MemberAccess
    function: str
    callback: str
    reader: str


def ways_of_tables(linted: Linted) -> dict[FileRecord, set[tuple[str, ...]]]:
    """The ways to what tables send, by their structs."""
    found: dict[FileRecord, set[tuple[str, ...]]] = {}
    for table in linted.tables:
        if table.description.type:
            records = linted.sources.records(table.file)
            ways = found.setdefault(records.record(table.description.type), set())
            for one in table.description.fields:
                ways.add(tuple(step.name for step in one.path))
                for amount in (one.count, one.size):
                    if isinstance(amount, ir.FromMember):
                        ways.add(tuple(step.name for step in amount.path))
    return found


def left_out(
    file: CFile,
    records: RecordIndex,
    owners: Collection[str],
    tables: tuple[LintedTable, ...],
    started: tuple[str, ...],
    sent: Mapping[FileRecord, set[tuple[str, ...]]],
    properties: PropertyMembers,
) -> Iterator[LeftOut]:
    """The members of the structs ``owners`` that the callbacks ``started`` carry from one
    to the next, and nothing saves: each once, where it is first written."""
    accesses = FileAccesses(file, records, owners)
    carried = _Carried(accesses)
    for name in started:
        carried.enter(name)
    covered = _covered(file, accesses, tables)
    names = _related(records, tables)
    reached = accesses.reached(started)
    guards = _guards(accesses, reached)
    seen: set[Place] = set()
    for function, first in sorted(reached.items()):
        if _RESET.search(function):
            continue
        for step in accesses.steps(function):
            place = step.type, step.path
            if step.kind not in ("write", "change") or place in seen:
                continue
            if place not in carried.read or place in guards:
                continue
            member = records.member(step.type, step.path)
            if member is None or not member.is_number:
                continue
            if place in covered or _is_sent(step, records, sent, names):
                continue
            if properties.have(records, step.type, step.path):
                continue
            seen.add(place)
            yield LeftOut(step, function, first, carried.read[place])


def _is_sent(
    step: MemberAccess,
    records: RecordIndex,
    sent: Mapping[FileRecord, set[tuple[str, ...]]],
    names: Callable[[MemberAccess], frozenset[str]],
) -> bool:
    """Whether a table of the struct sends it, a part of it, what it is a part of or what
    shares its bytes in a union; or whether a table that may be of the same bytes has a member of its name.
    """
    path = step.path
    for way in sent.get(records.record(step.type), ()):
        if way and (way[: len(path)] == path or path[: len(way)] == way):
            return True
        if records.overlap(step.type, way, path):
            return True
    return path[-1] in names(step)


def _related(
    records: RecordIndex, tables: tuple[LintedTable, ...]
) -> Callable[[MemberAccess], frozenset[str]]:
    """The names of members in the tables of a file: of what is inside of a struct all of
    them, of a struct's own member those of structs that begin with it, or it with them.
    """
    every = frozenset[str]().union(*map(member_names, tables))
    by_type: dict[str, frozenset[str]] = {}

    def names(step: MemberAccess) -> frozenset[str]:
        if len(step.path) > 1:
            return every
        if step.type not in by_type:
            near = [
                table
                for table in tables
                if records.begins_with(step.type, table.description.type) is not False
                or records.begins_with(table.description.type, step.type) is not False
            ]
            by_type[step.type] = frozenset[str]().union(*map(member_names, near))
        return by_type[step.type]

    return names


def _guards(accesses: FileAccesses, reached: Iterable[str]) -> frozenset[Place]:
    """Members that each function which writes them leaves as they were: it sets them,
    and clears them before it returns."""
    guards: set[Place] = set()
    others: set[Place] = set()
    for name in reached:
        written: dict[Place, list[MemberAccess]] = {}
        for step in accesses.steps(name):
            if step.kind in ("write", "change"):
                written.setdefault((step.type, step.path), []).append(step)
        for place, steps in written.items():
            last = steps[-1]
            cleared = last.kind == "write" and last.name in _CONSTANT
            (guards if cleared and len(steps) > 1 else others).add(place)
    return frozenset(guards - others)


def _covered(
    file: CFile, accesses: FileAccesses, tables: tuple[LintedTable, ...]
) -> frozenset[Place]:
    """What functions around saving and loading mention: what is read before saving goes
    elsewhere, what is written after loading is computed again.  A function that runs when
    the guest starts computes what it writes, and the timers that it arms or stops."""
    hooks = {
        hook.symbol
        for table in tables
        for hook in table.description.hooks
        if hook.role != "dev_unplug_pending"
    }
    hooks.update(_INFO.findall(file.text.code))
    hooks.update(name for name, one in file.functions.items() if "QEMUFile" in one.head)
    # What a hook defers to a bottom half or a timer.
    for name in accesses.reached(hooks):
        body = file.functions[name].body
        hooks |= {one for one in callbacks_in(body) if one in file.functions}
    found = {
        (step.type, step.path)
        for name in accesses.reached(hooks)
        for step in accesses.steps(name)
        if step.path
    }
    started = accesses.reached(run_when_started(file))
    found |= {
        (step.type, step.path)
        for name in started
        for step in accesses.steps(name)
        if step.kind == "write"
    }
    found |= {
        (step.type, step.path)
        for name in {*accesses.reached(hooks), *started}
        for step in accesses.armed(name, or_stopped=True)
    }
    return frozenset(found)


@dataclass
class _Carried:
    """Which members a callback reads before it has written them: what they hold is from
    an earlier one.  ``read`` has the function that does."""

    accesses: FileAccesses
    read: dict[Place, str] = field(default_factory=dict)

    def enter(self, name: str) -> None:
        """Follow one callback, and what it calls in its file, once each."""
        self._follow(name, set(), {name})

    def _follow(self, name: str, written: set[Place], inside: set[str]) -> None:
        """``written`` are the members that certainly were written before; those that the
        function certainly writes are added."""
        scopes: list[set[Place]] = [written]
        at_label: list[set[Place]] = [set(written)]
        for step in self.accesses.steps(name):
            now = scopes[-1]
            match step.kind:
                case "open":
                    # What a loop over all of something writes, is written after it.
                    scopes.append(now if step.name == "for" else set(now))
                    at_label.append(set(now))
                case "close":
                    if len(scopes) > 1:
                        scopes.pop()
                        at_label.pop()
                case "label":
                    scopes[-1] = set(at_label[-1])
                case "call":
                    if step.name not in inside:
                        inside.add(step.name)
                        self._follow(step.name, now, inside)
                case "write" | "clear":
                    now.add((step.type, step.path))
                case "read":
                    place = step.type, step.path
                    if not any(
                        (step.type, step.path[:length]) in now
                        for length in range(1, len(step.path) + 1)
                    ):
                        self.read.setdefault(place, name)
                case "change":
                    pass
