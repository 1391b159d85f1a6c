"""Methods of meson's objects, as far as QEMU's build description calls them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from vmgen.linkmodel import host
from vmgen.linkmodel.functions import find_library, sources_of
from vmgen.linkmodel.interpreter import Arguments, Interpreter, Method, text_of
from vmgen.linkmodel.values import (
    CommandOutput,
    ConfigurationData,
    Dependency,
    Feature,
    File,
    Generated,
    Library,
    MesonModule,
    Objects,
    Rule,
    Selected,
    SourceSet,
    Unknown,
    Value,
    flattened,
)

# --- source sets ----------------------------------------------------------------------


def _add(interpreter: Interpreter, one: SourceSet, call: Arguments) -> None:
    """``add``: sources and dependencies, under a condition or not."""
    conditions = _conditions(interpreter, call)
    sources, dependencies = _contents(
        interpreter, [*call.values, *call.listed("if_true")], call.line
    )
    otherwise, _ = _contents(interpreter, call.listed("if_false"), call.line)
    one.rules.append(
        replace(
            conditions, sources=sources, dependencies=dependencies, otherwise=otherwise
        )
    )


def _add_all(interpreter: Interpreter, one: SourceSet, call: Arguments) -> None:
    """``add_all``: other source sets, under a condition or not."""
    conditions = _conditions(interpreter, call)
    sets = flattened([*call.values, *call.listed("if_true")])
    for value in sets:
        if isinstance(value, Unknown):
            raise interpreter.undecided(call.line, "a list of sources", value)
        if not isinstance(value, SourceSet):
            raise interpreter.error(call.line, "add_all() of what is no source set")
    one.rules.append(replace(conditions, sets=tuple(sets)))


def _conditions(interpreter: Interpreter, call: Arguments) -> Rule:
    """A rule with these conditions and nothing in it."""
    unknown: list[Unknown] = []
    keys: list[str] = []
    dependencies: list[Dependency] = []
    for value in flattened(call.listed("when")):
        match value:
            case str():
                keys.append(value)
            case Dependency():
                dependencies.append(value)
            case Unknown():
                unknown.append(interpreter.kept(value, call.line))
            case _:
                raise interpreter.error(call.line, "this condition is not understood")
    return Rule(tuple(keys), tuple(dependencies), tuple(unknown))


def _contents(
    interpreter: Interpreter, values: Iterable[Value], line: int
) -> tuple[tuple[Value, ...], tuple[Dependency, ...]]:
    sources: list[Value] = []
    dependencies: list[Dependency] = []
    for value in flattened(list(values)):
        match value:
            case File() | Generated():
                sources.append(value)
            case Unknown():
                sources.append(interpreter.kept(value, line))
            case str():
                sources.append(File(interpreter.inside(value)))
            case Dependency():
                dependencies.append(value)
            case _:
                raise interpreter.error(line, "this source is not understood")
    return tuple(sources), tuple(dependencies)


def _apply(interpreter: Interpreter, one: SourceSet, call: Arguments) -> Selected:
    configuration = call.values[0]
    if isinstance(configuration, ConfigurationData):
        configuration = configuration.values
    if isinstance(configuration, Unknown):
        raise interpreter.undecided(call.line, "a list of sources", configuration)
    return one.apply(configuration)


def _all(_interpreter: Interpreter, one: SourceSet, call: Arguments) -> list[Value]:
    chosen = one.apply(None)
    names = {"all_sources": chosen.sources, "all_dependencies": chosen.dependencies}
    return list(names[call.name])


# --- libraries ------------------------------------------------------------------------


def _objects(interpreter: Interpreter, one: Library, call: Arguments) -> Objects:
    if call.name == "extract_all_objects":
        return one.own
    values = [*call.values, *call.listed("sources")]
    return sources_of(interpreter, values, call.line)


def _partial(_interpreter: Interpreter, one: Dependency, _call: Arguments) -> Value:
    """Only flags come from it."""
    return Dependency(one.name, one.found)


# --- options, configurations ----------------------------------------------------------


def _feature(interpreter: Interpreter, one: Feature, call: Arguments) -> Value:
    condition = call.values[0] if call.values else False
    if isinstance(condition, Unknown):
        # A disabled feature stays what it is whatever is requested.
        return one if one.state == "disabled" else condition
    match call.name:
        case "enabled" | "disabled" | "auto":
            return one.state == call.name
        case "allowed":
            return one.state != "disabled"
        case "require":
            return one if condition else Feature("disabled")
        case "disable_if":
            return Feature("disabled") if condition else one
        case "enable_if":
            return Feature("enabled") if condition else one
        case "disable_auto_if":
            changes = condition and one.state == "auto"
            return Feature("disabled") if changes else one
        case _:
            changes = condition and one.state == "auto"
            return Feature("enabled") if changes else one


def _set(_interpreter: Interpreter, one: ConfigurationData, call: Arguments) -> None:
    one.values[call.values[0]] = call.values[1]


def _set_10(_interpreter: Interpreter, one: ConfigurationData, call: Arguments) -> None:
    name, value = call.values
    one.values[name] = value if isinstance(value, Unknown) else int(value)


def _get(interpreter: Interpreter, one: ConfigurationData, call: Arguments) -> Value:
    name, *default = call.values
    value = one.values.get(name, *default)
    if value is None or isinstance(value, Unknown):
        # What a build finds out is what vmgen's own config-host.h says.
        header = interpreter.variables[HOST_HEADER]
        return name in header
    return value


HOST_HEADER = "<config-host.h>"
"""Where the interpreter keeps the macros of config-host.h, out of reach of the tree."""


# --- plain values ---------------------------------------------------------------------


def _split(_interpreter: Interpreter, one: str, call: Arguments) -> list[str]:
    return one.split(call.values[0] if call.values else None)


def _format(_interpreter: Interpreter, one: str, call: Arguments) -> Value:
    values = dict(enumerate(call.values))
    wanted = [int(number) for number in re.findall(r"@(\d+)@", one)]
    for number in wanted:
        if isinstance(values.get(number), Unknown):
            return values[number]

    def text(match: re.Match[str]) -> str:
        return text_of(values.get(int(match[1]), match[0]))

    return re.sub(r"@(\d+)@", text, one)


def _join(_interpreter: Interpreter, one: str, call: Arguments) -> Value:
    values = flattened(call.values)
    unknown = [value for value in values if isinstance(value, Unknown)]
    return unknown[0] if unknown else one.join(text_of(value) for value in values)


def _to_int(interpreter: Interpreter, one: str, call: Arguments) -> int:
    try:
        return int(one, 0)
    except ValueError:
        raise interpreter.error(call.line, f"{one!r} is no number") from None


def _substring(_interpreter: Interpreter, one: str, call: Arguments) -> str:
    return one[slice(*(call.values + [None] * 2)[:2])]


def _version_compare(_interpreter: Interpreter, one: str, call: Arguments) -> bool:
    match = re.match(r"\s*(>=|<=|!=|==|=|>|<)?\s*(.*)", call.values[0])
    assert match is not None  # every part is optional
    # A number is more than a word (mesonbuild/mesonlib.py, Version).
    left, right = (
        [
            (part.isdigit(), int(part) if part.isdigit() else part)
            for part in re.findall(r"\d+|[a-zA-Z]+", text)
        ]
        for text in (one, match[2])
    )
    return {
        ">=": left >= right,
        "<=": left <= right,
        "!=": left != right,
        ">": left > right,
        "<": left < right,
    }.get(match[1] or "==", left == right)


def _list_get(interpreter: Interpreter, one: list[Value], call: Arguments) -> Value:
    index, *default = call.values
    if -len(one) <= index < len(one):
        return one[index]
    if default:
        return default[0]
    raise interpreter.error(call.line, f"a list has no item {index}")


def _dict_get(
    interpreter: Interpreter, one: dict[str, Value], call: Arguments
) -> Value:
    key, *default = call.values
    if key in one:
        return one[key]
    if default:
        return default[0]
    raise interpreter.error(call.line, f"a dictionary has no key {key!r}")


def _list_contains(
    _interpreter: Interpreter, one: list[Value], call: Arguments
) -> Value:
    items = flattened(one)
    if call.values[0] in (*one, *items):
        return True
    return next((item for item in items if isinstance(item, Unknown)), False)


def _plain(compute: Callable[..., Value]) -> Method:
    """A method of a value that needs its arguments only."""

    def method(_interpreter: Interpreter, one: Value, call: Arguments) -> Value:
        for value in call.values:
            if isinstance(value, Unknown):
                return value
        return compute(one, *call.values)

    return method


def _constant(value: Value) -> Method:
    return lambda _interpreter, _one, _call: value


def _opaque(_interpreter: Interpreter, one: Value, call: Arguments) -> Unknown:
    """What a compiler or a program would have to be run for."""
    name = one.name if isinstance(one, MesonModule) else type(one).__name__.lower()
    return Unknown(f"{name}.{call.name}()", external=True)


# --- modules --------------------------------------------------------------------------


def _exists(interpreter: Interpreter, _one: MesonModule, call: Arguments) -> Value:
    name = call.values[0]
    if isinstance(name, Unknown):
        return name
    path = name.path if isinstance(name, File) else interpreter.inside(str(name))
    found = interpreter.root / path
    return {"exists": found.exists, "is_dir": found.is_dir, "is_file": found.is_file}[
        call.name
    ]()


def _read(interpreter: Interpreter, _one: MesonModule, call: Arguments) -> Value:
    name = call.values[0]
    if isinstance(name, Unknown):
        return name
    path = name.path if isinstance(name, File) else interpreter.inside(str(name))
    return (interpreter.root / path).read_text(encoding="utf-8")


def _path_part(_interpreter: Interpreter, _one: MesonModule, call: Arguments) -> Value:
    name = call.values[0]
    if isinstance(name, Unknown):
        return name
    path = PurePosixPath(name.path if isinstance(name, File) else str(name))
    if call.name == "replace_suffix":
        return path.with_suffix(call.values[1]).as_posix()
    return {"name": path.name, "stem": path.stem, "parent": path.parent.as_posix()}[
        call.name
    ]


def _subproject_variable(
    _interpreter: Interpreter, _one: MesonModule, call: Arguments
) -> Dependency:
    """A library that QEMU ships; no description is in any of them."""
    return Dependency(str(call.values[0]))


def _load_keys(interpreter: Interpreter, _one: MesonModule, call: Arguments) -> Value:
    """``keyval.load``: the host's and a target's makefile, or one of the tree's."""
    name = call.values[0]
    if isinstance(name, Unknown):
        return name
    text = name.path if isinstance(name, File) else name
    text = text.name if isinstance(text, Generated) else str(text)
    known = interpreter.variables[MAKEFILES]
    base = text.rpartition("/")[2]
    if base in known:
        return known[base]
    path = interpreter.root / text
    if not path.is_file():
        raise interpreter.error(call.line, f"there is no file {text}")
    return {
        key.strip(): value.strip()
        for line in path.read_text(encoding="utf-8").splitlines()
        for key, equals, value in [line.partition("#")[0].partition("=")]
        if equals
    }


