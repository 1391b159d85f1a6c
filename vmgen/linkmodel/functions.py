"""Meson's functions, as far as QEMU's build description calls them."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from vmgen.linkmodel.host import ABSENT
from vmgen.linkmodel.interpreter import Arguments, Interpreter, Leaving
from vmgen.linkmodel.values import (
    CommandOutput,
    ConfigurationData,
    Dependency,
    Feature,
    File,
    Generated,
    IncludeFolders,
    Library,
    MesonModule,
    Objects,
    Unknown,
    Value,
    flattened,
    joined,
)

_LISTING = re.compile(
    r"\s*cd \$MESON_SOURCE_ROOT/\$MESON_SUBDIR\s*;\s*ls -1 ([\w.*?-]+)\s*"
)

Function = Callable[[Interpreter, Arguments], Value]


def sources_of(interpreter: Interpreter, values: Iterable[Value], line: int) -> Objects:
    """The tree's files among the sources of a target; object files count as they are."""
    files: list[str] = []
    more: list[Objects] = []
    for value in flattened(list(values)):
        match value:
            case File(path):
                files.append(path)
            case str():
                files.append(interpreter.inside(value))
            case Objects():
                more.append(value)
            case Unknown():
                raise interpreter.undecided(line, "a source of a library", value)
    return joined((Objects(tuple(files)), *more))


def brought(interpreter: Interpreter, values: Iterable[Value], line: int) -> Objects:
    """What dependencies bring to a binary."""
    parts: list[Objects] = []
    for value in flattened(list(values)):
        if isinstance(value, Unknown) and not value.external:
            raise interpreter.undecided(line, "a dependency", value)
        if isinstance(value, Dependency):
            parts.append(value.objects)
    return joined(parts)


def _linked(interpreter: Interpreter, call: Arguments) -> tuple[Objects, Objects]:
    """What ``link_whole`` adds to a target itself, and ``link_with`` to its needs."""
    whole: list[Objects] = []
    archives: list[Objects] = []
    for keyword, parts in (("link_whole", whole), ("link_with", archives)):
        for library in flattened(call.listed(keyword)):
            if isinstance(library, Unknown) and not library.external:
                raise interpreter.undecided(call.line, "a library", library)
            if isinstance(library, Library):
                parts.append(library.as_whole if parts is whole else library.as_archive)
    return joined(whole), joined(archives)


def library(interpreter: Interpreter, call: Arguments) -> Library:
    """``static_library()``, ``executable()`` and the like."""
    if isinstance(more := call.keywords.get("kwargs"), Unknown):
        raise interpreter.undecided(call.line, "a source of a library", more)
    name, *positional = call.values
    sources = [*positional, *call.listed("sources"), *call.listed("objects")]
    whole, archives = _linked(interpreter, call)
    own = sources_of(interpreter, sources, call.line)
    folders = Objects(include_dirs=_folders(call.listed("include_directories")))
    return Library(
        str(name),
        joined((own, whole, folders)),
        joined(
            (brought(interpreter, call.listed("dependencies"), call.line), archives)
        ),
    )


def _folders(values: Iterable[Value]) -> tuple[str, ...]:
    """The folders of the tree among what a library names for its headers."""
    folders: list[str] = []
    for value in flattened(list(values)):
        if isinstance(value, IncludeFolders):
            folders += value.names
    return tuple(folders)


def _include_directories(interpreter: Interpreter, call: Arguments) -> IncludeFolders:
    names = [one for one in flattened(call.values) if isinstance(one, str)]
    inside = [posixpath.normpath(interpreter.inside(name)) for name in names]
    return IncludeFolders(
        tuple(
            name
            for name in inside
            if name != ".." and not name.startswith(("/", "../"))
        )
    )


def _declare_dependency(interpreter: Interpreter, call: Arguments) -> Dependency:
    whole, archives = _linked(interpreter, call)
    sources = [*call.listed("sources"), *call.listed("objects")]
    return Dependency(
        "",
        True,
        joined(
            (
                sources_of(interpreter, sources, call.line),
                whole,
                brought(interpreter, call.listed("dependencies"), call.line),
                archives,
            )
        ),
    )


def _required(call: Arguments) -> bool:
    """False where the option that asks for a library is disabled."""
    required = call.keywords.get("required")
    return not (isinstance(required, Feature) and required.state == "disabled")


def find_library(interpreter: Interpreter, call: Arguments) -> Value:
    """``dependency()``, ``cc.find_library()``: there, unless it is known not to be."""
    names = flattened(call.values)
    for name in names:
        if isinstance(name, Unknown):
            return name
    found = any(name and name not in ABSENT for name in names) and _required(call)
    return Dependency(names[0] if names else "", found)


