"""``vmgen inspect``."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmgen.cli.arguments import Argument, Option, WrongUsage, command, format_option
from vmgen.cli.console import Console
from vmgen.cli.job import INPUT, compile_all, read_job
from vmgen.schemas import versioned
from vmgen.source import Diagnostic, Position, VmgenError

if TYPE_CHECKING:
    from vmgen import ir
    from vmgen.lookup import Lookup


@command(
    Argument(
        "names",
        many=True,
        required=False,
        metavar="[NAME|FILE.c]...",
        completes="inspected",
    ),
    *INPUT,
    Option(
        "--input",
        name="files",
        many=True,
        metavar="FILE",
        help="A C file, as for 'generate'; one that ends in .c needs no --input.",
    ),
    Option(
        "--ir",
        name="ir_files",
        many=True,
        kind="present",
        help="Read an IR that 'generate' wrote instead of C.",
    ),
    Option("--full", kind="flag", help="With 'machine': the names of all its devices."),
    format_option("'json' is for one target."),
    epilog="""\b
Examples:
  vmgen inspect -t riscv64                    everything of one target
  vmgen inspect riscv_cpu -t riscv64          by C symbol, with or without vmstate_
  vmgen inspect 'cpu/*' -t aarch64            by wire name
  vmgen inspect my_dma.c                      what your own file has
  vmgen inspect --qemu ~/qemu -t x86_64 hw/char/serial.c serial
  vmgen inspect machine pc-q35-8.2 --release 10.0 -t x86_64
  vmgen inspect --ir generated/arm/ir.json --format json | jq '.descriptions[].name'""",
)
def inspect(
    console: Console,
    /,
    *,
    names: tuple[str, ...],
    form: str,
    ir_files: tuple[str, ...],
    full: bool,
    **inputs: Any,
) -> int:
    """Show what is on the wire.

    Descriptions, fields, sizes and conditions, as a tree. NAME is a C symbol or a wire
    name; * and ? match as in a shell. Without any, you see all. FILE.c is a C file to read.

    'machine TYPE' shows a machine type instead: what it sets, what predicates read of it,
    which devices its board can make and which a user may add.
    """
    from vmgen import inspect_json, tree_view
    from vmgen.lookup import Lookup

    if names[:1] == ("machine",) and len(names) > 1:
        inputs["whole"] = True  # of any device type
        programs = _programs(ir_files, inputs, form, console)
        return _machines(names[1:], programs, form, full, console)
    if full:
        raise WrongUsage("--full is for 'vmgen inspect machine TYPE'")
    files = tuple(one for one in names if one.endswith(".c"))
    names = tuple(one for one in names if not one.endswith(".c"))
    if files and ir_files:
        raise WrongUsage("--ir and C files exclude each other")
    inputs["files"] += files
    lookups = [
        Lookup(program) for program in _programs(ir_files, inputs, form, console)
    ]
    chosen = [(lookup, lookup.named(names)) for lookup in lookups]
    if names and not any(found for _, found in chosen):
        of_cpus = not (files or ir_files or inputs["files"] or inputs["whole"])
        raise _unknown(names, lookups, of_cpus)
    if form == "json":
        ((lookup, found),) = chosen
        document = versioned("inspect", inspect_json.as_json(lookup, found))
        console.result(json.dumps(document, indent=2) + "\n")
        return 0
    blocks = [
        tree_view.render(lookup, found, console.paint)
        for lookup, found in chosen
        if found or not names
    ]
    console.result("\n".join(blocks))
    return 0


def _machines(
    names: tuple[str, ...],
    programs: tuple[ir.Program, ...],
    form: str,
    full: bool,
    console: Console,
) -> int:
    """Shows machine types."""
    from vmgen.known import MachineFacts, view

    facts = [MachineFacts(program) for program in programs]
    chosen = [
        (one, machine)
        for name in names
        for one in facts
        if (machine := one.machine(name)) is not None
    ]
    lost = [name for name in names if not any(one.machine(name) for one in facts)]
    if lost:
        known = view.names(facts)
        raise VmgenError(
            *(
                Diagnostic(
                    "VG648",
                    f"no machine type is called '{name}'",
                    hint=_close(name, known),
                )
                for name in lost
            )
        )
    if form == "json":
        found = [view.as_json(*one) for one in chosen]
        document = versioned("inspect-machine", {"machines": found})
        console.result(json.dumps(document, indent=2) + "\n")
    else:
        console.result(
            "\n".join(view.text(*one, console.paint, full) for one in chosen)
        )
    return 0


def _close(name: str, known: list[str]) -> str:
    if not known:
        return (
            "machine types are known of releases and of trees that are read with --all"
        )
    close = dict.fromkeys(difflib.get_close_matches(name, known, 5))
    return (
        f"did you mean {', '.join(close)}?"
        if close
        else f"there is {known[0]}, for instance"
    )


def _programs(
    ir_files: tuple[str, ...], inputs: dict[str, Any], form: str, console: Console
) -> tuple[ir.Program, ...]:
    if ir_files:
        from vmgen import infos
        from vmgen.cli import stored

        if form == "json" and len(ir_files) > 1:
            raise WrongUsage("--format json shows one target: give one --ir")
        programs = tuple(stored.program(Path(one)) for one in ir_files)
        console.diagnostics(infos.opaque(programs))
        return programs
    job = read_job(**inputs)
    if form == "json" and len(job.requests) > 1:
        targets = ", ".join(request.target for request in job.requests)
        raise WrongUsage(
            f"--format json shows one target: give --target, one of {targets}"
        )
    return compile_all(job, console)


def _unknown(
    names: tuple[str, ...], lookups: list[Lookup], of_cpus: bool
) -> VmgenError:
    known = [name for lookup in lookups for name in lookup.candidates()]
    found = []
    lost = {
        symbol: one
        for lookup in lookups
        for one in lookup.program.unread
        for symbol in (one.symbol, one.symbol.removeprefix("vmstate_"))
        if one.symbol
    }
    for name in names:
        if (unread := lost.get(name)) is not None:
            message = f"the description '{name}' was not read"
            first = unread.found[0]
            hint = f"{first.message} [{first.code}]"
            found.append(Diagnostic("VG631", message, Position(unread.file), hint=hint))
            continue
        close = dict.fromkeys(difflib.get_close_matches(name, known, 5))
        hint = (
            f"did you mean {', '.join(close)}?"
            if close
            else "'vmgen inspect' shows all"
        )
        if of_cpus and not close:
            hint = (
                "only the tables of the CPU were read: for devices use a release with "
                "--all, as in --release 10.0 --all -t x86_64"
            )
        found.append(
            Diagnostic("VG631", f"no description is called '{name}'", hint=hint)
        )
    return VmgenError(*found)
