"""Streams as they are read: every part, from every kind of input, to the byte."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import struct
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.stream_files import ALL, WHOLE, captured, codecs_of, stripped, whole
from tests.stream_sections import find_sections
from vmgen.stream import (
    Codecs,
    Command,
    Configuration,
    DescriptionJson,
    Disagreement,
    Draft,
    End,
    Header,
    Malformed,
    NotAStream,
    NotFound,
    Section,
    Stream,
    StreamError,
    Trailing,
    Truncated,
    UnknownSection,
    Unreadable,
)
from vmgen.stream.edit import edit
from vmgen.stream.errors import DescriptionCut
from vmgen.stream.verify import verify

WITHOUT_DESCRIPTION = {"riscv64-postcopy--10.0.2"}

SMALL = "avr-uno-poke--10.0.2"


def opened(name: str, **options: Any) -> Stream:
    return Stream(captured(name), codecs_of(name), **options)


def assert_whole(stream: Stream) -> None:
    """The parts are all bytes, in a row."""
    position = 0
    for part in stream.parts():
        assert part.offset == position
        assert part.size > 0
        position += part.size
    assert position == len(stream.view)


# --- captures -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_parts_are_the_whole_stream(name: str) -> None:
    assert_whole(opened(name))
    if name not in WITHOUT_DESCRIPTION:
        assert_whole(Stream(captured(name)))


@pytest.mark.parametrize("name", [one for one in ALL if one not in WITHOUT_DESCRIPTION])
def test_sections_are_where_the_description_has_them(name: str) -> None:
    """Compared with a reader that shares no code."""
    expected = [
        (one.header, one.name, one.instance, one.version, one.id, one.start, one.end)
        for one in find_sections(captured(name))
    ]
    found = [
        (
            one.offset, one.name, one.instance_id, one.version_id, one.id, one.start,
            one.end,
        )
        for one in opened(name).sections
        if one.kind == "full"
    ]  # fmt: skip
    assert found == expected


@pytest.mark.parametrize("name", ALL)
def test_everything_is_encoded_to_the_same_bytes(name: str) -> None:
    stream = opened(name)
    parts = list(verify(stream))
    assert [one.difference for one in parts if one.difference] == []
    opaque = {one.path for one in parts if one.opaque}
    if name in WITHOUT_DESCRIPTION:
        assert "cpu/0" not in opaque
    else:
        assert opaque == set()


@pytest.mark.parametrize("name", [one for one in ALL if codecs_of(one)])
def test_without_description_the_sections_are_the_same(name: str) -> None:
    """Bounded by the codecs of the CPU, and by footers that only one place can be."""
    if name.startswith("arm-stm32"):
        pytest.skip("its codec asks for a number that is not in the stream")
    expected = [(one.path, one.start, one.end) for one in opened(name).sections]
    stream = opened(name, use_description=False)
    assert [(one.path, one.start, one.end) for one in stream.sections] == expected
    assert {one.means for one in stream.sections} <= {
        "ram",
        "codec",
        "footer",
        "old-style",
    }
    assert_whole(stream)


def test_a_codec_that_needs_context_says_what() -> None:
    name = "arm-stm32vldiscovery-poke--10.0.2"
    stream = opened(name, use_description=False)
    assert_whole(stream)  # its footer bounds it
    cpu = stream.section("cpu")
    assert (cpu.means, cpu.codec) == ("footer", None)
    assert cpu.open is not None
    assert (cpu.open.kind, cpu.open.key) == ("member", "ARMCPU.pmsav7_dregion")
    assert [one.path for one in stream.sections if one.open] == ["cpu/0"]
    with pytest.raises(StreamError, match=r"ARMCPU\.pmsav7_dregion"):
        edit(stream, ["cpu/0.env.pc=1"])
    codecs = codecs_of(name)
    assert codecs is not None
    told = Codecs(codecs.codecs, codecs.target, {"ARMCPU.pmsav7_dregion": 8})
    answered = Stream(captured(name), told, use_description=False)
    assert_whole(answered)
    assert (answered.section("cpu").means, answered.section("cpu").open) == (
        "codec",
        None,
    )


def test_a_question_that_nothing_else_answers_is_an_error() -> None:
    """Without a footer to look for, nobody knows where such a section ends."""
    name = "arm-stm32vldiscovery-poke--10.0.2"
    stream = opened(name)
    cpu = stream.section("cpu")
    bare = b"QEVM\0\0\0\3" + bytes(stream.view[cpu.offset : cpu.end]) + b"\0"
    with pytest.raises(StreamError, match=r"ARMCPU\.pmsav7_dregion") as told:
        list(Stream(bare, codecs_of(name)).parts())
    assert "--member" in told.value.hint


def test_what_the_parts_are() -> None:
    stream = Stream(whole("riscv64-virt-vh-bare-smp2-shared--10.0.2"))
    parts = list(stream.parts())
    assert [type(part) for part in parts[:2]] == [Header, Configuration]
    assert [type(part) for part in parts[-2:]] == [End, DescriptionJson]
    kinds = [part for part in parts[2:-2] if not isinstance(part, Section)]
    assert [part.name for part in kinds if isinstance(part, Command)] == [
        "SWITCHOVER_START"
    ]
    assert len(kinds) == 1
    configuration = stream.configuration
    assert configuration is not None
    assert configuration.machine == "virt"
    assert configuration.value("capabilities") == ["x-ignore-shared"]
    assert configuration.value("uuid") is None
    assert [one.path for one in stream.sections if one.name == "cpu"] == [
        "cpu/0",
        "cpu/1",
    ]


def test_variable_page_bits_are_in_the_configuration() -> None:
    stream = Stream(stripped("aarch64-virt-a57-bare--10.0.2"))
    configuration = stream.configuration
    assert configuration is not None
    assert configuration.machine == "virt-10.0"
    assert configuration.value("target-page-bits") == 12


def test_postcopy_has_commands_and_a_package() -> None:
    name = "riscv64-postcopy--10.0.2"
    stream = opened(name)
    commands = [part for part in stream.parts() if isinstance(part, Command)]
    names = [one.name for one in commands]
    assert names[:3] == ["OPEN_RETURN_PATH", "PING", "POSTCOPY_ADVISE"]
    assert names.index("SWITCHOVER_START") < names.index("PACKAGED")
    assert "POSTCOPY_RAM_DISCARD" in names
    packaged = commands[names.index("PACKAGED")]
    package = packaged.package
    assert package is not None
    inner = [one.name for one in package if isinstance(one, Section)]
    assert {"timer", "cpu", "cpu_common"} <= set(inner)
    inside = [one.name for one in package if isinstance(one, Command)]
    assert inside[0] == "POSTCOPY_LISTEN"
    assert inside[-1] == "POSTCOPY_RUN"
    assert stream.description is None
    after = list(stream.parts())
    kinds = [
        one.kind for one in after[after.index(packaged) :] if isinstance(one, Section)
    ]
    assert kinds[-1] == "end"


# --- inputs ---------------------------------------------------------------------------


class Trickle(io.RawIOBase):
    """A pipe that gives a few bytes at a time, and counts them."""

    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step, self.given = data, step, 0

    def read(self, size: int = -1, /) -> bytes:
        size = self.step if size < 0 else min(size, self.step)
        chunk = self.data[self.given : self.given + size]
        self.given += len(chunk)
        return chunk


def summary(stream: Stream) -> list[Any]:
    return [(type(part).__name__, part.offset, part.size) for part in stream.parts()]


@pytest.mark.parametrize("name", WHOLE)
def test_a_pipe_gives_the_same_parts(name: str) -> None:
    expected = summary(opened(name))
    pipe = Trickle(captured(name), 65537)
    assert summary(Stream(pipe, codecs_of(name))) == expected


@pytest.mark.parametrize("pack", [lzma.compress, gzip.compress])
@pytest.mark.parametrize("how", ["bytes", "file", "pipe"])
def test_compressed_input_is_unpacked(tmp_path: Path, pack: Any, how: str) -> None:
    data = whole(SMALL)
    packed = pack(data)
    file = tmp_path / "stream"
    file.write_bytes(packed)
    source = {"bytes": packed, "file": file, "pipe": Trickle(packed, 100)}[how]
    stream = Stream(source)
    assert summary(stream) == summary(Stream(data))
    assert bytes(stream.view) == data


@pytest.mark.parametrize("pack", [lzma.compress, gzip.compress])
def test_broken_compression_is_unreadable(pack: Any) -> None:
    packed = pack(whole(SMALL))
    for broken in (packed[:-9], packed[:40] + b"\xff" * 9 + packed[49:]):
        with pytest.raises(Unreadable):
            list(Stream(broken).parts())


def test_a_file_is_mapped_and_stays_readable_when_closed(tmp_path: Path) -> None:
    file = tmp_path / "stream"
    file.write_bytes(whole(SMALL))
    with Stream(file) as stream:
        section = stream.section("cpu")
        body = stream.body(section)
    assert bytes(body) == whole(SMALL)[section.start : section.end]
    with pytest.raises(Unreadable, match="No such file"):
        Stream(tmp_path / "other")
    with pytest.raises(Unreadable, match="directory"):
        Stream(tmp_path)


def test_memory_can_be_any_buffer() -> None:
    data = whole(SMALL)
    for source in (bytearray(data), memoryview(data)):
        assert summary(Stream(source)) == summary(Stream(data))
    assert summary(Stream(memoryview(bytes(reversed(data)))[::-1])) == summary(
        Stream(data)
    )


def test_parts_of_a_pipe_come_before_its_end() -> None:
    """A reader at the other end of a pipe sees parts while more is being written."""
    data = whole("m68k-virt-poke--10.0.2")
    reading, writing = os.pipe()
    seen = threading.Event()
    # The configuration does not need what comes behind the first megabyte.
    padding = b"\x08\0\x02\0\x04\0\0\0\x01" * 250_000

    def write() -> None:
        with os.fdopen(writing, "wb") as file:
            end = 8 + 5 + len("virt-10.0")
            file.write(data[:end] + padding)
            file.flush()
            assert seen.wait(20)
            file.write(data[end:])

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reading, "rb") as file:
        stream = Stream(file)
        parts = stream.parts()
        first = [next(parts), next(parts), next(parts)]
        seen.set()
        rest = list(parts)
    thread.join()
    assert isinstance(first[2], Command)
    assert first[2].name == "PING"
    assert isinstance(rest[-1], DescriptionJson)
    assert sum(part.size for part in (*first, *rest)) == len(data) + len(padding)


# --- made by hand ---------------------------------------------------------------------


HEAD = b"QEVM\0\0\0\3"


def section(
    number: int, name: str, body: bytes, kind: int = 4, footer: bool = True
) -> bytes:
    head = bytes([kind]) + struct.pack(">I", number)
    if kind in (1, 4):
        head += bytes([len(name)]) + name.encode() + struct.pack(">II", 0, 1)
    return head + body + (b"\x7e" + struct.pack(">I", number) if footer else b"")


def description(devices: list[Any], **more: Any) -> bytes:
    text = json.dumps({**more, "page_size": 4096, "devices": devices}).encode()
    return b"\6" + struct.pack(">I", len(text)) + text


def device(name: str, *sizes: int, **more: Any) -> dict[str, Any]:
    fields = [
        {"name": f"f{number}", "type": "buffer", "size": size}
        for number, size in enumerate(sizes)
    ]
    return {
        "name": name,
        "instance_id": 0,
        "vmsd_name": name,
        "version": 1,
        "fields": fields,
    } | more


def test_streams_without_footers() -> None:
    """``send-section-footer`` off, as old machine types have it."""
    data = (
        HEAD
        + section(1, "a", b"1234", footer=False)
        + section(2, "b", b"5", footer=False)
    )
    data += b"\0" + description([device("a", 4), device("b", 1)])
    stream = Stream(data)
    assert [(one.path, one.footer) for one in stream.sections] == [
        ("a/0", False),
        ("b/0", False),
    ]
    assert bytes(stream.body(stream.section("b"))) == b"5"


def test_device_only_streams_have_no_configuration_and_no_description() -> None:
    """``xen-save-devices-state``."""
    stream = Stream(HEAD + section(1, "a", b"1234") + section(2, "b", b"5") + b"\0")
    assert [type(part) for part in stream.parts()] == [Header, Section, Section, End]
    assert stream.configuration is None
    assert stream.description is None
    assert {one.means for one in stream.sections} == {"footer"}


NOTHING_BEHIND = b"\x7e\0\0\0\1"
"""A footer's bytes, to be followed by what makes it one or not."""


