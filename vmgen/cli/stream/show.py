"""``vmgen stream show``, ``verify`` and ``diff``: what is in a stream."""

from __future__ import annotations

import os
from collections.abc import Sequence

from vmgen.cli.arguments import Argument, Option, WrongUsage, command
from vmgen.cli.console import Console
from vmgen.cli.stream.codecs import opened
from vmgen.cli.stream.common import CODECS, FILE, FORMAT, diagnostic, told
from vmgen.schemas import versioned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.stream import Section, Stream
    from vmgen.stream.asked import Asked
    from vmgen.stream.errors import StreamError


@command(
    FILE,
    Argument(
        "selected",
        metavar="[SECTION|PATH]...",
        many=True,
        required=False,
        completes="path",
    ),
    FORMAT,
    Option(
        "--registers",
        kind="flag",
        help="The registers of every CPU, by gdb's groups, and nothing else.",
    ),
    *CODECS,
    epilog="""\b
Examples:
  vmgen stream show vm.mig                           the sections
  vmgen stream show vm.mig cpu ram                   what is in some of them
  vmgen stream show vm.mig 'cpu/0.env.gpr[10]'       one field
  vmgen stream show vm.mig a0 cpu/0.pc               registers by name
  vmgen stream show vm.mig s3_1_c15_c2_0             one of Arm by its encoding
  vmgen stream show vm.mig 0x603000000013c100        or by its number in a verdict
  vmgen stream show vm.mig ram/pc.ram@0x1000:64      64 bytes of guest memory
  vmgen stream show vm.mig --registers               all of them
  vmgen stream show disk.qcow2@before                out of an image
  vmgen stream show vm.mig --qemu ~/qemu-10.0.2 -a   codecs of every device""",
)
def show(
    console: Console,
    /,
    *,
    file: str,
    selected: tuple[str, ...],
    form: str,
    registers: bool,
    **options: Any,
) -> int:
    """Show the sections of a stream, or the values in some of them.

    A PATH is a field or a register of a section (cpu/0.pc), or a register of the only CPU.
    Guest memory is ram/BLOCK@ADDRESS, up to the end of the page, or with :SIZE so many bytes.
    Where one path leads nowhere, the others are shown, and the exit status is 2.

    JSON has everything: {"sections": [{"name", "instance_id", "version_id", "kind",
    "offset", "size", "codec", "state"}]}.
    """
    from vmgen.stream import show as shown
    from vmgen.stream.errors import StreamError

    with told(file), opened(file, console, **options) as stream:
        if registers:
            console.result("".join(shown.registers_text(stream, form, console.paint)))
            return 0
        if not selected:
            _all(stream, form, console)
            return 0
        from vmgen.stream.asked import asked

        cut: list[StreamError] = []
        errors: list[StreamError] = []
        found: list[tuple[str, Asked]] = []
        sections = all_sections(stream, None if form == "json" else cut)
        for text in selected:
            try:
                found.append((text, asked(stream, sections, text)))
            except StreamError as error:
                no_file(text)
                errors.append(error)
        if form == "json":
            _print_json(stream, found, console)
        else:
            for _, part in found:
                console.result("".join(part.lines(stream, console.paint)))
        if errors:
            from vmgen.source import VmgenError

            raise VmgenError(*(diagnostic(one, file) for one in errors))
        for one in cut:
            raise one
    return 0


def _all(stream: Stream, form: str, console: Console) -> None:
    """Every section of a stream; what was read of a damaged one before its error."""
    from vmgen.stream import show as shown

    if form == "json":
        for text in shown.json_text(stream, list(stream.sections)):
            console.result(text)
        return
    rows: list[str] = []
    try:
        for line in shown.table(stream, console.paint):
            rows.append(line)
    finally:
        console.result("".join(rows))


def _print_json(
    stream: Stream, found: Sequence[tuple[str, Asked]], console: Console
) -> None:
    """The sections, or values where one path is that of a value; nothing for nothing."""
    from vmgen.stream import show as shown

    some = [one.section for _, one in found if one.section is not None]
    if not found:
        return
    if all(one.is_section for _, one in found):
        for text in shown.json_text(stream, some):
            console.result(text)
        return
    values = {text: one.plain(stream) for text, one in found}
    document = versioned("stream-show-values", {"values": values})
    console.result(shown.dumps(document))


