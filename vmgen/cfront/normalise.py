"""GNU C turned into what pycparser reads, token by token.

pycparser (dialect ``c23``) knows ``typeof``, statement expressions, ``auto`` and
``[[attributes]]``; the rest of what QEMU's headers use is rewritten into these:

=========================================  ============================================
GNU C                                      becomes
=========================================  ============================================
``__attribute__((packed, aligned(8)))``    ``[[packed, aligned(8)]]`` where it changes a
                                           layout (record and enum bodies, members,
                                           typedefs), moved to a place C23 has for it;
                                           nothing elsewhere
``__builtin_types_compatible_p(A, B)``     the same call with ``sizeof(A), sizeof(B)``
``a ?: b``                                 ``a ? OMITTED : b``
``member: x``, ``[5] x`` in braces         ``.member = x``, ``[5] = x``
``case 1 ... 5``, ``[1 ... 5] = x``        a binary operator ``...`` that binds like ``||``
``_Alignof(x)``                            ``_Alignof(typeof(x))``
``#pragma pack(2)``                        ``[[pack(2)]]`` on the records behind it
``constexpr``, ``nullptr``                 ``[[constexpr]]``, ``((void *)0)``
``_Float128``, ``__float80`` ...           ``long double`` (same size and alignment)
``asm (...)``, ``_Static_assert (...)``    nothing
=========================================  ============================================
"""

from __future__ import annotations

from dataclasses import dataclass

from vmgen.cfront.tokens import Token, word_set

#: The identifier that represents the middle of GNU ``a ?: b``.
OMITTED = "__omitted_operand"
#: The operator that represents the ``...`` of a range.
RANGE = "..."
#: The call whose arguments are ``sizeof`` of the types that are compared.
TYPES_COMPATIBLE = "__builtin_types_compatible_p"
#: Attributes that change a layout, without their optional ``__``.
LAYOUT_ATTRIBUTES = frozenset({"packed", "aligned", "vector_size", "mode"})
#: Attributes that change a layout in ways that are not known here.
UNKNOWN_LAYOUTS = frozenset(
    {"ms_struct", "gcc_struct", "scalar_storage_order", "ext_vector_type", "hardbool"}
)
#: The attributes that stand for ``#pragma pack(N)`` and for ``constexpr``.
PACK, CONSTEXPR = "#pragma pack", "constexpr"

_ATTRIBUTE_WORDS = frozenset({"__attribute__", "__attribute"})
_ASM_WORDS = frozenset({"asm", "__asm", "__asm__"})
_LONG_DOUBLE_WORDS = frozenset({"_Float128", "_Float64x", "__float128", "__float80"})
_ASSERT_WORDS = frozenset({"_Static_assert", "static_assert"})
_STORAGE = frozenset({"STATIC", "EXTERN", "TYPEDEF", "AUTO", "_THREAD_LOCAL"})
_TYPE_WORDS = word_set(
    """VOID _BOOL CHAR SHORT INT LONG FLOAT DOUBLE SIGNED UNSIGNED __INT128 _COMPLEX STRUCT
    UNION ENUM TYPEOF _ATOMIC _BITINT STATIC EXTERN TYPEDEF _THREAD_LOCAL"""
)
_OPENING = {
    "LPAREN": 1,
    "LBRACE": 1,
    "LBRACKET": 1,
    "RPAREN": -1,
    "RBRACE": -1,
    "RBRACKET": -1,
}


_NULL = (
    ("LPAREN", "("),
    ("LPAREN", "("),
    ("VOID", "void"),
    ("TIMES", "*"),
    ("RPAREN", ")"),
    ("INT_CONST_DEC", "0"),
    ("RPAREN", ")"),
)


class NormaliseError(Exception):
    """Brackets that do not close, found at ``token``."""

    def __init__(self, message: str, token: Token) -> None:
        self.message = message
        self.token = token
        super().__init__(message)


@dataclass(slots=True)
class _Scope:
    """An open ``{``: ``keyword`` is the output index of its ``struct``/``union``/``enum``
    (None for any other brace), ``start`` that of the current member declaration."""

    keyword: int | None
    record: bool
    start: int
    #: The input index of the ``{``, and what :meth:`_Normaliser.is_initialiser` found.
    opened: int = 0
    initialiser: bool | None = None


def closing(tokens: list[Token], start: int) -> int:
    """The index of the bracket that closes ``tokens[start]``.

    Raises :class:`NormaliseError` where there is none.
    """
    depth = 0
    for index in range(start, len(tokens)):
        depth += _OPENING.get(tokens[index].type, 0)
        if depth == 0:
            return index
    raise NormaliseError(f"{tokens[start].value!r} is not closed", tokens[start])


