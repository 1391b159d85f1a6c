"""``vmgen stream convert``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vmgen.cli.arguments import Option, WrongUsage, command, format_option
from vmgen.cli.console import Console
from vmgen.cli.stream.change import write, wrote
from vmgen.cli.stream.codecs import Wanted, input_of, packages_of
from vmgen.cli.stream.common import FILE, bytes_of, output_option, told
from vmgen.cli.stream.explain import explained, lines, own_stream
from vmgen.paint import Kind, Paint
from vmgen.schemas import versioned

if TYPE_CHECKING:
    from vmgen.convert import Converted, Destination, Line
    from vmgen.stream import Codecs
    from vmgen.stream.input import Input
    from vmgen.stream.objections import Explanation
    from vmgen.stream.wire import Buffer

_PAINT: dict[str, Kind] = {
    "kept": "faint",
    "widened": "note",
    "narrowed": "warning",
    "renamed": "note",
    "defaulted": "added",
    "set": "added",
    "lost": "removed",
}


BETWEEN = (
    Option(
        "--from",
        name="old",
        kind="source",
        required=True,
        metavar="SOURCE",
        completes="release",
        help="The release that wrote the stream.",
    ),
    Option(
        "--to",
        name="new",
        kind="source",
        required=True,
        metavar="SOURCE",
        completes="release",
        help="The release that loads the result.",
    ),
    Option(
        "--target",
        "-t",
        metavar="TARGET",
        completes="target",
        help="The target, for instance riscv64.",
    ),
)
"""From whom to whom a stream goes."""

CARRIED = (
    Option(
        "--map",
        name="mapping",
        kind="present",
        metavar="FILE",
        help="Renamed, set and dropped members, as JSON.",
    ),
    Option(
        "--machine",
        metavar="NAME",
        help="The machine type that loads the stream, if it is a different type.",
    ),
    Option(
        "--ram",
        name="blocks",
        many=True,
        metavar="BLOCK=SIZE",
        help="The bytes that a RAM block has in the machine that loads the stream: a ROM"
        " that grew (0x80000, 512K).",
    ),
    Option(
        "--like",
        kind="file",
        metavar="FILE",
        help="A stream that the destination machine saved, for the verdict on the result.",
    ),
    Option(
        "--accept-loss",
        kind="flag",
        help="Write the stream even if values are lost that the mapping does not name.",
    ),
    Option(
        "--accept-refusal",
        kind="flag",
        help="Write the stream even if the new release refuses it.",
    ),
)
"""What the result must be, and what of it you accept."""


@dataclass(frozen=True, slots=True)
class CarriedStream:
    """A stream that was converted, and what is to be said of it: the codecs on both sides,
    the verdict on the result, and why it was not written, if it was not."""

    before: Codecs
    after: Codecs
    made: Converted
    found: Explanation
    lossy: bool
    refused: bool

    @property
    def written(self) -> bool:
        """Whether the result is in the file."""
        return not (self.lossy or self.refused)

    @property
    def reasons(self) -> Iterator[str]:
        """Why it is not."""
        if self.lossy:
            harmed = (
                f"{one.section} {one.path}" for one in self.made.lines if one.harm
            )
            yield f"not written, values would be lost: {', '.join(harmed)}"
        if self.refused:
            yield "not written, the result would be refused"


@command(
    FILE,
    *BETWEEN,
    output_option("Where to write the converted stream."),
    Option(
        "--all",
        "-a",
        name="whole",
        kind="flag",
        help="Of trees: codecs of every device, not of the CPU alone.",
    ),
    Option(
        "--write-map",
        kind="file",
        metavar="FILE",
        help="Write a mapping to look at and to give with --map: likely names of members"
        " that found nothing, and what would be lost.",
    ),
    *CARRIED,
    Option(
        "--report",
        kind="choice",
        choices=("changes", "all", "none", "json"),  # json: as --format was called
        metavar="[changes|all|none]",
        default="changes",
        shown=True,
        help="Which fields the text has a line for.",
    ),
    format_option("'json' has every field."),
    epilog="""\b
SOURCE is a release that 'vmgen releases' lists (10.0) and needs no sources, a QEMU
source tree, or a generated package.  The mapping says what no tool can infer:

\b
  {"cpu": {"rename": {"env.virt": "env.virt_enabled"},
           "set": {"env.mvien": 0}, "drop": ["env.features"]}}