def all_sections(stream: Stream, cut: list[StreamError] | None = None) -> list[Section]:
    """The sections of a stream.  With ``cut`` those of one whose description is cut are
    enough; the error is added to it."""
    from vmgen.stream.errors import DescriptionCut

    sections = []
    try:
        for section in stream.sections:
            sections.append(section)
    except DescriptionCut as error:
        if cut is None:
            raise
        cut.append(error)
    return sections


def no_file(text: str) -> None:
    """Raises WrongUsage for a path that leads nowhere, and is a file's."""
    if os.path.isfile(text):
        raise WrongUsage(f"'{text}' is a second file, and one stream is read")


@command(
    Argument("files", "file", metavar="FILE...", many=True),
    *CODECS,
    epilog="""\b
Examples:
  vmgen stream verify *.mig
  vmgen stream verify vm.mig --qemu ~/qemu-10.0.2 --all   every device""",
)
def verify(console: Console, /, *, files: tuple[str, ...], **options: Any) -> int:
    """Decode streams, encode them again, and compare the bytes.

    Exit status 1 if a stream is damaged or a byte comes back different; the first such
    byte is named by path and offset. 2 if a file is no stream.
    """
    from vmgen.stream.errors import NoCodecs, NotAStream, StreamError, Unreadable

    status = 0
    for file in files:
        try:
            status = max(status, _verified(file, console, **options))
        except (NoCodecs, Unreadable) as error:
            from vmgen.source import VmgenError

            raise VmgenError(diagnostic(error, file)) from None
        except NotAStream as error:
            console.diagnostics([diagnostic(error, file)])
            status = 2
        except StreamError as error:
            console.diagnostics([diagnostic(error, file)])
            status = max(status, 1)
    return status


def _verified(file: str, console: Console, **options: Any) -> int:
    from vmgen.stream import verify as verifying

    paint = console.paint
    parts = opaque = size = 0
    with opened(file, console, **options) as stream:
        codecs = stream.codecs
        target = f", codecs of {codecs.target}" if codecs and codecs.target else ""
        for one in verifying.verify(stream):
            parts, opaque, size = parts + 1, opaque + one.opaque, size + one.bytes
            if (found := one.difference) is not None:
                place = f"{found.path} at byte {found.offset:#x}"
                bytes_ = (
                    f"{found.old.hex()} comes back as {found.new.hex() or 'nothing'}"
                )
                console.result(
                    f"{file}: {paint('removed', 'differs')}: {place}: {bytes_}\n"
                )
                if console.form != "text":
                    from vmgen.source import Diagnostic, Position

                    message = f"{place}: {bytes_}"
                    console.diagnostics([Diagnostic("VG712", message, Position(file))])
                return 1
    rest = f", {opaque} of them only carried along" if opaque else ""
    console.result(
        f"{file}: {paint('ok', 'identical')}: {size} bytes in {parts} parts{rest}{target}\n"
    )
    return 0


@command(
    Argument("old", "file"),
    Argument("new", "file"),
    FORMAT,
    *CODECS,
    epilog="""\b
Examples:
  vmgen stream diff before.mig after.mig
  vmgen stream diff disk.qcow2@one disk.qcow2@two
  vmgen stream diff before.mig after.mig --format json | jq .""",
)
def diff(console: Console, /, *, old: str, new: str, form: str, **options: Any) -> int:
    """Compare two streams by field, and guest memory by page.

    Exit status 0: the same, 1: different.
    """
    from vmgen.stream import show as shown
    from vmgen.stream.compare import compare

    with told(old):
        before = opened(old, console, **options)
        list(before.parts())
    with told(new):
        after = opened(new, console, **options)
        list(after.parts())
    with told(""), before, after:
        changes = list(compare(before, after))
    if form == "json":
        items = [shown.change_json(change) for change in changes]
        document = versioned("stream-diff", {"same": not changes, "changes": items})
        console.result(shown.dumps(document))
    else:
        console.result(
            "".join(shown.change_text(one, console.paint) for one in changes)
        )
    return 1 if changes else 0
