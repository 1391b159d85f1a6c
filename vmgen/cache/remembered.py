"""What was made of files before, each piece for as long as its files are the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

from vmgen.cache.digests import Digests
from vmgen.cache.store import Cache

Make: TypeAlias = Callable[[str], tuple[Iterable[str], Any]]
"""What makes the value of a name: the paths of the files that it is made of, and it."""
Each: TypeAlias = Callable[..., Iterable[Any]]
"""What calls a function with each of some arguments and has the results in their order."""
_BATCH = 64
"""Values that one process makes in a row."""


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

    def of(
        self, names: Iterable[str], make: Make, each: Each = map
    ) -> Iterator[tuple[str, Any]]:
        """The names with their values, in this order.  What is missing is made, and kept
        for the next run.

        ``each`` calls ``make`` for many: it is ``map``, or that of other processes.
        """
        names = [*names]
        fresh = [name for name in names if self.value(name) is None]
        batches = [fresh[at : at + _BATCH] for at in range(0, len(fresh), _BATCH)]
        for batch in each(partial(_made, make), batches):
            for name, (inputs, value) in batch:
                self.put(name, inputs, value)
        self.keep()
        for name in names:
            yield name, self._known[name][2]

    def keep(self) -> None:
        """Keep the values for the next run."""
        if self._cache is not None and self._changed:
            self._cache.keep(self._name, json.dumps(self._known))
            self._changed = False


def _made(make: Make, names: Sequence[str]) -> list[tuple[str, tuple[list[str], Any]]]:
    found = []
    for name in names:
        inputs, value = make(name)
        found.append((name, ([*inputs], value)))
    return found