MAKEFILES = "<makefiles>"
"""Where the interpreter keeps what a build's generated ``.mak`` files say, by name."""


_BY_TYPE: dict[type, dict[str, Method]] = {
    SourceSet: {
        "add": _add,
        "add_all": _add_all,
        "apply": _apply,
        "all_sources": _all,
        "all_dependencies": _all,
    },
    Selected: {
        "sources": lambda _interpreter, one, _call: list(one.sources),
        "dependencies": lambda _interpreter, one, _call: list(one.dependencies),
    },
    Library: {
        "extract_all_objects": _objects,
        "extract_objects": _objects,
        "name": lambda _interpreter, one, _call: one.name,
        "full_path": _opaque,
    },
    Dependency: {
        "found": lambda _interpreter, one, _call: one.found,
        "name": lambda _interpreter, one, _call: one.name,
        "partial_dependency": _partial,
        "as_system": lambda _interpreter, one, _call: one,
        **dict.fromkeys(
            (
                "full_path",
                "get_pkgconfig_variable",
                "get_variable",
                "type_name",
                "version",
            ),
            _opaque,
        ),
    },
    Feature: dict.fromkeys(
        (
            "allowed",
            "auto",
            "disable_auto_if",
            "disable_if",
            "disabled",
            "enable_auto_if",
            "enable_if",
            "enabled",
            "require",
        ),
        _feature,
    ),
    ConfigurationData: {
        "set": _set,
        "set_quoted": _set,
        "set10": _set_10,
        "get": _get,
        "has": lambda _interpreter, one, call: call.values[0] in one.values,
        "keys": lambda _interpreter, one, _call: sorted(one.values),
    },
    CommandOutput: {
        "stdout": lambda _interpreter, one, _call: one.text,
        "stderr": _constant(""),
        "returncode": _constant(0),
    },
    Generated: {
        "full_path": _opaque,
        "to_list": lambda _interpreter, one, _call: [one],
        "process": _opaque,
    },
    str: {
        "contains": _plain(lambda one, other: other in one),
        "endswith": _plain(str.endswith),
        "format": _format,
        "join": _join,
        "replace": _plain(str.replace),
        "split": _split,
        "splitlines": _plain(str.splitlines),
        "startswith": _plain(str.startswith),
        "strip": _plain(str.strip),
        "substring": _substring,
        "to_int": _to_int,
        "to_lower": _plain(str.lower),
        "to_upper": _plain(str.upper),
        "underscorify": _plain(lambda one: re.sub(r"[^a-zA-Z0-9]", "_", one)),
        "version_compare": _version_compare,
    },
    bool: {
        "to_string": _plain(lambda one, *words: (words or ("true", "false"))[not one]),
        "to_int": _plain(int),
    },
    int: {"to_string": _plain(str)},
    list: {
        "contains": _list_contains,
        "get": _list_get,
        "length": _plain(len),
    },
    dict: {
        "get": _dict_get,
        "has_key": _plain(lambda one, key: key in one),
        "keys": _plain(lambda one: sorted(one)),
        "values": _plain(lambda one: [one[key] for key in sorted(one)]),
    },
}

