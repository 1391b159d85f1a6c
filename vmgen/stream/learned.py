"""What one pass over a stream has learned from the parts so far."""

from __future__ import annotations

from vmgen.stream.errors import Malformed
from vmgen.stream.wire import COMMAND, EOF, KINDS, SECTION_FOOTER, Cursor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmgen.stream.parts import Means, Section
    from vmgen.stream.ram import Ram

_BEHIND_A_SECTION = (*KINDS, COMMAND, EOF, SECTION_FOOTER)


class Learned:
    """What was learned from the parts so far."""

    __slots__ = (
        "advised", "capabilities", "footers", "page_bits", "ram", "sections", "unchecked",
    )  # fmt: skip

    def __init__(self) -> None:
        self.footers: bool | None = None
        self.sections: dict[int, tuple[str, int, int]] = {}
        self.unchecked: list[Section] = []
        self.advised = False
        self.capabilities: frozenset[str] = frozenset()
        self.page_bits: int | None = None
        self.ram: Ram | None = None

    def copy(self) -> Learned:
        """The same knowledge, so that a part can be tried."""
        made = Learned()
        made.footers = self.footers
        made.sections = dict(self.sections)
        made.unchecked = list(self.unchecked)
        made.advised = self.advised
        made.capabilities = self.capabilities
        made.page_bits = self.page_bits
        made.ram = None if self.ram is None else self.ram.copy()
        return made

    def footer(self, cursor: Cursor, number: int, path: str, means: Means) -> bool:
        """Pass over a footer, and check it."""
        at = cursor.pos
        if self.footers is None and cursor.left() > 0:
            self.footers = cursor.view[at] == SECTION_FOOTER
            if cursor.view[at] not in _BEHIND_A_SECTION:
                message = f"neither a footer nor a part behind the section, but {cursor.view[at]:#04x}"
                raise Malformed(message, at, path)
        if not self.footers:
            return False
        mark = cursor.u8()
        if mark != SECTION_FOOTER:
            hint = {
                "codec": "the codec ends here: the stream is of another release, or damaged",
                "description": "the description's sizes end here",
            }.get(means, "")
            missing = Malformed(
                f"no footer behind the section, but {mark:#04x}", at, path, hint
            )
            missing.rule = "footer-shift"
            raise missing
        found = cursor.u32()
        if found != number:
            message = f"the footer has section id {found:#x} instead of {number:#x}"
            raise Malformed(message, at, path)
        return True
