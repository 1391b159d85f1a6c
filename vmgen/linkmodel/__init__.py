"""Which C files a target's system binary is made of, from the tree's own build files.

QEMU's ``meson.build`` files are followed as meson would follow them, or the make files of
releases up to 5.1 as make would, for one target and the configuration of
:mod:`vmgen.linkmodel.host`; nothing is configured or built.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import assert_never

from vmgen.c_text import macros
from vmgen.linkmodel import host, make_objects, syntax
from vmgen.linkmodel.functions import FUNCTIONS, library
from vmgen.linkmodel.interpreter import BUILD_HINT, Arguments, Interpreter
from vmgen.linkmodel.methods import HOST_HEADER, MAKEFILES, method
from vmgen.linkmodel.values import (
    AllTargets,
    Feature,
    Library,
    Makefile,
    MesonModule,
    Objects,
    Unknown,
    Value,
    joined,
)
from vmgen.source import Diagnostic, Position, VmgenError
from vmgen.tree import SourceTree
from vmgen.tree.generated import written_by_configure

__all__ = ["SystemBinary", "binary", "not_there"]


@dataclass(frozen=True, slots=True)
class SystemBinary:
    """The C files of ``qemu-system-TARGET``, relative to the tree's root, sorted.

    ``files`` are linked for certain, or in a loadable module of the binary's own.
    ``archive`` are members of static libraries (``libqemuutil`` with its stubs): the
    linker takes one where it defines a symbol that nothing in ``files`` defines.
    ``missing`` are C files and build descriptions that are named and are missing.
    ``include_dirs`` are the folders of the tree that the emulator's own library names for
    its headers.
    """

    target: str
    files: tuple[str, ...]
    archive: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    include_dirs: tuple[str, ...] = ()


def binary(tree: SourceTree) -> SystemBinary:
    """The binary of the tree's target.

    Raises :class:`VmgenError`: VG121 for a build description that cannot be read, VG122
    for one that cannot be followed, VG124 for an option that it does not have, VG123 where a file's place depends on something
    only a configured build knows.
    """
    if tree.kind != "qemu":
        return SystemBinary(tree.target, tree.cpu_sources)
    objects, lacking = _objects(tree)
    files = {file for file in objects.files if file.endswith(".c")}
    archive = {file for file in objects.archives if file.endswith(".c")} - files
    there = {file for file in files | archive if (tree.root / file).is_file()}
    return SystemBinary(
        tree.target,
        tuple(sorted(files & there)),
        tuple(sorted(archive & there)),
        tuple(sorted({*lacking, *((files | archive) - there)})),
        tuple(name for name in objects.include_dirs if (tree.root / name).is_dir()),
    )


def not_there(file: str) -> Diagnostic:
    """What is to be said of one of :attr:`SystemBinary.missing`."""
    return Diagnostic(
        "VG122",
        f"the build description names {file}, which does not exist",
        Position(file),
        hint="unpack the release again",
    )


def _objects(tree: SourceTree) -> tuple[Objects, list[str]]:
    """What the tree's build description links into the binary, and the folders'
    descriptions that it is without."""
    if (tree.root / "meson.build").is_file():
        build = _Build(tree)
        name = f"qemu-system-{tree.target}"
        emulator = build.executable(name)
        objects = joined((emulator.own, emulator.needs))
        if not any(file.endswith(".c") for file in (*objects.files, *objects.archives)):
            raise VmgenError(
                Diagnostic(
                    "VG122",
                    f"the build description links no C file into {name}",
                    Position("meson.build"),
                    hint=BUILD_HINT,
                )
            )
        return objects, build.lacking
    if tree.given.options:
        raise VmgenError(
            Diagnostic(
                "VG124",
                f"QEMU {tree.release} has no options of a build description",
                Position("configure"),
                hint="what configure would find is a macro here: -D CONFIG_NAME",
            )
        )
    settings = {
        name: "y" if value == "1" else value.strip('"')
        for kind in ("target", "devices")
        for name, value in _macros(
            tree, f"{tree.target}-softmmu-config-{kind}.h"
        ).items()
    }
    settings["TARGET_BASE_ARCH"] = tree.base_arch
    # What configure writes into config-host.h it writes for make, too.
    macros = {
        **_macros(tree, "config-host.h"),
        **_given_to_configure(tree.given.defines),
    }
    return make_objects.objects(tree, macros, settings), []


def _given_to_configure(defines: tuple[str, ...]) -> dict[str, str]:
    """The macros of these definitions that configure has, each with its value."""
    found = (one.partition("=") for one in defines)
    return {
        name: value if equals else "1"
        for name, equals, value in found
        if name.startswith("CONFIG_")
    }


class _Found(Exception):
    """The executable that was looked for."""

    def __init__(self, library: Library) -> None:
        super().__init__(library.name)
        self.library = library


class _Build:
    """A tree's build description, followed for one target."""

    def __init__(self, tree: SourceTree) -> None:
        self._tree = tree
        self._name = ""
        #: Descriptions of folders that are named and are missing.
        self.lacking: list[str] = []
        root = tree.root
        self._options = _with(tree, _options(root))
        target = f"{tree.target}-softmmu"
        devices = _macros(tree, f"{target}-config-devices.h")
        makefiles = {
            "config-host.mak": Makefile(
                {**host.HOST_MAKEFILE, **_configured(tree), "TARGET_DIRS": target}
            ),
            f"{target}-config-devices.mak": dict.fromkeys(devices, "y"),
        }
        machine = MesonModule("machine")
        self._interpreter = Interpreter(
            root,
            {
                **FUNCTIONS,
                "subdir": self._subdir,
                "get_option": self._option,
                "executable": self._executable,
                "build_target": self._build_target,
            },
            method,
            {
                **host.FACTS,
                "config_all_devices": AllTargets(dict.fromkeys(devices, "y")),
                "meson": MesonModule("meson"),
                "host_machine": machine,
                "build_machine": machine,
                "target_machine": machine,
                HOST_HEADER: _macros(tree, "config-host.h"),
                MAKEFILES: makefiles,
            },
            host.SKIPPED,
        )

    def executable(self, name: str) -> Library:
        """The executable of that name: nothing after it is looked at."""
        self._name = name
        try:
            self._interpreter.run(_statements(self._tree.root, "meson.build"))
        except _Found as found:
            return found.library
        raise VmgenError(
            Diagnostic(
                "VG122",
                f"the build description makes no {name}",
                Position("meson.build"),
                hint=BUILD_HINT,
            )
        )

    def _executable(self, interpreter: Interpreter, call: Arguments) -> Value:
        made = library(interpreter, call)
        if made.name == self._name:
            raise _Found(made)
        return made

    def _build_target(self, interpreter: Interpreter, call: Arguments) -> Value:
        kind = call.keywords.get("target_type")
        if isinstance(kind, Unknown):
            raise interpreter.undecided(call.line, "a target's type", kind)
        make = self._executable if kind == "executable" else library
        return make(interpreter, call)

    def _subdir(self, interpreter: Interpreter, call: Arguments) -> None:
        name = call.values[0]
        if isinstance(name, Unknown):
            raise interpreter.undecided(call.line, "reading a folder", name)
        folder = interpreter.inside(name)
        if interpreter.is_skipped(folder):
            return
        file = f"{folder}/meson.build"
        if not (self._tree.root / file).is_file():
            self.lacking.append(file)
            return
        interpreter.subdir(name, call.line, _statements(self._tree.root, file))

    def _option(self, interpreter: Interpreter, call: Arguments) -> Value:
        name = call.values[0]
        if name in self._options:
            return self._options[name]
        return host.BUILT_IN_OPTIONS.get(name, Unknown(f"the option {name}"))


