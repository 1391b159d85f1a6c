"""What a C file was made from, and whether that is still the same.

Of a header its code counts and the line that each piece of it is in: comments do not, so
that a word more in one costs nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from vmgen.c_text import COMMENT_OR_LITERAL
from vmgen.cache import Cache, Digests

_FORM = "1"
"""That of what counts of a header; a new one makes all digests again."""
_ODD = re.compile(r"\\[ \t\r]*/[*/]|\\[ \t\r]+$|[/*]\\\r?\n", re.MULTILINE)
"""A backslash before a comment, before blanks that end a line, or inside of a mark."""
_SAID = re.compile(r"[^\n]")
_LINE_ENDS = re.compile(r"[ \t]*(?:\n|\Z)")
_BLANKS = re.compile(r"[ \t]+$", re.MULTILINE)
_WHOLE = b"\0"
"""Before a content of which all counts."""


class InputDigests:
    """The hash over the files that a C file was made from.

    ``whole`` are the digests of whole files; headers are remembered from run to run with a
    cache.  ``name`` is the tree's.
    """

    def __init__(
        self, whole: Digests, cache: Cache | None = None, name: str = ""
    ) -> None:
        self._whole = whole
        self._headers = Digests(cache, f"headers {_FORM} {name}", _hash_of_code)

    def digest(self, paths: Iterable[str]) -> str:
        """The hash over what counts of these files, in this order; a file that is not
        there or cannot be read counts as absent."""
        digest = hashlib.sha256()
        for path in paths:
            known = self._headers if path.endswith(".h") else self._whole
            digest.update(known.of(path))
        return digest.hexdigest()

    def keep(self) -> None:
        """Remember the headers that were read, for the next run."""
        self._headers.keep()


_SEEN: Final[dict[bytes, bytes]] = {}
"""The hashes of the code of contents that this process looked at, by theirs."""


def _hash_of_code(content: bytes) -> bytes:
    whole = hashlib.sha256(content).digest()
    if whole not in _SEEN:
        _SEEN[whole] = hashlib.sha256(code_of(content)).digest()
    return _SEEN[whole]


def code_of(content: bytes) -> bytes:
    """A header without what its comments say; every piece of code is where it was.

    A comment that ends a line goes with the blanks before it, of any other one the marks
    and the lines stay.  All of the content counts where a quote or a comment is not closed,
    and where a backslash is in such a place: what a compiler makes of that is its own.
    """
    text = content.decode("utf-8", errors="surrogateescape")
    pieces = []
    last = 0
    for found in COMMENT_OR_LITERAL.finditer(text):
        pieces.append(text[last : found.start()])
        last = found.end()
        if found[0][0] != "/":
            pieces.append(found[0])
            continue
        said = _without_words(found[0], bool(_LINE_ENDS.match(text, last)))
        if said is None:
            return _WHOLE + content
        pieces.append(said)
    pieces.append(text[last:])
    between = pieces[::2]
    if _ODD.search(text) or any('"' in one or "'" in one for one in between):
        return _WHOLE + content
    while pieces and (pieces[-1].isspace() or pieces[-1][:2] in ("", "/*")):
        pieces.pop()
    code = _BLANKS.sub("", "".join(pieces)).rstrip()
    if code.endswith("\\"):
        return _WHOLE + content
    return code.encode("utf-8", errors="surrogateescape")


def _without_words(comment: str, is_last: bool) -> str | None:
    """A comment as it counts, by whether it is the last of its line; None for one that is
    not closed, or that a backslash carries on."""
    if comment[1] == "/":
        return None if "\\" in comment[-2:] or "\n" in comment else ""
    if len(comment) < 4 or not comment.endswith("*/"):
        return None
    if not is_last:
        return f"/*{_SAID.sub(' ', comment[2:-2])}*/"
    lines = comment.count("\n")
    return "/*" + "\n" * lines + "*/" if lines else ""
