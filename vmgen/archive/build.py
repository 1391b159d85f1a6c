"""Programs in, the entries of an archive out: what a lock has, text by text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from vmgen import ir, lock
from vmgen.archive import places
from vmgen.archive.form import ArchiveEntry, Kind, ReleaseEntries
from vmgen.ir import graph
from vmgen.ir import json as ir_json
from vmgen.lookup import Lookup


def snapshot(release: str, programs: Sequence[ir.Program]) -> ReleaseEntries:
    """The entries of the programs of one release's targets."""
    known = sorted(programs, key=lambda program: program.target)
    needs = _needs(known)
    tables = lock.shared(known)
    entries = [
        *(
            _entry("module", one["file"], one, targets, needs.get(one["file"], ()))
            for one, targets in tables["modules"]
        ),
        *_places(known),
        *(_entry("root", one["file"], one, of) for one, of in tables["roots"]),
        *(_entry("premise", one["name"], one, of) for one, of in tables["premises"]),
        *(_entry("unread", one["file"], one, of) for one, of in tables["unread"]),
        *(_entry("machine", one["name"], one, of) for one, of in tables["machines"]),
        *(_entry("compat", one["symbol"], one, of) for one, of in tables["compat"]),
        *_grouped("properties", "type", known, tables["properties"]),
        *_grouped("types", "parent", known, tables["types"]),
        *(_entry("board", one["file"], one, of) for one, of in tables["boards"]),
    ]
    return ReleaseEntries(release, tuple(one.target for one in known), tuple(entries))


def _places(programs: Sequence[ir.Program]) -> Iterator[ArchiveEntry]:
    """Where the tables of every file are."""
    found: dict[tuple[str, str], list[str]] = {}
    for program in programs:
        document = json.loads(ir_json.dumps(lock.bare(program, places=True)))
        for module in document["modules"]:
            key = module["file"], places.taken(module)
            found.setdefault(key, []).append(program.target)
    for file, text in sorted(found):
        yield ArchiveEntry("places", file, text, tuple(found[file, text]))


def _grouped(
    kind: Kind, by: str, programs: Sequence[ir.Program], table: lock.Entries
) -> Iterator[ArchiveEntry]:
    """The entries of a table that have a member alike, as one text a target."""
    found: dict[tuple[str, str], list[str]] = {}
    for program in programs:
        groups: dict[str, list[dict[str, Any]]] = {}
        for item, targets in table:
            if program.target in targets:
                groups.setdefault(item[by], []).append(item)
        for name, items in groups.items():
            found.setdefault((name, _text(items)), []).append(program.target)
    for name, text in sorted(found):
        yield ArchiveEntry(kind, name, text, tuple(found[name, text]))


def _text(item: object) -> str:
    return json.dumps(item, separators=(",", ":"), ensure_ascii=False)


def _entry(
    kind: Kind,
    name: str,
    item: dict[str, Any],
    targets: Sequence[str],
    needs: Sequence[str] = (),
) -> ArchiveEntry:
    return ArchiveEntry(kind, name, _text(item), tuple(targets), tuple(needs))


def _needs(programs: Sequence[ir.Program]) -> dict[str, tuple[str, ...]]:
    """The files whose descriptions those of a file name, in any of the programs."""
    found: dict[str, set[str]] = {}
    for program in programs:
        lookup = Lookup(program)
        for placed in lookup.all():
            mine = found.setdefault(placed.module.file, set())
            for reference in graph.in_description(placed.description):
                meant = lookup.meant(reference, placed.module)
                if meant is not None and meant.module.file != placed.module.file:
                    mine.add(meant.module.file)
    return {file: tuple(sorted(files)) for file, files in found.items()}