def _configured(tree: SourceTree) -> dict[str, str]:
    """What the tree's own configure writes into ``config-host.mak`` on such a host."""
    header = _macros(tree, "config-host.h")
    there = {name for name, value in header.items() if value == "1"}
    return dict.fromkeys(sorted(written_by_configure(tree.root) & there), "y")


def _macros(tree: SourceTree, name: str) -> dict[str, str]:
    """The macros of a generated header of the tree."""
    for folder in tree.config_dirs:
        path = folder / name
        if path.is_file():
            return macros(path.read_text(encoding="utf-8"))
    raise VmgenError(
        Diagnostic(
            "VG122",
            f"the configuration of {tree.target} has no {name}",
            hint="finish the build, or at least let it generate its headers",
        )
    )


def _statements(root: Path, file: str) -> tuple[syntax.Statement, ...]:
    return _parsed(str(root), file, _stamp(root, file))


def _stamp(root: Path, file: str) -> tuple[int, int]:
    """What tells one state of a file of the tree from another; VG122 without the file."""
    try:
        status = (root / file).stat()
    except OSError as error:
        raise VmgenError(
            Diagnostic(
                "VG122",
                f"the build description has no {file}",
                Position(file),
                hint="unpack the release again",
            )
        ) from error
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=1024)
def _parsed(
    root: str, file: str, stamp: tuple[int, int]
) -> tuple[syntax.Statement, ...]:
    """Files are read once for all targets of a run."""
    return syntax.parse(Path(root, file).read_text(encoding="utf-8"), file)


