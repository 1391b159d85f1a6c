"""Which commands there are, and where each one's module is."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from keyword import iskeyword

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmgen.cli.arguments import Subcommand

COMMANDS = {
    "generate": "vmgen.cli.generate",
    "check": "vmgen.cli.check",
    "inspect": "vmgen.cli.inspect",
    "coverage": "vmgen.cli.coverage",
    "lint": "vmgen.cli.lint",
    "compat": "vmgen.cli.compat",
    "diff": "vmgen.cli.diff",
    "lock": "vmgen.cli.lock",
    "releases": "vmgen.cli.releases",
    "stream": "",
    "fleet": "",
    "export": "vmgen.cli.export",
    "import": "vmgen.cli.import_",
    "serve": "vmgen.cli.serve",
    "archive": "vmgen.cli.archive",
    "cache": "vmgen.cli.kept",
    "init": "vmgen.cli.init",
    "schema": "vmgen.cli.schema",
    "completion": "vmgen.cli.completion",
    "help": "vmgen.cli.help",
}
"""The module of each command of ``vmgen``, in the order they are listed; none for the
groups."""

STREAM_COMMANDS = {
    "list": "vmgen.cli.stream.listing",
    "show": "vmgen.cli.stream.show",
    "view": "vmgen.cli.stream.view",
    "verify": "vmgen.cli.stream.show",
    "edit": "vmgen.cli.stream.change",
    "diff": "vmgen.cli.stream.show",
    "extract": "vmgen.cli.stream.change",
    "explain": "vmgen.cli.stream.explain",
    "convert": "vmgen.cli.stream.convert",
}
"""The module of each command of ``vmgen stream``, in the order they are listed."""

FLEET_COMMANDS = {
    "explain": "vmgen.cli.fleet.commands",
    "verify": "vmgen.cli.fleet.commands",
    "export": "vmgen.cli.fleet.commands",
    "convert": "vmgen.cli.fleet.commands",
    "report": "vmgen.cli.fleet.report",
}
"""The module of each command of ``vmgen fleet``, in the order they are listed."""

GROUPS = {"stream": STREAM_COMMANDS, "fleet": FLEET_COMMANDS}
"""The commands of each group."""


def named(name: str, places: Mapping[str, str]) -> Subcommand | None:
    """The command of this name in one of these tables, imported when it is requested."""
    module = places.get(name)
    if not module:
        return None
    # "import" is a word of Python's own.
    function = f"{name}_" if iskeyword(name) else name
    found: Subcommand = getattr(import_module(module), function)
    return found