@pytest.mark.parametrize(
    "behind",
    [
        section(9, "other", b""),
        section(9, "with spaces (x)", b""),
        b"\3\0\0\0\1",
        b"\x08\0\2\0\4" + bytes(4),
        b"\0\6\0\0\0\2{}",
    ],
    ids=["section", "name", "part", "command", "end"],
)
def test_a_footer_that_two_places_can_be_is_not_guessed(behind: bytes) -> None:
    body = b".." + NOTHING_BEHIND + behind + b".."
    with pytest.raises(UnknownSection, match="2 places look like its footer"):
        list(Stream(HEAD + section(1, "a", body) + b"\0").parts())
    data = HEAD + section(1, "a", body) + b"\0" + description([device("a", len(body))])
    assert bytes(Stream(data).body(Stream(data).section("a"))) == body


@pytest.mark.parametrize(
    "behind",
    [
        b"\4..\0\0\0\0" + bytes(16),
        b"\4\0\0\0\2\0" + bytes(16),
        b"\4\0\0\0\2\3a\0b" + bytes(16),
        b"\4\0\0\0\1\3abc" + bytes(16),
        b"\1\0\0\0\2\xffabc",
        b"\2\0\0\0\2",
        b"\x08\0\x63\0\0",
        b"\x08\0\2\0\5.....",
        b"\x08\0\4\xff\0",
        b"\0..",
        b"\0\6\0\0\0\2..",
        b"\0\6\xff\0\0\0{}",
    ],
    ids=[
        "number", "no name", "name", "own number", "long name", "unknown part",
        "unknown command", "command's size", "long command", "end", "no JSON", "long JSON",
    ],
)  # fmt: skip
@pytest.mark.parametrize("tail", [b"", bytes(70000)], ids=["", "padded"])
def test_what_cannot_go_on_is_no_footer(behind: bytes, tail: bytes) -> None:
    """A 0x7e and the id stand in the section by chance."""
    body = b".." + NOTHING_BEHIND + behind + b".."
    stream = Stream(HEAD + section(1, "a", body) + b"\0" + tail)
    assert bytes(stream.body(stream.section("a"))) == body


