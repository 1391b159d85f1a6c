"""The archive's file: a magic line, an index, and blocks of texts, all compressed with xz.

The texts are the entries of locks (a module, a root, a premise) as JSON without line breaks.
A text that several releases share is there once.  Texts of one name stand side by side, so
that a release costs little more than what it changed.  The index says for each text which
releases and targets have it, so that a reader unpacks the few blocks that it needs.
"""

from __future__ import annotations

import json
import lzma
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from vmgen import resources
from vmgen.source import Diagnostic, Position, VmgenError

MAGIC = b"vmgen archive 1\n"

SHIPPED = resources.package() / "archive" / "releases.vmgen"
"""The archive that comes with vmgen."""

_START = 1 << 16

_HEAD = struct.Struct("<II")
"""Bytes of the index, packed and unpacked."""

_BLOCK = 1 << 19
"""Bytes of text after which a block ends: xz unpacks one in some 10 ms, and still finds
most of what texts share."""

_MOST = 1 << 26
"""Bytes that an index or a block may have unpacked: a hundred times what they do."""

Kind: TypeAlias = Literal[
    "module",
    "places",
    "root",
    "premise",
    "unread",
    "machine",
    "compat",
    "properties",
    "types",
    "board",
]

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """One text of one release: ``name`` is the file of a module, of its places or of a
    root or of what is unread, the name of a premise or of a machine type, the symbol of a
    compat table, the type that properties are of, the parent of types, or the file of a
    board.  ``needs`` are
    the files of the modules that a module names.  Properties and types are lists."""

    kind: Kind
    name: str
    text: str
    targets: tuple[str, ...]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseEntries:
    """All entries of one release."""

    release: str
    targets: tuple[str, ...]
    entries: tuple[ArchiveEntry, ...]


Runs: TypeAlias = tuple[tuple[int, int, tuple[str, ...]], ...]
"""First and last release, by number, and the targets."""


class KnownText(NamedTuple):
    """A text in the index: ``runs`` are the releases that have it, with the targets that
    do.  There are thousands, which a dataclass takes three times as long to make."""

    kind: Kind
    name: str
    needs: tuple[str, ...]
    runs: Runs

    def has(self, release: int, target: str) -> bool:
        """Whether the target has the text in this release."""
        for first, last, targets in self.runs:  # thousands of times: no generator
            if first <= release <= last:
                return target in targets
        return False


@dataclass(frozen=True, slots=True)
class _IndexWords:
    """What the rows of an index name by numbers; ``file`` is whose index it is."""

    file: str
    names: Sequence[str]
    sets: Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class ArchiveBlock:
    """Where a block is, from the end of the index, and what it has, in order.

    Its texts are all of one kind: who asks for others does not wait for them.
    """

    start: int
    packed: int
    unpacked: int
    kind: Kind
    _rows: Sequence[Any]
    _words: _IndexWords

    @cached_property
    def texts(self) -> tuple[KnownText, ...]:
        """The texts, without the text itself; VG642 if the index is damaged."""
        names, sets = self._words.names, self._words.sets
        try:
            return tuple(
                [  # thousands of them: no generators
                    KnownText(
                        KINDS[kind],
                        names[name],
                        tuple([names[need] for need in needs]),
                        tuple(
                            [
                                (first, last, sets[number])
                                for first, last, number in runs
                            ]
                        ),
                    )
                    for kind, name, needs, runs in self._rows
                ]
            )
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise damaged(self._words.file, error) from None


@dataclass(frozen=True, slots=True)
class ArchiveIndex:
    """What an archive has; ``start`` is the offset of the first block in the file."""

    releases: tuple[tuple[str, tuple[str, ...]], ...]
    blocks: tuple[ArchiveBlock, ...]
    start: int


# --- writing ------------------------------------------------------------------------------


def pack(snapshots: Sequence[ReleaseEntries]) -> bytes:
    """The archive of these releases, in the order given; the same bytes for the same
    releases."""
    targets = sorted({name for one in snapshots for name in one.targets})
    sets: dict[tuple[int, ...], int] = {}
    names: dict[str, int] = {}

    def numbered(known: Iterable[str]) -> tuple[int, ...]:
        return tuple(sorted(targets.index(name) for name in known))

    blocks: list[list[Any]] = []
    packed: list[bytes] = []
    for texts in _blocks(snapshots):
        data = "\n".join(text for _, _, text, _ in texts).encode()
        packed.append(_compressed(data))
        rows = [
            [
                KINDS.index(kind),
                names.setdefault(name, len(names)),
                [
                    names.setdefault(need, len(names))
                    for need in sorted(
                        {need for _, entry in found for need in entry.needs}
                    )
                ],
                [
                    [first, last, sets.setdefault(numbered(known), len(sets))]
                    for first, last, known in _runs(found)
                ],
            ]
            for kind, name, _, found in texts
        ]
        blocks.append([len(packed[-1]), len(data), rows])
    index = json.dumps(
        {
            "releases": [[one.release, numbered(one.targets)] for one in snapshots],
            "targets": targets,
            "sets": list(sets),
            "names": list(names),
            "blocks": blocks,
        },
        separators=(",", ":"),
    ).encode()
    head = _compressed(index)
    return b"".join((MAGIC, _HEAD.pack(len(head), len(index)), head, *packed))


