"""What the commands about a guest share: its options, and how it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vmgen.cli.arguments import Option
from vmgen.cli.console import Console
from vmgen.cli.stream.codecs import opened
from vmgen.cli.stream.common import told

if TYPE_CHECKING:
    from vmgen.guest import Guest

MAP = Option(
    "--map",
    many=True,
    metavar="FILE|BLOCK=ADDR[:SIZE[@OFFSET]]",
    help="Where RAM blocks are, for machines that vmgen does not know: what QEMU's"
    " monitor command 'info mtree -f' prints on such a machine, or a block's"
    " guest-physical address.",
)


@contextmanager
def opened_guest(
    file: str, console: Console, map: tuple[str, ...], options: dict[str, Any]
) -> Iterator[Guest]:
    """The guest in a file; errors of the library are diagnostics about the file."""
    from vmgen.guest import Guest

    with told(file), opened(file, console, **options) as stream:
        yield Guest(stream, map)
