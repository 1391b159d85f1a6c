"""What the commands of ``vmgen stream`` share: arguments, errors as diagnostics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from vmgen.source import Diagnostic, Position, VmgenError

_Function = TypeVar("_Function", bound=Callable[..., Any])

FILE = click.Path(path_type=Path, dir_okay=False, allow_dash=True)


def format_option(function: _Function) -> _Function:
    """``--format text|json``."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How to print it.",
    )(function)


@contextmanager
def told(file: Path | None) -> Iterator[None]:
    """Errors of the library as diagnostics."""
    from vmgen.stream import StreamError

    try:
        yield
    except StreamError as error:
        raise VmgenError(diagnostic(error, file)) from None


def diagnostic(error: Any, file: Path | None) -> Diagnostic:
    """An error of the library as a diagnostic."""
    at = "" if error.offset is None else f" (at byte {error.offset:#x})"
    return Diagnostic(
        error.code,
        f"{error.message}{at}",
        Position("" if file is None else str(file)),
        hint=error.hint,
        context=(error.path,) if error.path else (),
    )