def null_array(count: int) -> dict[str, Any]:
    """A section with an array of pointers as 7.2 describes it: by its first element."""
    first = {
        "name": "css",
        "array_len": count,
        "type": "struct",
        "struct": {},
        "size": 1,
    }
    return device("a", 2) | {"fields": [*device("a", 2)["fields"], first]}


def test_an_array_of_which_only_a_null_is_described_does_not_bound() -> None:
    """``vmstate_save_state_v`` before 10.0; s390_css has 255 NULLs and one that is not."""
    body = b"..0" + b"other elements"
    data = HEAD + section(1, "a", body) + b"\0" + description([null_array(4)])
    stream = Stream(data)
    assert_whole(stream)
    found = stream.section("a")
    assert (found.means, bytes(stream.body(found))) == ("footer", body)
    assert stream.values(found) is None
    assert [one.difference for one in verify(stream)] == [None] * 4
    draft = Draft(stream)
    draft.replace(found, body + b" and more")
    again = Stream(draft.to_bytes())
    assert bytes(again.body(again.section("a"))) == body + b" and more"


def test_the_least_that_is_described_must_be_there() -> None:
    """A place that looks like the footer is none where the elements cannot have ended."""
    early = b"..0\x7e\0\0\0\1\4"
    body = early + b"0" * 8
    devices = [null_array(14)]
    stream = Stream(HEAD + section(1, "a", body) + b"\0" + description(devices))
    assert bytes(stream.body(stream.section("a"))) == body
    with pytest.raises(UnknownSection, match="nothing behind it looks like its footer"):
        list(
            Stream(
                HEAD + section(1, "a", body) + b"\0" + description([null_array(16)])
            ).parts()
        )


