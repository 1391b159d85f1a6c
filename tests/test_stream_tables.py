"""Where a stream's description and a release's table part, for every place there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.ir_programs import U8, U16, U32, description, field, program
from vmgen import archive, ir
from vmgen.ir import json as ir_json
from vmgen.known import with_needed_facts
from vmgen.lookup import Lookup
from vmgen.source import Diagnostic, Position
from vmgen.stream.codec import Codec
from vmgen.stream.errors import NoCodecs
from vmgen.stream.tables import (
    SECTIONS,
    Shift,
    Tables,
    alike,
    bounded,
    guards,
    in_folder,
    parted,
    sized,
)

INNER = description(
    "inner", field("p", U8), field("q", U16, version_id=2), version_id=2, type="Inner"
)
SUB = description(
    "dev/sub", field("s", U32), field("t", U8, version_id=2), version_id=2
)
DEV = description(
    "dev",
    field("a", U8),
    field("b", U16, (3,)),
    field("c", U32, version_id=2),
    field("d", U8, test="maybe"),
    field("e", ir.StructElement("vmstate_inner", "Inner")),
    field("none", ir.NothingElement()),
    field("es", ir.StructElement("vmstate_inner", "Inner"), (2,)),
    field("old", ir.StructElement("vmstate_inner", "Inner", vstruct=True), struct_version_id=1),
    field("some", U16, array=True, pointer=True, count=ir.FromMember((), "uint8")),
    field("buf", ir.BufferElement(), size=ir.Fixed(5)),
    field("z", U32),
    subsections=("vmstate_dev_sub",),
    version_id=3,
    minimum_version_id=1,
)  # fmt: skip
ALL = (DEV, INNER, SUB)
WIDTHS = {"uint8": 1, "uint16": 2, "uint32": 4}

Node = dict[str, Any]


@dataclass(frozen=True)
class Written:
    """A field as QEMU wrote it: its path by names, and where."""

    path: str
    offset: int


class Writer:
    """What QEMU's ``vmstate_save_vmsd`` says of an object that it writes: a field that is
    there, its bytes, an index behind the name of an element of several."""

    def __init__(self, maybe: bool, some: int) -> None:
        self.maybe = maybe
        self.some = some
        self.position = 0
        self.found: list[Written] = []

    def object(self, one: ir.Description, version: int, path: str) -> Node:
        entries: list[Node] = []
        for each in one.fields:
            there = self.maybe if each.test else each.version_id <= version
            count = each.count.value if isinstance(each.count, ir.Fixed) else self.some
            if not there or count == 0:
                continue
            member = f"{path}.{each.name}" if path else each.name
            self.found.append(Written(member, self.position))
            nested = isinstance(each.element, ir.StructElement)
            for number in range(count if nested else 1):
                entry: Node = {"name": each.name}
                if nested and count > 1:
                    entry["name"] = f"{each.name}[{number}]"
                elif count > 1:
                    entry["array_len"] = count
                before = self.position
                if isinstance(each.element, ir.StructElement):
                    inner = each.struct_version_id if each.element.vstruct else 2
                    entry["struct"] = self.object(INNER, inner, member)
                    entry["size"] = self.position - before
                elif isinstance(each.element, ir.NothingElement):
                    entry["size"] = 0
                else:
                    assert isinstance(each.size, ir.Fixed)
                    entry["size"] = each.size.value
                    self.position += each.size.value * count
                entries.append(entry)
        node: Node = {"vmsd_name": one.name, "version": version, "fields": entries}
        if one is DEV:
            self.position += 1 + 1 + len(SUB.name) + 4
            below = f"{path}.{SUB.name}" if path else SUB.name
            self.found.append(Written(below, self.position))
            node["subsections"] = [self.object(SUB, 1, below)]
        return node


def written(version: int, maybe: bool = True, some: int = 2) -> tuple[Node, Writer]:
    writer = Writer(maybe, some)
    return writer.object(DEV, version, ""), writer


def shift(tables: tuple[ir.Description, ...], node: Node, version: int) -> Shift | None:
    lookup = Lookup(program(*tables))
    (dev,) = (one for one in lookup.all() if one.description.symbol == "vmstate_dev")
    return parted(lookup, dev, node, version)


def with_fields(owner: ir.Description, *fields: ir.Field) -> tuple[ir.Description, ...]:
    return tuple(
        replace(one, fields=fields) if one is owner else one for one in ALL
    )  # fmt: skip


STATES = [
    (version, maybe, some)
    for version in (1, 2, 3)
    for maybe in (False, True)
    for some in (0, 1, 3)
]


@pytest.mark.parametrize(("version", "maybe", "some"), STATES)
def test_what_the_same_table_wrote_does_not_part(
    version: int, maybe: bool, some: int
) -> None:
    node, _ = written(version, maybe, some)
    assert shift(ALL, node, version) is None


def places() -> Iterator[tuple[ir.Description, int, str]]:
    """Each field of each table: its owner, its number, and its path in the section, for
    nested tables that of the first object that has it."""
    for owner, path in ((DEV, ""), (INNER, "e."), (SUB, "dev/sub.")):
        for number, one in enumerate(owner.fields):
            yield owner, number, f"{path}{one.name}"


PLACES = list(places())
NAMES = [path for _, _, path in PLACES]


def offset(writer: Writer, path: str) -> int | None:
    return next((one.offset for one in writer.found if one.path == path), None)


@pytest.mark.parametrize(("owner", "number", "path"), PLACES, ids=NAMES)
@pytest.mark.parametrize("maybe", [False, True])
def test_a_field_that_the_table_lacks_is_named(
    owner: ir.Description, number: int, path: str, maybe: bool
) -> None:
    node, writer = written(3, maybe)
    left = [one for at, one in enumerate(owner.fields) if at != number]
    found = shift(with_fields(owner, *left), node, 3)
    where = offset(writer, path)
    if where is None or path in ("none", "dev/sub.t"):
        assert found is None
        return
    assert found is not None
    assert (found.member.partition("[")[0], found.offset) == (path, where)
    assert "which the table does not have" in found.message
    assert not found.at_end
    assert found.certain == (not any(one.test for one in left))


@pytest.mark.parametrize(("owner", "number", "path"), PLACES, ids=NAMES)
@pytest.mark.parametrize("maybe", [False, True])
def test_a_field_that_the_table_has_besides_is_named(
    owner: ir.Description, number: int, path: str, maybe: bool
) -> None:
    node, writer = written(3, maybe)
    for novel in (
        field("novel", U16),
        field("novel", U16, test="maybe"),
        field("novel", U16, version_id=4),
        field("novel", U16, pointers="null"),
        field("novel", U16, array=True, pointer=True, count=ir.FromMember((), "uint8")),
    ):
        more = (*owner.fields[:number], novel, *owner.fields[number:])
        found = shift(with_fields(owner, *more), node, 3)
        if novel.test or novel.version_id or novel.pointers or novel.pointer:
            assert found is None
            continue
        assert found is not None
        assert found.member == f"{path.rpartition('.')[0]}.novel".lstrip(".")
        assert "the table has 'novel' here" in found.message
        following = [
            f"{path.rpartition('.')[0]}.{one.name}".lstrip(".")
            for one in owner.fields[number:]
        ]
        known = [at for one in following if (at := offset(writer, one)) is not None]
        if path != "dev/sub.t":  # which version 1 has not: the stream ends before it
            assert found.offset == known[0]
        assert found.at_end == (path == "dev/sub.t")


@pytest.mark.parametrize(("owner", "number", "path"), PLACES, ids=NAMES)
def test_a_field_of_another_width_name_or_version_is_named(
    owner: ir.Description, number: int, path: str
) -> None:
    node, writer = written(3)
    one, where = owner.fields[number], offset(writer, path)
    if where is None:
        return

    def found(other: ir.Field) -> Shift | None:
        fields = (*owner.fields[:number], other, *owner.fields[number + 1 :])
        return shift(with_fields(owner, *fields), node, 3)

    if not one.test:
        late = found(replace(one, version_id=9))
        if path != "none":
            assert late is not None
            assert (late.member.partition("[")[0], late.offset) == (path, where)
            assert "which the table reads since version 9, and this is" in late.message
    if isinstance(one.element, ir.IntegerElement):
        wide = found(
            replace(one, element=ir.IntegerElement("uint64"), size=ir.Fixed(8))
        )
        assert wide is not None
        assert (wide.member, wide.offset) == (path, where)
        size = WIDTHS[one.element.type]
        assert wide.message == f"{size} bytes in the stream, 8 by the table"
        if isinstance(one.count, ir.Fixed):
            assert found(replace(one, name="renamed")) is None
        if one.array and isinstance(one.count, ir.Fixed):
            short = found(replace(one, count=ir.Fixed(2)))
            assert short is not None
            assert short.message == "6 bytes in the stream, 4 by the table"
            assert found(replace(one, count=ir.Fixed(4))) is None


def test_subsections_go_by_their_names() -> None:
    node, writer = written(3)
    other = replace(SUB, name="dev/other")
    found = shift((DEV, INNER, other), node, 3)
    assert found is not None
    assert found.member == "dev/sub"
    assert found.message == (
        "the stream has the subsection 'dev/sub', the table does not"
    )
    # Where it begins: with the byte that says so, its name and its version.
    start = offset(writer, "dev/sub")
    assert start is not None
    assert found.offset == start - 6 - len("dev/sub")


def test_a_second_subsection_begins_behind_the_first() -> None:
    more = description("dev/more", field("m", U16), field("n", U8))
    dev = replace(DEV, subsections=("vmstate_dev_sub", "vmstate_dev_more"))
    node, writer = written(3)
    node["subsections"].append(
        {"vmsd_name": "dev/more", "version": 1, "fields": [{"name": "n", "size": 1}]}
    )
    found = shift((dev, INNER, SUB, more), node, 3)
    assert found is not None
    assert found.member == "dev/more.m"
    assert found.offset == writer.position + 6 + len("dev/more")
    assert "the stream has 'n'" in found.message


def test_pieces_of_one_array_are_one_field() -> None:
    table = description("dev", field("x", U16, (6,)), field("y", U8))
    pieces = [{"name": "x", "size": 2, "array_len": 3}] * 2
    node = {"fields": [*pieces, {"name": "y", "size": 1}]}
    assert shift((table,), node, 1) is None
    found = shift((table,), {"fields": [*node["fields"], {"name": "w", "size": 1}]}, 1)
    assert found is not None
    assert (found.member, found.offset) == ("w", 13)


def test_fields_of_one_name_are_chosen_by_their_size() -> None:
    """Tests choose between them, as between the CPUs of two word widths."""
    table = description(
        "dev", field("x", U32, test="wide"), field("x", U16, test="narrow"), field("y", U8)
    )  # fmt: skip
    for size in (4, 2):
        both = [{"name": "x", "size": size}, {"name": "y", "size": 1}]
        assert shift((table,), {"fields": both}, 1) is None
    found = shift((table,), {"fields": [{"name": "x", "size": 8}]}, 1)
    assert found is not None
    assert found.message == "8 bytes in the stream, 4 by the table"


def test_how_much_a_table_and_a_description_share() -> None:
    lookup = Lookup(program(*ALL))
    (dev,) = (one for one in lookup.all() if one.description.symbol == "vmstate_dev")
    node, _ = written(3, some=1)
    names = {name for name, _ in sized(node)}
    assert names == {
        "a", "b", "c", "d", "e", "p", "q", "es[0]", "es[1]", "old", "some", "buf", "z",
        "none", "dev/sub", "s",
    }  # fmt: skip
    assert alike(dev, {}, lookup) == 0
    # A name alone, and a name with its size.
    assert alike(dev, {"fields": [{"name": "a", "size": 2}]}, lookup) == 1
    assert alike(dev, {"fields": [{"name": "a", "size": 1}]}, lookup) == 2
    below = {
        "subsections": [{"vmsd_name": "dev/sub", "fields": [{"name": "s", "size": 4}]}]
    }
    assert alike(dev, below, lookup) == 4
    within = {
        "fields": [
            {"name": "e", "size": 3, "struct": {"fields": [{"name": "q", "size": 2}]}}
        ]
    }
    assert alike(dev, within, lookup) == 3


def test_what_may_not_exceed_the_machines_own_value_is_known() -> None:
    table = description(
        "dev", field("env.n", ir.IntegerElement("int32", "le")), field("m", U8),
        field("k", ir.IntegerElement("uint8", "equal")),
    )  # fmt: skip
    (placed,) = Lookup(program(table)).all()
    assert list(bounded(placed)) == [("env.n", ("env", "n"))]


def test_what_every_registration_of_a_table_waits_for() -> None:
    (placed,) = Lookup(program(description("dev"))).all()

    def root(
        *names: str, symbol: str = "vmstate_dev", home: str = "hw/dev.c"
    ) -> ir.Root:
        return ir.Root(symbol, "hw/a.c", home, "vmstate_register", "f", "dev", guards=names)  # fmt: skip

    other = root(symbol="vmstate_other"), root(home="hw/other.c")
    assert guards([root("b", "a"), *other], placed) == ("a", "b")
    assert guards([root("b"), root("a", "b")], placed) == ("a", "b")
    assert guards([root("b"), root()], placed) == ()
    assert guards([root("x", symbol="vmstate_other")], placed) == ()


def one_table(*fields: ir.Field) -> tuple[ir.Description, ...]:
    return (description("dev", *fields, version_id=2),)


def test_what_comes_behind_a_renamed_field_is_where_it_was() -> None:
    table = one_table(field("a", U8), field("new", U16), field("b", U8))
    fields = [
        {"name": "a", "size": 1},
        {"name": "old", "size": 2},
        {"name": "x", "size": 1},
    ]
    found = shift(table, {"fields": [*fields, {"name": "b", "size": 1}]}, 2)
    assert found is not None
    assert (found.member, found.offset) == ("x", 3)
    # Of another size, or of a size that nobody knows, it is another field.
    wide = {"fields": [{"name": "a", "size": 1}, {"name": "old", "size": 4}]}
    unknown = one_table(field("a", U8), field("n", U16, array=True, pointer=True,
                        count=ir.FromMember((), "uint8")))  # fmt: skip
    for tables in (table, unknown):
        other = shift(tables, wide, 2)
        assert other is not None
        assert (other.member, other.offset) == ("old", 1)


def test_nobody_writes_a_field_under_a_name_that_his_table_does_not_have() -> None:
    lookup = Lookup(program(*one_table(field("a", U8), field("new", U16))))
    (dev,) = lookup.all()
    old = {"fields": [{"name": "a", "size": 1}, {"name": "old", "size": 2}]}
    found = parted(lookup, dev, old, 2, exact=True)
    assert found is not None
    assert (found.member, found.offset) == ("old", 1)
    assert parted(lookup, dev, old, 2) is None
    new = {"fields": [{"name": "a", "size": 1}, {"name": "new", "size": 2}]}
    assert parted(lookup, dev, new, 2, exact=True) is None


def test_a_test_says_more_than_a_version() -> None:
    """QEMU's vmstate_field_exists asks the test alone where there is one."""
    table = one_table(field("a", U8, test="maybe", version_id=9), field("b", U8))
    both = {"fields": [{"name": "a", "size": 1}, {"name": "b", "size": 1}]}
    assert shift(table, both, 2) is None
    assert shift(table, {"fields": both["fields"][1:]}, 2) is None


