"""``vmgen completion``."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from vmgen.cli.console import Console, console_options


@click.command(
    name="completion",
    epilog="""\b
Examples:
  eval "$(vmgen completion bash)"                                   in ~/.bashrc
  eval "$(vmgen completion zsh)"                                    in ~/.zshrc
  vmgen completion fish > ~/.config/fish/completions/vmgen.fish""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@console_options
@click.pass_obj
def command(console: Console, *, shell: str) -> int:
    """Print the completion script for a shell."""
    from vmgen.cli.group import cli

    kind = get_completion_class(shell)
    assert kind is not None
    complete = kind(cli, {}, "vmgen", "_VMGEN_COMPLETE")
    # Not kind.source(): for bash that starts a shell to ask for its version.
    console.result(ShellComplete.source(complete))
    return 0
