"""What two sides of a comparison are: releases, trees, revisions, IR files, locks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vmgen import config
from vmgen.cli.arguments import Argument, Option, WrongUsage
from vmgen.cli.console import Console
from vmgen.cli.job import (
    EMBEDDED_TARGETS,
    Job,
    about_tree,
    below,
    compile_all,
    formats_of,
)
from vmgen.source import Diagnostic, Position, VmgenError

if TYPE_CHECKING:
    from vmgen import ir

WHICH = "say which target to compare, for example --target riscv64"

SIDES = (
    Argument(
        "sources",
        "source",
        many=True,
        required=False,
        metavar="OLD NEW",
        completes="release",
    ),
    Option(
        "--git",
        pair=True,
        metavar="TREE REV..REV",
        help="Compare two revisions of one tree, instead of OLD and NEW.",
    ),
    Option(
        "--target",
        "-t",
        name="targets",
        many=True,
        metavar="TARGET",
        completes="target",
        help="Compare this target. May be repeated.  [default: all that are there]",
    ),
    Option(
        "--all",
        "-a",
        name="whole",
        kind="flag",
        help="Of trees: everything the binaries contain, not the CPU alone.",
    ),
    Option(
        "--preprocessor",
        kind="choice",
        choices=config.PREPROCESSORS,
        default="auto",
        shown=True,
        help="As for 'generate'.",
    ),
)
"""What says which two are compared, in every command that compares two."""

NAMED = """\b
OLD and NEW are each one of:
  8.2          a release that vmgen knows, every device of it ('vmgen releases')
  embedded     the headers that come with vmgen
  TREE         a QEMU source tree, or its name in [tool.vmgen.trees]
  FILE.json    an IR that 'vmgen generate' wrote, or a lock of 'vmgen lock'
  FOLDER       a folder with such files, for instance a generated package
"""
"""What OLD and NEW may be, for the help."""


def programs_of(
    sources: tuple[str, ...],
    git: tuple[str, str] | None,
    targets: tuple[str, ...],
    whole: bool,
    preprocessor: str,
    console: Console,
    processors: bool = False,
) -> tuple[list[tuple[ir.Program, ir.Program]], list[str]]:
    """The two programs of each target, and what the sides are called; with what the
    start-up code of whole trees computes of its ``processors``."""
    if bool(git) == bool(sources) or (sources and len(sources) != 2):
        raise WrongUsage("give OLD and NEW, or --git TREE REV..REV")
    if git:
        found = _revisions(*git, targets, whole, preprocessor, console, processors)
        return found, git[1].split("..")
    old, new = sources
    return _pairs(old, new, targets, whole, preprocessor, console, processors), list(
        sources
    )


def called(names: Sequence[str]) -> tuple[str, str]:
    """What to call the two sides where their releases do not tell them apart: the last
    parts of their names, as many as tell them apart."""
    old, new = map(_folder, names)
    parts = old.split("/"), new.split("/")
    for count in range(1, max(map(len, parts))):
        short = tuple("/".join(one[-count:]) for one in parts)
        if short[0] != short[1] and all(one.strip("./") for one in short):
            return short[0], short[1]
    return ("old", "new") if old == new else (old, new)


def _folder(name: str) -> str:
    """A side's name without a slash at its end; of ``.`` and ``..`` the folder's own."""
    if name.strip("./"):
        return name.rstrip("/")
    return Path(name).resolve().name or name


def folders_of(
    sources: tuple[str, ...], git: tuple[str, str] | None
) -> tuple[str, str]:
    """The folders of either side's tree in the repository, for annotations."""
    return (below(git[0]),) * 2 if git else (below(sources[0]), below(sources[1]))


def say_sources(
    names: Sequence[str],
    pairs: Sequence[tuple[ir.Program, ir.Program]],
    console: Console,
) -> None:
    """Where each side is from, with a hash of what it says on the wire, if their releases
    do not tell them apart: two trees of one VERSION are two."""
    from vmgen import lock
    from vmgen.cache import text_digest

    if all(old.release != new.release for old, new in pairs):
        return
    sides = zip(("old", "new"), names, zip(*pairs, strict=True), strict=True)
    for side, name, programs in sides:
        known = dict.fromkeys(one.release or "no release" for one in programs)
        digest = text_digest(lock.dumps(programs))[:12]
        console.message(f"{side}: {', '.join(known)}, {_kind(name)} {name}, {digest}")


def _kind(source: str) -> str:
    from vmgen import lock
    from vmgen.cli import stored

    path = Path(source)
    if source == "embedded":
        return "headers"
    if not path.exists():
        return "archive"
    if path.is_file():
        return "lock" if lock.is_lock(stored.text_of(path)) else "IR"
    return "tree" if (path / "include" / "migration").is_dir() else "package"


