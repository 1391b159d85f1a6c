"""``vmgen cache``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from vmgen.cli.arguments import Argument, Option, WrongUsage, command, format_option
from vmgen.cli.console import Console
from vmgen.schemas import versioned


@command(
    Argument("action", "choice", choices=("list", "rm")),
    Argument("names", many=True, required=False, metavar="[NAME]..."),
    Option(
        "--all",
        "-a",
        name="everything",
        kind="flag",
        help="With rm: everything that the cache keeps.",
    ),
    format_option("With list: how to print it."),
    epilog="""\b
Examples:
  vmgen cache list
  vmgen cache rm codecs/5d41402a     the codecs of one tree, by part of the name
  vmgen cache rm modules shipped     everything of a kind
  vmgen cache rm --all

\b
The folder is VMGEN_CACHE_DIR, or 'vmgen' in XDG_CACHE_HOME or ~/.cache.  vmgen
removes what was not used for a month, and makes again what it needs.""",
)
def cache(
    console: Console,
    /,
    *,
    action: str,
    names: tuple[str, ...],
    everything: bool,
    form: str,
) -> int:
    """List what vmgen keeps between its runs, or remove it.

    Each entry has its name, what it is of, its size and the days since it was used.
    """
    from vmgen.cache.entries import KINDS, entries, remove
    from vmgen.source import Diagnostic, VmgenError

    known = list(entries())
    if action == "list":
        if names or everything:
            raise WrongUsage("list shows everything: it takes no names")
        rows = [
            {
                "name": one.name,
                "of": _of(one.place) or KINDS[one.name.partition("/")[0]],
                "files": one.files,
                "size": one.size,
                "days": int(max(0.0, time.time() - one.used) / 86400),
            }
            for one in known
        ]
        if form == "json":
            document = versioned("cache-list", {"entries": rows})
            console.result(json.dumps(document, indent=2) + "\n")
        else:
            console.result("".join(_table(rows)))
        return 0
    if bool(names) == everything:
        raise WrongUsage("say what to remove: names of 'vmgen cache list', or --all")
    chosen = known if everything else []
    for name in names:
        found = [
            one
            for one in known
            if one.name.partition("/")[0] == name
            or ("/" in name and one.name.startswith(name))
        ]
        if not found and name not in KINDS:
            raise VmgenError(
                Diagnostic(
                    "VG647",
                    f"the cache keeps nothing called '{name}'",
                    hint="'vmgen cache list' has the names",
                )
            )
        chosen += [one for one in found if one not in chosen]
    for one in chosen:
        remove(one)
    size = _size(sum(one.size for one in chosen))
    files = sum(one.files for one in chosen)
    console.message(f"removed {files} files, {size}")
    return 0


def _of(package: Path) -> str:
    """Releases and targets of a package, and the tree that it was made from; empty for
    other entries."""
    from vmgen.cli.stream.made import provenance, releases_of

    found: dict[str, list[str]] = {}
    for target, release in releases_of(package):
        found.setdefault(release, []).append(target)
    parts = [f"{release} {', '.join(targets)}" for release, targets in found.items()]
    if (source := provenance(package)) is not None and source.tree:
        parts.append(f"tree {source.tree} {source.content[:12]}")
    return "; ".join(parts)


def _table(rows: Iterable[Mapping[str, object]]) -> Iterable[str]:
    for row in rows:
        size = _size(int(str(row["size"])))
        yield f"{row['name']!s:31}  {size:>8}  {row['days']!s:>3} days  {row['of']}\n"


def _size(size: int) -> str:
    """``1.5 MB``."""
    if size < 1000:
        return f"{size} B"
    if size < 1_000_000:
        return f"{size / 1000:.1f} kB"
    return f"{size / 1_000_000:.1f} MB"
