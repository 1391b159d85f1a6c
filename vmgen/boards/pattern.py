"""Names of types of which a text has a part only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NamePattern:
    """Names with these ``parts`` in order and anything between them; before the first and
    behind the last only if the name may ``start`` or ``end`` otherwise."""

    parts: tuple[str, ...]
    start: bool
    end: bool

    def fits(self, name: str) -> bool:
        """Whether a name is one of them; in time that grows with the name, whatever the
        parts are."""
        at = 0
        if not self.start:
            if not name.startswith(self.parts[0]):
                return False
            at = len(self.parts[0])
        last = len(self.parts) - 1
        for number, part in enumerate(self.parts[not self.start :], not self.start):
            if number == last and not self.end:
                return name.endswith(part) and len(name) - len(part) >= at
            found = name.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        return True
