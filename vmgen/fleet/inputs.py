"""Which files a fleet is: names, patterns, lists of them; and a file by its URL."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_MAGIC = frozenset("*?[")


def names(words: Iterable[str]) -> Iterator[str]:
    """The files that words mean, each once, in the order of their first mention.

    A word is a file, a pattern (``*``, ``**``, ``?``), a URL of fsspec (``s3://..``,
    patterns too), or ``@LIST``: a file with one of these per line, but for lists.  Raises
    OSError for a list that cannot be read, and ValueError for a list in a list.
    """
    seen: set[str] = set()
    for name in _all(words):
        if name not in seen:
            seen.add(name)
            yield name


def _all(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if word.startswith("@"):
            yield from _all(_listed(word[1:]))
        elif not _MAGIC & {*word}:
            yield word
        elif "://" in word:
            from fsspec import get_fs_token_paths

            found, _, paths = get_fs_token_paths(word)
            yield from (found.unstrip_protocol(path) for path in sorted(paths))
        else:
            yield from sorted(glob.iglob(word, recursive=True))


def _listed(file: str) -> Iterator[str]:
    with open(file, encoding="utf-8", errors="surrogateescape") as lines:
        for line in filter(None, map(str.strip, lines)):
            if line.startswith("@"):
                raise ValueError(f"{file}: {line}: a list names files and no lists")
            yield line


@contextmanager
def local(name: str) -> Iterator[str]:
    """The file's path on this machine: of a URL a copy, which goes at the end.

    Raises OSError, and ValueError or ImportError for a URL that no plug-in of fsspec reads.
    """
    if "://" not in name:
        yield name
        return
    import fsspec

    suffix = os.path.splitext(name)[1][:16]
    with tempfile.NamedTemporaryFile(suffix=suffix) as copy:
        with fsspec.open(name, "rb") as source:
            shutil.copyfileobj(source, copy, 1 << 20)
        copy.flush()
        yield copy.name
