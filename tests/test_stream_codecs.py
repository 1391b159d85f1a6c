"""Streams through generated code: which target fits, and the same values as without."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from array import array
from pathlib import Path
from typing import Any

import pytest

from tests.stream_files import ALL, captured, codecs_of, packages, stripped, target_of
from tests.stream_sections import find_sections
from tests.test_stream_read import opened
from vmgen.stream import (
    Codecs,
    Disagreement,
    NoCodecs,
    Refused,
    Stream,
    described,
    from_folder,
    paths,
)
from vmgen.stream.codec import Codec
from vmgen.stream.codecs import members, plain
from vmgen.stream.fingerprint import fingerprint
from vmgen.stream.input import Input
from vmgen.stream.meta import Meta, read_meta

OF_THE_EIGHT = [name for name in ALL if codecs_of(name) is not None]


@pytest.mark.parametrize("name", OF_THE_EIGHT)
def test_every_cpu_goes_through_its_codec(name: str) -> None:
    stream = opened(name)
    cpus = [one for one in stream.sections if one.name in ("cpu", "cpu_common")]
    assert cpus
    for one in cpus:
        assert one.means == "codec"
        assert one.codec is not None
        assert one.codec.name == one.name
        state = stream.state(one)
        assert isinstance(state, one.codec.state)
        assert one.codec.save(state, one.version_id) == bytes(stream.body(one))


def by_codec(path: str) -> str:
    """The path of a described field in the codec's state: a subsection is an attribute,
    named by what comes behind the slash."""
    words = []
    for word in path.split("."):
        words.append(word.rpartition("/")[2].replace("-", "_"))
    return ".".join(words)


LEAST = {
    "riscv64": 60,
    "riscv32": 60,
    "x86_64": 130,
    "i386": 100,
    "aarch64": 50,
    "arm": 30,
    "ppc64": 10,
    "ppc": 10,
}
"""How many fields have the same name in both, at least."""


@pytest.mark.parametrize(
    "name", [name for name in OF_THE_EIGHT if "postcopy" not in name]
)
def test_codecs_and_description_read_the_same_values(name: str) -> None:
    """Two ways to read the same bytes that share nothing.

    The description does not say where a part of an array begins, and numbers repeated
    names: what has no counterpart by name is not compared.
    """
    stream = opened(name)
    compared = 0
    for one in stream.sections:
        if one.codec is None:
            continue
        values = plain(stream.state(one))
        for path, slot, at in described.leaves(stream.layout(one), one.start):
            if slot.type == "unused_buffer" or not (slot.code or slot.type == "bool"):
                continue
            expected = described.decode([slot], stream.view, at - slot.start)[slot.name]
            steps = paths.resolve(values, by_codec(path))
            if steps is None:
                continue
            found = values
            for step in steps:
                found = paths.at(found, step)
            if slot.indexed:
                (expected,) = expected
            found, expected = as_list(found), as_list(expected)
            if isinstance(found, list) and isinstance(expected, list):
                found = found[len(found) - len(expected) :]
            assert found == expected, path
            compared += 1
    assert compared >= LEAST[target_of(name)]


def as_list(value: Any) -> Any:
    return list(value) if isinstance(value, (array, bytes)) else value


@pytest.mark.parametrize("name", OF_THE_EIGHT)
def test_the_target_is_found(name: str) -> None:
    found = fingerprint(Input(captured(name)), packages())
    assert target_of(name) in found.targets
    assert set(found.targets) in ({target_of(name)}, {"arm", "aarch64"})
    assert found.codecs is not None
    assert (found.codecs.target, *found.codecs.alternatives) == found.targets
    assert set(found.refusals) == set(packages()) - set(found.targets)


@pytest.mark.parametrize("name", ["m68k-virt-poke--10.0.2", "mips-malta-bare--10.0.2"])
def test_another_target_is_none_of_the_eight(name: str) -> None:
    found = fingerprint(Input(captured(name)), packages())
    assert found.codecs is None
    assert found.targets == ()


@pytest.mark.parametrize("name", OF_THE_EIGHT)
def test_names_and_sizes_only_save_trying(name: str) -> None:
    """The same targets are found where nothing but the codecs is there to ask."""
    bare = {
        target: Codecs(codecs.codecs, target) for target, codecs in packages().items()
    }
    data = captured(name)
    assert (
        fingerprint(Input(data), bare).targets
        == fingerprint(Input(data), packages()).targets
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x86_64-q35-bare--10.0.2", "CPU's env.regs has elements of 4 bytes, not of 8"),
        (
            "ppc64-pseries-vof--10.0.2",
            "CPU's env.gpr has elements of 4 bytes, not of 8",
        ),
    ],
)
def test_a_cpu_of_another_width_is_not_tried(name: str, reason: str) -> None:
    found = fingerprint(Input(captured(name)), packages())
    (narrow,) = {"i386", "ppc"} & {
        one for one, why in found.refusals.items() if reason in str(why)
    }
    assert found.codecs is not None
    assert found.codecs.target == target_of(name) != narrow
    assert found.stream is not None
    assert found.stream.codecs is found.codecs
    assert found.stream.section("cpu").codec is not None


def broken(file: Path) -> None:
    file.write_text(f"{file.read_text()}\nimport nonesuch\n")


def test_only_the_target_that_fits_is_imported(tmp_path: Path) -> None:
    """What is wrong with another target's module is no matter; with its own it is."""
    folder = tmp_path / "generated"
    shutil.copytree(Path(__file__).parent.parent / "generated", folder)
    broken(folder / "ppc64" / "__init__.py")
    data = captured("riscv64-virt-vh-bare--10.0.2")
    found = fingerprint(Input(data), from_folder(folder))
    assert found.targets == ("riscv64",)
    broken(folder / "riscv64" / "__init__.py")
    other = tmp_path / "again"
    folder.rename(other)
    with pytest.raises(NoCodecs, match="cannot import"):
        fingerprint(Input(data), from_folder(other))


