"""``cc -E``, and what it says when it fails."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from vmgen.cache import Cache, hashed
from vmgen.tree import SHIMS, CompileCommand, SourceTree

# Operators that one preprocessor has and another has not; sources test for them first.
_OPERATORS = (
    "__has_attribute",
    "__has_builtin",
    "__has_extension",
    "__has_feature",
    "__has_include",
    "__has_include_next",
    "__has_warning",
)
TIME_LIMIT = 300
"""Seconds that the compiler has for one file; QEMU's largest take one."""
LINE_LIMIT = 2 << 20
"""Characters that macros may make of one line; QEMU's longest has some ten thousand."""
TEXT_LIMIT = 256 << 20
"""Characters of one file with all that it includes; QEMU's largest have some million."""
_DEEP = "a/b/c/d/e/f/g/h"
"""Where an empty header is, so that a name that starts with ``../`` is in its folder."""
MISSING_LIMIT = 64
"""Headers that one file may miss and be read without."""
NESTED_LIMIT = 200
"""Files that may include each other at a place, as in GCC."""

_REPORT = re.compile(
    r"^(?P<file>[^\n]+?):(?P<line>\d+):(?:(?P<column>\d+):)? "
    r"(?:fatal )?error: (?P<message>[^\n]*)$",
    re.MULTILINE,
)
_INCLUDED = re.compile(
    r"(?:^In file included| +) from ([^\n]+?):(\d+)[,:]", re.MULTILINE
)
_TOO_NESTED = re.compile(r"error: #include nest(?:ed depth \d|ed too deeply)")
LINE_MARKER = re.compile(r'^# (\d+) "((?:[^"\\\n]|\\.)*)"[^\n]*\n', re.MULTILINE)
_MISSING = re.compile(
    r"^(?:'(?P<clang>[^']+)' file not found|(?P<gcc>.+): No such file or directory)"
)


@dataclass(frozen=True, slots=True)
class CompilerError:
    """An error of the preprocessor; ``header`` is the one that is missing, if one is.

    ``file`` is as the preprocessor names it, empty for the file as a whole; ``line``
    and ``column`` count from 1, 0 for unknown.
    """

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    header: str = ""


@dataclass(frozen=True, slots=True)
class Expansion:
    """The expanded text, or why there is none.

    ``missing`` are the headers that the text is without; ``behind`` the files that have
    text behind the first of these ``#include`` lines, as the preprocessor names them.
    """

    text: str
    errors: tuple[CompilerError, ...] = ()
    missing: tuple[CompilerError, ...] = ()
    behind: tuple[str, ...] = ()


def arguments(tree: SourceTree, command: CompileCommand) -> list[str]:
    """The options of one run, without the compiler and the file."""
    out = ["-E", "-w", f"-std={command.standard}"]
    if command.shims:
        out += ["-undef", "-nostdinc", *(f"-U{name}" for name in _OPERATORS)]
        out += ["-imacros", str(SHIMS / "predefined.h")]
    out += [f"-U{name}" for name in command.undefines]
    out += [f"-D{define}" for define in command.defines]
    start = str(command.directory or tree.root) + os.sep

    def short(path: Path) -> str:
        # Relative where possible: __FILE__ and line markers are then the same anywhere.
        return str(path).removeprefix(start)

    # A macro from a "system" folder would get a line marker of its own in the middle of
    # a line wherever it is used.
    system = "-I" if command.shims else "-isystem"
    for option, paths in (
        ("-iquote", command.quote_dirs),
        ("-I", command.include_dirs),
        (system, command.system_dirs),
        ("-include", command.forced_includes),
    ):
        for path in paths:
            out += [option, short(path) if str(path) != start[:-1] else "."]
    if not command.shims:
        out += ["-idirafter", str(SHIMS / "include")]
    return [*out, *command.extra]


def run(
    argv: Sequence[str],
    tree: SourceTree,
    command: CompileCommand,
    file: str,
    partial: bool = False,
) -> Expansion:
    """Preprocesses ``file`` (relative to the tree) with the compiler ``argv``.

    A compiler ends at a header that is missing; with ``partial`` it is run again with an
    empty one in the place of each.
    """
    expansion = _run(argv, tree, command, file)
    missing: dict[str, CompilerError] = {}
    folder: Path | None = None
    while partial and _lacks_a_header(expansion) and len(missing) < MISSING_LIMIT:
        lacking = expansion.errors[0]
        if lacking.header in missing or not _is_inside(lacking.header):
            break
        missing[lacking.header] = lacking
        folder = _empty_headers(tuple(missing))
        expansion = _run(argv, tree, command, file, folder / _DEEP)
    if expansion.errors or folder is None:
        return replace(expansion, missing=tuple(missing.values()))
    # Of the empty headers nothing stays in the text, their names neither.
    start = re.escape(str(folder))
    empty = re.compile(rf'^# \d+ "{start}[^"]*"[^\n]*\n', re.MULTILINE)
    first = empty.search(expansion.text)
    text = empty.sub("", expansion.text)
    rest = text[first.start() if first else 0 :]
    behind = dict.fromkeys(mark[2] for mark in LINE_MARKER.finditer(rest))
    return Expansion(text, (), tuple(missing.values()), tuple(behind))