_Text: TypeAlias = tuple[Kind, str, str, list[tuple[int, ArchiveEntry]]]
"""A text with the releases (by number) whose entry it is."""


def _blocks(snapshots: Sequence[ReleaseEntries]) -> Iterator[list[_Text]]:
    """All texts, each once, in blocks that end between two names."""
    found: dict[tuple[Kind, str], dict[str, list[tuple[int, ArchiveEntry]]]] = {}
    for number, snapshot in enumerate(snapshots):
        for entry in snapshot.entries:
            texts = found.setdefault((entry.kind, entry.name), {})
            texts.setdefault(entry.text, []).append((number, entry))
    block: list[_Text] = []
    size = 0
    for kind, name in sorted(found, key=lambda key: (KINDS.index(key[0]), key[1])):
        texts = found[kind, name]
        if block and (block[0][0] != kind or size > _BLOCK):
            yield block
            block, size = [], 0
        block += [(kind, name, text, entries) for text, entries in texts.items()]
        size += sum(map(len, texts))
    if block:
        yield block


def _runs(
    found: Sequence[tuple[int, ArchiveEntry]],
) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Releases in a row that have a text for the same targets."""
    at = 0
    while at < len(found):
        first, entry = found[at]
        last = first
        while at + 1 < len(found):
            number, next_one = found[at + 1]
            if (number, next_one.targets) != (last + 1, entry.targets):
                break
            at, last = at + 1, number
        yield first, last, entry.targets
        at += 1


def _compressed(data: bytes) -> bytes:
    return lzma.compress(
        data, lzma.FORMAT_XZ, lzma.CHECK_CRC64, 9 | lzma.PRESET_EXTREME
    )


# --- reading ------------------------------------------------------------------------------


def index_of(file: Path) -> ArchiveIndex:
    """The index of an archive's file.

    Raises :class:`VmgenError` VG642 if it is damaged, OSError if it cannot be read.
    """
    with file.open("rb") as opened:
        data = opened.read(_START)
        data += opened.read(max(0, head_size(data) - len(data)))
    return read_index(data, file.name)


def read_index(data: bytes, name: str) -> ArchiveIndex:
    """The index of an archive whose file begins with ``data`` (all of the index at
    least); VG642 if it is none."""
    try:
        if not data.startswith(MAGIC):
            raise ValueError("it does not begin as one")
        packed, unpacked = _HEAD.unpack_from(data, len(MAGIC))
        start = len(MAGIC) + _HEAD.size
        text = _unpacked(data[start : start + packed], unpacked)
        return _index(json.loads(text), start + packed, name)
    except (ValueError, KeyError, IndexError, TypeError, struct.error) as error:
        raise damaged(name, error) from None


def head_size(data: bytes) -> int:
    """Bytes of the file up to the end of its index, of which ``data`` are the first 64
    or more; 0 where it is no archive."""
    if not data.startswith(MAGIC) or len(data) < len(MAGIC) + _HEAD.size:
        return 0
    packed, _ = _HEAD.unpack_from(data, len(MAGIC))
    return len(MAGIC) + _HEAD.size + int(packed)


def read_block(data: bytes, block: ArchiveBlock, name: str) -> tuple[str, ...]:
    """The texts of a block, whose packed bytes are ``data``; VG642 if they are damaged."""
    try:
        texts = tuple(_unpacked(data, block.unpacked).decode().split("\n"))
        if len(texts) != len(block.texts):
            raise ValueError(f"a block has {len(texts)} texts")
        return texts
    except ValueError as error:
        raise damaged(name, error) from None


def _index(document: Mapping[str, Any], start: int, file: str) -> ArchiveIndex:
    targets = document["targets"]
    sets = [
        tuple(targets[number] for number in numbers) for numbers in document["sets"]
    ]
    words = _IndexWords(file, document["names"], sets)
    blocks = []
    at = 0
    for packed, unpacked, rows in document["blocks"]:
        kind = KINDS[rows[0][0]]
        blocks.append(ArchiveBlock(at, packed, unpacked, kind, rows, words))
        at += packed
    releases = tuple(
        (release, tuple(targets[number] for number in numbers))
        for release, numbers in document["releases"]
    )
    return ArchiveIndex(releases, tuple(blocks), start)


def _unpacked(data: bytes, size: int) -> bytes:
    """``size`` bytes out of a whole xz stream; ValueError if it has others."""
    if size > _MOST:
        raise ValueError(f"a part has {size} bytes")
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    try:
        found = unpacker.decompress(data, size + 1)
    except lzma.LZMAError as error:
        raise ValueError(str(error)) from None
    if len(found) != size or not unpacker.eof:
        raise ValueError("a part is cut short or too long")
    return found


def damaged(name: str, error: Exception) -> VmgenError:
    """What is said of an archive that is none: VG642."""
    return VmgenError(
        Diagnostic(
            "VG642",
            f"not an archive of releases: {error}",
            Position(name),
            hint="make it again: for vmgen's own, install vmgen again",
        )
    )
