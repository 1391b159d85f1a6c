"""What reaches the terminal: results on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from vmgen.paint import ansi, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO, TextIO

    from vmgen.paint import Paint
    from vmgen.source import Diagnostic, VmgenError

FORMS = ("text", "json", "github")
"""The forms of diagnostics."""

FORM = "VMGEN_DIAGNOSTICS"
"""The variable of the environment that says which form they have by default."""

_ASCII = str.maketrans({"├": "|", "└": "`", "│": "|", "─": "-", "→": ">", "×": "x"})


class Console:
    """The two streams of one run, and how they are written.

    ``color`` is ``auto`` (a terminal, unless ``NO_COLOR`` is set and not empty or the
    terminal is dumb), ``always`` or ``never``.  ``form`` is that of diagnostics: ``text``,
    ``json`` (everything on stderr is one object per line) or ``github`` (annotations);
    :data:`FORM` in the environment is its default.  ``warned`` says whether there was a
    warning.
    """

    def __init__(self, color: str = "auto") -> None:
        self.color = color
        wanted = os.environ.get(FORM, "")
        self.form = wanted if wanted in FORMS else "text"
        #: The form of the result, as ``--format`` says it; empty where it is not known.
        self.result_form = ""
        #: The errors of the run.
        self.errors: tuple[Diagnostic, ...] = ()
        #: Whether a result was written.
        self.answered = False
        self._progress = ""
        self.warned = False
        self._noted: set[str] = set()
        #: Whether something was left out of the result because it could not be read.
        self.incomplete = False
        #: Another command's line with what the running one was given, and more options,
        #: ``without`` some.
        self.again: Callable[..., str] = lambda name, *_, without=(): f"vmgen {name}"

    @property
    def paint(self) -> Paint:
        """How results are coloured."""
        return self._paint(sys.stdout)

    def _paint(self, stream: TextIO | None) -> Paint:
        if self.color == "auto":
            plain_wanted = (
                os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
            )
            return ansi if _is_terminal(stream) and not plain_wanted else plain
        return ansi if self.color == "always" else plain

    def result(self, text: str) -> None:
        """Write a result.  A reader that has gone (``| head``) changes nothing about
        the verdict, so the run goes on and the rest is dropped.

        Raises :class:`VmgenError` VG623 where standard output cannot be written.
        """
        self.answered |= bool(text)
        out = _out()
        try:
            _write(out, text)
            out.flush()
        except OSError as error:
            unwritten(error)

    def message(self, text: str) -> None:
        """Write a line for people."""
        self._clear()
        if self.form == "json":
            import json

            from vmgen.schemas import versioned

            line = versioned("diagnostic", {"message": text})
            text = json.dumps(line, ensure_ascii=False)
        _say(f"{text}\n")

    def told(self, text: str) -> None:
        """Write lines for people as they are."""
        self._clear()
        _say(text)

    def note(self, text: str) -> None:
        """Write a line for people, once in a run: two files of one release have the same."""
        if text not in self._noted:
            self._noted.add(text)
            self.message(text)

    def diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Write diagnostics, and how many there are if there is more than one."""
        from vmgen import report

        self._clear()
        found = tuple(dict.fromkeys(report.near(one) for one in diagnostics))
        self.warned |= any(one.severity == "warning" for one in found)
        self.failed(found)
        if self.form == self.result_form == "github":
            # The result has the errors, and one annotation is enough.
            found = tuple(one for one in found if one.severity != "error")
        if self.form == "json":
            _say(report.json_lines(found))
        elif self.form == "github":
            _say(report.github(found))
        else:
            _say(report.render(found, self._paint(sys.stderr)))
            if len(found) > 1:
                _say(f"{report.summary(found)}\n")

    def failed(self, found: Iterable[Diagnostic]) -> None:
        """Remember errors, for a result that says them."""
        errors = (one for one in found if one.severity == "error")
        self.errors = tuple(dict.fromkeys((*self.errors, *errors)))

    def errors_as_json(self) -> dict[str, object]:
        """The errors of the run as the member ``errors`` of a document, if there are any."""
        from vmgen import report

        return (
            {"errors": [report.as_json(one) for one in self.errors]}
            if self.errors
            else {}
        )

    def progress(self, text: str) -> None:
        """Show what is being done, on a terminal only, until the next message."""
        if _is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb":
            self._clear()
            self._progress = text[: min(_columns(sys.stderr) - 1, 75)]
            _say(self._progress)
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
            _say(f"\r{' ' * len(self._progress)}\r")
            self._progress = ""


def standard_output() -> BinaryIO:
    """Where results that are no text go; VG623 if it is closed."""
    return _out().buffer


def _out() -> TextIO:
    out: TextIO | None = sys.stdout  # None where it was closed (>&-)
    if out is None:
        raise _unwritable("it is closed")
    return out


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _columns(terminal: TextIO) -> int:
    """How wide it is; 80 for one that does not say."""
    with suppress(OSError):
        return os.get_terminal_size(terminal.fileno()).columns or 80
    return 80


def unwritten(error: OSError) -> None:
    """Drop what standard output does not take: VG623, unless its reader has gone."""
    _drop_the_rest(sys.stdout)
    if not isinstance(error, BrokenPipeError):
        raise _unwritable(error.strerror or type(error).__name__) from None


def _drop_the_rest(stream: TextIO) -> None:
    # Python flushes both streams again at exit: give it somewhere to go.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _unwritable(reason: str) -> VmgenError:
    from vmgen.source import Diagnostic, VmgenError

    return VmgenError(
        Diagnostic("VG623", f"standard output cannot be written: {reason}")
    )


def _say(text: str) -> None:
    """Write to stderr.  Where that cannot be done there is no place to report it, and the
    exit status says the rest."""
    err: TextIO | None = sys.stderr  # None where it was closed (2>&-)
    if err is not None:
        try:
            _write(err, text)
        except OSError:
            _drop_the_rest(err)


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
