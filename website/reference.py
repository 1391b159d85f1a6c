"""The command reference: ``python -m website.reference`` writes it from ``--help``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from vmgen.cli import cli

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference.md"

HEAD = """\
# Commands

What `--help` prints, of every command. Exit status: 0 fine, 1 out of date, different, refused or
incompatible, 2 bad input or usage ([In your CI](ci.md) has the list). Messages go to stderr,
results to stdout.
"""


def helps(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[tuple[str, str]]:
    """Each command with its help, groups before what they contain."""
    ctx = click.Context(
        command, parent, name, terminal_width=86, **command.context_settings
    )
    yield ctx.command_path, command.get_help(ctx)
    if isinstance(command, click.Group):
        for child in command.list_commands(ctx):
            found = command.get_command(ctx, child)
            assert found is not None
            yield from helps(found, child, ctx)


def page() -> str:
    """The page as Markdown."""
    parts = [HEAD]
    for path, text in helps(cli, "vmgen"):
        lines = "\n".join(line.rstrip() for line in text.splitlines())
        parts.append(f"## {path}\n\n```console\n$ {path} --help\n{lines}\n```\n")
    return "\n".join(parts)


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
