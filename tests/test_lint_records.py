"""Structs as their text says them, held against gcc's types."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from vmgen.lint.records import RecordTexts, WrittenMember, records_of

GCC = shutil.which("gcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="no gcc to compare with")

HEAD = """
#include <stdint.h>
#include <stdbool.h>
#include <stddef.h>
typedef struct Object { int x; } Object;
typedef uint64_t hwaddr;
#define QEMU_PACKED __attribute__((packed))
"""

TEXT = """
typedef struct Dev Dev;
typedef int (*Handler)(Dev *, int);
struct QEMU_PACKED Dev {
    Object parent, *owner;
    uint8_t a, b[3], c[2][4], *d, *e[5], **f;
    const char *name;
    char letters[8];
    volatile unsigned int v;
    unsigned u;
    unsigned long w;
    long long ll;
    long l;
    short s;
    signed char sc;
    int bit : 3, bits : 4;
    bool yes;
    enum { ONE, TWO } one;
    enum Kind { THREE } three;
    enum Kind again;
    struct Other *other;
    struct Inner { int in; void *to; } inner, more[2], *far;
    union { uint32_t word; struct { uint16_t low, high; }; };
    union Both { int i; float f; } both;
    int (*call)(Dev *, int), *after;
    void (*hook)(void);
    void *opaque;
    size_t size;
    hwaddr addr;
    int8_t last;
} QEMU_PACKED;
"""


def flat(
    members: Mapping[str, WrittenMember], prefix: str = ""
) -> Iterator[tuple[str, WrittenMember]]:
    """Every member by the path that C has for it."""
    for one in members.values():
        if one.name.startswith("<"):
            assert one.inner is not None
            yield from flat(one.inner, prefix)
        else:
            path = f"{prefix}{one.name}"
            yield path, one
            if one.inner is not None and not one.is_pointer and not one.lengths:
                yield from flat(one.inner, f"{path}.")


@needs_gcc
def test_numbers_are_what_gcc_takes_for_numbers(tmp_path: Path) -> None:
    assert GCC is not None
    found = dict(flat(records_of(TEXT).members["Dev"]))
    assert len(found) == 42
    source = tmp_path / "t.c"
    lines = []
    for path, one in found.items():
        place = f"dev->{path}{'[0]' * one.lengths}"
        lines.append(f'printf("%s %d\\n", "{path}", __builtin_classify_type({place}));')
    source.write_text(
        f"{HEAD}int printf(const char *, ...);{TEXT}"
        f"int main(void) {{ static Dev one; Dev *dev = &one; {' '.join(lines)} return 0; }}"
    )
    subprocess.run([GCC, "-w", "-o", str(tmp_path / "t"), str(source)], check=True)
    shown = subprocess.run(
        [str(tmp_path / "t")], capture_output=True, text=True, check=True
    ).stdout
    # GCC's typeclass.h: integers 1, enumerations 3, truth values 4, reals 8.
    kinds = {
        path: int(kind) for path, kind in (line.split() for line in shown.splitlines())
    }
    for path, one in found.items():
        assert one.is_number == (kinds[path] in (1, 3, 4, 8)), path
        assert (one.is_pointer or one.is_function) == (kinds[path] == 5), path
    records = {path for path, kind in kinds.items() if kind in (12, 13)}
    assert records == {"parent", "inner", "more", "both"}
    assert {path for path in records if found[path].is_union} == {"both"}
    assert kinds["both"] == 13


def test_members_have_their_types_pointers_and_lengths() -> None:
    members = records_of(TEXT).members["Dev"]
    assert {
        name: (one.type, one.is_pointer, one.lengths, one.is_function)
        for name, one in members.items()
        if not one.name.startswith("<") and one.inner is None
    } == {
        "parent": ("Object", False, 0, False), "owner": ("Object", True, 0, False),
        "a": ("uint8_t", False, 0, False), "b": ("uint8_t", False, 1, False),
        "c": ("uint8_t", False, 2, False), "d": ("uint8_t", True, 0, False),
        "e": ("uint8_t", True, 1, False), "f": ("uint8_t", True, 0, False),
        "name": ("char", True, 0, False), "letters": ("char", False, 1, False),
        "v": ("int", False, 0, False), "u": ("unsigned", False, 0, False),
        "w": ("long", False, 0, False), "ll": ("long", False, 0, False),
        "l": ("long", False, 0, False), "s": ("short", False, 0, False),
        "sc": ("char", False, 0, False), "bit": ("int", False, 0, False),
        "bits": ("int", False, 0, False), "yes": ("bool", False, 0, False),
        "one": ("enum", False, 0, False), "three": ("enum", False, 0, False),
        "again": ("enum", False, 0, False), "other": ("Other", True, 0, False),
        "call": ("int", False, 0, True), "after": ("int", True, 0, False),
        "hook": ("void", False, 0, True), "opaque": ("void", True, 0, False),
        "size": ("size_t", False, 0, False), "addr": ("hwaddr", False, 0, False),
        "last": ("int8_t", False, 0, False),
    }  # fmt: skip
    inner = {
        name: (one.is_pointer, one.lengths, one.is_union, list(one.inner))
        for name, one in members.items()
        if one.inner is not None
    }
    (anonymous,) = (name for name in inner if name.startswith("<"))
    assert inner.pop(anonymous)[:3] == (False, 0, True)
    assert inner == {
        "inner": (False, 0, False, ["in", "to"]), "more": (False, 1, False, ["in", "to"]),
        "far": (True, 0, False, ["in", "to"]), "both": (False, 0, True, ["i", "f"]),
    }  # fmt: skip


def test_records_have_tags_and_other_names() -> None:
    found = records_of(
        "typedef struct One { int a; } One;\n"
        "typedef struct Two { int b; } Second;\n"
        "typedef struct { int c; } Third;\n"
        "typedef union QEMU_PACKED Four { int d; } QEMU_PACKED Fourth;\n"
        "struct Five { int e; } five;\n"
        "union Six { int f; };\n"
        "struct { int g; } seven;\n"
        "typedef struct Eight Nine; typedef struct Ten Ten;\n"
        "struct Five { int twice; };\n"
        "struct Open { int h;\n"
    )
    assert {name: list(one) for name, one in found.members.items()} == {
        "One": ["a"], "Two": ["b"], "Third": ["c"], "Four": ["d"], "Five": ["e"], "Six": ["f"],
    }  # fmt: skip
    assert found.unions == {"Four", "Six"}
    assert found.aliases == {"Second": "Two", "Fourth": "Four", "Nine": "Eight"}
    assert records_of("int a;") == RecordTexts({}, frozenset(), {})


@pytest.mark.parametrize("depth", [1, 5, 19, 20, 21, 25])
def test_records_in_records_are_followed_twenty_deep(depth: int) -> None:
    text = "struct S {" + "struct {" * depth + "int x;" + "} y;" * depth + "};"
    one = records_of(text).members["S"]
    seen = 0
    while "y" in one:
        seen += 1
        inner = one["y"].inner
        assert inner is not None
        one = inner
    assert seen == min(depth, 21)
    assert ("x" in one) == (depth <= 20)
