"""A unit's text without the lines at which its headers say what they say.

A line more in a header moves all that follows in it; what the units mean that include it
stays.  Two texts that differ in nothing else are the same without these lines.
"""

from __future__ import annotations

import re
from itertools import pairwise

from vmgen.cache.hashes import hashed, text_digest

_OF_HEADER = re.compile(
    r'# (?<=\n# )\d+ (?P<file>"[^"\n]*\.h")(?P<flags>[^\n]*\n)(?P<code>(?:(?!# \d)[^\n]*\n)*)'
)
"""A line marker of a header, and what follows up to the next marker.  The flags of a marker
say that a file is entered or left."""
_EMPTY_LINES = re.compile(r"^\s*\n", re.MULTILINE)
_CUT = re.compile(r'\n(?=# \d+ "[^"\n]*" [12]\b)')
"""The end of a line in front of the marker of a file that is entered or left."""
_PLACE = re.compile(r'("[^"\n]*\.h"), \d+')
"""``__FILE__, __LINE__``"""


def digest_without_header_lines(text: str) -> str:
    """The hash of :func:`without_header_lines`, and of where files are entered and left.

    Most of a unit are the same headers as in every other one: each piece is read once.
    """
    cuts = [0, *(match.end() for match in _CUT.finditer(text)), len(text)]
    return hashed(_of_piece(text[start:end]) for start, end in pairwise(cuts))


def _of_piece(piece: str) -> str:
    own = text_digest(piece)
    known = _pieces.get(own)
    if known is None:
        if len(_pieces) >= _MOST_PIECES:
            _pieces.clear()
        known = _pieces[own] = text_digest(without_header_lines(f"\n{piece}"))
    return known


_MOST_PIECES = 100_000
_pieces: dict[str, str] = {}
"""The hashes without the lines, by those of the pieces as they are."""


def without_header_lines(text: str) -> str:
    """The text without line numbers and empty lines of headers (files ``*.h``).

    The preprocessor writes an empty line for a line without text, and a marker for many.
    """
    return _OF_HEADER.sub(_without_lines, text)


def _without_lines(match: re.Match[str]) -> str:
    file, flags, code = match.groups()
    code = _EMPTY_LINES.sub("", code)
    if file in code:
        code = _PLACE.sub(lambda one: file if one[1] == file else one[0], code)
    return code if flags.isspace() else f"# {file}{flags}{code}"


def names_a_header(text: str) -> bool:
    """Whether anything in the text may be a header's name, and so a place in it."""
    return ".h" in text
