"""What a command reads: at most once, and not at all where its result is known.

The result of a job follows from its requests, vmgen and what the files hold.  Under a hash
over these its digests are remembered, for the commands that write or check it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from vmgen.cache import Cache
from vmgen.cache.keys import key as key_of
from vmgen.cli.console import Console
from vmgen.cli.job import Job, compile_all

if TYPE_CHECKING:
    from vmgen import ir
    from vmgen.pipeline.survey import TreeFiles


class Sources:
    """The sources of one job, for one run of a command."""

    def __init__(self, job: Job, console: Console) -> None:
        self.job = job
        self.console = console

    @cached_property
    def programs(self) -> tuple[ir.Program, ...]:
        """The programs of all requests, as :func:`compile_all` reads them."""
        trees = self._trees
        return compile_all(self.job, self.console, trees[0] if trees else None)

    @property
    def all_said(self) -> bool:
        """Whether the programs left nothing to be said, neither now nor the next time."""
        unread = any(program.unread for program in self.programs)
        return not (unread or self.console.warned)

    @cached_property
    def key(self) -> str:
        """The hash over all that the programs follow from; empty where it cannot cover
        what is read."""
        from vmgen import resources

        job = self.job
        folders = [resources.folder("templates"), resources.package()]
        if job.release:
            from vmgen.cli import shipped

            content = shipped.of(job.release).archive.content
            words = (job.release, content, repr(job.requests))
            return key_of("\0".join(words), folders)
        if job.embedded:
            folders.insert(0, resources.folder("c_headers"))
            return key_of(repr(job.requests), folders)
        if not self._trees or any(request.build for request in job.requests):
            return ""  # headers of the machine, or quicker read than hashed
        contents = [tree.everything() for tree in self._trees]
        return key_of("\0".join((repr(job.requests), *contents)), folders)

    @cached_property
    def _trees(self) -> tuple[TreeFiles, ...]:
        """The files of the trees that are read completely."""
        job = self.job
        if not job.whole or job.release:
            return ()
        from vmgen.pipeline.survey import TreeFiles

        roots = {request.qemu.resolve() for request in job.requests if request.qemu}
        return tuple(TreeFiles(root) for root in sorted(roots))


def remembered(key: str) -> dict[str, str] | None:
    """The sha256 of each text by its name, as made under this key before; None where
    nothing is known, or the key is empty."""
    text = Cache.of("output").text(f"{key}.json") if key else None
    if text is None:
        return None
    digests: dict[str, str] = json.loads(text)
    return digests


def remember(key: str, digests: Mapping[str, str]) -> None:
    """Remember the sha256 of each text by its name, unless the key is empty."""
    if key:
        kept = Cache.of("output")
        kept.keep(f"{key}.json", json.dumps(digests, indent=0, sort_keys=True))
        kept.forget_old()
