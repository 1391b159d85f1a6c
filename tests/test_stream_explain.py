"""Would a release take a stream?  Asked of the codecs, and compared with what QEMU said."""

from __future__ import annotations

import json
import os
import re
import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.kept_codecs import keep, of_release
from tests.stream_files import captured, codecs_of, packages, target_of, whole
from tests.stream_sections import description_json, find_sections
from tests.test_stream_mutations import (
    CASES,
    NEEDS_THE_DEVICE,
    REASONS,
    mutated,
    name_of,
)
from tests.trees import require_tree
from vmgen import ir
from vmgen.cli import run
from vmgen.cli.console import Console
from vmgen.cli.stream import made
from vmgen.ir import json as ir_json
from vmgen.source import Diagnostic, Position
from vmgen.stream import (
    Codecs,
    Configuration,
    NoCodecs,
    Section,
    Stream,
    UnknownSection,
    Unreadable,
)
from vmgen.stream.explain import explain
from vmgen.stream.input import Input
from vmgen.stream.kvm_only import KVM_ONLY
from vmgen.stream.objections import Explanation
from vmgen.stream.parts import EVERYWHERE
from vmgen.stream.which_target import choose

RISCV = "riscv64-virt-vh-bare--10.0.2"

RULES = {
    "cut: EOF byte and vmdesc dropped": "container",
    "cut: middle of cpu section": "container",
    "cut: just before cpu footer": "container",
    "magic changed": "container",
    "file version 2": "container",
    "cpu version +1": "version-window",
    "cpu version 0": "version-window",
    "cpu version -1": "version-window",
    "cpu section renamed cpX": "unknown-section",
    "cpu instance 7": "unknown-section",
    "cpu footer id changed": "container",
    "cpu footer byte changed": "footer-shift",
    "one extra byte before cpu footer": "footer-shift",
    "one byte missing before cpu footer": "footer-shift",
    "unknown subsection cpu/zzz appended": "unknown-subsection",
    "foreign subsection foo/zzz appended": "footer-shift",
    "subsection cpu/pmp version +9": "version-window",
    "subsection cpu/poll_control_msr version +9": "version-window",
    "subsection name's last letter changed": "unknown-subsection",
}


def explained(capture: str, data: bytes) -> Explanation:
    return explain(Input(data), packages()[target_of(capture)])


def like(capture: str) -> Stream:
    """What the machine itself saved."""
    return Stream(whole(capture), strict=False)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_with_a_stream_of_the_machine_the_verdict_is_that_of_qemu(
    case: dict[str, Any],
) -> None:
    """All of them: what the machine compares with its own, its own stream has."""
    capture, mutation = case["capture"], case["mutation"]
    data = mutated(whole(capture), mutation)
    found = explain(Input(data), packages()[target_of(capture)], own=like(capture))
    assert (not found.refusals) == case["accepted"], found.refusals
    if mutation.startswith(NEEDS_THE_DEVICE):
        (refusal,) = found.refusals
        assert refusal.rule == "machine"
        path = re.split(r" = |:(?= )", mutation)[0].split(" ")[-1]
        assert path.startswith(f"{refusal.section}/")
        assert (
            path.removeprefix(f"{refusal.section}/").replace("/", ".") == refusal.member
        )
        assert refusal.offset is not None
        assert data[refusal.offset] != whole(capture)[refusal.offset]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_verdict_is_that_of_qemu(case: dict[str, Any]) -> None:
    found = explained(
        case["capture"], mutated(whole(case["capture"]), case["mutation"])
    )
    taken = case["accepted"] or case["mutation"].startswith(NEEDS_THE_DEVICE)
    assert (not found.refusals) == taken, found.refusals
    if not taken:
        rule = RULES[case["mutation"]]
        if name_of(case) == "x86_64: cpu version -1":
            rule = "footer-shift"  # 11 is still read, without what version 12 added
            assert found.refusals[0].member == "env.xcr0"
        assert found.refusals[0].rule == rule, found.refusals


