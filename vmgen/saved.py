"""A saved guest as the command line opens it: vmgen chooses the codecs.

    from vmgen.saved import open_guest

    with open_guest("vm.mig") as guest:
        print(guest.cpus[0].register("pc"))

:class:`vmgen.guest.Guest` and :class:`vmgen.stream.Stream` alone need the standard library
only, and read with the codecs that they are given.  This module makes codecs out of the
releases that vmgen ships, which needs all of vmgen, and keeps them in the user's cache
folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vmgen.cli.arguments import WrongUsage
from vmgen.cli.console import Console
from vmgen.cli.stream.codecs import opened
from vmgen.guest import Guest
from vmgen.source import Diagnostic, VmgenError
from vmgen.stream import NoCodecs, Stream

__all__ = ["open_guest", "open_stream"]


class _SilentConsole(Console):
    """Drops what the command line says of its progress."""

    def message(self, text: str) -> None:
        """Drop a line for people."""

    def progress(self, text: str) -> None:
        """Drop what is being done."""

    def diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Drop warnings."""


def open_stream(
    file: str,
    codecs: str | None = None,
    *,
    target: str | None = None,
    snapshot: str = "",
    members: Sequence[str] = (),
) -> Stream:
    """The stream in a file, whatever carries it.

    ``codecs`` is the number of a release (``10.0``) or the folder of a generated package;
    without, vmgen takes the releases that can have written the stream, as the command line
    does.  ``members`` are answers as ``--member`` takes them (``vlen=128``).  Raises
    NoCodecs where there are none for the stream, and other StreamErrors.
    """
    try:
        return opened(
            file, _SilentConsole(), folder=codecs, qemu=None, whole=False, target=target,
            page_size=None, snapshot=snapshot, max_unpacked=None, no_description=False,
            members=tuple(members),
        )  # fmt: skip
    except VmgenError as error:
        first = error.diagnostics[0]
        raise NoCodecs(first.message, hint=first.hint) from None
    except WrongUsage as error:
        raise NoCodecs(str(error)) from None


def open_guest(
    file: str,
    codecs: str | None = None,
    *,
    target: str | None = None,
    snapshot: str = "",
    members: Sequence[str] = (),
    map: Sequence[str] | str = (),
) -> Guest:
    """The guest in a file: :func:`open_stream`, with ``map`` as :class:`Guest` has it."""
    stream = open_stream(
        file, codecs, target=target, snapshot=snapshot, members=members
    )
    return Guest(stream, (map,) if isinstance(map, str) else map)
