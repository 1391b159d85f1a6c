"""Save images that a real libvirt writes, and takes back when they were edited.

A libvirtd of this test's own runs a session for an unprivileged user, with nothing but
sockets in a folder of its own.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lacking import lacking
from tests.qemu.machine import PATIENCE
from tests.stream_files import packages
from vmgen.cli import run
from vmgen.stream import Stream
from vmgen.stream.verify import verify

DOMAIN = """
<domain type='qemu'>
  <name>guest</name>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <emulator>{emulator}</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""

FORMATS = ("raw", "gzip", "bzip2", "xz", "lzop", "zstd", "sparse")
"""All that libvirt 11 offers, in the order of their numbers."""


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        lacking(f"{name} is not installed")
    return found


class Libvirt:
    """A session of libvirt in a folder; as root it is one of the user ``nobody``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            **{
                f"XDG_{name}": str(folder / name.lower())
                for name in (
                    "RUNTIME_DIR", "CONFIG_HOME", "CACHE_HOME", "DATA_HOME", "STATE_HOME",
                )
            },
        }  # fmt: skip
        self.before: tuple[str, ...] = ()
        for name in ("runtime_dir", "config_home/libvirt"):
            (folder / name).mkdir(parents=True)
        # No second daemon for the log of the guest's console.
        settings = folder / "config_home" / "libvirt" / "qemu.conf"
        settings.write_text('stdio_handler = "file"\n')
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            ids = f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}"
            self.before = (program("setpriv"), *ids, "--clear-groups")
            for path in (folder, *folder.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid)
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            [*self.before, program("libvirtd")], env=self.environment, cwd=folder,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def started(self) -> bool:
        """Wait until it answers; False if it ended instead."""
        end = time.monotonic() + PATIENCE
        socket = self.folder / "runtime_dir" / "libvirt" / "libvirt-sock"
        while time.monotonic() < end and self.process.poll() is None:
            if socket.exists() and self.asked("uri").returncode == 0:
                return True
            time.sleep(0.1)
        return False

    def asked(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.before, program("virsh"), "-q", "-c", "qemu:///session", *words],
            env=self.environment, cwd=self.folder, capture_output=True, text=True,
            check=False, timeout=PATIENCE, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def virsh(self, *words: str) -> str:
        done = self.asked(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def registers(self) -> str:
        return self.virsh(
            "qemu-monitor-command", "guest", "--hmp", "--cmd", "info registers"
        )

    def close(self) -> None:
        self.asked("destroy", "guest")
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()


@pytest.fixture(scope="module")
def libvirt() -> Iterator[Libvirt]:
    for name in ("libvirtd", "virsh", "qemu-system-x86_64"):
        program(name)
    if "--image-format" not in subprocess.run(
        [program("virsh"), "help", "save"], capture_output=True, text=True, check=False
    ).stdout:  # fmt: skip
        lacking("this libvirt is older than 11.2: it has no zstd and no sparse images")
    # Short, since paths of sockets may have 107 characters only.
    folder = Path(tempfile.mkdtemp(prefix="vmgen-"))
    folder.chmod(0o755)
    session = Libvirt(folder)
    try:
        assert session.started(), (folder / "log").read_text()
        yield session
    finally:
        session.close()
        shutil.rmtree(folder)


@pytest.mark.parametrize("form", FORMATS)
def test_a_running_domain_is_saved_edited_and_restored(
    form: str, libvirt: Libvirt, capsys: pytest.CaptureFixture[str]
) -> None:
    definition = libvirt.folder / "guest.xml"
    definition.write_text(DOMAIN.format(emulator=program("qemu-system-x86_64")))
    image, edited = libvirt.folder / f"image.{form}", libvirt.folder / f"edited.{form}"
    libvirt.virsh("create", str(definition))
    time.sleep(0.5)
    assert libvirt.virsh("domstate", "guest") == "running"
    libvirt.virsh("save", "guest", str(image), "--image-format", form, "--paused")

    number = int.from_bytes(image.read_bytes()[28:32], sys.byteorder)
    assert number == FORMATS.index(form)
    with Stream(image, packages()["x86_64"]) as stream:
        assert stream.carriers == (
            "libvirt",
            *(() if form in ("raw", "sparse") else (form,)),
        )
        assert all(one.difference is None for one in verify(stream))
        old = stream.state(stream.section("cpu")).env.regs[3]
    assert old != 0x12345678

    assert run(["stream", "verify", str(image)]) == 0
    assert run(["stream", "edit", str(image), "cpu/0.env.regs[3]=0x12345678", "-o", str(edited)]) == 0  # fmt: skip
    edited.chmod(0o644)
    assert run(["stream", "diff", str(image), str(edited)]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith(f"{image}: identical: ")
    shown = str(old) if old < 10 else f"{old:#x}"
    assert out[1:] == [f"cpu/0.env.regs[3] (rbx) {shown} -> 0x12345678"]

    for file, value in ((edited, 0x12345678), (image, old)):
        libvirt.virsh("restore", str(file), "--paused")
        found = libvirt.registers()
        assert f"EBX={value:08x}" in found or f"RBX={value:016x}" in found
        libvirt.virsh("resume", "guest")
        assert libvirt.virsh("domstate", "guest") == "running"
        libvirt.virsh("destroy", "guest")
