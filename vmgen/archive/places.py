"""Where the C of a module's tables is, apart from what they say.

Lines change with every release and tables seldom do: kept apart, a table that several
releases share is there once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def taken(module: Mapping[str, Any]) -> str:
    """The places of a module of the IR's JSON as one line: for each of its nodes the
    number of lines from the one before, or ``@`` and the position where that is in
    another file or has a column."""
    words = []
    line = 0
    for node in _nodes(module):
        position = str(node.get("position", ""))
        number, _, column = position.partition(":")
        if not number.isdecimal() or column != "0":
            words.append(f"@{position}")
        else:
            words.append(str(int(number) - line))
            line = int(number)
    return " ".join(words)


def put(module: Mapping[str, Any], places: str) -> dict[str, Any]:
    """The module with these places; ValueError if they are not its own."""
    words = iter(places.split(" ") if places else ())
    line = 0

    def placed(node: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal line
        word = next(words, None)
        if word is None:
            raise ValueError("a module has fewer places than nodes")
        if word.startswith("@"):
            position = word[1:]
        else:
            line += int(word)
            position = f"{line}:0"
        return {**node, "position": position} if position else dict(node)

    def described(node: Mapping[str, Any]) -> dict[str, Any]:
        found = placed(node)
        for name in ("fields", "hooks"):
            if name in node:
                found[name] = [refusing(one) for one in node[name]]
        return found

    def refusing(node: Mapping[str, Any]) -> dict[str, Any]:
        found = placed(node)
        if "refusals" in node:
            found["refusals"] = [placed(one) for one in node["refusals"]]
        return found

    found = dict(module)
    found["descriptions"] = [described(one) for one in module["descriptions"]]
    if "functions" in module:
        found["functions"] = [placed(one) for one in module["functions"]]
    if next(words, None) is not None:
        raise ValueError("a module has more places than nodes")
    return found


def _nodes(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The nodes that have a place, in the order in which :func:`put` meets them."""
    for description in module["descriptions"]:
        yield description
        for name in ("fields", "hooks"):
            for one in description.get(name, ()):
                yield one
                yield from one.get("refusals", ())
    yield from module.get("functions", ())
