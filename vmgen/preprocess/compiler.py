"""``cc -E``, and what it says when it fails."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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

_REPORT = re.compile(
    r"^(?P<file>[^\n]+?):(?P<line>\d+):(?:(?P<column>\d+):)? "
    r"(?:fatal )?error: (?P<message>[^\n]*)$",
    re.MULTILINE,
)
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
    """The expanded text, or why there is none."""

    text: str
    errors: tuple[CompilerError, ...] = ()


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
    argv: Sequence[str], tree: SourceTree, command: CompileCommand, file: str
) -> Expansion:
    """Preprocesses ``file`` (relative to the tree) with the compiler ``argv``."""
    directory = command.directory or tree.root
    source = os.path.relpath(tree.path(file), directory)
    if tree.kind == "standalone":
        source = file
    environment = {**os.environ, "LC_ALL": "C"}
    # These would add folders of the machine's, or write files.
    for name in (
        "CPATH",
        "C_INCLUDE_PATH",
        "DEPENDENCIES_OUTPUT",
        "SUNPRO_DEPENDENCIES",
    ):
        environment.pop(name, None)
    try:
        done = subprocess.run(
            [*argv, *arguments(tree, command), "-x", "c", source],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=TIME_LIMIT,
        )
    except subprocess.TimeoutExpired:
        message = f"{argv[0]} did not end within {TIME_LIMIT} seconds"
        return Expansion("", (CompilerError(message),))
    except OSError as error:
        return Expansion(
            "", (CompilerError(f"{argv[0]} does not run: {error.strerror}"),)
        )
    if done.returncode == 0:
        return Expansion(done.stdout.decode("utf-8", "replace"))
    report = done.stderr.decode("utf-8", "replace")
    errors = tuple(_finding(match) for match in _REPORT.finditer(report))
    if not errors:
        lines = report.strip().splitlines() or [f"it ended with {done.returncode}"]
        errors = (CompilerError(f"{os.path.basename(argv[0])}: {lines[0].strip()}"),)
    return Expansion("", errors)


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