def test_what_only_kvm_on_its_own_host_has_is_open() -> None:
    """The tables are those of an x86 host: a riscv64 host's QEMU has ``cpu/kvmtimer``."""
    data = whole(RISCV)
    cpu = next(one for one in find_sections(data) if one.name == "cpu")
    more = b"\5\x0ccpu/kvmtimer\0\0\0\1" + bytes(24)
    changed = data[: cpu.end] + more + data[cpu.end :]
    found = explained(RISCV, changed)
    assert (found.outcome, found.refusals) == ("not known", ())
    (open_,) = [one for one in found.open if one.rule == "unread"]
    assert (open_.section, open_.offset) == ("cpu/0", cpu.end)
    other = changed.replace(b"cpu/kvmtimer", b"cpu/kvmtimes")
    assert explained(RISCV, other).refusals[0].rule == "unknown-subsection"
    own = explain(Input(changed), packages()["riscv64"], own=like(RISCV))
    assert own.refusals[0].rule == "unknown-subsection"


@pytest.mark.parametrize(("name", "file"), [(a, b) for (_, a), b in KVM_ONLY.items()])
def test_what_only_kvm_has_stands_there(name: str, file: str) -> None:
    text = (require_tree("10.0") / file).read_text(encoding="utf-8")
    assert f'.name = "{name}"' in text
    assert "kvm_enabled()" in text or "_kvm.c" in file


def test_the_interrupts_of_an_s390x_host_are_open() -> None:
    data = whole(RISCV)
    name = next(
        one.name for one in find_sections(data) if one.name not in ("cpu", "ram")
    )
    at, _ = description_json(data)
    quoted = name.encode()
    text = data[at + 5 :].replace(b'"%s"' % quoted, b'"s390-flic"')
    header = bytes([len(quoted)]) + quoted
    assert data[:at].count(header) == 1
    renamed = data[:at].replace(header, b"\x09s390-flic")
    there = Input(renamed + b"\6" + len(text).to_bytes(4, "big") + text)
    known = packages()["riscv64"].codecs
    for target, rule in (("riscv64", "unknown-section"), ("s390x", "unread")):
        found = explain(there, Codecs({**known, EVERYWHERE: known["cpu"]}, target))
        (one,) = [
            one
            for one in (*found.refusals, *found.open)
            if one.section.startswith("s390-flic/")
        ]
        assert one.rule == rule


def test_every_rule_is_known() -> None:
    assert set(RULES) == set(REASONS)


def test_a_newer_release_refuses_an_older_cpu() -> None:
    found = explained("riscv64", captured("riscv64-virt-vh-bare--7.2.22"))
    (refusal,) = found.refusals
    assert refusal.rule == "version-window"
    assert (refusal.section, refusal.member) == ("cpu/0", "")
    assert refusal.message == "version 5; the release accepts only version 10"
    data = captured("riscv64-virt-vh-bare--7.2.22")
    assert data[refusal.offset : (refusal.offset or 0) + 4] == b"\0\0\0\5"
    assert (found.release, found.target, found.machine) == ("10.0.2", "riscv64", "virt")


def test_the_embedded_headers_take_the_older_x86() -> None:
    found = explained("x86_64", captured("x86_64-q35-bare--7.2.22"))
    assert not found.refusals
    assert found.judged >= 2
    assert "timer/0" in found.unjudged


@pytest.mark.parametrize("release", ["7.2.22", "10.0.2"])
@pytest.mark.parametrize("name", ["riscv64-virt-vh-bare", "x86_64-q35-bare"])
def test_the_target_is_found_whatever_the_release(name: str, release: str) -> None:
    source = Input(captured(f"{name}--{release}"))
    assert choose(source, packages()).target == target_of(name)


def test_a_foreign_stream_has_no_target_here() -> None:
    with pytest.raises(NoCodecs):
        choose(Input(b"QEVM\0\0\0\3\0"), packages())


