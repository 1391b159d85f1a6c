"""A preprocessed C file whose declarations are parsed when somebody asks for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches

from vmgen.cfront.convert import Parsed
from vmgen.cfront.parse import identifiers, parse_declaration
from vmgen.cfront.split import Declaration, split
from vmgen.cfront.syntax import (
    ArrayType,
    EnumDecl,
    FunctionDecl,
    NamedType,
    ObjectDecl,
    RecordDecl,
    RecordType,
    TypedefDecl,
)
from vmgen.cfront.tokens import IGNORED_WORDS, Token, tokenise
from vmgen.source import Diagnostic, Position, VmgenError

#: What the compiler declares without a header (GCC on x86-64, System V ABI 3.5.7).
_BUILT_IN = """# 1 "<built-in>"
struct __va_list_tag {
    unsigned int gp_offset; unsigned int fp_offset;
    void *overflow_arg_area; void *reg_save_area;
};
typedef struct __va_list_tag __builtin_va_list[1];
typedef __int128 __int128_t;
typedef unsigned __int128 __uint128_t;
"""
#: Words in front of an object's name that do not name its type.
_NOT_A_TYPE = IGNORED_WORDS | {"static", "extern", "__thread", "_Thread_local"}


class Unit:
    """The declarations of one preprocessed file, by name.

    Nothing is parsed before it is asked for; what was parsed is kept, also for other
    units that hold the same text.  Each lookup returns None for a name that the unit
    does not declare and raises :class:`VmgenError` (VG201, VG202) for a declaration
    that cannot be read; VG203 says that a name may stand behind an unclosed bracket.
    """

    def __init__(
        self, text: str, *, source: str, relative: Callable[[str], str] = str
    ) -> None:
        """``text`` is what ``gcc -E`` or ``pcpp`` wrote, line markers included.

        ``source`` names the file as :class:`Position` does, ``relative`` turns the file
        names of line markers into such names.
        """
        self.source = source
        self._relative = relative
        self._files: dict[str, str] = {}
        self._chunks = [*split(_BUILT_IN), *split(text)]
        self._typedefs: dict[str, Declaration] = {}
        self._functions: dict[str, Declaration] = {}
        self._prototypes: dict[str, Declaration] = {}
        self._objects: dict[str, Declaration] = {}
        self._externs: dict[str, Declaration] = {}
        self._tags: dict[str, Declaration] = {}
        self._enumerators: dict[str, Declaration] = {}
        for chunk in self._chunks:
            self._typedefs.update(chunk.typedefs)
            self._functions.update(chunk.functions)
            self._prototypes.update(chunk.prototypes)
            self._objects.update(chunk.objects)
            self._externs.update(chunk.externs)
            self._tags.update(chunk.tags)
            self._enumerators.update(chunk.enumerators)
        self._parsed: dict[Declaration, Parsed] = {}
        self._records: dict[tuple[str, str], RecordDecl] = {}
        self._enums: dict[str, EnumDecl] = {}
        self._enum_of: dict[str, EnumDecl] = {}
        self._statics: dict[str, tuple[str, Declaration]] | None = None

    # --- lookups ----------------------------------------------------------------------

    def objects(self, of_type: str) -> tuple[str, ...]:
        """The objects with an initialiser whose type is ``of_type`` or an array of it, in
        order of appearance; then ``static`` ones inside functions.

        ``of_type`` is a typedef name or a tag.  Pointers to it do not count.
        """
        self._check_rest(of_type)
        found: list[str] = []
        for chunk in self._chunks:
            if of_type not in chunk.text:
                continue
            for name, declaration in chunk.objects.items():
                if (
                    self._objects[name] is declaration
                    and self._base_type(declaration, name) == of_type
                ):
                    found.append(name)
        for name, (words, _) in self._static_locals().items():
            if (
                name not in self._objects
                and _base_type(f"{words}{name}", name) == of_type
            ):
                found.append(name)
        return tuple(found)

    def tentative(self, of_type: str) -> tuple[str, ...]:
        """The objects of that type (or arrays of it) that are defined without an
        initialiser anywhere in the unit, which makes them all zero (C11 6.9.2)."""
        found: list[str] = []
        for chunk in self._chunks:
            if of_type not in chunk.text:
                continue
            for name, declaration in chunk.externs.items():
                if (
                    name not in self._objects
                    and not re.search(r"\bextern\b", declaration.text)
                    and of_type in declaration.text
                    and self._base_type(declaration, name) == of_type
                ):
                    found.append(name)
        return tuple(found)

    def object(self, name: str) -> ObjectDecl | None:
        """The variable ``name``: its definition with an initialiser if there is one, else
        any declaration, else a ``static`` one with an initialiser inside a function."""
        declaration = self._objects.get(name) or self._externs.get(name)
        if declaration is not None:
            return self._read(declaration, name).objects.get(name)
        local = self._static_locals().get(name)
        if local is not None:
            function = local[1]
            return self._read(function, function.names[0]).statics.get(name)
        self._check_rest(name)
        return None

    def function(self, name: str) -> FunctionDecl | None:
        """The function ``name``: its definition if the unit holds it, else a prototype."""
        declaration = self._functions.get(name) or self._prototypes.get(name)
        if declaration is None:
            self._check_rest(name)
            return None
        return self._read(declaration, name).functions.get(name)

    def functions_with(self, word: str) -> tuple[str, ...]:
        """The functions that the unit's own file defines and whose text has ``word``."""
        found: list[str] = []
        for chunk in self._chunks:
            if word not in chunk.text:
                continue
            for name, declaration in chunk.functions.items():
                if (
                    word in declaration.text
                    and self._functions[name] is declaration
                    and self._file(declaration.place[0]) == self.source
                ):
                    found.append(name)
        return tuple(found)

    def alike(self, name: str) -> str:
        """The object or function whose name is most like this one; empty for none."""
        known = {*self._objects, *self._externs, *self._functions, *self._prototypes}
        return next(iter(get_close_matches(name, sorted(known), 1, 0.75)), "")

    def typedef(self, name: str) -> TypedefDecl | None:
        """The typedef ``name``."""
        declaration = self._typedefs.get(name)
        if declaration is None:
            self._check_rest(name)
            return None
        return self._read(declaration, name).typedefs.get(name)

    def record(self, kind: str, tag: str) -> RecordDecl | None:
        """The body of ``struct tag`` or ``union tag``.

        A made-up tag is known once the declaration that holds the record was asked for.
        """
        found = self._records.get((kind, tag))
        if found is None:
            declaration = self._tags.get(f"{kind} {tag}")
            if declaration is not None:
                self._read(declaration, f"{kind} {tag}")
                found = self._records.get((kind, tag))
            elif not tag.startswith("<"):
                self._check_rest(tag)
        return found

    def enum(self, tag: str) -> EnumDecl | None:
        """The body of ``enum tag``; made-up tags as for :meth:`record`."""
        found = self._enums.get(tag)
        if found is None:
            declaration = self._tags.get(f"enum {tag}")
            if declaration is not None:
                self._read(declaration, f"enum {tag}")
                found = self._enums.get(tag)
            elif not tag.startswith("<"):
                self._check_rest(tag)
        return found

    def enumerator(self, name: str) -> EnumDecl | None:
        """The enum that defines ``name``."""
        found = self._enum_of.get(name)
        if found is None:
            declaration = self._enumerators.get(name)
            if declaration is not None:
                self._read(declaration, name)
                found = self._enum_of.get(name)
            else:
                self._check_rest(name)
        return found

    # --- reading ----------------------------------------------------------------------

    def _file(self, marker: str) -> str:
        """The :class:`Position` name for the file name of a line marker."""
        found = self._files.get(marker)
        if found is None:
            found = self._files[marker] = (
                self._relative(marker) if marker else self.source
            )
        return found

    def _read(self, declaration: Declaration, about: str) -> Parsed:
        """The declaration's nodes; its records and enums become known."""
        parsed = self._parsed.get(declaration)
        if parsed is None:
            parsed = self._parsed[declaration] = self._parse(declaration, about)
            for key, record in parsed.records.items():
                self._records.setdefault(key, record)
            for tag, enum in parsed.enums.items():
                self._enums.setdefault(tag, enum)
                for enumerator in enum.enumerators:
                    self._enum_of.setdefault(enumerator.name, enum)
        return parsed

    def _parse(self, declaration: Declaration, about: str) -> Parsed:
        """From the text's memory, where the same words are types and the same files
        have the same names; else by the parser."""
        tokens = None
        if declaration.words is None:
            tokens = self._tokens(declaration)
            declaration.words = identifiers(tokens)
        # Objects and functions hide a type of their name; a typedef may be repeated, and
        # then its own body may use the name already.
        own = {
            name
            for name in declaration.names
            if self._typedefs.get(name) is not declaration
        }
        typedefs = tuple(
            sorted(
                word
                for word in declaration.words
                if word in self._typedefs and word not in own
            )
        )
        files = tuple(self._file(marker) for marker in declaration.files)
        key = (typedefs, files)
        parsed = declaration.parsed.get(key)
        if parsed is None:
            tokens = tokens or self._tokens(declaration)
            parsed = parse_declaration(tokens, typedefs, about=about)
            declaration.parsed[key] = parsed
        return parsed

    def _tokens(self, declaration: Declaration) -> list[Token]:
        file, line = declaration.place
        return tokenise(declaration.text, file=file, line=line, relative=self._file)

    def _base_type(self, declaration: Declaration, name: str) -> str:
        """The typedef name or tag of an object or array; empty for anything else."""
        if len(declaration.names) == 1:
            head = declaration.text.partition("=")[0].removesuffix(";")
            return _base_type(head, name)
        type_ = self._read(declaration, name).objects[name].type
        while isinstance(type_, ArrayType):
            type_ = type_.element
        if isinstance(type_, NamedType):
            return type_.name
        return type_.tag if isinstance(type_, RecordType) else ""

    def _static_locals(self) -> dict[str, tuple[str, Declaration]]:
        if self._statics is None:
            self._statics = {}
            for chunk in self._chunks:
                if "static" in chunk.text:
                    for name, found in chunk.static_locals.items():
                        self._statics.setdefault(name, found)
        return self._statics

    def _check_rest(self, name: str) -> None:
        """Raise if ``name`` may be declared after a bracket that is not closed."""
        chunk = self._chunks[-1]
        if chunk.is_whole or not re.search(
            rf"\b{re.escape(name)}\b", chunk.text[chunk.rest :]
        ):
            return
        start = chunk.first_word(chunk.rest)
        file, line = chunk.place(start)
        first = chunk.text[start : start + 1]
        if first in (")", "]", "}"):
            why = f"nothing opens the '{first}' here"
        else:
            why = "a bracket or quote of the declaration that starts here is not closed"
        raise VmgenError(
            Diagnostic(
                "VG203",
                f"cannot look for {name}: {why}",
                Position(self._file(file), line),
                hint="check that every '{' has its '}', also in the headers and macros it uses",
            )
        )


def _base_type(head: str, name: str) -> str:
    """The typedef name or tag in ``head``, the text of a declaration up to its ``=``;
    empty for pointers and whatever is not a plain object or array of ``name``."""
    head = re.sub(r"#[^\n]*", " ", head)
    match = re.fullmatch(
        rf"([\w\s$]*?)\b{re.escape(name)}\s*(?:\[[^\]]*\]\s*)*", head.strip()
    )
    words = (
        [word for word in match[1].split() if word not in _NOT_A_TYPE] if match else []
    )
    return words[-1] if words else ""
