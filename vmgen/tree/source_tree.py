"""A source tree as the preprocessor needs it: files, flags, and names for positions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from vmgen.source import Diagnostic, Position, VmgenError

SHIMS = Path(__file__).resolve().parent.parent / "shims"
"""vmgen's own headers: ``predefined.h``, and ``include/`` for libc, glib and others."""


@dataclass(frozen=True, slots=True)
class CompileCommand:
    """How one file is preprocessed.

    ``quote_dirs`` serve ``#include "..."`` only, ``include_dirs`` and ``system_dirs``
    both forms, in this order.  ``defines`` are ``NAME`` or ``NAME=VALUE``;
    ``forced_includes`` are read before the file.  ``shims`` says that vmgen's headers
    take the place of the machine's (and of the compiler's predefined macros); otherwise
    they come after all others.  ``directory`` is where a relative path starts.
    """

    quote_dirs: tuple[Path, ...] = ()
    include_dirs: tuple[Path, ...] = ()
    system_dirs: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    undefines: tuple[str, ...] = ()
    forced_includes: tuple[Path, ...] = ()
    standard: str = "gnu11"
    shims: bool = True
    directory: Path | None = None
    extra: tuple[str, ...] = ()

    @property
    def flags(self) -> tuple[str, ...]:
        """The command as options of gcc or clang, the file itself left out."""
        out = [f"-std={self.standard}"]
        out += [f"-U{name}" for name in self.undefines]
        out += [f"-D{define}" for define in self.defines]
        for option, folders in (
            ("-iquote", self.quote_dirs),
            ("-I", self.include_dirs),
            ("-isystem", self.system_dirs),
            ("-include", self.forced_includes),
        ):
            for folder in folders:
                out += [option, str(folder)]
        return (*out, *self.extra)


@dataclass(frozen=True, slots=True)
class Given:
    """What the user gives besides a tree.

    ``include_dirs`` are searched behind the tree's own folders; ``shims`` hold headers
    for those that neither the tree nor its configuration has, and are searched last
    but vmgen's own.  ``defines`` are as for ``cc -D``, ``options`` as for
    ``meson setup -D``: ``NAME=VALUE``.
    """

    include_dirs: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    shims: tuple[Path, ...] = ()
    options: tuple[str, ...] = ()

    def added_to(self, command: CompileCommand) -> CompileCommand:
        """The command with all that a compiler is given."""
        own = SHIMS / "include"
        system = [path for path in command.system_dirs if path != own]
        last = [own] if own in command.system_dirs else []
        return replace(
            command,
            include_dirs=(*command.include_dirs, *self.include_dirs),
            system_dirs=(*system, *self.shims, *last),
            defines=(*command.defines, *self.defines),
        )


NOTHING_GIVEN = Given()


