"""Two revisions of one tree, one after the other in one folder.

The folder is kept in the user's cache, so that the second revision, and the next run,
change the files that differ and nothing else: what was read from all others is known.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vmgen.cache import Cache
from vmgen.source import Diagnostic, Position, VmgenError


class Revisions:
    """One repository's files in a folder of vmgen's own; :meth:`at` changes them."""

    def __init__(self, repository: str, base: Path) -> None:
        self._repository = repository
        self._base = base
        self.tree = base / "tree"

    @staticmethod
    @contextmanager
    def of(repository: str) -> Iterator[Revisions]:
        """The folder of a repository; a temporary one while another run uses it."""
        where = os.path.realpath(repository)
        name = f"git-{hashlib.sha256(where.encode()).hexdigest()[:24]}"
        with Cache.of("trees").alone(name) as base:
            yield Revisions(repository, base)

    def at(self, revision: str) -> Path:
        """The tree as it is in a revision.

        Raises :class:`VmgenError` VG637 for what git does not know.
        """
        commit = self._git(revision, "rev-parse", "--verify", f"{revision}^{{commit}}")
        whole = self._base / "whole"
        if not whole.is_file():  # a run that was interrupted: nothing is sure
            shutil.rmtree(self.tree, ignore_errors=True)
            for name in ("index", "index.lock"):
                (self._base / name).unlink(missing_ok=True)
        self.tree.mkdir(exist_ok=True)
        whole.unlink(missing_ok=True)
        self._git(revision, "read-tree", "--reset", "-u", commit)
        whole.write_text(f"{commit}\n", encoding="ascii")
        return self.tree

    def _git(self, revision: str, *words: str) -> str:
        """Runs git with an index of vmgen's own: the repository stays as it is."""
        place = (f"--work-tree={self.tree}", "-c", "core.autocrlf=false")
        environment = {**os.environ, "GIT_INDEX_FILE": str(self._base / "index")}
        try:
            done = subprocess.run(
                ["git", "-C", self._repository, *place, *words],
                capture_output=True,
                check=False,
                env=environment,
            )
        except OSError as error:
            raise _unknown(self._repository, revision, str(error)) from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise _unknown(
                self._repository, revision, said[-1] if said else "git failed"
            )
        return done.stdout.decode(errors="replace").strip()


def _unknown(repository: str, revision: str, said: str) -> VmgenError:
    return VmgenError(
        Diagnostic(
            "VG637",
            f"git does not give revision '{revision}': {said}",
            Position(repository),
            hint="name a folder that git knows and a revision of it",
        )
    )
