"""Objects of JSON, of which the standard library takes the last of two members of a name."""

from __future__ import annotations

from typing import Any


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an object, for ``object_pairs_hook`` of :func:`json.loads`.

    Raises ValueError for a name that two of them have.
    """
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"member {repeated!r:.80} occurs twice in one object")
    return members
