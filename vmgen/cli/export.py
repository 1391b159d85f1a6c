"""``vmgen export``: a guest in the formats of other tools."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from vmgen.cli.arguments import Argument, Option, command
from vmgen.cli.console import Console
from vmgen.cli.extra import needs
from vmgen.cli.guest import MAP, opened_guest
from vmgen.cli.stream.change import created, folder_for, wrote
from vmgen.cli.stream.common import CODECS, FILE, output_option
from vmgen.source import Diagnostic, VmgenError

if TYPE_CHECKING:
    from vmgen.export.formats import ExportOptions
    from vmgen.guest import Guest

NAMES = (
    "elf", "kdump", "raw", "lime", "regions", "unicorn", "riscv-image", "jsonl", "parquet"
)  # fmt: skip
FOLDERS = ("regions", "unicorn", "riscv-image")
"""Formats of several files."""


@command(
    Argument("form", "choice", "FORMAT", choices=NAMES),
    FILE,
    output_option(
        "The file to write; for 'regions', 'unicorn' and 'riscv-image' a folder, which is made.",
        "place",
    ),
    MAP,
    Option(
        "--virtual",
        kind="flag",
        help="elf: segments at the addresses that the CPUs have mapped, too.",
    ),
    Option(
        "--vmcoreinfo",
        metavar="find|none|ADDRESS",
        default="find",
        help="elf, kdump: the note in which Linux describes itself, which drgn needs and"
        " crash uses.  [default: find: looked for in RAM]",
    ),
    Option(
        "--raw",
        kind="flag",
        help="kdump: not flattened, for a libkdumpfile that reads no flattened dump.",
    ),
    Option(
        "--strict",
        kind="flag",
        help="Write nothing if something of CPUs or memory would be missing.",
    ),
    Option("--quiet", "-q", kind="flag", help="Do not list what is missing."),
    *CODECS,
    epilog="""\b
Formats:
  elf      an ELF core, byte for byte that of dump-guest-memory: gdb, crash, drgn
  kdump    a compressed dump, that of dump-guest-memory -z: crash, drgn
  raw      guest-physical memory, byte N at address N
  lime     memory by region, in LiME's format: volatility
  regions  a file for each region of memory, and map.json, in a folder
  unicorn  registers, memory and the Python that puts them into Unicorn, in a folder
           (extra 'unicorn'): x86_64, aarch64, riscv64
  riscv-image  an ELF file with memory and a program that puts the harts back:
           QEMU and other simulators start it from reset (riscv64, machine virt)
  jsonl    every field of every section, a line each
  parquet  the same as a table (extra 'arrow')

\b
Examples:
  vmgen export elf vm.mig -o vmcore              then: crash vmlinux vmcore
  vmgen export kdump vm.mig -o vmcore            the same, smaller
  vmgen export elf vm.save -o core --virtual     then: gdb vmlinux core
  vmgen export raw vm.mig -o ram.img --map mtree.txt
  vmgen export unicorn vm.mig -o seed            then: import seed, in Python
  vmgen export riscv-image vm.mig -o image --member vlen=128
  vmgen export jsonl disk.qcow2 --snapshot one -o - | jq .""",
)
def export(
    console: Console,
    /,
    *,
    form: str,
    file: str,
    output: str,
    map: tuple[str, ...],
    virtual: bool,
    vmcoreinfo: str,
    raw: bool,
    strict: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Write a guest in the format of another tool.

    CPUs and memory go into a core, memory alone into an image, fields of sections into
    lines of JSON. What is missing of these is listed on stderr.
    """
    from vmgen.export.formats import ExportOptions

    if form == "parquet":
        needs("arrow", "pyarrow")
    if form == "unicorn":
        needs("unicorn", "unicorn")
    wanted = ExportOptions(virtual, vmcoreinfo, raw)
    with opened_guest(file, console, map, options) as guest:
        lost = _losses(form, guest, wanted)
        if lost and strict:
            raise VmgenError(
                *(
                    Diagnostic("VG734", f"missing in the {form} file: {one}")
                    for one in lost
                )
            )
        _write(console, form, guest, output, wanted)
        if lost and not quiet:
            console.message("missing:\n" + "\n".join(f"  {one}" for one in lost))
    return 0


def _losses(form: str, guest: Guest, wanted: ExportOptions) -> list[str]:
    from vmgen.export.formats import exporter

    return list(exporter(form).losses(guest, wanted))


def _write(
    console: Console, form: str, guest: Guest, output: str, wanted: ExportOptions
) -> None:
    if form in FOLDERS:
        from vmgen.export.formats import folder

        folder_for(output)
        for name, written in folder(form, guest):
            with created(os.path.join(output, name)) as out:
                written(out)
        wrote(console, output)
        return
    from vmgen.export.formats import exporter

    with created(output) as out:
        exporter(form).write(guest, out, wanted)
    wrote(console, output)
