"""Initialisers against GCC: what each object holds, byte by byte, and what is refused."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vmgen.cfront import syntax as c
from vmgen.cfront.ctype import Array, CType, Integer, Record
from vmgen.cfront.layout import (
    STATIC_INITIALIZER,
    Filled,
    FilledArray,
    FilledRecord,
    Layout,
)
from vmgen.cfront.syntax import StringLiteral
from vmgen.cfront.unit import Unit
from vmgen.source import VmgenError

GCC = shutil.which("gcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="no gcc to compare with")

TYPES = """
typedef struct { int a; short b, c; } Small;
typedef union { int word; short half[2]; struct { char p, q; } two; } Either;
typedef struct { Small s; int list[4]; union { int u; struct { short lo, hi; }; };
                 char text[6]; int :7; Either e[2]; struct { int x, y; }; int last; } Large;
enum { THREE = 3 };
"""
#: Members by type, in order; anonymous records give theirs.
MEMBERS: dict[str, list[tuple[str, str]]] = {
    "Small": [("a", "int"), ("b", "short"), ("c", "short")],
    "Either": [("word", "int"), ("half", "short[2]"), ("two", "struct{char p,q;}")],
    "struct{char p,q;}": [("p", "char"), ("q", "char")],
    "Large": [
        ("s", "Small"), ("list", "int[4]"), ("u", "int"), ("lo", "short"), ("hi", "short"),
        ("text", "char[6]"), ("e", "Either[2]"), ("x", "int"), ("y", "int"), ("last", "int"),
    ],
}  # fmt: skip


def array_of(type: str) -> tuple[str, int] | None:
    found = re.fullmatch(r"(.*)\[(\d+)\]", type)
    return (found[1], int(found[2])) if found else None


def value(choose: random.Random, type: str, depth: int) -> str:
    """An initialiser for a part of ``type``, in braces or without."""
    if (type in MEMBERS or array_of(type)) and choose.random() < 0.75:
        if type == "char[6]" and choose.random() < 0.5:
            return choose.choice(('"ab"', '"abcde"', '"a\\0b"', '{ "x" }'))
        return braced(choose, type, depth + 1)
    return str(choose.choice((choose.randint(0, 100), "THREE", "-1")))


def designated(choose: random.Random, type: str) -> tuple[str, str]:
    """Random designators into ``type``, and the type of what they name."""
    text = ""
    while type in MEMBERS or array_of(type):
        if text and choose.random() < 0.4:
            break
        if found := array_of(type):
            type, length = found
            low = choose.randrange(length)
            high = choose.randrange(low, length)
            text += f"[{low} ... {high}]" if choose.random() < 0.3 else f"[{low}]"
        else:
            name, type = choose.choice(MEMBERS[type])
            text += f".{name}"
    return text, type


def braced(choose: random.Random, type: str, depth: int = 0) -> str:
    if depth > 3:
        return "{ 0 }"
    items = []
    for _ in range(choose.choice((0, 1, 1, 2, 2, 3, 4, 5))):
        if choose.random() < 0.5:
            where, inner = designated(choose, type)
            items.append(f"{where} = {value(choose, inner, depth)}")
        else:
            inner = choose.choice(["int", *(t for _, t in MEMBERS.get(type, ()))])
            items.append(
                value(choose, inner if choose.random() < 0.4 else "int", depth)
            )
    return f"{{ {', '.join(items)} }}" if items else "{ }"


def write(
    layout: Layout, type: CType, filled: Filled | None, image: bytearray, at: int
) -> None:
    """Put what an initialiser sets into the bytes of an object."""
    match filled:
        case None:
            pass
        case FilledRecord(members=members):
            assert isinstance(type, Record)
            for name in members:
                place = layout.member(type, name)
                assert place is not None
                write(layout, place.type, filled[name], image, at + place.offset)
        case FilledArray():
            assert isinstance(type, Array)
            size = layout.sizeof(type.element)
            for index, one in filled.elements():
                write(layout, type.element, one, image, at + index * size)
        case StringLiteral(text) if isinstance(type, Array):
            room = text.encode("latin-1")[: type.length]
            image[at : at + len(room)] = room
        case _:
            assert isinstance(type, Integer)
            number = layout.constant(filled)
            raw = (number & ((1 << 8 * type.size) - 1)).to_bytes(type.size, "little")
            image[at : at + type.size] = raw


def image_of(layout: Layout, unit: Unit, name: str) -> str:
    declared = unit.object(name)
    assert declared is not None
    type = layout.sized(
        layout.resolve(declared.type), declared.initializer, STATIC_INITIALIZER
    )
    image = bytearray(layout.sizeof(type))
    write(layout, type, layout.filled(declared), image, 0)
    return image.hex()


def by_gcc(
    lines: list[str], tmp_path: Path, declarations: str
) -> tuple[dict[int, str], dict[int, str]]:
    """The bytes of the objects ``v0``, ``v1``, ... by number, and the errors by number."""
    assert GCC is not None
    head = declarations.splitlines()
    source = tmp_path / "t.c"
    source.write_text("\n".join([*head, *lines]))
    checked = subprocess.run(
        [GCC, "-w", "-fsyntax-only", "-fmax-errors=0", str(source)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    errors = {
        int(line) - len(head) - 1: message
        for line, message in re.findall(r"t\.c:(\d+):\d+: error: (.*)", checked.stderr)
    }
    kept = [number for number in range(len(lines)) if number not in errors]
    program = "\n".join(
        [
            *head,
            *(lines[number] for number in kept),
            "int printf(const char *, ...);",
            "static void show(int n, const void *p, unsigned long size) {",
            '  printf("%d ", n);',
            '  for (unsigned long i = 0; i < size; i++) printf("%02x", ((unsigned char *)p)[i]);',
            '  printf("\\n"); }',
            "int main(void) {",
            *(f"show({number}, &v{number}, sizeof(v{number}));" for number in kept),
            "return 0; }",
        ]
    )
    source.write_text(program)
    subprocess.run([GCC, "-w", "-o", str(tmp_path / "t"), str(source)], check=True)
    shown = subprocess.run(
        [str(tmp_path / "t")], capture_output=True, text=True, check=True
    )
    rows = (line.partition(" ") for line in shown.stdout.splitlines())
    return {int(number): image for number, _, image in rows}, errors


#: What vmgen says of C that has no meaning, where GCC only warns or takes IEEE's.
_UNDEFINED = (
    "division by zero",
    "has room for",
    "out of the range",
    "'/' on floating values",
)


def agree_with_gcc(lines: list[str], tmp_path: Path, more: str = "") -> tuple[int, int]:
    """Compare every object with GCC; how many were equal, how many both refuse; ``more``
    is what is declared before them.

    GCC only warns of more values than there is room for, and of numbers that C has no
    meaning for, which vmgen refuses; and it refuses ``{}`` for a scalar, which C23 has.
    """
    images, errors = by_gcc(lines, tmp_path, TYPES + more)
    equal = refused = 0
    for number, line in enumerate(lines):
        unit = Unit(f"{TYPES}{more}{line}\n", source="t.c")
        layout = Layout(unit)
        try:
            image = image_of(layout, unit, f"v{number}")
        except VmgenError as error:
            message = error.diagnostics[0].message
            assert number in errors or any(words in message for words in _UNDEFINED), (
                line,
                message,
            )
            refused += number in errors
            continue
        if number in images:
            assert image == images[number], line
            equal += 1
        else:
            assert errors[number] == "empty scalar initializer", line
    return equal, refused


@needs_gcc
@pytest.mark.parametrize("seed", range(8))
def test_random_initialisers_hold_what_gcc_puts_into_them(
    seed: int, tmp_path: Path
) -> None:
    choose = random.Random(seed)
    types = ("Small", "Either", "Large", "int[4]", "Small[3]", "Either[2]", "int[2][3]")
    lines = []
    for number in range(120):
        type = choose.choice(types)
        base, _, dims = type.partition("[")
        dims = f"[{dims}" if dims else ""
        if dims and choose.random() < 0.3:
            dims = dims.replace(dims[: dims.index("]") + 1], "[]", 1)
        lines.append(f"{base} v{number}{dims} = {braced(choose, type)};")
    equal, refused = agree_with_gcc(lines, tmp_path)
    assert equal > 40
    assert refused > 0


@needs_gcc
def test_what_designators_say_is_what_gcc_makes_of_it(tmp_path: Path) -> None:
    lines = [
        "int v0[] = { [2] = 3, [0] = 1, 2, [5] = 9 };",
        "int v1[] = { 1, [1 ... 3] = 4, 5, [2] = 7 };",
        "Large v2 = { .s = (Small){ 1, 2, 3 }, .s.b = 9, 4, 5 };",
        "Small v3[] = { [0 ... 2].a = 1, 2, 3, [1].c = 4 };",
        "Large v4 = { .u = -1, .hi = 1, 'x', 'y', .e[0].two.p = 3 };",
        'Large v5 = { 1, 2, 3, { 4, [2] = 5 }, { 6 }, "abc", { { 7 }, 8 }, 9, 10, 11 };',
        "Large v6 = { .text = \"abcdef\", .text[1] = 'X' };",
        "static const Small one = { 1, 2, 3 }; Small v7[] = { one, { 4 }, one, [2].b = 5 };",
        "Large v8 = { .e = { { .half = { 1, 2 } }, { .two.q = 3 } }, .e[0].two.p = 4 };",
        "int v9[2][3] = { 1, 2, 3, 4 };",
        'char v10[] = { "ab" "c" };',
        "Small v11 = { { 1 }, 5, { 2 } };",
    ]
    equal, _ = agree_with_gcc(lines, tmp_path)
    assert equal == len(lines)


def test_a_range_costs_no_memory_in_proportion() -> None:
    unit = Unit("int big[] = { [0 ... 99999999] = 1, [5] = 2 };", source="t.c")
    declared = unit.object("big")
    assert declared is not None
    filled = Layout(unit).filled(declared)
    assert isinstance(filled, FilledArray)
    assert (filled.length, len(filled.spans)) == (100_000_000, 3)


@needs_gcc
def test_designators_of_old_are_what_gcc_takes_them_for(tmp_path: Path) -> None:
    lines = [
        "struct { int a, b; } v0 = { b: 3, a: 4 };",
        "int v1[4] = { [1] 5, 6, [3] = 7 };",
        "struct { struct { int a, b; } c; int d; } v2 = { c: { b: 2 }, d: 1 ? 2 : 3 };",
        "int v3[4] = { [0 ... 2] 7 };",
        "struct { int a, b[3]; } v4 = { b: { [1] 4 }, a: sizeof(struct { int q; }) };",
        "struct { int a, b; } v5[2] = { [1] { b: 3 }, [0] = { a: 9, .b = 1 } };",
    ]
    assert agree_with_gcc(lines, tmp_path) == (len(lines), 0)


def test_a_label_is_no_designator() -> None:
    text = "int f(int x) { lab: if (x) { x--; goto lab; } { z: { x++; } } return x; }"
    found = Unit(text, source="t.c").function("f")
    assert found is not None
    assert found.body is not None
    assert isinstance(found.body.items[0], c.Label)