_MODULES: dict[str, dict[str, Method]] = {
    "sourceset": {"source_set": lambda _interpreter, _one, _call: SourceSet()},
    "keyval": {"load": _load_keys},
    "fs": {
        "exists": _exists,
        "is_dir": _exists,
        "is_file": _exists,
        "name": _path_part,
        "parent": _path_part,
        "read": _read,
        "replace_suffix": _path_part,
        "stem": _path_part,
    },
    "subproject": {"get_variable": _subproject_variable, "found": _constant(True)},
    "generator": {"process": _constant(Generated())},
    "machine": {
        "system": _constant(host.SYSTEM),
        "cpu": _constant(host.CPU),
        "cpu_family": _constant(host.CPU),
        "endian": _constant("little"),
    },
    "compiler": {"find_library": lambda i, _one, call: find_library(i, call)},
    "meson": {
        "add_devenv": _constant(None),
        "add_dist_script": _constant(None),
        "add_install_script": _constant(None),
        "add_postconf_script": _constant(None),
        "current_build_dir": _constant(""),
        "current_source_dir": lambda i, _one, _call: (i.root / i.folder).as_posix(),
        "get_compiler": _constant(MesonModule("compiler")),
        "get_external_property": lambda _i, _one, call: call.values[-1],
        "is_cross_build": _constant(False),
        "override_dependency": _constant(None),
        "version": _constant(host.MESON),
        "project_build_root": _constant(""),
        "project_source_root": lambda i, _one, _call: i.root.as_posix(),
    },
}
_ASKED_OF_A_MACHINE = frozenset(("compiler", "meson"))


def method(value: Value, name: str) -> Method | None:
    """The method of that name, None if the value has none."""
    if isinstance(value, MesonModule):
        found = _MODULES.get(value.name, {}).get(name)
        known = value.name in _MODULES and value.name not in _ASKED_OF_A_MACHINE
        return found or (None if known else _opaque)
    kind = dict if isinstance(value, dict) else type(value)
    return _BY_TYPE.get(kind, {}).get(name)
