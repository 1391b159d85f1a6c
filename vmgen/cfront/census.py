"""Which objects of a type a preprocessed file defines, and what may hide one.

The text only says where to look: every declaration that mentions the type, an alias of
it or an object of it, in another way than for a pointer, is parsed, and the layout says
what type an object has.  What defines one and is not understood is a diagnostic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from vmgen.cfront import syntax as c
from vmgen.cfront.convert import Parsed
from vmgen.cfront.ctype import Array, CType, Record
from vmgen.cfront.layout import FILE_SCOPE, Layout, Scope
from vmgen.cfront.split import Declaration
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import Node, uncast, walk
from vmgen.source import Diagnostic, Position, VmgenError

_GAP = r"(?:\s|#[^\n]*\n)*+"
_QUALIFIER = r"(?:(?:const|volatile|restrict|__const(?:__)?|__volatile(?:__)?)\b)"
_HEAD_END = re.compile(r"[={]")
_EXTERN = re.compile(r"\s*(?:__extension__\s+)?extern\b")


Elsewhere = Literal["automatic", "unnamed"]
"""Objects that are no ``Found`` and that somebody else reads: variables of functions, and
compound literals."""

NOTHING: frozenset[Elsewhere] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """An object of the type, or an array of it.

    ``symbol`` is its name; ``function.name`` for a static object in a function where the
    name alone is not unique in the file.  ``function`` is where a static object is.
    """

    symbol: str
    declared: c.ObjectDecl
    is_array: bool
    function: str = ""


@dataclass(frozen=True, slots=True)
class Census:
    """Every object of one type that a file defines, in order of appearance: those with an
    initialiser, then ``static`` ones in functions, then those that are defined without
    an initialiser and therefore zero (C11 6.9.2).

    ``missed`` says what else defines one, or may, and why it is not among them.
    """

    type: str
    found: tuple[Found, ...] = ()
    missed: tuple[Diagnostic, ...] = ()
    _scopes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def scope(self, function: str) -> Mapping[str, str]:
        """The symbols of the objects of a function that are called otherwise than in
        its text, by their names there."""
        return self._scopes.get(function, {})


def census(
    unit: Unit, layout: Layout, type_: str, elsewhere: frozenset[Elsewhere] = NOTHING
) -> Census:
    """The objects of ``type_``, a typedef name or a tag, and the arrays of it.

    What has no name, or lives only while a function runs, is missed unless it is read
    ``elsewhere``.
    """
    return _Census(unit, layout, type_, elsewhere).taken()


class _Census:
    def __init__(
        self, unit: Unit, layout: Layout, type_: str, elsewhere: frozenset[Elsewhere]
    ) -> None:
        self._unit = unit
        self._layout = layout
        self._type = type_
        self._elsewhere = elsewhere
        #: What a declaration of such an object mentions, unless its type is inferred.
        self._words: set[str] = {type_}
        #: Types that have a member of the type.
        self._around: set[CType] = set()
        self._missed: list[Diagnostic] = []
        self._defined: dict[str, Found] = {}
        self._zero: dict[str, Found] = {}
        self._local: list[Found] = []

    def taken(self) -> Census:
        if not self._unit.mentions(self._type):
            return Census(self._type, missed=self._unreadable())
        try:
            self._target = self._resolved_type()
        except VmgenError as error:
            return Census(self._type, missed=error.diagnostics)
        self._take_types()
        for declaration in self._candidates():
            self._take(declaration)
        local, scopes = self._named_apart()
        zero = [one for name, one in self._zero.items() if name not in self._defined]
        missed = dict.fromkeys((*self._missed, *self._unreadable()))
        found = (*self._defined.values(), *local, *zero)
        return Census(self._type, found, tuple(missed), scopes)

    def _unreadable(self) -> tuple[Diagnostic, ...]:
        try:
            self._unit.check_rest(self._type)
        except VmgenError as error:
            return error.diagnostics
        return ()

    # --- types ------------------------------------------------------------------------

    def _resolved_type(self) -> CType:
        if self._unit.typedef(self._type) is None:
            return Record("struct", self._type)
        found = self._layout.resolve(c.NamedType(self._type))
        if isinstance(found, Record) and not found.tag.startswith("<"):
            self._words.add(found.tag)
        return found

    def _take_types(self) -> None:
        """Learn the other names of the type, and what has members of it."""
        before = 0
        while len(self._words) != before:
            before = len(self._words)
            for declaration in self._unit.mentioning(self._words, inferred=True):
                text = declaration.text
                if declaration.is_typedef or ("{" in text and self._is_near(text)):
                    self._take_type(declaration)

    def _take_type(self, declaration: Declaration) -> None:
        try:
            parsed = self._unit.read(declaration)
        except VmgenError:
            return  # said again where an object is declared so, or with its text
        for typedef in parsed.typedefs.values():
            if typedef.name not in self._words and self._fits(typedef.type):
                self._words.add(typedef.name)
        for record in parsed.records.values():
            if any(self._fits(member.type) for member in record.members):
                around = Record(record.kind, record.tag)
                if around != self._target and around not in self._around:
                    self._around.add(around)
                    self._words.add(record.tag)

    def _fits(self, type_: c.TypeExpr) -> bool:
        """Whether it is the type, or holds one."""
        try:
            found = self._element(type_, None)
        except VmgenError:
            return False
        return found == self._target or found in self._around

    def _element(
        self,
        type_: c.TypeExpr,
        initializer: c.Expr | c.InitList | None,
        scope: Scope = FILE_SCOPE,
    ) -> CType:
        """The type of an object, or of the elements of an array."""
        while isinstance(type_, c.ArrayType):
            type_ = type_.element
        found = self._resolved(c.LocalDecl("", type_, initializer), scope)
        while isinstance(found, Array):
            found = found.element
        return found

    def _resolved(self, declared: c.LocalDecl, scope: Scope) -> CType:
        """The type of a variable, of its initialiser for ``__auto_type``."""
        value = declared.initializer
        if isinstance(declared.type, c.AutoType) and isinstance(value, c.Expr):
            return self._layout.type_of(value, scope)
        return self._layout.resolve(declared.type, scope)

    # --- where to look ----------------------------------------------------------------

    def _candidates(self) -> Iterator[Declaration]:
        """What may define an object of the type."""
        for declaration in self._unit.mentioning(self._words, inferred=True):
            text = declaration.text
            if declaration.is_typedef:
                continue
            if "=" not in text and "{" not in text and _EXTERN.match(text):
                continue
            if declaration.is_inferred or self._is_near(text):
                yield declaration

    def _is_near(self, text: str) -> bool:
        """Whether the text mentions the type otherwise than for pointers to it.

        Parameters of functions do not count, unless of a function inside of a body.
        """
        start = found.start() if (found := _HEAD_END.search(text)) else len(text)
        head = _outside_of_parentheses(text[:start])
        words = "|".join(map(re.escape, sorted(self._words)))
        return (
            re.search(
                rf"\b(?:{words})\b(?!{_GAP}(?:{_QUALIFIER}{_GAP})*+\*)"
                # A second declarator need not be a pointer.
                rf"|\b(?:{words})\b{_GAP}(?:{_QUALIFIER}{_GAP})*+\*[^;(){{}}]*,",
                f"{head}{text[start:]}",
            )
            is not None
        )

    # --- what is there ----------------------------------------------------------------

    def _take(self, declaration: Declaration) -> None:
        try:
            parsed = self._unit.read(declaration)
        except VmgenError as error:
            self._miss(error, *declaration.names[:1])
            return
        taken: list[c.InitList] = []
        for declared in parsed.objects.values():
            is_extern = _EXTERN.match(declaration.text) is not None
            if declared.initializer is None and is_extern:
                continue
            found = self._taken(declared, taken)
            if found is None:
                continue
            if declared.initializer is None:
                self._zero.setdefault(declared.name, found)
            elif declared.name in self._defined:
                first = self._defined[declared.name].declared.position
                self._miss_one(
                    "VG418",
                    f"{declared.name} is defined twice, first at {first}",
                    declared.position,
                    "the compiler refuses it: remove one of the two",
                    declared.name,
                )
            else:
                self._defined[declared.name] = found
        scopes: dict[str, Scope] = {}
        for function, local in parsed.locals:
            if function not in scopes:
                scopes[function] = self._parameters(parsed.functions[function])
            scope = scopes[function]
            self._take_local(function, local, taken, scope)
            with suppress(VmgenError):  # said where something is declared with it
                scope.declare(local.name, self._resolved(local, scope))
        self._take_unnamed(parsed, taken)

    def _take_local(
        self,
        function: str,
        local: c.LocalDecl,
        taken: list[c.InitList],
        scope: Scope,
    ) -> None:
        value = uncast(local.initializer)
        if (
            not local.static
            and "automatic" in self._elsewhere
            and not isinstance(value, c.InitList | c.CompoundLiteral)
        ):
            return  # what a function gives it is read there
        declared = c.ObjectDecl(
            local.name, local.type, local.initializer, local.static, local.position
        )
        found = self._taken(declared, taken, scope)
        if found is None:
            return
        if not local.static:
            if local.initializer is not None and "automatic" not in self._elsewhere:
                self._miss_one(
                    "VG419",
                    f"the {self._type} {local.name} lives only while {function}() runs",
                    local.position,
                    "make it static, or define it outside of the function",
                    function,
                )
            return
        if any(
            one.function == function and one.declared.name == local.name
            for one in self._local
        ):
            self._miss_one(
                "VG418",
                f"{function}() defines {local.name} twice",
                local.position,
                "give one of the two another name",
                function,
            )
            return
        self._local.append(replace(found, function=function))

    def _parameters(self, owner: c.FunctionDecl) -> Scope:
        scope = Scope()
        for one in owner.type.parameters:
            with suppress(VmgenError):
                scope.declare(one.name, self._layout.resolve(one.type))
        return scope

    def _taken(
        self,
        declared: c.ObjectDecl,
        taken: list[c.InitList],
        scope: Scope = FILE_SCOPE,
    ) -> Found | None:
        """The object if it is one of the type, with its braces for an initialiser."""
        try:
            found = self._element(declared.type, declared.initializer, scope)
            if found in self._around and declared.initializer is not None:
                self._miss_one(
                    "VG419",
                    f"a {self._type} is a member of {declared.name}",
                    declared.position,
                    "define it as an object of its own",
                    declared.name,
                )
            if found != self._target:
                return None
            is_array = not isinstance(declared.type, c.AutoType) and isinstance(
                self._layout.resolve(_open(declared.type), scope), Array
            )
        except VmgenError as error:
            self._miss(error, declared.name)
            return None
        init = declared.initializer
        while isinstance(init, c.Cast):
            init = init.operand
        if isinstance(init, c.CompoundLiteral):
            taken.append(init.initializer)
            declared = replace(declared, initializer=init.initializer)
        elif init is not None and not isinstance(init, c.InitList):
            self._miss_one(
                "VG419",
                f"the {self._type} {declared.name} is a copy of another object",
                declared.position,
                "initialise it with a list in braces",
                declared.name,
            )
            return None
        return Found(declared.name, declared, is_array)

    def _take_unnamed(self, parsed: Parsed, taken: list[c.InitList]) -> None:
        """Report the compound literals that are not the initialiser of an object."""
        if "unnamed" in self._elsewhere:
            return
        names: list[tuple[str, Node | None]] = [
            (one.name, one.initializer) for one in parsed.objects.values()
        ]
        names += [(one.name, one.body) for one in parsed.functions.values()]
        for name, node in names:
            for literal in walk(node):
                if not isinstance(literal, c.CompoundLiteral):
                    continue
                if any(literal.initializer is one for one in taken):
                    continue
                if self._fits(literal.type):
                    self._miss_one(
                        "VG419",
                        f"a {self._type} has no name",
                        literal.initializer.position,
                        "define it as an object with a name",
                        name,
                    )

    def _named_apart(self) -> tuple[list[Found], dict[str, dict[str, str]]]:
        """The static objects of functions with symbols of their own."""
        taken = {*self._defined, *self._zero}
        scopes: dict[str, dict[str, str]] = {}
        out: list[Found] = []
        for one in self._local:
            name = one.declared.name
            others = [other for other in self._local if other.declared.name == name]
            if name in taken or len(others) > 1:
                symbol = f"{one.function}.{name}"
                scopes.setdefault(one.function, {})[name] = symbol
                one = replace(one, symbol=symbol)
            out.append(one)
        return out, scopes

    def _miss(self, error: VmgenError, *context: str) -> None:
        for found in error.diagnostics:
            self._missed.append(
                found if found.context else replace(found, context=context)
            )

    def _miss_one(
        self, code: str, message: str, position: Position, hint: str, about: str
    ) -> None:
        self._missed.append(
            Diagnostic(code, message, position, hint=hint, context=(about,))
        )


def _outside_of_parentheses(text: str) -> str:
    out: list[str] = []
    depth = 0
    for part in re.split(r"([()])", text):
        depth -= part == ")"
        if depth <= 0:
            out.append(part)
        depth += part == "("
    return "".join(out)


def _open(type_: c.TypeExpr) -> c.TypeExpr:
    """The type without the lengths that are written: they do not matter here."""
    if isinstance(type_, c.ArrayType):
        return c.ArrayType(_open(type_.element), None)
    return type_