def _is_inside(header: str) -> bool:
    """Whether a file can stand for the header below a folder of ours."""
    path = os.path.normpath(f"{_DEEP}/{header}")
    return not path.startswith(("..", "/")) and header.isprintable()


def _empty_headers(names: tuple[str, ...]) -> Path:
    """A folder in which these headers are, below :data:`_DEEP` and empty."""
    paths = [os.path.normpath(f"{_DEEP}/{name}") for name in names]
    entry = f"missing-{hashed(paths)[:24]}"
    return Cache.of("trees").folder_of(entry, lambda: dict.fromkeys(paths, ""))


def _lacks_a_header(expansion: Expansion) -> bool:
    return len(expansion.errors) == 1 and bool(expansion.errors[0].header)


def _run(
    argv: Sequence[str],
    tree: SourceTree,
    command: CompileCommand,
    file: str,
    last: Path | None = None,
) -> Expansion:
    """One run; ``last`` is a folder that is searched after all others."""
    directory = command.directory or tree.root
    source = os.path.relpath(tree.path(file), directory)
    if tree.kind == "standalone":
        source = file
    after = [] if last is None else ["-idirafter", str(last)]
    environment = {**os.environ, "LC_ALL": "C"}
    # These would add folders of the machine's, or write files.
    for name in (
        "CPATH",
        "C_INCLUDE_PATH",
        "DEPENDENCIES_OUTPUT",
        "SUNPRO_DEPENDENCIES",
    ):
        environment.pop(name, None)
    with TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                [*argv, *arguments(tree, command), *after, "-x", "c", source],
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
            )
        except OSError as error:
            return Expansion(
                "", (CompilerError(f"{argv[0]} does not run: {error.strerror}"),)
            )
        late = threading.Timer(TIME_LIMIT, process.kill)
        late.start()
        with process:
            assert process.stdout is not None  # a pipe was requested
            text, endless = _bounded(process.stdout)
            if endless is not None:
                process.kill()
        if endless is None and not late.is_alive():
            endless = CompilerError(
                f"{argv[0]} did not end within {TIME_LIMIT} seconds"
            )
        late.cancel()
        if endless is not None:
            return Expansion("", (endless,))
        if process.returncode == 0:
            return Expansion(text.decode("utf-8", "replace"))
        said.seek(0)
        report = said.read(1 << 20).decode("utf-8", "replace")
    if endless := _circle(report):
        return Expansion("", (endless,))
    errors = tuple(_finding(match) for match in _REPORT.finditer(report))
    if not errors:
        lines = report.strip().splitlines() or [f"it ended with {process.returncode}"]
        errors = (CompilerError(f"{os.path.basename(argv[0])}: {lines[0].strip()}"),)
    return Expansion("", errors)


def _bounded(stream: IO[bytes]) -> tuple[bytes, CompilerError | None]:
    """What the compiler writes, unless a line or all of it grows without end."""
    made = bytearray()
    line = 0
    while part := stream.read(1 << 16):
        newline = part.rfind(b"\n")
        line = line if newline < 0 else len(made) + newline + 1
        made += part
        if len(made) - line > LINE_LIMIT or len(made) > TEXT_LIMIT:
            return b"", _without_end(made[:line].decode("utf-8", "replace"))
    return bytes(made), None


def _without_end(before: str) -> CompilerError:
    """The error of a line without end, by the text in front of it."""
    if len(before) > TEXT_LIMIT - LINE_LIMIT:
        return CompilerError(
            f"the file has more than {TEXT_LIMIT} characters with headers"
        )
    last = next(iter(deque(LINE_MARKER.finditer(before), maxlen=1)), None)
    file, line = ("", 1) if last is None else (last[2], int(last[1]))
    return too_long(file, line + before.count("\n", last.end() if last else 0))


def too_long(file: str, line: int) -> CompilerError:
    """The error of a line of which macros make too much."""
    message = f"the macros of this line make more than {LINE_LIMIT} characters of it"
    return CompilerError(message, file, line)


def _circle(report: str) -> CompilerError | None:
    """The ``#include`` that goes round, where files include each other without end."""
    if not _TOO_NESTED.search(report):
        return None
    ((place, _),) = Counter(_INCLUDED.findall(report)).most_common(1)
    return nested(place[0], int(place[1]))


def nested(file: str, line: int) -> CompilerError:
    """The error of a file that includes itself, by the line that does."""
    message = f"#include nested {NESTED_LIMIT} deep: the file includes itself"
    return CompilerError(message, file, line)


def _finding(match: re.Match[str]) -> CompilerError:
    message = match["message"]
    missing = _MISSING.match(message)
    return CompilerError(
        message=message,
        file=match["file"],
        line=int(match["line"]),
        column=int(match["column"] or 0),
        header=(missing["clang"] or missing["gcc"]) if missing else "",
    )
