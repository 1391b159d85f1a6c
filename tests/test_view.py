"""Pages of streams: every byte has its field, nothing of a stream runs."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pages import Parsed, closed
from tests.stream_files import captured, codecs_of, whole
from tests.stream_sections import find_sections
from vmgen.cli import run
from vmgen.stream import Stream
from vmgen.stream.compare import compare
from vmgen.stream.objections import Explanation, Objection
from vmgen.view.page import script_json
from vmgen.view.parts import viewed
from vmgen.view.stream import stream_page

RISCV = "riscv64-virt-vh-bare--10.0.2"
PC = "x86_64-q35-bare--10.0.2"
GENERATED = Path(__file__).parent.parent / "generated"


def page_of(data: bytes, codecs: Any = None, **more: Any) -> Parsed:
    with Stream(data, codecs) as stream:
        list(stream.parts())
        return closed(stream_page([viewed("vm.mig", stream, **more)]))


def leaves(nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        if node.get("k"):
            yield from leaves(node["k"])
        else:
            yield node


def sections(page: Parsed) -> dict[str, dict[str, Any]]:
    (stream,) = page.data["streams"]
    return {one["title"]: one for one in stream["parts"] if one["kind"] == "section"}


def node(part: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        (part,) = (one for one in part["k"] if one["n"] == name)
    return part


@pytest.mark.parametrize(
    "name",
    [RISCV, PC, "arm-virt-a15-poke-smp2--10.0.2", "ppc-g3beige-openbios--10.0.2",
     "x86_64-q35-bare--7.2.22"],
)  # fmt: skip
def test_the_fields_of_a_section_are_its_bytes_without_a_gap(name: str) -> None:
    """Held to sections found by hand and to the sizes of the description."""
    data = captured(name)
    page = page_of(data, codecs_of(name))
    shown = sections(page)
    for section in find_sections(data):
        part = shown[f"{section.name}/{section.instance}"]
        assert part["o"] <= section.start
        at = section.start
        inner = [one for one in part["k"] if one.get("t") not in ("header", "footer")]
        for one in inner:
            assert one["o"] == at, (part["title"], one["n"])
            at += one["s"]
        assert at == section.end, part["title"]


def test_what_a_page_says_of_an_integer_is_what_its_bytes_are() -> None:
    data = captured(PC)
    codes = {
        "uint8": ">B",
        "uint16": ">H",
        "uint32": ">I",
        "uint64": ">Q",
        "int32": ">i",
    }
    compared = 0
    for part in sections(page_of(data, codecs_of(PC))).values():
        for leaf in leaves(part["k"]):
            if leaf.get("t") in codes and "o" in leaf and not leaf.get("m"):
                if struct.calcsize(codes[leaf["t"]]) != leaf["s"] or "n" not in leaf:
                    continue
                (value,) = struct.unpack_from(codes[leaf["t"]], data, leaf["o"])
                if leaf["n"] in ("type", "mark"):
                    continue
                assert int(leaf.get("v", "0"), 0) == value, leaf
                compared += 1
    assert compared > 500


def test_bytes_on_the_page_are_those_of_the_stream() -> None:
    data = captured(RISCV)
    for part in page_of(data).data["streams"][0]["parts"]:
        held = base64.b64decode(part["data"])
        assert data[part["o"] : part["o"] + len(held)] == held
        if part["kind"] == "section":
            assert len(held) == part["s"]


def test_a_field_has_its_c_type_and_its_line() -> None:
    part = sections(page_of(captured(RISCV), codecs_of(RISCV)))["cpu/0"]
    pc = node(part, "env.pc")
    assert (pc["y"], pc["p"], pc["t"]) == ("target_ulong", "env.pc", "uint64")
    assert pc["w"].startswith("target/riscv/machine.c:")


def test_an_array_of_numbers_is_one_field_that_the_page_spells() -> None:
    state = Stream(captured(PC), codecs_of(PC))
    part = sections(page_of(captured(PC), codecs_of(PC)))["cpu/0"]
    regs = node(part, "env.regs")
    assert (regs["e"], regs["m"], regs["s"]) == ("Q", 16, 128)
    assert state.values(state.section("cpu"))["env"]["regs"][0] == int(
        regs["v"].strip("[").split(",")[0], 0
    )


def test_without_a_description_values_have_no_places() -> None:
    data = captured(RISCV)
    with Stream(data, codecs_of(RISCV), use_description=False) as stream:
        page = closed(stream_page([viewed("vm.mig", stream)]))
    part = sections(page)["cpu/0"]
    assert "without places" in part["note"]
    assert node(part, "env", "pc").get("o") is None


def test_registers_are_those_of_gdb() -> None:
    page = page_of(captured(RISCV), codecs_of(RISCV))
    (cpu,) = page.data["streams"][0]["registers"]
    assert cpu["path"] == "cpu/0"
    names = {
        name: digits
        for group in cpu["groups"]
        for name, digits, _ in group["registers"]
    }
    with Stream(captured(RISCV), codecs_of(RISCV)) as stream:
        pc = stream.state(stream.section("cpu")).env.pc
    assert int(names["pc"], 16) == pc


def test_guest_memory_is_summed_up_and_not_embedded() -> None:
    data = whole(RISCV)
    page = page_of(data)
    (stream,) = page.data["streams"]
    assert "riscv_virt_board.ram" in [one[0] for one in stream["blocks"]]
    assert all(not one["data"] for one in stream["parts"] if one["kind"] == "ram")
    assert sum(len(base64.b64decode(one["data"])) for one in stream["parts"]) < 20_000


def test_two_streams_have_their_differences_at_the_fields() -> None:
    data = captured(RISCV)
    codecs = codecs_of(RISCV)
    with Stream(data, codecs) as old:
        pc = node(sections(page_of(data, codecs))["cpu/0"], "env.pc")["o"]
        changed = data[: pc + 7] + b"\x77" + data[pc + 8 :]
        with Stream(changed, codecs) as new:
            changes = list(compare(old, new))
            page = closed(stream_page([viewed("a", old), viewed("b", new)], changes))
    (change,) = page.data["changes"]
    part, *steps = change["at"]
    found = page.data["streams"][0]["parts"][part]
    assert found["title"] == "cpu/0"
    for step in steps:
        found = found["k"][step]
    assert found["n"] == "env.pc"


def test_a_refusal_leads_to_the_field_at_its_byte() -> None:
    data = captured(RISCV)
    (cpu,) = (one for one in find_sections(data) if one.name == "cpu")
    for member, offset, name in (
        ("env.pc", None, "env.pc"), ("", cpu.start, "env.gpr"), ("nothing", cpu.start, "env.gpr"),
    ):  # fmt: skip
        one = Objection("value", "cpu/0", member, offset, "wrong <b>", "hint")
        found = Explanation("1.0", "riscv64", "virt", (one,), 3, ())
        with Stream(data) as stream:
            page = closed(stream_page([viewed("a", stream)], (), found))
        (refusal,) = page.data["verdict"]["refusals"]
        part, *steps = refusal["at"]
        shown = page.data["streams"][0]["parts"][part]
        for step in steps:
            shown = shown["k"][step]
        assert shown["n"] == name


def test_a_stream_that_ends_early_is_shown_until_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    data = captured(RISCV)
    (cpu,) = (one for one in find_sections(data) if one.name == "cpu")
    Path("cut.mig").write_bytes(data[: cpu.start + 50])
    assert run(["stream", "view", "cut.mig", "--codecs", "none"]) == 0
    assert capsys.readouterr().err.endswith("wrote cut.mig.html\n")
    (stream,) = closed(Path("cut.mig.html").read_text()).data["streams"]
    assert stream["failure"]
    assert stream["parts"][-1]["title"] != "cpu/0"


def test_a_page_is_bounded_and_says_what_it_lacks() -> None:
    page = page_of(captured(RISCV), codecs_of(RISCV), nodes=30)
    parts = sections(page)
    assert sum(1 for one in parts.values() for _ in leaves(one["k"])) < 200
    assert any("no room" in one["note"] for one in parts.values())


PAYLOADS = (
    "</script><script>boom()</script>", "<img src=x onerror=boom()>", "'\"><svg onload=boom()>",
    "<!--<script>", "{{ 7*7 }}", "\u2028boom()", "\u202egnp", "&lt;b&gt;", "javascript:boom()",
)  # fmt: skip


def hostile(payload: str) -> bytes:
    """A stream whose machine, section, table, field and block have a payload for a name."""
    name = payload.encode()
    machine = b"\x07" + struct.pack(">I", len(name)) + name
    number = struct.pack(">I", 7)
    body = name.ljust(100, b"\0")
    section = (
        b"\x04" + number + bytes([len(name)]) + name + struct.pack(">II", 0, 1) + body
        + b"\x7e" + number
    )  # fmt: skip
    fields = [{"name": payload, "size": 100, "type": payload}]
    device = {
        "name": payload, "instance_id": 0, "vmsd_name": payload, "version": 1, "fields": fields,
    }  # fmt: skip
    text = json.dumps(
        {"page_size": 4096, "devices": [device]},
        ensure_ascii=False,
    ).encode()
    return (
        b"QEVM" + struct.pack(">I", 3) + machine + section + b"\0" + b"\x06"
        + struct.pack(">I", len(text)) + text
    )  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_of_a_stream_are_text(payload: str) -> None:
    data = hostile(payload)
    with Stream(data) as stream:
        list(stream.parts())
        found = viewed(payload, stream, failure=payload)
        one = Objection("value", payload, payload, 30, payload, payload)
        verdict = Explanation("1", payload, payload, (one,), 1, (payload,))
        page = closed(stream_page([found, found], (), verdict))
    assert [tag for tag, _ in page.elements].count("script") == 2
    assert found.name in page.text  # as text, after the parser has read it
    (section,) = (
        one for one in page.data["streams"][0]["parts"] if one["kind"] == "section"
    )
    (field,) = (one for one in section["k"] if one.get("t") not in ("header", "footer"))
    assert section["title"].endswith("/0")
    assert field["v"].startswith(payload.encode().hex()[:20])


def test_json_in_a_script_element_cannot_end_it() -> None:
    text = script_json({"</script>": ["<!--", "]]>", "\u2028", "&", "\ud800"]})
    assert text.isascii()
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"</script>": ["<!--", "]]>", "\u2028", "&", "\ud800"]}


def test_the_command_writes_what_the_options_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("vm.mig").write_bytes(captured(RISCV))
    line = ["stream", "view", "vm.mig", "--codecs", str(GENERATED)]
    assert run([*line, "--explain", str(GENERATED), "-o", "-"]) == 0
    page = closed(capsys.readouterr().out)
    assert page.data["verdict"]["judged"] > 0
    assert run([*line, "vm.mig", "-o", "two.html"]) == 0
    capsys.readouterr()
    page = closed(Path("two.html").read_text())
    assert len(page.data["streams"]) == 2
    assert page.data["changes"] == []
    assert run([*line, "--like", "vm.mig"]) == 2
    assert "--like is for --explain" in capsys.readouterr().err