def _revisions(
    tree: str,
    names: str,
    targets: tuple[str, ...],
    whole: bool,
    preprocessor: str,
    console: Console,
    processors: bool,
) -> list[tuple[ir.Program, ir.Program]]:
    """The programs of two revisions of one tree, target by target."""
    from vmgen.pipeline import all_targets
    from vmgen.tree.revisions import Revisions

    old, dots, new = names.partition("..")
    if not dots or not old:
        raise WrongUsage(f"'{names}' is not of the form REV..REV")
    if not (targets or whole):
        raise WrongUsage(WHICH)
    pair = old, new.lstrip(".") or "HEAD"
    with Revisions.of(tree) as revisions:
        wanted = targets
        if not wanted:
            known = [all_targets(revisions.at(name)) for name in pair]
            wanted = tuple(name for name in known[0] if name in known[1])
        sides = []
        for name in pair:
            place = str(revisions.at(name))
            console.progress(f"{name}: reading")
            sides.append(
                _programs(
                    place,
                    None,
                    wanted,
                    whole,
                    preprocessor,
                    console,
                    processors,
                    Path(tree),
                )
            )
    return list(zip(*sides, strict=True))


def _pairs(
    old: str,
    new: str,
    targets: tuple[str, ...],
    whole: bool,
    preprocessor: str,
    console: Console,
    processors: bool,
) -> list[tuple[ir.Program, ir.Program]]:
    """The programs of either side, target by target."""
    stored = stored_of(old), stored_of(new)
    if not whole and None in stored:  # of the other side the CPU alone is read
        stored = _cpu(stored[0]), _cpu(stored[1])
    wanted = targets or _common(*stored)
    if not wanted and "embedded" in (old, new):
        wanted = EMBEDDED_TARGETS
    if not wanted and whole:
        from vmgen.pipeline import all_targets

        known = [all_targets(Path(source)) for source in (old, new)]
        wanted = tuple(name for name in known[0] if name in known[1])
    if not wanted:
        raise WrongUsage(WHICH)
    sides = [
        _programs(source, known, wanted, whole, preprocessor, console, processors)
        for source, known in zip((old, new), stored, strict=True)
    ]
    return list(zip(*sides, strict=True))


def _common(*sides: Mapping[str, ir.Program] | None) -> tuple[str, ...]:
    """The targets of both sides if both are releases; else of those that are stored."""
    from vmgen.cli import shipped

    known = [side for side in sides if side is not None]
    if len(known) == 2 and all(isinstance(one, shipped.Targets) for one in known):
        return tuple(name for name in known[0] if name in known[1])
    return tuple(dict.fromkeys(name for side in known for name in side))


def _cpu(known: Mapping[str, ir.Program] | None) -> Mapping[str, ir.Program] | None:
    """Of a release no more than its CPUs."""
    from vmgen.cli import shipped

    return known.only(shipped.CPU) if isinstance(known, shipped.Targets) else known


def stored_of(source: str) -> Mapping[str, ir.Program] | None:
    """The programs by target of a release, an IR file, a lock or a folder of IR files;
    None for a source that is read from C."""
    from vmgen import lock
    from vmgen.cli import shipped, stored

    path = Path(source)
    if shipped.is_number(source) and not path.exists():
        return shipped.of(source)
    if source == "embedded" or (path / "include" / "migration").is_dir():
        return None
    found: Mapping[str, ir.Program] = {}
    if path.is_file():
        text = stored.text_of(path)
        if lock.is_lock(text):
            return {item.target: item for item in lock.loads(text, path.as_posix())}
        one = stored.program(path)
        found = {one.target: one}
    elif path.is_dir():
        found = stored.programs(path)
    if not found:
        raise VmgenError(
            Diagnostic(
                "VG632",
                "neither a QEMU source tree nor an IR nor a folder with one",
                Position(source),
                hint="for vmgen's own headers say 'embedded'",
            )
        )
    return found


def _programs(
    source: str,
    stored: Mapping[str, ir.Program] | None,
    wanted: Sequence[str],
    whole: bool,
    preprocessor: str,
    console: Console,
    processors: bool,
    of: Path | None = None,
) -> tuple[ir.Program, ...]:
    """The programs of a side; ``of`` is the tree that its folder is a revision of."""
    if stored is not None:
        for target in wanted:
            if target not in stored:
                known = ", ".join(stored)
                message = f"there is no target '{target}' in it"
                raise VmgenError(
                    Diagnostic(
                        "VG633", message, Position(source), hint=f"it has: {known}"
                    )
                )
        return tuple(stored[target] for target in wanted)
    from vmgen.pipeline import Request

    tree = None if source == "embedded" else Path(source)
    settings = config.find(Path.cwd())
    request = Request(
        qemu=tree,
        preprocessor=preprocessor,  # type: ignore[arg-type]
        whole=whole and tree is not None,
        processors=processors and whole and tree is not None,
        formats=formats_of(settings),
    )
    if tree is not None:
        request = about_tree(request, settings.about(of or tree))
    requests = tuple(replace(request, target=target) for target in wanted)
    return compile_all(Job(requests, Path()), console)
