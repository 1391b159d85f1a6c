"""What a stream's own description says of its sections, as soon as it is there."""

from __future__ import annotations

from collections.abc import Iterable

from vmgen.stream import description
from vmgen.stream.description import Device, Document, disagree
from vmgen.stream.input import Input
from vmgen.stream.parts import Section
from vmgen.stream.served import ServedDevices


class Announced:
    """The description of an input; none for one that is not ``wanted``.

    ``strict`` holds every section to its entry.
    """

    def __init__(self, source: Input, wanted: bool, strict: bool) -> None:
        self._source = source
        self._wanted = wanted
        self._strict = strict
        self._served: ServedDevices | None = None
        self._looked = False

    @property
    def document(self) -> Document | None:
        """The description, as soon as all of the stream is there."""
        if not self._looked and self._source.complete:
            self._looked = True
            found = None
            if self._wanted:
                found = self._source.remembered(description.find)
            self._served = None if found is None else ServedDevices(found)
        return None if self._served is None else self._served.document

    def late(self, view: memoryview, position: int, size: int) -> Document | None:
        """A description that something other than padding follows."""
        if self._wanted:
            text = view[position + 5 : position + 5 + size].tobytes()
            self._served = ServedDevices(Document(text, position))
        return self.document

    def device(self, name: str, instance: int) -> Device | None:
        """The section's entry in the description; an error if it should have one."""
        if self.document is None or self._served is None:
            return None
        if self._strict:
            return self._served.expected(name, instance)
        return self._served.again(name, instance)

    def all_there(self, unchecked: Iterable[Section]) -> None:
        """Compare with sections that were read before the description was there, and miss
        those that were not read."""
        assert self._served is not None  # there is a document
        for section in unchecked:
            device = self._served.expected(section.name, section.instance_id)
            size = section.end - section.start
            if device.size != size and device.certain:
                message = (
                    f"{size} bytes by its reader, {device.size} by the description"
                )
                raise disagree(message, section.path, section.start)
        self._served.all_there()
