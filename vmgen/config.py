"""``[tool.vmgen]`` in pyproject.toml.

The nearest pyproject.toml that has the section counts, from the working directory
upwards.  Paths in it are relative to the file; an unknown key or a wrong type is an
error, all of them at once.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from vmgen.source import NOWHERE, Diagnostic, Position, VmgenError

PREPROCESSORS = ("auto", "cc", "pcpp")


@dataclass(frozen=True, slots=True)
class FormatEntry:
    """An entry of ``[tool.vmgen.formats]``: what the info with the C ``symbol`` moves, in
    every ``file`` that names it or in that one only.

    ``line`` is its grammar; or ``load`` and ``save`` are Python functions that read and
    write it, each ``MODULE:FUNCTION``.  ``get`` and ``put`` are what the two C functions move where
    the entry holds, as warnings of opaque infos say it; empty for whatever they move.
    """

    symbol: str
    line: str = ""
    file: str = ""
    get: str = ""
    put: str = ""
    load: str = ""
    save: str = ""
    position: Position = NOWHERE
    excerpt: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class LintEntry:
    """``[tool.vmgen.lint]``: codes, or their beginnings, of rules that ``vmgen lint`` has
    alone, and of those that it does not have."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """The section; what it leaves out is empty or None.

    ``file`` is the pyproject.toml it was read from, None if there is none.  ``inputs``
    are C files: inside the tree (or the embedded headers) relative to it, otherwise
    paths.  ``qemu`` is a source tree, ``build`` a configured build folder of it.
    ``defines`` are as for ``cc -D``, ``options`` as for ``--option``.  ``formats`` say
    what custom infos move, ``trees`` are source trees by the names that they have here.
    ``baselines`` are wire formats that were shipped, by name: a
    lock, or a release's number.  ``accepted`` is a file of findings that pass, ``lint``
    the rules of ``vmgen lint``.
    """

    file: Path | None = None
    inputs: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    output: Path | None = None
    qemu: Path | None = None
    build: Path | None = None
    include_dirs: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    shims: tuple[Path, ...] = ()
    options: tuple[str, ...] = ()
    preprocessor: str = ""
    formats: tuple[FormatEntry, ...] = ()
    trees: tuple[tuple[str, Path], ...] = ()
    baselines: tuple[tuple[str, str], ...] = ()
    accepted: Path | None = None
    lint: LintEntry = LintEntry()

    def about(self, tree: Path) -> Config:
        """The section without what it says of headers, macros and options where that is
        not about this tree: where ``qemu`` names another."""
        if self.qemu is None or self.qemu.resolve() == tree.resolve():
            return self
        return replace(self, include_dirs=(), defines=(), shims=(), options=())

    def tree(self, name: str) -> Path | None:
        """The tree that has this name; None for no tree's."""
        return dict(self.trees).get(name)


KEYS = tuple(one.name.replace("_", "-") for one in fields(Config) if one.name != "file")
"""The keys of the section, as TOML spells them."""

