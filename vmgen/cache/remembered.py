"""What was made of files before, each piece for as long as its files are the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from vmgen.cache.digests import Digests
from vmgen.cache.store import Cache


class Remembered:
    """JSON values by name, from run to run with a cache; without one from use to use.

    A value counts for as long as the contents of the files are the same that it was made
    of.  ``name`` tells values of one cache from others: it is a hash over all else that
    decides them.
    """

    def __init__(
        self,
        digests: Digests | None = None,
        cache: Cache | None = None,
        name: str = "",
    ) -> None:
        self._digests = digests or Digests()
        self._cache = cache
        self._name = f"made-1-{name}"  # 1: the form of what is kept
        self._changed = False
        text = None if cache is None else cache.text(self._name)
        self._known: dict[str, tuple[list[str], str, Any]] = json.loads(text or "{}")

    def value(self, name: str) -> Any:
        """The value of this name; None where there is none, or one of other contents."""
        known = self._known.get(name)
        if known is None:
            return None
        inputs, digest, value = known
        return value if self._digests.digest(inputs) == digest else None

    def put(self, name: str, inputs: Iterable[str], value: Any) -> None:
        """Remember a value that was made of these files; a missing file counts
        as such."""
        paths = [*inputs]
        self._known[name] = paths, self._digests.digest(paths), value
        self._changed = True

    def keep(self) -> None:
        """Keep the values for the next run."""
        if self._cache is not None and self._changed:
            self._cache.keep(self._name, json.dumps(self._known))
            self._changed = False
