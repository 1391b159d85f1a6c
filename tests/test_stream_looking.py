"""What a stream, its sections and its memory look like in a session and a notebook."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stream_files import captured, codecs_of
from vmgen.stream import Ambiguous, Draft, NotFound, Stream
from vmgen.stream.looking import MOST_ROWS, html_table
from vmgen.stream.objections import Explanation, Objection

RISCV = "riscv64-virt-vh-bare--10.0.2"


@pytest.fixture
def stream() -> Stream:
    return Stream(captured(RISCV), codecs_of(RISCV))


def test_a_section_by_its_path_has_its_state(stream: Stream) -> None:
    cpu = stream.sections["cpu/0"]
    header = stream.section("cpu")
    assert cpu.header == header
    assert cpu.state.env.pc == stream.state(header).env.pc
    assert bytes(cpu.body) == bytes(stream.body(header))
    assert cpu.values == stream.values(header)
    assert repr(cpu) == (
        f"<section cpu/0: version 10, {len(cpu.body)} bytes at {header.start:#x}, codec cpu>"
    )


def test_a_name_alone_will_do_where_one_section_has_it(stream: Stream) -> None:
    assert stream.sections["cpu"].header == stream.section("cpu")
    with pytest.raises(Ambiguous):
        stream.sections["pflash_cfi01"]
    for path in ("cpu/1", "nothing"):
        with pytest.raises(NotFound):
            stream.sections[path]
    assert "cpu/0" in stream.sections
    assert "cpu/1" not in stream.sections


def test_sections_are_those_of_the_stream(stream: Stream) -> None:
    paths = [one.path for one in stream.sections]
    assert paths == [one.path for one in stream.all_sections()]
    assert repr(stream.sections).startswith(f"<{len(paths)} sections: {paths[0]}, ")
    html = stream.sections._repr_html_()
    assert html.count("<tr>") == len(paths) + 1
    assert all(f"<td>{path}</td>" in html for path in paths)


def test_a_stream_a_draft_and_memory_have_a_line() -> None:
    stream = Stream(captured("riscv64-xbzrle--10.0.2"))
    assert "machine spike" in repr(stream)
    assert repr(stream) not in ("", object.__repr__(stream))
    memory = stream.memory()
    assert repr(memory).startswith(
        "<guest memory, pages of 4096 bytes: riscv.spike.ram 0x"
    )
    assert "<td>riscv.spike.ram</td>" in memory._repr_html_()
    draft = Draft(stream)
    assert "no change" in repr(draft)
    draft.drop(stream.sections["cpu/0"].header)
    assert "1 dropped" in repr(draft)


def test_what_comes_out_of_a_stream_is_escaped() -> None:
    hostile = captured(RISCV).replace(b"\x04virt", b"\x04<b>&")
    assert b"<b>&" in hostile
    html = Stream(hostile, strict=False)._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;&amp;" in html


def test_an_explanation_is_a_table_of_what_is_refused_and_open() -> None:
    one = Objection("value", "cpu/0", "<x>", 16, "bad & wrong")
    html = Explanation("10.0", "arm", "virt", (one,), 1, ())._repr_html_()
    assert "refused: QEMU 10.0, arm, machine virt" in html
    assert (
        "<td>&lt;x&gt;</td><td>0x10</td><td>value</td><td>bad &amp; wrong</td>" in html
    )
    assert "<table>" not in Explanation("10.0", "arm", "virt", (), 1, ())._repr_html_()


def test_a_table_in_a_notebook_is_bounded() -> None:
    endless: Any = ((number,) for number in range(10**9))
    assert html_table(("n",), endless).count("<tr>") == MOST_ROWS + 2
