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
    patterns too), or ``@LIST``: a file with one of these per line.  Raises OSError for a
    list that cannot be read.
    """
    seen: set[str] = set()
    for name in _all(words):
        if name not in seen:
            seen.add(name)
            yield name


def _all(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if word.startswith("@"):
            with open(word[1:], encoding="utf-8", errors="surrogateescape") as lines:
                yield from _all(line.strip() for line in lines if line.strip())
        elif not _MAGIC & {*word}:
            yield word
        elif "://" in word:
            from fsspec import get_fs_token_paths

            found, _, paths = get_fs_token_paths(word)
            yield from (found.unstrip_protocol(path) for path in sorted(paths))
        else:
            yield from sorted(glob.iglob(word, recursive=True))


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
