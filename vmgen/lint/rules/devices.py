"""Devices whose state no table has at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vmgen.lint.callbacks import callbacks
from vmgen.lint.linted import Linted
from vmgen.lint.model import LintFinding, finding
from vmgen.lint.rules.missing import LeftOut, left_out, ways_of_tables
from vmgen.lint.sources import CFile

_SAVES = re.compile(r"\bvmsd\b|VMState|\bvmstate|savevm|migrate_add_blocker")
"""What has to do with saving: a file that says nothing of it has no table for sure."""

_DEVICE = re.compile(
    r"\bDEVICE_CLASS\s*\(|\bDeviceClass\b|\.\s*parent\s*=\s*TYPE_\w*DEVICE\b"
)
_TYPE = re.compile(r"\.\s*name\s*=\s*(?P<name>\w+|\"[^\"]*\")\s*,(?P<rest>[^{}]*)")
_SIZE = re.compile(r"\.\s*instance_size\s*=\s*sizeof\s*\(\s*(?:struct\s+)?(\w+)\s*\)")
_MOST_NAMED = 4


def is_device(file: CFile) -> bool:
    """Whether a file without tables has a device: a type with an object of its own."""
    code = file.text.code
    return (
        _SAVES.search(code) is None
        and _DEVICE.search(code) is not None
        and _SIZE.search(code) is not None
    )


def without_a_table(linted: Linted) -> Iterator[LintFinding]:
    """VG818, once for each struct, at the first member that callbacks change."""
    sent = ways_of_tables(linted)
    elsewhere: frozenset[str] | None = None
    for name in linted.others:
        file = linted.sources.file(name)
        if file is None or not is_device(file):
            continue
        started = callbacks(file)
        if not started:
            continue
        records = linted.sources.records(name)
        owners = {
            records.tag(struct): struct
            for struct in _structs(file, linted)
            if records.record(struct) not in sent
        }
        found: dict[str, list[LeftOut]] = {}
        properties = linted.properties(name)
        for one in left_out(file, records, owners, (), started, {}, properties):
            found.setdefault(one.step.type, []).append(one)
        for tag, several in found.items():
            if elsewhere is None:
                elsewhere = linted.sources.in_tables()
            # No other file has a table of a struct that this one keeps to itself.
            is_own = records.record(tag).file == name
            if not is_own and {tag, owners[tag]} & elsewhere:
                continue
            first = several[0]
            members = [".".join(one.step.path) for one in several]
            named = ", ".join(f"'{member}'" for member in members[:_MOST_NAMED])
            more = len(members) - _MOST_NAMED
            yield finding(
                "VG818",
                file.position(first.step.offset),
                (owners[tag],),
                struct=owners[tag],
                members=named + (f" and {more} more" if more > 0 else ""),
                callback=first.callback,
                reader=first.reader,
            )


def _structs(file: CFile, linted: Linted) -> Iterator[str]:
    """The structs of the device types that the run's binaries have, without abstract ones
    whose concrete types have tables."""
    known = linted.device_types
    for match in _TYPE.finditer(file.text.plain):
        size = _SIZE.search(match["rest"])
        name = linted.sources.type_name(file, match["name"])
        if name in linted.saved_below:
            continue
        if size is not None and (not known or name is None or name in known):
            yield size[1]