def test_a_field_that_moved_the_rest_is_named(tmp_path: Path) -> None:
    """A table that lost a field, one that gained one, one whose field is wider."""
    name = "riscv64-virt-vh-bare--10.0.2"
    for edit, member, reason in (
        ("lost", "env.priv", "which the table does not have"),
        ("gained", "novel", "the table has 'novel'"),
        ("wider", "env.priv", "8 bytes in the stream, 4 by the table"),
    ):
        found = explain(Input(captured(name)), _changed(tmp_path / edit, edit))
        (refusal,) = found.refusals
        assert refusal.rule == "footer-shift", refusal
        assert (refusal.section, refusal.member) == ("cpu/0", member)
        assert reason in refusal.message
        stream_field = _offset_of(captured(name), "env.priv")
        assert refusal.offset == stream_field


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (
            "lost",
            "the stream has 'env.priv' (8 bytes) here, which the table does not have",
        ),
        ("gained", "the table has 'novel' here, the stream has 'env.priv'"),
        ("wider", "8 bytes in the stream, 4 by the table"),
    ],
)
def test_without_a_description_other_tables_name_the_field(
    edit: str, reason: str, tmp_path: Path
) -> None:
    """What is certain stands first, and what no table at hand tells is not said."""
    data = mutated(captured(RISCV), "cut: vmdesc dropped (ends after EOF byte)")
    cpu = next(one for one in find_sections(captured(RISCV)) if one.name == "cpu")
    asked = _changed(tmp_path, edit)
    (refusal,) = explain(Input(data), asked).refusals
    assert (refusal.rule, refusal.section, refusal.member) == (
        "footer-shift",
        "cpu/0",
        "",
    )
    bytes_ = (
        f"the section has {cpu.end - cpu.start} bytes, and the release's table reads "
    )
    assert refusal.message.startswith(bytes_)
    (refusal,) = explain(
        Input(data), asked, others=lambda: [asked, packages()["riscv64"]]
    ).refusals
    assert refusal.message.startswith(bytes_)
    assert "the table of QEMU 10.0.2 ends at its footer" in refusal.message
    member = "novel" if edit == "gained" else "env.priv"
    assert refusal.message.endswith(f"most probably moved by '{member}': {reason}")
    assert refusal.member == member
    assert refusal.offset == _offset_of(captured(RISCV), "env.priv")


def _offset_of(data: bytes, field: str) -> int:
    from vmgen.stream import Stream, described

    stream = Stream(data)
    section = stream.section("cpu")
    for path, _, at in described.leaves(stream.layout(section), section.start):
        if path == field:
            return at
    raise LookupError(field)


def _changed(folder: Path, edit: str) -> Any:
    """The riscv64 codecs of a release whose CPU table is another one."""
    from dataclasses import replace

    from vmgen import ir, pipeline
    from vmgen.stream import from_folder

    program = pipeline.compile_program(pipeline.Request(target="riscv64"))
    modules = []
    for module in program.modules:
        made = []
        for one in module.descriptions:
            if one.symbol == "vmstate_riscv_cpu":
                fields = list(one.fields)
                at = next(i for i, f in enumerate(fields) if f.name == "env.priv")
                if edit == "lost":
                    del fields[at]
                elif edit == "gained":
                    step = ir.Step("novel", "uint32_t")
                    fields.insert(at, replace(fields[at], name="novel", path=(step,)))
                else:
                    wide = ir.IntegerElement("uint32", info="vmstate_info_uint32")
                    fields[at] = replace(fields[at], element=wide, size=ir.Fixed(4))
                one = replace(one, fields=tuple(fields))
            made.append(one)
        modules.append(replace(module, descriptions=tuple(made)))
    for file in pipeline.generate([replace(program, modules=tuple(modules))]):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
    return from_folder(folder)["riscv64"]


def of_every_device() -> Codecs:
    """Codecs of CPUs that look like those of every device."""
    few = packages()["riscv64"].codecs
    none = SimpleNamespace(version_id=0, minimum_version_id=0)
    return Codecs({**few, EVERYWHERE: cast(Any, none)})


def test_sections_that_no_device_has(tmp_path: Path) -> None:
    """A package of everything knows which names there are; one of CPUs does not."""
    every = of_every_device()
    data = captured("riscv64-virt-vh-bare--10.0.2")
    names = {one.section for one in explain(Input(data), every).refusals}
    assert "fw_cfg/0" in names
    assert "cpu/0" not in names
    assert "slirp/0" not in names


