"""The wire history: what each release changed in what it saves, made from the archive when
the site is built (``website.hooks``), so that it is never out of date.

A page has the files of one folder of QEMU's C; a table of a file, its rows are the changes
of its descriptions, release by release.  ``python -m website.history FOLDER`` writes the
pages somewhere to be looked at.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from vmgen import archive
from vmgen.archive import Archive

FOLDER = "wire-history"
"""Where the pages are, below ``docs/``."""

MOST = 200_000
"""Characters of a page: a folder that has more goes on, on another one."""

UNREAD = "not known: vmgen has not read all of the file in this release, or in the one before"
"""What is said where a comparison would be wrong."""

Modules: TypeAlias = Mapping[str, Mapping[str, str]]
"""The text of each module by file and target."""


@dataclass(slots=True)
class FileHistory:
    """What became of one C file: by release and change the targets that saw it.

    ``file`` is its place in the newest release that has it, ``first`` the release that has
    it first, ``targets`` are all that ever had it, ``names`` the wire names of its
    descriptions.
    """

    file: str
    first: str
    targets: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    changes: dict[tuple[str, str], set[str]] = field(default_factory=dict)


def histories(there: Archive) -> list[FileHistory]:
    """The history of every file of an archive, sorted by file."""
    found: dict[str, FileHistory] = {}
    before: Modules = {}
    targets: set[str] = set()
    unread: set[tuple[str, str]] = set()
    for snapshot in there.snapshots():
        now: dict[str, dict[str, str]] = {}
        for entry in snapshot.entries:
            if entry.kind == "module":
                now.setdefault(entry.name, {}).update(
                    dict.fromkeys(entry.targets, entry.text)
                )
        lacking = {
            (entry.name, target)
            for entry in snapshot.entries
            if entry.kind == "unread"
            for target in entry.targets
        }
        moves = _moves(before, now)
        both = targets & set(snapshot.targets)
        gone = {one for one in before if one not in now} - set(moves.values())
        for file in [*now, *gone]:
            old = before.get(moves.get(file, file), {})
            history = found.get(moves.get(file, file))
            if history is None:
                history = FileHistory(file, snapshot.release)
            elif file in moves:
                del found[moves[file]]
            found[file] = history
            for target, text in now.get(file, {}).items():
                history.targets.add(target)
                history.names.update(_names(text))
            history.file = file
            for target in sorted(both):
                was = (moves.get(file, file), target) in unread
                if was or (file, target) in lacking:
                    change = (snapshot.release, UNREAD)
                    history.changes.setdefault(change, set()).add(target)
                    continue
                lines = _changed(old.get(target), now.get(file, {}).get(target))
                if file in moves and target in old:
                    lines = (f"moved from {code(moves[file])}", *lines)
                for line in lines:
                    change = (snapshot.release, line)
                    history.changes.setdefault(change, set()).add(target)
        before, targets, unread = now, set(snapshot.targets), lacking
    return sorted(found.values(), key=lambda one: one.file)


def _moves(before: Modules, now: Modules) -> dict[str, str]:
    """The former place of each file that is in another folder: one that came under the
    name of one that went."""
    gone = _by_base(one for one in before if one not in now)
    came = _by_base(one for one in now if one not in before)
    return {
        files[0]: gone[name][0]
        for name, files in came.items()
        if len(files) == 1 and len(gone.get(name, ())) == 1
    }


def _by_base(files: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in files:
        found.setdefault(PurePosixPath(one).name, []).append(one)
    return found


@lru_cache(maxsize=4096)
def _names(text: str) -> tuple[str, ...]:
    return tuple(
        one["name"] for one in json.loads(text)["descriptions"] if one.get("name")
    )


@lru_cache(maxsize=65536)
def _changed(old: str | None, new: str | None) -> tuple[str, ...]:
    """What is said of a file that one release has as ``old`` and the next as ``new``."""
    if old == new:
        return ()
    if old is None or new is None:
        return ("the binary does not have it any more" if new is None else "came",)
    ours, theirs = _descriptions(old), _descriptions(new)
    return tuple(
        f"{code(symbol)}: {line}"
        for symbol in dict.fromkeys([*theirs, *ours])
        for line in _between(ours.get(symbol), theirs.get(symbol))
    )


def _descriptions(text: str) -> dict[str, dict[str, Any]]:
    return {one["symbol"]: one for one in json.loads(text)["descriptions"]}


def _between(old: dict[str, Any] | None, new: dict[str, Any] | None) -> Iterator[str]:
    if old is None or new is None:
        one = new or old
        assert one is not None
        word = "new" if old is None else "gone"
        yield f"{word}, version {one['version_id']}, {len(one['fields'])} fields"
        return
    for member, word in (
        ("name", "called"),
        ("version_id", "version"),
        ("minimum_version_id", "loads from version"),
        ("unmigratable", "unmigratable"),
        ("needed", "there if"),
    ):
        one, other = old.get(member, ""), new.get(member, "")
        if one != other:
            yield f"{word} {code(one)}, now {code(other)}"
    gone = [
        one
        for one in old.get("subsections", ())
        if one not in new.get("subsections", ())
    ]
    came = [
        one
        for one in new.get("subsections", ())
        if one not in old.get("subsections", ())
    ]
    for word, symbols in (("without", gone), ("with", came)):
        if symbols:
            yield f"{word} the subsection {', '.join(map(code, symbols))}"
    yield from _fields(old["fields"], new["fields"])


def _fields(
    old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]
) -> Iterator[str]:
    ours, theirs = _by_name(old), _by_name(new)
    for key, one in theirs.items():
        if key not in ours:
            yield f"field {_worded(one)} came"
        elif (was := _worded(ours[key])) != (now := _worded(one)):
            yield f"field {was}, now {now}"
    for key, one in ours.items():
        if key not in theirs:
            yield f"field {_worded(one)} went"
    kept = [key for key in theirs if key in ours]
    if kept != [key for key in ours if key in theirs]:
        yield "the fields have another order"


def _by_name(fields: Iterable[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any]]:
    """The fields by wire name, those of one name by their number too."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for one in fields:
        number = 0
        while (one["name"], number) in found:
            number += 1
        found[one["name"], number] = one
    return found


