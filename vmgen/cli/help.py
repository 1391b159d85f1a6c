"""``vmgen help``."""

from __future__ import annotations

import re

import click

from vmgen.cli.console import Console, console_options


@click.command(
    name="help",
    epilog="""\b
Examples:
  vmgen help VG310            what a diagnostic means, and what to do
  vmgen help stream explain   as 'vmgen stream explain --help'""",
)
@click.argument("words", nargs=-1, metavar="[CODE|COMMAND]")
@console_options
@click.pass_context
def command(ctx: click.Context, /, *, words: tuple[str, ...]) -> int:
    """Explain a diagnostic or a command.

    Every diagnostic has a code (VG and three digits) and a page that says what it means, with an example that produces it.
    """
    console = ctx.ensure_object(Console)
    if len(words) == 1 and re.fullmatch(r"(?i)VG\d+", words[0]):
        console.result(page(words[0].upper()))
        return 0
    shown: click.Context = ctx.find_root()
    for word in words:
        group = shown.command
        found = (
            group.get_command(shown, word) if isinstance(group, click.Group) else None
        )
        if found is None:
            raise click.UsageError(f"there is no command or code '{' '.join(words)}'")
        shown = click.Context(
            found,
            shown,
            word,
            max_content_width=shown.max_content_width,
            help_option_names=shown.help_option_names,
        )
    console.result(shown.get_help() + "\n")
    return 0


def page(code: str) -> str:
    """The page of a code as it is read at a terminal; UsageError for one that is none."""
    from vmgen import resources

    file = resources.folder("docs/errors") / f"{code}.md"
    if not file.is_file():
        raise click.UsageError(f"there is no diagnostic {code}")
    text = file.read_text("utf-8")
    # What is there for the site and for the tests only.
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    text = re.sub(r"^<!--.*?-->\n+", "", text, flags=re.MULTILINE)
    return re.sub(r"\]\([^)]*\)", "]", text)
