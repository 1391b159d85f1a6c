"""Devices whose sections have one name and are not alike: never guessed which it is."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import black
import pytest

from tests.test_pipeline import described, module, number, program, root
from vmgen.pipeline import generate
from vmgen.stream import Codecs, Refused, Stream

ISA = module("isa.c", described("vmstate_isa", number("state"), name="serial"))
MM = module("mm.c", described("vmstate_mm", number("serial"), name="serial"))
ROOTS = [
    root("isa.c", "vmstate_isa", "serial", "", "isa-serial"),
    root("mm.c", "vmstate_mm", "serial", "", "serial-mm"),
]
CPU = module("cpu.c", described("vmstate_cpu", number("r0"), name="cpu"))
WIRE = b"\0\0\0\7"


@pytest.fixture(params=["alone", "shared"])
def codecs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The ``CODECS`` of a target with both devices; another one has the first only."""
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    cpu = root("cpu.c", "vmstate_cpu", "cpu")
    programs = [program("both", [ISA, MM, CPU], [*ROOTS, cpu])]
    if request.param == "shared":
        programs.append(program("one", [ISA, CPU], [ROOTS[0], cpu]))
    name = f"rivals_{tmp_path.name.replace('-', '_')}"
    for file in generate(programs, together=True):
        place = tmp_path / name / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(file.text)
    monkeypatch.syspath_prepend(str(tmp_path))
    if request.param == "shared":
        one = importlib.import_module(f"{name}.one").CODECS
        assert sorted(one) == ["cpu", "serial"]
        assert one.choose("serial") is one["serial"]
        assert type(one["serial"].load(WIRE)[0]).__module__.endswith(".isa")
    return importlib.import_module(f"{name}.both").CODECS


def entry(*names: str) -> dict[str, Any]:
    fields = [{"name": one, "type": "uint32", "size": 4} for one in names]
    return {"name": "serial", "vmsd_name": "serial", "version": 1, "fields": fields}


def runtime(codecs: Any) -> ModuleType:
    return importlib.import_module(type(codecs).__module__)


def test_each_has_a_key_of_its_own(codecs: Any) -> None:
    assert sorted(codecs) == ["cpu", "serial:isa-serial", "serial:serial-mm"]
    assert len(codecs) == 3
    assert all(name in codecs for name in codecs)
    assert codecs["serial:isa-serial"].load(WIRE)[0].state == 7
    assert codecs["serial:serial-mm"].load(WIRE)[0].serial == 7
    assert codecs["serial:serial-mm"].name == "serial"


@pytest.mark.parametrize("fields", [1, 3, 12])
def test_black_has_nothing_to_do(
    fields: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many fields each has, by which the description tells it from the other."""
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path))
    names = [f"field_{number}" for number in range(fields)]
    devices = [
        module(f"{one}.c", described(f"vmstate_{one}", *map(number, [one, *names[1:]]),
                                     name="serial"))
        for one in ("isa", "mm")
    ]  # fmt: skip
    for file in generate([program("both", devices, ROOTS)], together=True):
        if file.path == "both/__init__.py":
            assert black.format_str(file.text, mode=black.Mode()) == file.text
            assert file.text.count('"field_1"') == (2 if fields > 1 else 0)


def test_the_name_alone_is_nobodys(codecs: Any) -> None:
    assert "serial" not in codecs
    assert codecs.get("serial") is None
    with pytest.raises(KeyError, match="serial:isa-serial or serial:serial-mm"):
        codecs["serial"]


@pytest.mark.parametrize(
    ("described", "answers", "expected"),
    [
        (entry("state"), {}, "serial:isa-serial"),
        (entry("serial"), {}, "serial:serial-mm"),
        (entry("serial[0]"), {}, "serial:serial-mm"),
        (None, {"serial": "isa-serial"}, "serial:isa-serial"),
        (entry("state"), {"serial": "serial-mm"}, "serial:serial-mm"),
        (entry("state"), {"serial": "nothing"}, ""),
        (None, {}, ""),
        (None, {"serial": "nothing"}, ""),
        (entry("else"), {}, ""),
        (entry(), {}, ""),
        # A stream's description may be anything.
        ({"fields": None}, {}, ""),
        ({"fields": 5}, {}, ""),
        ({"fields": ["state"]}, {}, ""),
        ({"fields": {"name": 1}}, {}, ""),
        ({"fields": [{"name": ["state"]}]}, {}, ""),
        ([], {}, ""),
    ],
)
def test_who_is_asked(
    codecs: Any, described: Any, answers: dict[str, str], expected: str
) -> None:
    for name in ("serial", "0000:00:01.0/serial"):
        if expected:
            assert codecs.choose(name, described, answers) is codecs[expected]
            continue
        missing = runtime(codecs).MissingContext
        with pytest.raises(missing, match="several devices") as raised:
            codecs.choose(name, described, answers)
        assert raised.value.sections == (name,)
    with pytest.raises(KeyError):
        codecs.choose("parallel", described, answers)
    assert codecs.choose("cpu") is codecs["cpu"]


def stream(field: str) -> bytes:
    """A stream with one ``serial``."""
    name = b"serial"
    section = b"\4" + (1).to_bytes(4, "big") + bytes([len(name)]) + name
    section += bytes(4) + (1).to_bytes(4, "big") + WIRE
    section += b"\x7e" + (1).to_bytes(4, "big") + b"\0"
    device = {**entry(field), "instance_id": 0}
    ordered = {key: device[key] for key in ("name", "instance_id")} | device
    text = json.dumps({"page_size": 4096, "devices": [ordered]}).encode()
    return b"QEVM\0\0\0\3" + section + b"\6" + len(text).to_bytes(4, "big") + text


@pytest.mark.parametrize("field", ["state", "serial"])
def test_a_stream_tells(codecs: Any, field: str) -> None:
    read = Stream(stream(field), Codecs(codecs))
    (section,) = read.sections
    assert section.means == "codec"
    assert getattr(read.state(section), field) == 7


def test_a_stream_that_does_not_tell_asks(codecs: Any) -> None:
    def sections(made: Codecs) -> list[Any]:
        return list(Stream(stream("state"), made, use_description=False).sections)

    (section,) = sections(Codecs(codecs))
    assert (section.means, section.codec) == ("footer", None)
    asked = section.open
    assert (asked.kind, asked.key) == ("device", "serial")
    assert asked.candidates == ("serial:isa-serial", "serial:serial-mm")
    with pytest.raises(Refused, match="serial:isa-serial or serial:serial-mm") as told:
        Codecs(codecs).get("serial")
    assert told.value.hint.endswith("--member serial=TYPE")
    (section,) = sections(Codecs(codecs).but({"serial": "serial-mm"}))
    assert section.codec is codecs["serial:serial-mm"]


def test_a_description_that_is_called_after_its_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The codec has the name of the section, since the description has none."""
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    card = replace(described("vmstate_card", number("state")), name="")
    cards = module("net.c", card)
    roots = [
        root("net.c", "vmstate_card", name, "path", name)
        for name in ("i82550", "i82801")
    ]
    package = f"named_{tmp_path.name.replace('-', '_')}"
    for file in generate([program("cards", [cards], roots)], together=True):
        place = tmp_path / package / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(file.text)
    monkeypatch.syspath_prepend(str(tmp_path))
    codecs = importlib.import_module(f"{package}.cards").CODECS
    assert [codecs[name].name for name in codecs] == ["i82550", "i82801"]
    assert codecs["0000:00:02.0/i82801"].name == "i82801"
    assert codecs["i82550"].load(WIRE)[0].state == 7
