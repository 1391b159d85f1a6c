"""QAPI schema in, C type headers out.

QEMU's sources embed types that its build generates from ``qapi/*.json``.  The tree's own
generator checks the documentation of every command on the way and takes more than a
second; what a struct layout needs is the definitions alone, in a few milliseconds.  The
language read here is the one of QEMU's docs/devel/qapi-code-gen.rst, and the types are
those that scripts/qapi/types.py prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vmgen.tree.qapi_names import c_name, capitals_by_letters, capitals_by_runs
from vmgen.tree.qapi_schema import Json, expressions, unknown

_BUILTINS = {
    "str": "char *",
    "number": "double",
    "int": "int64_t",
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "uint8": "uint8_t",
    "uint16": "uint16_t",
    "uint32": "uint32_t",
    "uint64": "uint64_t",
    "size": "uint64_t",
    "bool": "bool",
    "any": "QObject *",
    "null": "QNull *",
}
_QTYPES = ("none", "qnull", "qnum", "qstring", "qdict", "qlist", "qbool")
_KINDS = (
    "include",
    "pragma",
    "enum",
    "struct",
    "union",
    "alternate",
    "command",
    "event",
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between releases of QEMU's own generator.

    ``pointers_are_optional``: an absent pointer member is NULL, without a ``has_`` flag
    of its own, arrays aside (8.0).  ``runs_of_capitals``: enum prefixes split ``ENUMName`` as
    ``ENUM_NAME`` also where the older rule did not (8.2).
    """

    pointers_are_optional: bool
    runs_of_capitals: bool


def dialect(root: Path) -> Dialect:
    """Reads off the tree's generator which rules it has, rather than off its version."""
    common = (root / "scripts/qapi/common.py").read_text(encoding="utf-8")
    # Up to 5.0 all of the generator is in one file.
    schema = root / "scripts/qapi/schema.py"
    rules = schema.read_text(encoding="utf-8") if schema.is_file() else common
    return Dialect(
        pointers_are_optional="def need_has" in rules,
        runs_of_capitals="upc =" in common,
    )


def headers(root: Path) -> dict[str, str]:
    """The headers of the tree at ``root``: path below the config folder -> text.

    Raises :class:`VmgenError` (VG105) for a schema in a language this does not know.
    """
    schema = _Schema(dialect(root))
    schema.read(root / "qapi/qapi-schema.json", root)
    return schema.headers()


def enums(root: Path) -> dict[str, tuple[str, ...]]:
    """The names of the values of each enum, by number; without the enums whose members
    depend on the configuration, and empty for a tree without a schema.

    Raises :class:`VmgenError` (VG105) as :func:`headers` does.
    """
    if not (root / "qapi/qapi-schema.json").is_file():
        return {}
    schema = _Schema(dialect(root))
    schema.read(root / "qapi/qapi-schema.json", root)
    found = {}
    for name, definition in schema.definition.items():
        if schema.kind[name] == "enum":
            members = [
                value if isinstance(value, dict) else {"name": value}
                for value in definition["data"]
            ]
            if not any("if" in member for member in members):
                found[c_name(name)] = tuple(member["name"] for member in members)
    return found


@dataclass(slots=True)
class _Module:
    name: str
    includes: list[str] = field(default_factory=list)
    definitions: list[tuple[str, Mapping[str, Json]]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    forward: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)


