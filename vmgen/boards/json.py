"""What texts name as JSON values and back."""

from __future__ import annotations

from typing import Any

from vmgen.boards.text import BoardText, ClassText, Mentions


def of_mentions(names: Mentions) -> list[Any]:
    """Names as a JSON value.  Words have no blanks, so that one string has them all."""
    return [
        " ".join(sorted(names.words)),
        sorted(names.literals),
        sorted(names.joined),
        sorted(names.pieces),
    ]


def to_mentions(value: list[Any]) -> Mentions:
    """What :func:`of_mentions` made."""
    words, literals, joined, pieces = value
    return Mentions(
        frozenset(words.split()),
        frozenset(literals),
        frozenset((word, literal) for word, literal in joined),
        frozenset(pieces),
    )


def of_text(text: BoardText) -> list[Any]:
    """What a C file names as a JSON value."""
    return [
        of_mentions(text.names),
        None if text.started is text.names else of_mentions(text.started),
        {name: [*map(of_mentions, found)] for name, found in text.macros.items()},
        text.functions,
        {name: [one.assigned, one.calls] for name, one in text.classes.items()},
        sorted(text.displays),
        sorted(text.objects),
    ]


def to_text(value: list[Any]) -> BoardText:
    """What :func:`of_text` made."""
    names, started, macros, functions, classes, displays, objects = value
    whole = to_mentions(names)
    return BoardText(
        whole,
        whole if started is None else to_mentions(started),
        {name: [*map(to_mentions, found)] for name, found in macros.items()},
        tuple(functions),
        {
            name: ClassText(tuple(assigned), tuple(calls))
            for name, (assigned, calls) in classes.items()
        },
        frozenset(displays),
        frozenset(objects),
    )
