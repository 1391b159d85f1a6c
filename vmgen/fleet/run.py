"""Batches of files on the workers of a Dask cluster.

A batch is tried again where its worker dies.  One that no worker survives, or that fails, is
taken apart: each of its files is a batch of its own, at the end with no other beside it,
and the one that it was is a row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

Work: TypeAlias = Callable[[Sequence[str]], int]
"""Asks about files and keeps the answers; how many rows.  It is sent to workers."""

Lost: TypeAlias = Callable[[str, BaseException], int]
"""Keeps the row of a file of which no worker gives an answer, and why; how many rows."""

TRIES = 2
"""Workers of this machine that may die over a batch, or over one file."""

WAIT = 60
"""Seconds in which a cluster that is there must have a worker."""

AHEAD = 4
"""Batches that wait for each worker."""


@dataclass(frozen=True, slots=True)
class FleetProgress:
    """How far a run is: files and rows until now, of so many files, in so many seconds."""

    files: int
    rows: int
    total: int
    seconds: float

    @property
    def rate(self) -> float:
        """Files a second."""
        return self.files / self.seconds if self.seconds > 0 else 0.0

    @property
    def rest(self) -> float:
        """Seconds that the rest takes at this rate."""
        return (self.total - self.files) / self.rate if self.rate else 0.0


@contextmanager
def cluster(scheduler: str, workers: int, memory: int) -> Iterator[Any]:
    """A client of the cluster at an address (``tcp://...``), or of one that is made here:
    processes on the loopback interface, each with ``memory`` bytes at most.

    Raises OSError where no one answers, or no worker comes.
    """
    import dask
    from distributed import Client, LocalCluster

    if scheduler:
        with Client(scheduler, timeout="10s", set_as_default=False) as client:
            try:
                client.wait_for_workers(1, timeout=WAIT)
            except TimeoutError:
                message = f"{scheduler} has no worker, and none came in {WAIT} s"
                raise TimeoutError(message) from None
            yield client
        return
    settings = {"distributed.scheduler.allowed-failures": TRIES - 1}
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=memory,
            silence_logs=50,
        ) as made,
        Client(made, set_as_default=False) as client,
    ):
        yield client


def run(
    client: Any, files: Sequence[str], work: Work, lost: Lost, size: int
) -> Iterator[FleetProgress]:
    """Ask about all files in batches of ``size``, or of fewer where every worker would not
    have several; says how far it is after each."""
    from distributed import KilledWorker, as_completed

    started = time.monotonic()
    workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
    size = max(1, min(size, len(files) // (AHEAD * workers)))
    waiting = [files[at : at + size] for at in range(0, len(files), size)]
    waiting.reverse()
    suspects: list[Sequence[str]] = []
    last: list[str] = []
    batches: dict[str, Sequence[str]] = {}
    futures = as_completed(loop=client.loop)

    def more() -> None:
        room = AHEAD * max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
        while waiting and len(batches) < room:
            batch = waiting.pop()
            future = client.submit(work, batch, pure=False)
            batches[future.key] = batch
            futures.add(future)
        if suspects and not batches:
            last.append(suspects[-1][0])
            waiting.append(suspects.pop())
            more()

    done = rows = 0
    more()
    for future in futures:
        batch = batches.pop(future.key)
        answer = _answer(future)
        if isinstance(answer, int):
            rows += answer
            done += len(batch)
        elif len(batch) > 1:
            waiting += [(one,) for one in reversed(batch)]
        elif isinstance(answer, KilledWorker) and batch[0] not in last:
            # Perhaps it only waited for the worker: it is tried with no other beside it.
            suspects.append(batch)
        else:
            rows += lost(batch[0], answer)
            done += 1
        future.release()
        more()
        yield FleetProgress(done, rows, len(files), time.monotonic() - started)


def _answer(future: Any) -> int | BaseException:
    """How many rows a batch gave, or why it gave none.

    The answer of a batch that ended goes with the worker that has it: then the batch runs
    again, and may fail as any other.
    """
    from distributed import KilledWorker

    error: BaseException | None = future.exception()
    if error is not None:
        return error
    try:
        return int(future.result())
    except KilledWorker as killed:
        lost: BaseException = killed
        return lost