def test_a_name_with_an_index_of_its_own_is_that_field() -> None:
    table = one_table(field("r[0]", U8), field("r[1]", U16))
    fields = [{"name": "r[0]", "size": 1}, {"name": "r[1]", "size": 2}]
    assert shift(table, {"fields": fields}, 2) is None
    found = shift(table, {"fields": fields[1:]}, 2)
    assert found is not None
    assert (found.member, found.offset) == ("r[0]", 0)


def test_of_one_name_that_comes_often_the_one_that_must_be_there_is_meant() -> None:
    table = one_table(
        field("x", U16, test="maybe"), field("x", U16), field("y", U8), field("z", U8)
    )
    x, y, z = (
        {"name": name, "size": size} for name, size in (("x", 2), ("y", 1), ("z", 1))
    )
    assert shift(table, {"fields": [x, y, z]}, 2) is None
    assert shift(table, {"fields": [x, x, y, z]}, 2) is None
    found = shift(table, {"fields": [y, z]}, 2)
    assert found is not None
    assert (found.member, found.offset) == ("x", 0)


# --- which table ------------------------------------------------------------------------


def tables(one: ir.Program, folder: Path) -> Tables:
    file = folder / "ir.json"
    file.write_text(ir_json.dumps(one))
    return Tables(file)


