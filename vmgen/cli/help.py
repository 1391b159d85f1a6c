"""``vmgen help``."""

from __future__ import annotations

import re

from vmgen.cli.arguments import Argument, WrongUsage, command
from vmgen.cli.console import Console


@command(
    Argument(
        "words",
        many=True,
        required=False,
        metavar="[CODE|COMMAND]",
        completes="command",
    ),
    epilog="""\b
Examples:
  vmgen help VG310            what a diagnostic means, and what to do
  vmgen help stream explain   as 'vmgen stream explain --help'""",
)
def help(console: Console, /, *, words: tuple[str, ...]) -> int:
    """Explain a diagnostic or a command.

    Every diagnostic has a code (VG and three digits) and a page that says what it means, with an example that produces it.
    """
    if len(words) == 1 and re.fullmatch(r"(?i)VG\d+", words[0]):
        console.result(page(words[0].upper()))
        return 0
    from vmgen.cli.clicked import context
    from vmgen.cli.group import cli

    found = context(words, cli)
    if found is None:
        raise WrongUsage(f"there is no command or code '{' '.join(words)}'")
    console.result(found.get_help() + "\n")
    return 0


def page(code: str) -> str:
    """The page of a code as it is read at a terminal; WrongUsage for one that is none."""
    from vmgen import resources

    file = resources.folder("docs/errors") / f"{code}.md"
    if not file.is_file():
        raise WrongUsage(f"there is no diagnostic {code}")
    text = file.read_text("utf-8")
    # What is there for the site and for the tests only.
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    text = re.sub(r"^<!--.*?-->\n+", "", text, flags=re.MULTILINE)
    return re.sub(r"\]\([^)]*\)", "]", text)
