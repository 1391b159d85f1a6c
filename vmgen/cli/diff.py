"""``vmgen diff``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vmgen import config
from vmgen.cli.console import Console, color_option
from vmgen.cli.job import EMBEDDED_TARGETS, Job, compile_all
from vmgen.source import Diagnostic, Position, VmgenError

if TYPE_CHECKING:
    from vmgen import ir


@click.command(
    name="diff",
    epilog="""\b
OLD and NEW are each one of:
  embedded     the headers that come with vmgen
  TREE         a QEMU source tree
  FILE.json    an IR that 'vmgen generate' wrote
  FOLDER       a folder with such files, for instance a generated package

\b
Examples:
  vmgen diff embedded ~/qemu-10.0.2
  vmgen diff ~/qemu-7.2.0 ~/qemu-10.0.2 --target riscv64
  vmgen diff generated ~/qemu-10.2.2 --format json""",
)
@click.argument("old")
@click.argument("new")
@click.option(
    "--target",
    "-t",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="Compare this target. May be repeated.  [default: all that are there]",
)
@click.option(
    "--preprocessor",
    type=click.Choice(config.PREPROCESSORS),
    default="auto",
    show_default=True,
    help="As for 'generate'.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the differences.",
)
@color_option
@click.pass_obj
def command(
    console: Console,
    /,
    *,
    old: str,
    new: str,
    targets: tuple[str, ...],
    preprocessor: str,
    form: str,
) -> int:
    """Do two sources say the same wire format?

    Compares description by description and field by field, and prints every difference
    with both positions. Exit status 0: the same, 1: different.
    """
    from vmgen import diff

    stored = _stored(old), _stored(new)
    wanted = targets or tuple(dict.fromkeys([*(stored[0] or ()), *(stored[1] or ())]))
    if not wanted and "embedded" in (old, new):
        wanted = EMBEDDED_TARGETS
    if not wanted:
        raise click.UsageError(
            "say which target to compare, for example --target riscv64"
        )
    comparisons: list[diff.Comparison] = []
    for target in wanted:
        left = _program(old, stored[0], target, preprocessor, console)
        right = _program(new, stored[1], target, preprocessor, console)
        comparisons.append(diff.compare(left, right))
    same = not any(comparison.differences for comparison in comparisons)
    if form == "json":
        targets_json = [diff.as_json(comparison) for comparison in comparisons]
        document = {"old": old, "new": new, "same": same, "targets": targets_json}
        console.result(json.dumps(document, indent=2) + "\n")
    else:
        console.result("".join(diff.text(item, console.paint) for item in comparisons))
    return 0 if same else 1


def _stored(source: str) -> dict[str, ir.Program] | None:
    """The programs by target of an IR file or a folder of them; None for a source that
    is to be read from C."""
    from vmgen import ir_json

    path = Path(source)
    if source == "embedded" or (path / "include" / "migration").is_dir():
        return None
    if path.is_file():
        files = [path]
    elif path.is_dir():
        files = [file for file in sorted(path.rglob("*.json")) if _is_ir(file)]
    else:
        files = []
    if not files:
        raise VmgenError(
            Diagnostic(
                "VG632",
                "neither a QEMU source tree nor an IR nor a folder with one",
                Position(source),
                hint="for vmgen's own headers say 'embedded'",
            )
        )
    programs = [ir_json.loads(_text(file), file.as_posix()) for file in files]
    return {program.target: program for program in programs}


def _is_ir(file: Path) -> bool:
    from vmgen import ir_json

    return f'"{ir_json.FORMAT}"' in _text(file)[:400]


def _text(file: Path) -> str:
    return file.read_text("utf-8", "surrogateescape")


def _program(
    source: str,
    stored: dict[str, ir.Program] | None,
    target: str,
    preprocessor: str,
    console: Console,
    /,
) -> ir.Program:
    if stored is not None:
        if target not in stored:
            known = ", ".join(stored)
            message = f"there is no target '{target}' in it"
            raise VmgenError(
                Diagnostic("VG633", message, Position(source), hint=f"it has: {known}")
            )
        return stored[target]
    from vmgen.pipeline import Request

    qemu = None if source == "embedded" else Path(source)
    request = Request(target=target, qemu=qemu, preprocessor=preprocessor)  # type: ignore[arg-type]
    (program,) = compile_all(Job((request,), Path()), console)
    return program