def test_the_archive_has_the_tables_of_the_sections_that_a_package_names(
    tmp_path: Path,
) -> None:
    there = archive.shipped()
    assert there is not None
    release = there.releases[-1]
    head = {"release": release.name, "target": "avr", "page_bits": 8, "cpu": []}
    (tmp_path / "meta.json").write_text(json.dumps(head))
    assert in_folder(tmp_path) is None
    file = tmp_path / SECTIONS
    for text, names in (('["cpu"]', ("cpu",)), ("null", None)):
        file.write_text(text)
        known = in_folder(tmp_path)
        assert known is not None
        whole = there.program(release, "avr", names)
        assert known.lookup.program == with_needed_facts(whole)
    for text in ("[]", "{}", "[", "[" * 100_000, "7"):
        file.write_text(text)
        with pytest.raises(NoCodecs, match="does not name sections"):
            _ = Tables(file).lookup
    file.write_text('["cpu"]')
    (tmp_path / "meta.json").write_text(json.dumps({**head, "release": "0.1"}))
    with pytest.raises(NoCodecs, match="does not know QEMU"):
        _ = Tables(file).lookup
    # What a person has written beside the code comes first.
    tables(program(DEV, INNER, SUB), tmp_path)
    known = in_folder(tmp_path)
    assert known is not None
    assert known.lookup.program == program(DEV, INNER, SUB)


