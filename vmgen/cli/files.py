"""From a job to the changes in the output folder, by the shortest way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from vmgen import write
from vmgen.cache import text_digest
from vmgen.cache.keys import key as key_of
from vmgen.cli.sources import Sources, remember, remembered

if TYPE_CHECKING:
    from vmgen import ir


def changes(sources: Sources) -> tuple[write.FileChange, ...]:
    """What the output folder lacks.  Nothing is computed where vmgen remembers what it
    generated from exactly these inputs and the folder holds exactly that."""
    from vmgen.stamp import verify

    job, console = sources.job, sources.console
    known = remembered(sources.key)
    if known is not None and write.holds(job.output, known, verify):
        return ()
    from vmgen.pipeline import generate

    programs = sources.programs
    key = sources.key if sources.all_said else ""
    meaning = ""
    if job.whole and not any(program.unread for program in programs):
        # A tree that means what it meant is quick to read; its Python takes longer.
        meaning = _key_of(programs)
        known = remembered(meaning)
        if known is not None and write.holds(job.output, known, verify):
            remember(key, known)
            return ()
    with console.working():
        console.progress("writing Python")
        files = generate(
            programs,
            console.progress,
            together=job.whole,
            formats=job.requests[0].formats,
        )
    digests = {file.path: text_digest(file.text) for file in files}
    for each in (key, meaning):
        remember(each, digests)
    return write.plan(job.output, files, verify)


def _key_of(programs: Iterable[ir.Program]) -> str:
    """The cache key of what is generated for these programs."""
    import hashlib

    from vmgen import resources

    # Most modules are the same object in the programs of many targets.
    digests: dict[int, str] = {}
    digest = hashlib.sha256()
    for program in programs:
        digest.update(f"{program.release}\0{program.target}\0".encode())
        for module in program.modules:
            known = digests.get(id(module))
            if known is None:
                known = hashlib.sha256(repr(module).encode()).hexdigest()
                digests[id(module)] = known
            digest.update(known.encode())
        digest.update(repr(program.roots).encode())
    folders = [resources.folder("templates"), resources.package()]
    return key_of(digest.hexdigest(), folders)


def summary(changes: Iterable[write.FileChange], new: str = "new") -> str:
    """``3 new, 1 changed, 2 no longer belonging``; ``new`` is the word for files that are
    not there yet."""
    words = {"create": new, "update": "changed", "orphan": "no longer belonging"}
    counts = dict.fromkeys(words, 0)
    for change in changes:
        if change.kind in counts:
            counts[change.kind] += 1
    return ", ".join(
        f"{counts[kind]} {word}" for kind, word in words.items() if counts[kind]
    )


def grouped(changes: Iterable[write.FileChange]) -> Iterator[tuple[str, str]]:
    """What is wrong with each file and its path; a folder of one kind as one."""
    folders: dict[str, list[tuple[str, str]]] = {}
    for change in changes:
        folder = change.path.rpartition("/")[0].partition("/")[0]
        folders.setdefault(folder, []).append((verdict(change), change.path))
    for folder, items in folders.items():
        verdicts = {found for found, _ in items}
        if folder and len(items) > 3 and len(verdicts) == 1:
            yield verdicts.pop(), f"{folder}/ ({len(items)} files)"
        else:
            yield from items


def verdict(change: write.FileChange) -> str:
    """``missing``, ``changed`` or ``no longer belongs``, and whose text is there."""
    words = {"create": "missing", "update": "changed", "orphan": "no longer belongs"}
    owner = {
        "intact": "",
        "edited": ", edited by hand",
        "foreign": ", not written by vmgen",
    }
    return words[change.kind] + owner[change.origin]
