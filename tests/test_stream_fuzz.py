"""Damaged streams of any kind: our errors only, in bounded time and memory.

Streams are damaged where their structure is: headers, footers, counts, names, the
description.  What is still read must be whole, and come out as it went in.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import fuzz_streams
from tests.fuzz_streams import STRUCTURE
from tests.stream_files import codecs_of, packages, stripped, whole
from vmgen.stream import Codecs, Draft, Stream, StreamError, paths, show
from vmgen.stream.description import find
from vmgen.stream.edit import edit
from vmgen.stream.verify import verify

SEEDS = {
    "avr": whole("avr-uno-poke--10.0.2"),
    "arm": whole("arm-stm32vldiscovery-poke--10.0.2"),
    "compress": whole("riscv64-compress--7.2.22"),
    "riscv64": stripped("riscv64-virt-vh-bare--10.0.2"),
    "x86_64": stripped("x86_64-q35-bare--10.0.2"),
}

NUMBERS = st.sampled_from(
    [0, 1, 2, 4, 7, 0x10, 0x7E, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
)
TOKENS = st.sampled_from(
    [
        b"\x7e", b"\x05", b"\x06", b"\x08\0\x07\0\x04", b"\4\0\0\0\1", b"\0", b'{"name": "',
        b'"size": ', b'"array_len": 99999999, ', b'"fields": [', b"[[[[[[[[", b"1e9", b"-1",
    ]
)  # fmt: skip


@cache
def places(seed: str) -> list[int]:
    """Where the structure of a stream is."""
    return [match.start() for match in STRUCTURE.finditer(SEEDS[seed])]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A stream's name, and the stream after one to four changes."""
    seed = draw(st.sampled_from(sorted(SEEDS)))
    data = bytearray(SEEDS[seed])
    spots = places(seed)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.sampled_from(spots)) + draw(st.integers(-2, 24))
        at = max(0, min(at, len(data) - 1))
        kind = draw(st.integers(0, 7))
        if kind == 0:
            data[at] = draw(st.integers(0, 255))
        elif kind == 1:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == 2:
            width = draw(st.sampled_from([1, 2, 4, 8]))
            number = draw(NUMBERS) & ((1 << 8 * width) - 1)
            data[at : at + width] = number.to_bytes(width, "big")
        elif kind == 3:
            del data[at : at + draw(st.sampled_from([1, 2, 4, 9, 64, 500]))]
        elif kind == 4:
            data[at:at] = data[at : at + draw(st.sampled_from([1, 2, 9, 40, 300]))]
        elif kind == 5:
            other = draw(st.sampled_from(spots))
            data[at:at] = data[other : other + draw(st.sampled_from([5, 30, 200]))]
        elif kind == 6:
            data[at:at] = draw(TOKENS)
        else:
            del data[at:]
        if not data:
            break
    return seed, bytes(data)


def codecs(seed: str) -> Codecs | None:
    return packages().get(seed)


@contextmanager
def refused() -> Iterator[None]:
    """An error of ours is fine, if it can be said and names a place that can be."""
    failure = None
    try:
        yield
    except StreamError as error:
        failure = error
    if failure is not None:
        assert str(failure)
        assert failure.code.startswith("VG7")
        assert failure.offset is None or 0 <= failure.offset < 1 << 64


def use(data: bytes, stream: Stream) -> None:
    """Everything one can ask of a stream; raises only our errors, or a failed assertion."""
    position = 0
    for part in stream.parts():
        assert part.offset == position
        position += part.size
    assert position == len(data)
    assert Draft(stream).to_bytes() == data
    for one in stream.sections:
        with refused():
            "".join(show.section_text(stream, one))
            show.dumps(show.jsonable(show.section_json(stream, one)))
    with refused():
        for _ in verify(stream):
            pass
        memory = stream.memory()
        for block in memory.blocks:
            for _, page in memory.contents(block.name):
                assert len(page) == memory.page_size


@given(damaged(), st.booleans(), st.booleans())
@example(("avr", b""), True, True)
@example(("avr", b"QEVM\0\0\0\3"), True, True)
def test_only_our_errors(
    case: tuple[str, bytes], with_codecs: bool, described: bool
) -> None:
    seed, data = case
    stream = Stream(
        data, codecs(seed) if with_codecs else None, use_description=described
    )
    with refused():
        use(data, stream)


@given(damaged())
def test_a_pipe_and_a_file_say_the_same(case: tuple[str, bytes]) -> None:
    class Pipe:
        position = 0

        def read(self, size: int, /) -> bytes:
            chunk = data[self.position : self.position + min(size, 1000)]
            self.position += len(chunk)
            return chunk

    seed, data = case
    outcomes = []
    for source in (data, Pipe()):
        stream = Stream(source, codecs(seed))
        try:
            outcomes.append(
                [(type(one), one.offset, one.size) for one in stream.parts()]
            )
        except StreamError as error:
            outcomes.append([type(error)])  # type: ignore[list-item]
    assert outcomes[0] == outcomes[1]


