"""Breaks long lines the way black does, so that black finds nothing to do.

Black formats a text a second time whenever its first pass changed anything, and is the
slow step of generation.  What this module gets wrong, black still puts right; it only
takes longer.  Input is Python source with every statement on one line.
"""

from __future__ import annotations

from collections.abc import Iterator

WIDTH = 88
_STARTS = ("def ", "class ")
_PAIRS = {")": "(", "]": "[", "}": "{"}


def wrap(text: str) -> str:
    """The text with every line that is too long broken at its brackets, and with black's
    blank lines."""
    lines = [piece for line in text.split("\n") for piece in _wrapped(line)]
    return "\n".join(_spaced(lines)) + "\n"


def _spaced(lines: list[str]) -> Iterator[str]:
    """Two blank lines around functions and classes, none at the head of a block."""
    blanks, last, block = 0, "", False
    for at, line in enumerate(lines):
        if not line.strip():
            blanks += 1
            continue
        keep = min(blanks, 1)
        if line[0] not in " )]}":
            starts = line.startswith(_STARTS)
            if last.startswith("#") and not blanks:
                keep = 0  # a comment belongs to what it stands before
            elif block or _first(lines, at).startswith(_STARTS):
                keep = 2
            block = starts
        elif last.endswith(":"):
            keep = 0
        if last:
            yield from [""] * keep
        yield line
        blanks, last = 0, line


def _first(lines: list[str], at: int) -> str:
    """The line, or what is below the comment that it begins."""
    while at + 1 < len(lines) and lines[at].startswith("#"):
        at += 1
    return lines[at]


def _wrapped(line: str) -> Iterator[str]:
    code = line.lstrip(" ")
    if not code or code[0] in "#\"'" or (len(line) <= WIDTH and ", )" not in line):
        yield line
        return
    yield from _break(code, len(line) - len(code))


def _break(code: str, indent: int) -> Iterator[str]:
    """One statement or item as lines."""
    magic = ", )" in code
    margin = " " * indent
    if not magic and indent + len(code) <= WIDTH:
        yield margin + code
        return
    spans, comment = _scan(code)
    if magic and code.startswith("("):
        chosen = min(spans, default=None)  # an assignment to a tuple
    elif code.startswith("def "):
        chosen = min(spans, default=None)
    else:
        chosen = max(spans, key=lambda span: span[1], default=None)
    if chosen is None or chosen[0] + 1 == chosen[1]:
        name, equals, value = code.partition(" = ")
        if equals and value.startswith('"') and len(value) + indent + 4 <= WIDTH:
            yield from (f"{margin}{name} = (", f"{margin}    {value}", f"{margin})")
        else:
            yield margin + code
        return
    start, end = chosen
    body = code[start + 1 : end].strip()
    if _shows(code, start) and len(_items(body)) > 1:
        body = f"{body.rstrip(',')},"
    yield margin + code[: start + 1]
    yield from _body(body, indent + 4)
    rest = code[end:comment].rstrip() + (
        "  " + code[comment:] if code[comment:] else ""
    )
    if indent + len(rest) <= WIDTH:
        yield margin + rest
        return
    first, *others = _break(rest[1:].strip(), indent)
    yield f"{margin}{rest[0]} {first.strip()}"
    yield from others


def _shows(code: str, start: int) -> bool:
    """Whether a bracket makes a tuple, list or dict: black puts one item on a line."""
    before = code[:start].rstrip()
    return not before or not (before[-1].isalnum() or before[-1] in "_)]")


def _body(body: str, indent: int) -> Iterator[str]:
    """What is between brackets: on one line if it fits, else one item a line."""
    margin = " " * indent
    magic = body.endswith(",")
    if not magic and ", )" not in body and indent + len(body) <= WIDTH:
        yield margin + body
        return
    items = _items(body)
    if len(items) > 1 or magic:
        for item in items:
            yield from _break(f"{item},", indent)
        return
    loop = _find_loop(body)
    if loop:
        yield from _break(body[:loop].rstrip(), indent)
        yield margin + body[loop:]
        return
    yield from _break(body, indent)


def _scan(code: str) -> tuple[list[tuple[int, int]], int]:
    """The outermost pairs of brackets, and where a trailing comment starts."""
    spans: list[tuple[int, int]] = []
    opened: list[int] = []
    for at, char in _plain(code):
        if char in "([{":
            opened.append(at)
        elif char in _PAIRS:
            start = opened.pop()
            if not opened:
                spans.append((start, at))
        elif char == "#":
            return spans, at
    return spans, len(code)


def _plain(code: str) -> Iterator[tuple[int, str]]:
    """The characters of the code that are outside strings."""
    at = 0
    while at < len(code):
        char = code[at]
        if char in "\"'":
            at += 1
            while at < len(code) and code[at] != char:
                at += 2 if code[at] == "\\" else 1
        else:
            yield at, char
        at += 1


def _items(body: str) -> list[str]:
    """The body split at its outermost commas."""
    items, depth, start = [], 0, 0
    for at, char in _plain(body):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and not depth:
            items.append(body[start:at].strip())
            start = at + 1
    items.append(body[start:].strip())
    return [item for item in items if item]


def _find_loop(body: str) -> int:
    """Where the ``for`` of a comprehension starts, 0 if it is none."""
    depth = 0
    for at, char in _plain(body):
        depth += (char in "([{") - (char in ")]}")
        if not depth and body.startswith(" for ", at):
            return at + 1
    return 0
