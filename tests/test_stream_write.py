"""Streams that are changed: what is not touched stays, what is touched fits."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from tests.stream_files import ALL, captured, codecs_of, packages, stripped, whole
from tests.stream_sections import description_json, find_sections
from tests.test_stream_read import HEAD, description, device, opened, section
from vmgen.stream import (
    Ambiguous,
    BadEdit,
    Command,
    Draft,
    NotFound,
    Refused,
    Stream,
    StreamError,
    UnknownSection,
)
from vmgen.stream.compare import compare
from vmgen.stream.description import Document
from vmgen.stream.edit import edit
from vmgen.stream.paths import ABSENT
from vmgen.stream.verify import verify

RISCV = "riscv64-virt-vh-bare--10.0.2"


def changes(old: bytes, new: bytes, name: str = RISCV) -> list[tuple[str, Any, Any]]:
    codecs = codecs_of(name)
    found = compare(Stream(old, codecs), Stream(new, codecs))
    return [(one.path, one.old, one.new) for one in found]


def edited(*assignments: str, name: str = RISCV) -> bytes:
    made = edit(opened(name), assignments).to_bytes()
    assert all(one.difference is None for one in verify(Stream(made, codecs_of(name))))
    return made


def differing(old: bytes, new: bytes) -> list[int]:
    assert len(old) == len(new)
    return [at for at, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]


@pytest.mark.parametrize("name", ALL)
def test_unchanged_in_unchanged_out(name: str) -> None:
    stream = opened(name)
    assert Draft(stream).to_bytes() == captured(name)
    again = Draft(stream)
    for one in stream.sections:
        if one.codec is not None:
            again.replace(one, stream.state(one))
        elif one.kind == "full":
            again.replace(one, stream.body(one))
    assert again.to_bytes() == captured(name)


def test_an_edited_register_is_all_that_differs() -> None:
    old = whole(RISCV)
    new = edited("cpu/0.env.gpr[10]=0x1122334455667788")
    cpu = next(one for one in find_sections(old) if one.name == "cpu")
    places = differing(old, new)
    assert places
    assert all(cpu.start + 80 <= at < cpu.start + 88 for at in places)
    ((path, _, value),) = changes(old, new)
    assert (path, value) == ("cpu/0.env.gpr[10]", 0x1122334455667788)


def test_fields_of_sections_without_codec_are_edited_in_place() -> None:
    old = whole(RISCV)
    new = edited("timer/0.cpu_ticks_offset=-2", "fw_cfg.cur_entry=0x1234")
    assert {path for path, *_ in changes(old, new)} == {
        "timer/0.cpu_ticks_offset", "fw_cfg/0.cur_entry",
    }  # fmt: skip
    assert description_json(new) == description_json(old)


def test_kinds_of_values() -> None:
    new = edited(
        "cpu/0.env.virt_enabled=true",
        "cpu/0.env.miprio=" + "ab" * 64,
        "cpu/0.env.fpr=[" + ", ".join(map(str, range(32))) + "]",
        "cpu/0.env.pc=0b101",
        "timer/0.unused=0000000000000000",
        "slirp/0.data[3]=7",
    )
    found = {path: value for path, _, value in changes(whole(RISCV), new)}
    assert found["cpu/0.env.virt_enabled"] is True
    assert found["cpu/0.env.pc"] == 5
    assert found["slirp/0.data[3]"] == b"\7"
    cpu = Stream(new, codecs_of(RISCV))
    state = cpu.state(cpu.section("cpu"))
    assert bytes(state.env.miprio) == b"\xab" * 64
    assert list(state.env.fpr) == list(range(32))


@pytest.mark.parametrize(
    ("assignment", "kind", "message"),
    [
        ("cpu/0.env.gpr[32]=1", NotFound, r"cpu/0.env.gpr: there is no '\[32\]'"),
        ("cpu/0.env.nope=1", NotFound, "cpu/0.env: there is no '.nope'"),
        ("gpu/0.x=1", NotFound, "no such section"),
        ("cpu/0.env.gpr[1]=-1", BadEdit, "does not fit"),
        ("cpu/0.env.gpr[1]=0x10000000000000000", BadEdit, "does not fit 64 bits"),
        ("cpu/0.env.priv=1.5", BadEdit, "not a number"),
        ("cpu/0.env.priv=0x1ffffffffffffffffff", Refused, "env.priv"),
        ("cpu/0.env.virt_enabled=2", BadEdit, "not true or false"),
        ("cpu/0.env=1", BadEdit, "name a field inside of it"),
        ("cpu/0.env.gpr=1", BadEdit, "in brackets"),
        ("cpu/0.env.gpr=[1]", Refused, "1 elements, not 32"),
        ("cpu/0.env.gpr=[-1]", BadEdit, "does not fit 64 bits$"),
        ("cpu/0.env.miprio=xyz", BadEdit, "not hexadecimal"),
        ("cpu/0.env.pc={}", BadEdit, "makes a subsection"),
        ("cpu/0=1", BadEdit, "cannot be set as a whole"),
        ("cpu/0.env.pc", BadEdit, "PATH=VALUE"),
        ("timer/0.cpu_ticks_offset=0x8000000000000000", BadEdit, "does not fit int64"),
        ("timer/0.unused=00", BadEdit, "8 bytes are needed"),
        ("slirp/0.data[3]=256", BadEdit, "not a byte"),
        ("timer/0.unused=null", BadEdit, "nothing can be left out"),
        ("ram/0.x=1", BadEdit, "cannot be edited by field"),
    ],
)
def test_edits_that_cannot_be(
    assignment: str, kind: type[StreamError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        edit(opened(RISCV), [assignment]).to_bytes()


def test_a_bare_name_of_several_sections_is_ambiguous() -> None:
    with pytest.raises(Ambiguous, match="cpu/0, cpu/1"):
        edit(opened("arm-virt-a15-poke-smp2--10.0.2"), ["cpu.env.regs[0]=1"])


# --- layout ---------------------------------------------------------------------------


def test_a_dropped_subsection_goes_from_the_description_too() -> None:
    new = edited("cpu/0.pmp=null")
    names = [
        one["vmsd_name"]
        for entry in description_json(new)[1]["devices"]
        if entry["name"] == "cpu"
        for one in entry["subsections"]
    ]
    old = [
        one["vmsd_name"]
        for entry in description_json(whole(RISCV))[1]["devices"]
        if entry["name"] == "cpu"
        for one in entry["subsections"]
    ]
    assert names == [name for name in old if name != "cpu/pmp"]
    assert len(new) < len(whole(RISCV))
    ((path, _, value),) = changes(whole(RISCV), new)
    assert (path, value) == ("cpu/0.pmp", None)
    # All other entries are what they were, byte for byte.
    before = Document(whole(RISCV)[description_json(whole(RISCV))[0] + 5 :], 0)
    after = Document(new[description_json(new)[0] + 5 :], 0)
    assert [one.text for one in before.devices if one.name != "cpu"] == [
        one.text for one in after.devices if one.name != "cpu"
    ]


def test_a_subsection_that_comes_is_described() -> None:
    new = edited("cpu/0.jvt={}", "cpu/0.jvt.env.jvt=0x99")
    found = find_sections(new)
    cpu = next(one for one in found if one.name == "cpu")
    (entry,) = [
        one for one in cpu.description["subsections"] if one["vmsd_name"] == "cpu/jvt"
    ]
    assert entry["version"] == 1
    assert sum(field["size"] for field in entry["fields"]) == 8
    stream = Stream(new, codecs_of(RISCV))
    assert stream.state(stream.section("cpu")).jvt.env.jvt == 0x99


def test_a_subsection_described_elsewhere_is_described_in_full() -> None:
    """The other CPU has it, so its entry is known."""
    name = "riscv64-virt-vh-bare-smp2-shared--10.0.2"
    without = edit(opened(name), ["cpu/1.vector=null"]).to_bytes()
    stream = Stream(without, codecs_of(name))
    state = Stream(whole(name), codecs_of(name))
    draft = Draft(stream)
    draft.replace(stream.section("cpu", 1), state.state(state.section("cpu", 1)))
    assert draft.to_bytes() == whole(name)


def test_dropped_and_inserted_sections() -> None:
    stream = opened(RISCV)
    cpu = stream.section("cpu")
    draft = Draft(stream)
    draft.drop(cpu)
    without = draft.to_bytes()
    assert [one.name for one in find_sections(without)] == [
        one.name for one in find_sections(whole(RISCV)) if one.name != "cpu"
    ]
    again = Stream(without, codecs_of(RISCV))
    back = Draft(again)
    made = back.insert(
        "cpu", 0, 10, stream.state(cpu), after=again.section("cpu_common")
    )
    assert made.id not in {one.id for one in again.sections}
    restored = back.to_bytes()
    assert changes(whole(RISCV), restored) == []
    assert [one.name for one in find_sections(restored)] == [
        one.name for one in find_sections(whole(RISCV))
    ]
    # Nothing describes a CPU in that stream any more: the entry says what is certain.
    entry = next(
        one for one in find_sections(restored) if one.name == "cpu"
    ).description
    assert sum(one["size"] for one in entry["fields"]) == cpu.end - cpu.start


def test_a_second_cpu_is_described_like_the_first() -> None:
    stream = opened(RISCV)
    cpu = stream.section("cpu")
    draft = Draft(stream)
    draft.insert("cpu", 1, 10, stream.state(cpu), after=cpu)
    found = {(one.name, one.instance): one for one in find_sections(draft.to_bytes())}
    first, second = found["cpu", 0].description, found["cpu", 1].description
    assert second == first | {"instance_id": 1}


def test_a_fresh_state_replaces_one() -> None:
    stream = opened(RISCV)
    cpu = stream.section("cpu")
    assert cpu.codec is not None
    fresh = cpu.codec.state()
    fresh.env.gpr[5] = 0x55
    draft = Draft(stream)
    draft.replace(cpu, fresh)
    new = Stream(draft.to_bytes(), codecs_of(RISCV))
    assert new.state(new.section("cpu")) == fresh
    assert all(one.difference is None for one in verify(new))


def test_what_cannot_be_replaced_or_inserted() -> None:
    stream = opened(RISCV)
    draft = Draft(stream)
    ram = stream.section("ram")
    with pytest.raises(BadEdit, match="only FULL sections"):
        draft.replace(ram, b"")
    with pytest.raises(BadEdit, match="there is such a section already"):
        draft.insert("cpu", 0, 10, b"")
    with pytest.raises(BadEdit, match="1 to 255 bytes"):
        draft.insert("x" * 256, 0, 1, b"")
    with pytest.raises(UnknownSection, match="needs a codec"):
        draft.insert("nope", 0, 1, object())
    with pytest.raises(BadEdit, match="is not a state"):
        draft.replace(stream.section("cpu"), object())
    with pytest.raises(Refused):
        draft.replace(stream.section("cpu"), stream.state(stream.section("cpu_common")))


def test_ram_can_be_dropped_whole() -> None:
    stream = opened(RISCV)
    draft = Draft(stream)
    draft.drop(stream.section("ram"))
    left = Stream(draft.to_bytes(), codecs_of(RISCV))
    assert {one.kind for one in left.sections} == {"full"}
    with pytest.raises(NotFound):
        left.memory()


def test_bytes_of_a_section_without_codec_may_change_their_size() -> None:
    data = HEAD + section(1, "a", b"1234") + section(2, "b", b"5") + b"\0"
    data += description([device("a", 4), device("b", 1)], later={"kept": 1})
    stream = Stream(data)
    draft = Draft(stream)
    draft.replace(stream.section("a"), b"123456")
    made = draft.to_bytes()
    again = Stream(made)
    assert bytes(again.body(again.section("a"))) == b"123456"
    assert json.loads(made[made.index(b"{") :])["later"] == {"kept": 1}


def test_packages_keep_their_size_right() -> None:
    name = "riscv64-postcopy--10.0.2"
    stream = opened(name)
    draft = edit(stream, ["cpu/0.pmp=null"])
    made = draft.to_bytes()
    again = Stream(made, codecs_of(name))
    assert again.state(again.section("cpu")).pmp is None
    old, new = (
        next(one for one in each.parts() if isinstance(one, Command) and one.package)
        for each in (stream, again)
    )
    assert old.size - new.size == len(captured(name)) - len(made) > 0
    size = struct.unpack(">I", made[new.start : new.start + 4])
    assert size == (new.offset + new.size - new.package_start,)


def test_nothing_moves_the_pages_of_a_mapped_file() -> None:
    """Sections behind them may grow; the list of blocks is in front of them."""
    name = "riscv64-mapped-ram--10.0.2"
    stream = opened(name)
    made = edit(stream, ["cpu/0.jvt={}"]).to_bytes()
    before = stream.memory().read("riscv.spike.ram", 0, 4096)
    again = Stream(made, codecs_of(name)).memory()
    assert again.read("riscv.spike.ram", 0, 4096) == before != bytes(4096)
    draft = Draft(stream)
    draft.drop(stream.section("ram"))
    with pytest.raises(BadEdit, match="before mapped RAM"):
        draft.to_bytes()


# --- comparing ------------------------------------------------------------------------


def test_streams_are_compared_by_field() -> None:
    old = HEAD + section(1, "a", b"1234") + section(2, "b", b"5") + b"\0"
    old += description([device("a", 1, 3), device("b", 1)])
    new = HEAD + section(1, "a", b"1x34") + section(3, "c", b"5") + b"\0"
    new += description([device("a", 1, 3), device("c", 1)])
    found = [(one.path, one.old, one.new) for one in compare(Stream(old), Stream(new))]
    assert found == [
        ("a/0.f1", b"234", b"x34"),
        ("b/0", "1 bytes, version 1", ABSENT),
        ("c/0", ABSENT, "1 bytes, version 1"),
    ]


def test_a_byte_that_no_value_shows_is_a_difference_too() -> None:
    fields = [{"name": "flag", "type": "bool", "size": 1}]
    tail = b"\0" + description([device("a", fields=fields)])
    one, two = (HEAD + section(1, "a", flag) + tail for flag in (b"\1", b"\2"))
    found = [
        (item.path, item.old, item.new) for item in compare(Stream(one), Stream(two))
    ]
    assert found == [("a/0 bytes", b"\1", b"\2")]


def test_memory_is_compared_by_page() -> None:
    old = whole(RISCV)
    stream = opened(RISCV)
    block = "riscv_virt_board.ram"
    first = next(one for one in stream.memory().pages(block) if one.kind == "normal")
    at = old.index(bytes(first.data))
    new = old[:at] + b"\xaa" + old[at + 1 :]
    (change,) = compare(stream, Stream(new, codecs_of(RISCV)))
    assert (change.path, change.pages) == (f"ram {block} {first.address:#x}", 1)


def test_two_captures_of_one_machine() -> None:
    """An edited copy and its origin differ in what was edited, whatever the order."""
    name = "x86_64-pc-max-seabios--10.0.2"
    codecs = packages()["x86_64"]
    old = Stream(stripped(name), codecs)
    new = Stream(
        edit(old, ["cpu/0.env.eip=7", "timer/0.cpu_ticks_offset=1"]).to_bytes(), codecs
    )
    assert {one.path for one in compare(old, new)} == {
        one.path for one in compare(new, old)
    }
    assert {one.path for one in compare(old, new)} == {
        "cpu/0.env.eip", "timer/0.cpu_ticks_offset",
    }  # fmt: skip


def test_sections_in_pieces_are_compared_too() -> None:
    name = "riscv64-dirty-bitmap--10.0.2"
    old = Stream(whole(name))
    draft = Draft(old)
    draft.drop(old.section("dirty-bitmap"))
    (gone,) = compare(old, Stream(draft.to_bytes()))
    assert (gone.path, gone.new) == ("dirty-bitmap/0", ABSENT)
    (back,) = compare(Stream(draft.to_bytes()), old)
    assert (back.path, back.old) == ("dirty-bitmap/0", ABSENT)
    first = next(one for one in old.sections if one.name == "dirty-bitmap")
    data = bytearray(old.view)
    at = data.index(b"\x00\x01\x00\x00", first.start, first.end)
    data[at : at + 4] = (4096).to_bytes(4, "big")
    changes = list(compare(old, Stream(bytes(data))))
    assert [(one.path.partition("]")[2], one.old, one.new) for one in changes] == [
        (".granularity", 65536, 4096)
    ]


@pytest.mark.parametrize("version", ["0x100000000", "-1", "null"])
def test_a_version_that_is_none_is_refused(version: str) -> None:
    """QEMU's saver of ``cpu/slb`` takes its version from the state."""
    name = "ppc64-pseries-vof--10.0.2"
    stream = Stream(captured(name), codecs_of(name))
    with pytest.raises(StreamError, match="is not a version") as told:
        edit(stream, [f"cpu/0.slb.version_id={version}"])
    assert told.value.path.startswith("cpu/0")


def test_a_number_is_no_subsection() -> None:
    stream = opened(RISCV)
    with pytest.raises(BadEdit, match="no such subsection") as told:
        edit(stream, ["cpu/0.jvt=5"])
    assert told.value.hint.startswith("{} makes it")
    assert edit(stream, ["cpu/0.jvt={}", "cpu/0.env.gpr[10]=5"]).to_bytes()


@pytest.mark.parametrize("wrong", [5, None, "x", [], b""])
def test_what_is_no_object_is_refused_when_it_is_saved(wrong: Any) -> None:
    """A state that was changed in Python: nothing but our errors comes out of saving it."""
    name = "x86_64-q35-bare--10.0.2"
    stream = Stream(captured(name), codecs_of(name))
    cpu = stream.section("cpu")
    for member in ("segs", "env", "xmm_regs"):
        state = stream.state(cpu)
        holder = state.env if hasattr(state.env, member) else state
        setattr(holder, member, wrong)
        with pytest.raises(Refused):
            Draft(stream).replace(cpu, state)
    state = stream.state(cpu)
    state.env.segs[0] = wrong
    with pytest.raises(Refused):
        Draft(stream).replace(cpu, state)
