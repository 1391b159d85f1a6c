"""A preprocessed C file whose declarations are parsed when somebody asks for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property

from vmgen.cfront.convert import Parsed
from vmgen.cfront.parse import identifiers, parse_declaration, unknown_types
from vmgen.cfront.split import ANY_MARKER, Chunk, Declaration, split
from vmgen.cfront.syntax import (
    EnumDecl,
    FunctionDecl,
    FunctionType,
    LocalDecl,
    ObjectDecl,
    RecordDecl,
    TypedefDecl,
)
from vmgen.cfront.tokens import (
    LAYOUT_PRAGMA,
    NO_PACKING,
    Packing,
    Token,
    plain_text,
    tokenise,
)
from vmgen.source import Diagnostic, Position, VmgenError

_ALIKE = 0.75
"""The least ratio of names that are alike, as difflib counts it."""

#: What the compiler declares without a header (GCC on x86-64, System V ABI 3.5.7).
_BUILT_IN = """# 1 "<built-in>"
struct __va_list_tag {
    unsigned int gp_offset; unsigned int fp_offset;
    void *overflow_arg_area; void *reg_save_area;
};
typedef struct __va_list_tag __builtin_va_list[1];
typedef __int128 __int128_t;
typedef unsigned __int128 __uint128_t;
typedef float _Float16 __attribute__((mode(HF)));
typedef _Bool bool;
enum { false, true };
"""


class Unit:
    """The declarations of one preprocessed file, by name.

    Nothing is parsed before it is requested; what was parsed is kept, also for other
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
        self._chunks = [*split(_BUILT_IN), *split(plain_text(text))]
        self._packings = _packings(self._chunks)
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
        self._with_word: dict[str, tuple[int, ...]] = {}
        self._parsed: dict[Declaration, Parsed] = {}
        self._records: dict[tuple[str, str], RecordDecl] = {}
        self._enums: dict[str, EnumDecl] = {}
        self._enum_of: dict[str, EnumDecl] = {}

    # --- lookups ----------------------------------------------------------------------

    def mentions(self, word: str) -> bool:
        """Whether the word stands anywhere in the text."""
        return bool(self._chunks_with(word))

    def _chunks_with(self, word: str) -> tuple[int, ...]:
        """The numbers of the chunks whose text has the word."""
        found = self._with_word.get(word)
        if found is None:
            found = self._with_word[word] = tuple(
                at for at, chunk in enumerate(self._chunks) if chunk.places(word)
            )
        return found

    @cached_property
    def _inferring(self) -> tuple[int, ...]:
        """The numbers of the chunks in which types are those of expressions."""
        return tuple(at for at, chunk in enumerate(self._chunks) if chunk.inferred)

    def mentioning(
        self, words: Iterable[str], *, inferred: bool = False
    ) -> Iterator[Declaration]:
        """The declarations whose text has one of the words, in order; with ``inferred``
        also those whose type is an expression's."""
        every = tuple(words)
        numbers = {at for word in every for at in self._chunks_with(word)}
        if inferred:
            numbers.update(self._inferring)
        for number in sorted(numbers):
            chunk = self._chunks[number]
            found: dict[Declaration, None] = {}
            written = [word for word in every if chunk.places(word)]
            for place in sorted(
                place for word in written for place in chunk.identifiers(word)
            ):
                declaration = chunk.at(place)
                if declaration is not None:
                    found[declaration] = None
            if inferred and chunk.inferred:
                every_one = {*found, *chunk.inferred}
                yield from sorted(every_one, key=lambda one: one.start)
            else:
                yield from found

    def object(self, name: str) -> ObjectDecl | None:
        """The variable ``name``: its definition with an initialiser if there is one, else
        any declaration, else a ``static`` one with an initialiser inside a function
        (``function.name`` for that of one function)."""
        declaration = self._objects.get(name) or self._externs.get(name)
        if declaration is not None:
            return self.read(declaration, name).objects.get(name)
        if name in self._functions or name in self._prototypes:
            return None
        for function, local in self._statics(name):
            if name in (local.name, f"{function}.{local.name}") and local.initializer:
                return ObjectDecl(
                    local.name, local.type, local.initializer, True, local.position
                )
        self.check_rest(name)
        return None

    def function(self, name: str) -> FunctionDecl | None:
        """The function ``name``: its definition if the unit holds it, else a prototype."""
        declaration = self._functions.get(name) or self._prototypes.get(name)
        if declaration is None:
            self.check_rest(name)
            return None
        return self.read(declaration, name).functions.get(name)

    def function_type(self, name: str) -> FunctionType | None:
        """The type of the function ``name``, even if its body cannot be read."""
        try:
            function = self.function(name)
        except VmgenError:
            declaration = self._functions.get(name) or self._prototypes[name]
            tokens = self._tokens(declaration)
            at = next(
                (n for n, token in enumerate(tokens) if token.type == "LBRACE"), 0
            )
            if not at:
                raise
            head = [*tokens[:at], Token("SEMI", ";", 0, 0, "")]
            typedefs = sorted(identifiers(head) & self._typedefs.keys())
            function = parse_declaration(head, typedefs, about=name).functions.get(name)
        return None if function is None else function.type

    def declares(self, name: str) -> bool:
        """Whether a function is called ``name``, even one that cannot be read."""
        return name in self._functions or name in self._prototypes

    def functions_with(self, word: str) -> tuple[str, ...]:
        """The functions that the unit's own file defines and whose text has ``word``."""
        found: list[str] = []
        for at in self._chunks_with(word):
            for name, declaration in self._chunks[at].functions.items():
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
        # What is too short or too long has no such ratio, which its length says.
        near = [
            one
            for one in known
            if 2 * min(len(one), len(name)) >= _ALIKE * (len(one) + len(name))
        ]
        return next(iter(get_close_matches(name, sorted(near), 1, _ALIKE)), "")

    def typedef(self, name: str) -> TypedefDecl | None:
        """The typedef ``name``."""
        declaration = self._typedefs.get(name)
        if declaration is None:
            self.check_rest(name)
            return None
        return self.read(declaration, name).typedefs.get(name)

    def record(self, kind: str, tag: str) -> RecordDecl | None:
        """The body of ``struct tag`` or ``union tag``.

        A made-up tag is known once the declaration that holds the record was requested.
        """
        found = self._records.get((kind, tag))
        if found is None:
            declaration = self._tags.get(f"{kind} {tag}")
            if declaration is not None:
                self.read(declaration, f"{kind} {tag}")
                found = self._records.get((kind, tag))
            elif not tag.startswith("<"):
                self.check_rest(tag)
        return found

    def enum(self, tag: str) -> EnumDecl | None:
        """The body of ``enum tag``; made-up tags as for :meth:`record`."""
        found = self._enums.get(tag)
        if found is None:
            declaration = self._tags.get(f"enum {tag}")
            if declaration is not None:
                self.read(declaration, f"enum {tag}")
                found = self._enums.get(tag)
            elif not tag.startswith("<"):
                self.check_rest(tag)
        return found

    def enumerator(self, name: str) -> EnumDecl | None:
        """The enum that defines ``name``."""
        found = self._enum_of.get(name)
        if found is None:
            declaration = self._enumerators.get(name)
            if declaration is not None:
                self.read(declaration, name)
                found = self._enum_of.get(name)
            else:
                self.check_rest(name)
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

    def read(self, declaration: Declaration, about: str = "") -> Parsed:
        """The declaration's nodes; its records, enums and objects become known.

        ``about`` names it in errors: its first name unless another is given.
        """
        parsed = self._parsed.get(declaration)
        if parsed is None:
            parsed = self._parsed[declaration] = self._parse(
                declaration, about or next(iter(declaration.names), "")
            )
            for key, record in parsed.records.items():
                self._records.setdefault(key, record)
            for name, declared in parsed.objects.items():
                if declared.initializer is not None:
                    self._objects.setdefault(name, declaration)
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
        # A typedef may be repeated, and then its own body may use the name already.
        own = {
            name
            for name in declaration.names
            if declaration.is_typedef and self._typedefs.get(name) is not declaration
        }
        typedefs = tuple(
            sorted(
                word
                for word in declaration.words
                if word in self._typedefs and word not in own
            )
        )
        files = tuple(self._file(marker) for marker in declaration.files)
        key = (typedefs, files, self._packing(declaration))
        parsed = declaration.parsed.get(key)
        if parsed is None:
            tokens = tokens or self._tokens(declaration)
            try:
                parsed = self._nodes(declaration, tokens, typedefs, about)
            except VmgenError as error:
                raise VmgenError(*map(self._included, error.diagnostics)) from None
            declaration.parsed[key] = parsed
        return parsed

    def _nodes(
        self,
        declaration: Declaration,
        tokens: list[Token],
        typedefs: tuple[str, ...],
        about: str,
    ) -> Parsed:
        """The declaration's nodes.  A type that nothing declares costs the members that
        have it, not the record."""
        try:
            return parse_declaration(tokens, typedefs, about=about)
        except VmgenError:
            tokens = self._tokens(declaration)  # the parser has used up the others
            unknown = unknown_types(tokens, typedefs)
            if not unknown:
                raise
        return parse_declaration(tokens, sorted({*typedefs, *unknown}), about=about)

    def _included(self, found: Diagnostic) -> Diagnostic:
        """The finding; one about a file that is no header says what includes it."""
        file = found.position.file
        if file == self.source or file.endswith(".h"):
            return found
        here, line = self.source, 1
        for chunk in self._chunks:
            end = 0
            for mark in ANY_MARKER.finditer(chunk.text):
                line += chunk.text.count("\n", end, mark.start())
                if here == self.source and self._file(mark[2]) == file:
                    # Only a compiler marks where it enters a file.
                    entered = chunk.text.startswith(" 1", mark.end())
                    where = f"{here}:{line}" if entered else here
                    return replace(found, hint=f"{where} includes {file}; {found.hint}")
                here, line, end = self._file(mark[2]), int(mark[1]) - 1, mark.end()
            line += chunk.text.count("\n", end)
        return found

    def _tokens(self, declaration: Declaration) -> list[Token]:
        file, line = declaration.place
        return tokenise(
            declaration.text,
            file=file,
            line=line,
            relative=self._file,
            packing=self._packing(declaration),
        )

    def _packing(self, declaration: Declaration) -> Packing:
        """What ``#pragma pack`` says where the declaration starts."""
        packing = NO_PACKING
        if self._packings:
            for offset, after in self._packings.get(declaration.chunk, ()):
                if offset >= declaration.start:
                    break
                packing = after
        return packing

    def _statics(self, name: str) -> Iterator[tuple[str, LocalDecl]]:
        """The static variables of the functions whose text has the last part of a name."""
        word = name.rpartition(".")[2]
        for chunk in self._chunks:
            if word in chunk.text:
                for declaration in chunk.with_statics:
                    if word in declaration.text:
                        for function, local in self.read(declaration).locals:
                            if local.static:
                                yield function, local

    def check_rest(self, name: str) -> None:
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


def _packings(chunks: list[Chunk]) -> dict[Chunk, list[tuple[int, Packing]]]:
    """Where each chunk's packing changes, its start included; empty if none ever does."""
    packing = NO_PACKING
    found: dict[Chunk, list[tuple[int, Packing]]] = {}
    for chunk in chunks:
        places = [(-1, packing)]
        if "pragma" in chunk.text:
            for pragma in LAYOUT_PRAGMA.finditer(chunk.text):
                packing = packing.after(pragma)
                places.append((pragma.start(), packing))
        if len(places) > 1 or packing != NO_PACKING:
            # A text that is included twice has one chunk: what its last place says.
            found[chunk] = places
    return found