class _Schema:
    def __init__(self, rules: Dialect) -> None:
        self.rules = rules
        self.modules: dict[str, _Module] = {}
        self.kind: dict[str, str] = dict.fromkeys(_BUILTINS, "builtin")
        self.definition: dict[str, Mapping[str, Json]] = {}
        self.home: dict[str, str] = {}
        self.arrays: dict[str, None] = {}
        self.printed: set[str] = set()

    # Reading.

    def read(self, path: Path, root: Path) -> str:
        """Reads one schema file and what it includes; returns its module's name."""
        name = path.stem
        if name in self.modules:
            return name
        module = self.modules[name] = _Module(name)
        where = path.relative_to(root).as_posix()
        for expression, line in expressions(
            path.read_text(encoding="utf-8"), path, where
        ):
            kind = next((kind for kind in _KINDS if kind in expression), "")
            if not kind:
                raise unknown(where, line, f"a schema entry {sorted(expression)}")
            if (
                kind in ("enum", "struct", "union", "alternate")
                and "data" not in expression
            ):
                raise unknown(
                    where, line, f"the {kind} {expression[kind]} without data"
                )
            if kind == "include":
                module.includes.append(
                    self.read(path.parent / expression["include"], root)
                )
                continue
            if kind == "pragma":
                continue
            symbol = expression[kind]
            if kind == "event":
                module.events.append(symbol)
            elif kind != "command":
                self.kind[symbol] = kind
                self.definition[symbol] = expression
                self.home[symbol] = name
                module.definitions.append((symbol, expression))
            self._note_arrays(expression)
        return name

    def _note_arrays(self, expression: Mapping[str, Json]) -> None:
        data = expression.get("data", {})
        members: list[Json] = [expression.get("returns")]
        if isinstance(data, dict):
            members += data.values()
        if isinstance(expression.get("base"), dict):
            members += expression["base"].values()
        for member in members:
            spelled = member.get("type") if isinstance(member, dict) else member
            if isinstance(spelled, list):
                self.arrays[spelled[0]] = None

    # Printing.

    def headers(self) -> dict[str, str]:
        builtin = _Module("builtin")
        builtin.forward.append(
            self._enum("QType", {"data": list(_QTYPES), "prefix": "QTYPE"})
        )
        for name in _BUILTINS:
            builtin.forward.append(_forward(f"{name}List"))
            builtin.bodies.append(self._array(name))
        for module in self.modules.values():
            for symbol, expression in module.definitions:
                self._define(module, symbol, expression)
        for element in self.arrays:
            if element in _BUILTINS:
                continue
            if element not in self.definition and element != "QType":
                raise unknown("qapi", 0, f"an array of the undefined {element}")
            home = self.modules[self.home[element]]
            condition = self.definition[element].get("if")
            home.forward.append(_under(condition, _forward(f"{element}List")))
            home.bodies.append(_under(condition, self._array(element)))

        out = {
            "qapi/qapi-builtin-types.h": _header(
                "qapi-builtin-types",
                ["qapi/util.h"],
                [*builtin.forward, *builtin.bodies],
            ),
            "qapi/qapi-builtin-visit.h": _header(
                "qapi-builtin-visit",
                ["qapi/visitor.h", "qapi/qapi-builtin-types.h"],
                [],
            ),
            "qapi/qapi-emit-events.h": _header(
                "qapi-emit-events", ["qapi/util.h"], [self._events()]
            ),
            "qapi/qapi-features.h": _header(
                "qapi-features", ["qapi/util.h"], [self._features()]
            ),
            "qapi/qapi-introspect.h": _header("qapi-introspect", [], []),
            "qapi/qapi-init-commands.h": _header("qapi-init-commands", [], []),
        }
        for module in self.modules.values():
            main = module.name == "qapi-schema"
            suffix = "" if main else f"-{module.name}"
            for part in ("types", "visit", "commands", "events"):
                includes = [
                    (
                        "qapi/qapi-builtin-types.h"
                        if part != "visit"
                        else "qapi/qapi-builtin-visit.h"
                    )
                ]
                if part != "types":
                    includes.append(f"qapi/qapi-types{suffix}.h")
                # Only types and visitors of other modules are part of a module's own.
                if main or part in ("types", "visit"):
                    includes += [
                        f"qapi/qapi-{part}-{other}.h" for other in module.includes
                    ]
                text = [*module.forward, *module.bodies] if part == "types" else []
                name = f"qapi-{part}{suffix}"
                out[f"qapi/{name}.h"] = _header(name, includes, text)
        return out

    def _define(
        self, module: _Module, symbol: str, expression: Mapping[str, Json]
    ) -> None:
        condition = expression.get("if")
        if self.kind[symbol] == "enum":
            module.forward.append(_under(condition, self._enum(symbol, expression)))
            return
        if _is_simple(expression):
            kinds = [
                {"name": name, "if": _member(value)[1]}
                for name, value in expression["data"].items()
            ]
            text = self._enum(f"{symbol}Kind", {"data": kinds})
            module.forward.append(_under(condition, text))
        module.forward.append(_under(condition, _forward(symbol)))
        module.bodies += self._object(symbol)

    def _object(self, symbol: str) -> Iterator[str]:
        """The struct, after the structs that its union embeds by value."""
        if symbol in self.printed:
            return
        self.printed.add(symbol)
        expression = self.definition[symbol]
        kind = self.kind[symbol]
        branches: list[tuple[str, str, Json]] = []
        if kind in ("union", "alternate"):
            branches = [
                (name, *_member(value)) for name, value in expression["data"].items()
            ]
            if _is_simple(expression):
                yield from self._wrappers(branches)
                branches = [
                    (name, _wrapper(type_name), condition)
                    for name, type_name, condition in branches
                ]
            for _, type_name, _ in branches:
                if self.kind.get(type_name) in ("struct", "union"):
                    yield from self._object(type_name)
        lines = list(self._members(symbol))
        if _is_simple(expression):
            lines.append(f"    {c_name(symbol)}Kind type;")
        if kind == "alternate":
            lines.append("    QType type;")
        if branches:
            lines.append("    union {")
            for name, type_name, condition in branches:
                spelled = _declare(self._unboxed(type_name), c_name(name))
                lines.append(_under(condition, f"        {spelled};"))
            lines.append("    } u;")
        if not lines:
            lines.append("    char qapi_dummy_for_empty_struct;")
        name = c_name(symbol)
        body = "\n".join((f"struct {name} {{", *lines, "};"))
        condition = expression.get("if")
        yield _under(condition, body)
        base = expression.get("base")
        if isinstance(base, str):
            of = c_name(base)
            yield _under(
                condition,
                f"static inline {of} *qapi_{name}_base(const {name} *obj)\n"
                f"{{\n    return ({of} *)obj;\n}}",
            )
        yield _under(condition, _cleanup(name))

    def _wrappers(self, branches: Iterable[tuple[str, str, Json]]) -> Iterator[str]:
        """The structs that hold the branches of a union without a discriminator."""
        for _, type_name, _ in branches:
            wrapper = _wrapper(type_name)
            if wrapper not in self.printed:
                self.printed.add(wrapper)
                member = _declare(self._spelled(type_name), "data")
                yield f"{_forward(wrapper)}\nstruct {wrapper} {{\n    {member};\n}};"

    def _members(self, symbol: str) -> Iterator[str]:
        """The members of a struct, those of its base first."""
        expression = self.definition[symbol]
        base = expression.get("base")
        if isinstance(base, str):
            yield from self._members(base)
        elif base:
            yield from self._plain(base)
        if self.kind[symbol] == "struct":
            yield from self._plain(expression["data"])

    def _plain(self, data: Mapping[str, Json]) -> Iterator[str]:
        for name, value in data.items():
            type_name, condition = _member(value)
            spelled = self._spelled(type_name)
            plain = name.removeprefix("*")
            text = f"    {_declare(spelled, c_name(plain))};"
            flagged = not self.rules.pointers_are_optional or (
                not spelled.endswith("*") or type_name.endswith("[]")
            )
            if plain != name and flagged:
                text = f"    bool has_{c_name(plain)};\n{text}"
            yield _under(condition, text)

    def _spelled(self, name: str) -> str:
        """A member's type in C, before its name."""
        if name.endswith("[]"):
            return c_name(f"{name[:-2]}List") + " *"
        return self._boxed(name)

    def _boxed(self, name: str) -> str:
        if name in _BUILTINS:
            return _BUILTINS[name]
        if name == "QType":
            return name
        kind = self.kind.get(name)
        if kind is None:
            raise unknown("qapi", 0, f"the undefined type {name}")
        return c_name(name) if kind == "enum" else f"{c_name(name)} *"

    def _unboxed(self, name: str) -> str:
        if self.kind.get(name) in ("struct", "union") or name in self.printed:
            return c_name(name)
        return self._spelled(name)

    def _array(self, element: str) -> str:
        name = c_name(f"{element}List")
        value = _declare(self._boxed(element), "value")
        return f"struct {name} {{\n    {name} *next;\n    {value};\n}};\n" + _cleanup(
            name
        )

    def _enum(self, symbol: str, expression: Mapping[str, Json]) -> str:
        prefix = expression.get("prefix")
        if prefix is None or not self.rules.runs_of_capitals:
            prefix = self._upper(prefix or symbol)
        lines = []
        for value in [*expression["data"], "_MAX"]:
            member = value if isinstance(value, dict) else {"name": value}
            constant = c_name(member["name"], protect=False).upper()
            lines.append(_under(member.get("if"), f"    {prefix}_{constant},"))
        name = c_name(symbol)
        return "\n".join(
            (
                f"typedef enum {name} {{",
                *lines,
                f"}} {name};",
                f"#define {name}_str(val) qapi_enum_lookup(&{name}_lookup, (val))",
                f"extern const QEnumLookup {name}_lookup;",
            )
        )

    def _upper(self, name: str) -> str:
        return (
            capitals_by_runs if self.rules.runs_of_capitals else capitals_by_letters
        )(name)

    def _events(self) -> str:
        lines = [
            f"    QAPI_EVENT_{c_name(symbol, protect=False)},"
            for module in self.modules.values()
            for symbol in module.events
        ]
        return "\n".join(
            (
                "typedef enum QAPIEvent {",
                *lines,
                "    QAPI_EVENT__MAX,",
                "} QAPIEvent;",
                "#define QAPIEvent_str(val) qapi_enum_lookup(&QAPIEvent_lookup, (val))",
                "extern const QEnumLookup QAPIEvent_lookup;",
            )
        )

    def _features(self) -> str:
        names: set[str] = set()

        def walk(value: Json) -> None:
            if isinstance(value, dict):
                for feature in value.get("features", ()):
                    names.add(feature if isinstance(feature, str) else feature["name"])
                for child in value.values():
                    walk(child)
            elif isinstance(value, list):
                for child in value:
                    walk(child)

        for expression in self.definition.values():
            walk(expression)
        # The first two are in qapi/util.h as well, which gives them their values.
        own = sorted(names - {"deprecated", "unstable"})
        lines = [
            f"    QAPI_FEATURE_{c_name(name, protect=False).upper()}," for name in own
        ]
        first = "    QAPI_FEATURE_DEPRECATED = QAPI_DEPRECATED,"
        second = "    QAPI_FEATURE_UNSTABLE = QAPI_UNSTABLE,"
        return "\n".join(("typedef enum {", first, second, *lines, "} QapiFeature;"))