@given(st.binary(max_size=400))
def test_anything_behind_the_magic(data: bytes) -> None:
    for codec in (None, codecs_of("riscv64-virt-vh-bare--10.0.2")):
        stream = Stream(b"QEVM\0\0\0\3" + data, codec, page_size=4096)
        with refused():
            use(b"QEVM\0\0\0\3" + data, stream)


@given(st.binary(max_size=300))
def test_any_description(text: bytes) -> None:
    body = b"QEVM\0\0\0\3\0\6" + len(text).to_bytes(4, "big") + text
    with refused():
        list(Stream(body).parts())
        find(memoryview(body))


HUGE = 0xFFFFFFFF


@pytest.mark.parametrize(
    "data",
    [
        b"\7" + HUGE.to_bytes(4, "big"),
        b"\x08\0\7\0\4" + HUGE.to_bytes(4, "big"),
        b"\7\0\0\0\1m\5\x1aconfiguration/capabilities\0\0\0\1" + HUGE.to_bytes(4, "big"),
        b"\1\0\0\0\1\3ram\0\0\0\0\0\0\0\4" + b"\x7f" + b"\xff" * 6 + b"\x04\1a" + b"\x7f" * 8,
        b"\1\0\0\0\1\x0ddirty-bitmap"[:-1] + b"\0\0\0\0\0\0\0\1\x48\1d" + b"\xff" * 20,
        b"\4\0\0\0\1\x0as390-skeys\0\0\0\0\0\0\0\1" + b"\0" * 7 + b"\2" + b"\x7f" * 8,
        b"\0\6" + HUGE.to_bytes(4, "big") + b"{",
    ],
)  # fmt: skip
def test_lengths_cost_nothing_before_they_are_checked(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(StreamError):
            list(Stream(b"QEVM\0\0\0\3" + data, page_size=4096).parts())
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_description_of_elements_without_bytes_is_not_unfolded() -> None:
    fields = '{"name": "a", "array_len": 99999999, "type": "struct", "struct": {"fields": []}, "size": 0}'
    for _ in range(3):
        fields = (
            '{"name": "b", "array_len": 99999999, "type": "struct", '
            f'"struct": {{"fields": [{fields}]}}, "size": 0}}'
        )
    text = f'{{"page_size": 4096, "devices": [{{"name": "d", "instance_id": 0, "fields": [{fields}]}}]}}'
    data = b"QEVM\0\0\0\3\4\0\0\0\1\1d\0\0\0\0\0\0\0\1\x7e\0\0\0\1\0\6"
    data += len(text).to_bytes(4, "big") + text.encode()
    use(data, Stream(data))


def test_the_long_fuzzer_for_a_short_while(tmp_path: Path) -> None:
    """``python -m tests.fuzz_streams`` runs as long as one likes; here, so many."""
    assert fuzz_streams.run(0, 3000, 20, tmp_path, 1e9) == 0
    assert list(tmp_path.iterdir()) == []


@cache
def leaves(seed: str) -> tuple[Stream, list[str]]:
    """A stream, and the path of every value in it."""
    name = {"arm": "arm-stm32vldiscovery-poke--10.0.2"}.get(seed, "")
    codecs = codecs_of(name) if name else packages().get(seed)
    stream = Stream(SEEDS[seed], codecs)
    found = []
    for section in stream.sections:
        values = stream.values(section)
        if section.kind == "full" and values is not None:
            found += [path for path, _ in paths.leaves(values, section.path)]
    return stream, found


VALUES = st.one_of(
    st.sampled_from(
        ["null", "{}", "true", "00", "", "[]", "[1, 2]", "[[1]]", "drop", "0x", "1e5", "=", "ff" * 4]
    ),
    st.integers(-(1 << 70), 1 << 70).map(str),
    st.text(max_size=8),
)  # fmt: skip


@given(seed=st.sampled_from(["arm", "avr", "riscv64", "x86_64"]), data=st.data())
def test_any_value_in_any_place(seed: str, data: st.DataObject) -> None:
    """What an edit cannot write is refused; what it writes can be read again."""
    stream, found = leaves(seed)
    path, value = data.draw(st.sampled_from(found)), data.draw(VALUES)
    cut = data.draw(st.integers(0, 3))
    for _ in range(cut):  # an object, an array, an element of one
        path = path.rpartition("." if "." in path else "[")[0] or path
    try:
        made = edit(stream, [f"{path}={value}"]).to_bytes()
    except StreamError:
        return
    again = Stream(made, stream.codecs)
    assert [one.difference for one in verify(again) if one.difference] == []
