"""What every format of an export is, and the formats by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, BinaryIO, Protocol, TypeAlias

from vmgen.guest import Guest


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What the user wants of an export.

    ``virtual`` asks for segments at virtual addresses; ``vmcoreinfo`` is ``find``,
    ``none``, or the guest-physical address of the note; ``raw`` asks for a dump that is not
    flattened.
    """

    virtual: bool = False
    vmcoreinfo: str = "find"
    raw: bool = False


class Exporter(Protocol):
    """One format, a module of this package.

    ``losses`` says what a file of this guest will not have of all that the format is for
    (a core: CPUs and memory).  ``write`` writes one file; ``out`` is at
    its beginning.  Both raise StreamError.
    """

    def losses(self, guest: Guest, options: ExportOptions) -> Iterator[str]:
        """Sentences, none for a complete export."""
        ...

    def write(self, guest: Guest, out: BinaryIO, options: ExportOptions) -> None:
        """Write the file."""
        ...


Files: TypeAlias = Iterator[tuple[str, Callable[[BinaryIO], None]]]
"""The names of several files, and what writes each."""


def folder(name: str, guest: Guest) -> Files:
    """The files of a format that has several, of which the last says what the others
    are."""
    made: Files = _module(name).files(guest)
    return made


def exporter(name: str) -> Exporter:
    """The format of this name: a module of this package."""
    made: Exporter = _module(name)
    return made


def _module(name: str) -> Any:
    return import_module(f"vmgen.export.{name.replace('-', '_')}")


def unplaced(guest: Guest) -> Iterator[str]:
    """The losses of every format that has memory by address."""
    for block, why in guest.places.unplaced.items():
        yield f"RAM block {block}: {why} (--map {block}=ADDRESS)"