def _files(interpreter: Interpreter, call: Arguments) -> list[File | Unknown]:
    return [
        (
            value
            if isinstance(value, File | Unknown)
            else File(interpreter.inside(str(value)))
        )
        for value in flattened(call.values)
    ]


def _run_command(interpreter: Interpreter, call: Arguments) -> Value:
    """Nothing is run; a shell that lists the files of the folder is answered."""
    match call.values:
        case ["sh", "-c", str(script)] if found := _LISTING.fullmatch(script):
            folder = interpreter.root / interpreter.folder
            names = fnmatch.filter(sorted(os.listdir(folder)), found[1])
            return CommandOutput("".join(f"{name}\n" for name in names))
        case _:
            return _unknown(interpreter, call)


def _error(interpreter: Interpreter, call: Arguments) -> Value:
    said = " ".join(str(value) for value in call.values)
    raise interpreter.error(call.line, f"the build description gives up: {said}")


def _leave(interpreter: Interpreter, call: Arguments) -> Value:
    raise Leaving("subdir_done")


def _unknown(interpreter: Interpreter, call: Arguments) -> Value:
    first = next((value for value in call.values if isinstance(value, str)), "")
    return Unknown(f"{call.name}({first!r})" if first else f"{call.name}()")


def _nothing(interpreter: Interpreter, call: Arguments) -> Value:
    return None


def _generated(interpreter: Interpreter, call: Arguments) -> Value:
    output = call.keywords.get("output", call.values[0] if call.values else "")
    if isinstance(output, list):
        return [Generated(str(one)) for one in output]
    return Generated(str(output))


def _languages(interpreter: Interpreter, call: Arguments) -> bool:
    return "rust" not in call.values


def _range(interpreter: Interpreter, call: Arguments) -> list[int]:
    return list(range(*call.values))


def _join_paths(interpreter: Interpreter, call: Arguments) -> Value:
    values = flattened(call.values)
    unknown = [value for value in values if isinstance(value, Unknown)]
    return unknown[0] if unknown else PurePosixPath(*map(str, values)).as_posix()


def _is_variable(interpreter: Interpreter, call: Arguments) -> bool:
    return call.values[0] in interpreter.variables


def _get_variable(interpreter: Interpreter, call: Arguments) -> Value:
    name, *default = call.values
    if name in interpreter.variables:
        return interpreter.variables[name]
    if default:
        return default[0]
    raise interpreter.error(call.line, f"nothing has set the variable {name}")


def _unset_variable(interpreter: Interpreter, call: Arguments) -> None:
    interpreter.variables.pop(call.values[0], None)


def _set_variable(interpreter: Interpreter, call: Arguments) -> None:
    interpreter.variables[call.values[0]] = call.values[1]


FUNCTIONS: dict[str, Function] = {
    "configuration_data": lambda _interpreter, call: ConfigurationData(
        dict(*call.values)
    ),
    "declare_dependency": _declare_dependency,
    "dependency": find_library,
    "error": _error,
    "files": _files,
    "get_variable": _get_variable,
    "set_variable": _set_variable,
    "unset_variable": _unset_variable,
    "include_directories": _include_directories,
    "import": lambda _interpreter, call: MesonModule(call.values[0]),
    "is_variable": _is_variable,
    "join_paths": _join_paths,
    "range": _range,
    "run_command": _run_command,
    "subdir_done": _leave,
    "generator": lambda _interpreter, _call: MesonModule("generator"),
    "subproject": lambda _interpreter, call: MesonModule("subproject"),
    "add_languages": _languages,
    **dict.fromkeys(
        (
            "both_libraries",
            "build_target",
            "executable",
            "library",
            "shared_library",
            "shared_module",
            "static_library",
        ),
        library,
    ),
    **dict.fromkeys(("configure_file", "custom_target", "vcs_tag"), _generated),
    **dict.fromkeys(
        (
            "environment",
            "find_program",
            "run_target",
            "structured_sources",
        ),
        _unknown,
    ),
    **dict.fromkeys(
        (
            "add_global_arguments",
            "add_global_link_arguments",
            "add_project_arguments",
            "add_project_dependencies",
            "add_project_link_arguments",
            "add_test_setup",
            "alias_target",
            "assert",
            "benchmark",
            "debug",
            "install_data",
            "install_emptydir",
            "install_headers",
            "install_man",
            "install_subdir",
            "install_symlink",
            "message",
            "project",
            "summary",
            "test",
            "warning",
        ),
        _nothing,
    ),
}
"""By name; ``subdir`` and ``get_option`` need the tree and come with it."""