def _is_simple(expression: Mapping[str, Json]) -> bool:
    """Whether it is a union without a discriminator (up to 6.1), which gets an enum of
    its branches and a wrapper around each."""
    return "union" in expression and "discriminator" not in expression


def _wrapper(type_name: str) -> str:
    element = type_name.removesuffix("[]")
    return c_name(f"q_obj_{element}{'List' * (element != type_name)}-wrapper")


def _member(value: Json) -> tuple[str, Json]:
    """A member's type (an array as ``Element[]``) and its condition."""
    condition = None
    if isinstance(value, dict):
        condition = value.get("if")
        value = value["type"]
    return (f"{value[0]}[]" if isinstance(value, list) else value), condition


def _condition(condition: Json, nested: bool = False) -> str:
    if isinstance(condition, str):
        # Up to 6.1 it is C text; then a macro's name.
        return f"defined({condition})" if condition.isidentifier() else f"({condition})"
    if isinstance(condition, list):
        return " && ".join(_condition(operand) for operand in condition)
    ((operator, operands),) = condition.items()
    if operator == "not":
        return "!" + _condition(operands, True)
    joint = {"all": " && ", "any": " || "}[operator]
    text = joint.join(_condition(operand, True) for operand in operands)
    return f"({text})" if nested else text


def _under(condition: Json, text: str) -> str:
    return f"#if {_condition(condition)}\n{text}\n#endif" if condition else text


def _declare(spelled: str, name: str) -> str:
    return f"{spelled}{name}" if spelled.endswith("*") else f"{spelled} {name}"


def _forward(name: str) -> str:
    plain = c_name(name)
    return f"typedef struct {plain} {plain};"


def _cleanup(name: str) -> str:
    return (
        f"void qapi_free_{name}({name} *obj);\n"
        f"G_DEFINE_AUTOPTR_CLEANUP_FUNC({name}, qapi_free_{name})"
    )


def _header(name: str, includes: list[str], parts: list[str]) -> str:
    guard = c_name(name, protect=False).upper() + "_H"
    lines = [f"#ifndef {guard}", f"#define {guard}"]
    lines += [f'#include "{include}"' for include in includes]
    return "\n".join((*lines, *parts, "#endif", ""))