def codec(name: str, version: int, symbol: str) -> Codec:
    found: Any = SimpleNamespace(name=name, version_id=version, symbol=symbol)
    return cast(Codec, found)


def test_a_codec_is_made_from_the_table_of_its_symbol(tmp_path: Path) -> None:
    one = program(
        description("vga", field("a", U8), symbol="vmstate_pci"),
        description("vga", field("b", U8), symbol="vmstate_struct"),
        description("vga", field("c", U8), symbol="vmstate_new", version_id=2),
        description("nic", field("d", U8), version_id=2),
    )
    known = tables(one, tmp_path)

    def of(name: str, version: int, symbol: str) -> str:
        found = known.table(codec(name, version, symbol))
        return "" if found is None else found.description.symbol

    assert of("vga", 1, "vmstate_pci") == "vmstate_pci"
    assert of("vga", 1, "vmstate_struct") == "vmstate_struct"
    # Without its symbol: the only one of the name and version, or none.
    assert of("vga", 1, "") == ""
    assert of("vga", 2, "") == "vmstate_new"
    assert of("nic", 2, "other") == "vmstate_nic"
    assert of("nic", 1, "vmstate_nic") == ""
    assert of("usb", 2, "") == ""


def test_why_there_may_be_no_codec_for_a_section(tmp_path: Path) -> None:
    def lost(number: int) -> tuple[Diagnostic, ...]:
        return (
            Diagnostic(f"VG40{number}", f"reason {number}", Position("a.c", number)),
            Diagnostic("VG409", "another"),
        )

    def root(symbol: str, section: str, home: str) -> ir.Root:
        return ir.Root(symbol, "board.c", home, "device", "init", section)

    roots = (
        root("vmstate_one", "one", "a.c"), root("vmstate_two", "two", "b.c"),
        root("vmstate_fine", "fine", "c.c"),
    )  # fmt: skip
    whole = replace(
        program(DEV, INNER, SUB), roots=roots,
        unread=(ir.Unread("vmstate_one", "a.c", lost(1)), ir.Unread("", "b.c", lost(2))),
    )  # fmt: skip
    known = tables(whole, tmp_path)
    assert "reason 1" in known.unread("one")
    assert "reason 1" in known.unread("0000:00:01.0/one")
    assert "reason 2" in known.unread("two")
    # A file that was not read may register anything.
    assert "reason 2" in known.unread("fine")
    named = replace(whole, unread=whole.unread[:1])
    known = tables(named, tmp_path)
    assert "reason 1" in known.unread("one")
    assert known.unread("two") == known.unread("fine") == ""
    # Where nobody knows what is registered, it may be this one.
    assert "reason 1" in tables(replace(named, roots=()), tmp_path).unread("fine")
    assert tables(replace(whole, unread=()), tmp_path).unread("one") == ""
