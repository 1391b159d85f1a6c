"""The commands of a configured build: its ``compile_commands.json``."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

from vmgen.source import Diagnostic, Position, VmgenError
from vmgen.tree.source_tree import CompileCommand

# Options that take their value in the next word when it is not attached.
_PAIRED = {
    "-I": "include",
    "-isystem": "system",
    "-iquote": "quote",
    "-idirafter": "system",
    "-include": "forced",
    "-D": "define",
    "-U": "undefine",
    "-imacros": "extra",
    "-isysroot": "extra",
    "--sysroot": "extra",
    "-target": "extra",
}
_SKIPPED_PAIRS = frozenset({"-o", "-MF", "-MT", "-MQ", "-Xclang", "-arch", "-x"})
# Of the machine options only those that change what the preprocessor sees as the target.
_KEPT = (
    "-m32",
    "-m64",
    "-mx32",
    "--sysroot=",
    "--target=",
    "-nostdinc",
    "-fpack-struct",
)


def commands(folder: Path, root: Path, target: str) -> dict[str, CompileCommand]:
    """Each file of ``root`` that the build compiles for ``target`` -> its command.

    A file that is compiled once for each target has several entries; the right one is
    known by its output folder (``libqemu-riscv64-softmmu``) or its ``CONFIG_TARGET``.
    Raises :class:`VmgenError` (VG106) if there is no such file, or not a good one.
    """
    path = folder / "compile_commands.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _unusable(path, "there is no such file") from error
    except (OSError, ValueError) as error:
        raise _unusable(path, str(error)) from error
    if not isinstance(entries, list):
        raise _unusable(path, "it is not a list of commands")
    best: dict[str, tuple[int, CompileCommand]] = {}
    top = os.path.realpath(root)
    for entry in entries:
        if not isinstance(entry, dict) or not {"file", "directory"} <= entry.keys():
            raise _unusable(path, "an entry has no 'file' or no 'directory'")
        directory = Path(os.path.realpath(folder / entry["directory"]))
        source = os.path.realpath(directory / entry["file"])
        if not source.startswith(top + os.sep):
            continue
        words = _words(entry)
        rank = _rank(entry.get("output", "") or _output(words), words, target)
        if rank == 0:
            continue
        name = os.path.relpath(source, top).replace(os.sep, "/")
        if name not in best or rank > best[name][0]:
            best[name] = rank, parse(words, directory, entry["file"])
    return {name: command for name, (_, command) in best.items()}


def _words(entry: dict[str, Any]) -> list[str]:
    arguments = entry.get("arguments")
    if isinstance(arguments, list):
        return [str(word) for word in arguments]
    return shlex.split(str(entry.get("command", "")))


def _output(words: list[str]) -> str:
    return words[words.index("-o") + 1] if "-o" in words[:-1] else ""


def _rank(output: str, words: list[str], target: str) -> int:
    """2: compiled for this target; 1: for all targets alike; 0: for another."""
    mine = f"{target}-softmmu"
    config = next((word for word in words if word.startswith("-DCONFIG_TARGET=")), "")
    if config:
        name = config.partition("=")[2].strip("\"'\\")
        return 2 if name == f"{mine}-config-target.h" else 0
    first = output.replace("\\", "/").partition("/")[0]
    if f"qemu-{mine}" in first:
        return 2
    elsewhere = first.startswith(("libqemu-", "qemu-system-", "tests"))
    return 0 if elsewhere or "-user" in first else 1


def parse(words: list[str], directory: Path, source: str) -> CompileCommand:
    """One compiler command; ``words`` starts with the compiler, paths may be relative."""
    found: dict[str, list[str]] = {
        kind: []
        for kind in ("include", "system", "quote", "forced", "define", "undefine")
    }
    extra: list[str] = []
    standard = "gnu11"
    pending = iter(words[1:])
    for word in pending:
        if word in _SKIPPED_PAIRS:
            next(pending, None)
            continue
        if word.startswith("-std="):
            standard = word.removeprefix("-std=")
            continue
        option = next(
            (name for name in sorted(_PAIRED, key=len, reverse=True) if word == name),
            None,
        )
        value = next(pending, "") if option else ""
        if option is None:
            option = next((name for name in ("-I", "-D", "-U", "-isystem", "-iquote", "-include") if word.startswith(name)), None)  # fmt: skip
            value = word.removeprefix(option) if option else ""
        if option is None:
            if word != source and word.startswith(_KEPT):
                extra.append(word)
            continue
        kind = _PAIRED[option]
        if kind == "extra":
            extra += [option, value]
        else:
            found[kind].append(value)

    def paths(kind: str) -> tuple[Path, ...]:
        return tuple(Path(os.path.normpath(directory / item)) for item in found[kind])

    return CompileCommand(
        quote_dirs=paths("quote"),
        include_dirs=paths("include"),
        system_dirs=paths("system"),
        defines=tuple(found["define"]),
        undefines=tuple(found["undefine"]),
        forced_includes=paths("forced"),
        standard=standard,
        shims=False,
        directory=directory,
        extra=tuple(extra),
    )


def _unusable(path: Path, why: str) -> VmgenError:
    return VmgenError(
        Diagnostic(
            "VG106",
            f"cannot use {path.name} of the build folder: {why}",
            Position(str(path)),
            hint="give the folder in which QEMU was configured (meson writes the file)",
        )
    )