@dataclass(frozen=True, slots=True)
class DeclaredOption:
    """One of a tree's options as ``meson_options.txt`` declares it: its name and what is
    said of it (``type``, ``value``, ``choices``)."""

    name: str
    said: dict[str, Value]

    def value(self, given: str | None = None) -> Value:
        """What the build has, or with a value that is given."""
        if given is None:
            return _default(self.name, self.said)
        if self.said.get("type") == "feature":
            return Feature(given)
        return _default(self.name, {**self.said, "value": given})

    def takes(self, given: str) -> bool:
        """Whether meson takes this as a value."""
        choices = self.said.get("choices")
        match self.said.get("type"):
            case "feature":
                return given in ("enabled", "disabled", "auto")
            case "boolean":
                return given.lower() in ("true", "false")
            case "integer":
                return re.fullmatch(r"-?\d+", given) is not None
            case "combo" if isinstance(choices, list):
                return given in choices
            case _:
                return True


def _with(tree: SourceTree, known: Mapping[str, DeclaredOption]) -> dict[str, Value]:
    """The options' values, those that the user gives among them.

    Raises :class:`VmgenError` VG124 for an option that the tree does not have, or a value
    that it does not take.
    """
    values = {name: option.value() for name, option in known.items()}
    for one in tree.given.options:
        name, _, given = one.partition("=")
        if name not in known:
            close = get_close_matches(name, known, 1)
            raise VmgenError(
                Diagnostic(
                    "VG124",
                    f"the tree has no option '{name}'",
                    Position("meson_options.txt"),
                    hint=f"did you mean '{close[0]}'?" if close else "",
                )
            )
        if not known[name].takes(given):
            raise VmgenError(
                Diagnostic(
                    "VG124",
                    f"the option '{name}' does not take '{given}'",
                    Position("meson_options.txt"),
                    hint=f"it is of type {known[name].said.get('type')}",
                )
            )
        values[name] = known[name].value(given)
    return values


def _options(root: Path) -> dict[str, DeclaredOption]:
    """The tree's options, as they are declared."""
    out: dict[str, DeclaredOption] = {}
    for statement in _statements(root, "meson_options.txt"):
        match statement:
            case syntax.Evaluate(
                syntax.Invocation(
                    None, "option", (syntax.Literal(str(name)),), keywords
                )
            ):
                said = {key: _literal(value) for key, value in keywords}
                out[name] = DeclaredOption(name, said)
    return out


def _default(name: str, given: dict[str, Value]) -> Value:
    """An option's default as meson's ``get_option`` returns it: a boolean or a number may
    be quoted, an array's items be one string."""
    value = given.get("value")
    match given.get("type"), value:
        case "feature", _:
            return Feature(host.OPTIONS.get(name, value or "auto"))
        case "boolean", str():
            return value.lower() == "true"
        case "boolean", None:
            return True
        case "integer", str():
            return int(value) if re.fullmatch(r"-?\d+", value) else value
        case "array", str():
            return [item.strip() for item in value.split(",") if item.strip()]
        case "array", None:
            return given.get("choices", [])
        case "combo", None:
            choices = given.get("choices", [])
            return choices[0] if isinstance(choices, list) and choices else ""
        case "string", None:
            return ""
        case _:
            return value


def _literal(value: syntax.Expression) -> Value:
    match value:
        case syntax.Literal(constant):
            return constant
        case syntax.List(items):
            return [_literal(item) for item in items]
        case (
            syntax.Identifier()
            | syntax.Dictionary()
            | syntax.Invocation()
            | syntax.Subscript()
            | syntax.Not()
            | syntax.Operation()
            | syntax.Choice()
        ):
            return Unknown("an option's default")
        case _:
            assert_never(value)
