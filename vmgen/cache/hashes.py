"""Hashes of words and texts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping


def hashed(words: Iterable[str], mapping: Mapping[str, str] | None = None) -> str:
    """The sha256 (hexadecimal) of these words in order, and of a mapping's items, sorted."""
    digest = hashlib.sha256()
    for word in words:
        digest.update(word.encode("utf-8", "surrogateescape") + b"\0")
    for key, value in sorted((mapping or {}).items()):
        digest.update(f"{key}\0{value}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def text_digest(text: str) -> str:
    """The sha256 (hexadecimal) of a text, as UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
