"""``vmgen releases``."""

from __future__ import annotations

import json

from vmgen.cli.arguments import command, format_option
from vmgen.cli.console import Console
from vmgen.schemas import versioned


@command(
    format_option("How to print them."),
    epilog="""\b
Examples:
  vmgen releases
  vmgen releases --format json

\b
Each can be named where a release is wanted:
  vmgen diff 8.2 10.0 -t x86_64
  vmgen stream show vm.mig --codecs 10.0""",
)
def releases(console: Console, /, *, form: str) -> int:
    """List the releases of QEMU that vmgen knows without sources.

    Of each it has the wire format of every target and every device.
    """
    from vmgen import archive

    there = archive.shipped()
    known = () if there is None else there.releases
    if form == "json":
        rows = [{"release": one.name, "targets": one.targets} for one in known]
        console.result(
            json.dumps(versioned("releases", {"releases": rows}), indent=2) + "\n"
        )
        return 0
    width = max((len(one.name) for one in known), default=0)
    for one in known:
        console.result(f"{one.name:{width}}  {len(one.targets)} targets\n")
    if not known:
        console.message("none: this vmgen was installed without its archive")
    return 0
