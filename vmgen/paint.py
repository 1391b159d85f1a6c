"""Colours by meaning: what a piece of text is, not how it looks.

Text that people read is made by functions that take a :data:`Paint`; the command line
decides whether it is :func:`ansi` or :func:`plain`.
"""

from __future__ import annotations

from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

Kind: TypeAlias = """Literal[
    'error', 'warning', 'note', 'hint', 'place', 'name', 'type', 'number', 'faint',
    'heading', 'added', 'removed', 'ok',
]"""

Paint: TypeAlias = "Callable[[Kind, str], str]"

_CODES: dict[Kind, str] = {
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "hint": "36",
    "place": "2",
    "name": "1",
    "type": "36",
    "number": "33",
    "faint": "2",
    "heading": "1;34",
    "added": "32",
    "removed": "31",
    "ok": "32",
}


def plain(kind: Kind, text: str) -> str:
    """The text itself."""
    return text


def ansi(kind: Kind, text: str) -> str:
    """The text in the colour of its kind, as ANSI escapes; empty text stays empty."""
    return f"\033[{_CODES[kind]}m{text}\033[0m" if text else ""
