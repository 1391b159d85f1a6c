"""``vmgen schema``."""

from __future__ import annotations

import difflib
import json

from vmgen.cli.arguments import Argument, WrongUsage, command
from vmgen.cli.console import Console


@command(
    Argument("name", metavar="[NAME]", required=False, completes="document"),
    epilog="""\b
Examples:
  vmgen schema                                  the names, with version and command
  vmgen schema stream-show > stream-show.json   JSON Schema 2020-12""",
)
def schema(console: Console, /, *, name: str | None) -> int:
    """Print the JSON Schema of a JSON document that vmgen prints or writes.

    Every document has the member 'version', and a file that vmgen reads again has 'format'.
    It changes when a member changes its meaning or goes; new members may come within a
    version.
    """
    from vmgen import resources
    from vmgen.schemas import VERSIONS

    folder = resources.folder("docs/schemas")
    if name is None:
        for known, version in VERSIONS.items():
            title = json.loads((folder / f"{known}.json").read_text("utf-8"))["title"]
            console.result(f"{known:22} {version}  {title}\n")
        return 0
    if name not in VERSIONS:
        close = difflib.get_close_matches(name, VERSIONS, 1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise WrongUsage(f"No document is called '{name}'.{hint}")
    console.result((folder / f"{name}.json").read_text("utf-8"))
    return 0
