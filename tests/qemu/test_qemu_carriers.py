"""What ``savevm`` writes into a qcow2 image, and files that are not the stream alone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lacking import lacking
from tests.qemu.conftest import guest as guest  # the fixture
from tests.qemu.machine import Guest, Machine
from tests.stream_files import packages
from tests.test_stream_carriers import save_image
from vmgen.stream import Stream
from vmgen.stream.edit import edit
from vmgen.stream.input import Input
from vmgen.stream.verify import verify

LAYOUTS = {
    "default": (),
    "small clusters": ("-o", "cluster_size=512"),
    "large clusters": ("-o", "cluster_size=2M"),
    "version 2": ("-o", "compat=0.10"),
    "extended": ("-o", "extended_l2=on,cluster_size=64k"),
}


@pytest.fixture
def image(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """An empty disk of an odd size, in the layout that a test names."""
    if shutil.which("qemu-img") is None:
        lacking("qemu-img is not installed")
    file = tmp_path / "disk.qcow2"
    create = ["qemu-img", "create", "-q", "-f", "qcow2", *LAYOUTS[request.param]]
    subprocess.run([*create, str(file), "1234567"], check=True)
    return file


def monitor(machine: Machine, line: str) -> None:
    said = machine.command("human-monitor-command", **{"command-line": line})
    assert said == "", said


@pytest.mark.parametrize("guest", ["riscv64"], indirect=True)
@pytest.mark.parametrize("image", LAYOUTS, indirect=True)
def test_savevm(guest: Guest, image: Path, tmp_path: Path) -> None:
    drive = ("-drive", f"if=none,id=d0,file={image},format=qcow2")
    with Machine(guest, drive) as machine, machine.gdb() as stub:
        for name, value in (("one", 0x1111), ("two", 0x2222)):
            stub.write("a0", value)
            monitor(machine, f"savevm {name}")
        migrated = machine.capture()
    # How many pieces RAM comes in depends on the time that it takes.
    sections = {one.path: None for one in Stream(migrated).sections}
    for name, value in (("one", 0x1111), ("two", 0x2222)):
        with Stream(Input(image, name), packages()["riscv64"]) as stream:
            assert stream.carriers == ("qcow2",)
            assert list(dict.fromkeys(one.path for one in stream.sections)) == list(
                sections
            )
            assert all(one.difference is None for one in verify(stream))
            assert stream.state(stream.section("cpu")).env.gpr[10] == value
            changed = edit(stream, ["cpu/0.env.gpr[10]=0x3333"]).to_bytes()
    with Machine.resumed(guest, changed) as machine, machine.gdb() as stub:
        assert stub.read("a0") == 0x3333


@pytest.mark.parametrize("guest", ["riscv64"], indirect=True)
def test_a_save_image_with_pages_at_fixed_places(guest: Guest, tmp_path: Path) -> None:
    """libvirt's sparse format: a mapped-ram file behind a header."""
    file = tmp_path / "machine.save"
    head = save_image(b"", 6, xml=b"<domain/>".ljust(4096 - 92, b"\0"))
    file.write_bytes(head)
    with Machine(guest) as machine:
        with machine.gdb() as stub:
            stub.write("a0", 0x1111)
        capability = {"capability": "mapped-ram", "state": True}
        machine.command("migrate-set-capabilities", capabilities=[capability])
        machine.command("migrate", uri=f"file:{file},offset={len(head)}")
        while machine.command("query-migrate").get("status") != "completed":
            pass
        written = file.read_bytes()
    assert written.startswith(head)
    assert written[len(head) : len(head) + 4] == b"QEVM"
    with Stream(file, packages()["riscv64"]) as stream:
        assert all(one.difference is None for one in verify(stream))
        assert stream.state(stream.section("cpu")).env.gpr[10] == 0x1111
        pages = list(stream.memory().pages("riscv_virt_board.ram"))
        again = edit(stream, ["cpu/0.env.gpr[10]=0x4444"])
        changed = bytes(stream.prefix) + again.to_bytes()
    assert len(changed) == len(written)
    assert all(len(page.data) == 4096 for page in pages)