def test_without_anything_to_bound_it_a_section_is_an_error() -> None:
    first = section(1, "a", b"1234", footer=False)
    with pytest.raises(UnknownSection, match="nothing behind it looks like its footer"):
        list(Stream(HEAD + first + b"\0").parts())
    with pytest.raises(UnknownSection, match="no reader for START sections"):
        list(Stream(HEAD + section(1, "mystery", b"", kind=1) + b"\0").parts())


def test_padding_behind_a_stream_is_a_part() -> None:
    data = HEAD + section(1, "a", b"1234") + b"\0" + description([device("a", 4)])
    stream = Stream(data + bytes(512))
    parts = list(stream.parts())
    assert isinstance(parts[-1], Trailing)
    assert parts[-1].size == 512
    assert stream.description is not None
    # Anything else may follow too, as QEMU does not look.
    stream = Stream(data + b"{}\6\6")
    assert [type(part) for part in stream.parts()][-2:] == [DescriptionJson, Trailing]
    assert_whole(stream)


def test_the_description_is_found_in_any_json() -> None:
    entry = device("a", 4) | {"instance_id": 0}
    text = json.dumps({"devices": [entry], "page_size": 4096}, indent=3).encode()
    data = (
        HEAD + section(1, "a", b"1234") + b"\0\6" + struct.pack(">I", len(text)) + text
    )
    stream = Stream(data)
    assert next(iter(stream.sections)).means == "description"


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        (
            [device("a", 3)],
            "a/0: neither a footer nor a part behind the section, but 0x34",
        ),
        ([device("a", 5)], "the description is not where the stream ends"),
        (
            [device("b", 1), device("a", 3)],
            "a/0: no footer behind the section, but 0x34",
        ),
        (
            [device("b", 1), device("a", 5)],
            "a/0: no footer behind the section, but 0x00",
        ),
        ([device("b", 4)], "a/0: not in the description"),
        ([device("a", 4, instance_id=3)], "described are instances 3"),
        (
            [device("a", 4), device("b", 1)],
            "b/0: described, but not in the stream: b/0",
        ),
        ([device("a", 4, version=2)], "a/0: version 1, described as 2"),
        ([device("a", 4, fields=7)], "'fields' is not a list"),
        ([device("a", 4, fields=[{"name": "x"}])], "'size' is not a number"),
        (
            [device("a", 4, fields=[{"name": "x", "size": -4}])],
            "'size' is not a number",
        ),
        (
            [device("a", 4, fields=[{"name": "x", "size": True}])],
            "'size' is not a number",
        ),
        ([device("a", subsections=[7])], "'subsections' is not a list"),
    ],
)
def test_descriptions_that_contradict_the_stream(
    devices: list[Any], message: str
) -> None:
    data = HEAD + section(1, "a", b"1234")
    if devices[0]["name"] == "b" and len(devices) > 1:
        data = HEAD + section(2, "b", b".") + data[len(HEAD) :]
    data += b"\0" + description(devices)
    with pytest.raises(StreamError, match=message):
        list(Stream(data).parts())


