"""Commands that a machine refuses (``loadvm_process_command`` in ``migration/savevm.c``)."""

from __future__ import annotations

from collections.abc import Iterator

from vmgen.known import commands
from vmgen.stream import qapi_names, tables
from vmgen.stream.codecs import Codecs
from vmgen.stream.errors import StreamError
from vmgen.stream.objections import Objection
from vmgen.stream.parts import Command
from vmgen.stream.stream import Stream

RELEASES = {
    "ENABLE_COLO": ((4, 0), (10, 2)),
    "SWITCHOVER_START": ((10, 0), (99, 0)),
}
"""The first and the last release that takes a command, from 4.0 on; all take the others."""


def refused(stream: Stream, codecs: Codecs) -> Iterator[Objection]:
    """A PING before there is a way back, and a command that the release does not know."""
    answered = False
    try:
        for part in stream.parts():
            if not isinstance(part, Command):
                continue
            answered |= part.name == "OPEN_RETURN_PATH"
            message = ""
            if part.name == "PING" and not answered:
                message = "a PING, for whose answer no way back was opened"
            elif not _takes(codecs, part.name):
                message = "a command that the release does not know"
            if message:
                place = f"command {part.name}"
                yield Objection("container", place, "", part.offset, message)
                return  # QEMU reads no further
    except StreamError:  # which is said elsewhere
        pass


def _takes(codecs: Codecs, command: str) -> bool:
    if command not in RELEASES:
        return True
    known = tables.of(codecs)
    if known is None:
        return True
    if command in commands.DECIDED:
        program = known.lookup.program
        takes = commands.knows(program.machines.properties, command)
        if takes is not None:
            return takes
    return qapi_names.is_of(RELEASES, command, known.release)