_LISTS = ("inputs", "targets", "include-dirs", "defines", "shims", "options")
_PATHS = ("output", "qemu", "build", "include-dirs", "shims", "accepted")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A finding of a verdict that passes, and why.

    ``section`` is its wire name, ``direction`` ``forward``, ``backward`` or ``both``,
    ``target`` empty for every target.  ``kind`` and ``field`` are those of the finding, as
    ``vmgen compat --format json`` has them; empty for every one.
    """

    section: str
    reason: str
    direction: str = "both"
    target: str = ""
    kind: str = ""
    field: str = ""


DIRECTIONS = ("forward", "backward", "both")


def accepted(file: Path) -> tuple[Accepted, ...]:
    """The findings that a file lists: a TOML ``[[accepted]]`` each.

    Raises :class:`VmgenError`: VG610 for a file that cannot be read, VG615 for an entry
    that is none.
    """
    data = _parse(read(file), file)
    entries = data.get("accepted", [])
    found, wrong = [], []
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries]):
        if reason := _no_entry(entry):
            message = f"entry {number + 1} of 'accepted' is none: {reason}"
            hint = "an entry has 'section' and 'reason', and perhaps 'direction', 'target', 'kind' and 'field'"
            wrong.append(Diagnostic("VG615", message, Position(str(file)), hint=hint))
        else:
            found.append(Accepted(**entry))
    if wrong or data.keys() - {"accepted"}:
        others = sorted(data.keys() - {"accepted"})
        wrong += [
            Diagnostic("VG615", f"unknown table '{name}'", Position(str(file)))
            for name in others
        ]
        raise VmgenError(*wrong)
    return tuple(found)


def accepted_by(file: Path | None) -> tuple[Accepted, ...]:
    """Those of a file, or else of the one that the project in the working directory
    names; none without either."""
    file = file or find(Path.cwd()).accepted
    return () if file is None else accepted(file)


def _no_entry(entry: object) -> str:
    """Why an entry accepts nothing; empty if it does."""
    if not isinstance(entry, dict):
        return "it is no table"
    for name, value in entry.items():
        if name not in ("section", "reason", "direction", "target", "kind", "field"):
            return f"unknown key '{name}'"
        if not isinstance(value, str):
            return f"'{name}' should be a string"
    for name in ("section", "reason"):
        if not entry.get(name):
            return f"it has no {name}"
    if entry.get("direction", "both") not in DIRECTIONS:
        return f"'direction' should be one of {', '.join(DIRECTIONS)}"
    return ""


def find(folder: Path) -> Config:
    """The configuration for work in ``folder``; an empty one if no file has any.

    Raises :class:`VmgenError`: VG610 for a pyproject.toml that cannot be read, VG611
    for an unknown key, VG612 for a value of the wrong kind.
    """
    for parent in (folder, *folder.parents):
        if (file := parent / "pyproject.toml").is_file():
            text = read(file)
            data = _parse(text, file)
            tool = data.get("tool", {})
            if isinstance(tool, dict) and "vmgen" in tool:
                return _section(tool["vmgen"], text, file)
    return Config()


def has_section(text: str, file: Path) -> bool:
    """Whether the text of a pyproject.toml has a ``[tool.vmgen]``; errors as above."""
    tool = _parse(text, file).get("tool", {})
    return isinstance(tool, dict) and "vmgen" in tool


def read(file: Path) -> str:
    """The text of a pyproject.toml, line ends as they are; VG610 if it cannot be read."""
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 at byte {error.start}"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    raise VmgenError(
        Diagnostic("VG610", f"cannot be read: {reason}", Position(str(file)))
    )


def _parse(text: str, file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).partition(" (at line ")
        numbers = [int(number) for number in re.findall(r"\d+", place)[:2]]
        line, column = numbers if len(numbers) == 2 else (0, 0)
        excerpt = (
            text.splitlines()[line - 1] if 0 < line <= text.count("\n") + 1 else ""
        )
        raise VmgenError(
            Diagnostic(
                "VG610",
                f"not valid TOML: {message}",
                Position(str(file), line, column),
                excerpt=excerpt,
            )
        ) from None


def _section(section: object, text: str, file: Path) -> Config:
    if not isinstance(section, dict):
        where = Position(str(file))
        raise VmgenError(Diagnostic("VG612", "'tool.vmgen' should be a table", where))
    found: list[Diagnostic] = []
    values: dict[str, object] = {}
    for key, value in section.items():
        if message := _objection(key, value):
            code = "VG612" if key in KEYS else "VG611"
            found.append(_at_key(code, message, key, text, file))
        elif key == "formats":
            entries = [_format(name, one, text, file) for name, one in value.items()]
            values[key] = tuple(entries)
        elif key == "trees":
            values[key] = tuple(
                (one, file.parent / path) for one, path in value.items()
            )
        elif key == "baselines":
            values[key] = tuple(value.items())
        elif key == "lint":
            values[key] = LintEntry(**{name: tuple(one) for name, one in value.items()})
        elif key in _PATHS:
            paths = tuple(file.parent / item for item in _items(value))
            values[key] = paths if key in _LISTS else paths[0]
        else:
            values[key] = tuple(_items(value)) if key in _LISTS else value
    if found:
        raise VmgenError(*found)
    attributes = {key.replace("-", "_"): value for key, value in values.items()}
    return Config(file=file, **attributes)  # type: ignore[arg-type]


def _items(value: object) -> list[str]:
    return value if isinstance(value, list) else [str(value)]


def _objection(key: str, value: object) -> str:
    """What is wrong with one key and its value; empty if nothing is."""
    if key not in KEYS:
        return f"unknown key '{key}'"
    if key in _LISTS:
        good = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return "" if good else f"'{key}' should be a list of strings"
    if key == "formats":
        return _formats_objection(value)
    if key == "trees":
        good = isinstance(value, dict) and all(
            isinstance(path, str) and re.fullmatch(r"[A-Za-z][\w.-]*", name)
            for name, path in value.items()
        )
        return "" if good else "'trees' should be a table of names and folders"
    if key == "baselines":
        good = isinstance(value, dict) and all(
            isinstance(one, str) for one in value.values()
        )
        return "" if good else "'baselines' should be a table of strings"
    if key == "lint":
        good = isinstance(value, dict) and all(
            name in ("select", "ignore")
            and isinstance(codes, list)
            and all(isinstance(one, str) for one in codes)
            for name, codes in value.items()
        )
        return (
            "" if good else "'lint' should be a table of 'select' and 'ignore', lists"
        )
    if not isinstance(value, str):
        return f"'{key}' should be a string"
    if key == "preprocessor" and value not in PREPROCESSORS:
        return f"'preprocessor' should be one of {', '.join(PREPROCESSORS)}"
    return ""


_SAID = ({"line"}, {"load", "save"})
"""The keys that say what an info moves."""


def _formats_objection(value: object) -> str:
    if not isinstance(value, dict):
        return "'formats' should be a table"
    for symbol, entry in value.items():
        members = {"line": entry} if isinstance(entry, str) else entry
        if (
            not isinstance(members, dict)
            or members.keys() - {"get", "put"} not in _SAID
            or not all(isinstance(one, str) for one in members.values())
        ):
            return (
                f"'formats.{symbol}' should be a line of the grammar, or a table with"
                " 'line', or with 'load' and 'save', and perhaps 'get' and 'put', all"
                " strings"
            )
    return ""


def _format(
    name: str, value: str | dict[str, str], text: str, file: Path
) -> FormatEntry:
    """The entry of ``SYMBOL`` or ``FILE:SYMBOL``."""
    home, _, symbol = name.rpartition(":")
    found = _at_key("", "", name, text, file)
    members = {"line": value} if isinstance(value, str) else value
    return FormatEntry(
        symbol, file=home, position=found.position, excerpt=found.excerpt, **members
    )


def _at_key(code: str, message: str, key: str, text: str, file: Path) -> Diagnostic:
    """The diagnostic at the line of the section where the key stands, if it is found."""
    section = re.search(r"^\s*\[\s*tool\s*\.\s*vmgen\s*\]", text, re.MULTILINE)
    start = section.end() if section else 0
    spelling = rf"^([ \t]*)[\"']?{re.escape(key)}[\"']?[ \t]*="
    place, excerpt = Position(str(file)), ""
    if match := re.compile(spelling, re.MULTILINE).search(text, start):
        line = text.count("\n", 0, match.start()) + 1
        place = Position(str(file), line, len(match[1]) + 1)
        excerpt = text.splitlines()[line - 1]
    hint = ""
    if code == "VG611":
        import difflib

        close = difflib.get_close_matches(key, KEYS, 1)
        hint = (
            f"did you mean '{close[0]}'?"
            if close
            else f"the keys are: {', '.join(KEYS)}"
        )
    return Diagnostic(
        code, message, place, hint=hint, context=("[tool.vmgen]",), excerpt=excerpt
    )