@pytest.mark.parametrize(
    "text",
    [
        b"{}", b'{"devices": 1}', b'{"devices": [1]}', b'{"devices": [' + b"[" * 5000 + b"}",
        b'{"devices": [], "page_size": 1e9}', b'{"devices": [], "page_size": NaN}',
        b'{"page_size": ' + b"9" * 6000 + b"}", b'{"devices": [{}]}', b"{\xff}",
    ],
)  # fmt: skip
def test_hostile_json_is_refused(text: bytes) -> None:
    data = (
        HEAD + section(1, "a", b"1234") + b"\0\6" + struct.pack(">I", len(text)) + text
    )
    with pytest.raises((Malformed, Disagreement)):
        list(Stream(data).parts())
    assert_whole(Stream(data, use_description=False))


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (b"", NotAStream, "the file is empty"),
        (b"QEV", Truncated, "8 bytes are needed"),
        (b"MVEQ\0\0\0\3", NotAStream, "does not begin with QEVM"),
        (b"QEVM\0\0\0\4", NotAStream, "version 4"),
        (HEAD, Truncated, "1 bytes are needed and 0 are left"),
        (HEAD + b"\x0b", Malformed, "an unknown part of type 0x0b"),
        (HEAD + b"\7\xff\xff\xff\xff", Truncated, "4294967295 bytes are needed"),
        (HEAD + b"\4\0\0\0\1\0", Malformed, "without a name"),
        (HEAD + b"\2\0\0\0\1", Malformed, "PART of the unknown section id 1"),
        (HEAD + b"\x08\0\0\0\0", Malformed, "unknown command 0x0"),
        (HEAD + b"\x08\0\x0c\0\0", Malformed, "unknown command 0xc"),
        (HEAD + b"\x08\0\2\0\0", Malformed, "command PING: 0 bytes instead of 4"),
        (HEAD + b"\x08\0\3\0\1.", Malformed, "POSTCOPY_ADVISE: 1 bytes instead of 16"),
        (HEAD + b"\x08\0\7\0\4\xff\xff\xff\xff", Truncated, "4294967295 bytes"),
        (HEAD + b"\4\0\0\0\1\3ram\0\0\0\0\0\0\0\3", Malformed, "version 3 is not 4"),
        (HEAD + b"\0\6\0\0\0\1", DescriptionCut, "it is cut: 4 bytes are left of 5"),
        (HEAD + b"\0\6\0\0", DescriptionCut, "it is cut: 2 bytes are left of more"),
    ],
)
def test_what_cannot_be(data: bytes, kind: type[StreamError], message: str) -> None:
    with pytest.raises(kind, match=message):
        list(Stream(data).parts())


def test_packages_are_nested_only_so_far() -> None:
    inner = b""
    for _ in range(5):
        inner = b"\x08\0\7\0\4" + struct.pack(">I", len(inner)) + inner
    with pytest.raises(Malformed, match="nested too deeply"):
        list(Stream(HEAD + inner + b"\0").parts())


def test_errors_come_again() -> None:
    stream = Stream(HEAD + b"\x0b")
    for _ in range(2):
        with pytest.raises(Malformed):
            list(stream.parts())


def test_sections_are_found_by_name() -> None:
    stream = opened("arm-virt-a15-poke-smp2--10.0.2")
    assert stream.section("cpu", 1).instance_id == 1
    with pytest.raises(StreamError, match="several sections: cpu/0, cpu/1"):
        stream.section("cpu")
    with pytest.raises(NotFound):
        stream.section("gpu")


def test_the_package_has_what_it_says_and_no_more() -> None:
    from vmgen import stream

    for name in stream.__all__:
        assert getattr(stream, name) is not None, name
    assert set(stream.__all__) <= set(dir(stream))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        stream.nothing  # noqa: B018