def test_another_release_is_refused_by_its_version() -> None:
    found = fingerprint(Input(captured("riscv64-virt-vh-bare--7.2.22")), packages())
    assert found.targets == ()
    assert "cpu/0: version 5 is below the minimum 10" in str(found.refusals["riscv64"])


def test_without_description_the_target_is_found_too() -> None:
    found = fingerprint(Input(captured("riscv64-postcopy--10.0.2")), packages())
    assert found.targets == ("riscv64",)


def test_codecs_of_another_target_are_refused() -> None:
    with pytest.raises((Refused, Disagreement), match="cpu"):
        list(
            Stream(
                stripped("ppc-g3beige-openbios--10.0.2"), packages()["riscv64"]
            ).parts()
        )


class Wrong:
    """A codec that stops before the end."""

    def __init__(self, codec: Codec, short: int) -> None:
        self.codec, self.short = codec, short

    def load(self, *arguments: Any, **more: Any) -> tuple[Any, int]:
        state, end = self.codec.load(*arguments, **more)
        return state, end - self.short


def test_a_codec_and_a_description_that_disagree() -> None:
    name = "riscv64-virt-vh-bare--10.0.2"
    codec = packages()["riscv64"].codecs["cpu"]
    kind: Any = type(codec)
    wrong = kind(*codec[:4], Wrong(codec, 8).load, codec.save)  # type: ignore[index]
    codecs = {"cpu": wrong}
    with pytest.raises(
        Disagreement, match=r"cpu/0: 7225 bytes by the codec, 7233 by the"
    ):
        list(Stream(captured(name), codecs).parts())
    size = next(one for one in find_sections(captured(name)) if one.name == "cpu")
    assert size.end - size.start == 7233


def test_codecs_are_found_behind_a_device_path() -> None:
    codec = packages()["riscv64"].codecs["cpu"]
    codecs = Codecs({"e1000": codec, "spapr/htab": codec})
    assert codecs.get("0000:00:02.0/e1000") is codec
    assert codecs.get("a/b/spapr/htab") is codec
    assert codecs.get("htab") is None
    assert codecs.get("e1000/0") is None


def test_page_sizes_of_targets() -> None:
    sizes = {name: packages()[name].page_size for name in ("arm", "riscv32", "x86_64")}
    assert sizes == {"arm": 1024, "riscv32": 4096, "x86_64": 4096}
    assert Codecs({}, "x86_64").page_size is None
    assert Codecs({}).page_size is None


def test_a_codec_knows_where_it_is_from() -> None:
    codec: Any = packages()["riscv64"].codecs["cpu"]
    assert (codec.symbol, codec.target, codec.release) == (
        "vmstate_riscv_cpu", "riscv64", "10.0.2",
    )  # fmt: skip
    assert (codec.page_bits, codec.subsections[:2]) == (12, ("cpu/pmp", "cpu/hyper"))
    assert packages()["riscv64"].codecs["cpu"] is codec


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", "[" * 10000, '{"release": 1, "target": 2, "cpu": 3}',
     '{"release": "", "target": "", "page_bits": 999, "cpu": []}',
     '{"release": "", "target": "", "page_bits": 12, "cpu": [{"fields": 3}]}'],
)  # fmt: skip
def test_a_package_may_say_nothing_of_its_target(tmp_path: Path, text: str) -> None:
    (tmp_path / "meta.json").write_text(text)
    assert read_meta(tmp_path) == Meta()
    assert read_meta(None) == read_meta(tmp_path / "nowhere") == Meta()