def normalise(tokens: list[Token]) -> list[Token]:
    """``tokens`` of one declaration without GNU syntax; raises :class:`NormaliseError`."""
    return _Normaliser(tokens).run()


class _Normaliser:
    """One pass over the tokens of one declaration."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.out: list[Token] = []
        self.is_typedef = any(token.type == "TYPEDEF" for token in tokens[:2])
        self.scopes: list[_Scope] = []
        #: Brackets other than braces that are open, per brace that is open.
        self.parentheses = [0]
        #: The record or enum keyword whose body just closed, as an output index.
        self.just_closed: int | None = None
        #: What ``#pragma pack`` says.
        self.packing = "0"

    def run(self) -> list[Token]:
        tokens, out = self.tokens, self.out
        index, end = 0, len(tokens)
        while index < end:
            token = tokens[index]
            type_ = token.type
            if type_ == "GNU":
                index = self.gnu(index)
                continue
            if type_ == "PACKING":
                self.packing = token.value
                index += 1
                continue
            if type_ == "LBRACKET" and self.type_at_or_end(index + 1) == "LBRACKET":
                index = self.bracketed(index)
                continue
            if (
                type_ == "LBRACKET"
                or (type_ == "ID" and self.type_at_or_end(index + 1) == "COLON")
            ) and self.is_item(index):
                index = self.old_designator(index)
                continue
            if type_ == "LBRACE":
                self.open_brace()
                self.scopes[-1].opened = index
            elif type_ == "RBRACE":
                self.close_brace(token)
                out.append(token)
                index += 1
                continue
            elif type_ == "LPAREN" or type_ == "LBRACKET":
                self.parentheses[-1] += 1
            elif type_ == "RPAREN" or type_ == "RBRACKET":
                self.parentheses[-1] -= 1
            elif type_ == "CONDOP":
                if index + 1 < end and tokens[index + 1].type == "COLON":
                    out.append(token)
                    token = _like(token, "ID", OMITTED)
            elif type_ == "ELLIPSIS":
                if out and out[-1].type not in ("COMMA", "LPAREN"):
                    token = _like(token, "LOR", RANGE)
            elif type_ == "_ALIGNOF":
                index = self.wrap_alignof(index)
                continue
            elif type_ == "ID" and token.value == TYPES_COMPATIBLE:
                index = self.types_compatible(index)
                continue
            out.append(token)
            if type_ == "SEMI" and self.scopes and not self.parentheses[-1]:
                self.scopes[-1].start = len(out)
            self.just_closed = None
            index += 1
        return out

    # --- braces -----------------------------------------------------------------------

    def open_brace(self) -> None:
        """Find out whether the brace about to be written opens a record or an enum."""
        out = self.out
        at = len(out) - 1
        if at >= 0 and out[at].type == "ID":
            at -= 1
        while at >= 0 and out[at].type == "ATTRIBUTE_END":
            while out[at].type != "ATTRIBUTE_BEGIN":
                at -= 1
            at -= 1
        keyword = out[at].type if at >= 0 else ""
        if keyword not in ("STRUCT", "UNION", "ENUM"):
            at = self.enum_with_type(at)
            keyword = "ENUM" if at >= 0 else ""
        if keyword:
            scope = _Scope(at, keyword != "ENUM", len(out) + 1)
        else:
            scope = _Scope(None, False, len(out) + 1)
        self.scopes.append(scope)
        self.parentheses.append(0)

    def enum_with_type(self, at: int) -> int:
        """Where the ``enum`` of ``enum tag : type {`` is; -1 if there is none."""
        has_colon = False
        while at >= 0:
            kind = self.out[at].type
            if kind == "ENUM" and has_colon:
                return at
            has_colon = has_colon or kind == "COLON"
            if kind != "ID" and kind != "COLON" and kind not in _TYPE_WORDS:
                return -1
            at -= 1
        return -1

    def close_brace(self, token: Token) -> None:
        if not self.scopes:
            raise NormaliseError("'}' without '{'", token)
        scope = self.scopes.pop()
        self.parentheses.pop()
        self.just_closed = scope.keyword
        if scope.record and scope.keyword is not None and self.packing != "0":
            attribute = [
                _like(token, "ATTRIBUTE_BEGIN", "[["),
                _like(token, "ID", PACK),
                _like(token, "ATTRIBUTE_ARGUMENTS", self.packing),
                _like(token, "ATTRIBUTE_END", "]]"),
            ]
            self.out[scope.keyword + 1 : scope.keyword + 1] = attribute
        elif scope.keyword is None and self.scopes:
            # The next statement of a block starts behind the brace.
            self.scopes[-1].start = len(self.out) + 1

    # --- designators of old -----------------------------------------------------------

    def is_item(self, index: int) -> bool:
        """Whether an item of a braced initialiser starts here."""
        return (
            bool(self.scopes)
            and self.scopes[-1].keyword is None
            and not self.parentheses[-1]
            and self.tokens[index - 1].type in ("LBRACE", "COMMA")
            and self.is_initialiser(self.scopes[-1])
        )

    def is_initialiser(self, scope: _Scope) -> bool:
        """Whether braces are no block, where a name before a colon is a label: only a
        block has semicolons outside of parentheses."""
        if scope.initialiser is None:
            parentheses = 0
            scope.initialiser = True
            for token in self.tokens[scope.opened : closing(self.tokens, scope.opened)]:
                if token.type in ("LPAREN", "RPAREN"):
                    parentheses += _OPENING[token.type]
                elif token.type == "SEMI" and not parentheses:
                    scope.initialiser = False
                    break
        return scope.initialiser

    def old_designator(self, index: int) -> int:
        """Write GNU's ``member:`` or ``[5]`` as C99 does; the index after it (GCC manual,
        Designated Initializers)."""
        token = self.tokens[index]
        if token.type == "ID":
            self.out += [_like(token, "PERIOD", "."), token]
            self.out.append(_like(token, "EQUALS", "="))
            return index + 2
        end = closing(self.tokens, index)
        inner = normalise(self.tokens[index : end + 1])
        self.out += inner
        if self.type_at_or_end(end + 1) not in ("EQUALS", "LBRACKET", "PERIOD"):
            self.out.append(_like(token, "EQUALS", "="))
        return end + 1

    # --- words ------------------------------------------------------------------------

    def gnu(self, index: int) -> int:
        """Write what replaces the GNU word at ``index``; the index after it."""
        token = self.tokens[index]
        word = token.value
        if word in _ATTRIBUTE_WORDS:
            return self.attribute(index)
        if word in _LONG_DOUBLE_WORDS:
            self.out += [_like(token, "LONG", "long"), _like(token, "DOUBLE", "double")]
            return index + 1
        if word in _ASM_WORDS or word in _ASSERT_WORDS:
            while self.type_at(index) in ("GNU", "ID", "GOTO"):
                index += 1
            return self.skip_parentheses(index, word)
        if word == "__label__":
            while self.type_at(index) != "SEMI":
                index += 1
            return index + 1
        if word == TYPES_COMPATIBLE:
            return self.types_compatible(index)
        if word == "nullptr":
            self.out += [_like(token, type_, value) for type_, value in _NULL]
            return index + 1
        if word == "constexpr":
            start = self.scopes[-1].start if self.scopes else 0
            self.out[start:start] = [
                _like(token, "ATTRIBUTE_BEGIN", "[["),
                _like(token, "ID", CONSTEXPR),
                _like(token, "ATTRIBUTE_END", "]]"),
            ]
            return index + 1
        raise AssertionError(word)

    def bracketed(self, index: int) -> int:
        """``[[gnu::packed]]`` as the attribute that it is; others say nothing about a
        layout, as those that GCC does not know."""
        token = self.tokens[index]
        end = closing(self.tokens, index)
        inner = self.tokens[index + 2 : end - 1]
        kept = _layout_attributes(_without_namespaces(inner))
        if kept:
            self.out += [
                _like(token, "ATTRIBUTE_BEGIN", "[["),
                *kept,
                _like(token, "ATTRIBUTE_END", "]]"),
            ]
        return end + 1

    def type_at_or_end(self, index: int) -> str:
        return self.tokens[index].type if index < len(self.tokens) else ""

    def type_at(self, index: int) -> str:
        if index >= len(self.tokens):
            raise NormaliseError("the declaration ends too early", self.tokens[-1])
        return self.tokens[index].type

    def skip_parentheses(self, index: int, word: str) -> int:
        if self.type_at(index) != "LPAREN":
            raise NormaliseError(f"'(' is missing after {word}", self.tokens[index])
        return closing(self.tokens, index) + 1

    def wrap_alignof(self, index: int) -> int:
        """``_Alignof(x)`` -> ``_Alignof(typeof(x))``: pycparser takes only types."""
        token = self.tokens[index]
        end = self.skip_parentheses(index + 1, token.value)
        inner = normalise(self.tokens[index + 1 : end])
        self.out += [
            token,
            _like(token, "LPAREN", "("),
            _like(token, "TYPEOF", "typeof"),
        ]
        self.out += inner
        self.out.append(_like(token, "RPAREN", ")"))
        return end

    def types_compatible(self, index: int) -> int:
        token = self.tokens[index]
        end = self.skip_parentheses(index + 1, token.value)
        inner = self.tokens[index + 2 : end - 1]
        depth, comma = 0, None
        for at, inside in enumerate(inner):
            depth += _OPENING.get(inside.type, 0)
            if depth == 0 and inside.type == "COMMA":
                comma = at
        if comma is None:
            raise NormaliseError(f"{TYPES_COMPATIBLE} takes two types", token)
        left, right = _like(token, "LPAREN", "("), _like(token, "RPAREN", ")")
        size = _like(token, "SIZEOF", "sizeof")
        self.out += [_like(token, "ID", TYPES_COMPATIBLE), left]
        self.out += [size, left, *normalise(inner[:comma]), right, inner[comma]]
        self.out += [size, left, *normalise(inner[comma + 1 :]), right, right]
        return end

    # --- attributes -------------------------------------------------------------------

    def attribute(self, index: int) -> int:
        """Keep what changes a layout, where it does."""
        end = self.skip_parentheses(index + 1, "__attribute__")
        inner = self.tokens[index + 3 : end - 2]
        attributes = _layout_attributes(inner)
        if attributes:
            token = self.tokens[index]
            written = [_like(token, "ATTRIBUTE_BEGIN", "[["), *attributes]
            written.append(_like(token, "ATTRIBUTE_END", "]]"))
            self.place(
                written, self.tokens[end].type if end < len(self.tokens) else "SEMI"
            )
        return end

    def place(self, written: list[Token], following: str) -> None:
        """Insert an attribute where C23 has a place for it, if it means a layout there."""
        out = self.out
        before = out[-1].type if out else ""
        if before == "ATTRIBUTE_END":
            # A second attribute joins the first.
            out += written
        elif before in ("STRUCT", "UNION", "ENUM"):
            out += written
        elif self.just_closed is not None:
            # After a body: the attribute is the record's, which C23 writes after the keyword.
            out[self.just_closed + 1 : self.just_closed + 1] = written
        elif self.parentheses[-1]:
            # Inside a parameter list or an expression.
            return
        elif self.scopes:
            scope = self.scopes[-1]
            if scope.record or _changes_type(written):
                self.place_in_declaration(written, before, following, scope.start)
        elif self.is_typedef or _changes_type(written):
            self.place_in_declaration(written, before, following, 0)

    def place_in_declaration(
        self, written: list[Token], before: str, following: str, start: int
    ) -> None:
        out = self.out
        if len(out) == start or before in _STORAGE or following in _TYPE_WORDS:
            out[start:start] = written
            return
        if (
            before not in ("ID", "RBRACKET", "RPAREN", "TIMES")
            and before not in _TYPE_WORDS
        ):
            # After the width of a bitfield.
            for at in range(len(out) - 1, start - 1, -1):
                if out[at].type == "COLON":
                    out[at:at] = written
                    return
        out += written


def _like(token: Token, type_: str, value: str) -> Token:
    """A made-up token at the place of ``token``."""
    return Token(type_, value, token.lineno, token.column, token.filename)


def _changes_type(written: list[Token]) -> bool:
    """Whether an attribute changes the type of a variable, not only its place."""
    return any(token.value in ("mode", "vector_size") for token in written)


def _without_namespaces(tokens: list[Token]) -> list[Token]:
    """Attributes without their ``gnu::``; those of another namespace say nothing."""
    out: list[Token] = []
    index = 0
    while index < len(tokens):
        following = [token.type for token in tokens[index + 1 : index + 3]]
        if tokens[index].type == "ID" and following == ["COLON", "COLON"]:
            is_gnu = tokens[index].value.strip("_") == "gnu"
            index += 3
            if not is_gnu and index < len(tokens):
                index += 1
                if index < len(tokens) and tokens[index].type == "LPAREN":
                    index = closing(tokens, index) + 1
            continue
        if tokens[index].type == "LPAREN":
            end = closing(tokens, index) + 1
            out += tokens[index:end]
            index = end
            continue
        out.append(tokens[index])
        index += 1
    return out


def _layout_attributes(tokens: list[Token]) -> list[Token]:
    """The attributes of one ``__attribute__((...))`` that change a layout, as C23 tokens."""
    kept: list[Token] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        index += 1
        arguments = ""
        if index < len(tokens) and tokens[index].type == "LPAREN":
            end = closing(tokens, index)
            arguments = " ".join(inside.value for inside in tokens[index + 1 : end])
            index = end + 1
        name = token.value
        if name.startswith("__") and name.endswith("__"):
            name = name[2:-2]
        if name in LAYOUT_ATTRIBUTES or name in UNKNOWN_LAYOUTS:
            if kept:
                kept.append(_like(token, "COMMA", ","))
            kept.append(_like(token, "ID", name))
            if arguments:
                kept.append(_like(token, "ATTRIBUTE_ARGUMENTS", arguments))
    return kept