def _worded(one: dict[str, Any]) -> str:
    """What of a field is on the wire."""
    element = one["element"]
    kind = element["is"]
    words = [element.get("type") if kind == "int" else kind]
    words += [element[name] for name in ("check", "description") if element.get(name)]
    if kind != "int" and element.get("info"):
        words.append(element["info"])
    if kind in ("buffer", "unused", "bitmap"):
        words.append(f"of {_amount(one['size'])}")
    text = f"{code(one['name'])} ({' '.join(map(str, words))}"
    if one.get("array"):
        text += f", {_amount(one.get('count', 1))} times"
    if one.get("version_id"):
        text += f", since version {one['version_id']}"
    if one.get("test"):
        text += f", if {code(one['test'])}"
    return f"{text})"


def _amount(amount: Any) -> str:
    if isinstance(amount, int):
        return str(amount)
    if "value" in amount:
        return "a computed number"
    path = ".".join(step[0] for step in amount["path"])
    times = amount.get("multiply", 1)
    return code(path if times == 1 else f"{times} * {path}")


def code(value: object) -> str:
    """A value as Markdown's code, in a row of a table."""
    text = str(value).replace("`", "'").replace("|", "/").replace("\n", " ")
    return f"`{text}`" if text else "nothing"


# --- pages ------------------------------------------------------------------------------


def page_of(file: str) -> str:
    """The page of a file: that of its folder (``hw/net``)."""
    return "-".join(PurePosixPath(file).parts[:-1][:2]) or "top"


def pages(there: Archive) -> dict[str, str]:
    """The text of each page by its path below ``docs/``."""
    known = [one.name for one in there.releases]
    folders: dict[str, list[FileHistory]] = {}
    for one in histories(there):
        folders.setdefault(page_of(one.file), []).append(one)
    made: dict[str, str] = {}
    rows = []
    for name, files in sorted(folders.items()):
        changed = [one for one in files if one.changes]
        for number, part in enumerate(_parts(files, known), 1):
            page = f"{name}-{number}" if number > 1 else name
            title = f"Wire history: {name.replace('-', '/', 1)}"
            title += f" ({number})" if number > 1 else ""
            made[f"{FOLDER}/{page}.md"] = f"# {title}\n\n{part}"
            rows.append(
                f"| [{page.replace('-', '/', 1)}]({page}.md) | {len(files)} | {len(changed)} |"
            )
    head = (
        "# Wire history\n\n"
        f"What QEMU changed in what it saves, from {known[0]} to {known[-1]}, in every release that"
        " vmgen ships: fields, versions and subsections, per C file, with the targets that saw it."
        " Made from the archive. `vmgen diff` says what a change means for a stream.\n\n"
        f"Releases: {', '.join(known)}.\n\n| folder | files | of these changed |\n|---|---|---|\n"
    )
    made[f"{FOLDER}/index.md"] = head + "\n".join(rows) + "\n"
    return made


def _parts(files: Sequence[FileHistory], known: Sequence[str]) -> Iterator[str]:
    """The text of a folder, in parts that are not too large."""
    size = 0
    part: list[str] = []
    quiet = [one for one in files if not one.changes]
    texts = [_file(one, known) for one in files if one.changes]
    if quiet:
        names = "\n".join(
            f"- {code(one.file)} since {one.first}: {', '.join(map(code, sorted(one.names))) or 'no sections'}"
            for one in quiet
        )
        texts.append(f"## Unchanged\n\n{names}\n")
    for text in texts:
        if part and size + len(text) > MOST:
            yield "\n".join(part)
            size, part = 0, []
        size += len(text)
        part.append(text)
    yield "\n".join(part)


def _file(one: FileHistory, known: Sequence[str]) -> str:
    names = ", ".join(map(code, sorted(one.names)))
    lines = [
        f"## {one.file}",
        "",
        f"{names or 'No sections.'}",
        "",
        "| release | what | targets |",
        "|---|---|---|",
    ]
    order = {name: number for number, name in enumerate(known)}
    for (release, what), targets in sorted(
        one.changes.items(), key=lambda item: -order[item[0][0]]
    ):
        seen = "all" if targets == one.targets else ", ".join(sorted(targets))
        lines.append(f"| {release} | {what} | {seen} |")
    return "\n".join([*lines, ""])


def main(words: Sequence[str]) -> None:
    """Writes the pages into a folder."""
    there = archive.shipped()
    assert there is not None, "there is no archive"
    for name, text in pages(there).items():
        place = Path(words[0]) / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
