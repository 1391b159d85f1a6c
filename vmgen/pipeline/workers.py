"""How many processes to share work among."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from vmgen.cache import Each


def workers() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def each_of_many(targets: int) -> Iterator[Each]:
    """What calls a function for each of some arguments, in this process for one target,
    which takes less time than to start others."""
    if targets < 2 or workers() < 2:
        yield map
        return
    with ProcessPoolExecutor(workers()) as pool:
        yield pool.map
