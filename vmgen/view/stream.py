"""``vmgen stream view``: one stream, or two side by side, as a page."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vmgen.stream import show
from vmgen.stream.compare import Change
from vmgen.stream.objections import Explanation, Objection
from vmgen.stream.wire import printable
from vmgen.view.model import Address, FieldNode, ViewedPart, ViewedStream
from vmgen.view.page import page

CHANGES = 5000
"""Differences that a page lists."""


@dataclass(frozen=True, slots=True)
class ShownDifference:
    """What a page says of one difference; ``at`` is its node in the older stream."""

    path: str
    old: str
    new: str
    at: Address


def stream_page(
    streams: Sequence[ViewedStream],
    changes: Sequence[Change] = (),
    explanation: Explanation | None = None,
) -> str:
    """The page of one stream or of two; ``changes`` are those between two.

    ``explanation`` is what a release makes of the last one; what it refuses or leaves open
    is marked.
    """
    title = " and ".join(one.name for one in streams)
    return page("stream", as_json(streams, changes, explanation), title=title)


def as_json(
    streams: Sequence[ViewedStream],
    changes: Sequence[Change] = (),
    explanation: Explanation | None = None,
) -> dict[str, Any]:
    """What the page's script reads."""
    index = _NodeIndex(streams[0].parts)
    shown = [_difference(one, index) for one in changes[:CHANGES]]
    return {
        "streams": [_stream(one) for one in streams],
        "changes": [
            {"path": one.path, "old": one.old, "new": one.new, "at": one.at}
            for one in shown
        ],
        "more": max(0, len(changes) - CHANGES),
        "verdict": _verdict(explanation, _NodeIndex(streams[-1].parts)),
    }


def _stream(one: ViewedStream) -> dict[str, Any]:
    return {
        "name": one.name,
        "facts": one.facts,
        "failure": one.failure,
        "parts": [
            {
                "kind": part.kind,
                "title": part.title,
                "o": part.offset,
                "s": part.size,
                "facts": part.facts,
                "note": part.note,
                "data": base64.b64encode(part.data).decode(),
                "k": [node.as_json() for node in part.nodes],
            }
            for part in one.parts
        ],
        "registers": [
            {
                "path": path,
                "groups": [
                    {"feature": group.feature, "registers": group.registers}
                    for group in groups
                ],
            }
            for path, groups in one.registers
        ],
        "blocks": one.blocks,
    }


def _difference(change: Change, index: _NodeIndex) -> ShownDifference:
    path = printable(change.path)
    if change.pages:
        pages = f"{change.pages} page{'s' * (change.pages > 1)} differ"
        return ShownDifference(path, pages, "", index.named(path.partition(" ")[0]))
    old, new = show.formatted(change.old), show.formatted(change.new)
    return ShownDifference(path, old, new, index.named(path))


def _verdict(found: Explanation | None, index: _NodeIndex) -> dict[str, Any] | None:
    if found is None:
        return None

    def listed(objections: Sequence[Objection]) -> list[dict[str, Any]]:
        return [
            {
                "rule": one.rule,
                "where": " ".join(filter(None, (one.section, one.member))) or "stream",
                "o": one.offset,
                "message": printable(one.message),
                "hint": printable(one.hint),
                "at": index.guilty(one),
            }
            for one in objections
        ]

    return {
        "outcome": found.outcome,
        "release": found.release,
        "target": found.target,
        "machine": printable(found.machine),
        "refusals": listed(found.refusals),
        "open": listed(found.open),
        "judged": found.judged,
        "unjudged": [printable(one) for one in found.unjudged],
    }


class _NodeIndex:
    """Nodes by path, and by the byte that they have."""

    def __init__(self, parts: Sequence[ViewedPart]) -> None:
        self._parts = parts
        self._named: dict[str, Address] = {}
        self._titles: dict[str, Address] = {}
        for number, part in enumerate(parts):
            self._titles.setdefault(part.title, (number,))
            for node, address in _walk(part.nodes, (number,)):
                self._named.setdefault(node.path, address)
                if node.member:
                    self._named.setdefault(f"{part.title}.{node.member}", address)

    def named(self, path: str) -> Address:
        """The node of a path, else the nearest around it, else none."""
        while path:
            found = self._named.get(path) or self._titles.get(path)
            if found is not None:
                return found
            path = path[: max(path.rfind("."), path.rfind("["), path.rfind(" "), 0)]
        return ()

    def guilty(self, one: Objection) -> Address:
        """The node of a reason to refuse: the named field, else what is at its byte."""
        section = printable(one.section)
        member = printable(one.member)
        if member and (found := self._named.get(f"{section}.{member}")):
            return found
        for number, part in enumerate(self._parts):
            inside = (
                one.offset is not None
                and part.offset <= one.offset < part.offset + part.size
            )
            if inside and (not section or part.title == section):
                assert one.offset is not None
                return _at(part.nodes, one.offset, (number,))
        return self._titles.get(section, ())


def _at(nodes: Sequence[FieldNode], offset: int, above: Address) -> Address:
    for number, node in enumerate(nodes):
        if node.offset is not None and node.offset <= offset < node.offset + node.size:
            return _at(node.nodes, offset, (*above, number))
    return above


def _walk(
    nodes: Sequence[FieldNode], above: Address
) -> Iterator[tuple[FieldNode, Address]]:
    for number, node in enumerate(nodes):
        yield node, (*above, number)
        yield from _walk(node.nodes, (*above, number))
