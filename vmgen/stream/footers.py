"""Where a section can end that neither a codec nor a description bounds.

The true footer is the byte 0x7e, the section's id, and then what may stand behind a section
(``qemu_loadvm_state_main``, ``migration/savevm.c``).  If one place only is such a place, it is
that; what is in the section (or in guest memory behind it) may look like one by chance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vmgen.stream.wire import (
    COMMAND,
    COMMANDS,
    DESCRIPTION,
    EOF,
    SECTION_END,
    SECTION_FULL,
    SECTION_PART,
    SECTION_START,
)

_FOOTER = rb"(?s)\x7e(?=(....)(?:[\x00\x01\x02\x03\x04\x08]|\Z))"
_CHUNK = 1 << 16

Identity = tuple[str, int, int]
"""A section's name, instance and version."""


class Footers:
    """The places from ``begin`` on in ``view`` that can be footers."""

    def __init__(self, view: memoryview, begin: int) -> None:
        self._view = view
        self._places: dict[int, list[int]] = {}
        for match in re.finditer(_FOOTER, view[begin:]):
            key = int.from_bytes(match[1], "big")
            self._places.setdefault(key, []).append(begin + match.start())
        self._last: int | None = None  # behind what is not padding

    def of(
        self, number: int, least: int, end: int, sections: Mapping[int, Identity]
    ) -> list[int]:
        """The places of a footer of section id ``number`` in ``[least, end)``.

        ``sections`` are those that were seen before, by id.
        """
        return [
            at
            for at in self._places.get(number, ())
            if least <= at <= end - 5 and self._goes_on(at + 5, end, sections)
        ]

    def _goes_on(self, at: int, end: int, sections: Mapping[int, Identity]) -> bool:
        """Whether what is at ``at`` can stand behind a section."""
        if at == end:
            return True
        view, mark = self._view, self._view[at]
        if mark == EOF:
            return self._ends(at + 1, end)
        if mark in (SECTION_PART, SECTION_END):
            number = int.from_bytes(view[at + 1 : at + 5], "big")
            return at + 5 <= end and number in sections
        if mark == COMMAND:
            known = COMMANDS.get(int.from_bytes(view[at + 1 : at + 3], "big"))
            size = int.from_bytes(view[at + 3 : at + 5], "big")
            fits = at + 5 + size <= end
            return fits and known is not None and known[1] in (-1, size)
        if mark in (SECTION_START, SECTION_FULL):
            return self._begins(at + 1, end, sections)
        return False

    def _begins(self, at: int, end: int, sections: Mapping[int, Identity]) -> bool:
        """Whether a section that was not seen yet begins with its id at ``at``."""
        view = self._view
        if at + 5 > end:
            return False
        number, size = int.from_bytes(view[at : at + 4], "big"), view[at + 4]
        name = bytes(view[at + 5 : at + 5 + size])
        fits = size and at + 13 + size <= end
        return (
            bool(fits)
            and name.decode("latin1").isprintable()
            and number not in sections
        )

    def _ends(self, at: int, end: int) -> bool:
        """Whether the stream ends at ``at``: a description, padding or nothing is left."""
        if at == end:
            return True
        view = self._view
        if view[at] == DESCRIPTION:
            size = int.from_bytes(view[at + 1 : at + 5], "big")
            return at + 5 + size <= end and bytes(view[at + 5 : at + 6]) == b"{"
        if self._last is None:
            self._last = _behind_the_last(view)
        return at >= self._last


def _behind_the_last(view: memoryview) -> int:
    """The offset behind the last byte that is not zero."""
    for end in range(len(view), 0, -_CHUNK):
        begin = max(end - _CHUNK, 0)
        if used := len(bytes(view[begin:end]).rstrip(b"\0")):
            return begin + used
    return 0
