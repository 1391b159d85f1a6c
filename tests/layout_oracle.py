"""Layouts against compilers: what a unit's records are, as assertions in C.

``python -m tests.layout_oracle TREE [TARGET...]`` holds every file of a QEMU tree with a
description against libclang (the wheel of that name): sizes, alignments and offsets of
all records that its tables reach.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.trees import EIGHT
from vmgen.cfront import ctype, syntax
from vmgen.cfront.census import census
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.preprocess import preprocess
from vmgen.source import VmgenError
from vmgen.tree import configure

#: The message of an assertion made here.
_OWN = r"(?:sizeof|alignof|offsetof) "

#: What is wrong with a unit that declares its records otherwise than QEMU's build does.
_NOT_C = "redefinition|unknown type name|has incomplete type"


def named_records(unit: Unit, layout: Layout) -> dict[ctype.Record, str]:
    """The records that the tables of a unit speak of, by the name C has for them, and
    all records that those reach through members and pointers."""
    found: dict[ctype.Record, str] = {}
    pending: list[object] = [
        one.declared.initializer
        for type_ in ("VMStateDescription", "VMStateField")
        for one in census(unit, layout, type_).found
    ]
    types: list[syntax.TypeExpr] = []
    while pending:
        node = pending.pop()
        if isinstance(node, syntax.NamedType | syntax.RecordType):
            types.append(node)
        elif isinstance(node, tuple):
            pending += node
        elif hasattr(node, "__slots__"):
            pending += [getattr(node, slot) for slot in node.__slots__]
    while types:
        written = types.pop()
        while isinstance(written, syntax.PointerType | syntax.ArrayType):
            written = (
                written.target
                if isinstance(written, syntax.PointerType)
                else written.element
            )
        if not isinstance(written, syntax.NamedType | syntax.RecordType):
            continue
        if isinstance(written, syntax.NamedType):
            typedef = unit.typedef(written.name)
            if typedef is None:
                continue
            types.append(typedef.type)
        record = layout.resolve(written)
        if (
            not isinstance(record, ctype.Record)
            or unit.record(record.kind, record.tag) is None
        ):
            continue
        spelling = layout.spelling(written)
        if record in found and (found[record] or not spelling):
            continue
        found[record] = spelling
        types += [member.written for member in layout.record(record).members]
    return found


def assertions(layout: Layout, records: dict[ctype.Record, str]) -> Iterator[str]:
    """``_Static_assert``s on the size and alignment of each record, and on the offset
    and size of each of its members that is no bitfield."""
    for record, name in records.items():
        if not name:
            continue  # has no name of its own: checked inside the record that holds it
        found = layout.record(record)
        yield f'_Static_assert(sizeof({name}) == {found.size}, "sizeof {name}");'
        # A typedef can be aligned more than the record it names.
        bare = syntax.RecordType(record.kind, record.tag)
        align = layout.alignof_written(bare if " " in name else syntax.NamedType(name))
        yield f'_Static_assert(_Alignof({name}) == {align}, "alignof {name}");'
        yield from _member_assertions(layout, record, name, "", 0)


def _member_assertions(
    layout: Layout, record: ctype.Record, name: str, before: str, offset: int
) -> Iterator[str]:
    for member in layout.record(record).members:
        path = before + member.name
        start = offset + member.offset
        if member.bits is not None:
            continue
        if member.name:
            yield (
                f"_Static_assert(__builtin_offsetof({name}, {path}) == {start},"
                f' "offsetof {name} {path}");'
            )
            if not (
                isinstance(member.type, ctype.Array) and member.type.length is None
            ):
                size = layout.sizeof(member.type)
                yield (
                    f"_Static_assert(sizeof((({name} *)0)->{path}) == {size},"
                    f' "sizeof {name} {path}");'
                )
        inner = member.type
        if isinstance(inner, ctype.Record):
            inside = f"{path}." if member.name else before
            yield from _member_assertions(layout, inner, name, inside, start)


def translation_unit(text: str, name: str = "unit.c") -> Any:
    """Preprocessed C as libclang reads it."""
    index = pytest.importorskip("clang.cindex").Index.create()
    return index.parse(
        name,
        args=["-std=gnu2x", "-w", "-ferror-limit=0", "-target", "x86_64-linux-gnu"],
        unsaved_files=[(name, text)],
    )


def clang_messages(text: str) -> list[str]:
    """What libclang finds wrong in preprocessed C; an assertion that does not hold says
    which it is."""
    return [
        f"{one.location.line}: {one.spelling}"
        for one in translation_unit(text).diagnostics
        if one.severity >= 3
    ]


def disagreements(unit: Unit, text: str) -> tuple[int, list[str]]:
    """How many assertions a unit gives, and those that libclang finds wrong.

    QEMU is written for GCC: what clang says about the text itself does not count.
    """
    layout = Layout(unit)
    checks = list(assertions(layout, named_records(unit, layout)))
    found = clang_messages(text + "\n" + "\n".join(checks) + "\n")
    return len(checks), [
        one for one in found if "assertion" in one and re.search(_OWN, one)
    ]


def described_files(tree: Path) -> list[str]:
    """The C files of a tree that mention the type of a description."""
    return [
        str(path.relative_to(tree))
        for folder in (
            "accel",
            "audio",
            "backends",
            "hw",
            "net",
            "system",
            "target",
            "ui",
        )
        for path in sorted((tree / folder).rglob("*.c"))
        if "VMStateDescription" in path.read_text("utf-8", "replace")
    ]


def units(
    tree: Path, files: Iterable[str], targets: Iterable[str], cache: Path
) -> Iterator[tuple[str, Unit, str]]:
    """The units of files, each for the first target that it can be preprocessed for."""
    left = list(files)
    for target in targets:
        configured = configure(tree, target, cache=cache)
        for file in tuple(left):
            try:
                expansion = preprocess(configured, file)
            except VmgenError:
                continue  # another target's
            if any(re.search(_NOT_C, one) for one in clang_messages(expansion.text)):
                continue  # another target's too: two CPUs in one unit, or none
            left.remove(file)
            unit = Unit(
                expansion.text, source=expansion.source, relative=expansion.relative
            )
            yield file, unit, expansion.text
    for file in left:
        print(f"{file}: for none of the targets", file=sys.stderr)


def main(arguments: list[str]) -> int:
    """Check the files of a tree; 1 if a layout is another than libclang's."""
    tree, *targets = arguments
    checked = failed = 0
    with TemporaryDirectory() as cache:
        for name, unit, text in units(
            Path(tree), described_files(Path(tree)), targets or EIGHT, Path(cache)
        ):
            try:
                count, wrong = disagreements(unit, text)
            except VmgenError as error:
                count, wrong = 0, [str(error)]
            checked += count
            failed += bool(wrong)
            for one in wrong:
                print(f"{name}: {one}")
    print(f"{checked} assertions, {failed} files with another layout")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
