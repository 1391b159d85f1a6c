"""What a guest has, by a stream of its own: as far as it narrows a verdict on two
releases that knows nothing of options."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from vmgen.stream import pci_express, system_registers
from vmgen.stream.codecs import field as field_of
from vmgen.stream.codecs import is_state, members
from vmgen.stream.description import Node, check_depth, listed, name_of
from vmgen.stream.errors import StreamError
from vmgen.stream.parts import Command, Section
from vmgen.stream.stream import Stream

T = TypeVar("T")

Elements = Callable[[str, str], "int | None"]


def _unknown(section: str, path: str) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class Having:
    """The sections and commands of guests.

    ``names`` are the names of the sections, with and without the path of their device,
    and of commands as ``command NAME``; ``instances`` the numbers of each section
    without such a path; ``reporting`` the sections of PCI Express devices that report
    errors; ``subsections`` the names of those that a section has, of all instances.
    ``elements`` says how many elements an array (its C path) of a section has,
    the most in any instance; None where that is not known.  ``registers`` are the lists
    of system registers that its CPUs have, with their values.
    """

    names: frozenset[str] = frozenset()
    instances: Mapping[str, frozenset[int]] = field(default_factory=dict)
    reporting: frozenset[str] = frozenset()
    subsections: Mapping[str, frozenset[str]] = field(default_factory=dict)
    elements: Elements = _unknown
    registers: tuple[Mapping[int, int], ...] = ()

    def __or__(self, other: Having) -> Having:
        """What guests have of which one or the other is like this."""

        def most(section: str, path: str) -> int | None:
            found = (self.elements(section, path), other.elements(section, path))
            return max((one for one in found if one is not None), default=None)

        return Having(
            self.names | other.names,
            _both(self.instances, other.instances),
            self.reporting | other.reporting,
            _both(self.subsections, other.subsections),
            most,
            self.registers or other.registers,
        )


def _both(
    one: Mapping[str, frozenset[T]], other: Mapping[str, frozenset[T]]
) -> dict[str, frozenset[T]]:
    nothing: frozenset[T] = frozenset()
    return {
        name: one.get(name, nothing) | other.get(name, nothing)
        for name in (*one, *other)
    }


def having(stream: Stream, readable: Callable[[], Stream | None]) -> Having:
    """What the guest of a stream has.

    ``readable`` gives the stream with the codecs of the release that wrote it, None
    where there are none; vmgen calls it where the content of a section matters.  Raises
    StreamError for a stream that cannot be read to its end.
    """
    names: set[str] = set()
    instances: dict[str, set[int]] = {}
    subsections: dict[str, set[str]] = {}
    reporting: set[str] = set()
    registers: list[Mapping[int, int]] = []
    for section in stream.sections:
        name = section.name.rpartition("/")[2]
        names |= {section.name, name}
        if name == section.name:
            instances.setdefault(name, set()).add(section.instance_id)
        if section.device is not None:
            found = subsections.setdefault(name, set())
            found.update(_subsections(section.device.node))
        registers += (
            dict(zip(one.numbers, one.values, strict=False))
            for one in system_registers.of_section(stream, section)
        )
        if pci_express.reports_errors(stream, section):
            reporting.add(name)
    names |= {
        f"command {one.name}" for one in stream.parts() if isinstance(one, Command)
    }
    known: list[Stream | None] = []

    def elements(section: str, path: str) -> int | None:
        if not known:
            known.append(readable())
        if known[0] is None:
            return None
        counts = []
        for one in known[0].sections:
            if one.name.rpartition("/")[2] == section and one.means != "ram":
                counts.append(_elements(_state(known[0], one), path))
        return None if None in counts else max(counts, default=None)  # type: ignore[type-var]

    return Having(
        frozenset(names),
        {name: frozenset(numbers) for name, numbers in instances.items()},
        frozenset(reporting),
        {name: frozenset(found) for name, found in subsections.items()},
        elements,
        tuple(registers),
    )


def _subsections(node: Node, depth: int = 0) -> Iterator[str]:
    """The names of all subsections inside of a section that its description shows."""
    check_depth(depth)
    for one in listed(node, "subsections"):
        yield name_of(one, "vmsd_name")
        yield from _subsections(one, depth + 1)
    for one in listed(node, "fields"):
        inner = one.get("struct")
        if type(inner) is dict:
            yield from _subsections(inner, depth + 1)


def _state(stream: Stream, section: Section) -> Any:
    """The state of a section; None where it cannot be read."""
    try:
        return stream.state(section)
    except StreamError:
        return None


def _elements(state: Any, path: str) -> int | None:
    """How many elements the array of this C path has, inside of a state."""
    if not is_state(state):
        return None
    for name in members(state):
        value, about = getattr(state, name), field_of(state, name)
        if about is not None and about.path == path and isinstance(value, list):
            return len(value)
        if (found := _elements(value, path)) is not None:
            return found
    return None
