"""The structs that a C file sees: its own, and those of the headers that it includes.

Each file is a unit of its own: two may mean two structs by one name.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from vmgen.c_text import CText
from vmgen.lint.records import RecordTexts, WrittenMember, records_of

_MAX_DEPTH = 20
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Header:
    records: RecordTexts
    includes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A struct by the file that defines it, empty where that is not known, and its tag."""

    file: str
    tag: str


class HeaderRecords:
    """The structs of the headers ``names``, which ``read`` gives as text (None for one that
    cannot be read).

    Two headers may define a struct of one name: a file has that of the header that it
    includes, itself or through another header.
    """

    def __init__(
        self, names: Iterable[str], read: Callable[[str], CText | None]
    ) -> None:
        self._headers: dict[str, _Header] = {}
        self._by_tag: dict[str, list[str]] = {}
        self._by_alias: dict[str, list[str]] = {}
        self._by_base: dict[str, list[str]] = {}
        self._read = read
        self._entered: dict[str, tuple[str, ...]] = {}
        for name in names:
            text = read(name)
            if text is None:
                continue
            found = records_of(text.plain)
            self._headers[name] = _Header(found, _includes(text))
            self._by_base.setdefault(os.path.basename(name), []).append(name)
            for tag in found.members:
                self._by_tag.setdefault(tag, []).append(name)
            for alias in found.aliases:
                self._by_alias.setdefault(alias, []).append(name)

    def home(self, tag: str, file: str) -> str:
        """The header from which a file has a struct; empty if none has it."""
        return self._chosen(self._by_tag.get(tag, ()), file)

    def members(self, tag: str, file: str) -> Mapping[str, WrittenMember] | None:
        """The members of a struct as a file has it."""
        header = self.home(tag, file)
        return self._headers[header].records.members[tag] if header else None

    def is_union(self, tag: str, file: str) -> bool:
        """Whether a record, as a file has it, is a union."""
        header = self.home(tag, file)
        return bool(header) and tag in self._headers[header].records.unions

    def tag(self, alias: str, file: str) -> str:
        """The tag that a typedef of a header gives another name; the name itself if it is
        none."""
        header = self._chosen(self._by_alias.get(alias, ()), file)
        return self._headers[header].records.aliases[alias] if header else alias

    def _chosen(self, headers: Iterable[str], file: str) -> str:
        """The first one that the file includes, else the first one."""
        known = tuple(headers)
        if len(known) > 1:
            return next((one for one in self._of(file) if one in known), known[0])
        return known[0] if known else ""

    def _of(self, file: str) -> tuple[str, ...]:
        """The headers that a file includes, at any depth, in their order."""
        if file not in self._entered:
            text = self._read(file)
            found: dict[str, None] = {}
            waiting = [(file, iter(_includes(text) if text is not None else ()))]
            while waiting:
                folder, names = waiting[-1]
                name = next(names, None)
                if name is None:
                    waiting.pop()
                    continue
                header = self._resolved(name, folder, file)
                if header and header not in found:
                    found[header] = None
                    waiting.append((header, iter(self._headers[header].includes)))
            self._entered[file] = tuple(found)
        return self._entered[file]

    def _resolved(self, name: str, includer: str, file: str) -> str:
        """The header that an ``#include`` means: beside the one that has it, or in the
        places that QEMU's build names; of several in folders of targets, the one whose
        folders are most like the file's."""
        beside = os.path.join(os.path.dirname(includer), name)
        for path in (beside, f"include/{name}", name):
            if (normal := os.path.normpath(path)) in self._headers:
                return normal
        folders = set(os.path.dirname(file).split("/"))
        return max(
            self._ending(name),
            key=lambda one: len(folders.intersection(one.split("/"))),
            default="",
        )

    def _ending(self, name: str) -> Iterator[str]:
        for one in self._by_base.get(os.path.basename(name), ()):
            if one.endswith(f"/{name}"):
                yield one


def _includes(text: CText) -> tuple[str, ...]:
    return tuple(_INCLUDE.findall(text.plain))


class RecordIndex:
    """The records that one file can name: its own, then those of headers."""

    def __init__(self, file: str, own: RecordTexts, headers: HeaderRecords) -> None:
        self._file = file
        self._own = own
        self._headers = headers

    def members(self, type_: str) -> Mapping[str, WrittenMember] | None:
        """The members of a type; None for a type that is no known record."""
        name = self.tag(type_)
        found = self._own.members.get(name)
        return self._headers.members(name, self._file) if found is None else found

    def tag(self, type_: str) -> str:
        """One name for the record, whichever of its names C used."""
        name = type_.removeprefix("struct ").removeprefix("union ").strip()
        return self._headers.tag(self._own.aliases.get(name, name), self._file)

    def record(self, type_: str) -> FileRecord:
        """Which record of the run it is: two files may each have one of a name."""
        tag = self.tag(type_)
        own = tag in self._own.members
        return FileRecord(
            self._file if own else self._headers.home(tag, self._file), tag
        )

    def overlap(self, type_: str, one: tuple[str, ...], other: tuple[str, ...]) -> bool:
        """Whether two ways of a record part in a union, so that they have bytes in common."""
        parted = next(
            (
                at
                for at, pair in enumerate(zip(one, other, strict=False))
                if len(set(pair)) > 1
            ),
            None,
        )
        if parted is None:
            return False
        members = self.members(type_)
        is_union = self._is_union(self.tag(type_))
        if parted:
            owner = self.member(type_, one[:parted])
            if owner is None or owner.is_pointer:
                return False
            members = owner.inner or self.members(owner.type)
            is_union = owner.is_union or self._is_union(self.tag(owner.type))
        if is_union or members is None:
            return is_union
        holder = _holder(members, one[parted])
        same = holder is not None and holder == _holder(members, other[parted])
        return same and holder is not None and holder.is_union

    def _is_union(self, tag: str) -> bool:
        if tag in self._own.members:
            return tag in self._own.unions
        return self._headers.is_union(tag, self._file)

    def begins_with(self, outer: str, inner: str) -> bool | None:
        """Whether a pointer to the outer record is one to the inner: they are the same, or
        the inner is its first member, at any depth; None where a type is not known."""
        first, second = self.tag(outer), self.tag(inner)
        if first == second or second in self._firsts(first):
            return True
        known = self.members(first) is not None and self.members(second) is not None
        return False if known else None

    def _firsts(self, type_: str) -> Iterator[str]:
        for _ in range(_MAX_DEPTH):
            members = self.members(type_)
            if not members:
                return
            first = next(iter(members.values()))
            if first.is_pointer or first.lengths:
                return
            type_ = self.tag(first.type)
            yield type_

    def member(self, type_: str, path: tuple[str, ...]) -> WrittenMember | None:
        """What a path leads to without a pointer on the way; None if it is not known."""
        members = self.members(type_)
        found: WrittenMember | None = None
        for number, name in enumerate(path):
            if members is None:
                return None
            found = members.get(name) or _nameless(members, name)
            if found is None:
                return None
            if number + 1 < len(path):
                if found.is_pointer:
                    return None
                members = (
                    found.inner if found.inner is not None else self.members(found.type)
                )
        return found


def _nameless(members: Mapping[str, WrittenMember], name: str) -> WrittenMember | None:
    """A member of a record without a name."""
    holder = _holder(members, name)
    return None if holder is None or holder.inner is None else holder.inner[name]


def _holder(members: Mapping[str, WrittenMember], name: str) -> WrittenMember | None:
    """The record without a name that a member is in."""
    for one in members.values():
        inner = one.inner if one.name.startswith("<") else None
        if inner is not None and name in inner:
            return one
    return None
