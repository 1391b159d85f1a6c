"""What the files of each target's binary register, and what its machines have, on all cores."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from vmgen import ir, machines, roots
from vmgen.boards import Boards
from vmgen.c_text import macros
from vmgen.cache import Cache, Digests, Remembered, hashed
from vmgen.known import read_members
from vmgen.machines import MachineResolution
from vmgen.machines.changed import MemberChanges, with_changes
from vmgen.pipeline.reading import FileTypes
from vmgen.pipeline.store import parts_hash
from vmgen.pipeline.workers import each_of_many, workers
from vmgen.premises import TreePremises
from vmgen.roots import ClassVariables, Resolution, TreeTypes
from vmgen.tree import SourceTree, qapi


@dataclass(frozen=True, slots=True)
class BinaryTypes:
    """What was read of the types of one target's binary: those of the files that the C
    front end ``read``, the files of which only the text says them, all ``sources``, and the
    ``linked`` modules."""

    tree: SourceTree
    read: tuple[FileTypes, ...]
    as_text: tuple[str, ...]
    sources: tuple[str, ...]
    linked: ir.Program


@dataclass(frozen=True, slots=True)
class Resolved:
    """What one target's binary registers, its types, machine types and boards, and what its
    refusals depend on."""

    registered: Resolution
    found: MachineResolution
    premises: tuple[ir.Premise, ...]


def resolved(
    root: Path, binaries: Sequence[BinaryTypes], digests: Digests
) -> list[Resolved]:
    """What these binaries of one tree register and have, in their order; ``digests`` are
    the tree's.

    Raises OSError for a file of the tree that cannot be read any more.
    """
    tree = _TreeResolver(root, digests)
    tree.look_at(binaries)
    # Other processes begin with what this one has only where they are copies of it.
    if len(binaries) == 1 or workers() == 1 or sys.platform != "linux":
        return [tree.of(one) for one in binaries]
    largest = sorted(range(len(binaries)), key=lambda at: -len(binaries[at].sources))
    with ProcessPoolExecutor(
        min(workers(), len(binaries)),
        multiprocessing.get_context("fork"),
        _begin,
        (tree, binaries),
    ) as pool:
        found = dict(zip(largest, pool.map(_resolved, largest), strict=True))
    return [found[at] for at in range(len(binaries))]


class _TreeResolver:
    """One tree, whose texts are read once for all targets."""

    def __init__(self, root: Path, digests: Digests) -> None:
        self._enums: Mapping[str, tuple[str, ...]] = qapi.enums(root)
        self._premises = TreePremises(root)
        self._types = TreeTypes(root, _said_by(root, digests, "roots"))
        self._variables = ClassVariables(root)
        self._boards = Boards(root, _said_by(root, digests, "boards"))
        self._changes = MemberChanges(root, _said_by(root, digests, "machines"))

    def look_at(self, binaries: Sequence[BinaryTypes]) -> None:
        """Reads the texts of the binaries' files."""
        with each_of_many(len(binaries)) as each:
            self._boards.look_at(
                {name for one in binaries for name in one.sources}, each
            )
            self._types.look_at(
                {name for one in binaries for name in one.as_text}, each
            )
            self._changes.look_at(each)

    def of(self, binary: BinaryTypes) -> Resolved:
        """What one binary registers and has."""
        modules = binary.linked.modules
        registrations = [
            *(self._variables.without_prevented(one.registered) for one in binary.read),
            *self._types.of(binary.as_text, _configured(binary.tree)),
        ]
        registered = roots.resolve(registrations, modules)
        found = machines.resolve(
            registrations,
            (one.machines for one in binary.read),
            self._enums,
            binary.tree.system_target,
        )
        boarded = self._boards.of(
            found.machines,
            registered.roots,
            registrations,
            binary.sources,
            found.unused,
        )
        read = read_members(binary.linked)
        return Resolved(
            replace(registered, roots=tuple(self._variables.decided(registered.roots))),
            replace(found, machines=with_changes(boarded, read, self._changes)),
            self._premises.of(modules),
        )


def _configured(tree: SourceTree) -> frozenset[str]:
    """The macros of the target's configuration headers."""
    return frozenset(
        name
        for folder in tree.config_dirs
        for header in sorted(folder.glob("*config*.h"))
        for name, value in macros(header.read_text(encoding="utf-8")).items()
        if value != "0"
    )


def _said_by(root: Path, digests: Digests, part: str) -> Remembered:
    """What a part of the package made of a tree's texts before."""
    name = hashed((part, str(root), parts_hash(part, "c_text.py", "tree/files.py")))
    return Remembered(digests, Cache.of("texts"), name)


# --- in a copy of the process ----------------------------------------------------------------

_copied: list[tuple[_TreeResolver, Sequence[BinaryTypes]]] = []
"""What the processes were started with."""


def _begin(tree: _TreeResolver, binaries: Sequence[BinaryTypes]) -> None:
    _copied.append((tree, binaries))


def _resolved(at: int) -> Resolved:
    ((tree, binaries),) = _copied
    return tree.of(binaries[at])
