"""Under which names of sections each description stands in ``CODECS``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vmgen import ir
from vmgen.lower.shape import Key

BEHIND_PATH = "*/"
"""What a key begins with that is for sections behind a device path only."""


def sections(
    roots: Iterable[ir.Root], split: frozenset[str] = frozenset()
) -> Mapping[Key, tuple[str, ...]]:
    """The keys of each description that is registered under a name known from the C.

    The key is the section's name after any device path.  Where several descriptions
    have that name, those whose devices have a path (``0000:00:02.0/vga``) stand under
    ``*/NAME``, the others under ``NAME``.  Of several that even the path does not tell
    apart one counts (:func:`rivals` tells of the others): that of the type ``NAME`` or
    ``NAME-device``, else the first by file and symbol.  ``split`` are names that several
    descriptions have for another target: a module that targets share has one key.
    """
    keys: dict[Key, dict[str, None]] = {}
    for name, (plain, path) in _by_name(roots).items():
        if plain or name not in split:
            keys.setdefault((plain or path)[0], {})[name] = None
        if (path and path[0] != (plain or path)[0]) or (name in split and not plain):
            keys.setdefault(path[0], {})[f"{BEHIND_PATH}{name}"] = None
    return {key: tuple(names) for key, names in keys.items()}


def rivals(roots: Iterable[ir.Root]) -> Mapping[Key, tuple[str, Key]]:
    """The descriptions that share their section's name, and whether there is a path,
    with the one that stands in ``CODECS``: (the name, that one)."""
    found: dict[Key, tuple[str, Key]] = {}
    for name, both in _by_name(roots).items():
        chosen = {each[0] for each in both if each}
        for each in both:
            for key in each[1:]:
                if key not in chosen:
                    found.setdefault(key, (name, each[0]))
    return found


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
