"""Why bytes could not be loaded or a state could not be saved."""

from __future__ import annotations

import struct
from typing import ClassVar, Literal


class VMStateError(Exception):
    """Why bytes could not be loaded or a state could not be saved.

    ``sections`` are the wire names of the section and its subsections, outermost first,
    ``member`` is the C path from the section's object, with indices, ``offset`` the byte
    offset in the buffer (None on save).  ``rule`` names the rule that is broken; it is the
    same in every package, whose classes differ.
    """

    rule: ClassVar[str] = "value"

    def __init__(
        self, message: str, offset: int | None = None, member: str = ""
    ) -> None:
        super().__init__(message, offset, member)
        self.message = message
        self.offset = offset
        self.member = member
        self.sections: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Sections by wire name, then the C path: ``cpu/cpu/pmp env.pmp_state.pmp[3]``."""
        return " ".join(part for part in ("/".join(self.sections), self.member) if part)

    def under(self, member: str) -> None:
        """Say that the object is at ``member`` of the one that holds it."""
        if self.member.startswith(".["):
            self.member = member + self.member[1:]
        else:
            self.member = f"{member}.{self.member}" if self.member else member

    def within(self, section: str) -> None:
        """Say that the object is that of the (sub)section of this wire name."""
        self.sections = (section, *self.sections)

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        at = "" if self.offset is None else f" (at byte {self.offset})"
        return f"{where}{self.message}{at}"


class Truncated(VMStateError):
    """The buffer ends before the field does."""

    rule = "truncated"


class TooOld(VMStateError):
    """The version is below the description's minimum."""

    rule = "version-window"


class TooNew(VMStateError):
    """The version is above the description's own."""

    rule = "version-window"


class UnknownSubsection(VMStateError):
    """A subsection with the description's name as prefix that it does not have."""

    rule = "unknown-subsection"


class BadValue(VMStateError):
    """A value that the table forbids, or that its field cannot hold."""


class MissingContext(VMStateError):
    """The bytes do not say it and the context does not know it.

    ``kind`` and ``key`` say what would answer: a ``member`` is for
    ``Context(members={key: ...})``, a ``function`` for ``Context(functions={key: ...})``,
    a ``description`` (of what the info ``key`` writes) for ``Context(description=...)``,
    which also answers where ``described`` is set.  Of a ``device`` the type is missing:
    ``key`` is the section's name, ``candidates`` are the keys of ``CODECS`` that it may be.
    """

    rule = "context"

    def __init__(
        self,
        message: str,
        offset: int | None = None,
        member: str = "",
        kind: Literal["member", "function", "description", "device"] = "member",
        key: str = "",
        candidates: tuple[str, ...] = (),
        described: bool = False,
    ) -> None:
        super().__init__(message, offset, member)
        self.kind = kind
        self.key = key
        self.candidates = candidates
        self.described = described

    @property
    def answer(self) -> str:
        """The contexts that would answer, as Python, empty where none does."""
        values = {
            "member": f"Context(members={{{self.key!r}: ...}})",
            "function": f"Context(functions={{{self.key!r}: ...}})",
        }
        found = [values[self.kind]] if self.kind in values else []
        if self.described:
            found.append("Context(description=...), the section's JSON in the stream")
        return " or ".join(found)

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}: pass {self.answer}" if self.answer else text


# What packing a state with a wrong value can raise.
PACK_ERRORS = (
    struct.error, ValueError, TypeError, AttributeError, OverflowError, LookupError,
)  # fmt: skip
