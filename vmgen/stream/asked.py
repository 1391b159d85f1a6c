"""What a path stands for that a person types: a section, a value in it, a register, memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vmgen.paint import Paint, plain
from vmgen.stream import paths, registers, show
from vmgen.stream.errors import NotFound
from vmgen.stream.frozen import Frozen
from vmgen.stream.parts import Section
from vmgen.stream.ram_place import RamPlace, dump, pieces, ram_place, without_address
from vmgen.stream.registers.numbers import number_of
from vmgen.stream.stream import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Asked(Frozen):
    """What a path stands for: a section, a value in it under its ``label``, which is its path
    as it is printed, or a place in guest memory."""

    section: Section | None
    label: str = ""
    value: Any = None
    place: RamPlace | None = None

    @property
    def is_section(self) -> bool:
        """Whether it is a whole section."""
        return not self.label and self.place is None

    def lines(self, stream: Stream, paint: Paint = plain) -> Iterator[str]:
        """As text."""
        if self.place is not None:
            return dump(stream.memory(), self.place, paint)
        if self.label:
            return show.value_text(self.value, self.label, paint)
        assert self.section is not None
        return show.section_text(stream, self.section, paint)

    def plain(self, stream: Stream) -> Any:
        """As a value for JSON."""
        if self.place is not None:
            return pieces(stream.memory(), self.place)
        if self.label:
            return show.jsonable(self.value)
        assert self.section is not None
        return show.jsonable(stream.values(self.section))


def asked(stream: Stream, sections: Sequence[Section], text: str) -> Asked:
    """What a path stands for in a stream that has these sections.

    Raises NotFound, whose hint names what is near, Ambiguous, and what reading a section
    raises.
    """
    if (place := ram_place(text)) is not None:
        place.check(stream.memory())
        return Asked(None, place=place)
    section, rest = section_of(stream, sections, text)
    if not rest:
        return Asked(section)
    value = stream.values(section)
    label = f"{section.path}{rest}"
    file = registers.of_section(stream.codecs, section, value)
    if file is not None and (name := registers.named(file, rest)) is not None:
        register = file.read(name)
        if number_of(name) is not None:
            label = f"{section.path}.{register.name}"
        return Asked(section, label, register.value)
    steps = paths.resolve(value, rest)
    if steps is None:
        raise registers.missing(file, section, value, rest)
    for step in steps:
        value = paths.at(value, step)
    return Asked(section, label, value)


def section_of(
    stream: Stream, sections: Sequence[Section], text: str
) -> tuple[Section, str]:
    """The section that a path begins with, and the rest of the path.

    Raises as :func:`vmgen.stream.registers.split` does.
    """
    try:
        return registers.split(stream, sections, text)
    except NotFound:
        error = None
        if text.startswith("ram/"):
            error = without_address(stream.memory(), text)
        if error is not None:
            raise error from None
        raise
