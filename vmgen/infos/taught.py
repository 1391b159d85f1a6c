"""Formats that a user adds for custom infos that vmgen does not know.

A line of the grammar (``vmgen.grammar``) takes the place of an opaque info, as those do
that ``infos.formats`` has.  Python functions leave the field as it is, and generated code
calls them.  What C moves in its stead is a fact of a release: a format that says it holds
where the tree's functions move that, and nowhere else.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from vmgen import grammar, infos, ir
from vmgen.infos.described import Described, of_user
from vmgen.infos.model import KnownFunctions
from vmgen.ir.evaluate import Known, evaluate
from vmgen.lookup import Lookup
from vmgen.source import NOWHERE, Diagnostic, Position, VmgenError

_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)

_VERSIONS = 64
"""The most versions of a description that a format may depend on."""


@dataclass(frozen=True, slots=True)
class TaughtFormat:
    """What the info with the C ``symbol`` moves, in every ``file`` or in one: ``line``, or
    what the Python functions ``load`` and ``save`` (``MODULE:FUNCTION``) read and write.

    ``get`` and ``put`` are what its functions move where the format holds, empty for
    whatever they move.  ``position`` is where the user says it, ``excerpt`` that line.
    """

    symbol: str
    line: str = ""
    file: str = ""
    get: str = ""
    put: str = ""
    load: str = ""
    save: str = ""
    position: Position = NOWHERE
    excerpt: str = ""


def objections(formats: Iterable[TaughtFormat]) -> Iterator[Diagnostic]:
    """VG613 for each format that says nothing that can be read."""
    for one in formats:
        for member in ("load", "save"):
            name = getattr(one, member)
            if name and not _FUNCTION.fullmatch(name):
                message = f"its {member}: '{name}' is no Python function"
                yield _wrong(
                    one, message, "write MODULE:FUNCTION, as devices.ring:load"
                )
                break
        for member in ("line", "get", "put"):
            try:
                moves = grammar.parse(getattr(one, member))
                if member == "line" and not one.load:
                    if not moves:
                        raise ValueError("it moves nothing")
                    of_user(one.symbol, one.symbol, one.line, None, one.position)
            except ValueError as error:  # GrammarError is one
                yield _wrong(one, f"its {member}: {error}")
                break


def taught(program: ir.Program, formats: Iterable[TaughtFormat]) -> ir.Program:
    """The program with these formats in the place of opaque infos.

    An info whose functions move something else than the format is for stays opaque, and
    its reason says that.  Raises :class:`VmgenError` VG613 for a format that names a
    description that the program does not have.
    """
    known = {(one.file, one.symbol): one for one in formats}
    if not known:
        return program
    lookup = Lookup(program)
    return replace(
        program,
        modules=tuple(
            _Teacher(known, lookup, module).module() for module in program.modules
        ),
    )


def with_functions(
    program: ir.Program, named: Collection[tuple[str, str]]
) -> ir.Program:
    """The program without Python functions but those ``named``, ``load`` and ``save``: an
    info that has others is opaque."""

    def bare(field: ir.Field) -> ir.Field:
        match field.element:
            case ir.CustomElement(load=load, save=save) as custom if load or save:
                if (load, save) not in named:
                    return replace(field, element=replace(custom, load="", save=""))
        return field

    def of_module(module: ir.Module) -> ir.Module:
        found = tuple(
            one if fields == one.fields else replace(one, fields=fields)
            for one in module.descriptions
            for fields in (tuple(map(bare, one.fields)),)
        )
        same = found == module.descriptions
        return module if same else replace(module, descriptions=found)

    modules = tuple(map(of_module, program.modules))
    return program if modules == program.modules else replace(program, modules=modules)


def unmet(
    programs: Iterable[ir.Program],
    formats: Iterable[TaughtFormat],
    *,
    partly: bool = False,
) -> Iterator[Diagnostic]:
    """A warning (VG613) for each format whose info no field of the programs has, or one
    that vmgen reads from the C itself.

    ``partly``: the programs are a part of a tree, so that an info may be elsewhere unless
    the format's file is among them.
    """
    read: dict[str, set[str]] = {}
    asked: dict[str, set[str]] = {}
    for program in programs:
        for module in program.modules:
            for description in module.descriptions:
                for field in description.fields:
                    element = field.element
                    met = (
                        asked
                        if infos.is_opaque(element) or _is_taught(element)
                        else read
                    )
                    met.setdefault(getattr(element, "info", ""), set()).add(module.file)
    files = set().union(*read.values(), *asked.values())
    for one in formats:
        elsewhere = partly and one.file not in files and not _has(read, one)
        if elsewhere or _has(asked, one):
            continue
        close = difflib.get_close_matches(one.symbol, asked, 3)
        where = f" of {one.file}" if one.file else ""
        message = f"no field{where} has this info in what was read"
        hint = f"did you mean {', '.join(close)}?" if close else "it has no effect"
        if _has(read, one):
            message, hint = "vmgen reads this info from the C itself", "leave it out"
        yield replace(_wrong(one, message, hint), severity="warning")


def _symbol(info: str, owner: str) -> str:
    """The symbol of the description that a format becomes: one for all of a file, or for
    the ``owner`` on whose members or version it depends."""
    return f"{info.replace('.', '_')}.{owner or 'format'}"


def _is_taught(element: ir.Element) -> bool:
    match element:
        case ir.StructElement(symbol, info=info) if info:
            return symbol.startswith(_symbol(info, " ").strip())
        case ir.CustomElement(load=load):
            return bool(load)
        case _:
            return False


class _Teacher:
    """Puts formats into one module."""

    def __init__(
        self,
        formats: Mapping[tuple[str, str], TaughtFormat],
        lookup: Lookup,
        module: ir.Module,
    ) -> None:
        self._formats = formats
        self._lookup = lookup
        self._module = module
        self._made: dict[str, Described] = {}
        self._tests: list[ir.Function] = []

    def module(self) -> ir.Module:
        """The module with the descriptions that formats became."""
        found = tuple(map(self._description, self._module.descriptions))
        if not self._made and found == self._module.descriptions:
            return self._module
        made = self._made.values()
        inside = tuple(one for each in made for one in each.descriptions)
        tests = tuple(one for each in made for one in each.functions)
        return replace(
            self._module,
            descriptions=(*found, *inside),
            functions=(*self._module.functions, *tests, *self._tests),
        )

    def _description(self, description: ir.Description) -> ir.Description:
        fields = tuple(
            made
            for field in description.fields
            for made in self._field(description, field)
        )
        return replace(description, fields=fields)

    def _field(self, owner: ir.Description, field: ir.Field) -> tuple[ir.Field, ...]:
        custom = field.element
        if not isinstance(custom, ir.CustomElement) or not infos.is_opaque(custom):
            return (field,)
        keys = (self._module.file, custom.info), ("", custom.info)
        format = next(
            (self._formats[key] for key in keys if key in self._formats), None
        )
        if format is None:
            return (field,)
        for member, expected, met in (
            ("get", format.get, custom.get),
            ("put", format.put, custom.put),
        ):
            if expected and not KnownFunctions("", (expected,)).fits(met):
                reason = f"its {member} moves '{met}', its format is for '{expected}'"
                return (replace(field, element=replace(custom, reason=reason)),)
        if format.load:
            named = replace(custom, load=format.load, save=format.save)
            return (replace(field, element=named),)
        return self._formatted(owner, field, custom, format)

    def _formatted(
        self,
        owner: ir.Description,
        field: ir.Field,
        custom: ir.CustomElement,
        format: TaughtFormat,
    ) -> tuple[ir.Field, ...]:
        """The field as an object with the format's members; one for each range of the
        owner's versions where the format depends on them."""
        named = set(re.findall(r"\bparent\b|\bversion_id\b", format.line))
        symbol = _symbol(custom.info, owner.symbol if named else "")
        if symbol not in self._made:
            self._made[symbol] = self._described(symbol, owner, field, custom, format)
        made = self._made[symbol].descriptions[0]
        element = ir.StructElement(
            symbol,
            made.type,
            "version_id" in named,
            custom.info,
            custom.name,
            bool(named),
        )
        if "version_id" not in named:
            return (replace(field, element=element),)
        return tuple(
            self._versions(owner, replace(field, element=element), symbol, format)
        )

    def _described(
        self,
        symbol: str,
        owner: ir.Description,
        field: ir.Field,
        custom: ir.CustomElement,
        format: TaughtFormat,
    ) -> Described:
        states = re.findall(r"\bstate\((\w+)\)", format.line)
        inside = {one: self._lookup.find(one, self._module) for one in states}
        types = {name: one.description.type for name, one in inside.items() if one}
        type = re.sub(r"\W", "_", custom.info.removeprefix("vmstate_info_"))
        try:
            found = of_user(symbol, type, format.line, types, field.position)
        except ValueError as error:
            raise VmgenError(_wrong(format, f"its line: {error}")) from None
        if "version_id" not in format.line:
            return found
        first, *others = found.descriptions
        first = replace(
            first,
            version_id=owner.version_id,
            minimum_version_id=owner.minimum_version_id,
        )
        return replace(found, descriptions=(first, *others))

    def _versions(
        self,
        owner: ir.Description,
        field: ir.Field,
        symbol: str,
        format: TaughtFormat,
    ) -> Iterator[ir.Field]:
        """The field once for each range of versions in which its format is one."""
        decided = [
            one
            for function in self._made[symbol].functions
            if function.body is not None
            for one in ir.walk(function.body)
            if isinstance(one, ir.Binary) and ir.Version() in (one.left, one.right)
        ]
        window = range(owner.minimum_version_id, owner.version_id + 1)
        if len(window) > _VERSIONS:
            raise VmgenError(
                _wrong(format, f"{owner.symbol} has {len(window)} versions")
            )
        starts: list[int] = []
        before: list[int | None] = []
        for version in window:
            values = [evaluate(one, Known(version)) for one in decided]
            if not starts or values != before:
                starts.append(version)
            before = values
        if len(starts) < 2:
            yield replace(field, struct_version_id=owner.version_id)
            return
        there = self._exists(field, format)
        for first, stop in zip(starts, (*starts[1:], window.stop), strict=True):
            test = f"{symbol.replace('.', '_')}.v{first}"
            inside = ir.Binary("&&", ir.Binary("<=", ir.Const(first), ir.Version()),
                               ir.Binary("<", ir.Version(), ir.Const(stop)))  # fmt: skip
            body = inside if there is None else ir.Binary("&&", there, inside)
            self._tests.append(ir.Function(test, field.position, owner.type, body))
            yield replace(field, test=test, version_id=0, struct_version_id=first)

    def _exists(self, field: ir.Field, format: TaughtFormat) -> ir.Expr | None:
        """What says that a field is there; None for one that always is."""
        if not field.test:
            since = field.version_id
            return ir.Binary("<=", ir.Const(since), ir.Version()) if since else None
        function = self._lookup.functions(self._module).get(field.test)
        if function is None or function.body is None:
            message = (
                f"{field.test}() says whether it is there, which is not translated"
            )
            raise VmgenError(_wrong(format, message))
        return function.body


def _has(met: Mapping[str, set[str]], one: TaughtFormat) -> bool:
    files = met.get(one.symbol, set())
    return one.file in files if one.file else bool(files)


def _wrong(one: TaughtFormat, message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(
        "VG613",
        message,
        one.position,
        hint=hint,
        context=("[tool.vmgen.formats]", one.symbol),
        excerpt=one.excerpt,
    )
