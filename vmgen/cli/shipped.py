"""Programs of releases by their number, out of the archive that came with vmgen."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from vmgen import archive, ir
from vmgen.archive import Archive, Release
from vmgen.source import Diagnostic, VmgenError

RELEASES_HINT = (
    "'vmgen releases' lists those that it ships; for another give its sources"
)

CPU = ("cpu", "cpu_common")
"""The sections that are read where not everything is requested."""


class Targets(Mapping[str, ir.Program]):
    """The programs of a release by target, each read when it is looked at.

    ``sections`` are those that are wanted, by the names that a stream has for them; None
    for all.
    """

    def __init__(
        self,
        archive: Archive,
        release: Release,
        sections: Collection[str] | None = None,
    ) -> None:
        self.archive = archive
        self.release = release
        self._sections = sections

    def __getitem__(self, target: str) -> ir.Program:
        if target not in self.release.targets:
            raise KeyError(target)
        return self.archive.program(self.release, target, self._sections)

    def __contains__(self, target: object) -> bool:
        return target in self.release.targets  # without reading it

    def __iter__(self) -> Iterator[str]:
        return iter(self.release.targets)

    def __len__(self) -> int:
        return len(self.release.targets)

    def only(self, sections: Collection[str] | None) -> Targets:
        """The same release with these sections alone."""
        return Targets(self.archive, self.release, sections)


def is_number(text: str) -> bool:
    """Whether the text can be a release's number: ``10.0``, ``10.0.2``."""
    return re.fullmatch(r"\d+(\.\d+)+", text) is not None


def order(release: str) -> tuple[tuple[int, ...], str]:
    """What sorts releases by their numbers; behind one may be where it is from."""
    numbers = re.findall(r"\d+", release.partition(" ")[0])
    return tuple(map(int, numbers)), release


def known(name: str) -> Targets | None:
    """The programs of a release (``10.0.2``, or ``10.0`` for the newest of that series);
    None if the archive has none."""
    there = archive.shipped()
    release = there.find(name) if there is not None and is_number(name) else None
    return None if there is None or release is None else Targets(there, release)


def of(name: str) -> Targets:
    """The same; VG643 if the archive has none."""
    found = known(name)
    if found is None:
        raise VmgenError(
            Diagnostic(
                "VG643",
                f"vmgen has no release '{name}' of its own",
                hint=RELEASES_HINT,
            )
        )
    return found
