"""``vmgen stream show``, ``verify`` and ``diff``: what is in a stream."""

from __future__ import annotations

import os
from collections.abc import Iterable

from vmgen.cli.arguments import Argument, Option, WrongUsage, command
from vmgen.cli.console import Console
from vmgen.cli.stream.codecs import opened
from vmgen.cli.stream.common import CODECS, FILE, FORMAT, diagnostic, told
from vmgen.schemas import versioned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.stream import Section, Stream
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

    JSON has everything: {"sections": [{"name", "instance_id", "version_id", "kind",
    "offset", "size", "codec", "state"}]}.
    """
    from vmgen.stream import show as shown

    with told(file), opened(file, console, **options) as stream:
        if registers:
            console.result("".join(shown.registers_text(stream, form, console.paint)))
            return 0
        if form == "json":
            chosen = chosen_sections(stream, selected)
            if any(rest for _, rest in chosen):
                values = {
                    path: shown.jsonable(_value(stream, section, rest))
                    for path, (section, rest) in zip(selected, chosen, strict=True)
                }
                document = versioned("stream-show-values", {"values": values})
                console.result(shown.dumps(document))
                return 0
            some = [section for section, _ in chosen]
            some = some if selected else list(stream.sections)
            for text in shown.json_text(stream, some):
                console.result(text)
            return 0
        if not selected:
            rows: list[str] = []
            try:
                for line in shown.table(stream, console.paint):
                    rows.append(line)
            finally:
                console.result("".join(rows))
            return 0
        cut: list[StreamError] = []
        for section, rest in chosen_sections(stream, selected, cut):
            if rest:
                value = _value(stream, section, rest)
                lines = shown.value_text(value, f"{section.path}{rest}", console.paint)
            else:
                lines = shown.section_text(stream, section, console.paint)
            console.result("".join(lines))
        for error in cut:
            raise error
    return 0


def chosen_sections(
    stream: Stream, selected: Iterable[str], cut: list[StreamError] | None = None
) -> list[tuple[Section, str]]:
    """Every path's section, and the rest of the path.  With ``cut`` the sections of a
    stream whose description is cut are enough; the error is added to it."""
    from vmgen.stream import registers
    from vmgen.stream.errors import DescriptionCut, NotFound

    sections = []
    try:
        for section in stream.sections:
            sections.append(section)
    except DescriptionCut as error:
        if cut is None:
            raise
        cut.append(error)
    chosen = []
    for text in selected:
        try:
            chosen.append(registers.split(stream, sections, text))
        except NotFound:
            if os.path.isfile(text):
                message = f"'{text}' is a second file, and one stream is read"
                raise WrongUsage(message) from None
            raise
    return chosen


def _value(stream: Stream, section: Section, rest: str) -> Any:
    from vmgen.stream import paths, registers

    value = stream.values(section)
    file = registers.of_section(stream.codecs, section, value)
    if file is not None and (name := registers.named(file, rest)) is not None:
        return file.read(name).value
    steps = paths.resolve(value, rest)
    if steps is None:
        raise paths.missing(section, value, rest)
    for step in steps:
        value = paths.at(value, step)
    return value


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
