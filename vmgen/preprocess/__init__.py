"""Second stage: one C file with its headers, expanded to plain text.

By the machine's C compiler (``cc -E``), or by pcpp where there is none: slower, with the
same result, because both see vmgen's predefined macros and system headers and not their
own.  The text keeps line markers (``# LINE "FILE"``) for the positions.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from vmgen.preprocess import compiler as with_compiler
from vmgen.source import Diagnostic, Position, VmgenError
from vmgen.tree import CompileCommand, SourceTree
from vmgen.tree.files import headers

__all__ = ["Preprocessed", "Preprocessor", "find_compiler", "preprocess"]

Preprocessor = Literal["auto", "cc", "pcpp"]


@dataclass(frozen=True, slots=True)
class Preprocessed:
    """One expanded file.

    ``text`` has line markers, ``source`` is the file's name relative to its tree.
    ``missing`` says of each header that is not found where it is included (VG110); the
    text is without it.  ``behind`` are the files, by the names of positions, that have
    text behind the first of these lines.
    """

    text: str
    source: str
    tree: SourceTree
    command: CompileCommand
    missing: tuple[Diagnostic, ...] = ()
    behind: tuple[str, ...] = ()
    _names: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    _lines: dict[str, Sequence[str]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def relative(self, marker: str) -> str:
        """The name for positions of a file that a line marker names."""
        name = self._names.get(marker)
        if name is None:
            start = self.command.directory
            path = marker if start is None else os.path.join(start, marker)
            name = self._names[marker] = self.tree.relative(path)
        return name

    def excerpt(self, position: Position) -> str:
        """The source line at ``position``, without its newline; empty if unknown."""
        lines = self._lines.get(position.file)
        if lines is None:
            lines = self._lines[position.file] = _read(self.tree, position.file)
        return lines[position.line - 1] if 0 < position.line <= len(lines) else ""


def preprocess(
    tree: SourceTree,
    file: str,
    *,
    compiler: str | None = None,
    preprocessor: Preprocessor = "auto",
    partial: bool = False,
    defines: Sequence[str] = (),
) -> Preprocessed:
    """Expands ``file`` (relative to the tree's root) as the tree says.

    With ``partial`` a header that is not found is an empty one, which the result says.
    ``defines`` are macros besides those of the tree's command.

    ``compiler`` is a command such as ``"gcc-12"``; without it the environment's ``CC``
    counts, then cc, gcc or clang, whichever there is.  ``preprocessor`` ``"cc"``
    insists on one, ``"pcpp"`` does without.  Raises :class:`VmgenError`: VG103 for a
    file that is missing, VG107 for one that the given build does not compile, VG110
    for a header that is not found, VG111 for what else the preprocessor finds, VG112
    without a compiler where one is requested.
    """
    command = tree.command_for(file)
    if defines:
        command = replace(command, defines=(*command.defines, *defines))
    name = tree.relative(file)
    if not tree.path(file).is_file():
        raise VmgenError(
            Diagnostic(
                "VG103",
                f"there is no file {file}",
                Position(name),
                hint=f"paths start at {'the source tree' if tree.kind == 'qemu' else tree.root}",
            )
        )
    argv = find_compiler(compiler) if preprocessor != "pcpp" else None
    if argv is None and preprocessor == "cc":
        raise VmgenError(
            Diagnostic(
                "VG112",
                "there is no C compiler",
                hint="install gcc or clang, set CC, or leave the choice to vmgen: "
                "it can do without",
            )
        )
    result = Preprocessed("", name, tree, command)
    if argv is not None:
        outcome = with_compiler.run(argv, tree, command, file, partial)
    else:
        # Imported here: building its tables takes longer than a whole run of cc -E.
        from vmgen.preprocess import portable

        outcome = portable.run(tree, command, file, partial)
    missing = tuple(_diagnose(result, error) for error in outcome.missing)
    errors = tuple(_diagnose(result, error) for error in outcome.errors)
    if errors:
        raise VmgenError(*dict.fromkeys((*missing, *errors)))
    return replace(
        result,
        text=outcome.text,
        missing=missing,
        behind=tuple(dict.fromkeys(map(result.relative, outcome.behind))),
    )


def find_compiler(chosen: str | None = None) -> list[str] | None:
    """The compiler as the start of a command line; None if there is none.

    Raises :class:`VmgenError` (VG112) if one is named, here or by ``CC``, and missing.
    """
    named = chosen or os.environ.get("CC", "")
    if named.strip():
        argv = shlex.split(named)
        path = shutil.which(argv[0])
        if path is None:
            where = "as asked for" if chosen else "as CC says"
            raise VmgenError(
                Diagnostic(
                    "VG112",
                    f"there is no compiler {argv[0]!r}, {where}",
                    hint="correct or unset it",
                )
            )
        return [path, *argv[1:]]
    for candidate in ("cc", "gcc", "clang"):
        if path := shutil.which(candidate):
            return [path]
    return None


def _diagnose(result: Preprocessed, error: with_compiler.CompilerError) -> Diagnostic:
    file = result.relative(error.file) if error.file else result.source
    position = Position(file, error.line, error.column)
    excerpt = result.excerpt(position)
    if not error.header:
        return Diagnostic("VG111", error.message, position, excerpt=excerpt)
    if (start := excerpt.find(error.header)) >= 0:
        position = Position(file, error.line, start + 1)
    tree = result.tree
    if tree.kind == "standalone":
        hint = (
            "give its folder with -I FOLDER; if the file belongs to QEMU, give QEMU's "
            "source tree with --qemu TREE"
        )
    elif tree.build is not None:
        hint = "finish the build, or at least let it generate its headers"
    else:
        own = (tree.root / file).is_file()
        hint = ("" if own else _near(tree, error.header)) or (
            "it is neither in the tree nor among vmgen's own: configure QEMU where "
            "it is installed and give that folder with --build"
        )
    return Diagnostic(
        "VG110",
        f"the header {error.header} is not found",
        position,
        hint=hint,
        excerpt=excerpt,
    )


def _near(tree: SourceTree, header: str) -> str:
    """What the tree has in place of a header that it lacks: one of that name elsewhere, or
    only the folder.  Empty where it has neither.

    Whose header it is the tree does not say: another release's, or the user's own.
    """
    folder, _, name = header.rpartition("/")
    if not folder or not (tree.root / "include" / folder).is_dir():
        return ""
    elsewhere = [
        one for one in headers(tree.root, "include") if one.rpartition("/")[2] == name
    ]
    if len(elsewhere) == 1:
        has = f"this tree has {elsewhere[0]}"
    else:
        has = f"this tree has no {name} in include/{folder}"
    return (
        f"{has}: the file may be for another release of QEMU; the folder of a header of "
        "your own is given with -I"
    )


def _read(tree: SourceTree, file: str) -> Sequence[str]:
    try:
        with open(tree.path(file), encoding="utf-8", errors="replace") as stream:
            return stream.read().splitlines()
    except OSError:
        return ()
