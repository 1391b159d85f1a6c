"""``vmgen archive``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vmgen.cli.arguments import Argument, Option, command
from vmgen.cli.console import Console
from vmgen.cli.job import Job, compile_all
from vmgen.source import Diagnostic, Position, VmgenError

if TYPE_CHECKING:
    from vmgen import ir


@command(
    Argument("trees", "folder", many=True),
    Option(
        "--output",
        "-o",
        kind="file",
        help="The archive; it keeps the releases that it has, those of TREES aside.  "
        "[default: the one that vmgen came with]",
    ),
    Option(
        "--strict",
        kind="flag",
        help="Write nothing where something cannot be read.",
    ),
    epilog="""\b
Examples:
  vmgen archive ~/qemu-10.0.2 ~/qemu-10.2.2 -o releases.vmgen
  python -m vmgen.archive ~/qemu-*        the file that vmgen ships, in a checkout

\b
Exit status: 0 all of every tree was read, 1 something was not: the archive says
what and why, and has the rest (--strict: nothing is written); 2 bad input.""",
)
def archive(
    console: Console, /, *, trees: tuple[str, ...], output: str | None, strict: bool
) -> int:
    """Write the wire format of whole QEMU trees into one file.

    Every target and every device, each table once for all releases that share it. The same
    trees give the same bytes.
    """
    from vmgen import write
    from vmgen.archive import SHIPPED, Archive, build, form
    from vmgen.cli.shipped import order

    place = Path(output) if output else SHIPPED
    known = {}
    if place.is_file():
        known = {one.release: one for one in Archive(place).snapshots()}
    incomplete = False
    for tree in trees:
        console.incomplete = False  # so that what a tree lacks is said of each
        snapshot = build.snapshot(*_read(Path(tree), strict, console))
        incomplete |= console.incomplete
        known[snapshot.release] = snapshot
        console.message(f"{snapshot.release}: {len(snapshot.targets)} targets")
    data = form.pack(sorted(known.values(), key=lambda one: order(one.release)))
    with write.replacing(place) as opened:
        opened.write(data)
    console.message(f"{place}: {len(known)} releases, {len(data)} bytes")
    return int(incomplete)


def _read(
    tree: Path, strict: bool, console: Console
) -> tuple[str, tuple[ir.Program, ...]]:
    """The release that a tree says it is, and its programs; VG644 where it says none."""
    from vmgen.pipeline import Request, all_targets

    requests = tuple(
        Request(target=target, qemu=tree, whole=True, processors=True)
        for target in all_targets(tree)
    )
    programs = compile_all(Job(requests, Path(), strict=strict), console)
    release = programs[0].release
    if not release:
        raise VmgenError(
            Diagnostic(
                "VG644",
                "the tree does not say which release it is",
                Position(str(tree)),
                hint="give it a file VERSION with a number like 10.0.2",
            )
        )
    return release, programs