\b
Examples:
  vmgen stream convert vm.mig --from 7.2 --to 10.0 -o new.mig
  vmgen stream convert vm.mig --from 7.2 --to 10.0 --map riscv.json -o new.mig
  vmgen stream convert vm.mig --from 7.2 --to 10.0 --machine pc-q35-9.0 -o new.mig
  vmgen stream convert vm.mig --from 9.2 --to ~/qemu-fork -t riscv64 -o new.mig --all""",
)
def convert(
    console: Console,
    /,
    *,
    file: str,
    old: str,
    new: str,
    output: str,
    target: str | None,
    whole: bool,
    mapping: str | None,
    write_map: str | None,
    machine: str | None,
    blocks: tuple[str, ...],
    like: str | None,
    accept_loss: bool,
    accept_refusal: bool,
    report: str,
    form: str,
) -> int:
    """Carry a stream from one release to another.

    A section that the new release loads stays as it is. The codecs of the old release read
    the others, and the codecs of the new release write them. Members pair by
    their place on the wire, then by their C path, then as the mapping says. The report has
    a line for every field: kept, widened, narrowed, renamed, defaulted, set or lost.

    vmgen then says what the new release makes of the result, as explain does. If it would
    refuse it, or if a value other than zero would be lost that the mapping does not name,
    the exit status is 1, and vmgen writes nothing.
    """
    from vmgen import convert as engine

    carry = carried(
        console, file, output, old=old, new=new, target=target, whole=whole,
        mapping=mapping, machine=machine, blocks=blocks, like=like,
        accept_loss=accept_loss, accept_refusal=accept_refusal,
    )  # fmt: skip
    made, found = carry.made, carry.found
    if write_map is not None:
        write(write_map, (engine.dumps(made.suggested).encode(),))
    _warn(console, made, mapping)
    if "json" in (form, report):
        whole_report = [asdict(line) for line in made.lines]
        document = versioned(
            "stream-convert",
            {"written": carry.written, "lines": whole_report},
        )
        console.result(json.dumps(document, indent=1) + "\n")
    elif report != "none":
        shown = [line for line in made.lines if report == "all" or line.what != "kept"]
        console.result(_text(shown, console.paint))
    counts = ", ".join(
        f"{count} {what}" for what, count in engine.counted(made.lines).items()
    )
    ways = f"{_words(old, carry.before)} to {_words(new, carry.after)}"
    console.message(f"{carry.before.target}, {ways}: {counts}")
    for line in lines(output, found, console.paint, whole=True):
        console.message(line)
    if write_map is not None:
        console.message(f"wrote {write_map}: look at it before you give it with --map")
    if carry.written:
        wrote(console, output)
        return 0
    for reason in carry.reasons:
        console.message(reason)
    if carry.lossy:
        console.message(
            "name them under 'drop' in a mapping file (--write-map makes one), or say"
            " --accept-loss"
        )
    return 1


def carried(
    console: Console,
    file: str,
    output: str,
    *,
    old: str,
    new: str,
    target: str | None,
    whole: bool,
    mapping: str | None,
    machine: str | None,
    blocks: tuple[str, ...],
    like: str | None,
    accept_loss: bool,
    accept_refusal: bool,
) -> CarriedStream:
    """Convert a stream, and write the result unless something of it is not accepted."""
    from vmgen import convert as engine
    from vmgen.stream import Stream

    with told(file):
        source = input_of(file)
    rules = engine.loads(Path(mapping).read_text("utf-8"), mapping) if mapping else None
    wanted = _machine(machine, blocks)
    own = None if like is None else own_stream(like, None)
    with told(file):
        before = _codecs(old, source, target, whole, console)
        after = _codecs(new, source, target or before.target, whole, console)
        with Stream(source, before) as stream:
            made = engine.convert(stream, after, rules, wanted)
            result = _result(made.pieces)
            found = explained(result, after, None, own)
            lossy = not made.harmless and not accept_loss
            refused = found.outcome == "refused" and not accept_refusal
            carry = CarriedStream(before, after, made, found, lossy, refused)
            if carry.written:
                write(output, (stream.prefix, result.view))
            result.close()
    return carry


def _machine(name: str | None, blocks: Iterable[str]) -> Destination:
    from vmgen.convert import Destination

    sizes: dict[str, int] = {}
    for word in blocks:
        block, equals, text = word.rpartition("=")
        size = bytes_of(text)
        if not (equals and block) or size is None or block in sizes:
            raise WrongUsage(f"--ram {word}: it is BLOCK=SIZE, once for a block")
        sizes[block] = size
    if name is not None and not 0 < len(name.encode("utf-8", "surrogateescape")) < 256:
        raise WrongUsage("--machine: a name has 1 to 255 bytes")
    return Destination(name or "", sizes)


def _result(pieces: Iterable[Buffer]) -> Input:
    """The converted stream, to be read; not in memory."""
    from vmgen.stream.input import Input

    source = Input(_Pieces(pieces))
    source.finish()
    return source


class _Pieces:
    """Pieces as something to read from."""

    def __init__(self, pieces: Iterable[Buffer]) -> None:
        self._pieces = iter(pieces)
        self._left = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; empty at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = memoryview(piece)
        data, self._left = self._left[:size], self._left[size:]
        return bytes(data)


def _warn(console: Console, made: Converted, mapping: str | None) -> None:
    for one in made.unused:
        console.message(f"warning: {mapping}: {one}")
    for one in made.unsure:
        console.message(f"warning: not sure that it loads: {one}")


def _words(name: str, codecs: Codecs) -> str:
    """The release of the codecs, and where they are from."""
    from vmgen.stream.tables import of

    tables = of(codecs)
    release = "codecs" if tables is None else f"QEMU {tables.release}"
    kind = "archive"
    if Path(name).is_dir():
        tree = (Path(name) / "include" / "migration").is_dir()
        kind = "tree" if tree else "package"
    return f"{release} ({kind})"


def _codecs(
    name: str, source: Input, target: str | None, whole: bool, console: Console
) -> Codecs:
    from vmgen.stream.which_target import choose

    tree = (Path(name) / "include" / "migration").is_dir()
    wanted = Wanted(
        None if tree else name,
        name if tree else None,
        whole and tree,
        target,
        None,
    )
    packages, chosen = packages_of(source, console, wanted)
    return chosen or choose(source, packages)


def _text(lines: Iterable[Line], paint: Paint) -> str:
    """A line for every field, the fields of a section below its name."""
    shown: list[str] = []
    section = None
    for line in lines:
        if line.section != section:
            section = line.section
            shown.append(paint("name", section or "stream"))
        what = paint(_PAINT[line.what], f"{line.what:9}")
        values = (
            f"{line.old} → {line.new}"
            if line.old and line.new
            else line.old or line.new
        )
        why = paint("faint", f"  ({line.why})") if line.why else ""
        shown.append(f"  {what} {line.path or '(whole)'}  {values}{why}")
    return "\n".join(shown) + "\n" if shown else ""
