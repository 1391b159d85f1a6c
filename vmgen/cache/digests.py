"""The sha256 of files' contents, remembered from run to run."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable

from vmgen.cache.hashes import hashed
from vmgen.cache.store import Cache

SETTLED = 2.0
"""Seconds after which the next change of a file shows in its times on every file system."""


def stamp(status: os.stat_result) -> str:
    """What no change of a file's content leaves as it was: device, inode, size, and the
    times of change of content and of status.  No user can set the last one."""
    return (
        f"{status.st_dev} {status.st_ino} {status.st_size}"
        f" {status.st_mtime_ns} {status.st_ctime_ns}"
    )


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


class Digests:
    """The sha256 of files' contents, each file read once.

    With a cache, a digest is also remembered from run to run: under the file's path, for
    as long as its :func:`stamp` is the same, so a new content never hides.  A file that
    changed within the last two seconds is not remembered.
    """

    def __init__(
        self,
        cache: Cache | None = None,
        name: str = "",
        hash_of: Callable[[bytes], bytes] = _sha256,
    ) -> None:
        """``name`` tells digests of one cache from others; ``hash_of`` is the hash of a
        content."""
        self._cache = cache
        self._hash_of = hash_of
        self._name = f"digests-1-{hashed((name,))}"  # 1: the form of what is kept
        self._known: dict[str, bytes] = {}
        self._kept: dict[str, tuple[str, str]] = {}
        self._changed = False
        text = None if cache is None else cache.text(self._name)
        if text is not None:
            kept: dict[str, tuple[str, str]] = json.loads(text)
            self._kept = kept

    def digest(self, paths: Iterable[str]) -> str:
        """The hash over the contents of these files, in this order; a file that is not
        there or cannot be read counts as absent."""
        digest = hashlib.sha256()
        for path in paths:
            digest.update(self.of(path))
        return digest.hexdigest()

    def keep(self) -> None:
        """Remember what was read, for the next run."""
        if self._cache is not None and self._changed:
            self._cache.keep(self._name, json.dumps(self._kept))
            self._changed = False

    def of(self, path: str) -> bytes:
        """The hash of one file; ``absent`` for one that is missing or unreadable."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = (
                self._read(path) if self._cache is None else self._remembered(path)
            )
        return known

    def _read(self, path: str) -> bytes:
        try:
            with open(path, "rb") as stream:
                return self._hash_of(stream.read())
        except OSError:
            return b"absent"

    def _remembered(self, path: str) -> bytes:
        try:
            status = os.stat(path)
        except OSError:
            return b"absent"
        now = stamp(status)
        before = self._kept.get(path)
        if before is not None and before[0] == now:
            return bytes.fromhex(before[1])
        found = self._read(path)
        settled = time.time() - max(status.st_mtime, status.st_ctime) > SETTLED
        if settled and found != b"absent":
            self._kept[path] = (now, found.hex())
            self._changed = True
        return found