def command(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = run(["stream", "explain", *shlex.split(line)])
    return status, *capsys.readouterr()


def test_a_section_whose_table_was_not_read_is_no_refusal(tmp_path: Path) -> None:
    data = whole(RISCV)
    known = packages()["riscv64"]
    folder = Path(str(known.folder))
    program = ir_json.loads((folder / "ir.json").read_text("utf-8"))
    lost = ir.Unread(
        "vmstate_serial",
        "hw/char/serial.c",
        (Diagnostic("VG310", "not one of the known", Position("hw/char/serial.c", 7)),),
    )
    (tmp_path / "ir.json").write_text(
        ir_json.dumps(replace(program, unread=(lost,))), "utf-8"
    )
    everywhere = {EVERYWHERE: known.codecs["cpu"], **known.codecs}
    refused = explain(Input(data), Codecs(everywhere, "riscv64", folder=folder))
    assert "unknown-section" in {one.rule for one in refused.refusals}
    found = explain(Input(data), Codecs(everywhere, "riscv64", folder=tmp_path))
    assert "unknown-section" not in {one.rule for one in found.refusals}
    assert "unread" in {one.rule for one in found.open}
    why, *_ = [one.message for one in found.open if one.rule == "unread"]
    assert "hw/char/serial.c:7: error: not one of the known [VG310]" in why


def test_targets_that_say_the_same_are_one_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A 32-bit Arm board is in the binaries of arm and aarch64."""
    arm = whole("arm-stm32vldiscovery-poke--10.0.2")
    file = tmp_path / "arm.mig"
    file.write_bytes(mutated(arm, "cpu version +1"))
    status, out, err = command(f"{file} --release 10.0.2", capsys)
    assert (status, err) == (1, "")
    assert out.startswith(f"{file}: refused by QEMU 10.0.2 for a")
    assert "cpu/0" in out
    assert "[version-window]" in out


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old.mig", tmp_path / "new.mig"
    old.write_bytes(captured("riscv64-virt-vh-bare--7.2.22"))
    new.write_bytes(captured("riscv64-virt-vh-bare--10.0.2"))
    folder = packages()["riscv64"].folder
    assert folder is not None
    package = folder.parent
    status, out, err = command(f"{new} --codecs {package}", capsys)
    assert (status, err) == (3, "")
    assert out.startswith(
        f"{new}: not known whether QEMU 10.0.2 for riscv64 accepts it, machine virt\n"
    )
    assert out.endswith("\n    --codecs RELEASE or --qemu TREE judges them too\n")
    status, out, err = command(f"{old} --codecs {package}", capsys)
    assert (status, err) == (1, "")
    assert re.search(r"cpu/0 at byte 0x[0-9a-f]+: version 5; the release accepts", out)
    assert "[version-window]" in out
    status, out, _ = command(f"{old} --codecs {folder} --format json", capsys)
    assert status == 1
    found = json.loads(out)
    assert found["outcome"] == "refused"
    assert found["refusals"][0]["rule"] == "version-window"
    assert found["refusals"][0]["section"] == "cpu/0"
    assert found["sections"]["judged"] >= 2
    assert command(f"{tmp_path / 'none'} --codecs {package}", capsys)[0] == 2
    assert command(f"{old} --codecs {tmp_path}", capsys)[0] == 2
    assert command(f"{old} --codecs {package} -t vax", capsys)[0] == 2


@pytest.mark.usefixtures("no_archive")
def test_a_release_by_its_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    folder = packages()["riscv64"].folder
    assert folder is not None
    keep({"riscv64": folder}, "/a/tree")
    (tmp_path / "a.mig").write_bytes(captured("riscv64-virt-vh-bare--10.0.2"))
    status, _, err = command("a.mig --codecs 10.0 -t riscv64", capsys)
    assert (status, err) == (3, "codecs of QEMU 10.0 as in /a/tree\n")
    assert command("a.mig --codecs 10.0.2 -t riscv64", capsys)[0] == 3
    status, _, err = command("a.mig --codecs 1.0", capsys)
    assert status == 2
    assert "trees that were read before: 10.0.2" in err


@pytest.mark.usefixtures("no_archive")
def test_two_trees_of_one_release_are_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork that names an official release never stands for it unnoticed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    folder = packages()["riscv64"].folder
    assert folder is not None
    (tmp_path / "a.mig").write_bytes(captured("riscv64-virt-vh-bare--10.0.2"))
    line = "a.mig --codecs 10.0.2 -t riscv64"
    keep({"riscv64": folder}, "/official", "1")
    keep({"riscv64": folder}, "/a/copy", "1")
    assert command(line, capsys)[0] == 3
    fork = keep(
        {"riscv64": folder}, "/fork", "2", change=lambda ir: ir.replace("gpr", "xpr")
    )
    status, _, err = command(line, capsys)
    assert status == 2
    assert "two trees that differ both name release 10.0.2 [VG711]" in err
    assert "--qemu /fork" in err
    # Read again, the tree is what it is now.
    os.utime(fork / "made-from.json", (1, 1))
    keep({"riscv64": folder}, "/fork", "1")
    assert command(line, capsys)[0] == 3


def test_what_another_vmgen_made_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its code may be written for another runtime."""
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    folder = packages()["riscv64"].folder
    assert folder is not None
    old = of_release("9.1.0")
    keep({"riscv64": folder}, "/a/tree", change=old)
    assert [one.tree for one in made.kept()] == ["/a/tree"]
    keep({"riscv64": folder}, "/another", change=old, maker="another")
    assert [one.tree for one in made.kept()] == ["/a/tree"]


def test_every_release_has_the_embedded_targets_that_no_tree_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    generated = packages()["riscv64"].folder
    assert generated is not None
    package = generated.parent
    monkeypatch.setattr(made, "_embedded", lambda console: package)
    keep({"mips": package / "ppc"})
    found = made.every_release(None, Console())
    assert set(found) == {"10.0.2"}
    assert set(found["10.0.2"]) == {"mips", *packages()}
    assert set(made.every_release("riscv64", Console())["10.0.2"]) == {"riscv64"}
    assert set(made.every_release("mips", Console())["10.0.2"]) == {"mips"}


@pytest.mark.usefixtures("no_archive")
def test_a_release_whose_largest_package_is_of_another_target(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream says which target it is, not what was made last."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    generated = packages()["riscv64"].folder
    assert generated is not None
    package = generated.parent
    monkeypatch.setattr(made, "_embedded", lambda console: package)
    kept = keep({"mips": package / "ppc", "aarch64": package / "aarch64"})
    (tmp_path / "a.mig").write_bytes(captured(RISCV))
    (tmp_path / "new.mig").write_bytes(captured("aarch64-virt-a57-bare--10.0.2"))
    status, out, _ = command("a.mig --codecs 10.0", capsys)
    assert status == 3, out
    assert out.startswith("a.mig: not known whether QEMU 10.0.2 for riscv64")
    line = "stream convert a.mig --from 10.0 --to 10.0.2 -o b.mig --report none"
    assert run(shlex.split(line)) == 0
    assert "codecs of riscv64" in verified("a.mig", capsys)
    status, _, err = command("a.mig --codecs 10.0 -t mips", capsys)
    assert status != 0, err
    console, fit = Console(), made.of_release
    assert fit("10.0", "riscv64", console) == {"riscv64": package / "riscv64"}
    assert fit("10.0", None, console) == {
        name: (kept if name in ("mips", "aarch64") else package) / name
        for name in {*packages(), "mips"}
    }
    assert fit("10.0", "mips", console) == {"mips": kept / "mips"}


def verified(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert run(["stream", "verify", "--codecs", "10.0", *shlex.split(line)]) == 0
    return capsys.readouterr().out


@pytest.mark.usefixtures("no_archive")
def test_codecs_from_a_tree_without_a_target(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target is found by the names of its CPU's fields, and the codecs are kept."""
    tree = require_tree("10.0")
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    file = tmp_path / "a.mig"
    file.write_bytes(whole("m68k-virt-poke--10.0.2"))
    status, out, _ = command(f"{file} --qemu {tree}", capsys)
    assert status == 0
    assert "accepted by QEMU 10.0.2 for m68k" in out
    (folder,) = (tmp_path / "cache" / "codecs").iterdir()
    before = folder.stat().st_ino
    assert command(f"{file} --qemu {tree}", capsys)[0] == 0
    assert command(f"{file} --codecs 10.0.2 -t m68k", capsys)[0] == 0
    assert [entry.stat().st_ino for entry in folder.parent.iterdir()] == [before]


def test_the_hint_about_all_is_for_codecs_without_every_device(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.mig"
    file.write_bytes(captured(RISCV))
    every = of_every_device()
    monkeypatch.setattr(
        "vmgen.cli.stream.explain.packages_of", lambda *_: ({"": every}, every)
    )
    _, out, _ = command(f"{file} --codecs x", capsys)
    assert "no codecs for" not in out  # slirp has none, and is judged
    assert "--all" not in out


def test_what_cannot_be_opened_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        Input(tmp_path / "none")


def test_what_only_some_machines_take_depends() -> None:
    """No configuration, no footers: QEMU takes such a stream where it writes such a one."""
    name = "riscv64-virt-vh-bare--10.0.2"
    data = whole(name)
    stream = Stream(data)
    parts = [
        bytes(stream.view[one.offset : one.offset + one.size - (5 if footer else 0)])
        for one in stream.parts()
        if not isinstance(one, Configuration)
        for footer in [isinstance(one, Section) and one.footer]
    ]
    codecs = packages()["riscv64"]
    found = explain(Input(b"".join(parts)), codecs)
    assert not found.refusals
    assert [
        (one.rule, one.section) for one in found.open if one.rule != "unjudged"
    ] == [
        ("container", "configuration"),
        ("container", "ram/0"),
    ]
    refused = explain(Input(b"".join(parts)), codecs, own=stream)
    assert [one.rule for one in refused.refusals] == ["machine", "machine"]
    assert {one.rule for one in explain(Input(data), codecs).open} == {"unjudged"}


def test_what_a_codec_asks_for_is_no_refusal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "arm-stm32vldiscovery-poke--10.0.2"
    stream = Stream(whole(name), codecs_of(name))
    cpu = stream.section("cpu")
    alone = bytes(stream.view[: cpu.offset + cpu.size]) + b"\0"
    file = tmp_path / "vm.mig"
    for data in (
        alone,
        b"QEVM\0\0\0\3" + bytes(stream.view[cpu.offset : cpu.end]) + b"\0",
    ):
        file.write_bytes(data)
        words = [
            "stream",
            "explain",
            str(file),
            "--codecs",
            str(Path(__file__).parent.parent / "generated" / "arm"),
        ]
        assert run(words) == 3
        out = capsys.readouterr().out
        assert "open: " in out
        assert "ARMCPU.pmsav7_dregion" in out
    file.write_bytes(alone)
    assert run([*words, "--member", "ARMCPU.pmsav7_dregion=8"]) == 3
    assert "ARMCPU.pmsav7_dregion" not in capsys.readouterr().out


def test_what_nobody_can_bound_is_no_verdict() -> None:
    """Neither described nor with a codec nor with footers: no release is accused."""
    name = "riscv64-virt-vh-bare--10.0.2"
    stream = Stream(whole(name))
    timer = stream.section("timer")
    data = b"QEVM\0\0\0\3" + bytes(stream.view[timer.offset : timer.end]) + b"\0"
    with pytest.raises(UnknownSection):
        explain(Input(data), packages()["riscv64"])


@pytest.mark.parametrize("word", [b'"page_size"', b'"vmsd_name"', b'"instance_id"'])
def test_a_description_that_is_no_json_is_nothing_to_qemu(
    word: bytes, tmp_path: Path
) -> None:
    """It reads none; which codecs are needed is then not said, so they are all made."""
    own, file = tmp_path / "own", tmp_path / "changed"
    data = bytearray(whole(RISCV))
    own.write_bytes(data)
    data[data.rindex(word) + len(word)] = ord(";")
    file.write_bytes(data)
    words = ["stream", "explain", str(file), "--codecs", "10.0.2", "-t", "riscv64"]
    assert run([*words, "--like", str(own)]) == 0
