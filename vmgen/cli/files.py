"""From a job to the changes in the output folder, by the shortest way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from vmgen import cache, write
from vmgen.cache import Cache
from vmgen.cli.console import Console
from vmgen.cli.job import Job, compile_all

if TYPE_CHECKING:
    from vmgen import ir
    from vmgen.pipeline.survey import TreeFiles


def changes(job: Job, console: Console) -> tuple[write.FileChange, ...]:
    """What the output folder lacks.  Nothing is computed where vmgen remembers what it
    generated from exactly these inputs and the folder holds exactly that."""
    from vmgen.stamp import verify

    trees = _trees(job)
    key = _key(job, trees)
    known = _known(key) if key else None
    if known is not None and write.holds(job.output, known, verify):
        return ()
    from vmgen.pipeline import generate

    programs = compile_all(job, console, trees[0] if trees else None)
    if console.warned:
        key = ""  # to be said again
    meaning = ""
    if job.whole:
        # A tree that means what it meant is quick to read; its Python takes longer.
        meaning = _key_of(programs)
        known = _known(meaning)
        if known is not None and write.holds(job.output, known, verify):
            if key:
                _keep(key, known)
            return ()
    with console.working():
        console.progress("writing Python")
        files = generate(
            programs,
            console.progress,
            together=job.whole,
            formats=job.requests[0].formats,
        )
    if any(program.unread for program in programs):
        key = meaning = ""  # what is missing is to be said again
    for each in filter(None, (key, meaning)):
        _keep(each, {file.path: cache.text_digest(file.text) for file in files})
    return write.plan(job.output, files, verify)


def _known(key: str) -> dict[str, str] | None:
    """The sha256 of each file's text by path, as generated under this key before."""
    text = Cache.of("output").text(f"{key}.json")
    if text is None:
        return None
    digests: dict[str, str] = json.loads(text)
    return digests


def _keep(key: str, digests: Mapping[str, str]) -> None:
    kept = Cache.of("output")
    kept.keep(f"{key}.json", json.dumps(digests, indent=0, sort_keys=True))
    kept.forget_old()


def _trees(job: Job) -> tuple[TreeFiles, ...]:
    """The files of the trees that are read completely."""
    if not job.whole or job.release:
        return ()
    from vmgen.pipeline.survey import TreeFiles

    roots = {request.qemu.resolve() for request in job.requests if request.qemu}
    return tuple(TreeFiles(root) for root in sorted(roots))


def _key(job: Job, trees: Sequence[TreeFiles]) -> str:
    """The cache key; empty where it cannot cover what is read."""
    from vmgen import resources

    folders = [resources.folder("templates"), resources.package()]
    if job.release:
        from vmgen.cli import shipped

        content = shipped.of(job.release).archive.content
        return cache.key("\0".join((job.release, content, repr(job.requests))), folders)
    if job.embedded:
        folders.insert(0, resources.folder("c_headers"))
        return cache.key(repr(job.requests), folders)
    if not trees or any(request.build for request in job.requests):
        return ""  # headers of the machine, or quicker read than hashed
    contents = [tree.everything() for tree in trees]
    return cache.key("\0".join((repr(job.requests), *contents)), folders)


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
    return cache.key(digest.hexdigest(), folders)


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
