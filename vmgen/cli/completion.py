"""``vmgen completion``."""

from __future__ import annotations

from vmgen.cli.arguments import Argument, command
from vmgen.cli.console import Console


@command(
    Argument("shell", "choice", choices=("bash", "zsh", "fish")),
    epilog="""\b
Examples:
  eval "$(vmgen completion bash)"                                   in ~/.bashrc
  eval "$(vmgen completion zsh)"                                    in ~/.zshrc
  vmgen completion fish > ~/.config/fish/completions/vmgen.fish""",
)
def completion(console: Console, *, shell: str) -> int:
    """Print the completion script for a shell."""
    from click.shell_completion import ShellComplete, get_completion_class

    from vmgen.cli.group import cli

    kind = get_completion_class(shell)
    assert kind is not None
    complete = kind(cli, {}, "vmgen", "_VMGEN_COMPLETE")
    # Not kind.source(): for bash that starts a shell to ask for its version.
    console.result(ShellComplete.source(complete))
    return 0
