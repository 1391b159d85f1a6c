"""Which instances of a section a machine registers at all."""

from __future__ import annotations

from collections.abc import Iterable

from vmgen import ir


def instances(roots: Iterable[ir.Root], section: str) -> frozenset[int] | None:
    """The numbers that a machine registers a section under, one that no device's path
    goes before; None where nothing registers it, or it can have any number.

    ``find_se`` (``migration/savevm.c``) finds a section under its number and its alias.
    """
    own = [one for one in roots if one.section == section and not one.prefix]
    if not own or any(one.alias or not one.instance.isdigit() for one in own):
        return None
    return frozenset(int(one.instance) for one in own)
