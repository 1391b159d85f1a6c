"""The census against a compiler: which tables a unit defines, as libclang sees it.

``python -m tests.census_oracle --qemu TREE [--target TARGET...] [--files FILE...]`` holds
every file of a QEMU tree that mentions a description or an info against libclang: each
initialised variable of these types is found by :func:`vmgen.cfront.census.census`, or a
diagnostic names it, and nothing else is found.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.layout_oracle import translation_unit, units
from tests.trees import EIGHT
from vmgen.cfront.census import census
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit

TYPES = ("VMStateDescription", "VMStateInfo")

#: Folders of a tree that are no part of an emulator.
_ELSEWHERE = {"tests", "roms", "subprojects", "contrib", "docs", "scripts", "plugins"}

Object = tuple[str, str]
"""The name of an object and the function that it is in, if any."""


def compiled(text: str, type_: str) -> dict[Object, int]:
    """The initialised variables of a struct type, and arrays of it, that libclang finds in
    preprocessed C, and their lines there."""
    found: dict[Object, int] = {}
    data = text.encode()
    for cursor in translation_unit(text).cursor.get_children():
        if cursor.kind.name == "VAR_DECL":
            if _is_initialised(cursor, type_):
                found[cursor.spelling, ""] = cursor.location.line
        elif cursor.kind.name == "FUNCTION_DECL":
            extent = cursor.extent
            if b"VMState" in data[extent.start.offset : extent.end.offset]:
                for inner in cursor.walk_preorder():
                    if (
                        inner.kind.name == "VAR_DECL"
                        and inner.storage_class.name == "STATIC"
                        and _is_initialised(inner, type_)
                    ):
                        place = inner.spelling, cursor.spelling
                        found[place] = inner.location.line
    return found


def _is_initialised(variable: Any, type_: str) -> bool:
    return _is_of(variable.type, type_) and any(
        child.kind.is_expression() and _is_of(child.type, type_)
        for child in variable.get_children()
    )


def _is_of(written: Any, type_: str) -> bool:
    """Whether it is the struct of that tag, or an array of it."""
    found = written.get_canonical()
    while found.kind.name in ("CONSTANTARRAY", "INCOMPLETEARRAY", "VARIABLEARRAY"):
        found = found.element_type.get_canonical()
    is_record: bool = found.kind.name == "RECORD"
    return is_record and bool(found.get_declaration().spelling == type_)


def differences(
    unit: Unit, text: str, types: Sequence[str] = TYPES
) -> tuple[int, list[str]]:
    """How many objects libclang sees in a unit, and where the census differs."""
    layout = Layout(unit)
    count = 0
    wrong: list[str] = []
    for type_ in types:
        taken = census(unit, layout, type_)
        found = {
            (one.declared.name, one.function)
            for one in taken.found
            if one.declared.initializer is not None
        }
        seen = compiled(text, type_)
        count += len(seen)
        for name, function in sorted(seen.keys() - found):
            about = function or name
            if not any(
                about in missed.context or re.search(rf"\b{name}\b", missed.message)
                for missed in taken.missed
            ):
                wrong.append(f"{type_} {name} is not found{_of(function)}")
        wrong += [
            f"{type_} {name} is found, and is none{_of(function)}"
            for name, function in sorted(found - seen.keys())
        ]
    return count, wrong


def _of(function: str) -> str:
    return f" (in {function}())" if function else ""


def mentioning_files(tree: Path) -> list[str]:
    """The C files of a tree, from its root, that mention one of the types."""
    return [
        str(path.relative_to(tree))
        for path in sorted(tree.rglob("*.c"))
        if path.relative_to(tree).parts[0] not in _ELSEWHERE
        and re.search("|".join(TYPES), path.read_text("utf-8", "replace"))
    ]


def compared(
    tree: Path, files: Sequence[str], targets: Sequence[str], cache: Path
) -> Iterator[tuple[str, int, list[str]]]:
    """Each file with the number of its objects and what differs."""
    for name, unit, text in units(tree, files, targets, cache):
        count, wrong = differences(unit, text)
        yield name, count, wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the files of a tree; 1 if the census and libclang differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.census_oracle")
    parser.add_argument("--qemu", type=Path, required=True, metavar="TREE")
    parser.add_argument("--target", nargs="*", default=EIGHT)
    parser.add_argument("--files", nargs="*")
    options = parser.parse_args(arguments)
    tree: Path = options.qemu
    files: list[str] = options.files or mentioning_files(tree)
    read = objects = failed = 0
    with TemporaryDirectory() as cache:
        for name, count, wrong in compared(tree, files, options.target, Path(cache)):
            read += 1
            objects += count
            failed += bool(wrong)
            for one in wrong:
                print(f"{name}: {one}", flush=True)
    print(f"{objects} objects in {read} of {len(files)} files, {failed} files differ")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
