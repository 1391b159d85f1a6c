"""Names of QAPI schemas as C identifiers, as scripts/qapi/common.py makes them."""

from __future__ import annotations

import re
from functools import cache

# Words that cannot be a member's name in C or C++; QEMU prefixes them with q_.
_RESERVED = frozenset(
    [
        "auto",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "int",
        "long",
        "register",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
        "inline",
        "restrict",
        "_Bool",
        "_Complex",
        "_Imaginary",
        "_Alignas",
        "_Alignof",
        "_Atomic",
        "_Generic",
        "_Noreturn",
        "_Static_assert",
        "_Thread_local",
        "asm",
        "typeof",
        "bool",
        "catch",
        "class",
        "const_cast",
        "delete",
        "dynamic_cast",
        "explicit",
        "false",
        "friend",
        "mutable",
        "namespace",
        "new",
        "operator",
        "private",
        "protected",
        "public",
        "reinterpret_cast",
        "static_cast",
        "template",
        "this",
        "throw",
        "true",
        "try",
        "typeid",
        "typename",
        "using",
        "virtual",
        "wchar_t",
        "and",
        "and_eq",
        "bitand",
        "bitor",
        "compl",
        "not",
        "not_eq",
        "or",
        "or_eq",
        "xor",
        "xor_eq",
        "unix",
        "errno",
        "mips",
        "sparc",
        "i386",
        "linux",
    ]
)


@cache
def c_name(name: str, *, protect: bool = True) -> str:
    """A QAPI name as a C identifier; ``protect`` avoids reserved words with ``q_``."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if protect and (plain in _RESERVED or plain[0].isdigit()):
        return f"q_{plain}"
    return plain


def capitals_by_runs(name: str) -> str:
    """CamelCase to CAMEL_CASE: breaks where the case changes (8.2 and later)."""
    out = name[0]
    upper = name[0].isupper()
    for letter in name[1:]:
        if letter.isupper() != upper:
            if upper:
                if len(out) > 2 and out[-2].isalnum():
                    out = f"{out[:-1]}_{out[-1]}"
            elif out[-1].isalnum():
                out += "_"
        out += letter
        upper = letter.isupper()
    return c_name(out.upper()).lstrip("_")


def capitals_by_letters(name: str) -> str:
    """CamelCase to CAMEL_CASE: a capital followed by a small letter, or after a digit."""
    plain = c_name(name, protect=False)
    if plain.isupper():
        return plain
    out = ""
    for i, letter in enumerate(plain):
        if letter.isupper() and i > 0 and plain[i - 1] != "_":
            starts_a_word = i < len(plain) - 1 and plain[i + 1].islower()
            if starts_a_word or plain[i - 1].isdigit():
                out += "_"
        out += letter
    return out.lstrip("_").upper()
