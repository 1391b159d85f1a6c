"""Under which names of sections each description is in ``CODECS``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from vmgen import ir
from vmgen.ir import graph
from vmgen.lower.shape import Key
from vmgen.source import NOWHERE

BEHIND_PATH = "*/"
"""What a key begins with that is for sections behind a device path only."""


@dataclass(frozen=True, slots=True)
class Rival:
    """One of several descriptions of a section's name: its ``key`` in ``CODECS``
    (``serial:isa-serial``), and its fields' names, by which the stream's description JSON
    may tell it from the others."""

    key: str
    description: Key
    fields: tuple[str, ...]


def section_name(key: str) -> str:
    """The name of the sections that a key of ``CODECS`` is for."""
    return key.removeprefix(BEHIND_PATH).partition(":")[0]


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides whether two descriptions can stand for each other: ``text`` is the
    same where they are alike on the wire and in Python, but for their names."""

    text: str
    fields: tuple[str, ...]


def shapes(program: ir.Program) -> Mapping[Key, Shape]:
    """The shapes of the program's descriptions that share a section's name."""
    wanted = {
        key
        for plain, path in _by_name(program.roots).values()
        for each in (plain, path)
        if len(each) > 1
        for key in each
    }
    return {
        (module.file, one.symbol): Shape(
            _text(module, one, frozenset()), tuple(each.name for each in one.fields)
        )
        for module in program.modules
        for one in module.descriptions
        if (module.file, one.symbol) in wanted
    }


def _text(
    module: ir.Module, one: ir.Description, outer: frozenset[ir.Description]
) -> str:
    """What a description says but for its name and its places.

    A static description or function means something in its own file only, so that it
    stands here with what it says; a description inside of itself is known by its name.
    """
    fields = tuple(replace(each, position=NOWHERE) for each in one.fields)
    bare = replace(
        one, symbol="", type="", static=True, hooks=(), position=NOWHERE, fields=fields
    )
    named = {each.symbol for each in graph.in_description(one)}
    tested = {one.needed, *(each.test for each in one.fields)}
    parts = [repr(bare)]
    parts += [
        f"{each.symbol}: {_text(module, each, outer | {one})}"
        for each in module.descriptions
        if each.static and each.symbol in named and each not in outer | {one}
    ]
    parts += [
        repr(replace(each, position=NOWHERE))
        for each in module.functions
        if each.symbol in tested
    ]
    return "\n".join(parts)


def sections(
    roots: Iterable[ir.Root],
    split: frozenset[str] = frozenset(),
    known: Mapping[Key, Shape] | None = None,
) -> Mapping[Key, tuple[str, ...]]:
    """The keys of each description that is registered under a name known from the C.

    The key is the section's name after any device path.  Where several descriptions
    have that name, those whose devices have a path (``0000:00:02.0/vga``) stand under
    ``*/NAME``, the others under ``NAME``.  Of several that are alike, by ``known``, one
    stands for all; the others have keys of their own (:func:`rivals`).  ``split`` are
    names that several descriptions have for another target: a module that targets share
    has one key.
    """
    keys: dict[Key, dict[str, None]] = {}
    for key, found in _groups(roots, split, known or {}):
        for rival in found:
            named = key if len(found) == 1 else rival.key
            keys.setdefault(rival.description, {})[named] = None
    return {key: tuple(names) for key, names in keys.items()}


def rivals(
    roots: Iterable[ir.Root],
    split: frozenset[str] = frozenset(),
    known: Mapping[Key, Shape] | None = None,
) -> Mapping[str, tuple[Rival, ...]]:
    """The descriptions that share their section's name, and whether there is a path, by
    the key that they would have if they were alone."""
    groups = _groups(roots, split, known or {})
    return {key: found for key, found in groups if len(found) > 1}


def _groups(
    roots: Iterable[ir.Root], split: frozenset[str], known: Mapping[Key, Shape]
) -> Iterator[tuple[str, tuple[Rival, ...]]]:
    """Each key, and the descriptions that it could be of."""
    roots = tuple(roots)
    types: dict[tuple[str, Key], set[str]] = {}
    for root in roots:
        types.setdefault((root.section, (root.home, root.symbol)), set()).update(
            root.device_types
        )
    for name, (plain, path) in _by_name(roots).items():
        wanted: dict[str, list[Key]] = {}
        if plain or name not in split:
            wanted[name] = plain or path
        if path and (path != (plain or path) or (name in split and not plain)):
            wanted[f"{BEHIND_PATH}{name}"] = path
        for key, descriptions in wanted.items():
            alike: dict[object, Key] = {}
            for one in descriptions:
                alike.setdefault(known[one].text if one in known else one, one)
            made: dict[str, Rival] = {}
            for one in alike.values():
                label = min(types[name, one], default=one[1].removeprefix("vmstate_"))
                if f"{key}:{label}" in made:
                    label = f"{label}:{one[1].removeprefix('vmstate_')}"
                fields = known[one].fields if one in known else ()
                made[f"{key}:{label}"] = Rival(f"{key}:{label}", one, fields)
            yield key, tuple(made.values())


def _by_name(
    roots: Iterable[ir.Root],
) -> Mapping[str, tuple[list[Key], list[Key]]]:
    """By section: those that can come without a path and those that can have one."""
    names: dict[str, tuple[set[Key], set[Key]]] = {}
    namesakes: set[tuple[str, Key]] = set()
    for root in roots:
        if "*" in root.section or not root.home:
            continue
        plain, path = names.setdefault(root.section, (set(), set()))
        key = (root.home, root.symbol)
        if {root.section, f"{root.section}-device"} & {*root.device_types}:
            namesakes.add((root.section, key))
        if root.prefix != "path":
            plain.add(key)
        if root.prefix != "":
            path.add(key)

    def ordered(name: str, keys: set[Key]) -> list[Key]:
        return sorted(keys, key=lambda key: ((name, key) not in namesakes, key))

    return {
        name: (ordered(name, plain), ordered(name, path))
        for name, (plain, path) in sorted(names.items())
    }