def test_a_package_that_cannot_be_imported_is_none(tmp_path: Path) -> None:
    (tmp_path / "_runtime.py").write_text("")
    (tmp_path / "__init__.py").write_text("from . import lacking\n")
    for _ in range(2):  # what the first try left behind is no package either
        with pytest.raises(NoCodecs, match=r"cannot import it: .*lacking"):
            from_folder(tmp_path)


def test_packages_are_found_in_folders(tmp_path: Path) -> None:
    folder = packages()["riscv64"].folder
    assert folder is not None
    root = folder.parent
    assert set(from_folder(root)) == set(packages())
    assert list(from_folder(root / "arm")) == ["arm"]
    assert from_folder(root)["arm"].codecs is packages()["arm"].codecs
    with pytest.raises(NoCodecs, match="is not a generated package"):
        from_folder(tmp_path)
    with pytest.raises(NoCodecs):
        from_folder(tmp_path / "nothing")
    (tmp_path / "_runtime.py").write_text("")
    with pytest.raises(NoCodecs, match="has no targets"):
        from_folder(tmp_path)
    (tmp_path / "sick").mkdir()
    (tmp_path / "sick" / "__init__.py").write_text("import nonesuch_module")
    with pytest.raises(NoCodecs, match="cannot import 'sick'"):
        from_folder(tmp_path)
    (tmp_path / "sick" / "__init__.py").write_text("")
    with pytest.raises(NoCodecs, match="has no CODECS"):
        from_folder(tmp_path)


@pytest.mark.parametrize(
    ("init", "offers"),
    [
        ("# generated\n\nCODECS = {}\n", True),
        ("CODECS = {}\n", True),
        ("# generated\n\n# and no more\n", False),
        ("# generated\n", False),
        ("\n", False),
    ],
)
def test_what_has_remarks_alone_is_no_target(
    tmp_path: Path, init: str, offers: bool
) -> None:
    """Folders of modules that targets share have a stamp, and no codecs."""
    (tmp_path / "_runtime.py").write_text("")
    for name, text in (("known", "CODECS = {}\n"), ("maybe", init)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(text)
    (tmp_path / "not-a-name").mkdir()
    (tmp_path / "not-a-name" / "__init__.py").write_text("CODECS = {}\n")
    assert list(from_folder(tmp_path)) == ["known", "maybe"][: 1 + offers]


def test_a_package_of_one_target_may_have_no_folder_for_it(tmp_path: Path) -> None:
    (tmp_path / "_runtime.py").write_text("")
    (tmp_path / "__init__.py").write_text("CODECS = {}\n")
    (found,) = from_folder(tmp_path).items()
    assert (found[0], found[1].codecs, found[1].folder) == ("", {}, tmp_path)


def test_states_as_plain_values() -> None:
    stream = opened("riscv64-virt-vh-bare--10.0.2")
    state = stream.state(stream.section("cpu"))
    values = plain(state)
    assert list(values) == list(members(state))
    assert values["env"]["gpr"] == state.env.gpr
    assert isinstance(values["env"]["miprio"], bytes)
    assert values["jvt"] is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"array_len": 8', '"array_len": 1099511627776'),
        ('"array_len": 8', f'"array_len": {10**30}'),
        ('"array_len": 8', '"array_len": -1'),
        ('"array_len": 8', '"array_len": "8"'),
        ('"array_len": 8', '"array_len": null'),
        ('"array_len": 8', '"array_len": 0.5'),
        ('"fields": [', '"fields": 5, "other": ['),
        ('"fields": [', '"fields": {"a": 1}, "other": ['),
        ('"fields": [', '"fields": [null, 3, '),
        ('"subsections": [', '"subsections": "x", "other": ['),
        ('"subsections": [', '"subsections": [[], '),
    ],
)
def test_a_description_may_be_anything(old: str, new: str) -> None:
    """What a codec asks of it is refused where it makes no sense, for no memory."""
    stream = opened("arm-stm32vldiscovery-poke--10.0.2")
    cpu = stream.section("cpu")
    assert cpu.codec is not None
    assert cpu.device is not None
    text = cpu.device.text.decode()
    assert old in text
    node = json.loads(text.replace(old, new))
    tracemalloc.start()
    try:
        with pytest.raises(cpu.codec.error):
            cpu.codec.load(
                stream.view,
                cpu.start,
                cpu.version_id,
                context=cpu.codec.context(description=node),
            )
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()
