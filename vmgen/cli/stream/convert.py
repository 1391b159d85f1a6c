"""``vmgen stream convert``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from vmgen.cli.arguments import Option, command, format_option
from vmgen.cli.console import Console
from vmgen.cli.stream.change import write, wrote
from vmgen.cli.stream.codecs import Wanted, input_of, packages_of
from vmgen.cli.stream.common import FILE, output_option, told
from vmgen.paint import Kind, Paint
from vmgen.schemas import versioned

if TYPE_CHECKING:
    from vmgen.convert import Line
    from vmgen.stream import Codecs
    from vmgen.stream.input import Input

_PAINT: dict[str, Kind] = {
    "kept": "faint",
    "widened": "note",
    "narrowed": "warning",
    "renamed": "note",
    "defaulted": "added",
    "set": "added",
    "lost": "removed",
}


@command(
    FILE,
    Option(
        "--from",
        name="old",
        kind="source",
        required=True,
        metavar="SOURCE",
        completes="release",
        help="Who wrote it.",
    ),
    Option(
        "--to",
        name="new",
        kind="source",
        required=True,
        metavar="SOURCE",
        completes="release",
        help="Who loads it.",
    ),
    output_option("Where to write the converted stream."),
    Option(
        "--target",
        "-t",
        metavar="TARGET",
        completes="target",
        help="The target, for instance riscv64.",
    ),
    Option(
        "--all",
        "-a",
        name="whole",
        kind="flag",
        help="Of trees: codecs of every device, not of the CPU alone.",
    ),
    Option(
        "--map",
        name="mapping",
        kind="present",
        metavar="FILE",
        help="Renamed, set and dropped members, as JSON.",
    ),
    Option(
        "--accept-loss",
        kind="flag",
        help="Write the stream even if values are lost that the mapping does not name.",
    ),
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
    accept_loss: bool,
    report: str,
    form: str,
) -> int:
    """Carry a stream from one release to another.

    vmgen reads each section with the codecs of the old release and writes it with those of
    the new one. Members pair by their C path. The report has a line for every field: kept,
    widened, narrowed, renamed, defaulted, set or lost.

    If a value other than zero would be lost that the mapping does not name, the exit
    status is 1, and vmgen writes nothing.
    """
    from vmgen import convert as engine
    from vmgen.stream import Stream

    with told(file):
        source = input_of(file)
    rules = engine.loads(Path(mapping).read_text("utf-8"), mapping) if mapping else None
    with told(file):
        before = _codecs(old, source, target, whole, console)
        after = _codecs(new, source, target or before.target, whole, console)
        with Stream(source, before) as stream:
            made = engine.convert(stream, after, rules)
            refused = not made.harmless and not accept_loss
            if not refused:
                write(output, (stream.prefix, *made.pieces))
    for one in made.unused:
        console.message(f"warning: {mapping}: {one}")
    for one in made.unsure:
        console.message(f"warning: not sure that it loads: {one}")
    if "json" in (form, report):
        lines = [asdict(line) for line in made.lines]
        document = versioned("stream-convert", {"written": not refused, "lines": lines})
        console.result(json.dumps(document, indent=1) + "\n")
    elif report != "none":
        shown = [line for line in made.lines if report == "all" or line.what != "kept"]
        console.result(_text(shown, console.paint))
    counts = ", ".join(
        f"{count} {what}" for what, count in engine.counted(made.lines).items()
    )
    ways = f"{_words(old, before)} to {_words(new, after)}"
    console.message(f"{before.target}, {ways}: {counts}")
    if refused:
        lost = ", ".join(
            f"{line.section} {line.path}" for line in made.lines if line.harm
        )
        console.message(f"not written, values would be lost: {lost}")
        console.message(
            "name them under 'drop' in a mapping file, or say --accept-loss"
        )
        return 1
    wrote(console, output)
    return 0


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
    from vmgen.stream.explain import choose

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