@dataclass(frozen=True, slots=True)
class SourceTree:
    """What :func:`vmgen.tree.configure` and its siblings return.

    ``kind`` says whose tree it is.  ``root`` is absolute.  ``release`` is the text of
    its VERSION file, empty for the user's own files.  ``target`` is as in
    ``qemu-system-TARGET``, ``base_arch`` the folder below ``target/``.  ``cpu_sources``
    describe the CPU: those of the architecture, then the one with
    ``vmstate_cpu_common``; relative to ``root``, with ``/``, sorted.
    ``config_dirs`` hold generated headers; ``headers`` is ``c_headers/`` where the files
    are the user's own.  ``outside`` is the folder of the user's files that are read with the
    tree's headers.  ``answers`` are what functions of QEMU return that ask for a fact of
    the target, by name; ``system_target`` what ``target_arch()`` does, as C has it, empty for
    what is not known.  ``given`` is part of ``command`` and ``build_commands`` already.
    """

    kind: Literal["qemu", "embedded", "standalone"]
    root: Path
    release: str
    target: str
    base_arch: str
    targets: tuple[str, ...]
    cpu_sources: tuple[str, ...]
    command: CompileCommand
    config_dirs: tuple[Path, ...] = ()
    headers: Path | None = None
    outside: Path | None = None
    given: Given = NOTHING_GIVEN
    answers: Mapping[str, int] = field(default_factory=dict)
    system_target: str = ""
    build: Path | None = None
    build_commands: Mapping[str, CompileCommand] = field(default_factory=dict)

    @property
    def include_dirs(self) -> tuple[Path, ...]:
        """Every folder that is searched, in order."""
        command = self.command
        return (*command.quote_dirs, *command.include_dirs, *command.system_dirs)

    @property
    def defines(self) -> tuple[str, ...]:
        """The macros given on the command line, ``NAME`` or ``NAME=VALUE``."""
        return self.command.defines

    @property
    def flags(self) -> tuple[str, ...]:
        """The options for gcc or clang that most files of the tree get."""
        return self.command.flags

    def including(self, folders: Iterable[str]) -> SourceTree:
        """The tree with these folders of it searched, too: behind those of the target, in
        front of the user's and vmgen's.  A configured build has them already."""
        if self.build is not None:
            return self
        command = self.command
        known = {*command.quote_dirs, *command.include_dirs, *command.system_dirs}
        more = [path for name in folders if (path := self.root / name) not in known]
        own = command.include_dirs[
            : len(command.include_dirs) - len(self.given.include_dirs)
        ]
        every = (*own, *dict.fromkeys(more), *self.given.include_dirs)
        return replace(self, command=replace(command, include_dirs=every))

    def command_for(self, file: str) -> CompileCommand:
        """How ``file`` (relative to the root) is preprocessed.

        With a configured build it is that build's own command.  Raises
        :class:`VmgenError` (VG107) if the build does not compile the file for this
        target.
        """
        if self.build is None:
            return self.command
        name = self.relative(self.path(file))
        command = self.build_commands.get(name)
        if command is None:
            raise VmgenError(
                Diagnostic(
                    "VG107",
                    f"{name} is not compiled for {self.target} in the build folder",
                    Position(name),
                    hint="configure the build with this target and what the file needs, "
                    "or leave --build out and let vmgen make the configuration",
                )
            )
        return command

    def path(self, file: str) -> Path:
        """The real path of a name that :meth:`relative` gave, or of the user's own."""
        if file.startswith("<config>/"):
            rest = file.removeprefix("<config>/")
            for folder in self.config_dirs:
                if (folder / rest).is_file():
                    return folder / rest
            return self.root / rest
        if file.startswith("<vmgen>/"):
            return SHIMS / file.removeprefix("<vmgen>/")
        if file.startswith("<c_headers>/") and self.headers is not None:
            return self.headers / file.removeprefix("<c_headers>/")
        if self.outside is not None and not (self.root / file).is_file():
            return self.outside / file
        return self.root / file

    def relative(self, path: str | Path) -> str:
        """A name that is the same on every machine, with ``/``.

        Below the root it is the path from there; generated headers are
        ``<config>/...``, vmgen's own ``<vmgen>/...``, the embedded ones seen from the
        user's files ``<c_headers>/...``; what else the machine has keeps its path.  The user's own files stay as the user wrote them.
        """
        text = os.path.normpath(self.root / path)
        for folder in self.config_dirs:
            if (rest := _below(text, folder)) is not None:
                return f"<config>/{rest}"
        if (rest := _below(text, SHIMS)) is not None:
            return f"<vmgen>/{rest}"
        if self.headers and (rest := _below(text, self.headers)) is not None:
            return f"<c_headers>/{rest}"
        for place in (self.root, self.outside):
            if place is not None and (rest := _below(text, place)) is not None:
                return rest
        if self.kind == "standalone":
            return Path(path).as_posix()
        return Path(text).as_posix()


def _below(text: str, folder: Path) -> str | None:
    start = str(folder)
    if not start.endswith(os.sep):
        start += os.sep
    if not text.startswith(start):
        return None
    return text[len(start) :].replace(os.sep, "/")
