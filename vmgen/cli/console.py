"""What reaches the terminal: results on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from vmgen.paint import ansi, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO, TypeVar

    import click

    from vmgen.paint import Paint
    from vmgen.source import Diagnostic

    _Function = TypeVar("_Function", bound=Callable[..., Any])

_ASCII = str.maketrans({"├": "|", "└": "`", "│": "|", "─": "-", "→": ">", "×": "x"})


class Console:
    """The two streams of one run, and whether they are coloured.

    ``color`` is ``auto`` (a terminal, unless ``NO_COLOR`` is set and not empty or the
    terminal is dumb), ``always`` or ``never``.
    """

    def __init__(self, color: str = "auto") -> None:
        self.color = color
        self._progress = ""

    @property
    def paint(self) -> Paint:
        """How results are coloured."""
        return self._paint(sys.stdout)

    def _paint(self, stream: TextIO) -> Paint:
        if self.color == "auto":
            plain_wanted = (
                os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
            )
            return ansi if stream.isatty() and not plain_wanted else plain
        return ansi if self.color == "always" else plain

    def result(self, text: str) -> None:
        """Write a result.  A reader that has gone (``| head``) changes nothing about
        the verdict, so the run goes on and the rest is dropped."""
        try:
            _write(sys.stdout, text)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes stdout once more at exit: give it somewhere to go.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)

    def message(self, text: str) -> None:
        """Write a line for people."""
        self._clear()
        _write(sys.stderr, f"{text}\n")

    def diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Write diagnostics, and how many there are if there is more than one."""
        from vmgen.report import render, summary

        self._clear()
        found = tuple(dict.fromkeys(diagnostics))
        _write(sys.stderr, render(found, self._paint(sys.stderr)))
        if len(found) > 1:
            _write(sys.stderr, f"{summary(found)}\n")

    def progress(self, text: str) -> None:
        """Show what is being done, on a terminal only, until the next message."""
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            self._clear()
            self._progress = text[:75]
            _write(sys.stderr, self._progress)
            sys.stderr.flush()

    @contextmanager
    def working(self) -> Iterator[None]:
        """While long work is done: progress is cleared at the end, however it ends."""
        try:
            yield
        finally:
            self._clear()

    def _clear(self) -> None:
        if self._progress:
            _write(sys.stderr, f"\r{' ' * len(self._progress)}\r")
            self._progress = ""


def color_option(function: _Function) -> _Function:
    """``--color``, accepted before and after the command's name."""
    import click

    def choose(
        ctx: click.Context, parameter: click.Parameter, value: str | None
    ) -> None:
        if value is not None:
            ctx.ensure_object(Console).color = value

    return click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        expose_value=False,
        callback=choose,
        help="Colour the output.  [default: auto: as the terminal and NO_COLOR say]",
    )(function)


def _write(stream: TextIO, text: str) -> None:
    """Write the text; what the stream's encoding lacks as ASCII or as escapes."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = (
            text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
        )
    stream.write(text)
